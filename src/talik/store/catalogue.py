"""The catalogue: one DuckDB file that knows every file, series and refusal of a store; and the way to its records."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

import talik
from talik import files
from talik.errors import StoreError
from talik.provenance import now, settings_hash
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

VERSION = 5
_TABLES = {
    "store": "version INTEGER, made VARCHAR, rules VARCHAR",
    "files": "path VARCHAR PRIMARY KEY, sha256 VARCHAR, fingerprint VARCHAR, bytes BIGINT, series INTEGER, "
             "taken_at VARCHAR, options VARCHAR",
    "series": "series_id VARCHAR PRIMARY KEY, path VARCHAR, number INTEGER, site VARCHAR, format VARCHAR, "
              "time_zone VARCHAR, time_zone_from VARCHAR, first TIMESTAMP, last TIMESTAMP, times BIGINT, "
              "depths INTEGER, missing BIGINT, latitude DOUBLE, longitude DOUBLE, elevation_m DOUBLE, "
              "citation VARCHAR, understood VARCHAR, bytes BIGINT, crc32 BIGINT, sha256 VARCHAR, values_hash VARCHAR, "
              "checked VARCHAR",
    "day_files": "series_id VARCHAR PRIMARY KEY, version INTEGER, bytes BIGINT, crc32 BIGINT, sha256 VARCHAR",
    "columns": "series_id VARCHAR, position INTEGER, depth DOUBLE, label VARCHAR, n BIGINT",
    "checks": "site VARCHAR PRIMARY KEY, key VARCHAR, talik VARCHAR, checked_at VARCHAR",
    "flags": "series_id VARCHAR, position INTEGER, flag VARCHAR, n BIGINT, rejects BOOLEAN",
    "refusals": "path VARCHAR PRIMARY KEY, fingerprint VARCHAR, kind VARCHAR, reason VARCHAR, refused_at VARCHAR",
}
TABLES = tuple(_TABLES)

_LOCKED = re.compile(r"\block\b|used by another process", re.IGNORECASE)          # not: "in block 2"
_DAMAGED = re.compile(r"checksum|corrupt|deseriali|not a valid", re.IGNORECASE)
_FULL = re.compile(r"write|no space|too large|truncate|sync", re.IGNORECASE)
"""What DuckDB says when somebody else holds the file, when its bytes are not what they were, and of a full disk."""

REMEDY = "Make it anew from the series: talik verify STORE --rebuild"


class OtherVersion(StoreError):
    """A store that is whole, but of another version of talik."""


def is_store(folder: Path | str) -> bool:
    """True when a folder holds a store, also one whose catalogue is lost."""
    return (Path(folder) / CATALOGUE).is_file() or _has_series(Path(folder))


def series_in(folder: Path) -> Iterator[Path]:
    """Files with the names of a store's series: other Parquet files may lie in a folder called series, too."""
    return (folder / SERIES).glob(f"??/{'[0-9a-f]' * 20}.parquet")


