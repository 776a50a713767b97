"""Plans: every site covered on the grid, every month asked for once, every price the sum of its parts."""

import json
from datetime import date

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from talik.era5land.boxes import boxes, cell
from talik.era5land.requests import DAYS, HOURS, LIMIT, MONTHS, POINTS, plan
from talik.errors import DataError, TalikError, UsageError
from talik.variables import ERA5LAND_TWELVE

SITES = [("Barrow", 71.32, -156.61), ("Tiksi", 71.59, 128.92)]
places = st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 359.99)), min_size=1, max_size=30)


def in_box(box, latitude, longitude, reach=0.0):
    return (box.south - 1e-9 <= latitude - reach and latitude + reach <= box.north + 1e-9
            and box.west - 1e-9 <= longitude <= box.east + 1e-9)


@given(places, st.floats(1.0, 40.0))
@settings(max_examples=80, deadline=None)
def test_every_site_lies_in_a_box_that_serves_it(points, tile):
    made = boxes([(str(i), *p) for i, p in enumerate(points)], tile=tile)
    for i, (latitude, longitude) in enumerate(points):
        longitude = (longitude + 180) % 360 - 180
        assert any(str(i) in box.sites and in_box(box, latitude, longitude) for box in made)


@given(places)
@settings(max_examples=80, deadline=None)
def test_boxes_lie_on_the_grid_and_on_the_globe(points):
    for box in boxes([(str(i), *p) for i, p in enumerate(points)]):
        assert -90 <= box.south <= box.north <= 90
        assert -180 <= box.west < box.east <= 180
        assert all(round(side, 1) == side for side in box.area)
        assert box.cells == (round((box.north - box.south) * 10) + 1) * (round((box.east - box.west) * 10) + 1)


@given(st.floats(-90, 90), st.floats(-180, 179.99))
@example(71.0, 179.9)
@example(71.0, -179.9)
@example(-89.9, 179.9)
@settings(max_examples=150, deadline=None)
def test_neighbour_cells_are_served_across_the_date_line_and_the_poles(latitude, longitude):
    made = boxes([("a", latitude, longitude)], margin=0.3)
    for step in (-0.15, 0.0, 0.15):
        for turn in (-0.15, 0.0, 0.15):
            north, east = min(90, max(-90, latitude + step)), (longitude + turn + 180) % 360 - 180
            assert any(in_box(box, north, east) for box in made), (north, east)


@given(places, st.tuples(st.floats(-90, 90), st.floats(-180, 179.99)))
@settings(max_examples=60, deadline=None)
def test_a_new_site_leaves_the_requests_of_other_tiles_alone(points, new):
    named = [(str(i), *p) for i, p in enumerate(points)]
    before = {request.key for request in plan(named, (2014, 2014), ["snow_depth"])}
    after = {request.key for request in plan([*named, ("new", *new)], (2014, 2014), ["snow_depth"])}
    assert len(before - after) <= 3                       # at most the boxes of the tile it falls in


def test_the_pole_and_the_date_line():
    (pole,) = boxes([("Pole", -90.0, 0.0)])
    assert (pole.west, pole.east, pole.south) == (-180.0, 180.0, -90.0)
    west, east = boxes([("Wrangel", 71.0, -180.0)])
    assert (west.east, east.west) == (180.0, -180.0)
    assert cell(71.04, -179.99) == (71.0, -180.0)
    assert cell(71.04, 359.98) == (71.0, 0.0)


@given(st.integers(1950, 2020), st.integers(0, 12), st.lists(st.sampled_from(sorted(ERA5LAND_TWELVE)), min_size=1),
       st.integers(12, 5000))
@settings(max_examples=60, deadline=None)
def test_splitting_asks_for_every_month_of_every_variable_once(first, more, variables, limit):
    whole = plan(SITES[:1], (first, first + more), variables, at_points=(), limit=10**9, today=date(2040, 1, 1))
    cut = plan(SITES[:1], (first, first + more), variables, at_points=(), limit=limit, today=date(2040, 1, 1))
    assert sorted(cells(whole)) == sorted(cells(cut))
    assert sum(r.fields for r in whole) == sum(r.fields for r in cut)
    assert all(r.fields <= limit or not r.split() for r in cut)


def cells(requests):
    for request in requests:
        years = request.inputs["year"]
        for year in years if isinstance(years, list) else [years]:
            for month in request.inputs["month"]:
                for name in request.inputs["variable"]:
                    yield request.dataset, year, month, name


def test_halves_add_up_and_end_at_one_map():
    (point,) = plan(SITES[:1], (2010, 2019), ["t2m", "tp"])
    assert [part.inputs["date"] for part in point.split()] == [["2010-01-01/2014-12-31"], ["2015-01-01/2019-12-31"]]
    assert sum(part.bytes for part in point.split()) - point.bytes == 40_000              # a second file header each
    (month,) = plan(SITES[:1], (2010, 2010), ["snow_depth"])
    while month.split():
        assert sum(part.fields for part in month.split()) == month.fields
        month = month.split()[0]
    assert month.fields == 1


