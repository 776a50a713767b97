"""Where a table begins in a text or a sheet: comments, titles, the row of names, rows of units and depths, rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from talik.readers.channels import speaks_of_warmth
from talik.readers.depths import has_depth, is_air, unit_of
from talik.readers.dialect import SEPARATORS, cells, separator_of, unique_names
from talik.readers.numerals import BLANKS
from talik.readers.registry import Head
from talik.readers.spreadsheet import Cell
from talik.readers.zones import offset

_LOOKED_AT = 200
_MOST_ABOVE = 100
"""Rows above a table, beyond those that are marked as comments."""

_MARKS = ("#", "%", "//")
_DESCRIPTION = ("/*", "*/")
"""Around PANGAEA's description of a data set."""

_SAID = re.compile(r"[#%/*\s\"]*([^\d\W][\w .,'()/-]{0,60}?)\"?\s*(?:=|:|\t|,|;)[\t =:,;\"]*(.*?)[,;\s\"]*")
_STAMPED = re.compile(
    r"\d{1,4}([-/.])(\d{1,2}|[^\W\d_]{3,9}\.?)\1\d{1,4}([T ,].*)?|\d{8}([T ]?\d{4,6})?|"
    r"\d{1,2} [^\W\d_]{3,9}\.? \d{4}.*|\d{4}年\d{1,2}月\d{1,2}日.*"
)
_VALUE = re.compile(r"[-+\u2212(]?\s*(\d[\d.,'\s\u00a0]*|\.\d+)[-)]?([eE][-+]?\d+)?")
_UNIT = re.compile(
    r"[\[(]?([°ºo]?\s*[CFK]|deg(?:rees?)?[. _]?(?:[CFK]|north|east)?|celsius|kelvin|fahrenheit|c?m|mm|%|pct|"
    r"m/?s|hpa|k?pa|w/?m.?2?|utc([+-]\d+)?|gmt([+-]\d+)?|local|lst|ak?[sd]t|[ecmp][sd]t|cet|msk|(yy)?yy[-/.]?mm[-/.]?dd.*|dd[-/.]mm.*|hh:?mm.*|v|volts?|m3.*|unitless|none|-|n/?a|smp|avg|ts|rn|min|max)?[\])]?",
    re.IGNORECASE,
)
_STATISTIC = re.compile(r"(avg|smp|min|max|std|tot|med|wvc|hst)?", re.IGNORECASE)
"""What a row under the names says of the values of a logger's table; blank for the stamps."""

_EXTREME = re.compile(r"min|max|std", re.IGNORECASE)
_DEEP = re.compile(r"(?:sensor[ _]?)?(depth|tiefe|глубина|profondeur|height)\b.*", re.IGNORECASE)
_LENGTH = re.compile(r"(?<![a-z])(c?m|mm|ft|feet|inch(?:es)?|(?<=[(\[])in(?=[)\]]))(?![a-z])", re.IGNORECASE)
_LAYER = re.compile(r"air|surf(ace)?\.?|moss", re.IGNORECASE)
"""What stands among depths for sensors that have none."""

