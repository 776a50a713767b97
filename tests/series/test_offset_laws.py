"""Laws of the offsets, their pairing by window, replicates, and what is said when something is missing."""

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import talik
from talik.errors import DataError, UsageError
from talik.kernels.equilibrium import (
    apparent_rk,
    n_factors,
    offset_parts,
    sinusoid_degree_days,
    surface_offset,
    thermal_offset,
    ttop,
)
from talik.records import Record
from talik.series.offsets import QUANTITIES, annual_offsets
from talik.series.uncertainty import Sensors, combined, over_years

temperatures = st.floats(-40, 30, allow_nan=False)


# ------------------------------------------------------------------ kernels
@given(temperatures, temperatures, temperatures, st.floats(-15, 15))
def test_offsets_add_up_and_a_common_shift_changes_none(maat, magst, top, shift):
    so, to = surface_offset(maat, magst), thermal_offset(magst, top)
    np.testing.assert_allclose(so + to, top - maat, atol=1e-9)
    np.testing.assert_allclose(surface_offset(maat + shift, magst + shift), so, atol=1e-9)
    np.testing.assert_allclose(thermal_offset(magst + shift, top + shift), to, atol=1e-9)


@given(st.lists(st.tuples(temperatures, temperatures), min_size=365, max_size=366))
@settings(max_examples=8, deadline=None)
def test_nival_and_vegetation_part_sum_to_the_surface_offset(days):
    air, ground = np.array(days).T
    indices = [np.maximum(sign * x, 0).sum() for x in (air, ground) for sign in (1, -1)]
    nival, vegetation = offset_parts(*indices, len(days))
    np.testing.assert_allclose(nival + vegetation, ground.mean() - air.mean(), atol=1e-9)
    n_thaw, n_freeze = n_factors(*indices)
    if indices[0] > 0 and indices[1] > 0:
        np.testing.assert_allclose(nival, indices[1] * (1 - n_freeze) / len(days), atol=1e-9)
        np.testing.assert_allclose(vegetation, indices[0] * (n_thaw - 1) / len(days), atol=1e-9)


@given(st.floats(1, 3000), st.floats(1, 8000), st.floats(0.2, 2.0))
def test_ttop_with_equal_conductivities_has_no_thermal_offset_and_rk_comes_back(thawing, freezing, rk):
    days = 365.0
    mean = (thawing - freezing) / days
    np.testing.assert_allclose(ttop(thawing, freezing, 1.0, days), mean, atol=1e-9)
    top = ttop(thawing, freezing, rk, days)
    assume(top < 0 and thawing >= 50)
    np.testing.assert_allclose(apparent_rk(top - mean, thawing, days), rk, rtol=1e-9)


@given(st.floats(-30, 30), st.floats(0, 30))
def test_degree_days_of_a_sine_equal_their_sum(mean, amplitude):
    thawing, freezing = sinusoid_degree_days(mean, amplitude, days=365)
    x = mean + amplitude * np.sin(2 * np.pi * (np.arange(36500) + 0.5) / 36500)
    np.testing.assert_allclose([thawing, freezing], [np.maximum(x, 0).mean() * 365, np.maximum(-x, 0).mean() * 365],
                               atol=0.05)


@pytest.mark.parametrize("mean, amplitude, thawed, frozen, expected", [
    (-4, 12, 0.6, 1.2, -5.016980), (-1.058, 15.10, 0.588, 1.097, -3.048196), (2, 12, 1, 2, -0.436447),
    (6, 10, 1, 1.5, 5.612262)])
def test_ttop_equals_kudryavtsev_for_sines(mean, amplitude, thawed, frozen, expected):
    """The fourth is seasonal frost: the other branch. Numbers from Kudryavtsev's closed form."""
    thawing, freezing = sinusoid_degree_days(mean, amplitude, days=365)
    np.testing.assert_allclose(ttop(thawing, freezing, thawed / frozen, 365), expected, atol=1e-5)


