"""Forests and contributions as Bokeh figures: rows with intervals, dots that know their site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from talik.atlas.canvas import INK, models, sheet
from talik.variables import VARIABLES, shown_unit

ROW = 26
"""Height of a row of a forest [px]."""
_WIDE = 3.0
"""Intervals are cut this many usual lengths beyond the outermost means."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A Bokeh figure and its title, which the page writes so that it wraps and can be read aloud."""

    title: str
    figure: Any

    @property
    def name(self) -> str:
        """The figure's name: the page draws it into the element `draw-` and this."""
        return str(self.figure.name)


def label(name: str) -> str:
    """The catalogue's label of a name, or the name."""
    return VARIABLES[name].label if name in VARIABLES else name


def unit(name: str) -> str:
    """The catalogue's unit of a name as people write it, or nothing."""
    return shown_unit(VARIABLES[name].units) if name in VARIABLES else ""


def forest(rows: pl.DataFrame, *, name: str, title: str, axis: str, colours: Sequence[str]) -> Drawing:
    """
    Rows with their intervals; one much wider than the others is cut and ends in an arrow, which the title explains.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns row (its name), mean, low, high (null where there is no interval) and told (n and so on); from the top.
    colours : sequence of str
        One a row.
    """
    n = rows.height
    at = np.arange(n, 0, -1, dtype=float)
    low, high, mean = (rows[column].cast(pl.Float64).fill_null(np.nan).to_numpy() for column in ("low", "high", "mean"))
    left, right = _edges(mean, low, high)
    source = models().ColumnDataSource({
        "row": rows["row"].to_list(), "y": at, "mean": mean, "low": low, "high": high, "told": rows["told"].to_list(),
        "colour": list(colours), "from": np.maximum(low, left), "to": np.minimum(high, right)})
    fig = _rows(name=name, rows=n)
    fig.renderers.append(models().Span(location=0, dimension="height", line_color=INK, line_dash="dashed"))
    fig.segment("from", "y", "to", "y", source=source, line_color="colour", line_width=3, line_alpha=0.75)
    cut = [(edge, k, turn) for edge, beyond, turn in ((left, low < left, 90), (right, high > right, -90))
           for k in np.flatnonzero(beyond).tolist()]
    if cut:
        fig.scatter([edge for edge, _, _ in cut], [at[k] for _, k, _ in cut], marker="triangle", size=10,
                    angle=[float(np.radians(turn)) for _, _, turn in cut], line_alpha=0,
                    fill_color=[colours[k] for _, k, _ in cut])
        title += ". Arrow: the interval goes on beyond the picture"
    dots = fig.scatter("mean", "y", source=source, size=10, fill_color="colour", line_color="#1a1a1a", line_width=0.6)
    fig.add_tools(models().HoverTool(renderers=[dots], tooltips=[
        ("Group", "@row"), ("Mean", "@mean{0.00}"), ("Interval", "@low{0.00} to @high{0.00}"), ("", "@told")]))
    fig.xaxis.axis_label = axis
    _name_rows(fig, rows["row"].to_list(), at)
    return Drawing(title, fig)


