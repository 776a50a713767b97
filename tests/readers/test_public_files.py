"""What files in public repositories taught: header rows of many kinds, units in disguise, cut ends, short proofs."""

import numpy as np
import pytest

import talik
from talik.errors import AmbiguousFile, FileError, UnknownFormat
from talik.records import Flag
from talik.store.export import export

ERDDAP = """time,latitude,depth,ground_temperature,station_name
UTC,degrees_north,{unit},degree_C,
2015-09-30T22:00:00Z,64.7,{0},1.1,NGO
2015-09-30T23:00:00Z,64.7,{0},1.0,NGO
2015-09-30T22:00:00Z,64.7,{1},NaN,NGO
2015-09-30T23:00:00Z,64.7,{1},0.1,NGO
"""
TOA5 = """"TOA5","Lake","CR1000","12345","Std","CPU:a.CR1","3433","Soil"
"TIMESTAMP","RECORD","BattV_Min","Tsoil_5cm_Avg","AirTC_Avg","Tsoil_5cm_Max"
"TS","RN","{0}","{1}","{1}","{1}"
"","","Min","Avg","Avg","Max"
"2012-08-30 23:00:00",0,12.9,3.1,2.9,4.1
"2012-08-31 00:00:00",1,12.9,"NAN",2.8,4.1
"""


def read(path, text, **options):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return talik.read(path, **options)


def said(record):
    return " ".join(record.source.understood)


@pytest.mark.parametrize(("unit", "depths"), [("m", ("0.5", "1.0")), ("cm", ("50", "100"))])
def test_a_row_of_units_under_the_names_is_part_of_them(tmp_path, unit, depths):
    [record] = read(tmp_path / "a.csv", ERDDAP.format(*depths, unit=unit))
    assert record.site == "NGO"
    np.testing.assert_array_equal(record.depths, [0.5, 1.0])
    np.testing.assert_array_equal(record.values, [[1.1, np.nan], [1.0, 0.1]])


def test_a_campbell_table_without_its_first_line_keeps_its_names(tmp_path):
    text = "\n".join(TOA5.format("Volts", "Deg C").replace('"', "").splitlines()[1:]) + "\n"
    [record] = read(tmp_path / "a.dat", text)
    assert record.labels == ("Tsoil_5cm_Avg (Deg C)", "AirTC_Avg (Deg C)")
    assert record.depths[0] == 0.05


def test_a_campbell_table_without_units_is_taken_in_celsius_and_says_so(tmp_path):
    [named] = read(tmp_path / "a.dat", TOA5.format("Volts", "Deg C"))
    [silent] = read(tmp_path / "b.dat", TOA5.format("", ""))
    assert silent.labels == named.labels == ("Tsoil_5cm_Avg", "AirTC_Avg")
    np.testing.assert_array_equal(silent.values, named.values)
    assert "units: °C taken, the units line is blank" in said(silent)
    with pytest.raises(FileError, match=r"write its unit \(deg C\) into line 3"):
        read(tmp_path / "c.dat", TOA5.format("Volts", ""))


@pytest.mark.parametrize(("name", "unit", "first"), [
    ("2. Temperature [oC]", "°C", 41.0), ("Soil.Temp.C", "°C", 41.0), ("Soil.Temp.F", "°F", 5.0), ("T [oF]", "°F", 5.0)
])
def test_units_in_disguise(tmp_path, name, unit, first):
    [record] = read(tmp_path / "a.csv", f"time,{name}\n2020-01-01 00:00,41\n2020-01-01 01:00,40\n")
    assert record.values[0, 0] == pytest.approx(first)
    assert f"units: {unit}" in record.source.understood


def test_warm_numbers_without_a_unit_are_asked_about(tmp_path):
    """Half above 20: ground in °F, or the air of a hot land; a clear unit, or the caller's, ends the doubt."""
    text = "time,soil_10cm\n2020-01-01 00:00,41\n2020-01-01 01:00,38\n2020-01-01 02:00,12\n"
    with pytest.raises(AmbiguousFile, match="half of the values are above 38: °C, or rather °F"):
        read(tmp_path / "a.csv", text)
    [cold] = talik.read(tmp_path / "a.csv", columns={"unit": "F"})
    [hot] = talik.read(tmp_path / "a.csv", columns={"unit": "C"})
    assert (hot.values[0, 0], round(cold.values[0, 0], 9)) == (41.0, 5.0)
    [named] = read(tmp_path / "b.csv", text.replace("soil_10cm", "soil_10cm (degC)"))
    np.testing.assert_array_equal(named.values, hot.values)


