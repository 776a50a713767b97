"""
RIHMI-WDC (Obninsk) daily data: `wr*.txt` in fixed columns, with the layout in `fld*.txt` and the names in
`statlist*.txt`.

The three lie side by side, mostly in one zip. Columns are cut by the layout: a blank is a missing value there, and
splitting at blanks would move every value behind it. Air temperature (a2) stands at 2 m height, soil temperature (a3)
at the depths the layout names, snow (a5) has no temperature. Stations are told apart by their WMO index, which is in
`metadata["wmo_id"]`, so that air and soil of one station can be brought together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.fixed_width import Field, Table, numbers, table
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.records import Flag, Record, Source, Times

_DATA = re.compile(r"^wr(\w+)\.txt$", re.IGNORECASE)
_ROW = re.compile(r"^\d{5}[ ;]\d{4}[ ;][ \d]\d[ ;][ \d]\d[ ;]")
_AIR_ROW = re.compile(r"\d{5} \d{4} [ \d]\d [ \d]\d \d [ \d.-]{5} \d [ \d.-]{5} \d [ \d.-]{5} \d [ \d.-]{5} \d \d\s*")
_AIR_LAYOUT = """\
1  1    5    Индекс ВМО
2  2    4    Год
3  3    2    Месяц
4  4    2    День
5  5    1    Общий признак качества температур
6  6    5,1  Минимальная температура воздуха
7  6.Q  1    Признак качества
8  7    5,1  Средняя температура воздуха
9  7.Q  1    Признак качества
10 8    5,1  Максимальная температура воздуха
11 8.Q  1    Признак качества
12 9    5,1  Количество осадков
13 9.C  1    Дополнительная характеристика
14 9.Q  1    Признак качества
"""
"""Of air temperature and precipitation, the same for decades: the one layout that rows prove by their shape."""
_ENCODING = "cp1251"
_FILLS = {6: (9999.9, 999.9), 5: (999.9, 9999.0), 4: (9999.0,)}
_AIR_HEIGHT = 2.0
_DOUBTED, _REJECTED = np.arange(1, 9), 9
"""Quality marks: 0 is good, 1 to 8 tell how a value was checked or restored, 9 is rejected or not observed."""

_OTHERS = {
    "минимальная температура воздуха": "minimum air temperature [degC]",
    "максимальная температура воздуха": "maximum air temperature [degC]",
    "количество осадков": "precipitation [mm]",
    "высота снежного покрова": "snow depth [cm]",
    "степень покрова окрестности станции снегом": "snow cover around the station [tenths]",
}
"""Columns that are not mean temperatures: how the layout names them, and how they are called under `Record.others`."""

_AIR = re.compile(r"(средняя |среднесуточная )?(суточная )?температура воздуха")
_SURFACE = re.compile(r"(средняя )?температура (на )?поверхности (почвы|грунта)")
_DEEP = re.compile(r"(?:средняя )?температура (?:почвы |почвогрунта |грунта )?на глубине (\d+(?:[.,]\d+)?)\s*(с?м)\b.*")

_STATION = ("индекс вмо", "год", "месяц", "день")


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of values, its depth [m] (NaN: not a mean temperature), its name, and the field of its quality mark."""

    field: Field
    depth: float
    name: str
    quality: Field | None


def claims(head: Head) -> int:
    """Whether it is a `wr*.txt` with its `fld*.txt` beside it or with such rows, or has rows of air temperature."""
    if _DATA.match(head.path.name) and (_ROW.match(head.first) or _beside(head, "fld")):
        return CERTAIN
    return CERTAIN * _is_air(head)


def _is_air(head: Head) -> bool:
    return bool(head.lines) and all(map(_AIR_ROW.fullmatch, head.lines[:100]))


