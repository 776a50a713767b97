"""RST Instruments' DT loggers (DT2055, DT2040, ...): the csv of DT Logger Host, readings first, resistances behind."""

from __future__ import annotations

import re

from talik.errors import FileError
from talik.readers.delimited import ended, split
from talik.readers.depths import CELSIUS, FAHRENHEIT, depths_of, unit_of
from talik.readers.dialect import cells, unique_names
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.stamps import prove_dates
from talik.readers.thermistor import OPEN_NOTE, ends_marked
from talik.readers.zones import chosen
from talik.records import Record, Source

_NAMES = re.compile(r'^"?TIMESTAMP"?([,;\t])"?RECORD"?\1"?BATTERY"?\1', re.IGNORECASE)
_MODEL = re.compile(r'"?(logger )?model"?\s*[,;\t:]', re.IGNORECASE)
_UNITS = re.compile(r'^"?UNITS', re.IGNORECASE)


def claims(head: Head) -> int:
    """Whether the model of a logger and its line of titles stand among the first lines."""
    top = head.lines[:60]
    return CERTAIN * all(any(map(pattern.match, top)) for pattern in (_MODEL, _NAMES))


def read(head: Head, options: Options) -> list[Record]:
    """The record of a DT logger: sensors in degrees; resistances and the logger's own sensors go to `Record.others`."""
    lines = head.whole_text().splitlines()
    top = next((i for i, line in enumerate(lines) if _NAMES.match(line)), None)
    at = next((i for i, line in enumerate(lines) if _UNITS.match(line)), None)
    if top is None or at is None or at < top:
        raise FileError(
            f"{head.name}: the lines TIMESTAMP,RECORD,BATTERY,... and UNITS-> are not both there: the file is cut"
        )
    separator = match[1] if (match := _NAMES.match(lines[top])) else ","
    names = unique_names(cells(lines[top], separator))
    units = cells(lines[at], separator) + [""] * len(names)
    entries = _entries(lines[:top], separator)
    numbers = [i + 1 for i in range(at + 1, len(lines)) if lines[i].strip()]
    table = split([lines[n - 1] for n in numbers], separator, width=len(names), file=head.name, numbers=numbers)
    ended(head)
    _check_whole(entries, len(numbers), head.name)
    # the sensors stand before the first blank title; behind it their resistances and the logger's temperature
    gap = next((i for i, name in enumerate(cells(lines[top], separator)) if not name), len(names))
    warm = [i for i in range(3, gap) if unit_of(units[i]) in (CELSIUS, FAHRENHEIT)]
    if not warm:
        raise FileError(f"{head.name}, line {at + 1}: no sensor in deg C or deg F: export temperatures, not only the "
                        "sensors' resistances")
    stamps = prove_dates(table.text(0), date_order=options.date_order, usual="YMD",
                         file=head.name, lines=numbers)
    zone = chosen(options.timezone)
    raw = table.matrix(warm, [names[i] for i in warm])
    for column, place in enumerate(warm):
        unit = unit_of(units[place])
        raw[:, column] = unit.to_celsius(raw[:, column]) if unit else raw[:, column]
    values, flags = ends_marked(raw)
    depths = depths_of([names[i] for i in warm])
    return [
        Record(
            entries.get("name") or head.path.stem,
            zone.to_utc(stamps.times, file=head.name),
            depths.depths,
            values,
            flags,
            labels=tuple(names[i] for i in warm),
            source=Source(
                header="\n".join(lines[: at + 1]),
                time_zone=zone.label,
                time_zone_from=zone.found_in,
                understood=(
                    head.encoding.how,
                    stamps.how,
                    zone.understood,
                    "units: " + ", ".join(sorted({units[i] for i in warm})) + " (the UNITS line)",
                    depths.how,
                    OPEN_NOTE,
                ),
            ),
            metadata={"serial": entries.get("serial number", ""), "logger": entries.get("model", "")},
            others={
                f"{name} [{units[i]}]" if units[i] else name: table.numbers(i, name=name)
                for i, name in enumerate(names)
                if i >= 2 and i not in warm and name not in ("STATUS",) and not name.startswith("column ")
            },
        )
    ]


def _entries(lines: list[str], separator: str) -> dict[str, str]:
    pairs = (cells(line, separator) for line in lines if line.strip())
    return {pair[0].lower(): pair[1] for pair in pairs if len(pair) > 1}


def _check_whole(entries: dict[str, str], rows: int, file: str) -> None:
    promised = entries.get("number of records", "")
    if promised.isdigit() and rows < int(promised):
        raise FileError(f"{file}: {rows} rows where the header promises {promised}: the file is cut")


READER = Reader("rst", "RST Instruments DT logger csv", claims, read)
