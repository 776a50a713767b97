"""Workbooks: opened under limits; bombs are refused in little time and memory."""

import resource
import subprocess
import sys
import time
import zipfile

import pytest
from openpyxl import Workbook

from talik.errors import FileError
from talik.readers.spreadsheet import is_workbook, sheets

SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


@pytest.fixture
def plain(tmp_path):
    book = Workbook()
    book.active.append(["a", 1.5, None, True])
    path = tmp_path / "plain.xlsx"
    book.save(path)
    return path


def with_sheet(plain, path, text):
    """The workbook with another text as its sheet."""
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, text if info.filename == "xl/worksheets/sheet1.xml" else content)
    return path


def test_cells_are_texts_numbers_or_none(plain):
    assert sheets(plain) == {"Sheet": [["a", 1.5, None, "True"]]}
    assert is_workbook(plain.read_bytes()[:65536])
    assert sheets(plain, ["other"]) == {}


def test_a_zip_bomb_is_refused(plain, tmp_path):
    path = with_sheet(plain, tmp_path / "bomb.xlsx", SHEET.format("<row/>" + " " * 100_000_000))
    start = time.process_time()
    with pytest.raises(FileError, match="refused as a zip bomb"):
        sheets(path)
    assert time.process_time() - start < 2


def test_a_cell_far_out_is_refused_within_256_mb(plain, tmp_path):
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    path = with_sheet(plain, tmp_path / "wide.xlsx", SHEET.format(rows))
    code = (
        f"from pathlib import Path; from talik.readers.spreadsheet import sheets; from talik.errors import FileError\n"
        f"try: sheets(Path({str(path)!r}))\nexcept FileError as e: print(e)"
    )
    limit = 1 << 30  # address space, of which the interpreter's libraries take most
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": "src", "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert "spans 1048576 rows x 16384 columns for" in done.stdout, done.stderr


def test_entities_are_not_expanded(plain, tmp_path):
    text = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + SHEET.format(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>&e;</t></is></c></row>'
    )
    path = with_sheet(plain, tmp_path / "xxe.xlsx", text)
    try:
        found = sheets(path)
    except FileError:
        return
    assert "root" not in str(found)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"PK\x03\x04 nothing", "is no whole workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 nothing", "cannot be opened"),
    ],
)
def test_damaged_workbooks_are_refused(tmp_path, content, words):
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(FileError, match=words):
        sheets(path)


def test_a_cut_workbook_is_refused(plain, tmp_path):
    content = plain.read_bytes()
    for share in (0.2, 0.5, 0.9, 0.99):
        path = tmp_path / "cut.xlsx"
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(FileError, match=r"cut.xlsx"):
            sheets(path)
