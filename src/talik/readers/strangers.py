"""Files that no reader takes but that can be told: what they look like, and what to make of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from talik.readers.spreadsheet import is_workbook

_UNPACK = "unpack it ({tool}) and read what is in it"
_BEGINNINGS = (
    (b"PK\x03\x04", "is a document of an office program: save its table as .xlsx or .csv"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: " + _UNPACK.format(tool="7-Zip")),
    (b"Rar!\x1a\x07", "is a rar archive: " + _UNPACK.format(tool="7-Zip or unrar")),
    (b"\x28\xb5\x2f\xfd", "is packed with zstd: " + _UNPACK.format(tool="unzstd")),
    (b"SQLite format 3\x00", "is an SQLite data base: RBR's are known by the ending .rsk; of others export the tables"),
    (b"%PDF", "is a PDF; ask for the numbers as a table"),
)
_FIRST_LINES = (
    (
        re.compile(r"\s*(<!doctype html|<html)", re.IGNORECASE),
        "is a web page, perhaps of a login; fetch the file itself",
    ),
    (
        re.compile(r"#(B|\d+)\t.*\t|#\d+\t(Created|Recorder|Date-time)", re.IGNORECASE),
        "looks like a .DAT of Star-Oddi: take out the lines with # and put a line of names above the rows, parted by "
        "tabs, such as No, Time, Temperature (°C)",
    ),
    (
        re.compile(r"\d{5} +\d{8} +(\d{4} +\d{8} +\d{4} +)?(\d\.\d+|-9\.0+|[A-Z]+) +-?\d+\.\d+ +-?\d+\.\d+ "),
        "looks like a USCRN file: put the line of names of NOAA's headers.txt (WBANNO LST_DATE ...) above its rows",
    ),
    (
        re.compile(r"(\S+\s+){3}(-?\d+\.\d+\s+){5}\S+.*|(\d{4}/\d\d/\d\d\s+\d\d:\d\d\s+){2}[^\W\d]\S+\s.*"),
        "looks like a file of the ISMN: read it with the ismn package and write the soil temperature as a csv; the "
        "depth stands in its name",
    ),
)
_TEXT = re.compile(rb"[\t\r\n\x20-\x7e\x80-\xff]{60}")
_CELL = re.compile(r"\d[ \t]*°?[CF]\s*$")


def told(content: bytes, lines: Sequence[str], suffix: str) -> str:
    """
    A sentence on a file that is not read but known, without its name; "" for any other.

    Parameters
    ----------
    content : bytes
        The beginning of a file that no reader for one format claims.
    lines : sequence of str
        Its lines; none when it is binary.
    suffix : str
        The ending of its name in lower case, with its dot.

    Examples
    --------
    >>> told(b"Rar!\\x1a\\7\\1", (), ".rar"), told(b"time,T", ("time,T",), ".csv")
    ('is a rar archive: unpack it (7-Zip or unrar) and read what is in it', '')
    """
    if not lines:
        if is_workbook(content):
            return ""
        if content[257:262] == b"ustar":
            return "is a tar archive: " + _UNPACK.format(tool="tar -xf")
        own = "is a Tinytag's own form: export it as text from Tinytag Explorer" if suffix == ".ttd" else ""
        if not own and _TEXT.match(content) and b"\0" in content:
            own = "holds zero bytes in its text, as after a power failure: take them out, and mind the rows beside them"
        return next((words for beginning, words in _BEGINNINGS if content.startswith(beginning)), own)
    if any("tinytag" in line.lower() for line in lines[:10]) and any(map(_CELL.search, lines[-20:])):
        return "is an export of a Tinytag with the unit in every cell: take it out of them (replace ' °C' by nothing)"
    return next((words for pattern, words in _FIRST_LINES if pattern.match(lines[0])), "")
