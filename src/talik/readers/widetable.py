"""Wide tables (one row a stamp, one column a depth) as records: fills marked, units to °C, stamps to UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talik.readers.columns import Columns
from talik.readers.depths import CELSIUS, Labelled, Unit, unit_of
from talik.readers.doubtful import set_aside, told
from talik.readers.numerals import fills_marked
from talik.readers.registry import Head
from talik.readers.sources import sourced
from talik.readers.zones import Zone, contradiction
from talik.records import Record

_NEVER = (-99.0, -99.9, -99.99, 99.0, 99.9, 99.99)
"""Fill values that are temperatures in °C nowhere on Earth, and may be some in °F."""


def wide_record(
    head: Head,
    columns: Columns,
    names: Sequence[str],
    labelled: Labelled,
    zone: Zone,
    *,
    site: str,
    header: str,
    fills: Sequence[float] = (),
    unit: Unit | None = None,
    metadata: Mapping[str, Any] | None = None,
    others: Sequence[str] = (),
    understood: Sequence[str] = (),
) -> Record:
    """
    The record of one site's wide table.

    Parameters
    ----------
    head : Head
        Of the file.
    columns : Columns
        Its rows.
    names : sequence of str
        Columns that hold temperatures.
    labelled : Labelled
        Their depths.
    zone : Zone
        Of the stamps.
    site, header : str
        Name of the site; the original header.
    fills : sequence of float
        Fill values that the format declares.
    unit : Unit, optional
        Of all columns; without it each column's name says its own, and °C is taken where it says none.
    metadata : mapping, optional
        What the file says of the site.
    others : sequence of str
        Number columns that are not temperatures.
    understood : sequence of str
        Further sentences.

    Raises
    ------
    AmbiguousFile
        If no unit is named and the values cannot be °C.
    """
    units = [unit or unit_of(name) for name in names]
    values, flags = celsius(columns, names, units, fills, file=head.name)
    about = dict(metadata or {})
    times, source = sourced(
        head,
        columns.proved,
        zone,
        header=header,
        understood=(
            *understood,
            columns.note,
            units_found(units),
            told(names, flags),
            labelled.how,
            contradiction(zone, about.get("longitude")),
        ),
    )
    beside = {name: columns.frame[name].to_numpy() for name in others}
    return Record(site, times, labelled.depths, values, flags, tuple(names), source, about, beside)


def celsius(
    columns: Columns, names: Sequence[str], units: Sequence[Unit | None], fills: Sequence[float] = (), *, file: str
) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
    """Columns in °C, shape (n, m), and the flags of their fill values."""
    values = columns.matrix(names)
    if all(unit is None or unit is CELSIUS for unit in units):
        values, flags = fills_marked(values, fills, never=_NEVER)
    else:
        values, flags = values.copy(order="K"), np.empty(values.shape, np.uint16)
        for place, unit in enumerate(units):
            known = unit or CELSIUS
            clean, flags[:, place] = fills_marked(
                values[:, place], fills, celsius=known is CELSIUS, never=_NEVER if known is CELSIUS else ()
            )
            values[:, place] = known.to_celsius(clean)
    unnamed = [place for place, unit in enumerate(units) if unit is None]
    return set_aside(values, flags, unnamed, file=file) if unnamed else (values, flags)


def units_found(units: Sequence[Unit | None]) -> str:
    """A sentence on the units of temperature columns."""
    named = sorted({unit.name for unit in units if unit is not None})
    missing = "°C taken, none is named" if None in units else ""
    return "units: " + ", ".join(filter(None, (*named, missing)))
