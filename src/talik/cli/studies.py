"""Commands on whole studies: new, studies, run, verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from talik.cli.output import emit, format_option, is_table

if TYPE_CHECKING:
    from talik.steps import Outcome


@click.command()
@click.argument("folder")
@click.option("--loggers", is_flag=True, help="A study from logger files: put one file a station into FOLDER/data.")
@click.option("--data", type=click.Path(path_type=Path), default=None,
              help="The same with files that lie in a folder already.")
def new(folder: str, loggers: bool, data: Path | None) -> None:
    """
    Scaffold a study of your own in FOLDER.

    Writes study.toml (settings, each explained) and sites.csv (an example table to replace with yours); for logger
    files study.toml alone.
    """
    from talik.errors import UsageError
    from talik.runs import scaffold

    if not folder.strip():
        raise UsageError("FOLDER: got an empty name. Give the name of a new folder, or . for this one.")
    for path in scaffold(folder, loggers=data or ("data" if loggers else None)):
        click.echo(f"wrote {path}")
    what, where = ("logger files", "data") if loggers else ("sites", "sites.csv")
    first = "" if data else f"put your {what} into {Path(folder) / where}, then: "
    click.echo(f"Next: {first}talik run {folder}")


@click.command()
@format_option
def studies(form: str | None) -> None:
    """List the studies that come with talik; citation and licence too with --format csv or json."""
    from talik.synthesis.published import studies as bundled

    listing = bundled()
    emit(listing.drop("citation", "licence") if is_table(form) else listing, form, title="Bundled studies")


@click.command()
@click.argument("study")
@click.option("--out", type=click.Path(path_type=Path), default=None,
              help="Results folder. [default: results/NAME beside the study, or here]")
@click.option("--profile", type=click.Choice(["talik", "liu2025"]), default=None,
              help="Make the statements as recommended (talik) or as published (liu2025).")
@click.option("--workers", type=click.IntRange(min=1), default=None,
              help="Processes that read logger files. [default: 1 when there is little to read, else all processors]")
@click.option("--cluster", metavar="tcp://HOST:PORT", default=None,
              help="Read logger files on a dask cluster whose workers see the same folders.")
@click.option("--fresh", is_flag=True, help="Do every step again, also those whose inputs have not changed.")
@click.option("--quiet", is_flag=True, help="Say only where report and atlas are.")
def run(study: str, out: Path | None, profile: str | None, workers: int | None, cluster: str | None, fresh: bool,
        quiet: bool) -> None:
    """
    Run a whole STUDY: a bundled name (see `talik studies`), a study.toml, or a folder that holds one.

    Finished steps and stations are kept: an interrupted or changed study goes on where it must.
    """
    from talik.runs import run_study, study_settings
    from talik.steps import Crew

    settings = study_settings(study, profile=profile)
    results = out or settings.home / "results" / settings.study.name
    told = _Told()
    outcomes = run_study(settings, results, watch=None if quiet else told.step, fresh=fresh,
                         crew=Crew(workers, cluster, None if quiet else told.part))
    for outcome in outcomes:
        if outcome.reason and not quiet:
            what = "not run" if outcome.came == "not run" else "done in part"
            click.echo(f"{what}: {outcome.step}: {outcome.reason} {outcome.remedy}", err=True)
    for page in ("report", "atlas"):
        if (results / f"{page}.html").is_file():
            click.echo(f"{page}: {results / page}.html")


@click.command()
@click.argument("study")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the figures.")
@click.option("--extent", type=click.Path(path_type=Path, exists=True), default=None,
              help="Permafrost extent to draw under the maps: GeoTIFF, shapefile or GeoJSON.")
def figures(study: str, out: Path, extent: Path | None) -> None:
    """Draw the figures of a STUDY (name, TOML or folder) into a folder: SVG, PNG, and the data of each as CSV."""
    from talik.runs import draw_figures, study_settings

    listed = draw_figures(study_settings(study), out, extent=extent)
    for row in listed.iter_rows(named=True):
        if row["reason"]:
            click.echo(f"not drawn: {row['name']}: {row['reason']}", err=True)
        else:
            click.echo(out / f"{row['name']}.svg")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--rerun/--no-rerun", default=True, help="Also run the study again and compare every table byte by byte.")
@click.option("--rebuild", is_flag=True, help="Of a store: make a lost or damaged catalogue anew from the series.")
def verify(folder: Path, rerun: bool, rebuild: bool) -> None:
    """
    Check that a results FOLDER is what its manifest says, and that a rerun gives the same tables.

    Of a store, check every byte. Ends with exit code 1 when a file is missing, changed, or comes out differently.
    """
    from talik.store.catalogue import is_store

    if rebuild or is_store(folder):
        from talik.cli import store

        if rebuild:
            store.rebuild(folder)
        store.verify(folder)
        return
    from talik.runs import verify_results

    findings = verify_results(folder, rerun=rerun)
    for path, fault in findings:
        click.echo(f"{folder / path}: {fault}")
    if findings:
        raise SystemExit(1)
    click.echo(f"{folder}: every file is as its manifest says"
               + ("; a rerun gave byte-identical tables." if rerun else "."))


class _Told:
    """One line a step on the error stream, and one for each of its parts; after parts, what became of it on its own."""

    def __init__(self) -> None:
        self.parts = False

    def step(self, step: str, number: int, of: int, outcome: Outcome | None) -> None:
        """The step's name when it begins, what became of it when it has ended."""
        if outcome is None:
            click.echo(f"[{number}/{of}] {step} ... ", err=True, nl=False)
            self.parts = False
        else:
            lead = "\n      " if self.parts else ""
            click.echo(f"{lead}{outcome.status} ({outcome.seconds:.1f} CPU-s)", err=True)

    def part(self, words: str) -> None:
        """A station or request."""
        click.echo(f"\n      {words}", err=True, nl=False)
        self.parts = True
