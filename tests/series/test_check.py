"""The check: clean series stay clean, every injected fault is found, flags can be replayed, real shares stay small."""

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talik
from talik.errors import DataError, UnknownName, UsageError
from talik.kernels.quality import equal_runs
from talik.records import REJECTED, Flag, Record
from talik.series.judged import not_judged
from talik.series.offsets import annual_offsets
from talik.series.quality import Rules, check, checked_once
from talik.series.replay import replay
from talik.series.rules import CHECKS, SATURATED, SENTINELS

INFORMATION = Flag.MISSING | Flag.SNOW | Flag.UNSORTED


def with_fault(record, rows, column, value):
    values = record.values.copy()
    values[rows, column] = value(values[rows, column]) if callable(value) else value
    return Record(record.site, record.times, record.depths, values)


def rows_under(result, flag, column):
    return np.flatnonzero(result.record.flags[:, column] & int(flag))


# ------------------------------------------------------------------ clean series
@pytest.mark.parametrize("kind", [
    {}, {"hours": 3}, {"hours": 24}, {"resolution": 0.1}, {"resolution": 0.25, "noise": 0.05},
    {"resolution": 0.0, "noise": 0.0}, {"mean": 1.0}, {"amplitude": 25.0}, {"amplitude": 5.0}], ids=str)
def test_clean_series_stay_clean(invented, kind):
    for seed in range(2):
        result = check(invented(seed, end="2017-01-01", **kind))
        marked = (result.record.flags & int(~INFORMATION & 0xFFFF)) != 0
        assert marked.mean() < 1e-3, str(result)
        assert not (result.record.flags & int(REJECTED & ~Flag.MISSING)).any()


@pytest.mark.slow
def test_clean_series_stay_clean_for_forty_more_seeds(invented):
    shares = [((check(invented(seed, resolution=r)).record.flags & int(~INFORMATION & 0xFFFF)) != 0).mean()
              for seed in range(100, 120) for r in (0.01, 0.1)]
    assert max(shares) < 1e-3


def test_fronts_that_jump_and_jump_back_are_weather(invented):
    rng = np.random.default_rng(5)
    record, fronts = invented(5, end="2017-01-01"), np.zeros(17544)
    for at in rng.choice(fronts.size, 80, replace=False):
        fronts[at:] += rng.normal(0, 7) * np.exp(-np.arange(fronts.size - at) / 36)
    result = check(with_fault(record, slice(None), 0, lambda x: x + fronts))
    assert result.count(Flag.STEP)[0] == 0
    assert len(rows_under(result, REJECTED, 0)) <= 0.001 * fronts.size
    thrown = check(with_fault(record, slice(6000, 7000), 0, lambda x: x + 50))
    assert len(rows_under(thrown, REJECTED, 0)) >= 990


def test_a_coarse_logger_that_rests_under_snow_does_not_hang():
    t = np.arange("2018-09-01", "2020-09-01", dtype="M8[h]")
    d = np.arange(t.size) / 24
    snow = 1 / (1 + np.exp(-(np.abs((d % 365.25) - 145) - 75) / 5))                 # 0 in mid-winter, 1 in summer
    x = -3 + np.round(2 * (9 * snow * np.sin(2 * np.pi * d) + 8 * snow - 0.01 * (d % 365.25))) / 2
    result = check(Record("A", t, [0.02], x[:, None]))
    assert equal_runs(x)[1].max() > 24 * 20
    assert result.count(Flag.FLAT)[0] == 0


@pytest.mark.parametrize("column", [0, 1, 3])
def test_a_sensor_that_dies_is_found_to_the_end_of_the_record(invented, column):
    record = invented(3, end="2017-01-01")
    rows = np.arange(11000, record.times.size)
    result = check(with_fault(record, rows, column, record.values[11000, column]))
    assert set(rows) <= set(rows_under(result, Flag.FLAT, column))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_change_what_is_rejected(seed):
    rng = np.random.default_rng(seed)
    t = np.arange("2020-01-01", "2020-03-01", dtype="M8[h]")
    x = 5 * np.sin(np.arange(t.size) / 24 * 2 * np.pi) + rng.normal(0, 0.2, t.size)
    x[700], x[900] = 40.0, -999.0
    order = rng.permutation(t.size)
    rejected = np.uint16(int(REJECTED))
    straight = check(Record("A", t, [0.1], x[:, None])).record.flags & rejected
    mixed = check(Record("A", t[order], [0.1], x[order, None]))
    np.testing.assert_array_equal(mixed.record.flags & rejected, straight[order])
    assert mixed.count(Flag.UNSORTED)[0] > 0


