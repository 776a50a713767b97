"""What missing days, missing hours and filled days leave open of a year's mean and of its degree-days."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.kernels import gaps
from talik.kernels.calendar import Daily
from talik.kernels.years import Windows, YearSums
from talik.series.uncertainty import combined

Floats = NDArray[np.float64]


def missing_errors(measured: Daily, filled: gaps.Filled | None, grid: Floats, where: Windows, sums: YearSums,
                   wanted: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """
    Worst case and standard uncertainty of means over a year: of all days, of what is above 0 °C, of what is below it.

    Degree-days are `where.days` times the last two.

    Parameters
    ----------
    measured : Daily
        The daily means that were measured.
    filled : Filled, optional
        The same with gaps filled, when some were.
    grid : ndarray, shape (days, m)
        Daily means with what was filled [°C], padded by `where.padded`.
    where, sums : Windows, YearSums
        The years, and what `grid` comes to in them.
    wanted : ndarray of bool, shape (years, m)
        Which years are of interest.

    Returns
    -------
    bound, likely : ndarray, shape (3, years, m)
        [K]; 0 in years without anything missing or filled, anything in those not wanted. The bound holds if no missing
        day and hour lay outside the range of the column's daily means.
    """
    days = where.days[:, None]
    coldest, warmest = (reduce(measured.mean, axis=0) for reduce in (np.fmin.reduce, np.fmax.reduce))
    low, high = _sides(coldest), _sides(warmest)
    low[2], high[2] = high[2], low[2].copy()
    means = sums.mean, sums.thawing / days, sums.freezing / days
    bound = np.stack([gaps.bias_bound(sums.n, *each) for each in zip(means, [where.days] * 3, low, high, strict=True)])
    # without a wave to go by, and within days, the error may lie anywhere up to the bound with equal right
    likely = bound / np.sqrt(3)
    gappy = np.flatnonzero((wanted & (sums.n < days)).any(axis=0))
    if gappy.size:
        found = gaps.gap_uncertainty(grid[:, gappy], where)
        likely[:, :, gappy] = np.where(np.isnan(found), likely[:, :, gappy], np.minimum(found, bound[:, :, gappy]))
    hours = gaps.hours_bound(measured, coldest, warmest)
    if hours.any():             # a day far on the other side stays there, whatever its missing hours
        toward = measured.mean + hours, hours - measured.mean
        most = np.stack([_yearly(each, where) for each in (hours, *(np.clip(t, 0.0, hours) for t in toward))])
        bound, likely = bound + most, combined(likely, most / np.sqrt(3))
    if filled is not None:
        most, added = (np.stack(parts) for parts in zip(*(
            _filled(filled, where, side, low[side], high[side]) for side in range(3)), strict=True))
        bound, likely = bound + most, combined(likely, added)
    return bound, likely


def _sides(values: Floats) -> Floats:
    """All of it, what is above 0 °C, and what is below it, counted positive."""
    return np.stack([values, np.maximum(values, 0.0), np.maximum(-values, 0.0)])


def _yearly(values: Floats, where: Windows) -> Floats:
    sums: Floats = np.add.reduceat(np.nan_to_num(where.padded(values)), where.year_row, axis=0)
    return sums / where.days[:, None]


def _filled(filled: gaps.Filled, where: Windows, side: int, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """The most, and the standard uncertainty [K], by which filled days can have moved the mean of a year."""
    values = _sides(filled.grid)[side]
    reach = np.where(filled.filled, np.maximum(high - values, values - low), 0.0)
    variance = filled.gap_variance
    if side:                # gaps far on the other side add nothing to this one
        toward = filled.grid if side == 1 else -filled.grid
        variance = np.where(toward + np.sqrt(variance) > 0, variance, 0.0)
    return _yearly(reach, where), np.sqrt(_yearly(variance, where) / where.days[:, None])