def read(head: Head, options: Options) -> list[Record]:
    """One record a station, in the order of the file."""
    layout_name = f"fld{head.path.name[2:].lower()}"
    layout_text = _beside(head, "fld", options.encoding) or _AIR_LAYOUT * _is_air(head)
    if not layout_text:
        raise FileError(f"{head.name}: the layout {layout_name} is not with it; without it the columns cannot be told")
    fields = _layout(layout_text, layout_name)
    columns = _columns(fields)
    stamp = [_named(fields, title, layout_name) for title in _STATION]
    rows = table(head.whole_bytes(), max(field.end for field in fields), file=head.name)
    index, year, month, day = (_whole(rows, field) for field in stamp)
    dates, exist = _dates(year, month, day)
    stations = _stations(_beside(head, "statlist", options.encoding))
    warm = [column for column in columns if not np.isnan(column.depth)]
    cold = [column for column in columns if np.isnan(column.depth)]
    values = {column.name: numbers(rows, column.field, fills=_FILLS.get(column.field.width, ())) for column in columns}
    marks = {column.name: _marks(rows, column) for column in columns}
    starts = np.flatnonzero(np.r_[True, index[1:] != index[:-1]])
    parts: dict[int, list[slice]] = {}
    for begin, end in zip(starts, [*starts[1:], index.size], strict=True):
        parts.setdefault(int(index[begin]), []).append(slice(int(begin), int(end)))
    return [
        _record(
            station,
            np.concatenate([np.arange(p.start, p.stop) for p in pieces]),
            dates,
            exist,
            warm,
            cold,
            values,
            marks,
            stations,
            layout_text,
            _left(fields, columns),
        )
        for station, pieces in parts.items()
    ]


def _record(station: int, rows: NDArray[np.int64], dates: Times, exist: NDArray[np.bool_], warm: list[_Column],
            cold: list[_Column], values: dict[str, NDArray[np.float64]], marks: dict[str, NDArray[np.uint8]],
            stations: dict[int, str], layout: str, left: str) -> Record:
    lost, rows = rows[~exist[rows]], rows[exist[rows]]
    lost_values = sum(int((~np.isnan(values[c.name][lost])).sum()) for c in (*warm, *cold))
    table = np.column_stack([values[c.name][rows] for c in warm]) if warm else np.empty((rows.size, 0))
    rejected = (
        np.column_stack([marks[c.name][rows] == _REJECTED for c in warm]) if warm else np.empty(table.shape, bool)
    )
    flags = np.where(np.isnan(table), Flag.MISSING, np.where(rejected, Flag.SOURCE, 0)).astype(np.uint16)
    doubts = {c.name: marks[c.name][rows] for c in warm if np.isin(marks[c.name][rows], _DOUBTED).any()}
    noted = ", ".join(f"{c.name}: {int(np.isin(doubts[c.name], _DOUBTED).sum())}" for c in warm if c.name in doubts)
    return Record(
        stations.get(station, str(station)),
        dates[rows],
        np.array([c.depth for c in warm]),
        table,
        flags,
        labels=tuple(c.name for c in warm),
        source=Source(
            header=layout,
            time_zone="UTC",
            time_zone_from="format",
            understood=(
                f"encoding: {_ENCODING} (the format's)",
                "dates: year, month, day in columns of their own (the format's)",
                "time zone: the stamps are dates; each stands for its meteorological day at the station",
                "units: °C, cm and mm (the format's)",
                f"columns: by the layout; air at {_AIR_HEIGHT:g} m height, soil by the layout's cm",
                *([f"columns not read: {left}"] if left else []),
                "missing: blank, 999.9 or 9999; a value with quality mark 9 would be flagged SOURCE",
                *([f"quality marks 1 to 8 are kept beside the values ({noted})"] if noted else []),
                *(
                    [
                        f"{lost.size} rows with dates that do not exist, with {lost_values} values, were left out "
                        f"(first: line {lost[0] + 1})"
                    ]
                    if lost.size
                    else []
                ),
            ),
        ),
        metadata={"wmo_id": f"{station:05d}", "network": "RIHMI-WDC"},
        others={
            **{c.name: values[c.name][rows] for c in cold},
            **{f"quality mark of {name}": codes.astype(np.float64) for name, codes in doubts.items()},
        },
    )


