"""The Northwest Territories Geological Survey: report tables (csv, xlsx) and data base exports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from talik.errors import FileError
from talik.readers.columns import Columns, Layout, columns_of_rows, read_columns
from talik.readers.depths import CELSIUS, depths_of
from talik.readers.dialect import cells, separator_of, unique_names
from talik.readers.longtable import spread
from talik.readers.numerals import decimal_mark, fills_marked
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.sources import plus, sourced
from talik.readers.widetable import wide_record
from talik.readers.zones import chosen, offset_in
from talik.records import Record

_PLACE = ("latitude", "longitude")
_LONG = {"site_id", "measurement_datetime", "depth_m", "temperature_c"}
_DEPTH = re.compile(r"-?\d+(\.\d+)?_?c?m", re.IGNORECASE)


def _names(line: str) -> list[str]:
    return unique_names(cells(line, separator_of([line])))


def _is_report(names: list[str]) -> bool:
    lower = [name.lower() for name in names]
    return "site_id" in lower and any(name.startswith("date_y") for name in lower) and any(map(_DEPTH.fullmatch, names))


def _claims_report(head: Head) -> int:
    if head.binary:
        return CERTAIN * any(
            rows and _is_report([str(cell or "") for cell in rows[0]]) for rows in head.sheets().values()
        )
    return CERTAIN * _is_report(_names(head.first))


def _read_report(head: Head, options: Options) -> list[Record]:
    if not head.binary:
        separator = separator_of([head.first])
        names = unique_names(cells(head.first, separator))
        decimal = decimal_mark((c for line in head.lines[1:100] for c in cells(line, separator)[6:]), separator)[0]
        columns = read_columns(head, replace(_layout(names), separator=separator, decimal=decimal), options)
        return _sites(head, options, names, columns, head.first)
    records = []
    for rows in head.sheets().values():
        names = unique_names([str(cell or "") for cell in rows[0]]) if rows else []
        if _is_report(names):
            columns = columns_of_rows(rows, _layout(names), options, file=head.name)
            records += _sites(head, options, names, columns, ",".join(names))
    return records


def _layout(names: list[str]) -> Layout:
    """Where things stand, with the names in the case of the file."""

    def named(start: str) -> str:
        return next((name for name in names if name.lower().startswith(start)), "")

    return Layout(
        tuple(names),
        ",",
        1,
        tuple(name for name in names if _DEPTH.fullmatch(name) or name.lower() in _PLACE),
        tuple(filter(None, (named("project_name"), named("site_id")))),
        stamp=named("date_y"),
        clock=named("time_"),
    )


def _sites(head: Head, options: Options, names: list[str], columns: Columns, header: str) -> list[Record]:
    """One record for each site_id."""
    deep = [name for name in names if _DEPTH.fullmatch(name)]
    named = {name.lower(): name for name in names}
    zone = chosen(options.timezone, offset_in(_layout(names).clock))
    sites = columns.frame[named["site_id"]].cast(pl.String)
    records = []
    for site in sites.unique(maintain_order=True).to_list():
        part = columns.kept((sites == site).to_numpy() if site is not None else sites.is_null().to_numpy())
        about = {
            key: float(part.frame[named[key]][0])
            for key in _PLACE
            if key in named and part.frame[named[key]][0] is not None
        }
        project = str(part.frame[named["project_name"]][0]) if "project_name" in named else ""
        records.append(
            wide_record(
                head,
                part,
                deep,
                depths_of(deep),
                zone,
                site=str(site or head.path.stem),
                header=header,
                unit=CELSIUS,
                metadata={**about, **({"project": project} if project else {})},
            )
        )
    return records


def _claims_export(head: Head) -> int:
    return CERTAIN * ({name.lower() for name in _names(head.first)} >= _LONG)


def _read_export(head: Head, options: Options) -> list[Record]:
    separator = separator_of([head.first])
    names = [name.lower() for name in unique_names(cells(head.first, separator))]
    sensor = ("sensor",) if "sensor" in names else ()
    columns = read_columns(
        head,
        Layout(
            tuple(names), separator, 1, ("depth_m", "temperature_c"), ("site_id", *sensor), stamp="measurement_datetime"
        ),
        options,
    )
    if columns.frame["depth_m"].null_count():
        row = int(columns.frame["depth_m"].is_null().arg_true()[0])
        raise FileError(f"{head.name}, line {columns.lines[row]}: no depth")
    return [_exported(head, options, part, name) for name, part in _exported_parts(columns, bool(sensor))]


def _exported_parts(columns: Columns, has_sensors: bool) -> Iterator[tuple[str, Columns]]:
    """The rows of each site; of each of its sensors, where several stand at one depth."""
    sites = columns.frame["site_id"].cast(pl.String).fill_null("")
    for site in sites.unique(maintain_order=True).to_list():
        part = columns.kept((sites == site).to_numpy())
        sensors = part.frame["sensor"].cast(pl.String).fill_null("") if has_sensors else pl.Series([""])
        if not has_sensors or part.frame.select("depth_m", "sensor").n_unique() == part.frame["depth_m"].n_unique():
            yield site, part
            continue
        for number in sensors.unique(maintain_order=True).to_list():
            yield f"{site} (sensor {number})", part.kept((sensors == number).to_numpy())


def _exported(head: Head, options: Options, part: Columns, site: str) -> Record:
    raw, marks = fills_marked(part.frame["temperature_c"].to_numpy())
    wide = spread(part.proved.times, part.frame["depth_m"].to_numpy(), raw, marks)
    times, source = sourced(
        head,
        replace(part.proved, times=wide.times),
        chosen(options.timezone),
        header=head.first,
        understood=(part.note, "units: °C", "depths: from the column DEPTH_M"),
    )
    if wide.repeated:
        source = plus(source, f"stamps: {wide.repeated} rows repeat a stamp of their depth; kept as rows of their own")
    return Record(site, times, wide.depths, wide.values, wide.flags, (), source)


READERS = (
    Reader("ntgs", "NTGS report table, csv or xlsx", _claims_report, _read_report),
    Reader("ntgs-export", "NTGS data base export, one row a value", _claims_export, _read_export),
)
