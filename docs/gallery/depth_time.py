"""Ground temperature by depth and time, with the 0 °C isotherm and a gap that stays a gap."""

import sys
from pathlib import Path

import numpy as np

from talik.figures.canvas import save
from talik.figures.series import depth_time
from talik.records import Record
from talik.series.annual import daily_means
from talik.series.tables import long_table


def main(folder: Path) -> list[Path]:
    """Invented, so that the script runs anywhere; put `talik.read(file)[0]` in its place."""
    hours = np.arange(np.datetime64("2018-01-01T00"), np.datetime64("2021-01-01T00"), np.timedelta64(6, "h"))
    depths = np.array([0.0, 0.2, 0.5, 0.8, 1.2, 1.6, 2.0, 3.0, 4.0, 5.0])
    angle = 2 * np.pi * (hours.astype(float)[:, None] / 24 - 200) / 365.25 - depths / 2.5
    x = -3 + 12 * np.exp(-depths / 2.5) * np.cos(angle)
    values = np.sign(x) * np.maximum(np.abs(x) - 0.8, 0)                      # latent heat holds the ground at 0 °C
    values[2100:2250, :4] = np.nan
    record = Record("Invented borehole", hours, depths, values)
    return save(depth_time(long_table(daily_means(record))).figure, folder / "depth_time")


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
