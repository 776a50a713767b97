"""A provider's own words on single values: bad ones are marked, all are counted, "unknown" changes nothing."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.records import Flag

BAD = (
    "bad",
    "wrong",
    "error",
    "erroneous",
    "invalid",
    "reject",
    "rejected",
    "fail",
    "failed",
    "outlier",
    "suspect",
    "do not use",
    "unusable",
)
"""Words that say not to use a value. Any other ("unknown", a number) is counted in the metadata and changes nothing:
most of one network's good data are flagged "unknown"."""


def verdicts(words: pl.Series) -> tuple[NDArray[np.uint16], dict[str, int]]:
    """
    SOURCE where a word says not to use the value, else 0; and how often each word occurs.

    Examples
    --------
    >>> marks, counted = verdicts(pl.Series(["good", "Suspect", "unknown", None, "unknown"]))
    >>> [Flag(mark).name for mark in marks[marks > 0].tolist()], counted["unknown"]
    (['SOURCE'], 2)
    """
    words = words.cast(pl.String)
    counted = {str(word): int(n) for word, n in words.drop_nulls().value_counts(sort=True).iter_rows()}
    bad = [word for word in counted if word.strip().lower() in BAD]
    marked = words.is_in(bad).fill_null(False).to_numpy()
    return np.where(marked, np.uint16(Flag.SOURCE), np.uint16(0)), counted


def told(counted: dict[str, int]) -> str:
    """A sentence on the words found and what they did."""
    bad = sum(count for word, count in counted.items() if word.strip().lower() in BAD)
    shown = ", ".join(f"{word} {count}" for word, count in list(counted.items())[:6])
    return f"flags of the provider: {shown}; {bad} of them say not to use the value (Flag.SOURCE)"
