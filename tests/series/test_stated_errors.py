"""Stated errors against laws and simulations: degree-days, n-factors, depths, maxima with days missing."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.kernels.extremes import extreme_bounds
from talik.kernels.years import windows
from talik.records import Flag, Record
from talik.series.annual import annual_means
from talik.series.completeness import REASONS
from talik.series.filling import Filling
from talik.series.offsets import annual_offsets
from talik.series.running import running_means
from talik.series.thaw import ThawOptions, active_layer
from talik.series.uncertainty import Known, Sensors

YEARS = np.arange("2015-01-01", "2018-01-01", dtype="M8[D]")
T = YEARS.astype(np.int64)


def wave(mean, amplitude, lag=0.0):
    return mean + amplitude * np.cos(2 * np.pi * (T - 200) / 365.25 - lag)


def string(z, values):
    return Record("A", YEARS, z, values)


# ------------------------------------------------------------------ degree-days
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1), st.floats(-12, 12), st.floats(0, 0.3))
def test_errors_of_degree_days_are_consistent_with_that_of_the_mean(seed, u, mean, lost):
    """TDD - FDD is the mean times days, so the errors of the two cannot add up to less than that of the mean."""
    rng = np.random.default_rng(seed)
    x = rng.normal(mean, 8, 366)
    x[rng.random(366) < lost] = np.nan
    days = np.datetime64("2020-01-01") + np.arange(366)
    found = annual_means(Record("A", days, [0.0], x[:, None]), completeness="liu2025", sensors=Sensors(u))
    tdd, fdd = (np.sqrt(whole**2 - gap**2) for whole, gap in (
        (found.tdd_uncertainty, found.tdd_gap_uncertainty), (found.fdd_uncertainty, found.fdd_gap_uncertainty)))
    assert tdd + fdd >= u * 366 - 1e-6
    np.testing.assert_allclose(tdd + fdd, u * 366, rtol=0.2)
    assert (found.tdd_bias_bound + found.fdd_bias_bound >= found.bias_bound * 366 - 1e-6).all()
    assert (found.tdd_gap_uncertainty <= found.tdd_bias_bound + 1e-9).all()


def test_far_from_zero_every_day_counts_and_on_the_other_side_none():
    found = annual_means(string([0.0, 1.0], np.column_stack([wave(-20, 5), np.where(T % 2 == 0, -3.0, 7.0)])),
                         sensors=Sensors(0.2))
    np.testing.assert_allclose(found.fdd_uncertainty[:, 0], 0.2 * found.days)
    assert (found.tdd_uncertainty[:, 0] == 0).all()
    np.testing.assert_allclose(found.tdd_uncertainty[:, 1] + found.fdd_uncertainty[:, 1], 0.2 * found.days)
    assert (found.tdd_bias_bound == 0).all()


@pytest.mark.parametrize("offset", [-0.3, -0.1, 0.05, 0.1, 0.3])
def test_an_offset_of_the_size_stated_moves_degree_days_no_farther_than_stated(offset):
    x = np.sign(wave(-2, 9)) * np.maximum(np.abs(wave(-2, 9)) - 2, 0)            # a long zero curtain at 0.0
    true, read = (annual_means(string([0.1], v[:, None]), sensors=Sensors(abs(offset))) for v in (x, x + offset))
    for name in ("tdd", "fdd"):
        moved = np.abs(getattr(read, name) - getattr(true, name))
        assert (moved <= 1.42 * getattr(true, f"{name}_uncertainty")).all()
        assert (moved >= 0.3 * getattr(true, f"{name}_uncertainty")).all()


def test_known_values_combine():
    one, other = Known(3.0, 0.3, 0.1, 0.5), Known(2.0, 0.4, 0.0, 0.25)
    assert one.less(other).value == 1.0
    assert one.less(other).lasting == pytest.approx(0.5)
    assert one.times(-2).lasting == pytest.approx(0.6)
    ratio = one.over(other)
    assert ratio.lasting / 1.5 == pytest.approx(np.hypot(0.1, 0.2))
    assert ratio.value + ratio.bound == pytest.approx(3.5 / 1.75)
    assert np.isnan(one.over(Known(1.0, 0.6, 0.0, 0.0)).value)


def station(seed, gaps=0, error=0.1, curtain=1.0, years=3):
    """Air, surface and deep, true and as read: weather with memory; forty seeds have the quantiles of the error."""
    rng = np.random.default_rng(seed)
    noise = np.zeros(T.size)
    for i in range(1, T.size):
        noise[i] = 0.8 * noise[i - 1] + rng.normal(0, 2.5)
    surface = wave(-3, 11) + 0.5 * noise
    true = np.column_stack([wave(-8, 17) + noise, np.sign(surface) * np.maximum(np.abs(surface) - curtain, 0),
                            wave(-4, 1.0, 1.0)])
    read = true + error * np.array([NormalDist().inv_cdf((seed * k % 40 + 0.5) / 40) for k in (7, 11, 13)])
    for column in range(2):
        for year in range(years):
            at = 365 * year + rng.integers(5, 340)
            read[at:at + gaps, column] = np.nan
    return string([-2.0, 0.02, 2.0], true), string([-2.0, 0.02, 2.0], read)


@pytest.mark.slow
@pytest.mark.parametrize(("gaps", "error", "fill"), [(0, 0.1, None), (13, 0.0, None), (5, 0.02, Filling(5))])
def test_degree_days_and_n_factors_scatter_as_stated(gaps, error, fill):
    names = ("tdd_air", "fdd_air", "tdd_surface", "fdd_surface", "n_thaw", "n_freeze", "nival_offset",
             "vegetation_offset", "surface_offset", "rk_apparent")
    scores = {name: [] for name in names}
    for seed in range(40):
        true, read = station(seed, gaps, error)
        known = annual_offsets(true, depth=2.0, check=False).years
        found = annual_offsets(read, depth=2.0, check=False, fill=fill, completeness="liu2025",
                               sensors=Sensors(error)).years
        for name in names:
            away = (found[name] - known[name]).to_numpy()
            scores[name] += (away / found[f"{name}_uncertainty"].to_numpy()).tolist()
            if not error:
                assert (np.abs(away) <= found[f"bias_bound_{name}"].to_numpy() + 1e-9).all(), name
    for name, score in scores.items():
        assert np.mean(np.abs(score) < 2) > 0.9, name
        assert 0.35 < np.sqrt(np.mean(np.square(score))) < 1.15, name


# ------------------------------------------------------------------ missing hours, one sample a day
HOURS = np.arange("2018-01-01", "2020-01-01", dtype="M8[h]")
HOUR = HOURS.astype(np.int64) % 24


def weather(swing):
    """Air and surface by the hour: a year's wave and a daily one of `swing` [K], warmest at 14 h."""
    season = np.cos(2 * np.pi * (HOURS.astype(np.int64) / 24 - 200) / 365.25)
    daily = swing * np.cos(2 * np.pi * (HOUR - 14) / 24)
    return np.column_stack([-6 + 16 * season + daily, -3 + 10 * season + daily])


