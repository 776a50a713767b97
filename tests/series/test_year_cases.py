"""Years against closed forms: limits of every rule, odd samplings, clocks, hours that are missing, errors as stated."""

import datetime
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from talik.kernels.profile import thaw_depth, zero_amplitude_depth
from talik.records import Record, Source
from talik.series.annual import annual_means, daily_means
from talik.series.completeness import PRESETS, REASONS
from talik.series.conduction import diffusivity, zero_curtain
from talik.series.filling import Filling
from talik.series.offsets import annual_offsets
from talik.series.running import running_means
from talik.series.thaw import active_layer
from talik.series.uncertainty import Sensors

YEARS = np.arange("2015-01-01", "2018-01-01", dtype="M8[D]")                  # 2016 is a leap year


def wave(times, mean=-5.0, annual=12.0, daily=8.0):
    """A cosine year, warmest on 20 July, with a cosine day, warmest at 14 h; the mean of whole years is `mean`."""
    d = np.asarray(times).astype("M8[s]").astype(np.int64) / 86400
    return mean + annual * np.cos(2 * np.pi * (d - 200) / 365.25) + daily * np.cos(2 * np.pi * (d - 14 / 24))


def record_of(times, values, depths=(0.0,), zone="UTC"):
    return Record("A", times, list(depths), np.reshape(values, (len(times), -1)), source=Source(time_zone=zone))


def without(first, length, start="2016-01-01"):
    """A flat leap year, 2016 or the hydrological one, with a gap."""
    days = np.datetime64(start) + np.arange(366)
    x = np.full(366, -3.0)
    x[first:first + length] = np.nan
    return record_of(days, x)


# ------------------------------------------------------------------ rules at their very limits
@pytest.mark.parametrize("lost, whole", [(4, True), (5, False)])
def test_a_day_needs_four_fifths_of_its_samples(lost, whole):
    t = np.arange("2020-01-01", "2020-01-11", dtype="M8[h]")
    x = np.ones(t.size)
    x[48:48 + lost] = np.nan
    assert np.isnan(daily_means(record_of(t, x)).values[2, 0]) != whole


@pytest.mark.parametrize("rule, first, length, reason", [
    ("default", 9, 6, ""), ("default", 9, 7, "short_month"),                       # 25 and 24 of 31 days of January
    ("default", 24, 14, "short_month"),                                             # 7 of January
    ("default", 25, 11, ""), ("default", 25, 12, "short_month"),                    # 6 and 5; 6 of 29 of February
    ("permos", 40, 5, ""), ("permos", 40, 6, "long_gap"),
    ("wmo", 9, 3, ""), ("wmo", 9, 4, "short_month"), ("wmo", 28, 6, ""), ("wmo", 28, 7, "short_month"),
    ("gtnp", 31, 29, ""), ("gtnp", 31, 59, ""), ("gtnp", 31, 60, "empty_months"), ("gtnp", 45, 73, ""),
    ("gtnp", 20, 69, ""), ("gtnp", 20, 71, "empty_months"), ("gtnp", 35, 73, ""), ("gtnp", 35, 74, "few_days"),
    ("liu2025", 0, 365, ""),
])
def test_presets_at_their_limits(rule, first, length, reason):
    result = annual_means(without(first, length), completeness=rule, year_start="calendar")
    assert result.reason[0, 0] == reason
    assert np.isnan(result.mean[0, 0]) == bool(reason)


def test_fifteen_days_may_be_missing_in_a_row_and_sixteen_not():
    for length, reason in ((15, ""), (16, "long_gap")):
        result = annual_means(without(70, length), completeness=replace(PRESETS["default"], month=None))
        assert result.reason[0, 0] == reason
    days = np.full(366, -3.0)
    days[::10] = np.nan                                                             # 37 of 366: 329 left, 330 needed
    assert annual_means(record_of(np.datetime64("2016-01-01") + np.arange(366), days)).reason[0, 0] == "few_days"
    days[0] = -3.0
    assert annual_means(record_of(np.datetime64("2016-01-01") + np.arange(366), days)).reason[0, 0] == ""


