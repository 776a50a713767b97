"""Views: every site is inside, wherever it lies; near sites get a local map, sites around a pole a polar one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.figures import canvas
from talik.figures.views import frame, view

PLACES = st.lists(st.tuples(st.floats(-89.5, 89.5), st.floats(-180.0, 179.9)), min_size=1, max_size=8)


def drawn(latitude, longitude, aspect=1.0):
    shown = view(latitude, longitude, aspect=aspect)
    fig = canvas.figure(80 * aspect, 80, layout=None)
    ax = fig.add_axes((0.1, 0.1, 0.8, 0.8), projection=shown.projection)
    with canvas.style():
        frame(ax, shown, points=(longitude, latitude))
    return ax


def labels(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


@settings(max_examples=60, deadline=None)
@given(PLACES, st.sampled_from([0.7, 1.0, 1.6]))
def test_every_site_lies_inside_its_view(places, aspect):
    latitude, longitude = np.array(places).T
    shown = view(latitude, longitude, aspect=aspect)
    x, y = shown.xy(longitude, latitude)
    left, bottom, right, top = shown.bounds
    assert ((x >= left) & (x <= right) & (y >= bottom) & (y <= top)).all()
    if shown.rim is not None:
        assert (np.abs(latitude) > abs(shown.rim)).all()


@settings(max_examples=30, deadline=None)
@given(PLACES, st.randoms(use_true_random=False))
def test_the_order_of_the_sites_does_not_matter(places, random):
    mixed = list(places)
    random.shuffle(mixed)
    one, other = (view(*np.array(order).T) for order in (places, mixed))
    assert one.rim == other.rim
    np.testing.assert_allclose(one.bounds, other.bounds, atol=3e4)  # the centre is rounded to 0.1 degrees


def test_sites_on_both_sides_of_the_date_line_are_near_each_other():
    shown = view([66.0, 66.2], [179.5, -179.5])
    assert shown.rim is None
    assert shown.bounds[2] - shown.bounds[0] < 3e5


@pytest.mark.parametrize(("latitude", "longitude", "rim"), [
    ([70, 71, 66.0], [-150, 25, 100], 63.0),
    ([-77, -62, -46.9], [166, -60, 37.9], -44.0),
    ([68, 69, 70], [-149, -150, -148], None),
    ([46, -33, 30], [8, -70, 90], None),
    ([89.9], [0], 87.0),
])
def test_polar_only_where_the_sites_surround_a_pole(latitude, longitude, rim):
    assert view(latitude, longitude).rim == rim


def test_a_polar_frame_names_meridians_and_parallels():
    named = labels(drawn([70, 71, 66.0], [-150, 25, 100]))
    assert {"0°", "180°", "90°E", "90°W", "70°N", "80°N"} <= set(named)


def test_a_local_frame_names_its_graticule_and_its_scale():
    ax = drawn([34.6, 35.2, 38.7], [92.9, 93.1, 98.8])
    named = labels(ax)
    assert "100 km" in named
    assert any(text.endswith("°N") for text in named)
    assert any(text.endswith("°E") for text in named)


def test_a_view_without_a_coast_gets_a_globe():
    def globes(ax):
        return len(ax.child_axes)

    assert globes(drawn([34.6, 35.2], [92.9, 93.1])) == 1
    assert globes(drawn([70.0, 71.3], [-149.0, -156.6])) == 0


def test_a_view_of_half_the_globe_has_no_scale_bar():
    assert not any(text.endswith("km") for text in labels(drawn([46, -33, 30], [8, -70, 90])))
