"""Series over time: values with what was rejected, temperature by depth and time, offsets by year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from talik.errors import DataError
from talik.figures.canvas import DOUBLE, INK, QUIET, SMALL, axes, colour_map, styled
from talik.variables import OTHER_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SURFACE, THERMAL = "#D55E00", "#0072B2"
_MARKS = {"SENTINEL": "x", "RANGE": "+", "SATURATED": "X", "SPIKE": "^", "STEP": "s", "FLAT": "_", "DUPLICATE": "|",
          "CLOCK": "|", "DEPTH": "D", "SOURCE": "*"}
_MARK_COLOURS = {"SPIKE": "#D55E00", "STEP": "#CC79A7", "FLAT": "#7F4F00", "DEPTH": "#009E73", "SOURCE": "#E69F00"}
_OF_ROWS = ("CLOCK", "DUPLICATE")
"""Flags that a stamp gives to every column: they tell no column from another."""
_NEVER = ("SENTINEL", "SATURATED")
"""Flags of numbers that never were temperatures: most readers keep the flag, not the number."""
_PALETTE = ("#9A968C", "#0072B2", "#56B4E9", "#1A1A1A", "#5E3C99", "#8FB300", *OTHER_COLOURS)
_MOST_POINTS, _MOST_MARKS = 4000, 400
_COLUMNS, _FAULTY = 4, 5


@styled
def flagged_series(frame: pl.DataFrame, *, ax: Axes | None = None, depths: tuple[float, ...] | None = None) -> Axes:
    """
    The series of some columns, with every rejected value marked by what was wrong with it.

    Values farther from the good ones than these are apart are arrows at the edge beside what they read, so that one
    -999 does not flatten the rest. Fill values that became NaN when they were read are marked on the lower edge;
    stamps of a wrong clock before or after all others are counted below the axis.

    Parameters
    ----------
    frame : polars.DataFrame
        time, depth, label, value [°C], flags.
    ax : matplotlib Axes, optional
        Where to draw; a new double-column figure when None.
    depths : tuple of float, optional
        Which depths [m]. When None and there are more than four columns: the five with most rejected values, and sound
        ones from the shallowest to the deepest, at least one, until there are four.

    Raises
    ------
    DataError
        If there is no value at those depths.
    """
    flags = pl.col("flags").str.split("|")
    frame = frame.with_columns(
        bad=flags.list.set_intersection(list(_MARKS)).list.len() > 0,
        clock=flags.list.contains("CLOCK"),
        own=flags.list.set_intersection([name for name in _MARKS if name not in _OF_ROWS]).list.len() > 0,
    ).filter(pl.col("value").is_not_null() | (flags.list.set_intersection(list(_NEVER)).list.len() > 0))
    columns, notes = _columns(frame, depths)
    shown = frame.join(columns, on="label", how="semi").sort("time")
    sound = shown.filter(~pl.col("clock"))
    good = sound.filter(~pl.col("bad"))
    scale = good if good.height else sound.filter(pl.col("value").is_between(-90, 60))
    if not scale.height:
        raise DataError("flagged_series: no value at these depths")
    within = pl.col("time").is_between(sound["time"][0], sound["time"][-1])
    away = shown.filter(~within)["time"]
    if away.len():
        notes.append(f"Not drawn: {away.n_unique()} stamps of a wrong clock, "
                     f"{away[0]:%Y-%m-%d} to {away[-1]:%Y-%m-%d}.")
    bad = shown.filter(pl.col("bad") & within)
    if blank := bad["value"].null_count():
        notes.append(f"On the lower edge: fill values and saturated readings ({blank}), whose numbers are not kept.")
    ax = axes(ax, width=DOUBLE, height=75)
    for (label, name), colour in zip(columns.select("label", "name").iter_rows(), _PALETTE, strict=False):
        line = _broken(good.filter(pl.col("label") == label))
        ax.plot(line["time"], line["value"], color=colour, lw=0.7, zorder=2, label=name)
    _marked(ax, bad, *_reach(scale["value"], bad["value"]))
    ax.set(ylabel="Temperature (°C)", title=str(frame["site"][0]))
    ax.axhline(0, color=QUIET, lw=0.5, ls=(0, (4, 3)), zorder=1)
    _dates(ax)
    ax.set_xlabel("\n".join(notes), fontsize=SMALL, color=QUIET, loc="left")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return ax


def _columns(frame: pl.DataFrame, depths: tuple[float, ...] | None) -> tuple[pl.DataFrame, list[str]]:
    """Which columns are drawn: label, depth, name in the legend, by depth; and a note on faulty ones left out."""
    every = frame.group_by("label", maintain_order=True).agg(pl.col("depth").first(), pl.col("own").sum()).with_columns(
        name=pl.struct("label", "depth").map_elements(lambda c: _named(**c), return_dtype=pl.String)).sort("depth")
    if depths is not None:
        return every.filter(pl.any_horizontal((pl.col("depth") - z).abs() < 1e-6 for z in depths)), []
    if every.height <= _COLUMNS:
        return every, []
    worst = every.filter(pl.col("own") > 0).sort("own", descending=True, maintain_order=True)
    sound = every.filter(pl.col("own") == 0)
    n = min(max(_COLUMNS - worst.height, 1), sound.height)
    spread = sound[np.linspace(0, sound.height - 1, n).round().astype(int).tolist()] if n else sound
    left_out = worst[_FAULTY:].sort("depth")["name"].to_list()
    notes = [f"Rejected values also in: {'; '.join(left_out)}."] if left_out else []
    return pl.concat([worst[:_FAULTY], spread]).sort("depth"), notes


def _named(label: str, depth: float | None) -> str:
    if depth is None:
        return label
    return f"{depth:g} m" if depth >= 0 else f"air, {-depth:g} m"


def _reach(good: pl.Series, bad: pl.Series) -> tuple[float, float]:
    """Ends of the axis [°C]: all good values, and the bad ones no farther from them than they are apart."""
    ends = np.array([good.min(), good.max()], dtype=float)
    apart = max(float(np.ptp(ends)), 1.0)
    near = bad.filter(bad.is_between(ends[0] - apart, ends[1] + apart)).to_numpy()
    low, high = float(min(ends[0], near.min(initial=np.inf))), float(max(ends[1], near.max(initial=-np.inf)))
    margin = 0.08 * max(high - low, 1.0)
    return low - margin, high + margin


def _marked(ax: Axes, bad: pl.DataFrame, low: float, high: float) -> None:
    """Marks on rejected values; those beyond the axis are arrows at its edge, with what they read beside the first."""
    ax.set_ylim(low, high)
    bad = bad.with_columns(edge=pl.when(pl.col("value") < low).then(low).when(pl.col("value") > high).then(high))
    for name, marker in _MARKS.items():
        hit = bad.filter(pl.col("flags").str.split("|").list.contains(name))
        if not hit.height:
            continue
        colour = _MARK_COLOURS.get(name, "#B00020")
        within = hit.filter(pl.col("value").is_between(low, high)).partition_by("label", maintain_order=True)
        blank = hit.filter(pl.col("value").is_null()).with_columns(value=pl.lit(low + 0.02 * (high - low)))
        few = pl.concat([blank, *(_extremes(one, _MOST_MARKS) for one in within)])
        size, weight = (3.2, 0.8) if few.height < _MOST_MARKS // 4 else (2.4, 0.5)
        ax.plot(few["time"], few["value"], ls="", marker=marker, ms=size, mew=weight, mfc="none", color=colour,
                zorder=4, label=name.lower())
        for (edge,), beyond in hit.drop_nulls("edge").group_by("edge", maintain_order=True):
            few = beyond.gather_every(max(beyond.height // _MOST_MARKS, 1))
            ax.plot(few["time"], few["edge"], ls="", marker="v" if edge == low else "^", ms=4, color=colour, zorder=5,
                    clip_on=False)
    for (edge,), beyond in bad.drop_nulls("edge").group_by("edge", maintain_order=True):
        first = beyond["time"][0]
        late = first - bad["time"][0] > bad["time"][-1] - first
        ax.annotate(_said(beyond["value"].unique().sort().to_list()), (first, edge), va="center", fontsize=SMALL,
                    xytext=(-4 if late else 4, 5 if edge == low else -5), textcoords="offset points",
                    ha="right" if late else "left", color=INK, zorder=6)


def _said(values: list[float]) -> str:
    """Values beyond the axis in words: each, or from which to which when there are more than two."""
    joint = " and " if len(values) == 2 else " to "
    return joint.join(f"{value:.4g}" for value in dict.fromkeys((values[0], values[-1]))).replace("-", "−") + " °C"


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
    years = frame.filter(pl.any_horizontal(pl.col(list(names)).is_not_null()))["year"]
    ax.set_xlim(int(years.min()) - 0.5, int(years.max()) + 0.5)  # type: ignore[arg-type]
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))    # years as they are written: 2019, 2020
    ax.ticklabel_format(axis="x", style="plain", useOffset=False)
    ax.set(ylabel="Offset (°C)", xlabel="Year", title=str(frame["site"][0]))
    ax.margins(y=0.12)
    ax.legend(loc="upper left", bbox_to_anchor=(0.0, -0.16), ncols=2)
    return ax


def _broken(one: pl.DataFrame) -> pl.DataFrame:
    """At most some thousand points, lowest and highest of each stretch kept, and a null where the series has a gap."""
    one = _extremes(one, _MOST_POINTS)
    gap = one["time"].diff()
    usual = gap.median()
    if usual is None:
        return one
    after = one.filter((gap > 10 * usual).fill_null(False)).with_columns(  # type: ignore[operator]
        pl.col("time") - pl.duration(microseconds=1), value=pl.lit(None, dtype=pl.Float64))
    return pl.concat([one, after]).sort("time")


def _extremes(one: pl.DataFrame, most: int) -> pl.DataFrame:
    """The lowest and the highest row of each stretch, in order, of a table of more than so many rows."""
    if one.height <= most:
        return one
    size = -(-2 * one.height // most)
    ends = one.with_row_index("row").group_by(pl.col("row") // size).agg(
        low=pl.col("row").get(pl.col("value").arg_min()), high=pl.col("row").get(pl.col("value").arg_max()))
    rows: list[int] = np.union1d(ends["low"], ends["high"]).tolist()
    return one[rows]


def _dates(ax: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    ax.margins(x=0.01)
