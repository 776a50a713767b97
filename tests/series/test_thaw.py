"""Thickness, top of permafrost, zero amplitude and diffusivity against closed forms, and what is censored."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.errors import DataError, UsageError
from talik.kernels.diffusivity import diffusivity_from_days, diffusivity_from_waves
from talik.kernels.profile import (
    annual_wave,
    at_depth,
    harmonic_fit,
    thaw_depth,
    zero_amplitude_depth,
)
from talik.records import Record
from talik.series.conduction import diffusivity, zero_curtain
from talik.series.thaw import ThawOptions, active_layer

DAYS = np.arange(np.datetime64("2015-01-01"), np.datetime64("2018-01-01"))


def conduction(depths, *, mean=-4.0, amplitude=12.0, damping=2.5, gradient=0.0):
    """The periodic solution of heat conduction; mean, amplitude and damping depth in °C, K, m."""
    z, t = np.asarray(depths, float), DAYS.astype(int)[:, None]
    return mean + gradient * z + amplitude * np.exp(-z / damping) * np.cos(2 * np.pi * (t - 200) / 365.25 - z / damping)


def true_thickness(mean=-4.0, amplitude=12.0, damping=2.5):
    return damping * np.log(amplitude / -mean)


@pytest.mark.parametrize("spacing, error", [(0.1, 0.002), (0.25, 0.004), (0.5, 0.012), (1.0, 0.045)])
def test_thickness_is_as_near_the_closed_form_as_the_spacing_allows(spacing, error):
    z = np.arange(0, 6 + spacing / 2, spacing)
    result = active_layer(Record("A", DAYS, z, conduction(z)))
    for year in result.years:
        assert year.alt == pytest.approx(true_thickness(), abs=error + 0.001)
        assert year.alt_lower <= year.alt <= year.alt_upper
        assert abs(year.alt - true_thickness()) <= 3 * year.alt_uncertainty


@settings(max_examples=40, deadline=None)
@given(st.floats(-9, -0.5), st.floats(10, 20), st.floats(0.8, 3.0), st.floats(0.05, 1.0))
def test_the_bracket_holds_the_truth(mean, amplitude, damping, spacing):
    z = np.arange(0.0, 12.0, spacing)
    found = thaw_depth(z, mean + amplitude * np.exp(-z / damping))
    truth = damping * np.log(amplitude / -mean)
    if truth < z[-1]:
        assert found.bottom == "found"
        assert found.last_thawed <= truth + 1e-9 <= found.first_frozen + 2e-9
        assert found.last_thawed <= found.depth <= found.first_frozen
    else:
        assert (found.bottom, found.first_frozen) == ("deeper", np.inf)
    extended = thaw_depth(z, mean + amplitude * np.exp(-z / damping), method="extrapolate")
    if found.bottom == "found":
        assert found.last_thawed <= extended.depth <= found.first_frozen


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=8, unique=True), st.floats(0.3, 2.9), st.floats(2, 15),
       st.floats(0.02, 1.0))
def test_a_bend_at_the_thaw_front_is_within_the_uncertainty_with_few_sensors_and_with_many(places, front, above, share):
    z = np.array(sorted(places)) * 0.05
    envelope = np.where(z < front, above, share * above) * (front - z)          # flat below, where latent heat goes
    found = thaw_depth(z, envelope)
    if found.bottom == "found":
        assert found.depth >= front - 1e-9                                       # too thick, never too thin
        lone = found.last_thawed == z[0]
        assert found.depth - front <= found.interpolation_error * (np.sqrt(3) if lone else 1) + 1e-9
        assert found.interpolation_error <= found.depth - found.last_thawed + 1e-9
        nearest = (z <= found.first_frozen)
        assert thaw_depth(z[nearest], envelope[nearest]) == found              # frozen sensors below add nothing


def test_peer_case_the_crossing_below_the_last_thawed_node_not_the_first():
    found = thaw_depth(np.array([0.1, 0.5, 1.0, 2.0]), np.array([9.0, 4.0, 1.0, -1.0]))
    assert (found.depth, found.last_thawed) == (1.5, 1.0)


@pytest.mark.parametrize("envelope, bottom, bracket", [
    ([5.0, 2.0, 0.5], "deeper", (2.0, np.inf)),
    ([-0.5, -1.0, -2.0], "shallower", (0.0, 0.5)),
    ([np.nan] * 3, "no_profile", (np.nan, np.nan)),
])
def test_censored_and_empty_profiles_keep_what_they_know(envelope, bottom, bracket):
    found = thaw_depth(np.array([0.5, 1.0, 2.0]), np.array(envelope))
    assert np.isnan(found.depth)
    assert found.bottom == bottom
    np.testing.assert_array_equal((found.last_thawed, found.first_frozen), bracket)


def test_a_frozen_layer_above_one_that_thaws_is_not_decided():
    z = np.array([0.0, 0.5, 1.0, 1.5, 2.5])
    values = conduction(z, mean=-6)
    values[:, 3] += 6                                                      # thaws below a layer that does not
    values[:, 2] -= 3
    [year, *_] = active_layer(Record("A", DAYS, z, values)).years
    assert (year.alt_reason, year.ttop_reason) == ("several_crossings", "several_crossings")
    assert np.isnan(year.alt)


def test_a_missing_sensor_widens_the_bracket():
    z = np.array([0.5, 1.0, 1.5, 2.0])
    t = np.array([6.0, 1.0, -1.0, -3.0])
    holed = t.copy()
    holed[2] = np.nan
    assert thaw_depth(z, holed).first_frozen == 2.0
    assert thaw_depth(z, t).first_frozen == 1.5


@settings(max_examples=30, deadline=None)
@given(st.floats(-10, 10), st.floats(-3, 3), st.floats(0.0, 5.0))
def test_a_straight_profile_is_read_exactly_and_never_extrapolated(level, slope, depth):
    z = np.array([0.5, 1.0, 2.5, 4.0])
    found = at_depth(z, level + slope * z, depth)
    if 0.5 <= depth <= 4.0:
        assert found.value == pytest.approx(level + slope * depth, abs=1e-9)
        assert found.above <= depth <= found.below
    else:
        assert np.isnan(found.value)


def test_the_top_of_permafrost_takes_a_sensor_close_below_but_nothing_above():
    z = np.array([0.6, 1.0])
    record = Record("A", DAYS, z, conduction(z, mean=-9, amplitude=11))
    near, far = (active_layer(record, alt=alt).years[0] for alt in (0.45, 0.2))
    assert near.ttop_distance == pytest.approx(0.15)
    assert near.ttop == pytest.approx(-9, abs=0.1)
    assert near.ttop_depth == pytest.approx(0.6)
    assert (far.ttop_reason, active_layer(record, alt=1.2).years[0].ttop_reason) == ("outside_string", "outside_string")


def test_peer_case_no_zero_amplitude_inside_a_short_string():
    z = np.arange(0.0, 7.1, 0.5)
    amplitude = 12 * np.exp(-z / 3.0)
    short = zero_amplitude_depth(z, amplitude)
    assert np.isnan(short.depth)
    assert short.bottom == "deeper"
    longer = zero_amplitude_depth(z, amplitude, extrapolate=True)
    assert longer.extrapolated
    assert longer.depth == pytest.approx(3 * np.log(120), rel=1e-6)          # 14.36 m
    deep = np.arange(0.0, 20.1, 1.0)
    assert zero_amplitude_depth(deep, 12 * np.exp(-deep / 3.0)).depth == pytest.approx(3 * np.log(120), rel=1e-6)
    assert zero_amplitude_depth(deep, np.full(21, np.nan)).bottom == "no_profile"
    assert zero_amplitude_depth(deep, np.zeros(21)).bottom == "shallower"


def test_the_temperature_at_zero_amplitude_is_read_there():
    z = np.arange(0.0, 20.1, 0.5)
    [year, *_] = active_layer(Record("A", DAYS, z, conduction(z, gradient=0.05))).years
    assert year.dzaa == pytest.approx(2.5 * np.log(120), abs=0.05)
    assert year.dzaa_temperature == pytest.approx(-4 + 0.05 * year.dzaa, abs=0.01)


@pytest.mark.parametrize("alpha", [3e-7, 1e-6, 2e-6])
def test_diffusivity_comes_back_from_waves_and_from_days(alpha):
    damping = np.sqrt(alpha * 365.25 * 86400 / np.pi)
    z = np.array([0.2, 0.5, 0.8, 1.2, 1.6])
    values = conduction(z, mean=-15, damping=damping)
    _, amplitude, phase = annual_wave(DAYS.astype(float), values)
    for found in diffusivity_from_waves(z, amplitude, phase):
        np.testing.assert_allclose(found, alpha, rtol=1e-6)
    found, days = diffusivity_from_days(z, values)
    np.testing.assert_allclose(found, alpha, rtol=0.08)
    assert (days > 900).all()


def test_days_of_phase_change_take_no_part_in_the_diffusivity():
    z = np.array([0.2, 0.5, 0.8])
    values = conduction(z, mean=0.0, amplitude=0.4)
    found, days = diffusivity_from_days(z, values)
    assert np.isnan(found).all()
    assert (days == 0).all()


def test_waves_that_do_not_fall_or_lag_have_no_diffusivity():
    damping, lag = diffusivity_from_waves(np.array([0.0, 1.0]), np.array([5.0, 6.0]), np.array([200.0, 190.0]))
    assert np.isnan([*damping, *lag]).all()


def test_a_fit_needs_most_of_a_year():
    t = np.arange(60.0)
    assert np.isnan(harmonic_fit(t, np.sin(t / 60)[:, None])).all()
    assert np.isnan(harmonic_fit(np.arange(400.0), np.full((400, 1), np.nan))).all()


@pytest.mark.parametrize("options", [{"method": "spline"}, {"reach": -1.0}, {"zero_amplitude": 0.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(UsageError, match="thaw"):
        ThawOptions(**options)


def test_a_record_of_air_alone_has_no_active_layer():
    with pytest.raises(DataError, match="no column has a known depth"):
        active_layer(Record("A", DAYS, [-2.0], conduction([0.0])))


def test_the_table_and_the_sentence():
    z = np.array([0.0, 0.5, 1.0])
    result = active_layer(Record("A", DAYS, z, conduction(z)))
    assert str(result) == "A: no active layer thickness in 3 years (censored_deep)"
    frame = result.to_frame()
    assert frame["alt"].is_null().all()
    assert frame["alt_lower"].to_list() == [1.0] * 3


def test_zero_curtain_days_are_counted_where_all_samples_stay_near_zero():
    t = np.arange("2019-09-01", "2021-09-01", dtype="M8[h]")
    x = np.full(t.size, -3.0)
    quiet = (t >= np.datetime64("2019-10-05")) & (t < np.datetime64("2019-10-25"))
    x[quiet] = 0.1
    x[t == np.datetime64("2019-10-14T12")] = 0.6                            # one warm hour spoils its day
    table = zero_curtain(Record("A", t, [0.5], x[:, None]), year_start="thermal").table
    assert table.drop("site", "depth").rows() == [(2020, 19, 10, 0, 0, ""), (2021, 0, 0, 0, 0, "")]
    calendar_year = zero_curtain(Record("A", t, [0.5], x[:, None])).table
    assert calendar_year["zero_curtain_days"].to_list() == [None, 0, None]
    assert calendar_year["reason"].to_list() == ["few_days", "", "few_days"]
    with pytest.raises(UsageError, match="margin"):
        zero_curtain(Record("A", t, [0.5], x[:, None]), margin=0.0)


def test_the_three_diffusivities_of_a_conducting_record_agree():
    z = np.array([-2.0, 0.2, 0.5, 0.8, 1.2])
    alpha = 8e-7
    values = conduction(np.abs(z), mean=-15, damping=np.sqrt(alpha * 365.25 * 86400 / np.pi))
    table = diffusivity(Record("A", DAYS, z, values)).to_frame()
    assert table.group_by("method").len().sort("method")["len"].to_list() == [3, 2, 3]
    np.testing.assert_allclose(table["thermal_diffusivity"], alpha, rtol=0.05)
    with pytest.raises(DataError, match="got 2 different depths in 2 columns"):
        diffusivity(Record("A", DAYS, z[:3], values[:, :3]))
