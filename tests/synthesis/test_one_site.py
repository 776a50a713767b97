"""Files of one station that name different sites are never mixed unnoticed."""

import numpy as np
import pytest

from talik.errors import DataError
from talik.records import Record, Source
from talik.settings import checked, stations
from talik.synthesis.one_site import names_of, same_site
from talik.synthesis.stations import station_sites


def record(file, site=None, *, form="ntgs", first="2018-01-01", last="2020-01-01", depths=(0.0, 1.0), **about):
    t = np.arange(first, last, dtype="M8[D]")
    values = np.zeros((t.size, len(depths)))
    return Record(site or file, t, depths, values, source=Source(f"{file}.csv", form), metadata=about)


def told(*records, stated=False):
    return same_site("S", records, str, stated=stated, tolerance=0.05)


@pytest.mark.parametrize(("form", "about", "names"), [
    ("gtnp", {}, ()), ("gtnp", {"name": "X"}, ("X",)), ("gtnp-export", {"borehole_id": 662}, ("X", "borehole 662")),
    ("netcdf", {}, ("X",)), ("netcdf", {"title": "X"}, ()), ("rihmi", {"wmo_id": "24266"}, ("X", "WMO 24266")),
    ("ntgs", {}, ("X",)), ("smet", {}, ("X",)), ("nrcs", {}, ("X",)), ("generic", {}, ()),
    ("generic", {"site_id": "X"}, ("X",)),
    *((form, {"serial": "1", "title": "X"}, ()) for form in ("hobo", "tomst", "rbr", "geoprecision", "toa5"))])
def test_which_formats_name_a_site(form, about, names):
    assert names_of(record("a", "X", form=form, **about)) == names


def test_different_names_are_refused_unless_the_settings_say_one():
    files = record("a", "Barrow"), record("b", "Nome", first="2020-01-01", last="2022-01-01")
    with pytest.raises(DataError, match=r"different sites \(a.csv: Barrow; b.csv: Nome\).*\[\[series.stations\]\]"):
        told(*files)
    assert "taken as one, as the settings say" in told(*files, stated=True)[0]


def test_numbers_and_data_sets_of_one_site_are_one():
    assert told(record("a", "Verkhoyansk", form="rihmi", wmo_id="24266"),
                record("b", "VERHOJANSK", form="rihmi", wmo_id="24266")) == []
    assert told(*(record("a", f"X (data set {n})", form="gtnp-export") for n in (1, 2))) == []


@pytest.mark.parametrize(("longitude", "refused"), [(-149.6, False), (-149.61, False), (-149.63, True), (210.4, False)])
def test_places_more_than_a_kilometre_apart_are_two_sites(longitude, refused):
    files = [record(file, form="hobo", latitude=68.6, longitude=x) for file, x in (("a", -149.6), ("b", longitude))]
    if refused:
        with pytest.raises(DataError, match=r"a.csv and b.csv name places 1.22 km apart"):
            told(*files)
    else:
        assert told(*files) == []


@pytest.mark.parametrize("nameless", [
    {"depths": (-2.0,)}, {"first": "2020-01-01", "last": "2021-01-01"}, {"first": "2019-12-15", "last": "2021-01-01"},
    {"first": "2020-01-01", "last": "2021-01-01", "depths": (0.03, 1.03)}])
def test_a_file_without_a_name_that_fits_is_joined_and_told(nameless):
    assert told(record("a", "Barrow"), record("b", form="hobo", **nameless)) == [
        "b.csv names no site and is taken as of Barrow, which a.csv names"]


@pytest.mark.parametrize("nameless", [
    {}, {"first": "2019-11-01", "last": "2021-01-01"},
    {"first": "2020-01-01", "last": "2021-01-01", "depths": (0.0, 1.5)},
    {"depths": (-2.0, 0.0)}, {"depths": (np.nan,)}])
def test_a_file_without_a_name_that_does_not_fit_is_refused(nameless):
    files = record("a", "Barrow"), record("b", form="hobo", **nameless)
    with pytest.raises(DataError, match=r"b.csv names no site, a.csv names Barrow, and the columns neither"):
        told(*files)
    assert told(*files, stated=True)


def test_files_of_loggers_that_name_no_site_are_one_station():
    assert told(record("a", form="hobo"), record("b", form="tomst", depths=(-2.0,)), record("c", form="gtnp")) == []


def test_a_folder_of_two_sites_is_refused_and_listing_it_joins_it(tmp_path):
    for folder in ("north/", "south/"):
        (tmp_path / folder).mkdir()
    for name, year in (("Barrow", 2018), ("Nome", 2019)):
        days = np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="M8[D]")
        lines = [f"{name},{day} 00:00,-8.0,-4.0,-5.0" for day in days]
        text = "\n".join(["site,time,air_-2m,soil_0m,soil_1m", *lines])
        for folder in ("north/", "south/"):
            (tmp_path / folder / f"{name}.csv").write_text(text + "\n")
    (tmp_path / "notes.txt").write_text("Battery changed.\n")
    settings = checked({"study": {"name": "x"}, "series": {
        "data": ".", "each": "*", "check": False, "depth": 1.0,
        "stations": [{"site": "South", "files": ["south/*.csv"]}]}}, home=tmp_path)
    found = station_sites(stations(settings), tmp_path)
    assert found.stations.select("site", "status", "n_years").rows() == [("South", "used", 2), ("north", "refused", 0)]
    assert "different sites" in found.stations["notes"][0]
    assert "different sites (north/Barrow.csv: Barrow; north/Nome.csv: Nome)" in found.stations["reason"][1]
    assert found.refusals.filter(file="notes.txt")["kind"].to_list() == ["UnknownFormat"]
