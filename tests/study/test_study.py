"""The whole way on the bundled study and on a study of one's own."""

import json

import polars as pl
import pytest
from click.testing import CliRunner

from talik.cli import group
from talik.errors import FileError, UnknownName
from talik.provenance import read_manifest
from talik.runs import draw_figures, run_study, scaffold, study_settings, verify_results
from talik.steps import STATE
from talik.study import RECIPE


def test_every_promised_file_is_there(finished):
    names = {p.relative_to(finished).as_posix() for p in finished.rglob("*") if p.is_file()}
    promised = {"sites.parquet", "sites.csv", "summary.csv", "scorecard.csv", "report.html", "manifest.json",
                "ro-crate-metadata.json", "figures/fig1_state_profiles.svg", "figures/fig2_regional_forest.png",
                "figures/fig3_surface_offset.csv", "figures/fig4_thermal_offset.svg", "figures/fig8_sites.png"}
    assert promised <= names
    assert not [n for n in names if ".part" in n or "lock" in n]


def test_the_summary_has_the_published_means_and_the_n_of_the_values(finished):
    summary = pl.read_csv(finished / "summary.csv")
    row = summary.filter((pl.col("group") == "Arctic") & (pl.col("variable") == "surface_offset")).row(0, named=True)
    assert (row["n"], round(row["mean"], 3), round(row["se"], 3)) == (66, 3.085, 0.282)
    alt = summary.filter((pl.col("group") == "Third Pole") & (pl.col("variable") == "alt")).row(0, named=True)
    assert (alt["n"], alt["n_sites"]) == (8, 32)


def test_describe_says_the_numbers_of_the_report(finished):
    said = CliRunner().invoke(group, ["describe", "three-poles", "--by", "region,subregion"])
    assert said.stdout == (finished / "summary.csv").read_text(encoding="utf-8")


def test_offsets_close_at_every_site(finished):
    sites = pl.read_parquet(finished / "sites.parquet")
    gap = (pl.col("surface_offset_recomputed") + pl.col("thermal_offset_recomputed")
           - (pl.col("ttop") - pl.col("maat"))).abs()
    assert sites.select(gap.max()).item() < 1e-9


def test_the_manifest_traces_every_file(finished):
    manifest = read_manifest(finished)
    listed = {entry["path"] for entry in manifest["outputs"]}
    there = {p.relative_to(finished).as_posix() for p in finished.rglob("*") if p.is_file()}
    assert there - listed == {"manifest.json", "ro-crate-metadata.json", STATE}
    crate = json.loads((finished / "ro-crate-metadata.json").read_text())
    entities = {e["@id"]: e for e in crate["@graph"]}
    assert {part["@id"] for part in entities["./"]["hasPart"]} == listed
    assert all(entities[part]["encodingFormat"] != "application/octet-stream" for part in listed)


def test_verify_finds_nothing_on_a_sound_folder(finished):
    assert verify_results(finished) == []


def test_verify_names_what_was_changed_or_removed(results):
    path = results / "summary.csv"
    path.write_bytes(path.read_bytes().replace(b"Arctic", b"Arktis", 1))
    (results / "scorecard.csv").unlink()
    assert verify_results(results, rerun=False) == [
        ("summary.csv", "changed since it was made"), ("scorecard.csv", "missing")]


def test_verify_needs_a_results_folder(tmp_path):
    with pytest.raises(FileError, match=r"no manifest.json here"):
        verify_results(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(FileError, match="not a talik manifest"):
        verify_results(tmp_path)


def test_deleting_any_table_and_running_again_gives_the_same_bytes(results, finished):
    for path in sorted(results.glob("*.csv")):
        path.unlink()
    run_study(study_settings("three-poles"), results)
    for path in finished.glob("*.csv"):
        assert (results / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_study_of_ones_own_runs_from_the_scaffold(tmp_path):
    scaffold(tmp_path / "mine")
    settings = study_settings(str(tmp_path / "mine"))
    outcomes = {o.step: o for o in run_study(settings, tmp_path / "out")}
    assert set(outcomes) == {step.name for step in RECIPE}
    assert "not a bundled publication" in outcomes["scorecard"].reason
    assert "Not drawn" not in (tmp_path / "out" / "report.html").read_text()
    with pytest.raises(FileError, match=r"study.toml: exists already and is left as it is"):
        scaffold(tmp_path / "mine")


def test_a_study_without_coordinates_has_no_maps_and_says_so(tmp_path):
    scaffold(tmp_path)
    table = pl.read_csv(tmp_path / "sites.csv").drop("latitude", "longitude")
    table.write_csv(tmp_path / "sites.csv")
    listed = draw_figures(study_settings(str(tmp_path)), tmp_path / "figures")
    undrawn = dict(listed.filter(pl.col("reason").is_not_null()).select("name", "reason").iter_rows())
    assert set(undrawn) == {"fig3_surface_offset", "fig4_thermal_offset", "fig8_sites"}
    assert not list((tmp_path / "figures").glob("fig3*"))


def test_an_unknown_study_suggests_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match="unknown study 'three-pole'. Did you mean 'three-poles'"):
        study_settings("three-pole")
    with pytest.raises(FileError, match="no such file"):
        study_settings(str(tmp_path / "none.toml"))
