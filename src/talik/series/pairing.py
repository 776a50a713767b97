"""Rows of years: the means of air, surface and depth brought together, window by window, replicate by replicate."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from talik.errors import UsageError
from talik.kernels.equilibrium import apparent_rk
from talik.records import REJECTED, Flag, Record
from talik.series.annual import AnnualMeans, annual_means
from talik.series.columns import Column
from talik.series.completeness import Completeness
from talik.series.days import clocked
from talik.series.filling import Filling
from talik.series.thaw import ActiveLayer, ThawOptions, ThawYear, layer_of
from talik.series.uncertainty import Known, Sensors, combined, mean_of

if TYPE_CHECKING:
    import polars as pl

NAN = float("nan")
VALUES = ("maat", "magst", "ttop", "alt", "surface_offset", "thermal_offset", "nival_offset", "vegetation_offset",
          "n_thaw", "n_freeze", "rk_apparent", "tdd_air", "fdd_air", "tdd_surface", "fdd_surface")
"""What a row of a year has, each with `_uncertainty`, its parts `_lasting` and `_yearly`, and a `bias_bound_`."""
_MEANS = VALUES[:3]
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
        If replicates do not pair up, air lies in the ground, a depth not below the surface, or a thickness is not
        positive.
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
        if buried := [c.name for c in self.air if c.depth > 0]:
            raise UsageError(f"air={buried[0]!r} lies in the ground; expected a column above it")
        for k in range(max(len(self.surface), len(self.depth)) if self.surface and self.depth else 0):
            above, below = (columns[min(k, len(columns) - 1)] for columns in (self.surface, self.depth))
            if above.depth >= below.depth:
                raise UsageError(f"depth={below.name!r} does not lie below surface={above.name!r}; choose a deeper one")
        given = self.alt.values() if isinstance(self.alt, Mapping) else () if self.alt is None else (self.alt,)
        if wrong := [value for value in given if not value > 0]:
            raise UsageError(f"alt={wrong[0]:g}: expected a thickness in metres, positive")

    @property
    def settings(self) -> dict[str, Any]:
        """What was asked, for the result."""
        return {"completeness": asdict(self.completeness), "fill": asdict(self.fill) if self.fill else None,
                "sensors": asdict(self.sensors), "thaw": asdict(self.thaw),
                "alt": dict(self.alt) if isinstance(self.alt, Mapping) else self.alt}


@dataclass(frozen=True, slots=True)
class _Cell:
    """One column's year: what an offset needs of it, or the reason there is nothing."""

    mean: Known = field(default_factory=Known)
    tdd: Known = field(default_factory=Known)
    fdd: Known = field(default_factory=Known)
    n: int = 0
    filled: int = 0
    longest_gap: int | None = None
    placed: bool = True
    """Whether its uncertainty includes what its depth's error does, where that error is stated."""
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
        for record, used in by_record.values() if p.sensors.depth is not None else ():      # neighbours, for gradients
            used += [int(k) for k in np.flatnonzero(record.depths >= 0) if k not in used]
        for key, (record, indices) in by_record.items():
            means = annual_means(_part(record, indices), completeness=p.completeness, fill=p.fill, sensors=p.sensors)
            self.annual[key] = replace(means, reason=_with_rejections(_part(record, indices), means, p))
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
        at = int(row[0]), self.place[id(column.record), column.index]

        def known(name: str, end: str = "") -> Known:
            value, bound, gap, whole = (float(getattr(means, each)[at]) for each in (
                name, f"{end}bias_bound", f"{end}gap_uncertainty", f"{end}uncertainty"))
            return Known(value, float(np.sqrt(max(whole**2 - gap**2, 0.0))), gap, bound)

        return _Cell(known("mean"), known("tdd", "tdd_"), known("fdd", "fdd_"), int(means.n[at]),
                     int(means.filled[at]), int(means.longest_gap[at]),
                     not np.isnan(means.depth_uncertainty[at]), str(means.reason[at]))


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
    replicates = [tuple(years.cell(c[min(r, len(c) - 1)] if c else None, year) for c in (p.air, p.surface, p.depth))
                  for r in range(max(len(p.air), len(p.surface), len(p.depth)))]
    whole = [sum(c.reason == "" for c in cells) for cells in replicates]
    used = [cells for cells, count in zip(replicates, whole, strict=True) if count == max(whole)]
    roles = [_merged([cells[k] for cells in used], min(len(c), len(used)))
             for k, c in enumerate((p.air, p.surface, p.depth))]
    layer = None
    if thawed is not None:
        layer = thawed[0]
        roles[2] = _from_layer(years, year, *thawed)
    placed = _place(roles, p)
    known = _quantities(roles, days) | {"alt": _thickness(layer, p, year)}
    values = {name: known[name].value for name in VALUES}
    return (values | _sensors(roles) | _bracket(layer, p, year) | _errors(known)
            | {"replicates": len(used), "depth_error": placed, "reason": _reasons(roles, known, layer, p)})


