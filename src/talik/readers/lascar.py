"""Lascar's EL-USB text: `<name>,Time,Celsius(°C),...,Serial Number`; the serial stands in the first row only."""

from __future__ import annotations

import re

from talik.errors import FileError
from talik.readers.columns import Layout, read_columns
from talik.readers.delimited import ended, refuse_overlooked
from talik.readers.depths import depths_of, unit_of
from talik.readers.dialect import cells, unique_names
from talik.readers.encoding import with_degrees
from talik.readers.numerals import decimal_mark
from talik.readers.preamble import beginning
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.widetable import wide_record
from talik.readers.zones import chosen
from talik.records import Record

_TITLE = re.compile(r'[^,;\t]*([,;\t])"?(?:Time|Zeit|Heure)"?\1"?(?:Celsius|Fahrenheit)\s*\(', re.IGNORECASE)
_BESIDE = re.compile(r"humidity|%rh|dew", re.IGNORECASE)


def claims(head: Head) -> int:
    """Whether the first line has the titles of an EL-USB."""
    return CERTAIN * (beginning(head.lines, _TITLE) is not None)


def read(head: Head, options: Options) -> list[Record]:
    """The record of an EL-USB; humidity and dew point go to `Record.others`, alarm limits are left out."""
    at = beginning(head.lines, _TITLE)
    if at is None or (title := _TITLE.match(titles := head.lines[at].strip())) is None:
        raise FileError(f"{head.name}, line 1: no titles '...,Time,Celsius(°C)'; not an EL-USB's text file")
    rows = [cells(line, title[1]) for line in head.lines[at + 1 : 300] if line.strip()]
    if not rows:
        raise FileError(f"{head.name}: has a header and no rows")
    names = unique_names(cells(with_degrees(titles), title[1]))
    warm = names[2]
    beside = tuple(name for name in names[3:] if _BESIDE.search(name))
    decimal, how = decimal_mark((row[2] for row in rows if len(row) > 2), title[1])
    layout = Layout(tuple(names), title[1], at + 1, (warm, *beside), stamp=names[1], decimal=decimal, ragged=True)
    columns = read_columns(head, layout, options)
    ended(head)
    refuse_overlooked(head, layout, columns)
    serial = rows[0][-1] if names[-1].lower().startswith("serial") and len(rows[0]) == len(names) else ""
    if unit_of(warm) is None:
        raise FileError(f"{head.name}, line {at + 1}: {warm!r} names no unit; expected Celsius(°C) or Fahrenheit(°F)")
    return [
        wide_record(
            head, columns, [warm], depths_of([warm]), chosen(options.timezone), site=names[0], header=titles,
            metadata={"logger": "EL-USB", "serial": serial}, others=beside, understood=(how,),
        )
    ]


READER = Reader("lascar", "Lascar EL-USB text", claims, read)
