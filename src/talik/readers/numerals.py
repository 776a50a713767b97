"""Numbers as files write them: decimal commas, thousands marks, (4.621) and 1,756- for negative values, fill values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import FileError
from talik.records import Flag

BLANKS = (
    "",
    "NA",
    "N/A",
    "NAN",
    "NaN",
    "nan",
    "na",
    "n/a",
    "NULL",
    "null",
    "None",
    "none",
    "-",
    "--",
    "---",
    "*",
    "***",
    "#N/A",
    "#VALUE!",
    "#REF!",
    "INF",
    "-INF",
    "1.#QNAN",
    "-1.#IND",
)
"""Cells that say "no value"."""

SENTINELS = (
    -999.0,
    -999.9,
    -999.99,
    -999.999,
    999.9,
    999.99,
    -9999.0,
    -9999.9,
    -9999.99,
    9999.0,
    9999.9,
    9999.99,
    -99999.0,
    99999.0,
    6999.0,
    -6999.0,
    7999.0,
    -7999.0,
    -11111.0,
    11111.0,
    -6999.99,
    32767.0,
    -32768.0,
    999.0,
    -888.88,
    -888.9,
)
"""Fill values met in real files; none is a temperature in any unit in use."""

END_VALUES = (537.327, -126.34, -135.67, 85.0, -127.0)
"""What loggers write [°C] when a circuit is open or shorted, or a DS18B20 has not measured."""

Lines = int | Sequence[int] | NDArray[np.integer]
"""The line of the first row, or of every row."""

_HUGE = 1e19
_CACHED = 32768
"""Values that are looked at in one go: few enough to stay in the processor's cache."""
_NUMBER = re.compile(r"[(\-+\u2212]?\s*[\d.,'\s\u00a0\u202f]*\d[\d.,]*\s*[)\-]?(?:[eE][+\-]?\d+)?")


def parsed(cells: pl.Series, *, decimal: str = ".") -> pl.Series:
    """
    Text cells as float64; null where the cell is blank or no number.

    Parameters
    ----------
    cells : polars.Series of str
        As in the file.
    decimal : {".", ",", " "}
        The decimal mark. The other marks, and blanks and apostrophes, are taken as thousands marks where three
        digits follow each of them (1,013); elsewhere they make the cell no number.

    Examples
    --------
    >>> parsed(pl.Series(["1,756-", "(4,621)", "1.234,5", "NA", "−3"]), decimal=",").to_list()
    [-1.756, -4.621, 1234.5, None, -3.0]
    >>> parsed(pl.Series(["1,013.2", "0,125", "22,6166"])).to_list()
    [1013.2, None, None]
    """
    if cells.dtype != pl.String:
        return cells.cast(pl.Float64)
    plain = cells.cast(pl.Float64, strict=False)
    if decimal != ".":
        plain = plain.set(plain.is_not_null(), None)
    rest = plain.is_null() & cells.is_not_null()
    if not rest.any():
        return plain
    text = cells.filter(rest).str.strip_chars()
    negative = text.str.contains(r"^\(.*\)$|-$|^[-\x{2212}]")
    thousands = {".": r"[,'\s\x{a0}\x{202f}]", ",": r"[.'\s\x{a0}\x{202f}]", " ": r"[.,']"}[decimal]
    bare = text.str.replace_all(r"^[(\-\x{2212}+]|[)\-]$", "").str.strip_chars()
    grouped = ~bare.str.contains(thousands) | bare.str.contains(rf"^[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+(?:\D\d*)?$")
    bare = bare.str.replace_all(thousands, "")
    if decimal != ".":
        bare = bare.str.replace(decimal if decimal == "," else r"[\s\x{a0}\x{202f}]", ".")
    values = bare.cast(pl.Float64, strict=False).set(~grouped, None)
    values = pl.select(pl.when(negative).then(-values).otherwise(values)).to_series()
    return plain.scatter(rest.arg_true(), values)


