"""One file into the store: read it, write its series, say what became of it. Runs in any process, on any machine."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from talik.errors import FileError, TalikError
from talik.files import sha256
from talik.readers.registry import Options, records_of
from talik.records import REJECTED, Flag, Record
from talik.series.days import VERSION, days_of
from talik.store.day_files import days_path, write_days
from talik.store.options import replaced, still
from talik.store.series_files import Origin, Sums, values_hash, write_series
from talik.store.sources import fingerprint, shown, shown_text

SERIES = "series"
"""Folder of the store that holds the Parquet files."""

PLACE = ("latitude", "longitude")
"""Options that say where the files were measured; the others are those of `talik.read`."""


@dataclass(frozen=True, slots=True)
class Task:
    """A file to take in, those beside it, the store, what is said of it; its fingerprint and options as kept."""

    path: Path
    store: Path
    beside: tuple[Path, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    known: str = ""
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """A series file that was written: rows for the catalogue's tables `series`, `columns`, `day_files` and `flags`."""

    series: Mapping[str, Any]
    columns: tuple[tuple[Any, ...], ...]
    days: tuple[Any, ...] | None
    flags: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of one file, or of the check of one site (which then stands in `path`).

    "taken in", "unchanged", "refused" (with kind of error and reason); "checked" (kind: by which talik), "not checked".
    `at`: when it was taken in or checked; `options`: what was said of a file that was taken in; `note`: what of the
    earlier options no longer holds.
    """

    path: str
    status: str
    fingerprint: str = ""
    sha256: str = ""
    bytes: int = 0
    series: tuple[Stored, ...] = ()
    kind: str = ""
    reason: str = ""
    replaces: tuple[str, ...] = ()
    at: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


def take_in(task: Task) -> Outcome:
    """
    Read one file and write its series.

    Returns
    -------
    Outcome
        A file that cannot be read is an outcome, not an exception: one bad file never stops the rest.

    Raises
    ------
    FileError
        If the store cannot be written to: that stops everything.
    """
    name, digest, mark, size, at = shown(task.path), "", "", 0, moment()
    try:
        before = task.path.stat()
        digest, size = sha256(task.path), before.st_size
        mark = fingerprint(digest, task.beside, task.options)
        if mark == task.known:
            return Outcome(name, "unchanged", mark, digest, size)
        records, after = _records(task, digest), task.path.stat()
        if (after.st_size, after.st_mtime_ns) != (size, before.st_mtime_ns):
            mark = ""                     # what was read has no fingerprint: the next run reads it again
            raise FileError(f"{task.path.name}: was changed while it was read; take it in again when it is whole")
        series = _stored(task, records, digest, size, mark, at)
    except _Unwritable as stop:
        raise FileError(str(stop)) from stop
    except OSError as error:              # gone since it was listed, not to be opened, a disk that fails: try again
        what = "the folder cannot be listed" if task.path.is_dir() else "cannot be read"
        reason = shown_text(f"{task.path.name}: {what}: {error.strerror or error}")
        return Outcome(name, "refused", "", digest, size, kind=type(error).__name__, reason=reason)
    except TalikError as error:
        reason = shown_text(str(error))
        if names := still(task.kept, task.options):
            reason += f" (Read as an earlier ingest said: {', '.join(names)}.)"
        return Outcome(name, "refused", mark, digest, size, kind=type(error).__name__, reason=reason)
    except Exception as error:  # noqa: BLE001 - whatever a file does to its reader, the other files go on
        kind = type(error).__name__
        reason = shown_text(f"{task.path.name}: cannot be taken in ({kind}: {error}). Please report it.")
        return Outcome(name, "refused", mark, digest, size, kind=kind, reason=reason)
    finally:
        gc.collect(1)                     # young tables may hang in cycles: memory would grow with the files
    return Outcome(name, "taken in", mark, digest, size, series, at=at, options=task.options,
                   note=replaced(task.kept, task.options))


def moment() -> str:
    """The present to the microsecond, so that of two readings of a file the later one can be told."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def series_path(store: Path, series_id: str) -> Path:
    """Where a series lies."""
    return store / SERIES / series_id[:2] / f"{series_id}.parquet"


