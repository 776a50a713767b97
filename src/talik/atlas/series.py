"""The daily series as the page holds them: thinned to its pixels, with rejected values and the years' extremes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.atlas.holdings import Holdings
from talik.atlas.thinning import Floats, fitting, packed, thinned
from talik.kernels.years import windows, year_sums
from talik.records import REJECTED, Flag
from talik.series.completeness import Completeness, completeness_rule, year_start

BUDGET = 3_000_000
"""Most bytes of a page for series."""
COLUMNS = (2400, 1200, 600, 300, 150)
"""Columns of a site's whole record, tried in this order until the budget is met."""
MOST_MARKS = 3000
"""Most marks of rejected values a site."""
_TELLING = int(REJECTED & ~Flag.MISSING)
_ENOUGH = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Sensor:
    """One column of a station by day: values of consecutive days from `first` (days since 1970), NaN for none."""

    name: str
    depth: float | None
    first: int
    temperature: Floats
    rejected: Floats
    flags: NDArray[np.int64]
    n: Floats

    @property
    def known(self) -> int:
        """Days with an accepted value."""
        return int((~np.isnan(self.temperature)).sum())


def series_data(holdings: Holdings, *, budget: int = BUDGET) -> dict[str, Any]:
    """
    What the page knows of the series: `sites` by name, and in `left_out` those that did not fit.

    The budget is met by coarser columns for all; where the coarsest are too many, sites are left out from the end.
    """
    named = [str(site) for site in holdings.sites["site"] if str(site) in holdings.series]
    columns = _columns(holdings, named, budget)
    rules, used = holdings.rules(), _used(holdings)
    found: dict[str, Any] = {}
    left, spent = [], 0
    for site in named:
        days = holdings.days(site)
        if days is None or days.is_empty():
            continue
        one = station_data(_sensors(days), columns, rule=rules.get(site, "default"), used=used.get(site, ""))
        spent += _size(one)
        if spent > budget:
            left.append(site)
            continue
        found[site] = one | {"file": holdings.series[site]}
    return {"sites": found, "left_out": left}


