"""Errors name Python's arguments; a study's reader is told what its TOML would say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial

_TOML = ("columns", "units", "encoding", "sheet", "format", "timezone", "date_order", "depths", "air", "surface",
         "depth", "surface_depth", "completeness", "year_start", "fill", "check", "era5land", "dataset", "years")
_VALUE = r"(?P<value>\{[^{}]*\}|'[^']*'|\"[^\"]*\"|\.\.\.|[\w+-]+(?:\.\d+)?)?"
QUOTES = "'\""
PAIR = re.compile(r"""(['"])(?P<key>.*?)\1\s*:\s*(?:(['"])(?P<text>.*?)\3|(?P<dots>\.\.\.))""")


def as_toml(message: str) -> str:
    """
    A message about what a study's file says, spelled as that file would say it.

    Examples
    --------
    >>> as_toml("a.csv: looks like centimetres. Say so: units={'alt': 'cm'}")
    'a.csv: looks like centimetres. Say so: units = {alt = "cm"}'
    """
    for name in _TOML:
        message = respelled(message, name, partial(_toml, name))
    return message


def respelled(message: str, name: str, spelled: Callable[[str], str]) -> str:
    """Every `name=value` in another spelling, and options that stand in brackets behind it as if they were one."""
    found = re.compile(rf"(?<![\w.?&-]){name}={_VALUE}(?: \((?P<options>--[^)]*)\))?")
    return found.sub(lambda match: spelled(match["value"] or match["options"] or ""), message)


def _toml(name: str, value: str) -> str:
    if value.startswith("{"):
        pairs = (f"{pair['key']} = {pair['dots'] or json.dumps(pair['text'], ensure_ascii=False)}"
                 for pair in PAIR.finditer(value))
        return f"{name} = {{{', '.join(pairs)}}}"
    return f"{name} = {'...' if value.startswith('--') or not value else value.replace(*QUOTES)}"
