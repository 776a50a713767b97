"""Times of day as files write them: 14:00:00.0, 02:00:00 PM, 2:00 odp., 上午 2:00, 100 ... 2400, with offsets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talik.readers.zones import offset

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

# before and after noon, without dots and spaces: English, Spanish and Portuguese, Czech and Slovak, German, French,
# Hungarian, Swedish and Danish, Finnish, Bulgarian, Russian, Greek, Turkish, Chinese, Japanese, Korean, Vietnamese
_BEFORE = {
    "am",
    "a",
    "dop",
    "dopoledne",
    "dopol",
    "vorm",
    "vm",
    "matin",
    "de",
    "fm",
    "ap",
    "проб",
    "дп",
    "πμ",
    "öö",
    "上午",
    "午前",
    "오전",
    "sa",
    "ráno",
}
_AFTER = {
    "pm",
    "p",
    "odp",
    "odpoledne",
    "odpol",
    "nachm",
    "nm",
    "soir",
    "du",
    "em",
    "ip",
    "слоб",
    "пп",
    "μμ",
    "ös",
    "下午",
    "午後",
    "오후",
    "ch",
    "večer",
}
_CLOCK = re.compile(
    r"(?P<before>[^\W\d_][^\d:+\-]*)?\s*(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{1,2})"
    r"(?:[:.](?P<second>\d{1,2})(?:[.,](?P<part>\d{1,9}))?)?)?"
    r"\s*(?P<after>[^\W\d_Z+\-][^\d+\-]*?)?\s*(?P<zone>Z|z|UTC|GMT|[+\-\u2212]\d{1,2}(?::?\d{2})?)?"
)
_DIGITS = re.compile(r"\d{1,4}|\d{6}")
_SHARE = re.compile(r"0?[.,](\d+)|[01]")
_SIGNED = re.compile(r"(\d{1,2})[時时](\d{1,2})分(?:(\d{1,2})秒)?")


@dataclass(frozen=True, slots=True)
class Clocks:
    """
    Times of day in microseconds after midnight, the offsets they carry, and the places of those that are none.

    Parameters
    ----------
    micros : int array, shape (n,)
        24:00 is a whole day, so that it becomes 00:00 of the next day.
    offsets : float array, shape (n,)
        Minutes east of Greenwich; NaN where the text has no offset.
    bad : list of int
        Places that hold no time of day.
    """

    micros: NDArray[np.int64]
    offsets: NDArray[np.float64]
    bad: list[int]


def clocks(texts: Sequence[str]) -> Clocks:
    """
    Times of day from (distinct) texts.

    Numbers without a colon are hours when none is above 24, else hours and minutes (100 is 01:00, 2400 the next
    day's 00:00). Numbers from 0 to 1, not all with two decimals (0.30), are shares of the day.

    Examples
    --------
    >>> (clocks(["2:00 PM", "02:00 odp.", "下午 2:00", "14:00:00.0"]).micros / HOUR).tolist()
    [14.0, 14.0, 14.0, 14.0]
    >>> (clocks(["100", "2400"]).micros / HOUR).tolist(), clocks(["25:00", "noon"]).bad
    ([1.0, 24.0], [0, 1])
    >>> (clocks(["0", "0.5", "0.0417"]).micros / HOUR).tolist(), (clocks(["0.30"]).micros / HOUR).tolist()
    ([0.0, 12.0, 1.0], [0.5])
    """
    if (shares := _shares(texts)) is not None:
        return Clocks(shares, np.full(len(texts), np.nan), [])
    micros, offsets, bad = np.zeros(len(texts), np.int64), np.full(len(texts), np.nan), []
    digits = [text.strip() for text in texts if _DIGITS.fullmatch(text.strip())]
    with_minutes = any(int(text) > 24 for text in digits)
    for place, text in enumerate(texts):
        text = _signs_as_colons(text.strip())
        if not text:
            continue
        found = _from_digits(text, with_minutes) if _DIGITS.fullmatch(text) else _from_clock(text)
        if found is None:
            bad.append(place)
        else:
            micros[place], offsets[place] = found
    return Clocks(micros, offsets, bad)


def _shares(texts: Sequence[str]) -> NDArray[np.int64] | None:
    """Times of day that a spreadsheet wrote as shares of the day; None where the texts are no such."""
    found = [_SHARE.fullmatch(text.strip()) for text in texts]
    decimals = {len(match[1]) for match in found if match and match[1]}
    if not all(found) or decimals <= {2}:
        return None
    seconds = np.array([float(text.strip().replace(",", ".")) * 86400 for text in texts])
    minutes = 60 * np.round(seconds / 60)                    # four decimals miss a whole minute by less than 5 s
    return np.round(minutes if (np.abs(minutes - seconds) < 5).all() else seconds).astype(np.int64) * SECOND


def _signs_as_colons(text: str) -> str:
    """
    23時00分00秒 as 23:00:00.

    Examples
    --------
    >>> _signs_as_colons("午後11時00分05秒"), _signs_as_colons("23时00分")
    ('午後11:00:05', '23:00')
    """
    return _SIGNED.sub(lambda found: ":".join(filter(None, found.groups())), text) if "分" in text else text


def _from_digits(text: str, with_minutes: bool) -> tuple[int, float] | None:
    if not with_minutes:
        return int(text) * HOUR, np.nan
    text = text.zfill(6 if len(text) > 4 else 4).ljust(6, "0")
    return _checked(int(text[:2]), int(text[2:4]), int(text[4:]) * SECOND, np.nan)


def _from_clock(text: str) -> tuple[int, float] | None:
    match = _CLOCK.fullmatch(text)
    if not match:
        return None
    hour = int(match["hour"])
    word = (match["before"] or match["after"] or "").lower()
    word = re.sub(r"[.\s\u00a0\u202f]", "", word)
    if word:
        if hour > 12 or hour == 0 or word not in _BEFORE | _AFTER:
            return None
        hour = hour % 12 + 12 * (word in _AFTER)
    part = int(((match["part"] or "") + "000000")[:6])
    zone = offset(match["zone"]) if match["zone"] else None
    if match["zone"] and zone is None:
        return None
    return _checked(
        hour,
        int(match["minute"] or 0),
        int(match["second"] or 0) * SECOND + part,
        np.nan if zone is None else float(zone),
    )


def _checked(hour: int, minute: int, rest: int, zone: float) -> tuple[int, float] | None:
    micros = hour * HOUR + minute * 60 * SECOND + rest
    if minute > 59 or rest > 60 * SECOND or micros > DAY:
        return None
    return micros, zone
