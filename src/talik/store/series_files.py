"""One series, one Parquet file: wide, with page checksums, and with everything the record knew of itself."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from talik import files
from talik.errors import StoreError
from talik.records import Flag, Record, Source

KEY = b"talik"
"""Under which the Parquet file's own metadata hold the record's: site, depths, labels, source, history, origin."""

VERSION = 4


@dataclass(frozen=True, slots=True)
class Sums:
    """Size and checksums of a file: sha256 for `verify`, crc32 for every reading (it finds any single flipped byte)."""

    bytes: int
    crc32: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Sums:
        """Of a file that exists."""
        content = path.read_bytes()
        return cls(len(content), zlib.crc32(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class Check:
    """The check that a series carries the flags of: its key, the rules as text, talik's version, when."""

    key: str
    rules: str
    talik: str
    at: str


@dataclass(frozen=True, slots=True)
class Origin:
    """
    What the catalogue knows of a series and its values do not say, so that it can be made anew from the series.

    Parameters
    ----------
    path, sha256, bytes
        Of the file that the series was read from.
    fingerprint : str
        Of all that decided what was read, as `sources.fingerprint` makes it.
    number, of : int
        Which of the file's series it is, and how many there are.
    taken_at : str
        When the file was read.
    options : mapping
        What was said of the file: how to read it, where it was measured.
    check : Check, optional
        The check whose flags are kept; None when none are.
    """

    path: str
    sha256: str
    bytes: int
    fingerprint: str
    number: int
    of: int
    taken_at: str
    options: Mapping[str, Any]
    check: Check | None = None


def values_hash(record: Record) -> str:
    """Of stamps, depths and values alone: equal for equal series, whatever files they came from."""
    digest = hashlib.blake2b(digest_size=16)
    for array in (record.times, record.depths, record.values):
        digest.update(np.ascontiguousarray(array.T).view(np.uint8).data)     # column by column, as readers leave them
    return digest.hexdigest()


def write_series(path: Path, series_id: str, record: Record, *, read: Record | None = None,
                 origin: Origin | None = None) -> Sums:
    """
    Write a record as one Parquet file, whole or not at all.

    Parameters
    ----------
    path : Path
        Final name.
    series_id : str
        Repeated in the column of this name, so that files can be queried together.
    record : Record
        Its columns become `value_1`, `flag_1`, `value_2`, ... in the order of the record, null where missing; other
        channels become `other_1`, ...; depths, labels, source, metadata and history stand in the file's metadata.
    read : Record, optional
        The record as it was read, when flags were added since: its own flags become `read_flag_1`, ... where they are
        more than MISSING.
    origin : Origin, optional
        Where it comes from; a series of a store has one.

    Returns
    -------
    Sums
        Of the written file.

    Raises
    ------
    FileError
        If the disk is full or the folder cannot be written to; nothing is left at the final name.
    """
    n, m = record.values.shape
    columns = {"series_id": repeated(series_id, n), "time_utc": arrow(record.times)}
    for k in range(m):
        columns[f"value_{k + 1}"] = arrow(record.values[:, k], blank=True)
        columns[f"flag_{k + 1}"] = arrow(record.flags[:, k])
    for k, channel in enumerate(record.others.values(), 1):
        columns[f"other_{k}"] = arrow(np.asarray(channel, dtype=np.float64))
    if read is not None:
        for column in np.flatnonzero((read.flags != _blanks(read.values)).any(axis=0)):
            columns[f"read_flag_{column + 1}"] = arrow(read.flags[:, column])
    table = pa.table(columns)
    about = _described(record, read or record) | {"origin": asdict(origin) if origin else None}
    about = json.loads(json.dumps(about, default=_plain))
    described = {KEY: json.dumps(about | {"seal": _seal(series_id, table, about)}).encode("ascii")}
    with files.replacing(path) as part:
        pq.write_table(table.replace_schema_metadata(described), part, compression="zstd", write_page_checksum=True,
                       use_dictionary=[name for name in columns if name != "time_utc"],
                       column_encoding={"time_utc": "DELTA_BINARY_PACKED"})
        sums = Sums.of(part)
    return sums


def read_series(path: Path, crc32: int | None = None, *, as_read: bool = False) -> Record:
    """
    The record of a series file, its checksums verified.

    Parameters
    ----------
    path : Path
        The file.
    crc32 : int, optional
        Of the whole file, as the catalogue knows it.
    as_read : bool
        Without the flags that a check has added since the record was read.

    Raises
    ------
    StoreError
        If the file is missing, cut, or a byte of it was changed.
    """
    table, about = _content(path, crc32)
    with _told(path):
        return _record(table, about, as_read=as_read)


def origin_of(path: Path, crc32: int) -> Origin:
    """
    Where a series comes from.

    Raises
    ------
    StoreError
        If the file is missing, cut, or a byte of it was changed.
    """
    _, about = _content(path, crc32)
    with _told(path):
        return _origin(about)


