"""Arguments as their user writes them: errors speak Python; the command line says options, a study says TOML."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import click

from talik.errors import TalikError

_TOML = ("columns", "units", "encoding", "sheet", "format", "timezone", "date_order", "depths", "air", "surface",
         "depth", "surface_depth", "completeness", "year_start", "fill", "check", "era5land", "dataset", "years")
_VALUE = r"(?P<value>\{[^{}]*\}|'[^']*'|\"[^\"]*\"|\.\.\.|[\w+-]+(?:\.\d+)?)?"
_QUOTES = "'\""
_PAIR = re.compile(r"""(['"])(?P<key>.*?)\1\s*:\s*(?:(['"])(?P<text>.*?)\3|(?P<dots>\.\.\.))""")


def as_options(message: str, command: click.Command) -> str:
    """
    A message in which the arguments that a command has as options are spelled as those; about a study, as its TOML.

    Examples
    --------
    >>> command = click.Command("describe", params=[click.Option(["--unit", "units"]), click.Option(["--level"])])
    >>> as_options("a.csv: looks like centimetres. Say so: units={'alt': 'cm'}", command)
    'a.csv: looks like centimetres. Say so: --unit alt=cm'
    >>> as_options("level: got 2.0, expected a number between 0 and 1", command)
    '--level: got 2.0, expected a number between 0 and 1'
    """
    for option in command.params:
        if isinstance(option, click.Option) and option.name:
            spelled = partial(_option, option.opts[0])
            message = _respelled(re.sub(rf"^{option.name}:", f"{option.opts[0]}:", message), option.name, spelled)
    return as_toml(message) if any(given.name == "study" for given in command.params) else message


def as_toml(message: str) -> str:
    """
    A message about what a study's file says, spelled as that file would say it.

    Examples
    --------
    >>> as_toml("a.csv: looks like centimetres. Say so: units={'alt': 'cm'}")
    'a.csv: looks like centimetres. Say so: units = {alt = "cm"}'
    """
    for name in _TOML:
        message = _respelled(message, name, partial(_toml, name))
    return message


@contextmanager
def in_toml() -> Iterator[None]:
    """Errors from within speak of the study's file."""
    try:
        yield
    except TalikError as error:
        error.args = (as_toml(str(error)),)
        raise


def _respelled(message: str, name: str, spelled: Callable[[str], str]) -> str:
    """Every `name=value` in another spelling, and options that stand in brackets behind it as if they were one."""
    found = re.compile(rf"(?<![\w.?&-]){name}={_VALUE}(?: \((?P<options>--[^)]*)\))?")
    return found.sub(lambda match: spelled(match["value"] or match["options"] or ""), message)


def _option(name: str, value: str) -> str:
    if value.startswith("{"):
        return " ".join(f"{name} {pair['key']}={pair['dots'] or shlex.quote(pair['text'])}"
                        for pair in _PAIR.finditer(value))
    if value.startswith("--"):
        return value
    return name if value in ("", "True") else f"{name} {shlex.quote(value.strip(_QUOTES))}"


def _toml(name: str, value: str) -> str:
    if value.startswith("{"):
        pairs = (f"{pair['key']} = {pair['dots'] or json.dumps(pair['text'], ensure_ascii=False)}"
                 for pair in _PAIR.finditer(value))
        return f"{name} = {{{', '.join(pairs)}}}"
    return f"{name} = {'...' if value.startswith('--') or not value else value.replace(*_QUOTES)}"
