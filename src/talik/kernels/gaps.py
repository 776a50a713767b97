"""What missing days do to a mean: worst case, likely error, and filling with its own error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talik.kernels.calendar import Daily
from talik.kernels.profile import harmonic_basis, solved_where_safe
from talik.kernels.years import Windows, missing_runs

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]


def bias_bound(n: NDArray[np.int64], mean: Floats, days: NDArray[np.int64], low: Floats, high: Floats) -> Floats:
    """
    The most by which missing days can have moved an annual mean, if none lay outside the range ever recorded.

    With m of P days missing and the mean of the others T, the whole year's mean lies within
    m / P * max(high - T, T - low) of T.

    Parameters
    ----------
    n, mean : ndarray, shape (years, m)
        Days with a value, and their mean [°C].
    days : ndarray, shape (years,)
        Days of each year.
    low, high : ndarray, shape (m,)
        Lowest and highest daily mean of the column's whole record [°C].

    Returns
    -------
    ndarray, shape (years, m)
        [K]; 0 for a year without gaps, NaN without a day.

    Examples
    --------
    >>> bias_bound(np.array([[350]]), np.array([[-0.6]]), np.array([365]), np.array([-14.0]), np.array([14.0])).round(2)
    array([[0.6]])
    """
    share = 1 - n / days[:, None]
    reach = np.maximum(high - mean, mean - low)
    bound: Floats = np.where(n > 0, share * reach, np.nan)
    return bound


def hours_bound(days: Daily, low: Floats, high: Floats) -> Floats:
    """
    The most by which missing samples can have moved the mean of each day, if none lay outside the range recorded.

    A day of which a share of the samples is missing, and whose others have the mean T, is within
    share * max(high - T, T - low) of T. The same hours missing every day move the mean of the year as far.

    Parameters
    ----------
    days : Daily
    low, high : ndarray, shape (m,)
        Lowest and highest daily mean of the column's whole record [°C].

    Returns
    -------
    ndarray, shape (days, m)
        [K]; 0 for days that have all samples, and for those without a mean.

    Examples
    --------
    >>> day = Daily(0, np.array([[2.0]]), np.array([[18]]), np.array([[24.0]]))
    >>> hours_bound(day, np.array([-10.0]), np.array([10.0]))
    array([[3.]])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 1 - days.count / np.floor(days.expected + 0.01)
        bound: Floats = share * np.maximum(high - days.mean, days.mean - low)
    return np.where(days.partial & ~np.isnan(bound), bound, 0.0)


