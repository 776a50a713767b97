"""RBR: .dat, .hex, .xls, .xlsx and .rsk of one logger are one series; damage is told with its place."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talik.errors import FileError
from talik.readers.rbr_header import Channel
from talik.readers.rbr_hex import _steinhart_hart
from talik.readers.registry import read
from talik.records import Flag

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def only(path, **options):
    [record] = read(path, **options)
    return record


def changed(tmp_path, name, old, new, count=1):
    path = tmp_path / name
    content = (SAMPLES / name).read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, count))
    return path


# --- laws


@pytest.mark.parametrize(("text", "binary", "rounding"), [("rbr_xr420.dat", "rbr_xr420.hex", 5.1e-5),
                                                          ("rbr_xl800.dat", "rbr_xl800.hex", 5.1e-3)])
def test_counts_and_degrees_of_one_memory_are_one_series(text, binary, rounding):
    degrees, counts = only(SAMPLES / text), only(SAMPLES / binary)
    np.testing.assert_array_equal(degrees.times, counts.times)
    np.testing.assert_array_equal(degrees.flags, counts.flags)
    np.testing.assert_allclose(degrees.values, counts.values, atol=rounding)
    assert degrees.site == counts.site
    assert degrees.metadata == counts.metadata


def test_workbook_and_data_base_are_one_series():
    book, base = only(SAMPLES / "rbr.xlsx", timezone="-06:00"), only(SAMPLES / "rbr.rsk", timezone="-06:00")
    np.testing.assert_array_equal(book.times, base.times)
    np.testing.assert_allclose(book.values, base.values, rtol=1e-14)
    np.testing.assert_array_equal(book.flags, base.flags)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_a_larger_count_is_colder(one, other):
    channel = Channel("Degrees_C", (0.0043228845, -0.000277869, 3.647e-6, -1.3e-7))
    first, second = _steinhart_hart(np.array([[one], [other]]), (channel,))[:, 0]
    assert (first <= second) == (one >= other)


def test_stamps_follow_the_header():
    record = only(SAMPLES / "rbr_xl800.hex")
    assert str(record.times[0]) == "2020-10-20T12:00:00.000000"  # 06:00 MDT, which the user typed into the title
    assert set(np.diff(record.times)) == {np.timedelta64(8, "h")}
    assert record.source.time_zone == "UTC-06:00"
    assert record.source.time_zone_from == "header"


def test_open_circuits_are_missing_and_flagged():
    record = only(SAMPLES / "rbr_xr420.hex")
    assert np.isnan(record.values[0]).all()
    assert (record.flags[0] == Flag.SATURATED).all()
    assert (record.flags[1:] == 0).all()
    record = only(SAMPLES / "rbr_xl800.hex")
    assert record.flags[2, 1] == Flag.MISSING
    assert record.flags[3, 0] == Flag.SATURATED


def test_the_clock_of_a_data_base_is_proved_by_its_drift(tmp_path):
    record = only(SAMPLES / "rbr.rsk")
    assert record.source.time_zone == "UTC-06:00"
    assert record.source.time_zone_from == "metadata"
    assert str(record.times[0]) == "2020-10-20T12:00:00.000000"
    for drift, zone, found in ((20_000, "UTC", "metadata"), (10_800_000, "UTC", "assumed")):
        path = tmp_path / f"{drift}.rsk"
        shutil.copy(SAMPLES / "rbr.rsk", path)
        with sqlite3.connect(path) as base:
            base.execute("UPDATE deployments SET loggerTimeDrift = ?", (drift,))
        base.close()
        source = only(path).source
        assert (source.time_zone, source.time_zone_from) == (zone, found)


def test_a_data_base_is_left_as_it_was(tmp_path):
    path = tmp_path / "a b?.rsk"
    shutil.copy(SAMPLES / "rbr.rsk", path)
    path.chmod(0o444)
    before = path.read_bytes()
    record = only(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert (np.diff(record.times) > np.timedelta64(0, "us")).all()  # by stamp, whatever the order of the rows
    assert list(record.others) == ["channel03 Pressure [dbar]"]


def test_the_clock_set_while_logging_dates_what_follows(tmp_path):
    """An event in the memory (zero, TIM, packed date) before the second sample moves it and all behind it."""
    lines = (SAMPLES / "rbr_xr420.hex").read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("Number of bytes of data"))
    body = "".join(lines[at + 2:])
    place = 2 * (48 + 12 + 9)                                              # header, first event, first sample
    body = body[:place] + "000000" + "54494D" + "201020160000" + body[place:]
    path = tmp_path / "set.hex"
    path.write_text("\n".join([*lines[:at], f"Number of bytes of data {len(body) // 2}", lines[at + 1], body]))
    record, plain = only(path), only(SAMPLES / "rbr_xr420.hex")
    np.testing.assert_array_equal(record.values, plain.values)
    assert str(record.times[0]) == "2020-10-20T06:00:00.000000"
    assert str(record.times[1]) == "2020-10-20T16:00:00.000000"
    assert any("clock was set while logging" in sentence for sentence in record.source.understood)


def test_an_export_with_summer_time_is_told(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(SAMPLES / "rbr.xlsx")
    for row in book["Data"].iter_rows(min_row=15, max_col=1):
        row[0].value -= np.timedelta64(1, "h").item()
    book.save(tmp_path / "summer.xlsx")
    assert any("1 steps are an hour off" in sentence for sentence in only(tmp_path / "summer.xlsx").source.understood)
    assert not any("an hour off" in sentence for sentence in only(SAMPLES / "rbr.xlsx").source.understood)

def test_loggers_of_one_sensor_are_read_though_their_rows_are_one_number(tmp_path):
    header = """RBR TR-1060  6.77 019518 (Windows: 6.13 - Minimum required: 6.13)
