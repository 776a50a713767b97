"""The nouns of a measurement: a record (times x depths), where it came from, and what was marked on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from talik.errors import DataError

Times = NDArray[np.datetime64]


class Flag(IntFlag):
    """
    Marks on single values, as bits; a value may carry several. A flag never changes the value.

    Examples
    --------
    >>> Flag.SPIKE | Flag.RANGE
    <Flag.RANGE|SPIKE: 12>
    """

    MISSING = 1          # blank, fill value or not a number in the file
    SENTINEL = 2         # a fill value that the file does not declare (-999, 6999, ...)
    RANGE = 4            # outside the physical range
    SPIKE = 8            # stands off from its neighbours in time
    STEP = 16            # the level jumps and stays
    FLAT = 32            # the same value for longer than nature keeps it
    SATURATED = 64       # the logger's end value (open or short circuit)
    DUPLICATE = 128      # the stamp occurs more than once
    UNSORTED = 256       # the stamp stood out of order in the file
    CLOCK = 512          # the clock jumped here
    DEPTH = 1024         # the column's depth contradicts its damping or lag
    DRIFT = 2048         # the zero curtain is not at 0 degC
    SNOW = 4096          # snow cover inferred from damping (information, not a fault)
    FILLED = 8192        # the value was filled in, not measured
    CORRECTED = 16384    # the value was corrected; the correction is in the record's history
    SOURCE = 32768       # the provider's own flag says not to use it


REJECTED = (Flag.MISSING | Flag.SENTINEL | Flag.RANGE | Flag.SPIKE | Flag.STEP | Flag.FLAT | Flag.SATURATED
            | Flag.DUPLICATE | Flag.CLOCK | Flag.DEPTH | Flag.SOURCE)
"""The flags whose values `accepted()` leaves out."""


@dataclass(frozen=True, slots=True)
class Source:
    """
    Where a record came from and how it was understood.

    Parameters
    ----------
    path : str
        The file as it was given.
    format : str
        Name of the reader that took it.
    sha256 : str
        Of the file's bytes.
    header : str
        The original header, as text.
    time_zone : str
        Offset or zone of the stamps in the file, e.g. "UTC+08:00".
    time_zone_from : str
        How it was found: "header", "metadata", "argument", "format" or "assumed".
    understood : tuple of str
        What was inferred and why, one sentence each (date order, delimiter, units, depths, encoding).
    """

    path: str = ""
    format: str = ""
    sha256: str = ""
    header: str = ""
    time_zone: str = "UTC"
    time_zone_from: str = "assumed"
    understood: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """
    One series of temperatures: times x depths, read-only.

    Parameters
    ----------
    site : str
        Name of the site or borehole.
    times : datetime64 array, shape (n,)
        UTC, kept as microseconds. Not necessarily sorted or unique: that is for `check` to say.
    depths : array_like, shape (m,)
        Depth [m], positive down; air at negative height; NaN where unknown.
    values : array_like, shape (n, m)
        Temperature [°C]; NaN where missing.
    flags : array_like of int, shape (n, m), optional
        Bits of `Flag`; all zero but MISSING at NaN when not given.
    labels : tuple of str, optional
        The columns' names in the file.
    source : Source
        Where it came from and how it was understood.
    metadata : mapping, optional
        What the file says of the site: latitude, longitude, elevation_m, citation, ...
    others : mapping of str to array of shape (n,), optional
        Channels that are not temperatures (soil moisture, snow depth, ...), under their labels in the file.
    history : tuple of str
        What was done to the values since they were read, in order.

    Raises
    ------
    DataError
        If the shapes do not fit.

    Examples
    --------
    >>> r = Record("Barrow", np.array(["2020-01-01", "2020-01-02"], "M8[D]"), [0.0, 0.5], [[-20, -9], [-21, np.nan]])
    >>> print(r)
    Barrow: 2 times x 2 depths (0 to 0.5 m), 2020-01-01 to 2020-01-02, 1 value missing
    >>> r.flags[1, 1] == Flag.MISSING
    np.True_
    """

    site: str
    times: Times
    depths: NDArray[np.float64]
    values: NDArray[np.float64]
    flags: NDArray[np.uint16] = field(default=None)  # type: ignore[arg-type]
    labels: tuple[str, ...] = ()
    source: Source = Source()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    history: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        times = np.asarray(self.times).astype("M8[us]")
        depths = np.atleast_1d(np.asarray(self.depths, dtype=np.float64))
        values = np.asarray(self.values, dtype=np.float64)
        if values.ndim == 1 and depths.size == 1:
            values = values[:, None]
        if times.ndim != 1 or values.shape != (times.size, depths.size):
            raise DataError(f"record {self.site!r}: values of shape {values.shape} do not fit "
                            f"{times.size} times x {depths.size} depths")
        flags = (np.where(np.isnan(values), int(Flag.MISSING), 0).astype(np.uint16) if self.flags is None
                 else np.asarray(self.flags, dtype=np.uint16))
        if flags.shape != values.shape:
            raise DataError(f"record {self.site!r}: flags of shape {flags.shape}, values of shape {values.shape}")
        labels = tuple(self.labels) or tuple(f"{d:g} m" for d in depths)
        if len(labels) != depths.size:
            raise DataError(f"record {self.site!r}: {len(labels)} labels for {depths.size} depths")
        for name, array in (("times", times), ("depths", depths), ("values", values), ("flags", flags)):
            kept = array.view()
            kept.flags.writeable = False
            object.__setattr__(self, name, kept)
        object.__setattr__(self, "labels", labels)

    def __str__(self) -> str:
        n, m = self.values.shape
        missing = int(np.isnan(self.values).sum())
        span = f"{self.times.min().astype('M8[D]')} to {self.times.max().astype('M8[D]')}" if n else "no times"
        known = self.depths[~np.isnan(self.depths)]
        ends = " to ".join(f"{end:g}" for end in np.unique([known.min(), known.max()])) if known.size else ""
        reach = f"{ends} m" if ends else "depths unknown"
        return (f"{self.site}: {n} time{'s' * (n != 1)} x {m} depth{'s' * (m != 1)} ({reach}), {span}, "
                f"{missing} value{'s' * (missing != 1)} missing")

    def with_values(self, values: ArrayLike, flags: ArrayLike | None = None, *, note: str) -> Record:
        """A new record with other values (and flags), and `note` added to its history."""
        kept = self.flags if flags is None else np.asarray(flags, dtype=np.uint16)
        return replace(self, values=np.asarray(values, dtype=np.float64).copy(), flags=kept.copy(),
                       history=(*self.history, note))

    def with_flags(self, flags: ArrayLike, *, note: str) -> Record:
        """A new record with `flags` added (bitwise or) to those it has, and `note` added to its history."""
        return replace(self, flags=self.flags | np.asarray(flags, dtype=np.uint16), history=(*self.history, note))

    def accepted(self, *, reject: Flag = REJECTED) -> Record:
        """A new record in which every value that carries one of the `reject` flags is NaN."""
        bad = (self.flags & np.uint16(int(reject))) != 0
        return replace(self, values=np.where(bad, np.nan, self.values),
                       history=(*self.history, f"left out {int((bad & ~np.isnan(self.values)).sum())} flagged values"))
