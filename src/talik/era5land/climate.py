"""From sums to statistics: means, degree-days, amplitude, seasons, snow season; every gap with its reason."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.era5land.fields import SEASONS, Quantity, made_of
from talik.era5land.grids import Layer
from talik.era5land.steps import Calendar
from talik.era5land.tiles import Parts
from talik.variables import VARIABLES

Floats = NDArray[np.float64]
REASONS = ("", "no data at this cell (sea, or outside the data)", "fewer than 90 % of a calendar month's steps",
           "daily values are needed, monthly means were given", "outside the range of the catalogue",
           "wind speed needs hourly components, or the speed itself (10m_wind_speed)", "field not in the source")
"""Why a value is missing; the code is the position. 0: not missing."""
OK, NO_DATA, GAPS, COARSE, OUT_OF_RANGE, NEEDS_HOURLY, NO_FIELD = range(len(REASONS))
COVER = 0.9
"""Share of the steps of every calendar month, over all years, that a statistic needs."""


def statistics(quantity: Quantity, layer: Layer, parts: Parts, calendar: Calendar) -> tuple[dict[str, Floats],
                                                                                          dict[str, NDArray[np.int8]]]:
    """
    The statistics of a quantity from its sums.

    Parameters
    ----------
    quantity, layer, calendar
        What was summed, in which unit, and how many steps there should have been.
    parts : dict
        As `tiles.sums` gives it.

    Returns
    -------
    values : dict of ndarray, shape (cells,)
        In the catalogue's units; `<variable>_by_month` has shape (12, cells). NaN where `reasons` is not 0. Means weigh
        the calendar months by their days, so that a gap does not favour a season; amounts are [mm a-1], of a season
        [mm]; degree-days [K d] are per year; the amplitude [K] is half the range of the mean months.
    reasons : dict of ndarray of int8, shape (cells,)
        Index into `REASONS`.
    """
    count = parts["count"]
    with np.errstate(invalid="ignore", divide="ignore"):
        month = parts["total"] / count * layer.scale + layer.shift
        month = month * quantity.scale + quantity.shift
    reason = _cover(count, calendar.steps)
    month_days = calendar.days[:, None] / calendar.count
    name = quantity.variable
    values: dict[str, Floats] = {f"{name}_by_month": np.where(reason == OK, month, np.nan)}
    reasons = {name: reason}
    if quantity.kind == "accumulation":
        values[name] = (month * month_days).sum(axis=0)
        values[f"{name}_by_month"] = np.where(reason == OK, month * month_days, np.nan)
    else:
        values[name] = (month * month_days).sum(axis=0) / month_days.sum()
    if name == "precipitation":
        for season, months in SEASONS.items():
            rows = np.array(months) - 1
            values[f"precipitation_{season}"] = (month * month_days)[rows].sum(axis=0)
    if name == "air_temperature":
        values["annual_amplitude"] = (month.max(axis=0) - month.min(axis=0)) / 2
    if quantity.days:
        _days(quantity, layer, parts, calendar, values, reasons)
    for statistic, found in values.items():
        if not statistic.endswith("_by_month"):
            code = reasons.setdefault(statistic, reason)
            low, high = VARIABLES[statistic].valid
            slack = 1e-6 * (high - low)                      # packing leaves crumbs below zero
            outside = (code == OK) & ((found < low - slack) | (found > high + slack))
            reasons[statistic] = np.where(outside, OUT_OF_RANGE, code).astype(np.int8)
            values[statistic] = np.where(reasons[statistic] == OK, found, np.nan)
    return values, reasons


def _days(quantity: Quantity, layer: Layer, parts: Parts, calendar: Calendar, values: dict[str, Floats],
          reasons: dict[str, NDArray[np.int8]]) -> None:
    """What is counted by days: degree-days, or days under snow, per year."""
    names = [name for name in made_of(quantity.variable)[1:] if name != "annual_amplitude"]
    if "days" not in parts:
        for name in names:
            values[name] = np.full(parts["count"].shape[1], np.nan)
            reasons[name] = np.where(reasons[quantity.variable] == NO_DATA, NO_DATA, COARSE).astype(np.int8)
        return
    reason = _cover(parts["days"], calendar.days)
    per_year = calendar.days[:, None] / calendar.count
    with np.errstate(invalid="ignore", divide="ignore"):
        if quantity.days == "degree":
            kept = {names[0]: parts["above"] * layer.scale, names[1]: parts["below"] * layer.scale}
        else:
            kept = {names[0]: parts["reach"]}
        for name, found in kept.items():
            values[name] = (found / parts["days"] * per_year).sum(axis=0)
            reasons[name] = reason


def _cover(count: NDArray[np.int32], expected: Floats) -> NDArray[np.int8]:
    reason = np.where((count < COVER * expected[:, None]).any(axis=0), GAPS, OK)
    return np.where((count == 0).all(axis=0), NO_DATA, reason).astype(np.int8)
