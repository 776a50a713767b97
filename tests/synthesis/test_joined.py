"""Predictors join by the name of the site, in any order; what does not fit is named."""

import polars as pl
import pytest

from talik.errors import DataError, FileError, UnknownName
from talik.synthesis.joined import join_predictors

SITES = pl.DataFrame({"site": ["Kevo", "Toolik", "Barrow"], "elevation": [100.0, None, 6.0],
                      "maat": [-1.0, -8.0, -11.0]})


def test_order_does_not_matter_and_missing_sites_are_null():
    found = join_predictors(SITES, pl.DataFrame({"site": ["Barrow", "Kevo"], "snow_depth": [0.2, 0.5]}))
    assert found["site"].to_list() == SITES["site"].to_list()
    assert found["snow_depth"].to_list() == [0.5, None, 0.2]


def test_columns_of_the_sites_keep_the_sites_values():
    found = join_predictors(SITES, pl.DataFrame({"site": ["Kevo"], "elevation": [999.0], "tp": [300.0]}))
    assert found["elevation"].to_list() == [100.0, None, 6.0]
    assert found["precipitation"].to_list() == [300.0, None, None]


def test_names_can_be_mapped(tmp_path):
    (tmp_path / "p.csv").write_text("Station;Schnee\nKevo;0,5\n")
    found = join_predictors(SITES, tmp_path / "p.csv", columns={"site": "Station", "snow_depth": "Schnee"})
    assert found["snow_depth"][0] == 0.5


@pytest.mark.parametrize("table, kind, message", [
    ({"site": ["Kevo", "Kevo"], "snow_depth": [1.0, 2.0]}, DataError, "site 'Kevo' stands in more than one row"),
    ({"site": ["Tolik"], "snow_depth": [1.0]}, DataError, "1 of its sites is not .*'Tolik'. Did you mean 'Toolik'"),
    ({"name": ["Kevo"], "snow_depth": [1.0]}, UnknownName, "unknown column of .* 'site'"),
    ({"site": ["Kevo"], "snow_depth": ["deep"]}, FileError, "row 1, column 'snow_depth': 'deep' is not a number"),
])
def test_what_does_not_fit_is_named(table, kind, message):
    with pytest.raises(kind, match=message):
        join_predictors(SITES, pl.DataFrame(table))


def test_a_mapped_column_that_does_not_exist_is_named():
    with pytest.raises(UnknownName, match="unknown column of .* 'Snow'. Did you mean 'snow'"):
        join_predictors(SITES, pl.DataFrame({"site": ["Kevo"], "snow": [1.0]}), columns={"snow_depth": "Snow"})
