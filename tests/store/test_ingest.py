"""What is taken in comes out the same; what has not changed is not read again; a bad file costs only itself."""

import errno
import os
import subprocess
import sys
import time
import unicodedata

import duckdb
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import talik
from talik.cli import group
from talik.errors import FileError, StoreError, UsageError
from talik.files import sha256
from talik.records import Flag, Record, Source
from talik.store import intake, sources
from talik.store.catalogue import is_store, reading
from talik.store.export import exported
from talik.store.ingest import ingest
from talik.store.intake import series_path
from talik.store.lock import sole_writer
from talik.store.series_files import read_series, write_series
from talik.store.verify import verify_store


def same(one, other):
    """Whether two records are equal in everything."""
    return (np.array_equal(one.times, other.times) and np.array_equal(one.values, other.values, equal_nan=True)
            and np.array_equal(one.depths, other.depths, equal_nan=True) and np.array_equal(one.flags, other.flags)
            and (one.site, one.labels, one.source, one.history, dict(one.metadata))
            == (other.site, other.labels, other.source, other.history, dict(other.metadata))
            and list(one.others) == list(other.others)
            and all(np.array_equal(one.others[k], other.others[k], equal_nan=True) for k in one.others))


def stored(store, site=None):
    with reading(store) as catalogue:
        return list(catalogue.records(site))


def table(store, name):
    with reading(store) as catalogue:
        return catalogue.table(name)


def written(store):
    """When each series file was written."""
    return {name: series_path(store, name).stat().st_mtime_ns for name in table(store, "series")["series_id"]}


def test_a_record_comes_back_whole(tmp_path):
    values = np.array([[1.5, np.nan, -0.0], [np.nan, np.inf, 1e-300], [85.0, 2.0, 3.0]])
    flags = np.where(np.isnan(values), int(Flag.MISSING), 0).astype(np.uint16)
    flags[2, 0] = int(Flag.SENTINEL | Flag.SOURCE)
    record = Record("=Ёлка <b>, 'x'", np.array(["2020-01-02T00:00:00.000001", "2020-01-01", "2020-01-01"], "M8[us]"),
                    [-2.0, np.nan, 0.5], values, flags, ("air", "?", "50 cm"),
                    Source("a/b.csv", "generic", "0" * 64, "head\nline", "UTC+08:00", "header", ("dates: proved",)),
                    {"latitude": 70.0, "list": [1, "two", None]}, {"snow": np.array([1.0, np.nan, 3.0])}, ("read",))
    write_series(tmp_path / "a.parquet", "a", record)
    assert same(read_series(tmp_path / "a.parquet"), record)


def test_no_row_and_one_row_come_back(tmp_path):
    for n in (0, 1):
        record = Record("few", np.array(["2020-01-01"] * n, "M8[us]"), [0.1], np.ones((n, 1)))
        write_series(tmp_path / "a.parquet", "a", record)
        assert same(read_series(tmp_path / "a.parquet"), record)


def test_stored_records_are_those_read(archive, store):
    read = [record for path in sorted(archive.rglob("*.csv")) if path.name not in ("junk.csv", "empty.csv")
            for record in talik.read(path)]
    kept = stored(store)
    assert len(kept) == len(read) == 4
    assert all(any(same(a, b) for b in kept) for a in read)
    assert [r.site for r in stored(store, "site*")] == ["site0", "site1", "site2"]


def test_every_sample_file_comes_back_whole(tmp_path):
    samples = os.path.join(os.path.dirname(__file__), "..", "data", "readers")
    done = ingest([samples], tmp_path / "store")
    for record in stored(tmp_path / "store"):
        assert any(same(record, again) for again in talik.read(record.source.path))
    assert done.count("taken in") >= 20


def test_bad_files_are_refused_with_reasons_and_the_rest_goes_on(store):
    refused = table(store, "refusals")
    assert refused.height == 2
    assert refused.filter(pl.col("path").str.ends_with("empty.csv"))["reason"][0] == "empty.csv: is empty (0 bytes)"
    assert refused.filter(pl.col("path").str.ends_with("junk.csv"))["kind"].is_in(["UnknownFormat", "FileError"]).all()


def test_a_file_without_temperatures_is_refused_and_the_rest_goes_on(archive, tmp_path, monkeypatch):
    bare = Record("bare", np.array(["2020-01-01"], "M8[us]"), [], np.ones((1, 0)), others={"snow": np.ones(1)})
    monkeypatch.setattr("talik.store.intake.records_of",
                        lambda path, *told, **more: [bare] if path.name == "snow.csv" else talik.read(path))
    (tmp_path / "snow.csv").write_text("snow\n")
    done = ingest([tmp_path / "snow.csv", archive / "site0.csv"], tmp_path / "store")
    assert (done.count("refused"), done.count("taken in"), done.refused) == (1, 1, 1)
    assert "no column of temperatures" in table(tmp_path / "store", "refusals")["reason"][0]
    again = ingest([tmp_path / "snow.csv", archive / "site0.csv"], tmp_path / "store")
    assert (again.count("unchanged"), again.refused) == (2, 1)


