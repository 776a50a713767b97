"""The check of a store: flags kept beside the values, site by site, as `annual_offsets` would set them on the files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from talik.errors import TalikError
from talik.records import Record
from talik.series.columns import joined, of_same_columns
from talik.series.quality import check
from talik.series.rules import Rules
from talik.store.intake import Outcome, keep, series_path
from talik.store.series_files import Check, Origin, origin_of, read_series


@dataclass(frozen=True, slots=True)
class SiteTask:
    """A site to check: the store, the check, its series and their checksums."""

    store: Path
    site: str
    check: Check
    series: tuple[tuple[str, int], ...]


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
    outcome = Outcome(task.site, "not checked", task.check.key, at=task.check.at)
    try:
        paths = [(series_path(task.store, series_id), crc32) for series_id, crc32 in task.series]
        read = [read_series(path, crc32, as_read=True) for path, crc32 in paths]
        origins = [replace(origin_of(path, crc32), check=task.check) for path, crc32 in paths]
        marked = _marked(read, rules_of(task.check.rules))
    except TalikError as error:
        return replace(outcome, kind=type(error).__name__, reason=str(error))
    except Exception as error:  # noqa: BLE001 - whatever values do to the check, the other sites go on
        kind = type(error).__name__
        return replace(outcome, kind=kind, reason=f"{kind}: {error}. Please report it.")
    stored = tuple(keep(task.store, _series_id(origin), record, bare, origin)
                   for record, bare, origin in zip(marked, read, origins, strict=True))
    return replace(outcome, status="checked", series=stored, kind=task.check.talik,
                   replaces=tuple(series_id for series_id, _ in task.series))


def lost_site(task: SiteTask) -> Outcome:
    """What is said of a site whose check ended its process, twice."""
    return Outcome(task.site, "not checked", task.check.key, kind="ProcessDied",
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


def _series_id(origin: Origin) -> str:
    assert origin.check
    return hashlib.sha256(f"{origin.path}\n{origin.check.key}\n{origin.number}".encode()).hexdigest()[:20]
