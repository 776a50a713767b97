"""Jumps between neighbouring samples whose level stays: a sensor or a logger was changed, moved or broken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from talik.kernels.quality import Booleans, Floats, Integers, equal_runs, local_scale, rare_change

__all__ = ["lasting_changes", "level_change", "steps", "thawing"]


def steps(values: Floats, joined: Booleans, *, block: int, factor: float, floor: float, longest: int,
          tail: float = 0.0, rest: int | None = None, most: int = 12) -> tuple[Booleans, Integers, Floats]:
    """
    Samples of a level that was jumped to, until the jump back; and jumps of which the column alone cannot say
    whether their level stays: `level_change` may.

    A rise from frost that ends near 0 °C is not marked, only returned: melt water running down does that. A sensor
    that hangs, and jumps to where the season has gone when it moves again, is no evidence against the samples on the
    other side of that jump.

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
        And it is larger than this many times the change that one sample in a thousand (and ten at least) exceeds,
        and the level between a jump and the jump back holds for a block: weather fronts jump, pass, and jump back.
    rest : int, optional
        As many samples of one value and more are a sensor that hangs (or rests); none when not given.
    most : int
        Of the open jumps as many are returned, those that stand out most; of those across gaps as many again.

    Returns
    -------
    marked : ndarray of bool, shape (n,)
    open : ndarray of int
        First samples after jumps, in order of time.
    strength : ndarray
        By how many times each exceeds the usual change.

    Examples
    --------
    >>> x = np.full(100, -3.0); x[40:60] += 8
    >>> found, _, _ = steps(x, np.ones(100, bool), block=30, factor=10, floor=2, longest=50)
    >>> np.flatnonzero(found)[[0, -1]]
    array([40, 59])
    """
    marked = np.zeros(values.size, dtype=bool)
    if values.size < 12:
        return marked, np.empty(0, dtype=np.int64), np.empty(0)
    change = np.diff(values, prepend=values[0])
    size = np.abs(change)
    usual = local_scale(size, block)
    least = np.maximum(max(floor, tail * rare_change(size)), factor * usual)
    jumps = [int(i) for i in np.flatnonzero(size > least) if _stays(values, change, int(i))]
    hangs = _hanging(values, rest)
    while jumps:
        i = jumps.pop(0)
        back = next((j for j in jumps if j - i <= longest and (joined[i] or joined[j]) and change[j] * change[i] < 0
                     and 0.5 < abs(change[j] / change[i]) < 2 and _returns(values, hangs, i, j)
                     and (not tail or _holds(values, change, i, j, block))), None)
        if back is not None:
            marked[i:back] = True
            jumps = [j for j in jumps if j > back]
    at = _open(values, change, joined, usual, marked, floor, most)
    return marked, at, size[at] / np.maximum(usual[at], 1e-9)


def _open(values: Floats, change: Floats, joined: Booleans, usual: Floats, explained: Booleans, floor: float,
          most: int) -> Integers:
    """The jumps that stand out most from the season's changes, but for those that other marks explain."""
    at = np.flatnonzero((np.abs(change) > np.maximum(floor, 2.5 * usual)) | (~joined & (np.abs(change) > floor)))
    at = at[(at > 0) & ~explained[at] & ~explained[at - 1]]
    weight = np.abs(change[at]) / (usual[at] + 0.1)
    ranked = at[np.argsort(-weight, kind="stable")]
    kept: Integers = np.sort(np.r_[ranked[joined[ranked]][:most], ranked[~joined[ranked]][:most]])
    return kept


def thawing(before: float, change: float) -> bool:
    """Whether a jump is a rise from frost that ends near 0 °C, as melt water makes it."""
    return change > 0 and before < 0 and -1 <= before + change <= 0.5


def _hanging(values: Floats, rest: int | None) -> Booleans:
    _, length = equal_runs(values)
    return np.repeat(length >= (rest or values.size + 1), length)


def _returns(values: Floats, hangs: Booleans, i: int, j: int) -> bool:
    """Whether the level between two jumps is a level of its own, where a sensor hangs before one of them."""
    if hangs[i - 1] and abs(values[j] - values[i - 1]) > abs(values[i] - values[i - 1]) / 4:
        return False
    return bool(not hangs[j - 1] or hangs[i:j].mean() > 0.5)


def _holds(values: Floats, change: Floats, i: int, j: int, block: int) -> bool:
    """Whether the medians of up to a block on either side of two jumps differ as the jumps do: fronts pass."""
    width = min(block, j - i)
    return all((np.median(values[k:k + width]) - np.median(values[max(0, k - width):k])) / change[k] >= 0.5
               for k in (i, j))


def _stays(values: Floats, change: Floats, i: int) -> bool:
    if not 5 <= i <= values.size - 5 or thawing(float(values[i - 1]), float(change[i])):
        return False
    before, after = np.median(values[i - 5:i]), np.median(values[i:i + 5])
    return bool(abs(after - before) >= 0.7 * abs(change[i]))


