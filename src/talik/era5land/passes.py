"""What one pass over a grid makes: which quantities, of which years, and how their amounts accumulate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from talik.era5land.accumulations import How, decide, observed
from talik.era5land.climate import NEEDS_HOURLY, NO_FIELD, REASONS
from talik.era5land.fields import QUANTITIES, Quantity, quantities
from talik.era5land.grids import Grid, Layer
from talik.era5land.steps import Calendar, Years, calendar_of, steps_of, whole_years
from talik.era5land.tiles import Tile
from talik.errors import DataError, UsageError


class NothingToMake(DataError):
    """None of the wanted variables can be made from the fields of a grid."""


@dataclass(frozen=True, slots=True)
class Pass:
    """
    What one pass over a grid makes: the quantities, how their fields accumulate, the years, and what is lacking.

    Attributes
    ----------
    grid : Grid
        The source.
    years : tuple of int
        First and last year.
    quantities : mapping
        By catalogue name.
    accumulation : mapping of variable to str
        How each amount accumulates (see `accumulations.MEANING`).
    lacking : mapping of variable to int
        Wanted variables that cannot be made, with the code of the reason.
    """

    grid: Grid
    years: Years
    quantities: Mapping[str, Quantity]
    accumulation: Mapping[str, How]
    lacking: Mapping[str, int]

    def layers(self, variable: str) -> tuple[Layer, ...]:
        """The layers a variable is made from."""
        return tuple(self.grid.layers[short] for short in self.quantities[variable].fields)

    def calendar(self, variable: str) -> Calendar:
        """The complete calendar of a variable."""
        return calendar_of(self.layers(variable)[0], self.years, self.accumulation.get(variable))

    def tile(self, variable: str, rows: tuple[int, int], columns: tuple[int, int]) -> Tile:
        """A tile of a variable."""
        layers = self.layers(variable)
        steps = steps_of(layers[0], self.years, self.accumulation.get(variable))
        return Tile(self.quantities[variable], layers, steps, self.calendar(variable), rows, columns)


def plan_pass(grid: Grid, *, years: Years | None = None, variables: Iterable[str] | None = None,
              accumulation: str | None = None,
              transpiration: Literal["unswapped", "as_named"] = "unswapped") -> Pass:
    """
    What one pass over a grid can make of the wanted variables; see `reduce` for the arguments.

    Raises
    ------
    DataError
        If the years are not covered at all, or a declared accumulation or data set contradicts the values.
    AmbiguousFile
        If nothing tells how amounts accumulate.
    """
    wanted = list(QUANTITIES) if variables is None else list(dict.fromkeys(variables))
    made = quantities(grid.layers, wanted=wanted, transpiration=transpiration)
    lacking = {name: NO_FIELD for name in wanted if name not in made}
    for name, quantity in list(made.items()):
        layers = tuple(grid.layers[short] for short in quantity.fields)
        if quantity.kind == "speed":
            if any(layer.step != "hourly" for layer in layers):
                lacking[name] = NEEDS_HOURLY               # the mean of the vector is not the mean of its length
                del made[name]
            elif not all(np.array_equal(layer.times, layers[0].times) for layer in layers):
                raise DataError("u10 and v10 do not have the same times; give the same files for both")
    if not made:
        raise NothingToMake(f"none of the wanted variables can be made from {', '.join(grid.layers) or 'no field'}: "
                            + "; ".join(f"{name}: {REASONS[code]}" for name, code in lacking.items()))
    if years is not None and years[0] > years[1]:
        raise UsageError(f"years: {years[0]} is after {years[1]}")
    used = {short: grid.layers[short] for quantity in made.values() for short in quantity.fields}
    if grid.dataset.endswith("monthly-means") and any(layer.step != "monthly" for layer in used.values()):
        raise DataError(f"{grid.dataset}: several stamps a month. Monthly means by hour of the day, or another data "
                        "set? Take the product type monthly_averaged_reanalysis.")
    period = years or whole_years(tuple(used.values()))
    how = {name: _accumulation(grid, quantity.fields[0], accumulation) for name, quantity in made.items()
           if quantity.kind == "accumulation"}
    return Pass(grid, period, made, how, lacking)


def _accumulation(grid: Grid, short: str, asked: str | None) -> How:
    layer = grid.layers[short]
    shape = None
    if layer.step == "hourly" and layer.hours == 1.0:
        piece = layer.pieces[0]
        rows, columns = (min(size, 40) for size in grid.shape)
        top, left = (grid.shape[0] - rows) // 2, (grid.shape[1] - columns) // 2
        sample = layer.read(0, (slice(0, 480), slice(top, top + rows), slice(left, left + columns)))
        shape = observed(sample * layer.scale, piece.times[:480])
    return decide(short, grid.dataset, layer.step, shape=shape, asked=asked)  # type: ignore[arg-type]
