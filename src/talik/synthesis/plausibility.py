"""What a table of sites cannot be: kelvin as degrees Celsius, centimetres as metres, swapped coordinates, twins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from talik.errors import DataError
from talik.readers.numerals import SENTINELS
from talik.synthesis.columns import conversions, named_unit, unit
from talik.synthesis.flags import Mark
from talik.synthesis.tabular import Tabular
from talik.variables import VARIABLES, shown_unit

WARM = 8.0
"""If half of the mean annual temperatures are above this [°C], they are not those of permafrost: Fahrenheit?"""
THICK, THIN = 15.0, 0.05
"""If half of the active layers are thicker or thinner than this [m], they are in another unit."""
_SHOWN = {"degC": "°C", "degF": "°F"}
PLACES: Mapping[str, tuple[float, float, float, float]] = {
    "Arctic": (45.0, 90.0, -180.0, 180.0), "Third Pole": (25.0, 46.0, 60.0, 110.0),
    "Antarctica": (-90.0, -45.0, -180.0, 180.0)}
"""South, north, west, east of the regions the catalogue knows [degrees], generously."""


def quantity(table: Tabular, name: str, column: str, units: Mapping[str, str]) -> tuple[pl.Series, list[Mark]]:
    """
    A column of the file as a quantity of the catalogue, in its unit, with fill values as nulls.

    Parameters
    ----------
    table : Tabular
        The file.
    name, column : str
        The catalogue's name and the file's.
    units : mapping
        What the user says of units.

    Returns
    -------
    values : polars.Series of float64
        Null where the cell is blank or a fill value.
    marks : list of (row, code, reason)
        One FILL_VALUE for each fill value.

    Raises
    ------
    FileError
        If a cell is not a number.
    DataError
        If the values look like another unit than the one stated or assumed, or are not possible; with row and column.
    """
    entry = VARIABLES[name]
    raw = table.numbers(column)
    stated = unit(name, column, units)
    values = raw if stated == entry.units else conversions(entry)[stated](raw).round(6)
    # 999 mm of precipitation is possible, 999 degC is not
    fills = (raw.is_in(list(SENTINELS)) & ~values.is_between(*entry.valid)).fill_null(False).arg_true()
    marks = [(int(k), "FILL_VALUE", f"{table.where(int(k), column)}: {raw[int(k)]:g} taken as no value") for k in fills]
    if len(fills):
        raw, values = raw.scatter(fills, None), values.scatter(fills, None)
    said = name in units or named_unit(name, column) is not None
    _refuse_other_unit(table, name, column, raw, values, stated, said)
    _refuse_impossible(table, name, column, raw, values)
    return values.alias(name), marks


def refuse_twins(table: Tabular, frame: pl.DataFrame) -> None:
    """Refuse rows that repeat another in every column: each would count twice."""
    hashes = frame.hash_rows()
    first: dict[int, int] = {}
    for row, code in enumerate(hashes):
        if code in first and frame.row(row) == frame.row(first[code]):
            raise DataError(f"{table.name}, row {table.rows[row]}: the same as row {table.rows[first[code]]} in every "
                            f"column (site {frame['site'][row]!r}). Remove one of them.")
        first.setdefault(code, row)


def place_marks(table: Tabular, frame: pl.DataFrame) -> list[Mark]:
    """
    Marks of coordinates that do not lie in the region they are listed under, and of names that occur twice.

    Raises
    ------
    DataError
        If most coordinates of known regions lie in them only when latitude and longitude change places.
    """
    inside = _inside(frame, "latitude", "longitude")
    swapped = _inside(frame, "longitude", "latitude")
    wrong = np.flatnonzero(inside == 0)
    if wrong.size and wrong.size >= (inside == 1).sum() and (swapped[wrong] == 1).all():
        row = int(wrong[0])
        raise DataError(f"{table.name}, row {table.rows[row]}: latitude {frame['latitude'][row]:g} and longitude "
                        f"{frame['longitude'][row]:g} do not lie in {frame['region'][row]} ({wrong.size} such rows); "
                        "the other way round they do. Swapped?")
    return [*_mismatches(frame, wrong), *_namesakes(table, frame)]


def _refuse_other_unit(table: Tabular, name: str, column: str, raw: pl.Series, values: pl.Series, stated: str,
                       said: bool) -> None:
    known = values.drop_nulls().to_numpy()
    looks = _looks_like(name, float(np.median(known)), said) if known.size else None
    if looks:
        what, choices = looks
        ways = " or ".join(f"units={{{name!r}: {choice!r}}}" for choice in choices)
        raise DataError(f"{table.name}, column {column!r}: values {_span(raw)} ({'stated' if said else 'taken'} as "
                        f"{_SHOWN.get(stated, stated)}) look like {what}. Say so: {ways}")


def _looks_like(name: str, middle: float, said: bool) -> tuple[str, tuple[str, ...]] | None:
    """Another unit that the median points to, in words, and what the user may say; None when all is well."""
    if VARIABLES[name].kind == "temperature":
        if middle > 150:
            return "kelvin", ("K",)
        if middle < -150:
            return "°C", ("degC",)
        if middle > WARM and not said:
            return f"Fahrenheit, since half of them are above {WARM:g}", ("degF", "degC")
    if name == "alt" and middle > THICK:
        return f"centimetres, since half of them are above {THICK:g} m", ("cm",)
    if name == "alt" and middle < THIN:
        return f"metres, since half of them are below {THIN * 100:g} cm", ("m",)
    return None


def _refuse_impossible(table: Tabular, name: str, column: str, raw: pl.Series, values: pl.Series) -> None:
    low, high = (-180.0, 360.0) if name == "longitude" else VARIABLES[name].valid
    bad = ((values < low) | (values > high)).fill_null(False).arg_true()
    if not len(bad):
        return
    row = int(bad[0])
    hint = {"latitude": " Swapped with longitude?"}.get(name, "")
    if VARIABLES[name].kind == "temperature":
        hint = " Kelvin or a fill value in one row?" if values[row] > high else " A fill value?"
    elif name == "alt" and values[row] > high:
        hint = " Centimetres in one row?"
    more = f" ({len(bad)} such rows: {', '.join(str(table.rows[int(k)]) for k in bad[:5])})" if len(bad) > 1 else ""
    raise DataError(f"{table.where(row, column)}: {raw[row]:g} is outside what {VARIABLES[name].short.lower()} can be, "
                    f"{low:g} to {high:g} {shown_unit(VARIABLES[name].units)}{more}.{hint}")


def _span(values: pl.Series) -> str:
    known = values.drop_nulls().to_numpy()
    return f"{known.min():g} to {known.max():g}"


def _inside(frame: pl.DataFrame, latitude: str, longitude: str) -> np.ndarray:
    """1 inside the named region, 0 outside, -1 where region or coordinate are not known."""
    result = np.full(frame.height, -1)
    for k, (region, y, x) in enumerate(frame.select("region", latitude, longitude).iter_rows()):
        if region in PLACES and y is not None and x is not None:
            south, north, west, east = PLACES[region]
            result[k] = south <= y <= north and west <= x <= east
    return result


def _mismatches(frame: pl.DataFrame, wrong: np.ndarray) -> Iterator[Mark]:
    for k in wrong:
        region, latitude, longitude = frame.select("region", "latitude", "longitude").row(int(k))
        yield int(k), "REGION_MISMATCH", f"{latitude:g}, {longitude:g} does not lie in {region}"


def _namesakes(table: Tabular, frame: pl.DataFrame) -> Iterator[Mark]:
    rows: dict[str, list[int]] = {}
    for k, name in enumerate(frame["site"]):
        rows.setdefault(name, []).append(k)
    for name, found in rows.items():
        for k in found if len(found) > 1 else []:
            others = ", ".join(str(table.rows[j]) for j in found if j != k)
            yield k, "DUPLICATE_NAME", f"{name!r} is also the name of row {others}"
