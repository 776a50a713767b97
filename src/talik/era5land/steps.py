"""The calendar of a field: which calendar month and day each stamp belongs to, and how many there should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talik.era5land.accumulations import How
from talik.era5land.grids import Layer
from talik.errors import DataError

Years = tuple[int, int]
DAY_COVER = 0.8
"""Share of its samples a day must have to count."""


@dataclass(frozen=True, slots=True)
class Steps:
    """
    What each stamp of a piece stands for.

    Attributes
    ----------
    month : ndarray of int
        Calendar month, 0 for January; -1 where the stamp is not used.
    day : ndarray of int
        Days since 1970-01-01.
    weight : ndarray of float, or None
        Factor of the value before it is summed; None for 1.
    """

    month: NDArray[np.int64]
    day: NDArray[np.int64]
    weight: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """
    How many steps and days the whole years have, by calendar month.

    Attributes
    ----------
    years : tuple of int
        First and last year.
    steps, days : ndarray, shape (12,)
        Steps a complete field has, and days, over all years.
    day_need : int
        Values a day must have to count.
    """

    years: Years
    steps: NDArray[np.float64]
    days: NDArray[np.float64]
    day_need: int

    @property
    def count(self) -> int:
        """Number of years."""
        return self.years[1] - self.years[0] + 1


def calendar_of(layer: Layer, years: Years, how: How | None = None) -> Calendar:
    """The complete calendar of a layer over whole years."""
    days = np.zeros(12)
    every = np.arange(f"{years[0]:04d}-01-01", f"{years[1] + 1:04d}-01-01", dtype="M8[D]")
    np.add.at(days, every.astype("M8[M]").astype(int) % 12, 1.0)
    per_day = 24.0 / layer.hours if layer.step == "hourly" and how != "restart" else 1.0
    steps = np.full(12, float(years[1] - years[0] + 1)) if layer.step == "monthly" else days * per_day
    return Calendar(years, steps, days, max(1, int(np.ceil(DAY_COVER * per_day - 1e-9))))


def steps_of(layer: Layer, years: Years, how: How | None = None) -> tuple[Steps, ...]:
    """
    What the stamps of each piece of a layer stand for.

    Monthly values weigh by the days of their month. Amounts become amounts a day: a counter's value at 00 UTC is the
    day before, an hourly amount belongs to the time before its stamp.

    Raises
    ------
    DataError
        If two monthly stamps fall into one month, or a counter has no stamp at 00 UTC.
    """
    calendar = calendar_of(layer, years, how)
    if layer.step == "monthly":
        months = layer.times.astype("M8[M]")
        if np.unique(months).size != months.size:
            raise DataError(f"{layer.short}: two monthly stamps fall into one month ({_twice(months)})")
    if how == "restart" and np.all(layer.times.astype("M8[s]").astype(np.int64) % 86400 != 0):
        raise DataError(f"{layer.short}: a counter since 00 UTC, of which no stamp is at 00 UTC, where the day before "
                        f"stands (the first is {layer.times[0]}). Fetch the values at 00:00.")
    return tuple(_steps(piece.times, layer, calendar, how) for piece in layer.pieces)


def _steps(times: NDArray[np.datetime64], layer: Layer, calendar: Calendar, how: How | None) -> Steps:
    moment = times.astype("M8[s]")
    if how in ("restart", "steps"):
        moment = moment - np.timedelta64(1, "s")
    month = moment.astype("M8[M]").astype(np.int64) % 12
    year = moment.astype("M8[Y]").astype(np.int64) + 1970
    used = (year >= calendar.years[0]) & (year <= calendar.years[1])
    if how == "restart":
        used &= times.astype("M8[s]").astype(np.int64) % 86400 == 0
    weight = None
    if layer.step == "monthly":
        start = moment.astype("M8[M]")
        length = ((start + np.timedelta64(1, "M")).astype("M8[D]") - start.astype("M8[D]")).astype(float)
        mean_length = (calendar.days / calendar.count)[month]
        weight = (1.0 if how == "monthly_total" else length) / mean_length
    elif how == "steps":
        weight = np.full(times.size, 24.0 / layer.hours)
    return Steps(np.where(used, month, -1), moment.astype("M8[D]").astype(np.int64), weight)


def whole_years(layers: tuple[Layer, ...]) -> Years:
    """
    First and last calendar year that all layers cover from January to December.

    Raises
    ------
    DataError
        If there is none.
    """
    first, last = [], []
    for layer in layers:
        months = layer.times.astype("M8[M]").astype(np.int64)
        first.append(-(-int(months.min()) // 12) + 1970)
        last.append((int(months.max()) + 1) // 12 + 1969)
    if max(first) > min(last):
        spans = "; ".join(f"{layer.short} {layer.times.min().astype('M8[D]')} to {layer.times.max().astype('M8[D]')}"
                          for layer in layers)
        raise DataError(f"no whole calendar year is covered by all fields ({spans}). Give files of whole years.")
    return max(first), min(last)


def _twice(months: NDArray[np.datetime64]) -> str:
    found, count = np.unique(months, return_counts=True)
    return str(found[count > 1][0])
