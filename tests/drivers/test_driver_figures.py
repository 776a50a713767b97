"""Figures of drivers show every row, keep their labels on the page, and refuse what cannot be drawn."""

from functools import cache

import polars as pl
import pytest
from matplotlib.text import Text

from talik.analysis.applicability import applicability
from talik.analysis.drivers import dependence, rank_drivers
from talik.analysis.folds import spatial_folds
from talik.analysis.nulls import importance_null
from talik.analysis.planted import planted_drivers
from talik.analysis.prediction import predict_offsets
from talik.analysis.skill import model_skill
from talik.errors import DataError
from talik.figures import drivers, skill
from talik.figures.canvas import figure

TABLE = planted_drivers("strong", seed=4)
NAMES = ["snow_depth", "snow_cover", "wind_speed", "transpiration"]


@cache
def known():
    return rank_drivers(TABLE, "surface_offset", [*NAMES, "latitude"], refits=20)


@cache
def skilled():
    return model_skill(TABLE, "surface_offset", NAMES, models=["mean", "ridge", "additive"], n_null=2)


def page(ax):
    fig = ax if hasattr(ax, "savefig") else ax.get_figure()
    fig.canvas.draw()
    return fig


def texts(fig):
    """Every text that is drawn: tick labels beyond the axis exist but are not."""
    found = [t for t in fig.findobj(Text) if t.get_text().strip() and t.get_visible()]
    ticks = [t for ax in fig.axes for axis in (ax.xaxis, ax.yaxis) for t in axis.get_majorticklabels()]
    kept = [t for ax in fig.axes for axis, limit in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim()))
            for t, at in zip(axis.get_majorticklabels(), axis.get_majorticklocs(), strict=False)
            if min(limit) <= at <= max(limit) and axis.get_visible()]
    return [t for t in found if t not in ticks] + [t for t in kept if t in found]


DRAWN = {
    "ranking": lambda: known().plot(verdict="declared"),
    "null": lambda: importance_null(TABLE, "surface_offset", NAMES, n_null=3, refits=2).plot(),
    "dependence": lambda: drivers.dependence(dependence(known(), "snow_depth")),
    "skill": lambda: skilled().plot(),
    "observed": lambda: skill.observed(skilled().predictions, model="ridge"),
    "prediction": lambda: predict_offsets(TABLE, "surface_offset", TABLE[:30], NAMES).plot(),
    "applicability": lambda: applicability(TABLE, TABLE[:30], NAMES).plot(),
    "folds": lambda: spatial_folds(TABLE, "cluster").plot(),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_fits_its_page(name):
    fig = page(DRAWN[name]())
    width, height = fig.get_size_inches() * fig.dpi
    assert texts(fig)
    for text in texts(fig):
        box = text.get_window_extent()
        assert -1 <= box.x0, (name, text.get_text())
        assert box.x1 <= width + 1, (name, text.get_text())
        assert -1 <= box.y0, (name, text.get_text())
        assert box.y1 <= height + 1, (name, text.get_text())


def test_ranks_stand_in_order_with_their_catalogue_names():
    ax = known().plot()
    page(ax)
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert labels[0].startswith(("Snow depth", "Snow cover"))
    assert len(labels) == len(NAMES)
    assert any("Left out: latitude" in t.get_text().replace("\n", " ") for t in texts(ax.get_figure()))


def test_a_given_axes_is_used():
    ax = figure().add_subplot()
    assert known().plot(ax=ax) is ax
    assert len(ax.get_figure().axes) == 1


def test_a_skill_off_the_scale_is_an_arrow_with_its_number():
    table = skilled().to_frame().with_columns(
        skill=pl.when(pl.col("model") == "additive").then(-3.0).otherwise("skill"))
    assert any(t.get_text() == "-3.0" for t in texts(page(skill.skill(table))))


@pytest.mark.parametrize("draw", [
    lambda: drivers.ranking(known().to_frame().filter(pl.col("importance").is_null())),
    lambda: drivers.dependence(dependence(known(), "snow_depth")[:0]),
    lambda: skill.skill(skilled().to_frame()[:0]),
    lambda: skill.observed(skilled().predictions, model="forest"),
    lambda: spatial_folds(TABLE, "cluster").plot(ax=1),
])
def test_nothing_to_draw_is_said(draw):
    with pytest.raises(DataError):
        draw()
