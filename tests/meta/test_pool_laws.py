"""What must hold whatever the data: invariances, identities, limits; exact fractions where R's digits fail."""

from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talik
from talik.analysis.bayes_pool import bayes_pool
from talik.analysis.meta import pool, pool_many
from talik.analysis.meta_regression import meta_regression
from talik.analysis.publication_bias import begg, egger, trim_and_fill
from talik.analysis.sensitivity import cumulative, influence, leave_one_out
from talik.kernels.quadratic_forms import weighted_chi_square_cdf
from talik.kernels.roots import bracketed_roots
from talik.kernels.studies import log_likelihood, standardised
from talik.kernels.tau2 import ESTIMATORS, estimate

NUMBERS = ("mean", "se", "tau2", "q", "i2", "h", "common_mean", "common_se", "q_p", "p")


@st.composite
def data(draw, least=2, most=9):
    k = draw(st.integers(least, most))
    y = draw(st.lists(st.integers(-400, 400), min_size=k, max_size=k))
    s = draw(st.lists(st.integers(5, 200), min_size=k, max_size=k))
    return np.array(y) / 100, np.array(s) / 100


def same(a, b, rtol=1e-8, atol=1e-9):
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


@settings(max_examples=25, deadline=None)
@given(data(), st.integers(-(10**6), 10**6), st.sampled_from(ESTIMATORS))
def test_a_common_shift_moves_the_mean_and_nothing_else(d, shift, tau2):
    y, s = d
    a, b = pool(y, s, tau2=tau2), pool(y + shift, s, tau2=tau2)
    same(b.mean - shift, a.mean, atol=1e-8)
    same([b.se, b.tau2, b.q, *b.tau2_interval], [a.se, a.tau2, a.q, *a.tau2_interval], rtol=1e-6, atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(data(), st.integers(-120, 120), st.sampled_from(ESTIMATORS))
def test_the_unit_does_not_matter(d, power, tau2):
    y, s = d
    unit = 2.0**power
    a, b = pool(y, s, tau2=tau2), pool(y * unit, s * unit, tau2=tau2)
    same([b.mean / unit, b.se / unit, b.tau2 / unit**2], [a.mean, a.se, a.tau2])
    same(np.array(b.tau2_interval) / unit**2, a.tau2_interval)
    same([b.q, b.i2, b.h, b.q_p, b.p, b.i2_tau2], [a.q, a.i2, a.h, a.q_p, a.p, a.i2_tau2])
    same(np.array(b.prediction) / unit, a.prediction)


@settings(max_examples=25, deadline=None)
@given(data(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(d, random):
    y, s = d
    order = list(range(len(y)))
    random.shuffle(order)
    a, b = pool(y, s), pool(y[order], s[order])
    same([getattr(b, n) for n in NUMBERS], [getattr(a, n) for n in NUMBERS])
    same(b.weights, a.weights[order])


@settings(max_examples=25, deadline=None)
@given(data())
def test_every_study_twice_keeps_the_likelihoods_tau2_and_halves_the_variance(d):
    y, s = d
    a, b = pool(y, s, tau2="ML"), pool(np.tile(y, 2), np.tile(s, 2), tau2="ML")
    same([b.tau2, b.mean, b.se * np.sqrt(2), b.q], [a.tau2, a.mean, a.se, 2 * a.q], rtol=1e-7, atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(data(), st.sampled_from(ESTIMATORS))
def test_a_mean_lies_within_its_effects_and_weights_sum_to_one(d, tau2):
    y, s = d
    p = pool(y, s, tau2=tau2, ci="HK_ci")
    assert y.min() - 1e-9 <= p.mean <= y.max() + 1e-9
    assert p.interval[0] <= p.mean <= p.interval[1]
    assert p.tau2 >= 0 <= p.tau2_interval[0] <= p.tau2_interval[1]
    assert 0 <= p.i2 <= 1 <= p.h
    same([p.weights.sum(), p.weights @ y], [1.0, p.mean])


@settings(max_examples=20, deadline=None)
@given(data(least=3))
def test_reml_finds_the_global_maximum(d):
    y, s = d
    studies = standardised(y[None], s[None])
    tau2 = estimate(studies, "REML").tau2
    grid = np.append(0.0, np.geomspace(1e-6, 1e5, 4000))[:, None]
    best = log_likelihood(studies, grid, restricted=True).max()
    assert log_likelihood(studies, tau2[None], restricted=True)[0, 0] >= best - 1e-10


def test_one_call_for_many_gives_what_many_calls_give():
    rng = np.random.default_rng(1)
    y, s = rng.normal(size=(20, 6)), rng.uniform(0.1, 1, (20, 6))
    y[3, 2] = s[4, 1] = np.nan
    s[5] = 0
    s[6, 1:] = np.nan
    for tau2, ci in (("REML", "classic"), ("PM", "HK"), (0.3, "HK_se"), ("DL", "HK_IQWiG6"), ("REML", "KR")):
        many = pool_many(y, s, tau2=tau2, ci=ci)
        single = [pool(a, b, tau2=tau2, ci=ci) for a, b in zip(y, s, strict=True)]
        for name in ("mean", "se", "tau2", "q", "q_p", "i2", "h", "k"):
            same(getattr(many, name), [getattr(p, name) for p in single], rtol=1e-12)
        same(many.low, [p.interval[0] for p in single], rtol=1e-12)
    frame = many.to_frame()
    assert frame.filter(pl.col("k") < 2)["reason"].to_list() == ["no study", "one study"]
    assert "20 meta-analyses of 0 to 6 studies" in str(many)


def test_equal_standard_errors_have_a_closed_form():
    y, s = np.array([1.0, 2.0, 4.0, 4.5]), 0.3
    expected = y.var(ddof=1) - s**2
    for tau2 in ("DL", "REML", "PM", "HE", "EB"):
        p = pool(y, np.full(4, s), tau2=tau2)
        same([p.tau2, p.mean, p.se], [expected, y.mean(), np.sqrt((s**2 + expected) / 4)], rtol=1e-12)


def test_several_maxima_of_the_likelihood_are_said():
    p = pool([0.0, 0.0, 0.0, 10.0, -10.0, 8.0], [1e-3, 1e-3, 1e-3, 1.0, 1.0, 1.0])
    assert p.modes == 2
    assert "2 maxima; the highest is taken" in str(p)


def test_one_dominating_study_loses_no_digits():
    """Against exact fractions: R's sums of squares of weights cancel here."""
    y = [Fraction(n, 100) for n in (10, 20, 15, 12, 30)]
    v = [Fraction(1, 10**8) ** 2, *(Fraction(n, 100) ** 2 for n in (20, 10, 30, 25))]
    w = [1 / x for x in v]
    total, square, cube = (sum(x**n for x in w) for n in (1, 2, 3))
    trace, trace2 = total - square / total, square - 2 * cube / total + (square / total) ** 2
    assert sum(a * b for a, b in zip(w, y, strict=True)) / total > y[0]
    p = pool([float(a) for a in y], [1e-8, 0.2, 0.1, 0.3, 0.25], ci="KR", prediction="V")
    same(p.tau2_se, (2 / float(trace2)) ** 0.5, rtol=1e-12)
    variance = 1 / total + 4 * (cube - square**2 / total) / (trace2 * total**2)
    same(p.se, float(variance) ** 0.5, rtol=1e-12)
    same(pool([float(a) for a in y], [1e-8, 0.2, 0.1, 0.3, 0.25], tau2="DL").tau2_se,
         float(8 / trace**2) ** 0.5, rtol=1e-12)
    left = leave_one_out(p).table["q"].to_list()
    same(left[1], 0.25 + 0.02**2 / 0.09 + 0.64, rtol=1e-12)


def test_the_moment_interval_cuts_the_statistics_tails():
    """At the ends of BJ's interval the statistic lies at its own 2.5 and 97.5 % points, by simulation."""
    y, s = np.array([0.1, 0.9, -0.4, 0.6, 1.4]), np.array([0.2, 0.3, 0.25, 0.4, 0.15])
    p = pool(y, s, tau2_interval="BJ")
    rng = np.random.default_rng(4)
    for tau2, expected in zip(p.tau2_interval, (0.975, 0.025), strict=True):
        z = rng.normal(size=(200_000, 5)) * np.sqrt(s**2 + tau2)
        w = s**-2.0
        q = (w * (z - ((w * z).sum(1) / w.sum())[:, None]) ** 2).sum(1)
        assert abs((q <= p.q).mean() - expected) < 0.002


@pytest.mark.parametrize("n", [1, 2, 7, 100, 1000])
def test_equal_weights_make_a_chi_square(n):
    from scipy.special import chdtr

    x = np.array([0.1, 0.7, 1.0, 1.6, 3.0]) * n
    same(weighted_chi_square_cdf(x, np.ones((5, n))), chdtr(n, x), rtol=0, atol=1e-10)


def test_two_pairs_of_weights_have_a_closed_form():
    for a, b in ((1.0, 0.5), (1.0, 1e-6)):
        x = np.array([0.1, 1.0, 9.0])
        expected = 1 - (a * np.exp(-x / 2 / a) - b * np.exp(-x / 2 / b)) / (a - b)
        same(weighted_chi_square_cdf(x, np.tile([a, a, b, b], (3, 1))), expected, rtol=0, atol=1e-13)


def test_roots_need_a_change_of_sign():
    ends = np.array([0.0, 1.0]), np.array([1.0, 2.0])
    found = bracketed_roots(lambda x, i: x - 0.25, *ends, ends[0] - 0.25, ends[1] - 0.25)
    assert found[0] == 0.25
    assert np.isnan(found[1])


def test_leaving_out_and_adding_agree_with_pooling_the_rest():
    y, s = np.array([0.1, 0.5, -0.2, 1.0]), np.array([0.1, 0.2, 0.15, 0.3])
    p = pool([*y, 9.0], [*s, 0.0], labels=list("abcde"), ci="HK")
    left = leave_one_out(p).table
    assert left["label"].to_list() == list("abcd")
    for i in range(4):
        rest = pool(np.delete(y, i), np.delete(s, i), ci="HK")
        same([left["mean"][i], left["se"][i], left["tau2"][i], left["low"][i]],
             [rest.mean, rest.se, rest.tau2, rest.interval[0]], rtol=1e-12)
    grown = cumulative(p, by=[4, 3, 2, 1, 0]).table
    assert grown["label"].to_list() == list("dcba")
    assert grown["reason"].to_list() == ["one study", None, None, None]
    same(grown["mean"][3], p.mean, rtol=1e-12)
    same(grown["mean"][0], 1.0)
    assert cumulative(p).table["k"].to_list() == [1, 2, 3, 4]
    moved = influence(p)
    same(moved.table["q_contribution"].sum(), p.q, rtol=1e-12)
    assert "moves the mean most" in str(moved)
    assert "between" in str(leave_one_out(p))


def test_a_regression_on_groups_is_the_test_between_groups_with_one_tau2():
    y, s = [0.1, 0.4, 0.2, 0.9, 1.4, 1.1], [0.1, 0.2, 0.1, 0.2, 0.3, 0.1]
    group = ["a", "a", "a", "b", "b", "b"]
    p = pool(y, s, subgroup=group, tau_common=True, moderators={"group": group})
    same([p.regression.qm, p.regression.tau2, p.regression.qe],
         [p.between.q, p.between.tau2, p.between.q_within], rtol=1e-10)
    same(p.regression.coefficients["estimate"][1], p.subgroups["b"].mean - p.subgroups["a"].mean, rtol=1e-9)


def test_a_regression_on_nothing_is_the_pool():
    y, s = [0.1, 0.4, 0.2, 0.9], [0.1, 0.2, 0.1, 0.2]
    r, p = meta_regression(y, s, {"same": [3, 3, 3, 3]}), pool(y, s)
    same([r.coefficients["estimate"][0], r.coefficients["se"][0], r.tau2], [p.mean, p.se, p.tau2], rtol=1e-10)
    assert r.coefficients["reason"].to_list() == [None, "adds nothing to the columns before it"]
    assert r.coefficients["estimate"][1] is None


@settings(max_examples=15, deadline=None)
@given(data(least=5), st.integers(-1000, 1000), st.integers(1, 1000))
def test_a_moderators_origin_and_unit_do_not_matter(d, shift, unit):
    y, s = d
    x = np.arange(y.size) % 3 + np.linspace(0, 1, y.size)
    a = meta_regression(y, s, {"x": x, "z": x**2}, test="knha")
    b = meta_regression(y, s, {"x": x * unit + shift, "z": x**2}, test="knha")
    same([b.coefficients["estimate"][1] * unit, b.coefficients["se"][1] * unit, b.tau2, b.qm, b.qe],
         [a.coefficients["estimate"][1], a.coefficients["se"][1], a.tau2, a.qm, a.qe], rtol=1e-5, atol=1e-7)


def test_bayes_agrees_with_brute_force():
    y, s, scale = np.array([0.1, 0.5, -0.2, 1.0]), np.array([0.1, 0.2, 0.15, 0.3]), 0.4
    b = bayes_pool(pool(y, s), prior_scale=scale)
    tau, mu = np.linspace(1e-4, 3.0, 1500), np.linspace(-4, 5, 1800)
    spread = np.sqrt(s**2 + tau[:, None, None] ** 2)
    density = np.exp(-0.5 * (((y - mu[:, None]) / spread) ** 2).sum(-1) - np.log(spread).sum(-1)
                     - 0.5 * (tau[:, None] / scale) ** 2)
    density /= density.sum()
    same([b.mean, b.tau], [(density.sum(0) * mu).sum(), (density.sum(1) * tau).sum()], rtol=2e-3)
    for got, x, mass in ((b.interval, mu, density.sum(0)), (b.tau_interval, tau, density.sum(1))):
        same(got, np.interp([0.025, 0.975], mass.cumsum() - mass / 2, x), rtol=2e-3)
    assert b.prediction[0] < b.interval[0] < b.median < b.interval[1] < b.prediction[1]
    assert b.to_frame()["quantity"].to_list() == ["mean", "tau", "prediction"]
    sharp = bayes_pool(pool(y, s), prior_scale=1e-6)
    same([sharp.mean, sharp.sd], [pool(y, s).common_mean, pool(y, s).common_se], rtol=1e-6)


def test_the_bootstrap_interval_carries_the_uncertainty_of_tau2():
    y, s = [0.1, 0.9, -0.4, 0.6, 1.4], [0.2, 0.3, 0.25, 0.4, 0.15]
    a = pool(y, s, prediction="bootstrap", seed=1)
    assert a.prediction == pool(y, s, prediction="bootstrap", seed=1).prediction
    b = pool(y, s, prediction="bootstrap", seed=2)
    same(a.prediction, b.prediction, rtol=0.1)
    normal = pool(y, s, prediction="normal").prediction
    assert a.prediction[0] < normal[0] < normal[1] < a.prediction[1]
    assert a.reasons == {"prediction_df": "the bootstrap has none"}


def test_a_symmetric_funnel_is_symmetric():
    y, s = np.array([-1.0, 1.0, -0.5, 0.5, 0.0]), np.array([0.5, 0.5, 0.3, 0.3, 0.1])
    p = pool(y, s)
    assert abs(egger(p).estimate) < 1e-12
    assert begg(p).estimate == 0
    for side in ("left", "right"):
        assert trim_and_fill(p, side=side).missing == 0
    lopsided = trim_and_fill(pool([0.1, 0.12, 0.3, 0.5, 0.9], [0.1, 0.1, 0.2, 0.3, 0.4]), model="random")
    assert lopsided.side == "left"
    assert lopsided.missing == 2
    assert lopsided.filled.mean < lopsided.mean_before
    assert lopsided.to_frame()["is_filled"].sum() == 2


def test_wider_intervals_at_higher_levels_and_the_pools_public_names():
    y, s = [0.1, 0.5, -0.2, 1.0], [0.1, 0.2, 0.15, 0.3]
    a, b = talik.pool(y, s, level=0.8), talik.pool(y, s, level=0.99)
    for name in ("interval", "tau2_interval", "i2_interval", "prediction"):
        assert getattr(b, name)[0] <= getattr(a, name)[0] <= getattr(a, name)[1] < getattr(b, name)[1]
    assert talik.pool_many([y], s).k.tolist() == [4]


def test_the_same_rows_have_the_same_hash_and_other_rows_another():
    y, s = [0.1, 0.5, -0.2], [0.1, 0.2, 0.15]
    assert pool(y, s).data_hash == pool(np.array(y), pl.Series(s)).data_hash != pool(y[::-1], s).data_hash