@pytest.mark.parametrize("kept", ["April to September", "one week"])
def test_a_daily_wave_of_another_season_is_not_borrowed(kept):
    month = HOURS.astype("M8[M]").astype(np.int64) % 12 + 1
    summer = (month > 3) & (month < 10)
    whole = weather(np.where(summer, 5.0, 1.0))
    week = (HOURS >= np.datetime64("2018-01-10")) & (HOURS < np.datetime64("2018-01-17"))
    lost = (HOUR > 0) & (HOUR < 5) & (summer if kept == "April to September" else ~week)
    truth, found = (annual_means(Record("A", HOURS, [-2.0, 0.0], np.where(gone[:, None], np.nan, whole)))
                    for gone in (np.zeros_like(lost), lost))
    for name, bound in (("mean", "bias_bound"), ("tdd", "tdd_bias_bound")):
        away = np.abs(getattr(found, name) - getattr(truth, name))
        assert (away > 0.3).all()
        assert (away <= getattr(found, f"{name}_uncertainty" if name == "tdd" else "uncertainty")).all()
        assert (away <= getattr(found, bound)).all()


def test_years_count_the_days_on_which_one_reading_stands_for_the_day():
    """Four-hourly, then a reading a day; its hour may change, and it may be another on either side of summer time."""
    whole, change = weather(4.0), np.datetime64("2019-07-01")
    truth = annual_means(Record("A", HOURS, [-2.0, 0.0], whole))
    later = (HOURS >= change) & (HOUR == np.where(HOURS < np.datetime64("2019-10-27"), 12, 13))
    rows = ((HOURS < change) & (HOUR % 4 == 0)) | later
    record = Record("A", HOURS[rows], [-2.0, 0.0], whole[rows])
    found = annual_means(record)
    np.testing.assert_allclose(found.uncertainty[0], 0.1)
    share = np.mean(HOURS[8760::24] >= change)
    np.testing.assert_allclose(found.calibration[1], np.hypot(0.1, 2.5 * share), rtol=0.03)
    assert (np.abs(found.mean - truth.mean) <= 2 * found.uncertainty).all()
    assert (np.abs(found.mean - truth.mean)[1] > 1).all()
    for name in ("tdd", "fdd"):
        away = np.abs(getattr(found, name) - getattr(truth, name))
        assert (away <= 2 * getattr(found, f"{name}_uncertainty")).all()
    notes = annual_offsets(record, check=False).settings["notes"]
    assert any("one sample a day, at 12 h, on 25% of the days" in said for said in notes)


