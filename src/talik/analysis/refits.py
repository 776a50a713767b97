"""Many refits on resampled clusters, each explained on the rows it did not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talik.analysis.candidates import Candidates, Floats
from talik.errors import DataError, UsageError
from talik.kernels.shallow_trees import fit, presort, shapley


@dataclass(frozen=True, slots=True)
class Refits:
    """
    What every refit said on its out-of-bag rows.

    Attributes
    ----------
    importance : ndarray, shape (refits, p)
        Mean absolute contribution of each predictor [K].
    group_importance : ndarray, shape (refits, groups)
        Mean absolute summed contribution of each group of correlated predictors [K].
    slope : ndarray, shape (refits, p)
        Least-squares slope of contribution on predictor [K per unit].
    pair : ndarray, shape (refits, p, p)
        Mean absolute interaction of each pair [K]; zero diagonal.
    contribution : ndarray, shape (refits, n, p)
        Contributions [K]; NaN for rows in the bag.
    """

    importance: Floats
    group_importance: Floats
    slope: Floats
    pair: Floats
    contribution: NDArray[np.float32]


def refit(c: Candidates, members: Sequence[Sequence[int]], weights: Floats, rounds: int, *, seed: int,
          y: Floats | None = None) -> Refits:
    """
    Fit boosted trees once for each row of `weights` and explain the rows of weight 0.

    Parameters
    ----------
    c : Candidates
        Response and predictors.
    members : sequence of sequences of int
        Columns of each group.
    weights : ndarray, shape (refits, n)
        How often each row is in the bag.
    rounds : int
        Rounds of boosting.
    seed : int
        Of the order of columns: equal splits go to the first column, which must not always be the same.
    y : ndarray, shape (n,), optional
        Another response, for nulls.
    """
    rng = np.random.default_rng(seed)
    y = c.y if y is None else y
    n, p = c.X.shape
    order = presort(c.X)
    sums = np.zeros((p, len(members)))
    for number, columns in enumerate(members):
        sums[list(columns), number] = 1.0
    importance, slope = np.empty((len(weights), p)), np.empty((len(weights), p))
    grouped, pair = np.empty((len(weights), len(members))), np.empty((len(weights), p, p))
    contribution = np.full((len(weights), n, p), np.nan, dtype=np.float32)
    for b, weight in enumerate(weights):
        shuffled = rng.permutation(p)
        back = np.argsort(shuffled)
        out = weight == 0
        trees = fit(c.X[:, shuffled], y, weight, order[shuffled], rounds=rounds)
        phi, joint = shapley(trees, np.ascontiguousarray(c.X[out][:, shuffled]))
        phi = phi[:, back]
        importance[b], grouped[b] = np.abs(phi).mean(axis=0), np.abs(phi @ sums).mean(axis=0)
        pair[b] = np.abs(2 * joint[:, back][:, :, back]).mean(axis=0)
        slope[b], contribution[b, out] = _slopes(c.X[out], phi), phi
    return Refits(importance, grouped, slope, pair, contribution)


def cluster_weights(cluster: NDArray[np.int64], refits: int, seed: int) -> Floats:
    """
    Bootstrap weights that draw whole clusters with replacement, shape (refits, n).

    Draws that leave fewer than two clusters or a tenth of the rows out, or that hold fewer than a third of the
    clusters, are drawn again.

    Raises
    ------
    DataError
        If there are fewer than 5 clusters: resampling them says nothing.

    Examples
    --------
    >>> w = cluster_weights(np.repeat(np.arange(6), 4), 3, seed=1)
    >>> w.shape, bool((w.reshape(3, 6, 4) == w.reshape(3, 6, 4)[:, :, :1]).all())
    ((3, 24), True)
    """
    clusters = int(cluster.max()) + 1
    if clusters < 5:
        raise DataError(f"sites: {clusters} cluster{'s' * (clusters != 1)} of sites; ranks from resampled clusters "
                        "need at least 5. A smaller reach_km makes more, if neighbours really are independent")
    rng = np.random.default_rng(seed)
    drawn: list[Floats] = []
    while len(drawn) < refits:
        count = rng.multinomial(clusters, np.full(clusters, 1 / clusters)).astype(float)
        weight = count[cluster]
        if (count == 0).sum() >= 2 and (weight == 0).mean() >= 0.1 and (count > 0).sum() >= clusters / 3:
            drawn.append(weight)
    return np.array(drawn)


def correlated_groups(c: Candidates, groups: str | Mapping[str, Sequence[str]] = "auto",
                      limit: float = 0.7) -> dict[str, tuple[str, ...]]:
    """
    Predictors that are scored together: those whose correlation exceeds `limit`, or as given.

    Parameters
    ----------
    c : Candidates
        Predictors.
    groups : "auto", "none" or mapping of name to predictors
        "auto" joins by average linkage of 1 - |r| over rows that know both; a mapping names groups, others stay alone.
    limit : float
        Correlation above which predictors are joined.

    Returns
    -------
    dict of str to tuple of str
        Every predictor once, in the order of first members.

    Raises
    ------
    UsageError
        If a mapping names an unknown predictor or one twice.
    """
    if groups == "none":
        return {name: (name,) for name in c.predictors}
    if groups == "auto":
        label = _linked(c.X, limit)
        found = [tuple(name for name, k in zip(c.predictors, label, strict=True) if k == wanted)
                 for wanted in dict.fromkeys(label)]
        return {" + ".join(group): group for group in found}
    if isinstance(groups, str):
        raise UsageError(f"groups: got {groups!r}, expected 'auto', 'none' or a mapping of names to predictors")
    named = [name for group in groups.values() for name in group]
    strange = [name for name in named if name not in c.predictors or named.count(name) > 1]
    if strange:
        raise UsageError(f"groups: {strange[0]!r} is named twice or is not among the predictors used "
                         f"({', '.join(c.predictors)})")
    return {**{name: tuple(group) for name, group in groups.items()},
            **{name: (name,) for name in c.predictors if name not in named}}


def _linked(X: Floats, limit: float) -> list[int]:
    from scipy.cluster.hierarchy import fcluster, linkage

    p = X.shape[1]
    if p == 1:
        return [0]
    apart = np.ones((p, p))
    for i in range(p):
        for j in range(i):
            both = ~np.isnan(X[:, i]) & ~np.isnan(X[:, j])
            x, y = X[both, i], X[both, j]
            if both.sum() >= 5 and np.ptp(x) > 0 and np.ptp(y) > 0:
                apart[i, j] = apart[j, i] = 1 - abs(np.corrcoef(x, y)[0, 1])
    label = fcluster(linkage(apart[np.triu_indices(p, 1)], "average"), 1 - limit, "distance")
    return [int(k) for k in label]


def _slopes(X: Floats, phi: Floats) -> Floats:
    """Least-squares slope of each column of `phi` on that of `X`; 0 where the rows hold one value only."""
    known = ~np.isnan(X)
    count = np.maximum(known.sum(axis=0), 1)
    x = np.where(known, X - np.where(known, X, 0).sum(axis=0) / count, 0.0)
    square = (x**2).sum(axis=0)
    return np.asarray(np.divide((x * phi).sum(axis=0), square, out=np.zeros(square.size), where=square > 0))
