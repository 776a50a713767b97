"""State profiles: the bold line is the mean, every site with a value is thin, what is not known is said."""

import numpy as np
import polars as pl
import pytest
from matplotlib.collections import LineCollection

import talik
from talik.errors import DataError, UnknownName
from talik.figures.profiles import AIR_HEIGHT, state_profiles

SITES = {"region": ["Arctic"] * 4, "maat": [-8.0, -6.0, -4.0, None], "magst": [-4.0, -3.0, -2.0, -3.0],
         "ttop": [-5.0, -4.0, None, -3.5], "alt": [0.5, None, 1.0, 0.9]}


def summary_of(sites, by="region"):
    present = [name for name in ("maat", "magst", "ttop", "alt") if name in sites.columns]
    return talik.describe(sites, by=by, variables=present, n_boot=100).to_frame()


@pytest.fixture(scope="module")
def three_poles():
    sites = talik.sites("three-poles")
    return sites, talik.describe(sites, n_boot=100).to_frame()


def panels(fig):
    return [ax for ax in fig.axes if ax.lines]


def thin(ax):
    return np.concatenate([np.array(c.get_segments()).reshape(-1, 2, 2) for c in ax.collections
                           if isinstance(c, LineCollection) and c.get_zorder() == 2 and len(c.get_segments())])


def test_the_bold_line_goes_through_the_means(three_poles):
    sites, summary = three_poles
    fig = state_profiles(sites, summary)
    assert len(panels(fig)) == 3
    for ax, region in zip(panels(fig), ("Arctic", "Third Pole", "Antarctica"), strict=True):
        mean = dict(summary.filter(group=region).select("variable", "mean").iter_rows())
        bold = next(line for line in ax.lines if line.get_zorder() == 4)
        np.testing.assert_allclose(bold.get_xdata(), [mean["maat"], mean["magst"], mean["ttop"]])
        np.testing.assert_allclose(bold.get_ydata(), [AIR_HEIGHT, 0.0, -mean["alt"]])


def test_every_part_of_every_site_is_drawn_once(three_poles):
    sites, summary = three_poles
    for ax, region in zip(panels(state_profiles(sites, summary)), ("Arctic", "Third Pole", "Antarctica"), strict=True):
        part = sites.filter(region=region)
        expected = part.drop_nulls(["maat", "magst"]).height + part.drop_nulls(["magst", "ttop"]).height
        assert len(thin(ax)) == expected


def test_a_site_without_alt_is_dotted_to_the_mean_depth_and_counted():
    sites = pl.DataFrame(SITES)
    fig = state_profiles(sites, summary_of(sites))
    ax = panels(fig)[0]
    dotted = [c for c in ax.collections if isinstance(c, LineCollection) and c.get_linestyle()[0][1] is not None]
    assert len(dotted) == 1
    np.testing.assert_allclose(dotted[0].get_segments(), [[[-3.0, 0.0], [-4.0, -0.8]]])
    assert "Dotted: 1 site without ALT" in fig._supxlabel.get_text().replace("\n", " ")


def test_alt_that_nobody_knows_is_said():
    sites = pl.DataFrame(SITES).drop("alt")
    ax = panels(state_profiles(sites, summary_of(sites)))[0]
    assert "ALT not known" in [text.get_text() for text in ax.texts]


def test_numbers_are_means_with_standard_errors(three_poles):
    texts = [text.get_text() for ax in panels(state_profiles(*three_poles)) for text in ax.texts]
    assert "MAAT −6.0 ± 0.5 °C" in texts
    assert any("SO 0.9 ± 0.2 °C" in text for text in texts)


def test_rounding_never_shows_minus_zero():
    sites = pl.DataFrame(SITES | {"magst": [-0.003, 0.002, -0.004, 0.001]})
    texts = [text.get_text() for text in panels(state_profiles(sites, summary_of(sites)))[0].texts]
    assert any(text.startswith("MAGST\n0.00 ") for text in texts)


def test_groups_the_catalogue_does_not_know_and_rows_without_a_group():
    sites = pl.DataFrame(SITES | {"region": ["Alps", "Alps", None, None]})
    fig = state_profiles(sites, summary_of(sites))
    assert [ax.get_title(loc="left").split(" (")[0] for ax in panels(fig)] == ["Alps", "(none)"]
    assert len(thin(panels(fig)[1])) > 0


def test_a_minus_at_the_start_of_a_number_stays():
    sites = pl.DataFrame(SITES | {"magst": [-20.04, -20.04, -20.04, -20.04]})
    texts = [text.get_text() for text in panels(state_profiles(sites, summary_of(sites)))[0].texts]
    assert any(text.startswith("MAGST\n−20.0") for text in texts)


def test_bad_tables_are_named():
    sites = pl.DataFrame(SITES)
    with pytest.raises(UnknownName, match="sites: unknown column 'magst'"):
        state_profiles(sites.drop("magst"), summary_of(sites))
    with pytest.raises(UnknownName, match="summary: unknown column 'se'"):
        state_profiles(sites, summary_of(sites).drop("se"))
    with pytest.raises(DataError, match="no group by 'subregion' has a mean"):
        state_profiles(sites.with_columns(subregion=pl.lit("Alaska")), summary_of(sites), by="subregion")


def test_depths_of_loggers_are_said_to_the_centimetre():
    sites = pl.DataFrame({**SITES, "ttop_depth": [0.711572, 0.871336, None, 0.8]})
    note = state_profiles(sites, summary_of(sites))._supxlabel.get_text()
    assert "TTOP of loggers: 0.71 to 0.87 m deep." in " ".join(note.split())
