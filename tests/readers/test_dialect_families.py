"""Files of the same families that nobody here has: every dialect gives the same series, or is refused in one line."""

import gc
import tempfile
import zipfile
from datetime import datetime
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

import talik
from talik.errors import AmbiguousFile, TalikError
from talik.readers import columns, registry
from talik.records import Flag

SAMPLES = Path(__file__).parents[1] / "data" / "readers"
TIMES = np.datetime64("2019-11-05T00:00", "m") + np.arange(60) * np.timedelta64(60, "m")
VALUES = np.round(-4 + 9 * np.sin(np.arange(60) / 7), 3)
HALVES = {"en": ("AM", "PM"), "cs": ("dop.", "odp."), "es": ("a.m.", "p.m."), "zh": ("上午", "下午"), "24": ("", "")}
DATES = {"MDY": "{m:02d}/{d:02d}/{y:02d}", "DMY": "{d:02d}.{m:02d}.20{y:02d}", "YMD": "{y:02d}/{m:02d}/{d:02d}",
         "MDY long": "{m}-{d}-20{y:02d}", "DMY short": "{d:02d}/{m:02d}/{y:02d}", "YMD dots": "{y:02d}.{m:02d}.{d:02d}"}


def hobo(order, separator, halves, decimal, title, serial, *, times=TIMES, values=VALUES, sign="°C"):
    """A HOBOware export, as its preferences would write it."""
    rows = []
    for number, (time, value) in enumerate(zip(times.tolist(), values, strict=True), 1):
        date = DATES[order].format(y=time.year % 100, m=time.month, d=time.day)
        before, after = HALVES[halves]
        hour = f"{time.hour:02d}" if halves == "24" else f"{(time.hour - 1) % 12 + 1:02d}"
        clock = f"{hour}:{time.minute:02d}:00"
        word = before if time.hour < 12 else after
        clock = f"{word} {clock}" if halves == "zh" else f"{clock} {word}".strip()
        body = f"{value:.3f}".replace(".", decimal)
        body = f'"{body}"' if decimal == separator else body
        rows.append(f"{number}{separator}{date} {clock}{separator}{body}")
    named = f"Temp, {sign} (LGR S/N: 9724974, SEN S/N: 9724974)" if serial else f"Temp, {sign}"
    header = separator.join(f'"{name}"' for name in ("#", "Date Time, GMT-08:00", named))
    return "\n".join((['"Plot Title: Site 7"'] if title else []) + [header, *rows]) + "\n"


@pytest.mark.parametrize("order, separator, halves", list(product(list(DATES)[:3], ",;\t", HALVES)))
def test_every_dialect_of_hoboware_is_the_same_series(tmp_path, order, separator, halves):
    for decimal, title, serial in product(".,", (True, False), (True, False)):
        path = tmp_path / "x.csv"
        path.write_text(hobo(order, separator, halves, decimal, title, serial), encoding="utf-8")
        [record] = talik.read(path)
        assert record.source.format == "hobo"
        np.testing.assert_array_equal(record.times, TIMES.astype("M8[us]") + np.timedelta64(8, "h"))
        np.testing.assert_allclose(record.values[:, 0], VALUES, atol=1e-9)
        assert record.site == ("Site 7" if title else "9724974" if serial else "x")


@settings(max_examples=60)
@given(
    start=st.datetimes(datetime(2003, 1, 1), datetime(2038, 1, 1)), step=st.sampled_from([10, 15, 60, 90, 180, 360]),
    count=st.integers(3, 150), order=st.sampled_from(list(DATES)), separator=st.sampled_from(",;\t"),
    halves=st.sampled_from(list(HALVES)), decimal=st.sampled_from(".,"), mean=st.floats(-25, 15),
    sign=st.sampled_from(["°C", "°F", "?C", "?F", "癋", "*F"]),
)
def test_any_dialect_of_any_time_is_read_right_or_asked_about(start, step, count, order, separator, halves, decimal,
                                                              mean, sign):
    times = np.datetime64(start.replace(microsecond=0, second=0), "m") + np.arange(count) * np.timedelta64(step, "m")
    values = np.round(mean + 9 * np.sin(np.arange(count) / 7), 3)
    written = values * 1.8 + 32 if sign[-1] in "F癋" else values
    text = hobo(order, separator, halves, decimal, True, True, times=times, values=written, sign=sign)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.csv")
        path.write_text(text, encoding="utf-8")
        try:
            [record] = talik.read(path)
        except AmbiguousFile:
            [record] = talik.read(path, date_order=order[:3])
    np.testing.assert_array_equal(record.times, times.astype("M8[us]") + np.timedelta64(8, "h"))
    np.testing.assert_allclose(record.values[:, 0], values, atol=6e-4)


