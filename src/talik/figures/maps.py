"""Maps of sites: offsets by colour and size (figures 3 and 4), and where the sites are (figure 8)."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from talik.errors import DataError
from talik.figures.canvas import (
    DOUBLE,
    INK,
    NORMAL,
    QUIET,
    SINGLE,
    SMALL,
    colour_map,
    figure,
    looks,
    styled,
)
from talik.figures.views import View, frame, view
from talik.frames import as_frame, numbers
from talik.variables import Region, Variable, shown_unit, variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from talik.figures.extent import Extent

_MM = 25.4
_RIM, _KEYS, _SHADING = 4.0, 18.0, 8.0
_SMALLEST, _LARGEST = 6.0, 80.0
_LIMITS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0)
_THIRDS = (1.5, 3.0, 6.0, 15.0, 30.0)
_MARKERS = ("o", "s", "D", "^", "v", "<", ">", "p", "*")
_NAMED = 6
_UNNAMED = "Region not given"
_ARITHMETIC = {"surface_offset": "MAGST − MAAT", "thermal_offset": "TTOP − MAGST"}


@dataclass(frozen=True, slots=True)
class _Panel:
    """One region's map: its sites that can be drawn, its view and axes, and its place on the page [mm]."""

    name: str
    rows: pl.DataFrame
    view: View
    ax: Any
    size: tuple[float, float]

    @property
    def xy(self) -> NDArray[np.float64]:
        return np.column_stack(self.view.xy(self.rows["longitude"], self.rows["latitude"]))


@styled
def offset_map(sites: Any, quantity: str = "surface_offset", *, extent: Extent | None = None) -> Figure:
    """
    Maps of an offset, one panel a region: colour is the signed value, size its magnitude, shape its sign.

    Parameters
    ----------
    sites : polars or pandas frame
        Columns `site`, `latitude`, `longitude` [degrees], `quantity` [K]; `region` for the panels.
    quantity : str
        The column drawn, a name of the catalogue: "surface_offset" or "thermal_offset".
    extent : Extent, optional
        Permafrost extent drawn beneath the sites (see `talik.figures.extent.read_extent`).

    Returns
    -------
    matplotlib Figure
        Axes are cartopy's, so a layer of your own can be added with `transform=`.

    Raises
    ------
    UnknownName
        If a column is missing.
    DataError
        If no site has both coordinates and a value, or a coordinate is not on Earth.

    Notes
    -----
    The colour scale is centred on 0 and reaches to the 90th percentile of the magnitude, rounded up; values
    beyond it have the end colour and are marked by the arrow of the colour bar. Sites without a value are
    crosses; sites without coordinates are named under the maps.
    """
    from matplotlib.colors import Normalize

    known = variable(quantity)
    rows = _located(sites, quantity)
    if rows["value"].drop_nulls().is_empty():
        raise DataError(f"offset_map: no site with coordinates has a value of {quantity!r}: nothing to draw")
    fig, panels, foot = _page(rows, extent, _remarks(_rows(sites, quantity), quantity))
    magnitude = rows["value"].drop_nulls().abs()
    limit = _round_up(float(magnitude.quantile(0.9, interpolation="linear") or 0.0))
    norm, colours = Normalize(-limit, limit), colour_map("signed")
    for panel in panels:
        _offsets(panel, norm, colours, limit)
    beyond = (bool((rows["value"] < -limit).any()), bool((rows["value"] > limit).any()))
    _offset_legend(fig, known, norm, colours, limit, beyond, foot)
    return fig


@styled
def site_map(sites: Any, *, extent: Extent | None = None) -> Figure:
    """
    Where the sites are: one panel a region, with land and graticule, sub-regions by marker.

    Parameters
    ----------
    sites : polars or pandas frame
        Columns `site`, `latitude`, `longitude` [degrees]; `region` for the panels, `subregion` for the markers.
    extent : Extent, optional
        Permafrost extent drawn beneath the sites (see `talik.figures.extent.read_extent`).

    Returns
    -------
    matplotlib Figure
        Axes are cartopy's.

    Raises
    ------
    UnknownName
        If a column is missing.
    DataError
        If no site has coordinates, or a coordinate is not on Earth.
    """
    rows = _located(sites, None)
    fig, panels, foot = _page(rows, extent, _remarks(_rows(sites, None), None))
    styles = looks(panel.name for panel in panels)
    for panel in panels:
        look = styles[panel.name]
        for name, mark in _shapes(panel, look).items():
            mine = panel.rows["subregion"].eq_missing(name).to_numpy()
            panel.ax.scatter(*panel.xy[mine].T, s=20, marker=mark, facecolor=look.colour, edgecolor="white",
                             linewidth=0.4, alpha=0.85, zorder=5)
    _region_legend(fig, panels, styles, foot)
    return fig


