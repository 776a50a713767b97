"""Any file of ERA5-Land opens as the same grid: names, orientation, packing, levels, archives; faults are named."""

import zipfile

import numpy as np
import polars as pl
import pytest
import world as W
import xarray as xr

from talik.era5land.chunks import chunk_shape
from talik.era5land.grids import grid_of, open_grid, open_grids
from talik.era5land.reduce import reduce
from talik.errors import AmbiguousFile, DataError, FileError, UsageError

ALL = (slice(None),) * 3
FIELDS = ("t2m", "swvl1", "tp")
DAILY = "ECMWF/ERA5_LAND/DAILY_AGGR"


@pytest.fixture(scope="module")
def made():
    return W.world(FIELDS, rows=5, columns=7, years=(2015, 2015), seed=2, sea=0.2)


def values(grid, short):
    """All values of a field by (latitude, longitude in [-180, 180)), whatever the orientation."""
    layer = grid.layers[short]
    found = np.concatenate([layer.read(k, ALL) for k in range(len(layer.pieces))]) * layer.scale + layer.shift
    rows, columns = np.argsort(grid.latitude), np.argsort((grid.longitude + 180) % 360)
    return found[:, rows][:, :, columns]


def test_orientation_and_convention_do_not_matter(made, tmp_path):
    truth = made.truth["t2m"][:, ::-1]
    for ascending in (False, True):
        for east in (False, True):
            path = tmp_path / f"{ascending}{east}.nc"
            W.turned(W.daily(made), ascending=ascending, east=east).to_netcdf(path, engine="h5netcdf")
            np.testing.assert_array_equal(values(open_grid(path), "t2m"), truth)


@pytest.mark.parametrize("dims", [("valid_time", "latitude", "longitude"), ("longitude", "latitude", "time"),
                                  ("time", "lat", "lon")])
def test_names_and_order_of_dimensions_do_not_matter(made, dims):
    ds = W.daily(made)
    ds = ds.rename({old: new for new in dims for old in ds.dims if new != old and {old, new} in (
        {"time", "valid_time"}, {"latitude", "lat"}, {"longitude", "lon"})}).transpose(*dims)
    np.testing.assert_array_equal(values(grid_of([(ds, "a")]), "t2m"), made.truth["t2m"][:, ::-1])


def test_the_new_services_extra_dimensions_and_coordinates(made):
    ds = W.daily(made).rename(time="valid_time").expand_dims(number=[0]).assign_coords(
        expver=("valid_time", np.repeat(["0001", "0005"], [300, 65])))
    np.testing.assert_array_equal(values(grid_of([(ds, "a")]), "t2m"), made.truth["t2m"][:, ::-1])


def test_final_and_preliminary_versions_fill_each_other(made):
    ds = W.daily(made)
    early = ds.where(ds["time"] < ds["time"][300])
    both = xr.concat([early, ds.where(ds["time"] >= ds["time"][300])], dim="expver")
    np.testing.assert_array_equal(values(grid_of([(both, "a")]), "t2m"), made.truth["t2m"][:, ::-1])


def test_several_members_are_refused(made):
    ds = xr.concat([W.daily(made)] * 2, dim="number")
    with pytest.raises(DataError, match="2 values of 'number'"):
        grid_of([(ds, "a.nc")])


def test_packed_classic_and_packed_netcdf4_read_within_their_packing(made, tmp_path):
    ds = W.daily(made)[["t2m"]]
    encoding = W.packed(ds)
    for engine, kind in (("scipy", "NETCDF3_64BIT"), ("h5netcdf", None)):
        path = tmp_path / f"{engine}.nc"
        ds.to_netcdf(path, engine=engine, format=kind, encoding=encoding)
        np.testing.assert_allclose(values(open_grid(path), "t2m"), made.truth["t2m"][:, ::-1],
                                   atol=0.51 * encoding["t2m"]["scale_factor"])


def test_a_zip_of_instant_and_accumulated_files_opens_as_one(made, tmp_path):
    ds = W.daily(made).rename(time="valid_time")
    path = tmp_path / "download.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for stem, names in (("stepType-instant", ["t2m", "swvl1"]), ("stepType-accum", ["tp"])):
            ds[names].to_netcdf(tmp_path / f"{stem}.nc", engine="h5netcdf")
            archive.write(tmp_path / f"{stem}.nc", f"data_stream-oper_{stem}.nc")
    grid = open_grid(path)
    assert set(grid.layers) == set(FIELDS)
    np.testing.assert_array_equal(values(grid, "tp"), made.truth["tp"][:, ::-1])


