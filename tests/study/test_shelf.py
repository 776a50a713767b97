"""Stations one by one: kept under their own keys, done again when anything of theirs changes, the same anywhere."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from talik.errors import DataError, FileError, UsageError
from talik.files import read_parquet
from talik.records import Flag, Record
from talik.runs import scaffold, study_settings, verify_results
from talik.settings import checked, stations
from talik.steps import CACHE, STATE, Crew, run_steps
from talik.study import RECIPE
from talik.synthesis import shelf
from talik.synthesis.daily_series import daily_series, file_names
from talik.synthesis.dropped import dropped

EACH = ["1/3 a: 2 years", "2/3 b: 2 years", "3/3 c: 2 years"]
STEPS = [step for step in RECIPE if step.name in ("series", "sites")]


def write_station(path: Path, *, maat=-8.0, columns=("-2", "0", "1")) -> Path:
    """Two years of daily means: surface offset 4 K, offset at 1 m -1 K."""
    days = np.arange("2019-01-01", "2021-01-01", dtype="M8[D]")
    begin = days.astype("M8[Y]").astype("M8[D]")
    length = ((days.astype("M8[Y]") + np.timedelta64(1, "Y")).astype("M8[D]") - begin).astype(int)
    wave = -np.cos(2 * np.pi * ((days - begin).astype(int) + 0.5) / length)
    levels = {"-2": maat + 16 * wave, "0": maat + 4 + 10 * wave, "1": maat + 3 + 0.5 * wave}
    frame = pl.DataFrame({"Date/Depth": pl.Series(days.astype("M8[ms]")).dt.strftime("%Y-%m-%d %H:%M")}
                         | {name: levels[name].round(6) for name in columns})
    frame.write_csv(path)
    return path


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for k, name in enumerate(("a", "b", "c")):
        write_station(folder / f"{name}.csv", maat=-8.0 + k)
    return folder


def study(folder: Path, **series):
    return checked({"study": {"name": "x"}, "atlas": {"run": False},
                    "series": {"data": str(folder), "each": "*", "depth": 1.0} | series})


def work(folder: Path, results: Path, *, fresh=False, **more) -> list[str]:
    """Run the two steps; what was said of each station."""
    said = []
    crew = Crew(told=said.append, **more)
    run_steps(STEPS, study(folder), results, fresh=fresh, crew=crew)
    return said


def content(results: Path) -> dict[str, bytes]:
    """All files but the state (it holds a key of paths) and the shelf."""
    return {path.relative_to(results).as_posix(): path.read_bytes() for path in sorted(results.rglob("*"))
            if path.is_file() and CACHE not in path.parts and path.name != STATE}


# --- what is done again, and what is not ---------------------------------------------------------------------------

def test_one_changed_file_rereads_its_station_only(data, tmp_path):
    assert work(data, tmp_path / "r") == EACH
    assert work(data, tmp_path / "r") == []                          # the whole step is kept
    write_station(data / "b.csv", maat=-6.5)
    assert work(data, tmp_path / "r") == ["2/3 unchanged", "3/3 b: 2 years"]
    maat = dict(pl.read_parquet(tmp_path / "r" / "sites.parquet").select("site", "maat").iter_rows())
    assert maat == pytest.approx({"a": -8.0, "b": -6.5, "c": -6.0}, abs=1e-5)
    assert len(list((tmp_path / "r" / CACHE / "stations").glob("*.json"))) == 3      # the old b is gone
    before = content(tmp_path / "r")
    assert work(data, tmp_path / "r", fresh=True) == EACH
    assert content(tmp_path / "r") == before


def test_a_file_that_comes_or_goes_beside_a_logger_rereads_it(data, tmp_path):
    work(data, tmp_path / "r")
    beside = data / "a.json"
    for change in (lambda: beside.write_text("{}"), beside.unlink):
        change()
        assert work(data, tmp_path / "r") == ["2/3 unchanged", "3/3 a: 2 years"]


def test_a_setting_of_one_station_rereads_that_one(data, tmp_path):
    said = []
    for depth in (1.0, "1"):
        settings = study(data, stations=[{"site": "b", "files": ["b.csv"], "depth": depth}])
        run_steps(STEPS, settings, tmp_path / "r", crew=Crew(told=said.append))
    assert said[-2:] == ["2/3 unchanged", "3/3 b: 2 years"]


def test_anything_deleted_or_harmed_comes_back_the_same(data, tmp_path):
    results = tmp_path / "r"
    work(data, results)
    before = content(results)
    harm = results / "series" / "b.parquet"                          # the same file lies on the shelf

    def harmed():
        harm.write_bytes(harm.read_bytes()[:-40] + b"x" * 40)

    def without_shelf():
        shutil.rmtree(results / CACHE)
        (results / "series_sites.csv").unlink()

    def without_any():
        for path in results.rglob("*"):
            if path.is_file() and CACHE not in path.parts:
                path.unlink()

    for do in (harmed, without_shelf, without_any):
        do()
        work(data, results)
        assert content(results) == before


def test_the_same_bytes_from_one_process_and_from_two(data, tmp_path):
    work(data, tmp_path / "one")
    work(data, tmp_path / "two", workers=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_stations_that_share_a_file_sit_together(tmp_path):
    for name in ("a", "b", "shared"):
        (tmp_path / f"{name}.csv").write_text("x")
    settings = study(tmp_path, each=None, stations=[
        {"site": "A", "files": ["a.csv", "shared.csv"]}, {"site": "B", "files": ["b.csv"]},
        {"site": "C", "files": ["shared.csv"]}, {"site": "D", "files": ["none.csv"]}])
    todo = [(station, station.site.lower()) for station in stations(settings)]
    sittings = shelf._sittings(todo, tmp_path, tmp_path / "shelf")
    assert sorted([s.site for s in sitting.stations] for sitting in sittings) == [["A", "C"], ["B"], ["D"]]
    assert all(sitting.keys == tuple(s.site.lower() for s in sitting.stations) for sitting in sittings)


def test_an_interruption_keeps_finished_stations(data, tmp_path):
    def stop(words):
        if words.startswith("2/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_steps(STEPS, study(data), tmp_path / "r", crew=Crew(told=stop))
    assert [p.name for p in (tmp_path / "r").iterdir()] == [CACHE]
    assert work(data, tmp_path / "r") == ["2/3 unchanged", "3/3 c: 2 years"]


def test_a_process_that_dies_costs_its_station_and_is_tried_again(data, tmp_path, monkeypatch):
    """The outcome of a task whose process died twice, as `mapped` gives it."""
    def two_of_three(work, tasks, *, lost, **more):
        for task in tasks:
            yield lost(task) if task.stations[0].site == "b" else work(task)

    with monkeypatch.context() as patched:
        patched.setattr(shelf, "mapped", two_of_three)
        outcome = run_steps(STEPS[:1], study(data), tmp_path / "r")[0]
    assert outcome.reason.startswith("1 of 3 stations have no means (b)")
    assert "died, twice" in pl.read_csv(tmp_path / "r" / "series_refusals.csv")["reason"][0]
    assert work(data, tmp_path / "r") == ["2/3 unchanged", "3/3 b: 2 years"]


def test_a_full_disk_is_told_in_words_and_keeps_what_was_finished(data, tmp_path):
    import resource

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, old[1]))
        with pytest.raises(FileError, match="cannot be written: .*File too large"):
            work(data, tmp_path / "r")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, before)
    assert not [p for p in (tmp_path / "r").rglob("*") if ".part" in p.name]
    assert len(work(data, tmp_path / "r")) == 3


# --- the daily series ----------------------------------------------------------------------------------------------

def test_every_station_has_its_daily_series(data, tmp_path):
    work(data, tmp_path / "r")
    named = pl.read_csv(tmp_path / "r" / "series_stations.csv")["series"].to_list()
    assert named == ["a.parquet", "b.parquet", "c.parquet"]
    days = pl.read_parquet(tmp_path / "r" / "series" / "a.parquet")
    assert days.select("depth", "time").equals(days.select("depth", "time").sort("depth", "time"))
    assert days["depth"].unique().sort().to_list() == [-2.0, 0.0, 1.0]
    means = dict(days.group_by("depth").agg(pl.col("temperature").mean()).iter_rows())
    assert means == pytest.approx({-2.0: -8.0, 0.0: -4.0, 1.0: -5.0}, abs=0.01)


def test_accepted_and_rejected_are_kept_apart_on_the_files_own_days():
    times = np.array(["2020-01-01T20", "2020-01-01T22", "2020-01-02T02", "2020-01-05T00"], "M8[h]")
    values = np.array([[-5.0], [40.0], [-7.0], [np.nan]])
    flags = np.array([[0], [int(Flag.SPIKE)], [int(Flag.SNOW)], [int(Flag.MISSING)]])
    found = daily_series([Record("X", times, [np.nan], values, flags, labels=("T",))])
    assert found["time"].dt.day().to_list() == [1, 2, 3, 4, 5]       # no day is left out
    assert found["temperature"].to_list() == [-5.0, -7.0, None, None, None]
    assert found["rejected"].to_list() == [40.0, None, None, None, None]
    assert found["flags"].to_list() == [int(Flag.SPIKE), int(Flag.SNOW), 0, 0, int(Flag.MISSING)]
    assert found["n"].to_list() == [1, 1, 0, 0, 0]
    assert found["column"].unique().to_list() == ["T"]
    assert found["depth"].null_count() == 5


def test_the_order_of_samples_moves_nothing():
    rng = np.random.default_rng(0)
    times = np.arange("2020-01-01", "2020-01-09", dtype="M8[h]")
    values, flags = rng.normal(size=(times.size, 2)), rng.choice([0, 4, 8, 256], (times.size, 2))
    order = rng.permutation(times.size)
    one, other = (daily_series([Record("X", times[k], [0.0, 0.5], values[k], flags[k])])
                  for k in (np.arange(times.size), order))
    assert one.drop("temperature", "rejected").equals(other.drop("temperature", "rejected"))
    for name in ("temperature", "rejected"):
        np.testing.assert_allclose(one[name].to_numpy(), other[name].to_numpy(), rtol=1e-12)


def test_file_names_are_safe_and_unique():
    hostile = ["a/b", "a b", "A-B", "..", "", "NUL", "x" * 300, "\n", "日本", "a\x00b", "é"]
    names = file_names(hostile)
    assert len({name.lower() for name in names}) == len(hostile)
    assert all(name and len(name) < 80 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for name in names)
    assert "nul" not in names


# --- files dropped into a folder -----------------------------------------------------------------------------------

def test_files_and_folders_are_stations_of_their_names(data, tmp_path):
    (data / "slope").mkdir()
    write_station(data / "slope" / "soil.csv", columns=("0", "1"))
    write_station(data / "lower [2].csv", maat=-4.0)
    write_station(data / "b.txt", maat=-3.0)
    (data / ".hidden.csv").write_text("x")
    (data / "a.json").write_text("{}")                               # describes a.csv
    found = dict(dropped("*", data, taken={data / "c.csv"}))
    assert found == {"a": ["a.csv"], "b.csv": ["b.csv"], "b.txt": ["b.txt"], "lower [2]": ["lower [[]2].csv"],
                     "slope": ["slope/soil.csv"]}


def test_a_newcomer_needs_two_commands(tmp_path):
    scaffold(tmp_path / "mine", loggers="data")
    with pytest.raises(UsageError, match="holds no file that fits. Put your logger files there"):
        stations(study_settings(str(tmp_path / "mine")))
    write_station(tmp_path / "mine" / "data" / "Upper slope.csv")
    (tmp_path / "mine" / "data" / "notes.txt").write_text("nothing of a logger")
    (tmp_path / "mine" / "places.csv").write_text("site,region,latitude,longitude\nUpper slope,Arctic,68.6,-149.6\n")
    toml = tmp_path / "mine" / "study.toml"
    toml.write_text(toml.read_text().replace("# places", "places") + "\n[atlas]\nrun = false\n")
    run_steps(STEPS, study_settings(str(tmp_path / "mine")), tmp_path / "out")
    sites = pl.read_parquet(tmp_path / "out" / "sites.parquet")
    assert sites.select("site", "region", "latitude").row(0) == ("Upper slope", "Arctic", 68.6)
    assert sites["surface_offset"][0] == pytest.approx(4.0, abs=1e-5)
    refusals = pl.read_csv(tmp_path / "out" / "series_refusals.csv")
    assert refusals["site"].to_list() == ["notes"]
    assert "Pass format = ..." in refusals["reason"][0]             # as the study's file says it


def test_a_study_may_have_any_name_and_be_moved(tmp_path):
    home = tmp_path / "Übungs fläche [日本] 100%"
    scaffold(home, loggers="data")
    write_station(home / "data" / "Верхний склон.csv")
    run_steps(STEPS, study_settings(str(home)), home / "results")
    made = content(home / "results")
    assert read_parquet(home / "results" / "sites.parquet")["site"].to_list() == ["Верхний склон"]
    moved = home.rename(tmp_path / "moved")
    run_steps(STEPS, study_settings(str(moved)), moved / "results")
    assert content(moved / "results") == made


def test_a_folder_of_files_that_is_there_already(data, tmp_path):
    scaffold(tmp_path / "mine", loggers=data)
    assert [s.site for s in stations(study_settings(str(tmp_path / "mine")))] == ["a", "b", "c"]
    with pytest.raises(FileError, match="no such folder. Name the folder"):
        scaffold(tmp_path / "other", loggers=tmp_path / "none")


def test_an_empty_section_and_an_empty_name_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"needs each = \"PATTERN\", or at least one"):
        checked({"study": {"name": "x"}, "series": {"data": "x"}})
    run = subprocess.run([sys.executable, "-m", "talik", "new", ""], capture_output=True, text=True, cwd=tmp_path)
    assert (run.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "got an empty name" in run.stderr


def test_two_stations_of_one_name_are_refused_before_any_is_read(data, tmp_path):
    settings = study(data, stations=[{"site": "X", "files": ["a.csv"]}, {"site": "X", "files": ["b.csv"]}])
    with pytest.raises(DataError, match="two stations are called 'X'"):
        run_steps(STEPS, settings, tmp_path / "r")


# --- storms --------------------------------------------------------------------------------------------------------

def many(folder: Path, n: int) -> Path:
    folder.mkdir()
    for k in range(n):
        write_station(folder / f"s{k:02d}.csv", maat=-8.0 + k / 10)
    (folder.parent / "study.toml").write_text(f'[study]\nname = "x"\n[series]\ndata = {json.dumps(str(folder))}\n'
                                              'each = "*"\ndepth = 1.0\n[atlas]\nrun = false\n')
    return folder


@pytest.mark.slow
def test_kills_at_any_moment_leave_a_folder_that_goes_on(tmp_path):
    data, results = many(tmp_path / "data", 12), tmp_path / "r"
    command = [sys.executable, "-m", "talik", "run", str(tmp_path), "--out", str(results), "--workers", "2"]
    rng = np.random.default_rng(3)
    for k in range(8):
        running = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.5, 5.0))
        running.send_signal(signal.SIGKILL if k % 2 else signal.SIGINT)
        running.wait(timeout=60)
        for path in results.rglob("*.parquet"):                      # whatever has its name is whole
            if ".part" not in path.name:
                pl.read_parquet(path)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    run_steps(STEPS, study_settings(str(tmp_path)), tmp_path / "calm")
    calm = content(tmp_path / "calm")
    assert {name: content(results)[name] for name in calm} == calm
    assert not [p for p in results.rglob("*") if ".part" in p.name]
    assert len(list((results / CACHE / "stations").iterdir())) == 3 * 12
    assert verify_results(results, rerun=False) == []
    assert data.is_dir()


CLUSTER = """
import os, signal, sys
from pathlib import Path

if __name__ == "__main__":
    from distributed import LocalCluster
    from talik.runs import study_settings
    from talik.steps import Crew, run_steps
    from talik.study import RECIPE

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        victims = [worker.pid for worker in cluster.workers.values()][:1]

        def told(words):
            while victims:
                os.kill(victims.pop(), signal.SIGKILL)

        crew = Crew(cluster=cluster.scheduler_address, told=told)
        run_steps(RECIPE[:2], study_settings(sys.argv[1]), Path(sys.argv[2]), crew=crew)
"""


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes_also_when_a_worker_is_killed(tmp_path):
    pytest.importorskip("distributed")
    many(tmp_path / "data", 12)
    (tmp_path / "run.py").write_text(CLUSTER)
    run = subprocess.run([sys.executable, tmp_path / "run.py", tmp_path, tmp_path / "cluster"], capture_output=True,
                         text=True, timeout=300, env={**os.environ, "POLARS_MAX_THREADS": "1"})
    assert run.returncode == 0, run.stderr
    run_steps(STEPS, study_settings(str(tmp_path)), tmp_path / "here")
    assert content(tmp_path / "cluster") == content(tmp_path / "here")
