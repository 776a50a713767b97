"""`import talik` costs the standard library only, and every public name can be had."""

import subprocess
import sys

import pytest

import talik

HEAVY = ("numpy", "polars", "pandas", "scipy", "matplotlib", "duckdb", "numba", "xgboost", "click", "pydantic")


def loaded_by(code: str) -> set[str]:
    shown = subprocess.run([sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
                           capture_output=True, text=True, check=True).stdout
    return {name.split(".")[0] for name in shown.split()}


def test_importing_talik_loads_nothing_heavy():
    assert not loaded_by("import talik") & set(HEAVY)


def test_help_loads_no_numbers():
    """Neither that of talik nor that of any command."""
    code = ("from talik.cli import _COMMANDS, group\ngroup.main(['--help'], standalone_mode=False)\n"
            "for name in _COMMANDS: group.main([name, '--help'], standalone_mode=False)\nprint()")
    assert not loaded_by(f"exec({code!r})") & set(HEAVY) - {"click"}


@pytest.mark.parametrize("name", talik.__all__)
def test_every_public_name_exists_and_is_documented(name):
    assert getattr(talik, name).__doc__


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'sitess'"):
        talik.sitess  # noqa: B018
