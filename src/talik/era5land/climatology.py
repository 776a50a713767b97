"""A climatology on disk: CF Zarr v3, every chunk with a checksum, missing as NaN with a reason; whole or not there."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talik.era5land.climate import NO_DATA, REASONS, statistics
from talik.era5land.fields import made_of
from talik.era5land.passes import Pass
from talik.era5land.plausible import refuse_contradiction, refuse_implausible
from talik.era5land.tiles import Parts, Tile
from talik.era5land.workers import load_parts
from talik.errors import FileError
from talik.variables import VARIABLES

CHUNK = 64
LOOKED_AT = 64
"""Rows and columns, at most, at which fields are held against each other."""
_STATICS = {"lsm": ("land_fraction", 1.0, "1", "land_area_fraction"),
            "z": ("cell_elevation", 1 / 9.80665, "m", "surface_altitude")}


def assembled(passed: Pass, tiles: Sequence[Tile], done: dict[str, Parts], kept: Path | None, target: Path | None,
              settings: Mapping[str, Any], key: str, land: NDArray[np.bool_] | None) -> Any:
    """The statistics of all tiles as one dataset: in memory, or at `target`, which appears only when it is whole."""
    import xarray as xr

    grid = passed.grid
    attributes = {"Conventions": "CF-1.11", "title": "ERA5-Land averaged over years", "talik_key": key,
                  "talik_settings": json.dumps(settings, default=list), "source": grid.dataset or "unknown",
                  "flag_meanings": json.dumps(REASONS)}
    skeleton = xr.Dataset({name: (("latitude", "longitude"), grid.statics[short] * factor,
                                  {"units": units, "standard_name": standard})
                           for short, (name, factor, units, standard) in _STATICS.items() if short in grid.statics},
                          coords=_coordinates(passed), attrs=attributes)
    sample = tuple(np.unique(np.linspace(0, size - 1, min(size, LOOKED_AT)).astype(int)) for size in grid.shape)
    looked_at: dict[str, NDArray[np.float64]] = {}

    def made(variable: str) -> dict[str, Any]:
        arrays = _variable(passed, variable, tiles, done, kept, land)
        looked_at[variable] = arrays[f"{variable}_by_month"].values[:, *np.ix_(*sample)].reshape(12, -1)
        return arrays

    def refuse() -> None:
        refuse_contradiction(looked_at, lambda k: grid.place(int(sample[0][k // sample[1].size]),
                                                             int(sample[1][k % sample[1].size])))

    if target is None:
        found = {name: array for variable in passed.quantities for name, array in made(variable).items()}
        refuse()
        return skeleton.assign(found)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=".part", dir=target.parent))
    try:
        _write(skeleton, part, "w")
        for variable in passed.quantities:
            _write(xr.Dataset(made(variable), attrs=attributes), part, "a")
        refuse()
        os.replace(part, target)
    except OSError as error:
        raise FileError(f"{target}: cannot be written: {error.strerror or error}. Finished tiles are kept; free space "
                        "and run again.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    if kept is not None:
        shutil.rmtree(kept, ignore_errors=True)
    return read_climatology(target)


def read_climatology(path: Path) -> Any:
    """
    The dataset of a climatology that `reduce` has written, lazily.

    Raises
    ------
    FileError
        If the folder is none.
    """
    import xarray as xr

    if not (path / "zarr.json").is_file():
        raise FileError(f"{path}: is not a climatology written by talik (no zarr.json)")
    dataset = xr.open_zarr(path, chunks=None, consolidated=False)
    if "talik_key" not in dataset.attrs:
        raise FileError(f"{path}: a Zarr store, but not a climatology written by talik")
    return dataset


def _coordinates(passed: Pass) -> dict[str, Any]:
    grid = passed.grid
    return {"latitude": ("latitude", grid.latitude, {"units": "degrees_north", "standard_name": "latitude"}),
            "longitude": ("longitude", grid.longitude, {"units": "degrees_east", "standard_name": "longitude"}),
            "month": ("month", np.arange(1, 13), {"long_name": "calendar month"})}


def _variable(passed: Pass, variable: str, tiles: Sequence[Tile], done: dict[str, Parts], kept: Path | None,
              land: NDArray[np.bool_] | None) -> dict[str, Any]:
    """The statistics of one quantity over the whole grid."""
    import xarray as xr

    shape = passed.grid.shape
    values = {name: np.full(shape, np.nan) for name in made_of(variable)}
    values[f"{variable}_by_month"] = np.full((12, *shape), np.nan)
    reasons = {name: np.full(shape, NO_DATA, np.int8) for name in made_of(variable)}
    for tile in tiles:
        if tile.quantity.variable != variable:
            continue
        parts = done[tile.name] if kept is None else load_parts(kept / f"{tile.name}.npz")
        found, codes = statistics(tile.quantity, tile.layers[0], parts, tile.calendar)
        box = (slice(*tile.rows), slice(*tile.columns))
        size = (tile.rows[1] - tile.rows[0], tile.columns[1] - tile.columns[0])
        for name, array in found.items():
            values[name][(..., *box)] = array.reshape(*array.shape[:-1], *size)
        for name, codes_of in codes.items():
            reasons[name][box] = codes_of.reshape(size)
    if land is not None:
        for array in values.values():
            array[..., ~land] = np.nan
        for code in reasons.values():
            code[~land] = NO_DATA
    wide = shape[1]
    refuse_implausible(passed.quantities[variable], values[f"{variable}_by_month"].reshape(12, -1),
                       passed.calendar(variable), lambda k: passed.grid.place(k // wide, k % wide))
    first, last = passed.years
    made: dict[str, Any] = {}
    for name, array in values.items():
        entry = VARIABLES[name.removesuffix("_by_month")]
        attributes = {"units": entry.units, "long_name": entry.label, "period": f"{first}-{last}",
                      "cell_methods": "time: mean", "ancillary_variables": f"{entry.name}_reason",
                      **({"standard_name": entry.standard_name} if entry.standard_name else {}),
                      **({"comment": passed.quantities[variable].note} if passed.quantities[variable].note else {})}
        made[name] = xr.DataArray(array, dims=("month", "latitude", "longitude")[-array.ndim:], attrs=attributes)
    for name, code in reasons.items():
        made[f"{name}_reason"] = xr.DataArray(code, dims=("latitude", "longitude"), attrs={
            "flag_values": list(range(len(REASONS))), "long_name": f"why {name} is missing"})
    return made


def _write(dataset: Any, path: Path, mode: Any) -> None:
    from zarr.codecs import BloscCodec, Crc32cCodec

    encoding: dict[str, Any] = {}
    for name, array in dataset.variables.items():
        entry: dict[str, Any] = {"compressors": (BloscCodec(cname="lz4", shuffle="shuffle"), Crc32cCodec())}
        if array.dtype.kind == "f":
            entry["fill_value"] = np.nan
        if array.ndim >= 2:
            entry["chunks"] = (*(1 for _ in array.shape[:-2]), *(min(CHUNK, n) for n in array.shape[-2:]))
        encoding[str(name)] = entry
    dataset.to_zarr(path, mode=mode, zarr_format=3, consolidated=False, encoding=encoding)
