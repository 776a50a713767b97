"""Time zones as files write them: offsets with quarter hours, names, and what to do when none is said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from talik.errors import AmbiguousFile, FileError, UsageError
from talik.records import Times

_OFFSET = re.compile(
    r"(?:UTC|GMT|Z)?\s*([+\-\u2212])\s*(\d{1,2})(?::?([0-5]\d))?(?::00)?\s*(?:hours?|hrs?|h)?", re.IGNORECASE
)
_UNIVERSAL = {"z", "utc", "gmt", "ut", "utc0", "gmt0"}
# the fixed abbreviations of the North American and Russian networks' headers
_ABBREVIATED = {
    "akst": -540,
    "akdt": -480,
    "pst": -480,
    "pdt": -420,
    "mst": -420,
    "mdt": -360,
    "cst": -360,
    "cdt": -300,
    "est": -300,
    "edt": -240,
    "ast": -240,
    "nst": -210,
    "hst": -600,
    "adt": -180,
    "ndt": -150,
    "wet": 0,
    "west": 60,
    "cet": 60,
    "cest": 120,
    "eet": 120,
    "eest": 180,
    "msk": 180,
    "jst": 540,
    "nzst": 720,
    "nzdt": 780,
}
_BOTH_SEASONS = {
    "AKST/AKDT": "America/Anchorage",
    "PST/PDT": "America/Los_Angeles",
    "MST/MDT": "America/Denver",
    "CST/CDT": "America/Chicago",
    "EST/EDT": "America/New_York",
    "AST/ADT": "America/Halifax",
    "NST/NDT": "America/St_Johns",
    "CET/CEST": "Europe/Berlin",
    "EET/EEST": "Europe/Helsinki",
    "NZST/NZDT": "Pacific/Auckland",
}
_OF_SEVERAL = {"cst": "North America or China", "ast": "Alaska, Atlantic or Arabia", "ist": "India, Ireland or Israel"}
_SEVERAL = re.compile(rf"[(\[ _,]({'|'.join(_OF_SEVERAL)})(?![a-z])", re.IGNORECASE)
_NORWEGIAN = re.compile(r"norsk normaltid|norwegian (?:mean|normal) time", re.IGNORECASE)
_IN_BRACKETS = re.compile(
    r"\(\s*([A-Z]{2,5}(?:/[A-Z]{2,5})?)\s*\)|[,(]\s*([A-Z]{3,5})(?: (?:Standard|Daylight) Time)?\s*\)?$"
)


@dataclass(frozen=True, slots=True)
class Zone:
    """
    A time zone: `minutes` east of Greenwich, or the name of a zone with summer time; and where it was found.

    Parameters
    ----------
    label : str
        As it is kept in `Source.time_zone`.
    minutes : int or None
        Fixed offset [min]; None for a named zone.
    found_in : str
        "argument", "header", "metadata", "format" or "assumed".
    """

    label: str
    minutes: int | None
    found_in: str

    @property
    def understood(self) -> str:
        """One sentence for `Source.understood`."""
        if self.found_in == "assumed":
            return "time zone: the file names none; taken as UTC (say otherwise with timezone=...)"
        return f"time zone: {self.label} (from the {self.found_in})"

    def to_utc(self, times: Times, *, file: str = "") -> Times:
        """
        Stamps of this zone as UTC.

        Raises
        ------
        FileError
            If a stamp falls in the hour that summer time repeats or leaves out: it has two meanings or none.

        Examples
        --------
        >>> zone("UTC+05:45", "header").to_utc(np.array(["2020-01-01T05:45"], "M8[us]"))
        array(['2020-01-01T00:00:00.000000'], dtype='datetime64[us]')
        """
        if self.minutes is not None:
            return times - np.timedelta64(self.minutes * 60_000_000, "us") if self.minutes else times
        import polars as pl

        local = pl.Series(times.astype("M8[us]"))
        aware = local.dt.replace_time_zone(self.label, ambiguous="null", non_existent="null")
        lost = (aware.is_null() & local.is_not_null()).arg_true()
        if len(lost):
            raise FileError(
                f"{file}: {len(lost)} stamp{'s' * (len(lost) != 1)} (first: {local[int(lost[0])]}) fall into the "
                f"hour that summer time repeats or leaves out in {self.label}. Loggers mostly keep "
                "standard time: pass timezone= as an offset such as '-07:00'."
            )
        return aware.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy().astype("M8[us]")


ASSUMED = Zone("UTC", 0, "assumed")


def carried(offsets: Sequence[int]) -> tuple[Zone, str]:
    """
    The clock of stamps that carry their own offsets [min, ascending], by which days are cut, and a sentence on it.

    Of two offsets an hour apart, summer time and winter time, it is the winter's.

    Examples
    --------
    >>> [carried(offsets)[0].label for offsets in ([540], [-420, -360], [0, 120], [])]
    ['UTC+09:00', 'UTC-07:00', 'UTC', 'UTC']
    >>> print(carried([0, 120])[1])
    time zone: every stamp carries its offset from UTC, from UTC to UTC+02:00; days are those of UTC
    """
    words = "time zone: every stamp carries its offset from UTC"
    summer = len(offsets) == 2 and offsets[1] - offsets[0] == 60
    minutes = offsets[0] if len(offsets) == 1 or summer else 0
    if len(offsets) > 1:
        words += f", from {offset_label(offsets[0])} to {offset_label(offsets[-1])}"
    if minutes or len(offsets) > 1:
        words += f"; days are those of {offset_label(minutes)}{', winter time' if summer else ''}"
    return Zone(offset_label(minutes), minutes, "header"), words


def zone(text: str, found_in: str) -> Zone:
    """
    The time zone a text names.

    Raises
    ------
    UsageError
        If it is neither an offset nor a known name.

    Examples
    --------
    >>> zone("GMT-07:00", "header").minutes, zone("+0545", "header").label, zone("UTC", "header").minutes
    (-420, 'UTC+05:45', 0)
    >>> zone("America/Yellowknife", "argument").minutes is None
    True
    """
    found = offset(text)
    if found is not None:
        return Zone(offset_label(found), found, found_in)
    try:
        ZoneInfo(text.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"time zone {text!r} is not known. Write an offset ('+03:00', 'UTC-7') or a name ('America/Yellowknife')."
        ) from None
    return Zone(text.strip(), None, found_in)


def offset(text: str) -> int | None:
    """
    Minutes east of Greenwich of an offset, or None when the text is not one.

    Examples
    --------
    >>> offset("-7"), offset("UTC+3:30"), offset("GMT"), offset("MST"), offset("Local")
    (-420, 210, 0, -420, None)
    """
    text = text.strip().strip("()")
    if text.lower() in _UNIVERSAL:
        return 0
    if text.lower() in _ABBREVIATED:
        return _ABBREVIATED[text.lower()]
    match = _OFFSET.fullmatch(text)
    if not match:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return None if minutes > 14 * 60 else (minutes if match[1] == "+" else -minutes)


def offset_in(text: str) -> int | None:
    """
    The offset named inside a longer text, such as a column's name: "Date Time, GMT-07:00".

    Examples
    --------
    >>> offset_in("Date Time, GMT-07:00"), offset_in("TIMESTAMP (UTC+5:45)"), offset_in("utc_time"), offset_in("Time")
    (-420, 345, 0, None)
    """
    if "taken_as_utc" in text:  # the name that talik's csv gives to stamps without a zone
        return None
    match = re.search(r"(?:UTC|GMT)\s*[+\-\u2212]\s*\d{1,2}(?::?[0-5]\d)?", text, re.IGNORECASE)
    if match:
        return offset(match[0])
    if _NORWEGIAN.search(text):
        return 60
    return 0 if re.search(r"(?<![A-Za-z])(?:UTC|GMT)(?![A-Za-z])", text, re.IGNORECASE) else None


def refuse_several(titles: Sequence[str], file: str) -> None:
    """
    Refuse titles of stamps that name a zone by letters which stand for several.

    Examples
    --------
    >>> refuse_several(["Hour (AST)"], "a.csv")
    Traceback (most recent call last):
    ...
    talik.errors.AmbiguousFile: a.csv: the stamps are in 'AST' (Alaska, Atlantic or Arabia?): say which with ...
    """
    for title in titles:
        if found := _SEVERAL.search(title):
            raise AmbiguousFile(_asked(file, found[1], _OF_SEVERAL[found[1].lower()]))


def _asked(file: str, word: str, which: str) -> str:
    return (
        f"{file}: the stamps are in {word!r} ({which}?): say which with timezone= (--timezone), "
        "such as '-06:00' or a name ('America/Winnipeg')"
    )


def named_in(text: str, *, file: str) -> int | str | None:
    """
    The zone in the title of a column of stamps: minutes, the name of a zone with summer time, or None.

    Raises
    ------
    AmbiguousFile
        If the title names a zone by an abbreviation that is not known, or stands for several zones.

    Examples
    --------
    >>> [named_in(f"Date-Time ({zone})", file="") for zone in ("PDT", "EST/EDT", "UTC Standard Time", "GMT+01:00")]
    [-420, 'America/New_York', 0, 60]
    >>> named_in("Date-Time (IST)", file="a.csv")
    Traceback (most recent call last):
    ...
    talik.errors.AmbiguousFile: a.csv: the stamps are in 'IST' (India, Ireland or Israel?): say which with ...
    """
    found = offset_in(text)
    match = _IN_BRACKETS.search(text)
    if found is not None or match is None:
        return found
    word = match[1] or match[2]
    known = _BOTH_SEASONS.get(word) or _ABBREVIATED.get(word.lower())
    if known is None or word.lower() in _OF_SEVERAL:
        which = _OF_SEVERAL.get(word.lower(), "an abbreviation that is not known here")
        raise AmbiguousFile(_asked(file, word, which))
    return known


def offset_label(minutes: int) -> str:
    """
    An offset as it is kept: "UTC-07:00", and "UTC" for zero.

    Examples
    --------
    >>> offset_label(-210), offset_label(0)
    ('UTC-03:30', 'UTC')
    """
    if not minutes:
        return "UTC"
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def chosen(argument: str | None, found: int | str | None = None, found_in: str = "header") -> Zone:
    """The zone of a file: the caller's word first, then what the file says (minutes or text), else UTC, assumed."""
    if argument:
        return zone(argument, "argument")
    if isinstance(found, str):
        return zone(found, found_in)
    if found is not None:
        return Zone(offset_label(found), found, found_in)
    return ASSUMED


def contradiction(zone: Zone, longitude: object) -> str:
    """A sentence when an offset stands on the other side of Greenwich than the site, else an empty text."""
    if not isinstance(longitude, (int, float)) or zone.minutes is None or abs(longitude) < 7.5:
        return ""
    if zone.minutes * longitude >= 0:
        return ""
    return (
        f"time zone: {zone.label} contradicts the longitude {longitude:g}; kept as written "
        "(say otherwise with timezone=...)"
    )
