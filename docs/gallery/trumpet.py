"""A trumpet: coldest, mean and warmest of one year against depth, from a conducting column with a thermal offset."""

import sys
from pathlib import Path

import numpy as np

from talik.figures.canvas import save
from talik.records import Record
from talik.series.annual import annual_means


def main(folder: Path) -> list[Path]:
    """Invented, so that the script runs anywhere; put `talik.read(file)[0]` in its place."""
    days = np.arange(np.datetime64("2019-01-01"), np.datetime64("2021-01-01"))
    depths = np.array([0.0, 0.2, 0.5, 0.8, 1.2, 1.6, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0])
    angle = 2 * np.pi * (days.astype(int)[:, None] - 200) / 365.25 - depths / 2.5
    values = -4 - 0.6 * np.minimum(depths, 1.0) + 11 * np.exp(-depths / 2.5) * np.cos(angle)
    years = annual_means(Record("Invented borehole", days, depths, values))
    return save(years.plot(year=2020).figure, folder / "trumpet")


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
