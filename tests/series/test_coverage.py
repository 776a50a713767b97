"""Whether the truth lies where it is said to: missing hours, one sample a day, coarse digits, taliks, lost sensors."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.kernels.calendar import daily
from talik.kernels.daily_wave import hour_errors
from talik.records import Record
from talik.series.annual import annual_means
from talik.series.conduction import zero_curtain
from talik.series.days import days_of
from talik.series.offsets import annual_offsets
from talik.series.thaw import ThawOptions, active_layer
from talik.series.uncertainty import Sensors

HOURS = np.arange("2015-01-01", "2017-01-01", dtype="M8[h]")
DAY = HOURS.astype(np.int64) / 24


def ground(depths, mean=-4.0, amplitude=12.0, diurnal=4.0):
    """Annual and daily waves that conduction damps and delays, hour by hour."""
    z = np.maximum(np.asarray(depths, float), 0)
    season = 0.55 + 0.45 * np.cos(2 * np.pi * (DAY - 200) / 365.25)[:, None]
    return (mean + amplitude * np.exp(-z / 2.0) * np.cos(2 * np.pi * (DAY[:, None] - 200) / 365.25 - z / 2.0)
            + diurnal * season * np.exp(-z / 0.12) * np.cos(2 * np.pi * (DAY[:, None] - 0.6) - z / 0.12))


# ------------------------------------------------------------------ missing hours
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 4, 6]), st.floats(0.02, 0.3))
def test_a_wave_without_weather_says_exactly_what_missing_hours_did(seed, step, lost):
    rng = np.random.default_rng(seed)
    whole = np.cos(2 * np.pi * DAY)[::step, None] * 5.0 + np.round(DAY[::step, None] // 90)
    holed = np.where(rng.random(whole.shape) < lost, np.nan, whole)
    times = HOURS[::step].astype("M8[us]")
    found = daily(times, holed)
    drawn, scatter = hour_errors(times, holed, found)
    known = ~np.isnan(found.mean)
    np.testing.assert_allclose(drawn[known], (found.mean - daily(times, whole).mean)[known], atol=0.35)
    assert (drawn[~found.partial] == 0).all()
    assert (scatter[known] < 0.5).all()


def test_nights_without_any_reading_are_of_unknown_warmth_and_nights_with_some_are_not():
    hour = HOURS.astype(np.int64) % 24
    values = ground([0.02, 1.0])
    never, often = values.copy(), values.copy()
    never[(hour >= 22) | (hour < 2)] = np.nan
    often[((hour >= 22) | (hour < 2)) & (np.arange(hour.size) // 24 % 5 != 0)] = np.nan
    truth = annual_means(Record("A", HOURS, [0.02, 1.0], values))
    for read, least, most in ((never, 1.0, np.inf), (often, 0.8, 1.6)):
        found = annual_means(Record("A", HOURS, [0.02, 1.0], read))
        moved = np.abs(found.mean - truth.mean)[:, 0]
        assert (moved > 0.1).all()
        assert (least * moved <= found.gap_uncertainty[:, 0]).all()
        assert (found.gap_uncertainty[:, 0] <= most * moved).all()
        assert (moved <= found.bias_bound[:, 0]).all()
    assert (found.gap_uncertainty[:, 1] < 0.01).all()                # a metre down the hours are alike


def test_missing_hours_leave_the_thickness_open_by_what_they_may_have_moved_it():
    z, rng = np.array([0.1, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]), np.random.default_rng(3)
    values = ground(z) + rng.normal(0, 0.05, (HOURS.size, z.size))
    holed = np.where(rng.random(values.shape) < 0.03, np.nan, values)
    whole, found = (active_layer(Record("A", HOURS, z, x)).years for x in (values, holed))
    for one, other in zip(whole, found, strict=True):
        assert one.alt_bias_bound == 0.0 < other.alt_bias_bound < 0.2
        assert abs(one.alt - other.alt) <= other.alt_bias_bound


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.005, 0.03))
def test_zero_curtain_days_are_off_by_no_more_than_the_bound(seed, lost):
    rng = np.random.default_rng(seed)
    values = np.round(np.clip(rng.normal(0, 0.15, HOURS.size), -0.5, 0.5), 2)[:, None]
    holed = np.where(rng.random(values.shape) < lost, np.nan, values)
    holed[3000:3000 + rng.integers(1, 200)] = np.nan
    whole, found = (zero_curtain(Record("A", HOURS, [0.5], x)).table for x in (values, holed))
    for name in ("zero_curtain_days", "longest"):
        assert ((whole[name] - found[name]).abs() <= found[f"bias_bound_{name}"]).all()


# ------------------------------------------------------------------ one sample a day, coarse digits
def test_a_reading_at_noon_is_no_daily_mean_and_says_so_and_one_at_midnight_looks_like_one():
    z = [-2.0, 0.02, 1.0]
    record = Record("A", HOURS, z, ground(z))
    truth = annual_offsets(record, depth=1.0, check=False).years
    found = {}
    for hour in (0, 7, 12, 17):
        found[hour] = annual_offsets(Record("A", HOURS[hour::24], z, ground(z)[hour::24]), depth=1.0, check=False)
        if hour:
            for name in ("maat", "magst", "surface_offset", "thermal_offset", "tdd_surface"):
                away = np.abs((found[hour].years[name] - truth[name]).to_numpy())
                assert (away <= 2 * found[hour].years[f"{name}_uncertainty"].to_numpy()).all(), (hour, name)
    assert any("one sample a day, at 12 h" in said for said in found[12].settings["notes"])
    assert not any("one sample" in said for said in found[0].settings["notes"])
    np.testing.assert_allclose(found[0].years["maat_uncertainty"], 0.1)
    np.testing.assert_allclose(found[12].years["ttop_uncertainty"], 0.1, atol=1e-3)


@pytest.mark.parametrize("digit", [0.5, 0.25, 0.1])
def test_coarse_digits_are_seen_and_make_maxima_less_certain_than_means(digit):
    z = np.array([0.1, 0.5, 1.0, 2.0])
    record = Record("A", HOURS, z, np.round(ground(z) / digit) * digit)
    np.testing.assert_allclose(days_of(record).resolution, digit)
    found = annual_means(record, sensors=Sensors(0.0))
    np.testing.assert_allclose(found.rounding, digit / np.sqrt(12))
    assert (found.uncertainty < found.rounding).all()
    assert (np.abs(found.mean - annual_means(Record("A", HOURS, z, ground(z))).mean) <= 2 * found.uncertainty).all()
    assert (days_of(Record("A", HOURS, z, ground(z))).resolution == 0).all()


# ------------------------------------------------------------------ taliks, lost sensors
def test_a_layer_that_stays_thawed_is_a_talik_and_a_long_zero_curtain_is_none():
    z = np.array([0.1, 0.5, 1.0, 2.0, 3.0])
    values = ground(z, mean=-1.0, amplitude=9.0)
    values[:, 2] = 1.0 + 0.3 * np.cos(2 * np.pi * (DAY - 250) / 365.25)
    values[:, 3:] -= 8.0
    talik = active_layer(Record("A", HOURS, z, values)).years[0]
    assert (talik.alt_reason, talik.ttop_reason) == ("talik", "talik")
    assert (talik.alt_lower, talik.alt_upper) == (1.0, 2.0)
    values[:, 2] = np.maximum(values[:, 2] - 1.0, 0.0) + 0.05                 # at rest within what sensors are good for
    assert active_layer(Record("A", HOURS, z, values)).years[0].alt_reason == ""


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 6), st.integers(0, 300), st.integers(16, 90))
def test_a_lost_sensor_moves_zero_amplitude_no_farther_than_the_bound(lost, first, length):
    z, options = np.array([1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 10.0]), ThawOptions(zero_amplitude=0.5)
    days = HOURS[::24]
    values = ground(z)[::24]
    holed = values.copy()
    holed[first:first + length, lost] = np.nan
    whole, found = (active_layer(Record("A", days, z, x), options=options).years[0] for x in (values, holed))
    if np.isfinite(found.dzaa):
        assert abs(found.dzaa - whole.dzaa) <= found.dzaa_bias_bound + 1e-9
        assert found.dzaa_uncertainty >= found.dzaa_bias_bound / np.sqrt(3) - 1e-9
    else:
        assert found.dzaa_reason in ("peak_missing", "censored_deep", "censored_shallow")


# ------------------------------------------------------------------ ground whose truth is known
@pytest.mark.slow
def test_the_truth_of_invented_ground_lies_within_what_is_stated():
    """`benchmarks/stated_errors.py` with few sites: every sort of damage it can do, pooled."""
    path = Path(__file__).parents[2] / "benchmarks" / "stated_errors.py"
    spec = importlib.util.spec_from_file_location("benchmark_stated_errors", path)
    benchmark = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = benchmark
    spec.loader.exec_module(benchmark)
    scores = benchmark.pooled(("cold", "warm", "polar"), range(1), (
        "calibration", "0.25 K", "4 h dropped", "night", "short gaps", "own gaps", "lost", "all"))
    for name, score in scores.items():
        found = benchmark.figures(score)
        assert found["n"] >= 40, name
        assert found["over"] == 0, (name, found)
        if name != "bracket":
            assert found["2u"] >= 0.9, (name, found)
            assert found["rms"] < 1.3, (name, found)
            assert found["width"] < 6, (name, found)
