"""117 sites on a made ERA5-Land world with planted drivers run the whole recipe, from files to figures."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from talik.runs import run_study
from talik.settings import checked

sys.path.append(str(Path(__file__).parents[1] / "era5land"))
from world import monthly, world

xr = pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("era5land")
    made = world(rows=9, columns=13, years=(2014, 2015), seed=4)
    monthly(made).to_netcdf(folder / "era5land.nc", engine="h5netcdf")
    for name, value, unit in (("z", 500 * 9.80665, "m**2 s**-2"), ("lsm", 0.75, "(0 - 1)")):
        at = {"time": [np.datetime64("2018-01-01", "ns")], "latitude": made.latitude, "longitude": made.longitude}
        values = np.full((1, made.latitude.size, made.longitude.size), value)
        xr.Dataset({name: (tuple(at), values, {"units": unit})}, at).to_netcdf(folder / f"{name}.nc", engine="h5netcdf")
    rng = np.random.default_rng(0)
    north, east = (grid.ravel() for grid in np.meshgrid(made.latitude, made.longitude, indexing="ij"))
    snow = made.truth["sde"].mean(axis=0).ravel()
    water = made.truth["swvl2"].mean(axis=0).ravel()
    n = north.size
    maat = rng.uniform(-12, -3, n)
    magst = maat + 4 - 1.5 * (snow - snow.mean()) / snow.std() + 0.3 * rng.normal(size=n)
    ttop = magst - 0.5 + 0.8 * (water - water.mean()) / water.std() + 0.2 * rng.normal(size=n)
    pl.DataFrame({
        "site": [f"S{k:03d}" for k in range(n)], "region": np.where(east < -149.4, "West", "East"),
        "latitude": north + 0.01, "longitude": east - 0.01, "vegetation": rng.choice(["Tundra", "Forest"], n),
        "soil": rng.choice(["sand", "loam"], n), "maat": maat.round(3), "magst": magst.round(3), "ttop": ttop.round(3),
    }).write_csv(folder / "sites.csv")
    settings = checked({
        "study": {"name": "made", "replicates": 200}, "sites": {"table": "sites.csv", "cluster_km": 5},
        "predictors": {"era5land": ["era5land.nc"], "dataset": "reanalysis-era5-land-monthly-means",
                       "static": ["z.nc", "lsm.nc"]},
        "drivers": {"refits": 100, "nulls": 0}, "atlas": {"run": False}}, home=folder)
    outcomes = run_study(settings, folder / "out")
    assert [o.step for o in outcomes if o.reason] == ["scorecard", "atlas"]
    return folder / "out", snow


def test_every_site_gets_the_mean_of_its_own_cell(results):
    out, snow = results
    table = pl.read_parquet(out / "predictors.parquet")
    assert table.height == 117
    assert np.allclose(table["snow_depth"], snow, rtol=0.02)      # monthly means weigh short and long months alike


def test_every_value_has_its_provenance(results):
    provenance = pl.read_csv(results[0] / "predictor_provenance.csv", infer_schema_length=None)
    one = provenance.filter(pl.col("site") == "S000")
    assert one.height >= 12
    assert one["land_fraction"].unique().to_list() == [0.75]               # of the study's static files


def test_the_planted_slopes_are_found_by_both_profiles(results):
    pooled = pl.read_csv(results[0] / "slopes_pooled.csv").filter(kind="overall")
    assert pooled.height == 4
    snow = pooled.filter(profile="talik", response="surface_offset").row(0, named=True)
    assert snow["high"] < 0


def test_figures_five_six_and_seven_are_there(results):
    names = {path.stem for path in (results[0] / "figures").glob("*.svg")}
    assert {"fig5a_drivers_surface_offset", "fig5b_drivers_thermal_offset", "fig6_snow_slopes",
            "fig7_moisture_slopes"} <= names
