"""Levels that change for good: which open jumps last, once season and neighbours are accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talik.kernels import calendar
from talik.kernels.jumps import level_change, thawing
from talik.kernels.quality import rare_change
from talik.records import Flag, Record
from talik.series.days import day_offset
from talik.series.rules import Rules

Floats = NDArray[np.float64]
Flags = NDArray[np.uint16]
Integers = NDArray[np.int64]

_SURE, _PLAIN, _UNHEARD_OF, _ACROSS_A_GAP, _LONGEST = 8.0, 2.5, 0.5, 8.0, 400
"""How many standard errors a change of level must have: usually; where the jump alone stands far out; where the ground
cannot jump so; across a gap. And the most days from a jump to the jump back."""


@dataclass(frozen=True, slots=True)
class Jumps:
    """Jumps of a column: the rows of the record before and after each, and by how many times it exceeds the usual."""

    before: Integers
    after: Integers
    strength: Floats


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of level at `day`, or from `day` until `until`; `stamps` where it begins and ends."""

    column: int
    day: int
    until: int | None
    stamps: tuple[int, ...]
    size: float
    needed: float
    gap: bool


def level_findings(record: Record, flags: Flags, days: calendar.Daily, jumps: Mapping[int, Jumps],
                   rules: Rules) -> bool:
    """
    Flag STEP where open jumps lead to another level, for good or until a jump back; True when anything was flagged.

    A jump between neighbouring samples counts when the level changes by about as much (half to one and a half
    times), beyond what season, trend and neighbours explain. A change across a gap counts where three sensors stand
    in the ground, and only for the sensor that changes most: the others are its witnesses. Flagged are the levels
    that have fewer values than the one with most. What several sensors do at once is melt water, or the whole logger.
    """
    stamps = record.times.astype(np.int64)
    day_of = calendar.day_numbers(record.times, day_offset(record)) - days.first
    step = calendar.sampling_step(np.sort(record.times)) * 1e6
    found: dict[int, list[tuple[int, float]]] = {}
    suspects: list[tuple[bool, float, int, _Change]] = []
    for column, own in jumps.items():
        for change in _changes(record, flags, days.mean, column, own, stamps, day_of, step, rules):
            size = _confirmed(record, days.mean, change, found, rules)
            if size:
                suspects.append((change.gap, -abs(size), len(suspects), change))
    shared = Counter((change.stamps, change.size > 0) for *_, change in suspects)
    for *_, change in sorted(suspects, key=lambda s: s[:3]):
        if shared[change.stamps, change.size > 0] > 1 and not change.gap:
            continue
        size = _confirmed(record, days.mean, change, found, rules)
        taken = [at for at, _ in found.get(change.column, [])]
        if size and not set(change.stamps) & set(taken):
            sizes = (size, -size)[:len(change.stamps)]
            found.setdefault(change.column, []).extend(zip(change.stamps, sizes, strict=True))
    for column, changes in found.items():
        flags[_minor(record, flags, column, changes), column] |= np.uint16(int(Flag.STEP))
    return bool(found)


