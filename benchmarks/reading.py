"""
Reading text tables, side by side with tsp 1.12.1: CPU seconds of one file, and the peak memory of ten million rows.

    python benchmarks/reading.py --peer /path/to/an/environment/with/tsp/bin/python

Both sides run in processes of their own, one after the other, several rounds, with one thread each. "Of many files" is
the smallest CPU time of a file in a process that reads on; "a process with one file" is all CPU time of a process that
starts, imports and reads one. The files are made here: ten years of hours, 16 depths (GTN-P table and 2026 export) or
2 sensors (HOBOware). The GTN-P table goes on to daily means, annual means and the active layer from the highest daily
means; talik's come with gaps, bounds, uncertainties and reasons, tsp's (which has no active layer) without.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

HOURS = 87_672
DEPTHS = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.6, 2, 2.5, 3, 3.5, 4, 5, 7])
OURS = """
import sys, time, talik
path = sys.argv[1]

def done():
    records = talik.read(path)
    if "table" in path:
        talik.active_layer(records[0])
    return records

records = done()
alone, best = time.process_time(), 9e9
for _ in range(18 if "export" not in path else 5):              # long enough for the compiled parser to be loaded
    start = time.process_time(); done(); best = min(best, time.process_time() - start)
print(best, alone, sum(float(abs(r.values[r.values == r.values]).sum()) for r in records))
"""
PEER = """
import contextlib, io, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from tsp.readers import read_gtnp, read_hoboware
path = sys.argv[1]

def done():
    series = (read_hoboware if "hobo" in path else read_gtnp)(path)
    if "table" in path:
        days = series.daily()
        series.yearly()
        highest = days.wide.groupby(days.wide.index.year).max()[list(days.depths)].to_numpy()
        for row in highest[highest[:, 0] > 0]:
            last = int(np.argmax(row <= 0)) - 1
            np.interp(0, -row[last:last + 2], days.depths[last:last + 2].astype(float))
    return series

with contextlib.redirect_stdout(io.StringIO()):
    series = done()
    alone, best = time.process_time(), 9e9
    for _ in range(4):
        start = time.process_time(); done(); best = min(best, time.process_time() - start)
values = np.where(series.values == -999, np.nan, series.values)
print(best, alone, float(np.nansum(abs(values))))
"""
MEMORY = """
import sys, talik
[record] = talik.read(sys.argv[1])
assert record.values.size in (20_000_000, 10_000_000)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def tables(folder: Path) -> dict[str, Path]:
    rng = np.random.default_rng(1)
    times = pl.Series(np.datetime64("2010-01-01", "us") + np.arange(HOURS) * np.timedelta64(3600, "s"))
    year = 2 * np.pi * np.arange(HOURS) / 8766
    values = (-5 + 10 * np.cos(year)[:, None] * np.exp(-DEPTHS / 2) + rng.normal(0, 0.05, (HOURS, 16))).round(3)
    values[rng.random(values.shape) < 0.01] = -999
    iso = times.dt.strftime("%Y-%m-%d %H:%M:%S")
    paths = {name: folder / f"{name}.csv" for name in ("gtnp_table", "gtnp_export", "hobo")}
    pl.DataFrame({"Date/Depth": iso} | {f"{d:g}": values[:, n] for n, d in enumerate(DEPTHS)}).write_csv(
        paths["gtnp_table"]
    )
    long = {
        "id": np.arange(values.size),
        "utc_time": pl.concat([iso] * 16),
        "depth": np.repeat(DEPTHS, HOURS),
        "temperature": values.T.reshape(-1),
        "flag": pl.Series([None] * values.size, dtype=pl.String),
    }
    pl.DataFrame(long | {key: np.full(values.size, 7) for key in ("dataset_id", "borehole_id", "site_id")}).write_csv(
        paths["gtnp_export"]
    )
    sensors = np.abs(values[:, :2]) / 100
    sensor = "Temp, °C (LGR S/N: 1, SEN S/N: 1)"
    names = [
        "#",
        "Date Time, GMT-07:00",
        sensor,
        sensor,
        *(f"{e} (LGR S/N: 1)" for e in ("Host Connected", "Stopped", "End Of File")),
    ]
    body = pl.DataFrame(
        [
            np.arange(1, HOURS + 1),
            times.dt.strftime("%m/%d/%y %I:%M:%S %p"),
            *sensors.T.round(3),
            *[pl.Series([""] * HOURS)] * 3,
        ],
        schema=[str(n) for n in range(7)],
        strict=False,
    )
    head = '\ufeff"Plot Title: 1"\n' + ",".join(f'"{name}"' for name in names) + "\n"
    paths["hobo"].write_text(head + body.write_csv(include_header=False, quote_style="never"), encoding="utf-8")
    return paths


def ten_million(folder: Path) -> dict[str, Path]:
    count = 10_000_000
    minutes = pl.Series(np.datetime64("1990-01-01", "us") + np.arange(count) * np.timedelta64(60, "s"))
    wave = (np.sin(np.arange(count) / 1e5) * 10).round(3)
    paths = {name: folder / f"{name}.csv" for name in ("wide_iso", "wide_us", "long")}
    pl.DataFrame({"Date/Depth": minutes.dt.strftime("%Y-%m-%d %H:%M:%S"), "0.1": wave, "0.5": wave}).write_csv(
        paths["wide_iso"]
    )
    pl.DataFrame({"Date": minutes.dt.strftime("%m/%d/%y %I:%M:%S %p"), "0.1_m": wave, "0.5_m": wave}).write_csv(
        paths["wide_us"]
    )
    iso = minutes[: count // 10].dt.strftime("%Y-%m-%d %H:%M:%S")
    pl.DataFrame(
        {
            "id": np.arange(count),
            "utc_time": pl.concat([iso] * 10),
            "depth": np.repeat(np.arange(10) / 10, count // 10),
            "temperature": wave,
            "flag": pl.Series([None] * count, dtype=pl.String),
            "dataset_id": np.full(count, 1),
            "borehole_id": np.full(count, 2),
            "site_id": np.full(count, 3),
        }
    ).write_csv(paths["long"])
    return paths


def run(python: str, code: str, path: Path) -> list[float]:
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([python, "-c", code, str(path)], capture_output=True, text=True, check=True, env=environment)
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--peer", help="python of an environment with tsp 1.12.1")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--memory", action="store_true", help="also read ten million rows")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, path in tables(Path(folder)).items():
            ours, peer = [], []
            for _ in range(options.rounds):
                ours.append(run(sys.executable, OURS, path))
                if options.peer:
                    peer.append(run(options.peer, PEER, path))
            if peer:
                assert abs(ours[0][2] - peer[0][2]) < 1e-6 * peer[0][2], "both read the same values"
            for place, what in enumerate(("of many files", "a process with one file")):
                mine, other = (min((run[place] for run in runs), default=np.nan) for runs in (ours, peer))
                print(f"{name}, {what}: talik {mine:.3f} CPU s, tsp {other:.3f}, ratio {other / mine:.1f}", flush=True)
        for name, path in (ten_million(Path(folder)) if options.memory else {}).items():
            print(f"{name}, ten million rows: peak {run(sys.executable, MEMORY, path)[0] / 1024:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
