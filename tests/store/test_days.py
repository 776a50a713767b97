"""The days kept beside a series give the numbers that its samples give, are verified, and made anew when stale."""

from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talik.store.catalogue
import talik.store.query
from talik.errors import StoreError
from talik.records import Flag, Record, Source
from talik.series.annual import annual_means
from talik.series.days import days_of
from talik.store.catalogue import reading
from talik.store.day_files import read_days, write_days
from talik.store.query import query
from talik.store.verify import verify_store


def same(one, other):
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b)
        else:
            assert a == b


def years_of(store, site=None):
    with reading(store) as catalogue:
        return [annual_means(days) for days in catalogue.days(site)]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1800, 3600, 10800, 86400, 90000]), st.floats(0, 0.5),
       st.sampled_from(["UTC", "UTC+09:00", "-03:30"]))
def test_years_from_days_are_years_from_samples(tmp_path_factory, seed, step, lost, zone):
    rng = np.random.default_rng(seed)
    times = np.datetime64("2019-02-20", "s") + np.arange(0, 500 * 86400, step).astype("m8[s]")
    values = rng.normal(size=(times.size, 3))
    values[rng.random(values.shape) < lost] = np.nan
    flags = np.where(rng.random(values.shape) < 0.05, int(Flag.SOURCE), 0)
    record = Record("A", times, [0.0, np.nan, 2.5], values, flags, source=Source(time_zone=zone))
    path = tmp_path_factory.mktemp("days") / "a.parquet"
    days = read_days(path, write_days(path, "a", days_of(record)).crc32)
    for rule in ("default", "liu2025"):
        same(annual_means(days, completeness=rule), annual_means(record, completeness=rule))


def test_a_store_gives_years_without_reading_samples(store):
    with reading(store) as catalogue:
        expected = [annual_means(record) for record in catalogue.records()]
    for path in (store / "series").rglob("*.parquet"):
        path.write_bytes(b"")
    for one, other in zip(years_of(store), expected, strict=True):
        same(one, other)
    assert [one.site for one in years_of(store, "site*")] == ["site0", "site1", "site2"]


@pytest.mark.parametrize("fault", ["changed", "missing", "older"])
def test_days_that_cannot_be_trusted_are_made_anew(store, monkeypatch, fault):
    expected = years_of(store)
    victim = sorted((store / "days").rglob("*.parquet"))[0]
    if fault == "changed":
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
    elif fault == "missing":
        victim.unlink()
    else:
        for module in (talik.store.catalogue, talik.store.query):
            monkeypatch.setattr(module, "DAYS_VERSION", 99)
    if fault != "older":
        [(path, said)] = verify_store(store)
        assert path.startswith("days/")
        assert said.startswith(fault)
    with pytest.raises(StoreError, match="older rules" if fault == "older" else "damaged"):
        query(store, "SELECT count(*) FROM day_means")
    for one, other in zip(years_of(store), expected, strict=True):
        same(one, other)


def test_days_in_sql(asked):
    answer = query(asked, "SELECT site, position, day, mean, n, expected FROM day_means JOIN series USING (series_id) "
                          "ORDER BY ALL").filter(pl.col("site") == "deep", pl.col("position") == 2)
    with reading(asked) as catalogue:
        [days] = catalogue.days("deep")
    np.testing.assert_array_equal(answer["mean"].to_numpy(), days.daily.mean[:, 1])
    assert answer["n"].to_list() == days.daily.count[:, 1].tolist()
    assert answer["day"].to_list() == days.daily.dates.tolist()
    assert set(answer["expected"]) == {24.0}


def test_days_of_a_replaced_file_go(archive, store):
    from talik.store.ingest import ingest

    before = set((store / "days").rglob("*.parquet"))
    (archive / "site0.csv").write_bytes((archive / "site1.csv").read_bytes())
    ingest([archive], store)
    after = set((store / "days").rglob("*.parquet"))
    assert (len(before), len(after), len(before & after)) == (4, 4, 3)
    assert verify_store(store) == []


def test_a_record_without_stamps_has_no_days(tmp_path):
    from talik.store.intake import kept_days

    record = Record("A", np.array(["NaT", "2020-01-01"], "M8[us]"), [0.0], [[1.0], [2.0]])
    assert kept_days(tmp_path, record, "abc") is None
    assert kept_days(tmp_path, replace(record, times=record.times[:0], values=np.empty((0, 1)),
                                                             flags=None), "abc") is None
