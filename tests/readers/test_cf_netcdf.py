"""CF netCDF, classic and netCDF-4: scale, units, flags, stations; nothing leads out of the file."""

from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pytest
from scipy.io import netcdf_file

import talik
from talik.errors import FileError
from talik.records import Flag


def classic(path: Path, *, units="days since 2000-01-01 00:00:00 +03:00", calendar="standard") -> Path:
    """Two stations of packed kelvin, depths as heights in cm, a flag variable, air at 2 m."""
    with netcdf_file(path, "w") as file:
        for name, size in (("time", 5), ("station", 2), ("depth", 3), ("strlen", 8)):
            file.createDimension(name, size)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.standard_name, time.calendar = units, "time", calendar
        time[:] = np.arange(5) / 24
        depth = file.createVariable("depth", "f4", ("depth",))
        depth.units, depth.positive, depth.axis = "cm", "up", "Z"
        depth[:] = [-5, -10, -50]
        name = file.createVariable("station_name", "c", ("station", "strlen"))
        name.cf_role = "timeseries_id"
        name[:] = np.array([list("Alpha   "), list("Beta    ")], "S1")
        latitude = file.createVariable("lat", "f4", ("station",))
        latitude.standard_name = "latitude"
        latitude[:] = [60, 61]
        soil = file.createVariable("T", "i2", ("station", "time", "depth"))
        soil.standard_name, soil.units, soil.scale_factor, soil.add_offset = "soil_temperature", "K", 0.01, 273.15
        soil._FillValue, soil.ancillary_variables = np.int16(-32768), "T_qc"
        soil[:] = np.arange(30).reshape(2, 5, 3) * 10 - 100
        soil[0, 0, 0] = -32768
        flag = file.createVariable("T_qc", "b", ("station", "time", "depth"))
        flag.flag_values, flag.flag_meanings = np.array([0, 1, 2], "i1"), "good unknown bad"
        flag[:] = 0
        flag[1, 1, 1:] = [2, 1]
        air = file.createVariable("ta", "f4", ("time", "station"))
        air.standard_name, air.units, air.coordinates = "air_temperature", "degC", "height"
        air[:] = np.arange(10).reshape(5, 2) - 5
        height = file.createVariable("height", "f4", ())
        height.units, height.standard_name = "m", "height"
        height.data[...] = 2.0
    return path


def profile(path: Path, **changes) -> Path:
    """What the field's own writers make: time x depth, float32, seconds since 1900, a text variable for the name."""
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"time": 3, "depth": 2}
        file.attrs.update(featureType="timeSeriesProfile", title="A borehole")
        time = file.create_variable("time", ("time",), "u8")
        time[:] = 3637969200 + 3600 * np.arange(3, dtype="u8")
        time.attrs.update(units="seconds since 1900-01-01", calendar="gregorian", axis="T", standard_name="time")
        depth = file.create_variable("depth", ("depth",), "f4")
        depth[:] = [0.05, 0.1]
        depth.attrs.update(units="m", axis="Z", positive="down", standard_name="depth")
        soil = file.create_variable("ground_temperature", ("time", "depth"), "f4", **changes)
        soil[:] = [[-3.5, np.nan], [9.96921e36, -2.25], [-999, -2.0]]
        soil.attrs.update(units="degree_C", standard_name="temperature_in_ground", missing_value=np.float32(9.96921e36))
    return path


def test_classic_netcdf_with_stations_scale_flags_and_heights(tmp_path):
    alpha, beta = talik.read(classic(tmp_path / "a.nc"))
    assert (alpha.site, beta.site) == ("Alpha", "Beta")
    assert (alpha.metadata["latitude"], beta.metadata["latitude"]) == (60, 61)
    assert alpha.depths.tolist() == [-2, 0.05, 0.1, 0.5]
    assert str(alpha.times[1])[:16] == "1999-12-31T22:00"
    np.testing.assert_allclose(alpha.values[1], [-3, -0.7, -0.6, -0.5], atol=1e-4)
    assert np.isnan(alpha.values[0, 1])
    assert alpha.flags[0, 1] == Flag.MISSING
    np.testing.assert_allclose(beta.values[1], [-2, 0.8, 0.9, 1.0], atol=1e-4)
    assert beta.flags[1].tolist() == [0, 0, Flag.SOURCE, 0], "unknown is not bad"
    assert alpha.labels[0] == "ta"


