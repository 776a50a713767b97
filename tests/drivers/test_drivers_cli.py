"""The command prints parseable tables, the verdict in words, and plain errors."""

import polars as pl
import pytest
from click.testing import CliRunner

from talik.analysis.planted import planted_drivers
from talik.cli import group
from talik.errors import DataError


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("drivers") / "sites.csv"
    planted_drivers("strong", seed=4).write_csv(path)
    return str(path)


def run(*arguments):
    return CliRunner().invoke(group, ["drivers", *arguments], catch_exceptions=False)


def test_a_pipe_gets_one_table_of_ranks_and_the_verdict_on_the_side(table):
    result = run(table, "--predictors", "snow_depth,wind_speed,albedo", "--refits", "20", "--response", "SO")
    assert result.exit_code == 0
    ranks = pl.read_csv(result.stdout.encode())
    assert ranks["driver"][0] == "snow_depth"
    assert "declared as the leading driver" in result.stderr


@pytest.mark.parametrize(("show", "column"), [("skill", "null_high"), ("groups", "members"), ("flags", "detail"),
                                              ("interactions", "strength")])
def test_each_table_can_be_asked_for(table, show, column):
    result = run(table, "--predictors", "snow_depth,snow_cover,albedo", "--refits", "20", "--null", "1", "--show", show)
    assert column in pl.read_csv(result.stdout.encode()).columns


def test_a_terminal_gets_skill_and_ranks(table):
    result = run(table, "--predictors", "snow_depth,albedo", "--refits", "20", "--null", "0", "--format", "table")
    assert "Skill beyond the mean" in result.stdout
    assert "first in" in result.stdout


def test_the_figure_is_written(table, tmp_path):
    run(table, "--predictors", "snow_depth,albedo", "--refits", "20", "--figure", str(tmp_path / "ranks"))
    assert {path.name for path in tmp_path.iterdir()} == {"ranks.svg", "ranks.png"}


def test_a_bundled_study_says_that_nothing_is_resolved():
    result = run("three-poles", "--response", "TO", "--refits", "20")
    assert "no skill beyond the mean" in result.stderr
    assert "a coordinate" in result.stdout


def test_a_table_with_too_few_sites_is_a_plain_error(tmp_path):
    planted_drivers("strong", seed=4)[:10].write_csv(tmp_path / "few.csv")
    with pytest.raises(DataError, match="10 rows have"):
        run(str(tmp_path / "few.csv"), "--refits", "20")
