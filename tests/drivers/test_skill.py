"""Models learn from their rows only; skill is what is left beyond the mean; the compiled trees are those of xgboost."""

import numpy as np
import polars as pl
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from talik.analysis.candidates import candidates
from talik.analysis.learners import MODELS, additive, chosen_rounds, region_mean, ridge
from talik.analysis.planted import planted_drivers
from talik.analysis.skill import beyond, cross_predicted, held_out, model_skill
from talik.errors import DataError, UnknownName, UsageError
from talik.kernels.shallow_trees import first, fit, presort, shapley, staged

STRONG = planted_drivers("strong", seed=11)
NAMES = ["snow_depth", "soil_water_3", "wind_speed", "albedo"]


def problem(seed, rows=80, missing=0.15):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 5)).astype(np.float32).astype(float)
    y = X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=rows)
    X[rng.random(X.shape) < missing] = np.nan
    return X, y, rng.integers(0, 3, rows).astype(float)


def booster(X, y, weight, base, **settings):
    seen = weight > 0
    options = {"eta": 0.1, "max_depth": 2, "nthread": 1, "tree_method": "exact", "base_score": base, **settings}
    return xgboost.train(options, xgboost.DMatrix(X[seen], y[seen], weight=weight[seen]), 40)


@pytest.mark.parametrize("seed", range(6))
def test_trees_fit_what_xgboost_fits(seed):
    """Predictions of the rows learned from do not depend on which of two equal splits is taken."""
    X, y, weight = problem(seed, missing=0.0)
    trees = fit(X, y, weight, presort(X), rounds=40, least_weight=1.0)
    theirs = booster(X, y, weight, trees.base).predict(xgboost.DMatrix(X))
    assert np.abs(theirs - staged(trees, X)[-1])[weight > 0].max() < 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_contributions_and_interactions_are_those_of_xgboost(seed):
    X, y, weight = problem(seed, rows=300, missing=0.0)
    weight += 1
    trees = fit(X, y, weight, presort(X), rounds=40, least_weight=60.0)       # large leaves: no equal splits
    theirs = booster(X, y, weight, trees.base, min_child_weight=60.0)
    X[np.random.default_rng(seed).random(X.shape) < 0.2] = np.nan             # gaps that the fit did not know
    trees = trees._replace(missing_left=np.ones_like(trees.missing_left))     # go left in xgboost
    phi, pair = shapley(trees, X)
    matrix = xgboost.DMatrix(X)
    assert np.abs(theirs.predict(matrix, pred_contribs=True) - phi).max() < 1e-5
    joint = theirs.predict(matrix, pred_interactions=True)[:, :-1, :-1] * (1 - np.eye(X.shape[1]))
    assert np.abs(joint - pair).max() < 1e-5


def test_gaps_follow_the_side_that_fits_them_but_are_never_split_off_alone():
    x = np.array([0.0, 1.0, 2.0, 3.0] * 5 + [np.nan] * 10)[:, None]
    y = np.where(np.isnan(x[:, 0]), 5.0, x[:, 0] > 1.5)
    for sign, left in ((1, False), (-1, True)):
        trees = fit(sign * x, y, np.ones(y.size), presort(sign * x), rounds=30)
        assert trees.missing_left[0, 0] == left
    flat = np.where(np.isnan(x), np.nan, 1.0)
    assert (fit(flat, y, np.ones(y.size), presort(flat), rounds=5).feature == -1).all()


