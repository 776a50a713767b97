"""Pooled slopes under random signs: one true slope in every group, and what arbitrary signs make of it."""

from pathlib import Path

import numpy as np
import polars as pl

import talik
from talik.analysis.slope_checks import random_signs
from talik.figures.canvas import save
from talik.figures.signs import sign_sensitivity


def planted(sizes=(20, 15, 12, 10, 9, 8, 8, 7), slope=-1.0, seed=1) -> pl.DataFrame:
    """Sites in groups whose surface offset falls by `slope` per standard deviation of one latent snow factor."""
    rng = np.random.default_rng(seed)
    groups = []
    for number, size in enumerate(sizes):
        latent = rng.normal(size=size)
        groups.append(pl.DataFrame({
            "region": ["Arctic" if number % 2 else "Third Pole"] * size, "vegetation": [f"class {number // 2}"] * size,
            **{name: latent + 0.4 * rng.normal(size=size) for name in ("snow_depth", "snow_density", "snow_cover")},
            "surface_offset": 3.0 + slope * latent + 0.6 * rng.normal(size=size)}))
    return pl.concat(groups)


def main(folder: Path) -> list[Path]:
    """Draw the figure into a folder."""
    found = talik.group_slopes(planted(), "surface_offset", ["snow_depth", "snow_density", "snow_cover"],
                               profile="liu2025")
    ax = sign_sensitivity(random_signs(found.slopes), pinned=found.pooled.mean,
                          xlabel="Pooled slope of SO (°C per unit of PC1)")
    return [path for path in save(ax.figure, folder / "signs") if path.suffix == ".png"]


if __name__ == "__main__":
    print(*main(Path.cwd()), sep="\n")
