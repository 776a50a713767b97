"""Every door gives grids behind one interface; what is not installed or not served is said plainly."""

import sys
import threading
import types
import warnings
from base64 import b64encode
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
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
from talik.synthesis.predictors import site_predictors

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
    (lambda: earth_engine((2015, 2015), ["air_temperature"], SITES), "xee", "gee")])
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


@pytest.fixture
def hub(made, tmp_path, monkeypatch):
    """Earth Data Hub on loopback: Zarr v3 with consolidated metadata behind basic authentication from ~/.netrc."""
    pytest.importorskip("aiohttp")
    ds = W.turned(W.hourly(made), east=True)
    encoding = {name: {"chunks": (1440, 5, 4), "fill_value": np.nan, "dtype": "float32"} for name in ds.data_vars}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                    # Zarr v3 has no consolidated metadata in its specification
        ds.to_zarr(tmp_path / "hub" / "era5-land-v0.zarr", zarr_format=3, consolidated=True, encoding=encoding)
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path / "hub"))

        def send_head(self):
            asked.append(self.path)
            if self.headers.get("Authorization") != "Basic " + b64encode(b"edh:edh_pat_made").decode():
                return self.send_error(401)
            return super().send_head()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    yield f"http://127.0.0.1:{server.server_address[1]}/era5-land-v0.zarr", tmp_path / "netrc", asked
    server.shutdown()
    server.server_close()


def test_earth_data_hub_is_read_over_http_with_the_token_of_netrc(made, hub):
    url, netrc, asked = hub
    netrc.write_text("machine 127.0.0.1 login edh password wrong\n")
    with pytest.raises(RemoteError, match="token in"):
        earth_data_hub(["air_temperature"], store=url)
    netrc.write_text("machine 127.0.0.1 login edh password edh_pat_made\n")
    found = site_predictors(SITES[:1], "edh", years=(2015, 2015), variables=["air_temperature", "precipitation"],
                            service=Service(hub=url)).table
    assert found["air_temperature"][0] == pytest.approx(made.truth["t2m"][:, 2, 2].mean() - 273.15, abs=1e-4)
    assert found["precipitation"][0] == pytest.approx(1000 * made.truth["tp"][:, 2, 2].sum(), rel=1e-6)
    chunks = [path for path in asked if "/t2m/c/" in path]
    assert len(chunks) <= len(set(chunks)) + 4             # each once, and the first of the four columns for the land
    assert not any("/swvl1/c" in path for path in asked)


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


class Engine:
    """A stand-in for ee and xee that hands out a collection as xee does: bands, times, centres of cells, no units."""

    def __init__(self, collections, monkeypatch, version="0.1.0"):
        self.collections, self.seen = collections, {}
        ee = types.SimpleNamespace(Initialize=self.initialize, ImageCollection=self.collection)
        monkeypatch.setitem(sys.modules, "ee", ee)
        monkeypatch.setitem(sys.modules, "xee", types.ModuleType("xee"))
        monkeypatch.setattr("importlib.metadata.version", lambda name: version)
        monkeypatch.setattr(xr, "open_dataset", self.opened)

    def initialize(self, **options):
        self.seen.update(options)

    def collection(self, name):
        self.name = name
        return self

    def filterDate(self, first, last):
        self.seen["dates"] = first, last
        return self

    def opened(self, images, engine, **options):
        assert engine == "ee"
        self.seen["grid"] = {name: value for name, value in options.items() if name != "chunks"}
        return self.collections[images.name]


BANDS = {"t2m": "temperature_2m", "tp": "total_precipitation_sum", "swvl1": "volumetric_soil_water_layer_1",
         "u10": "u_component_of_wind_10m", "v10": "v_component_of_wind_10m"}


def as_xee(ds, east="x", north="y"):
    """Old xee: (time, lon, lat), latitudes from the north; new: (time, y, x). Attributes of Earth Engine."""
    ds = ds.rename({"latitude": north, "longitude": east,
                    **{short: band for short, band in BANDS.items() if short in ds}})
    for name in ds.data_vars:
        ds[name].attrs = {"id": name, "data_type": {"type": "PixelType", "precision": "double"}, "crs": "EPSG:4326"}
    return ds if east == "x" else ds.transpose("time", east, north)


@pytest.mark.parametrize("east, north, version, grid", [
    ("x", "y", "0.1.2", {"crs": "EPSG:4326", "shape_2d": (3601, 1801), "crs_transform": (0.1, 0, -180.05, 0, -0.1,
                                                                                       90.05)}),
    ("lon", "lat", "0.0.22", {"crs": "EPSG:4326", "scale": 0.1})])
def test_earth_engine_bands_are_read_under_their_own_names(made, monkeypatch, east, north, version, grid):
    engine = Engine({doors.GEE_DATASET: as_xee(W.daily(made), east, north)}, monkeypatch, version)
    found = site_predictors(SITES, "gee", years=(2015, 2015), service=Service(project="mine"),
                            variables=["air_temperature", "precipitation", "soil_water_1"]).table
    truth = {short: made.truth[short][:, (2, 3), (2, 4)] for short in made.truth}
    np.testing.assert_allclose(found["air_temperature"], truth["t2m"].mean(axis=0) - 273.15, atol=1e-9)
    np.testing.assert_allclose(found["precipitation"], 1000 * truth["tp"].sum(axis=0), rtol=1e-9)
    assert engine.seen["dates"] == ("2015-01-01", "2016-01-01")
    assert engine.seen["project"] == "mine"
    assert engine.seen["grid"] == grid


def test_earth_engine_gives_wind_speed_from_hours_only(monkeypatch):
    """The daily collection has the components too: their means are refused, the hourly collection is read."""
    made = W.world(("t2m", "u10", "v10"), years=(2015, 2015), rows=6, columns=8)
    hours = as_xee(W.hourly(made, ["u10", "v10"]).rename(valid_time="time").isel(time=slice(0, -1)))
    Engine({doors.GEE_DATASET: as_xee(W.daily(made)), doors.GEE_HOURS: hours}, monkeypatch)
    found = site_predictors(SITES, "gee", years=(2015, 2015), variables=["air_temperature", "wind_speed"])
    speed = np.hypot(hours[BANDS["u10"]], hours[BANDS["v10"]]).mean("time").values[(2, 3), (2, 4)]
    np.testing.assert_allclose(found.table["wind_speed"], speed, rtol=1e-12)
    steps = dict(found.provenance.select("variable", "step").unique().iter_rows())
    assert steps == {"air_temperature": "daily", "wind_speed": "hourly"}


def test_a_refusal_of_earth_engine_says_what_to_do(monkeypatch):
    engine = Engine({}, monkeypatch)
    sys.modules["ee"].Initialize = lambda **options: (_ for _ in ()).throw(OSError("not signed in"))
    with pytest.raises(RemoteError, match="earthengine authenticate"):
        earth_engine((2015, 2015), ["air_temperature"], SITES)
    assert engine.seen == {}


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
