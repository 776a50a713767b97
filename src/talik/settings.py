"""The settings of a study: what its TOML file may say, checked, with plain words when it says something else."""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from talik.errors import FileError, UsageError, unknown

if TYPE_CHECKING:
    from talik.synthesis.station import Station

Profile = Literal["talik", "liu2025"]


class Section(BaseModel):
    """A table of the TOML file: frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StudySection(Section):
    """`[study]`: name, title and how the statements are made."""

    name: str = Field(min_length=1, max_length=100)
    title: str = ""
    profile: Profile = "talik"
    seed: int = 1
    level: float = Field(default=0.95, gt=0.5, lt=1.0)
    replicates: int = Field(default=2000, ge=100, le=100_000)


class SitesSection(Section):
    """
    `[sites]`: a bundled study by name, or a table with the names and units of its columns.

    `precedence` says whose values count at a site that the table and the loggers ([series]) both know.
    """

    published: str | None = None
    table: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    columns: dict[str, str] = {}
    units: dict[str, str] = {}
    cluster_km: float = Field(default=60.0, gt=0, le=2000)
    precedence: Literal["series", "table"] = "series"


class CompletenessSection(Section):
    """A rule of one's own for when a year is whole; a limit that is not named is not set."""

    day: float = Field(default=0.8, ge=0, le=1)
    year: float = Field(default=0.0, ge=0, le=1)
    longest_gap: int | None = Field(default=None, ge=0)
    month: float | None = Field(default=None, ge=0, le=1)
    empty_months: int | None = Field(default=None, ge=0)
    month_missing: int | None = Field(default=None, ge=0)
    month_run: int | None = Field(default=None, ge=0)
    name: str = "custom"


class FileSection(Section):
    """Files of a station: a path or pattern, and what the reader is told of them."""

    path: str = Field(min_length=1)
    format: str | None = None
    encoding: str | None = None
    timezone: str | None = None
    date_order: Literal["YMD", "MDY", "DMY"] | None = None
    depths: tuple[float, ...] | None = None
    columns: dict[str, str] | None = None


Choice = float | str | tuple[float | str, ...] | None


class Choices(Section):
    """How stations are read and averaged: said for all of them in `[series]`, or for one in its own entry."""

    files: tuple[str | FileSection, ...] | None = None
    format: str | None = None
    encoding: str | None = None
    timezone: str | None = None
    date_order: Literal["YMD", "MDY", "DMY"] | None = None
    depths: tuple[float, ...] | None = None
    columns: dict[str, str] | None = None
    air: Choice = None
    surface: Choice = None
    depth: Choice = None
    surface_depth: float | None = Field(default=None, ge=0)
    depth_tolerance: float | None = Field(default=None, ge=0)
    completeness: str | CompletenessSection | None = None
    year_start: str | None = None
    check: bool | None = None
    fill: Literal["linear", "regression"] | None = None


class StationSection(Choices):
    """`[[series.stations]]`: one station."""

    site: str = Field(min_length=1)
    record: str | None = None
    region: str | None = None
    subregion: str | None = None
    basin: str | None = None
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, lt=180)
    coordinate_precision_km: float | None = Field(default=None, gt=0)
    elevation: float | None = None
    vegetation: str | None = None
    soil: str | None = None
    alt: float | dict[int, float] | None = None


class SeriesSection(Choices):
    """
    `[series]`: logger files that become sites; `data` is the folder they lie in ("$NAME/..." is looked up).

    `each` is a pattern in that folder: every file that fits, and every folder of files, is a station of its name.
    `places` is a table with a row a site: region, latitude, longitude, elevation, vegetation, soil, as far as known.
    """

    data: str = "."
    places: str | None = None
    each: str | None = Field(default=None, min_length=1)
    stations: tuple[StationSection, ...] = ()


class PredictorsSection(Section):
    """
    `[predictors]`: a table of predictors to join by site; ERA5-Land files to take them from, or a service.

    `source` is "cds" (Climate Data Store), "edh" (Earth Data Hub) or "gee" (Earth Engine, with your `project`); it
    needs `years`. What is fetched stays in the folder `store`. `static` names ERA5-Land's own files of geopotential and
    land-sea mask, for the height and the land fraction of cells.
    """

    table: str | None = None
    columns: dict[str, str] = {}
    era5land: tuple[str, ...] = ()
    dataset: str = ""
    years: tuple[int, int] | None = None
    source: Literal["cds", "edh", "gee"] | None = None
    store: str = "era5land"
    static: tuple[str, ...] = ()
    project: str = ""


