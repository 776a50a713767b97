"""
A writer of the store is killed (SIGKILL) at random moments, over and over; what it acknowledged must be there.

The first half of the runs reads only, the others check, too. Now and then the catalogue is lost, and who makes it anew
is killed as well.

Run by test_store_storms.py: python kills.py FOLDER KILLS SEED. Children are forked from this process, which has loaded
everything and started no thread, so that one kill costs little.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

os.environ["POLARS_MAX_THREADS"] = "1"

import polars  # noqa: F401
import pyarrow.parquet  # noqa: F401

import talik
from talik.files import sha256
from talik.readers.registry import readers
from talik.store.catalogue import CATALOGUE, SEAL, is_store, reading
from talik.store.ingest import ingest
from talik.store.rebuild import rebuild
from talik.store.verify import verify_store

FILES = 8


def content(name, version):
    rows = [f"2020-01-{d:02d} {h:02d}:00:00,{-5 - version % 40 - d / 10:.1f},{-3 - h / 10:.1f}"
            for d in range(1, 29) for h in range(24)]
    return "\n".join(["Date/Depth,0.1,0.5", *rows]) + "\n"


def forked(work):
    """Run `work(write)` in a child; returns its pid and the end of the pipe it writes to."""
    out, into = os.pipe()
    child = os.fork()
    if child:
        os.close(into)
        return child, os.fdopen(out, "rb")
    try:
        os.close(out)
        work(lambda text: os.write(into, text.encode() + b"\n"))
        os._exit(0)
    except Exception as error:  # noqa: BLE001 - the child must end here
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)


def check(store, acknowledged):
    """Everything acknowledged is there (or what was written after it), nothing is damaged, and every series reads."""
    def work(write):
        if not is_store(store):
            assert not acknowledged, "acknowledged files are lost: there is no store"
            return
        assert verify_store(store) == [], verify_store(store)
        with reading(store) as catalogue:
            marks = dict(catalogue.table("files").select("path", "sha256").iter_rows())
            assert all(marks.get(path) in digests for path, digests in acknowledged.items()), "acknowledged are lost"
            first = {record.source.path: record.values[0, 0] for record in catalogue.records()}
            assert set(first) == set(marks)
    done(work)


def done(work):
    """Run `work(write)` in a child to its end."""
    child, pipe = forked(work)
    pipe.read()
    pipe.close()
    assert os.waitpid(child, 0)[1] == 0


def lose_the_catalogue(store, dice):
    """Make it anew, killed once on the way; returns whether the kill struck."""
    for name in (CATALOGUE, f"{CATALOGUE}.wal", SEAL):
        (store / name).unlink(missing_ok=True)
    child, pipe = forked(lambda write: rebuild(store))
    time.sleep(dice.random() * 0.3)
    os.kill(child, signal.SIGKILL)
    pipe.close()
    struck = os.waitpid(child, 0)[1] == signal.SIGKILL
    if not (store / CATALOGUE).exists():
        done(lambda write: rebuild(store))
    return struck


def main(folder, kills, seed):
    dice = random.Random(seed)
    archive, store = folder / "archive", folder / "store"
    archive.mkdir(parents=True)
    readers()
    versions, acknowledged, killed = {}, {}, 0
    for k in range(FILES):
        versions[k] = k
        (archive / f"s{k}.csv").write_text(content(k, k))
    while killed < kills:
        for k in dice.sample(range(FILES), 4):
            versions[k] += 1
            path = archive / f"s{k}.csv"
            path.write_text(content(k, versions[k]))
            acknowledged.get(str(path.resolve()), set()).add(sha256(path))

        def work(write, check=killed > kills // 2):
            ingest([archive], store, check=check,
                   watch=lambda n, of, o: write(f"{o.path} {o.sha256} {o.status.split()[0]}"))

        child, pipe = forked(work)
        told = [pipe.readline()] if dice.random() < 0.3 else []
        time.sleep(dice.random() * 0.3)
        os.kill(child, signal.SIGKILL)
        told += pipe.readlines()
        pipe.close()
        killed += os.waitpid(child, 0)[1] == signal.SIGKILL
        for path, digest, status in (line.decode().rsplit(" ", 2) for line in told):
            if status == "taken":
                acknowledged[path] = {digest}
        check(store, acknowledged)
        if acknowledged and dice.random() < 0.2:
            killed += lose_the_catalogue(store, dice)
            check(store, acknowledged)
    done(work)
    again = ingest([archive], store)
    assert again.count("unchanged") == FILES, str(again)
    assert again.checked
    with reading(store) as catalogue:
        for record in catalogue.records():
            [again] = talik.read(record.source.path)
            assert (again.values == record.values).all()
    assert not list(store.rglob("*.part*"))
    print(f"{killed} kills, nothing lost")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
