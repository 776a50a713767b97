"""Plainly written rows (ISO stamps, plain decimals, bare words) parsed in one pass over their bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

STAMP, SKIPPED, NUMBER, INTEGER, TEXT = range(5)
"""What a column holds: a stamp, nothing of interest, a decimal number, a whole number, a word."""

Place = Any
"""A place in the text, or a length: an unsigned integer, so that the compiler need not think of negative ones."""

_LINE_END, _QUOTE, _MINUS, _POINT = (np.uint8(ord(mark)) for mark in '\n"-.')
_ZERO = np.uint8(ord("0"))
_DIGITS = 15
"""So many digits over a power of ten are the nearest float64 to the written number (exact over exact, one rounding)."""

_TENS = 10.0 ** np.arange(_DIGITS + 1)
_SIGNED = np.concatenate([_TENS, -_TENS])
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@njit(cache=True, nogil=True)
def parse(text: NDArray[np.uint8], kinds: NDArray[np.int64], separator: int, width: int, mark: int,
          seconds: NDArray[np.int64], numbers: NDArray[np.float64], integers: NDArray[np.int32],
          words: NDArray[np.int64], runs: NDArray[np.int64]) -> Any:
    """
    All rows of a piece of text, or none.

    Parameters
    ----------
    text : ndarray of uint8
        Whole lines; the last byte is a line end.
    kinds : ndarray of int, shape (columns,)
        What each column holds. There is one STAMP.
    separator : int
        The byte between two cells.
    width, mark : int
        Bytes of a stamp (10, 16 or 19: date, minutes, seconds), and the byte between its date and its time.
    seconds : ndarray of int, shape (n,)
        Out: stamps [s since 1970].
    numbers : ndarray of float64, shape (NUMBER columns, n)
        Out: NaN where blank.
    integers : ndarray of int32, shape (INTEGER columns, n)
        Out.
    words : ndarray of int, shape (TEXT columns, most runs, 3)
        Out: first row of each run of one and the same word, and its begin and end in `text`.
    runs : ndarray of int, shape (TEXT columns,)
        Out: number of runs.

    Returns
    -------
    int
        Rows; -1 where a cell is written in any other way: then somebody else has to understand it.
    """
    end, one, columns = uint64(text.size), uint64(1), uint64(kinds.size)
    i, row = uint64(0), uint64(0)
    dated, day = uint64(0), np.int64(0)
    while i < end:
        number, integer, word = uint64(0), uint64(0), uint64(0)
        for column in range(columns):
            kind = kinds[column]
            if kind in (NUMBER, INTEGER):
                negative = text[i] == _MINUS
                i += uint64(negative)
                start, value, places = i, uint64(0), uint64(0)
                digit = np.uint8(text[i] - _ZERO)
                while digit <= 9:
                    value = value * uint64(10) + uint64(digit)
                    i += one
                    digit = np.uint8(text[i] - _ZERO)
                length = i - start
                if kind == NUMBER:
                    if text[i] == _POINT:
                        i += one
                        point = i
                        digit = np.uint8(text[i] - _ZERO)
                        while digit <= 9:
                            value = value * uint64(10) + uint64(digit)
                            i += one
                            digit = np.uint8(text[i] - _ZERO)
                        places = i - point
                        length += places
                    if length - one < uint64(_DIGITS):      # no digit at all is a great many: one less than nothing
                        over = _SIGNED[places + uint64(_DIGITS + 1) * uint64(negative)]
                        numbers[number, row] = np.float64(np.int64(value)) / over
                    elif i == start and not negative:
                        numbers[number, row] = np.nan
                    else:
                        return -1
                    number += one
                else:
                    if not 0 < length < 10:
                        return -1
                    integers[integer, row] = -np.int64(value) if negative else np.int64(value)
                    integer += one
            elif kind == STAMP:
                if i + uint64(width) >= end:
                    return -1
                if row == 0 or not _same(text, i, dated, uint64(10)):
                    day = _day(text, i)
                    dated = i
                clock = _clock(text, i + uint64(10), width - 10, mark)
                if day == _NO_DAY or clock < 0:
                    return -1
                seconds[row] = day * 86400 + clock
                i += uint64(width)
            else:
                start = i
                while text[i] != separator and text[i] != _LINE_END:
                    if text[i] == _QUOTE:
                        return -1
                    i += one
                if kind == TEXT:
                    last = runs[word] - 1
                    if last < 0 or uint64(words[word, last, 2] - words[word, last, 1]) != i - start or not _same(
                            text, start, uint64(words[word, last, 1]), i - start):
                        last += 1
                        if last == words.shape[1]:
                            return -1
                        words[word, last, 0], words[word, last, 1], words[word, last, 2] = row, start, i
                        runs[word] = last + 1
                    word += one
            if text[i] != (_LINE_END if column + one == columns else separator):
                return -1
            i += one
        row += one
    return np.int64(row)


@njit(cache=True, nogil=True)
def line_ends(text: NDArray[np.uint8]) -> Any:
    """How many lines end in a text of less than 4 GB."""
    count = np.uint32(0)                                        # half the width of an int: twice as many at a time
    for k in range(text.size):
        count = np.uint32(count + np.uint32(text[k] == _LINE_END))
    return count


_NO_DAY = -(1 << 40)


@njit(cache=True, nogil=True, inline="always")
def _same(text: NDArray[np.uint8], i: Place, j: Place, length: Place) -> bool:
    for k in range(length):  # noqa: SIM110 - numba knows no generators
        if text[i + k] != text[j + k]:
            return False
    return True


@njit(cache=True, nogil=True, inline="always")
def _two(text: NDArray[np.uint8], i: Place) -> Any:
    """A whole number of two digits; 100 when one is no digit."""
    ten, one = np.uint8(text[i] - _ZERO), np.uint8(text[i + uint64(1)] - _ZERO)
    return np.int64(ten) * 10 + np.int64(one) if ten <= 9 and one <= 9 else np.int64(100)


@njit(cache=True, nogil=True)
def _day(text: NDArray[np.uint8], i: Place) -> Any:
    """Days since 1970-01-01 of a date that exists."""
    if text[i + uint64(4)] != _MINUS or text[i + uint64(7)] != _MINUS:
        return _NO_DAY
    century, year = _two(text, i), _two(text, i + uint64(2))
    month, day = _two(text, i + uint64(5)), _two(text, i + uint64(8))
    if century > 99 or year > 99 or century + year == 0 or month < 1 or month > 12:
        return _NO_DAY
    year += century * 100
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day < 1 or day > _MONTH_DAYS[month - 1] + (1 if leap and month == 2 else 0):
        return _NO_DAY
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 - 719162
    for m in range(month - 1):
        days += _MONTH_DAYS[m]
    return days + (1 if leap and month > 2 else 0) + day - 1


@njit(cache=True, nogil=True)
def _clock(text: NDArray[np.uint8], i: Place, width: int, mark: int) -> Any:
    """Seconds of the day; -1 when it is none."""
    if width == 0:
        return 0
    colon = np.uint8(58)
    if text[i] != mark or text[i + uint64(3)] != colon or (width == 9 and text[i + uint64(6)] != colon):
        return -1
    hour, minute = _two(text, i + uint64(1)), _two(text, i + uint64(4))
    second = _two(text, i + uint64(7)) if width == 9 else 0
    if hour > 23 or minute > 59 or second > 59:
        return -1
    return hour * 3600 + minute * 60 + second
