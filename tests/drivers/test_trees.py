"""A table becomes a matrix, a matrix a model, a model a checked file."""

import json

import numpy as np
import polars as pl
import pytest

from talik.analysis.trees import TreeSettings, design, fit_booster, fit_trees, matrix_for, read_model
from talik.errors import DataError, FileError, UsageError


@pytest.fixture
def table():
    rng = np.random.default_rng(1)
    n = 60
    frame = pl.DataFrame({"site": [f"s{k}" for k in range(n)], "snow": rng.normal(size=n), "wind": rng.normal(size=n),
                          "alt": [None if k % 3 == 0 else float(k) for k in range(n)]})
    return frame.with_columns(so=pl.col("snow") * 2 + pl.col("alt").fill_null(40.0) / 30)


@pytest.fixture
def model(table):
    d = design(table, "so", ["snow", "wind", "alt"])
    return fit_trees(d.x, d.y, d.features, response="so", settings=TreeSettings(rounds=20), data_hash=d.data_hash)


def test_design_keeps_missing_predictors_and_counts_rows_without_a_response(table):
    table = table.with_columns(so=pl.when(pl.col("site") == "s7").then(None).otherwise(pl.col("so")))
    d = design(table, "so", ["snow", "alt"])
    assert d.x.shape == (59, 2)
    assert d.left_out == 1
    assert np.isnan(d.x[:, 1]).sum() == 20
    assert "s7" not in d.rows["site"]


def test_design_is_the_same_from_pandas_and_with_numbers_as_text(table):
    d = design(table, "so", ["snow", "alt"])
    for other in (table.to_pandas(), table.with_columns(pl.col("snow").cast(pl.String))):
        e = design(other, "so", ["snow", "alt"])
        np.testing.assert_array_equal(d.x, e.x)
        assert d.data_hash == e.data_hash


@pytest.mark.parametrize(("change", "message"), [
    (pl.lit("deep").alias("wind"), "'deep' is not a number"),
    (pl.lit(float("inf")).alias("wind"), "row 1: the value is infinite"),
    (pl.lit(3.0).alias("wind"), "predictor 'wind' is constant"),
    (pl.when(pl.int_range(60) < 9).then(None).otherwise(3.0).alias("wind"), r"wherever it is known \(51 of 60 rows\)"),
    (pl.lit(None, dtype=pl.Float64).alias("wind"), "missing in all 60 rows"),
    (pl.lit(2.0).alias("so"), "response 'so' is constant"),
    (pl.when(pl.int_range(60) < 19).then(1.0 * pl.int_range(60)).alias("so"), "19 rows have a value of 'so'"),
    (pl.date(2020, 1, 1).alias("wind"), "holds Date, expected numbers"),
])
def test_tables_that_cannot_carry_a_fit_are_refused(table, change, message):
    with pytest.raises(DataError, match=message):
        design(table.with_columns(change), "so", ["snow", "wind", "alt"])


@pytest.mark.parametrize(("predictors", "message"), [
    ([], "at least one column"), ("snow", "a list"), (["snow", "snow"], "named more than once"),
    (["so", "snow"], "is the response itself"), (["snwo"], "Did you mean 'snow'"),
])
def test_predictors_that_cannot_be_meant_are_refused(table, predictors, message):
    with pytest.raises(UsageError, match=message):
        design(table, "so", predictors)


def test_a_name_that_models_cannot_store_is_refused(table):
    with pytest.raises(UsageError, match="rename the column"):
        design(table.rename({"snow": "snow [m]"}), "so", ["snow [m]"])


def test_whole_weights_act_as_copies(table):
    d = design(table, "so", ["snow", "wind", "alt"])
    weight = np.random.default_rng(2).integers(1, 4, len(d.y))
    settings = TreeSettings(rounds=10, max_depth=3)
    weighted, _ = fit_booster(d.x, d.y, settings, weight=weight)
    copied, _ = fit_booster(np.repeat(d.x, weight, 0), np.repeat(d.y, weight), settings)
    import xgboost

    a, b = (m.predict(xgboost.DMatrix(d.x)) for m in (weighted, copied))
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_early_stopping_uses_the_best_round(table):
    d = design(table, "so", ["snow", "wind", "alt"])
    settings = TreeSettings(patience=3, eta=0.5)
    noise = np.random.default_rng(3).normal(size=40)
    booster, rounds = fit_booster(d.x[:20], d.y[:20], settings, validation=(d.x[20:], noise))
    assert rounds == booster.best_iteration + 1 < booster.num_boosted_rounds() == rounds + 3
    with pytest.raises(UsageError, match="needs both"):
        fit_booster(d.x, d.y, settings)


