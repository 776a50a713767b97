"""The thawed layer of every year: thickness with its bracket, temperature at the top of permafrost, zero amplitude."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from talik.errors import DataError, UsageError
from talik.kernels.profile import Reading, Thaw, at_depth, thaw_depth, zero_amplitude_depth
from talik.records import Record
from talik.results import Result
from talik.series.annual import AnnualMeans, annual_means
from talik.series.completeness import Completeness
from talik.series.filling import Filling
from talik.series.uncertainty import Sensors, combined

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]
_CODES = {"found": "", "deeper": "censored_deep", "shallower": "censored_shallow", "no_profile": "no_profile"}


@dataclass(frozen=True, slots=True)
class ThawOptions:
    """
    How thickness, top of permafrost and zero amplitude are read off a profile.

    Parameters
    ----------
    method : {"interpolate", "extrapolate"}
        The line between the last thawed and the first frozen sensor, or the line through the two lowest thawed
        ones drawn on within that bracket (where latent heat bends the profile).
    freezing_point : float
        Temperature that counts as frozen [°C].
    reach : float
        Where no two sensors bracket the top of permafrost, the first one at most this far below it serves [m].
    zero_amplitude : float
        Half range that counts as no amplitude [K].
    """

    method: Literal["interpolate", "extrapolate"] = "interpolate"
    freezing_point: float = 0.0
    reach: float = 0.3
    zero_amplitude: float = 0.1

    def __post_init__(self) -> None:
        if self.method not in ("interpolate", "extrapolate"):
            raise UsageError(f"thaw method {self.method!r}: expected 'interpolate' or 'extrapolate'")
        if self.reach < 0 or self.zero_amplitude <= 0:
            raise UsageError("thaw options: reach must not be negative and zero_amplitude must be positive, "
                             f"got {self.reach} m and {self.zero_amplitude} K")


@dataclass(frozen=True, slots=True)
class ThawYear:
    """
    One year's thawed layer.

    Parameters
    ----------
    year : int
    alt, alt_lower, alt_upper, alt_uncertainty : float
        Active layer thickness, the bracket the sensors give (infinite above when the string is too short),
        and the standard uncertainty [m]: calibration, bend between sensors, days missing at the peak, and depth where
        `Sensors` says it; NaN for a given thickness without it. `alt` is NaN where censored; the bracket still holds.
    alt_bias_bound : float
        How far missing days can have moved it [m]: deeper, since with days missing a maximum is a lower bound; where a
        sensor without a whole year lies in the bracket, anywhere within that.
    alt_source : str
        "envelope" of annual maxima, or "given".
    ttop, ttop_depth, ttop_distance, ttop_uncertainty, ttop_bias_bound : float
        Mean annual temperature at the top of permafrost [°C], the depth it was read at [m], how far the sensors
        that gave it are from there [m], its standard uncertainty, and how far missing days, of these sensors and of any
        between them without a whole year, can have moved it [K].
    dzaa, dzaa_temperature : float
        Depth of zero annual amplitude [m] and the mean annual temperature there [°C].
    dzaa_bias_bound, dzaa_uncertainty : float
        How far missing days can have moved it [m]: deeper, or, where a sensor without a whole year lies between the two
        it is read off, anywhere between them; and the standard uncertainty by these, spacing, rounding and depth [m].
    alt_reason, ttop_reason, dzaa_reason : str
        Codes of `talik.series.completeness.REASONS`.
    """

    year: int
    alt: float
    alt_lower: float
    alt_upper: float
    alt_uncertainty: float
    alt_bias_bound: float
    alt_source: str
    alt_reason: str
    ttop: float
    ttop_depth: float
    ttop_distance: float
    ttop_uncertainty: float
    ttop_bias_bound: float
    ttop_reason: str
    dzaa: float
    dzaa_temperature: float
    dzaa_bias_bound: float
    dzaa_uncertainty: float
    dzaa_reason: str


@dataclass(frozen=True, slots=True)
class ActiveLayer(Result):
    """The thawed layer of every year of a record; see `ThawYear` for the columns."""

    site: str
    years: tuple[ThawYear, ...]
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row a year."""
        import polars as pl

        names = ThawYear.__slots__
        frame = pl.DataFrame({"site": [self.site] * len(self.years),
                              **{name: [getattr(y, name) for y in self.years] for name in names}},
                             schema_overrides={n: pl.Float64 for n in names if ThawYear.__annotations__[n] == "float"})
        return frame.with_columns(pl.col(pl.Float64).fill_nan(None))

    def __str__(self) -> str:
        known = [y.alt for y in self.years if y.alt_reason == ""]
        if not known:
            codes = ", ".join(sorted({y.alt_reason for y in self.years}))
            years = f"{len(self.years)} year{'s' * (len(self.years) != 1)}"
            return f"{self.site}: no active layer thickness in {years} ({codes})"
        return (f"{self.site}: active layer {np.mean(known):.2f} m (n = {len(known)} of {len(self.years)} years, "
                f"{min(known):.2f} to {max(known):.2f} m)")


