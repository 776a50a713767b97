"""The chapter on warnings: each with what it changes, the largest change first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from talik.analysis.influence import ALL_CLUSTERS, ALL_STATED, CONFLICTS
from talik.report.material import Material
from talik.report.parts import Column, Paragraph, Part, Section, Table, counted, interval, listed, shown
from talik.synthesis.flags import CODES
from talik.variables import shown_unit, variable

MEANING: Mapping[str, str] = {
    **CODES,
    ALL_STATED: "offsets are used as the table states them, not as the difference of its temperatures",
    ALL_CLUSTERS: "several sites of one cluster are counted as if each were independent",
    CONFLICTS: "the table and the loggers give a site different values",
}
NEGLIGIBLE = 1e-9
"""Shifts below this are rounding of the computer [unit of the quantity]."""
_COLUMNS = [Column("warning", "Warning"), Column("meaning", "What it says"), Column("n_sites", "Sites"),
            Column("treatment", "What was done"), Column("where", "Mean that moves most"),
            Column("change", "From and to"), Column("shift_se", "Shift / SE", 2), Column("others", "Means that move"),
            Column("turned", "What it turns")]


def cautions(material: Material) -> Section | None:
    """Warnings ranked by the shift of a regional mean against its standard error; then those that cannot be told."""
    effects = material.table("warning_effects.csv")
    if effects is None:
        return None
    ranked, silent = ranked_warnings(effects)
    parts: list[Part] = []
    if ranked.height:
        parts += [Paragraph(
            "Every warning alone: the sites that carry it were left out, or what it marks was mended, and the means of "
            "surface offset, thermal offset and active layer thickness by region were made again. The largest shift "
            "against the standard error (SD/√n) comes first. A shift below 1 SE can still be wrong; one above it is no "
            "proof of a fault. Drivers and slopes were not made again for each warning. All numbers: "
            "warning_effects.csv."),
            Table(ranked, _COLUMNS, "What each warning changes in the regional means, every row of the table as given.",
                  tall=True)]
    if silent:
        parts.append(Paragraph("; ".join(f"{code} ({MEANING.get(code, 'declared in the table')}; "
                                         f"{counted(n, 'site')})" for code, n in silent) + ".",
                               lead="No effect on any of these means:"))
    if everywhere := _everywhere(effects):
        said = "; ".join(f"{code} ({MEANING.get(code, 'declared in the table')})" for code in everywhere)
        parts.append(Paragraph(f"{said}. Without the sites that carry it no mean is left to compare with.",
                               lead="All sites with a value carry it:"))
    refused = _refused(material)
    if refused:
        parts.append(Paragraph(refused, lead="Not to be told:"))
    return Section("warnings", "Warnings, by what they change", parts or [Paragraph("There is no warning.")])


def ranked_warnings(effects: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[str, int]]]:
    """
    One row a warning that changes a mean, the largest shift against its standard error first; and the others.

    Returns
    -------
    ranked : polars.DataFrame
        warning, meaning, n_sites, treatment, where, change, shift_se, others (how many means move), turned. Warnings
        whose shift has no standard error to compare with, or that leave no value, come last.
    silent : list of (warning, sites)
        Warnings without effect on any mean. Those that all sites carry are in neither.
    """
    numbers = pl.col("shift", "shift_se", "mean_after", "ci_low", "ci_high", "ci_low_after", "ci_high_after")
    effects = effects.with_columns(numbers.cast(pl.Float64))      # a column without any value is read as text
    rows, silent, everywhere = [], [], _everywhere(effects)
    for (code,), part in effects.filter(~pl.col("warning").is_in(everywhere)).group_by("warning", maintain_order=True):
        moved = part.filter((pl.col("shift").abs() > NEGLIGIBLE) | pl.col("mean_after").is_null()
                            | pl.col("turned").is_not_null())
        if moved.is_empty():
            silent.append((str(code), int(part["n_sites"][0])))
            continue
        rows.append(_row(moved, part.height))
    schema = {"warning": pl.String, "meaning": pl.String, "n_sites": pl.Int64, "treatment": pl.String,
              "where": pl.String, "change": pl.String, "shift_se": pl.Float64, "others": pl.String,
              "turned": pl.String}
    ranked = pl.DataFrame(rows, schema=schema).sort(pl.col("shift_se").abs(), descending=True, nulls_last=True,
                                                    maintain_order=True)
    return ranked, silent


def _everywhere(effects: pl.DataFrame) -> list[str]:
    """Warnings that every site with a value carries, so that nothing is left to compare with."""
    gone = effects.group_by("warning", maintain_order=True).agg(pl.col("mean_after").is_null().all())
    return gone.filter("mean_after")["warning"].cast(pl.String).to_list()


def _row(moved: pl.DataFrame, described: int) -> dict[str, Any]:
    order = [pl.col("shift_se").abs(), pl.col("shift").abs()]
    most = moved.sort(order, descending=True, nulls_last=True).row(0, named=True)
    unit, symbol = shown_unit(most["units"]), variable(most["variable"]).short
    turned = [f"{variable(row['variable']).short} in {row['group']}: {row['turned']}"
              for row in moved.drop_nulls("turned").iter_rows(named=True)]
    gone = [f"{variable(row['variable']).short} in {row['group']}: no value is left"
            for row in moved.filter(pl.col("mean_after").is_null()).iter_rows(named=True)]
    return {"warning": most["warning"], "meaning": MEANING.get(most["warning"], "declared in the table"),
            "n_sites": most["n_sites"], "treatment": most["treatment"], "where": f"{symbol} in {most['group']}",
            "change": f"{_mean(most, '')} to {_mean(most, '_after')} {unit}", "shift_se": most["shift_se"],
            "others": f"{moved.height} of {described}", "turned": "; ".join(turned + gone) or None}


def _mean(row: Mapping[str, Any], after: str) -> str:
    """A mean with its interval and n, before or after."""
    if row[f"mean{after}"] is None:
        return "no value"
    ends = interval(row[f"ci_low{after}"], row[f"ci_high{after}"])
    return f"{shown(row[f'mean{after}'], 2)} {ends + ' ' if ends else ''}(n\u00a0=\u00a0{row[f'n{after}']})"


def _refused(material: Material) -> str:
    """Stations whose values are not known, so that nobody can say what they would change."""
    states = material.table("series_stations.csv")
    if states is None or (refused := states.filter(status="refused")).is_empty():
        return ""
    return (f"{refused.height} of {counted(states.height, 'station')} could not be used "
            f"({listed(refused['site'].to_list())}). What their values would change is not known.")


def heaviest(material: Material) -> str:
    """The warning that moves a regional mean most, in a sentence; empty when none does."""
    effects = material.table("warning_effects.csv")
    if effects is None or effects.is_empty():
        return ""
    ranked, silent = ranked_warnings(effects)
    known = ranked.drop_nulls("shift_se")
    total = counted(ranked.height + len(silent) + len(_everywhere(effects)), "warning")
    if known.is_empty():
        return f"{total} on the sites; none is known to move a regional mean." if ranked.is_empty() else ""
    row = known.row(0, named=True)
    return (f"{ranked.height} of {total} on the sites {'moves' if ranked.height == 1 else 'move'} a regional mean. The "
            "largest shift against the standard error is that of "
            f"{row['warning']} ({row['treatment']}): {row['where']} from {row['change']}, "
            f"{shown(row['shift_se'], 2)} standard errors.")
