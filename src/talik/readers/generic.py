"""Tables of no known format: wide or long, text, workbook or Parquet; by a mapping or a guess that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import AmbiguousFile, FileError, UnknownFormat
from talik.readers.channels import speaks_of_warmth
from talik.readers.columns import Columns, Layout, columns_of_rows, read_columns
from talik.readers.counted import from_day_of_year, from_numbers, later, with_clock
from talik.readers.depths import CELSIUS, Labelled, bare_unit, depths_of, heights_turned, unit_of
from talik.readers.longtable import spread
from talik.readers.measured import of_temperatures, refuse_foreign_unit, refuse_groups, unit_beside
from talik.readers.numerals import decimal_mark
from talik.readers.preamble import fills, metadata, place_in, time_zone
from talik.readers.registry import GUESS, Head, Options, Reader
from talik.readers.roles import DAYS, Roles, dates_repeated, is_count, is_height, roles_of, sampled
from talik.readers.sources import plus, sourced
from talik.readers.spreadsheet import Rows, is_workbook
from talik.readers.stamps import from_fields
from talik.readers.tables import Table, sheet_tables, text_table
from talik.readers.verdicts import told, verdicts
from talik.readers.widetable import celsius, units_found, wide_record
from talik.readers.zones import Zone, refuse_several
from talik.records import Record

_LOOKED_AT = 200
_AT_ONCE = 1 << 20
_BARE = re.compile(r"-?(\d+([.,]\d+)?|[.,]\d+)")
_WRITTEN = re.compile(r"-?\d+(\.\d+)?_m")
_OF_A_YEAR = re.compile(r"\D{0,12}(19|20)\d\d(\D(19|20)?\d\d)?")
"""Names of sheets that hold a year of a site."""

_MOST_REPEATED = 0.2
"""Share of rows that may repeat a stamp before a column of hours, depths or sites must have been overlooked."""


def _roles(table: Table, options: Options) -> Roles:
    return roles_of(table.names, sampled(table.names, table.rows), options.columns)


def _claims(head: Head) -> int:
    if head.content.startswith(b"PAR1") or is_workbook(head.content):
        return GUESS
    if head.binary:
        return 0
    table = text_table(head)
    return GUESS * bool(table and len(table.names) > 1)


def _read(head: Head, options: Options) -> list[Record]:
    if head.content.startswith(b"PAR1"):
        return _records(head, options, *_parquet(head, options))
    if head.binary:
        return _of_sheets(head, options)
    if (table := text_table(head)) is None:
        raise FileError(f"{head.name}: is no table: no row of names with rows of dates or numbers under it")
    roles = _whole(table, _roles(table, options), head.name)
    shown = sampled(table.names, table.rows)
    warm = [cell for name in roles.temperatures for cell in shown[name]]
    decimal, how = decimal_mark(warm, table.separator)
    columns = read_columns(head, replace(_layout(table, roles), decimal=decimal), options)
    return _records(head, options, table, roles, _stamped(columns, roles, head.name), how)


def _whole(table: Table, roles: Roles, file: str) -> Roles:
    """The roles, when there are stamps and temperatures, and one column of stamps holds for all."""
    twin = dates_repeated(table.names, sampled(table.names, table.rows))
    if twin and not roles.asked:
        raise AmbiguousFile(
            f"{file}: {twin!r} is a second column of dates: tables that stand side by side are to be parted, one file "
            "or sheet each; if one column of dates holds for all, name it: columns={'time': '...'}"
        )
    if roles.whole:
        return roles
    if all(map(_BARE.fullmatch, table.names)):
        raise UnknownFormat(
            f"{file}: has no line of names of columns, its first row is {', '.join(table.names[:6])} ...; "
            "put a line above it that names them, such as year,doy,hhmm,T_5cm"
        )
    lack = "no temperatures (minima and maxima do not count)" if roles.dated else "no dates"
    odd = _no_numbers(table) if roles.dated else ""
    if roles.depth and roles.temperatures and not roles.dated:
        odd = ". A profile by depth alone is no series: write its date into a column of its own"
    raise UnknownFormat(
        f"{file}: {lack} found among the columns {', '.join(table.names[:30])}; name them with "
        f"columns={{'{'temperature' if roles.dated else 'time'}': '...'}}{odd}"
    )


def _no_numbers(table: Table) -> str:
    """A sentence on a column that speaks of a temperature and was not taken for one."""
    for name, texts in sampled(table.names, table.rows).items():
        if texts and speaks_of_warmth(name) and not _BARE.fullmatch(texts[0]):
            return f". {name!r} has cells such as {texts[0]!r}: leave the numbers alone in them"
    water = [name for name in table.names if speaks_of_warmth(name)]
    return f". Not taken for temperatures of the air or the ground: {', '.join(water)}" if water else ""


def _of_sheets(head: Head, options: Options) -> list[Record]:
    records = []
    seen = [(table, _roles(table, options)) for table in sheet_tables(head)]
    found_in = [(table, roles) for table, roles in seen if roles.whole] or seen[:1]
    for table, roles in found_in:
        file = f"{head.name}, sheet {table.sheet}"
        _whole(table, roles, file)
        columns = columns_of_rows(head.sheets()[table.sheet], _layout(table, roles), options, file=file)
        lone = replace(table, sheet="" if len(found_in) == 1 or _OF_A_YEAR.fullmatch(table.sheet) else table.sheet)
        records += _records(head, options, lone, roles, _stamped(columns, roles, file))
    if not records:
        raise UnknownFormat(f"{head.name}: no sheet with a row of names and rows of dates or numbers under it")
    return records


def _layout(table: Table, roles: Roles) -> Layout:
    cells = sampled(table.names, table.rows)
    counted = bool(roles.stamp) and (is_count(cells[roles.stamp]) and not _is_compact(cells[roles.stamp]))
    deep = roles.depth and all(map(_BARE.fullmatch, cells[roles.depth]))
    parts = [roles.stamp] if counted else []
    apart = roles.clock if counted or roles.fields else ""
    return Layout(
        table.names,
        table.separator,
        table.skip,
        (*roles.temperatures, *([roles.depth] if deep else []), *roles.others, *roles.fields.values(), *parts),
        tuple(
            filter(
                None,
                (
                    roles.site,
                    *dict.fromkeys((*roles.verdicts.values(), *roles.units.values())),
                    roles.kind,
                    "" if deep else roles.depth,
                    apart,
                ),
            )
        ),
        stamp="" if counted else roles.stamp,
        clock="" if apart else roles.clock,
        loose=roles.others,
    )


def _is_compact(cells: list[str]) -> bool:
    """Dates such as 20200131, with or without hours and minutes, which are no counts."""
    return all(re.fullmatch(r"(18|19|20|21)\d\d[01]\d[0-3]\d(\d{4}|\d{6})?", cell) for cell in cells)


def _stamped(columns: Columns, roles: Roles, file: str) -> Columns:
    """With stamps that are counted, or stand in columns of their own."""
    found = {key: columns.frame[name].to_numpy() for key, name in roles.fields.items()}
    for key, values in found.items():
        if np.isnan(values).any():
            raise FileError(f"{file}, line {columns.lines[int(np.argmax(np.isnan(values)))]}: no {roles.fields[key]}")
    day = roles.fields.get("doy", "")
    if day.lower() in DAYS and not roles.asked and found["doy"].max() < 32:
        raise AmbiguousFile(
            f"{file}: is {day!r}, which ends at {found['doy'].max():g}, the day of the year, or of a month that no "
            f"column names? If of the year: columns={{'doy': '{day}'}}"
        )
    if "year" in found:
        short = found["year"] < 100
        found["year"] = found["year"] + np.where(short, np.where(found["year"] < 69, 2000, 1900), 0)
    stamps = columns.stamps
    clock = None
    if stamps is None and roles.clock:
        clock = columns.frame[roles.clock].cast(pl.String).fill_null("").to_list()
    if stamps is None and roles.stamp:
        counts = columns.frame[roles.stamp].to_numpy()
        stamps = from_numbers(counts, file=file, column=roles.stamp, lines=columns.lines)
        stamps = with_clock(stamps, clock, file=file, lines=columns.lines)
    elif stamps is None and "doy" in found:
        stamps = from_day_of_year(found["year"], found["doy"], clock=clock, file=file, lines=columns.lines)
    elif stamps is None:
        date = (found[key].astype(np.int64) for key in ("year", "month", "day"))
        stamps = from_fields(*date, clock=clock, file=file, lines=columns.lines)
    parts = {key: values for key, values in found.items() if key in ("hour", "minute", "second")}
    return replace(columns, stamps=later(stamps, parts, file=file, lines=columns.lines))


def _parquet(head: Head, options: Options) -> tuple[Table, Roles, Columns]:
    try:
        frame = pl.read_parquet(head.path)
    except pl.exceptions.PolarsError as error:
        raise FileError(f"{head.name}: the Parquet file cannot be read ({str(error).splitlines()[0][:150]})") from None
    clocks = [name for name, kind in frame.schema.items() if isinstance(kind, (pl.Datetime, pl.Date))]
    zoned = [name for name in clocks if getattr(frame.schema[name], "time_zone", None)]
    texts = frame.with_columns(
        pl.col(zoned).dt.strftime("%Y-%m-%d %H:%M:%S%:z"),
        pl.col([name for name in clocks if name not in zoned]).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d %H:%M:%S"),
    ).cast(pl.String)
    table = Table(tuple(frame.columns), 1, ",", tuple(texts.head(_LOOKED_AT).rows()), {})
    roles = _whole(table, _roles(table, options), head.name)
    layout = _layout(table, roles)
    rows: Rows = [list(table.names), *map(list, texts.iter_rows())]
    return table, roles, _stamped(columns_of_rows(rows, layout, options, file=head.name), roles, head.name)


def _records(head: Head, options: Options, table: Table, roles: Roles, columns: Columns, how: str = "") -> list[Record]:
    if options.timezone is None:
        refuse_several([roles.clock, roles.stamp, *roles.fields.values()], head.name)
    zone = time_zone(options.timezone, (roles.clock, roles.stamp), table.comments, table.above)
    columns, only = of_temperatures(columns, roles, head.name)
    roles = replace(roles, unit=roles.unit or unit_beside(columns, roles, head.name))
    refuse_foreign_unit(table, roles, head.name)
    about = metadata(table.comments)
    lone = f"{head.path.stem} {table.sheet}".strip()
    records = []
    for site, part in _sites(columns, roles):
        name = site or str(about.get("site") or about.get("site_id") or lone)
        here = {**about, **place_in(part.frame, roles.others)}
        if roles.depth:
            records.append(_long(head, part, roles, zone, name, table, here, (only, how)))
            continue
        _refuse_repeated(part.repeated, part, roles, table, head.name)
        labelled = _labelled(roles, table, head)
        refuse_groups(roles, table, labelled.depths, head.name)
        record = wide_record(
            head,
            part,
            roles.temperatures,
            labelled,
            zone,
            site=name,
            header=table.separator.join(table.names),
            fills=fills(table.comments),
            unit=roles.unit or (CELSIUS if _is_own(roles) else None),
            metadata=here,
            others=roles.others,
            understood=(str(roles), only, how),
        )
        records.append(_judged(record, part, roles))
    return records


def _refuse_repeated(repeated: int, part: Columns, roles: Roles, table: Table, file: str) -> None:
    """Refuse a table most of whose stamps occur again: what tells its rows apart was not understood."""
    if roles.asked or repeated <= max(2, _MOST_REPEATED * len(part.lines)):
        return
    used = {roles.stamp, roles.clock, roles.site, roles.depth, *roles.fields.values(), *roles.temperatures}
    rest = ", ".join(name for name in table.names if name not in used) or "none"
    raise AmbiguousFile(
        f"{file}: {repeated} of {len(part.lines)} rows repeat a stamp. Which column tells them apart, a time of day, a "
        f"depth or a site? Name it: columns={{'clock': '...'}}, 'depth' or 'site' (others there are: {rest}); if "
        "stamps do repeat, name their column: columns={'time': '...'}"
    )


def _judged(record: Record, part: Columns, roles: Roles) -> Record:
    """With the provider's words on the temperatures of a row as flags."""
    flags, all_counted = record.flags.copy(), {}
    for name, words in roles.verdicts.items():
        marks, counted = verdicts(part.frame[words])
        flags[:, roles.temperatures.index(name)] |= marks
        all_counted[words] = counted
    if not all_counted:
        return record
    lone = next(iter(all_counted.values()))
    return replace(
        record,
        flags=flags,
        metadata={**record.metadata, "flags": lone if len(all_counted) == 1 else all_counted},
        source=plus(record.source, *map(told, all_counted.values())),
    )


