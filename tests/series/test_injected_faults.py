"""Faults put into invented ground of which the truth is known: those the check must always find, and clean sites."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from talik.kernels.depth_order import exchange, misplaced, short_contradiction
from talik.kernels.jumps import level_change
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
                                  "clock reset", "clock set back", "stuck 20-200 d", "dead"])
def test_faults_that_any_series_shows_are_all_found(faults, name):
    missed = [number for number, fault in faults.faults(name, 7000, 3) if not fault.found()]
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


def test_swapping_twice_is_no_swap():
    t = np.arange(1000.0)
    upper, lower = 9 * np.cos(t / 58.1), 4 * np.cos(t / 58.1 - 0.8)
    assert min(exchange(upper, lower)[1], exchange(lower, upper)[1]) > 0.9
    assert not short_contradiction(upper[:200], lower[:200], least=0.2)


def test_a_coarse_logger_needs_a_longer_rest_for_its_zero_curtain():
    x = np.r_[np.linspace(8, -0.4, 60), np.full(20, -0.4), np.linspace(-0.6, -6, 60)]
    assert zero_curtain_level(x)[0] == pytest.approx(-0.4, abs=0.05)
    assert np.isnan(zero_curtain_level(x, digit=0.2)[0])
