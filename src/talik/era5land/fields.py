"""The catalogue of ERA5-Land: what each field is called at each door, its unit, its sign, and what it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from talik.errors import DataError, unknown

Kind = Literal["state", "accumulation", "component", "static"]


@dataclass(frozen=True, slots=True)
class Field:
    """
    One field of ERA5-Land.

    Parameters
    ----------
    short : str
        Name in NetCDF and Zarr files.
    cds : str
        Name in requests to the Climate Data Store, and the band's name at Earth Engine where `gee` is empty.
    grib : str
        ecCodes short name.
    units : str
        Unit in the files. Accumulations: of the amount, not of a rate.
    kind : str
        "state" (instantaneous), "accumulation", "component" (of a vector) or "static".
    gee : str
        Band at Earth Engine when it is not the `cds` name.
    """

    short: str
    cds: str
    grib: str
    units: str
    kind: Kind = "state"
    gee: str = ""


_FIELDS = (
    Field("t2m", "2m_temperature", "2t", "K", gee="temperature_2m"),
    Field("skt", "skin_temperature", "skt", "K"),
    Field("sde", "snow_depth", "sde", "m"),
    Field("rsn", "snow_density", "rsn", "kg m-3"),
    Field("snowc", "snow_cover", "snowc", "%"),
    Field("sd", "snow_depth_water_equivalent", "sd", "m"),
    Field("swvl1", "volumetric_soil_water_layer_1", "swvl1", "m3 m-3"),
    Field("swvl2", "volumetric_soil_water_layer_2", "swvl2", "m3 m-3"),
    Field("swvl3", "volumetric_soil_water_layer_3", "swvl3", "m3 m-3"),
    Field("swvl4", "volumetric_soil_water_layer_4", "swvl4", "m3 m-3"),
    Field("tp", "total_precipitation", "tp", "m", "accumulation"),
    Field("evabs", "evaporation_from_bare_soil", "evabs", "m", "accumulation"),
    Field("evavt", "evaporation_from_vegetation_transpiration", "evavt", "m", "accumulation"),
    Field("fal", "forecast_albedo", "fal", "1"),
    Field("lai_hv", "leaf_area_index_high_vegetation", "lai_hv", "m2 m-2"),
    Field("u10", "10m_u_component_of_wind", "10u", "m s-1", "component", gee="u_component_of_wind_10m"),
    Field("v10", "10m_v_component_of_wind", "10v", "m s-1", "component", gee="v_component_of_wind_10m"),
    Field("si10", "10m_wind_speed", "10si", "m s-1"),
    Field("z", "geopotential", "z", "m2 s-2", "static"),
    Field("lsm", "land_sea_mask", "lsm", "1", "static"),
)
FIELDS: Mapping[str, Field] = {field.short: field for field in _FIELDS}

_ALSO = {"si10": ("ws10", "wind_speed"), "lsm": ("land",), "t2m": ("2t",), "u10": ("10u",), "v10": ("10v",),
         "z": ("geopotential_at_surface",)}
_BY_NAME = {name.lower(): one for one in _FIELDS
            for name in (one.short, one.cds, one.grib, one.gee, *_ALSO.get(one.short, ())) if name}


@dataclass(frozen=True, slots=True)
class Quantity:
    """
    A variable of talik as it is made from ERA5-Land.

    Parameters
    ----------
    variable : str
        Name in talik's catalogue.
    fields : tuple of str
        Short names of the fields it is made from: one, or the two components of a vector.
    scale, shift : float
        Catalogue value = file value x scale + shift, in the file's unit of `Field.units`.
    kind : str
        "state", "accumulation" (amount a day, made an annual sum) or "speed" (of components).
    days : str
        What is counted by days beside the mean: "" nothing, "degree" thawing and freezing degree-days, "snow" days
        with at least half of the cell under snow.
    note : str
        What a reader of the number has to know.
    """

    variable: str
    fields: tuple[str, ...]
    scale: float = 1.0
    shift: float = 0.0
    kind: Literal["state", "accumulation", "speed"] = "state"
    days: Literal["", "degree", "snow"] = ""
    note: str = ""


SWAPPED = ("ERA5-Land keeps the transpiration of vegetation under the name of bare-soil evaporation (evabs), and open "
           "water under that of transpiration (evavt): known issue of the data set; positive upward here")
AS_NAMED = ("the field named evavt, which by a known issue of ERA5-Land holds open-water evaporation; "
            "positive upward here")

_QUANTITIES = (
    Quantity("air_temperature", ("t2m",), shift=-273.15, days="degree"),
    Quantity("skin_temperature", ("skt",), shift=-273.15, days="degree"),
    Quantity("snow_depth", ("sde",)),
    Quantity("snow_density", ("rsn",)),
    Quantity("snow_cover", ("snowc",), scale=0.01, days="snow"),
    Quantity("snow_water_equivalent", ("sd",)),
    *(Quantity(f"soil_water_{layer}", (f"swvl{layer}",)) for layer in (1, 2, 3, 4)),
    Quantity("precipitation", ("tp",), scale=1000.0, kind="accumulation"),
    Quantity("transpiration", ("evabs",), scale=-1000.0, kind="accumulation", note=SWAPPED),
    Quantity("albedo", ("fal",)),
    Quantity("lai_high", ("lai_hv",)),
    Quantity("wind_speed", ("u10", "v10"), kind="speed"),
)
QUANTITIES: Mapping[str, Quantity] = {q.variable: q for q in _QUANTITIES}
WIND_GIVEN = Quantity("wind_speed", ("si10",))
TRANSPIRATION_AS_NAMED = Quantity("transpiration", ("evavt",), scale=-1000.0, kind="accumulation", note=AS_NAMED)

SEASONS: Mapping[str, tuple[int, ...]] = {"djf": (12, 1, 2), "mam": (3, 4, 5), "jja": (6, 7, 8), "son": (9, 10, 11)}


def made_of(variable: str) -> tuple[str, ...]:
    """Names of all statistics that one quantity gives."""
    if variable in ("air_temperature", "skin_temperature"):
        end = variable.split("_")[0]
        return (variable, f"tdd_{end}", f"fdd_{end}", *(("annual_amplitude",) if end == "air" else ()))
    if variable == "snow_cover":
        return variable, "snow_season"
    if variable == "precipitation":
        return (variable, *(f"precipitation_{season}" for season in SEASONS))
    return (variable,)


QUANTITY_OF: Mapping[str, str] = {statistic: variable for variable in QUANTITIES for statistic in made_of(variable)}
"""Every statistic with the quantity it is made of."""
BY_DAYS = frozenset({"tdd_air", "fdd_air", "tdd_skin", "fdd_skin", "snow_season"})
"""Statistics that are counted by days: monthly means do not give them."""


def field(name: str) -> Field:
    """
    The field of ERA5-Land that a name means: of NetCDF, CDS, GRIB or Earth Engine (with or without "_sum").

    Raises
    ------
    UnknownName
        If no field is meant.

    Examples
    --------
    >>> field("2m_temperature").short, field("total_precipitation_sum").short, field("snow_depth").short
    ('t2m', 'tp', 'sde')
    """
    found = _BY_NAME.get(name.strip().lower().removesuffix("_sum"))
    if found is None:
        raise unknown("ERA5-Land field", name, FIELDS)
    return found


def known_field(name: str) -> str | None:
    """The short name of the field that a name means, or None."""
    found = _BY_NAME.get(name.strip().lower().removesuffix("_sum"))
    return found.short if found else None


def called(name: str, names: Mapping[str, str] | None = None) -> tuple[str | None, str]:
    """
    The field that a name in a file means, None for no field, and the unit stated with it, blank for none.

    Parameters
    ----------
    name : str
        Of a file's variable or a table's column; a unit may follow in brackets.
    names : mapping, optional
        The file's name = ERA5-Land's, which goes before.

    Examples
    --------
    >>> called("t2m"), called("sde [cm]"), called("Wind", {"Wind": "si10 [km/h]"}), called("Wind")
    (('t2m', ''), ('sde', 'cm'), ('si10', 'km/h'), (None, ''))
    """
    meant, _, unit = (names or {}).get(name, name).partition("[")
    return known_field(meant), unit.removesuffix("]").strip()


def quantities(present: Iterable[str], *, wanted: Iterable[str] | None = None,
               transpiration: Literal["unswapped", "as_named"] = "unswapped") -> dict[str, Quantity]:
    """
    What can be made from the fields that are there.

    Parameters
    ----------
    present : iterable of str
        Short names of fields.
    wanted : iterable of str, optional
        Catalogue names; everything that can be made when None.
    transpiration : str
        "unswapped" reads the field that holds it (evabs); "as_named" the field of that name (evavt), as studies that
        do not know the swap have done.

    Raises
    ------
    UnknownName
        If a wanted variable is not made from ERA5-Land.

    Examples
    --------
    >>> list(quantities(["t2m", "u10", "v10"])), quantities(["evavt", "t2m"]).get("transpiration")
    (['air_temperature', 'wind_speed'], None)
    """
    here = set(present)
    names = list(QUANTITIES) if wanted is None else list(dict.fromkeys(wanted))
    made: dict[str, Quantity] = {}
    for name in names:
        if name not in QUANTITIES:
            raise unknown("variable of ERA5-Land", name, QUANTITIES)
        quantity: Quantity = QUANTITIES[name]
        if name == "wind_speed" and "si10" in here:
            quantity = WIND_GIVEN
        if name == "transpiration" and transpiration == "as_named":
            quantity = TRANSPIRATION_AS_NAMED
        if here.issuperset(quantity.fields):
            made[name] = quantity
    return made


_UNITS: Mapping[str, tuple[str, ...]] = {
    "K": ("K", "kelvin"), "m": ("m", "m of water equivalent", "metre", "meters", "m of water"),
    "kg m-3": ("kg m-3", "kg m**-3", "kg/m^3"), "%": ("%", "percent"),
    "m3 m-3": ("m3 m-3", "m**3 m**-3", "m^3/m^3", "volume fraction"),
    "1": ("1", "(0 - 1)", "dimensionless", "(0-1)", "(0,1)"),
    "m2 m-2": ("m2 m-2", "m**2 m**-2", "m^2/m^2", "area fraction"), "m s-1": ("m s-1", "m s**-1", "m/s"),
    "m2 s-2": ("m2 s-2", "m**2 s**-2", "m^2/s^2"), "km h-1": ("km h-1", "km h**-1", "km/h")}
_OTHER: Mapping[tuple[str, str], tuple[float, float]] = {
    ("%", "1"): (100.0, 0.0), ("K", "degC"): (1.0, 273.15), ("m", "mm"): (1e-3, 0.0), ("m", "cm"): (1e-2, 0.0),
    ("1", "%"): (1e-2, 0.0), ("m s-1", "km h-1"): (1 / 3.6, 0.0),
    ("m3 m-3", "%"): (1e-2, 0.0), ("kg m-3", "g cm-3"): (1e3, 0.0)}
_SPELT = {spelling: unit for unit, spellings in _UNITS.items() for spelling in spellings} | {
    "degC": "degC", "°C": "degC", "C": "degC", "Celsius": "degC", "celsius": "degC", "mm": "mm", "cm": "cm",
    "mm day-1": "mm", "mm d-1": "mm", "mm/day": "mm", "g cm**-3": "g cm-3", "g/cm^3": "g cm-3", "g/cm3": "g cm-3",
    "m day-1": "m", "m d-1": "m", "m/day": "m"}

UNTOLD = frozenset({"sde", "u10", "v10", "si10"})
"""Fields whose values do not betray their unit: shallow snow in cm, weak wind in km/h could be metres and m s-1."""


def to_file_unit(short: str, declared: str) -> tuple[float, float]:
    """
    Scale and shift that bring values in a declared unit to the unit `FIELDS` keeps for the field.

    Parameters
    ----------
    short : str
        The field.
    declared : str
        The file's `units`; blank means ERA5-Land's own.

    Raises
    ------
    DataError
        If the unit is not one the field can have.

    Examples
    --------
    >>> to_file_unit("snowc", "1"), to_file_unit("t2m", "degC"), to_file_unit("t2m", "")
    ((100.0, 0.0), (1.0, 273.15), (1.0, 0.0))
    """
    kept = FIELDS[short].units
    unit = _SPELT.get(declared.strip(), declared.strip())
    if unit in ("", kept):
        return 1.0, 0.0
    if (kept, unit) not in _OTHER:
        raise DataError(f"{short}: the file says its unit is {declared!r}, expected {kept!r}. Convert it, or correct "
                        "the file's `units`.")
    return _OTHER[kept, unit]
