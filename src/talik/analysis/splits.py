"""Which rows a model learns from and which it is judged on, as a share, an index or a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import DataError, FileError, UsageError

Split = float | str | Path | Sequence[int] | NDArray[Any]
_KEYS = ("site_no", "site_id", "no", "site")


def training_rows(rows: pl.DataFrame, split: Split, seed: int) -> NDArray[np.bool_]:
    """
    Whether each row is one of training.

    Parameters
    ----------
    rows : polars.DataFrame
        With the column `row`: number of each row in the caller's table, from 0.
    split : float, path, or sequence
        Share of rows drawn at random; a CSV file with the column `set` ("train" or "test") and a column that names the
        rows (site_no, site_id, no or site); row numbers, from 0, or a boolean for each row of the caller's table.
    seed : int
        Of the random draw.

    Raises
    ------
    UsageError, FileError
        If the split names rows that do not exist, or leaves rows without a set.
    DataError
        If fewer than 2 rows are left on a side.

    Examples
    --------
    >>> rows = pl.DataFrame({"row": range(8)})
    >>> int(training_rows(rows, 0.75, seed=1).sum()), training_rows(rows, [0, 2, 7], seed=1).nonzero()[0].tolist()
    (6, [0, 2, 7])
    """
    if isinstance(split, (str, Path)):
        train = _from_file(rows, Path(split))
    elif isinstance(split, (int, float)):
        train = _drawn(rows.height, split, seed)
    else:
        train = _from_index(rows["row"].to_numpy(), np.asarray(split))
    if train.sum() < 2 or (~train).sum() < 2:
        raise DataError(f"split: {int(train.sum())} training rows and {int((~train).sum())} held out have a response; "
                        "at least 2 of each are needed")
    return train


def _drawn(n: int, share: float, seed: int) -> NDArray[np.bool_]:
    if not 0 < share < 1:
        raise UsageError(f"split: got the share {share:g}, expected more than 0 and less than 1")
    train = np.zeros(n, dtype=np.bool_)
    train[np.random.default_rng(seed).permutation(n)[:round(share * n)]] = True
    return train


def _from_index(row: NDArray[np.int64], index: NDArray[Any]) -> NDArray[np.bool_]:
    if index.dtype == np.bool_:
        if index.size <= row.max():
            raise UsageError(f"split: {index.size} booleans for a table of at least {row.max() + 1} rows")
        return index[row].astype(np.bool_)
    if index.ndim != 1 or index.dtype.kind not in "iu" or np.unique(index).size < index.size or (index < 0).any():
        raise UsageError("split: expected different row numbers, from 0, or one boolean a row")
    return np.isin(row, index)


def _from_file(rows: pl.DataFrame, path: Path) -> NDArray[np.bool_]:
    try:
        table = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise FileError(f"{path}: cannot be read as CSV: {error}") from error
    key = next((name for name in _KEYS if name in table.columns and name in rows.columns
                and table[name].is_unique().all() and rows[name].is_unique().all()), None)
    if key is None or "set" not in table.columns:
        raise FileError(f"{path}: expected the column 'set' and one of {', '.join(_KEYS)} that names every row of the "
                        f"table once; got {', '.join(table.columns)}")
    odd = table.filter(~pl.col("set").is_in(["train", "test"]))
    if odd.height:
        raise FileError(f"{path}: {key} {odd[key][0]}: set is {odd['set'][0]!r}, expected 'train' or 'test'")
    sets = dict(zip(table[key], table["set"], strict=True))
    names = rows[key].cast(pl.String).to_list()
    if absent := [name for name in names if name not in sets]:
        raise FileError(f"{path}: no set for {key} {', '.join(absent[:5])} ({len(absent)} of {len(names)} rows)")
    return np.array([sets[name] == "train" for name in names])
