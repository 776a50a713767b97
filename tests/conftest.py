"""What every test may ask for: the real files, a quiet matplotlib, a seed."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
settings.register_profile("talik", deadline=None)       # a busy machine is no fault
settings.load_profile("talik")

REAL = Path(os.environ.get("TALIK_REAL_DATA") or Path(__file__).parents[2] / "shared" / "data")


def pytest_collection_modifyitems(config, items):
    """Tests marked `realdata` are skipped, with the reason, where the folder is missing; CI must have it."""
    if REAL.is_dir():
        return
    if os.environ.get("TALIK_REQUIRE_REAL_DATA"):
        raise pytest.UsageError(f"TALIK_REQUIRE_REAL_DATA is set but there is no folder {REAL}")
    skip = pytest.mark.skip(reason=f"real files not found at {REAL}; set TALIK_REAL_DATA")
    for item in items:
        if "realdata" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real files (loggers, stations, calm, era5, maps, three_poles)."""
    return REAL


@pytest.fixture(scope="session")
def oracles() -> Path:
    """The folder of oracle results, beside the real files."""
    return REAL.parent / "oracles"


@pytest.fixture(scope="session")
def yakutian_air_and_soil(real):
    """The records of six real stations, air (1882 to 2025) and soil (1964 to 2023); read once for all tests."""
    from talik.readers.registry import read

    return tuple(read(real / "stations" / "rhm_yakutia" / f"wr373144{part}.zip") for part in ("a2", "a3"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A results folder of the bundled study, made by the first worker that asks for it; not to be changed."""
    from talik.runs import run_study, study_settings
    from talik.store.lock import sole_writer

    alone = "PYTEST_XDIST_WORKER" not in os.environ
    shared = tmp_path_factory.getbasetemp() if alone else tmp_path_factory.getbasetemp().parent
    with sole_writer(shared / "finished", wait=3600):
        results = shared / "finished" / "three-poles"
        if not (results / "manifest.json").exists():
            run_study(study_settings("three-poles"), results)
    return results


@pytest.fixture
def results(finished, tmp_path) -> Path:
    """A copy of that folder to harm."""
    return Path(shutil.copytree(finished, tmp_path / "results"))


@pytest.fixture(scope="module")
def browser():
    """A Chromium that calls nobody; closed with the module, so that its event loop is in nobody's way."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium on PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        running = p.chromium.launch(executable_path=chromium, args=[
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"])
        yield running
        running.close()
