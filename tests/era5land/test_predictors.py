"""Predictors at a table of sites: planted values, provenance of each, what is missing and why, the command."""

import numpy as np
import polars as pl
import pytest
import world as W
import xarray as xr
from click.testing import CliRunner

import talik
from talik.cli.predictors import predictors as command
from talik.cli.predictors import reduce as reduce_command
from talik.era5land.grids import grid_of, open_grid
from talik.era5land.reduce import reduce
from talik.errors import DataError, UnknownName, UsageError
from talik.synthesis.predictors import STATISTICS, site_predictors
from talik.variables import ERA5LAND_TWELVE, VARIABLES

DAILY = "ECMWF/ERA5_LAND/DAILY_AGGR"
YEARS = (2014, 2015)


@pytest.fixture(scope="module")
def made():
    return W.world((*W.TWELVE, "t2m", "skt", "sd"), rows=8, columns=10, years=YEARS, seed=6)


@pytest.fixture(scope="module")
def grid(made):
    height = np.full(made.shape, 300.0)
    ds = W.daily(made).assign(z=(("latitude", "longitude"), height * 9.80665, {"units": "m**2 s**-2"}))
    return grid_of([(ds, "world.nc")], dataset=DAILY)


@pytest.fixture(scope="module")
def sites(made):
    return pl.DataFrame({"site": ["A", "B", "C", "D", "E"], "elevation": [100.0, 300.0, None, 0.0, 0.0],
                         "latitude": [made.latitude[2], made.latitude[2] + 0.01, made.latitude[7], 0.0, None],
                         "longitude": [made.longitude[3], made.longitude[3], made.longitude[9], 0.0, 1.0],
                         "coordinate_precision_km": [0.1, 30.0, 1.0, 1.0, 1.0],
                         "first_year": [2000, 2015, None, None, None], "last_year": [2014, 2020, None, None, None]})


@pytest.fixture(scope="module")
def found(sites, grid):
    return site_predictors(sites, grid)


def test_the_table_has_the_twelve_first_and_a_row_a_site(found, sites):
    assert found.table["site"].to_list() == sites["site"].to_list()
    assert [name for name in found.table.columns if name in STATISTICS][:12] == list(ERA5LAND_TWELVE)
    assert found.to_frame().height == 5
    assert str(found).startswith("25 predictors (12 of the 12) at 5 sites, averaged over 2014-2015")


def test_values_are_the_planted_ones(found, made):
    truth = {name: made.truth[name][:, 2, 3] for name in made.truth}
    row = found.table.row(0, named=True)
    expected = {"snow_depth": truth["sde"].mean(), "snow_density": truth["rsn"].mean(),
                "lai_high": truth["lai_hv"].mean(), "snow_cover": truth["snowc"].mean() / 100,
                "precipitation": truth["tp"].sum() / 2 * 1000,
                "transpiration": -truth["evabs"].sum() / 2 * 1000, "albedo": truth["fal"].mean(),
                "wind_speed": truth["si10"].mean(), "air_temperature": truth["t2m"].mean() - 273.15,
                "soil_water_4": truth["swvl4"].mean(), "skin_temperature": truth["skt"].mean() - 273.15,
                "tdd_air": (truth["t2m"] - 273.15).clip(0).sum() / 2}
    for name, value in expected.items():
        np.testing.assert_allclose(row[name], value, rtol=1e-9, err_msg=name)


def test_every_value_has_its_provenance_and_every_gap_its_reason(found):
    rows = found.provenance
    assert rows.height == 5 * len(STATISTICS)
    assert rows.filter(pl.col("value").is_null() != pl.col("reason").is_not_null()).is_empty()
    assert rows.filter(pl.col("units") != pl.col("variable").replace_strict(
        {name: VARIABLES[name].units for name in STATISTICS})).is_empty()
    here = rows.filter(pl.col("value").is_not_null())
    assert here.select("dataset", "sources", "step").unique().rows() == [(DAILY, "world.nc", "daily")]
    assert set(rows.filter(site="D")["reason"]) == {"the site lies outside the grid"}
    assert set(rows.filter(site="E")["reason"]) == {"the site has no coordinates"}
    assert "known issue" in rows.filter(variable="transpiration")["note"][0]


