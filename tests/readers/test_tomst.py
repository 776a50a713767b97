"""TOMST: three heights by the format, stamps in UTC whatever the zone code, counts beside."""

from pathlib import Path

import numpy as np
import pytest

from talik.errors import FileError
from talik.readers.registry import read

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def test_a_tms_4():
    [record] = read(SAMPLES / "data_90000001_0.csv")
    assert record.labels == ("T1", "T2", "T3")
    assert record.depths.tolist() == [0.08, 0.0, -0.15]
    assert str(record.times[0]) == "2020-10-20T06:00:00.000000"
    assert record.source.time_zone_from == "format"
    assert (record.others["moisture"] == 1257).all()
    assert (record.others["zone"] == 4).all()
    assert record.site == record.metadata["serial"] == "90000001"
    assert any("zone code 4 (UTC+01:00)" in sentence for sentence in record.source.understood)


def test_a_blank_reading_of_the_first_rows_is_missing(tmp_path):
    path = tmp_path / "data_90000001_0.csv"
    first, *rows = (SAMPLES / path.name).read_text().splitlines()
    cells = first.split(";")
    path.write_text("\n".join([";".join([*cells[:3], "", *cells[4:]]), *rows, ""]))
    [record], [plain] = read(path), read(SAMPLES / path.name)
    assert np.isnan(record.values[0, 0])
    np.testing.assert_array_equal(record.values[1:], plain.values[1:])


def test_the_zone_code_shifts_nothing(tmp_path):
    path = tmp_path / "data_90000001_0.csv"
    path.write_text((SAMPLES / path.name).read_text().replace(";4;", ";-14;"))
    [other], [record] = read(path), read(SAMPLES / path.name)
    np.testing.assert_array_equal(other.times, record.times)
    assert any("UTC-03:30" in sentence for sentence in other.source.understood)


def test_a_logger_with_one_sensor_has_no_depth_and_commas_are_decimal():
    [record] = read(SAMPLES / "data_90000002_0.csv")
    [whole] = read(SAMPLES / "data_90000001_0.csv")
    assert record.labels == ("T1",)
    assert np.isnan(record.depths).all()
    np.testing.assert_array_equal(record.values[:, 0], whole.values[:, 0])


def test_newer_files_end_with_a_separator(tmp_path):
    path = tmp_path / "data_90000001_0.csv"
    path.write_text((SAMPLES / path.name).read_text().replace("\n", ";\n"))
    [newer], [record] = read(path), read(SAMPLES / path.name)
    np.testing.assert_array_equal(newer.values, record.values)


@pytest.mark.realdata
def test_a_real_logger(real):
    [record] = read(real / "loggers" / "tomst" / "data_94184102_0.csv")
    assert record.values.shape == (17580, 3)
    assert set(np.diff(record.times)) == {np.timedelta64(15, "m")}
    spread = record.values.std(axis=0)
    assert spread[0] < spread[1] < spread[2]                                # the air swings most, the soil least


@pytest.mark.parametrize(("old", "new", "message"), [
    ("7;2020.10.20 07:45;4;", "7;2020.10.20 07:45;4;x", "line 8"),
    ("7;2020.10.20 07:45;4;", "7;2020.10.20 07:45;", "line 8: 8 cells, expected 9"),
    ("7;2020.10.20 07:45;4;", "7;2020.20.10 07:45;4;", "line 8"),
])
def test_damage_is_told_with_its_line(tmp_path, old, new, message):
    text = (SAMPLES / "data_90000001_0.csv").read_text()
    assert old in text
    path = tmp_path / "data_90000001_0.csv"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FileError) as error:
        read(path)
    assert message in str(error.value)
