"""PERMOS borehole tables: `time` and the depths [m] as bare numbers, NA for missing."""

from __future__ import annotations

import re

from talik.readers.columns import Layout, read_columns
from talik.readers.depths import CELSIUS, bare_unit, depths_of
from talik.readers.dialect import cells, separator_of, unique_names
from talik.readers.numerals import decimal_mark
from talik.readers.registry import CLAIM, Head, Options, Reader
from talik.readers.widetable import wide_record
from talik.readers.zones import chosen
from talik.records import Record

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def _claims(head: Head) -> int:
    names = cells(head.first, separator_of(head.lines[:5]))
    if len(names) < 2 or names[0].lower() != "time" or not all(map(_NUMBER.fullmatch, names[1:])):
        return 0
    # whole numbers above 5 could be cm of another network's table, unless the file's name says PERMOS
    return CLAIM * ("permos" in head.name.lower() or bare_unit([float(name) for name in names[1:]]) == "m")


def _read(head: Head, options: Options) -> list[Record]:
    separator = separator_of(head.lines[:20])
    names = unique_names(cells(head.first, separator))
    decimal, how = decimal_mark((c for line in head.lines[1:60] for c in cells(line, separator)[1:]), separator)
    columns = read_columns(
        head, Layout(tuple(names), separator, 1, tuple(names[1:]), stamp=names[0], decimal=decimal), options
    )
    return [
        wide_record(
            head,
            columns,
            names[1:],
            depths_of(names[1:], bare="m"),
            chosen(options.timezone),
            unit=CELSIUS,
            site=head.path.stem,
            header=head.first,
            understood=(how,),
        )
    ]


READER = Reader("permos", "PERMOS borehole table", _claims, _read)
