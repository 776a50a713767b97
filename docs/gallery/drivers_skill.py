"""Skill of five models under three ways of holding sites out, and predicted against observed, on the bundled study."""

import sys
from pathlib import Path

import talik
from talik.figures.canvas import save
from talik.figures.skill import observed


def main(folder: Path, *, n_null: int = 9) -> list[Path]:
    """Elevation and active layer thickness are what the three-poles table holds: they do not beat a region's mean."""
    skill = talik.model_skill(talik.sites("three-poles"), "surface_offset", ["elevation", "alt"], n_null=n_null)
    return [*save(skill.plot().get_figure(), folder / "drivers_skill"),
            *save(observed(skill.predictions), folder / "drivers_observed")]


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
