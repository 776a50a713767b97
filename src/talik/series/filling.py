"""Short gaps filled, only when asked: marked, and with the uncertainty the filling adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from talik.errors import UsageError
from talik.kernels.gaps import Filled, Floats, fill_linear, fill_regression


@dataclass(frozen=True, slots=True)
class Filling:
    """
    Which gaps of daily means may be filled.

    Parameters
    ----------
    linear_days : int
        Gaps up to this many days are bridged by a straight line; 0 for none.
    regression_days : int
        Longer gaps, up to this many days, are filled by regression on the column (another depth, or another
        sensor of the record) that is best correlated over the 90 days on either side; 0 for none.

    Raises
    ------
    UsageError
        If a number of days is negative.

    References
    ----------
    Staub et al. (2017), Permafrost and Periglacial Processes 28, 275-285, doi:10.1002/ppp.1913: up to 3 to 5 days
    a straight line does as well as anything.
    """

    linear_days: int = 5
    regression_days: int = 0

    def __post_init__(self) -> None:
        if self.linear_days < 0 or self.regression_days < 0:
            raise UsageError(f"filling: days must not be negative, got {self.linear_days} and {self.regression_days}")

    def fill(self, grid: Floats) -> Filled:
        """
        Daily means with their gaps filled, which days were, and the variance of each gap's sum.

        Parameters
        ----------
        grid : ndarray, shape (days, m)
            Daily means [°C]; NaN where missing.
        """
        line = fill_linear(grid, self.linear_days)
        if not self.regression_days:
            return line
        # neighbours are read as measured, so that nothing is filled from something filled
        regressed = fill_regression(grid, self.regression_days)
        taken = regressed.filled & ~line.filled
        return Filled(np.where(taken, regressed.grid, line.grid), line.filled | taken,
                      line.gap_variance + np.where(taken, regressed.gap_variance, 0.0))
