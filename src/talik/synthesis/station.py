"""One station: its files are read, checked and averaged by year; what cannot be used is refused with the reason."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from talik.errors import FileError, TalikError
from talik.readers.registry import read
from talik.records import Record
from talik.series.columns import Pick, joined
from talik.series.completeness import Completeness
from talik.series.deployments import conflict_words, conflicts
from talik.series.filling import Filling
from talik.series.offsets import AnnualOffsets, annual_offsets
from talik.series.quality import checked_once
from talik.store.sources import shown_text
from talik.synthesis.daily_series import daily_series
from talik.synthesis.one_site import same_site
from talik.synthesis.station_rows import MEANS, check_rows, site_row, value_rows

UNCLAIMED = "UnknownFormat"
"""Kind of the refusal of a file that no reader claims."""
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
    air, surface, depth, alt, completeness, year_start, check, fill, surface_depth, depth_tolerance
        As in `talik.annual_offsets`.
    stated : bool
        Whether the settings name it. If not (a file or folder found by `each`), files that name different sites are
        refused, and a file that no reader claims is no station.
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
    depth_tolerance: float = 0.05
    stated: bool = True


@dataclass(frozen=True, slots=True)
class StationOutcome:
    """
    What came of one station.

    Parameters
    ----------
    site : str
    row : dict or None
        Its row of the table of sites.
    years : polars.DataFrame
        One row a year; empty when there is none.
    values, refusals : list of dict
        Its rows of the tables of these names.
    n_years : int
        Years that its means rest on: of several quantities, the most.
    notes : str
        What is to be known of it: names that its files give, deployments that overlap, files that disagree, years with
        an offset that the means leave out.
    checks : list of dict
        Its rows of the table of what the check rejected.
    unread : bool
        Nobody named it, and no reader claims its files: no station, but files that are not read.
    """

    site: str
    row: dict[str, Any] | None
    years: pl.DataFrame
    values: list[dict[str, Any]]
    refusals: list[dict[str, str | None]]
    n_years: int
    notes: str = ""
    checks: list[dict[str, Any]] = field(default_factory=list)
    unread: bool = False


def station_outcome(station: Station, reading: Reading) -> tuple[StationOutcome, pl.DataFrame | None]:
    """What came of a station, and its daily series (None when no file could be read)."""
    refused: list[dict[str, str | None]] = []
    row, years, values, days, n_years, notes = None, pl.DataFrame(), [], None, 0, ""
    checks: list[dict[str, Any]] = []
    try:
        records = _records(station, reading, refused)
        said = same_site(station.site, records, reading.shown, stated=station.stated,
                         tolerance=station.depth_tolerance)
        checked = joined(records)
        if station.check:
            checked = [checked_once(record) for record in checked]
        days = daily_series(checked) if checked else None
        checks = check_rows(station.site, checked)
        result = _offsets(station, checked) if checked else None
        if result is not None:
            years = result.years
            row, reason = site_row(station.site, station.place, result, records, reading.shown)
            n_years = max(row[f"{name}_n"] for name in MEANS) if row else 0
            notes = "; ".join((*said, *conflict_words(conflicts(records), reading.shown), *result.settings["overlaps"],
                               *result.left_out))
            values = value_rows(row, result, records, reading.shown) if row else []
            refused += [refusal(station.site, None, "years", reason)] if reason else []
    except (TalikError, *_UNFORESEEN) as error:
        refused.append(refusal(station.site, None, "offsets", error))
    refused.sort(key=lambda one: one["kind"] == UNCLAIMED)          # what went wrong before what was no logger file
    unread = not station.stated and bool(refused) and all(one["kind"] == UNCLAIMED for one in refused)
    return StationOutcome(station.site, row, years, values, refused, n_years, notes, checks,
                          unread and days is None), days


def refusal(site: str, file: str | None, stage: str, error: Exception | str) -> dict[str, str | None]:
    """A row of the table of refusals: a file or a station cannot be used, and why."""
    kind = type(error).__name__ if isinstance(error, Exception) else "DataError"
    reason = str(error)
    if isinstance(error, Exception) and not isinstance(error, TalikError):
        reason = f"an unforeseen {kind} ({reason}). Please report this."
    return {"site": site, "file": file, "stage": stage, "kind": kind, "reason": reason}


class Reading:
    """The folder of the files; those that several stations share are kept until the last of them has read it."""

    def __init__(self, folder: Path, stations: Sequence[Station]) -> None:
        self.folder = folder
        self._kept: dict[tuple[Path, str], list[Record] | TalikError] = {}
        self._wanted = Counter(self._key(path, files.options) for station in stations for files in station.files
                               for path in files.found(folder))

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

    def shown(self, path: Path | str) -> str:
        """A path as the results name it: from the data folder, wherever that lies."""
        try:
            return shown_text(Path(path).relative_to(self.folder).as_posix())
        except ValueError:
            return shown_text(Path(path).name)

    @staticmethod
    def _key(path: Path, options: Mapping[str, Any]) -> tuple[Path, str]:
        return path, repr(sorted(options.items()))


def _offsets(station: Station, records: Sequence[Record]) -> AnnualOffsets:
    return annual_offsets(records, air=station.air, surface=station.surface, depth=station.depth, alt=station.alt,
                          completeness=station.completeness, year_start=station.year_start, check=station.check,
                          fill=station.fill, surface_depth=station.surface_depth,
                          depth_tolerance=station.depth_tolerance, site=station.site)


def _records(station: Station, reading: Reading, refused: list[dict[str, str | None]]) -> list[Record]:
    """The station's records; each file that has none is refused and the others go on."""
    records: list[Record] = []
    seen: dict[str, Path] = {}
    for files in station.files:
        found = files.found(reading.folder)
        if not found:
            refused.append(refusal(station.site, files.pattern, "files",
                                   f"{files.pattern}: no such file in the data folder"))
        for path in found:
            try:
                own = _chosen(reading.read(path, files.options), station, path)
                records += _refuse_copy(own, path, files.options, seen, reading)
            except (TalikError, *_UNFORESEEN) as error:
                refused.append(refusal(station.site, reading.shown(path), "read", error))
    return records


def _refuse_copy(records: list[Record], path: Path, options: Mapping[str, Any], seen: dict[str, Path],
                 reading: Reading) -> list[Record]:
    """The records of a file, unless one before it has the same bytes and is read in the same way."""
    key = f"{records[0].source.sha256} {sorted(options.items())}" if records else ""
    if key and (first := seen.setdefault(key, path)) != path:
        raise FileError(f"{path.name}: has the same bytes as {reading.shown(first)}, which is read: not read again")
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
