"""From cells to sites: which cell a site takes, how far and how high it lies, whether it is sea, ice, or shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from talik.era5land.boxes import STEP
from talik.era5land.grids import Grid, Layer
from talik.era5land.requests import POINTS
from talik.era5land.tiles import block_length, tile_shape
from talik.errors import UsageError, unknown
from talik.kernels.sphere import EARTH_RADIUS_KM, great_circle

REACH_KM = 25.0
"""How far the nearest land cell of a site on the coast may be [km]."""
ICE_M = 1.0
"""Mean snow water from which a cell is a glacier [m]: ERA5-Land keeps 10 m on ice."""
GRAVITY = 9.80665
_LAND_BY = ("t2m", "skt", "swvl1", "stl1", "swvl2", "sd", "sde", "fal", "tp")

INSIDE, OUTSIDE, NO_PLACE, NO_LAND = 0, 1, 2, 3
PLACE_REASONS = ("", "the site lies outside the grid", "the site has no coordinates",
                 f"no land cell within {REACH_KM:g} km")


@dataclass(frozen=True, slots=True)
class Places:
    """
    The cell of each site.

    Attributes
    ----------
    row, column : ndarray of int, shape (n,)
        -1 where `reason` is not 0.
    latitude, longitude : ndarray
        Cell centres, longitude in [-180, 180).
    distance_km : ndarray
        From the site to the centre.
    coastal : ndarray of bool
        The site's own cell is sea in ERA5-Land; the nearest land cell stands for it. Told for grids, and for the point
        series of the Climate Data Store, which give nothing at sea.
    cell_elevation : ndarray
        [m]; NaN where the grid has no geopotential.
    land_fraction : ndarray
        NaN where the grid has no land-sea mask.
    reason : ndarray of int
        Index into `PLACE_REASONS`.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    distance_km: NDArray[np.float64]
    coastal: NDArray[np.bool_]
    cell_elevation: NDArray[np.float64]
    land_fraction: NDArray[np.float64]
    reason: NDArray[np.int64]


def places(grid: Grid, latitude: ArrayLike, longitude: ArrayLike, *, reach_km: float = REACH_KM,
           land: NDArray[np.bool_] | None = None) -> Places:
    """
    The cell that stands for each site: its own, or the nearest land cell where its own is sea.

    Parameters
    ----------
    grid : Grid
        As `open_grid` gives it. Land is where the first stored step of a field is not NaN.
    latitude, longitude : array_like, shape (n,)
        Sites [degrees], longitudes of either convention; NaN where unknown.
    reach_km : float
        How far a land cell may be [km]; for a set of points, how far any point may be.
    land : ndarray of bool, shape (rows, columns), optional
        Where there is land, when it is known.

    Returns
    -------
    Places
        Sites outside the grid, without coordinates or far from land have a reason instead of a cell.
    """
    lat, lon = np.asarray(latitude, float), np.asarray(longitude, float)
    if lat.shape != lon.shape or lat.ndim != 1:
        raise UsageError(f"latitude and longitude: shapes {lat.shape} and {lon.shape}, expected one value a site each")
    known = np.isfinite(lat) & np.isfinite(lon)
    row, column = np.full(lat.size, -1), np.full(lat.size, -1)
    reason = np.where(known, INSIDE, NO_PLACE)
    if grid.gridded:
        row[known], column[known] = _nearest(grid, lat[known], lon[known])
        reason[known & ((row < 0) | (column < 0))] = OUTSIDE
    else:
        apart = great_circle(lat[known], lon[known], grid.latitude, grid.longitude)
        nearest = apart.argmin(axis=1)
        row[known], column[known] = 0, nearest
        far = apart[np.arange(nearest.size), nearest] > reach_km
        reason[np.flatnonzero(known)[far]] = OUTSIDE
    coastal = np.zeros(lat.size, bool)
    if not grid.gridded and grid.dataset == POINTS:
        coastal[known] = _is_beside(lat[known] - grid.latitude[nearest], lon[known] - grid.longitude[nearest])
    if grid.gridded and (grid.layers or land is not None):
        _to_land(_LandMap(grid, land), grid, lat, lon, row, column, reason, coastal, reach_km)
    bad = reason != INSIDE
    row[bad], column[bad] = -1, -1
    coastal &= ~bad
    cell_lat = np.where(bad, np.nan, grid.latitude[row if grid.gridded else column])
    cell_lon = np.where(bad, np.nan, (grid.longitude[column] + 180) % 360 - 180)
    return Places(row, column, cell_lat, cell_lon, _distance(lat, lon, cell_lat, cell_lon), coastal,
                  _static(grid, "z", row, column) / GRAVITY, _static(grid, "lsm", row, column), reason)


