"""Jumps between neighbouring samples whose level stays: a sensor or a logger was changed, moved or broken."""

from __future__ import annotations

import numpy as np

from talik.kernels.quality import Booleans, Floats, equal_runs, local_scale

__all__ = ["steps"]


def steps(values: Floats, joined: Booleans, *, block: int, factor: float, floor: float, longest: int,
          tail: float = 0.0, rest: int | None = None) -> Booleans:
    """
    Samples of a level that was jumped to: until the jump back, or, where there is none, the shorter side of the jump.

    A jump without a jump back must be beyond doubt: the level rests before it (within a quarter of the jump over a
    block) and stays away from it afterwards (by half the jump over a block). A rise from frost that ends near 0 °C is
    left alone: melt water running down does that. A sensor that hangs, and jumps to where the season has gone when it
    moves again, is no evidence against the samples on the other side of that jump.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Without NaN, in order of time.
    joined : ndarray of bool, shape (n,)
        False where a sample follows on a gap, across which anything may change: of a jump and its jump back, one at
        least must lie between neighbours.
    block : int
        Samples over which the scatter of the changes is taken.
    factor, floor : float
        A jump is larger than `factor` times that scatter (90 % quantile) and than `floor` [K].
    longest : int
        Most samples until a jump back still belongs to it.
    tail : float
        And it is larger than this many times the change that one sample in a thousand (and ten at least) exceeds:
        weather fronts jump and jump back, again and again.
    rest : int, optional
        As many samples of one value and more are a sensor that hangs (or rests); none when not given.

    Examples
    --------
    >>> x = np.full(100, -3.0); x[40:60] += 8
    >>> found = steps(x, np.ones(100, bool), block=30, factor=10, floor=2, longest=50)
    >>> np.flatnonzero(found)[[0, -1]]
    array([40, 59])
    """
    marked = np.zeros(values.size, dtype=bool)
    if values.size < 12:
        return marked
    change = np.diff(values, prepend=values[0])
    size = np.abs(change)
    rare = min(max(10, size.size // 1000), size.size - 1)
    least = np.maximum(max(floor, tail * float(np.partition(size, -rare)[-rare])), factor * local_scale(size, block))
    jumps = [int(i) for i in np.flatnonzero(size > least) if _stays(values, change, int(i))]
    hangs = _hanging(values, rest)
    while jumps:
        i = jumps.pop(0)
        back = next((j for j in jumps if j - i <= longest and (joined[i] or joined[j]) and change[j] * change[i] < 0
                     and 0.5 < abs(change[j] / change[i]) < 2 and _returns(values, hangs, i, j)), None)
        if back is not None:
            marked[i:back] = True
            jumps = [j for j in jumps if j > back]
        elif joined[i] and not hangs[i - 1] and _for_good(values, change[i], i, block):
            hung = i + int(np.argmin(hangs[i:])) if not hangs[i:].all() else None
            side = slice(i, hung) if hangs[i] else slice(0, i) if i <= values.size // 2 else slice(i, None)
            marked[side] = True
    return marked


def _hanging(values: Floats, rest: int | None) -> Booleans:
    _, length = equal_runs(values)
    return np.repeat(length >= (rest or values.size + 1), length)


def _returns(values: Floats, hangs: Booleans, i: int, j: int) -> bool:
    """Whether the level between two jumps is a level of its own, where a sensor hangs before one of them."""
    if hangs[i - 1] and abs(values[j] - values[i - 1]) > abs(values[i] - values[i - 1]) / 4:
        return False
    return bool(not hangs[j - 1] or hangs[i:j].mean() > 0.5)


def _stays(values: Floats, change: Floats, i: int) -> bool:
    if not 5 <= i <= values.size - 5 or (change[i] > 0 > values[i - 1] and -1 <= values[i] <= 0.5):
        return False
    before, after = np.median(values[i - 5:i]), np.median(values[i:i + 5])
    return bool(abs(after - before) >= 0.7 * abs(change[i]))


def _for_good(values: Floats, jump: float, i: int, block: int) -> bool:
    before, after = values[max(0, i - block):i], values[i:i + block]
    away = (after - values[i - 1]) * np.sign(jump)
    return bool(np.ptp(before) <= abs(jump) / 4 and away.min() >= abs(jump) / 2)
