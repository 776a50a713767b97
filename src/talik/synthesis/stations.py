"""Stations become sites: logger files are read, checked and averaged by year; refusals are listed with the reason."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from talik.errors import DataError, FileError, TalikError
from talik.readers.registry import read
from talik.records import Record
from talik.series.columns import Pick, all_columns, joined
from talik.series.completeness import REASONS, Completeness
from talik.series.filling import Filling
from talik.series.offsets import QUANTITIES, AnnualOffsets, annual_offsets
from talik.series.quality import checked_once
from talik.synthesis.daily_series import daily_series, file_names
from talik.variables import variable

MEANS = QUANTITIES[:6]
"""What a station gives to the table of sites: maat, magst, ttop, alt, surface_offset, thermal_offset."""
DECIMALS = 6
"""To which means are kept, in °C, K and m: far below what is known, and offsets stay differences of their parts."""
_ROLES: Mapping[str, tuple[str, ...]] = {
    "maat": ("air",), "magst": ("surface",), "ttop": ("depth",), "alt": ("depth",),
    "surface_offset": ("air", "surface"), "thermal_offset": ("surface", "depth")}
_REFUSALS = {"site": pl.String, "file": pl.String, "stage": pl.String, "kind": pl.String, "reason": pl.String}
_UNFORESEEN = (ValueError, LookupError, ArithmeticError, TypeError, PolarsError)


@dataclass(frozen=True, slots=True)
class Files:
    """Logger files: a path or pattern (`*`, `?`, `**`) and what `talik.read` is told of them."""

    pattern: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def found(self, folder: Path) -> list[Path]:
        """The files that fit, in the order of their names; those of a relative pattern lie in the folder."""
        return [folder / name for name in sorted(glob.glob(self.pattern, root_dir=folder, recursive=True))
                if (folder / name).is_file()]


@dataclass(frozen=True, slots=True)
class Station:
    """
    One station: where it is, its files, and which of their columns are air, surface and depth.

    Parameters
    ----------
    site : str
        Its name in the table of sites.
    files : sequence of Files
        Air may come from one file and the ground from another.
    place : mapping
        region, subregion, basin, latitude, longitude, coordinate_precision_km, elevation [m], vegetation, soil.
    record : str, optional
        Which record of files that hold several: its name there (pattern) or its WMO number.
    air, surface, depth, alt, completeness, year_start, check, fill, surface_depth
        As in `talik.annual_offsets`.
    """

    site: str
    files: Sequence[Files]
    place: Mapping[str, Any] = field(default_factory=dict)
    record: str | None = None
    air: Pick = None
    surface: Pick = None
    depth: Pick = None
    alt: float | Mapping[int, float] | None = None
    completeness: Completeness | str = "default"
    year_start: str | None = None
    check: bool = True
    fill: Filling | None = None
    surface_depth: float = 0.05


@dataclass(frozen=True, slots=True)
class StationSites:
    """
    What came of the stations.

    Parameters
    ----------
    sites : polars.DataFrame
        One row a station with at least one mean: place; `maat`, `magst`, `ttop` [°C], `alt` [m], `surface_offset`,
        `thermal_offset` [K], each with `_n` (years), `_sd` (between years), `_uncertainty` and `_source`; years,
        rule, method, columns, files.
    years : polars.DataFrame
        One row a station and year, as `AnnualOffsets.years`.
    refusals : polars.DataFrame
        site, file, stage ("files", "read", "offsets", "years"), kind, reason: files and stations that could not be
        used.
    values : polars.DataFrame
        One row a site and quantity: value, n, sd, uncertainty, first and last year, method, columns, files, sha256.
    stations : polars.DataFrame
        One row a station: site, status ("used" or "refused"), n_years (with any value), reason.
    """

    sites: pl.DataFrame
    years: pl.DataFrame
    refusals: pl.DataFrame
    values: pl.DataFrame
    stations: pl.DataFrame


def station_sites(stations: Sequence[Station], folder: Path | str = ".", *,
                  watch: Callable[[str], None] | None = None,
                  keep: Callable[[str, pl.DataFrame], None] | None = None) -> StationSites:
    """
    Sites, years and refusals of stations; a bad file or station never stops the others.

    Parameters
    ----------
    stations : sequence of Station
    folder : path
        Where relative patterns start.
    watch : callable, optional
        Told the name of each station before it is worked on.
    keep : callable, optional
        Given the file name (without ending) and the daily series of each station that has any; see `daily_series`.

    Returns
    -------
    StationSites
        Means over the same years only. Where no year has two of the three temperatures, their means would be over
        different years: then none stands in the table of sites, and the refusals say so.

    Raises
    ------
    DataError
        If two stations have the same name.

    Examples
    --------
    >>> import tempfile
    >>> none = station_sites([Station("Barrow", [Files("barrow.csv")])], tempfile.mkdtemp())
    >>> none.refusals.select("site", "stage", "reason").row(0)
    ('Barrow', 'files', 'barrow.csv: no such file in the data folder')
    """
    twice = [name for name, n in Counter(station.site for station in stations).items() if n > 1]
    if twice:
        raise DataError(f"series: two stations are called {twice[0]!r}; expected a name of its own for each")
    desk = _Desk(Path(folder), stations)
    rows, years, values, states = [], [], [], []
    names = file_names([station.site for station in stations])
    for station, name in zip(stations, names, strict=True):
        if watch:
            watch(station.site)
        before = len(desk.refusals)
        records = _records(station, desk)
        checked = _checked(station, records, desk)
        result = _offsets(station, checked, desk)
        row = _row(station, result, records, desk) if result else None
        if result:
            years.append(result.years)
        if row:
            rows.append(row)
            values += _values(row, result, records, desk) if result else []
        if keep and checked:
            keep(name, daily_series(checked))
        states.append({"site": station.site, "status": "used" if row else "refused",
                       "n_years": _years_with_values(result), "first_year": (row or {}).get("first_year"),
                       "last_year": (row or {}).get("last_year"),
                       "reason": " ".join(str(r["reason"]) for r in desk.refusals[before:]) or None,
                       "series": f"{name}.parquet" if keep and checked else None})
    return StationSites(pl.DataFrame(rows, schema=_site_schema()),
                        pl.concat(years, how="diagonal_relaxed") if years else pl.DataFrame(),
                        pl.DataFrame(desk.refusals, schema=_REFUSALS), pl.DataFrame(values, schema=_VALUES),
                        pl.DataFrame(states, schema=_STATES))


_VALUES = {"site": pl.String, "quantity": pl.String, "value": pl.Float64, "n": pl.Int64, "sd": pl.Float64,
           "uncertainty": pl.Float64, "first_year": pl.Int64, "last_year": pl.Int64, "method": pl.String,
           "columns": pl.String, "files": pl.String, "sha256": pl.String}
_STATES = {"site": pl.String, "status": pl.String, "n_years": pl.Int64, "first_year": pl.Int64, "last_year": pl.Int64,
           "reason": pl.String, "series": pl.String}
PLACE = ("region", "subregion", "basin", "latitude", "longitude", "coordinate_precision_km", "elevation",
         "vegetation", "soil")
_NUMBERS = ("latitude", "longitude", "coordinate_precision_km", "elevation")
_METHOD = ("paired", "completeness", "year_start", "ttop_method", "air_column", "surface_column", "depth_column",
           "files")


def _site_schema() -> dict[str, Any]:
    schema: dict[str, Any] = {"site": pl.String}
    schema |= {name: pl.Float64 if name in _NUMBERS else pl.String for name in PLACE}
    for name in MEANS:
        schema |= {name: pl.Float64, f"{name}_n": pl.Int64, f"{name}_sd": pl.Float64,
                   f"{name}_uncertainty": pl.Float64, f"{name}_source": pl.String}
    return schema | {"first_year": pl.Int64, "last_year": pl.Int64} | dict.fromkeys(_METHOD, pl.String)


class _Desk:
    """The folder, what was refused, and files that several stations share, kept until the last of them has read it."""

    def __init__(self, folder: Path, stations: Sequence[Station]) -> None:
        self.folder = folder
        self.refusals: list[dict[str, str | None]] = []
        self._kept: dict[tuple[Path, str], list[Record] | TalikError] = {}
        self._wanted = Counter(self._key(path, files.options) for station in stations for files in station.files
                               for path in files.found(folder))

    def refuse(self, site: str, file: str | None, stage: str, error: Exception | str) -> None:
        """Note that a file or a station cannot be used, and why."""
        kind = type(error).__name__ if isinstance(error, Exception) else "DataError"
        reason = str(error)
        if isinstance(error, Exception) and not isinstance(error, TalikError):
            reason = f"an unforeseen {kind} ({reason}). Please report this."
        self.refusals.append({"site": site, "file": file, "stage": stage, "kind": kind, "reason": reason})

    def read(self, path: Path, options: Mapping[str, Any]) -> list[Record]:
        """The records of a file; of one that was refused before, the same refusal."""
        key = self._key(path, options)
        found = self._kept.pop(key, None)
        if found is None:
            try:
                found = read(path, **options)
            except TalikError as error:
                found = error
        self._wanted[key] -= 1
        if self._wanted[key] > 0:
            self._kept[key] = found
        if isinstance(found, TalikError):
            raise found
        return found

    def shown(self, path: str) -> str:
        """A path as the results name it: from the data folder, wherever that lies."""
        try:
            return Path(path).relative_to(self.folder).as_posix()
        except ValueError:
            return Path(path).name

    @staticmethod
    def _key(path: Path, options: Mapping[str, Any]) -> tuple[Path, str]:
        return path, repr(sorted(options.items()))


def _offsets(station: Station, records: Sequence[Record], desk: _Desk) -> AnnualOffsets | None:
    if not records:
        return None
    try:
        return annual_offsets(records, air=station.air, surface=station.surface, depth=station.depth, alt=station.alt,
                              completeness=station.completeness, year_start=station.year_start, check=station.check,
                              fill=station.fill, surface_depth=station.surface_depth, site=station.site)
    except (TalikError, *_UNFORESEEN) as error:
        desk.refuse(station.site, None, "offsets", error)
        return None


def _checked(station: Station, records: Sequence[Record], desk: _Desk) -> list[Record]:
    """The station's records as its offsets see them: yearly files joined, values flagged."""
    try:
        one = joined(records)
        return [checked_once(record) for record in one] if station.check else one
    except (TalikError, *_UNFORESEEN) as error:
        desk.refuse(station.site, None, "offsets", error)
        return []


