"""One pass gives the planted climate whatever the chunks, step, threads and interruptions; gaps have reasons."""

import json
import sys
import tracemalloc

import numpy as np
import pytest
import world as W
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.era5land import reduce as reduce_module
from talik.era5land.climate import COARSE, GAPS, NEEDS_HOURLY, NO_DATA, OK, OUT_OF_RANGE
from talik.era5land.grids import grid_of, open_grid
from talik.era5land.passes import plan_pass
from talik.era5land.reduce import climatology_of, reduce, reduce_cells
from talik.errors import DataError, FileError, UnknownName, UsageError

DAILY = "ECMWF/ERA5_LAND/DAILY_AGGR"
YEARS = (2015, 2016)


@pytest.fixture(scope="module")
def made():
    return W.world(("t2m", "snowc", "swvl1", "tp", "u10", "v10"), rows=5, columns=6, years=YEARS, seed=3, sea=0.15)


@pytest.fixture(scope="module")
def found(made):
    return reduce(grid_of([(W.daily(made), "a")], dataset=DAILY)).dataset


def months_of(days):
    return days.astype("M8[M]").astype(int) % 12


# laws

def test_the_means_are_the_planted_means(made, found):
    np.testing.assert_allclose(found["air_temperature"].values, made.truth["t2m"].mean(axis=0) - 273.15, atol=1e-9)
    np.testing.assert_allclose(found["soil_water_1"].values, made.truth["swvl1"].mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found["snow_cover"].values, made.truth["snowc"].mean(axis=0) / 100, atol=1e-12)


def test_thawing_minus_freezing_over_the_year_is_the_mean(found):
    """MAT = (TDD - FDD) / P."""
    balance = (found["tdd_air"] - found["fdd_air"]).values / 365.5
    np.testing.assert_allclose(balance, found["air_temperature"].values, atol=1e-9)


def test_degree_days_snow_season_and_amplitude_are_counted_as_defined(made, found):
    celsius = made.truth["t2m"] - 273.15
    np.testing.assert_allclose(found["tdd_air"].values, np.where(made.sea, np.nan, celsius.clip(0).sum(axis=0) / 2),
                               rtol=1e-9)
    season = np.where(made.sea, np.nan, (made.truth["snowc"] >= 50).sum(axis=0) / 2)
    np.testing.assert_allclose(found["snow_season"].values, season, rtol=1e-9)
    by_month = np.stack([celsius[months_of(made.days) == m].mean(axis=0) for m in range(12)])
    np.testing.assert_allclose(found["annual_amplitude"].values, (by_month.max(0) - by_month.min(0)) / 2, rtol=1e-9)
    np.testing.assert_allclose(found["air_temperature_by_month"].values, by_month, atol=1e-9)


@settings(max_examples=6, deadline=None)
@given(chunks=st.tuples(st.integers(1, 800), st.integers(1, 5), st.integers(1, 6)), seed=st.integers(0, 99))
def test_chunks_do_not_matter(made, found, tmp_path_factory, chunks, seed):
    path = tmp_path_factory.mktemp("chunks") / f"{seed}.zarr"
    W.to_zarr(W.daily(made)[["t2m", "tp"]], path, (max(chunks[0], 100), *chunks[1:]))
    other = reduce(open_grid(path, dataset=DAILY), threads=1).dataset
    for name in ("air_temperature", "tdd_air", "precipitation"):
        np.testing.assert_allclose(other[name].values, found[name].values, rtol=1e-6, atol=1e-5)


def test_large_chunks_are_read_straight_and_give_the_same(tmp_path):
    made = W.world(("t2m", "swvl1"), rows=20, columns=24, years=YEARS, sea=0.1)
    ds = W.daily(made)
    old = tmp_path / "d.zarr"
    ds.astype("f4").assign(t2m=ds["t2m"].astype("f4").assign_attrs(units="K")).to_zarr(old, zarr_format=2)
    ways = {"straight": (W.to_zarr(ds, tmp_path / "a.zarr", (10**6, 16, 16)), True),
            "by bits": (W.to_zarr(ds, tmp_path / "b.zarr", (10**6, 16, 16), codec="bits"), True),
            "zstd": (W.to_zarr(ds, tmp_path / "c.zarr", (10**6, 16, 16), codec="zstd"), True),
            "zarr": (old, False)}
    from talik.era5land.chunks import whole_chunks

    found = {}
    for way, (path, straight) in ways.items():
        grid = open_grid(path)
        reader = whole_chunks(grid.layers["t2m"].pieces[0].array)
        assert (reader is not None) == straight
        found[way] = reduce(grid).dataset
    for way in ("by bits", "zstd", "zarr"):
        xr.testing.assert_equal(found["straight"].drop_attrs(), found[way].drop_attrs())
    expected = made.truth["t2m"].astype("f4").astype(float).mean(axis=0) - 273.15
    np.testing.assert_allclose(found["straight"]["air_temperature"].values, expected, atol=1e-9)


