"""The doors to ERA5-Land behind one interface: files, the Climate Data Store, Earth Data Hub, Earth Engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from talik.era5land.boxes import Box, boxes
from talik.era5land.fields import FIELDS, QUANTITIES, QUANTITY_OF, known_field
from talik.era5land.grids import Grid, grid_of, open_grid, open_grids
from talik.era5land.offers import offered, priced
from talik.era5land.requests import DAYS, HOURS, MONTHS, POINTS, Plan, plan
from talik.era5land.wire import USUAL, Account, Patience, account, has_key
from talik.errors import DataError, RemoteError, UsageError, missing_extra, unknown

DOORS: tuple[str, ...] = ("cds", "edh", "gee")

EDH_STORE = "https://data.earthdatahub.destine.eu/era5/era5-land-v0.zarr"
EDH_DATASET = "era5-land-v0"
GEE_DATASET = "ECMWF/ERA5_LAND/DAILY_AGGR"
GEE_HOURS = "ECMWF/ERA5_LAND/HOURLY"
"""Read for wind speed alone: the daily collection has the mean components, whose length is not the mean speed."""
ANTARCTICA = -60.0
"""Latitude south of which Earth Data Hub has no ERA5-Land [degrees]."""


@dataclass(frozen=True, slots=True)
class Service:
    """
    Who asks the services, and where they are.

    Parameters
    ----------
    project : str
        Of Earth Engine.
    url, key : str, optional
        Of the Climate Data Store; the user's saved ones (see `era5land.wire.account`) when None.
    hub : str
        Address or folder of Earth Data Hub's store.
    patience : Patience
        How long to wait for what.
    """

    project: str = ""
    url: str | None = None
    key: str | None = field(default=None, repr=False)
    hub: str = EDH_STORE
    patience: Patience = USUAL

    @property
    def account(self) -> Account | None:
        """The account at the Climate Data Store; None where no key is given or saved."""
        return account(self.url, self.key) if self.key or has_key() else None


USERS = Service()
"""The services at their own addresses, with the user's saved keys."""


def request_plan(sites: pl.DataFrame, years: tuple[int, int], variables: Iterable[str] | None = None, *,
                 store: str | Path | None = None, service: Service = USERS, price: bool = False,
                 watch: Callable[[Any, str], None] | None = None) -> Plan:
    """
    The requests to the Climate Data Store that bring the variables to the sites, with their cost; none is sent.

    Where a key is given or saved, the service is asked what its points have (kept in `store`), and with `price` what
    each request costs; without a key nobody is asked, and the cost is talik's own estimate.

    Raises
    ------
    RemoteError
        If the service refuses the key.
    UsageError, DataError
        See `era5land.requests.plan`.
    """
    who = service.account
    here = offered(who, None if store is None else Path(store), patience=service.patience, watch=watch)
    planned = plan(sites, years, list(QUANTITY_OF) if variables is None else list(variables), at_points=here)
    return priced(planned, who, patience=service.patience) if price and who is not None else planned


