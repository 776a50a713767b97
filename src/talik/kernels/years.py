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


def running_mean(grid: Floats, length: int = 365, *, min_share: float = 0.9, longest_gap: int = 15) -> Floats:
    """
    Means over `length` days ending with each day, where enough days are there and no gap is too long.

    Parameters
    ----------
    grid : ndarray, shape (days, m)
        Daily means [°C]; NaN where missing.
    length : int
        Days of the window.
    min_share : float
        Smallest share of days with a mean.
    longest_gap : int
        Longest run of missing days allowed within the window.

    Returns
    -------
    mean : ndarray, shape (days, m)
        [°C]; NaN in the first `length - 1` rows and wherever the window is not whole enough.

    Examples
    --------
    >>> running_mean(np.arange(5.0)[:, None], 3).ravel()
    array([nan, nan,  1.,  2.,  3.])
    """
    result = np.full(grid.shape, np.nan)
    if grid.shape[0] < length:
        return result
    present = ~np.isnan(grid)
    # summed as departures from the middle so that long records lose no digits
    middle = np.nanmean(grid, axis=0) if present.any() else np.zeros(grid.shape[1])
    value = np.where(present, grid - np.nan_to_num(middle), 0.0)
    zero = np.zeros((1, grid.shape[1]))
    total, n = np.vstack([zero, value.cumsum(axis=0)]), np.vstack([zero, present.cumsum(axis=0)])
    too_long = np.vstack([zero, (missing_runs(~present, np.array([0])) > longest_gap).cumsum(axis=0)])
    days = n[length:] - n[:-length]
    inside = min(longest_gap, length)      # a run that began before the window counts only from the window's first day
    gaps = too_long[length:] - too_long[inside:inside + days.shape[0]]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (total[length:] - total[:-length]) / days + middle
    result[length - 1:] = np.where((days >= min_share * length) & (gaps == 0), mean, np.nan)
    return result
