"""The same task for many files: here, in several processes, or on a cluster; a process that dies costs one file."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing import connection, get_context, parent_process
from typing import TYPE_CHECKING, Any

from talik.errors import RemoteError, UsageError, missing_extra

if TYPE_CHECKING:
    from talik.store.intake import Outcome, Task

_DIED = ("{}: the process that read it died, twice (out of memory?). The other files were not touched; "
         "look at the file, or take it in on a machine with more memory.")


def outcomes(tasks: Sequence[Task], *, jobs: int = 1, cluster: str | None = None) -> Iterator[Outcome]:
    """
    Take in every task's file, in any order.

    Parameters
    ----------
    tasks : sequence of Task
    jobs : int
        Processes on this machine.
    cluster : str, optional
        Address of a dask scheduler whose workers see the same folders, instead of processes here.

    Raises
    ------
    UsageError
        If jobs is not at least 1.
    FileError
        If the store cannot be written to.
    RemoteError
        If the cluster cannot be reached.
    """
    if jobs < 1:
        raise UsageError(f"jobs: got {jobs}, expected at least 1")
    if cluster:
        return _on_cluster(tasks, cluster)
    return _here(tasks) if min(jobs, len(tasks)) <= 1 else _in_processes(tasks, min(jobs, len(tasks)))


def _here(tasks: Sequence[Task]) -> Iterator[Outcome]:
    from talik.store.intake import take_in

    return map(take_in, tasks)


def _in_processes(tasks: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    waiting = list(reversed(tasks))
    while waiting:
        suspects: list[Task] = []
        with closing(_one_pool(waiting, jobs, suspects)) as found:
            yield from found
        for task in suspects:                       # one of them killed its process: try each by itself
            died: list[Task] = []
            with closing(_one_pool([task], 1, died)) as found:
                yield from found
            if died:
                yield _refused(task)


def _one_pool(waiting: list[Task], jobs: int, suspects: list[Task]) -> Generator[Outcome, None, None]:
    """Outcomes until nothing waits or a process has died; then those that were under way are suspects."""
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_prepared)
    under_way: dict[Future[Outcome], Task] = {}
    try:
        while (waiting or under_way) and not suspects:
            while waiting and len(under_way) < 2 * jobs:
                task = waiting.pop()
                try:
                    under_way[pool.submit(_take_in, task)] = task
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


def _take_in(task: Task) -> Outcome:
    from talik.store.intake import take_in  # after `_prepared`, which must come before polars is loaded

    return take_in(task)


def _prepared() -> None:
    """A worker has one thread, leaves Ctrl-C to the parent, and ends with it, however the parent ends."""
    import signal

    os.environ["POLARS_MAX_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel
        threading.Thread(target=lambda: (connection.wait([sentinel]), os._exit(1)), daemon=True).start()


def _on_cluster(tasks: Sequence[Task], address: str) -> Iterator[Outcome]:
    try:
        import distributed
    except ImportError:
        raise missing_extra("taking in on a cluster", "distributed", "cluster") from None
    try:
        client: Any = distributed.Client(address, timeout=20, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise RemoteError(f"--cluster {address}: no dask scheduler answers there ({error})") from error
    with client:
        futures = {client.submit(_take_in, task, pure=False): task for task in tasks}
        done = distributed.as_completed(list(futures), loop=client.loop)  # type: ignore[no-untyped-call]
        for future in done:
            try:
                outcome = future.result()
            except distributed.KilledWorker:
                outcome = _refused(futures[future])
            future.release()
            yield outcome


def _refused(task: Task) -> Outcome:
    from talik.store.intake import Outcome
    from talik.store.sources import shown

    return Outcome(shown(task.path), "refused", kind="ProcessDied", reason=_DIED.format(task.path.name))
