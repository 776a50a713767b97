"""CF netCDF: temperatures against time and depth, one station or many; what `tsp` and `pfit` write; classic netCDF."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.depths import CELSIUS, Unit, unit_of
from talik.readers.netcdf_file import Content, Variable, is_netcdf, opened
from talik.readers.numerals import fills_marked
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.zones import Zone, chosen, offset
from talik.records import Flag, Record, Source, Times

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
_CALENDARS = ("", "standard", "gregorian", "proleptic_gregorian")


def _claims(head: Head) -> int:
    return CERTAIN * is_netcdf(head.content)


def _read(head: Head, options: Options) -> list[Record]:
    with opened(head.path) as content:
        time = _only(
            content,
            "time",
            lambda v: v.text("axis") == "T" or v.standard_name == "time" or " since " in v.text("units"),
            head,
        )
        clock = time.dimensions[0] if len(time.dimensions) == 1 else ""
        if not clock:
            raise FileError(
                f"{head.name}: the time variable {time.name!r} has dimensions {time.dimensions}; only one is read "
                "(ragged arrays are not)"
            )
        warm = [v for v in content.variables.values() if clock in v.dimensions and _is_temperature(v)]
        if not warm:
            raise FileError(
                f"{head.name}: no variable along {clock!r} has a standard name such as {TEMPERATURES[0]} "
                f"or a temperature unit; variables: {', '.join(content.variables)}"
            )
        zone, times, how = _times(time, options, head)
        stations = sorted(
            {d for v in warm for d in v.dimensions if d != clock and d != _depth_dimension(content, v, clock)}
        )
        if len(stations) > 1:
            raise FileError(
                f"{head.name}: temperatures have the dimensions {', '.join(stations)} besides time and depth; "
                "expected stations at most"
            )
        station = stations[0] if stations else ""
        size = next(v.shape[v.dimensions.index(station)] for v in warm if station in v.dimensions) if station else 1
        loaded = {v.name: _values(v) for v in warm}
        return [_record(head, content, warm, loaded, station, number, times, zone, how) for number in range(size)]


def _only(content: Content, what: str, wanted: Any, head: Head) -> Variable:
    found = [v for v in content.variables.values() if wanted(v)]
    found = [v for v in found if v.name in v.dimensions] or found
    if len(found) != 1:
        raise FileError(
            f"{head.name}: {len(found)} variables could be the {what} ({', '.join(v.name for v in found) or 'none'}), "
            "expected one"
        )
    return found[0]


def _is_temperature(variable: Variable) -> bool:
    if variable.standard_name:
        return variable.standard_name in TEMPERATURES
    return unit_of(variable.text("units")) is not None and "since" not in variable.text("units")


def _is_depth(variable: Variable) -> bool:
    return (
        variable.text("axis") == "Z"
        or variable.standard_name in ("depth", "height")
        or re.match(r"(soil_?)?depth|height", variable.name.lower()) is not None
    ) and variable.text("units") in _LENGTHS


_LENGTHS = {"m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0, "cm": 0.01, "mm": 0.001}


def _depth_of(content: Content, variable: Variable, clock: str) -> Variable | None:
    """The depths (or height) of a temperature: along one of its dimensions, or a scalar that it names."""
    levels = [v for v in content.variables.values() if _is_depth(v) and clock not in v.dimensions]
    along = [v for v in levels if v.dimensions and set(v.dimensions) <= set(variable.dimensions)]
    named = [v for v in levels if not v.dimensions and v.name in variable.text("coordinates").split()]
    return next(iter(along or named), None)


def _depth_dimension(content: Content, variable: Variable, clock: str) -> str:
    depth = _depth_of(content, variable, clock)
    return depth.dimensions[-1] if depth is not None and depth.dimensions else ""


def _depths(content: Content, variable: Variable, clock: str, station: str, number: int) -> NDArray[np.float64]:
    depth = _depth_of(content, variable, clock)
    if depth is None:
        return np.array([np.nan])
    values = np.asarray(depth.values(), dtype=np.float64)
    if station and station in depth.dimensions:
        values = np.take(values, number, axis=depth.dimensions.index(station))
    up = depth.text("positive") == "up" or (depth.standard_name == "height" and depth.text("positive") != "down")
    return np.round(np.atleast_1d(values) * _LENGTHS[depth.text("units")], 6) * (-1 if up else 1) + 0.0


def _values(variable: Variable) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
    """In °C, with flags: fill values first, then scale and offset, then the unit."""
    raw = np.asarray(variable.values(), dtype=np.float64)
    fills = [
        float(f)
        for key in ("_FillValue", "missing_value")
        if key in variable.attributes
        for f in np.atleast_1d(variable.attributes[key])
    ]
    unit: Unit = unit_of(variable.text("units")) or CELSIUS
    scaled = "scale_factor" in variable.attributes or "add_offset" in variable.attributes
    values, flags = fills_marked(raw, [f for f in fills if not np.isnan(f)], celsius=unit is CELSIUS and not scaled)
    if scaled:
        values = values * float(variable.attributes.get("scale_factor", 1)) + float(
            variable.attributes.get("add_offset", 0)
        )
    return unit.to_celsius(values), flags


def _times(time: Variable, options: Options, head: Head) -> tuple[Zone, Times, str]:
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
    raw = np.asarray(time.values())
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


def _record(
    head: Head,
    content: Content,
    warm: list[Variable],
    loaded: dict[str, tuple[NDArray[np.float64], NDArray[np.uint16]]],
    station: str,
    number: int,
    times: Times,
    zone: Zone,
    how: str,
) -> Record:
    clock = next(
        v.dimensions[0]
        for v in content.variables.values()
        if v.text("axis") == "T" or v.standard_name == "time" or " since " in v.text("units")
    )
    parts, marks, depths, labels = [], [], [], []
    for variable in warm:
        levels = _depths(content, variable, clock, station, number)
        shape = (times.size, levels.size)
        values, flags = (
            _placed(array, variable, clock, station, number).reshape(shape) for array in loaded[variable.name]
        )
        parts.append(values)
        marks.append(flags | _provider_flags(content, variable, clock, station, number, shape))
        depths.append(levels)
        labels += [variable.name if levels.size == 1 else f"{variable.name} {level:g} m" for level in levels]
    metadata = {
        **{key: value for key, value in content.attributes.items() if not key.startswith("_")},
        **_place(content, station, number),
    }
    units = sorted({v.text("units") for v in warm})
    levels_found = np.concatenate(depths)
    order = np.argsort(levels_found, kind="stable")
    return Record(
        _site(content, station, number, head),
        times,
        levels_found[order],
        np.column_stack(parts)[:, order],
        np.column_stack(marks)[:, order],
        tuple(labels[place] for place in order),
        Source(
            header=str(content.attributes.get("title", "")),
            time_zone=zone.label,
            time_zone_from=zone.found_in,
            understood=(how, zone.understood, f"units: {', '.join(units)}", "depths: from the vertical coordinate"),
        ),
        metadata,
    )


def _placed(array: NDArray[Any], variable: Variable, clock: str, station: str, number: int) -> NDArray[Any]:
    """One station's values with time first."""
    dimensions = list(variable.dimensions)
    if station in dimensions:
        array = np.take(array, number, axis=dimensions.index(station))
        dimensions.remove(station)
    return np.moveaxis(array, dimensions.index(clock), 0)


