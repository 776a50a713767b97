"""Faults put into invented ground of which the truth is known: those the check must always find, and clean sites."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from talik.kernels.depth_order import exchange, misplaced, short_contradiction
from talik.kernels.jumps import lasting_changes, level_change
from talik.kernels.quality import zero_curtain_level

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def faults():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module("faults")
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fill value", "saturated", "out of range", "spike, 1 sample, 15-40 K",
                                  "spikes, 1-4 samples, 15-40 K", "copies that differ", "rows out of order",
                                  "clock reset", "clock set back", "stuck 20-200 d", "dead",
                                  "step for good, ground, 6-10 K", "step for good, surface, 8-15 K",
                                  "step for good, air, 12-20 K"])
def test_faults_that_any_series_shows_are_all_found(faults, name):
    missed = [number for number, fault in faults.faults(name, 7000, 3) if not fault.found()]
    assert not missed


@pytest.mark.slow
def test_lasting_steps_above_the_smallest_that_is_said_to_be_found_are_found(faults):
    missed = [number for number, fault in faults.faults("step for good, as small as said", 7000, 16)
              if not fault.found()]
    assert not missed


@pytest.mark.parametrize("depth", [5.0, 7.0, 8.0])
def test_a_wave_that_lags_by_more_than_half_a_year_is_in_its_place(depth):
    """Its maximum then comes before that of the surface, in the calendar."""
    z, t = np.array([0.1, 1.0, depth]), np.arange(1100.0)[:, None]
    wave = 20 * np.exp(-z / 2) * np.cos(2 * np.pi * t / 365.25 - z / 2)
    assert not misplaced(z, wave).any()
    assert misplaced(z, wave[:, [0, 2, 1]])[1:].all()


def test_a_change_of_level_is_that_of_the_column_and_not_of_its_neighbours():
    rng, day = np.random.default_rng(3), np.arange(700)
    season = 9 * np.cos(day / 58.1) + np.cumsum(rng.normal(0, 0.2, 700))
    noise = rng.normal(0, 0.05, (700, 2))
    both = np.column_stack([season, 0.7 * season]) + noise
    quiet, error = level_change(both[:, 0], both[:, 1:], 350)
    assert abs(quiet) < 5 * error
    both[350:420, 0] += 6
    there_and_back, error = level_change(both[:, 0], both[:, 1:], 350, 420)
    assert there_and_back == pytest.approx(6, abs=0.1)
    assert error < 0.1


def autoregressive(seed, n):
    rng, x = np.random.default_rng(seed), np.zeros(n)
    for i in range(1, n):
        x[i] = 0.8 * x[i - 1] + rng.normal()
    return x + 9 * np.cos(np.arange(n) / 58.1)


def test_a_step_at_every_day_is_the_regression_with_that_step():
    x, near = autoregressive(1, 120), autoregressive(2, 120)[:, None]
    x[[40, 41, 90]] = np.nan
    lasting, change, error = lasting_changes(x, near)
    rows = np.flatnonzero(~np.isnan(x))
    apart = np.abs(rows[:, None] - rows)

    def dense(day, noise):
        design = np.column_stack([rows >= day, rows == day, np.ones(rows.size), rows, near[rows]])
        weighed = np.linalg.solve(noise, design)
        return np.linalg.solve(weighed.T @ design, weighed.T @ x[rows])[0]

    for day in (20, 39, 80):
        assert lasting[day] == pytest.approx(dense(day, np.eye(rows.size)), abs=1e-8)
        away = [dense(day, memory**apart) - change[day] for memory in np.arange(0.3, 0.95, 0.02)]
        assert np.min(np.abs(away)) < 0.05                          # the memory is estimated, and not returned
    assert np.isnan(change[[0, 1, 2, 40, 90, -1]]).all()
    assert (error[np.isfinite(error)] > 0).all()


@pytest.mark.parametrize("day", [50, 300, 650])
def test_a_step_adds_itself_to_the_change_of_its_day(day):
    x, none = autoregressive(3, 700), np.empty((700, 0))
    before = lasting_changes(x, none)[0]
    x[day:] += 7.0
    lasting, change, error = lasting_changes(x, none)
    assert lasting[day] - before[day] == pytest.approx(7.0, abs=1e-9)
    assert abs(change[day] - 7.0) < 5 * error[day]
    assert abs(change[day - 20]) < 7.0
    again = lasting_changes(x, none, [day])[1]
    assert np.nanmax(np.abs(again[day + 5:day + 300])) < 5.0


def test_a_record_of_decades_is_looked_at_in_pieces():
    x, none = autoregressive(4, 4000), np.empty((4000, 0))
    piece = lasting_changes(x[1095:3285], none[:2190])
    whole = lasting_changes(x, none)
    for one, all_ in zip(piece, whole, strict=True):
        np.testing.assert_allclose(all_[1095 + 900:1095 + 1200], one[900:1200])
    assert np.isnan(lasting_changes(x[:39], none[:39])).all()


def test_swapping_twice_is_no_swap():
    t = np.arange(1000.0)
    upper, lower = 9 * np.cos(t / 58.1), 4 * np.cos(t / 58.1 - 0.8)
    assert min(exchange(upper, lower)[1], exchange(lower, upper)[1]) > 0.9
    assert not short_contradiction(upper[:200], lower[:200], least=0.2)


def test_a_coarse_logger_needs_a_longer_rest_for_its_zero_curtain():
    x = np.r_[np.linspace(8, -0.4, 60), np.full(20, -0.4), np.linspace(-0.6, -6, 60)]
    assert zero_curtain_level(x)[0] == pytest.approx(-0.4, abs=0.05)
    assert np.isnan(zero_curtain_level(x, digit=0.2)[0])
