"""Which column is which quantity, and in which unit: by name, alias, label, or as the user says; never by position."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from talik.errors import AmbiguousFile, UnknownName, UsageError, unknown
from talik.readers.depths import unit_of
from talik.variables import VARIABLES, Variable

TEXT_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "site": ("site_name", "name", "station", "station_name", "borehole", "site_id", "plot"),
    "region": ("pole",),
    "subregion": ("sub_region", "area", "province"),
    "basin": ("cluster_name",),
    "vegetation": ("vegetation_type", "vegetation_class", "land_cover"),
    "soil": ("soil_type", "soil_texture", "soil_class", "texture"),
}
"""Columns of text, with the other names under which they are met."""

PRECISION = "coordinate_precision_km"
_BRACKETS = re.compile(r"\s*[(\[{].*?[)\]}]\s*")
_SUFFIX = re.compile(r"_(?:c|k|f|cm|m|mm|degc|degk|degf|celsius|kelvin|fahrenheit)$")
_LENGTH = re.compile(r"(?:[(\[{,_\s]\s*)(mm|cm|m|ft)\s*(?:[)\]}]|$)", re.IGNORECASE)

Convert = Callable[[pl.Series], pl.Series]
_TEMPERATURE: Mapping[str, Convert] = {
    "degC": lambda x: x, "K": lambda x: x - 273.15, "degF": lambda x: (x - 32.0) / 1.8}
_DIFFERENCE: Mapping[str, Convert] = {"K": lambda x: x, "degC": lambda x: x, "degF": lambda x: x / 1.8}
_METRES: Mapping[str, Convert] = {
    "m": lambda x: x, "cm": lambda x: x / 100, "mm": lambda x: x / 1000, "ft": lambda x: x * 0.3048}
_SPELLINGS = {"°c": "degC", "c": "degC", "celsius": "degC", "degc": "degC", "℃": "degC", "k": "K", "kelvin": "K",
              "°f": "degF", "f": "degF", "fahrenheit": "degF", "degf": "degF", "℉": "degF", "m": "m", "metre": "m",
              "meter": "m", "cm": "cm", "mm": "mm", "ft": "ft", "feet": "ft"}


def matched(found: Sequence[str], asked: Mapping[str, str] | None = None, *, file: str = "table") -> dict[str, str]:
    """
    The column of the file for each name of talik that it has.

    Parameters
    ----------
    found : sequence of str
        Columns of the file.
    asked : mapping, optional
        talik's name = the file's column; goes before any guess.
    file : str
        For messages.

    Raises
    ------
    UnknownName
        If `asked` has a name talik does not know, or a column the file does not have.
    AmbiguousFile
        If two columns are the same quantity.
    UsageError
        If a needed column is missing; a column with nearly its name is pointed at.

    Examples
    --------
    >>> matched(["Station", "MAAT (°C)", "Active layer thickness [cm]", "remarks"])
    {'site': 'Station', 'maat': 'MAAT (°C)', 'alt': 'Active layer thickness [cm]'}
    """
    result: dict[str, str] = {}
    known = [*VARIABLES, *TEXT_COLUMNS, PRECISION, "site_no"]
    for name, column in (asked or {}).items():
        if name not in known:
            raise UnknownName(f"columns: {unknown('name', name, known)}")
        if column not in found:
            raise UnknownName(f"columns: {file}: {unknown('column', column, found)}")
        result[name] = column
    for column in found:
        meant = _NAMES.get(plain(column)) or _NAMES.get(_SUFFIX.sub("", plain(column)))
        if meant is None or column in result.values() or meant in (asked or {}):
            continue
        if meant in result:
            raise AmbiguousFile(f"{file}: the columns {result[meant]!r} and {column!r} both look like {meant}. "
                                f"Say which: columns={{{meant!r}: {column!r}}}")
        result[meant] = column
    _refuse_missing(result, found, file)
    return result


def unit(name: str, column: str, said: Mapping[str, str] | None = None) -> str:
    """
    The unit of a column: as the user says, else as its name says, else the catalogue's.

    Raises
    ------
    UnknownName
        If the user says a unit that the quantity cannot have.

    Examples
    --------
    >>> unit("alt", "ALT (cm)"), unit("maat", "MAAT_K"), unit("maat", "MAAT"), unit("maat", "MAAT", {"maat": "Kelvin"})
    ('cm', 'K', 'degC', 'K')
    """
    possible = conversions(VARIABLES[name])
    if said and name in said:
        spelled = _SPELLINGS.get(said[name].strip().lower(), said[name])
        if spelled not in possible:
            raise UnknownName(f"units: {name}: {unknown('unit', said[name], possible)}")
        return spelled
    return named_unit(name, column) or VARIABLES[name].units


def named_unit(name: str, column: str) -> str | None:
    """The unit that a column's own name states, or None."""
    possible = conversions(VARIABLES[name])
    if possible is _METRES:
        length = _LENGTH.search(column)
        return length[1].lower() if length else None
    of_temperature = unit_of(column) or unit_of(f"({column.rpartition('_')[2]})" if "_" in column else "")
    spelled = _SPELLINGS.get(of_temperature.name.lower()) if of_temperature else None
    return spelled if spelled in possible else None


def conversions(entry: Variable) -> Mapping[str, Convert]:
    """The units a quantity may come in, each with the way to the catalogue's."""
    if entry.kind == "temperature":
        return _TEMPERATURE
    if entry.kind == "difference":
        return _DIFFERENCE
    if entry.kind == "length":
        return _METRES
    return {entry.units: lambda x: x}


def plain(column: str) -> str:
    """
    A column's name without unit, case and punctuation.

    Examples
    --------
    >>> plain("Mean annual air temperature, (°C)"), plain("Sub-region")
    ('mean_annual_air_temperature', 'sub_region')
    """
    return re.sub(r"[^0-9a-z]+", "_", _BRACKETS.sub(" ", column).lower()).strip("_")


def _refuse_missing(result: Mapping[str, str], found: Sequence[str], file: str) -> None:
    free = [column for column in found if column not in result.values()]
    wanted = [name for name in (*TEXT_COLUMNS, "maat", "magst", "ttop", "alt", "latitude", "longitude", "elevation",
                                "surface_offset", "thermal_offset") if name not in result]
    for name in wanted:
        near = difflib.get_close_matches(name, [plain(column) for column in free], n=1, cutoff=0.75)
        if near:
            column = next(c for c in free if plain(c) == near[0])
            raise UsageError(f"{file}: no column {name!r}, but {column!r}. Did you mean {name!r}? Rename it, or pass "
                             f"columns={{{name!r}: {column!r}}}.")
    if "site" not in result:
        raise UsageError(f"{file}: no column 'site'. Found: {', '.join(found)}. Name the sites' column: "
                         "columns={'site': ...}")
    if not {"maat", "magst", "ttop", "surface_offset", "thermal_offset", "alt"} & set(result):
        raise UsageError(f"{file}: none of the columns maat, magst, ttop, alt, surface_offset, thermal_offset. Found: "
                         f"{', '.join(found)}. Say which is which: columns={{'maat': ...}}")


_NAMES: Mapping[str, str] = {
    **{plain(alias): v.name for v in VARIABLES.values() for alias in (*v.aliases, v.symbol, v.label, v.name) if alias},
    **{alias: name for name, aliases in TEXT_COLUMNS.items() for alias in (name, *aliases)},
    PRECISION: PRECISION, "site_no": "site_no", "no": "site_no"}
