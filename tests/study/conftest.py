"""The bundled study, run once for all tests that look at its results."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A results folder of the bundled study; not to be changed."""
    from talik.study import run_study, study_settings

    results = tmp_path_factory.mktemp("finished") / "three-poles"
    run_study(study_settings("three-poles"), results)
    return results


@pytest.fixture
def results(finished, tmp_path) -> Path:
    """A copy of that folder to harm."""
    return Path(shutil.copytree(finished, tmp_path / "results"))
