"""The catalogue: one DuckDB file that knows every file, series and refusal of a store; and the way to its records."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from talik import files
from talik.errors import StoreError
from talik.provenance import now
from talik.records import Record
from talik.series.days import VERSION as DAYS_VERSION
from talik.series.days import Days, days_of
from talik.store.day_files import DAYS, days_path, read_days
from talik.store.intake import SERIES, Outcome, series_path
from talik.store.lock import sole_writer
from talik.store.series_files import Sums, read_series

if TYPE_CHECKING:
    import polars as pl

CATALOGUE = "catalogue.duckdb"
SEAL = "seal.json"
"""Checksum of the catalogue, written when a writer has ended well and removed when one begins."""

VERSION = 2
_TABLES = {
    "store": "version INTEGER, made VARCHAR",
    "files": "path VARCHAR PRIMARY KEY, sha256 VARCHAR, fingerprint VARCHAR, bytes BIGINT, series INTEGER, "
             "taken_at VARCHAR",
    "series": "series_id VARCHAR PRIMARY KEY, path VARCHAR, number INTEGER, site VARCHAR, format VARCHAR, "
              "time_zone VARCHAR, time_zone_from VARCHAR, first TIMESTAMP, last TIMESTAMP, times BIGINT, "
              "depths INTEGER, missing BIGINT, latitude DOUBLE, longitude DOUBLE, elevation_m DOUBLE, "
              "citation VARCHAR, understood VARCHAR, bytes BIGINT, crc32 BIGINT, sha256 VARCHAR, values_hash VARCHAR",
    "day_files": "series_id VARCHAR PRIMARY KEY, version INTEGER, bytes BIGINT, crc32 BIGINT, sha256 VARCHAR",
    "columns": "series_id VARCHAR, position INTEGER, depth DOUBLE, label VARCHAR, n BIGINT",
    "refusals": "path VARCHAR PRIMARY KEY, fingerprint VARCHAR, kind VARCHAR, reason VARCHAR, refused_at VARCHAR",
}
TABLES = tuple(_TABLES)

_LOCKED = re.compile(r"\block\b|used by another process", re.IGNORECASE)          # not: "in block 2"
_DAMAGED = re.compile(r"checksum|corrupt|deseriali|not a valid", re.IGNORECASE)
_FULL = re.compile(r"write|no space|too large|truncate|sync", re.IGNORECASE)
"""What DuckDB says when somebody else holds the file, when its bytes are not what they were, and of a full disk."""


def is_store(folder: Path | str) -> bool:
    """True when a folder holds a store."""
    return (Path(folder) / CATALOGUE).is_file()


class Catalogue:
    """
    An open catalogue; from `reading` or `writing`.

    Every value goes into SQL as a bound parameter.
    """

    def __init__(self, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.folder = folder
        self._connection = connection

    def table(self, name: str) -> pl.DataFrame:
        """
        One of the tables "files", "series", "day_files", "columns", "refusals" as a frame, in a fixed order.

        Raises
        ------
        StoreError
            If the catalogue is damaged.
        """
        if name not in _TABLES:
            raise ValueError(f"no table {name!r}")
        with _explained(self.folder):
            return frame_of(self._connection.sql(f"SELECT * FROM {name} ORDER BY ALL"))

    def fingerprints(self) -> dict[str, str]:
        """Path to fingerprint, of files taken in and of files refused (what was said last counts)."""
        known = dict(self.table("files").select("path", "fingerprint").iter_rows())
        refused = self.table("refusals").select("path", "fingerprint").iter_rows()
        return known | dict(refused)

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """
        Make outcomes part of the store, all or none; series that they replace are deleted afterwards.

        Raises
        ------
        StoreError
            If the catalogue cannot be written to: then it is as it was.
        """
        replaced: list[str] = []
        with _explained(self.folder):
            self._connection.begin()
            try:
                for outcome in outcomes:
                    replaced += self._add(outcome)
                self._connection.commit()
            except BaseException:
                self._undo()
                raise
        for series_id in replaced:
            for path in (series_path, days_path):
                path(self.folder, series_id).unlink(missing_ok=True)

    def _add(self, outcome: Outcome) -> list[str]:
        run, at = self._connection.execute, now()
        if outcome.status == "unchanged":
            return []
        run("DELETE FROM refusals WHERE path = ?", [outcome.path])
        if outcome.status == "refused":             # what an earlier, readable content gave stays
            run("INSERT INTO refusals VALUES (?, ?, ?, ?, ?)",
                [outcome.path, outcome.fingerprint, outcome.kind, outcome.reason, at])
            return []
        old = {row[0] for row in run("SELECT series_id FROM series WHERE path = ?", [outcome.path]).fetchall()}
        for series_id in old:
            for table in ("columns", "day_files", "series"):
                run(f"DELETE FROM {table} WHERE series_id = ?", [series_id])
        run("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)",
            [outcome.path, outcome.sha256, outcome.fingerprint, outcome.bytes, len(outcome.series), at])
        for stored in outcome.series:
            row = list(stored.series.values())
            run(f"INSERT INTO series VALUES ({', '.join('?' * len(row))})", row)
            if stored.columns:
                self._connection.executemany("INSERT INTO columns VALUES (?, ?, ?, ?, ?)", list(stored.columns))
            if stored.days:
                run("INSERT INTO day_files VALUES (?, ?, ?, ?, ?)", list(stored.days))
        return sorted(old - {stored.series["series_id"] for stored in outcome.series})

    def _undo(self) -> None:
        try:
            self._connection.rollback()
        except duckdb.Error:                        # a data base that cannot be written to any more has undone it
            return

    def records(self, site: str | None = None) -> Iterator[Record]:
        """
        The stored records, one after the other, by site; every file's checksum is verified.

        Parameters
        ----------
        site : str, optional
            Only this site; a pattern with * and ?.

        Raises
        ------
        StoreError
            If a series file is missing or damaged.
        """
        for series_id, crc32 in self._series(site):
            yield read_series(series_path(self.folder, series_id), crc32)

    def days(self, site: str | None = None) -> Iterator[Days]:
        """
        The days of the stored records, in the same order: what `annual_means` takes, one number a day to read.

        Days that are not kept, or by an older rule, are made from the samples; so are damaged ones.

        Parameters
        ----------
        site : str, optional
            Only this site; a pattern with * and ?.

        Raises
        ------
        StoreError
            If a series file that is needed is missing or damaged.
        """
        kept = {row[0]: row[1] for row in self.table("day_files").filter(version=DAYS_VERSION).select(
            "series_id", "crc32").iter_rows()}
        for series_id, crc32 in self._series(site):
            try:
                yield read_days(days_path(self.folder, series_id), kept[series_id])
            except (KeyError, StoreError):
                yield days_of(read_series(series_path(self.folder, series_id), crc32))

    def _series(self, site: str | None) -> list[tuple[str, int]]:
        rows = self.table("series").sort("site", "path", "number").select("series_id", "site", "crc32").iter_rows()
        return [(series_id, crc32) for series_id, name, crc32 in rows if site is None or fnmatchcase(name, site)]


def frame_of(answer: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """What a statement gives, as a frame."""
    import polars as pl

    frame = pl.from_arrow(answer.to_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


@contextmanager
def reading(folder: Path | str, *, wait: float = 10.0) -> Iterator[Catalogue]:
    """
    Open a store's catalogue to read.

    Parameters
    ----------
    folder : Path or str
        The store.
    wait : float
        For how long to wait while somebody writes [s].

    Raises
    ------
    StoreError
        If there is no store, it is damaged, or it is being written to all the while.
    """
    folder = Path(folder)
    if not is_store(folder):
        raise StoreError(f"{folder}: no store here (there is no {CATALOGUE}). "
                         f"Make one: talik ingest PATHS --store {folder}")
    with _explained(folder):
        connection = _opened(folder / CATALOGUE, wait, read_only=True)
    try:
        _same_version(folder, connection)
        yield Catalogue(folder, connection)
    finally:
        connection.close()


@contextmanager
def writing(folder: Path | str, *, wait: float = 60.0) -> Iterator[Catalogue]:
    """
    Open a store's catalogue to write, as the only writer; a store that does not exist is made.

    What killed writers left behind (half-written files, series that no catalogue knows) is swept away first.

    Raises
    ------
    StoreError
        If another writer is at work for longer than `wait` seconds, or the catalogue cannot be opened or closed.
    """
    folder = Path(folder)
    with sole_writer(folder, wait):
        (folder / SEAL).unlink(missing_ok=True)
        with _explained(folder):
            if not is_store(folder):
                _create(folder)
            connection = _opened(folder / CATALOGUE, wait, read_only=False)
            try:
                _same_version(folder, connection)
                catalogue = Catalogue(folder, connection)
                sweep(catalogue)
                yield catalogue
                connection.execute("CHECKPOINT")    # closing alone does not say that it failed
            finally:
                connection.close()
        sums = Sums.of(folder / CATALOGUE)
        files.write_text(folder / SEAL, json.dumps({"bytes": sums.bytes, "sha256": sums.sha256}) + "\n")


def sweep(catalogue: Catalogue) -> None:
    """Delete what killed writers left: half-written files, and series files that the catalogue does not know."""
    for folder, table, path_of in ((SERIES, "series", series_path), (DAYS, "day_files", days_path)):
        known = {path_of(catalogue.folder, series_id) for series_id in catalogue.table(table)["series_id"]}
        for path in (catalogue.folder / folder).rglob("*.parquet"):
            if path not in known:
                path.unlink(missing_ok=True)
    for path in catalogue.folder.glob(".*.part*"):
        path.unlink(missing_ok=True)


def _create(folder: Path) -> None:
    """An empty catalogue, whole or not at all."""
    with files.replacing(folder / CATALOGUE) as part:
        part.unlink()                               # an empty file is no data base yet
        try:
            with _opened(part, 0, read_only=False) as connection:
                for name, columns in _TABLES.items():
                    connection.execute(f"CREATE TABLE {name} ({columns})")
                connection.execute("INSERT INTO store VALUES (?, ?)", [VERSION, now()])
                connection.execute("CHECKPOINT")    # closing alone does not say that it failed
        finally:
            part.with_name(f"{part.name}.wal").unlink(missing_ok=True)


def _opened(path: Path, wait: float, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    until = time.monotonic() + wait
    while True:
        try:
            return duckdb.connect(path, read_only=read_only,
                                  config={"threads": 1, "memory_limit": "256MB", "enable_external_access": False,
                                          "autoinstall_known_extensions": False, "autoload_known_extensions": False})
        except duckdb.IOException as error:
            if not _LOCKED.search(str(error)) or time.monotonic() >= until:
                raise
            time.sleep(0.1)


def _same_version(folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
    with _explained(folder):
        found = connection.execute("SELECT version FROM store").fetchall()
    if found != [(VERSION,)]:
        raise StoreError(f"{folder}: the store has version {found[0][0] if found else 'none'}, this talik reads "
                         f"version {VERSION}. Use the talik it was made with, or ingest into a new store.")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        said = str(error).splitlines()[0][:200]
        raise StoreError(f"{folder / CATALOGUE}: {_meaning(said)} ({said})") from error


def _meaning(said: str) -> str:
    harmed = _DAMAGED.search(said)
    if _LOCKED.search(said) and not harmed:
        return "another process is writing to the store; run the command again when it has ended"
    if _FULL.search(said) and not harmed:
        return "the catalogue cannot be written to; what was acknowledged is kept. Free space and run the command again"
    return ("the catalogue is damaged or no catalogue. Bring it back from a copy, or delete it and ingest again: "
            "the series are made anew from their files")