@given(st.integers(0, 10_000), st.integers(0, 25), st.floats(0, 0.6))
@settings(max_examples=25, deadline=None)
def test_contributions_sum_to_the_prediction(seed, rounds, missing):
    X, y, weight = problem(seed, rows=40, missing=missing)
    weight[0] = 1.0
    trees = fit(X, y, weight, presort(X), rounds=rounds)
    phi, pair = shapley(trees, X)
    assert np.allclose(phi.sum(axis=1), staged(trees, X)[-1])
    assert np.allclose(pair, pair.transpose(0, 2, 1))
    assert np.allclose(staged(first(trees, rounds // 2), X)[-1], staged(trees, X)[rounds // 2])


def test_a_weight_of_two_is_a_row_twice_and_a_weight_of_zero_is_no_row():
    X, y, weight = problem(3)
    copies = np.repeat(np.arange(y.size), weight.astype(int))
    one = fit(X, y, weight, presort(X), rounds=20)
    other = fit(X[copies], y[copies], np.ones(copies.size), presort(X[copies]), rounds=20)
    assert np.allclose(staged(one, X), staged(other, X))


def test_a_shift_of_the_response_shifts_the_prediction():
    X, y, weight = problem(4)
    a, b = (fit(X, v, weight, presort(X), rounds=20) for v in (y, y + 100))
    assert np.allclose(staged(a, X) + 100, staged(b, X))


def test_ridge_is_that_of_scikit_learn_at_some_penalty():
    X, y, _ = problem(5, missing=0.0)
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    ours = ridge(X, y, X)
    nearest = min(np.abs(Ridge(alpha=a).fit(standard, y).predict(standard) - ours).max()
                  for a in np.geomspace(1e-3, 1e6, 28))
    assert nearest < 1e-8


def test_additive_model_bends_and_ridge_does_not():
    x = np.linspace(-2, 2, 120)[:, None]
    y = x[:, 0] ** 2
    assert np.abs(additive(x, y, x) - y).max() < 0.05
    assert np.abs(ridge(x, y, x) - y).max() > 1.0
    assert np.isfinite(additive(x, y, np.array([[np.nan], [50.0]]))).all()


def test_region_mean_of_an_unknown_region_is_the_overall_mean():
    assert region_mean(np.array([0, 0, 1]), np.array([1.0, 3.0, 8.0]), np.array([0, 2])).tolist() == [2.0, 4.0]


def test_no_round_is_chosen_when_nothing_helps():
    rng = np.random.default_rng(0)
    rounds = [chosen_rounds(rng.normal(size=(60, 3)), rng.normal(size=60), np.arange(60) % 20, rng) for _ in range(9)]
    assert np.median(rounds) <= 3


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("scheme", ["random", "cluster", "region"])
def test_a_held_out_response_has_no_influence_on_its_own_prediction(model, scheme):
    c = candidates(STRONG, "surface_offset", NAMES)
    group, fold, _ = held_out(c, scheme, 5, 0)
    before, _ = cross_predicted(c, model, c.y, group, fold, 0)
    changed = np.where(fold == 0, c.y + 1000.0, c.y)
    after, _ = cross_predicted(c, model, changed, group, fold, 0)
    # the generator of inner folds is shared by the folds in turn, so only the first fold can be compared exactly
    assert np.allclose(before[fold == 0], after[fold == 0])


def test_skill_table_says_what_each_number_is():
    skill = model_skill(STRONG, "surface_offset", NAMES, n_null=3, seed=1)
    table = skill.to_frame()
    assert table.height == 15
    assert (table.filter(model="mean")["skill"] == 0).all()
    assert skill.of("boosted_trees", "cluster") > 0.2
    assert skill.of("ridge", "cluster") > 0.2
    tested = table.filter(pl.col("model").is_in(["ridge", "boosted_trees"]))
    assert (tested["p"] == 0.25).all()
    assert (tested["null_skill"] < 0.1).all()
    assert (table["skill_low"] <= table["skill"] + 1e-9).all()
    assert (table.filter(model="region_mean", scheme="region")["skill"] == 0).all()
    shown = skill.predictions.filter(model="ridge", scheme="region")
    error = ((shown["observed"] - shown["predicted"]) ** 2).mean() ** 0.5
    assert table.filter(model="ridge", scheme="region")["rmse"][0] == pytest.approx(error)
    assert "skill of boosted trees beyond the mean" in str(skill)


def test_order_of_rows_does_not_matter_where_folds_do_not_depend_on_it():
    order = np.random.default_rng(0).permutation(STRONG.height)
    a, b = (model_skill(t, "surface_offset", NAMES, schemes=["region"], models=["ridge"], n_null=0)
            for t in (STRONG, STRONG[order]))
    assert a.of("ridge", "region") == pytest.approx(b.of("ridge", "region"))


def test_one_region_gives_a_reason_and_no_number():
    skill = model_skill(STRONG.with_columns(subregion=pl.lit("Alaska")), "surface_offset", NAMES, models=["ridge"],
                        n_null=0)
    row = skill.to_frame().filter(scheme="region").row(0, named=True)
    assert row["skill"] is None
    assert row["reason"] == "one region only: nothing to hold out"
    assert np.isfinite(skill.of("ridge", "cluster"))


def test_skill_of_the_reference_is_zero_and_of_the_truth_one():
    y = np.array([1.0, 2.0, 4.0])
    assert beyond(y, y, y[::-1]) == 1
    assert beyond(y, y[::-1], y[::-1]) == 0


@pytest.mark.parametrize(("change", "message"), [
    (lambda t: t[:15], "15 rows have 'surface_offset' and a known place"),
    (lambda t: t.with_columns(snow_depth=pl.lit(float("inf"))), "infinite"),
    (lambda t: t.with_columns(snow_depth=pl.lit("deep")), "'deep' is not a number"),
    (lambda t: t.with_columns(surface_offset=pl.lit(1.0)), "nothing to explain"),
    (lambda t: t.with_columns(pl.lit(None, dtype=pl.Float64).alias(n) for n in NAMES), "missing in every row"),
])
def test_bad_tables_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        model_skill(change(STRONG), "surface_offset", NAMES)


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"predictors": ["snow_depht"]}, UnknownName, "Did you mean 'snow_depth'"),
    ({"predictors": ["snow_depth", "snow_depth"]}, UsageError, "named more than once"),
    ({"predictors": ["surface_offset"]}, UsageError, "cannot explain itself"),
    ({"schemes": ["basin"]}, UnknownName, "unknown scheme"),
    ({"models": ["forest"]}, UnknownName, "unknown model"),
    ({"n_null": -1}, UsageError, "n_null >= 0"),
])
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        model_skill(STRONG, "surface_offset", **arguments)
