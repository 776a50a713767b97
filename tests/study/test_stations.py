"""Logger files become sites of a study: laws on files made here, then the stations of Yakutia and Toolik."""

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import talik
from talik.errors import DataError, UnknownName, UsageError
from talik.runs import run_study, study_settings, verify_results
from talik.settings import checked, read_settings, stations
from talik.steps import run_steps
from talik.study import RECIPE
from talik.synthesis.combined import combined_sites
from talik.synthesis.stations import Files, Station, station_sites
from talik.synthesis.table import read_sites

EXAMPLES = Path(__file__).parents[2] / "examples"
PLACE = {"region": "Arctic", "subregion": "Canada", "elevation": 10.0}


def write_station(path: Path, *, maat=-8.0, so=4.0, to=-1.0, first=2018, last=2020, columns=("-2", "0", "1"),
                  skip=None) -> Path:
    """Daily means of air, surface and 1 m with the given annual means, in a table anybody could have written."""
    days = np.arange(f"{first}-01-01", f"{last + 1}-01-01", dtype="M8[D]")
    begin = days.astype("M8[Y]").astype("M8[D]")
    length = ((days.astype("M8[Y]") + np.timedelta64(1, "Y")).astype("M8[D]") - begin).astype(int)
    wave = np.cos(2 * np.pi * ((days - begin).astype(int) + 0.5) / length)      # whole waves: the mean is the level
    levels = {"-2": maat, "0": maat + so, "1": maat + so + to}
    ranges = {"-2": -16.0, "0": -10.0, "1": -0.5}
    lines = ["Date/Depth," + ",".join(columns)]
    for k, day in enumerate(days):
        if skip is None or not skip(day):
            cells = (f"{levels[c] + ranges[c] * wave[k]:.6f}" for c in columns)
            lines.append(f"{day} 00:00," + ",".join(cells))
    path.write_text("\n".join(lines) + "\n")
    return path


def station(site, *files, **more):
    """Files called air.csv hold 2 m height only: a lone negative label reads as a depth unless told."""
    listed = [Files(name, {"depths": [-2.0]} if name == "air.csv" else {}) for name in files]
    return Station(site, listed, depth=1.0, **({"place": PLACE} | more))


@pytest.fixture
def folder(tmp_path):
    write_station(tmp_path / "a.csv")
    write_station(tmp_path / "b.csv", maat=-5.0, so=2.5, to=-0.5)
    return tmp_path


def test_the_means_put_into_files_come_out_of_them(folder):
    found = station_sites([station("A", "a.csv"), station("B", "b.csv")], folder)
    assert found.refusals.is_empty()
    rows = found.sites.select("maat", "magst", "ttop", "surface_offset", "thermal_offset").to_numpy()
    np.testing.assert_allclose(rows, [[-8, -4, -5, 4, -1], [-5, -2.5, -3, 2.5, -0.5]], atol=1e-5)
    assert found.sites["maat_n"].to_list() == [3, 3]
    assert (found.sites["surface_offset_uncertainty"] > 0.1).all()
    assert found.years.height == 6


def test_offsets_are_differences_of_the_same_rows_means(folder):
    sites = station_sites([station("A", "a.csv"), station("B", "b.csv")], folder).sites
    gap = sites["surface_offset"] + sites["thermal_offset"] - (sites["ttop"] - sites["maat"])
    assert gap.abs().max() < 5e-6


def test_order_of_stations_and_bad_files_move_nothing(folder):
    (folder / "junk.csv").write_bytes(bytes(range(256)) * 8)
    one = station_sites([station("A", "a.csv"), station("B", "b.csv")], folder).sites
    other = station_sites([station("J", "junk.csv"), station("B", "b.csv"), station("A", "a.csv")], folder)
    assert other.sites.sort("site").equals(one)
    assert other.refusals["site"].to_list() == ["J"]
    assert other.refusals["stage"].to_list() == ["read"]
    assert other.stations.filter(status="refused")["site"].to_list() == ["J"]


def test_air_and_ground_from_two_files_are_one_station(tmp_path):
    write_station(tmp_path / "air.csv", columns=("-2",))
    write_station(tmp_path / "soil.csv", columns=("0", "1"))
    found = station_sites([station("A", "air.csv", "soil.csv")], tmp_path)
    assert found.sites["surface_offset"][0] == pytest.approx(4.0, abs=1e-5)
    files = dict(found.values.select("quantity", "files").iter_rows())
    assert files["maat"] == "air.csv"
    assert files["ttop"] == "soil.csv"
    assert files["surface_offset"] == "air.csv; soil.csv"


