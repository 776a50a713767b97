"""
TOMST's data_<serial>_<n>.csv without header: number; stamp; zone code; T1; T2; T3; moisture; shake; error.

A TMS-4 stands with T1 at 8 cm below, T2 at and T3 15 cm above the surface. Stamps are UTC; the zone code (in quarter
hours) is that of the computer which set the logger, and is not applied. Moisture is a raw count. A Thermologger or
dendrometer writes -200 for the sensors it lacks; any logger writes -100 where a sensor did not answer.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.columns import Layout
from talik.readers.delimited import ended, quoted_columns
from talik.readers.numerals import fills_marked
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.sources import sourced
from talik.readers.zones import Zone, chosen, offset_label
from talik.records import Record

_ROW = re.compile(
    r"^\d+;(?:\d{1,2}([./-])\d{1,2}\1\d{4}|\d{4}([./-])\d{1,2}\2\d{1,2})"
    r"(?:[ T]\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\s?[^\W\d]\.?\s?[^\W\d]\.?)?)?"
    r";-?\d{1,2}(?:;-?\d+(?:[.,]\d+)?){3};-?\d+"
)
_NAMES = ("number", "time", "zone", "T1", "T2", "T3", "moisture", "shake", "error")
_DEPTHS = {"T1": 0.08, "T2": 0.0, "T3": -0.15}
_ABSENT, _FAILED = -200.0, -100.0
_EMPTY = "file is empty"


def claims(head: Head) -> int:
    """Whether the first lines are rows of a TMS logger."""
    first = [line for line in head.lines[:5] if line.strip()]
    if head.first.strip().lower() == _EMPTY:
        return CERTAIN
    return CERTAIN * (bool(first) and all(_ROW.match(line) for line in first))


def read(head: Head, options: Options) -> list[Record]:
    """The record of a TMS-4, Thermologger or dendrometer; counts go to `Record.others`."""
    if head.first.strip().lower() == _EMPTY:
        raise FileError(f"{head.name}: says 'File is empty': the logger gave no data; read it again with Lolly")
    width = head.first.count(";") + 1
    if width < len(_NAMES) - 1:
        raise FileError(f"{head.name}, line 1: {width} fields where a TMS logger writes {len(_NAMES)}")
    names = [*_NAMES[:min(width, len(_NAMES))], *(f"more {i}" for i in range(1, width - len(_NAMES) + 1))]
    # the whole file: a winter at 0 °C has no decimal mark in any of its first rows
    decimal = "," if re.search(rb";-?\d+,\d", head.whole_bytes()) else "."
    layout = Layout(tuple(names), ";", 0, tuple(names[2:9]), stamp="time", decimal=decimal)
    columns = quoted_columns(head, layout, options)
    ended(head)
    warm = [name for name in _DEPTHS if (columns.frame[name] != _ABSENT).any()]
    values, flags = fills_marked(columns.matrix(warm), declared=(_ABSENT, _FAILED))
    zone = chosen(options.timezone) if options.timezone else Zone("UTC", 0, "format")
    codes = sorted({int(code) for code in columns.frame["zone"].drop_nulls().to_list()})
    whole = len(warm) == len(_DEPTHS)
    depths = np.array([_DEPTHS[name] for name in warm]) if whole else np.full(len(warm), np.nan)
    errors = int((columns.frame["error"].fill_null(0) != 0).sum()) if "error" in columns.frame.columns else 0
    times, source = sourced(
        head,
        columns.proved,
        zone,
        header="",
        understood=(
            "zone code "
            + ", ".join(f"{code} ({offset_label(15 * code)})" for code in codes)
            + ": of the computer, not applied; "
            "the stamps are UTC",
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
        for name in ("moisture", "shake", "error", "zone")
        if name in columns.frame.columns
    }
    return [Record(serial or head.path.stem, times, depths, values, flags, labels=tuple(warm), source=source,
                   metadata={"serial": serial, "logger": "TMS-4" if whole else "TOMST"}, others=others)]


READER = Reader("tomst", "TOMST TMS-4 data_*.csv", claims, read)
