"""Predictors are judged before they are used: what a column may be besides a measurement of its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from talik.analysis.candidates import Candidates, Floats, candidates
from talik.analysis.folds import site_clusters
from talik.analysis.learners import MODELS
from talik.analysis.skill import beyond, cross_predicted, held_out
from talik.analysis.trees import MIN_ROWS
from talik.errors import UsageError, unknown
from talik.frames import as_frame, frame_hash, numbers
from talik.results import Result
from talik.variables import VARIABLES

FLAGS = {
    "missing_follows_region": "its gaps follow a region, so they tell trees where a site lies",
    "few_values": "fewer distinct values than clusters of sites: neighbours and strangers share cells",
    "class_lookup": "few distinct values repeated over many sites: a class table, not a measurement",
    "beyond_cell": "taken from farther away than its own cell is wide",
    "period_far": "from another time than the response",
    "out_of_range": "values outside the range of the catalogue",
}
"""Every flag with what it means."""


@dataclass(frozen=True, slots=True)
class Origin:
    """
    Where a predictor's values come from, for the flags that the values alone cannot raise.

    Parameters
    ----------
    distance : str
        Column with the distance from the site to the place of the value [km].
    cell_km : float
        Size of the product's cell [km].
    period : tuple of int
        First and last year of the product.
    """

    distance: str = ""
    cell_km: float = float("nan")
    period: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Judgement(Result):
    """
    Flags on predictors.

    Attributes
    ----------
    table : polars.DataFrame
        One row a predictor and flag: predictor, flag, detail. A predictor without flags has one row of nulls.
    """

    table: pl.DataFrame = field(repr=False)
    settings: Mapping[str, Any] = field(repr=False)
    data_hash: str = field(repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row a predictor and flag."""
        return self.table

    def flags(self, predictor: str) -> tuple[str, ...]:
        """The flags of one predictor."""
        return tuple(self.table.filter(predictor=predictor)["flag"].drop_nulls())

    def __str__(self) -> str:
        flagged = self.table.drop_nulls("flag")
        words = [f"{p}: {detail}" for p, detail in flagged.select("predictor", "detail").iter_rows()]
        return "; ".join(words) if words else "no predictor is flagged"


def judge_predictors(sites: Any, predictors: Sequence[str], *, response: str | None = None,
                     origins: Mapping[str, Origin] | None = None, response_period: tuple[int, int] | None = None,
                     reach_km: float = 60.0) -> Judgement:
    """
    Flags on predictors that may be something else than a measurement of their name.

    Parameters
    ----------
    sites : frame
        One row a site.
    predictors : sequence of str
        Columns to judge.
    response : str, optional
        Judge the rows with this response and a known place only; all rows when None.
    origins : mapping of predictor to Origin, optional
        Distances, cell sizes and periods, where they are known.
    response_period : tuple of int, optional
        First and last year of the response.
    reach_km : float
        Sites closer than this form a cluster [km].

    Returns
    -------
    Judgement
        Flags as in `FLAGS`, each with the numbers that raised it.

    Raises
    ------
    UnknownName
        If a column is missing, or `origins` names something that is not among the predictors.

    Examples
    --------
    >>> table = {"region": ["A"] * 10 + ["B"] * 10, "cluster": range(20),
    ...          "precipitation": [400.0 + k for k in range(10)] + [None] * 10}
    >>> print(judge_predictors(table, ["precipitation"]))
    precipitation: missing at all 10 rows of B and at 0 of the 10 others; ...
    """
    frame = as_frame(sites, "sites", required=[*predictors, *([response] if response else [])])
    origins = origins or {}
    for name in origins:
        if name not in predictors:
            raise unknown("predictor in origins", name, predictors)
    cluster = site_clusters(frame, reach_km=reach_km)
    if response is not None:
        used = numbers(frame, response, "sites").is_not_null().to_numpy() & (cluster >= 0)
        frame, cluster = frame.filter(used), cluster[used]
    rows: list[tuple[str, str | None, str | None]] = []
    for name in predictors:
        values = numbers(frame, name, "sites").to_numpy().astype(float)
        found = [*_missing(frame, values), *_coarse(values, cluster), *_range(name, values),
                 *_origin(frame, values, origins.get(name, Origin()), response_period)]
        rows += [(name, flag, detail) for flag, detail in found] or [(name, None, None)]
    return Judgement(pl.DataFrame(rows, schema={"predictor": pl.String, "flag": pl.String, "detail": pl.String},
                                  orient="row"),
                     settings={"predictors": tuple(predictors), "response": response, "reach_km": reach_km,
                               "response_period": response_period}, data_hash=frame_hash(frame.select(predictors)))


