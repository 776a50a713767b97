"""HOBOware: one series whatever the dialect; never a wrong date, never a humidity among temperatures."""

import itertools
from pathlib import Path

import numpy as np
import pytest

import talik
from talik.errors import AmbiguousFile, FileError
from talik.records import Flag

SAMPLES = Path(__file__).parents[1] / "data" / "readers"
START = np.datetime64("2010-08-18T14:00", "s")
VALUES = np.round(5 - 12 * np.sin(np.arange(240) / 40)[:, None] * np.array([1.0, 0.4]) + np.array([0.004, -0.001]), 3)
TIMES = START + np.arange(240) * np.timedelta64(1, "h")

LANGUAGES = {
    "English": ("Date Time", "AM", "PM", "Host Connected"),
    "Czech": ("Datum Čas", "dop.", "odp.", "Připojeno"),
    "German": ("Datum Zeit", "vorm.", "nachm.", "Host verbunden"),
    "French": ("Date Heure", "AM", "PM", "Hôte connecté"),
    "Chinese": ("日期 时间", "上午", "下午", "主机连接"),
}
NUMBERS = {
    "point": lambda v: f"{v:.3f}",
    "comma": lambda v: f"{v:.3f}".replace(".", ","),
    "brackets": lambda v: f"({-v:.3f})" if v < 0 else f"{v:.3f}",
    "blank": lambda v: f"{v:.3f}".replace(".", " "),
    "minus behind": lambda v: (f"{-v:.3f}-" if v < 0 else f"{v:.3f}").replace(".", ","),
    "lost mark": lambda v: ("({:05d})" if v < 0 else "{:04d}").format(abs(round(v * 1000))),
}


def exported(
    separator=",",
    order="%m/%d/%y",
    language="English",
    half_days=True,
    number="point",
    fahrenheit=False,
    apart=False,
    plot_title=True,
    details=False,
):
    date, am, pm, host = LANGUAGES[language]
    unit = "°F" if fahrenheit else "°C"
    stamp_name = [date.split()[0], date.split()[1] + ", GMT-07:00"] if apart else [date + ", GMT-07:00"]
    names = [
        "#",
        *stamp_name,
        f"Temp, {unit} (LGR S/N: 9724974, SEN S/N: 9724974)",
        f"Temp, {unit} (LGR S/N: 9724974, SEN S/N: 9724974)",
        f"{host} (LGR S/N: 9724974)",
        "End Of File (LGR S/N: 9724974)",
    ]
    lines = ['"Plot Title: Ridge"'] * plot_title + [separator.join(f'"{name}"' for name in names)]
    quote = '"{}"' if separator == "," and "," in NUMBERS[number](-1.5) else "{}"
    for n, (time, row) in enumerate(zip(TIMES.tolist(), VALUES, strict=True), 1):
        clock = (
            f"{(time.hour + 11) % 12 + 1:02d}:00:00 {am if time.hour < 12 else pm}" if half_days else f"{time:%H:%M:%S}"
        )
        stamp = [time.strftime(order), clock] if apart else [f"{time.strftime(order)} {clock}"]
        cells = [quote.format(NUMBERS[number](v * 1.8 + 32 if fahrenheit else v)) for v in row]
        note = {1: ["Details"], 2: ["Max: 24.1"], 3: ["Min: -10.2"]}.get(n, []) if details else []
        lines.append(separator.join([str(n), *stamp, *cells, "Logged" if n == 240 else "", "", *note]))
    return "\n".join(lines) + "\n"


def same_series(record, fahrenheit=False):
    assert (record.times == TIMES + np.timedelta64(7, "h")).all()
    np.testing.assert_allclose(record.values, VALUES, atol=3e-4 if fahrenheit else 1e-9)
    assert not record.flags.any()
    assert record.source.time_zone == "UTC-07:00"


@pytest.mark.parametrize("separator, number", list(itertools.product(",;\t", NUMBERS)))
@pytest.mark.parametrize("order", ["%m/%d/%y", "%d.%m.%Y", "%y-%m-%d"])
def test_separators_numbers_and_orders_give_one_series(tmp_path, separator, number, order):
    path = tmp_path / "a.csv"
    path.write_text(exported(separator, order, number=number))
    same_series(talik.read(path, format="hobo")[0])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("apart, fahrenheit", [(False, False), (True, False), (False, True)])
def test_languages_encodings_and_units_give_one_series(tmp_path, language, encoding, apart, fahrenheit):
    path = tmp_path / "a.txt"
    path.write_bytes(
        exported(";", "%d.%m.%y", language, number="comma", apart=apart, fahrenheit=fahrenheit).encode(encoding)
    )
    [record] = talik.read(path)
    assert record.source.format == "hobo"
    assert record.site == "Ridge"
    same_series(record, fahrenheit)


@pytest.mark.parametrize("plot_title, details, half_days", list(itertools.product([True, False], repeat=3)))
def test_titles_details_and_clocks_give_one_series(tmp_path, plot_title, details, half_days):
    path = tmp_path / "a.csv"
    path.write_text(exported(plot_title=plot_title, details=details, half_days=half_days))
    [record] = talik.read(path)
    same_series(record)
    assert record.metadata["events"] == (f"{TIMES[-1]} Host Connected: Logged",)


