"""Exact contributions of features to the predictions of trees, many rows at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from talik.kernels.tree_tables import LANE, Plan, Trees, fill, pieces, plan

_FLUSH = 64               # units summed in single precision before the sum goes to double
_TABLE_VALUES = 1 << 25   # 128 MB of tables at a time


def tree_contributions(trees: Trees, x: NDArray[np.float32], first: NDArray[np.int32], second: NDArray[np.int32], *,
                       threads: int = 1) -> NDArray[np.float64]:
    """
    Exact path-dependent contributions of features, or interactions of pairs, to the sum of trees.

    Parameters
    ----------
    trees : Trees
        At most 8 splits deep, covers greater than 0.
    x : ndarray of float32, shape (n, p)
        Features; NaN = missing.
    first, second : ndarray of int32, shape (columns,)
        Feature of each column, and its partner (-1: the contribution of `first` alone).
    threads : int
        Blocks of rows are shared among so many threads; the numbers do not depend on it.

    Returns
    -------
    contributions : ndarray, shape (n, columns)
        In the unit of the leaves. An interaction is half of the pair's joint effect, as (i, j) and (j, i) share it.
    """
    out = np.zeros((x.shape[0], first.size))
    if first.size == 0 or x.shape[0] == 0:
        return out
    # larger tables take longer to make and less time a row
    bits = 6 if x.shape[0] < 2_000 else 8 if x.shape[0] < 20_000 else 10
    cut = plan(trees, first, second, bits)
    for begin, end in pieces(cut, _TABLE_VALUES):
        _in_threads(x, cut, fill(trees, cut, begin, end), begin, end, out, threads)
    return out


def _in_threads(x: NDArray[np.float32], cut: Plan, values: NDArray[np.float32], begin: int, end: int,
                out: NDArray[np.float64], threads: int) -> None:
    n, width = x.shape[0], max(x.shape[1], out.shape[1])
    block = int(np.clip(65536 // width, 128, 2048))    # a block's rows and sums stay in the processor's cache
    parts = max(1, min(threads, -(-n // block)))
    edges = [block * (-(-n // block) * k // parts) for k in range(parts)] + [n]
    if parts == 1:
        _accumulate(x, cut, values, begin, end, out, block)
        return
    with ThreadPoolExecutor(parts) as pool:
        for job in [pool.submit(_accumulate, x[i:j], cut, values, begin, end, out[i:j], block)
                    for i, j in pairwise(edges)]:
            job.result()


@numba.njit(cache=True, nogil=True)
def _accumulate(x, cut, values, begin, end, out, size):  # type: ignore[no-untyped-def]
    n, p = x.shape
    columns = out.shape[1]
    answers = np.empty(size, np.int32)
    sums = np.empty((size, (columns + LANE - 1) // LANE * LANE), np.float32)
    block = np.empty((p, size), np.float32)
    for s in range(0, n, size):
        m = min(size, n - s)
        for i in range(m):
            for k in range(p):
                block[k, i] = x[s + i, k]
        for u0 in range(begin, end, _FLUSH):
            sums[:] = 0
            for u in range(u0, min(u0 + _FLUSH, end)):
                _answer(block, cut, u, answers, m)
                _add(cut, u, values, cut.start[u] - cut.start[begin], answers, sums, m)
            for i in range(m):
                for c in range(columns):
                    out[s + i, c] += sums[i, c]


@numba.njit(cache=True, nogil=True)
def _answer(block, cut, u, answers, m):  # type: ignore[no-untyped-def]
    """The number of the table row for every row of the block. A comparison with NaN is false, hence the four forms."""
    answers[:m] = 0
    bit = np.int32(1)
    for c in range(cut.path_start[u], cut.path_start[u + 1]):
        x, low, high = block[cut.path_feature[c]], cut.path_low[c], cut.path_high[c]
        if cut.path_missing[c]:
            for i in range(m):
                answers[i] |= np.int32(0) if (x[i] < low) | (x[i] >= high) else bit
        else:
            for i in range(m):
                answers[i] |= bit if (x[i] >= low) & (x[i] < high) else np.int32(0)
        bit = np.int32(bit << 1)
    for c in range(cut.node_start[u], cut.node_start[u + 1]):
        x, threshold = block[cut.node_feature[c]], cut.node_threshold[c]
        if cut.node_missing[c]:
            for i in range(m):
                answers[i] |= np.int32(0) if x[i] >= threshold else bit
        else:
            for i in range(m):
                answers[i] |= bit if x[i] < threshold else np.int32(0)
        bit = np.int32(bit << 1)


@numba.njit(cache=True, nogil=True)
def _add(cut, u, values, start, answers, sums, m):  # type: ignore[no-untyped-def]
    """Add the table rows that the answers number to the sums."""
    begin, lanes = cut.lane_start[u], cut.lane_start[u + 1] - cut.lane_start[u]
    width = sums.shape[1]
    for g in range(lanes):
        to = cut.lane[begin + g] * LANE
        for i in range(m):
            _add_lane(sums, i * width + to, values, start + (answers[i] * lanes + g) * LANE)  # type: ignore[call-arg]


@intrinsic
def _add_lane(_, to, i, source, j):  # type: ignore[no-untyped-def]
    """Add `LANE` floats of `source` from j on to those of `to` from i on, as one vector; the loop is not vectorised."""
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        vector = ir.VectorType(ir.FloatType(), LANE).as_pointer()
        places = []
        for k in (0, 2):
            array = context.make_array(signature.args[k])(context, builder, arguments[k])
            places.append(builder.bitcast(builder.gep(array.data, [arguments[k + 1]]), vector))
        total = builder.fadd(builder.load(places[0], align=4), builder.load(places[1], align=4))
        builder.store(total, places[0], align=4)
        return context.get_dummy_value()

    return types.void(to, types.intp, source, types.intp), generate
