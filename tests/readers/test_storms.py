"""Damaged files of these formats end in a record or in one plain error, never in anything else."""

from pathlib import Path

import numpy as np
import pytest

from talik.errors import TalikError
from talik.readers.registry import looked_at, read, readers

SAMPLES = Path(__file__).parents[1] / "data" / "readers"
NAMES = (
    "calm.xlsx", "calm_grid.csv", "data_90000001_0.csv", "data_90000002_0.csv", "geoprecision_fg2.csv",
    "geoprecision_gp5w.csv", "minilog.000", "minilog.csv", "nrcs_report.csv", "nrcs_site.csv", "rbr.rsk", "rbr.xlsx",
    "rbr_xl800.dat", "rbr_xl800.hex", "rbr_xr420.dat", "rbr_xr420.hex", "rst.csv", "toa5.dat", "ulogc_raw.csv",
    "ulogc_temp.csv", "wr000001a2.zip", "wr000001a3.zip",
)


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
@pytest.mark.parametrize("name", NAMES)
def test_a_storm_of_damage(tmp_path, name):
    rng = np.random.default_rng(list(name.encode()))
    content = (SAMPLES / name).read_bytes()
    head = looked_at(SAMPLES / name)
    format = next((reader.name for reader in readers().values() if reader.claims(head)), "vemco")
    path = tmp_path / name
    for _ in range(150):
        path.write_bytes(damaged(content, rng))
        try:
            records = read(path, format=format)
        except TalikError as error:
            message = str(error)
        else:
            message = "read" if records else ""
        assert message
        assert "\n" not in message


@pytest.mark.parametrize("name", NAMES)
def test_noise_under_the_name_of_a_format(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(np.random.default_rng(1).bytes(3000))
    with pytest.raises(TalikError):
        read(path)


@pytest.mark.parametrize("name", [
    "data_90000001_0.csv", "geoprecision_gp5w.csv", "minilog.000", "minilog.csv", "rbr_xl800.dat", "rbr_xr420.dat",
    "toa5.dat", "ulogc_temp.csv",
])
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_file_cut_inside_its_last_number_is_refused(tmp_path, name, cut):
    """The row is whole by its count of fields, its last number is not: only the line end that lacks can tell."""
    content = (SAMPLES / name).read_bytes().rstrip(b"\r\n ")
    path = tmp_path / name
    path.write_bytes(content[:-cut])
    with pytest.raises(TalikError):
        read(path)
