"""Tables of no known format: wide or long, text, workbook or Parquet; by a mapping or a guess that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from talik.errors import AmbiguousFile, FileError
from talik.readers.columns import Columns, Layout, columns_of_rows, read_columns
from talik.readers.depths import Labelled, bare_unit, depths_of, unit_of
from talik.readers.dialect import cells, separator_of, unique_names
from talik.readers.longtable import spread
from talik.readers.numerals import decimal_mark
from talik.readers.registry import GUESS, Head, Options, Reader
from talik.readers.roles import Roles, roles_of, sampled
from talik.readers.sources import plus, sourced
from talik.readers.spreadsheet import Rows, is_workbook
from talik.readers.stamps import from_fields
from talik.readers.verdicts import told, verdicts
from talik.readers.widetable import celsius, units_found, wide_record
from talik.readers.zones import Zone, chosen, offset_in
from talik.records import Record

_LOOKED_AT = 200
_BARE = re.compile(r"-?\d+([.,]\d+)?")
_COMMENT = re.compile(r"#\s*([\w .]{1,60}?)\s*[=:]\s*(.*?)[,;\s]*")


@dataclass(frozen=True, slots=True)
class _Table:
    """A table before its rows are read: where it begins, its names, its first cells, what the comments above it say."""

    names: tuple[str, ...]
    skip: int
    separator: str
    rows: tuple[Sequence[str | None], ...]
    comments: dict[str, str]
    sheet: str = ""

    def roles(self, options: Options) -> Roles:
        return roles_of(self.names, sampled(self.names, self.rows), options.columns)


def _text_table(head: Head) -> _Table | None:
    lines = head.lines
    skip = next((n for n, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if skip is None or skip + 1 >= len(lines):
        return None
    separator = separator_of(lines[skip : skip + 20])
    names = unique_names(cells(lines[skip], separator))
    rows = tuple(cells(line, separator) for line in lines[skip + 1 : skip + 1 + _LOOKED_AT] if line.strip())
    comments = {m[1].strip(): m[2] for line in lines[:skip] if (m := _COMMENT.fullmatch(line.strip()))}
    return _Table(tuple(names), skip + 1, separator, rows, comments)


def _sheet_tables(head: Head) -> Iterator[_Table]:
    for name, rows in head.sheets().items():
        wide = next((n for n, row in enumerate(rows[:30]) if sum(isinstance(cell, str) for cell in row) > 1), None)
        if wide is None:
            continue
        names = unique_names([str(cell if cell is not None else "") for cell in rows[wide]])
        first = tuple(
            [None if cell is None else str(cell) for cell in row] for row in rows[wide + 1 : wide + 1 + _LOOKED_AT]
        )
        yield _Table(tuple(names), wide + 1, ",", first, {}, name)


def _claims(head: Head) -> int:
    if head.content.startswith(b"PAR1") or is_workbook(head.content):
        return GUESS
    if head.binary:
        return 0
    table = _text_table(head)
    return GUESS * bool(table and len(table.names) > 1 and table.roles(Options()).whole)


def _read(head: Head, options: Options) -> list[Record]:
    if head.content.startswith(b"PAR1"):
        return _records(head, options, *_parquet(head, options))
    if head.binary:
        records = []
        found_in = [(table, roles) for table in _sheet_tables(head) if (roles := table.roles(options)).whole]
        for table, roles in found_in:
            file = f"{head.name}, sheet {table.sheet}"
            columns = columns_of_rows(head.sheets()[table.sheet], _layout(table, roles), options, file=file)
            lone = replace(table, sheet=table.sheet if len(found_in) > 1 else "")
            records += _records(head, options, lone, roles, _with_fields(columns, roles, head.name))
        if not records:
            raise FileError(
                f"{head.name}: no sheet with a column of dates and a column of temperatures; name them with columns="
            )
        return records
    if (text := _text_table(head)) is None:
        raise FileError(f"{head.name}: is no table: no header with rows under it")
    table = text
    roles = table.roles(options)
    if not roles.whole:
        raise FileError(
            f"{head.name}: {'no dates' if roles.temperatures else 'no temperatures'} found among the columns "
            f"{', '.join(table.names)}; name them with columns= (--column time=..., --column temperature=...)"
        )
    warm = [
        row[table.names.index(name)] or ""
        for row in table.rows
        for name in roles.temperatures
        if table.names.index(name) < len(row)
    ]
    decimal, how = decimal_mark(warm, table.separator)
    columns = read_columns(head, replace(_layout(table, roles), decimal=decimal), options)
    return _records(head, options, table, roles, _with_fields(columns, roles, head.name), how)


def _layout(table: _Table, roles: Roles) -> Layout:
    numbers = (*roles.temperatures, *filter(None, (roles.depth,)), *roles.others)
    return Layout(
        table.names,
        table.separator,
        table.skip,
        numbers,
        tuple(filter(None, (roles.site, roles.verdict, roles.clock if roles.fields else ""))),
        integers=roles.fields,
        stamp=roles.stamp,
        clock="" if roles.fields else roles.clock,
    )


def _with_fields(columns: Columns, roles: Roles, file: str) -> Columns:
    """Stamps from columns of years, months and days."""
    if not roles.fields:
        return columns
    for name in roles.fields:
        if columns.frame[name].null_count():
            line = columns.lines[int(columns.frame[name].is_null().arg_true()[0])]
            raise FileError(f"{file}, line {line}: no {name}")
    clock = columns.frame[roles.clock].cast(pl.String).fill_null("").to_list() if roles.clock else None
    stamps = from_fields(
        *(columns.frame[name].to_numpy() for name in roles.fields), clock=clock, file=file, lines=columns.lines
    )
    return replace(columns, stamps=stamps)


def _parquet(head: Head, options: Options) -> tuple[_Table, Roles, Columns]:
    try:
        frame = pl.read_parquet(head.path)
    except pl.exceptions.PolarsError as error:
        raise FileError(f"{head.name}: the Parquet file cannot be read ({str(error).splitlines()[0][:150]})") from None
    clocks = [name for name, kind in frame.schema.items() if isinstance(kind, (pl.Datetime, pl.Date))]
    texts = frame.with_columns(pl.col(clocks).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d %H:%M:%S")).cast(pl.String)
    table = _Table(tuple(frame.columns), 1, ",", tuple(texts.head(_LOOKED_AT).rows()), {})
    roles = table.roles(options)
    if not roles.whole:
        raise FileError(
            f"{head.name}: no dates or no temperatures found among the columns {', '.join(frame.columns)}; "
            "name them with columns="
        )
    layout = _layout(table, roles)
    rows: Rows = [list(table.names), *map(list, texts.iter_rows())]
    return table, roles, _with_fields(columns_of_rows(rows, layout, options, file=head.name), roles, head.name)


def _records(
    head: Head, options: Options, table: _Table, roles: Roles, columns: Columns, how: str = ""
) -> list[Record]:
    zone = chosen(
        options.timezone, next((z for text in (roles.clock, roles.stamp) if (z := offset_in(text)) is not None), None)
    )
    about: dict[str, Any] = {key: _number(value) for key, value in table.comments.items()}
    lone = f"{head.path.stem} {table.sheet}".strip()
    records = []
    for site, part in _sites(columns, roles):
        name = site or str(about.get("site") or about.get("site_id") or lone)
        if roles.depth:
            records.append(_long(head, part, roles, zone, name, table, about, how))
        else:
            labelled = _labelled(roles, table, head)
            records.append(
                _judged(
                    wide_record(
                        head,
                        part,
                        roles.temperatures,
                        labelled,
                        zone,
                        site=name,
                        header=table.separator.join(table.names),
                        unit=roles.unit,
                        metadata=about,
                        others=roles.others,
                        understood=(str(roles), how),
                    ),
                    part,
                    roles,
                )
            )
    return records


def _judged(record: Record, part: Columns, roles: Roles) -> Record:
    """With the provider's words on a row's one temperature as flags."""
    if not roles.verdict:
        return record
    marks, counted = verdicts(part.frame[roles.verdict])
    return replace(
        record,
        flags=record.flags | marks[:, None],
        metadata={**record.metadata, "flags": counted},
        source=plus(record.source, told(counted)),
    )


def _labelled(roles: Roles, table: _Table, head: Head) -> Labelled:
    """Depths from the names of columns; names that are a number alone only where their unit is clear."""
    if len(roles.temperatures) == 1 and np.isnan(depths_of(roles.temperatures, bare="m").depths[0]):
        named = depths_of([head.path.stem])
        if not np.isnan(named.depths[0]):
            return Labelled(named.depths, f"depths: {named.depths[0]:g} m, from the name of the file")
    numbers = [float(name.replace(",", ".")) for name in roles.temperatures if _BARE.fullmatch(name.strip())]
    unit = roles.depth_unit or _own_unit(table) or bare_unit(numbers)
    labelled = depths_of(roles.temperatures, bare=unit)
    if unit is None and numbers:
        shown = ", ".join(f"{number:g}" for number in numbers[:5])
        return Labelled(
            labelled.depths,
            f"depths: the names {shown} have no unit, m or cm? Give depths=, or the unit with "
            "columns={'depth_unit': 'cm'} (--column depth_unit=cm); a PERMOS table is read with format='permos'",
        )
    return labelled


def _own_unit(table: _Table) -> str | None:
    """tsp's own tables keep depths in m."""
    return "m" if "tsp_version" in table.comments else None