def test_the_period_is_compared_with_the_temperature_record(found, sites, grid):
    common = found.provenance.filter(variable="air_temperature")["years_in_common"].to_list()
    assert common == [1, 1, None, None, None]
    again = site_predictors(sites.drop("first_year", "last_year"), grid, temperature_years=(1990, 2000))
    assert again.provenance.filter(variable="air_temperature")["years_in_common"].to_list()[:3] == [0, 0, 0]


def test_marks_and_shared_cells(found):
    marked = dict(found.table.select("site", "predictor_marks").iter_rows())
    assert marked["A"] == "SHARED_CELL"
    assert set(marked["B"].split(";")) == {"SHARED_CELL", "PLACE_COARSER_THAN_CELL"}
    assert not marked["C"]


def test_a_glacier_cell_is_marked_on_every_predictor(made, sites):
    ds = W.daily(made)
    ds["sd"] = ds["sd"] * 0 + 10.0
    found = site_predictors(sites[:1], grid_of([(ds, "a")], dataset=DAILY))
    assert set(found.provenance["marks"]) == {"GLACIER_CELL"}


def test_the_lapse_correction_moves_the_mean_temperature_only(found, sites, grid):
    other = site_predictors(sites, grid, lapse=-0.0065)
    gain = other.table["air_temperature"] - found.table["air_temperature"]
    np.testing.assert_allclose(gain[:2], [1.3, 0.0], atol=1e-9)            # the cell lies 200 m above site A
    assert gain[2] == 0.0
    row = other.provenance.filter(site="C", variable="air_temperature")
    assert "not corrected" in row["note"][0]
    assert other.provenance.filter(site="A", variable="air_temperature")["correction"][0] == pytest.approx(1.3)
    for name in ("tdd_air", "snow_depth", "skin_temperature"):
        assert other.table[name].equals(found.table[name])


def test_a_written_climatology_gives_the_same_sites(found, sites, grid, tmp_path):
    reduce(grid, store=tmp_path / "climate.zarr")
    again = site_predictors(sites, tmp_path / "climate.zarr")
    assert again.table.select(STATISTICS).equals(found.table.select(STATISTICS))
    assert again.table["cell_elevation_difference"].to_list()[:2] == [200.0, 0.0]
    with pytest.raises(UsageError, match="the climatology is of 2014-2015"):
        site_predictors(sites, tmp_path / "climate.zarr", years=(2010, 2015))


def test_the_finest_step_serves_and_coarser_files_fill(made, sites, tmp_path):
    W.hourly(made, ["t2m"]).to_netcdf(tmp_path / "hours.nc", engine="h5netcdf")
    W.monthly(made, ["t2m", "sde"]).to_netcdf(tmp_path / "months.nc", engine="h5netcdf")
    found = site_predictors(sites[:1], [tmp_path / "months.nc", tmp_path / "hours.nc"], years=YEARS)
    step = dict(found.provenance.select("variable", "step").iter_rows())
    assert (step["air_temperature"], step["tdd_air"], step["snow_depth"]) == ("hourly", "hourly", "monthly")
    assert found.table["tdd_air"][0] is not None
    assert found.provenance.filter(variable="albedo")["reason"][0] == "field not in the source"


def test_as_named_gives_what_studies_unaware_of_the_swap_have_used(made, sites, grid):
    with_both = W.world(("evabs", "evavt"), rows=8, columns=10, years=YEARS, seed=6)
    ds = grid_of([(W.daily(with_both), "a")], dataset=DAILY)
    found = site_predictors(sites[:1], ds, transpiration="as_named")
    np.testing.assert_allclose(found.table["transpiration"][0], -with_both.truth["evavt"][:, 2, 3].sum() / 2 * 1000)
    assert "open-water" in found.provenance.filter(variable="transpiration")["note"][0]


