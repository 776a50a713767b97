"""Slopes by two profiles: invariances, planted slopes, every reason and every message."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talik
from talik.analysis.slopes import group_slopes
from talik.errors import DataError, UnknownName, UsageError

SNOW = ["snow_depth", "snow_density", "snow_cover"]


def planted(seed=1, slope=-1.0, tau=0.0, sizes=(20, 15, 12, 10, 9, 8)):
    """Sites in groups whose offset follows one latent snow factor with the given slope per SD of it."""
    rng = np.random.default_rng(seed)
    rows = []
    for k, n in enumerate(sizes):
        latent = rng.normal(size=n)
        own = slope + tau * rng.normal()
        rows.append(pl.DataFrame({
            "site": [f"{k}-{i}" for i in range(n)], "region": ["Arctic" if k % 2 else "Third Pole"] * n,
            "vegetation": [f"class {k // 2}"] * n,
            "snow_depth": latent + 0.3 * rng.normal(size=n), "snow_density": latent + 0.3 * rng.normal(size=n),
            "snow_cover": latent + 0.3 * rng.normal(size=n),
            "surface_offset": 3.0 + k + own * latent + 0.5 * rng.normal(size=n)}))
    return pl.concat(rows)


@pytest.mark.parametrize("profile", ["talik", "liu2025"])
def test_a_planted_slope_is_found(profile):
    found = group_slopes(planted(), "surface_offset", SNOW, profile=profile, replicates=200)
    low, high = found.pooled.interval
    per_unit = -1.0 if profile == "talik" else -1.0 / np.sqrt(3)     # a raw component of three has SD near sqrt(3)
    assert low < per_unit < high
    assert high < 0


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 500), st.floats(-40, 40), st.floats(0.05, 30))
def test_the_common_slope_ignores_units_shifts_and_order(seed, shift, scale):
    table = planted(seed)
    base = group_slopes(table, "surface_offset", SNOW, replicates=100)
    moved = table.with_columns(pl.col("surface_offset") + shift, pl.col("snow_depth") * scale + shift).sample(
        fraction=1.0, shuffle=True, seed=seed)
    again = group_slopes(moved, "surface_offset", SNOW, replicates=100)
    assert again.pooled.mean == pytest.approx(base.pooled.mean, rel=1e-6)
    assert again.pooled.se == pytest.approx(base.pooled.se, rel=1e-6)


def test_the_anchor_decides_the_sign_of_the_common_slope():
    table = planted().with_columns(-pl.col("snow_cover"))
    by_depth = group_slopes(table, "surface_offset", SNOW, anchor="snow_depth", replicates=100)
    by_cover = group_slopes(table, "surface_offset", SNOW, anchor="snow_cover", replicates=100)
    assert by_depth.pooled.mean == pytest.approx(-by_cover.pooled.mean)
    assert by_depth.pooled.mean < 0


def test_random_signs_erase_a_slope_that_is_the_same_everywhere():
    found = group_slopes(planted(), "surface_offset", SNOW, profile="liu2025")
    checks = {row["check"]: row for row in found.checks.iter_rows(named=True)}
    assert checks["random signs"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert checks["random signs"]["low"] < 0 < checks["random signs"]["high"]
    assert found.pooled.mean < checks["random signs"]["low"]
    assert checks["heterogeneity under random signs"]["value"] > 0.9


def test_groups_whose_sign_depends_on_the_rule_are_listed():
    rng = np.random.default_rng(0)
    f = rng.normal(size=30)
    table = {"region": ["A"] * 15 + ["B"] * 15, "vegetation": ["x"] * 30, "surface_offset": f + rng.normal(size=30),
             "p": np.r_[-f[:15], f[15:]], "q": f + 0.6 * rng.normal(size=30), "r": f + 0.6 * rng.normal(size=30)}
    slopes = group_slopes(table, "surface_offset", ["p", "q", "r"], profile="liu2025").slopes
    assert slopes["sign_by_rule"].to_list() == [True, False]


def test_every_group_left_out_has_its_reason():
    table = planted(sizes=(12, 12, 4, 8, 8, 8)).with_columns(pl.int_range(pl.len()).alias("row"))
    group = pl.col("region") + " / " + pl.col("vegetation")
    table = table.with_columns(
        pl.when(group == "Arctic / class 1").then(5.0).otherwise("surface_offset").alias("surface_offset"),
        *(pl.when(group == "Third Pole / class 2").then(1.0).otherwise(name).alias(name) for name in SNOW),
        pl.when(pl.col("row") == 0).then(None).otherwise("vegetation").alias("vegetation"))
    slopes = group_slopes(table, "surface_offset", SNOW, replicates=100).slopes
    reasons = dict(slopes.select("group", "reason").iter_rows())
    assert reasons["Third Pole / class 1"] == "4 complete sites, at least 5 are needed"
    assert reasons["Arctic / class 1"] == "surface_offset does not vary"
    assert reasons["Third Pole / class 2"] == "no predictor varies"
    assert slopes.filter(pl.col("reason").is_null())["slope"].is_not_null().all()
    assert slopes.filter(pl.col("reason").is_not_null())["slope"].is_null().all()


def test_one_varying_driver_stands_for_the_component():
    table = planted().with_columns(pl.when(pl.col("vegetation") == "class 0").then(0.3).otherwise("snow_density")
                                   .alias("snow_density"),
                                   pl.when(pl.col("vegetation") == "class 0").then(1.0).otherwise("snow_cover")
                                   .alias("snow_cover"))
    slopes = group_slopes(table, "surface_offset", SNOW, profile="liu2025").slopes
    drivers = dict(slopes.select("group", "driver").iter_rows())
    assert drivers["Arctic / class 0"] == "snow_depth"
    assert drivers["Arctic / class 1"] == "PC1"


@pytest.mark.parametrize("variance", ["pooled", "moderated", "own", "HC3"])
def test_every_residual_variance_gives_an_honest_interval(variance):
    found = group_slopes(planted(), "surface_offset", SNOW, variance=variance, replicates=200)
    assert found.pooled.interval[0] < -1.0 < found.pooled.interval[1]
    assert set(found.checks["check"]) >= {"one-stage mixed model", "permutation within groups", "leave one cell out"}


def test_checks_agree_with_the_slope_where_there_is_one_and_with_none_where_there_is_none():
    real = group_slopes(planted(slope=-1.0), "surface_offset", SNOW, replicates=500)
    none = group_slopes(planted(slope=0.0, seed=4), "surface_offset", SNOW, replicates=500)
    p = {name: dict(found.checks.select("check", "p").iter_rows())["permutation within groups"]
         for name, found in (("real", real), ("none", none))}
    assert p["real"] < 0.01 < 0.05 < p["none"]
    mixed = dict(real.checks.select("check", "value").iter_rows())["one-stage mixed model"]
    assert mixed == pytest.approx(real.pooled.mean, abs=0.1)


def test_sites_of_one_cell_leave_together():
    table = planted().with_columns(cell=pl.int_range(pl.len()) // 4)
    found = group_slopes(table, "surface_offset", SNOW, cell="cell", replicates=100)
    row = found.checks.filter(pl.col("check") == "leave one cell out").row(0, named=True)
    assert row["n"] == table["cell"].n_unique()
    assert row["low"] <= found.pooled.mean <= row["high"]


def test_the_same_seed_gives_the_same_result():
    one, two = (group_slopes(planted(), "surface_offset", SNOW, replicates=200, seed=7) for _ in range(2))
    assert one.checks.equals(two.checks)
    assert one.data_hash == two.data_hash


def test_loadings_say_what_the_composite_is():
    found = group_slopes(planted(), "surface_offset", SNOW, replicates=100)
    common = found.loadings.filter(pl.col("group") == "all sites")
    assert (common["loading"] ** 2).sum() == pytest.approx(1.0)
    assert (common["loading"] > 0).all()
    assert found.slopes["congruence"].min() > 0.9


@pytest.mark.parametrize("change, kind, message", [
    ({"profile": "liu"}, UnknownName, "unknown profile 'liu'. Did you mean 'liu2025'"),
    ({"by": ("region",)}, UsageError, "by: got .*expected two columns"),
    ({"min_n": 2}, UsageError, "min_n: got 2; a line with an error needs at least 3 sites"),
    ({"anchor": "albedo"}, UnknownName, "unknown anchor 'albedo'"),
    ({"cell": "grid"}, UnknownName, "unknown column 'grid'"),
    ({"predictors": []}, UsageError, "predictors: got none"),
    ({"predictors": [SNOW[0], SNOW[0]]}, UsageError, f"predictors: {SNOW[0]} named more than once"),
    ({"predictors": ["surface_offset"]}, UsageError, "'surface_offset' is the response"),
    ({"predictors": ["snow_dept"]}, UnknownName, "unknown column 'snow_dept'. Did you mean 'snow_depth'"),
])
def test_wrong_arguments_are_named(change, kind, message):
    arguments = {"predictors": SNOW, **change}
    with pytest.raises(kind, match=message):
        group_slopes(planted(), "surface_offset", arguments.pop("predictors"), **arguments)


def test_wrong_values_are_named():
    table = planted()
    with pytest.raises(DataError, match="'snow_depth' holds an infinite value"):
        group_slopes(table.with_columns(snow_depth=float("inf")), "surface_offset", SNOW)
    with pytest.raises(DataError, match="no site has surface_offset, snow_depth, .* all at once"):
        group_slopes(table.with_columns(snow_depth=None), "surface_offset", SNOW)
    with pytest.raises(DataError, match="snow_depth does not vary over the 74 complete sites"):
        group_slopes(table.with_columns(snow_depth=1.0), "surface_offset", SNOW)


def test_too_few_groups_are_pooled_with_a_status_not_a_number():
    found = group_slopes(planted(sizes=(12,)), "surface_offset", SNOW)
    assert found.pooled.status == "one study"
    assert found.checks["meaning"].to_list() == ["fewer than two groups: nothing to check against"]
    nothing = group_slopes(planted(sizes=(3, 3)), "surface_offset", SNOW)
    assert nothing.pooled.status == "no study"
    assert nothing.slopes["reason"].is_not_null().all()


def test_the_bundled_table_gives_an_honest_example():
    found = group_slopes(talik.sites("three-poles"), "surface_offset", ["elevation", "latitude"], profile="liu2025")
    assert found.pooled.k == 5
    assert "4 of 9 groups left out" in str(found)


@pytest.mark.realdata
def test_real_coarse_predictors_run_by_both_profiles(real):
    coarse = pl.read_csv(real / "three_poles" / "predictors_coarse.csv", infer_schema_length=None)
    coarse = coarse.select("site", snow_water_equivalent="swe_mean_mm__speedy_t30",
                           snow_cover="snow_months_frac__speedy_t30")
    table = talik.sites("three-poles").join(coarse, on="site")
    drivers = ["snow_water_equivalent", "snow_cover"]
    for profile in ("liu2025", "talik"):
        found = group_slopes(table, "surface_offset", drivers, profile=profile, replicates=200)
        assert found.pooled.k >= 3
        assert not [g for g in found.slopes["group"] if g.startswith("Antarctica")] or found.slopes.filter(
            pl.col("group").str.starts_with("Antarctica"))["reason"].is_not_null().all()
