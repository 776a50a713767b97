"""GTN-P's export of 2026: one row a value, with numbers of data set, borehole and site, a flag, and JSON beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.columns import Columns, Layout, read_columns
from talik.readers.depths import CELSIUS, unit_of
from talik.readers.dialect import cells, separator_of, unique_names
from talik.readers.longtable import spread
from talik.readers.numerals import decimal_mark, fills_marked
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.sources import plus, sourced
from talik.readers.verdicts import verdicts
from talik.readers.zones import chosen, contradiction, offset
from talik.records import Record

FILLS = (-999.0, -9999.0)
_STAMPS = ("utc_time", "date", "time", "datetime")
_KEYS = ("dataset_id", "borehole_id", "site_id")


def _claims(head: Head) -> int:
    names = {cell.lower() for cell in cells(head.first, separator_of(head.lines[:5]))}
    return CERTAIN * ({"depth", "temperature", "dataset_id"} <= names and bool(names & set(_STAMPS)))


def _read(head: Head, options: Options) -> list[Record]:
    separator = separator_of(head.lines[:5])
    names = [name.lower() for name in unique_names(cells(head.first, separator))]
    stamp = next(name for name in _STAMPS if name in names)
    layout = Layout(
        tuple(names),
        separator,
        1,
        ("depth", "temperature"),
        tuple({"flag"} & set(names)),
        integers=tuple(key for key in _KEYS if key in names),
        stamp=stamp,
        decimal=decimal_mark((c for line in head.lines[1:60] for c in cells(line, separator)), separator)[0],
    )
    columns = read_columns(head, layout, options)
    described = _described(head)
    parts = [(number, rows, _identifiers(columns.frame, rows)) for number, rows in _parts(columns)]
    columns = replace(columns, frame=columns.frame.drop(layout.integers), lines=np.empty(0, np.int32))  # large
    boreholes = Counter(_borehole(described.get(number, {})) for number, *_ in parts)
    records = []
    for number, rows, keys in parts:
        about = {**described.get(number, {}), **keys}
        name = _borehole(about) or f"dataset {number}"
        site = f"{name} (data set {number})" if boreholes[_borehole(about)] > 1 and _borehole(about) else name
        records.append(_record(head, options, columns, rows, site, about, stamp))
    return records


def _parts(columns: Columns) -> Iterator[tuple[int, slice | NDArray[np.int64]]]:
    """The rows of each data set; a slice when they stand together."""
    numbers = columns.frame["dataset_id"]
    if numbers.null_count():
        row = int(numbers.is_null().arg_true()[0])
        raise FileError(f"line {columns.lines[row]}: no dataset_id")
    keys = numbers.to_numpy()
    starts = np.r_[0, np.flatnonzero(keys[1:] != keys[:-1]) + 1]
    distinct = keys[starts]
    if len(set(distinct.tolist())) == len(starts):
        ends = [*starts[1:].tolist(), len(keys)]
        yield from ((int(key), slice(int(a), b)) for key, a, b in zip(distinct, starts, ends, strict=True))
    else:
        yield from ((int(key), np.flatnonzero(keys == key)) for key in dict.fromkeys(distinct.tolist()))


def _record(
    head: Head,
    options: Options,
    columns: Columns,
    rows: slice | NDArray[np.int64],
    site: str,
    about: Mapping[str, Any],
    stamp: str,
) -> Record:
    unit = unit_of(str(about.get("unit", "degC"))) or CELSIUS
    raw, marks = fills_marked(columns.frame["temperature"].to_numpy()[rows], FILLS, celsius=unit is CELSIUS)
    bad, counted = _provider_flags(columns.frame, rows)
    metadata = {**about, **({"flags": counted} if counted else {})}
    wide = spread(
        columns.proved.times[rows], columns.frame["depth"].to_numpy()[rows], unit.to_celsius(raw), marks | bad
    )
    in_air = len(wide.depths) == 1 or "air" in str(about.get("medium", "")).lower()
    heights = not in_air and bool((wide.depths < 0).all())
    if heights:
        wide = replace(wide, depths=-wide.depths[::-1], values=wide.values[:, ::-1], flags=wide.flags[:, ::-1])
    zone = chosen(
        options.timezone,
        0 if stamp.startswith("utc") else offset(str(about.get("time_zone", ""))),
        "header" if stamp.startswith("utc") else "metadata",
    )
    times, source = sourced(
        head,
        replace(columns.proved, times=wide.times),
        zone,
        header=head.first,
        understood=(
            columns.note,
            f"units: {unit.name}",
            f"depths: from the column depth [m]{', written as heights' if heights else ''}",
            contradiction(zone, about.get("longitude")),
        ),
    )
    if wide.repeated:
        source = plus(source, f"stamps: {wide.repeated} rows repeat a stamp of their depth; kept as rows of their own")
    return Record(site, times, wide.depths, wide.values, wide.flags, (), source, metadata)


def _provider_flags(
    frame: pl.DataFrame, rows: slice | NDArray[np.int64]
) -> tuple[NDArray[np.uint16] | np.uint16, dict[str, int]]:
    """SOURCE where the provider's flag says not to use the value, and how often each flag occurs."""
    if "flag" not in frame.columns or frame["flag"].null_count() == len(frame):
        return np.uint16(0), {}
    return verdicts(frame["flag"][rows])


def _identifiers(frame: pl.DataFrame, rows: slice | NDArray[np.int64]) -> dict[str, int]:
    first = rows.start if isinstance(rows, slice) else int(rows[0])
    return {key: int(frame[key][first]) for key in _KEYS if key in frame.columns and frame[key][first] is not None}


def _borehole(about: Mapping[str, Any]) -> str:
    return str(about.get("borehole") or "")


def _described(head: Head) -> dict[int, dict[str, Any]]:
    """What the JSON beside the table says of each data set."""
    beside = [head.path.with_name(head.path.stem + end) for end in ("_metadata.json", ".metadata.json", ".json")]
    path = next((p for p in beside if p.is_file()), None)
    if path is None:
        return {}
    if path.stat().st_size > 64 << 20:
        raise FileError(f"{path.name}: {path.stat().st_size} bytes, expected a description of some kilobytes")
    try:
        entries = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path.name}: is not valid JSON ({error})") from None
    entries = entries if isinstance(entries, list) else [entries]
    return {
        int(entry["id"]): _about(entry)
        for entry in entries
        if isinstance(entry, dict) and str(entry.get("id", "")).isdigit()
    }


def _about(entry: Mapping[str, Any]) -> dict[str, Any]:
    borehole = entry.get("borehole") or {}
    place = borehole.get("location") or {}
    found = {
        "borehole": borehole.get("name"),
        "site_name": borehole.get("site_name"),
        "country": borehole.get("country_name"),
        "latitude": place.get("latitude"),
        "longitude": place.get("longitude"),
        "elevation_m": place.get("elevation"),
        "time_zone": borehole.get("timezone"),
        "gtnp_code": borehole.get("gtnp_code"),
        "policy": entry.get("policy"),
        "quality": entry.get("quality"),
        "medium": entry.get("medium"),
        "variable": entry.get("variable"),
        "unit": (entry.get("unit") or {}).get("abbreviation"),
        "method": (entry.get("method") or {}).get("name"),
        "datatype": entry.get("datatype"),
        "frequency": entry.get("frequency"),
        "data_access": entry.get("data_access"),
        "citation": borehole.get("generic_citation"),
        "citations": borehole.get("citations") or None,
    }
    return {key: value for key, value in found.items() if value is not None}


READER = Reader("gtnp-export", "GTN-P export of 2026, long table with JSON", _claims, _read)
