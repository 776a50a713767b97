"""The settings of a study: what its TOML file may say, checked, with plain words when it says something else."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from talik.errors import FileError, UsageError, unknown

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
    """`[sites]`: a bundled study by name, or a table with the names and units of its columns."""

    published: str | None = None
    table: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    columns: dict[str, str] = {}
    units: dict[str, str] = {}
    cluster_km: float = Field(default=60.0, gt=0, le=2000)


class PredictorsSection(Section):
    """`[predictors]`: a table of predictors to join by site."""

    table: str | None = None
    columns: dict[str, str] = {}


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
    """`[figures]`: an optional layer of permafrost extent (GeoTIFF, shapefile or GeoJSON)."""

    extent: str | None = None


class Settings(Section):
    """All settings of one study; `home` is the folder its relative paths start from."""

    study: StudySection
    sites: SitesSection
    predictors: PredictorsSection = PredictorsSection()
    drivers: DriversSection = DriversSection()
    slopes: SlopesSection = SlopesSection()
    figures: FiguresSection = FiguresSection()
    home: Path = Field(default=Path("."), exclude=True)

    def path(self, name: str) -> Path:
        """A path of the TOML file, relative to the file's own folder."""
        return self.home / Path(name).expanduser()


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
    if (settings.sites.table is None) == (settings.sites.published is None):
        raise UsageError(f"{shown}: [sites] needs exactly one of table = \"FILE\" and published = \"NAME\".")
    return settings


def _fault(fault: Any, content: dict[str, Any]) -> str:
    where = [str(part) for part in fault["loc"]]
    if fault["type"] == "extra_forbidden":
        known: list[str] = list(Settings.model_fields)
        if len(where) > 1 and where[0] in Settings.model_fields:
            known = list(getattr(Settings.model_fields[where[0]].annotation, "model_fields", {}))
        return str(unknown("key", ".".join(where), [".".join([*where[:-1], k]) for k in known if k != "home"]))
    if fault["type"] == "missing":
        return f"[{where[0]}] {'.'.join(where[1:]) or 'section'} is missing."
    return f"{'.'.join(where)}: got {fault['input']!r}; {fault['msg'][0].lower()}{fault['msg'][1:]}."
