"""The chapter on stations: which years made the means, how surely, what was refused, where loggers and table differ."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from talik.report.material import Material, named
from talik.report.parts import Column, Listing, Paragraph, Part, Section, Table, counted, shown
from talik.series.completeness import REASONS
from talik.variables import variable

MUCH = 0.1
"""Share of rejected values from which a sensor is named in words."""
_SHOWN = ("maat", "magst", "ttop", "alt", "surface_offset", "thermal_offset")
_STATIONS = [Column("site", "Site"), Column("status", "Status"), Column("years", "Years"), Column("n", "n"),
             *(Column(f"{name}_shown", f"{variable(name).short or name} ± u ({unit})")
               for name, unit in zip(_SHOWN, ("°C", "°C", "°C", "m", "°C", "°C"), strict=True)),
             Column("depth_column", "Deep sensor"), Column("ttop_method", "Method"), Column("notes", "To be known")]
_CHECKS = [Column("site", "Site"), Column("column", "Sensor"), Column("depth", "Depth (m)", 2),
           Column("values", "Values"), Column("share", "Rejected"), Column("by_flag", "By flag")]
_VALUES = [Column("site", "Site"), Column("quantity", "Quantity"), Column("value", "Value", 2), Column("n", "Years"),
           Column("sd", "SD between years", 2), Column("uncertainty", "Uncertainty", 2),
           Column("columns", "Columns"), Column("files", "Files"), Column("sha256", "sha256")]
_REFUSALS = [Column("site", "Site"), Column("file", "File"), Column("stage", "At"), Column("reason", "Reason")]
_REASONS = [Column("site", "Site"), Column("quantity", "Quantity"), Column("years", "Years"), Column("why", "Why")]
_CONFLICTS = [Column("site", "Site"), Column("quantity", "Quantity"), Column("table_value", "Table"),
              Column("series_value", "Loggers"), Column("difference", "Difference", 2), Column("used", "Used"),
              Column("note", "Note")]


def years(material: Material) -> Section | None:
    """Stations, what their means rest on, refusals, years without a value, and conflicts with the table."""
    states, sites = material.table("series_stations.csv"), material.table("series_sites.parquet")
    if states is None or sites is None:
        return None
    parts: list[Part] = [Listing(list(_said(material, states, sites))), Table(
        _stations(states, sites), _STATIONS, tall=True,
        caption="Means over the years in which every temperature of the offset is whole, n of them (of a quantity that "
                "is named, fewer); u: standard uncertainty of these means (sensors, gaps). How far one year differs "
                "from another is in the next table.")]
    values = material.table("series_values.csv")
    if values is not None and values.height:
        digits = pl.col("sha256").str.replace_all(r"([0-9a-f]{12})[0-9a-f]+", "$1")
        parts.append(Table(_symbols(values).with_columns(digits), _VALUES, tall=True,
                           caption="Where each value comes from (sha256: first 12 digits; in full in "
                                   "series_values.csv)."))
    checks = material.table("series_checks.csv")
    if checks is not None and checks.height:
        parts.append(Table(_rejected(checks), _CHECKS, tall=True,
                           caption="What the check rejected of each sensor, the largest share first; a value may carry "
                                   "several flags. Sensors that are not listed have no rejected value."))
    refusals = material.table("series_refusals.csv")
    if refusals is not None and refusals.height:
        parts.append(Table(refusals, _REFUSALS, tall=True,
                           caption="Files and stations that could not be used, and why."))
    missing = material.table("site_years.parquet")
    if missing is not None and (found := _missing(missing)).height:
        parts.append(Table(found, _REASONS, tall=True, caption="Years without an annual mean, by reason."))
    return Section("stations", "Stations and their years", [*parts, *_conflicts(material)])


def _said(material: Material, states: pl.DataFrame, sites: pl.DataFrame) -> Iterator[str]:
    used = states.filter(status="used").height
    refused = states.filter(status="refused")["site"].to_list()
    yield (f"{used} of {states.height} stations gave means"
           + (f"; none came from {', '.join(refused)}, for the reasons below." if refused else "."))
    if sites.height:
        spans = sites.select(n=pl.max_horizontal("maat_n", "magst_n", "ttop_n"), first="first_year", last="last_year")
        fewest, most, first, last = spans.select(
            fewest=pl.min("n"), most=pl.max("n"), first=pl.min("first"), last=pl.max("last")).row(0)
        count = counted(most, "year") if fewest == most else f"{fewest} to {most} years"
        yield (f"The means rest on {count}, {f'in {first}' if first == last else f'between {first} and {last}'}."
               + (" Stations measured in different years differ by the climate of those years, too."
                  if sites.height > 1 else ""))
        rules = sites.select("completeness", "year_start").unique(maintain_order=True).rows()
        yield "When a year counts: " + "; ".join(f"{rule}, {start} years" for rule, start in rules) + "."
        stated = sites.filter(pl.col("ttop_method") == "stated depth")["site"].to_list()
        if stated:
            yield (f"At {', '.join(stated)} the deep temperature is that of a sensor chosen in the settings. It is the "
                   "temperature at the top of permafrost only if that sensor lies there; in the active layer, or where "
                   "its mean is above 0 °C, the difference is an offset to that depth and no thermal offset.")
        yield from _most_rejected(material)
        for (column,), rows in sites.drop_nulls("surface_column").group_by("surface_column", maintain_order=True):
            yield f"Surface at {', '.join(rows['site'])}: {column}."


def _stations(states: pl.DataFrame, sites: pl.DataFrame) -> pl.DataFrame:
    """One row a station, values with their uncertainty as text."""
    told = [name for name in ("site", "status", "notes") if name in states.columns]
    both = states.select(told).join(sites, on="site", how="left", maintain_order="left")
    span = pl.when(pl.col("first_year") == pl.col("last_year")).then(pl.col("first_year").cast(pl.String)).otherwise(
        pl.format("{}\u2060–\u2060{}", "first_year", "last_year"))
    return both.with_columns(
        span.alias("years"), pl.struct(f"{name}_n" for name in _SHOWN).map_elements(_n, pl.String).alias("n"),
        *(pl.struct(name, f"{name}_uncertainty").map_elements(_value, pl.String).alias(f"{name}_shown")
          for name in _SHOWN))


def _most_rejected(material: Material) -> Iterator[str]:
    """The sensors of which a tenth or more was rejected."""
    checks = material.table("series_checks.csv")
    most = _rejected(checks).filter(pl.col("rejected") >= MUCH) if checks is not None and checks.height else None
    if most is not None and most.height:
        yield ("Sensors of which the check rejected a tenth of the values or more: " + "; ".join(
            f"{row['column']} of {row['site']} ({row['share']}: {row['by_flag']})"
            for row in most.head(8).iter_rows(named=True))
            + (f"; and {most.height - 8} more" if most.height > 8 else "") + ".")


def _rejected(checks: pl.DataFrame) -> pl.DataFrame:
    """One row a sensor: the share of its values that was rejected, and by which flags."""
    rows = checks.sort("share", descending=True).with_columns(
        said=pl.col("flag") + " " + pl.col("share").map_elements(percent, pl.String))
    return (rows.group_by("site", "column", "depth", "values", "rejected", maintain_order=True)
            .agg(by_flag=pl.col("said").str.join("; ")).sort("rejected", "site", descending=[True, False])
            .with_columns(share=pl.col("rejected").map_elements(percent, pl.String)))


def percent(share: float) -> str:
    """
    A share as people read it.

    Examples
    --------
    >>> percent(0.42), percent(0.0123), percent(0.0002)
    ('42\\xa0%', '1.2\\xa0%', 'below 0.1\\xa0%')
    """
    return "below 0.1\u00a0%" if share < 0.001 else f"{100 * share:.2g}\u00a0%" if share < 0.995 else "100\u00a0%"


def _value(row: dict[str, float | None]) -> str | None:
    value, spread = row.values()
    if value is None:
        return None
    return shown(value, 2) + ("" if spread is None else f"\u00a0±\u00a0{shown(spread, 2)}")


def _n(row: dict[str, int | None]) -> str | None:
    """Years of the means; of those that rest on fewer by name."""
    known = {name.removesuffix("_n"): n for name, n in row.items() if n}
    most = max(known.values(), default=0)
    fewer = (f"{variable(name).short} {n}" for name, n in known.items() if n < most)
    return "; ".join([str(most), *fewer]) if most else None


def _missing(found: pl.DataFrame) -> pl.DataFrame:
    """How many years of each site lack a temperature, by reason, in words."""
    parts = (found.select("site", reason=pl.col("reason").str.split("; ")).explode("reason").drop_nulls()
             .with_columns(quantity=pl.col("reason").str.split(": ").list.get(0),
                           code=pl.col("reason").str.split(": ").list.get(1, null_on_oob=True)))
    found = (parts.filter(pl.col("quantity").is_in(["maat", "magst", "ttop"]))
               .group_by("site", "quantity", "code", maintain_order=True).agg(years=pl.len()))
    words = pl.col("code").map_elements(lambda code: REASONS.get(code, code), pl.String)
    return _symbols(found.with_columns(why=words)).sort("site", "quantity", maintain_order=True)


def _symbols(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with MAAT, SO, ... for the names of quantities."""
    return frame.with_columns(pl.col("quantity").map_elements(lambda name: variable(name).short, pl.String))


def _conflicts(material: Material) -> list[Part]:
    conflicts = material.table("site_conflicts.csv")
    section = material.settings.sites
    if conflicts is None or not (section.table or section.published):
        return []
    whose = "the loggers" if section.precedence == "series" else "the table"
    stated = Paragraph(f"Where the table of sites and the loggers both know a site, {whose} count (precedence = "
                       f"\"{section.precedence}\"). Temperatures and offsets of a site come from one source as a "
                       "whole, because means over different years make no offset.")
    if conflicts.is_empty():
        return [stated, Paragraph("No value of the two is in conflict.")]
    return [stated, Table(named(conflicts, "quantity"), _CONFLICTS, tall=True,
                          caption="Where the two differ, and what was left out.")]
