"""The mean daily wave of a column, and what missing samples do to the mean of a day by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.kernels.calendar import DAY_US, Daily

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_FEWEST = 5
"""Samples of an hour that tell its place in the daily wave."""

_TURNS = 3


def hour_errors(times: NDArray[np.datetime64], values: Floats, days: Daily, *, offset_hours: float = 0.0) -> Floats:
    """
    What missing samples do to the mean of each day, going by the column's other days.

    By the mean daily wave of the month (with the months beside it, at hours that it has fewer than five times in all
    years), the samples there are stand off from the mean of all; what it leaves scatters, and missing samples take
    their share. The wave of another season tells nothing: summer nights are not as winter nights.

    Parameters
    ----------
    times : datetime64 array, shape (n,)
        UTC.
    values : ndarray, shape (n, m)
        [°C]; NaN where missing.
    days : Daily
        Their daily means.
    offset_hours : float
        As for `talik.kernels.calendar.daily`.

    Returns
    -------
    ndarray, shape (2, days, m)
        By how much the wave draws the day's mean [K, signed], and the standard uncertainty beyond that [K]; 0 for days
        that have all samples and for those without any, NaN where no wave is known at the hours there are.

    Examples
    --------
    >>> from talik.kernels.calendar import daily
    >>> t = np.arange("2020-06-01", "2020-06-21", dtype="M8[h]")
    >>> x = 5.0 + 3.0 * np.sin(2 * np.pi * np.arange(480) / 24)[:, None]
    >>> x[-6:] = np.nan                                                     # the last day's cold evening
    >>> days = daily(t, x)
    >>> hour_errors(t, x, days)[0, -1].round(2), (days.mean[-1] - 5).round(2)
    (array([0.72]), array([0.72]))
    """
    found, partial = np.zeros((2, *days.mean.shape)), days.partial
    columns = np.flatnonzero(partial.any(axis=0))
    if not columns.size:
        return found
    since = times.astype("M8[us]").astype(np.int64) + round(offset_hours * 3.6e9)
    month = days.dates.astype("M8[M]").astype(np.int64) % 12
    drawn, left, known = _daily_waves(since // (DAY_US // 24) - 24 * days.first, values, columns, month)
    whole = np.floor(days.expected[:, columns] + 0.01)
    drawn[np.minimum(whole, 24) > known[month]] = np.nan    # hours without a sample in the season are of unknown warmth
    share = 1.5 * (1 - days.count[:, columns] / whole)
    found[:, :, columns] = np.where(partial[:, columns], [drawn, share * left[month]], 0.0)
    return found


def _daily_waves(hour: Integers, values: Floats, columns: Integers, month: Integers) -> tuple[Floats, Floats, Integers]:
    """
    By how much the wave draws each day's mean (days x columns); by month, what it leaves, and hours it has.

    Days and hours are fitted in turn: the mean of a day without its night is too warm by what the wave says it is. What
    all hours add up to is summed once, as departures from the day's mean; each turn looks at missing hours alone.
    """
    shape = columns.size, 12, 24
    sums, squares, empty = np.zeros(shape), np.zeros(shape[:2]), []
    begin = np.flatnonzero(np.diff(month, prepend=-1))
    for place, column in enumerate(columns):
        x = _by_hour(hour, values[:, column], month.size)
        none = np.flatnonzero(np.isnan(x))
        x.ravel()[none] = 0.0
        x -= (np.einsum("dh->d", x) / np.maximum(24 - np.bincount(none // 24, minlength=month.size), 1))[:, None]
        x.ravel()[none] = 0.0
        np.add.at(sums[place], month[begin], np.add.reduceat(x, begin, axis=0))
        np.add.at(squares[place], month, np.einsum("dh,dh->d", x, x))
        empty.append(none + place * x.size)
    missing = np.concatenate(empty)                         # hours of all columns, one behind the other; so are days
    day, own = missing // 24, (12 * np.arange(columns.size)[:, None] + month).ravel()
    cell = own[day] * 24 + missing % 24

    def monthly(parts: Floats) -> Floats:
        return np.bincount(own, parts, squares.size).astype(np.float64, copy=False).reshape(shape[:2])

    def gone(parts: Floats) -> Floats:
        return np.bincount(cell, parts, sums.size).astype(np.float64, copy=False).reshape(shape)

    n, drawn = 24 - np.bincount(day, minlength=own.size), np.zeros(own.size)
    count = monthly(np.ones(own.size))[:, :, None] - gone(np.ones(cell.size))
    around, samples = _season(count), count.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        for _ in range(_TURNS):
            before, total = drawn, sums + monthly(drawn)[:, :, None] - gone(drawn[day])
            wave = np.where(around >= _FEWEST, _season(total) / around, np.nan)
            wave = np.where(count >= _FEWEST, total / count, wave)
            level = np.nansum(wave, axis=2) / np.maximum(np.count_nonzero(~np.isnan(wave), axis=2), 1)
            wave = np.nan_to_num(wave - level[:, :, None])
            of_day = wave.sum(axis=2).ravel()[own] - np.bincount(day, wave.ravel()[cell], own.size)
            drawn = of_day / np.maximum(n, 1)
        squares += (count * wave**2 - 2 * wave * sums).sum(axis=2) + monthly(before * (n * before - 2 * of_day))
        ever = squares.sum(axis=1, keepdims=True) / samples.sum(axis=1, keepdims=True)
        left = np.where(samples >= 24 * _FEWEST, squares / samples, ever)
    drawn[n == 0] = np.nan
    return (drawn.reshape(columns.size, -1).T, np.sqrt(np.maximum(left, 0.0)).T,
            np.count_nonzero(around >= _FEWEST, axis=2).T)


def _season(months: Floats) -> Floats:
    """Sums over each month and those before and after it."""
    return np.asarray(months + np.roll(months, 1, axis=1) + np.roll(months, -1, axis=1))


def _by_hour(hour: Integers, values: Floats, days: int) -> Floats:
    """The mean of every hour, days x 24; NaN without a sample."""
    grid = np.full(24 * days, np.nan)
    if (hour[1:] > hour[:-1]).all():
        one_run = hour[-1] - hour[0] == hour.size - 1
        grid[slice(hour[0], hour[-1] + 1) if one_run else hour] = values
    else:
        there = ~np.isnan(values)
        count, total = (np.bincount(hour[there], weight, grid.size) for weight in (None, values[there]))
        np.divide(total, count, out=grid, where=count > 0)
    return grid.reshape(-1, 24)
