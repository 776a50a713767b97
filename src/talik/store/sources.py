"""Which files are to be taken in, which files stand beside them, and whether either has changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import talik
from talik.errors import FileError
from talik.files import sha256

_METADATA = ".metadata.txt"
_STATION_FILE = re.compile(r"(fld|statlist)\w*\.txt", re.IGNORECASE)
_STATION_DATA = re.compile(r"wr\w+\.txt", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one folder, listed once; those that stand beside several others by themselves."""

    names: frozenset[str]
    metadata: tuple[str, ...]
    stations: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path) -> Listing:
        """Of a folder as it is now; a folder that cannot be listed has no files."""
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries if entry.is_file())
        except OSError:
            names = []
        return cls(frozenset(names), tuple(name for name in names if name.endswith(_METADATA)),
                   tuple(name for name in names if _STATION_FILE.fullmatch(name)))


def found_files(paths: Iterable[Path], store: Path) -> dict[Path, list[Path]]:
    """
    The files to take in, each with those beside it: files named, and all in the folders named, without hidden ones, the
    store, and companions. A folder that cannot be listed is among them.

    Raises
    ------
    FileError
        If a path does not exist.
    """
    named, walked = [], []
    inside = store.resolve()
    for path in map(Path, paths):
        if path.is_dir():
            walked += _walked(path, inside)
        elif path.is_file():
            named.append(path.resolve())
        else:
            raise FileError(f"{path}: no such file or folder")
    listings = {folder: Listing.of(folder) for folder in {path.parent for path in (*named, *walked)}}
    found = {path: companions_of(path, listings[path.parent]) for path in (*named, *walked)}
    companions = {other for path in walked for other in found[path]} - set(named)
    return {path: beside for path, beside in found.items() if path not in companions}


def companions_of(path: Path, listing: Listing | None = None) -> list[Path]:
    """Files beside one that its reader looks into as well: descriptions, calibrations, layouts."""
    stem, there = path.stem, listing or Listing.of(path.parent)
    beside = [stem + end for end in ("_metadata.json", ".metadata.json", ".json")]
    if stem.endswith(("_temp", "_raw")):
        root = stem.rpartition("_")[0]
        beside += [f"{root}_cfg.txt", f"{root}.txt"]
    beside += (name for name in there.metadata if path.name.startswith(name.removesuffix(_METADATA)))
    if _STATION_DATA.fullmatch(path.name):
        beside += there.stations
    return [path.with_name(name) for name in sorted(set(beside) & there.names - {path.name})]


def fingerprint(digest: str, beside: Iterable[Path], options: Mapping[str, object]) -> str:
    """Of all that decides what is read from a file: its content, its companions', the options, the version of talik."""
    told = {"content": digest, "beside": {other.name: sha256(other) for other in beside},
            "options": dict(options), "talik": talik.__version__}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()


def shown(path: Path) -> str:
    """A path as text that any data base takes, also when its name is in no known encoding."""
    return shown_text(str(path))


def shown_text(text: str) -> str:
    """A text with what no encoding knows spelled out."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _walked(folder: Path, store: Path) -> list[Path]:
    found: list[Path] = []
    silent: list[OSError] = []
    for root, folders, names in os.walk(folder.resolve(), onerror=silent.append):
        here = Path(root)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and here / name != store)
        if here == store:
            folders.clear()
            continue
        found += [here / name for name in sorted(names) if not name.startswith(".") and (here / name).is_file()]
    return found + [Path(error.filename) for error in silent]
