"""Maps: every site is drawn or named, colour and shape follow the sign, small lies on large, nothing overlaps."""

import itertools
import socket

import numpy as np
import polars as pl
import pytest
from matplotlib.collections import PathCollection

import talik
from talik.errors import DataError, UnknownName
from talik.figures import canvas
from talik.figures.maps import offset_map, site_map

CLOSED = {"site": ["A", "B", "C", "D", "E"], "region": ["North"] * 4 + ["South"],
          "latitude": [68.0, 68.5, 68.5, None, -77.0], "longitude": [-149.0, -150.0, -150.0, -150.0, 166.0],
          "surface_offset": [3.0, -1.0, 0.4, 2.0, None]}


@pytest.fixture(scope="module")
def sites():
    return talik.sites("three-poles")


@pytest.fixture(scope="module")
def small():
    return pl.DataFrame(CLOSED)


def maps(fig):
    return [ax for ax in fig.axes if hasattr(ax, "projection")]


def marks(fig):
    return [c for ax in maps(fig) for c in ax.collections if isinstance(c, PathCollection) and len(c.get_offsets())
            and c.get_zorder() == 5]


def words(fig):
    return " ".join(text.get_text().replace("\n", " ") for text in fig.texts)


def overlaps(fig):
    """Pairs of texts that cover each other, and texts that leave the page."""
    canvas_ = fig.canvas
    canvas_.draw()
    renderer = canvas_.get_renderer()
    inside = fig.bbox
    boxes = []
    for text in fig.findobj(lambda a: a.__class__.__name__ in {"Text", "Annotation"}):
        if text.get_visible() and text.get_text().strip() and (text.axes is None or text.axes.get_visible()):
            box = text.get_window_extent(renderer)
            if box.width and box.height:
                boxes.append((text.get_text(), box.shrunk(0.97, 0.8)))
    away = [t for t, b in boxes if b.x0 < -1 or b.y0 < -1 or b.x1 > inside.x1 + 1 or b.y1 > inside.y1 + 1]
    return away + [(a, b) for (a, box), (b, other) in itertools.combinations(boxes, 2) if box.overlaps(other)]


@pytest.mark.parametrize("quantity", ["surface_offset", "thermal_offset"])
def test_every_site_with_a_place_and_a_value_is_drawn(sites, quantity):
    fig = offset_map(sites, quantity)
    expected = sites.drop_nulls(["latitude", "longitude", quantity]).height
    assert sum(len(c.get_offsets()) for c in marks(fig)) == expected == 113
    assert len(maps(fig)) == 3


def test_sites_without_a_place_are_named_and_shared_places_counted(sites):
    text = words(offset_map(sites))
    for name in sites.filter(pl.col("latitude").is_null())["site"]:
        assert name in text
    shared = sites.drop_nulls("latitude").group_by("latitude", "longitude").len().filter(pl.col("len") > 1)
    assert f"{shared['len'].sum()} sites share their coordinates with others ({shared.height} places)" in text


def test_a_site_without_a_value_is_a_cross_and_said(small):
    fig = offset_map(small)
    south = maps(fig)[1]
    crosses = [c for c in south.collections if isinstance(c, PathCollection) and c.get_zorder() == 4]
    assert len(crosses[0].get_offsets()) == 1
    assert "1 site without a value: ×." in words(fig)
    assert "Not shown, without coordinates: D." in words(fig)


def test_colour_follows_the_sign_and_is_even_about_zero():
    pair = {"site": ["A", "B", "C"], "latitude": [68.0, 69.0, 70.0], "longitude": [20.0, 21.0, 22.0],
            "thermal_offset": [-2.0, 2.0, 0.0]}
    colours = marks(offset_map(pair, "thermal_offset"))[0].get_facecolor()
    vik = canvas.colour_map("signed")
    by_value = dict(zip([-2.0, 2.0, 0.0], colours, strict=True))  # drawn from large to small, ties as given
    np.testing.assert_allclose(by_value[-2.0][:3], vik(0.0)[:3])
    np.testing.assert_allclose(by_value[2.0][:3], vik(1.0)[:3])
    np.testing.assert_allclose(by_value[0.0][:3], vik(0.5)[:3])


def test_small_lies_on_large_and_area_grows_with_magnitude(sites):
    for drawn in marks(offset_map(sites)):
        assert (np.diff(drawn.get_sizes()) <= 0).all()


