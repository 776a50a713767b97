"""What was said of a file is kept with it: how to read it, and where it was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def merged(kept: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """
    What holds for a file of which some was said before: what is told now, and of the rest what was kept.

    Columns are merged role by role; None takes back what was said.

    Examples
    --------
    >>> merged({"timezone": "+03:00", "latitude": 70.0}, {"depths": (0.5, 1.0), "latitude": None})
    {'timezone': '+03:00', 'depths': [0.5, 1.0]}
    """
    now = {name: {**kept.get(name, {}), **value} if isinstance(value, Mapping) else value
           for name, value in told.items()}
    whole: dict[str, Any] = json.loads(json.dumps({**kept, **now}, default=list))     # as the catalogue keeps it
    return {name: value for name, value in whole.items() if value is not None}


def replaced(kept: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """
    What was said before and no longer holds, as a sentence; empty when all of it does.

    Examples
    --------
    >>> replaced({"timezone": "+03:00", "latitude": 70.0}, {"timezone": "+08:00", "latitude": 70.0})
    'timezone +08:00 in place of +03:00'
    """
    return "; ".join(f"{name} {_shown(now.get(name))} in place of {_shown(value)}" for name, value in kept.items()
                     if not _holds(value, now.get(name)))


def still(kept: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of what was said before and holds."""
    return [name for name, value in kept.items() if _holds(value, now.get(name))]


def _holds(value: Any, now: Any) -> bool:
    return now | value == now if isinstance(value, dict) and isinstance(now, dict) else bool(now == value)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return ",".join(f"{role}={name}" for role, name in value.items())
    return ",".join(f"{one:g}" for one in value) if isinstance(value, list) else str(value)
