"""Offsets and temperatures by sub-region, with 95 % cluster-bootstrap intervals."""

import sys
from pathlib import Path

import talik
from talik.figures.canvas import save
from talik.figures.regions import regional_forest


def main(folder: Path) -> list[Path]:
    """All five quantities side by side, and the surface offset alone in one column."""
    summary = talik.describe(talik.sites("three-poles"), by="subregion").to_frame()
    alone = regional_forest(summary, variables=["surface_offset"])
    return [*save(regional_forest(summary), folder / "regional_forest"),
            *save(alone, folder / "regional_forest_surface_offset")]


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