def test_running_means_keep_the_monthly_limits_of_a_rule():
    x = np.full(731, np.nan)
    x[400] = 7.0
    few = record_of(np.datetime64("2015-01-01") + np.arange(731), x)
    for rule in ("default", "gtnp", "wmo", "permos"):
        assert np.isnan(running_means(few, completeness=rule).values).all(), rule
    gap = record_of(np.datetime64("2015-01-01") + np.arange(731), np.r_[np.ones(400), [np.nan] * 4, np.ones(327)])
    assert np.isnan(running_means(gap, completeness="wmo").values[404:]).all()
    assert not np.isnan(running_means(gap, completeness="permos").values[404:]).any()


# ------------------------------------------------------------------ samplings
def test_the_same_hours_missing_every_day_are_in_the_bound_and_in_the_uncertainty():
    t = np.arange("2015-01-01", "2018-01-01", dtype="M8[h]")
    x = wave(t)
    afternoon = np.isin(np.arange(t.size) % 24, (12, 13, 14, 15))
    for record in (record_of(t, np.where(afternoon, np.nan, x)), record_of(t[~afternoon], x[~afternoon])):
        result, truth = annual_means(record), annual_means(record_of(t, x))
        error = np.abs(result.mean - truth.mean)
        assert (error > 1.5).all()
        assert (error <= result.bias_bound).all()
        assert (error <= 2 * result.gap_uncertainty).all()
        np.testing.assert_allclose(truth.bias_bound, 0.0, atol=1e-12)


@pytest.mark.parametrize("hours", [5, 7, 9, 10, 11, 13, 14])
def test_a_step_that_does_not_divide_the_day_draws_no_mean_to_any_hour(hours):
    t = np.arange("2015-01-01", "2018-01-01", hours, dtype="M8[h]")
    whole, each = (annual_means(record_of(at, wave(at))) for at in (np.arange(t[0], t[-1]), t))
    assert each.mean[1, 0] == pytest.approx(whole.mean[1, 0], abs=0.02)
    assert (each.n[1, 0], each.bias_bound[1, 0], each.uncertainty[1, 0]) == (366, 0.0, 0.1)
    assert abs(each.tdd - whole.tdd)[1, 0] < whole.tdd_uncertainty[1, 0]
    holed = wave(t)
    holed[(t >= np.datetime64("2016-07-01")) & (t < np.datetime64("2016-07-04"))] = np.nan
    less = annual_means(record_of(t, holed))
    assert abs(less.mean - each.mean)[1, 0] < less.bias_bound[1, 0] < 0.3


@pytest.mark.parametrize("hours", [15, 16, 17, 20, 23])
def test_one_hour_a_day_and_another_every_day_makes_no_daily_mean(hours):
    t = np.arange("2015-01-01", "2018-01-01", hours, dtype="M8[h]")
    assert annual_means(record_of(t, wave(t))).reason[1, 0] == "step"


def test_bursts_of_readings_do_not_draw_the_day_to_their_hour():
    hours = np.arange("2015-01-01", "2018-01-01", dtype="M8[h]").astype("M8[m]")
    noon = hours[14::24]
    burst = (noon[:, None] + (np.arange(1, 6) * 10).astype("m8[m]")).ravel()
    both = np.sort(np.r_[hours, burst])
    plain, crowded = (annual_means(record_of(t, wave(t))) for t in (hours, both))
    np.testing.assert_allclose(crowded.mean, plain.mean, atol=0.02)
    np.testing.assert_array_equal(crowded.n, plain.n)


def test_a_logger_set_from_hours_to_three_hours_keeps_its_years():
    t = np.r_[np.arange("2015-01-01", "2016-06-15", dtype="M8[h]").astype("M8[m]"),
              np.arange("2016-06-15T00", "2018-01-01T00", 3, dtype="M8[h]").astype("M8[m]")]
    result = annual_means(record_of(t, wave(t)))
    assert result.reason.ravel().tolist() == ["", "", ""]
    np.testing.assert_allclose(result.mean.ravel(), annual_means(record_of(YEARS, wave(YEARS, daily=0))).mean.ravel(),
                               atol=0.3)
    assert (result.n[:, 0] >= [365, 357, 365]).all()


