"""A bound on what this process takes while it answers a question, for the values that escape DuckDB's own limit."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_lock = threading.Lock()
_granted: list[int] = []
_before: tuple[int, int, int] = (0, 0, 0)
"""What questions under way may take [bytes]; what the process had before the first, and its soft and hard limit."""


@contextmanager
def bounded(extra: int) -> Iterator[None]:
    """
    Let the process take `extra` bytes more than it has, and no more, for the length of the block.

    The system then refuses memory, which DuckDB and Arrow report as an error. Questions side by side share the sum of
    what each may take. The bound holds for other threads of the process, too. Only Linux has it: elsewhere nothing
    is bounded.
    """
    if sys.platform != "linux":
        yield
        return
    global _before
    with _lock:
        if not _granted:
            _before = (_taken(), *_limits())
        _granted.append(extra)
        _set()
    try:
        yield
    finally:
        with _lock:
            _granted.remove(extra)
            _set()


def _set() -> None:
    import resource

    had, soft, hard = _before
    bound = had + sum(_granted)
    lowest = min([bound, *(limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY)])
    resource.setrlimit(resource.RLIMIT_DATA, (lowest if _granted else soft, hard))


def _limits() -> tuple[int, int]:
    import resource

    return resource.getrlimit(resource.RLIMIT_DATA)


def _taken() -> int:
    """Writable memory of this process, as RLIMIT_DATA counts it [bytes]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))
