"""Drivers of an offset ranked with intervals over what chance gives: strong drivers, and none, planted on purpose."""

import sys
from pathlib import Path

import talik
from talik.analysis.planted import planted_drivers
from talik.figures.canvas import save
from talik.figures.drivers import ranking


def main(folder: Path, *, refits: int = 200, n_null: int = 39) -> list[Path]:
    """Sixteen predictors with long names; groups of predictors with the band of spatial surrogates."""
    written = []
    for signal, planted in (("strong", "strong planted drivers"), ("none", "no planted driver")):
        sites = planted_drivers(signal, seed=4)
        ranks = talik.rank_drivers(sites, "surface_offset", refits=refits)
        null = talik.importance_null(sites, "surface_offset", n_null=n_null, refits=5).to_frame()
        said = f"Surface offset, {planted}: {ranks.verdict}"
        written += save(ranks.plot(verdict=said).get_figure(), folder / f"drivers_ranking_{signal}")
        written += save(ranking(ranks.groups, null=null, verdict=said).get_figure(),
                        folder / f"drivers_groups_{signal}")
    return written


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
