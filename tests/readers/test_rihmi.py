"""RIHMI-WDC: columns by the layout, blanks are missing, stations by their index, archives under limits."""

import io
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talik.errors import FileError
from talik.readers.archives import Limits, unpacked
from talik.readers.fixed_width import Field, numbers, table
from talik.readers.registry import read
from talik.records import Flag

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return path


def members(name):
    with zipfile.ZipFile(SAMPLES / name) as source:
        return {info.filename: source.read(info) for info in source.infolist()}


# --- laws


@given(st.lists(st.one_of(st.none(), st.floats(-999.9, 9999.9).map(lambda v: round(v, 1))), min_size=1, max_size=30))
def test_fixed_columns_give_back_what_was_written(values):
    rows = "".join(f"24266 {'' if v is None else format(v, '.1f'):>7s} 0\n" for v in values).encode()
    found = numbers(table(rows, 15, file="x"), Field("2", "t", 6, 13))
    np.testing.assert_array_equal(found, [np.nan if v is None else float(format(v, ".1f")) for v in values])


def test_stripped_row_ends_change_nothing():
    text = members("wr000001a2.zip")["wr000001a2.txt"]
    stripped = b"\n".join(line.rstrip() for line in text.splitlines())
    whole, ragged = table(text, 52, file="x"), table(stripped, 52, file="x")
    np.testing.assert_array_equal(whole.characters, ragged.characters)


def test_air_and_soil_of_a_station_share_its_key():
    air, soil = read(SAMPLES / "wr000001a2.zip"), read(SAMPLES / "wr000001a3.zip")
    assert [r.metadata["wmo_id"] for r in air] == [r.metadata["wmo_id"] for r in soil] == ["24001", "24002"]
    assert [r.site for r in air] == [r.site for r in soil] == ["Хребет", "Долина"]
    np.testing.assert_array_equal(air[0].times, soil[0].times)
    assert air[0].depths.tolist() == [-2.0]
    assert soil[0].depths.tolist() == [0.2, 3.2]


def test_a_blank_moves_nothing_and_a_day_that_never_was_is_left_out():
    [air, _] = read(SAMPLES / "wr000001a2.zip")
    assert np.isnan(air.values[2, 0])
    assert air.flags[2, 0] == Flag.MISSING
    np.testing.assert_allclose(
        air.others["minimum air temperature [degC]"], [-7.0, -6.0, -5.1, -3.4, -2.8, -2.3, -2.1], atol=0.06
    )
    assert np.isnan(air.others["maximum air temperature [degC]"]).all()
    assert air.times.size == 7
    assert "1900-02-29" not in air.times.astype("M8[D]").astype(str)
    assert any("1 rows with dates that do not exist, with 2 values" in sentence for sentence in air.source.understood)


def test_quality_marks_are_kept_and_take_nothing_away():
    [soil, _] = read(SAMPLES / "wr000001a3.zip")
    assert np.isfinite(soil.values[0, 1])
    assert soil.others["quality mark of soil temperature 320 cm"][0] == 5
    assert np.isnan(soil.values[1, 1])


def test_the_files_may_lie_side_by_side(tmp_path):
    for name, content in members("wr000001a3.zip").items():
        (tmp_path / name).write_bytes(content)
    loose, packed = read(tmp_path / "wr000001a3.txt"), read(SAMPLES / "wr000001a3.zip")
    assert [str(r) for r in loose] == [str(r) for r in packed]
    (tmp_path / "fld000001a3.txt").unlink()
    with pytest.raises(FileError, match="layout fld000001a3.txt is not with it"):
        read(tmp_path / "wr000001a3.txt")


# --- oracle: independent means of real stations


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("wmo", "deep", "years", "means"),
    [
        ("24266", 3.2, 28, (-14.07, -7.19, -6.61)),
        ("24688", 1.6, 23, (-15.16, -6.31, -6.36)),
        ("24343", 2.4, 21, (-10.79, 1.20, 0.22)),
        ("24959", 3.2, 32, (-8.62, 1.31, -0.59)),
        ("30230", 3.2, 39, (-3.43, 3.23, 3.62)),
    ],
)
def test_means_of_real_stations(yakutian_air_and_soil, wmo, deep, years, means):
    air, soil = (next(r for r in records if r.metadata["wmo_id"] == wmo) for records in yakutian_air_and_soil)
    ground = pl.DataFrame({"time": soil.times, "t20": soil.values[:, soil.depths == 0.2][:, 0],
                           "deep": soil.values[:, soil.depths == deep][:, 0]})
    days = pl.DataFrame({"time": air.times, "air": air.values[:, 0]}).join(ground, on="time").fill_nan(None)
    names = ["air", "t20", "deep"]
    year = days.group_by(pl.col("time").dt.year().alias("year")).agg(
        pl.col(names).mean(), pl.col(names).count().name.suffix("_n")
    )
    length = 365 + pl.date(pl.col("year"), 1, 1).dt.is_leap_year().cast(int)
    whole = year.filter(pl.all_horizontal(pl.col(f"{name}_n") >= 0.95 * length for name in names))
    assert whole.height == years
    np.testing.assert_allclose(whole.select(pl.col(names).mean()).row(0), means, atol=0.02)


