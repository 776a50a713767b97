"""
The whole way, as one recipe: from a table of sites to the report.

Each step below is one paragraph of a Methods section; `RECIPE` at the end is the way itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from talik.errors import DataError, FileError, MissingExtra, RemoteError, UsageError
from talik.files import write_text
from talik.provenance import manifest_of
from talik.settings import Settings, stations
from talik.spelling import as_toml
from talik.steps import Desk, NotRun, Outcome, Step
from talik.variables import COORDINATES, ERA5LAND_TWELVE, variable

if TYPE_CHECKING:
    from talik.synthesis.predictors import SitePredictors

SITES = "sites.parquet"
PREDICTORS = "predictors.parquet"
GROUPINGS = ("region", "subregion")


def _series(desk: Desk) -> NotRun | None:
    """Logger files, read, checked and averaged by year; what could not be used is listed with the reason."""
    from talik.synthesis.shelf import SERIES, shelved_sites

    section, crew = desk.settings.series, desk.crew
    if section is None:
        return None
    folder = desk.settings.path(section.data)
    if not folder.is_dir() and not desk.inputs:
        raise FileError(f"[series] data: {folder}: no such folder. Make it and put the logger files there, or name the "
                        "folder that they lie in.")
    shelved = shelved_sites(stations(desk.settings), folder, desk.cache / "stations",
                            desk.staging / SERIES, digests=desk.inputs, workers=crew.workers, cluster=crew.cluster,
                            told=crew.told)
    found = shelved.found
    desk.write("series_sites.parquet", found.sites)
    desk.write("series_sites.csv", found.sites)
    desk.write("series_values.csv", found.values)
    desk.write("series_stations.csv", _told_in_toml(found.stations, "reason", "notes"))
    desk.write("series_refusals.csv", _told_in_toml(found.refusals, "reason"))
    desk.write("series_checks.csv", found.checks)
    if found.years.height:
        desk.write("site_years.parquet", found.years)
        desk.write("site_years.csv", found.years)
    if found.refusals.is_empty():
        return None
    refused = found.stations.filter(status="refused")["site"].to_list()
    return NotRun(f"{len(refused)} of {found.stations.height} stations have no means"
                  + (f" ({', '.join(refused)})" if refused else "")
                  + f"; {found.refusals.height} files or stations were refused. The others were used.",
                  "series_refusals.csv and the chapter on stations say why.", again=bool(shelved.died))


def _told_in_toml(table: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """The table with the advice in these columns spelled as the study's file would say it."""
    return table.with_columns(pl.col(columns).map_elements(as_toml, return_dtype=pl.String))


def _sites(desk: Desk) -> None:
    """One row a site: from the table as given, from loggers, or both; recomputed offsets, flags, clusters."""
    section = desk.settings.sites
    table = _given_sites(desk)
    if desk.settings.series is not None:
        from talik.synthesis.combined import combined_sites

        derived = desk.read("series_sites.parquet")
        if derived.is_empty() and table is None:
            raise DataError("no station gave a mean, so there is no site. "
                            + " ".join(desk.read("series_refusals.csv")["reason"].head(5).to_list()))
        table, conflicts = combined_sites(table, derived, precedence=section.precedence, cluster_km=section.cluster_km)
        desk.write("site_conflicts.csv", conflicts)
    if table is None:
        raise DataError("[sites] names no table, and there are no [[series.stations]]")
    desk.write(SITES, table)
    desk.write("sites.csv", table)


def _given_sites(desk: Desk) -> pl.DataFrame | None:
    """The bundled study or the table that the settings name, if any."""
    section = desk.settings.sites
    if section.published:
        from talik.synthesis.published import sites as published_sites

        return published_sites(section.published, cluster_km=section.cluster_km)
    if section.table is None:
        return None
    from talik.synthesis.table import read_sites

    return read_sites(desk.settings.path(section.table), columns=section.columns, units=section.units,
                      sheet=section.sheet, encoding=section.encoding, cluster_km=section.cluster_km)


