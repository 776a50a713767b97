"""Permafrost extent: three formats, one meaning; cells and outlines lie where they should; each fault is named."""

import json

import cartopy.crs as ccrs
import numpy as np
import pytest
import shapefile
from matplotlib.colors import to_rgba
from PIL import Image, TiffImagePlugin
from pyproj import CRS

from talik.errors import FileError, UnknownFormat, UnknownName
from talik.figures import canvas
from talik.figures.extent import SHADES, Grid, Outlines, read_extent
from talik.figures.maps import offset_map, site_map
from talik.figures.views import View

BOX = [[60, 65], [90, 65], [90, 72], [60, 72], [60, 65]]
DEGREES = CRS("EPSG:4326").to_wkt(version="WKT1_ESRI")
KEYS = (1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326)


def geojson(path, features=(("C", BOX),), column="EXTENT", **more):
    content = {"type": "FeatureCollection", **more, "features": [
        {"type": "Feature", "properties": {column: name} if column else {},
         "geometry": {"type": "Polygon", "coordinates": [ring]}} for name, ring in features]}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def geotiff(path, values, *, scale=(1.0, 1.0, 0.0), tie=(0.0, 0.0, 0.0, -180.0, 90.0, 0.0), keys=KEYS, nodata=None):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, kind, value in ((33550, 12, scale), (33922, 12, tie), (34735, 3, keys)):
        if value:
            tags[tag] = value
            tags.tagtype[tag] = kind
    if nodata is not None:
        tags[42113] = str(nodata)
    Image.fromarray(values).save(path, tiffinfo=tags, compression="tiff_deflate")
    return path


def shape(path, prj=DEGREES, kind=shapefile.POLYGON):
    with shapefile.Writer(str(path), shapeType=kind) as writer:
        writer.field("EXTENT", "C", size=20)
        for name in ("C", ""):
            if kind == shapefile.POLYGON:
                writer.poly([BOX[::-1]])
            else:
                writer.point(60, 65)
            writer.record(name)
    if prj:
        path.with_suffix(".prj").write_text(prj)
    return path


def drawn_on(extent, projection, half=4e6):
    """The map's axes, with nothing on them but the extent."""
    ax = canvas.figure(60, 60, layout=None).add_axes((0, 0, 1, 1), projection=projection)
    ax.set_xlim(-half, half)
    ax.set_ylim(-half, half)
    ax.axis("off")
    extent.draw(ax, View(projection, (-half, -half, half, half)))
    return ax


def colour_at(ax, longitude, latitude):
    """The colour that the page has at a place."""
    ax.figure.canvas.draw()
    x, y = ax.transData.transform(ax.projection.transform_point(longitude, latitude, ccrs.PlateCarree()))
    page = np.asarray(ax.figure.canvas.buffer_rgba())
    return page[page.shape[0] - 1 - int(y), int(x)] / 255.0


def shade(fill):
    return pytest.approx(to_rgba(fill), abs=0.01)


WHITE = shade("white")


@pytest.mark.parametrize("make", [
    lambda d: geojson(d / "a.geojson"), lambda d: shape(d / "a.shp"),
    lambda d: geotiff(d / "a.tif", np.pad(np.ones((7, 30), "u1"), ((18, 155), (240, 90)))),
], ids=["geojson", "shapefile", "geotiff"])
def test_three_formats_colour_the_same_place(make, tmp_path):
    ax = drawn_on(read_extent(make(tmp_path)), ccrs.NorthPolarStereo())
    for place in ((75, 68), (62, 71), (88, 66)):
        assert colour_at(ax, *place) == shade(SHADES[0])
    for place in ((75, 63), (57, 68), (93, 68), (-105, 68), (75, 74)):
        assert colour_at(ax, *place) == WHITE


def test_classes_go_from_continuous_to_isolated_and_blank_ones_are_left_out(tmp_path):
    names = ["Isolated patches", "s", "D", "C", "", None, "continuous (90-100 %)"]
    extent = read_extent(geojson(tmp_path / "a.geojson", [(name, BOX) for name in names]))
    assert isinstance(extent, Outlines)
    assert list(extent.classes) == ["Continuous", "Discontinuous", "Isolated", "s"]
    assert [len(parts) for parts in extent.classes.values()] == [2, 1, 1, 1]
    assert [fill for _, fill in extent.legend()] == [SHADES[0], SHADES[1], SHADES[3], SHADES[2]]


