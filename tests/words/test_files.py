"""Files are whole or absent, whatever happens on the way."""

import os
import re
import stat

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talik.errors import FileError
from talik.files import read_parquet, replacing, sha256, without_formulas, write_csv, write_parquet, write_text


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    target = write_text(tmp_path / "a.txt", "old")

    def fail_half_way():
        with replacing(target) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_that_is_a_file_is_a_plain_error(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(FileError, match="f/a.txt: cannot be written: .*choose another folder"):
        write_text(tmp_path / "f" / "a.txt", "x")


def test_files_get_ordinary_permissions(tmp_path):
    mode = stat.S_IMODE(write_text(tmp_path / "a.txt", "x").stat().st_mode)
    assert mode & 0o600 == 0o600
    assert not mode & 0o111


def test_a_flipped_byte_in_a_parquet_page_is_noticed(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", pl.DataFrame({"v": [float(k) for k in range(5000)]}))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3] ^= 1
    path.write_bytes(raw)
    with pytest.raises(FileError, match=r"a.parquet: damaged or not a Parquet file .*CRC"):
        read_parquet(path)


def test_parquet_comes_back_as_it_was(tmp_path):
    frame = pl.DataFrame({"site": ["a", None], "v": [0.1, None], "n": [1, 2]})
    assert read_parquet(write_parquet(tmp_path / "a.parquet", frame)).equals(frame)


def test_the_same_frame_gives_the_same_bytes(tmp_path):
    frame = pl.DataFrame({"site": ["a", "b"], "v": [0.1, None]})
    for write, name in ((write_csv, "a.csv"), (write_parquet, "a.parquet")):
        one, two = write(tmp_path / f"1{name}", frame), write(tmp_path / f"2{name}", frame)
        assert sha256(one) == sha256(two)


@given(st.text(max_size=20), st.floats(allow_nan=False, allow_infinity=False))
def test_no_text_cell_begins_a_formula_and_numbers_are_untouched(text, number):
    out = without_formulas(pl.DataFrame({"t": [text], "n": [number]}))
    assert out["n"][0] == number
    is_number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII)
    assert is_number or not out["t"][0].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert out["t"][0].removeprefix("'") == text.removeprefix("'") or out["t"][0] == text
