"""A user's table as it stands in its file: CSV of any dialect and encoding, XLSX, Parquet; rows keep their numbers."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from talik.errors import AmbiguousFile, FileError, UsageError, unknown
from talik.frames import as_frame
from talik.readers.dialect import separator_of, unique_names
from talik.readers.encoding import decoded, detected, is_text, named
from talik.readers.numerals import BLANKS, decimal_mark, parsed

_ZIP, _PARQUET, _OLE = b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Tabular:
    """
    A table before anybody knows what its columns mean.

    Parameters
    ----------
    name : str
        Of the file, for messages; "table" for a frame.
    frame : polars.DataFrame
        Cells as text (CSV, mixed columns of XLSX) or as they were typed; blank cells null.
    rows : tuple of int
        Number of each row where a user would look for it: line of a CSV, row of a sheet, row from 1 of a frame.
    decimal : str
        Decimal mark of the text cells.
    """

    name: str
    frame: pl.DataFrame
    rows: tuple[int, ...]
    decimal: str = "."

    def where(self, row: int, column: str) -> str:
        """File, row and column of a cell, to begin a message with."""
        return f"{self.name}, row {self.rows[row]}, column {column!r}"

    def numbers(self, column: str) -> pl.Series:
        """
        A column as float64; null where the cell is blank.

        Raises
        ------
        FileError
            If a cell is not a number; with its row.
        """
        cells = self.frame[column]
        if cells.dtype == pl.Boolean or cells.dtype.is_temporal():
            raise FileError(f"{self.name}, column {column!r}: holds {cells.dtype}, expected numbers. "
                            "Did a spreadsheet turn them into dates?")
        self._refuse_mixed_marks(cells, column)
        values = parsed(cells, decimal=self.decimal).fill_nan(None)
        lost = (values.is_null() & cells.is_not_null()).arg_true()
        if cells.dtype == pl.String and len(lost):
            row = int(lost[0])
            raise FileError(f"{self.where(row, column)}: {cells[row]!r} is not a number "
                            f"({len(lost)} such cell{'s' * (len(lost) != 1)} in this column)")
        return values

    def _refuse_mixed_marks(self, cells: pl.Series, column: str) -> None:
        """A mark that does not part groups of three digits is a decimal mark, and all must be the same one."""
        if cells.dtype != pl.String:
            return
        wrong = cells.str.contains(_no_thousands("," if self.decimal == "." else ".")).fill_null(False).arg_true()
        if len(wrong):
            row = int(wrong[0])
            raise FileError(f"{self.where(row, column)}: {cells[row]!r} has another decimal mark than the rest of the "
                            f"table, which has {self.decimal!r}. Use one of them throughout.")


def tabular(source: Any, *, encoding: str | None = None, sheet: str | None = None) -> Tabular:
    """
    A table from a file or a frame.

    Parameters
    ----------
    source : path or frame
        CSV (any separator, decimal mark and encoding), XLSX or XLS, Parquet: told by the content, not by the ending;
        or a polars or pandas frame.
    encoding : str, optional
        Of a CSV; when None it is proved (UTF-8, byte order mark) or guessed, and a guess is shown in a warning.
    sheet : str, optional
        Of a workbook; needed when several sheets hold a table.

    Raises
    ------
    FileError
        If the file is missing, empty, damaged, ragged or not in the encoding.
    AmbiguousFile
        If the workbook has several tables and `sheet` does not say which.
    """
    if not isinstance(source, (str, Path)):
        frame = as_frame(source, "sites")
        return _finished("table", frame, range(1, frame.height + 1))
    path = Path(source)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}") from None
    if content.startswith((_ZIP, _OLE)):
        return _workbook(path, sheet)
    if sheet is not None:
        raise UsageError(f"{path.name}: sheet={sheet!r} is for workbooks, this is another kind of file")
    if content.startswith(_PARQUET):
        return _parquet(path)
    return _delimited(path, content, encoding)


def _parquet(path: Path) -> Tabular:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:  # pyarrow, since it verifies page checksums and reports damage instead of panicking on it
        table = pq.read_table(path, page_checksum_verification=True)
        table.validate(full=True)
        frame = as_frame(pl.from_arrow(table), path.name)
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise FileError(f"{path}: a damaged Parquet file: {error}") from None
    return _finished(path.name, frame, range(1, frame.height + 1))


def _delimited(path: Path, content: bytes, encoding: str | None) -> Tabular:
    found = named(encoding) if encoding else detected(content)
    if not is_text(content, found):
        raise FileError(f"{path}: is neither text, nor a workbook, nor Parquet")
    text = decoded(content, found, file=path.name)
    separator = separator_of([line.rstrip("\n") for line in islice(StringIO(text, newline=None), 50)])
    rows = _records(path, text, separator)
    if not rows:
        raise FileError(f"{path}: the file is empty; expected a header line and one row a site")
    header, body = rows[0][1], rows[1:]
    for line, cells in body:
        if len(cells) != len(header):
            hint = " A decimal comma in a comma-separated file? Quote it, or separate by semicolons." \
                if separator == "," and len(cells) > len(header) else ""
            raise FileError(f"{path.name}, line {line}: {len(cells)} cells, the header has {len(header)}.{hint}")
    names = unique_names(header)
    frame = pl.DataFrame([cells for _, cells in body], schema=dict.fromkeys(names, pl.String), orient="row")
    if encoding is None and found.name not in ("utf-8", "utf-8-sig") and not found.how.endswith(("mark)", "zero)")):
        _show_guess(path, found.how, text)
    return _finished(path.name, frame, [line for line, _ in body], separator)


def _records(path: Path, text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Rows with the line they end on, blank lines left out; a separator of blanks splits at runs of them."""
    if separator == " ":
        return [(n, line.split()) for n, line in enumerate(StringIO(text, newline=None), 1) if line.strip()]
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise FileError(f"{path.name}, line {reader.line_num}: {error}. A quote that is not closed?") from None
    return rows


