"""
RBR loggers: .dat of the XL-800, XR-420, TR-1060 and their like; .hex of the XL-800 and XR-420.

A .dat has its samples with a stamp each (format code E...), with the stamp of each block of a day above it (D...),
with a running number (S...) or with nothing (N...); where stamps are missing, time is start + number * period, as the
header says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers import rbr_header
from talik.readers.delimited import ended
from talik.readers.depths import NO_DEPTHS
from talik.readers.rbr_header import Channel, LoggerHeader
from talik.readers.rbr_hex import Samples, samples
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.thermistor import OPEN_NOTE, ends_marked
from talik.records import Record, Source, Times

_STAMPED = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\s|$)")
_TITLE = re.compile(r"(?:[A-Za-z][\w()%/]*\s*)+")


def claims(head: Head) -> int:
    """Whether the first line is that of an RBR logger of before Ruskin."""
    return CERTAIN * (not head.binary and rbr_header.is_header(head.lines))


def read(head: Head, options: Options) -> list[Record]:
    """The record of a .dat or .hex file; channels that are not temperatures go to `Record.others`."""
    lines = head.whole_text().splitlines()
    header = rbr_header.parsed(lines, file=head.name)
    if any(line.startswith("Number of bytes of data") for line in lines[:200]):
        found = samples(lines, header, file=head.name)
    else:
        found = _dat(lines, header, head.name)
        ended(head)
    if not found.times.size:
        raise FileError(f"{head.name}: the header is whole, but no sample follows")
    warm = [i for i, channel in enumerate(header.channels) if channel.is_temperature]
    if not warm:
        raise FileError(f"{head.name}: no channel in degrees; units are {', '.join(c.unit for c in header.channels)}")
    raw = found.values[:, warm]
    fahrenheit = np.array([header.channels[i].unit.lower().startswith(("deg_f", "degrees_f")) for i in warm])
    values, flags = ends_marked(np.where(fahrenheit, (raw - 32) / 1.8, raw))
    zone = header.zone(options.timezone)
    return [
        Record(
            header.serial,
            zone.to_utc(found.times, file=head.name),
            np.full(len(warm), np.nan),
            values,
            flags,
            labels=tuple(f"channel {i + 1}" for i in warm),
            source=Source(
                header="\n".join(header.lines),
                time_zone=zone.label,
                time_zone_from=zone.found_in,
                understood=(
                    head.encoding.how,
                    "dates: year/month/day (the format's)",
                    zone.understood,
                    _units([header.channels[i] for i in warm]),
                    NO_DEPTHS,
                    OPEN_NOTE,
                    *found.notes,
                ),
            ),
            metadata={"logger": f"RBR {header.model}", "serial": header.serial, "title": header.title},
            others={
                f"channel {i + 1} [{channel.unit}]": found.values[:, i].copy()
                for i, channel in enumerate(header.channels)
                if i not in warm
            },
        )
    ]


def _units(channels: list[Channel]) -> str:
    named = ", ".join(sorted({channel.unit for channel in channels}))
    unknown = any(channel.unit.lower() == "unknown" for channel in channels)
    return f"units: {named}" + (
        " (taken as °C: the calibration is a thermistor's)" if unknown else " (the calibrations)"
    )


def _dat(lines: Sequence[str], header: LoggerHeader, file: str) -> Samples:
    rows: list[str] = []
    places: list[int] = []              # line of each row
    stamps: list[tuple[int, str]] = []  # a stamp, and the row that follows it or stands beside it
    notes: list[str] = []
    undated = ""
    for number, line in enumerate(lines[len(header.lines):], len(header.lines) + 1):
        text = line.strip()
        if _STAMPED.match(text):
            stamps.append((len(rows), text[:19]))
            text, undated = text[19:].strip(), ""
        if not text or (not rows and _TITLE.fullmatch(text)):
            continue
        if text[0] not in "-0123456789":
            notes.append(f"line {number}: {text}")
            undated = text
            continue
        if undated:
            raise FileError(
                f"{file}, line {number}: stands after {undated!r} and has no stamp of its own, so it cannot be dated"
            )
        rows.append(text)
        places.append(number)
    values = _values(rows, places, len(header.channels), file)
    if len(rows) < header.samples:
        last = f" (the last in line {places[-1]})" if places else ""
        raise FileError(
            f"{file}: {len(rows)} samples{last} where the header promises {header.samples}: the file is cut"
        )
    return Samples(_times(stamps, places, header, file), values, tuple(notes[:5]))


def _values(rows: list[str], places: list[int], width: int, file: str) -> NDArray[np.float64]:
    """The numbers of the rows; a running number in front is left out."""
    if not rows:
        return np.empty((0, width))
    fields = [row.split() for row in rows]
    usual = len(fields[0])
    if usual != width and (usual != width + 1 or not fields[0][0].isdigit()):
        raise FileError(f"{file}, line {places[0]}: {usual} numbers where the header promises {width} channels")
    short = next((i for i, row in enumerate(fields) if len(row) != usual), None)
    if short is not None:
        raise FileError(f"{file}, line {places[short]}: {len(fields[short])} numbers where other rows have {usual}: "
                        f"{rows[short].strip()[:40]!r}. The line is cut, or the file is not whole.")
    try:
        return np.array(fields, dtype=np.float64)[:, usual - width:]
    except ValueError:
        bad = next(i for i, row in enumerate(fields) if not all(re.fullmatch(r"-?\d+(\.\d*)?", cell) for cell in row))
        raise FileError(f"{file}, line {places[bad]}: {rows[bad].strip()[:60]!r} is not made of numbers") from None


def _times(stamps: list[tuple[int, str]], places: list[int], header: LoggerHeader, file: str) -> Times:
    """Of each row: the stamp before it and a period for each row between; without stamps from the header's start."""
    rows = np.arange(len(places))
    if not stamps:
        return header.start + rows * header.period
    if stamps[0][0] != 0:
        raise FileError(f"{file}, line {places[0]}: rows stand before the first stamp, so they cannot be dated")
    stamps = [(row, text) for row, text in stamps if row < len(places)]
    begins = np.array([row for row, _ in stamps])
    dates = _dates([text for _, text in stamps], file, [places[row] for row in begins])
    block = np.searchsorted(begins, rows, side="right") - 1
    times: Times = dates[block] + (rows - begins[block]) * header.period
    return times


def _dates(texts: list[str], file: str, places: list[int]) -> Times:
    iso = [text.replace("/", "-").replace(" ", "T") for text in texts]
    try:
        return np.array(iso, dtype="M8[us]")
    except ValueError:
        for text, line in zip(iso, places, strict=True):
            try:
                np.datetime64(text, "us")
            except ValueError:
                raise FileError(
                    f"{file}, line {line}: {text.replace('T', ' ')!r} is no date (year/month/day)"
                ) from None
        raise


READER = Reader("rbr", "RBR XL-800, XR-420, TR-1060 and their like, .dat or .hex", claims, read)
