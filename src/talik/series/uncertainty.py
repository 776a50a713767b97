"""Standard uncertainties of annual values, and how they add up in offsets and in means over years."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from talik.errors import UsageError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sensors:
    """
    What is known of the sensors themselves; all are standard uncertainties (one sigma).

    Parameters
    ----------
    temperature : float
        Calibration of one sensor [K]. It does not average out over samples, days or years; between two sensors
        it is independent, so an offset carries it twice.
    depth : float
        Placement of one sensor [m].

    Raises
    ------
    UsageError
        If one is negative.
    """

    temperature: float = 0.1
    depth: float = 0.02

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.depth < 0:
            raise UsageError(f"sensors: uncertainties must not be negative, got {self.temperature} K, {self.depth} m")


def combined(*parts: ArrayLike) -> Floats:
    """
    Independent standard uncertainties added in squares; NaN where a part is NaN.

    Examples
    --------
    >>> combined(0.3, [0.4, 0.0])
    array([0.5, 0.3])
    """
    squares = [np.square(np.asarray(part, dtype=np.float64)) for part in parts]
    total: Floats = np.sqrt(sum(np.broadcast_arrays(*squares)))
    return total


@dataclass(frozen=True, slots=True)
class MeanOverYears:
    """
    A mean over years with its spread.

    Parameters
    ----------
    mean : float
        Mean of the yearly values.
    n : int
        Years.
    sd : float
        Standard deviation between years; NaN with one year.
    se : float
        sd / sqrt(n): how far the mean may be from that of many years like these; NaN with one year.
    uncertainty : float
        How well the mean of *these* years is measured: what does not change from year to year (calibration,
        depth) in full, what does (gaps) divided by sqrt(n).
    """

    mean: float
    n: int
    sd: float
    se: float
    uncertainty: float


def over_years(values: ArrayLike, lasting: ArrayLike, yearly: ArrayLike) -> MeanOverYears:
    """
    The mean over years; years with NaN are left out.

    Parameters
    ----------
    values : array_like, shape (years,)
        One value a year.
    lasting, yearly : array_like, shape (years,)
        Standard uncertainty that is the same error every year, and that which is a new one every year.

    Examples
    --------
    >>> m = over_years([1.0, 3.0, np.nan], [0.1, 0.1, 0.1], [0.4, 0.4, 0.4])
    >>> m.mean, m.n, round(m.sd, 3), round(m.uncertainty, 3)
    (2.0, 2, 1.414, 0.3)
    """
    value, constant, own = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (values, lasting, yearly)))
    known = ~np.isnan(value)
    n = int(known.sum())
    if not n:
        return MeanOverYears(np.nan, 0, np.nan, np.nan, np.nan)
    value, constant, own = value[known], constant[known], own[known]
    sd = float(value.std(ddof=1)) if n > 1 else np.nan
    spread = float(np.sqrt(constant.mean() ** 2 + np.square(own).sum() / n**2))
    return MeanOverYears(float(value.mean()), n, sd, sd / n**0.5, spread)
