"""What a command says: a table on a terminal, CSV or JSON when piped or asked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("table", "csv", "json")
SENTENCE = 12
"""The least [characters] that a column of long cells is left on a terminal."""


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--format table|csv|json`; without it, a table on a terminal and CSV in a pipe."""
    return click.option("--format", "form", type=click.Choice(FORMATS), default=None,
                        help="How to print: table, csv or json. [default: table on a terminal, csv in a pipe]")(command)


def seed_option(default: int | None = 1) -> Callable[..., Any]:
    """The option `--seed N`, where every random number comes from; None leaves it to the study."""
    return click.option("--seed", type=click.IntRange(0), default=default, show_default=default is not None,
                        help="Of random numbers." + ("" if default is not None else " [default: the study's, else 1]"))


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
    console = Console()
    columns = [(column.name, column.dtype.is_numeric(), list(map(_cell, column))) for column in frame]
    natural = [_wide(name, *cells) for name, _, cells in columns]
    widths: Sequence[int | None] = natural
    if sum(natural) + 2 * len(columns) - 1 > console.width:      # short names; empty columns go, reasons tell of them
        columns = [(_heading(name), number, list(map(_heading, cells)) if name == "variable" else cells)
                   for name, number, cells in columns if any(cells) or not legend]
        widths = _whole([_wide(*name.split(), *cells) for name, _, cells in columns], console.width)
    table = Table(title=escape(title) or None, header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0),
                  pad_edge=False, show_edge=False)
    for (name, number, _), width in zip(columns, widths, strict=True):
        table.add_column(escape(name), justify="right" if number else "left", overflow="fold", width=width)
    for row in zip(*(cells for *_, cells in columns), strict=True):
        table.add_row(*map(escape, row))
    console.print(table)
    for text, at in legend.items():
        click.echo(f"reason {at}: {text}")


def _wide(*texts: str) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, texts), default=0)


def _whole(widest: Sequence[int], width: int) -> list[int | None]:
    """The widths of the narrowest columns (numbers, intervals, names), as many as fit: wider ones fold before these."""
    whole: list[int | None] = [None] * len(widest)
    free = width - (SENTENCE + 2) * len(widest) + 1
    for number in sorted(range(len(widest)), key=widest.__getitem__):
        free -= widest[number] - SENTENCE
        if free >= 0:
            whole[number] = widest[number]
    return whole


def _heading(name: str) -> str:
    """A column's name as it fits: the catalogue's symbol (SO), "u SO" for its uncertainty, else words."""
    from talik.variables import VARIABLES

    of = name.removesuffix("_uncertainty")
    symbol = VARIABLES[of].short if of in VARIABLES else of.replace("_", " ")
    return symbol if of == name else f"u {symbol}"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) >= 1 else f"{value:.3g}"
    return str(value)
