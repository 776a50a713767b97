"""Results folders for the atlas and the service, and a browser that reports everything a page does."""

from contextlib import contextmanager

import polars as pl
import pytest

from talik.files import write_parquet
from talik.provenance import FileEntry, write_manifest

HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="session")
def hostile_study(tmp_path_factory):
    """Results whose names try to run script, be a formula, end a script block, or be read as TeX."""
    folder = tmp_path_factory.mktemp("hostile")
    names = [HOSTILE, "</script><script>document.title=2</script>", "$$\\href{https://example.org}{x}$$", "=1+1"]
    regions = ["<script>document.title=3</script>", "$$x$$", "@{site}", "\u2028"]
    sites = pl.DataFrame({
        "site": names, "region": regions, "flags": ["<b>;$$y$$", "", "", ""], "flag_reasons": [HOSTILE, "", "", ""],
        "vegetation": ['" onmouseover="document.title=4', "=1+1", "{{ 7*7 }}", "Tundra"],
        "latitude": [60.0, 61.0, -75.0, 35.0], "longitude": [0.0, 10.0, 20.0, None],
        "maat": [-5.0, -5.1, -5.2, float("nan")], "magst": [-2.0, -2.1, -2.2, -2.3],
        "surface_offset": [3.0, 3.0, 3.0, None]})
    write_parquet(folder / "sites.parquet", sites)
    pl.DataFrame({"by": "region", "group": regions, "variable": "surface_offset", "units": "K", "n": 1, "mean": 3.0,
                  "ci_low": [1.0, 2.0, None, None], "ci_high": [4.0, 4.0, None, None], "t_low": None, "t_high": None,
                  "reason": HOSTILE}).write_csv(folder / "summary.csv")
    pl.DataFrame({"response": ["surface_offset"], "recommended": [HOSTILE], "published": ["$$x$$"]}
                 ).write_csv(folder / "drivers_verdicts.csv")
    pl.DataFrame({"site": names, "driver": HOSTILE, "value": [1.0, 2.0, 3.0, None], "response": "surface_offset",
                  "contribution": [-1.0, 1.0, 0.0, 2.0]}).write_csv(folder / "drivers_contributions.csv")
    write_manifest(folder, name="x", home=folder, settings={"study": {"title": "<script>alert(1)</script>"}}, inputs=[],
                   outputs=[FileEntry.of(path, path.name) for path in sorted(folder.iterdir())])
    return folder


@pytest.fixture(scope="module")
def opened(browser):
    """A context manager: the page at an address, ready, that fails on any console warning, error or request outside."""

    @contextmanager
    def opening(address, *, width=1300, height=900, scheme="light", ready=True):
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True)
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        if ready:
            page.wait_for_selector("html[data-charts=yes]", timeout=60_000)
        yield page
        assert said == []
        outside = ("data:", "blob:", "file:", "http://127.0.0.1")
        assert [url for url in asked if not url.startswith(outside)] == []
        page.close()

    return opening
