"""Commands that make statements on a table of sites: describe and scorecard."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from talik.cli.output import emit, format_option, is_table, listed, note, seed_option

if TYPE_CHECKING:
    import polars as pl


def _pairs(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise click.BadParameter(f"{name}{equals}{value}: expected NAME=VALUE, such as {option.metavar}")
    return {name.strip(): value.strip() for name, _, value in pairs}


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a table of one's own may need to be understood."""
    for option in (
        click.option("--sheet", help="Sheet of a workbook."),
        click.option("--encoding", help="Encoding of a CSV, such as cp1251, gbk or utf-16."),
        click.option("--unit", "units", multiple=True, callback=_pairs, metavar="alt=cm", help="Unit of a column."),
        click.option("--column", "columns", multiple=True, callback=_pairs, metavar="maat=Tair",
                     help="talik's name = your column's name."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("table")
@click.option("--by", default="region", show_default=True, callback=listed,
              help="Column(s) to group by, separated by commas, or 'all'.")
@click.option("--variables", default=None, callback=listed,
              help="Quantities, separated by commas. [default: SO,TO,MAAT,MAGST,TTOP,ALT]")
@click.option("--level", type=float, default=None, help="Of the intervals. [default: the study's, else 0.95]")
@click.option("--resamples", "n_boot", type=click.IntRange(100, 1_000_000), default=None,
              help="Bootstrap resamples of clusters. [default: the study's, else 2000]")
@seed_option(None)
@table_options
@format_option
def describe(table: str, by: list[str], variables: list[str] | None, level: float | None, n_boot: int | None,
             seed: int | None, form: str | None, **told: Any) -> None:
    """
    Means, spread, range and intervals of TABLE's quantities by region.

    TABLE is a bundled study (see `talik studies`), a study.toml, or a CSV, XLSX or Parquet file with one row a site.
    """
    from talik.analysis.describe import DESCRIBED
    from talik.analysis.describe import describe as statements

    sites = table_sites(table, told)
    present = [name for name in DESCRIBED if sites[name].is_not_null().any()]
    made = _as_studied(table, level=level, n_boot=n_boot, seed=seed)
    result = statements(sites, by=None if by == ["all"] else by, variables=variables or present, **made)
    if not is_table(form):
        emit(result.to_frame(), form)
        return
    emit(_short_statements(result.to_frame(), made["level"]), form, title=table)
    click.echo(f"n counts values. CV – is withheld: |mean| < 2 SE. {100 * made['level']:g} % CI: {made['n_boot']} "
               f"resamples of clusters of sites, seed {made['seed']}.")


@click.command()
@click.argument("table", default="three-poles")
@click.option("--claims", type=click.Path(path_type=Path), default=None,
              help="CSV with claim_id, where, statistic, group, stated; needed for a table of your own.")
@click.option("--show", default="verdicts",
              type=click.Choice(["verdicts", "differing", "sensitivity", "not-checkable"]),
              show_default=True, help="All verdicts, those that do not agree, what changes without suspect values, "
                                      "or the claims that the table cannot answer.")
@click.option("--check", is_flag=True, help="End with exit code 1 when a claim is not reproduced.")
@seed_option()
@table_options
@format_option
def scorecard(table: str, claims: Path | None, show: str, check: bool, seed: int, form: str | None,
              **told: Any) -> None:
    """
    Recompute every published claim from its TABLE, and say why a number differs.

    TABLE is a bundled study (the default is three-poles), a study.toml, or a table of your own with --claims.
    """
    from talik.analysis.explanations import NOT_REPRODUCED
    from talik.analysis.scorecard import scorecard as verdicts_on
    from talik.synthesis.published import studies
    from talik.synthesis.tabular import tabular

    bundled = table in studies()["name"].to_list()
    if not bundled and claims is None:
        raise click.UsageError("a table of your own needs --claims FILE")
    sites = table_sites(table, told)
    card = verdicts_on(table if bundled else sites, claims=tabular(claims).frame if claims else None, seed=seed)
    verdicts = card.to_frame()
    shown = {"verdicts": verdicts, "differing": verdicts.filter(~verdicts["agrees"]), "sensitivity": card.sensitivity,
             "not-checkable": card.not_checkable}[show]
    emit(_short_verdicts(shown, show) if is_table(form) else shown, form, title=f"Scorecard: {table}")
    click.echo(str(card), err=True)
    if check and (verdicts["verdict"] == NOT_REPRODUCED).any():
        raise SystemExit(1)


def table_sites(table: str, told: Mapping[str, Any], *, cluster_km: float | None = None) -> pl.DataFrame:
    """
    The table of sites behind a name, a TOML file, a folder with one, or a file; guesses are told on stderr.

    `told` are the `table_options`: they belong to a file alone, and are refused beside a name or TOML.
    """
    from talik.errors import UsageError, unknown
    from talik.synthesis.published import sites, studies
    from talik.synthesis.table import read_sites

    path, known = Path(table), studies()["name"].to_list()
    reach: dict[str, Any] = {} if cluster_km is None else {"cluster_km": cluster_km}
    own = table not in known and not _is_toml(path)
    for name in () if own else [name for name, value in told.items() if value]:
        raise UsageError(f"{name}: for a table of your own; {table} says itself how it is read")
    if table in known:
        return sites(table, **reach)
    if not path.exists() and not path.suffix:
        raise unknown("study", table, known)
    with warnings.catch_warnings(record=True) as guesses:
        warnings.simplefilter("always", UserWarning)
        frame = read_sites(path, **told, **reach) if own else _study_sites(path, reach)
    for guess in guesses:
        note(guess.message)
    codes = [code for codes in frame["flags"].drop_nulls() for code in codes.split(";")
             if code and not code.startswith("NO_")]
    if codes:
        counted = ", ".join(f"{code} {n}" for code, n in Counter(codes).most_common())
        note(f"{table}: flags ({counted}); `talik run` writes them with reasons into sites.csv.")
    return frame


def _is_toml(path: Path) -> bool:
    return path.is_dir() or path.suffix == ".toml"


def _as_studied(table: str, **asked: Any) -> dict[str, Any]:
    """Level, resamples and seed as asked for, else as the study has them: its report says the same numbers."""
    from talik.settings import StudySection, read_settings
    from talik.synthesis.published import studies

    ours = table in studies()["name"] or not _is_toml(Path(table))
    study = StudySection(name="table") if ours else read_settings(Path(table)).study
    return {"level": study.level, "n_boot": study.replicates, "seed": study.seed} | {
        name: value for name, value in asked.items() if value is not None}


def _study_sites(path: Path, reach: Mapping[str, Any]) -> pl.DataFrame:
    """The table of sites that a study's TOML names."""
    from talik.cli.spelling import in_toml
    from talik.settings import read_settings
    from talik.synthesis.published import sites
    from talik.synthesis.table import read_sites

    settings = read_settings(path)
    section = settings.sites
    reach = {"cluster_km": section.cluster_km, **reach}
    if section.published:
        return sites(section.published, **reach)
    with in_toml():
        return read_sites(settings.path(section.table or ""), columns=section.columns, units=section.units,
                          encoding=section.encoding, sheet=section.sheet, **reach)


def _short_statements(frame: pl.DataFrame, level: float) -> pl.DataFrame:
    """What fits a terminal: mean ± SE and intervals as text."""
    import polars as pl

    from talik.variables import shown_unit, variable

    def row(r: dict[str, Any]) -> dict[str, object]:
        entry = variable(r["variable"])
        known, spread = r["mean"] is not None, r["se"] is not None
        return {
            "group": r["group"], "quantity": f"{entry.short} {shown_unit(entry.units)}", "n": r["n"],
            "mean ± SE": f"{r['mean']:.2f} ± {r['se']:.2f}" if spread else f"{r['mean']:.2f}" if known else "",
            "range": f"{r['min']:.2f} to {r['max']:.2f}" if known else "",
            "CV": f"{r['cv']:.2f}" if r["cv"] is not None else "–" if spread else "",
            f"{level * 100:g} % CI": f"{r['ci_low']:.2f} to {r['ci_high']:.2f}" if r["ci_low"] is not None else ""}

    return pl.DataFrame([row(r) for r in frame.iter_rows(named=True)])


def _short_verdicts(frame: pl.DataFrame, show: str) -> pl.DataFrame:
    """What fits a terminal: the claim in one column; the explanation only where it is asked for."""
    import polars as pl

    if show == "not-checkable":
        return frame.drop("reason")
    said = pl.format("{}, {}", "statistic", "group").alias("claim")
    if show == "sensitivity":
        return frame.select("run", "claim_id", said, "stated", "recomputed", in_run="recomputed_in_run",
                            agrees="agrees_in_run")
    return frame.select("claim_id", said, "stated", "recomputed", "explanation" if show == "differing" else "verdict")
