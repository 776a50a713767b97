"""Plots that question a meta-analysis: funnel, Baujat, leave-one-out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from talik.errors import DataError
from talik.figures.canvas import FAINT, INK, QUIET, SMALL, axes, looks, styled
from talik.frames import as_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PLAIN, _PLAIN_MARKER = "#4C5B6B", "o"
_WIDTH = 120.0
_Z = {"95 %": 1.959963984540054, "99 %": 2.5758293035489004}


@styled
def funnel(frame: Any, ax: Axes | None = None, *, xlabel: str = "Effect") -> Axes:
    """
    Effects against their standard errors, with the region where 95 and 99 % of them would lie without heterogeneity.

    Parameters
    ----------
    frame : frame
        `Pooled.to_frame()` or `TrimAndFill.to_frame()` (studies put in are drawn open).
    ax : Axes, optional
        A new figure of one journal column when None.
    xlabel : str
        What the effect is, with its unit.

    Raises
    ------
    DataError
        If there is no study or no mean.
    """
    table = as_frame(frame, "frame", required=("kind", "subgroup", "effect", "se", "weight"))
    studies = table.filter((pl.col("kind") == "study") & pl.col("weight").is_not_null())
    means = table.filter(pl.col("kind") == "overall")["effect"].drop_nulls()
    if not studies.height or not len(means):
        raise DataError("funnel: there is no study to draw")
    ax = axes(ax, height=68)
    centre, deepest = float(means[0]), 1.06 * float(studies["se"].to_numpy().max())
    for (name, z), shade in zip(reversed(_Z.items()), ("#EDEDED", "#FFFFFF"), strict=True):
        ends = [centre - z * deepest, centre, centre + z * deepest]
        ax.fill(ends, [deepest, 0, deepest], color=shade, lw=0, zorder=0)
        ax.plot(ends, [deepest, 0, deepest], color=QUIET, lw=0.5, ls=(0, (3, 2)), zorder=1)
        outer = name == "99 %"
        ax.annotate(name, (centre + z * 0.95 * deepest, 0.95 * deepest), xytext=(5 if outer else -5, 0),
                    textcoords="offset points", ha="left" if outer else "right", va="center", fontsize=6, color=QUIET)
    ax.plot([centre, centre], [0, deepest], color=QUIET, lw=0.7, zorder=1)
    _points(ax, studies)
    ax.set_facecolor("white")
    ax.set_ylim(deepest, 0)
    ax.set_xlabel(xlabel)
    ax.set_ylabel("Standard error")
    return ax


def _points(ax: Axes, studies: pl.DataFrame) -> None:
    """One marker per study, by subgroup; open where the study was put in."""
    if "is_filled" not in studies.columns:
        studies = studies.with_columns(is_filled=pl.lit(False))
    regions = looks(studies["subgroup"].drop_nulls().to_list())
    for name in [*regions, None]:
        part = studies.filter(pl.col("subgroup").eq_missing(name))
        colour = regions[name].colour if name else _PLAIN
        marker = regions[name].marker if name else _PLAIN_MARKER
        for filled, label in ((False, name), (True, "put in" if part["is_filled"].any() else None)):
            points = part.filter(pl.col("is_filled") == filled)
            if points.height:
                ax.scatter(points["effect"], points["se"], s=14, marker=marker, linewidths=0.8, edgecolors=colour,
                           facecolors="none" if filled else colour, zorder=3, label=label)
    if regions or studies["is_filled"].any():
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, columnspacing=1.0, handletextpad=0.2)


@styled
def baujat(frame: Any, ax: Axes | None = None, *, named: int = 5) -> Axes:
    """
    What each study adds to the heterogeneity against what it does to the mean.

    Parameters
    ----------
    frame : frame
        `Influence.to_frame()`.
    ax : Axes, optional
        A new figure of one journal column when None.
    named : int
        How many of the studies farthest out carry their names.

    References
    ----------
    Baujat et al. (2002), Stat. Med. 21, 2641-2652, doi:10.1002/sim.1221.
    """
    table = as_frame(frame, "frame", required=("label", "q_contribution", "mean_shift"))
    ax = axes(ax, height=68)
    x, y = table["q_contribution"].to_numpy(), table["mean_shift"].to_numpy()
    ax.scatter(x, y, s=14, color=_PLAIN, linewidths=0, zorder=3)
    ax.set_xlim(0, 1.08 * max(float(x.max()), 1e-12))
    ax.set_ylim(0, 1.12 * max(float(y.max()), 1e-12))
    distance = np.hypot(x / max(x.max(), 1e-300), y / max(y.max(), 1e-300))
    far = [i for i in np.argsort(-distance, kind="stable")[:named] if distance[i] > 0.25]
    placed: list[tuple[float, float]] = []
    for i in far:
        at = (float(x[i] / ax.get_xlim()[1]), float(y[i] / ax.get_ylim()[1]))
        if any(abs(at[1] - other[1]) < 0.06 and abs(at[0] - other[0]) < 0.3 for other in placed):
            continue
        placed.append(at)
        left = at[0] > 0.5
        ax.annotate(_short(str(table["label"][int(i)])), (x[i], y[i]), xytext=(-4 if left else 4, 0),
                    textcoords="offset points", ha="right" if left else "left", va="center", fontsize=SMALL)
    ax.set_xlabel("Contribution to Q")
    ax.set_ylabel("Squared shift of the mean")
    return ax


def _short(label: str, length: int = 26) -> str:
    return label if len(label) <= length else label[: length - 1].rstrip() + "…"


@styled
def leave_one_out(frame: Any, ax: Axes | None = None, *, xlabel: str = "Mean without the study",
                  null: float | None = 0.0) -> Axes:
    """
    The pooled mean and its interval without each study in turn, from `Repeated.to_frame()`.

    Parameters
    ----------
    frame : frame
        Columns label, mean, low, high, overall.
    ax : Axes, optional
        A new figure, high enough for the studies, when None.
    xlabel : str
        What the mean is, with its unit.
    null : float or None
        Where to draw the line of no effect.
    """
    table = as_frame(frame, "frame", required=("label", "mean", "low", "high", "overall"))
    ax = axes(ax, width=_WIDTH, height=14 + 3.7 * table.height)
    y = np.arange(table.height)
    low, high, mean = (table[name].to_numpy() for name in ("low", "high", "mean"))
    for line in y[::2]:
        ax.axhspan(line - 0.5, line + 0.5, color=FAINT, alpha=0.35, lw=0, zorder=0)
    ax.hlines(y, low, high, color=_PLAIN, lw=0.9, zorder=2)
    ax.scatter(mean, y, s=12, color=INK, linewidths=0, zorder=3)
    ax.axvline(float(table["overall"][0]), color=QUIET, lw=0.6, ls=(0, (3, 2)), zorder=1)
    if null is not None and ax.get_xlim()[0] <= null <= ax.get_xlim()[1]:
        ax.axvline(null, color=QUIET, lw=0.7, zorder=1)
    ax.set_yticks(y, [_short(str(label), 40) for label in table["label"]])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(table.height - 0.5, -0.5)
    ax.set_xlabel(xlabel)
    return ax
