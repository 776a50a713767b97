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
                   side: Side = 0) -> tuple[Floats, Floats]:
    """
    Worst case and standard uncertainty of the mean over a year of one side of the daily means.

    Degree-days are `where.days` times such a mean.

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
    side : {0, 1, -1}

    Returns
    -------
    bound, likely : ndarray, shape (years, m)
        [K]. The bound holds if no missing day and hour lay outside the range of the column's daily means.
    """
    n = np.add.reduceat(~np.isnan(grid), where.year_row, axis=0, dtype=np.int64)
    values, seen = _on(grid, side), _on(measured.mean, side)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(np.nan_to_num(values), where.year_row, axis=0) / n
    low, high = np.fmin.reduce(seen, axis=0), np.fmax.reduce(seen, axis=0)
    bound = gaps.bias_bound(n, mean, where.days, low, high)
    likely = gaps.gap_uncertainty(values, where, n)
    # without a wave to go by, and within days, the error may lie anywhere up to the bound with equal right
    likely = np.fmin(np.where(np.isnan(likely), bound / np.sqrt(3), likely), bound)
    hours = _hours(measured, where, side)
    bound, likely = bound + hours, combined(likely, hours / np.sqrt(3))
    if filled is None:
        return bound, likely
    most, added = _filled(filled, where, side, low, high)
    return bound + most, combined(likely, added)


def _on(values: Floats, side: Side) -> Floats:
    return np.maximum(side * values, 0.0) if side else values


def _hours(measured: Daily, where: Windows, side: Side) -> Floats:
    """The most [K] by which missing hours of the days there are can have moved the mean of a year."""
    mean = measured.mean
    hours = gaps.hours_bound(measured, np.fmin.reduce(mean, axis=0), np.fmax.reduce(mean, axis=0))
    if side:                # a day far on the other side stays there, whatever its missing hours
        hours = np.clip(side * mean + hours, 0.0, hours)
    sums: Floats = np.add.reduceat(np.nan_to_num(where.padded(hours)), where.year_row, axis=0)
    return sums / where.days[:, None]


def _filled(filled: gaps.Filled, where: Windows, side: Side, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """The most, and the standard uncertainty [K], by which filled days can have moved the mean of a year."""
    values = _on(filled.grid, side)
    reach = np.where(filled.filled, np.maximum(high - values, values - low), 0.0)
    variance = filled.gap_variance
    if side:                # gaps far on the other side add nothing to this one
        variance = np.where(side * filled.grid + np.sqrt(variance) > 0, variance, 0.0)
    most, squares = (np.add.reduceat(np.nan_to_num(where.padded(x)), where.year_row, axis=0) for x in (reach, variance))
    return most / where.days[:, None], np.sqrt(squares) / where.days[:, None]