def test_depths_and_place_can_be_told(archive, tmp_path):
    told = {"depths": [-2.0, 0.0, 1.0], "latitude": 70.5, "longitude": -150.0}
    ingest([archive / "site0.csv"], tmp_path / "store", options=told)
    [record] = stored(tmp_path / "store")
    assert list(record.depths) == told["depths"]
    assert (record.metadata["latitude"], record.metadata["longitude"]) == (70.5, -150.0)


def test_only_what_changed_is_read_again(archive, store):
    before = written(store)
    assert ingest([archive], store).count("unchanged") == 6
    old = table(store, "series").filter(pl.col("site") == "site1")["series_id"][0]
    content = (archive / "site1.csv").read_text()
    (archive / "site1.csv").write_text(content.rstrip("\n").rpartition("\n")[0] + "\n")
    (archive / "junk.csv").write_text(content)
    done = ingest([archive], store)
    assert (done.count("taken in"), done.count("unchanged"), done.refusals) == (2, 4, 1)
    assert not series_path(store, old).exists()
    after = written(store)
    assert {k: after.get(k) for k in before if k != old} == {k: t for k, t in before.items() if k != old}
    assert verify_store(store) == []


def test_a_changed_companion_or_option_reads_the_file_again(tmp_path, archive, store):
    (archive / "site1.metadata.txt").write_text("Name:\tHilltop\nLatitude:\t70.1\n")
    assert ingest([archive], store).count("taken in") == 1
    assert "Hilltop" in table(store, "series")["site"].to_list()
    assert ingest([archive / "site0.csv"], store, options={"timezone": "+08:00"}).count("taken in") == 1
    assert ingest([archive / "site0.csv"], store, options={"timezone": "+08:00"}).count("unchanged") == 1
    assert ingest([archive / "site0.csv"], store, options={"timezone": "+08:00"}, fresh=True).count("taken in") == 1


def test_what_was_said_of_a_file_is_kept_with_it(archive, tmp_path):
    """Also when others are taken in, the file changes, or more is said of it."""
    store, file = tmp_path / "store", archive / "site0.csv"
    ingest([file], store, options={"depths": (-2, 0.25, 1), "latitude": 70.5})

    def depths_and_place():
        [record] = stored(store, "site0")
        return [*record.depths, record.metadata.get("latitude"), record.metadata.get("longitude")]

    before = written(store)
    assert ingest([archive], store).to_frame().filter(path=str(file))["status"].item() == "unchanged"
    assert written(store).items() >= before.items()
    file.write_text(file.read_text().rpartition("\n2019")[0] + "\n")
    assert ingest([archive], store).count("taken in") == 1
    assert depths_and_place() == [-2, 0.25, 1, 70.5, None]
    more = ingest([file], store, options={"longitude": -150.0})
    assert (more.count("taken in"), more.to_frame()["note"].to_list()) == (1, [None])
    assert depths_and_place() == [-2, 0.25, 1, 70.5, -150.0]
    assert ingest([archive], store, fresh=True).count("taken in") == 4
    assert depths_and_place() == [-2, 0.25, 1, 70.5, -150.0]


def test_what_is_said_now_wins_and_that_is_told(archive, tmp_path):
    store, file = tmp_path / "store", archive / "site0.csv"
    ingest([file], store, options={"timezone": "+08:00", "latitude": 70.5, "columns": {"unit": "C"}})
    done = ingest([file], store, options={"timezone": "+09:00", "columns": {"depth_unit": "m"}})
    assert done.to_frame()["note"].to_list() == ["timezone +09:00 in place of +08:00"]
    assert "1 read by options in place of kept ones" in str(done)
    told = ingest([file], store, options={"latitude": None, "columns": {"unit": "F"}}).to_frame()["note"].item()
    assert told == "latitude nothing in place of 70.5; columns unit=F,depth_unit=m in place of unit=C,depth_unit=m"
    assert stored(store)[0].metadata.get("latitude") is None
    shown = CliRunner().invoke(group, ["ingest", str(file), "--store", str(store), "--timezone", "UTC"])
    assert "(1 series): timezone UTC in place of +09:00" in shown.stderr


