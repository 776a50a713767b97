"""One deployment after another: a logger replaced, a string put in again at other depths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from talik.kernels.calendar import day_numbers
from talik.records import REJECTED, Record, Source
from talik.series.columns import Column, of_same_columns, overlap
from talik.series.days import day_offset, days_of

LONGEST_OVERLAP = np.timedelta64(31, "D")
"""Sensors that measured side by side for longer are two sensors, not one after the other."""

_Samples = tuple[NDArray[np.datetime64], NDArray[np.float64], NDArray[np.uint16]]
"""Stamps, values and flags of one column."""


def in_sequence(columns: Sequence[Column], tolerance: float, role: str = "") -> tuple[tuple[Column, ...], list[str]]:
    """
    Columns of which one goes on where another ends, each such row of deployments as one column.

    Parameters
    ----------
    columns : sequence of Column
        The order is kept; those of one and the same record, or at work side by side, stay apart (replicates).
    tolerance : float
        Largest difference of depths within a row of deployments [m].
    role : str
        For the words about overlaps.

    Returns
    -------
    columns : tuple of Column
    overlaps : list of str
        Where two deployments measured at the same time: there the earlier one counts, nothing is averaged. The day
        of the change is that of the one with more samples on it; those of the other do not count.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2020-01-05", dtype="M8[D]")
    >>> later = np.arange("2020-01-04", "2020-01-08", dtype="M8[D]")
    >>> one, two = Record("A", t, [0.5], np.zeros((4, 1))), Record("A", later, [0.52], np.ones((4, 1)))
    >>> [both], overlaps = in_sequence([Column(one, 0), Column(two, 0)], 0.05, "depth")
    >>> both.record.values.ravel(), both.depth
    (array([0., 0., 0., 0., 1., 1., 1.]), 0.51)
    >>> overlaps
    ['depth: 0.5 m and 0.52 m both measured from 2020-01-04 to 2020-01-04 (1 day, the later by +1.00 °C); ...]
    """
    rows: list[list[Column]] = []
    alone = [c for c in columns if c.span is None]
    for column in sorted((c for c in columns if c.span is not None), key=lambda c: c.span or ()):
        fitting = [row for row in rows if _goes_on(row, column, tolerance)]
        fitting.sort(key=lambda row: (row[-1].label != column.label, abs(row[-1].depth - column.depth)))
        if fitting:
            fitting[0].append(column)
        else:
            rows.append([column])
    rows += [[column] for column in alone]
    rows.sort(key=lambda row: min(map(list(columns).index, row)))
    overlaps = [said for row in rows for one, two in pairwise(row) if (said := _overlap(one, two, role))]
    return tuple(_spliced(row) for row in rows), overlaps


def strings(best: Record, records: Sequence[Record]) -> list[Record]:
    """The record of a string and those of the strings before and after it, in order of time."""
    own = _whole(best)
    found = [best]
    for record in records:
        span = _whole(record)
        ground = record.depths[record.depths >= 0]
        if record is not best and own and span and 1 < ground.size == np.unique(ground).size and (
                min(own[1], span[1]) - max(own[0], span[0]) <= LONGEST_OVERLAP):
            found.append(record)
    return sorted(found, key=lambda record: _whole(record) or ())


def _goes_on(row: Sequence[Column], column: Column, tolerance: float) -> bool:
    before, after = row[-1].span, column.span
    unknown = np.isnan(row[0].depth) and np.isnan(column.depth)
    return bool(before and after and all(c.record is not column.record for c in row)
                and before[1] - after[0] <= LONGEST_OVERLAP and after[1] > before[1]
                and (unknown or abs(row[0].depth - column.depth) <= tolerance + 1e-9))


def _whole(record: Record) -> tuple[np.datetime64, np.datetime64] | None:
    spans = [span for k in np.flatnonzero(record.depths >= 0) if (span := Column(record, int(k)).span)]
    return (min(a for a, _ in spans), max(b for _, b in spans)) if spans else None


def _overlap(one: Column, two: Column, role: str) -> str:
    ended, begun = one.span, two.span
    if ended is None or begun is None or begun[0] > ended[1]:
        return ""
    first, second = (days_of(c.alone()).daily for c in (one, two))
    known = {int(d): m for d, m in zip(first.dates.astype(int), first.mean[:, 0], strict=True) if not np.isnan(m)}
    apart = [m - known[int(d)] for d, m in zip(second.dates.astype(int), second.mean[:, 0], strict=True)
             if int(d) in known and not np.isnan(m)]
    differ = f"the later by {np.mean(apart):+.2f} °C" if apart else "no day in common"
    return (f"{role}: {one.name} and {two.name} both measured from {begun[0].astype('M8[D]')} to "
            f"{ended[1].astype('M8[D]')} ({len(apart)} day{'s' * (len(apart) != 1)}, {differ}); "
            "the earlier one counts there")


def _spliced(row: Sequence[Column]) -> Column:
    if len(row) == 1:
        return row[0]
    parts: list[_Samples] = []
    for k, column in enumerate(row):
        own = column.alone()
        samples = own.times, own.values, own.flags
        if k and (span := row[k - 1].span):
            parts[-1], samples = _parted(parts[-1], samples, span[1], day_offset(row[0].record))
        parts.append(samples)
    times, values, flags = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    first, words = row[0].record, ", then ".join(
        f"{c.name} to {c.span[1].astype('M8[D]')}" if c.span else c.name for c in row)
    depth = round(float(np.mean([c.depth for c in row])), 6)
    source = Source("; ".join(c.record.source.path for c in row), time_zone=first.source.time_zone,
                    time_zone_from=first.source.time_zone_from)
    return Column(Record(first.site, times, np.array([depth]), values, flags, (row[0].label,), source,
                         history=(*first.history, f"in sequence: {words}")), 0, words)


def _parted(before: _Samples, after: _Samples, last: np.datetime64, offset: float) -> tuple[_Samples, _Samples]:
    """Samples of two deployments, none on the same day: the day of the change is that of the one with more samples."""
    change = day_numbers(np.array([last]), offset)
    ending, beginning = (day_numbers(samples[0], offset) for samples in (before, after))
    earlier, later = (np.count_nonzero(~np.isnan(samples[1][day == change])) for samples, day in (
        (before, ending), (after, beginning)))
    kept = (ending < change, beginning >= change) if later > earlier else (ending <= change, beginning > change)
    (t, x, f), (u, y, g) = before, after
    return (t[kept[0]], x[kept[0]], f[kept[0]]), (u[kept[1]], y[kept[1]], g[kept[1]])


@dataclass(frozen=True, slots=True)
class Conflict:
    """
    A column of which two files say different things at the same stamps; neither counts there.

    Parameters
    ----------
    column : str
    first, last : date
        First and last day of such stamps.
    days, stamps : int
        How many there are.
    largest : float
        Largest difference [K].
    files : tuple of str
    """

    column: str
    first: date
    last: date
    days: int
    stamps: int
    largest: float
    files: tuple[str, str]


def conflicts(records: Sequence[Record]) -> list[Conflict]:
    """
    Where records of the same columns disagree: their values there count as missing, for nobody knows which is right.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2020-01-05", dtype="M8[D]")
    >>> one, two = (Record("A", t + np.timedelta64(k, "D"), [0.5], np.full((4, 1), k), source=Source(f"{k}.csv"))
    ...             for k in (0, 2))
    >>> [found] = conflicts([one, two])
    >>> found.column, str(found.first), found.days, found.largest, found.files
    ('0.5 m', '2020-01-03', 2, 2.0, ('0.csv', '2.csv'))
    """
    return [found for group in of_same_columns(records) for one, two in combinations(group, 2)
            if overlap(one, two) for found in _between(one, two)]


def _between(one: Record, two: Record) -> list[Conflict]:
    common, a, b = np.intersect1d(one.times, two.times, return_indices=True)
    days = day_numbers(common, day_offset(one)) if common.size else common
    x, y = (np.where(r.flags[at] & np.uint16(int(REJECTED)), np.nan, r.values[at]) for r, at in ((one, a), (two, b)))
    apart = np.nan_to_num(np.abs(y - x))
    found = []
    for k in np.flatnonzero((apart > 0).any(axis=0)):
        own = np.unique(days[apart[:, k] > 0]).astype("M8[D]")
        found.append(Conflict(Column(one, int(k)).name, own[0].item(), own[-1].item(), own.size,
                              int(np.count_nonzero(apart[:, k])), float(apart[:, k].max()),
                              (one.source.path, two.source.path)))
    return found


def conflict_words(found: Sequence[Conflict], shown: Callable[[str], str] = str) -> list[str]:
    """A sentence for each two files that disagree; `shown` says how a path is named."""
    said = []
    for files in dict.fromkeys(c.files for c in found):
        own = [c for c in found if c.files == files]
        few = ", ".join(c.column for c in own[:6]) + (f" and {len(own) - 6} more" if len(own) > 6 else "")
        first, last, days = min(c.first for c in own), max(c.last for c in own), max(c.days for c in own)
        said.append(f"{' and '.join(map(shown, files))} disagree at the same stamps, from {first} to {last} on up to "
                    f"{days} day{'s' * (days != 1)}, by up to {max(c.largest for c in own):.3g} °C ({few}): "
                    "neither counts there")
    return said


def near(found: Sequence[Column], records: Sequence[Record], depth: float, tolerance: float) -> list[Column]:
    """In records without the depth that was asked for: their nearest column, if it continues one that was found."""
    added = []
    for record in records:
        if any(c.record is record for c in found) or not record.depths.size:
            continue
        away = np.abs(record.depths - depth)
        if np.isnan(away).all():
            continue
        column = Column(record, int(np.nanargmin(away)))
        pairs = [sorted([c, column], key=lambda c: c.span or ()) for c in found if c.span and column.span]
        if any(_goes_on([one], two, tolerance) for one, two in pairs):
            added.append(column)
    return added
