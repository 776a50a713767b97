"""
Stations worked on one by one, on several processors, and kept: each under the key of all it was made from.

A station on the shelf is three files: its years, its daily series, and last a JSON file with the rest and the hashes of
the two. Without that one, or with a hash that does not fit, the station is simply worked on again.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from talik.files import read_parquet, sha256, write_parquet, write_text
from talik.provenance import code_hash, package_versions, settings_hash
from talik.store.sources import companions_of
from talik.synthesis.daily_series import file_names
from talik.synthesis.station import Reading, Station, StationOutcome, refusal, station_outcome
from talik.synthesis.stations import StationSites, distinct, gathered
from talik.workers import mapped, processors

SERIES = "series"
"""Folder of the daily series in the results, one file a station."""
SMALL = 32_000_000
"""Bytes of logger files up to which a second process costs more than it saves."""
_DIED = "the process that worked on it died, twice (out of memory?). Run the study again, with fewer workers."


@dataclass(frozen=True, slots=True)
class ShelvedSites:
    """The tables of all stations, and the sites whose process died: they are to be tried again."""

    found: StationSites
    died: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sitting:
    """Stations that share files, with their keys: one process works on them, one after the other."""

    stations: tuple[Station, ...]
    keys: tuple[str, ...]
    folder: Path
    shelf: Path


def shelved_sites(stations: Sequence[Station], folder: Path, shelf: Path, series: Path, *,
                  digests: Mapping[Path, str], workers: int | None = None, cluster: str | None = None,
                  told: Callable[[str], None] | None = None) -> ShelvedSites:
    """
    What came of all stations; only those are worked on that are not on the shelf yet.

    Parameters
    ----------
    stations : sequence of Station
    folder : Path
        Where relative patterns of files start.
    shelf : Path
        Folder in which stations are kept for the next run. Those no longer asked for are removed from it at the end.
    series : Path
        Folder that gets the daily series, one Parquet file a station; see `daily_series`.
    digests : mapping of Path to str
        The sha256 of every file in `station_files`.
    workers : int, optional
        Processes; one when there is little to read, else as many as there are processors.
    cluster : str, optional
        Address of a dask scheduler whose workers see the same folders.
    told : callable, optional
        Told of each station when it is safe on the shelf.

    Returns
    -------
    ShelvedSites
        Its table `stations` has a column `series`: the file's name, or null.

    Raises
    ------
    DataError
        If two stations have the same name.
    FileError
        If the shelf cannot be written to; what is on it stays.
    """
    distinct(stations)
    keys = [station_key(station, folder, digests) for station in stations]
    todo = [(station, key) for station, key in zip(stations, keys, strict=True) if _taken(shelf, key) is None]
    done = len(stations) - len(todo)
    if told and done:
        told(f"{done}/{len(stations)} unchanged")
    size = sum(path.stat().st_size for station, _ in todo for path in _files(station, folder) if path.is_file())
    several = workers or (1 if size < SMALL else processors())
    died: list[str] = []
    for lines in mapped(_work, _sittings(todo, folder, shelf), lost=_lost, workers=several, cluster=cluster):
        for site, line in lines:
            died += [site] if line == _DIED else []
            done += 1
            if told:
                told(f"{done}/{len(stations)} {site}: {line}")
    outcomes = [_taken(shelf, key) or _dead(station) for station, key in zip(stations, keys, strict=True)]
    found = gathered(outcomes)
    names = _published(shelf, keys, [station.site for station in stations], series)
    _swept(shelf, keys)
    names = [name for name, outcome in zip(names, outcomes, strict=True) if not outcome.unread]
    return ShelvedSites(replace(found, stations=found.stations.with_columns(pl.Series("series", names, pl.String))),
                        tuple(died))


def station_files(station: Station, folder: Path) -> list[Path]:
    """Every file that decides what is read for a station: its logger files, and those their readers look at."""
    found = _files(station, folder)
    return list(dict.fromkeys([*found, *(beside for path in found for beside in companions_of(path))]))


def station_key(station: Station, folder: Path, digests: Mapping[Path, str]) -> str:
    """Of all that decides what comes of a station: settings, names and content of its files, code."""
    reading = Reading(folder, ())
    files = [[reading.shown(path), digests.get(path)] for path in station_files(station, folder)]
    return settings_hash([asdict(station), files, code_hash(), package_versions()])[:32]


def _files(station: Station, folder: Path) -> list[Path]:
    return [path for files in station.files for path in files.found(folder)]


def _sittings(todo: Sequence[tuple[Station, str]], folder: Path, shelf: Path) -> list[Sitting]:
    """Stations that share a file sit together, so that it is read once."""
    groups: list[tuple[set[Path], list[int]]] = []
    at: dict[Path, tuple[set[Path], list[int]]] = {}
    for k, (station, _) in enumerate(todo):
        files, members = set(_files(station, folder)), [k]
        for group in {id(at[path]): at[path] for path in files if path in at}.values():
            files |= group[0]
            members += group[1]
            groups.remove(group)
        group = (files, members)
        groups.append(group)
        at |= dict.fromkeys(files, group)
    return [Sitting(tuple(todo[k][0] for k in sorted(members)), tuple(todo[k][1] for k in sorted(members)), folder,
                    shelf) for _, members in groups]


def _work(sitting: Sitting) -> list[tuple[str, str]]:
    """Each station onto the shelf as soon as it is finished; (site, what became of it)."""
    reading = Reading(sitting.folder, sitting.stations)
    lines = []
    for station, key in zip(sitting.stations, sitting.keys, strict=True):
        outcome, days = station_outcome(station, reading)
        _put(sitting.shelf, key, outcome, days)
        lines.append((station.site, _came(outcome)))
        del outcome, days
        gc.collect()                                # tables may hang in cycles: memory would grow with the stations
    return lines


def _came(outcome: StationOutcome) -> str:
    if outcome.row:
        return f"{outcome.n_years} year{'s' * (outcome.n_years != 1)}"
    return "not read: no logger file" if outcome.unread else "refused"


def _lost(sitting: Sitting) -> list[tuple[str, str]]:
    return [(station.site, _DIED) for station, key in zip(sitting.stations, sitting.keys, strict=True)
            if _taken(sitting.shelf, key) is None]


def _dead(station: Station) -> StationOutcome:
    return StationOutcome(station.site, None, pl.DataFrame(), [], [refusal(station.site, None, "files", _DIED)], 0)


def _put(shelf: Path, key: str, outcome: StationOutcome, days: pl.DataFrame | None) -> None:
    tables = {"years": outcome.years if outcome.years.height else None, "series": days}
    hashes = {name: None if table is None else sha256(write_parquet(shelf / f"{key}.{name}.parquet", table))
              for name, table in tables.items()}
    rest = {"site": outcome.site, "row": outcome.row, "values": outcome.values, "refusals": outcome.refusals,
            "n_years": outcome.n_years, "notes": outcome.notes, "checks": outcome.checks,
            "unread": outcome.unread}
    write_text(shelf / f"{key}.json", json.dumps({"outcome": rest, "sha256": hashes}))


def _taken(shelf: Path, key: str) -> StationOutcome | None:
    """A station from the shelf, if all its files are there and whole."""
    try:
        known: dict[str, Any] = json.loads((shelf / f"{key}.json").read_text(encoding="utf-8"))
        for name, digest in known["sha256"].items():
            if digest and sha256(shelf / f"{key}.{name}.parquet") != digest:
                return None
        years = read_parquet(shelf / f"{key}.years.parquet") if known["sha256"]["years"] else pl.DataFrame()
        return StationOutcome(**known["outcome"], years=years)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _published(shelf: Path, keys: Sequence[str], sites: Sequence[str], series: Path) -> list[str | None]:
    """The daily series under the names of their sites; the same file twice where the file system can, else a copy."""
    series.mkdir(parents=True, exist_ok=True)
    names: list[str | None] = []
    for key, name in zip(keys, file_names(sites), strict=True):
        source, target = shelf / f"{key}.series.parquet", series / f"{name}.parquet"
        names.append(target.name if source.is_file() else None)
        if source.is_file():
            try:
                os.link(source, target)
            except OSError:
                shutil.copyfile(source, target)
    return names


def _swept(shelf: Path, keys: Sequence[str]) -> None:
    current = set(keys)
    for path in shelf.iterdir() if shelf.is_dir() else ():
        if path.name.split(".")[0] not in current:
            path.unlink(missing_ok=True)
