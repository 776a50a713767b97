"""SMET: fields, offsets and factors of units, the zone and the fill value of the header."""

import numpy as np
import pytest

import talik
from talik.errors import FileError
from talik.records import Flag

TEXT = """SMET 1.1 ASCII
[HEADER]
station_id = WFJ2
latitude = 46.83
altitude = 2540
nodata = -777
tz = 1
fields = timestamp TA TSG RH TS1
units_offset = 0 0 273.15 0 0
units_multiplier = 1 1 1 0.01 1
[DATA]
2020-01-01T00:00   263.15   0.0   80   273.15
2020-01-01T01:00   -777    -1.5   81   272.15
"""


def read(tmp_path, text):
    path = tmp_path / "station.smet"
    path.write_text(text, encoding="utf-8")
    return talik.read(path)


def test_units_zone_and_fill_values_are_those_of_the_header(tmp_path):
    [record] = read(tmp_path, TEXT)
    assert (record.site, record.source.format, record.labels) == ("WFJ2", "smet", ("TA", "TSG", "TS1"))
    np.testing.assert_allclose(record.values, [[-10, 0, 0], [np.nan, -1.5, -1]], atol=1e-9)
    assert record.flags[1, 0] == Flag.MISSING
    np.testing.assert_array_equal(record.depths, [np.nan, 0, np.nan])
    assert str(record.times[0])[:16] == "2019-12-31T23:00"
    assert (record.metadata["latitude"], record.metadata["elevation_m"]) == (46.83, 2540)
    np.testing.assert_allclose(record.others["RH"], [0.8, 0.81])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[DATA]\n", "", r"has no \[DATA\] section"),
        ("fields = timestamp", "fields = time", "its fields have no timestamp"),
        ("units_offset = 0 0", "units_offset = 0", "units_offset has 4 numbers for 5 fields"),
        ("273.15\n2020", "\n2020", "line 12: 4 cells, expected 5"),
        (" 80 ", " x ", "line 12: 'x' in column 'RH' is not a number"),
        ("ASCII", "BINARY", "is a binary SMET, which is not read; have MeteoIO write it as SMET ASCII"),
        ("tz = 1", "tz = CET+", "tz = 'CET[+]' is no number of hours"),
        ("TA TSG RH TS1", "VW DW RH HS", "no field is a temperature"),
        ("263.15   0.0   80   273.15\n2020-01-01T01:00   -777    -1.5   81   272.15",
         "-10 -280 80 0\n2020-01-01T01:00 -9 -283 81 0",
         "half of the temperatures are below .*, and those of SMET are in K"),
    ],
)
def test_headers_and_rows_that_do_not_fit(tmp_path, old, new, message):
    with pytest.raises(FileError, match=message):
        read(tmp_path, TEXT.replace(old, new, 1))


@pytest.mark.parametrize(("above", "zone"), [("\n", "+01:00"), ("# from the archive\n", "1.0")])
def test_lines_above_and_a_zone_written_as_an_offset(tmp_path, above, zone):
    [record], [meant] = read(tmp_path, above + TEXT.replace("tz = 1", f"tz = {zone}")), read(tmp_path, TEXT)
    np.testing.assert_array_equal(record.times, meant.times)
    np.testing.assert_array_equal(record.values, meant.values)
