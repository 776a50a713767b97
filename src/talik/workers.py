"""The same work on many tasks: here, in several processes, or on a cluster; a process that dies costs one task."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing import connection, get_context, parent_process
from typing import Any, TypeVar

from talik.errors import RemoteError, UsageError, missing_extra

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


def mapped(work: Callable[[Task], Outcome], tasks: Sequence[Task], *, lost: Callable[[Task], Outcome],
           workers: int = 1, cluster: str | None = None) -> Iterator[Outcome]:
    """
    The outcome of every task, in any order.

    Parameters
    ----------
    work : callable
        What is done with a task; a function of a module, so that another process can find it.
    tasks : sequence
    lost : callable
        The outcome of a task whose process died under it, twice.
    workers : int
        Processes on this machine.
    cluster : str, optional
        Address of a dask scheduler whose workers see the same folders, instead of processes here.

    Raises
    ------
    UsageError
        If there is not at least one worker.
    RemoteError
        If the cluster cannot be reached.

    Examples
    --------
    >>> list(mapped(abs, [-1, 2], lost=str))
    [1, 2]
    """
    if workers < 1:
        raise UsageError(f"workers: got {workers}, expected at least 1")
    if cluster:
        return _on_cluster(work, tasks, lost, cluster)
    several = min(workers, len(tasks))
    return map(work, tasks) if several <= 1 else _in_processes(work, tasks, lost, several)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_processes(work: Callable[[Task], Outcome], tasks: Sequence[Task], lost: Callable[[Task], Outcome],
                  workers: int) -> Iterator[Outcome]:
    waiting = list(reversed(tasks))
    while waiting:
        suspects: list[Task] = []
        with closing(_one_pool(work, waiting, workers, suspects)) as found:
            yield from found
        for task in suspects:                       # one of them killed its process: try each by itself
            died: list[Task] = []
            with closing(_one_pool(work, [task], 1, died)) as found:
                yield from found
            if died:
                yield lost(task)


def _one_pool(work: Callable[[Task], Outcome], waiting: list[Task], workers: int,
              suspects: list[Task]) -> Generator[Outcome, None, None]:
    """Outcomes until nothing waits or a process has died; then those that were under way are suspects."""
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_prepared)
    under_way: dict[Future[Outcome], Task] = {}
    try:
        while (waiting or under_way) and not suspects:
            while waiting and len(under_way) < 2 * workers:
                task = waiting.pop()
                try:
                    under_way[pool.submit(work, task)] = task
                except BrokenProcessPool:
                    suspects.append(task)
                    break
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                task = under_way.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    suspects.append(task)
                else:
                    yield outcome
        suspects.extend(under_way.values())
    finally:
        pool.shutdown(cancel_futures=True)


def _prepared() -> None:
    """A worker has one thread, leaves Ctrl-C to the parent, and ends with it, however the parent ends."""
    import signal

    os.environ["POLARS_MAX_THREADS"] = "1"           # before polars is loaded with the first task
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel
        threading.Thread(target=lambda: (connection.wait([sentinel]), os._exit(1)), daemon=True).start()


def _on_cluster(work: Callable[[Task], Outcome], tasks: Sequence[Task], lost: Callable[[Task], Outcome],
                address: str) -> Iterator[Outcome]:
    try:
        import distributed
    except ImportError:
        raise missing_extra("working on a cluster", "distributed", "cluster") from None
    try:
        client: Any = distributed.Client(address, timeout=20, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise RemoteError(f"--cluster {address}: no dask scheduler answers there ({error})") from error
    with client:
        futures = {client.submit(work, task, pure=False): task for task in tasks}
        done = distributed.as_completed(list(futures), loop=client.loop)  # type: ignore[no-untyped-call]
        for future in done:
            try:
                outcome = future.result()
            except distributed.KilledWorker:
                outcome = lost(futures[future])
            future.release()
            yield outcome
