"""A checked store keeps flags, not other values: they are those of the check on the files, and made anew when stale."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import talik
from talik.cli import group
from talik.errors import UsageError
from talik.records import Flag, Record
from talik.series.annual import annual_means
from talik.series.columns import joined
from talik.series.quality import check
from talik.series.rules import Rules
from talik.store import checks
from talik.store.catalogue import reading
from talik.store.ingest import ingest
from talik.store.query import query
from talik.store.series_files import read_series, write_series
from talik.store.verify import verify_store


def faulty(folder):
    """Two yearly files of one logger, hourly: a stuck stretch over the turn of the year, a spike; and another site."""
    folder.mkdir()
    rng = np.random.default_rng(3)
    times = np.arange("2019-10-01", "2020-04-01", dtype="M8[h]")
    day = np.arange(times.size) / 24
    values = np.stack([-6 + 5 * np.cos(day / 60) + rng.normal(0, 0.4, times.size),
                       -4 + 2 * np.cos(day / 60) + rng.normal(0, 0.05, times.size)], axis=1).round(3)
    turn = int(np.flatnonzero(times == np.datetime64("2020-01-01T00"))[0])
    values[turn - 100:turn + 100, 0] = -3.125
    values[500, 1], values[700, 0] = 31.0, -999
    for name, rows in (("2019", slice(0, turn)), ("2020", slice(turn, None)), ("whole", slice(None))):
        lines = [f"{str(t).replace('T', ' ')}:00:00,{a:g},{b:g}" for t, (a, b) in
                 zip(times[rows], values[rows].tolist(), strict=True)]
        (folder / f"{name}.csv").write_text("\n".join(["Date/Depth,0.05,0.5", *lines]) + "\n")
        if name != "whole":
            (folder / f"{name}.metadata.txt").write_text("Name:\tRidge\n")
    return folder


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    return faulty(tmp_path_factory.mktemp("checks") / "faults")


@pytest.fixture
def checked(faults, tmp_path):
    ingest([faults], tmp_path / "store", check=True)
    return tmp_path / "store"


def held(store, **how):
    with reading(store) as catalogue:
        return list(catalogue.records(**how))


def same(one, other):
    assert one.history == other.history
    for name in ("times", "depths", "values", "flags"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_kept_flags_are_those_of_the_check_on_the_files(faults, checked):
    [ridge] = joined([record for year in ("2019", "2020") for record in talik.read(faults / f"{year}.csv")])
    [whole] = talik.read(faults / "whole.csv")
    kept = held(checked)
    assert [record.site for record in kept] == ["Ridge", "Ridge", "whole"]
    np.testing.assert_array_equal(np.vstack([record.flags for record in kept[:2]]), check(ridge).record.flags)
    np.testing.assert_array_equal(kept[2].flags, check(whole).record.flags)
    assert all(record.flags[:, 0].max() & Flag.FLAT for record in kept[:2])     # either half alone is too short for it
    assert kept[0].history[-1].startswith("checked by")
    assert verify_store(checked) == []


def test_as_read_nothing_is_lost_or_added(faults, checked):
    read = [record for name in ("2019", "2020", "whole") for record in talik.read(faults / f"{name}.csv")]
    for one, other in zip(held(checked, as_read=True), read, strict=True):
        same(one, other)


def test_flags_of_the_file_are_told_from_those_of_the_check(tmp_path):
    read = Record("A", np.arange(3).astype("M8[D]"), [0.1, 0.5], [[1, 2], [np.nan, 3], [9, np.nan]],
                  [[0, int(Flag.SOURCE)], [1, 0], [int(Flag.UNSORTED), 1]], history=("read",))
    marked = read.with_flags(np.full((3, 2), int(Flag.SPIKE)), note="checked by one")
    sums = write_series(tmp_path / "a.parquet", "a", marked, read=read)
    same(read_series(tmp_path / "a.parquet", sums.crc32), marked)
    same(read_series(tmp_path / "a.parquet", sums.crc32, as_read=True), read)


def test_means_in_sql_days_and_years_leave_out_what_the_check_rejects(checked):
    sql = "SELECT site, avg(accepted) AS mean, count(accepted) AS n FROM observations JOIN series USING (series_id) " \
          "WHERE position = 1 AND site = 'whole' GROUP BY ALL"
    [whole] = held(checked, site="whole")
    right = whole.accepted().values[:, 0]
    assert query(checked, sql).row(0)[1:] == (pytest.approx(np.nanmean(right)), np.count_nonzero(~np.isnan(right)))
    assert query(checked, "SELECT sum(n)::INT AS n FROM day_means WHERE position = 1 AND series_id IN "
                          "(SELECT series_id FROM series WHERE site = 'whole')")["n"][0] == (~np.isnan(right)).sum()
    with reading(checked) as catalogue:
        [days] = catalogue.days("whole")
    np.testing.assert_array_equal(annual_means(days).mean, annual_means(whole).mean)
    told = dict(query(checked, "SELECT flag, flagged FROM flags NATURAL JOIN columns NATURAL JOIN series "
                               "WHERE site = 'whole' AND position = 1 AND rejects AND flagged <= samples").rows())
    assert told["FLAT"] == np.count_nonzero(whole.flags[:, 0] & np.uint16(int(Flag.FLAT)))


def test_only_what_changed_is_checked_again_and_a_checked_store_stays_one(faults, checked, tmp_path):
    def run(**how):
        seen = []
        ingest([faults], checked, watch=lambda n, of, outcome: seen.append((outcome.status, outcome.path)), **how)
        return [path for status, path in seen if status == "checked"]

    assert run() == run(check=True) == []
    more = tmp_path / "more.csv"
    more.write_bytes((faults / "2020.csv").read_bytes())
    assert str(ingest([more], checked)).count("3 sites checked") == 1
    assert sorted(run(rules=Rules(spike_factor=9.0))) == ["Ridge", "more", "whole"]
    assert run() == run(check=True) == []           # the rules once given stay
    with reading(checked) as catalogue:
        assert json.loads(catalogue.rules)["spike_factor"] == 9.0
        assert checks.rules_of(catalogue.rules) == Rules(spike_factor=9.0)
    assert verify_store(checked) == []


def test_a_stale_check_is_not_used(faults, checked, monkeypatch):
    monkeypatch.setattr("talik.__version__", "99")
    read = [record for name in ("2019", "2020", "whole") for record in talik.read(faults / f"{name}.csv")]
    for one, other in zip(held(checked), read, strict=True):
        same(one, other)
    with reading(checked) as catalogue:
        days = list(catalogue.days("whole"))
    np.testing.assert_array_equal(annual_means(days[0]).mean, annual_means(read[2]).mean)


def test_a_site_that_cannot_be_checked_does_not_stop_the_others(faults, tmp_path, monkeypatch):
    right = checks.check
    monkeypatch.setattr(checks, "check",
                        lambda record, rules: 1 / 0 if record.site == "Ridge" else right(record, rules=rules))
    done = ingest([faults], tmp_path / "store", check=True)
    assert "1 sites checked" in done.checked
    assert "not checked: Ridge (ZeroDivisionError: division by zero. Please report it.)" in str(done)
    assert [record.history[-1:] for record in held(tmp_path / "store", site="Ridge")] == [(), ()]
    monkeypatch.setattr(checks, "check", right)
    assert "2 sites checked" in ingest([faults], tmp_path / "store").checked


def test_rules_that_change_values_are_refused(faults, tmp_path):
    with pytest.raises(UsageError, match="correct_drift changes values"):
        ingest([faults], tmp_path / "store", rules=Rules(correct_drift=True))


def test_commands_say_which_it_is(faults, tmp_path):
    run, store = CliRunner().invoke, str(tmp_path / "store")
    plain = run(group, ["ingest", str(faults), "--store", store])
    assert "not checked: see talik check" in plain.stderr
    taken = run(group, ["ingest", str(faults), "--store", store, "--check"])
    assert "2 sites checked, flags that reject values: " in taken.stdout
    assert "checked: Ridge (2 series)" in taken.stderr
    assert "not checked" not in taken.stderr
    ruled = run(group, ["ingest", str(faults), "--store", store, "--rule", "flat_days=30", "--rule", "spike_factor=9"])
    assert "FLAT" in taken.stdout
    assert "FLAT" not in ruled.stdout
    assert "unknown rule 'flat_day'" in str(run(group, ["ingest", str(faults), "--store", store,
                                                        "--rule", "flat_day=3"]).exception)
    with reading(store) as catalogue:
        assert checks.rules_of(catalogue.rules) == Rules(flat_days=30.0, spike_factor=9.0)
    run(group, ["ingest", str(faults), "--store", store, "--rule", "flat_days=3"])
    args = ["offsets", store, "--site", "whole", "--surface", "0.05", "--depth", "0.5", "--format", "csv"]
    kept = run(group, args)
    assert "is checked: its kept flags count" in kept.stderr
    bare = run(group, [*args, "--no-check"])
    assert "kept flags" not in bare.stderr
    files = run(group, ["offsets", str(faults / "whole.csv"), *args[4:]])
    assert (kept.stdout, kept.exit_code) == (files.stdout, files.exit_code)
    one, other = (run(group, ["check", what, "--site", "whole", "--format", "csv"])
                  for what in (store, str(faults / "whole.csv")))
    assert one.stdout == other.stdout != ""
