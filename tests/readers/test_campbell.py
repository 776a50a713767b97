"""Campbell TOA5: temperatures by units, depths by names, everything else beside."""

from pathlib import Path

import numpy as np
import pytest

from talik.errors import FileError
from talik.readers.campbell import depth_of
from talik.readers.registry import read
from talik.records import Flag

SAMPLES = Path(__file__).parents[1] / "data" / "readers"


def changed(tmp_path, old, new):
    content = (SAMPLES / "toa5.dat").read_bytes().decode()
    assert old in content
    path = tmp_path / "toa5.dat"
    path.write_bytes(content.replace(old, new, 1).encode())
    return path


def test_names_units_and_the_rest():
    [record] = read(SAMPLES / "toa5.dat")
    assert record.labels == ("AirT_2m_Avg", "CT1_SUR_AVG_Avg", "CT1_10cm_AVG_Avg")
    assert record.depths.tolist() == [-2.0, 0.0, 0.1]
    assert record.site == "Ridge"
    assert list(record.others) == ["CT1_10cm_Max [Deg C]", "VW_CT_Avg", "PTemp_C_Avg [Deg C]"]
    assert record.metadata["zones"] == {"CT1_SUR_AVG_Avg": "CT1", "CT1_10cm_AVG_Avg": "CT1"}
    assert record.metadata["air"] == ("AirT_2m_Avg",)
    assert np.isnan(record.values[3, 2])
    assert record.flags[3, 2] == Flag.MISSING
    np.testing.assert_allclose(record.values[0], -2, atol=1e-3)             # the third column is written in °F


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("CT1_10cm_AVG_Avg", 0.1),
        ("NP3_SUR_cm_AVG_Avg", 0),
        ("T_Soil_5_cm_Avg", 0.05),
        ("Tsoil_1p5m(1)", 1.5),
        ("TS_250mm", 0.25),
        ("Air_3m", -3.0),
        ("NP3_10_AVG_Avg", np.nan),
        ("T107_C_CT1_Avg", np.nan),
        ("Soil10", np.nan),
    ],
)
def test_depths_of_names(name, depth):
    np.testing.assert_equal(depth_of(name), depth)


def test_given_depths_win(tmp_path):
    [record] = read(SAMPLES / "toa5.dat", depths=[-3, 0.02, 0.12])
    assert record.depths.tolist() == [-3, 0.02, 0.12]


@pytest.mark.realdata
def test_real_tables(real):
    [soil] = read(real / "loggers" / "campbell" / "MAT06_BLK3_Soil.dat")
    assert soil.values.shape == (11550, 24)
    assert sorted({*soil.depths[~np.isnan(soil.depths)]}) == [0.0, 0.1, 0.2]
    assert {"CT1", "CT2", "CT3", "NP1", "NP2", "NP3"} <= set(soil.metadata["zones"].values())
    assert "RTempC_Avg [Deg C]" in soil.others
    [met] = read(real / "loggers" / "campbell" / "MAT06_BLK3_Met.dat")
    assert met.labels == ("AirTControl_Avg", "Air_GH_Avg")
    assert met.metadata["air"] == met.labels


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"2020-10-20 09:00:00",1,', '"2020-10-20 09:00:00",1,warm', "line 6: 'warm"),
        ('"2020-10-20 09:00:00",1,', '"2020-10-20 09:00:00",', "line 6: 7 cells, expected 8"),
        ('"2020-10-20 09:00:00"', '"2020-10-32 09:00:00"', "line 6"),
        ('"TIMESTAMP"', '"TIME"', "line 2: expected names beginning with TIMESTAMP"),
        (
            '"TS","RN","Deg C","Deg C","Deg F","Deg C"',
            '"TS","RN","Volts","%","%","%"',
            "line 3: no column in deg C or deg F",
        ),
    ],
)
def test_damage_is_told_with_its_line(tmp_path, old, new, message):
    with pytest.raises(FileError) as error:
        read(changed(tmp_path, old, new))
    assert message in str(error.value)
    assert str(error.value).startswith("toa5.dat")


def test_a_header_alone_and_two_files_in_one(tmp_path):
    content = (SAMPLES / "toa5.dat").read_bytes()
    lines = content.splitlines(keepends=True)
    path = tmp_path / "toa5.dat"
    path.write_bytes(b"".join(lines[:3]))
    with pytest.raises(FileError, match="ends inside the four header lines"):
        read(path)
    path.write_bytes(content + content)
    with pytest.raises(FileError, match="line 29"):
        read(path)


