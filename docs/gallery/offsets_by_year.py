"""Surface and thermal offset of a site year by year, with uncertainties and the mean over the years."""

import sys
from pathlib import Path

import numpy as np

import talik
from talik.figures.canvas import save


def main(folder: Path) -> list[Path]:
    """Invented, so that the script runs anywhere; put the records of `talik.read` in its place."""
    rng = np.random.default_rng(4)
    days = np.arange(np.datetime64("2008-01-01"), np.datetime64("2024-01-01"))
    wave = np.cos(2 * np.pi * (days.astype(int) - 200) / 365.25)
    middles = days[::365]                                                     # years differ, without a jump at new year
    snow, air = (np.interp(days.astype(int), middles.astype(int), rng.normal(m, 1.2, middles.size)) for m in (4.5, -9))
    values = np.column_stack([air + 18 * wave, air + snow + 11 * wave, air + snow - 0.3 - 0.12 * snow + 2.5 * wave])
    values[3000:3060, 1] = np.nan                                             # that year has no offset
    record = talik.Record("Invented site", days, [-2.0, 0.0, 1.2], values)
    return save(talik.annual_offsets(record, depth=1.2).plot().figure, folder / "offsets_by_year")


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
