"""Views of the Earth: which projection shows a group of sites best, and the frame, land and graticule of its panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from talik.figures.canvas import INK, QUIET, SMALL
from talik.figures.land import Bounds, land_on, onto

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LAND, SHORE = "#ECEAE4", "#9A968C"
"""Fill and outline of the land: paler than every marker."""

_EARTH = 6_371_008.8
_LOCAL = 2_500e3
_SMALLEST = 100e3
_LINE: dict[str, Any] = {"color": QUIET, "lw": 0.3, "alpha": 0.5, "zorder": 2}
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)
_LENGTHS = np.outer([10.0**k for k in range(5)], [1.0, 2.0, 5.0]).ravel()


@dataclass(frozen=True, slots=True)
class View:
    """
    A projection and the part of it that is shown.

    Parameters
    ----------
    projection : cartopy CRS
        Polar stereographic, or Lambert azimuthal equal-area about the sites.
    bounds : tuple of float
        Left, bottom, right, top [m].
    rim : float or None
        The latitude at the edge of a circular polar view [degrees]; None for a rectangular one.
    """

    projection: Any
    bounds: Bounds
    rim: float | None = None

    def xy(self, longitude: ArrayLike, latitude: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions on the map [m] of longitudes and latitudes [degrees]."""
        return _projected(self.projection, longitude, latitude)


def view(latitude: ArrayLike, longitude: ArrayLike, *, aspect: float = 1.0) -> View:
    """
    The view that shows these points: local where they are close together, polar where they surround a pole.

    Parameters
    ----------
    latitude, longitude : array_like, shape (n,)
        Points [degrees], without NaN.
    aspect : float
        Width over height of the panel; only a local view uses it.

    Returns
    -------
    View
        Within 2500 km of their middle, and without a pole among them: equal-area about the middle. On one
        hemisphere poleward of 40 degrees: polar stereographic, to the parallel just beyond the last site.
        Else equal-area, as wide as needed.

    Examples
    --------
    >>> view([71.3, 69.7, 66.6, 78.2], [-156.6, 27.0, 66.4, 15.6]).rim, view([34.8, 35.2], [92.9, 93.1]).rim
    (64.0, None)
    """
    import cartopy.crs as ccrs

    lat, lon = np.asarray(latitude, float), np.asarray(longitude, float)
    centre_lat, centre_lon, reach = _middle(lat, lon)
    pole_inside = 1.7 * max(reach, _SMALLEST) > _EARTH * np.radians(90.0 - abs(centre_lat))
    nearest = np.abs(lat).min()
    if (reach > _LOCAL or pole_inside) and nearest >= 40.0 and abs(np.sign(lat).sum()) == lat.size:
        north = lat[0] > 0
        rim = float(np.sign(lat[0]) * np.floor(nearest - 2.5))
        projection = ccrs.NorthPolarStereo() if north else ccrs.SouthPolarStereo()
        edge = float(abs(_projected(projection, [0.0], [rim])[1][0]))
        return View(projection, (-edge, -edge, edge, edge), rim)
    local = ccrs.LambertAzimuthalEqualArea(round(centre_lon, 1), round(centre_lat, 1))
    x, y = _projected(local, lon, lat)
    half = float(max(np.ptp(x) / 2 / aspect, np.ptp(y) / 2, _SMALLEST) * 1.2)
    x0, y0 = float(x.min() + x.max()) / 2, float(y.min() + y.max()) / 2
    return View(local, (x0 - half * aspect, y0 - half, x0 + half * aspect, y0 + half))


def frame(ax: Any, shown: View, *, points: tuple[ArrayLike, ArrayLike] = ((), ()),
          extent: Any = None) -> None:
    """
    Draw the frame of a panel: extent, land, graticule with labels, and for a local view a scale bar.

    Parameters
    ----------
    ax : cartopy GeoAxes
        In the projection of the view.
    shown : View
        What to show.
    points : tuple of array_like
        Longitudes and latitudes of the sites [degrees]: labels keep away from them.
    extent : Outlines or Grid, optional
        Permafrost extent, drawn over the land and under its shore.
    """
    left, bottom, right, top = shown.bounds
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.set_facecolor("white")
    ax.spines["geo"].set(linewidth=0.6, edgecolor=INK)
    ground = land_on(shown.projection, shown.bounds, detail=round((right - left) / 1200.0, 1))
    if not ground.is_empty:
        land: dict[str, Any] = {"crs": shown.projection, "linewidth": 0.3, "edgecolor": SHORE}
        ax.add_geometries([ground], facecolor=LAND, zorder=1.0, **land)
        if extent is not None:
            extent.draw(ax, shown)
            ax.add_geometries([ground], facecolor="none", zorder=1.8, **land)
    x, y = shown.xy(*points)
    if shown.rim is None:
        _local_graticule(ax, shown)
        if right - left < 2 * _LOCAL:
            _scale_bar(ax, shown, x, y)
        if ground.is_empty or ground.area > 0.999 * (right - left) * (top - bottom):
            _globe(ax, shown, x, y)
    else:
        _polar_graticule(ax, shown, np.asarray(points[0], float))


