"""Straight lines within groups, the component they are drawn on, and one model for all groups at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Groups = NDArray[np.int64]


class Component(NamedTuple):
    """A first principal component: loadings (p,), share of variance explained, scores (n,)."""

    loadings: Array
    explained: float
    scores: Array


class Lines(NamedTuple):
    """One straight line a group, as arrays of length J: n, slope, sum of squares of x, of the residuals."""

    n: NDArray[np.int64]
    slope: Array
    sxx: Array
    rss: Array


class OneStage(NamedTuple):
    """Common slope, its standard error, variance of slopes between groups, residual variance."""

    slope: float
    se: float
    tau2: float
    sigma2: float


def first_component(x: Array) -> Component:
    """
    First principal component of the correlation matrix, with loadings whose sum is positive.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        Complete rows; every column varies.

    Returns
    -------
    Component
        Scores are those of the standardised columns (ddof 1), not rescaled: their variance is the eigenvalue. Where
        the loadings sum to zero, the first that is not zero is positive.

    Examples
    --------
    >>> c = first_component(np.array([[0, 0], [1, -1], [2, -2.0]]))
    >>> c.loadings.round(3).tolist(), round(c.explained, 3)
    ([0.707, -0.707], 1.0)
    """
    z = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    _, singular, axes = np.linalg.svd(z, full_matrices=False)
    axis = axes[0] * positive_sum(axes[0])
    return Component(axis, float(singular[0] ** 2 / (singular**2).sum()), z @ axis)


def positive_sum(loadings: Array) -> float:
    """+1 or -1: the sign that makes the sum of the loadings positive (the first loading, where the sum is zero)."""
    total = loadings.sum()
    decisive = total if abs(total) > 1e-9 * np.abs(loadings).sum() else loadings[np.abs(loadings) > 1e-9][0]
    return 1.0 if decisive > 0 else -1.0


def group_lines(x: Array, y: Array, group: Groups, count: int) -> Lines:
    """
    Ordinary least squares of y on x in every group, for one or many responses at once.

    Parameters
    ----------
    x : ndarray, shape (n,)
    y : ndarray, shape (n,) or (B, n)
        B responses (permutations, say) share x.
    group : ndarray of int, shape (n,)
        Group numbers 0 ... count - 1.
    count : int
        Number of groups.

    Returns
    -------
    Lines
        Arrays of shape (count,), or (B, count) for slope and rss. NaN slope where x does not vary in the group.

    Examples
    --------
    >>> group_lines(np.array([0, 1, 2.0]), np.array([1, 3, 5.0]), np.zeros(3, int), 1).slope
    array([2.])
    """
    member = np.zeros((group.size, count))
    member[np.arange(group.size), group] = 1.0
    n = member.sum(axis=0)
    dx = x - ((x @ member) / n)[group]
    dy = y - ((y @ member) / n)[..., group]
    sxx, sxy, syy = dx**2 @ member, (dx * dy) @ member, dy**2 @ member
    flat = sxx <= 1e-12 * np.maximum(x**2 @ member, 1e-300)
    slope = np.where(flat, np.nan, sxy / np.where(flat, 1.0, sxx))
    return Lines(n.astype(np.int64), slope, sxx, np.maximum(syy - slope * sxy, 0.0))


def hc3(x: Array, y: Array) -> float:
    """
    Standard error of a slope by HC3 (MacKinnon & White 1985), safe against unequal variance.

    Examples
    --------
    >>> round(hc3(np.array([0, 1, 2, 3.0]), np.array([0, 1.1, 1.9, 3.2])), 4)
    0.0943
    """
    dx = x - x.mean()
    sxx = (dx**2).sum()
    residual = y - y.mean() - (dx @ y / sxx) * dx
    leverage = 1.0 / x.size + dx**2 / sxx
    return float(np.sqrt((dx**2 * (residual / (1.0 - leverage)) ** 2).sum()) / sxx)


def one_stage(lines: Lines) -> OneStage:
    """
    All groups in one mixed model: own intercepts, slopes that vary around a common one, one residual variance; REML.

    Parameters
    ----------
    lines : Lines
        One line a group; their slopes and residual sums are sufficient for the model.

    Returns
    -------
    OneStage
        NaN throughout with fewer than two groups or no residual degree of freedom.

    Notes
    -----
    With ratio r = tau2 / sigma2, slope_j ~ N(beta, sigma2 (r + 1 / sxx_j)) and rss / sigma2 ~ chi2(sum(n_j - 2));
    sigma2 and beta have closed forms at given r, so that the restricted likelihood is searched along r only.
    """
    b, weight_of = lines.slope, 1.0 / lines.sxx
    free, count = int((lines.n - 2).sum()), lines.n.size
    if count < 2 or free < 1:
        return OneStage(np.nan, np.nan, np.nan, np.nan)

    def fit(ratio: float) -> tuple[float, float, float, float]:
        w = 1.0 / (ratio + weight_of)
        beta = (w @ b) / w.sum()
        dof = free + count - 1
        sigma2 = (lines.rss.sum() + w @ (b - beta) ** 2) / dof
        deviance = dof * np.log(sigma2) - np.log(w).sum() + np.log(w.sum())
        return float(deviance), float(beta), float(np.sqrt(sigma2 / w.sum())), float(sigma2)

    grid = np.concatenate([[0.0], np.geomspace(1e-4, 1e4, 200) * np.median(weight_of)])
    best = int(np.argmin([fit(r)[0] for r in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    for _ in range(60):                                     # golden section between the neighbours of the best
        a, c = high - 0.6180339887498949 * (high - low), low + 0.6180339887498949 * (high - low)
        low, high = (low, c) if fit(a)[0] <= fit(c)[0] else (a, high)
    ratio = 0.0 if fit(0.0)[0] <= fit(0.5 * (low + high))[0] else 0.5 * (low + high)
    _, beta, se, sigma2 = fit(ratio)
    return OneStage(beta, se, ratio * sigma2, sigma2)
