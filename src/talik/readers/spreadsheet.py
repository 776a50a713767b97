"""Workbooks (.xlsx, .xlsm, .xls): opened only when they are not bombs; cells as text, stamps in ISO."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from talik.errors import FileError

MOST_BYTES = 512 << 20
"""Unpacked, all sheets together."""

MOST_RATIO = 250
"""Unpacked bytes for each packed byte, beyond the first megabyte."""

MOST_CELLS = 40_000_000
"""Cells of the rectangle that a sheet spans: one cell far out makes a rectangle of billions."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST_TEXT = 1 << 30
"""Bytes that texts longer than a spreadsheet allows may take together: one may stand in a million cells."""

_ROW = re.compile(rb'<row\b[^>]{0,200}?\br="(\d+)"')
_COLUMN = re.compile(rb'\br="([A-Z]{1,3})\d+"')

Cell = str | float | None
Rows = list[list[Cell]]


def is_workbook(content: bytes) -> bool:
    """True when a file that begins so is a workbook of one of the kinds read here."""
    return content.startswith(_OLE) or (
        (content.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in content[:4096])
        or (content.startswith(b"PK\x03\x04") and b"xl/" in content)
    )


def sheets(path: Path, wanted: Sequence[str] | None = None) -> dict[str, Rows]:
    """
    The sheets of a workbook by name: rows of cells from A1 on, each a text, a number or None.

    Stamps become ISO text (``2020-01-31 14:00:00``), times of day ``14:00:00``; a time that is less than 5 ms beside
    a whole second, as spreadsheets' day fractions often are, becomes that second.

    Parameters
    ----------
    path : Path
        The workbook.
    wanted : sequence of str, optional
        Only these sheets.

    Raises
    ------
    FileError
        If the workbook is damaged, protected by a password, or would grow beyond the limits when it is opened.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    _harmless(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        names = [name for name in book.sheet_names if wanted is None or name in wanted]
        return {
            name: [
                [_cell(cell) for cell in row] for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            ]
            for name in names
        }
    except (CalamineError, OSError, ValueError) as error:
        raise FileError(f"{path.name}: the workbook cannot be opened ({error}). Is it damaged or protected?") from None


def _cell(value: Any) -> Cell:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, dt.datetime):
        return _whole(value).isoformat(" ")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return str(value)
    return str(value).strip() or None


def _whole(stamp: dt.datetime) -> dt.datetime:
    nearest = (stamp + dt.timedelta(milliseconds=500)).replace(microsecond=0)
    return nearest if abs(nearest - stamp) < dt.timedelta(milliseconds=5) else stamp


def _harmless(path: Path) -> None:
    with path.open("rb") as stream:
        if stream.read(8).startswith(_OLE):
            if path.stat().st_size > MOST_BYTES:
                raise FileError(f"{path.name}: more than {MOST_BYTES >> 20} MB; export its sheets as text")
            return
    try:
        with zipfile.ZipFile(path) as archive:
            room = MOST_BYTES
            for info in archive.infolist():
                room -= _measured(archive, info, room, path.name)
            _repeated(archive, path.name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise FileError(f"{path.name}: is no whole workbook ({error})") from None


def _measured(archive: zipfile.ZipFile, info: zipfile.ZipInfo, room: int, file: str) -> int:
    """Bytes of one member, unpacked but not kept; refused as soon as it goes beyond a limit."""
    most = min(room, (1 << 20) + MOST_RATIO * info.compress_size)
    size, cells, rows, width, tail = 0, 0, 0, 0, b""
    sheet = info.filename.startswith("xl/worksheets/") and info.filename.endswith(".xml")
    with archive.open(info) as stream:
        while piece := stream.read(1 << 20):
            size += len(piece)
            if max(size, info.file_size) > most:  # the archive's own word first, then what really comes out
                raise FileError(
                    f"{file}: {info.filename!r} unpacks to more than {most >> 20} MB from "
                    f"{info.compress_size} bytes: refused as a zip bomb"
                )
            if sheet:
                text = tail + piece
                rows = max([rows, *map(int, _ROW.findall(text))])
                width = max([width, *map(_number_of, set(_COLUMN.findall(text)))])
                cells, tail = cells + piece.count(b"<c"), piece[-256:]
    if rows * width > max(MOST_CELLS, 50 * cells):
        raise FileError(f"{file}: {info.filename!r} spans {rows} rows x {width} columns for {cells} cells: refused")
    return size


def _repeated(archive: zipfile.ZipFile, file: str) -> None:
    """Refuse a long text that stands in very many cells: packed it is small, every cell holds it anew."""
    shared = next((name for name in archive.namelist() if name.lower() == "xl/sharedstrings.xml"), None)
    if shared is None:
        return
    longest, length = 0, 0
    with archive.open(shared) as stream:
        while piece := stream.read(1 << 20):
            first, *rest = piece.split(b"</t>")
            length += len(first)
            longest = max(longest, length, *map(len, rest)) if rest else max(longest, length)
            length = len(rest[-1]) if rest else length
    for info in archive.infolist():
        if info.filename.startswith("xl/worksheets/"):
            with archive.open(info) as stream:
                count = sum(piece.count(b't="s"') for piece in iter(lambda: stream.read(1 << 20), b""))
            if longest > 32767 * 4 and count * longest > MOST_TEXT:
                raise FileError(
                    f"{file}: {info.filename!r} repeats a text of {longest} bytes in {count} cells: refused as a bomb"
                )


def _number_of(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
