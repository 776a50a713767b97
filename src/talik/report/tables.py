"""The chapters that are tables: regional means, scorecard, profiles, flags, steps, provenance."""

from __future__ import annotations

import polars as pl

from talik.report.material import Material, ranged, readable
from talik.report.parts import Column, Paragraph, Part, Section, Table, shown

_MEANS = [Column("by", "By"), Column("group", "Group"), Column("variable", "Quantity"), Column("units", "Unit"),
          Column("n", "n"), Column("n_clusters", "Clusters"), Column("mean", "Mean", 2), Column("ci", "Interval"),
          Column("se", "SE", 2), Column("sd", "SD", 2), Column("cv", "|CV|", 2), Column("range", "Range"),
          Column("reason", "Why a value is missing")]


def means(material: Material) -> Section | None:
    """Means, spread and intervals of every quantity by region and sub-region."""
    summary, sites = material.table("summary.csv"), material.table("sites.parquet")
    if summary is None or sites is None:
        return None
    study = material.settings.study
    whole = _whole_regions(sites)
    frame = summary.filter(~((pl.col("by") == "subregion") & pl.col("group").is_in(list(whole)))).with_columns(
        pl.when(pl.col("by") == "region").then(pl.col("group").replace({
            region: f"{region} ({part})" for part, region in whole.items() if part != region}))
        .otherwise(pl.col("group")).alias("group"))
    frame = readable(ranged(ranged(frame, "ci", "ci_low", "ci_high"), "range", "min", "max"))
    method = (f"Every row of the table as given. Mean over sites, n of the values; SE = SD/√n; interval: "
              f"{100 * study.level:g} % from {study.replicates} resamples of clusters (seed {study.seed}). Window: "
              f"{window(sites)}.")
    if whole:
        method += " A sub-region that is the whole of its region is not listed a second time: " + ", ".join(
            region if part == region else f"{part} in {region}" for part, region in whole.items()) + "."
    return Section("means", "Regional statistics", [Table(
        frame, _MEANS, method, id="summary-table", tall=True, filters=("group", "variable"))])


def window(sites: pl.DataFrame) -> str:
    """Over which years the values of the sites are means, as far as is known."""
    if "first_year" not in sites.columns or not sites["first_year"].count():
        return "the years that each source averaged, which the table does not give"
    first, last = sites.select(pl.min("first_year"), pl.max("last_year")).row(0)
    others = sites["first_year"].null_count()
    return (f"the year {first}" if first == last else f"whole years between {first} and {last}") + (
        f"; of {others} sites the years that each source averaged, which the table does not give" if others else "")


def _whole_regions(sites: pl.DataFrame) -> dict[str, str]:
    """Sub-regions that hold every site of their region and no other, with that region."""
    if not {"region", "subregion"} <= set(sites.columns):
        return {}
    pairs = sites.select(pl.col("region", "subregion").cast(pl.String)).unique(maintain_order=True)
    alone = pairs.filter(~pl.col("region").is_duplicated() & ~pl.col("subregion").is_duplicated())
    return {part: region for region, part in alone.drop_nulls().iter_rows()}


_CLAIMS = [Column("claim_id", "Claim"), Column("where", "Where"), Column("statistic", "Statistic"),
           Column("group", "Group"), Column("units", "Unit"), Column("stated", "Stated"),
           Column("recomputed", "Recomputed"), Column("n", "n"), Column("verdict", "Verdict"),
           Column("explanation", "With the numbers")]
_RUNS = [Column("run", "Run"), Column("claim_id", "Claim"), Column("statistic", "Statistic"), Column("group", "Group"),
         Column("stated", "Stated"), Column("recomputed", "From every row", 3),
         Column("recomputed_in_run", "In this run", 3), Column("agrees", "Agreed"), Column("agrees_in_run", "Agrees")]
_UNCHECKED = [Column("claim_id", "Claim"), Column("where", "Where"), Column("statistic", "Statistic"),
              Column("stated", "Stated"), Column("needs", "Needs")]


