"""Profiles on arrays: temperature at a depth, the 0 degC isotherm, zero annual amplitude, annual waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bottom = Literal["found", "deeper", "shallower", "no_profile"]


@dataclass(frozen=True, slots=True)
class Reading:
    """
    A temperature read off a profile: the value [°C], its gradient [K m-1], and the two sensors it lies between [m].

    `value` is NaN outside the sensors: nothing is extrapolated.
    """

    value: float
    gradient: float
    above: float
    below: float

    @property
    def distance(self) -> float:
        """Distance to the nearer of the two sensors is at most this: half the spacing is the worst case [m]."""
        return (self.below - self.above) / 2


def at_depth(depths: Floats, profile: Floats, depth: float) -> Reading:
    """
    A profile's temperature at a depth, linear between the two sensors that bracket it, never extrapolated.

    Parameters
    ----------
    depths : ndarray, shape (m,)
        Sensor depths [m], ascending.
    profile : ndarray, shape (m,)
        Temperatures [°C]; sensors with NaN are passed over, which widens the bracket.
    depth : float
        Where to read [m].

    Returns
    -------
    Reading
        NaN throughout when `depth` is NaN or lies outside the sensors that have values.

    Examples
    --------
    >>> at_depth(np.array([0.5, 1.0, 2.0]), np.array([-1.0, np.nan, -4.0]), 1.5)
    Reading(value=-3.0, gradient=-2.0, above=0.5, below=2.0)
    """
    known = ~np.isnan(profile)
    z, t = depths[known], profile[known]
    if not z.size or np.isnan(depth) or not z[0] <= depth <= z[-1]:
        return Reading(np.nan, np.nan, np.nan, np.nan)
    if z.size == 1:
        return Reading(float(t[0]), np.nan, float(z[0]), float(z[0]))
    i = int(np.clip(np.searchsorted(z, depth), 1, z.size - 1))
    slope = (t[i] - t[i - 1]) / (z[i] - z[i - 1])
    on = np.flatnonzero(z == depth)
    above, below = (z[on[0]], z[on[0]]) if on.size else (z[i - 1], z[i])
    return Reading(float(t[i - 1] + slope * (depth - z[i - 1])), float(slope), float(above), float(below))


@dataclass(frozen=True, slots=True)
class Thaw:
    """
    How deep a profile is thawed, and what that rests on.

    Parameters
    ----------
    depth : float
        Depth of the 0 °C isotherm [m]; NaN unless `bottom` is "found".
    last_thawed, first_frozen : float
        The sensors it lies between [m]: the interval the data themselves give. `last_thawed` is 0 when even the
        first sensor stays frozen, `first_frozen` is inf when even the last one thaws.
    bottom : str
        "found"; "deeper" than the string; "shallower" than its first sensor; "no_profile" without values.
    gradient : float
        Of the envelope across the bracket [K m-1]; NaN where not found.
    interpolation_error : float
        Standard uncertainty of `depth` as read within its bracket [m], from the difference of the two readings, line
        and line drawn on. Latent heat bends envelopes at the thaw front, so the straight line may be off by all of
        it, the line drawn on by anything up to it (difference / sqrt 3). With one thawed sensor, whose line cannot be
        drawn on, the front may lie anywhere between that sensor and the straight line's depth.
    crossings : int
        How many times the envelope goes from thawed to frozen downwards, the surface counted as thawed; more than one
        means a layer that stays frozen above one that thaws.
    """

    depth: float
    last_thawed: float
    first_frozen: float
    bottom: Bottom
    gradient: float = np.nan
    interpolation_error: float = np.nan
    crossings: int = 0


def thaw_depth(depths: Floats, envelope: Floats, *, method: Literal["interpolate", "extrapolate"] = "interpolate",
               freezing_point: float = 0.0) -> Thaw:
    """
    The deepest depth to which an envelope of annual maxima is thawed.

    Parameters
    ----------
    depths : ndarray, shape (m,)
        Sensor depths [m], ascending.
    envelope : ndarray, shape (m,)
        Highest daily mean of the year at each sensor [°C]; NaN where unknown.
    method : {"interpolate", "extrapolate"}
        A straight line between the last thawed and the first frozen sensor, or, where latent heat bends the
        profile there, the line through the two lowest thawed sensors drawn on, kept within the bracket.
    freezing_point : float
        Temperature that counts as frozen [°C].

    Returns
    -------
    Thaw

    References
    ----------
    Riseborough (2008), Proceedings of the Ninth International Conference on Permafrost, 1487-1492.

    Examples
    --------
    >>> thaw_depth(np.array([0.5, 1.0, 1.5]), np.array([6.0, 1.0, -1.0])).depth
    1.25
    >>> thaw_depth(np.array([0.5, 1.0]), np.array([6.0, 1.0])).bottom
    'deeper'
    """
    known = ~np.isnan(envelope)
    z, t = depths[known], envelope[known] - freezing_point
    if not z.size:
        return Thaw(np.nan, np.nan, np.nan, "no_profile")
    down = np.flatnonzero((t[:-1] > 0) & (t[1:] <= 0))
    buried = bool(t[0] <= 0 and down.size)          # the first sensor stays frozen above one that thaws
    if not down.size:
        if t[0] > 0:
            return Thaw(np.nan, float(z[-1]), np.inf, "deeper")
        return Thaw(np.nan, 0.0, float(z[0]), "shallower")
    i = int(down[-1])
    slope = (t[i + 1] - t[i]) / (z[i + 1] - z[i])
    line = z[i] - t[i] / slope
    on = _drawn_on(z, t, i)
    chosen = on if method == "extrapolate" and not np.isnan(on) else line
    return Thaw(float(chosen), float(z[i]), float(z[i + 1]), "found", float(slope),
                _reading_error(line, on, chosen, z[i:i + 2], alone=i == 0),
                int(down.size) + buried)


def _drawn_on(z: Floats, t: Floats, i: int) -> float:
    """Where the line through the two lowest thawed sensors reaches 0, within the bracket; NaN where it falls not."""
    if i == 0 or not t[i - 1] > t[i]:
        return np.nan
    return float(min(z[i] + t[i] * (z[i] - z[i - 1]) / (t[i - 1] - t[i]), z[i + 1]))


def _reading_error(line: float, on: float, chosen: float, bracket: Floats, *, alone: bool) -> float:
    if not np.isnan(on):
        return float(abs(line - on) / (1.0 if chosen == line else np.sqrt(3)))
    return float((line - bracket[0] if alone else np.abs(line - bracket).max()) / np.sqrt(3))


@dataclass(frozen=True, slots=True)
class ZeroAmplitude:
    """
    Depth at which the annual amplitude falls to a threshold [m], NaN when none; whether it was extrapolated.

    Where found, the two sensors it lies between [m], the fall of the amplitude there [K m-1], and the standard
    uncertainty of reading it within them [m]: the farthest that the lines of the neighbouring pairs of sensors, drawn
    on, are from it (/ sqrt 3), and a fifth of the distance to a straight line of the amplitude itself; without
    neighbours that distance (/ sqrt 3).
    """

    depth: float
    extrapolated: bool
    bottom: Bottom
    above: float = np.nan
    below: float = np.nan
    gradient: float = np.nan
    interpolation_error: float = np.nan


def zero_amplitude_depth(depths: Floats, amplitude: Floats, *, threshold: float = 0.1,
                         extrapolate: bool = False) -> ZeroAmplitude:
    """
    Depth of zero annual amplitude: where half the annual range of daily means falls to `threshold`.

    Read on a straight line of ln amplitude between the two sensors about it, since the wave falls exponentially.

    Parameters
    ----------
    depths : ndarray, shape (m,)
        Sensor depths [m], ascending, below the surface.
    amplitude : ndarray, shape (m,)
        Half the annual range [K]; NaN where unknown.
    threshold : float
        [K], as half a range: 0.1 by default; 0.05 is the "0.1 K peak to peak" of the IPA, 0.25 that of "0.5 K".
    extrapolate : bool
        Where the string is too short, continue the straight line of ln amplitude through all sensors, and say so.

    Returns
    -------
    ZeroAmplitude
        `depth` is NaN, with "deeper", for a string whose last amplitude is still above the threshold.

    References
    ----------
    Bonnaventure et al. (2015): regression of ln amplitude on depth where strings end above it.

    Examples
    --------
    >>> z = np.array([1.0, 5.0, 10.0])
    >>> zero_amplitude_depth(z, 10 * np.exp(-z / 2)).depth.__round__(2)
    9.21
    >>> zero_amplitude_depth(z[:2], 10 * np.exp(-z[:2] / 2))
    ZeroAmplitude(depth=nan, extrapolated=False, bottom='deeper', above=nan, ...)
    """
    known = amplitude >= 0
    z, a = depths[known], amplitude[known]
    if not z.size:
        return ZeroAmplitude(np.nan, False, "no_profile")
    below = np.flatnonzero(a <= threshold)
    if below.size and below[0] == 0:
        return ZeroAmplitude(np.nan, False, "shallower")
    if below.size:
        return _amplitude_between(z, a, int(below[0]), threshold)
    if extrapolate and z.size > 1:
        slope, level = np.polyfit(z, np.log(a), 1)
        if slope < 0:
            return ZeroAmplitude(float((np.log(threshold) - level) / slope), True, "deeper")
    return ZeroAmplitude(np.nan, False, "deeper")


def _amplitude_between(z: Floats, a: Floats, i: int, threshold: float) -> ZeroAmplitude:
    """Where the amplitude falls to the threshold between the sensors i - 1 and i."""
    above, below = float(z[i - 1]), float(z[i])

    def met(one: int, *, straight: bool = False) -> float:
        """Where the line through a sensor and the next reaches the threshold, between the two it must lie between."""
        # the amplitude falls exponentially; a sensor without any (less than a digit) is met by a straight line
        first, second, wanted = (x if straight else np.log(x) for x in (a[one], a[one + 1], threshold))
        slope = (second - first) / (z[one + 1] - z[one])
        return float(np.clip(z[one] + (wanted - first) / slope, above, below)) if slope < 0 else np.nan

    straight = met(i - 1, straight=True)
    depth = met(i - 1) if a[i] > 0 else straight
    drawn = [met(one) for one in (i - 2, i) if 0 <= one < z.size - 1 and a[one + 1] > 0]
    away = np.abs(np.array([other for other in drawn if not np.isnan(other)] or [straight]) - depth).max()
    fall = threshold * np.log(a[i - 1] / a[i]) if a[i] > 0 else a[i - 1] - a[i]
    error = np.hypot(away / np.sqrt(3), 0.2 * (straight - depth))
    return ZeroAmplitude(depth, False, "found", above, below, float(fall / (below - above)), float(error))


def annual_wave(day: Floats, values: Floats, *, harmonics: int = 1) -> tuple[Floats, Floats, Floats]:
    """
    The annual wave of each column: mean, amplitude and day of the maximum, by least squares.

    Parameters
    ----------
    day : ndarray, shape (n,)
        Day numbers; their zero is the zero of the phase.
    values : ndarray, shape (n, m)
        Daily means [°C]; NaN where missing. Gaps do not bias the fit, but it needs most of a year.
    harmonics : int
        Harmonics fitted; only the first is returned, the others take up what is not a sine.

    Returns
    -------
    mean, amplitude, phase : ndarray, shape (m,)
        [°C], [K], and the day of the maximum in [0, 365.25). NaN where the days do not determine the fit.

    Examples
    --------
    >>> d = np.arange(1461.0)
    >>> mean, amplitude, phase = annual_wave(d, (3 + 8 * np.cos(2 * np.pi * (d - 200) / 365.25))[:, None])
    >>> mean.round(6), amplitude.round(6), phase.round(6)
    (array([3.]), array([8.]), array([200.]))
    """
    coefficients = harmonic_fit(day, values, harmonics)
    cosine, sine = coefficients[1], coefficients[2]
    phase = np.arctan2(sine, cosine) / (2 * np.pi) * 365.25
    return coefficients[0], np.hypot(cosine, sine), np.mod(phase, 365.25)


def harmonic_basis(day: Floats, harmonics: int) -> Floats:
    """Columns 1, cos, sin, cos 2, sin 2, ... of the year's angle, shape (n, 1 + 2 harmonics)."""
    angle = 2 * np.pi * np.asarray(day, float)[:, None] / 365.25 * np.arange(1, harmonics + 1)
    waves = np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(len(day), 2 * harmonics)
    return np.hstack([np.ones((len(day), 1)), waves])


