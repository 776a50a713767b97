"""
Reduce a made ERA5-Land store to predictors, and read points from it, beside xarray + dask; ratios in one run.

    python benchmarks/era5land.py [--years 10] [--rows 96] [--columns 120] [--fields 12] [--folder DIR] [--keep]

The recommended store is lz4 + shuffle + Crc32c with the whole time in a chunk of 24 x 24 cells; "as downloaded" is
zstd in chunks of 30 days x map. CPU seconds of the whole process, all threads; the best of `--repeat` runs.
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
    """The recommended and the downloaded store of one made world, field by field to keep memory low."""
    import xarray as xr

    fields = ("t2m", *made_world.TWELVE)[:args.fields]
    years = (2024 - args.years, 2023)
    best, downloaded, truth = folder / "best.zarr", folder / "downloaded.zarr", {}
    for name in fields:
        made = made_world.world((name,), rows=args.rows, columns=args.columns, years=years, dtype=np.float32)
        values = made.truth[name]
        made.truth[name] = np.round(values * 256) / 256 if name not in made_world.ACCUMULATED else values
        ds = made_world.daily(made)
        truth[name] = made.truth[name].astype(np.float64).mean(axis=0)
        for path, chunks, codec in ((best, (10**6, 24, 24), "lz4"), (downloaded, (30, 10**6, 10**6), "zstd")):
            first = not path.exists()
            part = folder / "part.zarr"
            made_world.to_zarr(ds, part, chunks, codec=codec)
            if first:
                part.rename(path)
            else:
                (part / name).rename(path / name)
                shutil.rmtree(part)
    assert set(xr.open_zarr(best, consolidated=False).data_vars) == set(fields)
    return best, downloaded, truth


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
    """Wall time of the pass on one worker and on two; says little on a machine that others use."""
    from distributed import Client, LocalCluster

    took = []
    for workers in (1, 2):
        with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as local, \
                Client(local) as client:
            reduce(open_grid(path, dataset=DATASET), variables=["air_temperature"], cluster=client)
            before = time.perf_counter()
            reduce(open_grid(path, dataset=DATASET), cluster=client)
            took.append(time.perf_counter() - before)
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
    best, downloaded, truth = stores(folder, args)
    raw = args.fields * args.rows * args.columns * 365.25 * args.years * 4 / 1e9
    print(f"{raw:.2f} GB raw, {args.fields} fields")
    reduce(open_grid(best, dataset=DATASET), variables=["air_temperature"])       # compiles, warms the page cache
    ours, dataset = cpu(lambda: talik_mean(best), args.repeat)
    theirs, means = cpu(lambda: dask_mean(best), args.repeat)
    theirs_downloaded, _ = cpu(lambda: dask_mean(downloaded), 1)
    ours_downloaded, _ = cpu(lambda: talik_mean(downloaded), 1)
    error = np.abs(dataset["air_temperature"].values + 273.15 - truth["t2m"]).max()
    theirs_error = np.abs(means["t2m"].values.astype(float) - truth["t2m"]).max()
    print(f"reduce, recommended store: talik {ours:.2f} CPU s ({raw / ours:.2f} GB/s), xarray+dask mean {theirs:.2f} "
          f"CPU s: {theirs / ours:.1f} x")
    print(f"reduce, store as downloaded: talik {ours_downloaded:.2f} CPU s, xarray+dask mean {theirs_downloaded:.2f} "
          f"CPU s: {theirs_downloaded / ours_downloaded:.1f} x")
    print(f"xarray+dask as downloaded against talik recommended: {theirs_downloaded / ours:.1f} x")
    print(f"largest error of the mean: talik {error:.1e} K, xarray float32 {theirs_error:.1e} K")
    one, _ = cpu(lambda: reduce(open_grid(best, dataset=DATASET), variables=["air_temperature"]), args.repeat)
    same, _ = cpu(lambda: dask_everything(best), 1)
    print(f"one field, the same statistics from both: talik {one:.2f} CPU s, xarray+dask {same:.2f} CPU s: "
          f"{same / one:.1f} x")
    points(downloaded, args)
    if args.cluster:
        cluster(best)
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
