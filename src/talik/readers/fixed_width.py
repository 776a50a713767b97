"""Fixed columns of characters to numbers, all rows at once; a blank is a missing value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError

_BLANK, _MINUS, _PLUS, _POINT, _ZERO = (ord(c) for c in " -+.0")


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its number and title in the layout, and the characters from `begin` up to `end` (from 0)."""

    number: str
    title: str
    begin: int
    end: int

    @property
    def width(self) -> int:
        """Characters."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equal length: characters as bytes, shape (n, width), and the file's name for messages."""

    characters: NDArray[np.uint8]
    file: str


def table(content: bytes, width: int, *, file: str) -> Table:
    """
    The rows of a file of fixed columns.

    Rows whose end was stripped of blanks are filled up; rows that are shorter than the last column's beginning, or
    longer than the layout, are not.

    Parameters
    ----------
    content : bytes
        One byte a character.
    width : int
        Characters of a row, by the layout.
    file : str
        For messages.

    Raises
    ------
    FileError
        If a row is longer than the layout, or the last row is cut.

    Examples
    --------
    >>> rows = table(b"24266 -47.0\\n24266      \\n", 11, file="wr.txt")
    >>> numbers(rows, Field("2", "air", 6, 11))
    array([-47.,  nan])
    """
    content = content.replace(b"\r\n", b"\n").rstrip(b"\n\x1a")
    if not content:
        raise FileError(f"{file}: holds no rows")
    characters = np.frombuffer(content + b"\n", np.uint8)
    if characters.size % (width + 1) == 0:
        square = characters.reshape(-1, width + 1)
        if (square[:, -1] == 10).all() and not (square[:, :-1] == 10).any():
            return Table(square[:, :-1], file)
    lines = content.split(b"\n")
    long = next((i for i, line in enumerate(lines, 1) if len(line.rstrip()) > width), None)
    if long:
        raise FileError(f"{file}, line {long}: {len(lines[long - 1].rstrip())} characters where the layout has {width}")
    usual = len(lines[0].rstrip())
    if len(lines) > 1 and len(lines[-1].rstrip()) < usual // 2:
        raise FileError(
            f"{file}, line {len(lines)}: {len(lines[-1])} characters where the layout has {width}: the file is cut"
        )
    padded = b"".join(line.ljust(width) for line in lines)
    return Table(np.frombuffer(padded, np.uint8).reshape(-1, width), file)


def numbers(rows: Table, field: Field, *, fills: tuple[float, ...] = ()) -> NDArray[np.float64]:
    """
    One column as float64; NaN where it is blank or one of `fills`.

    Raises
    ------
    FileError
        If a cell is no number; the message has its line.
    """
    cells = rows.characters[:, field.begin:field.end]
    digits = cells - np.uint8(_ZERO)                                   # wraps round: anything but a digit is above 9
    is_digit = digits <= 9
    value = np.zeros(len(cells))
    decimals = np.zeros(len(cells), np.int64)
    behind = np.zeros(len(cells), bool)
    for place in range(cells.shape[1]):
        here = is_digit[:, place]
        value = np.where(here, value * 10 + digits[:, place], value)
        decimals += here & behind
        behind |= cells[:, place] == _POINT
    minus = (cells == _MINUS).any(axis=1)
    _check(rows, field, cells, is_digit)
    value /= 10.0**decimals
    value[minus] *= -1
    blank = ~is_digit.any(axis=1)
    value[blank] = np.nan
    for fill in fills:
        value[value == fill] = np.nan
    return value


def _check(rows: Table, field: Field, cells: NDArray[np.uint8], is_digit: NDArray[np.bool_]) -> None:
    """Blanks, then a sign, then digits with one point at most, then blanks; anything else is no number."""
    blank = cells == _BLANK
    sign = (cells == _MINUS) | (cells == _PLUS)
    point = cells == _POINT
    known = blank | sign | point | is_digit
    inner = ~blank
    # a blank, or a sign, behind the first character of the number
    began = np.logical_or.accumulate(inner, axis=1)
    ends = np.logical_or.accumulate(inner[:, ::-1], axis=1)[:, ::-1]
    torn = blank & began & ends
    late = sign[:, 1:] & began[:, :-1]
    bad = (~known.all(axis=1) | torn.any(axis=1) | late.any(axis=1) | (point.sum(axis=1) > 1)
           | (inner.any(axis=1) & ~is_digit.any(axis=1)))
    if bad.any():
        row = int(np.argmax(bad))
        text = bytes(cells[row]).decode("cp1251", errors="replace")
        raise FileError(
            f"{rows.file}, line {row + 1}: {text!r} in column {field.title!r} (characters {field.begin + 1} to "
            f"{field.end}) is not a number ({int(bad.sum())} such row{'s' * (int(bad.sum()) != 1)})"
        )
