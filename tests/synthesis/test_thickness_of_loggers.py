"""A table's active layer thickness against what the loggers show; what the check rejected, sensor by sensor."""

import numpy as np
import polars as pl
import pytest

from talik.records import Flag, Record
from talik.synthesis.combined import combined_sites
from talik.synthesis.station_rows import check_rows
from talik.synthesis.table import site_table


def combined(alt, lower, upper, precedence="series"):
    table = site_table(pl.DataFrame({"site": ["A"], "maat": [-8.0], "magst": [-4.0], "alt": [alt]}))
    loggers = pl.DataFrame({"site": ["A"], "maat": [-8.0], "magst": [-4.0], "alt": [None], "alt_lower": [lower],
                            "alt_upper": [upper]}, schema_overrides={"alt": pl.Float64, "alt_upper": pl.Float64})
    sites, conflicts = combined_sites(table, loggers, precedence=precedence)
    return sites.row(0, named=True), conflicts.filter(quantity="alt")


@pytest.mark.parametrize("precedence", ["series", "table"])
@pytest.mark.parametrize("alt, upper, said", [(0.6, None, "thaw to 1 m or deeper"), (2.5, 2.0, "frozen ground at 2 m")])
def test_a_thickness_outside_the_bracket_of_the_loggers_is_a_conflict_and_a_flag(alt, upper, said, precedence):
    row, conflicts = combined(alt, 1.0, upper, precedence)
    assert said in conflicts["note"][0]
    assert (conflicts["table_value"][0], conflicts["series_value"][0]) == (f"{alt:g}", None)
    assert "ALT_OUTSIDE_LOGGERS" in row["flags"].split(";")
    assert said in row["flag_reasons"]
    assert (row["alt"], row["alt_from"], row["alt_lower"], row["alt_upper"]) == (alt, "table", 1.0, upper)


@pytest.mark.parametrize("alt, lower, upper", [(1.2, 1.0, 2.0), (5.0, 1.0, None), (1.0, 1.0, 2.0), (0.6, None, None)])
def test_one_within_it_is_none(alt, lower, upper):
    row, conflicts = combined(alt, lower, upper)
    assert conflicts.is_empty()
    assert "ALT_OUTSIDE_LOGGERS" not in row["flags"]


def test_shares_of_rejected_values_are_of_the_values_that_are_there():
    flags = np.zeros((10, 2), dtype=np.uint16)
    flags[0, 0] = int(Flag.MISSING)
    flags[1:4, 0] = int(Flag.FLAT)
    flags[3, 0] |= int(Flag.SPIKE)
    flags[:, 1] = int(Flag.SNOW)                                   # information, not a fault
    t = np.arange("2020-01-01", "2020-01-11", dtype="M8[D]")
    rows = {row["flag"]: row for row in check_rows("A", [Record("A", t, [0.0, 1.0], np.zeros((10, 2)), flags)])}
    assert set(rows) == {"FLAT", "SPIKE"}
    assert rows["FLAT"]["share"] == rows["FLAT"]["rejected"] == rows["SPIKE"]["rejected"]
    assert rows["FLAT"]["share"] == pytest.approx(1 / 3, abs=1e-6)
    assert rows["SPIKE"]["share"] == pytest.approx(1 / 9, abs=1e-6)