def _polar_graticule(ax: Any, shown: View, longitudes: NDArray[np.float64]) -> None:
    """A round frame; meridians named at the rim, parallels along the meridian farthest from any site."""
    rim = shown.rim or 0.0
    edge = shown.bounds[2]
    ax.set_boundary(_circle(edge))
    step = 5.0 if abs(rim) > 75.0 else 10.0 if abs(rim) > 50.0 else 20.0
    parallels = np.arange(np.ceil((abs(rim) + 1.0) / step) * step, 89.0, step) * np.sign(rim)
    for parallel in parallels:
        ax.plot(*shown.xy(np.linspace(-180, 180, 181), np.full(181, parallel)), **_LINE)
    meridians = np.arange(-150.0, 181.0, 30.0)
    for meridian in meridians:
        ends = np.array([rim, np.sign(rim) * max(85.0, (abs(rim) + 90.0) / 2)])
        ax.plot(*shown.xy(np.full(2, meridian), ends), **_LINE)
        x, y = (float(v[0]) / edge for v in shown.xy([meridian], [rim]))
        turn = (np.degrees(np.arctan2(y, x)) - 1.0) % 180.0 - 89.0
        ax.annotate(_degrees(meridian, "E", "W"), (x * edge, y * edge), xytext=(6.0 * x, 6.0 * y), fontsize=SMALL - 1,
                    textcoords="offset points", ha="center", va="center", rotation=turn, color=QUIET)
    apart = np.abs((meridians[:, None] + 15.0 - longitudes[None, :] + 180.0) % 360.0 - 180.0).min(axis=1, initial=180.0)
    free = meridians[apart.argmax()] + 15.0
    for parallel in parallels:
        at = [float(v[0]) for v in shown.xy([free], [parallel])]
        ax.text(*at, _degrees(parallel, "N", "S"), fontsize=SMALL - 1, color=QUIET, ha="center", va="center", zorder=3,
                path_effects=halo())


def _local_graticule(ax: Any, shown: View) -> None:
    """Meridians named along the bottom, parallels along the left side."""
    left, bottom, right, top = shown.bounds
    lon, lat = _covered(shown)
    step = next((s for s in _STEPS if max(np.ptp(lon), np.ptp(lat)) / s <= 7), _STEPS[-1])
    fine = np.linspace(0.0, 1.0, 201)
    named: list[float] = []
    for value in np.arange(np.ceil(lon.min() / step), np.floor(lon.max() / step) + 1) * step:
        x, y = shown.xy(np.full(201, value), lat.min() + fine * np.ptp(lat))
        ax.plot(x, y, **_LINE)
        for at in _crossings(y, x, bottom, (left, right), named):
            ax.annotate(_degrees((value + 180.0) % 360.0 - 180.0, "E", "W"), (at, bottom), xytext=(0, -2),
                        textcoords="offset points", ha="center", va="top", fontsize=SMALL - 1, color=QUIET)
    named = []
    for value in np.arange(np.ceil(lat.min() / step), np.floor(lat.max() / step) + 1) * step:
        x, y = shown.xy(lon.min() + fine * np.ptp(lon), np.full(201, value))
        ax.plot(x, y, **_LINE)
        for at in _crossings(x, y, left, (bottom, top), named):
            ax.annotate(_degrees(value, "N", "S"), (left, at), xytext=(-2, 0), textcoords="offset points", ha="right",
                        va="center", rotation=90, fontsize=SMALL - 1, color=QUIET)


