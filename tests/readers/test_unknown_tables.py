"""Tables as people really write them: read right, or refused in words that say what to do; never wrong in silence."""

import datetime as dt
import sys

import numpy as np
import pytest
from openpyxl import Workbook

import talik
from talik.errors import AmbiguousFile, FileError, TalikError, UnknownFormat
from talik.records import Flag

START = dt.datetime(2020, 1, 30)
NAN = float("nan")


def hours(shape="%Y-%m-%d %H:%M", n=30):
    return [(START + dt.timedelta(hours=i)).strftime(shape) for i in range(n)]


def table(header, stamps, values=("-5.5", "-1.25"), separator=","):
    return header + "\n" + "".join(separator.join([stamp, *values]) + "\n" for stamp in stamps)


def read(tmp_path, text, name="a.csv", **said):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return talik.read(path, **said)


@pytest.mark.parametrize(
    ("names", "depths"),
    [
        ("T_5cm,T_50cm", [0.05, 0.5]),
        ("Temp 0.05m (degC),Temp 0.5m (degC)", [0.05, 0.5]),
        ("soil_temp_-0.05,soil_temp_-0.5", [0.05, 0.5]),
        ("X0.05,X0.5", [0.05, 0.5]),
        ("Soil Temp 2in (C),Soil Temp 20in (C)", [0.0508, 0.508]),
        ("2 in,20 inches", [0.0508, 0.508]),
        ("Soil Temp (C) 2 in.,Temp 20 in (C)", [0.0508, 0.508]),
        ("Temp 2 in plot 1,Temp 20 in plot 1", [NAN, NAN]),
        ("地温5cm,地温50cm", [0.05, 0.5]),
        ("TA_2m,Tsoil_10cm", [-2, 0.1]),
        ("AirTemp_1.5m,GroundTemp_0.5m", [-1.5, 0.5]),
        ("Air temperature (2 m),Ground temperature (0.1 m)", [-2, 0.1]),
        ("2m,-0.05m", [-2, 0.05]),
        ("-2 m,0.05 m", [-2, 0.05]),
        ("-8cm,15cm", [NAN, NAN]),
        ("surface,0.5 m", [NAN, 0.5]),
        ("GT-5,GT-100", [NAN, NAN]),
        ("T10,T50", [NAN, NAN]),
        ("T_1.1,T_2.1", [NAN, NAN]),
        ("5,100", [NAN, NAN]),
    ],
)
def test_depths_in_the_names_of_columns(tmp_path, names, depths):
    [record] = read(tmp_path, table(f"time,{names}", hours()))
    np.testing.assert_array_equal(record.depths, depths)
    assert record.values[0].tolist() == [-5.5, -1.25]


@pytest.mark.parametrize(
    ("header", "shape"),
    [
        ("Year,DOY,Hour", "%Y,%j,%H"),
        ("Year,Julian Day,Time", "%Y,%j,%H00"),
        ("YYYY,MM,DD,HH,MIN", "%Y,%m,%d,%H,%M"),
        ("Year,Month,Day,Hour,Minute,Second", "%Y,%m,%d,%H,%M,%S"),
        ("Date,Hour", "%Y-%m-%d,%H"),
        ("UTC_DATE,UTC_TIME,LST_TIME", "%Y%m%d,%H%M,0000"),
        ("DATE", "%Y%m%d%H"),
        ("TIMESTAMP", "%Y%m%d%H%M"),
        ("when (UTC)", "%d-%b-%Y %H:%M"),
        ("local_time,utc_time", "2019-12-31 05:00,%Y-%m-%d %H:%M"),
        ("no,Date/Time", "1,%m/%d/%Y %I:%M:%S %p"),
    ],
)
def test_stamps_in_parts_and_in_many_styles(tmp_path, header, shape):
    [record] = read(tmp_path, table(f"{header},T_5cm,T_50cm", hours(shape)))
    assert record.times.tolist() == [START + dt.timedelta(hours=i) for i in range(30)]


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        ([f"{43860 + i / 24:.4f}" for i in range(30)], "days of a spreadsheet"),
        ([f"{737820 + i / 24:.5f}" for i in range(30)], "Matlab's days"),
        ([str(1580342400 + 3600 * i) for i in range(30)], "Unix seconds"),
        ([str(1580342400000 + 3600000 * i) for i in range(30)], "Unix milliseconds"),
    ],
)
def test_stamps_that_are_counted(tmp_path, stamps, said):
    [record] = read(tmp_path, table("Date,T_5cm,T_50cm", stamps))
    assert record.times.tolist() == [START + dt.timedelta(hours=i) for i in range(30)]
    assert said in record.source.understood[1]


