"""Years on arrays: windows with any beginning, their means, gaps and degree-days, running means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Windows:
    """
    Whole years over a grid of days: row numbers where each year and each of its months begins, after padding.

    Parameters
    ----------
    label : ndarray of int, shape (years,)
        The calendar year in which the window ends.
    start, end : datetime64[D] array, shape (years,)
        First and last day of the window.
    before, after : int
        Days that must be put before and after the grid to make every window whole.
    year_row : ndarray of int, shape (years,)
        Row at which each window begins in the padded grid.
    month_row : ndarray of int, shape (12 * years,)
        Row at which each month of each window begins.
    days : ndarray of int, shape (years,)
        Days of each window, 365 or 366.
    """

    label: Integers
    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    before: int
    after: int
    year_row: Integers
    month_row: Integers
    days: Integers

    def padded(self, grid: Floats) -> Floats:
        """The grid with rows of NaN before and after, so that every window is whole."""
        shape = (self.before + grid.shape[0] + self.after, grid.shape[1])
        whole = np.full(shape, np.nan)
        whole[self.before:self.before + grid.shape[0]] = grid
        return whole


def windows(first: int, n_days: int, *, month: int = 1, day: int = 1) -> Windows:
    """
    The years that touch a grid of days.

    Parameters
    ----------
    first, n_days : int
        Day number (since 1970-01-01) of the first row, and number of rows (at least 1).
    month, day : int
        On which date a year begins; months of a window begin on the same day of the month. `day` is at most 28.

    Examples
    --------
    >>> w = windows(int(np.datetime64("2019-12-30").astype(int)), 5)
    >>> w.label, w.days, (w.before, w.after)
    (array([2019, 2020]), array([365, 366]), (363, 363))
    """
    grid = (first + np.array([0, n_days - 1])).astype("M8[D]")
    shifted = (grid - np.timedelta64(day - 1, "D")).astype("M8[M]").astype(np.int64) - (month - 1)
    years = np.arange(shifted[0] // 12, shifted[1] // 12 + 1)
    months = np.arange(years[0] * 12, (years[-1] + 1) * 12 + 1) + (month - 1)
    begins = months.astype("M8[M]").astype("M8[D]").astype(np.int64) + (day - 1)
    start, end = begins[:-1:12], begins[12::12] - 1
    label = end.astype("M8[D]").astype("M8[Y]").astype(np.int64) + 1970
    return Windows(label, start.astype("M8[D]"), end.astype("M8[D]"), int(first - begins[0]),
                   int(begins[-1] - first - n_days), start - begins[0], begins[:-1] - begins[0], end - start + 1)


@dataclass(frozen=True, slots=True)
class YearSums:
    """
    What a year of daily means comes to, years x columns; counts are of days.

    Parameters
    ----------
    n : ndarray of int
        Days with a mean.
    mean, low, high : ndarray
        Mean, lowest and highest daily mean of the days there are [°C]; NaN without a day.
    thawing, freezing : ndarray
        Degree-days of the days there are, both positive, scaled to the whole window by days / n [K d], so that
        mean = (thawing - freezing) / days holds whatever is missing.
    longest_gap : ndarray of int
        Longest run of missing days within the window, its two ends included.
    month_share : ndarray
        Share of days of the poorest month.
    empty_months, poorest_missing, poorest_run : ndarray of int
        Months without any day; most missing days, and longest run of missing days, in any one month.
    """

    n: Integers
    mean: Floats
    low: Floats
    high: Floats
    thawing: Floats
    freezing: Floats
    longest_gap: Integers
    month_share: Floats
    empty_months: Integers
    poorest_missing: Integers
    poorest_run: Integers


def missing_runs(missing: Booleans, begin: Integers) -> Integers:
    """
    For each day how many missing days in a row end with it, counted afresh at each row in `begin`.

    Examples
    --------
    >>> missing_runs(np.array([[True], [True], [False], [True], [True]]), np.array([0, 4])).ravel()
    array([1, 2, 0, 1, 1])
    """
    row = np.arange(missing.shape[0])[:, None]
    opening = np.full(missing.shape[0], -1)
    opening[begin] = begin - 1
    last = np.where(missing, np.maximum.accumulate(opening)[:, None], row)
    runs: Integers = row - np.maximum.accumulate(last, axis=0)
    return runs


def year_sums(grid: Floats, where: Windows) -> YearSums:
    """
    Sums over whole years of a padded grid of daily means.

    Parameters
    ----------
    grid : ndarray, shape (days, m)
        Daily means [°C], padded by `where.padded`; NaN where missing.
    where : Windows
        From `windows`.

    Examples
    --------
    >>> w = windows(18262, 366)                                   # 2020
    >>> s = year_sums(np.r_[np.full(183, -2.0), np.full(183, 4.0)][:, None], w)
    >>> s.mean[0, 0], (s.thawing - s.freezing)[0, 0] / 366, s.longest_gap[0, 0]
    (np.float64(1.0), np.float64(1.0), np.int64(0))
    """
    year, month = where.year_row, where.month_row
    present = ~np.isnan(grid)
    value = np.where(present, grid, 0.0)
    n = np.add.reduceat(present, year, axis=0, dtype=np.int64)
    total = np.add.reduceat(value, year, axis=0)
    warm = np.add.reduceat(np.maximum(value, 0.0), year, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        scale = np.where(n > 0, where.days[:, None] / n, np.nan)
    month_days = np.diff(np.r_[month, grid.shape[0]])[:, None]
    month_n = np.add.reduceat(present, month, axis=0, dtype=np.int64)
    missing = ~present
    by_year = (-1, 12, grid.shape[1])
    poorest_run = np.maximum.reduceat(missing_runs(missing, month), month, axis=0)
    return YearSums(
        n, mean, np.fmin.reduceat(grid, year, axis=0), np.fmax.reduceat(grid, year, axis=0),
        warm * scale, (warm - total) * scale,
        np.maximum.reduceat(missing_runs(missing, year), year, axis=0),
        (month_n / month_days).reshape(by_year).min(axis=1),
        (month_n == 0).reshape(by_year).sum(axis=1),
        (month_days - month_n).reshape(by_year).max(axis=1),
        poorest_run.reshape(by_year).max(axis=1),
    )


def shifted_degree_days(grid: Floats, where: Windows, n: Integers, shift: float | Floats) -> tuple[Floats, Floats]:
    """
    By how much thawing and freezing degree-days change when all days are warmer or colder by `shift`.

    Days farther than `shift` from 0 °C change them by `shift` each; nearer ones change side, or may.

    Parameters
    ----------
    grid : ndarray, shape (days, m)
        Daily means [°C], padded by `where.padded`; NaN where missing.
    where : Windows
        The years.
    n : ndarray of int, shape (years, m)
        Days with a value.
    shift : float or ndarray, shape (m,) or that of `grid`
        [K].

    Returns
    -------
    thawing, freezing : ndarray, shape (years, m)
        Root mean square of the two changes, scaled to the whole window [K d]; NaN without a day.

    Examples
    --------
    >>> w = windows(18262, 366)                                   # 2020
    >>> x = np.r_[np.full(166, -9.0), np.full(100, 0.0), np.full(100, 5.0)][:, None]
    >>> [float(change[0, 0].round(2)) for change in shifted_degree_days(x, w, np.array([[366]]), 0.1)]
    [15.81, 22.17]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = where.days[:, None] / np.where(n > 0, n, np.nan)
    value = np.where(np.isnan(grid), -np.inf, grid)
    # what days above 0 °C gain, and lose; days below it lose, and gain, the rest of the shift
    gain, loss = (np.add.reduceat(np.clip(value + by, 0.0, shift), where.year_row, axis=0) for by in (shift, 0.0))
    total = n * shift if np.ndim(shift) < 2 else np.add.reduceat(np.where(np.isnan(grid), 0.0, shift), where.year_row)
    thawing, freezing = (scale * np.sqrt((one**2 + two**2) / 2) for one, two in (
        (gain, loss), (total - gain, total - loss)))
    return thawing, freezing


