"""Estimators of the between-study variance tau², batched, at full accuracy on any scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from talik.kernels.roots import bracketed_roots
from talik.kernels.studies import Studies, fit, log_likelihood

Array = NDArray[np.float64]

ESTIMATORS = ("DL", "REML", "ML", "PM", "SJ", "HE", "HS", "EB", "PMM", "HSk")
_PER_DECADE = 6
_CELLS = 2**15


class Estimate(NamedTuple):
    """tau² and its standard error in the studies' own scale, shape (B,); NaN with no residual degree of freedom."""

    tau2: Array
    se: Array
    modes: NDArray[np.int64]
    """Number of local maxima of the likelihood (1 for the other estimators, 0 where tau² is NaN)."""


def estimate(studies: Studies, method: str) -> Estimate:
    """
    tau² of every data set by one of the `ESTIMATORS`.

    Parameters
    ----------
    studies : Studies
        Standardised.
    method : str
        DL DerSimonian-Laird, REML and ML (restricted) maximum likelihood, PM Paule-Mandel, EB empirical Bayes (the same
        equation as PM), PMM median-unbiased Paule-Mandel, SJ Sidik-Jonkman, HE Hedges, HS Hunter-Schmidt, HSk the
        same with its small-sample correction.

    References
    ----------
    Viechtbauer (2005), J. Educ. Behav. Stat. 30, 261-293, doi:10.3102/10769986030003261;
    DerSimonian & Laird (1986), doi:10.1016/0197-2456(86)90046-2; Paule & Mandel (1982), doi:10.6028/jres.087.022;
    Sidik & Jonkman (2007), doi:10.1002/sim.2688; Viechtbauer (2021), doi:10.1002/jrsm.1488 (PMM).

    Examples
    --------
    >>> from talik.kernels.studies import standardised
    >>> s = standardised(np.array([[0.0, 1.0, 4.0]]), np.ones((1, 3)))
    >>> [round(float(estimate(s, m).tau2[0]), 6) for m in ("DL", "REML", "ML", "PM", "HE")]
    [3.333333, 3.333333, 1.888889, 3.333333, 3.333333]
    """
    able = np.flatnonzero(studies.df > 0)
    count = studies.scale.size
    tau2, se = np.full(count, np.nan), np.full(count, np.nan)
    modes = np.zeros(count, dtype=np.int64)
    part = studies if able.size == count else studies.take(able)
    if able.size:
        found, several = _METHODS[method](part)
        tau2[able], modes[able] = found, several
        se[able] = _standard_error(part, found, method)
    return Estimate(tau2, se, modes)


def _one(value: Array) -> tuple[Array, NDArray[np.int64]]:
    return np.maximum(value, 0.0), np.ones(value.size, dtype=np.int64)


def _at_zero(studies: Studies) -> Array:
    return np.zeros((1, studies.scale.size))


def _dersimonian_laird(studies: Studies) -> tuple[Array, NDArray[np.int64]]:
    f = fit(studies, _at_zero(studies))
    return _one((f.q[0] - studies.df) / f.trace[0])


def _unweighted(studies: Studies) -> Studies:
    return Studies(studies.y, np.ones_like(studies.v), studies.used, studies.design, studies.centre, studies.scale)


def _hedges(studies: Studies) -> tuple[Array, NDArray[np.int64]]:
    plain = fit(_unweighted(studies), _at_zero(studies))
    return _one((plain.q[0] - _trace_with_v(studies, 1)) / studies.df)


