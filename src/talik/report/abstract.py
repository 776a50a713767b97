"""The report in short: what was studied, what came out, what it hangs on, and what could not be told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from talik.report.cautions import heaviest
from talik.report.material import OFFSETS, Material, in_sentence, in_words
from talik.report.parts import Paragraph, Part, Section, Tiles, counted, interval, listed, shown
from talik.report.tables import window
from talik.variables import shown_unit, variable

_SILENT = ("predictors", "scorecard")
"""Steps whose absence the abstract does not tell: what follows from it is told where it is missed."""


def summary(material: Material) -> Section | None:
    """The abstract: headline numbers, then a paragraph each on what was studied, found, decided and not resolved."""
    frame = material.table("summary.csv")
    if frame is None:
        return None
    rows = [row for row in _mean_rows(material, frame) if row["mean"] is not None]
    tiles = [(f"{_value(row)}\u00a0{shown_unit(row['units'])}",
              f"{row['group']}: {variable(row['variable']).label.lower()}, mean over {counted(row['n'], 'site')}"
              + (f" in {counted(row['n_clusters'], 'cluster')}" if row["n_clusters"] else "")) for row in rows]
    told = (("Studied.", _studied), ("Found.", _found), ("Verdicts.", _verdicts), ("Warnings.", _warnings),
            ("Not resolved.", _unresolved))
    parts: list[Part] = [Tiles(tiles)] if tiles else []
    parts += [Paragraph(text, lead=lead) for lead, tell in told if (text := " ".join(tell(material, frame)))]
    return Section("summary", "In short", parts)


def _mean_rows(material: Material, frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of the main means: surface offset, then thermal offset, group by group."""
    rows = frame.filter(pl.col("by") == material.grouping())
    return [row for name in OFFSETS for row in rows.filter(variable=name).iter_rows(named=True)]


def _studied(material: Material, frame: pl.DataFrame) -> Iterator[str]:
    sites = material.table("sites.parquet")
    if sites is None:
        return
    by = material.grouping()
    groups = sites[by].drop_nulls().value_counts(sort=True).rows() if by in sites.columns else []
    where = f" in {groups[0][0]}" if len(groups) == 1 else (
        f" in {len(groups)} {'regions' if by == 'region' else 'sub-regions'} "
        f"({', '.join(f'{name} {n}' for name, n in groups)})" if groups else "")
    clusters = sites["cluster"].drop_nulls().n_unique()
    yield (f"{counted(sites.height, 'site')}{where}, {counted(clusters, 'cluster')} of sites within "
           f"{material.settings.sites.cluster_km:g} km. Values are means over {window(sites)}.")
    years = pl.max_horizontal("maat_n", "magst_n", "ttop_n") if "maat_n" in sites.columns else None
    if years is not None and (known := sites.select(n=years)["n"].drop_nulls()).len():
        fewest, most = int(known.min()), int(known.max())      # type: ignore[arg-type]
        yield (f"The means of {counted(known.len(), 'site')} with loggers rest on "
               f"{fewest if fewest == most else f'{fewest} to {most}'} {'year' if most == 1 else 'years'} each.")
    if "ttop_method" in sites.columns and (stated := sites.filter(ttop_method="stated depth").height):
        yield (f"At {counted(stated, 'site')} the deep temperature is that of a sensor chosen in the settings, so the "
               "thermal offset is one to its depth.")


def _found(material: Material, frame: pl.DataFrame) -> Iterator[str]:
    rows = _mean_rows(material, frame)
    level = material.interval_words()
    for name in OFFSETS:
        known = [row for row in rows if row["variable"] == name and row["mean"] is not None]
        if not known:
            continue
        unit = shown_unit(variable(name).units)
        parts = [f"{_value(row)} {unit} in {row['group']} (n\u00a0=\u00a0{row['n']}{_fewer(row)})" for row in known]
        ends = f" and {level} from resampled clusters" if any(row["ci_low"] is not None for row in known) else ""
        yield f"Mean {variable(name).label.lower()}{ends}, every row of the table of sites: {'; '.join(parts)}."
        sure = {side: [row["group"] for row in known if _side(row) == side] for side in ("above", "below")}
        if said := [f"{side} zero in {listed(groups)}" for side, groups in sure.items() if groups]:
            yield f"The interval lies {listed(said)}."
    yield from _moved(material)


def _moved(material: Material) -> Iterator[str]:
    """How the profile talik's means of the offsets differ from those of every row."""
    moved, changes = material.table("profile_differences.csv"), material.table("profile_changes.csv")
    if moved is None or changes is None or changes.is_empty():
        return
    turned = [f"{variable(row['variable']).short} in {row['group']} {shown(row['mean_talik'], 2)} "
              f"(n\u00a0=\u00a0{row['n_talik']}) instead of {shown(row['mean_liu2025'], 2)} "
              f"(n\u00a0=\u00a0{row['n_liu2025']})"
              for row in moved.filter(pl.col("variable").is_in(OFFSETS)).iter_rows(named=True)
              if row["difference"] is not None and abs(row["difference"]) > 1e-9]
    names = listed(list(dict.fromkeys(changes["site"])))
    yield (f"The profile talik takes suspect rows otherwise ({names}): " + "; ".join(turned) + " °C." if turned else
           f"The profile talik takes suspect rows otherwise ({names}); no regional mean of an offset moves.")