def test_dates_that_a_summer_time_stamps_at_an_hour_are_dates():
    days = np.arange("2018-01-01", "2020-01-01", dtype="M8[D]").astype("M8[h]")
    times = days + np.where(np.arange(days.size) % 365 // 91 % 3 == 0, 0, 1) * np.timedelta64(1, "h")
    found = annual_means(Record("A", times, [0.0], np.zeros((days.size, 1))))
    np.testing.assert_allclose(found.uncertainty, 0.1)


# ------------------------------------------------------------------ depths
def test_a_stated_depth_error_is_in_the_uncertainty_of_every_mean_and_not_without_it():
    z = np.array([0.0, 0.5, 1.5])
    values = np.column_stack([wave(-4, 10), wave(-5, 3), wave(-5.5, 1)])          # 2 and 0.5 K a metre
    without, stated = (annual_means(string(z, values), sensors=Sensors(0.1, depth)) for depth in (None, 0.03))
    assert (without.depth_uncertainty == 0).all()
    slope = np.abs(np.diff(stated.mean[0]) / np.diff(z))
    slope *= 1 + 0.03 * np.sqrt(2) / np.diff(z)                                      # distances are off as well
    steepest = np.r_[2 * slope[0], slope]
    np.testing.assert_allclose(stated.depth_uncertainty[0], 0.03 * steepest)
    np.testing.assert_allclose(stated.uncertainty[0], np.hypot(without.uncertainty[0], 0.03 * steepest))
    slope = np.abs(np.diff(stated.tdd[0]) / np.diff(z))
    np.testing.assert_allclose(stated.tdd_uncertainty[0, 1], np.hypot(
        without.tdd_uncertainty[0, 1], 0.03 * slope[0] * (1 + 0.03 * np.sqrt(2) / 0.5)))
    alone = annual_means(string(z[:1], values[:, :1]), sensors=Sensors(0.1, 0.03))
    assert np.isnan(alone.depth_uncertainty).all()
    assert (alone.uncertainty == without.uncertainty[:, :1]).all()


def test_the_table_says_whether_the_depths_error_is_included():
    values = np.column_stack([wave(-9, 18), wave(-4, 10), wave(-5, 1)])
    record, own = string([-2.0, 0.0, 2.0], values), Sensors(0.0, 0.1)
    apart = [string([z], values[:, [k]]) for k, z in enumerate((-2.0, 0.0, 2.0))]
    for records in (record, apart):
        years = annual_offsets(records, depth=2.0, check=False, sensors=own).years
        assert set(years["depth_error"]) == {"included"}
        np.testing.assert_allclose(years["ttop_uncertainty"], 0.05, rtol=0.1)       # half a kelvin a metre
        np.testing.assert_allclose(years["maat_uncertainty"], 0.0)
    plain = annual_offsets(record, depth=2.0, check=False)
    assert set(plain.years["depth_error"]) == {plain.site_row()["depth_error"]} == {"not included"}
    assert set(annual_offsets(apart[:2], check=False, sensors=own).years["depth_error"]) == {"partly included"}


@pytest.mark.slow
def test_thickness_and_top_of_permafrost_scatter_as_stated_where_sensors_lie_deeper_or_shallower():
    """Each sensor has its own error of depth: the thickness bears it, the temperature read off the same sensors not."""
    rng = np.random.default_rng(5)
    z = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0])

    def read(at):
        return np.column_stack([wave(-4 - 0.8 * d, 12 * np.exp(-d / 1.2), d / 1.2) for d in at])

    fine = np.arange(0, 3.01, 0.05)
    truth = active_layer(string(fine, read(fine))).years[1]
    scores = []
    for _ in range(30):
        found = active_layer(string(z, read(z + rng.normal(0, 0.04, z.size))), sensors=Sensors(0.001, 0.04)).years[1]
        scores.append(((found.alt - truth.alt) / found.alt_uncertainty, found.ttop - truth.ttop))
        given_alt = active_layer(string(z, read(z)), alt=truth.alt, sensors=Sensors(0.001, 0.04)).years[1]
        assert given_alt.ttop_uncertainty == pytest.approx(0.8 * 0.04 * np.sqrt(2), rel=0.1)
    alt, ttop = np.array(scores).T
    assert 0.4 < np.sqrt(np.mean(alt**2)) < 1.2
    assert np.abs(ttop).max() < 0.8 * 0.04