def _trace_with_v(studies: Studies, power: int) -> Array:
    """tr (M V)^power with M = I - X (X'X)^-1 X', shape (B,)."""
    v = (studies.used * studies.v)[:, 0]
    if studies.design is None:
        k = studies.k
        first = v.sum(0) * (1 - 1 / k)
        return np.asarray(first if power == 1 else (v * v).sum(0) * (1 - 2 / k) + (v.sum(0) / k) ** 2)
    q, _ = np.linalg.qr(studies.design)
    inner = np.einsum("kp,kb,kq->bpq", q, v, q)
    if power == 1:
        return np.asarray(v.sum(0) - np.trace(inner, axis1=1, axis2=2))
    square = np.einsum("kp,kb,kq->bpq", q, v * v, q)
    return np.asarray((v * v).sum(0) - 2 * np.trace(square, axis1=1, axis2=2)
                      + np.trace(inner @ inner, axis1=1, axis2=2))


def _hunter_schmidt(studies: Studies, *, corrected: bool = False) -> tuple[Array, NDArray[np.int64]]:
    f = fit(studies, _at_zero(studies))
    factor = studies.k / studies.df if corrected else 1.0
    return _one((factor * f.q[0] - studies.k) / f.w.sum(0)[0])


def _sidik_jonkman_start(studies: Studies) -> Array:
    y, k = (studies.y * studies.used)[:, 0], studies.k
    return np.asarray((studies.used[:, 0] * (y - y.sum(0) / k) ** 2).sum(0) / k)


def _sidik_jonkman(studies: Studies) -> tuple[Array, NDArray[np.int64]]:
    start = _sidik_jonkman_start(studies)
    return _one(start * fit(studies, start[None]).q[0] / studies.df)


def generalised_q_root(studies: Studies, target: Array) -> Array:
    """
    The tau² at which the generalised Q statistic y'P(tau²)y falls to `target`, shape (B,); 0 where it starts below.

    Q falls monotonically and is at most (unweighted residual sum of squares) / tau², which bounds the search.
    """
    start = fit(studies, _at_zero(studies)).q[0] - target
    high = np.maximum(residual_squares(studies) / target, 1e-300)
    tau2 = np.zeros(target.size)
    over = np.flatnonzero(start > 0)
    if over.size:
        part, aim = studies.take(over), target[over]
        f_high = np.minimum(fit(part, high[over][None]).q[0] - aim, -1e-300)
        tau2[over] = bracketed_roots(lambda t, i: fit(part.take(i), t[None]).q[0] - aim[i],
                                     np.zeros(over.size), high[over], start[over], f_high)
    return tau2


def residual_squares(studies: Studies) -> Array:
    """Unweighted residual sum of squares, shape (B,)."""
    return np.asarray(fit(_unweighted(studies), _at_zero(studies)).q[0])


def _paule_mandel(studies: Studies) -> tuple[Array, NDArray[np.int64]]:
    return _one(generalised_q_root(studies, studies.df))


def _paule_mandel_median(studies: Studies) -> tuple[Array, NDArray[np.int64]]:
    from scipy.special import chdtri

    return _one(generalised_q_root(studies, chdtri(studies.df, 0.5)))