def _verdicts(material: Material, frame: pl.DataFrame) -> Iterator[str]:
    verdicts = material.table("drivers_verdicts.csv")
    for row in verdicts.iter_rows(named=True) if verdicts is not None else ():
        said = in_words(row["recommended"].removeprefix(f"{row['response']}: "))
        yield f"Drivers of the {variable(row['response']).label.lower()}: {said}"
    yield from _slopes(material)
    card = material.table("scorecard.csv")
    if card is not None:
        agree = card.filter(pl.col("agrees")).height
        yield (f"Of {card.height} numbers and statements of the publication that can be checked against its own table, "
               f"{agree} agree within rounding and {card.height - agree} do not.")


def _slopes(material: Material) -> Iterator[str]:
    pooled = material.table("slopes_pooled.csv")
    if pooled is None:
        return
    profile = material.settings.study.profile
    unit = "SD of the common component" if profile == "talik" else "unit of each group's own component"
    plans = material.settings.slopes
    for row in pooled.filter(pl.col("effect").is_not_null(), kind="overall", profile=profile).iter_rows(named=True):
        predictors = listed([in_sentence(name) for name in getattr(plans, row["response"])])
        ends = interval(row["low"], row["high"])
        lead = f"Within groups the {variable(row['response']).label.lower()} "
        if ends is None:
            verdict = "has a slope without an interval"
        elif row["low"] > 0 or row["high"] < 0:
            verdict = "rises" if row["effect"] > 0 else "falls"
        else:
            verdict = "has no slope that can be told from zero"
        spread = interval(row["prediction_low"], row["prediction_high"])
        numbers = [f"{shown(row['effect'], 2)}{' ' + ends if ends else ''} °C per {unit}",
                   f"k = {counted(row['k'], 'group')}", f"profile {profile}",
                   f"{100 * row['level']:g} % interval" if ends else "",
                   f"I² {shown(row['i2'], 2)}" if row["i2"] is not None else "",
                   f"prediction interval {spread}" if spread else ""]
        yield f"{lead}{verdict} with {predictors} ({', '.join(n for n in numbers if n)})."


def _warnings(material: Material, frame: pl.DataFrame) -> Iterator[str]:
    if said := heaviest(material):
        yield said


def _unresolved(material: Material, frame: pl.DataFrame) -> Iterator[str]:
    for row in _mean_rows(material, frame):
        name = f"{variable(row['variable']).label} in {row['group']}"
        if row["mean"] is None:
            yield f"{name}: {row['reason']}."
        elif row["ci_low"] is None:
            yield f"{name} has no interval ({_because(row)})."
        elif _side(row) is None:
            ends = interval(row["ci_low"], row["ci_high"])
            yield f"{name}: its sign, for the interval {ends} {shown_unit(row['units'])} holds zero."
    missing = material.steps.filter(~pl.col("step").is_in(_SILENT), pl.col("status") != "run")
    for step, reason in missing.select("step", "reason").iter_rows():
        plain = re.sub(r" on ([^:]+): \1 are not", r" on \1: these are not", reason.replace(": sites:", ":"))
        yield f"{step.capitalize()}: {in_words(plain.rstrip('.'))}."


def _value(row: Mapping[str, Any]) -> str:
    """The mean with its bootstrap interval, if it has one."""
    ends = interval(row["ci_low"], row["ci_high"])
    return shown(row["mean"], 2) + (f" {ends}" if ends else "")


def _fewer(row: Mapping[str, Any]) -> str:
    """What a reader must know of the interval: clusters, or why there is none."""
    if row["ci_low"] is None:
        return f"; no interval: {_because(row)}"
    few = "; so few that the interval may be too short" if "too short" in (row["reason"] or "") else ""
    return f", {counted(row['n_clusters'], 'cluster')}{few}"


def _because(row: Mapping[str, Any]) -> str:
    """The reason for a missing interval, without what it says of other numbers."""
    reasons = [part.removesuffix(": no spread, no interval") for part in (row["reason"] or "").split("; ")
               if not part.startswith("cv ")]
    return re.sub("^no bootstrap interval: ", "", "; ".join(reasons))


def _side(row: Mapping[str, Any]) -> str | None:
    """Whether the interval lies above or below zero; None where it holds zero or there is none."""
    if row["ci_low"] is None:
        return None
    return "above" if row["ci_low"] > 0 else "below" if row["ci_high"] < 0 else None
