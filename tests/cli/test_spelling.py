"""Bad input on the command line: one message that names options, not Python, and a study's TOML where that speaks."""

import click
import pytest

from talik.cli.spelling import as_options
from talik.cli.statements import table_sites
from talik.spelling import as_toml

COMMAND = click.Command("x", params=[
    click.Option(["--unit", "units"]), click.Option(["--column", "columns"]), click.Option(["--date-order"]),
    click.Option(["--coordinates"], is_flag=True), click.Option(["--resamples", "n_boot"]), click.Option(["--sheet"])])


@pytest.mark.parametrize("python, options, toml", [
    ("Say so: units={'maat': 'degF'} or units={'maat': 'degC'}", "Say so: --unit maat=degF or --unit maat=degC",
     'Say so: units = {maat = "degF"} or units = {maat = "degC"}'),
    ("pass columns={'maat': 'MAAT (°C)'}.", "pass --column maat='MAAT (°C)'.", 'pass columns = {maat = "MAAT (°C)"}.'),
    ("pass columns={'maat': \"Ob's\"}.", "pass --column maat='Ob'\"'\"'s'.", 'pass columns = {maat = "Ob\'s"}.'),
    ("columns={'site': ...}", "--column site=...", "columns = {site = ...}"),
    ("ask for it with coordinates=True", "ask for it with --coordinates", "ask for it with coordinates=True"),
    ("Pass date_order= (--date-order) with it.", "Pass --date-order with it.", "Pass date_order = ... with it."),
    ("name them with columns= (--column time=..., --column depth=...)",
     "name them with --column time=..., --column depth=...", "name them with columns = ..."),
    ("n_boot: got 3", "--resamples: got 3", "n_boot: got 3"),
    ("a.csv: sheet='a b' is for workbooks", "a.csv: --sheet 'a b' is for workbooks",
     'a.csv: sheet = "a b" is for workbooks'),
    ("read as 'x'. If that is wrong, pass encoding=...", "read as 'x'. If that is wrong, pass encoding=...",
     "read as 'x'. If that is wrong, pass encoding = ..."),
    ("https://x.org/?units=1&my_units=2", "https://x.org/?units=1&my_units=2", "https://x.org/?units=1&my_units=2"),
])
def test_arguments_are_spelled_as_their_user_writes_them(python, options, toml):
    assert as_options(python, COMMAND) == options
    assert as_toml(python) == toml


@pytest.mark.parametrize("table, words", [
    ("site,maat,alt\nA,-6,60\nB,-5,70\n", "Say so: --unit alt=cm"),
    ("site,Tair\nA,-6\n", "Say which is which: --column maat=..."),
    ("site,maat,MAAT (C)\nA,-6,6\n", "Say which: --column maat='MAAT (C)'"),
    ("plot no,maat\nA,-6\n", "Name the sites' column: --column site=..."),
])
def test_a_table_that_needs_telling_names_the_option(talik, tmp_path, table, words):
    (tmp_path / "mine.csv").write_text(table, encoding="utf-8")
    done = talik("describe", "mine.csv", "--by", "all")
    assert done.returncode in (2, 3)
    assert words in done.stderr


def test_a_study_is_told_in_toml(talik, tmp_path):
    (tmp_path / "mine.csv").write_text("site,maat,alt\nA,-6,60\nB,-5,70\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text('[study]\nname = "x"\n[sites]\ntable = "mine.csv"\n', encoding="utf-8")
    for command in (["describe", "study.toml"], ["figures", ".", "--out", "drawn"]):
        assert 'Say so: units = {alt = "cm"}' in talik(*command).stderr


@pytest.mark.parametrize("arguments, words", [
    (["describe", "three-poles", "--unit", "alt=cm"], "--unit: for a table of your own; three-poles says itself"),
    (["meta", ".", "--sheet", "3"], "--sheet: for a table of your own; . says itself how it is read"),
    (["describe", "three-poles", "--level", "95"], "--level: got 95.0, expected a number between 0 and 1"),
    (["describe", "three-poles", "--resamples", "0"], "'--resamples': 0 is not in the range"),
    (["describe", "three-poles", "--by", ","], "'--by': got ',', expected names separated by commas"),
    (["describe", "three-poles", "--seed", "-1"], "'--seed': -1 is not in the range"),
    (["drivers", "three-poles", "--predictors", "latitude"], "only when asked for: --coordinates"),
    (["drivers", "three-poles", "--reach", "nan"], "--reach: got nan, expected a positive distance in km"),
    (["drivers", "three-poles", "--figure", ""], "'--figure': got '.', expected a name such as figures/drivers"),
    (["meta", "three-poles", "--predictors", "maat,maat"], "--predictors: maat named more than once"),
    (["scorecard", "three-poles", "--claims", "none.csv"], "none.csv: no such file"),
    (["describe", "x" * 300], "File name too long"),
])
def test_bad_options_are_named(talik, arguments, words):
    done = talik(*arguments)
    assert done.returncode in (2, 3)
    assert words in done.stderr


def test_the_reach_asked_for_makes_the_clusters():
    def clusters(reach):
        return table_sites("three-poles", {}, cluster_km=reach)["cluster"].n_unique()

    assert clusters(1.0) > clusters(None) == clusters(60.0) > clusters(500.0)
