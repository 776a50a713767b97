"""One column of one record, and how columns are named by people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from talik.errors import UsageError
from talik.records import REJECTED, Record

Pick = float | str | Sequence[float | str] | None
"""A depth [m] (air negative), a label, a pattern with * and ?, or several of these; None to have it found."""

SAME_DEPTH = 1e-3


@dataclass(frozen=True, slots=True)
class Column:
    """One column of one record; `words` name it where it is made of several."""

    record: Record
    index: int
    words: str = ""

    @property
    def depth(self) -> float:
        """[m], air at negative height; NaN when unknown."""
        return float(self.record.depths[self.index])

    @property
    def label(self) -> str:
        """Its name in the file."""
        return self.record.labels[self.index]

    @property
    def name(self) -> str:
        """Label with the depth where that is known and the label does not say it."""
        if self.words:
            return self.words
        known = "" if np.isnan(self.depth) or self.label == f"{self.depth:g} m" else f" ({self.depth:g} m)"
        return f"{self.label}{known}"

    @property
    def span(self) -> tuple[np.datetime64, np.datetime64] | None:
        """First and last stamp with a value that no flag rejects; None without any."""
        values, flags = self.record.values[:, self.index], self.record.flags[:, self.index]
        own = self.record.times[~np.isnan(values) & ((flags & np.uint16(int(REJECTED))) == 0)]
        return (own.min(), own.max()) if own.size else None

    def alone(self) -> Record:
        """A record of this column only."""
        one = slice(self.index, self.index + 1)
        return replace(self.record, depths=self.record.depths[one], values=self.record.values[:, one],
                       flags=self.record.flags[:, one], labels=(self.label,), others={})


def all_columns(records: Sequence[Record]) -> list[Column]:
    """Every column of every record, in order."""
    return [Column(record, k) for record in records for k in range(record.depths.size)]


def chosen(records: Sequence[Record], pick: float | str | Sequence[float | str], role: str) -> tuple[Column, ...]:
    """
    The columns a pick means, in its order.

    Raises
    ------
    UsageError
        If a pick fits no column; the message lists those there are.

    Examples
    --------
    >>> r = Record("Barrow", np.array(["2020-01-01"], "M8[D]"), [-2.0, 0.0, 0.5], [[1.0, 2.0, 3.0]])
    >>> [c.depth for c in chosen([r], "0*", "surface")], chosen([r], 0.5, "depth")[0].label
    ([0.0, 0.5], '0.5 m')
    """
    columns = all_columns(records)
    picks = [pick] if isinstance(pick, (str, int, float, np.number)) else list(pick)
    found: list[Column] = []
    for one in picks:
        fitting = [c for c in columns if _fits(c, one)]
        if not fitting:
            if any(one in record.others for record in records):
                every = ",".join(dict.fromkeys([str(one), *(c.label for c in columns)]))
                raise UsageError(f"{role}={one!r}: is among the other channels, for its name is not that of a "
                                 f"temperature. If it is one, read with columns={{'temperature': '{every}'}}")
            there = "; ".join(dict.fromkeys(c.name for c in columns))
            raise UsageError(f"{role}={one!r}: no such column. There are: {there}")
        found += [c for c in fitting if c not in found]
    return tuple(found)


def _fits(column: Column, pick: float | str) -> bool:
    if isinstance(pick, str):
        return column.label == pick or fnmatchcase(column.label.lower(), pick.lower())
    return abs(column.depth - float(pick)) <= SAME_DEPTH


def joined(records: Sequence[Record]) -> list[Record]:
    """
    Records of one site with the same columns (yearly files of one logger) put one after the other.

    Stamps that occur in two of them count where they agree and not where they do not: `conflicts` lists these. Records
    that went on side by side at stamps of their own stay apart.
    """
    return [group[0] if len(group) == 1 else replace(
        group[0], times=np.concatenate([r.times for r in group]), values=np.vstack([r.values for r in group]),
        flags=np.vstack([r.flags for r in group]), others={},
        history=(*group[0].history, f"joined {len(group)} files: {', '.join(r.source.path for r in group)}"))
        for group in of_same_columns(records)]


def of_same_columns(records: Sequence[Record]) -> list[list[Record]]:
    """The records in groups that `joined` makes one of."""
    groups: dict[tuple[object, ...], list[list[Record]]] = {}
    for record in records:
        key = (record.site, record.labels, record.depths.tobytes(), record.source.time_zone)
        same = groups.setdefault(key, [])
        fitting = (group for group in same if not any(_side_by_side(record, other) for other in group))
        group = next(fitting, None)
        if group is None:
            same.append([record])
        else:
            group.append(record)
    return [group for same in groups.values() for group in same]


def overlap(one: Record, two: Record) -> tuple[np.datetime64, np.datetime64] | None:
    """From when to when both records have stamps; None when one ends before the other begins."""
    if not (one.times.size and two.times.size):
        return None
    first, last = max(one.times.min(), two.times.min()), min(one.times.max(), two.times.max())
    return (first, last) if first <= last else None


def _side_by_side(one: Record, two: Record) -> bool:
    """Whether both have, on more than two days, stamps that the other has not."""
    both = overlap(one, two)
    if both is None or both[1] - both[0] < np.timedelta64(2, "D"):
        return False
    a, b = (r.times[(r.times >= both[0]) & (r.times <= both[1])] for r in (one, two))
    own, others = (np.setdiff1d(x, y).astype("M8[D]") for x, y in ((a, b), (b, a)))
    return bool(np.intersect1d(own, others).size > 2)
