"""The table of sites: one row a site, catalogue names, printed beside recomputed, flags, cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from talik.errors import DataError, UnknownName, unknown
from talik.synthesis.clusters import REACH_KM, clusters
from talik.synthesis.columns import PRECISION, TEXT_COLUMNS, matched
from talik.synthesis.flags import BY_RULE, Mark, found_flags, with_flags
from talik.synthesis.plausibility import place_marks, quantity, refuse_twins
from talik.synthesis.tabular import Tabular, tabular
from talik.variables import VARIABLES

TEMPERATURES = ("maat", "magst", "ttop")
OFFSETS = ("surface_offset", "thermal_offset")
NUMBERS = ("latitude", "longitude", PRECISION, "elevation", *TEMPERATURES, "alt", *OFFSETS)
DERIVED = ("surface_offset_recomputed", "thermal_offset_recomputed", "surface_offset_from", "thermal_offset_from",
           "cluster", "cluster_from", "flags", "flag_reasons")
COLUMNS = ("site_no", "site", "region", "subregion", "basin", "latitude", "longitude", PRECISION,
           "elevation", "vegetation", "soil", *TEMPERATURES, "alt", *OFFSETS, *DERIVED)
"""Columns that every table of sites has, in this order; source columns of a study follow."""


def site_table(values: pl.DataFrame, *, declared: Sequence[Mark] = (), cluster_km: float = REACH_KM) -> pl.DataFrame:
    """
    A table of sites made whole: missing columns as nulls, recomputed offsets, clusters, flags.

    Parameters
    ----------
    values : polars.DataFrame
        One row a site, catalogue names and units: `site`, temperatures [°C], `alt` [m], offsets [K] as printed.
        Whatever is missing of `COLUMNS` is added; other columns are kept behind them.
    declared : sequence of (row, code, reason)
        Marks of a reviewer, beside those found by rule.
    cluster_km : float
        Sites nearer than this are one cluster [km].

    Returns
    -------
    polars.DataFrame
        `surface_offset` = MAGST - MAAT and `thermal_offset` = TTOP - MAGST [K] as printed, or recomputed where the
        table has none (`surface_offset_from` says "table" or "recomputed"); null where a part is missing too.
        No printed value is changed.

    Examples
    --------
    >>> table = site_table(pl.DataFrame({"site": ["A"], "maat": [-8.0], "magst": [-4.9], "ttop": [-5.4]}))
    >>> table.select("surface_offset", "thermal_offset_from", "flags").row(0)
    (3.1, 'recomputed', 'NO_COORDINATE;NO_ALT')
    """
    frame = _completed(values).with_columns(  # to 6 decimals: -8.0 - -4.9 shall not be 3.0999999999999996
        surface_offset_recomputed=(pl.col("magst") - pl.col("maat")).round(6),
        thermal_offset_recomputed=(pl.col("ttop") - pl.col("magst")).round(6))
    for name in OFFSETS:
        again = pl.col(f"{name}_recomputed")
        frame = frame.with_columns(
            pl.when(pl.col(name).is_not_null()).then(pl.lit("table"))
            .when(again.is_not_null()).then(pl.lit("recomputed")).alias(f"{name}_from"),
            pl.coalesce(name, again).alias(name))
    frame = frame.hstack(clusters(frame, cluster_km=cluster_km))
    frame = with_flags(frame, [*found_flags(frame), *declared])
    return frame.select(*COLUMNS, *(name for name in frame.columns if name not in COLUMNS))


def _completed(values: pl.DataFrame) -> pl.DataFrame:
    """The table with the columns it lacks, as nulls; rows are numbered from 1 where they have no `site_no`."""
    if "site_no" not in values.columns:
        values = values.with_columns(site_no=pl.int_range(1, values.height + 1, dtype=pl.Int64))
    return values.with_columns(
        *(pl.lit(None, pl.Float64).alias(name) for name in NUMBERS if name not in values.columns),
        *(pl.lit(None, pl.String).alias(name) for name in TEXT_COLUMNS if name not in values.columns))


def read_sites(source: Any, *, columns: Mapping[str, str] | None = None, units: Mapping[str, str] | None = None,
               encoding: str | None = None, sheet: str | None = None, cluster_km: float = REACH_KM) -> pl.DataFrame:
    """
    A table of sites of your own, from a CSV, XLSX or Parquet file or a frame.

    Parameters
    ----------
    source : path or frame
        One row a site, a header row. Separator, decimal mark and encoding of a CSV are found from its content.
    columns : mapping, optional
        talik's name = your column's name, where talik cannot tell: ``{"maat": "Tair"}``.
    units : mapping, optional
        talik's name = your unit, where neither it nor the column's name is the catalogue's:
        ``{"maat": "K", "alt": "cm"}``. Temperatures degC, K, degF; lengths m, cm, mm, ft.
    encoding : str, optional
        Of a CSV, e.g. "cp1251", "gbk", "utf-16".
    sheet : str, optional
        Of a workbook.
    cluster_km : float
        Sites nearer than this, directly or through others, are one cluster [km].

    Returns
    -------
    polars.DataFrame
        As `site_table` gives it, in the catalogue's names and units, longitude in [-180, 180). Quantities the
        catalogue knows are renamed, other columns kept. A column `flags` (codes joined by ";") adds to those found by
        rule. Nulls: blank cells, and fill values such as -999 (flag FILL_VALUE).

    Raises
    ------
    FileError
        If the file cannot be read or a cell is not a number; with row and column.
    UsageError
        If a needed column is missing; one with nearly its name is pointed at.
    AmbiguousFile
        If two columns are the same quantity, or several sheets hold tables.
    DataError
        If the table has no rows, a site no name, two rows are the same, values look like another unit (kelvin,
        Fahrenheit, centimetres) or coordinates are swapped or not possible.

    Warns
    -----
    UserWarning
        If the encoding had to be guessed; the message shows how a name was read.

    Examples
    --------
    >>> table = read_sites({"Station": ["A"], "MAAT (K)": [265.15], "MAGST (K)": [268.25], "ALT [cm]": [62.0]})
    >>> table.select("site", "maat", "alt", "surface_offset").row(0)
    ('A', -8.0, 0.62, 3.1)
    """
    table = tabular(source, encoding=encoding, sheet=sheet)
    meant = matched([name for name in table.frame.columns if name not in DERIVED], columns, file=table.name)
    if table.frame.is_empty():
        raise DataError(f"{table.name}: the table has a header but no rows; expected one row a site")
    frame, marks = _quantities(table, meant, units or {})
    nameless = frame["site"].is_null().arg_true()
    if len(nameless):
        raise DataError(f"{table.where(int(nameless[0]), meant['site'])}: the site has no name "
                        f"({len(nameless)} such row{'s' * (len(nameless) != 1)})")
    refuse_twins(table, frame)
    declared = [*marks, *place_marks(table, _completed(frame)), *given_flags(table.frame)]
    return site_table(frame, declared=declared, cluster_km=cluster_km)


def _quantities(table: Tabular, meant: Mapping[str, str],
                units: Mapping[str, str]) -> tuple[pl.DataFrame, list[Mark]]:
    """The file's columns under talik's names: quantities in the catalogue's units, text as text, others as they are."""
    for name in units:
        if name not in meant:
            raise UnknownName(f"units: {table.name}: {unknown('quantity', name, [n for n in meant if n in VARIABLES])}")
    found: dict[str, pl.Series] = {}
    marks: list[Mark] = []
    names = {column: name for name, column in meant.items()}
    for column in table.frame.columns:
        name = names.get(column, "")
        if name in VARIABLES:
            found[name], new = quantity(table, name, column, units)
            marks += new
        elif name in TEXT_COLUMNS:
            found[name] = _text(table.frame[column])
        elif name in ("site_no", PRECISION):
            found[name] = table.numbers(column).cast(pl.Int64 if name == "site_no" else pl.Float64)
        elif column not in DERIVED:
            found[column] = table.frame[column]
    frame = pl.DataFrame({name: values.alias(name) for name, values in found.items()})
    if "longitude" in frame.columns:
        east = pl.col("longitude")
        frame = frame.with_columns(pl.when(east >= 180).then(east - 360).otherwise(east).alias("longitude"))
    return frame, marks


def _text(cells: pl.Series) -> pl.Series:
    """Text; names that a workbook keeps as numbers lose the point and zero it puts behind them."""
    whole = cells.dtype.is_float() and (cells.drop_nulls() % 1 == 0).all()
    return (cells.cast(pl.Int64) if whole else cells).cast(pl.String)


def given_flags(frame: pl.DataFrame) -> Iterator[Mark]:
    """Flags that the file brings; those that a rule finds anyway are left to the rule."""
    if "flags" not in frame.columns:
        return
    reasons = frame["flag_reasons"] if "flag_reasons" in frame.columns else frame["flags"]
    for row, (codes, words) in enumerate(zip(frame["flags"].cast(pl.String), reasons.cast(pl.String), strict=True)):
        split = (words or "").split(" | ")
        for k, code in enumerate((codes or "").split(";")):
            if code.strip() and code.strip() not in BY_RULE:
                yield row, code.strip(), split[k] if k < len(split) else words or code.strip()
