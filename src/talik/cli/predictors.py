"""The command `talik predictors`: ERA5-Land at the sites, from files or a service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from talik.cli.output import emit, format_option
from talik.errors import UsageError, unknown

if TYPE_CHECKING:
    import polars as pl

    from talik.synthesis.predictors import SitePredictors

_DOORS = ("cds", "edh", "gee")
_ENDINGS = (".csv", ".parquet")
_NAMED = "YOURS=ERA5LAND, as Tair=t2m or 'Snow=sde [cm]'"


@click.command()
@click.argument("sites")
@click.option("--column", "columns", multiple=True, metavar="latitude=Lat", help="Which column of SITES is which.")
@click.option("--source", "sources", multiple=True, required=True,
              help="cds (Climate Data Store), edh (Earth Data Hub), gee (Earth Engine), or a file; repeat for more.")
@click.option("--years", default=None, help="First and last whole year, as 2014-2023. [default: what the files cover]")
@click.option("--store", type=click.Path(path_type=Path), default=None, help="Folder where downloads are kept.")
@click.option("--out", type=click.Path(path_type=Path), default=None,
              help="Write the table here (.csv or .parquet), and OUT-provenance beside it.")
@click.option("--variable", "variables", multiple=True, help="Only this predictor; repeat for more. [default: all]")
@click.option("--without", multiple=True,
              help="All but this predictor (precipitation: with its seasons); repeat for more. snow_season is dearest.")
@click.option("--dataset", default="", help="Data set of local files, as reanalysis-era5-land-monthly-means.")
@click.option("--accumulation", default=None, help="How amounts accumulate in local files of an unknown data set.")
@click.option("--name", "names", multiple=True,
              help="YOURS=ERA5LAND: a field's name in your files, as Tair=t2m, or with its unit, as 'Snow=sde [cm]'.")
@click.option("--static", multiple=True, type=click.Path(path_type=Path),
              help="ERA5-Land's file of geopotential or land-sea mask, for heights and land fraction; repeat for both.")
@click.option("--transpiration", type=click.Choice(["unswapped", "as_named"]), default="unswapped",
              help="Read transpiration from the field that holds it, or from that of its name.")
@click.option("--lapse", type=float, default=None, help="Lapse rate in K per m, as -0.0065. [default: no correction]")
@click.option("--temperature-years", default=None, help="Years of the temperature record, as 1998-2008.")
@click.option("--project", default="", help="Your Earth Engine project.")
@click.option("--dry-run", is_flag=True, help="Print the requests to the Climate Data Store and their cost; send none.")
@format_option
def predictors(sites: str, columns: tuple[str, ...], sources: tuple[str, ...], years: str | None, store: Path | None,
               out: Path | None, variables: tuple[str, ...], without: tuple[str, ...], dataset: str,
               accumulation: str | None, names: tuple[str, ...], static: tuple[Path, ...], transpiration: Any,
               lapse: float | None, temperature_years: str | None, project: str, dry_run: bool,
               form: str | None) -> None:
    """
    Predictors of ERA5-Land at SITES: a bundled study (see `talik studies`), or a table of sites.

    Means over whole years of the 12 predictors of Liu et al. (2025), air and skin temperature, degree-days, seasons,
    each with the cell it comes from, its distance and height, and what speaks against it.
    """
    if out is not None and out.suffix not in _ENDINGS:
        raise UsageError(f"--out: got {out.name!r}, expected a name that ends in {' or '.join(_ENDINGS)}")
    fields = _pairs(names, "--name", _NAMED)
    table = _site_table(sites, _pairs(columns, "--column", "NAME=YOURS, as latitude=Lat"))
    source: Any = sources[0] if len(sources) == 1 and sources[0] in _DOORS else _files(sources)
    span = _span(years, "--years")
    wanted = _wanted(variables, without)
    if dry_run:
        _dry_run(source, table, span, wanted, store, form)
        return
    from talik.era5land.doors import Service
    from talik.synthesis.predictors import site_predictors

    found = site_predictors(table, source, years=span, store=store, variables=wanted, dataset=dataset,
                            accumulation=accumulation, names=fields, static=static, lapse=lapse,
                            transpiration=transpiration,
                            temperature_years=_span(temperature_years, "--temperature-years"),
                            service=Service(project=project), watch=_say)
    click.echo(f"{found}.", err=True)
    for row in found.missing().iter_rows(named=True):
        lacking = row["variables"]
        shown = ", ".join(lacking) if len(lacking) < 6 else f"{len(lacking)} predictors"
        click.echo(f"missing at {row['sites']} sites: {shown}: {row['reason']}", err=True)
    if out is None:
        emit(found.to_frame(), form, title="Predictors of ERA5-Land")
    else:
        _write(found, out)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The climatology: a Zarr folder.")
@click.option("--years", default=None, help="First and last whole year, as 2014-2023. [default: what the files cover]")
@click.option("--dataset", default="", help="Data set of the files, as reanalysis-era5-land.")
@click.option("--accumulation", default=None, help="How amounts accumulate in files of an unknown data set.")
@click.option("--name", "names", multiple=True, help="YOURS=ERA5LAND: see talik predictors.")
@click.option("--variable", "variables", multiple=True, help="Only this predictor; repeat for more. [default: all]")
@click.option("--threads", type=int, default=None, help="At work together. [default: all CPUs]")
@click.option("--cluster", default=None, help="Address of a dask.distributed scheduler, in place of threads.")
def reduce(files: tuple[Path, ...], out: Path, years: str | None, dataset: str, accumulation: str | None,
           names: tuple[str, ...], variables: tuple[str, ...], threads: int | None, cluster: str | None) -> None:
    """
    Every predictor of every cell of ERA5-Land FILES, in one pass, as a climatology for `talik predictors --source`.

    An interrupted pass goes on where it was when the same command is given again.
    """
    from talik.era5land.grids import open_grid
    from talik.era5land.reduce import reduce as reduced

    grid = open_grid(files, dataset=dataset, names=_pairs(names, "--name", _NAMED))
    made = reduced(grid, years=_span(years, "--years"), variables=variables or None, store=out, threads=threads,
                   cluster=cluster, accumulation=accumulation)
    click.echo(f"{made}: {out}")


def _write(found: SitePredictors, out: Path) -> None:
    from talik.files import write_csv, write_parquet

    write = write_csv if out.suffix == ".csv" else write_parquet
    for path, frame in ((out, found.to_frame()), (out.with_stem(f"{out.stem}-provenance"), found.provenance)):
        click.echo(f"wrote {write(path, frame)}")


def _wanted(variables: tuple[str, ...], without: tuple[str, ...]) -> tuple[str, ...] | None:
    from talik.synthesis.predictors import STATISTICS

    for name in (*variables, *without):
        if name not in STATISTICS:
            raise unknown("predictor of ERA5-Land", name, STATISTICS)
    seasons = tuple(name for name in STATISTICS if name.startswith("precipitation_") and "precipitation" in without)
    wanted = tuple(name for name in variables or STATISTICS if name not in (*without, *seasons))
    if not wanted:
        raise UsageError("--without: leaves no predictor")
    return wanted if variables or without else None


def _dry_run(source: Any, table: pl.DataFrame, span: tuple[int, int] | None, wanted: tuple[str, ...] | None,
             store: Path | None, form: str | None) -> None:
    if source not in ("cds", "edh"):
        raise UsageError("--dry-run: only requests to the Climate Data Store have a cost to show")
    if span is None:
        raise UsageError("--years: needed with --dry-run, as --years 2014-2023")
    import polars as pl

    from talik.era5land.doors import ANTARCTICA, USERS, request_plan

    if source == "edh":
        table = table.filter(pl.col("latitude") < ANTARCTICA)
        if not table.height:
            click.echo("Earth Data Hub serves all sites; nothing is asked from the Climate Data Store.")
            return
    plan = request_plan(table, span, wanted, store=store, price=True, watch=_say)
    emit(plan.to_frame(), form, title="Requests, not sent")
    click.echo(str(plan), err=True)
    if USERS.account is None:
        click.echo("No key is saved, so the service was not asked what its points have and what this costs.", err=True)


def _site_table(name: str, columns: dict[str, str]) -> pl.DataFrame:
    from talik.synthesis.published import sites, studies
    from talik.synthesis.table import read_sites

    if name in studies()["name"].to_list():
        return sites(name)
    path = Path(name)
    if path.suffix == ".toml" or (path.is_dir() and (path / "study.toml").is_file()):
        from talik.settings import read_settings

        section = (settings := read_settings(path)).sites
        if section.published is not None:
            return sites(section.published)
        return read_sites(settings.path(str(section.table)), columns=section.columns, units=section.units,
                          encoding=section.encoding, sheet=section.sheet)
    return read_sites(_placed(path, columns), columns=columns)


def _placed(path: Path, columns: dict[str, str]) -> Path | pl.DataFrame:
    """The table as it is, or with an empty column of temperatures where it has only places: here they are enough."""
    import polars as pl

    from talik.synthesis.columns import matched
    from talik.synthesis.tabular import tabular

    table = tabular(path)
    try:
        matched(table.frame.columns, columns, file=table.name)
    except UsageError:
        known = matched([*table.frame.columns, "maat"], columns, file=table.name)
        for name in ("latitude", "longitude"):
            if name not in known:
                raise UsageError(f"{table.name}: no column {name!r}. Found: {', '.join(table.frame.columns)}. Name it: "
                                 f"columns={{{name!r}: ...}}") from None
        return table.frame.with_columns(maat=pl.lit(None, pl.Float64))
    return path


def _files(sources: tuple[str, ...]) -> list[Path]:
    doors = [source for source in sources if source in _DOORS]
    if doors:
        raise UsageError(f"--source: {doors[0]!r} stands alone; give either one service or files")
    return [Path(source) for source in sources]


def _span(text: str | None, option: str) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d{4})(?:\s*[-:]\s*(\d{4}))?\s*", text)
    if not found:
        raise UsageError(f"{option}: got {text!r}, expected years as 2014-2023")
    first = int(found[1])
    return first, int(found[2] or first)


def _pairs(given: tuple[str, ...], option: str, form: str) -> dict[str, str]:
    pairs = dict(text.split("=", 1) for text in given if "=" in text)
    if len(pairs) != len(given):
        raise UsageError(f"{option}: got {', '.join(given)}, expected {form}")
    return pairs


def _say(request: Any, words: str) -> None:
    click.echo(f"{getattr(request, 'name', '')} {words}".strip(), err=True)
