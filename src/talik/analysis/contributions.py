"""What each predictor contributes to each prediction, exactly; and what pairs of predictors do together."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from talik.analysis.trees import Matrix, TreeModel, matrix_for
from talik.errors import UsageError, unknown

if TYPE_CHECKING:
    import xgboost

    from talik.kernels.tree_tables import Trees

Engine = Literal["auto", "tables", "xgboost"]
_FEW_ROWS = 256                # up to here xgboost has answered before the tables are made
_XGBOOST_VALUES = 16_000_000   # interactions come from xgboost as whole matrices, 64 MB at a time


class _Model(NamedTuple):
    """A model that can be explained: its trees, how many rounds of them, the names of its features."""

    booster: xgboost.Booster
    rounds: int
    features: tuple[str, ...] | None
    missing: float


def contributions(model: Any, x: Any, *, rounds: int | None = None, engine: Engine = "auto",
                  threads: int | None = None) -> NDArray[np.float64]:
    """
    Exact contributions (path-dependent SHAP values) of every predictor to every prediction of boosted trees.

    Parameters
    ----------
    model : TreeModel, xgboost.Booster or xgboost.XGBModel (XGBRegressor, ...)
        Trees with one output and numbers as features.
    x : array_like or table, shape (n, p)
        Predictors; NaN = missing. Columns of a table are taken by name, those of an array by position.
    rounds : int, optional
        Explain the first so many rounds. By default those the model itself predicts with: up to the best round of a
        TreeModel or of an XGBModel stopped early, **all** rounds of a Booster.
    engine : {"auto", "tables", "xgboost"}
        "tables" is some hundred times faster on many rows; xgboost itself answers for 256 rows or fewer (the tables
        would take longer to make) and for trees deeper than 8. Both agree to 1e-5 of the largest value.
    threads : int, optional
        Threads of the tables; all available when None. The numbers do not depend on it.

    Returns
    -------
    contributions : ndarray, shape (n, p + 1)
        In the unit of the prediction (log odds for logistic objectives). Rows sum to the prediction; the last column
        is the mean prediction over the training rows. Missing predictors contribute too: there are no NaN.

    Raises
    ------
    UsageError
        If the model has several outputs, categorical features, dart or linear boosters, or does not fit `x`.
    DataError
        If `x` holds text or infinite values.

    References
    ----------
    .. [1] Lundberg et al. (2020), Nat. Mach. Intell. 2, 56-67, doi:10.1038/s42256-019-0138-9.

    Examples
    --------
    >>> from talik.analysis.trees import fit_trees
    >>> x = np.arange(40.0).reshape(20, 2)
    >>> model = fit_trees(x, x[:, 0] / 10, ("elevation", "alt"), response="surface_offset")
    >>> c = contributions(model, x)
    >>> c.shape, bool(np.allclose(c.sum(axis=1), model.predict(x), atol=1e-5))
    ((20, 3), True)
    """
    known = _model(model, rounds)
    matrix = _matrix(known, x)
    trees = _trees(known, engine, len(matrix))
    if trees is None:
        return _by_xgboost(known, matrix, "pred_contribs")
    from talik.kernels.tree_tables import mean_prediction
    from talik.kernels.treeshap import tree_contributions

    width = matrix.shape[1]
    values = np.empty((len(matrix), width + 1))
    first = np.arange(width, dtype=np.int32)
    values[:, :width] = tree_contributions(trees, matrix.astype(np.float32), first, np.full_like(first, -1),
                                           threads=threads or _cpus())
    values[:, width] = _start(known, trees, width) + mean_prediction(trees)
    return values


def interactions(model: Any, x: Any, pairs: Sequence[tuple[str | int, str | int]], *,
                 rounds: int | None = None, engine: Engine = "auto",
                 threads: int | None = None) -> NDArray[np.float64]:
    """
    Exact pairwise interactions (SHAP interaction values) of chosen pairs of predictors.

    Parameters
    ----------
    model, x, rounds, engine, threads
        As in `contributions`.
    pairs : sequence of pairs of names or column numbers
        Two different predictors each.

    Returns
    -------
    interactions : ndarray, shape (n, len(pairs))
        Half of each pair's joint effect, in the unit of the prediction: the other half belongs to the swapped pair, as
        in xgboost's `pred_interactions`.

    Raises
    ------
    UsageError
        If a pair names an unknown predictor or one twice; also as `contributions`.

    Examples
    --------
    >>> from talik.analysis.trees import fit_trees
    >>> x = np.random.default_rng(0).normal(size=(200, 3))
    >>> model = fit_trees(x, x[:, 0] * x[:, 1], ("snow_depth", "wind_speed", "alt"), response="surface_offset")
    >>> product, other = abs(interactions(model, x, [("snow_depth", "wind_speed"), ("snow_depth", "alt")])).mean(axis=0)
    >>> bool(product > 3 * other)
    True
    """
    known = _model(model, rounds)
    matrix = _matrix(known, x)
    first, second = _pair_columns(pairs, known.features, matrix.shape[1])
    trees = _trees(known, engine, len(matrix))
    if trees is not None:
        from talik.kernels.treeshap import tree_contributions

        return tree_contributions(trees, matrix.astype(np.float32), first, second, threads=threads or _cpus())
    step = max(1, _XGBOOST_VALUES // (matrix.shape[1] + 1) ** 2)
    parts = [_by_xgboost(known, matrix[k:k + step], "pred_interactions")[:, first, second]
             for k in range(0, len(matrix), step)]
    return np.concatenate(parts) if parts else np.zeros((0, first.size))


def _pair_columns(pairs: Sequence[tuple[str | int, str | int]], features: tuple[str, ...] | None,
                  width: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    columns = np.empty((len(pairs), 2), dtype=np.int32)
    for row, pair in enumerate(pairs):
        if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
            raise UsageError(f"pairs: got {pair!r}, expected two different predictors")
        for side, name in enumerate(pair):
            if isinstance(name, str) and (features is None or name not in features):
                raise unknown("predictor", name, features or ["the model has no names; use column numbers"])
            column = features.index(name) if isinstance(name, str) and features else int(name)
            if not 0 <= column < width:
                raise UsageError(f"pairs: there is no predictor number {column}; the model has {width}, from 0")
            columns[row, side] = column
    return columns[:, 0].copy(), columns[:, 1].copy()


def _model(model: Any, rounds: int | None) -> _Model:
    """What is needed of any model, or an error that says why it cannot be explained exactly."""
    import xgboost

    if isinstance(model, TreeModel):
        return _Model(model.booster, _in_range(rounds, model.rounds, model.booster), model.features, np.nan)
    booster, missing, best = model, np.nan, None
    if isinstance(model, xgboost.XGBModel):
        if not model.__sklearn_is_fitted__():
            raise UsageError(f"model: this {type(model).__name__} is not fitted yet; call its fit first")
        booster, missing = model.get_booster(), float(model.missing)
        if stopped := booster.attr("best_iteration"):
            best = int(stopped) + 1
    if not isinstance(booster, xgboost.Booster):
        raise UsageError(f"model: got {type(model).__name__}, expected a TreeModel, a Booster or an XGBRegressor")
    learner = json.loads(booster.save_config())["learner"]
    kind, shape = learner["learner_train_param"]["booster"], learner["learner_model_param"]
    if kind != "gbtree":
        raise UsageError(f"model: its booster is {kind!r}; exact contributions exist for 'gbtree' only")
    if int(shape["num_class"]) > 1 or int(shape["num_target"]) > 1:
        raise UsageError("model: it has several outputs; fit one model for each")
    if "c" in (booster.feature_types or []):
        raise UsageError("model: it splits on categorical features; encode them as numbers before the fit")
    names = tuple(booster.feature_names) if booster.feature_names else None
    return _Model(booster, _in_range(rounds, best, booster), names, missing)


def _in_range(rounds: int | None, best: int | None, booster: xgboost.Booster) -> int:
    total = booster.num_boosted_rounds()
    if rounds is None:
        return best or total
    if not 1 <= rounds <= total:
        raise UsageError(f"rounds: got {rounds}, the model has {total}")
    return rounds


def _matrix(model: _Model, x: Any) -> Matrix:
    matrix = matrix_for(x, model.features, model.booster.num_features())
    return matrix if np.isnan(model.missing) else np.where(matrix == model.missing, np.nan, matrix)


def _by_xgboost(model: _Model, matrix: Matrix, what: str) -> NDArray[np.float64]:
    import xgboost

    names = list(model.booster.feature_names) if model.booster.feature_names else None
    data = xgboost.DMatrix(matrix, feature_names=names, feature_types=model.booster.feature_types, nthread=_cpus())
    values: NDArray[np.float32] = model.booster.predict(data, iteration_range=(0, model.rounds), **{what: True})
    return values.astype(np.float64)


def _start(model: _Model, trees: Trees, width: int) -> float:
    """What the sum of trees starts from: xgboost's own prediction for a row without values, less its leaves."""
    from talik.kernels.tree_tables import all_missing_prediction

    margin = _by_xgboost(model, np.full((1, width), np.nan), "output_margin")
    return float(margin[0]) - all_missing_prediction(trees)