def test_months_in_separate_files_join_in_any_order_and_unsorted_stamps_are_sorted(made, tmp_path):
    paths = []
    for month, part in W.daily(made).groupby("time.month"):
        part.isel(time=slice(None, None, -1)).to_netcdf(tmp_path / f"{month}.nc", engine="h5netcdf")
        paths.append(tmp_path / f"{month}.nc")
    grid = open_grid(paths[::-1])
    np.testing.assert_array_equal(values(grid, "t2m"), made.truth["t2m"][:, ::-1])
    assert np.all(np.diff(grid.layers["t2m"].times) == np.timedelta64(1, "D"))


@pytest.mark.parametrize("codec, chunks", [("lz4", (365, 3, 3)), ("bits", (40, 5, 7)), ("zstd", (1, 5, 7))])
def test_any_zarr_chunking_and_codec_reads_the_same(made, tmp_path, codec, chunks):
    grid = open_grid(W.to_zarr(W.daily(made), tmp_path / "a.zarr", chunks, codec=codec))
    np.testing.assert_array_equal(values(grid, "t2m"), made.truth["t2m"][:, ::-1].astype("f4"))


def test_tables_long_and_wide_are_points(made, tmp_path):
    frame = pl.from_pandas(W.daily(made).to_dataframe().reset_index())
    long = frame.unpivot(FIELDS, index=["time", "latitude", "longitude"], variable_name="short_name")
    frame.write_csv(tmp_path / "wide.csv")
    long.write_parquet(tmp_path / "long.parquet")
    for path in (tmp_path / "wide.csv", tmp_path / "long.parquet"):
        grid = open_grid(path)
        assert not grid.gridded
        assert grid.shape == (1, 35)
        cell = np.flatnonzero(np.isclose(grid.latitude, made.latitude[3])
                              & np.isclose(grid.longitude, made.longitude[4]))
        np.testing.assert_allclose(grid.layers["tp"].read(0, ALL)[:, 0, cell[0]], made.truth["tp"][:, 3, 4], rtol=1e-12)


def test_one_file_a_site_joins_to_points_whatever_each_holds(made, tmp_path):
    ds = W.daily(made)
    paths = []
    for row, column in ((0, 0), (4, 6)):
        point = ds.isel(latitude=row, longitude=column).rename(time="valid_time")
        for group in (["t2m"], ["tp", "swvl1"]):
            paths.append(tmp_path / f"{row}-{group[0]}.nc")
            point[group].to_netcdf(paths[-1], engine="h5netcdf")
    grid = open_grid(paths)
    assert (grid.gridded, grid.longitude.size) == (False, 2)
    np.testing.assert_array_equal(grid.layers["swvl1"].read(0, ALL)[:, 0], made.truth["swvl1"][:, [0, 4], [0, 6]])


def test_files_of_other_areas_and_steps_become_grids_of_their_own(made, tmp_path):
    other = W.world(("t2m",), rows=2, columns=2, north=10.0, years=(2015, 2015))
    months = W.monthly(made, ["t2m"])
    for name, ds in (("a", W.daily(made)), ("b", W.daily(other)), ("c", months)):
        ds.to_netcdf(tmp_path / f"{name}.nc", engine="h5netcdf")
    statics = xr.Dataset({"lsm": (("latitude", "longitude"), (~made.sea).astype(float), {"units": "(0 - 1)"})},
                         coords={"latitude": made.latitude, "longitude": made.longitude})
    statics.to_netcdf(tmp_path / "d.nc", engine="h5netcdf")
    grids = open_grids([tmp_path / f"{name}.nc" for name in "abcd"])
    assert sorted((grid.shape, grid.layers["t2m"].step) for grid in grids) == [
        ((2, 2), "daily"), ((5, 7), "daily"), ((5, 7), "monthly")]
    assert ["lsm" in grid.statics for grid in grids if grid.shape == (5, 7)] == [True, True]


