"""
Boosted trees of depth two: fitted, followed and taken apart in one compiled room.

A tree of depth two holds single effects and pairs, as much as a hundred sites can carry. The splits are the exact
greedy ones of gradient boosting for squared errors (those of xgboost's `tree_method="exact"`, which the tests
compare); at a hundred rows a whole model costs about a millisecond, which is what makes a thousand refits and honest
nulls affordable. Missing values go to the side that lowers the loss more, learned at each split; unlike in xgboost a
split never tells known from missing values only: a gap is not a measurement.

A model of R rounds is a tuple of arrays, `Trees`; node 0 is the root, 1 and 2 its children; leaves are numbered
left-left, left-right, right-left, right-right.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Trees(NamedTuple):
    """
    Boosted trees of depth two.

    Attributes
    ----------
    base : float
        Prediction before the first round, in the unit of the response.
    feature : ndarray of int, shape (R, 3)
        Column split at each node; -1 where the node is not split.
    threshold : ndarray, shape (R, 3)
        Values below go left.
    missing_left : ndarray of bool, shape (R, 3)
        Whether missing values go left.
    leaf : ndarray, shape (R, 4)
        Added to the prediction, in the unit of the response.
    cover : ndarray, shape (R, 4)
        Weight of the rows in each leaf. A node that is not split keeps its weight in its left leaf.
    """

    base: float
    feature: NDArray[np.int64]
    threshold: Floats
    missing_left: NDArray[np.bool_]
    leaf: Floats
    cover: Floats


def presort(X: Floats) -> NDArray[np.int64]:
    """Rows in ascending order of each column of `X`, shape (p, n); missing values stand last."""
    return np.ascontiguousarray(np.argsort(X, axis=0, kind="stable").T)


def fit(X: Floats, y: Floats, weight: Floats, order: NDArray[np.int64], *, rounds: int, eta: float = 0.1,
        shrinkage: float = 1.0, least_weight: float = 3.0) -> Trees:
    """
    Boosted trees of depth two for squared errors.

    Parameters
    ----------
    X : ndarray, shape (n, p)
        Predictors; NaN where missing.
    y : ndarray, shape (n,)
        Response; not missing where the weight is above 0.
    weight : ndarray, shape (n,)
        How often each row counts; 0 leaves it out.
    order : ndarray of int, shape (p, n)
        `presort(X)`.
    rounds : int
        Number of trees.
    eta : float
        Share of each tree that is added.
    shrinkage : float
        Penalty on squared leaf values (lambda).
    least_weight : float
        Smallest weight of rows on either side of a split.

    Returns
    -------
    Trees

    Examples
    --------
    >>> X = np.arange(20.0)[:, None]; y = np.where(X[:, 0] < 10, -1.0, 1.0)
    >>> trees = fit(X, y, np.ones(20), presort(X), rounds=50)
    >>> staged(trees, X)[-1].round(1)[[0, 19]]
    array([-1.,  1.])
    """
    y = np.where(weight > 0, y, 0.0)
    base = float(weight @ y / weight.sum())
    trees = Trees(base, np.full((rounds, 3), -1, np.int64), np.zeros((rounds, 3)), np.zeros((rounds, 3), np.bool_),
                  np.zeros((rounds, 4)), np.zeros((rounds, 4)))
    _boost(np.ascontiguousarray(X.T), y, weight, _counted(order, weight), eta, shrinkage, least_weight, *trees)
    return trees


def _counted(order: NDArray[np.int64], weight: Floats) -> NDArray[np.int64]:
    """`order` without the rows of weight 0."""
    return order[weight[order] > 0].reshape(order.shape[0], -1)


def staged(trees: Trees, X: Floats) -> Floats:
    """Predictions after 0, 1, ..., R rounds, shape (R + 1, n), in the unit of the response."""
    out: Floats = _staged(trees.base, trees.feature, trees.threshold, trees.missing_left, trees.leaf, X)
    return out


def first(trees: Trees, rounds: int) -> Trees:
    """The model of the first `rounds` trees."""
    return Trees(trees.base, trees.feature[:rounds], trees.threshold[:rounds], trees.missing_left[:rounds],
                 trees.leaf[:rounds], trees.cover[:rounds])


def shapley(trees: Trees, X: Floats) -> tuple[Floats, Floats]:
    """
    Exact path-dependent Shapley contributions and pairwise interactions.

    Parameters
    ----------
    trees : Trees
        Model.
    X : ndarray, shape (n, p)
        Rows to explain; NaN where missing.

    Returns
    -------
    contribution : ndarray, shape (n, p + 1)
        Of each column, in the unit of the response; the last is the model's mean. A row's sum is its prediction.
    interaction : ndarray, shape (n, p, p)
        Symmetric, zero diagonal; a pair's joint effect is split evenly over [i, j] and [j, i], both of which are
        contained in the contributions.

    Notes
    -----
    A leaf of value v below features a and b, with shares of cover z and indicators o of being followed, gives a
    v (o_a - z_a)(o_b + z_b) / 2, of which v (o_a - z_a)(o_b - z_b) / 2 is shared with b.

    References
    ----------
    .. [1] Lundberg, S. M. et al. (2020). Nat. Mach. Intell. 2, 56-67. doi:10.1038/s42256-019-0138-9

    Examples
    --------
    >>> X = np.arange(20.0)[:, None]; y = np.where(X[:, 0] < 10, -1.0, 1.0)
    >>> trees = fit(X, y, np.ones(20), presort(X), rounds=5)
    >>> contribution, _ = shapley(trees, X)
    >>> bool(np.allclose(contribution.sum(axis=1), staged(trees, X)[-1]))
    True
    """
    contribution, interaction = _shapley(trees.base, *trees[1:], X)
    return contribution, interaction


# Below, loops stand where whole arrays could: numba compiles them in half the time, and every fresh set-up compiles.


@njit(cache=True)
def _side(value: float, threshold: float, missing_left: bool) -> int:
    """0 for left, 1 for right."""
    if np.isnan(value):
        return 0 if missing_left else 1
    return 0 if value < threshold else 1


@njit(cache=True)
def _best_splits(columns, gradient, weight, order, node, nodes, shrinkage, least):  # type: ignore[no-untyped-def]
    """Of each of `nodes` nodes: the best column (-1 for none), threshold and side of missing values."""
    p, n = order.shape
    total_g, total_h = np.zeros(nodes), np.zeros(nodes)
    for i in order[0]:
        total_g[node[i]] += gradient[i]
        total_h[node[i]] += weight[i]
    feature, threshold, missing_left = np.empty(nodes, np.int64), np.zeros(nodes), np.zeros(nodes, np.bool_)
    best = np.empty(nodes)
    for k in range(nodes):
        best[k] = total_g[k] ** 2 / (total_h[k] + shrinkage) + 1e-6
        feature[k] = -1
    g, h, last = np.empty(nodes), np.empty(nodes), np.empty(nodes)
    absent_g, absent_h = np.empty(nodes), np.empty(nodes)
    for j in range(p):
        x, rows = columns[j], order[j]
        for k in range(nodes):
            absent_g[k], absent_h[k], g[k], h[k] = 0.0, 0.0, 0.0, 0.0
        known = n
        while known > 0 and np.isnan(x[rows[known - 1]]):
            known -= 1
            absent_g[node[rows[known]]] += gradient[rows[known]]
            absent_h[node[rows[known]]] += weight[rows[known]]
        for i in rows[:known]:
            k = node[i]
            if h[k] > 0.0 and x[i] != last[k]:
                for side in range(2 if absent_h[k] > 0.0 else 1):
                    left_g, left_h = g[k] + absent_g[k] * side, h[k] + absent_h[k] * side
                    right_g, right_h = total_g[k] - left_g, total_h[k] - left_h
                    if left_h >= least and right_h >= least:
                        score = left_g**2 / (left_h + shrinkage) + right_g**2 / (right_h + shrinkage)
                        if score > best[k]:
                            best[k] = score
                            feature[k] = j
                            threshold[k] = 0.5 * (x[i] + last[k])
                            missing_left[k] = side == 1
            g[k] += gradient[i]
            h[k] += weight[i]
            last[k] = x[i]
    return feature, threshold, missing_left


@njit(cache=True)
def _boost(columns, y, weight, order, eta, shrinkage, least, base,  # type: ignore[no-untyped-def]
           feature, threshold, missing_left, leaf, cover):
    """Write every round's tree into the arrays of `Trees`."""
    n, rows = y.size, order[0]
    prediction, gradient, node = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
    sums = np.empty(4)
    for i in rows:
        prediction[i] = base
    for t in range(feature.shape[0]):
        for i in rows:
            gradient[i] = weight[i] * (prediction[i] - y[i])
            node[i] = 0
        for nodes in range(1, 3):          # one call: each place that calls with a number of its own compiles again
            f, c, m = _best_splits(columns, gradient, weight, order, node, nodes, shrinkage, least)
            for k in range(nodes):
                at = nodes - 1 + k
                feature[t, at], threshold[t, at], missing_left[t, at] = f[k], c[k], m[k]
            if f[0] < 0:
                break
            if nodes == 1:
                for i in rows:
                    node[i] = _side(columns[f[0], i], c[0], m[0])
        for k in range(4):
            sums[k] = 0.0
        for i in rows:
            node[i] = _leaf(columns[:, i], feature[t], threshold[t], missing_left[t])
            sums[node[i]] += gradient[i]
            cover[t, node[i]] += weight[i]
        for k in range(4):
            leaf[t, k] = -eta * sums[k] / (cover[t, k] + shrinkage) if cover[t, k] > 0 else 0.0
        for i in rows:
            prediction[i] += leaf[t, node[i]]