def test_faults_are_named(sites, grid):
    with pytest.raises(UnknownName, match="latitude"):
        site_predictors(sites.rename({"latitude": "latitud"}), grid)
    with pytest.raises(UnknownName, match="predictor of ERA5-Land"):
        site_predictors(sites, grid, variables=["snow"])
    with pytest.raises(DataError, match="not on the globe"):
        site_predictors(sites.with_columns(latitude=pl.lit(-156.6)), grid)
    with pytest.raises(UsageError, match="no rows"):
        site_predictors(sites[:0], grid)
    with pytest.raises(DataError, match="no predictor can be had"):
        site_predictors(sites, grid_of([(W.daily(W.world(("t2m",), years=YEARS)), "a")]), variables=["albedo"])


def test_117_sites_of_the_published_study_get_their_predictors(tmp_path):
    """Two poles of a coarse made Earth: every site with coordinates has all twelve."""
    rng = np.random.default_rng(0)
    days = np.arange("2014-01-01", "2015-01-01", dtype="M8[D]")
    latitude, longitude = np.arange(85.0, -86.0, -5.0), np.arange(0.0, 360.0, 5.0)
    shape = (days.size, latitude.size, longitude.size)
    base = {"sde": 0.3, "rsn": 200, "snowc": 60, "swvl1": 0.3, "swvl2": 0.3, "swvl3": 0.3, "swvl4": 0.3, "tp": 0.001,
            "evabs": -0.0002, "fal": 0.4, "lai_hv": 1.0, "si10": 4.0}
    dims = ("time", "latitude", "longitude")
    ds = xr.Dataset({name: (dims, value * rng.uniform(0.5, 1.5, shape), {"units": W.UNITS[name]})
                     for name, value in base.items()},
                    coords={"time": days.astype("M8[ns]"), "latitude": latitude, "longitude": longitude})
    table = talik.sites("three-poles")
    found = site_predictors(table, grid_of([(ds, "earth.nc")], dataset=DAILY), years=(2014, 2014))
    known = table["latitude"].is_not_null().sum()
    assert found.table.height == 117
    assert all(found.table[name].count() == known for name in ERA5LAND_TWELVE)
    joined = table.join(found.table.drop("site"), on="site_no", validate="1:1")
    assert joined.height == 117


# the command

@pytest.fixture
def files(made, tmp_path, sites):
    W.daily(made).to_netcdf(tmp_path / "world.nc", engine="h5netcdf")
    sites.select("site", "latitude", "longitude", maat=pl.lit(-9.0)).head(3).write_csv(tmp_path / "sites.csv")
    return tmp_path


def invoke(*arguments):
    return CliRunner().invoke(command, list(map(str, arguments)), catch_exceptions=False)


def test_the_command_writes_a_table_and_its_provenance(files):
    done = invoke(files / "sites.csv", "--source", files / "world.nc", "--dataset", DAILY, "--out", files / "out.csv")
    assert done.exit_code == 0, done.output
    table, provenance = pl.read_csv(files / "out.csv"), pl.read_csv(files / "out-provenance.csv")
    assert table.height == 3
    assert provenance.height == 3 * len(STATISTICS)
    assert "12 of the 12" in done.output


def test_the_command_prints_csv_in_a_pipe_and_one_variable(files):
    done = invoke(files / "sites.csv", "--source", files / "world.nc", "--variable", "snow_depth", "--years", "2014")
    assert done.stdout.splitlines()[0].startswith("site_no,site,snow_depth,cell_latitude")


def test_a_dry_run_prints_requests_and_sends_none(files, monkeypatch):
    from talik.era5land import client

    monkeypatch.setattr(client, "fetch", None)
    done = invoke(files / "sites.csv", "--source", "cds", "--years", "2014-2023", "--dry-run", "--format", "csv")
    assert done.exit_code == 0
    assert "reanalysis-era5-land-monthly-means" in done.stdout
    assert "requests to the Climate Data Store" in done.stderr


@pytest.mark.parametrize("arguments, words", [
    (["--source", "cds", "--dry-run"], "--years: needed with --dry-run"),
    (["--source", "gee", "--years", "2014", "--dry-run"], "only requests to the Climate Data Store"),
    (["--source", "cds", "--source", "a.nc"], "'cds' stands alone"),
    (["--source", "world.nc", "--years", "14-23"], "expected years as 2014-2023"),
    (["--source", "world.nc", "--name", "Tair"], "expected YOURS=ERA5LAND"),
    (["--source", "cds", "--years", "2014"], "--store DIR")])