def scorecard(material: Material) -> Section | None:
    """The numbers of the publication, recomputed."""
    card = material.table("scorecard.csv")
    if card is None:
        return None
    parts: list[Part] = [
        Paragraph("Every number the publication states and its Table 1 can check, recomputed from that table. "
                  "'Not reproduced' says that the table as printed does not give the number, nothing more."),
        Table(readable(card), _CLAIMS, f"{card.height} claims, recomputed from Table 1 as printed.",
              id="scorecard-table", tall=True, filters=("verdict", "group"))]
    sensitivity = material.table("scorecard_sensitivity.csv")
    if sensitivity is not None:
        turned = sensitivity.filter(pl.col("agrees") != pl.col("agrees_in_run"))
        parts.append(Table(turned, _RUNS, "Claims whose verdict changes when a suspect row is left out or read "
                                          "otherwise (all runs: scorecard_sensitivity.csv).", tall=True))
    unchecked = material.table("scorecard_not_checkable.csv")
    if unchecked is not None:
        parts.append(Table(unchecked, _UNCHECKED, "Claims that need data which are not in the table: not checkable "
                                                  "here.", tall=True))
    return Section("scorecard", "Scorecard", parts)


_CHOICES = [Column("topic", "Topic"), Column("liu2025", "As published (liu2025)"),
            Column("talik", "Recommended (talik)"), Column("why", "Why")]
_DIFFERENCES = [Column("group", "Group"), Column("variable", "Quantity"), Column("units", "Unit"),
                Column("n_liu2025", "n (liu2025)"), Column("published", "Mean ± SE (liu2025)"),
                Column("n_talik", "n (talik)"), Column("mean_talik", "Mean (talik)", 2),
                Column("interval", "Interval (talik)"), Column("difference", "Difference", 2)]
_CHANGES = [Column("site", "Site"), Column("flag", "Flag"), Column("change", "Change"), Column("reason", "Reason")]


def profiles(material: Material) -> Section | None:
    """What the two profiles do differently, and by how much that moves the regional means."""
    choices = material.table("profile_choices.csv")
    if choices is None:
        return None
    parts: list[Part] = [Table(choices, _CHOICES, "What the two profiles do differently.")]
    differences = material.table("profile_differences.csv")
    if differences is not None:
        texts = [f"{shown(mean, 2)} ± {shown(se, 2)}" if se is not None else shown(mean, 2)
                 for mean, se in differences.select("mean_liu2025", "se_liu2025").iter_rows()]
        frame = ranged(differences.with_columns(published=pl.Series(texts, dtype=pl.String)), "interval", "low_talik",
                       "high_talik")
        parts.append(Table(readable(frame), _DIFFERENCES, "Regional means under both profiles; difference = talik − "
                           "liu2025. SE of independent sites; interval from clusters."))
    changes = material.table("profile_changes.csv")
    if changes is not None and changes.height:
        parts.append(Table(changes, _CHANGES, "Rows that the profile talik takes otherwise."))
    return Section("profiles", "Two profiles", parts)


_FLAGGED = [Column("site", "Site"), Column("region", "Region"), Column("subregion", "Sub-region"),
            Column("flags", "Flags"), Column("flag_reasons", "Reasons")]


def flags(material: Material) -> Section | None:
    """The sites that carry a flag."""
    sites = material.table("sites.parquet")
    if sites is None or "flags" not in sites.columns:
        return None
    flagged = sites.filter(pl.col("flags").fill_null("") != "").with_columns(pl.col("flags").str.replace_all(";", "; "))
    if not flagged.height:
        return Section("flags", "Flags", [Paragraph("No site carries a flag.")])
    return Section("flags", "Flags", [
        Paragraph("A flag marks what a reader should know before using a row. No value of the table is changed by a "
                  "flag; the profile talik leaves some flagged rows out of its statements (see Two profiles)."),
        Table(flagged, _FLAGGED, f"{flagged.height} of {sites.height} sites carry at least one flag.", id="flags-table",
              tall=True, filters=("region",))])


def steps(material: Material) -> Section:
    """The steps that could not be done, and what would make them possible."""
    missing = material.steps.filter(pl.col("status") != "run")
    if missing.is_empty():
        return Section("steps", "What was not run", [Paragraph("Every step of the recipe was run.")])
    return Section("steps", "What was not run", [Table(
        missing, [Column("step", "Step"), Column("status", "Done"), Column("reason", "Why not, or not wholly"),
                  Column("remedy", "What to do")],
        "Steps of the recipe that could not be run, or not wholly, with the data at hand.")])


def provenance(material: Material) -> Section:
    """The steps and their files."""
    columns = [Column("step", "Step"), Column("status", "Status"), Column("outputs", "Files")]
    return Section("provenance", "Provenance", [
        Paragraph("manifest.json holds the sha256 of every input and output, the versions of the software and all "
                  "settings; ro-crate-metadata.json (RO-Crate 1.1) says the same for machines. The command talik "
                  "verify recomputes them."),
        Table(material.steps, columns, "Steps of this run and the files they made.")])
