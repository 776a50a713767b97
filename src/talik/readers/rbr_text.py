"""RBR's engineering text ("Rtext", the legacy export of Ruskin): `Model=...`, the channels, then columns."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.delimited import Fields, ended, split
from talik.readers.depths import NO_DEPTHS, Unit, unit_of
from talik.readers.encoding import with_degrees
from talik.readers.preamble import beginning
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.sources import sourced
from talik.readers.stamps import prove_dates
from talik.readers.thermistor import OPEN_NOTE, ends_marked
from talik.readers.zones import chosen
from talik.records import Record

_MODEL = re.compile("Model=")
_TITLE = re.compile(r"\s*Date & Time\s+\S")
_ENTRY = re.compile(r"([A-Za-z]+(?:\[\d+\]\.[a-z]+)?)=\s*(.*?)\s*$")
_EVENT = re.compile(r"(\S+ \S+) {2,}\D*$")


def claims(head: Head) -> int:
    """Whether it begins with `Model=` and has the titles `Date & Time ...`."""
    begins = beginning(head.lines, _MODEL) is not None
    return CERTAIN * (begins and any(_TITLE.match(line) for line in head.lines[:500]))


def read(head: Head, options: Options) -> list[Record]:
    """The record of an engineering text; pressure, depth and the like go to `Record.others`."""
    lines = head.whole_text().splitlines()
    at = next((i for i, line in enumerate(lines) if _TITLE.match(line)), None)
    if at is None:
        raise FileError(f"{head.name}: no titles 'Date & Time ...' in it; not an engineering text of RBR's")
    about = {match[1]: match[2] for line in lines[:at] if (match := _ENTRY.match(line.strip()))}
    names = lines[at].split()[3:]
    numbers = [i + 1 for i in range(at + 1, len(lines)) if lines[i].strip() and not _EVENT.fullmatch(lines[i].strip())]
    rows = [" ".join(lines[n - 1].split()) for n in numbers]
    table = split(rows, " ", width=2 + len(names), file=head.name, numbers=numbers)
    promised = about.get("NumberOfSamples", "")
    if promised.isdigit() and len(rows) < int(promised):
        raise FileError(f"{head.name}: {len(rows)} rows where the header promises {promised}: the file is cut")
    ended(head)
    stamps = prove_dates(
        table.text(0), clock=table.text(1), date_order=options.date_order, file=head.name, lines=numbers
    )
    warm = {i: _unit(about, i, head.name) for i, name in enumerate(names) if name.lower().startswith("temp")}
    if not warm:
        raise FileError(f"{head.name}, line {at + 1}: no column of temperatures among {', '.join(names)}")
    values, flags = _celsius(table, names, warm)
    times, source = sourced(
        head,
        stamps,
        chosen(options.timezone),
        header="\n".join(lines[: at + 1]),
        understood=("units: " + ", ".join(sorted({unit.name for unit in warm.values()})) + " (the header's)",
                    NO_DEPTHS, OPEN_NOTE),
    )
    return [
        Record(
            about.get("Serial") or head.path.stem,
            times,
            np.full(len(warm), np.nan),
            values,
            flags,
            labels=tuple(f"channel {place + 1} {names[place]}" for place in warm),
            source=source,
            metadata={"logger": f"RBR {about.get('Model', '')}".strip(), "serial": about.get("Serial", "")},
            others={name: table.numbers(2 + place, name=name) for place, name in enumerate(names) if place not in warm},
        )
    ]


def _unit(about: dict[str, str], place: int, file: str) -> Unit:
    """Of a channel; the columns that Ruskin derives stand behind the channels."""
    text = with_degrees(about.get(f"Channel[{place + 1}].units", ""))
    name = about.get(f"Channel[{place + 1}].name", "")
    unit = unit_of(text) or unit_of(text.replace("_", " "))
    if unit is None or not name.lower().startswith("temp"):
        raise FileError(f"{file}: the header gives column {place + 1}, a temperature, the name {name!r} and the unit "
                        f"{text!r}; expected 'Temperature' and a unit such as '°C (Degrees_C)'")
    return unit


def _celsius(
    table: Fields, names: list[str], warm: dict[int, Unit]
) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
    raw = table.matrix([2 + place for place in warm], [names[place] for place in warm])
    return ends_marked(np.column_stack([unit.to_celsius(raw[:, i]) for i, unit in enumerate(warm.values())]))


READER = Reader("rbr-text", "RBR engineering text (Rtext, Ruskin's legacy export)", claims, read)