@pytest.mark.parametrize("zone", ["Europe/Zurich", "Asia/Yakutsk", "America/Anchorage", "Australia/Hobart"])
@pytest.mark.parametrize("hour", [0, 23])
def test_daily_files_in_a_zone_with_summer_time_keep_their_dates(zone, hour):
    local = [datetime.datetime(2012, 1, 1, hour, tzinfo=ZoneInfo(zone)) + datetime.timedelta(k) for k in range(366)]
    utc = np.array([t.astimezone(datetime.UTC).replace(tzinfo=None) for t in local], "M8[us]")
    result = annual_means(record_of(utc, np.arange(366.0), zone=zone))
    assert (result.year.tolist(), result.n.tolist(), result.mean.tolist()) == ([2012], [[366]], [[182.5]])


def test_leap_years_and_austral_years_have_their_own_length():
    for start, year in (("calendar", 2016), ("austral", 2016), ("hydrological", 2016), ("02-28", 2017)):
        result = annual_means(record_of(YEARS, wave(YEARS)), year_start=start)
        assert result.days[list(result.year).index(year)] == 366, start
        assert set(result.days) == {365, 366}


# ------------------------------------------------------------------ stated errors
@pytest.mark.slow
@pytest.mark.parametrize("amplitude, memory, weather", [(16.0, 0.8, 5.0), (12.0, 0.9, 1.5), (1.5, 0.98, 0.1)])
@pytest.mark.parametrize("kind", ["one block", "filled block", "single days"])
def test_errors_of_known_gaps_lie_within_the_bound_and_scatter_as_stated(amplitude, memory, weather, kind):
    rng = np.random.default_rng(3)
    fill = Filling(5) if kind == "filled block" else None
    scores = []
    for _ in range(60):
        noise = np.zeros(1464)
        for i in range(1, noise.size):
            noise[i] = memory * noise[i - 1] + rng.normal() * weather * np.sqrt(1 - memory**2)
        x = amplitude * np.cos(2 * np.pi * (np.arange(1464) - 200) / 365.25) + noise
        days = np.datetime64("2015-01-01") + np.arange(1464)
        truth = x[365:731].mean()
        at = 365 + (rng.choice(366, 25, replace=False) if kind == "single days"
                    else rng.integers(6, 340) + np.arange(5 if fill else 15))
        x[at] = np.nan
        result = annual_means(record_of(days, x), completeness="liu2025", fill=fill)
        error = result.mean[1, 0] - truth
        assert abs(error) <= result.bias_bound[1, 0]
        scores.append(error / result.gap_uncertainty[1, 0])
    assert 0.35 < np.sqrt(np.mean(np.square(scores))) < 1.3
    assert np.mean(np.abs(scores) < 2) > 0.9


# ------------------------------------------------------------------ profiles
def test_a_frozen_first_sensor_above_one_that_thaws_is_not_decided():
    z = np.array([0.5, 1.0, 1.5])
    assert thaw_depth(z, np.array([-1.0, 2.0, -1.0])).crossings == 2
    assert thaw_depth(z, np.array([5.0, 2.0, -1.0])).crossings == 1
    values = np.array([-6.0, -3.0, -6.0]) + np.array([5.0, 5.0, 5.0]) * wave(YEARS, 0.0, 1.0, 0.0)[:, None]
    year = active_layer(record_of(YEARS, values, z)).years[0]
    assert (year.alt_reason, year.ttop_reason) == ("several_crossings", "several_crossings")


def test_a_thickness_exactly_on_a_sensor_reads_that_sensor():
    z = np.array([0.0, 0.5, 1.0, 2.0])
    values = np.array([-4.0, -3.0, -2.0, -2.5]) + np.array([9.0, 5.0, 2.0, 1.0]) * wave(YEARS, 0.0, 1.0, 0.0)[:, None]
    values[:, 2] -= values[:365, 2].max()
    year = active_layer(record_of(YEARS, values, z)).years[0]
    assert (year.alt, year.alt_lower, year.alt_upper) == (1.0, 0.5, 1.0)
    assert year.ttop == pytest.approx(values[:365, 2].mean())
    assert (year.ttop_depth, year.ttop_distance) == (1.0, 0.0)


def test_a_deep_sensor_without_any_amplitude_ends_the_wave():
    z = np.array([1.0, 5.0, 10.0, 15.0])
    found = zero_amplitude_depth(z, np.array([5.0, 1.0, 0.2, 0.0]))
    assert (found.depth, found.bottom) == (12.5, "found")


