"""A small study of the service's own, and the service over it."""

import asyncio
from dataclasses import replace
from datetime import date

import httpx
import polars as pl
import pytest

from talik.files import write_parquet
from talik.provenance import FileEntry, write_manifest

HOST = "127.0.0.1:8765"
TOKEN = "a" * 32


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """Results of three sites, one with years and days."""
    folder = tmp_path_factory.mktemp("study")
    write_parquet(folder / "sites.parquet", pl.DataFrame({
        "site": ["Barrow", "<b>Fox</b>", "Wudaoliang"], "region": ["Arctic", "Arctic", "Third Pole"],
        "flags": ["", "NO_COORDINATE;SHARED_BASIN", ""], "latitude": [71.3, None, 35.2],
        "longitude": [-156.6, None, 93.1],
        "surface_offset": [4.6, float("nan"), 3.2], "maat": [-11.1, -3.0, -5.4]}))
    pl.DataFrame({"by": "region", "group": ["Arctic", "Third Pole"], "variable": "surface_offset", "units": "K",
                  "n": [2, 1], "mean": [4.6, 3.2], "ci_low": [1.0, None], "ci_high": [8.0, None], "t_low": None,
                  "t_high": None, "reason": None}).write_csv(folder / "summary.csv")
    write_parquet(folder / "years.parquet", pl.DataFrame({"site": ["Barrow"] * 3, "year": [2001, 2002, 2003],
                                                          "surface_offset": [4.5, None, 4.7]}))
    write_parquet(folder / "series/barrow.parquet", pl.DataFrame({
        "time": [date(2020, 1, day) for day in (1, 2, 3)] * 2, "column": ["air"] * 3 + ["<i>1 m"] * 3,
        "depth": [-2.0] * 3 + [1.0] * 3, "temperature": [-20.0, None, -22.0, -5.0, -5.0, None],
        "rejected": [None, 99.0, None, None, None, None], "flags": [0, 8, 0, 0, 0, 1], "n": [24, 0, 24, 24, 24, 0]}))
    pl.DataFrame({"site": ["Barrow"], "series": ["barrow.parquet"]}).write_csv(folder / "series_stations.csv")
    write_manifest(folder, name="small", home=folder, settings={"study": {"title": "A small study"}}, inputs=[],
                   outputs=[FileEntry.of(path, path.relative_to(folder).as_posix())
                            for path in sorted(folder.rglob("*")) if path.is_file()])
    return folder


@pytest.fixture(scope="session")
def service(study):
    """The guarded application."""
    from talik.service.app import application

    return application(study, hosts=[HOST], limit=200_000)


class Client:
    """One who asks from this machine, and keeps cookies."""

    def __init__(self, app):
        self.app, self.cookies = app, httpx.Cookies()

    def request(self, method, path, **options):
        async def ask():
            inside = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=inside, base_url=f"http://{HOST}", cookies=self.cookies) as asking:
                answer = await asking.request(method, path, **options)
                self.cookies.update(asking.cookies)
                return answer
        return asyncio.run(ask())

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)


@pytest.fixture
def client(service):
    return Client(service)


@pytest.fixture
def guarded(service):
    """The same, but with a token asked for."""
    return Client(replace(service, token=TOKEN))


@pytest.fixture
def logger_file():
    """Two years of daily air, surface and ground temperatures as CSV."""
    import numpy as np

    days = np.arange(np.datetime64("2018-01-01"), np.datetime64("2020-01-01"))
    wave = np.cos(2 * np.pi * (np.arange(days.size) - 200) / 365.25)
    rows = ["time,-2.0 m,0.0 m,1.0 m"]
    rows += [f"{day} 12:00,{-10 + 18 * w:.2f},{-6 + 10 * w:.2f},{-7 + 3 * w:.2f}"
             for day, w in zip(days, wave, strict=True)]
    return ("\n".join(rows) + "\n").encode()
