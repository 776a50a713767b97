"""Bundled studies: tables that a publication prints, with what was compiled beside them, versioned and hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from typing import Any

import polars as pl

from talik.errors import DataError, unknown
from talik.synthesis.clusters import REACH_KM
from talik.synthesis.flags import Mark
from talik.synthesis.table import site_table

_FOLDERS = {"three-poles": "three_poles"}
_AS_PRINTED = {"no": "site_no", "magst_c": "magst", "ttop_c": "ttop", "maat_c": "maat", "to_c": "thermal_offset",
               "so_c": "surface_offset", "magst_src": "magst_source", "ttop_src": "ttop_source",
               "alt_src": "alt_source", "maat_src": "maat_source"}


def studies() -> pl.DataFrame:
    """
    The bundled studies, one row each: name, title, number of sites, version, DOI, citation, licence.

    Examples
    --------
    >>> studies().select("name", "sites", "doi").row(0)
    ('three-poles', 117, '10.1038/s41612-025-01235-1')
    """
    shown = ("name", "title", "sites", "version", "doi", "citation", "licence")
    return pl.DataFrame([{key: dataset(name)[key] for key in shown} for name in _FOLDERS])


def dataset(name: str) -> Mapping[str, Any]:
    """The description of a bundled study: title, version, DOI, licence, and the sha256 of each of its files."""
    description: Mapping[str, Any] = json.loads((_folder(name) / "dataset.json").read_text(encoding="utf-8"))
    return description


def part(name: str, file: str) -> pl.DataFrame:
    """
    One file of a bundled study as it is, every column as text, checked against its declared sha256.

    Parameters
    ----------
    name : str
        The study, e.g. "three-poles".
    file : str
        "table1", "sites", "claims", "claims_need_predictors", "flags" or "dictionary".

    Raises
    ------
    UnknownName
        If the study or the file does not exist.
    DataError
        If the file is not the one that was bundled.

    Examples
    --------
    >>> part("three-poles", "claims").height
    103
    """
    declared = dataset(name)["files"]
    if f"{file}.csv" not in declared:
        raise unknown(f"file of {name}", file, [known.removesuffix(".csv") for known in declared])
    content = (_folder(name) / f"{file}.csv").read_bytes()
    got = hashlib.sha256(content).hexdigest()
    if got != declared[f"{file}.csv"]:
        raise DataError(f"{name}: {file}.csv is not the bundled file (sha256 {got[:12]}..., expected "
                        f"{declared[f'{file}.csv'][:12]}...). Install talik again.")
    return pl.read_csv(BytesIO(content), infer_schema=False)


def sites(name: str, *, cluster_km: float = REACH_KM) -> pl.DataFrame:
    """
    The table of sites of a bundled study: as printed, with offsets recomputed, flags, and clusters.

    Parameters
    ----------
    name : str
        The study; `talik.studies` on the command line lists them.
    cluster_km : float
        Sites nearer than this, directly or through others, are one cluster [km].

    Returns
    -------
    polars.DataFrame
        One row a site: `maat`, `magst`, `ttop` [°C], `alt` [m] (and `alt_printed_cm`), `surface_offset` and
        `thermal_offset` [K] as printed, both recomputed beside them, coordinates with `coordinate_precision_km`,
        classes, `flags` with `flag_reasons`, `cluster`, and a source column for every value. Nothing is corrected.
        Nulls: what the table does not print (flags NO_ALT, NO_COORDINATE), and classes nobody could name.

    Raises
    ------
    UnknownName
        If there is no such study.

    References
    ----------
    Liu et al. (2025), npj Climate and Atmospheric Science, doi 10.1038/s41612-025-01235-1.

    Examples
    --------
    >>> table = sites("three-poles")
    >>> table.height, table.filter(pl.col("latitude").is_not_null())["cluster"].n_unique()
    (117, 59)
    """
    printed = part(name, "table1").rename(_AS_PRINTED)
    places = (part(name, "sites").drop("region", "subregion", "site")
              .rename({"no": "site_no", "elevation_m": "elevation"}))
    flags = part(name, "flags")
    frame = printed.join(places, on="site_no", how="left", validate="1:1", maintain_order="left").with_columns(
        pl.col("site_no").cast(pl.Int64),
        pl.col("maat", "magst", "ttop", "surface_offset", "thermal_offset", "latitude", "longitude", "elevation",
               "coordinate_precision_km").cast(pl.Float64),
        pl.col("alt_cm").cast(pl.Float64).alias("alt_printed_cm"))
    frame = frame.with_columns((pl.col("alt_printed_cm") / 100).alias("alt")).drop("alt_cm")
    basins = flags.filter(pl.col("code") == "SHARED_BASIN").select(pl.col("site_no").cast(pl.Int64),
                                                                  pl.col("group").alias("basin"))
    frame = frame.join(basins, on="site_no", how="left", validate="1:1", maintain_order="left")
    return site_table(frame, declared=_declared(frame, flags), cluster_km=cluster_km)


def _declared(frame: pl.DataFrame, flags: pl.DataFrame) -> list[Mark]:
    row = {number: k for k, number in enumerate(frame["site_no"])}
    return [(row[int(number)], code, reason)
            for number, code, reason in flags.select("site_no", "code", "reason").iter_rows()]


def _folder(name: str) -> Traversable:
    if name not in _FOLDERS:
        raise unknown("bundled study", name, _FOLDERS)
    return files("talik") / "data" / _FOLDERS[name]
