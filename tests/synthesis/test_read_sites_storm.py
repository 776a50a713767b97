"""Damaged tables of sites end in a table or in one of talik's errors, never in a traceback of another kind."""

import warnings

import numpy as np
import polars as pl
import pytest

import talik
from talik.errors import TalikError
from talik.synthesis.table import read_sites

PIECES = [b"", b",", b";", b"\t", b'"', b"\n", b"\r\n", b"-999", b"\x00", b"\xff", b"\xd0\x9c", b"=1+1", b"1e400",
          b"inf", b"1,5", b"\xef\xbb\xbf", b"site", b"maat", b"MAAT (K)", b"NaN", b"2020-01-02", b" ", b"'", b"|",
          b"\xb1\xb1"]


def damaged(content, draws):
    """The bytes with one to three places cut, replaced, repeated or swapped."""
    data = bytearray(content)
    for _ in range(draws.integers(1, 4)):
        at = int(draws.integers(0, max(1, len(data))))
        cut = at + int(draws.choice([0, 1, 1, 3, 20]))
        kind = draws.integers(0, 4)
        piece = PIECES[int(draws.integers(len(PIECES)))] if kind else bytes(draws.integers(0, 256, 4, dtype=np.uint8))
        data[at:cut] = data[at:cut] * 2 if kind == 3 else piece
    return bytes(data)


def contents(tmp_path):
    few = talik.sites("three-poles").select("site", "region", "subregion", "latitude", "longitude", "maat", "magst",
                                            "ttop", "alt", "flags", "vegetation").head(12)
    few.write_parquet(tmp_path / "a.parquet")
    few.to_pandas().to_excel(tmp_path / "a.xlsx", index=False)
    text = few.write_csv()
    return [text.encode(), text.replace(",", ";").replace(".", ",").encode(), text.encode("utf-16"),
            text.replace("Barrow", "Якутск").encode("cp1251"), few.write_csv(separator="\t").encode(),
            (tmp_path / "a.parquet").read_bytes(), (tmp_path / "a.xlsx").read_bytes()]


@pytest.mark.slow
def test_a_thousand_damaged_files(tmp_path):
    draws = np.random.default_rng(2)
    path = tmp_path / "sites.csv"
    ends = {"table": 0, "error": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        originals = contents(tmp_path)
        for k in range(1400):
            path.write_bytes(damaged(originals[k % len(originals)], draws))
            try:
                read = read_sites(path)
            except TalikError:
                ends["error"] += 1
            else:
                assert read.height > 0
                assert read.select(pl.col("maat").is_nan().any()).item() in (False, None)
                ends["table"] += 1
    assert min(ends.values()) > 100
