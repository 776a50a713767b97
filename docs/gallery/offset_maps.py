"""Maps of the surface and the thermal offset: colour is the value, size the magnitude, shape the sign."""

import sys
from pathlib import Path

import polars as pl

import talik
from talik.figures.canvas import save
from talik.figures.maps import offset_map


def main(folder: Path) -> list[Path]:
    """The three poles, and one sub-region alone: the view follows the sites."""
    sites = talik.sites("three-poles")
    alaska = sites.filter(pl.col("subregion") == "Alaska")
    return [*save(offset_map(sites, "surface_offset"), folder / "map_surface_offset"),
            *save(offset_map(sites, "thermal_offset"), folder / "map_thermal_offset"),
            *save(offset_map(alaska, "surface_offset"), folder / "map_alaska")]


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