@pytest.mark.realdata
def test_offsets_of_the_real_control_plots(real):
    """Computed independently, from control profiles without gaps: SO 6.20 and 5.98 K, TO at 20 cm -0.57, -0.40 K."""
    [soil], [met] = (read(real / "loggers" / "campbell" / f"MAT06_BLK3_{name}.dat") for name in ("Soil", "Met"))
    zones = soil.metadata["zones"]
    for year, surface_offset, thermal_offset in ((2024, 6.20, -0.57), (2025, 5.98, -0.40)):
        air = yearly(met, met.labels.index("AirTControl_Avg"), year)
        columns = {(zones[label], soil.depths[i]): i for i, label in enumerate(soil.labels)}
        plots = ("CT1", "CT2", "CT3")
        whole = np.array([[yearly(soil, columns[plot, depth], year) for depth in (0.0, 0.2)] for plot in plots])
        whole = whole[~np.isnan(whole).any(axis=1)]
        assert whole.shape == (2, 2)                                        # the surface sensor of plot 2 is broken
        np.testing.assert_allclose((whole[:, 0] - air).mean(), surface_offset, atol=0.01)
        np.testing.assert_allclose((whole[:, 1] - whole[:, 0]).mean(), thermal_offset, atol=0.01)


def yearly(record, column, year):
    """The mean of a calendar year of one column; NaN when a value is missing."""
    inside = record.times.astype("M8[Y]") == np.datetime64(str(year))
    days, place = np.unique(record.times[inside].astype("M8[D]"), return_inverse=True)
    sums = np.bincount(place, record.values[inside, column])
    return (sums / np.bincount(place)).mean() if days.size >= 365 else np.nan


def daily(names, processing, cells):
    """A table of three days, stamped at midnight."""
    titles = [names, ["Deg C"] * len(names), processing]
    lines = ['"TOA5","Site","CR1000"', *(",".join(f'"{cell}"' for cell in (first, *row)) for first, row
                                         in zip(("TIMESTAMP", "TS", ""), titles, strict=True))]
    return "\n".join([*lines, *(f'"2020-01-{day:02d} 00:00:00",{cells}' for day in (1, 2, 3))]) + "\n"


def test_times_of_extremes_are_no_temperatures(tmp_path):
    path = tmp_path / "x.dat"
    names = ["AirT_Max", "AirT_TMx", "Soil_10cm"]
    path.write_text(daily(names, ["Max", "TMx", "Smp"], '9.5,"2020-01-01 15:30:00",-3.5'))
    [record] = read(path)
    assert record.values.tolist() == [[-3.5]] * 3
    assert list(record.others) == ["AirT_Max [Deg C]"]


@pytest.mark.parametrize("processing, first", [("Avg", "2019-12-31"), ("Smp", "2020-01-01")])
def test_a_daily_mean_belongs_to_the_day_that_ends_at_its_stamp(tmp_path, processing, first):
    path = tmp_path / "x.dat"
    path.write_text(daily(["Soil_10cm"], [processing], "-3.5"))
    [record] = read(path)
    assert str(record.times[0]) == f"{first}T00:00:00.000000"
    assert (processing == "Avg") == ("end of their day" in " ".join(record.source.understood))


@pytest.mark.parametrize("above", ["\n", "Data from Ridge\n\n", "# read out in May\n"])
def test_what_stands_above_the_table_changes_nothing(tmp_path, above):
    path = tmp_path / "toa5.dat"
    path.write_text(above + (SAMPLES / path.name).read_text())
    [record], [meant] = read(path), read(SAMPLES / path.name)
    np.testing.assert_array_equal(record.values, meant.values)
    np.testing.assert_array_equal(record.depths, meant.depths)
    assert (record.site, record.source.format) == ("Ridge", "toa5")


@pytest.mark.parametrize(("names", "depths"), [
    (("T_2m_Avg", "T_10cm_Avg"), (np.nan, 0.1)), (("SoilT_2m_Avg", "T_10cm_Avg"), (2, 0.1)),
    (("T_2m", "T_3m"), (np.nan, np.nan)), (("T_2m", "Snow_T_30cm"), (np.nan, np.nan)),
    (("AirT_2m", "T_10cm"), (-2, 0.1)),
])
def test_names_with_metres_that_say_neither_air_nor_ground_have_no_depth(tmp_path, names, depths):
    path = tmp_path / "x.dat"
    header = ('"TOA5","Site","CR1000"', '"TIMESTAMP",' + ",".join(f'"{name}"' for name in names),
              '"TS","Deg C","Deg C"', '"","Avg","Avg"')
    rows = [f'"2020-01-{day:02d} 12:00:00",-{day},1.5' for day in (1, 2, 3)]
    path.write_text("\n".join([*header, *rows]) + "\n")
    [record] = read(path)
    np.testing.assert_array_equal(record.depths, depths)
    asked = "may be below or above the ground" in " ".join(record.source.understood)
    assert asked == np.isnan(depths).any()
