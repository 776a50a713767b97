"""What each warning changes: regional means again without the rows it marks, or with these rows mended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from talik.analysis.describe import RESAMPLES, describe
from talik.analysis.profiles import BLANKED
from talik.frames import as_frame

KEY = ("surface_offset", "thermal_offset", "alt")
"""The quantities whose means are made again."""
RECOMPUTED = {"SO_NOT_DIFFERENCE": "surface_offset", "TO_NOT_DIFFERENCE": "thermal_offset"}
"""Flags on a stated offset that can be mended: the difference of its two temperatures takes its place."""
SHARED = ("SHARED_GRID_CELL", "SHARED_BASIN")
"""Flags of sites that are not independent; those of one cluster are taken as one."""
EMPTY = ("NO_ALT", "FILL_VALUE")
"""Flags of cells that hold no value, so that there is nothing to leave out."""
ALL_STATED, ALL_CLUSTERS, CONFLICTS = "STATED_OFFSETS", "PSEUDO_REPLICATION", "CONFLICTS"
"""Warnings about a table as a whole: stated offsets, several sites a cluster, values known from two sources."""

ROUNDING = 1e-5
"""Offsets closer than this are the same: loggers' means are kept to six decimals [K]."""

_SCHEMA = {"warning": pl.String, "treatment": pl.String, "n_sites": pl.Int64, "by": pl.String, "group": pl.String,
           "variable": pl.String, "units": pl.String, "n": pl.Int64, "n_after": pl.Int64, "mean": pl.Float64,
           "mean_after": pl.Float64, "se": pl.Float64, "ci_low": pl.Float64, "ci_high": pl.Float64,
           "ci_low_after": pl.Float64, "ci_high_after": pl.Float64, "shift": pl.Float64, "shift_se": pl.Float64,
           "turned": pl.String, "reason": pl.String}
_Treated = tuple[str, str, int, pl.DataFrame]


def warning_effects(sites: Any, conflicts: pl.DataFrame | None = None, *, level: float = 0.95, n_boot: int = RESAMPLES,
                    seed: int = 1) -> pl.DataFrame:
    """
    How far each warning about a table of sites moves the regional means and their intervals.

    Parameters
    ----------
    sites : frame
        A table of sites with `region`, `flags` (codes separated by semicolons), `cluster` and what there is of `KEY`.
    conflicts : polars.DataFrame, optional
        Values that two sources give differently: site, quantity, table_value, series_value, used.
    level, n_boot, seed
        As in `describe`: the numbers before are those that `describe` gives for the same table.

    Returns
    -------
    polars.DataFrame
        One row a warning, group and quantity: n, mean, SE and interval as they are, the same `_after` the treatment;
        `shift` of the mean [unit of the quantity], after minus before; `shift_se` the same over the SE before; `turned`
        says when the interval leaves out zero in only one of the two (offsets only). `n_sites`: sites that carry the
        warning in the whole table. A group without a site that the treatment touches has shift 0. Nulls: `mean_after`
        and `shift` where no value is left, `shift_se` of a single value; with the reason.

    Raises
    ------
    UnknownName
        If `site` or `flags` is missing.

    Notes
    -----
    Treatments: sites flagged as sharing a place count once a cluster; a stated offset that is not the difference of its
    temperatures is computed again; a suspected slip of unit is taken as unknown; flags of empty cells have nothing to
    leave out; every other flag's sites are left out. Each warning is treated alone.

    Examples
    --------
    >>> table = {"site": list("ABCD"), "region": ["R"] * 4, "flags": ["", "", "", "IMPLAUSIBLE_MEAN"],
    ...          "surface_offset": [2.0, 3.0, 4.0, 7.0]}
    >>> warning_effects(table, n_boot=100).select("warning", "n", "n_after", "mean", "mean_after", "shift").row(0)
    ('IMPLAUSIBLE_MEAN', 4, 3, 4.0, 3.0, -1.0)
    """
    frame = as_frame(sites, "sites", required=["site", "flags"])
    names = [name for name in KEY if name in frame.columns and frame[name].count()]
    by = "region" if "region" in frame.columns and frame["region"].count() else None
    if not names:
        return pl.DataFrame(schema=_SCHEMA)
    group = pl.col(by).cast(pl.String).fill_null("(none)") if by else pl.lit("all sites")
    frame = frame.with_row_index("_row").with_columns(_group=group)

    def means(table: pl.DataFrame) -> pl.DataFrame:
        return describe(table, by=by, variables=names, level=level, n_boot=n_boot, seed=seed).to_frame()

    before = means(frame)
    parts = [_compared(before, frame, treated, warning, treatment, count, means)
             for warning, treatment, count, treated in _treatments(frame, conflicts)]
    return pl.concat(parts) if parts else pl.DataFrame(schema=_SCHEMA)


def _treatments(frame: pl.DataFrame, conflicts: pl.DataFrame | None) -> Iterator[_Treated]:
    """Every warning the table carries, what is done about it, how many sites carry it, and the table after that."""
    codes = frame["flags"].fill_null("").str.split(";")
    for code in codes.explode().unique(maintain_order=True).drop_nulls():
        if not code:
            continue
        hit = codes.list.contains(code)
        yield code, *_treated(frame, code, hit)
    again = frame.with_columns(_recomputed(name, pl.col(f"{name}_from") == "table")
                               for name in RECOMPUTED.values() if _can_be_recomputed(frame, name))
    moved = pl.any_horizontal(pl.lit(False), *((pl.col(name) - again[name]).abs().fill_null(0.0) > ROUNDING
                                               for name in RECOMPUTED.values() if name in frame.columns))
    if count := frame.select(moved.sum()).item():
        yield ALL_STATED, "every stated offset computed again", count, again
    if "cluster" in frame.columns:
        shared = frame["cluster"].is_not_null() & frame["cluster"].is_duplicated()
        if shared.any():
            yield ALL_CLUSTERS, "one mean a cluster", int(shared.sum()), _clustered(frame, shared)
    if conflicts is not None and conflicts.height:
        swapped, count = _swapped(frame, conflicts)
        yield CONFLICTS, "the value of the other source", count, swapped


