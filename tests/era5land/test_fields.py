"""The catalogue of ERA5-Land: one field for each of its names, one variable of talik for each quantity."""

import pytest

from talik.era5land.fields import BY_DAYS, FIELDS, QUANTITIES, QUANTITY_OF, field, made_of, quantities, to_file_unit
from talik.errors import DataError, UnknownName
from talik.variables import ERA5LAND_TWELVE, VARIABLES


def test_the_twelve_and_all_that_is_made_are_in_the_catalogue():
    assert set(ERA5LAND_TWELVE) <= set(QUANTITIES)
    for name in QUANTITIES:
        assert set(made_of(name)) <= set(VARIABLES)
        assert all(QUANTITY_OF[statistic] == name for statistic in made_of(name))
    assert set(QUANTITY_OF) > BY_DAYS


@pytest.mark.parametrize("one", FIELDS.values(), ids=lambda one: one.short)
def test_every_name_of_a_field_means_that_field(one):
    for name in filter(None, (one.short, one.cds, one.grib, one.gee, one.short.upper())):
        assert field(name) is one


@pytest.mark.realdata
def test_every_field_of_the_downloaders_table_keeps_its_short_name(real):
    """Another project's table of ERA5-Land's names, written by nobody here, says the same."""
    import polars as pl

    table = pl.read_csv(real / "era5" / "ecmwf_models_era5-land_lut.csv")
    theirs = dict(table.select("dl_name", "short_name").iter_rows())
    theirs |= {"snow_depth": "sde", "snow_depth_water_equivalent": "sd"}     # that table has these two by other names
    ours = {one.cds: one.short for one in FIELDS.values()}
    shared = ours.keys() & theirs.keys()
    assert len(shared) >= 15
    assert {name: theirs[name] for name in shared} == {name: ours[name] for name in shared}


def test_transpiration_is_read_where_it_is_kept_not_where_it_is_named():
    assert quantities(["evabs", "evavt"])["transpiration"].fields == ("evabs",)
    assert quantities(["evabs", "evavt"], transpiration="as_named")["transpiration"].fields == ("evavt",)
    assert "transpiration" not in quantities(["evavt"])
    assert all(q.scale < 0 for q in (quantities(["evabs"])["transpiration"],
                                     quantities(["evavt"], transpiration="as_named")["transpiration"]))


def test_a_given_speed_goes_before_components():
    assert quantities(["u10", "v10", "si10"])["wind_speed"].fields == ("si10",)
    assert quantities(["u10", "v10"])["wind_speed"].fields == ("u10", "v10")
    assert "wind_speed" not in quantities(["u10"])


@pytest.mark.parametrize("short, unit, expected", [
    ("t2m", "K", (1, 0)), ("t2m", "°C", (1, 273.15)), ("snowc", "%", (1, 0)), ("snowc", "(0 - 1)", (100, 0)),
    ("tp", "mm", (1e-3, 0)), ("sd", "m of water equivalent", (1, 0)), ("swvl1", "m**3 m**-3", (1, 0))])
def test_units_are_brought_to_one(short, unit, expected):
    assert to_file_unit(short, unit) == expected


@pytest.mark.parametrize("short, unit", [("t2m", "Fahrenheit"), ("tp", "kg m-2 s-1"), ("sde", "%")])
def test_a_unit_the_field_cannot_have_is_refused(short, unit):
    with pytest.raises(DataError, match=f"{short}: the file says its unit is"):
        to_file_unit(short, unit)


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(UnknownName, match="'t2m'"):
        field("t2n")
    with pytest.raises(UnknownName, match="variable of ERA5-Land"):
        quantities(["t2m"], wanted=["snow_dept"])
