"""Predictors of ERA5-Land at a table of sites, from any door, with where and when every value comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.era5land.accumulations import refuse_unknown
from talik.era5land.climate import NO_FIELD, REASONS
from talik.era5land.doors import USERS, Service, door_grids, static_grid
from talik.era5land.fields import QUANTITY_OF, made_of
from talik.era5land.grids import Grid
from talik.era5land.passes import NothingToMake, Pass, plan_pass
from talik.era5land.points import GRAVITY, INSIDE, MARKS, PLACE_REASONS, Places, away, marks, places
from talik.era5land.reduce import Climatology, climatology_of, reduce_cells
from talik.errors import DataError, UsageError, unknown
from talik.frames import as_frame, frame_hash, numbers
from talik.results import Result
from talik.variables import ERA5LAND_TWELVE, VARIABLES

Years = tuple[int, int]
STATISTICS = tuple(dict.fromkeys((*ERA5LAND_TWELVE, *QUANTITY_OF)))
"""Every predictor, the twelve of Liu et al. (2025) first."""
PLACE_COLUMNS = ("cell_latitude", "cell_longitude", "cell_distance_km", "cell_elevation_difference", "land_fraction")
_ICE = "snow_water_equivalent"
"""Read wherever it is there: it tells glaciers."""
STEEPEST = 0.05
"""Beyond any lapse rate [K m-1]."""
_UNCORRECTED = "not corrected for height: "
_FINER = {"hourly": 0, "daily": 1, "monthly": 2, "": 3}


@dataclass(frozen=True, slots=True)
class SitePredictors(Result):
    """
    Predictors at sites.

    Attributes
    ----------
    table : polars.DataFrame
        One row a site: `site_no`, `site`, the predictors in the catalogue's units, the cell they come from,
        `predictor_years` and `predictor_marks`.
    provenance : polars.DataFrame
        One row a site and predictor: value, units, reason where it is missing, data set, files, step, period, its
        overlap with the temperature record, cell, distance, elevation difference, land fraction, `place_reason` where
        one of these two is missing, correction, marks, note.
    """

    table: pl.DataFrame = field(repr=False)
    provenance: pl.DataFrame = field(repr=False)
    settings: Mapping[str, Any] = field(repr=False)
    data_hash: str = field(repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row a site."""
        return self.table

    def missing(self) -> pl.DataFrame:
        """What is missing, one row a reason: which predictors, and at how many sites."""
        return (self.provenance.filter(pl.col("value").is_null()).group_by("reason", maintain_order=True)
                .agg(variables=pl.col("variable").unique(maintain_order=True), sites=pl.col("site_no").n_unique()))

    def __str__(self) -> str:
        here = [name for name in self.table.columns if name in STATISTICS and self.table[name].count()]
        whole = sum(name in here for name in ERA5LAND_TWELVE)
        periods = ", ".join(self.table["predictor_years"].drop_nulls().unique().sort()) or "no years"
        marked = {mark: self.table["predictor_marks"].str.contains(mark).sum() for mark in MARKS}
        marked[_UNCORRECTED[:-2]] = self.provenance["note"].str.starts_with(_UNCORRECTED).sum()
        words = "".join(f"; {mark.replace('_', ' ').lower()}: {n}" for mark, n in marked.items() if n)
        return (f"{len(here)} predictors ({whole} of the 12) at {self.table.height} sites, "
                f"averaged over {periods}{words}")


