"""How well the predictors predict: several models, several ways of holding sites out, and what chance would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl

from talik.analysis.candidates import Candidates, Floats, candidates
from talik.analysis.folds import Labels, Scheme, deal
from talik.analysis.learners import MODELS
from talik.errors import UsageError, unknown
from talik.results import Result

SCHEMES: tuple[Scheme, ...] = ("random", "cluster", "region")


@dataclass(frozen=True, slots=True)
class Skill(Result):
    """
    Skill of several models under several ways of holding sites out.

    Attributes
    ----------
    table : polars.DataFrame
        One row a model and scheme: `skill` (1 - squared error over that of the training mean under the same folds)
        with its 90 % interval over clusters, `r2` (against the mean of all rows), `rmse` and `mae` [K], `null_skill`
        and `null_high` (median and 95 % quantile with the response permuted), `p`, median `rounds`, `reason`.
    predictions : polars.DataFrame
        One row a site, scheme and model: observed and predicted [K], fold.
    """

    figure: ClassVar[str] = "talik.figures.skill:skill"
    response: str
    table: pl.DataFrame = field(repr=False)
    predictions: pl.DataFrame = field(repr=False)
    left_out: Mapping[str, str]
    notes: tuple[str, ...]
    settings: Mapping[str, Any] = field(repr=False)
    data_hash: str = field(repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row a model and scheme."""
        return self.table

    def of(self, model: str, scheme: str) -> float:
        """The skill of a model under a scheme; NaN when that scheme could not be used."""
        row = self.table.filter(model=model, scheme=scheme)
        return float("nan") if row.is_empty() or row["skill"][0] is None else float(row["skill"][0])

    def __str__(self) -> str:
        parts = [f"{scheme} folds {self.of('boosted_trees', scheme):.2f}"
                 for scheme in dict.fromkeys(self.table["scheme"]) if np.isfinite(self.of("boosted_trees", scheme))]
        return f"{self.response}: skill of boosted trees beyond the mean: " + ", ".join(parts)


def model_skill(sites: Any, response: str, predictors: Sequence[str] | None = None, *,
                schemes: Sequence[Scheme] = SCHEMES, models: Sequence[str] = tuple(MODELS), n_null: int = 19,
                k: int = 10, coordinates: bool = False, reach_km: float = 60.0, seed: int = 0) -> Skill:
    """
    Skill of mean, region mean, ridge, additive model and boosted trees with random, cluster and region folds.

    Parameters
    ----------
    sites, response, predictors, coordinates, reach_km
        As for `rank_drivers`.
    schemes : sequence of {"random", "cluster", "region"}
        What is held out together. Only "cluster" and "region" tell about places without a station.
    models : sequence of str
        Of "mean", "region_mean", "ridge", "additive", "boosted_trees".
    n_null : int
        How often everything is repeated with the response permuted over the rows; 0 for not at all. The smallest
        possible p is 1 / (n_null + 1).
    k : int
        Number of random and cluster folds.
    seed : int
        Of folds, inner folds and permutations.

    Returns
    -------
    Skill
        A scheme that cannot be used (one region only) has a row without numbers and a `reason`.

    Raises
    ------
    DataError
        As `rank_drivers`.
    UsageError
        If a scheme or model is unknown.

    Notes
    -----
    The rounds of boosting are chosen on inner folds of the training rows that hold the same kind of group out.

    Examples
    --------
    >>> from talik.analysis.planted import planted_drivers
    >>> s = model_skill(planted_drivers("strong", seed=1), "surface_offset", ["snow_depth", "wind_speed"],
    ...                 models=["mean", "ridge"], schemes=["cluster"], n_null=3)
    >>> s.of("mean", "cluster"), s.of("ridge", "cluster") > 0.2
    (0.0, True)
    """
    for given, known, noun in ((schemes, SCHEMES, "scheme"), (models, MODELS, "model")):
        for name in given:
            if name not in known:
                raise unknown(noun, name, known)
    if n_null < 0 or k < 2:
        raise UsageError(f"n_null, k: got {n_null}, {k}; expected n_null >= 0 and k >= 2")
    c = candidates(sites, response, predictors, coordinates=coordinates, reach_km=reach_km)
    words = c.sites.select(w for w in ("site", "region", "subregion") if w in c.sites.columns)
    rows, shown = [], []
    for scheme in schemes:
        group, fold, reason = held_out(c, scheme, k, seed)
        if fold is None:
            rows += [_empty(response, scheme, model, reason) for model in models]
            continue
        mean, _ = cross_predicted(c, "mean", c.y, group, fold, seed)
        rng = np.random.default_rng((seed, 2))
        shuffled = [rng.permutation(c.y) for _ in range(n_null)]
        chance = [(y, cross_predicted(c, "mean", y, group, fold, seed)[0]) for y in shuffled]
        for model in models:
            predicted, rounds = cross_predicted(c, model, c.y, group, fold, seed)
            null = np.array([beyond(y, cross_predicted(c, model, y, group, fold, seed + number)[0], reference)
                             for number, (y, reference) in enumerate(chance, 1) if model != "mean"])
            rows.append(_row(c, scheme, model, predicted, mean, null, rounds, int(fold.max()) + 1, seed))
            shown.append(words.with_columns(scheme=pl.lit(scheme), model=pl.lit(model), observed=pl.Series(c.y),
                                            predicted=pl.Series(predicted), fold=pl.Series(fold)))
    return Skill(response=response, table=pl.DataFrame(rows, schema=_SCHEMA, orient="row"),
                 predictions=pl.concat(shown) if shown else words.clear(),
                 left_out=c.left_out, notes=c.notes,
                 settings={"predictors": c.predictors, "schemes": tuple(schemes), "models": tuple(models),
                           "n_null": n_null, "k": k, "reach_km": reach_km, "seed": seed}, data_hash=c.data_hash)


