"""Which column of which record is the air, the surface, the depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from talik.errors import UsageError
from talik.records import Record

Pick = float | str | Sequence[float | str] | None
"""A depth [m] (air negative), a label, a pattern with * and ?, or several of these; None to have it found."""

SAME_DEPTH = 1e-3
SCREEN_HEIGHT = -2.0


@dataclass(frozen=True, slots=True)
class Column:
    """One column of one record."""

    record: Record
    index: int

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
        known = "" if np.isnan(self.depth) or self.label == f"{self.depth:g} m" else f" ({self.depth:g} m)"
        return f"{self.label}{known}"


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

    Stamps that occur in two of them are left for `check`, or the daily means, to deal with.
    """
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        key = (record.site, record.labels, record.depths.tobytes(), record.source.time_zone)
        groups.setdefault(key, []).append(record)
    return [same[0] if len(same) == 1 else replace(
        same[0], times=np.concatenate([r.times for r in same]), values=np.vstack([r.values for r in same]),
        flags=np.vstack([r.flags for r in same]), others={},
        history=(*same[0].history, f"joined {len(same)} files: {', '.join(r.source.path for r in same)}"))
        for same in groups.values()]


def chosen_air(records: Sequence[Record], pick: Pick) -> tuple[Column, ...]:
    """The air column asked for, or the one at negative height nearest to 2 m; empty when there is none."""
    if pick is not None:
        return chosen(records, pick, "air")
    heights = [c for c in all_columns(records) if c.depth < 0]
    return _only(heights, lambda c: abs(c.depth - SCREEN_HEIGHT), "air")


def chosen_surface(records: Sequence[Record], pick: Pick, deepest: float) -> tuple[Column, ...]:
    """The surface columns asked for, or the one nearest the surface within `deepest` [m]; empty when there is none."""
    if pick is not None:
        return chosen(records, pick, "surface")
    near = [c for c in all_columns(records) if 0 <= c.depth <= deepest + 1e-9]
    return _only(near, lambda c: c.depth, "surface")


def chosen_depth(records: Sequence[Record], pick: Pick) -> tuple[Column, ...]:
    """The deep columns asked for; empty when the top of permafrost is to be read off the profile."""
    return () if pick is None else chosen(records, pick, "depth")


def _only(columns: list[Column], rank: Callable[[Column], float], role: str) -> tuple[Column, ...]:
    """The one column of lowest rank; two of equal rank are for the user to choose from, or to call replicates."""
    if not columns:
        return ()
    best = min(map(rank, columns))
    ties = [c for c in columns if rank(c) <= best + SAME_DEPTH]
    if len(ties) > 1:
        raise UsageError(f"{role}: {len(ties)} columns would do: {'; '.join(c.name for c in ties)}. Say which with "
                         f"{role}=LABEL, or {role}=PATTERN when they are replicates.")
    return tuple(ties)
