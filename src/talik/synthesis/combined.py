"""Sites from loggers and sites from a table become one table: whose value counts, and where the two disagree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import polars as pl

from talik.errors import DataError
from talik.synthesis.clusters import REACH_KM
from talik.synthesis.table import DERIVED, OFFSETS, TEMPERATURES, given_flags, site_table

Precedence = Literal["series", "table"]

STATE = (*TEMPERATURES, *OFFSETS)
"""Quantities that come from one source at a site: means over different years do not make an offset."""
_PLACE = ("region", "subregion", "basin", "latitude", "longitude", "coordinate_precision_km", "elevation",
          "vegetation", "soil")
_CONFLICTS = {"site": pl.String, "quantity": pl.String, "table_value": pl.String, "series_value": pl.String,
              "difference": pl.Float64, "used": pl.String, "note": pl.String}
_ROUNDING = 0.005
_OWN = ("alt_lower", "alt_upper")
"""What the loggers alone can tell: the bracket stays beside whosever thickness counts."""
_SENSORS = ("air_height", "surface_depth", "ttop_depth")


def combined_sites(table: pl.DataFrame | None, derived: pl.DataFrame, *, precedence: Precedence = "series",
                   cluster_km: float = REACH_KM) -> tuple[pl.DataFrame, pl.DataFrame]:
    """
    One table of sites from a table and from loggers, and the list of their conflicts.

    Parameters
    ----------
    table : polars.DataFrame or None
        A table of sites, as `read_sites` gives it.
    derived : polars.DataFrame
        Sites from loggers, as `station_sites` gives them. Sites are the same when their names are.
    precedence : {"series", "table"}
        Whose values count at a site that both have. Temperatures and offsets of a site come from one of them as a
        whole; thickness, coordinates and classes one by one, from the other where the first has none.
    cluster_km : float
        As in `site_table`.

    Returns
    -------
    sites : polars.DataFrame
        As `site_table` gives it, with `values_from` ("loggers" or "table": the temperatures and offsets) and
        `alt_from`; `surface_offset_from` and `thermal_offset_from` say "loggers" where that is so.
    conflicts : polars.DataFrame
        site, quantity, table_value, series_value, difference (loggers minus table), used, note: every quantity where
        both have a value and they differ, every value that was left out so as not to mix, and a thickness of the
        table that lies outside what the loggers show (then also the flag ALT_OUTSIDE_LOGGERS).

    Raises
    ------
    DataError
        If the name of a logger site stands in several rows of the table.

    Examples
    --------
    >>> table = site_table(pl.DataFrame({"site": ["A", "B"], "maat": [-8.0, -5.0], "magst": [-4.9, -2.0]}))
    >>> loggers = pl.DataFrame({"site": ["A"], "maat": [-8.4], "magst": [-5.0], "surface_offset": [3.4]})
    >>> sites, conflicts = combined_sites(table, loggers)
    >>> sites.select("site", "surface_offset", "values_from").rows()
    [('A', 3.4, 'loggers'), ('B', 3.0, 'table')]
    >>> conflicts.select("quantity", "table_value", "series_value").row(0)
    ('maat', '-8', '-8.4')
    """
    schema = _schema(table, derived)
    loggers = {row["site"]: row for row in derived.iter_rows(named=True)}
    if table is not None:
        twice = table.filter(pl.col("site").is_duplicated() & pl.col("site").is_in(list(loggers)))["site"]
        if twice.len():
            raise DataError(f"site {twice[0]!r} of [[series.stations]] stands in {(twice == twice[0]).sum()} rows of "
                            "the table of sites: which is meant? Give each row a name of its own.")
    rows, conflicts = [], []
    for given in (_as_given(table).iter_rows(named=True) if table is not None else ()):
        other = loggers.pop(given["site"], None)
        if other is None:
            rows.append(given | {"values_from": "table", "alt_from": None if given["alt"] is None else "table"})
            continue
        row, found = _one(given, other, precedence)
        rows.append(row)
        conflicts += found
    number = max((row.get("site_no") or 0 for row in rows), default=0)
    for place, row in enumerate(loggers.values(), number + 1):
        rows.append(row | {"site_no": place, "values_from": "loggers",
                           "alt_from": None if row.get("alt") is None else "loggers"})
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    marks = list(given_flags(frame))
    sites = site_table(frame.drop("flags", "flag_reasons", strict=False), declared=marks, cluster_km=cluster_km)
    from_loggers = pl.col("values_from") == "loggers"
    sites = sites.with_columns(pl.when(from_loggers & pl.col(name).is_not_null()).then(pl.lit("loggers"))
                               .otherwise(pl.col(f"{name}_from")).alias(f"{name}_from") for name in OFFSETS)
    return sites, pl.DataFrame(conflicts, schema=_CONFLICTS)


def _schema(table: pl.DataFrame | None, derived: pl.DataFrame) -> dict[str, Any]:
    schema: dict[str, Any] = {"site_no": pl.Int64}
    if table is not None:
        schema |= {name: kind for name, kind in table.schema.items()
                   if name not in DERIVED or name in ("flags", "flag_reasons")}
    schema |= {name: kind for name, kind in derived.schema.items() if name not in schema}
    return schema | {"values_from": pl.String, "alt_from": pl.String}


def _as_given(table: pl.DataFrame) -> pl.DataFrame:
    """The table without what was derived: recomputed offsets are made again from what is used."""
    return table.with_columns(
        pl.when(pl.col(f"{name}_from") == "recomputed").then(None).otherwise(pl.col(name)).alias(name)
        for name in OFFSETS if f"{name}_from" in table.columns)


def _one(given: Mapping[str, Any], other: Mapping[str, Any],
         precedence: Precedence) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of a site that both have, and its conflicts."""
    has = {"table": any(given.get(name) is not None for name in STATE),
           "series": any(other.get(name) is not None for name in STATE)}
    second: Precedence = "table" if precedence == "series" else "series"
    state: Precedence = precedence if has[precedence] or not has[second] else second
    first, then = (other, given) if precedence == "series" else (given, other)
    row = {name: first.get(name) if first.get(name) is not None else then.get(name)
           for name in dict.fromkeys([*given, *other])}
    source = other if state == "series" else given
    for name in STATE:
        row |= {key: source.get(key) for key in row if key == name or key.startswith(f"{name}_")}
    alt: Precedence = precedence if first.get("alt") is not None else second
    thickness = other if alt == "series" else given
    row |= {key: thickness.get(key) for key in row if key == "alt" or (key.startswith("alt_") and key not in _OWN)}
    row |= {key: source.get(key) for key in _SENSORS if key in row}
    row |= {"values_from": "loggers" if state == "series" else "table",
            "alt_from": None if row["alt"] is None else "loggers" if alt == "series" else "table",
            "site": given["site"], "site_no": given.get("site_no")}
    row |= _flags(given, other, state, alt)
    return row, list(_conflicts(given, other, dict.fromkeys(STATE, state) | {"alt": alt}, precedence))


