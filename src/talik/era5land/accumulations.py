"""What an accumulated field holds: a counter that restarts daily, amounts of a step, of a day, or a monthly mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from talik.errors import AmbiguousFile, DataError, unknown

How = Literal["restart", "steps", "daily", "monthly_rate", "monthly_total"]
Step = Literal["hourly", "daily", "monthly"]

MEANING: Mapping[str, str] = {
    "restart": "since 00 UTC of the day; the value at 00 UTC is the whole day before",
    "steps": "amount of the step that ends at the stamp",
    "daily": "amount of the day of the stamp",
    "monthly_rate": "mean amount a day, over the month",
    "monthly_total": "amount of the month",
}
"""Every kind with what its value is."""

_BY_DATASET: Mapping[str, How] = {
    "reanalysis-era5-land": "restart",
    "reanalysis-era5-land-timeseries": "steps",
    "reanalysis-era5-land-monthly-means": "monthly_rate",
    "reanalysis-era5-single-levels": "steps",
    "era5-land-v0": "restart",
    "era5-land-no-antartica-v0": "restart",
    "ecmwf/era5_land/hourly": "restart",
    "ecmwf/era5_land/daily_aggr": "daily",
    "ecmwf/era5_land/monthly_aggr": "monthly_total",
}
_STEP_OF: Mapping[How, tuple[Step, ...]] = {
    "restart": ("hourly", "daily"), "steps": ("hourly",), "daily": ("daily",),
    "monthly_rate": ("monthly",), "monthly_total": ("monthly",)}
_MEANS_OF_COUNTERS = ("derived-era5-land-daily-statistics",)


def declared(dataset: str) -> How | None:
    """
    How a data set accumulates, by its id; None when talik does not know the data set.

    Raises
    ------
    DataError
        If the data set averages accumulated fields, so that they cannot be undone.

    Examples
    --------
    >>> declared("reanalysis-era5-land"), declared("reanalysis-era5-land-timeseries"), declared("")
    ('restart', 'steps', None)
    """
    name = dataset.strip().lower()
    if name in _MEANS_OF_COUNTERS:
        raise DataError(f"{dataset}: its accumulated fields are daily means, not amounts. Take totals from "
                        "reanalysis-era5-land at 00 UTC, or from reanalysis-era5-land-monthly-means, or leave out "
                        "precipitation (with its seasons) and transpiration.")
    return _BY_DATASET.get(name)


def refuse_unknown(dataset: str, asked: str | None = None) -> None:
    """
    Refuse an id that is none of a data set of ERA5-Land, and a kind of accumulation that does not exist.

    Raises
    ------
    UnknownName
        With the nearest and all that exist.

    Examples
    --------
    >>> refuse_unknown("reanalysis-era5-land")
    >>> refuse_unknown("reanalysis-era5-lnd")
    Traceback (most recent call last):
    ...
    talik.errors.UnknownName: unknown data set 'reanalysis-era5-lnd'. Did you mean 'reanalysis-era5-land'? ...
    """
    if dataset and dataset.strip().lower() not in (*_BY_DATASET, *_MEANS_OF_COUNTERS):
        raise unknown("data set", dataset, [*_BY_DATASET, *_MEANS_OF_COUNTERS])
    if asked is not None and asked not in get_args(How):
        raise unknown("kind of accumulation", asked, get_args(How))


def observed(values: NDArray[Any], times: NDArray[np.datetime64]) -> How | None:
    """
    How hourly amounts accumulate, by their shape: a counter climbs through the day and falls after 00 UTC.

    Parameters
    ----------
    values : ndarray, shape (n, ...)
        Amounts of either sign; NaN where missing.
    times : ndarray of datetime64, shape (n,)
        Stamps, ascending.

    Returns
    -------
    str or None
        "restart", "steps", or None where fewer than 20 steps tell (too dry, too short).

    Examples
    --------
    >>> times = np.arange("2020-01-01T01", "2020-01-04T01", dtype="M8[h]")
    >>> observed(np.ones(72), times), observed(np.tile(np.arange(1.0, 25.0), 3), times)
    ('steps', 'restart')
    """
    hour = (times.astype("M8[h]") - times.astype("M8[D]")).astype(int)
    size = np.abs(np.asarray(values, dtype=np.float64).reshape(len(times), -1))
    gap = np.diff(times.astype("M8[s]").astype(np.int64))
    step = np.median(gap) if gap.size else 0
    within = (hour[:-1] != 0) & (gap == step)          # 01 -> 02, ..., 23 -> 00: the counter does not fall
    first, second = size[:-1][within], size[1:][within]
    wet = np.fmax(first, second) > 1e-6                # packing leaves crumbs of this size
    told = int(np.count_nonzero(wet))
    if told < 20 or not (hour == 0).any():
        return None
    fell = np.count_nonzero(wet & (second < 0.98 * first - 1e-6)) / told
    stood = np.count_nonzero(wet & (first > 1e-6) & (np.abs(second - first) <= 1e-6)) / told
    restarts = size[1:][(hour[:-1] == 0) & (gap == step)] < size[:-1][(hour[:-1] == 0) & (gap == step)] - 1e-6
    if fell <= 0.02 and restarts.any():
        return "restart"
    return "steps" if fell > 0.02 or (stood > 0.5 and not restarts.any()) else None


def decide(field: str, dataset: str, step: Step, *, shape: How | None = None, asked: str | None = None) -> How:
    """
    How a field accumulates, from what the user says, the data set's id, and the shape of the values; never a guess.

    Parameters
    ----------
    field : str
        For messages.
    dataset : str
        Id of the data set; blank when unknown.
    step : str
        "hourly", "daily" or "monthly".
    shape : str, optional
        What `observed` found.
    asked : str, optional
        What the user says; goes before the id, and is checked by the shape all the same.

    Raises
    ------
    DataError
        If the shape contradicts what is declared, or the declared kind does not exist at this step.
    AmbiguousFile
        If neither tells.

    Examples
    --------
    >>> decide("tp", "reanalysis-era5-land", "hourly", shape="steps")
    Traceback (most recent call last):
    ...
    talik.errors.DataError: tp: reanalysis-era5-land keeps amounts since 00 UTC of the day; ...
    """
    refuse_unknown("", asked)
    how: How | None = asked if asked is not None else declared(dataset)  # type: ignore[assignment]
    source = "you say it" if asked is not None else dataset
    if how is None:
        if shape is not None:
            return shape
        options = ", ".join(f"{kind} ({MEANING[kind]})" for kind in get_args(How) if step in _STEP_OF[kind])
        raise AmbiguousFile(f"{field}: {step} amounts of an unknown data set can be one of: {options}. Name the data "
                            "set (--dataset reanalysis-era5-land-monthly-means) or the kind (--accumulation).")
    if step not in _STEP_OF[how]:
        raise DataError(f"{field}: {source} keeps amounts {MEANING[how]}; but the stamps are {step}. "
                        "Name another data set or kind of accumulation.")
    if shape is not None and shape != how:
        raise DataError(f"{field}: {source} keeps amounts {MEANING[how]}; but the values look like this: "
                        f"{MEANING[shape]}. Name the data set the files really come from.")
    return how