def site_predictors(sites: Any, source: Any, *, years: Years | None = None, store: str | Path | None = None,
                    variables: Iterable[str] | None = None, dataset: str = "", names: Mapping[str, str] | None = None,
                    static: Iterable[str | Path] = (), accumulation: str | None = None, lapse: float | None = None,
                    reach_km: float = 25.0, transpiration: Literal["unswapped", "as_named"] = "unswapped",
                    temperature_years: Years | None = None, service: Service = USERS, threads: int | None = None,
                    watch: Callable[[Any, str], None] | None = None) -> SitePredictors:
    """
    Predictors of ERA5-Land at sites, averaged over whole years, through any door.

    Parameters
    ----------
    sites : frame
        One row a site: `site`, `latitude`, `longitude`; used where there: `site_no`, `elevation` [m],
        `coordinate_precision_km`, `first_year` and `last_year` of the temperature record.
    source : "cds", "edh", "gee", paths, Grid, sequence of Grid, or Climatology
        The Climate Data Store (needs `years`, `store` and a key), Earth Data Hub (`years`, a token in ~/.netrc; sites
        in Antarctica come from the Climate Data Store), Earth Engine (`years`, `service.project`); local files
        (NetCDF, GRIB, Zarr, zip, Parquet, CSV), or a climatology that `era5land.reduce` wrote.
    years : tuple of int, optional
        First and last whole year; needed by the doors, else the whole years that the files cover.
    store : path, optional
        Folder of downloads, for "cds" and for Antarctica through "edh". A rerun reads what lies there, without network
        or key when all is there, and goes on where it was interrupted.
    variables : iterable of str, optional
        The predictors wanted, of `STATISTICS`; all when None. Leaving out "snow_season" (and the degree-days, where
        the point series fail) spares the Climate Data Store its daily maps: "snow_cover" comes from monthly means.
    dataset, names, accumulation
        Of local files: see `era5land.grids.open_grid` and `era5land.reduce.reduce`.
    static : iterable of path
        Files of geopotential and land-sea mask, for the height and the land fraction of cells; the Climate Data Store's
        data sets hold neither.
    transpiration : str
        "unswapped" or "as_named": see `era5land.fields.quantities`.
    lapse : float, optional
        Lapse rate [K m-1], such as -0.0065, that corrects the mean air temperature for the height of the site over its
        cell; nothing else is corrected. None for no correction.
    reach_km : float
        How far the nearest land cell of a site on the coast may be [km].
    temperature_years : tuple of int, optional
        Of the temperature record of all sites, where the table has no `first_year` and `last_year`.
    service : Service
        Who asks, and where: Service(project="mine") for Earth Engine; else the user's saved keys.
    threads : int, optional
        At work together; the number of CPUs when None.
    watch : callable, optional
        Called as watch(request, words) when something happens to a request; `request` is None for the plan.

    Returns
    -------
    SitePredictors
        Null where a value is missing, with the reason in `provenance`. Where several files serve a predictor, that with
        the finest step does.

    Raises
    ------
    UsageError
        If an argument is missing or unknown, or no key is found where one is needed.
    MissingExtra
        If the door's package is not installed.
    DataError, FileError
        If files contradict themselves or each other, are damaged, or hold none of the predictors.
    RemoteError
        If a service refuses or fails; what was finished is kept, and the same call goes on.
    """
    refuse_unknown(dataset, accumulation)
    if lapse is not None and not abs(lapse) <= STEEPEST:
        raise UsageError(f"lapse: got {lapse:g} K m-1, expected one within {STEEPEST:g}; 6.5 K colder a kilometre is "
                         "lapse=-0.0065")
    frame = _sites(sites)
    asked = STATISTICS if variables is None else tuple(dict.fromkeys(variables))
    for name in asked:
        if name not in QUANTITY_OF:
            raise unknown("predictor of ERA5-Land", name, STATISTICS)
    if lapse is not None and "air_temperature" not in asked:
        raise UsageError("lapse: corrects air_temperature alone, which is not among the predictors asked for")
    wanted = tuple(dict.fromkeys(QUANTITY_OF[name] for name in asked))
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    found = _sources(source, frame, years=years, variables=asked, store=store, dataset=dataset, names=names,
                     watch=watch, service=service)
    statics = [grid for grid in found if isinstance(grid, Grid) and not grid.layers]
    statics += [static_grid(path) for path in static]
    served = [grid for grid in found if not (isinstance(grid, Grid) and not grid.layers)]
    refused: list[str] = []
    parts: list[_Part] = []
    for grid in served:
        try:
            part = _read(grid, frame, wanted, years, accumulation, transpiration, reach_km, threads)
        except NothingToMake as error:
            refused.append(str(error))
            continue
        parts.append(part)
        _keep(rows, part, frame, statics)
    if not parts:
        raise DataError("no predictor can be had: " + ("; ".join(refused) or "the files hold no field with time"))
    if all((part.at.reason != INSIDE).all() for part in parts):
        where = " | ".join(dict.fromkeys(away(part.grid, frame["latitude"], frame["longitude"]) for part in parts[:5]))
        raise DataError(f"no predictor can be had: no site has a land cell of the source, which covers {where}. Give "
                        "files of the sites' area, or mend the coordinates.")
    provenance = _provenance(rows, frame, asked, years, temperature_years, lapse)
    settings = {"source": source if isinstance(source, str) else "files", "years": years, "variables": asked,
                "dataset": dataset, "lapse": lapse, "transpiration": transpiration, "reach_km": reach_km,
                "refused": tuple(refused)}
    return SitePredictors(_table(frame, provenance, asked), provenance, settings,
                          frame_hash(frame.select("site", "latitude", "longitude")))


