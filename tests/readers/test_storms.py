"""Damaged files of every format end in a record or in one plain error; and ten million rows in less than 1 GB."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from talik.errors import TalikError
from talik.readers.registry import looked_at, read, readers

SAMPLES = Path(__file__).parents[1] / "data" / "readers"
LOGGERS = (
    "calm.xlsx", "calm_grid.csv", "data_90000001_0.csv", "data_90000002_0.csv", "el_usb.txt", "em50.csv",
    "geoprecision_fg2.csv", "geoprecision_gp5w.csv", "ibutton.csv", "minilog.000", "minilog.csv", "nrcs_report.csv",
    "nrcs_site.csv", "rbr.rsk", "rbr.xlsx", "rbr_rtext.txt", "rbr_xl800.dat", "rbr_xl800.hex", "rbr_xr420.dat",
    "rbr_xr420.hex", "rst.csv", "toa5.dat", "ulogc_raw.csv", "ulogc_temp.csv", "wr000001a2.zip", "wr000001a3.zip",
)
TABLES = ("hobo_german.csv", "gtnp_table.csv", "gtnp_export.csv", "ntgs_report.csv", "ntgs_export.txt", "permos.csv")


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """A byte flipped, a piece cut out, doubled or replaced by noise, or the end cut off."""
    kind, at, size = rng.integers(5), int(rng.integers(len(content))), int(rng.integers(1, 40))
    if kind == 0:
        return content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1:]
    if kind == 1:
        return content[:at] + content[at + size:]
    if kind == 2:
        return content[:at + size] + content[at:]
    if kind == 3:
        return content[:at] + rng.bytes(size) + content[at + size:]
    return content[:at]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LOGGERS, *TABLES])
def test_a_storm_of_damage(tmp_path, name):
    """Loggers' files are read by their reader, tables by whichever claims them."""
    rng = np.random.default_rng(list(name.encode()))
    content, head = (SAMPLES / name).read_bytes(), looked_at(SAMPLES / name)
    own = next((reader.name for reader in readers().values() if reader.claims(head)), "vemco")
    path = tmp_path / name
    for _ in range(150):
        path.write_bytes(damaged(content, rng))
        try:
            message = "".join(map(str, read(path, format=None if name in TABLES else own)))
        except TalikError as error:
            message = str(error)
        assert message
        assert "\n" not in message


@pytest.mark.parametrize("name", LOGGERS)
def test_noise_under_the_name_of_a_format(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(np.random.default_rng(1).bytes(3000))
    with pytest.raises(TalikError):
        read(path)


@pytest.mark.parametrize("name", [
    "data_90000001_0.csv", "el_usb.txt", "geoprecision_gp5w.csv", "ibutton.csv", "minilog.000", "minilog.csv",
    "rbr_rtext.txt", "rbr_xl800.dat", "rbr_xr420.dat", "toa5.dat", "ulogc_temp.csv",
])
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_file_cut_inside_its_last_number_is_refused(tmp_path, name, cut):
    """The row is whole by its count of fields, its last number is not: only the line end that lacks can tell."""
    content = (SAMPLES / name).read_bytes().rstrip(b"\r\n ")
    path = tmp_path / name
    path.write_bytes(content[:-cut])
    with pytest.raises(TalikError):
        read(path)


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
