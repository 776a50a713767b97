"""Exact contributions: equal to xgboost's own, additive, for every kind of tree; and models that are refused."""

import json
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from talik import contributions, interactions
from talik.analysis.contributions import tree_arrays
from talik.analysis.trees import TreeSettings, fit_trees
from talik.errors import DataError, UsageError
from talik.kernels import treeshap
from talik.kernels.tree_tables import depth, fill, pieces, plan


def random_data(seed, n, p, missing=0.2, ties=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    if ties:
        x = np.round(x)
    x[rng.random(x.shape) < missing] = np.nan
    known = np.nan_to_num(x)
    y = known[:, 0] * known[:, -1] + np.sin(3 * known[:, p // 2]) + rng.normal(size=n) * 0.3
    return x, y


def fit(x, y, rounds=10, **parameters):
    return xgboost.train({"nthread": 1, "eta": 0.3, **parameters}, xgboost.DMatrix(x, y, nthread=1), rounds)


def expected(booster, x, what="pred_contribs", rounds=0):
    return booster.predict(xgboost.DMatrix(x, nthread=1), iteration_range=(0, rounds), **{what: True})


def assert_exact(booster, x, rounds=None):
    got = contributions(booster, x, engine="tables", rounds=rounds)
    want = expected(booster, x, rounds=rounds or 0)
    margin = expected(booster, x, "output_margin", rounds or 0)
    scale = max(1.0, abs(want).max())
    np.testing.assert_allclose(got, want, atol=1e-5 * scale, rtol=0)
    np.testing.assert_allclose(got.sum(axis=1), margin, atol=1e-5 * scale, rtol=0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), p=st.integers(1, 20), deep=st.integers(1, 8), missing=st.sampled_from([0, 0.3, 0.9]),
       ties=st.booleans(), method=st.sampled_from(["exact", "hist"]), gamma=st.sampled_from([0.0, 3.0]),
       child=st.sampled_from([0.1, 1.0, 30.0]), base=st.sampled_from([None, 0.5, -1000.0]),
       objective=st.sampled_from(["reg:squarederror", "binary:logistic", "count:poisson", "reg:absoluteerror"]))
def test_tables_equal_xgboost_for_random_models(seed, p, deep, missing, ties, method, gamma, child, base, objective):
    x, y = random_data(seed, 150, p, missing, ties)
    if objective in ("binary:logistic", "count:poisson"):
        y, base = (y > 0).astype(float), 0.3 if base else None
    start = {} if base is None else {"base_score": base}
    booster = fit(x, y, 6, max_depth=deep, tree_method=method, gamma=gamma, min_child_weight=child, objective=objective,
                  **start)
    rows = np.vstack([x[:20], np.full((1, p), np.nan), np.random.default_rng(seed).normal(size=(20, p)) * 3])
    assert_exact(booster, rows)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), p=st.integers(2, 12), deep=st.integers(1, 8), missing=st.sampled_from([0.0, 0.4]))
def test_interactions_equal_xgboost_for_random_models(seed, p, deep, missing):
    x, y = random_data(seed, 120, p, missing)
    booster = fit(x, y, 5, max_depth=deep)
    pairs = [(i, j) for i in range(p) for j in range(p) if i != j][::2]
    whole = expected(booster, x[:30], "pred_interactions")
    got = interactions(booster, x[:30], pairs, engine="tables")
    for k, (i, j) in enumerate(pairs):
        np.testing.assert_allclose(got[:, k], whole[:, i, j], atol=1e-5 * max(1, abs(whole).max()), rtol=0)


def test_interactions_do_not_depend_on_who_answers():
    x, y = random_data(1, 200, 6)
    model = fit_trees(x, y, list("abcdef"), response="so", settings=TreeSettings(rounds=8, max_depth=4))
    pairs = [("a", "f"), ("f", "a"), ("b", 2)]
    tables, theirs = (interactions(model, x, pairs, engine=e) for e in ("tables", "xgboost"))
    np.testing.assert_allclose(tables, theirs, atol=1e-5)
    np.testing.assert_array_equal(tables[:, 0], tables[:, 1])
    assert interactions(model, x, []).shape == (200, 0)
    assert interactions(model, x[:0], pairs).shape == (0, 3)


@pytest.mark.parametrize("p", [1, 7, 8, 9, 40, 300])
def test_any_number_of_predictors(p):
    x, y = random_data(p, 300, p)
    assert_exact(fit(x, y, 8, max_depth=6), x)