@dataclass(frozen=True, slots=True)
class _Part:
    """What one grid gives at the sites."""

    values: Mapping[str, NDArray[np.float64]]
    reasons: Mapping[str, NDArray[np.int8]]
    at: Places
    grid: Grid
    told: Mapping[str, Mapping[str, Any]]


def _sites(sites: Any) -> pl.DataFrame:
    frame = as_frame(sites, "sites", required=["site", "latitude", "longitude"])
    if not frame.height:
        raise UsageError("sites: the table has no rows")
    if "site_no" not in frame.columns:
        frame = frame.with_row_index("site_no", offset=1).with_columns(pl.col("site_no").cast(pl.Int64))
    plain = {"latitude", "longitude", "elevation", "coordinate_precision_km"} & set(frame.columns)
    frame = frame.with_columns(numbers(frame, name, "sites").alias(name) for name in plain)
    bad = frame.filter((pl.col("latitude").abs() > 90) | (pl.col("longitude") < -180) | (pl.col("longitude") > 360))
    if bad.height:
        row = bad.row(0, named=True)
        raise DataError(f"sites: {row['site']!r} at latitude {row['latitude']:g}, longitude {row['longitude']:g} is "
                        "not on the globe. Swapped columns?")
    return frame


def _sources(source: Any, frame: pl.DataFrame, *, years: Years | None, variables: Sequence[str], store: Any,
             dataset: str, names: Any, watch: Any, service: Service) -> list[Grid | Climatology]:
    if isinstance(source, (Grid, Climatology)):
        return [source]
    if not isinstance(source, (str, Path)):
        source = list(source)
        if source and all(isinstance(item, (Grid, Climatology)) for item in source):
            return list(source)
    single = source if isinstance(source, (str, Path)) else source[0] if len(source) == 1 else None
    if single is not None and _is_climatology(Path(single)):
        return [climatology_of(single)]
    known = frame.drop_nulls(["latitude", "longitude"])
    return list(door_grids(source, known, years=years, variables=variables, store=store, dataset=dataset, names=names,
                           watch=watch, service=service))


def _is_climatology(path: Path) -> bool:
    import json

    try:
        return "talik_key" in json.loads((path / "zarr.json").read_text(encoding="utf-8")).get("attributes", {})
    except (OSError, ValueError):
        return False


def _read(source: Grid | Climatology, frame: pl.DataFrame, wanted: Sequence[str], years: Years | None,
          accumulation: str | None, transpiration: Any, reach_km: float, threads: int | None) -> _Part:
    lat, lon = frame["latitude"].to_numpy(), frame["longitude"].to_numpy()
    if isinstance(source, Climatology):
        return _from_climatology(source, lat, lon, wanted, years, reach_km)
    passed = plan_pass(source, years=years, variables=wanted, accumulation=accumulation, transpiration=transpiration)
    if _ICE not in wanted and "sd" in source.layers:
        passed = plan_pass(source, years=years, variables=[*wanted, _ICE], accumulation=accumulation,
                           transpiration=transpiration)
    at = places(source, lat, lon, reach_km=reach_km)
    inside = np.flatnonzero(at.row >= 0)
    found, codes = reduce_cells(passed, at.row[inside], at.column[inside], threads=threads)
    values = {name: _spread(array, inside, lat.size, np.nan) for name, array in found.items()}
    reasons = {name: _spread(code, inside, lat.size, 0) for name, code in codes.items()}
    told = {name: _told(passed, variable) for variable in passed.quantities for name in made_of(variable)}
    return _Part(values, reasons, at, source, told)