@pytest.mark.parametrize("name", ["unix_time", "epoch", "Unix Time (s)", "seconds since 1970-01-01", "serial date"])
def test_counted_stamps_are_known_by_many_names(tmp_path, name):
    first, step = (43860, 1 / 24) if "serial" in name else (1580342400, 3600)
    [record] = read(tmp_path, table(f"{name},T_5cm,T_50cm", [str(first + i * step) for i in range(30)]))
    assert record.times.tolist() == [START + dt.timedelta(hours=i) for i in range(30)]


@pytest.mark.parametrize("date", ["%Y-%m-%d", "serial"])
@pytest.mark.parametrize("clock", ["{:02d}:00", "{share:.4f}", "{share:.9f}"])
def test_a_time_of_day_stands_beside_its_date(tmp_path, date, clock):
    """Also beside dates that are counted, and as the share of the day that a spreadsheet keeps."""
    stamps = [
        f"{43860 + i // 24 if date == 'serial' else f'{START + dt.timedelta(days=i // 24):{date}}'},"
        + clock.format(i % 24, share=i % 24 / 24)
        for i in range(60)
    ]
    [record] = read(tmp_path, table("DATE,TIME,T_5cm,T_50cm", stamps))
    assert record.times.tolist() == [START + dt.timedelta(hours=i) for i in range(60)]
    if date == "serial" and clock.endswith(":00"):
        with pytest.raises(FileError, match="line 2: '25:00' is not a time of day"):
            read(tmp_path, table("DATE,TIME,T_5cm,T_50cm", [stamp.replace("00:00", "25:00") for stamp in stamps]))


def test_a_day_beside_a_year_alone_is_the_day_of_the_year_where_it_goes_beyond_31(tmp_path):
    days = [f"2020,{1 + i},12" for i in range(40)]
    [record] = read(tmp_path, table("Year,Day,Hour,T_5cm,T_50cm", days))
    assert str(record.times[-1])[:13] == "2020-02-09T12"
    short = table("Year,Day,Hour,T_5cm,T_50cm", days[:31])
    with pytest.raises(AmbiguousFile, match="'Day', which ends at 31, the day of the year, or of a month"):
        read(tmp_path, short)
    assert str(read(tmp_path, short, columns={"doy": "Day"})[0].times[-1])[:13] == "2020-01-31T12"


def test_depths_in_inches_stand_in_a_row_of_their_own(tmp_path):
    above = "Station,Barrow\nDepth (in),2,20\n"
    [record] = read(tmp_path, above + table("Date,T1,T2", hours()))
    assert record.depths.tolist() == [0.0508, 0.508]


