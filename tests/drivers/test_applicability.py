"""Dissimilarity, area of applicability and point density by their published definitions."""

import numpy as np
import polars as pl
import pytest

from talik.analysis.applicability import applicability
from talik.analysis.planted import planted_drivers
from talik.errors import DataError, UnknownName, UsageError

TABLE = planted_drivers("none", seed=8)
NAMES = ["snow_depth", "wind_speed", "albedo"]


def test_the_index_is_the_definition_written_out():
    weights, fold = {"snow_depth": 2.0, "wind_speed": 1.0, "albedo": 0.0}, np.arange(TABLE.height) % 4
    targets = planted_drivers("none", seed=9)[:10]
    result = applicability(TABLE, targets, NAMES, weights=weights, fold=fold)
    X, new = (t.select(NAMES[:2]).to_numpy() for t in (TABLE, targets))
    scale = np.array([2.0, 1.0]) / X.std(axis=0)
    own = [[np.hypot(*((a - b) * scale)) for b in X] for a in X]
    mean = np.mean([own[i][j] for i in range(len(X)) for j in range(i)])
    index = [min(np.hypot(*((t - b) * scale)) for b in X) / mean for t in new]
    across = [min(own[i][j] for j in range(len(X)) if fold[i] != fold[j]) / mean for i in range(len(X))]
    low, high = np.quantile(across, [0.25, 0.75])
    assert result.to_frame()["dissimilarity"].to_numpy() == pytest.approx(index)
    assert result.threshold == pytest.approx(min(high + 1.5 * (high - low), max(across)))
    within = [sum(np.hypot(*((t - b) * scale)) / mean <= result.threshold for b in X) for t in new]
    assert result.to_frame()["density"].to_list() == within
    assert ((result.to_frame()["density"] > 0) == result.to_frame()["inside"]).all()


def test_a_site_itself_is_inside_and_a_far_place_is_outside():
    targets = pl.concat([TABLE[:1], TABLE[:1].with_columns(pl.col("snow_depth") + 30.0)])
    table = applicability(TABLE, targets, NAMES).to_frame()
    assert table["dissimilarity"][0] == 0
    assert table["inside"].to_list() == [True, False]
    assert table["density"][1] == 0


def test_units_and_common_weights_do_not_matter():
    scaled = TABLE.with_columns(pl.col("wind_speed") * 3.6)
    a = applicability(TABLE, TABLE[:9], NAMES).to_frame()
    b = applicability(scaled, scaled[:9], NAMES, weights=dict.fromkeys(NAMES, 7.0)).to_frame()
    assert a["dissimilarity"].to_numpy() == pytest.approx(b["dissimilarity"].to_numpy())


def test_farther_held_out_sites_widen_the_area():
    near = applicability(TABLE, TABLE[:2], NAMES, fold=np.arange(TABLE.height))
    far = applicability(TABLE, TABLE[:2], NAMES, fold=TABLE["subregion"].rank("dense").to_numpy())
    assert near.threshold < far.threshold


def test_targets_without_a_predictor_have_a_reason():
    targets = TABLE[:3].with_columns(albedo=pl.Series([None, 0.3, None], dtype=pl.Float64))
    result = applicability(TABLE, targets, NAMES)
    assert result.to_frame()["reason"].to_list() == ["missing: albedo", None, "missing: albedo"]
    assert result.to_frame()["dissimilarity"].null_count() == 2
    assert result.to_frame()["inside"].to_list()[0] is False


def test_sites_without_a_predictor_are_counted():
    sites = TABLE.with_columns(albedo=pl.when(pl.int_range(pl.len()) > 6).then("albedo"))
    assert applicability(sites, TABLE[:1], NAMES).notes == ("7 sites lack a predictor or a place and cannot be "
                                                            "compared with",)


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"weights": {"snow": 1.0}}, UsageError, "'snow' is not among"),
    ({"weights": dict.fromkeys(NAMES, 0.0)}, UsageError, "not all 0"),
    ({"weights": {"albedo": -1.0}}, UsageError, "0 or more"),
    ({"predictors": ["rain"]}, UnknownName, "unknown column 'rain'"),
    ({"fold": np.zeros(117)}, DataError, "one fold"),
    ({"sites": TABLE[:2]}, DataError, "2 rows know all"),
    ({"sites": TABLE.with_columns(pl.lit(1.0).alias(n) for n in NAMES)}, DataError, "nothing can be compared"),
    ({"targets": TABLE[:3].with_columns(albedo=pl.lit(float("inf")))}, DataError, "targets: column 'albedo'"),
])
def test_bad_input_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        applicability(**{"sites": TABLE, "targets": TABLE[:3], "predictors": NAMES, **arguments})