def running_mean(grid: Floats, length: int = 365, *, longest_gap: int = 15) -> tuple[Floats, Integers, Booleans]:
    """
    Means over `length` days ending with each day, of the days there are.

    Parameters
    ----------
    grid : ndarray, shape (days, m)
        Daily means [°C]; NaN where missing.
    length : int
        Days of the window.
    longest_gap : int
        Longest run of missing days that is not called long.

    Returns
    -------
    mean : ndarray, shape (days, m)
        [°C]; NaN in the first `length - 1` rows, and for windows without a day.
    n : ndarray of int, shape (days, m)
        Days of the window that have a mean; of the first windows those since the first row.
    long_gap : ndarray of bool, shape (days, m)
        Whether more than `longest_gap` days in a row are missing within the window.

    Examples
    --------
    >>> running_mean(np.arange(5.0)[:, None], 3)[0].ravel()
    array([nan, nan,  1.,  2.,  3.])
    """
    present = ~np.isnan(grid)
    # summed as departures from the middle so that long records lose no digits
    middle = np.where(present, grid, 0.0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    value = np.where(present, grid - middle, 0.0)
    too_long = missing_runs(~present, np.array([0])) > longest_gap
    total, n = _window_sums(value, length), _window_sums(present.astype(float), length).astype(np.int64)
    # a run that began before the window counts only from the window's first day
    long_gap = _window_sums(too_long.astype(float), max(length - longest_gap, 0)) > 0
    mean = np.where(n > 0, total / np.maximum(n, 1) + middle, np.nan)
    mean[:length - 1] = np.nan
    return mean, n, long_gap


def _window_sums(values: Floats, length: int) -> Floats:
    """Sums over the `length` rows that end with each row, or over fewer at the begin."""
    sums = np.vstack([np.zeros((1, values.shape[1])), values.cumsum(axis=0)])
    end = np.arange(1, values.shape[0] + 1)
    inside: Floats = sums[end] - sums[np.maximum(end - length, 0)]
    return inside