def level_change(days: Floats, others: Floats, at: int, until: int | None = None, *,
                 reach: int = 365) -> tuple[float, float]:
    """
    By how much a level changes at a day, as the season and the neighbours do not explain it, and its standard error.

    A regression over `reach` days on either side: a constant, a step, a trend, the annual wave where ten months are
    there, and the neighbours. What is left is taken as first-order autoregressive noise.

    Parameters
    ----------
    days : ndarray, shape (n,)
        Daily means [°C]; NaN where missing.
    others : ndarray, shape (n, m)
        Those of the neighbours; m may be 0. One that has less than half of the days is left out.
    at : int
        The day of the change, which itself takes no part.
    until : int, optional
        The day of the change back, which takes no part either.
    reach : int
        Days before and after it.

    Returns
    -------
    change, error : float
        [K]; NaN where fewer than three days are on a side, or fewer than twenty in all.

    Examples
    --------
    >>> day = np.arange(600)
    >>> x = 8 * np.cos(day / 58.1); x[300:] += 6
    >>> change, error = level_change(x + np.random.default_rng(0).normal(0, 0.1, 600), np.empty((600, 0)), 300)
    >>> round(change, 1), error < 0.1
    (6.0, True)
    """
    first, last = max(0, at - reach), min(days.size, (until or at) + reach + 1)
    y, near = days[first:last], others[first:last]
    known = ~np.isnan(y)
    known[[at - first, (until or at) - first]] = False
    near = near[:, (~np.isnan(near[known])).mean(axis=0) > 0.5] if known.any() else near[:, :0]
    used = np.flatnonzero(known & ~np.isnan(near).any(axis=1))
    side = (used >= at - first) & (used < (until or last) - first)
    if used.size < 20 or side.sum() < 3 or (~side).sum() < 3:
        return float("nan"), float("nan")
    time = (used - (at - first)) / reach
    season = [f(2 * np.pi * used / 365.25) for f in (np.cos, np.sin)] if np.ptp(used) >= 300 else []
    design = np.column_stack([side.astype(np.float64), np.ones(used.size), time, *season, near[used]])
    normal = np.linalg.pinv(design.T @ design)
    found = normal @ (design.T @ y[used])
    left = y[used] - design @ found
    variance = float(left @ left) / max(used.size - design.shape[1], 1)
    memory = float(np.clip(left[1:] @ left[:-1] / (left @ left), 0.0, 0.98)) if variance > 0 else 0.0
    return float(found[0]), float(np.sqrt(variance * normal[0, 0] * (1 + memory) / (1 - memory)))


def lasting_changes(days: Floats, others: Floats, taken: Sequence[int] = (), *, least: float = 0.0,
                    reach: int = 1095) -> tuple[Floats, Floats, Floats]:
    """
    By how much the level would change for good at each day, and its standard error: a step at every day in turn.

    A regression over the years around it: the step, a constant, the annual wave (a trend where ten months are not
    there), and the neighbours. Its noise is first-order autoregressive, so that both count: what changes from one day
    to the next and what stays different for years. A first estimate takes the days as independent and so weighs only
    what stays; where the two differ, a jump did not last.

    The day of the step itself takes no part.

    Parameters
    ----------
    days : ndarray, shape (n,)
        Daily means [°C]; NaN where missing.
    others : ndarray, shape (n, m)
        Those of the neighbours; m may be 0. One that has less than half of the days is left out.
    taken : sequence of int
        Days of steps that are known already.
    least : float
        Where nothing changes by 0.4 times as much [K] within two days, or no day's lasting change is half as large,
        the rest is spared and all is NaN.
    reach : int
        Records longer than three times as many days are looked at in pieces of twice as many, each day in the piece
        in which it lies most in the middle: neighbours and ground are not the same for decades.

    Returns
    -------
    lasting, change, error : ndarray, shape (n,)
        [K]: with independent noise, with autoregressive noise, and the standard error of that. NaN on days that are
        not used, on the three at either end, where a step cannot be told from the season, and everywhere with fewer
        than 40 days.

    References
    ----------
    Wang (2008), J. Appl. Meteor. Climatol. 47, 2423-2444, doi:10.1175/2008JAMC1741.1, for the principle.

    Examples
    --------
    >>> rng, day = np.random.default_rng(0), np.arange(900)
    >>> x = 8 * np.cos(day / 58.1) + rng.normal(0, 1, 900); x[500:] += 6
    >>> lasting, change, error = lasting_changes(x, np.empty((900, 0)))
    >>> int(np.nanargmax(change / error)) in (499, 500), round(change[500]), round(lasting[500])
    (True, 6, 6)
    """
    if days.size <= 3 * reach:
        lasting, change, error = _piece(days, others, taken, least)
        return lasting, change, error
    first = np.unique(np.minimum(np.arange(0, days.size, reach), days.size - 2 * reach))
    nearest = np.abs(np.arange(days.size) - reach - first[:, None]).argmin(axis=0)
    found = np.full((3, days.size), np.nan)
    for k, begin in enumerate(first.tolist()):
        piece = slice(begin, begin + 2 * reach)
        own = nearest[piece] == k
        found[:, piece][:, own] = _piece(days[piece], others[piece], [at - begin for at in taken], least)[:, own]
    return found[0], found[1], found[2]


