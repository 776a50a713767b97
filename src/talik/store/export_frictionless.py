"""The description of a folder of csv files as a data package (datapackage.org, version 2.0)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from talik import files
from talik.provenance import now
from talik.records import REJECTED, Flag, Record

PACKAGE = "datapackage.json"
FLAG = "_flag"
"""Ending of the column with the flags of another."""


def resource(record: Record, path: Path, names: Iterable[str]) -> dict[str, Any]:
    """The description of one csv file: its bytes, its hash, its columns, where the record came from."""
    columns = zip(record.depths.tolist(), record.labels, strict=True)
    fields = [_field(record, name, columns) for name in names]
    place = {key: record.metadata[key] for key in ("latitude", "longitude", "elevation_m", "citation", "policy")
             if isinstance(record.metadata.get(key), int | float | str)}
    return {
        "name": path.stem.lower(),
        "type": "table",
        "path": path.name,
        "title": record.site,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": path.stat().st_size,
        "hash": f"sha256:{files.sha256(path)}",
        "schema": {"fields": fields, "missingValues": [""]},
        "sources": [{"title": Path(record.source.path).name, "format": record.source.format,
                     "sha256": record.source.sha256, "time_zone": record.source.time_zone,
                     "time_zone_from": record.source.time_zone_from}],
        "site": place,
        "history": list(record.history),
    }


def _field(record: Record, name: str, columns: Iterator[tuple[float, str]]) -> dict[str, Any]:
    if name == "time_utc":
        assumed = record.source.time_zone_from == "assumed"
        return {"name": name, "type": "datetime", "format": "%Y-%m-%dT%H:%M:%SZ" if _whole(record) else "any",
                "description": "UTC; assumed, the source names no time zone" if assumed else "UTC"}
    if name == "site":
        return {"name": name, "type": "string", "description": "name of the site in the source"}
    if name.endswith(FLAG):
        return {"name": name, "type": "string", "description":
                f"flags of {name.removesuffix(FLAG)}, parted by blanks; where one of them rejects the value, it is "
                f"blank: {', '.join(str(flag.name).lower() for flag in Flag if flag & REJECTED)}"}
    depth, label = next(columns)
    return {"name": name, "type": "number", "unit": "degC", "title": label,
            "description": "air temperature" if depth < 0 else "temperature",
            "depth_m": None if np.isnan(depth) else depth}


def write_package(folder: Path, resources: list[dict[str, Any]]) -> Path:
    """Write `datapackage.json`; returns it."""
    about = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "ground-temperatures",
        "title": "Ground temperatures",
        "description": "Temperatures [degC] against time (UTC) and depth [m, positive down; air is negative].",
        "created": now(),
        "resources": resources,
    }
    return files.write_text(folder / PACKAGE, json.dumps(about, ensure_ascii=False, indent=1) + "\n")


def _whole(record: Record) -> bool:
    return bool((record.times.astype(np.int64) % 1_000_000 == 0).all())
