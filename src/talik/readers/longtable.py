"""Long tables (one row a value) as times x depths: nothing is lost, repeated stamps stay repeated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.records import Flag, Times


@dataclass(frozen=True, slots=True)
class Wide:
    """
    A long table, spread out.

    Parameters
    ----------
    times : datetime64[us] array, shape (n,)
        Rising. A stamp is repeated as often as the table repeats it at one depth.
    depths : float array, shape (m,)
        [m], rising.
    values : float array, shape (n, m)
        NaN where the table has no row.
    flags : uint16 array, shape (n, m)
        MISSING where the table has no row, else the marks of its row; UNSORTED where a stamp stood before an
        earlier one of the same depth.
    repeated : int
        Rows whose stamp and depth occurred before.
    """

    times: Times
    depths: NDArray[np.float64]
    values: NDArray[np.float64]
    flags: NDArray[np.uint16]
    repeated: int


def spread(times: Times, depths: NDArray[np.float64], values: NDArray[np.float64], marks: NDArray[np.uint16]) -> Wide:
    """
    One value a row as times x depths.

    Parameters
    ----------
    times, depths, values, marks : arrays, shape (k,)
        Of each row of the long table.

    Examples
    --------
    >>> times = np.array(["2020-01-01", "2020-01-02", "2020-01-01"], "M8[us]")
    >>> wide = spread(times, np.array([0.1, 0.1, 0.5]), np.array([-5.0, -6.0, -3.0]), np.zeros(3, np.uint16))
    >>> wide.values
    array([[-5., -3.],
           [-6., nan]])
    """
    levels, column = _codes(depths)
    order = np.argsort(levels)
    levels, column = levels[order], np.argsort(order).astype(np.int32)[column]
    clock = times.astype("M8[us]", copy=False).view(np.int64)
    marks = marks | _falls(clock, column)
    stamps, row = _stamp_codes(clock, column)
    cell = row * np.int64(len(levels)) + column
    taken = np.zeros(len(stamps) * len(levels), bool)
    taken[cell] = True
    repeated = len(cell) - int(np.count_nonzero(taken))
    if repeated:
        stamps, row = _with_repetitions(stamps, row, cell)
        cell = row * len(levels) + column
    wide = np.full((len(stamps), len(levels)), np.nan)
    flags = np.full(wide.shape, np.uint16(Flag.MISSING))
    wide.reshape(-1)[cell] = values
    flags.reshape(-1)[cell] = marks
    return Wide(stamps.view("M8[us]"), levels, wide, flags, repeated)


def _codes(depths: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """Distinct depths and the place of each row's; quick when the table runs depth by depth."""
    starts = np.r_[0, np.flatnonzero(depths[1:] != depths[:-1]) + 1]
    if len(starts) < 0.1 * len(depths):
        levels, codes = np.unique(depths[starts], return_inverse=True)
        return levels, np.repeat(codes.astype(np.int32), np.diff(starts, append=len(depths)))
    series = pl.Series(depths)
    levels = series.unique().to_numpy()
    return levels, series.replace_strict(levels, np.arange(len(levels)), return_dtype=pl.Int64).to_numpy()


def _stamp_codes(
    clock: NDArray[np.integer], column: NDArray[np.integer]
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Distinct stamps, rising, and the place of each row's; quick when every depth has the same stamps in order."""
    width = int(np.argmax(column != column[0])) or len(column)
    if len(clock) % width == 0:
        table = clock.reshape(-1, width)
        if (table == table[0]).all() and (np.diff(table[0]) > 0).all():
            return table[0].copy(), np.tile(np.arange(width, dtype=np.int32), len(table))
    stamps = np.unique(clock)
    return stamps, np.searchsorted(stamps, clock)


def _with_repetitions(
    stamps: NDArray[np.integer], row: NDArray[np.integer], cell: NDArray[np.integer]
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Rows of their own for stamps that occur again at the same depth."""
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    turn = np.empty(len(cell), np.int64)
    turn[order] = np.arange(len(cell)) - np.repeat(starts, np.diff(starts, append=len(cell)))
    turns = int(turn.max()) + 1
    keys, place = np.unique(row * turns + turn, return_inverse=True)
    return stamps[keys // turns], place


def _falls(clock: NDArray[np.integer], column: NDArray[np.integer]) -> NDArray[np.uint16]:
    """UNSORTED for rows whose stamp is before the previous one of the same depth in the table."""
    fall = np.zeros(len(column), np.uint16)
    if np.count_nonzero(column[1:] != column[:-1]) < 0.1 * len(column):  # the table runs depth by depth
        fall[1:][(clock[1:] < clock[:-1]) & (column[1:] == column[:-1])] = Flag.UNSORTED
        return fall
    order = np.argsort(column, kind="stable")
    clock, column = clock[order], column[order]
    fall[order[1:][(clock[1:] < clock[:-1]) & (column[1:] == column[:-1])]] = Flag.UNSORTED
    return fall
