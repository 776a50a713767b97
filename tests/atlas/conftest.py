"""Results folders for the atlas and the service, and their atlas in a browser."""

import numpy as np
import polars as pl
import pytest

from talik.files import write_parquet
from talik.provenance import FileEntry, write_manifest
from talik.records import Flag

HOSTILE = '<img src=x onerror="document.title=1">'


def daily(columns, days, *, gap=(), rejected=()):
    """A station by day: a yearly wave that dies away with depth, days without value, and rejected values."""
    time = np.datetime64("2018-01-01") + np.arange(days)
    parts = []
    for name, depth in columns.items():
        ground = max(depth or 0.0, 0.0)
        wave = -4 + 14 * np.exp(-ground) * np.cos(2 * np.pi * (np.arange(days) - 200) / 365.25 - ground)
        known = ~np.isin(np.arange(days), gap) if depth == 0.5 else np.ones(days, bool)
        bad = np.isin(np.arange(days), rejected) & (depth == 0.5)
        parts.append(pl.DataFrame({
            "time": time.astype("M8[D]"), "column": name, "depth": depth,
            "temperature": pl.Series(np.where(known & ~bad, wave, np.nan)).fill_nan(None),
            "rejected": pl.Series(np.where(bad, -999.0, np.nan)).fill_nan(None),
            "flags": pl.Series(np.where(bad, int(Flag.SENTINEL | Flag.SNOW), 0), dtype=pl.Int32),
            "n": pl.Series(np.where(known & ~bad, 24, 0), dtype=pl.Int32)}, schema_overrides={"depth": pl.Float64}))
    return pl.concat(parts).sort("depth", "time", nulls_last=True)


def stationed(folder, series):
    """The daily series of sites, and the table that names their files, in a results folder."""
    for k, days in enumerate(series.values()):
        write_parquet(folder / f"series/s{k}.parquet", days)
    pl.DataFrame({"site": list(series), "status": "used", "series": [f"s{k}.parquet" for k in range(len(series))]}
                 ).write_csv(folder / "series_stations.csv")


def declared(folder, title="A study"):
    """The manifest of all that is in a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    write_manifest(folder, name="x", home=folder, settings={"study": {"title": title}}, inputs=[],
                   outputs=[FileEntry.of(path, path.relative_to(folder).as_posix()) for path in files])
    return folder


@pytest.fixture(scope="session")
def station_study(tmp_path_factory):
    """Three sites: three years of days with a gap and rejected values, 40 years, and none."""
    folder = tmp_path_factory.mktemp("stations")
    write_parquet(folder / "sites.parquet", pl.DataFrame({
        "site": ["Short", "Long", "Bare"], "region": "Arctic", "latitude": [70.0, 65.0, 62.0],
        "longitude": [20.0, 130.0, -150.0], "surface_offset": [4.0, 5.0, 6.0]}))
    sensors = {"air": -2.0, "top": 0.0, "middle": 0.5, "middle, spare": 0.5, "deep": 2.0}
    stationed(folder, {"Short": daily(sensors, 1096, gap=range(300, 360), rejected=(500, 501)),
                       "Long": daily(sensors | {"lost": None}, 14610, gap=range(6000, 6400))})
    write_parquet(folder / "site_years.parquet", pl.DataFrame({
        "site": "Short", "year": [2018, 2019, 2020], "alt": [None, None, 1.25], "alt_lower": [None, None, 1.0],
        "alt_upper": [None, None, 1.5], "ttop_depth": 2.0, "surface_offset": [None, 4.0, 4.1],
        "surface_offset_uncertainty": [None, 0.1, 0.1], "reason": ["surface_offset: few_days", "", ""]}))
    return declared(folder)


@pytest.fixture(scope="session")
def hostile_study(tmp_path_factory):
    """Results whose names try to run script, be a formula, end a script block, or be read as TeX."""
    folder = tmp_path_factory.mktemp("hostile")
    names = [HOSTILE, "</script><script>document.title=2</script>", "$$\\href{https://example.org}{x}$$", "=1+1",
             "constructor", "__proto__"]
    regions = ["<script>document.title=3</script>", "$$x$$", "@{site}", "\u2028", "toString", "__proto__"]
    sites = pl.DataFrame({
        "site": names, "region": regions, "flags": ["<b>;$$y$$", "", "", "", "", ""],
        "flag_reasons": [HOSTILE, "", "", "", "", ""], "constructor": ["valueOf"] * 6,
        "vegetation": ['" onmouseover="document.title=4', "=1+1", "{{ 7*7 }}", "Tundra", "hasOwnProperty", "x"],
        "latitude": [60.0, 61.0, -75.0, 35.0, 70.0, 71.0], "longitude": [0.0, 10.0, 20.0, None, 1.0, 2.0],
        "maat": [-5.0, -5.1, -5.2, float("nan"), -5.0, -5.0], "magst": [-2.0, -2.1, -2.2, -2.3, -2.0, -2.0],
        "surface_offset": [3.0, 3.0, 3.0, None, 3.0, 3.0]})
    write_parquet(folder / "sites.parquet", sites)
    pl.DataFrame({"by": "region", "group": regions, "variable": "surface_offset", "units": "K", "n": 1, "mean": 3.0,
                  "ci_low": [1.0, 2.0, None, None, None, None], "ci_high": [4.0, 4.0, None, None, None, None],
                  "t_low": None, "t_high": None, "reason": HOSTILE}).write_csv(folder / "summary.csv")
    pl.DataFrame({"response": ["surface_offset"], "recommended": [HOSTILE], "published": ["$$x$$"]}
                 ).write_csv(folder / "drivers_verdicts.csv")
    pl.DataFrame({"site": names, "driver": HOSTILE, "value": [1.0, 2.0, 3.0, None, 4.0, 5.0],
                  "response": "surface_offset", "contribution": [-1.0, 1.0, 0.0, 2.0, 1.0, 1.0]}
                 ).write_csv(folder / "drivers_contributions.csv")
    stationed(folder, {names[0]: daily({HOSTILE: 0.0, "$$x$$ </script>": 0.5, "=1+1": 1.0}, 800, rejected=(3,)),
                       names[2]: daily({"__proto__": 0.0, "constructor": 0.5}, 30)})
    return declared(folder, "<script>alert(1)</script>")


@pytest.fixture(scope="module")
def atlas_of(opened):
    """A context manager: the atlas in a file, all drawn and in its last layout."""
    return lambda path, *, at="", **how: opened(path.as_uri() + at, ready="html[data-charts=yes]", **how)
