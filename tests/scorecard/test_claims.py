"""The language of claims: every statistic, agreement within rounding, and what is not understood."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talik
from talik.analysis.claims import agrees, computed, sheet, understood
from talik.errors import DataError, UnknownName

TABLE = pl.DataFrame({
    "site": ["A1", "A2", "A3", "B1", "B2"], "region": ["A", "A", "A", "B", "B"],
    "subregion": ["west", "west", "east", "south", "south"],
    "maat": [-10.0, -8.0, -6.0, -4.0, -2.0], "magst": [-7.0, -6.0, -5.0, -3.5, -2.5],
    "ttop": [-7.5, -5.8, -5.0, -3.0, -2.0], "alt": [0.5, 0.7, None, 1.5, 0.499],
    "surface_offset": [3.0, 2.0, 1.0, 0.5, -0.3], "thermal_offset": [-0.5, 0.2, 0.0, 0.5, 0.5]})


@pytest.fixture(scope="module")
def table():
    return sheet(TABLE)


def said(statistic, group="A", stated="1.0"):
    return {"claim_id": "T1", "where": "p. 1", "statistic": statistic, "group": group, "stated": stated}


def value(table, statistic, group="A", stated="1.0"):
    return float(computed(understood(said(statistic, group, stated), table), table)[0])


@pytest.mark.parametrize("statistic,group,expected", [
    ("mean SO", "A", 2.0), ("mean SO", "west", 2.5), ("mean SO", "All", 1.24), ("mean TO 'near zero'", "A", -0.1),
    ("MAAT (repeated)", "B", -3.0), ("SE SO", "A", 1 / np.sqrt(3)), ("|CV| SO", "A", 0.5), ("min TO", "All", -0.5),
    ("max site TO", "B", 0.5), ("site MAGST", "B1", -3.5), ("site ALT", "B2", 49.9), ("SO negative?", "B2", -0.3),
    ("% sites with positive TO", "A", 100 / 3), ("% sites with negative TO", "All", 20.0), ("n sites", "All", 5.0),
    ("n Arctic (sum of stated)", "A", 3.0), ("mean ALT", "A", 60.0), ("thinnest ALT in data set", "B2", 49.9),
    ("A's |CV| SO highest of 2 regions (rank)", "A", 2.0), ("B's |CV| SO highest of 2 regions (rank)", "B", 1.0),
    ("lowest mean ALT region (rank ascending)", "A", 1.0), ("lowest mean ALT region (rank ascending)", "B", 2.0),
    ("sub-regional mean SO range upper (west/east/south)", "A subs", 2.5),
    ("sub-regional mean SO range lower (west/east/south)", "A subs", 0.1)])
def test_every_statistic(table, statistic, group, expected):
    assert value(table, statistic, group) == pytest.approx(expected)


def test_a_cv_of_mean_zero_is_no_number_and_has_no_rank():
    zero = sheet(TABLE.with_columns(surface_offset=pl.Series([1.0, -1.0, 0.0, 1.0, 2.0])))
    assert np.isnan(value(zero, "|CV| SO", "A"))
    assert np.isnan(value(zero, "B's |CV| SO highest of 2 regions (rank)", "B"))


def test_numbers_come_from_the_values_that_exist(table):
    claim = understood(said("mean ALT", "A"), table)
    assert computed(claim, table)[1] == 2
    assert np.isnan(value(table, "SE ALT", "east"))
    assert np.isnan(value(table, "mean ALT", "east"))


def test_sites_can_be_left_out(table):
    mask = np.array([True, False, False, False, False])
    for statistic, expected, n in (("mean SO", 1.5, 2), ("n sites", 2.0, 2)):
        got, count = computed(understood(said(statistic), table), table, without=mask)
        assert (float(got), count) == (expected, n)


@given(shift=st.floats(-3, 3))
@settings(max_examples=20, deadline=None)
def test_draws_are_computed_along_the_first_axis(shift):
    table = sheet(TABLE)
    column = table.columns["surface_offset"]
    drawn = table.with_column("surface_offset", np.stack([column, column + shift, column]))
    for statistic in ("mean SO", "SE SO", "min SO", "|CV| SO", "% sites with positive SO"):
        claim = understood(said(statistic), table)
        got = computed(claim, drawn)[0]
        assert got.shape == (3,)
        assert got[0] == got[2] == pytest.approx(float(computed(claim, table)[0]))


@pytest.mark.parametrize("stated,number,printed_half,expected", [
    ("3.1", 3.085, 0, True), ("3.1", 3.16, 0, False), ("-4.2", -4.15, 0, True), ("0.1", 0.05, 0, True),
    ("72", 71.6, 0, True), ("-0.5", -0.551, 0, False), ("-0.04", 0.0, 0.05, True), ("-0.04", 0.0, 0, False),
    ("-0.1", 0.0, 0.05, False), ("negative", -0.1, 0, True), ("negative", 0.0, 0, False), ("positive", 0.2, 0, True),
    ("1.0", float("nan"), 0, False)])
def test_agreement_is_within_the_rounding_of_what_is_stated(table, stated, number, printed_half, expected):
    assert agrees(understood(said("site SO", "A1", stated), table), number, printed_half=printed_half) is expected


def test_the_coarser_rounding_counts_for_single_values_only(table):
    assert not agrees(understood(said("mean SO", "A", "-0.04"), table), 0.0, printed_half=0.05)


def test_faults_of_claims(table):
    with pytest.raises(DataError, match="claim T1: statistic 'median SO' is not understood. Write e.g. 'mean SO'"):
        understood(said("median SO"), table)
    with pytest.raises(DataError, match="claim T1: stated 'about 1' is not a number"):
        understood(said("mean SO", stated="about 1"), table)
    with pytest.raises(UnknownName, match="unknown group of claim T1 'wset'. Did you mean 'west'"):
        understood(said("mean SO", "wset"), table)
    with pytest.raises(UnknownName, match="unknown group of claim T1 'nort'"):
        understood(said("sub-regional mean SO range upper (west/nort)", "x"), table)


def test_faults_of_tables():
    with pytest.raises(UnknownName, match="sites: unknown column 'alt'"):
        sheet(TABLE.drop("alt"))
    with pytest.raises(DataError, match="the table has no rows"):
        sheet(TABLE.clear())


def test_every_bundled_claim_is_understood():
    from talik.synthesis.published import part

    table = sheet(talik.sites("three-poles"))
    claims = [understood(row, table) for row in part("three-poles", "claims").iter_rows(named=True)]
    assert len(claims) == 103
    assert {claim.measure for claim in claims} == {"mean", "SE", "min", "max", "|CV|", "site", "% positive", "n"}
