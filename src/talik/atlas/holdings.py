"""What a results folder holds for the atlas: the table of sites, tables of the analyses, years where there are any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import polars as pl

from talik.errors import FileError
from talik.files import read_parquet
from talik.provenance import damaged, read_manifest
from talik.series.completeness import Completeness, completeness_rule
from talik.settings import checked, stations

SITES = ("predictors.parquet", "sites.parquet")
YEARS = ("site_years.parquet", "years.parquet", "years.csv")
STATIONS, SERIES = "series_stations.csv", "series"
_DAYS = {"time", "column", "depth", "temperature", "rejected", "flags", "n"}


@dataclass(frozen=True)
class Holdings:
    """
    The door to a results folder: every other room of the atlas asks here and opens no file itself.

    Parameters
    ----------
    results : Path
        The folder that `talik run` wrote.
    manifest : mapping
        Its manifest.
    sites : polars.DataFrame
        One row a site, with the predictors joined where the study has them.
    """

    results: Path
    manifest: Mapping[str, Any]
    sites: pl.DataFrame

    @classmethod
    def of(cls, results: Path | str) -> Holdings:
        """
        Open a results folder.

        Raises
        ------
        FileError
            If it has no manifest or no table of sites, or a table is damaged or differs from the manifest.
        """
        folder = Path(results)
        manifest = read_manifest(folder)
        for path, fault in damaged(folder, manifest):
            if path.endswith((".parquet", ".csv")):
                raise FileError(f"{folder / path}: {fault}. Run the study again, or see `talik verify {folder}`.")
        sites = next((read_parquet(folder / name) for name in SITES if (folder / name).is_file()), None)
        if sites is None or sites.is_empty() or "site" not in sites.columns:
            raise FileError(f"{folder}: no table of sites ({' or '.join(SITES)}) with at least one row. "
                            "Run the study with `talik run` first.")
        return cls(folder, manifest, sites)

    def table(self, *names: str) -> pl.DataFrame | None:
        """The first of these tables that the folder holds, or None when no step made it."""
        for name in names:
            path = self.results / name
            if path.is_file():
                return (read_parquet(path) if path.suffix == ".parquet"
                        else pl.read_csv(path, infer_schema_length=None))
        return None

    def years(self) -> pl.DataFrame | None:
        """Offsets by year (columns site, year, surface_offset, ..., as `talik offsets` prints), or None."""
        return _keyed(self.table(*YEARS), "site", "year")

    @cached_property
    def series(self) -> Mapping[str, str]:
        """The file of daily values of each site that has one, from the results folder."""
        stations = self.table(STATIONS)
        if stations is None or not {"site", SERIES} <= set(stations.columns):
            return {}
        named = stations.select(pl.col("site", SERIES).cast(pl.String)).drop_nulls()
        return {site: f"{SERIES}/{file}" for site, file in named.iter_rows()
                if PurePath(file).name == file and (self.results / SERIES / file).is_file()}

    def days(self, site: str) -> pl.DataFrame | None:
        """
        Daily values of a site, or None.

        Returns
        -------
        polars.DataFrame
            time, column, depth [m], temperature and rejected [°C], flags (bits of `Flag`), n (accepted samples).

        Raises
        ------
        FileError
            If the site's file holds something else.
        """
        if site not in self.series:
            return None
        path = self.results / self.series[site]
        days = read_parquet(path)
        if not set(days.columns) >= _DAYS:
            raise FileError(f"{path}: lacks {', '.join(sorted(_DAYS - set(days.columns)))}. Run the study again.")
        return days

    def spans(self, site: str) -> pl.DataFrame:
        """First and last day with a value [days since 1970] of each column of a site that has one."""
        day = pl.col("time").cast(pl.Date).to_physical()
        return (pl.scan_parquet(self.results / self.series[site]).filter(pl.col("temperature").is_not_null())
                .group_by("column", "depth").agg(first=day.min(), last=day.max()).collect())

    def rules(self) -> Mapping[str, Completeness]:
        """The completeness rule of each station, as the study's settings say."""
        if not self.manifest["settings"].get("series"):
            return {}
        settings = checked(self.manifest["settings"], home=Path(self.manifest.get("home", ".")))
        return {station.site: completeness_rule(station.completeness) for station in stations(settings)}

    @property
    def title(self) -> str:
        """The title of the study, or its name."""
        return str(self.manifest["settings"].get("study", {}).get("title") or self.manifest["study"])

    @property
    def shown_tables(self) -> list[str]:
        """Names of the CSV tables of the folder, without ending, in order."""
        return sorted(path.stem for path in self.results.glob("*.csv"))


def _keyed(table: pl.DataFrame | None, *keys: str) -> pl.DataFrame | None:
    return table if table is not None and set(keys) <= set(table.columns) else None