def _rows(sites: Any, quantity: str | None) -> pl.DataFrame:
    """The sites with the columns that are drawn, named alike."""
    needed = ["site", "latitude", "longitude", *([quantity] if quantity else [])]
    table = as_frame(sites, "sites", required=needed)
    table = table.with_columns(pl.lit(None, pl.String).alias(name) for name in ("region", "subregion")
                               if name not in table.columns)
    values = {name: numbers(table, name, "sites") for name in needed[1:]}
    return pl.DataFrame({
        "site": table["site"].cast(pl.String), "region": table["region"].cast(pl.String).fill_null(_UNNAMED),
        "subregion": table["subregion"].cast(pl.String), "latitude": values["latitude"],
        "longitude": values["longitude"],
    }).with_columns(values[quantity].alias("value") if quantity else pl.lit(None, pl.Float64).alias("value"))


def _located(sites: Any, quantity: str | None) -> pl.DataFrame:
    rows = _rows(sites, quantity)
    for name in ("latitude", "longitude"):
        low, high = variable(name).valid
        wrong = rows.filter(~pl.col(name).is_between(low, high))
        if wrong.height:
            first = wrong.row(0, named=True)
            raise DataError(f"sites: {name} of {first['site']!r} is {first[name]:g}, expected [{low:g}, {high:g}] "
                            f"degrees ({wrong.height} such sites). Latitude and longitude swapped?")
    rows = rows.drop_nulls(["latitude", "longitude"])
    if rows.is_empty():
        raise DataError("sites: none has both latitude and longitude: there is nothing to draw on a map")
    return rows


def _page(rows: pl.DataFrame, extent: Extent | None, said: list[str]) -> tuple[Figure, list[_Panel], float]:
    """A figure with one framed panel a region, the fullest first, and small print; the height under the maps [mm]."""
    count = dict(rows.group_by("region").len().iter_rows())
    names = sorted(looks(rows["region"]), key=lambda name: -count[name])
    width, height, places = _layout(len(names))
    notes = textwrap.wrap(" ".join(said), width=int(width / 1.32))
    print_height = 3.2 + 2.9 * len(notes) if notes else 0.0
    foot = _KEYS + print_height + (_SHADING if extent else 0.0)
    fig = figure(width, height + foot, layout=None)
    _notes(fig, "\n".join(notes), max(print_height, 2.0), extent)
    panels = []
    for k, (name, (x, y, w, h)) in enumerate(zip(names, places, strict=True)):
        own = rows.filter(pl.col("region") == name)
        shown = view(own["latitude"], own["longitude"], aspect=w / h)
        if shown.rim is not None:
            side = min(w, h) - 2 * _RIM
            x, y, w, h = x + (w - side) / 2, y + (h - side) / 2, side, side
        ax = fig.add_axes((x / width, 1 - (y + h) / (height + foot), w / width, h / (height + foot)),
                          projection=shown.projection)
        frame(ax, shown, points=(own["longitude"], own["latitude"]), extent=extent)
        px, py = places[k][:2]
        line = 1 - (py - 2.5) / (height + foot)
        if len(names) > 1:
            fig.text((px - 2) / width, line, chr(ord("a") + k), fontsize=NORMAL, fontweight="bold", va="bottom")
        fig.text((px + 3) / width, line, f"{name} (n = {own.height})", fontsize=NORMAL, va="bottom")
        panels.append(_Panel(name, own, shown, ax, (w, h)))
    return fig, panels, foot


