"""Streaming sums over time for many cells: months, degree-days, days above a threshold, wind speed."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Values = NDArray[np.float32] | NDArray[np.float64]


@njit(cache=True, nogil=True, fastmath=False)
def add_months(block: Values, month: NDArray[np.int64], total: Floats, count: NDArray[np.int32]) -> None:
    """
    Add a block of steps to the sums and counts of the calendar months, in place.

    Parameters
    ----------
    block : ndarray of float32 or float64, shape (n, c)
        Values; NaN where missing.
    month : ndarray of int, shape (n,)
        0 for January to 11; -1 leaves the step out.
    total : ndarray of float64, shape (12, c)
        Sums, accumulated in float64 whatever the block's type.
    count : ndarray of int32, shape (12, c)
        Numbers of values that are not NaN.
    """
    n, cells = block.shape
    run = np.empty(cells, np.float64)
    k = 0
    while k < n:
        m = month[k]
        end = k + 1
        while end < n and month[end] == m:
            end += 1
        if m >= 0:
            run[:] = 0.0
            step = k
            while step + 3 < end:                       # four steps a sweep: fewer passes over the sums
                for c in range(cells):
                    run[c] += ((np.float64(block[step, c]) + np.float64(block[step + 1, c]))
                               + (np.float64(block[step + 2, c]) + np.float64(block[step + 3, c])))
                step += 4
            while step < end:
                for c in range(cells):
                    run[c] += np.float64(block[step, c])
                step += 1
            for c in range(cells):
                if run[c] == run[c]:
                    total[m, c] += run[c]
                    count[m, c] += end - k
                else:                                   # some step is missing here: once more, with care
                    for step in range(k, end):
                        value = np.float64(block[step, c])
                        if value == value:
                            total[m, c] += value
                            count[m, c] += 1
        k = end


@njit(cache=True, nogil=True)
def add_packed_months(block: NDArray[np.int16], month: NDArray[np.int64], missing: int, total: Floats,
                      count: NDArray[np.int32]) -> None:
    """
    Add a block of packed steps to the sums and counts of the calendar months, in place and exactly: whole numbers.

    Parameters
    ----------
    block : ndarray of int16, shape (n, c)
        Values as packed.
    month : ndarray of int, shape (n,)
        0 for January to 11; -1 leaves the step out.
    missing : int
        The packed value that stands for a missing one; outside int16 where there is none.
    total, count
        See `add_months`; the sums are of packed values.
    """
    n, cells = block.shape
    run, here = np.empty(cells, np.int32), np.empty(cells, np.int32)
    k = 0
    while k < n:
        m = month[k]
        end = k + 1
        while end < n and month[end] == m and end - k < 60_000:      # so many int16 fit into an int32
            end += 1
        if m >= 0:
            run[:] = 0
            here[:] = 0
            for step in range(k, end):
                for c in range(cells):
                    value = np.int32(block[step, c])
                    known = np.int32(value != missing)
                    run[c] += value * known
                    here[c] += known
            for c in range(cells):
                total[m, c] += run[c]
                count[m, c] += here[c]
        k = end


@njit(cache=True, nogil=True)
def add_days(block: Values, day: NDArray[np.int64], month: NDArray[np.int64], open_day: NDArray[np.int64],
             day_sum: Floats, day_count: NDArray[np.int32], need: int, zero: float, above: Floats, below: Floats,
             reach: Floats, days: NDArray[np.int32]) -> None:
    """
    Add a block of steps to daily means, and every day that closes to the month's sums of its excesses, in place.

    Parameters
    ----------
    block : ndarray, shape (n, c)
        Values; NaN where missing.
    day, month : ndarray of int, shape (n,)
        Day number, ascending, and calendar month 0-11; month -1 leaves the step out.
    open_day : ndarray of int, shape (2,)
        Day number and month of the day that is not closed yet; -1 when none is.
    day_sum, day_count : ndarray, shape (c,)
        Sum and number of the open day's values.
    need : int
        Values a day must have to count.
    zero : float
        Threshold of the daily mean.
    above, below, reach : ndarray of float64, shape (12, c)
        Sums of max(mean - zero, 0), of max(zero - mean, 0), and number of days with mean >= zero.
    days : ndarray of int32, shape (12, c)
        Numbers of days that counted.
    """
    n, cells = block.shape
    for k in range(n):
        if month[k] < 0:
            continue
        if day[k] != open_day[0]:
            close_day(open_day, day_sum, day_count, need, zero, above, below, reach, days)
            open_day[0] = day[k]
            open_day[1] = month[k]
        for c in range(cells):
            value = np.float64(block[k, c])
            if value == value:
                day_sum[c] += value
                day_count[c] += 1


@njit(cache=True, nogil=True)
def close_day(open_day: NDArray[np.int64], day_sum: Floats, day_count: NDArray[np.int32], need: int, zero: float,
              above: Floats, below: Floats, reach: Floats, days: NDArray[np.int32]) -> None:
    """Close the open day, in place: its mean joins the month's sums where it has enough values (see `add_days`)."""
    if open_day[0] >= 0:
        m = open_day[1]
        for c in range(day_sum.size):
            if day_count[c] >= need:
                excess = day_sum[c] / day_count[c] - zero
                if excess >= 0.0:
                    above[m, c] += excess
                    reach[m, c] += 1.0
                else:
                    below[m, c] -= excess
                days[m, c] += 1
            day_sum[c] = 0.0
            day_count[c] = 0
    open_day[0] = -1


@njit(cache=True, nogil=True)
def speed(u: Values, v: Values) -> Values:
    """Length of the vectors (u, v), in the type of `u`; NaN where a component is."""
    out = np.empty_like(u)
    flat_u, flat_v, flat = u.ravel(), v.ravel(), out.ravel()
    for k in range(flat.size):
        flat[k] = np.sqrt(np.float64(flat_u[k]) ** 2 + np.float64(flat_v[k]) ** 2)
    return out


@njit(cache=True, nogil=True)
def add_whole_days(block: Values, month: NDArray[np.int64], zero: float, above: Floats, below: Floats, reach: Floats,
                   days: NDArray[np.int32]) -> None:
    """Add a block whose every step is one day (see `add_days`), in place."""
    n, cells = block.shape
    for k in range(n):
        m = month[k]
        if m < 0:
            continue
        for c in range(cells):
            excess = np.float64(block[k, c]) - zero
            above[m, c] += excess if excess >= 0.0 else 0.0
            below[m, c] -= excess if excess < 0.0 else 0.0
            reach[m, c] += 1.0 if excess >= 0.0 else 0.0
            days[m, c] += 1 if excess == excess else 0
