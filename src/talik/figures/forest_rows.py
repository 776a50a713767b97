"""The lines of a forest plot, as text and numbers, before anything is drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from talik.errors import DataError
from talik.figures.canvas import INK, QUIET, looks

COLUMNS = ("kind", "label", "subgroup", "k", "effect", "low", "high", "weight")
PREDICTION = "#A50026"
_PLAIN = "#4C5B6B"
_WIDEST = 42
_LEFT_OUT = {"effect_missing": "effect missing", "effect_infinite": "effect not finite",
             "se_missing": "no standard error", "se_infinite": "standard error not finite",
             "se_zero": "standard error 0"}


@dataclass(frozen=True, slots=True)
class Row:
    """
    A line of the plot.

    Parameters
    ----------
    kind : str
        "heading", "study", "subgroup", "overall", "prediction" or "note".
    label : str
        On the left; wrapped.
    colour : str
    values : mapping
        The frame's row it shows.
    """

    kind: str
    label: str
    colour: str
    values: Mapping[str, Any]

    @property
    def lines(self) -> int:
        """Lines of text."""
        return self.label.count("\n") + 1

    @property
    def is_drawn(self) -> bool:
        """Whether there is a square, diamond or bar."""
        if self.kind == "prediction":
            return True
        names = ("effect", "low", "high", "weight") if self.kind == "study" else ("effect", "low", "high")
        return self.kind in ("study", "subgroup", "overall") and all(
            self.values[name] is not None for name in names)

    @property
    def span(self) -> tuple[float, float]:
        """The ends of what is drawn."""
        low, high = ("prediction_low", "prediction_high") if self.kind == "prediction" else ("low", "high")
        return float(self.values[low]), float(self.values[high])


@dataclass(frozen=True, slots=True)
class Numbers:
    """How effects are written: decimals, and the power of ten taken out of them."""

    decimals: int
    power: int

    def __call__(self, value: float) -> str:
        """A number with a true minus sign; numbers too large for a column as powers of ten."""
        shown = value / 10.0**self.power
        if not np.isfinite(shown):
            return "∞" if shown > 0 else "\N{MINUS SIGN}∞"
        text = f"{shown:z.{self.decimals}f}" if abs(shown) < 1e5 else f"{shown:.1e}"
        return text.replace("-", "\N{MINUS SIGN}")

    def cells(self, row: Row) -> tuple[str, str, str, str]:
        """Effect, lower end, upper end and weight of a row; a remark where a study was left out."""
        if row.kind == "prediction":
            low, high = row.span
            return "", f"[{self(low)},", f"{self(high)}]", ""
        if row.kind not in ("study", "subgroup", "overall"):
            return "", "", "", ""
        if not row.is_drawn:
            return "", "", _LEFT_OUT.get(row.values.get("reason") or "", "no data"), ""
        low, high = row.span
        return (self(row.values["effect"]), f"[{self(low)},", f"{self(high)}]",
                "" if row.values["weight"] is None else f"{100 * row.values['weight']:.1f} %")


def numbers_for(table: pl.DataFrame) -> Numbers:
    """Decimals that show the typical standard error with two digits."""
    spans = (table["high"] - table["low"]).drop_nulls().to_numpy()
    spans = spans[np.isfinite(spans) & (spans > 0)]
    size = int(np.floor(np.log10(np.median(spans) / 3.9))) if spans.size else 0
    power = 0 if -4 <= size <= 4 else 3 * (size // 3)
    return Numbers(decimals=max(0, 1 - (size - power)), power=power)


def rows_of(table: pl.DataFrame, *, prediction: bool) -> list[Row]:
    """
    The lines from top to bottom: studies under their subgroup's name, its mean, then the mean of all.

    Raises
    ------
    DataError
        If there is no study.
    """
    if not table.filter(pl.col("kind") == "study").height:
        raise DataError("forest: there is no study to draw")
    colours = {name: region.colour for name, region in looks(table["subgroup"].drop_nulls().to_list()).items()}
    rows: list[Row] = []
    group = None
    for values in table.to_dicts():
        colour = colours.get(values["subgroup"], _PLAIN)
        if values["subgroup"] is not None and values["subgroup"] != group:
            group = values["subgroup"]
            rows.append(Row("heading", _wrapped(group), colour, values))
        if values["kind"] == "study":
            rows.append(Row("study", _wrapped(values["label"]), colour, values))
        else:
            rows += _mean_rows(values, colour, prediction)
    return rows


def _mean_rows(values: Mapping[str, Any], colour: str, prediction: bool) -> list[Row]:
    """A mean with what belongs to it: prediction interval, heterogeneity, test between subgroups."""
    overall = values["kind"] == "overall"
    rows = [Row(values["kind"], f"{'All studies' if overall else 'Mean'} (k = {values['k']})",
                INK if overall else colour, values)]
    if overall and prediction and values.get("prediction_low") is not None:
        rows.append(Row("prediction", "Prediction interval", PREDICTION, values))
    if values["k"] > 1 and values.get("q_p") is not None:
        share = "?" if values["i2"] is None else f"{100 * values['i2']:.0f}"
        tau2 = "?" if values["tau2"] is None else f"{values['tau2']:.3g}"
        rows.append(Row("note", f"I² = {share} %, τ² = {tau2}, {_p(values['q_p'])}", QUIET, values))
    if overall and values.get("between_df") and values["between_p"] is not None:
        rows.append(Row("note", f"Between subgroups: Q = {values['between_q']:.2f}, df = {values['between_df']}, "
                                f"{_p(values['between_p'])}", QUIET, values))
    return rows


def _wrapped(label: str) -> str:
    return "\n".join(textwrap.wrap(label, _WIDEST, max_lines=3, placeholder=" …")) or " "


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"


def limits_of(rows: list[Row]) -> tuple[float, float]:
    """Ends of the axis: every effect, intervals up to three typical half-widths from it, prediction a little more."""
    drawn = [row for row in rows if row.is_drawn and row.kind != "prediction"]
    if not drawn:
        return -1.0, 1.0
    effects = np.array([row.values["effect"] for row in drawn])
    low, high = np.array([row.span for row in drawn]).T
    halves = (high - low)[np.isfinite(high - low)] / 2
    reach = 3 * float(np.median(halves)) if halves.size else 1.0
    least, most = float(np.maximum(low, effects - reach).min()), float(np.minimum(high, effects + reach).max())
    room = (most - least) / 2
    for low_p, high_p in (row.span for row in rows if row.kind == "prediction"):
        least, most = min(least, max(low_p, least - room)), max(most, min(high_p, most + room))
    margin = 0.03 * (most - least) or 1.0
    return least - margin, most + margin
