"""Values in another unit than their file says are refused, with the value, the cell and what to state."""

import re
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
import world as W
import xarray as xr

from talik.era5land.fields import FIELDS
from talik.era5land.grids import grid_of
from talik.era5land.plausible import RANGES
from talik.era5land.reduce import reduce
from talik.errors import AmbiguousFile, DataError
from talik.synthesis.predictors import site_predictors

MONTHS = "reanalysis-era5-land-monthly-means"
SITES = pl.DataFrame({"site": ["A"], "latitude": [69.9], "longitude": [-149.8]})
Change = Callable[[xr.DataArray], xr.DataArray]


@pytest.fixture(scope="module")
def months():
    return W.monthly(W.world((*W.TWELVE, "t2m", "skt", "sd"), rows=3, columns=4, seed=2))


def changed(months, short: str, change: Change, units: str | None = None):
    ds = months[[short]].copy()
    ds[short] = change(ds[short])
    ds[short].attrs = {} if units is None else {"units": units}
    return grid_of([(ds, "a.nc")], dataset=MONTHS)


WRONG = [
    ("snowc", lambda x: x / 100, r"a fraction of 0-1\? State units = '1'"),
    ("snowc", lambda x: x * 100, "fill value"),
    ("fal", lambda x: x * 100, r"percent\? State units = '%'"),
    *((f"swvl{layer}", lambda x: x * 100, r"percent\? State units = '%'") for layer in (1, 2, 3, 4)),
    ("rsn", lambda x: x / 1000, r"g cm-3\? State units = 'g cm-3'"),
    ("sde", lambda x: x * 100, "centimetres or millimetres"),
    ("sde", lambda x: x * 1000, "centimetres or millimetres"),
    ("sd", lambda x: x * 1000, r"millimetres\? State units = 'mm'"),
    ("tp", lambda x: x * 1000, "millimetres, or monthly totals"),
    ("tp", lambda x: x / 86.4, "flux in kg m-2 s-1"),
    ("tp", lambda x: -x, "fill value"),
    ("t2m", lambda x: x - 273.15, r"degrees Celsius\? State units = 'degC'"),
    ("skt", lambda x: x - 273.15, r"degrees Celsius\? State units = 'degC'"),
    ("t2m", lambda x: x * 0 + 9999, "fill value"),
    ("si10", lambda x: x + 100, "km/h or a fill value"),
    ("si10", lambda x: -x, "a component of the wind"),
    ("lai_hv", lambda x: x * 0 + 21, "another scale"),
    ("evabs", lambda x: -x, "positive upward"),
    ("evabs", lambda x: x * 1000, "millimetres"),
]


@pytest.mark.parametrize("units", [None, "its own"])
@pytest.mark.parametrize("short, change, words", WRONG)
def test_values_that_no_land_has_are_refused_with_value_and_cell(months, short, change, words, units):
    grid = changed(months, short, change, None if units is None else FIELDS[short].units)
    with pytest.raises(DataError, match=words) as refusal:
        site_predictors(SITES, grid)
    place = r"latitude 69\.9, longitude -149\.8"
    assert re.search(rf"^{short} \(\w+\): a mean month of -?[\d.e+-]+ .* at {place} cannot be", str(refusal.value))
    with pytest.raises(DataError, match=words):
        reduce(grid)


@pytest.mark.parametrize("short, change, units", [
    ("snowc", lambda x: x / 100, "1"), ("fal", lambda x: x * 100, "%"), ("swvl1", lambda x: x * 100, "%"),
    ("rsn", lambda x: x / 1000, "g cm-3"), ("sde", lambda x: x * 100, "cm"), ("sd", lambda x: x * 1000, "mm"),
    ("tp", lambda x: x * 1000, "mm"), ("evabs", lambda x: x * 1000, "mm"), ("t2m", lambda x: x - 273.15, "degC")])
def test_the_unit_that_the_message_tells_to_state_gives_the_true_value(months, short, change, units):
    truth, stated = (site_predictors(SITES, grid).provenance["value"].drop_nulls().to_numpy() for grid in (
        changed(months, short, lambda x: x, FIELDS[short].units), changed(months, short, change, units)))
    assert truth.size
    np.testing.assert_allclose(stated, truth, rtol=1e-9)


