"""Means over a year that may end on any day, with days, bias bound and the reason where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from talik.errors import DataError
from talik.kernels import calendar, years
from talik.kernels.gaps import bias_bound
from talik.records import Record
from talik.results import Result
from talik.series.completeness import Completeness, completeness_rule
from talik.series.days import day_offset, days_hash, days_of

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RunningMeans(Result):
    """
    Running means of every column of a record; arrays are days x columns.

    Parameters
    ----------
    site, depths, labels
        As of the record; depths in m.
    times : datetime64[D] array, shape (days,)
        Last day of each window.
    values : ndarray
        Means [°C]; NaN where there is a reason.
    n : ndarray of int
        Days of the window that have a mean.
    bias_bound : ndarray
        The most by which missing days can have moved the mean [K], if none lay outside the range of daily means.
    reason : ndarray of str
        Code of `talik.series.completeness.REASONS`; "" where there is a value.
    settings, data_hash
        What was asked, and the hash of the daily means.
    """

    site: str
    depths: Floats
    labels: tuple[str, ...]
    times: NDArray[np.datetime64] = field(repr=False)
    values: Floats = field(repr=False)
    n: NDArray[np.int64] = field(repr=False)
    bias_bound: Floats = field(repr=False)
    reason: NDArray[np.str_] = field(repr=False)
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row for each day and column."""
        import polars as pl

        days, columns = self.values.shape
        return pl.DataFrame({
            "site": pl.repeat(self.site, days * columns, dtype=pl.String, eager=True),
            "time": np.repeat(self.times.astype("M8[ms]"), columns), "label": list(self.labels) * days,
            "depth": np.tile(self.depths, days), "mean": self.values.ravel(), "n": self.n.ravel(),
            "bias_bound": self.bias_bound.ravel(), "reason": self.reason.ravel().tolist(),
        }).with_columns(pl.col("time").cast(pl.Date), pl.col(pl.Float64).fill_nan(None))

    def __str__(self) -> str:
        missing = ", ".join(f"{int((self.reason == code).sum())} {code}" for code in np.unique(self.reason) if code)
        return (f"{self.site}: {int((self.reason == '').sum())} of {self.values.size} running means over "
                f"{self.settings['days']} days{'; ' if missing else ''}{missing}")


def running_means(record: Record, *, days: int = 365, completeness: Completeness | str = "default") -> RunningMeans:
    """
    Running means over a year, stamped with the window's last day.

    Parameters
    ----------
    record : Record
        Values under a flag that rejects them are left out.
    days : int
        Length of the window.
    completeness : Completeness or str
        Its `day` and `Completeness.any_window` hold for every window.

    Returns
    -------
    RunningMeans
        NaN with the reason "window_edge" until the first window is whole; "no_data", "few_days" or "long_gap" where a
        window is not whole enough; "rejected" where it would be with the values that a flag rejects.

    Raises
    ------
    DataError
        If the window is not at least one day.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2022-01-01", dtype="M8[D]")
    >>> r = running_means(Record("Barrow", t, [0.0], np.full((t.size, 1), -3.0)))
    >>> print(r, r.values[-1, 0])
    Barrow: 367 of 731 running means over 365 days; 364 window_edge -3.0
    """
    if days < 1:
        raise DataError(f"running_means: got a window of {days} days, expected at least 1")
    rule = completeness_rule(completeness)
    grid = days_of(record).daily.whole(rule.day)
    gap, share = rule.any_window
    mean, n, long_gap = years.running_mean(grid.mean, days, longest_gap=min(gap, days))
    reason = _reasons(n, long_gap, days, share)
    if (reason != "").any() and not np.array_equal(record.accepted().values, record.values, equal_nan=True):
        # the days of all values have the same grid, for stamps are never left out
        every = calendar.daily(record.times, record.values, offset_hours=day_offset(record)).whole(rule.day)
        _, found, gapped = years.running_mean(every.mean, days, longest_gap=min(gap, days))
        reason[(_reasons(found, gapped, days, share) == "") & (reason != "")] = "rejected"
    whole = np.where(reason == "", mean, np.nan)
    low, high = np.fmin.reduce(grid.mean, axis=0), np.fmax.reduce(grid.mean, axis=0)
    bound = bias_bound(n, whole, np.full(n.shape[0], days), low, high)
    settings = {"days": days, "completeness": asdict(rule)}
    return RunningMeans(record.site, record.depths, record.labels, grid.dates, whole, n, bound, reason, settings,
                        days_hash(grid, record.depths))


def _reasons(n: NDArray[np.int64], long_gap: NDArray[np.bool_], days: int, share: float) -> NDArray[np.str_]:
    reason = np.full(n.shape, "", dtype="U20")
    reason[long_gap] = "long_gap"
    reason[n < share * days - 1e-9] = "few_days"
    reason[n == 0] = "no_data"
    reason[:days - 1] = "window_edge"
    return reason
