"""Dates are proved: the order of day, month and year must give dates that exist, rise, and follow one another regularly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import AmbiguousFile, FileError, UsageError
from talik.readers.clock import DAY, clocks
from talik.records import Times

ORDERS = ("YMD", "MDY", "DMY")
_SPELLED = {"YMD": "year-month-day", "MDY": "month-day-year", "DMY": "day-month-year"}
_MONTHS = {name: number for number, names in enumerate((
    "jan januar janvier ene янв led sty", "feb februar fév fev févr февр фев úno lut", "mar march märz mär mars мар",
    "apr april avr abr апр dub kwi", "may mai mayo май мая kvě maj", "jun june juni juin июн čvn cze", "jul july juli juil июл čvc lip",
    "aug august août aou ago авг srp sie", "sep sept september сен сент zář wrz", "oct okt october oktober окт říj paź",
    "nov november ноя lis", "dec dez december dezember déc dic дек pro gru"), 1) for name in names.split()}
_FIELD = r"(\d{1,4}|[^\W\d_]{3,9}\.?)"
_DATE = re.compile(rf"{_FIELD}([-/.\s]\s?|)\s*(?:(?<=\D){_FIELD})\2{_FIELD}|(\d{{4}})(\d{{2}})(\d{{2}})")
_STAMP = re.compile(r"(\d{8}|[^\s,T]+?[-/.][^\s,T]+?[-/.][^\s,T]+|[^\s,]+ [^\s,]+ \d{2,4})(?:[T,\s]\s*(.*))?")
_COMPACT = re.compile(r"(\d{8})(\d{4}|\d{6})")
_ENOUGH = 0.9
"""Share of date changes that must continue the step before an order counts as proved."""


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
    """

    times: Times
    order: str
    how: str
    absolute: bool
    dates_only: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    order: str
    days: NDArray[np.int64]        # of each distinct date, since 1970-01-01
    bad: NDArray[np.bool_]         # distinct dates that do not exist
    misses: int                    # date changes that do not continue the step
    changes: int