class DriversSection(Section):
    """`[drivers]`: which response is explained by which columns; empty lists mean whatever the table holds."""

    run: bool = True
    responses: tuple[str, ...] = ("surface_offset", "thermal_offset")
    predictors: tuple[str, ...] = ()
    refits: int = Field(default=500, ge=100, le=10_000)
    nulls: int = Field(default=9, ge=0, le=999)


class SlopesSection(Section):
    """`[slopes]`: which response is regressed on which group of predictors, by which classes."""

    run: bool = True
    surface_offset: tuple[str, ...] = ("snow_depth", "snow_density", "snow_cover")
    surface_offset_by: tuple[str, str] = ("region", "vegetation")
    thermal_offset: tuple[str, ...] = ("precipitation", "soil_water_1", "soil_water_2", "soil_water_3", "soil_water_4")
    thermal_offset_by: tuple[str, str] = ("region", "soil")


class FiguresSection(Section):
    """`[figures]`: whether they are drawn with every run, and a layer of extent (GeoTIFF, shapefile or GeoJSON)."""

    run: bool = True
    extent: str | None = None


class AtlasSection(Section):
    """`[atlas]`: whether the page of maps is made with every run; `talik atlas` makes it at any time."""

    run: bool = True


class Settings(Section):
    """All settings of one study; `home` is the folder its relative paths start from."""

    study: StudySection
    sites: SitesSection = SitesSection()
    series: SeriesSection | None = None
    predictors: PredictorsSection = PredictorsSection()
    drivers: DriversSection = DriversSection()
    slopes: SlopesSection = SlopesSection()
    figures: FiguresSection = FiguresSection()
    atlas: AtlasSection = AtlasSection()
    home: Path = Field(default=Path("."), exclude=True)

    def path(self, name: str) -> Path:
        """A path of the TOML file, relative to the file's own folder; `$NAME` stands for an environment variable."""
        found = os.path.expandvars(name)
        if "$" in found:
            raise UsageError(f"{name}: the environment variable is not set. Set it, or write the folder's path.")
        return self.home / Path(found).expanduser()


_READING = ("format", "encoding", "timezone", "date_order", "depths", "columns")
_CHOOSING = ("air", "surface", "depth", "alt", "surface_depth", "depth_tolerance", "check", "record")
_PLACE = ("region", "subregion", "basin", "latitude", "longitude", "coordinate_precision_km", "elevation",
          "vegetation", "soil")


def stations(settings: Settings) -> list[Station]:
    """
    The stations of `[series]`, each with what it does not say itself from the section.

    Raises
    ------
    UsageError
        If a station has no files, or its rule or year start does not exist; or no file fits `each`.
    """
    section = settings.series
    if section is None:
        return []
    found = [_station(entry, section) for entry in section.stations]
    if section.each is not None:
        found += _each(section, section.each, settings.path(section.data), found)
    return found if section.places is None else _placed(found, settings.path(section.places))


def _placed(found: list[Station], path: Path) -> list[Station]:
    """The stations with what a table says of their places; what a station says itself counts."""
    import polars as pl

    from talik.synthesis.joined import join_predictors

    table = join_predictors(pl.DataFrame({"site": [station.site for station in found]}), path)
    rows = table.select("site", *(name for name in _PLACE if name in table.columns)).iter_rows(named=True)
    return [replace(station, place={name: value for name, value in row.items() if name != "site" and value is not None}
                    | dict(station.place)) for station, row in zip(found, rows, strict=True)]


def _each(section: SeriesSection, pattern: str, folder: Path, named: list[Station]) -> list[Station]:
    """A station for every file, and every folder of files, that no station names."""
    from talik.synthesis.dropped import dropped

    taken = {path for station in named for files in station.files for path in files.found(folder)}
    found = dropped(pattern, folder, taken)
    if not (found or named):
        raise UsageError(f"[series] each = {pattern!r}: {folder} holds no file that fits. Put your logger files there, "
                         "one a station, and run again.")
    return [replace(_station(StationSection(site=site, files=tuple(patterns)), section), stated=False)
            for site, patterns in found]


