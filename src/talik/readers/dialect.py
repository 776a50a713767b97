"""
The dialect of a text table: its separator, its header line, its cells.

The other rooms of dialects: `encoding` (bytes to text), `stamps.prove_dates` and `clock` (dates and times of day),
`zones` (time zones), `numerals` (decimal marks, negative styles, fill values), `depths` (depths and units in labels).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader
from typing import Any

import polars as pl

from talik.errors import FileError
from talik.readers.encoding import decoded
from talik.readers.registry import Head

BLOCK = 16 << 20
"""Bytes that are parsed at a time, so that a file of any length needs little memory beside its values."""

_WITH_COMMA = re.compile(r"[-+(]?\d[\d.\s']*,\d+[)-]?")
_MOSTLY = 0.9
_BLANK_END = re.compile(rb"\n[ \t\n\x1a]+\Z")

SEPARATORS = (",", ";", "\t", "|")


def separator_of(lines: Sequence[str]) -> str:
    """
    The character that parts the cells: the one that occurs equally often, and often, in most lines.

    A comma does not, where another mark parts the lines into cells whose commas are decimal marks.

    Examples
    --------
    >>> separator_of(["a;b;c", "1,5;2,5;3", "2,5;1;2"])
    ';'
    >>> separator_of(["1 2 3", "4 5 6"]), separator_of(["20.10.2020;-2,1;0,21", "21.10.2020;-1,9;0,2"])
    (' ', ';')
    """

    def share(mark: str) -> tuple[float, int]:
        counts = Counter(len(cells(line, mark)) for line in lines)
        width, lines_of_width = counts.most_common(1)[0]
        return (0.0, 0) if width < 2 else (round(lines_of_width / len(lines), 1), width)

    lines = [line for line in lines if line.strip()] or [""]
    best = max(SEPARATORS, key=lambda mark: (*share(mark), mark != ","))
    if best == ",":
        best = next((mark for mark in SEPARATORS[1:] if share(mark)[0] >= _MOSTLY and _decimal(lines, mark)), best)
    return best if share(best)[0] > 0 else " "


def _decimal(lines: Sequence[str], mark: str) -> bool:
    """Whether nearly all commas of the lines stand inside numbers when the lines are parted at a mark."""
    found = [cell for line in lines for cell in cells(line, mark) if "," in cell]
    return sum(bool(_WITH_COMMA.fullmatch(cell)) for cell in found) >= _MOSTLY * len(found)


def cells(line: str, separator: str) -> list[str]:
    """
    The cells of one line, with quotes taken off and blanks around them removed.

    Examples
    --------
    >>> cells('"Temp, °C" ; 5', ";"), cells("  1   2", " ")
    (['Temp, °C', '5'], ['1', '2'])
    """
    if separator == " ":
        return line.split()
    if '"' not in line:
        return [cell.strip() for cell in line.split(separator)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])]
    except csv.Error:
        return [cell.strip() for cell in line.split(separator)]


def unique_names(names: Sequence[str]) -> list[str]:
    """
    Names of columns without repetitions: the second "Temp" becomes "Temp (2)"; blank ones become "column 3".

    Examples
    --------
    >>> unique_names(["Temp", "Temp", ""])
    ['Temp', 'Temp (2)', 'column 3']
    """
    seen: Counter[str] = Counter()
    result = []
    for place, name in enumerate(names, 1):
        name = name.strip() or f"column {place}"
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return result


def blocks(head: Head, *, skip: int = 0, size: int = BLOCK) -> Iterator[bytes]:
    """
    The file in pieces of whole lines, as UTF-8 with LF line ends.

    Parameters
    ----------
    head : Head
        Of the file.
    skip : int
        Lines at the beginning to leave out; they stand in the first piece.
    size : int
        Bytes of a piece, about.

    Raises
    ------
    FileError
        If a piece is not in the file's encoding.
    """
    if head.encoding.name.startswith(("utf-16", "utf-32")):
        pieces = iter((_plain_lines(head.whole_text().encode(), head),))
    elif b"\r" in head.content.replace(b"\r\n", b""):
        pieces = _pieces(head, size)
    else:                                                # the lines are left out before the piece is read, not after
        pieces, skip = _pieces(head, size, skip), 0
    first = next(pieces, b"")
    start = 0
    for _ in range(skip):
        start = first.find(b"\n", start) + 1 or len(first)
    if start < len(first):
        yield first[start:]
    del first
    yield from pieces


def _pieces(head: Head, size: int, skip: int = 0) -> Iterator[bytes]:
    plain = head.encoding.name in ("utf-8", "utf-8-sig")
    with head.path.open("rb") as stream:
        if stream.read(3) != b"\xef\xbb\xbf":
            stream.seek(0)
        _as_utf8(b"".join(stream.readline(size) for _ in range(skip)), head, plain)
        while piece := stream.read(size):
            piece = _whole_lines(piece, stream)
            yield _as_utf8(piece, head, plain)


def _whole_lines(piece: bytes, stream: BufferedReader) -> bytes:
    """The piece without its last, cut line; the stream goes back to that line's beginning."""
    end = piece.rfind(b"\n") + 1 or piece.rfind(b"\r", 0, -1) + 1
    if not end or end == len(piece) or not stream.peek(1):
        return piece
    stream.seek(end - len(piece), 1)
    return piece[:end]


