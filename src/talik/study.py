"""
The whole way, as one recipe: from a table of sites to the report.

Each step below is one paragraph of a Methods section; `RECIPE` at the end is the way itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import polars as pl

from talik.errors import FileError, unknown
from talik.files import read_parquet, write_bytes, write_text
from talik.provenance import FileEntry, damaged, read_manifest, write_manifest
from talik.settings import Settings, checked, read_settings
from talik.steps import Desk, NotRun, Outcome, Step, Watcher, run_steps

SITES = "sites.parquet"
GROUPINGS = ("region", "subregion")


def _sites(desk: Desk) -> None:
    """One row a site: values as given, offsets recomputed, flags with reasons, clusters."""
    section = desk.settings.sites
    if section.published:
        from talik.synthesis.published import sites as published_sites

        table = published_sites(section.published, cluster_km=section.cluster_km)
    else:
        from talik.synthesis.table import read_sites

        table = read_sites(desk.settings.path(section.table or ""), columns=section.columns, units=section.units,
                           sheet=section.sheet, encoding=section.encoding, cluster_km=section.cluster_km)
    desk.write(SITES, table)
    desk.write("sites.csv", table)


def _summary(desk: Desk) -> None:
    """Means, standard errors, spread and cluster-bootstrap intervals by region and sub-region."""
    from talik.analysis.describe import DESCRIBED, describe

    study, sites = desk.settings.study, desk.read(SITES)
    statements = describe(sites, by=_present(sites, GROUPINGS), variables=_present(sites, DESCRIBED),
                          level=study.level, n_boot=study.replicates, seed=study.seed)
    desk.write("summary.csv", statements.to_frame())


def _profiles(desk: Desk) -> NotRun | None:
    """The same regional means as published and as recommended, and the rows that make the difference."""
    from talik.analysis.profiles import CHOICES, profile_differences, recommended_sites

    study, sites = desk.settings.study, desk.read(SITES)
    desk.write("profile_choices.csv", CHOICES)
    if "region" not in sites.columns:
        return NotRun("the table of sites has no column region.", "Add one to compare regional means.")
    desk.write("profile_differences.csv", profile_differences(
        sites, level=study.level, n_boot=study.replicates, seed=study.seed))
    desk.write("profile_changes.csv", recommended_sites(sites)[1])
    return None


def _scorecard(desk: Desk) -> NotRun | None:
    """Every number the publication states, recomputed from its own table."""
    name = desk.settings.sites.published
    if name is None:
        return NotRun("the study is not a bundled publication.",
                      "Nothing to do: claims exist for bundled studies only.")
    from talik.analysis.scorecard import scorecard

    card = scorecard(name, seed=desk.settings.study.seed)
    desk.write("scorecard.csv", card.to_frame())
    desk.write("scorecard_not_checkable.csv", card.not_checkable)
    desk.write("scorecard_sensitivity.csv", card.sensitivity)
    return None


def _figures(desk: Desk) -> None:
    """The plates as SVG and PNG, each with its data beside it."""
    from talik.plates import write_plates

    layer = desk.settings.figures.extent
    listed = write_plates({"sites": desk.read(SITES), "summary": desk.read("summary.csv")}, desk.staging / "figures",
                          extent=desk.settings.path(layer) if layer else None)
    desk.write("figures/figures.csv", listed)


def _report(desk: Desk) -> None:
    """One page that says what was done, what came out, what could not be done, and where each number comes from."""
    from talik.report.page import Material, page, steps_frame

    steps = steps_frame([{"step": o.step, "status": "not run" if o.reason else "run", "reason": o.reason,
                          "remedy": o.remedy, "outputs": ", ".join(e.path for e in o.outputs)} for o in desk.before])
    write_text(desk.staging / "report.html", page(Material(desk.settings, desk.results, steps)))


def _site_file(settings: Settings) -> list[Path]:
    return [settings.path(settings.sites.table)] if settings.sites.table else []


def _extent_file(settings: Settings) -> list[Path]:
    return [settings.path(settings.figures.extent)] if settings.figures.extent else []


RECIPE: Sequence[Step] = (
    Step("sites", _sites, uses=("sites",), files=_site_file),
    Step("summary", _summary, needs=("sites",)),
    Step("profiles", _profiles, needs=("sites",)),
    Step("scorecard", _scorecard, needs=("sites",), uses=("study", "sites")),
    Step("figures", _figures, needs=("sites", "summary"), uses=("study", "figures"), files=_extent_file),
    Step("report", _report, needs=("sites", "summary", "profiles", "scorecard", "figures"),
         uses=tuple(Settings.model_fields)),
)
"""The way: steps in order, each with what it reads."""


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
              fresh: bool = False) -> list[Outcome]:
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

    Returns
    -------
    list of Outcome
        One a step: done, kept or not run (with the reason and the remedy).

    Raises
    ------
    TalikError
        If the input cannot be read, or the folder cannot be written to; finished steps stay whole.
    """
    results = Path(results)
    outcomes = run_steps(RECIPE, settings, results, watch=watch, fresh=fresh)
    outside = [path for step in RECIPE for path in step.files(settings) if path.is_file()]
    write_manifest(results, name=settings.study.name, home=settings.home, settings=settings.model_dump(mode="json"),
                   inputs=[FileEntry.of(path, str(path)) for path in dict.fromkeys(outside)],
                   outputs=[entry for outcome in outcomes for entry in outcome.outputs])
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
        run_steps([step for step in RECIPE if step.name in ("sites", "summary")], settings, results)
        tables = {"sites": read_parquet(results / SITES), "summary": pl.read_csv(results / "summary.csv")}
        return write_plates(tables, Path(folder), extent=layer)


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
        Empty when all is well.
    """
    results = Path(results)
    manifest = read_manifest(results)
    findings = damaged(results, manifest)
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


INKED = ("figures", "report")
"""Steps that draw or print; a rerun compares tables, not ink."""


def scaffold(folder: Path | str) -> list[Path]:
    """
    Write an example study into a folder: study.toml and sites.csv.

    Raises
    ------
    FileError
        If one of the files exists already; nothing is overwritten.
    """
    folder = Path(folder)
    template = files("talik") / "data" / "template"
    targets = [folder / "study.toml", folder / "sites.csv"]
    for target in targets:
        if target.exists():
            raise FileError(f"{target}: exists already and is left as it is. Choose another folder.")
    return [write_bytes(target, (template / target.name).read_bytes()) for target in targets]


def _present(table: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Those of the names that are columns with at least one value."""
    return [name for name in names if name in table.columns and table[name].count()]
