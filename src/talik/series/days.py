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

VERSION = 5
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
        Means of the values that no flag rejects, however few; samples there are; samples a whole day has. Its `hours`
        are NaN, too, on days whose one sample is a reading at an hour of the day.
    resolution : ndarray, shape (m,)
        Smallest step between values of each column [K]; 0 below 2 mK and where they are too few to tell.
    """

    site: str
    depths: NDArray[np.float64]
    labels: tuple[str, ...]
    offset_hours: float
    daily: calendar.Daily = field(repr=False)
    resolution: NDArray[np.float64]


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
    daily = _with_readings(times, values, daily, offset)
    return Days(record.site, record.depths, record.labels, offset, daily, _resolution(values))


def _with_readings(times: NDArray[np.datetime64], values: NDArray[np.float64], daily: calendar.Daily,
                   offset: float) -> calendar.Daily:
    """The same with NaN in `hours` where the one sample of a day is a reading of its hour and no mean."""
    single = _single(daily.expected) & (daily.count > 0)
    if not single.any():
        return daily
    day = calendar.day_numbers(times, offset) - daily.first
    some: NDArray[np.bool_] = np.logical_or.reduce(single, axis=1)
    rows = np.flatnonzero(some[day] & _off_midnight(_clock(times, offset)))
    if not rows.size:
        return daily
    row, column = np.nonzero(~np.isnan(values[rows]))
    read = np.zeros(single.shape, dtype=bool)
    read[day[rows[row]], column] = True
    hours = np.zeros((2, *single.shape)) if daily.hours is None else daily.hours
    return replace(daily, hours=np.stack([np.where(single & read, np.nan, hours[0]), hours[1]]))


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


def only_hour(record: Record) -> tuple[float, float]:
    """
    The hour, on the record's own clock, of days that have one sample, and the share of the record's days they are.

    NaN and 0 where days have more, and within an hour of midnight, which is how dates look, and with them daily means.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2020-02-01", dtype="M8[D]")
    >>> noon, date = (Record("A", t + np.timedelta64(h, "h"), [0.0], np.zeros((31, 1))) for h in (12, 0))
    >>> only_hour(noon), only_hour(date)
    ((12.0, 1.0), (nan, 0.0))
    """
    us = np.sort(record.times[clocked(record)].astype("M8[us]").astype(np.int64))
    if not (us[1:] - us[:-1] > 17 * 3.6e9).any():
        return float("nan"), 0.0
    times, offset = us.astype("M8[us]"), day_offset(record)
    day = calendar.day_numbers(times, offset)
    single = _single(calendar.expected_per_day(times, day, int(day[0]), int(day[-1] - day[0]) + 1))[day - day[0]]
    hours = _clock(times, offset)
    read = single & _off_midnight(hours)
    if not read.any():
        return float("nan"), 0.0
    return float(np.median(hours[read])), np.unique(day[read]).size / np.unique(day).size


def _single(expected: NDArray[np.float64]) -> NDArray[np.bool_]:
    single: NDArray[np.bool_] = np.abs(expected - 1) < 0.01
    return single


def _clock(times: NDArray[np.datetime64], offset: float) -> NDArray[np.float64]:
    """Hours of the day."""
    hours: NDArray[np.float64] = (times.astype("M8[us]").astype(np.int64) / 3.6e9 + offset) % 24
    return hours


def _off_midnight(hours: NDArray[np.float64]) -> NDArray[np.bool_]:
    # clocks that change to summer time stamp dates at 0 and at 1 h, or at 23 h
    return (hours > 1.05) & (hours < 22.95)


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
