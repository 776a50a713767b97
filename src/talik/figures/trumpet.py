"""The trumpet: coldest, mean and warmest of a year against depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from talik.errors import DataError
from talik.figures.canvas import INK, QUIET, SINGLE, axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLD, WARM = "#0072B2", "#D55E00"


@styled
def trumpet(frame: pl.DataFrame, *, ax: Axes | None = None, year: int | None = None) -> Axes:
    """
    Lowest and highest daily mean and annual mean of one year against depth.

    Parameters
    ----------
    frame : polars.DataFrame
        From `AnnualMeans.to_frame`: site, year, depth, mean, low, high [°C].
    ax : matplotlib Axes, optional
        Where to draw; a new single-column figure when None.
    year : int, optional
        Which year; the latest of those with most depths when None.

    Raises
    ------
    DataError
        If no year, or not this one, has a mean at two depths below the surface.
    """
    ground = frame.filter((pl.col("depth") >= 0) & pl.col("mean").is_not_null()).sort("depth")
    depths = ground.group_by("year").len().sort("len", "year")
    if year is None and depths.height:
        year = int(depths["year"][-1])
    shown = ground if year is None else ground.filter(pl.col("year") == year)
    if shown.height < 2:
        raise DataError(_refusal(shown["depth"].to_list(), depths.filter(pl.col("len") > 1)["year"].to_list(), year))
    ax = axes(ax, width=SINGLE, height=95)
    z = shown["depth"].to_numpy()
    low, mean, high = (shown[name].to_numpy() for name in ("low", "mean", "high"))
    ax.fill_betweenx(z, low, high, color="#EFEDE8", zorder=1, lw=0)
    ax.plot(low, z, color=COLD, marker="v", label="Coldest day", zorder=3)
    ax.plot(high, z, color=WARM, marker="^", label="Warmest day", zorder=3)
    ax.plot(mean, z, color=INK, marker="o", label="Annual mean", zorder=4)
    ax.axvline(0, color=QUIET, lw=0.6, ls=(0, (4, 3)), zorder=2)
    ax.set(xlabel="Ground temperature (°C)", ylabel="Depth (m)", ylim=(float(z.max()) * 1.03, -0.03 * float(z.max())))
    widest = float(np.nanmax(np.abs([low.min(), high.max()])))
    ax.margins(x=0.05)
    ax.set_xlim(min(ax.get_xlim()[0], -0.1 * widest), max(ax.get_xlim()[1], 0.1 * widest))
    ax.set_title(f"{shown['site'][0]}, {year}")
    ax.legend(loc="lower right")
    return ax


def _refusal(there: list[float], whole: list[int], year: int | None) -> str:
    at = f" ({there[0]:g} m)" if there else ""
    got = "no annual mean in any year" if year is None else f"{len(there)}{at} in {year}"
    do = (f"Ask for one of the years that have them: {', '.join(map(str, sorted(whole)))}." if whole else
          "No year has them: the column `reason` of the annual means says why; a record with one sensor in the ground "
          "has no trumpet.")
    return f"trumpet: needs annual means at two depths or more at or below the surface, got {got}. {do}"