# ------------------------------------------------------------------ injected faults
@pytest.mark.parametrize("value", [*SENTINELS, *SATURATED])
def test_every_fill_and_end_value_is_found(invented, value):
    rows = np.r_[5:9, 4000, 9000:9100]
    result = check(with_fault(invented(1, end="2017-01-01"), rows, 2, value))
    flag = Flag.SATURATED if value in SATURATED else Flag.SENTINEL
    np.testing.assert_array_equal(rows_under(result, flag, 2), rows)
    assert np.isnan(result.record.accepted().values[rows, 2]).all()


def test_a_fill_value_of_ones_own_may_lie_among_the_temperatures(invented):
    result = check(with_fault(invented(1, end="2016-01-01"), [7, 90], 2, -6.66), rules=Rules(sentinels=(-6.66,)))
    assert {7, 90} <= set(rows_under(result, Flag.SENTINEL, 2))


def test_a_sensor_stuck_at_minus_39_98_in_midsummer_is_found(invented):
    rows = np.arange(4400, 4892)                                          # July
    result = check(with_fault(invented(2, end="2017-01-01"), rows, 1, -39.98))
    found = rows_under(result, Flag.FLAT | Flag.STEP | Flag.SPIKE, 1)
    assert set(rows) <= set(found)
    assert len(found) <= 494


@pytest.mark.parametrize("column", [0, 1, 2, 3])
def test_a_sensor_that_hangs_at_its_last_value_is_found(invented, column):
    record = invented(3, end="2017-01-01")
    rows = np.arange(4400, 4900)
    result = check(with_fault(record, rows, column, record.values[4400, column]))
    assert set(rows) <= set(rows_under(result, Flag.FLAT, column))


def test_rest_at_depth_and_in_the_zero_curtain_is_not_stuck():
    t = np.arange("2018-01-01", "2021-01-01", dtype="M8[h]")
    year = np.cos(2 * np.pi * (np.arange(t.size) / 24 - 200) / 365.25)
    deep = np.round(-5 + 0.05 * year, 1)
    curtain = np.round(np.sign(6 * year - 1) * np.maximum(np.abs(6 * year - 1) - 2, 0), 1)
    result = check(Record("A", t, [0.5, 10.0], np.column_stack([curtain, deep])))
    assert result.count(Flag.FLAT).sum() == 0


@pytest.mark.parametrize("size", [15.0, -15.0, 60.0])
@pytest.mark.parametrize("width", [1, 2])
def test_every_spike_is_found(invented, size, width):
    rng = np.random.default_rng(4)
    record = invented(4, end="2017-01-01")
    for column in range(record.depths.size):
        at = np.sort(rng.choice(np.arange(50, record.times.size - 50, 40), 40, replace=False))
        rows = (at[:, None] + np.arange(width)).ravel()
        result = check(with_fault(record, rows, column, lambda x: x + size))
        assert set(rows) <= set(rows_under(result, Flag.SPIKE | Flag.RANGE, column)), column
        extra = set(rows_under(result, REJECTED, column)) - set(rows)
        assert len(extra) <= 0.001 * record.times.size


@pytest.mark.parametrize("column", [2, 3, 4, 5, 6])
def test_a_level_that_jumps_and_comes_back_is_found(invented, column):
    rows = np.arange(6000, 7200)
    result = check(with_fault(invented(5, end="2017-01-01"), rows, column, lambda x: x + 8.0))
    found = set(rows_under(result, Flag.STEP, column))
    assert len(found & set(rows)) >= 0.99 * rows.size
    assert len(found - set(rows)) <= 5


