"""CF netCDF, classic and netCDF-4: scale, units, flags, stations; nothing leads out of the file."""

from dataclasses import replace
from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pytest
from scipy.io import netcdf_file

import talik
from talik.errors import FileError
from talik.records import Flag
from talik.series.days import days_of
from talik.store.export import export


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


# arrays that are no rectangle

TIME = {"units": "days since 2020-01-01", "standard_name": "time"}
SOIL = {"units": "degC", "standard_name": "soil_temperature"}
DEEP = {"units": "m", "positive": "down", "axis": "Z", "standard_name": "depth"}
NAMES = ("station", np.array(["A", "B"], object), {"cf_role": "timeseries_id"})
VALUES = [-1.0, -3.0, -2.0, -4.0, -5.0]


def written(tmp_path, **variables):
    import xarray as xr

    path = tmp_path / "a.nc"
    xr.Dataset(variables).to_netcdf(path, engine="h5netcdf")
    return path


@pytest.fixture(params=["contiguous", "indexed", "incomplete"])
def two_stations(request, tmp_path):
    """Station A at 0.1 m with two days, station B at 0.5 m with three, in each of CF's ways."""
    shared = {"name": NAMES, "z": ("station", [0.1, 0.5], DEEP)}
    if request.param == "incomplete":
        return written(tmp_path, **shared, time=(("station", "obs"), [[0, 1, np.nan], [0, 1, 2.0]], TIME),
                       ts=(("station", "obs"), [[-1, -2, np.nan], [-3.0, -4, -5]], SOIL))
    if request.param == "indexed":
        link = ("obs", np.array([0, 1, 0, 1, 1]), {"instance_dimension": "station"})
        return written(tmp_path, **shared, link=link, time=("obs", [0.0, 0, 1, 1, 2], TIME), ts=("obs", VALUES, SOIL))
    link = ("station", np.array([2, 3]), {"sample_dimension": "obs"})
    return written(tmp_path, **shared, link=link, time=("obs", [0.0, 1, 0, 1, 2], TIME),
                   ts=("obs", [-1.0, -2, -3, -4, -5], SOIL))


def test_ragged_and_incomplete_stations(two_stations):
    a, b = talik.read(two_stations)
    assert (a.site, a.depths.tolist(), a.values[:, 0].tolist()) == ("A", [0.1], [-1, -2])
    assert (b.site, b.depths.tolist(), b.values[:, 0].tolist()) == ("B", [0.5], [-3, -4, -5])
    assert str(b.times[2])[:10] == "2020-01-03"


def test_profiles_of_stations_two_links_deep(tmp_path):
    a, b = talik.read(written(
        tmp_path, name=NAMES, link=("profile", np.array([0, 1, 0]), {"instance_dimension": "station"}),
        size=("profile", np.array([2, 1, 2]), {"sample_dimension": "obs"}), time=("profile", [0.0, 0, 1], TIME),
        z=("obs", [0.1, 0.5, 0.2, 0.1, 0.5], DEEP), ts=("obs", [-1.0, -2, -3, -4, -5], SOIL)))
    assert (a.depths.tolist(), a.values.tolist()) == ([0.1, 0.5], [[-1, -2], [-4, -5]])
    assert (b.depths.tolist(), b.values.tolist()) == ([0.2], [[-3]])


def test_depths_that_move_and_two_temperatures_of_one_depth(tmp_path):
    level = ("time", "k"), [[0.1, 0.5], [0.1, 0.52]], DEEP
    [moving] = talik.read(written(tmp_path, time=("time", [0.0, 1], TIME), depth=level,
                                  ts=(("time", "k"), [[-1.0, -2], [-3, -4]], SOIL)))
    assert moving.depths.tolist() == [0.1, 0.5, 0.52]
    np.testing.assert_array_equal(moving.values, [[-1, -2, np.nan], [-3, np.nan, -4]])
    link = ("obs", np.array([0, 1, 0, 1, 1]), {"instance_dimension": "station"})
    air = {"units": "K", "standard_name": "air_temperature"}
    a, _ = talik.read(written(tmp_path, name=NAMES, link=link, time=("obs", [0.0, 0, 1, 1, 2], TIME),
                              ts=("obs", VALUES, SOIL), ta=("obs", np.array(VALUES) + 273.15, air)))
    assert a.labels == ("ta", "ts")
    np.testing.assert_allclose(a.values, [[-1, -1], [-2, -2]], atol=1e-9)


