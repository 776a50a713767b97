"""What a station's years give to the tables of a study: its row, where each value comes from, or why there is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from talik.records import REJECTED, Flag, Record
from talik.series.columns import all_columns
from talik.series.completeness import REASONS
from talik.series.offsets import QUANTITIES, AnnualOffsets
from talik.variables import variable

MEANS = QUANTITIES[:6]
"""What a station gives to the table of sites: maat, magst, ttop, alt, surface_offset, thermal_offset."""
DECIMALS = 6
"""To which means are kept, in °C, K and m: far below what is known, and offsets stay differences of their parts."""
_ROLES: Mapping[str, tuple[str, ...]] = {
    "maat": ("air",), "magst": ("surface",), "ttop": ("depth",), "alt": ("depth",),
    "surface_offset": ("air", "surface"), "thermal_offset": ("surface", "depth")}
PLACE = ("region", "subregion", "basin", "latitude", "longitude", "coordinate_precision_km", "elevation",
         "vegetation", "soil")
_NUMBERS = ("latitude", "longitude", "coordinate_precision_km", "elevation")
HEIGHTS = ("air_height", "surface_depth", "ttop_depth")
"""Where the three sensors are: height above, depths below the ground [m]; null where not known."""
BRACKET = ("alt_lower", "alt_upper")
"""To where the ground thawed in every year, and beyond where in none (null where a year does not tell) [m]."""
_METHOD = ("paired", "completeness", "year_start", "ttop_method", "air_column", "surface_column", "depth_column",
           "files")


def site_schema() -> dict[str, Any]:
    """Columns of the table of sites from loggers, and their types."""
    schema: dict[str, Any] = {"site": pl.String}
    schema |= {name: pl.Float64 if name in _NUMBERS else pl.String for name in PLACE}
    for name in MEANS:
        schema |= {name: pl.Float64, f"{name}_n": pl.Int64, f"{name}_sd": pl.Float64,
                   f"{name}_uncertainty": pl.Float64, f"{name}_source": pl.String}
    schema |= {"first_year": pl.Int64, "last_year": pl.Int64} | dict.fromkeys((*HEIGHTS, *BRACKET), pl.Float64)
    return schema | dict.fromkeys(_METHOD, pl.String)


Shown = Callable[[str], str]
"""Gives a path as the results name it."""


def site_row(site: str, place: Mapping[str, Any], result: AnnualOffsets, records: Sequence[Record],
             shown: Shown) -> tuple[dict[str, Any] | None, str]:
    """The station's row of the table of sites, or None; and what of it is refused and why, if anything."""
    row, refused = result.site_row(), ""
    means = [name for name in ("maat", "magst", "ttop") if row[name] is not None]
    if result.paired == "each" and len(means) > 1:      # the difference of such means is no offset
        names = ", ".join(name.upper() for name in means)
        refused = ("no year in which two of air, surface and depth are whole: the means "
                   f"of {names} would be over different years. {_commonest(result)}")
        row |= {f"{name}{end}": None for name in means for end in ("", "_sd", "_uncertainty")}
        row |= {f"{name}_n": 0 for name in means}
    if all(row[name] is None for name in MEANS):
        return None, refused or f"no whole year in {result.years.height}. {_commonest(result)}"
    row |= _heights(row, result, records) | _bracket(result.years)
    row = {name: round(value, DECIMALS) if isinstance(value, float) else value for name, value in row.items()}
    for name in MEANS:
        row[f"{name}_source"] = None if row[name] is None else _source(name, row, result, records, shown)
    place = {name: place.get(name) for name in PLACE}
    for name, key in (("latitude", "latitude"), ("longitude", "longitude"), ("elevation", "elevation_m")):
        if place[name] is None:                       # the files may know what the settings do not say
            place[name] = next((float(r.metadata[key]) for r in records
                                if isinstance(r.metadata.get(key), int | float)), None)
    return {name: (row | place).get(name) for name in site_schema()} | {
        "files": "; ".join(dict.fromkeys(shown(record.source.path) for record in records))}, refused


def _heights(row: Mapping[str, Any], result: AnnualOffsets, records: Sequence[Record]) -> dict[str, float | None]:
    """Where the sensors of air, surface and top of permafrost are [m]; of several the mean."""
    found: dict[str, float | None] = dict.fromkeys(HEIGHTS)
    for name, of, sign in (("air_height", "maat", -1.0), ("surface_depth", "magst", 1.0)):
        own = {part for column in result.columns[_ROLES[of][0]] for part in _parts(column)}
        depths = {sign * c.depth for c in all_columns(records) if c.name in own and c.depth == c.depth}
        found[name] = sum(depths) / len(depths) if depths and row[of] is not None else None
    used = result.years.filter(pl.col("ttop").is_not_null()) if row["ttop"] is not None else result.years.clear()
    depth = used["ttop_depth"].drop_nulls().drop_nans().mean() if "ttop_depth" in used.columns else None
    return found | {"ttop_depth": depth if isinstance(depth, float) else None}


