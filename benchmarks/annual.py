"""
Years from samples: daily and annual means of ten years hourly x 16 depths, beside plain pandas and plain polars.

Run: python benchmarks/annual.py. CPU seconds of this process, best of several; compare the ratios, not the seconds.
The parse is polars reading the same series from CSV, for scale. All three must agree before anything is timed.
"""

import io
import time

import numpy as np
import pandas as pd
import polars as pl

from talik.records import Record
from talik.series.annual import annual_means
from talik.series.quality import check
from talik.series.thaw import layer_of


def series(seed: int = 0) -> Record:
    """Ten years hourly x 16 depths: annual wave, weather, 1 % missing and a gap of 1500 hours."""
    rng = np.random.default_rng(seed)
    times = np.arange("2010-01-01", "2020-01-01", dtype="M8[h]").astype("M8[us]")
    depths = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.6, 2, 2.5, 3, 3.5, 4, 5, 7.0])
    t = np.arange(times.size)[:, None] / 24
    values = -5 + 14 * np.exp(-depths / 2.5) * np.cos(2 * np.pi * (t - 200) / 365.25 - depths / 2.5)
    values = np.round(values + rng.normal(0, 0.3, values.shape), 3)
    values[rng.random(values.shape) < 0.01] = np.nan
    values[40000:41500] = np.nan
    return Record("Bench", times, depths, values)


def with_pandas(record: Record) -> np.ndarray:
    """Days of at least 20 samples, years of at least 90 % of days; no rule on gaps, no bias bound, no reasons."""
    frame = pd.DataFrame(record.values, index=pd.DatetimeIndex(record.times))
    days = frame.resample("D").agg(["mean", "count"])
    mean = days.xs("mean", axis=1, level=1).where(days.xs("count", axis=1, level=1) >= 20)
    years = mean.groupby(mean.index.year)
    return years.mean().where(years.count().ge(years.size() * 0.9, axis=0)).to_numpy()


def with_polars(record: Record) -> np.ndarray:
    """The same in polars."""
    names = [str(k) for k in range(record.depths.size)]
    frame = pl.DataFrame({"t": record.times, **{n: record.values[:, k] for k, n in enumerate(names)}}).fill_nan(None)
    days = frame.group_by_dynamic("t", every="1d").agg(
        pl.when(pl.col(n).count() >= 20).then(pl.col(n).mean()).alias(n) for n in names)
    years = days.group_by_dynamic("t", every="1y").agg(
        pl.when(pl.col(n).count() >= 0.9 * pl.len()).then(pl.col(n).mean()).alias(n) for n in names)
    return years.select(names).fill_null(np.nan).to_numpy()


def cpu(run, times: int = 7) -> float:
    """Least CPU seconds of several runs."""
    best = np.inf
    for _ in range(times):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    """Print the comparison."""
    record = series()
    annual = annual_means(record)
    whole = annual.reason == ""
    for other in (with_pandas, with_polars):
        np.testing.assert_allclose(annual.mean[whole], other(record)[whole], atol=1e-9)
    columns = {str(z): record.values[:, k] for k, z in enumerate(record.depths)}
    text = pl.DataFrame({"t": record.times, **columns}).write_csv()
    seconds = {
        "talik: days, years, gaps, bounds, uncertainties, reasons": cpu(lambda: annual_means(record)),
        "talik: the same and the active layer": cpu(lambda: layer_of(annual_means(record))),
        "polars: days and years": cpu(lambda: with_polars(record)),
        "pandas: days and years": cpu(lambda: with_pandas(record)),
        "polars: parsing the CSV": cpu(lambda: pl.read_csv(io.StringIO(text), try_parse_dates=True), 3),
        "talik: all nine checks": cpu(lambda: check(record), 2),
    }
    base = next(iter(seconds.values()))
    for name, value in seconds.items():
        print(f"{name:60s} {value:7.3f} CPU-s  {value / base:6.2f}")


if __name__ == "__main__":
    main()
