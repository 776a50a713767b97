"""Rows of years: the means of air, surface and depth brought together, window by window, replicate by replicate."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from talik.errors import UsageError
from talik.kernels.equilibrium import apparent_rk, n_factors, offset_parts
from talik.records import Record
from talik.series.annual import AnnualMeans, annual_means
from talik.series.columns import Column
from talik.series.completeness import Completeness
from talik.series.filling import Filling
from talik.series.thaw import ActiveLayer, ThawOptions, ThawYear, layer_of
from talik.series.uncertainty import Sensors, combined

if TYPE_CHECKING:
    import polars as pl

NAN = float("nan")
_MEANS = ("maat", "magst", "ttop")
_ROLES = ("air", "surface", "depth")


@dataclass(frozen=True, slots=True)
class Pairing:
    """
    What is paired with what.

    Parameters
    ----------
    air, surface, depth : sequence of Column
        Replicates in order; one serves all. Empty `depth` with `profiles` means the top of permafrost.
    profiles : sequence of sequences of Column
        The ground columns of one record each: strings, one after the other.
    alt, completeness, fill, sensors, thaw
        As for `annual_offsets`.

    Raises
    ------
    UsageError
        If replicates do not pair up.
    """

    air: Sequence[Column]
    surface: Sequence[Column]
    depth: Sequence[Column]
    profiles: Sequence[Sequence[Column]]
    alt: float | Mapping[int, float] | None
    completeness: Completeness
    fill: Filling | None
    sensors: Sensors
    thaw: ThawOptions

    def __post_init__(self) -> None:
        if len({len(c) for c in (self.air, self.surface, self.depth)} - {0, 1}) > 1:
            raise UsageError(f"replicates do not pair up: {len(self.air)} air, {len(self.surface)} surface, "
                             f"{len(self.depth)} depth columns; expected the same number of each, or one for all")

    @property
    def settings(self) -> dict[str, Any]:
        """What was asked, for the result."""
        return {"completeness": asdict(self.completeness), "fill": asdict(self.fill) if self.fill else None,
                "sensors": asdict(self.sensors), "thaw": asdict(self.thaw),
                "alt": dict(self.alt) if isinstance(self.alt, Mapping) else self.alt}


@dataclass(frozen=True, slots=True)
class _Cell:
    """One column's year: what an offset needs of it, or the reason there is nothing."""

    mean: float = NAN
    tdd: float = NAN
    fdd: float = NAN
    n: int = 0
    filled: int = 0
    longest_gap: int | None = None
    bias_bound: float = NAN
    gap_uncertainty: float = NAN
    reason: str = "no_column"


@dataclass(slots=True)
class _Years:
    """Annual means of every column in use, each record gone through once."""

    pairing: Pairing
    annual: dict[int, AnnualMeans] = field(default_factory=dict)
    place: dict[tuple[int, int], int] = field(default_factory=dict)
    layers: list[ActiveLayer] = field(default_factory=list)

    def __post_init__(self) -> None:
        p = self.pairing
        by_record: dict[int, tuple[Record, list[int]]] = {}
        for column in (*p.air, *p.surface, *p.depth, *(c for string in p.profiles for c in string)):
            used = by_record.setdefault(id(column.record), (column.record, []))[1]
            if column.index not in used:
                used.append(column.index)
        for key, (record, indices) in by_record.items():
            self.annual[key] = annual_means(_part(record, indices), completeness=p.completeness, fill=p.fill,
                                            sensors=p.sensors)
            self.place |= {(key, index): k for k, index in enumerate(indices)}
        for string in (s for s in p.profiles if s):
            key = id(string[0].record)
            columns = np.array([self.place[key, c.index] for c in string])
            self.layers.append(layer_of(self.annual[key], columns=columns, sensors=p.sensors, options=p.thaw,
                                        alt=p.alt))

    def thawed(self, year: int) -> tuple[ThawYear, Sequence[Column]] | None:
        """The thawed layer of a year and the string it was read off: the one with most whole sensors."""
        found = [(y, string) for layer, string in zip(self.layers, filter(None, self.pairing.profiles), strict=True)
                 for y in layer.years if y.year == year]
        return max(found, key=lambda f: sum(self.cell(c, year).reason == "" for c in f[1]), default=None)

    def cell(self, column: Column | None, year: int) -> _Cell:
        if column is None:
            return _Cell()
        means = self.annual[id(column.record)]
        row = np.flatnonzero(means.year == year)
        if not row.size:
            return _Cell(reason="no_data")
        i, k = int(row[0]), self.place[id(column.record), column.index]
        return _Cell(float(means.mean[i, k]), float(means.tdd[i, k]), float(means.fdd[i, k]), int(means.n[i, k]),
                     int(means.filled[i, k]), int(means.longest_gap[i, k]), float(means.bias_bound[i, k]),
                     float(means.gap_uncertainty[i, k]), str(means.reason[i, k]))