def _as_utf8(piece: bytes, head: Head, plain: bool) -> bytes:
    if not (plain and piece.isascii()):
        piece = decoded(piece, head.encoding, file=head.name).encode()
    return _plain_lines(piece, head)


def _plain_lines(piece: bytes, head: Head) -> bytes:
    """With LF line ends, and without lines of blanks (or the end mark of DOS) behind the last row."""
    if b"\r" in piece:
        piece = piece.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\0" in piece:
        raise FileError(f"{head.name}: holds binary data (a zero byte) inside its text; the file is damaged")
    if piece.endswith((b"\n", b" ", b"\t", b"\x1a")) and (blank := _BLANK_END.search(piece, len(piece) - 1024)):
        return piece[: blank.start() + 1]
    return piece


def table(
    piece: bytes,
    names: Sequence[str],
    separator: str,
    *,
    kinds: Mapping[str, type[pl.DataType]] | None = None,
    file: str = "",
    line: int = 1,
    ragged: bool = False,
    null_values: Sequence[str] = (),
    decimal_comma: bool = False,
) -> pl.DataFrame:
    """
    A piece of a text table as a frame; cells are text unless `kinds` says otherwise; blank lines are rows of nulls.

    Parameters
    ----------
    piece : bytes
        Whole lines in UTF-8, without the header.
    names : sequence of str
        Of the columns, without repetitions.
    separator : str
        One character.
    kinds : mapping, optional
        Polars types of columns that are parsed at once.
    file, line : str, int
        Name and number of the first line, for messages.
    ragged : bool
        True when longer and shorter lines are allowed; missing cells are null, extra cells are left out.
    null_values : sequence of str
        Texts that stand for no value.
    decimal_comma : bool
        True when floats have a decimal comma.

    Raises
    ------
    FileError
        If a line has more or fewer cells than `names` and not `ragged`; with its number.
    polars.exceptions.ComputeError
        If a cell does not fit `kinds`.
    """
    schema = {name: (kinds or {}).get(name, pl.String) for name in names}
    loose: dict[str, Any] = (
        {"truncate_ragged_lines": True, "extra_columns": "ignore", "missing_columns": "insert"} if ragged else {}
    )
    try:
        frame = pl.read_csv(
            io.BytesIO(piece),
            has_header=False,
            separator=separator,
            schema=schema,
            raise_if_empty=False,
            null_values=list(null_values) or None,
            decimal_comma=decimal_comma,
            quote_char='"' if b'"' in piece else None,
            **loose,
        )
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        if not ragged:
            _even(piece, len(names), separator, file, line)
        raise
    # the parser fills short lines with nulls: only a null in the last column can hide one
    if not ragged and frame[:, -1].null_count():
        _even(piece, len(names), separator, file, line)
    return frame


def _even(piece: bytes, width: int, separator: str, file: str, line: int) -> None:
    """Refuse a piece some line of which has another number of cells; a count first, the search only when it fails."""
    mark = separator.encode()
    if b'"' not in piece:
        lines = piece.count(b"\n") + (not piece.endswith(b"\n"))
        if piece.count(mark) == lines * (width - 1) and b"\n\n" not in piece:
            return
    for number, text in enumerate(piece.decode().split("\n"), line):
        count = len(cells(text, separator)) if text.strip() else width
        if count != width:
            last = " (the last line: is the file cut off?)" if number == line + piece.count(b"\n") else ""
            raise FileError(f"{file}, line {number}: {count} cell{'s' * (count != 1)}, expected {width}{last}")


def header_line(lines: Sequence[str], pattern: re.Pattern[str]) -> int | None:
    """Place of the first line that matches, or None."""
    return next((place for place, line in enumerate(lines) if pattern.search(line)), None)