def door_grids(source: Any, sites: pl.DataFrame, *, years: tuple[int, int] | None = None,
               variables: Iterable[str] | None = None, store: str | Path | None = None, dataset: str = "",
               names: Mapping[str, str] | None = None, service: Service = USERS,
               watch: Callable[[Any, str], None] | None = None, fallback: str | None = "cds") -> list[Grid]:
    """
    Grids that hold the wanted fields at the sites, through one of the doors.

    Parameters
    ----------
    source : "cds", "edh", "gee", or paths of files
        Climate Data Store, Earth Data Hub, Earth Engine, or local files.
    sites : polars.DataFrame
        `site`, `latitude`, `longitude`.
    years, variables
        What is wanted; years are needed by every door but files.
    store : path, optional
        Folder of downloads, for "cds".
    dataset, names
        Of local files: see `open_grids`.
    service : Service
        Who asks, and where.
    watch : callable, optional
        Told what happens to each request.
    fallback : str or None
        The door for sites that Earth Data Hub lacks (Antarctica); None to leave them without values.

    Returns
    -------
    list of Grid

    Raises
    ------
    MissingExtra
        If a door's package is not installed.
    UsageError
        If years or a folder are missing.
    """
    if not isinstance(source, str) or source not in DOORS:
        return open_grids(source, dataset=dataset, names=names)
    if years is None:
        raise UsageError(f"years: the door {source!r} needs the first and last year, as years=(2014, 2023)")
    wanted = list(QUANTITY_OF) if variables is None else list(variables)
    if source == "cds":
        return _climate_data_store(sites, years, wanted, store, watch, service)
    if source == "gee":
        return _earth_engine_grids(years, wanted, sites, service.project)
    south = sites.filter(pl.col("latitude") < ANTARCTICA)
    north = sites.filter(pl.col("latitude") >= ANTARCTICA)
    found: list[Grid] = []
    if north.height:
        found.append(earth_data_hub(wanted, store=service.hub))
    if south.height:
        if fallback is None:
            return found
        if fallback != "cds":
            raise unknown("fallback of Earth Data Hub", fallback, ["cds"])
        if watch is not None:
            watch(None, f"Earth Data Hub has no Antarctica: {south.height} sites south of {-ANTARCTICA:g} °S are asked "
                        "from the Climate Data Store")
        found += _climate_data_store(south, years, wanted, store, watch, service)
    return found


def static_grid(path: str | Path) -> Grid:
    """
    Geopotential, land-sea mask or both of a file, for the height and the land fraction of cells.

    Raises
    ------
    DataError
        If the file holds neither.
    """
    grid = open_grid(path)
    if not grid.statics:
        raise DataError(f"{path}: holds neither geopotential (z) nor land-sea mask (lsm), but "
                        f"{', '.join(grid.layers)}. Give fields with time as source.")
    return replace(grid, layers={})


def earth_data_hub(variables: Sequence[str], *, store: str = EDH_STORE, dataset: str = EDH_DATASET) -> Grid:
    """
    ERA5-Land at Earth Data Hub, lazily: hourly, no Antarctica, amounts restart daily.

    The access token stands in ~/.netrc (machine data.earthdatahub.destine.eu, login edh); talik never reads it.

    Raises
    ------
    MissingExtra
        If aiohttp or fsspec is not installed.
    RemoteError
        If the store cannot be opened.
    """
    try:
        import xarray as xr
    except ImportError:
        raise missing_extra("Earth Data Hub", "xarray", "grids") from None
    options: dict[str, Any] = {}
    if store.startswith(("http://", "https://")):
        try:
            import aiohttp  # noqa: F401
            import fsspec  # noqa: F401
        except ImportError:
            raise missing_extra("Earth Data Hub", "aiohttp", "edh") from None
        options = {"storage_options": {"client_kwargs": {"trust_env": True}}}
    try:
        ds = xr.open_dataset(store, engine="zarr", chunks=None, consolidated=None if options else False, **options)
    except Exception as error:      # any library of the way there may speak up, each with errors of its own
        raise RemoteError(f"Earth Data Hub: {store} cannot be opened ({type(error).__name__}: {str(error)[:200]}). Is "
                          "the token in ~/.netrc? See docs/howto/predictors.md.") from error
    return grid_of([(_only(ds, variables), "Earth Data Hub")], dataset=dataset)


def earth_engine(years: tuple[int, int], variables: Sequence[str], sites: pl.DataFrame, *, project: str = "",
                 dataset: str = GEE_DATASET) -> list[Grid]:
    """
    ERA5-Land at Earth Engine through xee, lazily: daily or, from `GEE_HOURS`, hourly; Antarctica included.

    One grid for each box around sites, as what is read is computed and sent by the pixel.

    Raises
    ------
    MissingExtra
        If xee or earthengine-api is not installed.
    RemoteError
        If Earth Engine refuses.
    """
    try:
        import ee
        import xarray as xr
        import xee  # noqa: F401
    except ImportError:
        raise missing_extra("Earth Engine", "xee", "gee") from None
    try:
        ee.Initialize(project=project or None, opt_url="https://earthengine-highvolume.googleapis.com")
        images = ee.ImageCollection(dataset).filterDate(f"{years[0]}-01-01", f"{years[1] + 1}-01-01")
        ds = xr.open_dataset(images, engine="ee", chunks=None, **_whole_earth())
    except Exception as error:      # ee raises its own kinds
        raise RemoteError(f"Earth Engine: {dataset} cannot be opened ({type(error).__name__}: {str(error)[:200]}). Run "
                          "`earthengine authenticate`, and name your project with --project.") from error
    ds = _only(ds, variables)
    points = sites.select(pl.col("site").cast(pl.String), "latitude", "longitude").rows()
    return [grid_of([(part, "Earth Engine")], dataset=dataset)
            for box in boxes(points, tile=2.0) if (part := _inside(ds, box)) is not None]


