"""Flipped bytes, kills, full disks, dying workers: never a wrong value, never a lost one, one clear line."""

import os
import random
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from talik.errors import TalikError
from talik.store.catalogue import CATALOGUE, reading
from talik.store.ingest import ingest
from talik.store.query import query
from talik.store.verify import verify_store

KILLS, FLIPS = 100, 500
MEANS = """SELECT site, position, avg(accepted) AS mean, count(accepted) AS n
           FROM observations JOIN series USING (series_id) GROUP BY ALL ORDER BY ALL"""


def facts(store):
    """Everything one reads from a store: records, and an answer in SQL."""
    with reading(store) as catalogue:
        records = [(r.site, r.times.tobytes(), r.depths.tobytes(), r.values.tobytes(), r.flags.tobytes())
                   for r in catalogue.records()]
    return records, query(store, MEANS, threads=1).rows()


def storm(store, flips, seed):
    """Flip single bits, one at a time; returns how often `verify` saw nothing and how often a wrong value came out."""
    dice, right = random.Random(seed), facts(store)
    names = [*sorted(store.rglob("*.parquet")), store / "seal.json", *[store / CATALOGUE] * 4]
    unseen, wrong = [], []
    for turn in range(flips):
        path = dice.choice(names)
        place, bit = dice.randrange(path.stat().st_size), 1 << dice.randrange(8)
        flip(path, place, bit)
        if not found(store):
            unseen.append((path.name, place, bit))
        try:
            if turn % 4 == 0 and facts(store) != right:
                wrong.append((path.name, place, bit))
        except TalikError:
            pass                                    # said, not silent
        flip(path, place, bit)
    assert verify_store(store) == []
    return unseen, wrong


def flip(path, place, bit):
    with path.open("r+b") as stream:
        stream.seek(place)
        byte = stream.read(1)[0]
        stream.seek(place)
        stream.write(bytes([byte ^ bit]))


def found(store):
    try:
        return verify_store(store)
    except TalikError as error:
        return [str(error)]


def test_flipped_bytes_are_found_and_never_read(store):
    assert storm(store, 24, 1) == ([], [])


@pytest.mark.slow
def test_five_hundred_flips(store):
    assert storm(store, FLIPS, 2) == ([], [])


def test_cut_and_missing_files_are_named(store):
    first, second = sorted((store / "series").rglob("*.parquet"))[:2]
    first.unlink()
    second.write_bytes(second.read_bytes()[:-200])
    faults = dict(verify_store(store))
    assert faults[first.relative_to(store).as_posix()].startswith("missing (")
    assert faults[second.relative_to(store).as_posix()].startswith("changed since it was written (")
    assert "--fresh" in faults[first.relative_to(store).as_posix()]
    (store / CATALOGUE).write_bytes(b"no data base" * 1000)
    [(path, fault)] = verify_store(store)
    assert path == CATALOGUE
    assert "talik verify STORE --rebuild" in fault


def test_a_fresh_run_mends_damaged_series(archive, store):
    victim = sorted((store / "series").rglob("*.parquet"))[0]
    flip(victim, 100, 1)
    assert len(verify_store(store)) == 1
    ingest([archive], store, fresh=True)
    assert verify_store(store) == []


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path):
    run = subprocess.run([sys.executable, Path(__file__).with_name("kills.py"), tmp_path / "kills", str(KILLS), "3"],
                         capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stderr
    assert f"{KILLS} kills, nothing lost" in run.stdout


def limited(archive, store, limit):
    """`talik ingest` where no file may grow beyond a limit, as on a full disk."""
    return subprocess.run(
        [sys.executable, "-m", "talik", "ingest", archive, "--store", store], capture_output=True, text=True,
        timeout=300, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))


@pytest.mark.parametrize("limit", [6_000, 300_000])
def test_a_full_disk_before_the_first_commit(archive, tmp_path, limit):
    run = limited(archive, tmp_path / "store", limit)
    said = [line for line in run.stderr.splitlines() if line.startswith("talik:")]
    assert run.returncode not in (0, 1)
    assert len(said) == 1
    assert "cannot be written" in said[0]
    assert "Traceback" not in run.stderr
    assert not [p for p in (tmp_path / "store").rglob("*") if p.is_file() and p.name != "writer.lock"]
    assert ingest([archive], tmp_path / "store").count("taken in") == 4