@pytest.mark.parametrize(
    "stamp, minutes",
    [("Date Time, GMT-08:00", -480), ("Date Time - Heure avancée", 0), ("Date Heure, GMT-04:00", -240),
     ("Fecha Tiempo, GMT+01:00", 60), ("Datum Zeit, GMT+01:00", 60), ("Date Time, UTC+05:45", 345)],
)
def test_stamps_named_in_other_words(tmp_path, stamp, minutes):
    path = tmp_path / "x.csv"
    text = hobo("YMD", ",", "24", ".", True, True).replace("Date Time, GMT-08:00", stamp)
    path.write_text(text, encoding="utf-8")
    [record] = talik.read(path)
    assert record.times[0] == TIMES[0].astype("M8[us]") - np.timedelta64(minutes, "m")


def rows(count=40, separator=",", decimal="."):
    """Hourly ISO stamps and one value a row."""
    return "".join(
        f"{str(t).replace('T', ' ')}:00{separator}{str(v).replace('.', decimal)}\n"
        for t, v in zip(TIMES[:count], VALUES, strict=False)
    )


def test_a_lone_negative_depth_is_asked_for(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("Date/Depth,-2\n" + rows())
    [record] = talik.read(path)
    assert np.isnan(record.depths).all()
    assert "-2 m may be 2 m deep or 2 m above the ground" in " ".join(record.source.understood)
    assert talik.read(path, depths=[-2])[0].depths.tolist() == [-2]


def test_whole_depths_are_metres_in_a_permos_table(tmp_path):
    text = "time,10,20\n" + "".join(f"2020-01-{d:02d},-1.{d},-2\n" for d in range(1, 9))
    (tmp_path / "permos_stockhorn.csv").write_text(text)
    (tmp_path / "stockhorn.csv").write_text(text)
    assert talik.read(tmp_path / "permos_stockhorn.csv")[0].depths.tolist() == [10, 20]
    [asked] = talik.read(tmp_path / "stockhorn.csv")
    assert np.isnan(asked.depths).all()
    assert "format='permos'" in " ".join(asked.source.understood)


def test_a_providers_words_and_a_height_in_the_files_name(tmp_path):
    path = tmp_path / "Air_temperature_200cm_60min.csv"
    words = ["good", "unknown", "suspect", "good"] * 10
    table = rows().splitlines()
    path.write_text("Date,AT (°C),Quality Flag\n" + "".join(f"{r},{w}\n" for r, w in zip(table, words, strict=True)))
    [record] = talik.read(path)
    assert record.depths.tolist() == [-2]
    assert (record.flags[:, 0] == [int(Flag.SOURCE) * (w == "suspect") for w in words]).all()
    assert record.metadata["flags"] == {"good": 20, "unknown": 10, "suspect": 10}
    assert "10 of them say not to use the value" in " ".join(record.source.understood)


def test_a_layer_beside_depths_is_a_temperature_of_unknown_depth(tmp_path):
    path = tmp_path / "x.csv"
    table = [f"{line},{n / 10},{n}" for n, line in enumerate(rows().splitlines())]
    path.write_text("date,soil1_5cm,soil1_moss,soil1_vwc\n" + "\n".join(table) + "\n")
    [record] = talik.read(path)
    assert record.labels == ("soil1_5cm", "soil1_moss")
    assert np.isnan(record.depths[1])
    assert list(record.others) == ["soil1_vwc"]


def test_gtnp_exports_with_several_boreholes(tmp_path):
    path = tmp_path / "x.csv"
    lines = [f"{t}:00,{z},{v},,{10 + b},{b},{b + 1}".replace("T", " ") for b in (1, 2) for z in (0.5, 1.0)
             for t, v in zip(TIMES, VALUES + b, strict=True)]
    path.write_text("utc_time,depth,temperature,flag,dataset_id,borehole_id,site_id\n" + "\n".join(lines) + "\n")
    one, two = talik.read(path)
    assert [(r.metadata["borehole_id"], r.metadata["site_id"]) for r in (one, two)] == [(1, 2), (2, 3)]
    np.testing.assert_allclose(two.values - one.values, 1, atol=1e-9)


@pytest.mark.parametrize("kind", ["gtnp", "tsv", "crlf", "cr", "utf-16-le", "utf-16", "no end", "mixed ends"])
def test_the_same_table_in_other_bytes(tmp_path, kind):
    text = "Date/Depth,0.5\n" + rows()
    content = {
        "tsv": text.replace(",", "\t").encode(), "crlf": text.replace("\n", "\r\n").encode(),
        "cr": text.replace("\n", "\r").encode(), "utf-16-le": text.encode("utf-16-le"),
        "utf-16": text.encode("utf-16"), "no end": text[:-1].encode(),
        "mixed ends": text.replace("\n", "\r\n", 20).encode(),
    }.get(kind, text.encode())
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    [record] = talik.read(path)
    np.testing.assert_array_equal(record.times, TIMES[:40].astype("M8[us]"))
    np.testing.assert_allclose(record.values[:, 0], VALUES[:40], atol=1e-9)


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_a_cut_last_number_is_refused_and_a_whole_one_read(tmp_path, cut):
    path = tmp_path / "x.csv"
    text = "Date/Depth,0.5\n" + "".join(f"2020-01-{day:02d},-{day / 7:.3f}\n" for day in range(1, 29))
    path.write_text(text[:-1])
    assert talik.read(path)[0].values[-1, 0] == -4
    path.write_text(text[: -1 - cut])
    with pytest.raises(TalikError, match=r"x.csv, line 29: .*is the file cut off"):
        talik.read(path)


def whole_and_cut():
    samples = ("toa5.dat", "data_90000001_0.csv", "minilog.csv", "geoprecision_gp5w.csv", "rbr_xl800.dat")
    return [pytest.param(name, id=name) for name in samples]


@pytest.mark.parametrize("name", whole_and_cut())
def test_a_loggers_file_without_last_line_end_is_read(tmp_path, name):
    content = (SAMPLES / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content.rstrip(b"\r\n"))
    [plain], [bare] = talik.read(SAMPLES / name), talik.read(path)
    np.testing.assert_array_equal(plain.values, bare.values)
    np.testing.assert_array_equal(plain.times, bare.times)


FAULTS = {
    "empty": "", "header only": "Date/Depth,0.5\n", "short row": "Date/Depth,0.5,1\n2020-01-01,1,2\n2020-01-02,1\n",
    "long row": "Date/Depth,0.5\n2020-01-01,1\n2020-01-02,1,5\n",
    "quote": 'Date/Depth,0.5\n2020-01-01,"1\n2020-01-02,2\n',
    "zero byte": "Date/Depth,0.5\n" + rows() + "\0\n", "word": "Date/Depth,0.5\n2020-01-01,1\n2020-01-02,warm\n",
    "30 February": "Date/Depth,0.5\n2020-02-29,1\n2020-02-30,1\n", "no stamp": "Date/Depth,0.5\n2020-01-01,1\n,1\n",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_end_in_one_line_with_the_files_name(tmp_path, fault):
    path = tmp_path / "x.csv"
    path.write_text(FAULTS[fault])
    with pytest.raises(TalikError, match=r"x\.csv") as caught:
        talik.read(path)
    assert "\n" not in str(caught.value)


def test_a_long_text_in_very_many_cells_is_refused(tmp_path):
    path = tmp_path / "x.xlsx"
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 1501))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/sharedStrings.xml", "<sst><si><t>" + "a" * 900_000 + "</t></si></sst>")
        book.writestr("xl/worksheets/sheet1.xml", f"<worksheet><sheetData>{cells}</sheetData></worksheet>")
    with pytest.raises(TalikError, match=r"x\.xlsx: .* repeats a text of 900\d\d\d bytes in 1500 cells"):
        talik.read(path)


