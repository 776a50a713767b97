"""Permafrost extent beneath a map: outlines or a grid from the user's own file, since none may be bundled."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from talik.errors import FileError, UnknownFormat, unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from talik.figures.views import View

SHADES = ("#A49CC9", "#BDB7DA", "#D3CFE6", "#E5E2F0", "#C9BBAE", "#DDD3C9")
"""Fills of the classes, from continuous to isolated permafrost, then for others."""

_CLASSES = {"cont": "Continuous", "disc": "Discontinuous", "spor": "Sporadic", "isol": "Isolated"}
_LETTERS = {"C": "Continuous", "D": "Discontinuous", "S": "Sporadic", "I": "Isolated"}
_COLUMNS = ("extent", "pf_extent", "permafrost", "zone", "class", "type")
_MOST_PIXELS = 60_000_000
_PIXELS_ACROSS = 700
_SCALE, _TIE, _MATRIX, _KEYS, _NODATA = 33550, 33922, 34264, 34735, 42113


@dataclass(frozen=True, slots=True)
class Outlines:
    """
    Extent as polygons, by class.

    Parameters
    ----------
    label : str
        Named under the map.
    classes : mapping of class name to shapely geometries
        In the coordinates of `crs`, in the order of drawing.
    crs : pyproj CRS
        Coordinate reference system of the geometries.
    """

    label: str
    classes: dict[str, tuple[Any, ...]]
    crs: Any

    def draw(self, ax: Any, shown: View) -> None:
        """Fill the outlines on a map in the projection of the view, under graticule and sites."""
        import shapely
        from pyproj import Transformer

        there = Transformer.from_crs(self.crs, shown.projection, always_xy=True)
        window = shapely.box(*shown.bounds)
        centre = shapely.Point(there.transform(*_centre(shown), direction="INVERSE"))
        for name, shade in self.legend():
            parts = _seen(np.array(self.classes[name]), there, window, centre)
            ax.add_geometries(list(parts), crs=shown.projection, facecolor=shade, edgecolor="none", zorder=1.5)
        ax.set_rasterization_zorder(1.6)  # real extents have ten thousand outlines, which would fill an SVG

    def legend(self) -> list[tuple[str, str]]:
        """Name and fill of every class: a known class has always the same fill, others take those left."""
        own = {name: SHADES[k] for k, name in enumerate(_LETTERS.values()) if name in self.classes}
        left = iter(shade for shade in SHADES if shade not in own.values())
        return [(name, own[name] if name in own else next(left)) for name in self.classes]


@dataclass(frozen=True, slots=True)
class Grid:
    """
    Extent as a grid: a fraction, a probability, or 1 for permafrost.

    Parameters
    ----------
    label : str
        Named under the map.
    values : ndarray, shape (rows, columns)
        NaN where there is none; 0 and less is drawn as no permafrost.
    corner, step : tuple of float
        Upper left corner, and width and height of a cell (the height is negative, north is up), in `crs`.
    crs : pyproj CRS
        Coordinate reference system of the grid.
    """

    label: str
    values: NDArray[np.float32]
    corner: tuple[float, float]
    step: tuple[float, float]
    crs: Any

    def draw(self, ax: Any, shown: View) -> None:
        """Shade the cells, the more the darker, on a map in the projection of the view."""
        from matplotlib.colors import to_rgb
        from pyproj import Transformer

        left, bottom, right, top = shown.bounds
        down = int(_PIXELS_ACROSS * (top - bottom) / (right - left))
        x, y = np.meshgrid(left + (np.arange(_PIXELS_ACROSS) + 0.5) * (right - left) / _PIXELS_ACROSS,
                           top - (np.arange(down) + 0.5) * (top - bottom) / down)
        back = Transformer.from_crs(shown.projection, self.crs, always_xy=True)
        value = self._at(*(np.asarray(v, float) for v in back.transform(x, y)))
        largest = float(np.nanmax(self.values, initial=0.0)) or 1.0
        ink = np.zeros((*value.shape, 4))
        ink[..., :3] = to_rgb(SHADES[0])
        ink[..., 3] = np.clip(np.nan_to_num(value) / largest, 0.0, 1.0)
        ax.imshow(ink, extent=(left, right, bottom, top), origin="upper", interpolation="nearest", zorder=1.5,
                  transform=shown.projection)
        ax.set_xlim(left, right)
        ax.set_ylim(bottom, top)

    def legend(self) -> list[tuple[str, str]]:
        """Name and fill for the legend."""
        return [(f"up to {float(np.nanmax(self.values, initial=0.0)):g}", SHADES[0])]

    def _at(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value of the cell that each point lies in; NaN outside the grid."""
        across = (x - self.corner[0]) / self.step[0]
        if self.crs.is_geographic:
            across %= 360.0 / abs(self.step[0])
        down = (y - self.corner[1]) / self.step[1]
        rows, columns = self.values.shape
        inside = (across >= 0) & (across < columns) & (down >= 0) & (down < rows)  # False where NaN or infinite
        value = np.full(x.shape, np.nan)
        value[inside] = self.values[down[inside].astype(int), across[inside].astype(int)]
        return value


