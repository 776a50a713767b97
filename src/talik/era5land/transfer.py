"""A file on its way: resumed where it broke, and whole by length and checksum before anybody sees it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path

from talik.era5land.wire import BUSY, Account, Interrupted, Patience, opened, retry_after
from talik.errors import FileError, RemoteError

_PIECE = 1 << 18
_CHECKSUMS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_MULTIHASH = {"d50110": "md5", "1114": "sha1", "1220": "sha256", "1340": "sha512"}


class Gone(RemoteError):
    """What was promised is no longer there (a job or its result has expired)."""


def receive(account: Account, url: str, part: Path, patience: Patience, *, size: int | None = None,
            checksum: str | None = None, heed: Callable[[], object] = lambda: None,
            say: Callable[[str], object] = lambda words: None) -> None:
    """
    Bring a file to `part`, going on from what is already there.

    Parameters
    ----------
    account : Account
        Whose hosts are allowed; the key goes to the service itself only, not to its file servers.
    url : str
        The file.
    part : Path
        Where it grows. It belongs to this one file; after an error it may stay, to be resumed.
    size : int, optional
        Its length [bytes] as promised with the result.
    checksum : str, optional
        As promised: md5, sha1, sha256 or sha512 in hexadecimal, bare or as a multihash; another kind is not used.
    heed : callable
        Called after every piece; may raise, to stop.
    say : callable
        Told in a few words why the file is asked for again.

    Raises
    ------
    Gone
        If the file has expired (403, 404, 410).
    RemoteError
        If it cannot be had whole in `patience.tries` tries without a gain.
    FileError
        If the disk is full.
    """
    started, fruitless, why = patience.clock(), 0, ""
    longest = max(3600.0, 2.0 * (size or 0) / patience.slowest)
    while fruitless < patience.tries and patience.clock() - started < longest:
        before, told = _length(part), None
        try:
            if size is None or before != size:
                size = _continued(account, url, part, patience, size, before, heed)
            if _agrees(part, checksum):
                return
            why = "the checksum is not the one promised"
            _drop(part)
        except Interrupted as error:
            why = str(error)
            told = getattr(error, "told", None)
        fruitless = 0 if before < _length(part) else fruitless + 1
        if fruitless < patience.tries:
            say(f"asking for the rest ({account.hidden(why, 80)})")
            patience.pause(fruitless, told)
    raise RemoteError(f"the file could not be fetched whole ({account.hidden(why, 160)}). What arrived is kept; run "
                      "the same command again to go on.")


class _Busy(Interrupted):
    def __init__(self, status: int, told: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.told = told


def _continued(account: Account, url: str, part: Path, patience: Patience, size: int | None, have: int,
               heed: Callable[[], object]) -> int | None:
    """Append what is missing; returns the whole length where it is known."""
    headers = {"Range": f"bytes={have}-"} if have else {}
    with opened(account, "GET", url, patience, headers=headers) as response:
        start, whole = _offer(response, have)
        if whole is not None and size is not None and whole != size:
            _drop(part)
            raise Interrupted(f"the file is {whole} bytes long, {size} were promised")
        size = whole if size is None else size
        if size is None and not response.chunked:
            raise Interrupted("the service does not say how long the file is: a cut could not be told from its end")
        if start is None:
            _drop(part)
            raise Interrupted("the service does not go on where the file broke off")
        _append(response, part, start, size, patience, heed)
    there = _length(part)
    if size is not None and there > size:
        _drop(part)
        raise Interrupted(f"more than the promised {size} bytes came")
    if size is not None and there < size:
        raise Interrupted(f"cut after {there} of {size} bytes")
    return size


def _offer(response: HTTPResponse, have: int) -> tuple[int | None, int | None]:
    """Where the response begins in the file (None: nowhere useful), and the file's whole length where it is told."""
    status = response.status
    length = response.headers.get("Content-Length", "")
    if status in (403, 404, 410):
        raise Gone(f"the file has expired on the service (HTTP {status})")
    if status in BUSY:
        raise _Busy(status, retry_after(response.headers.get("Retry-After")))
    if status == 206:
        told = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
        if told is None or int(told[1]) != have:
            return None, None
        return have, int(told[3]) if told[3] != "*" else None
    if status == 416:
        return None, None
    if status != 200:
        raise RemoteError(f"the service answered HTTP {status} instead of the file. Try again later.")
    if response.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        raise Interrupted("a web page came instead of the file")
    return 0, int(length) if length.isdigit() else None


def _append(response: HTTPResponse, part: Path, start: int, size: int | None, patience: Patience,
            heed: Callable[[], object]) -> None:
    there, since, at_since = start, patience.clock(), start
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        stream = open(part, "r+b" if part.exists() else "wb")   # noqa: SIM115 - closed by the `with` below
    except OSError as error:
        raise _unwritable(part, error) from error
    with stream:
        stream.seek(start)
        stream.truncate()
        while (size is None or there <= size) and (piece := response.read1(_PIECE)):
            try:
                stream.write(piece)
                stream.flush()
            except OSError as error:
                raise _unwritable(part, error) from error
            there += len(piece)
            heed()
            now = patience.clock()
            if now - since >= patience.stall:
                if there - at_since < patience.slowest * (now - since):
                    raise Interrupted(f"only {there - at_since} bytes came in {now - since:.0f} s")
                since, at_since = now, there
        try:
            os.fsync(stream.fileno())
        except OSError as error:
            raise _unwritable(part, error) from error


def _agrees(part: Path, checksum: str | None) -> bool:
    kind, told = _kind(checksum)
    if not kind:
        return True
    with open(part, "rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest() == told


def _kind(checksum: str | None) -> tuple[str, str]:
    told = (checksum or "").strip().strip('"').lower().rpartition(":")[2]
    if not re.fullmatch(r"[0-9a-f]+", told):
        return "", ""
    for prefix, kind in _MULTIHASH.items():
        bare = told.removeprefix(prefix)
        if bare != told and _CHECKSUMS.get(len(bare)) == kind:
            return kind, bare
    return _CHECKSUMS.get(len(told), ""), told


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _drop(part: Path) -> None:
    part.unlink(missing_ok=True)


def _unwritable(part: Path, error: OSError) -> FileError:
    return FileError(f"{part.parent}: cannot be written to: {error.strerror or error}. What arrived is kept; free "
                     "space and run the same command again to go on.")
