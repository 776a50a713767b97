"""The columns of a text table, parsed piece by piece: numbers at full speed where they are plain, stamps proved, lines kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.dialect import blocks, cells, table
from talik.readers.numerals import BLANKS, parsed, unparsed
from talik.readers.registry import Head, Options
from talik.readers.spreadsheet import Cell, Rows
from talik.readers.stamps import Stamps, from_iso, iso_shape, prove_dates

_NULLS = [blank for blank in BLANKS if blank]


@dataclass(frozen=True, slots=True)
class Layout:
    """
    How a text table is written.

    Parameters
    ----------
    names : tuple of str
        All its columns, without repetitions.
    separator : str
        One character.
    skip : int
        Lines above the first row.
    numbers : tuple of str
        Columns that hold numbers.
    texts : tuple of str
        Columns that are kept as text (as categories: few distinct ones take little room).
    integers : tuple of str
        Columns that hold whole numbers, such as identifiers.
    stamp : str
        The column of stamps, or of dates; "" when there is none.
    clock : str
        The column of times of day, when they stand apart.
    decimal : str
        The decimal mark.
    ragged : bool
        True when rows may have other numbers of cells than there are names.
    """

    names: tuple[str, ...]
    separator: str
    skip: int
    numbers: tuple[str, ...]
    texts: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    stamp: str = ""
    clock: str = ""
    decimal: str = "."
    ragged: bool = False

    @property
    def kinds(self) -> dict[str, type[pl.DataType]]:
        """The types of the columns that are parsed at once, when they are plainly written."""
        return {**{name: pl.Float64 for name in self.numbers}, **{name: pl.Int64 for name in self.integers}}

    @property
    def kept(self) -> list[str]:
        """The columns that come out, beside the stamps."""
        return [*self.numbers, *self.integers, *self.texts]


@dataclass(frozen=True, slots=True)
class Columns:
    """
    The rows of a text table that are not blank.

    Parameters
    ----------
    frame : polars.DataFrame
        The layout's number columns (float64), integer columns (int64) and text columns (categories).
    stamps : Stamps or None
        One for each row.
    lines : int array
        The line of each row in the file.
    """

    frame: pl.DataFrame
    stamps: Stamps | None
    lines: NDArray[np.int64]

    @property
    def proved(self) -> Stamps:
        """The stamps of a table that has them."""
        if self.stamps is None:
            raise ValueError("the table was laid out without stamps")
        return self.stamps

    def kept(self, rows: NDArray[np.bool_]) -> Columns:
        """Only some of the rows."""
        return Columns(self.frame.filter(pl.Series(rows)), replace(self.proved, times=self.proved.times[rows]), self.lines[rows])

    def matrix(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Number columns side by side, NaN where there is none."""
        return np.column_stack([self.frame[name].to_numpy() for name in names]) if names else np.empty((len(self.frame), 0))


def read_columns(head: Head, layout: Layout, options: Options) -> Columns:
    """
    The columns of a text table.

    Raises
    ------
    FileError
        If a cell of a number column holds something else, a row is short or long, or a stamp is none; with line.
    AmbiguousFile
        If the order of the dates cannot be proved.
    """
    shape = _quick_shape(head, layout, options)
    frames, lines = [], []
    for piece, line in blocks(head, skip=layout.skip):
        frame, rows = _rows(piece, line, layout, head.name)
        if shape:
            times = frame[layout.stamp].str.to_datetime(shape, time_unit="us", strict=False)
            if times.null_count():               # written in another way further down: the long way for all of it
                shape, frames = "", [f.with_columns(pl.col(layout.stamp).dt.strftime(shape)) for f in frames]
            else:
                frame = frame.with_columns(times.alias(layout.stamp))
        frames.append(frame)
        lines.append(rows)
        last = piece[piece.rstrip(b"\n").rfind(b"\n") + 1:].decode().rstrip("\n")
    if not sum(map(len, frames)):
        raise FileError(f"{head.name}: has a header and no rows")
    frame, rows = pl.concat(frames), np.concatenate(lines)
    if layout.ragged and len(cells(last, layout.separator)) < max(map(layout.names.index, layout.numbers)) + 1:
        raise FileError(f"{head.name}, line {rows[-1]}: {last[:60]!r} lacks cells (the last line: is the file cut off?)")
    stamps = None
    if shape:
        stamps = from_iso(frame[layout.stamp], dates_only=shape == "%Y-%m-%d")
    elif layout.stamp:
        stamps = prove_dates(frame[layout.stamp], clock=frame[layout.clock] if layout.clock else None,
                             date_order=options.date_order, file=head.name, lines=rows)
    return Columns(frame.select(layout.kept), stamps, rows)


