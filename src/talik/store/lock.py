"""One writer at a time: a lock on a file of the store, which the system frees however the writer ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from talik.errors import StoreError

LOCK = "writer.lock"


@contextmanager
def sole_writer(folder: Path, wait: float) -> Iterator[None]:
    """
    Hold the store's lock for the length of the block.

    Parameters
    ----------
    folder : Path
        The store.
    wait : float
        For how long to wait for another writer [s].

    Raises
    ------
    StoreError
        If another writer still holds it, or the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written to: {error.strerror}. Choose another folder.") from error
    try:
        until = time.monotonic() + wait
        while not _taken(handle):
            if time.monotonic() >= until:
                raise StoreError(f"{folder}: another writer is at work on this store; waited {wait:g} s for it. "
                                 "Nothing was changed; run the command again when it has ended.")
            time.sleep(0.1)
        yield
    finally:
        os.close(handle)                            # frees the lock


def _taken(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
