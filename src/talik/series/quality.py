"""The quality check: flags on single values, set by rules that are written down, logged, and replayable."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from talik.kernels import quality
from talik.kernels.calendar import sampling_step
from talik.kernels.jumps import steps
from talik.records import REJECTED, Flag, Record
from talik.results import Result
from talik.series.judged import judged
from talik.series.levels import Jumps, level_findings
from talik.series.profiles import depth_findings, drift_findings, snow_flags, swap_findings, whole_days
from talik.series.replay import log_of
from talik.series.rules import CHECKS, Rules
from talik.series.tables import long_table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["CHECKS", "Checked", "Rules", "check", "checked_once"]

Flags = NDArray[np.uint16]
Details = dict[tuple[int, Flag], str]


@dataclass(frozen=True, slots=True, eq=False)
class Checked(Result):
    """
    What the check found.

    Parameters
    ----------
    record : Record
        The record with its flags set; the values are as they were, unless drift was corrected.
        `record.accepted()` leaves the rejected ones out.
    log : polars.DataFrame
        Every run of flagged rows, for reading and for `talik.series.replay.replay`.
    settings, data_hash
        The rules, and the hash of times and values that were checked.
    """

    figure: ClassVar[str] = "talik.figures.series:flagged_series"
    record: Record
    log: pl.DataFrame = field(repr=False)
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row for each column and flag: how many values carry it, their share, whether it rejects them."""
        import polars as pl

        n = max(self.record.times.size, 1)
        rows = [{"site": self.record.site, "label": self.record.labels[k], "depth": float(self.record.depths[k]),
                 "flag": flag.name, "n": int(count), "share": count / n, "rejects": bool(flag & REJECTED)}
                for flag in Flag for k, count in enumerate(self.count(flag)) if count]
        kinds = {"site": pl.String, "label": pl.String, "depth": pl.Float64, "flag": pl.String, "n": pl.Int64,
                 "share": pl.Float64, "rejects": pl.Boolean}
        return pl.DataFrame(rows, schema=kinds).with_columns(pl.col("depth").fill_nan(None))

    def count(self, flag: Flag) -> NDArray[np.int64]:
        """Values under a flag, column by column."""
        under: NDArray[np.int64] = np.count_nonzero(self.record.flags & np.uint16(int(flag)), axis=0)
        return under

    def judged(self) -> pl.DataFrame:
        """
        One row for each column and check: whether it could be judged, and if not, the reason.

        For steps with the smallest change for good that would have been found [K].
        """
        return judged(self.record, Rules(**self.settings))

    def plot(self, ax: Any = None, **style: Any) -> Any:
        """Draw the series with what was rejected on top; returns the axes."""
        from importlib import import_module

        module, _, name = self.figure.partition(":")
        return getattr(import_module(module), name)(long_table(self.record), ax=ax, **style)

    def __str__(self) -> str:
        there = int((self.record.flags & np.uint16(int(Flag.MISSING)) == 0).sum())
        rejected = np.uint16(int(REJECTED & ~Flag.MISSING))
        bad = int(np.count_nonzero(self.record.flags & rejected))
        parts = [f"{int(self.count(f).sum())} {f.name}" for f in Flag if f is not Flag.MISSING and self.count(f).any()]
        share = f"{bad / there:.2%}".replace("%", " %") if there else "none"
        found = f": {', '.join(parts)}" if parts else ""
        moved = self.log.filter((self.log["flag"] == "STEP") & (self.log["detail"] != "")).select("label", "detail")
        found += "".join(f"; {label} {detail}" for label, detail in moved.unique(maintain_order=True).iter_rows())
        return f"{self.record.site}: {bad} of {there} values rejected ({share}){found}"


