"""A record is whole, read-only and remembers what was done to it."""

import numpy as np
import pytest

from talik.errors import DataError
from talik.records import REJECTED, Flag, Record

DAYS = np.arange("2020-01-01", "2020-01-04", dtype="M8[D]")


def record(**other):
    return Record("A", DAYS, [0.0, 1.0], np.arange(6.0).reshape(3, 2), **other)


def test_nan_is_flagged_missing_and_arrays_cannot_be_changed():
    r = Record("A", DAYS, [0.0], [1.0, np.nan, 3.0])
    assert r.flags[:, 0].tolist() == [0, Flag.MISSING, 0]
    for array in (r.times, r.depths, r.values, r.flags):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("change, message", [
    ({"values": np.zeros((2, 2))}, r"values of shape \(2, 2\) do not fit 3 times x 2 depths"),
    ({"flags": np.zeros((3, 1), int)}, r"flags of shape \(3, 1\)"),
    ({"labels": ("one",)}, "1 labels for 2 depths"),
])
def test_shapes_that_do_not_fit_are_refused(change, message):
    parts = {"values": np.zeros((3, 2)), **change}
    with pytest.raises(DataError, match=message):
        Record("A", DAYS, [0.0, 1.0], **parts)


def test_flags_never_change_values_and_accepted_leaves_out_the_rejected():
    mark = np.zeros((3, 2), np.uint16)
    mark[1, 0], mark[2, 1] = Flag.SPIKE, Flag.SNOW
    flagged = record().with_flags(mark, note="checked")
    assert (flagged.values == record().values).all()
    kept = flagged.accepted()
    assert np.isnan(kept.values).sum() == 1
    assert np.isnan(kept.values[1, 0])
    assert kept.history == ("checked", "left out 1 flagged values")
    assert not REJECTED & (Flag.SNOW | Flag.DRIFT | Flag.FILLED)


def test_the_input_arrays_stay_the_callers():
    values = np.zeros((3, 2))
    Record("A", DAYS, [0.0, 1.0], values)
    values[0, 0] = 1.0
