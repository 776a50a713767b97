"""Two releases of a network's data side by side, and the years of two studies."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from talik.analysis.comparison import compare
from talik.analysis.releases import compare_releases
from talik.cli.compare import compare as command
from talik.errors import FileError, UsageError
from talik.store.ingest import ingest

DAYS = np.arange("2020-01-01", "2020-03-01", dtype="M8[D]")


def write(folder: Path, name: str, values=None, *, days=DAYS, columns=("0", "1"), end=" 00:00") -> None:
    """Daily values of one site, called as the file is."""
    folder.mkdir(exist_ok=True)
    wave = -5 + np.sin(np.arange(days.size) / 9.0)
    lines = [f"Date/Depth,{','.join(columns)}"]
    for k, day in enumerate(days):
        cells = [f"{(wave[k] if values is None else values[k]) + c:.4f}" for c in range(len(columns))]
        lines.append(f"{day}{end}," + ",".join(cells))
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def releases(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    for name in ("barrow", "tiksi", "nome"):
        write(old, name)
    shutil.copytree(old, new)
    return old, new


def test_a_release_does_not_differ_from_its_copy(releases):
    found = compare_releases(*releases)
    assert not found.differs
    assert str(found).endswith(": 3 the same.")


def test_what_came_went_and_changed_is_found_with_its_size(releases):
    old, new = releases
    (new / "nome.csv").unlink()
    write(new, "inuvik", np.sin(np.arange(DAYS.size) / 5.0))
    moved = -5 + np.sin(np.arange(DAYS.size + 10) / 9.0)
    moved[7] += 0.5
    longer = np.arange("2020-01-01", DAYS[-1] + np.timedelta64(11, "D"), dtype="M8[D]")
    write(new, "barrow", moved[: longer.size], days=longer)
    found = compare_releases(old, new)
    assert found.same == 1
    assert dict(found.files.select("file", "kind").iter_rows()) == {
        "nome.csv": "removed", "inuvik.csv": "added", "barrow.csv": "changed"}
    rows = {(row["site"], row["column"]): row for row in found.series.iter_rows(named=True)}
    assert {site: row["kind"] for (site, _), row in rows.items()} == {
        "barrow": "changed", "inuvik": "added", "nome": "removed"}
    changed = rows["barrow", next(c for s, c in rows if s == "barrow")]
    assert (changed["days_added"], changed["days_removed"], changed["days_moved"]) == (10, 0, 1)
    assert (changed["largest"], str(changed["largest_on"])) == (pytest.approx(0.5, abs=1e-4), "2020-01-08")
    assert ("1 the same; files: 1 added, 1 removed, 1 changed; stations: 1 added, 1 withdrawn; "
            "series: 2 added, 2 removed, 2 changed; "
            "in these 20 days were added, 0 removed, 2 have another mean") in str(found)
    back = compare_releases(new, old)
    assert back.series["days_removed"].sum() == found.series["days_added"].sum()


def test_another_way_of_writing_the_same_values_is_no_difference_of_series(releases):
    old, new = releases
    write(new, "barrow", end=" 00:00:00")
    found = compare_releases(old, new)
    assert found.series.is_empty()
    assert found.files["kind"].to_list() == ["changed"]


def test_the_tolerance_holds_for_days(releases):
    old, new = releases
    write(new, "barrow", -5 + np.sin(np.arange(DAYS.size) / 9.0) + 0.01)
    assert compare_releases(old, new, tolerance=0.02).series.is_empty()
    assert compare_releases(old, new).series["days_moved"].to_list() == [DAYS.size] * 2


def test_a_file_that_cannot_be_read_is_listed_with_its_reason(releases):
    old, new = releases
    (new / "nome.csv").write_bytes(bytes(range(256)))
    found = compare_releases(old, new)
    row = found.files.filter(kind="not read").row(0, named=True)
    assert row["file"].endswith("nome.csv")
    assert row["reason"]
    assert found.series.filter(site="nome")["kind"].unique().to_list() == ["removed"]


def test_a_station_with_the_values_of_one_that_went_seems_renamed_and_has_one_line(releases, monkeypatch):
    old, new = releases
    write(old, "nome", np.cos(np.arange(DAYS.size) / 7.0))
    write(new, "nome", np.cos(np.arange(DAYS.size) / 7.0))
    for name in ("nome", "tiksi"):
        (new / f"{name}.csv").rename(new / f"{name}-2.csv")
    write(new, "barrow", columns=("0", "2"))                    # a column under another name at a station that stays
    found = compare_releases(old, new)
    assert sorted(found.stations.select("site", "kind", "site_before", "series").rows()) == [
        ("nome-2", "renamed?", "nome", 2), ("tiksi-2", "renamed?", "tiksi", 2)]
    assert found.series["kind"].unique().to_list() == ["renamed?"]
    assert found.series.select("days_added", "days_removed", "days_moved").sum().row(0) == (0, 0, 0)
    assert found.series.filter(site="barrow").select("column", "column_before").rows() == [("2 (2 m)", "1 (1 m)")]
    write(new, "nome-2", np.sin(np.arange(DAYS.size) / 5.0))
    assert sorted(compare_releases(old, new).stations.select("site", "kind").rows()) == [
        ("nome", "withdrawn"), ("nome-2", "added"), ("tiksi-2", "renamed?")]
    monkeypatch.setenv("COLUMNS", "80")
    lines = CliRunner().invoke(command, [str(old), str(new), "--format", "table"]).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for name in ("barrow ", "nome ", "nome-2", "tiksi-2"):
        assert sum(line.startswith(name) for line in lines) == 1


def test_stores_are_compared_as_read_whether_checked_or_not(tmp_path):
    resting = -5 + np.sin(np.arange(DAYS.size) / 9.0)
    resting[30] += 60.0                                         # a check rejects it
    for name, check in (("plain", False), ("checked", True)):
        write(tmp_path / name, "barrow", resting)
        write(tmp_path / name, "nome", resting + (0.5 if check else 0.0))
        ingest([tmp_path / name], tmp_path / f"{name}-store", check=check)
    found = compare_releases(tmp_path / "plain-store", tmp_path / "checked-store")
    assert found.series.select("site", "days_moved", "days_removed").unique().rows() == [("nome", DAYS.size, 0)]


def test_two_stores_are_compared_by_their_series(releases, tmp_path):
    old, new = releases
    write(new, "barrow", -5 + np.sin(np.arange(DAYS.size) / 9.0) + 1)
    for side in releases:
        ingest([side], tmp_path / f"{side.name}-store")
    stores = (tmp_path / "old-store", tmp_path / "new-store")
    found = compare_releases(*stores)
    assert found.same == 2
    assert found.series.select("site", "kind", "days_moved").unique().rows() == [("barrow", "changed", DAYS.size)]
    assert found.series["largest"].to_list() == pytest.approx([1.0, 1.0])
    assert not compare_releases(stores[0], stores[0]).differs
    with pytest.raises(UsageError, match="one is a store and the other is not"):
        compare_releases(old, stores[0])


def test_faults_in_words(releases, tmp_path):
    with pytest.raises(FileError, match="no such folder"):
        compare_releases(releases[0], tmp_path / "none")
    with pytest.raises(UsageError, match="tolerance: got -1"):
        compare_releases(*releases, tolerance=-1)


def test_the_command_takes_folders_of_files(releases):
    old, new = map(str, releases)
    assert CliRunner().invoke(command, [old, new]).exit_code == 0
    (releases[1] / "nome.csv").unlink()
    run = CliRunner().invoke(command, [old, new, "--files", "--format", "csv"])
    assert run.exit_code == 1
    assert "nome.csv,removed" in run.output
    for wrong, told in ((["--means"], "expected two studies"), (["--means", "--years"], "more than one of them")):
        assert told in str(CliRunner().invoke(command, [old, new, *wrong]).exception)
    (releases[1] / "sites.parquet").write_text("x")
    assert "one holds a study" in str(CliRunner().invoke(command, [old, new]).exception)


# --- years of two studies ------------------------------------------------------------------------------------------

def years(folder: Path, **columns) -> Path:
    table = {"site": ["A", "A", "B"], "year": [2019, 2020, 2020], "maat": [-8.0, -7.0, -5.0],
             "magst": [-4.0, -3.0, None], "ttop": [None] * 3, "alt": [None] * 3,
             "surface_offset": [4.0, 4.0, None], "thermal_offset": [None] * 3}
    folder.mkdir()
    pl.DataFrame(table | columns).write_parquet(folder / "site_years.parquet")
    pl.DataFrame({"site": ["A", "B"], "maat": [-7.5, -5.0]}).write_parquet(folder / "sites.parquet")
    return folder


def test_years_that_differ_are_listed(tmp_path):
    old = years(tmp_path / "old")
    assert not compare(old, years(tmp_path / "same")).differs
    new = years(tmp_path / "new", year=[2019, 2021, 2020], maat=[-8.25, -7.0, -5.0], magst=[-4.0, -3.0, -1.0])
    found = compare(old, new)
    assert found.values.is_empty()
    assert found.differs
    assert "3 years of 2 sites differ" not in str(found)
    assert "4 years of 2 sites differ" in str(found)
    assert set(found.years.select("site", "year", "quantity", "difference", "kind").rows()) == {
        ("A", 2019, "maat", -0.25, "moved"), ("B", 2020, "magst", None, "appeared"),
        *(("A", 2020, name, None, "year removed") for name in ("maat", "magst", "surface_offset")),
        *(("A", 2021, name, None, "year added") for name in ("maat", "magst", "surface_offset"))}
    assert compare(old, new, tolerance=0.3).years.filter(kind="moved").is_empty()
    run = CliRunner().invoke(command, [str(old), str(new), "--years", "--format", "csv"])
    assert (run.exit_code, "A,2019,maat,-8" in run.output) == (1, True)
