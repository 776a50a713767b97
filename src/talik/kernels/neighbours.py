"""Nearest-neighbour distances, and how far two sets of them lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def nearest_distance(distance: ArrayLike, allowed: ArrayLike | None = None) -> NDArray[np.float64]:
    """
    Distance from each row's point to its nearest column's point.

    Parameters
    ----------
    distance : array_like, shape (n, m)
        Distances, in any unit.
    allowed : array_like of bool, shape (n, m), optional
        Which columns count for which row; all when None.

    Returns
    -------
    nearest : ndarray, shape (n,)
        In the unit of `distance`. NaN where no column is allowed or known.

    Examples
    --------
    >>> nearest_distance([[0.0, 3.0], [3.0, 0.0]], [[False, True], [False, False]])
    array([ 3., nan])
    """
    d = np.asarray(distance, float)
    usable = np.isfinite(d) if allowed is None else np.isfinite(d) & np.asarray(allowed, bool)
    nearest: NDArray[np.float64] = np.where(usable, d, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(nearest), nearest, np.nan)


def fold_distance(distance: ArrayLike, fold: ArrayLike) -> NDArray[np.float64]:
    """
    Distance from each point to the nearest point of another fold: how far cross-validation has to reach.

    Parameters
    ----------
    distance : array_like, shape (n, n)
        Symmetric distances.
    fold : array_like of int, shape (n,)
        Fold of each point; -1 stands for no fold (such points are neither tested nor learned from).

    Returns
    -------
    nearest : ndarray, shape (n,)
        NaN for points of no fold.

    Examples
    --------
    >>> fold_distance(np.abs(np.subtract.outer([0, 1, 5], [0, 1, 5])), [0, 0, 1])
    array([5., 4., 4.])
    """
    f = np.asarray(fold)
    return nearest_distance(distance, (f[:, None] != f[None, :]) & (f >= 0)[:, None] & (f >= 0)[None, :])


def wasserstein(a: ArrayLike, b: ArrayLike) -> float:
    """
    Area between the distribution functions of two samples (the 1-Wasserstein distance), in their unit.

    Parameters
    ----------
    a, b : array_like, shape (n,), (m,)
        The samples; NaN is left out.

    Returns
    -------
    distance : float
        NaN when a sample is empty.

    Examples
    --------
    >>> wasserstein([0.0, 1.0], [2.0, 3.0])
    2.0
    """
    x, y = (np.sort(v[np.isfinite(v)]) for v in (np.asarray(a, float).ravel(), np.asarray(b, float).ravel()))
    if not x.size or not y.size:
        return float("nan")
    both = np.sort(np.concatenate([x, y]))
    below_x = np.searchsorted(x, both[:-1], side="right") / x.size
    below_y = np.searchsorted(y, both[:-1], side="right") / y.size
    return float(np.sum(np.abs(below_x - below_y) * np.diff(both)))
