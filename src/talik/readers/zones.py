"""Time zones as files write them: offsets with quarter hours, names, and what to do when none is said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from talik.errors import FileError, UsageError
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
    "cet": 60,
    "cest": 120,
    "eet": 120,
    "msk": 180,
}


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
    match = re.search(r"(?:UTC|GMT)\s*[+\-\u2212]\s*\d{1,2}(?::?[0-5]\d)?", text, re.IGNORECASE)
    if match:
        return offset(match[0])
    return 0 if re.search(r"(?<![A-Za-z])(?:UTC|GMT)(?![A-Za-z])", text, re.IGNORECASE) else None


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
