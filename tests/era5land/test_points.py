"""Sites get the right cell, know how far it is, and every chunk is opened once."""

import numpy as np
import pytest
import world as W
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.era5land import grids as grids_module
from talik.era5land.grids import grid_of, open_grid
from talik.era5land.passes import plan_pass
from talik.era5land.points import INSIDE, MARKS, NO_LAND, NO_PLACE, OUTSIDE, marks, places, series
from talik.era5land.reduce import reduce_cells
from talik.errors import UnknownName, UsageError
from talik.kernels.sphere import great_circle


@pytest.fixture(scope="module")
def made():
    return W.world(("t2m", "swvl1"), rows=12, columns=15, years=(2015, 2015), seed=5, sea=0.3)


@pytest.fixture(scope="module")
def grid(made):
    return grid_of([(W.daily(made), "a")])


@settings(max_examples=60, deadline=None)
@given(lat=st.floats(68.86, 70.04), lon=st.floats(-150.04, -148.56), turn=st.integers(-1, 1))
def test_a_site_takes_the_nearest_land_cell_of_all(made, grid, lat, lon, turn):
    at = places(grid, [lat], [lon + 360 * turn])
    own = np.abs(made.latitude - lat).argmin(), np.abs(made.longitude - lon).argmin()
    if not made.sea[own]:
        assert (at.row[0], at.column[0], at.coastal[0]) == (*own, False)
    else:
        rows, columns = np.nonzero(~made.sea)
        apart = great_circle([lat], [lon], made.latitude[rows], made.longitude[columns])[0]
        assert at.coastal[0]
        assert not made.sea[at.row[0], at.column[0]]
        np.testing.assert_allclose(at.distance_km[0], apart.min(), rtol=1e-9)
    np.testing.assert_allclose(at.distance_km, great_circle([lat], [lon], at.latitude, at.longitude)[0], rtol=1e-6,
                               atol=1e-6)


def test_orientation_of_the_grid_does_not_matter(made):
    lat, lon = np.array([69.53, 69.11, 70.0]), np.array([-149.2, -149.77, -148.6])
    found = [places(grid_of([(W.turned(W.daily(made), ascending=a, east=e), "x")]), lat, lon)
             for a in (False, True) for e in (False, True)]
    for other in found[1:]:
        np.testing.assert_allclose(other.latitude, found[0].latitude)
        np.testing.assert_allclose(other.longitude, found[0].longitude)
        np.testing.assert_allclose(other.distance_km, found[0].distance_km, atol=1e-6)


def test_a_grid_round_the_earth_has_no_edge_at_its_seam():
    longitude = np.arange(0.0, 360.0, 0.5)
    values = np.full((2, 3, longitude.size), 270.0)
    values[:, :, 0] = np.nan                               # sea at the seam: land lies on its other side
    ds = xr.Dataset({"t2m": (("time", "latitude", "longitude"), values, {"units": "K"})},
                    coords={"time": np.array(["2015-01-01", "2015-01-02"], "M8[ns]"),
                            "latitude": [70.5, 70.0, 69.5], "longitude": longitude})
    at = places(grid_of([(ds, "a")]), [70.0, 70.0], [-0.2, 359.9], reach_km=40)
    assert at.column.tolist() == [719, 719]
    np.testing.assert_allclose(at.longitude, -0.5)


def test_what_cannot_have_a_cell_says_why(made, grid):
    alone = W.daily(made).where(False)
    at = places(grid, [0.0, np.nan, 69.5], [0.0, 1.0, -149.5])
    assert at.reason.tolist()[:2] == [OUTSIDE, NO_PLACE]
    assert at.reason[2] == INSIDE
    assert places(grid_of([(alone, "a")]), [69.5], [-149.5]).reason.tolist() == [NO_LAND]
    with pytest.raises(UsageError, match="one value a site"):
        places(grid, [1.0, 2.0], [1.0])