def _flags(given: Mapping[str, Any], other: Mapping[str, Any], state: Precedence, alt: Precedence) -> dict[str, str]:
    """The table's flags without those on values that are no longer its own; a thickness the loggers contradict."""
    gone = ({"IMPLAUSIBLE_MEAN"} if state == "series" else set()) | ({"ALT_UNIT_SLIP"} if alt == "series" else set())
    codes, reasons = (given.get("flags") or "").split(";"), (given.get("flag_reasons") or "").split(" | ")
    kept = [(code, reason) for code, reason in zip(codes, reasons, strict=False) if code not in gone]
    if alt == "table" and (said := _outside(given, other)):
        kept.append(("ALT_OUTSIDE_LOGGERS", f"{said}; the table says {given['alt']:g} m"))
    kept = [(code, reason) for code, reason in kept if code]
    return {"flags": ";".join(code for code, _ in kept), "flag_reasons": " | ".join(reason for _, reason in kept)}


def _conflicts(given: Mapping[str, Any], other: Mapping[str, Any], used: Mapping[str, Precedence],
               precedence: Precedence) -> Iterator[dict[str, Any]]:
    for name in (*STATE, "alt", *_PLACE):
        table, series = given.get(name), other.get(name)
        whose = used.get(name, precedence)
        lost = table if whose == "series" else series
        if name == "alt" and series is None and (said := _outside(given, other)):
            yield {"site": given["site"], "quantity": name, "table_value": _text(table), "series_value": None,
                   "difference": None, "used": "table", "note": said}
        if (table is None or series is None) and (name not in STATE or lost is None):
            continue                                  # nothing to compare, and nothing left out
        difference = series - table if isinstance(table, int | float) and isinstance(series, int | float) else None
        if table == series or (difference is not None and abs(difference) < _ROUNDING):
            continue
        yield {"site": given["site"], "quantity": name, "table_value": _text(table), "series_value": _text(series),
               "difference": None if difference is None else round(difference, 6),
               "used": "loggers" if whose == "series" else "table",
               "note": _note(name, table, series, difference, other)}


def _outside(given: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """How the loggers contradict the table's thickness of the active layer, or nothing."""
    table, lower, upper = given.get("alt"), *(other.get(name) for name in _OWN)
    if table is not None and lower is not None and table < lower - _ROUNDING:
        return f"the loggers show thaw to {lower:g} m or deeper in every year"
    if table is not None and upper is not None and table > upper + _ROUNDING:
        return f"the loggers show frozen ground at {upper:g} m in every year"
    return ""


def _note(name: str, table: Any, series: Any, difference: float | None, other: Mapping[str, Any]) -> str:
    if table is None or series is None:
        return "left out: temperatures and offsets of a site are not mixed, their years differ"
    spread = other.get(f"{name}_uncertainty")
    if difference is None or spread is None:
        return "the two differ"
    within = abs(difference) <= 2 * spread
    return (f"{'within' if within else 'beyond'} twice the loggers' uncertainty ({spread:.2g})"
            + ("" if within else "; other years, another sensor or another definition?"))


def _text(value: Any) -> str | None:
    return None if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
