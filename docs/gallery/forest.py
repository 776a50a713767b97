"""Forest plots of a generated study with planted slopes: two poles, fourteen groups, one prediction interval."""

import sys
from pathlib import Path

import numpy as np

from talik.analysis.meta import pool
from talik.analysis.pooled import Pooled
from talik.figures.canvas import save
from talik.figures.forest import forest

VEGETATION = ("Forest", "Shrub", "Tundra", "Grassland", "Wetland/Swamp meadow", "No vegetation", "Shrub, ice-rich silt")
PLANTED = {"Arctic": -0.55, "Third Pole": -0.15}


def generated() -> Pooled:
    """Fourteen groups' slopes: a planted mean per pole, 0.15 of scatter between groups, errors by group size."""
    rng = np.random.default_rng(2025)
    effect, se, labels, region = [], [], [], []
    for name, mean in PLANTED.items():
        for vegetation in VEGETATION:
            error = 0.9 / np.sqrt(rng.integers(5, 40))
            effect.append(mean + rng.normal(0, 0.15) + rng.normal(0, error))
            se.append(error)
            labels.append(vegetation)
            region.append(name)
    return pool(effect, se, labels=labels, subgroup=region, ci="HK_ci")


def main(folder: Path) -> list[Path]:
    """Write the figure into `folder`."""
    ax = forest(generated().to_frame(), xlabel="Slope of surface offset on snow (°C per SD), generated")
    return save(ax.figure, folder / "forest")


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
