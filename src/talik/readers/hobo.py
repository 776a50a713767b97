"""Exports of HOBOware, HOBOconnect and HOBOlink in any dialect: separators, dates, languages, numbers, events."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from talik.errors import AmbiguousFile, FileError
from talik.readers.columns import Columns, Layout, columns_of_rows, read_columns
from talik.readers.delimited import refuse_overlooked
from talik.readers.depths import Labelled, depths_of, unit_of
from talik.readers.dialect import cells, separator_of, unique_names
from talik.readers.encoding import with_degrees
from talik.readers.numerals import decimal_mark
from talik.readers.registry import CERTAIN, CLAIM, Head, Options, Reader
from talik.readers.spreadsheet import Cell, Rows
from talik.readers.widetable import wide_record
from talik.readers.zones import chosen, named_in, offset_in
from talik.records import Record

_LOGGER = re.compile(r"LGR S/N|\bS/N:\s*\d|#\d{6,}\b|Coupler|Coupleur|Host Connected|End Of File|Fin de fichier")
_NUMBERED = re.compile(r"""\W*(Line)?#["']?\s*[,;\t]""")
_WEST = {"Hawaiian": -10, "Alaskan": -9, "Pacific": -8, "Mountain": -7, "Central": -6, "Eastern": -5, "Atlantic": -4}
_SPELLED = re.compile(rf"\b({'|'.join(_WEST)}) (Standard|Daylight) Time\b")
_CLOCK_ZONE = re.compile(r"(GMT|UTC)\s*[+-]\d")
_TITLE = re.compile(r'"?(?:Plot Title|Titre de tracé|[^";,\t]{3,30})\s*:\s*([^";\t]*?)\s*"?[;,\t\s]*')
# pieces of a header cell that a comma without quotes around it has parted from their cell
_LOOSE = re.compile(r"#\d+|(GMT|UTC)\s*[+-].*|[°*]?[CF]\b.*|%.*|V\b.*|SEN S/N.*|LBL:.*|lux|kPa.*|m³.*")
# dew point in several languages, and what else is no reading of a sensor in the ground or the air
_NOT_GROUND = re.compile(
    r"dew|tau\w*p|rosn|ros[eé]e|roc[ií]o|orvalho|daugg|росы|露点|wet.?bulb|heat index|chill|logger temp|internal temp|"
    r"(?<![a-z])(?:m[aá]x|m[ií]n|std|standardabw|écart)(?![a-z])|stddev",
    re.IGNORECASE,
)
_UNITLESS = re.compile(r"LBL:\s*([-+\u2212]?\d+(?:[.,]\d+)?)\s*(?=,(?!\d)|\)|$)")
_DETAIL = re.compile(r"([A-Z][A-Za-z ()σ]{2,40}):\s*(\S.*?)\s*$")
_DIGITS = re.compile(r"\(?-?(\d+)\)?-?")
_LOOKED_AT = 300
_MOST_ABOVE = 10
_BINARY = (".hobo", ".dtf")


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where things stand: the header's line, the names of the columns and what each is."""

    header: int
    names: tuple[str, ...]
    separator: str
    stamp: str
    clock: str
    numbers: tuple[str, ...]
    events: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]  # the cells of the first rows, for guesses

    def sample(self, name: str) -> list[str]:
        place = self.names.index(name)
        return [row[place] for row in self.samples if place < len(row) and row[place]]


def _claims(head: Head) -> int:
    if head.suffix in _BINARY and head.binary:
        return CERTAIN
    lines = head.lines if (sheet := _sheet(head)) is None else _lines(sheet)
    found = _header(lines)
    if found is None:
        return 0
    return CERTAIN if _LOGGER.search(lines[found]) else CLAIM


def _sheet(head: Head) -> Rows | None:
    """The sheet of a workbook that has a header, else its first one."""
    sheets = list(head.sheets().values())
    return next((sheet for sheet in sheets if _header(_lines(sheet)) is not None), next(iter(sheets), None))


def _lines(sheet: Rows) -> list[str]:
    """The first rows of a sheet as lines of text."""
    return ["\t".join(map(_text, row)) for row in sheet[:_MOST_ABOVE]]


def _text(cell: Cell) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else f"{cell:.15g}"


def _header(lines: Sequence[str]) -> int | None:
    """The line that names a temperature, and by its manner comes from HOBOware, HOBOconnect or HOBOlink."""
    for place, line in enumerate(lines[:_MOST_ABOVE]):
        if unit_of_any(with_degrees(line)) and (
            _LOGGER.search(line) or _NUMBERED.match(line) or _titled(line)
        ):
            return place
    return None


