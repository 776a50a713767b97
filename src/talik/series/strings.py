"""A whole string that reads otherwise after a gap than in the years before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.kernels.calendar import Daily
from talik.records import Record

Floats = NDArray[np.float64]

_GAP, _SPAN, _LEAST_DAYS, _LEAST_YEARS = 20, 365, 90, 5
_UNLIKELY, _EACH = 0.004, 0.1
"""How unlikely the change must be in the median sensor, and in every one."""


def level_doubts(record: Record, days: Daily) -> list[str]:
    """
    Where all sensors in the ground read otherwise after a gap than the same days of the years before.

    A sensor's days of up to a year after the gap are held against the means of these days of the calendar in each
    year before; the difference, in standard deviations between those years, is judged by Student's t. Years in which
    half of these days are missing are left out; fewer than five years tell nothing.

    Parameters
    ----------
    record : Record
    days : Daily
        Its days, without what was rejected.

    Returns
    -------
    list of str
        A sentence for each gap.

    Examples
    --------
    >>> t = np.arange("2008-01-01", "2021-01-01", dtype="M8[D]")
    >>> year = 0.3 * np.sin(np.arange(t.size) // 365.25 * 2.4)[:, None]
    >>> wave = year + np.array([8, 4]) * np.cos(np.arange(t.size)[:, None] / 58.1 - np.array([0, 0.7]))
    >>> wave[4400:4430] = np.nan
    >>> wave[4430:] += 3
    >>> record = Record("Barrow", t, [0.2, 1.0], wave)
    >>> from talik.series.profiles import whole_days
    >>> level_doubts(record, whole_days(record, record.flags))[0][:79]
    'all 2 sensors in the ground read otherwise from 2020-02-17 on, after a gap of 3'
    """
    ground = np.flatnonzero(record.depths >= 0)
    if ground.size < 2 or days.mean.shape[0] < 365 * _LEAST_YEARS:
        return []
    whole = ~np.isnan(days.mean[:, ground]).all(axis=1)
    known = np.flatnonzero(whole)
    starts = known[1:][np.diff(known) > _GAP]
    lengths = np.diff(known)[np.diff(known) > _GAP] - 1
    said = []
    for number, (start, gap) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
        end = min(start + _SPAN, days.mean.shape[0], *starts[number + 1:number + 2].tolist())
        changes = [change for k in ground if (change := _change(days.mean[:, k], start, end))]
        if len(changes) < 2 or len(changes) < np.count_nonzero(~np.isnan(days.mean[start:end, ground]).all(axis=0)):
            continue
        by, unlikely, years = map(np.array, zip(*changes, strict=True))
        if np.median(unlikely) < _UNLIKELY and unlikely.max() < _EACH:
            said.append(
                f"all {len(changes)} sensors in the ground read otherwise from {days.dates[start]} on, after a gap of "
                f"{gap} days, than in the {years.min()} years before: by {by.min():+.1f} to {by.max():+.1f} K. Another "
                "string, place or order of sensors?")
    return said


def _change(days: Floats, start: int, end: int) -> tuple[float, float, int] | None:
    """By how much a column's days differ from those of the years before [K], how unlikely that is, and the years."""
    own = days[start:end]
    if np.count_nonzero(~np.isnan(own)) < _LEAST_DAYS:
        return None
    before = []
    for back in range(1, start // 365 + 1):
        first = start - round(365.25 * back)
        then = days[max(first, 0):first + own.size]
        then = np.where(np.isnan(own[own.size - then.size:]), np.nan, then)
        common = ~np.isnan(then)
        if first >= 0 and 2 * np.count_nonzero(common) >= np.count_nonzero(~np.isnan(own)):
            before.append(float(np.mean(own[common] - then[common])))
    if len(before) < _LEAST_YEARS:
        return None
    from scipy.stats import t

    spread = float(np.std(before, ddof=1)) * np.sqrt(1 + 1 / len(before))
    by = float(np.mean(before))
    return by, float(2 * t.sf(abs(by) / max(spread, 1e-9), len(before) - 1)), len(before)
