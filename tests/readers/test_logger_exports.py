"""What makers' programs write, by country, version and spreadsheet passed: read right, or refused with what to do."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook

import talik
from talik.errors import AmbiguousFile, FileError, TalikError
from talik.records import Flag

SAMPLES = Path(__file__).parents[1] / "data" / "readers"
TIMES = [datetime(2020, 1, 29, 9) + timedelta(hours=i) for i in range(60)]
WARM = [round(-3.2 + 6 * np.sin(i / 9) + 0.001 * (i % 7), 3) for i in range(60)]
COLD = [round(-1.2 + 2 * np.sin(i / 9), 3) for i in range(60)]
AIR, NAN = [round(v * 16) / 16 for v in WARM], float("nan")  # a TOMST sensor counts sixteenths


def fahrenheit(value):
    return f"{value * 1.8 + 32:.4f}"


def comma(value):
    return str(value).replace(".", ",")


def rows(line):
    """One line for each sample: of its number, its time, and both temperatures."""
    return "".join(line(n, t, v, w) + "\n" for n, (t, v, w) in enumerate(zip(TIMES, WARM, COLD, strict=True), 1))


def us(time):
    return f"{time:%m/%d/%y %I:%M:%S %p}"


def spanish(time):
    return f"{time:%d/%m/%y %I:%M:%S} {'a.' if time.hour < 12 else 'p.'}\u00a0m."


def hobo(titles, cells, stamp="Date Time, GMT-07:00", date=us, first="#"):
    return f'"{first}","{stamp}",{titles}\n' + rows(lambda n, t, v, w: f"{n},{date(t)},{cells(v, w)}")


def one(titles, unit=str, **more):
    return hobo(titles, lambda v, w: unit(v), **more)


HOBO = {
    **{f"lost sign {s}": (one(f'"Temp, {s} (LGR S/N: 10930407)"', fahrenheit if s[-1] in "F癋蚌캟" else str), -7, {})
       for s in ("?F", "\ufffdC", "癈", "癋", "蚌", "캟", "Â°C", "∞C", "*F")},
    "French": (
        "Titre de tracé : T520\n" + hobo('"Temp., °C (LGR S/N: 10117166, LBL: Température)","HR, %","Coupleur détaché"',
                                         lambda v, w: f"{v},88.1,", "Date Heure, GMT+01:00"), 1, {}),
    "German": (hobo('"Temp., °C","RH, %","TauPkt, °C"', lambda v, w: f"{v},80,{w}", "Datum Zeit, GMT-05:00",
                    first="Anz."), -5, {}),
    "Spanish": (hobo('"Temp, °C","HR, %","Pt rocío, °C"', lambda v, w: f"{v},80,{w}", "Fecha Tiempo, GMT-05:00",
                     spanish, "N.º"), -5, {}),
    "statistics": (hobo('"Max: Temp, °C (LGR S/N: 1)","Min: Temp, °C (LGR S/N: 1)","Avg: Temp, °C (LGR S/N: 1)",'
                        '"StdDev: Temp, °C (LGR S/N: 1)"', lambda v, w: f"{v + 1},{v - 1},{v},0.1"), -7, {}),
    "mobile": (hobo('"Temp, (*C)","RH, (%)","Dew Point, (*C)"', lambda v, w: f"{v},80,{w}",
                    "Date Time - GMT +01:00", "{:%d/%m/%y %H:%M:%S}".format), 1, {}),
    "link": (one('"Temperature (S-TMB 10564073:10518723-1), *F, Soil 10cm"', fahrenheit, stamp="Date", first="Line#"),
             0, {"depths": [0.1]}),
    **{f"connect {zone}": (one('"Ch: 1 - Temperature   (°C )"', stamp=f"Date-Time ({zone})",
                               date="{:%m/%d/%Y %H:%M:%S}".format), hours, {})
       for zone, hours in {"PDT": -7, "EST": -5, "ADT": -3, "CEST": 2, "UTC Standard Time": 0, "EST/EDT": -5,
                           "CET/CEST": 1, "Mountain Standard Time": -7, "Alaskan Daylight Time": -8}.items()},
    "connect averages": (hobo("Ch: 1 - Temperature Avg : Avg (°F ),Ch: 1 - Temperature Max : Max (°F )",
                              lambda v, w: f"{fahrenheit(v)},99", "Date-Time (PST)"), -8, {}),
}

LOGGER = "Logger: #E5096D 'PT1000TEMP' - USP_EXP2 - (CGI) Expander for GP5W - (V2.60, Mai 27 2014)\n"


def gp5w(titles, line, end="\n"):
    return (LOGGER + titles + "\n" + rows(line)).replace("\n", end)


GEOPRECISION = {
    "line ends of a mail": (gp5w("No,Time,#1:oC,#2:oC,#HK-Bat:V", lambda n, t, v, w:
                                 f"{n},{t:%d.%m.%Y %H:%M:%S},{v},{w},3.66", "\r\r\n"), 0, {"values": [WARM, COLD]}),
    "read-out": (gp5w("Delta Time: 666 secs\nNo,Time,#1:oC,#HK-Bat:V,#HK-Temp:oC\n(Parameter changed ('E50_1'))",
                      lambda n, t, v, w: f"{n},{t:%d.%m.%Y %H:%M:%S},{v}" + ",3.6,32.6" * (n % 9 == 0)), 0, {}),
    "semicolons": (gp5w("No;Time;#1:oC;#HK-Bat:V",
                        lambda n, t, v, w: f"{n};{t:%d.%m.%Y %H:%M:%S};{comma(v)};3,662"), 0, {}),
    "blank last channel": (gp5w("No,Time,#1:oC,#2:oC,", lambda n, t, v, w:
                                f"{n},{t:%d.%m.%Y %H:%M:%S},{v if n % 5 else ''},{w if n % 7 else ''},"),
                           0, {"values": [[v if n % 5 else NAN for n, v in enumerate(WARM, 1)],
                                          [w if n % 7 else NAN for n, w in enumerate(COLD, 1)]]}),
    "German": (gp5w("Nr\tZeit\t#1:oC", lambda n, t, v, w: f"{n}\t{t:%d.%m.%Y %H:%M}\t{v}"), 0, {}),
    "American": (gp5w("No,Time,#1:oC", lambda n, t, v, w: f"{n},{t:%m/%d/%Y %H:%M},{v}"), 0, {}),
    "ISO": (gp5w("No,Time,#1:oC", lambda n, t, v, w: f"{n},{t:%Y-%m-%d %H:%M:%S},{v}"), 0, {}),
}

TMS = {"values": [AIR, AIR, AIR], "depths": [0.08, 0, -0.15]}


def tomst(date, values, tail="432;202;0;", zone="4;"):
    return "".join(f"{n};{date(t)};{zone}{values(v)};{tail}\n" for n, (t, v) in enumerate(zip(TIMES, AIR, strict=True)))


def thrice(value):
    return ";".join([str(value)] * 3)


def bare_midnight(time):
    return f"{time:%d.%m.%Y}" + f"{time: %H:%M:%S}" * (time.hour > 0)


ONE = {"values": [AIR], "depths": [NAN]}
TOMST = {
    "commas": (tomst("{:%Y.%m.%d %H:%M}".format, lambda v: comma(thrice(v))), 0, TMS),
    "slashes": (tomst("{:%m/%d/%Y %H:%M}".format, thrice, zone="-28;"), 0, TMS),
    "halves of a day": (tomst("{:%m/%d/%Y %I:%M:%S %p}".format, thrice), 0, TMS),
    "ISO": (tomst("{:%Y-%m-%d %H:%M}".format, thrice), 0, TMS),
    "Finnish": (tomst("{:%d.%m.%Y %H.%M}".format, thrice), 0, TMS),
    "thermologger": (tomst(bare_midnight, lambda v: f"{v};-200;-200", "65336;204;0;"), 0, ONE),
    "saved by a spreadsheet": (tomst("{:%m/%d/%Y %H:%M}".format, thrice, "432;202;0").replace(";", ","), 0, TMS),
    "joined": (tomst("A1;201904_91184196;{:%d.%m.%Y %H:%M:%S}".format, lambda v: f"{v};;", "65336;0;0", ""), 0, ONE),
}

INITIALIZED = ("Source File: C:\\x.vld\nSource Device: Minilog-II-T-350763\n"
               "Minilog Initialized: 2018-07-05 09:34:15 (UTC-6)\nSample Interval: 01:00:00\n")


def minilog(titles, line):
    return INITIALIZED + titles + "\n" + rows(line)


VEMCO = {
    "Fahrenheit": (minilog("Date(yyyy-mm-dd),Time(hh:mm:ss),Temperature (°F)", lambda n, t, v, w:
                           f"{t:%Y-%m-%d,%H:%M:%S},{fahrenheit(v)}"), -6, {}),
    "counts beside": (minilog("Date(yyyy-mm-dd) Time(hh:mm:ss),Temperature (∞C),ADC", lambda n, t, v, w:
                              f"{t:%Y-%m-%d %H:%M:%S},{v},4491"), -6, {}),
    "commas in stamps": (minilog("* Date(yyyy,mm,dd),Time(hh,mm,ss),Celsius (øC),Temp(AtoD),Meters (m),Depth(AtoD)",
                                 lambda n, t, v, w: f"{t:%Y,%m,%d,%H,%M,%S},{v},88,0.0,11"), -6, {}),
    "decimal commas": (minilog("Date(yyyy-mm-dd),Time(hh:mm:ss),Temperature (C)", lambda n, t, v, w:
                               f"{t:%Y-%m-%d,%H:%M:%S},{comma(v)}"), -6, {}),
    "saved by a spreadsheet": (minilog("Date(yyyy-mm-dd),Time(hh:mm:ss),Temperature (C),", lambda n, t, v, w:
                                       f"{t:%m/%d/%y,%H:%M:%S},{v}"), -6, {}),
    "semicolons": (minilog("Date(dd/mm/yyyy);Time(hh:mm:ss);Temperature (°C)", lambda n, t, v, w:
                           f"{t:%d/%m/%Y;%H:%M:%S};{comma(v)}"), -6, {}),
}

RUSKIN = """Model=TR-1050
Firmware=6.20
Serial=013875
HostVersion=(Ruskin version number - 2.24.1)

