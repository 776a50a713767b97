"""What the page's script knows: every column of every site, quantities, looks, contributions, years."""

from __future__ import annotations

from typing import Any

import polars as pl

import talik
from talik.atlas.drawings import label, unit
from talik.atlas.holdings import Holdings
from talik.atlas.quantities import CLASSES, palettes, quantities, region_looks
from talik.atlas.series import series_data
from talik.records import Flag

_YEAR_COLUMNS = ("maat", "magst", "ttop", "alt", "alt_lower", "alt_upper", "ttop_depth", "surface_offset",
                 "thermal_offset")


def panel_data(holdings: Holdings) -> dict[str, Any]:
    """The data block of the page, as JSON can hold it."""
    sites = holdings.sites
    known = quantities(sites)
    hashes = {entry["path"]: entry["sha256"] for entry in holdings.manifest["outputs"]}
    settings = holdings.manifest["settings"]
    return {
        "study": holdings.manifest["study"], "title": holdings.title, "made": holdings.manifest.get("made"),
        "version": talik.__version__, "profile": settings.get("study", {}).get("profile"),
        "sha256": hashes.get("sites.parquet"), "source": settings.get("sites", {}).get("published")
        or settings.get("sites", {}).get("table"),
        "n": sites.height, "columns": sites.columns,
        "sites": {name: _plain(sites[name]) for name in sites.columns},
        "quantities": known, "palettes": palettes(), "looks": region_looks(sites),
        "classes": [name for name in CLASSES if name in sites.columns and sites[name].count()],
        "contributions": _contributions(holdings), "years": _years(holdings), "values": _origins(holdings),
        "files": _files(holdings), "rejected": _rejected(holdings),
        "series": series_data(holdings), "flag_names": {int(flag): str(flag.name) for flag in Flag},
    }


def _plain(column: pl.Series) -> list[Any]:
    """The values as JSON can hold them, floats with seven figures: more than any thermometer has."""
    if column.dtype.is_float():
        return [None if v is None or v != v else float(f"{v:.7g}") for v in column]
    return column.to_list() if column.dtype.is_numeric() or column.dtype == pl.Boolean else \
        column.cast(pl.String).to_list()


def _contributions(holdings: Holdings) -> dict[str, Any]:
    """By site: response, predictor, value, unit, contribution, strongest first."""
    table = holdings.table("drivers_contributions.csv")
    if table is None:
        return {}
    found: dict[str, list[Any]] = {}
    table = table.sort(pl.col("contribution").abs(), descending=True)
    for row in table.select("site", "response", "driver", "value", "contribution").iter_rows():
        site, response, driver, value, contribution = row
        found.setdefault(str(site), []).append(
            [label(response), label(driver), None if value is None else float(f"{value:.5g}"), unit(driver),
             round(float(contribution), 3)])
    return found


def _origins(holdings: Holdings) -> dict[str, dict[str, str]]:
    """By site and quantity: how a value was made, from which columns of which files, where loggers gave it."""
    table = holdings.table("series_values.csv")
    if table is None:
        return {}
    parts = [name for name in ("method", "columns", "files") if name in table.columns]
    found: dict[str, dict[str, str]] = {}
    for site, quantity, *told in table.select("site", "quantity", *parts).iter_rows():
        found.setdefault(str(site), {})[str(quantity)] = "; ".join(str(part) for part in told if part)
    return found


def _files(holdings: Holdings) -> dict[str, dict[str, str]]:
    """By site: the logger files behind its values, with their sha256."""
    table = holdings.table("series_values.csv")
    if table is None or not {"files", "sha256"} <= set(table.columns):
        return {}
    found: dict[str, dict[str, str]] = {}
    for site, files, digests in table.select("site", "files", "sha256").drop_nulls().iter_rows():
        found.setdefault(str(site), {}).update(zip(files.split("; "), digests.split("; "), strict=False))
    return found


def _rejected(holdings: Holdings) -> dict[str, list[list[Any]]]:
    """By site: sensor, share of its values that the check rejected, and the shares by flag; the largest first."""
    table = holdings.table("series_checks.csv")
    if table is None or table.is_empty():
        return {}
    found: dict[str, dict[str, list[Any]]] = {}
    for site, column, flag, share, rejected in table.sort("rejected", "share", descending=True).select(
            "site", "column", "flag", "share", "rejected").iter_rows():
        found.setdefault(str(site), {}).setdefault(str(column), [column, rejected, []])[2].append([flag, share])
    return {site: list(sensors.values()) for site, sensors in found.items()}


def _years(holdings: Holdings) -> dict[str, Any]:
    """By site: columns year, quantities and their standard uncertainties, and reasons, in order of the years."""
    table = holdings.years()
    if table is None:
        return {}
    names = [name for name in _YEAR_COLUMNS if name in table.columns]
    keep = ["year", *names, *(f"{n}_uncertainty" for n in names if f"{n}_uncertainty" in table.columns),
            *(["reason"] if "reason" in table.columns else [])]
    return {str(site): {name: _plain(rows[name]) for name in keep}
            for (site,), rows in table.sort("site", "year").group_by("site", maintain_order=True)}