def _changes(record: Record, flags: Flags, days: Floats, column: int, own: Jumps, stamps: Integers, day_of: Integers,
             step: float, rules: Rules) -> list[_Change]:
    """What the open jumps of a column may be: there and back in pairs, and for good."""
    open_jumps = []
    known = record.values[~np.isnan(record.values[:, column]), column]
    unheard_of = max(2 * rules.step_floor, 5 * rare_change(np.abs(np.diff(known))))
    for i, j, strength in zip(own.before.tolist(), own.after.tolist(), own.strength.tolist(), strict=True):
        size = float(record.values[j, column] - record.values[i, column])
        hangs = (flags[i, column] | flags[j, column]) & np.uint16(int(Flag.FLAT))
        gap = bool(stamps[j] - stamps[i] > 2.5 * step)
        doubtful = (bool(hangs) or _moves_again(days[:, column], int(day_of[j]))
                    or thawing(float(record.values[i, column]), size))
        if not (gap and doubtful) and _lasts(days[:, column], int(day_of[i]), int(day_of[j]), size, 15 if hangs else 4):
            plain = strength >= rules.step_factor and record.depths[column] >= 0.2 and not doubtful
            needed = _ACROSS_A_GAP if gap else _PLAIN if plain else _SURE
            if needed == _PLAIN and record.depths[column] >= 0.3 and abs(size) >= unheard_of:
                needed = _UNHEARD_OF
            open_jumps.append(_Change(column, int(day_of[j]), None, (int(stamps[j]),), size, needed, gap))
    pairs = [_Change(column, a.day, b.day, a.stamps + b.stamps, a.size, max(min(a.needed, b.needed), _PLAIN),
                     False)
             for n, a in enumerate(open_jumps) for b in open_jumps[n + 1:n + 7]
             if not (a.gap and b.gap) and 4 <= b.day - a.day <= _LONGEST and -2 < b.size / a.size < -0.5]
    return [*pairs, *open_jumps]


def _moves_again(days: Floats, day: int) -> bool:
    """Whether a sensor rested for a month before a day and not for ten days after it: the season has gone on."""
    early, late = days[max(0, day - 30):day], days[day + 1:day + 11]
    return bool(early.size == 30 and _range(early) < 1e-9 < _range(late))


def _range(days: Floats) -> float:
    known = days[~np.isnan(days)]
    return float(np.ptp(known)) if known.size else 0.0


def _confirmed(record: Record, days: Floats, change: _Change, found: Mapping[int, object], rules: Rules) -> float:
    """The size of a change [K], or 0 where season, trend and neighbours leave it in doubt."""
    size, error = _level_change(record, days, change, found)
    least = 1.5 * rules.step_floor if change.gap else rules.step_floor
    sure = bool(abs(size) >= max(least, change.needed * error))
    if change.gap:
        return size * (sure and record.depths[change.column] >= 0 and np.count_nonzero(record.depths >= 0) >= 3)
    return size * (sure and 0.5 <= size / change.size <= 1.5)


def _lasts(days: Floats, before: int, after: int, size: float, reach: int) -> bool:
    """A glance at the nearest days on either side, at most `reach` away: it spares most jumps the regression."""
    early, late = days[max(0, before - reach):before], days[after + 1:after + 1 + reach]
    early, late = early[~np.isnan(early)][-4:], late[~np.isnan(late)][:4]
    return bool(early.size and late.size and 0.4 < (late.mean() - early.mean()) / size < 2.5)


def _level_change(record: Record, days: Floats, change: _Change, found: Mapping[int, object]) -> tuple[float, float]:
    """The change of a level, with the nearest columns above and below as witnesses, but for those that changed."""
    depths, column = record.depths, change.column
    side = [np.flatnonzero((depths >= 0) & (sign * (depths - depths[column]) > 0)) for sign in (-1, 1)]
    near = [int(k[np.argmin(np.abs(depths[k] - depths[column]))]) for k in side if k.size and depths[column] >= 0]
    return level_change(days[:, column], days[:, [k for k in near if k not in found]], change.day, change.until)


def _minor(record: Record, flags: Flags, column: int, changes: list[tuple[int, float]]) -> NDArray[np.bool_]:
    """Rows of the levels that differ from the one with most values."""
    times, sizes = np.array(sorted(changes), dtype=np.float64).T
    level = np.r_[0.0, np.cumsum(sizes)]
    segment = np.searchsorted(times, record.times.astype(np.int64).astype(np.float64), side="right")
    there = ~np.isnan(record.values[:, column])
    main = int(np.argmax(np.bincount(segment[there], minlength=level.size)))
    other: NDArray[np.bool_] = there & (np.abs(level - level[main]) > np.abs(sizes).min() / 2)[segment]
    return other
