"""The four maps: polar-stereographic views of both polar regions, the Third Pole, and the world; all projected here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from talik.figures.land import Bounds, coasts, land_on, onto

_SPHERE = "+R=6371008.8"
Lines = tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class Chart:
    """
    A map of the atlas.

    Parameters
    ----------
    name, title : str
        Its id and its heading.
    projection : str
        For pyproj.
    bounds : tuple of float
        Left, bottom, right, top [m].
    box : tuple of float
        West, south, east, north [degrees]: the sites that it shows.
    rim : float or None
        Latitude of the edge of a circular view [degrees].
    detail : float
        Outlines are simplified to this [m].
    """

    name: str
    title: str
    projection: str
    bounds: Bounds
    box: tuple[float, float, float, float]
    rim: float | None = None
    detail: float = 8e3

    def xy(self, longitude: ArrayLike, latitude: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions [m]; NaN outside the map and where a coordinate is NaN."""
        lon, lat = np.asarray(longitude, float), np.asarray(latitude, float)
        west, south, east, north = self.box
        inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        x, y = (np.asarray(v, float) for v in onto(self.projection).transform(
            np.where(inside, lon, 0.0), np.where(inside, lat, (south + north) / 2)))
        return np.where(inside, x, np.nan), np.where(inside, y, np.nan)

    def land(self) -> list[list[NDArray[np.float64]]]:
        """The land as polygons, each a list of rings (the first the outline, then lakes) of shape (n, 2) [m]."""
        import shapely

        whole = _world(self.projection) if self.name == "world" else land_on(
            self.projection, self.bounds, detail=self.detail)
        if self.rim is not None:
            whole = shapely.intersection(whole, shapely.Point(0, 0).buffer(self.bounds[2], quad_segs=45))
        parts = [p for p in shapely.get_parts(whole) if p.geom_type == "Polygon" and p.area > (2 * self.detail) ** 2]
        return [[np.round(shapely.get_coordinates(ring), -2) for ring in (p.exterior, *p.interiors)] for p in parts]

    def graticule(self) -> Lines:
        """Meridians and parallels [m]."""
        west, south, east, north = self.box
        step = 5 if north - south < 40 else (30 if self.name == "world" else 10)
        apart = 5 if east - west < 60 else 30
        lines = [(np.linspace(west, east, 181), np.full(181, lat))
                 for lat in np.arange(np.ceil(south / step) * step, north + 0.1, step) if abs(lat) < 90]
        lines += [(np.full(61, lon), np.linspace(south, min(north, 90) if self.name == "world" else north, 61))
                  for lon in np.arange(np.ceil(west / apart) * apart, east + 0.1, apart)]
        flat = [onto(self.projection).transform(lon, np.clip(lat, -89.99, 89.99)) for lon, lat in lines]
        west, south, east, north = self.bounds
        kept = [np.where((x >= west) & (x <= east) & (y >= south) & (y <= north), (x, y), np.nan) for x, y in flat]
        return [x for x, _ in kept], [y for _, y in kept]

    def labels(self) -> tuple[list[float], list[float], list[str]]:
        """Where the parallels (and, on the local map, meridians) are named, and their names."""
        if self.rim is not None:
            sign = 1.0 if self.rim > 0 else -1.0
            at = [(45.0, sign * lat) for lat in (50.0, 60.0, 70.0, 80.0) if lat > abs(self.rim)]
        elif self.name == "world":
            at = [(-170.0, lat) for lat in (-60.0, -30.0, 0.0, 30.0, 60.0)]
        else:
            at = [(69.5, float(lat)) for lat in (25.0, 30.0, 35.0, 40.0, 45.0)]
            at += [(float(lon), 25.6) for lon in (75.0, 80.0, 85.0, 90.0, 95.0, 100.0)]
        xs, ys = onto(self.projection).transform([lon for lon, _ in at], [lat for _, lat in at])
        names = [f"{abs(lat):g}°{'N' if lat > 0 else 'S'}" if lat else "0°" for _, lat in at]
        if self.name == "third-pole":
            names[5:] = [f"{lon:g}°E" for lon, _ in at[5:]]
        return [float(x) for x in xs], [float(y) for y in ys], names


def charts(latitude: ArrayLike) -> list[Chart]:
    """
    The maps for sites at these latitudes [degrees]: the polar views reach to the outermost site of their hemisphere.

    Examples
    --------
    >>> [(c.name, c.rim) for c in charts([71.3, 34.9, -62.6, -46.9])]
    [('arctic', 60.0), ('antarctic', -44.0), ('third-pole', None), ('world', None)]
    """
    lat = np.asarray(latitude, float)
    lat = lat[np.isfinite(lat)]
    north, south = lat[lat >= 45.0], lat[lat <= -45.0]
    # A polar view reaches at least to 60 degrees, so that coasts are recognised, and at most to 40.
    arctic = float(np.clip(np.floor(north.min() - 2) if north.size else 60.0, 40.0, 60.0))
    antarctic = float(np.clip(np.ceil(south.max() + 2) if south.size else -60.0, -60.0, -40.0))
    return [_polar("arctic", "Arctic", arctic), _polar("antarctic", "Antarctica", antarctic),
            Chart("third-pole", "Third Pole", f"+proj=laea +lat_0=36 +lon_0=88 {_SPHERE}",
                  (-2.0e6, -1.3e6, 2.0e6, 1.3e6), (60.0, 24.0, 112.0, 48.0), detail=6e3),
            Chart("world", "World", f"+proj=eqearth {_SPHERE}", (-17.3e6, -8.45e6, 17.3e6, 8.45e6),
                  (-180.0, -90.0, 180.0, 90.0), detail=3e4)]


def _polar(name: str, title: str, rim: float) -> Chart:
    """Polar stereographic, true to scale at 71 degrees."""
    projection = f"+proj=stere +lat_0={90 if rim > 0 else -90} +lat_ts={71 if rim > 0 else -71} {_SPHERE}"
    edge = float(np.hypot(*onto(projection).transform(0.0, rim)))
    return Chart(name, title, projection, (-edge, -edge, edge, edge),
                 (-180.0, rim, 180.0, 90.0) if rim > 0 else (-180.0, -90.0, 180.0, rim), rim)


@lru_cache(maxsize=1)
def _world(projection: str) -> Any:
    """The land of the world, cut along the date line; cartopy knows how."""
    import cartopy.crs as ccrs
    import shapely

    points, ring, polygon = coasts("110m")
    flat = ccrs.EqualEarth(globe=ccrs.Globe(semimajor_axis=6371008.8, semiminor_axis=6371008.8))
    round_earth = ccrs.Geodetic()
    outlines = shapely.linearrings(points, indices=ring)
    first = np.concatenate([[True], polygon[1:] != polygon[:-1]])
    ground = [flat.project_geometry(shapely.polygons(outline), round_earth) for outline in outlines[first]]
    return shapely.union_all([shapely.make_valid(g) for g in ground])