@pytest.mark.parametrize("years", [None, (2016, 2016)])
def test_a_packed_store_is_summed_in_whole_numbers(made, tmp_path, years):
    """Means are those of the unpacked values to the last digit of float64; gaps and sea stay gaps and sea."""
    ds = W.daily(made)[["t2m", "snowc", "swvl1", "tp"]].copy(deep=True)
    ds["swvl1"][40:43, 1, 2] = np.nan
    grid = open_grid(W.to_zarr(ds, tmp_path / "a.zarr", (10**6, 3, 4), codec="packed"), dataset=DAILY)
    assert all(layer.packed for layer in grid.layers.values())
    with xr.open_zarr(tmp_path / "a.zarr", consolidated=False, mask_and_scale=False) as raw:
        loose = {name: (array.dims, np.where(array == -32767, np.nan, array * array.scale_factor + array.add_offset),
                        {"units": W.UNITS[name]}) for name, array in raw.data_vars.items()}
        plain = reduce(grid_of([(xr.Dataset(loose, coords=raw.coords), "a")], dataset=DAILY), years=years).dataset
    straight = reduce(grid, years=years).dataset
    for name in plain.data_vars:
        np.testing.assert_allclose(straight[name], plain[name], rtol=1e-11, atol=1e-9, err_msg=name)
    some = reduce_cells(plan_pass(grid, years=years), np.array([4, 1]), np.array([5, 2]))[0]
    np.testing.assert_allclose(some["snow_season"], plain["snow_season"].values[[4, 1], [5, 2]], rtol=1e-12)


def test_pieces_packed_in_different_ways_are_unpacked_first(made, tmp_path):
    parts = [W.daily(made)[["t2m"]].sel(time=str(year)) + year % 2 for year in (2015, 2016)]
    paths = [W.to_zarr(part.assign(t2m=part["t2m"].assign_attrs(units="K")), tmp_path / f"{k}.zarr", (10**6, 5, 6),
                       codec="packed") for k, part in enumerate(parts)]
    grid = open_grid(paths)
    assert grid.layers["t2m"].packed is None
    expected = made.truth["t2m"].mean(axis=0) - 273.15 + 365 / 731
    np.testing.assert_allclose(reduce(grid).dataset["air_temperature"], expected, atol=1e-3)


def test_float32_fields_are_summed_in_float64():
    made = W.world(("t2m",), rows=2, columns=2, years=(2004, 2013), dtype=np.float32)
    truth = made.truth["t2m"].astype(np.float64).mean(axis=0) - 273.15
    found = reduce(grid_of([(W.daily(made), "a")])).dataset["air_temperature"].values
    assert np.abs(found - truth).max() < 1e-6
    assert np.abs(made.truth["t2m"].mean(axis=0, dtype=np.float32) - 273.15 - truth).max() > 1e-5


def test_hours_make_the_days_and_speed_is_of_hours(made):
    found = reduce(grid_of([(W.hourly(made), "a")], dataset="reanalysis-era5-land"), years=YEARS).dataset
    daily = reduce(grid_of([(W.daily(made), "a")], dataset=DAILY)).dataset
    for name in ("air_temperature", "tdd_air", "fdd_air", "snow_season", "precipitation"):
        np.testing.assert_allclose(found[name].values, daily[name].values, rtol=1e-9, atol=1e-6)
    hours = W.hourly(made).isel(valid_time=slice(0, -1))
    speed = np.hypot(hours["u10"], hours["v10"]).mean("valid_time").values
    np.testing.assert_allclose(found["wind_speed"].values, speed, rtol=1e-12)
    of_means = np.hypot(made.truth["u10"], made.truth["v10"]).mean(axis=0)
    assert np.nanmin(found["wind_speed"].values / of_means) > 1.001     # the mean vector is shorter than its hours


def test_speed_is_not_made_from_daily_components(made):
    passed = plan_pass(grid_of([(W.daily(made), "a")], dataset=DAILY))
    assert passed.lacking["wind_speed"] == NEEDS_HOURLY
    assert "wind_speed" not in passed.quantities


def test_some_cells_are_as_in_the_whole(made, found):
    rows, columns = np.array([4, 0, 2, 2]), np.array([5, 0, 3, 3])
    values, reasons = reduce_cells(plan_pass(grid_of([(W.daily(made), "a")], dataset=DAILY)), rows, columns)
    for name, array in values.items():
        if name in found:
            np.testing.assert_array_equal(array, found[name].values[rows, columns])
            np.testing.assert_array_equal(reasons[name], found[f"{name}_reason"].values[rows, columns])


