"""What a command says: a table on a terminal, CSV or JSON when piped or asked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("table", "csv", "json")


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--format table|csv|json`; without it, a table on a terminal and CSV in a pipe."""
    return click.option("--format", "form", type=click.Choice(FORMATS), default=None,
                        help="How to print: table, csv or json. [default: table on a terminal, csv in a pipe]")(command)


def seed_option(default: int = 1) -> Callable[..., Any]:
    """The option `--seed N`, where every random number comes from."""
    return click.option("--seed", type=click.IntRange(0), default=default, show_default=True, help="Of random numbers.")


def figure_option(help: str) -> Callable[..., Any]:
    """The option `--figure NAME`: a path whose last part begins the names of the files drawn."""
    return click.option("--figure", type=click.Path(path_type=Path), default=None, callback=_named, help=help)


def listed(context: click.Context, option: click.Parameter, text: str | None) -> list[str] | None:
    """The names in a text with commas; None stays None."""
    if text is None:
        return None
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise click.BadParameter(f"got {text!r}, expected names separated by commas")
    return names


def complain(error: Exception) -> None:
    """A refusal that does not stop the command, on the error stream, in the words of the command line."""
    from talik.cli.spelling import as_options

    click.echo(f"talik: {as_options(str(error), click.get_current_context().command)}", err=True)


def note(text: object) -> None:
    """Something to be known, on the error stream, in the words of the command line."""
    from talik.cli.spelling import as_options

    click.echo(f"note: {as_options(str(text), click.get_current_context().command)}", err=True)


def is_table(form: str | None) -> bool:
    """Whether people read what is printed: so asked, or on a terminal."""
    return (form or ("table" if sys.stdout.isatty() else "csv")) == "table"


def emit(frame: pl.DataFrame, form: str | None = None, *, title: str = "") -> None:
    """Print a frame in the chosen form."""
    if is_table(form):
        _table(frame, title)
    elif form == "json":
        click.echo(frame.write_json())
    else:
        click.echo(frame.write_csv(), nl=False)


def _named(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and not path.name:
        raise click.BadParameter(f"got {str(path)!r}, expected a name such as figures/{context.info_name}")
    return path


def _table(frame: pl.DataFrame, title: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    legend: dict[str, str] = {}
    if "reason" in frame.columns:        # sentences fit no column: numbers, and what they mean below
        said = [text for text in frame["reason"].drop_nulls().unique(maintain_order=True) if text]
        legend = {text: str(number) for number, text in enumerate(said, 1)}
        frame = frame.with_columns(frame["reason"].replace(legend))
    table = Table(title=title or None, header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False,
                  show_edge=False)
    for name, kind in frame.schema.items():
        table.add_column(escape(name), justify="right" if kind.is_numeric() else "left", overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*(escape(_cell(value)) for value in row))
    Console().print(table)
    for text, number in legend.items():
        click.echo(f"reason {number}: {text}")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
