"""Numbers, fill values, depths, units and zones as files write them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.errors import FileError, UsageError
from talik.readers.depths import CELSIUS, FAHRENHEIT, KELVIN, depths_of, unit_of
from talik.readers.numerals import END_VALUES, SENTINELS, decimal_mark, fills_marked, parsed, unparsed
from talik.readers.zones import Zone, contradiction, offset, offset_in, offset_label, zone
from talik.records import Flag

STYLES = {
    "plain": (".", lambda text: text),
    "comma": (",", lambda text: text.replace(".", ",")),
    "blank": (" ", lambda text: text.replace(".", " ")),
    "brackets": (".", lambda text: f"({text[1:]})" if text[0] == "-" else text),
    "brackets and comma": (",", lambda text: (f"({text[1:]})" if text[0] == "-" else text).replace(".", ",")),
    "minus behind": (",", lambda text: (f"{text[1:]}-" if text[0] == "-" else text).replace(".", ",")),
    "typographic minus": (".", lambda text: text.replace("-", "\u2212")),
}


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=40)
@given(numbers=st.lists(st.integers(-60_000, 60_000).map(lambda n: n / 1000), min_size=1, max_size=30))
def test_every_style_gives_the_same_numbers(style, numbers):
    decimal, write = STYLES[style]
    cells = [write(f"{number:.3f}") for number in numbers]
    assert parsed(pl.Series(cells), decimal=decimal).to_list() == numbers
    assert decimal_mark(cells, ";")[0] == decimal


def test_thousands_marks():
    assert parsed(pl.Series(["1,020.5", "12'000.25", "1 000.5"])).to_list() == [1020.5, 12000.25, 1000.5]
    assert parsed(pl.Series(["1.020,5", "-1.000,25"]), decimal=",").to_list() == [1020.5, -1000.25]


def test_what_is_no_number_is_refused_and_blanks_are_not():
    cells = pl.Series(["1.5", "NA", "#N/A", "", "--", "err"])
    values = parsed(cells)
    assert values.to_list() == [1.5, None, None, None, None, None]
    with pytest.raises(FileError, match=r"a.csv, line 16: 'err' in column 'T1' is not a number \(1 such cell\)"):
        unparsed(cells, values, file="a.csv", column="T1", lines=11)
    unparsed(cells[:5], values[:5], file="a.csv", column="T1", lines=11)


@pytest.mark.parametrize("fill", (*SENTINELS, 1e20, -1e30))
def test_every_fill_value_goes_with_its_reason(fill):
    values = np.array([[-3.5, fill], [fill, 20.0]])
    clean, flags = fills_marked(values)
    assert np.isnan(clean).tolist() == [[False, True], [True, False]]
    assert flags.tolist() == [[0, Flag.SENTINEL], [Flag.SENTINEL, 0]]
    assert fills_marked(values, [fill])[1][0, 1] == Flag.MISSING
    assert values[0, 1] == fill, "the input is left alone"


@pytest.mark.parametrize("end", END_VALUES)
def test_end_values_are_only_known_in_celsius(end):
    assert fills_marked(np.array([end]))[1][0] == Flag.SATURATED
    assert fills_marked(np.array([end]), celsius=False)[1][0] == 0


@settings(max_examples=50)
@given(st.lists(st.floats(-89.9, 69.9).filter(lambda v: v != 85), min_size=1, max_size=50))
def test_a_possible_temperature_is_never_taken_for_a_fill(values):
    clean, flags = fills_marked(np.array(values), [-999, -9999])
    assert clean.tolist() == values
    assert not flags.any()


@pytest.mark.parametrize(
    "labels, depths",
    [
        (["0.05_m", "0.1_m"], [0.05, 0.1]),
        (["cm_0", "cm_50"], [0, 0.5]),
        (["-0.5m", "-1m"], [0.5, 1]),
        (["Temp, °C (LBL: 5)", "Temp, °C (LBL: 10)"], [5, 10]),
        (["Temp, °C (LBL: 50 cm)"], [0.5]),
        (["air_temp_3m", "soil_20cm"], [-3, 0.2]),
        (["Temp (°C) 1.5 m", "Temp (°C)"], [1.5, np.nan]),
        (["T0_5m"], [np.nan]),
        (["0,5 m", "1,0 m"], [0.5, 1.0]),
        (["150 mm"], [0.15]),
        (["глубина 20 см"], [0.2]),
        (["soil1_5cm", "soil1_150cm"], [0.05, 1.5]),
        (["Temp 2 m above ground"], [-2]),
        (["S/N 10173910"], [np.nan]),
        (["Soil-5cm", "Soil-10cm"], [0.05, 0.1]),
        *(([shape.format(z) for z in signs], [-2, 0, 1, 3])
          for shape in ("T_{}m", "T{}m", "T_{}.0", "{} m", "T_{} m", "T {}m", "T ({} m)")
          for signs in (["-2", "0", "1", "3"], ["\u22122", "0", "1", "3"], ["\u20132", "0", "1", "3"])),
    ],
)
def test_depths_from_labels(labels, depths):
    np.testing.assert_array_equal(depths_of(labels).depths, depths)


def test_bare_numbers_are_depths_only_where_the_format_says_so():
    assert depths_of(["0.5", "1"], bare="m").depths.tolist() == [0.5, 1]
    assert np.isnan(depths_of(["0.5", "1"]).depths).all()
    assert depths_of(["-0.5", "-1", "0"], bare="m").depths.tolist() == [0.5, 1, 0]
    assert depths_of(["-2", "0.5"], bare="m").depths.tolist() == [-2, 0.5]


def test_units():
    for text, unit in (
        ("Temp, °F", FAHRENHEIT),
        ("Teplota, °C", CELSIUS),
        ("degC", CELSIUS),
        ("K", KELVIN),
        ("t [K]", KELVIN),
        ("℃", CELSIUS),
        ("Batt, V", None),
        ("RH, %", None),
        ("Coupler Detached", None),
    ):
        assert unit_of(text) is unit
    assert FAHRENHEIT.to_celsius(np.array([32.0, 212.0])).round(9).tolist() == [0, 100]
    assert KELVIN.to_celsius(np.array([273.15])).tolist() == [0]


@given(st.integers(-56, 56))
def test_offsets_with_quarter_hours_come_back(quarters):
    minutes = quarters * 15
    assert offset(offset_label(minutes)) == minutes
    assert offset_in(f"Date Time, {offset_label(minutes).replace('UTC', 'GMT')}") == minutes
    times = np.array(["2020-07-01T12:00"], "M8[us]")
    assert (times - Zone("", minutes, "header").to_utc(times))[0] == np.timedelta64(minutes, "m")


def test_zones_with_summer_time_refuse_the_hour_that_is_twice():
    yellowknife = zone("America/Edmonton", "argument")
    noon = np.array(["2020-07-01T12:00", "2020-12-01T12:00"], "M8[us]")
    assert [str(t)[11:16] for t in yellowknife.to_utc(noon)] == ["18:00", "19:00"]
    for stamp in ("2020-11-01T01:30", "2020-03-08T02:30"):
        with pytest.raises(FileError, match="the hour that summer time repeats or leaves out"):
            yellowknife.to_utc(np.array([stamp], "M8[us]"), file="a.csv")


def test_zones_that_nobody_knows():
    for text in ("Mars/Olympus", "+25:00", "", "../../etc/passwd"):
        with pytest.raises(UsageError, match="is not known. Write an offset"):
            zone(text, "argument")


def test_a_zone_on_the_other_side_of_greenwich_is_said():
    assert "contradicts the longitude 9.8" in contradiction(Zone("UTC-01:00", -60, "metadata"), 9.8)
    assert contradiction(Zone("UTC-09:00", -540, "metadata"), -145.5) == ""
