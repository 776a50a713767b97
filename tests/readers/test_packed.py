"""Packed files give the records of what is in them, and nothing in them gets out of hand."""

import bz2
import gzip
import io
import lzma
import struct
import tempfile
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from click.testing import CliRunner

import talik
from talik.cli import group
from talik.errors import AmbiguousFile, FileError, UnknownFormat
from talik.files import sha256
from talik.readers import packed
from talik.readers.archives import Limits
from talik.synthesis.dropped import dropped
from talik.synthesis.station import Files, Reading, Station, station_outcome

LINES = [f"2020-01-{day:02d} {hour:02d}:00,{-5 - hour / 8},-2.5" for day in range(1, 8) for hour in range(24)]
TABLE = "\n".join(["Date/Depth,0.05,1", *LINES, ""]).encode()
SAME = ("times", "depths", "values", "flags")


def zipped(path, members, kind=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def contents(members):
    stream = io.BytesIO()
    zipped(stream, members)
    return stream.getvalue()


@pytest.fixture
def plain(tmp_path):
    (tmp_path / "plain").mkdir()
    path = tmp_path / "plain" / "hill.csv"
    path.write_bytes(TABLE)
    return talik.read(path)[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("hill.csv.gz", gzip.compress(TABLE)),
        ("hill.csv.GZ", gzip.compress(TABLE[:999]) + gzip.compress(TABLE[999:])),
        ("hill.csv.bz2", bz2.compress(TABLE)),
        ("hill.csv.xz", lzma.compress(TABLE)),
        ("any.zip", contents({"data/hill.csv": TABLE})),
        ("any.zip", contents({"..\\..\\hill.csv": TABLE, "__MACOSX/._hill.csv": b"\0\5", "data/.DS_Store": b"\0"})),
    ],
)
def test_what_is_packed_is_read_as_if_it_were_not(tmp_path, plain, monkeypatch, name, content):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    path = tmp_path / name
    path.write_bytes(content)
    [record] = talik.read(path)
    assert (record.site, record.source.format) == ("hill", "gtnp")
    for part in SAME:
        np.testing.assert_array_equal(getattr(record, part), getattr(plain, part))
    assert record.source.path == str(path)
    assert record.source.sha256 == sha256(path)
    assert any(line.startswith("packed: ") and "hill.csv" in line for line in record.source.understood)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert {p.name for p in tmp_path.iterdir()} == {"plain", "temporary", name}


def test_files_beside_in_the_archive_count_and_what_is_no_table_is_named(tmp_path):
    beside = b"Name: Hilltop\nTimezone: +03:00\n"
    other = TABLE.replace(b",-2.5", b",-1.5")
    path = zipped(tmp_path / "all.zip", {"a/hill.csv": TABLE, "a/hill.metadata.txt": beside, "b/hill.csv": other,
                                         "README.txt": b"Two boreholes.\n"})
    one, two = talik.read(path)
    assert (one.site, one.source.time_zone, two.site, two.source.time_zone) == ("Hilltop", "UTC+03:00", "hill", "UTC")
    assert {one.values[0, 1], two.values[0, 1]} == {-2.5, -1.5}
    assert "packed: not read as tables: a/hill.metadata.txt" in one.source.understood[-1]
    assert "README.txt" in one.source.understood[-1]


def test_equal_bytes_in_an_archive_are_one_series(tmp_path):
    [record] = talik.read(zipped(tmp_path / "a.zip", {"a.csv": TABLE, "copy of a.csv": TABLE}))
    assert record.site == "a"
    assert "copy of a.csv (the same bytes as a.csv)" in record.source.understood[-1]


def test_options_and_formats_reach_what_is_packed(tmp_path):
    rows = "".join(f"0{d}/02/2020,-5.5\n" for d in range(1, 3))
    path = zipped(tmp_path / "a.zip", {"a.csv": "date,T_5cm\n" + rows, "notes.txt": "x\n"})
    with pytest.raises(AmbiguousFile, match=r"^a.zip: a.csv: the order of the dates"):
        talik.read(path)
    [record] = talik.read(path, date_order="DMY", format="generic")
    assert str(record.times[1])[:10] == "2020-02-02"


def test_a_workbook_in_an_archive_is_none(tmp_path):
    book = contents({"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<workbook/>"})
    with pytest.raises(FileError, match=r"^a.zip: site.xlsx: the workbook cannot be opened"):
        talik.read(zipped(tmp_path / "a.zip", {"site.xlsx": book}, zipfile.ZIP_STORED))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"in.zip": contents({"a.csv": TABLE})}, r"a.zip: 'in.zip' in it is packed itself \(zip\): unpack a.zip"),
        ({"a.csv.gz": gzip.compress(TABLE)}, r"'a.csv.gz' in it is packed itself \(gzip\)"),
        ({"a.csv": TABLE, "b.csv": b"Date/Depth,1\n2020-01-01 00:00,x\n"}, r"^a.zip: b.csv, line 2"),
        ({"d/b.csv": b"Date/Depth,1\n2020-01-01 00:00,x\n"}, r"^a.zip: d/b.csv: b.csv, line 2"),
        ({"a.csv": b"0" * 3_000_000}, r"a.zip: 'a.csv' unpacks to more than 200 times its size"),
        ({"a/x:y.csv": TABLE, "a/x?y.csv": TABLE}, r"holds two files that are called 'a/x\?y.csv'"),
        ({"a.csv": b"", "b/": b""}, "nothing is packed in it"),
        ({}, "nothing is packed in it"),
    ],
)
def test_what_is_not_read_out_of_an_archive(tmp_path, members, words):
    with pytest.raises(FileError, match=words):
        talik.read(zipped(tmp_path / "a.zip", members))


