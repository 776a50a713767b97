"""What a marker may show: quantities of the table of sites with unit, colours and limits; classes; looks of regions."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import polars as pl

from talik.figures.canvas import looks
from talik.variables import VARIABLES, shown_unit

FIRST = ("surface_offset", "thermal_offset", "ttop", "magst", "maat", "alt")
CLASSES = ("region", "subregion", "vegetation", "soil")
MARKERS = {"o": "circle", "s": "square", "^": "triangle", "D": "diamond", "v": "inverted_triangle"}
_STEPS = 65
_ENDS = (2.0, 98.0)


def quantities(sites: pl.DataFrame) -> list[dict[str, Any]]:
    """
    Every numeric column that the catalogue knows and that has a value.

    Returns
    -------
    list of dict
        name, label, symbol, unit, kind ("signed" for differences, centred on 0; else "magnitude"), and the limits of
        the colours: the 2nd and 98th percentile, so that one odd site does not bleach the others; a value beyond
        keeps the end's colour.
    """
    names = [name for name in sites.columns if name in VARIABLES and sites[name].dtype.is_numeric()
             and np.isfinite(sites[name].drop_nulls().to_numpy()).any()]
    ordered = [name for name in FIRST if name in names] + [name for name in names if name not in FIRST]
    return [_quantity(name, sites[name]) for name in ordered]


def _quantity(name: str, column: pl.Series) -> dict[str, Any]:
    known = VARIABLES[name]
    values = column.drop_nulls().to_numpy().astype(float)
    values = values[np.isfinite(values)]
    signed = known.kind == "difference"
    low, high = (float(v) for v in np.percentile(values, _ENDS))
    if signed:
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    elif low == high:
        low, high = low - 0.5, high + 0.5
    return {"name": name, "label": known.label, "symbol": known.symbol, "kind": "signed" if signed else "magnitude",
            "unit": "" if known.units == "1" else shown_unit(known.units), "low": low, "high": high,
            "below": bool(values.min() < low), "above": bool(values.max() > high)}


@cache
def palettes() -> dict[str, list[str]]:
    """Colours from low to high: vik for signed quantities, batlow for magnitudes."""
    from matplotlib.colors import to_hex

    from talik.figures.canvas import colour_map

    return {kind: [to_hex(colour_map(kind)(t)) for t in np.linspace(0, 1, _STEPS)] for kind in ("signed", "magnitude")}


def region_looks(sites: pl.DataFrame) -> dict[str, dict[str, str]]:
    """Colour and marker of each region."""
    if "region" not in sites.columns:
        return {}
    found = looks(sites["region"].drop_nulls().unique(maintain_order=True).to_list())
    return {name: {"colour": look.colour, "marker": MARKERS.get(look.marker, "circle")} for name, look in found.items()}
