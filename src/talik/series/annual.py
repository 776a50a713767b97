"""From samples to days and years: daily means, annual means with n, gaps, bias bound, uncertainty and reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from talik.errors import DataError
from talik.kernels import calendar, years
from talik.kernels.extremes import extreme_bounds
from talik.records import Flag, Record
from talik.results import Result
from talik.series.completeness import Completeness, completeness_rule
from talik.series.completeness import year_start as month_and_day
from talik.series.days import Days, days_hash, days_of
from talik.series.filling import Filling
from talik.series.missing import hours_reach, missing_errors, single_readings
from talik.series.uncertainty import Sensors, calibration, combined, rounding

if TYPE_CHECKING:
    import polars as pl

__all__ = ["AnnualMeans", "Completeness", "annual_means", "daily_means"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class AnnualMeans(Result):
    """
    Annual values of every column of a record; arrays are years x columns.

    Parameters
    ----------
    site : str
    depths : ndarray, shape (m,)
        [m]; air at negative height.
    labels : tuple of str
    year, days : ndarray of int, shape (years,)
        The calendar year in which the window ends, and the window's length.
    start, end : datetime64[D] array, shape (years,)
        First and last day of the window.
    n, filled, longest_gap : ndarray of int
        Days measured, days filled in, and longest run of days with neither.
    mean, low, high : ndarray
        Mean, lowest and highest daily mean [°C]; NaN where there is a reason.
    tdd, fdd : ndarray
        Thawing and freezing degree-days, both positive [K d]; with days missing, those there are times days / n.
    low_bound, high_bound : ndarray
        How low and how high missing days can have been [°C]: see `talik.kernels.extremes.extreme_bounds`.
    least_mean, most_mean : ndarray
        The mean as low and as high as missing and filled days, and missing hours, leave it open [°C]: of years that are
        not whole, too; without a day in the year the record's range of daily means.
    bias_bound, tdd_bias_bound, fdd_bias_bound : ndarray
        The most by which missing and filled days, and missing hours of the others, can have moved the mean [K] and
        the degree-days [K d], if none lay outside the range of the record's daily means.
    gap_uncertainty, tdd_gap_uncertainty, fdd_gap_uncertainty : ndarray
        Standard uncertainty from missing and filled days, and missing hours [K], [K d].
    uncertainty, tdd_uncertainty, fdd_uncertainty : ndarray
        Standard uncertainty in all [K], [K d]: gaps, calibration, rounding, and depth where `sensors` says it.
        An error of calibration moves degree-days by its size on every day of that side of 0 °C, and on days so near
        0 °C that they change side by what they are beyond it.
    calibration, rounding : ndarray, shape (years, m) and (m,)
        Standard uncertainty [K] that a column has all year, by calibration and, by the share of days for which one
        reading stands, by the daily wave; and that of a single value for the steps in which the file gives it.
    depth_uncertainty : ndarray
        The part of `uncertainty` that is the depth's [K]: 0 when `sensors` does not say how well depths are known, NaN,
        and not included, where no other depth tells the gradient.
    reason : ndarray of str
        Code of `talik.series.completeness.REASONS`; "" where there is a value.
    settings, data_hash
        What was asked, and the hash of the daily means it was computed from.
    """

    figure: ClassVar[str] = "talik.figures.trumpet:trumpet"
    site: str
    depths: Floats
    labels: tuple[str, ...]
    year: NDArray[np.int64]
    days: NDArray[np.int64]
    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    n: NDArray[np.int64] = field(repr=False)
    filled: NDArray[np.int64] = field(repr=False)
    longest_gap: NDArray[np.int64] = field(repr=False)
    mean: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    tdd: Floats = field(repr=False)
    fdd: Floats = field(repr=False)
    low_bound: Floats = field(repr=False)
    high_bound: Floats = field(repr=False)
    least_mean: Floats = field(repr=False)
    most_mean: Floats = field(repr=False)
    bias_bound: Floats = field(repr=False)
    gap_uncertainty: Floats = field(repr=False)
    uncertainty: Floats = field(repr=False)
    depth_uncertainty: Floats = field(repr=False)
    calibration: Floats = field(repr=False)
    rounding: Floats = field(repr=False)
    tdd_bias_bound: Floats = field(repr=False)
    tdd_gap_uncertainty: Floats = field(repr=False)
    tdd_uncertainty: Floats = field(repr=False)
    fdd_bias_bound: Floats = field(repr=False)
    fdd_gap_uncertainty: Floats = field(repr=False)
    fdd_uncertainty: Floats = field(repr=False)
    reason: NDArray[np.str_] = field(repr=False)
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row for each year and column."""
        import polars as pl

        rows, columns = self.mean.shape
        frame = pl.DataFrame({
            "site": [self.site] * (rows * columns),
            "year": np.repeat(self.year, columns),
            "start": np.repeat(self.start.astype("M8[ms]"), columns),
            "end": np.repeat(self.end.astype("M8[ms]"), columns),
            "days": np.repeat(self.days, columns),
            "label": list(self.labels) * rows,
            "depth": np.tile(self.depths, rows),
            **{name: getattr(self, name).ravel() for name in (
                "mean", "low", "high", "tdd", "fdd", "n", "filled", "longest_gap", "bias_bound", "gap_uncertainty",
                "uncertainty", "depth_uncertainty", "low_bound", "high_bound", "tdd_bias_bound", "tdd_gap_uncertainty",
                "tdd_uncertainty", "fdd_bias_bound", "fdd_gap_uncertainty", "fdd_uncertainty")},
            "reason": self.reason.ravel().tolist(),
        })
        return frame.with_columns(pl.col("start", "end").cast(pl.Date), pl.col(pl.Float64).fill_nan(None))

    def __str__(self) -> str:
        whole = int((self.reason == "").sum())
        missing = [f"{int((self.reason == code).sum())} {code}" for code in np.unique(self.reason) if code]
        span = "-".join(str(year) for year in np.unique(self.year[[0, -1]])) if self.year.size else "no years"
        columns = len(self.labels)
        return (f"{self.site}: {whole} annual mean{'s' * (whole != 1)} of {self.mean.size} ({span}, {columns} "
                f"column{'s' * (columns != 1)}, "
                f"rule {self.settings['completeness']['name']}{'; ' if missing else ''}{', '.join(missing)})")