@pytest.mark.parametrize("column, size, first, last, words", [
    (5, 6.0, 2500, 2924, "after it, since it reads .* against its neighbours"), (5, 6.0, 0, 500, "before it"),
    (5, -6.0, 0, 2300, "before it"), (0, 18.0, 700, 2924, "after it"), (1, -15.0, 0, 2200, "before it")])
def test_a_level_that_jumps_for_good_is_wrong_where_its_neighbours_are_not(invented, column, size, first, last, words):
    result = check(with_fault(invented(6, hours=6, end="2017-01-01"), slice(first, last), column, lambda x: x + size))
    assert rows_under(result, Flag.STEP, column).tolist() == list(range(first, last))
    [detail] = result.log.filter(pl.col("flag") == "STEP")["detail"]
    assert re.search(rf"^moved by [+-]\d+\.\d K for good from 201\d-\d\d-.* on; rejected {words}", detail)
    assert detail in str(result)
    assert any(detail in note for note in annual_offsets(result.record).settings["notes"])


@pytest.mark.parametrize("first, wrong, words", [
    (1200, slice(None), "all rejected, since nobody can say"), (2800, slice(2800, None), "after it, where fewer")])
def test_of_a_sensor_without_neighbours_all_is_rejected_unless_one_side_is_short(invented, first, wrong, words):
    record = invented(6, hours=6, end="2017-01-01", depths=(1.0,))
    result = check(with_fault(record, slice(first, None), 0, lambda x: x + 8.0))
    assert rows_under(result, Flag.STEP, 0).tolist() == list(range(record.times.size))[wrong]
    assert words in result.log.filter(pl.col("flag") == "STEP")["detail"][0]


def test_surface_and_air_of_two_sensors_judge_each_other(invented):
    record = invented(6, hours=6, end="2017-01-01", depths=(-2.0, 0.02))
    for column, size in ((0, 20.0), (1, -14.0)):
        result = check(with_fault(record, slice(800, None), column, lambda x, by=size: x + by))
        assert rows_under(result, Flag.STEP, column).tolist() == list(range(800, record.times.size))


@pytest.mark.parametrize("column", [0, 1, 3])
def test_a_lasting_step_larger_than_the_smallest_said_to_be_found_is_found(invented, column):
    record = invented(7, hours=6)
    said = check(record).judged().filter(pl.col("check") == "step")["smallest_step"]
    assert said[3] < said[0] < 20
    flags = check(with_fault(record, slice(2500, None), column, lambda x: x + 1.1 * said[column])).record.flags
    assert np.flatnonzero(flags[:, column] & int(Flag.STEP)).tolist() == list(range(2500, record.times.size))


def test_two_lasting_steps_of_one_sensor_are_both_found(invented):
    record = with_fault(invented(6, hours=6), slice(1500, None), 4, lambda x: x + 6.0)
    result = check(with_fault(record, slice(3100, None), 4, lambda x: x + 7.0))
    kept = np.setdiff1d(np.arange(record.times.size), rows_under(result, Flag.STEP, 4))
    assert kept.tolist() == list(range(1500))
    assert "rejected at the other levels" in result.log.filter(pl.col("flag") == "STEP")["detail"][0]


def test_a_month_is_too_short_to_say_whether_a_level_changed(invented):
    short = invented(1, end="2015-02-05")
    table = check(short).judged().filter(pl.col("check") == "step")
    assert table["reason"].unique().to_list() == ["fewer than 40 whole days"]
    assert table["smallest_step"].null_count() == table.height


@pytest.mark.parametrize("days", [5, 17, 61, 120, 150, 200])
def test_a_stretch_that_hangs_makes_no_step_of_the_healthy_rest(invented, days):
    record = invented(6, hours=3, depths=(-2.0, 0.2, 0.5, 1.0, 2.0))
    values, per_day = record.values.copy(), 8
    hung = np.zeros(values.shape, bool)
    for column in range(values.shape[1]):
        first = int(np.random.default_rng([days, column]).integers(100, values.shape[0] - 100 - days * per_day))
        hung[first:first + days * per_day, column] = True
        values[hung[:, column], column] = values[first, column]
    found = check(record.with_values(values, record.flags, note="hung")).record.flags
    assert not (found[~hung] & Flag.STEP.value).any()


