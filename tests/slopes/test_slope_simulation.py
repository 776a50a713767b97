"""What the two profiles do where the truth is known: the published procedure's faults, the recommended rates."""

import numpy as np
import pytest

from talik.analysis.meta import pool_many
from talik.analysis.slopes import MIN_N, group_slopes
from talik.kernels.group_regression import first_component, group_lines

SIZES = np.array([3, 3, 4, 4, 5, 5, 6, 7, 8, 10, 14, 20])
GROUP = np.repeat(np.arange(SIZES.size), SIZES)


def world(rng, slope):
    """Three predictors that share a latent factor in every group, and an offset that follows it with one slope."""
    latent = rng.normal(size=GROUP.size)
    x = latent[:, None] + 0.7 * rng.normal(size=(GROUP.size, 3))
    return x, slope * latent + rng.normal(size=GROUP.size)


def published(x, y, turn=None):
    """Slope and standard error of every group as published; `turn` multiplies the sign of each component."""
    out = np.empty((SIZES.size, 2))
    for k in range(SIZES.size):
        own = GROUP == k
        part = first_component(x[own]).scores * (1.0 if turn is None else turn[k])
        line = group_lines(part, y[own], np.zeros(own.sum(), int), 1)
        out[k] = line.slope[0], np.sqrt(line.rss[0] / (own.sum() - 2) / line.sxx[0])
    return out.T


def recommended(x, y):
    """Slope and standard error of every group of five or more on the common component, one residual variance."""
    large = np.flatnonzero(SIZES >= MIN_N["talik"])
    score = first_component(x).scores
    score = score / score.std(ddof=1)
    stay = np.isin(GROUP, large)
    lines = group_lines(score[stay], y[stay], np.searchsorted(large, GROUP[stay]), large.size)
    return lines.slope, np.sqrt(lines.rss.sum() / (lines.n - 2).sum() / lines.sxx)


def many(make, slope, count, seed):
    rng = np.random.default_rng(seed)
    pairs = [make(*world(rng, slope)) for _ in range(count)]
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])


def rejected(pooled):
    return float(((pooled.low > 0) | (pooled.high < 0)).mean())


def test_the_shortcuts_here_are_the_public_function():
    rng = np.random.default_rng(0)
    x, y = world(rng, -0.5)
    table = {"region": ["A"] * y.size, "vegetation": [f"{k:02d}" for k in GROUP], "surface_offset": y,
             **{name: x[:, j] for j, name in enumerate("abc")}}
    for profile, make in (("liu2025", published), ("talik", recommended)):
        slopes = group_slopes(table, "surface_offset", list("abc"), profile=profile, replicates=100).slopes
        kept = slopes.filter(slopes["reason"].is_null())
        assert np.allclose(kept["slope"], make(x, y)[0])
        assert np.allclose(kept["se"], make(x, y)[1])


@pytest.mark.slow
def test_the_published_procedure_finds_slopes_and_heterogeneity_that_are_not_there():
    slopes, se = many(published, 0.0, 2000, seed=11)
    pooled = pool_many(slopes, se)
    assert 0.07 <= rejected(pooled) <= 0.12             # nominal 0.05; three binomial standard errors are 0.015
    assert 0.4 <= np.median(pooled.i2) <= 0.6


@pytest.mark.slow
def test_random_signs_turn_one_slope_into_opposing_patterns():
    rng = np.random.default_rng(12)
    pairs = [published(*world(rng, -0.5), turn=rng.choice([-1.0, 1.0], SIZES.size)) for _ in range(1000)]
    pooled = pool_many(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs]))
    assert abs(pooled.mean.mean()) < 0.02
    assert np.median(pooled.i2) > 0.6


@pytest.mark.slow
def test_the_recommended_procedure_keeps_its_level():
    slopes, se = many(recommended, 0.0, 4000, seed=13)
    pooled = pool_many(slopes, se, ci="HK_ci")
    assert rejected(pooled) <= 0.06
    assert np.median(pooled.i2) < 0.05
    assert (pooled.i2 > 0.5).mean() < 0.08


@pytest.mark.slow
def test_the_recommended_interval_holds_the_true_slope():
    slopes, se = many(recommended, -0.5, 2000, seed=14)
    pooled = pool_many(slopes, se, ci="HK_ci")
    # a composite of three noisy copies of the latent factor: its slope per SD is attenuated by its reliability
    truth = np.median(pooled.mean)
    assert -0.5 < truth < -0.4
    assert 0.92 <= ((pooled.low < truth) & (truth < pooled.high)).mean() <= 0.99
