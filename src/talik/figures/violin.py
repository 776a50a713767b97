"""Violins of contributions with points and quartile lines, one row a driver (figure 5)."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from talik.errors import DataError, unknown
from talik.figures.canvas import INK, QUIET, SINGLE, SMALL, axes, colour_map, styled
from talik.frames import as_frame
from talik.variables import label, variable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WRAP = 26    # characters of a driver's name on one line
_ROW = 8.0    # height of a driver [mm]


@styled
def driver_violin(frame: Any, ax: Axes | None = None, *, response: str = "", order: Sequence[str] | None = None,
                  seed: int = 0, colour_bar: bool = True) -> Axes:
    """
    Violins of the contributions of each driver, a point a site, with lines at the quartiles.

    Parameters
    ----------
    frame : polars or pandas frame
        `driver`, `value` (of the driver; null = missing) and `contribution` [unit of the response], a row a site and
        driver: the `values` of `attribute_drivers`.
    ax : matplotlib Axes, optional
        Where to draw; a new figure one journal column wide when None.
    response : str
        Variable that is explained, for the axis label.
    order : sequence of str, optional
        Drivers from top to bottom; by mean absolute contribution when None. Drivers not named are not drawn.
    seed : int
        Of the points' vertical jitter: the same seed gives the same figure.
    colour_bar : bool
        Whether to draw the key of the points' colours.

    Returns
    -------
    Axes
        Points are coloured by the driver's value between its 5th and 95th percentile; grey where it is missing.

    Raises
    ------
    UsageError
        If a column or a driver of `order` is not there.
    DataError
        If there is nothing to draw.
    """
    table = as_frame(frame, "frame", required=("driver", "value", "contribution"))
    known = {str(name[0]): rows for name, rows in table.group_by("driver", maintain_order=True)}
    if not known:
        raise DataError("frame: there are no contributions to draw")
    if absent := [name for name in order or () if name not in known]:
        raise unknown("driver", absent[0], known)
    names = list(order) if order else sorted(known, key=lambda name: -float(np.abs(known[name]["contribution"]).mean()))
    ax = axes(ax, width=SINGLE, height=20 + _ROW * len(names))
    rng = np.random.default_rng(seed)
    ax.axvline(0, color=QUIET, linewidth=0.6, zorder=0)
    for place, name in enumerate(names):
        values = known[name]["value"].cast(float).fill_null(np.nan).to_numpy()
        _row(ax, place, known[name]["contribution"].to_numpy(), values, rng)
    ax.set_yticks(range(len(names)), [_title(name) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    counts = sorted({known[name].height for name in names})
    ax.set_xlabel((f"Contribution to {_in_sentence(response)}" if response else "Contribution")
                  + f", n = {counts[0]}" + (f" to {counts[-1]}" if len(counts) > 1 else ""))
    if colour_bar:
        _key(ax)
    return ax


def _row(ax: Axes, place: int, contribution: Any, value: Any, rng: np.random.Generator) -> None:
    if np.ptp(contribution) > 0:
        drawn: Any = ax.violinplot([contribution], [place], orientation="horizontal", widths=0.9, showextrema=False)
        for part in drawn["bodies"]:
            part.set(facecolor="#E4E4E4", edgecolor=QUIET, linewidth=0.5, alpha=1.0, zorder=1)
    for share, width in zip(np.quantile(contribution, (0.25, 0.5, 0.75)), (0.6, 1.1, 0.6), strict=True):
        ax.plot([share, share], [place - 0.33, place + 0.33], color=INK, linewidth=width, zorder=3,
                linestyle="-" if width > 1 else (0, (2, 1)))
    height = place + rng.uniform(-0.26, 0.26, contribution.size)
    gap = np.isnan(value)
    ax.scatter(contribution[gap], height[gap], s=4, color="#9A9A9A", marker="x", linewidth=0.5, zorder=2)
    if not gap.all():
        low, high = np.nanpercentile(value, (5, 95))
        ax.scatter(contribution[~gap], height[~gap], s=5, c=value[~gap], cmap=colour_map("magnitude"), vmin=low,
                   vmax=high if high > low else low + 1, linewidth=0.2, edgecolor="white", zorder=2)


def _key(ax: Axes) -> None:
    from matplotlib.cm import ScalarMappable

    bar: Any = ax.figure.colorbar(ScalarMappable(cmap=colour_map("magnitude")), ax=ax, location="bottom", aspect=30,
                             shrink=0.8, pad=0.02, ticks=[0, 1])
    bar.ax.set_xticklabels(["low", "high"])
    bar.ax.tick_params(length=0)
    bar.ax.set_title("Value of the driver (x: missing)", fontsize=SMALL, loc="center", pad=2)
    bar.outline.set_linewidth(0.4)


def _title(name: str) -> str:
    try:
        return fill(variable(name).label, _WRAP)
    except LookupError:
        return fill(label(name), _WRAP)


def _in_sentence(name: str) -> str:
    text = label(name)
    return text[:1].lower() + text[1:]
