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
    clock = times.astype("M8[us]", copy=False).view(np.int64)
    if (even := _even(clock, depths, values, marks)) is not None:
        return even
    levels, column = _codes(depths)
    order = np.argsort(levels)
    levels, column = levels[order], np.argsort(order).astype(np.int32)[column]
    marks = marks | _falls(clock, column)
    stamps: NDArray[np.integer] = np.unique(clock)
    row: NDArray[np.integer] = np.searchsorted(stamps, clock)
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


def _even(
    clock: NDArray[np.int64], depths: NDArray[np.float64], values: NDArray[np.float64], marks: NDArray[np.uint16]
) -> Wide | None:
    """A table that runs depth by depth, each with the same rising stamps, is wide already, without a copy."""
    length = int(np.argmax(depths != depths[0])) or len(depths)
    if len(depths) % length:
        return None
    stamps, levels = clock[:length], depths[::length]
    by_depth = depths.reshape(-1, length) == levels[:, None]
    if len(np.unique(levels)) < len(levels) or not by_depth.all() or not (stamps[1:] > stamps[:-1]).all():
        return None
    if not (clock.reshape(-1, length) == stamps).all():
        return None
    order = slice(None) if (levels[1:] > levels[:-1]).all() else np.argsort(levels)
    shape = (-1, length)
    wide, flags = values.reshape(shape)[order].T, marks.reshape(shape)[order].T
    return Wide(stamps.copy().view("M8[us]"), levels[order].copy(), wide, flags, 0)


def _codes(depths: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """Distinct depths and the place of each row's; quick when the table runs depth by depth."""
    starts = np.r_[0, np.flatnonzero(depths[1:] != depths[:-1]) + 1]
    if len(starts) < 0.1 * len(depths):
        levels, codes = np.unique(depths[starts], return_inverse=True)
        return levels, np.repeat(codes.astype(np.int32), np.diff(starts, append=len(depths)))
    series = pl.Series(depths)
    levels = series.unique().to_numpy()
    return levels, series.replace_strict(levels, np.arange(len(levels)), return_dtype=pl.Int64).to_numpy()


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
