"""What the rows and columns of a table are said to measure and in which unit; refused where that is not clear."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import AmbiguousFile, UnknownFormat
from talik.readers.channels import temperatures_among
from talik.readers.columns import Columns
from talik.readers.depths import GAP_FILLED, Unit, unit_of
from talik.readers.preamble import foreign_unit
from talik.readers.roles import Roles
from talik.readers.tables import Table


def of_temperatures(columns: Columns, roles: Roles, file: str) -> tuple[Columns, str]:
    """The rows that measure a temperature of the air or the ground by their own words; a sentence on the others."""
    names = [name for name in (roles.kind, *roles.units.values()) if name and len(roles.temperatures) == 1]
    kept = np.ones(len(columns.lines), bool)
    for name in names:
        words = columns.frame[name].cast(pl.String)
        told = [word for word in words.unique(maintain_order=True).to_list() if word]
        warm = [w for w in told if (temperatures_among([w], False) if name == roles.kind else unit_of(w))]
        if name == roles.kind and not warm:
            raise UnknownFormat(f"{file}: no row of column {name!r} names a temperature ({', '.join(told[:8])})")
        if len(warm) < len(told):
            kept &= words.is_in(warm).fill_null(False).to_numpy()
    if kept.all():
        return columns, ""
    if not kept.any():
        raise UnknownFormat(f"{file}: no row is a temperature by the columns {', '.join(names)}")
    left = columns.frame.filter(pl.Series(~kept))[names[0]].cast(pl.String).drop_nulls().unique(maintain_order=True)
    others = ", ".join(left.to_list()[:6])
    return columns.kept(kept), f"rows: {(~kept).sum()} of {len(kept)} measure something else and are left out: {others}"


def unit_beside(columns: Columns, roles: Roles, file: str) -> Unit | None:
    """The unit that columns of units say."""
    said = {word for name in roles.units.values() for word in columns.frame[name].cast(pl.String).unique() if word}
    units = {unit.name: unit for word in said if (unit := unit_of(word))}
    if len(units) > 1:
        raise AmbiguousFile(
            f"{file}: the columns {', '.join(roles.units.values())} name several units ({', '.join(sorted(said))}): "
            "write all temperatures in one of them"
        )
    return next(iter(units.values()), None)


def refuse_groups(roles: Roles, table: Table, depths: NDArray[np.float64], file: str) -> None:
    """Refuse a table whose upper row of names parts it into groups that hold the same depths."""
    seen: dict[float, str] = {}
    for name, depth in zip(roles.temperatures, depths.tolist(), strict=True):
        group = table.groups.get(name, "")
        if group and seen.setdefault(depth, group) != group:
            alone = ",".join(other for other in roles.temperatures if table.groups.get(other) == group)
            raise AmbiguousFile(
                f"{file}: {seen[depth]!r} and {group!r} stand above columns of the same depths: several sites or "
                f"sensors? Read one after the other, such as columns={{'temperature': '{alone}'}}"
            )


def refuse_foreign_unit(table: Table, roles: Roles, file: str) -> None:
    """Refuse a table whose columns name no unit when the lines above it speak of another than °C."""
    filled = [name for name in roles.temperatures if GAP_FILLED.match(name)]
    if filled and roles.unit is None and "TIMESTAMP_START" not in table.names:
        raise AmbiguousFile(
            f"{file}: does F in {filled[0]!r} say Fahrenheit, or as in FLUXNET's names that gaps are filled? Name the "
            "unit: columns={'unit': 'F'} or 'C'"
        )
    line = foreign_unit(table.above)
    if line and roles.unit is None and any(unit_of(name) is None for name in roles.temperatures):
        raise AmbiguousFile(
            f"{file}: the columns name no unit, and above them stands {line[:100]!r}. Name the unit of the "
            "temperatures: columns={'unit': 'F'}, 'K' or 'C'"
        )
