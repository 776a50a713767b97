"""State profiles of the three poles: MAAT, MAGST and TTOP against height and depth."""

import sys
from pathlib import Path

import talik
from talik.figures.canvas import save
from talik.figures.profiles import state_profiles


def main(folder: Path) -> list[Path]:
    """Every site thin, the regional mean bold."""
    sites = talik.sites("three-poles")
    summary = talik.describe(sites, by="region").to_frame()
    return save(state_profiles(sites, summary), folder / "state_profiles")


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