def harmonic_fit(day: Floats, values: Floats, harmonics: int = 2) -> Floats:
    """
    Least-squares coefficients of `harmonic_basis`, column by column, over the days each column has.

    Returns
    -------
    coefficients : ndarray, shape (1 + 2 harmonics, m)
        NaN where the days of a column do not determine them (condition of the normal matrix above 100).
    """
    basis = harmonic_basis(day, harmonics)
    k = basis.shape[1]
    present = ~np.isnan(values)
    pairs = (basis[:, :, None] * basis[:, None, :]).reshape(-1, k * k)
    # einsum, since a product this small costs more in the threads of a linear algebra library than it saves
    normal = np.einsum("nk,nm->mk", pairs, present.astype(np.float64)).reshape(-1, k, k)
    return solved_where_safe(normal, np.einsum("nk,nm->mk", basis, np.where(present, values, 0.0))).T


def solved_where_safe(normal: Floats, right: Floats) -> Floats:
    """
    Coefficients from the normal matrices (m, k, k) and right sides (..., m, k) of m least-squares fits.

    NaN where the condition of the normal matrix is above 100.
    """
    size = np.linalg.eigvalsh(normal)
    safe = (size[:, 0] > size[:, -1] / 100) & (size[:, -1] > 0)
    result = np.full(right.shape, np.nan)
    if safe.any():
        result[..., safe, :] = np.linalg.solve(normal[safe], right[..., safe, :, None])[..., 0]
    return result