def _summary(desk: Desk) -> None:
    """Means, standard errors, spread and cluster-bootstrap intervals by region and sub-region, or of all sites."""
    from talik.analysis.describe import DESCRIBED, describe

    study, sites = desk.settings.study, desk.read(SITES)
    statements = describe(sites, by=_present(sites, GROUPINGS) or None, variables=_present(sites, DESCRIBED),
                          level=study.level, n_boot=study.replicates, seed=study.seed)
    desk.write("summary.csv", statements.to_frame())


def _profiles(desk: Desk) -> NotRun | None:
    """The same regional means as published and as recommended, what makes the difference, what each warning changes."""
    from talik.analysis.influence import warning_effects
    from talik.analysis.profiles import CHOICES, profile_differences, recommended_sites

    study, sites = desk.settings.study, desk.read(SITES)
    desk.write("profile_choices.csv", CHOICES)
    conflicts = desk.read("site_conflicts.csv") if desk.has("site_conflicts.csv") else None
    desk.write("warning_effects.csv", warning_effects(
        sites, conflicts, level=study.level, n_boot=study.replicates, seed=study.seed))
    if not _present(sites, ["region"]):
        return NotRun("no site has a region.", "Give the table a column region to compare regional means.")
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


def _predictors(desk: Desk) -> NotRun | None:
    """What may explain the offsets: columns of the table of sites, of a table joined by site, and ERA5-Land."""
    from talik.synthesis.joined import join_predictors

    sites, section, failed = desk.read(SITES), desk.settings.predictors, ""
    if section.era5land or section.source:
        try:
            found = _era5land(desk, sites)
            desk.write("predictor_provenance.csv", found.provenance)
            sites = join_predictors(sites, found.table.drop("site_no", strict=False))
        except (MissingExtra, RemoteError, UsageError) as error:
            if section.era5land:
                raise
            failed = f"source {section.source!r}: {error} "       # no key, no network: the rest of the study goes on
    if section.table:
        sites = join_predictors(sites, desk.settings.path(section.table), columns=section.columns)
    desk.write(PREDICTORS, sites)
    absent = [name for name in ERA5LAND_TWELVE if not _present(sites, [name])]
    if absent or failed:
        return NotRun(f"{failed}{len(absent)} of the 12 ERA5-Land predictors are absent ({', '.join(absent)}): drivers "
                      "are sought among what the table holds, and slopes on snow or moisture cannot be had.",
                      "Run the study again when that is mended: what was fetched is kept." if failed else
                      "Name ERA5-Land files under [predictors] era5land, or fetch a table with `talik predictors`.",
                      again=bool(failed))
    return None


def _era5land(desk: Desk, sites: pl.DataFrame) -> SitePredictors:
    """ERA5-Land at the sites, from the files or the service that the settings name."""
    from talik.era5land.doors import Service
    from talik.synthesis.predictors import site_predictors

    section, told = desk.settings.predictors, desk.crew.told
    return site_predictors(
        sites, section.source or [desk.settings.path(name) for name in section.era5land], years=section.years,
        dataset=section.dataset, store=desk.settings.path(section.store),
        static=[desk.settings.path(name) for name in section.static], service=Service(project=section.project),
        watch=(lambda request, words: told(f"{getattr(request, 'name', '')} {words}".strip())) if told else None)