def test_usage_faults_are_named(files, monkeypatch, arguments, words):
    monkeypatch.chdir(files)
    with pytest.raises(UsageError, match=words):
        invoke("sites.csv", *arguments)


def test_an_unknown_ending_of_out_is_refused(files):
    with pytest.raises(UsageError, match=r"ends in \.csv or \.parquet"):
        invoke(files / "sites.csv", "--source", files / "world.nc", "--dataset", DAILY, "--out", files / "out.txt")


def test_open_grid_is_what_the_command_opens(files):
    assert open_grid(files / "world.nc").shape == (8, 10)


def test_the_climatology_of_the_command_serves_the_sites(files):
    done = CliRunner().invoke(reduce_command, [str(files / "world.nc"), "--dataset", DAILY, "--out",
                                               str(files / "climate.zarr")], catch_exceptions=False)
    assert done.exit_code == 0
    direct = invoke(files / "sites.csv", "--source", files / "world.nc", "--dataset", DAILY, "--format", "csv")
    through = invoke(files / "sites.csv", "--source", files / "climate.zarr", "--format", "csv")
    assert through.stdout == direct.stdout


def test_the_written_table_joins_the_table_of_sites(files):
    from talik.synthesis.joined import join_predictors

    invoke(files / "sites.csv", "--source", files / "world.nc", "--dataset", DAILY, "--out", files / "out.csv")
    sites = talik.read_sites(files / "sites.csv")
    joined = join_predictors(sites, files / "out.csv")
    assert joined.height == 3
    assert all(joined[name].count() == 3 for name in ERA5LAND_TWELVE)


def test_sites_outside_learn_what_the_files_cover_and_how_far_it_is(sites, grid):
    words = (r"covers latitudes 69\.3 to 70, longitudes -150 to -149\.1; the nearest site \(latitude 0, longitude 0\) "
             r"lies \d+ km from the nearest cell")
    for wanted in (None, ["snow_depth"]):
        with pytest.raises(DataError, match=words):
            site_predictors(sites[3:], grid, variables=wanted)
    with pytest.raises(DataError, match="no site has coordinates"):
        site_predictors(sites[4:], grid)
    points = pl.DataFrame({"latitude": [69.0], "longitude": [10.0]})
    one = W.daily(W.world(("t2m",), years=YEARS, rows=1, columns=1)).isel(latitude=0, longitude=0)
    with pytest.raises(DataError, match=r"covers latitudes 70 to 70, .* the farthest \d+ km"):
        site_predictors(points.with_columns(site=pl.lit("A")), grid_of([(one, "point.nc")], dataset=DAILY))


def test_what_the_lapse_rate_could_not_correct_is_said(sites, grid):
    found = site_predictors(sites[:3], grid, lapse=-0.0065)
    assert "; not corrected for height: 1" in str(found)
    assert found.provenance.filter(site="C", variable="air_temperature")["note"][0] == (
        "not corrected for height: the elevation of the site is unknown")


@pytest.mark.parametrize("arguments, words", [
    ({"dataset": "foo"}, "unknown data set 'foo'"), ({"accumulation": "foo"}, "unknown kind of accumulation 'foo'"),
    ({"lapse": 6.5}, r"lapse: got 6\.5 K m-1"),
    ({"lapse": -0.0065, "variables": ["snow_depth"]}, "lapse: corrects air_temperature alone")])
def test_arguments_are_checked_before_anything_is_read(sites, arguments, words):
    with pytest.raises(UsageError, match=words):
        site_predictors(sites, "no such file.nc", **arguments)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name, words", [("foo=t2m", "unknown variable of the files 'foo'"),
                                         ("t2m=foo", "unknown field of ERA5-Land 'foo'")])