LoggingStartTime=29-Jan-2020 09:00:00.000
LoggingSamplingPeriod=01:00:00
NumberOfChannels=2
Channel[1].name=Temperature
Channel[1].calibration=0.003477 -2.549E-4 2.576E-6 -7.79E-8
Channel[1].units={unit}
Channel[2].name=Pressure
Channel[2].units=dBar (deciBars)

NumberOfSamples=60

             Date & Time         Temp          Pres         Depth
"""


def ruskin(date, unit="°C (Degrees_C)", value=str):
    return RUSKIN.format(unit=unit) + rows(lambda n, t, v, w: f" {date(t)}    {value(v)}    10.3806015     0.2460786")


RBR = {
    "named months": (ruskin("{:%d-%b-%Y %H:%M:%S.000}".format), 0, {}),
    "months in French": (ruskin("{0:%d}-janv.-2020 {0:%H:%M:%S}".format), 0, {}),
    "ISO": (ruskin("{:%Y-%m-%d %H:%M:%S.000}".format), 0, {}),
    "ISO with Z": (ruskin("{:%Y-%m-%d %H:%M:%S.000Z}".format), 0, {}),
    "Fahrenheit": (ruskin("{:%Y-%m-%d %H:%M:%S}".format, "°F (Degrees_F)", fahrenheit), 0, {}),
}

MISSION = """1-Wire/iButton Part Number: DS1921G-F5
1-Wire/iButton Registration Number: 8400000036BF0121
Is Mission Active?  true
Mission Start:  Wed Jan 29 09:00:00 CET 2020
Sample Rate:  Every 60 minute(s)
High Temperature Alarm:  80 °C

