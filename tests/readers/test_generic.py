"""Tables of no known format: what is guessed is shown, what is said wins, what is unclear is refused."""

import numpy as np
import polars as pl
import pytest
from openpyxl import Workbook

import talik
from talik.errors import AmbiguousFile, FileError, UnknownFormat, UnknownName, UsageError
from talik.records import Flag


def read(tmp_path, text, name="a.csv", **said):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return talik.read(path, **said)


def test_a_wide_table_is_guessed_and_the_guess_is_shown(tmp_path):
    [record] = read(
        tmp_path, "Date,Time,cm_0,cm_50,RH\n19/08/2016,12:00:00,-11111,3.5,80\n19/08/2016,14:00:00,20.5,3.4,81\n"
    )
    assert record.depths.tolist() == [0, 0.5]
    assert record.flags[0].tolist() == [Flag.SENTINEL, 0]
    assert list(record.others) == ["RH"]
    assert "columns: time Date with Time; temperature cm_0, cm_50" in record.source.understood
    assert str(record.times[1])[:16] == "2016-08-19T14:00"


def test_a_long_table_becomes_wide(tmp_path):
    [a, b] = read(
        tmp_path,
        "station;timestamp;depth_cm;soil_temp\n"
        + "".join(f"{s};2020-01-{d:02d} 06:00;{z};-{d},{z}\n" for s in "AB" for d in (1, 2, 3) for z in (10, 50)),
    )
    assert (a.site, b.site) == ("A", "B")
    assert a.depths.tolist() == [0.1, 0.5]
    assert a.values.tolist() == [[-1.1, -1.5], [-2.1, -2.5], [-3.1, -3.5]]


def test_years_months_days_and_hours_in_columns(tmp_path):
    [record] = read(
        tmp_path, "Year,Month,Day,Hour,air_temp_2m,rain\n2020,2,29,100,-5,NA\n2020,2,29,2400,-6,1\n2019,12,31,0,-7,NA\n"
    )
    assert [str(t)[:16] for t in record.times] == ["2020-02-29T01:00", "2020-03-01T00:00", "2019-12-31T00:00"]
    assert record.depths.tolist() == [-2]
    with pytest.raises(FileError, match="line 3: 2019-2-29 is not a date that exists"):
        read(tmp_path, "Year,Month,Day,air_temp_2m\n2019,2,28,-5\n2019,2,29,-5\n")


def test_what_is_said_wins(tmp_path):
    text = "when,a,b,who\n2020-01-01 00:00,1,2,x\n2020-01-01 01:00,3,4,x\n"
    [record] = read(
        tmp_path, text, columns={"time": "when", "temperature": "b", "site": "who"}, depths=[0.3], timezone="+01:00"
    )
    assert (record.site, record.values[:, 0].tolist(), record.depths.tolist()) == ("x", [2, 4], [0.3])
    with pytest.raises(UnknownName, match="unknown column 'c'"):
        read(tmp_path, text, format="generic", columns={"temperature": "c"})
    with pytest.raises(UnknownName, match="unknown role of a column 'temperatur'. Did you mean 'temperature'"):
        read(tmp_path, text, format="generic", columns={"temperatur": "b"})
    with pytest.raises(UsageError, match="unit 'X' is not one of C, F, K"):
        read(tmp_path, text, format="generic", columns={"unit": "X", "temperature": "b"})


def test_units_that_nobody_names_are_refused_when_they_cannot_be_celsius(tmp_path):
    text = "time,temp_0.1m\n2020-01-01 00:00,263.15\n2020-01-01 01:00,273.15\n"
    with pytest.raises(AmbiguousFile, match="not °C. Kelvin or Fahrenheit"):
        read(tmp_path, text)
    assert read(tmp_path, text, columns={"unit": "K"})[0].values[:, 0].tolist() == [-10, 0]


def test_depths_without_a_unit_are_not_guessed(tmp_path):
    wide = "time,5,10,20\n2020-01-01 00:00,1,2,3\n2020-01-01 01:00,1,2,3\n"
    [record] = read(tmp_path, wide)
    assert np.isnan(record.depths).all()
    assert any("5, 10, 20 have no unit, m or cm?" in sentence for sentence in record.source.understood)
    assert read(tmp_path, wide, columns={"depth_unit": "cm"})[0].depths.tolist() == [0.05, 0.1, 0.2]
    long = "time,depth,temperature\n2020-01-01 00:00,10,1\n2020-01-01 00:00,20,2\n"
    with pytest.raises(AmbiguousFile, match=r"column 'depth' \(10, 20 ...\) have no unit; m or cm"):
        read(tmp_path, long)
    assert read(tmp_path, long, columns={"depth_unit": "cm"})[0].depths.tolist() == [0.1, 0.2]
    assert read(tmp_path, long.replace("depth,", "depth_m,"))[0].depths.tolist() == [10, 20]
    assert read(tmp_path, long.replace("depth,", "depth (in),"))[0].depths.tolist() == [0.254, 0.508]
    assert read(tmp_path, long, columns={"depth_unit": "ft"})[0].depths.tolist() == [3.048, 6.096]
    with pytest.raises(UnknownName, match="unknown depth unit 'yd'"):
        read(tmp_path, long, columns={"depth_unit": "yd"})


