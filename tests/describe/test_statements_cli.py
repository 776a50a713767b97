"""The commands describe and scorecard: names, files and TOML, three forms of output, exit codes."""

import csv
import io
import json
import re

import polars as pl
import pytest
from click.testing import CliRunner

import talik
from talik.cli import group, main
from talik.cli.output import emit


@pytest.fixture
def run():
    def call(*arguments):
        return CliRunner().invoke(group, [str(a) for a in arguments])
    return call


@pytest.fixture
def mine(tmp_path):
    """A table of one's own, in cm and with another name for MAAT."""
    path = tmp_path / "mine.csv"
    path.write_text("site,region,Tair,magst,ttop,ALT (cm)\nA,Arctic,-8,-5,-5.5,40\nB,Arctic,-7,-4,-4.1,60\n"
                    "C,Arctic,-6,-4,-4.5,50\n", encoding="utf-8")
    return path


def rows(result):
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_describe_a_bundled_study_in_a_pipe(run):
    result = run("describe", "three-poles", "--variables", "SO,ALT", "--resamples", 200)
    assert result.exit_code == 0, result.output
    table = rows(result)
    assert [(r["group"], r["variable"]) for r in table[:2]] == [("Arctic", "surface_offset"), ("Arctic", "alt")]
    assert round(float(table[0]["mean"]), 1) == 3.1


def test_json_and_table_hold_the_same_numbers(run):
    call = ("describe", "three-poles", "--by", "region,subregion", "--variables", "TO", "--resamples", 200, "--format")
    table = json.loads(run(*call, "json").stdout)
    assert {r["by"] for r in table} == {"region", "subregion"}
    shown = run(*call, "table").stdout
    assert "-0.55" in shown
    assert "withhel" in shown


