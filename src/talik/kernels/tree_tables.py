"""
Tables of exact contributions: each tree is cut into subtrees, each subtree becomes one table.

A leaf's contribution depends on a row only through yes-or-no answers: for every feature on the leaf's path, does the
row satisfy all splits on it? For a subtree, the answers of the path above it (one bit a distinct feature) and of the
decisions inside it (one bit a node) together number one row of a table that holds the contributions of all its leaves
to all columns. A prediction is then explained by a few comparisons and one table row a subtree.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

MAX_DEPTH = 8
LANE = 8          # columns are added in lanes of eight floats, one vector register
_NODES, _WEIGHTS = (a.astype(np.float64) for a in np.polynomial.legendre.leggauss(MAX_DEPTH // 2))
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2    # exact on [0, 1] for polynomials up to degree MAX_DEPTH - 1


class Trees(NamedTuple):
    """
    Regression trees as flat arrays over all nodes of all trees.

    Attributes
    ----------
    root : ndarray of int64, shape (t,)
        Node number of each tree's root.
    left, right, parent : ndarray of int32, shape (nodes,)
        Node numbers; -1 where there is none (leaves; roots).
    feature : ndarray of int32, shape (nodes,)
        Column of the split.
    threshold : ndarray of float32, shape (nodes,)
        A row goes left if its value is smaller.
    missing_left : ndarray of bool, shape (nodes,)
        Where a missing value goes.
    cover : ndarray of float64, shape (nodes,)
        Weight of the training rows that reached the node.
    value : ndarray of float64, shape (nodes,)
        What a leaf predicts.
    """

    root: NDArray[np.int64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    parent: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    cover: NDArray[np.float64]
    value: NDArray[np.float64]


class Plan(NamedTuple):
    """
    The subtrees ("units") of trees and the questions that number the rows of their tables.

    Attributes
    ----------
    path_start, node_start, lane_start, start : ndarray of int64, shape (units + 1,)
        Where each unit's path questions, node questions, lanes and table values begin.
    path_feature, path_low, path_high, path_missing : ndarray
        Is low <= value < high, or is it missing where missing is let through?
    node_feature, node_threshold, node_missing : ndarray
        Is value < threshold, or is it missing where missing goes left?
    lane : ndarray of int32
        Which columns (8 lane ... 8 lane + 7) a row of the unit's table holds.
    units : ndarray of int64
        Top node of each unit.
    first, second : ndarray of int32, shape (columns,)
        Feature of each column and its partner, -1 for none.
    """

    path_start: NDArray[np.int64]
    path_feature: NDArray[np.int32]
    path_low: NDArray[np.float32]
    path_high: NDArray[np.float32]
    path_missing: NDArray[np.bool_]
    node_start: NDArray[np.int64]
    node_feature: NDArray[np.int32]
    node_threshold: NDArray[np.float32]
    node_missing: NDArray[np.bool_]
    lane_start: NDArray[np.int64]
    lane: NDArray[np.int32]
    start: NDArray[np.int64]
    units: NDArray[np.int64]
    first: NDArray[np.int32]
    second: NDArray[np.int32]


def plan(trees: Trees, first: NDArray[np.int32], second: NDArray[np.int32], bits: int) -> Plan:
    """
    How trees are cut into units, so that contributions or interactions can be tabulated.

    Parameters
    ----------
    trees : Trees
        Of depth 8 at most.
    first, second : ndarray of int32, shape (columns,)
        Feature of each column, and its partner (-1: the contribution of `first` alone).
    bits : int
        A unit's table has at most 2**bits rows (more for a leaf with more distinct features above it).
    """
    units = _unit_roots(trees, _inner_below(trees), bits)
    questions = _questions(trees, units)
    unit, lane = np.nonzero(_touched(trees, units, first, second))
    lane_start = np.searchsorted(unit, np.arange(units.size + 1)).astype(np.int64)
    rows = 1 << (np.diff(questions[0]) + np.diff(questions[5]))
    start = np.concatenate([[0], np.cumsum(rows * np.diff(lane_start) * LANE)]).astype(np.int64)
    return Plan(*(*questions, lane_start, lane.astype(np.int32), start, units, first, second))


def pieces(plan: Plan, limit: int) -> list[tuple[int, int]]:
    """Runs of units whose tables together hold about `limit` values, as (begin, end)."""
    edges = [0]
    while edges[-1] < plan.units.size:
        end = int(np.searchsorted(plan.start, plan.start[edges[-1]] + limit, side="right")) - 1
        edges.append(max(end, edges[-1] + 1))
    return list(pairwise(edges))


def fill(trees: Trees, plan: Plan, begin: int, end: int) -> NDArray[np.float32]:
    """
    The tables of the units from `begin` to before `end`, row after row, unit after unit.

    Notes
    -----
    With z_k the share of training rows that follow the path at its splits on feature k, and o_k in {0, 1} whether the
    row does, a leaf of value v with features D contributes (Shapley value of the path-dependent game)

        v (o_i - z_i) * integral over t in [0, 1] of prod_{k in D, k != i} (z_k (1 - t) + o_k t)

    to feature i, and v/2 (o_i - z_i) (o_j - z_j) times the integral without i and j to each half of the interaction
    of i and j. The integrand is a polynomial of degree |D| - 1 <= 7, so four Gauss-Legendre nodes are exact.

    References
    ----------
    .. [1] Lundberg et al. (2020), Nat. Mach. Intell. 2, 56-67, doi:10.1038/s42256-019-0138-9.
    .. [2] Owen (1972), Manage. Sci. 18, P64-P79, doi:10.1287/mnsc.18.5.64 (the integral).
    """
    values = np.zeros(int(plan.start[end] - plan.start[begin]), dtype=np.float32)
    _fill(trees, plan, begin, end, values, _NODES, _WEIGHTS)
    return values


def depth(trees: Trees) -> int:
    """Largest number of splits between a root and a leaf."""
    deepest, level = 0, trees.root
    while level.size:
        inner = level[trees.left[level] >= 0]
        level = np.concatenate([trees.left[inner], trees.right[inner]])
        deepest += level.size > 0
    return deepest


def mean_prediction(trees: Trees) -> float:
    """Sum over the trees of their mean leaf value, weighted by the training rows."""
    share, level, total = np.ones(trees.left.size), trees.root, 0.0
    while level.size:
        leaf = trees.left[level] < 0
        total += float(share[level[leaf]] @ trees.value[level[leaf]])
        inner = level[~leaf]
        for child in (trees.left[inner], trees.right[inner]):
            share[child] = share[inner] * trees.cover[child] / trees.cover[inner]
        level = np.concatenate([trees.left[inner], trees.right[inner]])
    return total


def all_missing_prediction(trees: Trees) -> float:
    """Sum of the leaf values of a row whose features are all missing."""
    node = trees.root
    while (inner := trees.left[node] >= 0).any():
        node = np.where(inner, np.where(trees.missing_left[node], trees.left[node], trees.right[node]), node)
    return float(trees.value[node].sum())


@numba.njit(cache=True, nogil=True)
def _below(trees, top, order):  # type: ignore[no-untyped-def]
    """Write the nodes at and below `top` into `order`, parents before children, left before right; return how many."""
    stack = np.empty(order.size + 1, np.int64)
    stack[0], held, n = top, 1, 0
    while held:
        held -= 1
        node = stack[held]
        order[n] = node
        n += 1
        if trees.left[node] >= 0:
            stack[held], stack[held + 1] = trees.right[node], trees.left[node]
            held += 2
    return n


@numba.njit(cache=True, nogil=True)
def _inner_below(trees):  # type: ignore[no-untyped-def]
    """Number of splits at and below every node."""
    inner = np.zeros(trees.left.size, np.int64)
    order = np.empty(trees.left.size, np.int64)
    for r in trees.root:
        for k in range(_below(trees, r, order) - 1, -1, -1):
            node = order[k]
            if trees.left[node] >= 0:
                inner[node] = 1 + inner[trees.left[node]] + inner[trees.right[node]]
    return inner


@numba.njit(cache=True, nogil=True)
def _path_features(trees, node, found):  # type: ignore[no-untyped-def]
    """Write the distinct features split on above `node` into `found`; return how many."""
    n = 0
    above = trees.parent[node]
    while above >= 0:
        f = trees.feature[above]
        for k in range(n):
            if found[k] == f:
                break
        else:
            found[n] = f
            n += 1
        above = trees.parent[above]
    return n


@numba.njit(cache=True, nogil=True)
def _unit_roots(trees, inner, bits):  # type: ignore[no-untyped-def]
    """The largest subtrees whose questions fit into `bits`; trees of a single leaf explain nothing and have none."""
    units = np.empty(trees.left.size, np.int64)
    stack = np.empty(trees.left.size + 1, np.int64)
    found = np.empty(MAX_DEPTH, np.int32)
    n = 0
    for r in trees.root:
        stack[0], held = r, 1
        while held:
            held -= 1
            node = stack[held]
            if inner[node] == 0 or inner[node] + _path_features(trees, node, found) <= bits:
                if inner[r]:
                    units[n] = node
                    n += 1
            else:
                stack[held], stack[held + 1] = trees.right[node], trees.left[node]
                held += 2
    return units[:n].copy()


@numba.njit(cache=True, nogil=True)
def _questions(trees, units):  # type: ignore[no-untyped-def]
    """The questions of every unit: intervals of the path above it, decisions inside it."""
    u = units.size
    path_start, node_start = np.zeros(u + 1, np.int64), np.zeros(u + 1, np.int64)
    pf, pm = np.empty(u * MAX_DEPTH, np.int32), np.ones(u * MAX_DEPTH, np.bool_)
    lo, hi = np.full(u * MAX_DEPTH, -np.inf, np.float32), np.full(u * MAX_DEPTH, np.inf, np.float32)
    nf, nt = np.empty(trees.left.size, np.int32), np.empty(trees.left.size, np.float32)
    nm = np.empty(trees.left.size, np.bool_)
    order = np.empty(trees.left.size, np.int64)
    for i in range(u):
        a, b = path_start[i], node_start[i]
        path_start[i + 1] = a + _path_features(trees, units[i], pf[a:])
        node = units[i]
        above = trees.parent[node]
        while above >= 0:
            k = a
            while pf[k] != trees.feature[above]:
                k += 1
            if trees.left[above] == node:
                hi[k] = min(hi[k], trees.threshold[above])
                pm[k] &= trees.missing_left[above]
            else:
                lo[k] = max(lo[k], trees.threshold[above])
                pm[k] &= not trees.missing_left[above]
            node, above = above, trees.parent[above]
        for k in range(_below(trees, units[i], order)):
            node = order[k]
            if trees.left[node] >= 0:
                nf[b], nt[b], nm[b] = trees.feature[node], trees.threshold[node], trees.missing_left[node]
                b += 1
        node_start[i + 1] = b
    a, b = path_start[u], node_start[u]
    return path_start, pf[:a].copy(), lo[:a].copy(), hi[:a].copy(), pm[:a].copy(), node_start, nf[:b].copy(), nt[
        :b].copy(), nm[:b].copy()


@numba.njit(cache=True, nogil=True)
def _touched(trees, units, first, second):  # type: ignore[no-untyped-def]
    """Which lanes of columns each unit touches."""
    touched = np.zeros((units.size, (first.size + LANE - 1) // LANE), np.bool_)
    involved = np.zeros(1 + max(trees.feature.max(), first.max(), second.max()), np.bool_)
    order = np.empty(trees.left.size, np.int64)
    for u in range(units.size):
        involved[:] = False
        above = trees.parent[units[u]]
        while above >= 0:
            involved[trees.feature[above]] = True
            above = trees.parent[above]
        for k in range(_below(trees, units[u], order)):
            if trees.left[order[k]] >= 0:
                involved[trees.feature[order[k]]] = True
        for c in range(first.size):
            if involved[first[c]] and (second[c] < 0 or involved[second[c]]):
                touched[u, c // LANE] = True
    return touched


@numba.njit(cache=True, nogil=True)
def _fill(trees, plan, begin, end, values, nodes, weights):  # type: ignore[no-untyped-def]
    """Add every leaf's contributions to the rows of its unit's table."""
    order = np.empty(trees.left.size, np.int64)
    bit_of = np.full(trees.left.size, -1, np.int64)
    place = np.full(1 + max(trees.feature.max(), plan.first.max(), plan.second.max()), -1, np.int64)
    for u in range(begin, end):
        path = plan.path_feature[plan.path_start[u]:plan.path_start[u + 1]]
        lane = plan.lane[plan.lane_start[u]:plan.lane_start[u + 1]]
        if lane.size == 0:
            continue
        n, b = _below(trees, plan.units[u], order), path.size
        for k in range(n):
            if trees.left[order[k]] >= 0:
                bit_of[order[k]] = b
                b += 1
        table = np.zeros((1 << b, lane.size * LANE))
        for k in range(n):
            if trees.left[order[k]] < 0:
                _add_leaf(trees, order[k], path, bit_of, place, plan.first, plan.second, lane, table, nodes, weights)
        for k in range(n):
            bit_of[order[k]] = -1
        values[plan.start[u] - plan.start[begin]:plan.start[u + 1] - plan.start[begin]] = table.ravel()


@numba.njit(cache=True, nogil=True)
def _add_leaf(  # type: ignore[no-untyped-def]
        trees, leaf, path, bit_of, place, first, second, lane, table, nodes, weights):
    """Add one leaf to every row of its unit's table."""
    feature = np.empty(MAX_DEPTH, np.int32)
    d = _path_features(trees, leaf, feature)
    z, mask, want = np.ones(d), np.zeros(d, np.int64), np.zeros(d, np.int64)
    for k in range(d):
        place[feature[k]] = k
    _demands(trees, leaf, path, bit_of, place, z, mask, want)
    one, two, column = np.empty(table.shape[1], np.int64), np.empty(table.shape[1], np.int64), np.empty(
        table.shape[1], np.int64)
    m = 0
    for g in range(lane.size):
        for c in range(lane[g] * LANE, min(lane[g] * LANE + LANE, first.size)):
            i, j = place[first[c]], (place[second[c]] if second[c] >= 0 else -1)
            if i >= 0 and (second[c] < 0 or j >= 0):
                one[m], two[m], column[m] = i, j, g * LANE + c - lane[g] * LANE
                m += 1
    for k in range(d):
        place[feature[k]] = -1
    patterns = _patterns(trees.value[leaf], z, one[:m], two[:m], nodes, weights)
    for row in range(table.shape[0]):
        pattern = 0
        for k in range(d):
            pattern |= (((row ^ want[k]) & mask[k]) == 0) << k
        for q in range(m):
            table[row, column[q]] += patterns[pattern, q]