def test_days_of_the_year_with_fractions_and_hour_24(tmp_path):
    [record] = read(tmp_path, "Year,DOY,T_5cm\n2020,30.5,1\n2020,366.75,2\n")
    assert [str(time)[:16] for time in record.times] == ["2020-01-30T12:00", "2020-12-31T18:00"]
    [record] = read(tmp_path, "Year,DOY,Hour,T_5cm\n2020,30,2400,1\n2020,31,100,2\n")
    assert [str(time)[:16] for time in record.times] == ["2020-01-31T00:00", "2020-01-31T01:00"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Year,DOY,T_5cm\n2019,365,1\n2019,366,2\n", "line 3: day 366 is no day of the year 2019"),
        ("Year,DOY,T_5cm\n2019,365,1\n2019,,2\n", "line 3: no DOY"),
        ("Year,DOY,Hour,Minute,T_5cm\n2019,1,1,0,1\n2019,1,1,75,2\n", "line 3: 75 is no minute"),
        ("Year,DOY,Hour,Minute,T_5cm\n2019,1,24,0,1\n2019,1,24,30,2\n", "line 3: the time of day is beyond 24:00"),
        ("Date,T_5cm\n43860,1\n1580342400,2\n", "no days of a spreadsheet, no Unix seconds"),
        ("Time,T_5cm\n21600,1\n25200,2\n28800,3\n", "no days of a spreadsheet, no Unix seconds"),
    ],
)
def test_stamps_that_cannot_be(tmp_path, text, message):
    with pytest.raises(TalikError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "above",
    [
        "Ground temperatures at Barrow, Alaska\n\n",
        "Site: Barrow\nLatitude: 71.3\n",
        '"Station Name","Barrow"\n"Latitude","71.3"\n\n"Legend"\n"M","Missing"\n\n',
        "# Site: Barrow\n",
        "% Site: Barrow\n",
        "// Site: Barrow\n",
        "/* DATA DESCRIPTION:\nCitation:\tN. N. (2020)\nEvent(s):\tB * LATITUDE: 71.3 * LONGITUDE: -156.6\n*/\n",
    ],
)
def test_lines_above_the_table(tmp_path, above):
    [record] = read(tmp_path, above + table("time,T_5cm,T_50cm", hours()))
    assert record.depths.tolist() == [0.05, 0.5]
    if "atitude" in above.lower():
        assert record.metadata["latitude"] == 71.3
    if "Site:" in above or "Name" in above:
        assert record.site == "Barrow"


def test_what_the_lines_above_say_of_zone_and_fill_values(tmp_path):
    for above in ("# timezone: UTC-9\n", "# local standard time (UTC-9)\n", "# tz = -9\n"):
        [record] = read(
            tmp_path, above + "# Missing value: -77.7\n" + table("time,T_5cm,T_50cm", hours(), ("-77.7", "1"))
        )
        assert str(record.times[0])[:16] == "2020-01-30T09:00", above
        assert record.flags[0].tolist() == [Flag.MISSING, 0]
    with pytest.raises(AmbiguousFile, match="'# temperatures in degrees F'. Name the unit"):
        read(tmp_path, "# temperatures in degrees F\n" + table("time,A_5cm,A_50cm", hours()), columns={"time": "time"})


@pytest.mark.parametrize(
    ("header", "labels"),
    [
        ("timestamp,T_5cm,T_50cm\nUTC,degC,degC", ("T_5cm (degC)", "T_50cm (degC)")),
        ("Depth (cm),5,50\nDate,Temp,Temp", ("Temp 5 cm", "Temp 50 cm")),
        ("Station,Barrow,Barrow\nDepth,0.05 m,0.5 m\nTimestamp,T1,T2", ("T1 0.05 m", "T2 0.5 m")),
    ],
)
def test_units_and_depths_in_rows_of_their_own(tmp_path, header, labels):
    [record] = read(tmp_path, table(header, hours()))
    assert record.labels == labels
    assert record.depths.tolist() == [0.05, 0.5]
    [warm] = read(tmp_path, table("time,T_5cm,T_50cm\n,degF,degF", hours(), ("32", "50")))
    assert warm.values[0].tolist() == [0, pytest.approx(10)]


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ("Tmin_5cm,Tmax_5cm,Tmean_5cm", ("Tmean_5cm",)),
        ("Max Temp (°C),Min Temp (°C),Mean Temp (°C),Heat Deg Days (°C)", ("Mean Temp (°C)",)),
        ("T_5cm,T_5cm_sd,T_5cm_count,Dew Point (degC),PTemp_C", ("T_5cm",)),
        ("ST 5 cm,SM 5 cm,ST 50 cm,XX 50 cm", ("ST 5 cm", "ST 50 cm")),
        ('"AT, 200cm, 60min average (°C)",RH', ("AT, 200cm, 60min average (°C)",)),
    ],
)
def test_what_is_no_mean_temperature_is_another_channel(tmp_path, names, kept):
    width = 2 if names.startswith('"') else names.count(",") + 1
    [record] = read(tmp_path, table(f"time,{names}", hours(), [f"{v}.5" for v in range(width)]))
    assert record.labels == kept
    assert len(record.others) == width - len(kept)


