"""Effects and standard errors as they are given: checked row by row, faults named, nothing dropped in silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from talik.errors import DataError, UsageError, unknown
from talik.frames import numbers
from talik.kernels.studies import REACH

LEFT_OUT = {
    "effect_missing": "the effect is missing",
    "effect_infinite": "the effect is not finite",
    "se_missing": "the standard error is missing",
    "se_infinite": "the standard error is not finite",
    "se_zero": "the standard error is 0, which would outweigh every other study",
    "moderator_missing": "a moderator is missing",
}
"""Why a row is not used: the code in the column `reason`, and what it means."""


def effect_rows(effect: Any, se: Any, labels: Any = None, subgroup: Any = None) -> pl.DataFrame:
    """
    One row per study: label, subgroup, effect, se, used, reason.

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
    >>> effect_rows([0.1, None, 0.3], [0.1, 0.2, 0.0])["reason"].to_list()
    [None, 'effect_missing', 'se_zero']
    """
    y, s = column(effect, "effect"), column(se, "se")
    k = len(y)
    names = text(labels, "labels", k) if labels is not None else pl.Series("label", [str(i + 1) for i in range(k)])
    groups = (text(subgroup, "subgroup", k) if subgroup is not None
              else pl.Series("subgroup", [None] * k, dtype=pl.String))
    if len(s) != k:
        raise DataError(f"se: got {len(s)} values, expected {k}, one for each effect")
    if subgroup is not None and groups.null_count():
        row = int(groups.is_null().arg_true()[0])
        raise DataError(f"subgroup: row {row + 1} has none. Name it, or leave the row out.")
    negative = (s < 0).fill_null(False).arg_true()
    if len(negative):
        row = int(negative[0])
        raise DataError(f"se: row {row + 1} ({names[row]}) is {s[row]:g}; a standard error is positive "
                        f"({len(negative)} such row{'s' * (len(negative) != 1)})")
    frame = pl.DataFrame({"label": names, "subgroup": groups, "effect": y, "se": s}).with_columns(
        reason=pl.when(pl.col("effect").is_null()).then(pl.lit("effect_missing"))
        .when(~pl.col("effect").is_finite()).then(pl.lit("effect_infinite"))
        .when(pl.col("se").is_null()).then(pl.lit("se_missing"))
        .when(~pl.col("se").is_finite()).then(pl.lit("se_infinite"))
        .when(pl.col("se") == 0).then(pl.lit("se_zero"))
        .otherwise(pl.lit(None, dtype=pl.String)))
    used = frame.filter(pl.col("reason").is_null())["se"].to_numpy()
    if used.size and used.max() > used.min() * REACH:
        raise DataError(f"se: {used.min():g} to {used.max():g} spans more than {REACH:g}; are the units the same?")
    return frame


def column(values: Any, name: str) -> pl.Series:
    """A sequence as float64, null where missing; an error names the argument and the row."""
    if isinstance(values, pl.Series):
        series = values.alias(name)
    elif hasattr(values, "iloc"):
        series = pl.Series(name, np.asarray(values, dtype=object).tolist(), strict=False)
    else:
        array = np.atleast_1d(np.asarray(values, dtype=object if isinstance(values, (list, tuple)) else None))
        if array.ndim != 1:
            raise DataError(f"{name}: got an array of shape {array.shape}, expected one dimension, one value per study")
        series = pl.Series(name, array.tolist(), strict=False)
    if series.dtype == pl.Null:
        series = series.cast(pl.Float64)
    if not (series.dtype.is_numeric() or series.dtype == pl.String):
        raise DataError(f"{name}: got {series.dtype} values, expected numbers")
    return numbers(pl.DataFrame({name: series}), name, "pool")


def text(values: Any, name: str, length: int) -> pl.Series:
    """A sequence of names as text; an error when it has another length."""
    items = list(values) if not isinstance(values, str) else None
    if items is None or len(items) != length:
        got = "one text" if items is None else f"{len(items)} values"
        raise DataError(f"{name}: got {got}, expected {length}, one for each effect")
    shown = [None if i is None or (isinstance(i, float) and np.isnan(i)) else str(i) for i in items]
    return pl.Series({"labels": "label"}.get(name, name), shown, dtype=pl.String)


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
