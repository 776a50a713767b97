"""The check of a store: flags kept beside the values, site by site, as `annual_offsets` would set them on the files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from talik.errors import TalikError
from talik.records import REJECTED, Flag, Record
from talik.series.columns import joined, of_same_columns
from talik.series.quality import check
from talik.series.rules import Rules
from talik.store.intake import Outcome, Stored, columns_of, kept_days, series_path
from talik.store.series_files import read_series, write_series


@dataclass(frozen=True, slots=True)
class SiteTask:
    """A site to check: the store, the key of the check, the rules as text, its rows of the catalogue's `series`."""

    store: Path
    site: str
    key: str
    rules: str
    series: tuple[Mapping[str, Any], ...]


def rules_text(rules: Rules) -> str:
    """Rules as the catalogue keeps them."""
    return json.dumps(asdict(rules), sort_keys=True)


def rules_of(text: str) -> Rules:
    """Rules from what the catalogue keeps."""
    told: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                            for name, value in json.loads(text).items()}
    return replace(Rules(), **told)


def check_site(task: SiteTask) -> Outcome:
    """
    Check a site's series and write them anew with their flags; what they were when read stays in them.

    Returns
    -------
    Outcome
        "checked", or "not checked" with the reason: a site that cannot be checked never stops the others.

    Raises
    ------
    FileError
        If the store cannot be written to.
    """
    try:
        read = [read_series(series_path(task.store, row["series_id"]), row["crc32"], as_read=True)
                for row in task.series]
        marked = _marked(read, rules_of(task.rules))
    except TalikError as error:
        return Outcome(task.site, "not checked", task.key, kind=type(error).__name__, reason=str(error))
    except Exception as error:  # noqa: BLE001 - whatever values do to the check, the other sites go on
        kind = type(error).__name__
        return Outcome(task.site, "not checked", task.key, kind=kind, reason=f"{kind}: {error}. Please report it.")
    stored = tuple(_stored(task, *each) for each in zip(task.series, read, marked, strict=True))
    return Outcome(task.site, "checked", task.key, series=stored,
                   replaces=tuple(row["series_id"] for row in task.series))


def lost_site(task: SiteTask) -> Outcome:
    """What is said of a site whose check ended its process, twice."""
    return Outcome(task.site, "not checked", task.key, kind="ProcessDied",
                   reason="the process that checked it died, twice (out of memory?)")


def _marked(records: Sequence[Record], rules: Rules) -> list[Record]:
    """Each record with its flags; files of one logger are checked as the one series that they are."""
    found: dict[int, Record] = {}
    for same in of_same_columns(records):
        [whole] = joined(same)
        flags = check(whole, rules=rules).record.flags
        ends = np.cumsum([record.times.size for record in same])[:-1]
        note = f"checked by {len(rules.checks)} rules when it was taken in"
        for record, part in zip(same, np.split(flags, ends), strict=True):
            found[id(record)] = replace(record, flags=part, history=(*record.history, note))
    return [found[id(record)] for record in records]


def _stored(task: SiteTask, row: Mapping[str, Any], read: Record, marked: Record) -> Stored:
    series_id = hashlib.sha256(f"{row['path']}\n{task.key}\n{row['number']}".encode()).hexdigest()[:20]
    sums = write_series(series_path(task.store, series_id), series_id, marked, read=read)
    row = {**row, "series_id": series_id, "bytes": sums.bytes, "crc32": sums.crc32, "sha256": sums.sha256,
           "checked": task.key}
    return Stored(row, tuple(columns_of(marked, series_id)), kept_days(task.store, marked, series_id),
                  tuple(_counts(marked, series_id)))


def _counts(record: Record, series_id: str) -> list[tuple[Any, ...]]:
    """How many values of each column are under each flag."""
    return [(series_id, k + 1, flag.name, int(n), bool(flag & REJECTED)) for flag in Flag
            for k, n in enumerate(np.count_nonzero(record.flags & np.uint16(int(flag)), axis=0)) if n]