def _inside(ds: Any, box: Box) -> Any:
    """The part of a dataset of xee in a box; None where there is none."""
    north, east = ("y", "x") if "y" in ds.dims else ("lat", "lon")
    parts = {}
    for name, low, high in ((north, box.south, box.north), (east, box.west, box.east)):
        inside = np.flatnonzero((ds[name].values > low - 0.05) & (ds[name].values < high + 0.05))
        if not inside.size:
            return None
        parts[name] = slice(int(inside[0]), int(inside[-1]) + 1)
    return ds.isel(parts)


def _earth_engine_grids(years: tuple[int, int], wanted: Sequence[str], sites: pl.DataFrame, project: str) -> list[Grid]:
    by_days = [name for name in wanted if QUANTITIES[QUANTITY_OF[name]].kind != "speed"]
    found = earth_engine(years, by_days, sites, project=project) if by_days else []
    if len(by_days) < len(wanted):
        speeds = [name for name in wanted if name not in by_days]
        found += earth_engine(years, speeds, sites, project=project, dataset=GEE_HOURS)
    return found


def _whole_earth() -> dict[str, Any]:
    """Size and place of ERA5-Land's own cells, as xee 0.1 wants them; an older xee is told the scale only."""
    from importlib.metadata import version

    if tuple(int(part) for part in version("xee").split(".")[:2] if part.isdigit()) < (0, 1):
        return {"crs": "EPSG:4326", "scale": 0.1}
    return {"crs": "EPSG:4326", "crs_transform": (0.1, 0, -180.05, 0, -0.1, 90.05), "shape_2d": (3601, 1801)}


def _only(ds: Any, variables: Sequence[str]) -> Any:
    """The variables of a large store that are needed, and what tells of the cells."""
    needed = {short for name in variables for short in QUANTITIES[QUANTITY_OF[name]].fields} | {"evavt"}
    kept = [name for name in ds.data_vars if (short := known_field(str(name))) is not None
            and (short in needed or FIELDS[short].kind == "static")]
    return ds[kept] if kept else ds


def _climate_data_store(sites: pl.DataFrame, years: tuple[int, int], variables: Sequence[str],
                        store: str | Path | None, watch: Any, service: Service) -> list[Grid]:
    from talik.era5land.client import fetch

    if store is None:
        raise UsageError("store: the Climate Data Store needs a folder for its files, as --store DIR")
    planned = request_plan(sites, years, variables, store=store, service=service, watch=watch)
    files = fetch(planned, store, url=service.url, key=service.key, patience=service.patience, watch=watch)
    by_dataset: dict[str, list[Path]] = {}
    for path in files:
        by_dataset.setdefault(dataset_of(path), []).append(path)
    return [grid for dataset, paths in by_dataset.items() for grid in open_grids(paths, dataset=dataset)]


def dataset_of(path: Path) -> str:
    """
    The data set a file of the download folder came from: its name begins with it.

    Raises
    ------
    DataError
        If the name is none that the client gives.

    Examples
    --------
    >>> dataset_of(Path("era5-land-monthly-means-0123456789abcdef.nc"))
    'reanalysis-era5-land-monthly-means'
    """
    for dataset in (POINTS, MONTHS, DAYS, HOURS):
        short = dataset.removeprefix("reanalysis-").removeprefix("derived-")
        if path.name.startswith(f"{short}-"):
            return dataset
    raise DataError(f"{path.name}: not a name of the download folder; give such files as FILES with --dataset")
