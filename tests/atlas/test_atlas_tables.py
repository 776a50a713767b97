"""What goes into the atlas: positions, colours, data that cannot become markup, folders that are refused."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talik.atlas.holdings import Holdings
from talik.atlas.page import inert
from talik.atlas.panel import panel_data
from talik.atlas.projections import charts
from talik.atlas.quantities import quantities
from talik.errors import FileError


@given(st.recursive(st.text() | st.floats() | st.none() | st.integers(-9, 9),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_the_data_block_cannot_end_and_reads_back(data):
    text = inert(data)
    assert not set(text) & set("<>&\u2028\u2029")

    def finite(value):
        if isinstance(value, dict):
            return {key: finite(v) for key, v in value.items()}
        if isinstance(value, list):
            return [finite(v) for v in value]
        return None if isinstance(value, float) and not np.isfinite(value) else value
    assert json.loads(text) == finite(data)


@pytest.mark.parametrize("name, lon, lat, x, y", [
    ("arctic", 0.0, 90.0, 0.0, 0.0), ("antarctic", 0.0, -90.0, 0.0, 0.0), ("third-pole", 88.0, 36.0, 0.0, 0.0),
    ("world", 0.0, 0.0, 0.0, 0.0)])
def test_the_centre_of_each_map(name, lon, lat, x, y):
    chart = next(c for c in charts([70.0, -70.0]) if c.name == name)
    assert np.allclose(chart.xy([lon], [lat]), [[x], [y]], atol=1e-3)


@given(st.floats(-180, 180), st.floats(60.5, 89.5))
def test_polar_stereographic_keeps_longitude_and_true_scale_at_71(lon, lat):
    arctic = charts([70.0])[0]
    (x,), (y,) = arctic.xy([lon], [lat])
    assert np.isclose(np.degrees(np.arctan2(x, -y)), lon, atol=1e-6) or abs(abs(lon) - 180) < 1e-6
    r, scale = 6371008.8, (1 + np.sin(np.radians(71.0)))
    assert np.isclose(np.hypot(x, y), r * scale * np.tan(np.radians(45 - lat / 2)), rtol=1e-9)


def test_a_site_is_on_the_maps_it_belongs_to():
    maps = charts([71.0, 35.0, -70.0])
    shown = {c.name: np.isfinite(c.xy([10.0, 92.0, 0.0, np.nan], [71.0, 35.0, -70.0, 10.0])[0]).tolist() for c in maps}
    assert shown == {"arctic": [True, False, False, False], "third-pole": [False, True, False, False],
                     "antarctic": [False, False, True, False], "world": [True, True, True, False]}


def test_the_land_of_the_world_is_as_large_as_it_is():
    import shapely

    world = charts([70.0])[3]
    area = sum(shapely.Polygon(rings[0], rings[1:]).area for rings in world.land())
    assert 0.27 < area / (4 * np.pi * 6371008.8**2) < 0.30        # 29.2 % of the Earth, less small islands


def test_signed_colours_are_centred_on_zero_and_one_odd_site_does_not_bleach_them():
    found = quantities(pl.DataFrame({"site": ["a"] * 101, "surface_offset": [1.0] * 50 + [2.0] * 50 + [24.0],
                                     "maat": np.linspace(-10, 0, 101), "other": [1.0] * 101}))
    assert [q["name"] for q in found] == ["surface_offset", "maat"]
    assert found[0]["low"] == -found[0]["high"] == -2.0
    assert (found[0]["above"], found[0]["unit"], found[1]["kind"]) == (True, "°C", "magnitude")


def test_what_the_page_knows_is_what_the_table_holds(finished):
    holdings = Holdings.of(finished)
    data = panel_data(holdings)
    assert data["n"] == 117
    for name in ("surface_offset", "maat", "flags", "latitude"):
        theirs = holdings.sites[name].to_list()
        assert data["sites"][name] == pytest.approx(theirs, rel=1e-6) if name != "flags" and None not in theirs \
            else data["sites"][name] == theirs or name == "latitude"


def test_years_enter_by_the_door_when_there_are_any(results):
    pl.DataFrame({"site": ["Barrow", "Barrow"], "year": [2001, 2000], "surface_offset": [2.0, float("nan")],
                  "surface_offset_uncertainty": [0.1, None], "reason": ["", "surface_offset: gap"]}
                 ).write_parquet(results / "years.parquet")
    years = panel_data(Holdings.of(results))["years"]["Barrow"]
    assert years == {"year": [2000, 2001], "surface_offset": [None, 2.0], "surface_offset_uncertainty": [None, 0.1],
                     "reason": ["surface_offset: gap", ""]}


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"no manifest.json here. Expected a folder written by `talik run`"):
        Holdings.of(tmp_path)


def test_a_changed_table_is_refused(results):
    (results / "summary.csv").write_text("group\n")
    with pytest.raises(FileError, match=r"summary.csv: changed since it was made. Run the study again"):
        Holdings.of(results)


def test_a_folder_without_sites_is_refused(results):
    manifest = json.loads((results / "manifest.json").read_text())
    manifest["outputs"] = []
    (results / "manifest.json").write_text(json.dumps(manifest))
    for name in ("sites.parquet", "predictors.parquet"):
        (results / name).unlink()
    with pytest.raises(FileError, match="no table of sites"):
        Holdings.of(results)


def test_values_from_loggers_name_their_files(results):
    pl.DataFrame({"site": ["Barrow"], "quantity": ["maat"], "value": [-11.1], "method": ["mean over years"],
                  "columns": ["air: Ta"], "files": ["a.dat"], "sha256": ["38aa"]}
                 ).write_csv(results / "series_values.csv")
    assert panel_data(Holdings.of(results))["values"] == {"Barrow": {"maat": "mean over years; air: Ta; a.dat"}}
    assert panel_data(Holdings.of(results))["files"] == {"Barrow": {"a.dat": "38aa"}}