def test_an_archive_without_data_is_told_with_the_reasons(tmp_path):
    path = zipped(tmp_path / "a.zip", {"readme.txt": b"nothing\n", "b.csv": b"a,b\n1,2\n3,4\n"})
    with pytest.raises(UnknownFormat, match=r"^a.zip: no reader claims what is packed in it: readme.txt .*; b.csv \("):
        talik.read(path)


def test_the_limits_hold_while_unpacking(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "LIMITS", Limits(members=2, size=1 << 20))
    noise = bytes(np.random.default_rng(1).integers(0, 256, 700_000, np.uint8))
    with pytest.raises(FileError, match="'b' unpacks to more than 1 MB"):
        talik.read(zipped(tmp_path / "a.zip", {"a": noise, "b": noise}))
    with pytest.raises(FileError, match="holds 3 files, at most 2 are read"):
        talik.read(zipped(tmp_path / "b.zip", dict.fromkeys("abc", b"x")))
    for name, pack in (("a.gz", gzip), ("a.bz2", bz2), ("a.xz", lzma)):
        (tmp_path / name).write_bytes(pack.compress(bytes(5_000_000)))
        with pytest.raises(FileError, match="unpacks to more than"):
            talik.read(tmp_path / name)


def test_an_archive_that_lies_about_sizes_or_is_locked_is_refused(tmp_path):
    content = bytearray(contents({"a.csv": TABLE}))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        struct.pack_into("<H", content, content.index(mark) + at, 1)
    (tmp_path / "locked.zip").write_bytes(content)
    with pytest.raises(FileError, match=r"locked.zip: 'a.csv' in it is encrypted: unpack it with its password"):
        talik.read(tmp_path / "locked.zip")
    content = bytearray(contents({"a.csv": TABLE}))
    struct.pack_into("<I", content, content.index(b"PK\1\2") + 24, 10)
    (tmp_path / "liar.zip").write_bytes(content)
    with pytest.raises(FileError, match="liar.zip"):
        talik.read(tmp_path / "liar.zip")


@pytest.mark.parametrize(("name", "content"), [("a.csv.gz", gzip.compress(TABLE)), ("a.csv.bz2", bz2.compress(TABLE)),
                                               ("a.csv.xz", lzma.compress(TABLE)), ("a.zip", contents({"a": TABLE}))])
def test_no_damaged_packing_gives_wrong_values(tmp_path, plain, name, content):
    path = tmp_path / name
    for at in range(10, len(content), len(content) // 12):
        flipped = bytearray(content)
        flipped[at] ^= 0x10
        for damaged in (bytes(flipped), content[:at]):
            path.write_bytes(damaged)
            with suppress(FileError):
                [record] = talik.read(path)
                np.testing.assert_array_equal(record.values, plain.values)


def test_names_in_the_archives_code_page_are_understood(tmp_path):
    content = contents({"????????.csv": TABLE}).replace(b"????????", "Якутск00".encode("cp1251"))
    (tmp_path / "a.zip").write_bytes(content)
    [record] = talik.read(tmp_path / "a.zip")
    assert record.site == "Якутск00"


# --- equal bytes under two names


def daily():
    days = np.arange("2019-01-01", "2020-01-01", dtype="M8[D]")
    return "time,T_2cm,T_1m\n" + "".join(f"{day},{k % 7 - 3.5},-2.5\n" for k, day in enumerate(days))


@pytest.mark.parametrize("command", ["check", "offsets"])
def test_commands_read_equal_files_once_and_say_so(tmp_path, command):
    for name in ("a.csv", "copy.csv"):
        (tmp_path / name).write_text(daily())
    done = CliRunner().invoke(group, [command, str(tmp_path / "a.csv"), str(tmp_path / "copy.csv")])
    assert done.exit_code == 0, done.output
    assert "copy.csv has the same bytes as" in done.stderr
    assert "copy" not in done.stdout


def test_a_study_takes_an_equal_file_for_the_station_of_the_first(tmp_path):
    for name in ("a.csv", "b.csv", "other/a.csv", "other/c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(daily())
    (tmp_path / "d.csv").write_text(daily().replace("-2.5", "-1.5"))
    stations = dropped("*", tmp_path)
    assert stations == [("a", ["a.csv", "b.csv"]), ("d", ["d.csv"]), ("other", ["other/a.csv", "other/c.csv"])]
    for site, files in (stations[0], stations[2]):
        station = Station(site, [Files(path) for path in files], stated=False)
        outcome, _ = station_outcome(station, Reading(tmp_path, [station]))
        assert outcome.row
        [refusal] = outcome.refusals
        assert (refusal["file"], refusal["stage"]) == (files[1], "read")
        assert f"has the same bytes as {files[0]}, which is read: not read again" in refusal["reason"]
