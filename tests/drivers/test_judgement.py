"""What a predictor may be besides a measurement is said before it is used, on made-up and on real tables."""

import numpy as np
import polars as pl
import pytest

from talik.analysis.drivers import rank_drivers
from talik.analysis.planted import planted_drivers
from talik.analysis.predictors import FLAGS, Origin, judge_predictors, missingness_fits
from talik.errors import UnknownName, UsageError

TABLE = planted_drivers("strong", seed=2)
REAL_NAMES = {
    "precip_mm__cru_cl2_gsod": "precipitation", "wind_ms__cru_cl2_gsod": "wind_speed",
    "swvl1__speedy_t30": "soil_water_1", "swvl2__speedy_t30": "soil_water_2", "swvl3__speedy_t30": "soil_water_3",
    "albedo__speedy_t30": "albedo", "lai_mean__plasim_t42": "lai_high", "elevation_m__itu_p1511": "elevation",
    "snow_density_kgm3_class_derived__liston_sturm_050": "snow_density", "rain_mm__itu_p837": "rain",
    "swe_mean_mm__speedy_t30": "snow_water"}
CRU = Origin(distance="dist_km__cru_cl2_gsod", cell_km=18.0, period=(1961, 1990))


@pytest.fixture(scope="module")
def three_poles(real):
    sites = pl.read_csv(real / "three_poles" / "table1.csv", infer_schema_length=None)
    coarse = pl.read_csv(real / "three_poles" / "predictors_coarse.csv", infer_schema_length=None)
    return sites.join(coarse.drop("region", "subregion", "site"), on="no").rename(
        {"so_c": "surface_offset", "to_c": "thermal_offset", **REAL_NAMES})


def test_a_clean_predictor_has_no_flag():
    judged = judge_predictors(TABLE, ["snow_depth", "wind_speed"])
    assert judged.to_frame()["flag"].null_count() == 2
    assert str(judged) == "no predictor is flagged"


@pytest.mark.parametrize(("column", "flag"), [
    (pl.when(pl.col("region") != "Third Pole").then("snow_depth"), "missing_follows_region"),
    (pl.when(pl.col("subregion") != "Alaska").then("snow_depth"), "missing_follows_region"),
    ((pl.col("snow_depth") * 10).round(0), "class_lookup"),
    ((pl.col("snow_depth") * 40).round(0), "few_values"),
    (pl.col("snow_depth") * 100, "out_of_range"),
])
def test_each_fault_of_values_raises_its_flag(column, flag):
    judged = judge_predictors(TABLE.with_columns(column.alias("snow_depth")), ["snow_depth"])
    assert flag in judged.flags("snow_depth")


def test_scattered_gaps_are_not_taken_for_a_region():
    gaps = np.random.default_rng(0).random(TABLE.height) < 0.3
    table = TABLE.with_columns(pl.when(pl.Series(~gaps)).then("snow_depth").alias("snow_depth"))
    assert judge_predictors(table, ["snow_depth"]).flags("snow_depth") == ()


def test_distance_and_period_are_judged_where_they_are_known():
    table = TABLE.with_columns(far=pl.lit(40.0))
    origin = Origin(distance="far", cell_km=9.0, period=(1961, 1990))
    judged = judge_predictors(table, ["snow_depth"], origins={"snow_depth": origin}, response_period=(2005, 2020))
    assert judged.flags("snow_depth") == ("beyond_cell", "period_far")
    assert "117 of 117 values come from farther than the cell's 9 km (up to 40 km)" in str(judged)
    near = judge_predictors(table, ["snow_depth"], response_period=(1970, 1992),
                            origins={"snow_depth": Origin(distance="far", cell_km=50.0, period=(1961, 1990))})
    assert near.flags("snow_depth") == ()
    with pytest.raises(UnknownName, match="origins"):
        judge_predictors(table, ["snow_depth"], origins={"albedo": origin})
    with pytest.raises(UnknownName, match="unknown column"):
        judge_predictors(table, ["snow_depth"], origins={"snow_depth": Origin(distance="way")})


def test_gaps_that_mark_a_cold_region_explain_by_themselves():
    cold = pl.col("subregion").is_in(["Alaska", "Antarctica", "Nordic"])
    table = TABLE.with_columns(albedo=pl.when(~cold).then("albedo"),
                               surface_offset=pl.col("surface_offset") - 6 * cold.cast(pl.Float64))
    fits = missingness_fits(table, "surface_offset", ["albedo", "elevation"], seed=1)
    gaps, given = (fits.filter(fit=kind)["random"][0] for kind in ("gaps only", "as given"))
    assert gaps > 0.4
    assert gaps > given - 0.25
    assert fits.filter(fit="complete rows")["n"][0] == table["albedo"].count()


def test_too_few_complete_rows_are_a_reason():
    table = TABLE.with_columns(albedo=pl.when(pl.int_range(pl.len()) < 15).then("albedo"))
    fits = missingness_fits(table, "surface_offset", ["albedo", "elevation"], model="ridge")
    assert fits.filter(fit="complete rows")["reason"][0] == "15 rows are complete, 20 are needed"
    with pytest.raises(UsageError, match="none given"):
        missingness_fits(table, "surface_offset", [])


@pytest.mark.realdata
def test_precipitation_is_missing_at_exactly_the_antarctic_sites(three_poles):
    judged = judge_predictors(three_poles, list(REAL_NAMES.values()), response="surface_offset",
                              origins={"precipitation": CRU}, response_period=(1990, 2023))
    assert judged.flags("precipitation") == ("missing_follows_region", "beyond_cell", "period_far")
    assert "missing at all 18 rows of Antarctica and at 2 of the 95 others" in str(judged)
    assert "class_lookup" in judged.flags("snow_density")
    assert "few_values" in judged.flags("albedo")
    assert set(judged.to_frame()["flag"].drop_nulls()) <= set(FLAGS)


@pytest.mark.realdata
def test_surface_offset_has_about_zero_skill_where_gaps_cannot_help(three_poles):
    ranking = rank_drivers(three_poles, "surface_offset", list(REAL_NAMES.values()), refits=60)
    assert ranking.verdict == "no skill beyond the mean"
    trusted = ranking.skill.filter(predictors="gaps do not follow a region")
    assert trusted.filter(scheme="cluster")["skill"][0] == pytest.approx(0.0, abs=0.15)
    assert trusted.filter(scheme="cluster")["skill_low"][0] < 0
    assert trusted.filter(scheme="region")["skill"][0] < 0.05
    assert ranking.to_frame()["driver"][0] == "precipitation"
    assert "missing_follows_region" in ranking.to_frame()["flags"][0]


@pytest.mark.realdata
def test_nothing_beats_the_mean_for_the_thermal_offset(three_poles):
    ranking = rank_drivers(three_poles, "thermal_offset", list(REAL_NAMES.values()), refits=60)
    assert ranking.verdict == "no skill beyond the mean"
    assert (ranking.skill["skill"] < 0.02).all()
    assert "nothing surely beats the mean" in ranking.reasons[-1]