def _treated(frame: pl.DataFrame, code: str, hit: pl.Series) -> tuple[str, int, pl.DataFrame]:
    count = int(hit.sum())
    if code in RECOMPUTED and _can_be_recomputed(frame, RECOMPUTED[code]):
        return "offset computed again", count, frame.with_columns(_recomputed(RECOMPUTED[code], hit))
    if code in BLANKED:
        name = BLANKED[code]
        kept = [pl.when(hit).then(None).otherwise(pl.col(name)).alias(name)] if name in frame.columns else []
        return "taken as unknown", count, frame.with_columns(kept)
    if code in SHARED and "cluster" in frame.columns:
        return "one mean a cluster", count, _clustered(frame, hit & frame["cluster"].is_not_null())
    if code in EMPTY:
        return "nothing to leave out: the cell is empty", count, frame
    return "left out", count, frame.filter(~hit)


def _can_be_recomputed(frame: pl.DataFrame, name: str) -> bool:
    return {name, f"{name}_recomputed", f"{name}_from"} <= set(frame.columns)


def _recomputed(name: str, which: pl.Expr | pl.Series) -> pl.Expr:
    """The offset, with the difference of its temperatures in its place where `which` holds and both are known."""
    again = pl.coalesce(f"{name}_recomputed", name)
    return pl.when(which).then(again).otherwise(pl.col(name)).alias(name)


def _clustered(frame: pl.DataFrame, which: pl.Series) -> pl.DataFrame:
    """The table with those rows of a group and cluster that are marked merged into one row with their mean."""
    names = [name for name in KEY if name in frame.columns]
    merged = (frame.filter(which).group_by("_group", "cluster", maintain_order=True)
              .agg(*(pl.col(name).mean() for name in names),
                   pl.col(n for n in frame.columns if n not in {*names, "_group", "cluster"}).first()))
    return pl.concat([frame.filter(~which), merged.select(frame.columns)]).sort("_row")


def _swapped(frame: pl.DataFrame, conflicts: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The table with the values that were not used, where both sources have one; and the number of sites."""
    other = (pl.when(pl.col("used") == "table").then("series_value").otherwise("table_value")
             .cast(pl.Float64, strict=False))
    known = conflicts.select("site", "quantity", value=other).drop_nulls().filter(pl.col("quantity").is_in(KEY))
    for (name,), rows in known.group_by("quantity", maintain_order=True):
        value = frame["site"].replace_strict(rows["site"], rows["value"], default=None, return_dtype=pl.Float64)
        frame = frame.with_columns(pl.coalesce(value.alias("_value"), str(name)).alias(str(name)))
    return frame, known["site"].n_unique()


def _compared(before: pl.DataFrame, frame: pl.DataFrame, treated: pl.DataFrame, warning: str, treatment: str,
              count: int, means: Any) -> pl.DataFrame:
    """The rows of one warning: groups that the treatment touches are described again, the others stay."""
    names = before["variable"].unique().to_list()
    shown = ["_row", "_group", *names]
    touched = (frame.select(shown).join(treated.select(shown), on=shown, how="anti", nulls_equal=True)["_group"]
               .unique().to_list())
    left = treated.filter(pl.col("_group").is_in(touched))
    again = means(left) if left.height else before.clear()
    keys = ["group", "variable"]
    kept = ["n", "mean", "ci_low", "ci_high"]
    rows = before.join(again.select(*keys, *(pl.col(name).alias(f"{name}_after") for name in kept)), on=keys,
                       how="left", maintain_order="left")
    rows = rows.with_columns(
        pl.when(pl.col("group").is_in(touched)).then(pl.col(f"{name}_after")).otherwise(pl.col(name))
        .alias(f"{name}_after") for name in kept).with_columns(n_after=pl.col("n_after").fill_null(0))
    shift = pl.col("mean_after") - pl.col("mean")
    return rows.filter(pl.col("n") > 0).with_columns(
        warning=pl.lit(warning), treatment=pl.lit(treatment), n_sites=pl.lit(count, pl.Int64), shift=shift,
        shift_se=pl.when(pl.col("se") > 0).then(shift / pl.col("se")), turned=_turned(),
        reason=pl.when(pl.col("n_after") == 0).then(pl.lit("no value is left"))
        .when(pl.col("se").is_null()).then(pl.lit("one value: no standard error"))
        .when(pl.col("se") == 0).then(pl.lit("the values do not differ: the standard error is 0"))
    ).select(list(_SCHEMA)).cast(pl.Schema(_SCHEMA))


def _turned() -> pl.Expr:
    """Whether the interval of an offset leaves out zero only before, or only after."""
    def clear(end: str) -> pl.Expr:
        return (pl.col(f"ci_low{end}") > 0) | (pl.col(f"ci_high{end}") < 0)

    offsets = pl.col("variable").is_in(list(RECOMPUTED.values()))
    return (pl.when(offsets & clear("") & ~clear("_after")).then(pl.lit("the interval no longer leaves out zero"))
            .when(offsets & ~clear("") & clear("_after")).then(pl.lit("the interval now leaves out zero"))
            .when(offsets & clear("") & pl.col("ci_low_after").is_null() & (pl.col("n_after") > 0))
            .then(pl.lit("there is no interval any more")))
