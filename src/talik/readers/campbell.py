"""
Campbell Scientific TOA5 tables: four header lines (station, names, units, processing), then quoted stamps and numbers.

Temperatures are told by the units line; depths by the names (`CT1_10cm_AVG_Avg`, `T_SUR`, `Tsoil_0p5m`). Panel and
battery temperatures, maxima, minima and deviations, and all other quantities go to `Record.others`. When one logger
serves several plots, `metadata["zones"]` says which plot a column's name points to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.channels import temperatures_among
from talik.readers.columns import Layout
from talik.readers.delimited import ended, quoted_columns
from talik.readers.depths import unit_of
from talik.readers.dialect import cells, unique_names
from talik.readers.doubtful import told
from talik.readers.numerals import BLANKS, decimal_mark
from talik.readers.preamble import beginning
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.sources import sourced
from talik.readers.stamps import Stamps
from talik.readers.widetable import celsius
from talik.readers.zones import chosen, offset_in
from talik.records import Record

_HEADER_LINES = 4
_FILLS = (-6999.0, 6999.0, -7999.0, 7999.0, -99999.0)
"""What the loggers' programs write for "out of range", beside "NAN"."""

_MEANS = {"avg", "smp", "med", ""}
_INSIDE = re.compile(
    r"^(p_?temp|panel|r_?temp|logger|batt|case|internal|box|encl|ref_?t|cr\d+.*temp)|batt", re.IGNORECASE
)
_DERIVED = re.compile(r"dew|frost_?p|wet_?bulb|chill|heat_?index|std|_max|_min|_tmx|_tmn", re.IGNORECASE)
_DEPTH = re.compile(r"(\d+)(?:[p.](\d+))?(mm|cm|m)", re.IGNORECASE)
_IN_METRES = {"mm": 0.001, "cm": 0.01, "m": 1.0}
_BELOW = re.compile(r"soil|ground|gnd|earth|rock|bore|bh|perma|depth|therm|string", re.IGNORECASE)
_SNOW = re.compile(r"snow", re.IGNORECASE)
"""In the snow a number is a height above the ground, or a depth below a surface that moves."""

_SURFACE = {"sur", "surf", "surface", "sfc"}
_PLAIN = re.compile(
    r"t|tc|t\d{3}|temp\w*|soil\w*|ts|tsoil|air|airt|airtc|tair|ta|gnd|ground|c|f|deg\w?|avg|smp|med|\d+|mm|cm|m",
    re.IGNORECASE,
)


_OTHER = re.compile(rb'"?(TOB[123]|TOACI1)"?,')
_FIRST = re.compile(r'"?TOA5"?([,;\t|])')
_STAMP = re.compile(r"TIMESTAMP", re.IGNORECASE)
_TIME = re.compile(r"\d\d:\d\d")
_NUMBER = re.compile(r"[-+\d.,]*\d([eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class _Titles:
    """The four header lines: what the station is, and of each column its name, unit and processing."""

    skip: int
    separator: str
    about: list[str]
    names: list[str]
    units: list[str]
    processing: list[str]
    rows: list[list[str]]
    """Cells of the first rows."""

    def shown(self, place: int, rows: int = 300) -> list[str]:
        """The cells of a column in the first rows that are not blank."""
        return [row[place] for row in self.rows[:rows] if place < len(row) and row[place].upper() not in BLANKS]


def claims(head: Head) -> int:
    """Whether the first cell is TOA5, or one of the forms that are not read."""
    return CERTAIN * bool(beginning(head.lines, _FIRST) is not None or _OTHER.match(head.content))


def read(head: Head, options: Options) -> list[Record]:
    """The record of a TOA5 table."""
    titles = _titles(head)
    names, units = titles.names, titles.units
    # the times of extremes and other texts are no measurements, nor are the blank columns of a spreadsheet
    measured = [place for place in range(1, len(names)) if _is_measured(titles, place)]
    silent = not any(units[place] for place in measured)
    likely = temperatures_among([names[i] for i in measured], False) if silent else ()
    warm = [
        place
        for place in measured
        if (unit_of(units[place]) is not None or names[place] in likely)
        and _is_ground_or_air(names[place], titles.processing[place])
    ]
    if not warm:
        found = ", ".join(f"{names[i]} [{units[i]}]" for i in measured)
        raise FileError(
            f"{head.name}, line {titles.skip - 1}: no column in deg C or deg F that is a ground or air temperature; "
            f"it has {found}. If one is, write its unit (deg C) into line {titles.skip - 1}"
        )
    decimal, _ = decimal_mark((cell for i in warm for cell in titles.shown(i)), titles.separator)
    layout = Layout(tuple(names), titles.separator, titles.skip, tuple(names[i] for i in measured), stamp=names[0],
                    decimal=decimal, loose=tuple(names[i] for i in measured if i not in warm))
    columns = quoted_columns(head, layout, options)
    ended(head)
    kinds = [unit_of(units[i]) for i in warm]
    values, flags = celsius(columns, [names[i] for i in warm], kinds, _FILLS, file=head.name)
    depths = np.array([depth_of(names[i]) for i in warm])
    lone = _lone([names[i] for i in warm], depths)
    depths[lone] = np.nan
    stamps, days = _by_the_day(columns.proved, [titles.processing[i] for i in warm])
    times, source = sourced(
        head,
        stamps,
        chosen(options.timezone, offset_in(names[0])),
        header="\n".join(head.lines[:titles.skip]),
        understood=(
            "units: °C taken, the units line is blank" if silent else "units: from the units line",
            _told(depths, [names[warm[place]] for place in lone]),
            days,
            told([names[i] for i in warm], flags),
        ),
    )
    zones = {names[i]: zone for i in warm if (zone := _zone(names[i]))}
    return [
        Record(
            titles.about[1] or head.path.stem,
            times,
            depths,
            values,
            flags,
            labels=tuple(names[i] for i in warm),
            source=source,
            metadata={
                "logger": titles.about[2],
                "serial": titles.about[3],
                "program": titles.about[5],
                "table": titles.about[7],
                "zones": zones,
                "air": tuple(names[i] for i in warm if _is_air(names[i])),
            },
            others={
                f"{names[i]} [{units[i]}]" if units[i] else names[i]: columns.frame[names[i]].to_numpy()
                for i in measured
                if i not in warm
            },
        )
    ]


def _titles(head: Head) -> _Titles:
    if other := _OTHER.match(head.content):
        raise FileError(f"{head.name}: is a {other[1].decode()} file of LoggerNet, which is not read (it is binary, or "
                        "names no units): convert it to TOA5 with CardConvert or Split")
    at = beginning(head.lines, _FIRST) or 0
    skip = at + _HEADER_LINES
    separator = match[1] if (match := _FIRST.match(head.lines[at].strip())) else ","
    if len(head.lines) < skip + 1:
        raise FileError(
            f"{head.name}, line {len(head.lines) + 1}: ends inside the four header lines of TOA5, or has no row"
        )
    about, names, units, processing = (cells(line, separator) for line in head.lines[at:skip])
    if not names or not _STAMP.match(names[0]):
        raise FileError(
            f"{head.name}, line {at + 2}: expected names beginning with TIMESTAMP, got {head.lines[at + 1][:60]!r}"
        )
    units, processing = (row + [""] * (len(names) - len(row)) for row in (units, processing))
    rows = [cells(line, separator) for line in head.lines[skip : skip + 300]]
    return _Titles(skip, separator, about + [""] * (8 - len(about)), unique_names(names), units, processing, rows)


def _by_the_day(stamps: Stamps, processing: list[str]) -> tuple[Stamps, str]:
    """Daily means on the day they are the mean of: a logger stamps them when that day ends."""
    days = stamps.times.astype("M8[D]")
    daily = len(days) > 1 and (days == stamps.times).all() and np.median(np.diff(days).astype(int)) == 1
    if not daily or any(kind.lower() != "avg" for kind in processing):
        return stamps, ""
    moved = replace(stamps, times=stamps.times - np.timedelta64(1, "D"))
    return moved, "times: daily means are stamped at the end of their day; each stands under the day it is the mean of"


def _is_measured(titles: _Titles, place: int) -> bool:
    name, shown = titles.names[place], titles.shown(place, 40)
    if name.upper() == "RECORD" or (not shown and re.fullmatch(r"column \d+", name)):
        return False
    if not shown or 2 * sum(bool(_TIME.search(cell)) for cell in shown) >= len(shown):
        return not shown
    numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in shown)
    return unit_of(titles.units[place]) is not None or 2 * numbers >= len(shown)