def _records(station: Station, desk: _Desk) -> list[Record]:
    """The station's records; each file that has none is refused and the others go on."""
    records: list[Record] = []
    for files in station.files:
        found = files.found(desk.folder)
        if not found:
            desk.refuse(station.site, files.pattern, "files", f"{files.pattern}: no such file in the data folder")
        for path in found:
            try:
                records += _chosen(desk.read(path, files.options), station, path)
            except (TalikError, *_UNFORESEEN) as error:
                desk.refuse(station.site, desk.shown(str(path)), "read", error)
    return records


def _chosen(records: list[Record], station: Station, path: Path) -> list[Record]:
    """Those of a file's records that are the station's; never a mixture of several sites."""
    there = list(dict.fromkeys(record.site for record in records))
    if station.record is None:
        if len(there) > 1:
            raise FileError(f"{path.name}: holds {len(there)} sites ({_few(there)}). Say which is {station.site!r} "
                            "with record = \"NAME\".")
        return records
    chosen = [record for record in records
              if fnmatchcase(record.site, station.record) or record.metadata.get("wmo_id") == station.record]
    if not chosen:
        raise FileError(f"{path.name}: has no record {station.record!r}; it has {_few(there)}")
    return chosen


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _row(station: Station, result: AnnualOffsets, records: list[Record], desk: _Desk) -> dict[str, Any] | None:
    """The station's row of the table of sites, or None with a refusal."""
    row = result.site_row()
    means = [name for name in ("maat", "magst", "ttop") if row[name] is not None]
    if result.paired == "each" and len(means) > 1:      # the difference of such means is no offset
        names = ", ".join(name.upper() for name in means)
        desk.refuse(station.site, None, "years", "no year in which two of air, surface and depth are whole: the means "
                    f"of {names} would be over different years. {_commonest(result)}")
        row |= {f"{name}{end}": None for name in means for end in ("", "_sd", "_uncertainty")}
        row |= {f"{name}_n": 0 for name in means}
    if all(row[name] is None for name in MEANS):
        if result.paired != "each" or len(means) < 2:
            desk.refuse(station.site, None, "years", f"no whole year in {result.years.height}. {_commonest(result)}")
        return None
    row = {name: round(value, DECIMALS) if isinstance(value, float) else value for name, value in row.items()}
    for name in MEANS:
        row[f"{name}_source"] = None if row[name] is None else _source(name, row, result, records, desk)
    place = {name: station.place.get(name) for name in PLACE}
    for name, key in (("latitude", "latitude"), ("longitude", "longitude"), ("elevation", "elevation_m")):
        if place[name] is None:                       # the files may know what the settings do not say
            place[name] = next((float(r.metadata[key]) for r in records
                                if isinstance(r.metadata.get(key), int | float)), None)
    return {name: (row | place).get(name) for name in _site_schema()} | {
        "files": "; ".join(dict.fromkeys(desk.shown(record.source.path) for record in records))}


