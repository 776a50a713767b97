"""Small-study effects: is the funnel of effects against standard errors lopsided?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr

from talik.kernels.random_effects import classic_mean
from talik.kernels.studies import standardised
from talik.kernels.tau2 import estimate

Array = NDArray[np.float64]
_PERFECT = 1e-22


class Asymmetry(NamedTuple):
    """Estimate of asymmetry, its standard error, statistic, degrees of freedom (inf: normal), p; `reason` where NaN."""

    estimate: float
    se: float
    statistic: float
    df: float
    p: float
    reason: str


def egger(effect: Array, se: Array) -> Asymmetry:
    """
    Egger's regression of effect / se on 1 / se: the intercept, 0 for a symmetric funnel; t with k - 2.

    References
    ----------
    Egger et al. (1997), BMJ 315, 629-634, doi:10.1136/bmj.315.7109.629.
    """
    s = standardised(effect[None], se[None], np.ones((effect.size, 1)))
    y, precision = s.y[:, 0, 0], s.v[:, 0, 0] ** -0.5
    x = np.column_stack([np.ones(y.size), precision - precision.mean()])
    nan, df = float("nan"), float(y.size - 2)
    if np.ptp(precision) <= 1e-12 * precision.max():
        return Asymmetry(nan, nan, nan, df, nan, "all standard errors are equal")
    q, r = np.linalg.qr(x)
    z = y * precision
    coefficient = np.linalg.solve(r, q.T @ z)
    inverse = np.linalg.inv(r)
    # the intercept at precision 0, not at the mean precision
    contrast = np.array([1.0, -precision.mean()])
    bias = float(contrast @ coefficient)
    left = float(((z - x @ coefficient) ** 2).sum())
    if left <= _PERFECT * max(float((z**2).sum()), 1.0):
        return Asymmetry(bias, 0.0, nan, df, nan, "the regression fits perfectly")
    spread = float(np.sqrt(left / df * (contrast @ inverse @ inverse.T @ contrast)))
    return Asymmetry(bias, spread, bias / spread, df, float(2 * stdtr(df, -abs(bias / spread))), "")


def begg(effect: Array, se: Array) -> Asymmetry:
    """
    Begg and Mazumdar's rank correlation of standardised effects with variances: Kendall's score, normal, ties heeded.

    References
    ----------
    Begg & Mazumdar (1994), Biometrics 50, 1088-1101, doi:10.2307/2533446.
    """
    s = standardised(effect[None], se[None], np.ones((effect.size, 1)))
    y, v = s.y[:, 0, 0], s.v[:, 0, 0]
    gap = v - 1 / (1 / v).sum()
    deviate = y / np.sqrt(np.where(gap > 0, gap, np.nan))
    score = float((np.sign(deviate[:, None] - deviate) * np.sign(v[:, None] - v)).sum() / 2)
    nan = float("nan")
    flat = np.ptp(y) <= 1e-12 or np.ptp(v) <= 1e-12
    spread = 0.0 if flat else float(np.sqrt(_kendall_variance(deviate, v)))
    if not spread > 0 or np.isnan(deviate).any():
        return Asymmetry(nan, 0.0, nan, float("inf"), nan, "all effects or all standard errors are equal")
    return Asymmetry(score, spread, score / spread, float("inf"), float(2 * ndtr(-abs(score / spread))), "")


def _kendall_variance(a: Array, b: Array) -> float:
    """Variance of Kendall's score under independence, with ties in either variable."""
    n = a.size
    ties = [np.unique(x, return_counts=True)[1].astype(float) for x in (a, b)]
    whole = n * (n - 1) * (2 * n + 5) - sum(float((t * (t - 1) * (2 * t + 5)).sum()) for t in ties)
    two = np.prod([(t * (t - 1)).sum() for t in ties]) / (2 * n * (n - 1))
    three = np.prod([(t * (t - 1) * (t - 2)).sum() for t in ties]) / (9 * n * (n - 1) * (n - 2)) if n > 2 else 0.0
    return float(whole / 18 + two + three)


def missing_studies(effect: Array, se: Array, *, side: str, estimator: str, tau2: str | float) -> tuple[int, float]:
    """
    Number of studies that trim and fill takes to be missing on one side of the funnel, and the centre it settles on.

    Parameters
    ----------
    effect, se : ndarray, shape (k,)
    side : {"left", "right"}
        Where studies are thought to be missing.
    estimator : {"L0", "R0"}
    tau2 : str or float
        For the mean of the trimmed studies; 0 is the common effect.

    Returns
    -------
    count, centre
        The `count` most extreme effects of the other side are to be mirrored about `centre`.

    References
    ----------
    Duval & Tweedie (2000), Biometrics 56, 455-463, doi:10.1111/j.0006-341X.2000.00455.x.
    """
    sign = 1.0 if side == "left" else -1.0
    order = np.argsort(sign * effect, kind="stable")
    y, s, k = sign * effect[order], se[order], effect.size
    count, seen, reach = 0, -1, max(float(np.ptp(y)), float(s.min()))
    if np.ptp(y) <= 4 * np.finfo(float).eps * np.abs(y).max():
        return 0, sign * float(y.mean())
    for _ in range(100):
        centre = _centre(y[:k - count], s[:k - count], tau2)
        if count == seen:
            break
        # rounded, so that distances that are equal tie whatever the last bit says; ties keep the order of the effects
        away = y - centre
        distance = np.round(np.abs(away) / reach, 10)
        rank = np.argsort(np.argsort(distance, kind="stable"), kind="stable") + 1.0
        if estimator == "R0":
            negative = rank[away < 0]
            estimate_now = k - (negative.max() if negative.size else 0.0) - 1
        else:
            estimate_now = (4 * rank[away > 0].sum() - k * (k + 1)) / (2 * k - 1)
        seen, count = count, min(int(max(np.rint(estimate_now), 0)), k - 1)
    return count, sign * centre


def _centre(effect: Array, se: Array, tau2: str | float) -> float:
    s = standardised(effect[None], se[None])
    value = estimate(s, tau2).tau2 if isinstance(tau2, str) else np.array([tau2]) / s.scale**2
    return float(classic_mean(s, value, 0.95).mean[0])
