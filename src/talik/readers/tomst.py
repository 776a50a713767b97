"""
TOMST's data_<serial>_<n>.csv without header: number; stamp; zone code; T1; T2; T3; moisture; shake; error.

A TMS-4 stands with T1 at 8 cm below, T2 at and T3 15 cm above the surface. Stamps are UTC; the zone code (in quarter
hours) is that of the computer which set the logger, and is not applied. Moisture is a raw count. A Thermologger or
dendrometer writes -200 for the sensors it lacks; any logger writes -100 where a sensor did not answer.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.columns import Layout
from talik.readers.delimited import ended, quoted_columns
from talik.readers.numerals import fills_marked
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.sources import sourced
from talik.readers.zones import Zone, chosen, offset_label
from talik.records import Record

_STAMP = (
    r"(?:\d{1,2}(?P<last>[./-])\d{1,2}(?P=last)\d{4}|\d{4}(?P<first>[./-])\d{1,2}(?P=first)\d{1,2})"
    r"(?:[ T]\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\s?[^\W\d]\.?\s?[^\W\d]\.?)?)?"
)
_VALUE = r"-?\d+(?:[.,]\d+)?"
_ROW = re.compile(rf"\d+;{_STAMP};-?\d{{1,2}}(?:;(?:{_VALUE})?){{3}};-?\d+")
# from a spreadsheet, where 9 or 10 cells in every row show that no comma is a decimal mark
_RESAVED_ROW = re.compile(
    rf"\d+([,\t]){_STAMP}\1-?\d{{1,2}}(?:\1-?\d+(?:\.\d+)?){{3}}\1-?\d+(?:\1\d*){{2,6}}\s*$"
)
_NAMES = ("number", "time", "zone", "T1", "T2", "T3", "moisture", "shake", "error")
# several downloads of one place, joined by Lolly: the place and the download instead of the zone
_JOINED_ROW = re.compile(rf"\d+;[^;]+;[^;]+;{_STAMP};(?:{_VALUE})?(?:;(?:{_VALUE})?){{2}};(?:-?\d+)?;")
_JOINED = ("number", "place", "download", "time", "T1", "T2", "T3", "moisture", "shake", "error")
_ROWS = (_ROW, _RESAVED_ROW, _JOINED_ROW)
_DEPTHS = {"T1": 0.08, "T2": 0.0, "T3": -0.15}
_ABSENT, _FAILED = -200.0, -100.0
_EMPTY = "file is empty"


def claims(head: Head) -> int:
    """Whether the first lines are rows of a TMS logger."""
    if head.first.strip().lower() == _EMPTY:
        return CERTAIN
    first = [line for line in head.lines[_above(head) :][:5] if line.strip()]
    return CERTAIN * (bool(first) and any(all(row.match(line) for line in first) for row in _ROWS))


def _above(head: Head) -> int:
    """Blank lines and comments that somebody put above the rows."""
    return next((n for n, line in enumerate(head.lines[:10]) if line.strip() and not line.startswith("#")), 0)


def read(head: Head, options: Options) -> list[Record]:
    """The record of a TMS-4, Thermologger or dendrometer; counts go to `Record.others`."""
    if head.first.strip().lower() == _EMPTY:
        raise FileError(f"{head.name}: says 'File is empty': the logger gave no data; read it again with Lolly")
    above = _above(head)
    first = head.lines[above] if head.lines else ""
    titles = _JOINED if _JOINED_ROW.match(first) else _NAMES
    separator = match[1] if (match := _RESAVED_ROW.match(first)) else ";"
    width = first.count(separator) + 1
    if width < len(titles) - 1:
        raise FileError(f"{head.name}, line {above + 1}: {width} fields where a TMS logger writes {len(titles)}")
    names = [*titles[:width], *(f"more {i}" for i in range(1, width - len(titles) + 1))]
    numbers = [name for name in names if name in ("zone", *_DEPTHS, "moisture", "shake", "error")]
    # the whole file: a winter at 0 °C has no decimal mark in any of its first rows
    decimal = "," if re.search(r";-?\d+,\d", head.whole_text()) else "."
    layout = Layout(tuple(names), separator, above, tuple(numbers), stamp="time", decimal=decimal)
    columns = quoted_columns(head, layout, options)
    ended(head)
    warm = [name for name in _DEPTHS if (columns.frame[name] != _ABSENT).any()]
    values, flags = fills_marked(columns.matrix(warm), declared=(_ABSENT, _FAILED))
    zone = chosen(options.timezone) if options.timezone else Zone("UTC", 0, "format")
    whole = len(warm) == len(_DEPTHS)
    depths = np.array([_DEPTHS[name] for name in warm]) if whole else np.full(len(warm), np.nan)
    errors = int((columns.frame["error"].fill_null(0) != 0).sum()) if "error" in columns.frame.columns else 0
    times, source = sourced(
        head,
        columns.proved,
        zone,
        header="",
        understood=(
            _zone_told(columns.frame),
            "units: °C (the format's)",
            "depths: T1 8 cm below, T2 at, T3 15 cm above the surface (a standard TMS-4)"
            if whole
            else "depths: not those of a TMS-4 (sensors are lacking); give them with depths=...",
            f"numbers: decimal {'comma' if decimal == ',' else 'point'}",
            f"{errors} rows carry the logger's error code" if errors else "",
        ),
    )
    serial = match[0] if (match := re.search(r"(?<!\d)9\d{7}(?!\d)", head.path.name)) else ""
    others: dict[str, NDArray[np.float64]] = {
        name: columns.frame[name].to_numpy().astype(np.float64)
        for name in numbers
        if name not in _DEPTHS
    }
    return [Record(serial or head.path.stem, times, depths, values, flags, labels=tuple(warm), source=source,
                   metadata={"serial": serial, "logger": "TMS-4" if whole else "TOMST"}, others=others)]


def _zone_told(frame: pl.DataFrame) -> str:
    codes = sorted({int(code) for code in frame["zone"].drop_nulls().to_list()}) if "zone" in frame.columns else []
    if not codes:
        return ""
    told = ", ".join(f"{code} ({offset_label(15 * code)})" for code in codes)
    return f"zone code {told}: of the computer, not applied; the stamps are UTC"


READER = Reader("tomst", "TOMST TMS-4 data_*.csv", claims, read)
