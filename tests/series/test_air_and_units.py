"""Which column serves as air when its height is unknown or low; temperatures whose unit is named nowhere."""

import numpy as np
import pytest

import talik
from talik.errors import DataError, UsageError
from talik.records import Record, Source
from talik.series.doubts import unit_doubt
from talik.series.offsets import annual_offsets

DAYS = np.arange("2019-01-01", "2021-01-01", dtype="M8[D]")
YEAR = 2 * np.pi * (np.arange(DAYS.size) - 200) / 365.25
UNNAMED = Source(understood=("units: °C taken, none is named",))


def wave(mean, amplitude, depth=0.0):
    return mean + amplitude * np.exp(-depth / 2) * np.cos(YEAR - depth / 2)


def station(*air, depths=None):
    columns = [*(wave(-8.0 - k, 16) for k in range(len(air))), wave(-4, 10, 0.02), wave(-5, 10, 1.0)]
    depths = [*(np.full(len(air), np.nan) if depths is None else depths), 0.02, 1.0]
    return Record("Ridge", DAYS, depths, np.column_stack(columns), labels=(*air, "2 cm", "100 cm"))


@pytest.mark.parametrize("name", ["Tair", "AirTC_Avg", "Lufttemperatur", "Ta", "TA", "T_air", "air_temp", "AirT"])
def test_the_one_column_that_says_air_serves_as_air_without_a_height(name):
    found, stated = annual_offsets(station(name)), annual_offsets(station(name, depths=[-2.0]))
    assert found.mean("surface_offset") == stated.mean("surface_offset")
    assert found.settings["notes"] == (f"air: the height of {name} is not given; taken as that of a screen",)
    assert stated.settings["notes"] == ()


def test_of_several_columns_that_say_air_none_is_guessed():
    with pytest.raises(UsageError, match="2 columns would do: Tair_1; Tair_2"):
        annual_offsets(station("Tair_1", "Tair_2"))


def test_the_air_at_the_ground_serves_only_when_asked_for():
    low = station("T3", depths=[-0.15])
    assert annual_offsets(low).mean("surface_offset").n == 0
    assert "no surface offset: there is no air column (only T3 (-0.15 m), lower than 1 m)" in str(annual_offsets(low))
    asked = annual_offsets(low, air="T3")
    assert asked.mean("surface_offset").n == 2
    assert "T3 (-0.15 m) stands lower than 1 m" in asked.settings["notes"][0]


def test_a_missing_surface_offset_is_explained_with_the_columns_there_are():
    assert "none among 2 cm, 100 cm); name it with air=..." in str(annual_offsets(station()))


def test_air_among_the_other_channels_is_named_with_the_way_to_read_it():
    known = station("A", depths=[np.nan])
    record = Record("Ridge", DAYS, known.depths, known.values, labels=known.labels, others={"G 2 m": wave(-8, 16)})
    with pytest.raises(UsageError, match="other channels.*columns={'temperature': 'G 2 m,A,2 cm,100 cm'}"):
        annual_offsets(record, air="G 2 m")


def test_a_wrong_unit_of_depths_comes_with_its_cure():
    cm = Record("Ridge", DAYS, [2.0, 50.0, 100.0], np.column_stack([wave(-4, 12, z / 100) for z in (2, 50, 100)]))
    with pytest.raises(DataError, match=r"columns=\{'depth_unit': 'cm'\}") as refused:
        annual_offsets(cm)
    assert "raise" not in str(refused.value)


def test_depths_read_alike_whatever_the_air_is_called(tmp_path):
    def depths(air):
        path = tmp_path / "site.csv"
        rows = (f"{day},-8.1,-4.{k % 9},-5.2" for k, day in enumerate(DAYS[:30]))
        path.write_text("\n".join([f"Date,{air},T_0.02,T_1.0", *rows]))
        return talik.read(path)[0].depths[1:].tolist()
    assert depths("TA_2m") == depths("Tair") == [0.02, 1.0]


@pytest.mark.parametrize(("mean", "amplitude"), [(-12, 20), (-4, 10), (3, 12), (9, 13), (12, 14), (19, 11), (27, 6)])
@pytest.mark.parametrize("depth", [0.0, 0.1, 1.0])
def test_ground_in_celsius_is_never_refused_and_cold_ground_never_doubted(mean, amplitude, depth):
    doubt = unit_doubt(Record("A", DAYS, [depth], wave(mean, amplitude, depth)[:, None], source=UNNAMED))
    assert bool(doubt) == (mean > 10)


def fahrenheit(celsius):
    return Record("A", DAYS, [0.0, 0.2], np.column_stack([32 + 1.8 * celsius] * 2), source=UNNAMED)


def test_fahrenheit_taken_for_celsius_is_refused_where_it_is_certain_and_else_doubted():
    with pytest.raises(DataError, match=r"cannot be °C.*columns=\{'unit': 'F'\}"):
        unit_doubt(fahrenheit(wave(-4, 16)))
    mild = fahrenheit(wave(-1, 9))
    assert "columns={'unit': 'F'}" in unit_doubt(mild)
    assert unit_doubt(mild) in annual_offsets(mild.accepted(), depth=0.2, check=False).settings["notes"]
    assert unit_doubt(Record("A", DAYS, [0.0, 0.2], mild.values)) == ""          # a unit was named


def test_a_zero_curtain_at_32_is_fahrenheit():
    ground = wave(-3, 8)
    rest = np.where(np.gradient(ground) < 0, 2.0, 1.0)                      # longer in autumn than in spring
    celsius = np.sign(ground) * np.maximum(np.abs(ground) - rest, 0)
    with pytest.raises(DataError, match="of rest at 32.0 while freezing back"):
        unit_doubt(Record("A", DAYS, [0.3], (32 + 1.8 * celsius)[:, None], source=UNNAMED))
