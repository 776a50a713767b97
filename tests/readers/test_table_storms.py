"""Damaged tables end in a record or in one plain error; and ten million rows in less than 1 GB."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import talik
from talik.errors import TalikError

SAMPLES = Path(__file__).parents[1] / "data" / "readers"
NAMES = ("hobo_german.csv", "gtnp_table.csv", "gtnp_export.csv", "ntgs_report.csv", "ntgs_export.txt", "permos.csv")


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    kind, at, size = rng.integers(5), int(rng.integers(len(content))), int(rng.integers(1, 40))
    if kind == 0:
        return content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :]
    if kind == 1:
        return content[:at] + content[at + size :]
    if kind == 2:
        return content[: at + size] + content[at:]
    if kind == 3:
        return content[:at] + rng.bytes(size) + content[at + size :]
    return content[:at]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_storm_of_damage(tmp_path, name):
    rng = np.random.default_rng(list(name.encode()))
    content = (SAMPLES / name).read_bytes()
    path = tmp_path / name
    for _ in range(150):
        path.write_bytes(damaged(content, rng))
        try:
            said = "".join(map(str, talik.read(path)))
        except TalikError as error:
            said = str(error)
        assert said


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["iso", "us"])
def test_ten_million_rows_in_less_than_a_gigabyte(tmp_path, kind):
    count = 10_000_000
    minutes = pl.Series(np.datetime64("1990-01-01", "us") + np.arange(count) * np.timedelta64(60, "s"))
    name, shape = {"iso": ("Date/Depth", "%Y-%m-%d %H:%M:%S"), "us": ("Date", "%m/%d/%y %I:%M:%S %p")}[kind]
    path = tmp_path / "big.csv"
    pl.DataFrame({name: minutes.dt.strftime(shape), "0.1": (np.arange(count) % 1000) / 100}).write_csv(path)
    code = (
        f"import talik\n[r] = talik.read({str(path)!r})\nassert r.values.size == {count}\n"
        "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_000_000, "kB at the highest"