def active_layer(record: Record, *, completeness: Completeness | str = "default", year_start: str | None = None,
                 fill: Filling | None = None, sensors: Sensors | None = None, options: ThawOptions | None = None,
                 alt: float | Mapping[int, float] | None = None) -> ActiveLayer:
    """
    Active layer thickness from the envelope of annual maxima, and the temperature at the top of permafrost.

    Parameters
    ----------
    record : Record
        Its columns at 0 m and below make the profile; columns at the same depth are averaged.
    completeness, year_start, fill, sensors
        As for `annual_means`. Only sensors with a whole year take part.
    options : ThawOptions, optional
        How the profile is read.
    alt : float or mapping of year to float, optional
        Thickness from elsewhere (probing) [m], in place of the envelope's.

    Raises
    ------
    DataError
        If no column has a known depth at or below the surface.

    Notes
    -----
    A *daily mean* envelope: a single warm hour does not deepen the layer. Latent heat bends the envelope at the thaw
    front, steep above and flat below, so that the straight line between thawed and frozen sensor errs towards *thick*:
    in simulated columns with phase change always, by 0.04 m between sensors 0.1 m apart and by 0.2 m between sensors
    up to a metre apart. The uncertainty includes it; the bracket holds all the same. "extrapolate" errs less, a
    little towards thin (by 0.08 m on average there), but needs two thawed sensors.
    Where days are missing that may have been the warmest (`AnnualMeans.high_bound`) and the layer may have reached the
    next sensor then, there is no thickness ("peak_missing") and the bracket is wider; else the uncertainty is.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2021-01-01", dtype="M8[D]")
    >>> wave = np.cos(2 * np.pi * (np.arange(366) - 200) / 366)[:, None]
    >>> z = np.array([0.0, 0.5, 1.0, 2.0])
    >>> print(active_layer(Record("Barrow", t, z, -4 + 10 * np.exp(-z) * wave)))
    Barrow: active layer 0.93 m (n = 1 of 1 years, 0.93 to 0.93 m)
    """
    annual = annual_means(record, completeness=completeness, year_start=year_start, fill=fill, sensors=sensors)
    return layer_of(annual, sensors=sensors, options=options, alt=alt)


def layer_of(annual: AnnualMeans, *, columns: NDArray[np.int64] | None = None, sensors: Sensors | None = None,
             options: ThawOptions | None = None, alt: float | Mapping[int, float] | None = None) -> ActiveLayer:
    """
    The thawed layer of years that are already there, from `columns` or from all at or below the surface.

    Raises
    ------
    DataError
        If there is no such column.
    """
    chosen, known = options or ThawOptions(), sensors or Sensors()
    ground = np.flatnonzero(annual.depths >= 0) if columns is None else columns
    if not ground.size:
        raise DataError(f"{annual.site}: no column has a known depth at or below the surface; "
                        "give depths=... when reading")
    depths, position = np.unique(annual.depths[ground], return_inverse=True)

    def profiles(values: Floats) -> Floats:
        if depths.size == ground.size:
            return values[:, ground[np.argsort(position)]]
        return np.column_stack([_mean_of(values[:, ground[position == k]]) for k in range(depths.size)])

    coldest, warmest = (np.clip(bound, -100.0, 100.0) for bound in (annual.low_bound, annual.high_bound))
    profile = [profiles(values) for values in (annual.mean, annual.low, annual.high, coldest, warmest,
                                               np.sqrt(np.maximum(annual.uncertainty**2 - np.nan_to_num(
                                                   annual.depth_uncertainty)**2, 0.0)),
                                               *(np.broadcast_to(part, annual.mean.shape) for part in (
                                                   annual.calibration, annual.rounding)),
                                               annual.least_mean, annual.most_mean)]
    years = []
    for i, year in enumerate(annual.year.tolist()):
        own = _Profile(depths, *(values[i] for values in profile))
        given = alt.get(year, np.nan) if isinstance(alt, Mapping) else alt
        thaw = _envelope_thaw(own, chosen, known) if given is None else _given_thaw(float(given), known)
        years.append(_thaw_year(year, own, thaw, chosen, known))
    settings = {**annual.settings, "thaw": {name: getattr(chosen, name) for name in ThawOptions.__slots__},
                "alt": dict(alt) if isinstance(alt, Mapping) else alt}
    return ActiveLayer(annual.site, tuple(years), settings, annual.data_hash)