def contributions(rows: pl.DataFrame, order: Sequence[str], *, name: str, title: str, axis: str, palette: Sequence[str],
                  sites: Sequence[str]) -> Drawing:
    """
    Contributions of each predictor at each site, one row a predictor.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns site, driver, value, contribution.
    order : sequence of str
        Drivers from the top.
    palette : sequence of str
        Colours from the lowest to the highest value of a predictor; grey where it is missing.
    sites : sequence of str
        All sites, in the order of the page's data: a dot knows the number of its site.
    """
    number = {site: k for k, site in enumerate(sites)}
    rows = rows.filter(pl.col("driver").is_in(list(order)) & pl.col("site").is_in(list(number))).with_columns(
        rank=(pl.col("value").rank("average") / pl.col("value").count()).over("driver"))
    place = {driver: float(len(order) - k) for k, driver in enumerate(order)}
    contribution = rows["contribution"].to_numpy()
    centre = np.array([place[driver] for driver in rows["driver"]])
    colour = ["#8c8c8c" if rank is None else palette[min(int(rank * len(palette)), len(palette) - 1)]
              for rank in rows["rank"]]
    source = models().ColumnDataSource({
        "site": rows["site"].to_list(), "number": [number[site] for site in rows["site"]],
        "driver": [label(driver) for driver in rows["driver"]], "contribution": contribution,
        "value": rows["value"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        "y": centre + _swarm(contribution, centre), "colour": colour,
        "size": np.full(rows.height, 7.0)}, name=f"source-{name}", tags=["contributions"])
    fig = _rows(name=name, rows=2 * len(order))
    fig.renderers.append(models().Span(location=0, dimension="height", line_color=INK, line_dash="dashed"))
    dots = fig.scatter("contribution", "y", source=source, size="size", fill_color="colour", fill_alpha=0.9,
                       line_color="#55555588", line_width=0.5, nonselection_fill_alpha=0.45,
                       nonselection_line_alpha=0.3, selection_line_color="#e6007e", selection_line_width=3,
                       selection_line_alpha=1.0)
    fig.add_tools(models().TapTool(renderers=[dots]), models().HoverTool(renderers=[dots], tooltips=[
        ("Site", "@site"), ("Predictor", "@driver"), ("Value", "@value{0.[000]}"),
        ("Contribution", "@contribution{+0.00}")]))
    fig.xaxis.axis_label = axis
    _name_rows(fig, [label(driver) for driver in order], np.array([place[driver] for driver in order]))
    return Drawing(title, fig)


def _edges(mean: Any, low: Any, high: Any) -> tuple[float, float]:
    """Where intervals are cut, so that one very wide does not flatten the others."""
    length = (high - low)[np.isfinite(high - low)]
    if not length.size:
        return -np.inf, np.inf
    reach = max(_WIDE * float(np.median(length)), float(np.nanmax(mean) - np.nanmin(mean)))
    return float(np.nanmin(mean)) - reach, float(np.nanmax(mean)) + reach


def _swarm(values: Any, centre: Any, *, half: float = 0.36, bins: int = 60) -> Any:
    """How far each dot stands off its row's line, so that dots of nearly the same value lie side by side."""
    shift = np.zeros(values.size)
    span = float(np.ptp(values)) or 1.0
    cell = np.floor((values - values.min()) / span * bins)
    for row in np.unique(centre):
        for c in np.unique(cell[centre == row]):
            members = np.flatnonzero((centre == row) & (cell == c))
            steps = (np.arange(members.size) + 1) // 2 * np.where(np.arange(members.size) % 2, 1, -1)
            shift[members] = steps * min(0.09, 2 * half / max(members.size, 1))
    return shift


def _rows(*, name: str, rows: int) -> Any:
    fig = sheet(name=name, tools="pan,box_zoom,reset,save", height=int(ROW * rows + 90), y_range=(0.3, rows + 0.7))
    fig.ygrid.visible = False
    fig.xgrid.grid_line_alpha = 0.35
    return fig


def _name_rows(fig: Any, names: Sequence[str], at: Any) -> None:
    """Names of rows as plain text: a name from data is never read as mathematics."""
    fig.y_range.start, fig.y_range.end = 0.3, float(np.max(at)) + 0.7
    fig.yaxis.ticker = models().FixedTicker(ticks=[float(y) for y in at])
    fig.yaxis.major_label_overrides = {float(y): models().PlainText(text=text if len(text) <= 34 else text[:33] + "…")
                                       for y, text in zip(at, names, strict=True)}
    fig.yaxis.major_tick_line_color = None
    fig.yaxis.axis_line_color = None
    fig.yaxis.minor_tick_line_color = None
