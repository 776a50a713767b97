"""SMET (MeteoIO, used by the Swiss IMIS network): a header of `key = value`, fields, then rows; units by offset."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import polars as pl

from talik.errors import AmbiguousFile, FileError
from talik.readers.columns import Layout, read_columns
from talik.readers.depths import KELVIN, Labelled
from talik.readers.dialect import unique_names
from talik.readers.preamble import beginning
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.widetable import wide_record
from talik.readers.zones import chosen, offset
from talik.records import Record

_FIRST = re.compile(r"SMET\s+\d\.\d+\s+ASCII")
_COLDEST = 150.0
"""A median [K] that nothing on Earth has."""

_TEMPERATURE = re.compile(r"TA|TSG|TSS|TS?\d+|TSOIL\d*|HS_T\d+")
_PLACES = {"latitude": "latitude", "longitude": "longitude", "altitude": "elevation_m"}
_SURFACE = "TSG"


def _claims(head: Head) -> int:
    if head.content.startswith(b"SMET") and b" BINARY" in head.content[:40]:
        return CERTAIN
    return CERTAIN * (beginning(head.lines, _FIRST) is not None)


def _read(head: Head, options: Options) -> list[Record]:
    if b" BINARY" in head.content[:40]:
        raise FileError(f"{head.name}: is a binary SMET, which is not read; have MeteoIO write it as SMET ASCII")
    start = next((n for n, line in enumerate(head.lines) if line.strip().upper() == "[DATA]"), None)
    if start is None:
        raise FileError(f"{head.name}: has no [DATA] section among its first lines")
    said = _header(head.lines[:start])
    names = unique_names(said.get("fields", "").split())
    if "timestamp" not in names:
        raise FileError(f"{head.name}: its fields have no timestamp: {' '.join(names) or 'there are none'}")
    warm = [name for name in names if _TEMPERATURE.fullmatch(name)]
    if not warm:
        raise FileError(f"{head.name}: no field is a temperature (TA, TSG, TSS, TS1 ...): {' '.join(names)}")
    numbers = tuple(name for name in names if name != "timestamp")
    columns = read_columns(head, Layout(tuple(names), " ", start + 1, numbers, stamp="timestamp"), options)
    nodata = float(said.get("nodata", -999))
    scaled = {
        name: columns.frame[name].replace(nodata, None) * factor + offset
        for name, offset, factor in zip(
            names,
            _numbers(said, "units_offset", names, 0.0, head),
            _numbers(said, "units_multiplier", names, 1.0, head),
            strict=True,
        )
        if name != "timestamp"
    }
    _refuse_not_kelvin([scaled[name] for name in warm], head.name)
    zone = said.get("tz", "")
    about = {
        _PLACES.get(key, key): _number(text) for key, text in said.items() if key in (*_PLACES, "station_id", "source")
    }
    return [
        wide_record(
            head,
            replace(columns, frame=columns.frame.with_columns(**scaled)),
            warm,
            _depths(warm, said),
            chosen(options.timezone, _minutes(zone, head.name)),
            site=said.get("station_name") or said.get("station_id") or head.path.stem,
            header="\n".join(head.lines[:start]),
            unit=KELVIN,
            metadata=about,
            others=[name for name in numbers if name not in warm],
        )
    ]


def _header(lines: tuple[str, ...]) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith(("#", ";")))
    return {key.strip().lower(): text.strip() for key, text in pairs}


def _numbers(said: dict[str, str], key: str, names: list[str], default: float, head: Head) -> list[float]:
    texts = said.get(key, "").split() or [str(default)] * len(names)
    if len(texts) != len(names):
        raise FileError(f"{head.name}: {key} has {len(texts)} numbers for {len(names)} fields")
    return [float(text) for text in texts]


def _minutes(zone: str, file: str) -> int | None:
    """Of `tz`: hours (-6.5), or an offset written in another way (+01:00)."""
    hours = _number(zone)
    found = round(60 * hours) if isinstance(hours, float) else offset(zone)
    if zone and found is None:
        raise FileError(f"{file}: tz = {zone!r} is no number of hours, such as 1 or -6.5")
    return found


def _refuse_not_kelvin(columns: list[pl.Series], file: str) -> None:
    middle = pl.concat([column.alias("") for column in columns]).median()
    if isinstance(middle, float) and middle < _COLDEST:
        raise AmbiguousFile(
            f"{file}: half of the temperatures are below {middle:.0f}, and those of SMET are in K. If they are in °C, "
            "say so in the header with units_offset (273.15 for each such field, 0 for the others)"
        )


def _depths(names: list[str], said: dict[str, str]) -> Labelled:
    """The surface is 0; the sensors in snow and ground are numbered, and the format does not say where they are."""
    depths = np.array([0.0 if name == _SURFACE else np.nan for name in names])
    return Labelled(depths, f"depths: {_SURFACE} is the ground's surface; the others are not said (give depths=...)")


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


READER = Reader("smet", "SMET station file (MeteoIO, IMIS)", _claims, _read)
