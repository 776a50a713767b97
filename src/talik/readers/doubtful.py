"""Columns that name no unit and cannot be in °C: too warm for the ground, or running as °F beside a column in °C."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from talik.errors import AmbiguousFile
from talik.records import Flag

_WARMEST = 70.0
"""A median [°C] beyond which a column without unit is in K, or in nothing known."""

_WARM = 20.0
"""A median [°C] that the ground of cold regions has in no year, and that its readings in °F often have."""

_ROWS = 2_000
"""Rows that are looked at, about."""

_FEWEST = 24
"""Common rows from which one column can be compared with another."""

_ALIKE = 0.9
_SLOPES = (1.8 / 1.6, 1.8 * 1.6)
_ICE_POINT = (28.0, 36.0)
"""Correlation, slope, and intercept [°F] of a column in °F against a neighbour in °C, whose amplitude may differ."""


def doubtful(values: NDArray[np.float64], unnamed: Sequence[int]) -> list[int]:
    """
    The places of the columns that cannot be in °C.

    Parameters
    ----------
    values : float array, shape (n, m)
        [°C], as far as the columns name their units.
    unnamed : sequence of int
        Places of the columns that name none.

    Examples
    --------
    >>> celsius = np.sin(np.arange(50.0))
    >>> doubtful(np.column_stack([celsius, 32 + 1.8 * celsius, 32 + 1.8 * (celsius - 9)]), [0, 1, 2])
    [1]
    >>> doubtful(np.column_stack([celsius - 9, 32 + 1.8 * (celsius - 9)]), [0, 1])
    [1]
    """
    looked = values[:: max(1, len(values) // _ROWS)]
    warm = {place for place in unnamed if _median(looked[:, place]) > _WARM}
    beside = set()
    for place in set(unnamed) - warm:
        near = {place - 2, place - 1, place + 1, place + 2} & set(range(values.shape[1])) - warm
        if any(_runs_as_fahrenheit(looked[:, place], looked[:, other]) for other in near):
            beside.add(place)
    return sorted(warm | beside)


def _median(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else 0.0


def _runs_as_fahrenheit(column: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    both = ~(np.isnan(column) | np.isnan(other))
    if both.sum() < _FEWEST:
        return False
    x, y = other[both], column[both]
    deviations = x - x.mean(), y - y.mean()
    covariance, variances = float(deviations[0] @ deviations[1]), [float(d @ d) for d in deviations]
    if not min(variances) > 0 or covariance < _ALIKE * np.sqrt(variances[0] * variances[1]):
        return False
    slope = covariance / variances[0]
    return bool(_SLOPES[0] < slope < _SLOPES[1] and _ICE_POINT[0] < y.mean() - slope * x.mean() < _ICE_POINT[1])


def _as_the_others(values: NDArray[np.float64], found: Sequence[int], unnamed: Sequence[int]) -> bool:
    """Whether a warm column lies nearer to the others that name no unit as it is than converted from °F."""
    others = [place for place in unnamed if place not in found]
    if not others:
        return False
    usual = _median(values[:, others])
    warm = (middle for place in found if _WARM < (middle := _median(values[:, place])) <= _WARMEST)
    return any(abs(middle - usual) < abs((middle - 32.0) / 1.8 - usual) for middle in warm)


def set_aside(
    values: NDArray[np.float64], flags: NDArray[np.uint16], unnamed: Sequence[int], *, file: str
) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
    """
    Doubtful columns as NaN with `Flag.RANGE`, so that they take no good neighbour with them.

    Raises
    ------
    AmbiguousFile
        If most columns are doubtful, or those that are may be in the unit of the others: then all may be in °F.
    """
    found = doubtful(values, unnamed)
    if not found:
        return values, flags
    if 2 * len(found) > values.shape[1] or _as_the_others(values, found, unnamed):
        middle = _median(values[:, found])
        which, units = ("not °C. Kelvin or Fahrenheit", "KF") if middle > _WARMEST else ("°C, or rather °F", "FC")
        named = " or ".join(f"columns={{'unit': '{unit}'}}" for unit in units)
        of = "" if len(found) == values.shape[1] else f" of {len(found)} of {values.shape[1]} columns"
        raise AmbiguousFile(
            f"{file}: no unit is named and half of the values{of} are above {middle:.0f}: {which}? Name it: {named}, "
            "or write it into the title of each column"
        )
    values, flags = values.copy(order="K"), flags.copy(order="K")
    for place in found:
        flags[:, place] = np.where(np.isnan(values[:, place]), flags[:, place], np.uint16(Flag.RANGE))
        values[:, place] = np.nan
    return values, flags


def told(names: Sequence[str], flags: NDArray[np.uint16]) -> str:
    """A sentence on the columns that were set aside; "" when there is none."""
    left = [name for place, name in enumerate(names) if (flags[:, place] == Flag.RANGE).any()]
    if not left:
        return ""
    one = len(left) == 1
    return (
        f"units: {', '.join(map(repr, left))} name{'s' * one} no unit and cannot be in °C as the others are: set "
        f"aside as out of range. Write the unit into the title, such as '{left[0]} (°F)', or name one for all columns "
        "with columns={'unit': 'C'}"
    )
