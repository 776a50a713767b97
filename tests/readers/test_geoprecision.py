"""GeoPrecision: both exports give the same series; events are no rows; a cut export is refused."""

from pathlib import Path

import numpy as np
import pytest

from talik.errors import FileError
from talik.readers.registry import read

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def only(path, **options):
    [record] = read(path, **options)
    return record


def test_both_exports_are_one_series():
    old, new = only(SAMPLES / "geoprecision_gp5w.csv"), only(SAMPLES / "geoprecision_fg2.csv")
    np.testing.assert_array_equal(old.times, new.times)
    np.testing.assert_array_equal(old.values, new.values)
    assert old.values.shape == (24, 3)
    assert np.isnan(old.depths).all()
    assert old.labels == ("#1", "#2", "#3")
    assert old.site == "E50AAA"
    assert new.site == "E5AAAA"


def test_days_come_first_by_the_format_and_the_voltage_is_no_temperature():
    record = only(SAMPLES / "geoprecision_gp5w.csv")
    assert str(record.times[0]) == "2020-10-20T06:00:00.000000"
    assert set(np.diff(record.times)) == {np.timedelta64(4, "h")}
    [battery] = record.others.values()
    assert np.isfinite(battery).sum() == 4
    assert np.nanmax(battery) == 3.65
    assert any("1 lines of events" in sentence for sentence in record.source.understood)


def test_a_sensor_in_fahrenheit_is_turned(tmp_path):
    path = tmp_path / "fahrenheit.csv"
    path.write_text((SAMPLES / "geoprecision_gp5w.csv").read_text().replace("#1:oC", "#1:oF"))
    plain, record = only(SAMPLES / "geoprecision_gp5w.csv"), only(path)
    np.testing.assert_allclose(record.values[:, 0] * 1.8 + 32, plain.values[:, 0])
    np.testing.assert_array_equal(record.values[:, 1:], plain.values[:, 1:])
    assert "units: °C, °F (the header's)" in record.source.understood


def test_a_clock_that_ran_on_utc_is_seen_by_the_read_out(tmp_path):
    record = only(SAMPLES / "geoprecision_fg2.csv")
    assert (record.source.time_zone, record.source.time_zone_from) == ("UTC", "header")
    later = tmp_path / "later.csv"
    later.write_text(
        (SAMPLES / "geoprecision_fg2.csv").read_text().replace("NOW(UTC):24.10.2020", "NOW(UTC):24.11.2020")
    )
    assert only(later).source.time_zone_from == "assumed"
    assert (only(later, timezone="+02:00").times == record.times - np.timedelta64(2, "h")).all()


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "shape"), [("FG2_399.csv", (9869, 5)), ("GP5W.csv", (1118, 1)), ("GP5W_260.csv", (1882, 1))]
)
def test_real_exports(real, name, shape):
    record = only(real / "loggers" / "geoprecision" / name)
    assert record.values.shape == shape
    assert np.isfinite(record.values).all()
    assert record.values.min() > -60
    assert record.values.max() < 40          # relative humidity is not among them


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("geoprecision_fg2.csv", "<INFO: Decode OK, 24 Lines>", "", "ends without the line '<INFO: Decode OK"),
        ("geoprecision_fg2.csv", "OK, 24 Lines", "OK, 25 Lines", "promises 25 rows, 24 are there"),
        ("geoprecision_gp5w.csv", "2,20.10.2020 10:00:00,", "2,20.10.2020 10:00:00,x", "is not a number"),
        (
            "geoprecision_gp5w.csv",
            "2,20.10.2020 10:00:00,",
            "2,20.13.2020 10:00:00,",
            "line 5: '20.13.2020' is not a date that exists",
        ),
        ("geoprecision_gp5w.csv", "2,20.10.2020 10:00:00,", "junk,20.10.2020 10:00:00,", "line 5: 'junk,"),
        ("geoprecision_gp5w.csv", "#1:oC,#2:oC,#3:oC", "#1:rH,#2:rH,#3:rH", "line 2: no temperature channel"),
    ],
)
def test_damage_is_told_with_its_line(tmp_path, name, old, new, message):
    text = (SAMPLES / name).read_text()
    assert old in text
    path = tmp_path / name
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FileError) as error:
        read(path)
    assert message in str(error.value)
    assert str(error.value).startswith(name)


def test_a_row_cut_inside_its_stamp_is_refused(tmp_path):
    path = tmp_path / "cut.csv"
    path.write_text((SAMPLES / "geoprecision_gp5w.csv").read_text()[:-40])
    with pytest.raises(FileError, match="line 2[67]"):
        read(path)