def test_deployments_that_follow_each_other_keep_their_files(tmp_path):
    old = write_station(tmp_path / "old.csv", first=2019, last=2019)
    write_station(tmp_path / "new.csv", first=2020)
    one = Station("A", [Files("old.csv"), Files("new.csv", {"depths": [-2.0, 0.0, 1.03]})], depth=1.0)
    found = station_sites([one], tmp_path)
    files = dict(found.values.select("quantity", "files").iter_rows())
    assert files["ttop"] == files["thermal_offset"] == "old.csv; new.csv"
    assert found.sites["thermal_offset_n"][0] == 2
    assert found.stations["notes"].to_list() == [None]
    old.write_text(old.read_text() + "2020-01-01 00:00,0,0,0\n")
    assert "both measured" in station_sites([one], tmp_path).stations["notes"][0]


def test_a_bad_air_file_leaves_the_thermal_offset(tmp_path):
    (tmp_path / "air.csv").write_text("")
    write_station(tmp_path / "soil.csv", columns=("0", "1"))
    found = station_sites([station("A", "air.csv", "soil.csv")], tmp_path)
    assert found.refusals.select("file", "stage").rows() == [("air.csv", "read")]
    assert found.sites["thermal_offset"][0] == pytest.approx(-1.0, abs=1e-5)
    assert found.sites["surface_offset"][0] is None


def test_means_over_different_years_make_no_row(tmp_path):
    write_station(tmp_path / "air.csv", columns=("-2",), first=2010, last=2011)
    write_station(tmp_path / "soil.csv", columns=("0",), first=2015, last=2016)
    found = station_sites([Station("A", [Files("air.csv", {"depths": [-2.0]}), Files("s*.csv")])], tmp_path)
    assert found.sites.is_empty()
    assert "over different years" in found.refusals["reason"][0]
    assert found.years.height > 0                                    # the years themselves are kept


def test_years_that_are_not_whole_are_said_in_words(tmp_path):
    write_station(tmp_path / "a.csv", first=2019, last=2019, skip=lambda day: day.astype("M8[M]").astype(int) % 12 < 4)
    found = station_sites([station("A", "a.csv")], tmp_path)
    assert found.sites.is_empty()
    assert "no whole year" in found.refusals["reason"][0]
    assert "too small a share of the days" in found.refusals["reason"][0]


@pytest.mark.parametrize(("record", "told"), [(None, "holds 2 sites"), ("Nome", "has no record 'Nome'")])
def test_a_file_of_several_sites_is_never_mixed(tmp_path, record, told):
    days = np.arange("2019-01-01", "2020-01-01", dtype="M8[D]")
    frame = pl.DataFrame([{"site": name, "time": f"{day} 00:00", "depth": depth, "temperature": -1.0 - k}
                          for name in ("Barrow", "Tiksi") for k, depth in enumerate((0.0, 1.0)) for day in days])
    frame.write_csv(tmp_path / "both.csv")
    found = station_sites([station("A", "both.csv", record=record)], tmp_path)
    assert found.sites.is_empty()
    assert told in found.refusals["reason"][0]


def test_two_stations_of_one_name_are_refused(folder):
    with pytest.raises(DataError, match="two stations are called 'A'"):
        station_sites([station("A", "a.csv"), station("A", "b.csv")], folder)


def test_means_are_over_years_with_both_offsets_and_what_that_leaves_out_is_told(tmp_path):
    write_station(tmp_path / "air.csv", columns=("-2",), first=2018, last=2021, maat=-8.0)
    write_station(tmp_path / "soil.csv", columns=("0", "1"), first=2018, last=2021)
    text = (tmp_path / "soil.csv").read_text().splitlines()
    blank = [line if not line.startswith("2018") else ",".join([*line.split(",")[:2], ""]) for line in text]
    (tmp_path / "soil.csv").write_text("\n".join(blank) + "\n")
    found = station_sites([station("A", "air.csv", "soil.csv")], tmp_path)
    row, state = found.sites.row(0, named=True), found.stations.row(0, named=True)
    assert {row[f"{name}_n"] for name in ("maat", "magst", "ttop", "surface_offset", "thermal_offset")} == {3}
    assert (state["n_years"], state["first_year"], state["last_year"]) == (3, 2019, 2021)
    assert "2018 has the surface offset only: with it its mean is +4.00 °C (n = 4)" in state["notes"]


