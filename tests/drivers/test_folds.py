"""Folds hold neighbours together, also across the date line and at the poles."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

from talik.analysis.folds import deal, site_clusters, spatial_folds
from talik.analysis.planted import planted_drivers
from talik.errors import DataError, UnknownName, UsageError
from talik.kernels.neighbours import fold_distance, nearest_distance, wasserstein
from talik.kernels.sphere import great_circle

TABLE = planted_drivers("none", seed=5)
SCHEMES = ("region", "cluster", "block", "random")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_folds_are_a_partition(scheme):
    folds = spatial_folds(TABLE, scheme)
    tested = np.concatenate([test for _, test in folds.split(TABLE)])
    assert sorted(tested) == list(range(TABLE.height))
    for train, test in folds.split():
        assert not set(train) & set(test)
        assert len(train) + len(test) == TABLE.height
    assert folds.get_n_splits() == folds.n_folds == len(np.unique(folds.fold))


@pytest.mark.parametrize(("scheme", "group"), [("cluster", site_clusters(TABLE)),
                                               ("region", TABLE["subregion"].rank("dense").to_numpy())])
def test_a_group_is_never_split(scheme, group):
    fold = spatial_folds(TABLE, scheme, seed=3).fold
    assert all(np.unique(fold[group == g]).size == 1 for g in np.unique(group))


def test_cluster_folds_keep_at_least_their_reach_apart_and_random_ones_do_not():
    distance = great_circle(TABLE["latitude"], TABLE["longitude"])
    assert fold_distance(distance, spatial_folds(TABLE, "cluster", reach_km=60).fold).min() > 60
    assert spatial_folds(TABLE, "random").reach_km < 10 < 60 < spatial_folds(TABLE, "cluster").reach_km


@pytest.mark.parametrize("scheme", ["cluster", "block"])
def test_neighbours_across_the_date_line_and_the_pole_stay_together(scheme):
    sites = {"latitude": [71.0, 71.0, 20.0, 20.1], "longitude": [179.99, -179.99, 10.0, 10.0]}
    fold = spatial_folds(sites, scheme, k=2, block_km=1000).fold
    assert (scheme == "block") or (fold[0] == fold[1] != fold[2] == fold[3])
    pole = {"latitude": [89.99, 89.99, 0.0], "longitude": [0.0, 180.0, 0.0]}
    assert site_clusters(pole).tolist() == [0, 0, 1]


def test_blocks_do_not_depend_on_how_longitude_is_counted():
    shifted = TABLE.with_columns(pl.col("longitude") % 360)
    assert (spatial_folds(TABLE, "block").fold == spatial_folds(shifted, "block").fold).all()


def test_pandas_rows_in_another_order_give_the_same_groups():
    order = np.random.default_rng(0).permutation(TABLE.height)
    here, there = site_clusters(TABLE)[order], site_clusters(TABLE[order].to_pandas())
    assert len(set(zip(here, there, strict=True))) == len(set(here)) == len(set(there))


def test_same_seed_same_folds():
    assert (spatial_folds(TABLE, seed=4).fold == spatial_folds(TABLE, seed=4).fold).all()


def test_scikit_learn_takes_them():
    X, y = TABLE["snow_depth"].to_numpy()[:, None], TABLE["surface_offset"].to_numpy()
    assert cross_val_score(LinearRegression(), X, y, cv=spatial_folds(TABLE, "region")).size == 8


def test_knndm_matches_the_distances_of_the_targets_better_than_other_folds():
    rng = np.random.default_rng(1)
    targets = {"latitude": np.degrees(np.arcsin(rng.uniform(0.8, 1.0, 400))), "longitude": rng.uniform(-180, 180, 400)}
    sites = TABLE.filter(pl.col("latitude") > 60)
    folds = spatial_folds(sites, "knndm", k=5, targets=targets)
    distance = great_circle(sites["latitude"], sites["longitude"])
    wanted = nearest_distance(great_circle(*targets.values(), sites["latitude"], sites["longitude"]))
    others = [wasserstein(fold_distance(distance, spatial_folds(sites, s, k=5).fold), wanted)
              for s in ("random", "cluster")]
    assert folds.wasserstein_km < min(others)
    assert folds.wasserstein_km == pytest.approx(wasserstein(fold_distance(distance, folds.fold), wanted))
    assert np.bincount(folds.fold).max() <= sites.height / 2


def test_knndm_of_sites_as_spread_as_their_targets_is_random():
    rng = np.random.default_rng(2)
    sites = {"latitude": rng.uniform(-60, 60, 80), "longitude": rng.uniform(-180, 180, 80)}
    folds = spatial_folds(sites, "knndm", k=5, targets={name: v + 0.3 for name, v in sites.items()})
    assert "random folds match" in folds.notes[0]


values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@given(values, values)
@settings(max_examples=50, deadline=None)
def test_wasserstein_is_that_of_scipy_and_symmetric(a, b):
    assert wasserstein(a, b) == pytest.approx(wasserstein_distance(a, b), rel=1e-9, abs=1e-6)
    assert wasserstein(a, b) == pytest.approx(wasserstein(b, a), rel=1e-9, abs=1e-6)
    assert wasserstein(a, a) == 0


@given(st.lists(st.integers(0, 8), min_size=6, max_size=60).filter(lambda g: len(set(g)) > 1), st.integers(2, 6))
@settings(max_examples=50, deadline=None)
def test_dealing_keeps_groups_whole_and_leaves_no_fold_empty(groups, k):
    group = np.unique(groups, return_inverse=True)[1]
    fold = deal(group, k, np.random.default_rng(0))
    assert set(fold) == set(range(min(k, group.max() + 1)))
    assert all(np.unique(fold[group == g]).size == 1 for g in group)


def test_rows_without_a_place_have_no_fold_and_a_note():
    sites = TABLE.with_columns(pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("latitude").alias("latitude"))
    folds = spatial_folds(sites, "cluster")
    assert folds.fold[3] == -1
    assert all(3 not in train and 3 not in test for train, test in folds.split())
    assert folds.notes == ("1 row has no known place and no fold; give coordinates or a column `cluster`",)
    assert folds.to_frame()["fold"][3] is None


def test_a_cluster_column_goes_before_coordinates():
    assert site_clusters(TABLE.with_columns(cluster=pl.lit("basin"))).max() == 0


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"scheme": "basin"}, UnknownName, "unknown scheme 'basin'"),
    ({"scheme": "knndm"}, UsageError, "pass targets="),
    ({"scheme": "knndm", "targets": {"latitude": [None], "longitude": [1.0]}}, DataError, "no row has both"),
    ({"k": 1}, UsageError, "at least 2 folds"),
    ({"scheme": "block", "block_km": -1.0}, UsageError, "block_km: got -1"),
    ({"reach_km": 30000.0}, DataError, "1 cluster with a known place"),
    ({"scheme": "region", "by": "pole"}, UnknownName, "unknown column 'pole'"),
])
def test_what_cannot_be_done_is_said(arguments, error, message):
    with pytest.raises(error, match=message):
        spatial_folds(TABLE, **arguments)


@pytest.mark.parametrize(("table", "message"), [
    (TABLE.with_columns(subregion=pl.lit("Alaska")), "one region only"),
    (TABLE.with_columns(latitude=pl.lit(250.0)), "swapped"),
    (TABLE.with_columns(latitude=pl.lit("north")), "'north' is not a number"),
])
def test_bad_tables_are_refused(table, message):
    with pytest.raises(DataError, match=message):
        spatial_folds(table, "region" if "one" in message else "cluster")


def test_folds_of_another_table_are_refused():
    with pytest.raises(DataError, match="5 rows, the folds were made for 117"):
        next(spatial_folds(TABLE).split(TABLE[:5]))


def test_duplicate_rows_across_folds_are_counted():
    twice = pl.concat([TABLE, TABLE[:6]])
    assert "share their coordinates with a row of another fold" in spatial_folds(twice, "random", seed=1).notes[-1]
    assert spatial_folds(twice, "cluster").notes == ()
