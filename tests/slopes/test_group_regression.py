"""Lines within groups: laws, closed forms, and the mixed model against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talik.kernels.group_regression import Lines, first_component, group_lines, hc3, one_stage, positive_sum

seeds = st.integers(0, 10_000)


def data(seed, sizes=(6, 9, 12), slope=1.5, tau=0.0):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(size=group.size)
    y = group * 3.0 + (slope + tau * rng.normal(size=len(sizes)))[group] * x + rng.normal(size=group.size)
    return x, y, group


@given(seeds)
def test_every_group_is_its_own_least_squares_line(seed):
    x, y, group = data(seed)
    lines = group_lines(x, y, group, 3)
    for k in range(3):
        own = group == k
        slope, intercept = np.polyfit(x[own], y[own], 1)
        assert lines.slope[k] == pytest.approx(slope)
        assert lines.rss[k] == pytest.approx(((y[own] - intercept - slope * x[own]) ** 2).sum())


@given(seeds, st.floats(-50, 50), st.floats(0.1, 9))
def test_slopes_ignore_shifts_and_follow_scales(seed, shift, scale):
    x, y, group = data(seed)
    base = group_lines(x, y, group, 3).slope
    assert group_lines(x + shift, y + shift, group, 3).slope == pytest.approx(base, rel=1e-6)
    assert group_lines(x, scale * y, group, 3).slope == pytest.approx(scale * base)


def test_many_responses_are_as_many_calls():
    x, y, group = data(3)
    many = group_lines(x, np.stack([y, -y, 2 * y]), group, 3)
    one = group_lines(x, y, group, 3)
    assert np.allclose(many.slope, [one.slope, -one.slope, 2 * one.slope])
    assert np.allclose(many.rss, [one.rss, one.rss, 4 * one.rss])


def test_a_group_whose_x_does_not_vary_has_no_slope():
    lines = group_lines(np.array([2.0, 2, 2, 0, 1, 2]), np.arange(6.0), np.array([0, 0, 0, 1, 1, 1]), 2)
    assert np.isnan(lines.slope[0])
    assert lines.slope[1] == pytest.approx(1.0)


@given(seeds)
def test_the_component_is_the_leading_eigenvector_with_positive_sum(seed):
    x = np.random.default_rng(seed).normal(size=(20, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.7], [0, 0, 1.0]])
    found = first_component(x)
    values, vectors = np.linalg.eigh(np.corrcoef(x.T))
    assert abs(vectors[:, -1] @ found.loadings) == pytest.approx(1.0)
    assert found.explained == pytest.approx(values[-1] / 3)
    assert found.scores.var(ddof=1) == pytest.approx(values[-1])
    assert found.loadings.sum() > 0


def test_loadings_that_sum_to_zero_still_have_a_sign():
    assert positive_sum(np.array([-0.7, 0.7])) == -1.0
    assert positive_sum(np.array([0.7, -0.7])) == 1.0


def test_equal_leverage_and_residuals_give_the_textbook_hc3():
    x, y = np.array([0.0, 0, 1, 1]), np.array([-1.0, 1, 1, 3])
    # slope 2, residuals +-1, leverage 1/2 each: se² = sum(dx² (e / (1 - h))²) / sxx² = 4 x 0.25 x 4
    assert hc3(x, y) == pytest.approx(2.0)


@pytest.mark.parametrize("tau", [0.0, 1.0, 4.0])
def test_the_mixed_model_is_the_maximum_of_the_restricted_likelihood(tau):
    from scipy.optimize import minimize

    x, y, group = data(5, sizes=(5, 6, 8, 12, 20), tau=tau)
    found = one_stage(group_lines(x, y, group, 5))

    def deviance(theta):
        """-2 log restricted likelihood of the full model, with intercepts and common slope as fixed effects."""
        sigma2, tau2 = np.exp(theta)
        z = np.zeros((y.size, 5))
        z[np.arange(y.size), group] = x
        v = sigma2 * np.eye(y.size) + tau2 * z @ z.T
        fixed = np.column_stack([(group[:, None] == np.arange(5)).astype(float), x])
        w = np.linalg.inv(v)
        information = fixed.T @ w @ fixed
        rest = y - fixed @ np.linalg.solve(information, fixed.T @ w @ y)
        return np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1] + rest @ w @ rest

    start = np.log([found.sigma2, max(found.tau2, 1e-6)])
    best = minimize(deviance, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9})
    assert deviance(start) == pytest.approx(best.fun, abs=1e-4)


def test_one_group_has_no_mixed_model():
    assert np.isnan(one_stage(Lines(np.array([5]), np.array([1.0]), np.array([1.0]), np.array([1.0]))).slope)