def away(grid: Grid, latitude: ArrayLike, longitude: ArrayLike) -> str:
    """Words for the area of a grid, and how far the nearest and the farthest of sites outside lie from its cells."""
    lat, lon = np.asarray(latitude, float), np.asarray(longitude, float)
    known = np.isfinite(lat) & np.isfinite(lon)
    lat, lon = lat[known], lon[known]
    if not lat.size:
        return f"{grid.area}; no site has coordinates"
    if grid.gridded:
        nearest = np.abs(grid.latitude - lat[:, None]).argmin(axis=1)
        beside = np.abs((grid.longitude - lon[:, None] + 180) % 360 - 180).argmin(axis=1)
        apart = _distance(lat, lon, grid.latitude[nearest], grid.longitude[beside])
    else:
        apart = great_circle(lat, lon, grid.latitude, grid.longitude).min(axis=1)
    first = int(apart.argmin())
    return (f"{grid.area}; the nearest site (latitude {lat[first]:g}, longitude {lon[first]:g}) lies "
            f"{apart[first]:.0f} km from the nearest cell, the farthest {apart.max():.0f} km")


def series(grid: Grid, field: str, row: ArrayLike, column: ArrayLike) -> tuple[NDArray[np.datetime64], NDArray[Any]]:
    """
    The series of a field at some cells; every chunk that holds any of them is opened once.

    Parameters
    ----------
    grid : Grid
        As `open_grid` gives it.
    field : str
        Short name of the field.
    row, column : array_like of int, shape (n,)
        The cells, as `places` gives them.

    Returns
    -------
    times : ndarray of datetime64, shape (t,)
    values : ndarray, shape (t, n)
        In the unit of `FIELDS`; NaN where missing.

    Raises
    ------
    UnknownName
        If the grid does not hold the field.
    """
    if field not in grid.layers:
        raise unknown("field of this grid", field, grid.layers)
    layer = grid.layers[field]
    rows, columns = np.asarray(row, np.int64), np.asarray(column, np.int64)
    if rows.size and (rows.min() < 0 or columns.min() < 0):
        raise UsageError("row, column: a site without a cell is among them; leave those with a reason out")
    high, wide = tile_shape(layer, grid.shape)
    label = rows // high * (grid.shape[1] // wide + 1) + columns // wide
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1) if order.size else []
    values = np.full((layer.times.size, rows.size), np.nan, layer.pieces[0].array.dtype)
    for inside in groups:
        top, left = rows[inside[0]] // high * high, columns[inside[0]] // wide * wide
        corner = slice(top, min(top + high, grid.shape[0])), slice(left, min(left + wide, grid.shape[1]))
        _gather(layer, corner, rows[inside] - top, columns[inside] - left, inside, values)
    if (layer.scale, layer.shift) != (1.0, 0.0):
        values = values * layer.scale + layer.shift
    return layer.times, values


def _gather(layer: Layer, corner: tuple[slice, slice], rows: NDArray[np.int64], columns: NDArray[np.int64],
            inside: NDArray[np.int64], values: NDArray[Any]) -> None:
    start = 0
    cells = (corner[0].stop - corner[0].start) * (corner[1].stop - corner[1].start)
    for number, piece in enumerate(layer.pieces):
        length = block_length(layer, number, cells)
        for first in range(0, piece.times.size, length):
            part = slice(first, min(first + length, piece.times.size))
            block = layer.read(number, (part, *corner))
            values[start + part.start:start + part.stop, inside] = block[:, rows, columns]
        start += piece.times.size


