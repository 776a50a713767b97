"""The end of a text table: is its last row whole, or was the file cut inside it?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from talik.errors import FileError
from talik.readers.dialect import cells, separator_of

_DIGITS = re.compile(r"[-+]?(\d+)(?:[.,](\d*))?")
_HARMLESS = 2
"""Decimals beyond which a cut changes a temperature by less than 0.01, a tenth of what sensors can tell."""


def whole_row(last: str, before: Sequence[str], *, proved: bool = True) -> bool:
    """
    Whether a last row without line end is whole, as far as the rows before it tell.

    A number that was cut has fewer digits than the one it was. Whole is a last number with as many decimals as any
    before it (an integer: as many digits as any), or with as many as some and with hundredths, where a cut could have
    taken less than 0.01; visibly cut is one with fewer than all of them. A last cell that is no number is proved by
    its word, or by its digits standing as in a cell before it, such as those of a stamp.

    Parameters
    ----------
    last : str
        The row.
    before : sequence of str
        Rows before it.
    proved : bool
        True to ask for a proof; False to say no only to what is visibly cut.

    Examples
    --------
    >>> whole_row("4,2.5", ["2,1.25", "3,1.5"]), whole_row("4,2.5", ["2,1.25", "3,1.5"], proved=False)
    (False, True)
    >>> whole_row("4,2", ["2,1.25", "3,1.5"], proved=False), whole_row("4,2.55", ["2,1.25", "3,1.5"])
    (False, True)
    >>> whole_row("4,-0.54", ["2,-0.53917", "3,-0.54"]), whole_row("4,-0.54", ["2,-0.53917", "3,-0.53817"])
    (True, False)
    """
    if not before:
        return not proved
    separator = separator_of(before)
    *_, end = row = cells(last, separator)
    ends = [found[-1] for line in before if len(found := cells(line, separator)) == len(row)]
    if last.count('"') % 2 or len(ends) < 0.5 * len(before):
        return False
    if not end:
        return not proved or not any(ends)
    numbers = [match for text in ends if (match := _DIGITS.fullmatch(text))]
    mine = _DIGITS.fullmatch(end)
    if not numbers or mine is None:
        alike = _shape(end) in map(_shape, ends) and _last(end) >= max(map(_last, ends))
        return end in ends or not proved or alike
    decimals = [len(match[2] or "") for match in numbers]
    if any(decimals):
        own = len(mine[2] or "")
        return own >= (max(decimals) if proved else min(decimals)) or (own >= _HARMLESS and own in decimals)
    return not proved or len(mine[1]) >= max(len(match[1]) for match in numbers)


def _shape(cell: str) -> str:
    return re.sub(r"\d+", "9", cell)


def _last(cell: str) -> int:
    """Digits at the end of a cell."""
    return len(cell) - len(cell.rstrip("0123456789"))


def refuse_cut_number(end: bytes, file: str, line: int) -> None:
    """A last line without line end whose last number has fewer decimals than all of the rows before it."""
    if end.endswith(b"\n"):
        return
    *before, last = end.decode(errors="replace").split("\n")
    before = [text for text in before[1:] if text.strip()][-50:]
    if len(before) >= 10 and last.strip() and not whole_row(last, before, proved=False):
        raise FileError(
            f"{file}, line {line}: the last line has no line end and {last[-20:]!r} looks cut inside its last number: "
            "is the file cut off? If it is whole, add a line end"
        )


def unproved(end: bytes, file: str, n: int) -> str:
    """Why a last line without line end is left out: nothing proves that it is whole; "" when something does."""
    if end.endswith(b"\n"):
        return ""
    *before, last = end.decode(errors="replace").split("\n")
    if whole_row(last, [text for text in before[-50:] if text.strip()]):
        return ""
    if n == 1:
        raise FileError(f"{file}: its only row has no line end and may be cut; if it is whole, add a line end")
    return f"rows: the last line, {last[-20:]!r}, is left out: it has no line end and may be cut"


def refuse_cut_row(end: bytes, separator: str, least: int, file: str, line: int) -> None:
    """A last line that ends before the last column of numbers."""
    last = end.rstrip(b"\n").rsplit(b"\n", 1)[-1].decode(errors="replace")
    if len(cells(last, separator)) < least:
        raise FileError(f"{file}, line {line}: {last[:60]!r} lacks cells (the last line: is the file cut off?)")