_MEASURE = re.compile(r"[-\u2212+]?\d+(?:[.,]\d+)?\s*(c?m|mm|in|inch(es)?|ft)?\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table before its rows are read.

    Parameters
    ----------
    names : tuple of str
        Of the columns, without repetitions; with their units and depths where these stand in rows of their own.
    skip : int
        Rows above the first row of values.
    separator : str
        One character; of a sheet a comma, for the header that is shown.
    rows : tuple of sequences of str or None
        The first cells.
    comments : dict of str to str
        What the rows above the names say, by their first words.
    above : tuple of str
        The rows above the names as they stand.
    sheet : str
        Of a workbook.
    groups : dict of str to str
        What stands above the names of columns and became part of them, by name.
    """

    names: tuple[str, ...]
    skip: int
    separator: str
    rows: tuple[Sequence[str | None], ...]
    comments: dict[str, str]
    above: tuple[str, ...] = ()
    sheet: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)


def text_table(head: Head) -> Table | None:
    """The table of a text file; None when there are no names with rows under them."""
    first = _after_comments(head.lines)
    lines = head.lines[first : first + _MOST_ABOVE + _LOOKED_AT]
    if len(lines) < 2:
        return None
    separator = _separator([line for line in lines if line.strip()][-50:])
    rows: list[list[str | None]] = [list(cells(line, separator)) for line in lines]
    found = _located(rows)
    if found is None:
        return None
    names, skip, told, groups = found
    above = (*head.lines[:first], *(lines[n] for n in told))
    body = tuple(row for row in rows[skip : skip + _LOOKED_AT] if any(row))
    return Table(_as_wide_as(names, body), first + skip, separator, body, _comments(above), above, groups=groups)


def sheet_tables(head: Head) -> Iterator[Table]:
    """The tables of a workbook's sheets."""
    for name, sheet in head.sheets().items():
        rows = [[_shown(cell) for cell in row] for row in sheet[: _MOST_ABOVE + _LOOKED_AT]]
        found = _located(rows)
        if found is not None:
            names, skip, told, groups = found
            above = tuple("\t".join(filter(None, rows[n])) for n in told)
            body = tuple(rows[skip : skip + _LOOKED_AT])
            yield Table(tuple(names), skip, ",", body, _comments(above), above, name, groups)


def _after_comments(lines: Sequence[str]) -> int:
    """Place of the first line that is no comment and not blank."""
    start = 0
    if lines and lines[0].lstrip().startswith(_DESCRIPTION[0]):
        start = next((n for n, line in enumerate(lines, 1) if line.rstrip().endswith(_DESCRIPTION[1])), 0)
    return next(
        (n for n, line in enumerate(lines[start:], start) if line.strip() and not line.startswith(_MARKS)), len(lines)
    )


def _separator(lines: Sequence[str]) -> str:
    """As `separator_of`, but a comma that is as frequent as another mark is a decimal comma."""
    found = separator_of(lines)
    if found != ",":
        return found
    tied = [mark for mark in SEPARATORS[1:] if all(line.count(mark) for line in lines[-20:])]
    return tied[0] if tied else found


def _located(rows: Sequence[Sequence[str | None]]) -> tuple[list[str], int, list[int], dict[str, str]] | None:
    """Names, rows above the first row of values, the places of the rows above the names, and groups of names."""
    first = _first_values(rows)
    titles = [n for n in range(first) if any(rows[n])]
    if first >= len(rows) or not titles:
        return None
    width = len([cell for cell in rows[first] if cell])
    wide = [n for n in titles if len([cell for cell in rows[n] if cell]) >= max(2, 0.5 * width)]
    beside = [n for n in wide if any(kind(rows[n]) for kind in _JOINED)]
    named = [n for n in wide if n not in beside and not _begins_with_a_stamp(rows[n])]
    if not named:
        return None
    at = named[-1]
    names = [cell or "" for cell in rows[at]]
    over = _over(rows[at - 1], names) if at and at - 1 not in beside else []
    names = [" ".join(filter(None, pair)) for pair in zip(over, names, strict=True)] if over else names
    for row in (rows[n] for n in beside if at - 5 <= n):
        names = next(joined for kind, joined in _JOINED.items() if kind(row))(names, row)
    # a stamp under the names begins the rows, even where the rest of its line is not as in the rows below
    first = next((n for n in range(at + 1, first) if _begins_with_a_stamp(rows[n])), first)
    names = unique_names(names)
    groups = {name: group for name, group in zip(names, over, strict=False) if group}
    return names, first, [n for n in titles if n < at and n not in beside and not (over and n == at - 1)], groups


def _over(above: Sequence[str | None], names: Sequence[str]) -> list[str]:
    """
    The row above the names as part of them: "Moisture" over "5 cm"; a blank goes on with what stands to its left.

    Only where names repeat, or are no more than depths, and the row above parts them into groups.
    """
    cells = [(cell or "").strip() for cell in [*above, *[""] * len(names)]][: len(names)]
    bare = [
        bool(_MEASURE.fullmatch(name.strip()) or _UNIT.fullmatch(name.strip())) or (is_air(name) and has_depth(name))
        for name in names
    ]
    often = Counter(filter(None, names))
    doubled = [often[name] > 1 for name in names]
    if len({cell for cell in cells if cell}) < 2 or sum(map(bool, names)) < 0.5 * len(names):
        return []
    if not any(doubled) and not (sum(bare) > 1 and any(map(speaks_of_warmth, cells))):
        return []
    group, found = "", []
    for cell, own, name in zip(cells, [a or b for a, b in zip(bare, doubled, strict=True)], names, strict=True):
        group = cell or group
        found.append(group if own else "" if name else cell)
    return found


def _first_values(rows: Sequence[Sequence[str | None]]) -> int:
    """Place of the first row of values: with a date and a number, or with numbers alone; so are the rows under it."""
    for kind in (_is_dated, _is_numbers):
        for n, row in enumerate(rows[:_MOST_ABOVE]):
            under = [other for other in rows[n + 1 : n + 12] if any(other)][:3]
            if kind(row) and all(map(kind, under)) and (n or kind is _is_dated):
                return n
    return len(rows)


def _is_dated(row: Sequence[str | None]) -> bool:
    filled = [cell.strip() for cell in row if cell and cell.strip()]
    dated = [cell for cell in filled if _STAMPED.fullmatch(cell) and not cell.isdigit()]
    values = [cell for cell in filled if _VALUE.fullmatch(cell) or cell in BLANKS]
    return bool(dated) and (len(dated) + len(values) > 1 or len(row) > len(filled))


def _begins_with_a_stamp(row: Sequence[str | None]) -> bool:
    begin = next((cell.strip() for cell in row if cell and cell.strip()), "")
    return not begin.isdigit() and bool(_STAMPED.fullmatch(begin))


def _is_numbers(row: Sequence[str | None]) -> bool:
    filled = [cell.strip() for cell in row if cell and cell.strip()]
    values = [cell for cell in filled if _VALUE.fullmatch(cell)]
    return len(values) > 1 and len(values) >= 0.5 * len(filled)


def _is_units(row: Sequence[str | None]) -> bool:
    filled = [cell.strip() for cell in row if cell and cell.strip()]
    known = [cell for cell in filled if _UNIT.fullmatch(cell)]
    return len(known) == len(filled) and any(unit_of(cell) for cell in filled)


def _is_depths(row: Sequence[str | None]) -> bool:
    first = next((cell.strip() for cell in row if cell and cell.strip()), "")
    return bool(_DEEP.fullmatch(first)) and all(
        _MEASURE.fullmatch(cell.strip()) or _LAYER.fullmatch(cell.strip())
        for cell in list(row)[1:]
        if cell and cell.strip() and cell.strip() != first
    )


def _is_statistics(row: Sequence[str | None]) -> bool:
    return all(_STATISTIC.fullmatch((cell or "").strip()) for cell in row)


def _with_statistics(names: Sequence[str], kinds: Sequence[str | None]) -> list[str]:
    """ "T1" over "Max" is "T1 Max"; means and samples are what a name without a word is."""
    under = [*(kind or "" for kind in kinds), *[""] * len(names)]
    return [f"{name} {kind}" if _EXTREME.fullmatch(kind) else name for name, kind in zip(names, under, strict=False)]


def _with_units(names: Sequence[str], units: Sequence[str | None]) -> list[str]:
    """ "T1" over "degC" is "T1 (degC)", "depth" over "cm" is "depth (cm)"."""
    under = [*((unit or "").strip("[]() ") for unit in units), *[""] * len(names)]
    return [
        f"{name} ({unit})"
        if unit_of(unit) or offset(unit) is not None or (_LENGTH.fullmatch(unit) and _DEEP.fullmatch(name))
        else name
        for name, unit in zip(names, under, strict=False)
    ]


def _with_depths(names: Sequence[str], depths: Sequence[str | None]) -> list[str]:
    """ "T1" under "50", in a row "Depth (cm)", is "T1 50 cm"."""
    first = next((cell for cell in depths if cell), "")
    unit = _LENGTH.search(_DEEP.sub(lambda match: match[0][len(match[1]) :], first))

    def shown(depth: str) -> str:
        bare = unit and _MEASURE.fullmatch(depth) and not _LENGTH.search(depth)
        return _in_plain(depth) + (f" {unit[0]}" if unit and bare else "")

    over = [*((depth or "").strip() for depth in depths), *[""] * len(names)]
    return [
        f"{name} {shown(depth)}" if _MEASURE.fullmatch(depth) or _LAYER.fullmatch(depth) else name
        for name, depth in zip(names, over, strict=False)
    ]


_JOINED: dict[Callable[[Sequence[str | None]], bool], Callable[..., list[str]]] = {
    _is_statistics: _with_statistics,
    _is_units: _with_units,
    _is_depths: _with_depths,
}
"""Rows beside the names, and how their cells become part of them."""


def _in_plain(depth: str) -> str:
    return depth.strip().removesuffix(".0")


def _as_wide_as(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> tuple[str, ...]:
    """With one more name where every row ends with a separator."""
    if rows and all(len(row) == len(names) + 1 and not row[-1] for row in rows):
        return tuple(unique_names([*names, ""]))
    return tuple(names)


def _comments(lines: Sequence[str]) -> dict[str, str]:
    said = (_SAID.fullmatch(line.strip()) for line in lines)
    found: dict[str, str] = {}
    for match in said:
        if match and match[2]:
            found.setdefault(match[1].strip(), match[2].strip())
    return found


def _shown(cell: Cell) -> str | None:
    return None if cell is None else cell if isinstance(cell, str) else f"{cell:.15g}"
