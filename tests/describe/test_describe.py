"""Describing groups: laws of mean and spread, intervals that know of clusters, reasons instead of numbers."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import talik
from talik.analysis.describe import DESCRIBED, cluster_interval, describe
from talik.errors import DataError, UnknownName, UsageError

NUMBERS = ["mean", "se", "sd", "min", "max", "ci_low", "ci_high", "t_low", "t_high"]
samples = st.lists(st.floats(-20, 20).map(lambda x: round(x, 3)), min_size=6, max_size=30)


def one(values, cluster=None, **options):
    data = {"surface_offset": values} | ({} if cluster is None else {"cluster": cluster})
    return describe(data, by=None, variables=["SO"], n_boot=500, **options).to_frame().row(0, named=True)


@pytest.fixture(scope="module")
def sites():
    return talik.sites("three-poles")


@given(values=samples, shift=st.floats(-5, 5))
@settings(max_examples=40, deadline=None)
def test_a_shift_moves_places_and_leaves_spreads(values, shift):
    still, moved = one(values), one([v + shift for v in values])
    for name in ("mean", "min", "max", "ci_low", "ci_high", "t_low", "t_high"):
        assert moved[name] == pytest.approx(still[name] + shift, abs=1e-9)
    for name in ("sd", "se"):
        assert moved[name] == pytest.approx(still[name], abs=1e-9)


@given(values=samples)
@settings(max_examples=40, deadline=None)
def test_the_other_sign_mirrors_everything(values):
    plain, mirrored = one(values), one([-v for v in values])
    assert mirrored["mean"] == pytest.approx(-plain["mean"])
    assert (mirrored["t_low"], mirrored["min"]) == pytest.approx((-plain["t_high"], -plain["max"]))
    assert mirrored["cv"] == pytest.approx(plain["cv"]) if plain["cv"] is not None else mirrored["cv"] is None


@given(values=samples, data=st.data())
@settings(max_examples=40, deadline=None)
def test_intervals_lie_in_the_range_of_cluster_means_and_hold_the_mean(values, data):
    cluster = data.draw(st.lists(st.integers(0, 4), min_size=len(values), max_size=len(values)))
    row = one(values, cluster)
    if row["n_clusters"] < 3:
        assert row["ci_low"] is None
        assert "no bootstrap interval" in row["reason"]
        return
    means = [np.mean([v for v, c in zip(values, cluster, strict=True) if c == k]) for k in set(cluster)]
    assert min(means) - 1e-9 <= row["ci_low"] <= row["mean"] + 1e-9
    assert row["mean"] - 1e-9 <= row["ci_high"] <= max(means) + 1e-9


def test_order_of_rows_and_names_of_clusters_do_not_matter(sites):
    shuffled = sites.sample(fraction=1, shuffle=True, seed=3).with_columns(pl.col("cluster") * 7 + 1000)
    left, right = (describe(table, variables=["SO", "ALT"], n_boot=500).to_frame() for table in (sites, shuffled))
    assert left["group"].to_list() == right["group"].to_list()
    assert np.allclose(left.select(NUMBERS), right.select(NUMBERS), atol=1e-9, equal_nan=True)


def test_every_row_twice_in_its_cluster_keeps_the_cluster_interval(sites):
    """Copies of plots are no new evidence: the t interval shrinks, the cluster interval does not."""
    arctic = sites.filter(pl.col("region") == "Arctic")
    once, twice = (describe(table, variables=["TO"], n_boot=2000).to_frame().row(0, named=True)
                   for table in (arctic, pl.concat([arctic, arctic])))
    assert (twice["ci_low"], twice["ci_high"]) == pytest.approx((once["ci_low"], once["ci_high"]))
    assert twice["t_high"] - twice["t_low"] < 0.75 * (once["t_high"] - once["t_low"])


def test_t_interval_and_moments_equal_scipy(sites):
    values = sites.filter(pl.col("subregion") == "Alaska")["magst"].to_numpy()
    row = describe(sites, by="subregion", variables=["magst"], level=0.9, n_boot=200).to_frame().filter(
        pl.col("group") == "Alaska").row(0, named=True)
    low, high = stats.t.interval(0.9, values.size - 1, values.mean(), stats.sem(values))
    assert [row[k] for k in ("mean", "sd", "se", "t_low", "t_high")] == pytest.approx(
        [values.mean(), values.std(ddof=1), stats.sem(values), low, high])


def test_single_sites_as_clusters_agree_with_an_independent_bootstrap():
    values = np.random.default_rng(5).normal(3, 1, 200)
    low, high = cluster_interval(values, np.arange(200), level=0.95, n_boot=8000, generator=np.random.default_rng(1))
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=8000,
                             rng=np.random.default_rng(2)).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_n_counts_values_and_se_divides_by_it(sites):
    row = describe(sites, variables=["ALT"], n_boot=200).to_frame().filter(pl.col("group") == "Third Pole").row(
        0, named=True)
    assert (row["n"], row["n_sites"]) == (8, 32)
    assert row["se"] == pytest.approx(row["sd"] / np.sqrt(8))


def test_published_values_come_out(sites):
    """Liu et al. 2025: SO of the three poles and their standard errors, and ALT of the Nordic region."""
    by_region = describe(sites, variables=["SO"], n_boot=200).to_frame()
    assert by_region["group"].to_list() == ["Arctic", "Third Pole", "Antarctica"]
    assert by_region["mean"].round(1).to_list() == [3.1, 3.2, 0.9]
    assert by_region["se"].round(1).to_list() == [0.3, 0.2, 0.2]
    nordic = describe(sites, by="subregion", variables=["ALT"], n_boot=200).to_frame().filter(
        pl.col("group") == "Nordic")
    assert (nordic["mean"][0] * 100, nordic["se"][0] * 100) == pytest.approx((350.9, 114.4), abs=0.05)


def test_the_same_seed_gives_the_same_interval_and_the_same_group_too(sites):
    first, again = (describe(sites, by=["region", "subregion"], n_boot=300).to_frame() for _ in range(2))
    assert first.equals(again)
    whole = first.filter(pl.col("group") == "Antarctica")
    as_region, as_part = (whole.filter(pl.col("by") == by).drop("by") for by in ("region", "subregion"))
    assert as_region.equals(as_part)


# --- reasons instead of numbers

def test_every_null_has_a_reason(sites):
    few = sites.filter(pl.col("site").is_in(["Barrow", "Nuuk", "ELH", "TSH", "HRQ1", "HRQ2", "Rothera"]))
    table = describe(few, by=["region", "subregion"], n_boot=200).to_frame()
    for row in table.iter_rows(named=True):
        missing = [name for name in (*NUMBERS, "cv") if row[name] is None]
        assert (row["reason"] is not None) or not missing, row


def test_a_group_of_one_site_and_one_without_values():
    table = describe({"region": ["A", "B", "B"], "alt": [0.5, None, None], "maat": [-1.0, -2.0, -3.0]},
                     variables=["ALT", "MAAT"], n_boot=200).to_frame()
    reasons = dict(zip(zip(table["group"], table["variable"], strict=True), table["reason"], strict=True))
    assert reasons["A", "alt"] == "one value: no spread, no interval"
    assert reasons["B", "alt"] == "no values at 2 sites"
    assert table.filter(pl.col("group") == "A")["mean"].to_list() == [0.5, -1.0]


def test_cv_is_withheld_near_zero_and_given_elsewhere():
    assert one([-1.0, 1.0, 0.5, -0.4])["cv"] is None
    assert "cv withheld: |mean|" in one([-1.0, 1.0, 0.5, -0.4])["reason"]
    assert one([2.0, 3.0, 4.0, 3.0, 2.5])["cv"] == pytest.approx(np.std([2, 3, 4, 3, 2.5], ddof=1) / 2.9)


def test_few_clusters_are_told_to_be_few():
    assert "range of the means of 4 clusters: it may be too short" in one([1.0, 2.0, 3.0, 9.0])["reason"]
    many = one(list(np.linspace(2, 4, 12)))
    assert many["reason"] is None


def test_sites_without_region_or_cluster_are_counted():
    table = describe({"region": ["A", None, None], "cluster": [1, None, None], "maat": [-1.0, -2.0, -3.0]},
                     variables=["maat"], n_boot=200).to_frame()
    assert table.select("group", "n", "n_clusters").rows() == [("A", 1, 1), ("(none)", 2, 2)]


def test_the_result_says_a_sentence_and_keeps_what_it_came_from(sites):
    result = describe(sites, variables=["SO"], n_boot=300, seed=7)
    assert str(result).startswith("Arctic: SO 3.1 ± 0.28 °C (n = 66, range -0.5 to 8.4, 95 % CI ")
    assert result.settings["seed"] == 7
    assert result.data_hash == describe(sites, variables=["SO"], n_boot=200).data_hash
    assert result.data_hash != describe(sites.head(50), variables=["SO"], n_boot=200).data_hash
    assert result.to_pandas().shape == result.to_frame().shape
    assert "not known (no values" in str(describe({"alt": [None]}, by=None, variables=["ALT"]))
    assert "at one site" in str(describe({"alt": [1.0]}, by=None, variables=["ALT"]))


def test_it_plots_its_finest_grouping(sites):
    from matplotlib import pyplot

    result = describe(sites, by=["region", "subregion"], n_boot=200)
    drawn = result.plot()
    assert len(drawn.axes) == 5
    assert "Svalbard" in [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert len(describe(sites, variables=["ALT"], n_boot=200).plot().axes) == 1
    with pytest.raises(UsageError, match="leave ax out"):
        result.plot(ax=drawn.axes[0])
    pyplot.close("all")


def test_pandas_and_mappings_are_taken_and_not_changed(sites):
    data = sites.to_pandas()
    before = data.copy()
    assert describe(data, n_boot=200).to_frame().height == 3 * len(DESCRIBED)
    assert data.equals(before)


# --- faults

def test_faults():
    good = {"region": ["A"], "maat": [-1.0]}
    with pytest.raises(UnknownName, match="sites: unknown column 'regoin'. Did you mean 'region'"):
        describe(good, by="regoin", variables=["maat"])
    with pytest.raises(UnknownName, match="unknown variable 'maatt'. Did you mean 'maat'"):
        describe(good, variables=["maatt"])
    with pytest.raises(DataError, match="the table has no rows"):
        describe(pl.DataFrame(good).clear(), variables=["maat"])
    with pytest.raises(DataError, match=r"column 'maat', row 1: 'cold' is not a number"):
        describe({"region": ["A"], "maat": ["cold"]}, variables=["maat"])
    with pytest.raises(UsageError, match="level: got 95, expected a number between 0 and 1"):
        describe(good, variables=["maat"], level=95)
    with pytest.raises(UsageError, match="n_boot: got 10"):
        describe(good, variables=["maat"], n_boot=10)


@pytest.mark.slow
@pytest.mark.parametrize("k,least", [(6, 0.90), (12, 0.91), (40, 0.93)])
def test_cluster_intervals_cover_the_truth_where_t_intervals_do_not(k, least):
    """Clusters of 1 to 6 plots that share most of their value; 1500 simulated tables."""
    draws = np.random.default_rng(11)
    hit = naive = 0
    for _ in range(1500):
        size = draws.integers(1, 7, k)
        cluster = np.repeat(np.arange(k), size)
        values = draws.normal(0, 1, k)[cluster] + draws.normal(0, 0.4, cluster.size)
        low, high = cluster_interval(values, cluster, level=0.95, n_boot=1000, generator=draws)
        t_low, t_high = stats.t.interval(0.95, values.size - 1, values.mean(), stats.sem(values))
        hit += low <= 0 <= high
        naive += t_low <= 0 <= t_high
    assert least <= hit / 1500 <= 0.99
    assert naive / 1500 < 0.85
