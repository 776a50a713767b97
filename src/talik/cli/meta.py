"""The command on slopes and their pooled mean: both profiles side by side, and why they differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click

from talik.cli.output import emit, figure_option, format_option, is_table, listed, seed_option
from talik.cli.statements import table_options, table_sites
from talik.errors import UsageError
from talik.variables import MOISTURE, SNOW

_PLANS = {"surface_offset": (SNOW, ("region", "vegetation")), "thermal_offset": (MOISTURE, ("region", "soil"))}


@click.command()
@click.argument("table")
@click.option("--response", default="surface_offset", show_default=True,
              help="Column to regress, or its symbol (SO, TO).")
@click.option("--predictors", default=None, callback=listed,
              help="Columns of the composite, separated by commas. [default: snow for SO, moisture for TO]")
@click.option("--by", default=None, callback=listed,
              help="Two columns that make the groups. [default: region,vegetation for SO; region,soil for TO]")
@click.option("--min-n", type=click.IntRange(3), default=None, help="Smallest group. [default: 3 as published, 5]")
@click.option("--variance", type=click.Choice(["pooled", "moderated", "own", "HC3"]), default="pooled",
              show_default=True, help="Residual variance behind the recommended errors.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Of the intervals.")
@click.option("--replicates", type=click.IntRange(100, 100_000), default=2000, show_default=True,
              help="Random draws behind the checks.")
@seed_option()
@click.option("--show", type=click.Choice(["means", "groups", "checks", "loadings"]), default="means",
              show_default=True, help="Pooled means, slopes of the groups, checks, or loadings.")
@figure_option("Draw the forest plots as FIGURE-liu2025 and FIGURE-talik, .svg, .png and .csv.")
@table_options
@format_option
def meta(table: str, response: str, predictors: list[str] | None, by: list[str] | None, min_n: int | None,
         variance: str, level: float, replicates: int, seed: int, show: str, figure: Path | None, form: str | None,
         **told: Any) -> None:
    """
    Slopes of an offset within groups of TABLE's sites, pooled by both profiles.

    TABLE is a bundled study (see `talik studies`), a study.toml, or a CSV, XLSX or Parquet file with one row a site.
    """
    import polars as pl

    from talik.analysis.slopes import group_slopes
    from talik.variables import VARIABLES, variable

    sites = table_sites(table, told)
    response = response if response in sites.columns else variable(response).name
    usual, groups = _PLANS.get(response, (SNOW, ("region", "vegetation")))
    names = [variable(n).name if n not in sites.columns and n.lower() in VARIABLES else n
             for n in predictors or usual]
    lacking = [name for name in names if name not in sites.columns]
    if lacking and not predictors:
        raise UsageError(f"{table}: no {', '.join(lacking)}; choose columns that it has with --predictors, or fetch "
                         "these with `talik predictors`.")
    frames, sentences = [], []
    for profile in ("liu2025", "talik"):
        found = group_slopes(sites, response, names, by=by or groups, profile=profile, min_n=min_n,
                             variance=cast(Any, variance), level=level, replicates=replicates, seed=seed)
        frame = {"means": found.pooled.to_frame(), "groups": found.slopes, "checks": found.checks,
                 "loadings": found.loadings}[show]
        frames.append(frame.select(pl.lit(profile).alias("profile"), pl.all()))
        sentences.append(f"{profile}: {found}")
        if figure:
            from talik.figures.forest import write_forest

            write_forest(found.pooled.to_frame(), figure.with_name(f"{figure.name}-{profile}"),
                         xlabel=f"Slope of {response} (°C per {found.settings['unit']})")
    both = pl.concat(frames, how="diagonal_relaxed")
    if show == "means":
        both = both.select("profile", "kind", "label", "k", "effect", "se", "low", "high", "p", "tau2", "i2",
                           "prediction_low", "prediction_high", "reason")
        if is_table(form):
            both = both.select("profile", "label", "k", "effect", "low", "high", "p", "i2")
    emit(both, form, title=f"Slopes of {response} (°C per unit of the composite)")
    for sentence in (*sentences, *_WHY):
        click.echo(sentence, err=True)


_WHY = (
    "Why they differ: liu2025 uses each group's own component, whose sign and scale are its own, and each group's own "
    "standard error, which small groups underestimate; talik uses one component over all sites, per SD, one residual "
    "variance, larger groups, and an interval by Hartung-Knapp that is never narrower than the normal one.",
)
