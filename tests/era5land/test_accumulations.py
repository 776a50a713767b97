"""Amounts that restart daily, of a step, day or month: told by the data set, checked by the shape, never guessed."""

import numpy as np
import pytest
import world as W
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.era5land.accumulations import decide, declared, observed
from talik.era5land.grids import grid_of, open_grid
from talik.era5land.reduce import reduce
from talik.errors import AmbiguousFile, DataError, UnknownName


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), wet=st.floats(0.2, 1.0), cells=st.integers(1, 5))
def test_the_shape_of_rain_tells_a_counter_from_steps(seed, wet, cells):
    rng = np.random.default_rng(seed)
    amounts = rng.exponential(0.001, (30 * 24, cells)) * (rng.random((30 * 24, cells)) < wet)
    times = np.arange("2019-12-31T01", "2020-01-30T01", dtype="M8[h]")[: amounts.shape[0]]
    counter = np.cumsum(amounts.reshape(30, 24, cells), axis=1).reshape(-1, cells)
    assert observed(amounts, times) == "steps"
    assert observed(counter, times) == "restart"
    assert observed(-counter, times) == "restart"              # evaporation counts downwards


def test_dry_and_short_series_tell_nothing():
    times = np.arange("2020-01-01T01", "2020-01-11T01", dtype="M8[h]")
    assert observed(np.zeros((240, 3)), times) is None
    assert observed(np.full((240, 3), np.nan), times) is None
    assert observed(np.ones((10, 1)), times[:10]) is None


@pytest.mark.realdata
def test_a_real_month_of_hourly_precipitation_is_of_steps(real):
    grid = open_grid(real / "era5" / "topopyscale_finse_SURF_201810.nc")
    layer = grid.layers["tp"]
    assert observed(layer.read(0, (slice(None),) * 3), layer.times) == "steps"


@pytest.mark.parametrize("dataset, step, shape, asked, how", [
    ("reanalysis-era5-land", "hourly", "restart", None, "restart"),
    ("reanalysis-era5-land", "hourly", None, None, "restart"),
    ("reanalysis-era5-land", "daily", None, None, "restart"),
    ("reanalysis-era5-land-timeseries", "hourly", "steps", None, "steps"),
    ("reanalysis-era5-land-monthly-means", "monthly", None, None, "monthly_rate"),
    ("ECMWF/ERA5_LAND/MONTHLY_AGGR", "monthly", None, None, "monthly_total"),
    ("", "hourly", "steps", None, "steps"),
    ("", "daily", None, "daily", "daily")])
def test_what_is_declared_and_seen_decides(dataset, step, shape, asked, how):
    assert decide("tp", dataset, step, shape=shape, asked=asked) == how


@pytest.mark.parametrize("dataset, step, shape, asked, error, words", [
    ("reanalysis-era5-land", "hourly", "steps", None, DataError, "but the values look like this"),
    ("reanalysis-era5-land-timeseries", "hourly", "restart", None, DataError, "but the values look like this"),
    ("reanalysis-era5-land-monthly-means", "daily", None, None, DataError, "the stamps are daily"),
    ("", "monthly", None, None, AmbiguousFile, "monthly_rate .* monthly_total"),
    ("", "daily", None, None, AmbiguousFile, "unknown data set"),
    ("", "hourly", None, None, AmbiguousFile, "unknown data set"),
    ("", "hourly", "steps", "restart", DataError, "you say it"),
    ("", "daily", None, "dayly", UnknownName, "Did you mean 'daily'")])
def test_contradictions_and_silence_are_refused(dataset, step, shape, asked, error, words):
    with pytest.raises(error, match=words):
        decide("tp", dataset, step, shape=shape, asked=asked)


def test_daily_means_of_counters_are_refused():
    with pytest.raises(DataError, match="daily means, not amounts"):
        declared("derived-era5-land-daily-statistics")


def test_every_way_of_keeping_amounts_gives_the_same_year():
    """Counter, steps, days, 00 UTC fields alone, monthly rates and monthly totals are one truth."""
    made = W.world(("tp", "evabs"), rows=2, columns=3, years=(2015, 2016), seed=4)
    mean_day = {name: made.truth[name].sum(axis=0) / 2 * 1000 for name in made.truth}
    months = W.monthly(made)
    totals = months * months["time"].dt.days_in_month
    totals["tp"].attrs["units"] = totals["evabs"].attrs["units"] = "m"
    counter = W.hourly(made)
    ways = {
        "restart": (counter, "reanalysis-era5-land"),
        "midnight": (counter.isel(valid_time=slice(0, None, 24)), "reanalysis-era5-land"),
        "steps": (W.hourly(made, restart=False), "reanalysis-era5-land-timeseries"),
        "days": (W.daily(made), "ECMWF/ERA5_LAND/DAILY_AGGR"),
        "rates": (months, "reanalysis-era5-land-monthly-means"),
        "totals": (totals, "ECMWF/ERA5_LAND/MONTHLY_AGGR")}
    for way, (ds, dataset) in ways.items():
        found = reduce(grid_of([(ds, way)], dataset=dataset), years=(2015, 2016)).dataset
        np.testing.assert_allclose(found["precipitation"].values, mean_day["tp"], rtol=1e-9, err_msg=way)
        np.testing.assert_allclose(found["transpiration"].values, -mean_day["evabs"], rtol=1e-9, err_msg=way)
        seasons = sum(found[f"precipitation_{s}"].values for s in ("djf", "mam", "jja", "son"))
        np.testing.assert_allclose(seasons, found["precipitation"].values, rtol=1e-12, err_msg=way)


def test_a_counter_without_the_hour_that_holds_the_day_is_refused():
    noon = W.hourly(W.world(("tp",), years=(2015, 2015), rows=2, columns=2)).isel(valid_time=slice(12, None, 24))
    with pytest.raises(DataError, match="no stamp is at 00 UTC.*Fetch the values at 00:00"):
        reduce(grid_of([(noon, "a")], dataset="reanalysis-era5-land"), years=(2015, 2015))


def test_files_of_another_data_set_than_named_are_refused_by_their_shape():
    made = W.world(("tp",), rows=2, columns=2, years=(2015, 2015))
    grid = grid_of([(W.hourly(made, restart=False), "a.nc")], dataset="reanalysis-era5-land")
    with pytest.raises(DataError, match="Name the data set the files really come from"):
        reduce(grid)