def test_a_point_serves_all_sites_of_its_cell_and_knows_what_to_ask_instead():
    sites = [("a", 71.32, -156.61), ("b", 71.28, -156.58), ("c", 71.42, -156.61)]
    first, second = plan(sites, (2014, 2023), ["fdd_air", "soil_water_1"], at_points=("t2m", "swvl1"))
    assert first.dataset == POINTS
    assert (first.sites, second.sites) == (("a", "b"), ("c",))
    assert first.inputs["location"] == {"latitude": 71.3, "longitude": -156.6}
    water, air = sorted(first.instead, key=lambda r: r.inputs["variable"], reverse=True)
    assert {r.dataset for r in air.instead} == {DAYS}
    assert {r.dataset for r in water.instead} == {MONTHS}
    assert set(water.instead[0].sites) == {"a", "b", "c"}


def test_each_variable_at_the_resolution_its_statistics_need():
    served = {}
    for request in plan(SITES[:1], (2014, 2014), ["tdd_air", "wind_speed", "precipitation", "albedo"],
                        at_points=()):
        served.setdefault(request.dataset, set()).update(request.inputs["variable"])
    assert served == {DAYS: {"2m_temperature"}, HOURS: {"10m_u_component_of_wind", "10m_v_component_of_wind"},
                      MONTHS: {"total_precipitation", "forecast_albedo"}}
    assert {r.dataset for r in plan(SITES, (2014, 2014), ["wind_speed", "t2m"])} == {POINTS}


def test_the_key_is_of_the_question_alone():
    one = plan(SITES, (2014, 2023), ERA5LAND_TWELVE)
    again = plan(pl.DataFrame(SITES, schema=["site", "latitude", "longitude"], orient="row").to_pandas(), (2014, 2023),
                 reversed(ERA5LAND_TWELVE))
    assert [r.key for r in one] == [r.key for r in again]
    assert len({r.key for r in one}) == len(one)
    renamed = plan([("x" + name, *place) for name, *place in SITES], (2014, 2023), ERA5LAND_TWELVE)
    assert [r.key for r in renamed] == [r.key for r in one]
    assert all(json.loads(json.dumps(r.inputs)) == r.inputs for r in one)
    assert one.data_hash == again.data_hash


def test_a_dry_run_shows_requests_and_price():
    planned = plan([*SITES, ("lost", None, None)], (2014, 2023), ["snow_depth"])
    frame = planned.to_frame()
    assert frame["fields"].to_list() == [120, 120]
    assert frame["time"].to_list() == ["2014-01/2023-12"] * 2
    assert frame["megabytes"].to_list() == [round(r.bytes / 1e6, 2) for r in planned]
    assert planned.left_out == (("lost", "no coordinates"),)
    assert str(planned).endswith("1 sites without coordinates are left out.")
    assert max(r.fields for r in plan(SITES, (1950, 2020), ERA5LAND_TWELVE)) <= LIMIT


def test_years_may_have_gaps():
    (point,) = {r.dataset for r in plan(SITES[:1], [2015, 2011, 2010], ["t2m"])}
    assert point == POINTS
    spans = [r.inputs["date"][0] for r in plan(SITES[:1], [2015, 2011, 2010], ["t2m"])]
    assert spans == ["2010-01-01/2011-12-31", "2015-01-01/2015-12-31"]
    (months,) = plan(SITES[:1], [2015, 2011, 2010], ["sde"])
    assert months.inputs["year"] == ["2010", "2011", "2015"]


@pytest.mark.parametrize("change, error, words", [
    ({"years": (1940, 1950)}, UsageError, "from 1950 to 2025"),
    ({"years": (2020, 2026)}, UsageError, "from 1950 to 2025"),
    ({"years": ()}, UsageError, "expected whole years"),
    ({"variables": ["snow_depht"]}, UsageError, "snow_depth"),
    ({"variables": []}, UsageError, "name at least one"),
    ({"variables": ["z"]}, UsageError, "does not change in time"),
    ({"sites": [("a", 128.9, 71.6)]}, DataError, "'a' at latitude 128.9.*Swapped"),
    ({"sites": [("a", None, 71.6)]}, DataError, "none of 1 has coordinates"),
    ({"sites": pl.DataFrame({"site": ["a"], "latitude": [1.0]})}, TalikError, "longitude"),
])
def test_mistakes_are_told(change, error, words):
    asked = {"sites": SITES, "years": (2014, 2015), "variables": ["snow_depth"]} | change
    with pytest.raises(error, match=words):
        plan(asked["sites"], asked["years"], asked["variables"], today=date(2026, 5, 1))