@pytest.mark.parametrize("short, value", [
    ("snowc", 0.0), ("snowc", 1.2), ("snowc", 100.0), ("sde", 33.0), ("sd", 10.0), ("tp", 1e-4), ("tp", 0.06),
    ("evabs", 0.0), ("evabs", 1e-6), ("evabs", -0.007), ("fal", 0.85), ("t2m", 205.0), ("si10", 25.0),
    ("rsn", 100.0), ("lai_hv", 0.0), ("swvl1", 0.0)])
def test_extremes_that_land_has_are_kept(months, short, value):
    """Glaciers, deserts, the plateau of Antarctica, the wettest hills: one value all year."""
    found = site_predictors(SITES, changed(months, short, lambda x: x * 0 + value))
    reasons = set(found.provenance["reason"].drop_nulls())
    assert found.provenance["value"].count() or "outside the range of the catalogue" in reasons


def together(months, change: Change, shorts):
    ds = months[["sde", *shorts]].copy()
    ds["sde"] = change(ds["sde"]).assign_attrs(units="m")
    return grid_of([(ds, "a.nc")], dataset=MONTHS)


@pytest.mark.parametrize("shorts, words", [
    (["sd", "rsn"], "maximum of snow_water_equivalent"), (["sd"], "maximum of snow_water_equivalent"),
    (["tp"], "year's sum of precipitation"), (["tp", "rsn"], "year's sum of precipitation")])
def test_shallow_snow_in_centimetres_contradicts_the_water_beside_it(months, shorts, words, tmp_path):
    """Snow of 5 cm read as 5 m is below what its own range refuses."""
    shallow = 0.06 / float(months["sde"].max())
    ds = months.copy()
    for name in ("sde", "sd", "tp"):
        ds[name] = (ds[name] * shallow).assign_attrs(ds[name].attrs)
    assert float(ds["sde"].max()) * 100 < RANGES["sde"].seasonal
    kept = together(ds, lambda x: x, shorts)
    assert reduce(kept).dataset["snow_depth"].notnull().all()
    assert site_predictors(SITES, kept).table["snow_depth"].null_count() == 0
    wrong = together(ds, lambda x: x * 100, shorts)
    with pytest.raises(DataError, match=words):
        reduce(wrong)
    with pytest.raises(DataError, match=words):
        reduce(wrong, store=tmp_path / "a.zarr")
    assert not (tmp_path / "a.zarr").exists()
    with pytest.raises(DataError, match=words):
        site_predictors(SITES, wrong)


def test_a_pass_ends_with_the_first_tile_that_cannot_be(months):
    """Every quantity's first tile is looked at before the others are read."""
    ds = months[["t2m", "snowc", "fal"]].copy()
    ds["fal"] = (ds["fal"] * 100).assign_attrs(units="1")
    seen = []
    with pytest.raises(DataError, match=r"^fal \(albedo\)"):
        reduce(grid_of([(ds.chunk(latitude=1, longitude=1), "a.nc")], dataset=MONTHS), threads=1,
               watch=lambda done, of: seen.append((done, of)))
    assert len(seen) < 3


@pytest.mark.parametrize("short, words", [("sde", "sde=sde \\[m\\]"), ("si10", "si10=si10 \\[m s-1\\]")])
def test_a_unit_that_values_do_not_betray_must_be_told(months, short, words):
    ds = months[[short]].copy()
    ds[short].attrs = {}
    with pytest.raises(AmbiguousFile, match=words):
        grid_of([(ds, "a.nc")])
    told = grid_of([(ds, "a.nc")], names={short: f"{short} [{FIELDS[short].units}]"})
    other = {"sde": ("cm", 100.0), "si10": ("km/h", 3.6)}[short]
    ds[short] = ds[short] * other[1]
    turned = grid_of([(ds, "a.nc")], names={short: f"{short} [{other[0]}]"})
    truth, found = (site_predictors(SITES, grid).provenance["value"].drop_nulls().to_numpy() for grid in (told, turned))
    np.testing.assert_allclose(found, truth, rtol=1e-12)
    with pytest.raises(DataError, match="furlong"):
        grid_of([(ds, "a.nc")], names={short: f"{short} [furlong]"})


def test_every_field_with_time_has_its_range():
    assert {short for short, one in FIELDS.items() if one.kind != "static"} - {"v10"} == set(RANGES)