@pytest.mark.parametrize("mean", [12.0, -14.0])
def test_a_column_in_fahrenheit_takes_no_good_neighbour_with_it(tmp_path, mean):
    """Warm, or cold and seen by its neighbour only: set aside and told; a title with its unit brings it back."""
    cold = [round(mean + 9 * np.sin(n / 5), 2) for n in range(60)]
    rows = "".join(f"2020-01-{1 + n // 24:02d} {n % 24:02d}:00,{t},{t * 1.8 + 32:.3f}\n" for n, t in enumerate(cold))
    [record] = read(tmp_path / "a.csv", "time,T_10cm,T_20cm\n" + rows)
    np.testing.assert_array_equal(record.values[:, 0], cold)
    assert np.isnan(record.values[:, 1]).all()
    assert (record.flags[:, 1] == Flag.RANGE).all()
    assert "'T_20cm' names no unit and cannot be in °C" in " ".join(record.source.understood)
    [named] = read(tmp_path / "b.csv", "time,T_10cm,T_20cm (°F)\n" + rows)
    np.testing.assert_allclose(named.values, np.column_stack([cold, cold]), atol=1e-3)
    [asked] = talik.read(tmp_path / "a.csv", columns={"unit": "C"})
    assert not np.isnan(asked.values).any()


@pytest.mark.parametrize("title", ["Date/Depth,-2,0.02,0.5,1", "time,T_air_2m,T_2cm,T_50cm,T_100cm"])
@pytest.mark.parametrize(("air", "surface"), [(-2.0, 25.0), (12.0, 18.0), (12.0, 25.0)])
def test_a_table_that_is_in_fahrenheit_throughout_is_asked_about(tmp_path, title, air, surface):
    """Also where its air is no warmer than 20 °F, and half of its ground: no good column is set aside by such a one."""
    rows = "".join(f"2020-01-{1 + n // 24:02d} {n % 24:02d}:00,{air + n % 5},{surface + n % 3},24,25\n"
                   for n in range(60))
    with pytest.raises(AmbiguousFile, match="columns are above 2.: .*Name it: columns={'unit': 'F'}"):
        read(tmp_path / "a.csv", f"{title}\n{rows}")
    [record] = talik.read(tmp_path / "a.csv", columns={"unit": "F"})
    assert record.values[0, 2:] == pytest.approx([(24 - 32) / 1.8, (25 - 32) / 1.8])
    assert record.depths.tolist() == [-2, 0.02, 0.5, 1]
    assert not record.flags.any()


@pytest.mark.parametrize(("text", "message"), [
    ("101,2024,256,358,-1.5\n101,2024,256,359,-1.6\n101,2024,256,400,-1.7\n", "no line of names of columns"),
    ("Record\tTime\tTemperature\n1\t30 Sep 2016 23:00:00\t3.4 °C\n2\t01 Oct 2016 00:00:00\t3.3 °C\n",
     "'Temperature' has cells such as '3.4 °C'"),
    ("Site,Water.Temp.C,Date\nA,3.4,2020-01-01\nA,3.3,2020-01-02\n", "air or the ground: Water.Temp.C"),
])
def test_tables_that_are_not_understood_say_why(tmp_path, text, message):
    with pytest.raises(UnknownFormat, match=message):
        read(tmp_path / "a.csv", text)


HOURS = [f"{n},11/0{5 + (n + 12) // 24}/19 {(n + 12) % 24:02d}:00:00,{n / 7:.3f}" for n in range(30)]