def _is_beside(north: NDArray[np.float64], east: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a site lies in another cell of ERA5-Land than the point it takes: the service had none at its own."""
    half = float(STEP) / 2 + 1e-6
    return (np.abs(north) > half) | (np.abs((east + 180) % 360 - 180) > half)


def _nearest(grid: Grid, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> tuple[Any, Any]:
    """Row and column of the cell that holds each site; -1 outside the grid."""
    found = []
    for axis, wanted, wraps in ((grid.latitude, lat, False), (grid.longitude, lon, True)):
        apart = np.abs(axis[None, :] - wanted[:, None])
        if wraps:
            apart = np.abs((axis[None, :] - wanted[:, None] + 180) % 360 - 180)
        nearest = apart.argmin(axis=1)
        half = 0.5 * (np.median(np.abs(np.diff(axis))) if axis.size > 1 else grid.cell_degrees)
        found.append(np.where(apart[np.arange(wanted.size), nearest] <= half * (1 + 1e-6), nearest, -1))
    return found[0], found[1]


def _to_land(land: _LandMap, grid: Grid, lat: NDArray[np.float64], lon: NDArray[np.float64], row: NDArray[np.int64],
             column: NDArray[np.int64], reason: NDArray[np.int64], coastal: NDArray[np.bool_], reach_km: float) -> None:
    """Move sites whose cell is sea to the nearest land cell, in place."""
    here = np.flatnonzero(reason == INSIDE)
    dry = np.array([land.at(row[k], column[k]) for k in here], dtype=bool)
    for k in here[~dry]:
        rows, columns = _window(grid, int(row[k]), int(column[k]), float(lat[k]), reach_km)
        inside = np.array([[land.at(i, j) for j in columns] for i in rows])
        i, j = np.nonzero(inside)
        apart = (great_circle([lat[k]], [lon[k]], grid.latitude[rows[i]], grid.longitude[columns[j]])[0] if i.size
                 else np.empty(0))
        if not apart.size or apart.min() > reach_km:
            reason[k] = NO_LAND
            continue
        nearest = int(apart.argmin())
        row[k], column[k], coastal[k] = rows[i[nearest]], columns[j[nearest]], True


class _LandMap:
    """Where the first step of a field is not NaN; read tile by tile, each once."""

    def __init__(self, grid: Grid, land: NDArray[np.bool_] | None = None) -> None:
        self.tiles: dict[tuple[int, int], NDArray[np.bool_]] = {}
        self.shape = grid.shape
        if land is not None:
            (self.high, self.wide), self.tiles[0, 0] = grid.shape, land
            return
        short = next((name for name in _LAND_BY if name in grid.layers), next(iter(grid.layers)))
        self.layer = grid.layers[short]
        self.high, self.wide = tile_shape(self.layer, grid.shape)

    def at(self, row: int, column: int) -> bool:
        key = int(row) // self.high, int(column) // self.wide
        if key not in self.tiles:
            top, left = key[0] * self.high, key[1] * self.wide
            corner = slice(top, min(top + self.high, self.shape[0])), slice(left, min(left + self.wide, self.shape[1]))
            self.tiles[key] = ~np.isnan(self.layer.read(0, (slice(0, 1), *corner))[0])
        return bool(self.tiles[key][int(row) - key[0] * self.high, int(column) - key[1] * self.wide])


def _window(grid: Grid, row: int, column: int, lat: float, reach_km: float) -> tuple[Any, Any]:
    """Rows and columns within reach of a cell; columns go round a grid that goes round the Earth."""
    size = grid.cell_degrees * np.pi / 180 * EARTH_RADIUS_KM
    up = int(np.ceil(reach_km / size))
    # meridians meet at the poles: there the window takes all columns rather than none beyond them
    aside = min(int(np.ceil(reach_km / (size * max(np.cos(np.radians(min(abs(lat) + 0.3, 89.9))), 1e-3)))),
                grid.shape[1] // 2)
    rows = np.arange(max(0, row - up), min(grid.shape[0], row + up + 1))
    columns = np.arange(column - aside, column + aside + 1)
    around = abs(grid.shape[1] * _spacing(grid.longitude) - 360) < 0.5 * _spacing(grid.longitude)
    columns = np.unique(columns % grid.shape[1]) if around else columns[(columns >= 0) & (columns < grid.shape[1])]
    return rows, columns


def _spacing(axis: NDArray[np.float64]) -> float:
    return float(np.median(np.abs(np.diff(axis)))) if axis.size > 1 else 0.1


def _static(grid: Grid, short: str, row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.float64]:
    values = grid.statics.get(short)
    if values is None or values.shape != grid.shape:
        return np.full(row.size, np.nan)
    return np.where(row >= 0, values[row, column], np.nan)


def _distance(lat: NDArray[np.float64], lon: NDArray[np.float64], cell_lat: NDArray[np.float64],
              cell_lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great-circle distance of each pair [km]."""
    h = (np.sin(np.radians(cell_lat - lat) / 2) ** 2
         + np.cos(np.radians(lat)) * np.cos(np.radians(cell_lat)) * np.sin(np.radians(cell_lon - lon) / 2) ** 2)
    distance: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(h, 0, 1)))
    return distance


def marks(found: Places, *, precision_km: ArrayLike | None = None, snow_water: ArrayLike | None = None,
          cell_degrees: float = 0.1) -> list[tuple[str, ...]]:
    """
    What a reader must know of each site's cell.

    Parameters
    ----------
    found : Places
        The cells.
    precision_km : array_like, optional
        How well each site's place is known [km].
    snow_water : array_like, optional
        Mean snow water equivalent of the cells [m].
    cell_degrees : float
        Size of a cell [degrees].

    Returns
    -------
    list of tuple of str
        Of each site, from `MARKS`.
    """
    n = found.row.size
    precision = np.full(n, np.nan) if precision_km is None else np.asarray(precision_km, float)
    snow = np.full(n, np.nan) if snow_water is None else np.asarray(snow_water, float)
    cell = found.row * (int(found.column.max(initial=0)) + 1) + found.column
    _, inverse, count = np.unique(cell, return_inverse=True, return_counts=True)
    size_km = cell_degrees * np.pi / 180 * EARTH_RADIUS_KM
    told: Mapping[str, Any] = {"COASTAL_CELL": found.coastal, "GLACIER_CELL": snow >= ICE_M,
                               "SHARED_CELL": count[inverse] > 1, "PLACE_COARSER_THAN_CELL": precision > size_km}
    return [tuple(name for name, marked in told.items() if marked[k] and found.reason[k] == INSIDE) for k in range(n)]


MARKS: Mapping[str, str] = {
    "COASTAL_CELL": "the site's own cell is sea in ERA5-Land; the nearest land cell stands for it",
    "GLACIER_CELL": f"the cell is a glacier in ERA5-Land (mean snow water of {ICE_M:g} m or more): its snow and "
                    "soil are not those of the site",
    "SHARED_CELL": "another site takes the same cell: their predictors are one number, not two",
    "PLACE_COARSER_THAN_CELL": "the site's place is known worse than a cell is wide: the true cell may be another",
}
"""Every mark with what it means."""