def test_names_that_mean_nothing_are_refused(files, name, words, count):
    W.monthly(W.world(("sde",), rows=2, columns=2, years=YEARS)).to_netcdf(files / "other.nc", engine="h5netcdf")
    paths = ["--source", files / "world.nc", "--source", files / "other.nc"][:2 * count]
    with pytest.raises(UnknownName, match=words):
        invoke(files / "sites.csv", *paths, "--name", name)


def test_places_alone_are_a_table_of_sites(files):
    table = pl.read_csv(files / "sites.csv").drop("maat")
    table.write_csv(files / "places.csv")
    table.rename({"latitude": "y", "longitude": "x"}).write_csv(files / "named.csv")
    wanted = ("--source", files / "world.nc", "--variable", "snow_depth")
    full = invoke(files / "sites.csv", *wanted).stdout
    assert invoke(files / "places.csv", *wanted).stdout == full
    assert invoke(files / "named.csv", "--column", "latitude=y", "--column", "longitude=x", *wanted).stdout == full
    with pytest.raises(UsageError, match=r"named\.csv: no column 'latitude'. Found: site, y, x. Name it: columns="):
        invoke(files / "named.csv", *wanted)


def test_an_ending_of_out_is_refused_before_anything_is_read(files):
    with pytest.raises(UsageError, match=r"--out: got 'out\.xlsx'"):
        invoke("no such table.csv", "--source", files / "none.nc", "--out", files / "out.xlsx")


def test_without_precipitation_leaves_its_seasons_out_too(files):
    """Daily means of counters are no amounts: the rest of such files is served all the same."""
    paths = ("--source", files / "world.nc", "--dataset", "derived-era5-land-daily-statistics")
    with pytest.raises(DataError, match=r"or leave out precipitation \(with its seasons\) and transpiration"):
        invoke(files / "sites.csv", *paths)
    done = invoke(files / "sites.csv", *paths, "--without", "precipitation", "--without", "transpiration")
    assert done.exit_code == 0
    assert "precipitation" not in done.stdout.splitlines()[0]


def test_static_files_give_height_and_land_fraction_to_any_source_and_their_lack_is_told(made, sites, tmp_path):
    """As the documentation of ERA5-Land offers them: the whole Earth at one time, longitudes from 0 to 360."""
    months = grid_of([(W.monthly(made, ["t2m"]), "a.nc")], dataset="reanalysis-era5-land-monthly-means")
    first, *_ = site_predictors(sites, months).provenance.iter_rows(named=True)
    assert first["land_fraction"] is None
    assert first["place_reason"] == ("no geopotential (z) of the cell, static file needed; "
                                     "no land-sea mask (lsm), static file needed")
    latitude, longitude = np.round(75 - 0.1 * np.arange(100), 1), np.round(200 + 0.1 * np.arange(150), 1)
    shape = 1, latitude.size, longitude.size
    coords = {"time": [np.datetime64("2018-01-01", "ns")], "latitude": latitude, "longitude": longitude}
    height = 100 * np.arange(latitude.size)[:, None] * np.ones(shape)
    kinds = {"z": (height * 9.80665, "m**2 s**-2"), "lsm": (np.full(shape, 0.75), "(0 - 1)")}
    paths = [tmp_path / f"{name}.nc" for name in kinds]
    for path, (name, (values, units)) in zip(paths, kinds.items(), strict=True):
        xr.Dataset({name: (("time", "latitude", "longitude"), values, {"units": units})}, coords).to_netcdf(path)
    found = site_predictors(sites, months, static=paths, lapse=-0.0065, variables=["air_temperature"]).provenance
    row = found.row(0, named=True)
    cell = 100 * round((75 - float(made.latitude[2])) * 10)
    assert row["cell_elevation_difference"] == pytest.approx(cell - 100.0)
    assert row["correction"] == pytest.approx(0.0065 * (cell - 100.0))
    assert (row["land_fraction"], row["place_reason"]) == (0.75, None)
    assert found["place_reason"].to_list()[2:] == ["no elevation of the site", *found["reason"].to_list()[3:]]
    W.monthly(made, ["t2m"]).to_netcdf(tmp_path / "t2m.nc")
    with pytest.raises(DataError, match="neither geopotential"):
        site_predictors(sites, months, static=[tmp_path / "t2m.nc"])