@pytest.mark.parametrize("call, words", [
    (lambda: surface_offset(-999.0, 1.0), "maat: 1 of 1 values"),
    (lambda: thermal_offset(-4.0, [273.15, 1.0]), "ttop: 1 of 2 values.*Kelvin"),
    (lambda: n_factors(1, -5, 1, 1), "fdd_air: got -5.*counted positive"),
    (lambda: ttop(1, 1, 0.0), "rk: got 0"),
    (lambda: sinusoid_degree_days(0, -1), "amplitude: got -1"),
])
def test_impossible_numbers_are_refused(call, words):
    with pytest.raises(DataError, match=words):
        call()


def test_the_peer_case_with_reversed_sign_and_swapped_indices():
    """A site with MAAT -8 and MAGST -4 has +4, more than that by snow and less by vegetation (a peer says -4)."""
    assert surface_offset(-8.0, -4.0) == 4.0
    d = np.arange(365) + 0.5
    air, ground = (m + a * np.sin(2 * np.pi * d / 365) for m, a in ((-8, 16), (-4, 10)))
    nival, vegetation = offset_parts(*(np.maximum(s * x, 0).sum() for x in (air, ground) for s in (1, -1)), 365)
    assert nival + vegetation == pytest.approx(4.0)
    assert nival > 4.0 > 0 > vegetation


# ------------------------------------------------------------------ records
def site(start="2018-01-01", end="2021-01-01", shift=0.0, name="Site", columns=(-2.0, 0.0, 0.5, 1.0, 2.0)):
    t = np.arange(start, end, dtype="M8[D]")
    day = t.astype(np.int64)
    means = {-2.0: -9.0, 0.0: -4.0, 0.5: -4.5, 1.0: -4.9, 2.0: -5.0}
    wide = {-2.0: 18.0, 0.0: 12.0, 0.5: 6.0, 1.0: 3.0, 2.0: 1.0}
    wave, drift = np.cos(2 * np.pi * (day - 200) / 365.25), 0.3 * (day // 365 % 3)
    values = np.column_stack([means[z] + shift + drift + wide[z] * wave for z in columns])
    return Record(name, t, columns, values)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-5, 5))
def test_every_year_obeys_the_laws_and_rows_may_come_in_any_order(seed, shift):
    rng = np.random.default_rng(seed)
    record = site()
    order = rng.permutation(record.times.size)
    shuffled = Record("Site", record.times[order], record.depths, record.values[order])
    moved = site(shift=shift)
    a, b, c = (annual_offsets(r, depth=2.0, check=False).years for r in (record, shuffled, moved))
    assert a.equals(b)
    for name in ("surface_offset", "thermal_offset"):
        np.testing.assert_allclose(c[name], a[name], atol=1e-9)
    np.testing.assert_allclose(a["surface_offset"] + a["thermal_offset"], a["ttop"] - a["maat"], atol=1e-9)
    np.testing.assert_allclose(a["nival_offset"] + a["vegetation_offset"], a["surface_offset"], atol=1e-9)
    np.testing.assert_allclose((a["tdd_air"] - a["fdd_air"]) / a["days"], a["maat"], atol=1e-9)


def test_doubling_every_row_changes_nothing():
    record = site()
    twice = Record("Site", np.repeat(record.times, 2), record.depths, np.repeat(record.values, 2, axis=0))
    assert annual_offsets(twice).years.drop("reason").equals(annual_offsets(record).years.drop("reason"))


def test_air_from_one_file_and_ground_from_another_are_paired_by_window():
    air, soil = site(columns=(-2.0,), start="2017-06-01"), site(columns=(0.0, 2.0), end="2020-03-01")
    result = annual_offsets([air, soil], depth=2.0)
    years = result.years
    assert years.filter(pl.col("surface_offset").is_not_null())["year"].to_list() == [2018, 2019]
    assert result.mean("maat").n == 2           # not three: 2020 has air but no ground
    row = result.site_row()
    assert row["surface_offset"] == pytest.approx(row["magst"] - row["maat"])
    assert row["thermal_offset"] == pytest.approx(row["ttop"] - row["magst"])
    assert (row["first_year"], row["last_year"]) == (2018, 2019)


