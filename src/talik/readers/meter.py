"""METER's and Decagon's loggers (Em50, ZL6), csv of ECH2O Utility and ZENTRA: three lines of titles."""

from __future__ import annotations

import re

from talik.errors import FileError
from talik.readers.columns import Layout
from talik.readers.delimited import ended, quoted_columns
from talik.readers.depths import depths_of, unit_of
from talik.readers.dialect import cells, separator_of, unique_names
from talik.readers.encoding import with_degrees
from talik.readers.numerals import decimal_mark
from talik.readers.preamble import beginning
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.widetable import wide_record
from talik.readers.zones import chosen, offset_in
from talik.records import Record

_PORT = re.compile(r'"?[^",;\t]*"?[,;\t]\s*"?Port ?\d', re.IGNORECASE)
_STAMP = re.compile(r'"?(Measurement Time|Timestamps?)\b', re.IGNORECASE)
_INSIDE = re.compile(r"logger|reference|body|dew", re.IGNORECASE)


def claims(head: Head) -> int:
    """Whether ports stand in the first line and the time and the units in the third."""
    at = beginning(head.lines, _PORT)
    return CERTAIN * (at is not None and len(head.lines) > at + 3 and bool(_STAMP.match(head.lines[at + 2].strip())))


def read(head: Head, options: Options) -> list[Record]:
    """The record of an Em50 or ZL6; moisture, conductivity and the logger's own sensors go to `Record.others`."""
    at = beginning(head.lines, _PORT) or 0
    rows = [line for line in head.lines[at + 3 : 300] if line.strip()]
    if not rows:
        raise FileError(f"{head.name}: has a header and no rows")
    separator = separator_of(rows[:60])
    ports, sensors, units = (cells(with_degrees(line), separator) for line in head.lines[at : at + 3])
    if not len(ports) == len(sensors) == len(units):
        raise FileError(
            f"{head.name}: the three lines of titles have {len(ports)}, {len(sensors)} and {len(units)} cells"
        )
    titles = [" ".join(part.strip() for part in title) for title in zip(ports, sensors, units, strict=True)]
    names = unique_names(titles)
    warm = [name for name, unit in zip(names, units, strict=True) if unit_of(unit) and not _INSIDE.search(unit)]
    if not warm:
        raise FileError(f"{head.name}, line 3: no column in °C or °F among {', '.join(units[1:])}")
    first = [row for line in rows if len(row := cells(line, separator)) == len(names)]
    decimal, how = decimal_mark((row[names.index(name)] for name in warm for row in first), separator)
    others = [name for name, title in zip(names[1:], titles[1:], strict=True) if title.strip() and name not in warm]
    layout = Layout(tuple(names), separator, at + 3, (*warm, *others), stamp=names[0], decimal=decimal,
                    loose=tuple(others))
    columns = quoted_columns(head, layout, options)
    ended(head)
    zone = chosen(options.timezone, offset_in(units[0]))
    return [
        wide_record(
            head, columns, warm, depths_of(warm), zone, site=ports[0] or head.path.stem,
            header="\n".join(head.lines[: at + 3]), metadata={"logger": "METER", "serial": ports[0]},
            others=others, understood=(how,),
        )
    ]


READER = Reader("meter", "METER or Decagon csv (Em50, ZL6)", claims, read)
