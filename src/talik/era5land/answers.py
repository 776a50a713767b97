"""What an answer of the Climate Data Store means: its content, or an error that says what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from talik.era5land.requests import Request
from talik.era5land.wire import HOW_TO_KEY, Account, Reply
from talik.errors import RemoteError

SITE = "https://cds.climate.copernicus.eu"
_TOO_LARGE = ("cost limit", "too large", "exceeds the limit", "reduce your selection")
_NO_DATA = ("nodata", "no data", "valid combination")
_CROWDED = ("temporarily limited", "queued requests")


class Refused(RemoteError):
    """The service will not serve this user or data set at all: key, licence."""


class TooLarge(RemoteError):
    """The service will not make so much at once."""


class NoData(RemoteError):
    """The data set does not hold what was asked for."""


class Crowded(RemoteError):
    """The service rejects a job because too many wait: the same may be sent again later."""


class AtSea(RemoteError):
    """The point asked for lies in a cell without land: every value is missing."""


def settled(who: Account, request: Request, reply: Reply) -> dict[str, Any]:
    """The reply's content, or the refusal in it as an error that says what to do."""
    if reply.status < 400 and reply.json is not None:
        return reply.json
    why = reason(who, reply) or f"HTTP {reply.status}"
    if reply.status == 401:
        raise Refused(f"the Climate Data Store does not know the key ({why}). {HOW_TO_KEY}")
    if reply.status == 403 and "licen" in why.lower():
        raise Refused(f"{request.dataset}: its licence is not accepted (or a new one is in force). Sign in, accept it "
                      f"at {SITE}/datasets/{request.dataset}?tab=download#manage-licences, and run the same command "
                      "again.")
    classed(request, why, too_large=reply.status == 413)
    if reply.status == 403:
        raise Refused(f"the Climate Data Store refuses {request.dataset} to this key: {why}. {HOW_TO_KEY}")
    if reply.status == 404:
        raise NoData(f"{request.name}: the Climate Data Store has no data set {request.dataset} any more ({why}).")
    raise RemoteError(f"{request.name}: the Climate Data Store does not accept the request: {why}. Its form is at "
                      f"{SITE}/datasets/{request.dataset}?tab=download.")


def classed(request: Request, why: str, *, too_large: bool = False) -> None:
    """Raise what a refusal's words mean, when they mean that the request is too large or the data are not there."""
    if too_large or any(words in why.lower() for words in _TOO_LARGE):
        raise TooLarge(f"{request.name}: too large for the Climate Data Store even as one map ({why}). Ask for fewer "
                       "sites or a smaller area.")
    if any(words in why.lower() for words in _NO_DATA):
        raise NoData(f"{request.name}: {request.dataset} has none of {', '.join(request.inputs.get('variable', []))} "
                     f"({why}).")
    if any(words in why.lower() for words in _CROWDED):
        raise Crowded(f"{request.name}: the Climate Data Store takes no more jobs for {request.dataset} now ({why}).")


def reason(who: Account, reply: Reply) -> str:
    """The service's own words for a refusal or failure, safe to show; blank when it gave none."""
    told = reply.json or {}
    words = [str(told[name]) for name in ("title", "detail") if told.get(name)]
    return who.hidden("; ".join([*words, *str(told.get("traceback") or "")[-400:].splitlines()]), 900)


def within(told: Any, *names: str) -> Any:
    """What stands under some names in an answer; None when the answer is not built so."""
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    return told


def is_number(job: str) -> bool:
    """Whether this can be a job's id, and so a part of an address and a file name."""
    return re.fullmatch(r"[A-Za-z0-9-]{1,64}", job) is not None


def is_same(inputs: Any, asked: Mapping[str, Any]) -> bool:
    """Whether the inputs of a job are those asked for, written perhaps in another way."""
    try:
        return isinstance(inputs, Mapping) and _plain(inputs) == _plain(asked)
    except (TypeError, ValueError):
        return False


def _plain(inputs: Mapping[str, Any]) -> dict[str, list[str]]:
    """Inputs as they compare: the service may turn single values into lists, reorder them and write 71 for 71.0."""
    alike: dict[str, list[str]] = {}
    for name, value in inputs.items():
        if isinstance(value, Mapping):
            alike[name] = sorted(f"{part}={float(degrees):g}" for part, degrees in value.items())
        elif name == "area":
            alike[name] = [f"{float(side):g}" for side in value]
        else:
            alike[name] = sorted(str(each) for each in (value if isinstance(value, list) else [value]))
    return alike