def _drivers(desk: Desk) -> NotRun | None:
    """Boosted trees and exact contributions as published, and as recommended with folds, ranks and a verdict."""
    from talik.analysis.attribution import attribute_drivers
    from talik.analysis.drivers import rank_drivers
    from talik.analysis.profiles import recommended_sites
    from talik.analysis.skill import model_skill

    sites, section, seed = desk.read(PREDICTORS), desk.settings.drivers, desk.settings.study.seed
    names = list(section.predictors) or _present(sites, (*COORDINATES, "elevation", "alt", *ERA5LAND_TWELVE))
    if not (section.run and names):
        return NotRun("it is switched off." if names else "the table holds no predictor.",
                      "Set [drivers] run = true." if names else "Name a table under [predictors].")
    recommended = recommended_sites(sites)[0]
    tables: dict[str, list[pl.DataFrame]] = {}
    refused = []
    for response in _present(sites, section.responses):
        try:
            published = attribute_drivers(sites, response, names, seed=seed)
            ranked = rank_drivers(recommended, response, names, refits=section.refits, seed=seed)
            skill = model_skill(recommended, response, names, n_null=section.nulls, seed=seed)
        except DataError as error:
            refused.append(f"{variable(response).label}: {error}")
            continue
        verdict = {"response": response, "verdict": ranked.verdict, "driver": ranked.driver,
                   "recommended": str(ranked), "published": str(published),
                   "notes": " ".join(f"{note[0].upper()}{note[1:]}." for note in published.notes)}
        for name, table in (("verdicts", pl.DataFrame([verdict], schema=dict.fromkeys(verdict, pl.String))),
                            ("published", published.drivers), ("published_skill", published.skill),
                            ("contributions", published.values), ("ranks", ranked.table),
                            ("groups", ranked.groups), ("skill", skill.to_frame())):
            tables.setdefault(name, []).append(table.with_columns(response=pl.lit(response)))
        published.model.write(desk.staging / "models" / f"{response}.json")
    for name, parts in tables.items():
        desk.write(f"drivers_{name}.csv", pl.concat(parts, how="diagonal_relaxed"))
    rest = "The other response was run." if tables else "Join more sites: a table or a published study under [sites]."
    return NotRun(" ".join(f"{reason}." for reason in refused), rest) if refused else None


def _slopes(desk: Desk) -> NotRun | None:
    """Slopes within groups of region and class, and their random-effects mean, by both profiles."""
    from talik.analysis.profiles import recommended_sites
    from talik.analysis.slopes import group_slopes

    sites, section, study = desk.read(PREDICTORS), desk.settings.slopes, desk.settings.study
    plans = (("surface_offset", section.surface_offset, section.surface_offset_by),
             ("thermal_offset", section.thermal_offset, section.thermal_offset_by))
    tables: dict[str, list[pl.DataFrame]] = {}
    refused = []
    for response, predictors, by in plans if section.run else ():
        lacking = [name for name in (response, *predictors, *by) if not _present(sites, [name])]
        if lacking:
            refused.append(f"{variable(response).label} on {', '.join(predictors)}: {', '.join(lacking)} "
                           f"{'is' if len(lacking) == 1 else 'are'} not in the table.")
            continue
        for profile in ("liu2025", "talik"):
            rows = sites if profile == "liu2025" else recommended_sites(sites)[0]
            try:
                found = group_slopes(rows, response, predictors, by=by, profile=profile, level=study.level,
                                     replicates=study.replicates, seed=study.seed)
            except DataError as error:
                refused.append(f"{variable(response).label}, profile {profile}: {error}.")
                continue
            if not found.pooled.k:
                refused.append(f"{variable(response).label}, profile {profile}: no group of {' and '.join(by)} has "
                               "enough sites for a slope.")
            for name, table in (("pooled", found.pooled.to_frame()), ("groups", found.to_frame()),
                                ("checks", found.checks), ("loadings", found.loadings)):
                tables.setdefault(name, []).append(table.with_columns(
                    response=pl.lit(response), profile=pl.lit(profile)))
    for name, parts in tables.items():
        desk.write(f"slopes_{name}.csv", pl.concat(parts, how="diagonal_relaxed"))
    if not section.run:
        return NotRun("it is switched off.", "Set [slopes] run = true.")
    return NotRun(" ".join(refused), "Name a table with these columns under [predictors], or join more sites under "
                  "[sites].") if refused else None


def _figures(desk: Desk) -> NotRun | None:
    """The plates as SVG and PNG, each with its data beside it."""
    if not desk.settings.figures.run:
        return NotRun("it is switched off.", "Set [figures] run = true, or run `talik figures` on the study.")
    from talik.plates import write_plates

    layer = desk.settings.figures.extent
    names = ("summary.csv", "drivers_contributions.csv", "drivers_ranks.csv", "drivers_skill.csv",
             "drivers_verdicts.csv", "slopes_pooled.csv", "site_years.parquet")
    tables = {Path(name).stem: desk.read(name) for name in names if desk.has(name)}
    listed = write_plates({"sites": desk.read(SITES), **tables}, desk.staging / "figures",
                          profile=desk.settings.study.profile, extent=desk.settings.path(layer) if layer else None)
    desk.write("figures/figures.csv", listed)
    return None