def test_elevation_and_land_fraction_come_from_the_static_fields(made):
    height = np.arange(180.0).reshape(12, 15)
    ds = W.daily(made).assign(z=(("latitude", "longitude"), height * 9.80665, {"units": "m**2 s**-2"}),
                              lsm=(("latitude", "longitude"), (~made.sea).astype(float), {"units": "(0 - 1)"}))
    at = places(grid_of([(ds, "a")]), made.latitude[[2, 7]], made.longitude[[3, 9]])
    np.testing.assert_allclose(at.cell_elevation, height[at.row, at.column])
    assert at.land_fraction.tolist() == [1.0, 1.0]


def test_points_take_the_nearest_point_within_reach(made):
    ds = W.daily(made).stack(cell=("latitude", "longitude")).reset_index("cell")
    at = places(grid_of([(ds, "a")]), [made.latitude[3] + 0.01, 10.0], [made.longitude[2], 0.0])
    assert at.reason.tolist() == [INSIDE, OUTSIDE]
    np.testing.assert_allclose(at.distance_km[0], 1.112, atol=0.01)


def test_series_are_those_of_sel(made, grid):
    rows, columns = np.array([3, 0, 11, 3]), np.array([14, 0, 7, 14])
    times, values = series(grid, "t2m", rows, columns)
    np.testing.assert_array_equal(times, made.days)
    np.testing.assert_array_equal(values, made.truth["t2m"][:, rows, columns])
    with pytest.raises(UnknownName, match="field of this grid"):
        series(grid, "tp", rows, columns)
    with pytest.raises(UsageError, match="without a cell"):
        series(grid, "t2m", [-1], [0])


@pytest.mark.parametrize("chunks", [(10**6, 16, 16), (30, 48, 64), (1, 48, 64), (365, 4, 4)])
def test_every_chunk_is_opened_once(tmp_path, chunks, monkeypatch):
    made = W.world(("t2m",), rows=48, columns=64, years=(2015, 2015), dtype=np.float32)
    grid = open_grid(W.to_zarr(W.daily(made), tmp_path / "a.zarr", chunks))
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(48, size=500), rng.integers(64, size=500)
    boxes, whole = [], grids_module.read_block
    monkeypatch.setattr(grids_module, "read_block", lambda array, box: boxes.append(box) or whole(array, box))
    _, values = series(grid, "t2m", rows, columns)
    np.testing.assert_array_equal(values, made.truth["t2m"][:, rows, columns])
    size = [min(c, n) for c, n in zip(chunks, (365, 48, 64), strict=True)]
    opened = np.zeros([-(-n // c) for n, c in zip((365, 48, 64), size, strict=True)], int)
    for box in boxes:
        opened[tuple(slice(p.start // c, -(-p.stop // c)) for p, c in zip(box, size, strict=True))] += 1
    assert opened.max() == 1
    boxes.clear()
    found, _ = reduce_cells(plan_pass(grid), rows, columns, threads=1)
    assert len(boxes) == len(set(map(str, boxes)))
    np.testing.assert_allclose(found["air_temperature"],
                               made.truth["t2m"].astype(float).mean(axis=0)[rows, columns] - 273.15, atol=1e-9)


def test_marks_tell_coast_ice_sharing_and_precision(made, grid):
    wet = np.argwhere(made.sea)[0]
    dry = np.argwhere(~made.sea)
    lat = made.latitude[[wet[0], dry[0][0], dry[0][0], dry[-1][0]]]
    lon = made.longitude[[wet[1], dry[0][1], dry[0][1], dry[-1][1]]]
    at = places(grid, lat, lon + 1e-4)
    found = marks(at, precision_km=[1.0, 50.0, np.nan, 1.0], snow_water=[0.1, 0.1, 0.1, 10.0])
    assert "COASTAL_CELL" in found[0]
    assert set(found[1]) >= {"SHARED_CELL", "PLACE_COARSER_THAN_CELL"}
    assert "SHARED_CELL" in found[2]
    assert found[3] == ("GLACIER_CELL",)
    assert {mark for site in found for mark in site} <= set(MARKS)
