"""From an empty folder through the Climate Data Store's files, as it makes them, to predictors at sites."""

import io
import json
import threading
import zipfile

import fake_store as fake
import numpy as np
import polars as pl
import pytest
import xarray as xr

from talik.era5land.doors import Service
from talik.era5land.fields import field
from talik.synthesis.predictors import STATISTICS, site_predictors

PLANTED = {"t2m": 260.0, "tp": 0.002, "u10": 3.0, "v10": -4.0, "sde": 0.4, "evabs": -0.0005, "snowc": 60.0}
SITES = pl.DataFrame({"site": ["Barrow", "Wrangel"], "latitude": [71.32, 71.0], "longitude": [-156.61, -179.97]})
SEA = {"latitude": 71.4, "longitude": -156.5}


def _file(ds, tmp_path):
    ds.to_netcdf(tmp_path / "made.nc", engine="h5netcdf")
    return (tmp_path / "made.nc").read_bytes()


def _values(shorts, shape, dims, share=1.0):
    return {s: (dims, np.full(shape, PLANTED[s] * (share if s == "tp" or np.isnan(share) else 1.0), "f4"),
                {"units": field(s).units}) for s in shorts}


def _point(shorts, inputs, tmp_path):
    first, last = (np.datetime64(day, "h") for day in inputs["date"][0].split("/"))
    times = np.arange(first, last + np.timedelta64(24, "h")).astype("M8[ns]")
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for short in shorts:
            share = np.nan if inputs["location"] == SEA else 1 / 24
            ds = xr.Dataset(_values([short], times.size, ("valid_time",), share),
                            coords={"valid_time": times, **inputs["location"]})
            archive.writestr(f"reanalysis-era5-land-timeseries-{short}.nc", _file(ds, tmp_path))
    return memory.getvalue()


def _area(shorts, inputs, tmp_path):
    north, west, south, east = (round(10 * side) for side in inputs["area"])
    latitude, longitude = np.arange(north, south - 1, -1) / 10, np.arange(west, east + 1) / 10
    years = inputs["year"] if isinstance(inputs["year"], list) else [inputs["year"]]
    unit = "D" if "day" in inputs else "M"
    times = np.concatenate([np.arange(y, str(int(y) + 1), dtype=f"M8[{unit}]") for y in years]).astype("M8[ns]")
    values = _values(shorts, (times.size, latitude.size, longitude.size), ("valid_time", "latitude", "longitude"))
    ds = xr.Dataset(values, coords={"valid_time": times, "latitude": latitude, "longitude": longitude})
    if "daily_statistic" not in inputs:
        return _file(ds, tmp_path)
    assert not {"data_format", "download_format"} & set(inputs)        # this form has neither
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for short in shorts:
            archive.writestr(f"{short}_0_daily-mean.nc", _file(ds[[short]], tmp_path))
    return memory.getvalue()


@pytest.fixture
def store(tmp_path, monkeypatch):
    made, one_at_a_time = {}, threading.Lock()

    def contents(dataset, inputs, size):
        key = json.dumps([dataset, inputs], sort_keys=True)
        with one_at_a_time:
            if key not in made:
                shorts = [field(name).short for name in inputs["variable"]]
                made[key] = (_point if "location" in inputs else _area)(shorts, inputs, tmp_path)
        return made[key]

    monkeypatch.setattr(fake, "contents", contents)
    server = fake.FakeStore(polls=0)
    server.has = tuple(field(short).cds for short in ("t2m", "skt", "tp", "u10", "v10"))
    yield server
    server.stop()


def test_planted_climates_arrive_at_the_sites_on_either_side_of_the_date_line(store, tmp_path):
    asked = ["air_temperature", "precipitation", "wind_speed", "snow_depth", "snow_season", "transpiration"]
    who = Service(url=store.url, key=fake.KEY)
    found = site_predictors(SITES, "cds", years=(2014, 2015), store=tmp_path / "era5", variables=asked, service=who)
    expected = {"precipitation": 730.0, "wind_speed": 5.0, "snow_depth": 0.4, "snow_season": 365.0,
                "transpiration": 182.5}
    for name, value in expected.items():
        assert found.table[name].to_list() == pytest.approx([value] * 2, rel=2e-3), name
    assert found.table.columns[2:8] == [name for name in STATISTICS if name in asked]
    datasets = {dataset for dataset, _ in store.made.values()}
    assert datasets == {"reanalysis-era5-land-timeseries", "reanalysis-era5-land-monthly-means",
                        "derived-era5-land-daily-statistics"}
    store.stop()
    again = site_predictors(SITES, "cds", years=(2014, 2015), store=tmp_path / "era5", variables=asked, service=who)
    assert again.table.equals(found.table)                 # from the folder alone, what the points have included
    store.start()


def test_the_nearest_land_point_stands_for_a_site_at_sea_and_is_marked(store, tmp_path):
    site = pl.DataFrame({"site": ["Point"], "latitude": [SEA["latitude"]], "longitude": [SEA["longitude"]]})
    found = site_predictors(site, "cds", years=(2015, 2015), store=tmp_path / "era5", variables=["air_temperature"],
                            service=Service(url=store.url, key=fake.KEY))
    row = found.provenance.row(0, named=True)
    assert row["value"] == pytest.approx(260.0 - 273.15, abs=1e-4)
    assert row["marks"] == "COASTAL_CELL"
    assert row["cell_distance_km"] == pytest.approx(3.55, abs=0.05)       # 0.1 degree of longitude at 71.4 N
