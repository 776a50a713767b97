"""The order of day, month and year: the one whose dates exist, rise, and follow one another regularly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import AmbiguousFile, FileError
from talik.readers.clock import DAY
from talik.readers.numerals import Lines, line_of

ORDERS = ("YMD", "MDY", "DMY")
_SPELLED = {"YMD": "year-month-day", "MDY": "month-day-year", "DMY": "day-month-year"}
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januar janvier ene gen янв led sty",
            "feb februar fév fev févr февр фев úno lut",
            "mar march märz mär mrz mars mrt мар bře",
            "apr april avr abr апр dub kwi",
            "may mai mayo mag mei май мая kvě maj",
            "jun june juni juin giu июн čvn cze",
            "jul july juli juil lug июл čvc lip",
            "aug august août aoû aou ago авг srp sie",
            "sep sept september set сен сент zář wrz",
            "oct okt october oktober ott out окт říj paź",
            "nov november ноя lis marras",
            "dec dez des december dezember déc dic дек pro gru",
        ),
        1,
    )
    for name in names.split()
}
_FIELD = r"(\d{1,4}|[^\W\d_]{3,9}\.?)"
_DATE = re.compile(rf"{_FIELD}([-/.\s]\s?|)\s*(?:(?<=\D){_FIELD})\2{_FIELD}|(\d{{4}})(\d{{2}})(\d{{2}})")
_ENOUGH = 0.9
"""Share of date changes that must continue the step before an order counts as proved."""

_ROWS_OF_A_DAY = 6
"""Equal steps within a day that make a step over midnight a proof."""


@dataclass(frozen=True, slots=True)
class Where:
    """File and lines, to say where a stamp stands that cannot be one."""

    file: str
    lines: Lines

    def line(self, row: int) -> int:
        return line_of(self.lines, row)

    def refuse(self, codes: NDArray[np.integer], bad: Sequence[int], texts: Sequence[str], fault: str) -> None:
        rows = np.flatnonzero(np.isin(codes, bad))
        text = texts[int(codes[rows[0]])]
        more = f" ({rows.size} such lines)" if rows.size > 1 else ""
        raise FileError(f"{self.file}, line {self.line(int(rows[0]))}: {text!r} {fault}{more}")


@dataclass(frozen=True, slots=True)
class Candidate:
    order: str
    days: NDArray[np.int64]  # of each distinct date, since 1970-01-01
    bad: NDArray[np.bool_]  # distinct dates that do not exist
    misses: int  # date changes that do not continue the step
    changes: int


@dataclass(frozen=True, slots=True)
class Fields:
    """The three fields of the distinct dates: their numbers, their widths in the file, and where months are named."""

    numbers: NDArray[np.int64]
    widths: NDArray[np.int64]
    named: frozenset[int]


def fields_of(texts: list[str], codes: NDArray[np.integer], where: Where) -> Fields:
    mark = re.fullmatch(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}", texts[0].strip())
    if mark:  # the quick way, when all are digits with the same marks
        parts = pl.Series(texts).str.strip_chars().str.split_exact(mark[1], 3).struct.unnest()
        numbers = parts.select(pl.nth(0, 1, 2).cast(pl.Int64, strict=False))
        if not sum(numbers.null_count().row(0)) and parts.to_series(3).null_count() == len(parts):
            return Fields(
                numbers.to_numpy(),
                parts.select(pl.nth(0, 1, 2).str.len_bytes()).to_numpy().astype(np.int64),
                frozenset(),
            )
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
    return Fields(
        numbers3,
        np.array([[len(part) if part.isdigit() else 0 for part in row] for row in found], np.int64),
        frozenset(place for row in found for place, part in enumerate(row) if not part.isdigit()),
    )


def _month(name: str) -> int:
    key = name.lower().rstrip(".")
    return _MONTHS.get(key) or _MONTHS.get(key[:6]) or _MONTHS.get(key[:3], -1)  # marraskuuta is no March


def usual_order(order: str, text: str) -> str | None:
    """
    The order in which a format writes its dates, when this date is written so; None when a program has rewritten it.

    Examples
    --------
    >>> usual_order("DMY", "30.04.2015 15:36"), usual_order("YMD", "2020/01/31"), usual_order("YMD", "1/31/20")
    ('DMY', 'YMD', None)
    """
    shape = {"YMD": r"\s*\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b.*", "DMY": r"\s*\d{1,2}\.\d{1,2}\.\d{4}\b.*"}[order]
    return order if re.fullmatch(shape, text) else None


def chosen_order(
    fields: Fields,
    texts: list[str],
    codes: NDArray[np.integer],
    micros: NDArray[np.int64],
    date_order: str | None,
    where: Where,
) -> tuple[Candidate, str]:
    orders = (date_order,) if date_order else _possible(fields)
    sequence = codes[np.r_[True, codes[1:] != codes[:-1]]]
    daily = len(codes) < 1.5 * len(sequence)
    candidates = [_candidate(order, fields, sequence, daily) for order in orders]
    whole = [c for c in candidates if not c.bad.any()]
    best = min(candidates, key=lambda c: (c.misses + int(c.bad.sum()) * max(1, len(sequence) // 100), c.bad.sum()))
    if best.bad.any():
        where.refuse(
            codes, np.flatnonzero(best.bad).tolist(), texts, f"is not a date that exists ({_SPELLED[best.order]})"
        )
    if date_order:
        return best, f"dates: {_SPELLED[best.order]} (as asked)"
    if len(orders) == 1:
        return best, f"dates: {_SPELLED[best.order]} (the only order in which it can be written so)"
    if len(whole) == 1:
        return best, f"dates: {_SPELLED[best.order]} (the only order in which every date exists)"
    rivals = [c for c in candidates if c is not best]
    if (
        best.changes
        and best.misses <= (1 - _ENOUGH) * best.changes
        and all(c.bad.any() or c.misses >= max(5 * best.misses, 2) for c in rivals)
    ):
        others = ", ".join(
            f"as {_SPELLED[c.order]} " + ("impossible" if c.bad.any() else f"{c.changes - c.misses}") for c in rivals
        )
        return best, (
            f"dates: {_SPELLED[best.order]}, proved by {best.changes - best.misses} of {best.changes} "
            f"regular steps ({others})"
        )
    going_on = [c for c in whole if _goes_on(c, codes, micros)]
    if len(going_on) == 1:
        best = going_on[0]
        return best, f"dates: {_SPELLED[best.order]}, in which alone the stamps go on with one step over midnight"
    raise _ambiguous(whole, where)


def _goes_on(candidate: Candidate, codes: NDArray[np.integer], micros: NDArray[np.int64]) -> bool:
    """Whether stamps rise, and somewhere go over midnight by the step that the stamps of a day have."""
    days = candidate.days[codes]
    steps, changes = np.diff(days * DAY + micros), np.diff(days) != 0
    within, counts = np.unique(steps[~changes], return_counts=True)
    if not changes.any() or not counts.size or counts.max() < _ROWS_OF_A_DAY or (steps < 0).any():
        return False
    return bool((steps[changes] == within[counts.argmax()]).any())


def _possible(fields: Fields) -> tuple[str, ...]:
    """The orders that the widths of the fields and the named months leave open."""
    orders = [order for order in ORDERS if all(order[place] == "M" for place in fields.named)]
    for place in (0, 2):
        if (fields.widths[:, place] == 4).all():
            orders = [order for order in orders if order[place] == "Y"]
    return tuple(orders) or ORDERS


def _candidate(order: str, fields: Fields, sequence: NDArray[np.integer], daily: bool) -> Candidate:
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
    if daily and steps.size:  # weekly, monthly ... series: the modal step, in days or months
        monthly = np.diff(months)
        misses = min(misses, _off_mode(steps), _off_mode(monthly) if (monthly % 32 == 0).all() else misses)
    return Candidate(order, date.astype(np.int64), bad, misses, steps.size)


def _off_mode(steps: NDArray[np.int64]) -> int:
    values, counts = np.unique(steps[steps > 0], return_counts=True)
    return int(steps.size - counts.max()) if values.size else steps.size


def _ambiguous(candidates: list[Candidate], where: Where) -> AmbiguousFile:
    shown = "; ".join(
        f"{c.order}: {_day(c.days.min())} to {_day(c.days.max())}, {c.changes - c.misses} of {c.changes} steps regular"
        for c in candidates
    )
    return AmbiguousFile(
        f"{where.file}: the order of the dates is not proved by constant steps and rising stamps. "
        f"Candidates: {shown}. Pass date_order= (--date-order) with the right one."
    )


def _day(days: np.int64) -> str:
    return str(np.datetime64(int(days), "D"))