Extent = Outlines | Grid


def read_extent(path: Path | str, *, label: str | None = None, column: str | None = None, crs: Any = None) -> Extent:
    """
    Permafrost extent from a GeoJSON file, a shapefile, or a GeoTIFF of one band.

    Parameters
    ----------
    path : Path or str
        Ends in .geojson, .json, .shp, .tif or .tiff. A shapefile needs its .shx and .dbf beside it.
    label : str, optional
        Named under the map; the file's name without one. Cite the data set here.
    column : str, optional
        Attribute that holds the class. Without it: the first of extent, pf_extent, permafrost, zone, class and type
        that exists, whatever the case; polygons whose class is blank are left out.
    crs : str or pyproj CRS, optional
        Coordinate reference system where the file does not say, or says it in a way that cannot be read,
        such as "EPSG:6931".

    Returns
    -------
    Outlines or Grid
        For `extent=` of `offset_map` and `site_map`.

    Raises
    ------
    FileError
        If the file is missing or damaged, holds no polygons, has several bands or too many pixels, or its
        coordinate reference system is unknown.
    UnknownFormat
        If the ending is none of these.
    UnknownName
        If there is no such column.

    Examples
    --------
    >>> import json, tempfile
    >>> square = {"type": "Polygon", "coordinates": [[[60, 65], [90, 65], [90, 72], [60, 72], [60, 65]]]}
    >>> path = Path(tempfile.mkdtemp()) / "mine.geojson"
    >>> _ = path.write_text(json.dumps({"type": "Feature", "properties": {"EXTENT": "C"}, "geometry": square}))
    >>> list(read_extent(path).classes)
    ['Continuous']
    """
    path = Path(path)
    readers = {".geojson": _geojson, ".json": _geojson, ".shp": _shapefile}
    kind = path.suffix.lower()
    if kind not in {*readers, ".tif", ".tiff"}:
        raise UnknownFormat(f"{path.name}: a permafrost extent is read from .geojson, .json, .shp, .tif or .tiff, "
                            f"not from {path.suffix or 'a file without an ending'!r}")
    if not path.is_file():
        raise FileError(f"{path}: there is no such file")
    if kind in {".tif", ".tiff"}:
        return _geotiff(path, label or path.stem, crs)
    shapes, said = readers[kind](path)
    known = _reference(path, crs if crs is not None else said)
    classes = _classes(path, shapes, column)
    outermost = np.abs(np.array([shape.bounds for part in classes.values() for shape in part])).max()
    if known.is_geographic and outermost > 360.0:
        raise FileError(f"{path.name}: coordinates up to {outermost:g} are not degrees. "
                        "Pass crs= with the coordinate reference system they are in")
    return Outlines(label or path.stem, classes, known)


def _geojson(path: Path) -> tuple[list[tuple[Any, dict[str, Any]]], Any]:
    """Shapes with attributes, and the reference system a file of before 2016 may name."""
    from shapely.geometry import shape

    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        features = content["features"] if content["type"] == "FeatureCollection" else [content]
        shapes = [(shape(f["geometry"]), f.get("properties") or {}) if f["type"] == "Feature" else (shape(f), {})
                  for f in features if f.get("geometry") or f["type"] != "Feature"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{path.name}: is not GeoJSON: {type(error).__name__}: {error}") from error
    return shapes, (content.get("crs") or {}).get("properties", {}).get("name", "OGC:CRS84")


def _shapefile(path: Path) -> tuple[list[tuple[Any, dict[str, Any]]], Any]:
    """Shapes with attributes, and the reference system of the .prj beside them."""
    import struct

    from shapefile import NULL, Reader, ShapefileException
    from shapely.geometry import shape

    try:
        with Reader(str(path), encodingErrors="replace") as reader:
            shapes = [(shape(found.shape.__geo_interface__), found.record.as_dict())
                      for found in reader.iterShapeRecords() if found.shape.shapeType != NULL]
    except (ShapefileException, OSError, ValueError, IndexError, struct.error) as error:
        raise FileError(f"{path.name}: cannot be read as a shapefile: {error}. Are .shx and .dbf beside it?") from error
    described = path.with_suffix(".prj")
    return shapes, described.read_text(encoding="utf-8", errors="replace") if described.is_file() else None


def _reference(path: Path, said: Any) -> Any:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    if said is None:
        raise FileError(f"{path.name}: does not say its coordinate reference system. "
                        'Pass crs=, such as crs="EPSG:4326" for longitude and latitude')
    try:
        return CRS.from_user_input(said)
    except CRSError as error:
        raise FileError(f"{path.name}: coordinate reference system {str(said)[:80]!r} is not understood. "
                        'Pass crs=, such as crs="EPSG:6931"') from error


def _classes(path: Path, shapes: list[tuple[Any, dict[str, Any]]], column: str | None) -> dict[str, tuple[Any, ...]]:
    """Polygons by class, known classes from continuous to isolated, then the others by name."""
    import shapely

    areas = [(part, known) for shape, known in shapes for part in shapely.get_parts(shape)
             if part.geom_type == "Polygon" and not part.is_empty]
    if not areas:
        raise FileError(f"{path.name}: holds no polygons, so there is no extent to draw")
    names = {name.lower(): name for _, known in areas for name in known}
    if column is not None and column.lower() not in names:
        raise unknown(f"column of {path.name}", column, names.values())
    chosen = names[column.lower()] if column else next((names[n] for n in _COLUMNS if n in names), None)
    if chosen is None:
        return {"Permafrost": tuple(part for part, _ in areas)}
    found: dict[str, list[Any]] = {}
    for part, known in areas:
        name = _class_name(known.get(chosen))
        if name:
            found.setdefault(name, []).append(part)
    if not found:
        raise FileError(f"{path.name}: column {chosen!r} is blank in every polygon. Pass column= with another")
    if len(found) > len(SHADES):
        raise FileError(f"{path.name}: column {chosen!r} has {len(found)} classes, more than the {len(SHADES)} that "
                        "can be told apart on a map. Pass column= with another")
    order = list(_LETTERS.values())
    ranked = sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name))
    return {name: tuple(found[name]) for name in ranked}