def _labelled(roles: Roles, table: Table, head: Head) -> Labelled:
    """Depths from the names of columns; names that are a number alone only where their unit is clear."""
    if len(roles.temperatures) == 1 and np.isnan(depths_of(roles.temperatures, bare="m").depths[0]):
        named = depths_of([head.path.stem])
        if not np.isnan(named.depths[0]):
            return Labelled(named.depths, f"depths: {named.depths[0]:g} m, from the name of the file")
    if _is_own(roles) and all(map(_WRITTEN.fullmatch, roles.temperatures)):
        depths = np.array([float(name.removesuffix("_m")) for name in roles.temperatures])
        return Labelled(depths, "depths: from the names of a table that talik wrote, positive down")
    numbers = [float(name.replace(",", ".")) for name in roles.temperatures if _BARE.fullmatch(name.strip())]
    unit = roles.depth_unit or _own_unit(table) or bare_unit(numbers)
    labelled = depths_of(roles.temperatures, bare=unit)
    if unit is None and numbers:
        shown = ", ".join(f"{number:g}" for number in numbers[:5])
        return Labelled(
            labelled.depths,
            f"depths: the names {shown} have no unit, m or cm? Give depths=..., or the unit with "
            "columns={'depth_unit': 'cm'}; a PERMOS table is read with format='permos'",
        )
    return labelled


