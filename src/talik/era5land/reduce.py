"""One pass over a grid of any size: every predictor at once, on threads or on a cluster, taken up again by chunk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from talik.era5land.climate import statistics
from talik.era5land.climatology import assembled, read_climatology
from talik.era5land.fields import made_of
from talik.era5land.grids import Grid
from talik.era5land.passes import Pass, plan_pass
from talik.era5land.plausible import refuse_contradiction, refuse_implausible
from talik.era5land.steps import Years
from talik.era5land.tiles import Parts, Tile, tile_shape
from talik.era5land.workers import finished, packed
from talik.errors import FileError, UsageError
from talik.files import write_bytes
from talik.results import Result

if TYPE_CHECKING:
    import polars as pl

@dataclass(frozen=True, slots=True)
class Climatology(Result):
    """
    Predictors of every cell, averaged over whole years.

    Attributes
    ----------
    dataset : xarray.Dataset
        Catalogue variables over (latitude, longitude), `<variable>_by_month` over (month, latitude, longitude), and
        `<variable>_reason`, an index into the attribute `flag_meanings`: why a value is missing.
    """

    dataset: Any = field(repr=False)
    settings: Mapping[str, Any] = field(repr=False)
    data_hash: str = field(repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row a cell that holds any value: latitude, longitude, and the catalogue's variables."""
        import polars as pl

        names = [str(name) for name in self.dataset.data_vars
                 if not str(name).endswith(("_by_month", "_reason")) and self.dataset[name].ndim == 2]
        latitude, longitude = np.meshgrid(self.dataset["latitude"].values, self.dataset["longitude"].values,
                                          indexing="ij")
        frame = pl.DataFrame({"latitude": latitude.ravel(), "longitude": longitude.ravel(),
                              **{name: self.dataset[name].values.ravel() for name in names}})
        return frame.with_columns(pl.col(names).fill_nan(None)).filter(pl.any_horizontal(pl.col(names).is_not_null()))

    def __str__(self) -> str:
        first, last = self.settings["years"]
        size = self.dataset.sizes
        return (f"{len(self.settings['variables'])} variables of ERA5-Land averaged over {first}-{last} "
                f"at {size['latitude']} x {size['longitude']} cells")


def reduce(grid: Grid, *, years: Years | None = None, variables: Iterable[str] | None = None,
           store: str | Path | None = None, mask: Any = None, threads: int | None = None, cluster: Any = None,
           accumulation: str | None = None, transpiration: Literal["unswapped", "as_named"] = "unswapped",
           watch: Callable[[int, int], None] | None = None) -> Climatology:
    """
    All predictors of all cells in one streaming pass.

    Parameters
    ----------
    grid : Grid
        As `open_grid` gives it; need not fit into memory.
    years : tuple of int, optional
        First and last whole year; the whole years that all fields cover when None.
    variables : iterable of str, optional
        Catalogue names; everything the fields allow when None.
    store : path, optional
        A Zarr v3 folder for the result (Crc32c, NaN fill, CF attributes). Finished tiles are kept beside it, so that
        the same call goes on where it was interrupted. In memory when None.
    mask : array_like of bool, shape (rows, columns), optional
        True on land; tiles without land are not read. The grid's own land fraction (`lsm`) serves when there is one.
    threads : int, optional
        At work together; the number of CPUs when None.
    cluster : distributed.Client or str, optional
        A cluster, or its address, in place of threads. Its workers read the same paths.
    accumulation : str, optional
        How amounts accumulate, where the data set's id does not tell.
    transpiration : str
        "unswapped", or "as_named": see `fields.quantities`.
    watch : callable, optional
        Called as watch(done, of) after each tile.

    Returns
    -------
    Climatology
        float64; missing values are NaN with a reason.

    Raises
    ------
    DataError
        If the years are not covered, what is declared contradicts the values, or mean months are none that land has
        (as soon as the first tile with such values is summed).
    FileError
        If `store` exists and was made otherwise, or a file is damaged.
    """
    if not grid.gridded:
        raise UsageError("grid: holds single points; `points.at_sites` reads those")
    passed = plan_pass(grid, years=years, variables=variables, accumulation=accumulation, transpiration=transpiration)
    settings = {"years": passed.years, "variables": tuple(passed.quantities), "dataset": grid.dataset,
                "sources": grid.sources, "accumulation": dict(passed.accumulation), "transpiration": transpiration}
    key = _key(grid, settings, mask)
    target = None if store is None else Path(store)
    if target is not None and target.exists():
        return _kept(target, key, settings)
    land = _land(grid, mask)
    tiles = _first_of_each([tile for name in passed.quantities for tile in _tiles(passed, name, land)])
    kept = None if target is None else target.parent / f".{target.name}.parts-{key[:12]}"
    done = _load(kept, tiles)
    summed = finished([tile for tile in tiles if tile.name not in done], threads=threads, cluster=cluster)
    looked_at: set[str] = set()
    for number, (tile, parts) in enumerate(summed, len(done) + 1):
        if tile.quantity.variable not in looked_at and parts["count"].any():
            _refuse_early(passed, tile, parts)
            looked_at.add(tile.quantity.variable)
        if kept is None:
            done[tile.name] = parts
        else:
            write_bytes(kept / f"{tile.name}.npz", packed(parts))
        if watch is not None:
            watch(number, len(tiles))
    dataset = assembled(passed, tiles, done, kept, target, settings, key, land)
    return Climatology(dataset, settings, key)