@numba.njit(cache=True, nogil=True)
def _demands(trees, leaf, path, bit_of, place, z, mask, want):  # type: ignore[no-untyped-def]
    """What a leaf asks of each feature above it: the share z of rows, and which bits must have which answers."""
    node, above = np.int64(leaf), np.int64(trees.parent[leaf])
    while above >= 0:
        k = place[trees.feature[above]]
        z[k] *= trees.cover[node] / trees.cover[above]
        if bit_of[above] >= 0:
            mask[k] |= 1 << bit_of[above]
            want[k] |= (1 << bit_of[above]) if trees.left[above] == node else 0
        else:
            for q in range(path.size):
                if path[q] == trees.feature[above]:
                    mask[k] |= 1 << q
                    want[k] |= 1 << q
        node, above = above, np.int64(trees.parent[above])


@numba.njit(cache=True, nogil=True)
def _patterns(value, z, one, two, nodes, weights):  # type: ignore[no-untyped-def]
    """Contributions of one leaf to its columns for each of the 2**d patterns of satisfied features."""
    d = z.size
    out = np.zeros((1 << d, one.size))
    factor = np.empty(d)
    for pattern in range(1 << d):
        for t, w in zip(nodes, weights):  # noqa: B905 (numba's zip has no strict)
            product = w * value
            for k in range(d):
                factor[k] = z[k] * (1 - t) + t * ((pattern >> k) & 1)
                product *= factor[k]
            for q in range(one.size):
                i, j = one[q], two[q]
                term = product / factor[i] * (((pattern >> i) & 1) - z[i])
                if j >= 0:
                    term *= 0.5 * (((pattern >> j) & 1) - z[j]) / factor[j]
                out[pattern, q] += term
    return out
