"""Tables of points, Parquet or CSV, long (one row a value) or wide (one column a field), as a dataset of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from talik.era5land.fields import called
from talik.errors import DataError, FileError
from talik.files import read_parquet

_COLUMNS = {"latitude": ("latitude", "lat"), "longitude": ("longitude", "lon", "lng"),
            "time": ("time", "valid_time", "date"), "field": ("short_name", "variable", "name", "parameter"),
            "value": ("value",)}


def table_dataset(paths: Sequence[Path], *, names: Mapping[str, str] | None = None) -> Any:
    """
    Tables of points as one xarray dataset with dimensions (time, cell); values are in memory.

    Parameters
    ----------
    paths : sequence of Path
        Parquet or CSV: latitude, longitude, time, and either `short_name` and `value`, or a column a field.
    names : mapping, optional
        The table's name of a field = ERA5-Land's; a unit may stand in brackets there or in the table.

    Raises
    ------
    FileError
        If a file is no table, or a column is missing.
    DataError
        If a point has two values of a field at one time.
    """
    units: dict[str, str] = {}
    frame = pl.concat([_long(path, names or {}, units) for path in paths])
    twice = frame.filter(pl.struct("field", "latitude", "longitude", "time").is_duplicated())
    if twice.height:
        row = twice.row(0, named=True)
        raise DataError(f"{paths[0].name}: {row['field']} at {row['latitude']:g}, {row['longitude']:g} has more than "
                        f"one value at {row['time']}")
    ds = _cells(frame)
    for short, unit in units.items():
        ds[short].attrs["units"] = unit
    return ds


def _cells(frame: pl.DataFrame) -> Any:
    import numpy as np
    import xarray as xr

    cells = frame.select("latitude", "longitude").unique(maintain_order=True).with_row_index("cell")
    frame = frame.join(cells, on=["latitude", "longitude"])
    fields: dict[str, Any] = {}
    for (short,), part in frame.group_by("field", maintain_order=True):
        times = part["time"].unique().sort()
        values = np.full((len(times), cells.height), np.nan)
        values[times.search_sorted(part["time"]).to_numpy(), part["cell"].to_numpy()] = part["value"].to_numpy()
        fields[str(short)] = xr.DataArray(values, dims=("time", "cell"), coords={"time": times.to_numpy()})
    ds = xr.merge([array.rename(name) for name, array in fields.items()], join="outer")
    return ds.assign_coords(latitude=("cell", cells["latitude"].to_numpy()),
                            longitude=("cell", cells["longitude"].to_numpy()))


def _long(path: Path, names: Mapping[str, str], units: dict[str, str]) -> pl.DataFrame:
    """One row a value; units stated with the names of fields join `units`."""
    try:
        frame = read_parquet(path) if path.suffix.lower() == ".parquet" else pl.read_csv(path, try_parse_dates=True)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FileError(f"{path}: cannot be read as a table ({str(error)[:200]})") from error
    lower = {name.lower(): name for name in frame.columns}
    found = {key: lower[alias] for key, aliases in _COLUMNS.items() for alias in reversed(aliases) if alias in lower}
    for key in ("latitude", "longitude", "time"):
        if key not in found:
            raise FileError(f"{path}: has no column {key!r} among {', '.join(frame.columns)}")
    if not {"field", "value"} <= set(found):
        wide = [name for name in frame.columns if called(name, names)[0]]
        if not wide:
            raise FileError(f"{path}: has neither columns 'short_name' and 'value' nor one named as a field of "
                            "ERA5-Land (t2m, tp, swvl1, ...)")
        frame = frame.unpivot(wide, index=[found[key] for key in ("latitude", "longitude", "time")],
                              variable_name="short_name", value_name="value")
        found |= {"field": "short_name", "value": "value"}
    frame = frame.select(pl.col(column).alias(key) for key, column in found.items())
    meant = {name: called(name, names) for name in frame["field"].unique().to_list()}
    for name, (short, unit) in meant.items():
        if short and units.setdefault(short, unit) != unit:
            raise DataError(f"{path}: {name} has another unit than {short} has elsewhere ({units[short] or 'none'})")
    if not any(short for short, _ in meant.values()):
        raise FileError(f"{path}: no field of ERA5-Land among {', '.join(map(str, meant))}. Give their names with "
                        "names={'yours': 't2m'}.")
    short_names = {name: short for name, (short, _) in meant.items()}
    return (frame.with_columns(
                pl.col("field").replace_strict(short_names, return_dtype=pl.String),
                _stamps(frame, path),
                pl.col("latitude", "longitude", "value").cast(pl.Float64))
            .drop_nulls(["field", "latitude", "longitude", "time"])
            .select("field", "latitude", "longitude", "time", pl.col("value").fill_null(float("nan"))))


def _stamps(frame: pl.DataFrame, path: Path) -> pl.Expr:
    kind = frame.schema["time"]
    if isinstance(kind, pl.Datetime):
        stamp = pl.col("time") if kind.time_zone is None else pl.col("time").dt.convert_time_zone("UTC")
        return stamp.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    if kind == pl.Date:
        return pl.col("time").cast(pl.Datetime("us"))
    raise FileError(f"{path}: the column of times holds {kind}, expected dates as 2014-01-31 or 2014-01-31 00:00")
