"""The figures of one station, empty: series, temperature by depth and time, trumpet. The page's script fills them."""

from __future__ import annotations

from typing import Any

import numpy as np

from talik.atlas.canvas import INK, models, sheet
from talik.atlas.drawings import Drawing
from talik.atlas.quantities import palettes

COLD, WARM = "#0072B2", "#D55E00"
_TOOLS = "xpan,xbox_zoom,xzoom_in,xzoom_out,reset,save"


def station_figures() -> list[Drawing]:
    """Series and depth-time over one axis of time, and the trumpet."""
    time = models().Range1d(0, 1)
    return [_series(time), _depth_time(time), _trumpet()]


def _series(time: Any) -> Drawing:
    fig = sheet(name="series", tools=_TOOLS, height=340, x_axis_type="datetime", x_range=time,
                y_range=models().Range1d(-1, 1))
    lines = _source("series-lines", xs=[], ys=[], colour=[], dash=[], name=[])
    fig.multi_line("xs", "ys", source=lines, line_color="colour", line_dash="dash", line_width=1.3,
                   line_join="bevel")
    marks = _source("series-marks", x=[], y=[], marker=[], colour=[], told=[], value=[])
    shown = fig.scatter("x", "y", source=marks, marker="marker", size=7, line_color="colour", fill_alpha=0,
                        line_width=1.2)
    fig.add_tools(models().HoverTool(renderers=[shown], tooltips=[("Rejected", "@value"), ("", "@told")]))
    fig.renderers.append(models().Span(location=0, dimension="width", line_color=INK, line_dash="dashed"))
    fig.grid.grid_line_alpha = 0.25
    fig.xaxis.major_label_policy = models().NoOverlap()
    fig.yaxis.axis_label = "Temperature (°C)"
    return Drawing("Daily means", fig)


def _depth_time(time: Any) -> Drawing:
    fig = sheet(name="depth-time", tools=_TOOLS, height=420, x_axis_type="datetime", x_range=time,
                y_range=models().Range1d(1, 0))
    fig.background_fill_color, fig.background_fill_alpha = "#808080", 0.3
    fig.grid.visible = False
    colours = models().LinearColorMapper(palette=palettes()["signed"], low=-1, high=1, nan_color="#00000000",
                                         name="depth-time-colours")
    field = _source("depth-time-field", image=[np.zeros((1, 1), dtype=np.float32)], x=[0.0], y=[0.0], dw=[1.0],
                    dh=[1.0])
    fig.image("image", "x", "y", "dw", "dh", source=field, color_mapper=colours)
    front = _source("depth-time-zero", x0=[], y0=[], x1=[], y1=[], width=[])
    fig.segment("x0", "y0", "x1", "y1", source=front, line_color="#1a1a1a", line_width="width")
    fig.add_layout(models().ColorBar(color_mapper=colours, width=12, padding=8, background_fill_alpha=0,
                                     bar_line_color=INK), "right")
    fig.xaxis.major_label_policy = models().NoOverlap()
    fig.yaxis.axis_label = "Depth (m)"
    return Drawing("Temperature by depth and time (°C)", fig)


def _trumpet() -> Drawing:
    fig = sheet(name="trumpet", tools="pan,box_zoom,reset,save", height=420, x_range=models().Range1d(-1, 1),
                y_range=models().Range1d(1, 0))
    data = _source("trumpet-years", depth=[], low=[], mean=[], high=[], name=[])
    fig.harea(y="depth", x1="low", x2="high", source=data, fill_color=INK, fill_alpha=0.15)
    for name, colour, marker in (("low", COLD, "inverted_triangle"), ("high", WARM, "triangle"),
                                 ("mean", INK, "circle")):
        tags = ["ink"] if name == "mean" else []
        line = fig.line(name, "depth", source=data, line_color=colour, line_width=2)
        dots = fig.scatter(name, "depth", source=data, marker=marker, size=8, fill_color=colour, line_color=colour)
        line.glyph.tags, dots.glyph.tags = tags, tags
        if name == "mean":
            fig.add_tools(models().HoverTool(renderers=[dots], tooltips=[
                ("", "@name"), ("Warmest day", "@high{0.00} °C"), ("Mean", "@mean{0.00} °C"),
                ("Coldest day", "@low{0.00} °C")]))
    fig.renderers.append(models().Span(location=0, dimension="height", line_color=INK, line_dash="dashed"))
    table = _source("trumpet-table", x=[], y=[], width=[], height=[])
    fig.rect("x", "y", "width", "height", source=table, fill_color="#009E73", fill_alpha=0.25, line_alpha=0)
    top = _source("trumpet-top", left=[], right=[], depth=[])
    fig.segment("left", "depth", "right", "depth", source=top, line_color="#009E73", line_width=2.5,
                line_dash=[6, 3])
    fig.grid.grid_line_alpha = 0.25
    fig.xaxis.axis_label = "Ground temperature (°C)"
    fig.yaxis.axis_label = "Depth (m)"
    return Drawing("Trumpet", fig)


def _source(called: str, /, **columns: Any) -> Any:
    return models().ColumnDataSource(columns, name=called)
