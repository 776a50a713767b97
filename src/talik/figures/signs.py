"""What the arbitrary sign of a component does: pooled slopes under random signs, beside the pinned one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talik.errors import DataError
from talik.figures.canvas import INK, QUIET, SMALL, axes, styled
from talik.frames import as_frame, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@styled
def sign_sensitivity(signs: Any, ax: Axes | None = None, *, pinned: float, xlabel: str = "Pooled slope") -> Axes:
    """
    Histogram of pooled slopes under random signs of the groups' components, with the pinned one as a line.

    Parameters
    ----------
    signs : frame
        `random_signs(...)`: the column `mean`, one row a combination of signs.
    ax : matplotlib Axes, optional
        Where to draw; a new figure one journal column wide when None.
    pinned : float
        Pooled slope under the stated rule.
    xlabel : str
        What the slope is, with its unit.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        If there is no pooled slope.
    """
    from matplotlib.ticker import MaxNLocator

    means = numbers(as_frame(signs, "signs", required=["mean"]), "mean", "signs").drop_nulls().to_numpy()
    if not means.size:
        raise DataError("signs: no pooled slope to draw; at least two groups are needed")
    ax = axes(ax, height=50.0)
    reach = max(float(np.abs(means).max()), abs(pinned)) * 1.08 or 1.0
    ax.hist(means, bins=np.linspace(-reach, reach, 42).tolist(), color="#B9C4CE", edgecolor="white", linewidth=0.3)
    ax.axvline(0.0, color=QUIET, lw=0.6)
    ax.axvline(pinned, color="#D55E00", lw=1.6)
    ax.annotate("pinned by\nthe rule", (pinned, 0.97), xycoords=("data", "axes fraction"), fontsize=SMALL, color=INK,
                xytext=(4 if pinned < 0 else -4, 0), textcoords="offset points", va="top",
                ha="left" if pinned < 0 else "right")
    ax.set_xlim(-reach, reach)
    ax.set_xlabel(xlabel)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    ax.set_ylabel(f"Combinations (of {means.size})")
    return ax
