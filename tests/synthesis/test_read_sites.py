"""Tables of one's own: the same sites however they are written, and a message with row and column for every fault."""

import csv
import io

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talik.errors import AmbiguousFile, DataError, FileError, UnknownName, UsageError
from talik.synthesis.columns import matched, unit
from talik.synthesis.table import COLUMNS, read_sites

HEADER = ["site", "region", "subregion", "latitude", "longitude", "maat", "magst", "ttop", "alt"]
ROWS = [
    ["Barrow", "Arctic", "Alaska", 71.31, -156.66, -11.1, -6.5, -6.2, 0.328],
    ["Fox", "Arctic", "Alaska", 64.95, -147.62, -3.0, 0.7, -0.5, 0.847],
    ["Samoylov", "Arctic", "Russia", 72.37, 126.48, -12.5, -9.1, -7.7, 0.52],
    ["CLP1", "Third Pole", "Tibetan Plateau", 34.26, 97.85, -4.5, -2.3, -1.9, None],
]


def frame(rows=ROWS, header=HEADER):
    return pl.DataFrame(rows, schema=header, orient="row")


def text(rows=ROWS, header=HEADER, *, separator=",", decimal="."):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(["" if c is None else str(c).replace(".", decimal) if isinstance(c, float) else c for c in row])
    return out.getvalue()


def with_column(name, values, *, rename=None, rows=ROWS):
    k = HEADER.index(name)
    header = [*HEADER[:k], rename or name, *HEADER[k + 1:]]
    return frame([[*row[:k], v, *row[k + 1:]] for row, v in zip(rows, values, strict=True)], header)


