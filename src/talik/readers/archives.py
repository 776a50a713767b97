"""Zip archives, read member by member under limits of number, size and ratio. Names never become paths."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from talik.errors import FileError

WORKBOOK_TEXTS = ("xl/sharedStrings.xml", "xl/worksheets/sheet1.xml")
"""Where the text cells of an .xlsx's first sheet stand."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What an archive may hold.

    Parameters
    ----------
    members : int
        Files.
    size : int
        Bytes of all files together, unpacked.
    ratio : float
        Unpacked bytes for each packed byte, once a file is larger than 1 MB.
    """

    members: int = 64
    size: int = 1 << 30
    ratio: float = 200.0


def mentions(path: Path, members: Iterable[str], text: str, *, within: int = 4 << 20) -> bool:
    """
    Whether a text stands in the beginning of some of an archive's files; False when there are none.

    Parameters
    ----------
    path : Path
        The archive, such as an .xlsx.
    members : iterable of str
        Full names of files in it.
    text : str
        Looked for in UTF-8.
    within : int
        Unpacked bytes of each file that are looked at.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for member in set(members) & set(archive.namelist()):
                with archive.open(member) as stream:
                    if text.encode() in stream.read(within):
                        return True
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError):
        return False
    return False


def unpacked(path: Path, wanted: tuple[str, ...] | None = None, *, limits: Limits = Limits()) -> dict[str, bytes]:
    """
    The files of an archive by base name.

    Parameters
    ----------
    path : Path
        The archive.
    wanted : tuple of str, optional
        Only these base names.
    limits : Limits
        Beyond which the archive is refused; they are watched while unpacking, not taken from the archive's own words.

    Raises
    ------
    FileError
        If it is no whole zip archive, is encrypted, or goes beyond a limit.

    Examples
    --------
    >>> import pathlib, tempfile, zipfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.zip"
    >>> with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z: z.writestr("../wr.txt", b"0" * 5_000_000)
    >>> unpacked(path)
    Traceback (most recent call last):
    ...
    talik.errors.FileError: a.zip: '../wr.txt' unpacks to more than 200 times its size: refused as a zip bomb
    """
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if len(members) > limits.members:
                raise FileError(f"{path.name}: holds {len(members)} files, at most {limits.members} are expected")
            room = limits.size
            for info in members:
                name = PurePosixPath(info.filename.replace("\\", "/")).name
                if wanted is None or name in wanted:
                    with archive.open(info) as stream:
                        pieces = watched(stream, info.compress_size, room, limits, f"{path.name}: {info.filename!r}")
                        found[name] = b"".join(pieces)
                    room -= len(found[name])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise FileError(f"{path.name}: is not a whole zip archive ({str(error)[:100]}). Fetch it again.") from error
    return found


def watched(stream: IO[bytes], packed: int, room: int, limits: Limits, name: str) -> Iterator[bytes]:
    """
    The pieces of a stream that is being unpacked.

    Parameters
    ----------
    stream : binary file
        Gives unpacked bytes.
    packed : int
        Bytes they were packed in.
    room : int
        Bytes they may take.
    limits : Limits
        The ratio, and the size for the message.
    name : str
        For messages.

    Raises
    ------
    FileError
        As soon as more comes out than may.
    """
    size = 0
    while piece := stream.read(_CHUNK):
        size += len(piece)
        if size > room:
            raise FileError(f"{name} unpacks to more than {limits.size >> 20} MB: refused")
        if size > _CHUNK and size > limits.ratio * max(packed, 1):
            raise FileError(f"{name} unpacks to more than {limits.ratio:g} times its size: refused as a zip bomb")
        yield piece
