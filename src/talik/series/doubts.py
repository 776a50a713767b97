"""What is in doubt about a whole record: unit, places of its sensors, a string that changed, clocks that disagree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from talik.errors import DataError
from talik.kernels import quality
from talik.readers.depths import is_air
from talik.records import Flag, Record
from talik.series.days import days_of
from talik.series.placements import placement_doubts
from talik.series.profiles import whole_days
from talik.series.strings import level_doubts

_UNNAMED = "°C taken, none is named"
_WARM, _FROST, _AIR_FROST = 15.0, -3.0, -18.0
"""[°C] No ground has an annual mean above the first and, from 10 cm down, a week a year below the second; nor any air
a mean above the first and such a week below the third. In °F that is the ground of permafrost."""
_INSULATED, _DOUBT = 0.1, 10.0
_WHOLE = 300
_LENGTHS = {"centimetres": "cm", "feet": "ft"}


_SUMMER_DAYS, _IN_STEP, _LONGEST_LAG = 60, 0.2, 30
"""Days in common above 1 °C in the ground, and correlation of changes below which air and ground are out of step."""


def doubts(records: Sequence[Record]) -> list[str]:
    """
    What nobody can know from the values alone but should look at, one sentence each: nothing of it rejects a value.

    Parameters
    ----------
    records : sequence of Record
        Of one site, after their check.

    Raises
    ------
    DataError
        If values without a unit cannot be °C.
    """
    said = []
    for record in records:
        said += [doubt for doubt in (unit_doubt(record),) if doubt]
        unstepped = record.flags & ~np.uint16(int(Flag.STEP))       # a string that changed is a step in each column
        said += [*map(_with_cure, placement_doubts(record)), *level_doubts(record, whole_days(record, unstepped))]
    return said + clock_doubts(records)


def _with_cure(doubt: str) -> str:
    """A doubt about the unit of depths with what to do."""
    if "taken for metres" not in doubt:
        return doubt
    units = " or ".join(f"columns={{'depth_unit': '{unit}'}}" for word, unit in _LENGTHS.items() if word in doubt)
    return f"{doubt} Then read with {units}."


def clock_doubts(records: Sequence[Record]) -> list[str]:
    """
    Air and ground of two records whose changes from day to day do not go together: a clock off by days or a year.

    Only the ground's days above 1 °C are looked at, since snow hides the air from it.

    Examples
    --------
    >>> t = np.arange("2020-05-01", "2020-10-01", dtype="M8[D]")
    >>> x = np.cumsum(np.random.default_rng(1).normal(0, 2, t.size))[:, None]
    >>> air, ground = Record("A", t, [-2.0], x), Record("A", t + np.timedelta64(5, "D"), [0.05], 9 + 0.3 * x)
    >>> clock_doubts([air, ground])
    ['0.05 m does not follow -2 m of the other file from day to day, but 5 days later: is one of the clocks wrong?']
    """
    said = []
    for one, two in permutations(records, 2):
        air, ground = np.flatnonzero(one.depths <= -1), np.flatnonzero((two.depths >= 0) & (two.depths <= 0.15))
        if not (air.size and ground.size):
            continue
        above, below = (days_of(r).daily for r in (one, two))
        k, j = int(air[0]), int(ground[np.argmin(two.depths[ground])])
        together = _together(above.first, above.mean[:, k], below.first, below.mean[:, j])
        if together is None:
            continue
        lag = int(np.argmax(together)) - _LONGEST_LAG
        if together[_LONGEST_LAG] < _IN_STEP and abs(lag) > 1:
            found = together[lag + _LONGEST_LAG] > 2 * _IN_STEP
            when = f", but {abs(lag)} days {'later' if lag > 0 else 'earlier'}" if found else ""
            said.append(f"{two.labels[j]} does not follow {one.labels[k]} of the other file from day to day{when}: is "
                        "one of the clocks wrong?")
    return said


def _together(first: int, air: NDArray[np.float64], begin: int, ground: NDArray[np.float64]
              ) -> NDArray[np.float64] | None:
    """Correlation of the changes of two days, with the ground so many days later than the air, -30 to 30."""
    grid = np.arange(min(first, begin) - _LONGEST_LAG, max(first + air.size, begin + ground.size) + _LONGEST_LAG)
    a, g = np.full((2, grid.size), np.nan)
    a[first - grid[0]:first - grid[0] + air.size] = air
    g[begin - grid[0]:begin - grid[0] + ground.size] = np.where(ground > 1, ground, np.nan)
    a, g = a[2:] - a[:-2], g[2:] - g[:-2]
    if np.count_nonzero(~np.isnan(a + g)) < _SUMMER_DAYS:
        return None
    found = np.full(2 * _LONGEST_LAG + 1, -1.0)
    for lag in range(-_LONGEST_LAG, _LONGEST_LAG + 1):
        moved = np.roll(g, -lag)
        known = ~np.isnan(a + moved)
        if np.count_nonzero(known) >= _SUMMER_DAYS and min(a[known].std(), moved[known].std()) > 0:
            found[lag + _LONGEST_LAG] = np.corrcoef(a[known], moved[known])[0, 1]
    return found


def unit_doubt(record: Record) -> str:
    """
    Why values whose unit the file does not name may be °F; "" when it names one, or they look like °C.

    Raises
    ------
    DataError
        If they cannot be °C: warm ground on the yearly mean that has hard frost, or a zero curtain at 32.

    Examples
    --------
    >>> from talik.records import Source
    >>> t = np.arange("2020-01-01", "2021-01-01", dtype="M8[D]")
    >>> source = Source(understood=("units: °C taken, none is named",))
    >>> fahrenheit = 24 - 30 * np.cos(np.arange(366) / 366 * 2 * np.pi)[:, None]
    >>> unit_doubt(Record("Barrow", t, [0.5], fahrenheit, source=source))
    Traceback (most recent call last):
    talik.errors.DataError: Barrow: 0.5 m: a yearly mean of 24.0 with days of -6.0 cannot be °C, and no unit is named...
    """
    if not any(_UNNAMED in said for said in record.source.understood):
        return ""
    doubts = []
    mean = days_of(record).daily.mean
    for label, depth, days in zip(record.labels, record.depths, mean.T, strict=True):
        known = days[~np.isnan(days)]
        if known.size < _WHOLE or known.mean() <= _DOUBT:
            continue
        if evidence := _certain(float(depth), days, known):
            raise DataError(f"{record.site}: {label}: {evidence} cannot be °C, and no unit is named: is it °F? "
                            "Read with columns={'unit': 'F'}; with columns={'unit': 'C'} it is taken as it is")
        if depth >= 0 or (np.isnan(depth) and not is_air(label)):
            doubts.append(f"{label} {known.mean():+.1f}")
    if not doubts:
        return ""
    return (f"yearly means far above 0 °C ({', '.join(doubts[:4])}) and no unit is named: is it °F? Then read with "
            "columns={'unit': 'F'}")


def _certain(depth: float, days: NDArray[np.float64], known: NDArray[np.float64]) -> str:
    cold = float(np.quantile(known, 7 / 365))
    ground = depth >= _INSULATED
    if known.mean() > _WARM and cold < (_FROST if ground else _AIR_FROST):
        return f"a yearly mean of {known.mean():.1f} with days of {cold:.1f}"
    level, length = quality.zero_curtain_level(days - 32.0, still=0.25)
    if ground and length >= 15 and known.mean() > _WARM and known.min() < 25:
        return f"{length} days of rest at {level + 32:.1f} while freezing back"
    return ""
