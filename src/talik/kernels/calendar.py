"""Days and years on arrays: sampling step, daily means, windows of a year, gaps, degree-days."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

DAY_US = 86_400_000_000


def sampling_step(times: NDArray[np.datetime64]) -> float:
    """
    The step of a series: its most frequent difference between neighbouring stamps.

    Parameters
    ----------
    times : datetime64 array, shape (n,)
        Stamps, ascending. Repeated stamps are passed over.

    Returns
    -------
    step : float
        [s], to the whole minute when it is a minute or more (loggers stray by seconds). NaN with fewer than two stamps.

    Examples
    --------
    >>> sampling_step(np.array(["2020-01-01T00", "2020-01-01T03", "2020-01-01T06", "2020-01-05T06"], "M8[us]"))
    10800.0
    """
    us: Integers = times.astype("M8[us]").astype(np.int64)
    steps: Floats = np.diff(us) / 1e6
    steps = steps[steps > 0]
    if not steps.size:
        return float("nan")
    rounded = np.where(steps >= 60, np.round(steps / 60) * 60, steps)
    first = rounded[0]
    if np.count_nonzero(rounded == first) * 2 > rounded.size:
        return float(first)
    found, count = np.unique(rounded, return_counts=True)
    return float(found[np.argmax(count)])


def expected_per_day(times: NDArray[np.datetime64], day: Integers, first: int, n_days: int) -> Floats:
    """
    How many samples a whole day has, day by day, found from the stamps.

    One step serves the whole record when nine tenths of the differences agree with it; otherwise each ten days
    have their own (a logger may be set from half-hours to three hours), and ten days without two stamps take
    the step of those before.

    Parameters
    ----------
    times : datetime64 array, shape (n,)
        Stamps, ascending.
    day : ndarray of int, shape (n,)
        Day number of each stamp.
    first, n_days : int
        First day number and number of days asked for.

    Returns
    -------
    expected : ndarray, shape (n_days,)
        Samples of a whole day; below 1 for steps longer than a day; NaN where no step can be told.
    """
    step = sampling_step(times)
    us = times.astype("M8[us]").astype(np.int64)
    steps = np.diff(us) / 1e6
    steps_of_all = steps[steps > 0]
    if not steps_of_all.size or np.mean(np.abs(steps_of_all - step) <= 0.05 * step) >= 0.9:
        return np.full(n_days, 86400.0 / step)
    expected = np.full(n_days, np.nan)
    block = (day - first) // 10
    edges = np.flatnonzero(np.r_[True, np.diff(block) > 0, True])
    for lo, hi in pairwise(edges):
        if hi - lo > 2:
            start = int(block[lo]) * 10
            expected[start:start + 10] = 86400.0 / sampling_step(times[lo:hi])
    known = np.where(np.isnan(expected), -1, np.arange(n_days))
    filled = np.maximum.accumulate(known)
    filled = np.where(filled < 0, known[known >= 0][0] if (known >= 0).any() else 0, filled)
    return expected[filled]


@dataclass(frozen=True, slots=True)
class Daily:
    """
    Daily means on a grid without holes.

    Parameters
    ----------
    first : int
        Day number (since 1970-01-01) of row 0.
    mean : ndarray, shape (days, m)
        Daily means [°C]; NaN where a day has too few samples.
    count, expected : ndarray, shape (days, m)
        Samples of the day, and samples a whole day has.
    """

    first: int
    mean: Floats
    count: Integers
    expected: Floats

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """The days, as dates."""
        dates: NDArray[np.datetime64] = (self.first + np.arange(self.mean.shape[0])).astype("M8[D]")
        return dates


def first_of_stamp(times: NDArray[np.datetime64], values: Floats) -> tuple[NDArray[np.datetime64], Floats]:
    """
    Stamps in order and once each: copies that agree become one; where they disagree nobody knows, so NaN.

    Parameters
    ----------
    times : datetime64 array, shape (n,)
        Stamps in any order.
    values : ndarray, shape (n, m)
        NaN where missing; a missing copy does not contradict a present one.

    Returns
    -------
    times : datetime64 array, shape (k,)
        Ascending, unique.
    values : ndarray, shape (k, m)

    Examples
    --------
    >>> t = np.array(["2020-01-02", "2020-01-01", "2020-01-01", "2020-01-02"], "M8[us]")
    >>> first_of_stamp(t, np.array([[1.0], [2.0], [2.0], [9.0]]))[1].ravel()
    array([ 2., nan])
    """
    steps = np.diff(times.astype(np.int64))
    if steps.size == 0 or (steps > 0).all():
        return times, values
    if (steps < 0).any():
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    start = np.flatnonzero(np.r_[True, np.diff(times.astype(np.int64)) > 0])
    low = np.fmin.reduceat(values, start, axis=0)
    high = np.fmax.reduceat(values, start, axis=0)
    return times[start], np.where(low == high, low, np.nan)


def daily(times: NDArray[np.datetime64], values: Floats, *, min_fraction: float = 0.8,
          offset_hours: float = 0.0) -> Daily:
    """
    Daily means of every column; a day with fewer than `min_fraction` of its samples has none.

    Parameters
    ----------
    times : datetime64 array, shape (n,)
        UTC, in any order; repeated stamps are treated as `first_of_stamp` says.
    values : ndarray, shape (n, m)
        Temperatures [°C]; NaN where missing.
    min_fraction : float
        Smallest share of a day's samples. The step is found from the stamps, or, in a column that is mostly
        empty (a slow sensor in a fast table), from the stamps at which the column has values.
    offset_hours : float
        Added to UTC before days are cut, so that a day is the day of the file's own clock.

    Returns
    -------
    Daily
        From the first to the last day that has a stamp. Steps longer than a day give no daily mean at all.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2020-01-03", dtype="M8[h]")
    >>> daily(t, np.arange(48.0)[:, None]).mean.ravel()
    array([11.5, 35.5])
    """
    times, values = first_of_stamp(times.astype("M8[us]"), values)
    if not times.size:
        empty = np.empty((0, values.shape[1]))
        return Daily(0, empty, empty.astype(np.int64), empty)
    day = (times.astype(np.int64) + round(offset_hours * 3.6e9)) // DAY_US
    start = np.flatnonzero(np.r_[True, np.diff(day) > 0])
    first, n_days = int(day[0]), int(day[-1] - day[0]) + 1
    present = ~np.isnan(values)
    total = np.add.reduceat(np.where(present, values, 0.0), start, axis=0)
    count = np.zeros((n_days, values.shape[1]), dtype=np.int64)
    rows = day[start] - first
    count[rows] = np.add.reduceat(present, start, axis=0, dtype=np.int64)
    expected = np.repeat(expected_per_day(times, day, first, n_days)[:, None], values.shape[1], axis=1)
    for column in np.flatnonzero(2 * present.sum(axis=0) < times.size):
        own = present[:, column]
        if np.count_nonzero(own) > 1:
            expected[:, column] = expected_per_day(times[own], day[own], first, n_days)
    mean = np.full(count.shape, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean[rows] = total / count[rows]
    whole = (count >= np.ceil(min_fraction * expected - 1e-9)) & (count > 0) & (expected > 0.99)
    mean[~whole] = np.nan
    return Daily(first, mean, count, expected)


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
