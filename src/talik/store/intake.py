"""One file into the store: read it, write its series, say what became of it. Runs in any process, on any machine."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from talik.errors import FileError, TalikError
from talik.files import sha256
from talik.readers.registry import Options, records_of
from talik.records import Record
from talik.series.days import VERSION, days_of
from talik.store.day_files import days_path, write_days
from talik.store.series_files import Sums, values_hash, write_series
from talik.store.sources import fingerprint, shown, shown_text

SERIES = "series"
"""Folder of the store that holds the Parquet files."""

PLACE = ("latitude", "longitude")
"""Options that say where the files were measured; the others are those of `talik.read`."""


@dataclass(frozen=True, slots=True)
class Task:
    """A file to take in with those beside it, the store, what the caller says, its fingerprint when last seen."""

    path: Path
    store: Path
    beside: tuple[Path, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    known: str = ""


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

    "taken in", "unchanged", "refused" (with kind of error and reason); "checked", "not checked".
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
    name, digest, mark, size = shown(task.path), "", "", 0
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
        series = _stored(task, records, mark)
    except _Unwritable as stop:
        raise FileError(str(stop)) from stop
    except OSError as error:              # gone since it was listed, not to be opened, a disk that fails: try again
        what = "the folder cannot be listed" if task.path.is_dir() else "cannot be read"
        reason = shown_text(f"{task.path.name}: {what}: {error.strerror or error}")
        return Outcome(name, "refused", "", digest, size, kind=type(error).__name__, reason=reason)
    except TalikError as error:
        reason = shown_text(str(error))
        return Outcome(name, "refused", mark, digest, size, kind=type(error).__name__, reason=reason)
    except Exception as error:  # noqa: BLE001 - whatever a file does to its reader, the other files go on
        kind = type(error).__name__
        reason = shown_text(f"{task.path.name}: cannot be taken in ({kind}: {error}). Please report it.")
        return Outcome(name, "refused", mark, digest, size, kind=kind, reason=reason)
    finally:
        gc.collect(1)                     # young tables may hang in cycles: memory would grow with the files
    return Outcome(name, "taken in", mark, digest, size, series)


def series_path(store: Path, series_id: str) -> Path:
    """Where a series lies."""
    return store / SERIES / series_id[:2] / f"{series_id}.parquet"


class _Unwritable(Exception):
    """The store, not the file, is at fault."""


def _records(task: Task, digest: str) -> list[Record]:
    """What the file holds, at the place that the caller names."""
    told = dict(task.options)
    place, format = {key: told.pop(key) for key in PLACE if key in told}, told.pop("format", None)
    if told.get("depths") is not None:
        told["depths"] = tuple(map(float, told["depths"]))
    records = records_of(task.path, Options(**told, frugal=True), format=format, sha256=digest)
    records = [record for record in records if record.depths.size]
    if not records:
        raise FileError(f"{task.path.name}: has no column of temperatures; if it has one, name its format: format=...")
    return [replace(record, metadata={**record.metadata, **place}) for record in records] if place else records


def _stored(task: Task, records: list[Record], mark: str) -> tuple[Stored, ...]:
    stored = []
    for number, record in enumerate(records, 1):
        series_id = hashlib.sha256(f"{shown(task.path)}\n{mark}\n{number}".encode()).hexdigest()[:20]
        try:
            sums = write_series(series_path(task.store, series_id), series_id, record)
            days = kept_days(task.store, record, series_id)
        except FileError as error:
            raise _Unwritable(str(error)) from error
        stored.append(Stored(_row(task, record, number, series_id, sums), tuple(columns_of(record, series_id)), days))
    return tuple(stored)


def kept_days(store: Path, record: Record, series_id: str) -> tuple[Any, ...] | None:
    """Its days beside it; none for a record that has no days, such as one with stamps missing."""
    if not record.times.size or np.isnat(record.times).any():
        return None
    sums = write_days(days_path(store, series_id), series_id, days_of(record))
    return series_id, VERSION, sums.bytes, sums.crc32, sums.sha256


def _row(task: Task, record: Record, number: int, series_id: str, sums: Sums) -> dict[str, Any]:
    some = record.times[~np.isnat(record.times)]
    place = {key: _number(record.metadata.get(key)) for key in ("latitude", "longitude", "elevation_m")}
    return {
        "series_id": series_id,
        "path": shown(task.path),
        "number": number,
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
        "checked": None,
    }


def columns_of(record: Record, series_id: str) -> list[tuple[Any, ...]]:
    """Rows for the catalogue's table `columns`."""
    measured = (~np.isnan(record.values)).sum(axis=0)
    return [(series_id, k + 1, None if np.isnan(depth) else float(depth), shown_text(label), int(measured[k]))
            for k, (depth, label) in enumerate(zip(record.depths, record.labels, strict=True))]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None
