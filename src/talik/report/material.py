"""What the report is made from: the settings, the steps and the tables of a results folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from talik.errors import StoreError
from talik.files import read_parquet
from talik.provenance import damaged, package_versions, read_manifest
from talik.report.parts import interval
from talik.settings import Settings, checked
from talik.variables import VARIABLES, shown_unit, variable

STEPS = "steps.csv"
"""The table of the steps of a run, which the recipe writes beside the report."""
PAGES = ("report.", "atlas.")
"""Begin the names of the pages: made from the tables, by whoever likes, so another one is no damage to a report."""
OFFSETS = ("surface_offset", "thermal_offset")


@dataclass(frozen=True, slots=True)
class Material:
    """
    What the report is made from.

    Parameters
    ----------
    settings : Settings
        Of the study.
    results : Path
        The results folder.
    steps : polars.DataFrame
        One row a step: step, status ("run", "in part" or "not run"), reason, remedy, outputs.
    versions : mapping
        Of Python and the packages that made the results.
    """

    settings: Settings
    results: Path
    steps: pl.DataFrame
    versions: Mapping[str, str] = field(default_factory=package_versions)

    def table(self, name: str) -> pl.DataFrame | None:
        """A table of the results folder, or None when no step made it."""
        path = self.results / name
        if not path.is_file():
            return None
        return read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema_length=None)

    def not_run(self, step: str) -> str:
        """Why a step was not run, or not wholly; empty when it was."""
        return " ".join(self.steps.filter(pl.col("status") != "run", step=step)["reason"])

    def grouping(self) -> str:
        """What the main means are grouped by: "region", else the only grouping there is."""
        summary = self.table("summary.csv")
        return "region" if summary is None or summary.is_empty() or "region" in summary["by"] else summary["by"][0]

    def interval_words(self) -> str:
        """What an interval of a mean is: "95 % interval"."""
        return f"{100 * self.settings.study.level:g} % interval"


def read_material(results: Path) -> Material:
    """
    The material of a finished results folder.

    Raises
    ------
    FileError
        If it is not a results folder of `talik run`.
    StoreError
        If a table is missing or changed, or the run ended before its report.
    """
    manifest = read_manifest(results)
    wrong = [(path, fault) for path, fault in damaged(results, manifest) if not path.startswith(PAGES)]
    if wrong:
        path, fault = wrong[0]
        raise StoreError(f"{results / path}: {fault}. A report made now would not be one of this run. "
                         "Run the study again with `talik run`.")
    if not (results / STEPS).is_file():
        raise StoreError(f"{results}: no {STEPS} here, so it was made by another version of talik. "
                         "Run the study again with `talik run`.")
    steps = pl.read_csv(results / STEPS, schema_overrides=dict.fromkeys(("reason", "remedy", "outputs"), pl.String))
    settings = checked(manifest["settings"], home=Path(manifest.get("home", ".")))
    return Material(settings, results, steps, manifest.get("versions", {}))


def steps_frame(outcomes: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """One row a step from what became of it."""
    schema = {"step": pl.String, "status": pl.String, "reason": pl.String, "remedy": pl.String, "outputs": pl.String}
    return pl.DataFrame([{key: outcome[key] for key in schema} for outcome in outcomes], schema=schema)


def readable(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with symbols for catalogue names and units as people write them."""
    shown = []
    if "variable" in frame.columns:
        shown.append(pl.col("variable").map_elements(lambda name: variable(name).short, pl.String))
    if "units" in frame.columns:
        shown.append(pl.col("units").map_elements(shown_unit, pl.String))
    return frame.with_columns(shown)


def named(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """The frame with the catalogue's labels for its names in these columns; other text stays."""
    return frame.with_columns(
        pl.col(column).map_elements(lambda name: VARIABLES[name].label if name in VARIABLES else name, pl.String)
        for column in columns if column in frame.columns)


def ranged(frame: pl.DataFrame, name: str, low: str, high: str, decimals: int = 2) -> pl.DataFrame:
    """The frame with the text "[low, high]" as column `name`, null where an end is not known."""
    texts = [interval(start, end, decimals) for start, end in frame.select(low, high).iter_rows()]
    return frame.with_columns(pl.Series(name, texts, dtype=pl.String))


def in_sentence(name: str) -> str:
    """The catalogue's label for a name, as it stands within a sentence."""
    label = variable(name).label
    return label if label[1:2].isupper() or label[0].isdigit() else label[0].lower() + label[1:]


def in_words(text: str) -> str:
    """The text with labels for the catalogue's names, and real minus signs."""
    names = "|".join(sorted((name for name in VARIABLES if "_" in name), key=len, reverse=True))

    def worded(found: re.Match[str]) -> str:
        name = found[0].strip("'")
        label = in_sentence(name.lower())
        return label[0].upper() + label[1:] if name[0].isupper() else label

    return re.sub(r"(?<!\w)-(?=\d)", "−", re.sub(rf"'?\b(?:(?i:{names})|[Aa]lt)\b'?", worded, text))
