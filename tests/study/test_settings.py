"""A study's TOML is checked; what is wrong is named with the nearest right word."""

import polars as pl
import pytest

from talik.errors import FileError, UsageError
from talik.settings import checked, read_settings
from talik.steps import Desk, run_steps
from talik.study import RECIPE

WHOLE = {"study": {"name": "x"}, "sites": {"table": "a.csv"}}


def test_defaults_are_the_recommended_profile():
    settings = checked(WHOLE)
    assert (settings.study.profile, settings.study.level, settings.sites.cluster_km) == ("talik", 0.95, 60)


@pytest.mark.parametrize("change, message", [
    ({"study": {"name": "x", "profil": "talik"}}, r"unknown key 'study.profil'. Did you mean 'study.profile'"),
    ({"stdy": {}}, r"unknown key 'stdy'. Did you mean 'study'"),
    ({"study": {"name": "x", "profile": "best"}}, r"study.profile: got 'best'; input should be 'talik' or 'liu2025'"),
    ({"study": {}}, r"\[study\] name is missing"),
    ({"predictors": {"static": ["lsm.nc"]}}, r"\[predictors\] static without era5land or source: there are no cells"),
    ({"study": {"name": "x", "level": 2}}, r"study.level: got 2; input should be less than 1"),
    ({"sites": {}}, r"exactly one of table"),
    ({"sites": {"table": "a.csv", "published": "three-poles"}}, r"exactly one of table"),
    ({"sites": {"table": "a.csv", "cluster_km": "far"}}, r"cluster_km: got 'far'; input should be a valid number"),
])
def test_faults_are_named(change, message):
    with pytest.raises(UsageError, match=message):
        checked({**WHOLE, **change})


@pytest.mark.parametrize("step", ["drivers", "slopes", "figures", "atlas"])
def test_what_need_not_run_can_be_switched_off(step, tmp_path):
    pl.DataFrame({"site": ["A"], "maat": [-6.0]}).write_parquet(tmp_path / "sites.parquet")
    pl.DataFrame({"site": ["A"], "maat": [-6.0], "elevation": [3.0]}).write_parquet(tmp_path / "predictors.parquet")
    [one] = [one for one in RECIPE if one.name == step]
    said = one.does(Desk(checked({**WHOLE, step: {"run": False}}), tmp_path, tmp_path / "staging"))
    assert said.reason == "it is switched off."
    assert f"Set [{step}] run = true" in said.remedy


def test_every_fault_is_listed_at_once():
    with pytest.raises(UsageError) as caught:
        checked({"study": {"name": "", "seed": "a"}, "sites": {"table": "a.csv"}})
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(FileError, match=r"none.toml: no such file. `talik new FOLDER` makes one"):
        read_settings(tmp_path / "none.toml")
    broken = tmp_path / "study.toml"
    broken.write_text("[study\nname = 1")
    with pytest.raises(FileError, match=r"study.toml: not a TOML file in UTF-8: .*line 1"):
        read_settings(tmp_path)


def test_paths_start_from_the_folder_of_the_file(tmp_path):
    (tmp_path / "study.toml").write_text('[study]\nname = "x"\n[sites]\ntable = "data/a.csv"\n')
    assert read_settings(tmp_path).path("data/a.csv") == tmp_path / "data" / "a.csv"


@pytest.mark.parametrize(("section", "told"), [
    ({"source": "cds"}, r"source needs years = \[FIRST, LAST\]"),
    ({"source": "cds", "years": [2014, 2015], "era5land": ["a.nc"]}, "both source and era5land"),
    ({"source": "nasa"}, "'cds', 'edh' or 'gee'")])
def test_a_service_for_predictors_is_named_with_its_years(section, told):
    with pytest.raises(UsageError, match=told):
        checked({"study": {"name": "x"}, "sites": {"table": "sites.csv"}, "predictors": section})


def test_a_service_without_a_key_is_told_and_the_study_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CDSAPI_URL", "CDSAPI_KEY", "CDSAPI_RC"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "sites.csv").write_text("site,latitude,longitude,maat,magst\nA,68,-149,-8,-4\n")
    settings = checked({"study": {"name": "x"}, "sites": {"table": "sites.csv"},
                        "predictors": {"source": "cds", "years": [2014, 2015]}}, home=tmp_path)
    steps = [step for step in RECIPE if step.name in ("sites", "predictors")]
    for _ in range(2):                                               # it is asked for again with every run
        outcome = run_steps(steps, settings, tmp_path / "r")[1]
        assert outcome.reason.startswith("source 'cds': no key for the Climate Data Store")
        assert outcome.again
    assert pl.read_parquet(tmp_path / "r" / "predictors.parquet")["site"].to_list() == ["A"]
