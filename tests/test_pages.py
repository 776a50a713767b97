"""Every `talik ...` line of README and how-to pages is a command that exists; what asks for little is run."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from talik.cli import group

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "howto").glob("*.md"))]
BLOCK = re.compile(r"^```\w*\n[\s\S]*?^```|^    .*$", re.MULTILINE)
LINE = re.compile(r"^(?:    |\$ )?talik ((?:\"[^\"]*\"|[^\n\"])+)$", re.MULTILINE)


def lines(page):
    """The words of each command on a page; a quoted question or a backslash may lead over several lines."""
    blocks = "\n".join(BLOCK.findall(re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))))
    for found in LINE.finditer(blocks):
        yield shlex.split(found[1], comments=True)


WRITTEN = [(page.stem, words) for page in PAGES for words in lines(page)]
QUICK = [words for _, words in WRITTEN if words[0] == "new" or "--dry-run" in words]


@pytest.mark.parametrize("page, words", WRITTEN, ids=lambda value: value if isinstance(value, str) else " ".join(value))
def test_a_line_of_a_page_is_a_command_that_exists(page, words):
    command = group.get_command(None, words[0])
    assert command is not None
    try:
        command.make_context(words[0], words[1:])
    except click.BadParameter as error:
        if "does not exist" not in str(error):                              # as do the reader's own files
            raise


@pytest.mark.parametrize("words", QUICK, ids=" ".join)
def test_a_line_that_asks_for_little_runs(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loggers").mkdir()
    words = [word.replace("~", str(tmp_path)) for word in words]            # as a shell does
    done = CliRunner().invoke(group, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout


def test_the_lines_are_found():
    assert {words[0] for _, words in WRITTEN} > {"run", "read", "offsets", "ingest", "query", "drivers", "compare"}
    assert len(QUICK) >= 3
    assert any("GROUP BY" in " ".join(words) for _, words in WRITTEN)