class _Unwritable(Exception):
    """The store, not the file, is at fault."""


def _records(task: Task, digest: str) -> list[Record]:
    """What the file holds, at the place that is said of it."""
    told = dict(task.options)
    place, format = {key: told.pop(key) for key in PLACE if key in told}, told.pop("format", None)
    if told.get("depths") is not None:
        told["depths"] = tuple(map(float, told["depths"]))
    records = records_of(task.path, Options(**told, frugal=True), format=format, sha256=digest)
    records = [record for record in records if record.depths.size]
    if not records:
        raise FileError(f"{task.path.name}: has no column of temperatures; if it has one, name its format: format=...")
    return [replace(record, metadata={**record.metadata, **place}) for record in records] if place else records


def _stored(task: Task, records: list[Record], digest: str, size: int, mark: str, at: str) -> tuple[Stored, ...]:
    stored = []
    for number, record in enumerate(records, 1):
        origin = Origin(shown(task.path), digest, size, mark, number, len(records), at, task.options)
        series_id = hashlib.sha256(f"{origin.path}\n{mark}\n{number}".encode()).hexdigest()[:20]
        try:
            stored.append(keep(task.store, series_id, record, record, origin))
        except FileError as error:
            raise _Unwritable(str(error)) from error
    return tuple(stored)


def keep(store: Path, series_id: str, record: Record, read: Record, origin: Origin) -> Stored:
    """
    Write a series and its days.

    Parameters
    ----------
    store : Path
    series_id : str
    record, read : Record
        With the flags that are kept, and as it was read.
    origin : Origin

    Raises
    ------
    FileError
        If the store cannot be written to.
    """
    sums = write_series(series_path(store, series_id), series_id, record, origin=origin,
                        read=None if record is read else read)
    flags = _counts(record, series_id) if origin.check else []
    return Stored(_row(record, series_id, sums, origin), tuple(_columns(record, series_id)),
                  kept_days(store, record, series_id), tuple(flags))


def kept_days(store: Path, record: Record, series_id: str) -> tuple[Any, ...] | None:
    """Its days beside it; none for a record that has no days, such as one with stamps missing."""
    if not record.times.size or np.isnat(record.times).any():
        return None
    sums = write_days(days_path(store, series_id), series_id, days_of(record))
    return series_id, VERSION, sums.bytes, sums.crc32, sums.sha256


def _row(record: Record, series_id: str, sums: Sums, origin: Origin) -> dict[str, Any]:
    some = record.times[~np.isnat(record.times)]
    place = {key: _number(record.metadata.get(key)) for key in ("latitude", "longitude", "elevation_m")}
    return {
        "series_id": series_id,
        "path": origin.path,
        "number": origin.number,
        "site": shown_text(record.site),
        "format": record.source.format,
        "time_zone": record.source.time_zone,
        "time_zone_from": record.source.time_zone_from,
        "first": some.min().item() if some.size else None,
        "last": some.max().item() if some.size else None,
        "times": record.times.size,
        "depths": record.depths.size,
        "missing": int(np.isnan(record.values).sum()),
        **place,
        "citation": shown_text(str(record.metadata.get("citation") or "")) or None,
        "understood": shown_text("\n".join(record.source.understood)),
        "bytes": sums.bytes,
        "crc32": sums.crc32,
        "sha256": sums.sha256,
        "values_hash": values_hash(record),
        "checked": origin.check.key if origin.check else None,
    }


def _columns(record: Record, series_id: str) -> list[tuple[Any, ...]]:
    """Rows for the catalogue's table `columns`."""
    measured = (~np.isnan(record.values)).sum(axis=0)
    return [(series_id, k + 1, None if np.isnan(depth) else float(depth), shown_text(label), int(measured[k]))
            for k, (depth, label) in enumerate(zip(record.depths, record.labels, strict=True))]


def _counts(record: Record, series_id: str) -> list[tuple[Any, ...]]:
    """Rows for the catalogue's table `flags`: how many values of each column are under each flag."""
    return [(series_id, k + 1, flag.name, int(n), bool(flag & REJECTED)) for flag in Flag
            for k, n in enumerate(np.count_nonzero(record.flags & np.uint16(int(flag)), axis=0)) if n]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None
