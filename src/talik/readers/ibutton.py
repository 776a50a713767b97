"""
Maxim's iButtons (Thermochron, Hygrochron), csv of the OneWireViewer: `Date/Time,Unit,Value` below some lines of header.
Thermodata's viewer writes `Date - Time,Temperature (°C)` and a last line `-end-`; its header has the time zone.

The viewer writes the stamps in the local time of the computer, with its summer time, in the computer's own date style,
and on many computers with decimal commas beside separating commas (`20-12-25 9:45:01,C,20,765`).
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import polars as pl

from talik.errors import FileError
from talik.readers.delimited import ended, split, trimmed
from talik.readers.depths import NO_DEPTHS, Unit, unit_of
from talik.readers.encoding import with_degrees
from talik.readers.numerals import fills_marked
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.sources import sourced
from talik.readers.stamps import Stamps, prove_dates
from talik.readers.zones import chosen, named_in
from talik.records import Record, Times

_TITLE = re.compile(r'"?Date/Time"?\s*[,;\t]\s*"?Unit"?\s*[,;\t]\s*"?Value"?', re.IGNORECASE)
_ROW = r'^"?([^,;\t"]+)"?[,;\t]\s*"?([^,;\t"]*)"?[,;\t]\s*"?(-?\d+)(?:[.,](\d+))?"?[,;\t\s]*$'
_LOGGED = re.compile(r'"?Date - Time"?\s*(?P<mark>[,;\t])\s*"?Temperature \((?P<unit>[^)]*)\)', re.IGNORECASE)
_SAID = re.compile(r'"?(Timezone|Serial No\.?|Location):?"?\s*[,;\t]\s*"?([^,;\t"]+)')
_START = re.compile(r"Mission Start.*?:\s*\w{3} (\w{3}) (\d\d) (\d\d:\d\d:\d\d) (\S+) (\d{4})")
_RATE = re.compile(r"Sample Rate:\s*Every (\d+) (second|minute|hour)", re.IGNORECASE)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_HOUR, _YEAR = np.timedelta64(1, "h"), np.timedelta64(365, "D")


def claims(head: Head) -> int:
    """Whether the titles of one of the two viewers stand among the first lines."""
    return CERTAIN * any(_TITLE.match(line) or _LOGGED.match(line) for line in head.lines[:60])


def read(head: Head, options: Options) -> list[Record]:
    """The record of one iButton's temperatures."""
    lines = head.whole_text().splitlines()
    if any(map(_LOGGED.match, lines[:60])):
        return [_logged(head, lines, options)]
    at = next((i for i, line in enumerate(lines) if _TITLE.match(line)), len(lines))
    numbers = [i + 1 for i in range(at + 1, len(lines)) if lines[i].strip()]
    if not numbers:
        raise FileError(f"{head.name}: has a header and no rows")
    rows = pl.Series([lines[n - 1] for n in numbers]).str.extract_groups(_ROW).struct.unnest()
    odd = rows.to_series(0).is_null().arg_max() if rows.to_series(0).null_count() else None
    if odd is not None:
        line = numbers[odd]
        raise FileError(f"{head.name}, line {line}: {lines[line - 1][:60]!r} is not a stamp, a unit and a value")
    ended(head)
    unit = _unit(rows.to_series(1), head.name)
    text = rows.to_series(2) + "." + rows.to_series(3).fill_null("0")
    values, flags = fills_marked(unit.to_celsius(text.cast(pl.Float64).to_numpy())[:, None])
    header = "\n".join(lines[: at + 1])
    start = _START.search(header)
    stamps = _stamps(rows.to_series(0), start, options, head.name, numbers)
    stamps, seasons = _without_summer_time(stamps, header)
    zone = None if options.timezone or not start else named_in(f"({start[4]})", file=head.name)
    times, source = sourced(
        head,
        stamps,
        chosen(options.timezone, zone),
        header=header,
        understood=(f"units: {unit.name} (every row's)", NO_DEPTHS, seasons),
    )
    serial = match[1] if (match := re.search(r"Registration Number:\s*([0-9A-F]+)", header)) else ""
    part = match[1] if (match := re.search(r"Part Number:\s*(\S+)", header)) else "iButton"
    return [Record(serial or head.path.stem, times, np.full(1, np.nan), values, flags, labels=("Value",), source=source,
                   metadata={"logger": part, "serial": serial})]