def _station(entry: StationSection, section: SeriesSection) -> Station:
    from talik.series.completeness import Completeness, completeness_rule
    from talik.series.filling import Filling
    from talik.synthesis.station import Files, Station

    def said(name: str) -> Any:
        own = getattr(entry, name)
        return getattr(section, name, None) if own is None else own

    reading = {name: said(name) for name in _READING if said(name) is not None}
    files = [FileSection(path=one) if isinstance(one, str) else one for one in said("files") or ()]
    if not files:
        raise UsageError(f"series: station {entry.site!r} has no files. Name them with files = [...], for it or for "
                         "all stations in [series].")
    rule = said("completeness") or "default"
    if isinstance(rule, CompletenessSection):
        rule = Completeness(**rule.model_dump())
    rule = completeness_rule(rule, said("year_start"))
    filling = {None: None, "linear": Filling(), "regression": Filling(regression_days=60)}[said("fill")]
    return Station(
        entry.site, [Files(one.path, reading | one.model_dump(exclude={"path"}, exclude_none=True)) for one in files],
        place={name: getattr(entry, name) for name in _PLACE if getattr(entry, name) is not None},
        completeness=rule, fill=filling,
        **{name: value for name in _CHOOSING if (value := said(name)) is not None})


def read_settings(path: Path | str) -> Settings:
    """
    The settings in a study's TOML file.

    Raises
    ------
    FileError
        If the file is missing or is not TOML (the line is named).
    UsageError
        If a key is unknown (the nearest is suggested) or a value is not possible.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "study.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FileError(f"{path}: no such file. `talik new FOLDER` makes one; `talik studies` lists the bundled "
                        "studies.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: not a TOML file in UTF-8: {error}.") from None
    return checked(content, home=path.parent, shown=str(path))


def checked(content: dict[str, Any], *, home: Path = Path("."), shown: str = "settings") -> Settings:
    """The settings a nested dictionary holds; raises UsageError with one line per fault."""
    try:
        settings = Settings(**{**content, "home": home})
    except ValidationError as error:
        raise UsageError("\n".join(f"{shown}: {_fault(fault, content)}" for fault in error.errors())) from None
    if settings.series is not None and not (settings.series.each or settings.series.stations):
        raise UsageError(f"{shown}: [series] needs each = \"PATTERN\", or at least one [[series.stations]].")
    if settings.predictors.source and settings.predictors.era5land:
        raise UsageError(f"{shown}: [predictors] has both source and era5land. Name files or a service, not both.")
    if settings.predictors.source and settings.predictors.years is None:
        raise UsageError(f"{shown}: [predictors] source needs years = [FIRST, LAST], the whole years to average over.")
    if settings.predictors.static and not (settings.predictors.source or settings.predictors.era5land):
        raise UsageError(f"{shown}: [predictors] static without era5land or source: there are no cells whose height it "
                         "could tell. Name one of them, or leave it out.")
    named = [settings.sites.table, settings.sites.published]
    if named.count(None) == 0 or (named.count(None) == 2 and settings.series is None):
        raise UsageError(f"{shown}: [sites] needs exactly one of table = \"FILE\" and published = \"NAME\", or none of "
                         "them when [series] brings the sites.")
    return settings


def _fault(fault: Any, content: dict[str, Any]) -> str:
    where = [str(part) for part in fault["loc"]]
    if fault["type"] == "extra_forbidden":
        known: list[str] = list(Settings.model_fields)
        if where[:2] == ["series", "stations"]:
            known = list(FileSection.model_fields if "FileSection" in where else
                         CompletenessSection.model_fields if "CompletenessSection" in where
                         else StationSection.model_fields)
        elif where[0] == "series" and len(where) > 1:
            known = list(SeriesSection.model_fields)
        elif len(where) > 1 and where[0] in Settings.model_fields:
            known = list(getattr(Settings.model_fields[where[0]].annotation, "model_fields", {}))
        return str(unknown("key", ".".join(where), [".".join([*where[:-1], k]) for k in known if k != "home"]))
    if fault["type"] == "missing":
        return f"[{where[0]}] {'.'.join(where[1:]) or 'section'} is missing."
    return f"{'.'.join(where)}: got {fault['input']!r}; {fault['msg'][0].lower()}{fault['msg'][1:]}."
