"""Regional forest: points are means, lines are the interval that was computed, each group once, under its region."""

import numpy as np
import polars as pl
import pytest

import talik
from talik.errors import DataError, UnknownName
from talik.figures.regions import FIVE, regional_forest


@pytest.fixture(scope="module")
def summary():
    return talik.describe(talik.sites("three-poles"), by="subregion", n_boot=100).to_frame()


def means(ax):
    return {float(line.get_ydata()[0]): float(line.get_xdata()[0]) for line in ax.lines if line.get_zorder() == 3}


def intervals(ax):
    return {float(line.get_ydata()[0]): line for line in ax.lines
            if line.get_zorder() == 2 and line.get_linestyle() != "None"}


def names(ax):
    return dict(zip(ax.get_yticks(), [text.get_text() for text in ax.get_yticklabels()], strict=True))


def test_points_and_lines_are_the_numbers_of_the_table(summary):
    fig = regional_forest(summary)
    assert len(fig.axes) == len(FIVE)
    for ax, quantity in zip(fig.axes, FIVE, strict=True):
        rows = {r["group"]: r for r in summary.filter(variable=quantity).iter_rows(named=True)}
        where = {name: line for line, name in names(fig.axes[0]).items()}
        assert set(rows) <= set(where)
        for group, row in rows.items():
            assert means(ax)[where[group]] == row["mean"]
            np.testing.assert_allclose(intervals(ax)[where[group]].get_xdata(), [row["ci_low"], row["ci_high"]])


def test_groups_stand_under_their_region_in_the_order_of_the_catalogue(summary):
    mixed = summary.sample(fraction=1, shuffle=True, seed=3)
    shown = [name for _, name in sorted(names(regional_forest(mixed).axes[0]).items())]
    assert shown == ["Arctic", "Alaska", "Canada", "Russia", "Nordic", "Svalbard", "Greenland", "Third Pole",
                     "Tibetan Plateau", "Antarctica"]


def test_n_is_that_of_the_values(summary):
    table = summary.with_columns(pl.when(pl.col("group") == "Nordic").then(7).otherwise("n").alias("n"))
    shown = [text.get_text() for text in regional_forest(table).axes[0].texts]
    assert "7" in shown
    assert "11" not in shown


def test_where_there_is_no_bootstrap_interval_there_is_none_and_that_is_said(summary):
    others = pl.when(pl.col("group") != "Svalbard")
    few = summary.with_columns(others.then(name).alias(name) for name in ("ci_low", "ci_high"))
    fig = regional_forest(few, variables=["thermal_offset"])
    line = {name: at for at, name in names(fig.axes[0]).items()}["Svalbard"]
    assert line not in intervals(fig.axes[0])
    assert "without interval: too few clusters" in fig._supxlabel.get_text().replace("\n", " ")
    assert "without interval" not in regional_forest(summary)._supxlabel.get_text()


def test_an_interval_far_wider_than_the_rest_ends_in_an_arrow(summary):
    wide = pl.when(group="Svalbard", variable="thermal_offset")
    far = summary.with_columns(wide.then(-90.0).otherwise("ci_low").alias("ci_low"))
    ax = regional_forest(far, variables=["thermal_offset"]).axes[0]
    assert ax.get_xlim()[0] > -10
    assert [line.get_marker() for line in ax.lines].count("<") == 1
    assert "<" not in [line.get_marker() for line in regional_forest(summary).axes[1].lines]


def test_one_site_has_a_mean_and_no_interval():
    site = {"subregion": ["Alps"], "thermal_offset": [-0.4]}
    lonely = talik.describe(site, by="subregion", variables=["TO"]).to_frame()
    ax = regional_forest(lonely, variables=["TO"]).axes[0]
    assert list(means(ax).values()) == [-0.4]
    assert intervals(ax) == {}


def test_unknown_groups_take_the_region_they_are_given():
    sites = {"subregion": ["Val A", "Val A", "Val B", "Val B"], "thermal_offset": [-1.0, -0.4, 0.2, 0.3]}
    table = talik.describe(sites, by="subregion", variables=["TO"]).to_frame()
    shown = names(regional_forest(table, variables=["TO"], regions={"Val A": "Alps", "Val B": "Alps"}).axes[0])
    assert [name for _, name in sorted(shown.items())] == ["Alps", "Val A", "Val B"]


def test_a_quantity_without_means_has_no_panel(summary):
    assert len(regional_forest(summary.filter(pl.col("variable") != "ttop")).axes) == 4


def test_bad_tables_are_named(summary):
    with pytest.raises(UnknownName, match="summary: unknown column 'ci_low'"):
        regional_forest(summary.drop("ci_low"))
    with pytest.raises(UnknownName, match="unknown variable 'ttopp'"):
        regional_forest(summary, variables=["ttopp"])
    with pytest.raises(DataError, match="no group by 'region' has a mean"):
        regional_forest(summary, by="region")
