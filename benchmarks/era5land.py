"""
Reduce a made ERA5-Land store to predictors, and read points from it, beside xarray + dask; ratios in one run.

    python benchmarks/era5land.py [--years 10] [--rows 96] [--columns 120] [--fields 12] [--folder DIR] [--keep]

The recommended store ("packed") is packed into int16, with lz4, bitshuffle and Crc32c and the whole time in a chunk of
24 x 24 cells; "bits" is the same in float32; "zstd" is float32 as downloaded, in chunks of 30 days x map. CPU seconds
of the whole process, all threads; the best of `--repeat` runs. The floor is what reading, checksum and unpacking of the
same chunks cost alone, in one thread: no reader can be quicker.
"""

import argparse
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "era5land"))
import world as made_world

from talik.era5land.grids import open_grid
from talik.era5land.points import series
from talik.era5land.reduce import reduce

DATASET = "ECMWF/ERA5_LAND/DAILY_AGGR"


def cpu(work, repeat):
    """Smallest CPU time of some runs [s], and the last answer."""
    times, answer = [], None
    for _ in range(repeat):
        before = time.process_time()
        answer = work()
        times.append(time.process_time() - before)
    return min(times), answer


def stores(folder, args):
    """The stores of one made world, field by field to keep memory low, and the true means of the temperature."""
    fields = ("t2m", *made_world.TWELVE)[:args.fields]
    years = (2024 - args.years, 2023)
    ways = {"packed": (10**6, 24, 24), "bits": (10**6, 24, 24), "zstd": (30, 10**6, 10**6)}
    paths, truth = {codec: folder / f"{codec}.zarr" for codec in ways}, {}
    for name in fields:
        made = made_world.world((name,), rows=args.rows, columns=args.columns, years=years, dtype=np.float32)
        values = made.truth[name]
        made.truth[name] = np.round(values * 256) / 256 if name not in made_world.ACCUMULATED else values
        ds = made_world.daily(made)
        if name == "t2m":
            truth = {codec: made.truth[name].astype(np.float64).mean(axis=0) for codec in ways}
        for codec, chunks in ways.items():
            part = made_world.to_zarr(ds, folder / "part.zarr", chunks, codec=codec)
            if codec == "packed" and name == "t2m":
                truth[codec] = unpacked_mean(part)
            if paths[codec].exists():
                (part / name).rename(paths[codec] / name)
                shutil.rmtree(part)
            else:
                part.rename(paths[codec])
    return paths, truth


def unpacked_mean(path):
    """The mean temperature of a packed store in float64."""
    import xarray as xr

    with xr.open_zarr(path, chunks=None, consolidated=False, mask_and_scale=False) as ds:
        packed = ds["t2m"]
        return packed.values.astype(np.int64).mean(axis=0) * packed.scale_factor + packed.add_offset


def floor(path):
    """Read, check and unpack every chunk of the fields, nothing else."""
    import google_crc32c
    from numcodecs import blosc

    files = list(path.glob("*/c/*/*/*"))
    room, out = np.empty(max(file.stat().st_size for file in files), np.uint8), None
    for file in files:
        with file.open("rb", buffering=0) as stream:
            body = room[:stream.readinto(room.data) - 4]
        google_crc32c.value(body)
        size = int.from_bytes(body[4:8].tobytes(), "little")
        out = np.empty(size, np.uint8) if out is None or out.size != size else out
        blosc.decompress(body, out)


def dask_mean(path):
    """What a user writes: the mean over time of every variable, by threads."""
    import xarray as xr

    with xr.open_zarr(path, chunks={}, consolidated=False) as ds:
        return ds.mean("time").compute(scheduler="threads")


def talik_mean(path):
    """Everything: months, means, degree-days, amplitude, seasons, snow season."""
    return reduce(open_grid(path, dataset=DATASET)).dataset


def dask_everything(path):
    """The statistics of one temperature field that talik makes in its pass, written in xarray + dask."""
    import dask
    import xarray as xr

    with xr.open_zarr(path, chunks={}, consolidated=False) as ds:
        celsius = ds["t2m"].astype("f8") - 273.15
        return dask.compute(celsius.mean("time"), celsius.groupby("time.month").mean(), celsius.clip(0).sum("time"),
                            celsius.clip(None, 0).sum("time"), scheduler="threads")


