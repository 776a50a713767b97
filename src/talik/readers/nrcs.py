"""
USDA NRCS soil climate (SCAN, SNOTEL, Tribal SCAN) as text: the older site reports and those of the report generator.

Older: titles such as `STO.I-1:-2 (degC)` (element, duration, number of the sensor, depth in inches) behind
`Site Id,Date,Time`, with -99.9 for missing. Report generator: comment lines that begin with #, then
`Date,Soil Temperature Observed -2in (degF) ...`, blank for missing. Soil temperatures and mean or observed air
temperatures become the record's columns; extremes, moisture and all else go to `Record.others`, in the file's units. A
row of a daily report that says "Start of Day Values" is one reading at the beginning of that day, not the day's mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from talik.errors import AmbiguousFile, FileError
from talik.readers.columns import Columns, Layout
from talik.readers.delimited import quoted_columns
from talik.readers.depths import unit_of
from talik.readers.dialect import cells, unique_names
from talik.readers.numerals import fills_marked
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.sources import sourced
from talik.readers.zones import Zone, chosen
from talik.records import Record

_INCH = 0.0254
_FILL = -99.9
_CODED = re.compile(r"(?P<element>[A-Z]{3,5})\.(?P<duration>[A-Z])-\d+(?::(?P<depth>-?\d+))?\s*\((?P<unit>[^)]*)\)")
_SPELLED = re.compile(r"(?:(?P<site>.+?\(\d+\))\s+)?(?P<medium>Soil|Air) Temperature (?P<kind>Observed|Average)"
                      r"(?: (?P<depth>-?\d+)in)?\s*\((?P<unit>deg[CF])\)", re.IGNORECASE)
_OLD = re.compile(r"^\W?site id\W?([,\t])\W?date\W?\1", re.IGNORECASE)
_INSTANT = re.compile(r"start of day|\.I-\d", re.IGNORECASE)
_CLOCK = re.compile(r"time(?: \(([A-Z]{2,4})\))?", re.IGNORECASE)
_HOURS = {"AKST": -9, "HST": -10, "PST": -8, "MST": -7, "CST": -6, "EST": -5, "AST": -4, "UTC": 0, "GMT": 0}
"""Standard times of the United States, whose networks these are."""

_REPORTED = re.compile(r".*(?:soil|air) (?:temperature|moisture)[a-z ]*(?: -?\d+in)? \((?:deg[cf]|pct)\)", re.I)
"""A title of the report generator; others speak of soil temperature too, but not in these words."""

_STATIONS = ("site id", "station name", "station id", "station")
"""Columns that tell the stations of a report apart."""

_NAMED = re.compile(r"^#\s*(?:(?P<network>SNOTEL|SCAN|SNTLT?|TSCAN|SNOLITE)\s+(?P<number>\d+):\s*(?P<name>.+)"
                    r"|(?P<title>[A-Za-z][\w .,'#-]*?)\s*\((?P<id>\d+)\))\s*$")


@dataclass(frozen=True, slots=True)
class _Sensor:
    """A temperature column: its title, station (of files with several), depth [m] (NaN for air), and unit."""

    title: str
    site: str
    depth: float
    unit: str


def claims(head: Head) -> int:
    """Whether a title line of one of the two reports stands among the first lines, with temperatures in it."""
    return CERTAIN * (_title_line(head.lines) is not None)


def read(head: Head, options: Options) -> list[Record]:
    """One record a station."""
    at = _title_line(head.lines)
    if at is None:
        raise FileError(
            f"{head.name}: no title line 'Site Id,Date,...' or 'Date,Soil Temperature ...' among its first lines"
        )
    separator = "\t" if "\t" in head.lines[at] else ","
    titles = unique_names(cells(head.lines[at], separator))
    sensors = [sensor for title in titles if (sensor := _sensor(title))]
    if not sensors:
        raise FileError(
            f"{head.name}, line {at + 1}: no soil or air temperature (STO, TOBS, TAVG, 'Soil Temperature Observed ...')"
        )
    lower = [title.lower() for title in titles]
    stamp = titles[lower.index("date")]
    clock = next((title for title in titles if _CLOCK.fullmatch(title)), "")
    key = next((titles[lower.index(name)] for name in _STATIONS if name in lower), "")
    rest = tuple(
        title
        for title in titles
        if title not in (stamp, clock) and title.lower() not in _STATIONS and not title.startswith("column ")
    )
    texts = (key,) if key else ()
    layout = Layout(tuple(titles), separator, at + 1, rest, texts=texts, stamp=stamp, clock=clock, ragged=True)
    columns = quoted_columns(head, layout, options)
    if key:
        ids = columns.frame[key].fill_null("").to_list()
        groups = {name: np.array([i for i, found in enumerate(ids) if found == name]) for name in dict.fromkeys(ids)}
        return [_record(name, rows, sensors, rest, columns, head, at, options) for name, rows in groups.items()]
    everything = np.arange(len(columns.lines))
    sites = dict.fromkeys(sensor.site for sensor in sensors)
    return [
        _record(
            site or _site(head, at),
            everything,
            [s for s in sensors if s.site == site],
            rest,
            columns,
            head,
            at,
            options,
        )
        for site in sites
    ]


def _title_line(lines: tuple[str, ...]) -> int | None:
    for place, line in enumerate(lines[:200]):
        if _OLD.match(line) and _CODED.search(line):
            return place
        titles = cells(line, "\t" if "\t" in line else ",")
        if titles[0].lower() == "date" and any(map(_REPORTED.match, titles[1:])):
            return place
    return None


def _sensor(title: str) -> _Sensor | None:
    """
    The temperature a title stands for; None for extremes and all other quantities.

    Examples
    --------
    >>> _sensor("STO.I-1:-20 (degC)").depth, _sensor("Soil Temperature Observed -2in (degF) Start of Day Values").unit
    (0.508, 'degF')
    >>> _sensor("STX.H-1:-2 (degC)"), _sensor("SMS.I-1:-2 (pct)  (silt)")
    (None, None)
    """
    if match := _CODED.match(title):
        if match["element"] in ("STO", "STOV") and match["depth"] is not None:
            return _Sensor(title, "", _depth(match["depth"]), match["unit"])
        return _Sensor(title, "", np.nan, match["unit"]) if match["element"] in ("TOBS", "TAVG") else None
    if (match := _SPELLED.match(title)) and (match["depth"] is not None or match["medium"].lower() == "air"):
        return _Sensor(
            title, match["site"] or "", np.nan if match["depth"] is None else _depth(match["depth"]), match["unit"]
        )
    return None


def _depth(inches: str) -> float:
    return round(abs(int(inches)) * _INCH, 4)


def _record(
    site: str,
    rows: np.ndarray,
    sensors: list[_Sensor],
    rest: tuple[str, ...],
    columns: Columns,
    head: Head,
    at: int,
    options: Options,
) -> Record:
    raw, flags = fills_marked(columns.matrix([s.title for s in sensors])[rows], declared=(_FILL,), celsius=False)
    fahrenheit = np.array([(unit.name if (unit := unit_of(s.unit)) else "") == "°F" for s in sensors])
    warm = {s.title for s in sensors}
    others = [
        title for title in rest if title not in warm and (not sensors[0].site or title.startswith(sensors[0].site))
    ]
    times, source = sourced(
        head,
        columns.proved,
        _zone(head, at, options),
        header="\n".join(head.lines[: at + 1]),
        understood=(
            columns.note,
            "units: " + ", ".join(sorted({s.unit for s in sensors})) + " (the titles)",
            "depths: inches in the titles; air sensors have no height there",
            "daily rows hold the reading at the start of the day, not the day's mean"
            if columns.proved.dates_only and any(_INSTANT.search(s.title) for s in sensors)
            else "",
            f"missing: blank or {_FILL}",
        ),
    )
    return Record(
        site, times[rows], np.array([s.depth for s in sensors]), np.where(fahrenheit, (raw - 32) / 1.8, raw), flags,
        labels=tuple(s.title for s in sensors), source=source,
        metadata={"network": "USDA NRCS", "station_id": site if site.isdigit() else "",
                  "air": tuple(s.title for s in sensors if np.isnan(s.depth))},
        others={title: np.where(np.isclose(values, _FILL), np.nan, values) for title in others
                if (values := columns.frame[title].to_numpy().astype(np.float64)[rows]) is not None})


def _zone(head: Head, at: int, options: Options) -> Zone:
    """From the title of the times of day: "Time (CST)"; summer time there is refused, as nobody keeps it all year."""
    said = re.search(r"[,\t]\W?time \(([A-Z]{2,4})\)", head.lines[at], re.IGNORECASE)
    if said is None or options.timezone:
        return chosen(options.timezone)
    if said[1].upper() not in _HOURS:
        raise AmbiguousFile(
            f"{head.name}, line {at + 1}: the times of day are in {said[1]!r}, which is no standard time: say which "
            "offset they have with timezone= (--timezone), such as '-06:00'"
        )
    return chosen(None, 60 * _HOURS[said[1].upper()])


def _site(head: Head, at: int) -> str:
    """The station's name from the comments of the report generator, else the file's."""
    for line in head.lines[:at]:
        if match := _NAMED.match(line):
            return (match["name"] or match["title"]).strip()
    return head.path.stem


READER = Reader("nrcs", "USDA NRCS soil climate text (SCAN, SNOTEL)", claims, read)
