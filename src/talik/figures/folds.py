"""Which sites are held out together, on maps; and how unlike the sites the targets are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from talik.errors import DataError
from talik.figures.canvas import DOUBLE, QUIET, SINGLE, SMALL, axes, colour_map, figure, styled
from talik.figures.views import frame as draw_frame
from talik.figures.views import view
from talik.frames import as_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def fold_map(folds: Any, ax: Any = None) -> Figure:
    """
    Maps of the sites, one panel a region; colour and number say which are held out together.

    Parameters
    ----------
    folds : frame
        `spatial_folds(...).to_frame()`, with latitude and longitude.
    ax : None
        Panels need projections of their own; an axes cannot be given.

    Raises
    ------
    DataError
        If no site with a fold has coordinates, or `ax` is given.
    """
    if ax is not None:
        raise DataError("fold_map: draws a figure of its own, with a projection for each region; leave ax out")
    rows = as_frame(folds, "folds", required=("latitude", "longitude", "fold")).drop_nulls(
        ("latitude", "longitude", "fold"))
    if rows.is_empty():
        raise DataError("folds: no site has a fold and coordinates: there is nothing to draw")
    region = rows["region"].fill_null("no region") if "region" in rows.columns else pl.Series(["sites"] * rows.height)
    names = list(dict.fromkeys(region))
    width = DOUBLE if len(names) > 1 else SINGLE
    fig = figure(width, width / max(len(names), 1) + 16.0)
    count = int(rows["fold"].max()) + 1  # type: ignore[arg-type]
    colours = colour_map("magnitude")(np.linspace(0.0, 0.92, count))
    for place, name in enumerate(names):
        part = rows.filter(region == name)
        shown = view(part["latitude"], part["longitude"])
        panel = fig.add_subplot(1, len(names), place + 1, projection=shown.projection)
        draw_frame(panel, shown, points=(part["longitude"], part["latitude"]))
        x, y = shown.xy(part["longitude"], part["latitude"])
        panel.scatter(x, y, s=34, c=[colours[f] for f in part["fold"]], edgecolors="white", linewidths=0.4, zorder=5)
        apart = 0.03 * (shown.bounds[2] - shown.bounds[0])
        for k, (at_x, at_y, fold) in enumerate(zip(x, y, part["fold"], strict=True)):
            before = part["fold"].to_numpy()[:k] == fold
            if (np.hypot(x[:k] - at_x, y[:k] - at_y)[before] < apart).any():
                continue                                    # a neighbour carries the number already
            light = colours[fold][:3] @ np.array([0.3, 0.6, 0.1]) > 0.55
            panel.text(at_x, at_y, f"{fold + 1}", fontsize=4.5, ha="center", va="center", zorder=6,
                       color="black" if light else "white")
        panel.set_title(f"{name} ({part.height})")
    scheme = str(rows["scheme"][0]) if "scheme" in rows.columns else ""
    fig.supxlabel(f"{count} {scheme} folds: sites of one number and colour are held out together", fontsize=SMALL,
                  color=QUIET)
    return fig


@styled
def applicability(table: Any, ax: Axes | None = None) -> Axes:
    """Dissimilarity of the targets in ascending order, and where the area of applicability ends."""
    rows = as_frame(table, "table", required=("dissimilarity", "inside", "threshold")).drop_nulls("dissimilarity").sort(
        "dissimilarity")
    if rows.is_empty():
        raise DataError("table: no target has a dissimilarity: there is nothing to draw")
    ax = axes(ax, height=60.0)
    at = np.arange(rows.height)
    inside = rows["inside"].to_numpy()
    for held, colour, marker, name in ((inside, "#0072B2", "o", "inside"), (~inside, "#D55E00", "x", "outside")):
        ax.plot(at[held], rows["dissimilarity"].to_numpy()[held], marker, color=colour, ms=3.5, ls="none",
                label=f"{name} ({int(held.sum())})")
    ax.axhline(float(rows["threshold"][0]), color=QUIET, lw=0.8, ls=(0, (4, 3)))
    ax.set_ylim(bottom=0)
    ax.set_xlabel("Targets, by dissimilarity")
    ax.set_ylabel("Dissimilarity to the nearest site")
    ax.legend(loc="upper left")
    return ax