def _mean_of(values: Floats) -> Floats:
    """Row means over the columns that have a value; NaN where none has."""
    n = np.count_nonzero(~np.isnan(values), axis=1)
    return np.where(n > 0, np.nansum(values, axis=1) / np.maximum(n, 1), np.nan)


@dataclass(frozen=True, slots=True)
class _Profile:
    """One year by depth: mean, extremes, how far missing days may exceed them, errors of mean and value, range."""

    depths: Floats
    mean: Floats
    low: Floats
    high: Floats
    low_bound: Floats
    high_bound: Floats
    error: Floats
    calibration: Floats
    rounding: Floats
    least: Floats
    most: Floats


@dataclass(frozen=True, slots=True)
class _Layer:
    """A thickness [m] with its bracket, its source, what missing days leave open, and its error but for depths."""

    alt: float
    lower: float
    upper: float
    source: str
    reason: str
    open: float = np.nan
    error: float = np.nan


def _envelope_thaw(own: _Profile, options: ThawOptions, sensors: Sensors) -> _Layer:
    thaw, most = (thaw_depth(own.depths, envelope, method=options.method, freezing_point=options.freezing_point)
                  for envelope in (own.high, own.high_bound))
    reason = "several_crossings" if thaw.crossings > 1 else _CODES[thaw.bottom]
    if not reason and (most.bottom != "found" or most.last_thawed > thaw.last_thawed):
        reason = "peak_missing"
    if not reason and _never_froze(own, thaw.last_thawed, options.freezing_point):
        reason = "talik"
    if reason:
        return _Layer(np.nan, thaw.last_thawed, most.first_frozen, "envelope", reason)
    deeper = open_by = abs(most.depth - thaw.depth)
    if _sensor_lost(own, _top_of_reading(own, thaw, options), thaw.first_frozen):
        open_by = max(thaw.depth - thaw.last_thawed, thaw.first_frozen - thaw.depth)
    # a bracket made wide by a lost sensor is in the error of interpolation already
    within = max(np.hypot(thaw.interpolation_error, deeper / np.sqrt(3)), open_by / np.sqrt(3))
    error = combined(_moved_by_readings(own, thaw, options), within)
    return _Layer(thaw.depth, thaw.last_thawed, thaw.first_frozen, "envelope", "", open_by, float(error))


def _never_froze(own: _Profile, last_thawed: float, freezing_point: float) -> bool:
    """Whether a sensor of the thawed layer stayed thawed all year, by more than its readings may be off."""
    sure = own.low_bound - 2 * np.hypot(own.calibration, own.rounding) > freezing_point
    return bool((sure & (own.depths <= last_thawed)).any())


def _moved_by_readings(own: _Profile, thaw: Thaw, options: ThawOptions) -> float:
    """How far an error of all readings moves a thickness [m], into the next bracket if it must be."""
    moved, ends = [], {"deeper": own.depths[~np.isnan(own.high)][-1], "shallower": 0.0}
    for error in (np.hypot(own.calibration, own.rounding) * sign for sign in (-1, 1)):
        other = thaw_depth(own.depths, own.high + error, method=options.method, freezing_point=options.freezing_point)
        moved.append(abs(ends.get(other.bottom, other.depth) - thaw.depth))
    return float(max(moved))


def _top_of_reading(own: _Profile, thaw: Thaw, options: ThawOptions) -> float:
    """The depth of the highest sensor that has a say in a thickness [m]."""
    above = own.depths[(own.depths < thaw.last_thawed) & ~np.isnan(own.high)]
    if options.method == "interpolate":
        return thaw.last_thawed
    return float(above[-1]) if above.size else -np.inf


def _sensor_lost(own: _Profile, above: float, below: float) -> bool:
    """Whether a sensor that measures, but not this whole year, lies between two that do."""
    between = (own.depths > above) & (own.depths < below)
    return bool((between & np.isnan(own.high) & ~np.isnan(own.least)).any())


