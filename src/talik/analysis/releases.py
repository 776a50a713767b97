"""Two releases of a network's data side by side: which files and series came, went or changed, day by day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from talik.errors import FileError, TalikError, UsageError
from talik.files import sha256
from talik.readers.registry import read
from talik.records import Record
from talik.results import Result
from talik.store.catalogue import is_store
from talik.store.catalogue import reading as reading_store
from talik.store.sources import companions_of, found_files, shown, shown_text
from talik.synthesis.daily_series import daily_series

_FILES = {"file": pl.String, "kind": pl.String, "reason": pl.String}
_SERIES = {"site": pl.String, "column": pl.String, "kind": pl.String, "first": pl.Date, "last": pl.Date,
           "days_added": pl.Int64, "days_removed": pl.Int64, "days_moved": pl.Int64, "largest": pl.Float64,
           "largest_on": pl.Date, "site_before": pl.String, "column_before": pl.String}
_STATIONS = {"site": pl.String, "kind": pl.String, "site_before": pl.String, "series": pl.UInt32, "first": pl.Date,
             "last": pl.Date}
_KINDS = ("added", "removed", "withdrawn", "renamed?", "changed", "not read")
_DAYS = {"site": pl.String, "column": pl.String, "time": pl.Date, "temperature": pl.Float64}


@dataclass(frozen=True, slots=True)
class ReleaseComparison(Result):
    """
    What is different between two releases.

    Parameters
    ----------
    series : polars.DataFrame
        One row a series (site and column) that differs: kind ("changed", "added", "removed", "renamed?"), first and
        last day with a value in either, days_added, days_removed, days_moved, largest (after minus before, of a daily
        mean [K]) and the day it is on; of a series that has the days and values of one that went: site_before and
        column_before.
    stations : polars.DataFrame
        One row a site that is on one side only: kind ("added", "withdrawn", "renamed?" when all its series are those
        of one site that went), site_before, series, first and last day. Of folders, by the files that differ.
    files : polars.DataFrame
        One row a file: file, kind ("added", "removed", "changed", "not read"), reason. Empty for stores.
    same : int
        Files (of stores: series) that are the same byte by byte.
    settings, data_hash
        Names and tolerance; hash of both releases' contents.
    """

    series: pl.DataFrame = field(repr=False)
    stations: pl.DataFrame = field(repr=False)
    files: pl.DataFrame = field(repr=False)
    same: int
    settings: Mapping[str, Any]
    data_hash: str

    @property
    def differs(self) -> bool:
        """Whether a file or a value is different."""
        return self.series.height + self.files.height > 0

    def to_frame(self) -> pl.DataFrame:
        """One row a series that differs."""
        return self.series

    def __str__(self) -> str:
        names = f"{self.settings['before']} and {self.settings['after']}"
        parts = []
        for what, table in (("files", self.files), ("stations", self.stations), ("series", self.series)):
            count = {kind: table.filter(kind=kind).height for kind in _KINDS}
            said = ", ".join(f"{n} {kind}" for kind, n in count.items() if n)
            parts += [f"{what}: {said}"] if said else []
        parts.insert(0, f"{self.same} the same")
        changed = self.series.filter(kind="changed")
        if changed.height:
            total = changed.select("days_added", "days_removed", "days_moved").sum().row(0)
            parts.append(f"in these {total[0]} days were added, {total[1]} removed, {total[2]} have another mean")
        moved = changed.drop_nulls("largest").sort(pl.col("largest").abs(), descending=True, maintain_order=True)
        if moved.height:
            row = moved.row(0, named=True)
            parts.append(f"largest: {row['largest']:+.3g} °C at {row['site']}, {row['column']}, on {row['largest_on']}")
        return f"{names}: {'; '.join(parts)}."


def compare_releases(before: Path | str, after: Path | str, *, tolerance: float = 0.0) -> ReleaseComparison:
    """
    What is different between two folders of logger files, or two stores.

    Only what is not the same byte by byte is read; of it, daily means of the values as the files have them are
    compared, so that another format or another order of rows is no difference.

    Parameters
    ----------
    before, after : path
        Folders of logger files, or stores. Files are the same when their path in the folder and their content (and
        that of files that describe them) are; series are the same when site and column are.
    tolerance : float
        Differences of a daily mean up to this much are none [K].

    Returns
    -------
    ReleaseComparison

    Raises
    ------
    FileError
        If a folder is missing.
    UsageError
        If the tolerance is negative, or one is a store and the other a folder of files.

    Examples
    --------
    >>> import tempfile
    >>> old, new = (Path(tempfile.mkdtemp()) for _ in range(2))
    >>> for folder, value in ((old, -9.0), (new, -8.5)):
    ...     _ = (folder / "barrow.csv").write_text(f"Date/Depth,1\\n2020-01-01 00:00,-7\\n2020-01-02 00:00,{value}\\n")
    >>> compare_releases(old, new).series.select("site", "days_moved", "largest").rows()
    [('barrow', 1, 0.5)]
    """
    if not tolerance >= 0:
        raise UsageError(f"tolerance: got {tolerance}, expected a number from 0 on")
    sides = (Path(before), Path(after))
    for side in sides:
        if not side.is_dir():
            raise FileError(f"{side}: no such folder")
    stores = [is_store(side) for side in sides]
    if stores[0] != stores[1]:
        raise UsageError(f"{before} and {after}: one is a store and the other is not. Take the files into a store of "
                         "their own with `talik ingest`, and compare the two stores.")
    days, files, same, digest, sites = _of_stores(sides) if stores[0] else _of_folders(sides)
    settings = {"before": str(before), "after": str(after), "tolerance": tolerance}
    series = _changes(days[0], days[1], tolerance)
    return ReleaseComparison(series, _stations(series, sites), pl.DataFrame(files, schema=_FILES), same, settings,
                             digest)


_Sides = tuple[list[pl.DataFrame], list[dict[str, str | None]], int, str, list[set[str]]]
"""Days of each side, files that differ, how many are the same, hash, sites of each side."""


def _of_folders(sides: tuple[Path, Path]) -> _Sides:
    contents = [_contents(side) for side in sides]
    same = {name for name in contents[0] if contents[0][name] == contents[1].get(name)}
    rows: list[dict[str, str | None]] = []
    for name in sorted({*contents[0], *contents[1]} - same):
        kind = "changed" if all(name in content for content in contents) else (
            "removed" if name in contents[0] else "added")
        rows.append({"file": shown_text(name), "kind": kind, "reason": None})
    days = []
    for side, content in zip(sides, contents, strict=True):
        parts = []
        for name in sorted(set(content) - same):
            try:
                parts += _days(read(side / name))
            except TalikError as error:
                rows.append({"file": shown(side / name), "kind": "not read", "reason": shown_text(str(error))})
        days.append(_joined(parts))
    return days, rows, len(same), _digest(contents), [set(side["site"].unique()) for side in days]


def _contents(side: Path) -> dict[str, str]:
    """The hash of every logger file with those that describe it, by its path in the folder."""
    root = side.resolve()
    return {path.relative_to(root).as_posix(): hashlib.sha256(
        "".join(sha256(part) for part in (path, *companions_of(path))).encode()).hexdigest()
        for path in found_files([root], root / ".store")}


def _of_stores(sides: tuple[Path, Path]) -> _Sides:
    held = []
    for side in sides:
        with reading_store(side) as catalogue:
            held.append(catalogue.table("series").select("site", "values_hash").sort("site", "values_hash"))
    by_site = [dict(table.group_by("site", maintain_order=True).agg("values_hash").iter_rows()) for table in held]
    same = {site for site in by_site[0] if by_site[0][site] == by_site[1].get(site)}
    days = []
    for side, sites in zip(sides, by_site, strict=True):
        with reading_store(side) as catalogue:
            days.append(_joined([part for site in sites if site not in same
                                 for part in _days(r for r in catalogue.records(_exactly(site), as_read=True)
                                                   if r.site == site)]))
    return (days, [], sum(len(by_site[0][site]) for site in same), _digest([table.rows() for table in held]),
            [{shown_text(site) for site in sites} for sites in by_site])


def _exactly(site: str) -> str:
    """A pattern that fits the site (and perhaps others): what a pattern would take for its own is let through."""
    return "".join("?" if letter in "*?[]" else letter for letter in site)


def _days(records: Iterable[Record]) -> list[pl.DataFrame]:
    return [daily_series([record]).select(pl.lit(shown_text(record.site)).alias("site"), "column", "time",
                                          "temperature").drop_nulls("temperature") for record in records]


def _joined(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """One mean a site, column and day, also where two files share a day."""
    frame = pl.concat(parts) if parts else pl.DataFrame(schema=_DAYS)
    return frame.group_by("site", "column", "time").agg(pl.col("temperature").mean())


def _changes(before: pl.DataFrame, after: pl.DataFrame, tolerance: float) -> pl.DataFrame:
    """One row a series that has a day more, a day less, or another mean."""
    both = before.join(after, on=["site", "column", "time"], how="full", coalesce=True, suffix="_after").sort("time")
    old, new = pl.col("temperature"), pl.col("temperature_after")
    moved = (new - old).abs() > tolerance + 1e-9
    gap = (new - old).filter(moved)
    found = both.group_by("site", "column").agg(
        old.count().alias("n_before"), new.count().alias("n_after"),
        pl.col("time").min().alias("first"), pl.col("time").max().alias("last"),
        (old.is_null() & new.is_not_null()).sum().cast(pl.Int64).alias("days_added"),
        (old.is_not_null() & new.is_null()).sum().cast(pl.Int64).alias("days_removed"),
        moved.sum().cast(pl.Int64).alias("days_moved"),
        gap.sort_by(gap.abs(), maintain_order=True).last().round(9).alias("largest"),
        pl.col("time").filter(moved).sort_by(gap.abs(), maintain_order=True).last().alias("largest_on"))
    kind = (pl.when(pl.col("n_before") == 0).then(pl.lit("added"))
            .when(pl.col("n_after") == 0).then(pl.lit("removed")).otherwise(pl.lit("changed")))
    differs = pl.sum_horizontal("days_added", "days_removed", "days_moved") > 0
    found = _renamed(found.filter(differs).with_columns(kind=kind).sort("site", "column"), before, after)
    return found.sort(pl.col("kind") != "changed", "kind", "site", "column").select(*_SERIES)


def _renamed(found: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """An added series with the days and values of a removed one: both become one row, "renamed?"."""
    def twins(kind: str, side: pl.DataFrame) -> pl.DataFrame:
        values = side.join(found.filter(kind=kind), on=["site", "column"], how="semi").group_by("site", "column").agg(
            pl.struct("time", "temperature").hash().sum().alias("hash"), pl.len(), pl.col("temperature").n_unique())
        return (values.filter(pl.col("temperature") > 1).sort("site", "column").drop("temperature")   # none rests
                .with_columns(turn=pl.int_range(pl.len()).over("hash", "len")))

    pairs = twins("added", after).join(twins("removed", before), on=["hash", "len", "turn"], suffix="_before")
    gone = pairs.select(site="site_before", column="column_before", kind=pl.lit("removed"))
    added = pairs.select("site", "column", "site_before", "column_before", kind=pl.lit("added"))
    found = (found.join(gone, on=["site", "column", "kind"], how="anti")
             .join(added, on=["site", "column", "kind"], how="left"))
    twin = pl.col("site_before").is_not_null()
    return found.with_columns(pl.when(twin).then(pl.lit("renamed?")).otherwise("kind").alias("kind"),
                              pl.when(twin).then(0).otherwise("days_added").alias("days_added"))


def _stations(series: pl.DataFrame, sites: Sequence[set[str]]) -> pl.DataFrame:
    """One row a site that only one side has."""
    gone = series.filter(pl.col("kind") == "removed", pl.col("site").is_in(sites[0] - sites[1]))
    new = series.filter(pl.col("site").is_in(sites[1] - sites[0]))
    kept = sites[1].union(gone["site"])
    rows = []
    for table in (new, gone):
        for (site,), own in table.group_by("site", maintain_order=True):
            names = own["site_before"].unique()
            was = names[0] if names.len() == 1 and names[0] not in kept else None
            kind = "withdrawn" if table is gone else "renamed?" if was else "added"
            rows.append((site, kind, was, own.height, own["first"].min(), own["last"].max()))
    return pl.DataFrame(rows, schema=_STATIONS, orient="row")


def _digest(content: Any) -> str:
    return hashlib.sha256(repr(content).encode("utf-8", "surrogateescape")).hexdigest()