def _has_series(folder: Path) -> bool:
    return next(series_in(folder), None) is not None


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
        One of the catalogue's tables as a frame, in a fixed order.

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
        with _explained(self.folder):
            self._connection.begin()
            try:
                replaced = self._add([outcome for outcome in outcomes if outcome.status != "unchanged"])
                self._connection.commit()
            except BaseException:
                self._undo()
                raise
        for series_id in replaced:
            for path in (series_path, days_path):
                path(self.folder, series_id).unlink(missing_ok=True)

    def _add(self, outcomes: list[Outcome]) -> set[str]:
        refused, taken, checked = ([outcome for outcome in outcomes if outcome.status == status]
                                   for status in ("refused", "taken in", "checked"))
        self._delete("refusals", "path", [outcome.path for outcome in taken])
        # what an earlier, readable content of a refused file gave stays
        self._insert("refusals", [(o.path, o.fingerprint, o.kind, o.reason, now()) for o in refused])
        self._insert("files", [(o.path, o.sha256, o.fingerprint, o.bytes, len(o.series), o.at, json.dumps(o.options))
                               for o in taken])
        found = self._connection.execute("SELECT series_id FROM series WHERE path IN (SELECT unnest(?))",
                                         [[outcome.path for outcome in taken]]).fetchall()
        old = {row[0] for row in found} | {series_id for outcome in checked for series_id in outcome.replaces}
        for table in ("columns", "day_files", "flags", "series"):
            self._delete(table, "series_id", sorted(old))
        stored = [series for outcome in (*taken, *checked) for series in outcome.series]
        self._insert("series", [tuple(one.series.values()) for one in stored])
        self._insert("columns", [row for one in stored for row in one.columns])
        self._insert("day_files", [one.days for one in stored if one.days])
        self._insert("flags", [row for one in stored for row in one.flags])
        self._insert("checks", [(o.path, o.fingerprint, o.kind, o.at) for o in checked])
        return old - {one.series["series_id"] for one in stored}

    def _delete(self, table: str, column: str, keys: list[str]) -> None:
        if keys:
            self._connection.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT unnest(?))", [keys])

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows in place of those with the same key, many in one statement."""
        replacing = "OR REPLACE " if "PRIMARY KEY" in _TABLES[table] else ""
        for first in range(0, len(rows), 200):
            some = rows[first:first + 200]
            each = f"({', '.join('?' * len(some[0]))})"
            self._connection.execute(f"INSERT {replacing}INTO {table} VALUES {', '.join([each] * len(some))}",
                                     [value for row in some for value in row])

    def _undo(self) -> None:
        try:
            self._connection.rollback()
        except duckdb.Error:                        # a data base that cannot be written to any more has undone it
            return

    @property
    def rules(self) -> str | None:
        """The rules by which the store is checked, as `checks.rules_text` writes them; None when it is not."""
        rules: str | None = self.table("store")["rules"][0]
        return rules

    def keep_rules(self, rules: str) -> None:
        """From now on the store is checked by these rules."""
        with _explained(self.folder):
            self._connection.execute("UPDATE store SET rules = ?", [rules])

    def check_keys(self) -> dict[str, str]:
        """Of each site, the key of the check that it should have: of the rules, talik's version and its files."""
        if (rules := self.rules) is None:
            return {}
        members: dict[str, list[tuple[Any, ...]]] = {}
        files = self.table("files").select("path", "fingerprint")
        series = self.table("series").join(files, on="path", how="left").sort("path", "number")
        for site, *member in series.select("site", "path", "fingerprint", "number").iter_rows():
            members.setdefault(site, []).append(tuple(member))
        return {site: settings_hash([rules, talik.__version__, rows])[:32] for site, rows in members.items()}

    def records(self, site: str | None = None, *, as_read: bool = False) -> Iterator[Record]:
        """
        The stored records, one after the other, by site; every file's checksum is verified.

        Where the store is checked they carry the flags of the check, and their history says so.

        Parameters
        ----------
        site : str, optional
            Only this site; a pattern with * and ?.
        as_read : bool
            With the flags of their files only.

        Raises
        ------
        StoreError
            If a series file is missing or damaged.
        """
        for series_id, crc32, is_current in self._series(site):
            yield read_series(series_path(self.folder, series_id), crc32, as_read=as_read or not is_current)

    def days(self, site: str | None = None) -> Iterator[Days]:
        """
        The days of the stored records, in the same order: what `annual_means` takes, one number a day to read.

        Days that are not kept, or by an older rule or check, are made from the samples; so are damaged ones.

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
        for series_id, crc32, is_current in self._series(site):
            try:
                if not is_current:
                    raise KeyError(series_id)
                yield read_days(days_path(self.folder, series_id), kept[series_id])
            except (KeyError, StoreError):
                yield days_of(read_series(series_path(self.folder, series_id), crc32, as_read=not is_current))

    def _series(self, site: str | None) -> list[tuple[str, int, bool]]:
        """Series, checksum, and whether its flags are those of the check that its site should have (or of none)."""
        keys = self.check_keys()
        rows = self.table("series").sort("site", "path", "number").select("series_id", "site", "crc32", "checked")
        stale = {name for _, name, _, key in rows.iter_rows() if key != keys.get(name)}
        return [(series_id, crc32, name not in stale) for series_id, name, crc32, _ in rows.iter_rows()
                if site is None or fnmatchcase(name, site)]


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
    _not_bare(folder)
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
        with _explained(folder):
            _not_bare(folder)
            if not is_store(folder):
                create(folder)
            connection = _opened(folder / CATALOGUE, wait, read_only=False)
            try:
                _same_version(folder, connection)
                (folder / SEAL).unlink(missing_ok=True)
                catalogue = Catalogue(folder, connection)
                sweep(catalogue)
                yield catalogue
                connection.execute("CHECKPOINT")    # closing alone does not say that it failed
            finally:
                connection.close()
        seal(folder)


def seal(folder: Path) -> None:
    """Say that the catalogue is whole, and what it is."""
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


def _not_bare(folder: Path) -> None:
    """Refuse to begin a catalogue where series lie: what it does not know would be swept away."""
    if not (folder / CATALOGUE).is_file() and _has_series(folder):
        raise StoreError(f"{folder}: there are series but no {CATALOGUE}. {REMEDY}")


def create(folder: Path, fill: Callable[[Catalogue], None] | None = None) -> None:
    """A new catalogue, whole or not at all; what there is of an old one goes when it is there."""
    with files.replacing(folder / CATALOGUE) as part, _explained(folder):
        part.unlink()                               # an empty file is no data base yet
        try:
            with _opened(part, 0, read_only=False) as connection:
                for name, columns in _TABLES.items():
                    connection.execute(f"CREATE TABLE {name} ({columns})")
                connection.execute("INSERT INTO store VALUES (?, ?, NULL)", [VERSION, now()])
                if fill:
                    fill(Catalogue(folder, connection))
                connection.execute("CHECKPOINT")    # closing alone does not say that it failed
        finally:
            part.with_name(f"{part.name}.wal").unlink(missing_ok=True)
        for of_the_old in (SEAL, f"{CATALOGUE}.wal"):
            (folder / of_the_old).unlink(missing_ok=True)


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
        raise OtherVersion(f"{folder}: the store has version {found[0][0] if found else 'none'}, this talik reads "
                           f"version {VERSION}. Nothing was changed. Use the talik it was made with, or ingest into a "
                           "new store.")


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
    return f"the catalogue is damaged or no catalogue. {REMEDY}"
