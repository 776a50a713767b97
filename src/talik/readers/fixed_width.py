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
    cells = np.ascontiguousarray(rows.characters[:, field.begin : field.end].T)
    value = np.zeros(cells.shape[1], np.int64)
    decimals = np.zeros(cells.shape[1], np.int64)
    began, ended, behind, minus, some, bad = np.zeros((6, cells.shape[1]), bool)
    for cell in cells:  # blanks, then a sign, then digits with one point at most, then blanks; else it is no number
        digit = cell - np.uint8(_ZERO)  # wraps round: anything but a digit is above 9
        is_digit, blank, point = digit <= 9, cell == _BLANK, cell == _POINT
        sign = (cell == _MINUS) | (cell == _PLUS)
        bad |= ~(is_digit | blank | point | sign) | (ended & ~blank) | (sign & began) | (point & behind)
        np.add(value * 10, digit, out=value, where=is_digit)
        decimals += is_digit & behind
        minus |= cell == _MINUS
        some |= is_digit
        ended |= began & blank
        began |= ~blank
        behind |= point
    bad |= began & ~some
    if bad.any():
        _refuse(rows, field, bad)
    number = value / 10.0**decimals
    number[minus] *= -1
    number[~some] = np.nan
    for fill in fills:
        number[number == fill] = np.nan
    return number


def _refuse(rows: Table, field: Field, bad: NDArray[np.bool_]) -> None:
    row = int(np.argmax(bad))
    text = bytes(rows.characters[row, field.begin : field.end]).decode("cp1251", errors="replace")
    raise FileError(
        f"{rows.file}, line {row + 1}: {text!r} in column {field.title!r} (characters {field.begin + 1} to "
        f"{field.end}) is not a number ({int(bad.sum())} such row{'s' * (int(bad.sum()) != 1)})"
    )
