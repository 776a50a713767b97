"""The bundled study: printed values untouched, offsets recomputed, every suspicion declared, files what they say."""

import hashlib
import json

import numpy as np
import polars as pl
import pytest

import talik
from talik.errors import DataError, UnknownName
from talik.synthesis import published
from talik.synthesis.flags import CODES, half_unit
from talik.synthesis.table import COLUMNS


@pytest.fixture(scope="module")
def sites():
    return talik.sites("three-poles")


def flagged(sites, code):
    return sites.filter(pl.col("flags").str.split(";").list.contains(code))["site"].to_list()


def test_it_has_every_column_one_row_a_site_and_no_site_twice(sites):
    assert tuple(sites.columns[:len(COLUMNS)]) == COLUMNS
    assert sites.height == sites["site"].n_unique() == 117
    assert sites["site_no"].to_list() == list(range(1, 118))


def test_no_printed_value_is_changed(sites):
    printed = published.part("three-poles", "table1")
    for name, column in (("maat", "maat_c"), ("magst", "magst_c"), ("ttop", "ttop_c"), ("alt_printed_cm", "alt_cm"),
                         ("surface_offset", "so_c"), ("thermal_offset", "to_c")):
        assert sites[name].to_list() == printed[column].cast(pl.Float64).to_list()
    assert np.allclose(sites["alt"].to_numpy() * 100, sites["alt_printed_cm"].to_numpy(), equal_nan=True)


def test_the_two_recomputed_offsets_sum_to_ttop_minus_maat(sites):
    both = sites["surface_offset_recomputed"] + sites["thermal_offset_recomputed"]
    assert np.allclose(both, sites["ttop"] - sites["maat"], atol=1e-9)
    assert set(sites["surface_offset_from"]) == {"table"}


def test_offsets_that_rounding_cannot_explain_are_exactly_the_flagged_ones(sites):
    room = half_unit(sites["surface_offset"]) + half_unit(sites["magst"]) + half_unit(sites["maat"])
    apart = (sites["surface_offset"] - sites["surface_offset_recomputed"]).abs().to_numpy() > room + 1e-9
    assert flagged(sites, "SO_NOT_DIFFERENCE") == sites.filter(apart)["site"].to_list() == [
        "Station Nord_Villum Research Station Site 1", "AS20"]
    assert flagged(sites, "TO_NOT_DIFFERENCE") == []


def test_flags_by_rule_name_the_rows_that_break_it(sites):
    assert set(flagged(sites, "TTOP_ABOVE_ZERO")) == set(sites.filter(pl.col("ttop") > 0)["site"])
    assert set(flagged(sites, "MAAT_ABOVE_ZERO")) == set(sites.filter(pl.col("maat") > 0)["site"])
    assert flagged(sites, "NO_ALT") == sites.filter(pl.col("alt").is_null())["site"].to_list()
    assert flagged(sites, "NO_COORDINATE") == sites.filter(pl.col("latitude").is_null())["site"].to_list()
    assert len(flagged(sites, "NO_COORDINATE")) == 4
    assert flagged(sites, "NEAR_DUPLICATE") == ["Atkasuk", "Ushelistiy-1", "CLP1", "CLP2", "Edmonson Point",
                                                "Granite Harbour"]


def test_the_suspicions_of_the_issue_are_declared(sites):
    assert flagged(sites, "ALT_UNIT_SLIP") == ["Dovrefjell_DB1"]
    assert flagged(sites, "IMPLAUSIBLE_MEAN") == ["Kaffiøyra Plain"]
    assert flagged(sites, "OUTSIDE_REGION") == ["Marion Island"]
    assert len(flagged(sites, "SHARED_BASIN")) == sites["basin"].is_not_null().sum() == 35
    assert {s for s in sites["site"] if s.startswith("Beiluhe")} <= set(flagged(sites, "SHARED_GRID_CELL"))


def test_every_flag_has_its_reason_and_a_meaning(sites):
    for codes, reasons in sites.select("flags", "flag_reasons").iter_rows():
        named = codes.split(";") if codes else []
        assert set(named) <= set(CODES)
        assert len(named) == len(reasons.split(" | ") if reasons else [])


def test_113_located_sites_are_59_clusters(sites):
    located = sites.filter(pl.col("latitude").is_not_null())
    assert (located.height, located["cluster"].n_unique()) == (113, 59)
    assert set(sites.filter(pl.col("latitude").is_null())["cluster_from"]) == {"alone"}


def test_every_null_of_a_measured_value_has_its_flag(sites):
    for name, code in (("alt", "NO_ALT"), ("latitude", "NO_COORDINATE"), ("longitude", "NO_COORDINATE")):
        assert sites.filter(pl.col(name).is_null())["flags"].str.contains(code).all()
    for name in ("maat", "magst", "ttop", "surface_offset", "thermal_offset"):
        assert sites[name].null_count() == 0


def test_every_file_is_the_declared_one_and_the_dictionary_knows_every_column():
    about = published.dataset("three-poles")
    known = published.part("three-poles", "dictionary")
    for file, digest in about["files"].items():
        content = (published._folder("three-poles") / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        if file == "dictionary.csv":
            continue
        columns = published.part("three-poles", file.removesuffix(".csv")).columns
        explained = set(known["column"])
        assert set(columns) <= explained, f"{file}: not in the dictionary: {set(columns) - explained}"


@pytest.mark.realdata
def test_the_bundled_files_are_those_that_were_given(real):
    for file in ("table1", "sites", "claims", "claims_need_predictors"):
        bundled = (published._folder("three-poles") / f"{file}.csv").read_bytes()
        assert bundled == (real / "three_poles" / f"{file}.csv").read_bytes()


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    source = published._folder("three-poles")
    (tmp_path / "dataset.json").write_bytes((source / "dataset.json").read_bytes())
    (tmp_path / "table1.csv").write_bytes((source / "table1.csv").read_bytes().replace(b"-4.7", b"-4.8", 1))
    monkeypatch.setattr(published, "_folder", lambda name: tmp_path)
    with pytest.raises(DataError, match=r"table1.csv is not the bundled file .* Install talik again"):
        published.part("three-poles", "table1")


def test_unknown_names_are_told_with_the_nearest():
    with pytest.raises(UnknownName, match="unknown bundled study 'three-pole'. Did you mean 'three-poles'"):
        talik.sites("three-pole")
    with pytest.raises(UnknownName, match="Did you mean 'claims'"):
        published.part("three-poles", "claim")


def test_studies_lists_citation_and_licence():
    row = published.studies().row(0, named=True)
    assert row["name"] == "three-poles"
    assert row["doi"] == "10.1038/s41612-025-01235-1"
    assert "CC BY-NC-ND" in row["licence"]
    about = json.loads((published._folder("three-poles") / "dataset.json").read_text("utf-8"))
    assert about["version"] == row["version"]
