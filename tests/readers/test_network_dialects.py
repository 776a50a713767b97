"""Networks' tables in forms their samples do not show: reports, layouts, several measures, two rows of names."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

import talik
from talik.errors import AmbiguousFile, UnknownFormat
from talik.readers.calm import thaw_by_year

DAYS = [dt.date(2012, 6, 10) + dt.timedelta(days=i) for i in range(12)]
HOURS = [dt.datetime(2012, 9, 10) + dt.timedelta(hours=i) for i in range(30)]


def read(path, text, **options):
    path.write_bytes(text.encode())
    return talik.read(path, **options)


def said(record):
    return " ".join(record.source.understood)


def rows(stamps, shape, cells):
    return "".join(f"{stamp.strftime(shape)},{cells}\n" for stamp in stamps)


# --- USDA NRCS


def test_an_older_report_names_its_zone_with_the_time_of_day(tmp_path):
    text = "WCIS Data\n\nSite Id,Date,Time (CST),STO.I-1:0 (degC) ,SMS.I-1:-2 (pct)  (silt),\n"
    text += "".join(f"2081,{t:%Y-%m-%d},{t:%H:%M},-1.5,33.1,\n" for t in HOURS)
    [record] = read(tmp_path / "a.csv", text)
    assert (record.site, record.source.time_zone, str(record.times[0])[:13]) == ("2081", "UTC-06:00", "2012-09-10T06")
    assert (record.depths.tolist(), record.values[0, 0]) == ([0.0], -1.5)
    with pytest.raises(AmbiguousFile, match=r"a.csv, line 3: the times of day are in 'CDT', which is no standard time"):
        read(tmp_path / "a.csv", text.replace("CST", "CDT"))
    assert read(tmp_path / "a.csv", text.replace("CST", "CDT"), timezone="-05:00")[0].source.time_zone == "UTC-05:00"


@pytest.mark.parametrize(
    ("title", "stamp", "spot"),
    [
        ("Date,Soil Temperature Observed -2in (degF) Start of Day Values", "%Y-%m-%d", True),
        ("Date,Soil Temperature Observed -2in (degF) Mean of Hourly Values", "%Y-%m-%d", False),
        ("Site Id,Date,Time,STO.I-1:-2 (degF) ", "968,%Y-%m-%d,", True),
        ("Site Id,Date,Time,STO.D-1:-2 (degF) ", "968,%Y-%m-%d,", False),
    ],
)
def test_readings_at_the_start_of_a_day_are_told_from_means(tmp_path, title, stamp, spot):
    [record] = read(tmp_path / "a.csv", f"# Atqasuk (968)\n{title}\n{rows(DAYS, stamp, '23')}")
    assert record.source.format == "nrcs"
    assert (record.depths.tolist(), record.values[0, 0]) == ([0.0508], -5.0)
    assert ("not the day's mean" in said(record)) == spot


def test_other_tables_with_soil_temperature_in_their_titles_are_not_taken_for_reports(tmp_path):
    text = "Date,Time,Soil Temp 5cm (degC),Soil Moisture 15cm\n" + rows(HOURS, "%Y-%m-%d,%H:%M", "-1.5,0.4")
    assert read(tmp_path / "a.csv", text)[0].source.format == "generic"


def test_titles_that_r_has_rewritten_keep_depth_and_unit(tmp_path):
    text = '"","Date","Soil.Temperature.Observed..2in..degF."\n'
    text += "".join(f'"1","{t:%Y-%m-%d %H:%M}",23\n' for t in HOURS)
    [record] = read(tmp_path / "a.csv", text)
    assert (record.depths.tolist(), record.values[0, 0]) == ([0.0508], -5.0)


# --- RIHMI-WDC

LAYOUT = """\
 1  1       5  Индекс ВМО
 2  2       4  Год
 3  3       2  Месяц
 4  4       2  День
 5  5     5,1  Средняя температура поверхности почвы
 6  5.Q     1  Признак качества
 7  6     5,1  Температура почвы на глубине 0.4 м
 8  6.Q     1  Признак качества
 9  7     5,1  Температура почвы на глубине 320 см
