"""Files nobody here wrote: published means come back, checks leave good series alone, partial years have no mean."""

import numpy as np
import polars as pl
import pytest

import talik
from talik.records import REJECTED, Flag
from talik.series.completeness import Completeness
from talik.series.quality import check

pytestmark = pytest.mark.realdata

NINETY_FIVE = Completeness(year=0.95, longest_gap=None, month=None, name="95 % of days")
STATIONS = {  # name in the file: deep sensor [m], years, MAAT, mean at 20 cm, mean at depth; computed independently
    "Верхоянск": (3.2, 28, -14.07, -7.19, -6.61),
    "Оймякон": (1.6, 23, -15.16, -6.31, -6.36),
    "Жиганск": (2.4, 21, -10.79, 1.20, 0.22),
    "Якутск": (3.2, 32, -8.62, 1.31, -0.59),
    "Киренск": (3.2, 39, -3.43, 3.23, 3.62),
}


@pytest.fixture(scope="module")
def yakutia(yakutian_air_and_soil):
    air, soil = ({r.site: r for r in records} for records in yakutian_air_and_soil)
    return air, soil


@pytest.fixture(scope="module")
def checked(yakutia):
    return tuple({name: check(record) for name, record in records.items()} for records in yakutia)


@pytest.mark.parametrize("station", STATIONS)
def test_the_means_of_the_yakutian_stations_come_back(yakutia, station):
    air, soil = yakutia
    depth, years, *means = STATIONS[station]
    result = talik.annual_offsets([air[station], soil[station]], surface=0.2, depth=depth, completeness=NINETY_FIVE,
                                  check=False)
    assert result.mean("maat").n == years
    np.testing.assert_allclose([result.mean(name).mean for name in ("maat", "magst", "ttop")], means, atol=0.02)
    row = result.site_row()
    assert row["surface_offset"] + row["thermal_offset"] == pytest.approx(row["ttop"] - row["maat"], abs=1e-9)


@pytest.mark.parametrize("station", STATIONS)
def test_the_check_moves_those_means_by_no_more_than_what_it_found(checked, station):
    """At Verkhoyansk a month at 320 cm reads +12.4 after -12.4 °C: without it that year has no mean."""
    depth, years, *means = STATIONS[station]
    records = [results[station].record for results in checked]
    result = talik.annual_offsets(records, surface=0.2, depth=depth, completeness=NINETY_FIVE)
    assert result.mean("maat").n == years - (station == "Верхоянск")
    np.testing.assert_allclose([result.mean(name).mean for name in ("maat", "magst", "ttop")], means, atol=0.05)


def test_the_sign_errors_of_verkhoyansk_are_found(checked):
    result = checked[1]["Верхоянск"]
    rows = np.flatnonzero(result.record.values[:, 11] > 10)
    assert rows.size >= 30
    assert (result.record.flags[rows, 11] & int(REJECTED)).all()


@pytest.mark.parametrize("kind", ["air", "soil"])
def test_checks_reject_little_of_real_stations(checked, kind):
    """But where a level changes for good: at Verkhoyansk 80 and 160 cm stand elsewhere after gaps of 2022."""
    for name, result in checked[kind == "soil"].items():
        rejected = (result.record.flags & int(REJECTED & ~Flag.MISSING & ~Flag.SOURCE)) != 0
        there = np.maximum((~np.isnan(result.record.values)).sum(axis=0), 1)
        share = rejected.sum(axis=0) / there
        if name == "Верхоянск" and kind == "soil":
            share = np.delete(share, [7, 9])
        assert share.max() < 0.005, str(result)


def test_hobo_files_pass_the_check(real):
    for path in sorted((real / "loggers" / "hobo").glob("hobo_1_AB*.csv")):
        for record in talik.read(path):
            result = check(record)
            assert (result.record.flags & int(REJECTED & ~Flag.MISSING)).astype(bool).mean() < 1e-3


def test_open_circuits_of_a_real_logger_are_saturation(real):
    [record] = talik.read(real / "loggers" / "rbr" / "012064.dat")
    assert check(record).count(Flag.SATURATED).tolist() == [20] * 8


def test_offsets_of_the_control_plots_at_toolik(real):
    folder = real / "loggers" / "campbell"
    records = [r for name in ("MAT06_BLK3_Met.dat", "MAT06_BLK3_Soil.dat") for r in talik.read(folder / name)]
    result = talik.annual_offsets(records, air="AirTC*", surface="CT?_SUR*", depth="CT?_20cm*")
    years = result.years.filter(pl.col("year").is_in([2024, 2025]))
    np.testing.assert_allclose(years["surface_offset"], [6.20, 5.98], atol=0.005)
    np.testing.assert_allclose(years["thermal_offset"], [-0.57, -0.40], atol=0.005)
    assert years["replicates"].to_list() == [2, 2]                       # the second plot's surface sensor failed
    partial = result.years.filter(pl.col("year") == 2026)
    assert partial["surface_offset"].is_null().all()
    assert "maat: few_days" in partial["reason"][0]


def test_partial_years_of_a_real_borehole_have_a_reason_and_no_mean(real):
    [record] = talik.read(real / "loggers" / "gtnp" / "example_gtnp.csv")
    result = talik.annual_offsets(record)
    by_year = {row["year"]: row for row in result.years.iter_rows(named=True)}
    assert by_year[2014]["magst"] is None
    assert "magst: few_days" in by_year[2014]["reason"]
    assert by_year[2015]["thermal_offset"] == pytest.approx(by_year[2015]["ttop"] - by_year[2015]["magst"])
    assert by_year[2015]["alt_lower"] <= by_year[2015]["alt"] <= by_year[2015]["alt_upper"]


def test_a_record_cut_at_28_march_has_no_mean_for_that_year(real):
    """As the Arctic Village borehole, whose first year a peer gives +1.44 °C instead of about -4."""
    [record] = talik.read(real / "loggers" / "gtnp" / "example_gtnp.csv")
    late = record.times >= np.datetime64("2015-03-28")
    cut = type(record)(record.site, record.times[late], record.depths, record.values[late], source=record.source)
    row = talik.annual_offsets(cut).years.filter(pl.col("year") == 2015).row(0, named=True)
    assert row["magst"] is None
    assert row["alt"] is None
    assert "magst: few_days" in row["reason"]
    assert row["n_surface"] < 290
