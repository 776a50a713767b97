"""
Campbell Scientific TOA5 tables: four header lines (station, names, units, processing), then quoted stamps and numbers.

Temperatures are told by the units line; depths by the names (`CT1_10cm_AVG_Avg`, `T_SUR`, `Tsoil_0p5m`). Panel and
battery temperatures, maxima, minima and deviations, and all other quantities go to `Record.others`. When one logger
serves several plots, `metadata["zones"]` says which plot a column's name points to.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.channels import temperatures_among
from talik.readers.columns import Layout
from talik.readers.delimited import ended, quoted_columns
from talik.readers.depths import unit_of
from talik.readers.dialect import cells, unique_names
from talik.readers.numerals import decimal_mark
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.sources import sourced
from talik.readers.widetable import celsius
from talik.readers.zones import chosen
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
_SURFACE = {"sur", "surf", "surface", "sfc"}
_PLAIN = re.compile(
    r"t|tc|t\d{3}|temp\w*|soil\w*|ts|tsoil|air|airt|airtc|tair|ta|gnd|ground|c|f|deg\w?|avg|smp|med|\d+|mm|cm|m",
    re.IGNORECASE,
)


_OTHER = re.compile(rb'"?(TOB[123]|TOACI1)"?,')
_FIRST = re.compile(r'"?TOA5"?([,;\t])')


def claims(head: Head) -> int:
    """Whether the first cell is TOA5, or one of the forms that are not read."""
    return CERTAIN * bool(_FIRST.match(head.first) or _OTHER.match(head.content))


def read(head: Head, options: Options) -> list[Record]:
    """The record of a TOA5 table."""
    if other := _OTHER.match(head.content):
        raise FileError(f"{head.name}: is a {other[1].decode()} file of LoggerNet, which is not read (it is binary, or "
                        "names no units): convert it to TOA5 with CardConvert or Split")
    separator = match[1] if (match := _FIRST.match(head.first)) else ","
    if len(head.lines) < _HEADER_LINES + 1:
        raise FileError(
            f"{head.name}, line {len(head.lines) + 1}: ends inside the four header lines of TOA5, or has no row"
        )
    about, names, units, processing = (cells(line, separator) for line in head.lines[:_HEADER_LINES])
    if not names or names[0].upper() != "TIMESTAMP":
        raise FileError(f"{head.name}, line 2: expected names beginning with TIMESTAMP, got {head.lines[1][:60]!r}")
    names = unique_names(names)
    units, processing = (row + [""] * (len(names) - len(row)) for row in (units, processing))
    measured = [place for place in range(1, len(names)) if names[place].upper() != "RECORD"]
    silent = not any(units[place] for place in measured)
    likely = temperatures_among([names[i] for i in measured], False) if silent else ()
    warm = [
        place
        for place in measured
        if (unit_of(units[place]) is not None or names[place] in likely)
        and _is_ground_or_air(names[place], processing[place])
    ]
    if not warm:
        found = ", ".join(f"{names[i]} [{units[i]}]" for i in measured)
        raise FileError(
            f"{head.name}, line 3: no column in deg C or deg F that is a ground or air temperature; it has {found}. "
            "If one is, write its unit (deg C) into line 3"
        )
    rows = [cells(line, separator) for line in head.lines[_HEADER_LINES:300]]
    decimal, _ = decimal_mark((row[i] for row in rows for i in warm if i < len(row)), separator)
    layout = Layout(tuple(names), separator, _HEADER_LINES, tuple(names[i] for i in measured), stamp=names[0],
                    decimal=decimal)
    columns = quoted_columns(head, layout, options)
    ended(head)
    kinds = [unit_of(units[i]) for i in warm]
    values, flags = celsius(columns, [names[i] for i in warm], kinds, _FILLS, file=head.name)
    depths = np.array([depth_of(names[i]) for i in warm])
    lone = _lone([names[i] for i in warm], depths)
    depths[lone] = np.nan
    times, source = sourced(
        head,
        columns.proved,
        chosen(options.timezone),
        header="\n".join(head.lines[:_HEADER_LINES]),
        understood=(
            "units: °C taken, the units line is blank" if silent else "units: from the units line",
            _told(depths, [names[warm[place]] for place in lone]),
        ),
    )
    about += [""] * (8 - len(about))
    zones = {names[i]: zone for i in warm if (zone := _zone(names[i]))}
    return [
        Record(
            about[1] or head.path.stem,
            times,
            depths,
            values,
            flags,
            labels=tuple(names[i] for i in warm),
            source=source,
            metadata={
                "logger": about[2],
                "serial": about[3],
                "program": about[5],
                "table": about[7],
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


def depth_of(name: str) -> float:
    """
    Depth [m] that a column's name tells: positive down, 0 for the surface, negative for air with a height; else NaN.

    Examples
    --------
    >>> [depth_of(n) for n in ("CT1_10cm_AVG_Avg", "NP3_SUR_cm_AVG_Avg", "Tsoil_0p5m", "AirT_2m_Avg", "T107_C_CT1_Avg")]
    [0.1, 0.0, 0.5, -2.0, nan]
    """
    tokens = _tokens(name)
    for place, token in enumerate(tokens):
        joined = token + tokens[place + 1] if token.isdigit() and place + 1 < len(tokens) else token
        if match := _DEPTH.fullmatch(joined):
            metres = round(float(f"{match[1]}.{match[2] or 0}") * _IN_METRES[match[3].lower()], 4)
            return -metres if _is_air(name) else metres
    return 0.0 if any(token.lower() in _SURFACE for token in tokens) else float("nan")


def _lone(names: list[str], depths: NDArray[np.float64]) -> list[int]:
    """The one name with metres that says neither air nor ground, such as T_2m: a screen, or a sensor 2 m deep."""
    metres = np.flatnonzero(depths >= 1).tolist()
    return metres if len(metres) == 1 and not _BELOW.search(names[metres[0]]) else []


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
        return f"depths: {lone[0]!r} may be below or above the ground: give them with depths=..."
    unknown = int(np.isnan(depths).sum())
    if unknown == depths.size:
        return "depths: none in the names (give them with depths=...)"
    return "depths: from the names" + (f"; {unknown} of {depths.size} names have none" if unknown else "")


READER = Reader("toa5", "Campbell Scientific TOA5 table", claims, read)