def test_long_tables_with_heights_texts_and_signs(tmp_path):
    days = [f"2020-01-{d:02d}" for d in range(1, 11)]

    def long(header, depths):
        return read(tmp_path, f"date,{header},temp_C\n" + "".join(f"{d},{z},-1.5\n" for d in days for z in depths))[0]

    assert long("depth_cm", (-5, -50)).depths.tolist() == [0.05, 0.5]
    assert long("height_m", (2, -0.05, -0.5)).depths.tolist() == [-2, 0.05, 0.5]
    assert long("depth", ("5 cm", "50 cm")).depths.tolist() == [0.05, 0.5]
    assert long("Depth soil [m]", (0.05, 2)).depths.tolist() == [0.05, 2]
    with pytest.raises(AmbiguousFile, match="both signs"):
        long("depth_m", (-0.1, 0.1))
    with pytest.raises(FileError, match="'deep' in column 'depth' is no depth"):
        long("depth", (*["5 cm"] * 4, "deep"))


def test_the_providers_words_on_each_column(tmp_path):
    rows = "".join(f"{stamp},1.5,OK,2.5,{'bad' if i == 3 else 'OK'}\n" for i, stamp in enumerate(hours()))
    [record] = read(tmp_path, "time,T_5cm,T_5cm_flag,T_50cm,T_50cm_flag\n" + rows)
    assert np.argwhere(record.flags).tolist() == [[3, 1]]
    assert record.flags[3, 1] == Flag.SOURCE


def test_fill_values_that_are_temperatures_nowhere(tmp_path):
    [record] = read(tmp_path, "time,T_5cm,T_50cm\n2020-01-01,-99.9,-99\n2020-01-02,99.99,-5\n")
    assert record.flags.tolist() == [[Flag.SENTINEL, Flag.SENTINEL], [Flag.SENTINEL, 0]]
    [record] = read(tmp_path, "time,T_5cm (F),T_50cm (F)\n2020-01-01,99,-5\n2020-01-02,99,-5\n")
    assert not record.flags.any(), "99 °F is a warm day"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (table("time,T_5cm,T_50cm", hours()) + "Mean,-5.5,-1.25\n", "line 32: 'Mean' is not a date"),
        (table("time,T_5cm,T_50cm", hours()) + "\nData are provisional\n", "line 33: 1 cell, expected 3"),
        (table("time,T_5cm", hours("%m/%d/%Y %I:%M", 48), ["1"]), "24 of 48 rows repeat a stamp. Which column"),
        (
            table("date,plot,T_5cm", [f"2020-01-{d:02d},{p}" for d in range(1, 21) for p in "AB"], ["1"]).replace(
                "plot", "treatment"
            ),
            "20 of 40 rows repeat a stamp",
        ),
        ("date,variable,value\n2020-01-01,T_5cm,1\n2020-01-02,T_5cm,2\n", "no temperatures .minima and maxima"),
        ("date,T_max,T_min\n2020-01-01,2,1\n2020-01-02,3,2\n", "no temperatures .minima and maxima"),
        ("year,T_5cm\n1990,1\n1991,2\n", "no dates found among the columns year, T_5cm"),
        (
            "Date,T_5cm,Date,T_50cm\n2020-01-01,1,2020-01-02,2\n2020-01-02,1,2020-01-03,2\n",
            r"'Date \(2\)' is a second column",
        ),
        ("2020-01-01,1.5\n2020-01-02,2.5\n2020-01-03,2.5\n", "no reader claims it"),
    ],
)
def test_refusals_say_what_to_do(tmp_path, text, message):
    with pytest.raises(TalikError, match=message):
        read(tmp_path, text)


def test_a_word_in_another_channel_does_not_refuse_the_file(tmp_path):
    rows = "".join(f"2020-01-01 {i // 60:02d}:{i % 60:02d},-1.5,{'<31' if i == 250 else i}\n" for i in range(300))
    [record] = read(tmp_path, "time,T_5cm,gust\n" + rows)
    assert np.flatnonzero(np.isnan(record.others["gust"])).tolist() == [250]
    with pytest.raises(FileError, match="line 252: '<31' in column 'T_5cm' is not a number"):
        read(tmp_path, "time,gust,T_5cm\n" + rows)


