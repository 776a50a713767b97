"""Skill: models and ways of holding out side by side, predicted against observed, intervals at new places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from talik.errors import DataError
from talik.figures.canvas import DOUBLE, FAINT, QUIET, SINGLE, SMALL, axes, figure, looks, panel_letter, styled
from talik.frames import as_frame
from talik.variables import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HELD = {"random": "Random sites held out", "cluster": "Clusters held out", "region": "Regions held out"}
_MODEL = {"mean": "Mean", "region_mean": "Region mean", "ridge": "Ridge", "additive": "Additive",
          "boosted_trees": "Boosted trees"}
_LEAST = -0.6


@styled
def skill(table: Any, ax: Axes | None = None) -> Axes:
    """
    Skill beyond the mean of every model under every way of holding out, over what permuted responses give.

    Parameters
    ----------
    table : frame
        `model_skill(...).to_frame()`.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of one journal column without it.

    Returns
    -------
    matplotlib Axes
        Dots with 90 % intervals over clusters; grey: from the median to the 95 % quantile with the response permuted.
        Skills below -0.6 are arrows at the edge with their number.

    Raises
    ------
    DataError
        If no model has a skill.
    """
    frame = as_frame(table, "table", required=("scheme", "model", "skill", "skill_low", "skill_high", "null_high"))
    rows = frame.filter(pl.col("model") != "mean").drop_nulls("skill")
    if rows.is_empty():
        raise DataError("table: no model has a skill: there is nothing to draw")
    schemes = list(dict.fromkeys(rows["scheme"]))
    ax = axes(ax, height=16.0 + 4.6 * (rows.height + 1.6 * len(schemes)))
    line, ticks, names = 0.0, [], []
    for scheme in schemes:
        ax.annotate(_HELD.get(scheme, scheme), (0, line), xycoords=("axes fraction", "data"), fontsize=SMALL,
                    fontweight="bold", va="center", ha="left", xytext=(2, 0), textcoords="offset points",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8}, zorder=4)
        for row in rows.filter(scheme=scheme).iter_rows(named=True):
            line += 1
            ticks.append(line)
            names.append(_MODEL.get(row["model"], row["model"]))
            _dot(ax, line, row)
        line += 1.6
    ax.axvline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=1)
    ax.set_yticks(ticks, names)
    ax.set_ylim(line - 0.9, -0.8)
    ax.set_xlim(_LEAST, 1.0)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    ax.set_xlabel("Skill beyond the mean" + ("; grey: chance" if rows["null_high"].count() else ""))
    return ax


@styled
def observed(predictions: Any, *, model: str = "boosted_trees") -> Figure:
    """
    Predicted against observed, one panel for each way of holding out, by region.

    Parameters
    ----------
    predictions : frame
        `model_skill(...).predictions`.
    model : str
        Whose predictions.

    Raises
    ------
    DataError
        If there are none of that model.
    """
    frame = as_frame(predictions, "predictions", required=("scheme", "model", "observed", "predicted"))
    rows = frame.filter(model=model)
    if rows.is_empty():
        raise DataError(f"predictions: none of model {model!r}: there is nothing to draw")
    schemes = list(dict.fromkeys(rows["scheme"]))
    fig = figure(DOUBLE, 80.0)
    panels = fig.subplots(1, len(schemes), sharex=True, sharey=True, squeeze=False)[0]
    both = rows.select("observed", "predicted").to_numpy()
    low, high = float(both.min()), float(both.max())
    region = rows["region"] if "region" in rows.columns else pl.Series(["all sites"] * rows.height)
    styles = looks(region.fill_null("no region").to_list())
    for k, (ax, scheme) in enumerate(zip(panels, schemes, strict=True)):
        part = rows.with_columns(look=region.fill_null("no region")).filter(scheme=scheme)
        for look in styles.values():
            sites = part.filter(look=look.name)
            ax.plot(sites["observed"], sites["predicted"], look.marker, color=look.colour, mec="white", mew=0.3,
                    label=look.name)
        ax.plot([low, high], [low, high], color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=1)
        error = float(((part["observed"] - part["predicted"]) ** 2).mean() ** 0.5)  # type: ignore[operator]
        ax.set_title(f"{_HELD.get(scheme, scheme)}\nRMSE {error:.2f} °C")
        ax.set_aspect("equal")
        ax.set_xlabel("Observed (°C)")
        ax.grid()
        panel_letter(ax, chr(ord("a") + k))
    panels[0].set_ylabel("Predicted (°C)")
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(styles))
    return fig


@styled
def prediction(table: Any, ax: Axes | None = None) -> Axes:
    """Predicted offsets with intervals, in ascending order; crosses where there is none."""
    rows = as_frame(table, "table", required=("prediction", "low", "high")).sort("prediction")
    ax = axes(ax, width=SINGLE, height=70.0)
    at = np.arange(rows.height)
    given = rows["low"].is_not_null().to_numpy()
    inside = rows.filter(pl.Series(given))
    ax.vlines(at[given], inside["low"], inside["high"], color="#0072B2", alpha=0.45,
              lw=min(2.0, 100.0 / max(rows.height, 1)))
    ax.plot(at[given], inside["prediction"], "o", color="#0072B2", mec="white", mew=0.3, ms=3.5,
            label=f"with interval ({int(given.sum())})")
    if not given.all():
        ax.plot(at[~given], rows.filter(pl.Series(~given))["prediction"], "x", color=QUIET, ms=3.5,
                label=f"no interval ({int((~given).sum())})")
    ax.axhline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)))
    ax.set_xlabel("Targets, by prediction")
    ax.set_ylabel(label(str(rows["response"][0])) if "response" in rows.columns and rows.height else "Prediction (°C)")
    ax.legend(loc="upper left")
    return ax


def _dot(ax: Axes, line: float, row: dict[str, Any]) -> None:
    if row["null_high"] is not None:
        left, right = max(row["null_skill"], _LEAST), max(row["null_high"], _LEAST)
        ax.barh(line, right - left, 0.72, left=left, color="#D0D0D0", zorder=0.5)
    ax.hlines(line, 0, 1, transform=ax.get_yaxis_transform(), color=FAINT, lw=0.4, zorder=0)
    beyond = row["skill"] < _LEAST
    colour = "#0072B2" if row["skill_low"] > 0 else "#6E6E6E"
    reach = [max(row["skill_low"], _LEAST), max(row["skill_high"], _LEAST)]
    ax.plot(reach, [line, line], color=colour, lw=1.3, zorder=2)
    ax.plot(max(row["skill"], _LEAST), line, "<" if beyond else "o", color=colour, mec="white", mew=0.4, ms=5, zorder=3,
            clip_on=False)
    if beyond:
        ax.annotate(f"{row['skill']:.1f}", (_LEAST, line), xytext=(6, 1.5), textcoords="offset points",
                    va="bottom", fontsize=SMALL - 1, color=colour)
