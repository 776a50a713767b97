"""GTN-P's older table: one row a stamp, `Date/Depth` and the depths [m] in the header, a `.metadata.txt` beside it."""

from __future__ import annotations

import re

from talik.readers.columns import Layout, read_columns
from talik.readers.depths import depths_of
from talik.readers.dialect import cells, separator_of, unique_names
from talik.readers.encoding import decoded, detected, split_lines
from talik.readers.numerals import decimal_mark
from talik.readers.registry import CERTAIN, Head, Options, Reader, looked_at
from talik.readers.widetable import wide_record
from talik.readers.zones import chosen, offset
from talik.records import Record

FILLS = (-999.0, -9999.0)
"""GTN-P's data policy names -999; files of its members also hold -9999."""

_NUMBERS = {"latitude": "latitude", "longitude": "longitude", "elevation": "elevation_m"}
_LINE = re.compile(r"([^:\t]{2,60}):[ \t]+(\S.*?)\s*")


def _claims(head: Head) -> int:
    return CERTAIN * bool(re.match(r'\s*"?date\s*/\s*depth\b', head.first, re.IGNORECASE))


def _read(head: Head, options: Options) -> list[Record]:
    separator = separator_of(head.lines[:20])
    names = unique_names(cells(head.first, separator))
    decimal, how_numbers = decimal_mark((c for line in head.lines[1:60] for c in cells(line, separator)[1:]), separator)
    layout = Layout(tuple(names), separator, 1, tuple(names[1:]), stamp=names[0], decimal=decimal)
    columns = read_columns(head, layout, options)
    metadata = _beside(head)
    zone = chosen(options.timezone, offset(str(metadata.get("timezone", ""))), "metadata")
    return [
        wide_record(
            head,
            columns,
            names[1:],
            depths_of(names[1:], bare="m"),
            zone,
            site=str(metadata.get("name") or head.path.stem),
            header=head.first,
            fills=FILLS,
            metadata=metadata,
            understood=(how_numbers,),
        )
    ]


def _beside(head: Head) -> dict[str, str | float]:
    """What the `.metadata.txt` beside the table says of the borehole, from its lines that are not indented."""
    texts = [
        path
        for path in head.path.parent.glob("*.metadata.txt")
        if head.name.startswith(path.name.removesuffix(".metadata.txt"))
    ]
    if not texts:
        return {}
    text = max(texts, key=lambda path: len(path.name))
    content = looked_at(text).content
    found: dict[str, str | float] = {}
    for line in split_lines(decoded(content, detected(content, whole=False), file=text.name)):
        if match := _LINE.fullmatch(line):
            key = match[1].strip().lower().replace(" ", "_")
            found.setdefault(_NUMBERS.get(key, key), _number(match[2]) if key in _NUMBERS else match[2])
    return found


def _number(text: str) -> float | str:
    try:
        return float(text.split()[0])
    except ValueError:
        return text


READER = Reader("gtnp", "GTN-P Date/Depth table (before 2026)", _claims, _read)
