"""Arguments as their user writes them: errors speak Python; the command line says options, a study says TOML."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import click

from talik.errors import TalikError
from talik.spelling import PAIR, QUOTES, as_toml, respelled


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
            message = respelled(re.sub(rf"^{option.name}:", f"{option.opts[0]}:", message), option.name, spelled)
    return as_toml(message) if any(given.name == "study" for given in command.params) else message


@contextmanager
def in_toml() -> Iterator[None]:
    """Errors from within speak of the study's file."""
    try:
        yield
    except TalikError as error:
        error.args = (as_toml(str(error)),)
        raise


def _option(name: str, value: str) -> str:
    if value.startswith("{"):
        return " ".join(f"{name} {pair['key']}={pair['dots'] or shlex.quote(pair['text'])}"
                        for pair in PAIR.finditer(value))
    if value.startswith("--"):
        return value
    return name if value in ("", "True") else f"{name} {shlex.quote(value.strip(QUOTES))}"
