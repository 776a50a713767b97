"""Whether mean months can be what their field holds: a value no land has means another unit, sign or field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talik.era5land.fields import FIELDS, Quantity
from talik.era5land.steps import Calendar
from talik.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Range:
    """
    What a mean month of a field can be on land, in the unit of `FIELDS`; amounts a day.

    Parameters
    ----------
    low, high : float
        No cell's mean month lies beyond these.
    peak : float
        The largest mean month of all cells reaches this, or is 0 everywhere.
    low_means, high_means, peak_means : str
        What a value beyond them suggests, and the unit to state.
    seasonal : float
        Snow that goes in summer (its least month below a third of its largest) does not reach this.
    """

    low: float
    high: float
    high_means: str
    low_means: str = "a fill value that is not marked as missing?"
    peak: float = 0.0
    peak_means: str = ""
    seasonal: float = np.inf


_WATER = Range(-0.02, 1.0, "percent? State units = '%'")
_EVAPORATION = Range(-0.03, 0.03, "millimetres? State units = 'mm'", "millimetres? State units = 'mm'")
RANGES: Mapping[str, Range] = {
    "t2m": Range(150.0, 345.0, "a fill value?", "degrees Celsius? State units = 'degC'"),
    "skt": Range(150.0, 355.0, "a fill value?", "degrees Celsius? State units = 'degC'"),
    "sde": Range(-0.02, 60.0, "centimetres or millimetres? State units = 'cm' or 'mm'", seasonal=7.0),
    "sd": Range(-0.02, 15.0, "millimetres? State units = 'mm'", seasonal=4.0),
    "rsn": Range(-1.0, 1000.0, "a fill value?", peak=20.0, peak_means="g cm-3? State units = 'g cm-3'"),
    "snowc": Range(-1.0, 100.5, "a fill value?", peak=1.005,
                   peak_means="a fraction of 0-1? State units = '1'; land that hardly ever has snow: leave out "
                              "snow_cover and snow_season"),
    **{f"swvl{layer}": _WATER for layer in (1, 2, 3, 4)},
    "tp": Range(-1e-3, 0.1, "millimetres, or monthly totals? State units = 'mm', or the data set", peak=3e-5,
                peak_means="a flux in kg m-2 s-1? Make it metres of water a day"),
    "evabs": _EVAPORATION, "evavt": _EVAPORATION,
    "fal": Range(-0.02, 1.0, "percent? State units = '%'"),
    "lai_hv": Range(-0.1, 20.0, "a fill value, or another scale?"),
    "u10": Range(-0.01, 40.0, "km/h or a fill value? Expected m s-1"),
    "si10": Range(-0.01, 40.0, "km/h or a fill value? Expected m s-1", "a component of the wind, not its speed?"),
}
"""By short name; that of components (u10) is of their speed."""


def refuse_implausible(quantity: Quantity, by_month: Floats, calendar: Calendar, cell: Callable[[int], str], *,
                       part: bool = False) -> None:
    """
    Refuse mean months that no land has.

    Parameters
    ----------
    quantity : Quantity
        What was made.
    by_month : ndarray, shape (12, cells)
        Its mean months in the catalogue's units, as `climate.statistics` gives them (amounts: of the month); NaN where
        missing.
    calendar : Calendar
        Of its field.
    cell : callable
        Words for the place of a cell.
    part : bool
        Whether other cells follow: then nothing is said of all being too small, or of the sign of evaporation.

    Raises
    ------
    DataError
        If a value is beyond its range, all are too small, or evaporation is turned around; with value and cell.
    """
    months = (by_month - quantity.shift) / quantity.scale
    if quantity.kind == "accumulation":
        months = months / (calendar.days[:, None] / calendar.count)
    here = np.flatnonzero(np.isfinite(months).all(axis=0))
    if not here.size:
        return
    months = months[:, here]
    short = quantity.fields[0]
    allowed = RANGES[short]
    slack = 1e-6 * (allowed.high - allowed.low)                  # packing leaves crumbs
    top, bottom = months.max(axis=0), months.min(axis=0)
    large, small = int(top.argmax()), int(bottom.argmin())
    seasonal = np.where(bottom < top / 3, top, 0.0)
    if top[large] > allowed.high + slack:
        raise _refusal(quantity, top[large], cell(int(here[large])), allowed.high_means)
    if bottom[small] < allowed.low - slack:
        raise _refusal(quantity, bottom[small], cell(int(here[small])), allowed.low_means)
    if seasonal.max() > allowed.seasonal:
        deepest = int(seasonal.argmax())
        raise _refusal(quantity, seasonal[deepest], cell(int(here[deepest])), "snow that goes in summer: "
                       + allowed.high_means)
    if part:
        return
    if 0 < top[large] <= allowed.peak:
        raise _refusal(quantity, top[large], cell(int(here[large])), "the largest of all: " + allowed.peak_means)
    if short in ("evabs", "evavt") and months.sum() > 0 and top[large] > 2e-5:
        raise _refusal(quantity, top[large], cell(int(here[large])), "positive upward? ERA5-Land's evaporation is "
                       "negative: turn the sign around")


LIGHTEST = 100.0
"""Density of snow where none is given [kg m-3]: fresh snow, so that its water is not overstated."""
APART = 10.0
"""How many times its own field the water of snow by depth and density may be; centimetres make 100."""
MADE = 4.0
"""How often the precipitation of a year may be in the snow of a mean month that goes in summer."""


def refuse_contradiction(by_month: Mapping[str, Floats], cell: Callable[[int], str]) -> None:
    """
    Refuse snow depths that the snow's water, or else the year's precipitation, at the same cells cannot make.

    Parameters
    ----------
    by_month : mapping of variable to ndarray, shape (12, cells)
        Mean months, in the catalogue's units, as `climate.statistics` gives them; NaN where missing.
    cell : callable
        Words for the place of a cell.

    Raises
    ------
    DataError
        With the middle cell of those that tell.
    """
    depth = by_month.get("snow_depth")
    told = by_month.get("snow_water_equivalent")
    rain = by_month.get("precipitation")
    if depth is None or (told is None and rain is None):
        return
    density = by_month.get("snow_density", np.full(depth.shape, LIGHTEST))
    water = depth * density / 1000
    deepest = water.max(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        if told is not None:
            most, ratio = APART, deepest / told.max(axis=0)
            used = np.isfinite(ratio) & (told.max(axis=0) > 0.005)
        else:
            most, ratio = MADE, deepest / (rain.sum(axis=0) / 1000)  # type: ignore[union-attr]
            used = np.isfinite(ratio) & (depth.min(axis=0) < depth.max(axis=0) / 3)
    which = np.flatnonzero(used)
    if not which.size:
        return
    middle = int(which[np.argsort(ratio[which])[which.size // 2]])
    if ratio[middle] > most:
        other = ("snow_water_equivalent", "maximum") if told is not None else ("precipitation", "year's sum")
        raise DataError(f"snow_depth: a mean month of {depth[:, middle].max():.3g} m at {cell(middle)} holds "
                        f"{deepest[middle]:.3g} m of water, {ratio[middle]:.2g} times the {other[1]} of {other[0]}. "
                        "One of them has another unit, as centimetres for metres. State it (--name 'sde=sde [cm]'), "
                        "or leave snow_depth out.")


def _refusal(quantity: Quantity, value: float, where: str, means: str) -> DataError:
    field = FIELDS[quantity.fields[0]]
    amount = " a day" if quantity.kind == "accumulation" else ""
    named = "/".join(quantity.fields)
    return DataError(f"{named} ({quantity.variable}): a mean month of {value:.3g} {field.units}{amount} at {where} "
                     f"cannot be; {means}. State a unit with its name (--name '{field.short}={field.short} [unit]', in "
                     f"Python names={{...}}), or leave {quantity.variable} out.")
