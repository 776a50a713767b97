"""Forest of regional means: offsets and temperatures by sub-region with 95 % confidence intervals (figure 2)."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import polars as pl

from talik.errors import DataError
from talik.figures.canvas import DOUBLE, FAINT, NORMAL, QUIET, SINGLE, SMALL, figure, looks, panel_letter, styled
from talik.frames import as_frame
from talik.variables import REGIONS, Region, shown_unit, variable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIVE = ("surface_offset", "thermal_offset", "ttop", "magst", "maat")
_COLUMNS = ("by", "group", "variable", "n", "mean", "ci_low", "ci_high")
_WIDE = 6.0
"""So many usual widths beyond the outermost mean an interval is cut."""
_OF = {sub: region.name for region in REGIONS.values() for sub in region.subregions}


@styled
def regional_forest(summary: Any, *, by: str = "subregion", variables: Sequence[str] = FIVE,
                    regions: Mapping[str, str] | None = None) -> Figure:
    """
    Means with 95 % confidence intervals, one row a sub-region, one panel a quantity.

    Parameters
    ----------
    summary : polars or pandas frame
        What `talik.describe(sites, by=by).to_frame()` gives: columns `by`, `group`, `variable`, `n`, `mean`,
        `ci_low`, `ci_high` (cluster bootstrap).
    by : str
        The grouping of `summary` that makes the rows.
    variables : sequence of str
        Panels from left to right; one without any mean is left out.
    regions : mapping of group to region, optional
        For the colours and headings of groups the catalogue does not know.

    Returns
    -------
    matplotlib Figure
        The cluster-bootstrap interval; where there are too few clusters for one, only the mean. n is the number of
        values. An interval much wider than the others ends in an arrow at the edge of its panel.

    Raises
    ------
    UnknownName
        If a column is missing, or a variable is not in the catalogue.
    DataError
        If `summary` has no mean of any of the variables in this grouping.
    """
    names = [variable(name).name for name in variables]
    rows = as_frame(summary, "summary", required=_COLUMNS).filter(
        (pl.col("by") == by) & pl.col("mean").is_not_null() & pl.col("variable").is_in(names))
    if rows.is_empty():
        raise DataError(f"summary: no group by {by!r} has a mean of {', '.join(names)}: there is nothing to draw")
    names = [name for name in names if name in set(rows["variable"])]
    lines, headings, styles = _lines(rows["group"].unique(maintain_order=True).to_list(), regions or {})
    bottom = max([*lines.values(), *headings.values()]) + 0.8
    fig = figure(SINGLE if len(names) == 1 else DOUBLE, 26.0 + 5.0 * bottom)
    axes = fig.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for k, (ax, name) in enumerate(zip(axes, names, strict=True)):
        _panel(ax, name, rows.filter(pl.col("variable") == name), lines, styles, bottom)
        if len(names) > 1:
            panel_letter(ax, chr(ord("a") + k))
    _names(axes[0], lines, headings, {group for group, look in styles.items() if look.name == group})
    bare = "; a mean without interval: too few clusters" if rows["ci_low"].null_count() else ""
    said = [f"Mean and 95 % confidence interval (cluster bootstrap{bare}); n: number of values.",
            "; ".join(f"{variable(n).symbol}: {variable(n).label.lower()}" for n in names if variable(n).symbol) + "."]
    text = textwrap.fill(" ".join(said), int((SINGLE if len(names) == 1 else DOUBLE) / 1.32))
    fig.supxlabel(text, fontsize=SMALL - 0.5, color=QUIET)
    return fig


def _lines(groups: list[str],
           regions: Mapping[str, str]) -> tuple[dict[str, float], dict[str, float], dict[str, Region]]:
    """The line of every group and of every region's heading, from the top, and the look of every group."""
    region = {group: regions.get(group) or _OF.get(group) or group for group in groups}
    styles = looks(region.values())
    order = {sub: k for known in REGIONS.values() for k, sub in enumerate(known.subregions)}
    lines, headings, at = {}, {}, 0.0
    for name in styles:
        members = sorted((g for g in groups if region[g] == name), key=lambda g: order.get(g, len(order)))
        if members != [name]:
            headings[name] = at
            at += 1.0
        for group in members:
            lines[group] = at
            at += 1.0
        at += 0.4
    return lines, headings, {group: styles[region[group]] for group in groups}


def _panel(ax: Axes, name: str, rows: pl.DataFrame, lines: Mapping[str, float], styles: Mapping[str, Region],
           bottom: float) -> None:
    from matplotlib.ticker import MaxNLocator

    known = variable(name)
    ax.axvline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=1)
    edges = _edges(rows)
    for row in rows.iter_rows(named=True):
        line, look = lines[row["group"]], styles[row["group"]]
        if row["ci_low"] is not None:
            ends = [max(row["ci_low"], edges[0]), min(row["ci_high"], edges[1])]
            ax.plot(ends, [line, line], color=look.colour, lw=1.1, solid_capstyle="butt", zorder=2)
            for at, whole, arrow in zip(ends, (row["ci_low"], row["ci_high"]), "<>", strict=True):
                ax.plot(at, line, "|" if at == whole else arrow, color=look.colour, ms=4, mew=1.1, zorder=2)
        ax.plot(row["mean"], line, look.marker, color=look.colour, ms=4, mec="white", mew=0.4, zorder=3)
        ax.annotate(f"{row['n']}", (1.0, line), xycoords=("axes fraction", "data"), xytext=(-1, 0), va="center",
                    textcoords="offset points", ha="right", fontsize=SMALL - 0.5, color=QUIET)
    ax.annotate("n", (1.0, 1.0), xycoords="axes fraction", xytext=(-1, -1), textcoords="offset points", ha="right",
                va="top", fontsize=SMALL - 0.5, color=QUIET)
    ax.set_ylim(bottom, -1.15)
    left, right = ax.get_xlim()
    ax.set_xlim(left, right + 0.25 * (right - left))
    ax.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    ax.grid(axis="x")
    ax.hlines(list(lines.values()), 0, 0.85, transform=ax.get_yaxis_transform(), color=FAINT, lw=0.4, zorder=0)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.set_title(known.label if len(known.label) < 16 else known.short, pad=6)
    ax.set_xlabel(f"{known.short} ({shown_unit(known.units)})")


def _edges(rows: pl.DataFrame) -> tuple[float, float]:
    """Where intervals are cut: beyond all means by several times the usual half-width of an interval."""
    low, high = rows["mean"].min(), rows["mean"].max()
    usual = (rows["ci_high"].cast(pl.Float64) - rows["ci_low"].cast(pl.Float64)).median()
    if not isinstance(low, float) or not isinstance(high, float) or not isinstance(usual, float):
        return float("-inf"), float("inf")
    reach = max(_WIDE * usual, high - low)
    return low - reach, high + reach


def _names(ax: Axes, lines: Mapping[str, float], headings: Mapping[str, float], whole: set[str]) -> None:
    """Names of the groups, and bold ones of regions, at the left of the first panel."""
    ax.set_yticks([*lines.values(), *headings.values()], [*lines, *headings])
    for text in ax.get_yticklabels():
        if text.get_text() in {*headings, *whole}:
            text.set_fontweight("bold")
    ax.tick_params(axis="y", labelsize=NORMAL)
