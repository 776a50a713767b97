"""Every form that is written is read back the same by `talik.read`; netCDF passes the compliance checker."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import talik
from talik.errors import DataError, UnknownName
from talik.files import sha256
from talik.records import Flag, Record, Source
from talik.store.export import export, exported

FORMS = ("csv", "parquet", "gtnp", "netcdf", "frictionless")


def record(*, depths=(-2.0, 0.05, 0.5, 2.0), n=200, seed=0, step=60, site="Barrow AWS", **more):
    rng = np.random.default_rng(seed)
    times = np.datetime64("2019-09-01T00:00", "us") + np.arange(n) * np.timedelta64(step, "m")
    values = np.round(rng.normal(-5, 4, (n, len(depths))), 3)
    values[rng.random(values.shape) < 0.05] = np.nan
    place = {"latitude": 71.3, "longitude": -156.6, "elevation_m": 8.0, "citation": "A. Nobody (2020)"}
    return Record(site, times, depths, values, source=Source("a/b.csv", "generic", "0" * 64, time_zone="UTC-09:00"),
                  metadata={**place, **more})


def back(written):
    data = [path for path in written if path.suffix != ".json"]
    [found] = [r for path in data for r in talik.read(path)]
    return found


@pytest.mark.parametrize("form", FORMS)
def test_round_trip(form, tmp_path):
    right = record()
    found = back(export([right], form, tmp_path))
    np.testing.assert_array_equal(found.times, right.times)
    np.testing.assert_array_equal(found.depths, right.depths)
    np.testing.assert_array_equal(found.values, right.values)
    if form in ("gtnp", "netcdf"):
        assert found.site == right.site
        assert {k: found.metadata[k] for k in ("latitude", "longitude", "elevation_m")} == {
            "latitude": 71.3, "longitude": -156.6, "elevation_m": 8.0}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), step=st.sampled_from([1, 10, 60, 180, 1440]), n=st.integers(30, 90),
       depths=st.lists(st.integers(1, 4000).map(lambda cm: cm / 100), min_size=1, max_size=6, unique=True).map(sorted))
def test_round_trip_of_any_string(form, tmp_path, seed, step, n, depths):
    right = record(depths=depths, n=n, seed=seed, step=step)
    found = back(export([right], form, tmp_path / f"{seed}-{step}-{n}-{len(depths)}"))
    np.testing.assert_array_equal(found.times, right.times)
    np.testing.assert_array_equal(found.depths, right.depths)
    np.testing.assert_array_equal(found.values, right.values)


def test_rejected_values_stay_rejected(tmp_path):
    right = record()
    flags = right.flags.copy()
    flags[5, 1] |= Flag.SPIKE
    right = right.with_flags(flags, note="checked")
    for form in FORMS:
        found = back(export([right], form, tmp_path / form))
        assert np.isnan(found.accepted().values[5, 1])
        if form in ("gtnp", "netcdf"):
            assert found.values[5, 1] == right.values[5, 1]
        np.testing.assert_array_equal(np.isnan(found.accepted().values), np.isnan(right.accepted().values))


def test_a_plain_reader_averages_no_missing_and_no_rejected_value(tmp_path):
    right = record()
    flags = right.flags.copy()
    flags[5, 1], flags[6, 1] = Flag.SOURCE | Flag.DRIFT, Flag.DRIFT
    right = right.with_flags(flags, note="checked")
    [table, package] = export([right], "frictionless", tmp_path)
    frame = pl.read_csv(table)
    assert frame["0.05_m"].mean() == pytest.approx(np.nanmean(right.accepted().values[:, 1]))
    assert frame["0.05_m_flag"][4:8].to_list() == [None, "drift source", "drift", None]
    assert frame["site"].unique().to_list() == ["Barrow AWS"]
    assert "0.5_m_flag" not in frame.columns
    told = {field["name"]: field for field in json.loads(package.read_text())["resources"][0]["schema"]["fields"]}
    assert "blank: missing, sentinel" in told["0.05_m_flag"]["description"]
    [long, _] = export([right], "gtnp", tmp_path / "gtnp")
    frame = pl.read_csv(long)
    assert frame["temperature"].mean() == pytest.approx(np.nanmean(right.values))
    assert frame.filter(pl.col("temperature").is_null())["flag"].unique().to_list() == ["no data entry"]
    assert frame.filter(flag="bad").height == 1


@pytest.mark.parametrize(("zone", "found_in", "minutes", "said"), [
    ("UTC", "assumed", None, "assumed UTC"), ("UTC-09:00", "header", "-09:00", "the source (header)"),
    ("America/Anchorage", "argument", "+00:00", "stamps of America/Anchorage as UTC"),
    ("UTC", "format", "+00:00", "the source (format)")])
def test_gtnp_keeps_the_zone_of_the_source_or_says_that_it_is_none(tmp_path, zone, found_in, minutes, said):
    right = replace(record(depths=(-2.0, 0.5)), source=Source("a.csv", "generic", "0" * 64, "", zone, found_in))
    [table, about] = export([right], "gtnp", tmp_path)
    [told] = json.loads(about.read_text())
    assert told["borehole"]["timezone"] == minutes
    assert told["borehole"]["timezone_from"].startswith(said)
    assert told["variable"] == "Ground and Air Temperature"
    frame = pl.read_csv(table)
    assert frame.columns == ["id", "date", "depth", "temperature", "flag", "dataset_id"]
    assert frame["date"][0] == ("2019-08-31 15:00:00" if minutes == "-09:00" else "2019-09-01 00:00:00")
    found = back([table])
    np.testing.assert_array_equal(found.times, right.times)
    np.testing.assert_array_equal(found.values, right.values)
    assert (found.source.time_zone_from == "assumed") == (found_in == "assumed")


def test_a_label_in_fahrenheit_does_not_turn_celsius_into_it(tmp_path):
    right = replace(record(depths=(np.nan, 0.5)), labels=("Temp, °F", "deep"))
    np.testing.assert_array_equal(back(export([right], "csv", tmp_path)).values, right.values)


def test_gtnp_dates_stay_dates_in_the_zone_of_the_borehole(tmp_path):
    right = record(depths=(0.5,), step=1440, time_zone="+03:00")
    right = replace(right, source=replace(right.source, time_zone="UTC", time_zone_from="format"))
    [table, about] = export([right], "gtnp", tmp_path)
    [told] = json.loads(about.read_text())
    assert (told["borehole"]["timezone"], pl.read_csv(table)["date"][0]) == ("+03:00", "2019-09-01")
    np.testing.assert_array_equal(back([table]).times, right.times)


def test_a_column_of_unknown_depth_is_kept_in_csv_and_left_out_by_name_elsewhere(tmp_path):
    labels = ("CH1 Air", "CH2 0.05 m", "CH3 0.5 m")
    right = replace(record(depths=(np.nan, 0.05, 0.5)), labels=labels)
    found = back(export([right], "csv", tmp_path / "csv"))
    np.testing.assert_array_equal(found.depths, right.depths)
    np.testing.assert_array_equal(found.values, right.values)
    for form in ("gtnp", "netcdf"):
        *written, (none, said) = exported([right], form, tmp_path / form)
        assert none is None
        assert said.startswith(f"Barrow AWS: 'CH1 Air' is left out of the {form}, the depth is unknown")
        np.testing.assert_array_equal(back([path for path, _ in written]).depths, [0.05, 0.5])


def test_sensors_that_share_a_depth_are_no_one_sensor_in_gtnp(tmp_path):
    right = record(depths=(0.5, 0.5, 1.0))
    [(none, said)] = exported([right], "gtnp", tmp_path)
    assert (none, said) == (None, "Barrow AWS: 2 sensors at 0.5 m, and GTN-P's table tells sensors by depth alone. "
                                  "Write csv or netcdf")
    for form in ("csv", "parquet", "netcdf", "frictionless") * 2:
        found = back(export([right], form, tmp_path / form / str(right.depths.size)))
        np.testing.assert_array_equal(found.depths, right.depths)
        np.testing.assert_array_equal(found.values, right.values)
        right = record(depths=(-2.0, -2.0)) if form == "frictionless" else right


@pytest.mark.parametrize("site", ["Ёлка a/b\\c <img src=\"x\">, 'y'", "@SUM(1)"])
@pytest.mark.parametrize("form", FORMS)
def test_hard_names_of_sites(form, site, tmp_path):
    right = record(site=site, depths=(0.05, 0.123456789), n=40)
    found = back(export([right], form, tmp_path))
    np.testing.assert_array_equal(found.values, right.values)
    np.testing.assert_allclose(found.depths, right.depths, rtol=1e-9 if form != "netcdf" else 1e-5)
    harmless = f"'{site}" if site[0] in "=+-@" and form not in ("parquet", "netcdf") else site
    assert found.site.strip() == (harmless if form != "gtnp" else site).strip()


@pytest.mark.parametrize("form", FORMS)
def test_one_stamp_and_nothing_accepted(form, tmp_path):
    for right in (record(n=1), record(n=30).with_flags(np.full((30, 4), int(Flag.STEP)), note="checked")):
        found = back(export([right], form, tmp_path / str(right.times.size)))
        np.testing.assert_array_equal(found.times, right.times)
        np.testing.assert_array_equal(found.depths, right.depths)
        np.testing.assert_array_equal(found.accepted().values, right.accepted().values)


def test_netcdf_of_stamps_that_step_back_and_replicate_depths(tmp_path):
    ordered = record(depths=(0.5, 0.5, 1.0))
    times = ordered.times.copy()
    times[[3, 4]] = times[[4, 3]]
    times[10] = times[9]
    jumbled = Record("Twice", times, ordered.depths, ordered.values, source=ordered.source, metadata=ordered.metadata)
    found = back(export([jumbled], "netcdf", tmp_path))
    np.testing.assert_array_equal(found.times, times)
    np.testing.assert_array_equal(found.depths, jumbled.depths)
    np.testing.assert_array_equal(found.values, jumbled.values)


@pytest.mark.parametrize("depths", [(-2.0, 0.05, 0.5), (0.5, 0.5)])
def test_the_compliance_checker_finds_no_error(tmp_path, depths):
    [path] = export([record(depths=depths)], "netcdf", tmp_path)
    checker = Path(sys.executable).with_name("compliance-checker")
    suites = ("-t", "cf:1.11", "-t", "cf:1.8", "-t", "acdd:1.3")
    subprocess.run([checker, *suites, "-f", "json", "-o", tmp_path / "report.json", path],
                   capture_output=True, timeout=300)
    report = json.loads((tmp_path / "report.json").read_text())
    assert [miss for suite in ("cf:1.11", "cf:1.8", "acdd:1.3") for miss in lacking(report, suite, "high")] == []
    # replicates share a depth, so their dimension is no vertical one, which CF recommends but does not ask for
    assert len(lacking(report, "cf:1.11", "medium")) == (len(set(depths)) < len(depths))


def lacking(report, suite, priority):
    """What the checker misses."""
    return [one["msgs"] for one in report[suite][f"{priority}_priorities"] if one["value"][0] < one["value"][1]]


@pytest.mark.parametrize(("depths", "title", "where"), [
    ((0.5,), "Ground temperatures", "1 sensor, 0.5 m deep"), ((-2.0,), "Air temperatures", "1 sensor, 2 m above"),
    ((-2.0, 0.0, 1.0), "Ground and air temperatures", "3 sensors, 0 to 1 m deep and 2 m above the ground")])
def test_title_and_summary_say_what_there_is(tmp_path, depths, title, where):
    import h5netcdf

    [path] = export([record(depths=depths, n=30)], "netcdf", tmp_path)
    with h5netcdf.File(path) as file:
        assert file.attrs["title"] == f"{title} at Barrow AWS"
        assert f"Temperatures of {where}" in file.attrs["summary"]


def test_netcdf_has_checksums_and_nan_fill(tmp_path):
    import h5netcdf

    [path] = export([record()], "netcdf", tmp_path)
    with h5netcdf.File(path) as file:
        for name in ("ground_temperature", "air_temperature", "time", "depth"):
            assert file[name]._h5ds.fletcher32
        assert np.isnan(file["ground_temperature"]._h5ds.fillvalue)
        assert file.attrs["Conventions"] == "CF-1.11, ACDD-1.3"


def test_a_data_package_describes_its_files(tmp_path):
    written = export([record(), record(site="barrow aws", seed=1)], "frictionless", tmp_path)
    about = json.loads((tmp_path / "datapackage.json").read_text())
    assert [r["path"] for r in about["resources"]] == ["Barrow_AWS.csv", "barrow_aws_2.csv"]
    assert len({r["name"] for r in about["resources"]}) == 2
    for one, path in zip(about["resources"], written, strict=False):
        assert one["bytes"] == path.stat().st_size
        assert one["hash"] == f"sha256:{sha256(path)}"
        header = path.read_text().splitlines()[0].split(",")
        assert [f["name"] for f in one["schema"]["fields"]] == header
        assert [f["depth_m"] for f in one["schema"]["fields"][2:]] == [-2.0, 0.05, 0.5, 2.0]
        assert one["schema"]["fields"][0]["description"] == "UTC; assumed, the source names no time zone"


def test_names_of_sites_are_never_paths(tmp_path):
    for form in FORMS:
        for path in export([record(site="../../etc/=cmd|' /C calc'!A0"), record(site="...")], form, tmp_path / form):
            assert path.parent == tmp_path / form


def test_unknown_depth_place_or_form(tmp_path):
    unknown = Record("X", np.array(["2020-01-01"], "M8[us]"), [np.nan], [[1.0]], labels=("T1",))
    for form in ("gtnp", "netcdf"):
        with pytest.raises(DataError, match=f"X: the depth of 'T1' is unknown, and {form} is by depth"):
            export([unknown], form, tmp_path)
    with pytest.raises(DataError, match="Barrow AWS: latitude and longitude are unknown"):
        export([record(latitude=None)], "netcdf", tmp_path)
    with pytest.raises(UnknownName, match="unknown form 'netcfd'. Did you mean 'netcdf'"):
        export([record()], "netcfd", tmp_path)
    assert list(tmp_path.iterdir()) == []
