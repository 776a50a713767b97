"""A record as GTN-P exports it since 2026: a long table, and JSON beside it."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from talik import files
from talik.errors import DataError
from talik.readers.zones import offset
from talik.records import REJECTED, Flag, Record

MISSING, BAD = "no data entry", "bad"
"""Words of the column `flag`."""


def write_gtnp(record: Record, stem: Path) -> list[Path]:
    """
    Write `STEM.csv` and `STEM_metadata.json`; returns both.

    A value that a flag rejects stands in the table under the flag "bad", a missing one is blank under "no data entry".
    Stamps are in the source's time zone, which the JSON names; in UTC where that is none with a fixed offset; dates
    stay dates. The numbers of borehole and site are left out where the record has none; that of the data set, which
    the table cannot do without, is then made from the source, and the JSON says so.

    Raises
    ------
    DataError
        If several sensors share a depth: the table would hold them as one sensor with every stamp twice.
    """
    depths, counts = np.unique(record.depths, return_counts=True)
    if (counts > 1).any():
        raise DataError(f"{record.site}: {counts.max()} sensors at {depths[counts > 1][0]:g} m, and GTN-P's table "
                        "tells sensors by depth alone. Write csv or netcdf")
    given = _number(record.metadata.get("dataset_id"))
    number = zlib.crc32(f"{record.source.sha256} {record.site}".encode()) % 2**31 if given is None else given
    return [
        files.write_csv(stem.with_name(stem.name + ".csv"), _rows(record, number)),
        files.write_text(stem.with_name(stem.name + "_metadata.json"),
                         json.dumps([_about(record, number)], ensure_ascii=False, indent=1) + "\n"),
    ]


def _rows(record: Record, number: int) -> pl.DataFrame:
    n, m = record.values.shape
    local = record.times + np.timedelta64(_minutes(record) or 0, "m")
    clock = "" if _are_days(record) else " %H:%M:%S"
    whole = (local.astype(np.int64) % 1_000_000 == 0).all()
    gone = np.isnan(record.values)
    bad = (record.flags & np.uint16(int(REJECTED & ~Flag.MISSING)) != 0) & ~gone
    numbers = {key: _number(record.metadata.get(key)) for key in ("borehole_id", "site_id")}
    return pl.DataFrame({
        "date": pl.Series(np.tile(local, m)).dt.strftime(f"%Y-%m-%d{clock}" + ("" if whole else "%.6f")),
        "depth": np.repeat(record.depths, n),
        "temperature": pl.Series(record.values.T.reshape(-1)).fill_nan(None),
        "flag": pl.Series((2 * bad + gone).T.reshape(-1)).replace_strict(
            {0: None, 1: MISSING, 2: BAD}, return_dtype=pl.String),
        "dataset_id": np.full(n * m, number),
        **{key: np.full(n * m, known) for key, known in numbers.items() if known is not None},
    }).with_row_index("id", 1)


def _about(record: Record, number: int) -> dict[str, Any]:
    told = record.metadata.get
    media = {"Ground": bool((record.depths >= 0).any()), "Air": bool((record.depths < 0).any())}
    minutes = _minutes(record)
    made = {} if _number(told("dataset_id")) is not None else {"id_from": "made from the source; no number of GTN-P"}
    return {
        "id": number,
        **made,
        "policy": told("policy"),
        "quality": told("quality"),
        "variable": f"{' and '.join(medium for medium, there in media.items() if there)} Temperature",
        "depths": "positive down [m]; negative: height of air above the ground",
        "unit": {"name": "Degree Celsius", "abbreviation": "degC"},
        "borehole": {
            "name": record.site,
            "timezone": (told("time_zone") if _are_days(record) else None if minutes is None else
                         f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"),
            "timezone_from": _zone_said(record),
            "location": {"latitude": told("latitude"), "longitude": told("longitude"),
                         "elevation": told("elevation_m")},
            "generic_citation": told("citation"),
        },
    }


def _are_days(record: Record) -> bool:
    """Whether the source has dates without a time, which stand for whole days, whatever the zone."""
    midnights = record.times == record.times.astype("M8[D]")
    return record.source.time_zone_from == "format" and bool(midnights.all())


def _minutes(record: Record) -> int | None:
    """East of Greenwich, of the stamps that are written; None where the source names no zone."""
    if record.source.time_zone_from == "assumed":
        return None
    return offset(record.source.time_zone) or 0


def _zone_said(record: Record) -> str:
    source = record.source
    if _are_days(record):
        return "dates stand for whole days"
    if source.time_zone_from == "assumed":
        return "assumed UTC: the source names no time zone"
    if offset(source.time_zone) is None:
        return f"stamps of {source.time_zone} as UTC"
    return f"the source ({source.time_zone_from})"


def _number(value: object) -> int | None:
    """A number of a data base; None where the record has none."""
    return int(value) if isinstance(value, int | float | str) and str(value).isdigit() else None
