"""A series with the values the check rejected, each marked by what was wrong with it."""

import sys
from pathlib import Path

import numpy as np

import talik
from talik.figures.canvas import save


def main(folder: Path) -> list[Path]:
    """Invented, with faults put in; put `talik.read(file)[0]` in its place."""
    rng = np.random.default_rng(1)
    hours = np.arange(np.datetime64("2019-09-01T00"), np.datetime64("2021-09-01T00"), np.timedelta64(1, "h"))
    depths = np.array([0.05, 0.5, 1.5])
    t = hours.astype(float)[:, None] / 24
    values = (-4 + 12 * np.exp(-depths / 2.5) * np.cos(2 * np.pi * (t - 200) / 365.25 - depths / 2.5)
              + 3 * np.exp(-depths / 0.12) * np.cos(2 * np.pi * t) + rng.normal(0, 0.05, (hours.size, 3)))
    values[7300:7792, 0] = -39.98                                             # a sensor stuck in midsummer
    values[[900, 4400, 9100, 12000], 1] += [9, -8, 11, 7]
    values[3000:3700, 2] += 6                                                 # a level that jumps and comes back
    values[13000:13010, 1] = -999
    result = talik.check(talik.Record("Invented logger", hours, depths, values))
    return save(result.plot().figure, folder / "series_flags")


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
