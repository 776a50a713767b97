"""Stamps from texts: dates in a proved order, times of day, offsets; refused with the line where one is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import FileError, UsageError
from talik.readers.clock import DAY, clocks
from talik.readers.date_orders import ORDERS, Where, chosen_order, fields_of, usual_order
from talik.readers.numerals import Lines
from talik.records import Times

_STAMP = re.compile(r"(\d{8}|[^\s,T]+?[-/.][^\s,T]+?[-/.][^\s,T]+|[^\s,]+ [^\s,]+ \d{2,4})(?:[T,\s]\s*(.*))?")
_COMPACT = re.compile(r"(\d{8})(\d{4}|\d{6})")


@dataclass(frozen=True, slots=True)
class Stamps:
    """
    Proved stamps.

    Parameters
    ----------
    times : datetime64[us] array, shape (n,)
        As written in the file, or UTC when `absolute`.
    order : str
        "YMD", "MDY" or "DMY".
    how : str
        How the order was proved: one sentence for `Source.understood`.
    absolute : bool
        True when the stamps carry their own offsets and `times` is UTC already.
    dates_only : bool
        True when no stamp has a time of day.
    offsets : tuple of int
        The different offsets [min] that the stamps carry, ascending; empty when they carry none.
    """

    times: Times
    order: str
    how: str
    absolute: bool
    dates_only: bool
    offsets: tuple[int, ...] = ()


def prove_dates(
    texts: Sequence[str] | pl.Series,
    *,
    clock: Sequence[str] | pl.Series | None = None,
    date_order: str | None = None,
    usual: str | None = None,
    file: str = "",
    lines: Lines = 1,
) -> Stamps:
    """
    Stamps from texts, with the order of day, month and year proved by the stamps themselves.

    Parameters
    ----------
    texts : sequence of str, shape (n,)
        Dates, or dates with times of day, in the order of the file. Four-digit or two-digit years (69-99 are 19xx),
        names of months, separators ``- / .`` or a blank, or none (20200131); hours 100 ... 2400; am and pm in many
        languages; offsets such as ``Z`` or ``+03:00`` (where all are midnights of their own clock, they are dates).
    clock : sequence of str, shape (n,), optional
        The times of day, when they stand in a column of their own.
    date_order : {"YMD", "MDY", "DMY"}, optional
        The order, when the caller knows it.
    usual : {"YMD", "DMY"}, optional
        The order of the format, unless the first stamp shows that a program has rewritten them.
    file : str
        For messages.
    lines : int or sequence of int
        Line of the first stamp, or of every stamp, for messages.

    Returns
    -------
    Stamps

    Raises
    ------
    AmbiguousFile
        If more than one order is possible and none proves itself; the message shows them.
    FileError
        If a stamp is blank, is no date, or is a date that does not exist (29 February of a common year); with line.
    UsageError
        If `date_order` is none of the three.

    Notes
    -----
    An order proves itself when nine tenths or more of the changes of date continue the series (the next day, or the
    modal step of the dates, in days or months), and every other order whose dates all exist fails at least five
    times as often. In a file of a day or two it proves itself also when in this order alone the stamps go on over
    midnight with the step they have within the day.

    Examples
    --------
    >>> hours = [f"11/{day:02d}/19 {hour}:00 {half}" for day in (5, 6, 7) for half in ("AM", "PM") for hour in (12, 6)]
    >>> proof = prove_dates(hours)
    >>> proof.order, str(proof.times[-1])
    ('MDY', '2019-11-07T18:00:00.000000')
    >>> print(proof.how)
    dates: month-day-year, proved by 2 of 2 regular steps (as year-month-day 0, as day-month-year 0)
    >>> prove_dates(["01/02/2019", "05/07/2019"], file="a.csv")
    Traceback (most recent call last):
    ...
    talik.errors.AmbiguousFile: a.csv: the order of the dates is not proved ...
    """
    if date_order is not None and date_order not in ORDERS:
        raise UsageError(f"date_order {date_order!r} is not one of {', '.join(ORDERS)}")
    series = texts if isinstance(texts, pl.Series) else pl.Series(texts, dtype=pl.String)
    if series.is_empty():
        raise FileError(f"{file}: no stamps in it")
    where = Where(file, lines)
    own = usual_order(usual, str(series[0])) if usual and not date_order else None
    if "年" in (series[0] or ""):
        series = series.cast(pl.String).str.replace_all(r"(\d{2,4})年(\d{1,2})月(\d{1,2})日", "$1-$2-$3")
    if clock is None:
        series = series.cast(pl.String)
        quick = _iso(series) if (date_order or own) in (None, "YMD") else None
        if quick is not None:
            return quick
        dates, hours = _parted(series, where)
    else:
        dates, hours = series, clock if isinstance(clock, pl.Series) else pl.Series(clock, dtype=pl.String)
    date_texts, date_codes = _distinct(dates)
    hour_texts, hour_codes = _distinct(hours)
    times_of_day = clocks(hour_texts)
    if times_of_day.bad:
        where.refuse(hour_codes, times_of_day.bad, hour_texts, "is not a time of day")
    micros = times_of_day.micros[hour_codes]
    chosen, how = chosen_order(
        fields_of(date_texts, date_codes, where), date_texts, date_codes, micros, date_order or own, where
    )
    how = how.replace("as asked", "the format's") if own else how
    micros += (chosen.days * DAY)[date_codes]
    carried = ~np.isnan(times_of_day.offsets)
    if carried.any() and not carried.all():
        where.refuse(
            hour_codes, np.flatnonzero(~carried).tolist(), hour_texts, "has no UTC offset, other stamps have one"
        )
    if carried.any() and (micros % DAY).any():                          # midnights of whatever offset stand for days
        micros -= (times_of_day.offsets[hour_codes] * 60_000_000).astype(np.int64)
        offsets = tuple(int(minutes) for minutes in np.unique(times_of_day.offsets))
        return Stamps(micros.view("M8[us]"), chosen.order, how, True, False, offsets)
    return Stamps(micros.view("M8[us]"), chosen.order, how, False, not any(t.strip() for t in hour_texts))


def from_fields(
    year: NDArray[np.int64],
    month: NDArray[np.int64],
    day: NDArray[np.int64],
    *,
    clock: Sequence[str] | None = None,
    file: str = "",
    lines: Lines = 1,
) -> Stamps:
    """
    Stamps from years, months and days that stand in columns of their own.

    Raises
    ------
    FileError
        If a date does not exist or a time of day is none; with line.
    """
    where = Where(file, lines)
    start = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    date = start.astype("M8[D]") + (day - 1).astype("m8[D]")
    bad = (month < 1) | (month > 12) | (day < 1) | (date.astype("M8[M]") != start)
    if bad.any():
        row = int(np.argmax(bad))
        raise FileError(
            f"{file}, line {where.line(row)}: {year[row]}-{month[row]}-{day[row]} is not a date that exists"
        )
    micros = date.astype("M8[us]").astype(np.int64)
    if clock is not None:
        texts, codes = _distinct(pl.Series(clock, dtype=pl.String))
        hours = clocks(texts)
        if hours.bad:
            where.refuse(codes, hours.bad, texts, "is not a time of day")
        micros = micros + hours.micros[codes]
    return Stamps(micros.astype("M8[us]"), "YMD", "dates: from columns of years, months and days", False, clock is None)


def iso_shape(text: str | None) -> str:
    """The strptime shape of 2020-01-31, 2020-01-31 14:00 or 2020-01-31T14:00:00; "" for anything else."""
    text = text or ""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?", text):
        return ""
    return {10: "%Y-%m-%d", 16: "%Y-%m-%d{}%H:%M", 19: "%Y-%m-%d{}%H:%M:%S"}[len(text)].format(text[10:11])


def from_iso(times: pl.Series, *, dates_only: bool) -> Stamps:
    """Stamps whose year was written first and in full, once they are parsed."""
    return Stamps(
        times.to_numpy().astype("M8[us]", copy=False),
        "YMD",
        "dates: year-month-day (the year is written first, in full)",
        False,
        dates_only,
    )


def _iso(series: pl.Series) -> Stamps | None:
    """The quick way, when all stamps are written alike."""
    shape = iso_shape(series[0])
    times = series.str.to_datetime(shape, time_unit="us", strict=False, cache=False) if shape else None
    return None if times is None or times.null_count() else from_iso(times, dates_only=shape == "%Y-%m-%d")


def mark_between(stamp: str | None) -> str:
    """The blank or T between a date without blanks and its time of day; "" when they are not written so."""
    stamp = (stamp or "").strip()
    match = _STAMP.fullmatch(stamp)
    if not match or not match[2] or re.search(r"[\s,T]", match[1]):
        return ""
    return stamp[len(match[1])].strip(",")


def halved(stamps: pl.Series, mark: str) -> tuple[pl.Series, pl.Series]:
    """Dates and times of day on both sides of a mark, as categories."""
    place = str(stamps[0]).find(mark)
    if place > 0 and not stamps.null_count() and (stamps.str.slice(place, 1) == mark).all():
        dates, hours = (half.cast(pl.Categorical) for half in (stamps.str.head(place), stamps.str.slice(place + 1)))
        if all(mark not in date and date == date.strip() for date in _texts(dates)) and all(
            hour == hour.strip() for hour in _texts(hours)
        ):
            return dates, hours
    halves = stamps.str.strip_chars().str.splitn(mark, 2).struct.unnest()
    dates, hours = (halves.to_series(part).fill_null("").cast(pl.Categorical) for part in (0, 1))
    return dates, hours


def _texts(categories: pl.Series) -> list[str]:
    return categories.unique().cast(pl.String).to_list()


def _parted(series: pl.Series, where: Where) -> tuple[pl.Series, pl.Series]:
    """Dates and times of day that stand together in one text."""
    mark = mark_between(series[0])
    if mark:
        return halved(series, mark)
    texts, codes = _distinct(series)
    pairs, bad = [], []
    for place, text in enumerate(texts):
        match = _STAMP.fullmatch(text.strip()) or _COMPACT.fullmatch(text.strip())
        pairs.append((match[1], match[2] or "") if match else ("", ""))
        if not match and text:
            bad.append(place)
    if bad:
        where.refuse(codes, bad, texts, "is not a date")
    return (
        pl.Series([date for date, _ in pairs], dtype=pl.String)[codes],
        pl.Series([hour for _, hour in pairs], dtype=pl.String)[codes],
    )


def _distinct(series: pl.Series) -> tuple[list[str], NDArray[np.integer]]:
    """The distinct texts in order of appearance, and for each row the place of its text."""
    if series.dtype == pl.Categorical:
        numbers = series.to_physical().to_numpy()
        row = np.full(int(numbers.max()) + 1, numbers.size)
        for begin in reversed(range(0, numbers.size, 65536)):  # where a number is repeated the last one stays
            some = numbers[begin : begin + 65536]
            row[some[::-1]] = np.arange(begin, begin + some.size)[::-1]
        first = np.sort(row[row < numbers.size])
        places = np.zeros(row.size, np.int32)
        places[numbers[first]] = np.arange(first.size)
        return series.gather(first).cast(pl.String).to_list(), places[numbers]
    distinct = series.unique(maintain_order=True)
    codes = series.replace_strict(distinct, np.arange(len(distinct)), return_dtype=pl.Int64)
    return [text or "" for text in distinct.to_list()], codes.to_numpy()