_SCHEMA = {"response": pl.String, "scheme": pl.String, "model": pl.String, "n": pl.Int64, "n_folds": pl.Int64,
           "skill": pl.Float64, "skill_low": pl.Float64, "skill_high": pl.Float64, "r2": pl.Float64,
           "rmse": pl.Float64, "mae": pl.Float64, "null_skill": pl.Float64, "null_high": pl.Float64, "p": pl.Float64,
           "rounds": pl.Float64, "reason": pl.String}


def held_out(c: Candidates, scheme: str, k: int, seed: int) -> tuple[Labels, Labels | None, str]:
    """Group of each row, its fold, and why there is none."""
    rng = np.random.default_rng(seed)
    if scheme == "random":
        return np.arange(c.y.size), rng.permutation(np.arange(c.y.size) % k), ""
    group = c.cluster if scheme == "cluster" else c.region
    if group.max() == 0:
        return group, None, f"one {scheme} only: nothing to hold out"
    return group, (group if scheme == "region" else deal(group, k, rng)), ""


def cross_predicted(c: Candidates, model: str, y: Floats, group: Labels, fold: Labels,
                    seed: int) -> tuple[Floats, float | None]:
    """Each row's prediction by a model that saw none of its fold; median rounds."""
    predicted, rounds = np.empty(y.size), []
    rng = np.random.default_rng((seed, 1))
    for number in range(int(fold.max()) + 1):
        test = fold == number
        predicted[test], used = MODELS[model](c.X[~test], y[~test], group[~test], c.region[~test], c.X[test],
                                              c.region[test], rng)
        rounds.append(used)
    return predicted, None if rounds[0] is None else float(np.median([r for r in rounds if r is not None]))


def beyond(y: Floats, predicted: Floats, reference: Floats) -> float:
    """Skill: 1 - squared error over the squared error of the reference."""
    return float(1 - ((y - predicted) ** 2).sum() / ((y - reference) ** 2).sum())


def skill_interval(error: Floats, reference: Floats, cluster: Labels, seed: int,
                   level: float = 0.90) -> tuple[float, float]:
    """Interval of the skill from 1000 resamples of whole clusters of squared errors."""
    rng = np.random.default_rng((seed, 3))
    clusters = int(cluster.max()) + 1
    drawn = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=1000)[:, cluster]
    low, high = np.quantile(1 - drawn @ error / (drawn @ reference), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def repeated_skill(c: Candidates, scheme: str, *, repeats: int, seed: int,
                   model: str = "boosted_trees") -> tuple[float, float, float, str]:
    """Skill of a model with its 90 % interval, squared errors averaged over repeated folds; or a reason."""
    errors, references = [], []
    for repeat in range(repeats if scheme == "cluster" else 1):
        group, fold, reason = held_out(c, scheme, 10, seed + repeat)
        if fold is None:
            return float("nan"), float("nan"), float("nan"), reason
        mean, _ = cross_predicted(c, "mean", c.y, group, fold, seed)
        predicted, _ = cross_predicted(c, model, c.y, group, fold, seed)
        errors.append((c.y - predicted) ** 2)
        references.append((c.y - mean) ** 2)
    error, reference = np.mean(errors, axis=0), np.mean(references, axis=0)
    return (float(1 - error.sum() / reference.sum()), *skill_interval(error, reference, c.cluster, seed), "")


def _row(c: Candidates, scheme: str, model: str, predicted: Floats, mean: Floats, null: Floats, rounds: float | None,
         n_folds: int, seed: int) -> tuple[Any, ...]:
    error = (c.y - predicted) ** 2
    low, high = skill_interval(error, (c.y - mean) ** 2, c.cluster, seed)
    skill = beyond(c.y, predicted, mean)
    chance: tuple[float | None, ...] = (None, None, None)
    if null.size:
        chance = (float(np.median(null)), float(np.quantile(null, 0.95)),
                  (1 + int((null >= skill).sum())) / (1 + null.size))
    reason = {"mean": "the reference: skill is measured against it"}.get(model)
    if (model, scheme) == ("region_mean", "region"):
        reason = "a region held out has no mean of its own: the overall mean"
    return (c.response, scheme, model, c.y.size, n_folds, skill, low, high,
            beyond(c.y, predicted, np.full(c.y.size, c.y.mean())), float(np.sqrt(error.mean())),
            float(np.abs(c.y - predicted).mean()), *chance, rounds, reason)


def _empty(response: str, scheme: str, model: str, reason: str) -> tuple[Any, ...]:
    return (response, scheme, model, *[None] * 12, reason)
