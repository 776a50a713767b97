"""The columns of a table, parsed piece by piece: plain numbers at full speed, stamps proved, lines kept."""

from __future__ import annotations

import mmap
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.dialect import BLOCK, blocks, cells, table
from talik.readers.endings import refuse_cut_number, refuse_cut_row, unproved
from talik.readers.numerals import BLANKS, parsed, unparsed
from talik.readers.registry import Head, Options
from talik.readers.spreadsheet import Cell, Rows
from talik.readers.stamps import Stamps, from_iso, halved, iso_shape, mark_between, prove_dates

_NULLS = [blank for blank in BLANKS if blank]
_LONG = 128 << 20
"""Bytes of plain tables in one process from which the compiled parser pays: it takes a second and 130 MB to load."""

_seen = Counter[str]()


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
    loose : tuple of str
        Those of `numbers` in which a cell that is no number is a missing one; in all others it is refused.
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
    loose: tuple[str, ...] = ()

    @property
    def kinds(self) -> dict[str, type[pl.DataType]]:
        """The types of the columns that are parsed at once, when they are plainly written."""
        return {**dict.fromkeys(self.numbers, pl.Float64), **dict.fromkeys(self.integers, pl.Int32)}

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
        The layout's number columns (float64), integer columns (int32) and text columns (categories).
    stamps : Stamps or None
        One for each row.
    lines : int array
        The line of each row in the file.
    note : str
        A sentence on a last row that was left out.
    """

    frame: pl.DataFrame
    stamps: Stamps | None
    lines: NDArray[np.integer]
    note: str = ""

    @property
    def proved(self) -> Stamps:
        """The stamps of a table that has them."""
        if self.stamps is None:
            raise ValueError("the table was laid out without stamps")
        return self.stamps

    @property
    def repeated(self) -> int:
        """Rows whose stamp occurs before them."""
        times = self.proved.times.view(np.int64)
        return 0 if (times[1:] > times[:-1]).all() else len(times) - len(np.unique(times))

    def kept(self, rows: NDArray[np.bool_]) -> Columns:
        """Only some of the rows."""
        proved = replace(self.proved, times=self.proved.times[rows])
        return Columns(self.frame.filter(pl.Series(rows)), proved, self.lines[rows], self.note)

    def matrix(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Number columns side by side, NaN where there is none."""
        return self.frame.select(names).to_numpy()


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
    parts = _Parts(head, layout, _quick_shape(head, layout, options), options.frugal)
    end = b""
    for piece in blocks(head, skip=layout.skip):
        parts.add(piece)
        end = piece[-8192:]
        del piece                                       # before the next one is read, and before they are joined
    if not sum(map(len, parts.frames)):
        raise FileError(f"{head.name}: has a header and no rows")
    frame, rows = parts.joined(), np.concatenate(parts.lines)
    if not layout.ragged:
        refuse_cut_number(end, head.name, int(rows[-1]))
    else:
        least = max(map(layout.names.index, layout.numbers)) + 1
        refuse_cut_row(end, layout.separator, least, head.name, int(rows[-1]))
    note = unproved(end, head.name, len(rows)) if rows[-1] == parts.next_line - 1 else ""
    if note:
        frame, rows = frame[:-1], rows[:-1]
    stamps = None
    if parts.shape:
        stamps = from_iso(frame[layout.stamp], dates_only=parts.shape == "%Y-%m-%d")
    elif layout.stamp:
        stamps = prove_dates(
            frame[layout.stamp],
            clock=frame[parts.clock] if parts.clock else None,
            date_order=options.date_order,
            file=head.name,
            lines=rows,
        )
    return Columns(frame.select(layout.kept), stamps, rows, note)


