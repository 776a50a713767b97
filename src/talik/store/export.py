"""Records written out: plain CSV, Parquet, and GTN-P's long table with its JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from talik import files
from talik.errors import DataError, unknown
from talik.records import Record


def export(records: Sequence[Record], form: str, folder: Path | str) -> list[Path]:
    """
    Write records, one file each.

    Parameters
    ----------
    records : sequence of Record
        Read records.
    form : {"csv", "parquet", "gtnp"}
        csv: one row a stamp (UTC), one column a depth, as `talik.read` reads it back. parquet: the same with the
        record's source and metadata. gtnp: GTN-P's long table and a JSON beside it.
    folder : Path or str
        Where to write. Names are made of the sites' letters and digits, never paths.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    DataError
        If a depth is unknown: these forms name columns by depth.
    UnknownName
        If there is no such form.
    """
    if form not in _FORMS:
        raise unknown("form", form, _FORMS)
    taken: set[str] = set()
    written: list[Path] = []
    for record in records:
        if np.isnan(record.depths).any():
            labels = [label for label, depth in zip(record.labels, record.depths, strict=True) if np.isnan(depth)]
            raise DataError(
                f"{record.site}: the depth of {labels[0]!r} is unknown; give depths= (--depths) when reading"
            )
        written += _FORMS[form](record, Path(folder) / _name(record.site, taken))
    return written


def wide_frame(record: Record) -> pl.DataFrame:
    """A record as one row a stamp: `time_utc` and a column for each depth, such as `0.05_m`; null where missing."""
    names = [f"{depth:g}_m" for depth in record.depths]
    if len(set(names)) < len(names):
        names = [name if names.count(name) == 1 else f"{name} ({n})" for n, name in enumerate(names, 1)]
    values = {name: record.values[:, place] for place, name in enumerate(names)}
    return pl.DataFrame({"time_utc": record.times, **values}).with_columns(pl.exclude("time_utc").fill_nan(None))


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


def _gtnp(record: Record, stem: Path) -> list[Path]:
    n, m = record.values.shape
    number = int(record.metadata.get("dataset_id", 0))
    frame = (
        pl.DataFrame(
            {
                "utc_time": pl.Series(np.tile(record.times, m)).dt.strftime("%Y-%m-%d %H:%M:%S"),
                "depth": np.repeat(record.depths, n),
                "temperature": record.values.T.reshape(-1),
                "flag": pl.Series([None] * n * m, dtype=pl.String),
                "dataset_id": np.full(n * m, number),
                "borehole_id": np.full(n * m, int(record.metadata.get("borehole_id", 0))),
                "site_id": np.full(n * m, int(record.metadata.get("site_id", 0))),
            }
        )
        .with_columns(pl.col("temperature").fill_nan(-999.0))
        .with_row_index("id", 1)
    )
    place = {
        key: record.metadata.get(name)
        for key, name in (("latitude", "latitude"), ("longitude", "longitude"), ("elevation", "elevation_m"))
    }
    about = [
        {
            "id": number,
            "policy": record.metadata.get("policy"),
            "quality": record.metadata.get("quality"),
            "variable": "Ground Temperature",
            "unit": {"name": "Degree Celsius", "abbreviation": "degC"},
            "borehole": {
                "name": record.site,
                "timezone": "+00:00",
                "location": place,
                "generic_citation": record.metadata.get("citation"),
            },
        }
    ]
    return [
        files.write_csv(stem.with_name(stem.name + ".csv"), frame),
        files.write_text(
            stem.with_name(stem.name + "_metadata.json"), json.dumps(about, ensure_ascii=False, indent=1) + "\n"
        ),
    ]


_FORMS: dict[str, Callable[[Record, Path], list[Path]]] = {"csv": _csv, "parquet": _parquet, "gtnp": _gtnp}
