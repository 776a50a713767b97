"""What is known about every request, on disk: sent or not, as which job, and which files came of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from talik.era5land.requests import Request
from talik.errors import FileError
from talik.files import sha256, write_text

State = Literal["sending", "sent", "done", "split", "elsewhere", "at sea"]


@dataclass(frozen=True, slots=True)
class Job:
    """
    The record of one request.

    Parameters
    ----------
    dataset, inputs
        Of the request.
    state : str
        "sending" (whether the service heard it is not known), "sent" (as job `number`), "done" (as `files`), "split"
        (was too large; its halves have records of their own), "elsewhere" (this data set has none of it) or "at sea"
        (the point's cell has no land).
    service : str
        Address of the service.
    number : str
        The service's job id.
    files : tuple of (name, bytes, sha256)
        What came.
    """

    dataset: str
    inputs: Mapping[str, Any]
    state: State
    service: str = ""
    number: str = ""
    files: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Jobs:
    """The folder with the files fetched, the records in `jobs/` and the locks in `locks/`."""

    folder: Path

    def found(self, request: Request) -> Job | None:
        """The record of a request, None when there is none that can be read."""
        try:
            told = json.loads(self._record(request).read_text(encoding="utf-8"))
            files = tuple((str(name), int(size), str(digest)) for name, size, digest in told.pop("files"))
            job = Job(**told, files=files)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            return Job(request.dataset, request.inputs, "sending")      # damaged: the service is asked what it knows
        except OSError as error:
            raise FileError(f"{self._record(request)}: cannot be read: {error.strerror or error}") from error
        return job if (job.dataset, job.inputs) == (request.dataset, request.inputs) else None

    def keep(self, request: Request, job: Job) -> Job:
        """Write a record, whole; returns it."""
        write_text(self._record(request), json.dumps(asdict(job), indent=1, sort_keys=True) + "\n")
        return job

    def forget(self, request: Request) -> None:
        """Take a record away, so that the request is sent anew."""
        self._record(request).unlink(missing_ok=True)

    def files(self, request: Request) -> list[Path] | None:
        """The files of a finished request, each whole by length and sha256; None when one is not."""
        job = self.found(request)
        if job is None or job.state != "done" or not job.files:
            return None
        paths = [self.folder / Path(name).name for name, _, _ in job.files]
        whole = all(path.is_file() and path.stat().st_size == size and sha256(path) == digest
                    for path, (_, size, digest) in zip(paths, job.files, strict=True))
        return paths if whole else None

    def done(self, request: Request, job: Job, files: list[tuple[Path, str]]) -> list[Path]:
        """Record files, given as where each is now and the name it will have; returns the places under those names."""
        kept = tuple((name, now.stat().st_size, sha256(now)) for now, name in files)
        self.keep(request, replace(job, state="done", files=kept))
        return [self.folder / name for _, name in files]

    def sweep(self, request: Request) -> None:
        """Take away what interrupted tries left beside files and record."""
        for folder, name in ((self.folder, request.name), (self.folder / "jobs", request.key[:60])):
            for stale in folder.glob(f".{name}-*"):
                stale.unlink(missing_ok=True)

    @contextmanager
    def alone(self, request: Request, sleep: Callable[[float], object]) -> Iterator[None]:
        """Nobody else fetches the same request meanwhile, in this process or another; freed also by a kill."""
        with ExitStack() as stack:
            while not _locked(stack, self.folder / "locks" / request.key):
                sleep(0.5)
            yield

    @contextmanager
    def place(self, at_most: int, sleep: Callable[[float], object]) -> Iterator[None]:
        """One of `at_most` places for jobs, shared by all processes that use the folder."""
        with ExitStack() as stack:
            while not any(_locked(stack, self.folder / "locks" / f"place-{n}") for n in range(at_most)):
                sleep(0.5)
            yield

    def _record(self, request: Request) -> Path:
        return self.folder / "jobs" / f"{request.key}.json"


def _locked(stack: ExitStack, path: Path) -> bool:
    """Whether the lock on a file could be taken; it is held until the stack closes. The file stays."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = open(path, "ab")      # noqa: SIM115 - closed by the stack
    except OSError as error:
        raise FileError(f"{path.parent}: cannot be written to: {error.strerror or error}. Choose another "
                        "folder.") from error
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        stream.close()
        return False
    except OSError as error:
        stream.close()
        raise FileError(f"{path.parent}: this file system knows no locks ({error.strerror or error}). Choose a folder "
                        "on a local disk.") from error
    stack.callback(stream.close)
    return True
