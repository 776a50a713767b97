"""Surface and thermal offsets, n-factors, the TTOP model, and what they say of each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from talik.errors import DataError

Floats = NDArray[np.float64]


def surface_offset(maat: ArrayLike, magst: ArrayLike) -> Floats:
    """
    Surface offset: how much warmer the ground surface is than the air, SO = MAGST - MAAT.

    Parameters
    ----------
    maat : array_like, shape (...,)
        Mean annual air temperature at screen height [°C].
    magst : array_like, shape (...,)
        Mean annual ground surface temperature, 0-5 cm, of the same years [°C]; broadcasts to `maat`.

    Returns
    -------
    ndarray
        Surface offset [K], positive where the surface is warmer. NaN wherever either input is.

    Raises
    ------
    DataError
        If a temperature lies outside -100 to 60 °C: most often a fill value or kelvin.

    References
    ----------
    Smith & Riseborough (2002), Permafrost and Periglacial Processes 13, 1-15, doi:10.1002/ppp.410.

    Examples
    --------
    >>> surface_offset([-8.0, -4.5], [-4.9, -1.3]).round(1)
    array([3.1, 3.2])
    >>> surface_offset(265.1, -4.9)
    Traceback (most recent call last):
    ...
    talik.errors.DataError: maat: 1 of 1 values outside -100 to 60 °C (first: 265.1). Kelvin? Fill value?
    """
    offset: Floats = _temperature(magst, "magst") - _temperature(maat, "maat")
    return offset


def thermal_offset(magst: ArrayLike, ttop: ArrayLike) -> Floats:
    """
    Thermal offset: how much warmer the top of permafrost is than the ground surface, TO = TTOP - MAGST.

    Parameters
    ----------
    magst : array_like, shape (...,)
        Mean annual ground surface temperature [°C].
    ttop : array_like, shape (...,)
        Mean annual temperature at the top of permafrost of the same years [°C]; broadcasts to `magst`.

    Returns
    -------
    ndarray
        Thermal offset [K], mostly negative. NaN wherever either input is.

    Raises
    ------
    DataError
        If a temperature lies outside -100 to 60 °C.

    References
    ----------
    Burn & Smith (1988), Arctic 41, 99-104, doi:10.14430/arctic1700.

    Examples
    --------
    >>> thermal_offset(-4.9, [-5.6, -4.4]).round(1)
    array([-0.7,  0.5])
    """
    offset: Floats = _temperature(ttop, "ttop") - _temperature(magst, "magst")
    return offset


def n_factors(tdd_air: ArrayLike, fdd_air: ArrayLike, tdd_surface: ArrayLike,
              fdd_surface: ArrayLike) -> tuple[Floats, Floats]:
    """
    Thawing and freezing n-factors: degree-days of the ground surface over those of the air.

    Parameters
    ----------
    tdd_air, fdd_air, tdd_surface, fdd_surface : array_like
        Thawing and freezing degree-days of the same window, both positive [K d].

    Returns
    -------
    n_thaw, n_freeze : ndarray
        NaN where the air has no degree-days of that kind, since nothing can be divided by them.

    Raises
    ------
    DataError
        If degree-days are negative.

    References
    ----------
    Lunardini (1978), Proceedings of the Third International Conference on Permafrost, 40-46.

    Examples
    --------
    >>> n_thaw, n_freeze = n_factors(1000.0, 3000.0, 900.0, 1200.0)
    >>> n_thaw.round(2), n_freeze.round(2)
    (np.float64(0.9), np.float64(0.4))
    """
    ta, fa = _degree_days(tdd_air, "tdd_air"), _degree_days(fdd_air, "fdd_air")
    ts, fs = _degree_days(tdd_surface, "tdd_surface"), _degree_days(fdd_surface, "fdd_surface")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(ta > 0, ts / ta, np.nan)[()], np.where(fa > 0, fs / fa, np.nan)[()]


def offset_parts(tdd_air: ArrayLike, fdd_air: ArrayLike, tdd_surface: ArrayLike, fdd_surface: ArrayLike,
                 days: ArrayLike) -> tuple[Floats, Floats]:
    """
    The surface offset split into its winter (nival) and summer (vegetation) part; they sum exactly to it.

    Nival part FDDa (1 - nf) / P, written here as (FDDa - FDDs) / P so that it holds without frost as well;
    vegetation part TDDa (nt - 1) / P = (TDDs - TDDa) / P.

    Parameters
    ----------
    tdd_air, fdd_air, tdd_surface, fdd_surface : array_like
        Degree-days of the same window, both positive [K d].
    days : array_like
        Days of the window: 366 in leap years.

    Returns
    -------
    nival, vegetation : ndarray
        [K]. Positive where the surface is warmer than the air in that season.

    References
    ----------
    Smith & Riseborough (2002), doi:10.1002/ppp.410.

    Examples
    --------
    >>> nival, vegetation = offset_parts(1000.0, 3000.0, 900.0, 1200.0, 365)
    >>> nival.round(3), vegetation.round(3)
    (np.float64(4.932), np.float64(-0.274))
    """
    length = np.asarray(days, float)
    nival: Floats = (_degree_days(fdd_air, "fdd_air") - _degree_days(fdd_surface, "fdd_surface")) / length
    vegetation: Floats = (_degree_days(tdd_surface, "tdd_surface") - _degree_days(tdd_air, "tdd_air")) / length
    return nival, vegetation


def ttop(tdd_surface: ArrayLike, fdd_surface: ArrayLike, rk: ArrayLike, days: ArrayLike = 365.25) -> Floats:
    """
    Equilibrium temperature at the top of permafrost, or at the base of seasonal frost, after the TTOP model.

    (rk TDDs - FDDs) / P where that is at most 0 °C; (TDDs - FDDs / rk) / P otherwise.

    Parameters
    ----------
    tdd_surface, fdd_surface : array_like
        Degree-days of the ground surface: n_thaw * TDDa and n_freeze * FDDa [K d].
    rk : array_like
        Thawed over frozen thermal conductivity.
    days : array_like
        Days the degree-days were summed over.

    Returns
    -------
    ndarray
        [°C].

    Raises
    ------
    DataError
        If `rk` is not positive, or degree-days are negative.

    References
    ----------
    Smith & Riseborough (1996), Permafrost and Periglacial Processes 7, 301-309; (2002), doi:10.1002/ppp.410.
    Romanovsky & Osterkamp (1995), Permafrost and Periglacial Processes 6, 313-335, doi:10.1002/ppp.3430060404.

    Examples
    --------
    >>> thawing, freezing = sinusoid_degree_days(-4.0, 12.0, days=365)
    >>> ttop(thawing, freezing, 0.5, 365).round(6)
    np.float64(-5.01698)
    """
    ts, fs = _degree_days(tdd_surface, "tdd_surface"), _degree_days(fdd_surface, "fdd_surface")
    ratio, length = np.asarray(rk, float), np.asarray(days, float)
    if (ratio <= 0).any():
        raise DataError(f"rk: got {np.min(ratio):g}, expected thawed over frozen conductivity, a positive number")
    frozen: Floats = (ratio * ts - fs) / length
    return np.where(frozen <= 0, frozen, (ts - fs / ratio) / length)[()]


def apparent_rk(thermal_offset: ArrayLike, tdd_surface: ArrayLike, days: ArrayLike, *,
                min_tdd: float = 50.0) -> Floats:
    """
    The conductivity ratio a thermal offset implies, rk* = 1 + TO P / TDDs: the TTOP model read backwards.

    Above 1 the ground at the table is warmer than its surface, which conduction alone gives only in dry ground;
    below 0 no conductivity can explain the offset. Neither is clipped.

    Parameters
    ----------
    thermal_offset : array_like
        TTOP - MAGST [K], of a site with permafrost.
    tdd_surface : array_like
        Thawing degree-days of the ground surface of the same window [K d].
    days : array_like
        Days of the window.
    min_tdd : float
        Below these thawing degree-days [K d] the quotient is noise and the result NaN.

    Returns
    -------
    ndarray
        Apparent rk; NaN where `tdd_surface` is below `min_tdd`.

    Examples
    --------
    >>> apparent_rk(-0.7, 900.0, 365).round(3), apparent_rk(-0.7, 20.0, 365)
    (np.float64(0.716), np.float64(nan))
    """
    ts = _degree_days(tdd_surface, "tdd_surface")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 1 + np.asarray(thermal_offset, float) * np.asarray(days, float) / ts
    return np.where(ts >= min_tdd, ratio, np.nan)[()]


def sinusoid_degree_days(mean: ArrayLike, amplitude: ArrayLike, *, days: float = 365.25) -> tuple[Floats, Floats]:
    """
    Thawing and freezing degree-days of a sinusoidal year.

    Parameters
    ----------
    mean : array_like
        Annual mean [°C].
    amplitude : array_like
        Half the annual range [K], not negative.
    days : float
        Length of the year.

    Returns
    -------
    thawing, freezing : ndarray
        [K d], both positive; thawing - freezing = mean * days.

    Examples
    --------
    >>> thawing, freezing = sinusoid_degree_days(0.0, 10.0, days=365)
    >>> thawing.round(2), (thawing - freezing).round(9)
    (np.float64(1161.83), np.float64(0.0))
    """
    m, a = np.broadcast_arrays(np.asarray(mean, float), np.asarray(amplitude, float))
    if (a < 0).any():
        raise DataError(f"amplitude: got {a.min():g} K, expected 0 or more")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        s = np.clip(np.where(a > 0, m / a, np.sign(m)), -1.0, 1.0)
    warm = (a * np.sqrt(1 - s**2) + m * (np.pi / 2 + np.arcsin(s))) / np.pi
    thawing: Floats = np.maximum(warm, 0.0) * days
    return thawing, thawing - m * days


def _temperature(value: ArrayLike, name: str, low: float = -100.0, high: float = 60.0) -> Floats:
    t = np.asarray(value, dtype=np.float64)
    bad = (t < low) | (t > high)
    if bad.any():
        raise DataError(f"{name}: {int(bad.sum())} of {t.size} values outside {low:.0f} to {high:.0f} °C "
                        f"(first: {t[bad].flat[0]:g}). Kelvin? Fill value?")
    return t


def _degree_days(value: ArrayLike, name: str) -> Floats:
    index = np.asarray(value, dtype=np.float64)
    if (index < 0).any():
        raise DataError(f"{name}: got {np.nanmin(index):g} K d; degree-days are counted positive, freezing ones too")
    return index