def test_a_terminal_of_80_columns_keeps_numbers_whole(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = run("describe", "three-poles", "--resamples", 200, "--format", "table").stdout
    number = r"-?\d+\.\d\d"
    assert len(re.findall(f"{number} ± {number} +{number} to {number} .* {number} to {number}", shown)) == 18


@pytest.mark.parametrize("width", [50, 70, 200])
def test_a_table_loses_nothing_on_any_terminal(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    emit(pl.DataFrame({"site": ["a long name of a place"], "surface_offset_uncertainty": [0.123], "ttop": [None],
                       "variable": ["thermal_offset"], "said": ["words " * 12], "reason": ["no depth"]},
                      schema_overrides={"ttop": pl.Float64}), "table")
    shown = capsys.readouterr().out
    words = re.sub(r"[^\w.]", "", shown)
    assert shown.count("words") == 12
    assert "0.123" in words
    assert "reason1nodepth" in words
    assert ("surface_offset_uncertainty" in shown, "ttop" in shown, "thermal_offset" in shown) == (width == 200,) * 3
    assert max(map(len, shown.splitlines())) <= width


def test_describe_ones_own_table(run, mine):
    table = rows(run("describe", mine, "--column", "maat=Tair", "--by", "all", "--resamples", 200))
    found = {r["variable"]: float(r["mean"]) for r in table}
    assert found["maat"] == pytest.approx(-7)
    assert found["surface_offset"] == pytest.approx(8 / 3)
    assert found["alt"] == pytest.approx(0.5)


def test_describe_a_study_toml_and_its_folder(run, mine, tmp_path):
    (tmp_path / "study.toml").write_text('[study]\nname = "mine"\n[sites]\ntable = "mine.csv"\n'
                                         '[sites.columns]\nmaat = "Tair"\n', encoding="utf-8")
    direct = run("describe", mine, "--column", "maat=Tair", "--resamples", 200).stdout
    assert run("describe", tmp_path / "study.toml", "--resamples", 200).stdout == direct
    assert run("describe", tmp_path, "--resamples", 200).stdout == direct


def test_describe_makes_intervals_as_the_study_does_unless_told(run, mine, tmp_path):
    (tmp_path / "study.toml").write_text('[study]\nname = "mine"\nlevel = 0.9\nreplicates = 300\nseed = 7\n[sites]\n'
                                         'table = "mine.csv"\n[sites.columns]\nmaat = "Tair"\n', encoding="utf-8")
    own = run("describe", mine, "--column", "maat=Tair", "--level", 0.9, "--resamples", 300, "--seed", 7).stdout
    assert run("describe", tmp_path).stdout == own
    assert run("describe", tmp_path, "--level", 0.8).stdout != own
    told = run("describe", tmp_path, "--format", "table").stdout
    assert "90 % CI: 300 resamples of clusters of sites, seed 7" in told


def test_describe_a_study_toml_on_a_bundled_study(run, tmp_path):
    (tmp_path / "study.toml").write_text('[study]\nname = "x"\n[sites]\npublished = "three-poles"\n', encoding="utf-8")
    call = ("--variables", "SO", "--resamples", 200)
    assert run("describe", tmp_path, *call).stdout == run("describe", "three-poles", *call).stdout


def test_a_guessed_encoding_is_told_on_the_error_stream(run, tmp_path):
    path = tmp_path / "sites.csv"
    path.write_bytes("site,maat,magst\nОймяконское нагорье,-8,-5\nВерхоянский хребет,-7,-4\n".encode("cp1251"))
    result = run("describe", path, "--by", "all")
    assert result.exit_code == 0
    assert "note: sites.csv: encoding: taken as cp1251" in result.stderr
    assert run("describe", path, "--by", "all", "--encoding", "cp1251").stderr == ""


def test_scorecard_of_the_bundled_study(run):
    result = run("scorecard")
    assert result.exit_code == 0
    assert sum(r["agrees"] == "true" for r in rows(result)) == 86
    assert result.stderr.startswith("86 of 103 claims agree within rounding")
    assert len(rows(run("scorecard", "--show", "differing"))) == 17
    assert len(rows(run("scorecard", "--show", "not-checkable"))) == 31
    assert rows(run("scorecard", "--show", "sensitivity"))[0]["run"] == "without Kaffiøyra Plain"


@pytest.mark.parametrize("show,words", [("verdicts", "agrees"), ("differing", "Marion"), ("sensitivity", "without"),
                                        ("not-checkable", "ERA5-Land")])
def test_every_part_fits_a_terminal(run, show, words):
    shown = run("scorecard", "--show", show, "--format", "table").stdout
    assert words in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_check_ends_with_1_when_a_claim_is_not_reproduced(run, mine, tmp_path):
    assert run("scorecard", "--check").exit_code == 1
    sites = talik.sites("three-poles")
    sites.write_parquet(tmp_path / "sites.parquet")
    (tmp_path / "claims.csv").write_text("claim_id,where,statistic,group,stated\n1,here,n sites,All,117\n", "utf-8")
    result = run("scorecard", tmp_path / "sites.parquet", "--claims", tmp_path / "claims.csv", "--check")
    assert (result.exit_code, rows(result)[0]["verdict"]) == (0, "agrees")


@pytest.mark.parametrize("arguments,code,message", [
    (["describe", "three-pole"], 2, "unknown study 'three-pole'. Did you mean 'three-poles'"),
    (["describe", "nowhere.csv"], 3, "nowhere.csv: no such file"),
    (["describe", "three-poles", "--by", "regoin"], 2, "Did you mean 'region'"),
    (["describe", "three-poles", "--variables", "SOO"], 2, "unknown variable 'SOO'"),
    (["describe", "three-poles", "--column", "maat"], 2, "expected NAME=VALUE, such as maat=Tair"),
    (["scorecard", "mine.csv"], 2, "a table of your own needs --claims FILE")])
def test_exit_codes_and_messages(monkeypatch, capsys, arguments, code, message):
    monkeypatch.setattr("sys.argv", ["talik", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert message in capsys.readouterr().err


def test_numbers_do_not_depend_on_the_form(run):
    call = ("describe", "three-poles", "--variables", "SO", "--resamples", "200", "--format")
    from_csv = pl.read_csv(io.BytesIO(run(*call, "csv").stdout.encode()))
    from_json = pl.DataFrame(json.loads(run(*call, "json").stdout))
    assert from_csv["ci_low"].to_list() == from_json["ci_low"].to_list()
