"""What importance looks like when there is nothing: responses of the same spatial texture, or shuffled in regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.analysis.candidates import Candidates, Floats, candidates
from talik.analysis.drivers import FEWEST_ROUNDS
from talik.analysis.folds import coordinates as places
from talik.analysis.learners import chosen_rounds
from talik.analysis.refits import cluster_weights, correlated_groups, refit
from talik.errors import DataError, UsageError, unknown
from talik.frames import as_frame
from talik.kernels.sphere import great_circle
from talik.results import Result

Null = Literal["surrogate", "within_region"]


@dataclass(frozen=True, slots=True)
class ImportanceNull(Result):
    """
    Importance of each group of drivers against what chance gives.

    Attributes
    ----------
    table : polars.DataFrame
        One row a group: `importance` [K], `null_median` and `null_high` (95 % quantile) [K], `p`, and `p_any`
        (against the largest importance of any group in each null: allows for looking at all of them).
    """

    figure: ClassVar[str] = "talik.figures.drivers:null_band"
    response: str
    null: str
    table: pl.DataFrame = field(repr=False)
    notes: tuple[str, ...]
    settings: Mapping[str, Any] = field(repr=False)
    data_hash: str = field(repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row a group of drivers."""
        return self.table

    def __str__(self) -> str:
        n = self.settings["n_null"]
        beyond = self.table.filter(pl.col("p_any") <= 0.05)["driver"].to_list()
        what = "spatial surrogates" if self.null == "surrogate" else "permutations within regions"
        return (f"{self.response}: importance beyond 95 % of {n} {what}: {', '.join(beyond) if beyond else 'none'}")


def importance_null(sites: Any, response: str, predictors: Sequence[str] | None = None, *, null: Null = "surrogate",
                    n_null: int = 99, refits: int = 20, groups: str | Mapping[str, Sequence[str]] = "auto",
                    coordinates: bool = False, reach_km: float = 60.0, seed: int = 0) -> ImportanceNull:
    """
    Importance of drivers beside that of responses which cannot have drivers.

    Parameters
    ----------
    sites, response, predictors, groups, coordinates, reach_km
        As for `rank_drivers`.
    null : {"surrogate", "within_region"}
        "surrogate": the response's own values, placed so that they vary over distance as the response does; asks
        whether spatial texture alone would give as much. "within_region": values shuffled inside each region; asks
        whether anything is left beyond differences between regions.
    n_null : int
        Null responses; the smallest possible p is 1 / (n_null + 1).
    refits : int
        Cluster resamples for each; the same ones for the response and for every null.
    seed : int
        Of nulls and resampling.

    Returns
    -------
    ImportanceNull
        Importance of every group [K] beside the median and the 95 % quantile of what the nulls give, and its p.

    Raises
    ------
    UsageError
        If `null` is unknown, or `n_null` or `refits` is below 1.
    DataError
        As `rank_drivers` (for "surrogate" only rows with coordinates count); for "within_region" if there is one
        region only.

    References
    ----------
    .. [1] Viladomat, J. et al. (2014). Biometrics 70, 409-418. doi:10.1111/biom.12139

    Examples
    --------
    >>> from talik.analysis.planted import planted_drivers
    >>> result = importance_null(planted_drivers("strong", seed=1), "surface_offset", ["snow_depth", "albedo"],
    ...                          n_null=19, refits=5)
    >>> result.table["p"].to_list()[0] <= 0.1
    True
    """
    if null not in get_args(Null):
        raise unknown("null", null, get_args(Null))
    if n_null < 1 or refits < 1:
        raise UsageError(f"n_null, refits: got {n_null}, {refits}; expected at least 1 of each")
    frame = as_frame(sites, "sites")
    placed = _placed(frame) if null == "surrogate" else frame
    c = candidates(placed, response, predictors, coordinates=coordinates, reach_km=reach_km)
    lost = frame.height - placed.height
    grouped = correlated_groups(c, groups)
    members = [[c.column(name) for name in group] for group in grouped.values()]
    rng = np.random.default_rng((seed, 7))
    responses = surrogates(c, n_null, rng) if null == "surrogate" else within_regions(c, n_null, rng)
    weights = cluster_weights(c.cluster, refits, seed)

    def importance(y: Floats) -> Floats:
        rounds = max(chosen_rounds(c.X, y, c.cluster, np.random.default_rng(seed)), FEWEST_ROUNDS)
        return np.asarray(refit(c, members, weights, rounds, seed=seed, y=y).group_importance.mean(axis=0))

    observed, chance = importance(c.y), np.array([importance(y) for y in responses])
    table = pl.DataFrame({
        "response": [response] * len(grouped), "driver": list(grouped), "null": [null] * len(grouped),
        "importance": observed, "null_median": np.median(chance, axis=0),
        "null_high": np.quantile(chance, 0.95, axis=0),
        "p": (1 + (chance >= observed).sum(axis=0)) / (n_null + 1),
        "p_any": (1 + (chance.max(axis=1)[:, None] >= observed).sum(axis=0)) / (n_null + 1)})
    notes = (*c.notes, *((f"{lost} rows left out: no coordinates",) if lost else ()))
    return ImportanceNull(response=response, null=null, table=table.sort("importance", descending=True), notes=notes,
                          settings={"predictors": c.predictors, "n_null": n_null, "refits": refits, "groups": grouped,
                                    "reach_km": reach_km, "seed": seed}, data_hash=c.data_hash)


