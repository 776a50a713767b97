"""CF netCDF: temperatures against time and depth, one station or many; what `tsp` and `pfit` write; classic netCDF."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.cf_rows import Rows, rows_of
from talik.readers.cf_variables import (
    TEMPERATURES,
    bad_codes,
    is_depth,
    is_no_mean,
    is_temperature,
    marked,
    metres,
    temperatures,
    upwards,
    utc,
)
from talik.readers.depths import depths_of, has_depth, is_air
from talik.readers.longtable import spread
from talik.readers.netcdf_file import Content, Variable, is_netcdf, opened
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.zones import Zone
from talik.readers.zones import zone as zone_named
from talik.records import Record, Source, Times

_VERTICAL = re.compile(r"depth|height|lev|layer|^z", re.IGNORECASE)
"""In the name of a dimension that has no coordinate with a unit of length."""


def _claims(head: Head) -> int:
    return CERTAIN * is_netcdf(head.content)


def _read(head: Head, options: Options) -> list[Record]:
    with opened(head.path) as content:
        time = _time(content, head)
        warm = [v for v in content.variables.values() if is_temperature(v) and v.dimensions]
        extremes, warm = [v.name for v in warm if is_no_mean(v)], [v for v in warm if not is_no_mean(v)]
        if not warm:
            raise FileError(
                f"{head.name}: no variable along {time.name!r} has a standard name such as {TEMPERATURES[0]} "
                "or a temperature unit (minima, maxima and deviations do not count); variables: "
                f"{', '.join(content.variables)}"
            )
        left = f"variables: {', '.join(extremes)} left out: no means of air or ground" if extremes else ""
        if not _is_rectangular(content, time, warm):
            return [_known(record, content, options, left) for record in _of_rows(content, time, warm, options, head)]
        clock = time.dimensions[0]
        warm = [v for v in warm if clock in v.dimensions]
        zone, times, how = utc(time, np.asarray(time.values()), options, head)
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
        loaded = {v.name: temperatures(v, head) for v in warm}
        found = (
            _record(head, content, warm, loaded, station, number, times, zone, how, clock) for number in range(size)
        )
        return [_known(record, content, options, left) for record in found]


def _known(record: Record, content: Content, options: Options, left: str) -> Record:
    """With what was left out said, and the zone of the source, by whose clock days are cut, where the file keeps it."""
    kept = str(content.attributes.get("time_zone", ""))
    source = record.source
    if kept and not options.timezone and source.time_zone == "UTC":
        said = f"days: by the clock of {kept}, the zone of the source (from the attribute time_zone)"
        kept = zone_named(kept, "header").label
        source = replace(source, time_zone=kept, understood=(*source.understood, said))
    return replace(record, source=replace(source, understood=(*source.understood, *filter(None, [left]))))


def _time(content: Content, head: Head) -> Variable:
    found = [
        v
        for v in content.variables.values()
        if v.text("axis") == "T" or v.standard_name == "time" or " since " in v.text("units")
    ]
    for better in (lambda v: v.name in v.dimensions, lambda v: v.standard_name == "time", lambda v: v.name == "time"):
        found = [v for v in found if better(v)] or found
    if len(found) != 1:
        raise FileError(
            f"{head.name}: {len(found)} variables could be the time ({', '.join(v.name for v in found) or 'none'}), "
            "expected one"
        )
    return found[0]


def _is_rectangular(content: Content, time: Variable, warm: list[Variable]) -> bool:
    """Whether one row of times and one of depths hold for all temperatures (of a station)."""
    clock = time.dimensions[0] if len(time.dimensions) == 1 else ""
    linked = any({"sample_dimension", "instance_dimension"} & set(v.attributes) for v in content.variables.values())
    moving = any(
        is_depth(v)
        and clock in v.dimensions
        and (v.dimensions == w.dimensions or v.name in w.text("coordinates").split())
        for v in content.variables.values()
        for w in warm
    )
    return bool(clock) and not linked and not moving and any(clock in v.dimensions for v in warm)


def _of_rows(content: Content, time: Variable, warm: list[Variable], options: Options, head: Head) -> list[Record]:
    """Records of ragged and incomplete arrays: the values as rows of a long table, spread out for each station."""
    rows: list[Rows] = [rows_of(content, v, time, head) for v in warm]
    levels = sorted({(depth, r.name) for r in rows for depth in np.unique(r.depth).tolist()}, key=str)
    levels.sort(key=lambda level: (np.isnan(level[0]), level[0]))
    column = np.concatenate([_columns(r, levels) for r in rows])
    station, raw, values, flags = (
        np.concatenate([getattr(r, field) for r in rows]) for field in ("station", "time", "value", "flag")
    )
    zone, times, how = utc(time, raw, options, head)
    units = ", ".join(sorted({v.text("units") for v in warm}))
    records = []
    for number in np.unique(station).tolist():
        mine = station == number
        wide = spread(times[mine], column[mine], values[mine], flags[mine])
        here = [levels[int(place)] for place in wide.depths]
        repeated = f"stamps: {wide.repeated} values repeat a stamp of their depth; kept as rows of their own"
        understood = (how, zone.understood, f"units: {units}", "depths: from the vertical coordinate")
        records.append(
            Record(
                _site(content, rows[0].stations, number, head),
                wide.times,
                np.array([depth for depth, _ in here]),
                wide.values,
                wide.flags,
                tuple(name if np.isnan(depth) else f"{name} {depth:g} m" for depth, name in here),
                Source(
                    header=str(content.attributes.get("title", "")),
                    time_zone=zone.label,
                    time_zone_from=zone.found_in,
                    understood=(*understood, *([repeated] if wide.repeated else [])),
                ),
                {
                    **{key: value for key, value in content.attributes.items() if not key.startswith("_")},
                    **_place(content, rows[0].stations, number),
                },
            )
        )
    return records


def _columns(rows: Rows, levels: list[tuple[float, str]]) -> NDArray[np.float64]:
    """The place of each row's depth among the levels of its variable."""
    places = np.array([place for place, (_, name) in enumerate(levels) if name == rows.name], float)
    known = np.array([depth for depth, name in levels if name == rows.name])
    return places[np.where(np.isnan(rows.depth), len(known) - 1, np.searchsorted(known, rows.depth))]