@pytest.mark.parametrize("deep", [6, 7, 8])
def test_many_rows_with_larger_tables_and_threads(deep):
    x, y = random_data(2, 2_500, 10)
    booster = fit(x, y, 5, max_depth=deep)
    assert_exact(booster, x)
    one, two = (contributions(booster, np.tile(x, (9, 1)), engine="tables", threads=k) for k in (1, 2))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one[:2_500], one[-2_500:])


def test_tables_in_pieces_give_the_same_sum(monkeypatch):
    x, y = random_data(3, 400, 5)
    booster = fit(x, y, 12, max_depth=5)
    whole = contributions(booster, x, engine="tables")
    monkeypatch.setattr(treeshap, "_TABLE_VALUES", 1_000)
    trees = tree_arrays(booster, 12)
    cut = plan(trees, np.arange(5, dtype=np.int32), np.full(5, -1, np.int32), 6)
    parts = pieces(cut, 1_000)
    assert len(parts) > 3
    assert parts[0][0] == 0
    assert parts[-1][1] == cut.units.size
    assert all(a[1] == b[0] for a, b in pairwise(parts))
    assert sum(fill(trees, cut, *part).size for part in parts) == cut.start[-1]
    np.testing.assert_allclose(contributions(booster, x, engine="tables"), whole, atol=1e-6)


def test_the_same_feature_many_times_on_a_path():
    x, y = random_data(4, 500, 1, missing=0.1)
    booster = fit(x, np.nan_to_num(y), 4, max_depth=8, min_child_weight=0)
    assert depth(tree_arrays(booster, 4)) == 8
    assert_exact(booster, x)


def test_trees_of_a_single_leaf_contribute_to_the_mean_only():
    x, y = random_data(5, 300, 3)
    booster = fit(x, y, 3, gamma=1e9)
    got = contributions(booster, x, engine="tables")
    assert (got[:, :3] == 0).all()
    assert_exact(booster, x)
    mixed = fit(x, y, 12, gamma=8.0, max_depth=3)
    leaves = [tree.count("leaf") for tree in mixed.get_dump()]
    assert min(leaves) == 1 < max(leaves)
    assert_exact(mixed, x)


def test_values_on_a_threshold_go_right_as_in_xgboost():
    x = np.arange(300.0)[:, None] % 7
    booster = fit(x, (x[:, 0] > 3).astype(float), 3, max_depth=3)
    thresholds = np.unique(tree_arrays(booster, 3).threshold)
    assert_exact(booster, np.concatenate([thresholds, np.nextafter(thresholds, np.float32(-9))])[:, None].astype(float))


def test_a_predictor_that_no_split_uses_contributes_nothing():
    x, y = random_data(6, 400, 4)
    x[:, 1] = np.nan
    got = contributions(fit(x, y, 10), x, engine="tables")
    assert (got[:, 1] == 0).all()
    assert abs(got[:, 0]).max() > 0


def test_contributions_scale_and_shift_with_the_response():
    x, y = random_data(7, 300, 5)
    a, b = (contributions(fit(x, z, 10, base_score=s, tree_method="exact"), x, engine="tables")
            for z, s in ((y, 0.0), (4 * y + 32, 32.0)))
    np.testing.assert_allclose(b[:, :-1], 4 * a[:, :-1], atol=1e-3)
    np.testing.assert_allclose(b[:, -1], 4 * a[:, -1] + 32, atol=1e-3)


def test_rounds_are_those_the_model_predicts_with():
    x, y = random_data(8, 400, 4)
    booster = fit(x, y, 12)
    assert_exact(booster, x, 5)
    estimator = xgboost.XGBRegressor(n_estimators=60, early_stopping_rounds=2, learning_rate=0.9, n_jobs=1)
    estimator.fit(x[:200], y[:200], eval_set=[(x[200:], y[200:])], verbose=False)
    best = estimator.best_iteration + 1
    assert best < estimator.get_booster().num_boosted_rounds()
    for engine in ("tables", "xgboost"):
        np.testing.assert_allclose(contributions(estimator, x, engine=engine).sum(1), estimator.predict(x), atol=1e-5)
    for wrong in (0, 13, -1):
        with pytest.raises(UsageError, match=f"got {wrong}, the model has 12"):
            contributions(booster, x, rounds=wrong)


def test_a_fill_value_known_to_the_estimator_is_missing():
    x, y = random_data(9, 300, 3)
    estimator = xgboost.XGBRegressor(n_estimators=5, missing=-999.0, n_jobs=1).fit(np.nan_to_num(x, nan=-999.0), y)
    np.testing.assert_array_equal(contributions(estimator, np.nan_to_num(x, nan=-999.0)), contributions(estimator, x))
    predicted = estimator.predict(np.nan_to_num(x, nan=-999.0))
    np.testing.assert_allclose(contributions(estimator, x).sum(1), predicted, atol=1e-5)


