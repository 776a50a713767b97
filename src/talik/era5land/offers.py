"""What the Climate Data Store says before anything is sent: what its points have, what requests cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from talik.era5land.answers import Refused, settled
from talik.era5land.fields import known_field
from talik.era5land.requests import AT_POINTS, POINTS, Plan, Request
from talik.era5land.wire import USUAL, Account, Patience, account, ask
from talik.errors import RemoteError
from talik.files import write_text

KEPT = "points.json"
"""What the points have, kept in the folder of downloads: the same folder goes on asking for the same."""


def probe(*, url: str | None = None, key: str | None = None, patience: Patience = USUAL) -> frozenset[str]:
    """
    Short names of the fields that the point data set has today, by the service's own word (one small question, no job).

    Raises
    ------
    RemoteError
        If the service refuses or fails, or names no variable at all.
    """
    who = account(url, key)
    request = Request(POINTS, {}, 0, 0)
    reply = ask(who, "POST", f"/retrieve/v1/processes/{POINTS}/constraints", patience, {})
    settled(who, request, reply)
    named = (reply.json or {}).get("variable")
    found = frozenset(short for name in named if (short := known_field(str(name)))) if isinstance(named, list) else None
    if not found:
        raise RemoteError(f"{POINTS}: the Climate Data Store did not say which variables it has. Plan without probing.")
    return found


def offered(who: Account | None, store: Path | None, *, patience: Patience = USUAL,
            watch: Callable[[Any, str], None] | None = None) -> frozenset[str]:
    """
    Fields to ask the point data set for: as the folder of downloads keeps them, else as the service says now.

    Parameters
    ----------
    who : Account or None
        Who asks; without an account nobody is asked.
    store : path or None
        Folder of downloads, where the answer is kept: a rerun plans the same requests, and finds their files. Remove
        its `points.json` to ask anew.
    patience, watch
        See `talik.era5land.client.fetch`.

    Returns
    -------
    frozenset of str
        Short names; `requests.AT_POINTS` where nobody is asked or the service does not say.

    Raises
    ------
    RemoteError
        If the service refuses the key.
    """
    kept = None if store is None else store / KEPT
    if kept is not None and (known := _kept(kept)):
        return known
    if who is None:
        return AT_POINTS
    try:
        found = probe(url=who.url, key=who.key, patience=patience)
    except Refused:
        raise
    except RemoteError as error:
        if watch is not None:
            watch(None, f"{error} Planned with what the points had when talik was made.")
        return AT_POINTS
    if kept is not None:
        write_text(kept, json.dumps({"service": who.url, "fields": sorted(found)}) + "\n")
    return found


def _kept(path: Path) -> frozenset[str]:
    try:
        return frozenset(map(str, json.loads(path.read_text(encoding="utf-8"))["fields"]))
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()                    # none, or damaged: the service is asked again


def priced(plan: Plan, who: Account, *, patience: Patience = USUAL) -> Plan:
    """
    A plan with the service's own costing of each request; no job is made.

    Requests that differ in their place or their single year only are asked about once, for the largest.

    Raises
    ------
    RemoteError
        If the service refuses, fails, or names no cost.
    """
    alike: dict[str, list[Request]] = {}
    for request in plan:
        alike.setdefault(_apart_from_place(request), []).append(request)
    costs = {told: _cost(who, max(requests, key=lambda one: one.bytes), patience) for told, requests in alike.items()}
    return replace(plan, costs=tuple(costs[_apart_from_place(request)] for request in plan))


def _apart_from_place(request: Request) -> str:
    inputs = {name: value for name, value in request.inputs.items()
              if name not in ("area", "location") and not (name == "year" and isinstance(value, str))}
    return json.dumps([request.dataset, inputs], sort_keys=True)


def _cost(who: Account, request: Request, patience: Patience) -> tuple[float, float]:
    path = f"/retrieve/v1/processes/{request.dataset}/costing?request_origin=api"
    told = settled(who, request, ask(who, "POST", path, patience, request.inputs))
    try:
        return float(told["cost"]), float(told["limit"])
    except (KeyError, TypeError, ValueError):
        raise RemoteError(f"{request.name}: the Climate Data Store did not say what it costs.") from None