def test_base_score_none_is_the_mean(table):
    d = design(table, "so", ["snow"])
    mean = fit_trees(d.x, d.y, d.features, response="so", settings=TreeSettings(rounds=1, eta=1e-6))
    np.testing.assert_allclose(mean.predict(d.x), d.y.mean(), atol=1e-4)


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"eta": 0.0}, {"max_depth": 0}, {"tree_method": "gpu"}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(UsageError, match="expected"):
        TreeSettings(**wrong)


def test_a_stored_model_predicts_the_same_and_knows_what_it_was_fitted_on(model, table, tmp_path):
    again = read_model(model.write(tmp_path / "so.json"))
    np.testing.assert_array_equal(model.predict(table), again.predict(table))
    for name in ("rounds", "features", "response", "settings", "n_rows", "data_hash", "ranges"):
        assert getattr(again, name) == getattr(model, name)
    assert again.ranges["alt"] == (1.0, 59.0, 20)
    assert (tmp_path / "so.json").read_bytes() == again.write(tmp_path / "twice.json").read_bytes()


def test_a_pruned_model_can_be_stored(table, tmp_path):
    d = design(table, "so", ["snow", "wind", "alt"])
    pruned = fit_trees(d.x, d.y, d.features, response="so", settings=TreeSettings(rounds=5, gamma=4.0))
    np.testing.assert_array_equal(read_model(pruned.write(tmp_path / "so.json")).predict(table), pruned.predict(table))


def test_a_stored_model_opens_in_xgboost_itself(model, table, tmp_path):
    import xgboost

    booster = xgboost.Booster(model_file=model.write(tmp_path / "so.json"))
    x = table.select(model.features).to_numpy()
    got = booster.predict(xgboost.DMatrix(x, feature_names=list(model.features)))
    np.testing.assert_allclose(got, model.predict(table), atol=1e-6)


def test_columns_are_taken_by_name_and_a_misfit_is_said(model, table):
    shuffled = table.select("wind", "alt", "site", "snow")
    np.testing.assert_array_equal(model.predict(shuffled), model.predict(table))
    with pytest.raises(UsageError, match="'alt' is not among the columns"):
        model.predict(table.drop("alt"))
    with pytest.raises(UsageError, match=r"got shape \(2, 5\), the model expects \(n, 3\)"):
        model.predict(np.zeros((2, 5)))
    with pytest.raises(DataError, match="1 infinite values"):
        matrix_for([[1.0, np.inf]], ("a", "b"))
    with pytest.raises(DataError, match="cannot be read as numbers"):
        matrix_for([["x", 1.0]], ("a", "b"))


def test_models_are_stored_as_json_only(model, tmp_path):
    with pytest.raises(UsageError, match="models are stored as"):
        model.write(tmp_path / "so.pkl")


def test_every_damage_to_a_stored_model_is_found_before_xgboost_sees_it(model, tmp_path):
    content = model.write(tmp_path / "so.json").read_bytes()
    rng = np.random.default_rng(4)
    damaged = [content[: len(content) // 2], b"", b"[]", b"{}", b'{"talik_sha256": 1, "learner": 3}', b"\xff" * 40]
    for place in rng.integers(0, len(content), 200):
        one = bytearray(content)
        one[place] ^= 1 << int(rng.integers(0, 8))
        damaged.append(bytes(one))
    quiet = 0
    for bad in damaged:
        (tmp_path / "bad.json").write_bytes(bad)
        try:
            again = read_model(tmp_path / "bad.json")
        except FileError:
            continue
        quiet += 1   # white space or the exponent's letter may change without meaning anything
        assert json.loads(bad) == json.loads(content)
        assert again.rounds == model.rounds
    assert quiet < 20


def test_trees_that_point_outside_are_refused_even_with_a_fitting_checksum(model, tmp_path):
    from talik.analysis import trees

    document = json.loads(model.write(tmp_path / "so.json").read_bytes())
    del document["talik_sha256"]
    tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
    for key, value in (("left_children", 10**6), ("split_indices", 77), ("left_children", 0)):
        forged = json.loads(json.dumps(document))
        forged["learner"]["gradient_booster"]["model"]["trees"][0][key] = [value, *tree[key][1:]]
        forged["talik_sha256"] = trees._digest(forged)
        (tmp_path / "forged.json").write_text(json.dumps(forged))
        with pytest.raises(FileError, match="tree 0 is not a tree"):
            read_model(tmp_path / "forged.json")


def test_a_model_of_a_later_format_is_refused(model, tmp_path, monkeypatch):
    from talik.analysis import trees

    monkeypatch.setattr(trees, "_FORMAT", 2)
    path = model.write(tmp_path / "so.json")
    monkeypatch.undo()
    with pytest.raises(FileError, match="stored in format 2, this talik reads 1"):
        read_model(path)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FileError, match="cannot be read"):
        read_model(tmp_path / "none.json")