def surrogates(c: Candidates, count: int, rng: np.random.Generator) -> Floats:
    """
    Responses with the same values and nearly the same variogram, at random places, shape (count, n).

    Each is a permutation smoothed over its nearest neighbours, mixed with noise so that its variogram is that of the
    response; the width of smoothing is the one whose variogram fits best; the values are then those of the response in
    the order of the surrogate.
    """
    distance = great_circle(*places(c.sites))
    pairs, bins = _bins(distance)
    target = _variogram(c.y, pairs, bins)
    smoothers = [_smoother(distance, share) for share in (0.03, 0.06, 0.1, 0.2, 0.3, 0.5)]
    return np.array([_surrogate(c.y, pairs, bins, target, smoothers, rng) for _ in range(count)])


def _placed(frame: pl.DataFrame) -> pl.DataFrame:
    if not {"latitude", "longitude"} <= set(frame.columns):
        raise DataError("sites: spatial surrogates need latitude and longitude; use null='within_region'")
    return frame.filter(pl.Series(~np.isnan(places(frame)[0])))


def _surrogate(y: Floats, pairs: tuple[Any, Any], bins: NDArray[np.int64], target: Floats, smoothers: list[Floats],
               rng: np.random.Generator) -> Floats:
    shuffled = rng.permutation(y)
    best: tuple[float, Floats] = (np.inf, shuffled)
    for smoother in smoothers:
        smooth = smoother @ shuffled
        own = _variogram(smooth, pairs, bins)
        design = np.stack([np.ones(own.size), own], axis=1)
        level, gain = np.maximum(np.linalg.lstsq(design, target, rcond=None)[0], 0.0)
        misfit = float(((level + gain * own - target) ** 2).sum())
        if misfit < best[0]:
            best = misfit, np.sqrt(gain) * smooth + np.sqrt(level) * rng.normal(size=y.size)
    return np.sort(y)[best[1].argsort().argsort()]


def _bins(distance: Floats) -> tuple[tuple[Any, Any], NDArray[np.int64]]:
    """Pairs of rows up to the median distance, in 20 classes of equal number."""
    i, j = np.triu_indices(distance.shape[0], 1)
    apart = distance[i, j]
    near = apart <= np.median(apart)
    edges = np.quantile(apart[near], np.linspace(0, 1, 21)[1:-1])
    return (i[near], j[near]), np.searchsorted(edges, apart[near])


def _variogram(y: Floats, pairs: tuple[Any, Any], bins: NDArray[np.int64]) -> Floats:
    half = 0.5 * (y[pairs[0]] - y[pairs[1]]) ** 2
    count = np.bincount(bins, minlength=20)
    return np.bincount(bins, half, 20)[count > 0] / count[count > 0]


def _smoother(distance: Floats, share: float) -> Floats:
    """Weights that fall exponentially to 0.05 at each row's k-th neighbour."""
    k = max(2, round(share * distance.shape[0]))
    width = np.maximum(np.sort(distance, axis=1)[:, k - 1], 1e-6)
    weight = np.where(distance <= width[:, None], np.exp(-3.0 * distance / width[:, None]), 0.0)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def within_regions(c: Candidates, count: int, rng: np.random.Generator) -> Floats:
    """Responses whose values are shuffled inside each region, shape (count, n)."""
    if c.region.max() == 0:
        raise DataError("sites: one region only; permutation within regions needs at least 2. Use null='surrogate'")
    order = np.argsort(c.region, kind="stable")
    out = np.empty((count, c.y.size))
    for row in out:
        row[order] = c.y[np.lexsort((rng.random(c.y.size), c.region))]
    return out
