"""Which checks could judge which columns: a column without a flag is clean only where somebody could look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from talik.kernels.calendar import sampling_step
from talik.records import Record
from talik.series.levels import smallest_found
from talik.series.profiles import curtain_levels, untold_order, whole_days
from talik.series.rules import CHECKS, Rules

if TYPE_CHECKING:
    import polars as pl

_OUTSIDE, _DEEPER = "not in the ground", "deeper than 0.1 m"


def judged(record: Record, rules: Rules) -> pl.DataFrame:
    """
    For every check and column whether it could be judged, and if not, why.

    Parameters
    ----------
    record : Record
        With the flags of the check.
    rules : Rules
        Those it was checked by.

    Returns
    -------
    polars.DataFrame
        site, label, depth, check, judged, reason ("" where judged), smallest_step: the smallest change of level for
        good [K] that would have been found, if it began neither in the first nor in the last tenth of the days; null
        but for the check "step" where that was judged.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2020-03-01", dtype="M8[D]")
    >>> record = Record("Barrow", t, [1.0], np.full((60, 1), -3.0))
    >>> table = judged(record, Rules(checks=("spike", "depth", "drift")))
    >>> table.filter(table["reason"] != "not asked for").select("check", "judged", "reason").rows()
    [('spike', True, ''), ('depth', False, 'one sensor'), ('drift', False, 'no zero curtain')]
    """
    import polars as pl

    days = whole_days(record, record.flags)
    levels = curtain_levels(record, days)
    smallest = smallest_found(record, days.mean, rules) if "step" in rules.checks else np.zeros(record.depths.size)
    count = np.count_nonzero(~np.isnan(record.values), axis=0)
    depth_wants = _order_wants(record, days.mean)
    rows = []
    for k, depth in enumerate(record.depths):
        outside = "" if depth >= 0 else _OUTSIDE if depth < 0 else "depth unknown"
        step = sampling_step(record.times[~np.isnan(record.values[:, k])])
        few = "" if count[k] >= 12 else "fewer than 12 values"
        wants = {
            "spike": few, "flat": few, "step": "fewer than 40 whole days" if np.isnan(smallest[k]) else "",
            "depth": outside or depth_wants[k],
            "drift": outside or ("" if (~np.isnan(levels[k])).any() else "no zero curtain"),
            "snow": outside or (_DEEPER if depth > 0.1 else "" if step <= 14400 else "fewer than 6 values a day")}
        for name in CHECKS:
            reason = "not asked for" if name not in rules.checks else wants.get(name, "")
            least = float(smallest[k]) if name == "step" and not reason else None
            rows.append((record.site, record.labels[k], float(depth), name, not reason, reason, least))
    kinds = {"site": pl.String, "label": pl.String, "depth": pl.Float64, "check": pl.String, "judged": pl.Boolean,
             "reason": pl.String, "smallest_step": pl.Float64}
    return pl.DataFrame(rows, schema=kinds, orient="row").with_columns(pl.col("depth").fill_nan(None))


def not_judged(table: pl.DataFrame) -> str:
    """
    In a line, which checks could judge no column they are meant for, and which only some; "" when all could.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2020-03-01", dtype="M8[D]")
    >>> record = Record("Barrow", t, [1.0], np.full((60, 1), -3.0))
    >>> not_judged(judged(record, Rules(checks=("depth", "drift"))))
    'not judged: depth (one sensor); drift (no zero curtain)'
    """
    import polars as pl

    meant = table.filter(~pl.col("reason").is_in(["not asked for", _OUTSIDE, _DEEPER]))
    parts = []
    for name in CHECKS:
        own = meant.filter(pl.col("check") == name)
        missing = own.filter(~pl.col("judged"))
        for reason in missing["reason"].unique(maintain_order=True):
            labels = missing.filter(pl.col("reason") == reason)["label"].to_list()
            where = "" if len(labels) == own.height else f": {', '.join(labels)}"
            parts.append(f"{name} ({reason}{where})")
    return f"not judged: {'; '.join(parts)}" if parts else ""


def _order_wants(record: Record, means: NDArray[np.float64]) -> list[str]:
    """Why the order of depths cannot be judged, column by column."""
    ground, days = record.depths >= 0, np.count_nonzero(~np.isnan(means), axis=0)
    long = ground & (days >= 120)
    if np.count_nonzero(ground) < 2:
        return ["one sensor"] * ground.size
    if np.unique(record.depths[ground & (days > 0)]).size < np.count_nonzero(ground & (days > 0)):
        return ["columns share a depth"] * ground.size
    others, untold = np.count_nonzero(long), untold_order(record, means)
    return ["fewer than 120 days" if d < 120 else untold.get(k, "") if others > 1 else "no other sensor with 120 days"
            for k, d in enumerate(days)]
