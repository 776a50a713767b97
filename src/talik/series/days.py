"""The days of a record: means, samples there are, samples a whole day has. What years are made of."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from talik.errors import DataError
from talik.kernels import calendar
from talik.kernels.daily_wave import hour_errors
from talik.records import REJECTED, Flag, Record

VERSION = 4
"""Of the rules by which samples become days; kept days of another version are made anew."""

_FINE = 0.002
"""Steps of values below this [K] are not looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """
    The days of a record, before any rule of completeness.

    Parameters
    ----------
    site, depths, labels
        As of the record.
    offset_hours : float
        Hours ahead of UTC of the clock by which days were cut.
    daily : Daily
        Means of the values that no flag rejects, however few; samples there are; samples a whole day has.
    resolution : ndarray, shape (m,)
        Smallest step between values of each column [K]; 0 below 2 mK and where they are too few to tell.
    hour : float
        Hour, on that clock, of the one sample a day; NaN where there are more, and where stamps are dates.
    """

    site: str
    depths: NDArray[np.float64]
    labels: tuple[str, ...]
    offset_hours: float
    daily: calendar.Daily = field(repr=False)
    resolution: NDArray[np.float64]
    hour: float


def days_of(record: Record) -> Days:
    """
    The days of a record; values under a flag that rejects them are left out.

    Raises
    ------
    DataError
        If the time zone of its source is none.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2020-01-03", dtype="M8[h]")
    >>> days_of(Record("Barrow", t, [0.0], np.arange(48.0)[:, None])).daily.mean.ravel()
    array([11.5, 35.5])
    """
    rejected, rows = (record.flags & np.uint16(int(REJECTED & ~Flag.MISSING))).any(), clocked(record)
    values, offset = record.accepted().values if rejected else record.values, day_offset(record)
    times, values = record.times[rows], values[rows]
    daily = calendar.daily(times, values, offset_hours=offset)
    if daily.partial[1:-1].any():
        daily = replace(daily, hours=hour_errors(times, values, daily, offset_hours=offset))
    return Days(record.site, record.depths, record.labels, offset, daily, _resolution(values),
                only_hour(times, offset))


def _resolution(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest step between values of each column, 0 if fine; one that hardly moves takes the others' usual one."""
    some = np.sort(values[::max(1, len(values) // 500)], axis=0)
    steps = np.diff(some, axis=0)
    steps[~(steps > 1e-9)] = np.inf
    moving = np.count_nonzero(np.isfinite(steps), axis=0) >= 8
    if not moving.any():
        return np.zeros(values.shape[1])
    finest = steps.min(axis=0)
    found = np.minimum(np.where(moving, finest, np.median(finest[moving])), 1.0)
    return np.where(found < _FINE, 0.0, found)


def only_hour(times: NDArray[np.datetime64], offset: float) -> float:
    """
    The hour of the one sample a day, on a clock `offset` hours ahead of UTC; NaN where there are more a day.

    Also NaN at midnight, which is how dates look, and with them daily means.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2020-02-01", dtype="M8[D]")
    >>> only_hour(t + np.timedelta64(12, "h"), 0.0), only_hour(t, 0.0)
    (12.0, nan)
    """
    us = times.astype("M8[us]").astype(np.int64)
    if us.size < 2 or np.median(np.diff(np.sort(us[:400]))) < 17 * 3.6e9:
        return float("nan")
    hours = (us / 3.6e9 + offset) % 24
    usual = float(np.median(hours))
    same = np.mean(np.abs(hours - usual) < 0.1) >= 0.9
    return usual if same and 0.1 < usual < 23.9 else float("nan")


def clocked(record: Record) -> slice | NDArray[np.bool_]:
    """
    The rows of a record but for those that a reset clock stamped before its first or after its last day.

    Such stamps (2000-01-01) are of no day that was measured: years between them and the record are no years.

    Examples
    --------
    >>> t = np.array(["2000-01-01", "2019-05-01", "2019-05-02"], "M8[D]")
    >>> flags = np.array([[Flag.CLOCK], [0], [0]])
    >>> record = Record("Barrow", t, [0.0], np.zeros((3, 1)), flags)
    >>> clocked(record)
    array([False,  True,  True])
    """
    clock = np.uint16(int(Flag.CLOCK))
    if not (record.flags[:, :1] & clock).any():             # most records, seen without looking at every value
        return slice(None)
    faulty = (record.flags & clock != 0).all(axis=1)
    sure = record.times[~faulty]
    if not faulty.any() or not sure.size:
        return slice(None)
    within: NDArray[np.bool_] = (record.times >= sure.min()) & (record.times <= sure.max())
    return within


def days_hash(days: calendar.Daily, depths: NDArray[np.float64]) -> str:
    """Of daily means, their dates and depths: what annual values come from."""
    return hashlib.sha256(days.mean.tobytes() + days.dates.tobytes() + depths.tobytes()).hexdigest()


def day_offset(record: Record) -> float:
    """
    Hours to add to UTC so that days are those of the file's own clock; daily files keep their dates this way.

    A zone whose offset changes counts with the smallest one of the record's years (winter time); for daily samples,
    with that which leaves most stamps on their local date, summer and winter.

    Examples
    --------
    >>> from talik.records import Source
    >>> t = np.array(["2020-01-01"], "M8[us]")
    >>> day_offset(Record("Yakutsk", t, [0.0], [[1.0]], source=Source(time_zone="UTC+09:00")))
    9.0
    """
    text = record.source.time_zone
    found = re.fullmatch(r"(?:UTC)?\s*([+-])(\d{1,2}):?(\d{2})?", text)
    if found:
        hours = int(found[2]) + int(found[3] or 0) / 60
        return -hours if found[1] == "-" else hours
    if text.upper() in ("", "UTC", "Z", "GMT"):
        return 0.0
    return _zone_offset(text, record.times)


def _zone_offset(name: str, times: NDArray[np.datetime64]) -> float:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DataError(f"time zone {name!r}: neither an offset (UTC+09:00) nor a known name") from error
    span = (times.min(), times.max()) if times.size else (np.datetime64("2020-01-01"),) * 2
    first, last = (int(stamp.astype("M8[Y]").astype(np.int64)) + 1970 for stamp in span)
    offsets = [zone.utcoffset(datetime(year, month, 1)) for year in range(first, last + 1) for month in (1, 7)]
    hours = sorted({o.total_seconds() / 3600 for o in offsets if o is not None})
    if len(hours) == 1 or not calendar.sampling_step(np.sort(times)) >= 86400:
        return hours[0]
    some = times[::7]
    local = np.array([t.replace(tzinfo=UTC).astimezone(zone).date() for t in some.tolist()], "M8[D]").astype(np.int64)
    return max(hours, key=lambda offset: np.count_nonzero(calendar.day_numbers(some, offset) == local))