@pytest.mark.realdata
def test_real_snow_has_no_temperatures(real):
    records = read(real / "stations" / "rhm_yakutia" / "wr373144a5.zip")
    assert len(records) == 6
    assert all(r.depths.size == 0 for r in records)
    depth = records[0].others["snow depth [cm]"]
    assert np.nanmax(depth) < 200
    assert np.isnan(depth).any()


# --- faults


@pytest.mark.parametrize(("old", "new", "message"), [
    (b" -2.0 0", b" -x.0 0", "column 'Средняя температура воздуха'"),
    (b"24001 1900", b"24001 19 0", "column 'Год' (characters 7 to 10) is not a number"),
    (b"24001 1900", b"24001     ", "line 1: column 'Год' is blank"),
    (b"24001 1900", b"24001 1900  ", "line 1: 54 characters where the layout has 52"),
])
def test_cells_that_are_no_numbers(tmp_path, old, new, message):
    found = members("wr000001a2.zip")
    assert old in found["wr000001a2.txt"]
    found["wr000001a2.txt"] = found["wr000001a2.txt"].replace(old, new, 1).replace(b" 9 9\r\n", b" 9 9\r\n", 1)
    if message.startswith("line 1: 54"):
        found["wr000001a2.txt"] = found["wr000001a2.txt"].replace(b"\r\n", b"\n")
    with pytest.raises(FileError) as error:
        read(archive(tmp_path / "wr.zip", found))
    assert message in str(error.value)


def test_a_layout_must_be_one(tmp_path):
    found = members("wr000001a2.zip")
    for content, message in ((b"no layout\r\n", "line 1: 'no layout' is not"), (b"\r\n", "is empty"),
                             (b" 1  1   5  X\r\n", "has no column 'индекс вмо'")):
        found["fld000001a2.txt"] = content
        with pytest.raises(FileError, match=message):
            read(archive(tmp_path / "wr.zip", found), format="rihmi")


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_no_cut_archive_gives_a_record(tmp_path, share):
    content = (SAMPLES / "wr000001a2.zip").read_bytes()
    path = tmp_path / "wr000001a2.zip"
    path.write_bytes(content[:int(len(content) * share)])
    with pytest.raises(FileError):
        read(path, format="rihmi")


def test_flipped_bytes_are_caught_by_the_archive(tmp_path):
    content = bytearray((SAMPLES / "wr000001a2.zip").read_bytes())
    content[60] ^= 0x40
    path = tmp_path / "wr000001a2.zip"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"wr000001a2.zip: is not whole \(zip"):
        read(path, format="rihmi")


def test_bombs_are_refused_and_names_are_no_paths(tmp_path):
    path = archive(tmp_path / "a.zip", {"../../wr1.txt": b"0" * 3_000_000})
    with pytest.raises(FileError, match="zip bomb"):
        unpacked(path)
    with pytest.raises(FileError, match="more than 1 MB"):
        unpacked(archive(tmp_path / "b.zip", {"a": bytes(range(256)) * 6000}), limits=Limits(size=1 << 20, ratio=1e9))
    with pytest.raises(FileError, match="holds 70 files"):
        unpacked(archive(tmp_path / "c.zip", {str(i): b"" for i in range(70)}))
    assert list(unpacked(archive(tmp_path / "d.zip", {"../../x/wr1.txt": b"1"}))) == ["wr1.txt"]
    assert [p.name for p in tmp_path.parent.iterdir()].count("wr1.txt") == 0


def test_an_archive_within_an_archive_is_not_opened(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as target:
        target.writestr("wr1a2.txt", b"x")
    with pytest.raises(FileError):
        read(archive(tmp_path / "outer.zip", {"wr1a2.txt": inner.getvalue(), "fld1a2.txt": b" 1  1  5  X"}))
