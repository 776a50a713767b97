"""
LogR's ULogC16-32 loggers: `_temp.csv` (degrees, local stamps) and `_raw.csv` (volts, seconds of 1970 in UTC).

The logger's description (`..._cfg.txt`, `....txt`) beside them has the UTC offset and the calibration. A channel's
circuit is R = 7500 V / (2.5 - V) - 100 ohm, and 1/T = A + B L + C L³ + D L⁵ with L = ln R: this gives the third
decimal of the logger's own `_temp.csv`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.delimited import Fields, ended, split
from talik.readers.depths import Labelled, depths_of
from talik.readers.dialect import cells
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.stamps import prove_dates
from talik.readers.thermistor import OPEN_NOTE, celsius, ends_marked
from talik.readers.zones import Zone, chosen, offset
from talik.records import Record, Source, Times

_FIRST = re.compile(r"^SensorId([,;\t])timestamp\1temperature\1pressure\1humidity\1battery\1", re.IGNORECASE)
_HEADER = 20
"""Lines among which those above the data stand."""

_ABOVE_DATA = ("Label", "Group", "x", "y", "z")
_BRIDGE, _VOLTS, _SERIES = 7500.0, 2.5, 100.0
_DESCRIPTION_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Description:
    """The logger's description: its entries ("UTC Offset", "Serial Number", ...) and each channel's row, by title."""

    name: str
    entries: dict[str, str]
    channels: dict[str, dict[str, str]]


def claims(head: Head) -> int:
    """Whether the first line is that of a ULogC16-32."""
    return CERTAIN * bool(_FIRST.match(head.first.replace('"', "")))


def read(head: Head, options: Options) -> list[Record]:
    """The record of a ULogC16-32 file: channels CH1, CH2, ...; the logger's own sensors go to `Record.others`."""
    lines = head.whole_text().splitlines()
    separator = match[1] if (match := _FIRST.match(lines[0].replace('"', ""))) else ","
    names = cells(lines[0], separator)
    first = [cells(line, separator) for line in lines[:_HEADER]]
    above = {row[0]: row for row in first if row[0] in _ABOVE_DATA}
    begin = next((n for n, row in enumerate(first[1:], 2) if any(row) and row[0] not in _ABOVE_DATA), 2)
    numbers = [n for n, line in enumerate(lines[begin - 1 :], begin) if line.strip()]
    table = split([lines[n - 1] for n in numbers], separator, width=len(names), file=head.name, numbers=numbers)
    ended(head)
    warm = [place for place, name in enumerate(names) if re.fullmatch(r"CH\d+", name)]
    if not warm:
        raise FileError(f"{head.name}, line 1: no channels CH1, CH2, ... among {', '.join(names)}")
    channels = [names[place] for place in warm]
    typed = [_typed(above.get("Label", [])[place:place + 1]) for place in warm]
    described = _description(head.path)
    readings = table.matrix(warm, channels)
    is_raw = str(table.text(1)[0]).strip().isdigit()
    degrees, how = (_from_volts(readings, channels, described, head.name), "units: volts, to °C by the calibration in "
                    f"{described.name if described else ''}") if is_raw else (readings, "units: °C (the format's)")
    times, how_dates, zone = _times(table, numbers, is_raw, described, options, head.name)
    depths = _depths(typed, above, warm)
    values, flags = ends_marked(degrees)
    metadata = {
        key: value
        for key, value in (("serial", "Serial Number"), ("logger", "Model"), ("station", "Device Name"))
        if described and value in described.entries
    }
    return [
        Record(
            (described and described.entries.get("Device Name")) or head.path.stem,
            times,
            depths.depths,
            values,
            flags,
            labels=tuple(f"{channel} {label}".strip() for channel, label in zip(channels, typed, strict=True)),
            source=Source(
                header="\n".join(lines[: numbers[0] - 1]),
                time_zone=zone.label,
                time_zone_from=zone.found_in,
                understood=(
                    head.encoding.how,
                    how_dates,
                    zone.understood,
                    how,
                    depths.how,
                    OPEN_NOTE,
                ),
            ),
            metadata={key: described.entries[title] for key, title in metadata.items()} if described else {},
            others={
                name: table.numbers(place, name=name)
                for place, name in enumerate(names)
                if place > 1 and place not in warm
            },
        )
    ]