def _source(name: str, row: Mapping[str, Any], result: AnnualOffsets, records: list[Record], desk: _Desk) -> str:
    files = _files(name, result, records)
    return (f"loggers: {row[f'{name}_n']} years, {row['first_year']} to {row['last_year']}; "
            + "; ".join(f"{desk.shown(path)} (sha256 {digest[:12]})" for path, digest in files.items()))


def _files(name: str, result: AnnualOffsets, records: Sequence[Record]) -> dict[str, str]:
    """The files whose columns a quantity was made from, with their hashes."""
    names = {column for role in _ROLES[name] for column in result.columns[role]}
    return {column.record.source.path: column.record.source.sha256 for column in all_columns(records)
            if column.name in names}


def _values(row: Mapping[str, Any], result: AnnualOffsets, records: list[Record], desk: _Desk) -> list[dict[str, Any]]:
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
                     "files": "; ".join(desk.shown(path) for path in files), "sha256": "; ".join(files.values())})
    return rows


def _years_with_values(result: AnnualOffsets | None) -> int:
    if result is None:
        return 0
    return int(result.years.select(pl.any_horizontal(pl.col(*MEANS).is_not_null()).sum()).item())


def _commonest(result: AnnualOffsets) -> str:
    """The commonest reasons for missing temperatures, in words."""
    parts = result.years["reason"].str.split("; ").explode().drop_nulls()
    counts = Counter(part for part in parts if part.split(": ")[0] in ("maat", "magst", "ttop"))
    said = []
    for part, n in counts.most_common(3):
        name, code = part.split(": ", 1)
        said.append(f"{variable(name).short} in {n} years: {REASONS.get(code, code)}")
    return "; ".join(said) + "." if said else ""
