"""Files into a store: only what is new or changed, in parallel, resumable; a bad file never stops the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

import talik
from talik.errors import UsageError
from talik.provenance import settings_hash
from talik.results import Result
from talik.series.rules import Rules
from talik.store.catalogue import Catalogue, writing
from talik.store.checks import SiteTask, check_site, lost_site, rules_text
from talik.store.intake import PLACE, Outcome, Task, moment
from talik.store.options import merged
from talik.store.series_files import Check
from talik.store.sources import found_files, shown
from talik.store.workers import outcomes
from talik.workers import mapped

BATCH, SECONDS = 64, 1.0
"""Outcomes are committed when there are this many, or after this long."""

OPTIONS = ("format", "encoding", "timezone", "date_order", "depths", "columns", *PLACE)

Watcher = Callable[[int, int, Outcome], None]
"""Told (how many, of how many, outcome) after an outcome is safe on disk."""


@dataclass(frozen=True, slots=True, eq=False)
class Ingested(Result):
    """
    What became of every file.

    Parameters
    ----------
    store : Path
        The store.
    table : polars.DataFrame
        One row a file: path, status ("taken in", "unchanged", "refused"), series, reason (of a refusal; also of an
        unchanged file that was refused before), note (which earlier options no longer hold).
    refusals : int
        Files in the store's table of refusals, from this run and from earlier ones.
    duplicates : int
        Series of the store that hold the same stamps, depths and values as another one.
    checked : str
        What the check of the store says; empty when the store is not checked.
    settings, data_hash
        How the files were read, and the hash of their fingerprints.
    """

    store: Path
    table: pl.DataFrame = field(repr=False)
    refusals: int
    duplicates: int
    checked: str
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row a file."""
        return self.table

    def count(self, status: str) -> int:
        """Files of a status."""
        return int((self.table["status"] == status).sum())

    @property
    def refused(self) -> int:
        """Files that are not in the store, because they are refused now or were before and have not changed."""
        return self.table["reason"].count()

    def __str__(self) -> str:
        new = self.table["note"].count()
        said = f"; {new} read by options in place of kept ones (column note)" if new else ""
        same = (f"; {self.duplicates} series hold the same values as another (column values_hash of the table series)"
                if self.duplicates else "")
        before = self.refused - self.count("refused")
        still = f" ({before} of them refused before)" if before else ""
        return (f"{self.store}: {self.count('taken in')} files taken in, {self.count('unchanged')} unchanged{still}, "
                f"{self.count('refused')} refused ({self.refusals} in the table of refusals){said}{same}"
                f"{f'; {self.checked}' if self.checked else ''}")


def ingest(paths: Iterable[Path | str], store: Path | str, *, jobs: int = 1, cluster: str | None = None,
           options: Mapping[str, Any] | None = None, fresh: bool = False, check: bool = False,
           rules: Rules | None = None, wait: float = 60.0, watch: Watcher | None = None) -> Ingested:
    """
    Take files into a store: one Parquet file a series and one catalogue.

    Parameters
    ----------
    paths : paths
        Files, and folders with everything in them.
    store : Path or str
        The store's folder; made when missing.
    jobs : int
        Processes that read side by side.
    cluster : str, optional
        Address of a dask scheduler ("tcp://host:8786") whose workers see the same folders.
    options : mapping, optional
        What `talik.read` is told of every file (format, encoding, timezone, date_order, depths, columns), and the place
        of all that they hold (latitude [°N], longitude [°E]). They are kept with each file that is taken in, and hold
        until others are told; None takes one back.
    fresh : bool
        Read unchanged files again, too.
    check : bool
        Whether the store is checked from now on: the flags of `talik.check` are kept with the values, site by site, and
        set anew where a site's files, the rules or talik's version have changed. The values stay as they are.
    rules : Rules, optional
        Rules of that check, in place of the usual ones or those the store was checked by.
    wait : float
        For how long to wait for another writer [s].
    watch : callable, optional
        Told of every file once it is safe on disk.

    Returns
    -------
    Ingested

    Raises
    ------
    FileError
        If a path does not exist, or the disk is full; what was acknowledged before is kept.
    UsageError
        If the rules would change values (`correct_drift`).
    StoreError
        If another writer is at work, or the catalogue is damaged.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> text = "Date/Depth,0.1,0.5\\n2020-01-01 00:00,-20,-9\\n2020-01-01 01:00,-21,-9\\n"
    >>> _ = (folder / "barrow.csv").write_text(text)
    >>> _ = (folder / "junk.csv").write_bytes(bytes(range(256)))
    >>> done = ingest([folder], folder / "store")
    >>> done.count("taken in"), done.count("refused"), ingest([folder], folder / "store").count("unchanged")
    (1, 1, 2)
    """
    store, told = Path(store).resolve(), dict(options or {})
    if wrong := sorted(set(told) - set(OPTIONS)):
        raise UsageError(f"options: got {wrong[0]!r}, expected {', '.join(OPTIONS)}")
    if rules and rules.correct_drift:
        raise UsageError("rules: correct_drift changes values, and a store keeps them as they were read; "
                         "correct drift in annual_offsets(..., rules=...)")
    found = found_files([Path(path) for path in paths], store)
    with writing(store, wait=wait) as catalogue:
        known = {} if fresh else catalogue.fingerprints()
        kept = {path: json.loads(said) for path, said in catalogue.table("files").select("path", "options").iter_rows()}
        tasks = [_task(path, store, beside, told, known, kept.get(shown(path), {})) for path, beside in found.items()]
        rows = [_row(outcome) for outcome in
                _committed(catalogue, outcomes(tasks, jobs=jobs, cluster=cluster), len(tasks), watch)]
        said = _checked(catalogue, rules, jobs, cluster, watch) if check or rules or catalogue.rules else ""
        series, refusals = catalogue.table("series"), catalogue.table("refusals")
    why = dict(refusals.select("path", "reason").iter_rows())
    table = _table([row | {"reason": why.get(row["path"])} for row in rows], found)
    duplicates = series.height - series["values_hash"].n_unique()
    return Ingested(store, table.drop("fingerprint"), refusals.height, duplicates, said, told,
                    settings_hash(table["fingerprint"].to_list()))


