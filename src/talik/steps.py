"""Steps of a run: each reads files, writes files whole, and is skipped when nothing it depends on has changed."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from talik.errors import FileError, StoreError
from talik.files import half_written, read_parquet, sha256, write_csv, write_parquet, write_text
from talik.provenance import CRATE, FileEntry, code_hash, package_versions, settings_hash
from talik.settings import Settings

STATE = ".talik-state.json"
LOCK = ".talik-lock"
CACHE = ".talik-cache"
"""Folder in which a step keeps parts of its work for the next run."""
_OURS, _PART = ".talik-", ".part-"


@dataclass(frozen=True, slots=True)
class NotRun:
    """Why a step could not be done as a whole, what would make it possible, and whether to try again in any case."""

    reason: str
    remedy: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Crew:
    """
    Who works on a step that has many parts, and who is told of them; the results do not depend on it.

    Parameters
    ----------
    workers : int, optional
        Processes on this machine; left to the step when not given.
    cluster : str, optional
        Address of a dask scheduler whose workers see the same folders.
    told : callable, optional
        Told in a few words after each part.
    """

    workers: int | None = None
    cluster: str | None = None
    told: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """
    What a step works on.

    Parameters
    ----------
    settings : Settings
    results : Path
        Results so far, to read.
    staging : Path
        Its own folder, to write: moved into the results when it has ended well.
    before : tuple of Outcome
        The steps before it.
    inputs : mapping of Path to str
        The files outside the results that it reads, with their sha256.
    crew : Crew
    """

    settings: Settings
    results: Path
    staging: Path
    before: tuple[Outcome, ...] = ()
    inputs: Mapping[Path, str] = field(default_factory=dict)
    crew: Crew = Crew()

    @property
    def cache(self) -> Path:
        """A folder that stays from run to run; what lies in it is used only when it is found to be what it says."""
        return self.results / CACHE

    def read(self, name: str) -> pl.DataFrame:
        """A table that an earlier step wrote."""
        path = self.results / name
        return read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema_length=None)

    def has(self, name: str) -> bool:
        """Whether an earlier step wrote this file."""
        return (self.results / name).is_file()

    def write(self, name: str, frame: pl.DataFrame) -> None:
        """Write a table under its final name, as CSV or Parquet by its ending."""
        (write_parquet if name.endswith(".parquet") else write_csv)(self.staging / name, frame)


@dataclass(frozen=True, slots=True)
class Step:
    """
    One step of the way.

    Parameters
    ----------
    name : str
        What it is called in the report and in the state.
    does : callable
        Takes a Desk, writes files into its staging folder; returns None, or NotRun with the reason.
    needs : tuple of str
        Names of the steps whose files it reads.
    uses : tuple of str
        Sections of the settings it looks at.
    files : callable, optional
        Gives the paths outside the results folder that it reads.
    """

    name: str
    does: Callable[[Desk], NotRun | None]
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ("study",)
    files: Callable[[Settings], Sequence[Path]] = field(default=lambda settings: ())


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of a step: done, done in part, kept (nothing had changed) or not run; the files it made and read.

    A step that gives a reason and yet made files is done in part.
    """

    step: str
    status: str
    seconds: float
    outputs: tuple[FileEntry, ...]
    reason: str = ""
    remedy: str = ""
    inputs: tuple[FileEntry, ...] = ()
    again: bool = False

    @property
    def came(self) -> str:
        """What a report tells of it, whether it was done now or kept: "run", "in part" or "not run"."""
        return "run" if not self.reason else "in part" if self.outputs else "not run"


Watcher = Callable[[str, int, int, "Outcome | None"], None]


def run_steps(recipe: Sequence[Step], settings: Settings, results: Path, *, watch: Watcher | None = None,
              fresh: bool = False, crew: Crew | None = None) -> list[Outcome]:
    """
    Run the steps in order into a results folder, keeping those whose inputs, settings and code are unchanged.

    A step writes into a staging folder; its files are moved to their names only when it has ended well, so an
    interrupted run leaves every finished step whole and nothing else. `watch(name, number, of, outcome)` is called
    before (outcome None) and after each step. With `fresh` every step is done again.

    Raises
    ------
    FileError
        If the folder holds something else than a talik run, or cannot be written to.
    StoreError
        If another run is writing to the folder.
    """
    with _claimed(results):
        state = {} if fresh else _read_state(results)
        if fresh:
            shutil.rmtree(results / CACHE, ignore_errors=True)
        outcomes: list[Outcome] = []
        for number, step in enumerate(recipe, 1):
            if watch:
                watch(step.name, number, len(recipe), None)
            inputs = [_input(path, step) for path in step.files(settings) if path.is_file()]
            key = _key(step, settings, outcomes, inputs)
            digests = {Path(entry.path): entry.sha256 for entry in inputs}
            desk = Desk(settings, results, results, tuple(outcomes), digests, crew or Crew())
            outcome = _kept(step, state.get(step.name), key, results) or _done(step, desk)
            outcome = replace(outcome, inputs=tuple(inputs))
            _forget_stale(results, state.get(step.name), outcome)
            outcomes.append(outcome)
            state[step.name] = {"key": "" if outcome.again else key, "reason": outcome.reason, "remedy": outcome.remedy,
                                "outputs": [[e.path, e.bytes, e.sha256] for e in outcome.outputs]}
            write_text(results / STATE, json.dumps(state, indent=1) + "\n")
            if watch:
                watch(step.name, number, len(recipe), outcome)
        return outcomes