def test_the_sample_in_german():
    [record] = talik.read(SAMPLES / "hobo_german.csv")
    assert record.site == "Murtel"
    assert record.depths.tolist() == [0.1, 0.5]
    assert record.times.size == 96, "the row of an event is no sample"
    assert list(record.others) == ["rF, % (LGR S/N: 20000001)"]
    assert record.metadata["events"] == ("2019-08-27T12:31:07 Host verbunden: Protokolliert",)
    assert abs(record.values[0, 0] - -15.041) < 3e-4
    assert str(record.times[0])[:16] == "2019-08-25T12:00"


@pytest.mark.realdata
def test_all_exports_of_one_logger_are_one_series(real):
    [whole] = talik.read(real / "loggers/hobo/hobo_1_AB.csv")
    assert whole.values.shape == (21723, 2)
    files = sorted(path for path in (real / "loggers/hobo").glob("hobo_1_AB*") if "Details" not in path.name)
    assert len(files) == 6
    for path in files:
        [record] = talik.read(path)
        place = np.searchsorted(whole.times, record.times)
        assert (whole.times[place] == record.times).all(), path.name
        np.testing.assert_allclose(record.values, whole.values[place], atol=3e-4, err_msg=path.name)
        assert not record.flags.any()


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name, first, count",
    [
        ("hobo-negative-3.txt", (20.865, 20.984), 5592),
        ("hobo-positive-number-1.txt", (20.865, 20.984), 999),
        ("hobo-positive-number-3.csv", (20.865, 20.984), 1131),
    ],
)
def test_number_styles_of_real_exports(real, name, first, count):
    [record] = talik.read(real / "loggers/hobo" / name)
    np.testing.assert_allclose(record.values[0], first, atol=3e-4)
    assert record.values.shape == (count, 2)
    assert record.values.min() > -40
    assert (
        str(record.times[0] - np.timedelta64(7 if "07" in record.source.time_zone else 0, "h"))[:16]
        == "2010-08-18T14:00"
    )


@pytest.mark.realdata
def test_humidity_battery_and_dew_point_stay_out_of_the_matrix(real):
    [record] = talik.read(real / "loggers/hobo/U23-001_HOBOware.csv")
    assert record.values.shape == (1000, 1)
    assert sorted(label.split(",")[0] for label in record.others) == ["Batt", "DewPt", "RH"]
    assert record.source.time_zone == "UTC-08:00"
    assert abs(record.values[0, 0] - (31.44 - 32) / 1.8) < 1e-9


def test_three_days_of_november_are_not_spread_over_three_months(tmp_path):
    lines = ['"Plot Title: 6265"', '"#","Date Time, GMT+00:00","Temp, °C (LGR S/N: 6265, SEN S/N: 6265)"']
    times = np.datetime64("2019-11-05T09:00", "s") + np.arange(50) * np.timedelta64(90, "m")
    lines += [f"{n},{time:%m/%d/%y %I:%M:%S %p},{n / 10}" for n, time in enumerate(times.tolist(), 1)]
    path = tmp_path / "6265.csv"
    path.write_text("\n".join(lines) + "\n")
    [record] = talik.read(path)
    assert (record.times == times).all()


def test_one_day_alone_cannot_prove_its_order(tmp_path):
    lines = ['"Plot Title: x"', '"#","Date Time, GMT+00:00","Temp, °C (LGR S/N: 1, SEN S/N: 1)"']
    lines += [f"{n},04/08/21 {n:02d}:00:00,{n / 10}" for n in range(1, 20)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(AmbiguousFile, match="YMD: 2004-08-21.*MDY: 2021-04-08.*DMY: 2021-08-04"):
        talik.read(path)
    assert str(talik.read(path, date_order="MDY")[0].times[0])[:10] == "2021-04-08"


def test_a_lost_mark_outside_the_stated_range_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(exported(number="lost mark", details=True).replace("Max: 24.1", "Max: 1.1"))
    with pytest.raises(AmbiguousFile, match=r"leave the range -10.2 to 1.1 that the file's details state"):
        talik.read(path)


def test_fill_values_and_blank_samples_are_flagged(tmp_path):
    path = tmp_path / "a.csv"
    lines = exported().splitlines()
    cells = lines[10].split(",")
    lines[10] = ",".join([*cells[:2], "-888.88", "", *cells[4:]])
    path.write_text("\n".join(lines) + "\n")
    [record] = talik.read(path)
    assert [Flag(f) for f in record.flags[8].tolist()] == [Flag.SENTINEL, Flag.MISSING]
    assert np.isnan(record.values[8]).all()


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda text: text[:-24], r"line 242: '240,.*lacks cells .the last line: is the file cut off"),
        (lambda text: text.replace("08/20/10 04:00:00 PM", "blah"), r"a.csv, line 53: 'blah' is not a date"),
        (
            lambda text: text.replace("100,08/22/10 05:00:00 PM,", "100,08/22/10 05:00:00 PM,x"),
            r"line 102: 'x-?\d.*' in column 'Temp",
        ),
        (lambda text: "\n".join(text.splitlines()[:2]) + "\n", "has a header and no rows"),
    ],
)
def test_damage_is_named_with_its_line(tmp_path, change, words):
    path = tmp_path / "a.csv"
    path.write_text(change(exported()))
    with pytest.raises(FileError, match=words):
        talik.read(path)


def test_the_binary_form_is_not_read_but_explained(tmp_path):
    path = tmp_path / "a.hobo"
    path.write_bytes(b"HOBO\x00\x01" * 100)
    with pytest.raises(FileError, match="export it as text"):
        talik.read(path)
