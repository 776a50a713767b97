"""State profiles: from the air over the ground surface to the top of permafrost, one panel a region (figure 1)."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from talik.errors import DataError
from talik.figures.canvas import DOUBLE, INK, QUIET, SINGLE, SMALL, figure, looks, panel_letter, styled
from talik.figures.views import halo
from talik.frames import as_frame, numbers
from talik.variables import Region, shown_unit, variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

AIR_HEIGHT = 2.0
"""Screen height of the air temperature [m]."""
THAWED, FROZEN = "#F4ECDD", "#E3ECF4"
"""Fill of the active layer and of permafrost."""

_STAND_IN = 0.6
"""Where TTOP is drawn in a group without any ALT, as a part of the depth shown."""
_HALF_LABEL = 0.29
"""Half the width of a label, as a part of a panel's: nearer to an edge it would leave the panel."""
_BESIDE = 0.29
"""Width of a label beside a point, as a part of that of a panel a journal column wide."""
_ROOM_FOR_ALT = 0.35
"""Thickness [m] below which the word ALT does not fit between surface and permafrost."""
_COARSE = 0.1
"""Standard error from which one decimal tells it."""
_NO_GROUP = "(none)"
_STATE = ("maat", "magst", "ttop")
_COLUMNS = ("by", "group", "variable", "n", "mean", "se", "sd")
_Row = dict[str, Any]


