"""Every door gives grids behind one interface; what is not installed or not served is said plainly."""

import sys
import types
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import world as W
import xarray as xr

from talik.era5land import client, doors
from talik.era5land.doors import DOORS, Service, dataset_of, door_grids, earth_data_hub, earth_engine, request_plan
from talik.era5land.requests import DAYS, HOURS, MONTHS, POINTS
from talik.errors import DataError, MissingExtra, RemoteError, UnknownName, UsageError

SITES = pl.DataFrame({"site": ["Barrow", "Tiksi"], "latitude": [69.8, 69.7], "longitude": [-149.8, -149.6]})
SOUTH = pl.DataFrame({"site": ["Scott Base"], "latitude": [-77.85], "longitude": [166.76]})


@pytest.fixture(scope="module")
def made():
    return W.world(("t2m", "tp", "swvl1"), years=(2015, 2015), rows=6, columns=8)


def test_files_need_neither_years_nor_a_folder(made, tmp_path):
    W.daily(made).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    (grid,) = door_grids(tmp_path / "a.nc", SITES)
    assert set(grid.layers) == {"t2m", "tp", "swvl1"}


@pytest.mark.parametrize("door", DOORS)
def test_services_need_years(door):
    with pytest.raises(UsageError, match="first and last year"):
        door_grids(door, SITES)


def test_the_climate_data_store_needs_a_folder():
    with pytest.raises(UsageError, match="--store DIR"):
        door_grids("cds", SITES, years=(2015, 2015))


@pytest.mark.parametrize("door, package, extra", [
    (lambda: earth_data_hub(["air_temperature"]), "aiohttp", "edh"),
    (lambda: earth_engine((2015, 2015), ["air_temperature"]), "xee", "gee")])
def test_missing_packages_are_named_with_their_extra(door, package, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=f"{package}.*talik\\[{extra}\\]"):
        door()


def test_earth_data_hub_restarts_daily_and_brings_only_what_is_wanted(made, tmp_path):
    store = tmp_path / "era5-land-v0.zarr"
    W.hourly(made).to_zarr(store, zarr_format=3, consolidated=False)
    grid = earth_data_hub(["air_temperature", "precipitation"], store=str(store))
    assert set(grid.layers) == {"t2m", "tp"}
    assert grid.dataset == "era5-land-v0"
    with pytest.raises(RemoteError, match="netrc"):
        earth_data_hub(["air_temperature"], store=str(tmp_path / "none.zarr"))


def test_antarctica_is_not_at_earth_data_hub_and_goes_to_the_climate_data_store(made, tmp_path, monkeypatch):
    store, asked, told = tmp_path / "hub.zarr", [], []
    W.hourly(made).to_zarr(store, zarr_format=3, consolidated=False)
    south = W.world(("t2m",), years=(2015, 2015), north=-77.5, west=166.0, rows=8, columns=10)
    path = tmp_path / "era5-land-monthly-means-0123456789abcdef.nc"
    W.monthly(south).to_netcdf(path, engine="h5netcdf")

    def fetch(requests, folder, **options):
        asked.extend(requests)
        return [path]

    monkeypatch.setattr(client, "fetch", fetch)
    grids = door_grids("edh", pl.concat([SITES, SOUTH]), years=(2015, 2015), variables=["air_temperature"],
                       store=tmp_path, service=Service(hub=str(store)), watch=lambda request, words: told.append(words))
    assert [grid.dataset for grid in grids] == ["era5-land-v0", "reanalysis-era5-land-monthly-means"]
    assert {site for request in asked for site in request.sites} == {"Scott Base"}
    assert "no Antarctica" in told[0]
    assert door_grids("edh", SOUTH, years=(2015, 2015), fallback=None) == []
    with pytest.raises(UnknownName, match="fallback"):
        door_grids("edh", SOUTH, years=(2015, 2015), fallback="ftp")


def test_earth_engine_bands_are_read_under_their_own_names(made, monkeypatch):
    """A stand-in for ee and xee that hands out the daily collection as xee does: bands, time, x, y."""
    ds = W.daily(made).rename(t2m="temperature_2m", tp="total_precipitation_sum", swvl1="volumetric_soil_water_layer_1",
                              latitude="y", longitude="x")
    seen = {}

    class Collection:
        def __init__(self, name):
            seen["name"] = name

        def filterDate(self, first, last):
            seen["dates"] = first, last
            return self

    ee = types.SimpleNamespace(Initialize=lambda **options: seen.update(options), ImageCollection=Collection)
    monkeypatch.setitem(sys.modules, "ee", ee)
    monkeypatch.setitem(sys.modules, "xee", types.ModuleType("xee"))
    monkeypatch.setattr(doors, "_whole_earth", dict)
    monkeypatch.setattr(xr, "open_dataset", lambda images, engine, **options: ds)
    grid = earth_engine((2015, 2015), ["air_temperature", "precipitation"], project="mine")
    assert set(grid.layers) == {"t2m", "tp"}
    assert seen["dates"] == ("2015-01-01", "2016-01-01")
    assert seen["project"] == "mine"
    ee.Initialize = lambda **options: (_ for _ in ()).throw(OSError("not signed in"))
    with pytest.raises(RemoteError, match="earthengine authenticate"):
        earth_engine((2015, 2015), ["air_temperature"])


@pytest.mark.parametrize("dataset", [POINTS, MONTHS, DAYS, HOURS])
def test_files_of_the_download_folder_know_their_data_set(dataset):
    (request,) = list(request_plan(SITES[:1], (2015, 2015), ["soil_water_1"]))
    name = type(request)(dataset, {}, 1, 1).name
    assert dataset_of(Path(f"{name}.nc")) == dataset
    with pytest.raises(DataError, match="not a name of the download folder"):
        dataset_of(Path("mine.nc"))


def test_the_plan_covers_all_that_talik_makes():
    plan = request_plan(SITES, (2014, 2023))
    asked = {name for request in plan for name in request.inputs["variable"]}
    assert {"snow_depth", "forecast_albedo", "evaporation_from_bare_soil", "10m_u_component_of_wind"} <= asked
    assert np.sum([request.fields for request in plan]) > 0
