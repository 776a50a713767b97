"""Stations become sites: what came of each of them is gathered into the tables of a study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from talik.errors import DataError
from talik.synthesis.station import Files, Reading, Station, StationOutcome, station_outcome
from talik.synthesis.station_rows import site_schema

__all__ = ["Files", "Station", "StationSites", "distinct", "gathered", "station_sites"]

_REFUSALS = {"site": pl.String, "file": pl.String, "stage": pl.String, "kind": pl.String, "reason": pl.String}
_VALUES = {"site": pl.String, "quantity": pl.String, "value": pl.Float64, "n": pl.Int64, "sd": pl.Float64,
           "uncertainty": pl.Float64, "first_year": pl.Int64, "last_year": pl.Int64, "method": pl.String,
           "columns": pl.String, "files": pl.String, "sha256": pl.String}
_CHECKS = {"site": pl.String, "column": pl.String, "depth": pl.Float64, "flag": pl.String, "values": pl.Int64,
           "flagged": pl.Int64, "share": pl.Float64, "rejected": pl.Float64}
_STATES = {"site": pl.String, "status": pl.String, "n_years": pl.Int64, "first_year": pl.Int64, "last_year": pl.Int64,
           "reason": pl.String, "notes": pl.String}


@dataclass(frozen=True, slots=True)
class StationSites:
    """
    What came of the stations.

    Parameters
    ----------
    sites : polars.DataFrame
        One row a station with at least one mean: place; `maat`, `magst`, `ttop` [°C], `alt` [m], `surface_offset`,
        `thermal_offset` [K], each with `_n` (years), `_sd` (between years), `_uncertainty` and `_source`; years,
        `air_height`, `surface_depth`, `ttop_depth` of the sensors, `alt_lower` and `alt_upper` (to where the ground
        thawed in every year, and no deeper in any) [m]; rule, method, columns, files.
    years : polars.DataFrame
        One row a station and year, as `AnnualOffsets.years`.
    refusals : polars.DataFrame
        site, file, stage ("files", "read", "offsets", "years"), kind, reason: files and stations that could not be
        used.
    values : polars.DataFrame
        One row a site and quantity: value, n, sd, uncertainty, first and last year, method, columns, files, sha256.
    stations : polars.DataFrame
        One row a station: site, status ("used" or "refused"), n_years (that its means rest on; of several quantities
        the most), first and last of them, reason, notes. A file found by `each` that no reader claims is none.
    checks : polars.DataFrame
        One row a station, sensor and flag that rejects: site, column, depth [m], flag, values, flagged (values that
        carry it), share of the values, and rejected (the share that all flags together reject).
    """

    sites: pl.DataFrame
    years: pl.DataFrame
    refusals: pl.DataFrame
    values: pl.DataFrame
    stations: pl.DataFrame
    checks: pl.DataFrame


def station_sites(stations: Sequence[Station], folder: Path | str = ".", *,
                  watch: Callable[[str], None] | None = None) -> StationSites:
    """
    Sites, years and refusals of stations; a bad file or station never stops the others.

    Parameters
    ----------
    stations : sequence of Station
    folder : path
        Where relative patterns start.
    watch : callable, optional
        Told the name of each station before it is worked on.

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
    distinct(stations)
    reading = Reading(Path(folder), stations)

    def worked() -> Iterable[StationOutcome]:
        for station in stations:
            if watch:
                watch(station.site)
            yield station_outcome(station, reading)[0]

    return gathered(worked())


def distinct(stations: Sequence[Station]) -> None:
    """Raise DataError if two stations have the same name."""
    twice = [name for name, n in Counter(station.site for station in stations).items() if n > 1]
    if twice:
        raise DataError(f"series: two stations are called {twice[0]!r}; expected a name of its own for each")


def gathered(outcomes: Iterable[StationOutcome]) -> StationSites:
    """The tables of all stations, in the order given."""
    rows, years, values, refusals, states, checks = [], [], [], [], [], []
    for outcome in outcomes:
        row = outcome.row or {}
        rows += [row] if row else []
        years += [outcome.years] if outcome.years.height else []
        values += outcome.values
        refusals += outcome.refusals
        checks += outcome.checks
        if outcome.unread:
            continue
        states.append({"site": outcome.site, "status": "used" if row else "refused", "n_years": outcome.n_years,
                       "first_year": row.get("first_year"), "last_year": row.get("last_year"),
                       "reason": " ".join(str(refusal["reason"]) for refusal in outcome.refusals) or None,
                       "notes": outcome.notes or None})
    return StationSites(pl.DataFrame(rows, schema=site_schema()),
                        pl.concat(years, how="diagonal_relaxed") if years else pl.DataFrame(),
                        pl.DataFrame(refusals, schema=_REFUSALS), pl.DataFrame(values, schema=_VALUES),
                        pl.DataFrame(states, schema=_STATES), pl.DataFrame(checks, schema=_CHECKS))