def test_an_f_that_is_no_unit(tmp_path):
    stamps = "TIMESTAMP_START,TIMESTAMP_END,TA_F,TS_F_MDS_1,TS_F_MDS_1_QC\n"
    rows = "".join(f"{a},{b},-5,-1,0\n" for a, b in zip(hours("%Y%m%d%H%M"), hours("%Y%m%d%H30"), strict=True))
    [record] = read(tmp_path, stamps + rows)
    assert record.values[0].tolist() == [-5, -1], "FLUXNET: filled, in °C"
    text = table("time,TA_F,TS_F", hours(), ("23", "23"))
    with pytest.raises(AmbiguousFile, match="does F in 'TA_F' say Fahrenheit"):
        read(tmp_path, text)
    assert read(tmp_path, text, columns={"unit": "F"})[0].values[0].tolist() == [-5, -5]
    assert read(tmp_path, table("time,soil_temp_F,tempF_5cm", hours(), ("23", "23")))[0].values[0].tolist() == [-5, -5]


def test_a_column_of_another_depth_makes_no_long_table(tmp_path):
    [record] = read(tmp_path, table("time,T_5cm,depth_m", hours(), ("-1.5", "3")))
    assert (record.depths.tolist(), list(record.others)) == ([0.05], ["depth_m"])


def test_years_of_two_digits_in_a_column(tmp_path):
    [record] = read(tmp_path, "Year,Month,Day,T_5cm\n99,12,31,1\n00,1,1,2\n")
    assert record.times.astype("M8[D]").astype(str).tolist() == ["1999-12-31", "2000-01-01"]


def test_repeated_stamps_are_read_when_the_caller_says_so(tmp_path):
    text = table("time,T_5cm", hours("%m/%d/%Y %I:%M", 48), ["1"])
    [record] = read(tmp_path, text, columns={"time": "time", "temperature": "T_5cm"})
    assert record.times.size == 48


def test_dialects_of_decimals_ends_and_blanks(tmp_path):
    comma = ("-5,5", "-1,25")
    for text in (
        table("Datum;T 5 cm;T 50 cm", hours("%d.%m.%Y %H:%M"), comma, ";"),
        table("Дата;Т 0,05 м;Т 0,5 м", hours("%d.%m.%Y %H:%M"), comma, ";"),
        table("time\tT_5cm\tT_50cm", hours(), comma, "\t"),
        table("time,T_5cm,T_50cm", hours(), ("-5.5", "-1.25", "")),
        table("time,T_5cm,T_50cm,,", hours(), ("-5.5", "-1.25", "", "")),
        table("date     time   T_5cm  \t T_50cm", hours(), ("  -5.5", "  -1.25"), "  "),
    ):
        [record] = read(tmp_path, text)
        assert record.depths.tolist() == [0.05, 0.5], text[:40]
        assert record.values[0].tolist() == [-5.5, -1.25], text[:40]


def test_zones_in_the_names_of_columns(tmp_path):
    for name in ("Date Time (AKST)", "Date Time [UTC-09:00]", "time, GMT-9"):
        [record] = read(tmp_path, table(f'"{name}",T_5cm,T_50cm', hours()))
        assert str(record.times[0])[:13] == "2020-01-30T09", name


def test_places_in_columns_become_metadata(tmp_path):
    [record] = read(
        tmp_path, table("site,latitude,longitude,time,T_5cm", [f"A,71.3,-156.6,{s}" for s in hours()], ["1"])
    )
    assert (record.site, record.metadata["latitude"], record.metadata["longitude"]) == ("A", 71.3, -156.6)


# workbooks


def book(tmp_path, **sheets):
    made = Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = tmp_path / "field.xlsx"
    made.save(path)
    return talik.read(path)


STAMPS = [START + dt.timedelta(hours=i) for i in range(12)]


