"""Files are written whole or not at all: temporary name, fsync, rename; text cells cannot become formulas."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from talik.errors import FileError

if TYPE_CHECKING:
    import polars as pl

_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?$"


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """
    A temporary path beside `path` that takes its place when the block ends well, and vanishes when it does not.

    Parameters
    ----------
    path : Path or str
        The final name. Its folder is made when missing.

    Yields
    ------
    Path
        A temporary name in the same folder, with the same ending.

    Raises
    ------
    FileError
        If the disk is full, or the folder cannot be written to. The old file, if any, is untouched.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with replacing(target) as part:
    ...     _ = part.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    path = Path(path)
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:60]}-", suffix=f".part{path.suffix}", dir=path.parent)
        os.close(handle)
        part = Path(name)
        yield part
        _sync(part)
        part.chmod(0o666 & ~_umask())
        os.replace(part, path)
        part = None
        _sync(path.parent)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}. "
                        "Nothing was changed; free space or choose another folder.") from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def half_written(folder: Path) -> list[Path]:
    """
    What `replacing` left in a folder when its process was killed.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in (".manifest-kk45mnc9.part.json", "manifest.json"):
    ...     (folder / name).touch()
    >>> [path.name for path in half_written(folder)]
    ['.manifest-kk45mnc9.part.json']
    """
    return sorted(folder.glob(".*-????????.part*"))


def write_bytes(path: Path | str, content: bytes) -> Path:
    """Write `content` to `path`, whole or not at all; returns `path`."""
    with replacing(path) as part:
        part.write_bytes(content)
    return Path(path)


def write_text(path: Path | str, content: str) -> Path:
    """Write `content` to `path` as UTF-8 with LF line ends, whole or not at all; returns `path`."""
    return write_bytes(path, content.encode("utf-8"))


def write_csv(path: Path | str, frame: pl.DataFrame) -> Path:
    """Write a frame as UTF-8 CSV with text cells made harmless to spreadsheets; returns `path`."""
    with replacing(path) as part:
        without_formulas(frame).write_csv(part)
    return Path(path)


def write_parquet(path: Path | str, frame: pl.DataFrame) -> Path:
    """Write a frame as Parquet (zstd, with a checksum on every page); returns `path`."""
    import pyarrow.parquet as pq

    with replacing(path) as part:
        pq.write_table(frame.to_arrow(), part, compression="zstd", write_page_checksum=True)
    return Path(path)


def without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """
    The frame with an apostrophe before every text cell that a spreadsheet would run as a formula; numbers stay.

    Examples
    --------
    >>> import polars as pl
    >>> without_formulas(pl.DataFrame({"site": ["=1+1", "Barrow", "-0.5"]}))["site"].to_list()
    ["'=1+1", 'Barrow', '-0.5']
    """
    import polars as pl

    text = [pl.col(name).cast(pl.String) for name, kind in frame.schema.items()
            if kind in (pl.String, pl.Categorical)]
    return frame.with_columns(
        pl.when(cell.str.contains(_FORMULA) & ~cell.str.contains(_NUMBER))
        .then(pl.concat_str(pl.lit("'"), cell)).otherwise(cell).name.keep()
        for cell in text)


def read_parquet(path: Path | str) -> pl.DataFrame:
    """
    A Parquet file as a frame, its page checksums verified.

    Raises
    ------
    FileError
        If the file is missing, cut, or a byte of it was changed.
    """
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as stream:      # read_table would import pandas
            frame = pl.from_arrow(stream.read())
    except (OSError, pa.ArrowException) as error:
        raise FileError(f"{path}: damaged or not a Parquet file ({error}). Make it again.") from error
    assert isinstance(frame, pl.DataFrame)
    return frame


def sha256(path: Path | str) -> str:
    """The sha256 of a file, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
