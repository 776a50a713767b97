"""Stamps that are counted or parted: days of a spreadsheet, Unix seconds, year with day of the year, hours beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from talik.errors import AmbiguousFile, FileError
from talik.readers.clock import DAY, HOUR, SECOND, clocks
from talik.readers.numerals import Lines, line_of
from talik.readers.stamps import Stamps
from talik.records import Times

_SCALES = (
    ("days of a spreadsheet since 1899-12-30", 20_000, 65_000, "1899-12-30", DAY),
    ("Matlab's days since year 0", 693_962, 767_011, "1970-01-01", DAY),
    ("Unix seconds since 1970", 3e8, 3e9, "1970-01-01", SECOND),
    ("Unix milliseconds since 1970", 3e11, 3e12, "1970-01-01", SECOND // 1000),
)
_MATLAB_1970 = 719_529
_LONGEST = 366 * DAY
"""Between two rows, mostly."""

_MINUTE = 60 * SECOND
_ROUNDED = 5 * SECOND
"""By how much four decimals of a day miss a whole minute."""


def from_numbers(values: NDArray[np.float64], *, file: str, column: str, lines: Lines) -> Stamps:
    """
    Stamps from a column of numbers: a spreadsheet's or Matlab's days, Unix seconds, or YYYYMMDDHH.

    Raises
    ------
    AmbiguousFile
        If the numbers fit none of these throughout.
    FileError
        If a stamp is blank; with line.

    Examples
    --------
    >>> stamps = from_numbers(np.array([43860.0, 43860.5]), file="a.csv", column="Date", lines=2)
    >>> str(stamps.times[1]), stamps.how
    ('2020-01-30T12:00:00.000000', "dates: 'Date' counts days of a spreadsheet since 1899-12-30")
    """
    if np.isnan(values).any():
        row = int(np.argmax(np.isnan(values)))
        raise FileError(f"{file}, line {line_of(lines, row)}: no stamp in column {column!r}")
    if (dated := _year_to_hour(values)) is not None:
        return Stamps(dated, "YMD", f"dates: {column!r} is year, month, day and hour in one number", False, False)
    step = float(np.median(np.abs(np.diff(values)))) if values.size > 1 else 0.0
    for name, least, most, start, unit in _SCALES:
        if values.min() >= least and values.max() <= most and step * unit <= _LONGEST:
            count = values - _MATLAB_1970 if name.startswith("Matlab") else values
            times = np.datetime64(start, "us") + _micros(count, unit)
            return Stamps(times, "YMD", f"dates: {column!r} counts {name}", "Unix" in name, False)
    raise AmbiguousFile(
        f"{file}: the stamps in column {column!r} are numbers from {values.min():g} to {values.max():g}: no days of a "
        "spreadsheet, no Unix seconds, no YYYYMMDDHH. Write them as dates"
    )


def _year_to_hour(values: NDArray[np.float64]) -> Times | None:
    """Times of numbers such as 2020013106, when all of them are such."""
    whole = values.astype(np.int64)
    date, hour = np.divmod(whole, 100)
    year, month, day = date // 10_000, date // 100 % 100, date % 100
    if (whole != values).any() or not ((year >= 1800) & (year < 2200) & (hour <= 24)).all():
        return None
    start, exist = _dates(year, month, day)
    return start + (hour * HOUR).astype("m8[us]") if exist.all() else None


def _dates(
    year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]
) -> tuple[Times, NDArray[np.bool_]]:
    """Dates, and which exist."""
    whole = (month >= 1) & (month <= 12) & (day >= 1)
    start = np.where(whole, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
    dates = start.astype("M8[D]") + (np.where(whole, day, 1) - 1).astype("m8[D]")
    return dates.astype("M8[us]"), whole & (dates.astype("M8[M]") == start)


def from_day_of_year(
    year: NDArray[np.float64],
    day: NDArray[np.float64],
    *,
    clock: Sequence[str] | None = None,
    file: str,
    lines: Lines,
) -> Stamps:
    """
    Stamps from years and days of the year (1 is the first of January); a fraction is the time of day.

    Raises
    ------
    FileError
        If a day is not one of its year; with line.

    Examples
    --------
    >>> stamps = from_day_of_year(np.array([2019.0, 2020]), np.array([60.0, 60.25]), file="a.csv", lines=2)
    >>> [str(time)[:13] for time in stamps.times]
    ['2019-03-01T00', '2020-02-29T06']
    """
    start = (year - 1970).astype("M8[Y]")
    length = ((start + np.timedelta64(1, "Y")).astype("M8[D]") - start.astype("M8[D]")).astype(np.int64)
    bad = (year % 1 != 0) | (year < 1800) | (year > 2200) | (day < 1) | (day >= length + 1)
    if bad.any():
        row = int(np.argmax(bad))
        raise FileError(
            f"{file}, line {line_of(lines, row)}: day {day[row]:g} is no day of the year {year[row]:g} (from 1 on)"
        )
    how = "dates: from the year and the day of the year, 1 being the first of January"
    times: Times = start.astype("M8[us]")
    times = times + _micros(day - 1, DAY)
    return with_clock(Stamps(times, "YMD", how, False, not (day % 1).any()), clock, file=file, lines=lines)


def with_clock(stamps: Stamps, clock: Sequence[str] | None, *, file: str, lines: Lines) -> Stamps:
    """
    Stamps with times of day that stand in a column of their own.

    Raises
    ------
    FileError
        If a cell is no time of day; with line.
    """
    if clock is None:
        return stamps
    found = clocks(clock)
    if found.bad:
        row = found.bad[0]
        raise FileError(f"{file}, line {line_of(lines, row)}: {clock[row]!r} is not a time of day")
    return replace(stamps, times=stamps.times + found.micros.astype("m8[us]"), dates_only=False)


def _micros(count: NDArray[np.float64], unit: int) -> NDArray[np.timedelta64]:
    """Counted days or seconds; whole minutes, or seconds, where rounded fractions of days miss them by little."""
    micros = np.round(count * unit)
    for whole in (_MINUTE, SECOND) if unit == DAY else ():
        nearest = np.round(micros / whole) * whole
        if (np.abs(nearest - micros) <= min(_ROUNDED, whole // 2)).all():
            micros = nearest
            break
    return micros.astype("m8[us]")


def later(stamps: Stamps, parts: Mapping[str, NDArray[np.float64]], *, file: str, lines: Lines) -> Stamps:
    """
    Stamps with the hours, minutes and seconds added that stand in columns of their own; hour 24 is the next day's 0.

    Hours above 24 are taken as hours and minutes (1330) when no column has minutes.

    Raises
    ------
    FileError
        If an hour, minute or second is none; with line.
    """
    if not parts:
        return stamps
    parts = dict(parts)
    if "minute" not in parts and np.nanmax(parts["hour"]) > 24:
        parts["hour"], parts["minute"] = np.divmod(parts["hour"], 100)
    micros = np.zeros(len(stamps.times))
    for name, most, unit in (("hour", 24, HOUR), ("minute", 59, 60 * SECOND), ("second", 60, SECOND)):
        if name in parts:
            bad = ~((parts[name] >= 0) & (parts[name] <= most))
            if bad.any():
                row = int(np.argmax(bad))
                raise FileError(f"{file}, line {line_of(lines, row)}: {parts[name][row]:g} is no {name}")
            micros += parts[name] * unit
    if (micros > DAY).any():
        row = int(np.argmax(micros > DAY))
        raise FileError(f"{file}, line {line_of(lines, row)}: the time of day is beyond 24:00")
    return replace(stamps, times=stamps.times + np.round(micros).astype("m8[us]"), dates_only=False)