def _logged(head: Head, lines: list[str], options: Options) -> Record:
    """The record of a file of Thermodata's viewer."""
    at, title = next((i, match) for i, line in enumerate(lines) if (match := _LOGGED.match(line)))
    end = next((i for i, line in enumerate(lines) if line.strip('" ,;\t') == "-end-"), None)
    if end is None:
        raise FileError(f"{head.name}: has no last line '-end-': the file is cut")
    unit = unit_of(with_degrees(f"({title['unit']})"))
    if unit is None:
        raise FileError(f"{head.name}, line {at + 1}: the temperatures are in {title['unit']!r}, expected °C or °F")
    numbers = [i + 1 for i in range(at + 1, end) if lines[i].strip(' ,;\t')]
    mark = title["mark"]
    rows = [trimmed(lines[n - 1], mark, 2) for n in numbers]
    if mark == ",":                                      # a computer's decimal comma beside separating commas
        rows = [re.sub(r"^([^,]*,-?\d+),(\d+)$", r"\1.\2", row) for row in rows]
    table = split(rows, mark, width=2, file=head.name, numbers=numbers)
    stamps = prove_dates(table.text(0), date_order=options.date_order, file=head.name, lines=numbers)
    values, flags = fills_marked(unit.to_celsius(table.numbers(1, name="Temperature"))[:, None])
    said = {match[1].rstrip("."): match[2].strip() for line in lines[:at] if (match := _SAID.match(line))}
    hours = re.fullmatch(r"[+-]?\d{1,2}(?:[.,]\d+)?", said.get("Timezone", ""))
    zone = round(60 * float(hours[0].replace(",", "."))) if hours else None
    times, source = sourced(
        head,
        stamps,
        chosen(options.timezone, zone),
        header="\n".join(lines[: at + 1]),
        understood=(f"units: {unit.name} (the title's)", NO_DEPTHS),
    )
    serial = said.get("Serial No", "")
    return Record(said.get("Location") or serial or head.path.stem, times, np.full(1, np.nan), values, flags,
                  labels=("Temperature",), source=source, metadata={"logger": "iButton", "serial": serial})


def _unit(column: pl.Series, file: str) -> Unit:
    words = column.unique(maintain_order=True).to_list()
    unit = unit_of(words[0])
    if len(words) > 1 or unit is None:
        raise FileError(f"{file}: the rows are in {', '.join(map(repr, words))}, expected C or F "
                        "(a Hygrochron's humidity stands in a file of its own)")
    return unit


def _stamps(texts: pl.Series, start: re.Match[str] | None, options: Options, file: str, lines: list[int]) -> Stamps:
    """In the order in which the first stamp is the mission's start, where the header tells that, else proved."""
    if start is None or options.date_order:
        return prove_dates(texts, date_order=options.date_order, file=file, lines=lines)
    began = _time(f"{start[2]} {start[1]} {start[5]} {start[3]}", "DMY")
    orders = [order for order in ("YMD", "MDY", "DMY") if began is not None and _time(texts[0], order) == began]
    if len(orders) != 1:
        return prove_dates(texts, file=file, lines=lines)
    stamps = prove_dates(texts, date_order=orders[0], file=file, lines=lines)
    return replace(stamps, how=f"dates: {orders[0]}, in which the first stamp is the header's start of the mission")


def _time(text: str, order: str) -> float | None:
    """Of one stamp, in microseconds; None when it is none in this order."""
    try:
        return float(prove_dates([text], date_order=order).times.astype(np.int64)[0])
    except FileError:
        return None


def _without_summer_time(stamps: Stamps, header: str) -> tuple[Stamps, str]:
    """Stamps counted from the first by the sample rate, where the only odd steps are an hour long or short of it."""
    steps = np.diff(stamps.times)
    if not steps.size:
        return stamps, ""
    rate = _RATE.search(header)
    period = np.timedelta64(int(rate[1]) * _SECONDS[rate[2].lower()], "s") if rate else np.median(steps)
    odd = steps != period
    changes = 2 + 2 * int(steps.size * period / _YEAR)              # of the clock, twice a year
    if not odd.any() or not (np.abs(steps[odd] - period) == _HOUR).all() or odd.sum() > changes:
        return stamps, ""
    times: Times = stamps.times[0] + np.arange(steps.size + 1) * period
    return replace(stamps, times=times), (
        f"times: {int(odd.sum())} steps are an hour off the sample rate, so the export follows the computer's summer "
        "time; the samples are counted from the first by the sample rate, in the time zone of the first"
    )


READER = Reader("ibutton", "iButton (Thermochron, Hygrochron) csv of the OneWireViewer", claims, read)
