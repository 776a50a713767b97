"""The commands check and offsets: what they print, write and refuse."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from talik.cli import group
from talik.series.replay import replay


def run(*arguments):
    return CliRunner().invoke(group, [str(a) for a in arguments])


def write(path, *, depths="-2,0.02,0.5,1.0,2.0", start="2018-01-01", end="2021-01-01", spoil=None):
    t = np.arange(start, end, dtype="M8[D]")
    wave = np.cos(2 * np.pi * (t.astype(int) - 200) / 365.25)[:, None]
    z = np.array([float(d) for d in depths.split(",")])
    below = np.maximum(z, 0)
    values = np.where(z < 0, -9, -4 - 0.5 * below) + np.where(z < 0, 17, 11 * np.exp(-below / 2.5)) * wave
    if spoil:
        spoil(values)
    rows = (f"{d} 00:00:00," + ",".join(f"{v:.3f}" for v in row) for d, row in zip(t, values, strict=True))
    path.write_text("\n".join([f"Date/Depth,{depths}", *rows]) + "\n")
    return path


@pytest.fixture
def site(tmp_path):
    return write(tmp_path / "kevo.csv")


def test_check_counts_flags_and_its_log_replays(tmp_path):
    def spoil(values):
        values[100:103, 2], values[500, 3] = 6999.0, 40.0

    file = write(tmp_path / "kevo.csv", spoil=spoil)
    result = run("check", file, "--format", "json", "--log", tmp_path / "log.csv")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    found = [(r["label"], r["flag"], r["n"], r["rejects"]) for r in rows]
    assert found == [("0.5", "SENTINEL", 3, True), ("1.0", "SPIKE", 1, True)]
    assert "4 of 5480 values rejected" in result.stderr
    import talik

    [record] = talik.read(file)
    again = replay(record, pl.read_csv(tmp_path / "log.csv"))
    np.testing.assert_array_equal(again.flags, talik.check(record).record.flags)


def test_check_goes_on_after_a_file_it_cannot_read(site, tmp_path):
    junk = tmp_path / "junk.csv"
    junk.write_bytes(bytes(range(256)) * 4)
    result = run("check", junk, site, "--format", "csv")
    assert result.exception.exit_code == 3
    assert "1 of 2 files could not be read; the others were checked" in str(result.exception)
    assert "kevo: 0 of 5480 values rejected" in result.stderr
    assert result.stdout.splitlines() == ["file,site,label,depth,flag,n,share,rejects"]


def test_rules_can_be_changed_and_checks_chosen(tmp_path):
    file = write(tmp_path / "kevo.csv", spoil=lambda v: v.__setitem__((500, 3), 5.0))
    assert "SPIKE" in run("check", file, "--format", "csv").stdout
    assert "SPIKE" not in run("check", file, "--format", "csv", "--rule", "spike_floor=30").stdout
    assert "SPIKE" not in run("check", file, "--format", "csv", "--only", "sentinel,range").stdout


@pytest.mark.parametrize("arguments, words", [
    (("--rule", "spike_flour=3"), "Did you mean 'spike_floor'"),
    (("--rule", "correct_drift=perhaps"), "expected true or false"),
    (("--rule", "spike_floor=high"), "expected a value like 1.0"),
    (("--only", "spikes"), "check 'spikes' does not exist"),
    (("--site", "B*"), "no such site in these files. There are: kevo"),
])
def test_wrong_options_of_check_end_with_a_message(site, arguments, words):
    result = run("check", site, *arguments)
    assert words in str(result.exception)
    assert result.exception.exit_code == 2


def test_offsets_by_year_and_their_mean(site, tmp_path):
    result = run("offsets", site, "--depth", "2", "--format", "json", "--figure", tmp_path / "by_year")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert [r["year"] for r in rows] == [2018, 2019, 2020]
    for row in rows:
        assert row["surface_offset"] == pytest.approx(5.0, abs=0.1)
        assert row["thermal_offset"] == pytest.approx(-0.99, abs=0.1)
    assert (tmp_path / "by_year.png").stat().st_size > 5000
    [mean] = json.loads(run("offsets", site, "--depth", "2", "--mean", "--format", "json").stdout)
    assert mean["surface_offset"] == pytest.approx(np.mean([r["surface_offset"] for r in rows]))
    assert (mean["site"], mean["surface_offset_n"], mean["ttop_method"]) == ("kevo", 3, "stated depth")


@pytest.mark.parametrize("more, n", [([], 3), (["--mean"], 1)])
def test_a_table_for_people_has_whole_numbers_in_lines_of_80_signs(site, monkeypatch, more, n):
    monkeypatch.setenv("COLUMNS", "80")
    result = run("offsets", site, "--depth", "2", *more, "--format", "table")
    assert result.exit_code == 0, result.output
    lines = result.stdout.rstrip().splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line for line in lines if "±0." in line]                     # a row a line, none folded
    kept = pl.read_csv(run("offsets", site, "--depth", "2", *more, "--format", "csv").stdout.encode())
    whole = kept.drop_nulls("surface_offset")
    assert len(rows) == whole.height == n
    for row, line in zip(whole.iter_rows(named=True), rows, strict=True):
        assert f"{row['surface_offset']:+.2f}±{row['surface_offset_uncertainty']:.2f}" in line
        assert f"{row['thermal_offset']:+.2f}±{row['thermal_offset_uncertainty']:.2f}" in line
        assert f" {row['ttop']:.2f} " in line
    assert len(kept.columns) > 30                                        # CSV has everything


def test_air_and_ground_from_two_files_of_one_site(tmp_path):
    air, soil = write(tmp_path / "air.csv", depths="-2"), write(tmp_path / "soil.csv", depths="0.02,0.5,1.0,2.0")
    assert run("offsets", air, soil, "--format", "csv").exit_code == 0      # the ground alone has a thermal offset
    result = run("offsets", air, soil, "--one-site", "Kevo", "--air", "-2*", "--format", "json",
                 "--year-start", "hydrological")
    rows = json.loads(result.stdout)
    assert {r["site"] for r in rows} == {"Kevo"}
    assert [r["year"] for r in rows if r["surface_offset"] is not None] == [2019, 2020]


@pytest.mark.parametrize("arguments, words", [
    (("--surface", "0.3"), "0.3: no such column"),
    (("--completeness", "all"), "unknown completeness rule"),
    (("--year-start", "May"), "year start 'May'"),
])
def test_wrong_options_of_offsets_end_with_a_message(site, arguments, words):
    result = run("offsets", site, *arguments)
    assert words in str(result.exception)
    assert result.exception.exit_code == 2


@pytest.mark.parametrize("word", ["junk.csv", "short: --depth"])
def test_a_file_or_site_that_cannot_be_used_does_not_stop_the_others(site, tmp_path, word):
    other = tmp_path / "junk.csv"
    if word == "junk.csv":
        other.write_bytes(bytes(range(256)) * 4)
    else:
        other = write(tmp_path / "short.csv", depths="-2,0.02,0.5")
    alone = run("offsets", site, "--depth", "2", "--format", "csv")
    result = run("offsets", other, site, "--depth", "2", "--format", "csv")
    assert (result.exit_code, result.stdout) == (1, alone.stdout)
    assert word in result.stderr


def test_a_file_without_any_offset_says_why(tmp_path):
    result = run("offsets", write(tmp_path / "air.csv", depths="-2"))
    assert result.exception.exit_code == 3
    assert "no column near enough to the surface" in result.stderr


def test_both_commands_take_what_their_messages_ask_for(tmp_path):
    ambiguous = tmp_path / "a.csv"
    ambiguous.write_text("time,T_2cm\n01/02/2020 00:00,273.1\n05/06/2020 00:00,273.2\n")

    def said(*arguments):
        result = run(*arguments)
        return f"{result.output} {result.exception}"

    for command in ("check", "offsets"):
        assert "--column unit=K" in said(command, ambiguous, "--date-order", "DMY")
        assert "--date-order" in said(command, ambiguous, "--column", "unit=K")
    told = run("check", ambiguous, "--date-order", "DMY", "--column", "unit=K")
    assert told.exit_code == 0
    assert "of 2 values rejected" in told.stderr


def test_depths_are_given_and_a_missing_offset_names_the_option(tmp_path):
    file = write(tmp_path / "kevo.csv")
    turned = run("offsets", file, "--mean", "--format", "json", "--depths", "0.5,0.02,1.2,1.5,2.0", "--no-check")
    assert json.loads(turned.stdout)[0]["surface_column"].startswith("0.02")
    assert "name it with --air" in turned.stderr


def test_reasons_stand_numbered_below_a_table(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    printed = run("offsets", write(tmp_path / "kevo.csv", end="2020-07-01"), "--format", "table").stdout
    [reason] = [line for line in printed.splitlines() if line.startswith("reason ")]
    assert reason.startswith("reason 1: MAAT, ")
    assert "reason" not in reason[8:]


@pytest.mark.parametrize("command", ["check", "offsets"])
def test_reading_options_beside_a_store_are_refused(site, tmp_path, command):
    assert run("ingest", site, "--store", tmp_path / "store").exit_code == 0
    refused = run(command, tmp_path / "store", "--timezone", "UTC-9")
    said = f"{refused.stderr} {refused.exception}"          # check says it of the file and goes on to the next
    assert refused.exit_code != 0
    assert "is a store, whose files were read when they were taken in: give --timezone" in said
    assert run(command, tmp_path / "store").exit_code == 0


def test_a_network_of_which_some_sites_give_no_value_is_counted_and_no_failure(tmp_path):
    write(tmp_path / "kevo.csv")
    write(tmp_path / "short.csv", end="2018-06-01")                 # no whole year
    write(tmp_path / "air.csv", depths="-2")                        # no ground
    assert run("ingest", *tmp_path.glob("*.csv"), "--store", tmp_path / "store").exit_code == 0
    result = run("offsets", tmp_path / "store", "--depth", "2", "--format", "csv")
    assert result.exit_code == 1                                    # two lack the column that was asked for
    result = run("offsets", tmp_path / "store", "--format", "csv")
    assert result.exit_code == 0, result.output
    assert pl.read_csv(result.stdout.encode())["site"].unique().sort().to_list() == ["kevo", "short"]
    [said] = [line for line in result.stderr.splitlines() if "sites gave no value" in line]
    assert said.startswith("note: 2 of 3 sites gave no value: air: no column near enough to the surface")
    assert "short: no whole year in 1 (maat: few_days" in said


@pytest.mark.parametrize("depths", ["-2,0.02,0.5", "-2"])
def test_where_no_site_gives_a_value_it_is_a_failure_and_the_table_still_says_why(tmp_path, depths):
    result = run("offsets", write(tmp_path / "short.csv", end="2018-06-01", depths=depths), "--format", "csv")
    assert result.exception.exit_code == 3
    assert "1 of 1 sites gave no value, none gave any: short: no " in str(result.exception)
    assert ("maat: few_days" in result.stdout) == ("0.02" in depths)


def test_a_depths_uncertainty_is_an_option_and_its_absence_is_said(site, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert "(depth error not included)" in run("offsets", site, "--depth", "2", "--format", "table").stdout
    with_it, without = (pl.read_csv(run("offsets", site, "--depth", "2", "--format", "csv", *more).stdout.encode())
                        for more in (("--depth-uncertainty", "0.1"), ()))
    assert set(with_it["depth_error"]) == {"included"}
    assert set(without["depth_error"]) == {"not included"}
    assert (with_it["ttop_uncertainty"] > without["ttop_uncertainty"]).all()
    assert with_it["maat_uncertainty"].to_list() == without["maat_uncertainty"].to_list()
    refused = run("offsets", site, "--depth-uncertainty", "-1")
    assert refused.exception.exit_code == 2


def test_files_that_disagree_are_told(tmp_path):
    (tmp_path / "second").mkdir()
    one = write(tmp_path / "kevo.csv", end="2019-03-01")
    two = write(tmp_path / "second" / "kevo.csv", start="2019-02-20", spoil=lambda v: v.__setitem__((2, 1), 0.25))
    result = run("offsets", one, two, "--depth", "2", "--format", "csv", "--no-check")
    assert "disagree at the same stamps, from 2019-02-22 to 2019-02-22 on up to 1 day, by up to" in result.stderr
    assert "(0.02 (0.02 m)): neither counts there" in result.stderr
    assert pl.read_csv(result.stdout.encode())["n_surface"].to_list() == [365, 364, 366]
