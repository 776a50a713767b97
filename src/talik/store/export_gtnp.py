"""A record as GTN-P exports it since 2026: a long table, and JSON beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from talik import files
from talik.records import REJECTED, Flag, Record

FILL = -999.0


def write_gtnp(record: Record, stem: Path) -> list[Path]:
    """
    Write `STEM.csv` and `STEM_metadata.json`; returns both.

    A value that a flag rejects stands in the table under the flag "bad", a missing one is -999.
    """
    number = _whole(record.metadata.get("dataset_id"))
    return [
        files.write_csv(stem.with_name(stem.name + ".csv"), _rows(record, number)),
        files.write_text(stem.with_name(stem.name + "_metadata.json"),
                         json.dumps([_about(record, number)], ensure_ascii=False, indent=1) + "\n"),
    ]


def _rows(record: Record, number: int) -> pl.DataFrame:
    n, m = record.values.shape
    whole = (record.times.astype(np.int64) % 1_000_000 == 0).all()
    bad = (record.flags & np.uint16(int(REJECTED & ~Flag.MISSING)) != 0) & ~np.isnan(record.values)
    stamps = pl.Series(np.tile(record.times, m)).dt.strftime("%Y-%m-%d %H:%M:%S" + ("" if whole else "%.6f"))
    return pl.DataFrame({
        "utc_time": stamps,
        "depth": np.repeat(record.depths, n),
        "temperature": record.values.T.reshape(-1),
        "flag": pl.Series(bad.T.reshape(-1)).replace_strict({True: "bad", False: None}, return_dtype=pl.String),
        "dataset_id": np.full(n * m, number),
        "borehole_id": np.full(n * m, _whole(record.metadata.get("borehole_id"))),
        "site_id": np.full(n * m, _whole(record.metadata.get("site_id"))),
    }).with_columns(pl.col("temperature").fill_nan(FILL)).with_row_index("id", 1)


def _about(record: Record, number: int) -> dict[str, Any]:
    told = record.metadata.get
    return {
        "id": number,
        "policy": told("policy"),
        "quality": told("quality"),
        "variable": "Ground Temperature",
        "unit": {"name": "Degree Celsius", "abbreviation": "degC"},
        "borehole": {
            "name": record.site,
            "timezone": "+00:00",
            "location": {"latitude": told("latitude"), "longitude": told("longitude"),
                         "elevation": told("elevation_m")},
            "generic_citation": told("citation"),
        },
    }


def _whole(value: object) -> int:
    """A number of a data base; 0 where the record has none."""
    return int(value) if isinstance(value, int | float | str) and str(value).isdigit() else 0
