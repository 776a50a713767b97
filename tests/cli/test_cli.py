"""The command line: plain words, exit codes, tables for people and CSV or JSON for programs."""

import json
import os
import subprocess
import sys

import polars as pl
import pytest

from talik.cli import _COMMANDS, group


def test_help_lists_every_command_with_its_sentence():
    shown = subprocess.run([sys.executable, "-m", "talik", "--help"], capture_output=True, text=True, check=True).stdout
    for name in _COMMANDS:
        assert f"  {name} " in shown
        command = group.get_command(None, name)
        assert command.name == name
        assert command.help


@pytest.mark.parametrize("args, code, message", [
    (["rnu"], 2, "unknown command 'rnu'. Did you mean 'run'"),
    (["run"], 2, "Missing argument 'STUDY'"),
    (["run", "three-pole"], 2, "unknown study 'three-pole'. Did you mean 'three-poles'"),
    (["run", "nothing.toml"], 3, "nothing.toml: no such file"),
    (["verify", "."], 3, "no manifest.json here"),
])
def test_faults_are_one_plain_message_and_a_code(talik, args, code, message):
    done = talik(*args)
    assert done.returncode == code
    assert message in done.stderr


def test_a_pipe_gets_csv_and_json_when_asked(talik):
    listed = pl.read_csv(talik("studies").stdout.encode())
    assert listed["name"].to_list() == ["three-poles"]
    assert json.loads(talik("studies", "--format", "json").stdout)[0]["sites"] == 117
    assert "Bundled studies" in talik("studies", "--format", "table").stdout


def test_an_output_folder_of_somebody_else_is_refused(talik, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    done = talik("run", "three-poles", "--out", tmp_path)
    assert done.returncode == 3
    assert "was not written by talik" in done.stderr
    assert os.listdir(tmp_path) == ["thesis.txt"]


def test_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -m talik scorecard three-poles | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert done.returncode == 0


def test_a_changed_result_is_a_finding(talik, results):
    (results / "summary.csv").write_text("nothing")
    done = talik("verify", results, "--no-rerun")
    assert done.returncode == 1
    assert "summary.csv: changed since it was made" in done.stdout
