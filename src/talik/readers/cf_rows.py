"""CF arrays that are no rectangle (incomplete, contiguous ragged, indexed ragged, moving depths): one row a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.cf_variables import bad_codes, is_depth, marked, metres, temperatures, upwards
from talik.readers.netcdf_file import Content, Variable
from talik.readers.registry import Head
from talik.records import Flag


@dataclass(frozen=True, slots=True)
class Rows:
    """
    The values of one variable.

    Parameters
    ----------
    name : str
        Of the variable.
    time : array, shape (k,)
        As in the file, in the units of its variable.
    depth : float array, shape (k,)
        [m], positive down; NaN where unknown.
    value, flag : arrays, shape (k,)
        Temperature [°C] and marks.
    station : int array, shape (k,)
        Number of the station along its dimension.
    stations : str
        Name of that dimension; "" when there is one station.
    """

    name: str
    time: NDArray[Any]
    depth: NDArray[np.float64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint16]
    station: NDArray[np.integer]
    stations: str


def rows_of(content: Content, variable: Variable, time: Variable, head: Head) -> Rows:
    """
    Time, depth and station of every value of a variable, by the dimensions they share and the links between them.

    Raises
    ------
    FileError
        If the time does not belong to the variable, a link is broken, or a value has no time.
    """
    values, flags = temperatures(variable, head)
    for name in variable.text("ancillary_variables").split():
        flag = content.variables.get(name)
        if flag is not None and flag.dimensions == variable.dimensions:
            flags = flags | marked(np.asarray(flag.values()), bad_codes(flag))
    target = dict(zip(variable.dimensions, variable.shape, strict=True))
    clock = _laid_over(content, np.asarray(time.values()), time.dimensions, target, time.name, head)
    level = next((v for v in _levels(content, variable) if v is not None), None)
    if level is None:
        depth = np.full(values.shape, np.nan)
    else:
        found = np.asarray(level.values(), dtype=np.float64)
        found = np.where(_is_fill(level, found), np.nan, found)
        found = found * upwards(level, found) * (metres(level) or 1.0)
        depth = np.round(_laid_over(content, found, level.dimensions, target, level.name, head), 6) + 0.0
    stations = _stations(content, variable, time)
    numbers = np.zeros(values.shape, np.int64)
    if stations:
        length = next(
            v.shape[v.dimensions.index(stations)] for v in content.variables.values() if stations in v.dimensions
        )
        numbers = _laid_over(content, np.arange(length), (stations,), target, stations, head)
    there = ~(np.isnan(values) & (flags == Flag.MISSING))  # unused room at the ends of incomplete arrays
    timeless = _is_fill(time, clock) & there
    if timeless.any():
        raise FileError(f"{head.name}: {int(timeless.sum())} values of {variable.name!r} have no time")
    keep = there | ~_is_fill(time, clock) & ~np.isnan(depth)
    return Rows(variable.name, clock[keep], depth[keep], values[keep], flags[keep], numbers[keep], stations)


def _levels(content: Content, variable: Variable) -> list[Variable]:
    """The vertical coordinates of a variable: those it names, else those along its dimensions or their links."""
    levels = [v for v in content.variables.values() if is_depth(v)]
    named = [v for v in levels if v.name in variable.text("coordinates").split()]
    along = [v for v in levels if v.dimensions and set(v.dimensions) <= set(variable.dimensions)]
    return named or along or [v for v in levels if v.dimensions]


def _is_fill(variable: Variable, values: NDArray[Any]) -> NDArray[np.bool_]:
    missing = ~np.isfinite(values.astype(np.float64)) | (np.abs(values.astype(np.float64)) > 1e30)
    for key in ("_FillValue", "missing_value"):
        if key in variable.attributes:
            missing |= np.isin(values, np.atleast_1d(variable.attributes[key]))
    return missing


def _stations(content: Content, variable: Variable, time: Variable) -> str:
    """The dimension of the stations: of their identifiers, or the one that an index leads to."""
    named = [v for v in content.variables.values() if v.text("cf_role") == "timeseries_id" and v.dimensions]
    linked = [v.text("instance_dimension") for v in content.variables.values() if v.text("instance_dimension")]
    return next(iter([named[0].dimensions[0]] if named else linked), "")


def _laid_over(
    content: Content,
    values: NDArray[Any],
    dimensions: tuple[str, ...],
    target: dict[str, int],
    name: str,
    head: Head,
) -> NDArray[Any]:
    """Values along some dimensions, laid over those of a variable: broadcast, repeated by row sizes, or by an index."""
    for _ in range(3):  # station -> profile -> observation is the longest way
        odd = next((d for d in dimensions if d not in target), None)
        if odd is None:
            break
        axis = dimensions.index(odd)
        link = _link(content, odd)
        if link is None:
            raise FileError(
                f"{head.name}: {name!r} has the dimension {odd!r}, and nothing says how it belongs to {target}"
            )
        counts, to = link
        if counts.text("sample_dimension"):
            values = np.repeat(values, np.asarray(counts.values()).astype(np.int64), axis=axis)
        else:
            index = np.asarray(counts.values()).astype(np.int64)
            if index.size and (index.min() < 0 or index.max() >= values.shape[axis]):
                raise FileError(
                    f"{head.name}: the index {counts.name!r} leads beyond the {values.shape[axis]} of {odd!r}"
                )
            values = np.take(values, index, axis=axis)
        dimensions = (*dimensions[:axis], to, *dimensions[axis + 1 :])
    order = [dimensions.index(d) for d in target if d in dimensions]
    shape = tuple(size if d in dimensions else 1 for d, size in target.items())
    try:
        return np.broadcast_to(values.transpose(order).reshape(shape), tuple(target.values()))
    except ValueError:
        raise FileError(
            f"{head.name}: the row sizes of {name!r} sum to {values.shape}, expected {tuple(target.values())}"
        ) from None


def _link(content: Content, dimension: str) -> tuple[Variable, str] | None:
    """What leads from a dimension to a finer one, and that one: row sizes along it, or an index into it."""
    for variable in content.variables.values():
        if variable.dimensions == (dimension,) and variable.text("sample_dimension"):
            return variable, variable.text("sample_dimension")
        if variable.text("instance_dimension") == dimension and len(variable.dimensions) == 1:
            return variable, variable.dimensions[0]
    return None