@pytest.fixture
def file(tmp_path):
    def write(content, name="sites.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path
    return write


def same(left, right):
    numbers = ["latitude", "longitude", "maat", "magst", "ttop", "alt", "surface_offset", "thermal_offset"]
    assert left["site"].to_list() == right["site"].to_list()
    assert np.allclose(left.select(numbers).to_numpy(), right.select(numbers).to_numpy(), atol=1e-9, equal_nan=True)
    assert left["flags"].to_list() == right["flags"].to_list()


# --- laws: the same sites however they are written

@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_and_decimal_mark_do_not_matter(file, separator, decimal):
    same(read_sites(file(text(separator=separator, decimal=decimal))), read_sites(frame()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "ascii"])
def test_encodings_that_are_proved_need_no_word(file, encoding):
    same(read_sites(file(text(), encoding=encoding)), read_sites(frame()))


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0c"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_only_line_ends_end_a_line(file, mark, end):
    rows = [[row[0].replace("o", f"o{mark}", 1), *row[1:]] for row in ROWS]
    content = text(rows).replace('"', "").replace("\n", end)
    assert read_sites(file(content.encode()))["site"].to_list() == [row[0] for row in rows]


def test_xlsx_parquet_pandas_and_line_ends_do_not_matter(file, tmp_path):
    expected = read_sites(frame())
    frame().write_parquet(tmp_path / "sites.parquet")
    frame().to_pandas().to_excel(tmp_path / "sites.xlsx", index=False)
    for source in (tmp_path / "sites.parquet", tmp_path / "sites.xlsx", frame().to_pandas(), str(file(text())),
                   file(text().replace("\n", "\r\n"), "crlf.csv"), file(text().replace("\n", "\n\n"), "gaps.csv")):
        same(read_sites(source), expected)


def test_the_ending_of_a_file_does_not_matter(file, tmp_path):
    frame().write_parquet(tmp_path / "p.csv")
    frame().to_pandas().to_excel(tmp_path / "x.xlsx", index=False)
    (tmp_path / "x.xlsx").rename(tmp_path / "x.txt")
    for name in ("p.csv", "x.txt"):
        same(read_sites(tmp_path / name), read_sites(frame()))


@pytest.mark.parametrize("says,header", [({"maat": "K"}, "maat"), ({}, "MAAT (K)"), ({}, "maat_k"),
                                         ({}, "MAAT, Kelvin")])
def test_kelvin_that_is_said_becomes_celsius(says, header):
    kelvin = with_column("maat", [round(row[5] + 273.15, 2) for row in ROWS], rename=header)
    same(read_sites(kelvin, units=says), read_sites(frame()))


@pytest.mark.parametrize("says,header", [({"maat": "degF"}, "maat"), ({"maat": "Fahrenheit"}, "maat"),
                                         ({}, "MAAT [°F]")])
def test_fahrenheit_that_is_said_becomes_celsius(says, header):
    same(read_sites(with_column("maat", [row[5] * 1.8 + 32 for row in ROWS], rename=header), units=says),
         read_sites(frame()))


@pytest.mark.parametrize("says,header,factor", [({"alt": "cm"}, "alt", 100), ({}, "ALT (cm)", 100), ({}, "alt_cm", 100),
                                                ({"alt": "mm"}, "alt", 1000), ({}, "Active layer thickness, m", 1),
                                                ({"alt": "ft"}, "alt", 1 / 0.3048)])
def test_lengths_that_are_said_become_metres(says, header, factor):
    values = [None if row[8] is None else row[8] * factor for row in ROWS]
    read = read_sites(with_column("alt", values, rename=header), units=says)
    assert np.allclose(read["alt"], read_sites(frame())["alt"], atol=1e-6, equal_nan=True)


@given(shift=st.floats(-20, 20).map(lambda x: round(x, 3)))
@settings(max_examples=10, deadline=None)
def test_a_common_shift_of_all_temperatures_changes_no_offset(shift):
    moved = frame().with_columns(pl.col("maat", "magst", "ttop") + shift)
    said = dict.fromkeys(("maat", "magst", "ttop"), "degC")
    offsets = ["surface_offset", "thermal_offset"]
    assert np.allclose(read_sites(moved, units=said).select(offsets), read_sites(frame()).select(offsets), atol=1e-6)


def test_longitudes_of_0_to_360_are_the_same_places():
    same(read_sites(with_column("longitude", [row[4] % 360 for row in ROWS])), read_sites(frame()))


def test_offsets_are_recomputed_only_where_the_table_has_none():
    read = read_sites(frame().with_columns(SO=pl.Series([4.6, None, 3.4, None])))
    assert read["surface_offset"].to_list() == [4.6, 3.7, 3.4, 2.2]
    assert read["surface_offset_from"].to_list() == ["table", "recomputed", "table", "recomputed"]
    assert set(read["thermal_offset_from"]) == {"recomputed"}


def test_a_written_table_of_sites_reads_back_with_its_flags(tmp_path):
    import talik
    from talik.files import write_csv

    sites = talik.sites("three-poles")
    write_csv(tmp_path / "sites.csv", sites)
    back = read_sites(tmp_path / "sites.csv")
    assert back["flags"].to_list() == sites["flags"].to_list()
    assert back["cluster"].to_list() == sites["cluster"].to_list()
    assert back["surface_offset"].to_list() == sites["surface_offset"].to_list()


def test_a_flag_of_ones_own_is_kept_with_its_reason():
    read = read_sites(frame().with_columns(flags=pl.Series(["LOGGER_MOVED", "", None, ""]),
                                           flag_reasons=pl.Series(["moved in 2016", "", None, ""])))
    assert read["flags"][0] == "LOGGER_MOVED"
    assert read["flag_reasons"][0] == "moved in 2016"


def test_other_columns_are_kept_and_known_predictors_get_their_name():
    read = read_sites(frame().with_columns(swvl1=pl.lit(0.3), remark=pl.lit("x")))
    assert set(COLUMNS) | {"soil_water_1", "remark"} == set(read.columns)


def test_your_own_names_are_mapped():
    mine = frame().rename({"maat": "Tair", "site": "Bohrloch"})
    same(read_sites(mine, columns={"maat": "Tair", "site": "Bohrloch"}), read_sites(frame()))


# --- guesses are shown

CYRILLIC = [["Якутск-Туймаада", *ROWS[0][1:]], ["Верхоянский хребет", *ROWS[1][1:]],
            ["Оймяконское нагорье", *ROWS[2][1:]]]
CHINESE = [["北麓河高寒草甸", *ROWS[3][1:5], -2.8, 0.3, -0.4, 1.9],
           ["风火山观测场", *ROWS[3][1:5], -6.1, 0.0, -0.3, 1.43],
           ["昆仑山垭口盆地", *ROWS[3][1:5], -5.8, 0.0, -0.4, 1.36]]


@pytest.mark.parametrize("rows,encoding,name", [(CYRILLIC, "cp1251", "cp1251"), (CHINESE, "gbk", "gb18030")])
def test_a_guessed_encoding_is_shown_with_a_name_as_it_was_read(file, rows, encoding, name):
    path = file(text(rows), encoding=encoding)
    with pytest.warns(UserWarning, match=rf"sites.csv: encoding: taken as {name}.*read as '.*{rows[0][0].split()[0]}"):
        guessed = read_sites(path)
    assert guessed["site"].to_list() == [row[0] for row in rows]
    assert read_sites(path, encoding=encoding)["site"].to_list() == [row[0] for row in rows]     # said: no warning


def test_a_wrong_encoding_is_refused_with_the_line(file):
    with pytest.raises(FileError, match=r"sites.csv, line 2: byte 0x\w\w is not utf-8 .*Pass encoding"):
        read_sites(file(text(CYRILLIC), encoding="cp1251"), encoding="utf-8")
    with pytest.raises(FileError, match="encoding 'klingon' is not known"):
        read_sites(file(text()), encoding="klingon")


# --- faults of the file

def test_files_that_are_not_there_or_not_tables(file, tmp_path):
    with pytest.raises(FileError, match=r"nowhere.csv: no such file"):
        read_sites(tmp_path / "nowhere.csv")
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        read_sites(tmp_path)
    with pytest.raises(FileError, match="neither text, nor a workbook, nor Parquet"):
        read_sites(file(bytes(range(256)) * 8))
    with pytest.raises(FileError, match="the file is empty; expected a header line"):
        read_sites(file("\n\n"))
    with pytest.raises(FileError, match="not a workbook that can be read"):
        read_sites(file(b"PK\x03\x04 broken", "x.xlsx"))
    with pytest.raises(FileError, match="a damaged Parquet file"):
        read_sites(file(b"PAR1 broken", "x.parquet"))


def test_an_empty_table_is_refused(file):
    with pytest.raises(DataError, match=r"sites.csv: the table has a header but no rows"):
        read_sites(file(",".join(HEADER) + "\n"))
    with pytest.raises(DataError, match="the table has a header but no rows"):
        read_sites(frame([]))


def test_ragged_rows_are_refused_with_the_line(file):
    with pytest.raises(FileError, match=r"sites.csv, line 3: 8 cells, the header has 9"):
        read_sites(file("\n".join([*text().splitlines()[:2], text().splitlines()[2].rpartition(",")[0], ""])))
    commas = text(decimal=",").replace('"', "")
    with pytest.raises(FileError, match="line 2: 15 cells, the header has 9. A decimal comma in a comma-sep"):
        read_sites(file(commas))
    with pytest.raises(FileError, match="A quote that is not closed"):
        read_sites(file(text().replace("Fox", '"Fox')))


def test_workbooks_with_several_tables_ask_which(tmp_path):
    import pandas as pd

    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as book:
        frame().to_pandas().to_excel(book, sheet_name="Sites", index=False)
        frame().to_pandas().to_excel(book, sheet_name="Old", index=False)
    with pytest.raises(AmbiguousFile, match="has tables on the sheets Sites, Old. Say which: sheet="):
        read_sites(path)
    same(read_sites(path, sheet="Sites"), read_sites(frame()))
    with pytest.raises(UnknownName, match=r"unknown sheet of book.xlsx 'Site'. Did you mean 'Sites'"):
        read_sites(path, sheet="Site")


def test_an_empty_workbook_and_a_sheet_of_a_csv(file, tmp_path):
    import openpyxl

    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    with pytest.raises(FileError, match="the workbook is empty"):
        read_sites(tmp_path / "empty.xlsx")
    with pytest.raises(UsageError, match="is for workbooks"):
        read_sites(file(text()), sheet="Sites")


def test_rows_above_the_header_of_a_sheet_count_for_messages(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append([])
    for row in (HEADER, ROWS[0], ["Fox", "Arctic", "Alaska", 64.95, -147.62, "warm", 0.7, -0.5, 0.8]):
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    with pytest.raises(FileError, match=r"b.xlsx, sheet 'Sheet', row 4, column 'maat': 'warm' is not a number"):
        read_sites(tmp_path / "b.xlsx")


def test_dates_where_numbers_should_be_are_refused():
    dates = frame().with_columns(maat=pl.date(2020, 1, 2))
    with pytest.raises(FileError, match="column 'maat': holds Date, expected numbers"):
        read_sites(dates)


def test_text_in_a_column_of_numbers_is_told_with_its_row(file):
    with pytest.raises(FileError, match=r"sites.csv, row 3, column 'magst': 'about 1' is not a number \(1 such cell"):
        read_sites(file(text().replace("0.7", "about 1")))


@pytest.mark.parametrize("one,decimal", [("-3,0", "."), ("0,125", "."), ("-3.05", ","), ("0.125", ",")])
def test_a_second_decimal_mark_is_refused_not_taken_for_thousands(file, one, decimal):
    mixed = text(separator=";", decimal=decimal).replace("-3.0" if decimal == "." else "-3,0", one)
    with pytest.raises(FileError, match=rf"row 3, column 'maat': '{one}' has another decimal mark than the rest"):
        read_sites(file(mixed))


def test_thousands_marks_are_read_where_another_number_tells_and_refused_where_none_does(file):
    for mark in (",", " "):
        high = frame().with_columns(elevation=pl.Series([f"1{mark}505", "12", f"4{mark}720", None]))
        with pytest.raises(AmbiguousFile, match=f"table: in '1{mark}505' the mark could part decimals or thousands"):
            read_sites(high)
        assert read_sites(file(high.write_csv()))["elevation"].to_list() == [1505, 12, 4720, None]


def test_names_that_a_workbook_keeps_as_numbers_stay_whole(tmp_path):
    frame([[k, *row[1:]] for k, row in enumerate(ROWS, 101)]).to_pandas().to_excel(tmp_path / "n.xlsx", index=False)
    assert read_sites(tmp_path / "n.xlsx")["site"].to_list() == ["101", "102", "103", "104"]


# --- faults of the columns

def test_misspelt_columns_are_pointed_at():
    with pytest.raises(UsageError, match=r"no column 'magst', but 'magsst'. Did you mean 'magst'.*\{'magst': 'magsst'"):
        read_sites(frame().rename({"magst": "magsst"}))
    with pytest.raises(UsageError, match="no column 'latitude', but 'latitud'"):
        read_sites(frame().rename({"latitude": "latitud"}))


def test_missing_columns_are_named():
    with pytest.raises(UsageError, match=r"no column 'site'. Found: region"):
        read_sites(frame().drop("site"))
    with pytest.raises(UsageError, match="none of the columns maat, magst, ttop"):
        read_sites(frame().drop("maat", "magst", "ttop", "alt"))


def test_wrong_mappings_are_told():
    with pytest.raises(UnknownName, match="columns: unknown name 'maatt'. Did you mean 'maat'"):
        read_sites(frame(), columns={"maatt": "maat"})
    with pytest.raises(UnknownName, match="columns: table: unknown column 'Tiar'. Did you mean 'Tair'"):
        read_sites(frame().rename({"maat": "Tair"}), columns={"maat": "Tiar"})
    with pytest.raises(UnknownName, match=r"units: alt: unknown unit 'inch'. Known: cm, ft, m, mm"):
        read_sites(frame(), units={"alt": "inch"})
    with pytest.raises(UnknownName, match="units: table: unknown quantity 'snow_depth'"):
        read_sites(frame(), units={"snow_depth": "cm"})


def test_two_columns_of_one_quantity_are_refused():
    with pytest.raises(AmbiguousFile, match=r"'maat' and 'MAAT \(°C\)' both look like maat. Say which"):
        read_sites(frame().with_columns(pl.col("maat").alias("MAAT (°C)")))
    assert matched(["site", "maat", "MAAT (°C)"], {"maat": "maat"}) == {"maat": "maat", "site": "site"}


@pytest.mark.parametrize("column,name", [
    ("MAAT", "maat"), ("mean annual air temperature (°C)", "maat"), ("TTOP_C", "ttop"), ("Lat.", "latitude"),
    ("lon", "longitude"), ("ALT [cm]", "alt"), ("Altitude (m)", "elevation"), ("elevation_m", "elevation"),
    ("Sub-region", "subregion"),
    ("Station name", "site"), ("TO", "thermal_offset"), ("SO (K)", "surface_offset"), ("Soil texture", "soil")])
def test_usual_spellings_are_known(column, name):
    assert matched(["site", "magst", column] if name != "site" else [column, "magst"]).get(name) == column


def test_the_users_word_on_units_goes_before_the_columns():
    assert unit("alt", "ALT (cm)", {"alt": "m"}) == "m"


# --- faults of the values

def test_kelvin_is_refused_unless_said():
    kelvin = with_column("maat", [row[5] + 273.15 for row in ROWS])
    with pytest.raises(DataError, match=r"column 'maat': values 260.65 to 270.15 \(taken as °C\) look like kelvin. "
                                        r"Say so: units=\{'maat': 'K'\}"):
        read_sites(kelvin)
    with pytest.raises(DataError, match=r"values -12.5 to -3 \(stated as K\) look like °C"):
        read_sites(frame(), units={"maat": "K"})


def test_fahrenheit_is_refused_unless_said():
    warm = [[*row[:5], row[5] * 1.8 + 32, *row[6:]] for row in ROWS]
    with pytest.raises(DataError, match=r"look like Fahrenheit, since half of them are above 8. Say so: "
                                        r"units=\{'maat': 'degF'\} or units=\{'maat': 'degC'\}"):
        read_sites(frame(warm))
    assert read_sites(frame(warm), units={"maat": "degC"})["maat"].to_list() == [row[5] for row in warm]


def test_one_kelvin_among_celsius_is_told_with_its_row(file):
    with pytest.raises(DataError, match=r"sites.csv, row 3, column 'maat': 270.15 is outside what maat can be, "
                                        r"-60 to 45 °C. Kelvin or a fill value in one row"):
        read_sites(file(text().replace("-3.0", "270.15")))


def test_active_layers_in_another_unit_are_refused_unless_said():
    with pytest.raises(DataError, match=r"column 'alt': values 32.8 to 84.7 \(taken as m\) look like centimetres"):
        read_sites(with_column("alt", [32.8, 84.7, 52.0, None]))
    with pytest.raises(DataError, match=r"'ALT \(cm\)': values 0.328 to 0.847 \(stated as cm\) look like metres.*"
                                        r"units=\{'alt': 'm'\}"):
        read_sites(with_column("alt", [0.328, 0.847, 0.52, None], rename="ALT (cm)"))
    with pytest.raises(DataError, match=r"table, row 2, column 'alt': 84.7 is outside .* Centimetres in one row"):
        read_sites(with_column("alt", [0.328, 84.7, 0.52, None]))


@pytest.mark.parametrize("fill", [-999, -9999, -999.99, 6999])
def test_fill_values_become_nulls_with_a_flag(file, fill):
    read = read_sites(file(text().replace("-3.0", str(fill))))
    assert read["maat"].to_list() == [-11.1, None, -12.5, -4.5]
    assert read["surface_offset"][1] is None
    assert "FILL_VALUE" in read["flags"][1]
    assert f"sites.csv, row 3, column 'maat': {fill:g} taken as no value" in read["flag_reasons"][1]


def test_a_fill_value_that_is_a_possible_value_is_kept():
    read = read_sites(frame().with_columns(precipitation=pl.lit(999.0), elevation=pl.lit(999.0), wind=pl.lit(-999.0)))
    assert read["precipitation"].to_list() == read["elevation"].to_list() == [999.0] * 4
    assert read["wind_speed"].to_list() == [None] * 4
    assert "FILL_VALUE" in read["flags"][0]


@pytest.mark.parametrize("blank", ["", "NA", "n/a", "-", "NaN", "null"])
def test_blanks_are_nulls(file, blank):
    assert read_sites(file(text().replace("-3.0", blank)))["maat"].to_list() == [-11.1, None, -12.5, -4.5]


def test_coordinates_that_cannot_be_are_told_with_rows():
    with pytest.raises(DataError, match=r"row 1, column 'latitude': -156.66 is outside what latitude can be, -90 to 90 "
                                        r"°N \(4 such rows: 1, 2, 3, 4\). Swapped with longitude"):
        read_sites(with_column("latitude", [row[4] for row in ROWS]))
    with pytest.raises(DataError, match=r"row 2, column 'longitude': 400 is outside"):
        read_sites(with_column("longitude", [-156.66, 400.0, 126.48, 97.85]))


def test_swapped_coordinates_that_could_be_are_seen_by_their_region():
    nordic = [["A", "Arctic", "Nordic", 25.4, 69.3, -2.0, -1.0, -0.5, 0.6],
              ["B", "Arctic", "Nordic", 21.2, 69.4, -2.5, -1.2, -0.6, 0.7]]
    with pytest.raises(DataError, match=r"row 1: latitude 25.4 and longitude 69.3 do not lie in Arctic \(2 such "
                                        r"rows\); the other way round they do. Swapped"):
        read_sites(frame(nordic))


def test_one_place_outside_its_region_is_flagged_not_refused():
    read = read_sites(with_column("latitude", [71.31, 4.95, 72.37, 34.26]))
    assert "REGION_MISMATCH" in read["flags"][1]
    assert read["latitude"][1] == 4.95


def test_rows_that_repeat_another_are_refused():
    with pytest.raises(DataError, match=r"row 5: the same as row 2 in every column \(site 'Fox'\). Remove one"):
        read_sites(frame([*ROWS, ROWS[1]]))


def test_two_sites_of_one_name_are_flagged():
    read = read_sites(frame([*ROWS, ["Fox", *ROWS[2][1:]]]))
    assert ["DUPLICATE_NAME" in flags for flags in read["flags"]] == [False, True, False, False, True]
    assert "'Fox' is also the name of row 5" in read["flag_reasons"][1]


def test_a_site_without_name_is_refused(file):
    with pytest.raises(DataError, match=r"sites.csv, row 3, column 'site': the site has no name \(1 such row\)"):
        read_sites(file(text().replace("Fox", "")))


def test_the_input_is_not_changed():
    given_frame = frame()
    read_sites(given_frame)
    assert given_frame.equals(frame())