@styled
def state_profiles(sites: Any, summary: Any, *, by: str = "region") -> Figure:
    """
    Profiles of MAAT, MAGST and TTOP against height and depth: every site thin, the mean of the group bold.

    Parameters
    ----------
    sites : polars or pandas frame
        Columns `by`, `maat`, `magst`, `ttop` [°C], and `alt` [m] where known; of sensors also `air_height`,
        `surface_depth` and `ttop_depth` [m].
    summary : polars or pandas frame
        What `talik.describe(sites, by=by).to_frame()` gives: columns `by`, `group`, `variable`, `n`, `mean`,
        `se`, `sd`; rows for maat, magst, ttop, alt, surface_offset and thermal_offset are used.
    by : str
        The grouping of `summary` that makes the panels.

    Returns
    -------
    matplotlib Figure
        Air stands at the top, with its height where that is known; MAGST and TTOP at the depths of their sensors, else
        at 0 m and at the depth of the active layer. Bars are one standard deviation of the sites; numbers are means ±
        standard error. Where a site has no ALT either, its TTOP is drawn at the group's mean depth (dotted); where no
        site of a group has one, at a depth without meaning, which is said. An ALT known at one of several sites makes
        no band.

    Raises
    ------
    UnknownName
        If a column is missing.
    DataError
        If `summary` has no row of this grouping, or no group has any of the three temperatures.
    """
    from matplotlib.ticker import MaxNLocator

    rows = as_frame(summary, "summary", required=_COLUMNS).filter(pl.col("by") == by)
    table = as_frame(sites, "sites", required=[by, *_STATE])
    means = {group: {row["variable"]: row for row in part.iter_rows(named=True) if row["mean"] is not None}
             for (group,), part in rows.group_by("group", maintain_order=True)}
    means = {group: found for group, found in means.items() if any(name in found for name in _STATE)}
    if not means:
        raise DataError(f"summary: no group by {by!r} has a mean of maat, magst or ttop: there is no profile to draw")
    styles = looks(means)
    named = table.with_columns(pl.col(by).cast(pl.String).fill_null(_NO_GROUP))
    own = {group: _site_profiles(named.filter(pl.col(by) == group)) for group in styles}
    deepest = _deepest(own, means)
    columns = min(len(styles), 3)
    lines = -(-len(styles) // columns)
    fig = figure(SINGLE if columns == 1 else DOUBLE, 5.0 + 85.0 * lines)
    axes = fig.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for k, (ax, (group, look)) in enumerate(zip(axes, styles.items(), strict=False)):
        _panel(ax, look, own[group], means[group], deepest)
        ax.set_title(f"{group} ({_counts(means[group])})", pad=6)
        if len(styles) > 1:
            panel_letter(ax, chr(ord("a") + k))
    for ax, group in zip(axes, styles, strict=False):      # the panels share their limits, which are known only now
        _stated_means(ax, means[group], own[group])
    for ax in axes[len(styles):]:
        ax.remove()
    _depth_axis(axes[0], deepest, table)
    axes[0].set_ylabel("Depth (m)")
    for ax in axes[max(0, len(styles) - columns):len(styles)]:
        ax.set_xlabel(f"Mean annual temperature ({shown_unit('degC')})")
        ax.tick_params(labelbottom=True)
        ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    fig.supxlabel(_note(own, deepest, SINGLE if columns == 1 else DOUBLE), fontsize=SMALL - 0.5, color=QUIET)
    return fig


def _site_profiles(part: pl.DataFrame) -> NDArray[np.float64]:
    """MAAT, MAGST, TTOP [°C], depth of TTOP and of MAGST [m], 1 where the former is a sensor's; shape (n, 6)."""
    def known(name: str) -> NDArray[np.float64]:
        return (numbers(part, name, "sites").to_numpy().astype(float) if name in part.columns
                else np.full(part.height, np.nan))

    sensor, alt = known("ttop_depth"), known("alt")
    depth = np.where(np.isfinite(sensor), sensor, alt)
    return np.column_stack([*(known(name) for name in _STATE), depth, np.nan_to_num(known("surface_depth")),
                            np.isfinite(sensor)])


def _deepest(own: Mapping[str, NDArray[np.float64]], means: Mapping[str, Mapping[str, _Row]]) -> float:
    """Depth of the lower edge [m]: below nine in ten of the sites, with room for words below every mean."""
    depths = np.concatenate([rows[np.isfinite(rows[:, 3]), 3] for rows in own.values()])
    mean = [found["alt"]["mean"] for found in means.values() if "alt" in found]
    common = float(np.quantile(depths, 0.9)) if depths.size else 0.0
    return float(np.ceil(2 * max(2.0, common, *((value + 0.6) / 0.78 for value in mean))) / 2)


def _panel(ax: Axes, look: Region, sites: NDArray[np.float64], means: Mapping[str, _Row], deepest: float) -> None:
    alt, surface = _drawn_depth(means, sites, deepest), _surface(sites)
    if _has_band(means):
        ax.axhspan(-means["alt"]["mean"], 0, color=THAWED, lw=0, zorder=0)
        ax.axhspan(-deepest, -means["alt"]["mean"], color=FROZEN, lw=0, zorder=0)
    ax.axhline(0, color=INK, lw=0.8, zorder=1)
    ax.axvline(0, color=QUIET, lw=0.5, ls=(0, (4, 3)), zorder=1)
    maat, magst, ttop, depth, shallow, _ = sites.T
    known = np.isfinite(depth)
    _lines(ax, look, (maat, AIR_HEIGHT), (magst, -shallow), "-")
    _lines(ax, look, (magst[known], -shallow[known]), (ttop[known], -depth[known]), "-")
    _lines(ax, look, (magst[~known], -shallow[~known]), (ttop[~known], -alt), ":")
    heights = dict(zip(_STATE, (AIR_HEIGHT, -surface, -alt), strict=True))
    drawn = [(means[name]["mean"], heights[name]) for name in _STATE if name in means]
    ax.plot(*zip(*drawn, strict=True), color=INK, lw=1.4, zorder=4)
    for name in (name for name in _STATE if name in means):
        ax.errorbar(means[name]["mean"], heights[name], xerr=means[name]["sd"] or None, fmt=look.marker, color=INK,
                    ms=6, mfc=look.colour, mec="white", mew=0.6, lw=0.9, capsize=2.2, capthick=0.9, zorder=5)
    ax.set_ylim(-deepest, AIR_HEIGHT + 0.6)


def _drawn_depth(means: Mapping[str, _Row], sites: NDArray[np.float64], deepest: float) -> float:
    """Where the mean TTOP is drawn [m]: mean depth of the sensors, or mean thickness, or a depth without meaning."""
    there = np.isfinite(sites[:, 2]) & np.isfinite(sites[:, 3])
    if (sites[there, 5] > 0).any():
        return float(sites[there, 3].mean())
    return float(means["alt"]["mean"]) if "alt" in means else _STAND_IN * deepest


def _surface(sites: NDArray[np.float64]) -> float:
    """Where the mean MAGST is drawn [m]: the mean depth of its sensors."""
    there = np.isfinite(sites[:, 1])
    return float(sites[there, 4].mean()) if there.any() else 0.0


def _has_band(means: Mapping[str, _Row]) -> bool:
    """Whether the active layer is coloured: a thickness known at one of several sites is not that of the group."""
    most = max(means[name]["n"] for name in _STATE if name in means)
    return "alt" in means and (means["alt"]["n"] > 1 or most == 1)


def _lines(ax: Axes, look: Region, start: tuple[Any, Any], end: tuple[Any, Any], style: str) -> None:
    """Thin lines of the sites from a temperature and height to another; none where one is missing."""
    from matplotlib.collections import LineCollection

    lines = np.stack([np.column_stack(np.broadcast_arrays(*point)) for point in (start, end)], axis=1)
    lines = lines[np.isfinite(lines).all(axis=(1, 2))]
    ax.add_collection(LineCollection(list(lines), color=look.colour, lw=0.5, alpha=0.3, ls=style, zorder=2))


def _depth_axis(ax: Axes, deepest: float, sites: pl.DataFrame) -> None:
    """Ticks that say how deep, and at the top where the air is measured: at 2 m unless the sensors are elsewhere."""
    height = sites["air_height"].drop_nulls().unique() if "air_height" in sites.columns else pl.Series([AIR_HEIGHT])
    air = "air" if height.len() > 1 else f"air, {height[0] if height.len() else AIR_HEIGHT:g} m"
    step = 0.5 if deepest <= 2.0 else 1.0 if deepest <= 6.0 else 2.0
    depths = np.arange(0.0, deepest + 1e-9, step)
    ax.set_yticks([AIR_HEIGHT, *-depths], [air, *(f"{depth:g}" for depth in depths)])


def _stated_means(ax: Axes, means: Mapping[str, _Row], sites: NDArray[np.float64]) -> None:
    """The numbers of a panel, each beside what it names, with the offsets in the lower corner."""
    style: dict[str, Any] = {"textcoords": "offset points", "fontsize": SMALL, "zorder": 6, "path_effects": halo(2.0)}
    (left, right), unit = ax.get_xlim(), shown_unit("degC")
    place = {name: (means[name]["mean"] - left) / (right - left) for name in _STATE if name in means}
    alt = _drawn_depth(means, sites, -ax.get_ylim()[0])
    sensors = bool((sites[:, 5] > 0).any())
    for name, height, up in (("maat", AIR_HEIGHT, True), ("ttop", -alt, False)):
        if name in means:
            inside = min(max(place[name], _HALF_LABEL), 1 - _HALF_LABEL)
            ax.annotate(f"{variable(name).symbol} {_stated(means[name])} {unit}", (inside, height),
                        xycoords=("axes fraction", "data"), xytext=(0, 6 if up else -6), ha="center",
                        va="bottom" if up else "top", **style)
    if "magst" in means:
        room = _BESIDE if len(ax.figure.axes) < 3 else 1.45 * _BESIDE
        away = place.get("maat", 0.0) < place["magst"]      # the bold line comes from the other side
        rightwards = place["magst"] + room < 1 if away else place["magst"] - room < 0
        side, shift = ("left", 5) if rightwards else ("right", -5)
        ax.annotate(f"{variable('magst').symbol}\n{_stated(means['magst'])} {unit}", (means["magst"]["mean"], 0.0),
                    xytext=(shift, 4), ha=side, va="bottom", **style)
    corner = [f"{variable(name).symbol} {_stated(means[name])} {shown_unit('K')}"
              for name in ("surface_offset", "thermal_offset") if name in means]
    of = means["alt"]["n"] if "alt" in means else 0
    known = (f"ALT {_stated(means['alt'])} m" + ("" if _has_band(means) else f" ({of} site)") if of
             else "ALT not known")
    if alt < _ROOM_FOR_ALT or sensors or not _has_band(means):
        corner.append(known)
    elif "magst" in means or "ttop" in means:
        at, side = (0.02, "left") if place.get("ttop", place.get("magst", 0.0)) > 0.5 else (0.98, "right")
        ax.annotate(known, (at, -alt), xycoords=("axes fraction", "data"), xytext=(0, 1.5), ha=side, va="bottom",
                    color=QUIET, **style)
    ax.annotate("\n".join(corner), (0, 0), xycoords="axes fraction", xytext=(5, 5), linespacing=1.4, **style)


def _counts(means: Mapping[str, _Row]) -> str:
    """How many values the means of a group stand on."""
    counts = sorted({means[name]["n"] for name in _STATE if name in means})
    return f"n = {counts[0]}" + (f" to {counts[-1]}" if len(counts) > 1 else "")


def _stated(row: _Row) -> str:
    """Mean ± standard error, with a minus sign that is one."""
    places = 1 if row["se"] is not None and row["se"] >= _COARSE else 2
    error = f" ± {row['se']:.{places}f}" if row["se"] is not None else ""
    mean = f"{row['mean']:.{places}f}"
    return (mean if float(mean) else mean.lstrip("-")).replace("-", "−") + error


def _note(own: Mapping[str, NDArray[np.float64]], deepest: float, width: float) -> str:
    rows = np.concatenate(list(own.values()))
    dotted = int((np.isfinite(rows[:, 2]) & np.isnan(rows[:, 3])).sum())
    beyond = int((rows[:, 3] > deepest).sum())
    sensors = rows[np.isfinite(rows[:, 2]) & (rows[:, 5] > 0), 3]
    said = ["Bars: ± 1 SD of the sites. Numbers: mean ± SE."]
    if sensors.size:
        ends = dict.fromkeys(f"{depth:.2f}".rstrip("0").rstrip(".") for depth in (sensors.min(), sensors.max()))
        said.append(f"TTOP of loggers: {' to '.join(ends)} m deep.")
    if dotted:
        said.append(f"Dotted: {dotted} site{'s' * (dotted > 1)} without ALT, drawn at the mean.")
    if beyond:
        said.append(f"{beyond} with a depth over {deepest:g} m leave the frame.")
    return textwrap.fill(" ".join(said), width=int(width / 1.32))