def missingness_fits(sites: Any, response: str, predictors: Sequence[str], *, model: str = "boosted_trees",
                     coordinates: bool = False, reach_km: float = 60.0, seed: int = 0) -> pl.DataFrame:
    """
    What missing values explain: one model on predictors as given, on complete rows, with gaps filled, on gaps only.

    Parameters
    ----------
    sites, response, predictors, coordinates, reach_km
        As for `rank_drivers`.
    model : str
        Of "ridge", "additive", "boosted_trees".
    seed : int
        Of folds.

    Returns
    -------
    polars.DataFrame
        One row a fit ("as given", "complete rows", "filled with the median", "gaps only"): rows, skill beyond the mean
        with random, cluster and region folds, and a `reason` where there is none. Gaps that explain as much as the
        predictors mean that the predictors explain nothing of their own.

    Raises
    ------
    UnknownName
        If there is no such model or column.
    UsageError
        If no predictor is given.

    Examples
    --------
    >>> from talik.analysis.planted import planted_drivers
    >>> table = planted_drivers("strong", seed=1)
    >>> missingness_fits(table, "surface_offset", ["snow_depth"], model="ridge")["reason"].to_list()[1:]
    ['nothing is missing', 'nothing is missing', 'nothing is missing']
    """
    if model not in MODELS:
        raise unknown("model", model, MODELS)
    if not predictors:
        raise UsageError("predictors: none given")
    c = candidates(sites, response, predictors, coordinates=coordinates, reach_km=reach_km)
    gaps = np.isnan(c.X)
    if not gaps.any():
        rows = [_fit("as given", c, c.X, model, seed), *((kind, c.y.size, None, None, None, "nothing is missing")
                for kind in ("complete rows", "filled with the median", "gaps only"))]
        return pl.DataFrame(rows, schema=_FIT_SCHEMA, orient="row")
    filled = np.where(gaps, np.nanmedian(c.X, axis=0), c.X)
    whole = ~gaps.any(axis=1)
    rows = [_fit("as given", c, c.X, model, seed), _complete(c, whole, model, seed),
            _fit("filled with the median", c, filled, model, seed),
            _fit("gaps only", c, gaps[:, gaps.any(axis=0)].astype(float), model, seed)]
    return pl.DataFrame(rows, schema=_FIT_SCHEMA, orient="row")


_FIT_SCHEMA = {"fit": pl.String, "n": pl.Int64, "random": pl.Float64, "cluster": pl.Float64, "region": pl.Float64,
               "reason": pl.String}


def _complete(c: Candidates, whole: Any, model: str, seed: int) -> tuple[Any, ...]:
    count = int(whole.sum())
    if count < MIN_ROWS:
        return "complete rows", count, None, None, None, f"{count} rows are complete, {MIN_ROWS} are needed"
    return _fit("complete rows", c, c.X, model, seed, whole)


def _fit(kind: str, c: Candidates, X: Floats, model: str, seed: int, keep: Any = None) -> tuple[Any, ...]:
    keep = np.ones(c.y.size, bool) if keep is None else keep

    def number(labels: Any) -> Any:
        return np.unique(labels[keep], return_inverse=True)[1].astype(np.int64)

    part = replace(c, X=X[keep], y=c.y[keep], cluster=number(c.cluster), region=number(c.region))
    skills: list[float | None] = []
    reasons = []
    for scheme in ("random", "cluster", "region"):
        group, fold, reason = held_out(part, scheme, 10, seed)
        if fold is None:
            skills.append(None)
            reasons.append(reason)
            continue
        mean, _ = cross_predicted(part, "mean", part.y, group, fold, seed)
        skills.append(beyond(part.y, cross_predicted(part, model, part.y, group, fold, seed)[0], mean))
    return (kind, part.y.size, *skills, "; ".join(reasons) or None)


def _missing(frame: pl.DataFrame, values: Floats) -> list[tuple[str, str]]:
    """The region whose rows are nearly all missing while nearly all others are not, for each level of regions."""
    gap = np.isnan(values)
    if not gap.any() or gap.all():
        return []
    for column in ("region", "subregion"):
        if column not in frame.columns:
            continue
        label = frame[column].cast(pl.String).fill_null("").to_numpy()
        for name in dict.fromkeys(label):
            inside = label == name
            if inside.all() or inside.sum() < 3:
                continue
            if gap[inside].mean() >= 0.8 and gap[~inside].mean() <= 0.5 * gap[inside].mean():
                some = "all" if gap[inside].all() else f"{gap[inside].sum()} of"
                return [("missing_follows_region",
                         f"missing at {some} {inside.sum()} rows of {name} and at {gap[~inside].sum()} of the "
                         f"{(~inside).sum()} others; {FLAGS['missing_follows_region']}")]
    return []


def _coarse(values: Floats, cluster: Any) -> list[tuple[str, str]]:
    known = ~np.isnan(values)
    distinct, groups = np.unique(values[known]).size, np.unique(cluster[known & (cluster >= 0)]).size
    if distinct < 2:
        return []
    if distinct <= 12 and known.sum() >= 5 * distinct:
        return [("class_lookup", f"{distinct} distinct values at {known.sum()} rows; {FLAGS['class_lookup']}")]
    if distinct < groups:
        return [("few_values", f"{distinct} distinct values in {groups} clusters; {FLAGS['few_values']}")]
    return []


def _range(name: str, values: Floats) -> list[tuple[str, str]]:
    if name not in VARIABLES:
        return []
    low, high = VARIABLES[name].valid
    bad = (values < low) | (values > high)
    return [("out_of_range", f"{bad.sum()} values outside [{low:g}, {high:g}] {VARIABLES[name].units} (first: "
             f"{values[bad][0]:g}); another unit?")] if bad.any() else []


def _origin(frame: pl.DataFrame, values: Floats, origin: Origin,
            response_period: tuple[int, int] | None) -> list[tuple[str, str]]:
    found = []
    if origin.distance:
        as_frame(frame, "origins", required=[origin.distance])
        distance = numbers(frame, origin.distance, "sites").to_numpy().astype(float)
        far = (distance > origin.cell_km) & ~np.isnan(values)
        if far.any():
            found.append(("beyond_cell", f"{far.sum()} of {(~np.isnan(values)).sum()} values come from farther than "
                          f"the cell's {origin.cell_km:g} km (up to {distance[far].max():.0f} km)"))
    if origin.period and response_period:
        apart = abs(sum(origin.period) - sum(response_period)) / 2
        overlap = min(origin.period[1], response_period[1]) - max(origin.period[0], response_period[0]) + 1
        if apart > 10 or overlap <= 0:
            described, wanted = (f"{a}-{b}" for a, b in (origin.period, response_period))
            found.append(("period_far", f"describes {described}, the response {wanted}; middles {apart:g} years apart"))
    return found
