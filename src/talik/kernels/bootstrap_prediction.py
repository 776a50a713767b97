"""A prediction interval that carries the uncertainty of tau²: draws from its confidence distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.kernels.heterogeneity import form_weights, moment_form
from talik.kernels.quadratic_forms import weighted_chi_square_cdf
from talik.kernels.random_effects import Spread
from talik.kernels.studies import Studies, fit

Array = NDArray[np.float64]
_DRAWS = 20_000


def bootstrap_prediction(studies: Studies, level: float, *, seed: int) -> Spread:
    """
    Prediction interval of ONE data set by Nagashima, Noma and Furukawa's parametric bootstrap, shape (1,).

    tau² is drawn from the exact confidence distribution of DerSimonian and Laird's estimator; for each draw the mean,
    a normal effect and a Hartung-Knapp t error are added up. Random numbers come from `seed` alone; quantiles of
    20,000 draws are good to about 2 % of the interval's width.

    References
    ----------
    Nagashima, Noma & Furukawa (2019), Stat. Methods Med. Res. 28, 1689-1702, doi:10.1177/0962280218773520.
    """
    none = np.full(1, np.nan)
    if studies.k[0] < 3:
        return Spread(none, none, none, none)
    random = np.random.default_rng(seed)
    levels = (random.permutation(_DRAWS) + random.random(_DRAWS)) / _DRAWS
    tau2 = _confidence_draws(studies, levels)
    f = fit(studies, tau2[:, None])
    df = float(studies.df[0])
    error = np.sqrt(f.q[:, 0] / df * f.covariance[:, 0, 0, 0])
    new = f.beta[:, 0, 0] + np.sqrt(tau2) * random.standard_normal(_DRAWS) - error * random.standard_t(df, _DRAWS)
    low, high = studies.centre[0] + studies.scale[0] * np.quantile(new, [(1 - level) / 2, (1 + level) / 2])
    return Spread(np.array([low]), np.array([high]), studies.scale * new.std(), none)


def _confidence_draws(studies: Studies, levels: Array) -> Array:
    """The tau² whose probability of a Q larger than the observed is each of `levels`; 0 below the one at tau² = 0."""
    keep = studies.used[:, 0, 0] > 0
    y, v = studies.y[keep, 0, 0], studies.v[keep, 0, 0]
    form = moment_form(v, np.ones((y.size, 1)), 1.0)
    q = np.array(y @ form @ y)

    def exceedance(tau2: float) -> float:
        return 1 - float(weighted_chi_square_cdf(q, form_weights(form, v, tau2)))

    top = float(v.max())
    while exceedance(top) < 1 - 1e-4 and top < 1e12:
        top *= 4
    grid = np.append(0.0, np.geomspace(1e-3 * v.min(), top, 160))
    probability = np.maximum.accumulate([exceedance(float(t)) for t in grid])
    return np.asarray(np.interp(levels, probability, grid, left=0.0))