def test_packed_numbers_are_no_fill_values(tmp_path):
    import xarray as xr

    path = tmp_path / "a.nc"
    frame = xr.Dataset({"time": ("time", np.arange(4.0), TIME), "ts": ("time", [9.99, -9.99, 60.0, np.nan],
                        {**SOIL, "valid_range": np.array([-5000, 5000], "i2")})})
    packed = {"dtype": "i2", "scale_factor": 0.01, "_FillValue": -32768}
    frame.to_netcdf(path, engine="h5netcdf", encoding={"ts": packed})
    [record] = talik.read(path)
    np.testing.assert_allclose(record.values[:, 0], [9.99, -9.99, np.nan, np.nan])
    assert record.flags[:, 0].tolist() == [0, 0, Flag.MISSING, Flag.MISSING]


@pytest.mark.parametrize(("level", "depths"), [
    (([-0.1, -0.5], {"units": "m"}), [0.1, 0.5]),
    (([2.0, -0.1], {"units": "m", "positive": "up"}), [-2, 0.1]),
    (([10.0, 50.0], {}), [np.nan, np.nan]),
])
def test_the_vertical_coordinate(tmp_path, level, depths):
    [record] = talik.read(written(tmp_path, time=("time", [0.0, 1], TIME), depth=("depth", *level),
                                  ts=(("time", "depth"), [[-1.0, -2], [-3, -4]], SOIL)))
    np.testing.assert_array_equal(record.depths, depths)


@pytest.mark.parametrize(("variables", "message"), [
    ({"ts": ("time", [271.0, 272], {"standard_name": "soil_temperature"})}, "'ts' has no units and half of its values"),
    ({"ts": (("time", "lat", "lon"), np.zeros((2, 2, 2)), SOIL)}, "dimensions lat, lon besides time"),
    ({"ts": ("obs", [1.0, 2], SOIL)}, "'time' has the dimension 'time', and nothing says how it belongs"),
    ({"size": ("time", np.array([1, 2]), {"sample_dimension": "obs"}), "ts": ("obs", [1.0, 2], SOIL)},
     r"row sizes of 'time' sum to \(3,\), expected \(2,\)"),
    ({"link": ("obs", np.array([0, 7]), {"instance_dimension": "time"}), "ts": ("obs", [1.0, 2], SOIL)},
     "the index 'link' leads beyond the 2 of 'time'"),
])
def test_arrays_that_do_not_fit(tmp_path, variables, message):
    with pytest.raises(FileError, match=message):
        talik.read(written(tmp_path, time=("time", [0.0, 1], TIME), **variables))


def test_extremes_of_days_are_left_out_and_sites_are_called_as_their_dimension_says(tmp_path):
    path = tmp_path / "cities.nc"
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"time": 3, "location": 2}
        time = file.create_variable("time", ("time",), "i8", data=np.arange(3))
        time.attrs.update(units="days since 1990-01-01", standard_name="time")
        names = np.array(["Iqaluit", "Halifax"], object)
        file.create_variable("location", ("location",), h5py.string_dtype(), data=names)
        for name, method in (("tas", "mean"), ("tasmax", "maximum"), ("tasmin", "minimum")):
            values = file.create_variable(name, ("location", "time"), "f4", data=np.full((2, 3), 263.15))
            values.attrs.update(standard_name="air_temperature", units="K", cell_methods=f"time: {method} within days")
    records = talik.read(path)
    assert [(r.site, r.labels) for r in records] == [("Iqaluit", ("tas",)), ("Halifax", ("tas",))]
    assert "variables: tasmax, tasmin left out: no means of air or ground" in records[0].source.understood