def test_kelvin_and_celsius_percent_and_fraction_are_the_same(made):
    ds = W.daily(made)[["t2m"]]
    warm = (ds - 273.15).assign(t2m=lambda d: d["t2m"].assign_attrs(units="degC"))
    one, other = (reduce(grid_of([(d, "a")])).dataset["air_temperature"].values for d in (ds, warm))
    np.testing.assert_allclose(one, other, atol=1e-9)


# faults

def test_the_same_stamps_twice_are_refused(made, tmp_path):
    W.daily(made).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(DataError, match="2015-01-01.* occurs twice"):
        open_grid([tmp_path / "a.nc"] * 2)


def test_files_of_other_cells_are_not_joined(made):
    other = W.turned(W.daily(made)).assign_coords(latitude=made.latitude + 1)
    with pytest.raises(DataError, match="b: has other cells than a"):
        grid_of([(W.daily(made), "a"), (other, "b")])


def test_a_single_time_has_no_step(made):
    with pytest.raises(AmbiguousFile, match="single time"):
        grid_of([(W.daily(made).isel(time=[0]), "a")])


def test_monthly_means_by_hour_of_the_day_are_named(made):
    hours = xr.concat([W.monthly(made, ["t2m"], hour=hour) for hour in (0, 6, 12, 18)], dim="time").sortby("time")
    with pytest.raises(DataError, match="monthly_averaged_reanalysis"):
        reduce(grid_of([(hours, "a")], dataset="reanalysis-era5-land-monthly-means"))


def test_names_of_dimensions_in_capitals_are_the_same(made):
    grid = grid_of([(W.daily(made, ["t2m"]).rename(time="Time", latitude="Lat", longitude="LONGITUDE"), "a")])
    assert grid.layers["t2m"].step == "daily"


def test_chunks_are_known_under_the_names_of_the_file(made, tmp_path):
    """valid_time, lat, lon: a chunk taken for the whole time would read decades at once."""
    ds = W.hourly(made, ["t2m"]).isel(valid_time=slice(0, 96)).rename(latitude="lat", longitude="lon")
    ds.to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False, encoding={"t2m": {"chunks": (24, 2, 3)}})
    assert chunk_shape(open_grid(tmp_path / "a.zarr").layers["t2m"].pieces[0].array) == (24, 2, 3)


def test_odd_steps_are_refused(made):
    with pytest.raises(DataError, match="72 hours apart"):
        grid_of([(W.daily(made).isel(time=slice(0, None, 3)), "a")])


@pytest.mark.parametrize("content, words", [
    (b"<html>error</html>", "neither NetCDF, GRIB"), (b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "damaged or cut off"),
    (b"PK\x03\x04" + b"\0" * 30, "not a whole zip"), (b"GRIB" + b"\0" * 60, "damaged or cut off|no field")])
def test_damaged_files_are_named(tmp_path, content, words):
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(FileError, match=words):
        open_grid(path)


def test_a_cut_netcdf_is_refused(made, tmp_path):
    W.daily(made).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    whole = (tmp_path / "a.nc").read_bytes()
    (tmp_path / "a.nc").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match="damaged or cut off"):
        open_grid(tmp_path / "a.nc")


def test_missing_files_empty_folders_and_foreign_variables_are_named(made, tmp_path):
    with pytest.raises(FileError, match="no such file"):
        open_grid(tmp_path / "none.nc")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match="no Zarr store"):
        open_grid(tmp_path / "folder")
    with pytest.raises(FileError, match="no field of ERA5-Land among depth"):
        grid_of([(W.daily(made)[["t2m"]].rename(t2m="depth"), "a.nc")])
    renamed = grid_of([(W.daily(made)[["t2m"]].rename(t2m="depth"), "a.nc")], names={"depth": "t2m"})
    assert set(renamed.layers) == {"t2m"}
    with pytest.raises(UsageError, match="no files given"):
        open_grid([])


