"""A table of predictors joins the table of sites, by the name of the site; nothing is lost or doubled silently."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import polars as pl

from talik.errors import DataError, unknown
from talik.synthesis.columns import plain
from talik.synthesis.tabular import Tabular, tabular
from talik.variables import VARIABLES, variable


def join_predictors(sites: pl.DataFrame, source: Any, *, columns: Mapping[str, str] | None = None) -> pl.DataFrame:
    """
    The sites with the predictors of another table beside them.

    Parameters
    ----------
    sites : polars.DataFrame
        The table of sites.
    source : path or frame
        A CSV, XLSX or Parquet file, or a frame, with a column `site` and a row a site, in any order.
    columns : mapping, optional
        talik's name = the table's column, where they differ; aliases of the catalogue are known.

    Returns
    -------
    polars.DataFrame
        Every site, in its order. Null where the table has no row for a site. Columns that the sites have already keep
        the sites' values.

    Raises
    ------
    DataError
        If a site stands twice in the table, or a site of the table is not one of the study (the nearest is named), or
        a cell of a known quantity is not a number.
    UnknownName
        If the table has no column `site`, or a mapped column does not exist.

    Examples
    --------
    >>> sites = pl.DataFrame({"site": ["A", "B"]})
    >>> join_predictors(sites, {"Site": ["B", "A"], "sde": [0.2, 0.4]})["snow_depth"].to_list()
    [0.4, 0.2]
    """
    table = tabular(source)
    named = _named(table, columns or {})
    new = [name for name in named if name == "site" or name not in sites.columns or not sites[name].count()]
    frame = pl.DataFrame({name: _values(table, name, named[name]) for name in new})
    twice = frame.filter(pl.col("site").is_duplicated())
    if twice.height:
        raise DataError(f"{table.name}: site {twice['site'][0]!r} stands in more than one row; expected one row a site")
    strangers = frame.join(sites, on="site", how="anti")["site"].drop_nulls().to_list()
    if strangers:
        near = difflib.get_close_matches(strangers[0], sites["site"].to_list(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise DataError(f"{table.name}: {len(strangers)} of its sites {'is' if len(strangers) == 1 else 'are'} not in "
                        f"the table of sites, first {strangers[0]!r}.{hint} Names must be the same in both.")
    kept = sites.drop(name for name in new if name != "site" and name in sites.columns)
    return kept.join(frame, on="site", how="left", maintain_order="left")


def _named(table: Tabular, asked: Mapping[str, str]) -> dict[str, str]:
    """talik's name of each column of the table; columns it does not know keep their own."""
    for column in asked.values():
        if column not in table.frame.columns:
            raise unknown(f"column of {table.name}", column, table.frame.columns)
    given = {column: name for name, column in asked.items()}
    named: dict[str, str] = {}
    for column in table.frame.columns:
        name = given.get(column) or ("site" if plain(column) == "site" else _known(column))
        named.setdefault(name, column)
    if "site" not in named:
        raise unknown(f"column of {table.name}", "site", table.frame.columns)
    return named


def _known(column: str) -> str:
    try:
        return variable(column).name
    except LookupError:
        return column


def _values(table: Tabular, name: str, column: str) -> pl.Series:
    if name in VARIABLES:
        return table.numbers(column).alias(name)
    return (table.frame[column].cast(pl.String) if name == "site" else table.frame[column]).alias(name)