def year_rows(pairing: Pairing) -> tuple[pl.DataFrame, str]:
    """The table of years of `AnnualOffsets`, and the hash of the daily means behind it."""
    import polars as pl

    years = _Years(pairing)
    windows = {int(y): (s, e, int(d)) for a in years.annual.values()
               for y, s, e, d in zip(a.year, a.start, a.end, a.days, strict=True)}
    rows = []
    for year in sorted(windows):
        start, end, days = windows[year]
        rows.append({"year": year, "start": start.item(), "end": end.item(), "days": days,
                     **_row(years, year, days)})
    digest = hashlib.sha256("".join(sorted(a.data_hash for a in years.annual.values())).encode()).hexdigest()
    frame = pl.DataFrame(rows, infer_schema_length=None)
    empty = [name for name, kind in frame.schema.items() if kind == pl.Null]
    return frame.with_columns(pl.col(empty).cast(pl.Float64)).with_columns(pl.col(pl.Float64).fill_nan(None)), digest


def _row(years: _Years, year: int, days: int) -> dict[str, Any]:
    p, thawed = years.pairing, years.thawed(year)
    layer = thawed[0] if thawed else None
    replicates = [tuple(years.cell(c[min(r, len(c) - 1)] if c else None, year) for c in (p.air, p.surface, p.depth))
                  for r in range(max(len(p.air), len(p.surface), len(p.depth)))]
    whole = [sum(c.reason == "" for c in cells) for cells in replicates]
    used = [cells for cells, count in zip(replicates, whole, strict=True) if count == max(whole)]
    roles = [_merged([cells[k] for cells in used], min(len(c), len(used)))
             for k, c in enumerate((p.air, p.surface, p.depth))]
    gaps = [role.gap_uncertainty for role in roles]
    sensor = [p.sensors.temperature / np.sqrt(max(min(len(c), len(used)), 1)) for c in (p.air, p.surface, p.depth)]
    if thawed is not None:
        layer = thawed[0]
        roles[2] = _from_layer(years, year, *thawed)
        gaps[2], sensor[2] = 0.0, layer.ttop_uncertainty
    return (_values(roles, days, p) | _thickness(layer, p.alt, year, p.depth)
            | _errors(roles, gaps, sensor, layer, year, p)
            | {"replicates": len(used), "reason": _reasons(roles, year, days, layer, p)})


def _merged(cells: list[_Cell], distinct: int) -> _Cell:
    """Mean of the replicates' cells; gaps of different sensors are independent, those of one shared sensor are not."""
    if len(cells) == 1 or distinct <= 1:
        return cells[0]
    means = {name: float(np.mean([getattr(c, name) for c in cells]))
             for name in ("mean", "tdd", "fdd", "bias_bound", "gap_uncertainty")}
    means["gap_uncertainty"] /= np.sqrt(distinct)
    gaps = [c.longest_gap for c in cells if c.longest_gap is not None]
    return replace(cells[0], **means, n=min(c.n for c in cells), filled=max(c.filled for c in cells),
                   longest_gap=max(gaps, default=None), reason=next((c.reason for c in cells if c.reason), ""))


def _from_layer(years: _Years, year: int, layer: ThawYear, string: Sequence[Column]) -> _Cell:
    """The top of permafrost as a cell: its days are those of the sensor nearest to it that has a whole year."""
    cells = [(abs(c.depth - layer.ttop_depth), years.cell(c, year)) for c in string]
    near = min((c for c in cells if c[1].reason == ""), key=lambda c: c[0], default=(0.0, _Cell(reason="no_profile")))
    return replace(near[1], mean=layer.ttop, tdd=NAN, fdd=NAN, reason=layer.ttop_reason)


