"""
A study of many synthetic stations, from logger files to the report: CPU, peak memory, and whether what was planted
comes out.

Run: python benchmarks/stations.py [--stations N] [--years N] [--workers N] [--keep FOLDER]
Each station is an hourly table of air (2 m) and five depths, with a daily wave, weather, spikes and gaps. Surface and
thermal offsets are planted by region, with a spread between sites. CPU seconds and memory are those of the whole
process tree; memory is the sum of what each process has resident, so shared pages count several times.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import psutil

PLANTED = {"Arctic": (-9.0, 4.0, -0.8), "Antarctica": (-14.0, 1.5, -0.2), "Third Pole": (-4.0, 2.5, -0.5)}
"""By region: mean annual air temperature [°C], surface offset [K], thermal offset [K]."""
PLACES = {"Arctic": (68.0, -150.0), "Antarctica": (-77.0, 163.0), "Third Pole": (34.0, 92.0)}
DEPTHS = (-2.0, 0.0, 0.25, 0.5, 1.0, 2.0)
REACH = (16.0, 10.0, 6.0, 3.5, 1.2, 0.4)
"""Half the yearly range at each depth [K]."""
DEEP = 4
"""The column that stands for the top of permafrost: 1 m."""


def truths(n: int) -> pl.DataFrame:
    """One row a station: site, region, place, and the offsets that are put into its file."""
    rng = np.random.default_rng(1)
    rows = []
    for k in range(n):
        region = list(PLANTED)[k % len(PLANTED)]
        maat, so, to = PLANTED[region] + rng.normal(0, (1.5, 0.5, 0.2))
        latitude, longitude = PLACES[region] + rng.normal(0, (2.0, 5.0))
        rows.append({"site": f"Station {k:04d}", "region": region, "latitude": round(latitude, 3),
                     "longitude": round(longitude, 3), "elevation": round(rng.uniform(0, 900)), "maat": maat,
                     "surface_offset": so, "thermal_offset": to})
    return pl.DataFrame(rows)


def write_station(path: Path, truth: dict[str, float], times: np.ndarray, stamps: pl.Series, seed: int) -> None:
    """Hourly temperatures whose calendar-year means are the planted ones; two spikes and a gap of two days a year."""
    rng = np.random.default_rng(seed)
    year = times.astype("M8[Y]")
    begin = year.astype("M8[h]")
    share = (times - begin).astype(float) / ((year + np.timedelta64(1, "Y")).astype("M8[h]") - begin).astype(float)
    wave, daily = -np.cos(2 * np.pi * (share - 0.05)), -np.cos(2 * np.pi * (np.arange(times.size) - 3) / 24)
    weather = np.repeat(rng.normal(0, 1.0, times.size // 24), 24)
    number = np.unique(year, return_inverse=True)[1]
    weather -= (np.bincount(number, weather) / np.bincount(number))[number]
    surface = truth["maat"] + truth["surface_offset"]
    means = [truth["maat"], surface, *(surface + truth["thermal_offset"] * min(d, 1.0) for d in DEPTHS[2:])]
    columns = {"Date/Depth": stamps}
    spikes = rng.integers(0, times.size, 2 * (number[-1] + 1))
    kept = ~np.isin(np.arange(times.size) // 48, rng.integers(0, times.size // 48, number[-1] + 1))
    for depth, mean, reach in zip(DEPTHS, means, REACH, strict=True):
        damping = np.exp(-max(depth, 0) / 0.12)
        values = mean + reach * wave + damping * (4 * daily + weather) + rng.normal(0, 0.02, times.size)
        values[spikes] += 30
        columns[f"{depth:g}"] = np.round(values, 2)
    pl.DataFrame(columns).filter(kept).write_csv(path)


def write_study(folder: Path, sites: pl.DataFrame, years: int) -> None:
    """The files and their study.toml."""
    (folder / "data").mkdir(parents=True)
    times = np.arange("2011-01-01", f"{2011 + years}-01-01", dtype="M8[h]")
    stamps = pl.Series(times.astype("M8[ms]")).dt.strftime("%Y-%m-%d %H:%M:%S")
    lines = ["[study]", 'name = "stations"', "", "[series]", 'data = "data"', f"depth = {DEPTHS[DEEP]}"]
    for k, row in enumerate(sites.iter_rows(named=True)):
        write_station(folder / "data" / f"station{k:04d}.csv", row, times, stamps, k)
        lines += ["", "[[series.stations]]", f'site = "{row["site"]}"', f'files = ["station{k:04d}.csv"]',
                  f'region = "{row["region"]}"', *(f"{name} = {row[name]}" for name in
                                                   ("latitude", "longitude", "elevation"))]
    (folder / "study.toml").write_text("\n".join(lines) + "\n")


def measured(command: list[str]) -> tuple[float, float, list[str]]:
    """CPU seconds of a command and all it starts, the most memory they held together [MB], and what it said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile("w+") as said:
        running = subprocess.Popen(command, stderr=said, stdout=said)
        tree, peak = psutil.Process(running.pid), 0
        while running.poll() is None:
            held = 0
            try:
                for process in [tree, *tree.children(recursive=True)]:
                    held += process.memory_info().rss
            except psutil.NoSuchProcess:
                pass
            peak = max(peak, held)
            time.sleep(0.2)
        said.seek(0)
        lines = said.read().splitlines()
    if running.returncode:
        sys.exit("\n".join(lines[-20:]))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak / 1e6, lines)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--stations", type=int, default=50)
    ask.add_argument("--years", type=int, default=10)
    ask.add_argument("--workers", type=int, default=2)
    ask.add_argument("--keep", type=Path, help="Make the files here and leave them; files that are there are used.")
    told = ask.parse_args()
    sites = truths(told.stations)
    with tempfile.TemporaryDirectory(prefix="talik-stations-") as scratch:
        folder = (told.keep or Path(scratch)) / f"{told.stations}x{told.years}"
        if not (folder / "study.toml").is_file():
            write_study(folder, sites, told.years)
        out = Path(scratch) / "results"
        run = [sys.executable, "-m", "talik", "run", str(folder / "study.toml"), "--out", str(out), "--workers"]
        seconds, peak, lines = measured([*run, str(told.workers)])
        print(f"{told.stations} stations x {told.years} years, {told.workers} workers: {seconds:.0f} CPU-s "
              f"({seconds / told.stations:.2f} a station), peak {peak:.0f} MB")
        print("\n".join(f"  {line}" for line in lines if "CPU-s" in line and " (0.0 " not in line))
        again, peak, _ = measured([*run, str(told.workers)])
        print(f"  again, nothing changed: {again:.1f} CPU-s, peak {peak:.0f} MB")
        found = pl.read_parquet(out / "sites.parquet").join(sites, on="site", suffix="_planted")
        for name in ("maat", "surface_offset", "thermal_offset"):
            error = (found[name] - found[f"{name}_planted"]).abs()
            print(f"  {name}: {error.count()} of {sites.height} stations, largest error {error.max():.3f} K")
        for region, planted in PLANTED.items():
            mean = found.filter(region=region).select("surface_offset", "thermal_offset").mean().row(0)
            print(f"  {region}: offsets {mean[0]:+.2f} and {mean[1]:+.2f} K; planted {planted[1]:+.2f}, "
                  f"{planted[2]:+.2f} K")


if __name__ == "__main__":
    main()
