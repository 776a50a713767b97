"""LogR: volts and degrees of one download are one series, in UTC by the logger's description."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from talik.errors import FileError
from talik.readers.registry import read
from talik.records import Flag

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def only(path, **options):
    [record] = read(path, **options)
    return record


def test_volts_and_degrees_are_one_series():
    degrees, volts = only(SAMPLES / "ulogc_temp.csv"), only(SAMPLES / "ulogc_raw.csv")
    np.testing.assert_array_equal(degrees.times, volts.times)
    np.testing.assert_allclose(degrees.values, volts.values, atol=5.1e-4)
    np.testing.assert_array_equal(degrees.flags, volts.flags)
    assert str(degrees.times[0]) == "2020-10-20T06:00:00.000000"
    assert (degrees.source.time_zone, degrees.source.time_zone_from) == ("UTC-07:00", "metadata")
    assert (volts.source.time_zone, volts.source.time_zone_from) == ("UTC", "format")
    assert "dates: year-month-day (the format's)" in degrees.source.understood
    asked = only(SAMPLES / "ulogc_temp.csv", date_order="YMD")
    assert "dates: year-month-day (as asked)" in asked.source.understood


def test_labels_give_depths_and_an_open_channel_is_flagged():
    record = only(SAMPLES / "ulogc_temp.csv")
    np.testing.assert_array_equal(record.depths, [np.nan, 0.5, 1.0, np.nan])
    assert record.labels == ("CH1 Air", "CH2 -0.5m", "CH3 -1.0m", "CH4")
    assert (record.flags[:, 3] == Flag.SATURATED).all()
    assert np.isnan(record.values[:, 3]).all()
    assert "temperature" in record.others                                   # of the logger's box


def test_without_the_description_the_zone_is_assumed_and_volts_are_refused(tmp_path):
    for name in ("ulogc_temp.csv", "ulogc_raw.csv"):
        shutil.copy(SAMPLES / name, tmp_path)
    assert only(tmp_path / "ulogc_temp.csv").source.time_zone_from == "assumed"
    with pytest.raises(FileError, match="holds volts, and the logger's description.*is not beside it"):
        read(tmp_path / "ulogc_raw.csv")


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "shape"), [("logR_ULogC16-32_1.csv", (100, 16)), ("2022018_2025-09-18T22-16-16_temp.csv", (2068, 16))]
)
def test_real_loggers(real, name, shape):
    record = only(real / "loggers" / "logr" / name)
    assert record.values.shape == shape
    if shape[0] == 100:
        np.testing.assert_array_equal(record.depths[1:], [0, .5, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20])


@pytest.mark.parametrize(("file", "old", "new", "message"), [
    ("ulogc_temp.csv", ",2020/10/20 00:00:00,", ",2020/10/20 00:00:0x,", "is not a time of day"),
    ("ulogc_temp.csv", "-127.168\n", "\n-127.168\n", "line 8: 1 field where 13 are expected"),
    ("ulogc_cfg.txt", "CH2\tYes", "CH9\tYes", "has no row for channel CH2"),
    ("ulogc_cfg.txt", "-1e-11\t0\t0", "-1e-11\t0\t0.25", "a coefficient E or an offset"),
    ("ulogc_cfg.txt", "\t0.0002383", "\tx", "the calibration (A to E, Offset) of a channel is not whole"),
])
def test_damage_is_told(tmp_path, file, old, new, message):
    for name in ("ulogc_temp.csv", "ulogc_raw.csv", "ulogc_cfg.txt"):
        shutil.copy(SAMPLES / name, tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1))
    with pytest.raises(FileError) as error:
        read(tmp_path / ("ulogc_raw.csv" if file.endswith("txt") else file))
    assert message in str(error.value)
