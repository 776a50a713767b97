"""A lost or damaged catalogue made anew: every series file carries what the catalogue said of it, and a seal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from talik.errors import StoreError, UsageError
from talik.store.catalogue import CATALOGUE, Catalogue, create, seal, series_in
from talik.store.intake import Outcome, Stored, keep
from talik.store.lock import sole_writer
from talik.store.series_files import Origin, proved_series
from talik.store.verify import Finding, catalogue_faults
from talik.workers import mapped

ASIDE = ".damaged"
"""Ending of a series file that could not be read, so that no later writer sweeps it away."""

_Whole = tuple[Origin, Stored]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of a store: series and files in the new catalogue, and series that are damaged (path, fault)."""

    series: int
    files: int
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        lost = f"; {len(self.findings)} damaged ones are set aside" if self.findings else ""
        return f"{CATALOGUE} made anew from {self.series} series of {self.files} files{lost}"


def rebuild(store: Path | str, *, jobs: int = 1, wait: float = 60.0) -> Rebuilt:
    """
    Make the catalogue of a store anew from its series.

    Every series is held against the seal in its file and written anew, with its days. What a killed writer left of an
    earlier reading of a file is not taken up; a file of which a series is damaged or missing is read again by the next
    `ingest`. Refusals are not kept in series: the next `ingest` finds them again.

    Parameters
    ----------
    store : Path or str
        The store.
    jobs : int
        Processes side by side.
    wait : float
        For how long to wait for a writer [s].

    Returns
    -------
    Rebuilt

    Raises
    ------
    UsageError
        If the catalogue is whole.
    StoreError
        If there is no series to make it from, the store is of another version, or somebody writes to it.
    FileError
        If the store cannot be written to; what there was is then unchanged.
    """
    store = Path(store).resolve()
    paths = sorted(series_in(store))
    if not paths:
        raise StoreError(f"{store}: no store here, or one without series: there is nothing to make a catalogue from")
    with sole_writer(store, wait):
        if (store / CATALOGUE).is_file() and not catalogue_faults(store):
            raise UsageError(f"{store}: the catalogue is whole; nothing was changed. "
                             f"Series that are damaged: talik ingest PATHS --store {store} --fresh")
        whole: list[_Whole] = []
        findings = []
        for path, found in mapped(_kept, [(store, path) for path in paths], lost=_lost, workers=jobs):
            if isinstance(found, str):
                findings.append((path.relative_to(store).as_posix(), found))
            else:
                whole.append(found)
        chosen = _latest(whole)
        create(store, lambda catalogue: _filled(catalogue, chosen))
        seal(store)
        for name, _ in findings:
            (store / name).rename(store / f"{name}{ASIDE}")
    return Rebuilt(sum(map(len, chosen.values())), len(chosen), tuple(sorted(findings)))


def _kept(task: tuple[Path, Path]) -> tuple[Path, _Whole | str]:
    """A series written anew, or what is wrong with it."""
    store, path = task
    try:
        record, read, origin = proved_series(path)
    except StoreError as error:
        return path, str(error)
    return path, (origin, keep(store, path.stem, record, read, origin))


def _lost(task: tuple[Path, Path]) -> tuple[Path, str]:
    return task[1], f"{task[1]}: the process that read it died, twice. Ingest its source again."


def _latest(whole: Iterable[_Whole]) -> dict[str, list[_Whole]]:
    """Of each file the series of its last reading that is complete, each with its last check."""
    readings: dict[str, dict[tuple[str, str], dict[int, _Whole]]] = defaultdict(lambda: defaultdict(dict))
    for origin, stored in sorted(whole, key=lambda each: each[0].check.at if each[0].check else ""):
        readings[origin.path][origin.taken_at, origin.fingerprint][origin.number] = origin, stored
    return {path: list(max(found.items(), key=lambda each: (_complete(each[1].values()), each[0]))[1].values())
            for path, found in readings.items()}


def _complete(series: Iterable[_Whole]) -> bool:
    found = list(series)
    return len(found) == found[0][0].of


def _filled(catalogue: Catalogue, chosen: dict[str, list[_Whole]]) -> None:
    taken = []
    for path, series in chosen.items():
        origin = series[0][0]
        mark = origin.fingerprint if _complete(series) else ""            # without it the next run reads the file
        taken.append(Outcome(path, "taken in", mark, origin.sha256, origin.bytes,
                             tuple(stored for _, stored in series), at=origin.taken_at,
                             options=origin.options))
    checks = sorted(((origin.check, stored.series["site"]) for series in chosen.values() for origin, stored in series
                     if origin.check), key=lambda each: each[0].at)
    checked = {site: Outcome(site, "checked", check.key, kind=check.talik, at=check.at) for check, site in checks}
    catalogue.add([*taken, *checked.values()])
    if checks:
        catalogue.keep_rules(checks[-1][0].rules)