def _titled(line: str) -> bool:
    """Whether a zone stands in the title of the stamps, and units (or a sensor in brackets) in all behind it."""
    names = _joined(cells(line, separator_of([line])))
    place = next((place for place, name in enumerate(names) if _CLOCK_ZONE.search(name)), len(names))
    return place < len(names) - 1 and all(re.search("[,(]", name) for name in names[place + 1 :] if name)


def unit_of_any(line: str) -> bool:
    """True when some cell of the line names a temperature unit."""
    return any(unit_of(part) is not None for part in re.split(r'[",;\t]', line)) or unit_of(line) is not None


def _shape(head: Head, sheet: Rows | None) -> _Shape:
    lines = head.lines if sheet is None else _lines(sheet)
    header = _header(lines)
    if header is None:
        raise FileError(
            f"{head.name}: none of the first {_MOST_ABOVE} lines is a HOBOware header (a date and a temperature with "
            "its unit)"
        )
    body = slice(header + 1, header + 1 + _LOOKED_AT)
    if sheet is None:
        rows = [line for line in lines[body] if line.strip()]
        separator = separator_of(rows[:60])
        samples = tuple(tuple(cells(row, separator)) for row in rows)
    else:
        separator = "\t"
        samples = tuple(tuple(map(_text, row)) for row in sheet[body] if any(row))
    if not samples:
        raise FileError(f"{head.name}: has a header and no rows")
    names = unique_names(_joined(cells(with_degrees(lines[header]), separator)))
    first = samples[0]
    place = next(
        (i for i, cell in enumerate(first) if re.search(r"\d\D+\d", cell) and re.search(r"[-/.年 ]", cell)), None
    )
    if place is None or place >= len(names):
        raise FileError(f"{head.name}, line {header + 2}: no date among {', '.join(first)[:60]!r}")
    apart = not re.search(r"\d[:h]\d|\d\s+\d", first[place]) and place + 1 < len(first) and ":" in first[place + 1]
    numbers, events = [], []
    for i, name in enumerate(names[place + 1 + apart :], place + 1 + apart):
        found = [row[i] for row in samples if i < len(row) and row[i]]
        if unit_of(name) or (
            re.search(r"[,(]", name) and not _LOGGER.search(name.split("(")[0]) and _mostly_numbers(found)
        ):
            numbers.append(name)
        else:
            events.append(name)
    return _Shape(
        header,
        tuple(names),
        separator,
        names[place],
        names[place + 1] if apart else "",
        tuple(numbers),
        tuple(events),
        samples,
    )


def _joined(names: Sequence[str]) -> list[str]:
    """Header cells with the loose pieces put back: "Temp (°C)", "#9724974" is one cell."""
    joined: list[str] = []
    for name in names:
        if joined and _LOOSE.fullmatch(name):
            joined[-1] += ", " + name
        else:
            joined.append(name)
    return joined


def _mostly_numbers(found: list[str]) -> bool:
    numbers = sum(bool(re.fullmatch(r"[(\-+]?[\d.,\s']*\d[\d.,]*[)\-]?", cell)) for cell in found)
    return 0 < len(found) < 2 * numbers


def _read(head: Head, options: Options) -> list[Record]:
    sheet = _sheet(head)
    if head.binary and sheet is None:
        raise FileError(
            f"{head.name}: is HOBOware's own binary form, which no other program reads; "
            "export it as text (File > Export Table Data)"
        )
    shape = _shape(head, sheet)
    warm = [name for name in shape.numbers if unit_of(name) and not _NOT_GROUND.search(name.split("(")[0])]
    if not warm:
        raise FileError(f"{head.name}: no column names a temperature unit; columns: {', '.join(shape.names)}")
    details = _details(shape.samples)
    decimal, how_numbers = decimal_mark((c for name in warm for c in shape.sample(name)), shape.separator)
    layout = Layout(
        shape.names,
        shape.separator,
        shape.header + 1,
        shape.numbers,
        shape.events,
        stamp=shape.stamp,
        clock=shape.clock,
        decimal=decimal,
        ragged=True,
        loose=tuple(name for name in shape.numbers if name not in warm),
    )
    if sheet is None:
        table = read_columns(head, layout, options)
        refuse_overlooked(head, layout, table)
    else:
        table = columns_of_rows(sheet, layout, options, file=head.name)
    columns = _samples_only(table, shape, head.name)
    scale, how_scale = _scale(warm, shape, columns, details, head.name)
    columns = replace(columns, frame=columns.frame.with_columns(pl.col(warm) * scale)) if scale != 1 else columns
    zone = chosen(options.timezone, None if options.timezone else _zone(shape, details, head.name))
    above = (head.lines if sheet is None else _lines(sheet))[: shape.header + 1]
    title = next((found for line in reversed(above[:-1]) if (found := _TITLE.fullmatch(line.strip()))), None)
    site = (title[1].strip() if title else "") or details.get("Serial Number") or _serial(shape.names) or head.path.stem
    return [
        wide_record(
            head,
            columns,
            warm,
            _depths(warm),
            zone,
            site=site,
            header="\n".join(above),
            metadata={**details, "events": _events(table, shape)},
            others=[name for name in shape.numbers if name not in warm],
            understood=(how_scale or how_numbers,),
        )
    ]


