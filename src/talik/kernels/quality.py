"""Faults of single series on arrays: spikes, stuck values, clocks, drifting zero curtains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    limit = np.maximum(floor, np.maximum(factor * local_scale(off, block), 3 * local_scale(change, block)))
    standing_off: Booleans = off > limit
    for i in np.flatnonzero(change > limit):        # three and four samples, which are the median themselves
        away = values[i:i + 5] - values[i - 1]
        back = np.flatnonzero(np.abs(away) <= abs(away[0]) / 4)
        if back.size and back[0] > 2 and (away[:back[0]] / away[0] > 0.6).all():
            standing_off[i:i + back[0]] = True
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


def stuck(values: Floats, joined: Booleans, *, shortest: int, floor: float, margin: float = 0.5,
          season: int | None = None, below: Floats | None = None) -> Booleans:
    """
    Samples of a sensor that hangs: one value for longer than this column otherwise keeps one.

    A run of at least `shortest` samples counts as stuck when it is entered or left by a jump of `floor`, or when the
    column, in stretches as long, nearly always moves by several of its own digits, or when it is eight times as long
    as any other but a few that are as long as itself, or when the sensor below moves meanwhile: a wave loses height
    on its way down. A run within `margin` of 0 °C may be a zero curtain: it is stuck only when it is entered or left
    by six times the change that one sample in a thousand (and ten at least) exceeds; melt water, which lifts frozen
    ground to 0 °C, aside. Deep sensors that rest for months are at rest, and so is whatever is entered and left by a
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
    season : int, optional
        Samples of five months, in which no sensor that has an annual wave rests.
    below : ndarray, shape (n,), optional
        The values of the next sensor below; NaN where missing.

    Examples
    --------
    >>> x = 5 + np.sin(np.arange(400) / 4).round(2); x[100:180] = -39.98
    >>> np.flatnonzero(stuck(x, np.ones(400, bool), shortest=72, floor=1.0))[[0, -1]]
    array([100, 179])
    """
    marked = np.zeros(values.size, dtype=bool)
    start, length = equal_runs(values)
    long = np.flatnonzero(length >= shortest)
    if not long.size:
        return marked
    moves, smallest = np.abs(np.diff(values)), digit(values)
    far = max(floor / 2, 10 * smallest, 6 * rare_change(moves))
    for k in long:
        first, last = int(start[k]), int(start[k] + length[k] - 1)
        entry = moves[first - 1] if first and joined[first] else 0.0
        leave = moves[last] if last < values.size - 1 and joined[last + 1] else 0.0
        if abs(values[first]) <= margin:
            melt = first > 0 and values[first - 1] < values[first]
            marked[first:last + 1] = max(0.0 if melt else entry, leave) >= far
            continue
        if _passed(below, first, last, smallest):
            marked[first:last + 1] = True
            continue
        alone = min(entry, leave) > 0 and _alone(length, int(length[k]))
        if 0 < min(entry, leave) and max(entry, leave) <= 1.5 * smallest:
            continue
        resting = np.repeat(length >= max(shortest, length[k] // 2), length)
        otherwise = _otherwise_moves(values, resting, int(length[k]), margin, season)
        jumped = max(entry, leave) >= max(floor, 20 * smallest) and otherwise > 1.5 * smallest
        if alone or jumped or otherwise > 10 * smallest:
            marked[first:last + 1] = True
    return marked


def rare_change(moves: Floats) -> float:
    """
    The size of change that one sample in a thousand, and ten at least, exceeds: what fronts do to a column [K].

    Examples
    --------
    >>> rare_change(np.arange(100.0))
    90.0
    """
    rare = min(max(10, moves.size // 1000), moves.size - 1)
    return float(np.partition(moves, -rare)[-rare])


def _alone(length: Integers, run: int) -> bool:
    """Whether a run is of a length that few others have, with none between it and an eighth of it."""
    return bool(length.size >= 100 and np.count_nonzero(2 * length >= run) <= 5
                and not ((8 * length > run) & (2 * length < run)).any())


def _passed(below: Floats | None, first: int, last: int, smallest: float) -> bool:
    """Whether nine tenths of what the sensor below reads meanwhile differ by 1 K and by ten digits."""
    there = np.empty(0) if below is None else below[first:last + 1]
    there = there[~np.isnan(there)]
    least = max(1.0, 10 * smallest)
    if 2 * there.size <= last - first or np.ptp(there) < least:
        return False
    low, high = np.quantile(there, (0.05, 0.95))
    return bool(high - low >= least)


def digit(values: Floats) -> float:
    """
    The smallest change that is usual between neighbouring samples: the last digit of a logger [K]; 0 without any.

    Examples
    --------
    >>> digit(np.array([1.0, 1.5, 1.5, 2.0]))
    0.5
    """
    moves = np.abs(np.diff(values))
    moves = moves[moves > 1e-9]
    return float(np.quantile(moves, 0.01)) if moves.size else 0.0


def _otherwise_moves(values: Floats, resting: Booleans, length: int, margin: float, season: int | None) -> float:
    """
    The range that 98 % of the column's other stretches of `length` samples exceed [K]; 0 with fewer than ten.

    Where so much rests that ten as long are not left, shorter ones stand for them: they move less. Of stretches of a
    season three are enough.
    """
    moving = int(np.count_nonzero(~resting))
    long = season is not None and length >= season and moving >= 3 * season
    length = season if long and season else max(min(length, moving // 14), 2)
    count = values.size // length
    whole = values[:count * length].reshape(count, length)
    quiet = resting[:count * length].reshape(count, length).any(axis=1) | (np.abs(whole) <= margin).all(axis=1)
    ranges = np.ptp(whole[~quiet], axis=1)
    return float(np.quantile(ranges, 0.02)) if ranges.size >= (2 if long else 10) else 0.0


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


def zero_curtain_level(days: Floats, *, margin: float = 0.7, still: float = 0.15, shortest: int = 10,
                       swing: float = 1.0, digit: float = 0.0, centre: float = 0.0) -> tuple[float, int]:
    """
    Where a sensor's zero curtain lies: the median of the days on which it stands still near 0 °C while freezing back.

    Where it stands still more than once, for at least half as long, the stretch nearest to 0 °C is taken: slow ground
    and coarse loggers rest at other temperatures, too, which is no evidence of drift. So does ground, just above 0 °C,
    below a layer that freezes; ten days at 0 °C then tell that nothing has drifted.

    Parameters
    ----------
    days : ndarray, shape (n,)
        Daily means of about a year [°C]; NaN where missing.
    margin : float
        Only levels within this of `centre` [K].
    still : float
        How far the days of a rest may lie apart [K], and five times as far as one may from the day before; beside
        `digit`.
    shortest : int
        Fewest days in a row; of a coarse logger 200 for each K of `digit`, since within a digit anything rests.
    swing : float
        Before it the sensor must have been warmer, and after it colder, by more than this [K]: ground that only
        rests near 0 °C has no zero curtain.
    digit : float
        Last digit of the logger [K].
    centre : float
        Where it is looked for [°C]: 0, or where it was the year before.

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
    width = still + digit
    near = np.abs(days - centre) <= margin + width
    quiet = np.abs(np.diff(days, prepend=np.nan)) <= still / 5 + digit
    if np.count_nonzero(near) < max(shortest, 200 * digit) or np.nanmin(days) > centre or np.nanmax(days) < centre:
        return float("nan"), 0
    levels = centre + np.arange(-margin, margin + 1e-9, width / 3)
    rests = [(int(first), int(last)) for first, last in _longest(quiet & (np.abs(days - levels[:, None]) <= width / 2))
             if last - first >= max(shortest, 200 * digit)]
    rests = [(first, last) for first, last in dict.fromkeys(rests)
             if (days[:first] > np.median(days[first:last]) + swing).any()
             and (days[last:] < np.median(days[first:last]) - swing).any()]
    if not rests:
        return float("nan"), 0
    longest = max(rests, key=lambda r: r[1] - r[0])
    others = [r for r in rests if (r[1] <= longest[0] or r[0] >= longest[1])
              and 2 * (r[1] - r[0]) >= longest[1] - longest[0]]
    first, last = min([longest, *others], key=lambda r: abs(np.median(days[r[0]:r[1]]) - centre))
    level = float(np.median(days[first:last]))
    at_zero = quiet & (np.abs(days) <= min(0.1 + digit / 2, abs(level) / 2))
    begin, end = _longest(at_zero[None])[0].tolist()
    if end - begin >= 10:
        return float(np.median(days[begin:end])), end - begin
    return level, last - first


def _longest(inside: Booleans) -> Integers:
    """First and, exclusive, last of the longest run of True in each row."""
    number = np.arange(inside.shape[1])
    run = number - np.maximum.accumulate(np.where(inside, -1, number), axis=1)
    last = run.argmax(axis=1)
    pairs: Integers = np.column_stack([last + 1 - run[np.arange(last.size), last], last + 1])
    return pairs


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
