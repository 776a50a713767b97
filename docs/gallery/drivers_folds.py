"""Which sites are held out together: clusters, and folds that copy the distances to the places of prediction."""

import sys
from pathlib import Path

import numpy as np

import talik
from talik.figures.canvas import save


def main(folder: Path) -> list[Path]:
    """The sites of three-poles; predictions are wanted anywhere poleward of 55 degrees north."""
    sites = talik.sites("three-poles").drop("cluster")
    rng = np.random.default_rng(1)
    anywhere = {"latitude": np.degrees(np.arcsin(rng.uniform(np.sin(np.radians(55)), 1, 1000))),
                "longitude": rng.uniform(-180, 180, 1000)}
    arctic = sites.filter(region="Arctic")
    return [*save(talik.spatial_folds(sites, "cluster").plot(), folder / "drivers_folds_cluster"),
            *save(talik.spatial_folds(arctic, "knndm", k=5, targets=anywhere).plot(), folder / "drivers_folds_knndm")]


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