def test_a_full_disk_in_a_store_that_exists(archive, store):
    before = facts(store)
    rng = np.random.default_rng(0)
    times = np.arange("2010-01-01", "2016-01-01", dtype="M8[h]")
    rows = [f"{str(t).replace('T', ' ')}:00:00,{x!r}" for t, x in zip(times, rng.normal(-5, 1, times.size).tolist(),
                                                                     strict=True)]
    (archive / "large.csv").write_text("\n".join(["Date/Depth,0.5", *rows]) + "\n")
    run = limited(archive, store, 100_000)
    assert run.returncode not in (0, 1)
    assert len([s for s in run.stderr.splitlines() if s.startswith("talik:") and "cannot be written" in s]) == 1
    assert "Traceback" not in run.stderr
    assert facts(store) == before
    assert verify_store(store) == []
    assert ingest([archive], store).count("taken in") == 1
    assert len(facts(store)[0]) == 5


def test_a_process_that_dies_costs_one_file(archive, tmp_path):
    """A reader that ends its process is tried once more by itself, then refused; the others are taken in."""
    code = ("import os, sys\nfrom pathlib import Path\nimport talik.store.workers as workers\n"
            "from deadly import take\nworkers._take_in = take\n"
            "if __name__ == '__main__':\n"
            "    from talik.store.ingest import ingest\n"
            f"    done = ingest([{str(archive)!r}], {str(tmp_path / 'store')!r}, jobs=2)\n"
            "    print(done.count('taken in'), done.count('refused'))\n")
    (tmp_path / "run.py").write_text(code)
    (tmp_path / "deadly.py").write_text(
        "import os\nfrom talik.store.workers import _take_in as right\n"
        "def take(task):\n    return os._exit(9) if task.path.name == 'site1.csv' else right(task)\n")
    run = subprocess.run([sys.executable, tmp_path / "run.py"], capture_output=True, text=True, timeout=300,
                         cwd=tmp_path)
    assert run.stdout.split() == ["3", "3"], run.stderr
    with reading(tmp_path / "store") as catalogue:
        why = dict(catalogue.table("refusals").select("kind", "reason").iter_rows())
    assert why["ProcessDied"].startswith("site1.csv: the process that read it died, twice")


CLUSTER = """
import os, signal, sys
from pathlib import Path

if __name__ == "__main__":
    from distributed import LocalCluster
    from talik.store.ingest import ingest

    archive, store = Path(sys.argv[1]), Path(sys.argv[2])
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        victims = [worker.pid for worker in cluster.workers.values()]

        def watch(done, of, outcome):
            if victims:
                os.kill(victims.pop(), signal.SIGKILL)
                victims.clear()

        done = ingest([archive], store, cluster=cluster.scheduler_address, watch=watch)
        print(done.count("taken in"), done.count("refused"))
"""


@pytest.mark.slow
def test_a_cluster_whose_worker_is_killed(archive, tmp_path):
    pytest.importorskip("distributed")
    for k in range(40):
        (archive / f"more{k}.csv").write_text((archive / f"site{k % 3}.csv").read_text())
    (tmp_path / "run.py").write_text(CLUSTER)
    run = subprocess.run([sys.executable, tmp_path / "run.py", archive, tmp_path / "store"], capture_output=True,
                         text=True, timeout=300, env={**os.environ, "POLARS_MAX_THREADS": "1"})
    assert run.stdout.split() == ["44", "2"], run.stderr
    assert verify_store(tmp_path / "store") == []


def test_a_cluster_that_does_not_answer(archive, tmp_path):
    pytest.importorskip("distributed")
    code = ("from talik.store.ingest import ingest\nfrom talik.errors import RemoteError\n"
            f"try:\n    ingest([{str(archive)!r}], {str(tmp_path / 's')!r}, cluster='tcp://127.0.0.1:9')\n"
            "except RemoteError as error:\n    print(error)\n")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert "--cluster tcp://127.0.0.1:9: no dask scheduler answers there" in run.stdout, run.stderr
