"""What the variables of a CF file mean: temperatures, depths, fill values, scales, flags, times."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talik.errors import AmbiguousFile, FileError
from talik.readers.depths import CELSIUS, Unit, heights_turned, unit_of
from talik.readers.netcdf_file import Variable
from talik.readers.numerals import fills_marked
from talik.readers.registry import Head, Options
from talik.readers.zones import Zone, chosen, offset
from talik.records import Flag, Times

TEMPERATURES = (
    "temperature_in_ground",
    "soil_temperature",
    "air_temperature",
    "surface_temperature",
    "temperature_at_top_of_permafrost",
    "snow_temperature",
    "temperature_in_surface_snow",
)
"""CF standard names of what is kept as a column of temperatures."""

BAD_MEANINGS = ("bad", "fail", "wrong", "erroneous", "invalid", "reject", "suspect", "missing")
"""Words in `flag_meanings` that say not to use a value."""

_SECONDS = {
    "microsecond": 1e-6,
    "millisecond": 1e-3,
    "second": 1,
    "sec": 1,
    "s": 1,
    "minute": 60,
    "min": 60,
    "hour": 3600,
    "hr": 3600,
    "h": 3600,
    "day": 86400,
    "d": 86400,
}
_SINCE = re.compile(
    r"(\w+?)s?\s+since\s+(-?\d{1,4}-\d{1,2}-\d{1,2})(?:[T ]+(\d{1,2}(?::\d{1,2}(?::\d{1,2}(?:\.\d+)?)?)?))?\s*(\S.*)?"
)
_WARMEST = 70.0
"""A median [°C] beyond which values without units are not in °C."""

_NO_MEAN = re.compile(
    r"max(?![a-z])|(?<![a-z])t?min(?![a-z])|std|stdev|(?<![a-z])(sd|err(or)?|unc(ert\w*)?)(?![a-z])|anomal|dew|wet_?bulb|(?<![a-z])d_?t$|"
    r"diff|gradient|range|panel|logger|batt|water|snow|sky|brightness",
    re.IGNORECASE,
)
_NO_MEAN_LONG = re.compile(
    r"maximum|minimum|deviation|uncertainty|error|anomaly|dew|wet.?bulb|differen|gradient|panel|logger|battery|water|"
    r"snow|sky|brightness",
    re.IGNORECASE,
)
"""In names and long names of variables in degrees that are no means of air or ground."""

_CALENDARS = ("", "standard", "gregorian", "proleptic_gregorian")


def is_temperature(variable: Variable) -> bool:
    if variable.standard_name:
        return variable.standard_name in TEMPERATURES
    return unit_of(variable.text("units")) is not None and "since" not in variable.text("units")


def is_no_mean(variable: Variable) -> bool:
    """
    Whether its values are extremes, deviations, uncertainties or other things in degrees that are no temperature.

    By the cell methods; where there is no standard name also by name and long name.
    """
    if re.search(r"\b(maximum|minimum|max|min|standard_deviation|variance|range)\b", variable.text("cell_methods")):
        return True
    said = not variable.standard_name
    return said and bool(_NO_MEAN.search(variable.name) or _NO_MEAN_LONG.search(variable.text("long_name")))


def is_depth(variable: Variable) -> bool:
    return (
        variable.text("axis") == "Z"
        or variable.standard_name in ("depth", "height")
        or re.match(r"(soil_?)?(depth|layer|lev(el)?s?$)|height|z$|zsoil", variable.name.lower()) is not None
    ) and metres(variable) is not None


_LENGTHS = {"m": 1.0, "met": 1.0, "cm": 0.01, "centimet": 0.01, "mm": 0.001, "millimet": 0.001}
_LENGTH = re.compile(r"(c|m)?m|((?:centi|milli)?met)(?:er|re)s?")


def metres(variable: Variable) -> float | None:
    """Metres in the unit of a vertical coordinate; None when it has none."""
    match = _LENGTH.fullmatch(variable.text("units").strip().lower())
    return None if match is None else _LENGTHS[match[2] or match[0]]


def upwards(level: Variable, values: NDArray[np.float64]) -> int:
    """1 for depths, -1 for heights: as the attribute `positive` says, else by the standard name, else by the signs."""
    if level.text("positive") in ("up", "down"):
        return -1 if level.text("positive") == "up" else 1
    if level.standard_name == "height":
        return -1
    return heights_turned(values[~np.isnan(values)]) or 1


def temperatures(variable: Variable, head: Head) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
    """
    In °C, with flags: fill values and what is beyond the valid range first, then scale and offset, then the unit.

    Raises
    ------
    AmbiguousFile
        If the variable has no units and its values cannot be °C.
    """
    raw = np.asarray(variable.values(), dtype=np.float64)
    fills = [float(f) for f in _numbers(variable, "_FillValue", "missing_value") if not np.isnan(f)]
    unit: Unit = unit_of(variable.text("units")) or CELSIUS
    if "scale_factor" in variable.attributes or "add_offset" in variable.attributes:
        values, flags = _filled(raw, np.isin(raw, fills) | np.isnan(raw))  # packed numbers mean nothing by themselves
        values, flags = _filled(values, _beyond(variable, raw), flags)
        values = values * float(variable.attributes.get("scale_factor", 1)) + float(
            variable.attributes.get("add_offset", 0)
        )
    else:
        values, flags = fills_marked(raw, fills, celsius=unit is CELSIUS)
        values, flags = _filled(values, _beyond(variable, raw), flags)
    known = values[~np.isnan(values)]
    if not variable.text("units") and known.size and np.median(known) > _WARMEST:
        raise AmbiguousFile(
            f"{head.name}: {variable.name!r} has no units and half of its values are above {np.median(known):.0f}: "
            "not °C. Give it the attribute units"
        )
    return unit.to_celsius(values), flags


def _numbers(variable: Variable, *keys: str) -> list[float]:
    return [float(n) for key in keys if key in variable.attributes for n in np.atleast_1d(variable.attributes[key])]


def _filled(
    values: NDArray[np.float64], missing: NDArray[np.bool_], flags: NDArray[np.uint16] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
    flags = np.zeros(values.shape, np.uint16) if flags is None else flags
    new = missing & ~flags.astype(bool)
    return np.where(missing, np.nan, values), np.where(new, np.uint16(Flag.MISSING), flags)


def _beyond(variable: Variable, raw: NDArray[np.float64]) -> NDArray[np.bool_]:
    """What the file itself calls invalid, by `valid_range`, `valid_min` and `valid_max`."""
    least, most = _numbers(variable, "valid_range") or (-np.inf, np.inf)
    least = max([least, *_numbers(variable, "valid_min")])
    most = min([most, *_numbers(variable, "valid_max")])
    return (raw < least) | (raw > most)


def bad_codes(flag: Variable) -> list[tuple[str, int]]:
    """The codes of a flag variable that say not to use a value: ("flag_values" or "flag_masks", code)."""
    meanings = flag.text("flag_meanings").split()
    bad = [k for k, meaning in enumerate(meanings) if any(word in meaning.lower() for word in BAD_MEANINGS)]
    return [
        (key, int(codes[k]))
        for key in ("flag_values", "flag_masks")
        for codes in [np.atleast_1d(flag.attributes.get(key, []))]
        for k in bad
        if k < len(codes)
    ]


def marked(found: NDArray[Any], codes: list[tuple[str, int]]) -> NDArray[np.uint16]:
    """SOURCE where one of the codes stands."""
    marks = np.zeros(found.shape, np.uint16)
    for key, code in codes:
        hit = found == code if key == "flag_values" else (found.astype(np.int64) & code) != 0
        marks[hit] |= np.uint16(Flag.SOURCE)
    return marks


def utc(time: Variable, raw: NDArray[Any], options: Options, head: Head) -> tuple[Zone, Times, str]:
    """
    Zone, times in UTC and a sentence on them, from values of a variable of time.

    Raises
    ------
    FileError
        If its units or its calendar are not those of measurements, or a value is no number.
    """
    match = _SINCE.fullmatch(time.text("units").strip())
    if not match or match[1].lower() not in _SECONDS:
        raise FileError(
            f"{head.name}: time has the units {time.text('units')!r}; expected such as 'days since 1970-01-01'"
        )
    if time.text("calendar").lower() not in _CALENDARS:
        raise FileError(
            f"{head.name}: time has the calendar {time.text('calendar')!r}; measurements follow the standard one"
        )
    year, month, day = match[2].split("-")
    clock = [*(match[3] or "0").split(":"), "0", "0"]
    start = (
        np.datetime64(f"{int(year):04d}-{int(month):02d}-{int(day):02d}", "us")
        + np.timedelta64(int(clock[0]) * 60 + int(clock[1]), "m")
        + np.timedelta64(round(float(clock[2]) * 1e6), "us")
    )
    micros = _SECONDS[match[1].lower()] * 1e6
    if raw.dtype.kind in "iu":
        steps = raw.astype(np.int64) * round(micros)
    else:
        if not np.isfinite(raw).all():
            raise FileError(f"{head.name}: time holds {int((~np.isfinite(raw)).sum())} values that are no number")
        steps = np.round(raw.astype(np.float64) * micros).astype(np.int64)
        seconds = (steps + 500_000) // 1_000_000 * 1_000_000  # fractions of days miss whole seconds by rounding
        steps = np.where(np.abs(steps - seconds) < 5_000, seconds, steps)
    found = offset(match[4]) if match[4] else 0
    if found is None:
        raise FileError(f"{head.name}: time has the units {time.text('units')!r}; {match[4]!r} is no offset from UTC")
    zone = chosen(options.timezone, found, "header")
    return zone, zone.to_utc(start + steps.astype("m8[us]"), file=head.name), f"dates: {time.text('units')}"