def _merged(cells: list[_Cell], distinct: int) -> _Cell:
    """Mean of the replicates' cells; errors of different sensors are independent, those of a shared one are not."""
    if len(cells) == 1 or distinct <= 1:
        return cells[0]
    gaps = [c.longest_gap for c in cells if c.longest_gap is not None]
    mean, tdd, fdd = (mean_of([getattr(c, name) for c in cells], distinct) for name in ("mean", "tdd", "fdd"))
    return _Cell(mean, tdd, fdd, min(c.n for c in cells), max(c.filled for c in cells), max(gaps, default=None),
                 all(c.placed for c in cells), next((c.reason for c in cells if c.reason), ""))


def _from_layer(years: _Years, year: int, layer: ThawYear, string: Sequence[Column]) -> _Cell:
    """The top of permafrost as a cell: its days are the fewest of the two sensors, whole that year, it lies between."""
    if layer.ttop_reason:
        return _Cell(reason=layer.ttop_reason)
    by_depth = sorted(string, key=lambda c: c.depth)
    whole = [(c.depth, cell) for c in by_depth if (cell := years.cell(c, year)).reason == ""]
    sides = [[w for w in whole if w[0] <= layer.ttop_depth + 1e-9][-1:],
             [w for w in whole if w[0] >= layer.ttop_depth - 1e-9][:1]]
    merged = _merged([cell for side in sides for _, cell in side], 2)
    return replace(merged, mean=Known(layer.ttop, layer.ttop_uncertainty, 0.0, layer.ttop_bias_bound), tdd=Known(),
                   fdd=Known(), placed=True)


def _place(roles: list[_Cell], p: Pairing) -> str:
    """
    Put the depth's part into means that have none yet, by the gradient from surface to depth; whether it is in all.

    Sensors alone in their file, or spliced of several, have no neighbours there.
    """
    if p.sensors.depth is None:
        return "not included"
    if roles[1].placed and roles[2].placed:
        return "included"
    if not p.surface or not p.depth or np.isnan(roles[2].mean.value - roles[1].mean.value):
        return "partly included"
    apart = float(np.mean([c.depth for c in p.depth]) - np.mean([c.depth for c in p.surface]))
    if not apart > 0:
        return "partly included"
    part = abs(roles[2].mean.value - roles[1].mean.value) / apart * p.sensors.depth
    for k in (1, 2):
        mean = roles[k].mean
        if not roles[k].placed:
            roles[k] = replace(roles[k], mean=replace(mean, lasting=float(np.hypot(mean.lasting, part))))
    return "included"


def _quantities(roles: list[_Cell], days: int) -> dict[str, Known]:
    air, surface, deep = roles
    offset = deep.mean.less(surface.mean)
    return {
        "maat": air.mean, "magst": surface.mean, "ttop": deep.mean,
        "surface_offset": surface.mean.less(air.mean), "thermal_offset": offset,
        "nival_offset": air.fdd.less(surface.fdd).times(1 / days),
        "vegetation_offset": surface.tdd.less(air.tdd).times(1 / days),
        "n_thaw": surface.tdd.over(air.tdd), "n_freeze": surface.fdd.over(air.fdd),
        "rk_apparent": _rk(surface, deep, offset, days),
        "tdd_air": air.tdd, "fdd_air": air.fdd, "tdd_surface": surface.tdd, "fdd_surface": surface.fdd,
    }


def _rk(surface: _Cell, deep: _Cell, offset: Known, days: int) -> Known:
    """rk = 1 + TO P / TDDs; calibration moves the surface's mean and its degree-days together, a gap as it happens."""
    ratio = float(apparent_rk(offset.value, surface.tdd.value, days))
    if np.isnan(ratio) or deep.mean.value > 0:
        return Known()
    slope = days / surface.tdd.value
    share = offset.value / surface.tdd.value
    lasting = slope * np.hypot(deep.mean.lasting, surface.mean.lasting + share * surface.tdd.lasting)
    yearly = slope * combined(deep.mean.yearly, surface.mean.yearly, share * surface.tdd.yearly)
    return Known(ratio, float(lasting), float(yearly), slope * (offset.bound + abs(share) * surface.tdd.bound))


