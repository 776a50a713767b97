"""The lines of the how-to that open a store without talik: they run, and give what talik gives."""

import re
from pathlib import Path

import duckdb
import numpy as np
import pytest

from talik.records import REJECTED
from talik.store.catalogue import reading
from talik.store.export import export

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "store.md"


def lines(language):
    """The block in a language of the section on other tools."""
    if not PAGE.is_file():
        pytest.skip("the how-to pages are not here")
    section = PAGE.read_text("utf-8").partition("## Without talik")[2]
    [block] = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return block


def records(store):
    with reading(store) as catalogue:
        return list(catalogue.records())


def test_the_mask_is_that_of_the_rejecting_flags():
    assert {int(mask) for mask in re.findall(r"& (\d+)", lines("sql") + lines("python"))} == {int(REJECTED)}


def test_sql(asked, monkeypatch):
    monkeypatch.chdir(asked.parent)
    attached, question, *_ = lines("sql").split(";")
    with duckdb.connect() as connection:
        connection.execute(attached)
        found = {(site, year): mean for site, year, mean in connection.sql(question).fetchall()}
    for record in records(asked):
        assert found[record.site, 2019] == pytest.approx(np.nanmean(record.accepted().values[:, 0]))


def test_python(asked, tmp_path, monkeypatch):
    placed = [record for record in records(asked) if record.site == "site0"]
    export([type(one)(one.site, one.times, one.depths, one.values, one.flags, one.labels, one.source,
                      {"latitude": 70.0, "longitude": -150.0}) for one in placed], "netcdf", tmp_path / "netcdf")
    (tmp_path / "store").symlink_to(asked)
    monkeypatch.chdir(tmp_path)
    got = {}
    exec(lines("python"), got)  # noqa: S102 - our own page
    by_id = dict(got["means"].iter_rows())
    right = {record.site: np.nanmean(record.accepted().values[:, 0]) for record in records(asked)}
    assert sorted(by_id.values()) == pytest.approx(sorted(right.values()))
    assert got["kept"].mean() == pytest.approx(by_id[got["path"].stem])
    np.testing.assert_array_equal(got["ground"].values, placed[0].accepted().values)
    np.testing.assert_array_equal(got["ground"]["time"].values, placed[0].times)
    np.testing.assert_array_equal(got["ground"]["depth"].values, placed[0].depths)
