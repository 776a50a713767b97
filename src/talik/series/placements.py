"""Sensors that cannot be where a record says: air in the ground, ground in the air, depths in feet, typed twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.kernels import depth_order
from talik.kernels.calendar import Daily
from talik.records import Flag, Record
from talik.series.profiles import depth_findings, swap_findings, whole_days
from talik.series.rules import Rules

Floats = NDArray[np.float64]

_REST, _REST_DAYS = 0.5, 14
"""Air changes by more than this [K] in so many days; snow and ground need not."""
_CONDUCTED = (7e-8, 2.2e-6)
"""[m2 s-1] Where nothing melts dry peat has 1e-7, rock and ice up to 2e-6; feet taken for metres, eleven times that."""
_LOPSIDED = 6.0
"""Three sensors tell the curvature of the profile if the two distances between them differ less than so many times."""
_FROZEN, _DAMPING, _SLACK = -1.0, 0.2, 1.5
"""[°C] below which no latent heat damps; [m] over which frozen ground damps changes of a week to a third, at most."""


def placement_doubts(record: Record) -> list[str]:
    """
    Why sensors may be elsewhere than the record says, one sentence each.

    Parameters
    ----------
    record : Record
        With the flags of a check, or without.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2022-01-01", dtype="M8[D]")
    >>> wave = np.array([4, 9, 6]) * np.cos(np.arange(t.size)[:, None] / 58.1 - np.array([0.8, 0, 0.4]))
    >>> placement_doubts(Record("Barrow", t, [-2.0, 0.2, 0.4], wave))
    ['-2 m cannot be air: it changes by less than 0.5 K in 14 days. Ground or snow taken for air?']
    """
    unflagged = (record.flags & ~np.uint16(int(Flag.DEPTH))).astype(np.uint16)
    days = whole_days(record, unflagged)
    said = _rejected(record, unflagged.copy(), days) if (record.flags & np.uint16(int(Flag.DEPTH))).any() else []
    accepted = _accepted(record, days.mean)
    return said + _not_air(record, days.mean) + _not_ground(record, accepted) + _unit(record, accepted) + _twice(
        record, days.mean)


def _accepted(record: Record, days: Floats) -> Floats:
    """The days without those of exchanged columns; with all where nothing else is left, as under a wrong unit."""
    left = whole_days(record, record.flags).mean
    return left if (~np.isnan(left[:, record.depths >= 0])).any() else days


def _rejected(record: Record, flags: NDArray[np.uint16], days: Daily) -> list[str]:
    """What the check found wrong with the order, sign or unit of depths."""
    details: dict[tuple[int, Flag], str] = {}
    swap_findings(record, flags, details, days)
    depth_findings(record, flags, details, Rules(), whole_days(record, flags).mean)
    words: dict[str, list[str]] = {}
    for (column, _), detail in details.items():
        words.setdefault(detail, []).append(record.labels[column])
    return [f"{', '.join(labels)} rejected: {detail}" for detail, labels in words.items()]


def _not_air(record: Record, days: Floats) -> list[str]:
    """
    Columns above the ground that rest as only ground and snow do, or move less than one in the ground.

    The most restless column of a record is left alone: it may be the air of a calm place, or the best guess at it.
    """
    said = []
    for k in np.flatnonzero(record.depths < 0):
        restless = [j for j in range(record.depths.size) if _restlessness(days[:, j], days[:, k]) > 1.5]
        if restless and _rests(days[:, k]):
            said.append(f"{record.labels[k]} cannot be air: it changes by less than {_REST:g} K in {_REST_DAYS} days. "
                        "Ground or snow taken for air?")
        elif buried := [record.labels[j] for j in restless if record.depths[j] >= 0]:
            said.append(f"{record.labels[k]} cannot be air: {buried[0]} in the ground changes more from day to day. "
                        "Ground taken for air, or air for ground?")
    return said


def _rests(days: Floats) -> bool:
    if days.size < _REST_DAYS:
        return False
    window = np.lib.stride_tricks.sliding_window_view(days, _REST_DAYS)
    return bool((np.ptp(window, axis=1) < _REST).any())


def _restlessness(one: Floats, two: Floats) -> float:
    """Standard deviation of the changes from day to day of one column, in that of another, over common days."""
    steps = np.diff(np.where(np.isnan(one + two), np.nan, np.vstack([one, two])), axis=1)
    steps = steps[:, ~np.isnan(steps[0])]
    if steps.shape[1] < 120 or not steps[1].std() > 0:
        return float("nan")
    return float(steps[0].std() / steps[1].std())


def _not_ground(record: Record, days: Floats) -> list[str]:
    """The uppermost column of the ground, where frozen ground alone cannot damp so much on the way to the next."""
    ground = np.flatnonzero((record.depths >= 0) & (~np.isnan(days)).any(axis=0))
    ground = ground[np.argsort(record.depths[ground], kind="stable")]
    if ground.size < 2 or record.depths[ground[1]] - record.depths[ground[0]] > 0.5:
        return []
    upper, lower = days[:, ground[0]], days[:, ground[1]]
    with np.errstate(invalid="ignore"):
        frozen = (upper < _FROZEN) & (lower < _FROZEN)
    week = np.where(frozen[7:] & frozen[:-7], np.vstack([upper[7:] - upper[:-7], lower[7:] - lower[:-7]]), np.nan)
    week = week[:, ~np.isnan(week[0])]
    if week.shape[1] < 60 or not week[1].std() > 0:
        return []
    most = _SLACK * np.exp((record.depths[ground[1]] - record.depths[ground[0]]) / _DAMPING)
    ratio = week[0].std() / week[1].std()
    if ratio <= most:
        return []
    a, b = record.labels[ground[0]], record.labels[ground[1]]
    return [f"while both are frozen {a} moves {ratio:.1f} times as much as {b}: more than the ground between them "
            f"damps. Is {a} in the air, with snow between?"]


def _unit(record: Record, days: Floats) -> list[str]:
    """Depths with which heat would pass the ground faster or slower than any ground lets it."""
    ground = np.flatnonzero((record.depths >= 0) & (~np.isnan(days)).any(axis=0))
    ground = ground[np.argsort(record.depths[ground], kind="stable")]
    spacing = np.diff(record.depths[ground])
    if not (spacing > 0).all():
        return []
    found = [depth_order.conducted_diffusivity(record.depths[ground[i:i + 3]], days[:, ground[i:i + 3]])
             for i in range(ground.size - 2) if 1 / _LOPSIDED <= spacing[i] / spacing[i + 1] <= _LOPSIDED]
    if np.isnan(found).all():
        return []
    usual, (slowest, fastest) = float(np.nanmedian(found)), _CONDUCTED
    if slowest <= usual <= fastest:
        return []
    hint = "feet or centimetres taken for metres" if usual > fastest else "metres taken for feet or centimetres"
    return [f"heat moves through the ground as with a diffusivity of {usual:.1e} m2 s-1, expected {slowest:.0e} to "
            f"{fastest:.1e}: are the depths {hint}, or of another string?"]


def _twice(record: Record, days: Floats) -> list[str]:
    """
    Two columns that share a depth and do not read the same.

    Where most depths have several columns these are replicates, and nothing is said.
    """
    ground = np.flatnonzero(record.depths >= 0)
    depths, count = np.unique(record.depths[ground], return_counts=True)
    if np.count_nonzero(count == 2) != 1 or count.max() > 2 or depths.size < 3:
        return []
    i, j = ground[record.depths[ground] == depths[count == 2]]
    apart = days[:, i] - days[:, j]
    if np.count_nonzero(~np.isnan(apart)) < 120 or not np.nanstd(apart) > 0.1:
        return []
    return [f"{record.labels[i]} and {record.labels[j]} stand both at {depths[count == 2][0]:g} m, as no others do, "
            f"and differ by {np.nanstd(apart):.2f} K (standard deviation of their days): a depth typed twice?"]