def _is_own(roles: Roles) -> bool:
    """Whether talik wrote the table, which is in °C then."""
    own = (_WRITTEN.fullmatch(name) or name.startswith("temperature") for name in roles.temperatures)
    return roles.stamp in ("time_utc", "time_taken_as_utc") and all(own)


def _own_unit(table: Table) -> str | None:
    """tsp's own tables keep depths in m."""
    return "m" if "tsp_version" in table.comments else None


def _sites(columns: Columns, roles: Roles) -> Iterator[tuple[str, Columns]]:
    if not roles.site:
        yield "", columns
        return
    names = columns.frame[roles.site].unique(maintain_order=True).cast(pl.String).fill_null("").to_list()
    if len(names) == 1:
        yield names[0], columns
        return
    sites = columns.frame[roles.site].cast(pl.String).fill_null("")
    for site in dict.fromkeys(names):
        yield site, columns.kept((sites == site).to_numpy())


def _long(
    head: Head, part: Columns, roles: Roles, zone: Zone, site: str, table: Table, about: dict[str, Any],
    how: tuple[str, ...],
) -> Record:
    depths, how_depths = _column_of_depths(part, roles, table, head.name)
    unit = roles.unit or unit_of(roles.temperatures[0])
    values, flags = celsius(part, roles.temperatures, [unit], fills(table.comments), file=head.name)
    words = roles.verdicts.get(roles.temperatures[0], "")
    marks, counted = verdicts(part.frame[words]) if words else (np.uint16(0), {})
    wide = spread(part.proved.times, depths, values[:, 0], flags[:, 0] | marks)
    _refuse_repeated(wide.repeated, part, roles, table, head.name)
    times, source = sourced(
        head,
        replace(part.proved, times=wide.times),
        zone,
        header=table.separator.join(table.names),
        understood=(str(roles), *how, part.note, units_found([unit]), how_depths, told(counted) if counted else ""),
    )
    if wide.repeated:
        source = plus(source, f"stamps: {wide.repeated} rows repeat a stamp of their depth; kept as rows of their own")
    metadata = {**about, "flags": counted} if counted else about
    return Record(site, times, wide.depths, wide.values, wide.flags, (), source, metadata)


