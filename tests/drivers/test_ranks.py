"""Ranks come with intervals, directions with signs, and a driver is named only where the data resolve one."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from talik.analysis.candidates import candidates
from talik.analysis.drivers import dependence, interaction_strength, rank_drivers
from talik.analysis.planted import planted_drivers
from talik.analysis.refits import cluster_weights, correlated_groups, refit
from talik.errors import DataError, UnknownName, UsageError

STRONG = planted_drivers("strong", seed=4)
NAMES = ["snow_depth", "snow_cover", "soil_water_3", "wind_speed", "albedo", "elevation"]


@cache
def known():
    return rank_drivers(STRONG, "surface_offset", NAMES, refits=60, seed=1)


def test_the_planted_driver_is_declared_with_its_group():
    assert known().verdict == "declared"
    assert known().driver == "snow_depth + snow_cover"
    assert "cannot be told apart" in " ".join(known().reasons)
    assert str(known()).startswith("surface_offset: snow_depth + snow_cover declared as the leading driver.")


def test_ranks_and_intervals_are_consistent():
    table = known().to_frame()
    assert table["rank"].to_list() == list(range(1, len(NAMES) + 1))
    assert table["importance"].is_sorted(descending=True)
    for name in ("importance", "rank", "slope"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_high"]).all()
    assert table["share_top"].sum() == pytest.approx(1)
    assert known().groups["share_top"].sum() == pytest.approx(1)
    assert set(known().groups["members"]) == {1, 2}


def test_direction_is_that_of_the_planted_effect():
    table = known().to_frame()
    assert table.filter(driver="snow_depth")["direction"][0] == "rises"
    flipped = rank_drivers(STRONG.with_columns(-pl.col("snow_depth", "snow_cover")), "surface_offset", NAMES, refits=30)
    assert flipped.to_frame().filter(driver="snow_depth")["direction"][0] == "falls"


def test_units_of_a_predictor_change_its_slope_and_nothing_else():
    other = rank_drivers(STRONG.with_columns(pl.col("snow_depth") * 100), "surface_offset", NAMES, refits=60, seed=1)
    a, b = known().to_frame().sort("driver"), other.to_frame().sort("driver")
    assert np.allclose(a["importance"], b["importance"])
    scale = np.where(a["driver"] == "snow_depth", 100.0, 1.0)
    assert np.allclose(a["slope"], b["slope"] * scale)


def test_same_seed_same_ranking_from_pandas_too():
    again = rank_drivers(STRONG.to_pandas(), "surface_offset", NAMES, refits=60, seed=1)
    assert again.to_frame().equals(known().to_frame())
    assert again.data_hash == known().data_hash


def test_coordinates_are_left_out_unless_asked_for():
    left = rank_drivers(STRONG, "surface_offset", [*NAMES, "latitude"], refits=20).to_frame().filter(driver="latitude")
    assert left["importance"][0] is None
    assert left["reason"][0].startswith("a coordinate")
    asked = rank_drivers(STRONG, "surface_offset", [*NAMES, "latitude"], refits=20, coordinates=True)
    assert asked.to_frame().filter(driver="latitude")["importance"][0] is not None


def test_useless_predictors_stay_in_the_table_with_their_reason():
    table = STRONG.with_columns(albedo=pl.lit(0.3), elevation=pl.lit(None, dtype=pl.Float64))
    reasons = dict(rank_drivers(table, "surface_offset", NAMES, refits=20).to_frame()
                   .filter(pl.col("importance").is_null()).select("driver", "reason").rows())
    assert reasons == {"albedo": "constant (0.3 everywhere)", "elevation": "missing in every row"}


def test_gaps_that_follow_a_region_forbid_a_declaration():
    table = STRONG.with_columns(pl.when(pl.col("region") != "Antarctica").then(name).alias(name)
                                for name in ("snow_depth", "snow_cover"))
    ranking = rank_drivers(table, "surface_offset", NAMES, refits=40)
    assert ranking.verdict != "declared"
    assert "Antarctica" in str(ranking) or "gaps do not follow a region" in str(ranking)
    assert ranking.to_frame().filter(driver="snow_depth")["flags"][0] == "missing_follows_region"


def test_one_region_is_never_enough_to_declare():
    ranking = rank_drivers(STRONG.with_columns(subregion=pl.lit("all"), region=pl.lit("all")), "surface_offset", NAMES,
                           refits=40)
    assert ranking.verdict != "declared"
    assert "there is one region only" in str(ranking).lower()


def test_dependence_is_out_of_bag_and_its_mean_absolute_value_is_the_importance_in_order():
    part = dependence(known(), "snow_depth")
    assert part.height == STRONG.height
    assert np.corrcoef(part["value"], part["contribution"])[0, 1] > 0.8
    assert (part["contribution_low"] <= part["contribution_high"]).all()
    order = known().dependence.group_by("predictor").agg(pl.col("contribution").abs().mean()).sort("contribution")
    assert order["predictor"][-1] == known().to_frame()["driver"][0]
    with pytest.raises(UnknownName, match="unknown driver"):
        dependence(known(), "snow")


def test_a_planted_interaction_is_the_strongest():
    table = STRONG.with_columns(surface_offset=((pl.col("wind_speed") - 4.5) * (pl.col("albedo") - 0.3) * 40).tanh()
                                + 0.001 * pl.col("surface_offset"))
    pairs = interaction_strength(rank_drivers(table, "surface_offset", NAMES, refits=30), top=3)
    assert {pairs["driver"][0], pairs["other"][0]} == {"wind_speed", "albedo"}
    assert pairs.height == 3


def test_groups_are_found_given_or_refused():
    c = candidates(STRONG, "surface_offset", NAMES)
    assert ("snow_depth", "snow_cover") in correlated_groups(c).values()
    assert len(correlated_groups(c, "none")) == len(NAMES)
    assert correlated_groups(c, {"air": ["wind_speed", "albedo"]})["air"] == ("wind_speed", "albedo")
    for wrong in ({"a": ["rain"]}, {"a": ["albedo"], "b": ["albedo"]}, "some"):
        with pytest.raises(UsageError, match="groups"):
            correlated_groups(c, wrong)


def test_a_groups_importance_is_that_of_the_summed_contributions():
    c = candidates(STRONG, "surface_offset", NAMES)
    weights = cluster_weights(c.cluster, 5, 0)
    found = refit(c, [[0, 1], [2]], weights, 20, seed=0)
    for b, weight in enumerate(weights):
        phi = found.contribution[b][weight == 0]
        assert found.group_importance[b, 0] == pytest.approx(np.abs(phi[:, 0] + phi[:, 1]).mean(), rel=1e-4)
        assert np.isnan(found.contribution[b][weight > 0]).all()


@pytest.mark.parametrize(("change", "message"), [
    (lambda t: t[:19], "19 rows have"),
    (lambda t: t.with_columns(cluster=pl.int_range(pl.len()) % 3), "3 clusters of sites"),
    (lambda t: t.with_columns(albedo=pl.lit(float("-inf"))), "albedo.*infinite"),
    (lambda t: t.with_columns(albedo=pl.lit("bright")), "row 1: 'bright' is not a number"),
    (lambda t: t.with_columns(pl.lit(1.0).alias(name) for name in NAMES), "none is left.*constant"),
    (lambda t: t.with_columns(latitude=pl.lit(None, dtype=pl.Float64)), "0 rows have"),
])
def test_bad_tables_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        rank_drivers(change(STRONG), "surface_offset", NAMES, refits=20)


def test_bad_arguments_are_refused():
    with pytest.raises(UsageError, match="at least 20 refits"):
        rank_drivers(STRONG, "surface_offset", NAMES, refits=3)
    with pytest.raises(UnknownName, match="unknown column"):
        rank_drivers(STRONG, "offset", NAMES)


def test_repeated_rows_are_counted_and_stay_in_one_cluster():
    ranking = rank_drivers(pl.concat([STRONG, STRONG[:10]]), "surface_offset", NAMES, refits=20)
    assert "10 rows repeat the predictors of another row exactly" in " ".join(ranking.notes)
