"""A record as a tidy table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talik.records import Flag, Record

if TYPE_CHECKING:
    import polars as pl


def long_table(record: Record) -> pl.DataFrame:
    """
    One row for each value of a record.

    Returns
    -------
    polars.DataFrame
        site, time (UTC), depth [m], label, value [°C], flags (names joined by "|").

    Examples
    --------
    >>> r = Record("Barrow", np.array(["2020-01-01"], "M8[D]"), [0.0, 0.5], [[-20.0, np.nan]])
    >>> long_table(r)["value"].to_list(), long_table(r)["flags"].to_list()
    ([-20.0, None], ['', 'MISSING'])
    """
    import polars as pl

    n, m = record.values.shape
    codes, which = np.unique(record.flags, return_inverse=True)
    names = pl.Series(["|".join(f.name or "" for f in Flag if f & Flag(int(code))) for code in codes], dtype=pl.String)
    labels = pl.Series(list(record.labels), dtype=pl.String)
    return pl.DataFrame({
        "site": pl.repeat(record.site, n * m, dtype=pl.String, eager=True),
        "time": np.repeat(record.times, m), "depth": np.tile(record.depths, n),
        "label": labels.gather(np.tile(np.arange(m), n)), "value": record.values.ravel(),
        "flags": names.gather(which.ravel()),
    }).with_columns(pl.col("value", "depth").fill_nan(None))