def _bracket(years: pl.DataFrame) -> dict[str, float | None]:
    """The shallowest depth to which the ground thawed in a year, and the deepest to which it can have; None unknown."""
    if not set(BRACKET) <= set(years.columns):
        return dict.fromkeys(BRACKET)
    known = years.select(pl.col(BRACKET).cast(pl.Float64).fill_nan(None)).filter(pl.col("alt_lower").is_not_null())
    upper = known["alt_upper"].replace([float("inf")], [None])
    lowest, highest = known["alt_lower"].min(), upper.max()
    return {"alt_lower": lowest if isinstance(lowest, float) else None,
            "alt_upper": highest if isinstance(highest, float) and not upper.null_count() else None}


def check_rows(site: str, records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row a sensor and rejecting flag: its values, how many carry the flag, and what all flags together reject."""
    rows = []
    for column in all_columns(records):
        marks = column.record.flags[:, column.index]
        there = int((marks & int(Flag.MISSING) == 0).sum())
        bad = int((marks & int(REJECTED & ~Flag.MISSING) != 0).sum())
        for flag in Flag:
            n = int((marks & int(flag) != 0).sum()) if flag & REJECTED & ~Flag.MISSING else 0
            if n:
                rows.append({"site": site, "column": column.name,
                             "depth": None if column.depth != column.depth else column.depth, "flag": flag.name,
                             "values": there, "flagged": n, "share": round(n / there, DECIMALS),
                             "rejected": round(bad / there, DECIMALS)})
    return rows


def _source(name: str, row: Mapping[str, Any], result: AnnualOffsets, records: Sequence[Record],
            shown: Shown) -> str:
    files = _files(name, result, records)
    first, last = row["first_year"], row["last_year"]
    return (f"loggers: {_years(row[f'{name}_n'])}, {first}{f' to {last}' * (last != first)}; "
            + "; ".join(f"{shown(path)} (sha256 {digest[:12]})" for path, digest in files.items()))


def _files(name: str, result: AnnualOffsets, records: Sequence[Record]) -> dict[str, str]:
    """The files whose columns a quantity was made from, with their hashes."""
    names = {part for role in _ROLES[name] for column in result.columns[role] for part in _parts(column)}
    return {column.record.source.path: column.record.source.sha256 for column in all_columns(records)
            if column.name in names}


def _parts(column: str) -> list[str]:
    """A column's own name, or those of the deployments that follow each other in it."""
    parts = column.split(", then ")
    return [column] if len(parts) == 1 else [re.sub(r" to \d{4}-\d\d-\d\d$", "", part) for part in parts]


def value_rows(row: Mapping[str, Any], result: AnnualOffsets, records: Sequence[Record],
               shown: Shown) -> list[dict[str, Any]]:
    """One row a quantity the station gives, with all that stands behind it."""
    rows = []
    for name in MEANS:
        if row[name] is None:
            continue
        files = _files(name, result, records)
        how = f"; {row['ttop_method']}" if name in ("ttop", "alt", "thermal_offset") else ""
        rows.append({"site": row["site"], "quantity": name, "value": row[name], "n": row[f"{name}_n"],
                     "sd": row[f"{name}_sd"], "uncertainty": row[f"{name}_uncertainty"],
                     "first_year": row["first_year"], "last_year": row["last_year"],
                     "method": f"mean over years; {row['completeness']}, {row['year_start']} years{how}",
                     "columns": "; ".join(f"{role}: {', '.join(result.columns[role])}" for role in _ROLES[name]),
                     "files": "; ".join(shown(path) for path in files), "sha256": "; ".join(files.values())})
    return rows


def _commonest(result: AnnualOffsets) -> str:
    """The commonest reasons for missing temperatures, in words."""
    parts = result.years["reason"].str.split("; ").explode().drop_nulls()
    counts = Counter(part for part in parts if part.split(": ")[0] in ("maat", "magst", "ttop"))
    said = []
    for part, n in counts.most_common(3):
        name, code = part.split(": ", 1)
        said.append(f"{variable(name).short} in {_years(n)}: {REASONS.get(code, code)}")
    return "; ".join(said) + "." if said else ""


def _years(n: int) -> str:
    return f"{n} year{'s' * (n != 1)}"