def _from_climatology(source: Climatology, lat: Any, lon: Any, wanted: Sequence[str], years: Years | None,
                      reach_km: float) -> _Part:
    made = tuple(source.settings["years"])
    if years is not None and tuple(years) != made:
        raise UsageError(f"years: asked for {years[0]}-{years[1]}, the climatology is of {made[0]}-{made[1]}")
    ds = source.dataset
    here = [name for variable in wanted for name in made_of(variable) if name in ds]
    if not here:
        raise DataError(f"the climatology holds none of {', '.join(wanted)}")
    kept = (("lsm", "land_fraction", 1.0), ("z", "cell_elevation", GRAVITY))
    here += [_ICE] if _ICE not in here and _ICE in ds else []
    statics = {short: np.asarray(ds[name].values, float) * factor for short, name, factor in kept if name in ds}
    grid = Grid(ds["latitude"].values.astype(float), ds["longitude"].values.astype(float), {}, statics)
    at = places(grid, lat, lon, reach_km=reach_km, land=ds[f"{here[0]}_reason"].values != 1)
    inside = np.flatnonzero(at.row >= 0)
    values, reasons = {}, {}
    for name in here:
        values[name] = _spread(ds[name].values[at.row[inside], at.column[inside]], inside, lat.size, np.nan)
        reasons[name] = _spread(ds[f"{name}_reason"].values[at.row[inside], at.column[inside]], inside, lat.size, 0)
    told = {name: {"dataset": source.settings["dataset"], "sources": ", ".join(source.settings["sources"]),
                   "step": "climatology", "accumulation": None, "years": made,
                   "note": str(ds[name].attrs.get("comment", "")) or None} for name in here}
    return _Part(values, reasons, at, grid, told)


def _told(passed: Pass, variable: str) -> dict[str, Any]:
    return {"dataset": passed.grid.dataset, "sources": ", ".join(passed.grid.sources),
            "step": passed.layers(variable)[0].step, "accumulation": passed.accumulation.get(variable),
            "years": passed.years, "note": passed.quantities[variable].note or None}


def _spread(found: NDArray[Any], inside: NDArray[np.int64], size: int, blank: float) -> NDArray[Any]:
    whole = np.full(size, blank, found.dtype)
    whole[inside] = found
    return whole


def _keep(rows: dict[tuple[int, str], dict[str, Any]], part: _Part, frame: pl.DataFrame, statics: list[Grid]) -> None:
    """Take up a grid's values, where none is there yet or that of another grid is missing or of a coarser step."""
    elevation, fraction = _statics(part.at, statics)
    elevation = np.where(np.isnan(part.at.cell_elevation), elevation, part.at.cell_elevation)
    fraction = np.where(np.isnan(part.at.land_fraction), fraction, part.at.land_fraction)
    snow = part.values.get(_ICE)
    precision = frame["coordinate_precision_km"].to_numpy() if "coordinate_precision_km" in frame.columns else None
    marked = marks(part.at, precision_km=precision, snow_water=snow, cell_degrees=part.grid.cell_degrees)
    for name, values in part.values.items():
        told = part.told.get(name, {"step": ""})
        for k in range(frame.height):
            place = int(part.at.reason[k])
            reason = PLACE_REASONS[place] or REASONS[int(part.reasons[name][k])]
            value = float(values[k]) if not reason else None
            rank = (value is None, place != 0, not told["step"], _FINER.get(told["step"], 0))
            before = rows.get((k, name))
            if before is not None and before["rank"] <= rank:
                continue
            cell = place == 0
            rows[k, name] = {"rank": rank, "value": value, "reason": reason or None, **told, "marks": marked[k],
                             "cell_latitude": float(part.at.latitude[k]) if cell else None,
                             "cell_longitude": float(part.at.longitude[k]) if cell else None,
                             "cell_distance_km": float(part.at.distance_km[k]) if cell else None,
                             "cell_elevation": None if np.isnan(elevation[k]) else float(elevation[k]),
                             "land_fraction": None if np.isnan(fraction[k]) else float(fraction[k])}