def _first_of_each(tiles: Sequence[Tile]) -> list[Tile]:
    """One tile of every quantity before the others: what is implausible is refused before everything is summed."""
    first = {tile.quantity.variable: tile for tile in reversed(tiles)}
    return [*reversed(first.values()), *(tile for tile in tiles if tile is not first[tile.quantity.variable])]


def _refuse_early(passed: Pass, tile: Tile, parts: Parts) -> None:
    """Refuse a tile whose mean months no land has, without waiting for the others."""
    variable, wide = tile.quantity.variable, tile.columns[1] - tile.columns[0]
    found, _ = statistics(tile.quantity, tile.layers[0], parts, tile.calendar)
    refuse_implausible(tile.quantity, found[f"{variable}_by_month"], tile.calendar, lambda k: passed.grid.place(
        tile.rows[0] + k // wide, tile.columns[0] + k % wide), part=True)


def reduce_cells(passed: Pass, rows: NDArray[np.int64], columns: NDArray[np.int64], *,
                 threads: int | None = None) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.int8]]]:
    """
    All predictors of some cells; each chunk that holds any of them is opened once.

    Parameters
    ----------
    passed : Pass
        As `plan_pass` gives it.
    rows, columns : ndarray of int, shape (n,)
        The cells.
    threads : int, optional
        At work together.

    Returns
    -------
    values, reasons : dict of ndarray, shape (n,)
        As `climate.statistics` gives them, for all statistics and for what is lacking too.

    Raises
    ------
    DataError
        If mean months are none that land has, or contradict each other: see `plausible`.
    """
    shape = passed.grid.shape
    tiles: list[Tile] = []
    members: dict[str, NDArray[np.int64]] = {}
    for name in passed.quantities:
        high, wide = tile_shape(passed.layers(name)[0], shape)
        whole = passed.tile(name, (0, shape[0]), (0, shape[1]))
        block = rows // high * (shape[1] // wide + 1) + columns // wide
        for label in np.unique(block):
            inside = np.flatnonzero(block == label)
            top, left = int(rows[inside[0]]) // high * high, int(columns[inside[0]]) // wide * wide
            tile = replace(whole, rows=(top, min(top + high, shape[0])), columns=(left, min(left + wide, shape[1])),
                           cells=(rows[inside] - top, columns[inside] - left))
            tiles.append(tile)
            members[tile.name] = inside
    values: dict[str, NDArray[np.float64]] = {}
    reasons: dict[str, NDArray[np.int8]] = {}
    months = {variable: np.full((12, rows.size), np.nan) for variable in passed.quantities}
    for tile, parts in finished(tiles, threads=threads, cluster=None):
        found, codes = statistics(tile.quantity, tile.layers[0], parts, tile.calendar)
        months[tile.quantity.variable][:, members[tile.name]] = found[f"{tile.quantity.variable}_by_month"]
        for name in codes:
            values.setdefault(name, np.full(rows.size, np.nan))[members[tile.name]] = found[name]
            reasons.setdefault(name, np.zeros(rows.size, np.int8))[members[tile.name]] = codes[name]
    for variable, quantity in passed.quantities.items():
        refuse_implausible(quantity, months[variable], passed.calendar(variable),
                           lambda k: passed.grid.place(int(rows[k]), int(columns[k])))
    refuse_contradiction(months, lambda k: passed.grid.place(int(rows[k]), int(columns[k])))
    for variable, code in passed.lacking.items():
        for name in made_of(variable):
            values[name] = np.full(rows.size, np.nan)
            reasons[name] = np.full(rows.size, code, np.int8)
    return values, reasons


