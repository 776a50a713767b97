"""The chapters below the maps: groups, drivers, slopes, scorecard; one without its tables is left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from talik.atlas.drawings import Drawing, contributions, forest, label, unit
from talik.atlas.holdings import Holdings
from talik.atlas.quantities import palettes, region_looks

_GREY = "#808080"
_MINUS = re.compile(r"(?<![\w.\-])-(?=\d)")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a chapter: its heading, the folder's file it comes from, headings and rows as text or numbers."""

    caption: str
    file: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the page: what it says, draws and lists."""

    id: str
    title: str
    said: Sequence[str]
    drawings: Sequence[Drawing] = ()
    tables: Sequence[Table] = field(default=())
    choice: str = ""
    """Heading of the column by which its first table is filtered, or nothing."""


def chapters(holdings: Holdings) -> list[Chapter]:
    """The chapters that this folder can fill, in order."""
    return [chapter for make in (_groups, _drivers, _slopes, _scorecard) if (chapter := make(holdings)) is not None]


def _groups(holdings: Holdings) -> Chapter | None:
    summary = holdings.table("summary.csv")
    if summary is None or summary.is_empty():
        return None
    looks = region_looks(holdings.sites)
    of = dict(holdings.sites.select("subregion", "region").unique().iter_rows()) \
        if {"region", "subregion"} <= set(holdings.sites.columns) else {}
    drawn = []
    for name in ("surface_offset", "thermal_offset"):
        rows = summary.filter((pl.col("variable") == name) & pl.col("mean").is_not_null()).select(
            "by", "group", "mean", "n", low="ci_low", high="ci_high", clustered=pl.col("ci_low").is_not_null())
        whole = set(rows.filter(pl.col("by") == "region")["group"])
        rows = rows.filter((pl.col("by") == "region") | ~pl.col("group").is_in(list(whole))).with_columns(
            row=pl.col("group"), told=pl.format("n = {} sites; {}", "n", pl.when("clustered").then(
                pl.lit("interval from resampled clusters")).otherwise(pl.lit("no interval: too few clusters"))))
        if rows.height:
            colours = [looks.get(of.get(group, group), {}).get("colour", _GREY) for group in rows["group"]]
            drawn.append(forest(rows, name=f"groups-{name}", title=f"{label(name)} by region and sub-region",
                                  axis=f"{label(name)} ({unit(name)})", colours=colours))
    table = _table(summary, "summary.csv", "Regional statistics", {
        "group": "Group", "variable": "Quantity", "units": "Unit", "n": "n", "n_clusters": "Clusters", "mean": "Mean",
        "se": "SE", "ci_low": "CI low", "ci_high": "CI high", "reason": "Why a value is missing"})
    return Chapter("groups", "Regions", ["Means over sites, with 95 % intervals from resampled "
                                        "clusters where there are enough of them. Regions first, then sub-regions."],
                   drawn, [table], "Quantity")


def _drivers(holdings: Holdings) -> Chapter | None:
    verdicts = holdings.table("drivers_verdicts.csv")
    if verdicts is None:
        return None
    said, drawn = [], []
    ranks, values = holdings.table("drivers_ranks.csv"), holdings.table("drivers_contributions.csv")
    sites = holdings.sites["site"].cast(pl.String).fill_null("").to_list()
    for row in verdicts.iter_rows(named=True):
        response = row["response"]
        said += [_prose(f"{how} {row[key]}", response) for how, key in (
            ("Recommended.", "recommended"), ("As published.", "published"))]
        if ranks is not None:
            ranked = ranks.filter((pl.col("response") == response) & pl.col("importance").is_not_null()).sort(
                "importance", descending=True)
            if ranked.height:
                rows = ranked.select(
                    row=pl.col("driver").map_elements(label, pl.String), mean="importance", low="importance_low",
                    high="importance_high", told=pl.format("rank {}, from {} to {}", "rank", "rank_low", "rank_high"))
                drawn.append(forest(rows, name=f"ranks-{response}", colours=["#0072B2"] * rows.height,
                                      title=f"{label(response)}: importance where the model was not trained",
                                      axis="Importance (°C), 90 % interval"))
        if values is not None:
            mine = values.filter(pl.col("response") == response).with_columns(pl.col("site").cast(pl.String))
            order = mine.group_by("driver").agg(pl.col("contribution").abs().mean()).sort(
                "contribution", descending=True)["driver"].head(12).to_list()
            if order:
                drawn.append(contributions(
                    mine, order, name=f"contributions-{response}", sites=sites, palette=palettes()["magnitude"],
                    title=f"{label(response)}: contributions at each site, as published (colour: low to high value)",
                    axis="Contribution (°C)"))
    tables = [_table(ranks, "drivers_ranks.csv", "Ranks of the predictors, as recommended", {
        "response": "Response", "driver": "Predictor", "importance": "Importance (°C)", "importance_low": "Low",
        "importance_high": "High", "rank": "Rank", "direction": "Direction", "flags": "Flags",
        "reason": "Why it was left out"})] if ranks is not None else []
    return Chapter("drivers", "Drivers", said, drawn, tables, "Response")


def _slopes(holdings: Holdings) -> Chapter | None:
    pooled = holdings.table("slopes_pooled.csv")
    if pooled is None or pooled.is_empty():
        return None
    drawn = []
    for (response, profile), rows in pooled.filter(pl.col("effect").is_not_null()).group_by(
            "response", "profile", maintain_order=True):
        lines = rows.select(row="label", mean="effect", low="low", high="high", told=pl.format("k = {}", "k"))
        drawn.append(forest(lines, name=f"slopes-{response}-{profile}", title=f"{label(str(response))}, {profile}",
                              axis="Slope (°C per unit of the component)",
                              colours=["#0072B2" if kind == "study" else "#D55E00" for kind in rows["kind"]]))
    table = _table(pooled, "slopes_pooled.csv", "Slopes and their pooled means", {
        "response": "Response", "profile": "Profile", "label": "Group", "k": "k", "effect": "Slope", "low": "Low",
        "high": "High", "p": "p", "tau2": "tau²", "i2": "I²"})
    return Chapter("slopes", "Slopes", ["Slopes within groups of sites (blue) and their random-effects means (orange), "
                                        "by both profiles."], drawn, [table], "Response")


def _scorecard(holdings: Holdings) -> Chapter | None:
    card = holdings.table("scorecard.csv")
    if card is None:
        return None
    agree = card.filter(pl.col("agrees")).height
    table = _table(card, "scorecard.csv", "Claims, recomputed", {
        "claim_id": "Claim", "where": "Where", "statistic": "Statistic", "group": "Group", "variable": "Quantity",
        "stated": "Stated", "recomputed": "Recomputed", "n": "n", "verdict": "Verdict", "explanation": "Explanation"})
    return Chapter("scorecard", "Scorecard", [
        f"{agree} of {card.height} numbers and statements of the publication agree, within rounding, with its own "
        "table. 'Not reproduced' says that the table as printed does not give the number, nothing more."],
        tables=[table], choice="Verdict")


def _table(frame: pl.DataFrame, file: str, caption: str, columns: dict[str, str]) -> Table:
    shown = {name: heading for name, heading in columns.items() if name in frame.columns}
    return Table(caption, file, list(shown.values()),
                 [[_cell(name, value) for name, value in zip(shown, row, strict=True)]
                  for row in frame.select(list(shown)).iter_rows()])


def _cell(name: str, value: Any) -> Any:
    """Catalogue names as labels, units as people write them, numbers with three figures after the point."""
    from talik.variables import shown_unit

    if name in ("variable", "response", "driver") and isinstance(value, str):
        return label(value)
    if name == "units" and isinstance(value, str):
        return shown_unit(value)
    if isinstance(value, float):
        return f"{value:.3g}".replace("-", "−") if abs(value) < 1e4 else f"{value:.0f}".replace("-", "−")
    return "" if value is None else _MINUS.sub("−", str(value))


def _prose(text: str, name: str) -> str:
    """A sentence of the tables, with the label for the catalogue's name and a minus before numbers."""
    return _MINUS.sub("−", text.replace(f"{name}:", f"{label(name)}:")).rstrip(".") + "."
