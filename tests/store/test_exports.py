"""Every form that is written is read back the same by `talik.read`; netCDF passes the compliance checker."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import talik
from talik.errors import DataError, UnknownName
from talik.files import sha256
from talik.records import Flag, Record, Source
from talik.store.export import export

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
    for form in ("gtnp", "netcdf"):
        found = back(export([right], form, tmp_path / form))
        assert np.isnan(found.accepted().values[5, 1])
        assert found.values[5, 1] == right.values[5, 1]
        np.testing.assert_array_equal(np.isnan(found.accepted().values), np.isnan(right.accepted().values))


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
    subprocess.run([checker, "-t", "cf:1.11", "-t", "acdd:1.3", "-f", "json", "-o", tmp_path / "report.json", path],
                   capture_output=True, timeout=300)
    report = json.loads((tmp_path / "report.json").read_text())
    assert [*lacking(report, "cf:1.11", "high"), *lacking(report, "acdd:1.3", "high")] == []
    # replicates share a depth, so their dimension is no vertical one, which CF recommends but does not ask for
    assert len(lacking(report, "cf:1.11", "medium")) == (len(set(depths)) < len(depths))


def lacking(report, suite, priority):
    """What the checker misses."""
    return [one["msgs"] for one in report[suite][f"{priority}_priorities"] if one["value"][0] < one["value"][1]]


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
        assert [f["depth_m"] for f in one["schema"]["fields"][1:]] == [-2.0, 0.05, 0.5, 2.0]


def test_names_of_sites_are_never_paths(tmp_path):
    for form in FORMS:
        for path in export([record(site="../../etc/=cmd|' /C calc'!A0"), record(site="...")], form, tmp_path / form):
            assert path.parent == tmp_path / form


def test_unknown_depth_place_or_form(tmp_path):
    unknown = Record("X", np.array(["2020-01-01"], "M8[us]"), [np.nan], [[1.0]], labels=("T1",))
    with pytest.raises(DataError, match="X: the depth of 'T1' is unknown"):
        export([unknown], "csv", tmp_path)
    with pytest.raises(DataError, match="Barrow AWS: latitude and longitude are unknown"):
        export([record(latitude=None)], "netcdf", tmp_path)
    with pytest.raises(UnknownName, match="unknown form 'netcfd'. Did you mean 'netcdf'"):
        export([record()], "netcfd", tmp_path)
    assert list(tmp_path.iterdir()) == []
