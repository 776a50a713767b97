"""Is the store what its checksums say? Every byte of every file that it consists of is looked at."""

from __future__ import annotations

import json
from pathlib import Path

from talik.errors import StoreError
from talik.store.catalogue import CATALOGUE, SEAL, TABLES, OtherVersion, reading
from talik.store.day_files import days_path
from talik.store.intake import series_path
from talik.store.series_files import Sums

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
    try:
        with reading(folder) as catalogue:
            findings = _seal(folder)
            for name in TABLES:
                catalogue.table(name)
            rows = catalogue.table("series").select("series_id", "site", "path", "bytes", "crc32", "sha256")
            days = catalogue.table("day_files").drop("version").rows()
    except OtherVersion:
        raise
    except StoreError as error:
        if not (folder / CATALOGUE).is_file() or "another process" in str(error):
            raise
        return [(CATALOGUE, str(error))]
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
        return [(CATALOGUE, f"it or {SEAL} was changed since they were written. Bring both back from a copy, "
                            "or delete the store and ingest again")]
    return []
