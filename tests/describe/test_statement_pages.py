"""The pages on tables, describe and scorecard do what they say: commands run, Python gives what is shown."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from talik.cli import group

PAGES = Path(__file__).parents[2] / "docs" / "howto"
CLAIMS = "claim_id,where,statistic,group,stated\n1,here,mean SO,Alaska,5.5\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the example table of the page on one's own table, and a claim on it."""
    page = (PAGES / "your-own-table.md").read_text("utf-8")
    (tmp_path / "sites.csv").write_text(re.search(r"```csv\n(.*?)```", page, re.DOTALL)[1], "utf-8")
    (tmp_path / "claims.csv").write_text(CLAIMS, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python_on_a_table_of_ones_own_gives_what_is_shown(folder):
    result = doctest.testfile(str(PAGES / "your-own-table.md"), module_relative=False, encoding="utf-8",
                              optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.attempted > 1
    assert result.failed == 0


@pytest.mark.parametrize("page", ["describe", "scorecard", "your-own-table"])
def test_commands_run(page, folder):
    text = (PAGES / f"{page}.md").read_text("utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    assert lines
    for line in lines:
        result = CliRunner().invoke(group, shlex.split(line)[1:])
        assert result.exit_code == 0, f"{line}: {result.output}"