def _column_of_depths(part: Columns, roles: Roles, table: Table, file: str) -> tuple[NDArray[np.float64], str]:
    """Depth [m] of each row of a long table, and how it was found."""
    cells = part.frame[roles.depth]
    if cells.null_count() or (cells.dtype.is_float() and cells.is_nan().any()):
        row = int((cells.is_null() | (cells.is_nan() if cells.dtype.is_float() else False)).arg_true()[0])
        raise FileError(f"{file}, line {part.lines[row]}: no depth in column {roles.depth!r}")
    distinct = cells.unique(maintain_order=True)
    texts = [f"{cell:.15g}" if isinstance(cell, float) else str(cell) for cell in distinct.to_list()]
    named = re.search(r"[ _(\[](c?m|mm|ft|feet|inch(?:es)?|in)\b\W*( \([a-z ,]+\))?$", roles.depth, re.I)
    numbers = [float(text.replace(",", ".")) for text in texts if _BARE.fullmatch(text)]
    scale = roles.depth_unit or (named[1].lower() if named else _own_unit(table) or bare_unit(numbers))
    if scale is None and numbers:
        shown = ", ".join(texts[:5])
        raise AmbiguousFile(
            f"{file}: the depths in column {roles.depth!r} ({shown} ...) have no unit; m or cm? "
            "Say it: columns={'depth_unit': 'cm'}"
        )
    sizes = [text.lstrip("-\u2212") for text in texts]  # a lone "-2 m" would be asked about
    found = np.array([depths_of([size], bare=scale).depths[0] for size in sizes])
    found = np.where([size != text for size, text in zip(sizes, texts, strict=True)], -found, found)
    if np.isnan(found).any():
        odd = texts[int(np.argmax(np.isnan(found)))]
        raise FileError(f"{file}: {odd!r} in column {roles.depth!r} is no depth; expected such as 0.5 or '50 cm'")
    sign = -1 if is_height(roles.depth) else heights_turned(found)
    if sign is None:
        raise AmbiguousFile(
            f"{file}: the column {roles.depth!r} has both signs, and which of them is up is not clear; write "
            "heights above the ground as negative depths, or name the column 'height'"
        )
    depths = np.empty(len(cells))
    for k in range(0, len(cells), _AT_ONCE):  # the table of a replacement takes three times the room of its answer
        some = cells[k : k + _AT_ONCE]
        depths[k : k + _AT_ONCE] = some.replace_strict(distinct, sign * found + 0.0, return_dtype=pl.Float64).to_numpy()
    turned = ", which counts upwards" if sign < 0 else ""
    return depths, f"depths: from the column {roles.depth}, in {scale or 'its own units'}{turned}"


READER = Reader(
    "generic", "table of no known format: wide or long, text, workbook or Parquet", _claims, _read, last=True
)