def _piece(days: Floats, others: Floats, taken: Sequence[int], least: float) -> Floats:
    """The three rows of `lasting_changes` from one regression."""
    found = np.full((3, days.size), np.nan)
    known = ~np.isnan(days)
    near = others[:, (~np.isnan(others[known])).mean(axis=0) > 0.5] if known.any() else others[:, :0]
    rows = np.flatnonzero(known & ~np.isnan(near).any(axis=1))
    if rows.size < 40 or np.abs(days[rows[2:]] - days[rows[:-2]]).max() < 0.4 * least:
        return found
    season = [f(2 * np.pi * rows / 365.25) for f in (np.cos, np.sin)] if np.ptp(rows) >= 300 else [rows - rows.mean()]
    known_steps = [of(rows, at).astype(np.float64) for at in taken for of in (np.greater_equal, np.equal)]
    design = np.column_stack([np.ones(rows.size), *season, near[rows] - near[rows].mean(axis=0), *known_steps])
    lasting, error, left = _at_each_day(rows, design, days[rows], 0.0)
    if least > 0 and not (np.abs(lasting) > np.maximum(least / 2, 5 * error)).any():
        return found
    daily = np.diff(rows) == 1
    before, after = left[:-1][daily], left[1:][daily]
    memory = float(np.clip(before @ after / max(float(before @ before), 1e-12), 0.0, 0.98))
    found[0, rows] = lasting
    found[1, rows], found[2, rows], _ = _at_each_day(rows, design, days[rows], memory)
    return found


def _at_each_day(rows: Integers, design: Floats, y: Floats, memory: float) -> tuple[Floats, Floats, Floats]:
    """A step at every day, which itself is left free: its size, its standard error; and what the best step leaves."""
    kept = np.r_[0.0, memory ** np.diff(rows)]
    scale = 1 / np.sqrt(1 - kept * kept)

    def white(m: Floats) -> Floats:
        whitened: Floats = (m - kept[:, None] * np.roll(m, 1, axis=0)) * scale[:, None]
        return whitened

    base, r = np.linalg.qr(white(design))
    size = np.abs(np.diag(r))
    base = base[:, size > 1e-8 * size.max()]
    level, target = white(np.column_stack([np.ones(rows.size), y])).T
    left = target - base @ (base.T @ target)
    # whitened, a step from day d on is `scale` at d and `level` on all days after it; day d alone `scale`, then `next_`
    next_ = -np.r_[kept[1:] * scale[1:], 0.0]

    def of_steps(m: Floats) -> Floats:
        weighed: Floats = level[:, None] * m
        later: Floats = weighed.sum(axis=0) - weighed.cumsum(axis=0) + scale[:, None] * m
        return later

    def of_days(m: Floats) -> Floats:
        alone: Floats = scale[:, None] * m + next_[:, None] * np.roll(m, -1, axis=0)
        return alone

    steps_base, days_base = of_steps(base), of_days(base)
    squared = level @ level - (level * level).cumsum() + scale * scale - (steps_base**2).sum(axis=1)
    crossed = scale * scale + next_ * np.roll(level, -1) - (steps_base * days_base).sum(axis=1)
    day_squared = scale * scale + next_ * next_ - (days_base**2).sum(axis=1)
    at_step, at_day = of_steps(left[:, None])[:, 0], of_days(left[:, None])[:, 0]
    told = (day_squared > 1e-6) & (squared > 1e-6)
    told[:3] = told[-3:] = False
    day_squared[~told] = np.nan
    free = squared - crossed * crossed / day_squared
    free[~(free > 1e-3)] = np.nan
    product = at_step - crossed / day_squared * at_day
    change = product / free
    if np.isnan(change).all():
        return change, change, left
    best = int(np.nanargmax(change * product))
    both = np.zeros(rows.size)
    both[best + 1:] = change[best] * level[best + 1:]
    alone = (at_day[best] - crossed[best] * change[best]) / day_squared[best]
    both[best] = (change[best] + alone) * scale[best]
    both[best + 1] += alone * next_[best]
    left = left - both + base @ (base.T @ both)
    variance = float(left @ left) / max(rows.size - base.shape[1] - 2, 1)
    return change, np.sqrt(variance / free), left
