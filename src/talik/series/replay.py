"""The log of flags: which rule marked which rows of which column, and the same flags from the log again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from talik.errors import DataError, unknown
from talik.frames import as_frame
from talik.records import Flag, Record

if TYPE_CHECKING:
    from typing import Any

    import polars as pl

Flags = NDArray[np.uint16]
COLUMNS = ("flag", "column", "label", "first_row", "last_row", "n", "start", "end", "detail")


def log_of(record: Record, flags: Flags, details: dict[tuple[int, Flag], str]) -> pl.DataFrame:
    """
    Every run of rows under one flag, column by column.

    Parameters
    ----------
    record : Record
        The record that was checked.
    flags : ndarray, shape (n, m)
        Flags to be logged.
    details : dict
        What more is to be said of a flag in a column.

    Returns
    -------
    polars.DataFrame
        flag, column (from 0), label, first_row and last_row (from 0, in the order of the file), n, start and end
        (the stamps of those rows), detail.
    """
    import polars as pl

    parts = []
    for flag in Flag:
        bit = np.uint16(int(flag))
        for column in np.flatnonzero((flags & bit).any(axis=0)):
            edge = np.flatnonzero(np.diff(np.r_[0, (flags[:, column] & bit) != 0, 0].astype(np.int8))).reshape(-1, 2)
            first, last = edge[:, 0], edge[:, 1] - 1
            parts.append(pl.DataFrame({
                "flag": [flag.name] * first.size, "column": np.full(first.size, column),
                "label": [record.labels[column]] * first.size, "first_row": first, "last_row": last,
                "n": last - first + 1, "start": record.times[first], "end": record.times[last],
                "detail": [details.get((int(column), flag), "")] * first.size}))
    if parts:
        return pl.concat(parts)
    stamp = pl.Datetime("us")
    kinds = (pl.String, pl.Int64, pl.String, pl.Int64, pl.Int64, pl.Int64, stamp, stamp, pl.String)
    return pl.DataFrame(schema=dict(zip(COLUMNS, kinds, strict=True)))


def replay(record: Record, log: Any) -> Record:
    """
    A record with the flags of a log set again, for instance after the log was edited by hand.

    Parameters
    ----------
    record : Record
        As it was read: the same rows in the same order.
    log : frame
        From `Checked.log` or read back from CSV. Only flag, column, first_row, last_row, start and end are used.

    Returns
    -------
    Record
        With the log's flags and no others but MISSING and SOURCE, which came from the file.

    Raises
    ------
    DataError
        If a row of the log does not fit the record: no such row or column, or another stamp there.
    UnknownName
        If a flag does not exist.

    Examples
    --------
    >>> from talik.series.quality import check
    >>> r = Record("Barrow", np.arange("2020-01-01", "2020-03-01", dtype="M8[D]"), [1.0], [[-999.0]] * 60)
    >>> bool((replay(r, check(r).log).flags == check(r).record.flags).all())
    True
    """
    import polars as pl

    frame = as_frame(log, "log", required=("flag", "column", "first_row", "last_row", "start", "end"))
    stamps = [frame[name].cast(pl.Datetime("us")) if frame[name].dtype != pl.String
              else frame[name].str.to_datetime(time_unit="us") for name in ("start", "end")]
    flags = record.flags & np.uint16(int(Flag.MISSING | Flag.SOURCE))
    n, m = flags.shape
    rows = zip(frame["flag"], frame["column"], frame["first_row"], frame["last_row"], *stamps, strict=True)
    for number, (name, column, first, last, start, end) in enumerate(rows, start=1):
        if name not in Flag.__members__:
            raise unknown("flag", name, Flag.__members__)
        if not (0 <= column < m and 0 <= first <= last < n):
            raise DataError(f"log, row {number}: column {column}, rows {first} to {last}; the record has {m} columns "
                            f"and {n} rows. Is it the log of another file?")
        if (record.times[first], record.times[last]) != (np.datetime64(start, "us"), np.datetime64(end, "us")):
            raise DataError(f"log, row {number}: rows {first} and {last} are stamped {start} and {end} there, "
                            f"{record.times[first]} and {record.times[last]} here. Is it the log of another file?")
        flags[first:last + 1, column] |= np.uint16(int(Flag[name]))
    return record.with_values(record.values, flags, note=f"checked: {frame.height} entries of a log replayed")
