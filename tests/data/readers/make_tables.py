"""Makes the small sample tables beside it: an invented sine of ground temperatures, as each program writes it."""

import json
from datetime import datetime, timedelta
from math import cos, exp, pi
from pathlib import Path

HERE = Path(__file__).parent
DEPTHS = (0.1, 0.5, 1.0)


def temperature(hour: int, depth: float) -> float:
    return round(
        -6
        + 12 * exp(-depth) * cos(2 * pi * (hour / 8766 - 0.55) - depth)
        + 2 * exp(-8 * depth) * cos(2 * pi * hour / 24),
        3,
    )


def stamps(count: int, step: int = 1) -> list[datetime]:
    return [datetime(2019, 8, 25, 13) + timedelta(hours=step * n) for n in range(count)]


def hobo_german() -> str:
    """Semicolons, decimal comma, day first, vorm. and nachm., brackets for negative values, Fahrenheit."""
    lines = [
        '"Titel: Murtel"',
        '"#";"Datum Zeit, GMT+01:00";"Temp, °F (LGR S/N: 20000001, SEN S/N: 20000001, LBL: 0,1 m)";'
        '"Temp, °F (LGR S/N: 20000001, SEN S/N: 20000001, LBL: 0,5 m)";"rF, % (LGR S/N: 20000001)";"Host verbunden"',
    ]
    for n, when in enumerate(stamps(96)):
        cells = [f"{temperature(n, depth) * 1.8 + 32:.3f}".replace(".", ",") for depth in DEPTHS[:2]]
        cells = [f"({cell[1:]})" if cell.startswith("-") else cell for cell in cells]
        half = "vorm." if when.hour < 12 else "nachm."
        lines.append(
            f"{n + 1};{when:%d.%m.%y} {(when.hour + 11) % 12 + 1:02d}:00:00 {half};{';'.join(cells)};8{n % 10},5;"
        )
    lines.insert(50, f"{47};{stamps(96)[47]:%d.%m.%y} 12:31:07 nachm.;;;;Protokolliert")
    return "\n".join(lines) + "\n"


def gtnp_table() -> str:
    rows = [
        f"{when:%Y-%m-%d %H:%M:%S}," + ",".join(f"{temperature(n, d):g}" for d in DEPTHS)
        for n, when in enumerate(stamps(72))
    ]
    rows[10] = rows[10].rsplit(",", 2)[0] + ",-999,-9999"
    return "Date/Depth,0.1,0.5,1\n" + "\n".join(rows) + "\n"


def gtnp_export() -> str:
    rows = ["id,date,depth,temperature,flag,dataset_id,borehole_id,site_id"]
    for dataset, borehole in ((7001, 41), (7002, 41), (7003, 42)):
        for depth in DEPTHS:
            for n in range(20):
                flag = {3: "unknown", 4: "bad"}.get(n, "") if dataset == 7001 else ""
                value = -999 if n == 5 else temperature(24 * n, depth)
                rows.append(f"{len(rows)},2019-09-{n + 1:02d},{depth},{value:g},{flag},{dataset},{borehole},5")
    rows.append(f"{len(rows)},2019-09-02,1.0,-2.5,,7003,42,5")  # a stamp that is there already
    return "\n".join(rows) + "\n"


def gtnp_export_metadata() -> str:
    def entry(number: int, borehole: str, unit: str) -> dict:
        return {
            "id": number,
            "policy": "Open",
            "quality": "Raw Data",
            "medium": "Soil",
            "variable": "Ground Temperature",
            "unit": {"name": unit, "abbreviation": unit},
            "frequency": "Daily",
            "borehole": {
                "name": borehole,
                "site_name": "Nowhere",
                "country_name": "Switzerland",
                "timezone": "-01:00",
                "location": {"elevation": 2670.0, "latitude": 46.43, "longitude": 9.82},
                "generic_citation": f"A. Nobody: {borehole}",
            },
        }

    return (
        json.dumps(
            [entry(7001, "NOW_01", "degC"), entry(7002, "NOW_01", "degC"), entry(7003, "NOW_02", "degC")], indent=1
        )
        + "\n"
    )


def ntgs_report() -> str:
    rows = ["project_name,site_id,latitude,longitude,date_YYYY-MM-DD,time_HH:MM:SS,0.1_m,0.5_m,1_m"]
    for site in ("Lake A", "Lake B"):
        rows += [
            f"Project,{site},63.4,-109.3,{when:%Y/%m/%d},{when:%H:%M:%S},"
            + ",".join(f"{temperature(n, d):g}" for d in DEPTHS)
            for n, when in enumerate(stamps(12))
        ]
    return "\ufeff" + "\n".join(rows) + "\n\n"


def ntgs_export() -> str:
    rows = ["SITE_ID,MEASUREMENT_DATETIME,DEPTH_M,SENSOR,TEMPERATURE_C"]
    for n, when in enumerate(stamps(10, 2)):
        rows += [f"Pit_1,{when:%Y-%m-%dT%H:%M:%S},{d:g},1,{temperature(2 * n, d):g}" for d in (1.0, 0.1, 0.5)]
        rows += [
            f"Pond_2,{when:%Y-%m-%dT%H:%M:%S},{d:g},{s},{temperature(2 * n, d) + s:g}"
            for d in (1.0, 0.1)
            for s in (1, 2)
        ]
    return "\ufeff" + "\n".join(rows) + "\n"


def permos() -> str:
    rows = ["time,0.1,0.5,1"] + [
        f"2019-09-{n + 1:02d} 00:00:00,NA," + ",".join(f"{temperature(24 * n, d):g}" for d in DEPTHS[1:])
        for n in range(20)
    ]
    return "\n".join(rows)


SAMPLES = {
    "hobo_german.csv": hobo_german,
    "gtnp_table.csv": gtnp_table,
    "gtnp_export.csv": gtnp_export,
    "gtnp_export_metadata.json": gtnp_export_metadata,
    "ntgs_report.csv": ntgs_report,
    "ntgs_export.txt": ntgs_export,
    "permos.csv": permos,
}

if __name__ == "__main__":
    for name, make in SAMPLES.items():
        (HERE / name).write_text(make(), encoding="utf-8")