def _sensors(roles: list[_Cell]) -> dict[str, Any]:
    counts = {f"{name}_{role}": getattr(cell, name) for role, cell in zip(_ROLES, roles, strict=True)
              for name in ("n", "filled", "longest_gap")}
    return counts | {f"bias_bound_{role}": cell.mean.bound for role, cell in zip(_ROLES, roles, strict=True)}


def _thickness(layer: ThawYear | None, p: Pairing, year: int) -> Known:
    if layer is None:
        return Known(_given(p.alt, year), np.nan if p.sensors.depth is None else p.sensors.depth, 0.0, 0.0)
    yearly = layer.alt_bias_bound / np.sqrt(3)
    lasting = float(np.sqrt(max(layer.alt_uncertainty**2 - yearly**2, 0.0)))
    return Known(layer.alt, lasting, yearly, layer.alt_bias_bound)


def _bracket(layer: ThawYear | None, p: Pairing, year: int) -> dict[str, float]:
    names = ("alt_lower", "alt_upper", "ttop_depth", "ttop_distance")
    if layer is not None:
        return {name: getattr(layer, name) for name in names}
    given = _given(p.alt, year)
    stated = round(float(np.mean([column.depth for column in p.depth])), 6) if p.depth else NAN
    return dict(zip(names, (given, given, stated, 0.0 if p.depth else NAN), strict=True))


def _given(alt: float | Mapping[int, float] | None, year: int) -> float:
    return float(alt.get(year, NAN)) if isinstance(alt, Mapping) else (NAN if alt is None else float(alt))


def _errors(known: Mapping[str, Known]) -> dict[str, float]:
    """Standard uncertainties: in all, the part that lasts over the years, and the part that is new every year."""
    missing = Known()
    found = {name: one if not np.isnan(one.value) else missing for name, one in known.items()}
    return {f"{name}_{part}": getattr(found[name], part) for name in VALUES for part in (
        "uncertainty", "lasting", "yearly")} | {f"bias_bound_{name}": found[name].bound for name in VALUES[3:]}


def _reasons(roles: list[_Cell], known: Mapping[str, Known], layer: ThawYear | None, p: Pairing) -> str:
    """"quantity: code" for everything that is null, joined by "; "."""
    codes = {name: cell.reason for name, cell in zip(_MEANS, roles, strict=True)}
    codes["alt"] = layer.alt_reason if layer else (
        "no_column" if p.alt is None else "not_given" if np.isnan(known["alt"].value) else "")
    for name, needed in (("surface_offset", ("maat", "magst")), ("thermal_offset", ("magst", "ttop"))):
        lacking = ", ".join(each for each in needed if codes[each])
        codes[name] = f"needs {lacking}" if lacking else ""
    codes["nival_offset"] = codes["vegetation_offset"] = codes["surface_offset"]
    for name in ("n_thaw", "n_freeze"):
        codes[name] = codes["surface_offset"] or ("no_degree_days" if np.isnan(known[name].value) else "")
    codes["rk_apparent"] = codes["thermal_offset"] or (
        "not_frozen" if roles[2].mean.value > 0 else "no_degree_days" if np.isnan(known["rk_apparent"].value) else "")
    return "; ".join(f"{name}: {code}" for name, code in codes.items() if code)


def _with_rejections(record: Record, means: AnnualMeans, p: Pairing) -> NDArray[np.str_]:
    """The reasons, "rejected" for years that would be whole with the values that a flag rejects."""
    rejected = (record.flags & np.uint16(int(REJECTED & ~Flag.MISSING))) != 0
    columns = np.flatnonzero((means.reason != "").any(axis=0) & rejected.any(axis=0)).tolist()
    if not columns:
        return means.reason
    own, reason = _part(record, columns), means.reason.copy()
    rows = clocked(own)
    times, values = own.times[rows], own.values[rows]
    every = annual_means(replace(own, times=times, values=values, flags=np.zeros(values.shape, np.uint16)),
                         completeness=p.completeness, fill=p.fill)
    reason[:, columns] = np.where((reason[:, columns] != "") & (every.reason == ""), "rejected", reason[:, columns])
    return reason


def _part(record: Record, columns: list[int]) -> Record:
    return replace(record, depths=record.depths[columns], values=record.values[:, columns],
                   flags=record.flags[:, columns], labels=tuple(record.labels[k] for k in columns), others={})
