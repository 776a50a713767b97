"""Days and years against plain loops: means, gaps, months, year starts, steps, stamps in any order."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.errors import DataError, UnknownName, UsageError
from talik.kernels import calendar, years
from talik.records import Flag, Record, Source
from talik.series.annual import annual_means, daily_means
from talik.series.completeness import PRESETS, Completeness, completeness_rule, year_start
from talik.series.days import day_offset
from talik.series.running import running_means

ANYTHING = Completeness(day=0, year=0, longest_gap=None, month=None, name="anything")


def days_from(start, values):
    times = np.datetime64(start, "D") + np.arange(len(values))
    return Record("A", times, [0.0], np.asarray(values, float)[:, None])


def plain_year(by_day, first, last):
    """Mean, days, longest gap and poorest month of a window, the slow way."""
    window = [first + timedelta(k) for k in range((last - first).days + 1)]
    there = [d for d in window if d in by_day]
    run = longest = 0
    for d in window:
        run = 0 if d in by_day else run + 1
        longest = max(longest, run)
    months = {}
    for d in window:
        months.setdefault((d - timedelta(first.day - 1)).replace(day=1), []).append(d in by_day)
    return (np.mean([by_day[d] for d in there]) if there else np.nan, len(there), longest,
            min(np.mean(flags) for flags in months.values()))


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("hours", [3, 24])
def test_rows_left_out_and_rows_without_values_are_one_and_the_same(share, hours):
    times = np.arange("2019-01-01", "2020-01-01", np.timedelta64(hours, "h"), dtype="M8[h]")
    values = np.sin(np.arange(times.size) * hours / 1392.0)
    values[np.random.default_rng(1).random(times.size) < share] = np.nan
    there = ~np.isnan(values)
    whole, left = Record("A", times, [0.1], values[:, None]), Record("A", times[there], [0.1], values[there, None])
    rule = Completeness(day=0.1, year=0, longest_gap=None, month=None, name="loose")
    one, other = annual_means(whole, completeness=rule), annual_means(left, completeness=rule)
    for name in ("mean", "n", "longest_gap"):
        assert (getattr(one, name) == getattr(other, name)).all()


def test_bursts_of_readings_and_slow_years_leave_days_whole_but_about_a_change_of_step():
    hours = np.arange("2018-01-01", "2019-01-01", dtype="M8[h]").astype("M8[m]")
    slow = np.arange("2019-01-01", "2021-01-01", np.timedelta64(4, "h"), dtype="M8[h]").astype("M8[m]")
    fast = np.arange("2017-01-01", "2018-01-01", np.timedelta64(10, "m"), dtype="M8[m]")
    bursts = [np.arange(f"2018-{m:02d}-01", f"2018-{m:02d}-02", dtype="M8[m]") for m in range(1, 13)]
    for parts in ([fast, hours, slow], [hours, *bursts]):
        times = np.unique(np.concatenate(parts))
        days = calendar.daily(times.astype("M8[us]"), np.ones((times.size, 1)))
        lost = days.first + np.flatnonzero(np.isnan(days.whole(0.8).mean))
        changes = np.array([17532, 17897])                 # the first days of 2018 and 2019
        assert (np.abs(lost[:, None] - changes).min(axis=1) < 10).all()


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_years_equal_a_plain_loop(data):
    start = date(2018, 1, 1) + timedelta(data.draw(st.integers(0, 500)))
    values = np.array(data.draw(st.lists(st.floats(-30, 30, width=32), min_size=200, max_size=900)))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(values) - 1))
        values[at:at + data.draw(st.integers(1, 80))] = np.nan
    month, day = data.draw(st.sampled_from([(1, 1), (10, 1), (9, 1), (3, 1), (8, 15)]))
    by_day = {start + timedelta(k): v for k, v in enumerate(values) if not np.isnan(v)}
    found = annual_means(days_from(start, values), completeness=ANYTHING, year_start=f"{month:02d}-{day:02d}")
    for i in range(found.year.size):
        first, last = found.start[i].item(), found.end[i].item()
        assert (first.month, first.day) == (month, day)
        assert (last + timedelta(1)).replace(year=first.year) == first
        assert found.days[i] == (last - first).days + 1
        assert found.year[i] == last.year
        mean, n, longest, _ = plain_year(by_day, first, last)
        assert (found.n[i, 0], found.longest_gap[i, 0]) == (n, longest)
        np.testing.assert_allclose(found.mean[i, 0], mean, atol=1e-9)
    where = years.windows((start - date(1970, 1, 1)).days, len(values), month=month, day=day)
    sums = years.year_sums(where.padded(values[:, None]), where)
    shares = [plain_year(by_day, s.item(), e.item())[3] for s, e in zip(where.start, where.end, strict=True)]
    np.testing.assert_allclose(sums.month_share[:, 0], shares)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([600, 3600, 10800]), st.floats(0.0, 0.6))
def test_days_equal_polars_and_the_order_of_rows_does_not_matter(seed, step, lost):
    rng = np.random.default_rng(seed)
    times = np.datetime64("2020-02-20", "s") + np.arange(0, 70 * 86400, step).astype("m8[s]")
    values = rng.normal(size=(times.size, 2))
    values[rng.random(values.shape) < lost] = np.nan
    kept = np.r_[0, 1 + np.flatnonzero(rng.random(times.size - 2) >= lost * (seed % 2) / 4), times.size - 1]
    times, values = times[kept], values[kept]                              # holes in the file, or blanks in it
    shuffled = rng.permutation(times.size)
    a = calendar.daily(times, values).whole(0.8)
    b = calendar.daily(times[shuffled], values[shuffled]).whole(0.8)
    np.testing.assert_allclose(a.mean, b.mean, atol=1e-9)
    table = pl.DataFrame({"d": times.astype("M8[ms]"), "v": values[:, 0]}).with_columns(pl.col("v").fill_nan(None))
    plain = table.group_by(pl.col("d").dt.date()).agg(pl.col("v").mean(), n=pl.col("v").count()).sort("d")
    whole = plain["n"] >= np.ceil(0.8 * 86400 / step)
    expected = plain["v"].to_numpy().copy()
    expected[~whole.to_numpy()] = np.nan
    np.testing.assert_allclose(a.mean[:, 0], expected, atol=1e-9)


def test_copies_of_rows_change_nothing_when_they_agree_and_hide_a_stamp_when_not():
    t = np.arange("2020-01-01", "2020-01-03", dtype="M8[h]").astype("M8[us]")
    x = np.arange(48.0)[:, None]
    doubled = Record("A", np.r_[t, t[5:9]], [0.0], np.vstack([x, x[5:9]]))
    np.testing.assert_array_equal(daily_means(doubled).values, daily_means(Record("A", t, [0.0], x)).values)
    contradicted = Record("A", np.r_[t, t[5:9]], [0.0], np.vstack([x, x[5:9] + 24]))
    first = np.delete(x[:24], np.arange(5, 9)).mean()
    np.testing.assert_allclose(daily_means(contradicted).values[:, 0], [first, x[24:].mean()])


@pytest.mark.parametrize("step, expected", [(600, 144), (3600, 24), (10800, 8), (86400, 1)])
def test_the_step_is_found_and_strays_of_seconds_do_not_hide_it(step, expected):
    seconds = np.arange(0, 40 * 86400, step)
    t = np.datetime64("2020-01-01", "s") + (seconds + 3 * (np.arange(seconds.size) % 2)).astype("m8[s]")
    assert calendar.sampling_step(t) == step
    assert calendar.daily(t, np.ones((t.size, 1))).expected[0, 0] == expected


def test_a_logger_set_to_another_step_loses_at_most_a_few_days():
    t = np.r_[np.arange("2020-01-01", "2020-06-01", dtype="M8[30m]"),
              np.arange("2020-06-01", "2021-01-01", np.timedelta64(3, "h"), dtype="M8[m]")].astype("M8[us]")
    days = calendar.daily(t, np.ones((t.size, 1))).whole(0.8)
    assert np.isnan(days.mean).sum() <= 9
    assert days.expected[[0, -1], 0].tolist() == [48, 8]


def test_a_slow_sensor_in_a_fast_table_is_judged_by_its_own_step():
    t = np.arange("2020-01-01", "2020-02-01", dtype="M8[30m]").astype("M8[us]")
    x = np.full((t.size, 2), np.nan)
    x[:, 0], x[::6, 1] = 1.0, 2.0
    assert not np.isnan(calendar.daily(t, x).whole(0.8).mean).any()


def test_daily_files_of_a_far_zone_keep_their_dates():
    utc = np.arange("2020-01-01", "2021-01-01", dtype="M8[D]").astype("M8[us]") - np.timedelta64(9, "h")
    record = Record("Yakutsk", utc, [0.0], np.ones((utc.size, 1)), source=Source(time_zone="UTC+09:00"))
    result = annual_means(record)
    assert result.year.tolist() == [2020]
    assert result.n.tolist() == [[366]]
    assert daily_means(record).times[0] == np.datetime64("2020-01-01")


@pytest.mark.parametrize("zone, hours", [("UTC", 0), ("UTC-09:30", -9.5), ("+0545", 5.75), ("America/Yellowknife", -7),
                                         ("Australia/Hobart", 10)])
def test_zones_give_the_winter_offset(zone, hours):
    record = Record("A", np.array(["2020-07-01"], "M8[us]"), [0.0], [[1.0]], source=Source(time_zone=zone))
    assert day_offset(record) == hours


def test_an_unknown_zone_is_an_error():
    record = Record("A", np.array(["2020-07-01"], "M8[us]"), [0.0], [[1.0]], source=Source(time_zone="Mars/Olympus"))
    with pytest.raises(DataError, match="Mars/Olympus"):
        day_offset(record)


def test_samples_more_than_a_day_apart_have_a_reason_and_no_mean():
    t = np.arange("2019-01-01", "2021-01-01", 7, dtype="M8[D]")
    result = annual_means(Record("A", t, [0.0], np.ones((t.size, 1))), completeness="liu2025")
    assert np.isnan(result.mean).all()
    assert set(result.reason.ravel()) == {"step_over_a_day"}


# ------------------------------------------------------------------ completeness
def sine_year(gap_first, gap_days):
    d = np.arange(366 * 3)
    x = 14 * np.sin(2 * np.pi * d / 365.25)
    x[366 + gap_first:366 + gap_first + gap_days] = np.nan
    return days_from("2015-01-01", x)


@pytest.mark.parametrize("gap, accepted", [
    (5, {"default": True, "gtnp": True, "wmo": False, "permos": True, "liu2025": True}),
    (10, {"default": False, "gtnp": True, "wmo": False, "permos": False, "liu2025": True}),     # a third of a month
    (3, {"default": True, "gtnp": True, "wmo": True, "permos": True}),
    (60, {"default": False, "gtnp": True, "wmo": False, "liu2025": True}),
    (90, {"default": False, "gtnp": False, "wmo": False, "liu2025": True}),
])
def test_presets_accept_what_they_say(gap, accepted):
    record = sine_year(gap_first=100, gap_days=gap)
    for name, whole in accepted.items():
        result = annual_means(record, completeness=name, year_start="calendar")
        reason = result.reason[list(result.year).index(2016), 0]
        assert (reason == "") is whole, (name, gap, reason)
        assert np.isnan(result.mean[list(result.year).index(2016), 0]) != whole


def test_the_twenty_per_cent_rule_lets_a_block_of_73_days_through_and_the_bound_says_what_it_costs():
    record = sine_year(gap_first=73, gap_days=73)       # 15 March to 26 May about the maximum: one whole month
    lax, strict = (annual_means(record, completeness=name) for name in ("gtnp", "default"))
    i = list(lax.year).index(2016)
    truth = annual_means(sine_year(0, 0)).mean[i, 0]
    assert abs(lax.mean[i, 0] - truth) > 2.5
    assert lax.bias_bound[i, 0] >= abs(lax.mean[i, 0] - truth)
    assert strict.reason[i, 0] in ("few_days", "long_gap")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 350), st.integers(1, 80))
def test_the_bias_bound_holds_wherever_the_gap_lies(first, length):
    result = annual_means(sine_year(first, length), completeness="liu2025")
    i = list(result.year).index(2016)
    truth = annual_means(sine_year(0, 0)).mean[i, 0]
    assert abs(result.mean[i, 0] - truth) <= result.bias_bound[i, 0] + 1e-9
    assert result.gap_uncertainty[i, 0] <= result.bias_bound[i, 0] + 1e-12


def test_a_summer_is_not_a_year():
    summer = days_from("2007-06-01", np.full(92, 8.0))
    result = annual_means(summer)
    assert np.isnan(result.mean).all()
    assert result.reason.tolist() == [["few_days"]]


def test_nine_peer_cases_of_partial_years_a_record_from_28_march_has_no_mean():
    d = np.arange(np.datetime64("2007-03-28"), np.datetime64("2009-01-01"))
    x = -4 + 14 * np.cos(2 * np.pi * (d - np.datetime64("2007-07-20")).astype(int) / 365.25)
    result = annual_means(Record("A", d, [0.0], x[:, None]))
    assert result.reason.ravel().tolist() == ["few_days", ""]
    assert result.n.ravel().tolist() == [279, 366]
    assert result.longest_gap[0, 0] == 86                       # the days before the record begins count as a gap
    np.testing.assert_allclose(result.mean[1, 0], -4, atol=0.1)


def test_flagged_values_are_left_out_of_means_and_information_flags_are_not():
    record = days_from("2020-01-01", np.full(366, -3.0))
    spoilt = record.with_values(np.where(np.arange(366)[:, None] == 9, 900.0, record.values), note="x")
    flags = np.zeros((366, 1), np.uint16)
    flags[9], flags[20:40] = int(Flag.SPIKE), int(Flag.SNOW)
    result = annual_means(spoilt.with_flags(flags, note="checked"))
    assert result.mean[0, 0] == -3.0
    assert result.n[0, 0] == 365


def test_running_means_equal_a_plain_loop_and_respect_gaps():
    rng = np.random.default_rng(3)
    x = rng.normal(size=900)
    x[300:310], x[600:630] = np.nan, np.nan
    found = running_means(days_from("2015-01-01", x)).values[:, 0]
    for end in range(364, 900):
        window = x[end - 364:end + 1]
        missing = np.isnan(window)
        run = max((len(r) for r in "".join("x" if m else " " for m in missing).split()), default=0)
        whole = run <= 15 and (~missing).sum() >= 0.9 * 365
        expected = window[~missing].mean() if whole else np.nan
        np.testing.assert_allclose(found[end], expected, atol=1e-9)
    assert np.isnan(found[:364]).all()


def test_running_means_refuse_no_window():
    with pytest.raises(DataError, match="at least 1"):
        running_means(days_from("2015-01-01", [1.0]), days=0)


def test_an_empty_record_is_an_error():
    with pytest.raises(DataError, match="no samples"):
        annual_means(Record("A", np.empty(0, "M8[us]"), [0.0], np.empty((0, 1))))


@pytest.mark.parametrize("text", ["31-12", "02-30", "2-29", "summer", "13-01", ""])
def test_impossible_year_starts_are_refused(text):
    with pytest.raises(UsageError, match="year start"):
        year_start(text)


def test_rules_are_looked_up_by_name_with_a_hint():
    with pytest.raises(UnknownName, match="'permos'"):
        completeness_rule("permoz")
    with pytest.raises(UsageError, match="0 to 1"):
        Completeness(year=90)
    assert completeness_rule("gtnp", "thermal").year_start == "thermal"
    assert set(PRESETS) == {"default", "gtnp", "wmo", "permos", "liu2025"}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-20, 20), st.floats(0, 0.3))
def test_degree_days_carry_the_mean_and_a_shift_moves_it_by_itself(seed, shift, lost):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 10, 366)
    x[rng.random(366) < lost] = np.nan
    result, moved = (annual_means(days_from("2020-01-01", v), completeness="liu2025") for v in (x, x + shift))
    np.testing.assert_allclose((result.tdd - result.fdd) / result.days, result.mean, atol=1e-9)
    np.testing.assert_allclose(moved.mean, result.mean + shift, atol=1e-9)
    assert (result.tdd >= 0).all()
    assert (result.fdd >= 0).all()


def test_the_table_names_every_reason_and_the_sentence_counts_them():
    result = annual_means(days_from("2019-06-01", np.full(580, -3.0)))
    frame = result.to_frame()
    assert frame["reason"].to_list() == ["few_days", ""]
    assert frame["mean"].to_list() == [None, -3.0]
    assert str(result) == "A: 1 annual mean of 2 (2019-2020, 1 column, rule default; 1 few_days)"
    assert "1 annual mean of 1 (2020, " in str(annual_means(days_from("2020-01-01", np.full(366, -3.0))))
