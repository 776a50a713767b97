"""Figures of series: what is drawn, in which order of depth, and what cannot be drawn."""

import numpy as np
import polars as pl
import pytest
from matplotlib.dates import num2date

import talik
from talik.errors import DataError
from talik.figures.series import depth_time, flagged_series, offsets_by_year
from talik.figures.trumpet import trumpet
from talik.records import Flag, Record
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


def test_a_refused_trumpet_says_what_it_needs_got_and_where_it_is():
    years = {"site": ["A"] * 3, "year": [2018, 2018, 2019], "depth": [0.0, 0.5, 0.08], "mean": [-2.0, -3.0, -2.5]}
    frame = pl.DataFrame(years)
    with pytest.raises(DataError, match=r"needs .* two depths .*, got 1 \(0.08 m\) in 2019. Ask for .*: 2018\."):
        trumpet(frame, year=2019)
    with pytest.raises(DataError, match=r"got 1 \(0.08 m\) in 2019. No year has them: the column `reason`"):
        trumpet(frame.filter(year=2019))
    with pytest.raises(DataError, match="got no annual mean in any year"):
        trumpet(frame.with_columns(mean=pl.lit(None, pl.Float64)))


def test_rejected_values_are_marked_and_do_not_stretch_the_axis(borehole):
    values = borehole.values.copy()
    values[300, 2], values[400:402, 3] = 30.0, -999.0
    result = talik.check(Record("Kevo", borehole.times, borehole.depths, values))
    ax = result.plot(depths=(0.5, 1.0))
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["0.5 m", "1 m", "sentinel", "spike"]
    assert ax.get_ylim()[0] > -25
    assert sorted(text.get_text() for text in ax.texts) == ["30 °C", "−999 °C"]
    near = talik.check(Record("Kevo", borehole.times, borehole.depths, np.where(values == 30, 15, values)))
    assert near.plot(depths=(0.5, 1.0)).get_ylim()[1] > 15
    with pytest.raises(DataError, match="no value at these depths"):
        flagged_series(long_table(result.record), depths=(77.0,))


def flagged(record, *runs, times=None, put=None):
    """The table of a record with flags on rows of columns, and other stamps or one other value if need be."""
    flags, values = record.flags.copy(), record.values.copy()
    for rows, column, flag in runs:
        flags[rows, column] = int(flag)
    if put:
        values[put[:2]] = put[2]
    return long_table(Record(record.site, record.times if times is None else times, record.depths, values, flags=flags))


def drawn(ax):
    return ax.get_legend_handles_labels()[1]


def test_columns_with_findings_are_drawn_before_sound_ones(borehole):
    assert drawn(flagged_series(long_table(borehole))) == ["air, 2 m", "0.5 m", "1 m", "4 m"]
    one = flagged(borehole, (9, 4, Flag.SPIKE), (slice(5), slice(None), Flag.CLOCK))
    assert "2 m" in drawn(flagged_series(one))
    two = flagged(borehole, (9, 1, Flag.SPIKE), (slice(20, 90), 4, Flag.STEP))
    assert drawn(flagged_series(two)) == ["air, 2 m", "0 m", "2 m", "4 m", "spike", "step"]
    every = flagged(borehole, (9, slice(None), Flag.SPIKE), (slice(20, 90), slice(2, 6), Flag.STEP))
    ax = flagged_series(every)
    assert drawn(ax)[:5] == ["air, 2 m", "0.5 m", "1 m", "2 m", "4 m"]
    assert ax.get_xlabel() == "Rejected values also in: 0 m."


def test_a_fill_value_that_was_read_as_nothing_is_marked_on_the_lower_edge(borehole):
    ax = flagged_series(flagged(borehole, (9, 3, Flag.SENTINEL), put=(9, 3, np.nan)))
    mark = next(line for line in ax.lines if line.get_label() == "sentinel")
    assert 0 < ax.transLimits.transform((0, mark.get_ydata()[0]))[1] < 0.1
    assert "saturated readings (1), whose" in ax.get_xlabel()
    assert "1 m" in drawn(ax)


def test_a_reset_clock_does_not_stretch_the_axis_and_is_counted(borehole):
    times = borehole.times.copy()
    times[:7] = np.arange("2000-01-01", "2000-01-08", dtype="M8[D]")
    ax = flagged_series(flagged(borehole, (slice(7), slice(None), Flag.CLOCK), times=times))
    assert num2date(ax.get_xlim()[0]).year >= 2017
    assert ax.get_xlabel() == "Not drawn: 7 stamps of a wrong clock, 2000-01-01 to 2000-01-07."
    within = flagged_series(flagged(borehole, (slice(50, 60), slice(None), Flag.CLOCK), put=(55, 0, np.nan)))
    marks = next(line for line in within.lines if line.get_label() == "clock").get_ydata()
    assert len(marks) == 4 * 10 - 1
    assert within.get_xlabel() == ""


def test_a_long_rejected_stretch_keeps_its_extremes(borehole):
    ax = flagged_series(flagged(borehole, (slice(100, 700), 2, Flag.STEP), put=(600, 2, 21.0)))
    marks = next(line for line in ax.lines if line.get_label() == "step").get_ydata()
    assert len(marks) <= 400
    assert marks.max() == 21.0
    assert marks.min() == borehole.values[100:700, 2].min()


@pytest.mark.parametrize("years", [(2019,), (2019, 2020), tuple(range(1995, 2024))])
def test_ticks_of_years_are_whole_years(years):
    rows = len(years)
    frame = pl.DataFrame({"site": ["A"] * rows, "year": years, "surface_offset": [3.0] * rows,
                          "surface_offset_uncertainty": [0.1] * rows, "thermal_offset": [-1.0] * rows,
                          "thermal_offset_uncertainty": [0.1] * rows})
    ax = offsets_by_year(frame)
    ax.figure.canvas.draw()
    inside = [text.get_text() for text in ax.get_xticklabels()
              if ax.get_xlim()[0] <= text.get_position()[0] <= ax.get_xlim()[1]]
    assert ax.xaxis.get_offset_text().get_text() == ""
    assert {int(text) for text in inside} <= set(years)
    assert len(inside) >= min(rows, 4)


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