def check(record: Record, *, rules: Rules | None = None) -> Checked:
    """
    Check a record: sentinels, ranges, stamps, stuck sensors, spikes, steps, depths, zero-curtain drift, snow.

    Nothing is deleted: every finding is a flag on a value and a line in the log. Flags the record has already stay.

    Parameters
    ----------
    record : Record
        As it was read.
    rules : Rules, optional
        What to look for.

    Returns
    -------
    Checked

    Notes
    -----
    Repeated stamps: of copies that agree the first stays, the others are flagged DUPLICATE; copies that disagree
    are all flagged, since nobody can say which is right. Rows out of order are flagged UNSORTED, which rejects
    nothing. Rows under a reset clock are flagged CLOCK, as is the first row after the sampling grid shifts.

    Examples
    --------
    >>> t = np.arange("2020-06-01", "2020-09-01", dtype="M8[h]")
    >>> x = 5 + 3 * np.sin(np.arange(t.size) / 24 * 2 * np.pi)
    >>> x[500:992] = -39.98
    >>> print(check(Record("Barrow", t, [0.05], x[:, None])))
    Barrow: 492 of 2208 values rejected (22.28 %): 492 STEP, 492 FLAT
    """
    chosen = rules or Rules()
    flags = record.flags.copy()
    details: Details = {}
    for name in ("sentinel", "range", "stamps"):
        if name in chosen.checks:
            _SIMPLE[name](record, flags, chosen)
    order = np.argsort(record.times, kind="stable")
    if "spike" in chosen.checks:
        _along_time("spike", record, flags, flags, order, chosen)
    unspiked = flags.copy()         # a stuck stretch is the best sight of a step, so neither hides from the other
    if "flat" in chosen.checks:
        _along_time("flat", record, unspiked, flags, order, chosen)
    days = whole_days(record, flags)
    if "depth" in chosen.checks and swap_findings(record, flags, details, days):
        days = whole_days(record, flags)
    if "step" in chosen.checks:
        jumps = _along_time("step", record, unspiked | flags & np.uint16(int(Flag.DEPTH)), flags, order, chosen)
        if (flags & np.uint16(int(Flag.STEP))).any():
            days = whole_days(record, flags)
        if level_findings(record, flags, details, days, jumps, chosen):
            days = whole_days(record, flags)
    values, corrected = record.values, ""
    if "depth" in chosen.checks:
        depth_findings(record, flags, details, chosen, days.mean)
    if "drift" in chosen.checks:
        values, corrected = drift_findings(record, flags, details, chosen, days)
    if "snow" in chosen.checks:
        snow_flags(record, flags)
    moved = "".join(f"; {record.labels[k]} {said}" for (k, flag), said in details.items() if flag is Flag.STEP)
    marked = record.with_values(values, flags, note=f"checked by {len(chosen.checks)} rules{corrected}{moved}")
    digest = hashlib.sha256(record.times.tobytes() + record.depths.tobytes() + record.values.tobytes()).hexdigest()
    new = flags & ~(record.flags & np.uint16(int(Flag.MISSING | Flag.SOURCE)))
    return Checked(marked, log_of(record, new, details), asdict(chosen), digest)


def checked_once(record: Record, rules: Rules | None = None) -> Record:
    """The record itself if it was checked before and no rules are given, else the checked one."""
    if rules is None and any(note.startswith("checked") for note in record.history):
        return record
    return check(record, rules=rules).record


def _sentinel(record: Record, flags: Flags, rules: Rules) -> None:
    known = [*((value, Flag.SENTINEL) for value in rules.sentinels),
             *((value, Flag.SATURATED) for value in rules.saturated)]
    least = min((abs(value) for value, _ in known), default=np.inf) * (1 - 1e-6)
    rows, columns = np.nonzero(np.abs(record.values) >= least)
    suspect = record.values[rows, columns]
    for value, flag in known:
        hit = np.abs(suspect - value) <= 1e-6 * abs(value)
        flags[rows[hit], columns[hit]] |= np.uint16(int(flag))


def _range(record: Record, flags: Flags, rules: Rules) -> None:
    widest = (min(rules.air[0], rules.surface[0]), max(rules.air[1], rules.surface[1]))
    for k, depth in enumerate(record.depths):
        low, high = (widest if np.isnan(depth) else rules.air if depth < 0 else
                     rules.surface if depth <= 0.05 else rules.ground)
        with np.errstate(invalid="ignore"):
            outside = (record.values[:, k] < low) | (record.values[:, k] > high)
        known = flags[:, k] & np.uint16(int(Flag.SENTINEL | Flag.SATURATED))
        flags[outside & (known == 0), k] |= np.uint16(int(Flag.RANGE))


def _stamps(record: Record, flags: Flags, rules: Rules) -> None:
    us = record.times.astype(np.int64)
    if us.size < 2:
        return
    latest = np.maximum.accumulate(us)
    flags[np.r_[False, us[1:] < latest[:-1]]] |= np.uint16(int(Flag.UNSORTED))
    flags[quality.clock_faults(us)] |= np.uint16(int(Flag.CLOCK))
    order = np.argsort(us, kind="stable")
    _duplicates(record, flags, order)
    _shifted_grid(us, flags, order)


