"""`talik read`: says what was understood, goes on after a bad file, writes what reads back the same."""

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


@pytest.mark.parametrize("form", ["csv", "parquet", "gtnp"])
def test_what_is_written_reads_back_the_same(tmp_path, form):
    [record] = talik.read(SAMPLES / "gtnp_table.csv")
    done = run(SAMPLES / "gtnp_table.csv", "--to", form, "--out", tmp_path)
    assert done.exit_code == 0
    path = next(p for p in tmp_path.iterdir() if p.suffix in (".csv", ".parquet"))
    [again] = talik.read(path)
    assert (again.times == record.times).all()
    assert (again.depths == record.depths).all()
    np.testing.assert_array_equal(again.values, record.values)


def test_names_of_sites_never_become_paths(tmp_path):
    from dataclasses import replace

    record = replace(talik.read(SAMPLES / "permos.csv")[0], site="../../etc/=cmd|' /C calc'!A0")
    paths = export([record, record], "csv", tmp_path / "out")
    assert [p.parent for p in paths] == [tmp_path / "out"] * 2
    assert len(set(paths)) == 2


def test_unknown_depths_are_asked_for(tmp_path):
    from dataclasses import replace

    record = replace(talik.read(SAMPLES / "permos.csv")[0], depths=[0.1, np.nan, 1])
    with pytest.raises(DataError, match="the depth of '0.5' is unknown; give depths="):
        export([record], "csv", tmp_path)
    with pytest.raises(UnknownName, match="unknown form 'xls'"):
        export([record], "xls", tmp_path)