def _trees(model: _Model, engine: Engine, rows: int) -> Trees | None:
    """The trees as arrays, or None where xgboost is to answer."""
    if engine not in ("auto", "tables", "xgboost"):
        raise unknown("engine", engine, ("auto", "tables", "xgboost"))
    if engine == "xgboost" or (engine == "auto" and rows <= _FEW_ROWS):
        return None
    from talik.kernels.tree_tables import MAX_DEPTH, depth

    trees = tree_arrays(model.booster, model.rounds)
    fits = depth(trees) <= MAX_DEPTH and bool((trees.cover > 0).all())
    if engine == "tables" and not fits:
        raise UsageError(f"engine: tables need trees of at most {MAX_DEPTH} splits and positive covers; "
                         f"this model's are {depth(trees)} deep. Use engine='auto'.")
    return trees if fits else None


def tree_arrays(booster: xgboost.Booster, rounds: int) -> Trees:
    """The trees of the first rounds of a booster, as flat arrays."""
    from talik.kernels.tree_tables import Trees

    stored = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]
    trees = stored["trees"][:stored["iteration_indptr"][rounds]]
    root = np.cumsum([0, *(len(tree["left_children"]) for tree in trees)]).astype(np.int64)

    def flat(key: str, kind: Any) -> NDArray[Any]:
        return np.concatenate([np.array(tree[key], dtype=kind) for tree in trees])

    offset = np.repeat(root[:-1], np.diff(root))
    left, right = flat("left_children", np.int64), flat("right_children", np.int64)
    inner = np.flatnonzero(left >= 0)
    left[inner] += offset[inner]
    right[inner] += offset[inner]
    parent = np.full(left.size, -1, dtype=np.int32)
    parent[left[inner]] = parent[right[inner]] = inner
    # split_conditions holds the threshold of a split and the value of a leaf; pruned leaves keep any number as feature
    condition = flat("split_conditions", np.float32)
    feature = np.where(left >= 0, flat("split_indices", np.int64), 0).astype(np.int32)
    # what dropout left of each tree, where xgboost >= 3.4 keeps such models as plain trees
    weight = np.repeat(np.array(stored.get("weight_drop") or np.ones(len(trees)))[:len(trees)], np.diff(root))
    return Trees(root[:-1], left.astype(np.int32), right.astype(np.int32), parent, feature, condition,
                 flat("default_left", np.int8).astype(np.bool_), flat("sum_hessian", np.float64),
                 weight * condition)


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