def _values(roles: list[_Cell], days: int, p: Pairing) -> dict[str, Any]:
    air, surface, deep = roles
    n_thaw, n_freeze = n_factors(air.tdd, air.fdd, surface.tdd, surface.fdd)
    nival, vegetation = offset_parts(air.tdd, air.fdd, surface.tdd, surface.fdd, days)
    offset = deep.mean - surface.mean
    return {
        "maat": air.mean, "magst": surface.mean, "ttop": deep.mean,
        "surface_offset": surface.mean - air.mean, "thermal_offset": offset,
        "nival_offset": float(nival), "vegetation_offset": float(vegetation),
        "n_thaw": float(n_thaw), "n_freeze": float(n_freeze),
        "rk_apparent": float(apparent_rk(offset, surface.tdd, days)) if deep.mean <= 0 else NAN,
        "tdd_air": air.tdd, "fdd_air": air.fdd, "tdd_surface": surface.tdd, "fdd_surface": surface.fdd,
        **{f"{name}_{role}": getattr(cell, name) for role, cell in zip(_ROLES, roles, strict=True)
           for name in ("n", "filled", "longest_gap", "bias_bound")},
    }


def _thickness(layer: ThawYear | None, alt: float | Mapping[int, float] | None, year: int,
               depth: Sequence[Column]) -> dict[str, float]:
    names = ("alt", "alt_lower", "alt_upper", "ttop_depth", "ttop_distance")
    if layer is not None:
        return {name: getattr(layer, name) for name in names}
    given = _given(alt, year)
    stated = round(float(np.mean([column.depth for column in depth])), 6) if depth else NAN
    return dict(zip(names, (given, given, given, stated, 0.0 if depth else NAN), strict=True))


def _given(alt: float | Mapping[int, float] | None, year: int) -> float:
    return float(alt.get(year, NAN)) if isinstance(alt, Mapping) else (NAN if alt is None else float(alt))


def _errors(roles: list[_Cell], gaps: list[float], sensor: list[float], layer: ThawYear | None, year: int,
            p: Pairing) -> dict[str, float]:
    """Standard uncertainties: in all, the part that lasts over the years, and the part that is new every year."""
    parts = {name: (sensor[k] if roles[k].reason == "" else NAN, gaps[k] if roles[k].reason == "" else NAN)
             for k, name in enumerate(_MEANS)}
    alt_error = layer.alt_uncertainty if layer else p.sensors.depth + 0.0 * _given(p.alt, year)
    parts["alt"] = (alt_error, 0.0 * alt_error)
    for name, one, other in (("surface_offset", "maat", "magst"), ("thermal_offset", "magst", "ttop")):
        lasting, yearly = (float(combined(parts[one][k], parts[other][k])) for k in (0, 1))
        parts[name] = (lasting, yearly)
    return {key: value for name, (lasting, yearly) in parts.items() for key, value in (
        (f"{name}_uncertainty", float(combined(lasting, yearly))), (f"{name}_lasting", lasting),
        (f"{name}_yearly", yearly))}


def _reasons(roles: list[_Cell], year: int, days: int, layer: ThawYear | None, p: Pairing) -> str:
    """"quantity: code" for everything that is null, joined by "; "."""
    air, surface, deep = roles
    codes = {name: cell.reason for name, cell in zip(_MEANS, roles, strict=True)}
    codes["alt"] = layer.alt_reason if layer else (
        "no_column" if p.alt is None else "needs" if np.isnan(_given(p.alt, year)) else "")
    codes["surface_offset"] = "needs" if air.reason or surface.reason else ""
    codes["thermal_offset"] = "needs" if surface.reason or deep.reason else ""
    codes["nival_offset"] = codes["vegetation_offset"] = codes["surface_offset"]
    codes["n_thaw"] = codes["surface_offset"] or ("" if air.tdd > 0 else "no_degree_days")
    codes["n_freeze"] = codes["surface_offset"] or ("" if air.fdd > 0 else "no_degree_days")
    rk = float(apparent_rk(deep.mean - surface.mean, surface.tdd, days)) if not codes["thermal_offset"] else NAN
    codes["rk_apparent"] = codes["thermal_offset"] or (
        "not_frozen" if deep.mean > 0 else "no_degree_days" if np.isnan(rk) else "")
    return "; ".join(f"{name}: {code}" for name, code in codes.items() if code)


def _part(record: Record, columns: list[int]) -> Record:
    return replace(record, depths=record.depths[columns], values=record.values[:, columns],
                   flags=record.flags[:, columns], labels=tuple(record.labels[k] for k in columns), others={})