def test_ambiguous_dates_are_refused_and_can_be_said(tmp_path):
    text = "time,temp_0.1m\n01/02/2020 00:00,1\n05/06/2020 01:00,2\n"
    with pytest.raises(AmbiguousFile, match="Candidates"):
        read(tmp_path, text)
    assert str(read(tmp_path, text, date_order="DMY")[0].times[0])[:10] == "2020-02-01"


def test_comments_above_the_table_become_metadata(tmp_path):
    [record] = read(
        tmp_path,
        "#tsp_version=1.0\n# latitude: 66\n#site_id=Ridge,,,\ntimestamp,0.1,3.5\n2025-01-01T13:00:00-06:00,1.2,-1.6\n",
    )
    assert (record.site, record.metadata["latitude"]) == ("Ridge", 66)
    assert record.depths.tolist() == [0.1, 3.5]
    assert str(record.times[0])[:16] == "2025-01-01T19:00"


def test_a_column_that_begins_blank_is_kept(tmp_path):
    [record] = read(
        tmp_path,
        "time,0.1_m,0.5_m\n"
        + "".join(f"2020-{m:02d}-{d:02d},1,{'' if m < 12 else 2}\n" for m in range(1, 13) for d in range(1, 29)),
    )
    assert record.depths.tolist() == [0.1, 0.5]
    assert np.nansum(record.values[:, 1]) == 56


def test_stamps_that_change_their_style_take_the_long_way(tmp_path):
    [record] = read(tmp_path, "time,0.1_m\n2020-01-01 00:00,1\n2020-01-01 1:00,2\n2020-01-01 24:00,3\n")
    assert [str(t)[8:13] for t in record.times] == ["01T00", "01T01", "02T00"]


def test_no_dates_no_table(tmp_path):
    with pytest.raises(UnknownFormat):
        read(tmp_path, "a,b\n1,2\n3,4\n")
    with pytest.raises(FileError, match="no dates found among the columns x, 0.1_m; name them with columns="):
        read(tmp_path, "x,0.1_m\n1,2\n3,4\n", format="generic")
    with pytest.raises(FileError, match="is no table"):
        read(tmp_path, "just a line\n", format="generic")


@pytest.fixture
def workbook(tmp_path):
    from datetime import datetime, time

    book = Workbook()
    book.active.title = "remarks"
    book.active.append(["Fieldwork of 2020"])
    sheet = book.create_sheet("data")
    sheet.append(["Date", "Time", "T_10cm", "T_50cm"])
    for day in (1, 2, 3):
        sheet.append([datetime(2020, 1, day), time(6, 30), -day - 0.5, None if day == 2 else -day])
    path = tmp_path / "field.xlsx"
    book.save(path)
    return path


def test_a_workbook_is_a_table_too(workbook):
    [record] = talik.read(workbook)
    assert record.depths.tolist() == [0.1, 0.5]
    assert record.values[:, 0].tolist() == [-1.5, -2.5, -3.5]
    assert record.flags[1].tolist() == [0, Flag.MISSING]
    assert str(record.times[0])[:16] == "2020-01-01T06:30"


def test_the_zone_of_a_parquet_column_is_the_clock_of_its_days(tmp_path):
    for step, clock, first in (("1h", "UTC-07:00", "2020-03-01T07:00"), ("1d", "UTC", "2020-03-01T00:00")):
        times = pl.datetime_range(pl.datetime(2020, 3, 1), pl.datetime(2020, 4, 1), step, eager=True,
                                  time_zone="America/Edmonton")
        path = tmp_path / f"{step}.parquet"
        pl.DataFrame({"time": times, "0.5_m": np.linspace(-9.9, 9.9, len(times)).round(2)}).write_parquet(path)
        [record] = talik.read(path)
        assert (record.source.time_zone, str(record.times[0])[:16]) == (clock, first)
        assert len(np.unique(np.diff(record.times))) == 1


def test_parquet_is_a_table_too(tmp_path):
    frame = pl.DataFrame(
        {"time_utc": pl.datetime_range(pl.datetime(2020, 1, 1, 5), pl.datetime(2020, 1, 2), "1h", eager=True)}
    )
    frame = frame.with_columns(pl.lit(-1.25).alias("0.5_m"), pl.lit(None, dtype=pl.Float64).alias("1_m"))
    path = tmp_path / "a.parquet"
    frame.write_parquet(path)
    [record] = talik.read(path)
    assert record.times[0] == np.datetime64("2020-01-01T05:00")
    assert (record.values[:, 0] == -1.25).all()
    assert (record.flags[:, 1] == Flag.MISSING).all()
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FileError, match="the Parquet file cannot be read"):
        talik.read(path)


@pytest.mark.realdata
def test_real_station_tables(real):
    [hourly] = talik.read(real / "stations/toolik/1-hour_data.csv")
    assert str(hourly.times[23])[:16] == "2015-04-22T00:00", "hour 2400 is the next day"
    assert hourly.depths.tolist() == [-3]
    assert len(set(np.diff(hourly.times).tolist())) == 1
    [soil] = talik.read(real / "stations/toolik/3-hour_data.csv")
    assert soil.depths[1:].tolist() == [0.05, 0.1, 0.2, 0.5, 1.0, 1.5]
    assert (soil.labels[0], np.isnan(soil.depths[0])) == ("soil1_moss", True)
    [daily] = talik.read(real / "stations/toolik/Daily_climate_1988_2022.csv")
    assert (np.diff(daily.times) < np.timedelta64(0, "us")).any(), "not in date order, and left so"
    assert (daily.times.size, daily.depths.tolist()) == (12389, [-5])