Logging start 12/07/16 00:00:00
Sample period          00:00:04
Number of channels =  1, number of samples = 3, mode: Logging Complete
N01%9.4f
Calibration  1: 0.003494264332975
                -0.000250840377853
                0.000002481479905
                -0.000000070159135 Degrees_C
COMMENT: 19518
"""
    path = tmp_path / "tr.dat"
    for title in ("", "\n     Temp\n", "\n  Temp(C)\n"):
        path.write_text(f"{header}{title}  20.5000\n  -0.2500\n   0.0000\n")
        record = only(path)
        assert record.values.tolist() == [[20.5], [-0.25], [0.0]]
        assert str(record.times[2]) == "2012-07-16T00:00:08.000000"
    path.write_text(f"{header}  20.5 1.5\n  -0.25 1.5\n   0.0 1.5\n")
    with pytest.raises(FileError, match="line 11: 2 numbers where the header promises 1 channels"):
        read(path)
    path.write_text(f"{header}Number of bytes of data 3\n000000\n")
    with pytest.raises(FileError, match="memory of a TR-1060 is not known"):
        read(path)


def test_a_workbook_goes_on_in_further_sheets_and_names_its_units_where_it_likes(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    plain = only(SAMPLES / "rbr.xlsx")
    book = openpyxl.load_workbook(SAMPLES / "rbr.xlsx")
    data, more = book["Data"], book.create_sheet("Data 2")
    for row in list(data.iter_rows(values_only=True))[:2]:
        more.append(row)
    for row in list(data.iter_rows(min_row=11, values_only=True)):
        more.append(row)
    data.delete_rows(11, data.max_row)
    about = book["Metadata"]
    at = next(row[0].row for row in about.iter_rows() if row[0].value == "Index")
    about.insert_cols(2)
    about.cell(at, 2).value = "Label"
    book.save(tmp_path / "parted.xlsx")
    parted = only(tmp_path / "parted.xlsx")
    np.testing.assert_array_equal(parted.times, plain.times)
    np.testing.assert_array_equal(parted.values, plain.values)
    assert list(parted.others) == list(plain.others)
    more["B2"].value = "Pressure"
    book.save(tmp_path / "other.xlsx")
    with pytest.raises(FileError, match="'Data' have different columns"):
        read(tmp_path / "other.xlsx")


# --- oracles: what RBR's own software made of the same memory


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("text", "binary", "rounding"),
    [("012064.dat", "012064.hex", 6e-5), ("rbr_001.dat", "rbr_001.hex", 6e-5), ("07B1592.DAT", "07B1592.HEX", 5.1e-3)],
)
def test_real_loggers_agree(real, text, binary, rounding):
    degrees, counts = (only(real / "loggers" / "rbr" / name) for name in (text, binary))
    np.testing.assert_array_equal(degrees.times, counts.times)
    np.testing.assert_array_equal(np.isnan(degrees.values), np.isnan(counts.values))
    np.testing.assert_allclose(degrees.values, counts.values, atol=rounding)
    assert np.isfinite(degrees.values).mean() > 0.8


@pytest.mark.realdata
def test_real_data_base_and_workbook_agree(real):
    base, book = (
        only(real / "loggers" / "rbr" / f"062834_20220904_2351.{end}", timezone="-06:00") for end in ("rsk", "xlsx")
    )
    np.testing.assert_array_equal(base.times, book.times)
    np.testing.assert_array_equal(base.values, book.values)
    assert base.values.shape == (3239, 8)
    assert base.site == book.site == "62834"


@pytest.mark.realdata
def test_real_workbook_of_early_ruskin(real):
    record = only(real / "loggers" / "rbr" / "rbr_003.xls")
    assert record.values.shape == (1241, 8)
    assert set(np.diff(record.times)) == {np.timedelta64(8, "h")}
    assert str(record.times[0]) == "2021-07-12T11:00:00.000000"
    assert any("DMY, proved by the first" in sentence for sentence in record.source.understood)


# --- faults


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "rbr_xr420.hex",
            b"Number of bytes of data 288",
            b"Number of bytes of data 999",
            "the body has 288 bytes, its header promises 999",
        ),
        ("rbr_xr420.hex", b"000000535450", b"0000005354ZZ", "is not made of pairs of hexadecimal digits"),
        ("rbr_xr420.hex", b"Number of bytes in header 48\r\n", b"", "where the samples start is not known"),
        ("rbr_xr420.hex", b"54494D201020060000", b"54494D201320060000", "is no date (yymmddhhmmss)"),
        (
            "rbr_xl800.hex",
            b"80007fff0203201020060000",
            b"80007fff0203201020060001",
            "byte 0 of the body: the stamp's checksum is wrong",
        ),
        (
            "rbr_xl800.hex",
            b"80007fff0203201020060000",
            b"00007fff0203201020060000",
            "byte 0 of the body: no stamp stands there",
        ),
        ("rbr_xl800.dat", b"    24", b"    2x", "is not made of numbers"),
        (
            "rbr_xl800.dat",
            b"number of samples = 24",
            b"number of samples = 25",
            "24 samples (the last in line 36) where the header promises 25",
        ),
        (
            "rbr_xl800.dat",
            b"    24",
            b"Power failed in logger\r\n    24",
            "has no stamp of its own, so it cannot be dated",
        ),
        (
            "rbr_xl800.dat",
            b"Sample period          08:00:00",
            b"Sample period          00:00:00",
            "the header's sample period is 00:00:00",
        ),
        (
            "rbr_xl800.dat",
            b"Logging start 20/10/20",
            b"Logging start 20/00/20",
            "is no date (year/month/day): the logger's clock was reset",
        ),
        ("rbr_xl800.dat", b" 3  2 7355", b" 3  9 7355", "promises 3 channels and has the calibrations of 2"),
        (
            "rbr_xr420.dat",
            b"2020/10/27 22:00:00 ",
            b"2020/10/27 22:00:00 1.0 ",
            "line 48: 4 numbers where other rows have 3",
        ),
        ("rbr_xr420.dat", b"2020/10/20 14:00:00", b"2020/13/20 14:00:00", "line 26: '2020-13-20 14:00:00' is no date"),
    ],
)
def test_damage_is_told_with_its_place(tmp_path, name, old, new, message):
    with pytest.raises(FileError) as error:
        read(changed(tmp_path, name, old, new))
    assert message in str(error.value)
    assert str(error.value).startswith(name)


@pytest.mark.parametrize(
    "name", ["rbr_xr420.hex", "rbr_xl800.hex", "rbr_xr420.dat", "rbr_xl800.dat", "rbr.rsk", "rbr.xlsx"]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_no_cut_file_gives_a_record(tmp_path, name, share):
    content = (SAMPLES / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[:int(len(content) * share)])
    with pytest.raises(FileError):
        read(path)


@pytest.mark.parametrize("name", ["rbr_xr420.dat", "rbr_xr420.hex"])
def test_a_model_with_the_kind_of_its_sensors(tmp_path, name):
    [record], [meant] = read(changed(tmp_path, name, b"RBR XR-420 ", b"RBR XR-420-T8 ")), read(SAMPLES / name)
    np.testing.assert_array_equal(record.values, meant.values)
    assert record.metadata["logger"] == "RBR XR-420-T8"


def rsk_with(path, *statements):
    shutil.copy(SAMPLES / "rbr.rsk", path)
    with sqlite3.connect(path) as base:
        for statement in statements:
            base.execute(statement)
    base.close()
    return path


def test_channels_of_a_data_base_stand_in_the_instruments_order(tmp_path):
    """Column 1 is the instrument's first channel, whatever number its kind has; a chain has one kind many times."""
    start = "DROP TABLE IF EXISTS instrumentChannels", "CREATE TABLE instrumentChannels (channelID, channelOrder)"
    plain = only(SAMPLES / "rbr.rsk")
    turned = only(rsk_with(tmp_path / "a.rsk", *start,
                           "INSERT INTO instrumentChannels VALUES (3, 1), (2, 2), (1, 3)"))
    assert [label.split()[0] for label in turned.labels] == ["channel02", "channel03"]
    assert list(turned.others) == ["channel01 Pressure [dbar]"]
    np.testing.assert_array_equal(turned.others["channel01 Pressure [dbar]"][1:], plain.values[1:, 0])
    chain = only(rsk_with(tmp_path / "b.rsk", *start, "DELETE FROM channels WHERE channelID IN (2, 3)",
                          "INSERT INTO instrumentChannels VALUES (1, 1), (1, 2), (1, 3)"))
    assert chain.values.shape == (len(plain.times), 3)


