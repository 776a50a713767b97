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
def rings(scale: Scale = "50m") -> tuple[tuple[NDArray[np.float64], ...], ...]:
    """
    The coasts of the world: for every polygon its outer ring, then its lakes.

    Parameters
    ----------
    scale : {"50m", "110m"}
        Natural Earth's scale, 1:50 million or 1:110 million.

    Returns
    -------
    polygons : tuple of tuple of ndarray, shape (n, 2)
        Longitude and latitude [degrees]; outer rings counter-clockwise on the sphere, lakes clockwise. Rings run
        across the date line and around the South Pole without a cut.

    Raises
    ------
    UnknownName
        If there is no such scale.

    Examples
    --------
    >>> len(rings("110m")), rings("110m")[0][0].shape[1]
    (125, 2)
    """
    import shapely

    if scale not in ("50m", "110m"):
        raise unknown("scale of the land", scale, ("50m", "110m"))
    packed = resources.files("talik").joinpath("data", "maps", f"land_{scale}.wkb.gz").read_bytes()
    polygons = shapely.get_parts(shapely.from_wkb(gzip.decompress(packed)))
    return tuple(
        tuple(shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)) for polygon in polygons
    )


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
    running the other way around: it is then everything inside the frame but what it encloses.

    Examples
    --------
    >>> from pyproj import CRS
    >>> arctic = CRS("+proj=laea +lat_0=90 +R=6371008.8")
    >>> ocean = land_on(arctic, (-2e5, -2e5, 2e5, 2e5), scale="110m")
    >>> ocean.is_empty
    True
    """
    import shapely

    there = onto(projection)
    frame = shapely.box(*bounds)
    parts = []
    for outer, *lakes in rings(scale):
        ground = _enclosed(there.transform(*outer.T), frame)
        for lake in lakes:
            if not ground.is_empty:
                ground = ground.difference(_enclosed(there.transform(*lake[::-1].T), frame))
        parts.append(ground)
    whole = shapely.union_all(parts)
    return whole.simplify(detail) if detail else whole


def _enclosed(ring: Any, frame: Any) -> Any:
    """What a projected ring encloses of the frame; it runs counter-clockwise unless it was turned inside out."""
    import shapely

    points = np.column_stack(ring)
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 3:
        return shapely.Polygon()
    outline = shapely.LinearRing(points)
    inner = shapely.make_valid(shapely.Polygon(outline))
    return inner.intersection(frame) if shapely.is_ccw(outline) else frame.difference(inner)