@pytest.mark.parametrize(
    "rows",
    [
        [
            ["Barrow 2, Alaska"],
            ["Year", "Julian Day", "Hour", "T 5 cm", "T 50 cm"],
            *[[t.year, t.timetuple().tm_yday, t.hour * 100, -5.5, -1.25] for t in STAMPS],
        ],
        [
            ["Station", "Barrow"],
            ["Timestamp", "T1", "T2"],
            ["", "5 cm", "50 cm"],
            ["", "degC", "degC"],
            *[[t, -5.5, -1.25] for t in STAMPS],
        ],
        [["Depth (m)", 0.05, 0.5], ["Date", "T", "T"], *[[t, -5.5, -1.25] for t in STAMPS]],
        [["Date", 0.05, 0.5], *[[t, -5.5, -1.25] for t in STAMPS]],
        [["Date", "T_5cm", "T_50cm"], *[[43860 + i / 24, -5.5, -1.25] for i in range(12)]],
        [[None, None], [None, "Date", "T_5cm", "T_50cm"], *[[None, t, -5.5, -1.25] for t in STAMPS]],
        [["Date", "Time", "T_5cm", "T_50cm"], *[[t.date(), t.time(), -5.5, -1.25] for t in STAMPS]],
    ],
)
def test_workbooks_with_titles_and_rows_of_units(tmp_path, rows):
    [record] = book(tmp_path, data=rows)
    assert record.depths.tolist() == [0.05, 0.5]
    assert record.times.tolist() == STAMPS
    assert record.values[0].tolist() == [-5.5, -1.25]


@pytest.mark.parametrize("air", ["Air 2 m", "Air 200 cm"])
def test_air_under_a_heading_is_what_the_heading_says(tmp_path, air):
    rows = [["Date", "Temperature (°F)", "", "", "Humidity (%)"], ["", air, "5 cm", "50 cm", air],
            *[[t, 5.0, 14.0, 23.0, 80] for t in STAMPS]]
    [record] = book(tmp_path, data=rows)
    assert record.depths.tolist() == [-2, 0.05, 0.5]
    assert record.values[0] == pytest.approx([-15, -10, -5])
    assert len(record.others) == 1


def test_air_at_a_height_is_air_beside_columns_called_temperatures(tmp_path):
    [record] = read(tmp_path, table("time,air_200cm,T_50cm", hours()))
    assert record.depths.tolist() == [-2, 0.5]


def test_sheets_of_years_are_one_site_and_sheets_of_sites_are_not(tmp_path):
    rows = [["Date", "T_5cm"], *[[t, -5.5] for t in STAMPS]]
    assert [r.site for r in book(tmp_path, **{"2010": rows, "2010-2011": rows})] == ["field", "field"]
    assert [r.site for r in book(tmp_path, Alpha=rows, Beta=rows)] == ["field Alpha", "field Beta"]
    with pytest.raises(UnknownFormat, match="sheet notes: no dates found among the columns a, b"):
        book(tmp_path, notes=[["a", "b"], [1, 2], [3, 4]])
    with pytest.raises(UnknownFormat, match="no sheet with a row of names"):
        book(tmp_path, notes=[["a"], ["b"]])


def cut_rows(kind, n=12):
    rng = np.random.default_rng(1)
    rows = [(t, round(float(a), 2), int(b)) for t, a, b in zip(hours(n=n), rng.normal(0, 9, n), rng.normal(0, 9, n),
                                                              strict=True)]
    if kind == "wide":
        return "time,T_5cm,T_50cm\n" + "".join(f"{t},{b},{a}\n" for t, a, b in rows)
    if kind == "stamps last":
        return "T_5cm,T_50cm,time\n" + "".join(f"{a},{b},{t}\n" for t, a, b in rows)
    return ('"#","Date Time, GMT+00:00","Temp, °C (LGR S/N: 12345, LBL: 5cm)"\n'
            + "".join(f"{i},{t}:00,{a}\n" for i, (t, a, _) in enumerate(rows)))


@pytest.mark.parametrize("kind", ["wide", "stamps last", "hobo"])
def test_a_file_cut_anywhere_gives_no_number_that_was_cut(tmp_path, kind):
    text = cut_rows(kind)
    [whole] = read(tmp_path, text)
    known, told = dict(zip(whole.times.tolist(), whole.values.tolist(), strict=True)), 0
    for end in range(len(text) - 1, len(text) - 90, -1):
        try:
            [record] = read(tmp_path, text[:end])
        except FileError:
            continue
        for time, row in zip(record.times.tolist(), record.values.tolist(), strict=True):
            np.testing.assert_array_equal(row, known[time])
        told += any("left out" in said for said in record.source.understood)
    assert told


