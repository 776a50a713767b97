"""Commands on a store: ingest, export, query; and what `verify`, `check` and `offsets` do when they are given one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from talik.cli.output import emit, format_option, is_table, note
from talik.cli.read import reading_options
from talik.cli.spelling import as_options

if TYPE_CHECKING:
    import polars as pl

    from talik.store.intake import Outcome

FORMS = ("netcdf", "gtnp", "csv", "parquet", "frictionless")
_STORE = click.argument("store", type=click.Path(path_type=Path, file_okay=False))


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--store", type=click.Path(path_type=Path, file_okay=False), required=True,
              help="The store's folder; made when missing.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes side by side.")
@click.option("--cluster", metavar="tcp://HOST:PORT", default=None,
              help="Read on a dask cluster whose workers see the same folders.")
@click.option("--check", is_flag=True, help="Check the values, now and in every later ingest, and keep the flags.")
@click.option("--rule", "rules", multiple=True, metavar="NAME=VALUE",
              help="Check by this rule in place of the usual one, now and later, e.g. spike_factor=10; repeatable.")
@click.option("--fresh", is_flag=True, help="Read unchanged files again, too.")
@click.option("--wait", type=click.FloatRange(min=0), default=60.0, show_default=True,
              help="For how long to wait for another writer [s].")
@click.option("--format", default=None, help="Name of the reader, when the files are not recognised.")
@reading_options
@click.option("--latitude", type=click.FloatRange(-90, 90), help="Of the site [°N], instead of the files'.")
@click.option("--longitude", type=click.FloatRange(-180, 180), help="Of the site [°E], instead of the files'.")
def ingest(paths: tuple[Path, ...], store: Path, jobs: int, cluster: str | None, check: bool, rules: tuple[str, ...],
           fresh: bool, wait: float, **told: Any) -> None:
    """
    Take files and folders (PATHS) into a store.

    Unchanged files are skipped; an interrupted run goes on where it stopped. A file that cannot be read does not stop
    the others: it lands in the table of refusals, and the command ends with exit code 1 as long as it is among PATHS
    and refused. What is said of how to read (--depths, --timezone, ...) and of the place holds for all PATHS. It is
    kept with each file that is taken in and holds in later runs, until they say otherwise.

    Values are kept as their source gave them. With --check the flags of `talik check` are kept beside them: means in
    SQL and `talik offsets STORE` then leave out what they reject, and every later ingest checks what has changed.
    Without it nothing is checked here: `talik check STORE` says what is wrong, `talik offsets STORE` checks on its way.
    --rule checks, too; the rules of the last command that names any stay, all others are the usual ones.
    """
    from talik.cli.series import _rules as rules_of
    from talik.store.ingest import ingest as taken

    options = {name: value for name, value in told.items() if value not in (None, {})}
    with _progress() as watch:
        done = taken(paths, store, jobs=jobs, cluster=cluster, options=options, fresh=fresh, check=check,
                     rules=rules_of(rules, None) if rules else None, wait=wait, watch=watch)
    click.echo(str(done))
    if done.count("taken in") and not done.checked:
        note(f"values are as their source gave them, not checked: see talik check {store}; talik offsets checks. "
             "To keep the flags: --check")
    if done.refused:
        click.echo(f"why: talik query {store} \"SELECT path, reason FROM refusals\"", err=True)
        raise SystemExit(1)


@click.command()
@_STORE
@click.option("--to", "form", type=click.Choice(FORMS), required=True, help="Which form.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to.")
@click.option("--site", default=None, help="Only this site (pattern with * and ?).")
def export(store: Path, form: str, out: Path, site: str | None) -> None:
    """Write the series of a STORE into plain files: CF netCDF, GTN-P csv + JSON, csv, parquet, a data package."""
    from fnmatch import fnmatchcase

    from talik.errors import unknown
    from talik.store.catalogue import reading
    from talik.store.export import exported

    failed = 0
    with reading(store) as catalogue:
        names = catalogue.table("series")["site"].unique().sort().to_list()
        if site is not None and not any(fnmatchcase(name, site) for name in names):
            raise unknown("site", site, names)
        for path, fault in exported(catalogue.records(site), form, out):
            failed += bool(fault)
            click.echo(f"talik: {fault}" if fault else f"wrote {path}", err=bool(fault))
    if failed:
        raise SystemExit(1)


@click.command()
@_STORE
@click.argument("sql")
@click.argument("values", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="Write the answer to this file (.csv or .parquet) instead of printing it.")
@click.option("--memory", type=click.FloatRange(0, min_open=True), default=2.0, show_default=True,
              help="What work and answer may take, each [GB].")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=600.0, show_default=True,
              help="After this long the question is stopped.")
@format_option
def query(store: Path, sql: str, values: tuple[str, ...], out: Path | None, memory: float, seconds: float,
          form: str | None) -> None:
    """
    Ask a STORE one question in SQL; VALUES stand for the question marks in it.

    Tables: files, series, columns, refusals. Views: observations (series_id, position, time_utc, temperature, flags,
    accepted) and readings (wide). Nothing can be changed, and nothing outside the store can be read. An answer too wide
    for the terminal is shown one row below the other.
    """
    from talik.errors import UsageError
    from talik.files import write_csv, write_parquet
    from talik.store.query import query as answer

    write = {".csv": write_csv, ".parquet": write_parquet}.get(out.suffix.lower()) if out else None
    if out and not write:
        raise UsageError(f"--out {out}: got {out.suffix or 'no ending'}, expected .csv or .parquet")
    frame = _as_options(answer(store, sql, values, memory=memory, seconds=seconds))
    if out and write:
        click.echo(f"wrote {write(out, frame)}")
    elif is_table(form) and frame.height and _width(frame) > shutil.get_terminal_size().columns:
        _show_rows(frame)
    else:
        emit(frame, form)


def _as_options(frame: pl.DataFrame) -> pl.DataFrame:
    """With the advice on how to read a file as `talik ingest` takes it, in the columns that hold such advice."""
    import polars as pl

    def spelled(text: str) -> str:              # a line "encoding: ASCII" says what was found, it names no option
        return as_options(f"\n{text}", ingest).removeprefix("\n")

    told = pl.col([name for name in ("reason", "understood") if frame.schema.get(name) == pl.String])
    return frame.with_columns(told.map_elements(spelled, return_dtype=pl.String))


def _width(frame: pl.DataFrame) -> int:
    """Of the frame as a table, no cell folded."""
    longest = (max(len(name), *(len(str(cell)) for cell in frame[name])) for name in frame.columns)
    return sum(longest) + 3 * frame.width + 1


def _show_rows(frame: pl.DataFrame) -> None:
    """One row below the other, a line for every value."""
    names = max(map(len, frame.columns))
    for number, row in enumerate(frame.iter_rows(named=True), 1):
        click.echo(f"-- row {number}")
        for name, value in row.items():
            click.echo(f"{name:>{names}}  {'' if value is None else value}")


def rebuild(folder: Path) -> None:
    """Make the catalogue of a store anew; exit code 1 when a series is damaged."""
    from talik.store.rebuild import rebuild as rebuilt

    done = rebuilt(folder)
    for path, fault in done.findings:
        click.echo(f"{folder / path}: {fault}")
    click.echo(f"{folder}: {done}. What is missing, and refusals: talik ingest PATHS --store {folder}")
    if done.findings:
        raise SystemExit(1)


def verify(folder: Path) -> None:
    """Say what is damaged in a store; exit code 1 when something is."""
    from talik.store.verify import is_sealed, verify_store

    findings = verify_store(folder)
    for path, fault in findings:
        click.echo(f"{folder / path}: {fault}")
    if findings:
        raise SystemExit(1)
    click.echo(f"{folder}: every series is as it was written.")
    if not is_sealed(folder):
        click.echo("The last writer did not end well; run `talik ingest` again to go on.", err=True)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, Outcome], None]]:
    """A bar on a terminal, one line a file elsewhere; a file is shown when it is safe on disk."""
    if not sys.stderr.isatty():
        yield lambda done, of, outcome: click.echo(f"[{done}/{of}] {_said(outcome)}", err=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                  console=Console(stderr=True)) as bar:
        task: Any = bar.add_task("taking in", total=None)

        def watch(done: int, of: int, outcome: Outcome) -> None:
            bar.update(task, completed=done, total=of)
            if outcome.reason or outcome.note:
                bar.console.print(_said(outcome), markup=False, highlight=False)

        yield watch


def _said(outcome: Outcome) -> str:
    path = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in outcome.path)     # one line, no escapes
    if outcome.reason:
        reason = outcome.reason.removeprefix(f"{Path(outcome.path).name}: ")          # the path has said the name
        return f"{outcome.status}: {path}: {as_options(reason, click.get_current_context().command)}"
    return f"{outcome.status}: {path} ({len(outcome.series)} series){f': {outcome.note}' if outcome.note else ''}"
