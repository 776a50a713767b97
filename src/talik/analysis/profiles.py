"""Two ways to make the same statement: as published (`liu2025`) and as recommended (`talik`), side by side."""

from __future__ import annotations

from typing import Any

import polars as pl

from talik.analysis.describe import DESCRIBED, RESAMPLES, describe
from talik.frames import as_frame

LEFT_OUT = {"IMPLAUSIBLE_MEAN": "its annual means look like means of a part of the year",
            "OUTSIDE_REGION": "it does not lie in the region it is listed under"}
"""Flags whose sites the profile `talik` leaves out of regional statements."""
BLANKED = {"ALT_UNIT_SLIP": "alt"}
"""Flags whose value the profile `talik` takes as unknown."""

CHOICES = pl.DataFrame([
    ("sites", "every row of the table", "rows flagged as implausible or outside their region are left out",
     "one summer mean or one site of another climate moves the mean of a small region"),
    ("suspect values", "as printed", "taken as unknown where a unit slip is suspected",
     "a value ten or a hundred times off is not data"),
    ("spread of a mean", "standard error of independent sites", "interval from resampling clusters of sites",
     "plots in one basin share climate and often one coordinate; they are not independent"),
    ("drivers", "one random split, trees of depth 6, contributions on training rows",
     "grouped folds, cluster bootstrap, out-of-bag contributions, a verdict that may be 'not resolved'",
     "without these a hold-out score above zero appears in data that hold no driver"),
    ("slopes", "principal component within each group, its own sign and scale; standard error of each small group",
     "one common component anchored to a named variable; slopes per standard deviation; pooled residual variance",
     "the sign of a component is arbitrary, its scale differs by group, and tiny groups feign heterogeneity"),
    ("pooling", "normal interval", "Hartung-Knapp interval, never narrower than the normal one",
     "few groups make the normal interval too narrow"),
], schema=["topic", "liu2025", "talik", "why"], orient="row")
"""What the two profiles do differently, and why."""


def recommended_sites(sites: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """
    The sites as the profile `talik` takes them, and what was changed.

    Parameters
    ----------
    sites : frame
        A table of sites with the column `flags` (codes separated by semicolons).

    Returns
    -------
    kept : polars.DataFrame
        Without sites that carry a flag of `LEFT_OUT`; values under a flag of `BLANKED` are null.
    changes : polars.DataFrame
        One row a change: site, flag, change, reason.

    Examples
    --------
    >>> kept, changes = recommended_sites({"site": ["A", "B"], "flags": ["", "OUTSIDE_REGION"], "alt": [1.0, 2.0]})
    >>> kept["site"].to_list(), changes["change"].to_list()
    (['A'], ['left out'])
    """
    frame = as_frame(sites, "sites", required=["site", "flags"])
    codes = frame["flags"].fill_null("").str.split(";")
    changes = []
    keep = pl.repeat(True, frame.height, eager=True)
    for code, reason in LEFT_OUT.items():
        hit = codes.list.contains(code)
        keep &= ~hit
        changes += [(site, code, "left out", reason) for site in frame.filter(hit)["site"]]
    for code, column in BLANKED.items():
        hit = codes.list.contains(code)
        if column in frame.columns:
            changes += [(site, code, f"{column} taken as unknown", "a unit slip is suspected")
                        for site in frame.filter(hit & keep)["site"]]
            frame = frame.with_columns(pl.when(hit).then(None).otherwise(pl.col(column)).alias(column))
    schema = {"site": pl.String, "flag": pl.String, "change": pl.String, "reason": pl.String}
    return frame.filter(keep), pl.DataFrame(changes, schema=schema, orient="row")


def profile_differences(sites: Any, *, by: str = "region", level: float = 0.95, n_boot: int = RESAMPLES,
                        seed: int = 1) -> pl.DataFrame:
    """
    Regional means under both profiles, side by side.

    Parameters
    ----------
    sites : frame
        A table of sites with `flags`, `cluster` and the described quantities.
    by : str
        Column to group by.
    level, n_boot, seed
        As in `describe`.

    Returns
    -------
    polars.DataFrame
        One row a group and quantity: n, mean, se of `liu2025`; n, mean and cluster interval of `talik`; the
        difference of the means [unit of the quantity]; `reason` where an interval is null.
    """
    frame = as_frame(sites, "sites", required=["site", "flags", by])
    names = [name for name in DESCRIBED if name in frame.columns]
    published, recommended = (
        describe(table, by=by, variables=names, level=level, n_boot=n_boot, seed=seed).to_frame()
        for table in (frame, recommended_sites(frame)[0]))
    left = published.select("group", "variable", "units", n_liu2025="n", mean_liu2025="mean", se_liu2025="se")
    right = recommended.select("group", "variable", n_talik="n", mean_talik="mean", low_talik="ci_low",
                               high_talik="ci_high", clusters_talik="n_clusters", reason="reason")
    return left.join(right, on=["group", "variable"], how="left", maintain_order="left").with_columns(
        difference=pl.col("mean_talik") - pl.col("mean_liu2025"))
