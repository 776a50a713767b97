"""Where a model has learned enough to speak: dissimilarity, area of applicability, local point density."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.analysis.candidates import Floats
from talik.analysis.folds import Labels, site_clusters
from talik.analysis.trees import numbers_only
from talik.errors import DataError, UsageError
from talik.frames import as_frame, frame_hash
from talik.kernels.neighbours import fold_distance
from talik.results import Result


@dataclass(frozen=True, slots=True)
class Applicability(Result):
    """
    How unlike the sites each target is, in the space of the predictors.

    Attributes
    ----------
    table : polars.DataFrame
        One row a target: its columns of place, `dissimilarity`, `inside` (of the area of applicability), `density`
        (number of sites within the threshold), `threshold`, `reason` where these are null.
    threshold : float
        Largest dissimilarity of the area of applicability.
    """

    figure: ClassVar[str] = "talik.figures.folds:applicability"
    table: pl.DataFrame = field(repr=False)
    threshold: float
    notes: tuple[str, ...]
    settings: Mapping[str, Any] = field(repr=False)
    data_hash: str = field(repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row a target."""
        return self.table

    def __str__(self) -> str:
        inside, n = int(self.table["inside"].sum()), self.table.height
        return (f"{inside} of {n} target{'s' * (n != 1)} inside the area of applicability "
                f"(dissimilarity up to {self.threshold:.2f})")


def applicability(sites: Any, targets: Any, predictors: Sequence[str], *, weights: Mapping[str, float] | None = None,
                  fold: Labels | None = None, reach_km: float = 60.0) -> Applicability:
    """
    Dissimilarity of targets to the sites a model learned from, area of applicability and local point density.

    Parameters
    ----------
    sites : frame
        The sites learned from, with the predictors, and `latitude` and `longitude` or `cluster` unless `fold` is given.
    targets : frame
        Where predictions are wanted, with the predictors.
    predictors : sequence of str
        Columns the model uses.
    weights : mapping of predictor to float, optional
        Importance of each predictor; all alike when None.
    fold : ndarray of int, shape (n,), optional
        Fold of each site in the model's cross-validation; clusters of sites when None. Dissimilarities among the sites
        are taken between folds, so that the threshold speaks of the distances the model was tested over.
    reach_km : float
        Sites closer than this form a cluster [km].

    Returns
    -------
    Applicability
        Null with a reason at targets that lack a predictor. Sites that lack one cannot be compared with and are counted
        in `notes`.

    Raises
    ------
    DataError
        If fewer than 3 sites know all predictors, all of them are alike, or all are of one fold.
    UsageError
        If weights are negative, all zero, or of an unknown predictor.

    Notes
    -----
    Predictors are standardised by the sites and multiplied by their weights. The dissimilarity index is the distance
    to the nearest site over the mean distance between sites; the area of applicability ends at the upper whisker (75 %
    quantile + 1.5 interquartile ranges, at most the maximum) of the sites' own indices; the local point density is the
    number of sites within that threshold.

    References
    ----------
    .. [1] Meyer, H. & Pebesma, E. (2021). Methods Ecol. Evol. 12, 1620-1633. doi:10.1111/2041-210X.13650
    .. [2] Schumacher, F. et al. (2025). Geosci. Model Dev. 18, 10185-10202. doi:10.5194/gmd-18-10185-2025

    Examples
    --------
    >>> sites = {"cluster": range(10), "albedo": [k / 10 for k in range(10)]}
    >>> print(applicability(sites, {"albedo": [0.45, 3.0]}, ["albedo"]))
    1 of 2 targets inside the area of applicability (dissimilarity up to 0.27)
    """
    train = as_frame(sites, "sites", required=predictors)
    wanted = as_frame(targets, "targets", required=predictors)
    scale = _weights(predictors, weights)
    X, new = (np.stack([numbers_only(frame, name, argument).to_numpy().astype(float) for name in predictors], axis=1)
              for frame, argument in ((train, "sites"), (wanted, "targets")))
    fold = site_clusters(train, reach_km=reach_km) if fold is None else np.asarray(fold)
    used = scale > 0
    whole = ~np.isnan(X[:, used]).any(axis=1) & (fold >= 0)
    if whole.sum() < 3:
        raise DataError(f"sites: {int(whole.sum())} rows know all of {', '.join(np.array(predictors)[used])}; "
                        "at least 3 are needed to compare with")
    index, density, threshold = _indices(X[whole][:, used], new[:, used], scale[used], fold[whole])
    lacking = [", ".join(name for name, gap, u in zip(predictors, row, used, strict=True) if gap and u)
               for row in np.isnan(new)]
    known = np.array([not gap for gap in lacking])
    table = wanted.select(c for c in ("site", "region", "subregion", "latitude", "longitude") if c in wanted.columns)
    table = (table if table.width else pl.DataFrame({"row": np.arange(wanted.height)})).with_columns(
        dissimilarity=pl.Series(index).fill_nan(None), inside=pl.Series(known & (index <= threshold)),
        density=pl.Series(np.where(known, density, 0)).cast(pl.Int64),
        threshold=pl.lit(threshold),
        reason=pl.Series([f"missing: {gap}" if gap else None for gap in lacking], dtype=pl.String))
    gone = int((~whole).sum())
    notes = (f"{gone} sites lack a predictor or a place and cannot be compared with",) if gone else ()
    return Applicability(table=table, threshold=threshold, notes=notes,
                         settings={"predictors": tuple(predictors),
                                   "weights": dict(zip(predictors, scale.tolist(), strict=True))},
                         data_hash=frame_hash(train.select(predictors)))


def _weights(predictors: Sequence[str], weights: Mapping[str, float] | None) -> Floats:
    if weights is None:
        return np.ones(len(predictors))
    if set(weights) - set(predictors):
        raise UsageError(f"weights: {sorted(set(weights) - set(predictors))[0]!r} is not among the predictors")
    scale = np.array([float(weights.get(name, 0.0)) for name in predictors])
    if not np.isfinite(scale).all() or (scale < 0).any() or not scale.any():
        raise UsageError(f"weights: got {dict(weights)}, expected numbers of 0 or more, not all 0")
    return scale


def _indices(X: Floats, new: Floats, scale: Floats, fold: Labels) -> tuple[Floats, NDArray[np.int64], float]:
    from scipy.spatial.distance import cdist

    centre, spread = X.mean(axis=0), X.std(axis=0)
    if not spread.any():
        raise DataError("sites: all rows have the same predictors; nothing can be compared")
    factor = scale / np.where(spread > 0, spread, 1.0)
    own, other = (X - centre) * factor, (new - centre) * factor
    between = cdist(own, own)
    mean = between[np.triu_indices(len(own), 1)].mean()
    across = fold_distance(between, fold) / mean
    if not np.isfinite(across).any():
        raise DataError("sites: all rows are of one fold; the threshold needs at least 2")
    low, high = np.quantile(across, [0.25, 0.75])
    threshold = float(min(high + 1.5 * (high - low), across.max()))
    index = np.full(len(new), np.nan)
    density = np.zeros(len(new), dtype=np.int64)
    for start in range(0, len(new), 4096):        # a map has millions of cells
        apart = cdist(other[start:start + 4096], own) / mean
        index[start:start + 4096] = apart.min(axis=1)
        density[start:start + 4096] = (apart <= threshold).sum(axis=1)
    return index, density, threshold
