"""Which columns serve as air, surface and depth, deployment after deployment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from talik.errors import UsageError
from talik.readers.depths import is_air
from talik.records import Record
from talik.series.columns import SAME_DEPTH, Column, Pick, all_columns, chosen
from talik.series.deployments import in_sequence, near

SCREEN_HEIGHT, SAME_HEIGHT = -2.0, 0.5
"""Where air is looked for, and by how much heights may differ from one deployment to the next [m]."""

LOWEST_SCREEN = 1.0
"""Sensors below this height [m] measure the air at the ground and serve as air only when asked for."""

Served = tuple[tuple[Column, ...], list[str]]
"""Columns, and what is to be said of deployments that overlap."""


def air_columns(records: Sequence[Record], pick: Pick) -> Served:
    """
    The air columns asked for, or that nearest to 2 m of height; else that which says "air" without saying its height.

    Sensors lower than `LOWEST_SCREEN` are never taken unasked. None when there is none: `air_said` says why.
    """
    if pick is not None:
        return in_sequence(chosen(records, pick, "air"), SAME_HEIGHT, "air")
    heights = [[c for c in all_columns([record]) if c.depth <= -LOWEST_SCREEN] for record in records]
    if any(heights):
        return _best(heights, lambda c: abs(c.depth - SCREEN_HEIGHT), SAME_HEIGHT, "air")
    unknown = [[c for c in all_columns([record]) if np.isnan(c.depth) and is_air(c.label)] for record in records]
    return _best(unknown, lambda c: 0.0, SAME_HEIGHT, "air")


def air_said(records: Sequence[Record], served: Sequence[Column]) -> list[str]:
    """What is to be known of the air: why there is none, that its height is not known, that it is low."""
    if served:
        low = [c.name for c in served if -LOWEST_SCREEN < c.depth < 0]
        unknown = [c.label for c in served if np.isnan(c.depth)]
        return [*(f"air: {name} stands lower than {LOWEST_SCREEN:g} m: the air at the ground, not that of a screen"
                  for name in low),
                *(f"air: the height of {label} is not given; taken as that of a screen" for label in unknown)]
    columns = all_columns(records)
    low = [c.name for c in columns if c.depth < 0]
    why = f"only {', '.join(low)}, lower than {LOWEST_SCREEN:g} m" if low else (
        f"none among {', '.join(dict.fromkeys(c.label for c in columns[:12]))}{' ...' if len(columns) > 12 else ''}")
    return [f"no surface offset: there is no air column ({why}); name it with air=..."]


def surface_columns(records: Sequence[Record], pick: Pick, deepest: float, tolerance: float) -> Served:
    """The surface columns asked for, or that nearest the surface within `deepest` [m]; none when there is none."""
    if pick is not None:
        return _asked(records, pick, "surface", tolerance)
    shallow = [[c for c in all_columns([record]) if 0 <= c.depth <= deepest + 1e-9] for record in records]
    return _best(shallow, lambda c: c.depth, deepest, "surface")


def depth_columns(records: Sequence[Record], pick: Pick, tolerance: float) -> Served:
    """The deep columns asked for; none when the top of permafrost is to be read off the profile."""
    return ((), []) if pick is None else _asked(records, pick, "depth", tolerance)


def _asked(records: Sequence[Record], pick: float | str | Sequence[float | str], role: str, tolerance: float) -> Served:
    found = list(chosen(records, pick, role))
    picks = [pick] if isinstance(pick, str | int | float) else list(pick)
    for depth in (float(one) for one in picks if not isinstance(one, str)):
        at = [c for c in found if abs(c.depth - depth) <= SAME_DEPTH]
        found += [c for c in near(at, records, depth, tolerance) if c not in found]
    return in_sequence(found, tolerance, role)


def _best(by_record: Sequence[list[Column]], rank: Callable[[Column], float], tolerance: float, role: str) -> Served:
    """The best column of each record, one after the other; of columns side by side the best, if there is one."""
    leading = [c for columns in by_record for c in _leading(columns, rank)]
    rows, overlaps = in_sequence(leading, tolerance, role)
    best = _leading(rows, rank)
    if len(best) > 1:
        raise UsageError(f"{role}: {len(best)} columns would do: {'; '.join(c.name for c in best)}. Say which with "
                         f"{role}=LABEL, or {role}=PATTERN when they are replicates.")
    return tuple(best), overlaps


def _leading(columns: Sequence[Column], rank: Callable[[Column], float]) -> list[Column]:
    best = min(map(rank, columns), default=0.0)
    return [c for c in columns if rank(c) <= best + SAME_DEPTH]
