"""The page: sections made from what the results folder holds; a section without its tables is left out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

import polars as pl

import talik
from talik.report.chapters import drivers, slopes
from talik.report.citing import citing
from talik.report.html import Column, Section, filters, joined, listing, paragraph, picture, table, tiles
from talik.report.material import Material, readable
from talik.report.words import findings, headlines, methods
from talik.report.years import years


def page(material: Material) -> str:
    """The whole report as one HTML document that needs no other file and makes no request."""
    import jinja2

    room = files("talik.report")
    script = (room / "filters.js").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True).from_string((room / "page.html").read_text(encoding="utf-8"))
    sections = [section for make in SECTIONS if (section := make(material)) is not None]
    study = material.settings.study
    return template.render(
        title=study.title or study.name, sections=sections, version=talik.__version__, script=script,
        lede=f"Study {study.name}; pooled slopes drawn by profile {study.profile}; seed {study.seed}.",
        style=(room / "style.css").read_text(encoding="utf-8"),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode())


def _summary(material: Material) -> Section | None:
    summary = material.table("summary.csv")
    if summary is None:
        return None
    said = listing(list(findings(
        summary, scorecard=material.table("scorecard.csv"), moved=material.table("profile_differences.csv"),
        changes=material.table("profile_changes.csv"), verdicts=material.table("drivers_verdicts.csv"))))
    return Section("summary", "In short", joined([tiles(headlines(summary)), said]))


def _methods(material: Material) -> Section | None:
    sites = material.table("sites.parquet")
    if sites is None:
        return None
    return Section("methods", "What was done", joined([listing(methods(material.settings, sites))]))


def _steps(material: Material) -> Section | None:
    missing = material.steps.filter(pl.col("status") == "not run")
    parts = []
    if missing.height:
        parts.append(table(missing, [Column("step", "Step"), Column("reason", "Why it was not run"),
                                     Column("remedy", "What to do")],
                           caption="Steps of the recipe that could not be run with the data at hand."))
    else:
        parts.append(paragraph("Every step of the recipe was run."))
    return Section("steps", "What was not run", joined(parts))


_MEANS = [Column("by", "By"), Column("group", "Group"), Column("variable", "Quantity"), Column("units", "Unit"),
          Column("n", "n"), Column("n_clusters", "Clusters"), Column("mean", "Mean", 2), Column("se", "SE", 2),
          Column("sd", "SD", 2),
          Column("cv", "|CV|", 2), Column("min", "Min", 2), Column("max", "Max", 2), Column("ci_low", "CI low", 2),
          Column("ci_high", "CI high", 2), Column("reason", "Why a value is missing")]


def _tables(material: Material) -> Section | None:
    summary = material.table("summary.csv")
    if summary is None:
        return None
    summary = readable(summary)
    study = material.settings.study
    method = (f"Every row of the table as given. Mean over sites, n of the values; SE = SD/√n; interval: "
              f"{study.level:.0%} from {study.replicates} resamples of clusters. Window: all years each source "
              "averaged.").replace("%", " %", 1)
    parts = [filters("summary-table", summary, _MEANS, by=["group", "variable"]),
             table(summary, _MEANS, caption=method, id="summary-table", tall=True)]
    return Section("means", "Regional statistics", joined(parts))


def _figures(material: Material) -> Section | None:
    listed = material.table("figures/figures.csv")
    if listed is None:
        return None
    parts = [picture(material.results / "figures" / f"{row['name']}.{row['inline']}", alt=row["alt"],
                     caption=row["caption"]) for row in listed.filter(pl.col("reason").is_null()).iter_rows(named=True)]
    left_out = [paragraph(f"Not drawn: {row['name']}: {row['reason']}", note=True)
                for row in listed.filter(pl.col("reason").is_not_null()).iter_rows(named=True)]
    note = paragraph("Each figure stands in the folder figures/ as SVG and PNG, its data beside it as CSV.")
    return Section("figures", "Figures", joined([note, *left_out, *parts]))


_CLAIMS = [Column("claim_id", "Claim"), Column("where", "Where"), Column("statistic", "Statistic"),
           Column("group", "Group"), Column("units", "Unit"), Column("stated", "Stated"),
           Column("recomputed", "Recomputed"), Column("n", "n"), Column("verdict", "Verdict"),
           Column("explanation", "With the numbers")]
_RUNS = [Column("run", "Run"), Column("claim_id", "Claim"), Column("statistic", "Statistic"), Column("group", "Group"),
         Column("stated", "Stated"), Column("recomputed", "From every row", 3),
         Column("recomputed_in_run", "In this run", 3), Column("agrees", "Agreed"), Column("agrees_in_run", "Agrees")]
_UNCHECKED = [Column("claim_id", "Claim"), Column("where", "Where"), Column("statistic", "Statistic"),
              Column("stated", "Stated"), Column("needs", "Needs")]


def _scorecard(material: Material) -> Section | None:
    card = material.table("scorecard.csv")
    if card is None:
        return None
    parts = [paragraph("Every number the publication states and its Table 1 can check, recomputed from that table. "
                       "'Not reproduced' says that the table as printed does not give the number, nothing more."),
             filters("scorecard-table", card, _CLAIMS, by=["verdict", "group"]),
             table(readable(card), _CLAIMS, caption=f"{card.height} claims, recomputed from Table 1 as printed.",
                   id="scorecard-table", tall=True)]
    sensitivity = material.table("scorecard_sensitivity.csv")
    if sensitivity is not None:
        turned = sensitivity.filter(pl.col("agrees") != pl.col("agrees_in_run"))
        parts.append(table(turned, _RUNS, caption="Claims whose verdict changes when a suspect row is left out or "
                                                  "read otherwise (all runs: scorecard_sensitivity.csv).", tall=True))
    unchecked = material.table("scorecard_not_checkable.csv")
    if unchecked is not None:
        parts.append(table(unchecked, _UNCHECKED, tall=True,
                           caption="Claims that need data which are not in the table: not checkable here."))
    return Section("scorecard", "Scorecard", joined(parts))


_FLAGGED = [Column("site", "Site"), Column("region", "Region"), Column("subregion", "Sub-region"),
            Column("flags", "Flags"), Column("flag_reasons", "Reasons")]


def _flags(material: Material) -> Section | None:
    sites = material.table("sites.parquet")
    if sites is None or "flags" not in sites.columns:
        return None
    flagged = sites.filter(pl.col("flags").fill_null("") != "").with_columns(
        pl.col("flags").str.replace_all(";", "; "))
    if not flagged.height:
        return Section("flags", "Flags", paragraph("No site carries a flag."))
    by = [name for name in ("region",) if name in flagged.columns]
    return Section("flags", "Flags", joined([
        paragraph("A flag marks what a reader should know before using a row. No value of the table is changed by a "
                  "flag; the profile talik leaves some flagged rows out of its statements (see Two profiles)."),
        filters("flags-table", flagged, _FLAGGED, by=by),
        table(flagged, _FLAGGED, caption=f"{flagged.height} of {sites.height} sites carry at least one flag.",
              id="flags-table", tall=True)]))


def _profiles(material: Material) -> Section | None:
    choices = material.table("profile_choices.csv")
    if choices is None:
        return None
    parts = [table(choices, [Column("topic", "Topic"), Column("liu2025", "As published (liu2025)"),
                             Column("talik", "Recommended (talik)"), Column("why", "Why")],
                   caption="What the two profiles do differently.")]
    differences = material.table("profile_differences.csv")
    if differences is not None:
        columns = [Column("group", "Group"), Column("variable", "Quantity"), Column("units", "Unit"),
                   Column("n_liu2025", "n (liu2025)"), Column("mean_liu2025", "Mean (liu2025)", 2),
                   Column("se_liu2025", "SE (liu2025)", 2), Column("n_talik", "n (talik)"),
                   Column("mean_talik", "Mean (talik)", 2), Column("low_talik", "CI low (talik)", 2),
                   Column("high_talik", "CI high (talik)", 2), Column("difference", "Difference", 2)]
        parts.append(table(readable(differences), columns,
                           caption="Regional means under both profiles; difference = talik − liu2025. SE of "
                                   "independent sites; CI from clusters."))
    changes = material.table("profile_changes.csv")
    if changes is not None and changes.height:
        parts.append(table(changes, [Column("site", "Site"), Column("flag", "Flag"), Column("change", "Change"),
                                     Column("reason", "Reason")],
                           caption="Rows that the profile talik takes otherwise."))
    return Section("profiles", "Two profiles", joined(parts))


def _provenance(material: Material) -> Section | None:
    columns = [Column("step", "Step"), Column("status", "Status"), Column("outputs", "Files")]
    return Section("provenance", "Provenance", joined([
        paragraph("manifest.json holds the sha256 of every input and output, the versions of the software and all "
                  "settings; ro-crate-metadata.json says the same for machines. `talik verify` recomputes them."),
        table(material.steps, columns, caption="Steps of this run and the files they made.")]))


SECTIONS: Sequence[Callable[[Material], Section | None]] = (
    _summary, _methods, _steps, years, _tables, _figures, drivers, slopes, _scorecard, _profiles, _flags, citing,
    _provenance)
"""The sections of the page, in order."""


def steps_frame(outcomes: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """One row a step from what became of it."""
    schema = {"step": pl.String, "status": pl.String, "reason": pl.String, "remedy": pl.String, "outputs": pl.String}
    return pl.DataFrame([{key: outcome[key] for key in schema} for outcome in outcomes], schema=schema)
