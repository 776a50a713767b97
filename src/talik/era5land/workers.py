"""Who sums the tiles: threads of this machine within a bound of memory, or the workers of a cluster."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from talik.era5land.tiles import Parts, Tile, sums
from talik.errors import FileError, UsageError, missing_extra

SUM_BYTES = 500
"""Of one cell of one tile at work."""
MEMORY = 1 << 30
"""Bytes that the sums of all tiles at work may take together."""
BATCH = 16, 1 << 16
"""Tiles and cells of one task of a cluster: what they share is sent once, and the scheduler has fewer tasks."""


def finished(tiles: Sequence[Tile], *, threads: int | None, cluster: Any) -> Iterator[tuple[Tile, Parts]]:
    """Tiles with their sums, as they are done; few enough at a time to keep the sums within `MEMORY`."""
    if cluster is not None:
        yield from _on_cluster(tiles, cluster)
        return
    largest = max((tile.size for tile in tiles), default=1)
    workers = max(1, min(threads or os.cpu_count() or 1, MEMORY // (SUM_BYTES * largest)))
    if workers == 1:
        yield from ((tile, sums(tile)) for tile in tiles)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting = iter(tiles)
        running = {pool.submit(sums, tile): tile for _, tile in zip(range(2 * workers), waiting, strict=False)}
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                tile = running.pop(future)
                following = next(waiting, None)
                if following is not None:
                    running[pool.submit(sums, following)] = following
                yield tile, future.result()


def _on_cluster(tiles: Sequence[Tile], cluster: Any) -> Iterator[tuple[Tile, Parts]]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise missing_extra("reducing on a cluster", "distributed", "cluster") from None
    client: Any = distributed.Client(cluster) if isinstance(cluster, str) else cluster
    if not isinstance(client, distributed.Client):
        raise UsageError(f"cluster: got {type(cluster).__name__}, expected a distributed.Client or its address")
    futures = {client.submit(_summed, batch, pure=False, retries=3): batch for batch in batches(tiles)}
    for future, parts in distributed.as_completed(futures, with_results=True):
        yield from zip(futures.pop(future), parts, strict=True)


def _summed(tiles: Sequence[Tile]) -> list[Parts]:
    return [sums(tile) for tile in tiles]


def batches(tiles: Iterable[Tile]) -> Iterator[list[Tile]]:
    """Neighbouring tiles of one quantity, no more together than `BATCH`."""
    batch: list[Tile] = []
    for tile in tiles:
        full = len(batch) == BATCH[0] or sum(one.size for one in batch) + tile.size > BATCH[1]
        if batch and (full or tile.quantity is not batch[0].quantity):
            yield batch
            batch = []
        batch.append(tile)
    if batch:
        yield batch


def packed(parts: Parts) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **parts)  # type: ignore[arg-type]
    return buffer.getvalue()


def load_parts(path: Path) -> Parts:
    """The sums of a finished tile; the archive's own checksums are verified."""
    import zipfile

    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FileError(f"{path}: a damaged part of an interrupted run ({error}). Remove it and run again.") from error
