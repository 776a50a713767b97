"""Faults of single series on arrays: spikes, stuck values, clocks, swapped depths, drifting zero curtains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.kernels.profile import annual_wave

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]


def local_scale(size: Floats, block: int) -> Floats:
    """
    For each sample the 90 % quantile of `size` in its block of samples or a neighbouring one, whichever is largest.

    The scale follows the season, as the noise does: a quiet winter under snow does not make summer days suspicious.

    Parameters
    ----------
    size : ndarray, shape (n,)
        Not negative.
    block : int
        Samples of a block.
    """
    block = min(block, size.size)
    whole = size[:size.size // block * block].reshape(-1, block)
    rows = np.vstack([whole, size[-block:]]) if size.size % block else whole
    rank = int(np.ceil(0.9 * block)) - 1
    level = np.partition(rows, rank, axis=1)[:, rank]
    around = np.maximum(level, np.maximum(np.r_[level[1:], level[-1]], np.r_[level[0], level[:-1]]))
    scale: Floats = np.repeat(around, block)[:size.size]
    return scale


def spikes(values: Floats, *, block: int, factor: float, floor: float) -> Booleans:
    """
    Samples that stand off from the median of the five around them, by more than the season's scatter allows.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Without NaN, in order of time.
    block : int
        Samples over which the scatter is taken.
    factor : float
        How many times the scatter (90 % quantile of the distances); and three times the usual change between
        neighbours, so that the edge of a jump or of a gap is no spike.
    floor : float
        Smallest distance that counts [K].

    Examples
    --------
    >>> x = np.zeros(100); x[50] = 9.0
    >>> np.flatnonzero(spikes(x, block=30, factor=8, floor=1))
    array([50])
    """
    from scipy.ndimage import median_filter

    if values.size < 5:
        return np.zeros(values.size, dtype=bool)
    off = np.abs(values - median_filter(values, 5, mode="nearest"))
    change = np.abs(np.diff(values, prepend=values[0]))
    standing_off: Booleans = off > np.maximum(floor, np.maximum(factor * local_scale(off, block),
                                                                3 * local_scale(change, block)))
    return standing_off


def equal_runs(values: Floats) -> tuple[Integers, Integers]:
    """
    First sample and length of every run of one and the same value.

    Examples
    --------
    >>> equal_runs(np.array([1.0, 1.0, 2.0]))
    (array([0, 2]), array([2, 1]))
    """
    start = np.flatnonzero(np.r_[True, values[1:] != values[:-1]]) if values.size else np.empty(0, dtype=np.int64)
    return start, np.diff(np.r_[start, values.size])


def stuck(values: Floats, joined: Booleans, *, shortest: int, floor: float, margin: float = 0.5) -> Booleans:
    """
    Samples of a sensor that hangs: one value for longer than this column otherwise keeps one.

    A run of at least `shortest` samples counts as stuck when it is entered or left by a jump of `floor`, or when the
    column, in stretches as long, nearly always moves by several of its own digits. Runs within `margin` of 0 °C are
    the zero curtain; deep sensors that rest for months are at rest, and so is whatever is entered and left by a
    single digit: a coarse logger under snow.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Without NaN, in order of time.
    joined : ndarray of bool, shape (n,)
        False where a sample follows on a gap, across which a change is no jump.
    shortest : int
        Samples of the shortest run that is looked at.
    floor : float
        Jump that gives a stuck sensor away [K].
    margin : float
        About 0 °C [K].

    Examples
    --------
    >>> x = 5 + np.sin(np.arange(400) / 4).round(2); x[100:180] = -39.98
    >>> np.flatnonzero(stuck(x, np.ones(400, bool), shortest=72, floor=1.0))[[0, -1]]
    array([100, 179])
    """
    marked = np.zeros(values.size, dtype=bool)
    start, length = equal_runs(values)
    long = np.flatnonzero((length >= shortest) & (np.abs(values[start]) > margin)) if start.size else start
    if not long.size:
        return marked
    resting = np.zeros(values.size, dtype=bool)
    for k in long:
        resting[start[k]:start[k] + length[k]] = True
    moves = np.abs(np.diff(values))
    digit = float(np.quantile(moves[moves > 0], 0.01)) if (moves > 0).any() else 0.0
    for k in long:
        first, last = int(start[k]), int(start[k] + length[k] - 1)
        entry = moves[first - 1] if first and joined[first] else 0.0
        leave = moves[last] if last < values.size - 1 and joined[last + 1] else 0.0
        if 0 < min(entry, leave) and max(entry, leave) <= 1.5 * digit:
            continue
        jumped = max(entry, leave) >= max(floor, 20 * digit)
        if jumped or _otherwise_moves(values, resting, int(length[k]), margin) > 10 * digit:
            marked[first:last + 1] = True
    return marked


def _otherwise_moves(values: Floats, resting: Booleans, length: int, margin: float) -> float:
    """
    The range that 98 % of the column's other stretches of `length` samples exceed [K]; 0 with fewer than ten.

    Where so much rests that ten as long are not left, shorter ones stand for them: they move less.
    """
    length = max(min(length, int(np.count_nonzero(~resting)) // 14), 2)
    count = values.size // length
    whole = values[:count * length].reshape(count, length)
    quiet = resting[:count * length].reshape(count, length).any(axis=1) | (np.abs(whole) <= margin).all(axis=1)
    ranges = np.ptp(whole[~quiet], axis=1)
    return float(np.quantile(ranges, 0.02)) if ranges.size >= 10 else 0.0


def clock_faults(us: Integers) -> Booleans:
    """
    Rows a reset clock stamped: from a leap back by more than a month, to the first days of an epoch, until it ends.

    Parameters
    ----------
    us : ndarray of int, shape (n,)
        Stamps in file order [µs since 1970].

    Examples
    --------
    >>> t = np.array(["2019-05-01", "2019-05-02", "2000-01-01", "2000-01-02", "2019-05-05"], "M8[us]")
    >>> clock_faults(t.astype(np.int64)).tolist()
    [False, False, True, True, False]
    """
    marked = np.zeros(us.size, dtype=bool)
    epochs = np.array([f"{y}-01-01" for y in (1899, 1900, 1904, 1970, 1980, 1990, 2000)], "M8[us]").astype(np.int64)
    month, days = 30 * 86_400_000_000, 2 * 86_400_000_000
    for i in np.flatnonzero(np.diff(us) < -month) + 1:
        if (np.abs(us[i] - epochs) <= days).any():
            later = np.flatnonzero(us[i:] >= us[i - 1])
            marked[i:i + later[0] if later.size else us.size] = True
    return marked


def misplaced(depths: Floats, days: Floats, *, growth: float = 0.05, lead: float = 2.0, gross: float = 0.3,
              gross_lead: float = 20.0, least: float = 0.2, least_days: int = 300) -> Booleans:
    """
    Columns whose annual wave contradicts their depth: it must fall and lag downwards.

    Two columns contradict each other when, over the days both have, the deeper one's amplitude is larger by more than
    `growth` and its maximum earlier by more than `lead`; or when one of the two is grossly so. The columns with most
    contradictions are marked until none is left; where two have equally many, nobody can say which, so both.

    Parameters
    ----------
    depths : ndarray, shape (m,)
        [m], ascending, at or below the surface.
    days : ndarray, shape (n, m)
        Daily means [°C]; NaN where missing.
    growth, gross : float
        Relative excess of the deeper amplitude, with and without an earlier maximum.
    lead, gross_lead : float
        Days by which the deeper maximum is earlier, with and without a larger amplitude.
    least : float
        Pairs in which an amplitude is below this are not judged [K].
    least_days : int
        Nor are pairs with fewer common days.

    Examples
    --------
    >>> z, t = np.array([0.1, 0.5, 1.0, 2.0]), np.arange(731.0)[:, None]
    >>> wave = 10 * np.exp(-z / 2) * np.cos(2 * np.pi * t / 365.25 - z / 2)
    >>> misplaced(z, wave[:, [0, 2, 1, 3]]).tolist(), misplaced(z, wave).any()
    ([False, True, True, False], np.False_)
    """
    m, number = depths.size, np.arange(float(days.shape[0]))
    against = np.zeros((m, m), dtype=bool)
    for i in range(m - 1):
        deeper = np.flatnonzero(depths > depths[i])
        common = ~np.isnan(days[:, [i]]) & ~np.isnan(days[:, deeper])
        deeper, common = deeper[common.sum(axis=0) >= least_days], common[:, common.sum(axis=0) >= least_days]
        if not deeper.size:
            continue
        _, upper, upper_day = annual_wave(number, np.where(common, days[:, [i]], np.nan), harmonics=2)
        _, lower, lower_day = annual_wave(number, np.where(common, days[:, deeper], np.nan), harmonics=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            more = lower / upper - 1
            early = np.mod(upper_day - lower_day + 182.625, 365.25) - 182.625
            wrong = ((more > growth) & (early > lead)) | (more > gross) | (early > gross_lead)
            against[i, deeper] = against[deeper, i] = wrong & (np.minimum(lower, upper) >= least)
    return _most_blamed(against)


def _most_blamed(against: Booleans) -> Booleans:
    marked = np.zeros(against.shape[0], dtype=bool)
    against = against.copy()
    while against.any():
        votes = against.sum(axis=0)
        worst = votes == votes.max()
        marked |= worst
        against[worst] = False
        against[:, worst] = False
    return marked


def damping_diffusivity(depths: Floats, amplitude: Floats, *, least: float = 0.2) -> float:
    """
    Thermal diffusivity [m2 s-1] that the fall of the annual amplitude over all columns implies.

    NaN with fewer than two columns above `least` [K], or where it falls by less than a quarter over them. It tells
    depths in centimetres read as metres (ten thousand times too large) from real ones.
    """
    known = amplitude >= least
    if known.sum() < 2 or np.ptp(np.log(amplitude[known])) < 0.3:
        return float("nan")
    slope = np.polyfit(depths[known], np.log(amplitude[known]), 1)[0]
    return float(np.pi / (365.25 * 86400) / slope**2) if slope < 0 else float("nan")


def zero_curtain_level(days: Floats, *, margin: float = 0.7, still: float = 0.03, shortest: int = 10,
                       swing: float = 1.0) -> tuple[float, int]:
    """
    Where a sensor's zero curtain lies: the median of the days on which it stands still near 0 °C while freezing back.

    Where it stands still more than once, for at least half as long, the stretch nearest to 0 °C is taken: slow ground
    and coarse loggers rest at other temperatures, too, which is no evidence of drift.

    Parameters
    ----------
    days : ndarray, shape (n,)
        Daily means of about a year [°C]; NaN where missing.
    margin : float
        Only days within this of 0 °C [K].
    still : float
        Largest change from day to day [K].
    shortest : int
        Fewest days in a row.
    swing : float
        Before it the sensor must have been warmer, and after it colder, by more than this [K]: ground that only
        rests near 0 °C has no zero curtain.

    Returns
    -------
    level : float
        [°C]; NaN without a zero curtain.
    days : int
        Days it rests on.

    Examples
    --------
    >>> x = np.r_[np.linspace(8, 0.15, 60), np.full(30, 0.15), np.linspace(0.1, -6, 60)]
    >>> level, days = zero_curtain_level(x)
    >>> round(level, 2), days
    (0.15, 30)
    """
    with np.errstate(invalid="ignore"):
        quiet = (np.abs(days) <= margin) & (np.abs(np.diff(days, prepend=np.nan)) <= still)
    edge = np.flatnonzero(np.diff(np.r_[False, quiet, False].astype(np.int8)))
    rests = [(int(last - first), float(np.median(days[first:last])), first, last) for first, last in edge.reshape(-1, 2)
             if last - first >= shortest and np.ptp(days[first:last]) <= 5 * still]
    longest = max((length for length, rest, first, last in rests
                   if (days[:first] > rest + swing).any() and (days[last:] < rest - swing).any()), default=0)
    if not longest:
        return float("nan"), 0
    days_there, level = min(((run, rest) for run, rest, *_ in rests if run >= longest / 2), key=lambda r: abs(r[1]))
    return level, days_there


def snow_days(low: Floats, high: Floats, spread: Floats, *, warmest: float = 3.0, spread_warm: float = 0.1,
              spread_cold: float = 0.3, shortest: int = 5) -> Booleans:
    """
    Days on which a sensor at the surface is so damped that it must lie under snow.

    Parameters
    ----------
    low, high, spread : ndarray, shape (n,)
        Lowest and highest value and standard deviation of each day's samples [°C], [K]; NaN where missing.
    warmest : float
        A day with anything warmer is no snow day [°C].
    spread_warm, spread_cold : float
        Largest standard deviation on days with a value above 0 °C, and on days without [K].
    shortest : int
        Fewest days in a row.

    References
    ----------
    Schmid et al. (2012), The Cryosphere 6, 1127-1139, doi:10.5194/tc-6-1127-2012, for the principle.
    """
    with np.errstate(invalid="ignore"):
        damped = (high <= warmest) & (spread <= np.where(high > 0, spread_warm, spread_cold)) & (low <= high)
    edge = np.flatnonzero(np.diff(np.r_[False, damped, False].astype(np.int8))).reshape(-1, 2)
    covered = np.zeros(damped.size, dtype=bool)
    for first, last in edge:
        if last - first >= shortest:
            covered[first:last] = True
    return covered