def columns_of_rows(rows: Rows, layout: Layout, options: Options, *, file: str) -> Columns:
    """
    The columns of a sheet of a workbook, as `read_columns` gives them of a text table; `layout.skip` rows are the header.

    Raises
    ------
    FileError
        If a cell of a number column holds something else, or a stamp is none; with the row of the sheet.
    AmbiguousFile
        If the order of the dates cannot be proved.
    """
    body = rows[layout.skip:]
    lines = np.array([n for n, row in enumerate(body, layout.skip + 1) if any(cell is not None for cell in row)], np.int64)
    if not lines.size:
        raise FileError(f"{file}: has a header and no rows")
    found: dict[str, pl.Series] = {}
    for name in [*layout.kept, *filter(None, (layout.stamp, layout.clock))]:
        place = layout.names.index(name)
        texts = [_text(rows[n - 1][place]) if place < len(rows[n - 1]) else None for n in lines]
        found[name] = pl.Series(name, texts, dtype=pl.String)
    for name in (*layout.numbers, *layout.integers):
        values = parsed(found[name], decimal=layout.decimal)
        unparsed(found[name], values, file=file, column=name, lines=lines)
        found[name] = values
    stamps = prove_dates(found[layout.stamp], clock=found[layout.clock] if layout.clock else None,
                         date_order=options.date_order, file=file, lines=lines) if layout.stamp else None
    frame = pl.DataFrame([found[name].alias(name) for name in layout.kept]).with_columns(
        pl.col(layout.integers).cast(pl.Int64), pl.col(layout.texts).cast(pl.Categorical))
    return Columns(frame, stamps, lines)


def _text(cell: Cell) -> str | None:
    return cell if cell is None or isinstance(cell, str) else f"{cell:.15g}"


def _quick_shape(head: Head, layout: Layout, options: Options) -> str:
    if not layout.stamp or layout.clock or options.date_order not in (None, "YMD") or len(head.lines) <= layout.skip:
        return ""
    first = cells(head.lines[layout.skip], layout.separator)
    place = layout.names.index(layout.stamp)
    return iso_shape(first[place]) if place < len(first) else ""


def _rows(piece: bytes, line: int, layout: Layout, file: str) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """The rows of a piece with their lines; blank lines are left out."""
    names = [*layout.kept, *filter(None, (layout.stamp, layout.clock))]
    frame = _parsed_at_once(piece, line, layout, names, file)
    if frame is None:
        frame = table(piece, layout.names, layout.separator, keep=names, file=file, line=line, ragged=layout.ragged)
    rows = np.arange(line, line + len(frame))
    if b"\n\n" in piece or piece.startswith(b"\n"):
        filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
        frame, rows = frame.filter(filled), rows[filled.to_numpy()]
    for name in (*layout.numbers, *layout.integers):
        if frame.schema[name] == pl.String:
            values = parsed(frame[name], decimal=layout.decimal)
            unparsed(frame[name], values, file=file, column=name, lines=rows)
            frame = frame.with_columns(values.alias(name))
    return frame.with_columns(pl.col(layout.integers).cast(pl.Int64), pl.col(layout.texts).cast(pl.Categorical)), rows


def _parsed_at_once(piece: bytes, line: int, layout: Layout, names: list[str], file: str) -> pl.DataFrame | None:
    """The quick way, for plain numbers; None when some cell is written otherwise."""
    if layout.decimal == " ":
        return None
    try:
        return table(piece, layout.names, layout.separator, keep=names, file=file, line=line, ragged=layout.ragged,
                     kinds=layout.kinds, null_values=_NULLS,
                     decimal_comma=layout.decimal == ",")
    except pl.exceptions.ComputeError:
        return None