def test_forests_of_parallel_trees():
    x, y = random_data(10, 300, 6)
    booster = fit(x, y, 3, num_parallel_tree=4, subsample=0.7, colsample_bynode=0.5)
    assert_exact(booster, x)
    assert_exact(booster, x, 2)


def test_deeper_trees_are_left_to_xgboost():
    x, y = random_data(11, 600, 4)
    booster = fit(x, y, 3, max_depth=12, min_child_weight=0)
    assert depth(tree_arrays(booster, 3)) > 8
    np.testing.assert_array_equal(contributions(booster, x), expected(booster, x))
    pair = interactions(booster, x, [(0, 3)])[:, 0]
    np.testing.assert_array_equal(pair, expected(booster, x, "pred_interactions")[:, 0, 3])
    with pytest.raises(UsageError, match="at most 8 splits"):
        contributions(booster, x, engine="tables")


def test_few_rows_and_many_rows_agree():
    x, y = random_data(12, 600, 8)
    booster = fit(x, y, 20)
    np.testing.assert_allclose(contributions(booster, x)[:100], contributions(booster, x[:100]), atol=1e-5)
    assert contributions(booster, x[:0], engine="tables").shape == (0, 9)


def test_tables_of_columns_and_rounds_of_a_stored_model():
    x, y = random_data(13, 300, 3)
    model = fit_trees(x[:200], y[:200], ("snow", "wind", "alt"), response="so", validation=(x[200:], y[200:]),
                      settings=TreeSettings(patience=2, eta=0.9))
    frame = pl.DataFrame(x, schema=["snow", "wind", "alt"]).select("alt", "wind", "snow").with_columns(site=pl.lit("a"))
    assert model.rounds < model.booster.num_boosted_rounds()
    for engine in ("tables", "xgboost"):
        for table in (frame, frame.to_pandas(), x):
            got = contributions(model, table, engine=engine)
            np.testing.assert_allclose(got.sum(1), model.predict(x), atol=1e-5)
    with pytest.raises(UsageError, match="'wind' is not among the columns"):
        contributions(model, frame.drop("wind"))


def other_models():
    x, y = random_data(14, 60, 3, missing=0)
    cats = pl.DataFrame({"a": x[:, 0], "b": pl.Series(["u", "v"] * 30, dtype=pl.Categorical)}).to_pandas()
    yield fit(x, y, 2, booster="gblinear"), "its booster is 'gblinear'"
    yield fit(x, np.arange(60) % 3, 2, objective="multi:softprob", num_class=3), "several outputs"
    yield fit(x, np.column_stack([y, y]), 2), "several outputs"
    yield xgboost.train({"nthread": 1}, xgboost.DMatrix(cats, y, enable_categorical=True), 2), "categorical features"
    yield xgboost.XGBRegressor(), "not fitted yet"
    yield "model.json", "got str"


@pytest.mark.filterwarnings("ignore:.*deprecated")
@pytest.mark.parametrize("number", range(6))
def test_models_that_cannot_be_explained_exactly_are_refused(number):
    model, message = list(other_models())[number]
    with pytest.raises(UsageError, match=message):
        contributions(model, np.zeros((4, 3)))


@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_dropout_is_refused_or_weighed_never_ignored():
    x, y = random_data(16, 300, 3)
    booster = fit(x, y, 10, booster="dart", rate_drop=0.5)
    if json.loads(booster.save_config())["learner"]["learner_train_param"]["booster"] == "gbtree":   # xgboost >= 3.4
        assert_exact(booster, x)
    else:
        with pytest.raises(UsageError, match="its booster is 'dart'"):
            contributions(booster, x)


def test_rows_that_do_not_fit_the_model_are_refused():
    x, y = random_data(15, 60, 3)
    booster = fit(x, y, 2)
    with pytest.raises(UsageError, match=r"got shape \(60, 2\), the model expects \(n, 3\)"):
        contributions(booster, x[:, :2])
    with pytest.raises(DataError, match="2 infinite values"):
        contributions(booster, np.where(np.arange(180).reshape(60, 3) < 2, np.inf, x))
    with pytest.raises(UsageError, match="unknown engine 'fast'"):
        contributions(booster, x, engine="fast")
    for pairs, message in (([(1, 1)], "two different"), (["ab"], "two different"), ([(0, 3)], "no predictor number 3"),
                           ([("a", 1)], "the model has no names")):
        with pytest.raises(UsageError, match=message):
            interactions(booster, x, pairs)
