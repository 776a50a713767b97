"""RST DT loggers: degrees are read, resistances stand by; the header's count of records is kept."""

from pathlib import Path

import numpy as np
import pytest

from talik.errors import FileError
from talik.readers.registry import read

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def changed(tmp_path, old, new):
    text = (SAMPLES / "rst.csv").read_text()
    assert old in text
    path = tmp_path / "rst.csv"
    path.write_text(text.replace(old, new, 1))
    return path


def test_sensors_depths_and_the_rest():
    [record] = read(SAMPLES / "rst.csv")
    assert record.values.shape == (24, 3)
    assert record.depths.tolist() == [0.5, 1.0, 2.0]
    assert str(record.times[0]) == "2020-10-20T06:00:00.000000"
    assert set(np.diff(record.times)) == {np.timedelta64(8, "h")}
    assert record.site == "Ridge"
    assert record.metadata["serial"] == "00001"
    assert (record.others["Therm 0.5m (2) [Ohms]"] == 9000).all()
    assert (record.others["LOGGER TEMP [deg C]"] == 20.1).all()


def test_fahrenheit_becomes_celsius(tmp_path):
    [plain], [turned] = (
        read(SAMPLES / "rst.csv"),
        read(changed(tmp_path, '"deg C","deg C","deg C",,,', '"deg F","deg C","deg C",,,')),
    )
    np.testing.assert_allclose(turned.values[:, 0], (plain.values[:, 0] - 32) / 1.8)
    np.testing.assert_array_equal(turned.values[:, 1:], plain.values[:, 1:])


@pytest.mark.parametrize(("old", "new", "message"), [
    ("Number Of Records,24", "Number Of Records,25", "24 rows where the header promises 25"),
    ('"UNITS->"', '"UNIT"', "the lines TIMESTAMP,RECORD,BATTERY,... and UNITS-> are not both there"),
    ('"deg C","deg C","deg C",,,', '"kPa","kPa","kPa",,,', "line 8: no sensor in deg C"),
    ("2020/10/20 14:00:00,2,3.00,", "2020/10/20 14:00:00,2,3.00,cold", "line 10: 'cold"),
    ("2020/10/20 14:00:00,2,3.00,", "2020/10/20 14:00:00,2,", "line 10: 12 fields where 13 are expected"),
    ("2020/10/20 14:00:00", "2020/20/10 14:00:00", "is not a date that exists"),
])
def test_damage_is_told_with_its_line(tmp_path, old, new, message):
    with pytest.raises(FileError) as error:
        read(changed(tmp_path, old, new))
    assert message in str(error.value)
