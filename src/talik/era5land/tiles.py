"""One tile of a grid in one pass over time: what is read once and summed in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talik.era5land.chunks import chunk_shape
from talik.era5land.fields import Quantity
from talik.era5land.grids import Layer
from talik.era5land.steps import Calendar, Steps

Parts = dict[str, NDArray[Any]]
MAX_CELLS = 1 << 20
"""Of a tile: its sums take about half a gigabyte."""
BLOCK_BYTES = 32 << 20
"""Read at a time, where chunks are smaller."""
WHOLE_CHUNK = 1 << 19
"""Chunks of at least this many bytes are read one at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """
    A quantity over a rectangle of cells, or over some cells of it.

    Attributes
    ----------
    quantity, layers, steps, calendar
        What is made, from which layers, and what their stamps stand for.
    rows, columns : tuple of int
        First and last + 1.
    cells : tuple of ndarray, or None
        Rows and columns of the wanted cells, counted from the rectangle's corner; all cells when None.
    """

    quantity: Quantity
    layers: tuple[Layer, ...]
    steps: tuple[Steps, ...]
    calendar: Calendar
    rows: tuple[int, int]
    columns: tuple[int, int]
    cells: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    @property
    def size(self) -> int:
        """Number of cells summed."""
        if self.cells is not None:
            return int(self.cells[0].size)
        return (self.rows[1] - self.rows[0]) * (self.columns[1] - self.columns[0])

    @property
    def name(self) -> str:
        """Unique within a quantity and a grid."""
        return f"{self.quantity.variable}-{self.rows[0]}-{self.columns[0]}"


def tile_shape(layer: Layer, shape: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of a tile: the chunk's where chunks are whole blocks of time, else as many rows as fit."""
    chunk = chunk_shape(layer.pieces[0].array)
    if chunk is not None and 4 * chunk[0] * chunk[1] * chunk[2] >= WHOLE_CHUNK and chunk[1] * chunk[2] <= MAX_CELLS:
        return chunk[1], chunk[2]
    rows = max(1, min(shape[0], MAX_CELLS // shape[1]))
    if chunk is not None and rows < shape[0]:
        rows = max(chunk[1], rows // chunk[1] * chunk[1])
    return rows, shape[1]


def sums(tile: Tile) -> Parts:
    """
    The sums of a tile, in one pass over its time.

    Returns
    -------
    dict of ndarray, shape (12, cells)
        "total" and "count" by calendar month, in the unit as stored (amounts: a day); for quantities counted by days
        also "above", "below" [unit d], "reach" and "days". A day below 80 % of its samples does not count.
    """
    from talik.kernels.grid_sums import add_days, add_months, add_packed_months, add_whole_days, close_day

    size, first = tile.size, tile.layers[0]
    total, count = np.zeros((12, size)), np.zeros((12, size), np.int32)
    by_days = bool(tile.quantity.days) and first.step != "monthly"
    above, below, reach = (np.zeros((12, size if by_days else 0)) for _ in range(3))
    days = np.zeros((12, size), np.int32)
    day_sum, day_count, open_day = np.zeros(size), np.zeros(size, np.int32), np.full(2, -1, np.int64)
    zero = day_threshold(tile.quantity, first)
    for block, steps, part in _blocks(tile):
        month = steps.month[part]
        if first.packed is not None and block.dtype == np.int16:
            add_packed_months(block, month, first.packed.missing, total, count)
            block = first.packed.floats(block) if by_days else block
        else:
            block = block if steps.weight is None else block * steps.weight[part, None]
            add_months(block, month, total, count)
        if by_days and first.step == "daily":
            add_whole_days(block, month, zero, above, below, reach, days)
        elif by_days:
            add_days(block, steps.day[part], month, open_day, day_sum, day_count, tile.calendar.day_need, zero, above,
                     below, reach, days)
    parts: Parts = {"total": total, "count": count}
    if by_days:
        close_day(open_day, day_sum, day_count, tile.calendar.day_need, zero, above, below, reach, days)
        parts |= {"above": above, "below": below, "reach": reach, "days": days}
    return parts


def day_threshold(quantity: Quantity, layer: Layer) -> float:
    """0 °C, or half of the cell under snow, in the layer's own unit as stored."""
    return ({"degree": 273.15, "snow": 50.0}.get(quantity.days, 0.0) - layer.shift) / layer.scale


def _blocks(tile: Tile) -> Iterator[tuple[NDArray[Any], Steps, slice]]:
    """Blocks (steps, cells) in the order of time, each with its stamps; chunks without a used stamp are not read."""
    from talik.kernels.grid_sums import speed

    rows, columns = slice(*tile.rows), slice(*tile.columns)
    cells = (tile.rows[1] - tile.rows[0]) * (tile.columns[1] - tile.columns[0])
    for number, steps in enumerate(tile.steps):
        length = block_length(tile.layers[0], number, cells)
        for start in range(0, steps.month.size, length):
            part = slice(start, min(start + length, steps.month.size))
            if not (steps.month[part] >= 0).any():
                continue
            exact = len(tile.layers) == 1 and tile.layers[0].packed is not None and steps.weight is None
            read = [(layer.read_packed if exact else layer.read)(number, (part, rows, columns))
                    for layer in tile.layers]
            block = read[0] if len(read) == 1 else speed(*(np.ascontiguousarray(component) for component in read))
            if tile.cells is not None:
                block = block[:, tile.cells[0], tile.cells[1]]
            yield np.ascontiguousarray(block.reshape(block.shape[0], -1)), steps, part


def block_length(layer: Layer, piece: int, cells: int) -> int:
    """Steps to read at a time for a tile of so many cells: a chunk, or as many chunks as fill a block."""
    chunk = chunk_shape(layer.pieces[piece].array)
    steps = chunk[0] if chunk else 1
    if chunk and 4 * steps * chunk[1] * chunk[2] >= WHOLE_CHUNK and 4 * steps * cells <= 4 * BLOCK_BYTES:
        return steps
    return steps * max(1, BLOCK_BYTES // (4 * steps * cells))
