"""Meta-regression: weighted least squares with tau², from a design that may be badly scaled or rank-deficient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, fdtrc

from talik.kernels.random_effects import normal_interval
from talik.kernels.studies import fit, standardised
from talik.kernels.tau2 import estimate

Array = NDArray[np.float64]
_DEPENDENT = 1e-10
_PERFECT = 1e-24


class Coefficients(NamedTuple):
    """Coefficients with intervals, shape (p,), their covariance, and the model's and the residual heterogeneity."""

    beta: Array
    se: Array
    statistic: Array
    p: Array
    low: Array
    high: Array
    covariance: Array
    df: float
    qm: float
    qm_df: int
    qm_p: float
    qe: float
    qe_df: int
    qe_p: float
    tau2: float
    tau2_se: float
    modes: int
    i2: float
    r2: float


def independent_columns(design: Array) -> NDArray[np.bool_]:
    """
    Which columns add something to those before them, shape (p,).

    Examples
    --------
    >>> x = np.arange(4.0)
    >>> independent_columns(np.column_stack([np.ones(4), x, 2 * x + 1, x**2])).tolist()
    [True, True, False, True]
    """
    keep = np.zeros(design.shape[1], dtype=bool)
    basis = np.empty((design.shape[0], 0))
    for j, column in enumerate(design.T):
        size = np.linalg.norm(column)
        rest = column / size if size > 0 else column
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        left = np.linalg.norm(rest)
        if size > 0 and left > _DEPENDENT:
            keep[j] = True
            basis = np.column_stack([basis, rest / left])
    return keep


def regress(effect: Array, se: Array, design: Array, tau2: str | float, level: float, *, knha: bool) -> Coefficients:
    """
    Fit a meta-regression of full rank whose first column is the intercept.

    Parameters
    ----------
    effect, se : ndarray, shape (k,)
        Finite, `se` positive.
    design : ndarray, shape (k, p)
        k > p.
    tau2 : str or float
        Estimator of the residual tau², or its value in squared units of the effect.
    level : float
        Of the intervals.
    knha : bool
        Knapp and Hartung's standard errors with t and F tests, instead of normal and chi-square ones.

    References
    ----------
    Knapp & Hartung (2003), Stat. Med. 22, 2693-2710, doi:10.1002/sim.1482;
    Raudenbush (2009), in The Handbook of Research Synthesis and Meta-Analysis, 2nd ed., 295-316 (R²).
    """
    basis, back = np.linalg.qr(design)
    studies = standardised(effect[None], se[None], basis)
    plain = standardised(effect[None], se[None])
    scale, k, p = float(studies.scale[0]), effect.size, design.shape[1]
    if isinstance(tau2, str):
        found = estimate(studies, tau2)
        t, t_se, modes = found.tau2, float(found.se[0]), int(found.modes[0])
        null = float(estimate(plain, tau2).tau2[0])
    else:
        t, t_se, modes, null = np.array([tau2 / scale**2]), float("nan"), 1, float("nan")
    f, common = fit(studies, t[None]), fit(studies, np.zeros((1, 1)))
    beta = scale * np.linalg.solve(back, f.beta[0, 0])
    beta[0] += studies.centre[0]
    inverse = np.linalg.inv(back)
    covariance = scale**2 * inverse @ f.covariance[0, 0] @ inverse.T
    if knha:
        noise = _PERFECT * float((f.w * studies.y**2).sum())
        covariance = covariance * (0.0 if f.q[0, 0] <= noise else float(f.q[0, 0]) / (k - p))
    df = float(k - p) if knha else float("inf")
    spread = np.sqrt(np.diag(covariance))
    test = normal_interval(beta, spread, np.full(p, df), level)
    qm, qm_p = _omnibus(beta[1:], covariance[1:, 1:], df)
    qe = float(common.q[0, 0])
    typical = (k - p) / float(common.trace[0, 0])
    # with tau² set to 0 the heterogeneity that is there shows in QE only
    i2 = max(0.0, (qe - (k - p)) / qe) if tau2 == 0 and qe > 0 else float(t[0]) / (float(t[0]) + typical)
    return Coefficients(beta, spread, test.statistic, test.p, test.low, test.high, covariance, df, qm, p - 1, qm_p, qe,
                        k - p, float(chdtrc(k - p, qe)), float(t[0]) * scale**2, t_se * scale**2, modes,
                        i2, _explained(null, float(t[0])))


def _omnibus(beta: Array, covariance: Array, df: float) -> tuple[float, float]:
    """Wald test of all coefficients but the intercept: chi-square, or F (already divided) at finite df."""
    if not beta.size:
        return float("nan"), float("nan")
    size = np.sqrt(np.diag(covariance))
    if not (size > 0).all():
        return float("nan"), float("nan")
    z = beta / size
    q = float(z @ np.linalg.solve(covariance / np.outer(size, size), z))
    if np.isfinite(df):
        return q / beta.size, float(fdtrc(beta.size, df, q / beta.size))
    return q, float(chdtrc(beta.size, q))


def _explained(null: float, left: float) -> float:
    """Share of the tau² without moderators that they explain; 0 when there was none, NaN when tau² was given."""
    return max(0.0, (null - left) / null) if null > 0 else 0.0 * null
