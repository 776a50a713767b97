"""Filling and the error of missing days: exact cases, and whether the stated errors are the errors made."""

import numpy as np
import pytest

from talik.errors import UsageError
from talik.kernels.gaps import fill_linear, fill_regression, gap_uncertainty
from talik.kernels.years import windows
from talik.records import Flag, Record
from talik.series.annual import annual_means, daily_means
from talik.series.filling import Filling


def noisy_year(rng, years=3):
    d = np.arange(366 * years)
    weather = np.zeros(d.size)
    for i in range(1, d.size):
        weather[i] = 0.8 * weather[i - 1] + rng.normal(0, 1.5)
    return -5 + 14 * np.sin(2 * np.pi * d / 365.25) + weather


def record_of(x):
    return Record("A", np.datetime64("2015-01-01") + np.arange(len(x)), np.zeros(1), np.asarray(x, float)[:, None])


def test_lines_fill_short_inner_gaps_only_and_mark_them():
    x = np.array([np.nan, 0, np.nan, np.nan, 3, *[np.nan] * 6, 9, np.nan])
    result = daily_means(record_of(x), fill=Filling(linear_days=5))
    np.testing.assert_array_equal(result.values[:5, 0], [np.nan, 0, 1, 2, 3])
    assert np.isnan(result.values[5:11, 0]).all()
    assert np.isnan(result.values[-1, 0])
    assert ((result.flags & int(Flag.FILLED)) != 0).ravel().nonzero()[0].tolist() == [2, 3]


def test_a_straight_line_is_restored_exactly_and_with_its_own_name():
    x = np.linspace(-5, 5, 366)
    x[40:44] = np.nan
    result = annual_means(record_of(x), fill=Filling())
    assert result.filled[0, 0] == 4
    i = int(np.flatnonzero(result.year == 2015)[0])
    np.testing.assert_allclose(result.mean[i, 0], np.linspace(-5, 5, 366)[:365].mean(), atol=1e-9)


def test_without_being_asked_nothing_is_filled():
    x = np.ones(365)
    x[40:44] = np.nan
    result = annual_means(record_of(x))
    assert (result.n[0, 0], result.filled[0, 0]) == (361, 0)


def test_regression_fills_from_the_neighbour_and_never_from_something_filled():
    rng = np.random.default_rng(1)
    x = noisy_year(rng)
    grid = np.column_stack([x, 0.5 * x - 2 + rng.normal(0, 0.1, x.size), rng.normal(size=x.size)])
    grid[400:440, 0] = np.nan
    result = fill_regression(grid, 60)
    np.testing.assert_allclose(result.grid[400:440, 0], x[400:440], atol=1.0)
    grid[400:440, 1:] = np.nan
    assert not fill_regression(grid, 60).filled.any()


@pytest.mark.parametrize("bad", [(-1, 0), (5, -3)])
def test_negative_days_are_refused(bad):
    with pytest.raises(UsageError, match="negative"):
        Filling(*bad)


@pytest.mark.slow
def test_the_stated_error_of_a_filled_gap_is_the_error_made():
    rng = np.random.default_rng(7)
    for fill, length in ((fill_linear, 5), (fill_regression, 40)):
        scores = []
        for _ in range(150):
            x = noisy_year(rng)
            grid = np.column_stack([x, 0.6 * x + rng.normal(0, 0.5, x.size)])
            at = rng.integers(200, 800)
            grid[at:at + length, 0] = np.nan
            result = fill(grid, length)
            made = (result.grid[at:at + length, 0] - x[at:at + length]).sum()
            scores.append(made / np.sqrt(result.gap_variance[:, 0].sum()))
        assert 0.5 < np.std(scores) < 1.5, (fill.__name__, np.std(scores))


@pytest.mark.slow
def test_the_gap_uncertainty_is_the_error_made():
    rng = np.random.default_rng(8)
    scores = []
    for _ in range(300):
        x = noisy_year(rng)
        whole = annual_means(record_of(x)).mean[1, 0]
        at, length = 366 + rng.integers(0, 330), rng.integers(5, 35)
        x[at:at + length] = np.nan
        result = annual_means(record_of(x), completeness="liu2025")
        scores.append((result.mean[1, 0] - whole) / result.gap_uncertainty[1, 0])
        assert abs(result.mean[1, 0] - whole) <= result.bias_bound[1, 0]
    assert 0.6 < np.sqrt(np.mean(np.square(scores))) < 1.4


def gaps_by_definition(x, where):
    """Season and weather of one column, written out with numpy's own least squares."""
    day = np.arange(x.size)
    waves = [f(k * 2 * np.pi * day / 365.25) for k in (1, 2) for f in (np.cos, np.sin)]
    basis, there = np.column_stack([np.ones(x.size), *waves]), ~np.isnan(x)
    wave = basis @ np.linalg.lstsq(basis[there], x[there], rcond=None)[0]
    left = x - wave
    variance, memory = np.nanmean(left**2), np.nanmean(left[1:] * left[:-1]) / np.nanmean(left**2)
    memory = np.clip(memory, 0, 0.98)
    found = []
    for begin, days in zip(where.year_row, where.days, strict=True):
        own = slice(begin, begin + days)
        lost = days - there[own].sum()
        season = wave[own][there[own]].mean() - wave[own].mean()
        weather = variance * lost * min((1 + memory) / (1 - memory), max(lost, 1)) / days**2
        found.append(np.sqrt(season**2 + weather))
    return np.array(found)


def test_errors_of_gaps_of_all_three_sides_are_those_of_their_definition():
    rng = np.random.default_rng(8)
    where = windows(17532, 1461)                                            # 2018 to 2021
    grid = np.column_stack([noisy_year(rng, 4)[:1461] + shift for shift in (0.0, 8.0, 40.0)])
    for column, (begin, length) in enumerate(((100, 12), (600, 40), (1000, 5))):
        grid[begin:begin + length, column] = np.nan
    grid[rng.random(grid.shape) < 0.02] = np.nan
    found = gap_uncertainty(grid, where)
    for side, part in enumerate((grid, np.maximum(grid, 0.0), np.maximum(-grid, 0.0))):
        for column in range(3 if side < 2 else 2):
            np.testing.assert_allclose(found[side, :, column], gaps_by_definition(part[:, column], where), rtol=1e-9)
    np.testing.assert_array_equal(found[2, :, 2], 0.0)                      # never below 0 °C
    np.testing.assert_allclose(gap_uncertainty(-grid, where), found[[0, 2, 1]], rtol=1e-9, atol=1e-15)
