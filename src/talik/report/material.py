"""What the page is made from: the settings, and the tables of a results folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from talik.files import read_parquet
from talik.settings import Settings
from talik.variables import VARIABLES, shown_unit, variable


@dataclass(frozen=True, slots=True)
class Material:
    """What the page is made from: settings, the results folder, and one row a step (step, status, reason, remedy)."""

    settings: Settings
    results: Path
    steps: pl.DataFrame

    def table(self, name: str) -> pl.DataFrame | None:
        """A table of the results folder, or None when no step made it."""
        path = self.results / name
        if not path.is_file():
            return None
        return read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema_length=None)


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