def test_a_sensor_that_dies_early_is_no_step_of_what_it_measured_before(invented):
    record = invented(6, end="2017-01-01", depths=(0.5, 1.0))
    dead = with_fault(record, slice(5000, None), 1, -25.0)
    found = check(dead).record.flags[:, 1]
    assert (found[5000:] & Flag.FLAT.value).all()
    assert not (found[:5000] & (Flag.STEP | Flag.FLAT).value).any()


def test_melt_water_that_lifts_frozen_ground_to_zero_is_no_step():
    x = np.r_[np.full(400, -4.0), np.full(400, -0.1), np.linspace(0, 6, 400)]
    x += np.random.default_rng(0).normal(0, 0.02, 1200)
    t = np.datetime64("2020-05-01") + np.arange(1200).astype("m8[h]")
    assert check(Record("A", t, [0.3], x[:, None])).count(Flag.STEP)[0] == 0


def test_values_nature_does_not_have_are_out_of_range():
    t = np.arange("2020-01-01", "2020-01-21", dtype="M8[D]")
    x = np.zeros((20, 4))
    x[3] = [-95.0, 80.0, -62.0, 77.0]
    x[5] = [-68.0, 60.0, -58.0, -85.0]
    flags = check(Record("A", t, [-2.0, 0.0, 1.0, np.nan], x), rules=Rules(checks=("range",))).record.flags
    assert (flags[3] & int(Flag.RANGE) != 0).all()
    assert not (flags[5] & int(Flag.RANGE)).any()


# ------------------------------------------------------------------ stamps
def test_copies_are_flagged_but_for_the_first_and_contradictions_all():
    t = np.array(["2020-01-01T00", "2020-01-01T01", "2020-01-01T01", "2020-01-01T02", "2020-01-01T02", "2020-01-01T03",
                  "2020-01-01T03"], "M8[h]")
    x = np.array([1, 2, 2, 3, 9, np.nan, 4.0])[:, None]
    flags = check(Record("A", t, [0.0], x)).record.flags[:, 0]
    assert (flags & int(Flag.DUPLICATE) != 0).tolist() == [False, False, True, True, True, False, False]


def test_the_mean_of_a_record_with_copies_is_that_of_the_clean_one(invented):
    record = invented(7, hours=3, end="2017-01-01")
    rows = np.arange(300, 1170)                                          # again at the end, as after a logger swap
    again = Record("A", np.r_[record.times, record.times[rows]], record.depths,
                   np.vstack([record.values, record.values[rows]]))
    result = check(again)
    assert result.count(Flag.DUPLICATE).tolist() == [870] * record.depths.size
    from talik.series.annual import annual_means

    np.testing.assert_allclose(annual_means(result.record).mean, annual_means(record).mean, atol=1e-9)


def test_the_hour_that_summer_time_repeats_is_rejected_and_the_mean_hardly_moves():
    utc = np.arange("2020-01-01", "2021-01-01", dtype="M8[h]")
    summer = (utc >= np.datetime64("2020-03-29T01")) & (utc < np.datetime64("2020-10-25T01"))
    local = utc + summer.astype("m8[h]")
    x = -3 + 8 * np.sin(2 * np.pi * np.arange(utc.size) / 8784) + 2 * np.sin(2 * np.pi * np.arange(utc.size) / 24)
    result = check(Record("A", local, [0.0], x[:, None]))
    assert result.count(Flag.DUPLICATE).tolist() == [2]
    from talik.series.annual import annual_means

    shifted, clean = (annual_means(r).mean[0, 0] for r in (result.record, Record("A", utc, [0.0], x[:, None])))
    assert shifted == pytest.approx(clean, abs=5e-3)