def prove_dates(texts: Sequence[str] | pl.Series, *, clock: Sequence[str] | pl.Series | None = None,
                date_order: str | None = None, file: str = "", lines: int | Sequence[int] = 1) -> Stamps:
    """
    Stamps from texts, with the order of day, month and year proved by the stamps themselves.

    Parameters
    ----------
    texts : sequence of str, shape (n,)
        Dates, or dates with times of day, in the order of the file. Four-digit or two-digit years (69-99 are 19xx),
        names of months, separators ``- / .`` or a blank, or none (20200131); hours 100 ... 2400; am and pm in many
        languages; offsets such as ``Z`` or ``+03:00``.
    clock : sequence of str, shape (n,), optional
        The times of day, when they stand in a column of their own.
    date_order : {"YMD", "MDY", "DMY"}, optional
        The order, when the caller knows it.
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
    modal step of the dates, in days or months), and every other order whose dates all exist fails at least five times as often.

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
    series = pl.Series(texts, dtype=pl.String) if not isinstance(texts, pl.Series) else texts
    if series.is_empty():
        raise FileError(f"{file}: no stamps in it")
    where = _Where(file, lines)
    quick = None if clock is not None or date_order not in (None, "YMD") else _iso(series)
    if quick is not None:
        return quick
    dates, hours = _parted(series, where) if clock is None else (series, pl.Series(clock, dtype=pl.String))
    date_texts, date_codes = _distinct(dates)
    hour_texts, hour_codes = _distinct(hours)
    times_of_day = clocks(hour_texts)
    if times_of_day.bad:
        where.refuse(hour_codes, times_of_day.bad, hour_texts, "is not a time of day")
    chosen, how = _chosen(_fields(date_texts, date_codes, where), date_texts, date_codes, hour_texts, date_order, where)
    micros = chosen.days[date_codes] * DAY + times_of_day.micros[hour_codes]
    carried = ~np.isnan(times_of_day.offsets)
    if carried.any() and not carried.all():
        where.refuse(hour_codes, np.flatnonzero(~carried).tolist(), hour_texts, "has no UTC offset, other stamps have one")
    if carried.any():
        micros -= (times_of_day.offsets[hour_codes] * 60_000_000).astype(np.int64)
    return Stamps(micros.astype("M8[us]"), chosen.order, how, bool(carried.any()), not any(t.strip() for t in hour_texts))


@dataclass(frozen=True, slots=True)
class _Where:
    """File and lines, to say where a stamp stands that cannot be one."""

    file: str
    lines: int | Sequence[int]

    def line(self, row: int) -> int:
        return self.lines + row if isinstance(self.lines, int) else int(self.lines[row])

    def refuse(self, codes: NDArray[np.int64], bad: Sequence[int], texts: Sequence[str], fault: str) -> None:
        rows = np.flatnonzero(np.isin(codes, bad))
        text = texts[int(codes[rows[0]])]
        more = f" ({rows.size} such lines)" if rows.size > 1 else ""
        raise FileError(f"{self.file}, line {self.line(int(rows[0]))}: {text!r} {fault}{more}")


def from_fields(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64], *, clock: Sequence[str] | None = None,
                file: str = "", lines: int | Sequence[int] = 1) -> Stamps:
    """
    Stamps from years, months and days that stand in columns of their own.

    Raises
    ------
    FileError
        If a date does not exist or a time of day is none; with line.
    """
    where = _Where(file, lines)
    start = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    date = start.astype("M8[D]") + (day - 1).astype("m8[D]")
    bad = (month < 1) | (month > 12) | (day < 1) | (date.astype("M8[M]") != start)
    if bad.any():
        row = int(np.argmax(bad))
        raise FileError(f"{file}, line {where.line(row)}: {year[row]}-{month[row]}-{day[row]} is not a date that exists")
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
    return Stamps(times.to_numpy().astype("M8[us]"), "YMD",
                  "dates: year-month-day (the year is written first, in full)", False, dates_only)


def _iso(series: pl.Series) -> Stamps | None:
    """The quick way, when all stamps are written alike."""
    shape = iso_shape(series[0])
    times = series.str.to_datetime(shape, time_unit="us", strict=False, cache=False) if shape else None
    return None if times is None or times.null_count() else from_iso(times, dates_only=shape == "%Y-%m-%d")


def _parted(series: pl.Series, where: _Where) -> tuple[pl.Series, pl.Series]:
    """Dates and times of day that stand together in one text."""
    first = str(series[0] or "").strip()
    match = _STAMP.fullmatch(first)
    if match and match[2] and not re.search(r"[\s,T]", match[1]) and first[len(match[1])] in " T":
        halves = series.str.strip_chars().str.splitn(first[len(match[1])], 2).struct.unnest()
        return halves.to_series(0), halves.to_series(1).fill_null("")
    texts, codes = _distinct(series)
    pairs, bad = [], []
    for place, text in enumerate(texts):
        match = _STAMP.fullmatch(text.strip()) or _COMPACT.fullmatch(text.strip())
        pairs.append((match[1], match[2] or "") if match else ("", ""))
        if not match and text:
            bad.append(place)
    if bad:
        where.refuse(codes, bad, texts, "is not a date")
    return (pl.Series([date for date, _ in pairs], dtype=pl.String)[codes],
            pl.Series([hour for _, hour in pairs], dtype=pl.String)[codes])


def _distinct(series: pl.Series) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct texts in order of appearance, and for each row the place of its text."""
    distinct = series.unique(maintain_order=True)
    codes = series.replace_strict(distinct, np.arange(len(distinct)), return_dtype=pl.Int64)
    return [text or "" for text in distinct.to_list()], codes.to_numpy()


@dataclass(frozen=True, slots=True)
class _Fields:
    """The three fields of the distinct dates: their numbers, their widths in the file, and where months are named."""

    numbers: NDArray[np.int64]
    widths: NDArray[np.int64]
    named: frozenset[int]


def _fields(texts: list[str], codes: NDArray[np.int64], where: _Where) -> _Fields:
    mark = re.fullmatch(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}", texts[0].strip())
    if mark:                                      # the quick way, when all are digits with the same marks
        parts = pl.Series(texts).str.strip_chars().str.split_exact(mark[1], 3).struct.unnest()
        numbers = parts.select(pl.nth(0, 1, 2).cast(pl.Int64, strict=False))
        if not sum(numbers.null_count().row(0)) and parts.to_series(3).null_count() == len(parts):
            return _Fields(numbers.to_numpy(), parts.select(pl.nth(0, 1, 2).str.len_bytes()).to_numpy().astype(np.int64), frozenset())
    found, bad = [], []
    for place, text in enumerate(texts):
        match = _DATE.fullmatch(text.strip())
        parts3 = [part for part in match.groups() if part and part.strip(" -/.")] if match else []
        found.append(parts3 if len(parts3) == 3 else ["0", "0", "0"])
        if len(parts3) != 3:
            bad.append(place)
    if bad:
        where.refuse(codes, bad, texts, "is blank, expected a date" if not texts[bad[0]].strip() else "is not a date")
    numbers3 = np.array([[int(part) if part.isdigit() else _month(part) for part in row] for row in found], np.int64)
    nameless = [place for place, row in enumerate(numbers3) if (row < 0).any()]
    if nameless:
        where.refuse(codes, nameless, texts, "names no month that is known")
    return _Fields(numbers3, np.array([[len(part) if part.isdigit() else 0 for part in row] for row in found], np.int64),
                   frozenset(place for row in found for place, part in enumerate(row) if not part.isdigit()))


