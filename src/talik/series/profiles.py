"""Checks that need days and several depths: order of depths, their sign and unit, zero-curtain drift, snow."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from talik.kernels import calendar, depth_order, profile, quality, years
from talik.records import REJECTED, Flag, Record
from talik.series.days import day_offset
from talik.series.rules import Rules

Floats = NDArray[np.float64]
Flags = NDArray[np.uint16]
Details = dict[tuple[int, Flag], str]

_EXCHANGED = 1.0
"""By how much two exchanged columns must go on better as each other than as themselves, to date it to a sample [K]."""
_LEFT = 0.35
"""Of the variance of two columns' difference, what may be left by an exchange that nothing else bears out."""
_EVIDENCE, _SHORT_EVIDENCE = 0.15, 0.5
"""What `order_evidence` must reach: lowest of 840 clean pairs over years -0.06, of 7,000 over 200 days -0.45."""


def swap_findings(record: Record, flags: Flags, details: Details, days: calendar.Daily) -> bool:
    """
    Flag DEPTH on columns that are each other's from a date on, on the side where their order is wrong.

    The two whose exchange leaves least unexplained come first; the others are judged with these put right.
    True when anything was flagged.
    """
    ground, mean = _by_depth(record.depths, record.depths >= 0), days.mean
    if np.unique(record.depths[ground]).size < ground.size:
        return False
    pairs = list(combinations(ground.tolist(), 2))
    count = len(pairs)
    while (exchanged := _plainest_exchange(record.depths, mean, pairs)) is not None:
        at, side, (upper, lower) = exchanged
        pairs.remove((upper, lower))
        first = _first_stamp(record, flags, upper, lower, days.first + at)
        later = record.times >= first
        for k in (upper, lower):
            _mark(record, flags, details, k, f"from {first.astype('M8[m]')} on, {record.depths[upper]:g} m and "
                  f"{record.depths[lower]:g} m are each other's. Columns swapped?", later if side > 0 else ~later)
        wrong, mean = slice(at, None) if side > 0 else slice(at), mean.copy()
        mean[wrong, [upper, lower]] = mean[wrong, [lower, upper]]
    return len(pairs) < count


def _plainest_exchange(depths: Floats, days: Floats, pairs: list[tuple[int, int]]
                       ) -> tuple[int, int, tuple[int, int]] | None:
    """The day from which on two columns are each other's, 1 or -1 as it or the day before begins the wrong order."""
    found = []
    for columns in pairs:
        places, pair = depths[list(columns)], days[:, columns]
        near = _beyond(depths, days, *places)
        at, left = depth_order.exchange(*pair.T, *(c for c in near if c is not None))
        if at >= 0 and (left < _LEFT or (left < 2 * _LEFT and _turns(pair, near, at))) and (
                side := _wrong_side(places, pair, near, at)):
            found.append((left, at, side, columns))
    return min(found)[1:] if found else None


def _beyond(depths: Floats, days: Floats, upper: float, lower: float) -> tuple[Floats | None, Floats | None]:
    """Daily means of the nearest columns above and below two depths [m]; None where there is none."""
    higher, deeper = np.argsort(-depths, kind="stable"), np.argsort(depths, kind="stable")
    above, below = (next((days[:, k] for k in side if not np.isnan(days[:, k]).all()), None)
                    for side in (higher[depths[higher] < upper], deeper[depths[deeper] > lower]))
    return above, below


def _turns(pair: Floats, near: tuple[Floats | None, Floats | None], at: int) -> bool:
    """Whether what the neighbours tell of the order of two columns is plain before day `at` and after, and opposite."""
    above, below = near
    before, after = (depth_order.order_evidence(
        pair[part], None if above is None else above[part], None if below is None else below[part], least=0.2,
        shortest=60) for part in (slice(at), slice(at, None)))
    return min(abs(before), abs(after)) > _SHORT_EVIDENCE and before * after < 0


def _wrong_side(depths: Floats, pair: Floats, near: tuple[Floats | None, Floats | None], at: int) -> int:
    """1 when two columns are in the wrong order from day `at` on, -1 when before it, 0 when neither is plain."""
    late = (np.arange(pair.shape[0]) >= at)[:, None]
    put_right = np.where(late, pair[:, ::-1], pair)
    evidence = depth_order.order_evidence(put_right, *near)
    if abs(evidence) >= _EVIDENCE:
        return 1 if evidence > 0 else -1
    amplitude = _amplitudes(put_right)
    if not np.abs(np.log(amplitude[0] / amplitude[1])) > 0.05:
        return 0
    side = 1 if amplitude[0] > amplitude[1] else -1
    right = put_right if side > 0 else put_right[:, ::-1]
    return 0 if depth_order.misplaced(depths, right).any() else side