def _tiles(passed: Pass, name: str, land: NDArray[np.bool_] | None) -> Iterator[Tile]:
    shape = passed.grid.shape
    high, wide = tile_shape(passed.layers(name)[0], shape)
    whole = passed.tile(name, (0, shape[0]), (0, shape[1]))
    for top in range(0, shape[0], high):
        for left in range(0, shape[1], wide):
            rows, columns = (top, min(top + high, shape[0])), (left, min(left + wide, shape[1]))
            if land is None or land[slice(*rows), slice(*columns)].any():
                yield replace(whole, rows=rows, columns=columns)


def _land(grid: Grid, mask: Any) -> NDArray[np.bool_] | None:
    if mask is None:
        fraction = grid.statics.get("lsm")
        return None if fraction is None or fraction.shape != grid.shape else np.nan_to_num(fraction) > 0
    land = np.asarray(mask, dtype=bool)
    if land.shape != grid.shape:
        raise UsageError(f"mask: has shape {land.shape}, the grid {grid.shape}")
    return land


def _key(grid: Grid, settings: Mapping[str, Any], mask: Any) -> str:
    """What the result depends on: settings, cells, stamps, and size and date of the files where they are known."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for array in (grid.latitude, grid.longitude):
        digest.update(array.tobytes())
    for short, layer in sorted(grid.layers.items()):
        digest.update(f"{short} {layer.scale} {layer.shift}".encode() + layer.times.tobytes())
        for piece in layer.pieces:
            path = Path(str(piece.array.encoding.get("zarr_store", piece.array.encoding.get("source", ""))))
            if path.name and path.exists():
                digest.update(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    if mask is not None:
        digest.update(np.packbits(np.asarray(mask, bool)).tobytes())
    return digest.hexdigest()


def _kept(target: Path, key: str, settings: Mapping[str, Any]) -> Climatology:
    dataset = read_climatology(target)
    if dataset.attrs.get("talik_key") != key:
        raise FileError(f"{target}: holds another climatology (other files, years or variables). Choose another name "
                        "or remove it.")
    return Climatology(dataset, settings, key)


def _load(kept: Path | None, tiles: Sequence[Tile]) -> dict[str, Parts]:
    if kept is None or not kept.is_dir():
        return {}
    return {tile.name: {} for tile in tiles if (kept / f"{tile.name}.npz").is_file()}


def climatology_of(path: str | Path) -> Climatology:
    """
    A climatology that `reduce` has written.

    Raises
    ------
    FileError
        If the folder is none.
    """
    dataset = read_climatology(Path(path))
    return Climatology(dataset, json.loads(dataset.attrs["talik_settings"]), str(dataset.attrs["talik_key"]))
