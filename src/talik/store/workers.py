"""Files are taken in here, in several processes, or on a cluster; a process that dies costs one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from talik.errors import UsageError
from talik.workers import mapped

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
    return mapped(_take_in, tasks, lost=_refused, workers=jobs, cluster=cluster)


def _take_in(task: Task) -> Outcome:
    from talik.store.intake import take_in  # in a process of its own: only when that is prepared

    return take_in(task)


def _refused(task: Task) -> Outcome:
    from talik.store.intake import Outcome
    from talik.store.sources import shown

    return Outcome(shown(task.path), "refused", kind="ProcessDied", reason=_DIED.format(task.path.name))
