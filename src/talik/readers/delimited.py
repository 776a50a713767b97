"""Rows of text with a known number of fields become columns, columns become numbers; faults are told by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.columns import Columns, Layout, read_columns
from talik.readers.dialect import cells
from talik.readers.encoding import split_lines
from talik.readers.endings import whole_row
from talik.readers.numerals import decimal_mark, parsed, unparsed
from talik.readers.registry import Head, Options

_TAIL = 8192
"""Bytes at the end of a file that show how its rows are written."""

_LOOKED_AT = 300
"""Numbers with a comma, and as many with a point, that show which of them is the decimal mark."""


@dataclass(frozen=True, slots=True)
class Fields:
    """
    Text columns of a file, and the line of each row.

    Parameters
    ----------
    frame : polars.DataFrame
        All text; columns "0", "1", ...; an empty text where a row has no such field.
    lines : int array, shape (n,)
        Line of the file, from 1.
    file : str
        For messages.
    """

    frame: pl.DataFrame
    lines: NDArray[np.int64]
    file: str

    def text(self, column: int) -> pl.Series:
        """One column as it stands."""
        return self.frame[str(column)]

    def numbers(self, column: int, *, name: str = "") -> NDArray[np.float64]:
        """
        One column as float64; NaN where it is blank, not a number, or infinite.

        Raises
        ------
        FileError
            If a field is something else; the message has its line.
        """
        text = self.text(column)
        marked = [text.filter(text.str.contains(mark)).head(_LOOKED_AT) for mark in ("[,\\s']", r"\.")]
        decimal, _ = decimal_mark(cell for cells in marked for cell in cells)
        values = parsed(text, decimal=decimal)
        unparsed(text, values, file=self.file, column=name or str(column + 1), lines=self.lines.tolist())
        array = values.to_numpy().astype(np.float64)
        array[~np.isfinite(array)] = np.nan
        return array

    def matrix(self, columns: Sequence[int], names: Sequence[str]) -> NDArray[np.float64]:
        """Several columns as float64, shape (n, m)."""
        if not columns:
            return np.empty((len(self.lines), 0))
        return np.column_stack([self.numbers(column, name=name) for column, name in zip(columns, names, strict=True)])


def split(
    lines: Sequence[str],
    separator: str,
    *,
    width: int,
    file: str,
    numbers: Sequence[int] | NDArray[np.int64] | int,
    at_least: int | None = None,
) -> Fields:
    """
    Lines of text as columns.

    Parameters
    ----------
    lines : sequence of str
        The rows; fields may stand in double quotes.
    separator : str
        One character.
    width : int
        How many fields a row may have.
    file : str
        For messages.
    numbers : int or sequence of int
        Line of the first row, or of every row.
    at_least : int, optional
        How many fields a row must have; `width` when not given.

    Raises
    ------
    FileError
        If a row has more or fewer fields, or there is no row.

    Examples
    --------
    >>> rows = split(["2020-01-01,-5.5", "2020-01-02,NAN"], ",", width=2, file="a.csv", numbers=7)
    >>> rows.numbers(1)
    array([-5.5,  nan])
    >>> split(["2020-01-01,-5.5", "2020-01"], ",", width=2, file="a.csv", numbers=7)
    Traceback (most recent call last):
    ...
    talik.errors.FileError: a.csv, line 8: 1 field where 2 are expected: '2020-01'. The line is cut, ...
    """
    if not lines:
        raise FileError(f"{file}: ends before its first row of data")
    places = np.arange(numbers, numbers + len(lines)) if isinstance(numbers, int) else np.asarray(numbers)
    rows = pl.Series(lines, dtype=pl.String)
    fields = rows.str.count_matches(separator, literal=True).to_numpy() + 1
    quoted = rows.str.count_matches('"', literal=True).to_numpy()
    if (quoted % 2).any():
        line = places[int(np.argmax(quoted % 2))]
        raise FileError(f"{file}, line {line}: a quote opens that is not closed in its line")
    if quoted.any():                                                    # separators inside quotes part nothing
        fields = rows.str.replace_all('"[^"]*"', "").str.count_matches(separator, literal=True).to_numpy() + 1
    least = width if at_least is None else at_least
    bad = np.flatnonzero((fields > width) | (fields < least))
    if bad.size:
        got, expected = int(fields[bad[0]]), f"{width}" if least == width else f"{least} to {width}"
        raise FileError(f"{file}, line {places[bad[0]]}: {got} field{'s' * (got != 1)} where {expected} are expected: "
                        f"{lines[int(bad[0])][:60]!r}. The line is cut, or the file is not whole.")
    schema = {str(i): pl.String for i in range(width)}
    padded = lines[0] + separator * (width - int(fields[0]))            # the first row must be as wide as the schema
    frame = pl.read_csv("\n".join([padded, *lines[1:]]).encode(), has_header=False, schema=schema, separator=separator,
                        quote_char='"' if quoted.any() else None)
    return Fields(frame.with_columns(pl.all().fill_null("")), places, file)


def trimmed(line: str, separator: str, width: int) -> str:
    """
    A row without the empty cells that a spreadsheet puts behind its last column.

    Examples
    --------
    >>> trimmed("1;-2,5;;;", ";", 3), trimmed("1;-2,5;;x", ";", 3)
    ('1;-2,5;', '1;-2,5;;x')
    """
    line = line.rstrip(" \r")
    extra = line.count(separator) - (width - 1)
    return line[:-extra] if extra > 0 and line.endswith(separator * extra) else line


def quoted_columns(head: Head, layout: Layout, options: Options) -> Columns:
    """
    `read_columns` for files in which a damaged quote may swallow the lines behind it.

    Raises
    ------
    FileError
        As `read_columns`; and, with its line, when a quote opens that is not closed in its line.
    """
    try:
        return read_columns(head, layout, options)
    except pl.exceptions.ComputeError:
        lines = head.whole_text().splitlines()
        odd = next((number for number, line in enumerate(lines, 1) if line.count('"') % 2), None)
        if odd is None:
            raise
        raise FileError(f"{head.name}, line {odd}: a quote opens that is not closed in its line") from None


def refuse_overlooked(head: Head, layout: Layout, columns: Columns) -> None:
    """
    Refuse a ragged table some line of which has words where the stamp should be, and nothing that was read.

    Raises
    ------
    FileError
        With the line.
    """
    first, last = int(columns.lines[0]), int(columns.lines[-1])
    if last - first + 1 == len(columns.lines):
        return
    lines, place = split_lines(head.whole_text()), layout.names.index(layout.stamp)
    for number in np.setdiff1d(np.arange(first, last), columns.lines).tolist():
        found = cells(lines[number - 1], layout.separator)[: place + 1]
        if any(found) and not (len(found) > place and found[0].isdigit() and not any(found[1:])):
            raise FileError(f"{head.name}, line {number}: {lines[number - 1][:60]!r} is no row: expected "
                            f"{layout.stamp!r} in cell {place + 1}")


def ended(head: Head) -> None:
    """
    Refuse a text file whose last line has no line end and may be cut: inside its cells, or inside its last number.

    A number that was cut has fewer digits than the one it was: the last row counts as whole when it has as many
    cells as the rows before it, and its last number as many decimals as any of those (an integer: as many digits as
    the shortest).

    Raises
    ------
    FileError
        With what to do when the file is whole after all.
    """
    with head.path.open("rb") as stream:
        stream.seek(max(0, head.size - _TAIL))
        tail = stream.read().rstrip(b"\0 \x1a")
    if tail.endswith((b"\n", b"\r")):
        return
    *before, last = split_lines(tail.decode(head.encoding.name, errors="replace"))
    if not whole_row(last, [line for line in before[1:] if line.strip()][-50:]):
        raise FileError(f"{head.name}: its last line has no line end and {last[-20:]!r} may be cut, perhaps inside a "
                        "number. If it is whole, add a line end.")