def _scale_bar(ax: Any, shown: View, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """A bar of a round length in the lower corner that has fewer sites."""
    left, bottom, right, top = shown.bounds
    width, height = right - left, top - bottom
    length = float(_LENGTHS[width / 4e3 >= _LENGTHS].max(initial=1.0)) * 1e3
    low = y < bottom + 0.25 * height
    on_left = (low & (x < left + 0.4 * width)).sum() <= (low & (x > right - 0.4 * width)).sum()
    start = left + 0.05 * width if on_left else right - 0.05 * width - max(length, 0.13 * width)
    level = bottom + 0.06 * height
    ax.plot([start, start + length], [level, level], color=INK, lw=1.2, solid_capstyle="butt", zorder=6)
    ax.annotate(f"{length / 1e3:g} km", (start + length / 2, level), xytext=(0, 2), textcoords="offset points",
                ha="center", va="bottom", fontsize=SMALL - 1, zorder=6, path_effects=halo())


def _globe(ax: Any, shown: View, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """A hemisphere with the frame on it, in the upper corner that has fewer sites: where there is no coast to go by."""
    import shapely
    from matplotlib.patches import Rectangle

    left, bottom, right, top = shown.bounds
    width, height = right - left, top - bottom
    side = 0.3 * min(width, height)
    high = y > top - 1.2 * side
    on_left = (high & (x < left + 1.2 * side)).sum() <= (high & (x > right - 1.2 * side)).sum()
    corner = ((0.03 * height if on_left else width - side - 0.03 * height) / width, 0.97 - side / height)
    half = float(np.sqrt(2.0) * _EARTH)
    globe = ax.inset_axes((*corner, side / width, side / height), projection=shown.projection, zorder=8)
    globe.set_xlim(-half, half)
    globe.set_ylim(-half, half)
    globe.set_boundary(_circle(half))
    globe.spines["geo"].set(linewidth=0.4, edgecolor=INK)
    ground = land_on(shown.projection, (-half, -half, half, half), scale="110m", detail=half / 80)
    globe.add_geometries([ground.intersection(shapely.Point(0, 0).buffer(half))], crs=shown.projection,
                         facecolor=SHORE, edgecolor="none")
    globe.add_patch(Rectangle((left, bottom), width, height, facecolor="none", edgecolor=INK, linewidth=0.8, zorder=3))


def halo(width: float = 1.5) -> list[Any]:
    """Path effects that keep text legible on land and lines."""
    from matplotlib import patheffects

    return [patheffects.withStroke(linewidth=width, foreground="white", alpha=0.85)]


def _projected(projection: Any, longitude: ArrayLike,
               latitude: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = onto(projection).transform(np.asarray(longitude, float), np.asarray(latitude, float))
    return np.asarray(x, float), np.asarray(y, float)


def _middle(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> tuple[float, float, float]:
    """The mean direction of the points [degrees], and how far the farthest is from it [m]."""
    phi, theta = np.radians(lat), np.radians(lon)
    vectors = np.column_stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)])
    mean = vectors.mean(axis=0)
    size = np.linalg.norm(mean)
    unit = mean / size if size > 1e-6 else np.array([1.0, 0.0, 0.0])
    reach = _EARTH * float(np.arccos(np.clip(vectors @ unit, -1.0, 1.0)).max())
    return float(np.degrees(np.arcsin(unit[2]))), float(np.degrees(np.arctan2(unit[1], unit[0]))), reach


def _covered(shown: View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes, unbroken about the middle of the view, and latitudes that a rectangular view covers [degrees]."""
    left, bottom, right, top = shown.bounds
    x, y = np.meshgrid(np.linspace(left, right, 21), np.linspace(bottom, top, 21))
    lon, lat = (np.asarray(v).ravel() for v in onto(shown.projection).transform(x, y, direction="INVERSE"))
    seen = np.isfinite(lon) & np.isfinite(lat)
    lon, lat = lon[seen], lat[seen]
    middle = shown.projection.proj4_params["lon_0"]
    return middle + (lon - middle + 180.0) % 360.0 - 180.0, lat


def _crossings(across: NDArray[np.float64], along: NDArray[np.float64], edge: float,
               between: tuple[float, float], named: list[float]) -> list[float]:
    """Where a line crosses an edge of the frame, if a name fits there: off the corners and the names before it."""
    span = between[1] - between[0]
    for k in np.flatnonzero(np.diff(np.sign(across - edge)) != 0):
        part = (edge - across[k]) / (across[k + 1] - across[k])
        at = float(along[k] + part * (along[k + 1] - along[k]))
        if between[0] + 0.03 * span < at < between[1] - 0.03 * span and all(abs(at - n) > 0.13 * span for n in named):
            named.append(at)
            return [at]
    return []


def _circle(radius: float) -> Any:
    from matplotlib.path import Path

    around = np.linspace(0.0, 2 * np.pi, 181)
    return Path(radius * np.column_stack([np.cos(around), np.sin(around)]), closed=True)


def _degrees(value: float, positive: str, negative: str) -> str:
    if value == 0 or abs(value) == 180:
        return f"{abs(value):g}°"
    return f"{abs(value):g}°{positive if value > 0 else negative}"