def _first_stamp(record: Record, flags: Flags, upper: int, lower: int, day: int) -> np.datetime64:
    """From when on two columns go on as each other: the plainest sample within two weeks of a day, or else that day."""
    us = record.times.astype(np.int64)
    rows = np.flatnonzero(np.abs(us - day * calendar.DAY_US) <= 14 * calendar.DAY_US)
    rows = rows[np.argsort(us[rows], kind="stable")]
    pair = np.where(flags & np.uint16(int(REJECTED)), np.nan, record.values)[rows][:, [upper, lower]]
    known = ~np.isnan(pair).any(axis=1)
    rows, pair = rows[known], pair[known]
    midnight = np.datetime64(day * calendar.DAY_US - round(day_offset(record) * 3.6e9), "us")
    if rows.size < 2:
        return midnight
    best, gain = depth_order.exchanged_sample(*pair.T)
    stamp: np.datetime64 = record.times[rows[best]]
    return stamp if gain > _EXCHANGED else midnight


def depth_findings(record: Record, flags: Flags, details: Details, rules: Rules, days: Floats) -> None:
    """
    Flag DEPTH on columns whose annual wave contradicts their depth, or all of them when sign or unit must be wrong.

    Needs the better part of a year; in shorter records, from five months on, the spread of neighbours tells. Depths
    that are not known are not judged, nor is the order of columns that share a depth: several profiles stand side by
    side there, and each has its own damping.

    Parameters
    ----------
    days : ndarray, shape (days, m)
        Daily means of what no flag rejects [°C].
    """
    days = _with_rests(record, flags, days)
    enough = np.count_nonzero(~np.isnan(days), axis=0) >= 300
    if not enough.any():
        _short_findings(record, flags, details, days)
        return
    ground = _by_depth(record.depths, enough & (record.depths >= 0))
    if np.unique(record.depths[ground]).size == ground.size > 1:
        wrong = _misplaced(record.depths[ground], days[:, ground], rules)
        for k in ground[wrong]:
            _mark(record, flags, details, int(k), "the annual wave does not fall and lag as it should between its "
                  "neighbours. Columns swapped?")
        _exchanged_pairs(record, flags, details, ground[~wrong], days, _EVIDENCE)
        _unit(record, flags, details, rules, ground, days)
    above = _by_depth(-record.depths, enough & (record.depths < 0))
    heights = -record.depths[above]
    if np.unique(heights).size == above.size > 2 and _dies_out(days[:, above]) and not _misplaced(
            heights, days[:, above], rules).any():
        for k in above:
            _mark(record, flags, details, int(k),
                  "the annual wave dies out and lags with height: depths with the wrong sign?")


def _with_rests(record: Record, flags: Flags, days: Floats) -> Floats:
    """
    The days with those of columns that look stuck, but at one digit after the other: a deep sensor in another's place.

    It rests while the sensor that is taken for the next below moves.
    """
    flat = flags & np.uint16(int(REJECTED)) == int(Flag.FLAT)
    for k in np.flatnonzero(np.count_nonzero(flat, axis=0) > 0.2 * record.times.size):
        if np.unique(record.values[flat[:, k], k]).size >= 3:
            one = slice(k, k + 1)
            alone = replace(record, depths=record.depths[one], values=record.values[:, one], flags=record.flags[:, one],
                            labels=record.labels[one], others={})
            days = days.copy()
            days[:, k] = whole_days(alone, np.where(flat[:, one], np.uint16(0), flags[:, one])).mean[:, 0]
    return days


def _exchanged_pairs(record: Record, flags: Flags, details: Details, ground: NDArray[np.int64], days: Floats,
                     evidence: float) -> None:
    """Flag neighbours in the ground whose order the columns beyond them contradict."""
    known = np.union1d(ground, np.flatnonzero(record.depths < 0))
    for upper, lower in pairwise(ground.tolist()):
        if _evidence(record, days, known, upper, lower, evidence) < -evidence:
            for k in (upper, lower):
                _mark(record, flags, details, k, f"between {record.depths[upper]:g} m and {record.depths[lower]:g} m "
                      "heat would flow against what their neighbours say. Columns swapped?")


def _evidence(record: Record, days: Floats, known: NDArray[np.int64], upper: int, lower: int, asked: float) -> float:
    near = _beyond(record.depths[known], days[:, known], record.depths[upper], record.depths[lower])
    least = max(0.1 if asked < _SHORT_EVIDENCE else 0.2,
                *(quality.digit(record.values[:, k]) / 2 for k in (upper, lower)))
    return depth_order.order_evidence(days[:, [upper, lower]], *near, least=least, shortest=120)


