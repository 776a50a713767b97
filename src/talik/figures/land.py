"""Land for the maps: Natural Earth, bundled, projected first and clipped afterwards; nothing is ever downloaded."""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from talik.errors import unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scale = Literal["50m", "110m"]
Bounds = tuple[float, float, float, float]


@lru_cache(maxsize=2)
def coasts(scale: Scale = "50m") -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """
    The coasts of the world as rings.

    Parameters
    ----------
    scale : {"50m", "110m"}
        Natural Earth's scale, 1:50 million or 1:110 million.

    Returns
    -------
    points : ndarray, shape (n, 2)
        Longitude and latitude [degrees]. Rings run across the date line and around the South Pole without a cut.
    ring : ndarray of int, shape (n,)
        The ring of each point.
    polygon : ndarray of int, shape (rings,)
        The polygon of each ring: the first ring of a polygon is its outer one, counter-clockwise on the sphere;
        any more are lakes, clockwise.

    Raises
    ------
    UnknownName
        If there is no such scale.

    Examples
    --------
    >>> points, ring, polygon = coasts("110m")
    >>> points.shape[1], len(polygon), len(set(polygon.tolist()))
    (2, 126, 125)
    """
    import shapely

    if scale not in ("50m", "110m"):
        raise unknown("scale of the land", scale, ("50m", "110m"))
    packed = resources.files("talik").joinpath("data", "maps", f"land_{scale}.wkb.gz").read_bytes()
    polygons = shapely.get_parts(shapely.from_wkb(gzip.decompress(packed)))
    outlines, polygon = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(outlines, return_index=True)
    return points, ring, polygon


@lru_cache(maxsize=32)
def onto(projection: Any) -> Any:
    """The transformer from longitude and latitude [degrees] to a map's [m], kept because making one is slow."""
    from pyproj import Transformer

    return Transformer.from_crs("EPSG:4326", projection, always_xy=True)


@lru_cache(maxsize=16)
def land_on(projection: Any, bounds: Bounds, *, scale: Scale = "50m", detail: float = 0.0) -> Any:
    """
    The land inside a map's frame, in the map's own coordinates.

    Parameters
    ----------
    projection : pyproj or cartopy CRS
        An azimuthal projection: all of the globe but the antipode of its centre must have finite coordinates.
    bounds : tuple of float
        Left, bottom, right and top of the frame [m].
    scale : {"50m", "110m"}
        Natural Earth's scale.
    detail : float
        Outlines are simplified to this tolerance [m]; 0 keeps every point.

    Returns
    -------
    land : shapely Polygon or MultiPolygon
        [m]; empty where the frame holds only sea.

    Notes
    -----
    A ring that encloses the antipode of the map's centre turns inside out when it is projected, and shows it by
    running clockwise around the centre: it is then everything inside the frame but what it encloses. No land on
    Earth encloses both a point and its antipode.

    Examples
    --------
    >>> from pyproj import CRS
    >>> arctic = CRS("+proj=laea +lat_0=90 +R=6371008.8")
    >>> ocean = land_on(arctic, (-2e5, -2e5, 2e5, 2e5), scale="110m")
    >>> ocean.is_empty
    True
    """
    import shapely

    points, ring, polygon = coasts(scale)
    flat = np.column_stack(onto(projection).transform(*points.T))
    there = np.isfinite(flat).all(axis=1)
    there &= np.bincount(ring[there], minlength=len(polygon))[ring] > 2
    outline = shapely.linearrings(flat[there], indices=np.unique(ring[there], return_inverse=True)[1])
    polygon = polygon[np.unique(ring[there])]
    lake = np.concatenate([[False], polygon[1:] == polygon[:-1]])
    frame = shapely.box(*bounds)
    around = _turns(outline) * np.where(lake, -1, 1)
    turned = around == -1
    reach = np.hypot(*np.abs(np.reshape(bounds, (2, 2))).max(axis=0))
    near = (around != 0) | (shapely.distance(outline, shapely.Point(0, 0)) <= reach)
    outline, polygon, lake, turned = outline[near], polygon[near], lake[near], turned[near]
    inner = shapely.make_valid(shapely.simplify(shapely.polygons(outline), detail, preserve_topology=False))
    ground = shapely.intersection(inner, frame)
    ground[turned] = shapely.difference(frame, inner[turned])
    for k in np.flatnonzero(lake):
        owner = np.flatnonzero((polygon == polygon[k]) & ~lake)
        ground[owner] = shapely.difference(ground[owner], ground[k])
    return shapely.union_all(ground[~lake])


def _turns(outline: NDArray[Any]) -> NDArray[np.int64]:
    """How often rings wind around the map's centre, counter-clockwise positive."""
    import shapely

    flat, ring = shapely.get_coordinates(outline, return_index=True)
    turn = np.diff(np.arctan2(flat[:, 1], flat[:, 0]))
    turn = (turn + np.pi) % (2 * np.pi) - np.pi
    same = ring[1:] == ring[:-1]
    return np.rint(np.bincount(ring[1:][same], turn[same], minlength=len(outline)) / (2 * np.pi)).astype(np.int64)
