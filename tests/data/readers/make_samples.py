"""
Makes the small files beside it: every format with a few rows of invented temperatures, none taken from a real file.

    python tests/data/readers/make_samples.py

The temperatures are T(i, j) = -2 + 5 sin(i / 5) exp(-j / 3) [°C] at row i and sensor j; binary formats are written by
turning the readers' formulas round.
"""

import io
import math
import sqlite3
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
ROWS, SENSORS = 24, 3
START = datetime(2020, 10, 20, 6)
FIXED = (2021, 1, 1, 0, 0, 0)


def temperature(row: int, sensor: int) -> float:
    return -2 + 5 * math.sin(row / 5) * math.exp(-sensor / 3)


def stamps(step: timedelta, pattern: str, start: datetime = START) -> list[str]:
    return [(start + i * step).strftime(pattern) for i in range(ROWS)]


def write(name: str, lines: list[str], encoding: str = "utf-8", end: str = "\n") -> None:
    (HERE / name).write_bytes((end.join(lines) + end).encode(encoding))


def geoprecision() -> None:
    times = stamps(timedelta(hours=4), "%d.%m.%Y %H:%M:%S")
    rows = [
        f"{i + 1},{t},"
        + ",".join(f"{temperature(i, j):.4f}" for j in range(SENSORS))
        + (",3.650" if i % 6 == 0 else "")
        for i, t in enumerate(times)
    ]
    write(
        "geoprecision_gp5w.csv",
        [
            "Logger: #E50AAA 'PT1000TEMP' - USP_EXP2 - (CGI) Expander for GP5W - (V2.7, Jan 12 2016)",
            "No,Time,#1:oC,#2:oC,#3:oC,#HK-Bat:V",
            "(Parameter changed ('E50AAA_20201020060000'))",
            *rows,
        ],
    )
    head = [
        "<FG2 'FG2-SHELL V3.99' (Apr  4 2018) NOW(UTC):24.10.2020 03:10:00>",
        "<LOGGER: $E5AAAA>",
        "<PERIOD: 14400 sec>",
        f"<TIME: {times[0]}>",
        "NO,TIME,#1(oC),#2(oC),#3(oC),HK-BAT(V)",
    ]
    write("geoprecision_fg2.csv", [*head, *rows, f"<INFO: Decode OK, {ROWS} Lines>"])


def vemco() -> None:
    write(
        "minilog.000",
        [
            "* ID=Minilog-T",
            "* Serial Number=0001",
            "* Study ID=Ridge",
            "* Start Time=20/10/2020 06:00:00",
            "* Sample Period=03:00:00",
            "* Date(dd/mm/yyyy) Time(hh:mm:ss),Celsius (°C)",
            *(f"{t},{temperature(i, 0):.2f}" for i, t in enumerate(stamps(timedelta(hours=3), "%d/%m/%Y %H:%M:%S"))),
        ],
        "cp1252",
        "\r\n",
    )
    write(
        "minilog.csv",
        [
            "Source File: ridge.vld",
            "Source Device: Minilog-II-T-350001",
            "Study Description: Ridge",
            "Minilog Initialized: 2020-10-19 09:34:15 (UTC-6)",
            "Study Start Time: 2020-10-20 06:00:00",
            "Sample Interval: 03:00:00",
            "Date(yyyy-mm-dd),Time(hh:mm:ss),Temperature (°C)",
            *(f"{t},{temperature(i, 0):.2f}" for i, t in enumerate(stamps(timedelta(hours=3), "%Y-%m-%d,%H:%M:%S"))),
        ],
        "cp1252",
        "\r\n",
    )


