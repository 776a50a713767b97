"""What the lines above a table say: the place, the site, the time zone; where the file itself begins under them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from talik.readers.zones import Zone, chosen, offset, offset_in

_PLACES = {
    "latitude": re.compile(r"(site|station)?[ _]*(lat|latitude)[ _]*(\(.*|dd|decimal.*)?", re.IGNORECASE),
    "longitude": re.compile(r"(site|station)?[ _]*(lon|long|longitude)[ _]*(\(.*|dd|decimal.*)?", re.IGNORECASE),
    "elevation_m": re.compile(r"(elev|elevation|altitude)[ _]*(\(m.*|m|masl)?", re.IGNORECASE),
    "site": re.compile(r"(site|station|borehole|plot)([ _]*(name|id|code))?", re.IGNORECASE),
}
_MOST_ABOVE = 10
"""Lines that a person puts above a logger's file: a title, a comment, blanks."""

_MOST = {"latitude": 90.0, "longitude": 360.0, "elevation_m": 9000.0}
_ZONE = re.compile(r"time ?_?-?zone|tz|utc[ _]?offset|gmt[ _]?offset", re.IGNORECASE)
_SIGNED = re.compile(r"(UTC|GMT)\s*[+\-\u2212]\s*\d", re.IGNORECASE)
_FILL = re.compile(r"(missing|no[ _]?data|fill|null)([ _]?(values?|data|code|flag))?s?", re.IGNORECASE)
_FOREIGN = re.compile(r"fahrenheit|kelvin|\bdeg(?:rees?)?[ _.]*[FK]\b|°\s*[FK]\b", re.IGNORECASE)
_EVENT = re.compile(r"(LATITUDE|LONGITUDE|ELEVATION):? *(-?\d+(?:\.\d+)?)")
"""How PANGAEA writes the place of an event."""


def beginning(lines: Sequence[str], pattern: re.Pattern[str]) -> int | None:
    """
    Place of the line with which a logger's file begins, under what somebody put above it; None when it is not there.

    Examples
    --------
    >>> beginning(["Data from Ridge", "", "TOA5,Ridge,CR1000"], re.compile("TOA5")), beginning([], re.compile("TOA5"))
    (2, None)
    """
    return next((place for place, line in enumerate(lines[:_MOST_ABOVE]) if pattern.match(line.strip())), None)


def metadata(comments: Mapping[str, str]) -> dict[str, Any]:
    """
    The comments above a table, with places as numbers under the names used everywhere.

    Examples
    --------
    >>> metadata({"Station Name": "Barrow", "Latitude (deg N)": "71.3", "Made by": "N. N."})
    {'Station Name': 'Barrow', 'site': 'Barrow', 'Latitude (deg N)': '71.3', 'latitude': 71.3, 'Made by': 'N. N.'}
    """
    found: dict[str, Any] = {}
    for key, text in comments.items():
        found[key] = _number(text) if key in _PLACES else text
        number = _number(text)
        for name, pattern in _PLACES.items():
            if pattern.fullmatch(key) and (
                name == "site" or (isinstance(number, float) and abs(number) <= _MOST[name])
            ):
                found.setdefault(name, text if name == "site" else number)
        if key.lower().startswith("event"):
            places = dict(_EVENT.findall(text))
            found |= {name.lower(): float(places[name]) for name in ("LATITUDE", "LONGITUDE") if name in places}
    return found


def place_in(frame: pl.DataFrame, columns: Sequence[str]) -> dict[str, float]:
    """Latitude, longitude and elevation from columns that hold one number throughout."""
    found = {}
    for column in columns:
        for name, most in _MOST.items():
            if _PLACES[name].fullmatch(column.strip()) and frame[column].drop_nulls().n_unique() == 1:
                value = float(frame[column].drop_nulls()[0])
                if abs(value) <= most:
                    found[name] = value
    return found


def fills(comments: Mapping[str, str]) -> tuple[float, ...]:
    """
    The numbers that the comments declare to be no values.

    Examples
    --------
    >>> fills({"Missing value": "-77.7", "Site": "-1"})
    (-77.7,)
    """
    return tuple(
        number for key, text in comments.items() if _FILL.fullmatch(key) and isinstance(number := _number(text), float)
    )


def foreign_unit(lines: Sequence[str]) -> str:
    """
    The line above a table that speaks of °F or K; "" when none does.

    Examples
    --------
    >>> foreign_unit(["# Barrow", "# Temperatures in degrees F"]), foreign_unit(["# K. Smith, 2010"])
    ('# Temperatures in degrees F', '')
    """
    return next((line.strip() for line in lines if _FOREIGN.search(line)), "")


def time_zone(said: str | None, columns: Sequence[str], comments: Mapping[str, str], lines: Sequence[str] = ()) -> Zone:
    """
    The zone of a table's stamps: the caller's word, what the column's name says, what the lines above say, else UTC.

    An offset within a sentence ("local standard time, UTC-9") counts when it is the only one.

    Examples
    --------
    >>> time_zone(None, ("Date Time (AKST)",), {}).minutes, time_zone(None, ("Date",), {"Timezone": "UTC-7"}).minutes
    (-540, -420)
    """
    for column in filter(None, columns):
        found = offset_in(column)
        if found is None and (inside := re.search(r"[(\[, _]([A-Z]{2,5})[)\]]?$", column)):
            found = offset(inside[1])
        if found is not None:
            return chosen(said, found)
    for key, text in comments.items():
        if _ZONE.fullmatch(key.strip()):
            found = offset(text.strip()) if offset(text.strip()) is not None else offset_in(text)
            if found is None and re.fullmatch(r"[+-]?\d{1,2}(\.0)?", text.strip()):
                found = round(60 * float(text))
            if found is not None or "/" in text:
                return chosen(said, text.strip() if found is None else found)
    told = {offset_in(line) for line in lines if _SIGNED.search(line)}
    return chosen(said, told.pop() if len(told) == 1 else None)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