@njit(cache=True)
def _leaf(x, feature, threshold, missing_left):  # type: ignore[no-untyped-def]
    """The leaf a row falls into."""
    if feature[0] < 0:
        return 0
    k = _side(x[feature[0]], threshold[0], missing_left[0])
    if feature[1 + k] < 0:
        return 2 * k
    return 2 * k + _side(x[feature[1 + k]], threshold[1 + k], missing_left[1 + k])


@njit(cache=True)
def _staged(base, feature, threshold, missing_left, leaf, X):  # type: ignore[no-untyped-def]
    rounds, n = feature.shape[0], X.shape[0]
    out = np.empty((rounds + 1, n))
    for i in range(n):
        out[0, i] = base
    for t in range(rounds):
        for i in range(n):
            out[t + 1, i] = out[t, i] + leaf[t, _leaf(X[i], feature[t], threshold[t], missing_left[t])]
    return out


@njit(cache=True)
def _shapley(base, feature, threshold, missing_left, leaf, cover, X):  # type: ignore[no-untyped-def]
    n, p = X.shape
    phi, pair = np.zeros((n, p + 1)), np.zeros((n, p, p))
    mean = base
    for t in range(feature.shape[0]):
        a = feature[t, 0]
        if a < 0:
            mean += leaf[t, 0]
            continue
        whole, weighted = 0.0, 0.0
        for k in range(4):
            whole += cover[t, k]
            weighted += leaf[t, k] * cover[t, k]
        mean += weighted / whole
        for k in range(2):
            b = feature[t, 1 + k]
            side_cover = cover[t, 2 * k] + cover[t, 2 * k + 1]
            z_a = side_cover / whole
            for inner in range(1 if b < 0 else 2):
                v = leaf[t, 2 * k + inner]
                z_b = cover[t, 2 * k + inner] / side_cover
                for i in range(n):
                    o_a = 1.0 if _side(X[i, a], threshold[t, 0], missing_left[t, 0]) == k else 0.0
                    if b < 0:
                        phi[i, a] += v * (o_a - z_a)
                        continue
                    o_b = 1.0 if _side(X[i, b], threshold[t, 1 + k], missing_left[t, 1 + k]) == inner else 0.0
                    if a == b:
                        phi[i, a] += v * (o_a * o_b - z_a * z_b)
                    else:
                        shared = v * (o_a - z_a) * (o_b - z_b) / 2
                        phi[i, a] += v * (o_a - z_a) * z_b + shared
                        phi[i, b] += v * (o_b - z_b) * z_a + shared
                        pair[i, a, b] += shared
                        pair[i, b, a] += shared
    for i in range(n):
        phi[i, p] = mean
    return phi, pair
