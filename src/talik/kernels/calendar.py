"""Days on arrays: sampling step, daily means, daily spread."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    return _commonest(_steps(times))


def _steps(times: NDArray[np.datetime64]) -> Floats:
    """Differences between neighbouring stamps that are not the same [s]; one stands for all when all are alike."""
    us: Integers = times.astype("M8[us]").astype(np.int64)
    us = us[1:] - us[:-1]
    if us.size and (us == us[0]).all():
        us = us[:1]
    steps: Floats = us[us > 0] / 1e6
    return steps


def _commonest(steps: Floats) -> float:
    if not steps.size:
        return float("nan")
    rounded = np.where(steps >= 60, np.round(steps / 60) * 60, steps)
    first = rounded[0]
    if np.count_nonzero(rounded == first) * 2 > rounded.size:
        return float(first)
    found, count = np.unique(rounded, return_counts=True)
    return float(found[np.argmax(count)])


def _prevailing(steps: Floats) -> float:
    """The most frequent step; where that is of bursts, a longer one that makes up three quarters of the time."""
    commonest = _commonest(steps)
    for step in np.unique(np.round(steps[steps > 2 * commonest] / 60) * 60):
        if steps[np.abs(steps - step) <= 0.05 * step].sum() >= 0.75 * steps.sum() > 3 * step:
            return float(step)
    return commonest


def expected_per_day(times: NDArray[np.datetime64], day: Integers, first: int, n_days: int) -> Floats:
    """
    How many samples a whole day has, day by day, found from the stamps.

    One step serves the whole record when nine tenths of the differences agree with it and the others, gaps of more than
    two days aside, make up no more than five days. Otherwise each ten days have their own (a logger may be set from
    half-hours to three hours; twice the record's step is believed where four fifths of eight differences agree, else
    rows are missing, as days are where a daily record has longer ones), and ten days without two stamps take the step
    of those before.

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
    steps = _steps(times)
    step = _commonest(steps)
    other = steps[np.abs(steps - step) > 0.05 * step]
    if other.size <= 0.1 * steps.size and other[other <= 2 * 86400].sum() <= 5 * 86400:
        return np.full(n_days, 86400.0 / step)
    expected = np.full(n_days, np.nan)
    block = (day - first) // 10
    edges = np.flatnonzero(np.r_[True, np.diff(block) > 0, True])
    for lo, hi in pairwise(edges):
        if hi - lo > 2:
            start, own = int(block[lo]) * 10, _steps(times[lo:hi])
            longer = _prevailing(own)
            steady = hi - lo >= 9 and np.mean(np.abs(own - longer) <= 0.05 * longer) >= 0.8
            riddled = longer > 1.5 * step and (step >= 86400 or (longer < 3 * step and not steady))
            expected[start:start + 10] = 86400.0 / (step if riddled else longer)
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
        Samples of the day, and samples a whole day has; NaN where no step can be told.
    hours : ndarray, shape (2, days, m), optional
        What missing samples do to each mean [K], from `talik.kernels.daily_wave.hour_errors`.
    """

    first: int
    mean: Floats
    count: Integers
    expected: Floats
    hours: Floats | None = None

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """The days, as dates."""
        dates: NDArray[np.datetime64] = (self.first + np.arange(self.mean.shape[0])).astype("M8[D]")
        return dates

    @property
    def once_a_day(self) -> Booleans:
        """Days of steps of 15 to 23 hours: most have one sample, at another hour every day."""
        return (self.expected > 1.01) & (self.expected < 1.7)

    @property
    def partial(self) -> Booleans:
        """Days that have some of their samples."""
        # a step of 50 minutes gives 28 or 29 a day
        partial: Booleans = (self.count > 0) & (np.floor(self.expected + 0.01) - self.count > 0.5)
        return partial

    def whole(self, min_fraction: float) -> Daily:
        """NaN for days with fewer than `min_fraction` of their samples, `once_a_day`, and steps beyond a day."""
        # of 28.8 samples a day, as of a step of 50 minutes, a whole day may have 28
        least = np.minimum(np.ceil(min_fraction * self.expected - 1e-9), np.floor(self.expected + 1e-9))
        whole = (self.count >= least) & (self.count > 0) & (self.expected > 0.99) & ~self.once_a_day
        return replace(self, mean=np.where(whole, self.mean, np.nan))


def _day_sums(values: Floats, start: Integers) -> tuple[Floats, Integers]:
    """Sums and numbers of the values from each row in `start` to the next, NaN left out, column by column."""
    edge = np.r_[start, values.shape[0]]
    total = np.empty((start.size, values.shape[1]))
    count = np.repeat(np.diff(edge)[:, None], values.shape[1], axis=1)
    # turned over in pieces that stay in the cache, so that every sum runs over neighbours
    step = max(1, 2000 * start.size // max(values.shape[0], 1))
    for first in range(0, start.size, step):
        last = min(first + step, start.size)
        piece, begin = values[edge[first]:edge[last]].T.copy(), start[first:last] - edge[first]
        missing = np.isnan(piece)
        if missing.any():
            piece[missing] = 0.0
            count[first:last] -= np.add.reduceat(missing, begin, axis=1, dtype=np.int64).T
        total[first:last] = np.add.reduceat(piece, begin, axis=1).T
    return total, count


def _is_steady(times: NDArray[np.datetime64]) -> bool:
    """Whether four fifths of at least ten differences agree: a step of its own rather than a riddled series."""
    if times.size < 11:
        return False
    us: Integers = times.astype(np.int64)
    return bool(np.mean(np.abs(np.diff(us) / 1e6 - sampling_step(times)) < 60) >= 0.8)


def day_numbers(times: NDArray[np.datetime64], offset_hours: float = 0.0) -> Integers:
    """Days since 1970-01-01 on a clock that is `offset_hours` ahead of UTC."""
    days: Integers = (times.astype("M8[us]").astype(np.int64) + round(offset_hours * 3.6e9)) // DAY_US
    return days


def daily_spread(times: NDArray[np.datetime64], values: Floats, *, least: int = 1,
                 offset_hours: float = 0.0) -> tuple[Integers, Floats, Floats, Floats]:
    """
    Lowest and highest value and standard deviation of every day of one column, on a grid without holes.

    Parameters
    ----------
    times : datetime64 array, shape (n,)
        Any order.
    values : ndarray, shape (n,)
        Without NaN [°C].
    least : int
        Days with fewer samples are NaN.

    Returns
    -------
    day, low, high, spread : ndarray
        Day numbers; [°C], [°C], [K].
    """
    if not times.size:
        nothing = np.empty(0)
        return np.empty(0, dtype=np.int64), nothing, nothing, nothing
    number = day_numbers(times, offset_hours)
    order = np.argsort(number, kind="stable")
    start = np.flatnonzero(np.r_[True, np.diff(number[order]) > 0])
    x, count = values[order], np.diff(np.r_[start, number.size])
    middle = np.add.reduceat(x, start) / count
    squares = np.add.reduceat((x - np.repeat(middle, count)) ** 2, start)
    first = int(number.min())
    grid = np.full((3, int(number.max()) - first + 1), np.nan)
    enough = count >= least
    rows = number[order][start][enough] - first
    for k, sums in enumerate((np.minimum.reduceat(x, start), np.maximum.reduceat(x, start), np.sqrt(squares / count))):
        grid[k, rows] = sums[enough]
    return first + np.arange(grid.shape[1]), grid[0], grid[1], grid[2]


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


def _thinned(times: NDArray[np.datetime64], values: Floats, day: Integers, expected: Floats,
             offset_hours: float) -> tuple[NDArray[np.datetime64], Floats]:
    """
    One sample a step on days that have more of them than their step allows, the others averaged into it.

    Readings at ten minutes about noon among hourly ones would else draw the day's mean to noon.
    """
    first = day[0]
    crowded = (np.bincount(day - first, minlength=expected.size) > 1.05 * expected + 1) & (expected >= 1.5)
    if not crowded.any():
        return times, values
    within = crowded[day - first]
    since = times.astype(np.int64) + round(offset_hours * 3.6e9) - day * DAY_US
    steps = np.where(within, np.floor(since / DAY_US * expected[day - first] + 1e-9), np.arange(times.size))
    start = np.flatnonzero(np.r_[True, (np.diff(day) > 0) | (np.diff(steps) != 0) | ~within[1:]])
    total, count = _day_sums(values, start)
    with np.errstate(invalid="ignore"):
        return times[start], total / count


def _hourly(times: NDArray[np.datetime64], values: Floats, day: Integers, expected: Floats, uneven: Booleans,
            offset_hours: float) -> tuple[NDArray[np.datetime64], Floats]:
    """
    Values at every half past of the uneven days, on straight lines between samples; other days as they are.

    Samples 14 hours apart fall once on a day, about noon, or twice: means of the samples themselves would count noons
    double. A sample that is missing leaves the hours that are nearest to it without a value.
    """
    day_us = (day[0] + np.flatnonzero(uneven)) * DAY_US - round(offset_hours * 3.6e9)
    hours = (day_us[:, None] + (np.arange(24) * 2 + 1) * (DAY_US // 48)).ravel()
    step = np.repeat(DAY_US / expected[uneven], 24)
    between, us = np.full((hours.size, values.shape[1]), np.nan), times.astype(np.int64)
    for k in range(values.shape[1]):
        known = ~np.isnan(values[:, k])
        own = us[known]
        if own.size:
            after = np.searchsorted(own, hours)
            since = np.where(after > 0, hours - own[after - 1], np.inf)
            until = np.where(after < own.size, own[np.minimum(after, own.size - 1)] - hours, np.inf)
            near = (since + until <= 1.5 * step) | (np.minimum(since, until) <= step / 2)
            between[near, k] = np.interp(hours[near], own, values[known, k])
    even = ~uneven[day - day[0]]
    merged = np.r_[us[even], hours]
    order = np.argsort(merged, kind="stable")
    return merged[order].astype("M8[us]"), np.vstack([values[even], between])[order]


def daily(times: NDArray[np.datetime64], values: Floats, *, offset_hours: float = 0.0) -> Daily:
    """
    Daily means of every column, of however many samples there are; `Daily.whole` leaves out days with too few.

    Parameters
    ----------
    times : datetime64 array, shape (n,)
        UTC, in any order; repeated stamps are treated as `first_of_stamp` says.
    values : ndarray, shape (n, m)
        Temperatures [°C]; NaN where missing.
    offset_hours : float
        Added to UTC before days are cut, so that a day is the day of the file's own clock.

    Returns
    -------
    Daily
        From the first to the last day that has a stamp. The step, and with it the samples expected of a day, is found
        from the stamps, or, in a column that is mostly empty at a steady step (a slow sensor in a fast table), from
        the stamps at which it has values. Days with more samples than their step allows (bursts of readings) have
        those within one step averaged first, and counted as one. A step of 1 to 14 hours that does not divide the day
        (5 or 14 hours) counts as hourly values on straight lines between its samples.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2020-01-02T12", dtype="M8[h]")
    >>> days = daily(t, np.arange(36.0)[:, None])
    >>> days.mean.ravel(), days.whole(0.8).mean.ravel()
    (array([11.5, 29.5]), array([11.5,  nan]))
    """
    times, values = first_of_stamp(times.astype("M8[us]"), values)
    if not times.size:
        empty = np.empty((0, values.shape[1]))
        return Daily(0, empty, empty.astype(np.int64), empty)
    day = day_numbers(times, offset_hours)
    first, n_days = int(day[0]), int(day[-1] - day[0]) + 1
    usual = expected_per_day(times, day, first, n_days)
    times, values = _thinned(times, values, day, usual, offset_hours)
    day = day_numbers(times, offset_hours) if times.size < day.size else day
    uneven = (usual >= 1.7) & (usual < 24) & (np.abs(usual - np.round(usual)) > 0.01 * usual)
    if uneven.any():
        times, values = _hourly(times, values, day, usual, uneven, offset_hours)
        day, usual = day_numbers(times, offset_hours), np.where(uneven, 24.0, usual)
    start = np.flatnonzero(np.r_[True, np.diff(day) > 0])
    mean, count = np.full((n_days, values.shape[1]), np.nan), np.zeros((n_days, values.shape[1]), dtype=np.int64)
    rows = day[start] - first
    total, count[rows] = _day_sums(values, start)
    with np.errstate(invalid="ignore"):
        mean[rows] = total / count[rows]
    expected = np.repeat(usual[:, None], values.shape[1], axis=1)
    for column in np.flatnonzero(2 * count.sum(axis=0) < times.size):
        own = ~np.isnan(values[:, column])
        if _is_steady(times[own]):
            expected[:, column] = expected_per_day(times[own], day[own], first, n_days)
    return Daily(first, mean, count, expected)