def test_tables_without_their_columns_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("lat,lon,t2m\n1,2,3\n")
    with pytest.raises(FileError, match="no column 'time'"):
        open_grid(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("lat,lon,time,short_name,value\n" + "1,2,2015-01-01,t2m,270\n" * 2)
    with pytest.raises(DataError, match="more than one value"):
        open_grid(tmp_path / "b.csv")


# real files

@pytest.mark.realdata
def test_real_grib_keeps_all_soil_layers(real):
    import eccodes

    from talik.era5land.grids import _plain
    from talik.era5land.sources import datasets_of

    path = real / "era5" / "cfgrib_soil-surface-level-mix.grib"

    messages = {}
    with path.open("rb") as stream:
        while (message := eccodes.codes_grib_new_from_file(stream)) is not None:
            messages[eccodes.codes_get(message, "shortName")] = eccodes.codes_get_values(message).reshape(6, 6)
            eccodes.codes_release(message)
    found = {name: array.values for ds in datasets_of(path) for name, array in _plain(ds, "a").data_vars.items()}
    for name, expected in messages.items():
        np.testing.assert_allclose(np.squeeze(found["t2m" if name == "2t" else name]), expected, rtol=1e-6)
    assert {"swvl1", "swvl2", "swvl3", "swvl4", "t2m"} <= set(found)


@pytest.mark.realdata
def test_a_real_monthly_grid_gives_what_xarray_gives(real):
    paths = [real / "era5" / f"oggm_sel_era5_land_monthly_{name}_1981-2018.nc" for name in ("t2m", "prcp")]
    grid = open_grid(paths, dataset="reanalysis-era5-land-monthly-means")
    found = reduce(grid, years=(1991, 2010)).dataset
    with xr.open_dataset(paths[0]) as t2m, xr.open_dataset(paths[1]) as tp:
        span = slice("1991", "2010")
        warm, wet = t2m["t2m"].sel(time=span), tp["tp"].sel(time=span)
        days = warm["time"].dt.days_in_month
        expected = warm.weighted(days).mean("time") - 273.15
        np.testing.assert_allclose(found["air_temperature"].values, expected, atol=1e-6)
        np.testing.assert_allclose(found["precipitation"].values, (wet * days).sum("time") / 20 * 1000, rtol=1e-9)
    assert set(np.unique(found["tdd_air_reason"])) == {3}        # monthly means do not give degree-days


@pytest.mark.realdata
def test_a_real_table_of_points_gives_what_polars_gives(real):
    path = real / "era5" / "ERA5_data_cache.parquet"
    names = {"Tair": "t2m", "VWC_lev1": "swvl1", "Precip": "tp", "LAI_high": "lai_hv"}
    grid = open_grid(path, names=names)
    assert grid.shape == (1, 1625)
    frame = pl.read_parquet(path).filter(pl.col("short_name").is_in(list(names)))
    layer = grid.layers["t2m"]
    mine = layer.read(0, ALL)[:, 0]
    theirs = (frame.filter(short_name="Tair").group_by("Latitude", "Longitude")
              .agg(pl.col("value").sum(), n=pl.col("value").count()))
    joined = pl.DataFrame({"Latitude": grid.latitude, "Longitude": grid.longitude, "mine": np.nansum(mine, axis=0),
                           "count": (~np.isnan(mine)).sum(axis=0)}).join(theirs, on=["Latitude", "Longitude"])
    assert joined.height == 1625
    assert (joined["mine"] - joined["value"]).abs().max() < 1e-6
    assert (joined["count"] == joined["n"]).all()


@pytest.mark.realdata
def test_the_real_land_mask_is_a_static_field(real):
    grid = open_grid(real / "era5" / "ecmwf_models_landmask_0.1.nc")
    assert grid.shape == (1801, 3600)
    assert not grid.layers
    assert 0.2 < np.nanmean(grid.statics["lsm"]) < 0.4


def test_an_empty_file_another_calendar_and_a_table_without_fields_are_named(tmp_path):
    (tmp_path / "empty.nc").write_bytes(b"")
    with pytest.raises(FileError, match=r"empty\.nc: is empty\. Fetch it again"):
        open_grid(tmp_path / "empty.nc")
    times = xr.date_range("2014-01-01", periods=24, freq="MS", calendar="360_day", use_cftime=True)
    coords = {"time": times, "latitude": [70.0], "longitude": [10.0]}
    model = xr.Dataset({"t2m": (("time", "latitude", "longitude"), np.full((24, 1, 1), 260.0))}, coords)
    with pytest.raises(DataError, match="stamps of the kind 360_day"):
        grid_of([(model, "model.nc")])
    (tmp_path / "a.csv").write_text("latitude,longitude,time,short_name,value\n70,10,2014-01-01,Tair,260\n")
    with pytest.raises(FileError, match="no field of ERA5-Land among Tair"):
        open_grid(tmp_path / "a.csv")