def cluster(path):
    """
    Wall and CPU time of the pass on one worker and on two; wall time says little on a machine that others use.

    The client (with the scheduler in its process) needs a CPU of its own: what it does in series bounds the gain.
    """
    import os

    from distributed import Client, LocalCluster

    took = []
    for workers in (1, 2):
        with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as local, \
                Client(local) as client:
            reduce(open_grid(path, dataset=DATASET), cluster=client)
            walls = []
            for _ in range(3):
                spent, own = client.run(time.process_time), time.process_time()
                before = time.perf_counter()
                reduce(open_grid(path, dataset=DATASET), cluster=client)
                walls.append(time.perf_counter() - before)
                own = time.process_time() - own
                spent = [round(now - spent[at], 2) for at, now in client.run(time.process_time).items()]
            took.append(min(walls))
            print(f"LocalCluster, {workers} workers: {took[-1]:.2f} s wall at best, CPU s in the last run: workers "
                  f"{spent}, client and scheduler {own:.2f}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    print(f"LocalCluster: two workers are {took[0] / took[1]:.2f} x as fast as one")


def point_loop(path, rows, columns, latitude, longitude):
    """A loop of .sel over some points, as in many a script; CPU time a point."""
    import xarray as xr

    with xr.open_zarr(path, chunks=None, consolidated=False) as ds:
        array = ds["t2m"]
        return [array.sel(latitude=latitude[i], longitude=longitude[j], method="nearest").values
                for i, j in zip(rows, columns, strict=True)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("years", 10), ("rows", 96), ("columns", 120), ("fields", 12), ("repeat", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--cluster", action="store_true", help="also measure one worker against two")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.mkdtemp(prefix="era5land-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        run(folder, args)
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)


def run(folder, args):
    paths, truth = stores(folder, args)
    raw = args.fields * args.rows * args.columns * 365.25 * args.years * 4 / 1e9
    print(f"{raw:.2f} GB raw as float32, {args.fields} fields")
    for path in paths.values():                           # compiles, warms the page cache
        reduce(open_grid(path, dataset=DATASET))
    theirs = {}
    for codec, path in paths.items():
        ours, dataset = cpu(lambda path=path: talik_mean(path), args.repeat)
        theirs[codec], means = cpu(lambda path=path: dask_mean(path), args.repeat if codec != "zstd" else 1)
        least = "" if codec == "zstd" else f", floor {cpu(lambda path=path: floor(path), args.repeat)[0]:.2f} CPU s"
        print(f"{codec}: talik, everything {ours:.2f} CPU s ({raw / ours:.2f} GB/s); xarray+dask, mean "
              f"{theirs[codec]:.2f} CPU s: {theirs[codec] / ours:.1f} x{least}")
        error = np.abs(dataset["air_temperature"].values + 273.15 - truth[codec]).max()
        their_error = np.abs(means["t2m"].values.astype(float) - truth[codec]).max()
        print(f"    largest error of the mean: talik {error:.0e} K, xarray {their_error:.0e} K")
        if codec == "packed":
            best = ours
    print(f"xarray+dask on its quickest store against talik on the recommended: {min(theirs.values()) / best:.1f} x")
    one, _ = cpu(lambda: reduce(open_grid(paths["bits"], dataset=DATASET), variables=["air_temperature"]), args.repeat)
    same, _ = cpu(lambda: dask_everything(paths["bits"]), 1)
    print(f"one float32 field, the same statistics from both: talik {one:.2f} CPU s, xarray+dask {same:.2f} CPU s: "
          f"{same / one:.1f} x")
    points(paths["zstd"], args)
    if args.cluster:
        cluster(paths["packed"])
    print(f"peak memory of the whole run {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def points(path, args):
    """10,000 points from a store in chunks of time x map, beside a loop of .sel over 20 of them."""
    rng = np.random.default_rng(3)
    rows, columns = rng.integers(args.rows, size=10_000), rng.integers(args.columns, size=10_000)
    grid = open_grid(path, dataset=DATASET)
    ours, (_, values) = cpu(lambda: series(grid, "t2m", rows, columns), 1)
    few = 5
    theirs, answer = cpu(lambda: point_loop(path, rows[:few], columns[:few], grid.latitude, grid.longitude), 1)
    assert all(np.array_equal(one, values[:, k]) for k, one in enumerate(answer))
    print(f"10,000 points of one field: talik {ours:.2f} CPU s; a loop of .sel takes {theirs / few * 1e4:.0f} CPU s "
          f"({few} points measured): {theirs / few * 1e4 / ours:.0f} x")


if __name__ == "__main__":
    main()