def daily_means(record: Record, *, completeness: Completeness | str = "default", fill: Filling | None = None) -> Record:
    """
    Daily means of a record, as a record of days without holes.

    Parameters
    ----------
    record : Record
        Values under a flag that rejects them are left out.
    completeness : Completeness or str
        Its `day`: the smallest share of a day's samples.
    fill : Filling, optional
        Which gaps to fill; filled days carry `Flag.FILLED`.

    Returns
    -------
    Record
        Stamped 00:00 of each day of the file's own clock.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2020-01-03", dtype="M8[h]")
    >>> print(daily_means(Record("Barrow", t, [0.0], np.arange(48.0)[:, None])))
    Barrow: 2 times x 1 depth (0 m), 2020-01-01 to 2020-01-02, 0 values missing
    """
    rule = completeness_rule(completeness)
    days = days_of(record).daily.whole(rule.day)
    filled = fill.fill(days.mean) if fill else None
    values = filled.grid if filled else days.mean
    flags = np.where(np.isnan(values), int(Flag.MISSING), 0).astype(np.uint16)
    if filled:
        flags[filled.filled] |= np.uint16(int(Flag.FILLED))
    note = f"daily means of days with at least {rule.day:.0%} of their samples{f', filled by {fill}' if fill else ''}"
    return Record(record.site, days.dates, record.depths, values, flags, record.labels, record.source, record.metadata,
                  {}, (*record.history, note))


def annual_means(record: Record | Days, *, completeness: Completeness | str = "default", year_start: str | None = None,
                 fill: Filling | None = None, sensors: Sensors | None = None) -> AnnualMeans:
    """
    Annual means, extremes and degree-days of every column, for the years that are whole enough.

    Parameters
    ----------
    record : Record or Days
        In any order; repeated stamps count once when they agree and not at all when they do not. Values under a
        flag that rejects them are left out. Or its days, as a store keeps them: the numbers are the same.
    completeness : Completeness or str
        "default", "gtnp", "wmo", "permos", "liu2025", or a rule of your own.
    year_start : str, optional
        "calendar", "hydrological", "thermal", "austral" or "MM-DD"; the rule's own when not given.
    fill : Filling, optional
        Which gaps to fill first. Filled days count towards the rule and are counted apart.
    sensors : Sensors, optional
        Uncertainty of calibration, 0.1 K when not given, and of depths, which counts only when it is given.

    Returns
    -------
    AnnualMeans
        Every year that the record touches; NaN with a reason where it is not whole enough.

    Raises
    ------
    DataError
        If the record has no samples.

    Examples
    --------
    >>> t = np.arange("2019-06-01", "2021-01-01", dtype="M8[D]")
    >>> years = annual_means(Record("Barrow", t, [0.0], np.where(t < np.datetime64("2020-07-01"), -8.0, 4.0)[:, None]))
    >>> years.reason.ravel().tolist(), years.mean.round(3).ravel().tolist()
    (['few_days', ''], [nan, -1.967])
    """
    rule = completeness_rule(completeness, year_start)
    known = sensors or Sensors()
    measured = record if isinstance(record, Days) else days_of(record)
    days = measured.daily.whole(rule.day)
    if not days.mean.shape[0]:
        raise DataError(f"record {record.site!r} has no samples")
    filled = fill.fill(days.mean) if fill else None
    month, day = month_and_day(rule.year_start)
    where = years.windows(days.first, days.mean.shape[0], month=month, day=day)
    unfilled = where.padded(days.mean)
    grid = where.padded(filled.grid) if filled else unfilled
    sums = years.year_sums(grid, where)
    n = np.add.reduceat(~np.isnan(unfilled), where.year_row, axis=0, dtype=np.int64)
    reason = _reasons(rule, sums, where, days)
    single = single_readings(days)
    rounded = rounding(measured.resolution, np.ptp(np.nan_to_num(days.mean), axis=0))
    lasting, daily = _lasting(known, record.depths, single, where, n)
    steady = combined(lasting, rounded)
    low, high = extreme_bounds(unfilled, where, reason == "", where.padded(hours_reach(days)))
    bound, gap = missing_errors(days, filled, grid, where, sums, reason == "")
    ranges = {name: np.where(sums.n > 0, sums.mean + sign * bound[0], extreme.reduce(days.mean, axis=0))
              for name, sign, extreme in (("least_mean", -1, np.fmin), ("most_mean", 1, np.fmax))}
    values = {"mean": sums.mean, "low": sums.low, "high": sums.high, "tdd": sums.thawing, "fdd": sums.freezing,
              "low_bound": np.fmin(sums.low, low), "high_bound": np.fmax(sums.high, high),
              **_errors(bound, gap, where.days[:, None],
                        years.shifted_degree_days(grid, where, sums.n, combined(daily, rounded)))}
    values = {name: np.where(reason == "", value, np.nan) for name, value in values.items()}
    placed = _depth_errors(values["mean"], record.depths, known.depth)
    values["uncertainty"] = combined(values["gap_uncertainty"], steady, np.nan_to_num(placed))
    for name in ("tdd", "fdd"):
        placed_sums = np.nan_to_num(_depth_errors(values[name], record.depths, known.depth))
        values[f"{name}_uncertainty"] = combined(values[f"{name}_uncertainty"], placed_sums)
    return AnnualMeans(
        site=record.site, depths=record.depths, labels=record.labels, year=where.label, days=where.days,
        start=where.start, end=where.end, n=n, filled=sums.n - n, longest_gap=sums.longest_gap, **values, **ranges,
        depth_uncertainty=placed, calibration=lasting, rounding=rounding(measured.resolution), reason=reason,
        settings={"completeness": asdict(rule), "fill": asdict(fill) if fill else None, "sensors": asdict(known),
                  "days_cut_at": f"UTC{measured.offset_hours:+g} h"},
        data_hash=days_hash(days, record.depths))