# ------------------------------------------------------------------ maxima with days missing
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(150, 230), st.integers(1, 30), st.floats(0.0, 0.99))
def test_no_missing_day_was_beyond_the_bound(seed, first, length, memory):
    """The record has other years, so that the season's fastest changes are in it."""
    rng = np.random.default_rng(seed)
    noise = np.zeros(T.size)
    for i in range(1, T.size):
        noise[i] = memory * noise[i - 1] + rng.normal(0, 0.3)
    x = wave(-4, 8) + noise
    holed = x.copy()
    holed[365 + first:365 + first + length] = np.nan
    where = windows(int(T[0]), T.size)
    low, high = extreme_bounds(holed[:, None], where, np.ones((3, 1), bool))
    assert high[1, 0] >= x[365:731].max() - 0.6                     # a day may beat all records, by two sigma of a day
    assert low[1, 0] <= x[365:731].min() + 0.6
    for year in (0, 2):
        days = slice(*np.r_[where.year_row, T.size][[year, year + 1]])
        assert (low[year, 0], high[year, 0]) == (x[days].min(), x[days].max())


def test_extremes_are_not_looked_for_where_nobody_asks_and_nothing_limits_a_column_of_few_days():
    where, x = windows(int(T[0]), T.size), np.full((T.size, 2), np.nan)
    x[500:505, 0] = 1.0
    low, high = extreme_bounds(x, where, np.array([[False, True], [True, True], [False, True]]))
    assert np.isnan(high[[0, 2], 0]).all()
    assert (low[1, 0], high[1, 0]) == (-np.inf, np.inf)


def layered(gap, mean=-4.0, z=(0.25, 0.5, 1.0, 1.5, 2.0, 3.0)):
    z = np.array(z)
    values = np.column_stack([wave(mean, 12 * np.exp(-d / 1.2), d / 1.2) for d in z])
    days = np.flatnonzero((YEARS >= np.datetime64(gap[0])) & (YEARS < np.datetime64(gap[1])))
    if gap[2] is not None:
        values[days, gap[2]] = np.nan
    return string(z, values)


def test_days_missing_at_the_peak_widen_the_thickness_and_days_elsewhere_do_not():
    whole = active_layer(layered(("2016-01-01", "2016-01-01", None))).years[1]
    winter = active_layer(layered(("2016-02-01", "2016-02-06", 2))).years[1]
    peak = active_layer(layered(("2016-09-04", "2016-09-10", 2))).years[1]
    assert (winter.alt, winter.alt_uncertainty, winter.alt_bias_bound) == (whole.alt, whole.alt_uncertainty, 0.0)
    assert peak.alt_uncertainty > whole.alt_uncertainty
    assert peak.alt <= whole.alt <= peak.alt + peak.alt_bias_bound
    assert peak.alt_bias_bound < 0.05
    assert (peak.alt_lower, peak.alt_upper) == (1.0, 1.5)


def test_a_layer_that_may_have_reached_the_next_sensor_has_no_thickness_but_a_wider_bracket():
    truth = 1.2 * np.log(12 / 6.0)                                               # 0.832 m
    z = (0.25, 0.5, 0.81, 0.86, 2.0)
    found = {k: active_layer(layered(("2016-08-27", "2016-09-04", k), -6.0, z)).years[1] for k in (None, 3)}
    assert found[None].alt == pytest.approx(truth, abs=0.005)
    assert (found[3].alt_reason, found[3].ttop_reason) == ("peak_missing", "peak_missing")
    assert np.isnan([found[3].alt, found[3].alt_uncertainty, found[3].ttop]).all()
    assert (found[3].alt_lower, found[3].alt_upper) == (0.81, 2.0)
    assert "peak_missing" in REASONS


