"""What mail, spreadsheets and people do to a logger's file: the same series, or a refusal that names the line."""

import csv
import io
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import talik
from talik.errors import FileError, UnknownFormat

SAMPLES = Path(__file__).parents[1] / "data" / "readers"
SEPARATED = {"hobo_german.csv": ";", "minilog.csv": ",", "minilog.000": ",", "toa5.dat": ",", "em50.csv": ",",
             "el_usb.txt": ",", "data_90000001_0.csv": ";", "geoprecision_gp5w.csv": ",", "ibutton.csv": ","}
WRITTEN_IN_LINES = ("rbr_xl800.dat", "rbr_xl800.hex", "rbr_xr420.dat", "rbr_rtext.txt", "geoprecision_fg2.csv")
NO_QUOTES = "data_90000001_0.csv"


def text_of(name):
    content = (SAMPLES / name).read_bytes()
    try:
        return content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        return content.decode("cp1252").replace("\r\n", "\n")


def saved(text, separator, quoting=csv.QUOTE_MINIMAL, least=0):
    """As a spreadsheet saves a table: all rows as wide as the widest, cells in quotes."""
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    width = max(map(len, rows)) if least else 0
    table = io.StringIO()
    wide = [row + [""] * (width - len(row)) for row in rows]
    csv.writer(table, delimiter=separator, quoting=quoting, lineterminator="\n").writerows(wide)
    return table.getvalue()


@cache
def sample(name):
    [record] = talik.read(SAMPLES / name)
    return record


def same(path, name, text):
    path.write_text(text, encoding="utf-8", newline="")
    [record], meant = talik.read(path), sample(name)
    np.testing.assert_array_equal(record.times, meant.times)
    np.testing.assert_allclose(record.values, meant.values, atol=1e-12)
    np.testing.assert_array_equal(record.depths, meant.depths)
    assert (record.site, record.source.format) == (meant.site, meant.source.format)
    assert record.source.time_zone == meant.source.time_zone
    assert len(record.others) == len(meant.others)


@pytest.mark.parametrize("name", [*SEPARATED, *WRITTEN_IN_LINES])
def test_lines_above_and_behind_and_their_ends_change_nothing(tmp_path, name):
    text, path = text_of(name), tmp_path / name
    same(path, name, "\n# read out in May 2021\n" + text + "\n  \n")
    same(path, name, text + "\x1a")
    same(path, name, text.replace("\n", "\r\r\n"))


@pytest.mark.parametrize("name", ["hobo_german.csv", "toa5.dat", "data_90000001_0.csv"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_an_old_macs_line_ends_in_wide_letters_change_nothing(tmp_path, name, encoding):
    path = tmp_path / name
    path.write_bytes(text_of(name).replace("\n", "\r").encode(encoding))
    [record], meant = talik.read(path), sample(name)
    np.testing.assert_array_equal(record.times, meant.times)
    np.testing.assert_allclose(record.values, meant.values, atol=1e-12)


@pytest.mark.parametrize("name", SEPARATED)
def test_a_spreadsheets_quotes_and_empty_columns_change_nothing(tmp_path, name):
    text, path, separator = text_of(name), tmp_path / name, SEPARATED[name]
    same(path, name, saved(text, separator, least=1))
    if name != NO_QUOTES:
        same(path, name, saved(text, separator, csv.QUOTE_ALL))


@pytest.mark.parametrize("name", ["hobo_german.csv", "el_usb.txt"])
def test_a_line_that_is_no_row_is_not_passed_over(tmp_path, name):
    lines = text_of(name).splitlines()
    lines[9] = "@@ battery failed @@"
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(FileError, match=f"{name}, line 10: '@@ battery failed @@' is no row"):
        talik.read(path)


def test_a_humidity_that_failed_stays_a_column(tmp_path):
    path = tmp_path / "hobo_german.csv"
    path.write_text(text_of(path.name).replace(";82,5;", ";NaN;", 1), encoding="utf-8")
    [record] = talik.read(path)
    [humidity] = record.others.values()
    assert np.isnan(humidity).sum() == 1


def test_zero_bytes_of_a_power_failure_are_told(tmp_path):
    path = tmp_path / "toa5.dat"
    path.write_text(text_of(path.name) + "\0" * 512, encoding="utf-8")
    with pytest.raises(UnknownFormat, match="toa5.dat: holds zero bytes in its text, as after a power failure"):
        talik.read(path)