def test_a_workbook_that_is_damaged_is_a_plain_error(tmp_path):
    path = tmp_path / "x.xlsx"
    Workbook().save(path)
    content = path.read_bytes()
    for cut in (200, len(content) // 2, len(content) - 30):
        path.write_bytes(content[:cut])
        with pytest.raises(TalikError, match=r"x\.xlsx"):
            talik.read(path)


def test_a_claim_that_stumbles_is_told_with_the_file(tmp_path, monkeypatch):
    def stumble(head):
        raise OSError("short read")

    monkeypatch.setattr(registry, "_REGISTERED", {})
    registry.register(registry.Reader("mine", "a test", stumble, lambda head, options: []))
    path = tmp_path / "x.csv"
    path.write_text("Date/Depth,0.5\n" + rows())
    with pytest.raises(TalikError, match=r"x\.csv: damaged .OSError: short read"):
        talik.read(path)


def test_the_quick_way_of_long_tables_reads_the_same(tmp_path, monkeypatch):
    table = "Date/Depth,0.5,1\n" + "".join(line + f",{n}\n" for n, line in enumerate(rows().splitlines()))
    odd = {"plain": table, "NA": table.replace(",0\n", ",NA\n"), "blank": table.replace(",0\n", ",\n"),
           "quoted": table.replace(",1\n", ',"1"\n', 2)}
    path = tmp_path / "x.csv"
    for text in odd.values():
        path.write_text(text)
        [slow] = talik.read(path)
        with monkeypatch.context() as patch:
            patch.setattr(columns, "_LONG", 0)
            [quick] = talik.read(path)
        np.testing.assert_array_equal(slow.times, quick.times)
        np.testing.assert_array_equal(slow.values, quick.values)
        np.testing.assert_array_equal(slow.flags, quick.flags)
    with monkeypatch.context() as patch:
        patch.setattr(columns, "_LONG", 0)
        for fault in ("2020-01-01 00:00:00,1\n", "2020-01-01 00:00:00,1,2,3\n", ",1,2\n", "2020-01-01T00:00:00,1,2\n"):
            path.write_text(table + fault)
            with pytest.raises(TalikError, match=r"x\.csv, line 42"):
                talik.read(path)


def test_reading_leaves_nothing_for_the_collector():
    def read_all():
        for name in ("toa5.dat", "hobo_german.csv", "gtnp_table.csv", "gtnp_export.csv", "minilog.csv"):
            talik.read(SAMPLES / name)

    read_all()  # makes what is made once, at first use
    gc.collect()
    gc.disable()
    try:
        read_all()
        assert gc.collect() == 0
    finally:
        gc.enable()