def _lasting(sensors: Sensors, depths: Floats, single: NDArray[np.bool_], where: years.Windows,
             n: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Calibration and the daily wave, by the share of days with one reading: of years, and of columns or their days."""
    if not single.any():
        column = calibration(sensors, depths)
        return np.broadcast_to(column, n.shape), column
    days = where.padded(single.astype(np.float64))
    days[np.isnan(days)] = 0.0
    share = np.add.reduceat(days, where.year_row, axis=0) / np.maximum(n, 1)
    return calibration(sensors, depths, share), calibration(sensors, depths, days)


def _reasons(rule: Completeness, sums: years.YearSums, where: years.Windows,
             days: calendar.Daily) -> NDArray[np.str_]:
    reason = rule.reasons(sums, where)
    coarse = np.isnan(days.mean).all(axis=0) & (days.count.sum(axis=0) > 0) & (days.expected < 0.99).any(axis=0)
    reason[:, coarse] = "step_over_a_day"
    reason[:, np.isnan(days.mean).all(axis=0) & days.once_a_day.any(axis=0)] = "step"
    return reason


def _errors(bound: Floats, gap: Floats, days: NDArray[np.int64],
            calibration: tuple[Floats, Floats]) -> dict[str, Floats]:
    """Bound and uncertainty from what is missing, of the mean and of both degree-days, and of these in all."""
    found = {"bias_bound": bound[0], "gap_uncertainty": gap[0]}
    for side, name in enumerate(("tdd", "fdd"), 1):
        found |= {f"{name}_bias_bound": bound[side] * days, f"{name}_gap_uncertainty": gap[side] * days,
                  f"{name}_uncertainty": combined(gap[side] * days, calibration[side - 1])}
    return found


def _depth_errors(mean: Floats, depths: Floats, placement: float | None) -> Floats:
    """
    What a depth's error does to a mean [K], by the steeper gradient to its neighbours; NaN without any neighbour.

    The distance between two sensors is known as badly as their depths are.
    """
    if placement is None:
        return np.zeros(mean.shape)
    ground, error = np.flatnonzero(depths >= 0), np.full(mean.shape, np.nan)
    error[:, depths < 0] = 0.0
    for row, values in zip(error, mean, strict=True):
        known = ground[~np.isnan(values[ground])]
        z, first = np.unique(depths[known], return_inverse=True)
        if z.size > 1:
            level = np.bincount(first, values[known]) / np.bincount(first)
            slope = np.abs(np.diff(level) / np.diff(z)) * (1 + placement * np.sqrt(2) / np.diff(z))
            # above the first sensor, in moss or litter, a profile may be twice as steep as below it
            ends = 2 * max(slope[0], abs(level[min(2, z.size - 1)] - level[0]) / (z[min(2, z.size - 1)] - z[0]))
            row[known] = placement * np.maximum(np.r_[ends, slope], np.r_[slope, 0.0])[first]
    return error