def test_layers_that_freeze_and_thaw_and_sensors_too_coarse_have_no_diffusivity_but_a_reason():
    z, alpha = np.array([0.2, 0.5, 0.8, 1.2]), 8e-7
    depth = np.sqrt(alpha * 365.25 * 86400 / np.pi)
    t = YEARS.astype(np.int64)[:, None]
    frozen = -15 + 12 * np.exp(-z / depth) * np.cos(2 * np.pi * (t - 200) / 365.25 - z / depth)
    for shift, coarse, reasons in ((0, 0, {""}), (11, 0, {"phase_change", ""}), (0, 0.25, {"", "not_conducting"})):
        x = frozen + shift
        table = diffusivity(record_of(YEARS, np.round(x / coarse) * coarse if coarse else x, z)).table
        assert set(table["reason"]) == reasons
        assert (table["thermal_diffusivity"].is_null() == (table["reason"] != "")).all()
        np.testing.assert_allclose(table["thermal_diffusivity"].drop_nulls(), alpha, rtol=0.06)
        assert reasons <= set(REASONS)


def test_a_day_with_two_readings_is_no_zero_curtain_day():
    t = np.arange("2019-09-01", "2020-09-01", dtype="M8[h]")
    x = np.where((t >= np.datetime64("2019-10-05")) & (t < np.datetime64("2019-10-25")), 0.1, -3.0)
    poor = (t >= np.datetime64("2019-10-10T02")) & (t < np.datetime64("2019-10-11"))
    table = zero_curtain(record_of(t, np.where(poor, np.nan, x), (0.5,)), year_start="thermal").table
    counted = ("zero_curtain_days", "longest", "bias_bound_zero_curtain_days", "bias_bound_longest")
    assert table.select(counted).rows() == [(19, 14, 1, 6)]                 # that day may have joined the two rests


def test_whatever_happened_on_missing_days_the_zero_curtain_stays_within_its_bound():
    rng = np.random.default_rng(4)
    t = np.arange("2019-01-01", "2022-01-01", dtype="M8[D]")
    x = np.where(rng.random((t.size, 4)) < 0.3, 0.1, -3.0)
    holed = np.where(rng.random(x.shape) < 0.05, np.nan, x)
    depths = (0.2, 0.4, 0.6, 0.8)
    whole, known = (zero_curtain(record_of(t, values, depths)).table for values in (x, holed))
    for name in ("zero_curtain_days", "longest"):
        more = whole[name] - known[name]
        assert ((more >= 0) & (more <= known[f"bias_bound_{name}"])).all()
        assert more.sum() > 0


def test_probed_thickness_beside_a_stated_depth_has_its_uncertainty_or_a_reason():
    values = np.array([-9.0, -4.0, -5.0]) + np.array([18.0, 12.0, 1.0]) * wave(YEARS, 0.0, 1.0, 0.0)[:, None]
    years = annual_offsets(record_of(YEARS, values, (-2.0, 0.0, 2.0)), depth=2.0, alt={2015: 0.8}, check=False,
                           sensors=Sensors(depth=0.02)).years
    assert years.select("alt", "alt_uncertainty").rows() == [(0.8, 0.02), (None, None), (None, None)]
    assert years["reason"].to_list() == ["", "alt: not_given", "alt: not_given"]


def test_every_reason_stands_in_the_how_to():
    page = (Path(__file__).parents[2] / "docs" / "howto" / "years-and-offsets.md").read_text(encoding="utf-8")
    assert [code for code in REASONS if code and f"| `{code}" not in page] == []


def test_an_offset_says_which_of_its_temperatures_is_missing():
    values = np.array([-9.0, -4.0, -5.0]) + np.array([18.0, 12.0, 1.0]) * wave(YEARS, 0.0, 1.0, 0.0)[:, None]
    values[:100, 0], values[400:500, 2] = np.nan, np.nan
    years = annual_offsets(record_of(YEARS, values, (-2.0, 0.0, 2.0)), depth=2.0, check=False).years
    said = [dict(part.split(": ") for part in reason.split("; ")) if reason else {} for reason in years["reason"]]
    assert [each.get("surface_offset") for each in said] == ["needs maat", None, None]
    assert [each.get("thermal_offset") for each in said] == [None, "needs ttop", None]
    assert [each.get("n_thaw") for each in said] == ["needs maat", None, None]
