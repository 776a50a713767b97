"""The models whose skill is compared: mean, region mean, ridge, additive, boosted trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps

import numpy as np
from numpy.typing import NDArray

from talik.analysis.folds import Labels, deal
from talik.kernels.shallow_trees import fit, presort, staged

Floats = NDArray[np.float64]
ROUNDS = 60
"""Most rounds of boosting; inner folds choose how many of them are used, none included."""
PENALTIES = np.geomspace(1e-3, 1e6, 28)
"""Those that ridge and splines choose from, on predictors of spread one."""


def chosen_rounds(X: Floats, y: Floats, group: Labels, rng: np.random.Generator, *, k: int = 5) -> int:
    """
    Rounds of boosting with the smallest squared error on inner folds that hold whole groups out.

    Returns
    -------
    rounds : int
        0 when no number of rounds beats the mean.

    Examples
    --------
    >>> X = np.linspace(0, 1, 40)[:, None]
    >>> chosen_rounds(X, np.sin(9 * X[:, 0]), np.arange(40) % 20, np.random.default_rng(0)) > 10
    True
    """
    _, group = np.unique(group, return_inverse=True)
    fold = deal(group, k, rng) if group.max() else rng.permutation(np.arange(y.size) % k)
    order, loss = presort(X), np.zeros(ROUNDS + 1)
    for number in range(int(fold.max()) + 1):
        held = fold == number
        trees = fit(X, y, (~held).astype(float), order, rounds=ROUNDS)
        loss += ((staged(trees, X[held]) - y[held]) ** 2).sum(axis=1)
    return int(loss.argmin())


def boosted(X: Floats, y: Floats, group: Labels, X_new: Floats, rng: np.random.Generator) -> tuple[Floats, int]:
    """Predictions of boosted trees of depth two at `X_new`, and the rounds chosen inside."""
    rounds = chosen_rounds(X, y, group, rng)
    return staged(fit(X, y, np.ones(y.size), presort(X), rounds=rounds), X_new)[-1], rounds


@dataclass(frozen=True, slots=True)
class Smoother:
    """A basis with a penalty, taken apart: what a penalised regression needs to know of everything but the response."""

    basis: Floats
    basis_new: Floats
    value: Floats
    vector: Floats

    @classmethod
    def of(cls, basis: Floats, basis_new: Floats, penalty: Floats) -> Smoother:
        from scipy.linalg import eigh

        value, vector = eigh(basis.T @ basis, penalty)
        return cls(basis, basis_new, np.maximum(value, 0.0), vector)

    def predict(self, y: Floats) -> Floats:
        """Penalised least squares; generalised cross-validation chooses the penalty."""
        centred = y - y.mean()
        along = self.vector.T @ (self.basis.T @ centred)
        damped = self.value + PENALTIES[:, None]
        left = centred @ centred + (along**2 * (self.value / damped - 2.0) / damped).sum(axis=1)
        freedom = 1.0 + (self.value / damped).sum(axis=1)
        score = np.where(freedom < 0.9 * y.size, left / (y.size - freedom) ** 2, np.inf)
        return np.asarray(y.mean() + self.basis_new @ (self.vector @ (along / damped[score.argmin()])))


def _once(make: Callable[[Floats, Floats], Smoother]) -> Callable[[Floats, Floats], Smoother]:
    """The same rows come back with every permutation of the response: their smoother is made once."""
    @lru_cache(maxsize=64)
    def again(X: bytes, X_new: bytes, width: int) -> Smoother:
        return make(*(np.frombuffer(raw).reshape(-1, width) for raw in (X, X_new)))

    @wraps(make)
    def remembered(X: Floats, X_new: Floats) -> Smoother:
        return again(*(np.asarray(rows, dtype=float).tobytes() for rows in (X, X_new)), X.shape[1])

    return remembered


def ridge(X: Floats, y: Floats, X_new: Floats) -> Floats:
    """Predictions of a ridge regression on standardised predictors, missing ones at the mean."""
    return _lines(X, X_new).predict(y)


def additive(X: Floats, y: Floats, X_new: Floats) -> Floats:
    """
    Predictions of an additive model: one penalised cubic spline for each predictor, constant beyond the data.

    References
    ----------
    .. [1] Eilers, P. H. C. & Marx, B. D. (1996). Stat. Sci. 11, 89-121. doi:10.1214/ss/1038425655
    """
    return _splines(X, X_new).predict(y)


@_once
def _lines(X: Floats, X_new: Floats) -> Smoother:
    known = np.where(np.isnan(X).all(axis=0), 0.0, X)
    centre, spread = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    basis, basis_new = (np.nan_to_num((x - centre) / spread) for x in (X, X_new))
    return Smoother.of(basis, basis_new, np.eye(X.shape[1]))


@_once
def _splines(X: Floats, X_new: Floats) -> Smoother:
    parts = [_spline(X[:, j], X_new[:, j]) for j in range(X.shape[1])]
    width = sum(part[0].shape[1] for part in parts)
    penalty, at = np.zeros((width, width)), 0
    for basis, _ in parts:
        size = basis.shape[1]
        bend = np.diff(np.eye(size), 2, axis=0) if size > 2 else np.zeros((0, size))
        penalty[at:at + size, at:at + size] = bend.T @ bend + 0.01 * np.eye(size)
        at += size
    return Smoother.of(np.hstack([b for b, _ in parts]), np.hstack([b for _, b in parts]), penalty)


def _spline(x: Floats, x_new: Floats) -> tuple[Floats, Floats]:
    """Cubic B-splines on quantile knots, centred, missing values at zero; a straight line for few distinct values."""
    from scipy.interpolate import BSpline

    known = x[~np.isnan(x)]
    if np.unique(known).size < 8:
        centre, spread = (known.mean(), known.std() or 1.0) if known.size else (0.0, 1.0)
        return tuple(np.nan_to_num((v - centre) / spread)[:, None] for v in (x, x_new))  # type: ignore[return-value]
    low, high = known.min(), known.max()
    inner = np.unique(np.quantile(known, [1 / 3, 2 / 3]))
    knots = np.concatenate([[low] * 4, inner[(inner > low) & (inner < high)], [high] * 4])

    def basis(values: Floats) -> Floats:
        clipped = np.clip(np.where(np.isnan(values), low, values), low, high)
        return np.asarray(BSpline.design_matrix(clipped, knots, 3).todense())

    level = basis(known).mean(axis=0)
    return tuple(np.where(np.isnan(v)[:, None], 0.0, basis(v) - level) for v in (x, x_new))  # type: ignore[return-value]


def region_mean(region: Labels, y: Floats, region_new: Labels) -> Floats:
    """Mean of the row's own region; the overall mean where the region was not among the rows learned from."""
    known = {int(r): float(y[region == r].mean()) for r in np.unique(region)}
    return np.array([known.get(int(r), float(y.mean())) for r in region_new])


MODELS: dict[str, Callable[..., tuple[Floats, int | None]]] = {
    "mean": lambda X, y, g, r, X_new, r_new, rng: (np.full(len(X_new), y.mean()), None),
    "region_mean": lambda X, y, g, r, X_new, r_new, rng: (region_mean(r, y, r_new), None),
    "ridge": lambda X, y, g, r, X_new, r_new, rng: (ridge(X, y, X_new), None),
    "additive": lambda X, y, g, r, X_new, r_new, rng: (additive(X, y, X_new), None),
    "boosted_trees": lambda X, y, g, r, X_new, r_new, rng: boosted(X, y, g, X_new, rng),
}
"""Name to function of (X, y, group, region, X_new, region_new, rng), giving predictions and rounds."""
