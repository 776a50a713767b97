"""Command on two studies, or two releases of the data behind them: compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from talik.cli.output import emit, format_option, is_table

if TYPE_CHECKING:
    import polars as pl

    from talik.analysis.releases import ReleaseComparison


@click.command()
@click.argument("before", type=click.Path(exists=True, path_type=Path))
@click.argument("after", type=click.Path(exists=True, path_type=Path))
@click.option("--tolerance", type=click.FloatRange(min=0), default=0.0, show_default=True,
              help="Differences up to this much are none (°C, K, m).")
@click.option("--years", is_flag=True, help="Show the single years that differ in place of the sites' values.")
@click.option("--means", is_flag=True, help="Show the regional means that differ in place of the sites' values.")
@click.option("--files", is_flag=True, help="Of two folders of logger files: show the files that differ.")
@format_option
def compare(before: Path, after: Path, tolerance: float, years: bool, means: bool, files: bool,
            form: str | None) -> None:
    """
    Set two studies, or two releases of a network's data, side by side.

    Two results folders or tables of sites: sites that were added or removed, values that moved and by how much, years
    and regional means that differ. Two folders of logger files, or two stores: stations that came, went or seem to be
    renamed (the same values under another name), series that changed and on how many days; CSV and JSON list every
    series. Ends with exit code 1 when anything is different, with 0 when nothing is.
    """
    from talik.errors import UsageError

    if years + means + files > 1:
        raise UsageError("--years, --means and --files: got more than one of them, expected at most one")
    studies = [not side.is_dir() or (side / "sites.parquet").is_file() for side in (before, after)]
    if studies[0] != studies[1]:
        raise UsageError(f"{before} and {after}: one holds a study and the other does not (sites.parquet). Compare two "
                         "studies, or two folders of logger files.")
    if (years or means) and not studies[0]:
        raise UsageError("--years and --means: got two releases of data, expected two studies. Leave it out.")
    if files and studies[0]:
        raise UsageError("--files: got two studies, expected two folders of logger files. Leave it out.")
    stations = None
    if studies[0]:
        from talik.analysis.comparison import compare as compared

        found = compared(before, after, tolerance=tolerance)
        table, title = ((found.years, "Years that differ") if years else
                        (found.summary, "Regional means that differ") if means else (found.values, "Differences"))
        said, differs = str(found), found.differs
    else:
        from talik.analysis.releases import compare_releases

        releases = compare_releases(before, after, tolerance=tolerance)
        table, title = ((releases.files, "Files that differ") if files else (releases.series, "Series that differ"))
        said, differs = str(releases), releases.differs
        if is_table(form) and not files:
            table, stations = _short(releases), releases.stations
    click.echo(said, err=True)
    if table.height:
        emit(table, form, title=title)
    if stations is not None and stations.height:
        emit(stations.drop("site_before").insert_column(2, stations["site_before"].alias("was")), form,
             title="Stations that one side has")
    if differs:
        raise SystemExit(1)


def _short(releases: ReleaseComparison) -> pl.DataFrame:
    """What fits a terminal: the series of stations that both sides have; their days and size in short columns."""
    import polars as pl

    column = pl.col("column")
    return releases.series.join(releases.stations, on="site", how="anti").select(
        "site", pl.when(column.str.len_chars() > 18).then(column.str.head(6) + "…" + column.str.tail(11))
        .otherwise(column).alias("column"), "kind", pl.col("days_added").alias("+ days"),
        pl.col("days_removed").alias("- days"), pl.col("days_moved").alias("moved"),
        pl.col("largest").round(2).alias("largest °C"), pl.col("largest_on").alias("on"))
