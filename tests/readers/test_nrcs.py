"""USDA NRCS: both reports give °C at metres; extremes and moisture stay beside."""

from pathlib import Path

import numpy as np
import pytest

from talik.errors import FileError
from talik.readers.registry import read

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def test_the_older_report():
    [record] = read(SAMPLES / "nrcs_site.csv")
    np.testing.assert_array_equal(record.depths, [np.nan, 0.0508, 0.508])
    assert record.site == record.metadata["station_id"] == "2218"
    assert record.values.shape == (24, 3)
    assert np.isnan(record.values[5, 1])
    assert np.isnan(record.values).sum() == 1
    np.testing.assert_allclose(record.values[0], -2, atol=0.051)                           # °C, °C and °F
    assert list(record.others) == ["SMS.I-1:-2 (pct)  (loam)", "STX.H-1:-2 (degC)"]
    assert str(record.times[1]) == "2020-10-20T07:00:00.000000"


def test_tabs_part_columns_as_well(tmp_path):
    path = tmp_path / "tabs.txt"
    path.write_text((SAMPLES / "nrcs_site.csv").read_text().replace(",", "\t"))
    [tabs], [commas] = read(path), read(SAMPLES / "nrcs_site.csv")
    assert tabs.source.format == "nrcs"
    np.testing.assert_array_equal(tabs.values, commas.values)
    np.testing.assert_array_equal(tabs.depths, commas.depths)


def test_the_report_generator():
    [record] = read(SAMPLES / "nrcs_report.csv")
    np.testing.assert_array_equal(record.depths, [np.nan, 0.0508])
    assert record.site == "Ridge, AK"
    assert np.isnan(record.values).sum() == 1
    np.testing.assert_allclose(record.values[0], -2, atol=1e-3)
    assert record.source.time_zone_from == "format"                                        # dates stand for their days
    assert any("reading at the start of the day" in sentence for sentence in record.source.understood)
    assert "Air Temperature Maximum (degF)" in record.others


def test_several_stations_become_several_records(tmp_path):
    lines = (SAMPLES / "nrcs_site.csv").read_text().splitlines()
    path = tmp_path / "two.csv"
    path.write_text("\n".join([*lines, *(line.replace("2218,", "2219,", 1) for line in lines[4:])]))
    first, second = read(path)
    assert (first.site, second.site) == ("2218", "2219")
    np.testing.assert_array_equal(first.values, second.values)
    columns = tmp_path / "columns.csv"
    columns.write_text(
        "Date,Barrow (2213) Soil Temperature Observed -2in (degF),Toolik (2214) Soil Temperature Observed -4in (degC)\n"
        "2020-10-20 00:00,32,-1\n2020-10-20 01:00,50,-2\n"
    )
    first, second = read(columns)
    assert (first.site, second.site) == ("Barrow (2213)", "Toolik (2214)")
    assert first.values.ravel().tolist() == [0, 10]
    assert second.depths.tolist() == [0.1016]


@pytest.mark.parametrize(("old", "new", "message"), [
    ("2218,2020-10-20,07:00,", "2218,2020-10-20,07:00,warm", "line 6: 'warm"),
    ("2218,2020-10-20,07:00,", "2218,2020-13-20,07:00,", "line 6: '2020-13-20'"),
    ("STO.I-1:-2 (degC)", "STP.I-1:-2 (degC)", None),
])
def test_damage_is_told_with_its_line(tmp_path, old, new, message):
    text = (SAMPLES / "nrcs_site.csv").read_text()
    assert old in text
    path = tmp_path / "nrcs_site.csv"
    path.write_text(text.replace(old, new, 1))
    if message is None:
        assert read(path)[0].labels == ("TOBS.I-1 (degC)", "STO.I-1:-20 (degF)")
        return
    with pytest.raises(FileError) as error:
        read(path)
    assert message in str(error.value)


def test_no_temperature_at_all(tmp_path):
    path = tmp_path / "moisture.csv"
    path.write_text("Date,Soil Moisture Percent -2in (pct)\n2020-10-20,12\n")
    with pytest.raises(FileError, match="line 1: no soil or air temperature"):
        read(path)