10  7.Q     1  Признак качества
11  8       2  Облачность
"""


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "cp866"])
@pytest.mark.parametrize("mark", [" ", ";"])
def test_layouts_of_other_columns_and_encodings(tmp_path, encoding, mark):
    (tmp_path / "fld7.txt").write_bytes(LAYOUT.encode(encoding))
    (tmp_path / "statlist7.txt").write_bytes("24266\tВерхоянск\n".encode(encoding))
    text = "".join(f"24266 2012  6 {day.day:2d}   1.5 0  -2.5 {9 * (day.day == 12)} 999.9 9 10\n" for day in DAYS)
    said_so = {"encoding": encoding} if encoding == "cp866" else {}
    (tmp_path / "wr7.txt").write_text(text.replace(" 2012", f"{mark}2012"))
    [record] = talik.read(tmp_path / "wr7.txt", **said_so)
    assert (record.site, record.depths.tolist()) == ("Верхоянск", [0.0, 0.4, 3.2])
    np.testing.assert_array_equal(record.values[0], [1.5, -2.5, np.nan])
    assert [talik.Flag(flag).name for flag in record.flags[2].tolist()][1] == "SOURCE"
    assert "columns not read: Облачность" in said(record)


def test_air_temperatures_of_the_format_need_no_layout(tmp_path):
    text = "".join(f"24266 2012  6 {day.day:2d} 0 -12.1 0  -7.0 0  -1.5 0   0.2 0 0\n" for day in DAYS)
    [record] = read(tmp_path / "24266.dat", text)
    assert (record.source.format, record.depths.tolist(), record.values[0, 0]) == ("rihmi", [-2.0], -7.0)
    assert record.others["maximum air temperature [degC]"][0] == -1.5


# --- GTN-P, RST


def test_a_gtnp_export_may_have_decimal_commas(tmp_path):
    text = "id;date;depth;temperature;flag;dataset_id;borehole_id;site_id\n"
    text += "".join(f"1;{day};{depth};-2,25;good;7;8;9\n" for depth in ("0,5", "1") for day in DAYS)
    [record] = read(tmp_path / "a.csv", text)
    assert (record.depths.tolist(), record.values[3].tolist()) == ([0.5, 1.0], [-2.25, -2.25])


def test_a_line_above_the_model_of_an_rst_logger_changes_nothing(tmp_path):
    text = "Readings of BH-1\nModel,DT2040\nName,BH-1\n\nTIMESTAMP,RECORD,BATTERY,1.0m,2.0m\nUNITS->,,V,deg C,deg C\n"
    [record] = read(tmp_path / "a.csv", text + rows(HOURS, "%Y/%m/%d %H:%M:%S", "1,3.6,-1.5,-2.5"))
    assert (record.source.format, record.site, record.depths.tolist()) == ("rst", "BH-1", [1.0, 2.0])


# --- tables of no known format


def test_stations_and_comments_of_a_weather_service(tmp_path):
    text = '"Station Name","Date","Soil Temp. 5 cm (°C)","Soil Temp. 5 cm Source Flag","Soil Temp. 5 cm Comment"\n'
    text += "".join(f'"Brocket AGDM","{t:%d-%B-%Y %H:%M}",-1.5,"ACTUAL",""\n' for t in HOURS)
    [record] = read(tmp_path / "a.csv", text)
    assert (record.site, record.labels) == ("Brocket AGDM", ("Soil Temp. 5 cm (°C)",))


@pytest.mark.parametrize("other", ["Vbat", "LWC", "G", "ice", "liquid water", "matric potential", "WFV", "unfrozen",
                                   "SHF", "Moisture", "RH", "U_batt", "heat flux", "mV"])
def test_other_measures_at_a_depth_are_never_temperatures(tmp_path, other):
    text = f"time,T_5cm,{other}_10cm,{other} 20 cm\n" + rows(HOURS, "%Y-%m-%d %H:%M", "-1.5,3.2,3.1")
    [record] = read(tmp_path / "a.csv", text)
    assert record.labels == ("T_5cm",)
    assert len(record.others) == 2


def test_ice_and_frozen_ground_have_temperatures(tmp_path):
    text = "time,Ice temperature 5 cm,Frozen ground temp 20 cm\n" + rows(HOURS, "%Y-%m-%d %H:%M", "-1.5,-3.2")
    assert read(tmp_path / "a.csv", text)[0].depths.tolist() == [0.05, 0.2]


def test_a_column_of_numbered_flags_is_no_temperature(tmp_path):
    text = "time,Ts_5cm,Ts_5cm_fl,Ts_20cm,Ts_20cm_fl\n" + rows(HOURS, "%Y-%m-%d %H:%M", "-1.5,0,-2.5,6")
    assert read(tmp_path / "a.csv", text)[0].labels == ("Ts_5cm", "Ts_20cm")


@pytest.mark.parametrize(("unit", "value"), [("degF", 23.0), ("°C", -5.0), ("K", 268.15)])
def test_a_column_of_units_counts(tmp_path, unit, value):
    long = "site,time,depth_m,value,unit\n" + "".join(
        f"A,{t:%Y-%m-%d %H:%M},{depth},{value},{unit}\n" for depth in (0.5, 1) for t in HOURS)
    wide = "time,T -2IN,T -2IN_units\n" + rows(HOURS, "%Y-%m-%d %H:%M", f"{value},{unit}")
    for name, text in (("long.csv", long), ("wide.csv", wide)):
        np.testing.assert_allclose(read(tmp_path / name, text)[0].values[0], -5.0)


def test_rows_that_measure_something_else_are_left_out_and_said(tmp_path):
    text = "site,time,parameter,depth_cm,value\n" + "".join(
        f"A,{t:%Y-%m-%d %H:%M},{what},{depth},{value}\n"
        for what, value in (("soil temperature", -1.5), ("soil moisture", 0.3)) for depth in (5, 10) for t in HOURS)
    [record] = read(tmp_path / "a.csv", text)
    assert (record.values == -1.5).all()
    assert "rows: 60 of 120 measure something else and are left out: soil moisture" in said(record)
    with pytest.raises(UnknownFormat, match="no row of column 'parameter' names a temperature"):
        read(tmp_path / "a.csv", text.replace("soil temperature", "snow depth"))


@pytest.mark.parametrize("over", ["Date,Temperature,Temperature,Moisture,Moisture\n,5 cm,50 cm,5 cm,50 cm\n",
                                  ",Soil temperature,,Soil moisture (%),\nDate,5 cm,50 cm,10 cm,30 cm\n"])
def test_two_rows_of_names_are_one(tmp_path, over):
    [record] = read(tmp_path / "a.csv", over + rows(DAYS, "%Y-%m-%d", "-1.5,-2.5,0.3,0.4"))
    assert record.depths.tolist() == [0.05, 0.5]
    assert len(record.others) == 2


def test_sites_side_by_side_under_one_row_of_names_are_asked_about(tmp_path):
    text = ",Ridge,,Valley,\nDate,5 cm,50 cm,5 cm,50 cm\n" + rows(DAYS, "%Y-%m-%d", "-1.5,-2.5,0.3,0.4")
    with pytest.raises(AmbiguousFile, match=r"'Ridge' and 'Valley' stand .*'temperature': 'Valley 5 cm,Valley 50 cm'"):
        read(tmp_path / "a.csv", text)
    [record] = talik.read(tmp_path / "a.csv", columns={"temperature": "Valley 5 cm,Valley 50 cm"})
    assert (record.depths.tolist(), record.values[0].tolist()) == ([0.05, 0.5], [0.3, 0.4])


def test_a_zone_among_the_units_counts(tmp_path):
    text = "Date Time,Air,0.10 m,0.50 m\nAKST,°C,°C,°C\n" + rows(HOURS, "%Y/%m/%d %H:%M", "-9.5,-1.5,-2.5")
    [record] = read(tmp_path / "a.csv", text)
    assert record.source.time_zone == "UTC-09:00"
    np.testing.assert_array_equal(record.depths, [np.nan, 0.1, 0.5])


def test_a_profile_by_depth_alone_is_told_what_it_lacks(tmp_path):
    with pytest.raises(UnknownFormat, match="A profile by depth alone is no series: write its date into a column"):
        read(tmp_path / "a.csv", "Depth (m),Temperature (°C)\n0.5,3.1\n1,1.2\n2,-.3\n10,-5.1\n")


def test_pangaeas_depth_may_be_explained(tmp_path):
    text = "/* DATA DESCRIPTION:\n*/\nDate/Time\tDepth soil [m] (borehole)\tPerma T [°C]\n"
    text += "".join(f"{t:%Y-%m-%dT%H:%M}\t{z}\t{-z}\n" for t in HOURS for z in (0.5, 2))
    [record] = read(tmp_path / "a.tab", text)
    assert (record.depths.tolist(), record.values[0].tolist()) == ([0.5, 2.0], [-0.5, -2.0])


@pytest.mark.parametrize(("name", "hour", "told"), [("T_5cm", 12, True), ("T_5cm_avg", 12, False), ("T_5cm", 0, False)])
def test_one_reading_a_day_is_said_to_be_no_mean(tmp_path, name, hour, told):
    text = f"time,{name}\n" + rows(DAYS, "%Y-%m-%d", "").replace(",", f" {hour:02d}:00,-1.5")
    assert ("not for the mean of the day" in said(read(tmp_path / "a.csv", text)[0])) == told


def test_readings_of_every_hour_are_not_called_daily(tmp_path):
    text = "time,T_5cm\n" + rows(HOURS, "%Y-%m-%d %H:30", "-1.5")
    assert "mean of the day" not in said(read(tmp_path / "a.csv", text)[0])


def test_words_among_depths_and_units_under_names_belong_to_them(tmp_path):
    text = "Depth (cm),,,Air,5,50\nYear,Day,Hour,Temp C,Temp C,Temp C\n"
    text += "".join(f"1998,{day},{hour}00,-9.5,-1.5,-2.5\n" for day in range(1, 40) for hour in range(1, 25, 6))
    [record] = read(tmp_path / "a.csv", text)
    np.testing.assert_array_equal(record.depths, [np.nan, 0.05, 0.5])
    assert record.labels[0] == "Temp C Air"
    text = "YEAR,DAY,TIME,AIR TEMP,SOIL TEMP 1,SOIL MOIST 1\n,,,(C),2.5 cm,2.5 cm\n"
    text += "".join(f"1998,{day},{hour}00,-9.5,-1.5,0.3\n" for day in range(1, 40) for hour in range(0, 24, 6))
    assert read(tmp_path / "b.csv", text)[0].labels == ("AIR TEMP (C)", "SOIL TEMP 1 2.5 cm")


@pytest.mark.parametrize("unit", ["mV", "V", "Ohm", "kΩ", "W m-2", "W/m2", "%", "kPa", "m/s", "mS/cm", "m3/m3"])
def test_a_unit_in_brackets_outweighs_a_word(tmp_path, unit):
    text = f"time,Soil_T_1 (°C),Soil_T_1_x ({unit}),Soil_T 8 cm [{unit}]\n" + rows(HOURS, "%Y-%m-%d %H:%M", "-1.5,3,4")
    assert read(tmp_path / "a.csv", text)[0].labels == ("Soil_T_1 (°C)",)


def test_letters_of_several_zones_are_asked_about(tmp_path):
    text = "Date Time (AST),T_5cm\n" + rows(HOURS, "%Y-%m-%d %H:%M", "-1.5")
    with pytest.raises(AmbiguousFile, match=r"a.csv: the stamps are in 'AST' \(Alaska, Atlantic or Arabia\?\)"):
        read(tmp_path / "a.csv", text)
    assert read(tmp_path / "a.csv", text, timezone="-09:00")[0].source.time_zone == "UTC-09:00"


def test_stamps_of_parquet_keep_their_zone(tmp_path):
    times = pl.Series(HOURS).dt.replace_time_zone("America/Anchorage")
    pl.DataFrame({"time": times, "T_5cm": [-1.5] * len(HOURS)}).write_parquet(tmp_path / "a.parquet")
    [record] = talik.read(tmp_path / "a.parquet")
    assert (str(record.times[0])[:13], record.source.time_zone_from) == ("2012-09-10T08", "header")


def test_depths_that_gtnp_counts_upwards_or_names_twice(tmp_path):
    text = "id,date,depth,temperature,flag,dataset_id,borehole_id,site_id\n"
    text += "".join(f"1,{day},{depth},{2 * depth},,7,8,9\n" for depth in (-0.5, -1.0) for day in DAYS)
    [record] = read(tmp_path / "a.csv", text)
    assert (record.depths.tolist(), record.values[0].tolist()) == ([0.5, 1.0], [-1.0, -2.0])
    [record] = read(tmp_path / "b.csv", "Date/Depth,0.5,1.0,1.0\n" + rows(DAYS, "%Y-%m-%d", "-1.5,-2.5,-2.4"))
    assert record.depths.tolist() == [0.5, 1.0, 1.0]


def test_a_calm_grid_may_name_units_and_say_what_its_dates_head(tmp_path):
    path = tmp_path / "grid.csv"
    nodes = "".join(f"{i},{i},{i},{40 + i}\n" for i in range(11))
    path.write_text("node,x (m),y (m),2010-08-25 thaw depth (cm)\n" + nodes)
    assert thaw_by_year(path) == {2010: 0.45}
