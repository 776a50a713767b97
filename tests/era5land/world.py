"""Made worlds of ERA5-Land: planted climates under its names, units, encodings and quirks."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

UNITS = {"t2m": "K", "skt": "K", "sde": "m", "rsn": "kg m**-3", "snowc": "%", "sd": "m of water equivalent",
         "swvl1": "m**3 m**-3", "swvl2": "m**3 m**-3", "swvl3": "m**3 m**-3", "swvl4": "m**3 m**-3", "tp": "m",
         "evabs": "m of water equivalent", "evavt": "m of water equivalent", "fal": "(0 - 1)", "lai_hv": "m**2 m**-2",
         "u10": "m s**-1", "v10": "m s**-1", "si10": "m s**-1"}
TWELVE = ("sde", "rsn", "snowc", "swvl1", "swvl2", "swvl3", "swvl4", "tp", "evabs", "fal", "lai_hv", "si10")
ACCUMULATED = ("tp", "evabs", "evavt")


@dataclass
class World:
    """
    Cells with planted means, seasons and weather.

    Truth is kept as daily values in float64; files are made from it. Amounts are daily totals [m].
    """

    latitude: np.ndarray
    longitude: np.ndarray
    days: np.ndarray
    truth: dict[str, np.ndarray]
    sea: np.ndarray = field(default=None)

    @property
    def shape(self):
        return self.latitude.size, self.longitude.size


def world(fields=(*TWELVE, "t2m"), *, rows=6, columns=8, years=(2014, 2015), north=70.0, west=-150.0, seed=0,
          sea=0.0, dtype=np.float64):
    """A world of daily values; `sea` is the share of cells that are NaN in every field."""
    rng = np.random.default_rng(seed)
    latitude = np.round(north - 0.1 * np.arange(rows), 6)
    longitude = np.round(west + 0.1 * np.arange(columns), 6)
    days = np.arange(f"{years[0]}-01-01", f"{years[1] + 1}-01-01", dtype="M8[D]")
    of_year = (days - days.astype("M8[Y]").astype("M8[D]")).astype(float)
    summer = -np.cos(2 * np.pi * (of_year - 20) / 365.25)[:, None, None]
    shape = (days.size, rows, columns)
    cell = {name: rng.uniform(0.2, 1.0, (1, rows, columns)) for name in fields}
    wet = rng.random((rows, columns)) < sea
    made = {}
    for name in fields:
        noise = rng.standard_normal(shape, dtype=np.float32) if dtype == np.float32 else rng.standard_normal(shape)
        made[name] = _field(name, cell[name], summer, noise).astype(dtype)
        made[name][:, wet] = np.nan
    return World(latitude, longitude, days, made, wet)


def _field(name, cell, summer, noise):
    winter = np.clip(-summer, 0, None)
    return {
        "t2m": lambda: 258 + 10 * cell + 15 * summer + 3 * noise,
        "skt": lambda: 257 + 10 * cell + 16 * summer + 3 * noise,
        "sde": lambda: winter * cell + 0 * noise,
        "rsn": lambda: 150 + 200 * cell * winter + 5 * np.abs(noise),
        "snowc": lambda: np.where(winter + 0.05 * noise > 0.3 * cell, 100.0, 20.0) + 0 * noise,
        "sd": lambda: 0.25 * winter * cell + 0 * noise,
        "tp": lambda: 0.002 * cell * np.abs(noise),
        "evabs": lambda: -0.001 * cell * np.clip(summer, 0, None) * np.abs(noise),
        "evavt": lambda: -1e-5 * cell * np.abs(noise),
        "fal": lambda: 0.2 + 0.5 * winter * cell + 0 * noise,
        "lai_hv": lambda: cell * (1.5 + summer) + 0 * noise,
        "u10": lambda: 4 * cell + 2 * noise,
        "v10": lambda: -cell + 3 * noise[::-1],
        "si10": lambda: 3 * cell + np.abs(noise),
    }.get(name, lambda: 0.1 + 0.3 * cell + 0.02 * noise)()


def daily(made, fields=None):
    """The world as a dataset of daily values, as the truth is."""
    coords = {"time": made.days.astype("M8[ns]"), "latitude": made.latitude, "longitude": made.longitude}
    return xr.Dataset({name: (("time", "latitude", "longitude"), made.truth[name], {"units": UNITS[name]})
                       for name in fields or made.truth}, coords=coords)


def monthly(made, fields=None, hour=0):
    """Monthly means: amounts as the mean amount a day, as that data set has them; stamps at any hour of day 1."""
    means = daily(made, fields).resample(time="MS").mean()
    return means.assign_coords(time=means["time"].values + np.timedelta64(hour, "h"))


def hourly(made, fields=None, *, restart=True):
    """
    Hourly values: states with a daily wave of mean zero, amounts spread over the hours of the day.

    Amounts restart daily (the value at 00 UTC is the whole day before) or belong to the hour before the stamp.
    """
    start = made.days[0].astype("M8[h]")
    times = start + np.arange(made.days.size * 24 + 1)
    share = np.abs(np.sin(np.arange(24) * 1.7 + 0.3)) + 0.05
    share /= share.sum()
    wave = np.sin(2 * np.pi * np.arange(24) / 24)
    coords = {"valid_time": times.astype("M8[ns]"), "latitude": made.latitude, "longitude": made.longitude}
    variables = {}
    for name in fields or made.truth:
        truth = made.truth[name]
        if name in ACCUMULATED:
            amounts = truth[:, None] * share[None, :, None, None]
            amounts = np.cumsum(amounts, axis=1) if restart else amounts
            values = np.concatenate([np.zeros((1, *made.shape)), amounts.reshape(-1, *made.shape)])
            values[:, made.sea] = np.nan
        else:
            swing = 4.0 if name in ("t2m", "skt") else 2.0 if name in ("u10", "v10") else 0.0
            values = (truth[:, None] + swing * wave[None, :, None, None]).reshape(-1, *made.shape)
            values = np.concatenate([values, values[-1:]])
        variables[name] = (("valid_time", "latitude", "longitude"), values, {"units": UNITS[name]})
    return xr.Dataset(variables, coords=coords)


def turned(ds, *, ascending=False, east=False):
    """The same cells with latitudes ascending, or longitudes 0..360."""
    if ascending:
        ds = ds.isel(latitude=slice(None, None, -1))
    if east:
        ds = ds.assign_coords(longitude=ds["longitude"].values % 360)
    return ds


def packed(ds):
    """As the old service packed: int16 with scale and offset, chosen from the range."""
    encoding = {}
    for name, array in ds.data_vars.items():
        low, high = float(array.min()), float(array.max())
        encoding[name] = {"dtype": "int16", "scale_factor": max(high - low, 1e-9) / 65530, "_FillValue": -32767,
                          "add_offset": (high + low) / 2}
    return encoding


def to_zarr(ds, path: Path, chunks, *, codec="lz4"):
    """
    A Zarr v3 store: "packed" into int16 with lz4, bitshuffle and Crc32c as recommended, the same in float32 ("bits",
    or "lz4" with shuffle), or "zstd" as downloaded.
    """
    from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

    time = "valid_time" if "valid_time" in ds.dims else "time"
    sizes = tuple(min(c, ds.sizes[d]) for c, d in zip(chunks, (time, "latitude", "longitude"), strict=True))
    blosc = BloscCodec(cname="lz4", shuffle="shuffle" if codec == "lz4" else "bitshuffle", blocksize=1 << 16)
    compressors = (ZstdCodec(level=3),) if codec == "zstd" else (blosc, Crc32cCodec())
    kinds = packed(ds) if codec == "packed" else {name: {"dtype": "float32"} for name in ds.data_vars}
    common = {"chunks": sizes, "compressors": compressors}
    encoding = {name: {**common, "fill_value": kind.get("_FillValue", np.nan), **kind} for name, kind in kinds.items()}
    ds.to_zarr(path, mode="w", zarr_format=3, consolidated=False, encoding=encoding)
    return path