def station_data(sensors: list[Sensor], columns: int, *, rule: Completeness | str = "default",
                 used: str = "") -> dict[str, Any]:
    """One station as JSON can hold it: sensors with their columns, marks of rejected values, years."""
    first = min(one.first for one in sensors)
    span = max(one.first + one.temperature.size for one in sensors) - first
    step = -(-span // columns)
    shown = [one for one in sensors if one.known or not np.isnan(one.rejected).all()]
    profile = _profile(shown, used)
    return {
        "first": first, "step": step, "sensors": [_sensor(one, first, step) for one in shown],
        "none": [one.name for one in sensors if one not in shown], "profile": profile,
        **_marks(shown, first, step), "years": _years([shown[k] for k in profile], rule)}


def _sensor(one: Sensor, first: int, step: int) -> dict[str, Any]:
    """Its columns from that of its first value to that of its last."""
    lead = (one.first - first) % step
    there = thinned(np.concatenate([np.full(lead, np.nan), one.temperature]), step)
    known = np.flatnonzero(~np.isnan(there.low))
    part = slice(known[0], known[-1] + 1) if known.size else slice(0, 0)
    scale = fitting(one.temperature)
    ground = one.depth is not None and one.depth >= 0
    return {"name": one.name, "depth": one.depth, "days": one.known, "scale": scale,
            "at": (one.first - first) // step + int(part.start or 0), "low": packed(there.low[part], scale),
            "high": packed(there.high[part], scale) if step > 1 else "",
            "mean": packed(there.mean[part], scale) if ground and step > 1 else ""}


def _profile(sensors: list[Sensor], used: str) -> list[int]:
    """
    One sensor a depth, for trumpet and depth-time: first those the study used, then that with most days.

    A depth with fewer than half the days of the best is left out: it would blank its neighbours.
    """
    ground = [k for k, one in enumerate(sensors) if one.depth is not None and one.depth >= 0 and one.known]
    best: dict[float, int] = {}
    listed = [re.search(rf"[:,] {re.escape(one.name)}(?=$|[,;])", used) is not None for one in sensors]
    for k in sorted(ground, key=lambda k: (not listed[k], -sensors[k].known)):
        best.setdefault(float(sensors[k].depth or 0.0), k)
    most = max((sensors[k].known for k in best.values()), default=0)
    return [k for _, k in sorted(best.items()) if sensors[k].known >= _ENOUGH * most]


def _marks(sensors: list[Sensor], first: int, step: int) -> dict[str, Any]:
    """Rejected values: [column, sensor, flags, lowest, highest], in wider columns where they would be too many."""
    parts = []
    for k, one in enumerate(sensors):
        at = np.flatnonzero(~np.isnan(one.rejected))
        parts.append(pl.DataFrame({"day": at + (one.first - first), "sensor": np.full(at.size, k),
                                   "flags": one.flags[at] & _TELLING, "value": one.rejected[at]}))
    rows = pl.concat(parts) if parts else pl.DataFrame()
    if rows.is_empty():
        return {"marks": [], "mark_step": step, "rejected": 0}
    wide = step
    while True:
        marks = rows.group_by(pl.col("day") // wide, "sensor", "flags").agg(
            low=pl.col("value").min().round(2), high=pl.col("value").max().round(2)).sort("sensor", "day", "flags")
        if marks.height <= MOST_MARKS or wide > rows["day"].max():  # type: ignore[operator]
            return {"marks": [list(row) for row in marks.iter_rows()], "mark_step": wide, "rejected": rows.height}
        wide *= 2


def _years(sensors: list[Sensor], rule: Completeness | str) -> dict[str, Any]:
    """Lowest, mean and highest daily mean of every whole year by sensor, under the station's own rule."""
    if not sensors:
        return {"year": []}
    first = min(one.first for one in sensors)
    last = max(one.first + one.temperature.size for one in sensors)
    values = np.full((last - first, len(sensors)), np.nan)
    for k, one in enumerate(sensors):
        values[one.first - first:one.first - first + one.temperature.size, k] = np.where(
            _whole(one, rule), one.temperature, np.nan)
    rule = completeness_rule(rule)
    month, day = year_start(rule.year_start)
    where = windows(first, last - first, month=month, day=day)
    sums = year_sums(where.padded(values), where)
    whole = rule.reasons(sums, where) == ""
    keep = whole.any(axis=1)
    found = {name: np.where(whole, getattr(sums, name), np.nan)[keep] for name in ("low", "mean", "high")}
    scale = max(fitting(found["low"]), fitting(found["high"]))
    return {"year": where.label[keep].tolist(), "scale": scale,
            **{name: packed(values.ravel(), scale) for name, values in found.items()}}


def _whole(one: Sensor, rule: Completeness | str) -> NDArray[np.bool_]:
    """Days with as many samples as the rule asks of a day: a share of what is usual in their year."""
    share = completeness_rule(rule).day
    year = (one.first + np.arange(one.n.size)).astype("M8[D]").astype("M8[Y]").astype(np.int64)
    enough = np.zeros(one.n.size, dtype=bool)
    for which in np.unique(year):
        mine = year == which
        taken = one.n[mine & (one.n > 0)]
        if taken.size:
            enough[mine] = one.n[mine] >= share * np.median(taken)
    return enough


def _sensors(days: pl.DataFrame) -> list[Sensor]:
    """The columns of a station, in the order of depth; a day without a row is a day without a value."""
    found = []
    for (name, depth), rows in days.with_columns(day=pl.col("time").cast(pl.Date).to_physical()).group_by(
            "column", "depth", maintain_order=True):
        day = rows["day"].to_numpy()
        first, size = int(day.min()), int(day.max() - day.min()) + 1
        grid = {key: np.full(size, np.nan) for key in ("temperature", "rejected", "flags", "n")}
        for key, values in grid.items():
            values[day - first] = rows[key].cast(pl.Float64).fill_null(np.nan).to_numpy()
        found.append(Sensor(str(name), None if depth is None else float(str(depth)), first,
                            grid["temperature"], grid["rejected"], np.nan_to_num(grid["flags"]).astype(np.int64),
                            np.nan_to_num(grid["n"])))
    return found


def _columns(holdings: Holdings, sites: list[str], budget: int) -> int:
    """How many columns a site's record may have, so that all sites fit; from the lengths of the series alone."""
    spans = [rows for site in sites if (rows := holdings.spans(site)).height]
    for columns in COLUMNS:
        spent = 0.0
        for rows in spans:
            step = -(-int((rows["last"].max() - rows["first"].min()) + 1) // columns)  # type: ignore[operator]
            spent += float(((rows["last"] - rows["first"] + 1) / step).sum()) * (8 if step > 1 else 2.7)
        if spent <= 0.8 * budget:
            return columns
    return COLUMNS[-1]


def _used(holdings: Holdings) -> dict[str, str]:
    """The columns from which the study made the values of each site, as one text a site."""
    table = holdings.table("series_values.csv")
    if table is None or "columns" not in table.columns:
        return {}
    joined = table.group_by(pl.col("site").cast(pl.String), maintain_order=True).agg(
        pl.col("columns").drop_nulls().str.join("; "))
    return {str(site): str(columns or "") for site, columns in joined.iter_rows()}


def _size(one: Mapping[str, Any]) -> int:
    return len(json.dumps(one, ensure_ascii=False))
