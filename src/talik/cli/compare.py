"""Command on two studies: compare."""

from __future__ import annotations

from pathlib import Path

import click

from talik.cli.output import emit, format_option


@click.command()
@click.argument("before", type=click.Path(exists=True, path_type=Path))
@click.argument("after", type=click.Path(exists=True, path_type=Path))
@click.option("--tolerance", type=float, default=0.0, show_default=True,
              help="Differences up to this much are none (°C, K, m).")
@click.option("--means", is_flag=True, help="Show the regional means that differ in place of the sites' values.")
@format_option
def compare(before: Path, after: Path, tolerance: float, means: bool, form: str | None) -> None:
    """
    Set two results folders, or two tables of sites, side by side.

    Lists sites that were added or removed, values that moved and by how much, and regional means that differ. Ends
    with exit code 1 when anything is different, with 0 when nothing is.
    """
    from talik.analysis.comparison import compare as compared

    found = compared(before, after, tolerance=tolerance)
    click.echo(str(found), err=True)
    table = found.summary if means else found.values
    if table.height:
        emit(table, form, title="Regional means that differ" if means else "Differences")
    if found.differs:
        raise SystemExit(1)
