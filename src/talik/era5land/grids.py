"""ERA5-Land files as grids: NetCDF, GRIB, Zarr, zip, tables of points; any orientation, step and set of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talik.era5land.accumulations import Step, refuse_unknown
from talik.era5land.chunks import Box, Packing, packing, read_block, read_packed
from talik.era5land.fields import FIELDS, UNTOLD, called, known_field, to_file_unit
from talik.era5land.sources import datasets_of
from talik.errors import AmbiguousFile, DataError, FileError, UnknownName, UsageError, missing_extra, unknown

_RENAMED = {"valid_time": "time", "lat": "latitude", "lon": "longitude", "y": "latitude", "x": "longitude",
            "location": "cell", "points": "cell", "station": "cell"}
_PLAIN = ("time", "latitude", "longitude", "cell")
_LEVELS = ("number", "expver", "surface", "depthBelowLandLayer", "heightAboveGround", "height", "step", "realization")
TABLES = (".parquet", ".csv")


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch of time of one field: a lazy array (time, latitude, longitude) and its stamps."""

    array: Any
    times: NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """
    One field over all its files.

    Attributes
    ----------
    short : str
        Short name of the field.
    pieces : tuple of Piece
        In the order of time, without overlap.
    step : str
        "hourly", "daily" or "monthly"; "static" for a field without time.
    hours : float
        Length of a step [h]; 24 for days, NaN for months.
    scale, shift : float
        Value x scale + shift is in the unit of `FIELDS`.
    packed : Packing, optional
        Where all pieces are packed alike: values are the packed whole numbers, and `scale` and `shift` unpack them.
    """

    short: str
    pieces: tuple[Piece, ...]
    step: Step | str
    hours: float
    scale: float = 1.0
    shift: float = 0.0
    packed: Packing | None = None

    def read(self, piece: int, box: Box) -> NDArray[Any]:
        """The values of a box of one piece, as stored: `scale` and `shift` are not applied; NaN where missing."""
        if self.packed is not None:
            return self.packed.floats(self.read_packed(piece, box))
        return read_block(self.pieces[piece].array, box)

    def read_packed(self, piece: int, box: Box) -> NDArray[np.int16]:
        """The packed values of a box of one piece of a packed layer."""
        return read_packed(self.pieces[piece].array, box)

    @property
    def times(self) -> NDArray[np.datetime64]:
        """All stamps."""
        return np.concatenate([piece.times for piece in self.pieces])


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """
    ERA5-Land as it lies on disk: cells, fields, and where they came from.

    Attributes
    ----------
    latitude, longitude : ndarray
        Of rows and columns, as stored (either way, 0..360 or +-180). For a set of points (`gridded` False) both have
        one entry a point, and arrays have one row and a column for each.
    layers : mapping of short name to Layer
        Fields with time.
    statics : mapping of short name to ndarray, shape (rows, columns)
        Fields without time: geopotential [m2 s-2], land fraction.
    dataset : str
        Id of the data set, blank when unknown.
    sources : tuple of str
        Names of the files.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    layers: Mapping[str, Layer]
    statics: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    dataset: str = ""
    sources: tuple[str, ...] = ()
    gridded: bool = True

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self.latitude.size if self.gridded else 1), self.longitude.size

    @property
    def cell_degrees(self) -> float:
        """Distance of neighbouring rows [degrees]; 0.1 where it cannot be told."""
        size = np.abs(np.diff(self.latitude)) if self.gridded and self.latitude.size > 1 else np.empty(0)
        return float(np.median(size)) if size.size else 0.1

    def place(self, row: int, column: int) -> str:
        """Words for the centre of a cell."""
        return f"latitude {self.latitude[row if self.gridded else column]:g}, longitude {self.longitude[column]:g}"

    @property
    def area(self) -> str:
        """Words for the area of the centres of its cells."""
        return (f"latitudes {self.latitude.min():g} to {self.latitude.max():g}, "
                f"longitudes {self.longitude.min():g} to {self.longitude.max():g}")


def open_grid(sources: str | Path | Iterable[str | Path], *, dataset: str = "",
              names: Mapping[str, str] | None = None) -> Grid:
    """
    Open ERA5-Land files as one grid; values stay on disk until they are asked for.

    Parameters
    ----------
    sources : path or iterable of paths
        NetCDF, GRIB, Zarr folders, zip downloads of NetCDF, or Parquet and CSV tables of points. Files of other
        fields or other times of the same cells are joined.
    dataset : str
        Id of the data set: "reanalysis-era5-land", "reanalysis-era5-land-timeseries", ...; tells how precipitation
        accumulates. Found in the files' attribute `dataset` when not given.
    names : mapping, optional
        The file's name = ERA5-Land's, where they differ: ``{"Tair": "t2m"}``; with the unit in brackets where the file
        says none: ``{"sde": "sde [cm]"}``.

    Raises
    ------
    FileError
        If a file is missing, damaged, or holds no field of ERA5-Land.
    DataError
        If files disagree about the cells, or a field has the same stamp twice.
    MissingExtra
        If xarray, or cfgrib for GRIB, is not installed.
    """
    try:
        import xarray  # noqa: F401
    except ImportError:
        raise missing_extra("reading grids", "xarray", "grids") from None
    refuse_unknown(dataset)
    paths = [Path(sources)] if isinstance(sources, (str, Path)) else [Path(source) for source in sources]
    if not paths:
        raise UsageError("sources: no files given")
    tables = [path for path in paths if path.suffix.lower() in TABLES]
    if tables and len(tables) != len(paths):
        raise UsageError("sources: tables of points and grids cannot be mixed")
    if tables:
        from talik.era5land.tables import table_dataset

        return grid_of([(table_dataset(tables, names=names), ", ".join(path.name for path in tables))],
                       dataset=dataset)
    opened = [(found, path.name) for path in paths for found in datasets_of(path)]
    _refuse_names(names, opened)
    return grid_of(opened, dataset=dataset, names=names)


def open_grids(sources: str | Path | Iterable[str | Path], *, dataset: str = "",
               names: Mapping[str, str] | None = None) -> list[Grid]:
    """
    Open files of different areas, steps or levels as few grids: one for each set of cells and step; see `open_grid`.

    Fields without time (land fraction, geopotential) of the same cells join every grid of these cells.
    """
    paths = [Path(sources)] if isinstance(sources, (str, Path)) else [Path(source) for source in sources]
    refuse_unknown(dataset)
    if len(paths) < 2 or all(path.suffix.lower() in TABLES for path in paths):
        return [open_grid(paths, dataset=dataset, names=names)]
    groups: dict[tuple[Any, ...], list[tuple[Any, str]]] = {}
    still: dict[tuple[Any, ...], list[tuple[Any, str]]] = {}
    opened = [(found, path.name) for path in paths for found in datasets_of(path)]
    _refuse_names(names, opened)
    for found, name in opened:
        ds = _plain(found, name)
        cells = ("points",) if "cell" in ds.dims else tuple(
            np.round(ds[axis].values.astype(float), 4).tobytes() for axis in ("latitude", "longitude"))
        step = _step_of(ds)
        (still if step == "static" else groups).setdefault((cells, *(() if step == "static" else (step,))),
                                                           []).append((ds, name))
    if not groups:
        return [grid_of(members, dataset=dataset, names=names) for members in still.values()]
    lone = [grid_of(members, dataset=dataset, names=names) for (cells,), members in still.items()
            if not any(key[0] == cells for key in groups)]
    return [grid_of([*members, *still.get(key[:1], [])], dataset=dataset, names=names)
            for key, members in groups.items()] + lone


def _refuse_names(names: Mapping[str, str] | None, opened: Sequence[tuple[Any, str]]) -> None:
    """Refuse names that no file has, and fields that ERA5-Land does not have."""
    here = {str(name) for ds, _ in opened for name in ds.data_vars}
    for theirs, meant in (names or {}).items():
        if theirs not in here:
            raise UnknownName(f"names: {unknown('variable of the files', theirs, sorted(here))}")
        if called(meant)[0] is None:
            raise UnknownName(f"names: {unknown('field of ERA5-Land', meant, FIELDS)}")


def _step_of(ds: Any) -> str:
    if "time" not in ds.dims:
        return "static"
    if ds.sizes["time"] < 2:
        return "static" if all(known_field(str(name)) in (None, "z", "lsm") for name in ds.data_vars) else "single"
    gap = float(np.median(np.diff(ds["time"].values.astype("M8[s]")).astype(np.int64)))
    return "monthly" if gap > 86400 else "daily" if gap == 86400 else "hourly"


def grid_of(datasets: Sequence[tuple[Any, str]], *, dataset: str = "", names: Mapping[str, str] | None = None) -> Grid:
    """
    One grid from open xarray datasets, each with the name of its source.

    Raises
    ------
    FileError
        If none of them holds a field of ERA5-Land.
    DataError
        If they disagree about the cells, or a field has the same stamp twice.
    """
    datasets = _one_set_of_points([(_plain(ds, source), source) for ds, source in datasets])
    parts: dict[str, list[Piece]] = {}
    units: dict[str, tuple[float, float]] = {}
    statics: dict[str, NDArray[np.float64]] = {}
    cells: tuple[NDArray[np.float64], NDArray[np.float64], bool] | None = None
    for ds, source in datasets:
        dataset = dataset or str(ds.attrs.get("dataset", ""))
        latitude, longitude = (np.asarray(ds[name].values, float) for name in ("latitude", "longitude"))
        here = latitude, longitude, "cell" not in ds.dims
        if cells is not None and not _same_cells(cells, here):
            raise DataError(f"{source}: has other cells than {datasets[0][1]} (latitudes from {here[0][0]:g} to "
                            f"{here[0][-1]:g}, {here[0].size} x {here[1].size}). Open them one by one.")
        cells = cells or here
        for name, array in ds.data_vars.items():
            short, stated = called(str(name), names)
            if short is None:
                continue
            unit = stated or str(array.attrs.get("units", "")).strip()
            if not unit and not dataset and short in UNTOLD:
                kept = FIELDS[short].units
                raise AmbiguousFile(f"{source}: {name} has no unit, and values alone do not tell {kept} from others. "
                                    f"State it with its name (--name '{name}={short} [{kept}]', in Python "
                                    "names={...}), or the data set the file comes from (--dataset).")
            scale = to_file_unit(short, unit)
            if units.setdefault(short, scale) != scale:
                raise DataError(f"{source}: {short} has another unit than in the files before")
            if "time" in array.dims and FIELDS[short].kind != "static":
                parts.setdefault(short, []).append(_piece(array, source))
            else:
                flat = array.isel(time=0) if "time" in array.dims else array
                statics[short] = np.atleast_2d(np.asarray(flat.values, float)) * scale[0] + scale[1]
    if cells is None or not (parts or statics):
        found = sorted({str(name) for ds, _ in datasets for name in ds.data_vars})
        raise FileError(f"{datasets[0][1]}: no field of ERA5-Land among {', '.join(found) or 'no variables'} (knows: "
                        f"{', '.join(FIELDS)}). Give other names with names={{\"yours\": \"t2m\"}}.")
    layers = {short: _layer(short, pieces, *units[short]) for short, pieces in parts.items()}
    return Grid(*cells[:2], layers, statics, dataset, tuple(dict.fromkeys(source for _, source in datasets)), cells[2])


def _plain(ds: Any, source: str) -> Any:
    """A dataset with dimensions (time, latitude, longitude) or (time, cell), and nothing beside them."""
    present = {*ds.variables, *ds.dims}
    meant = {old: _RENAMED.get(old.lower(), old.lower()) for old in map(str, present)}
    ds = ds.rename({old: new for old, new in meant.items() if new in _PLAIN and new not in present})
    if "expver" in ds.dims:
        first, *rest = (ds.isel(expver=k) for k in range(ds.sizes["expver"]))
        for other in rest:                               # final and preliminary months, NaN in each other's place
            first = first.fillna(other)
        ds = first
    for name in _LEVELS:
        if name in ds.dims:
            if ds.sizes[name] != 1:
                raise DataError(f"{source}: {ds.sizes[name]} values of {name!r}; select one before reading.")
            ds = ds.isel({name: 0})
    ds = ds.drop_vars([name for name in _LEVELS if name in ds.coords])
    for name in ("latitude", "longitude"):
        if name not in ds.variables:
            raise FileError(f"{source}: has no {name} (dimensions: {', '.join(map(str, ds.dims))})")
    if "time" in ds.coords and "time" not in ds.dims:
        ds = ds.expand_dims("time")
    if "latitude" not in ds.dims and "cell" not in ds.dims:
        ds = ds.expand_dims("cell")
    if "cell" in ds.dims:
        ds = ds.assign_coords(latitude=("cell", np.atleast_1d(ds["latitude"].values)),
                              longitude=("cell", np.atleast_1d(ds["longitude"].values)))
        return ds
    return ds.transpose(*(name for name in ("time", "latitude", "longitude") if name in ds.dims), ...)


def _one_set_of_points(datasets: list[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """Files of single points joined to one set of points, as one download a site and group of fields gives."""
    import xarray as xr

    places: dict[tuple[bytes, bytes], list[Any]] = {}
    for ds, _ in datasets:
        key = tuple(np.round(ds[name].values, 4).tobytes() for name in ("latitude", "longitude"))
        places.setdefault(key, []).append(ds)
    if len(places) == 1 or not all("cell" in ds.dims for ds, _ in datasets):
        return datasets
    try:
        joined = [xr.merge(found, join="outer", compat="no_conflicts", combine_attrs="drop_conflicts")
                  for found in places.values()]
    except xr.MergeError as error:
        raise DataError(f"{datasets[0][1]} and the other files of points disagree: {str(error)[:200]}") from error
    whole = xr.concat(joined, dim="cell", join="outer", data_vars="all", coords="minimal", compat="override",
                      combine_attrs="drop_conflicts")
    return [(whole, ", ".join(dict.fromkeys(source for _, source in datasets)))]


def _piece(array: Any, source: str) -> Piece:
    import xarray as xr

    times = np.asarray(array["time"].values)
    if not np.issubdtype(times.dtype, np.datetime64):
        kind = getattr(times.flat[0], "calendar", times.dtype) if times.size else times.dtype
        raise DataError(f"{source}: {array.name} has stamps of the kind {kind}, expected common dates. ERA5-Land has "
                        "no other calendar: is it the output of a climate model?")
    times = times.astype("M8[s]")
    variable = array.variable
    if "cell" in variable.dims:
        variable = variable.expand_dims("row").transpose("time", "row", "cell", ...)
    if variable.ndim != 3:
        raise DataError(f"{source}: {array.name} has dimensions {array.dims}, expected time, latitude and longitude")
    encoding = dict(array.encoding)
    if isinstance(encoding.get("preferred_chunks"), dict):
        encoding["preferred_chunks"] = {_RENAMED.get(name, name): size
                                        for name, size in encoding["preferred_chunks"].items()}
    stored = tuple(_RENAMED.get(name, name) for name in encoding.get("zarr_dims", ()))
    if stored != ("time", "latitude", "longitude"):
        encoding.pop("zarr_store", None)
    lazy = xr.DataArray(variable, name=array.name)
    if np.any(np.diff(times).astype(np.int64) < 0):
        order = np.argsort(times, kind="stable")
        lazy, times, encoding = lazy.isel({lazy.dims[0]: order}), times[order], {}
    lazy.encoding = encoding
    return Piece(lazy, times)


def _layer(short: str, pieces: list[Piece], scale: float, shift: float) -> Layer:
    pieces = sorted((piece for piece in pieces if piece.times.size), key=lambda piece: piece.times[0])
    if not pieces:
        raise DataError(f"{short}: has no times")
    times = np.concatenate([piece.times for piece in pieces])
    gaps = np.diff(times).astype("m8[s]").astype(np.int64)
    if np.any(gaps <= 0):
        raise DataError(f"{short}: the stamp {times[1:][gaps <= 0][0]} occurs twice. The same file given twice, or "
                        "files that overlap? Give each time once.")
    hours = float(np.median(gaps)) / 3600 if gaps.size else float("nan")
    if not gaps.size:
        raise AmbiguousFile(f"{short}: has a single time, from which the step cannot be told. Give more files.")
    ways = {packing(piece.array) for piece in pieces}
    packed = ways.pop() if len(ways) == 1 else None
    if packed is not None:
        scale, shift = packed.scale * scale, packed.shift * scale + shift
    if hours < 24:
        return Layer(short, tuple(pieces), "hourly", hours, scale, shift, packed)
    if hours == 24:
        return Layer(short, tuple(pieces), "daily", 24.0, scale, shift, packed)
    if 28 * 24 <= hours <= 31 * 24:
        return Layer(short, tuple(pieces), "monthly", float("nan"), scale, shift, packed)
    raise DataError(f"{short}: the stamps are {hours:g} hours apart; expected hours, days or months.")


def _same_cells(one: tuple[Any, Any, bool], other: tuple[Any, Any, bool]) -> bool:
    return one[2] == other[2] and all(a.shape == b.shape and np.allclose(a, b, atol=1e-4)
                                      for a, b in zip(one[:2], other[:2], strict=True))