def test_what_the_fields_writers_make(tmp_path):
    [record] = talik.read(profile(tmp_path / "a.nc"))
    assert (record.site, record.source.format) == ("A borehole", "netcdf")
    assert record.depths.tolist() == [0.05, 0.1]
    assert str(record.times[0])[:16] == "2015-04-14T03:00"
    assert record.flags.tolist() == [[0, Flag.MISSING], [Flag.MISSING, 0], [Flag.SENTINEL, 0]]
    np.testing.assert_array_equal(record.values, [[-3.5, np.nan], [np.nan, -2.25], [np.nan, -2.0]])


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"units": "fortnights since 2000-01-01"}, "expected such as 'days since 1970-01-01'"),
        ({"units": "days since 2000-01-01 00:00 Moon"}, "'Moon' is no offset from UTC"),
        ({"calendar": "noleap"}, "has the calendar 'noleap'"),
    ],
)
def test_time_that_is_not_understood_is_refused(tmp_path, changes, words):
    with pytest.raises(FileError, match=words):
        talik.read(classic(tmp_path / "a.nc", **changes))


def test_truncated_files_are_refused(tmp_path):
    for make in (classic, profile):
        content = make(tmp_path / "whole.nc").read_bytes()
        for share in (0.1, 0.3, 0.6, 0.9, 0.99):
            path = tmp_path / "cut.nc"
            path.write_bytes(content[: int(share * len(content))])
            with pytest.raises(FileError, match=r"cut.nc"):
                talik.read(path)


def test_names_that_mean_an_address_are_refused(tmp_path):
    path = profile(tmp_path / "a.nc")
    odd = path.rename(tmp_path / "a.nc#mode=bytes")
    with pytest.raises(FileError, match="can mean remote addresses"):
        talik.read(odd)
    with pytest.raises(FileError, match="cannot be read"):
        talik.read("http://example.org/a.nc")


def test_links_out_of_the_file_are_refused(tmp_path):
    secret = profile(tmp_path / "secret.nc")
    path = profile(tmp_path / "a.nc")
    with h5py.File(path, "a") as file:
        file["leak"] = h5py.ExternalLink(str(secret), "/ground_temperature")
    with pytest.raises(FileError, match="'leak' links to another file"):
        talik.read(path)
    path = profile(tmp_path / "b.nc")
    with h5py.File(path, "a") as file:
        layout = h5py.VirtualLayout((3,), "f4")
        layout[:] = h5py.VirtualSource(str(secret), "time", (3,))
        file.create_virtual_dataset("leak", layout)
    with pytest.raises(FileError, match="'leak' keeps its values in another file"):
        talik.read(path)


def test_a_swollen_variable_is_refused(tmp_path):
    path = profile(tmp_path / "a.nc")
    with h5py.File(path, "a") as file:
        big = file.create_dataset("big", (40_000, 40_000), "f8", chunks=(1000, 1000), compression="gzip")
        big[0, :1000] = 1
    with pytest.raises(FileError, match="refused as a bomb"):
        talik.read(path)


def test_no_temperatures_no_records(tmp_path):
    path = tmp_path / "a.nc"
    with netcdf_file(path, "w") as file:
        file.createDimension("time", 2)
        time = file.createVariable("time", "f8", ("time",))
        time.units = "days since 2000-01-01"
        time[:] = [0, 1]
        rain = file.createVariable("rain", "f8", ("time",))
        rain.units = "mm"
        rain[:] = [0, 1]
    with pytest.raises(FileError, match="no variable along 'time' has a standard name"):
        talik.read(path)
