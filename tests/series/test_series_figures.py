"""Figures of series: what is drawn, in which order of depth, and what cannot be drawn."""

import numpy as np
import pytest

import talik
from talik.errors import DataError
from talik.figures.series import depth_time, flagged_series, offsets_by_year
from talik.figures.trumpet import trumpet
from talik.records import Record
from talik.series.annual import annual_means, daily_means
from talik.series.tables import long_table


@pytest.fixture
def borehole():
    t = np.arange("2018-01-01", "2020-01-01", dtype="M8[D]")
    z = np.array([-2.0, 0.0, 0.5, 1.0, 2.0, 4.0])
    wave = np.cos(2 * np.pi * (t.astype(int) - 200) / 365.25)[:, None]
    return Record("Kevo <1>", t, z, np.where(z < 0, -9, -4) + 12 * np.exp(-np.maximum(z, 0) / 2) * wave)


def test_the_trumpet_opens_upwards_and_takes_the_latest_whole_year(borehole):
    ax = annual_means(borehole).plot()
    assert ax.get_title(loc="left") == "Kevo <1>, 2019"
    cold, warm, mean = (line.get_xydata() for line in ax.lines[:3])
    assert (np.diff(warm[:, 0] - cold[:, 0]) < 0).all()
    assert (cold[:, 0] < mean[:, 0]).all()
    assert cold[:, 1].tolist() == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    with pytest.raises(DataError, match="2031 has annual means"):
        trumpet(annual_means(borehole).to_frame(), year=2031)


def test_rejected_values_are_marked_and_do_not_stretch_the_axis(borehole):
    values = borehole.values.copy()
    values[300, 2], values[400:402, 3] = 30.0, -999.0
    result = talik.check(Record("Kevo", borehole.times, borehole.depths, values))
    ax = result.plot(depths=(0.5, 1.0))
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["0.5 m", "1 m", "sentinel", "spike"]
    assert ax.get_ylim()[0] > -25
    with pytest.raises(DataError, match="no accepted value"):
        flagged_series(long_table(result.record), depths=(77.0,))


def test_depth_and_time_go_down_and_right(borehole):
    ax = depth_time(long_table(daily_means(borehole)))
    assert ax.get_ylim() == (4.0, 0.0)
    mesh = ax.collections[0]
    assert mesh.get_clim()[0] == -mesh.get_clim()[1]
    with pytest.raises(DataError, match="got 0 depths"):
        depth_time(long_table(Record("A", borehole.times, [-2.0], borehole.values[:, :1])))


def test_offsets_by_year_show_every_year_that_has_one(borehole):
    result = talik.annual_offsets(borehole, depth=4.0)
    ax = result.plot()
    labels = ax.get_legend_handles_labels()[1]
    assert labels[0].startswith("Surface offset (mean +5.0")
    assert "n = 2" in labels[1]
    short = talik.annual_offsets(Record("A", borehole.times[:100], borehole.depths, borehole.values[:100]), depth=4.0)
    with pytest.raises(DataError, match="no year has an offset"):
        offsets_by_year(short.to_frame())
