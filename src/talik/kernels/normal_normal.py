"""Bayesian random-effects meta-analysis without sampling: the posterior of tau on a grid, of the mean as a mixture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from talik.kernels.roots import bracketed_roots
from talik.kernels.studies import Studies, fit, log_likelihood

Array = NDArray[np.float64]
_POINTS = 2000


class Posterior(NamedTuple):
    """Posterior of the mean, of tau and of a new study's effect: mean, sd, quantiles (low, median, high)."""

    mean: float
    sd: float
    mean_quantiles: Array
    tau_mean: float
    tau_quantiles: Array
    prediction_quantiles: Array


def posterior(studies: Studies, prior_scale: float, level: float) -> Posterior:
    """
    Posterior of ONE data set under a flat prior for the mean and a half-normal prior for tau.

    Parameters
    ----------
    studies : Studies
        At least one study.
    prior_scale : float
        Scale of the half-normal, in the effects' unit.
    level : float
        Of the equal-tailed intervals.

    Notes
    -----
    With the mean integrated out, the likelihood of tau is the restricted one. The trapezoidal rule in log tau from
    1e-7 of the smaller of prior scale and smallest standard error upwards leaves out less than 1e-6 of the mass.

    References
    ----------
    Röver (2020), J. Stat. Softw. 93(6), doi:10.18637/jss.v093.i06.
    """
    scale = float(studies.scale[0])
    prior = prior_scale / scale
    least = np.sqrt(studies.v[studies.used > 0].min())
    tau = np.geomspace(1e-7 * min(prior, least), 9 * prior, _POINTS)
    log_density = log_likelihood(studies, tau[:, None] ** 2, restricted=True)[:, 0] - 0.5 * (tau / prior) ** 2
    mass = np.exp(log_density - log_density.max()) * tau
    mass[[0, -1]] /= 2
    mass /= mass.sum()
    f = fit(studies, tau[:, None] ** 2)
    mean, variance = f.beta[:, 0, 0], f.covariance[:, 0, 0, 0]
    centre = float(mass @ mean)
    sd = float(np.sqrt(mass @ (variance + (mean - centre) ** 2)))
    levels = np.array([(1 - level) / 2, 0.5, (1 + level) / 2])
    back = float(studies.centre[0])
    cumulative = np.cumsum(mass) - mass / 2
    return Posterior(
        back + scale * centre, scale * sd, back + scale * _mixture_quantiles(mass, mean, np.sqrt(variance), levels),
        scale * float(mass @ tau), scale * np.interp(levels, cumulative, tau),
        back + scale * _mixture_quantiles(mass, mean, np.sqrt(variance + tau**2), levels))


def _mixture_quantiles(mass: Array, mean: Array, sd: Array, levels: Array) -> Array:
    """Quantiles of a mixture of normals."""
    reach = -ndtri(1e-12)
    low = np.full(levels.size, float((mean - reach * sd).min()))
    high = np.full(levels.size, float((mean + reach * sd).max()))

    def excess(x: Array, index: NDArray[np.intp]) -> Array:
        return np.asarray(ndtr((x[:, None] - mean) / sd) @ mass - levels[index])

    every = np.arange(levels.size)
    return bracketed_roots(excess, low, high, excess(low, every), excess(high, every))
