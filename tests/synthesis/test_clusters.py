"""Which sites count as one: distance, chains of neighbours, named basins, sites nobody can place."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.errors import UsageError
from talik.kernels.sphere import great_circle
from talik.synthesis.clusters import ALONE, BY_BASIN, BY_DISTANCE, clusters

places = st.lists(st.tuples(st.floats(-89, 89), st.floats(-180, 179.9)), min_size=1, max_size=25)


def table(points, basin=None):
    frame = pl.DataFrame({"latitude": [p[0] for p in points], "longitude": [p[1] for p in points]},
                         schema={"latitude": pl.Float64, "longitude": pl.Float64})
    return frame if basin is None else frame.with_columns(basin=pl.Series(basin, dtype=pl.String))


def partition(numbers):
    return {frozenset(np.flatnonzero(np.asarray(numbers) == k)) for k in set(numbers)}


@given(points=places, seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_order_of_rows_does_not_matter(points, seed):
    order = np.random.default_rng(seed).permutation(len(points))
    direct = partition(clusters(table(points))["cluster"])
    shuffled = clusters(table([points[k] for k in order]))["cluster"].to_numpy()
    back = np.empty(len(points), dtype=int)
    back[order] = shuffled
    assert partition(back) == direct


@given(points=places, near=st.floats(1, 500), further=st.floats(1, 500))
@settings(max_examples=60, deadline=None)
def test_a_longer_reach_only_merges(points, near, further):
    small, large = sorted((near, further))
    coarse = clusters(table(points), cluster_km=large)["cluster"].to_list()
    for group in partition(clusters(table(points), cluster_km=small)["cluster"]):
        assert len({coarse[k] for k in group}) == 1


@given(points=places)
@settings(max_examples=60, deadline=None)
def test_sites_of_two_clusters_are_further_apart_than_the_reach(points):
    number = clusters(table(points))["cluster"].to_numpy()
    latitude, longitude = np.array(points).T
    apart = great_circle(latitude, longitude)[number[:, None] != number[None, :]]
    assert (apart > 60).all()


def test_a_chain_of_neighbours_is_one_cluster():
    chain = [(70.0 + 0.5 * k, 0.0) for k in range(10)]          # 55.6 km steps, 500 km in all
    assert clusters(table(chain))["cluster"].n_unique() == 1
    assert clusters(table(chain), cluster_km=50)["cluster"].n_unique() == 10


def test_sites_without_coordinates_go_to_their_basin_or_stand_alone():
    frame = table([(70, 0), (None, None), (None, None), (None, None), (None, None), (-70, 0)],
                  ["Lena", "Lena", None, "Ob", "Ob", None])
    found = clusters(frame)
    assert found["cluster"].to_list() == [0, 0, 2, 3, 3, 1]
    assert found["cluster_from"].to_list() == [BY_DISTANCE, BY_BASIN, ALONE, BY_BASIN, BY_BASIN, BY_DISTANCE]


def test_a_basin_that_spans_two_clusters_gives_its_first():
    frame = table([(70, 0), (60, 90), (None, None)], ["Lena", "Lena", "Lena"])
    assert clusters(frame)["cluster"].to_list() == [0, 1, 0]


@pytest.mark.parametrize("reach", [0, -5, float("nan")])
def test_a_reach_that_is_no_distance_is_refused(reach):
    with pytest.raises(UsageError, match="expected a positive distance in km"):
        clusters(table([(70, 0)]), cluster_km=reach)
