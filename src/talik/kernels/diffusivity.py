"""Apparent thermal diffusivity on arrays: from the annual wave's damping and lag, and from days without ice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def diffusivity_from_waves(depths: Floats, amplitude: Floats, phase: Floats) -> tuple[Floats, Floats]:
    """
    Apparent thermal diffusivity between neighbouring sensors, from the annual wave's damping and from its lag.

    Parameters
    ----------
    depths : ndarray, shape (m,)
        [m], ascending.
    amplitude, phase : ndarray, shape (m,)
        Of the annual wave: [K] and day of the maximum, from `annual_wave`.

    Returns
    -------
    from_damping, from_lag : ndarray, shape (m - 1,)
        [m2 s-1]. NaN where the wave does not fall, or does not lag, with depth. They agree in a conducting,
        uniform layer; where the two differ, phase change or moving water is at work.

    References
    ----------
    Horton, Wierenga & Nielsen (1983), Soil Science Society of America Journal 47, 25-32,
    doi:10.2136/sssaj1983.03615995004700010005x.

    Examples
    --------
    >>> z, d = np.array([0.0, 1.0]), np.sqrt(1e-6 * 365.25 * 86400 / np.pi)           # damping depth
    >>> damping, lag = diffusivity_from_waves(z, 10 * np.exp(-z / d), 200 + z / d / (2 * np.pi) * 365.25)
    >>> damping.round(9), lag.round(9)
    (array([1.e-06]), array([1.e-06]))
    """
    period = 365.25 * 86400
    dz = np.diff(depths)
    with np.errstate(divide="ignore", invalid="ignore"):
        fall = np.log(amplitude[:-1] / amplitude[1:])
        lag = np.mod(np.diff(phase) + 182.625, 365.25) - 182.625
        from_damping = np.pi / period * (dz / fall) ** 2
        from_lag = period / (4 * np.pi) * (dz / (lag * 86400)) ** 2
    return np.where(fall > 0, from_damping, np.nan), np.where(lag > 0, from_lag, np.nan)


def diffusivity_from_days(depths: Floats, values: Floats, *, margin: float = 0.5) -> tuple[Floats, NDArray[np.int64]]:
    """
    Apparent thermal diffusivity at each inner sensor, by regression of dT/dt on the profile's curvature.

    Only days on which the sensor and both its neighbours are colder than -`margin`, or all warmer than +`margin`,
    the day before and the day after included, take part: near 0 °C the latent heat would be read as a diffusivity.

    Parameters
    ----------
    depths : ndarray, shape (m,)
        [m], ascending.
    values : ndarray, shape (n, m)
        Daily means on consecutive days [°C]; NaN where missing.
    margin : float
        [K] about 0 °C that is left out.

    Returns
    -------
    diffusivity : ndarray, shape (m - 2,)
        [m2 s-1]; NaN with fewer than 30 days, where the regression is not positive, and where it explains less than
        nine tenths of the changes.
    days : ndarray of int, shape (m - 2,)
        Days that took part.

    Notes
    -----
    Noise and a coarse resolution of the sensors swell the curvature and lower the slope by the factor 1 - r2 at most,
    r being the correlation through the origin; with r2 below 0.9 there is no result.

    References
    ----------
    McGaw, Outcalt & Ng (1978), Proceedings of the Third International Conference on Permafrost, 47-53.
    """
    upper, lower = np.diff(depths)[:-1], np.diff(depths)[1:]
    change = (values[2:, 1:-1] - values[:-2, 1:-1]) / (2 * 86400)
    slopes = np.diff(values[1:-1], axis=1) / np.diff(depths)
    curvature = 2 * np.diff(slopes, axis=1) / (upper + lower)
    with np.errstate(invalid="ignore"):
        frozen, thawed = values < -margin, values > margin
    whole = np.zeros(change.shape, dtype=bool)
    for phase in (frozen, thawed):
        level = phase[:, :-2] & phase[:, 1:-1] & phase[:, 2:]
        whole |= level[:-2] & level[1:-1] & level[2:]
    whole &= ~np.isnan(change) & ~np.isnan(curvature)
    x, y = np.where(whole, curvature, 0.0), np.where(whole, change, 0.0)
    days = whole.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (x * y).sum(axis=0) / (x * x).sum(axis=0)
        explained = slope * (x * y).sum(axis=0) / (y * y).sum(axis=0)
    return np.where((days >= 30) & (slope > 0) & (explained >= 0.9), slope, np.nan), days