def _sites(columns: Columns, roles: Roles) -> Iterator[tuple[str, Columns]]:
    if not roles.site:
        yield "", columns
        return
    sites = columns.frame[roles.site].cast(pl.String).fill_null("")
    for site in sites.unique(maintain_order=True).to_list():
        yield site, columns.kept((sites == site).to_numpy())


def _long(
    head: Head, part: Columns, roles: Roles, zone: Zone, site: str, table: _Table, about: dict[str, Any], how: str
) -> Record:
    depths = part.frame[roles.depth].to_numpy()
    if np.isnan(depths).any():
        raise FileError(
            f"{head.name}, line {part.lines[int(np.argmax(np.isnan(depths)))]}: no depth in column {roles.depth!r}"
        )
    named = re.search(r"[ _(\[](c?m|mm)\b", roles.depth, re.IGNORECASE)
    scale = roles.depth_unit or (
        named[1].lower() if named else _own_unit(table) or bare_unit(np.unique(depths).tolist())
    )
    if scale is None:
        shown = ", ".join(f"{depth:g}" for depth in np.unique(depths)[:5])
        raise AmbiguousFile(
            f"{head.name}: the depths in column {roles.depth!r} ({shown} ...) have no unit; m or cm? "
            "Say it: columns={'depth_unit': 'cm'} (--column depth_unit=cm)"
        )
    factor = {"m": 1.0, "cm": 0.01, "mm": 0.001}[scale]
    unit = roles.unit or unit_of(roles.temperatures[0])
    values, flags = celsius(part, roles.temperatures, [unit], file=head.name)
    marks, counted = verdicts(part.frame[roles.verdict]) if roles.verdict else (np.uint16(0), {})
    wide = spread(part.proved.times, np.round(depths * factor, 6), values[:, 0], flags[:, 0] | marks)
    times, source = sourced(
        head,
        replace(part.proved, times=wide.times),
        zone,
        header=table.separator.join(table.names),
        understood=(
            str(roles),
            how,
            units_found([unit]),
            f"depths: from the column {roles.depth}, in {scale}",
            told(counted) if counted else "",
        ),
    )
    if wide.repeated:
        source = plus(source, f"stamps: {wide.repeated} rows repeat a stamp of their depth; kept as rows of their own")
    metadata = {**about, "flags": counted} if counted else about
    return Record(site, times, wide.depths, wide.values, wide.flags, (), source, metadata)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


READER = Reader(
    "generic", "table of no known format: wide or long, text, workbook or Parquet", _claims, _read, last=True
)