def test_offsets_of_averages_would_be_wrong_by_more_than_a_kelvin():
    t = np.arange("2010-01-01", "2020-01-01", dtype="M8[D]")
    trend = 0.3 * (t.astype("M8[Y]").astype(int) - 40)
    air = Record("A", t, [-2.0], (-9 + trend)[:, None])
    ground = Record("A", t[1826:], [0.0, 2.0], np.column_stack([-5 + trend, -6 + trend])[1826:])
    result = annual_offsets([air, ground], depth=2.0, check=False)
    assert result.mean("surface_offset").mean == pytest.approx(4.0)
    assert (-5 + trend)[1826:].mean() - (-9 + trend).mean() > 4.7


def test_replicates_pair_with_their_own_and_an_incomplete_one_leaves_the_year():
    base = site(columns=(-2.0, 0.0, 0.5))
    x = np.column_stack([base.values, base.values[:, 1:] + 1.0])
    x[366:466, 3] = np.nan                                         # surface 2 is missing a hundred days of 2019
    record = Record("Site", base.times, [-2, 0, 0.5, 0, 0.5], x, labels=("air", "s1", "d1", "s2", "d2"))
    result = annual_offsets(record, surface="s?", depth="d?", check=False)
    assert result.years["replicates"].to_list() == [2, 1, 2]
    air, surface = base.values[365:730, :2].mean(axis=0)
    np.testing.assert_allclose(result.years["surface_offset"][1], surface - air)
    alone = annual_offsets(base, depth=0.5, check=False)
    np.testing.assert_allclose(result.years["thermal_offset"], alone.years["thermal_offset"])
    assert result.years["surface_offset_uncertainty"][0] < result.years["surface_offset_uncertainty"][1]


def test_the_profile_gives_the_top_of_permafrost_at_the_years_own_thickness():
    result = annual_offsets(site())
    years = result.years
    assert years["alt"].is_between(0.5, 1.0).all()
    assert (years["alt_lower"] <= years["alt"]).all()
    assert (years["ttop_depth"] == years["alt"]).all()
    assert years["ttop"].is_between(-5.0, -3.5).all()
    given = annual_offsets(site(), alt={2018: 1.0, 2019: 2.0})
    np.testing.assert_allclose(given.years["ttop"][:2], [annual_offsets(site(), depth=z, check=False).years["ttop"][i]
                                                         for i, z in enumerate((1.0, 2.0))])
    assert "ttop: not_given" in given.years["reason"][2]


def test_year_starts_move_the_window_of_all_three():
    result = annual_offsets(site(), depth=2.0, year_start="hydrological")
    assert result.years["start"].dt.month().unique().to_list() == [10]
    assert result.years.filter(pl.col("surface_offset").is_not_null())["year"].to_list() == [2019, 2020]
    assert result.site_row()["year_start"] == "hydrological"


def test_everything_null_has_a_reason():
    record = site(start="2018-03-28")
    for result in (annual_offsets(record), annual_offsets(record, depth=2.0),
                   annual_offsets(Record("S", record.times, record.depths[1:], record.values[:, 1:]))):
        for row in result.years.iter_rows(named=True):
            named = {part.split(": ")[0] for part in row["reason"].split("; ") if part}
            empty = {name for name in QUANTITIES if row[name] is None}
            assert empty == named, row["year"]


def test_warm_ground_has_no_apparent_rk_and_frostless_air_no_n_factor():
    t = np.arange("2020-01-01", "2021-01-01", dtype="M8[D]")
    wave = np.cos(2 * np.pi * (t.astype(int) - 200) / 366)
    values = np.column_stack([8 + 3 * wave, 9 + 3 * wave, 9.5 + wave])
    result = annual_offsets(Record("S", t, [-2.0, 0.0, 1.0], values), depth=1.0)
    row = result.years.row(0, named=True)
    assert (row["rk_apparent"], row["n_freeze"]) == (None, None)
    assert "rk_apparent: not_frozen" in row["reason"]
    assert "n_freeze: no_degree_days" in row["reason"]


def test_uncertainty_of_calibration_lasts_and_that_of_gaps_averages_out():
    record = site(start="2010-01-01")
    x = record.values.copy()
    x[:, 1] += 2 * np.sin(np.arange(len(x)) * 1.7)
    for year in range(2010, 2021):
        at = int((np.datetime64(f"{year}-07-10") - record.times[0].astype("M8[D]")).astype(int))
        x[at:at + 5, 1] = np.nan
    gappy = annual_offsets(Record("S", record.times, record.depths, x), depth=2.0, check=False,
                           sensors=Sensors(temperature=0.0))
    yearly = gappy.years["surface_offset_uncertainty"].mean()
    assert gappy.mean("surface_offset").uncertainty == pytest.approx(yearly / np.sqrt(11), rel=0.05)
    sure = annual_offsets(record, depth=2.0, check=False, sensors=Sensors(temperature=0.2))
    assert sure.mean("surface_offset").uncertainty == pytest.approx(0.2 * np.sqrt(2))


