"""Days become the columns of a picture: the lowest and highest of each are kept, so that no extreme is lost."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MISSING = -32768
"""What stands for no value in packed numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """
    Days of one sensor, thinned to columns of several days.

    Parameters
    ----------
    low, high : ndarray
        Lowest and highest value of the column's days [°C]; NaN where none of them has one.
    mean : ndarray
        Their mean [°C]; NaN where fewer than half of the column's days have a value.
    """

    low: Floats
    high: Floats
    mean: Floats


def thinned(days: Floats, step: int) -> Columns:
    """
    Columns of `step` days each; the last may be shorter.

    Parameters
    ----------
    days : ndarray, shape (n,)
        Values of consecutive days [°C]; NaN where there is none.
    step : int
        Days a column.

    Examples
    --------
    >>> c = thinned(np.array([1.0, 5.0, 3.0, np.nan, np.nan, np.nan]), 3)
    >>> c.low.tolist(), c.high.tolist(), c.mean.tolist()
    ([1.0, nan], [5.0, nan], [3.0, nan])
    """
    if not days.size:
        return Columns(days, days, days)
    start = np.arange(0, days.size, step)
    known = ~np.isnan(days)
    count = np.add.reduceat(known, start, dtype=np.int64)
    length = np.diff(np.append(start, days.size))
    total = np.add.reduceat(np.where(known, days, 0.0), start)
    mean = np.divide(total, count, out=np.full(start.size, np.nan), where=2 * count >= length)
    return Columns(np.fmin.reduceat(days, start), np.fmax.reduceat(days, start), mean)


def packed(values: Floats, scale: float) -> str:
    """
    Numbers as text: 16-bit integers of `scale`, little-endian, base64; `MISSING` for NaN.

    Raises
    ------
    OverflowError
        If a value does not fit; `fitting` gives a scale that always does.

    Examples
    --------
    >>> packed(np.array([-9.87, np.nan]), 0.01)
    'JfwAgA=='
    """
    whole = np.where(np.isnan(values), MISSING, np.round(np.nan_to_num(values) / scale))
    if whole.size and (whole.min() < MISSING or whole.max() > -MISSING - 1):
        raise OverflowError("values do not fit 16 bits at this scale")
    return base64.b64encode(whole.astype("<i2").tobytes()).decode()


def fitting(values: Floats) -> float:
    """A scale for `packed`: 0.01 °C, or coarser where values beyond 327 °C were accepted."""
    largest = np.fmax.reduce(np.abs(values), axis=None, initial=0.0)
    return max(0.01, float(np.nan_to_num(largest)) / 32767)