# --- a table and loggers in one study ------------------------------------------------------------------------------

def a_table(**values):
    return read_sites({"site": ["A", "C"], "region": ["Arctic"] * 2, "maat": [-8.3, -6.0], "magst": [-4.0, -3.0],
                       "ttop": [-5.2, -3.5], "alt": [0.6, 0.5]} | values)


def test_loggers_go_before_the_table_and_every_difference_is_listed(folder):
    derived = station_sites([station("A", "a.csv"), station("B", "b.csv")], folder).sites
    sites, conflicts = combined_sites(a_table(), derived)
    assert sites["site"].to_list() == ["A", "C", "B"]
    assert sites["values_from"].to_list() == ["loggers", "table", "loggers"]
    assert sites["surface_offset_from"].to_list() == ["loggers", "recomputed", "loggers"]
    assert sites["maat"].to_list() == pytest.approx([-8.0, -6.0, -5.0], abs=1e-5)
    assert sites["alt"].to_list()[:2] == [0.6, 0.5]                  # the loggers have none: the table's stays
    assert sites["alt_from"].to_list() == ["table", "table", None]
    assert not any("NOT_DIFFERENCE" in flags for flags in sites["flags"])
    listed = dict(conflicts.select("quantity", "difference").iter_rows())
    assert listed["maat"] == pytest.approx(0.3, abs=1e-5)
    assert "beyond" in conflicts.filter(quantity="maat")["note"][0]
    assert "magst" not in listed


def test_the_table_goes_first_when_asked(folder):
    derived = station_sites([station("A", "a.csv")], folder).sites
    sites, conflicts = combined_sites(a_table(), derived, precedence="table")
    assert sites["values_from"].to_list() == ["table", "table"]
    assert sites["maat"].to_list() == [-8.3, -6.0]
    assert set(conflicts["used"]) == {"table"}


def test_temperatures_of_a_site_are_never_mixed(tmp_path):
    write_station(tmp_path / "soil.csv", columns=("0", "1"))
    derived = station_sites([station("A", "soil.csv")], tmp_path).sites
    sites, conflicts = combined_sites(a_table(), derived)
    assert sites.row(0, named=True)["maat"] is None                  # the table's, of other years
    assert sites.row(0, named=True)["surface_offset"] is None
    note = conflicts.filter(quantity="maat").row(0, named=True)
    assert note["table_value"] == "-8.3"
    assert "not mixed" in note["note"]


def test_a_table_alone_comes_through_unchanged():
    table = a_table()
    sites, conflicts = combined_sites(table, station_sites([], ".").sites)
    assert sites.select(table.columns).equals(table)
    assert conflicts.is_empty()


def test_the_bundled_study_keeps_every_value_and_flag_beside_loggers(folder):
    table = talik.sites("three-poles")
    derived = station_sites([station("A", "a.csv")], folder).sites
    sites, conflicts = combined_sites(table, derived)
    assert conflicts.is_empty()
    assert sites.height == 118
    kept = [name for name in table.columns if name not in ("cluster", "cluster_from")]
    assert sites.head(117).select(kept).equals(table.select(kept))
    assert sites["values_from"].to_list() == ["table"] * 117 + ["loggers"]


def test_a_logger_site_named_as_two_rows_of_the_table_is_refused(folder):
    table = pl.concat([a_table(), a_table()])
    derived = station_sites([station("A", "a.csv")], folder).sites
    with pytest.raises(DataError, match="stands in 2 rows"):
        combined_sites(table, derived)


# --- settings and the whole way ------------------------------------------------------------------------------------

def settings_of(folder, *, sites=None, **series):
    entries = [{"site": name.upper(), "files": [f"{name}.csv"], "region": "Arctic", "latitude": 68.0 + k,
                "longitude": -149.0} for k, name in enumerate("ab")]
    content = {"study": {"name": "loggers", "replicates": 100}, "atlas": {"run": False},
               "series": {"depth": 1.0, "stations": entries} | series}
    return checked(content | ({"sites": sites} if sites else {}), home=folder)


