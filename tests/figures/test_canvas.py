"""The sheet: sizes on paper, files that repeat, settings that are left alone."""

import matplotlib as mpl
import pytest

from talik.errors import FileError, UsageError
from talik.figures import canvas
from talik.variables import REGIONS


def drawn():
    ax = canvas.axes(width=60, height=40)
    with canvas.style():
        ax.plot([0, 1], [2, 3], label="Σ °C")
        ax.fill_between([0, 1], [1, 1], [2, 3], alpha=0.3)
        ax.legend()
    canvas.panel_letter(ax, "a")
    return ax.figure


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    first = canvas.save(drawn(), tmp_path / "one" / "fig.1")
    second = canvas.save(drawn(), tmp_path / "two" / "fig.1")
    assert [p.name for p in first] == ["fig.1.svg", "fig.1.png"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_sizes_on_paper_and_text_that_stays_text(tmp_path):
    svg, png = canvas.save(drawn(), tmp_path / "fig")
    text = svg.read_text(encoding="utf-8")
    assert "Σ °C</text>" in text
    assert "<dc:date>" not in text
    width = int.from_bytes(png.read_bytes()[16:20])
    assert width == int(60 / 25.4 * 300)


def test_users_own_settings_neither_reach_the_figure_nor_change():
    with mpl.rc_context({"font.size": 31.0, "axes.spines.top": True}):
        ax = canvas.axes()
        assert not ax.spines["top"].get_visible()
        assert mpl.rcParams["font.size"] == 31.0


def test_regions_keep_their_looks_whatever_else_is_drawn():
    looks = canvas.looks(["Elsewhere", *reversed(REGIONS)])
    assert list(looks)[:3] == list(REGIONS)
    assert all(looks[name] is region for name, region in REGIONS.items())
    assert len({(r.colour, r.marker) for r in canvas.looks("abcde").values()}) == 5


def test_faults_say_what_was_expected(tmp_path):
    with pytest.raises(UsageError, match="0 x 60 mm, expected positive"):
        canvas.figure(0)
    with pytest.raises(UsageError, match="expected one of signed, magnitude, depth"):
        canvas.colour_map("jet")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be written"):
        canvas.save(canvas.figure(20, 20), tmp_path / "file" / "fig")


@pytest.mark.parametrize("kind", ["signed", "magnitude", "depth"])
def test_colour_maps_exist(kind):
    assert canvas.colour_map(kind).N >= 256
