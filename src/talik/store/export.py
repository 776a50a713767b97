"""Records written out: plain csv, Parquet, GTN-P's long table, CF netCDF, a data package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from talik import files
from talik.errors import DataError, unknown
from talik.records import Record
from talik.store.export_frictionless import resource, write_package
from talik.store.export_gtnp import write_gtnp
from talik.store.export_netcdf import write_netcdf

PACKAGE_FORM = "frictionless"


def export(records: Sequence[Record], form: str, folder: Path | str) -> list[Path]:
    """
    Write records, one file each.

    Parameters
    ----------
    records : sequence of Record
        Read records.
    form : {"csv", "parquet", "gtnp", "netcdf", "frictionless"}
        csv: one row a stamp (UTC), one column a depth, as `talik.read` reads it back. parquet: the same.
        gtnp: GTN-P's long table of 2026 and its JSON. netcdf: CF-1.11, timeSeriesProfile. frictionless: csv files and
        a `datapackage.json` that describes them.
    folder : Path or str
        Where to write. Names are made of the sites' letters and digits, never paths.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    DataError
        If a depth is unknown (these forms name columns by depth), or, for netCDF, the place.
    UnknownName
        If there is no such form.
    """
    written = []
    for path, fault in exported(records, form, folder):
        if path is None:
            raise DataError(fault)
        written.append(path)
    return written


def exported(records: Iterable[Record], form: str, folder: Path | str) -> Iterator[tuple[Path | None, str]]:
    """
    Write records one after the other and say of each what was written, or why it could not be.

    Yields
    ------
    (path or None, fault)
        A written file and "", or None and what is wrong with a record; the others go on.

    Raises
    ------
    UnknownName
        If there is no such form.
    FileError
        If the folder cannot be written to.
    """
    if form not in FORMS:
        raise unknown("form", form, FORMS)
    taken: set[str] = set()
    resources: list[dict[str, Any]] = []
    for record in records:
        try:
            _depths_known(record)
            written = FORMS[form](record, Path(folder) / _name(record.site, taken))
        except DataError as refusal:
            yield None, str(refusal)
            continue
        if form == PACKAGE_FORM:
            resources.append(resource(record, written[0], wide_frame(record).columns))
        yield from ((path, "") for path in written)
    if form == PACKAGE_FORM and resources:
        yield write_package(Path(folder), resources), ""


def wide_frame(record: Record) -> pl.DataFrame:
    """A record as one row a stamp: `time_utc` and a column for each depth, such as `0.05_m`; null where missing."""
    names = [f"{depth:g}_m" for depth in record.depths]
    if len(set(names)) < len(names):
        names = [name if names.count(name) == 1 else f"{name} ({n})" for n, name in enumerate(names, 1)]
    values = {name: record.values[:, place] for place, name in enumerate(names)}
    return pl.DataFrame({"time_utc": record.times, **values}).with_columns(pl.exclude("time_utc").fill_nan(None))


def _depths_known(record: Record) -> None:
    if np.isnan(record.depths).any():
        labels = [label for label, depth in zip(record.labels, record.depths, strict=True) if np.isnan(depth)]
        raise DataError(f"{record.site}: the depth of {labels[0]!r} is unknown; give depths= (--depths) when reading")


def _name(site: str, taken: set[str]) -> str:
    stem = re.sub(r"[^\w-]+", "_", site).strip("_")[:80] or "record"
    name, n = stem, 1
    while name.lower() in taken:
        n += 1
        name = f"{stem}_{n}"
    taken.add(name.lower())
    return name


def _csv(record: Record, stem: Path) -> list[Path]:
    frame = wide_frame(record).with_columns(
        pl.col("time_utc").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").str.replace(r"\.000000Z$", "Z")
    )
    return [files.write_csv(stem.with_name(stem.name + ".csv"), frame)]


def _parquet(record: Record, stem: Path) -> list[Path]:
    return [files.write_parquet(stem.with_name(stem.name + ".parquet"), wide_frame(record))]


FORMS: dict[str, Callable[[Record, Path], list[Path]]] = {
    "csv": _csv, "parquet": _parquet, "gtnp": write_gtnp, "netcdf": write_netcdf, PACKAGE_FORM: _csv}
"""How a record is written in each form."""
