"""Records written out: plain csv, Parquet, GTN-P's long table, CF netCDF, a data package."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik import files
from talik.errors import DataError, unknown
from talik.readers.depths import CELSIUS, unit_of
from talik.records import REJECTED, Flag, Record
from talik.store.export_frictionless import FLAG, resource, write_package
from talik.store.export_gtnp import write_gtnp
from talik.store.export_netcdf import write_netcdf

PACKAGE_FORM = "frictionless"
_BY_DEPTH = ("gtnp", "netcdf")
"""Forms that cannot hold a column whose depth is not known."""


def export(records: Sequence[Record], form: str, folder: Path | str) -> list[Path]:
    """
    Write records, one file each.

    Parameters
    ----------
    records : sequence of Record
        Read records.
    form : {"csv", "parquet", "gtnp", "netcdf", "frictionless"}
        csv: one row a stamp (UTC), the site, one column a depth, as `talik.read` reads it back; a value that a flag
        rejects is blank, and the flags stand in a column of their own; the column of stamps is `time_taken_as_utc`
        where the source names no time zone. parquet: the same, but for that name.
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
        If, for GTN-P and netCDF, a depth is unknown, or, for netCDF, the place; if, for GTN-P, sensors share a depth.
    UnknownName
        If there is no such form.
    """
    written = []
    records = list(records)
    for record in records if form in _BY_DEPTH else ():
        _, lacking = _with_depths(record)
        if lacking:
            raise DataError(f"{record.site}: the depth of {lacking[0]!r} is unknown, and {form} is by depth; "
                            "give depths= (--depths) when reading, or write csv")
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
        A written file and "", or None and what is wrong with a record, or was left out of it; the others go on.

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
            whole, lacking = _with_depths(record) if form in _BY_DEPTH else (record, [])
            said = _left_out(record, lacking, form) if lacking else ""
            if not whole.depths.size:
                raise DataError(said)
            written = FORMS[form](whole, Path(folder) / _name(record.site, taken))
        except DataError as refusal:
            yield None, str(refusal)
            continue
        if form == PACKAGE_FORM:
            resources.append(resource(record, written[0], wide_frame(record).columns))
        yield from ((path, "") for path in written)
        if said:
            yield None, said
    if form == PACKAGE_FORM and resources:
        yield write_package(Path(folder), resources), ""


def wide_frame(record: Record) -> pl.DataFrame:
    """
    A record as one row a stamp: `time_utc`, `site`, a column for each depth, such as `0.05_m`, and their flags.

    A value is null where it is missing and where a flag rejects it. `0.05_m_flag` has the names of the flags; a column
    without any (but of missing values) has no such column.
    A column of unknown depth has its label instead, unless that names another unit than °C.
    """
    names = [f"{depth:.10g}_m" if depth == depth else
             f"temperature {label}" if unit_of(label) in (None, CELSIUS) else "temperature"      # values are in °C here
             for depth, label in zip(record.depths, record.labels, strict=True)]
    if len(set(names)) < len(names):                # "air": a number before it is no sign then
        names = [name if names.count(name) == 1 else f"{'air ' if name.startswith('-') else ''}{name} ({n})"
                 for n, name in enumerate(names, 1)]
    kept = np.where(record.flags & np.uint16(int(REJECTED)) != 0, np.nan, record.values)
    values = {name: pl.Series(kept[:, place]).fill_nan(None) for place, name in enumerate(names)}
    marks = record.flags & ~np.uint16(Flag.MISSING)
    flags = {f"{name}{FLAG}": _words(marks[:, place]) for place, name in enumerate(names) if marks[:, place].any()}
    return pl.DataFrame({"time_utc": record.times, "site": [record.site] * record.times.size, **values, **flags},
                        schema_overrides={"site": pl.String})


def _words(marks: NDArray[np.uint16]) -> pl.Series:
    """The names of the flags in small letters, with a blank between; null where there is none."""
    words = {int(mark): " ".join(str(flag.name).lower() for flag in Flag if flag & int(mark)) or None
             for mark in np.unique(marks)}
    return pl.Series(marks).replace_strict(words, return_dtype=pl.String)


def _with_depths(record: Record) -> tuple[Record, list[str]]:
    """The record without its columns of unknown depth, and their labels."""
    known = ~np.isnan(record.depths)
    lacking = [label for label, there in zip(record.labels, known, strict=True) if not there]
    if not lacking:
        return record, []
    labels = tuple(label for label, there in zip(record.labels, known, strict=True) if there)
    return replace(record, depths=record.depths[known], values=record.values[:, known], flags=record.flags[:, known],
                   labels=labels), lacking


def _left_out(record: Record, lacking: list[str], form: str) -> str:
    columns = ", ".join(map(repr, lacking))
    return (f"{record.site}: {columns} {'is' if len(lacking) == 1 else 'are'} left out of the {form}, the depth is "
            f"unknown. Say it when the file is taken in (talik ingest {Path(record.source.path).name} --store ... "
            "--depths ...), or write csv")


def _name(site: str, taken: set[str]) -> str:
    stem = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFC", site)).strip("_-")[:80] or "record"
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


def _plain_csv(record: Record, stem: Path) -> list[Path]:
    """A csv has no metadata beside it: stamps whose zone was assumed carry no Z, and their column says why."""
    if record.source.time_zone_from != "assumed":
        return _csv(record, stem)
    frame = wide_frame(record).with_columns(
        pl.col("time_utc").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f").str.replace(r"\.000000$", "")
    )
    return [files.write_csv(stem.with_name(stem.name + ".csv"), frame.rename({"time_utc": "time_taken_as_utc"}))]


def _parquet(record: Record, stem: Path) -> list[Path]:
    return [files.write_parquet(stem.with_name(stem.name + ".parquet"), wide_frame(record))]


FORMS: dict[str, Callable[[Record, Path], list[Path]]] = {
    "csv": _plain_csv, "parquet": _parquet, "gtnp": write_gtnp, "netcdf": write_netcdf, PACKAGE_FORM: _csv}
"""How a record is written in each form."""