def _provider_flags(
    content: Content, variable: Variable, clock: str, station: str, number: int, shape: tuple[int, int]
) -> NDArray[np.uint16]:
    """SOURCE where an ancillary flag variable says that a value is not to be used."""
    marks = np.zeros(shape, np.uint16)
    for name in variable.text("ancillary_variables").split():
        flag = content.variables.get(name)
        meanings = flag.text("flag_meanings").split() if flag else []
        if flag is None or flag.dimensions != variable.dimensions or not meanings:
            continue
        bad = [k for k, meaning in enumerate(meanings) if any(word in meaning.lower() for word in BAD_MEANINGS)]
        found = _placed(np.asarray(flag.values()), flag, clock, station, number).reshape(shape)
        for key in ("flag_values", "flag_masks"):
            codes = np.atleast_1d(flag.attributes.get(key, []))
            for k in bad:
                if k < len(codes):
                    hit = found == codes[k] if key == "flag_values" else (found.astype(np.int64) & int(codes[k])) != 0
                    marks[hit] |= np.uint16(Flag.SOURCE)
    return marks


def _site(content: Content, station: str, number: int, head: Head) -> str:
    named = next(
        (
            v
            for v in content.variables.values()
            if v.text("cf_role") == "timeseries_id" or v.standard_name in ("platform_name", "platform_id")
        ),
        None,
    )
    texts = [] if named is None else _texts(named.values())
    return (
        (texts[number] if number < len(texts) else "")
        or str(content.attributes.get("site_name") or content.attributes.get("title") or "")
        or (head.path.stem + (f" {number + 1}" if station else ""))
    )


def _texts(values: NDArray[Any]) -> list[str]:
    values = np.asarray(values)
    if values.dtype.kind == "S" and values.dtype.itemsize == 1 and values.ndim:
        values = np.array([b"".join(row) for row in np.atleast_2d(values)])
    return [
        (v.decode("utf-8", errors="replace") if isinstance(v, bytes) else str(v)).strip("\0 ")
        for v in np.atleast_1d(values)
    ]


def _place(content: Content, station: str, number: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for variable in content.variables.values():
        key = {"latitude": "latitude", "longitude": "longitude", "surface_altitude": "elevation_m"}.get(
            variable.standard_name
        )
        key = key or ("elevation_m" if variable.name in ("surface_elevation", "elevation") else None)
        if key and set(variable.dimensions) <= {station}:
            values = np.atleast_1d(np.asarray(variable.values(), dtype=np.float64))
            value = float(values[number if variable.dimensions else 0])
            if np.isfinite(value) and abs(value) < 1e5:
                found[key] = value
    return found


READER = Reader("netcdf", "CF netCDF, timeSeriesProfile and the like", _claims, _read)