def test_an_only_row_that_may_be_cut_is_refused(tmp_path):
    with pytest.raises(FileError, match="its only row has no line end"):
        read(tmp_path, "time,T_5cm,T_50cm\n2020-01-30 00:00,-5.5,-1.2")


@pytest.mark.parametrize("name", [
    "PnlTmp_C", "CPU temp (C)", "Box_Temp_C", "Device temperature [°C]", "Taupunkt (°C)", "Frost point (°C)",
    "Wet bulb (°C)", "theta_20cm", "HFP_8cm", "VPD_2m", "WS_2m", "u_10m", "CO2_30cm", "ice content 20cm", "DOC (C)",
    "T_10cm_n", "T_10cm_TMx", "T_10cm_anomaly", "T offset (C)", "20cm_ohm", "ADC_20cm"])
def test_what_is_no_temperature_of_the_ground_or_the_air_stands_beside(tmp_path, name):
    [record] = read(tmp_path, table(f"time,{name},T_10cm", hours(), ("0.5", "-1.25")))
    assert record.labels == ("T_10cm",)
    assert record.others[name].tolist() == [0.5] * 30


@pytest.mark.parametrize("name", ["SurfT_IR", "Reference T 1m", "WS_T_2m", "PH_T_1m", "moss 5cm", "Delta_20cm",
                                  "FrostProbe_1m"])
def test_temperatures_are_not_dropped_for_a_word_in_their_names(tmp_path, name):
    [record] = read(tmp_path, table(f"time,{name},T_10cm", hours()))
    assert record.labels == (name, "T_10cm")


def test_a_layer_has_no_one_depth(tmp_path):
    [record] = read(tmp_path, table("time,T 0-10cm,T 10-40cm,BH1-5m", hours(), ("1", "2", "3")))
    np.testing.assert_array_equal(record.depths, [NAN, NAN, 5])


@pytest.mark.parametrize("above", ["# Temperatures in degrees Fahrenheit\n", ""])
def test_tables_that_are_not_of_hobo_are_not_taken_for_one(tmp_path, above):
    names = "Date Time (UTC-9),Ta 1.5 m,T 0.05 m (C)" if not above else "time,T 0.5 m (F),T 1 m (F)"
    [record] = read(tmp_path, above + table(names, hours()))
    assert record.source.format == "generic"
    assert len(record.labels) == 2


def test_many_columns_cost_in_proportion(tmp_path):
    """Counted in calls, not in seconds: four times the columns make about four times the calls."""

    def calls(pairs):
        names = ",".join(f"T_{k}cm,T_{k}cm_flag" for k in range(pairs))
        text = f"time,{names}\n" + "".join(f"{stamp}{',1.25,good' * pairs}\n" for stamp in hours(n=3))
        count = 0

        def counted(*_event):
            nonlocal count
            count += 1

        sys.setprofile(counted)
        try:
            [record] = read(tmp_path, text)
        finally:
            sys.setprofile(None)
        assert record.values.shape == (3, pairs)
        return count

    calls(2)                                                           # what is loaded once is loaded
    assert calls(400) < 6 * calls(100)


def test_a_table_of_thousands_of_columns_is_looked_at_beyond_its_first_64_kb(tmp_path):
    n = 3000
    text = "time," + ",".join(f"T_{k}cm" for k in range(n)) + "\n"
    [record] = read(tmp_path, text + "".join(f"{stamp}{',-1.2500000000000' * n}\n" for stamp in hours(n=4)))
    assert record.values.shape == (4, n)


@pytest.mark.parametrize("row", [0, 1, 3, 30])
def test_a_cell_that_is_no_number_is_told_with_its_line_however_early(tmp_path, row):
    lines = [f"2020-01-{1 + n // 24:02d} {n % 24:02d}:00,{n % 7}" for n in range(60)]
    lines[row] = lines[row].split(",")[0] + ",broken"
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time,T_5cm", *lines, ""]))
    with pytest.raises(FileError, match=f"line {row + 2}: 'broken' in column 'T_5cm' is not a number"):
        talik.read(path)