def root(function, target: float, low: float, high: float) -> float:
    """Bisection of a falling function."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > target else (low, middle)
    return middle


ULOGC = (1.468e-3, 2.383e-4, 1.007e-7, -1e-11)


def ulogc_celsius(volts: float) -> float:
    a, b, c, d = ULOGC
    log = math.log(7500 * volts / (2.5 - volts) - 100)
    return 1 / (a + b * log + c * log**3 + d * log**5) - 273.15


def logr() -> None:
    names = "SensorId,timestamp,temperature,pressure,humidity,battery,accelX,accelY,accelZ,CH1,CH2,CH3,CH4"
    above = [
        names,
        "Label,Na,Na,Na,Na,Na,Na,Na,Na,Air,-0.5m,-1.0m,None",
        "Group,Na,Int,Int,Int,Int,Int,Int,Int,None,None,None,None",
        *(f"{axis},Na,Na,Na,Na,Na,Na,Na,Na,0,0,0,0" for axis in "xyz"),
    ]
    volts = [[round(root(ulogc_celsius, temperature(i, j), 0.2, 2.4), 12) for j in range(SENSORS)] for i in range(ROWS)]
    own = "12.5,101.3,40.0,3.6,0,0,1000"
    local = stamps(timedelta(hours=1), "%Y/%m/%d %H:%M:%S", START - timedelta(hours=7))
    write(
        "ulogc_temp.csv",
        [
            *above,
            *(
                f",{t},{own}," + ",".join(f"{ulogc_celsius(v):.3f}" for v in volts[i]) + ",-127.168"
                for i, t in enumerate(local)
            ),
        ],
    )
    epoch = [int((START + timedelta(hours=i) - datetime(1970, 1, 1)).total_seconds()) for i in range(ROWS)]
    write(
        "ulogc_raw.csv",
        [*above, *(f",{t},{own}," + ",".join(map(str, volts[i])) + ",2.4999399" for i, t in enumerate(epoch))],
    )
    title = "ChannelID\tEnable\tType\tX\tY\tZ\tLabel\tGroup\tA\tB\tC\tD\tE\tOffset"
    write(
        "ulogc_cfg.txt",
        [
            "Device Name: Ridge",
            "Serial Number: 2025001",
            "Model: ULogC16",
            "UTC Offset: UTC-07:00",
            "",
            title,
            *(
                "\t".join([f"CH{n}", "Yes", "YSI44033", "0", "0", "0", "None", "None", *map(str, ULOGC), "0", "0"])
                for n in range(1, 5)
            ),
        ],
    )


def rst() -> None:
    sensors = ["Therm 0.5m", "Therm 1.0m", "Therm 2.0m"]
    names = '"TIMESTAMP","RECORD","BATTERY",' + ",".join(f'"{s}"' for s in sensors) + ",,," + ",".join(
        f'"{s}"' for s in sensors) + ',"LOGGER TEMP","STATUS"'
    units = '"UNITS->",,"Volts","deg C","deg C","deg C",,,"Ohms","Ohms","Ohms","deg C"'
    rows = [
        f"{t},{i + 1},3.00,"
        + ",".join(f"{temperature(i, j):.2f}" for j in range(SENSORS))
        + ",,,9000.0,9100.0,9200.0,20.1,000"
        for i, t in enumerate(stamps(timedelta(hours=8), "%Y/%m/%d %H:%M:%S"))
    ]
    write(
        "rst.csv",
        [
            "Model,DT2040 Multi Channel Logger",
            "Name,Ridge",
            "Serial Number,00001",
            f"Number Of Records,{ROWS},USB",
            "",
            names,
            ',,,,,,,Sensor,"3K NTC","3K NTC","3K NTC"',
            units,
            *rows,
        ],
    )


def campbell() -> None:
    head = ['"TOA5","Ridge","CR1000","16829","CR1000.Std.15","CPU:ridge.CR1","25117","Soil"',
            '"TIMESTAMP","RECORD","AirT_2m_Avg","CT1_SUR_AVG_Avg","CT1_10cm_AVG_Avg","CT1_10cm_Max","VW_CT_Avg","PTemp_C_Avg"',
            '"TS","RN","Deg C","Deg C","Deg F","Deg C","","Deg C"', '"","","Avg","Avg","Avg","Max","Avg","Avg"']
    rows = [f'"{t}",{i},{temperature(i, 0):.3f},{temperature(i, 1):.3f},'
            + ('"NAN"' if i == 3 else f"{32 + 1.8 * temperature(i, 2):.3f}") + ",9.9,0.25,12.5"
            for i, t in enumerate(stamps(timedelta(hours=3), "%Y-%m-%d %H:%M:%S"))]
    write("toa5.dat", [*head, *rows], end="\r\n")


def tomst() -> None:
    rows = [f"{i};{t};4;" + ";".join(str(round(temperature(i, j) * 16) / 16) for j in range(SENSORS)) + ";1257;202;0"
            for i, t in enumerate(stamps(timedelta(minutes=15), "%Y.%m.%d %H:%M"))]
    write("data_90000001_0.csv", rows)
    write(
        "data_90000002_0.csv",
        [
            ";".join([*row.replace(".", ",").replace(",", ".", 2).split(";")[:4], "-200", "-200", "0;1;0"])
            for row in rows
        ],
    )


AIR = [("Индекс ВМО", "5"), ("Год", "4"), ("Месяц", "2"), ("День", "2"), ("Общий признак качества температур", "1"),
       ("Минимальная температура воздуха", "5,1"), ("Признак качества", "1"), ("Средняя температура воздуха", "5,1"),
       ("Признак качества", "1"), ("Максимальная температура воздуха", "5,1"), ("Признак качества", "1"),
       ("Количество осадков", "5,1"), ("Дополнительная характеристика", "1"), ("Признак качества", "1")]
AIR_NUMBERS = ["1", "2", "3", "4", "5", "6", "6.Q", "7", "7.Q", "8", "8.Q", "9", "9.Q", "9.Q"]
SOIL = [
    *AIR[:4],
    ("Температура на глубине 20 см", "5,1"),
    ("Признак качества", "1"),
    ("Температура на глубине 320 см", "5,1"),
    ("Признак качества", "1"),
]
SOIL_NUMBERS = ["1", "2", "3", "4", "5", "5.Q", "6", "6.Q"]


def rihmi() -> None:
    stations = [(24001, "Хребет"), (24002, "Долина")]
    days = [(1900, 2, d) for d in range(26, 30)] + [(1900, 3, d) for d in range(1, 5)]        # with a 29 February 1900

    def air(index: int, i: int, day: tuple[int, int, int]) -> str:
        value = "     " if i == 2 else f"{temperature(i, 0):5.1f}"
        return "{:5d} {:4d} {:2d} {:2d} 0 {:5.1f} 0 {} {} {:5s} 9 {:5s} 9 9".format(
            index, *day, temperature(i, 0) - 5, value, 9 if i == 2 else 0, "", "")

    def soil(index: int, i: int, day: tuple[int, int, int]) -> str:
        deep = "999.9 9" if i == 1 else f"{temperature(i, 2):5.1f} {5 if i == 0 else 0}"
        return "{:5d} {:4d} {:2d} {:2d} {:5.1f} 0 {}".format(index, *day, temperature(i, 1), deep)

    for name, fields, numbers, row in (("a2", AIR, AIR_NUMBERS, air), ("a3", SOIL, SOIL_NUMBERS, soil)):
        data = "".join(row(index, i, day) + "\r\n" for index, _ in stations for i, day in enumerate(days))
        layout = "".join(
            f"{i:2d} {n:4s} {w:>5s}  {t}\r\n" for i, ((t, w), n) in enumerate(zip(fields, numbers, strict=True), 1)
        )
        listing = "".join(f"{index} {title:30s}Россия\r\n" for index, title in stations)
        archive(f"wr000001{name}.zip", {f"wr000001{name}.txt": data, f"fld000001{name}.txt": layout,
                                        f"statlist000001{name}.txt": listing})


def archive(name: str, texts: dict[str, str]) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as target:
        for member, text in texts.items():
            target.writestr(zipfile.ZipInfo(member, FIXED), text.encode("cp1251"), zipfile.ZIP_DEFLATED)
    (HERE / name).write_bytes(content.getvalue())


def nrcs() -> None:
    hours = stamps(timedelta(hours=1), "%Y-%m-%d,%H:%M")
    rows = [f"2218,{t},{temperature(i, 0):.1f},12,{-99.9 if i == 5 else round(temperature(i, 1), 1)},"
            f"{32 + 1.8 * temperature(i, 2):.3f},1," for i, t in enumerate(hours)]
    write(
        "nrcs_site.csv",
        [
            "",
            "Invented SCAN hourly report; provisional data",
            "",
            "Site Id,Date,Time,TOBS.I-1 (degC) ,SMS.I-1:-2 (pct)  (loam),STO.I-1:-2 (degC) ,STO.I-1:-20 (degF) ,"
            "STX.H-1:-2 (degC) ,",
            *rows,
        ],
    )
    days = stamps(timedelta(days=1), "%Y-%m-%d")
    write(
        "nrcs_report.csv",
        [
            "#------- WARNING -------",
            "# SCAN 2218: Ridge, AK",
            "# Reporting Frequency: Daily",
            "#",
            "Date,Snow Depth (in) Start of Day Values,Air Temperature Average (degF),Air Temperature Maximum (degF),"
            "Soil Temperature Observed -2in (degF) Start of Day Values",
            *(
                f"{d},10,{32 + 1.8 * temperature(i, 0):.3f},40,"
                + ("" if i == 4 else f"{32 + 1.8 * temperature(i, 1):.3f}")
                for i, d in enumerate(days)
            ),
        ],
    )


XR420 = [(0.0043228 + j * 1e-7, -0.00027788, 3.65e-6, -1.3e-7) for j in range(SENSORS)]
XL800 = [(7355.0, 3888.0, 7500.0, 0.0), (7417.0, 3735.0, 7500.0, 3.5), (7355.0, 3888.0, 7500.0, 0.0)]


def xr420_celsius(count: float, sensor: int) -> float:
    x = math.log(2**24 / count - 1)
    c0, c1, c2, c3 = XR420[sensor]
    return 1 / (c0 + c1 * x + c2 * x**2 + c3 * x**3) - 273.15


def xl800_celsius(count: float, sensor: int) -> float:
    r_0, beta, r_ref, gain = XL800[sensor]
    return 1 / (1 / 273.15 + math.log(r_ref / r_0 * (2048 * (gain or 1) / count - 1)) / beta) - 273.15


def rbr() -> None:
    period = timedelta(hours=8)
    counts = [
        [round(root(lambda n, j=j: xr420_celsius(n, j), temperature(i, j), 1e4, 2**24 - 1)) for j in range(SENSORS)]
        for i in range(ROWS)
    ]
    counts[0] = [0xFFFDB8, 0xFFFD5B, 0xFFFDA7]  # before the string was joined
    head = [
        "RBR XR-420  5.50 012999 (Windows: 6.13 - Minimum required: 5.14)",
        "Host time     20/10/28 06:02:00",
        "Logger time   20/10/28 06:01:00",
        f"Logging start {START:%y/%m/%d %H:%M:%S}",
        "Logging end   25/12/31 11:00:00",
        "Sample period          08:00:00",
        f"Number of channels =  {SENSORS}, number of samples =   {ROWS}, mode: Logging Stopped by User",
        "E08%9.4f",
    ]
    for j, (c0, c1, c2, c3) in enumerate(XR420, 1):
        head += [
            f"Calibration  {j}: {c0:.15f}",
            *(f"                {c:.15f}" for c in (c1, c2)),
            f"                {c3:.15f} Degrees_C",
        ]
    head += ["Memory type: 3 AT45DB642", "Logger start:Start of logging "]
    title = " " * 25 + "Temp      " * SENSORS
    rows = [f"{t} " + " ".join(f"{xr420_celsius(n, j):9.4f}" for j, n in enumerate(counts[i])) + " "
            for i, t in enumerate(stamps(period, "%Y/%m/%d %H:%M:%S"))]
    write("rbr_xr420.dat", [*head, "", title, *rows], end="\r\n")
    packed = "".join(f"{n:06X}" for row in counts for n in row)
    body = (
        f"{START:%y%m%d%H%M%S}"
        + "0" * 84
        + "000000"
        + "54494D"
        + f"{START:%y%m%d%H%M%S}"
        + packed
        + "000000"
        + "535450"
        + "201028060100"
    )
    write(
        "rbr_xr420.hex",
        [
            *head,
            "Number of bytes in header 48",
            "",
            title,
            f"Number of bytes of data {len(body) // 2}",
            "|     |     |",
            *(body[i : i + 48] for i in range(0, len(body), 48)),
        ],
        end="\r\n",
    )

    counts = [
        [round(root(lambda n, j=j: -xl800_celsius(n, j), -temperature(i, j), 1, 2047)) for j in range(SENSORS)]
        for i in range(ROWS)
    ]
    head = [
        "RBR XL-800 3.0 001999 Ridge MDT",
        "Host time     20/10/28 06:02:00",
        "Logger time   20/10/28 06:01:00",
        f"Logging start {START:%y/%m/%d %H:%M:%S}",
        "Logging end   25/12/31 18:00:00",
        "Sample period          08:00:00",
        f"Number of channels = {SENSORS}, number of samples = {ROWS}, mode : 2",
        "XL4.2: Calibration file is 001999.CAL :",
        "S01%8.2f%8.2f%8.2f",
        *(f" {j}  2 {a:g} {b:g} {c:g} {d:g} 0 0 0 Degrees_C" for j, (a, b, c, d) in enumerate(XL800, 1)),
    ]
    shown = [[f"{xl800_celsius(n, j):8.2f}" for j, n in enumerate(row)] for row in counts]
    shown[2][1], shown[3][0] = f"{999:8.2f}", f"{-126.34:8.2f}"
    write("rbr_xl800.dat", [*head, *(f"{i + 1:6d}" + "".join(row) for i, row in enumerate(shown))], end="\r\n")
    words = [[0x2000 | n for n in row] for row in counts]
    words[2][1], words[3][0] = 0x0FFF, 0x0000
    body = b""
    for day in range(0, ROWS, 3):
        stamp = bytes.fromhex("80007fff0203" + f"{START + day * period:%y%m%d%H%M%S}")
        body += (
            stamp
            + (-sum(stamp) % 65536).to_bytes(2, "big")
            + b"".join(w.to_bytes(2, "big") for row in words[day : day + 3] for w in row)
        )
    text = body.hex()
    write(
        "rbr_xl800.hex",
        [*head, f"Number of bytes of data {len(body)}", *(text[i : i + 32] for i in range(0, len(text), 32))],
        end="\r\n",
    )


def rsk() -> None:
    target = HERE / "rbr.rsk"
    target.unlink(missing_ok=True)
    base = sqlite3.connect(target)
    base.execute("PRAGMA page_size = 1024")
    base.executescript("""
        CREATE TABLE dbInfo (version TEXT, type TEXT);
        INSERT INTO dbInfo VALUES ('2.0.0', 'full');
        CREATE TABLE instruments (instrumentID INTEGER, serialID INTEGER, model TEXT);
        INSERT INTO instruments VALUES (1, 62999, 'RBRconcerto');
        CREATE TABLE deployments (deploymentID INTEGER, loggerTimeDrift INTEGER);
        INSERT INTO deployments VALUES (1, -21508694);
        CREATE TABLE parameterKeys (parameterID INTEGER, key TEXT, value TEXT);
        INSERT INTO parameterKeys VALUES (1, 'OFFSET_FROM_UTC', '-6.0');
        CREATE TABLE channels (channelID INTEGER, longName TEXT, unitsPlainText TEXT, isDerived INTEGER);
        INSERT INTO channels VALUES (1, 'Temperature', 'Degrees_C', 0), (2, 'Temperature', 'Degrees_C', 0),
                                    (3, 'Pressure', 'dbar', 0), (4, 'Depth', 'm', 1);
        CREATE TABLE data (tstamp BIGINT PRIMARY KEY, channel01 DOUBLE, channel02 DOUBLE, channel03 DOUBLE);
    """)
    rows = [(int((START + i * timedelta(hours=8) - datetime(1970, 1, 1)).total_seconds() * 1000),
             -178.6 if i == 0 else temperature(i, 0), None if i == 4 else temperature(i, 1), 10.1) for i in range(ROWS)]
    base.executemany("INSERT INTO data VALUES (?, ?, ?, ?)", reversed(rows))
    base.commit()
    base.execute("VACUUM")
    base.close()


def workbooks() -> None:
    import openpyxl

    book = openpyxl.Workbook()
    about = book.active
    about.title = "Metadata"
    for row in (
        ["Version"],
        ["File", "Ruskin"],
        ["1.0.0", "2.7.3"],
        [],
        ["Serial", "Model"],
        [62999, "RBRconcerto"],
        [],
        ["Index", "Name", "Units"],
        [1, "Temperature", "°C"],
        [2, "Temperature", "°C"],
        [3, "Pressure", "dbar"],
        [],
    ):
        about.append(row)
    data = book.create_sheet("Data")
    data.append(["Data"])
    data.append(["Time", "Temperature", "Temperature", "Pressure"])
    for i in range(ROWS):
        data.append([START + i * timedelta(hours=8), -178.6 if i == 0 else temperature(i, 0),
                     None if i == 4 else temperature(i, 1), 10.1])
    keep(book, "rbr.xlsx")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "north"
    years = ["###" if y in (1992, 1994) else y for y in range(1990, 1996)]
    sheet.append(
        [
            "Site Code",
            "Site Name",
            "Location",
            None,
            "Method",
            "SITE AVERAGES OF THE ANNUAL END-OF-SEASON THAW DEPTH (cm)",
        ]
    )
    sheet.append([None, None, "LAT", "LONG", None, *years])
    sheet.append(["X1 A", "Ridge", 71.5, -156.6, "1000/T", "-", 30, "30\u00a0", None, "45*", "inactive"])
    sheet.append(["Valley land"])
    sheet.append(
        [
            "Site Code",
            "Site Name",
            "Location",
            None,
            "Method",
            "SITE AVERAGES OF THE ANNUAL END-OF-SEASON THAW DEPTH (cm)",
        ]
    )
    sheet.append([None, None, "LAT", "LONG", None, *years])
    sheet.append(["X2", "Valley", 43.1, 200.0, "T/B25 ", ">260", "<460", 1.45, "deep", 480, 490.5])
    keep(book, "calm.xlsx")
    write("calm_grid.csv", ["Node,X,Y,1999-08-20,2000", "1,0,0,30,W", "2,0,10,-,>120", "3,10,0,35.5,"])


def small_loggers() -> None:
    times = [START + i * timedelta(hours=4) for i in range(ROWS)]
    series = list(zip(times, (f"{temperature(i, 0):.3f}" for i in range(ROWS)), strict=True))
    mission = ["1-Wire/iButton Part Number: DS1922L", "1-Wire/iButton Registration Number: 8400000000000001",
               "Mission Start:  Tue Oct 20 06:00:00 UTC 2020", "Sample Rate:  Every 240 minute(s)", ""]
    write("ibutton.csv", [*mission, "Date/Time,Unit,Value", *(f"{t:%d-%m-%y %H:%M:%S},C,{v}" for t, v in series)])
    channel = ["Model=TR-1050", "Serial=000001", "Channel[1].name=Temperature", "Channel[1].units=°C (Degrees_C)"]
    samples = [f" {t:%d-%b-%Y %H:%M:%S.000} {v:>12}" for t, v in series]
    write("rbr_rtext.txt", [*channel, f"NumberOfSamples={ROWS}", "", "        Date & Time         Temp", *samples])
    usb = [f"{n},{t:%d/%m/%Y %H:%M:%S},{v}" + ",000000001" * (n == 1) for n, (t, v) in enumerate(series, 1)]
    write("el_usb.txt", ["Ridge,Time,Celsius(°C),Serial Number", *usb], "cp1252", "\r\n")
    titles = ['"EM00001","Port 1","Port 1"', '"24 records","5TM","5TM"', '"Measurement Time","°C Temp","m³/m³ VWC"']
    write("em50.csv", [*titles, *(f'"{t:%m/%d/%Y %I:%M %p}","{v}","0.210"' for t, v in series)])


def keep(book, name: str) -> None:
    book.properties.created = book.properties.modified = datetime(*FIXED)
    book.save(HERE / name)


if __name__ == "__main__":
    for make in (geoprecision, vemco, logr, rst, campbell, tomst, rihmi, nrcs, rbr, rsk, workbooks, small_loggers):
        make()
