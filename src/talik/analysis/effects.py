"""Effects and standard errors as they are given: checked row by row, faults named, nothing dropped in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import DataError, UsageError, unknown
from talik.frames import numbers
from talik.kernels.studies import EXTREME, REACH

LEFT_OUT = {
    "effect_missing": "the effect is missing",
    "effect_infinite": "the effect is not finite",
    "se_missing": "the standard error is missing",
    "se_infinite": "the standard error is not finite",
    "se_zero": "the standard error is 0, which would outweigh every other study",
    "moderator_missing": "a moderator is missing",
}
"""Why a row is not used: the code in the column `reason`, and what it means."""


@dataclass(frozen=True, slots=True)
class Effects:
    """
    Checked rows: label, subgroup ("" when there are none), effect and se (NaN where missing), reason ("" where used).
    """

    label: NDArray[np.str_]
    subgroup: NDArray[np.str_]
    effect: NDArray[np.float64]
    se: NDArray[np.float64]
    reason: NDArray[np.str_]

    def __len__(self) -> int:
        return self.effect.size

    @property
    def used(self) -> NDArray[np.bool_]:
        """Which rows can be pooled, shape (k,)."""
        return np.asarray(self.reason == "")

    def take(self, rows: NDArray[np.bool_]) -> Effects:
        """Some of the rows."""
        return Effects(self.label[rows], self.subgroup[rows], self.effect[rows], self.se[rows], self.reason[rows])

    def columns(self) -> dict[str, pl.Series]:
        """The rows as columns of a frame, null where missing."""
        return {name: named(name, getattr(self, name)) for name in ("label", "subgroup", "effect", "se", "reason")}


def named(name: str, values: NDArray[Any]) -> pl.Series:
    """A column with null for NaN and for empty text."""
    if values.dtype.kind == "U":
        return pl.Series(name, [value or None for value in values.tolist()], dtype=pl.String)
    return pl.Series(name, values, nan_to_null=True)


def effects_of(effect: Any, se: Any, labels: Any = None, subgroup: Any = None) -> Effects:
    """
    Effects and standard errors, checked; rows that cannot be used keep their place and say why.

    Parameters
    ----------
    effect, se : sequence of float, length k
        Numbers, None or NaN where missing.
    labels, subgroup : sequence, length k, optional
        Names; numbered "1", "2", ... when there are no labels.

    Raises
    ------
    DataError
        If lengths differ, a standard error is negative, a subgroup is missing, or standard errors span so many orders
        of magnitude that no arithmetic holds them.

    Examples
    --------
    >>> effects_of([0.1, None, 0.3], [0.1, 0.2, 0.0]).reason.tolist()
    ['', 'effect_missing', 'se_zero']
    """
    y, s = values_of(effect, "effect"), values_of(se, "se")
    k = y.size
    if s.size != k:
        raise DataError(f"se: got {s.size} values, expected {k}, one for each effect")
    names = texts_of(labels, "labels", k) if labels is not None else np.arange(1, k + 1).astype(str)
    groups = texts_of(subgroup, "subgroup", k) if subgroup is not None else np.full(k, "")
    if subgroup is not None and (groups == "").any():
        raise DataError(f"subgroup: row {int((groups == '').argmax()) + 1} has none. Name it, or leave the row out.")
    if (s < 0).any():
        row, count = int((s < 0).argmax()), int((s < 0).sum())
        raise DataError(f"se: row {row + 1} ({names[row]}) is {s[row]:g}; a standard error is positive "
                        f"({count} such row{'s' * (count != 1)})")
    reason = np.select([np.isnan(y), np.isinf(y), np.isnan(s), np.isinf(s), s == 0],
                       ["effect_missing", "effect_infinite", "se_missing", "se_infinite", "se_zero"], "")
    used = s[reason == ""]
    check_sizes(used)
    return Effects(names, groups, y, s, reason)


def check_sizes(se: NDArray[np.float64]) -> None:
    """
    Check that standard errors can be squared and compared.

    Raises
    ------
    DataError
        If they span more than 50 orders of magnitude, or are beyond 1e140 or below 1e-140.
    """
    if not se.size:
        return
    least, most = float(se.min()), float(se.max())
    if most > least * REACH:
        raise DataError(f"se: {least:g} to {most:g} spans more than {REACH:g}; are the units the same?")
    if most > EXTREME or least < 1 / EXTREME:
        raise DataError(f"se: {least:g} to {most:g} cannot be squared; choose another unit")


def values_of(values: Any, name: str) -> NDArray[np.float64]:
    """A sequence as float64, NaN where missing; an error names the argument and the row."""
    if isinstance(values, pl.Series):
        values = values.to_list() if values.dtype == pl.String else values.to_numpy()
    array = np.atleast_1d(np.asarray(values))
    if array.ndim != 1:
        raise DataError(f"{name}: got an array of shape {array.shape}, expected one dimension, one value per study")
    if array.dtype.kind not in "fiu":
        series = pl.Series(name, [_plain(v) for v in np.asarray(values, dtype=object).ravel()], strict=False)
        if not (series.dtype.is_numeric() or series.dtype in (pl.String, pl.Null)):
            raise DataError(f"{name}: got {series.dtype} values, expected numbers")
        array = numbers(pl.DataFrame({name: series}), name, "pool").fill_null(np.nan).to_numpy()
    return array.astype(np.float64)


def _plain(value: Any) -> Any:
    return None if value is None or value != value else value


def texts_of(values: Any, name: str, length: int) -> NDArray[np.str_]:
    """A sequence of names as text, "" where missing; an error when it has another length."""
    items = None if isinstance(values, str) else list(values)
    if items is None or len(items) != length:
        got = "one text" if items is None else f"{len(items)} values"
        raise DataError(f"{name}: got {got}, expected {length}, one for each effect")
    return np.array(["" if _plain(item) is None else str(item) for item in items], dtype=str)


def one_of(name: str, value: object, known: Sequence[str]) -> None:
    """
    Check a choice.

    Raises
    ------
    UnknownName
        If `value` is not in the list; the nearest is suggested.
    """
    if value not in known:
        raise unknown(name, value, known)


def check_level(level: float) -> None:
    """
    Check the level of an interval.

    Raises
    ------
    UsageError
        If it does not lie between 0 and 1, as 95 would not.
    """
    if not 0 < level < 1:
        raise UsageError(f"level: got {level:g}, expected a fraction between 0 and 1, such as 0.95")
