"""What missing days, missing hours and filled days leave open of a year's mean and of its degree-days."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from talik.kernels import gaps
from talik.kernels.calendar import Daily
from talik.kernels.years import Windows
from talik.series.uncertainty import combined

Floats = NDArray[np.float64]
Side = Literal[-1, 0, 1]
"""Of the daily means: all (0), what is above 0 °C (1), what is below it, counted positive (-1)."""


def missing_errors(measured: Daily, filled: gaps.Filled | None, grid: Floats, where: Windows,
                   wanted: NDArray[np.bool_]) -> dict[Side, tuple[Floats, Floats]]:
    """
    Worst case and standard uncertainty of the mean over a year, of all daily means and of either side of 0 °C.

    Degree-days are `where.days` times the mean of a side.

    Parameters
    ----------
    measured : Daily
        The daily means that were measured.
    filled : Filled, optional
        The same with gaps filled, when some were.
    grid : ndarray, shape (days, m)
        Daily means with what was filled [°C], padded by `where.padded`.
    where : Windows
        The years.
    wanted : ndarray of bool, shape (years, m)
        Which years are of interest.

    Returns
    -------
    dict of side to (bound, likely), each of shape (years, m)
        [K]; 0 in years without anything missing or filled, anything in those not wanted. The bound holds if no missing
        day and hour lay outside the range of the column's daily means.
    """
    n = np.add.reduceat(~np.isnan(grid), where.year_row, axis=0, dtype=np.int64)
    gappy = np.flatnonzero((wanted & (n < where.days[:, None])).any(axis=0))
    mean = measured.mean
    hours = gaps.hours_bound(measured, np.fmin.reduce(mean, axis=0), np.fmax.reduce(mean, axis=0))
    found: dict[Side, tuple[Floats, Floats]] = {}
    sides: tuple[Side, ...] = (0, 1, -1)
    for side in sides:
        bound, likely = np.zeros((2, *n.shape))
        low, high = (reduce(_on(mean, side), axis=0) for reduce in (np.fmin.reduce, np.fmax.reduce))
        if gappy.size:
            bound[:, gappy], likely[:, gappy] = _days(_on(grid[:, gappy], side), where, n[:, gappy], low[gappy],
                                                      high[gappy])
        if hours.any():         # a day far on the other side stays there, whatever its missing hours
            most = _yearly(np.clip(side * mean + hours, 0.0, hours) if side else hours, where)
            bound, likely = bound + most, combined(likely, most / np.sqrt(3))
        if filled is not None:
            most, added = _filled(filled, where, side, low, high)
            bound, likely = bound + most, combined(likely, added)
        found[side] = bound, likely
    return found


def _days(values: Floats, where: Windows, n: NDArray[np.int64], low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Worst case and standard uncertainty [K] from the days that are missing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(np.nan_to_num(values), where.year_row, axis=0) / n
    bound = gaps.bias_bound(n, mean, where.days, low, high)
    likely = gaps.gap_uncertainty(values, where, n)
    # without a wave to go by, and within days, the error may lie anywhere up to the bound with equal right
    return bound, np.fmin(np.where(np.isnan(likely), bound / np.sqrt(3), likely), bound)


def _yearly(values: Floats, where: Windows) -> Floats:
    sums: Floats = np.add.reduceat(np.nan_to_num(where.padded(values)), where.year_row, axis=0)
    return sums / where.days[:, None]


def _on(values: Floats, side: Side) -> Floats:
    return np.maximum(side * values, 0.0) if side else values


def _filled(filled: gaps.Filled, where: Windows, side: Side, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """The most, and the standard uncertainty [K], by which filled days can have moved the mean of a year."""
    values = _on(filled.grid, side)
    reach = np.where(filled.filled, np.maximum(high - values, values - low), 0.0)
    variance = filled.gap_variance
    if side:                # gaps far on the other side add nothing to this one
        variance = np.where(side * filled.grid + np.sqrt(variance) > 0, variance, 0.0)
    return _yearly(reach, where), np.sqrt(_yearly(variance, where) / where.days[:, None])