def to_sites(settings, out):
    """The first steps only: no figures, no report."""
    steps = [step for step in RECIPE if step.name in ("series", "sites")]
    return {outcome.step: outcome for outcome in run_steps(steps, settings, out)}


def test_a_study_of_two_stations_runs_and_verifies(folder):
    out = folder / "out"
    outcomes = {o.step: o for o in run_study(settings_of(folder), out)}
    assert outcomes["series"].status == "done"
    assert "at least 20" in outcomes["drivers"].reason
    assert pl.read_csv(out / "sites.csv")["surface_offset"].to_list() == pytest.approx([4.0, 2.5], abs=1e-5)
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "Stations and their years" in report
    assert "2 of 2 stations gave means" in report
    assert verify_results(out) == []


def test_a_file_that_comes_late_is_seen(folder):
    (folder / "b.csv").rename(folder / "later")
    out, settings = folder / "out", settings_of(folder)
    first = to_sites(settings, out)
    assert "1 of 2 stations have no means (B)" in first["series"].reason
    assert "no such file" in pl.read_csv(out / "series_refusals.csv")["reason"][0]
    (folder / "later").rename(folder / "b.csv")
    assert to_sites(settings, out)["series"].reason == ""
    assert pl.read_csv(out / "sites.csv").height == 2


@pytest.mark.parametrize(("n", "told"), [(1, "not vary over the 1 complete sites"), (2, "has enough sites")])
def test_what_a_few_stations_cannot_tell_is_said_in_words(folder, n, told):
    pl.DataFrame([{"site": name, "vegetation": "Tundra", "soil": "sand", "snow_depth": 0.2 + k,
                   "precipitation": 300.0 + k} for k, name in enumerate("AB"[:n])]).write_csv(folder / "p.csv")
    entries = [{"site": name, "files": [f"{name.lower()}.csv"], "region": "Arctic", "vegetation": "Tundra",
                "soil": "sand"} for name in "AB"[:n]]
    settings = checked({"study": {"name": "few", "replicates": 100}, "predictors": {"table": "p.csv"},
                        "series": {"depth": 1.0, "stations": entries},
                        "slopes": {"surface_offset": ["snow_depth"], "thermal_offset": ["precipitation"]}}, home=folder)
    steps = [step for step in RECIPE if step.name in ("series", "sites", "predictors", "drivers", "slopes")]
    reasons = {o.step: o.reason for o in run_steps(steps, settings, folder / "out")}
    assert "at least 20" in reasons["drivers"]
    assert told in reasons["slopes"]


def test_a_table_and_loggers_in_one_study(folder):
    pl.DataFrame({"site": ["A", "C"], "region": ["Arctic"] * 2, "maat": [-8.3, -6.0], "magst": [-4.0, -3.0],
                  "ttop": [-5.2, -3.5]}).write_csv(folder / "sites.csv")
    steps = [step for step in RECIPE if step.name in ("series", "sites", "report")]
    run_steps(steps, settings_of(folder, sites={"table": "sites.csv"}), folder / "out")
    conflicts = pl.read_csv(folder / "out" / "site_conflicts.csv")
    assert set(conflicts["site"]) == {"A"}
    assert pl.read_csv(folder / "out" / "sites.csv")["site"].to_list() == ["A", "C", "B"]
    assert "the loggers count" in (folder / "out" / "report.html").read_text(encoding="utf-8")


def test_without_any_usable_station_the_study_says_why(folder):
    for name in "ab":
        (folder / f"{name}.csv").write_text("nothing,here\n")
    with pytest.raises(DataError, match=r"no station gave a mean.*[ab]\.csv"):
        to_sites(settings_of(folder), folder / "out")