def test_a_gap_does_not_undo_the_proof_of_a_night(tmp_path):
    """5 and 6 November joined over midnight, the 8th after a gap: in no other order does any night join."""
    header = '"#","Date Time, GMT+01:00","Temp, °C (LGR S/N: 1)"\n'
    after = [f"{n},11/08/19 {n - 30:02d}:00:00,1.5" for n in range(31, 36)]
    [record] = read(tmp_path / "a.csv", header + "\n".join(HOURS + after) + "\n")
    assert str(record.times[-1])[:10] == "2019-11-08"
    apart = [line for line in HOURS if "11/06" not in line]
    with pytest.raises(AmbiguousFile, match="date_order="):
        read(tmp_path / "b.csv", header + "\n".join(apart + after) + "\n")


@pytest.mark.parametrize(("last", "kept"), [
    ("-0.54", True),        # two decimals, as in a row before: a cut could have taken less than 0.01
    ("-0.53917", True),     # as long as any
    ("-0.5", False),        # a cut of -0.54 or of -0.53917
    ("-0.538", False),      # no row has three
])
def test_a_last_row_without_line_end_is_kept_where_a_cut_cannot_matter(tmp_path, last, kept):
    rows = [f"2020-01-{day:02d},-0.1,{value}" for day, value in enumerate(["-0.54", "-0.53917", "-0.5", "-0.54083"], 1)]
    [record] = read(tmp_path / "a.csv", "\n".join(["Date,0.5 m,1 m", *rows, f"2020-01-05,-0.1,{last}"]))
    assert len(record.times) == 4 + kept
    assert ("is left out: it has no line end" in said(record)) is not kept


JAPANESE = '"プロットタイトル: 大雪山"\n"#","日付 時間, GMT+09:00","温度, °C (LGR S/N: 10338440)","ファイル終端"\n'


@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
@pytest.mark.parametrize("stamp", ["16/05/{:02d} {:02d}時00分00秒", "2016年05月{:02d}日 {:02d}:00:00"])
def test_japanese_exports(tmp_path, encoding, stamp):
    rows = [f"{n},{stamp.format(12 + n // 24, n % 24)},-3.{n % 10}54,\n" for n in range(30)]
    [record] = read(tmp_path / "a.csv", (JAPANESE + "".join(rows)).encode(encoding))
    assert record.site == "大雪山"
    assert str(record.times[0]) == "2016-05-11T15:00:00.000000"
    assert record.values[1, 0] == -3.154


def test_an_export_of_events_only_is_no_series(tmp_path):
    with pytest.raises(FileError, match="has no readings, only 1 row of events"):
        read(tmp_path / "a.txt", "Date Time;Temp (°C) LGR S/N: 1;End Of File LGR S/N: 1\n19.03.2025 15:20:57;;Logged\n")


def test_a_csv_says_that_utc_was_taken(tmp_path):
    text = "time,soil_10cm\n2020-07-01 00:00,21.5\n2020-07-01 01:00,22.5\n"
    zones = {}
    for zone in (None, "+03:00"):
        [record] = read(tmp_path / "a.csv", text, timezone=zone, columns={"unit": "C"})
        [path] = export([record], "csv", tmp_path / str(zone))
        zones[zone] = path.read_text().splitlines()[:2]
        [again] = talik.read(path)
        assert again.source.time_zone_from == ("assumed" if zone is None else "header")
        np.testing.assert_array_equal(again.times, record.times)
        np.testing.assert_array_equal(again.values, record.values)        # warm, and °C without a word: it is ours
    assert zones[None] == ["time_taken_as_utc,site,0.1_m", "2020-07-01T00:00:00,a,21.5"]
    assert zones["+03:00"] == ["time_utc,site,0.1_m", "2020-06-30T21:00:00Z,a,21.5"]


@pytest.mark.parametrize(("old", "new", "message"), [
    ("2020-01-01", "0000-01-01", "row 1 of 'a' has the stamp 0000-01-01T00:00:00"),
    ("2020-01-05", "9999-01-05", "row 5 of 'a' has the stamp 9999-01-05T00:00:00"),
    ("2020-01-01,", "2020-01-01\t", r"line \d: \d cells, expected"),  # a row of another make is no title
])
def test_rows_that_cannot_be_meant_are_not_passed_over(tmp_path, old, new, message):
    rows = "".join(f"2020-01-{day:02d},-1.{day},-0.5\n" for day in range(1, 20))
    with pytest.raises(FileError, match=message):
        read(tmp_path / "a.csv", "Date,0.5 m,1 m\n" + rows.replace(old, new))
