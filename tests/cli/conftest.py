"""The command line as it is called, without the cost of a process of its own."""

from types import SimpleNamespace

import pytest

from talik.cli import main


@pytest.fixture
def talik(monkeypatch, capsys, tmp_path):
    """What a command ends with and prints, called from an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["talik", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return SimpleNamespace(returncode=ended.value.code, stdout=shown.out, stderr=shown.err)
    return call