def _report(desk: Desk) -> None:
    """What was done, what came out, what could not be done, and where each number comes from: a page, and Markdown."""
    from talik.report.document import report
    from talik.report.html import page
    from talik.report.markdown import markdown
    from talik.report.material import STEPS, Material, steps_frame

    steps = steps_frame([{"step": o.step, "status": o.came, "reason": o.reason,
                          "remedy": o.remedy, "outputs": ", ".join(e.path for e in o.outputs)} for o in desk.before])
    desk.write(STEPS, steps)
    document = report(Material(desk.settings, desk.results, steps))
    write_text(desk.staging / "report.html", page(document))
    write_text(desk.staging / "report.md", markdown(document, desk.results))


def _atlas(desk: Desk) -> NotRun | None:
    """The same on one page of maps, sites and tables to move about in."""
    if not desk.settings.atlas.run:
        return NotRun("it is switched off.", "Set [atlas] run = true, or run `talik atlas` on the results.")
    from talik.atlas.holdings import Holdings
    from talik.atlas.page import atlas_page

    try:
        manifest = manifest_of(**facts(desk.settings, desk.before))
        page = atlas_page(Holdings(desk.results, manifest, desk.read(PREDICTORS)))
    except MissingExtra as error:
        return NotRun(f"{error}.", "Install it and run again.")
    write_text(desk.staging / "atlas.html", page)
    return None


def facts(settings: Settings, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What a study was made from and what its steps made, as its manifest takes them."""
    read = {entry.path: replace(entry, step="") for outcome in outcomes for entry in outcome.inputs}
    return {"name": settings.study.name, "home": settings.home, "settings": settings.model_dump(mode="json"),
            "inputs": read.values(), "outputs": [entry for outcome in outcomes for entry in outcome.outputs]}


def _logger_files(settings: Settings) -> list[Path]:
    """The files of every station and those beside them: the step is done again when one changes, comes or goes."""
    from talik.synthesis.shelf import station_files

    if settings.series is None:
        return []
    folder, places = settings.path(settings.series.data), settings.series.places
    read = dict.fromkeys(path for station in stations(settings) for path in station_files(station, folder))
    return [*read, *([settings.path(places)] if places else [])]


def _site_file(settings: Settings) -> list[Path]:
    return [settings.path(settings.sites.table)] if settings.sites.table else []


def _predictor_files(settings: Settings) -> list[Path]:
    """The table, and the files of ERA5-Land; a Zarr store is a folder of files."""
    section = settings.predictors
    named = [settings.path(name) for name in (*section.era5land, *section.static,
                                              *([section.table] if section.table else []))]
    return [file for path in named for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]


def _extent_file(settings: Settings) -> list[Path]:
    return [settings.path(settings.figures.extent)] if settings.figures.extent else []


def _present(table: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Those of the names that are columns with at least one value."""
    return [name for name in names if name in table.columns and table[name].count()]


ALL = tuple(Settings.model_fields)
TOLD = ("series", "sites", "summary", "profiles", "scorecard", "predictors", "drivers", "slopes", "figures")
RECIPE: Sequence[Step] = (
    Step("series", _series, uses=("series",), files=_logger_files),
    Step("sites", _sites, needs=("series",), uses=("sites", "series"), files=_site_file),
    Step("summary", _summary, needs=("sites",)),
    Step("profiles", _profiles, needs=("sites",)),
    Step("scorecard", _scorecard, needs=("sites",), uses=("study", "sites")),
    Step("predictors", _predictors, needs=("sites",), uses=("predictors",), files=_predictor_files),
    Step("drivers", _drivers, needs=("predictors",), uses=("study", "drivers")),
    Step("slopes", _slopes, needs=("predictors",), uses=("study", "slopes")),
    Step("figures", _figures, needs=("series", "sites", "summary", "drivers", "slopes"), uses=("study", "figures"),
         files=_extent_file),
    Step("report", _report, uses=ALL, needs=TOLD),
    Step("atlas", _atlas, uses=ALL, needs=TOLD),
)
"""The way: steps in order, each with what it reads."""


