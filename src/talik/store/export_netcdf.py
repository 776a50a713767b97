"""A record as CF netCDF: feature type timeSeriesProfile, conventions CF-1.11 and ACDD-1.3, checksums on every chunk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import talik
from talik import files
from talik.errors import DataError, missing_extra
from talik.kernels.calendar import sampling_step
from talik.provenance import now
from talik.records import REJECTED, Flag, Record, Times

_KEPT = {"creator_name": ("creator_name", "creator", "author"), "creator_email": ("creator_email",),
         "creator_url": ("creator_url",), "institution": ("institution",), "project": ("project",),
         "license": ("license", "policy"), "references": ("references", "citation"),
         "publisher_name": ("publisher_name",), "acknowledgement": ("acknowledgement", "acknowledgment")}
"""Global attributes that are taken from the record's metadata where it has them; nothing is made up."""


def write_netcdf(record: Record, stem: Path) -> list[Path]:
    """
    Write `STEM.nc`; returns it.

    Raises
    ------
    DataError
        If latitude or longitude are unknown: CF asks for both.
    MissingExtra
        If h5netcdf is not installed.
    """
    try:
        import h5netcdf
    except ImportError:
        raise missing_extra("writing netCDF", "h5netcdf", "grids") from None
    place = {key: record.metadata.get(key) for key in ("latitude", "longitude")}
    if not all(isinstance(value, int | float) and np.isfinite(value) for value in place.values()):
        raise DataError(f"{record.site}: latitude and longitude are unknown, and CF netCDF asks for both. "
                        f"Say them when the file is taken in (talik ingest {Path(record.source.path).name} --store ... "
                        "--latitude ... --longitude ...), write csv or a data package, or add the metadata file beside "
                        "the source")
    path = stem.with_name(stem.name + ".nc")
    with files.replacing(path) as part, h5netcdf.File(part, "w") as file:
        file.attrs.update(_global(record))
        clock = _times(file, record)
        _station(file, record)
        for name, chosen in (("ground", record.depths >= 0), ("air", record.depths < 0)):
            if chosen.any():
                _temperatures(file, record, clock, name, np.flatnonzero(chosen))
    return [path]


