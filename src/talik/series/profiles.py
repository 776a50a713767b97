"""Checks that need days and several depths: order of depths, their sign and unit, zero-curtain drift, snow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.kernels import calendar, profile, quality, years
from talik.records import REJECTED, Flag, Record
from talik.series.days import day_offset
from talik.series.rules import Rules

Floats = NDArray[np.float64]
Flags = NDArray[np.uint16]
Details = dict[tuple[int, Flag], str]


def depth_findings(record: Record, flags: Flags, details: Details, rules: Rules) -> None:
    """
    Flag DEPTH on columns whose annual wave contradicts their depth, or all of them when sign or unit must be wrong.

    Needs the better part of a year. Depths that are not known are not judged, nor is the order of columns that
    share a depth: several profiles stand side by side there, and each has its own damping.
    """
    days = _days(record, flags).mean
    enough = np.count_nonzero(~np.isnan(days), axis=0) >= 300
    if not enough.any():
        return
    ground = _by_depth(record.depths, enough & (record.depths >= 0))
    if np.unique(record.depths[ground]).size == ground.size > 1:
        for k in ground[_misplaced(record.depths[ground], days[:, ground], rules)]:
            _mark(record, flags, details, int(k), f"the annual wave at {record.depths[k]:g} m does not fall and lag "
                  "as it should between its neighbours. Columns swapped?")
        _unit(record, flags, details, rules, ground, days)
    above = _by_depth(-record.depths, enough & (record.depths < 0))
    heights = -record.depths[above]
    if np.unique(heights).size == above.size > 2 and _dies_out(days[:, above]) and not _misplaced(
            heights, days[:, above], rules).any():
        for k in above:
            _mark(record, flags, details, int(k),
                  "the annual wave dies out and lags with height: depths with the wrong sign?")


def _by_depth(depths: Floats, which: NDArray[np.bool_]) -> NDArray[np.int64]:
    columns = np.flatnonzero(which)
    return columns[np.argsort(depths[columns], kind="stable")]


def _misplaced(depths: Floats, days: Floats, rules: Rules) -> NDArray[np.bool_]:
    return quality.misplaced(depths, days, growth=rules.depth_slack, lead=rules.lag_slack)


def _amplitudes(days: Floats) -> Floats:
    return profile.annual_wave(np.arange(float(days.shape[0])), days, harmonics=2)[1]


def _dies_out(days: Floats) -> bool:
    amplitude = _amplitudes(days)
    return bool(amplitude[-1] < 0.8 * amplitude[0])


def _unit(record: Record, flags: Flags, details: Details, rules: Rules, columns: NDArray[np.int64],
          days: Floats) -> None:
    implied = quality.damping_diffusivity(record.depths[columns], _amplitudes(days[:, columns]))
    low, high = rules.diffusivity
    if np.isnan(implied) or low <= implied <= high:
        return
    hint = "centimetres or millimetres taken for metres" if implied > high else "metres taken for centimetres"
    for k in columns:
        _mark(record, flags, details, int(k), f"the damping implies a thermal diffusivity of {implied:.0e} m2 s-1, "
              f"expected {low:.0e} to {high:.0e}: are the depths {hint}?")


def _mark(record: Record, flags: Flags, details: Details, column: int, detail: str) -> None:
    flags[~np.isnan(record.values[:, column]), column] |= np.uint16(int(Flag.DEPTH))
    details.setdefault((column, Flag.DEPTH), detail)


def drift_findings(record: Record, flags: Flags, details: Details, rules: Rules) -> tuple[Floats, str]:
    """
    Flag DRIFT in the years in which a column's zero curtain lies off 0 °C; subtract it where the rules ask for that.

    Returns
    -------
    values : ndarray
        The record's, or the corrected ones.
    note : str
        For the record's history: what was subtracted.
    """
    days = _days(record, flags)
    values, notes = record.values, []
    if not days.mean.shape[0]:
        return values, ""
    # from July to June the freeze-back of either hemisphere lies within one window
    where = years.windows(days.first, days.mean.shape[0], month=7)
    grid = where.padded(days.mean)
    begin = where.start.astype("M8[us]").astype(np.int64) - round(day_offset(record) * 3.6e9)
    window = np.searchsorted(begin, record.times.astype(np.int64), side="right") - 1
    for k in np.flatnonzero(record.depths >= 0):
        level = np.array([quality.zero_curtain_level(year)[0] for year in np.split(grid[:, k], where.year_row[1:])])
        off = np.abs(level) > rules.drift
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


def _days(record: Record, flags: Flags) -> calendar.Daily:
    values = np.where(flags & np.uint16(int(REJECTED)), np.nan, record.values)
    return calendar.daily(record.times, values, offset_hours=day_offset(record)).whole(0.8)