def _depth_of(content: Content, variable: Variable, clock: str) -> Variable | None:
    """The depths (or height) of a temperature: along one of its dimensions, or a scalar that it names."""
    levels = [v for v in content.variables.values() if is_depth(v) and clock not in v.dimensions]
    along = [v for v in levels if v.dimensions and set(v.dimensions) <= set(variable.dimensions)]
    named = [v for v in levels if not v.dimensions and v.name in variable.text("coordinates").split()]
    return next(iter(along or named), None)


def _depth_dimension(content: Content, variable: Variable, clock: str) -> str:
    depth = _depth_of(content, variable, clock)
    if depth is not None:
        return depth.dimensions[-1] if depth.dimensions else ""
    return next((d for d in variable.dimensions if d != clock and _VERTICAL.search(d)), "")


def _depths(content: Content, variable: Variable, clock: str, station: str, number: int) -> NDArray[np.float64]:
    depth = _depth_of(content, variable, clock)
    if depth is None:
        along = _depth_dimension(content, variable, clock)
        return np.full(variable.shape[variable.dimensions.index(along)] if along else 1, np.nan)
    values = np.asarray(depth.values(), dtype=np.float64)
    if station and station in depth.dimensions:
        values = np.take(values, number, axis=depth.dimensions.index(station))
    return np.round(np.atleast_1d(values) * upwards(depth, values) * (metres(depth) or 1.0), 6) + 0.0


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
    clock: str,
) -> Record:
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
        labels += [
            variable.name
            if levels.size == 1
            else f"{variable.name} {k}"
            if level != level
            else f"{variable.name} {level:g} m"
            for k, level in enumerate(levels, 1)
        ]
    metadata = {
        **{key: value for key, value in content.attributes.items() if not key.startswith("_")},
        **_place(content, station, number),
    }
    units = sorted({v.text("units") for v in warm})
    levels_found, how_deep = _all_depths(depths, warm)
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
            understood=(how, zone.understood, f"units: {', '.join(units)}", how_deep),
        ),
        metadata,
    )


def _all_depths(depths: list[NDArray[np.float64]], warm: list[Variable]) -> tuple[NDArray[np.float64], str]:
    """Of all columns, and how they were found: in the vertical coordinate, else in what the variables say."""
    found = np.concatenate(depths)
    if not np.isnan(found).all():
        return found, "depths: from the vertical coordinate"
    if all(levels.size == 1 for levels in depths):
        labelled = depths_of([_spoken(variable) for variable in warm])
        if not np.isnan(labelled.depths).all():
            return labelled.depths, labelled.how.replace("labels", "names of the variables, or what they say")
    return found, "depths: there is no vertical coordinate in m, cm or mm (give them with depths=...)"


def _spoken(variable: Variable) -> str:
    """What says the depth of a variable: its name, an attribute of its own, or its long name."""
    said = (variable.name, *(variable.text(key) for key in ("depth", "sensor_depth", "long_name")))
    text = next((text for text in said if has_depth(text)), variable.name)
    return f"air {text}" if variable.standard_name == "air_temperature" or is_air(variable.name) else text


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
        if flag is None or flag.dimensions != variable.dimensions:
            continue
        found = _placed(np.asarray(flag.values()), flag, clock, station, number).reshape(shape)
        marks |= marked(found, bad_codes(flag))
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
    own = content.variables.get(station)
    if named is None and own is not None and own.dimensions == (station,):
        named = own if np.asarray(own.values()).dtype.kind in "OSU" else None
    texts = [] if named is None else _texts(named.values())
    return (
        (texts[number] if number < len(texts) else "")
        or (str(content.attributes.get("site_name") or content.attributes.get("title") or "") or head.path.stem)
        + (f" {number + 1}" if station else "")
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