def _given_thaw(alt: float, sensors: Sensors) -> _Layer:
    if np.isnan(alt):
        return _Layer(alt, alt, alt, "given", "not_given")
    return _Layer(alt, alt, alt, "given", "", 0.0, np.nan if sensors.depth is None else 0.0)


def _thaw_year(year: int, own: _Profile, layer: _Layer, options: ThawOptions, sensors: Sensors) -> ThawYear:
    placed = sensors.depth or 0.0
    top, distance, reason = _top(own.depths, own.mean, layer.alt, options.reach)
    reason = layer.reason or reason
    sensor = at_depth(own.depths, own.error, top.above if distance else layer.alt).value if not reason else np.nan
    slope = 0.0 if np.isnan(top.gradient) else abs(top.gradient)
    # sensors that lie deeper than stated show too thin a layer, but the temperature at its base all the same
    off = np.nan_to_num(layer.error) if layer.source == "envelope" else placed * np.sqrt(2)
    top_error = float(combined(sensor, slope * off, slope * distance / np.sqrt(3)))
    return ThawYear(
        year, layer.alt, layer.lower, layer.upper, float(np.hypot(layer.error, placed)), layer.open, layer.source,
        layer.reason, top.value if not reason else np.nan, (layer.alt + distance) if not reason else np.nan,
        max(distance, _reach_of(top, layer.alt)) if not reason else np.nan, top_error,
        _top_bound(own, layer, top.value) if not reason else np.nan, reason,
        *_zero_amplitude(own, options.zero_amplitude, placed))


def _zero_amplitude(own: _Profile, threshold: float, placed: float) -> tuple[float, float, float, float, str]:
    """Depth of zero amplitude, the temperature there, what missing days leave open of it, its error, the reason."""
    zero, most = (zero_amplitude_depth(own.depths, amplitude / 2, threshold=threshold)
                  for amplitude in (own.high - own.low, own.high_bound - own.low_bound))
    reason = _CODES[zero.bottom]
    if not reason and most.bottom != "found":
        reason = "peak_missing"
    if reason:
        return np.nan, np.nan, np.nan, np.nan, reason
    deeper = open_by = most.depth - zero.depth
    if _sensor_lost(own, zero.above, zero.below):
        open_by = max(most.depth - zero.above, zero.below - zero.depth)
    within = max(np.hypot(zero.interpolation_error, deeper / np.sqrt(3)), open_by / np.sqrt(3))
    half_range = np.interp(zero.depth, own.depths, own.rounding) / np.sqrt(2)
    return (zero.depth, at_depth(own.depths, own.mean, zero.depth).value, open_by,
            float(combined(within, half_range / zero.gradient, placed)), "")


def _top(depths: Floats, mean: Floats, alt: float, reach: float) -> tuple[Reading, float, str]:
    """The mean annual temperature at the thickness, how far below it the sensor is, and the reason if there is none."""
    if np.isnan(alt):
        return Reading(np.nan, np.nan, np.nan, np.nan), np.nan, "no_profile"
    between = at_depth(depths, mean, alt)
    if not np.isnan(between.value):
        return between, 0.0, ""
    below = np.flatnonzero((depths >= alt) & (depths <= alt + reach) & ~np.isnan(mean))
    if not below.size:
        return between, np.nan, "outside_string" if not np.isnan(mean).all() else "no_profile"
    nearest = float(depths[below[0]])
    return at_depth(depths, mean, nearest), nearest - alt, ""


def _top_bound(own: _Profile, layer: _Layer, value: float) -> float:
    """The most by which missing days can have moved the temperature at the top [K], by all sensors that measure."""
    known = ~np.isnan(own.least)
    z, ends = own.depths[known], np.clip([layer.alt - layer.open, layer.alt + layer.open], layer.lower, layer.upper)
    at = np.r_[ends, z[(z > ends[0]) & (z < ends[1])]]
    lowest, highest = (np.interp(at, z, edge[known]) for edge in (own.least, own.most))
    bound = float(max(value - lowest.min(), highest.max() - value))
    return bound if bound > 1e-9 else 0.0


def _reach_of(top: Reading, alt: float) -> float:
    """Distance from `alt` to the farther of the two sensors that gave the value [m]."""
    return max(abs(top.below - alt), abs(alt - top.above)) if not np.isnan(alt) else np.nan
