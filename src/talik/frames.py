"""Tables at the border: polars, pandas or a mapping comes in, polars goes on, missing columns are named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from talik.errors import DataError, UsageError, unknown


def as_frame(data: Any, argument: str = "data", *, required: Iterable[str] = ()) -> pl.DataFrame:
    """
    Any table as a polars frame.

    Parameters
    ----------
    data : polars.DataFrame, polars.LazyFrame, pandas.DataFrame, or mapping of column name to values
        The table.
    argument : str
        The argument's name, for the message when something is wrong.
    required : iterable of str
        Columns that must be there.

    Raises
    ------
    UsageError
        If `data` is not a table, or a required column is missing (the nearest name is suggested).

    Examples
    --------
    >>> as_frame({"maat": [-1.0]}, "sites", required=["magst"])
    Traceback (most recent call last):
    ...
    talik.errors.UnknownName: sites: unknown column 'magst'. ...
    """
    if isinstance(data, pl.LazyFrame):
        frame = data.collect()
    elif isinstance(data, pl.DataFrame):
        frame = data
    elif isinstance(data, Mapping):
        frame = pl.DataFrame(dict(data), strict=False)
    elif hasattr(data, "columns") and hasattr(data, "iloc"):
        frame = pl.from_pandas(data)
    else:
        raise UsageError(f"{argument}: got {type(data).__name__}, expected a polars or pandas frame "
                         "or a mapping of columns")
    for name in required:
        if name not in frame.columns:
            raise type(unknown("column", name, []))(f"{argument}: {unknown('column', name, frame.columns)}")
    return frame


def numbers(frame: pl.DataFrame, column: str, argument: str = "data") -> pl.Series:
    """
    A column as float64, null and NaN both as null; text that is not a number is an error that names the row.

    Raises
    ------
    DataError
        If a cell holds text that is not a number.
    """
    series = frame[column]
    if series.dtype in (pl.String, pl.Categorical):
        parsed = series.cast(pl.String).str.strip_chars().replace("", None)
        cast = parsed.cast(pl.Float64, strict=False)
        bad = (parsed.is_not_null() & cast.is_null()).arg_true()
        if len(bad):
            row = int(bad[0])
            raise DataError(f"{argument}: column {column!r}, row {row + 1}: {parsed[row]!r} is not a number "
                            f"({len(bad)} such cell{'s' * (len(bad) != 1)})")
        series = cast
    return series.cast(pl.Float64).fill_nan(None)


def frame_hash(frame: pl.DataFrame) -> str:
    """The sha256 of a frame's column names, types and values: the same rows give the same hash on every machine."""
    digest = hashlib.sha256(repr([(name, str(kind)) for name, kind in frame.schema.items()]).encode())
    digest.update(frame.write_csv(float_precision=None).encode())
    return digest.hexdigest()