# gaps

def test_a_gap_is_refused_when_it_is_long_and_bridged_by_month_when_short(made):
    truth = made.truth["t2m"].mean(axis=0) - 273.15
    ds = W.daily(made)[["t2m"]]
    july = (ds["time"].dt.month == 7) & (ds["time"].dt.year == 2015)
    short = ds.where(~(july & (ds["time"].dt.day <= 5)))
    long = ds.where(~(july & (ds["time"].dt.day <= 20)))
    found = reduce(grid_of([(short, "a")])).dataset
    assert np.nanmax(np.abs(found["air_temperature"].values - truth)) < 0.3
    reason = reduce(grid_of([(long, "a")])).dataset["air_temperature_reason"].values
    assert set(reason[~made.sea]) == {GAPS}
    assert set(reason[made.sea]) == {NO_DATA}


def test_every_missing_value_has_a_reason_and_every_value_none(found):
    for name in found.data_vars:
        if f"{name}_reason" in found:
            np.testing.assert_array_equal(np.isnan(found[name].values), found[f"{name}_reason"].values != OK)


def test_monthly_means_give_means_but_no_days(made):
    found = reduce(grid_of([(W.monthly(made, hour=23), "a")], dataset="reanalysis-era5-land-monthly-means")).dataset
    np.testing.assert_allclose(found["air_temperature"].values, made.truth["t2m"].mean(axis=0) - 273.15, atol=1e-9)
    for name in ("tdd_air", "fdd_air", "snow_season"):
        assert set(found[f"{name}_reason"].values[~made.sea]) == {COARSE}


def test_impossible_values_are_not_handed_on(made):
    ds = W.daily(made)[["tp"]] * 50
    ds["tp"].attrs["units"] = "m"
    found = reduce(grid_of([(ds, "a")], dataset=DAILY)).dataset
    reason = found["precipitation_reason"].values[~made.sea]
    assert (reason == OUT_OF_RANGE).any()
    assert np.nanmax(found["precipitation"].values) <= 12000 if (reason == OK).any() else True


def test_years_that_are_not_there_are_gaps_and_none_at_all_is_an_error(made):
    grid = grid_of([(W.daily(made)[["t2m"]], "a")])
    found = reduce(grid, years=(2014, 2016)).dataset
    assert set(found["air_temperature_reason"].values[~made.sea]) == {GAPS}
    part = grid_of([(W.daily(made)[["t2m"]].isel(time=slice(10, 300)), "a")])
    with pytest.raises(DataError, match="no whole calendar year"):
        reduce(part)
    with pytest.raises(UsageError, match="2016 is after 2015"):
        reduce(grid, years=(2016, 2015))
    with pytest.raises(UnknownName, match="snow_dept"):
        reduce(grid, variables=["snow_dept"])
    with pytest.raises(DataError, match="none of the wanted variables"):
        reduce(grid, variables=["albedo"])


# on disk

def test_the_climatology_is_cf_zarr_with_checksums_and_nan_fill(made, found, tmp_path):
    import zarr

    path = tmp_path / "climate.zarr"
    kept = reduce(grid_of([(W.daily(made), "a")], dataset=DAILY), store=path)
    assert str(kept) == "4 variables of ERA5-Land averaged over 2015-2016 at 5 x 6 cells"
    for name in found.data_vars:
        np.testing.assert_array_equal(kept.dataset[name].values, found[name].values)
    array = zarr.open_array(str(path), path="air_temperature", mode="r")
    assert "crc32c" in json.dumps(array.metadata.to_dict())
    assert np.isnan(array.fill_value)
    again = climatology_of(path)
    assert again.dataset["air_temperature"].attrs["units"] == "degC"
    assert again.dataset["air_temperature"].attrs["standard_name"] == "air_temperature"
    assert again.to_frame().height == int((~made.sea).sum())
    with xr.open_zarr(path, consolidated=False) as plain:
        assert plain.attrs["Conventions"].startswith("CF-")


def test_the_same_call_returns_what_is_there_and_another_is_refused(made, tmp_path, monkeypatch):
    grid = grid_of([(W.daily(made)[["t2m"]], "a")])
    reduce(grid, store=tmp_path / "a.zarr")
    monkeypatch.setattr(reduce_module, "finished", None)                 # nothing may be summed again
    reduce(grid, store=tmp_path / "a.zarr")
    with pytest.raises(FileError, match="holds another climatology"):
        reduce(grid, store=tmp_path / "a.zarr", years=(2015, 2015))


