"""Standard uncertainties of annual values, and how they add up in offsets and in means over years."""

from __future__ import annotations

from collections.abc import Sequence
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
    depth : float, optional
        Placement of one sensor [m]. None, since files do not say it: then no uncertainty includes it.

    Raises
    ------
    UsageError
        If one is negative or no number.
    """

    temperature: float = 0.1
    depth: float | None = None

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and (self.depth is None or self.depth >= 0)):
            raise UsageError("sensors: uncertainties must be numbers and not negative, got "
                             f"{self.temperature} K, {self.depth} m")


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


_DAILY_WAVE, _DAILY_DEPTH = 2.5, 0.15
"""How far a yearly mean of readings at one hour of the day may be off at the surface, and in air [K], and the depth [m]
over which that falls to 1/e: what invented ground of many climates shows (`benchmarks/stated_errors.py`)."""


def calibration(sensors: Sensors, depths: ArrayLike, single: ArrayLike = 0.0) -> Floats:
    """
    Standard uncertainty that is the same all year for each column: calibration, and one hour standing for a day.

    Parameters
    ----------
    sensors : Sensors
    depths : array_like, shape (m,)
        [m]; NaN counts as the surface.
    single : array_like, shape (m,) or (years, m)
        Share of the days on which one reading stands for the day.

    Returns
    -------
    ndarray, shape (m,) or that of `single`
        [K]

    Examples
    --------
    >>> calibration(Sensors(0.1), [-2.0, 0.5]), calibration(Sensors(0.1), [-2.0, 0.5], 1.0).round(2)
    (array([0.1, 0.1]), array([2.5 , 0.13]))
    """
    below = np.maximum(np.nan_to_num(np.asarray(depths, dtype=np.float64)), 0.0)
    return combined(sensors.temperature, _DAILY_WAVE * np.exp(-below / _DAILY_DEPTH) * np.asarray(single))


def rounding(resolution: ArrayLike, reach: ArrayLike = 0.0) -> Floats:
    """
    Standard uncertainty of one value that is rounded to steps of `resolution`, and of a mean of values over a range.

    Values that run over many steps are rounded up as often as down.

    Examples
    --------
    >>> rounding(0.5).round(3), rounding(0.5, 18.0).round(3)
    (np.float64(0.144), np.float64(0.024))
    """
    step = np.asarray(resolution, dtype=np.float64)
    steps = np.maximum(np.nan_to_num(np.asarray(reach) / np.where(step > 0, step, np.inf)), 1.0)
    single: Floats = step / np.sqrt(12 * steps)
    return single


@dataclass(frozen=True, slots=True)
class Known:
    """
    A value of one year and how well it is known; NaN throughout where it is not.

    Parameters
    ----------
    value : float
    lasting, yearly : float
        Standard uncertainty that is the same error every year, and that which is a new one every year.
    bound : float
        The most by which missing days and hours can have moved it.
    """

    value: float = np.nan
    lasting: float = np.nan
    yearly: float = np.nan
    bound: float = np.nan

    @property
    def uncertainty(self) -> float:
        """Standard uncertainty in all."""
        return float(np.hypot(self.lasting, self.yearly))

    def times(self, factor: float) -> Known:
        """In another unit."""
        return Known(self.value * factor, *(abs(factor) * part for part in (self.lasting, self.yearly, self.bound)))

    def less(self, other: Known) -> Known:
        """
        The difference from another value; errors of the two are independent, as those of two sensors are.

        Examples
        --------
        >>> Known(-4.0, 0.3, 0.0, 0.5).less(Known(-8.0, 0.4, 0.1, 0.5))
        Known(value=4.0, lasting=0.5, yearly=0.1, bound=1.0)
        """
        return Known(self.value - other.value, float(np.hypot(self.lasting, other.lasting)),
                     float(np.hypot(self.yearly, other.yearly)), self.bound + other.bound)

    def over(self, other: Known) -> Known:
        """
        The quotient of two positive values; NaN where the divisor is less than twice its error.

        Errors of the two are taken as independent, as in `less`: what moves both alike (days that both miss, a logger
        that reads both too warm) moves the quotient less than stated.

        Examples
        --------
        >>> ratio = Known(900.0, 9.0, 0.0, 9.0).over(Known(1000.0, 10.0, 0.0, 100.0))
        >>> ratio.value, round(ratio.lasting, 4), round(ratio.bound, 4)
        (0.9, 0.0127, 0.11)
        >>> Known(9.0, 1.0, 0.0, 0.0).over(Known(10.0, 6.0, 0.0, 0.0)).value
        nan
        """
        if not other.value > max(2 * other.uncertainty, other.bound):
            return Known()
        ratio = self.value / other.value
        lasting, yearly = (float(np.hypot(own, ratio * its)) / other.value for own, its in
                           ((self.lasting, other.lasting), (self.yearly, other.yearly)))
        most = (self.value + self.bound) / (other.value - other.bound) - ratio
        least = ratio - max(self.value - self.bound, 0.0) / (other.value + other.bound)
        return Known(ratio, lasting, yearly, max(most, least))


def mean_of(found: Sequence[Known], distinct: int) -> Known:
    """The mean of replicates, of which `distinct` have sensors, and with them errors, of their own."""
    value, lasting, yearly, bound = (float(np.mean([getattr(one, name) for one in found])) for name in Known.__slots__)
    return Known(value, lasting / np.sqrt(distinct), yearly / np.sqrt(distinct), bound)


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