def _likelihood(studies: Studies, *, restricted: bool) -> tuple[Array, NDArray[np.int64]]:
    """
    The global maximum of the likelihood: every fall of the score through zero on a grid, and zero itself, compared.

    A pair of roots that hides between two grid points cannot be the global maximum: the likelihood only dips or
    bulges there on its way up or down.
    """
    v = np.where(studies.used > 0, studies.v, np.nan)[:, 0]
    whole = not np.isnan(v).any()
    least, most = (v.min(0), v.max(0)) if whole else (np.nanmin(v, axis=0), np.nanmax(v, axis=0))
    # Beyond this the score is negative: y'PPy <= SS / t² and tr P >= df / 2t once t exceeds every variance.
    top = np.maximum(most, 2 * residual_squares(studies) / studies.df) * 1.01
    first = 0.05 * least
    points = int(np.ceil(_PER_DECADE * np.log10(top / first).max())) + 2
    grid = np.zeros((points, top.size))
    grid[1:] = first * np.exp(np.linspace(0.0, 1.0, points - 1)[:, None] * np.log(top / first))
    score = np.empty_like(grid)
    width = max(1, _CELLS // (studies.y.shape[0] * points))
    for start in range(0, top.size, width):
        cut = slice(start, start + width)
        score[:, cut] = _score(studies.take(cut), grid[:, cut], restricted)
    return _best_mode(studies, grid, score, restricted)


def _score(studies: Studies, tau2: Array, restricted: bool) -> Array:
    """Twice the derivative of the (restricted) log-likelihood with respect to tau², shape (G, B)."""
    f = fit(studies, tau2)
    return f.q2 - (f.trace if restricted else f.w.sum(0))


def _best_mode(studies: Studies, grid: Array, score: Array, restricted: bool) -> tuple[Array, NDArray[np.int64]]:
    """The tau² of the highest local maximum and the number of local maxima, shape (B,)."""
    cell, owner = np.nonzero((score[:-1] > 0) & (score[1:] <= 0))
    part = studies.take(owner)
    roots = bracketed_roots(lambda t, i: _score(part.take(i), t[None], restricted)[0],
                            grid[cell, owner], grid[cell + 1, owner], score[cell, owner], score[cell + 1, owner])
    modes = np.bincount(owner, minlength=studies.scale.size) + (score[0] <= 0)
    tau2 = np.zeros(studies.scale.size)
    tau2[owner] = roots
    for b in np.flatnonzero(modes > 1):
        candidates = np.append(roots[owner == b], 0.0 if score[0, b] <= 0 else roots[owner == b][:1])
        one = studies.take(np.full(candidates.size, b))
        tau2[b] = candidates[log_likelihood(one, candidates[None], restricted=restricted)[0].argmax()]
    return tau2, modes.astype(np.int64)


_METHODS: dict[str, Callable[[Studies], tuple[Array, NDArray[np.int64]]]] = {
    "DL": _dersimonian_laird, "HE": _hedges, "HS": _hunter_schmidt, "SJ": _sidik_jonkman, "PM": _paule_mandel,
    "EB": _paule_mandel, "PMM": _paule_mandel_median,
    "HSk": lambda studies: _hunter_schmidt(studies, corrected=True),
    "REML": lambda studies: _likelihood(studies, restricted=True),
    "ML": lambda studies: _likelihood(studies, restricted=False),
}


def _standard_error(studies: Studies, tau2: Array, method: str) -> Array:
    """Asymptotic standard error of tau², shape (B,): the delta method for moments, the information for likelihoods."""
    df, k = studies.df, studies.k
    if method in ("DL", "HS", "HSk"):
        f = fit(studies, _at_zero(studies))
        spread = 2 * df + 4 * tau2 * f.trace[0] + 2 * tau2**2 * f.trace2[0]
        per = {"DL": f.trace[0], "HS": f.w.sum(0)[0], "HSk": f.w.sum(0)[0] * df / k}[method]
        return np.asarray(np.sqrt(spread) / per)
    if method == "HE":
        spread = 2 * _trace_with_v(studies, 2) + 4 * tau2 * _trace_with_v(studies, 1) + 2 * tau2**2 * df
        return np.asarray(np.sqrt(spread) / df)
    if method == "SJ":
        start = _sidik_jonkman_start(studies)
        f = fit(studies, start[None])
        # var(y'Py) with var(y) = V + tau² I: P V = P (V + start) - start P, and P (V + start) P = P.
        a, b = f.trace[0], f.trace2[0]
        gap = tau2 - start
        return np.asarray(start / df * np.sqrt(np.maximum(2 * df + 4 * gap * a + 2 * gap**2 * b, 0.0)))
    f = fit(studies, tau2[None])
    if method == "REML":
        return np.asarray(np.sqrt(2 / f.trace2[0]))
    if method == "ML":
        return np.asarray(np.sqrt(2 / (f.w**2).sum(0)[0]))
    return np.asarray(np.sqrt(2 * k**2 / df) / f.w.sum(0)[0])
