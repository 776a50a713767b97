"""GTN-P, NTGS and PERMOS: what their tables say, and what their defects must not do."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import talik
from talik.errors import FileError
from talik.readers.longtable import spread
from talik.records import Flag

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def written(tmp_path, text, name="a.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


# GTN-P, before 2026


def test_gtnp_table_and_both_fill_values():
    [record] = talik.read(SAMPLES / "gtnp_table.csv")
    assert record.depths.tolist() == [0.1, 0.5, 1.0]
    assert record.values.shape == (72, 3)
    assert record.flags[10].tolist() == [0, Flag.MISSING, Flag.MISSING]
    assert np.isnan(record.values).sum() == 2
    assert str(record.times[0])[:16] == "2019-08-25T13:00"


@pytest.mark.parametrize(
    "stamps",
    [
        ["2007-03-28", "2007-03-29"],
        ["2007-03-28T00:00:00Z", "2007-03-29T00:00:00Z"],
        ["2007-03-28T03:00:00+03:00", "2007-03-29T03:00:00+03:00"],
        ["2007/03/28 00:00", "2007/03/29 00:00"],
        ["28.03.2007 00:00:00", "29.03.2007 00:00:00"],
    ],
)
def test_gtnp_stamps_in_many_styles(tmp_path, stamps):
    [record] = talik.read(written(tmp_path, f"Date/Depth;0;0.5\n{stamps[0]};-1;-2\n{stamps[1]};-3;-4\n"))
    assert [str(t)[:16] for t in record.times] == ["2007-03-28T00:00", "2007-03-29T00:00"]
    assert record.values.tolist() == [[-1, -2], [-3, -4]]


def test_gtnp_metadata_beside_gives_name_place_and_zone(tmp_path):
    written(
        tmp_path,
        "Id: 755\nName: Arctic Village\nTimezone: -09:00\nLongitude: -145.534\nLatitude: 68.129\nElevation: 623.8 m\n"
        "Description: MAGT\n\t\t\tName: not this\n",
        "755-test.metadata.txt",
    )
    [record] = talik.read(
        written(
            tmp_path,
            "Date/Depth,0\n2007-03-28 08:00:00,-18\n2007-03-28 09:00:00,-17\n",
            "755-test-Dataset_2031.timeserie.csv",
        )
    )
    assert record.site == "Arctic Village"
    assert (record.metadata["latitude"], record.metadata["elevation_m"]) == (68.129, 623.8)
    assert str(record.times[0])[:16] == "2007-03-28T17:00"
    assert (record.source.time_zone, record.source.time_zone_from) == ("UTC-09:00", "metadata")


def test_the_callers_zone_wins_and_days_stay_days(tmp_path):
    hourly = written(tmp_path, "Date/Depth,0\n2007-03-28 08:00,-18\n2007-03-28 09:00,-17\n")
    assert str(talik.read(hourly, timezone="+05:45")[0].times[0])[:16] == "2007-03-28T02:15"
    daily = written(tmp_path, "Date/Depth,0\n2007-03-28 00:00,-18\n2007-03-29 00:00,-17\n", "b.csv")
    [record] = talik.read(daily, timezone="+08:00")
    assert str(record.times[0])[:16] == "2007-03-28T00:00", "a daily mean belongs to its day"
    assert any("not shifted by UTC+08:00" in sentence for sentence in record.source.understood)


def test_unsorted_and_repeated_stamps_stay_as_they_are(tmp_path):
    [record] = talik.read(written(tmp_path, "Date/Depth,0\n2007-03-30,1\n2007-03-28,2\n2007-03-28,3\n"))
    assert record.values[:, 0].tolist() == [1, 2, 3]
    assert [str(t)[8:10] for t in record.times] == ["30", "28", "28"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("Date/Depth,0,1\n2007-03-28,1,2\n2007-03-29,1\n2007-03-30,1,2\n", r"a.csv, line 3: 2 cells, expected 3"),
        ("Date/Depth,0,1\n2007-03-28,1,2\n2007-03-29,1,2,3\n2007-03-30,1,2\n", r"a.csv, line 3: 4 cells, expected 3"),
        (
            "Date/Depth,0,1\n2007-03-28,1,2\n2007-03-29,1",
            r"a.csv, line 3: 2 cells, expected 3 .the last line: is the file cut off",
        ),
        ("Date/Depth,0,1\n2007-03-28,1,2\n2007-03-29,x,2\n", r"a.csv, line 3: 'x' in column '0' is not a number"),
        (
            "Date/Depth,0,1\n2007-03-28,1,2\n\n\n2007-02-29,1,2\n",
            r"a.csv, line 5: '2007-02-29' is not a date that exists",
        ),
        ("Date/Depth,0,1\n", "has a header and no rows"),
        ("Date/Depth,0,1\n2007-03-28,1,2\n,1,2\n", "a.csv, line 3: '' is blank, expected a date"),
    ],
)
def test_gtnp_damage_is_named_with_its_line(tmp_path, text, words):
    with pytest.raises(FileError, match=words):
        talik.read(written(tmp_path, text))


@pytest.mark.realdata
def test_real_gtnp_table(real):
    path = real / "loggers/gtnp/example_gtnp.csv"
    [record] = talik.read(path)
    plain = pl.read_csv(path, infer_schema_length=None)
    expected = plain[:, 1:].to_numpy()
    np.testing.assert_array_equal(record.values, np.where(expected == -999, np.nan, expected))
    assert record.depths.tolist() == [0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.6, 2, 2.5, 3, 3.5, 4, 5, 7]


# GTN-P, export of 2026


def test_gtnp_export_keeps_data_sets_apart_and_flags():
    first, second, third = talik.read(SAMPLES / "gtnp_export.csv")
    assert [r.site for r in (first, second, third)] == ["NOW_01 (data set 7001)", "NOW_01 (data set 7002)", "NOW_02"]
    assert first.metadata["flags"] == {"unknown": 3, "bad": 3}
    assert (first.flags[4] == Flag.SOURCE).all(), "bad, as the provider says"
    assert not first.flags[3].any(), "unknown is not bad"
    assert not np.isnan(first.values[4]).any(), "a flag takes no value away"
    assert (first.flags[5] == Flag.MISSING).all()
    assert np.isnan(first.values[5]).all(), "-999 is no temperature"
    assert not np.isnan(first.accepted().values[3]).any()


def test_gtnp_export_metadata():
    record = talik.read(SAMPLES / "gtnp_export.csv")[2]
    assert record.metadata["citation"] == "A. Nobody: NOW_02"
    assert (record.metadata["policy"], record.metadata["quality"], record.metadata["time_zone"]) == (
        "Open",
        "Raw Data",
        "-01:00",
    )
    assert (record.metadata["dataset_id"], record.metadata["borehole_id"], record.metadata["site_id"]) == (7003, 42, 5)
    assert any("contradicts the longitude" in sentence for sentence in record.source.understood)
    assert str(record.times[0])[:16] == "2019-09-01T00:00"


def test_gtnp_export_keeps_a_repeated_stamp_as_a_row():
    record = talik.read(SAMPLES / "gtnp_export.csv")[2]
    assert record.times.size == 21
    assert record.values[record.times == np.datetime64("2019-09-02"), 2].tolist()[1] == -2.5
    assert any("1 rows repeat a stamp" in sentence for sentence in record.source.understood)


def test_gtnp_export_in_utc_and_another_order_of_rows(tmp_path):
    rows = [(d, h) for h in range(3) for d in (0.5, 0.1)]
    text = "id,utc_time,depth,temperature,flag,dataset_id,borehole_id,site_id\n" + "".join(
        f"{n},2020-01-01 {h:02d}:00:00,{d},{h + d},,1,2,3\n" for n, (d, h) in enumerate(rows)
    )
    [record] = talik.read(written(tmp_path, text))
    assert record.depths.tolist() == [0.1, 0.5]
    assert record.values.tolist() == [[0.1, 0.5], [1.1, 1.5], [2.1, 2.5]]
    assert record.source.time_zone_from == "header"
    assert record.site == "dataset 1"


def test_gtnp_export_in_kelvin_by_its_json(tmp_path):
    written(tmp_path, json.dumps([{"id": 1, "unit": {"abbreviation": "K"}}]), "a_metadata.json")
    [record] = talik.read(written(tmp_path, "id,date,depth,temperature,flag,dataset_id\n1,2020-01-01,0,263.15,,1\n"))
    assert record.values[0, 0] == -10


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_gtnp_export_with_broken_json(tmp_path, text):
    written(tmp_path, text, "a_metadata.json")
    with pytest.raises(FileError, match="a_metadata.json: is not valid JSON"):
        talik.read(written(tmp_path, "id,date,depth,temperature,flag,dataset_id\n1,2020-01-01,0,-3,,1\n"))


@pytest.mark.realdata
def test_real_gtnp_export(real):
    path = real / "loggers/gtnp/gtnp2026.csv"
    [record] = talik.read(path)
    plain = pl.read_csv(path)
    assert record.site == "Molodeshnaya (Thala Hills)"
    assert np.isnan(record.values).sum() == (plain["temperature"].is_null() | (plain["temperature"] == -999)).sum()
    assert record.metadata["citation"].startswith("Andrey Abramov")
    assert str(record.times[0])[:10] == "2008-01-01"


@given(st.data())
def test_a_long_table_loses_nothing_and_adds_nothing(data):
    n = data.draw(st.integers(1, 40))
    times = np.array(data.draw(st.lists(st.integers(0, 6), min_size=n, max_size=n)))
    depths = np.array(data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=n, max_size=n)))
    values = np.arange(1.0, n + 1)
    wide = spread(times.astype("M8[us]"), depths, values, np.zeros(n, np.uint16))
    there = ~np.isnan(wide.values)
    rows, columns = np.nonzero(there)
    found = sorted(zip(wide.times[rows].astype(int), wide.depths[columns], wide.values[there], strict=True))
    assert found == sorted(zip(times, depths, values, strict=True))
    assert ((wide.flags == Flag.MISSING) == ~there).all()
    assert (np.diff(wide.times.astype(np.int64)) >= 0).all()
    assert wide.repeated == n - len(set(zip(times, depths, strict=True)))
    falls = sum(
        any(times[i] < times[j] for j in [max((k for k in range(i) if depths[k] == depths[i]), default=i)])
        for i in range(n)
    )
    assert (wide.flags & Flag.UNSORTED > 0).sum() == falls


# NTGS and PERMOS


def test_ntgs_report_has_a_record_for_each_site():
    first, second = talik.read(SAMPLES / "ntgs_report.csv")
    assert (first.site, second.site) == ("Lake A", "Lake B")
    assert first.depths.tolist() == [0.1, 0.5, 1.0]
    assert first.metadata == {"latitude": 63.4, "longitude": -109.3, "project": "Project"}
    assert str(first.times[-1])[:16] == "2019-08-26T00:00"
    np.testing.assert_array_equal(first.values, second.values)


def test_ntgs_export_keeps_sensors_apart_only_where_they_meet():
    records = talik.read(SAMPLES / "ntgs_export.txt")
    assert [r.site for r in records] == ["Pit_1", "Pond_2 (sensor 1)", "Pond_2 (sensor 2)"]
    assert records[0].depths.tolist() == [0.1, 0.5, 1.0]
    np.testing.assert_allclose(records[2].values, records[1].values + 1)


def test_permos_na_is_missing():
    [record] = talik.read(SAMPLES / "permos.csv")
    assert record.source.format == "permos"
    assert (record.flags[:, 0] == Flag.MISSING).all()
    assert not np.isnan(record.values[:, 1:]).any()


@pytest.mark.realdata
def test_real_ntgs_and_permos(real):
    a, b = (
        talik.read(real / "loggers/ntgs" / name)[0] for name in ("NTGS_example_csv.csv", "NTGS_example_slash_dates.csv")
    )
    assert (a.times == b.times).all()
    np.testing.assert_array_equal(a.values, b.values)
    [sheet] = talik.read(real / "loggers/ntgs/NTGS_gtr_example_excel.xlsx")
    assert (sheet.site, sheet.values.shape, sheet.values[0, 0]) == ("HUS_P_NTGS8", (99, 5), -1.5556)
    assert str(sheet.times[-1])[:16] == "2017-07-29T00:00"
    [single] = talik.read(real / "loggers/ntgs/ntgs-db-single.txt")
    assert (single.site, single.values.shape) == ("177_Pit_NTGS11", (450, 5))
    assert single.values[0].tolist() == [9.87, -0.03, -3.86, -4.96, -4.75]
    [permos] = talik.read(real / "loggers/permos/example_permos.csv")
    assert permos.values.shape == (7, 11)  # the last line has no line end; a cut could have taken less than 0.01
    assert permos.values[-1, -1] == -0.54
    assert permos.values[0, 1] == -0.38333
