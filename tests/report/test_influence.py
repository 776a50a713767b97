"""What each warning changes: the numbers before are those of the summary, those after can be had by hand."""

import numpy as np
import polars as pl
import pytest

from talik.analysis.describe import describe
from talik.analysis.influence import KEY, warning_effects
from talik.report.cautions import ranked_warnings
from talik.synthesis.table import site_table

BOOT = 200


def table(seed: int = 1) -> pl.DataFrame:
    """Two regions of six sites; some carry flags, two share a cluster."""
    rng = np.random.default_rng(seed)
    maat = rng.uniform(-10, -4, 12).round(2)
    magst = (maat + rng.uniform(1, 4, 12)).round(2)
    return pl.DataFrame({
        "site": [f"S{k}" for k in range(12)], "region": ["North"] * 6 + ["South"] * 6,
        "maat": maat, "magst": magst, "ttop": (magst - 0.4).round(2), "alt": rng.uniform(0.4, 2, 12).round(2),
        "cluster": [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
        "flags": ["SHARED_BASIN", "SHARED_BASIN", "IMPLAUSIBLE_MEAN", "", "NO_ALT", "", "ALT_UNIT_SLIP", None, "", "",
                  "", "MAAT_ABOVE_ZERO"],
    }).with_columns(surface_offset=pl.col("magst") - pl.col("maat"), thermal_offset=pl.col("ttop") - pl.col("magst"))


def row(effects, warning, group, variable):
    return effects.filter(warning=warning, group=group, variable=variable).row(0, named=True)


def test_the_numbers_before_are_those_of_the_summary():
    sites = table()
    effects = warning_effects(sites, n_boot=BOOT)
    names = ["n", "mean", "se", "ci_low", "ci_high"]
    before = describe(sites, by="region", variables=KEY, n_boot=BOOT).to_frame()
    shown = effects.select("group", "variable", *names).unique(maintain_order=True)
    assert shown.sort("group", "variable").equals(before.select("group", "variable", *names).sort("group", "variable"))


def test_left_out_means_left_out():
    sites = table()
    found = row(warning_effects(sites, n_boot=BOOT), "IMPLAUSIBLE_MEAN", "North", "surface_offset")
    rest = sites.filter((pl.col("region") == "North") & (pl.col("site") != "S2"))["surface_offset"]
    assert found["n_after"] == 5
    assert found["mean_after"] == pytest.approx(rest.mean())
    assert found["shift"] == pytest.approx(rest.mean() - found["mean"])
    assert found["shift_se"] == pytest.approx(found["shift"] / found["se"])


def test_sites_of_one_cluster_count_once():
    sites = table()
    effects = warning_effects(sites, n_boot=BOOT)
    means = sites.filter(region="North").group_by("cluster").agg(pl.col("surface_offset").mean())["surface_offset"]
    for warning in ("SHARED_BASIN", "PSEUDO_REPLICATION"):
        found = row(effects, warning, "North", "surface_offset")
        assert (found["n_after"], found["mean_after"]) == (5, pytest.approx(means.mean()))


def test_a_unit_slip_moves_thickness_only_and_an_empty_cell_nothing():
    effects = warning_effects(table(), n_boot=BOOT)
    assert row(effects, "ALT_UNIT_SLIP", "South", "alt")["n_after"] == 5
    assert row(effects, "ALT_UNIT_SLIP", "South", "surface_offset")["shift"] == 0
    assert effects.filter(warning="NO_ALT")["shift"].to_list() == [0.0] * 6


def test_a_region_that_carries_no_flag_does_not_move():
    effects = warning_effects(table(), n_boot=BOOT).filter(warning="IMPLAUSIBLE_MEAN", group="South")
    assert effects["shift"].to_list() == [0.0] * 3
    assert effects["ci_low_after"].equals(effects["ci_low"].rename("ci_low_after"))


def test_stated_offsets_are_computed_again_where_they_differ():
    stated = site_table(pl.DataFrame({"site": list("ABC"), "region": ["R"] * 3, "maat": [-8.0, -7.0, -6.0],
                                      "magst": [-5.0, -4.0, -3.0], "surface_offset": [3.0, 3.0, 6.0]}))
    effects = warning_effects(stated, n_boot=BOOT)
    for warning in ("SO_NOT_DIFFERENCE", "STATED_OFFSETS"):
        found = row(effects, warning, "R", "surface_offset")
        assert (found["n_sites"], found["mean"], found["mean_after"]) == (1, 4.0, 3.0)


def test_the_other_source_takes_the_place_of_the_one_used():
    conflicts = pl.DataFrame({"site": ["S0", "S7"], "quantity": ["surface_offset", "maat"], "table_value": ["9.5", "1"],
                              "series_value": ["2", "3"], "used": ["series", "series"]})
    sites = table()
    found = row(warning_effects(sites, conflicts, n_boot=BOOT), "CONFLICTS", "North", "surface_offset")
    assert found["n_sites"] == 1
    assert found["shift"] == pytest.approx((9.5 - sites["surface_offset"][0]) / 6)


def test_an_interval_that_stops_leaving_out_zero_is_told():
    sites = pl.DataFrame({"site": list("ABCDEF"), "region": ["R"] * 6, "surface_offset": [1.0, 1.1, 0.9, 1.2, 1.0, -9],
                          "flags": [""] * 5 + ["IMPLAUSIBLE_MEAN"]})
    found = row(warning_effects(sites, n_boot=BOOT), "IMPLAUSIBLE_MEAN", "R", "surface_offset")
    assert found["turned"] == "the interval now leaves out zero"
    assert found["ci_low"] < 0 < found["ci_low_after"]


def test_what_cannot_be_compared_has_its_reason():
    alone = pl.DataFrame({"site": ["A"], "region": ["R"], "surface_offset": [1.0], "flags": ["IMPLAUSIBLE_MEAN"]})
    found = warning_effects(alone, n_boot=BOOT).row(0, named=True)
    assert (found["mean_after"], found["shift"], found["reason"]) == (None, None, "no value is left")
    ranked, silent = ranked_warnings(warning_effects(alone, n_boot=BOOT))
    assert (ranked.height, silent) == (0, [])                            # all sites carry it: no row that says nothing
    one = warning_effects(alone.with_columns(flags=pl.lit("NO_ALT")), n_boot=BOOT).row(0, named=True)
    assert (one["shift"], one["shift_se"], one["reason"]) == (0.0, None, "one value: no standard error")


def test_without_regions_all_sites_are_one_group_and_without_flags_there_is_nothing():
    sites = table()
    assert warning_effects(sites.drop("region"), n_boot=BOOT)["group"].unique().to_list() == ["all sites"]
    quiet = sites.with_columns(flags=pl.lit("")).drop("cluster")
    assert warning_effects(quiet, n_boot=BOOT).is_empty()
    assert warning_effects(sites.drop(KEY), n_boot=BOOT).is_empty()


def test_warmer_everywhere_and_shuffled_rows_change_no_shift():
    effects = warning_effects(table(), n_boot=BOOT)
    warmer = table().with_columns(pl.col("maat", "magst", "ttop") + 5).sample(fraction=1, shuffle=True, seed=2)
    keys = ["warning", "group", "variable"]
    both = effects.join(warning_effects(warmer, n_boot=BOOT), on=keys)
    assert both.height == effects.height
    np.testing.assert_allclose(both["shift"], both["shift_right"], atol=1e-12)
