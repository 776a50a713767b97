"""The maps as Bokeh figures over one source of sites, so that a selection on one is a selection on all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from talik.atlas.canvas import INK, models, sheet
from talik.atlas.projections import Chart

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOOLS = 0.085
"""Empty strip above a map, for its tools, as a share of its width."""


def site_source(sites: pl.DataFrame, maps: Sequence[Chart], looks: Mapping[str, Mapping[str, str]]) -> Any:
    """One row a site: positions on every map, marker, and what the script fills in (colour, size, text shown)."""
    n = sites.height
    empty = pl.Series([None] * n, dtype=pl.Float64)
    lat, lon = (_degrees(sites.get_column(name, default=empty)) for name in ("latitude", "longitude"))
    region = sites["region"].fill_null("").to_list() if "region" in sites.columns else [""] * n
    data: dict[str, Any] = {
        "site": sites["site"].cast(pl.String).fill_null("").to_list(), "region": region, "shown": [""] * n,
        "marker": [looks.get(name, {}).get("marker", "circle") for name in region],
        "colour": ["#808080"] * n, "size": np.full(n, 11.0)}
    for chart in maps:
        data[f"x_{chart.name}"], data[f"y_{chart.name}"] = chart.xy(lon, lat)
    return models().ColumnDataSource(data, name="sites")


def site_map(chart: Chart, source: Any, view: Any) -> Any:
    """One map: land, graticule, sites; tools that do not catch the page's scrolling."""
    left, bottom, right, top = (1.01 * edge for edge in chart.bounds)
    top += _TOOLS * (right - left)
    fig = sheet(name=f"map-{chart.name}", tools="pan,box_zoom,wheel_zoom,reset", active_scroll=None, toolbar_inner=True,
                x_range=models().Range1d(left, right), y_range=models().Range1d(bottom, top), min_border=0,
                aspect_ratio=(right - left) / (top - bottom))
    fig.axis.visible = False
    fig.grid.visible = False
    _ground(fig, chart)
    marks = fig.scatter(
        f"x_{chart.name}", f"y_{chart.name}", source=source, view=view, marker="marker", size="size",
        fill_color="colour", fill_alpha=0.92, line_color="#1a1a1a", line_width=0.8, nonselection_fill_alpha=0.92,
        nonselection_line_color="#1a1a1a", nonselection_line_alpha=1.0, selection_line_color="#e6007e",
        selection_line_width=3.5, name=f"marks-{chart.name}")
    told = [("Site", "@site"), ("Region", "@region"), ("Shown", "@shown")]
    fig.add_tools(models().TapTool(renderers=[marks]),
                  models().HoverTool(renderers=[marks], visible=False, tooltips=told))
    return fig


def site_view() -> Any:
    """The view that the filters of the page narrow."""
    return models().CDSView(filter=models().AllIndices(name="filter"), name="view")


def _ground(fig: Any, chart: Chart) -> None:
    land = chart.land()
    if chart.rim is not None:
        fig.circle([0.0], [0.0], radius=chart.bounds[2], fill_color="#4f93c4", fill_alpha=0.10, line_color=INK,
                   line_alpha=0.6, radius_units="data")
    elif chart.name == "world":
        lat = np.linspace(-89.99, 89.99, 91)
        edge = np.concatenate([lat, lat[::-1]])
        x, y = chart.xy(np.where(np.arange(182) < 91, -179.99, 179.99), edge)
        fig.patch(x, y, fill_color="#4f93c4", fill_alpha=0.10, line_color=INK, line_alpha=0.6)
    else:
        west, south, east, north = chart.bounds
        fig.patch([west, east, east, west], [south, south, north, north], fill_color="#4f93c4", fill_alpha=0.10,
                  line_color=INK, line_alpha=0.6)
    fig.multi_polygons([[[ring[:, 0] for ring in rings]] for rings in land],
                       [[[ring[:, 1] for ring in rings]] for rings in land],
                       fill_color="#8a8577", fill_alpha=0.35, line_color=INK, line_alpha=0.7, line_width=0.6)
    fig.multi_line(*chart.graticule(), line_color=INK, line_alpha=0.45, line_width=0.5)
    at_x, at_y, names = chart.labels()
    fig.text(at_x, at_y, text=names, text_color=INK, text_font_size="11px", text_baseline="bottom", text_align="left",
             name=f"names-{chart.name}")


def _degrees(column: pl.Series) -> Any:
    return column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