def _show_guess(path: Path, how: str, text: str) -> None:
    sample = next((word for word in text.replace(",", " ").replace(";", " ").split() if not word.isascii()), "")
    warnings.warn(f"{path.name}: {how}; read as {sample!r}. If that is wrong, pass encoding=...", UserWarning,
                  stacklevel=5)


def _workbook(path: Path, sheet: str | None) -> Tabular:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(path)
        if sheet is not None and sheet not in book.sheet_names:
            raise unknown(f"sheet of {path.name}", sheet, book.sheet_names)
        tables = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                  for name in ([sheet] if sheet is not None else book.sheet_names)}
    except CalamineError as error:
        raise FileError(f"{path}: not a workbook that can be read: {error}") from None
    filled = {name: rows for name, rows in tables.items() if any(any(cell != "" for cell in row) for row in rows)}
    if not filled:
        raise FileError(f"{path}: the workbook is empty; expected a header row and one row a site")
    if len(filled) > 1:
        raise AmbiguousFile(f"{path.name}: has tables on the sheets {', '.join(filled)}. Say which: sheet=...")
    (name, rows), = filled.items()
    return _from_cells(f"{path.name}, sheet {name!r}", rows)


def _from_cells(name: str, rows: Sequence[Sequence[Any]]) -> Tabular:
    kept = [(number, row) for number, row in enumerate(rows, 1) if any(cell not in ("", None) for cell in row)]
    header = unique_names([str(cell) for cell in kept[0][1]])
    body = kept[1:]
    columns: Mapping[str, pl.Series] = {
        column: _typed(column, [row[k] if k < len(row) else "" for _, row in body]) for k, column in enumerate(header)}
    return _finished(name, pl.DataFrame(columns), [number for number, _ in body])


def _typed(name: str, cells: Sequence[Any]) -> pl.Series:
    """Numbers where all cells are numbers or blank, else text."""
    if all(cell in ("", None) or (isinstance(cell, (int, float)) and not isinstance(cell, bool)) for cell in cells):
        return pl.Series(name, [None if cell in ("", None) else float(cell) for cell in cells], dtype=pl.Float64)
    text = [None if cell in ("", None) else str(cell) for cell in cells]
    return pl.Series(name, text, dtype=pl.String)


def _blanks_as_null(frame: pl.DataFrame) -> pl.DataFrame:
    blank = [mark.upper() for mark in BLANKS]
    return frame.with_columns(
        pl.when(pl.col(name).cast(pl.String).str.strip_chars().str.to_uppercase().is_in(blank)).then(None)
        .otherwise(pl.col(name).cast(pl.String).str.strip_chars()).alias(name)
        for name, kind in frame.schema.items() if kind in (pl.String, pl.Categorical))


def _finished(name: str, frame: pl.DataFrame, rows: Iterable[int], separator: str = "") -> Tabular:
    return Tabular(name, _blanks_as_null(frame), tuple(rows), _decimal(name, frame, separator))


def _decimal(name: str, frame: pl.DataFrame, separator: str) -> str:
    """The decimal mark of the text cells; commas or blanks before three digits alone prove nothing and are refused."""
    cells = [cell for column, kind in frame.schema.items() if kind == pl.String for cell in frame[column].drop_nulls()]
    mark = decimal_mark(cells, separator)[0]
    marked = [cell for cell in cells if re.fullmatch(rf"[-+\u2212]?\d+{mark}\d+", cell)]
    if mark == " " or (mark == "," and marked and not any(re.search(_no_thousands(","), cell) for cell in marked)):
        raise AmbiguousFile(f"{name}: in {(marked or cells)[0]!r} the mark could part decimals or thousands, and no "
                            "other number tells. Write numbers without thousands marks.")
    return mark


def _no_thousands(mark: str) -> str:
    """A pattern for numbers in which the mark cannot part thousands: not three digits behind it, or a 0 before."""
    return rf"\{mark}(?:\d{{1,2}}|\d{{4,}})\D*$|^\D*0+\{mark}\d"