def gap_uncertainty(grid: Floats, where: Windows) -> Floats:
    """
    Standard uncertainty that missing days give to means over a year: season missed, and weather missed.

    Season: the record's own annual and half-annual wave, averaged over the days there are, less its average over
    all days. Weather: the departures from that wave, as first-order autoregressive noise over the missing days.

    Parameters
    ----------
    grid : ndarray, shape (days, m)
        Daily means [°C], padded to whole years; NaN where missing.
    where : Windows
        The years.

    Returns
    -------
    ndarray, shape (3, years, m)
        Of the mean of all days, of what is above 0 °C, of what is below it [K]; NaN for columns whose days do not
        determine the wave (use the bound / sqrt 3 there).
    """
    missing = np.ascontiguousarray(np.isnan(grid).T)        # columns first: every sum runs over neighbours
    values = np.where(missing, 0.0, grid.T)
    sides = np.stack([values, np.maximum(values, 0.0), np.maximum(-values, 0.0)])
    basis = np.ascontiguousarray(harmonic_basis(np.arange(grid.shape[0], dtype=np.float64), 2).T)
    column, row = np.nonzero(missing)
    wave = _coefficients(sides, basis, column, row)
    # average of the wave's parts over the days there are less that over all days, without those missing twice
    days, years = where.days, where.days.size
    place = np.repeat(np.arange(years), days)[row] * missing.shape[0] + column
    lost = _sums_at(place, basis[:, row], years * missing.shape[0]).reshape(-1, years, missing.shape[0])
    absent = lost[0]
    whole = np.add.reduceat(basis, where.year_row, axis=1)[:, :, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = (whole * (absent / days[:, None]) - lost) / (days[:, None] - absent)
        season = np.einsum("kym,smk->sym", shift, wave)
        departure = np.where(missing, 0.0, sides - np.einsum("smk,kn->smn", wave, basis))
        variance, memory = _weather(departure, ~missing)
        inflation = np.minimum(((1 + memory) / (1 - memory))[:, None], np.maximum(absent, 1))
        uncertainty: Floats = np.sqrt(season**2 + variance[:, None] * absent * inflation / days[:, None] ** 2)
    return uncertainty


def _coefficients(values: Floats, basis: Floats, column: Integers, row: Integers) -> Floats:
    """Least squares of each side's values, 0 on the missing days named by column and row; (sides, m, functions)."""
    k, m = basis.shape[0], values.shape[1]
    pairs = (basis[:, None] * basis[None, :]).reshape(k * k, -1)
    normal = (pairs.sum(axis=1)[:, None] - _sums_at(column, pairs[:, row], m)).T.reshape(m, k, k)
    return solved_where_safe(normal, np.einsum("smn,kn->smk", values, basis))


def _sums_at(place: Integers, parts: Floats, size: int) -> Floats:
    """Sums of each row of `parts` by place."""
    return np.stack([np.bincount(place, part, size) for part in parts])


def _weather(departure: Floats, present: Booleans) -> tuple[Floats, Floats]:
    """Variance and lag-one autocorrelation of departures along the last axis, which are 0 where not present."""
    count = np.maximum(np.count_nonzero(present, axis=-1), 1)
    pairs = np.maximum(np.count_nonzero(present[..., 1:] & present[..., :-1], axis=-1), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.einsum("...n,...n->...", departure, departure) / count
        memory = np.einsum("...n,...n->...", departure[..., 1:], departure[..., :-1]) / pairs / variance
    return variance, np.clip(np.where(variance > 0, memory, 0.0), 0.0, 0.98)


@dataclass(frozen=True, slots=True)
class Filled:
    """
    Daily means with gaps filled.

    Parameters
    ----------
    grid : ndarray, shape (days, m)
        Daily means [°C]; NaN where still missing.
    filled : ndarray of bool, shape (days, m)
        True where a value was put in.
    gap_variance : ndarray, shape (days, m)
        Variance of the *sum* over a filled gap [K2], standing on the gap's last day, 0 elsewhere: gaps are
        independent of each other, the days within one are not.
    """

    grid: Floats
    filled: Booleans
    gap_variance: Floats


def fill_linear(grid: Floats, longest: int) -> Filled:
    """
    Straight lines across gaps of at most `longest` days that have a value on both sides.

    The error of the line is that of a random walk tied at both ends: with the standard deviation s of the
    column's day-to-day changes, the sum over L filled days has the variance s2 L (L + 1) (L + 2) / 12.

    Examples
    --------
    >>> f = fill_linear(np.array([[0.0], [np.nan], [2.0], [np.nan], [np.nan]]), 5)
    >>> f.grid.ravel(), f.filled.ravel()
    (array([ 0.,  1.,  2., nan, nan]), array([False,  True, False, False, False]))
    """
    result, filled = grid.copy(), np.zeros(grid.shape, dtype=bool)
    variance = np.zeros(grid.shape)
    change = np.diff(grid, axis=0)
    row = np.arange(grid.shape[0])
    for column, first, last in _inner_gaps(grid, longest):
        around = [first - 1, last + 1]
        result[first:last + 1, column] = np.interp(row[first:last + 1], around, grid[around, column])
        filled[first:last + 1, column] = True
        length = last - first + 1
        step = np.nanstd(change[:, column]) if np.isfinite(change[:, column]).any() else np.nan
        variance[last, column] = step**2 * length * (length + 1) * (length + 2) / 12
    return Filled(result, filled, variance)


def fill_regression(grid: Floats, longest: int, *, window: int = 90, min_days: int = 60) -> Filled:
    """
    Gaps of at most `longest` days filled from the other column that knows them best.

    The other column is the one that has all days of the gap and the highest correlation with this one over the
    `window` days on either side, where at least `min_days` days are common. The line is fitted there; its error
    over the gap is that of the residuals, as first-order autoregressive noise, and of the line's own level.

    Examples
    --------
    >>> x = np.sin(np.arange(200) / 20)
    >>> grid = np.column_stack([x, 2 * x + 1]); grid[80:100, 0] = np.nan
    >>> float(np.abs(fill_regression(grid, 60).grid[:, 0] - x).max().round(9))
    0.0
    """
    result, filled = grid.copy(), np.zeros(grid.shape, dtype=bool)
    variance = np.zeros(grid.shape)
    for column, first, last in _inner_gaps(grid, longest):
        near = slice(max(0, first - window), last + 1 + window)
        best = _best_neighbour(grid[near], column, grid[first:last + 1], min_days)
        if best is None:
            continue
        x, y = grid[near, best], grid[near, column]
        both = ~np.isnan(x) & ~np.isnan(y)
        slope, level = np.polyfit(x[both], y[both], 1)
        scatter, memory = map(float, _weather(np.where(both, y - slope * x - level, 0.0), both))
        length, used = last - first + 1, int(both.sum())
        inflation = (1 + memory) / (1 - memory)
        away = (grid[first:last + 1, best].mean() - x[both].mean()) ** 2 / x[both].var()
        result[first:last + 1, column] = slope * grid[first:last + 1, best] + level
        filled[first:last + 1, column] = True
        variance[last, column] = scatter * (length * min(inflation, length)
                                            + length**2 * inflation * (1 + away) / used)
    return Filled(result, filled, variance)


def _inner_gaps(grid: Floats, longest: int) -> list[tuple[int, int, int]]:
    """(column, first row, last row) of every gap of at most `longest` days with values on both sides."""
    missing = np.isnan(grid)
    runs = missing_runs(missing, np.array([0]))
    ends = missing[:-1] & ~missing[1:] & (runs[:-1] <= longest)
    found = []
    for last, column in np.argwhere(ends):
        first = int(last - runs[last, column] + 1)
        if first > 0:
            found.append((int(column), first, int(last)))
    return found


def _best_neighbour(near: Floats, column: int, gap: Floats, min_days: int) -> int | None:
    best, closest = None, 0.0
    for other in range(near.shape[1]):
        if other == column or np.isnan(gap[:, other]).any():
            continue
        both = ~np.isnan(near[:, column]) & ~np.isnan(near[:, other])
        x, y = near[both, other], near[both, column]
        if both.sum() < min_days or x.std() == 0 or y.std() == 0:
            continue
        correlation = abs(float(np.corrcoef(x, y)[0, 1]))
        if correlation > closest:
            best, closest = other, correlation
    return best
