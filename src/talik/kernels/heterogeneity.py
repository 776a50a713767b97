"""Heterogeneity between studies: Cochran's Q, Higgins and Thompson's H and I², and intervals for tau²."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, chdtri, ndtri

from talik.kernels.quadratic_forms import weighted_chi_square_cdf
from talik.kernels.roots import bracketed_roots
from talik.kernels.studies import Studies, fit
from talik.kernels.tau2 import generalised_q_root

Array = NDArray[np.float64]

INTERVALS = ("QP", "J", "BJ")


class Heterogeneity(NamedTuple):
    """Q, its p-value, H and I² with their intervals, shape (B,); NaN where they do not exist."""

    q: Array
    p: Array
    h: Array
    h_low: Array
    h_high: Array
    i2: Array
    i2_low: Array
    i2_high: Array


def cochran_q(studies: Studies) -> Array:
    """Weighted sum of squares about the common-effect fit, shape (B,); NaN without a study."""
    k = studies.k
    q = np.full(k.size, np.nan)
    some = np.flatnonzero(k >= studies.p)
    q[some] = fit(studies.take(some), np.zeros((1, some.size))).q[0]
    return np.where(k == studies.p, 0.0, q)


def heterogeneity(q: Array, k: Array, level: float) -> Heterogeneity:
    """
    H and I² of Higgins and Thompson, from Q, with intervals that rest on log H.

    Parameters
    ----------
    q, k : ndarray, shape (B,)
        Cochran's Q and the number of studies.
    level : float
        Of the intervals.

    Returns
    -------
    Heterogeneity
        I² is a fraction. NaN with fewer than two studies; no interval with two studies and Q <= 2.

    References
    ----------
    Higgins & Thompson (2002), Stat. Med. 21, 1539-1558, doi:10.1002/sim.1186.

    Examples
    --------
    >>> r = heterogeneity(np.array([12.0]), np.array([4.0]), 0.95)
    >>> [round(float(v[0]), 4) for v in (r.p, r.h, r.i2, r.i2_low, r.i2_high)]
    [0.0074, 2.0, 0.75, 0.3065, 0.9099]
    """
    df = k - 1
    z = ndtri(0.5 + level / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(df > 0, q / df, np.nan)
        h = np.sqrt(np.maximum(ratio, 1.0))
        large = 0.5 * (np.log(q) - np.log(df)) / (np.sqrt(2 * q) - np.sqrt(2 * k - 3))
        small = np.where(k > 2, np.sqrt((1 - 1 / (3 * (k - 2.0) ** 2)) / (2 * (k - 2))), np.nan)
        spread = np.exp(z * np.where(q > k, large, small))
        low, high = np.maximum(h / spread, 1.0), np.maximum(h * spread, 1.0)
        p = np.where(df > 0, chdtrc(np.maximum(df, 1), q), np.nan)
        return Heterogeneity(q, p, h, low, high, _i2(h), _i2(low), _i2(high))


def _i2(h: Array) -> Array:
    return np.asarray(1 - 1 / h**2)


def tau2_share(studies: Studies, tau2: Array) -> Array:
    """I² by tau²: tau² over itself plus the typical sampling variance, as a fraction, shape (B,)."""
    f = fit(studies, np.zeros((1, tau2.size)))
    typical = studies.df / f.trace[0]
    return np.asarray(tau2 / (tau2 + typical))


def q_profile(studies: Studies, level: float) -> tuple[Array, Array]:
    """
    Interval for tau² by the Q-profile: where the generalised Q leaves the middle of its chi-square, shape (B,).

    References
    ----------
    Viechtbauer (2007), Stat. Med. 26, 37-52, doi:10.1002/sim.2514.
    """
    low, high = np.full(studies.scale.size, np.nan), np.full(studies.scale.size, np.nan)
    able = np.flatnonzero(studies.df > 0)
    part = studies.take(np.tile(able, 2))
    tails = np.repeat([(1 - level) / 2, (1 + level) / 2], able.size)
    low[able], high[able] = generalised_q_root(part, chdtri(part.df, tails)).reshape(2, -1)
    return low, high


def moment_interval(studies: Studies, level: float, *, power: float) -> tuple[float, float]:
    """
    Interval for tau² of ONE data set from the exact distribution of a moment statistic with weights v^-power.

    Parameters
    ----------
    studies : Studies
        One data set.
    level : float
        Coverage.
    power : float
        1/2 is Jackson's choice (J), 1 Biggerstaff and Jackson's, the one of DerSimonian and Laird's Q (BJ).

    Returns
    -------
    low, high : float
        In the studies' own scale; 0 where the statistic lies below the middle of its distribution at tau² = 0.

    References
    ----------
    Jackson (2013), Res. Synth. Methods 4, 220-229, doi:10.1002/jrsm.1081;
    Biggerstaff & Jackson (2008), Stat. Med. 27, 6093-6110, doi:10.1002/sim.3425.
    """
    if not studies.df[0] > 0:
        return float("nan"), float("nan")
    keep = studies.used[:, 0, 0] > 0
    y, v = studies.y[keep, 0, 0], studies.v[keep, 0, 0]
    x = np.ones((y.size, 1)) if studies.design is None else studies.design[keep]
    form = moment_form(v, x, power)
    q = float(y @ form @ y)
    low, high = (_crossing(form, v, q, (1 + sign * level) / 2) for sign in (1, -1))
    return low, high


def moment_form(v: Array, x: Array, power: float) -> Array:
    """The matrix A of the moment statistic y'Ay, with weights v^-power, shape (k, k)."""
    a = v**-power
    ax = a[:, None] * x
    form = np.diag(a) - ax @ np.linalg.solve(x.T @ ax, ax.T)
    if x.shape[1] == 1 and np.ptp(x) == 0:
        # sums over the others, so that one dominating study does not cancel itself
        others = np.where(np.eye(a.size, dtype=bool), 0.0, a).sum(axis=1)
        np.fill_diagonal(form, a * others / a.sum())
    return np.asarray(form)


def form_weights(form: Array, v: Array, tau2: float) -> Array:
    """Chi-square weights of y'Ay when y has variance v + tau², shape (k,)."""
    root = np.sqrt(v + tau2)
    return np.asarray(np.maximum(np.linalg.eigvalsh(root[:, None] * form * root), 0.0))


def _crossing(form: Array, v: Array, q: float, probability: float) -> float:
    """The tau² at which the statistic's probability of lying below q falls to `probability`; 0 if it starts below."""

    def excess(tau2: float) -> float:
        return float(weighted_chi_square_cdf(np.array(q), form_weights(form, v, tau2))) - probability

    start, high = excess(0.0), float(v.min())
    if not start > 0:
        return 0.0
    while (end := excess(high)) > 0:
        high *= 4
    root = bracketed_roots(lambda t, _: np.array([excess(float(t[0]))]), np.zeros(1), np.array([high]),
                           np.array([start]), np.array([end]))
    return float(root[0])
