"""Steps are whole or absent, kept when nothing changed, done again when anything did."""

import json
import os
from pathlib import Path

import polars as pl
import pytest

from talik.errors import FileError, StoreError
from talik.settings import checked
from talik.steps import LOCK, STATE, Desk, NotRun, Step, run_steps


def settings(seed=1, table="sites.csv", home="."):
    return checked({"study": {"name": "x", "seed": seed}, "sites": {"table": table}}, home=Path(home))


def two_steps(calls, fail=False):
    def first(desk: Desk):
        calls.append("first")
        desk.write("a.csv", pl.DataFrame({"v": [desk.settings.study.seed]}))

    def second(desk: Desk):
        calls.append("second")
        desk.write("b.csv", desk.read("a.csv"))
        if fail:
            raise KeyboardInterrupt
        return NotRun("no reason", "nothing") if fail is None else None

    return [Step("first", first), Step("second", second, needs=("first",))]


def test_a_second_run_keeps_everything(tmp_path):
    calls = []
    run_steps(two_steps(calls), settings(), tmp_path / "r")
    again = run_steps(two_steps(calls), settings(), tmp_path / "r")
    assert calls == ["first", "second"]
    assert [o.status for o in again] == ["kept", "kept"]


def test_a_changed_setting_reruns_what_depends_on_it(tmp_path):
    calls = []
    run_steps(two_steps(calls), settings(seed=1), tmp_path / "r")
    run_steps(two_steps(calls), settings(seed=2), tmp_path / "r")
    assert calls == ["first", "second"] * 2
    assert pl.read_csv(tmp_path / "r" / "b.csv")["v"].to_list() == [2]


def test_a_changed_input_file_reruns_the_step_that_reads_it(tmp_path):
    (tmp_path / "sites.csv").write_text("1")
    calls = []
    steps = two_steps(calls)
    steps[1] = Step("second", steps[1].does, needs=("first",), files=lambda s: [s.path("sites.csv")])
    run_steps(steps, settings(home=tmp_path), tmp_path / "r")
    (tmp_path / "sites.csv").write_text("2")
    run_steps(steps, settings(home=tmp_path), tmp_path / "r")
    assert calls == ["first", "second", "second"]


@pytest.mark.parametrize("harm", ["delete", "change"])
def test_a_deleted_or_changed_output_is_made_again_the_same(tmp_path, harm):
    calls = []
    run_steps(two_steps(calls), settings(), tmp_path / "r")
    before = (tmp_path / "r" / "a.csv").read_bytes()
    target = tmp_path / "r" / "a.csv"
    target.unlink() if harm == "delete" else target.write_text("v\n9\n")
    run_steps(two_steps(calls), settings(), tmp_path / "r")
    assert target.read_bytes() == before
    assert calls == ["first", "second", "first"]        # the same file again: what needs it is kept


def test_an_interruption_leaves_finished_steps_whole_and_nothing_else(tmp_path):
    results = tmp_path / "r"
    with pytest.raises(KeyboardInterrupt):
        run_steps(two_steps([], fail=True), settings(), results)
    assert sorted(p.name for p in results.iterdir()) == [STATE, "a.csv"]
    calls = []
    outcomes = run_steps(two_steps(calls), settings(), results)
    assert calls == ["second"]
    assert [o.status for o in outcomes] == ["kept", "done"]


def test_a_step_that_cannot_run_says_why_and_stays_so(tmp_path):
    for _ in range(2):
        outcome = run_steps(two_steps([], fail=None), settings(), tmp_path / "r")[1]
        assert (outcome.came, outcome.reason, outcome.remedy) == ("in part", "no reason", "nothing")


def test_files_that_a_step_no_longer_makes_are_removed(tmp_path):
    def makes(names):
        return [Step("s", lambda desk: [desk.write(n, pl.DataFrame({"v": [1]})) for n in names] and None)]

    run_steps(makes(["a.csv", "b.csv"]), settings(seed=1), tmp_path / "r")
    (tmp_path / "r" / "mine.txt").write_text("kept")
    run_steps(makes(["a.csv"]), settings(seed=2), tmp_path / "r")
    assert sorted(p.name for p in (tmp_path / "r").iterdir()) == [STATE, "a.csv", "mine.txt"]


def test_a_folder_of_somebody_else_is_refused_and_untouched(tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(FileError, match="not empty and was not written by talik .*'thesis.docx'.*--out"):
        run_steps(two_steps([]), settings(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_damaged_state_means_doing_the_steps_again(tmp_path):
    run_steps(two_steps([]), settings(), tmp_path / "r")
    (tmp_path / "r" / STATE).write_text("{")
    calls = []
    run_steps(two_steps(calls), settings(), tmp_path / "r")
    assert calls == ["first", "second"]
    assert set(json.loads((tmp_path / "r" / STATE).read_text())) == {"first", "second"}


def test_two_runs_into_one_folder_do_not_mix(tmp_path):
    def intrude(desk):
        run_steps(two_steps([]), settings(), desk.results)

    with pytest.raises(StoreError, match="another talik run is writing here"):
        run_steps([Step("outer", intrude)], settings(), tmp_path / "r")
    assert not (tmp_path / "r" / LOCK).exists()


def test_a_path_that_cannot_be_a_folder_is_a_plain_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be used as output folder"):
        run_steps(two_steps([]), settings(), tmp_path / "file" / "r")


def test_a_read_only_folder_is_a_plain_error(tmp_path, monkeypatch):
    run_steps(two_steps([]), settings(), tmp_path / "r")
    opened = Path.open

    def refused(path, mode="r", *rest, **more):          # the tests may run as root, whom no mode of a folder stops
        if path.parent == tmp_path / "r" and "w" in mode:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(FileError, match="cannot be used as output folder: Permission denied. Choose another"):
        run_steps(two_steps([]), settings(), tmp_path / "r")


@pytest.mark.skipif(os.name == "nt", reason="no resource limits there")
def test_a_full_disk_leaves_nothing_partial(tmp_path):
    import resource
    import signal

    def big(desk):
        (desk.staging / "big.bin").write_bytes(b"x" * 100_000)

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, old[1]))
        with pytest.raises(FileError, match="cannot write its files: File too large"):
            run_steps([Step("big", big)], settings(), tmp_path / "r")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, before)
    assert list((tmp_path / "r").iterdir()) == []


def test_a_run_that_ended_before_its_manifest_is_told_apart(tmp_path):
    import json

    from talik.steps import STATE, interrupted

    manifest = {"outputs": [{"path": "a.csv", "sha256": "1"}]}
    assert not interrupted(tmp_path, manifest)                        # no state: nothing is known of a later run
    for digest, told in (("1", False), ("2", True)):
        (tmp_path / STATE).write_text(json.dumps({"a": {"outputs": [["a.csv", 1, digest]]}}))
        assert interrupted(tmp_path, manifest) is told


def test_what_a_killed_run_left_half_written_is_swept(tmp_path):
    """Killed while it wrote its first state: the folder is still its own, and the next run clears it."""
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "..talik-state-kk45mnc9.part.json").write_text("{")
    run_steps(two_steps([]), settings(), tmp_path / "r")
    assert {p.name for p in (tmp_path / "r").iterdir()} == {STATE, "a.csv", "b.csv"}
