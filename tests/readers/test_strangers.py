"""Files that are not read but known: told what they look like, and the way out leads out."""

import datetime as dt
import io
import zipfile

import pytest

import talik
from talik.errors import UnknownFormat

START = dt.datetime(2020, 1, 30)


def document():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<office/>")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bytes(257) + b"ustar\x0000" + bytes(250), "a tar archive: unpack it"),
        (document(), "a document of an office program: save its table"),
        (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(60), "a 7z archive: unpack it"),
        (b"Rar!\x1a\7\1\0" + bytes(60), "a rar archive: unpack it"),
        (b"\x28\xb5\x2f\xfd" + bytes(60), "packed with zstd: unpack it"),
        (b"SQLite format 3\0" + bytes(100), "an SQLite data base"),
        (b"<!DOCTYPE html>\n<html>\n<body>Log in</body>\n", "a web page, perhaps of a login"),
    ],
)
def test_packed_and_strange_files_are_told(tmp_path, content, words):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(UnknownFormat, match=words) as error:
        talik.read(path)
    assert str(error.value).startswith("a.csv: is ")


def stamps(shape, n=30):
    return [(START + dt.timedelta(hours=i)).strftime(shape) for i in range(n)]


STAR_ODDI = [f"{i}\t{stamp}\t-5,125\n" for i, stamp in enumerate(stamps("%d.%m.%Y %H:%M:%S"), 1)]
USCRN = [
    f"27516 {START + dt.timedelta(days=i):%Y%m%d}  3.1 -156.61   71.32   -13.5   -19.1   -16.3    -5.1\n"
    for i in range(30)
]
NAMES = "WBANNO LST_DATE CRX_VN LONGITUDE LATITUDE T_DAILY_MAX T_DAILY_MIN T_DAILY_MEAN SOIL_TEMP_5_DAILY\n"
TINYTAG = [f"{i}\t{stamp}\t-5.12 °C\n" for i, stamp in enumerate(stamps("%d/%m/%Y %H:%M:%S"), 1)]


@pytest.mark.parametrize(
    ("lines", "words", "mended"),
    [
        (
            ["#B\t\t1T1234.MDT\n", "#1\tCreated:\t01.01.2010\n", *STAR_ODDI],
            "Star-Oddi: take out the lines with #",
            ["No\tTime\tTemperature (°C)\n", *STAR_ODDI],
        ),
        (USCRN, "USCRN file: put the line of names", [NAMES, *USCRN]),
        (
            ["Tinytag Explorer\n", "\tDate and Time\tGround temp\n", *TINYTAG],
            "Tinytag with the unit in every cell",
            ["\tDate and Time\tGround temp\n", *(line.replace(" °C", "") for line in TINYTAG)],
        ),
        (
            [
                "SCAN SCAN Atqasuk 70.4 -157.4 22.0 0.0508 0.0508 Hydraprobe\n",
                *(f"{s}   -5.1 G M\n" for s in stamps("%Y/%m/%d %H:%M")),
            ],
            "file of the ISMN",
            None,
        ),
        ([f"{s} {s} SCAN SCAN Atqasuk 70.4 -157.4 -5.1 G M\n" for s in stamps("%Y/%m/%d %H:%M")], "of the ISMN", None),
    ],
    ids=["star-oddi", "uscrn", "tinytag", "ismn", "ismn-ceop"],
)
def test_the_way_out_leads_out(tmp_path, lines, words, mended):
    path = tmp_path / "a.txt"
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(UnknownFormat, match=words):
        talik.read(path)
    if mended:
        path.write_text("".join(mended), encoding="utf-8")
        [record] = talik.read(path)
        assert record.values[0, -1] == pytest.approx(-5.1, abs=0.03)
        assert len(record.times) == 30