@pytest.mark.parametrize("zone", ["UTC-09:00", "America/Yellowknife", "UTC"])
def test_the_days_of_a_record_stay_those_of_its_clock_through_netcdf(tmp_path, zone):
    rows = "\n".join(f"2020-01-{d:02d} {h:02d}:00,{-20 + h}" for d in (1, 2, 3) for h in range(24))
    (tmp_path / "a.csv").write_text(f"time,T_5cm\n{rows}\n")
    [record] = talik.read(tmp_path / "a.csv", timezone=zone)
    placed = replace(record, metadata={**record.metadata, "latitude": 62.0, "longitude": -114.0})
    [again] = talik.read(export([placed], "netcdf", tmp_path)[0])
    assert again.source.time_zone == record.source.time_zone == zone
    np.testing.assert_array_equal(days_of(again).daily.mean, days_of(record).daily.mean)


def columns(path: Path, variables: dict[str, dict[str, object]]) -> Path:
    """Three days of variables along time alone, as a station's writer without CF makes them."""
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"time": 3}
        time = file.create_variable("time", ("time",), "i4")
        time[:] = [0, 1, 2]
        time.attrs["units"] = "days since 2020-01-01"
        for number, (name, attributes) in enumerate(variables.items()):
            variable = file.create_variable(name, ("time",), "f4")
            variable[:] = [number, number + 0.5, number + 1]
            variable.attrs.update(units="degC", **attributes)
    return path


def test_what_is_in_degrees_and_no_temperature_is_left_out_and_said(tmp_path):
    kinds = ("Tsoil_5cm", "Tsoil_5cm_std", "Tsoil_5cm_max", "soil_uncertainty", "dew_point", "panel_temp", "dT")
    named = {"x1": {"long_name": "Maximum soil temperature"}, "x2": {"cell_methods": "time: standard_deviation"}}
    [record] = talik.read(columns(tmp_path / "a.nc", {kind: {} for kind in kinds} | named))
    assert record.labels == ("Tsoil_5cm",)
    assert record.values[:, 0].tolist() == [0, 0.5, 1]
    assert f"variables: {', '.join([*kinds[1:], *named])} left out: no means of air or ground" in (
        record.source.understood
    )


@pytest.mark.parametrize("variables", [
    {"Tsoil_5cm": {}, "Tsoil_1m": {}, "Tair_2m": {}},
    {"t1": {"depth": "5 cm"}, "t2": {"depth": "1 m"}, "Tair": {"depth": "2 m"}},
    {"t1": {"long_name": "Soil temperature at 5 cm depth"}, "t2": {"long_name": "ground, 1 m"},
     "t3": {"long_name": "temperature at 2 m", "standard_name": "air_temperature"}},
])
def test_depths_in_names_and_attributes_of_variables(tmp_path, variables):
    [record] = talik.read(columns(tmp_path / "a.nc", variables))
    assert record.depths.tolist() == [-2, 0.05, 1]
    assert record.values[0].tolist() == [2, 0, 1]


@pytest.mark.parametrize("name, unit, factor", [
    ("depth", "Meters", 1), ("soil_depth", "centimeters", 100), ("lev", "m", 1), ("z", "metres", 1),
    ("layer", "mm", 1000),
])
def test_vertical_coordinates_by_other_names_and_units(tmp_path, name, unit, factor):
    path = tmp_path / "a.nc"
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {"time": 2, name: 2}
        levels = [0.05 * factor, factor]
        for variable, values, units in (("time", [0, 1], "days since 2020-01-01"), (name, levels, unit)):
            file.create_variable(variable, (variable,), "f8")[:] = values
            file.variables[variable].attrs["units"] = units
        soil = file.create_variable("soil_temperature", ("time", name), "f8")
        soil[:] = [[-1, -2], [-3, -4]]
        soil.attrs["units"] = "degC"
    [record] = talik.read(path)
    np.testing.assert_allclose(record.depths, [0.05, 1])
