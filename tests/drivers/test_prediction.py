"""Intervals at new places: conformal by definition, wider for new regions, absent where nothing is known."""

import numpy as np
import polars as pl
import pytest

from talik.analysis.planted import planted_drivers
from talik.analysis.prediction import predict_offsets
from talik.errors import DataError, UnknownName, UsageError

STRONG = planted_drivers("strong", seed=6)
NAMES = ["snow_depth", "soil_water_3", "wind_speed", "albedo"]
TARGETS = planted_drivers("strong", seed=7)[::4]


def test_every_target_has_an_interval_around_its_prediction_or_a_reason():
    result = predict_offsets(STRONG, "surface_offset", TARGETS, NAMES)
    table = result.to_frame()
    given = table.drop_nulls("low")
    assert 0 < given.height <= table.height == TARGETS.height
    assert ((given["low"] < given["prediction"]) & (given["prediction"] < given["high"])).all()
    assert table.filter(pl.col("low").is_null())["reason"].null_count() == 0
    assert given["reason"].null_count() == given.height
    assert table["prediction"].null_count() == 0
    assert "in a region without sites" in str(result)


def test_a_new_region_is_less_certain_and_more_coverage_is_wider():
    def width(**arguments):
        table = predict_offsets(STRONG, "surface_offset", STRONG, NAMES, **arguments).to_frame()
        return (table["high"] - table["low"]).median()

    assert width(level="between_sites") < width(level="new_region") < width(level="new_region", coverage=0.97)


def test_a_shift_of_the_response_shifts_prediction_and_interval():
    a, b = (predict_offsets(t, "surface_offset", TARGETS, NAMES).to_frame()
            for t in (STRONG, STRONG.with_columns(pl.col("surface_offset") + 5.0)))
    for name in ("prediction", "low", "high"):
        assert np.allclose((a[name] + 5.0).drop_nulls(), b[name].drop_nulls())


def test_known_sites_are_covered_at_the_nominal_rate_when_exchangeable():
    """With one site a cluster and pure noise as response the sites are exchangeable and coverage is a theorem."""
    covered = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        table = pl.DataFrame({"cluster": np.arange(240), "snow_depth": rng.normal(0.5, 0.1, 240),
                              "surface_offset": rng.normal(size=240)})
        shown = predict_offsets(table[:80], "surface_offset", table[80:], ["snow_depth"], level="between_sites")
        inside = shown.to_frame().with_columns(truth=table["surface_offset"][80:]).drop_nulls("low")
        covered += ((inside["low"] <= inside["truth"]) & (inside["truth"] <= inside["high"])).to_list()
    assert np.mean(covered) == pytest.approx(0.90, abs=0.06)


def test_no_interval_outside_the_area_of_applicability():
    far = TARGETS.with_columns(snow_depth=pl.lit(15.0))
    table = predict_offsets(STRONG, "surface_offset", far, NAMES).to_frame()
    assert table["low"].null_count() == table.height
    assert set(table["reason"]) == {"outside the area of applicability"}
    assert str(predict_offsets(STRONG, "surface_offset", far, NAMES)).endswith("no target lies where an interval "
                                                                               "can be given")


def test_a_missing_predictor_is_named():
    table = predict_offsets(STRONG, "surface_offset", TARGETS.with_columns(
        snow_depth=pl.lit(None, dtype=pl.Float64)), NAMES).to_frame()
    assert set(table["reason"]) == {"missing: snow_depth"}


def test_without_skill_the_prediction_is_the_mean_and_says_so():
    table = STRONG.with_columns(surface_offset=pl.Series(np.random.default_rng(1).normal(size=STRONG.height)))
    result = predict_offsets(table, "surface_offset", TARGETS, ["albedo"])
    assert result.rounds == 0
    assert result.to_frame()["prediction"].n_unique() == 1
    assert "the prediction is the mean everywhere" in result.notes[-1]


@pytest.mark.parametrize(("arguments", "change", "error", "message"), [
    ({"level": "map"}, {}, UnknownName, "unknown level"),
    ({"coverage": 1.0}, {}, UsageError, "expected 0.5 to 0.99"),
    ({"targets": TARGETS.drop("albedo")}, {}, UnknownName, "targets: unknown column 'albedo'"),
    ({}, {"subregion": pl.lit("x"), "region": pl.lit("x")}, DataError, "one region only"),
    ({"targets": TARGETS.with_columns(albedo=pl.lit("grey"))}, {}, DataError, "'grey' is not a number"),
])
def test_bad_input_is_refused(arguments, change, error, message):
    with pytest.raises(error, match=message):
        predict_offsets(STRONG.with_columns(**change), "surface_offset",
                        **{"targets": TARGETS, "predictors": NAMES, **arguments})


def test_too_few_rows_for_the_coverage_are_refused():
    with pytest.raises(DataError, match="30 rows cannot give 98 % intervals"):
        predict_offsets(STRONG[::4], "surface_offset", TARGETS, NAMES, coverage=0.98)