def untold_order(record: Record, days: Floats) -> dict[int, str]:
    """Columns in the ground whose order nobody could tell, since exchanged they would look as likely; and why."""
    count = np.count_nonzero(~np.isnan(days), axis=0)
    ground = _by_depth(record.depths, (record.depths >= 0) & (count >= 120))
    evidence = _EVIDENCE if (count >= 300).any() else _SHORT_EVIDENCE
    untold: dict[int, str] = {}
    for upper, lower in pairwise(ground.tolist()):
        told = abs(_evidence(record, days, np.flatnonzero(count > 0), upper, lower, evidence)) >= evidence
        if not told and evidence == _EVIDENCE:
            told = bool(depth_order.misplaced(record.depths[[upper, lower]], days[:, [lower, upper]]).any())
        elif not told:
            told = depth_order.short_contradiction(days[:, lower], days[:, upper], least=0.2)
        if not told:
            for k, other in ((upper, lower), (lower, upper)):
                untold.setdefault(k, f"reads too nearly as {record.labels[other]} to tell them apart")
    return untold


def _short_findings(record: Record, flags: Flags, details: Details, days: Floats) -> None:
    ground = _by_depth(record.depths, (record.depths >= 0) & (~np.isnan(days)).any(axis=0))
    if np.unique(record.depths[ground]).size < ground.size:
        return
    least = [max(0.2, quality.digit(record.values[:, k])) for k in ground]
    against = np.zeros((ground.size, ground.size), dtype=bool)
    for i, j in combinations(range(ground.size), 2):
        against[i, j] = against[j, i] = depth_order.short_contradiction(
            days[:, ground[i]], days[:, ground[j]], least=max(least[i], least[j]))
    wrong = depth_order.most_blamed(against)
    for k in ground[wrong]:
        _mark(record, flags, details, int(k), f"over months and weeks {record.depths[k]:g} m moves more than columns "
              "above it, or less than those below. Columns swapped?")
    _exchanged_pairs(record, flags, details, ground[~wrong], days, _SHORT_EVIDENCE)


def _by_depth(depths: Floats, which: NDArray[np.bool_]) -> NDArray[np.int64]:
    columns = np.flatnonzero(which)
    return columns[np.argsort(depths[columns], kind="stable")]


def _misplaced(depths: Floats, days: Floats, rules: Rules) -> NDArray[np.bool_]:
    return depth_order.misplaced(depths, days, growth=rules.depth_slack, lead=rules.lag_slack)


def _amplitudes(days: Floats) -> Floats:
    return profile.annual_wave(np.arange(float(days.shape[0])), days, harmonics=2)[1]


def _dies_out(days: Floats) -> bool:
    amplitude = _amplitudes(days)
    return bool(amplitude[-1] < 0.8 * amplitude[0])


def _unit(record: Record, flags: Flags, details: Details, rules: Rules, columns: NDArray[np.int64],
          days: Floats) -> None:
    implied = depth_order.damping_diffusivity(record.depths[columns], _amplitudes(days[:, columns]))
    low, high = rules.diffusivity
    if np.isnan(implied) or low <= implied <= high:
        return
    hint = "centimetres or millimetres taken for metres" if implied > high else "metres taken for centimetres"
    for k in columns:
        _mark(record, flags, details, int(k), f"the damping implies a thermal diffusivity of {implied:.0e} m2 s-1, "
              f"expected {low:.0e} to {high:.0e}: are the depths {hint}?")


def _mark(record: Record, flags: Flags, details: Details, column: int, detail: str,
          rows: NDArray[np.bool_] | bool = True) -> None:
    flags[~np.isnan(record.values[:, column]) & rows, column] |= np.uint16(int(Flag.DEPTH))
    details.setdefault((column, Flag.DEPTH), detail)