def test_a_file_without_classes_is_one_class(tmp_path):
    assert list(read_extent(geojson(tmp_path / "a.json", column="")).classes) == ["Permafrost"]


def test_a_bare_geometry_is_enough(tmp_path):
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [BOX]}))
    assert list(read_extent(path).classes) == ["Permafrost"]


def test_an_outline_in_polar_metres_lies_where_the_one_in_degrees_does(tmp_path):
    there = CRS("EPSG:3995")
    ring = [list(ccrs.NorthPolarStereo(true_scale_latitude=71).transform_point(x, y, ccrs.PlateCarree()))
            for x in (60, 90) for y in ((65, 72) if x == 60 else (72, 65))]
    path = geojson(tmp_path / "a.geojson", [("C", [*ring, ring[0]])],
                   crs={"type": "name", "properties": {"name": there.to_string()}})
    assert colour_at(drawn_on(read_extent(path), ccrs.NorthPolarStereo()), 75, 69) == shade(SHADES[0])


@pytest.mark.parametrize("projection", [ccrs.NorthPolarStereo(), ccrs.LambertAzimuthalEqualArea(100, 60)])
def test_an_outline_around_the_other_pole_covers_nothing_here(projection, tmp_path):
    cap = [[x, -70] for x in range(-180, 181, 10)]
    for k, ring in enumerate(([*cap, [180, -90], [-180, -90], cap[0]], [*cap, [180, -89.9], [-180, -89.9], cap[0]])):
        ax = drawn_on(read_extent(geojson(tmp_path / f"{k}.geojson", [("C", ring)])), projection)
        assert colour_at(ax, 100, 75) == WHITE


def test_a_cap_around_the_pole_itself_is_filled(tmp_path):
    cap = [[x, -70] for x in range(-180, 181, 10)]
    path = geojson(tmp_path / "a.geojson", [("C", [*cap, [180, -90], [-180, -90], cap[0]])])
    assert colour_at(drawn_on(read_extent(path), ccrs.SouthPolarStereo()), 45, -80) == shade(SHADES[0])


def test_a_grid_is_darker_where_it_is_more_and_empty_where_it_has_none(tmp_path):
    values = np.zeros((180, 360), "f4")
    values[10:20], values[20:30], values[30:40] = 1.0, 0.5, -9999.0
    extent = read_extent(geotiff(tmp_path / "a.tif", values, nodata=-9999))
    assert isinstance(extent, Grid)
    assert np.isnan(extent.values[35]).all()
    ax = drawn_on(extent, ccrs.NorthPolarStereo(), 5e6)
    half = 1 - (1 - np.array(to_rgba(SHADES[0]))) / 2
    assert colour_at(ax, 40, 75) == shade(SHADES[0])
    assert colour_at(ax, 40, 65) == pytest.approx(half, abs=0.01)
    assert colour_at(ax, 40, 55) == WHITE
    assert colour_at(ax, 40, 85) == WHITE


def test_longitudes_from_0_to_360_are_the_same_grid(tmp_path):
    values = np.zeros((180, 360), "u1")
    values[15:25, 200:220] = 1  # 160 to 140 degrees west
    west = geotiff(tmp_path / "a.tif", values, tie=(0, 0, 0, 0.0, 90.0, 0))
    ax = drawn_on(read_extent(west), ccrs.NorthPolarStereo())
    assert colour_at(ax, -150, 70) == shade(SHADES[0])
    assert colour_at(ax, 150, 70) == WHITE


def test_cells_given_by_their_centres_start_half_a_cell_earlier(tmp_path):
    values = np.ones((4, 4), "u1")
    area = read_extent(geotiff(tmp_path / "area.tif", values, tie=(0, 0, 0, 10.0, 70.0, 0)))
    point = read_extent(geotiff(tmp_path / "point.tif", values, tie=(0, 0, 0, 10.5, 69.5, 0),
                                keys=tuple(2 if k == 11 else key for k, key in enumerate(KEYS))))
    assert area.corner == point.corner == (10.0, 70.0)


