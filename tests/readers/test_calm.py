"""CALM: thickness by site and year with a reason at every null; grids of probed thaw depth."""

from pathlib import Path

import polars as pl
import pytest

from talik.errors import FileError, UnknownName
from talik.readers.calm import read_calm, read_calm_grid, thaw_by_year
from talik.readers.registry import read

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def test_cells_become_metres_or_reasons():
    table = read_calm(SAMPLES / "calm.xlsx")
    ridge, valley = (table.filter(pl.col("code") == code) for code in ("X1A", "X2"))
    assert ridge["year"].to_list() == list(range(1990, 1996))               # two of them published as ###
    assert ridge["alt"].to_list() == [None, 0.3, 0.3, None, 0.45, None]
    assert ridge["reason"].to_list() == ["not_measured", "", "", "blank", "", "inactive"]
    assert valley["reason"].to_list() == ["above", "below", "implausible", "unreadable", "", ""]
    assert valley["bound"].to_list() == [2.6, 4.6, None, None, None, None]
    assert valley["note"].to_list() == [">260", "<460", "1.45", "deep", "", ""]
    assert valley["region"].unique().to_list() == ["Valley land"]
    assert valley["longitude"][0] == -160.0


def test_every_null_has_a_reason_and_nothing_else_has():
    table = read_calm(SAMPLES / "calm.xlsx")
    assert table.filter(pl.col("alt").is_null() != (pl.col("reason") != "")).is_empty()


def test_the_door_of_records_points_to_the_other_door():
    with pytest.raises(FileError, match="has no temperatures.*read_calm"):
        read(SAMPLES / "calm.xlsx")


def test_a_grid():
    table = read_calm_grid(SAMPLES / "calm_grid.csv")
    assert table["node"].to_list() == ["1", "1", "2", "2", "3", "3"]
    assert table["when"].unique(maintain_order=True).to_list() == ["1999-08-20", "2000"]
    assert table["thaw_depth"].to_list() == [0.3, None, None, None, 0.355, None]
    assert table["reason"].to_list() == ["", "water", "not_measured", "above", "", "blank"]
    assert table.filter(pl.col("node") == "2")["y"].to_list() == [10.0, 10.0]


@pytest.mark.realdata
def test_the_real_summary(real):
    table = read_calm(real / "calm" / "CALM_Summary_table.xls")
    assert table.filter(pl.col("alt").is_null() != (pl.col("reason") != "")).is_empty()
    barrow = table.filter(pl.col("code") == "U1")
    assert barrow.filter(pl.col("year").is_in([1993, 1994, 1995, 1997]))["alt"].to_list() == [0.3, 0.35, 0.35, 0.37]
    assert barrow["site"].unique().to_list() == ["Barrow"]
    assert barrow["year"].to_list() == list(range(1990, 2026))
    assert table.n_unique("code") > 250
    assert 0.2 < table["alt"].min() < table["alt"].max() < 20
    assert table.filter(pl.col("reason") == "implausible")["note"].to_list() == ["1.45"]


def test_what_is_no_summary_is_refused(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    with pytest.raises(FileError, match="is not a workbook"):
        read_calm(SAMPLES / "calm_grid.csv")
    with pytest.raises(FileError, match="no sheet has the rows"):
        read_calm(SAMPLES / "rbr.xlsx")
    book = openpyxl.load_workbook(SAMPLES / "calm.xlsx")
    book["north"]["G2"] = 1977
    book.save(tmp_path / "years.xlsx")
    with pytest.raises(FileError, match="row 2: the years above the columns do not follow one another"):
        read_calm(tmp_path / "years.xlsx")
    text = tmp_path / "grid.csv"
    text.write_text("a,b\n1,2\n")
    with pytest.raises(FileError, match="no row of titles with X and Y"):
        read_calm_grid(text)
    text.write_text("x,y,colour\n1,2,red\n")
    with pytest.raises(FileError, match="no column behind the coordinates is headed by a year"):
        read_calm_grid(text)


def test_thickness_by_year_as_the_offsets_take_it(tmp_path):
    assert thaw_by_year(SAMPLES / "calm.xlsx", "x1a") == {1991: 0.3, 1992: 0.3, 1994: 0.45}
    with pytest.raises(UnknownName, match="unknown CALM site 'U99'"):
        thaw_by_year(SAMPLES / "calm.xlsx", "U99")
    grid = tmp_path / "grid.csv"
    header = "offset_x,offset_y,2001-07-01 00:00:00,2001-08-20 00:00:00,2002-08-25 00:00:00,2003-07-20 00:00:00\n"
    grid.write_text(header + "0,0,20,41,-999,30\n0,1,22,43,>100,30\n0,2,25,45,50,30\n", encoding="utf-8")
    assert thaw_by_year(grid) == {2001: 0.43}, "2002 has a node beyond the probe, 2003 no end of season"
    assert thaw_by_year(grid, first_month=7)[2003] == 0.3
    with pytest.raises(FileError, match="is a CALM grid of thaw depths"):
        read(grid)
    grid.write_text("x,y,8/9/2001\n0,0,41\n", encoding="utf-8")
    with pytest.raises(FileError, match="8/9/2001 may be read in several ways; write them as 2001-08-20"):
        thaw_by_year(grid)


@pytest.mark.parametrize("titles", ["2001,2002", "ALT 2001,ALT 2002", "8/20/2001,8/9/2002", "20010820,20020809",
                                    "20-Aug-2001,09-Aug-2002"])
def test_the_seasons_of_a_grid_are_headed_in_many_ways(tmp_path, titles):
    grid = tmp_path / "grid.csv"
    grid.write_text(f"Node,x,y,{titles}\nA,0,0,41,50\nB,0,1,43,W\n", encoding="utf-8")
    assert thaw_by_year(grid) == {2001: 0.42, 2002: 0.5}
    with pytest.raises(FileError, match="is a grid of one site.*has no site 'U1'"):
        thaw_by_year(grid, "U1")


def test_grids_that_would_give_wrong_depths_are_refused_or_left_out(tmp_path):
    grid = tmp_path / "grid.csv"
    grid.write_text("x,y,2001\n0,0,0.41\n0,1,0.43\n", encoding="utf-8")
    with pytest.raises(FileError, match="deepest thaw would be 0.43 cm; are these metres"):
        read_calm_grid(grid)
    grid.write_text("x;y;2001;2002;2003\n0;0;41,5;50;50\n0;1;42,5;60+;so-so\n", encoding="utf-8")
    assert thaw_by_year(grid) == {2001: 0.42}
    assert read_calm_grid(grid)["reason"].to_list() == ["", "", "", "", "above", "unreadable"]


def test_a_table_of_sites_is_never_taken_for_a_grid(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["Site Code", "Site Name", "LAT", "LONG", "METHOD", 1990, 1991])
    book.active.append(["U1", "A", 71.3, -156.6, "5", 33, "-"])
    book.active.append(["U2", "B", 71.3, -156.6, "5", 53, 54])
    book.save(tmp_path / "short.xlsx")
    assert thaw_by_year(tmp_path / "short.xlsx", "U1") == {1990: 0.33}
    book.active["C1"], book.active["D1"] = "Latitude", "Longitude"
    book.save(tmp_path / "other.xlsx")
    with pytest.raises(FileError, match="names sites, so it is no grid"):
        thaw_by_year(tmp_path / "other.xlsx")
