"""Two studies side by side: nothing differs from itself, and every change is found with its size."""

import polars as pl
import pytest
from click.testing import CliRunner

import talik
from talik.analysis.comparison import compare
from talik.cli.compare import compare as command
from talik.errors import FileError, UsageError

TABLE = {"site": ["A", "B", "C"], "region": ["Arctic"] * 3, "maat": [-8.0, -5.0, None], "magst": [-4.0, -3.0, -2.0],
         "alt": [0.5, 0.6, 0.7]}


def changed(**columns):
    return pl.DataFrame(TABLE | columns)


def test_nothing_differs_from_itself_in_any_order():
    frame = pl.DataFrame(TABLE)
    assert not compare(frame, frame).differs
    found = compare(frame, frame.reverse())
    assert not found.differs
    assert "no difference at 3 sites" in str(found)


def test_every_kind_of_change_is_found():
    after = changed(site=["A", "B", "D"], maat=[-7.5, None, None], region=["Arctic", "Third Pole", "Arctic"])
    found = compare(TABLE, after)
    assert set(found.values.select("site", "quantity", "difference", "kind").rows()) == {
        ("D", None, None, "site added"), ("C", None, None, "site removed"), ("A", "maat", 0.5, "moved"),
        ("B", "maat", None, "disappeared"), ("B", "region", None, "changed")}
    assert found.same == 0
    assert "largest: maat of A by +0.5" in str(found)


PLACED = {"latitude": [70.0, 71.0, 72.0], "longitude": [10.0, 20.0, 179.999]}


def test_a_renamed_site_is_told_as_one_where_place_and_values_agree():
    found = compare(changed(**PLACED), changed(**PLACED | {"longitude": [10.0, 20.0, -179.999]}, site=["A", "B", "C2"]))
    assert found.values.select("site", "before", "after", "kind").rows() == [("C", "C", "C2", "renamed?")]
    assert "0 sites added, 0 removed, 1 perhaps renamed" in str(found)


@pytest.mark.parametrize("other", [
    {"latitude": [70.0, 71.0, 72.01]},                             # a kilometre away
    {"latitude": [70.0, 71.0, None]},                              # nobody knows where
    {"magst": [-4.0, -3.0, -2.5]},                                 # another temperature
    {"maat": [-8.0, -5.0, -9.0], "magst": [-4.0, -3.0, None], "alt": [0.5, 0.6, None]},       # nothing in common
])
def test_a_site_that_is_not_surely_the_same_is_gone_and_come(other):
    found = compare(changed(**PLACED), changed(**PLACED | other | {"site": ["A", "B", "C2"]}))
    assert (found.count("site added"), found.count("site removed"), found.count("renamed?")) == (1, 1, 0)


def test_two_plots_of_one_place_are_not_told_apart_by_guessing():
    same = changed(latitude=[70.0] * 3, longitude=[10.0] * 3, maat=[-8.0] * 3, magst=[-4.0] * 3, alt=[0.5] * 3)
    found = compare(same, same.with_columns(site=pl.Series(["A", "D", "E"])))
    assert (found.count("site added"), found.count("site removed"), found.count("renamed?")) == (2, 2, 0)


def test_backwards_is_the_same_with_the_other_sign():
    after = changed(maat=[-7.5, -5.25, -1.0], site=["A", "B", "D"])
    there, back = compare(TABLE, after).values, compare(after, TABLE).values
    assert sorted(there["difference"].drop_nulls()) == sorted(-back["difference"].drop_nulls())
    assert there.height == back.height


@pytest.mark.parametrize(("tolerance", "differs"), [(0.0, True), (0.04, True), (0.05, False), (1.0, False)])
def test_the_tolerance_counts_what_is_beyond_it(tolerance, differs):
    assert compare(TABLE, changed(maat=[-7.95, -5.0, None]), tolerance=tolerance).differs is differs


def test_nan_and_null_are_both_no_value():
    assert not compare(TABLE, changed(maat=[-8.0, -5.0, float("nan")])).differs


def test_faults_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"after: site 'A' stands in 2 rows"):
        compare(TABLE, changed(site=["A", "A", "C"]))
    with pytest.raises(UsageError, match="expected a number from 0 on"):
        compare(TABLE, TABLE, tolerance=-1)
    with pytest.raises(FileError, match="no table of sites"):
        compare(tmp_path, TABLE)


def folder(path, means, **columns):
    path.mkdir()
    talik.read_sites(changed(**columns)).write_parquet(path / "sites.parquet")
    pl.DataFrame({"by": ["region"], "group": ["Arctic"], "variable": ["maat"], "n": [2],
                  "mean": [means]}).write_csv(path / "summary.csv")
    return path


def test_the_command_says_what_moved_and_ends_with_1(tmp_path):
    one, two = folder(tmp_path / "one", -6.5), folder(tmp_path / "two", -6.25, maat=[-7.5, -5.0, None])
    same = CliRunner().invoke(command, [str(one), str(one)])
    assert (same.exit_code, "no difference at 3 sites" in same.stderr) == (0, True)
    other = CliRunner().invoke(command, [str(one), str(two), "--format", "csv"])
    assert other.exit_code == 1
    assert "A,maat,-8,-7.5,0.5,moved" in other.stdout
    assert "1 regional means differ" in other.stderr
    means = CliRunner().invoke(command, [str(one), str(two), "--means", "--format", "csv"])
    assert "region,Arctic,maat,2,2,-6.5,-6.25,0.25" in means.stdout


def test_the_bundled_study_does_not_differ_from_itself():
    table = talik.sites("three-poles")
    assert not compare(table, table.reverse()).differs
