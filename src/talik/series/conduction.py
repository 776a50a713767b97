"""What the days between say of the ground itself: zero-curtain days and apparent thermal diffusivity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from talik.errors import DataError, UsageError
from talik.kernels import calendar, years
from talik.kernels.diffusivity import diffusivity_from_days, diffusivity_from_waves
from talik.kernels.profile import annual_wave
from talik.records import Record
from talik.results import Result
from talik.series.annual import annual_means, daily_means
from talik.series.completeness import Completeness, completeness_rule
from talik.series.completeness import year_start as month_and_day
from talik.series.days import day_offset, days_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class YearTable(Result):
    """A table by year and depth, with `settings` and the hash of the daily means."""

    site: str
    table: pl.DataFrame = field(repr=False)
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """The table."""
        return self.table

    def __str__(self) -> str:
        return f"{self.site}: {self.table.height} rows of {', '.join(self.table.columns[3:])}"


def zero_curtain(record: Record, *, margin: float = 0.25, completeness: Completeness | str = "default",
                 year_start: str | None = None) -> YearTable:
    """
    Days of each year on which every sample of a column lies within `margin` of 0 °C; days not whole do not count.

    Parameters
    ----------
    record : Record
        Of daily means, the mean stands for the day's samples.
    margin : float
        [K]
    completeness, year_start
        When a year is whole. A thermal year keeps the freeze-back of autumn in one piece.

    Returns
    -------
    YearTable
        site, year, depth, zero_curtain_days, longest (days in a row), bias_bound_zero_curtain_days and
        bias_bound_longest (by how much they may be off: more, if every missing day was one; fewer, if none of those was
        that lack samples), reason. Null with a reason in years that are not whole.

    Raises
    ------
    UsageError
        If `margin` is not positive.

    References
    ----------
    Outcalt, Nelson & Hinkel (1990), Water Resources Research 26, 1509-1516, doi:10.1029/WR026i007p01509.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2021-01-01", dtype="M8[D]")
    >>> x = np.where((t > np.datetime64("2020-10-01")) & (t <= np.datetime64("2020-10-31")), 0.1, -3.0)
    >>> zero_curtain(Record("Barrow", t, [0.5], x[:, None])).table["zero_curtain_days"].to_list()
    [30]
    """
    import polars as pl

    if margin <= 0:
        raise UsageError(f"zero_curtain: margin must be positive, got {margin} °C")
    rule = completeness_rule(completeness, year_start)
    annual, days = annual_means(record, completeness=rule), days_of(record).daily.whole(rule.day)
    month, day = month_and_day(rule.year_start)
    where = years.windows(days.first, days.mean.shape[0], month=month, day=day)
    missing = np.isnan(where.padded(days.mean))
    at_zero = (where.padded(_days_at_zero(record, days, margin).astype(np.float64)) > 0) & ~missing
    partial = where.padded(days.partial.astype(np.float64)) > 0
    found, least, most = (_counts(each, where) for each in (at_zero, at_zero & ~partial, at_zero | missing))
    bound = [np.maximum(high - own, own - low) for own, low, high in zip(found, least, most, strict=True)]
    rows = [(record.site, year, depth, *((None,) * 4 if reason else (
        int(each[i, k]) for each in (*found, *bound))), reason)
        for k, depth in enumerate(record.depths.tolist())
        for i, (year, reason) in enumerate(zip(annual.year.tolist(), annual.reason[:, k].tolist(), strict=True))]
    kinds = {"site": pl.String, "year": pl.Int64, "depth": pl.Float64, "zero_curtain_days": pl.Int64,
             "longest": pl.Int64, "bias_bound_zero_curtain_days": pl.Int64, "bias_bound_longest": pl.Int64,
             "reason": pl.String}
    return YearTable(record.site, pl.DataFrame(rows, schema=kinds, orient="row"),
                     {**annual.settings, "margin": margin}, annual.data_hash)


def _days_at_zero(record: Record, days: calendar.Daily, margin: float) -> NDArray[np.bool_]:
    """On which days every sample of a column lies within `margin` of 0 °C, shape (days, m)."""
    values, offset = record.accepted().values, day_offset(record)
    within = np.zeros(days.mean.shape, dtype=bool)
    for k in range(record.depths.size):
        own = ~np.isnan(values[:, k])
        number, low, high, _ = calendar.daily_spread(record.times[own], values[own, k], offset_hours=offset)
        within[number - days.first, k] = (low >= -margin) & (high <= margin)
    return within


def _counts(days: NDArray[np.bool_], where: years.Windows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many days each year has, and how many in a row."""
    return (np.add.reduceat(days, where.year_row, axis=0, dtype=np.int64),
            np.maximum.reduceat(years.missing_runs(days, where.year_row), where.year_row, axis=0))


