"""Is the store what its checksums say? Every byte of every file that it consists of is looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from talik.errors import StoreError
from talik.store.catalogue import CATALOGUE, REMEDY, SEAL, TABLES, OtherVersion, is_store, reading
from talik.store.day_files import days_path
from talik.store.intake import series_path
from talik.store.series_files import Sums

if TYPE_CHECKING:
    import polars as pl

Finding = tuple[str, str]


def verify_store(folder: Path | str) -> list[Finding]:
    """
    What is damaged in a store.

    Parameters
    ----------
    folder : Path or str
        The store.

    Returns
    -------
    list of (path, fault)
        Empty when every byte is as it was written. The path is relative to the store.

    Raises
    ------
    StoreError
        If there is no store, it is of another version, or somebody writes to it.
    """
    folder = Path(folder)
    findings, tables = _catalogue(folder)
    if not tables:
        return findings
    rows = tables["series"].select("series_id", "site", "path", "bytes", "crc32", "sha256")
    days = tables["day_files"].drop("version").rows()
    whose = {series_id: f"{site}, from {source}" for series_id, site, source, *_ in rows.iter_rows()}
    told = [*((series_path, series_id, sums) for series_id, _, _, *sums in rows.iter_rows()),
            *((days_path, series_id, sums) for series_id, *sums in days)]
    for path_of, series_id, sums in told:
        path = path_of(folder, series_id)
        if not path.is_file():
            fault = "missing"
        elif Sums.of(path) != Sums(*sums):
            fault = "changed since it was written"
        else:
            continue
        findings.append((path.relative_to(folder).as_posix(), f"{fault} ({whose[series_id]}); "
                         "ingest its source again with --fresh"))
    return findings


def catalogue_faults(folder: Path) -> list[Finding]:
    """What is damaged in the catalogue itself; raises as `verify_store` does."""
    return [finding for finding in _catalogue(folder)[0] if finding[0] == CATALOGUE]


def _catalogue(folder: Path) -> tuple[list[Finding], dict[str, pl.DataFrame]]:
    """What is damaged in the catalogue or its seal, and its tables; no table where it cannot be read."""
    try:
        with reading(folder) as catalogue:
            return _seal(folder), {name: catalogue.table(name) for name in TABLES}
    except OtherVersion:
        raise
    except StoreError as error:
        if not is_store(folder) or "another process" in str(error):
            raise
        return [(CATALOGUE, str(error))], {}


def is_sealed(folder: Path | str) -> bool:
    """True when the last writer ended well; else it was killed, and a rerun of `talik ingest` ends its work."""
    return (Path(folder) / SEAL).is_file()


def _seal(folder: Path) -> list[Finding]:
    if not is_sealed(folder):
        return []
    try:
        told = json.loads((folder / SEAL).read_bytes())
        sealed = (told["bytes"], told["sha256"])
    except (ValueError, KeyError, TypeError):
        return [(SEAL, "changed since it was written; `talik ingest` makes it anew")]
    sums = Sums.of(folder / CATALOGUE)
    if sealed != (sums.bytes, sums.sha256):
        return [(CATALOGUE, f"it or {SEAL} was changed since they were written. {REMEDY}")]
    return []