def test_settings_of_a_station_go_before_those_of_all(tmp_path):
    content = {"study": {"name": "x"}, "series": {
        "files": ["all.csv"], "surface": 0.2, "timezone": "UTC+9", "completeness": {"year": 0.95},
        "stations": [{"site": "A"}, {"site": "B", "files": [{"path": "b.csv", "depths": [0, 1]}], "surface": "S*",
                                     "completeness": "gtnp", "year_start": "hydrological"}]}}
    a, b = stations(checked(content, home=tmp_path))
    assert (a.files[0].pattern, a.files[0].options, a.surface) == ("all.csv", {"timezone": "UTC+9"}, 0.2)
    assert (a.completeness.year, a.completeness.longest_gap, a.completeness.month) == (0.95, None, None)
    assert b.files[0].options == {"timezone": "UTC+9", "depths": (0.0, 1.0)}
    assert (b.completeness.name, b.completeness.year_start) == ("gtnp", "hydrological")
    again = checked(checked(content, home=tmp_path).model_dump(mode="json"), home=tmp_path)
    assert stations(again) == [a, b]


@pytest.mark.parametrize(("series", "told"), [
    ({"stations": [{"site": "A", "filse": ["x"]}]}, "Did you mean 'series.stations.0.files'"),
    ({"statoins": []}, "Did you mean 'series.stations'"),
    ({"stations": []}, "at least one"),
    ({"stations": [{"site": "A", "latitude": 91}]}, "less than or equal to 90"),
])
def test_faults_of_the_settings_are_named(series, told):
    with pytest.raises(UsageError, match=told):
        checked({"study": {"name": "x"}, "series": series})


@pytest.mark.parametrize(("station", "told", "error"), [
    ({"site": "A"}, "station 'A' has no files", UsageError),
    ({"site": "A", "files": ["x"], "completeness": "gtmp"}, "Did you mean 'gtnp'", UnknownName),
])
def test_a_station_without_files_or_with_an_unknown_rule(station, told, error):
    with pytest.raises(error, match=told):
        stations(checked({"study": {"name": "x"}, "series": {"stations": [station]}}))


def test_a_data_folder_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("TALIK_REAL_DATA", raising=False)
    settings = read_settings(EXAMPLES / "yakutia")
    with pytest.raises(UsageError, match="TALIK_REAL_DATA.*not set"):
        settings.path(settings.series.data)


# --- files nobody here wrote ---------------------------------------------------------------------------------------

YAKUTIA = {  # years, MAAT, mean at 20 cm, mean at depth: computed independently, without a check of the values
    "Verkhoyansk": (28, -14.07, -7.19, -6.61), "Oymyakon": (23, -15.16, -6.31, -6.36),
    "Zhigansk": (21, -10.79, 1.20, 0.22), "Yakutsk": (32, -8.62, 1.31, -0.59), "Kirensk": (39, -3.43, 3.23, 3.62)}


@pytest.mark.realdata
def test_the_stations_of_yakutia(real, monkeypatch, tmp_path):
    """The check takes a month out of Verkhoyansk's 320 cm that has the wrong sign, hence one year less there."""
    monkeypatch.setenv("TALIK_REAL_DATA", str(real))
    outcomes = {o.step: o for o in run_study(study_settings(str(EXAMPLES / "yakutia")), tmp_path / "out")}
    assert outcomes["series"].status == "done"
    sites = {row["site"]: row for row in pl.read_parquet(tmp_path / "out" / "sites.parquet").iter_rows(named=True)}
    for name, (n, *means) in YAKUTIA.items():
        row = sites[name]
        assert row["maat_n"] == n - (name == "Verkhoyansk")
        np.testing.assert_allclose([row[k] for k in ("maat", "magst", "ttop")], means,
                                   atol=0.06 if name == "Verkhoyansk" else 0.02)
        assert row["surface_offset"] + row["thermal_offset"] == pytest.approx(row["ttop"] - row["maat"], abs=5e-6)
        assert not math.isnan(row["surface_offset_uncertainty"])
    assert "TTOP_ABOVE_ZERO" in sites["Kirensk"]["flags"]
    assert "NOT_DIFFERENCE" not in sites["Yakutsk"]["flags"]


@pytest.mark.realdata
def test_the_control_plots_of_toolik(real, monkeypatch, tmp_path):
    monkeypatch.setenv("TALIK_REAL_DATA", str(real))
    to_sites(study_settings(str(EXAMPLES / "toolik")), tmp_path / "out")
    years = pl.read_parquet(tmp_path / "out" / "site_years.parquet").filter(pl.col("year").is_in([2024, 2025]))
    np.testing.assert_allclose(years["surface_offset"], [6.20, 5.98], atol=0.005)
    np.testing.assert_allclose(years["thermal_offset"], [-0.57, -0.40], atol=0.005)