def test_rows_under_a_reset_clock_are_rejected():
    t = np.arange("2019-01-01", "2019-03-01", dtype="M8[h]").astype("M8[us]")
    t[500:700] = np.datetime64("2000-01-01") + np.arange(200).astype("m8[h]")
    result = check(Record("A", t, [0.0], np.ones((t.size, 1))), rules=Rules(checks=("stamps",)))
    np.testing.assert_array_equal(rows_under(result, Flag.CLOCK, 0), np.arange(500, 700))


def test_a_sampling_grid_that_shifts_is_marked_where_it_shifts():
    t = np.arange("2019-01-01", "2019-02-01", dtype="M8[h]").astype("M8[us]")
    t[300:] += np.timedelta64(17, "m")
    result = check(Record("A", t, [0.0], np.ones((t.size, 1))), rules=Rules(checks=("stamps",)))
    assert rows_under(result, Flag.CLOCK, 0).tolist() == [300]


# ------------------------------------------------------------------ depths
def swapped(record, i, j):
    order = np.arange(record.depths.size)
    order[[i, j]] = order[[j, i]]
    return Record("A", record.times, record.depths, record.values[:, order])


def test_swapped_columns_are_found(invented):
    found = []
    for seed in range(4):
        record = invented(seed, hours=6, end="2017-01-01")
        for i in range(1, 6):
            for j in range(i + 1, 7):
                result = check(swapped(record, i, j))
                found.append(result.count(Flag.DEPTH)[[i, j]].all())
    assert np.mean(found) >= 0.95


def test_one_pair_is_enough_to_name_both_and_the_rest_stays(invented):
    result = check(swapped(invented(1, hours=24), 2, 5))
    assert (result.count(Flag.DEPTH) > 0).tolist() == [False, False, True, False, False, True, False]
    assert "Columns swapped?" in result.log.filter(pl.col("flag") == "DEPTH")["detail"][0]


@pytest.mark.parametrize("change, words", [
    (lambda z: np.where(z > 0, z * 100, z), "thermal diffusivity.*centimetres or millimetres taken for metres"),
    (lambda z: np.where(z > 0, z / 100, z), "thermal diffusivity.*metres taken for centimetres"),
    (lambda z: -np.abs(z), "wrong sign"),
])
def test_wrong_unit_and_wrong_sign_of_depth_are_found(invented, change, words):
    record = invented(2, hours=24)
    ground = slice(1, None)
    wrong = Record("A", record.times, change(record.depths[ground]), record.values[:, ground])
    result = check(wrong)
    assert (result.count(Flag.DEPTH) > 0).all()
    assert result.log.filter(pl.col("flag") == "DEPTH")["detail"].str.contains(words).all()


def test_replicates_at_one_depth_and_short_records_are_not_judged(invented):
    record = invented(1, hours=24)
    doubled = Record("A", record.times, [0.1, 0.1, 0.5], record.values[:, [4, 1, 3]])
    assert check(doubled).count(Flag.DEPTH).sum() == 0
    assert check(swapped(invented(1, hours=24, end="2015-04-01"), 2, 5)).count(Flag.DEPTH).sum() == 0


def test_seven_months_are_enough_to_see_a_swap(invented):
    short = invented(1, hours=24, end="2015-08-01")
    assert (check(swapped(short, 2, 5)).count(Flag.DEPTH)[[2, 5]] > 0).all()
    assert check(short).count(Flag.DEPTH).sum() == 0


# ------------------------------------------------------------------ drift and snow
def test_drift_is_seen_in_the_zero_curtain_and_corrected_only_when_asked(invented):
    record = invented(1, hours=3, curtain=2.0, end="2020-01-01")
    years = (record.times - record.times[0]).astype(float) / (365.25 * 86400e6)
    drifted = with_fault(record, slice(None), 3, lambda x: x + 0.12 * years + 0.1)
    seen = check(drifted)
    assert seen.count(Flag.DRIFT)[3] > 0
    assert seen.count(Flag.DRIFT)[[2, 4]].sum() == 0
    np.testing.assert_array_equal(seen.record.values, drifted.values)
    assert not (seen.record.flags & int(REJECTED)).any()
    corrected = check(drifted, rules=Rules(correct_drift=True)).record
    assert np.abs(corrected.values[:, 3] - record.values[:, 3]).mean() < 0.06
    assert (corrected.flags[:, 3] & int(Flag.CORRECTED)).all()
    assert "subtracted" in corrected.history[-1] or "less" in corrected.history[-1]


