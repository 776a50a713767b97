"""What every test may ask for: the real files, a quiet matplotlib, a seed."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
settings.register_profile("talik", deadline=None)       # a busy machine is no fault
settings.load_profile("talik")

PATIENCE = 180_000
"""How long a browser may take for anything [ms]: a slow machine is no fault."""

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
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as p:
        running = p.chromium.launch(executable_path=chromium, timeout=PATIENCE, args=[
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def opened(browser):
    """A context manager: the page at an address that fails on any console warning, error or request outside."""

    @contextmanager
    def opening(address, *, width=1300, height=900, scheme="light", ready=None):
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True)
        page.set_default_timeout(PATIENCE)
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        try:
            page.goto(address)
            if ready:
                page.wait_for_selector(ready)
            yield page
        finally:
            page.close()
        assert said == []
        inside = ("data:", "blob:", "file:", "http://127.0.0.1")
        assert [url for url in asked if not url.startswith(inside)] == []

    return opening
