"""Nulls keep what they promise to keep, and importance is judged against them."""

import numpy as np
import polars as pl
import pytest

from talik.analysis.candidates import candidates
from talik.analysis.nulls import importance_null, surrogates, within_regions
from talik.analysis.planted import planted_drivers
from talik.errors import DataError, UnknownName, UsageError
from talik.kernels.sphere import great_circle

STRONG = planted_drivers("strong", seed=4)
NAMES = ["snow_depth", "wind_speed", "albedo", "elevation"]


def moran(y, distance, reach=300.0):
    weight = (distance < reach) & ~np.eye(y.size, dtype=bool)
    z = y - y.mean()
    return (z @ weight @ z) / weight.sum() / (z @ z / y.size)


def test_surrogates_have_the_values_and_the_spatial_texture_of_the_response():
    c = candidates(planted_drivers("none", seed=3), "surface_offset", NAMES)
    distance = great_circle(c.sites["latitude"], c.sites["longitude"])
    drawn = surrogates(c, 60, np.random.default_rng(0))
    assert np.allclose(np.sort(drawn, axis=1), np.sort(c.y))
    texture = np.array([moran(y, distance) for y in drawn])
    shuffled = np.array([moran(np.random.default_rng(k).permutation(c.y), distance) for k in range(60)])
    assert np.median(texture) > np.quantile(shuffled, 0.99)
    assert np.quantile(texture, 0.01) < moran(c.y, distance) < np.quantile(texture, 0.99) + 0.15


def test_surrogates_are_unrelated_to_the_response():
    c = candidates(STRONG, "surface_offset", NAMES)
    r = [np.corrcoef(c.y, y)[0, 1] for y in surrogates(c, 100, np.random.default_rng(1))]
    assert abs(np.mean(r)) < 0.08


def test_shuffling_within_regions_keeps_every_regions_values():
    result = importance_null(STRONG, "surface_offset", NAMES, null="within_region", n_null=9, refits=4)
    assert result.to_frame().height == len(NAMES)
    c = candidates(STRONG, "surface_offset", NAMES)
    for y in within_regions(c, 5, np.random.default_rng(0)):
        for region in np.unique(c.region):
            assert np.allclose(np.sort(y[c.region == region]), np.sort(c.y[c.region == region]))
        assert not np.allclose(y, c.y)


@pytest.mark.parametrize("null", ["surrogate", "within_region"])
def test_the_planted_driver_stands_out_and_the_others_do_not(null):
    result = importance_null(STRONG, "surface_offset", NAMES, null=null, n_null=29, refits=4, seed=2)
    table = result.to_frame()
    assert table["driver"][0] == "snow_depth"
    assert table["p_any"][0] == pytest.approx(1 / 30)
    assert (table["p"] <= table["p_any"]).all()
    assert table.filter(driver="albedo")["p_any"][0] > 0.1
    assert "snow_depth" in str(result)


@pytest.mark.slow
def test_p_values_of_a_response_without_drivers_are_not_small_too_often():
    p = [importance_null(planted_drivers("none", seed=s), "surface_offset", NAMES, n_null=19, refits=3)
         .to_frame()["p_any"].min() for s in range(12)]
    assert np.mean(np.array(p) <= 0.05) <= 0.34          # 4 of 12 or fewer: P < 0.3 % at a true rate of 5 %


@pytest.mark.parametrize(("arguments", "change", "error", "message"), [
    ({"null": "shuffle"}, {}, UnknownName, "unknown null"),
    ({"n_null": 0}, {}, UsageError, "at least 1"),
    ({"null": "within_region"}, {"subregion": pl.lit("a"), "region": pl.lit("a")}, DataError, "one region only"),
    ({}, {"cluster": pl.col("site"), "latitude": pl.lit(None, pl.Float64)}, DataError, "0 rows have"),
])
def test_what_cannot_be_done_is_said(arguments, change, error, message):
    with pytest.raises(error, match=message):
        importance_null(STRONG.with_columns(**change), "surface_offset", NAMES,
                        **{"n_null": 2, "refits": 2, **arguments})


def test_surrogates_need_coordinates():
    table = STRONG.with_columns(cluster="site").drop("latitude", "longitude")
    with pytest.raises(DataError, match="need latitude and longitude"):
        importance_null(table, "surface_offset", NAMES, n_null=2, refits=2)


def test_rows_without_coordinates_are_left_out_and_counted():
    table = STRONG.with_columns(cluster="site", latitude=pl.when(pl.int_range(pl.len()) > 1).then("latitude"))
    result = importance_null(table, "surface_offset", NAMES, n_null=2, refits=2)
    assert result.notes == ("2 rows left out: no coordinates",)
