"""What a command says: a table on a terminal, CSV or JSON when piped or asked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("table", "csv", "json")


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--format table|csv|json`; without it, a table on a terminal and CSV in a pipe."""
    return click.option("--format", "form", type=click.Choice(FORMATS), default=None,
                        help="How to print: table, csv or json. [default: table on a terminal, csv in a pipe]")(command)


def emit(frame: pl.DataFrame, form: str | None = None, *, title: str = "") -> None:
    """Print a frame in the chosen form."""
    form = form or ("table" if sys.stdout.isatty() else "csv")
    if form == "csv":
        click.echo(frame.write_csv(), nl=False)
    elif form == "json":
        click.echo(frame.write_json())
    else:
        _table(frame, title)


def _table(frame: pl.DataFrame, title: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title or None, header_style="bold")
    for name, kind in frame.schema.items():
        table.add_column(escape(name), justify="right" if kind.is_numeric() else "left", overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*(escape(_cell(value)) for value in row))
    Console().print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
