"""
The store beside tsp: reading and averaging, memory, two processes, and a query over many values.

Run: python benchmarks/store.py [--tsp PYTHON] [--files N]. CPU seconds; compare the ratios, not the seconds.
Fifty files of ten years hourly x 16 depths are 7e7 values.
`--tsp` is the interpreter of an environment of its own that has tsp (GPL) from PyPI; it is run as a separate process.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

TSP = """
import contextlib, io, json, sys, time, warnings
warnings.simplefilter("ignore")
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    from tsp.readers import read_gtnp
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        t = read_gtnp(sys.argv[1])
        t.daily()
        t.yearly()
        best = min(best, time.process_time() - start)
print(json.dumps(best))
"""
LONG = """SELECT series_id, position, year(time_utc) AS year, avg(accepted) AS mean, count(accepted) AS n
          FROM observations GROUP BY ALL"""
DAYS = """SELECT series_id, position, year(day) AS year, avg(mean) AS mean, count(mean) AS n FROM day_means
          WHERE n >= 0.8 * expected GROUP BY ALL"""


def table_file(path: Path, seed: int, years: int = 10) -> None:
    """Hourly x 16 depths as a GTN-P table."""
    rng = np.random.default_rng(seed)
    times = np.arange("2010-01-01", f"{2010 + years}-01-01", dtype="M8[h]")
    depths = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.6, 2, 2.5, 3, 3.5, 4, 5, 7.0])
    day = np.arange(times.size)[:, None] / 24
    values = -5 + 14 * np.exp(-depths / 2.5) * np.cos(2 * np.pi * (day - 200) / 365.25 - depths / 2.5)
    values = np.round(values + rng.normal(0, 0.3, values.shape), 3)
    import polars as pl

    columns = {"Date/Depth": pl.Series(times.astype("M8[ms]")).dt.strftime("%Y-%m-%d %H:%M:%S")}
    pl.DataFrame(columns | {f"{d:g}": values[:, k] for k, d in enumerate(depths)}).write_csv(path)


WATCHED = """
import resource, sys
from talik.store.ingest import ingest

peaks = []

def watch(done, of, outcome):
    if done in {of // 4, of // 2, 3 * of // 4, of}:
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)

if __name__ == "__main__":
    assert ingest([sys.argv[1]], sys.argv[2], jobs=int(sys.argv[3]), watch=watch).count("refused") == 0
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    workers = used[1].ru_maxrss // 1024
    print(f"{sum(u.ru_utime + u.ru_stime for u in used):.1f} CPU-s, peak MB after each quarter of the files {peaks}"
          + (f", largest worker {workers}" if int(sys.argv[3]) > 1 else ""))
"""


def taken_in(folder: Path, files: int) -> None:
    """Time and memory of taking in many files with one process and with two (wall time: a quiet machine is needed)."""
    archive = folder / "archive"
    archive.mkdir()
    table_file(archive / "f0.csv", 0)
    content = (archive / "f0.csv").read_bytes()
    for k in range(1, files):
        (archive / f"f{k}.csv").write_bytes(content)
    for jobs in (1, 2):
        start = time.monotonic()
        run = subprocess.run([sys.executable, "-c", WATCHED, archive, folder / f"store{jobs}", str(jobs)],
                             capture_output=True, text=True, check=True)
        print(f"{files} files, {jobs} process(es): {time.monotonic() - start:.1f} s wall, {run.stdout.strip()}")


def averaged(folder: Path, python: str | None) -> None:
    """Annual means of every site: from the kept days, from the samples, in SQL, and by tsp from one file."""
    from talik.series.annual import annual_means
    from talik.store.catalogue import reading
    from talik.store.query import query

    seconds = {}
    with reading(folder / "store1") as catalogue:
        for name, series in (("days", catalogue.days), ("samples", catalogue.records)):
            start = time.process_time()
            sites = [annual_means(one).mean.size for one in series()]
            seconds[name] = (time.process_time() - start) / len(sites)
            print(f"annual_means of {name}: {seconds[name] * len(sites):.2f} CPU-s, {seconds[name]:.3f} a site")
    for name, sql_text in (("observations, accepted", LONG), ("day_means", DAYS)):
        start = time.process_time()
        answer = query(folder / "store1", sql_text, threads=1)
        sql = (time.process_time() - start) / len(sites)
        print(f"SQL on {name} ({answer.height} rows): {sql * len(sites):.2f} CPU-s, {sql:.3f} a site")
    if python:
        run = subprocess.run([python, "-c", TSP, folder / "archive" / "f0.csv"], capture_output=True, text=True,
                             check=True)
        tsp = json.loads(run.stdout.splitlines()[-1])
        print(f"tsp (file, days, years): {tsp:.3f} CPU-s a site = {tsp / seconds['days']:.1f} x days, "
              f"{tsp / seconds['samples']:.1f} x samples, {tsp / sql:.1f} x SQL on day_means")


def main() -> None:
    """Print the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tsp", default=None)
    parser.add_argument("--files", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        taken_in(Path(name), asked.files)
        averaged(Path(name), asked.tsp)


if __name__ == "__main__":
    main()
