"""The client of the Climate Data Store: send, wait, receive, keep; and go on after whatever happened in between."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from talik.era5land.answers import (
    SITE,
    AtSea,
    Crowded,
    NoData,
    Refused,
    TooLarge,
    classed,
    is_number,
    is_same,
    reason,
    settled,
    within,
)
from talik.era5land.arrivals import Spoiled, ending, is_void, opens, unpacked
from talik.era5land.jobs import Job, Jobs, State
from talik.era5land.requests import POINTS, Request
from talik.era5land.transfer import Gone, receive
from talik.era5land.wire import BUSY, USUAL, Account, Interrupted, Patience, account, ask, exchange
from talik.errors import FileError, RemoteError, UsageError
from talik.files import replacing
from talik.readers.archives import Limits

_AT_WORK = ("accepted", "running", "successful")

Watch = Callable[[Request, str], None]


class _Stopped(Exception):
    """Another request ended everything."""


def fetch(requests: Iterable[Request], store: Path | str, *, url: str | None = None, key: str | None = None,
          at_most: int = 2, watch: Watch | None = None, check: Callable[[Path], None] | None = None,
          patience: Patience = USUAL) -> list[Path]:
    """
    The files of some requests, from the folder where they are already there, else from the Climate Data Store.

    Whatever stops it (a kill, a lost line, a full disk), the same call goes on where it was: jobs are kept by their id,
    transfers resume, nothing is asked for twice.

    Parameters
    ----------
    requests : iterable of Request
        Such as a `Plan`.
    store : Path or str
        Folder for files, `jobs/` (records without the key) and `locks/`.
    url, key : str, optional
        Of the service; else from CDSAPI_URL and CDSAPI_KEY, else from ~/.cdsapirc. Needed only when files are missing.
    at_most : int
        Jobs at a time, 1 or 2, counted over all processes that use the folder.
    watch : callable, optional
        Called with a request and a few words whenever something happens; from several threads.
    check : callable, optional
        Opens each NetCDF or GRIB file before it is kept, and raises FileError when it is not whole or not right.
    patience : Patience
        How long to wait for what.

    Returns
    -------
    list of Path
        NetCDF or GRIB files in the order of the requests, each once; a request that was split, or that came as an
        archive, gives several.

    Raises
    ------
    UsageError
        If there is no usable key, or `at_most` is not 1 or 2.
    RemoteError
        If the service refuses or fails; what was finished before is kept.
    FileError
        If the folder cannot be written to.
    """
    if at_most not in (1, 2):
        raise UsageError(f"at_most: got {at_most}; expected 1 or 2 jobs at a time, as the service asks of its users.")
    asked = list({request.key: request for request in requests}.values())
    jobs = Jobs(Path(store))
    stop = threading.Event()
    calm = replace(patience, sleep=_heeding(stop, patience))
    run = _Run(jobs, url, key, at_most, watch or (lambda request, words: None), check, calm)
    with ThreadPoolExecutor(at_most) as pool:
        futures = [pool.submit(_guarded, run, request, stop) for request in asked]
        try:
            outcomes = [future.result() for future in futures]
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    failed = [outcome for outcome in outcomes if isinstance(outcome, Exception) and not isinstance(outcome, _Stopped)]
    if failed:
        fatal = next((error for error in failed if not isinstance(error, RemoteError) or isinstance(error, Refused)),
                     failed[0])
        if len(failed) > 1 and isinstance(fatal, RemoteError) and not isinstance(fatal, Refused):
            raise RemoteError(f"{len(failed)} of {len(asked)} requests failed; the others are kept. The first: {fatal}")
        raise fatal
    return list(dict.fromkeys(path for outcome in outcomes if isinstance(outcome, list) for path in outcome))


@dataclass(frozen=True, slots=True)
class _Run:
    """One call of `fetch`."""

    jobs: Jobs
    url: str | None
    key: str | None
    at_most: int
    watch: Watch
    check: Callable[[Path], None] | None
    patience: Patience

    def files(self, request: Request) -> list[Path]:
        """The files of one request, its halves' or its substitutes'."""
        with self.jobs.alone(request, self.patience.sleep):
            kept = self.jobs.files(request)
            if kept is not None:
                self.jobs.sweep(request)
                self.watch(request, "kept")
                return kept
            job = self.jobs.found(request)
            if job is None or job.state not in ("split", "elsewhere", "at sea"):
                try:
                    with self.jobs.place(self.at_most, self.patience.sleep):
                        return self._brought(account(self.url, self.key), request)
                except TooLarge as error:
                    job = self._left(request, "split", request.split(), error)
                except NoData as error:
                    job = self._left(request, "elsewhere", request.instead, error)
                except AtSea as error:
                    job = self._left(request, "at sea", request.neighbours, error)
            if job.state == "at sea":
                return self._ashore(request)
            others = request.split() if job.state == "split" else request.instead
            return [path for other in others for path in self.files(other)]

    def _ashore(self, request: Request) -> list[Path]:
        """The files of the cells with land around a point at sea, else of the boxes that reach farther."""
        if not request.instead:                     # itself a neighbour of such a point: the search ends here
            return []
        near = [path for other in request.neighbours for path in self.files(other)]
        return near or [path for box in request.boxes for path in self.files(box)]

    def _left(self, request: Request, state: State, others: tuple[Request, ...], error: RemoteError) -> Job:
        if not others:
            self.jobs.forget(request)
            raise RemoteError(str(error)) from error
        self.watch(request, f"{state}: {len(others)} requests instead" if request.instead else state)
        return self.jobs.keep(request, Job(request.dataset, request.inputs, state))

    def _brought(self, who: Account, request: Request) -> list[Path]:
        vanished: set[str] = set()
        started, refused = self.patience.clock(), 0
        while len(vanished) < 3:
            try:
                job = self._job(who, request, vanished)
                return self._received(who, request, job, self._result(who, request, job))
            except Gone:
                self.watch(request, f"job {job.number} has vanished; sending anew")
                vanished.add(job.number)
                self.jobs.forget(request)
            except Crowded as error:
                if self.patience.clock() - started > self.patience.queue:
                    raise
                self.watch(request, f"waiting for a place: {error}")
                self.patience.pause(refused)
                refused += 1
        raise RemoteError(f"{request.name}: the service lost its job three times. Run the same command again later.")

    def _job(self, who: Account, request: Request, vanished: set[str]) -> Job:
        job = self.jobs.found(request)
        if job is not None and job.number and job.service == who.url:
            return job
        heard = job is not None
        job = self.jobs.keep(request, Job(request.dataset, request.inputs, "sending", who.url))
        number = (self._heard(who, request, vanished) if heard else "") or self._sent(who, request, vanished)
        self.watch(request, f"queued as job {number}")
        return self.jobs.keep(request, replace(job, state="sent", number=number))

    def _sent(self, who: Account, request: Request, vanished: set[str]) -> str:
        """The id of a new job. After a lost reply the service is asked whether it heard before it is told again."""
        why = ""
        for attempt in range(self.patience.tries):
            told, unheard = None, False
            try:
                reply = exchange(who, "POST", f"/retrieve/v1/processes/{request.dataset}/execution", self.patience,
                                 request.inputs)
                if 400 <= reply.status < 500 and reply.status not in BUSY:
                    self.jobs.forget(request)
                    settled(who, request, reply)
                number = str(within(reply.json, "jobID"))
                if reply.status < 300 and is_number(number):
                    return number
                told, why, unheard = reply.told, f"HTTP {reply.status}", reply.status == 429
            except Interrupted as error:
                why = str(error)
            self.watch(request, f"waiting to be heard ({who.hidden(why, 80)})")
            self.patience.pause(attempt, told)
            if not unheard and (number := self._heard(who, request, vanished)):
                return number
        raise RemoteError(f"{request.name}: {who.host} did not take the request in {self.patience.tries} tries (last: "
                          f"{who.hidden(why, 160)}). Run the same command again later.")

    def _heard(self, who: Account, request: Request, vanished: set[str]) -> str:
        """The id of a job of this user that is the request's own; blank when there is none."""
        listed = settled(who, request, ask(who, "GET", "/retrieve/v1/jobs?limit=100&sortby=-created", self.patience))
        for told in listed["jobs"] if isinstance(listed.get("jobs"), list) else []:
            number = str(within(told, "jobID"))
            if (within(told, "processID") == request.dataset and within(told, "status") in _AT_WORK
                    and is_number(number) and number not in vanished):
                reply = ask(who, "GET", f"/retrieve/v1/jobs/{number}?request=true", self.patience)
                if is_same(within(reply.json, "metadata", "request", "ids"), request.inputs):
                    return number
        return ""

    def _result(self, who: Account, request: Request, job: Job) -> dict[str, Any]:
        """Wait for the job; returns where its result is."""
        path, started, pause, last = f"/retrieve/v1/jobs/{job.number}", self.patience.clock(), 1.0, ""
        while self.patience.clock() - started < self.patience.queue:
            reply = ask(who, "GET", path, self.patience)
            if reply.status in (404, 410):
                raise Gone(f"{request.name}: job {job.number} is unknown to the service")
            status = str(settled(who, request, reply).get("status", ""))
            if status != last:
                self.watch(request, status)
                last = status
            if status not in ("accepted", "running"):
                break
            self.patience.sleep(pause)
            pause = min(pause * 1.5, self.patience.poll)
        else:
            raise RemoteError(f"{request.name}: still in the queue. Its job is kept: run the same command again.")
        reply = ask(who, "GET", f"{path}/results", self.patience)
        if status == "successful":
            if reply.status in (404, 410):
                raise Gone(f"{request.name}: the result has expired")
            asset = within(settled(who, request, reply), "asset", "value")
            if not isinstance(within(asset, "href"), str):
                raise RemoteError(f"{request.name}: the service says the job is done, but not where the file is.")
            return dict(asset)
        self.jobs.forget(request)
        why = reason(who, reply) or f"the job is {who.hidden(status, 40)!r}"
        classed(request, why)
        raise RemoteError(f"{request.name}: the Climate Data Store could not make it: {why}. Run the same command "
                          f"again to send it anew; your jobs are listed at {SITE}/requests?tab=all.")

    def _received(self, who: Account, request: Request, job: Job, asset: Mapping[str, Any]) -> list[Path]:
        folder = self.jobs.folder
        part = folder / f".{request.name}-{job.number}.part"
        size = int(asset["file:size"]) if str(asset.get("file:size", "")).isdigit() else None
        href = asset["href"] if "//" in asset["href"] else urljoin(who.url, asset["href"])
        checksum = str(asset.get("file:checksum") or "")
        last: Spoiled | None = None
        for _ in range(3):
            self.watch(request, "receiving")
            receive(who, href, part, self.patience, size=size, checksum=checksum,
                    heed=lambda: self.patience.sleep(0.0),       # leaves when all is to end
                    say=lambda words: self.watch(request, words))
            try:
                return self._placed(request, job, part)
            except Spoiled as error:
                last = error
                self.jobs.sweep(request)
                self.watch(request, "arrived damaged; receiving again")
        self.jobs.forget(request)
        raise RemoteError(f"{request.name}: what the service sends is damaged, three times ({last}). Nothing of it was "
                          "kept; run the same command again later to have it made anew.")

    def _placed(self, request: Request, job: Job, part: Path) -> list[Path]:
        """Open what arrived, record it, and give it its name, in this order: only whole files are ever named."""
        if ending(part) == ".zip":
            limits = Limits(members=100, size=8 * request.bytes + (64 << 20), ratio=1000.0)
            made = unpacked(part, limits=limits, check=self._checked)
            places = [(now, f"{request.name}-{number}{ending(now)}") for number, now in enumerate(made, 1)]
        else:
            self._checked(part)
            places = [(part, request.name + ending(part))]
        if request.dataset == POINTS and all(is_void(now) for now, _ in places):
            self.jobs.sweep(request)
            raise AtSea(f"{request.name}: the point has no land")
        kept = self.jobs.done(request, job, places)
        for (now, _), place in zip(places, kept, strict=True):
            with replacing(place) as temporary:
                os.replace(now, temporary)
        self.jobs.sweep(request)
        self.watch(request, "done")
        return kept

    def _checked(self, path: Path) -> None:
        opens(path)
        try:
            if self.check is not None:
                self.check(path)
        except Spoiled:
            raise
        except FileError as error:
            raise Spoiled(str(error)) from error


def _guarded(run: _Run, request: Request, stop: threading.Event) -> list[Path] | Exception:
    """One request's files, or its error; an error that will meet every request stops them all."""
    if stop.is_set():
        return _Stopped()
    try:
        return run.files(request)
    except RemoteError as error:
        if isinstance(error, Refused):
            stop.set()
        return error
    except (UsageError, FileError) as error:
        stop.set()
        return error
    except _Stopped as error:
        return error
    except OSError as error:
        stop.set()
        return FileError(f"{run.jobs.folder}: {error.strerror or error} ({error.filename or 'a file in it'})")


def _heeding(stop: threading.Event, patience: Patience) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        if patience.sleep is time.sleep:
            stop.wait(seconds)
        else:
            patience.sleep(seconds)
        if stop.is_set():
            raise _Stopped
    return sleep
