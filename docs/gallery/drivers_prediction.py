"""Offsets at places without a station: intervals inside the area of applicability, none outside."""

import sys
from pathlib import Path

import talik
from talik.analysis.planted import planted_drivers
from talik.figures.canvas import save

NAMES = ["snow_depth", "soil_water_3", "wind_speed"]


def main(folder: Path) -> list[Path]:
    """Targets of another network; a fifth of them with twice the snow of any site."""
    sites, targets = planted_drivers("strong", seed=4), planted_drivers("strong", seed=5)[::3]
    deep = targets[::5].with_columns(targets[::5]["snow_depth"] + 0.8)
    targets = targets.vstack(deep)
    shown = talik.predict_offsets(sites, "surface_offset", targets, NAMES)
    area = talik.applicability(sites, targets, NAMES)
    return [*save(shown.plot().get_figure(), folder / "drivers_prediction"),
            *save(area.plot().get_figure(), folder / "drivers_applicability")]


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
