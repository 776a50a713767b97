"""The catalogue has one name for one thing."""

import pytest

from talik.errors import UnknownName
from talik.variables import ERA5LAND_TWELVE, MOISTURE, REGIONS, SNOW, VARIABLES, label, variable


def test_no_alias_means_two_things():
    seen = {}
    for entry in VARIABLES.values():
        for alias in {a.lower() for a in (entry.name, entry.symbol, *entry.aliases) if a}:
            assert seen.setdefault(alias, entry.name) == entry.name
            assert variable(alias.upper()) is entry


def test_groups_name_known_variables():
    assert len(ERA5LAND_TWELVE) == 12
    for name in (*ERA5LAND_TWELVE, *SNOW, *MOISTURE):
        assert variable(name).name == name


def test_labels_carry_units_and_unknown_names_are_made_readable():
    assert label("alt") == "Active layer thickness (m)"
    assert label("MAAT") == "Mean annual air temperature (°C)"
    assert label("my_column") == "my column"


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'snow_density'"):
        variable("snow_densty")


def test_regions_look_different():
    assert len({r.colour for r in REGIONS.values()}) == len({r.marker for r in REGIONS.values()}) == len(REGIONS)