def _class_name(value: Any) -> str:
    text = str(value if value is not None else "").strip()
    spelt = (name for start, name in _CLASSES.items() if text.lower().startswith(start))
    return _LETTERS.get(text) or next(spelt, text)


def _geotiff(path: Path, label: str, crs: Any) -> Grid:
    """A GeoTIFF by Pillow, which matplotlib brings: its tags say where the cells lie."""
    from PIL import Image

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:  # what matters is an error below
            if image.width * image.height > _MOST_PIXELS:
                raise Image.DecompressionBombError
            tags = dict(image.tag_v2)  # type: ignore[attr-defined]
            values = np.asarray(image)
    except Image.DecompressionBombError:
        raise FileError(f"{path.name}: has more than {_MOST_PIXELS / 1e6:g} million pixels, far more than a map shows. "
                        "Coarsen it first: gdal_translate -outsize 5000 0 -r average") from None
    except (OSError, ValueError, SyntaxError, AttributeError) as error:
        raise FileError(f"{path.name}: cannot be read as GeoTIFF: {error}. Rewrite it plainly: "
                        "gdal_translate -ot Float32 -co COMPRESS=DEFLATE") from error
    if values.ndim != 2:
        raise FileError(f"{path.name}: has {values.shape[2]} bands, expected 1. Take one: gdal_translate -b 1")
    values = values.astype(np.float32)
    if _NODATA in tags:
        values[np.isclose(values, float(str(tags[_NODATA]).strip("\0 ")), equal_nan=True)] = np.nan
    keys = np.array(tags.get(_KEYS, ()), dtype=int).reshape(-1, 4)
    codes = {int(key): int(value) for key, _, _, value in keys[1:]}
    corner, step = _cells(path, tags, points=codes.get(1025) == 2)
    code = next((codes[key] for key in (3072, 2048) if 0 < codes.get(key, 0) < 32767), None)
    return Grid(label, values, corner, step, _reference(path, crs if crs is not None else code))


def _cells(path: Path, tags: dict[int, Any], *, points: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """Upper left corner and size of a cell."""
    if _SCALE in tags and _TIE in tags:
        (across, down), tie = tags[_SCALE][:2], tags[_TIE]
        corner, step = (tie[3] - tie[0] * across, tie[4] + tie[1] * down), (across, -down)
    elif _MATRIX in tags and tags[_MATRIX][1] == tags[_MATRIX][4] == 0:
        matrix = tags[_MATRIX]
        corner, step = (matrix[3], matrix[7]), (matrix[0], matrix[5])
    else:
        raise FileError(f"{path.name}: is a TIFF that does not say where its cells lie (no GeoTIFF tags), or a rotated "
                        "one. Rewrite it with gdalwarp")
    half = 0.5 if points else 0.0
    return (corner[0] - half * step[0], corner[1] - half * step[1]), step


def _seen(shapes: NDArray[Any], there: Any, window: Any, centre: Any) -> NDArray[Any]:
    """The parts of polygons inside the window; without those that the projection tears or turns inside out."""
    import shapely

    flat = shapely.transform(shapes, lambda xy: np.column_stack(there.transform(*xy.T)))
    bounds = shapely.bounds(flat)
    near = np.isfinite(bounds).all(axis=1)
    near[near] = shapely.intersects(shapely.box(*bounds[near].T), window)
    flat = shapely.make_valid(flat[near])
    turned = shapely.covers(flat, window.centroid) & ~shapely.covers(shapes[near], centre)
    parts = shapely.get_parts(shapely.intersection(flat[~turned], window))
    areas: NDArray[Any] = shapely.get_parts(parts[shapely.area(parts) > 0])
    return areas


def _centre(shown: View) -> tuple[float, float]:
    left, bottom, right, top = shown.bounds
    return (left + right) / 2, (bottom + top) / 2
