"""Drivers: ranked dots with intervals and what chance gives, and how a contribution follows its predictor."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from talik.errors import DataError
from talik.figures.canvas import DOUBLE, FAINT, QUIET, SMALL, axes, figure, looks, styled
from talik.frames import as_frame
from talik.variables import VARIABLES, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOT, DOUBT = "#0072B2", "#6E6E6E"
_ARROWS = {"rises": "▲", "falls": "▼", "unclear": "–"}
_RANKED = ("driver", "importance", "importance_low", "importance_high", "rank", "rank_low", "rank_high", "share_top")


@styled
def ranking(drivers: Any, ax: Axes | None = None, *, null: Any = None, verdict: str = "") -> Axes:
    """
    Drivers as dots, the most important on top: importance with its interval, and beside it the rank with its.

    Parameters
    ----------
    drivers : frame
        `rank_drivers(...).to_frame()`, or its `groups`. Predictors that were left out are named below.
    ax : matplotlib Axes, optional
        Draw importance only, here; without it a figure of journal width with importance and rank.
    null : frame, optional
        `importance_null(...).to_frame()`: a grey band reaches to the 95 % quantile of its importances. Nulls are
        those of groups: give the ranking's `groups` as drivers, or only single drivers have a band.
    verdict : str
        Written above.

    Returns
    -------
    matplotlib Axes
        Of the importance. Filled dots: the interval of ranks keeps to the better half; grey: it does not.

    Raises
    ------
    DataError
        If no row has an importance.
    """
    frame = as_frame(drivers, "drivers", required=_RANKED)
    rows = frame.drop_nulls("importance").sort("rank")
    if rows.is_empty():
        raise DataError("drivers: no row has an importance: there is nothing to draw")
    beside: Axes | None = None
    if ax is None:
        fig = figure(DOUBLE, 28.0 + 4.6 * rows.height)
        ax, beside = fig.subplots(1, 2, sharey=True, width_ratios=[2.2, 1.0])
    lines = np.arange(rows.height)
    if null is not None:
        _band(ax, rows, as_frame(null, "null", required=("driver", "null_median", "null_high")))
    sure = (rows["rank_high"] <= max(1, rows.height // 2)).to_list()
    _intervals(ax, lines, rows, "importance", sure)
    ax.set_yticks(lines, [_named(row) for row in rows.iter_rows(named=True)])
    ax.set_ylim(rows.height - 0.4, -0.6)
    ax.set_xlim(left=0)
    ax.set_xlabel("Importance: mean |contribution| at unseen sites (°C)")
    ax.tick_params(axis="y", length=0)
    ax.hlines(lines, 0, 1, transform=ax.get_yaxis_transform(), color=FAINT, lw=0.4, zorder=0)
    ax.set_title(textwrap.fill(verdict, 100))
    if beside is not None:
        _ranks(beside, lines, rows, sure)
    _foot(ax, frame, null is not None)
    return ax


@styled
def null_band(nulls: Any, ax: Axes | None = None) -> Axes:
    """Importance of each group of drivers as dots over what chance gives (grey, to its 95 % quantile)."""
    rows = as_frame(nulls, "nulls", required=("driver", "importance", "null_median", "null_high", "p_any"))
    ax = axes(ax, width=DOUBLE, height=20.0 + 5.0 * rows.height)
    lines = np.arange(rows.height)
    _band(ax, rows, rows)
    ax.plot(rows["importance"], lines, "o", color=DOT, mec="white", mew=0.4, ms=5)
    for line, row in zip(lines, rows.iter_rows(named=True), strict=True):
        ax.annotate(f"p = {row['p_any']:.2g}", (1, line), xycoords=("axes fraction", "data"), fontsize=SMALL - 0.5,
                    xytext=(3, 0), textcoords="offset points", va="center", color=QUIET, annotation_clip=False)
    ax.set_yticks(lines, [_named(row) for row in rows.iter_rows(named=True)])
    ax.set_ylim(rows.height - 0.4, -0.6)
    ax.set_xlim(left=0)
    ax.set_xlabel("Importance (°C); grey: chance, to its 95 % quantile; p allows for looking at all drivers")
    ax.tick_params(axis="y", length=0)
    return ax


@styled
def dependence(rows: Any, ax: Axes | None = None) -> Axes:
    """
    Contribution of one predictor against its value, a point a site, by region.

    Parameters
    ----------
    rows : frame
        `dependence(ranking, driver)`: value, contribution with interval [K], region.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of one journal column without it.

    Raises
    ------
    DataError
        If no site has both a value and a contribution.
    """
    frame = as_frame(rows, "rows", required=("predictor", "value", "contribution"))
    shown = frame.drop_nulls(("value", "contribution"))
    if shown.is_empty():
        raise DataError("rows: no site has a value and a contribution: there is nothing to draw")
    ax = axes(ax, height=65.0)
    name = str(shown["predictor"][0])
    region = shown["region"] if "region" in shown.columns else pl.Series(["all sites"] * shown.height)
    ax.axhline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)))
    for look in looks(region.fill_null("no region").to_list()).values():
        part = shown.filter(region.fill_null("no region") == look.name)
        ax.vlines(part["value"], part["contribution_low"], part["contribution_high"], color=look.colour, lw=0.4,
                  alpha=0.5)
        ax.plot(part["value"], part["contribution"], look.marker, color=look.colour, mec="white", mew=0.3, ms=3.8,
                label=f"{look.name} ({part.height})")
    missing = frame["value"].null_count()
    ax.set_xlabel(label(name) + (f"; missing at {missing} sites" if missing else ""))
    ax.set_ylabel("Contribution (°C)")
    ax.locator_params(axis="x", nbins=5)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, columnspacing=0.9, handletextpad=0.3)
    return ax


def _band(ax: Axes, rows: pl.DataFrame, null: pl.DataFrame) -> None:
    high = dict(null.select("driver", "null_high").rows())
    middle = dict(null.select("driver", "null_median").rows())
    for line, row in enumerate(rows.iter_rows(named=True)):
        name = row["driver"]
        if name in high:
            ax.barh(line, high[name], 0.72, color="#DCDCDC", zorder=0.5)
            ax.vlines(middle[name], line - 0.36, line + 0.36, color="#9A9A9A", lw=0.8, zorder=0.6)


def _intervals(ax: Axes, lines: Any, rows: pl.DataFrame, name: str, sure: list[bool]) -> None:
    for line, row, known in zip(lines, rows.iter_rows(named=True), sure, strict=True):
        colour = DOT if known else DOUBT
        ax.plot([row[f"{name}_low"], row[f"{name}_high"]], [line, line], color=colour, lw=1.3, zorder=2)
        ax.plot(row[name], line, "o", color=colour if known else "white", mec=colour, mew=0.9, ms=4.5, zorder=3)


def _ranks(ax: Axes, lines: Any, rows: pl.DataFrame, sure: list[bool]) -> None:
    from matplotlib.ticker import MaxNLocator

    _intervals(ax, lines, rows, "rank", sure)
    ax.hlines(lines, 0, 1, transform=ax.get_yaxis_transform(), color=FAINT, lw=0.4, zorder=0)
    for line, share in zip(lines, rows["share_top"], strict=True):
        ax.annotate(f"{100 * share:.0f} %", (1.02, line), xycoords=("axes fraction", "data"), va="center",
                    fontsize=SMALL, annotation_clip=False)
    ax.annotate("first in", (1.02, 1), xycoords="axes fraction", fontsize=SMALL, color=QUIET, va="bottom",
                annotation_clip=False)
    ax.set_xlim(0.5, rows.height + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set_xlabel("Rank")
    ax.tick_params(axis="y", length=0)


def _named(row: dict[str, Any]) -> str:
    """Names of the catalogue, joined for groups; an arrow for the direction, an asterisk for flags."""
    names = _members(row["driver"])
    text = textwrap.shorten(names[0], 44, placeholder=" …") + (f" + {len(names) - 1} more" if len(names) > 1 else "")
    return f"{text}{' *' if row.get('flags') else ''} {_ARROWS.get(row.get('direction') or '', '')}".rstrip()


def _members(driver: str) -> list[str]:
    return [VARIABLES[n].label if n in VARIABLES else n.replace("_", " ") for n in driver.split(" + ")]


def _foot(ax: Axes, frame: pl.DataFrame, band: bool) -> None:
    parts = ["Filled: surely in the better half of ranks."]
    if several := [", ".join(names).lower() for d in frame["driver"] if len(names := _members(d)) > 1]:
        parts.append(f"Correlated beyond 0.7 and scored together: {'; '.join(several)}.")
    if "direction" in frame.columns:
        parts.append("▲ rises, ▼ falls with the predictor, – unclear.")
    if band:
        parts.append("Grey band: chance, to its 95 % quantile; tick: its median.")
    if "flags" in frame.columns and (frame["flags"].fill_null("") != "").any():
        parts.append("* flagged: see the table of flags.")
    if "reason" in frame.columns and (left := frame.drop_nulls("reason")["driver"].to_list()):
        parts.append(f"Left out: {', '.join(VARIABLES[n].label.lower() if n in VARIABLES else n for n in left)}.")
    page: Any = ax.get_figure()
    page.supxlabel(textwrap.fill(" ".join(parts), 140), fontsize=SMALL - 0.5, color=QUIET)