def test_a_hidden_channel_of_a_data_base_has_no_column(tmp_path):
    path = rsk_with(tmp_path / "a.rsk", "DROP TABLE IF EXISTS instrumentChannels",
                    "CREATE TABLE instrumentChannels (channelID, channelOrder, channelStatus)",
                    "INSERT INTO instrumentChannels VALUES (1, 1, 0), (2, 2, 0), (3, 3, 0), (9, 4, 4)",
                    "INSERT INTO channels (channelID, longName, unitsPlainText) VALUES (9, 'Inner', '°C')")
    np.testing.assert_array_equal(only(path).values, only(SAMPLES / "rbr.rsk").values)


def test_a_data_base_of_a_later_version_says_what_to_do(tmp_path):
    path = rsk_with(tmp_path / "a.rsk", "UPDATE dbInfo SET version = '3.2.0'")
    with pytest.raises(FileError, match="of rsk version 3.2.0.*Export it from Ruskin as text"):
        read(path)


def test_an_empty_data_base_says_what_to_do(tmp_path):
    path = tmp_path / "empty.rsk"
    shutil.copy(SAMPLES / "rbr.rsk", path)
    with sqlite3.connect(path) as base:
        base.execute("DELETE FROM data")
    base.close()
    with pytest.raises(FileError, match="holds no samples.*Open it in Ruskin"):
        read(path)
    with sqlite3.connect(path) as base:
        base.execute("DROP TABLE channels")
    base.close()
    with pytest.raises(FileError, match="not a whole .rsk"):
        read(path)
