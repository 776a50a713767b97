"""The days of a series, kept beside it: a day of hours is one number to read in place of twenty-four."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from talik import files
from talik.errors import StoreError
from talik.kernels.calendar import Daily
from talik.series.days import Days
from talik.store.series_files import KEY, Sums, array_of, arrow, checked_bytes, damaged, repeated

DAYS = "days"
"""Folder of the store that holds them."""
_HOURS = ("drawn", "scatter")


def days_path(store: Path, series_id: str) -> Path:
    """Where the days of a series lie."""
    return store / DAYS / series_id[:2] / f"{series_id}.parquet"


def write_days(path: Path, series_id: str, days: Days) -> Sums:
    """
    Write the days of a series as one Parquet file, whole or not at all.

    Parameters
    ----------
    path : Path
        Final name.
    series_id : str
        Repeated in the column of this name.
    days : Days
        One row a column and day, column by column: series_id, position, day, mean [°C] of the accepted values (null
        without any), n, expected samples (null where no step can be told); where samples of days are missing, what
        that does to their means (drawn, scatter [K]).

    Raises
    ------
    FileError
        If the disk is full or the folder cannot be written to; nothing is left at the final name.
    """
    n_days, m = days.daily.mean.shape
    table = pa.table({
        "series_id": repeated(series_id, n_days * m),
        "position": arrow(np.repeat(np.arange(1, m + 1, dtype=np.int32), n_days)),
        "day": arrow(np.tile(days.daily.dates, m)),
        "mean": arrow(days.daily.mean.ravel("F"), blank=True),
        "n": arrow(days.daily.count.ravel("F").astype(np.int32)),
        "expected": arrow(days.daily.expected.ravel("F"), blank=True),
    })
    if days.daily.hours is not None:
        for name, part in zip(_HOURS, days.daily.hours, strict=True):
            table = table.append_column(name, pa.array(part.ravel("F")))
    about = {"site": days.site, "labels": days.labels, "offset_hours": days.offset_hours, "first": days.daily.first,
             "resolution": days.resolution.tolist(),
             "depths": [None if np.isnan(depth) else float(depth) for depth in days.depths]}
    described = table.replace_schema_metadata({KEY: json.dumps(about).encode("ascii")})
    with files.replacing(path) as part:
        pq.write_table(described, part, compression="zstd", write_page_checksum=True,
                       use_dictionary=["series_id", "position", "n", "expected"],
                       column_encoding={"day": "DELTA_BINARY_PACKED", "mean": "BYTE_STREAM_SPLIT"})
        sums = Sums.of(part)
    return sums


def read_days(path: Path, crc32: int) -> Days:
    """
    The days of a series, their checksum verified.

    Raises
    ------
    StoreError
        If the file is missing or a byte of it was changed.
    """
    content = checked_bytes(path, crc32)
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        names = ["mean", "n", "expected", *(name for name in _HOURS if name in file.schema_arrow.names)]
        table = file.read(names, use_threads=False)
        about = json.loads(table.schema.metadata[KEY])
        depths = np.array([np.nan if depth is None else depth for depth in about["depths"]], dtype=np.float64)
        mean, count, expected, *hours = (array_of(table, name).reshape(depths.size, -1).T for name in names)
        resolution = np.array(about["resolution"])
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise StoreError(damaged(path, str(error))) from error
    return Days(about["site"], depths, tuple(about["labels"]), about["offset_hours"],
                Daily(about["first"], mean, count.astype(np.int64), expected, np.stack(hours) if hours else None),
                resolution)
