"""Any table comes in; what is missing or not a number is named."""

import pandas as pd
import polars as pl
import pytest

from talik.errors import DataError, UnknownName, UsageError
from talik.frames import as_frame, frame_hash, numbers

ROWS = {"site": ["a", "b"], "maat": [-1.0, -2.0]}


@pytest.mark.parametrize("data", [pl.DataFrame(ROWS), pl.DataFrame(ROWS).lazy(), pd.DataFrame(ROWS), ROWS])
def test_every_kind_of_table_is_the_same_frame(data):
    assert as_frame(data, required=["maat"]).to_dict(as_series=False) == ROWS


def test_missing_columns_and_other_things_are_named():
    with pytest.raises(UnknownName, match="sites: unknown column 'maatt'. Did you mean 'maat'"):
        as_frame(ROWS, "sites", required=["maatt"])
    with pytest.raises(UsageError, match="sites: got int, expected a polars or pandas frame"):
        as_frame(3, "sites")


def test_text_that_is_no_number_is_named_with_its_row():
    frame = pl.DataFrame({"maat": ["-1.5", " ", "cold", None]})
    with pytest.raises(DataError, match="column 'maat', row 3: 'cold' is not a number"):
        numbers(frame, "maat")
    assert numbers(frame.head(2), "maat").to_list() == [-1.5, None]
    assert numbers(pl.DataFrame({"v": [float("nan"), 1.0]}), "v").to_list() == [None, 1.0]


def test_the_hash_follows_values_names_and_types():
    base = pl.DataFrame(ROWS)
    assert frame_hash(base) == frame_hash(pl.DataFrame(ROWS))
    others = [base.rename({"maat": "magst"}), base.with_columns(maat=pl.Series([-1.0, -2.5])),
              base.with_columns(pl.col("maat").cast(pl.Float32)), base.reverse()]
    assert len({frame_hash(f) for f in [base, *others]}) == 5
