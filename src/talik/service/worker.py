"""One logger file, read and computed in a process of its own that may not take more time or memory than allowed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from talik.results import Result

SECONDS, MEMORY = 60, 3 * 1024**3
"""CPU seconds, and bytes of address space, of one file."""
_WAIT = 5
"""Seconds of waiting for each second of computing: a busy machine is no fault of the file."""
ANSWER = 8 * 1024**2
_PASSED = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "HOME", "SYSTEMROOT", "NUMBA_CACHE_DIR")
ROWS = 2000
"""Most rows of each table that are sent back."""


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """Why a file was not understood, for people."""

    said: str


def safe_name(name: str) -> str:
    """
    A file name that names nothing but a file in the folder it is put into; the ending stays, readers look at it.

    Examples
    --------
    >>> safe_name("../../etc/passwd"), safe_name("Плато 2020.csv"), safe_name("..")
    ('passwd', 'Плато_2020.csv', 'file')
    """
    kept = re.sub(r"[^\w.-]+", "_", re.split(r"[/\\]", name)[-1]).strip("._-")
    while len(kept.encode()) > 120:
        kept = kept[1:]
    return kept or "file"


async def understood(chunks: AsyncIterator[bytes], name: str, *, seconds: int = SECONDS,
                     memory: int = MEMORY) -> Mapping[str, Any]:
    """
    What a file that arrives in pieces is, its flags, years and offsets; nothing of it is kept afterwards.

    Raises
    ------
    Refused
        If no reader understands it, or it takes too long or too much memory.
    """
    with tempfile.TemporaryDirectory(prefix="talik-upload-") as folder:
        path = Path(folder) / safe_name(name)
        with path.open("wb") as stream:
            async for chunk in chunks:
                stream.write(chunk)
        if path.stat().st_size == 0:
            raise Refused("The file is empty.")
        return await _worked(path, seconds, memory)


async def _worked(path: Path, seconds: int, memory: int) -> Mapping[str, Any]:
    kept = {name: os.environ[name] for name in _PASSED if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "talik.service.worker", path.name, str(seconds), str(memory), cwd=path.parent,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=kept | {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}, limit=ANSWER)
    try:
        assert process.stdout is not None
        answer = await asyncio.wait_for(process.stdout.read(-1), timeout=float(_WAIT * seconds))
        await process.wait()
    except TimeoutError:
        raise Refused(f"Reading took more than {_WAIT * seconds} s and was stopped. Send a shorter file.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or not answer:
        raise Refused(f"Reading needed more than {seconds} s of computing or {memory // 2**20} MB and was stopped. "
                      "Use `talik check` on your own machine for a file of this size.")
    content: dict[str, Any] = json.loads(answer)
    if "refused" in content:
        raise Refused(str(content["refused"]))
    return content


def report(path: Path) -> dict[str, Any]:
    """Read, check and compute one file: what was understood, flags by column, offsets by year, warnings."""
    import warnings

    from talik.readers.registry import read
    from talik.series.annual import annual_means
    from talik.series.offsets import annual_offsets
    from talik.series.quality import check

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        records = read(path)
        found: list[dict[str, Any]] = []
        for record in records:
            checked = check(record)
            means, _, no_means = _outcome(partial(annual_means, checked.record.accepted()))
            years, offsets, no_offsets = _outcome(partial(annual_offsets, record))
            found.append({
                "site": record.site, "said": str(record), "checked": str(checked), "format": record.source.format,
                "time_zone": f"{record.source.time_zone} ({record.source.time_zone_from})",
                "understood": list(record.source.understood), "sha256": record.source.sha256,
                "flags": checked.to_frame().head(ROWS).to_dicts(), "means": means, "means_reason": no_means,
                "years": years, "offsets": offsets, "offsets_reason": no_offsets})
    return {"records": found, "warnings": list(dict.fromkeys(str(w.message) for w in warned
                                                             if issubclass(w.category, UserWarning)))}


def _outcome(compute: Callable[[], Result]) -> tuple[list[dict[str, Any]], str, str]:
    """Rows of a result and its sentence, or nothing and the reason."""
    from talik.errors import TalikError

    try:
        result = compute()
    except TalikError as refusal:
        return [], "", str(refusal)
    return result.to_frame().head(ROWS).to_dicts(), str(result), ""


def main(name: str, seconds: str, memory: str) -> None:
    """Limit this process, then print the report of a file of the current folder as JSON."""
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from talik.atlas.page import finite
    from talik.errors import TalikError

    try:
        content = report(Path(name))
    except TalikError as refusal:
        content = {"refused": str(refusal)}
    except MemoryError:
        sys.exit(1)                # the parent says which limits there are
    except Exception as error:     # noqa: BLE001  whatever a stranger's file does to a reader is an answer, not a crash
        content = {"refused": f"Reading ended with an unforeseen {type(error).__name__} ({error}). Please report this, "
                              "with the file if you may share it."}
    sys.stdout.write(json.dumps(finite(content), default=str, allow_nan=False))


if __name__ == "__main__":
    main(*sys.argv[1:4])