def _month(name: str) -> int:
    key = name.lower().rstrip(".")
    return _MONTHS.get(key) or _MONTHS.get(key[:3], -1)


def _chosen(fields: _Fields, texts: list[str], codes: NDArray[np.int64], hours: list[str],
            date_order: str | None, where: _Where) -> tuple[_Candidate, str]:
    orders = (date_order,) if date_order else _possible(fields)
    sequence = codes[np.r_[True, codes[1:] != codes[:-1]]]
    daily = len(codes) < 1.5 * len(sequence)
    candidates = [_candidate(order, fields, sequence, daily) for order in orders]
    whole = [c for c in candidates if not c.bad.any()]
    best = min(candidates, key=lambda c: (c.misses + int(c.bad.sum()) * max(1, len(sequence) // 100), c.bad.sum()))
    if best.bad.any():
        where.refuse(codes, np.flatnonzero(best.bad).tolist(), texts, f"is not a date that exists ({_SPELLED[best.order]})")
    if date_order:
        return best, f"dates: {_SPELLED[best.order]} (as asked)"
    if len(orders) == 1:
        return best, f"dates: {_SPELLED[best.order]} (the only order in which it can be written so)"
    if len(whole) == 1:
        return best, f"dates: {_SPELLED[best.order]} (the only order in which every date exists)"
    rivals = [c for c in candidates if c is not best]
    if best.changes and best.misses <= (1 - _ENOUGH) * best.changes and all(
            c.bad.any() or c.misses >= max(5 * best.misses, 2) for c in rivals):
        others = ", ".join(f"as {_SPELLED[c.order]} " + ("impossible" if c.bad.any() else f"{c.changes - c.misses}") for c in rivals)
        return best, (f"dates: {_SPELLED[best.order]}, proved by {best.changes - best.misses} of {best.changes} "
                      f"regular steps ({others})")
    raise _ambiguous(whole, where)


def _possible(fields: _Fields) -> tuple[str, ...]:
    """The orders that the widths of the fields and the named months leave open."""
    orders = [order for order in ORDERS if all(order[place] == "M" for place in fields.named)]
    for place in (0, 2):
        if (fields.widths[:, place] == 4).all():
            orders = [order for order in orders if order[place] == "Y"]
    return tuple(orders) or ORDERS


def _candidate(order: str, fields: _Fields, sequence: NDArray[np.int64], daily: bool) -> _Candidate:
    year, month, day = (fields.numbers[:, order.index(letter)] for letter in "YMD")
    short = fields.widths[:, order.index("Y")] <= 2
    year = np.where(short, year + np.where(year < 69, 2000, 1900), year)
    bad = (month < 1) | (month > 12) | (day < 1) | (day > 31) | (year < 1600) | (year > 2200)
    start = ((np.where(bad, 1970, year) - 1970) * 12 + np.where(bad, 1, month) - 1).astype("M8[M]")
    date = start.astype("M8[D]") + (np.where(bad, 1, day) - 1).astype("m8[D]")
    bad |= date.astype("M8[M]") != start
    days, months = date.astype(np.int64)[sequence], (start.astype(np.int64) * 32 + day)[sequence]
    steps = np.diff(days)
    misses = int((steps != 1).sum())
    if daily and steps.size:                    # weekly, monthly ... series: the modal step, in days or months
        monthly = np.diff(months)
        misses = min(misses, _off_mode(steps), _off_mode(monthly) if (monthly % 32 == 0).all() else misses)
    return _Candidate(order, date.astype(np.int64), bad, misses, steps.size)


def _off_mode(steps: NDArray[np.int64]) -> int:
    values, counts = np.unique(steps[steps > 0], return_counts=True)
    return int(steps.size - counts.max()) if values.size else steps.size


def _ambiguous(candidates: list[_Candidate], where: _Where) -> AmbiguousFile:
    shown = "; ".join(f"{c.order}: {_day(c.days.min())} to {_day(c.days.max())}, {c.changes - c.misses} of {c.changes} steps regular"
                      for c in candidates)
    return AmbiguousFile(f"{where.file}: the order of the dates is not proved by constant steps and rising stamps. "
                         f"Candidates: {shown}. Pass date_order= (--date-order) with the right one.")


def _day(days: np.int64) -> str:
    return str(np.datetime64(int(days), "D"))
