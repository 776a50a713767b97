"""The table of sites: one row a site, catalogue names, printed beside recomputed, flags, cluster."""

from __future__ import annotations

import polars as pl

from talik.synthesis.clusters import REACH_KM, clusters
from talik.synthesis.flags import Mark, found_flags, with_flags

TEMPERATURES = ("maat", "magst", "ttop")
OFFSETS = ("surface_offset", "thermal_offset")
NUMBERS = ("latitude", "longitude", "coordinate_precision_km", "elevation", *TEMPERATURES, "alt", *OFFSETS)
TEXTS = ("site", "region", "subregion", "basin", "vegetation", "soil")
COLUMNS = ("site_no", "site", "region", "subregion", "basin", "latitude", "longitude", "coordinate_precision_km",
           "elevation", "vegetation", "soil", *TEMPERATURES, "alt", *OFFSETS,
           "surface_offset_recomputed", "thermal_offset_recomputed", "surface_offset_from", "thermal_offset_from",
           "cluster", "cluster_from", "flags", "flag_reasons")
"""Columns that every table of sites has, in this order; source columns of a study follow."""


def site_table(values: pl.DataFrame, *, declared: list[Mark] | None = None, cluster_km: float = REACH_KM) -> pl.DataFrame:
    """
    A table of sites made whole: missing columns as nulls, recomputed offsets, clusters, flags.

    Parameters
    ----------
    values : polars.DataFrame
        One row a site, catalogue names and units: `site`, temperatures [°C], `alt` [m], offsets [K] as printed.
        Whatever is missing of `COLUMNS` is added; other columns are kept behind them.
    declared : list of (row, code, reason), optional
        Marks of a reviewer, beside those found by rule.
    cluster_km : float
        Sites nearer than this are one cluster [km].

    Returns
    -------
    polars.DataFrame
        `surface_offset` = MAGST - MAAT and `thermal_offset` = TTOP - MAGST [K] as printed, or recomputed where the
        table has none (`surface_offset_from` says "table" or "recomputed"); null where a part is missing too.
        No printed value is changed.

    Examples
    --------
    >>> table = site_table(pl.DataFrame({"site": ["A"], "maat": [-8.0], "magst": [-4.9], "ttop": [-5.4]}))
    >>> table.select("surface_offset", "thermal_offset_from", "flags").row(0)
    (3.1, 'recomputed', 'NO_COORDINATE;NO_ALT')
    """
    frame = values.with_columns(
        *(pl.lit(None, pl.Float64).alias(name) for name in NUMBERS if name not in values.columns),
        *(pl.lit(None, pl.String).alias(name) for name in TEXTS if name not in values.columns))
    if "site_no" not in frame.columns:
        frame = frame.with_columns(pl.int_range(1, frame.height + 1, dtype=pl.Int64).alias("site_no"))
    frame = frame.with_columns(  # to 6 decimals: -8.0 - -4.9 shall not be 3.0999999999999996
        surface_offset_recomputed=(pl.col("magst") - pl.col("maat")).round(6),
        thermal_offset_recomputed=(pl.col("ttop") - pl.col("magst")).round(6))
    for name in OFFSETS:
        again = pl.col(f"{name}_recomputed")
        frame = frame.with_columns(
            pl.when(pl.col(name).is_not_null()).then(pl.lit("table"))
            .when(again.is_not_null()).then(pl.lit("recomputed")).alias(f"{name}_from"),
            pl.coalesce(name, again).alias(name))
    frame = frame.hstack(clusters(frame, cluster_km=cluster_km))
    frame = with_flags(frame, [*found_flags(frame), *(declared or [])])
    return frame.select(*COLUMNS, *(name for name in frame.columns if name not in COLUMNS))
