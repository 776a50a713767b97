"""RBR workbooks: the .xls of early Ruskin ("RBR data file") and the .xlsx with sheets Metadata, Events and Data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.archives import WORKBOOK_TEXTS, mentions
from talik.readers.depths import NO_DEPTHS
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.spreadsheet import Cell, Rows, is_workbook, sheets
from talik.readers.stamps import Stamps, prove_dates
from talik.readers.thermistor import OPEN_NOTE, ends_marked
from talik.readers.zones import chosen
from talik.records import Record, Source, Times

_CELSIUS = {"°c", "degrees_c", "deg c", "degc"}
_OLD = "RBR data file"


def claims(head: Head) -> int:
    """Whether it is a workbook of RBR's."""
    if not is_workbook(head.content):
        return 0
    if not head.content.startswith(b"PK"):
        return CERTAIN * any(mark in head.whole_bytes() for mark in (_OLD.encode(), _OLD.encode("utf-16-le")))
    return CERTAIN * (
        mentions(head.path, WORKBOOK_TEXTS, "Ruskin") and mentions(head.path, ["xl/workbook.xml"], 'name="Metadata"')
    )


def read(head: Head, options: Options) -> list[Record]:
    """The record of an RBR workbook."""
    found = sheets(head.path)
    first = next(iter(found.values()), [])
    if first and first[0] and str(first[0][0]).startswith(_OLD):
        return [_old(_joined(found, "Sheet", "Timestamp", head.name), head, options)]
    if "Data" not in found or "Metadata" not in found:
        raise FileError(f"{head.name}: has the sheets {', '.join(found)}; an RBR workbook has 'Metadata' and 'Data'")
    return [_ruskin(found["Metadata"], _joined(found, "Data", "Time", head.name), head, options)]


def _joined(found: dict[str, Rows], name: str, title: str, file: str) -> Rows:
    """The first of the sheets of samples with the rows of those that go on where its rows end."""
    first, *more = (rows for sheet, rows in found.items() if sheet.startswith(name) and rows)
    for rows in more:
        at = next((i for i, row in enumerate(rows) if row and str(row[0]) == title), None)
        if at is not None and rows[at] != next(row for row in first if row and str(row[0]) == title):
            raise FileError(f"{file}: its sheets {name!r} have different columns; keep one of them a file")
        first = [*first, *rows[0 if at is None else at + 1:]]
    return first


def _old(rows: Rows, head: Head, options: Options) -> Record:
    at = next((i for i, row in enumerate(rows) if row and str(row[0]) == "Timestamp"), None)
    if at is None or at + 1 >= len(rows):
        raise FileError(f"{head.name}: no row 'Timestamp, ...' with samples below it")
    about = {str(row[i]).rstrip(": "): row[i + 1] for row in rows[:at] for i in range(0, len(row) - 1, 2) if row[i]}
    body = [row for row in rows[at + 1:] if row and row[0] is not None]
    proved = None if options.date_order else _proved_order(body, about)
    stamps = prove_dates(
        [str(row[0]) for row in body], date_order=options.date_order or proved, file=head.name, lines=at + 2
    )
    if proved:
        stamps = replace(stamps, how=f"dates: {proved}, proved by the first, which is the header's start of logging")
    serial = str(about.get("Serial Number", "")) or head.path.stem
    return _record(
        body,
        [str(cell) for cell in rows[at][1:]],
        ["°C" if str(cell).lower().startswith("temp") else "unit not named" for cell in rows[at][1:]],
        stamps,
        head,
        options,
        serial=serial,
        model=f"RBR {about.get('Model', '')}".strip(),
        header=_text(rows[: at + 1]),
        first=at + 2,
    )


def _proved_order(body: Rows, about: dict[str, Cell]) -> str | None:
    """Days or months first, where the header's start (year/month/day) is the first stamp read that way and no other."""
    start = re.match(r"(\d{4})/(\d{1,2})/(\d{1,2})$", str(about.get("Logging start time", "")))
    first = re.match(r"(\d\d)/(\d\d)/(\d{4}) ", str(body[0][0])) if body else None
    if not start or not first or first[1] == first[2]:
        return None
    year, month, day = (int(part) for part in start.groups())
    fits = {"DMY": (int(first[3]), int(first[2]), int(first[1])), "MDY": (int(first[3]), int(first[1]), int(first[2]))}
    return next((order for order, date in fits.items() if date == (year, month, day)), None)