def test_what_was_said_of_a_file_that_was_refused_is_not_kept(archive, tmp_path):
    """A mistake in a command for a whole archive must not outlive it."""
    store, file = tmp_path / "store", archive / "site0.csv"
    assert ingest([file], store, options={"encoding": "nonsense"}).refused == 1
    assert ingest([file], store, options={"depths": [0, 1, 2]}).count("taken in") == 1
    assert ingest([file], store, options={"timezone": "nonsense"}).refused == 1
    assert ingest([file], store).count("taken in") == 1
    assert list(stored(store)[0].depths) == [0, 1, 2]
    file.write_text("Date/Depth,0.1\n2020-01-01 00:00,-20\n2020-01-01 01:00,-21\n")
    [reason] = ingest([file], store).to_frame()["reason"]
    assert "3 depths given for 1" in reason
    assert reason.endswith("(Read as an earlier ingest said: depths.)")


def test_a_file_that_goes_bad_keeps_its_earlier_series(archive, store):
    (archive / "site0.csv").write_bytes(b"\0\1\2" * 100)
    assert ingest([archive], store).count("refused") == 1
    assert "site0" in table(store, "series")["site"].to_list()


def test_equal_series_are_counted(archive, tmp_path):
    (archive / "copy.csv").write_bytes((archive / "site0.csv").read_bytes())
    done = ingest([archive], tmp_path / "other")
    assert done.duplicates == 1
    assert "1 series hold the same values" in str(done)


def test_processes_give_the_same_store_as_one(archive, tmp_path, store):
    ingest([archive], tmp_path / "two", jobs=2)
    for name in ("series", "columns"):
        assert table(tmp_path / "two", name).drop("bytes", "crc32", "sha256", strict=False).equals(
            table(store, name).drop("bytes", "crc32", "sha256", strict=False))
    assert verify_store(tmp_path / "two") == []