def _key(step: Step, settings: Settings, before: Sequence[Outcome], inputs: Sequence[FileEntry]) -> str:
    content = settings.model_dump(mode="json", include=set(step.uses))
    upstream = {o.step: [o.reason, *(e.sha256 for e in o.outputs)] for o in before if o.step in step.needs}
    outside = [[entry.path, entry.sha256] for entry in inputs]
    return settings_hash([step.name, code_hash(), package_versions(), content, upstream, outside])


def _input(path: Path, step: Step) -> FileEntry:
    try:
        return FileEntry.of(path, str(path), step.name)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror or error}. Make it readable, or take it out of the "
                        "study.") from error


def _kept(step: Step, known: Mapping[str, Any] | None, key: str, results: Path) -> Outcome | None:
    if known is None or known["key"] != key:
        return None
    entries = tuple(FileEntry(path, size, digest, step.name) for path, size, digest in known["outputs"])
    for entry in entries:
        path = results / entry.path
        if not path.is_file() or path.stat().st_size != entry.bytes or sha256(path) != entry.sha256:
            return None
    status = "not run" if known["reason"] and not entries else "kept"
    return Outcome(step.name, status, 0.0, entries, known["reason"], known["remedy"])


def _done(step: Step, desk: Desk) -> Outcome:
    start = _cpu_seconds()
    results = desk.results
    staging = Path(tempfile.mkdtemp(prefix=_PART, dir=results))
    try:
        answer = step.does(replace(desk, staging=staging))
        made = sorted(path for path in staging.rglob("*") if path.is_file())
        entries = []
        for path in made:
            name = path.relative_to(staging).as_posix()
            final = results / name
            final.parent.mkdir(parents=True, exist_ok=True)
            entries.append(FileEntry.of(path, name, step.name))
            os.replace(path, final)
    except OSError as error:
        raise FileError(f"{results}: step {step.name!r} cannot write its files: {error.strerror or error}. "
                        "Finished steps are whole; free space or choose another folder, then run again.") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    seconds = _cpu_seconds() - start
    if isinstance(answer, NotRun):
        status = "done in part" if entries else "not run"
        return Outcome(step.name, status, seconds, tuple(entries), answer.reason, answer.remedy, again=answer.again)
    return Outcome(step.name, "done", seconds, tuple(entries))


def _cpu_seconds() -> float:
    """Of this process and of those it has started and seen end."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _forget_stale(results: Path, known: Mapping[str, Any] | None, outcome: Outcome) -> None:
    """Remove files that the step made in an earlier run and no longer makes."""
    current = {entry.path for entry in outcome.outputs}
    for path, _, digest in (known or {}).get("outputs", ()):
        stale = results / path
        if path not in current and stale.is_file() and sha256(stale) == digest:
            stale.unlink()


def _read_state(results: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((results / STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}        # no state, or a damaged one: every step is simply done again


def interrupted(results: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether steps were done after this manifest was written: their run has not ended with one of its own."""
    made = {path: digest for step in _read_state(results).values() for path, _, digest in step["outputs"]}
    return bool(made) and made != {entry["path"]: entry["sha256"] for entry in manifest["outputs"]}


@contextmanager
def _claimed(results: Path) -> Iterator[None]:
    """The results folder, made if need be, refused if it is somebody else's, locked while the run lasts."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        left = half_written(results)
        foreign = [p.name for p in results.iterdir() if not p.name.startswith((_OURS, _PART)) and p not in left]
        if foreign and not any((results / ours).exists() for ours in (STATE, CACHE, CRATE)):
            raise FileError(f"{results}: the folder is not empty and was not written by talik (it holds "
                            f"{sorted(foreign)[0]!r}). Choose a new folder with --out.")
        lock = (results / LOCK).open("w")
    except OSError as error:
        raise FileError(f"{results}: cannot be used as output folder: {error.strerror or error}. "
                        "Choose another with --out.") from error
    with lock:
        _lock(lock, results)
        for part in results.glob(_PART + "*"):
            shutil.rmtree(part, ignore_errors=True)
        for path in left:
            path.unlink(missing_ok=True)
        try:
            yield
        finally:
            (results / LOCK).unlink(missing_ok=True)


def _lock(stream: Any, results: Path) -> None:
    try:
        import fcntl
    except ImportError:          # Windows has no fcntl; the staging folders still keep every step whole
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError(f"{results}: another talik run is writing here. Wait for it, or choose another "
                         "--out.") from None
