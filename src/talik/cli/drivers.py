"""The command on drivers: skill, verdict and ranks of one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from talik.cli.output import emit, figure_option, format_option, is_table, listed, note, seed_option
from talik.cli.statements import table_options, table_sites

if TYPE_CHECKING:
    import polars as pl

    from talik.analysis.drivers import DriverRanking


@click.command()
@click.argument("table")
@click.option("--response", default="surface_offset", show_default=True,
              help="Column to explain, or its symbol (SO, TO).")
@click.option("--predictors", default=None, callback=listed,
              help="Columns, separated by commas. [default: the drivers the table holds]")
@click.option("--refits", type=click.IntRange(20), default=500, show_default=True, help="Cluster-bootstrap refits.")
@click.option("--null", "n_null", type=click.IntRange(0), default=19, show_default=True,
              help="Permuted responses beside each skill; 0 for none.")
@click.option("--coordinates", is_flag=True, help="Let latitude and longitude be drivers.")
@click.option("--reach", "cluster_km", type=float, default=None,
              help="Sites closer than this form a cluster [km]. [default: the study's, or 60]")
@seed_option(0)
@click.option("--show", type=click.Choice(["ranks", "groups", "skill", "flags", "interactions"]), default=None,
              help="Print one table only. [default: skill and ranks on a terminal, ranks in a pipe]")
@figure_option("Draw the ranking as FIGURE.svg and FIGURE.png.")
@table_options
@format_option
def drivers(table: str, response: str, predictors: list[str] | None, refits: int, n_null: int, coordinates: bool,
            cluster_km: float | None, seed: int, show: str | None, figure: Path | None, form: str | None,
            **told: Any) -> None:
    """
    Which predictors drive an offset, how surely, and whether the data can tell.

    TABLE is a bundled study (see `talik studies`), a study.toml, or a CSV, XLSX or Parquet file with one row a site.
    The verdict is one of: declared, not resolved, no skill beyond the mean.
    """
    from talik.analysis.drivers import interaction_strength, rank_drivers
    from talik.analysis.predictors import judge_predictors
    from talik.analysis.skill import model_skill

    sites = table_sites(table, told, cluster_km=cluster_km)
    response = _name(response)
    names = None if predictors is None else [_name(name) for name in predictors]
    ranking = rank_drivers(sites, response, names, refits=refits, coordinates=coordinates, seed=seed)
    terminal = is_table(form)
    if show == "skill" or (show is None and terminal):
        skill = model_skill(sites, response, names, n_null=n_null, coordinates=coordinates, seed=seed).to_frame()
        emit(_short_skill(skill) if terminal else skill, form, title=f"Skill beyond the mean: {response}")
    if show in ("ranks", None):
        emit(_short_ranks(ranking.table) if terminal else ranking.table, form, title=f"Drivers: {response}")
    elif show == "groups":
        emit(ranking.groups, form, title=f"Groups of drivers: {response}")
    elif show == "interactions":
        emit(interaction_strength(ranking), form, title=f"Interactions: {response}")
    elif show == "flags":
        emit(judge_predictors(sites, ranking.settings["predictors"], response=response).to_frame(), form, title="Flags")
    _say(ranking)
    if figure is not None:
        from talik.figures.canvas import save

        for path in save(ranking.plot(verdict=f"{response}: {ranking.verdict}").get_figure(), figure):
            click.echo(f"wrote {path}", err=True)


def _name(text: str) -> str:
    """talik's name of a column: symbols and aliases of the catalogue are understood, other names are kept."""
    from talik.errors import UnknownName
    from talik.variables import variable

    try:
        return variable(text).name
    except UnknownName:
        return text.strip()


def _short_skill(frame: pl.DataFrame) -> pl.DataFrame:
    """What fits a terminal: skill with its interval, what chance gives, error."""
    import polars as pl

    return frame.filter((pl.col("model") != "mean") | pl.col("skill").is_null()).select(
        pl.col("scheme").alias("held out"), "model", _with_interval("skill", 2).alias("skill [90 %]"),
        pl.col("null_high").round(2).alias("chance"), "p", pl.col("rmse").round(2).alias("RMSE"),
        *(["reason"] if frame["skill"].has_nulls() else []))


def _short_ranks(frame: pl.DataFrame) -> pl.DataFrame:
    """What fits a terminal: importance and rank with intervals, how often first, direction, flags or reason."""
    import polars as pl

    return frame.select(
        "driver", _with_interval("importance", 2).alias("importance [90 %]"), _with_interval("rank", 0).alias("rank"),
        pl.format("{} %", (100 * pl.col("share_top")).round(0).cast(pl.Int64)).alias("first in"), "direction",
        (pl.coalesce("reason", "flags") if "reason" in frame.columns else pl.col("flags")).alias("remarks"))


def _with_interval(name: str, digits: int) -> pl.Expr:
    import polars as pl

    kind = pl.Float64 if digits else pl.Int64
    parts = [pl.col(c).round(digits).cast(kind) for c in (name, f"{name}_low", f"{name}_high")]
    return pl.format("{} [{}, {}]", *parts)


def _say(ranking: DriverRanking) -> None:
    for remark in ranking.notes:
        note(remark)
    click.echo(str(ranking), err=True)
