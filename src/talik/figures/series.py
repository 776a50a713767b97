"""Series over time: values with what was rejected, temperature by depth and time, offsets by year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from talik.errors import DataError
from talik.figures.canvas import DOUBLE, INK, QUIET, axes, colour_map, styled
from talik.variables import OTHER_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SURFACE, THERMAL = "#D55E00", "#0072B2"
_MARKS = {"SENTINEL": "x", "RANGE": "x", "SATURATED": "x", "SPIKE": "^", "STEP": "s", "FLAT": "_", "DUPLICATE": "|",
          "CLOCK": "|", "DEPTH": "D", "SOURCE": "*"}
_MARK_COLOURS = {"SPIKE": "#D55E00", "STEP": "#CC79A7", "FLAT": "#7F4F00", "DEPTH": "#009E73", "SOURCE": "#E69F00"}
_MOST_POINTS = 4000


@styled
def flagged_series(frame: pl.DataFrame, *, ax: Axes | None = None, depths: tuple[float, ...] | None = None) -> Axes:
    """
    The series of a few depths, with every rejected value marked by what was wrong with it.

    Values outside the range of the good ones are drawn at the edge, so that one -999 does not flatten the rest.

    Parameters
    ----------
    frame : polars.DataFrame
        time, depth, label, value [°C], flags.
    ax : matplotlib Axes, optional
        Where to draw; a new double-column figure when None.
    depths : tuple of float, optional
        Which depths [m]; up to four, from the shallowest to the deepest, when None.

    Raises
    ------
    DataError
        If there is no value at those depths.
    """
    labels = frame.unique("label", maintain_order=True).select("label", "depth").sort("depth")
    if depths is not None:
        labels = labels.filter(pl.any_horizontal((pl.col("depth") - z).abs() < 1e-6 for z in depths))
    elif labels.height > 4:
        labels = labels[np.unique(np.linspace(0, labels.height - 1, 4).round().astype(int)).tolist()]
    shown = frame.filter(pl.col("label").is_in(labels["label"].to_list()) & pl.col("value").is_not_null()).sort("time")
    rejecting = pl.any_horizontal(pl.col("flags").str.split("|").list.contains(name) for name in _MARKS)
    good, bad = shown.filter(~rejecting), shown.filter(rejecting)
    if not good.height:
        raise DataError("flagged_series: no accepted value at these depths")
    ax = axes(ax, width=DOUBLE, height=75)
    palette = ("#9A968C", "#0072B2", "#56B4E9", "#1A1A1A", *OTHER_COLOURS)
    for (label, depth), colour in zip(labels.iter_rows(), palette, strict=False):
        one = good.filter(pl.col("label") == label)
        line = _broken(one)
        ax.plot(line["time"], line["value"], color=colour, lw=0.7, zorder=2,
                label=f"{depth:g} m" if depth is not None else label)
    low, high = float(good["value"].min()), float(good["value"].max())  # type: ignore[arg-type]
    margin = 0.08 * max(high - low, 1.0)
    for name, marker in _MARKS.items():
        hit = bad.filter(pl.col("flags").str.split("|").list.contains(name))
        if hit.height:
            step = max(hit.height // _MOST_POINTS, 1)
            hit = hit.gather_every(step)
            at = hit["value"].clip(low - margin / 2, high + margin / 2)
            ax.plot(hit["time"], at, ls="", marker=marker, ms=3.2, mew=0.8, mfc="none",
                    color=_MARK_COLOURS.get(name, "#B00020"), zorder=4, label=name.lower())
    ax.set(ylabel="Temperature (°C)", ylim=(low - margin, high + margin), title=str(frame["site"][0]))
    ax.axhline(0, color=QUIET, lw=0.5, ls=(0, (4, 3)), zorder=1)
    _dates(ax)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return ax


@styled
def depth_time(frame: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """
    Daily means by depth and time in colour, with the 0 °C isotherm; days without a mean stay blank.

    Parameters
    ----------
    frame : polars.DataFrame
        time (days), depth [m], value [°C]; columns above the ground are left out.
    ax : matplotlib Axes, optional
        Where to draw; a new double-column figure when None.

    Raises
    ------
    DataError
        If there are not two depths.
    """
    ground = frame.filter(pl.col("depth") >= 0)
    wide = ground.pivot(on="depth", index="time", values="value", aggregate_function="mean").sort("time")
    depths = np.array(sorted(float(name) for name in wide.columns if name != "time"))
    if depths.size < 2:
        raise DataError(f"depth_time: got {depths.size} depth{'s' * (depths.size != 1)} at or below the surface, "
                        "expected two or more")
    names = {float(name): name for name in wide.columns if name != "time"}
    values = np.column_stack([wide[names[z]].cast(pl.Float64).fill_null(np.nan).to_numpy() for z in depths])
    days = wide["time"].to_numpy().astype("M8[D]")
    grid = np.arange(days[0], days[-1] + np.timedelta64(1, "D"))
    whole = np.full((grid.size, depths.size), np.nan)
    whole[(days - days[0]).astype(int)] = values
    fine = np.linspace(depths[0], depths[-1], 120)
    field = np.array([np.interp(fine, depths, row) for row in whole]).T     # NaN where a neighbouring sensor is missing
    ax = axes(ax, width=DOUBLE, height=75)
    reach = float(np.nanquantile(np.abs(field), 0.99))
    mesh = ax.pcolormesh(grid, fine, field, cmap=colour_map("signed"), vmin=-reach, vmax=reach, shading="nearest",
                         rasterized=True)
    if np.nanmin(field) < 0 < np.nanmax(field):
        ax.contour(grid, fine, np.ma.masked_invalid(field), levels=[0.0], colors=INK, linewidths=0.7)
    ax.plot(np.full(depths.size, 1.004), depths, ls="", marker="<", ms=2.5, color=INK, clip_on=False,
            transform=ax.get_yaxis_transform())
    ax.set(ylabel="Depth (m)", ylim=(depths[-1], depths[0]), title=str(frame["site"][0]))
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, aspect=25, extend="both")
    bar.set_label("Ground temperature (°C)")
    _dates(ax)
    return ax


@styled
def offsets_by_year(frame: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """
    Surface and thermal offset year by year with their standard uncertainty, and the mean over the years.

    Parameters
    ----------
    frame : polars.DataFrame
        From `AnnualOffsets.to_frame`.
    ax : matplotlib Axes, optional
        Where to draw; a new double-column figure when None.

    Raises
    ------
    DataError
        If no year has an offset.
    """
    from matplotlib.ticker import MaxNLocator

    names = {"surface_offset": ("Surface offset", SURFACE, "o"), "thermal_offset": ("Thermal offset", THERMAL, "s")}
    if all(frame[name].is_null().all() for name in names):
        raise DataError("offsets_by_year: no year has an offset; see the column `reason`")
    ax = axes(ax, width=DOUBLE, height=65)
    for name, (label, colour, marker) in names.items():
        known = frame.filter(pl.col(name).is_not_null())
        if not known.height:
            continue
        year, value = known["year"].to_numpy(), known[name].to_numpy()
        error = known[f"{name}_uncertainty"].fill_null(0.0).to_numpy()
        ax.errorbar(year, value, yerr=error, ls="", marker=marker, color=colour, elinewidth=0.7, capsize=1.5, zorder=3,
                    label=f"{label} (mean {value.mean():+.2f} °C, n = {value.size})".replace("-", "−"))
        ax.axhline(value.mean(), color=colour, lw=0.8, ls=(0, (4, 3)), zorder=2)
    ax.axhline(0, color=QUIET, lw=0.6, zorder=1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(ylabel="Offset (°C)", xlabel="Year", title=str(frame["site"][0]))
    ax.margins(y=0.12)
    ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.16), ncols=2)
    return ax


def _broken(one: pl.DataFrame) -> pl.DataFrame:
    """At most some thousand points, lowest and highest of each stretch kept, and a null where the series has a gap."""
    if one.height > _MOST_POINTS:
        size = one.height // (_MOST_POINTS // 2)
        one = one.with_row_index().filter(
            (pl.col("value") == pl.col("value").min().over(pl.col("index") // size))
            | (pl.col("value") == pl.col("value").max().over(pl.col("index") // size))).drop("index")
    gap = one["time"].diff()
    usual = gap.median()
    if usual is None:
        return one
    after = one.filter((gap > 10 * usual).fill_null(False)).with_columns(  # type: ignore[operator]
        pl.col("time") - pl.duration(microseconds=1), value=pl.lit(None, dtype=pl.Float64))
    return pl.concat([one, after]).sort("time")


def _dates(ax: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    ax.margins(x=0.01)
