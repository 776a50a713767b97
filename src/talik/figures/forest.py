"""The forest plot: a square per study, a diamond per mean, the prediction bar, and the numbers beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik import files
from talik.figures.canvas import DOUBLE, INK, NORMAL, QUIET, SMALL, figure, save, styled
from talik.figures.forest_rows import COLUMNS, Numbers, Row, limits_of, numbers_for, rows_of
from talik.frames import as_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, TIGHT = 4.1, 3.4
"""Height of a line [mm], and of a line when there are more than 45."""
_GAP = 8.0
_POINTS = 72 / 25.4


@styled
def forest(frame: Any, ax: Axes | None = None, *, xlabel: str = "Effect", null: float | None = 0.0,
           prediction: bool = True, width: float = DOUBLE) -> Axes:
    """
    Draw a meta-analysis as a forest plot.

    Parameters
    ----------
    frame : frame
        `Pooled.to_frame()`: one row per study, subgroup mean and overall mean.
    ax : Axes, optional
        The middle panel; the columns of text hang on its sides. A new figure, high enough for the rows, when None.
    xlabel : str
        What the effect is, with its unit.
    null : float or None
        Where to draw the line of no effect.
    prediction : bool
        Draw the prediction interval below the overall diamond.
    width : float
        Of a new figure [mm].

    Returns
    -------
    Axes
        `ax.figure` is the whole sheet.

    Notes
    -----
    The area of a square is proportional to the study's weight in the overall mean. Intervals that would squeeze the
    others are cut at the edge and end in an arrowhead; the numbers beside them are whole.

    Raises
    ------
    DataError
        If there is no study.
    """
    table = as_frame(frame, "frame", required=COLUMNS)
    rows, numbers = rows_of(table, prediction=prediction), numbers_for(table)
    tops = np.cumsum([0, *(row.lines for row in rows)])
    height = TIGHT if tops[-1] > 45 else ROW
    cells = [numbers.cells(row) for row in rows]
    heads = ("Effect", "", _level(table), "Weight")
    if ax is None:
        ax = _new_axes(rows, cells, heads, width, height * (tops[-1] + 1.6) + 11)
    limits = limits_of(rows)
    ax.set_xlim(*limits)
    ax.set_ylim(tops[-1] + 0.2, -1.4)
    middles = (tops[:-1] + tops[1:]) / 2
    _reference_lines(ax, rows, float(tops[-1]), null)
    heaviest = max((row.values["weight"] or 0.0 for row in rows if row.kind == "study"), default=1.0) or 1.0
    for row, y in zip(rows, middles, strict=True):
        _draw(ax, row, float(y), limits, (0.62 * height * _POINTS) ** 2 / heaviest)
    _text(ax, rows, cells, heads, middles)
    _axis(ax, numbers, xlabel)
    return ax


def write_forest(frame: Any, stem: Path | str, **style: Any) -> list[Path]:
    """Write the forest plot as SVG and PNG, and beside it the table it shows as CSV; returns the three paths."""
    table = as_frame(frame, "frame", required=COLUMNS)
    written = save(_sheet(forest(table, **style)), stem)
    return [*written, files.write_csv(Path(stem).with_name(Path(stem).name + ".csv"), table)]


def _sheet(ax: Axes) -> Figure:
    sheet = ax.get_figure(root=True)
    assert sheet is not None
    return sheet


def _level(table: pl.DataFrame) -> str:
    levels = table["level"].drop_nulls().to_list() if "level" in table.columns else []
    return f"{100 * levels[0]:g} % interval" if len(levels) else "Interval"


def _widths(sheet: Figure, texts: list[str], *, bold: bool = False) -> float:
    """Width of the widest text [pt]."""
    from matplotlib.font_manager import FontProperties

    font = FontProperties(size=SMALL, weight="bold" if bold else "normal")
    renderer = sheet.canvas.get_renderer()  # type: ignore[attr-defined]
    lines = [line for text in texts for line in text.split("\n")] or [""]
    widest = max(renderer.get_text_width_height_descent(line, font, ismath=False)[0] for line in lines)
    return float(widest) * 72 / sheet.dpi


def _left(sheet: Figure, rows: list[Row]) -> float:
    """Where the names begin, to the left of the axis [pt]."""
    notes = _widths(sheet, [row.label for row in rows if row.kind == "note"])
    return max(notes, _widths(sheet, [row.label for row in rows if row.kind != "note"], bold=True)) + _GAP + 6


def _edges(sheet: Figure, cells: list[tuple[str, str, str, str]], heads: tuple[str, ...]) -> list[float]:
    """Right edges of the four columns of numbers, from the right end of the axis [pt]."""
    sizes = [_widths(sheet, [row[i] for row in cells if row[2] == "" or row[1]], bold=True) for i in range(4)]
    sizes[0], sizes[3] = (max(sizes[i], _widths(sheet, [heads[i]], bold=True)) for i in (0, 3))
    # remarks and the heading of the interval may run over both its ends
    wide = max(_widths(sheet, [heads[2]], bold=True), _widths(sheet, [row[2] for row in cells if not row[1]]))
    sizes[2] += max(0.0, wide - (sizes[1] + 3 + sizes[2]))
    gaps = (_GAP, 6.0, 3.0, _GAP)
    return list(np.cumsum(np.add(sizes, gaps)))


def _new_axes(rows: list[Row], cells: list[tuple[str, str, str, str]], heads: tuple[str, ...], width: float,
              height: float) -> Axes:
    """The middle panel of a new sheet, with room for the text measured."""
    sheet = figure(width, height, layout=None)
    left = _left(sheet, rows) + 4
    right = _edges(sheet, cells, heads)[-1] + 4
    whole = width * _POINTS
    middle = max(whole - left - right, 0.22 * whole)
    bottom = 10 / height
    return sheet.add_axes((left / whole, bottom, middle / whole, 1 - bottom - 1 / height))


def _reference_lines(ax: Axes, rows: list[Row], bottom: float, null: float | None) -> None:
    low, high = ax.get_xlim()
    if null is not None and low < null < high:
        ax.plot([null, null], [-0.1, bottom], color=QUIET, lw=0.7, zorder=1)
    for row in rows:
        if row.kind == "overall" and row.is_drawn:
            ax.plot([row.values["effect"]] * 2, [-0.1, bottom], color=QUIET, lw=0.6, ls=(0, (3, 2)), zorder=1)


def _draw(ax: Axes, row: Row, y: float, limits: tuple[float, float], area: float) -> None:
    """The square, diamond or bar of one row; `area` [pt²] is a square's per unit of weight."""
    if not row.is_drawn:
        return
    whole = row.span
    low, high = (float(np.clip(end, *limits)) for end in whole)
    if row.kind == "study":
        ax.plot([low, high], [y, y], color=row.colour, lw=0.9, solid_capstyle="butt", zorder=2)
        ax.scatter([row.values["effect"]], [y], marker="s", s=max(area * row.values["weight"], 1.2), color=row.colour,
                   linewidths=0, zorder=3)
    elif row.kind == "prediction":
        ax.fill([low, high, high, low], [y - 0.12, y - 0.12, y + 0.12, y + 0.12], color=row.colour, lw=0, zorder=3)
    else:
        ax.fill([low, row.values["effect"], high, row.values["effect"]], [y, y - 0.34, y, y + 0.34], color=row.colour,
                lw=0, zorder=3)
    for end, edge, marker in zip(whole, limits, "<>", strict=True):
        if (end < edge) == (marker == "<") and end != edge and not limits[0] <= end <= limits[1]:
            ax.plot([edge], [y], marker=marker, ms=3.4, color=row.colour, mew=0, clip_on=False, zorder=4)