def _typed(cell: list[str]) -> str:
    text = cell[0].strip() if cell else ""
    return "" if text.lower() in ("none", "na") else text


def _depths(typed: list[str], above: dict[str, list[str]], warm: list[int]) -> Labelled:
    """From the labels the user typed, else from the row of z where it is not all zero."""
    # a bare "Air" beside -0.5m, -1.0m does not make those heights
    found = depths_of(["" if label.lower() == "air" else label for label in typed])
    z = [_number(above.get("z", [])[place:place + 1]) for place in warm]
    if not np.isnan(found.depths).all() or not any(z):
        return found
    return Labelled(np.abs(np.array(z)), "depths: from the row z of the header")


def _number(cell: list[str]) -> float:
    try:
        return float(cell[0].replace(",", "."))
    except (ValueError, IndexError):
        return 0.0


def _times(table: Fields, numbers: list[int], is_raw: bool, described: Description | None, options: Options,
           file: str) -> tuple[Times, str, Zone]:
    if is_raw:
        seconds = table.numbers(1, name="timestamp").astype("M8[s]").astype("M8[us]")
        return seconds, "dates: seconds since 1970 (the format's)", Zone("UTC", 0, "format")
    stamps = prove_dates(table.text(1), date_order=options.date_order, usual="YMD",
                         file=file, lines=numbers)
    noted = offset(described.entries.get("UTC Offset", "")) if described else None
    zone = chosen(options.timezone, noted, found_in="metadata")
    return zone.to_utc(stamps.times, file=file), stamps.how, zone


def _from_volts(
    volts: NDArray[np.float64], channels: list[str], described: Description | None, file: str
) -> NDArray[np.float64]:
    if described is None:
        raise FileError(
            f"{file}: holds volts, and the logger's description with the calibration (a text file of the same name "
            "with _cfg.txt or .txt for _raw.csv) is not beside it. Put it there, or read the _temp.csv."
        )
    rows = [described.channels.get(channel) for channel in channels]
    lost = next((channel for channel, row in zip(channels, rows, strict=True) if row is None), None)
    if lost:
        raise FileError(f"{described.name}: has no row for channel {lost} of {file}")
    try:
        table = np.array([[float(row[key]) for key in ("A", "B", "C", "D", "E", "Offset")] for row in rows if row])
    except (KeyError, ValueError) as error:
        raise FileError(
            f"{described.name}: the calibration (A to E, Offset) of a channel is not whole: {error}"
        ) from None
    if table[:, 4:].any():
        raise FileError(
            f"{described.name}: a channel has a coefficient E or an offset; how the logger applies them is not "
            "known here. Read the _temp.csv instead."
        )
    a, b, c, d = table[:, :4].T
    zero = np.zeros_like(a)
    with np.errstate(divide="ignore", invalid="ignore"):
        resistance = _BRIDGE * volts / (_VOLTS - volts) - _SERIES
        log = np.log(np.where(resistance > 0, resistance, np.nan))
    return celsius(log, np.column_stack([a, b, zero, c, zero, d]))


def _description(path: Path) -> Description | None:
    """The text file beside `path` that describes the logger, if there is one."""
    stem = re.sub(r"_(raw|temp)$", "", path.stem, flags=re.IGNORECASE)
    if stem == path.stem:
        return None
    beside = next((p for p in (path.with_name(f"{stem}_cfg.txt"), path.with_name(f"{stem}.txt")) if p.is_file()), None)
    if beside is None:
        return None
    with beside.open("rb") as stream:
        lines = stream.read(_DESCRIPTION_BYTES).decode("utf-8", errors="replace").splitlines()
    entries = {m[1].strip(): m[2].strip() for line in lines if (m := re.match(r"^([A-Z][\w ]*?):\s*(.*)$", line))}
    at = next((i for i, line in enumerate(lines) if line.startswith("ChannelID\t")), len(lines))
    titles = lines[at].split("\t") if at < len(lines) else []
    rows = (dict(zip(titles, line.split("\t"), strict=False)) for line in lines[at + 1:] if "\t" in line)
    return Description(beside.name, entries, {row["ChannelID"]: row for row in rows})


READER = Reader("logr", "LogR ULogC16-32 csv (temp or raw)", claims, read)
