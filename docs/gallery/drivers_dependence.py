"""How the contribution of a predictor follows its value at sites that the refits did not see, by region."""

import sys
from pathlib import Path

import talik
from talik.analysis.drivers import dependence
from talik.analysis.planted import planted_drivers
from talik.figures import drivers
from talik.figures.canvas import DOUBLE, figure, panel_letter, save, style


def main(folder: Path, *, refits: int = 200) -> list[Path]:
    """A driver that saturates beside a predictor that does nothing."""
    ranks = talik.rank_drivers(planted_drivers("strong", seed=4), "surface_offset", refits=refits)
    fig = figure(DOUBLE, 70.0)
    with style():
        panels = fig.subplots(1, 2)
    for letter, ax, name in zip("ab", panels, ("snow_depth", "albedo"), strict=True):
        drivers.dependence(dependence(ranks, name), ax)
        panel_letter(ax, letter)
    return save(fig, folder / "drivers_dependence")


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