def test_the_layer_is_named_on_the_map_and_lies_under_the_sites(tmp_path):
    sites = {"site": ["A", "B"], "latitude": [68.0, 70.0], "longitude": [70.0, 80.0], "thermal_offset": [1.0, -1.0]}
    extent = read_extent(geojson(tmp_path / "a.geojson"), label="My extent (2020)")
    for fig in (offset_map(sites, "thermal_offset", extent=extent), site_map(sites, extent=extent)):
        titles = [legend.get_title().get_text() for legend in fig.legends]
        assert "My extent (2020)" in titles
        layer = [a for a in fig.axes[0].collections if tuple(a.get_facecolor()[:1].ravel()) == to_rgba(SHADES[0])]
        assert all(artist.get_zorder() < 5 for artist in layer)


def bytes_of(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("make", "arguments", "error", "message"), [
    (lambda d: d / "no.tif", {}, FileError, "no.tif: there is no such file"),
    (lambda d: bytes_of(d / "a.kml", b""), {}, UnknownFormat, r"a.kml: .* is read from .geojson, .json, .shp, .tif"),
    (lambda d: bytes_of(d / "a.geojson", b"{"), {}, FileError, "a.geojson: is not GeoJSON"),
    (lambda d: bytes_of(d / "a.geojson", b'{"type": "Point", "coordinates": [1, 2]}'), {}, FileError,
     "holds no polygons"),
    (lambda d: bytes_of(d / "a.geojson", b"[1]"), {}, FileError, "a.geojson: is not GeoJSON"),
    (lambda d: geojson(d / "a.geojson", [("C", [[6e5, 7e6], [7e5, 7e6], [7e5, 8e6], [6e5, 7e6]])]), {}, FileError,
     "coordinates up to 8e.06 are not degrees. Pass crs="),
    (lambda d: geojson(d / "a.geojson"), {"column": "EXTNT"}, UnknownName,
     "unknown column of a.geojson 'EXTNT'. .*'EXTENT'"),
    (lambda d: geojson(d / "a.geojson", [("", BOX)]), {}, FileError, "column 'EXTENT' is blank in every polygon"),
    (lambda d: geojson(d / "a.geojson", [(f"zone {k}", BOX) for k in range(9)]), {}, FileError,
     "has 9 classes, more than"),
    (lambda d: geojson(d / "a.geojson"), {"crs": "EPSG:0"}, FileError, "'EPSG:0' is not understood"),
    (lambda d: shape(d / "a.shp", prj=None), {}, FileError, "does not say its coordinate reference"),
    (lambda d: shape(d / "a.shp", kind=shapefile.POINT), {}, FileError, "holds no polygons"),
    (lambda d: bytes_of(d / "a.shp", b"not a shapefile"), {}, FileError, "a.shp: cannot be read as a shapefile"),
    (lambda d: bytes_of(d / "a.tif", b"II*\0broken"), {}, FileError,
     "a.tif: cannot be read as GeoTIFF.*gdal_translate"),
    (lambda d: geotiff(d / "a.tif", np.zeros((4, 4, 3), "u1")), {}, FileError, "has 3 bands, expected 1"),
    (lambda d: geotiff(d / "a.tif", np.zeros((4, 4), "u1"), scale=()), {}, FileError,
     "does not say where its cells lie"),
    (lambda d: geotiff(d / "a.tif", np.zeros((4, 4), "u1"), keys=()), {}, FileError, "Pass crs="),
    (lambda d: geotiff(d / "a.tif", np.zeros((9000, 7000), "u1")), {}, FileError,
     "more than 60 million pixels.*Coarsen"),
])
def test_faults_are_named(make, arguments, error, message, tmp_path):
    with pytest.raises(error, match=message):
        read_extent(make(tmp_path), **arguments)


def test_a_reference_system_can_be_given(tmp_path):
    assert read_extent(shape(tmp_path / "a.shp", prj=None), crs="EPSG:4326").crs.is_geographic
    assert read_extent(geotiff(tmp_path / "a.tif", np.zeros((4, 4), "u1"), keys=()), crs="EPSG:6931").crs.is_projected