def _duplicates(record: Record, flags: Flags, order: NDArray[np.int64]) -> None:
    us = record.times.astype(np.int64)[order]
    start = np.flatnonzero(np.r_[True, np.diff(us) > 0])
    if start.size == us.size:
        return
    values = _left(record, flags)[order]
    size = np.diff(np.r_[start, us.size])
    low, high = np.fmin.reduceat(values, start, axis=0), np.fmax.reduceat(values, start, axis=0)
    conflict = np.repeat(low != high, size, axis=0)
    earlier = (~np.isnan(values)).cumsum(axis=0)
    before = np.repeat(earlier[start] - ~np.isnan(values[start]), size, axis=0)
    again = earlier - before > 1                    # a copy with a value came before this one
    repeated = np.repeat(size > 1, size)[:, None] & ~np.isnan(values) & (conflict | again)
    marked = np.zeros(flags.shape, dtype=bool)
    marked[order] = repeated
    flags[marked] |= np.uint16(int(Flag.DUPLICATE))


def _shifted_grid(us: NDArray[np.int64], flags: Flags, order: NDArray[np.int64]) -> None:
    """The first row after the sampling grid moves against the one before, and stays moved for a day's samples."""
    stamps = us[order]
    step = sampling_step(stamps.astype("M8[us]")) * 1e6
    if not step >= 60e6 or step > 86_400e6:
        return
    moved, steadily = np.mod(np.diff(stamps), step), min(0.05 * step, 300e6)
    slip = np.minimum(moved, step - moved) > steadily
    per_day = max(int(86_400e6 / step), 2)
    for i in np.flatnonzero(slip) + 1:
        steady = np.abs(np.diff(stamps[i:i + per_day]) - step) <= steadily
        if steady.size >= per_day - 1 and steady.all() and i >= per_day and (
                np.abs(np.diff(stamps[i - per_day:i]) - step) <= steadily).all():
            flags[order[i]] |= np.uint16(int(Flag.CLOCK))


_SIMPLE = {"sentinel": _sentinel, "range": _range, "stamps": _stamps}


def _left(record: Record, flags: Flags) -> NDArray[np.float64]:
    """Values that no rejecting flag is on."""
    return np.where(flags & np.uint16(int(REJECTED)), np.nan, record.values)


def _next_below(depths: NDArray[np.float64], column: int) -> int | None:
    """The nearest column in the ground below a column; None where there is none."""
    deeper = np.flatnonzero((depths >= 0) & (depths > depths[column]))
    return int(deeper[np.argmin(depths[deeper])]) if deeper.size else None


def _along_time(name: str, record: Record, known: Flags, flags: Flags, order: NDArray[np.int64],
                rules: Rules) -> dict[int, Jumps]:
    """Add what one check finds in every column to `flags`, from the values that `known` leaves; the open jumps."""
    jumps = {}
    values = np.asfortranarray(_left(record, known)[order])
    stamps = record.times[order]
    us: NDArray[np.int64] = stamps.astype(np.int64)
    for k in range(values.shape[1]):
        rows = np.flatnonzero(~np.isnan(values[:, k]))
        step = sampling_step(stamps[rows])
        if rows.size < 12 or not step > 0:
            continue
        x, block = values[rows, k], max(30, int(10 * 86400 / step))
        follows = np.r_[False, np.diff(us[rows]) <= 2.5e6 * step]
        shortest = max(rules.flat_samples, int(np.ceil(rules.flat_days * 86400 / step)))
        if name == "flat":
            deeper = _next_below(record.depths, k)
            marked = quality.stuck(x, follows, shortest=shortest, floor=rules.spike_floor,
                                   season=int(150 * 86400 / step),
                                   below=None if deeper is None else values[rows, deeper])
        elif name == "spike":
            marked = quality.spikes(x, block=block, factor=rules.spike_factor, floor=rules.spike_floor)
        else:
            in_ground = record.depths[k] > 0.05             # what lies bare follows the fronts as the air does
            marked, at, strength = steps(x, follows, block=block, factor=rules.step_factor, floor=rules.step_floor,
                               longest=int(rules.step_days * 86400 / step), rest=shortest,
                               tail=0.0 if in_ground else rules.step_tail)
            jumps[k] = Jumps(order[rows[at - 1]], order[rows[at]], strength)
        flag = {"flat": Flag.FLAT, "spike": Flag.SPIKE, "step": Flag.STEP}[name]
        flags[order[rows[marked]], k] |= np.uint16(int(flag))
    return jumps
