"""The bundled land: it is Natural Earth's, and it projects without tears at the date line and the poles."""

import gzip
import json

import cartopy.crs as ccrs
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from talik.errors import UnknownName
from talik.figures.land import coasts, land_on, onto

SIMPLIFIED = {"110m": (2_000.0, 0.0), "50m": (2_500.0, 60e6)}  # tolerance [m], smallest island kept [m2]
LAND = {"Toolik": (-149.6, 68.6), "Beiluhe": (92.9, 34.8), "South Pole": (0.0, -90.0), "Yakutsk": (129.7, 62.0),
        "Chukotka, west of 180": (178.5, 67.5), "Chukotka, east of 180": (-178.5, 67.0), "Andes": (-69.0, -31.0)}
SEA = {"North Pole": (0.0, 90.0), "Caspian Sea": (50.8, 41.5), "Ross Sea": (180.0, -75.0), "Bering Sea": (180.0, 58.0),
       "Weddell Sea": (-40.0, -70.0), "Bay of Bengal": (88.0, 15.0)}


def from_topojson(text: str) -> list[list[np.ndarray]]:
    """The polygons of a TopoJSON land file: outer ring first, then lakes [degrees]."""
    topology = json.loads(text)
    scale, origin = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + origin for arc in topology["arcs"]]

    def ring(numbers):
        parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in numbers]
        return np.vstack([parts[0], *(part[1:] for part in parts[1:])])

    return [[ring(numbers) for numbers in polygon] for polygon in topology["objects"]["land"]["geometries"][0]["arcs"]]


def bundle(text: str, tolerance: float, smallest: float) -> bytes:
    """
    What is bundled, made from Natural Earth: each ring simplified in an equal-area projection about itself,
    rounded to 0.01 degrees, outer rings counter-clockwise, small islands and the hole at the South Pole left out.
    """
    polygons = []
    for polygon in from_topojson(text):
        kept = []
        for ring in (r for r in polygon if r[:, 1].max() > -89):
            longitude = np.degrees(np.angle(np.exp(1j * np.radians(ring[:, 0])).sum()))
            latitude = -90 if ring[:, 1].mean() < -60 else ring[:, 1].mean()
            there = Transformer.from_crs("EPSG:4326", f"+proj=laea +lat_0={latitude} +lon_0={longitude} +R=6371008.8",
                                         always_xy=True)
            flat = shapely.Polygon(np.column_stack(there.transform(*ring.T)))
            if flat.area < smallest:
                break
            flat = shapely.geometry.polygon.orient(flat.simplify(tolerance), -1.0 if kept else 1.0)
            back = there.transform(*np.array(flat.exterior.coords).T, direction="INVERSE")
            kept.append(np.column_stack(back).round(2))
        if kept:
            polygons.append(shapely.Polygon(kept[0], kept[1:]))
    return gzip.compress(shapely.to_wkb(shapely.MultiPolygon(polygons)), 9, mtime=0)


def areas(rings) -> list[float]:
    """Area south of, or inside, each ring on a unit sphere, largest first."""
    found = []
    for ring in rings:
        longitude, height = np.radians(ring[:, 0]), np.sin(np.radians(ring[:, 1]))
        step = (np.diff(longitude) + np.pi) % (2 * np.pi) - np.pi
        found.append(abs(np.sum(step * (1 + (height[1:] + height[:-1]) / 2))))
    return sorted(found, reverse=True)


def bundled(scale) -> list[np.ndarray]:
    points, ring, _ = coasts(scale)
    return np.split(points, np.flatnonzero(np.diff(ring)) + 1)


@pytest.mark.realdata
def test_the_coarse_land_is_what_the_source_gives(real):
    source = (real / "maps" / "land-110m.json").read_text()
    made = shapely.from_wkb(gzip.decompress(bundle(source, *SIMPLIFIED["110m"])))
    here = np.concatenate(bundled("110m"))
    assert np.abs(shapely.get_coordinates(made) - here).max() <= 0.011


@pytest.mark.realdata
@pytest.mark.parametrize("scale", ["110m", "50m"])
def test_the_largest_lands_have_the_areas_of_the_source(real, scale):
    source = [r for polygon in from_topojson((real / "maps" / f"land-{scale}.json").read_text()) for r in polygon]
    expected, got = areas(r for r in source if r[:, 1].max() > -89)[:40], areas(bundled(scale))[:40]
    np.testing.assert_allclose(got, expected, rtol=0.03)


@pytest.mark.parametrize("scale", ["110m", "50m"])
def test_land_covers_the_share_of_the_earth_that_it_covers(scale):
    world = ccrs.LambertAzimuthalEqualArea(0, 0)
    half = 2.001 * 6_378_137.0
    share = land_on(world, (-half, -half, half, half), scale=scale).area / (4 * np.pi * 6_371_008.8**2)
    assert share == pytest.approx(0.285, abs=0.012)  # 29 % of the globe, without ice shelves


@settings(max_examples=12, deadline=None)
@given(st.floats(-180, 180), st.floats(-88, 88), st.sampled_from(["110m"]))
def test_a_place_is_land_whatever_the_centre_of_the_map(longitude, latitude, scale):
    projection = ccrs.LambertAzimuthalEqualArea(round(longitude, 1), round(latitude, 1))
    half = 7e6
    ground = land_on(projection, (-half, -half, half, half), scale=scale)
    for places, expected in ((LAND, True), (SEA, False)):
        for name, place in places.items():
            x, y = onto(projection).transform(*place)
            if np.hypot(x, y) < half:
                assert shapely.covers(ground, shapely.Point(x, y)) == expected, name


@pytest.mark.parametrize(("projection", "reach"), [(ccrs.NorthPolarStereo(), 5e6), (ccrs.SouthPolarStereo(), 5e6)])
def test_polar_land_is_right(projection, reach):
    ground = land_on(projection, (-reach, -reach, reach, reach))
    for places, expected in ((LAND, True), (SEA, False)):
        for name, place in places.items():
            x, y = onto(projection).transform(*place)
            if np.isfinite(x) and np.hypot(x, y) < reach:
                assert shapely.covers(ground, shapely.Point(x, y)) == expected, name


@pytest.mark.parametrize("centre", [(15.0, 78.0), (8.0, 45.0), (-149.0, 68.0), (92.0, 34.0), (-70.0, -33.0)])
def test_no_ring_turns_inside_out_over_a_local_map(centre):
    """Land within 60 km of a place is the same on its own map and on a map of half the globe."""
    near, far = ccrs.LambertAzimuthalEqualArea(*centre), ccrs.LambertAzimuthalEqualArea(centre[0], centre[1] - 3)
    small = land_on(near, (-6e4, -6e4, 6e4, 6e4)).area
    x, y = onto(far).transform(*centre)
    large = land_on(far, (-5e6, -5e6, 5e6, 5e6))
    again = large.intersection(shapely.box(x - 6e4, y - 6e4, x + 6e4, y + 6e4)).area
    assert again == pytest.approx(small, rel=0.03, abs=1e8)


def test_an_unknown_scale_names_those_there_are():
    with pytest.raises(UnknownName, match=r"'10m'.*110m, 50m"):
        coasts("10m")