def _text(ax: Axes, rows: list[Row], cells: list[tuple[str, str, str, str]], heads: tuple[str, ...],
          middles: NDArray[np.float64]) -> None:
    """Names on the left, numbers on the right, headings above."""
    sheet = _sheet(ax)
    left = _left(sheet, rows)
    edges = _edges(sheet, cells, heads)

    def write(text: str, y: float, offset: float, right: bool, weight: str = "normal", colour: str = INK) -> None:
        ax.annotate(text, (1.0 if right else 0.0, y), xycoords=("axes fraction", "data"), xytext=(offset, 0),
                    textcoords="offset points", ha="right" if right else "left", va="center_baseline", fontsize=SMALL,
                    fontweight=weight, color=colour, annotation_clip=False, linespacing=1.05)

    for row, cell, y in zip(rows, cells, middles, strict=True):
        strong = "bold" if row.kind in ("heading", "overall", "subgroup") else "normal"
        indent = 6.0 if row.kind not in ("heading", "overall") and row.values["subgroup"] else 0.0
        colour = row.colour if row.kind in ("heading", "note", "prediction") else INK if row.is_drawn else QUIET
        write(row.label, float(y), indent - left, False, strong, colour)
        for text, edge in zip(cell, edges, strict=True):
            if text:
                remark = QUIET if not cell[1] else row.colour if row.kind == "prediction" else INK
                write(text, float(y), edge, True, strong, remark)
    for text, edge in zip(heads, edges, strict=True):
        write(text, -0.75, edge, True, "bold")


def _axis(ax: Axes, numbers: Numbers, xlabel: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.spines["left"].set_visible(False)
    ax.set_yticks([])
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    if numbers.power:
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x / 10.0**numbers.power:g}"))
        xlabel = f"{xlabel} (×10$^{{{numbers.power}}}$)"
    ax.set_xlabel(xlabel, fontsize=NORMAL)
