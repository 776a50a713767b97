"""A study is set up, run, verified and drawn: everything one does with the recipe."""

from __future__ import annotations

import json
import tempfile
from importlib.resources import files
from pathlib import Path

import polars as pl

from talik.errors import FileError, unknown
from talik.files import read_parquet, write_bytes, write_text
from talik.provenance import FileEntry, damaged, read_manifest, write_manifest
from talik.settings import Settings, checked, read_settings
from talik.steps import Crew, Outcome, Watcher, interrupted, run_steps
from talik.study import RECIPE, SITES, facts

INKED = ("figures", "report", "atlas")
"""Steps that draw or print; a rerun compares tables, not ink."""
REDRAWN = "atlas.html"
"""Whoever likes may draw it again from the tables (`talik atlas`): another one is no damage."""


def study_settings(target: str, *, profile: str | None = None) -> Settings:
    """
    The settings of a bundled study, a TOML file, or a folder that holds study.toml.

    Parameters
    ----------
    target : str
        "three-poles", "my-study/study.toml" or "my-study".
    profile : {"talik", "liu2025"}, optional
        Used instead of the one in the settings.

    Raises
    ------
    UnknownName
        If it is neither a bundled study nor a file.
    """
    from talik.synthesis.published import studies

    bundled = studies().filter(pl.col("name") == target)
    if bundled.height:
        content = {"study": {"name": target, "title": bundled["title"][0]}, "sites": {"published": target}}
        settings = checked(content)
    elif Path(target).exists() or Path(target).suffix == ".toml":
        settings = read_settings(target)
    else:
        raise unknown("study", target, studies()["name"])
    if profile:
        content = settings.model_dump()
        content["study"]["profile"] = profile
        settings = checked(content, home=settings.home)
    return settings


def run_study(settings: Settings, results: Path | str, *, watch: Watcher | None = None,
              fresh: bool = False, crew: Crew | None = None) -> list[Outcome]:
    """
    Run the whole recipe into a results folder and write its manifest.

    Parameters
    ----------
    settings : Settings
        From `study_settings`.
    results : path
        The folder; made when missing. Steps whose inputs, settings and code are unchanged are kept.
    watch : callable, optional
        Told of every step; see `talik.steps.run_steps`.
    fresh : bool
        Do every step again.
    crew : Crew, optional
        Processes or a cluster for what has many parts, and who is told of them.

    Returns
    -------
    list of Outcome
        One a step: done, done in part or not run (with the reason and the remedy), or kept.

    Raises
    ------
    TalikError
        If the input cannot be read, or the folder cannot be written to; finished steps stay whole.
    """
    results = Path(results)
    outcomes = run_steps(RECIPE, settings, results, watch=watch, fresh=fresh, crew=crew)
    write_manifest(results, **facts(settings, outcomes))
    return outcomes


def draw_figures(settings: Settings, folder: Path | str, *, extent: Path | None = None) -> pl.DataFrame:
    """
    Draw the plates of a study into a folder, without the rest of the run.

    Returns
    -------
    polars.DataFrame
        One row a plate: name, caption, alt, reason (why it was not drawn).
    """
    from talik.plates import write_plates

    layer = extent or (settings.path(settings.figures.extent) if settings.figures.extent else None)
    with tempfile.TemporaryDirectory(prefix="talik-figures-") as scratch:
        results = Path(scratch) / "results"
        run_steps([step for step in RECIPE if step.name in ("series", "sites", "summary")], settings, results)
        tables = {"sites": read_parquet(results / SITES), "summary": pl.read_csv(results / "summary.csv")}
        return write_plates(tables, Path(folder), profile=settings.study.profile, extent=layer)


def verify_results(results: Path | str, *, rerun: bool = True) -> list[tuple[str, str]]:
    """
    What is wrong with a results folder: files missing or changed, tables that a rerun makes differently.

    Parameters
    ----------
    results : path
        A folder written by `run_study`.
    rerun : bool
        Also run the study again in a temporary folder and compare every CSV and Parquet file byte by byte.

    Returns
    -------
    list of (path, fault)
        Empty when all is well. Of a run that was interrupted, this alone: its files are neither the old nor the new.
    """
    results = Path(results)
    manifest = read_manifest(results)
    if interrupted(results, manifest):
        return [(".", "the last run was interrupted before it had written its manifest; run it again")]
    findings = [(path, fault) for path, fault in damaged(results, manifest) if path != REDRAWN or fault == "missing"]
    if rerun:
        settings = checked(manifest["settings"], home=Path(manifest["home"]))
        with tempfile.TemporaryDirectory(prefix="talik-verify-") as folder:
            run_steps([step for step in RECIPE if step.name not in INKED], settings, Path(folder) / "again")
            for entry in manifest["outputs"]:
                again = Path(folder) / "again" / entry["path"]
                if entry["step"] in INKED or entry["path"] in dict(findings):
                    continue
                if not again.is_file():
                    findings.append((entry["path"], "a rerun does not make it"))
                elif FileEntry.of(again, entry["path"]).sha256 != entry["sha256"]:
                    findings.append((entry["path"], "a rerun gives another content"))
    return findings


def scaffold(folder: Path | str, *, loggers: Path | str | None = None) -> list[Path]:
    """
    Write an example study into a folder: study.toml and sites.csv, or study.toml for logger files.

    Parameters
    ----------
    folder : path
        Made when missing.
    loggers : path, optional
        Folder of logger files, one station a file: "data" is one in the study's own, which is made.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    FileError
        If one of the files exists already; nothing is overwritten. If the folder of loggers is missing.
    """
    folder = Path(folder)
    template = files("talik") / "data" / "template"
    written = [folder / "study.toml"] if loggers is not None else [folder / "study.toml", folder / "sites.csv"]
    for target in written:
        if target.exists():
            raise FileError(f"{target}: exists already and is left as it is. Choose another folder.")
    name = json.dumps(folder.resolve().name, ensure_ascii=False)
    source = template / ("study.toml" if loggers is None else "loggers.toml")
    toml = source.read_text(encoding="utf-8").replace('name = "my-study"', f"name = {name}")
    if loggers is None:
        write_bytes(written[1], (template / "sites.csv").read_bytes())
    elif str(loggers) == "data":
        (folder / "data").mkdir(parents=True, exist_ok=True)
    elif not Path(loggers).is_dir():
        raise FileError(f"{loggers}: no such folder. Name the folder that your logger files lie in.")
    else:
        shown = json.dumps(str(Path(loggers).resolve()), ensure_ascii=False)
        toml = toml.replace('data = "data"', f"data = {shown}")
    write_text(written[0], toml)
    return written