def test_means_over_years():
    assert over_years([np.nan], 0.1, 0.1).n == 0
    assert np.isnan(over_years([1.0], 0.1, 0.1).sd)
    assert combined(3.0, 4.0) == 5.0
    for wrong in ({"temperature": -0.1}, {"depth": -0.1}, {"depth": float("nan")}, {"temperature": float("nan")}):
        with pytest.raises(UsageError, match="negative"):
            Sensors(**wrong)


def test_a_year_that_the_check_rejects_says_so():
    record = site()
    spoilt = record.values.copy()
    spoilt[400:440, 1] = 6999.0
    years = annual_offsets(Record("S", record.times, record.depths, spoilt), depth=2.0).years
    assert ["magst: rejected" in reason for reason in years["reason"]] == [False, True, False]


@pytest.mark.parametrize("options, words", [
    ({"air": "AirT*"}, "air='AirT\\*': no such column. There are: -2 m; 0 m"),
    ({"surface": 0.3}, "surface=0.3"),
    ({"depth": [0.5, 1.0], "surface": [0.0, 0.5, 1.0]}, "replicates do not pair up: 1 air, 3 surface, 2 depth"),
    ({"completeness": "strict"}, "unknown completeness rule"),
    ({"alt": -1.0}, "alt=-1: expected a thickness"),
    ({"alt": float("nan")}, "alt=nan: expected a thickness"),
    ({"depth_tolerance": -0.1}, "depth_tolerance=-0.1"),
    ({"surface_depth": float("nan")}, "surface_depth=nan"),
    ({"air": 0.5}, "air='0.5 m' lies in the ground"),
    ({"surface": 1.0, "depth": 0.5}, "depth='0.5 m' does not lie below surface='1 m'"),
    ({"surface": 0.5, "depth": 0.5}, "does not lie below"),
    ({"year_start": "spring"}, "year start 'spring'"),
])
def test_wrong_choices_are_refused_with_what_there_is(options, words):
    with pytest.raises(UsageError, match=words):
        annual_offsets(site(), **options)


def test_columns_that_would_do_equally_are_for_the_user_to_choose():
    record = site()
    two = Record("S", record.times, [-2, 0, 0, 1, 2], record.values, labels=("air", "a", "b", "c", "d"))
    with pytest.raises(UsageError, match=r"surface: 2 columns would do: a \(0 m\); b \(0 m\)"):
        annual_offsets(two)
    with pytest.raises(UsageError, match="make no single profile"):
        annual_offsets(two, surface="a")


@pytest.mark.parametrize("records, words", [
    ([], "no record"),
    (site(columns=(-2.0, 0.5, 1.0)), r"no column near enough to the surface \(depths \[m\]: 0.5, 1\)"),
    (site(columns=(0.0,)), "neither air"),
])
def test_sites_without_what_an_offset_needs_are_refused(records, words):
    with pytest.raises(DataError, match=words):
        annual_offsets(records)


def test_yearly_files_of_one_logger_are_joined():
    whole = annual_offsets(site(), depth=2.0).years
    parts = [site(start="2018-01-01", end="2019-04-01"), site(start="2019-04-01")]
    assert annual_offsets(parts, depth=2.0).years.equals(whole)


def test_the_sentence_and_the_facade():
    result = talik.annual_offsets(site(), depth=2.0)
    assert str(result).startswith("Site: surface offset +5.00 °C (n = 3")
    half = annual_offsets(site(end="2018-06-01"), depth=2.0)
    assert str(half).startswith("Site: no offset in 1 year (maat: few_days")
    assert result.settings["completeness"]["name"] == "default"
    assert len(result.data_hash) == 64
    with pytest.raises(UsageError, match="no mean of 'snow'"):
        result.mean("snow")