def test_negative_values_have_their_own_shape(small):
    drawn = marks(offset_map(small))[0]
    shapes = [len(path.vertices) for path in drawn.get_paths()]
    assert len(set(shapes)) == 2  # 3.0 and 0.4 are circles, -1.0 is a triangle
    assert shapes.count(min(shapes)) == 1


def test_a_region_without_places_has_no_panel():
    nowhere = pl.when(pl.col("region") != "South").then("latitude").alias("latitude")
    table = pl.DataFrame(CLOSED).with_columns(nowhere)
    assert len(maps(offset_map(table))) == 1


def test_pandas_and_polars_draw_the_same_and_the_table_is_left_alone(small, tmp_path):
    before = small.clone()
    one = canvas.save(offset_map(small), tmp_path / "polars")
    two = canvas.save(offset_map(small.to_pandas()), tmp_path / "pandas")
    assert one[0].read_bytes() == two[0].read_bytes()
    assert small.equals(before)


def test_the_order_of_the_rows_changes_no_mark(small):
    one, two = (np.sort(marks(offset_map(t))[0].get_offsets(), axis=0) for t in (small, small[::-1]))
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_two_runs_give_the_same_bytes(sites, tmp_path):
    first = canvas.save(site_map(sites), tmp_path / "first")
    second = canvas.save(site_map(sites), tmp_path / "second")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_the_network_is_never_asked(small, monkeypatch, tmp_path):
    def refuse(*_):
        raise AssertionError("a map opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    canvas.save(offset_map(small), tmp_path / "map")


def test_sub_regions_have_markers_of_their_own(sites):
    fig = site_map(sites)
    arctic = [c for c in maps(fig)[0].collections if isinstance(c, PathCollection) and c.get_zorder() == 5]
    assert len(arctic) == 6
    assert len({c.get_paths()[0].vertices.tobytes() for c in arctic}) == 6
    entries = [text.get_text() for legend in fig.legends for text in legend.get_texts()]
    assert "Alaska (18)" in entries
    assert "Tibetan Plateau (30)" in entries


@pytest.mark.parametrize("draw", [offset_map, lambda t: offset_map(t, "thermal_offset"), site_map])
def test_no_words_overlap_or_leave_the_page(sites, draw):
    assert overlaps(draw(sites)) == []


@pytest.mark.parametrize("subregion", ["Alaska", "Svalbard", "Tibetan Plateau", "Antarctica"])
def test_no_words_overlap_on_a_map_of_one_region(sites, subregion):
    assert overlaps(offset_map(sites.filter(pl.col("subregion") == subregion))) == []


@pytest.mark.parametrize("regions", [1, 2, 4, 7])
def test_any_number_of_regions_has_room(regions):
    random = np.random.default_rng(regions)
    count = 6 * regions
    centre = random.uniform([-70, -180], [70, 180], (regions, 2)).repeat(6, axis=0)
    table = pl.DataFrame({
        "site": [f"site {k}" for k in range(count)], "region": [f"Mountains {k // 6}" for k in range(count)],
        "latitude": centre[:, 0] + random.uniform(-3, 3, count), "surface_offset": random.normal(0, 2, count),
        "longitude": (centre[:, 1] + random.uniform(-3, 3, count) + 180) % 360 - 180})
    assert overlaps(offset_map(table)) == []
    assert len(maps(site_map(table))) == regions


@pytest.mark.parametrize(("change", "error", "message"), [
    ({"latitude": None}, UnknownName, "sites: unknown column 'latitude'"),
    ({"surface_offset": None}, UnknownName, "unknown column 'surface_offset'"),
    ({"latitude": [268.0, 1.0, 1.0, 1.0, 1.0]}, DataError, "latitude of 'A' is 268, expected .* swapped"),
    ({"longitude": [1.0, 1.0, 1.0, 1.0, 210.0]}, DataError, "longitude of 'E' is 210"),
    ({"latitude": [None] * 5}, DataError, "none has both latitude and longitude"),
    ({"surface_offset": [None] * 5}, DataError, "no site with coordinates has a value"),
    ({"latitude": ["68 N", "1", "1", "1", "1"]}, DataError, "'68 N' is not a number"),
])
def test_bad_tables_are_named(change, error, message):
    table = {name: values for name, values in (CLOSED | change).items() if values is not None}
    with pytest.raises(error, match=message):
        offset_map(table)