def test_ground_that_rests_near_zero_without_freezing_back_has_no_drift():
    t = np.arange("2018-01-01", "2021-01-01", dtype="M8[D]")
    x = -0.6 + 0.05 * np.cos(2 * np.pi * np.arange(t.size) / 365.25)
    assert check(Record("A", t, [3.0], x[:, None])).count(Flag.DRIFT)[0] == 0


def test_snow_is_inferred_where_a_surface_is_damped():
    t = np.arange("2019-09-01", "2020-08-01", dtype="M8[h]")
    covered = (t >= np.datetime64("2019-11-01")) & (t < np.datetime64("2020-05-01"))
    daily = np.where(covered, 0.05, 4.0) * np.sin(2 * np.pi * np.arange(t.size) / 24)
    x = np.where(covered, -6.0, 3.0) + daily
    result = check(Record("A", t, [0.0, 1.0], np.column_stack([x, x])))
    under = (result.record.flags & int(Flag.SNOW)) != 0
    np.testing.assert_array_equal(under[:, 0], covered)
    assert not under[:, 1].any()
    assert not (result.record.flags & int(REJECTED)).any()


# ------------------------------------------------------------------ log, replay, rules
def faulty(invented):
    record = with_fault(invented(8, end="2016-06-01"), [500, 501, 3000], 1, -999.0)
    record = with_fault(record, slice(5000, 5400), 2, -39.98)
    return with_fault(record, 7000, 5, lambda x: x + 30)


def test_the_log_replays_to_the_same_flags_also_from_csv(invented, tmp_path):
    record = faulty(invented)
    result = check(record)
    np.testing.assert_array_equal(replay(record, result.log).flags, result.record.flags)
    result.log.write_csv(tmp_path / "log.csv")
    again = replay(record, pl.read_csv(tmp_path / "log.csv"))
    np.testing.assert_array_equal(again.flags, result.record.flags)
    kept = replay(record, result.log.filter(pl.col("flag") != "FLAT"))
    assert not (kept.flags & int(Flag.FLAT)).any()
    assert again.history[-1].startswith("checked")


def test_checking_twice_adds_nothing(invented):
    once = check(faulty(invented)).record
    np.testing.assert_array_equal(check(once).record.flags, once.flags)
    assert checked_once(once) is once
    assert checked_once(once, Rules()) is not once


@pytest.mark.parametrize("change, words, error", [
    ({"flag": "SPIKY"}, "'SPIKE'", UnknownName),
    ({"column": 99}, "column 99.*7 columns", DataError),
    ({"last_row": 10**6}, "Is it the log of another file", DataError),
    ({"start": "1999-01-01T00:00:00"}, "stamped 1999", DataError),
])
def test_a_log_of_another_file_is_refused(invented, change, words, error):
    record = faulty(invented)
    log = check(record).log.with_columns(pl.col("start").dt.strftime("%Y-%m-%dT%H:%M:%S"))
    with pytest.raises(error, match=words):
        replay(record, log.with_columns(pl.lit(v).alias(k) for k, v in change.items()))


def test_values_and_inputs_are_never_changed(invented):
    record = faulty(invented)
    before = record.values.copy()
    result = check(record)
    np.testing.assert_array_equal(result.record.values, before)
    assert (record.flags == 0).all()


def test_only_the_checks_asked_for_are_made(invented):
    result = talik.check(faulty(invented), rules=Rules(checks=("sentinel",)))
    assert result.log["flag"].unique().to_list() == ["SENTINEL"]
    assert str(result) == "Invented: 3 of 86856 values rejected (0.00 %): 3 SENTINEL"
    assert result.to_frame().select("label", "flag", "n", "rejects").rows() == [("0.02 m", "SENTINEL", 3, True)]


@pytest.mark.parametrize("settings, words", [({"checks": ("spikes",)}, "check 'spikes'.*sentinel"),
                                             ({"air": (60.0, -90.0)}, "air goes from 60")])
