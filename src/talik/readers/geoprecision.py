"""GeoPrecision's two text exports, GP5W (`No,Time,#1:oC`) and FG2 (`NO,TIME,#1(oC)`): no depths, dd.mm.yyyy."""

from __future__ import annotations

import re

import numpy as np

from talik.errors import FileError
from talik.readers.delimited import ended, split, trimmed
from talik.readers.depths import NO_DEPTHS, unit_of
from talik.readers.numerals import fills_marked
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.stamps import prove_dates
from talik.readers.zones import chosen
from talik.records import Record, Source, Times

_HEADER = re.compile(r'^\s*"?n[or]\.?"?\s*([,;\t])\s*"?(time|zeit)"?\s*\1.*#\d', re.IGNORECASE)
_COLUMN = re.compile(r"#?(?P<name>HK-?\w+|\d+)\s*[:(]\s*(?P<unit>[^)]*)\)?\s*")
_ROW = re.compile(r'\s*"?\d+"?\s*[,;\t]')
_EVENT = re.compile(r'\s*"?[<(]|\s*"?delta time|[,;\t"\s]*$', re.IGNORECASE)
_LOGGER = re.compile(r"(?:Logger:\s*#|<LOGGER:\s*\$?)(\w+)(?:\s*'([^']*)')?")


def claims(head: Head) -> int:
    """Whether the header of one of the two exports stands among the first lines."""
    return CERTAIN * any(_HEADER.match(line) for line in head.lines[:60])


def read(head: Head, options: Options) -> list[Record]:
    """The record of a GP5W or FG2 export; housekeeping and humidity go to `Record.others`."""
    lines = head.whole_text().splitlines()
    at = next((i for i, line in enumerate(lines) if _HEADER.match(line)), None)
    if at is None:
        raise FileError(f"{head.name}: no title line 'No,Time,#1...' in it; not a GeoPrecision export")
    separator = next(mark for mark in ";\t," if mark in lines[at])
    names = [name.strip(' "') for name in lines[at].rstrip(separator + ' "').split(separator)]
    channels = [(place, *_channel(name)) for place, name in enumerate(names) if place >= 2]
    units = [found for _, name, unit in channels if (found := unit_of(unit)) and not name.startswith("HK")]
    warm = [(place, name) for place, name, unit in channels if unit_of(unit) and not name.startswith("HK")]
    if not warm:
        raise FileError(f"{head.name}, line {at + 1}: no temperature channel (oC) among {', '.join(names[2:])}")
    numbers = [i + 1 for i in range(at + 1, len(lines)) if lines[i].strip() and not _EVENT.match(lines[i])]
    odd = next((n for n in numbers if not _ROW.match(lines[n - 1])), None)
    if odd is not None:
        raise FileError(f"{head.name}, line {odd}: {lines[odd - 1][:60]!r} is neither a numbered row nor an event")
    table = split(
        [trimmed(lines[n - 1], separator, len(names)) for n in numbers],
        separator,
        width=len(names),
        file=head.name,
        numbers=numbers,
        at_least=3,
    )
    stamps = prove_dates(table.text(1), date_order=options.date_order, usual="DMY", file=head.name, lines=numbers)
    zone = chosen(options.timezone, _universal(lines[0], stamps.times))
    raw = table.matrix([place for place, _ in warm], [name for _, name in warm])
    values, flags = fills_marked(np.column_stack([unit.to_celsius(raw[:, i]) for i, unit in enumerate(units)]))
    events = len(lines) - at - 1 - len(numbers) - sum(not line.strip() for line in lines[at + 1:])
    _check_whole(head, lines, len(numbers))
    ended(head)
    return [
        Record(
            _site(lines[:at], head),
            zone.to_utc(stamps.times, file=head.name),
            np.full(len(warm), np.nan),
            values,
            flags,
            labels=tuple(f"#{name}" for _, name in warm),
            source=Source(
                header="\n".join(lines[: at + 1]),
                time_zone=zone.label,
                time_zone_from=zone.found_in,
                understood=(
                    head.encoding.how,
                    stamps.how,
                    zone.understood,
                    f"units: {', '.join(sorted({unit.name for unit in units}))} (the header's)",
                    NO_DEPTHS,
                    *(
                        [f"{events} lines of events or parameter changes between the rows were left out"]
                        if events
                        else []
                    ),
                ),
            ),
            metadata=_metadata(lines[:at]),
            others={
                f"#{name} [{unit}]": table.numbers(place, name=name)
                for place, name, unit in channels
                if (place, name) not in warm
            },
        )
    ]


def _channel(name: str) -> tuple[str, str]:
    match = _COLUMN.fullmatch(name.strip())
    return (match["name"], match["unit"].strip()) if match else (name.strip().lstrip("#"), "")


def _site(header: list[str], head: Head) -> str:
    match = next((m for line in header if (m := _LOGGER.search(line))), None)
    return match[1] if match else head.path.stem


def _metadata(header: list[str]) -> dict[str, str]:
    match = next((m for line in header if (m := _LOGGER.search(line))), None)
    found = {"serial": match[1], "logger": match[2] or ""} if match else {}
    return {key: value for key, value in found.items() if value}


def _universal(first: str, times: Times) -> int | None:
    """Zero when an FG2 export was made, by its NOW(UTC), within a period of the last stamp: the clock ran on UTC."""
    match = re.search(r"NOW\(UTC\):\s*(\d\d)\.(\d\d)\.(\d{4}) (\d\d:\d\d:\d\d)", first)
    if not match or times.size < 2:
        return None
    now = np.datetime64(f"{match[3]}-{match[2]}-{match[1]}T{match[4]}")
    return (
        0 if np.timedelta64(-5, "m") <= now - times[-1] <= np.median(np.diff(times)) + np.timedelta64(5, "m") else None
    )


def _check_whole(head: Head, lines: list[str], rows: int) -> None:
    """An FG2 export ends with the number of its rows."""
    last = [line for line in lines if line.strip()][-3:]
    end = next((m for line in last if (m := re.search(r"<INFO:.*?(\d+) Lines>", line))), None)
    if end and int(end[1]) != rows:
        raise FileError(f"{head.name}: its last line promises {end[1]} rows, {rows} are there: the file is not whole")
    if not end and any(line.startswith("<FG2") for line in lines[:5]):
        raise FileError(
            f"{head.name}, line {len(lines)}: ends without the line '<INFO: Decode OK, ... Lines>': the file is cut"
        )


READER = Reader("geoprecision", "GeoPrecision GP5W or FG2 text export", claims, read)
