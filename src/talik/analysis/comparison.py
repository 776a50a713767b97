"""Two tables of sites, or two results folders, side by side: what was added, what is gone, what moved and how far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from talik.errors import FileError, UsageError
from talik.files import read_parquet
from talik.frames import as_frame, frame_hash
from talik.kernels.sphere import great_circle
from talik.results import Result
from talik.synthesis.table import read_sites

QUANTITIES = ("maat", "magst", "ttop", "alt", "surface_offset", "thermal_offset", "latitude", "longitude", "elevation")
MEASURED = QUANTITIES[:6]
SAME_PLACE_KM = 0.5
CLASSES = ("region", "subregion", "vegetation", "soil", "flags", "values_from")
"""Columns that are compared beside the numbers, where both tables have them."""
_MOVED = {"site": pl.String, "quantity": pl.String, "before": pl.String, "after": pl.String, "difference": pl.Float64,
          "kind": pl.String}
_YEARS = {"site": pl.String, "year": pl.Int64, "quantity": pl.String, "before": pl.Float64, "after": pl.Float64,
          "difference": pl.Float64, "kind": pl.String}
_MEANS = {"by": pl.String, "group": pl.String, "variable": pl.String, "n_before": pl.Int64, "n_after": pl.Int64,
          "mean_before": pl.Float64, "mean_after": pl.Float64, "difference": pl.Float64}


@dataclass(frozen=True, slots=True)
class Comparison(Result):
    """
    What is different between two tables of sites.

    Parameters
    ----------
    values : polars.DataFrame
        One row a difference: site, quantity, before, after, difference (after minus before; temperatures [°C],
        offsets [K], alt [m]), kind ("site added", "site removed", "renamed?", "moved", "appeared", "disappeared",
        "changed"). Of a site that seems to be renamed: site and before the old name, after the new one.
    summary : polars.DataFrame
        Regional means that differ: by, group, variable, n and mean before and after, difference. Empty when two
        tables and not two results folders were compared.
    years : polars.DataFrame
        Years that differ: site, year, quantity, before, after, difference, kind (of a year that only one has: "year
        added", "year removed"). Empty when the sites of one do not come from loggers.
    same : int
        Sites that both have, with no difference.
    settings, data_hash
        Names and tolerance; hash of both tables.
    """

    values: pl.DataFrame = field(repr=False)
    summary: pl.DataFrame = field(repr=False)
    years: pl.DataFrame = field(repr=False)
    same: int
    settings: Mapping[str, Any]
    data_hash: str

    @property
    def differs(self) -> bool:
        """Whether anything is different."""
        return self.values.height + self.summary.height + self.years.height > 0

    def count(self, kind: str) -> int:
        """Differences of a kind."""
        return self.values.filter(kind=kind).height

    def to_frame(self) -> pl.DataFrame:
        """One row a difference."""
        return self.values

    def __str__(self) -> str:
        names = f"{self.settings['before']} and {self.settings['after']}"
        if not self.differs:
            return f"{names}: no difference at {self.same} sites."
        changed = self.values.filter(pl.col("quantity").is_not_null())
        renamed = f", {count} perhaps renamed" if (count := self.count("renamed?")) else ""
        parts = [f"{self.count('site added')} sites added, {self.count('site removed')} removed{renamed}",
                 f"{changed.height} values of {changed['site'].n_unique()} sites differ, {self.same} sites do not"]
        moved = (changed.drop_nulls("difference").filter(~pl.col("quantity").is_in(["latitude", "longitude"]))
                 .sort(pl.col("difference").abs(), descending=True))
        if moved.height:
            row = moved.row(0, named=True)
            parts.append(f"largest: {row['quantity']} of {row['site']} by {row['difference']:+.3g}")
        if self.years.height:
            parts.append(f"{self.years.select('site', 'year').unique().height} years of "
                         f"{self.years['site'].n_unique()} sites differ")
        if self.summary.height:
            parts.append(f"{self.summary.height} regional means differ")
        return f"{names}: {'; '.join(parts)}."


def compare(before: Any, after: Any, *, tolerance: float = 0.0) -> Comparison:
    """
    What is different between two results folders, or two tables of sites.

    Parameters
    ----------
    before, after : path or frame
        A folder that `talik run` wrote, a table of sites (CSV, XLSX, Parquet), or a frame. Sites are the same when
        their names are. A name that is gone and a new one within 0.5 km that agree in every temperature and thickness
        both have are told as one, "renamed?"; their other values are not compared.
    tolerance : float
        Differences of numbers up to this much are none, in the quantity's own unit.

    Returns
    -------
    Comparison

    Raises
    ------
    FileError
        If a folder holds no table of sites, or a table cannot be read.
    UsageError
        If the tolerance is negative, or a site stands in two rows of a table (then which is which is not known).

    Examples
    --------
    >>> found = compare({"site": ["A", "B"], "maat": [-8.0, -5.0]}, {"site": ["A", "C"], "maat": [-7.5, -3.0]})
    >>> found.values.select("site", "kind", "difference").rows()
    [('C', 'site added', None), ('B', 'site removed', None), ('A', 'moved', 0.5)]
    """
    if not tolerance >= 0:
        raise UsageError(f"tolerance: got {tolerance}, expected a number from 0 on")
    tables = [_sites(side, name) for side, name in ((before, "before"), (after, "after"))]
    labels = [str(side) if isinstance(side, str | Path) else name
              for side, name in ((before, "before"), (after, "after"))]
    for frame, label in zip(tables, labels, strict=True):
        twice = frame.filter(pl.col("site").is_duplicated())["site"].drop_nulls()
        if twice.len():
            raise UsageError(f"{label}: site {twice[0]!r} stands in {(twice == twice[0]).sum()} rows; give each row a "
                             "name of its own to compare")
    left, right = ({row["site"]: row for row in frame.iter_rows(named=True)} for frame in tables)
    rows = [*_came_or_went(left, right, tolerance), *_moved(left, right, tables, tolerance)]
    values = pl.DataFrame(rows, schema=_MOVED)
    touched = set(values["site"])
    settings = {"before": labels[0], "after": labels[1], "tolerance": tolerance}
    return Comparison(values, _means(before, after, tolerance), _years(before, after, tolerance),
                      sum(name in right and name not in touched for name in left), settings,
                      frame_hash(pl.concat([_key(frame) for frame in tables], how="diagonal_relaxed")))


def _sites(side: Any, name: str) -> pl.DataFrame:
    if not isinstance(side, str | Path):
        return _unique_names(as_frame(side, name, required=["site"]))
    path = Path(side)
    if not path.is_dir():
        return _unique_names(read_parquet(path) if path.suffix == ".parquet" else read_sites(path))
    table = path / "sites.parquet"
    if not table.is_file():
        raise FileError(f"{path}: no table of sites (sites.parquet). Expected a folder written by `talik run`, or a "
                        "table.")
    return _unique_names(read_parquet(table))


def _unique_names(frame: pl.DataFrame) -> pl.DataFrame:
    """Names that occur twice (two plots of one place) with the number of the row behind, where there is one."""
    frame = frame.with_columns(pl.selectors.float().fill_nan(None))
    if "site_no" not in frame.columns:
        return frame.with_columns(pl.col("site").cast(pl.String))
    twice = pl.col("site").is_duplicated() & pl.col("site_no").is_not_null()
    return frame.with_columns(pl.when(twice).then(pl.format("{} (no. {})", "site", "site_no"))
                              .otherwise(pl.col("site").cast(pl.String)).alias("site"))


def _came_or_went(left: Mapping[str, Any], right: Mapping[str, Any], tolerance: float) -> Iterable[dict[str, Any]]:
    gone, new = ([name for name in one if name not in other] for one, other in ((left, right), (right, left)))
    twins = [(old, name) for old in gone for name in new if _alike(left[old], right[name], tolerance)]
    renamed = {old: name for old, name in twins                # plots that share a place have no one twin
               if sum(old in pair or name in pair for pair in twins) == 1}
    for kind, names in (("renamed?", renamed), ("site added", [n for n in new if n not in renamed.values()]),
                        ("site removed", [n for n in gone if n not in renamed])):
        for name in names:
            yield {"site": name, "quantity": None, "before": name if kind == "renamed?" else None,
                   "after": renamed.get(name), "difference": None, "kind": kind}


def _alike(old: Mapping[str, Any], new: Mapping[str, Any], tolerance: float) -> bool:
    """Whether two rows lie within half a kilometre and agree in all that was measured at both, which is something."""
    places = [(row.get("latitude"), row.get("longitude")) for row in (old, new)]
    both = [(old[name], new[name]) for name in MEASURED if old.get(name) is not None and new.get(name) is not None]
    if not both or any(value is None for place in places for value in place):
        return False
    apart = great_circle(*zip(*places, strict=True))[0, 1]
    return bool(apart <= SAME_PLACE_KM) and all(abs(b - a) <= tolerance + 1e-12 for a, b in both)


def _moved(left: Mapping[str, Any], right: Mapping[str, Any], tables: list[pl.DataFrame],
           tolerance: float) -> Iterable[dict[str, Any]]:
    columns = [name for name in (*QUANTITIES, *CLASSES) if any(name in frame.columns for frame in tables)]
    for site, old in left.items():
        if site not in right:
            continue
        for name in columns:
            a, b = old.get(name), right[site].get(name)
            numbers = isinstance(a, int | float) and isinstance(b, int | float)
            if a == b or (numbers and abs(b - a) <= tolerance + 1e-12) or (a in (None, "") and b in (None, "")):
                continue
            kind = ("moved" if numbers else "appeared" if a in (None, "") else "disappeared" if b in (None, "")
                    else "changed")
            yield {"site": site, "quantity": name, "before": _text(a), "after": _text(b),
                   "difference": float(f"{b - a:.9g}") if numbers else None, "kind": kind}


def _means(before: Any, after: Any, tolerance: float) -> pl.DataFrame:
    """Means of groups that differ, or that only one of the folders has."""
    found = [Path(side) / "summary.csv" for side in (before, after) if isinstance(side, str | Path)]
    if len(found) < 2 or not all(path.is_file() for path in found):
        return pl.DataFrame(schema=_MEANS)
    keys = ["by", "group", "variable"]
    old, new = (pl.read_csv(path, infer_schema_length=None).select(*keys, pl.col("n").cast(pl.Int64),
                                                                   pl.col("mean").cast(pl.Float64)) for path in found)
    both = (old.rename({"n": "n_before", "mean": "mean_before"})
            .join(new.rename({"n": "n_after", "mean": "mean_after"}), on=keys, how="full", coalesce=True,
                  maintain_order="left_right")
            .with_columns(difference=pl.col("mean_after") - pl.col("mean_before")))
    changed = ((pl.col("difference").abs() > tolerance + 1e-12)
               | pl.col("n_before").ne_missing(pl.col("n_after"))
               | pl.col("mean_before").is_null().ne_missing(pl.col("mean_after").is_null()))
    return both.filter(changed).select(*_MEANS)


def _years(before: Any, after: Any, tolerance: float) -> pl.DataFrame:
    """Temperatures, thicknesses and offsets of single years that differ, or that only one of the folders has."""
    found = [Path(side) / "site_years.parquet" for side in (before, after) if isinstance(side, str | Path)]
    if len(found) < 2 or not all(path.is_file() for path in found):
        return pl.DataFrame(schema=_YEARS)
    old, new = (read_parquet(path).select("site", pl.col("year").cast(pl.Int64),
                                          *(pl.col(name).cast(pl.Float64) for name in MEASURED))
                .unpivot(index=["site", "year"], variable_name="quantity") for path in found)
    both = (old.rename({"value": "before"}).with_columns(had=True)
            .join(new.rename({"value": "after"}).with_columns(has=True), on=["site", "year", "quantity"], how="full",
                  coalesce=True, maintain_order="left_right")
            .with_columns(difference=(pl.col("after") - pl.col("before")).round(9)))
    kind = (pl.when(pl.col("had").is_null()).then(pl.lit("year added"))
            .when(pl.col("has").is_null()).then(pl.lit("year removed"))
            .when(pl.col("before").is_null()).then(pl.lit("appeared"))
            .when(pl.col("after").is_null()).then(pl.lit("disappeared")).otherwise(pl.lit("moved")))
    apart = ((pl.col("difference").abs() > tolerance + 1e-9)
             | pl.col("before").is_null().ne_missing(pl.col("after").is_null()))
    return both.with_columns(kind=kind).filter(apart).select(*_YEARS).sort("site", "year", maintain_order=True)


def _key(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("site", *(name for name in QUANTITIES if name in frame.columns))


def _text(value: Any) -> str | None:
    return None if value is None else f"{value:.9g}" if isinstance(value, float) else str(value)