def drift_findings(record: Record, flags: Flags, details: Details, rules: Rules,
                   days: calendar.Daily) -> tuple[Floats, str]:
    """
    Flag DRIFT in the years in which a column's zero curtain lies off 0 °C; subtract it where the rules ask for that.

    A rest between the temperatures of the sensors above and below is no evidence: while one of them has its zero
    curtain, a gradient stands still, and so does whatever lies in it.

    Returns
    -------
    values : ndarray
        The record's, or the corrected ones.
    note : str
        For the record's history: what was subtracted.
    """
    values, notes = record.values, []
    if not days.mean.shape[0]:
        return values, ""
    # from July to June the freeze-back of either hemisphere lies within one window
    where = years.windows(days.first, days.mean.shape[0], month=7)
    grid = where.padded(days.mean)
    begin = where.start.astype("M8[us]").astype(np.int64) - round(day_offset(record) * 3.6e9)
    window = np.searchsorted(begin, record.times.astype(np.int64), side="right") - 1
    levels = curtain_levels(record, days)
    for k in np.flatnonzero(record.depths >= 0):
        digit = quality.digit(record.values[:, k])
        level = levels[k]
        off = np.abs(level) > rules.drift + digit / 2
        if off.any():
            own, near = (np.split(part, where.year_row[1:]) for part in
                         (grid[:, k], grid[:, _neighbours(record.depths, int(k))]))
            off &= ~np.array([_conducted(*year, digit) for year in zip(own, near, level.tolist(), strict=True)])
        if not off.any():
            continue
        shown = ", ".join(f"{y}: {v:+.2f}" for y, v, o in zip(where.label, level, off, strict=True) if o)
        details[int(k), Flag.DRIFT] = f"zero curtain at [°C, by July-June year] {shown}"
        flags[off[window] & ~np.isnan(record.values[:, k]), k] |= np.uint16(int(Flag.DRIFT))
        if rules.correct_drift:
            known = ~np.isnan(level)
            middle = (begin + where.days * calendar.DAY_US // 2)[known]
            shift = np.interp(record.times.astype(np.int64), middle, level[known])
            values = values.copy() if values is record.values else values
            values[:, k] -= shift
            flags[~np.isnan(values[:, k]), k] |= np.uint16(int(Flag.CORRECTED))
            notes.append(f"{record.labels[k]} by its zero curtain: {shift.min():+.3f} to {shift.max():+.3f} K less")
    return values, f"; corrected {'; '.join(notes)}" if notes else ""


def curtain_levels(record: Record, days: calendar.Daily) -> list[Floats]:
    """Where each column's zero curtain lies, by July-June year [°C]; NaN in years without, and in air."""
    if not days.mean.shape[0]:
        return [np.full(1, np.nan)] * record.depths.size
    where = years.windows(days.first, days.mean.shape[0], month=7)
    grid = where.padded(days.mean)
    return [_curtains(np.split(grid[:, k], where.year_row[1:]), quality.digit(record.values[:, k])) if depth >= 0
            else np.full(1, np.nan) for k, depth in enumerate(record.depths)]


def _neighbours(depths: Floats, column: int) -> list[int]:
    """The nearest columns in the ground above and below a column, where there are both; else none."""
    sides = [np.flatnonzero((depths >= 0) & (sign * (depths - depths[column]) > 0)) for sign in (-1, 1)]
    near = [int(k[np.argmin(np.abs(depths[k] - depths[column]))]) for k in sides if k.size]
    return near if len(near) == 2 else []


def _conducted(days: Floats, near: Floats, level: float, digit: float) -> bool:
    """Whether a rest lies between what the sensors above and below read meanwhile: a gradient that stands still."""
    if np.isnan(level) or not near.shape[1]:
        return False
    meanwhile = near[np.abs(days - level) <= 0.1 + digit / 2]
    if np.isnan(meanwhile).all(axis=0).any():
        return False
    low, high = np.sort(np.nanmedian(meanwhile, axis=0))
    return bool(low < level < high)


def _curtains(years: list[Floats], digit: float) -> Floats:
    """Where each year's zero curtain lies, followed from the year in which it is nearest to 0 °C."""
    level = np.array([quality.zero_curtain_level(year, digit=digit)[0] for year in years])
    if np.isnan(level).all():
        return level
    nearest = int(np.nanargmin(np.abs(level)))
    for way in (range(nearest + 1, len(years)), range(nearest - 1, -1, -1)):
        last = level[nearest]
        for i in way:
            if abs(last) > 0.3:
                level[i] = quality.zero_curtain_level(years[i], digit=digit, centre=last)[0]
            last = last if np.isnan(level[i]) else level[i]
    return level


def snow_flags(record: Record, flags: Flags) -> None:
    """Flag SNOW on days on which a column down to 10 cm is damped as only snow does; needs 6 samples a day."""
    values = np.where(flags & np.uint16(int(REJECTED)), np.nan, record.values)
    for k in np.flatnonzero((record.depths >= 0) & (record.depths <= 0.1)):
        own = np.flatnonzero(~np.isnan(values[:, k]))
        day, low, high, spread = calendar.daily_spread(record.times[own], values[own, k], least=6,
                                                       offset_hours=day_offset(record))
        if not day.size:
            continue
        covered = day[quality.snow_days(low, high, spread)]
        of_row = calendar.day_numbers(record.times[own], day_offset(record))
        flags[own[np.isin(of_row, covered)], k] |= np.uint16(int(Flag.SNOW))


def whole_days(record: Record, flags: Flags) -> calendar.Daily:
    """Daily means of what no flag rejects, of days that have four fifths of their samples."""
    values = np.where(flags & np.uint16(int(REJECTED)), np.nan, record.values)
    return calendar.daily(record.times, values, offset_hours=day_offset(record)).whole(0.8)