def _layout(panels: int) -> tuple[float, float, list[tuple[float, float, float, float]]]:
    """Width and height of the maps' part of the page, and each panel's left, top, width, height [mm]."""
    if panels == 1:
        return SINGLE, 86.0, [(11.0, 8.0, 74.0, 74.0)]
    if panels == 2:
        return DOUBLE, 92.0, [(9.0, 8.0, 78.0, 78.0), (100.0, 8.0, 78.0, 78.0)]
    if panels == 3:
        return DOUBLE, 120.0, [(5.0, 8.0, 112.0, 112.0), (124.0, 8.0, 56.0, 42.0), (124.0, 63.0, 56.0, 56.0)]
    columns = 2 if panels == 4 else 3
    side = (DOUBLE - 4.0) / columns - 11.0
    rows = -(-panels // columns)
    places = [(9.0 + (k % columns) * (side + 11.0), 9.0 + (k // columns) * (side + 14.0), side, side)
              for k in range(panels)]
    return DOUBLE, rows * (side + 14.0), places


def _offsets(panel: _Panel, norm: Any, colours: Any, limit: float) -> None:
    """The values of one panel, small ones over large ones; crosses where there is none."""
    from matplotlib.collections import PathCollection
    from matplotlib.markers import MarkerStyle
    from matplotlib.transforms import IdentityTransform

    order = (panel.rows.with_row_index("row").drop_nulls("value")
             .sort(pl.col("value").abs(), descending=True, maintain_order=True))
    value = order["value"].to_numpy()
    shape = {sign: MarkerStyle(mark).get_path().transformed(MarkerStyle(mark).get_transform())
             for sign, mark in ((False, "o"), (True, "v"))}
    if value.size:
        marks = PathCollection([shape[bool(v < 0)] for v in value], sizes=_area(value, limit), linewidths=0.35,
                               offsets=panel.xy[order["row"].to_numpy()], offset_transform=panel.ax.transData,
                               facecolors=colours(norm(value), alpha=0.85), edgecolors=INK, zorder=5)
        marks.set_transform(IdentityTransform())
        panel.ax.add_collection(marks, autolim=False)
    empty = panel.rows["value"].is_null().to_numpy()
    panel.ax.scatter(*panel.xy[empty].T, s=9, marker="x", color=QUIET, linewidth=0.6, zorder=4)


def _area(value: Any, limit: float) -> Any:
    """Marker area [pt2], proportional to the magnitude above a smallest that can still be seen."""
    return _SMALLEST + (_LARGEST - _SMALLEST) * np.minimum(np.abs(value) / limit, 1.5)


def _offset_legend(fig: Figure, known: Variable, norm: Any, colours: Any, limit: float, beyond: tuple[bool, bool],
                   foot: float) -> None:
    """The colour bar and the sizes, side by side under the maps."""
    from matplotlib.cm import ScalarMappable

    width, height = (float(v) * _MM for v in fig.get_size_inches())
    wide = width > 100
    unit = shown_unit(known.units)
    bar = fig.add_axes((8 / width, (foot - 8) / height, (74 if wide else 36) / width, 3 / height))
    arrows = {(True, True): "both", (True, False): "min", (False, True): "max", (False, False): "neither"}[beyond]
    drawn = fig.colorbar(ScalarMappable(norm, colours), cax=bar, orientation="horizontal", extend=arrows)
    thirds = limit in _THIRDS
    drawn.set_ticks(np.linspace(-limit, limit, 7 if thirds else 5).tolist())
    drawn.ax.xaxis.set_major_formatter("{x:g}")
    drawn.outline.set_linewidth(0.4)
    parts = f" = {_ARITHMETIC[known.name]}" if known.name in _ARITHMETIC and wide else ""
    bar.set_xlabel(f"{known.label}{parts} ({unit})" if wide else f"{known.short} ({unit})")
    left = 104.0 if wide else 52.0
    key = fig.add_axes((left / width, (foot - 14.5) / height, (width - left - 4) / width, 13 / height))
    key.set(xlim=(0, width - left - 4), ylim=(0, 13))
    key.axis("off")
    style: dict[str, Any] = {"facecolor": "#BBBBBB", "edgecolor": INK, "linewidth": 0.35}
    for k, step in enumerate(np.array([1 / 3, 2 / 3, 1.0] if thirds else [0.25, 0.5, 1.0]) * limit):
        key.scatter(5 + 9 * k, 8, s=_area(step, limit), **style)
        key.text(5 + 9 * k, 4.9, f"{step:g}", ha="center", va="top", fontsize=SMALL)
    key.text(14, 1.9, f"|{known.short}| ({unit})", ha="center", va="top", fontsize=NORMAL)
    for x, mark, sign in ((44, "o", "≥ 0"), (54, "v", "< 0")) if wide else ((31, "v", "< 0"),):
        key.scatter(x, 8, s=24, marker=mark, **style)
        key.text(x, 4.9, sign, ha="center", va="top", fontsize=SMALL)
    if wide:
        key.text(49, 1.9, f"sign of {known.short}", ha="center", va="top", fontsize=NORMAL)


def _shapes(panel: _Panel, look: Region) -> dict[str | None, str]:
    """A marker for every sub-region of a panel, the catalogue's order first; the region's own for the first."""
    groups = panel.rows["subregion"].unique(maintain_order=True).to_list()
    known = {name: k for k, name in enumerate(look.subregions)}
    order = sorted(groups, key=lambda name: (name is None, known.get(name, len(known))))
    marks = [look.marker, *(mark for mark in _MARKERS if mark != look.marker)]
    return {name: marks[k % len(marks)] for k, name in enumerate(order)}


def _region_legend(fig: Figure, panels: list[_Panel], styles: Mapping[str, Region], foot: float) -> None:
    """Marker, name and number of sites of every sub-region, under the name of its region."""
    from matplotlib.lines import Line2D

    width, height = (float(v) * _MM for v in fig.get_size_inches())
    left = 5.0
    for panel in panels:
        look = styles[panel.name]
        shapes = _shapes(panel, look)
        count = dict(panel.rows.group_by("subregion").len().iter_rows())
        others = "other sites" if len(shapes) > 1 else "sites"
        marks = [Line2D([], [], ls="", marker=mark, color=look.colour, markersize=4.5, markeredgecolor="white",
                        markeredgewidth=0.4, label=f"{name or others} ({count[name]})")
                 for name, mark in shapes.items()]
        columns = -(-len(marks) // 3)
        legend = fig.legend(handles=marks, loc="upper left", bbox_to_anchor=(left / width, (foot - 2) / height),
                            title=panel.name, ncols=columns, alignment="left", borderaxespad=0.0)
        legend.get_title().set_fontweight("bold")
        longest = max(*(len(str(mark.get_label())) for mark in marks), len(panel.name) // columns)
        left += columns * (9.0 + 1.45 * longest) + 4.0


def _remarks(rows: pl.DataFrame, quantity: str | None) -> list[str]:
    """What the reader must know that the maps cannot show."""
    said = []
    lost = rows.filter(pl.col("latitude").is_null() | pl.col("longitude").is_null())["site"].to_list()
    if lost:
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        said.append(f"Not shown, without coordinates: {', '.join(map(str, lost[:_NAMED]))}{more}.")
    drawn = rows.drop_nulls(["latitude", "longitude"])
    if quantity:
        empty = drawn["value"].null_count()
        if empty:
            said.append(f"{empty} site{'s' * (empty > 1)} without a value: ×.")
    shared = drawn.group_by("latitude", "longitude").len().filter(pl.col("len") > 1)
    if shared.height:
        where = "1 place" if shared.height == 1 else f"{shared.height} places"
        how = "the smaller magnitude lies on top" if quantity else "their markers coincide"
        said.append(f"{shared['len'].sum()} sites share their coordinates with others ({where}): {how}.")
    return said


def _notes(fig: Figure, text: str, above: float, extent: Extent | None) -> None:
    """Small print at the foot of the page, and what the shading means `above` it [mm]."""
    from matplotlib.patches import Patch

    width, height = (float(v) * _MM for v in fig.get_size_inches())
    fig.text(5 / width, 2 / height, text, fontsize=SMALL - 0.5, color=QUIET, va="bottom", linespacing=1.25)
    if extent is not None:
        patches = [Patch(facecolor=shade, label=name) for name, shade in extent.legend()]
        fig.legend(handles=patches, loc="lower left", bbox_to_anchor=(5 / width, above / height), ncols=4,
                   title=extent.label, borderaxespad=0.0, alignment="left", columnspacing=1.2)


def _round_up(value: float) -> float:
    return next((limit for limit in _LIMITS if limit >= value), float(np.ceil(value)))
