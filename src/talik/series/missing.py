"""What missing days, missing hours and filled days leave open of a year's mean and of its degree-days."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.kernels import gaps
from talik.kernels.calendar import Daily
from talik.kernels.years import Windows, YearSums
from talik.series.uncertainty import combined

Floats = NDArray[np.float64]


def missing_errors(measured: Daily, filled: gaps.Filled | None, grid: Floats, where: Windows, sums: YearSums,
                   wanted: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """
    Worst case and standard uncertainty of means over a year: of all days, of what is above 0 °C, of what is below it.

    Degree-days are `where.days` times the last two.

    Parameters
    ----------
    measured : Daily
        The daily means that were measured.
    filled : Filled, optional
        The same with gaps filled, when some were.
    grid : ndarray, shape (days, m)
        Daily means with what was filled [°C], padded by `where.padded`.
    where, sums : Windows, YearSums
        The years, and what `grid` comes to in them.
    wanted : ndarray of bool, shape (years, m)
        Which years are of interest.

    Returns
    -------
    bound, likely : ndarray, shape (3, years, m)
        [K]; 0 in years without anything missing or filled, anything in those not wanted. The bound holds if no missing
        day and hour lay outside the range of the column's daily means.
    """
    days = where.days[:, None]
    coldest, warmest = (reduce(measured.mean, axis=0) for reduce in (np.fmin.reduce, np.fmax.reduce))
    low, high = _sides(coldest), _sides(warmest)
    low[2], high[2] = high[2], low[2].copy()
    means = sums.mean, sums.thawing / days, sums.freezing / days
    bound = np.stack([gaps.bias_bound(sums.n, *each) for each in zip(means, [where.days] * 3, low, high, strict=True)])
    # without a wave to go by, and within days, the error may lie anywhere up to the bound with equal right
    likely = bound / np.sqrt(3)
    gappy = np.flatnonzero((wanted & (sums.n < days)).any(axis=0))
    if gappy.size:
        found = gaps.gap_uncertainty(grid[:, gappy], where)
        likely[:, :, gappy] = np.where(np.isnan(found), likely[:, :, gappy], np.minimum(found, bound[:, :, gappy]))
    hours = gaps.hours_bound(measured, coldest, warmest)
    if hours.any():
        most = _yearly_sides(measured.mean, hours, where)
        bound, likely = bound + most, combined(likely, np.minimum(_hours_likely(measured, hours, where), most))
    if filled is not None:
        most, added = (np.stack(parts) for parts in zip(*(
            _filled(filled, where, side, low[side], high[side]) for side in range(3)), strict=True))
        bound, likely = bound + most, combined(likely, added)
    return bound, likely


def _sides(values: Floats) -> Floats:
    """All of it, what is above 0 °C, and what is below it, counted positive."""
    return np.stack([values, np.maximum(values, 0.0), np.maximum(-values, 0.0)])


def hours_reach(days: Daily) -> Floats:
    """
    How far missing hours may have moved each day's mean [K]: the daily wave's part and four times what it leaves.

    Where no wave is known, as far as the range of the column allows.
    """
    if not days.partial.any():
        return np.zeros(days.mean.shape)
    hours = gaps.hours_bound(days, *(reduce(days.mean, axis=0) for reduce in (np.fmin.reduce, np.fmax.reduce)))
    if days.hours is None:
        return hours
    drawn, scatter = days.hours
    reach: Floats = np.fmin(hours, np.abs(drawn) + 4 * scatter)
    return reach


def single_readings(days: Daily) -> NDArray[np.bool_]:
    """Days whose one sample is a reading at an hour of the day, and no mean; shape (days, m)."""
    if days.hours is None:
        return np.zeros(days.mean.shape, dtype=bool)
    single: NDArray[np.bool_] = np.isnan(days.hours[0]) & ~days.partial & ~np.isnan(days.mean)
    return single


def _hours_likely(days: Daily, most: Floats, where: Windows) -> Floats:
    """
    Standard uncertainty of the means of each side from missing hours.

    What the daily wave draws is the same every day and adds up with its sign; what it leaves is a new error every day.
    Days without a known wave may be off by anything up to `most`, all the same way.
    """
    drawn, scatter = np.full((2, *most.shape), np.nan) if days.hours is None else days.hours
    unknown = np.isnan(drawn)
    known = (most != 0) & ~unknown
    wave, scatter = (np.where(known, part, 0.0) for part in (drawn, scatter))
    warm, cold = (_yearly_sides(days.mean, np.maximum(sign * wave, 0.0), where) for sign in (1, -1))
    sides = scatter, *(np.where(side * days.mean + scatter > 0, scatter, 0.0) for side in (1, -1))
    random = np.sqrt(np.stack([_yearly(each**2, where) / where.days[:, None] for each in sides]))
    if not unknown.any():
        return combined(warm - cold, random)
    blind = _yearly_sides(days.mean, np.where(unknown, most, 0.0), where) / np.sqrt(3)
    return combined(warm - cold, random, blind)


def _yearly_sides(mean: Floats, moved: Floats, where: Windows) -> Floats:
    """By how much days moved by `moved` move the means of the sides: one far on the other side stays there."""
    toward = mean + moved, moved - mean
    # a day without a mean is not moved: 0 is the lesser of NaN and 0
    return np.stack([_yearly(each, where) for each in (moved, *(np.fmax(np.fmin(t, moved), 0.0) for t in toward))])


def _yearly(values: Floats, where: Windows) -> Floats:
    """Sums of days over each year by the days of the year; every year has some of the days."""
    sums: Floats = np.add.reduceat(values, np.maximum(where.year_row - where.before, 0), axis=0)
    return sums / where.days[:, None]


def _filled(filled: gaps.Filled, where: Windows, side: int, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """The most, and the standard uncertainty [K], by which filled days can have moved the mean of a year."""
    values = _sides(filled.grid)[side]
    reach = np.where(filled.filled, np.maximum(high - values, values - low), 0.0)
    variance = np.nan_to_num(filled.gap_variance)
    if side:                # gaps far on the other side add nothing to this one
        toward = filled.grid if side == 1 else -filled.grid
        variance = np.where(toward + np.sqrt(variance) > 0, variance, 0.0)
    return _yearly(reach, where), np.sqrt(_yearly(variance, where) / where.days[:, None])