def _ruskin(about: Rows, rows: Rows, head: Head, options: Options) -> Record:
    at = next((i for i, row in enumerate(rows) if row and str(row[0]) == "Time"), None)
    if at is None or at + 1 >= len(rows):
        raise FileError(f"{head.name}: sheet 'Data' has no row 'Time, ...' with samples below it")
    body = [row for row in rows[at + 1:] if row and row[0] is not None]
    stamps = prove_dates([str(row[0]) for row in body], date_order="YMD", file=head.name, lines=at + 2)
    stamps = replace(stamps, how="dates: the workbook keeps them as dates")
    units = _units(about)
    titles = [str(cell) for cell in rows[at][1:] if cell]
    if len(units) != len(titles):
        raise FileError(
            f"{head.name}: sheet 'Metadata' describes {len(units)} channels, sheet 'Data' has {len(titles)}"
        )
    instrument = _below(about, "Serial", 2)
    serial, model = (
        (str(instrument[0][0]).removesuffix(".0"), str(instrument[0][1])) if instrument else (head.path.stem, "RBR")
    )
    return _record(
        body, titles, units, stamps, head, options, serial=serial, model=model, header=_text(about), first=at + 2
    )


def _units(about: Rows) -> list[str]:
    """Of the channels, from the column 'Units' of their list."""
    titles = next((row for row in about if row and str(row[0]) == "Index"), [])
    place = next((i for i, title in enumerate(titles) if str(title).lower().startswith("unit")), 2)
    return [str(row[place]) for row in _below(about, "Index", place + 1)]


def _below(rows: Rows, title: str, width: int) -> Rows:
    """The rows under a title in the first column, up to a blank one."""
    at = next((i for i, row in enumerate(rows) if row and str(row[0]) == title), None)
    found: Rows = []
    for row in rows[at + 1:] if at is not None else ():
        if not row or row[0] is None:
            break
        found.append([*row, *[None] * width][:width])
    return found


def _record(
    body: Rows,
    titles: Sequence[str],
    units: Sequence[str],
    stamps: Stamps,
    head: Head,
    options: Options,
    *,
    serial: str,
    model: str,
    header: str,
    first: int,
) -> Record:
    table = _numbers(body, len(titles), head.name, first)
    warm = [i for i, title in enumerate(titles) if title.lower().startswith("temp") and units[i].lower() in _CELSIUS]
    if not warm:
        raise FileError(f"{head.name}: no channel 'Temperature' in °C among {', '.join(titles)}")
    values, flags = ends_marked(table[:, warm])
    zone = chosen(options.timezone)
    return Record(
        serial,
        zone.to_utc(stamps.times, file=head.name),
        np.full(len(warm), np.nan),
        values,
        flags,
        labels=tuple(f"channel {i + 1} {titles[i]}" for i in warm),
        source=Source(
            header=header,
            time_zone=zone.label,
            time_zone_from=zone.found_in,
            understood=(
                stamps.how,
                zone.understood,
                "units: °C (the workbook's)",
                NO_DEPTHS,
                OPEN_NOTE,
                *_summer_time(stamps.times),
            ),
        ),
        metadata={"logger": model, "serial": serial},
        others={
            f"channel {i + 1} {titles[i]} [{units[i]}]": table[:, i].copy() for i in range(len(titles)) if i not in warm
        },
    )


def _summer_time(times: Times) -> tuple[str, ...]:
    """A warning when steps are an hour too short or too long: the export is in a zone with summer time."""
    steps = np.diff(times)
    off = np.abs(steps - np.median(steps)) == np.timedelta64(1, "h") if steps.size > 2 else np.array([], bool)
    if not off.any():
        return ()
    return (
        f"times: {int(off.sum())} steps are an hour off the others: exported in local time with summer time. "
        "Read the .rsk instead, or give the zone by name (timezone='America/Yellowknife')",
    )


def _numbers(body: Rows, width: int, file: str, first: int) -> NDArray[np.float64]:
    values = np.full((len(body), width), np.nan)
    for number, row in enumerate(body):
        for place, cell in enumerate(row[1:width + 1]):
            if isinstance(cell, float):
                values[number, place] = cell
            elif cell is not None and cell.lower() not in ("nan", "n/a"):
                raise FileError(f"{file}, row {first + number}: {cell[:40]!r} in column {place + 2} is not a number")
    return values


def _text(rows: Rows) -> str:
    return "\n".join("\t".join(str(cell) for cell in row if cell is not None) for row in rows)


READER = Reader("rbr-workbook", "RBR .xls or .xlsx (Ruskin)", claims, read)
