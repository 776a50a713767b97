"""Figure 5: what each driver contributes to the surface and to the thermal offset, by the published procedure."""

import sys
from pathlib import Path

import numpy as np
import polars as pl

from talik import attribute_drivers
from talik.figures.canvas import DOUBLE, figure, panel_letter, save, style
from talik.figures.violin import driver_violin
from talik.variables import ERA5LAND_TWELVE


def planted() -> tuple[pl.DataFrame, list[str]]:
    """117 invented sites with the publication's sixteen predictors; snow depth and moisture act, the rest does not."""
    rng = np.random.default_rng(5)
    names = [*ERA5LAND_TWELVE, "latitude", "longitude", "elevation", "alt"]
    table = pl.DataFrame({name: rng.gamma(3.0, 1.0, 117) for name in names})
    table = table.with_columns(alt=pl.when(pl.int_range(117) % 3 == 0).then(None).otherwise(pl.col("alt")))
    return table.with_columns(
        surface_offset=2 * np.tanh(table["snow_depth"].to_numpy() / 3) + rng.normal(1, 0.4, 117),
        thermal_offset=-0.3 * table["soil_water_3"] + rng.normal(0, 0.4, 117)), names


def main(folder: Path) -> list[Path]:
    """One figure of two panels at journal width, and one of a single panel."""
    table, names = planted()
    found = {response: attribute_drivers(table, response, names, seeds=2, seed=1)
             for response in ("thermal_offset", "surface_offset")}
    both = figure(DOUBLE, 150)
    with style():
        panels = both.subplots(1, 2)
    for letter, ax, result in zip("ab", panels, found.values(), strict=True):
        panel_letter(driver_violin(result.values, ax=ax, response=result.response), letter)
    alone = found["surface_offset"].plot()
    return [*save(both, folder / "violin_two_panels"), *save(alone.figure, folder / "violin")]


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