def test_impossible_rules_are_refused(settings, words):
    with pytest.raises(UsageError, match=words):
        Rules(**settings)


def test_empty_and_tiny_records_pass_through():
    empty = Record("A", np.empty(0, "M8[us]"), [0.0], np.empty((0, 1)))
    assert str(check(empty)) == "A: 0 of 0 values rejected (none)"
    assert check(Record("A", np.array(["2020-01-01"], "M8[D]"), [0.0], [[np.nan]])).log.height == 0
    assert len(CHECKS) == 9


# ------------------------------------------------------------------ what could be judged
def test_each_check_and_column_says_whether_it_could_be_judged(invented):
    result = check(invented(1, hours=3, curtain=2.0))
    table = result.judged()
    assert table.height == len(CHECKS) * result.record.depths.size
    assert (table["judged"] == (table["reason"] == "")).all()
    drift = table.filter(pl.col("check") == "drift")["reason"].to_list()
    assert drift[0] == "not in the ground"
    assert "" in drift[1:]
    short = Record("A", invented(1).times[:2000], [0.5, np.nan], invented(1).values[:2000, 1:3])
    reasons = {(row["label"], row["check"]): row["reason"] for row in check(short).judged().iter_rows(named=True)}
    assert {reasons[short.labels[0], name] for name in ("depth", "drift")} == {"one sensor", "no zero curtain"}
    assert reasons[short.labels[1], "drift"] == "depth unknown"
    assert not_judged(check(short, rules=Rules(checks=("spike",))).judged()) == ""


# ------------------------------------------------------------------ stuck near 0 °C
def near_zero():
    """An hourly sensor with a freeze-back of fifty days at exactly 0.00 °C, entered and left slowly."""
    t = np.arange("2019-06-01", "2021-06-01", dtype="M8[h]")
    year = 6 * np.cos(2 * np.pi * (np.arange(t.size) / 24 - 60) / 365.25) - 1
    return t, np.round(np.sign(year) * np.maximum(np.abs(year) - 1.2, 0), 2)


def test_a_sensor_that_hangs_near_zero_and_leaves_by_a_jump_is_stuck():
    t, x = near_zero()
    assert equal_runs(x)[1].max() > 24 * 20
    assert check(Record("A", t, [0.3], x[:, None])).count(Flag.FLAT)[0] == 0
    for value in (0.0, 0.35):
        hung = x.copy()
        hung[1000:2000] = value
        rows = rows_under(check(Record("A", t, [0.3], hung[:, None])), Flag.FLAT, 0)
        np.testing.assert_array_equal(rows, np.arange(1000, 2000))


def test_a_sensor_that_rests_while_a_wave_reaches_the_one_below_is_stuck():
    t = np.arange("2020-06-01", "2020-09-01", dtype="M8[h]")
    day = np.arange(t.size) / 24 * 2 * np.pi
    upper, lower = np.round(8 + 4 * np.sin(day) + np.sin(day / 9), 1), np.round(8 + 2 * np.sin(day - 0.7), 1)
    upper[500:600] = upper[500]
    flags = check(Record("A", t, [0.1, 0.2], np.column_stack([upper, lower]))).record.flags
    assert (flags[500:600, 0] & int(Flag.FLAT)).all()
    assert not (flags[:, 1] & int(REJECTED)).any()


def test_a_rest_between_the_neighbours_is_a_gradient_and_no_drift():
    day = np.arange(500)
    own = np.r_[np.linspace(8, -0.4, 150), np.full(60, -0.4), np.linspace(-0.45, -9, 290)]
    above, below = np.where((day >= 150) & (day < 210), 0.0, own), np.where((day >= 150) & (day < 210), -1.0, own)
    t = np.arange("2019-07-02", "2020-11-13", dtype="M8[D]")
    together = Record("A", t, [0.4, 0.6, 0.8], np.column_stack([above, own, below]))
    assert check(Record("A", t, [0.6], own[:, None])).count(Flag.DRIFT)[0] > 0
    assert check(together).count(Flag.DRIFT)[1] == 0
