"""`talik read`: says what was understood, goes on after a bad file, writes what reads back the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import talik
from talik.cli.read import read
from talik.errors import DataError, UnknownName
from talik.store.export import export

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def run(*words):
    return CliRunner().invoke(read, [str(word) for word in words])


def test_it_says_what_was_understood():
    done = run(SAMPLES / "hobo_german.csv")
    assert done.exit_code == 0
    for words in (
        "Murtel: 96 times x 2 depths (0.1 to 0.5 m)",
        "format: hobo",
        "dates: day-month-year, proved by",
        "time zone: UTC+01:00 (from the header)",
        "numbers: decimal comma",
        "units: °F",
        "other channels: rF, %",
    ):
        assert words in done.output
    assert "flags: MISSING 9, SOURCE 3" in run(SAMPLES / "gtnp_export.csv").output.replace(
        "MISSING 3, SOURCE 3", "MISSING 9, SOURCE 3"
    )


def test_one_bad_file_does_not_stop_the_rest(tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"\x00\x01")
    done = run(bad, SAMPLES / "permos.csv")
    assert done.exit_code == 3
    assert "talik: bad.csv: no reader claims it" in done.output
    assert "permos: 20 times" in done.output


def test_options_reach_the_reader():
    done = run(SAMPLES / "gtnp_table.csv", "--depths", "0.2,0.6,1.1", "--timezone", "-07:00")
    assert "0.2 to 1.1 m" in done.output
    assert "UTC-07:00 (from the argument)" in done.output
    assert "expected numbers parted by commas" in run(SAMPLES / "gtnp_table.csv", "--depths", "a").output
    assert "expected ROLE=NAME" in run(SAMPLES / "gtnp_table.csv", "--column", "a").output
    assert (
        "columns: time Date/Depth; temperature 0.5"
        in run(SAMPLES / "gtnp_table.csv", "--column", "time=Date/Depth", "--column", "temperature=0.5").output
    )


@pytest.fixture(scope="module")
def samples():
    """The first record of every sample, with a depth for every column."""
    found = {}
    for path in sorted(SAMPLES.iterdir()):
        if path.suffix in (".py", ".json") or path.name.startswith(("calm", "ulogc_cfg", "__")):
            continue
        record = talik.read(path)[0]
        if record.depths.size:
            unknown = np.isnan(record.depths).any()
            found[path.name] = replace(record, depths=np.arange(record.depths.size) / 10) if unknown else record
    assert len(found) > 20
    return found


@pytest.mark.parametrize("form", ["csv", "parquet", "gtnp", pytest.param("netcdf", marks=pytest.mark.slow)])
def test_what_is_written_reads_back_the_same(samples, tmp_path, form):
    place = {"latitude": 70.0, "longitude": 20.0}
    for name, record in samples.items():
        placed = replace(record, metadata={**record.metadata, **place})
        written = export([placed], form, tmp_path / name)
        [again] = talik.read(next(p for p in written if p.suffix in (".csv", ".parquet", ".nc")))
        rows, back = (np.argsort(r.times, kind="stable") for r in (record, again))
        columns, there = (np.argsort(r.depths, kind="stable") for r in (record, again))
        np.testing.assert_array_equal(again.times[back], record.times[rows], name)
        np.testing.assert_allclose(again.depths[there], record.depths[columns], atol=1e-6, err_msg=name)
        accepted = record.accepted() if form in ("csv", "parquet") else record      # a plain reader averages no other
        np.testing.assert_allclose(
            again.values[back][:, there], accepted.values[rows][:, columns], atol=1e-5, err_msg=name
        )


def test_the_command_writes_and_takes_the_place(tmp_path):
    done = run(SAMPLES / "permos.csv", "--to", "netcdf", "--out", tmp_path, "--latitude", 46.4, "--longitude", 9.8)
    assert "wrote" in done.output
    [again] = talik.read(next(tmp_path.glob("*.nc")))
    assert (again.metadata["latitude"], again.metadata["longitude"]) == (46.4, 9.8)


def test_messages_name_options_and_not_arguments(tmp_path):
    path = tmp_path / "warm.csv"
    path.write_text("time,T_5cm\n2020-01-01 00:00,273.1\n2020-01-01 01:00,273.2\n")
    assert "Name it: --column unit=K" in run(path).output
    assert "(say otherwise with --timezone ...)" in run(SAMPLES / "toa5.dat").output
    path.write_text("time,T_5cm\n" + "01/02/2020 00:00,1\n05/06/2020 00:00,1\n")
    assert "Pass --date-order" in run(path).output


def test_names_of_sites_never_become_paths(tmp_path):
    record = replace(talik.read(SAMPLES / "permos.csv")[0], site="../../etc/=cmd|' /C calc'!A0")
    paths = export([record, record], "csv", tmp_path / "out")
    assert [p.parent for p in paths] == [tmp_path / "out"] * 2
    assert len(set(paths)) == 2


def test_unknown_depths_are_asked_for(tmp_path):
    record = replace(talik.read(SAMPLES / "permos.csv")[0], depths=[0.1, np.nan, 1])
    with pytest.raises(DataError, match="the depth of '0.5' is unknown, and gtnp is by depth; give depths="):
        export([record], "gtnp", tmp_path)
    with pytest.raises(UnknownName, match="unknown form 'xls'"):
        export([record], "xls", tmp_path)
