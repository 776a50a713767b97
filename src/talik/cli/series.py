"""Commands on logger files: check, offsets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from talik.cli.output import emit, format_option, is_table
from talik.cli.read import reading_options

if TYPE_CHECKING:
    import polars as pl

    from talik.errors import TalikError
    from talik.records import Record

_FILES = click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))


_SITE = click.option("--site", default=None, help="Only the records of this site (pattern with * and ?).")


@click.command()
@_FILES
@reading_options
@_SITE
@click.option("--rule", "rules", multiple=True, metavar="NAME=VALUE",
              help="Change a rule, e.g. spike_factor=10 or correct_drift=true; repeatable.")
@click.option("--only", default=None, help="Only these checks, with commas, e.g. spike,flat.")
@click.option("--log", type=click.Path(path_type=Path), default=None,
              help="Write every run of flagged rows to this CSV, for reading and replaying.")
@format_option
def check(files: tuple[Path, ...], site: str | None, rules: tuple[str, ...], only: str | None, log: Path | None,
          form: str | None, **reading: Any) -> None:
    """
    Check logger FILES and say how many values of each column carry which flag.

    Nothing in the files is changed, and a file that cannot be read does not stop the others. Flags: sentinel, range,
    saturated, spike, step, flat, duplicate, clock, depth (these reject a value); unsorted, drift, snow (these mark it).
    """
    import polars as pl

    from talik.cli.output import complain, note
    from talik.cli.spelling import as_options
    from talik.errors import DataError, TalikError
    from talik.files import write_csv
    from talik.series.doubts import doubts
    from talik.series.judged import not_judged
    from talik.series.quality import check as checked

    chosen, tables, logs, refused = _rules(rules, only), [], [], 0
    records: list[Record] = []
    seen: dict[str, Path] = {}
    for path in files:
        try:
            records += _anew(_read(path, reading), path, seen)
        except TalikError as refusal:
            refused += 1
            complain(refusal)
    for record in _chosen(records, site):
        result = checked(record, rules=chosen)
        click.echo(as_options(str(result), click.get_current_context().command), err=True)
        if unseen := not_judged(result.judged()):
            note(f"{record.site}: {unseen}")
        try:
            for doubt in doubts([result.record]):
                note(f"{record.site}: {doubt}")
        except DataError as certain:
            complain(certain)
        source = pl.lit(Path(record.source.path).name).alias("file")
        tables.append(result.to_frame().select(source, pl.all()))
        logs.append(result.log.select(source, pl.lit(record.site).alias("site"), pl.all()))
    if tables:
        emit(pl.concat(tables), form, title="Flags by column")
    if tables and log:
        write_csv(log, pl.concat(logs))
        click.echo(f"wrote {log}", err=True)
    if refused:
        raise TalikError(f"{refused} of {len(files)} files could not be read; the others were checked")


@click.command()
@_FILES
@reading_options
@_SITE
@click.option("--air", multiple=True,
              help="Air column: height [m] below zero, label or pattern. [default: nearest to -2 m, 1 m at least]")
@click.option("--surface", multiple=True, help="Surface column: depth [m], label or pattern. [default: 0 to 0.05 m]")
@click.option("--depth", multiple=True,
              help="Deep column: depth [m], label or pattern. [default: top of permafrost, from the profile]")
@click.option("--depth-tolerance", type=float, default=0.05, show_default=True,
              help="By how much depths may differ from one deployment to the next [m].")
@click.option("--alt", type=float, default=None, help="Active layer thickness from probing [m].")
@click.option("--depth-uncertainty", type=float, default=None,
              help="How well sensor depths are known [m, one sigma]. [default: no uncertainty includes it]")
@click.option("--completeness", default="default", show_default=True,
              help="When a year is whole: default, gtnp, wmo, permos or liu2025.")
@click.option("--year-start", default=None,
              help="calendar, hydrological, thermal, austral or MM-DD. [default: the rule's]")
@click.option("--fill", type=click.Choice(["linear", "regression"]), default=None,
              help="Fill gaps up to 5 days by lines, and, with regression, up to 60 by the best neighbour.")
@click.option("--no-check", is_flag=True, help="Take the values as they are in the files.")
@click.option("--one-site", default=None, metavar="NAME",
              help="All files are of one site, whatever they call themselves.")
@click.option("--mean", is_flag=True, help="One row a site: means over the years, ready for a table of sites.")
@click.option("--figure", type=click.Path(path_type=Path), default=None, help="Draw the offsets by year (SVG and PNG).")
@format_option
def offsets(files: tuple[Path, ...], site: str | None, air: tuple[str, ...], surface: tuple[str, ...],
            depth: tuple[str, ...], depth_tolerance: float, alt: float | None, depth_uncertainty: float | None,
            completeness: str, year_start: str | None, fill: str | None, no_check: bool, one_site: str | None,
            mean: bool, figure: Path | None, form: str | None, **reading: Any) -> None:
    """
    Annual surface and thermal offsets from the logger FILES of one or several sites.

    Air and ground may come from different files; files that name the same site are put together. Air, surface and
    depth of a year cover the same window; a year that is not whole has a reason instead of a value. On a terminal a
    few columns are shown; CSV and JSON have all, with gaps, bias bounds and the parts of each uncertainty. Sites that
    give no value are counted below the table with their reasons; when none gives any the exit code is 3. A file that
    cannot be read, or a site whose columns are to be named, does not stop the others; the exit code is then 1.
    """
    import polars as pl

    from talik.cli.output import complain, note
    from talik.cli.spelling import as_options
    from talik.errors import DataError, UsageError
    from talik.series.filling import Filling
    from talik.series.offsets import annual_offsets
    from talik.series.uncertainty import Sensors

    filling = {None: None, "linear": Filling(), "regression": Filling(regression_days=60)}[fill]
    sensors = Sensors(depth=depth_uncertainty)
    tables: list[pl.DataFrame] = []
    empty: dict[str, str] = {}
    failed: list[TalikError] = []
    sites, drawn = 0, None
    for name, records in _sites(files, site, reading, one_site, failed, as_read=no_check):
        sites += 1
        if figure and sites > 1:
            raise UsageError("--figure draws one site, the files have more: choose with --site")
        try:
            result = annual_offsets(records, air=_pick(air), surface=_pick(surface), depth=_pick(depth), alt=alt,
                                    completeness=completeness, year_start=year_start, check=not no_check, fill=filling,
                                    depth_tolerance=depth_tolerance, sensors=sensors, site=name)
        except DataError as refusal:
            empty[name] = str(refusal)
            complain(refusal)
            continue
        except UsageError as refusal:       # such as a column that only the user can choose: the other sites go on
            failed.append(refusal)
            complain(UsageError(f"{name}: {str(refusal).removeprefix(f'{name}: ')}"))
            continue
        click.echo(as_options(str(result), click.get_current_context().command), err=True)
        for said in (*result.settings["overlaps"], *result.settings["notes"]):
            if said not in str(result):
                note(f"{name}: {said}")
        if why := result.without_value:
            empty[name] = why
        tables.append(pl.DataFrame([result.site_row()], infer_schema_length=None) if mean else result.to_frame())
        drawn = result
    if not tables and failed and len(failed) == max(sites, 1):
        raise failed[-1]
    if figure and drawn is not None:
        _draw(drawn, figure)
    if tables:
        _shown(pl.concat(tables, how="diagonal_relaxed"), form, mean, depth_uncertainty)
    _counted(sites, empty, failed)


def _shown(table: pl.DataFrame, form: str | None, mean: bool, depth_uncertainty: float | None) -> None:
    from talik.cli.offset_tables import short_sites, short_years

    units = "in °C, ALT in m" + ("" if depth_uncertainty is not None else " (depth error not included)")
    if not is_table(form):
        emit(table, form)
    elif mean:
        emit(short_sites(table), form, title=f"Offsets {units}")
    else:                                               # a hundred columns fit no terminal; nor does the site beside
        for (site,), years in table.group_by("site", maintain_order=True):
            click.echo(f"{site}: offsets by year {units}\n")
            emit(short_years(years), form)
            click.echo()


def _counted(sites: int, empty: dict[str, str], failed: list[TalikError]) -> None:
    """Say which sites gave no value, and end as a failure where none gave any or something is left to be done."""
    from talik.cli.output import note
    from talik.errors import DataError, UsageError

    told = [why if why.startswith(name) else f"{name}: {why}" for name, why in empty.items()]
    few = "; ".join(told[:8]) + (f"; and {len(told) - 8} more" if len(told) > 8 else "")
    unusable = sum(isinstance(error, UsageError) for error in failed)
    if sites == len(empty) + unusable and not (failed and not sites):
        raise DataError(f"{len(empty)} of {sites} sites gave no value, none gave any: {few}" if empty else "no site")
    if empty:
        note(f"{len(empty)} of {sites} sites gave no value: {few}")
    if failed:
        click.echo(f"talik: sites or files that gave nothing: {len(failed)}; see the messages above", err=True)
        raise SystemExit(1)


def _draw(result: Any, figure: Path) -> None:
    from talik.figures.canvas import save

    for path in save(result.plot().figure, figure.with_suffix("")):
        click.echo(f"wrote {path}", err=True)


def _read(path: Path, reading: dict[str, Any]) -> list[Record]:
    from talik.readers.registry import read
    from talik.store.catalogue import is_store
    from talik.store.catalogue import reading as opened

    if not is_store(path):
        return read(path, **reading)
    _unread(path, reading)
    with opened(path) as catalogue:
        return list(catalogue.records(as_read=True))


def _unread(store: Path, reading: dict[str, Any]) -> None:
    """Refuse options of reading beside a store, where they would have no effect."""
    from talik.errors import UsageError

    if told := [f"{name}=..." for name, value in reading.items() if value]:
        raise UsageError(f"{store} is a store, whose files were read when they were taken in: give {', '.join(told)} "
                         "to talik ingest")


def _sites(files: Sequence[Path], site: str | None, reading: dict[str, Any],
           one_site: str | None, failed: list[TalikError], *, as_read: bool) -> Iterator[tuple[str, list[Record]]]:
    """The records of each site, of a store one site after the other; files that cannot be read are told and failed."""
    from talik.cli.output import complain, note
    from talik.errors import TalikError
    from talik.store.catalogue import is_store
    from talik.store.catalogue import reading as opened

    if len(files) == 1 and is_store(files[0]) and not one_site:
        _unread(files[0], reading)
        with opened(files[0]) as catalogue:
            names = catalogue.table("series")["site"].unique().sort().to_list()
            _named(names, site)
            if catalogue.rules and not as_read:
                note(f"{files[0]} is checked: its kept flags count; where files changed since, the check is made anew")
            for name, records in groupby(catalogue.records(site, as_read=as_read), key=lambda record: record.site):
                yield name, list(records)
        return
    found: list[Record] = []
    seen: dict[str, Path] = {}
    for path in files:
        try:
            found += _anew(_read(path, reading), path, seen)
        except TalikError as refusal:
            if len(files) == 1:
                raise
            failed.append(refusal)
            complain(refusal)
    by_site: dict[str, list[Record]] = defaultdict(list)
    for record in _chosen(found, site):
        by_site[one_site or record.site].append(record)
    yield from by_site.items()


def _anew(records: list[Record], path: Path, seen: dict[str, Path]) -> list[Record]:
    """The records of a file; none, and a note, when a file before it has the same bytes."""
    from talik.cli.output import note

    digests = {record.source.sha256 for record in records}
    digest = digests.pop() if len(digests) == 1 else ""
    if not digest or seen.setdefault(digest, path) == path:
        return records
    note(f"{path} has the same bytes as {seen[digest]}: read once")
    return []


def _chosen(records: Sequence[Record], site: str | None) -> list[Record]:
    kept = _named([record.site for record in records], site)
    return [record for record in records if record.site in kept]


def _named(names: Sequence[str], site: str | None) -> set[str]:
    from fnmatch import fnmatchcase

    from talik.errors import UsageError

    kept = {name for name in names if site is None or fnmatchcase(name, site)}
    if names and not kept:
        raise UsageError(f"--site {site!r}: no such site in these files. There are: {'; '.join(dict.fromkeys(names))}")
    return kept


def _pick(given: tuple[str, ...]) -> list[float | str] | None:
    """Numbers are depths, anything else is a label or a pattern."""
    picks: list[float | str] = []
    for text in given:
        try:
            picks.append(float(text))
        except ValueError:
            picks.append(text)
    return picks or None


def _rules(changes: tuple[str, ...], only: str | None) -> Any:
    from dataclasses import fields, replace

    from talik.errors import UsageError, unknown
    from talik.series.rules import Rules

    rules, known = Rules(), {f.name for f in fields(Rules)}
    if only:
        rules = replace(rules, checks=tuple(name.strip() for name in only.split(",")))
    for change in changes:
        name, _, text = change.partition("=")
        if name not in known:
            raise unknown("rule", name, known)
        rules = replace(rules, **{name: _value(name, text, getattr(rules, name), UsageError)})
    return rules


def _value(name: str, text: str, like: Any, error: type[Exception]) -> Any:
    try:
        if isinstance(like, bool):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if isinstance(like, tuple):
            return tuple(part.strip() if isinstance(like[0], str) else float(part) for part in text.split(","))
        return type(like)(text)
    except (ValueError, KeyError):
        raise error(f"--rule {name}={text}: expected {'true or false' if isinstance(like, bool) else 'a value'} "
                    f"like {like}") from None