def _checked(catalogue: Catalogue, rules: Rules | None, jobs: int, cluster: str | None, watch: Watcher | None) -> str:
    """Check the sites whose kept check is not the one they should have, and say what the whole store's check says."""
    if rules or catalogue.rules is None:
        catalogue.keep_rules(rules_text(rules or Rules()))
    keys, told, at = catalogue.check_keys(), catalogue.rules or "", moment()
    by_site: dict[str, list[dict[str, Any]]] = {}
    for row in catalogue.table("series").sort("path", "number").iter_rows(named=True):
        by_site.setdefault(row["site"], []).append(row)
    tasks = [SiteTask(catalogue.folder, site, Check(keys[site], told, talik.__version__, at),
                      tuple((row["series_id"], row["crc32"]) for row in rows))
             for site, rows in by_site.items() if any(row["checked"] != keys[site] for row in rows)]
    made = mapped(check_site, tasks, lost=lost_site, workers=jobs, cluster=cluster)
    failed = [f"{outcome.path} ({outcome.reason})" for outcome in _committed(catalogue, made, len(tasks), watch)
              if outcome.status == "not checked"]
    flags = catalogue.table("flags").filter("rejects").filter(pl.col("flag") != "MISSING")
    sums = [f"{n} {flag}" for flag, n in flags.group_by("flag", maintain_order=True).agg(pl.col("n").sum()).rows()]
    return (f"{len(keys) - len(failed)} sites checked, flags that reject values: {', '.join(sorted(sums)) or 'none'}"
            + (f"; not checked: {'; '.join(failed)}" if failed else ""))


def _committed(catalogue: Catalogue, made: Iterable[Outcome], total: int, watch: Watcher | None) -> Iterable[Outcome]:
    """Outcomes once they are safe; the last ones also when something stops the rest."""
    batch: list[Outcome] = []
    done, since = 0, time.monotonic()

    def commit() -> list[Outcome]:
        nonlocal done, since
        safe, batch[:] = list(batch), []
        catalogue.add(safe)
        for outcome in safe:
            done += 1
            if watch:
                watch(done, total, outcome)
        since = time.monotonic()
        return safe

    try:
        for outcome in made:
            batch.append(outcome)
            if len(batch) >= BATCH or time.monotonic() - since >= SECONDS:
                yield from commit()
    finally:
        rest = commit()
    yield from rest


def _task(path: Path, store: Path, beside: Iterable[Path], told: Mapping[str, Any], known: Mapping[str, str],
          kept: Mapping[str, Any]) -> Task:
    return Task(path, store, tuple(beside), merged(kept, told), known.get(shown(path), ""), kept)


def _row(outcome: Outcome) -> dict[str, Any]:
    return {"path": outcome.path, "status": outcome.status, "series": len(outcome.series),
            "note": outcome.note or None, "fingerprint": outcome.fingerprint}


def _table(rows: list[dict[str, Any]], found: Iterable[Path]) -> pl.DataFrame:
    kinds = {"path": pl.String, "status": pl.String, "series": pl.Int64, "reason": pl.String, "note": pl.String,
             "fingerprint": pl.String}
    order = {shown(path): place for place, path in enumerate(found)}
    return pl.DataFrame(sorted(rows, key=lambda row: order[row["path"]]), schema=kinds)
