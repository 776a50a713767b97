"""Whether temperatures whose unit is named nowhere can be °C."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.errors import DataError
from talik.kernels import quality
from talik.readers.depths import is_air
from talik.records import Record
from talik.series.days import days_of

_UNNAMED = "°C taken, none is named"
_WARM, _FROST, _AIR_FROST = 15.0, -3.0, -18.0
"""[°C] No ground has an annual mean above the first and, from 10 cm down, a week a year below the second; nor any air
a mean above the first and such a week below the third. In °F that is the ground of permafrost."""
_INSULATED, _DOUBT = 0.1, 10.0
_WHOLE = 300


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
