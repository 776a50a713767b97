"""Forest plots from 3 to 60 rows: nothing overlaps, nothing leaves the sheet, every number is there."""

import numpy as np
import polars as pl
import pytest

from talik.analysis.meta import pool
from talik.analysis.publication_bias import trim_and_fill
from talik.analysis.sensitivity import influence, leave_one_out
from talik.errors import DataError, UnknownName
from talik.figures.forest import forest, write_forest
from talik.figures.forest_rows import limits_of, numbers_for, rows_of

LONG = "Wetland/Swamp meadow on ice-rich yedoma of the lower Kolyma"


def pooled(k, groups=None, scale=1.0):
    rng = np.random.default_rng(k)
    se = rng.uniform(0.05, 0.5, k) * scale
    y = rng.normal(-0.3 * scale, 0.3 * scale, k)
    labels = [f"{LONG}, group {i}" if i % 5 == 0 else f"group {i}" for i in range(k)]
    subgroup = None if groups is None else [groups[i * len(groups) // k] for i in range(k)]
    return pool(y, se, labels=labels, subgroup=subgroup)


def boxes(ax):
    sheet = ax.figure
    renderer = sheet.canvas.get_renderer()
    texts = [t for t in ax.texts if t.get_text().strip()]
    return sheet.bbox, [(t.get_text(), t.get_window_extent(renderer)) for t in texts]


@pytest.mark.parametrize("k, groups, scale", [
    (3, None, 1.0), (14, ["Arctic", "Third Pole"], 1e-8), (14, ["Arctic", "Third Pole"], 3e4),
    (60, ["Arctic", "Third Pole", "Else"], 1.0)])
def test_texts_neither_overlap_nor_leave_the_sheet(k, groups, scale):
    sheet, texts = boxes(pooled(k, groups, scale).plot())
    for i, (text, box) in enumerate(texts):
        assert sheet.x0 <= box.x0 < box.x1 <= sheet.x1, text
        assert sheet.y0 <= box.y0 < box.y1 <= sheet.y1, text
        for other, second in texts[i + 1:]:
            inside = min(box.x1, second.x1) - max(box.x0, second.x0), min(box.y1, second.y1) - max(box.y0, second.y0)
            assert min(inside) < 1.0, (text, other)


def test_text_stays_left_and_right_of_the_panel():
    ax = pooled(14, ["Arctic", "Third Pole"]).plot()
    panel = ax.get_window_extent()
    for text, box in boxes(ax)[1]:
        assert box.x1 < panel.x0 or box.x0 > panel.x1, text


def test_the_area_of_a_square_is_its_weight():
    p = pooled(5)
    ax = p.plot()
    areas = np.array([c.get_sizes()[0] for c in ax.collections])
    least = 1.2 / areas.max()
    np.testing.assert_allclose(areas / areas.max(), np.maximum(p.weights / p.weights.max(), least), rtol=1e-9)


def test_rows_say_what_the_frame_says():
    p = pooled(6, ["Arctic", "Third Pole"])
    table = p.to_frame()
    rows = rows_of(table, prediction=True)
    assert [r.kind for r in rows] == ["heading", *["study"] * 3, "subgroup", "note"] * 2 + [
        "overall", "prediction", "note", "note"]
    numbers = numbers_for(table)
    assert numbers.cells(rows[-4])[0] == f"{p.mean:.2f}".replace("-", "−")
    assert rows[-1].label.startswith(f"Between subgroups: Q = {p.between.q:.2f}")
    low, high = limits_of(rows)
    assert all(low < r.values["effect"] < high for r in rows if r.is_drawn)


def test_studies_left_out_are_named_and_not_drawn():
    ax = pool([0.1, 0.2, None, 0.3], [0.1, 0, 0.1, 0.2]).plot()
    said = [t for t, _ in boxes(ax)[1]]
    assert "standard error 0" in said
    assert "effect missing" in said
    assert len(ax.collections) == 2


def test_an_interval_that_is_too_wide_ends_in_an_arrow():
    ax = pool([0.1, 0.2, 0.3, 0.4], [0.1, 0.1, 0.1, 5.0]).plot()
    assert {line.get_marker() for line in ax.lines} >= {"<", ">"}
    assert ax.get_xlim()[1] < 3


def test_infinite_intervals_are_written():
    p = pool([0.1, 0.2, 0.15], [1e-8, 0.2, 0.1], ci="KR")
    ax = p.plot()
    assert {"[−∞,", "∞]"} <= {t for t, _ in boxes(ax)[1]}
    assert np.isfinite(ax.get_xlim()).all()


def test_a_number_that_rounds_to_zero_has_no_sign():
    table = pool([0.1, -0.1, -0.0001], [0.1, 0.1, 0.1]).to_frame()
    assert numbers_for(table)(-0.0001) == "0.00"


def test_files_and_table_beside_each_other(tmp_path):
    p = pooled(4)
    written = write_forest(p.to_frame(), tmp_path / "fig.6", xlabel="Slope (°C per SD)")
    assert [f.name for f in written] == ["fig.6.svg", "fig.6.png", "fig.6.csv"]
    assert pl.read_csv(written[2]).height == 5
    again = write_forest(p.to_frame(), tmp_path / "again")
    assert again[1].read_bytes() != b""
    same = write_forest(p.to_frame(), tmp_path / "fig2", xlabel="Slope (°C per SD)")
    assert written[0].read_bytes() == same[0].read_bytes()


def test_drawing_on_axes_that_exist():
    from talik.figures.canvas import axes

    ax = axes(width=100, height=60)
    assert forest(pooled(3).to_frame(), ax) is ax


def test_nothing_to_draw():
    with pytest.raises(DataError, match="there is no study"):
        forest(pool([], []).to_frame())
    with pytest.raises(UnknownName, match="unknown column 'kind'"):
        forest({"label": ["a"]})


def test_funnel_baujat_and_leave_one_out_show_every_study():
    p = pooled(12, ["Arctic", "Third Pole"])
    from talik.figures.funnel import funnel

    ax = funnel(p.to_frame())
    assert sum(len(c.get_offsets()) for c in ax.collections) == 12
    assert ax.get_ylim()[0] > ax.get_ylim()[1] == 0
    filled = trim_and_fill(pool([0.1, 0.12, 0.3, 0.5, 0.9], [0.1, 0.1, 0.2, 0.3, 0.4]))
    drawn = filled.plot().collections
    assert sorted(len(c.get_offsets()) for c in drawn) == [2, 5]
    assert any(len(c.get_facecolors()) == 0 for c in drawn)
    assert len(influence(p).plot().collections[0].get_offsets()) == 12
    assert len(leave_one_out(p).plot().get_yticks()) == 12
    with pytest.raises(DataError, match="no study"):
        funnel(pool([], []).to_frame())