def decimal_mark(cells: Iterable[str], separator: str = ",") -> tuple[str, str]:
    """
    The decimal mark of some cells that hold temperatures, and how it was found.

    A comma with other than three digits behind it is a decimal mark; with exactly three it is one too, because the
    thousands of degrees it would mean otherwise are no temperatures.

    Examples
    --------
    >>> decimal_mark(["20,865", "6,458"], ";")
    (',', 'numbers: decimal comma')
    >>> decimal_mark(["20.865", "1,020.5"])[0], decimal_mark(["20 865", "(1 756)"], "\t")[0]
    ('.', ' ')
    """
    found = [cell for cell in map(str.strip, filter(None, cells)) if _NUMBER.fullmatch(cell)]
    commas = [cell for cell in found if "," in cell and ("." not in cell or cell.rfind(",") > cell.rfind("."))]
    points = [cell for cell in found if "." in cell and ("," not in cell or cell.rfind(".") > cell.rfind(","))]
    if commas and not points and separator != ",":
        return ",", "numbers: decimal comma"
    if commas and not points:
        return ",", "numbers: decimal comma, in quoted cells"
    if commas and points and len(commas) > len(points):
        return ",", "numbers: decimal comma, point for thousands"
    if not points and any(re.search(r"\d[\s\u00a0\u202f]\d{1,3}\b", cell) for cell in found):
        return " ", "numbers: a blank stands for the decimal mark"
    return ".", "numbers: decimal point"


def line_of(lines: Lines, row: int) -> int:
    """The line on which a row stands."""
    return lines + row if isinstance(lines, int) else int(lines[row])


def unparsed(cells: pl.Series, values: pl.Series, *, file: str, column: str, lines: Lines) -> None:
    """
    Refuse cells that are neither numbers nor blanks.

    Raises
    ------
    FileError
        With the line of the first such cell and their number.
    """
    if cells.dtype != pl.String:
        return
    lost = values.is_null() & cells.is_not_null()
    if not lost.any():
        return
    odd = cells.filter(lost).str.strip_chars()
    keep = ~odd.str.to_uppercase().is_in([blank.upper() for blank in BLANKS])
    if keep.any():
        row = int(lost.arg_true().filter(keep)[0])
        line = line_of(lines, row)
        raise FileError(
            f"{file}, line {line}: {cells[row]!r} in column {column!r} is not a number "
            f"({int(keep.sum())} such cell{'s' * (int(keep.sum()) != 1)})"
        )


def fills_marked(
    values: NDArray[np.float64], declared: Sequence[float] = (), *, celsius: bool = True, never: Sequence[float] = ()
) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
    """
    Values without fill values, and the flags that say why a value is NaN.

    Parameters
    ----------
    values : float array of any shape
        As in the file.
    declared : sequence of float
        Fill values that the file or its format declares: they become NaN with `Flag.MISSING`.
    celsius : bool
        True when `values` are in °C, so that a logger's end values can be told: NaN with `Flag.SATURATED`.
    never : sequence of float
        Further fill values (not between -99 and 85 °C) that nobody declared.

    Returns
    -------
    values : float array
        NaN at blanks, fill values and end values.
    flags : uint16 array
        MISSING, SENTINEL (a fill value nobody declared) or SATURATED at every NaN, else 0.

    Examples
    --------
    >>> values, flags = fills_marked(np.array([-3.5, -999.0, 6999.0, 85.0, np.nan]), declared=[-999])
    >>> values, [Flag(f).name for f in flags[1:].tolist()]
    (array([-3.5,  nan,  nan,  nan,  nan]), ['MISSING', 'SENTINEL', 'SATURATED', 'MISSING'])
    """
    # one look sorts out blanks and what is far from a temperature; only those few get the exact look
    low, high = (-99.0, 85.0) if celsius else (-120.0, 350.0)
    flat, within = values.ravel("K"), [fill for fill in declared if low < fill < high]
    place = np.concatenate([begin + np.flatnonzero(_odd(flat[begin:begin + _CACHED], low, high, within))
                            for begin in range(0, max(flat.size, 1), _CACHED)])
    flags = np.zeros_like(values, np.uint16)
    if not place.size:
        return values, flags
    odd = flat[place]
    marks = np.where(np.isnan(odd), np.uint16(Flag.MISSING), np.uint16(0))
    if celsius:
        marks[np.isin(odd.round(3), END_VALUES)] = Flag.SATURATED
    marks[np.isin(odd, (*SENTINELS, *never)) | (np.abs(odd) > _HUGE)] = Flag.SENTINEL
    for fill in declared:
        marks[np.abs(odd - fill) <= 1e-6 * abs(fill)] = Flag.MISSING
    values = values.copy(order="K")
    # both are new, so their memory is in one piece and in the same order as `flat`
    flags.ravel("K")[place] = marks
    values.ravel("K")[place] = np.where(marks > 0, np.nan, odd)
    return values, flags


def _odd(values: NDArray[np.float64], low: float, high: float, fills: Sequence[float]) -> NDArray[np.bool_]:
    """Which values are NaN, not between `low` and `high`, or one of `fills`."""
    odd: NDArray[np.bool_] = ~((values > low) & (values < high))
    for fill in fills:
        odd |= values == fill
    return odd