def diffusivity(record: Record, *, margin: float = 0.5, completeness: Completeness | str = "default") -> YearTable:
    """
    Apparent thermal diffusivity of every layer, from the whole record: by damping, by lag, and by days without ice.

    Parameters
    ----------
    record : Record
        With three or more depths below the surface.
    margin : float
        Days within this of 0 °C [K] take no part in the last of the three; layers that ever come as near, or freeze
        and thaw, have no damping and no lag that would tell a diffusivity.
    completeness : Completeness or str
        Its `day`: when a day has a mean.

    Returns
    -------
    YearTable
        site, depth (middle of the layer, or the sensor), upper, lower [m], method ("damping", "lag", "days"),
        thermal_diffusivity [m2 s-1], days, reason where it is null: "phase_change", "not_conducting", "few_days".

    Raises
    ------
    DataError
        If there are fewer than three depths at or below the surface.

    Notes
    -----
    Explicit methods are erratic; take the medians of several layers and years. Noise of the sensors lowers what the
    days give, by a tenth at most: beyond that there is no result.

    References
    ----------
    Horton, Wierenga & Nielsen (1983), doi:10.2136/sssaj1983.03615995004700010005x.
    """
    import polars as pl

    ground = np.flatnonzero(record.depths >= 0)
    ground = ground[np.argsort(record.depths[ground], kind="stable")]
    z = record.depths[ground]
    if np.unique(z).size < max(3, z.size):
        raise DataError(f"{record.site}: got {np.unique(z).size} different depths in {z.size} columns at or below the "
                        "surface, expected three or more, each once")
    days = daily_means(record, completeness=completeness)
    grid = days.values[:, ground]
    _, amplitude, phase = annual_wave(days.times.astype("M8[D]").astype(np.float64), grid, harmonics=2)
    n = np.count_nonzero(~np.isnan(grid), axis=0)
    low, high = np.fmin.reduce(grid, axis=0), np.fmax.reduce(grid, axis=0)
    still = ((high[:-1] < -margin) & (high[1:] < -margin)) | ((low[:-1] > margin) & (low[1:] > margin))
    unfit = np.where(np.isnan(amplitude[:-1] + amplitude[1:]), "few_days", np.where(still, "", "phase_change"))
    rows: list[tuple[object, ...]] = []
    for method, found in zip(("damping", "lag"), diffusivity_from_waves(z, amplitude, phase), strict=True):
        rows += [(record.site, (a + b) / 2, a, b, method, *_valid(v, str(why)), int(c)) for a, b, v, why, c in
                 zip(z[:-1], z[1:], found, unfit, np.minimum(n[:-1], n[1:]), strict=True)]
    found, used = diffusivity_from_days(z, grid, margin=margin)
    rows += [(record.site, b, a, c, "days", *_valid(v, "" if k >= 30 else "few_days"), int(k)) for a, b, c, v, k in
             zip(z, z[1:], z[2:], found, used, strict=False)]
    kinds = {"site": pl.String, "depth": pl.Float64, "upper": pl.Float64, "lower": pl.Float64, "method": pl.String,
             "thermal_diffusivity": pl.Float64, "reason": pl.String, "days": pl.Int64}
    table = pl.DataFrame(rows, schema=kinds, orient="row")
    return YearTable(record.site, table, {"margin": margin}, annual_means(record, completeness=completeness).data_hash)


def _valid(found: float, unfit: str) -> tuple[float | None, str]:
    """A diffusivity with its reason: null where the layer is unfit, or nothing was found."""
    why = unfit or ("not_conducting" if np.isnan(found) else "")
    return (None, why) if why else (float(found), "")
