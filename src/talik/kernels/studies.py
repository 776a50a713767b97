"""Studies to be pooled, centred and scaled, and their weighted fit at any between-study variance; in batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

REACH = 1e50
"""Largest ratio of standard errors within one data set that squares of squares still hold."""
EXTREME = 1e140
"""Largest standard error, and the inverse of the smallest, whose square is still a number."""
_STEEP = 1e6


@dataclass(frozen=True, slots=True)
class Studies:
    """
    B data sets of up to k studies, each centred near its mean and in units of its median standard error.

    Parameters
    ----------
    y, v, used : ndarray, shape (k, 1, B)
        Effects and sampling variances (scaled); 1 where the study is there, else 0 (then y = 0 and v = 1). Without a
        design the most precise study of each data set stands first, so that sums over the others lose no digits.
    design : ndarray of shape (k, p), or None
        Columns of a regression, the same for every data set; None is the intercept alone, and the fast way.
    centre, scale : ndarray, shape (B,)
        To go back: effect = centre + scale y.

    Notes
    -----
    The middle axis is for trial values of tau²: everything below takes tau² of shape (G, B) and gives (G, B).
    """

    y: Array
    v: Array
    used: Array
    design: Array | None
    centre: Array
    scale: Array

    @property
    def k(self) -> Array:
        """Number of studies in each data set, shape (B,)."""
        return np.asarray(self.used.sum(axis=(0, 1)))

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return 1 if self.design is None else self.design.shape[1]

    @property
    def df(self) -> Array:
        """Residual degrees of freedom, shape (B,)."""
        return self.k - self.p

    def take(self, index: NDArray[np.intp] | slice) -> Studies:
        """The data sets numbered `index`."""
        return Studies(self.y[..., index], self.v[..., index], self.used[..., index], self.design,
                       self.centre[index], self.scale[index])


def standardised(effect: Array, se: Array, design: Array | None = None) -> Studies:
    """
    Studies ready for fitting, from effects and standard errors of shape (B, k).

    A study counts where its effect is finite and its standard error finite and positive. Centring and scaling make
    every later tolerance relative: results do not depend on the unit or on a common shift of the effects.

    Examples
    --------
    >>> s = standardised(np.array([[1e9 + 1, 1e9 + 3, np.nan]]), np.array([[0.1, 0.1, 0.1]]))
    >>> s.y.ravel().tolist(), s.k.tolist(), s.scale.tolist()
    ([-10.0, 10.0, 0.0], [2.0], [0.1])
    """
    used = np.isfinite(effect) & np.isfinite(se) & (se > 0)
    rows = np.arange(len(used))
    if used.shape[1] == 0:
        effect, se, used = np.zeros((rows.size, 1)), np.ones((rows.size, 1)), np.zeros((rows.size, 1), bool)
        design = None if design is None else np.zeros((1, design.shape[1]))
    if not used.all():
        se = np.where(used, se, np.inf)
    first = se.argmin(axis=1)
    pivot = np.where(used[rows, first], effect[rows, first], 0.0)
    scale = _median_se(se, used)
    with np.errstate(over="ignore", invalid="ignore"):
        y = np.where(used, (effect - pivot[:, None]) / scale[:, None], 0.0)
        v = np.where(used, (se / scale[:, None]) ** 2, 1.0)
    if design is None:
        for array in (y, v, used):
            array[rows, first], array[rows, 0] = array[rows, 0], array[rows, first]
    w = used / v
    centre = np.divide((w * y).sum(1), w.sum(1), out=np.zeros(len(y)), where=used.any(1))
    y = np.where(used, y - centre[:, None], 0.0)
    return Studies(np.ascontiguousarray(y.T)[:, None], np.ascontiguousarray(v.T)[:, None],
                   np.ascontiguousarray(used.T.astype(np.float64))[:, None], design, pivot + scale * centre, scale)


def _median_se(se: Array, used: NDArray[np.bool_]) -> Array:
    """The median standard error of each data set, shape (B,); 1 where there is no study."""
    if used.all():
        return np.asarray(np.median(se, axis=1))
    scale, some = np.ones(len(se)), used.any(axis=1)
    scale[some] = np.nanmedian(np.where(used, se, np.nan)[some], axis=1)
    return scale


@dataclass(frozen=True, slots=True)
class Fit:
    """
    The weighted least-squares fit at given tau²: weights, residuals, coefficients and what traces need.

    Parameters
    ----------
    w, r : ndarray, shape (k, G, B)
        Weights 1 / (v + tau²) and residuals.
    beta : ndarray, shape (G, B, p)
        Coefficients.
    covariance : ndarray, shape (G, B, p, p)
        (X' W X)^-1.
    design : ndarray of shape (k, p), or None
    traces : pair of ndarray of shape (G, B), or None
        tr P and tr PP where they were needed along the way.
    """

    w: Array
    r: Array
    beta: Array
    covariance: Array
    design: Array | None
    traces: tuple[Array, Array] | None = None

    @property
    def q(self) -> Array:
        """Weighted residual sum of squares y'Py, shape (G, B)."""
        return np.asarray((self.w * self.r * self.r).sum(0))

    @property
    def q2(self) -> Array:
        """y'PPy, shape (G, B)."""
        wr = self.w * self.r
        return np.asarray((wr * wr).sum(0))

    def between(self, power: int) -> Array:
        """(X' W X)^-1 X' W^power X, shape (G, B, p, p)."""
        assert self.design is not None
        return np.asarray(self.covariance @ np.einsum("kp,kgb,kq->gbpq", self.design, self.w**power, self.design))

    @property
    def trace(self) -> Array:
        """tr P, shape (G, B)."""
        if self.design is None:
            first, rest = self.w[0], self.w[1:].sum(0)
            others = rest * rest - (self.w[1:] * self.w[1:]).sum(0)
            return np.asarray((2 * first * rest + others) * self.covariance[..., 0, 0])
        if self.traces is not None:
            return self.traces[0]
        return np.asarray(self.w.sum(0) - np.trace(self.between(2), axis1=-2, axis2=-1))

    @property
    def trace2(self) -> Array:
        """tr PP, shape (G, B)."""
        if self.design is None:
            share = self.w[0] * self.covariance[..., 0, 0]
            rest, total = self.w[1:], self.covariance[..., 0, 0]
            square = (rest * rest).sum(0)
            crossed = 2 * share**2 * square + (square**2 - (rest**4).sum(0)) * total**2
            return np.asarray((share * rest.sum(0)) ** 2 + (rest**2 * (1 - rest * total) ** 2).sum(0) + crossed)
        if self.traces is not None:
            return self.traces[1]
        two, three = self.between(2), self.between(3)
        return np.asarray((self.w * self.w).sum(0) - 2 * np.trace(three, axis1=-2, axis2=-1)
                          + np.trace(two @ two, axis1=-2, axis2=-1))


def fit(studies: Studies, tau2: Array) -> Fit:
    """The fit at `tau2` of shape (G, B), in the studies' own scale."""
    w = studies.used / (studies.v + tau2)
    if studies.design is None:
        total = w.sum(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (w * studies.y).sum(0) / total
            return Fit(w, studies.y - mean, mean[..., None], (1 / total)[..., None, None], None)
    x = studies.design
    if (w.max(0) > _STEEP * w.min(0)).any():
        return _steep_fit(studies, w)
    covariance = np.linalg.inv(np.einsum("kp,kgb,kq->gbpq", x, w, x))
    beta = np.einsum("gbpq,kq,kgb->gbp", covariance, x, w * studies.y)
    beta += np.einsum("gbpq,kq,kgb->gbp", covariance, x, w * (studies.y - np.einsum("kp,gbp->kgb", x, beta)))
    return Fit(w, studies.y - np.einsum("kp,gbp->kgb", x, beta), beta, covariance, x)


def _steep_fit(studies: Studies, w: Array) -> Fit:
    """
    The fit with a design when some weights are millions of times others: by QR, with P as a square.

    With N an orthonormal basis of what is orthogonal to W^1/2 X, P = W^1/2 N N' W^1/2; no large numbers are subtracted.
    """
    assert studies.design is not None
    _, points, sets = w.shape
    p = studies.p
    beta, covariance = np.empty((points, sets, p)), np.empty((points, sets, p, p))
    r, traces = np.empty_like(w), np.empty((2, points, sets))
    for g, b in np.ndindex(points, sets):
        root = np.sqrt(w[:, g, b])
        q, upper = np.linalg.qr(root[:, None] * studies.design, mode="complete")
        basis, null = q[:, :p], q[:, p:]
        z = root * studies.y[:, 0, b if studies.y.shape[2] > 1 else 0]
        inverse = np.linalg.inv(upper[:p])
        beta[g, b], covariance[g, b] = inverse @ (basis.T @ z), inverse @ inverse.T
        r[:, g, b] = null @ (null.T @ z) / root
        square = root[:, None] * null
        traces[0, g, b], traces[1, g, b] = (square**2).sum(), ((square.T @ square) ** 2).sum()
    return Fit(w, r, beta, covariance, studies.design, (traces[0], traces[1]))


def log_likelihood(studies: Studies, tau2: Array, *, restricted: bool) -> Array:
    """Log-likelihood (or the restricted one) up to a constant, shape (G, B), in the studies' own scale."""
    f = fit(studies, tau2)
    value = -0.5 * ((studies.used * np.log(studies.v + tau2)).sum(0) + f.q)
    if restricted:
        if studies.design is None:
            value += 0.5 * np.log(f.covariance[..., 0, 0])
        else:
            value += 0.5 * np.linalg.slogdet(f.covariance)[1]
    return np.asarray(value)
