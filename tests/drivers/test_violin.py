"""The violin figure: repeatable, ordered, on given axes, with missing values shown as missing."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from talik.errors import DataError, UsageError
from talik.figures.canvas import figure, save
from talik.figures.violin import driver_violin


@pytest.fixture
def values():
    rng = np.random.default_rng(2)
    names = ["snow_depth", "lai_high", "transpiration", "my_index"]
    return pl.concat([pl.DataFrame({"driver": [name] * 40, "value": rng.normal(size=40),
                                    "contribution": rng.normal(size=40) * (k + 1)}) for k, name in enumerate(names)])


def rows(ax):
    return [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]


def points(ax):
    return sum(len(collection.get_offsets()) for collection in ax.collections if hasattr(collection, "get_sizes")
               and len(collection.get_sizes()) and len(collection.get_offsets()) > 1)


def test_drivers_stand_in_the_order_of_importance_with_readable_names(values):
    ax = driver_violin(values, response="surface_offset")
    assert rows(ax) == ["my index", "Evaporation from vegetation transpiration", "Leaf area index of high vegetation",
                        "Snow depth"]
    assert ax.get_xlabel() == "Contribution to surface offset (°C), n = 40"
    assert points(ax) == 160


def test_the_same_seed_draws_the_same_picture(values, tmp_path):
    one, two, other = (save(driver_violin(values, seed=s).figure, tmp_path / f"v{k}")[0].read_bytes()
                       for k, s in enumerate((1, 1, 2)))
    assert one == two != other


def test_order_and_axes_are_the_callers(values):
    fig = figure(89, 60)
    ax = fig.add_subplot()
    assert driver_violin(values.to_pandas(), ax=ax, order=["snow_depth", "my_index"], colour_bar=False) is ax
    assert rows(ax) == ["Snow depth", "my index"]
    assert fig.axes == [ax]


def test_quartile_lines_stand_at_the_quartiles(values):
    ax = driver_violin(values, order=["lai_high"])
    drawn = sorted(line.get_xdata()[0] for line in ax.lines if line.get_ydata()[0] != line.get_ydata()[1]
                   and max(line.get_ydata()) < 0.4 and min(line.get_ydata()) < 0 and line.get_xdata()[0] != 0)
    contribution = values.filter(driver="lai_high")["contribution"]
    np.testing.assert_allclose(drawn, np.quantile(contribution.to_numpy(), (0.25, 0.5, 0.75)))


def test_missing_values_are_crosses_and_constant_contributions_have_no_violin(values):
    gaps = values.with_columns(value=pl.when(pl.int_range(160) % 4 == 0).then(None).otherwise("value"))
    assert points(driver_violin(gaps)) == 160
    nothing = values.with_columns(value=None, contribution=0.0)
    ax = driver_violin(nothing)
    assert points(ax) == 160
    same = values.with_columns(value=3.0)
    driver_violin(same)


def test_what_cannot_be_drawn_is_refused(values):
    with pytest.raises(UsageError, match="unknown column 'contribution'"):
        driver_violin(values.drop("contribution"))
    with pytest.raises(UsageError, match="unknown driver 'albedo'"):
        driver_violin(values, order=["albedo"])
    with pytest.raises(DataError, match="no contributions to draw"):
        driver_violin(values[:0])


def test_the_gallery_runs(tmp_path):
    path = Path(__file__).parents[2] / "docs" / "gallery" / "violin.py"
    spec = importlib.util.spec_from_file_location("gallery_violin", path)
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    written = gallery.main(tmp_path)
    assert sorted(path.name for path in written if path.suffix == ".png") == ["violin.png", "violin_two_panels.png"]


def test_sixteen_long_names_do_not_overlap_at_journal_width(values):
    from talik.variables import ERA5LAND_TWELVE

    names = [*ERA5LAND_TWELVE, "latitude", "longitude", "elevation", "alt"]
    many = pl.concat([values[:40].with_columns(driver=pl.lit(name)) for name in names])
    fig = driver_violin(many, order=names, response="surface_offset").figure
    fig.canvas.draw()
    boxes = [label.get_window_extent() for label in fig.axes[0].get_yticklabels()]
    assert len(boxes) == 16
    assert all(a.y0 >= b.y1 for a, b in pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0
    assert fig.get_size_inches()[0] * 25.4 == pytest.approx(89)