def proved_series(path: Path) -> tuple[Record, Record, Origin]:
    """
    A series that no catalogue knows, held against its own seal: with the flags it carries, as it was read, its origin.

    The seal is of what is read, not of the file's bytes: statistics in it, which readers may rely on, are not proved.
    Write the file anew to have them right.

    Raises
    ------
    StoreError
        If the file is missing, cut, renamed, of an older talik, or says another thing than when it was written.
    """
    table, about = _content(path, None)
    with _told(path):
        if about.pop("seal", None) != _seal(path.stem, table, about):
            raise StoreError(damaged(path, "its content is not what its seal says"))
        return _record(table, about, as_read=False), _record(table, about, as_read=True), _origin(about)


def _content(path: Path, crc32: int | None) -> tuple[pa.Table, dict[str, Any]]:
    content = checked_bytes(path, crc32)
    with _told(path):
        table = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read(use_threads=False)
        return table, json.loads(table.schema.metadata[KEY])


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Whatever a damaged file does to those who read it is said as damage."""
    try:
        yield
    except StoreError:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError, pa.ArrowException) as error:
        raise StoreError(damaged(path, f"{type(error).__name__}: {error}")) from error


def _origin(about: Mapping[str, Any]) -> Origin:
    told = about["origin"]
    return Origin(**{**told, "check": Check(**told["check"]) if told["check"] else None})


def _seal(series_id: str, table: pa.Table, about: Mapping[str, Any]) -> str:
    """Of everything that is read from the file, whatever its bytes are."""
    told = json.dumps([series_id, table.column_names, about], sort_keys=True)
    digest = hashlib.blake2b(told.encode("ascii"), digest_size=16)
    for name in table.column_names[1:]:
        digest.update(np.ascontiguousarray(array_of(table, name)).view(np.uint8).data)
    return digest.hexdigest()


def checked_bytes(path: Path, crc32: int | None) -> bytes:
    """
    The bytes of a series file, if they are those that were written.

    Raises
    ------
    StoreError
        If the file is missing, or its checksum is another.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(damaged(path, error.strerror or "cannot be read")) from error
    if crc32 is not None and zlib.crc32(content) != crc32:
        raise StoreError(damaged(path, "it was changed since it was written"))
    return content


def damaged(path: Path, why: str) -> str:
    """What to say of a damaged file, and what to do."""
    return (f"{path}: the stored series is damaged ({why.strip()[:150].splitlines()[0]}). "
            "Ingest its source again with --fresh.")


def _described(record: Record, read: Record) -> dict[str, Any]:
    return {
        "version": VERSION,
        "site": record.site,
        "depths": [None if np.isnan(depth) else float(depth) for depth in record.depths],
        "labels": record.labels,
        "source": asdict(record.source),
        "metadata": dict(record.metadata),
        "tuples": [key for key, value in record.metadata.items() if isinstance(value, tuple)],
        "others": list(record.others),
        "history": record.history,
        "read": len(read.history),
    }


def _plain(value: Any) -> Any:
    """What JSON cannot hold, as what it can: arrays as lists, numbers as numbers, anything else as text."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
        return value.tolist()
    return str(value)


def _blanks(values: NDArray[np.float64]) -> NDArray[np.uint16]:
    """The flags of values of which nothing is known but that some are missing."""
    return np.isnan(values).astype(np.uint16) * np.uint16(int(Flag.MISSING))


def _record(table: pa.Table, about: Mapping[str, Any], *, as_read: bool) -> Record:
    depths = np.array([np.nan if depth is None else depth for depth in about["depths"]], dtype=np.float64)
    shape = (table.num_rows, depths.size)
    values, flags = np.empty(shape, order="F"), np.empty(shape, dtype=np.uint16, order="F")
    without = as_read and about["read"] < len(about["history"])
    for k in range(depths.size):
        values[:, k] = array_of(table, f"value_{k + 1}")
        own = f"read_flag_{k + 1}"
        flags[:, k] = (array_of(table, f"flag_{k + 1}") if not without else
                       array_of(table, own) if own in table.column_names else _blanks(values[:, k]))
    source = {**about["source"], "understood": tuple(about["source"]["understood"])}
    others = {name: array_of(table, f"other_{k}") for k, name in enumerate(about["others"], 1)}
    metadata = {key: tuple(value) if key in about["tuples"] else value for key, value in about["metadata"].items()}
    return Record(about["site"], array_of(table, "time_utc"), depths, values, flags, tuple(about["labels"]),
                  Source(**source), metadata, others, tuple(about["history"][:about["read"] if as_read else None]))


def arrow(values: NDArray[Any], *, blank: bool = False) -> pa.Array:
    """An array as a column, without a copy (for which pyarrow itself would load pandas); `blank`: NaN is null."""
    values = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(values.dtype)
    if pa.types.is_date32(kind):
        values = values.astype(np.int32)
    present = pa.py_buffer(np.packbits(~np.isnan(values), bitorder="little")) if blank else None
    return pa.Array.from_buffers(kind, values.size, [present, pa.py_buffer(values.view(np.uint8))])


def repeated(text: str, n: int) -> pa.Array:
    """A column of one and the same text."""
    return pa.DictionaryArray.from_arrays(arrow(np.zeros(n, np.int32)), pl.Series([text]).to_arrow())


def array_of(table: pa.Table, name: str) -> NDArray[Any]:
    """A column, null as NaN; by way of polars, since pyarrow would load pandas for it."""
    return pl.Series(table.column(name)).to_numpy()