def test_an_interrupted_pass_goes_on_by_tile(tmp_path):
    made = W.world(("t2m", "swvl1"), rows=40, columns=40, years=(2015, 2015))
    path = W.to_zarr(W.daily(made), tmp_path / "a.zarr", (10**6, 20, 20))
    grid, target, seen = open_grid(path), tmp_path / "out.zarr", []

    def interrupt(done, of):
        seen.append((done, of))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reduce(grid, store=target, watch=interrupt, threads=1)
    assert not target.exists()
    seen.clear()
    found = reduce(grid, store=target, watch=lambda done, of: seen.append((done, of)), threads=1).dataset
    assert seen[0] == (4, 8)
    np.testing.assert_array_equal(found["air_temperature"].values, reduce(grid).dataset["air_temperature"].values)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.zarr", "out.zarr"]


def test_a_damaged_part_is_named_not_used(tmp_path):
    made = W.world(("t2m",), rows=20, columns=40, years=(2015, 2015))
    grid = open_grid(W.to_zarr(W.daily(made), tmp_path / "a.zarr", (10**6, 20, 20)))

    def interrupt(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reduce(grid, store=tmp_path / "b.zarr", watch=interrupt, threads=1)
    part = next(tmp_path.glob(".b.zarr.parts-*/*.npz"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    with pytest.raises(FileError, match="damaged part"):
        reduce(grid, store=tmp_path / "b.zarr", threads=1)


def test_a_flipped_byte_in_a_chunk_is_never_read_as_a_number(tmp_path):
    made = W.world(("t2m",), rows=20, columns=20, years=(2015, 2015))
    path = W.to_zarr(W.daily(made), tmp_path / "a.zarr", (10**6, 20, 20))
    chunk = path / "t2m" / "c" / "0" / "0" / "0"
    whole = chunk.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(len(whole), size=25):
        harmed = bytearray(whole)
        harmed[place] ^= 1 << int(rng.integers(8))
        chunk.write_bytes(harmed)
        with pytest.raises(FileError, match="damaged"):
            reduce(open_grid(path))


def test_a_missing_chunk_is_missing_not_zero(tmp_path):
    made = W.world(("t2m",), rows=20, columns=40, years=(2015, 2015))
    path = W.to_zarr(W.daily(made), tmp_path / "a.zarr", (10**6, 20, 20))
    (path / "t2m" / "c" / "0" / "0" / "1").unlink()
    found = reduce(open_grid(path)).dataset
    assert set(np.unique(found["air_temperature_reason"].values[:, 20:])) == {NO_DATA}
    assert set(np.unique(found["air_temperature_reason"].values[:, :20])) == {OK}


def test_sea_is_not_read(tmp_path):
    made = W.world(("t2m",), rows=20, columns=40, years=(2015, 2015))
    path = W.to_zarr(W.daily(made), tmp_path / "a.zarr", (10**6, 20, 20))
    (path / "t2m" / "c" / "0" / "0" / "1").write_bytes(b"not to be opened")
    land = np.zeros((20, 40), bool)
    land[:, :10] = True
    found = reduce(open_grid(path), mask=land).dataset
    np.testing.assert_array_equal(found["air_temperature_reason"].values == OK, land)
    with pytest.raises(UsageError, match="mask: has shape"):
        reduce(open_grid(path), mask=land[:3])


def test_memory_does_not_grow_with_the_length(tmp_path):
    peaks = []
    for years in ((2014, 2015), (2006, 2015)):
        made = W.world(("swvl1",), rows=20, columns=20, years=years, dtype=np.float32)
        grid = open_grid(W.to_zarr(W.daily(made), tmp_path / f"{years[0]}.zarr", (365, 20, 20)))
        del made
        reduce(grid, threads=1)
        tracemalloc.start()
        reduce(grid, threads=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 1_000_000


def test_without_the_cluster_package_it_says_so(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match="talik\\[cluster\\]"):
        reduce(grid_of([(W.daily(made)[["t2m"]], "a")]), cluster="tcp://127.0.0.1:1")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_gives_the_same_and_survives_the_loss_of_a_worker(tmp_path):
    """Two workers, one of which is killed when the first tile has arrived."""
    import os
    import signal

    from distributed import Client, LocalCluster

    made = W.world(("t2m", "swvl1", "tp"), rows=60, columns=60, years=(2012, 2015), dtype=np.float32)
    path = W.to_zarr(W.daily(made), tmp_path / "a.zarr", (10**6, 12, 12))
    grid = open_grid(path, dataset=DAILY)
    alone = reduce(grid).dataset
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        pids = client.run(os.getpid)
        lost = []

        def kill(done, of):
            if not lost:
                lost.append(next(iter(pids.values())))
                os.kill(lost[0], signal.SIGKILL)

        found = reduce(grid, cluster=client, watch=kill).dataset
    assert lost
    xr.testing.assert_equal(found.drop_attrs(), alone.drop_attrs())
