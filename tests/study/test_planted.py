"""A made study with planted slopes and a planted driver runs the whole recipe, both profiles, figures 5, 6 and 7."""

import numpy as np
import polars as pl
import pytest

from talik.runs import run_study
from talik.settings import checked
from talik.variables import ERA5LAND_TWELVE, MOISTURE, SNOW

REGIONS = {"Arctic": (60.0, 10.0), "Third Pole": (33.0, 4.0), "Antarctica": (-77.0, 8.0)}


def planted(n: int = 117, seed: int = 3) -> pl.DataFrame:
    """Sites whose surface offset falls with snow and whose thermal offset rises with soil water, in every region."""
    rng = np.random.default_rng(seed)
    region = np.array(list(REGIONS))[np.arange(n) % 3]
    snow, water = rng.normal(size=(2, n))
    spread = {name: 0.25 * rng.normal(size=n) for name in ERA5LAND_TWELVE}
    drivers = {name: rng.normal(size=n) for name in ERA5LAND_TWELVE}
    drivers |= {name: snow + spread[name] for name in SNOW} | {name: water + spread[name] for name in MOISTURE}
    scaled = {"snow_depth": (0.4, 0.1), "snow_density": (250.0, 30.0), "snow_cover": (0.5, 0.1),
              "precipitation": (400.0, 60.0), "transpiration": (90.0, 20.0), "wind_speed": (4.0, 0.6)}
    centre, half = np.array([REGIONS[r] for r in region]).T
    maat = rng.uniform(-12, -3, n).round(2)
    magst = (maat + 3.0 - 1.2 * snow + 0.3 * rng.normal(size=n)).round(2)
    ttop = (magst - 0.5 + 0.6 * water + 0.2 * rng.normal(size=n)).round(2)
    return pl.DataFrame({
        "site": [f"S{k:03d}" for k in range(n)], "region": region, "subregion": region,
        "latitude": (centre + half * rng.uniform(-1, 1, n)).round(3), "longitude": rng.uniform(-180, 180, n).round(3),
        "elevation": rng.uniform(0, 900, n).round(0), "alt": rng.uniform(0.4, 2.0, n).round(2),
        "vegetation": rng.choice(["Tundra", "No vegetation"], n), "soil": rng.choice(["sand", "loam"], n),
        "maat": maat, "magst": magst, "ttop": ttop,
        **{name: values * scaled.get(name, (0.3, 0.05))[1] + scaled.get(name, (0.3, 0.05))[0]
           for name, values in drivers.items()}})


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    table = planted()
    predictors = ["site", *ERA5LAND_TWELVE]
    table.drop(ERA5LAND_TWELVE).write_csv(folder / "sites.csv")
    table.select(predictors).sample(fraction=1.0, shuffle=True, seed=1).write_csv(folder / "predictors.csv")
    settings = checked({"study": {"name": "planted", "replicates": 500}, "sites": {"table": "sites.csv"},
                        "predictors": {"table": "predictors.csv"}, "drivers": {"refits": 100, "nulls": 1},
                        "atlas": {"run": False}}, home=folder)
    outcomes = run_study(settings, folder / "out")
    assert [o.step for o in outcomes if o.reason] == ["scorecard", "atlas"]
    return folder / "out"


def test_figures_five_six_and_seven_are_drawn(results):
    names = {path.name for path in (results / "figures").glob("*.svg")}
    assert {"fig5a_drivers_surface_offset.svg", "fig5b_drivers_thermal_offset.svg", "fig6_snow_slopes.svg",
            "fig7_moisture_slopes.svg"} <= names


@pytest.mark.parametrize("response, sign", [("surface_offset", -1), ("thermal_offset", 1)])
def test_both_profiles_find_the_planted_slope(results, response, sign):
    pooled = pl.read_csv(results / "slopes_pooled.csv").filter(kind="overall", response=response)
    assert sorted(pooled["profile"]) == ["liu2025", "talik"]
    for row in pooled.iter_rows(named=True):
        assert sign * row["low"] > 0 or sign * row["high"] > 0
        assert sign * row["effect"] > 0.2
    planted_slope = {"surface_offset": -1.2, "thermal_offset": 0.6}[response]
    low, high = pooled.filter(pl.col("profile") == "talik").select("low", "high").row(0)
    assert low - 0.1 < planted_slope < high + 0.1     # the composite is the factor but for noise and its sample SD


def test_the_planted_driver_is_declared_as_a_group(results):
    verdicts = pl.read_csv(results / "drivers_verdicts.csv")
    found = dict(verdicts.select("response", "verdict").iter_rows())
    assert found == {"surface_offset": "declared", "thermal_offset": "declared"}
    driver = dict(verdicts.select("response", "driver").iter_rows())
    assert any(name in driver["surface_offset"] for name in SNOW)
    assert any(name in driver["thermal_offset"] for name in MOISTURE)


def test_the_report_has_the_chapters(results):
    page = (results / "report.html").read_text(encoding="utf-8")
    for title in ("Drivers", "Slopes and their pooled mean"):
        assert f">{title}</h2>" in page
    assert len(page.encode()) < 5_000_000
