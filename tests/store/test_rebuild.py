"""A lost or damaged catalogue is made anew from the series, and says what the old one said."""

import shutil

import pytest
from click.testing import CliRunner

import talik
from talik.cli import group
from talik.errors import StoreError, TalikError, UsageError
from talik.store.catalogue import CATALOGUE, SEAL, TABLES, is_store, reading
from talik.store.ingest import ingest
from talik.store.intake import series_path
from talik.store.lock import sole_writer
from talik.store.rebuild import ASIDE, rebuild
from talik.store.verify import verify_store

SUMS = ("bytes", "crc32", "sha256")


def tables(store, *without):
    with reading(store) as catalogue:
        return {name: catalogue.table(name) for name in TABLES if name not in without}


def flags_of(store):
    with reading(store) as catalogue:
        return [(r.site, r.history, r.values.tobytes(), r.flags.tobytes(), r.depths.tobytes())
                for as_read in (False, True) for r in catalogue.records(as_read=as_read)]


def spoil(path, place=4100):
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize(("fault", "check"), [
    ("lost", True), *(pytest.param(*rare, marks=pytest.mark.slow) for rare in (
        ("flipped", False), ("cut", False), ("lost with its seal", False), ("no data base", True)))])
def test_the_new_catalogue_says_what_the_old_one_said(archive, tmp_path, fault, check):
    store = tmp_path / "a störe"
    ingest([archive / "site0.csv"], store, options={"depths": [-2.0, 0.0, 1.0], "latitude": 70.5})
    ingest([archive], store, check=check)
    before, values = tables(store, "store", "refusals"), flags_of(store)
    rules = tables(store)["store"]["rules"].to_list()
    path = store / CATALOGUE
    if fault.startswith("lost"):
        path.unlink()
        (store / f"{CATALOGUE}.wal").write_bytes(b"of no use")
    elif fault == "flipped":
        spoil(path)
    else:
        path.write_bytes(path.read_bytes()[:5000] if fault == "cut" else b"junk" * 4096)
    if "seal" in fault:
        (store / SEAL).unlink()
    assert [name for name, _ in verify_store(store)] == [CATALOGUE]
    done = rebuild(store)
    assert (done.series, done.files, done.findings) == (4, 4, ())
    assert verify_store(store) == []
    after = tables(store, "store", "refusals")
    for name, table in before.items():
        assert after[name].drop(SUMS, strict=False).equals(table.drop(SUMS, strict=False)), name
    assert (flags_of(store), tables(store)["store"]["rules"].to_list()) == (values, rules)
    again = ingest([archive], store)
    assert (again.count("unchanged"), again.count("refused"), again.count("taken in")) == (4, 2, 0)


def test_a_whole_catalogue_is_left_alone(store, tmp_path):
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="the catalogue is whole; nothing was changed"):
        rebuild(store)
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before
    with pytest.raises(StoreError, match="nothing to make a catalogue from"):
        rebuild(tmp_path / "nothing")
    (tmp_path / "archive" / "series" / "a1").mkdir(parents=True)
    (tmp_path / "archive" / "series" / "a1" / "borehole.parquet").touch()
    assert not is_store(tmp_path / "archive")
    assert is_store(store)


def test_damaged_series_are_set_aside_and_read_again(archive, store):
    victim = sorted((store / "series").rglob("*.parquet"))[0]
    renamed = sorted((store / "series").rglob("*.parquet"))[1]
    spoil(victim, victim.stat().st_size // 2)
    renamed.rename(renamed.with_name("0" * 20 + ".parquet"))
    (store / CATALOGUE).unlink()
    run = CliRunner().invoke(group, ["verify", str(store), "--rebuild"])
    assert (run.exit_code, run.stdout.count("the stored series is damaged")) == (1, 2)
    assert "made anew from 2 series of 2 files; 2 damaged ones are set aside" in run.stdout
    assert victim.with_name(victim.name + ASIDE).exists()
    assert verify_store(store) == []
    done = ingest([archive], store)
    assert (done.count("taken in"), done.count("unchanged")) == (2, 2)
    assert victim.exists()
    fine = CliRunner().invoke(group, ["verify", str(store)])
    assert (fine.exit_code, fine.stdout) == (0, f"{store}: every series is as it was written.\n")


def test_metadata_that_say_another_thing_than_when_written_are_told(store):
    """A page checksum does not cover the file's own metadata: the seal does."""
    path = sorted((store / "series").rglob("*.parquet"))[0]
    changed = path.read_bytes().replace(b'"depths": [0.', b'"depths": [9.')
    assert changed != path.read_bytes()
    path.write_bytes(changed)
    (store / CATALOGUE).unlink()
    done = rebuild(store)
    assert ["its content is not what its seal says" in fault for _, fault in done.findings] == [True]


def test_the_latest_whole_reading_of_a_file_counts(archive, store, tmp_path):
    """A writer is killed after its series are written and before old ones go: both lie there."""
    shutil.copytree(store, tmp_path / "old")
    text = (archive / "site0.csv").read_text()
    (archive / "site0.csv").write_text(text.rpartition("\n2019")[0] + "\n")
    ingest([archive], store)
    right = flags_of(store)
    shutil.copytree(tmp_path / "old" / "series", store / "series", dirs_exist_ok=True)
    (store / CATALOGUE).unlink()
    assert rebuild(store).series == 4
    assert flags_of(store) == right
    assert ingest([archive], store).count("unchanged") == 4
    assert len(list((store / "series").rglob("*.parquet"))) == 4


def test_a_file_of_which_a_series_is_lost_is_read_again(tmp_path, monkeypatch):
    right = talik.read

    def twice(path, *told, **more):
        [record] = right(path)
        return [record, record.with_flags(record.flags, note="the second")]

    (tmp_path / "a.csv").write_text("Date/Depth,0.1,0.5\n2020-01-01 00:00,-20,-9\n2020-01-01 01:00,-21,-9\n")
    monkeypatch.setattr("talik.store.intake.records_of", twice)
    ingest([tmp_path / "a.csv"], tmp_path / "store")
    series = tables(tmp_path / "store")["series"]
    series_path(tmp_path / "store", series["series_id"][0]).unlink()
    (tmp_path / "store" / CATALOGUE).unlink()
    assert rebuild(tmp_path / "store").series == 1
    assert ingest([tmp_path / "a.csv"], tmp_path / "store").count("taken in") == 1
    assert verify_store(tmp_path / "store") == []
    assert tables(tmp_path / "store")["series"].height == 2


@pytest.mark.parametrize("limit", [pytest.param(6_000, marks=pytest.mark.slow), 100_000])
def test_a_full_disk_leaves_what_there_was(archive, store, limit):
    """No file may grow beyond a limit: the series cannot be written, or the catalogue cannot."""
    resource = pytest.importorskip("resource")
    right, (soft, hard) = flags_of(store), resource.getrlimit(resource.RLIMIT_FSIZE)
    (store / CATALOGUE).unlink()
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(TalikError, match="cannot be written"):
            rebuild(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (store / CATALOGUE).exists()
    assert rebuild(store).series == 4
    assert flags_of(store) == right


def test_a_writer_at_work_is_waited_for(store):
    (store / CATALOGUE).unlink()
    with sole_writer(store, 0), pytest.raises(StoreError, match="another writer is at work"):
        rebuild(store, wait=0)