def _beside(head: Head, kind: str, encoding: str | None = None) -> str:
    """The layout (fld) or list of stations (statlist) beside a wr*.txt, UTF-8 or as published; "" when not there."""
    name = kind + head.path.name[2:].lower()
    found = next((path for path in head.path.parent.iterdir() if path.name.lower() == name and path.is_file()), None)
    if found is None:
        return ""
    content = found.read_bytes()[:1 << 20]
    try:
        return content.decode(encoding or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return content.decode(_ENCODING, errors="replace")


def _layout(text: str, name: str) -> list[Field]:
    """Fields of the layout (running number, variable, width[,decimals], description), with one blank between them."""
    fields: list[Field] = []
    begin = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = re.match(r"\s*\d+\s+(\S+)\s+(\d+)(?:,(\d+))?\s+(.+?)\s*$", line)
        if match is None:
            raise FileError(
                f"{name}, line {number}: {line.strip()[:60]!r} is not 'number variable width,decimals description'"
            )
        fields.append(Field(match[1], match[4], begin, begin + int(match[2])))
        begin += int(match[2]) + 1
    if not fields:
        raise FileError(f"{name}: is empty, expected the widths of the columns")
    return fields


def _named(fields: list[Field], title: str, layout: str) -> Field:
    for field in fields:
        if field.title.lower() == title:
            return field
    raise FileError(f"{layout}: has no column {title!r}; it has {', '.join(field.title for field in fields[:6])}, ...")


def _columns(fields: list[Field]) -> list[_Column]:
    """The columns of values, each with the field of its own quality mark (`7.Q` belongs to `7`)."""
    columns: list[_Column] = []
    for field in fields:
        title = field.title.lower()
        quality = next(
            (f for f in fields if f.number == f"{field.number}.Q" and f.title.lower().startswith("признак качества")),
            None,
        )
        if _AIR.fullmatch(title):
            columns.append(_Column(field, -_AIR_HEIGHT, "air temperature", quality))
        elif _SURFACE.fullmatch(title):
            columns.append(_Column(field, 0.0, "soil temperature 0 cm", quality))
        elif soil := _DEEP.fullmatch(title):
            depth = float(soil[1].replace(",", ".")) / (100 if soil[2] == "см" else 1)
            columns.append(_Column(field, depth, f"soil temperature {100 * depth:.4g} cm", quality))
        elif title in _OTHERS:
            columns.append(_Column(field, np.nan, _OTHERS[title], quality))
    return columns


def _left(fields: list[Field], columns: list[_Column]) -> str:
    """The titles of columns that nothing is made of; marks of quality aside."""
    used = {column.field.title for column in columns}
    return ", ".join(f.title for f in fields if f.title not in used and f.title.lower() not in _STATION
                     and "качеств" not in f.title.lower())


def _whole(rows: Table, field: Field) -> NDArray[np.int64]:
    values = numbers(rows, field)
    blank = np.isnan(values)
    if blank.any():
        raise FileError(f"{rows.file}, line {int(np.argmax(blank)) + 1}: column {field.title!r} is blank")
    return values.astype(np.int64)


def _dates(
    year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]
) -> tuple[Times, NDArray[np.bool_]]:
    """Dates, and which exist: these files have a 29 February 1900."""
    whole = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = (np.where(whole, (year - 1970) * 12 + month - 1, 0)).astype("M8[M]")
    dates = months.astype("M8[D]") + np.where(whole, day - 1, 0).astype("m8[D]")
    return dates.astype("M8[us]"), whole & (dates.astype("M8[M]") == months)


def _stations(text: str) -> dict[int, str]:
    """Names by index: "24266 Верхоянск     Россия", or parted by a tab."""
    found = (re.match(r"\s*(\d{5})[\s\t]+(.+?)(?:\s{2,}|\t|\s*$)", line) for line in text.splitlines())
    return {int(match[1]): match[2].strip() for match in found if match}


def _marks(rows: Table, column: _Column) -> NDArray[np.uint8]:
    if column.quality is None:
        return np.zeros(len(rows.characters), np.uint8)
    return np.nan_to_num(numbers(rows, column.quality), nan=_REJECTED).astype(np.uint8)


READER = Reader("rihmi", "RIHMI-WDC daily data, fixed width (wr*.txt with fld*.txt, mostly in a zip)", claims, read)
