"""Packed files: gzip, bzip2, xz, and zip archives of data files; unpacked under limits, read as any other file."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from talik import files
from talik.errors import FileError, TalikError, UnknownFormat
from talik.readers.archives import Limits, watched
from talik.readers.encoding import detected
from talik.readers.spreadsheet import is_workbook
from talik.records import Record

LIMITS = Limits(members=1000)
_BEGINNINGS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"PK\3\4": "zip", b"PK\5\6": "zip"}
_ENDINGS = {"gzip": (".gz", ".gzip"), "bzip2": (".bz2",), "xz": (".xz",)}
_OPENERS: dict[str, Callable[[Path], Any]] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, OSError)
_UTF8 = 0x800
_ENCRYPTED = 0x1
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Member:
    """A file that was packed: what it is called, and where it lies now."""

    name: str
    path: Path


def kind_of(content: bytes, path: Path) -> str:
    """
    "gzip", "bzip2", "xz" or "zip"; "" for a file that is not packed, which workbooks and other documents count as.

    Parameters
    ----------
    content : bytes
        The beginning of the file.
    path : Path
        The file.
    """
    kind = next((kind for beginning, kind in _BEGINNINGS.items() if content.startswith(beginning)), "")
    if kind != "zip":
        return kind
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        return "" if is_workbook(content) else kind
    return "" if "[Content_Types].xml" in names or names[:1] == ["mimetype"] else kind


def records_within(
    path: Path, kind: str, sha256: str, read: Callable[[Path], list[Record]], fits: Callable[[Path], bool]
) -> list[Record]:
    """
    The records of the files in a packed file.

    Parameters
    ----------
    path : Path
        The packed file.
    kind : str
        As `kind_of` says.
    sha256 : str
        Of the packed file, kept with each record.
    read : callable
        Gives the records of an unpacked file.
    fits : callable
        Whether an unpacked file is to be read; if none fits all are.

    Raises
    ------
    FileError
        If it is damaged, encrypted, goes beyond a limit, or a file in it is packed itself or cannot be read; the
        message names the file in it.
    UnknownFormat
        If no reader claims any file in it.
    """
    with TemporaryDirectory(prefix="talik-") as folder:
        members = _unpacked(path, kind, Path(folder))
        chosen = [member for member in members if fits(member.path)] or members
        seen: dict[str, str] = {}
        records, left = [], []
        for member in chosen:
            _refuse_nested(member, path.name)
            if (twin := seen.setdefault(files.sha256(member.path), member.name)) != member.name:
                left.append(f"{member.name} (the same bytes as {twin})")
                continue
            try:
                found = read(member.path)
            except UnknownFormat as error:
                left.append(f"{member.name} ({str(error).removeprefix(f'{member.path.name}: ')[:120]})")
            except TalikError as error:
                where = f"{member.name}: " * (member.path.name != member.name)
                raise type(error)(f"{path.name}: {where}{error}") from error
            else:
                records += [(member.name, record) for record in found]
    if not records:
        raise UnknownFormat(f"{path.name}: no reader claims what is packed in it: {_few(left)}")
    words = f"packed: not read as tables: {_few(left)}" if left else ""
    return [
        replace(record, source=replace(record.source, path=str(path), sha256=sha256, understood=tuple(filter(None, (
            *record.source.understood, f"packed: {name!r}, unpacked from {kind}", words)))))
        for name, record in records
    ]


def _few(texts: list[str]) -> str:
    return "; ".join(texts[:_SHOWN]) + (f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else "")


def _refuse_nested(member: Member, file: str) -> None:
    with member.path.open("rb") as stream:
        kind = kind_of(stream.read(4096), member.path)
    if kind:
        raise FileError(f"{file}: {member.name!r} in it is packed itself ({kind}): unpack {file}, then read that")


def _unpacked(path: Path, kind: str, folder: Path) -> list[Member]:
    try:
        members = list(_of_zip(path, folder) if kind == "zip" else _alone(path, kind, folder))
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno:
            raise FileError(f"{path.name}: cannot be unpacked into {folder.parent}: {error.strerror}") from None
        raise FileError(f"{path.name}: is not whole ({kind}: {str(error)[:100]}). Fetch it again.") from error
    filled = [member for member in members if member.path.stat().st_size]
    if not filled:
        raise FileError(f"{path.name}: nothing is packed in it")
    return filled


def _alone(path: Path, kind: str, folder: Path) -> Iterator[Member]:
    """The one file, under its name without the ending."""
    name = path.name
    for ending in _ENDINGS[kind]:
        name = name[: -len(ending)] if name.lower().endswith(ending) else name
    target = folder / _plain(name)
    with _OPENERS[kind](path) as stream, target.open("wb") as out:
        for piece in watched(stream, path.stat().st_size, LIMITS.size, LIMITS, path.name):
            out.write(piece)
    yield Member(target.name, target)


def _of_zip(path: Path, folder: Path) -> Iterator[Member]:
    """The files of an archive: those of one folder in one folder here, which is a number."""
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        if len(infos) > LIMITS.members:
            raise FileError(f"{path.name}: holds {len(infos)} files, at most {LIMITS.members} are read: unpack it")
        room = LIMITS.size
        folders: dict[str, Path] = {}
        for info in infos:
            inside = PurePosixPath(_name(info).replace("\\", "/"))
            if inside.name in ("", "..") or any(map(_is_hidden, inside.parts)):
                continue
            if info.flag_bits & _ENCRYPTED:
                raise FileError(f"{path.name}: {str(inside)!r} in it is encrypted: unpack it with its password")
            here = folders.setdefault(str(inside.parent), folder / str(len(folders)))
            here.mkdir(exist_ok=True)
            target = here / _plain(inside.name)
            if target.exists():
                raise FileError(f"{path.name}: holds two files that are called {str(inside)!r}: unpack it")
            with archive.open(info) as stream, target.open("xb") as out:
                for piece in watched(stream, info.compress_size, room, LIMITS, f"{path.name}: {str(inside)!r}"):
                    room -= out.write(piece)
            yield Member(str(inside), target)


def _is_hidden(part: str) -> bool:
    """Whether a folder or file is a system's own, such as macOS puts beside every file."""
    return part == "__MACOSX" or (part.startswith(".") and part != "..")


def _name(info: zipfile.ZipInfo) -> str:
    """The name in the encoding it seems to be written in, where the archive does not say that it is UTF-8."""
    if info.flag_bits & _UTF8 or info.filename.isascii():
        return info.filename
    raw = info.filename.encode("cp437", errors="replace")
    return raw.decode(detected(raw).name, errors="replace")


def _plain(name: str) -> str:
    """A name that a file may have anywhere, with its ending."""
    stem, dot, end = re.sub(r"[^\w.()+ -]", "_", name).strip(". ").rpartition(".")
    short = (stem or end).encode()[:200].decode(errors="ignore") or "file"
    return f"{short}{dot}{end[:10]}" if stem else short
