"""The catalogue: one name, unit, range and label for every quantity; the regions and classes; nobody else spells units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from talik.errors import unknown

Kind = Literal["temperature", "difference", "length", "index", "fraction", "coordinate", "rate", "density", "other"]


@dataclass(frozen=True, slots=True)
class Variable:
    """
    A quantity talik knows: how it is called, in what unit it is kept, and what values are possible.

    Parameters
    ----------
    name : str
        The one name: column, argument, attribute, option.
    units : str
        Unit in which it is kept, in UDUNITS spelling.
    valid : tuple of float
        Smallest and largest possible value.
    label : str
        For axes and tables, without unit.
    symbol : str
        The field's abbreviation, when it has one.
    standard_name : str
        CF standard name, when there is one.
    aliases : tuple of str
        Other names under which it is met in files.
    kind : str
        What sort of number it is.

    Examples
    --------
    >>> variable("snow_depth").units, variable("sde").name, variable("MAAT").label
    ('m', 'snow_depth', 'Mean annual air temperature')
    >>> variable("snow_depht")
    Traceback (most recent call last):
    ...
    talik.errors.UnknownName: unknown variable 'snow_depht'. Did you mean 'snow_depth'? ...
    """

    name: str
    units: str
    valid: tuple[float, float]
    label: str
    symbol: str = ""
    standard_name: str = ""
    aliases: tuple[str, ...] = ()
    kind: Kind = "other"

    @property
    def short(self) -> str:
        """The symbol when there is one, else the label."""
        return self.symbol or self.label

    @property
    def axis_label(self) -> str:
        """Label with unit as it is written on an axis."""
        return f"{self.label} ({shown_unit(self.units)})" if self.units != "1" else self.label


_SHOWN = {"degC": "°C", "K": "°C", "m3 m-3": "m³ m⁻³", "kg m-3": "kg m⁻³", "m s-1": "m s⁻¹", "K d": "°C d",
          "mm a-1": "mm a⁻¹", "m2 m-2": "m² m⁻²", "degrees_north": "°N", "degrees_east": "°E", "K K-1": "°C per SD"}


def shown_unit(units: str) -> str:
    """A unit as it is printed for people; temperature differences are shown in °C, as the field does."""
    return _SHOWN.get(units, units)


def _t(name: str, symbol: str, label: str, *aliases: str, standard_name: str = "") -> Variable:
    return Variable(name, "degC", (-60.0, 45.0), label, symbol, standard_name, aliases, "temperature")


_VARIABLES = (
    # temperatures and offsets
    _t("air_temperature", "Ta", "Air temperature", "ta", "t2m", "tair", "air_temp", standard_name="air_temperature"),
    _t("ground_temperature", "Tg", "Ground temperature", "tg", "soil_temperature", "temperature",
       standard_name="temperature_in_ground"),
    _t("maat", "MAAT", "Mean annual air temperature", "maat_c", "mean_annual_air_temperature"),
    _t("magst", "MAGST", "Mean annual ground surface temperature", "magst_c", "mags", "gst"),
    _t("ttop", "TTOP", "Mean annual temperature at the top of permafrost", "ttop_c", "t_top"),
    Variable("surface_offset", "K", (-15.0, 25.0), "Surface offset", "SO", "", ("so", "so_c"), "difference"),
    Variable("thermal_offset", "K", (-15.0, 15.0), "Thermal offset", "TO", "", ("to", "to_c"), "difference"),
    Variable("nival_offset", "K", (-5.0, 30.0), "Nival part of the surface offset", "", "", (), "difference"),
    Variable("vegetation_offset", "K", (-20.0, 10.0), "Vegetation part of the surface offset", "", "", (), "difference"),
    Variable("alt", "m", (0.0, 30.0), "Active layer thickness", "ALT", "", ("alt_m", "active_layer_thickness"), "length"),
    Variable("tdd_air", "K d", (0.0, 8000.0), "Thawing degree-days of the air", "TDDa", "", ("tdd_a",), "index"),
    Variable("fdd_air", "K d", (0.0, 20000.0), "Freezing degree-days of the air", "FDDa", "", ("fdd_a",), "index"),
    Variable("tdd_surface", "K d", (0.0, 8000.0), "Thawing degree-days of the ground surface", "TDDs", "", ("tdd_s",), "index"),
    Variable("fdd_surface", "K d", (0.0, 20000.0), "Freezing degree-days of the ground surface", "FDDs", "", ("fdd_s",), "index"),
    Variable("n_thaw", "1", (0.0, 10.0), "Thawing n-factor", "nt", "", ("nt", "n_t"), "index"),
    Variable("n_freeze", "1", (0.0, 5.0), "Freezing n-factor", "nf", "", ("nf", "n_f"), "index"),
    Variable("rk_apparent", "1", (-5.0, 5.0), "Apparent conductivity ratio", "rk*", "", ("rk",), "index"),
    Variable("dzaa", "m", (0.0, 60.0), "Depth of zero annual amplitude", "DZAA", "", (), "length"),
    Variable("zero_curtain_days", "d", (0.0, 366.0), "Zero-curtain days", "", "", (), "index"),
    Variable("thermal_diffusivity", "m2 s-1", (0.0, 1e-4), "Apparent thermal diffusivity", "", "", (), "other"),
    # where
    Variable("latitude", "degrees_north", (-90.0, 90.0), "Latitude", "", "latitude", ("lat",), "coordinate"),
    Variable("longitude", "degrees_east", (-180.0, 180.0), "Longitude", "", "longitude", ("lon", "long", "lng"),
             "coordinate"),
    Variable("elevation", "m", (-450.0, 8850.0), "Elevation", "", "surface_altitude",
             ("elevation_m", "elev", "altitude", "alt_asl"), "length"),
    # drivers: the paper's twelve, and what stands beside them
    Variable("snow_depth", "m", (0.0, 20.0), "Snow depth", "", "surface_snow_thickness", ("sde", "snowdepth"), "length"),
    Variable("snow_density", "kg m-3", (50.0, 920.0), "Snow density", "", "snow_density", ("rsn",), "density"),
    Variable("snow_cover", "1", (0.0, 1.0), "Snow cover fraction", "", "surface_snow_area_fraction",
             ("snowc", "snow_cover_fraction"), "fraction"),
    Variable("snow_water_equivalent", "m", (0.0, 12.0), "Snow water equivalent", "SWE", "lwe_thickness_of_surface_snow_amount",
             ("sd", "swe"), "length"),
    Variable("soil_water_1", "m3 m-3", (0.0, 1.0), "Soil water 0-7 cm", "", "volume_fraction_of_condensed_water_in_soil",
             ("swvl1", "swc1", "volumetric_soil_water_layer_1"), "fraction"),
    Variable("soil_water_2", "m3 m-3", (0.0, 1.0), "Soil water 7-28 cm", "", "volume_fraction_of_condensed_water_in_soil",
             ("swvl2", "swc2", "volumetric_soil_water_layer_2"), "fraction"),
    Variable("soil_water_3", "m3 m-3", (0.0, 1.0), "Soil water 28-100 cm", "", "volume_fraction_of_condensed_water_in_soil",
             ("swvl3", "swc3", "volumetric_soil_water_layer_3"), "fraction"),
    Variable("soil_water_4", "m3 m-3", (0.0, 1.0), "Soil water 100-289 cm", "", "volume_fraction_of_condensed_water_in_soil",
             ("swvl4", "swc4", "volumetric_soil_water_layer_4"), "fraction"),
    Variable("precipitation", "mm a-1", (0.0, 12000.0), "Total precipitation", "", "lwe_thickness_of_precipitation_amount",
             ("tp", "total_precipitation", "precip"), "rate"),
    Variable("transpiration", "mm a-1", (-300.0, 3000.0), "Evaporation from vegetation transpiration", "", "",
             ("evavt", "evaporation_from_vegetation_transpiration"), "rate"),
    Variable("albedo", "1", (0.0, 1.0), "Albedo", "", "surface_albedo", ("fal", "forecast_albedo"), "fraction"),
    Variable("lai_high", "m2 m-2", (0.0, 12.0), "Leaf area index of high vegetation", "", "leaf_area_index",
             ("lai_hv", "leaf_area_index_high_vegetation"), "other"),
    Variable("wind_speed", "m s-1", (0.0, 60.0), "10 m wind speed", "", "wind_speed", ("si10", "wind", "ws10"), "other"),
    Variable("skin_temperature", "degC", (-90.0, 70.0), "Skin temperature", "", "surface_temperature", ("skt",), "temperature"),
    Variable("tdd_skin", "K d", (0.0, 8000.0), "Thawing degree-days of the skin", "", "", (), "index"),
    Variable("fdd_skin", "K d", (0.0, 25000.0), "Freezing degree-days of the skin", "", "", (), "index"),
    *(Variable(f"precipitation_{season}", "mm", (0.0, 6000.0), f"Precipitation {months}", "", "", (), "length")
      for season, months in (("djf", "December-February"), ("mam", "March-May"), ("jja", "June-August"),
                             ("son", "September-November"))),
    Variable("annual_amplitude", "K", (0.0, 60.0), "Annual amplitude of air temperature", "", "", (), "difference"),
    Variable("snow_season", "d", (0.0, 366.0), "Snow season length", "", "", ("snow_season_length",), "index"),
)

VARIABLES: Mapping[str, Variable] = {v.name: v for v in _VARIABLES}
_BY_ALIAS = {alias.lower(): v for v in _VARIABLES for alias in (v.name, v.symbol, v.standard_name, *v.aliases) if alias
             and not (alias == v.standard_name and v.name.startswith("soil_water_") and v.name != "soil_water_1")}

ERA5LAND_TWELVE = ("snow_depth", "snow_density", "snow_cover", "soil_water_1", "soil_water_2", "soil_water_3",
                   "soil_water_4", "precipitation", "transpiration", "albedo", "lai_high", "wind_speed")
"""The twelve ERA5-Land predictors of Liu et al. 2025, in the order of its Methods."""

SNOW = ("snow_depth", "snow_density", "snow_cover")
MOISTURE = ("precipitation", "soil_water_1", "soil_water_2", "soil_water_3", "soil_water_4")
COORDINATES = ("latitude", "longitude")


def variable(name: str) -> Variable:
    """
    The catalogue's entry for a name or one of its aliases, whatever the case.

    Raises
    ------
    UnknownName
        If neither a name nor an alias is meant; the message names the nearest.
    """
    found = _BY_ALIAS.get(name.strip().lower())
    if found is None:
        raise unknown("variable", name, VARIABLES)
    return found


def label(name: str) -> str:
    """The axis label of a variable, or the name itself, made readable, when the catalogue does not know it."""
    found = _BY_ALIAS.get(name.strip().lower())
    return found.axis_label if found else name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Region:
    """A pole, or a part of one: its name, colour-blind-safe colour, marker and sub-regions, in the order of drawing."""

    name: str
    colour: str
    marker: str = "o"
    subregions: tuple[str, ...] = field(default=())


REGIONS: Mapping[str, Region] = {r.name: r for r in (
    Region("Arctic", "#0072B2", "o", ("Alaska", "Canada", "Russia", "Nordic", "Svalbard", "Greenland")),
    Region("Third Pole", "#D55E00", "s", ("Tibetan Plateau",)),
    Region("Antarctica", "#009E73", "^", ("Antarctica",)),
)}
OTHER_COLOURS = ("#CC79A7", "#56B4E9", "#E69F00", "#7F7F7F", "#F0E442")
"""For regions that the catalogue does not know (Okabe and Ito's palette, then grey)."""

VEGETATION = ("Forest", "Shrub", "Tundra", "Grassland", "Wetland/Swamp meadow", "No vegetation")
SOIL = ("loam", "sand", "gravel", "peat", "clay")
