"""A station's series by day, for drawing and for looking at: what was accepted, what was rejected, and why."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl

from talik.kernels.calendar import day_numbers
from talik.records import REJECTED, Record
from talik.series.columns import Column
from talik.series.days import clocked, day_offset

SCHEMA = {"time": pl.Date, "column": pl.String, "depth": pl.Float64, "temperature": pl.Float64,
          "rejected": pl.Float64, "flags": pl.Int32, "n": pl.Int32}


def daily_series(records: Sequence[Record]) -> pl.DataFrame:
    """
    Every column of a station by day, from the first to the last day of its record without holes.

    Days that only a reset clock names, before the record begins or after it ends, are none.

    Parameters
    ----------
    records : sequence of Record
        Checked, so that their flags say what is rejected.

    Returns
    -------
    polars.DataFrame
        Sorted by depth and time: `time` (day of the file's own clock), `column` (its name in the file and its depth),
        `depth` [m] (air at negative height, null where unknown), `temperature` and `rejected` [°C] (means of the
        day's accepted and rejected samples, null where there are none), `flags` (bits of `Flag` on any of the day's
        samples), `n` (accepted samples; 0 on days without any).

    Examples
    --------
    >>> from talik.records import Flag
    >>> t = np.arange("2020-01-01", "2020-01-02", np.timedelta64(6, "h"), dtype="M8[h]")
    >>> flags = np.array([[0], [0], [int(Flag.SPIKE)], [0]])
    >>> daily_series([Record("Barrow", t, [0.5], [[-9.0], [-8.0], [40.0], [-7.0]], flags)]).row(0)[2:]
    (0.5, -8.0, 40.0, 8, 3)
    """
    parts = [part for record in records if (part := _days(record)) is not None]
    return pl.concat(parts).sort("depth", "time", "column", nulls_last=True) if parts else pl.DataFrame(schema=SCHEMA)


def _days(record: Record) -> pl.DataFrame | None:
    within = np.zeros(record.times.size, dtype=bool)
    within[clocked(record)] = True
    rows = np.flatnonzero(within & ~np.isnat(record.times))
    if not rows.size:
        return None
    day = day_numbers(record.times[rows], day_offset(record))
    order = np.argsort(day, kind="stable")
    rows, day = rows[order], day[order]
    start = np.flatnonzero(np.r_[True, np.diff(day) > 0])
    at = day[start] - day[0]
    values, flags = record.values[rows], record.flags[rows]
    there, bad = ~np.isnan(values), (flags & np.uint16(int(REJECTED))) != 0
    days, columns = int(day[-1] - day[0]) + 1, values.shape[1]
    marks, n = np.zeros((2, days, columns), dtype=np.int32)
    marks[at] = np.bitwise_or.reduceat(flags, start, axis=0)
    mean = {}
    for name, which in (("temperature", there & ~bad), ("rejected", there & bad)):
        count = np.add.reduceat(which, start, axis=0, dtype=np.int32)
        total = np.add.reduceat(np.where(which, values, 0.0), start, axis=0)
        mean[name] = np.full((days, columns), np.nan)
        mean[name][at] = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
        if name == "temperature":
            n[at] = count
    return pl.DataFrame({
        "time": np.tile((day[0] + np.arange(days)).astype("M8[D]"), columns),
        "column": pl.Series([Column(record, k).name for k in range(columns)]).gather(np.repeat(range(columns), days)),
        "depth": np.repeat(record.depths, days), "temperature": mean["temperature"].T.ravel(),
        "rejected": mean["rejected"].T.ravel(), "flags": marks.T.ravel(), "n": n.T.ravel(),
    }).with_columns(pl.col(pl.Float64).fill_nan(None)).cast(SCHEMA)  # type: ignore[arg-type]


def file_names(sites: Sequence[str]) -> list[str]:
    """
    A file name for each site, without ending: lower-case letters and digits that every file system takes, unique.

    Names that come out alike, or as nothing, or as a word Windows keeps for itself, end in a part of their hash.

    Examples
    --------
    >>> file_names(["Niwot Ridge", "Toolik, Áki", "../etc", "con", "Якутск"])
    ['niwot-ridge', 'toolik-aki', 'etc', 'con-1143da2b', 'site-d8db8a1b']
    """
    plain = [re.sub(r"[^a-z0-9]+", "-", unicodedata.normalize("NFKD", site).encode("ascii", "ignore").decode().lower())
             .strip("-")[:60].rstrip("-") for site in sites]
    often = Counter(plain)
    return [slug if slug and often[slug] == 1 and not _KEPT.fullmatch(slug)
            else f"{slug or 'site'}-{hashlib.sha256(site.encode()).hexdigest()[:8]}"
            for slug, site in zip(plain, sites, strict=True)]


_KEPT = re.compile(r"con|prn|aux|nul|com\d|lpt\d")
