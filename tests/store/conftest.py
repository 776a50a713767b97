"""Invented logger files, and a store made of them."""

import numpy as np
import pytest

from talik.store.ingest import ingest


def table_file(path, seed=0, *, days=40, depths=(0.1, 0.5, 1.0), step=1):
    """A GTN-P table: hourly, with some values missing; returns its path."""
    rng = np.random.default_rng(seed)
    start = np.datetime64("2019-09-01T00", "h")
    times = np.arange(start, start + np.timedelta64(24 * days, "h"), np.timedelta64(step, "h"))
    values = np.round(-5 + rng.normal(0, 3, (times.size, len(depths))), 3)
    values[rng.random(values.shape) < 0.02] = -999
    rows = [f"{str(t).replace('T', ' ')}:00:00," + ",".join(f"{x:g}" for x in row)
            for t, row in zip(times, values, strict=True)]
    path.write_text("\n".join([f"Date/Depth,{','.join(map(str, depths))}", *rows]) + "\n")
    return path


def files(folder):
    """A folder of four readable files, one of junk, and one that is cut."""
    (folder / "north").mkdir(parents=True)
    for k in range(3):
        table_file(folder / f"site{k}.csv", k)
    table_file(folder / "north" / "deep.csv", 9, depths=(0.5, 1, 2, 4, 8))
    (folder / "junk.csv").write_bytes(bytes(range(256)) * 40)
    (folder / "empty.csv").write_bytes(b"")
    return folder


@pytest.fixture
def archive(tmp_path):
    """Such a folder, to change."""
    return files(tmp_path / "archive")


@pytest.fixture
def store(archive, tmp_path):
    """A store of it, to change."""
    ingest([archive], tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture(scope="session")
def asked(tmp_path_factory):
    """A store to ask only."""
    folder = tmp_path_factory.mktemp("asked")
    ingest([files(folder / "archive")], folder / "store")
    return folder / "store"
