"""Vemco Minilog: the header says order of dates and zone; one sensor, no depth."""

from pathlib import Path

import numpy as np
import pytest

from talik.errors import FileError
from talik.readers.registry import read

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def only(path, **options):
    [record] = read(path, **options)
    return record


def test_both_exports_differ_by_their_zone_only():
    old, new = only(SAMPLES / "minilog.000"), only(SAMPLES / "minilog.csv")
    np.testing.assert_array_equal(old.values, new.values)
    np.testing.assert_array_equal(new.times - old.times, np.full(24, np.timedelta64(6, "h")))
    assert (old.source.time_zone_from, new.source.time_zone_from) == ("assumed", "header")
    assert new.source.time_zone == "UTC-06:00"
    assert old.site == new.site == "Ridge"
    assert np.isnan(old.depths).all()
    assert new.metadata["serial"] == "350001"


def test_fahrenheit_becomes_celsius(tmp_path):
    path = tmp_path / "minilog.csv"
    text = (SAMPLES / "minilog.csv").read_text("cp1252")
    path.write_text(text.replace("Temperature (°C)", "Temperature (°F)"), "cp1252")
    np.testing.assert_allclose(only(path).values, (only(SAMPLES / "minilog.csv").values - 32) / 1.8)


def test_an_order_of_months_first_is_taken_from_the_header(tmp_path):
    path = tmp_path / "minilog.000"
    text = (SAMPLES / "minilog.000").read_text("cp1252")
    for day in ("20", "21", "22", "23"):
        text = text.replace(f"\n{day}/10/2020", f"\n10/{day}/2020")
    path.write_text(text.replace("Date(dd/mm/yyyy)", "Date(mm/dd/yyyy)"), "cp1252")
    np.testing.assert_array_equal(only(path).times, only(SAMPLES / "minilog.000").times)


def test_a_file_that_ends_before_the_logger_stopped_is_refused(tmp_path):
    lines = (SAMPLES / "minilog.csv").read_bytes().splitlines(keepends=True)
    lines.insert(5, b"Study Stop Time: 2020-10-23 03:00:00\r\n")
    path = tmp_path / "minilog.csv"
    path.write_bytes(b"".join(lines))
    assert only(path).times.size == 24
    path.write_bytes(b"".join(lines[:-2]))
    with pytest.raises(FileError, match="its header says the logger stopped at 2020-10-23T03:00:00"):
        read(path)


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "count", "zone"), [("Asc-1455As02.000", 2975, "UTC"),
                                                     ("Minilog-II-T_350763_20190711_1.csv", 2067, "UTC-06:00"),
                                                     ("Minilog-T_975_20110824_1.csv", 4335, "UTC-06:00")])
def test_real_minilogs(real, name, count, zone):
    record = only(real / "loggers" / "vemco" / name)
    assert record.values.shape == (count, 1)
    assert record.source.time_zone == zone
    assert len(set(np.diff(record.times))) == 1


@pytest.mark.parametrize(("old", "new", "message"), [
    ("2020-10-20,09:00:00,", "2020-10-20,09:00:00,warm", "line 9: 'warm"),
    ("2020-10-20,09:00:00,", "2020-10-20,25:00:00,", "line 9: '25:00:00' is not a time of day"),
    ("2020-10-20,09:00:00,", "2020-02-30,09:00:00,", "line 9: '2020-02-30' is not a date that exists"),
    ("2020-10-20,09:00:00,", "2020-10-20,09:00:00", "line 9: 2 fields where 3 are expected"),
    ("Date(yyyy-mm-dd)", "Date(yyyy-dd-mm)", "line 7: the order of the dates 'yyyy-dd-mm' is not known"),
    ("Temperature (°C)", "Depth (m)", "line 7: no temperature column among Depth (m)"),
])
def test_damage_is_told_with_its_line(tmp_path, old, new, message):
    text = (SAMPLES / "minilog.csv").read_bytes().decode("cp1252")
    assert old in text
    path = tmp_path / "minilog.csv"
    path.write_bytes(text.replace(old, new, 1).encode("cp1252"))
    with pytest.raises(FileError) as error:
        read(path)
    assert message in str(error.value)