class _Parts:
    """The pieces of a table as they are parsed: each in the quickest way that its cells allow."""

    def __init__(self, head: Head, layout: Layout, shape: str, frugal: bool) -> None:
        self.head, self.layout, self.shape = head, layout, shape
        first = _first_stamp(head, layout) if layout.stamp and not layout.clock else ""
        self.mark = mark_between(first)
        self.written = len(first), ord((first[10:] or " ")[0])
        self.clock = layout.clock or (f"clock of {layout.stamp}" if self.mark else "")
        # functions of the class: bound to self they would be a cycle, and keep all pieces until the collector runs
        self.ways = [_Parts._as_written, _Parts._with_blanks, _Parts._as_text]
        if layout.decimal == " ":
            self.ways = self.ways[2:]
        elif shape and layout.decimal == "." and not layout.ragged and layout.separator != " ":
            _seen["bytes"] += head.size
            if _seen["bytes"] >= _LONG and not frugal:
                self.ways.insert(0, _Parts._plain)
        self.frames: list[pl.DataFrame] = []
        self.lines: list[NDArray[np.int32]] = []
        self.next_line = layout.skip + 1

    def add(self, piece: bytes) -> None:
        if self.layout.separator == " ":  # columns that were aligned with blanks or tabs
            piece = re.sub(rb"(?m)^ | $", b"", re.sub(rb"[ \t]+", b" ", piece))
        frame = self._parsed(piece, self.next_line)
        rows = np.arange(self.next_line, self.next_line + len(frame), dtype=np.int32)
        self.next_line += len(frame)
        if min(frame.null_count().row(0)):
            filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
            frame, rows = frame.filter(filled), rows[filled.to_numpy()]
        frame = self._stamped(self._numbered(frame, rows))  # may make the frames before it anew
        self.frames.append(frame)
        self.lines.append(rows)

    def joined(self) -> pl.DataFrame:
        """All pieces as one frame, column by column, so that each column's pieces go before the next is joined."""
        if len(self.frames) == 1:
            return self.frames[0]
        pieces = [frame.get_columns() for frame in self.frames]
        self.frames = []
        joined = []
        while pieces[0]:
            joined.append(pl.concat([columns.pop(0) for columns in pieces], rechunk=True))
        return pl.DataFrame(joined)

    def _stamped(self, frame: pl.DataFrame) -> pl.DataFrame:
        """ISO stamps at once; others as dates and times of day, of which there are few different ones."""
        if self.shape and frame.schema[self.layout.stamp] != pl.String:
            return frame
        if self.shape:
            times = frame[self.layout.stamp].str.to_datetime(self.shape, time_unit="us", strict=False, cache=False)
            if not times.null_count():
                return frame.with_columns(times.alias(self.layout.stamp))
            # written in another way further down: the long way for all of it
            shape, self.shape = self.shape, ""
            self.frames = [
                self._stamped(f.with_columns(pl.col(self.layout.stamp).dt.strftime(shape))) for f in self.frames
            ]
        if self.mark:
            dates, hours = halved(frame[self.layout.stamp], self.mark)
            return frame.with_columns(dates.alias(self.layout.stamp), hours.alias(self.clock))
        names = [name for name in (self.layout.stamp, self.clock) if name]
        return frame.with_columns(pl.col(names).fill_null("").cast(pl.Categorical)) if names else frame

    def _parsed(self, piece: bytes, line: int) -> pl.DataFrame:
        while len(self.ways) > 1:
            try:
                return self.ways[0](self, piece, line)
            except pl.exceptions.ComputeError:
                self.ways = self.ways[1:]
        try:
            return self.ways[0](self, piece, line)
        except pl.exceptions.PolarsError as error:
            raise FileError(
                f"{self.head.name}, from line {line}: the table is malformed, such as by a quotation mark that is not "
                f"closed ({str(error).strip().splitlines()[0][:120]})"
            ) from None

    def _plain(self, piece: bytes, line: int) -> pl.DataFrame:
        """Numbers, ISO stamps, words and nothing else; whatever it stumbles on is left to the other ways."""
        from talik.readers.plain_rows import INTEGER, NUMBER, SKIPPED, STAMP, TEXT, line_ends, parse

        piece = piece if piece.endswith(b"\n") else piece + b"\n"
        layout, text = self.layout, np.frombuffer(piece, np.uint8)
        n = int(line_ends(text))                              # bytes.count takes several times as long
        holds = {**dict.fromkeys(layout.numbers, NUMBER), **dict.fromkeys(layout.integers, INTEGER),
                 **dict.fromkeys(layout.texts, TEXT), layout.stamp: STAMP}
        kinds = np.array([holds.get(name, SKIPPED) for name in layout.names])
        seconds = np.empty(n, np.int64)
        numbers, integers = np.empty((len(layout.numbers), n)), np.empty((len(layout.integers), n), np.int32)
        words, runs = np.empty((len(layout.texts), n // 8 + 1, 3), np.int64), np.zeros(len(layout.texts), np.int64)
        width, mark = self.written
        if parse(text, kinds, ord(layout.separator), width, mark, seconds, numbers, integers, words, runs) != n:
            raise pl.exceptions.ComputeError("not plainly written")
        named = [name for kind in (NUMBER, INTEGER) for name in layout.names if holds.get(name) == kind]
        column = pl.Series if self.head.size <= BLOCK else _apart
        found = {name: column(values) for name, values in zip(named, (*numbers, *integers), strict=True)}
        named = [name for name in layout.names if holds.get(name) == TEXT]
        found |= {name: _repeated(piece, run[:count], n) for name, run, count in zip(named, words, runs, strict=True)}
        seconds *= 1_000_000
        found[layout.stamp] = column(seconds).cast(pl.Datetime("us"))
        return pl.DataFrame({name: found[name] for name in [*layout.kept, layout.stamp]})

    def _as_written(self, piece: bytes, line: int) -> pl.DataFrame:
        return self._table(piece, line, kinds=self.layout.kinds, decimal_comma=self.layout.decimal == ",")

    def _with_blanks(self, piece: bytes, line: int) -> pl.DataFrame:
        return self._table(
            piece, line, kinds=self.layout.kinds, decimal_comma=self.layout.decimal == ",", null_values=_NULLS
        )

    def _as_text(self, piece: bytes, line: int) -> pl.DataFrame:
        return self._table(piece, line)

    def _table(self, piece: bytes, line: int, **more: Any) -> pl.DataFrame:
        frame = table(
            piece,
            self.layout.names,
            self.layout.separator,
            file=self.head.name,
            line=line,
            ragged=self.layout.ragged,
            **more,
        )
        return frame.select([*self.layout.kept, *filter(None, (self.layout.stamp, self.layout.clock))])

    def _numbered(self, frame: pl.DataFrame, rows: NDArray[np.integer]) -> pl.DataFrame:
        kinds, loose = frame.schema, set(self.layout.loose)  # a frame makes its schema anew each time it is asked
        found = []
        for name in (*self.layout.numbers, *self.layout.integers):
            if kinds[name] == pl.String:
                values = parsed(frame[name], decimal=self.layout.decimal)
                if name not in loose:
                    unparsed(frame[name], values, file=self.head.name, column=name, lines=rows)
                found.append(values.alias(name))
        frame = frame.with_columns(found)
        if not self.layout.integers and not self.layout.texts:
            return frame
        return frame.with_columns(
            pl.col(self.layout.integers).cast(pl.Int32), pl.col(self.layout.texts).cast(pl.Categorical)
        )


def _apart(values: NDArray[Any]) -> pl.Series:
    """A copy in memory of its own, which the system gets back as soon as the pieces of the column are joined."""
    own = np.frombuffer(mmap.mmap(-1, values.nbytes), values.dtype)
    own[:] = values
    return pl.Series(own)


def _repeated(piece: bytes, runs: NDArray[np.int64], n: int) -> pl.Series:
    """The words of a column, from the first row of each run of one word and where it stands; null where blank."""
    words = pl.Series([piece[begin:end].decode() or None for _, begin, end in runs.tolist()], dtype=pl.Categorical)
    return words.gather(np.repeat(np.arange(len(runs)), np.diff(runs[:, 0], append=n)))


def columns_of_rows(rows: Rows, layout: Layout, options: Options, *, file: str) -> Columns:
    """
    The columns of a sheet of a workbook, as `read_columns` gives them of a text; `layout.skip` rows are the header.

    Raises
    ------
    FileError
        If a cell of a number column holds something else, or a stamp is none; with the row of the sheet.
    AmbiguousFile
        If the order of the dates cannot be proved.
    """
    body = rows[layout.skip :]
    lines = np.array(
        [n for n, row in enumerate(body, layout.skip + 1) if any(cell is not None for cell in row)], np.int64
    )
    if not lines.size:
        raise FileError(f"{file}: has a header and no rows")
    found: dict[str, pl.Series] = {}
    for name in [*layout.kept, *filter(None, (layout.stamp, layout.clock))]:
        place = layout.names.index(name)
        texts = [_text(rows[n - 1][place]) if place < len(rows[n - 1]) else None for n in lines]
        found[name] = pl.Series(name, texts, dtype=pl.String)
    for name in (*layout.numbers, *layout.integers):
        values = parsed(found[name], decimal=layout.decimal)
        if name not in layout.loose:
            unparsed(found[name], values, file=file, column=name, lines=lines)
        found[name] = values
    stamps = (
        prove_dates(
            found[layout.stamp],
            clock=found[layout.clock] if layout.clock else None,
            date_order=options.date_order,
            file=file,
            lines=lines,
        )
        if layout.stamp
        else None
    )
    frame = pl.DataFrame([found[name].alias(name) for name in layout.kept]).with_columns(
        pl.col(layout.integers).cast(pl.Int32), pl.col(layout.texts).cast(pl.Categorical)
    )
    return Columns(frame, stamps, lines)


def _text(cell: Cell) -> str | None:
    return cell if cell is None or isinstance(cell, str) else f"{cell:.15g}"


def _quick_shape(head: Head, layout: Layout, options: Options) -> str:
    if not layout.stamp or layout.clock or options.date_order not in (None, "YMD"):
        return ""
    return iso_shape(_first_stamp(head, layout))


def _first_stamp(head: Head, layout: Layout) -> str:
    first = cells(head.lines[layout.skip], layout.separator) if len(head.lines) > layout.skip else []
    place = layout.names.index(layout.stamp)
    return first[place] if place < len(first) else ""
