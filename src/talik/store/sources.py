"""Which files are to be taken in, which files stand beside them, and whether either has changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import talik
from talik.errors import FileError
from talik.files import sha256

_STATION_FILE = re.compile(r"(fld|statlist)\w*\.txt", re.IGNORECASE)
_STATION_DATA = re.compile(r"wr\w+\.txt", re.IGNORECASE)


def found_files(paths: Iterable[Path], store: Path) -> list[Path]:
    """
    The files to take in: those named, and all in the folders named, without hidden ones, the store, and companions.

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
    companions = {beside for path in walked for beside in companions_of(path)}
    return list(dict.fromkeys([*named, *(path for path in walked if path not in companions)]))


def companions_of(path: Path) -> list[Path]:
    """Files beside one that its reader looks into as well: descriptions, calibrations, layouts."""
    stem, folder = path.stem, path.parent
    beside = [path.with_name(stem + end) for end in ("_metadata.json", ".metadata.json", ".json")]
    if stem.endswith(("_temp", "_raw")):
        root = stem.rpartition("_")[0]
        beside += [path.with_name(f"{root}_cfg.txt"), path.with_name(f"{root}.txt")]
    beside += (other for other in folder.glob("*.metadata.txt")
               if path.name.startswith(other.name.removesuffix(".metadata.txt")))
    if _STATION_DATA.fullmatch(path.name):
        beside += (other for other in folder.iterdir() if _STATION_FILE.fullmatch(other.name))
    return sorted({other for other in beside if other != path and other.is_file()})


def fingerprint(path: Path, digest: str, options: Mapping[str, object]) -> str:
    """Of all that decides what is read from a file: its content, its companions', the options, the version of talik."""
    told = {"content": digest, "beside": {other.name: sha256(other) for other in companions_of(path)},
            "options": dict(options), "talik": talik.__version__}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()


def shown(path: Path) -> str:
    """A path as text that any data base takes, also when its name is in no known encoding."""
    return shown_text(str(path))


def shown_text(text: str) -> str:
    """A text with what no encoding knows spelled out."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _walked(folder: Path, store: Path) -> list[Path]:
    found = []
    for root, folders, names in os.walk(folder.resolve()):
        here = Path(root)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and here / name != store)
        if here == store:
            folders.clear()
            continue
        found += [here / name for name in sorted(names) if not name.startswith(".") and (here / name).is_file()]
    return found
