"""Plots that question a meta-analysis: funnel with trim and fill, Baujat, leave-one-out; on generated effects."""

import sys
from pathlib import Path

import numpy as np

from talik.analysis.meta import pool
from talik.analysis.publication_bias import trim_and_fill
from talik.analysis.sensitivity import influence, leave_one_out
from talik.figures.canvas import save


def main(folder: Path) -> list[Path]:
    """Write the figures into `folder`."""
    rng = np.random.default_rng(11)
    se = rng.uniform(0.05, 0.5, 24)
    effect = -0.2 + rng.normal(0, 0.08, 24) + rng.normal(0, se)
    seen = effect / se < 0.3  # studies that found a rise stayed in the drawer
    p = pool(effect[seen], se[seen], labels=[f"Group {i + 1}" for i in np.flatnonzero(seen)])
    unit = "Slope (°C per SD), generated"
    written = save(trim_and_fill(p).plot(xlabel=unit).figure, folder / "funnel")
    written += save(influence(p).plot().figure, folder / "baujat")
    return written + save(leave_one_out(p).plot(xlabel=unit).figure, folder / "leave_one_out")


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
