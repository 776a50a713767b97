"""The series of the page: no extreme is lost, no gap is bridged, years follow the study's rule, the page is small."""

import base64
import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from talik.atlas import series
from talik.atlas.holdings import Holdings
from talik.atlas.series import Sensor, series_data, station_data
from talik.atlas.thinning import MISSING, fitting, packed, thinned
from talik.errors import FileError
from talik.records import Flag, Record
from talik.series.annual import annual_means

DAYS = arrays(np.float64, st.integers(1, 80), elements=st.floats(-60, 60) | st.just(np.nan))
STEPS = st.integers(1, 30)


def unpacked(text, scale):
    whole = np.frombuffer(base64.b64decode(text), "<i2").astype(float)
    return np.where(whole == MISSING, np.nan, whole * scale)


@given(DAYS, STEPS)
def test_every_column_keeps_its_extremes_and_is_empty_only_without_days(days, step):
    found = thinned(days, step)
    for k in range(found.low.size):
        mine = days[k * step:(k + 1) * step]
        known = mine[~np.isnan(mine)]
        assert np.isnan(found.low[k]) == np.isnan(found.high[k]) == (known.size == 0)
        if known.size:
            assert (found.low[k], found.high[k]) == (known.min(), known.max())
        assert np.isnan(found.mean[k]) == (2 * known.size < mine.size or known.size == 0)
    assert found.low.size == -(-days.size // step)


@given(DAYS, STEPS, STEPS)
def test_thinning_twice_is_thinning_once(days, first, then):
    once, twice = thinned(days, first * then), thinned(days, first)
    assert np.array_equal(once.low, thinned(twice.low, then).low, equal_nan=True)
    assert np.array_equal(once.high, thinned(twice.high, then).high, equal_nan=True)


@given(DAYS)
def test_columns_of_one_day_are_the_days(days):
    for part in (thinned(days, 1).low, thinned(days, 1).high, thinned(days, 1).mean):
        assert np.array_equal(part, days, equal_nan=True)


@given(arrays(np.float64, st.integers(0, 40), elements=st.floats(-1e5, 1e5) | st.just(np.nan)))
def test_packed_numbers_read_back_to_half_a_step(values):
    scale = fitting(values)
    back = unpacked(packed(values, scale), scale)
    assert np.array_equal(np.isnan(back), np.isnan(values))
    assert np.nanmax(np.abs(back - values), initial=0.0) <= scale * 0.5001
    assert scale == 0.01 or np.nanmax(np.abs(values)) > 327


def test_a_number_that_does_not_fit_is_not_written_as_another():
    with pytest.raises(OverflowError):
        packed(np.array([400.0]), 0.01)


@pytest.fixture(scope="module")
def data(station_study):
    return series_data(Holdings.of(station_study))


def test_what_the_page_holds_is_what_the_files_hold(data, station_study):
    holdings = Holdings.of(station_study)
    assert list(data["sites"]) == ["Short", "Long"]
    for site, one in data["sites"].items():
        days = holdings.days(site)
        assert one["file"] == holdings.series[site]
        for sensor in one["sensors"]:
            mine = days.filter(column=sensor["name"])["temperature"].drop_nulls()
            low = unpacked(sensor["low"], sensor["scale"])
            high = unpacked(sensor["high"], sensor["scale"]) if sensor["high"] else low
            assert np.nanmin(low) == pytest.approx(mine.min(), abs=0.0051)
            assert np.nanmax(high) == pytest.approx(mine.max(), abs=0.0051)
            assert sensor["days"] == mine.len()
    assert (data["sites"]["Short"]["step"], data["sites"]["Long"]["step"]) == (1, 7)


def test_a_gap_stays_a_gap(data):
    for site, gap, step in (("Short", (300, 360), 1), ("Long", (6000, 6400), 7)):
        middle = next(s for s in data["sites"][site]["sensors"] if s["name"] == "middle")
        low, mean = (unpacked(middle[key] or middle["low"], 0.01) for key in ("low", "mean"))
        inside = slice(-(-gap[0] // step) - middle["at"], gap[1] // step - middle["at"])
        assert np.isnan(low[inside]).all()
        assert np.isnan(mean[inside]).all()
        assert not np.isnan(low[:inside.start - 1]).any()


def test_rejected_values_keep_their_day_their_value_and_their_flags(data):
    one = data["sites"]["Short"]
    which = [k for k, s in enumerate(one["sensors"]) if s["depth"] == 0.5]
    assert one["marks"] == [[day, k, int(Flag.SENTINEL), -999.0, -999.0] for k in which for day in (500, 501)]
    assert one["rejected"] == 4


def test_very_many_rejected_values_make_wider_marks_and_lose_no_extreme():
    rng, n = np.random.default_rng(5), 20_000
    sensor = Sensor("a", 1.0, 0, np.full(n, np.nan), rng.normal(0, 50, n), np.full(n, int(Flag.SPIKE)), np.zeros(n))
    found = station_data([sensor], 100_000)
    assert len(found["marks"]) <= series.MOST_MARKS
    assert found["mark_step"] > found["step"] == 1
    assert min(mark[3] for mark in found["marks"]) == pytest.approx(sensor.rejected.min(), abs=0.0051)
    assert max(mark[4] for mark in found["marks"]) == pytest.approx(sensor.rejected.max(), abs=0.0051)


def test_the_trumpet_is_what_annual_means_says(data, station_study):
    one = data["sites"]["Short"]
    depths = [one["sensors"][k]["depth"] for k in one["profile"]]
    assert depths == [0.0, 0.5, 2.0]
    days = Holdings.of(station_study).days("Short").filter(pl.col("column").is_in(["top", "middle", "deep"]))
    wide = days.pivot(on="column", index="time", values="temperature").sort("time")
    values = wide.select("top", "middle", "deep").cast(pl.Float64).fill_null(np.nan).to_numpy()
    means = annual_means(Record("x", wide["time"].to_numpy(), depths, values))
    assert one["years"]["year"] == [2018, 2019, 2020]
    for name in ("low", "mean", "high"):
        found = unpacked(one["years"][name], one["years"]["scale"]).reshape(3, 3)
        assert np.allclose(found, getattr(means, name), atol=0.0051, equal_nan=True)
    assert np.isnan(means.mean[0, 1])                      # the year with the gap, under the default rule


def test_days_with_too_few_samples_do_not_make_a_year():
    n = 730
    whole = Sensor("a", 1.0, 17532, np.zeros(n), np.full(n, np.nan), np.zeros(n, dtype=int), np.full(n, 24.0))
    thin = np.where(np.arange(n) % 3 == 0, 5.0, 24.0)
    other = replace(whole, depth=2.0, name="b", n=thin)
    years = station_data([whole, other], 2400)["years"]
    mean = unpacked(years["mean"], years["scale"]).reshape(-1, 2)
    assert np.array_equal(np.isnan(mean), [[False, True], [False, True]])


def test_a_sensor_with_few_days_does_not_blank_its_neighbours():
    n = 1000
    full = Sensor("a", 0.0, 0, np.zeros(n), np.full(n, np.nan), np.zeros(n, dtype=int), np.full(n, 24.0))
    few = replace(full, name="b", depth=1.0, temperature=np.where(np.arange(n) < 400, 0.0, np.nan))
    assert station_data([full, few, replace(full, name="c", depth=2.0)], 2400)["profile"] == [0, 2]
    used = station_data([full, replace(full, name="d")], 2400, used="surface: d")
    assert used["profile"] == [1]


@pytest.mark.parametrize("budget, left", [(60_000, []), (14_000, ["Long"]), (1, ["Short", "Long"])])
def test_the_page_stays_within_its_budget(station_study, budget, left):
    found = series_data(Holdings.of(station_study), budget=budget)
    assert found["left_out"] == left
    assert sum(len(json.dumps(one)) for one in found["sites"].values()) <= budget + 200
    assert set(found["sites"]) | set(left) == {"Short", "Long"}


def test_only_files_of_the_folder_are_opened(station_study):
    files = ["../sites.parquet", "/etc/passwd", "no.parquet"]
    table = pl.DataFrame({"site": ["Short", "Long", "Bare"], "series": files})
    holdings = Holdings.of(station_study)
    object.__setattr__(holdings, "table", lambda *names: table)
    assert holdings.series == {}
    assert holdings.days("Short") is None


def test_a_file_that_is_no_series_is_refused(station_study):
    holdings = Holdings.of(station_study)
    object.__setattr__(holdings, "series", {"Short": "sites.parquet"})
    with pytest.raises(FileError, match=r"sites.parquet: lacks column, depth.*Run the study again"):
        holdings.days("Short")
