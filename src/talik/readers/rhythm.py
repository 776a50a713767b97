"""How often a record was read: one reading a day is no mean of the day."""

from __future__ import annotations

import re

import numpy as np

from talik.readers.clock import DAY, HOUR
from talik.records import Record

_MEAN = re.compile(r"mean|avg|average|mittel|средн", re.IGNORECASE)
_MOSTLY = 0.9
_FEWEST = 3
_ROWS = 100_000


def spot_words(record: Record) -> str:
    """
    A sentence on a record with one stamp a day, at one hour but midnight, that nothing calls a mean; "" for others.

    Examples
    --------
    >>> noon = np.arange("2020-01-01T12", "2020-01-20T12", 24, "M8[h]").astype("M8[us]")
    >>> print(spot_words(Record("A", noon, [0.1], np.zeros((19, 1)))))
    times: one value a day, at 12:00 UTC: taken for the reading of that hour, not for the mean of the day; near the ...
    >>> spot_words(Record("A", noon.astype("M8[D]"), [0.1], np.zeros((19, 1))))
    ''
    """
    micros = record.times[:_ROWS].view(np.int64)
    if micros.size < _FEWEST or not micros[0] % DAY or (micros[1] - micros[0]) % DAY:
        return ""
    steps = np.diff(micros)
    if np.mean(steps % DAY == 0) < _MOSTLY or np.median(steps) != DAY:
        return ""
    if any(map(_MEAN.search, (*record.labels, str(record.metadata.get("datatype", ""))))):
        return ""
    hour, minute = divmod(int(micros[0] % DAY) * 60 // HOUR, 60)
    return (
        f"times: one value a day, at {hour:02d}:{minute:02d} UTC: taken for the reading of that hour, not for the mean "
        "of the day; near the surface the two differ by some degrees in summer"
    )