Date/Time,Unit,Value
"""

IBUTTON = {
    "commas": (MISSION + rows(lambda n, t, v, w: f"{t:%d-%m-%y %H:%M:%S},C,{comma(v)}"), 1, {}),
    "Fahrenheit": (MISSION + rows(lambda n, t, v, w: f"{us(t)},F,{fahrenheit(v)}"), 1, {}),
    "semicolons": (MISSION.replace(",", ";") + rows(lambda n, t, v, w: f"{t:%d.%m.%Y %H:%M};C;{comma(v)}"), 1, {}),
}

VIEWER = (",3/6/2020\nTimezone,-5\n,\nSerial No.,B4000000346D8121\nLocation:,Ridge\nHigh temperature limit (°C),20\n"
          "Date - Time,Temperature (°{})\n")
IBUTTON |= {
    "Thermodata": (VIEWER.format("C") + rows(lambda n, t, v, w: f"{t:%m/%d/%Y %H:%M},{v}") + "-end-,\n", -5, {}),
    "Thermodata commas": (VIEWER.format("F") + rows(lambda n, t, v, w: f"{t:%d.%m.%Y %H:%M},{comma(fahrenheit(v))}")
                          + "-end-\n", -5, {}),
}

OTHERS = {
    "EL-USB": ("Ridge,Time,Celsius(°C),Humidity(%rh),dew point(°C),Serial Number\n" + rows(
        lambda n, t, v, w: f"{n},{t:%d/%m/%Y %H:%M:%S},{v},55.5,{w}" + ",000104517" * (n == 1)), 0, {}),
    "Em50": ('"EM12345","Port 1","Port 1"\n"60 records","5TM","5TM"\n"Measurement Time","°C Temp","m³/m³ VWC"\n' + rows(
        lambda n, t, v, w: f'"{t:%m/%d/%Y %I:%M %p}","{v if n % 5 else "***"}","0.21"'),
        0, {"values": [[v if n % 5 else NAN for n, v in enumerate(WARM, 1)]]}),
    "ZL6": ("z6-01234,Port 1,Port 1,Port 8\n60 records,TEROS 12,TEROS 12,Barometer\n"
            "Timestamps, m³/m³ Water Content, °F Soil Temperature, °F Logger Temperature\n" + rows(
                lambda n, t, v, w: f"{t:%m/%d/%Y %I:%M:%S %p},0.21,{fahrenheit(v)},70"), 0, {}),
    "TOA5 of a spreadsheet": (
        "TOA5;Site;CR1000;1234;Std.31;CPU:x.CR1;42;Soil\nTIMESTAMP;RECORD;T_10cm_Avg;BattV_Min\nTS;RN;Deg C;Volts\n"
        ";;Avg;Min\n" + rows(lambda n, t, v, w: f"{t:%d.%m.%Y %H:%M};{n};{comma(v)};12,5"), 0, {"depths": [0.1]}),
}

FAMILIES = {"hobo": HOBO, "geoprecision": GEOPRECISION, "tomst": TOMST, "vemco": VEMCO, "rbr-text": RBR,
            "ibutton": IBUTTON}
EXPORTS = [pytest.param(reader, *export, id=f"{reader} {kind}") for reader, family in FAMILIES.items()
           for kind, export in family.items()]
EXPORTS += [pytest.param({"TOA": "toa5", "EL-": "lascar"}.get(kind[:3], "meter"), *export, id=kind)
            for kind, export in OTHERS.items()]


@pytest.mark.parametrize("reader, text, hours, meant", EXPORTS)
def test_an_export_is_read_as_it_is_meant(tmp_path, reader, text, hours, meant):
    path = tmp_path / "data_90000001_0.csv"
    path.write_bytes(text.encode())
    [record] = talik.read(path)
    assert record.source.format == reader
    np.testing.assert_array_equal(record.times, np.array(TIMES, "M8[us]") - np.timedelta64(hours, "h"))
    np.testing.assert_allclose(record.values, np.transpose(meant.get("values", [WARM])), atol=1e-4)
    np.testing.assert_array_equal(record.depths, meant.get("depths", [NAN] * record.depths.size))


@pytest.mark.parametrize("name", ["rst.csv", "ulogc_temp.csv", "toa5.dat", "em50.csv", "el_usb.txt"])
def test_a_spreadsheet_with_decimal_commas_changes_nothing(tmp_path, name):
    text = (SAMPLES / name).read_bytes().decode("cp1252" if name == "el_usb.txt" else "utf-8")
    path, plain = tmp_path / name, tmp_path / "plain" / name
    plain.parent.mkdir()
    plain.write_text(text)
    path.write_text(text.replace(",", ";").replace(".", ","))
    [record], [meant] = talik.read(path), talik.read(plain)
    np.testing.assert_array_equal(record.times, meant.times)
    np.testing.assert_array_equal(record.values, meant.values)
    np.testing.assert_array_equal(record.depths, meant.depths)
    assert list(record.others) == [label.replace(".", ",") for label in meant.others]


REFUSED = {
    "an unknown zone": (one('"Ch: 1 - Temperature   (°C)"', stamp="Date-Time (CST)"),
                        "stamps are in 'CST' .North America or China.*timezone="),
    "an empty download": ("File is empty\n", "the logger gave no data; read it again with Lolly"),
    "TOB1": ('"TOB1","Site","CR1000"\n\x01\x02\0', "TOB1 file of LoggerNet.*convert it to TOA5"),
    "TOACI1": ('"TOACI1","CR10X","Soil"\n"TMSTAMP","T"\n"2020-01-29 09:00:00",1\n', "TOACI1 file.*convert it to TOA5"),
    "humidity of a Hygrochron": (MISSION + rows(lambda n, t, v, w: f"{us(t)},%RH,55.1"), "in '%RH', expected C or F"),
    "a cut file of Thermodata's": (VIEWER.format("C") + "1/29/2020 9:00,1.5\n", "no last line '-end-'"),
    "a torn row of an iButton": (MISSION + rows(lambda n, t, v, w: us(t) + ",C" + f",{v}" * (n != 9)),
                                 "line 17: .* is not a stamp, a unit and a value"),
    "a cut Rtext": (ruskin("{:%Y-%m-%d %H:%M:%S}".format).rsplit("\n", 2)[0] + "\n",
                    "59 rows where the header promises 60"),
    "an Rtext of unknown unit": (ruskin("{:%Y-%m-%d %H:%M:%S}".format, "counts"), "and the unit 'counts'"),
    "statistics only": (one('"Max: Temp, °C (LGR S/N: 1)"'), "no column names a temperature unit"),
    "commas between many numbers": (
        minilog("Date(yyyy-mm-dd),Time(hh:mm:ss),Temperature (C),Depth (m)", lambda n, t, v, w:
                f"{t:%Y-%m-%d,%H:%M:%S},{comma(v)},1,5"), "6 fields where 4 are expected"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_with_what_to_do(tmp_path, kind):
    text, words = REFUSED[kind]
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode())
    with pytest.raises(TalikError, match=rf"x\.csv[^\n]*{words}"):
        talik.read(path)


@pytest.mark.parametrize("name, words", [("x.hobo", "export it as text"), ("x.dtf", "export it as text"),
                                         ("x.vld", "export it as csv with Logger Vue")])
def test_binary_forms_are_refused_with_the_export_to_make(tmp_path, name, words):
    path = tmp_path / name
    path.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(FileError, match=words):
        talik.read(path)


def test_labels_without_a_unit_are_no_depths(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(hobo('"Temp, °C (LGR S/N: 20750528, LBL: 5)","Temp, °C (LGR S/N: 20750528, LBL: 100)"',
                         lambda v, w: f"{v},{w}"))
    [record] = talik.read(path)
    assert np.isnan(record.depths).all()
    assert "the labels 5, 100 have no unit (m, cm, or numbers of sensors?)" in " ".join(record.source.understood)
    assert talik.read(path, depths=[0.05, 1])[0].depths.tolist() == [0.05, 1]


def test_a_reading_that_failed_is_missing_and_told(tmp_path):
    path = tmp_path / "data_93142777.csv"
    path.write_text(tomst("{:%Y.%m.%d %H:%M}".format, lambda v: f"{v};-100;{v}", "2348;0;20;"))
    [record] = talik.read(path)
    assert np.isnan(record.values[:, 1]).all()
    assert (record.flags[:, 1] == Flag.MISSING).all()
    assert record.depths.tolist() == [0.08, 0, -0.15]
    assert "60 rows carry the logger's error code" in record.source.understood


@pytest.mark.parametrize("unit, value", [("°C", float), ("°F", lambda v: v * 1.8 + 32)])
def test_a_workbook_of_hoboconnect(tmp_path, unit, value):
    book = Workbook()
    book.active.append(
        ["#", "Date-Time (PST)", f"Ch: 1 - Temperature   ({unit} )", "Ch: 2 - Dew Point   (°C)", "Stopped"]
    )
    for number, (time, warm) in enumerate(zip(TIMES, WARM, strict=True), 1):
        book.active.append([number, time, value(warm), 9.0, None])
    book.active.append([61, TIMES[-1] + timedelta(minutes=7), None, None, "Logged"])
    book.create_sheet("Details").append(["Devices"])
    path = tmp_path / "x.xlsx"
    book.save(path)
    [record] = talik.read(path)
    assert record.source.format == "hobo"
    np.testing.assert_array_equal(record.times, np.array(TIMES, "M8[us]") + np.timedelta64(8, "h"))
    np.testing.assert_allclose(record.values[:, 0], WARM, atol=1e-9)
    assert record.metadata["events"] == ("2020-01-31T20:07:00 Stopped: Logged",)


def test_an_export_in_summer_time_is_counted_by_the_sample_rate(tmp_path):
    path = tmp_path / "x.csv"
    times = [datetime(2020, 10, 24, 20) + timedelta(hours=i) for i in range(30)]
    local = [t - timedelta(hours=1) * (i >= 7) for i, t in enumerate(times)]        # 03:00 CEST is 02:00 CET
    header = MISSION.replace("Wed Jan 29 09:00:00 CET", "Sat Oct 24 20:00:00 CEST")
    path.write_text(header + "".join(f"{t:%d/%m/%y %H:%M:%S},C,{i}.5\n" for i, t in enumerate(local)))
    [record] = talik.read(path)
    np.testing.assert_array_equal(record.times, np.array(times, "M8[us]") - np.timedelta64(2, "h"))
    assert "follows the computer's summer time" in " ".join(record.source.understood)


@pytest.mark.parametrize("date", ["04/08/21", "08.04.21", "21.04.08"])
def test_two_days_prove_their_order_by_an_unbroken_night(tmp_path, date):
    """8 and 9 April: in another order these are a month or a year apart, and the step over midnight is broken."""
    path = tmp_path / "x.csv"
    after = date.replace("08", "09")
    lines = [f"{n},{date if n < 13 else after} {(n + 11) % 24:02d}:00:00,{n / 7:.3f}" for n in range(30)]
    path.write_text('"#","Date Time, GMT+02:00","Temp, °C (LGR S/N: 1)"\n' + "\n".join(lines) + "\n")
    [record] = talik.read(path)
    assert str(record.times[0]) == "2021-04-08T09:00:00.000000"
    assert "go on with one step over midnight" in " ".join(record.source.understood)
    path.write_text('"#","Date Time, GMT+02:00","Temp, °C (LGR S/N: 1)"\n' + "\n".join(lines[:11] + lines[15:]) + "\n")
    with pytest.raises(AmbiguousFile, match="date_order="):
        talik.read(path)