def depth_of(name: str) -> float:
    """
    Depth [m] that a column's name tells: positive down, 0 for the surface, negative for air with a height; else NaN.

    Examples
    --------
    >>> [depth_of(n) for n in ("CT1_10cm_AVG_Avg", "NP3_SUR_cm_AVG_Avg", "Tsoil_0p5m", "AirT_2m_Avg", "T107_C_CT1_Avg")]
    [0.1, 0.0, 0.5, -2.0, nan]
    """
    if _SNOW.search(name):
        return float("nan")
    tokens = _tokens(name)
    for place, token in enumerate(tokens):
        joined = token + tokens[place + 1] if token.isdigit() and place + 1 < len(tokens) else token
        if match := _DEPTH.fullmatch(joined):
            metres = round(float(f"{match[1]}.{match[2] or 0}") * _IN_METRES[match[3].lower()], 4)
            return -metres if _is_air(name) else metres
    return 0.0 if any(token.lower() in _SURFACE for token in tokens) else float("nan")


def _lone(names: list[str], depths: NDArray[np.float64]) -> list[int]:
    """The one or two names with metres that say neither air nor ground, such as T_2m: a mast, or a sensor 2 m deep."""
    metres = np.flatnonzero(depths >= 1).tolist()
    return metres if len(metres) <= 2 and not any(_BELOW.search(names[place]) for place in metres) else []


def _tokens(name: str) -> list[str]:
    return [token for token in re.split(r"[_\s(),\-]+", name) if token]


def _is_air(name: str) -> bool:
    return bool(re.match(r"air|tair|ta_", name, re.IGNORECASE)) or "air" in (token.lower() for token in _tokens(name))


def _is_ground_or_air(name: str, processing: str) -> bool:
    return processing.lower() in _MEANS and not _INSIDE.search(name) and not _DERIVED.search(name)


def _zone(name: str) -> str:
    """What is left of a name without depth, sensor and statistic: the plot (`CT1_10cm_AVG_Avg` -> CT1)."""
    left = [re.sub(r"^(air_?t|tair|air)(?=[A-Z])", "", token, flags=re.IGNORECASE) for token in _tokens(name)]
    return "_".join(token for token in left if not _PLAIN.fullmatch(token) and not _DEPTH.fullmatch(token)
                    and token.lower() not in _SURFACE)


def _told(depths: NDArray[np.float64], lone: list[str]) -> str:
    if lone:
        said = " and ".join(map(repr, lone))
        return f"depths: {said} may be below or above the ground: give them with depths=..."
    unknown = int(np.isnan(depths).sum())
    if unknown == depths.size:
        return "depths: none in the names (give them with depths=...)"
    return "depths: from the names" + (f"; {unknown} of {depths.size} names have none" if unknown else "")


READER = Reader("toa5", "Campbell Scientific TOA5 table", claims, read)