def test_the_envelope_as_a_bound_is_in_the_table_of_years():
    record = layered(("2016-09-04", "2016-09-10", 2), z=(0.02, 0.5, 1.0, 1.5, 2.0, 3.0))
    years = annual_offsets(record, check=False).years
    assert years["bias_bound_alt"][1] > 0 == years["bias_bound_alt"][0]
    assert years["alt_yearly"][1] == pytest.approx(years["bias_bound_alt"][1] / np.sqrt(3))


def test_the_top_of_permafrost_bears_the_missing_days_of_both_sensors_it_lies_between():
    z = (0.02, 0.5, 1.0, 1.5, 2.0, 3.0)
    sensors = {k: annual_offsets(layered(("2016-01-10", "2016-01-15", k), z=z), check=False).years.row(1, named=True)
               for k in (None, 2, 3, 4)}
    whole, upper, lower, other = sensors.values()
    assert (whole["bias_bound_depth"], whole["n_depth"], whole["longest_gap_depth"]) == (0.0, 366, 0)
    assert whole == {**other, "reason": whole["reason"]}                     # a sensor it is not read off adds nothing
    for row in (upper, lower):
        assert (row["n_depth"], row["longest_gap_depth"]) == (361, 5)
        assert abs(row["ttop"] - whole["ttop"]) <= row["bias_bound_depth"] < 0.1
        assert row["bias_bound_thermal_offset"] >= row["bias_bound_depth"] > 0


@settings(max_examples=15, deadline=None)
@given(st.floats(-7, -2), st.integers(1, 5), st.integers(0, 300), st.integers(16, 60),
       st.sampled_from(["interpolate", "extrapolate"]))
def test_a_sensor_lost_for_a_year_moves_nothing_beyond_the_bounds(mean, lost, first, length, method):
    gap = np.datetime64("2016-01-01") + first
    whole, holed = (active_layer(layered((gap, gap + length, k), mean), options=ThawOptions(method=method)).years[1]
                    for k in (None, lost))
    for name in ("alt", "ttop"):
        if np.isfinite([getattr(whole, name), getattr(holed, name)]).all():
            assert abs(getattr(holed, name) - getattr(whole, name)) <= getattr(holed, f"{name}_bias_bound") + 1e-9
    assert whole.alt_bias_bound == whole.ttop_bias_bound == 0.0 or np.isnan(whole.alt)


def test_zero_amplitude_is_deeper_where_the_extremes_may_be_wider():
    options = ThawOptions(zero_amplitude=0.5)
    z = (0.25, 1.0, 2.0, 3.0, 4.0, 5.0)
    whole, holed = (active_layer(layered(gap, z=z), options=options).years[1]
                    for gap in (("2016-01-01", "2016-01-01", None),
                                ("2016-06-09", "2016-06-15", 3)))
    assert whole.dzaa == pytest.approx(1.2 * np.log(24), abs=0.02)
    assert whole.dzaa_bias_bound == 0.0
    assert whole.dzaa_uncertainty < 0.02
    assert holed.dzaa <= whole.dzaa <= holed.dzaa + holed.dzaa_bias_bound
    assert holed.dzaa_uncertainty > holed.dzaa_bias_bound / np.sqrt(3)


# ------------------------------------------------------------------ running means
def test_every_missing_running_mean_says_why():
    x = np.full((T.size, 2), -3.0)
    x[500:520, 0] = np.nan
    flags = np.zeros(x.shape, np.uint16)
    flags[500:520, 1] = int(Flag.SPIKE)
    found = running_means(Record("A", YEARS, [0.0, 1.0], x, flags))
    assert (found.reason[:364] == "window_edge").all()
    assert (found.reason[515:500 + 364, 0] == "long_gap").all()
    assert (found.reason[515:500 + 364, 1] == "rejected").all()
    assert ((found.reason == "") == ~np.isnan(found.values)).all()
    assert found.n[600].tolist() == [345, 345]
    assert set(np.unique(found.reason)) <= set(REASONS)
    few = running_means(Record("A", YEARS, [0.0], np.where(T % 5 == 0, np.nan, 1.0)[:, None]))
    assert set(np.unique(few.reason)) == {"window_edge", "few_days"}
    frame = found.to_frame()
    assert frame.filter(frame["mean"].is_null())["reason"].to_list().count("") == 0
    assert str(found).endswith("354 long_gap, 354 rejected, 728 window_edge")
    none = running_means(Record("A", YEARS, [0.0, 1.0], np.column_stack([x[:, 1], np.full(T.size, np.nan)])))
    assert set(none.reason[364:, 1]) == {"no_data"}
