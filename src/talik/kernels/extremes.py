"""What missing days leave open of a year's lowest and highest daily mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.kernels.years import Windows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_LONGEST_LAG, _FEWEST_CHANGES, _SEASONS = 31, 20, 12


def extreme_bounds(grid: Floats, where: Windows, wanted: Booleans,
                   hours: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """
    The lowest and the highest daily mean that years with missing days can have had.

    No missing day is taken to be farther from the measured days before and after it than the column ever went in as
    many days at that season (three months about it, of all years; of the whole record where those are few).

    Parameters
    ----------
    grid : ndarray, shape (days, m)
        Daily means [°C], padded by `where.padded`; NaN where missing.
    where : Windows
        The years.
    wanted : ndarray of bool, shape (years, m)
        For which of them to look.
    hours : ndarray, shape (days, m), optional
        How far missing hours may have moved each day's mean [K].

    Returns
    -------
    low, high : ndarray, shape (years, m)
        [°C]; infinite where nothing limits a missing day, NaN where nothing was wanted.

    Examples
    --------
    >>> from talik.kernels.years import windows
    >>> x = 10 * np.sin(2 * np.pi * np.arange(366) / 366)[:, None]
    >>> x[85:98] = np.nan                                          # the fortnight of the maximum
    >>> low, high = extreme_bounds(x, windows(18262, 366), np.array([[True]]))
    >>> low.round(1), np.nanmax(x).round(2), high.round(1)
    (array([[-10.]]), np.float64(9.94), array([[10.7]]))
    """
    low = np.fmin.reduceat(grid - hours, where.year_row, axis=0)
    high = np.fmax.reduceat(grid + hours, where.year_row, axis=0)
    sought = np.isnan(grid) & np.repeat(wanted, where.days, axis=0)
    columns = np.flatnonzero(sought.any(axis=0))
    if columns.size:
        coldest, warmest = _missing_days(grid[:, columns], sought[:, columns])
        low[:, columns] = np.fmin(low[:, columns], np.fmin.reduceat(coldest, where.year_row, axis=0))
        high[:, columns] = np.fmax(high[:, columns], np.fmax.reduceat(warmest, where.year_row, axis=0))
    return np.where(wanted, low, np.nan), np.where(wanted, high, np.nan)


def _missing_days(grid: Floats, sought: Booleans) -> tuple[Floats, Floats]:
    """The coldest and the warmest that the days sought can have been [°C]; NaN on the other days."""
    size, row = grid.shape[0], np.arange(grid.shape[0])[:, None]
    missing = np.isnan(grid)
    before = np.maximum.accumulate(np.where(missing, -1, row), axis=0)
    after = np.minimum.accumulate(np.where(missing, size, row)[::-1], axis=0)[::-1]
    day, column = np.nonzero(sought)
    a, b = before[day, column], after[day, column]
    since, until = np.where(a >= 0, day - a, 0), np.where(b < size, b - day, 0)
    lags = min(_LONGEST_LAG, int(max(since.max(), until.max(), 1)))
    season = (np.arange(size) * _SEASONS / 365.25).astype(np.int64) % _SEASONS
    rise, fall = _fastest(grid, season, lags)

    def reach(most: Floats, away: Integers) -> Floats:      # the way of many days is at most that of its parts
        at = season[day], column
        with np.errstate(invalid="ignore"):
            whole = np.where(away >= lags, away // lags * most[(lags, *at)], 0.0)
        total: Floats = whole + most[(away % lags, *at)]
        return total

    def nearer(one: Floats, other: Floats) -> Floats:
        return np.fmin(np.where(a >= 0, one, np.inf), np.where(b < size, other, np.inf))

    left, right = grid[np.maximum(a, 0), column], grid[np.minimum(b, size - 1), column]
    result = np.full((2, *grid.shape), np.nan)
    result[0, day, column] = -nearer(reach(fall, since) - left, reach(rise, until) - right)
    result[1, day, column] = nearer(left + reach(rise, since), right + reach(fall, until))
    return result[0], result[1]


def _fastest(grid: Floats, season: Integers, lags: int) -> tuple[Floats, Floats]:
    """The most a column ever rose, and fell, in 0 to `lags` days [K], by season; shape (lags + 1, seasons, m)."""
    begin = np.flatnonzero(np.diff(season, prepend=-1))
    years = -(-begin.size // _SEASONS)
    shape = (lags + 1, grid.shape[1], years * _SEASONS)
    top, bottom, count = np.full(shape, -np.inf), np.full(shape, np.inf), np.zeros(shape)
    padded = np.full((grid.shape[1], lags + grid.shape[0]), np.nan)
    padded[:, lags:] = grid.T                               # columns first: extremes are sought among neighbours
    for lag in range(1, lags + 1):
        change = padded[:, lags:] - padded[:, lags - lag:-lag]
        top[lag, :, :begin.size] = np.fmax.reduceat(change, begin, axis=1)
        bottom[lag, :, :begin.size] = np.fmin.reduceat(change, begin, axis=1)
        count[lag, :, :begin.size] = np.add.reduceat(~np.isnan(change), begin, axis=1, dtype=np.int64)
    by_season = (lags + 1, grid.shape[1], years, _SEASONS)
    top, bottom = (reduce(most.reshape(by_season), axis=2, initial=start).swapaxes(1, 2) for most, reduce, start in (
        (top, np.fmax.reduce, -np.inf), (bottom, np.fmin.reduce, np.inf)))
    count = count.reshape(by_season).sum(axis=2).swapaxes(1, 2)
    found = []
    there = count + np.roll(count, 1, axis=1) + np.roll(count, -1, axis=1)
    for most in (top, -bottom):
        near = np.maximum(np.maximum(most, np.roll(most, 1, axis=1)), np.roll(most, -1, axis=1))
        ever = np.where(count.sum(axis=1) >= _FEWEST_CHANGES, most.max(axis=1), np.inf)[:, None]
        most = np.maximum(np.where(there >= _FEWEST_CHANGES, near, ever), 0.0)
        most[0] = 0.0
        found.append(most)
    return found[0], found[1]
