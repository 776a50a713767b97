"""Levels that change, for good or until a jump back, once season and neighbours are accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talik.kernels import calendar
from talik.kernels.jumps import lasting_changes, level_change, thawing
from talik.records import REJECTED, Flag, Record
from talik.series.days import day_offset
from talik.series.profiles import whole_days
from talik.series.rules import Rules

Floats = NDArray[np.float64]
Flags = NDArray[np.uint16]
Integers = NDArray[np.int64]
Moments = tuple[Integers, Integers]
"""Of each row: its stamp [µs] and its day."""
Found = dict[int, list[tuple[int, float]]]
"""Changes of level, column by column: the stamp of the first value after each, and its size [K]."""
Details = dict[tuple[int, Flag], str]

_SURE, _PLAIN, _LONGEST = 8.0, 2.5, 400
"""How many standard errors a level between two jumps must have: usually; where the jump alone stands far out. And the
most days from a jump to the jump back."""
_LASTING, _ALIKE = 10.0, 2.0
_IN_GROUND, _BARE, _USUAL = 2.0, 2.5, 0.98
"""How many standard errors a change for good must have; by what factor the jump, the change from day to day and that
of the whole level may differ; how many times the floor of a jump it must reach deeper than 5 cm, and elsewhere; and
at what share of moments one must be found to be said to be found."""
_SURFACE_OFFSET, _WHOLE, _FEW = (-2.0, 8.0), 300, 0.2
"""What the surface may be warmer than the air over the year [K]; days of the season that make it whole; of a column's
values the share below which a level is taken for wrong when no neighbour decides."""


@dataclass(frozen=True, slots=True)
class Jumps:
    """Jumps of a column: the rows of the record before and after each, and by how many times it exceeds the usual."""

    before: Integers
    after: Integers
    strength: Floats


@dataclass(frozen=True, slots=True)
class _Change:
    """A level between `day` and `until`; `stamps` where it begins and ends; standard errors it must have."""

    column: int
    day: int
    until: int
    stamps: tuple[int, int]
    size: float
    needed: float


@dataclass(frozen=True, slots=True)
class _Near:
    """By how much a column is warmer than its neighbours, day by day [K]; within what range that is natural."""

    difference: Floats
    low: float
    high: float


def level_findings(record: Record, flags: Flags, details: Details, days: calendar.Daily, jumps: Mapping[int, Jumps],
                   rules: Rules) -> bool:
    """
    Flag STEP where jumps lead to another level, for good or until a jump back; True when anything was flagged.

    After a change for good the neighbours decide which level is wrong. Where they do not, it is one with less than a
    fifth of the values; else nobody can say, and all levels are flagged.

    Parameters
    ----------
    days : calendar.Daily
        Daily means of what no flag rejects.
    jumps : mapping
        The jumps of each column of which the column alone could not say whether their level stays.
    """
    moments = record.times.astype(np.int64), calendar.day_numbers(record.times, day_offset(record)) - days.first
    lasting = _for_good(record, flags, days.mean, list(jumps), moments, rules)
    for column, changes in lasting.items():
        near = _difference(record.depths, days.mean, column, lasting)
        wrong, why = _wrong_levels(record, near, column, sorted(changes), moments)
        flags[wrong, column] |= np.uint16(int(Flag.STEP))
        details[column, Flag.STEP] = f"{_said(changes, ' for good')}; {why}"
    if lasting:
        days = whole_days(record, flags)
        moments = moments[0], calendar.day_numbers(record.times, day_offset(record)) - days.first
    for column, changes in (back := _there_and_back(record, flags, days.mean, jumps, moments, rules)).items():
        flags[_minor(record, column, sorted(changes)), column] |= np.uint16(int(Flag.STEP))
        known = details.get((column, Flag.STEP))
        details[column, Flag.STEP] = f"{known}; {_said(changes)}" if known else _said(changes)
    return bool(lasting or back)


def smallest_found(record: Record, days: Floats, rules: Rules) -> Floats:
    """
    The smallest change for good that would have been found in each column [K]; NaN with fewer than 40 days.

    It may begin anywhere but in the first and last tenth of the days. What season, weather and neighbours do at each
    of these days, by chance, is held against it: a step is found when it exceeds the standard errors asked for by as
    much as the column changes there without one, and when its jump stays the larger part of what the value does.

    Parameters
    ----------
    days : ndarray, shape (days, m)
        Daily means of what no flag rejects [°C].
    """
    smallest = np.full(record.depths.size, np.nan)
    order = np.argsort(record.times, kind="stable")
    for k in range(smallest.size):
        lasting, change, error = lasting_changes(days[:, k], days[:, _witnesses(record.depths, k, {})])
        told = np.flatnonzero(~np.isnan(change))
        own, stays, error = np.abs(change[told]), np.abs(lasting[told]), error[told]
        tenth = told.size // 10
        if not told.size:
            continue
        known = record.values[order, k]
        jumps = float(np.quantile(np.abs(np.diff(known[~np.isnan(known)])), _USUAL))
        needed = np.maximum.reduce([np.maximum(_least(record, k, rules), _LASTING * error) + own, _ALIKE * jumps + own,
                                    _ALIKE * np.maximum(own, stays) + np.minimum(own, stays)])
        smallest[k] = float(np.quantile(needed[tenth:told.size - tenth], _USUAL))
    return smallest


def _least(record: Record, column: int, rules: Rules) -> float:
    return rules.step_floor * (_IN_GROUND if record.depths[column] > 0.05 else _BARE)


def _for_good(record: Record, flags: Flags, days: Floats, columns: list[int], moments: Moments, rules: Rules) -> Found:
    """
    Changes for good. Those of one stamp and direction in several sensors are melt water, or the whole logger.

    A column whose witness was found to change is looked at again without it.
    """
    found: Found = {}
    while columns:
        new = {k: changes for k in columns if (changes := _of_column(record, flags, days, k, found, moments, rules))}
        shared = Counter((stamp, size > 0) for k, changes in new.items() if record.depths[k] >= 0
                         for stamp, size in changes)
        new = {k: kept for k, changes in new.items()
               if (kept := [(at, size) for at, size in changes if shared[at, size > 0] < 2])}
        columns = [k for k in columns if k not in new and set(_witnesses(record.depths, k, found)) & set(new)]
        found |= new
    return found


def _of_column(record: Record, flags: Flags, days: Floats, column: int, found: Found, moments: Moments,
               rules: Rules) -> list[tuple[int, float]]:
    """The changes for good of one column, the surest first, each beside those before it: stamp and size [K]."""
    changes: list[tuple[int, float]] = []
    taken: list[int] = []
    near = days[:, _witnesses(record.depths, column, found)]
    least = _least(record, column, rules)
    while len(changes) < 6:
        lasting, change, error = lasting_changes(days[:, column], near, taken, least=least)
        change[[at + near_by for at in taken for near_by in (-1, 0, 1) if at + near_by < change.size]] = np.nan
        with np.errstate(invalid="ignore"):
            sure = (np.abs(change) >= np.maximum(least, _LASTING * error)) & _alike(lasting, change)
        at = np.flatnonzero(sure)
        at = at[np.argsort(error[at] / np.abs(change[at]), kind="stable")]
        melts = near.shape[1] == 0 or not (np.abs(change) >= 2 * _LASTING * error).any()
        jump = _jump(record, flags, column, change, at, moments, melts) if at.size else None
        if jump is None:
            break
        taken.append(jump[0])
        changes.append(jump[1:])
    return changes


def _alike(one: Floats, other: Floats) -> NDArray[np.bool_]:
    ratio = one / other
    alike: NDArray[np.bool_] = (ratio >= 1 / _ALIKE) & (ratio <= _ALIKE)
    return alike


def _jump(record: Record, flags: Flags, column: int, change: Floats, candidates: Integers, moments: Moments,
          melts: bool) -> tuple[int, int, float] | None:
    """
    The first of the candidate days whose change of level a jump between two values makes: day, stamp and size.

    It lies between the last day before that has a change [K], and the day after. A jump into or out of a rest counts,
    since a rest that a jump leads to looks like a sensor that hangs. Where melt water may be (no neighbour tells, or
    they leave it in doubt), a rise to 0 °C needs a hundred days on either side.
    """
    stamps, day_of = moments
    rejected = np.uint16(int(REJECTED & ~Flag.FLAT))
    rows = np.flatnonzero(~np.isnan(record.values[:, column]) & (flags[:, column] & rejected == 0))
    rows = rows[np.argsort(stamps[rows], kind="stable")]
    own, known = day_of[rows], np.flatnonzero(~np.isnan(change))
    for day in candidates.tolist():
        earlier = known[known < day]
        first = max(int(np.searchsorted(own, earlier[-1] if earlier.size else day - 1)), 1)
        last = int(np.searchsorted(own, day + 1, side="right"))
        jumps, size = np.diff(record.values[rows[first - 1:last], column]), float(change[day])
        if not jumps.size:
            continue
        best = int(np.argmax(jumps * np.sign(size)))
        i, j = rows[first + best - 1], rows[first + best]
        short = melts and min(earlier.size, known.size - earlier.size) < 100
        if 1 / _ALIKE <= jumps[best] / size <= _ALIKE and not (
                short and thawing(float(record.values[i, column]), float(jumps[best]))):
            return int(day_of[j]), int(stamps[j]), size
    return None


def _there_and_back(record: Record, flags: Flags, days: Floats, jumps: Mapping[int, Jumps], moments: Moments,
                    rules: Rules) -> Found:
    """Levels between two jumps that differ by about as much as these, beyond what season and neighbours explain."""
    found: Found = {}
    suspects: list[tuple[float, int, _Change]] = []
    for column, own in jumps.items():
        for change in _pairs(record, flags, days, column, own, moments, rules):
            if size := _confirmed(record, days, change, found, rules):
                suspects.append((-abs(size), len(suspects), change))
    shared = Counter((change.stamps, change.size > 0) for *_, change in suspects)
    for *_, change in sorted(suspects, key=lambda s: s[:2]):
        if shared[change.stamps, change.size > 0] > 1:
            continue
        size = _confirmed(record, days, change, found, rules)
        if size and not set(change.stamps) & {at for at, _ in found.get(change.column, [])}:
            found.setdefault(change.column, []).extend(zip(change.stamps, (size, -size), strict=True))
    return found


def _pairs(record: Record, flags: Flags, days: Floats, column: int, own: Jumps, moments: Moments,
           rules: Rules) -> list[_Change]:
    """Open jumps of a column that may belong together, there and back; of the two one at least not across a gap."""
    stamps, day_of = moments
    step = calendar.sampling_step(np.sort(record.times)) * 1e6
    open_jumps = []
    for i, j, strength in zip(own.before.tolist(), own.after.tolist(), own.strength.tolist(), strict=True):
        state = int(flags[i, column] | flags[j, column])
        size = float(record.values[j, column] - record.values[i, column])
        hangs, gap = state & int(Flag.FLAT), bool(stamps[j] - stamps[i] > 2.5 * step)
        doubtful = (bool(hangs) or _moves_again(days[:, column], int(day_of[j]))
                    or thawing(float(record.values[i, column]), size))
        if not (state & int(Flag.STEP) or (gap and doubtful)) and _lasts(
                days[:, column], int(day_of[i]), int(day_of[j]), size, 15 if hangs else 4):
            plain = strength >= rules.step_factor and record.depths[column] >= 0.2 and not doubtful and not gap
            open_jumps.append((int(day_of[j]), int(stamps[j]), size, _PLAIN if plain else _SURE, gap))
    return [_Change(column, a[0], b[0], (a[1], b[1]), a[2], min(a[3], b[3]))
            for n, a in enumerate(open_jumps) for b in open_jumps[n + 1:n + 7]
            if not (a[4] and b[4]) and 4 <= b[0] - a[0] <= _LONGEST and -2 < b[2] / a[2] < -0.5]


def _moves_again(days: Floats, day: int) -> bool:
    """Whether a sensor rested for a month before a day and not for ten days after it: the season has gone on."""
    early, late = days[max(0, day - 30):day], days[day + 1:day + 11]
    return bool(early.size == 30 and _range(early) < 1e-9 < _range(late))


def _range(days: Floats) -> float:
    known = days[~np.isnan(days)]
    return float(np.ptp(known)) if known.size else 0.0


def _confirmed(record: Record, days: Floats, change: _Change, found: Found, rules: Rules) -> float:
    """The size of a change [K], or 0 where season, trend and neighbours leave it in doubt."""
    near = days[:, _witnesses(record.depths, change.column, found)]
    size, error = level_change(days[:, change.column], near, change.day, change.until)
    sure = bool(abs(size) >= max(rules.step_floor, change.needed * error))
    return size * (sure and 0.5 <= size / change.size <= 1.5)


def _lasts(days: Floats, before: int, after: int, size: float, reach: int) -> bool:
    """A glance at the nearest days on either side, at most `reach` away: it spares most jumps the regression."""
    early, late = days[max(0, before - reach):before], days[after + 1:after + 1 + reach]
    early, late = early[~np.isnan(early)][-4:], late[~np.isnan(late)][:4]
    return bool(early.size and late.size and 0.4 < (late.mean() - early.mean()) / size < 2.5)


def _witnesses(depths: Floats, column: int, found: Found) -> list[int]:
    """The nearest columns above and below a column in the ground, but for those that changed."""
    side = [np.flatnonzero((depths >= 0) & (sign * (depths - depths[column]) > 0)) for sign in (-1, 1)]
    near = [int(k[np.argmin(np.abs(depths[k] - depths[column]))]) for k in side if k.size and depths[column] >= 0]
    return [k for k in near if k not in found]


def _said(changes: list[tuple[int, float]], how: str = "") -> str:
    return "moved by " + " and ".join(f"{size:+.1f} K{how} from {np.array(at, 'M8[us]').astype('M8[m]')} on"
                                      for at, size in sorted(changes))


def _segments(times: Integers, changes: list[tuple[int, float]]) -> tuple[Integers, Floats]:
    """Between which of the changes, in order of time, each moment lies, and the level there: 0 before the first [K]."""
    at, sizes = zip(*changes, strict=True)
    return np.searchsorted(np.array(at), times, side="right"), np.r_[0.0, np.cumsum(sizes)]


def _minor(record: Record, column: int, changes: list[tuple[int, float]],
           right: int | None = None) -> NDArray[np.bool_]:
    """Rows of the levels that differ from the right one: that with most values when none is given."""
    segment, level = _segments(record.times.astype(np.int64), changes)
    there = ~np.isnan(record.values[:, column])
    main = int(np.argmax(np.bincount(segment[there], minlength=level.size))) if right is None else right
    other: NDArray[np.bool_] = there & _unlike(level, main, changes)[segment]
    return other


def _unlike(level: Floats, main: int, changes: list[tuple[int, float]]) -> NDArray[np.bool_]:
    unlike: NDArray[np.bool_] = np.abs(level - level[main]) > min(abs(size) for _, size in changes) / 2
    return unlike


def _wrong_levels(record: Record, near: _Near | None, column: int, changes: list[tuple[int, float]],
                  moments: Moments) -> tuple[NDArray[np.bool_], str]:
    """Rows of a column at wrong levels after changes for good, and why."""
    of_day = [(int(moments[1][moments[0] == at][0]), size) for at, size in changes]
    right, reads = None, ""
    if near is not None:
        right, reads = _nearest_level(near, of_day)
    wrong = _minor(record, column, changes, right)
    there = ~np.isnan(record.values[:, column])
    back = not _unlike(np.array([0.0, sum(size for _, size in changes)]), 0, changes).any()
    if right is None and not back and wrong.sum() >= _FEW * there.sum():
        return there, "all rejected, since nobody can say which level is right"
    side = "at the other levels" if len(changes) > 1 else (
        "after it" if wrong[record.times.astype(np.int64) >= changes[0][0]].any() else "before it")
    return wrong, f"rejected {side}, {reads or 'where fewer of the values lie'}"


def _nearest_level(near: _Near, changes: list[tuple[int, float]]) -> tuple[int | None, str]:
    """
    The level at which a column differs least from its neighbours, and by how much; None where that is in doubt.

    What changed is taken away first, so that the mean over the season is one of the same days for all levels.
    """
    day = np.arange(near.difference.size)
    segment, level = _segments(day, changes)
    left = near.difference - level[segment]
    left[[at for at, _ in changes]] = np.nan
    known = ~np.isnan(left)
    of_season = (day[known] % 365.25).astype(np.int64)
    count = np.bincount(of_season)
    if np.count_nonzero(count) < _WHOLE:
        return None, ""
    natural = float(np.average(left[known], weights=1 / count[of_season]))
    away = np.maximum(0.0, np.maximum(near.low - natural - level, natural + level - near.high))
    best = int(np.argmin(away))
    unlike = np.flatnonzero(_unlike(level, best, changes))
    if not unlike.size:
        return None, ""
    next_ = int(unlike[np.argmin(away[unlike])])
    apart = abs(level[next_] - level[best])
    if away[next_] < 2 * away[best] or away[next_] - away[best] <= max(apart - (near.high - near.low), apart / 2) / 2:
        return None, ""
    return best, f"since it reads {natural + level[next_]:+.1f} K against its neighbours there, else " \
                 f"{natural + level[best]:+.1f} K"


def _difference(depths: Floats, days: Floats, column: int, found: Found) -> _Near | None:
    """
    A column against the nearest that did not change: in the ground those above and below, interpolated in depth, or
    one of them, or the air; in the air the uppermost of the ground.
    """
    own, there = days[:, column], ~np.isnan(days[:, column])
    near = np.array([k for k in range(depths.size) if k != column and k not in found
                     and np.count_nonzero(~np.isnan(days[there, k])) > there.sum() / 2], dtype=np.int64)
    z, ground = depths[column], near[depths[near] >= 0]
    ground = ground[np.argsort(depths[ground], kind="stable")]
    low, high = _SURFACE_OFFSET
    if z < 0:
        return _Near(own - days[:, ground[0]], -high, -low) if ground.size else None
    if z >= 0 and ground.size:
        above, below = ground[depths[ground] <= z], ground[depths[ground] > z]
        upper, lower = (above if above.size else below[:1])[-1], (below if below.size else above[-1:])[0]
        share = (z - depths[upper]) / (depths[lower] - depths[upper]) if upper != lower else 0.0
        return _Near(own - (1 - share) * days[:, upper] - share * days[:, lower], 0.0, 0.0)
    air = near[depths[near] < 0]
    return _Near(own - days[:, air[np.argmax(depths[air])]], low, high) if z >= 0 and air.size else None
