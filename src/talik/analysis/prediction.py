"""Offsets at places without a station, with intervals that hold, and none where none can be given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import polars as pl

from talik.analysis.applicability import applicability
from talik.analysis.candidates import Candidates, Floats, candidates
from talik.analysis.folds import Labels
from talik.analysis.learners import chosen_rounds
from talik.analysis.skill import held_out
from talik.analysis.trees import numbers_only
from talik.errors import DataError, UsageError, unknown
from talik.frames import as_frame
from talik.kernels.shallow_trees import fit, presort, shapley, staged
from talik.results import Result

Level = Literal["between_sites", "new_region"]


@dataclass(frozen=True, slots=True)
class Prediction(Result):
    """
    Predicted offsets.

    Attributes
    ----------
    table : polars.DataFrame
        One row a target: place, `prediction`, `low`, `high` [K], `dissimilarity`, `inside`, `density`, `reason` where
        there is no interval.
    rounds : int
        Rounds of boosting; 0 means that the prediction is the mean everywhere.
    """

    figure: ClassVar[str] = "talik.figures.skill:prediction"
    response: str
    level: Level
    coverage: float
    table: pl.DataFrame = field(repr=False)
    rounds: int
    notes: tuple[str, ...]
    settings: Mapping[str, Any] = field(repr=False)
    data_hash: str = field(repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row a target."""
        return self.table

    def __str__(self) -> str:
        given = self.table.drop_nulls("low")
        where = "between known sites" if self.level == "between_sites" else "in a region without sites"
        if given.is_empty():
            return f"{self.response}: no target lies where an interval can be given"
        width = float((given["high"] - given["low"]).median())  # type: ignore[arg-type]
        return (f"{self.response} {where}: {given.height} of {self.table.height} targets have a "
                f"{100 * self.coverage:.0f} % interval, of {width:.1f} °C in the median")


def predict_offsets(sites: Any, response: str, targets: Any, predictors: Sequence[str] | None = None, *,
                    coverage: float = 0.90, level: Level = "new_region", coordinates: bool = False,
                    reach_km: float = 60.0, seed: int = 0) -> Prediction:
    """
    Offsets at new places by boosted trees, with conformal intervals from folds that hold whole groups out.

    Parameters
    ----------
    sites, response, predictors, coordinates, reach_km
        As for `rank_drivers`.
    targets : frame
        Where offsets are wanted, with the same predictors.
    coverage : float
        Share of new offsets the intervals should hold.
    level : {"new_region", "between_sites"}
        What a target is like: in a region without sites (residuals of whole regions held out; the safe choice), or
        between known sites (residuals of clusters held out).
    seed : int
        Of folds.

    Returns
    -------
    Prediction
        `low` and `high` are null, with a reason, outside the area of applicability and where a predictor is missing.

    Raises
    ------
    DataError
        As `rank_drivers`; if there is one region only for "new_region"; if there are too few rows for the coverage.
    UsageError
        If `level` is unknown, `coverage` is not in [0.5, 0.99], or targets lack a predictor.

    Notes
    -----
    The CV+ interval of Barber et al. with folds of whole groups: each site's residual is that of the model which did
    not see its group, and is put around that model's prediction for the target. Nominal coverage holds on average over
    regions like those known, not in each of them.

    References
    ----------
    .. [1] Barber, R. F. et al. (2021). Ann. Stat. 49, 486-507. doi:10.1214/20-AOS1965

    Examples
    --------
    >>> from talik.analysis.planted import planted_drivers
    >>> table = planted_drivers("strong", seed=1)
    >>> print(predict_offsets(table, "surface_offset", table[:5], ["snow_depth", "wind_speed"], level="between_sites"))
    surface_offset between known sites: 5 of 5 targets have a 90 % interval, of ... °C in the median
    """
    if level not in get_args(Level):
        raise unknown("level", level, get_args(Level))
    if not 0.5 <= coverage <= 0.99:
        raise UsageError(f"coverage: got {coverage}, expected 0.5 to 0.99")
    c = candidates(sites, response, predictors, coordinates=coordinates, reach_km=reach_km)
    wanted = as_frame(targets, "targets", required=c.predictors)
    new = np.stack([numbers_only(wanted, name, "targets").to_numpy().astype(float) for name in c.predictors], axis=1)
    group, fold, reason = held_out(c, "region" if level == "new_region" else "cluster", 10, seed)
    if fold is None:
        raise DataError(f"sites: {reason}; level='between_sites' needs several clusters, 'new_region' several regions")
    rounds = chosen_rounds(c.X, c.y, group, np.random.default_rng(seed), k=10)
    trees = fit(c.X, c.y, np.ones(c.y.size), presort(c.X), rounds=rounds)
    low, high = _interval(c, fold, new, rounds, coverage)
    weights = np.abs(shapley(trees, c.X)[0][:, :-1]).mean(axis=0)
    area = applicability(as_frame(sites, "sites")[c.rows], wanted, c.predictors, fold=fold, weights=dict(zip(
        c.predictors, weights.tolist() if weights.any() else [1.0] * len(weights), strict=True)))
    given = area.table["inside"]
    table = area.table.with_columns(
        response=pl.lit(response), prediction=pl.Series(staged(trees, new)[-1]),
        low=pl.when(given).then(pl.Series(low)), high=pl.when(given).then(pl.Series(high)),
        reason=pl.when(given).then(None).otherwise(pl.coalesce("reason", pl.lit("outside the area of applicability"))))
    mean = ("inner folds chose no round of boosting: the prediction is the mean everywhere",) if rounds == 0 else ()
    return Prediction(response=response, level=level, coverage=coverage, table=table, rounds=rounds,
                      notes=(*c.notes, *area.notes, *mean), data_hash=c.data_hash,
                      settings={"predictors": c.predictors, "level": level, "coverage": coverage, "reach_km": reach_km,
                                "seed": seed, "threshold": area.threshold})


def _interval(c: Candidates, fold: Labels, new: Floats, rounds: int, coverage: float) -> tuple[Floats, Floats]:
    """Quantiles of (prediction without a fold) -/+ (residual of the fold's rows)."""
    rank = int(np.ceil(coverage * (c.y.size + 1)))
    if rank > c.y.size:
        raise DataError(f"sites: {c.y.size} rows cannot give {100 * coverage:.0f} % intervals; ask for less coverage")
    order, low, high = presort(c.X), [], []
    for number in range(int(fold.max()) + 1):
        test = fold == number
        trees = fit(c.X, c.y, (~test).astype(float), order, rounds=rounds)
        residual = np.abs(c.y[test] - staged(trees, c.X[test])[-1])
        at = staged(trees, new)[-1][:, None]
        low.append(at - residual)
        high.append(at + residual)
    return (-np.partition(-np.hstack(low), rank - 1, axis=1)[:, rank - 1],
            np.partition(np.hstack(high), rank - 1, axis=1)[:, rank - 1])