def _zone(shape: _Shape, details: dict[str, str], file: str) -> int | str | None:
    """The zone that the titles of the stamps name, else the details."""
    for title in filter(None, (shape.clock, shape.stamp)):
        if match := _SPELLED.search(title):
            return 60 * (_WEST[match[1]] + (match[2] == "Daylight"))
        if (found := named_in(title, file=file)) is not None:
            return found
    return next((found for text in details.values() if (found := offset_in(text)) is not None), None)


def _depths(warm: Sequence[str]) -> Labelled:
    """Depths from the labels; a label that is a number alone may be in m, in cm, or the number of a sensor."""
    bare = [match[1] for name in warm if (match := _UNITLESS.search(name))]
    found = depths_of([_bare(_UNITLESS.sub("", name)) for name in warm])
    if not bare:
        return found
    return replace(found, how=f"depths: the labels {', '.join(bare)} have no unit (m, cm, or numbers of sensors?): "
                              "give them with depths=...")


def _samples_only(columns: Columns, shape: _Shape, file: str) -> Columns:
    """Without the rows that only note an event: they are no samples. Blank samples stay."""
    if not shape.events:
        return columns
    blank = columns.frame.select(
        pl.all_horizontal(pl.col(shape.numbers).is_null()) & pl.any_horizontal(pl.col(shape.events).is_not_null())
    ).to_series()
    if blank.all():
        raise FileError(f"{file}: has no readings, only {len(blank)} row{'s' * (len(blank) > 1)} of events")
    return columns.kept(~blank.to_numpy()) if blank.any() else columns


def _details(samples: Sequence[Sequence[str]]) -> dict[str, str]:
    """The lines of the details column, as far as they stand in the first rows; the first series' statistics win."""
    found: dict[str, str] = {}
    for row in samples:
        if match := _DETAIL.search(row[-1]):
            found.setdefault(match[1].strip(), match[2])
    return found


def _scale(
    warm: Sequence[str], shape: _Shape, columns: Columns, details: dict[str, str], file: str
) -> tuple[float, str]:
    """1, or 0.001 where the export lost its decimal marks: 20865 for 20.865, 0412 for 0.412."""
    found = [match[1] if (match := _DIGITS.fullmatch(cell)) else "" for name in warm for cell in shape.sample(name)]
    if not found or not all(len(digits) >= 4 for digits in found):
        return 1.0, ""
    values = columns.matrix(list(warm)) / 1000
    if not np.nanmax(np.abs(values)) < 200:
        raise AmbiguousFile(
            f"{file}: temperatures without decimal mark, such as {found[0]}, are not thousandths of a degree "
            "(values beyond 200); export the file again with a decimal mark"
        )
    low, high = (_float(details.get(key, "")) for key in ("Min", "Max"))
    first = values[:, 0]
    if not np.isnan(low + high) and (np.nanmin(first) < low - 0.01 or np.nanmax(first) > high + 0.01):
        raise AmbiguousFile(
            f"{file}: temperatures without decimal mark, read as thousandths of a degree, leave the range "
            f"{low:g} to {high:g} that the file's details state"
        )
    proof = (
        "within the range in the file's details" if not np.isnan(low + high) else "every number has four digits or more"
    )
    return 0.001, f"numbers: the decimal mark is lost, 3 decimals ({proof})"


def _float(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return float("nan")


def _bare(name: str) -> str:
    """A label without serial numbers, so that only its depth is left."""
    return re.sub(r"(LGR|SEN) S/N:\s*\S+|#\d+", "", name)


def _serial(names: Sequence[str]) -> str:
    return next((match[1] for name in names if (match := re.search(r"(?:LGR S/N:\s*|#)(\d{5,})", name))), "")


def _events(columns: Columns, shape: _Shape) -> tuple[str, ...]:
    """Rows of the event columns, as "2010-08-18T14:00:00 Coupler Detached: Logged", in the file's own time."""
    times, found = columns.proved.times, []
    for name in shape.events:
        noted = columns.frame[name]
        for row in noted.is_not_null().arg_true()[:1000].to_list():
            found.append(f"{times[row].astype('M8[s]')} {name.split('(')[0].strip()}: {noted[row]}")
    return tuple(sorted(found))


READER = Reader("hobo", "HOBOware, HOBOconnect or HOBOlink export (text or workbook), any dialect", _claims, _read)