def _times(file: Any, record: Record) -> str:
    """The time coordinate; where stamps repeat or step back, an auxiliary one along `profile`."""
    us = record.times.astype(np.int64)
    rising = bool((np.diff(us) > 0).all())
    clock = "time" if rising else "profile"
    whole = bool((us % 1_000_000 == 0).all())
    file.dimensions[clock] = us.size
    unit = "seconds" if whole else "microseconds"
    _variable(file, "time", (clock,), (us // 1_000_000 if whole else us).astype(np.float64),     # CF-1.8 has no int64
              standard_name="time", long_name="time", units=f"{unit} since 1970-01-01 00:00:00",
              calendar="standard", axis="T", units_metadata="leap_seconds: none")
    return clock


def _station(file: Any, record: Record) -> None:
    _variable(file, "station_name", (), record.site, long_name="site", cf_role="timeseries_id")
    for name, units in (("latitude", "degrees_north"), ("longitude", "degrees_east")):
        _variable(file, name, (), float(record.metadata[name]), standard_name=name, long_name=name, units=units,
                  axis="Y" if name == "latitude" else "X")
    elevation = record.metadata.get("elevation_m")
    if isinstance(elevation, int | float):
        _variable(file, "surface_elevation", (), float(elevation), standard_name="surface_altitude",
                  long_name="elevation of the ground surface above sea level", units="m",
                  coverage_content_type="auxiliaryInformation")


def _temperatures(file: Any, record: Record, clock: str, medium: str, columns: NDArray[np.int64]) -> None:
    up = medium == "air"
    levels = np.abs(record.depths[columns]) if up else record.depths[columns]
    order = np.argsort(levels, kind="stable")
    levels, columns = levels[order], columns[order]
    level = "height" if up else "depth"
    along = level if (np.diff(levels) > 0).all() else f"{medium}_sensor"      # replicates share a depth
    file.dimensions[along] = levels.size
    _variable(file, level, (along,), levels, standard_name=level, units="m", axis="Z",
              long_name="height above the ground surface" if up else "depth below the ground surface",
              positive="up" if up else "down")
    name = f"{medium}_temperature"
    beside = " ".join(["latitude", "longitude", "station_name", *(["time"] if clock != "time" else []),
                       *([level] if along != level else [])])
    _variable(file, name, (clock, along), record.values[:, columns],
              standard_name="air_temperature" if up else "soil_temperature", long_name=f"{medium} temperature",
              units="degree_Celsius", units_metadata="temperature: on_scale", coordinates=beside,
              coverage_content_type="physicalMeasurement",
              ancillary_variables=f"{name}_flag")
    _variable(file, f"{name}_flag", (clock, along), record.flags[:, columns].astype(np.int32),
              standard_name="quality_flag", long_name=f"marks on the {medium} temperature", units="1",
              coordinates=beside,
              coverage_content_type="qualityInformation",
              flag_masks=np.array([flag.value for flag in Flag], dtype=np.int32),
              flag_meanings=" ".join(_meaning(flag) for flag in Flag))


def _meaning(flag: Flag) -> str:
    """A flag's name; with bad_ before it where it says not to use the value."""
    if flag is Flag.MISSING:
        return "no_value"
    return f"bad_{str(flag.name).lower()}" if flag & REJECTED else str(flag.name).lower()


def _variable(file: Any, name: str, dimensions: tuple[str, ...], values: Any, **attributes: Any) -> None:
    import h5py

    if isinstance(values, str):
        text = np.array(values, dtype=object)
        variable = file.create_variable(name, dimensions, dtype=h5py.string_dtype(), data=text)
    else:
        values = np.asarray(values)
        packed = {"compression": "gzip", "shuffle": True, "fletcher32": True} if values.ndim and values.size else {}
        fill = np.nan if name.endswith("_temperature") else None
        variable = file.create_variable(name, dimensions, data=values, fillvalue=fill, **packed)
    variable.attrs.update(attributes)


def _global(record: Record) -> dict[str, Any]:
    times, depths, told = record.times, record.depths, record.metadata
    latitude, longitude = float(told["latitude"]), float(told["longitude"])
    kept = {name: str(told[key]) for name, keys in _KEPT.items() for key in reversed(keys) if told.get(key)}
    others = (f"Channels of the source that are not temperatures are left out: {', '.join(record.others)}."
              if record.others else "")
    return {
        "Conventions": "CF-1.11, ACDD-1.3",
        "featureType": "timeSeriesProfile",
        "cdm_data_type": "Station",
        "title": f"{_media(depths)} temperatures at {record.site}",
        "summary": f"Temperatures of {depths.size} sensor{'s' * (depths.size != 1)}, {_reach(depths)} "
                   f"({times.size} stamps), read from {Path(record.source.path).name}. {others}".strip(),
        "keywords": "permafrost, ground temperature, active layer, soil temperature",
        "keywords_vocabulary": "none",
        "standard_name_vocabulary": "CF Standard Name Table v93",
        "id": re.sub(r"[^\w.-]+", "_", f"{record.site}-{record.source.sha256[:16]}"),
        "processing_level": "values as read from the source; rejected ones are kept and flagged",
        "source": f"{record.source.format} file {Path(record.source.path).name}, sha256 {record.source.sha256}",
        "history": "\n".join([*record.history, f"{now()} written by talik {talik.__version__}"]),
        "comment": " ".join((*record.source.understood, f"Time zone of the source: {record.source.time_zone} "
                             f"({record.source.time_zone_from}); stamps here are UTC.")),
        "time_zone": record.source.time_zone,           # days are those of the source's clock, also when read again
        "date_created": now(),
        "geospatial_lat_min": latitude, "geospatial_lat_max": latitude, "geospatial_lat_units": "degrees_north",
        "geospatial_lon_min": longitude, "geospatial_lon_max": longitude, "geospatial_lon_units": "degrees_east",
        "geospatial_vertical_min": float(depths.min()), "geospatial_vertical_max": float(depths.max()),
        "geospatial_vertical_units": "m", "geospatial_vertical_positive": "down",
        "geospatial_bounds": f"POINT ({latitude:g} {longitude:g})", "geospatial_bounds_crs": "EPSG:4326",
        **_span(times), **kept,
    }


def _media(depths: NDArray[np.float64]) -> str:
    return "Ground" if (depths >= 0).all() else "Air" if (depths < 0).all() else "Ground and air"


def _reach(depths: NDArray[np.float64]) -> str:
    """Where the sensors are: depths in the ground, heights in the air."""
    said = []
    for some, where in ((depths[depths >= 0], "deep"), (-depths[depths < 0], "above the ground")):
        if some.size:
            reach = f"{some.min():g}" if some.min() == some.max() else f"{some.min():g} to {some.max():g}"
            said.append(f"{reach} m {where}")
    return " and ".join(said)


def _span(times: Times) -> dict[str, str]:
    if not times.size:
        return {}
    step = sampling_step(times)
    first, last = times.min(), times.max()
    return {
        "time_coverage_start": f"{first.astype('M8[s]')}Z",
        "time_coverage_end": f"{last.astype('M8[s]')}Z",
        "time_coverage_duration": f"PT{int((last - first) / np.timedelta64(1, 's'))}S",
        **({"time_coverage_resolution": f"PT{step:g}S"} if step > 0 else {}),
    }