def _statics(at: Places, grids: list[Grid]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Elevation and land fraction of the cells from grids that hold nothing else."""
    elevation, fraction = np.full(at.row.size, np.nan), np.full(at.row.size, np.nan)
    for grid in grids:
        here = places(grid, at.latitude, at.longitude)
        near = here.distance_km < 1.0                     # the same cell, not a coarser one around it
        elevation = np.where(np.isnan(elevation) & near, here.cell_elevation, elevation)
        fraction = np.where(np.isnan(fraction) & near, here.land_fraction, fraction)
    return elevation, fraction


_SCHEMA = {"site_no": pl.Int64, "site": pl.String, "variable": pl.String, "value": pl.Float64, "units": pl.String,
           "reason": pl.String, "dataset": pl.String, "sources": pl.String, "step": pl.String,
           "accumulation": pl.String, "first_year": pl.Int64, "last_year": pl.Int64, "temperature_first_year": pl.Int64,
           "temperature_last_year": pl.Int64, "years_in_common": pl.Int64, "cell_latitude": pl.Float64,
           "cell_longitude": pl.Float64, "cell_distance_km": pl.Float64, "cell_elevation_difference": pl.Float64,
           "land_fraction": pl.Float64, "place_reason": pl.String, "correction": pl.Float64,
           "marks": pl.String, "note": pl.String}


def _provenance(rows: Mapping[tuple[int, str], Mapping[str, Any]], frame: pl.DataFrame, asked: Sequence[str],
                years: Years | None, temperature_years: Years | None, lapse: float | None) -> pl.DataFrame:
    out = []
    height = frame["elevation"].to_list() if "elevation" in frame.columns else [None] * frame.height
    glaciers = {k for (k, name), row in rows.items() if "GLACIER_CELL" in row["marks"]}
    for k, site in enumerate(frame.iter_rows(named=True)):
        record = (site.get("first_year"), site.get("last_year"))
        record = record if None not in record else (temperature_years or (None, None))
        for name in asked:
            row = dict(rows.get((k, name), {"value": None, "reason": REASONS[NO_FIELD], "marks": ()}))
            first, last = row.get("years", years or (None, None))
            apart = (None if row.get("cell_elevation") is None or height[k] is None
                     else row["cell_elevation"] - height[k])
            correction = None
            if name == "air_temperature" and lapse is not None and row["value"] is not None:
                if apart is None:
                    unknown_to = [owner for owner, known in (("site", height[k]), ("cell", row.get("cell_elevation")))
                                  if known is None]
                    row["note"] = f"{_UNCORRECTED}the elevation of the {' and of the '.join(unknown_to)} is unknown"
                else:
                    correction = -lapse * apart                    # a cell above its site is colder than the site
                    row["value"] += correction
            marked = tuple(dict.fromkeys((*row["marks"], *(("GLACIER_CELL",) if k in glaciers else ()))))
            common = (None if first is None or record[0] is None
                      else max(0, min(last, record[1]) - max(first, record[0]) + 1))
            out.append({**{key: row.get(key) for key in _SCHEMA}, "site_no": site["site_no"], "site": str(site["site"]),
                        "variable": name, "units": VARIABLES[name].units, "first_year": first, "last_year": last,
                        "temperature_first_year": record[0], "temperature_last_year": record[1],
                        "years_in_common": common, "cell_elevation_difference": apart, "correction": correction,
                        "place_reason": _place_reason(row, height[k]),
                        "marks": ";".join(marked), "value": row["value"]})
    return pl.DataFrame(out, schema=_SCHEMA, orient="row")


def _place_reason(row: Mapping[str, Any], height: float | None) -> str | None:
    """Why height difference or land fraction is missing."""
    if row.get("cell_latitude") is None:
        return row.get("reason")
    said = {"no geopotential (z) of the cell, static file needed": row.get("cell_elevation") is None,
            "no elevation of the site": height is None,
            "no land-sea mask (lsm), static file needed": row.get("land_fraction") is None}
    return "; ".join(words for words, lacking in said.items() if lacking) or None


def _table(frame: pl.DataFrame, provenance: pl.DataFrame, asked: Sequence[str]) -> pl.DataFrame:
    """One row a site; the cell is that of most of its predictors."""
    order = [name for name in STATISTICS if name in asked]
    values = provenance.pivot(on="variable", index=["site_no", "site"], values="value", aggregate_function="first",
                              maintain_order=True).select("site_no", "site", *order)
    period = pl.format("{}-{}", "first_year", "last_year")
    used = period.filter(pl.col("value").is_not_null()).unique(maintain_order=True)
    cells = (provenance.filter(pl.col("value").is_not_null() | pl.col("cell_latitude").is_not_null())
             .group_by("site_no", maintain_order=True)
             .agg(*(pl.col(name).drop_nulls().mode(maintain_order=True).first() for name in PLACE_COLUMNS),
                  predictor_years=used.str.join(", "),
                  predictor_years_in_common=pl.col("years_in_common").min(),
                  predictor_marks=pl.col("marks").str.split(";").explode(empty_as_null=True).unique(
                      maintain_order=True).drop_nulls().str.join(";").str.strip_chars(";")))
    return values.join(cells, on="site_no", how="left", maintain_order="left")
