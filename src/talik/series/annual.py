"""From samples to days and years: daily means, annual means with n, gaps, bias bound, uncertainty and reason."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from talik.errors import DataError
from talik.kernels import calendar, gaps, years
from talik.records import Flag, Record
from talik.results import Result
from talik.series.completeness import Completeness, completeness_rule
from talik.series.completeness import year_start as month_and_day
from talik.series.days import Days, days_of
from talik.series.filling import Filling
from talik.series.uncertainty import Sensors, combined

if TYPE_CHECKING:
    import polars as pl

__all__ = ["AnnualMeans", "Completeness", "annual_means", "daily_means", "running_means"]

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
    bias_bound : ndarray
        The most by which missing and filled days, and missing hours of the others, can have moved the mean [K], if
        none lay outside the range of the record's daily means.
    gap_uncertainty : ndarray
        Standard uncertainty from missing and filled days, and missing hours [K].
    uncertainty : ndarray
        Standard uncertainty of the mean [K]: gaps and calibration.
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
    bias_bound: Floats = field(repr=False)
    gap_uncertainty: Floats = field(repr=False)
    uncertainty: Floats = field(repr=False)
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
                "uncertainty")},
            "reason": self.reason.ravel().tolist(),
        })
        return frame.with_columns(pl.col("start", "end").cast(pl.Date), pl.col(pl.Float64).fill_nan(None))

    def __str__(self) -> str:
        whole = int((self.reason == "").sum())
        missing = [f"{int((self.reason == code).sum())} {code}" for code in np.unique(self.reason) if code]
        span = f"{self.year[0]}-{self.year[-1]}" if self.year.size else "no years"
        return (f"{self.site}: {whole} annual means of {self.mean.size} ({span}, {len(self.labels)} columns, "
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
    Barrow: 2 times x 1 depth (0 to 0 m), 2020-01-01 to 2020-01-02, 0 values missing
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


def running_means(record: Record, *, days: int = 365, completeness: Completeness | str = "default") -> Record:
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
    Record
        NaN until the first window is whole, and wherever a window is not whole enough.

    Raises
    ------
    DataError
        If the window is not at least one day.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2022-01-01", dtype="M8[D]")
    >>> r = running_means(Record("Barrow", t, [0.0], np.full((t.size, 1), -3.0)))
    >>> np.isnan(r.values).sum(), r.values[-1, 0]
    (np.int64(364), np.float64(-3.0))
    """
    if days < 1:
        raise DataError(f"running_means: got a window of {days} days, expected at least 1")
    rule = completeness_rule(completeness)
    grid = days_of(record).daily.whole(rule.day)
    gap, share = rule.any_window
    values = years.running_mean(grid.mean, days, min_share=share, longest_gap=min(gap, days))
    return Record(record.site, grid.dates, record.depths, values, None, record.labels, record.source,  # type: ignore[arg-type]
                  record.metadata, {}, (*record.history, f"running means over {days} days"))


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
        Calibration uncertainty; 0.1 K when not given.

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
    grid = where.padded(filled.grid if filled else days.mean)
    sums = years.year_sums(grid, where)
    reason = _reasons(rule, sums, where, days)
    bound, gap = _gap_errors(days, grid, where, sums)
    n_filled = np.zeros_like(sums.n)
    if filled:
        n_filled, added, most = _filling(filled, where, days)
        bound, gap = bound + most, combined(gap, added)

    def kept(values: Floats) -> Floats:
        return np.where(reason == "", values, np.nan)

    return AnnualMeans(
        record.site, record.depths, record.labels, where.label, where.days, where.start, where.end, sums.n - n_filled,
        n_filled, sums.longest_gap, kept(sums.mean), kept(sums.low), kept(sums.high), kept(sums.thawing),
        kept(sums.freezing), kept(bound), kept(gap), kept(combined(gap, known.temperature)), reason,
        {"completeness": asdict(rule), "fill": asdict(fill) if fill else None, "sensors": asdict(known),
         "days_cut_at": f"UTC{measured.offset_hours:+g} h"},
        hashlib.sha256(days.mean.tobytes() + days.dates.tobytes() + record.depths.tobytes()).hexdigest())


def _reasons(rule: Completeness, sums: years.YearSums, where: years.Windows,
             days: calendar.Daily) -> NDArray[np.str_]:
    reason = rule.reasons(sums, where)
    coarse = np.isnan(days.mean).all(axis=0) & (days.count.sum(axis=0) > 0) & (days.expected < 0.99).any(axis=0)
    reason[:, coarse] = "step_over_a_day"
    return reason


def _gap_errors(measured: calendar.Daily, grid: Floats, where: years.Windows,
                sums: years.YearSums) -> tuple[Floats, Floats]:
    """Worst case and standard uncertainty [K] from the days that are missing, and from the hours of the others."""
    low, high = np.fmin.reduce(measured.mean, axis=0), np.fmax.reduce(measured.mean, axis=0)
    bound = gaps.bias_bound(sums.n, sums.mean, where.days, low, high)
    likely = gaps.gap_uncertainty(grid, where, sums.n)
    hours = np.nan_to_num(where.padded(gaps.hours_bound(measured, low, high)))
    hours = np.add.reduceat(hours, where.year_row, axis=0) / where.days[:, None]
    # without a wave to go by, and within days, the error may lie anywhere up to the bound with equal right
    likely = np.fmin(np.where(np.isnan(likely), bound / np.sqrt(3), likely), bound)
    return bound + hours, combined(likely, hours / np.sqrt(3))


def _filling(filled: gaps.Filled, where: years.Windows,
             measured: calendar.Daily) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Days filled in every year; the standard uncertainty, and the most [K], by which they can move its mean."""
    days = np.add.reduceat(where.padded(filled.filled.astype(float)) > 0, where.year_row, axis=0, dtype=np.int64)
    variance = np.add.reduceat(np.nan_to_num(where.padded(filled.gap_variance)), where.year_row, axis=0)
    low, high = np.fmin.reduce(measured.mean, axis=0), np.fmax.reduce(measured.mean, axis=0)
    reach = np.where(filled.filled, np.maximum(high - filled.grid, filled.grid - low), 0.0)
    most = np.add.reduceat(np.nan_to_num(where.padded(reach)), where.year_row, axis=0) / where.days[:, None]
    return days, np.sqrt(variance) / where.days[:, None], most
