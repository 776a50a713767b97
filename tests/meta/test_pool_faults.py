"""Too few studies, missing numbers, wrong arguments: a status, a reason or an error that names the row."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pytest

from talik.analysis.bayes_pool import bayes_pool
from talik.analysis.effects import LEFT_OUT
from talik.analysis.meta import pool, pool_many
from talik.analysis.meta_regression import meta_regression
from talik.analysis.publication_bias import begg, egger, trim_and_fill
from talik.analysis.sensitivity import cumulative, influence, leave_one_out
from talik.errors import DataError, UnknownName, UsageError
from talik.kernels.random_effects import INTERVALS, PREDICTIONS
from talik.kernels.tau2 import ESTIMATORS

FLOATS = ("mean", "se", "statistic", "p", "tau2", "tau2_se", "q", "q_p", "h", "i2", "i2_tau2", "prediction_se",
          "prediction_df", "common_mean", "common_se", "interval_df")
PAIRS = ("interval", "tau2_interval", "h_interval", "i2_interval", "prediction", "common_interval")


def every_nan_has_its_reason(p):
    for name in (*FLOATS, *PAIRS):
        assert np.isnan(getattr(p, name)).any() == (name in p.reasons), name
    frame = p.to_frame()
    assert frame.filter(pl.col("kind") == "overall")["reason"].is_null()[0] == (not p.reasons)


@pytest.mark.parametrize("ci", INTERVALS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_no_one_and_two_studies(ci, prediction):
    none = pool([np.nan, None], [0.1, 0.2], ci=ci, prediction=prediction)
    assert (none.status, none.k) == ("no study", 0)
    assert str(none) == "No study can be pooled. 2 of 2 rows left out (see `studies`)."
    one = pool([0.3], [0.1], ci=ci, prediction=prediction)
    assert (one.status, one.mean, one.se, one.q) == ("one study", 0.3, 0.1, 0.0)
    assert one.interval == pytest.approx((0.3 - 0.1959963985, 0.3 + 0.1959963985))
    two = pool([0.1, 0.6], [0.1, 0.2], ci=ci, prediction=prediction)
    assert two.status == "pooled"
    assert math.isfinite(two.tau2)
    for p in (none, one, two):
        every_nan_has_its_reason(p)


def test_two_studies_say_what_is_missing():
    p = pool([0.5, 0.5], [0.2, 0.3])
    assert p.reasons == {
        "h_interval": "two studies with Q of at most 2", "i2_interval": "two studies with Q of at most 2",
        "prediction": "2 studies are too few for HTS", "prediction_se": "2 studies are too few for HTS",
        "prediction_df": "2 studies are too few for HTS"}


@pytest.mark.parametrize("tau2", ESTIMATORS)
def test_equal_effects_are_pooled_without_heterogeneity(tau2):
    p = pool([0.7] * 4, [0.1, 0.2, 0.3, 0.4], tau2=tau2)
    assert (p.tau2, p.q, p.i2, p.h) == (0.0, 0.0, 0.0, 1.0)
    assert p.mean == 0.7
    assert p.tau2_interval == (0.0, 0.0)
    every_nan_has_its_reason(p)


def test_equal_effects_of_zero_have_no_hartung_knapp_statistic():
    p = pool([0.0, 0.0, 0.0], [0.1, 0.2, 0.3], ci="HK")
    assert (p.se, p.interval) == (0.0, (0.0, 0.0))
    assert p.reasons["statistic"] == p.reasons["p"] == "the standard error is 0 at a mean of 0"


def test_rows_that_cannot_be_used_stay_and_say_why():
    effect = [0.1, None, np.inf, 0.4, 0.5, 0.6, 0.7]
    se = [0.1, 0.1, 0.1, np.nan, np.inf, 0, 0.2]
    p = pool(effect, se, labels=list("abcdefg"))
    assert p.studies["reason"].to_list() == [None, *list(LEFT_OUT)[:5], None]
    assert np.isnan(p.weights).tolist() == [False, True, True, True, True, True, False]
    assert str(p).endswith("5 of 7 rows left out (see `studies`).")
    same = pool([0.1, 0.7], [0.1, 0.2])
    assert (p.mean, p.tau2, p.q) == (same.mean, same.tau2, same.q)
    with pytest.raises(ValueError, match="read-only"):
        p.weights[0] = 1


@pytest.mark.parametrize("container", [list, tuple, np.array, pl.Series, pd.Series, pd.array])
def test_containers(container):
    assert pool(container([0.1, 0.2, 0.4]), container([0.1, 0.2, 0.4])).k == 3


def test_numbers_as_text_and_a_single_number():
    assert pool(["0.1", " 0.2", ""], [0.1, 0.2, 0.3]).k == 2
    assert pool(0.1, 0.2).k == 1
    assert pool(pl.Series(["1", None]), pl.Series([1, 2])).k == 1
    assert pool([None, None], [None, 1]).k == 0


@pytest.mark.parametrize("call, error, message", [
    (lambda: pool([1, 2], [1]), DataError, "se: got 1 values, expected 2"),
    (lambda: pool([1, 2, 3], [1, -2, -1], labels=list("xyz")), DataError,
     r"se: row 2 \(y\) is -2; a standard error is positive \(2 such rows\)"),
    (lambda: pool([[1, 2]], [[1, 2]]), DataError, r"effect: got an array of shape \(1, 2\)"),
    (lambda: pool(["1", "two"], [1, 2]), DataError, "effect.*row 2.*'two' is not a number"),
    (lambda: pool([object()], [1]), DataError, "effect: got Object values, expected numbers"),
    (lambda: pool([1, 2], [1, 2], labels=["a"]), DataError, "labels: got 1 values, expected 2"),
    (lambda: pool([1, 2], [1, 2], labels="ab"), DataError, "labels: got one text, expected 2"),
    (lambda: pool([1, 2], [1, 2], subgroup=["a", None]), DataError, "subgroup: row 2 has none"),
    (lambda: pool([1, 2], [1e-60, 1]), DataError, "spans more than 1e\\+50; are the units the same"),
    (lambda: pool([1, 2], [1e-150, 1e-149]), DataError, "se: 1e-150 to 1e-149 cannot be squared; choose another unit"),
    (lambda: pool_many([[1, 2]], [1e-150, 1e-149]), DataError, "cannot be squared"),
    (lambda: pool([1], [1], tau2="RML"), UnknownName, "unknown tau2 'RML'. Did you mean 'REML'"),
    (lambda: pool([1], [1], tau2=-1.0), UsageError, "tau2: got -1.0, expected an estimator"),
    (lambda: pool([1], [1], ci="HKSJ"), UnknownName, "unknown ci 'HKSJ'"),
    (lambda: pool([1], [1], prediction="x"), UnknownName, "unknown prediction"),
    (lambda: pool([1], [1], tau2_interval="PL"), UnknownName, "unknown tau2_interval"),
    (lambda: pool([1], [1], level=95), UsageError, "level: got 95, expected a fraction"),
    (lambda: pool([1], [1], tau_common=True), UsageError, "tau_common=True needs subgroup"),
    (lambda: pool([1], [1], tau2="DL", ci="KR"), UsageError, "Kenward-Roger intervals rest on REML"),
    (lambda: pool_many([1, 2], [1, 2]), DataError, r"effects: got shape \(2,\), expected \(B, k\)"),
    (lambda: pool_many([[1, 2]], [[1, 2, 3]]), DataError, r"se: shape \(1, 3\) does not fit"),
    (lambda: pool_many([[1, 2]], [[1, -2]]), DataError, "se: row 1, study 2 is -2"),
    (lambda: meta_regression([1, 2], [1, 1], {"x": [1, 2]}), DataError, "2 studies cannot carry 2 coefficients"),
    (lambda: meta_regression([1, 2], [1, 1], {"x": [1]}), DataError, "moderators: got 1 rows, expected 2"),
    (lambda: meta_regression([1, 2], [1, 1], [1, 2]), UsageError, "moderators: got list, expected"),
    (lambda: meta_regression([1, 2], [1, 1], {"x": [1, 2]}, test="t"), UnknownName, "unknown test 't'"),
    (lambda: meta_regression([1], [1], {"x": [[1]]}), UsageError, "column 'x' holds List"),
    (lambda: leave_one_out(pool([1], [1])), DataError, "needs at least 2 studies, got 1"),
    (lambda: influence(pool([1, 2], [1, 1])), DataError, "needs at least 3 studies, got 2"),
    (lambda: cumulative(pool([], [])), DataError, "needs at least 1 study, got 0"),
    (lambda: cumulative(pool([1, 2], [1, 1]), by=[1]), DataError, "by: got 1 values, expected 2"),
    (lambda: cumulative(pool([1, 2], [1, 1]), by=[1, None]), DataError, "by: 1 studies have no value"),
    (lambda: egger(pool([1, 2], [1, 1])), DataError, "a funnel needs at least 3 studies, got 2"),
    (lambda: trim_and_fill(pool([1, 2, 3], [1, 1, 2]), side="up"), UnknownName, "unknown side 'up'"),
    (lambda: bayes_pool(pool([1, 2], [1, 1]), prior_scale=0), UsageError, "prior_scale: got 0, expected a positive"),
    (lambda: bayes_pool(pool([], []), prior_scale=1), DataError, "there is no study"),
])
def test_errors_say_which_row_and_what_was_expected(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_subgroups_without_data_or_with_one_study():
    p = pool([0.1, 0.2, 0.5, np.nan], [0.1, 0.1, 0.2, 0.1], subgroup=["a", "a", "b", "c"])
    assert list(p.subgroups) == ["a", "b", "c"]
    assert [g.k for g in p.subgroups.values()] == [2, 1, 0]
    assert p.between.df == 1
    assert p.subgroups["c"].status == "no study"
    frame = p.to_frame()
    assert frame["kind"].to_list() == ["study", *["study", "subgroup"] * 3, "overall"]
    assert frame.filter(pl.col("kind") == "subgroup")["weight"].sum() == pytest.approx(1)


def test_a_shared_tau2_needs_a_subgroup_of_two():
    p = pool([0.1, 0.9], [0.1, 0.1], subgroup=["a", "b"], tau_common=True)
    assert math.isnan(p.between.tau2)
    assert "taken as 0" in p.subgroups["a"].reasons["tau2"] or p.subgroups["a"].reasons["tau2"] == "one study"
    assert p.subgroups["a"].se == pytest.approx(0.1)


def test_a_given_tau2_has_no_interval():
    p = pool([0.1, 0.9, 0.3], [0.1, 0.1, 0.2], tau2=0.04)
    assert p.tau2 == pytest.approx(0.04)
    assert p.reasons == {"tau2_se": "tau² was given", "tau2_interval": "tau² was given"}


def test_a_regression_leaves_out_rows_without_moderator():
    moderators = {"x": [1, 2, None, 4, 6], "soil": ["a", "b", "a", "a", "b"]}
    r = meta_regression([0.1, 0.2, 0.5, 0.6, 0.9], [0.1] * 5, moderators)
    assert r.k == 4
    assert r.left_out.select("label", "reason").rows() == [("3", "moderator_missing")]
    assert r.coefficients["name"].to_list() == ["intercept", "x", "soil[b]"]
    assert "Meta-regression of 4 studies" in str(r)


def test_asymmetry_tests_without_a_result_say_so():
    flat = pool([0.1, 0.2, 0.4], [0.1, 0.1, 0.1])
    assert str(egger(flat)) == "Egger's test has no result: all standard errors are equal."
    assert begg(flat).reason == "all effects or all standard errors are equal"
    line = pool([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    assert egger(line).reason == "the regression fits perfectly"
    assert begg(line).to_frame()["p"][0] is not None
    assert math.isnan(begg(pool([1, 1, 1], [0.1, 0.2, 0.3])).p)