def test_progress_tells_only_what_is_safe(archive, tmp_path):
    seen = []
    done = ingest([archive], tmp_path / "store", watch=lambda n, of, outcome: seen.append((n, of, outcome.path)))
    assert [n for n, _, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert {path for _, _, path in seen} == set(done.to_frame()["path"])


def test_companions_hidden_files_and_the_store_itself_are_not_taken_in(archive, tmp_path):
    (archive / ".hidden.csv").write_text("x")
    (archive / "site0.metadata.txt").write_text("Name:\tA\n")
    inside = archive / "store"
    first = ingest([archive], inside)
    assert ingest([archive], inside).count("unchanged") == first.to_frame().height == 6


def test_names_in_no_known_encoding(archive, tmp_path):
    odd = os.path.join(os.fsencode(archive), b"\xe6\xf8.csv")
    with open(odd, "wb") as stream:
        stream.write((archive / "site0.csv").read_bytes())
    done = ingest([archive], tmp_path / "store")
    assert done.count("taken in") + done.count("refused") == 7
    assert any(path.endswith("\\xe6\\xf8.csv") for path in done.to_frame()["path"])


def test_faults_of_the_caller(archive, tmp_path):
    with pytest.raises(FileError, match="nowhere: no such file or folder"):
        ingest([tmp_path / "nowhere"], tmp_path / "s")
    with pytest.raises(UsageError, match="jobs: got 0, expected at least 1"):
        ingest([archive], tmp_path / "s", jobs=0)
    with pytest.raises(UsageError, match="got 'zone', expected format, encoding"):
        ingest([archive], tmp_path / "s", options={"zone": "x"})
    with pytest.raises(StoreError, match="no store here"), reading(tmp_path):
        pass
    assert not is_store(tmp_path)


def test_a_reader_that_breaks_costs_only_its_file(archive, tmp_path, monkeypatch):
    monkeypatch.setattr("talik.store.intake.records_of",
                        lambda path, *told, **more: 1 / 0 if path.name == "site1.csv" else talik.read(path))
    done = ingest([archive], tmp_path / "store")
    assert done.count("taken in") == 3
    assert "cannot be taken in (ZeroDivisionError" in "".join(done.to_frame()["reason"].drop_nulls())


def test_the_second_writer_waits_or_fails_cleanly(archive, store):
    with sole_writer(store, 0), pytest.raises(StoreError, match="another writer is at work on this store"):
        ingest([archive], store, wait=0.2)
    code = ("import time; from talik.store.lock import sole_writer\nfrom pathlib import Path\n"
            f"with sole_writer(Path({str(store)!r}), 0):\n print('held', flush=True); time.sleep(1.5)")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        since = time.monotonic()
        assert ingest([archive], store, wait=30).count("unchanged") == 6
        assert time.monotonic() - since > 0.5


def test_a_reader_of_a_store_that_is_written_to_is_told(archive, store):
    code = ("import sys; from talik.store.catalogue import writing\n"
            f"with writing({str(store)!r}):\n print('held', flush=True)\n sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as holder:
        holder.stdout.readline()
        with pytest.raises(StoreError, match="another process is writing to the store"), reading(store, wait=0.2):
            pass
        holder.stdin.close()


def digests(folder):
    return {path: sha256(path) for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "writer.lock"}


@pytest.mark.parametrize("version", [3, 99])
def test_a_store_of_another_version_is_refused_and_unharmed(archive, store, version):
    with duckdb.connect(store / "catalogue.duckdb") as connection:
        connection.execute("UPDATE store SET version = ?", [version])
    before = digests(store)
    for use in (lambda: ingest([archive], store), lambda: verify_store(store), lambda: stored(store)):
        with pytest.raises(StoreError, match=f"has version {version}, this talik reads version 5. Nothing was changed"):
            use()
    assert digests(store) == before


def test_series_without_a_catalogue_are_not_swept_away(archive, store):
    (store / "catalogue.duckdb").unlink()
    before = digests(store)
    with pytest.raises(StoreError, match="series but no catalogue.duckdb. Make it anew from the series: talik verify"):
        ingest([archive], store)
    assert digests(store) == before


def test_a_folder_that_may_not_be_written_to(archive, tmp_path, monkeypatch):
    def refused(path, *rest, **more):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("talik.store.lock.os.open", refused)
    with pytest.raises(StoreError, match="cannot be written to: Permission denied. Choose another folder"):
        ingest([archive], tmp_path / "store")


@pytest.mark.parametrize("name", [
    "new\nline.csv", "esc\x1b[31m.csv", unicodedata.normalize("NFD", "Žé.csv"), unicodedata.normalize("NFC", "Žé.csv"),
    "x" * 251 + ".csv", "-rf.csv", " a .csv", "a#b%20[1]*?.csv", "back\\slash.csv"])
def test_hard_names_are_names(archive, tmp_path, name):
    folder = tmp_path / "hard"
    folder.mkdir()
    (folder / name).write_bytes((archive / "site0.csv").read_bytes())
    done = ingest([folder], tmp_path / "store")
    assert (done.count("taken in"), ingest([folder], tmp_path / "store").count("unchanged")) == (1, 1)
    [(path, fault)] = exported(stored(tmp_path / "store"), "csv", tmp_path / "out")
    assert (path.parent, fault) == (tmp_path / "out", "")
    assert not path.name.startswith(("-", "."))


def test_links_and_equal_names(archive, tmp_path):
    (archive / "north" / "site0.csv").write_bytes((archive / "site1.csv").read_bytes())
    (archive / "link.csv").symlink_to(archive / "site0.csv")
    (archive / "nowhere.csv").symlink_to(archive / "gone.csv")
    (archive / "round").symlink_to(archive)
    os.mkfifo(archive / "pipe.csv")
    done = ingest([archive], tmp_path / "store")
    assert (done.count("taken in"), done.count("refused"), done.duplicates) == (6, 2, 2)


def test_a_file_that_changes_or_goes_while_it_is_read_is_read_again(archive, tmp_path, monkeypatch):
    right = intake.records_of

    def meanwhile(path, *told, **more):
        found = right(path, *told, **more)
        if path.name == "site0.csv":
            path.write_text(path.read_text() + "2021-01-01 00:00:00,1,1,1\n")
        return found

    def vanished(path, *told, **more):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))

    monkeypatch.setattr(intake, "records_of", meanwhile)
    done = ingest([archive], tmp_path / "store")
    assert "site0.csv: was changed while it was read" in "".join(done.to_frame()["reason"].drop_nulls())
    assert done.count("taken in") == 3
    monkeypatch.setattr(intake, "records_of", vanished)
    assert "site0.csv: cannot be read: No such file" in "".join(
        ingest([archive], tmp_path / "store").to_frame()["reason"].drop_nulls())
    monkeypatch.undo()
    assert ingest([archive], tmp_path / "store").count("taken in") == 1


def test_a_folder_that_cannot_be_listed_is_refused_and_the_rest_goes_on(archive, tmp_path, monkeypatch):
    right = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("north"):
            raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
        return right(path)

    monkeypatch.setattr(os, "scandir", scandir)
    done = ingest([archive], tmp_path / "store")
    assert done.count("taken in") == 3
    assert "north: the folder cannot be listed" in "".join(done.to_frame()["reason"].drop_nulls())


def test_companions_of_each_format(tmp_path):
    for name in ("a.csv", "a_metadata.json", "b_temp.csv", "b_cfg.txt", "wr1.txt", "fld1.txt", "c12.csv",
                 "c1.metadata.txt"):
        (tmp_path / name).write_text("x")
    beside = {name: [p.name for p in sources.companions_of(tmp_path / name)]
              for name in ("a.csv", "b_temp.csv", "wr1.txt", "c12.csv")}
    assert beside == {"a.csv": ["a_metadata.json"], "b_temp.csv": ["b_cfg.txt"], "wr1.txt": ["fld1.txt"],
                      "c12.csv": ["c1.metadata.txt"]}
