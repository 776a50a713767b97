"""Bayesian pooling as a cross-check: flat prior for the mean, half-normal for tau, no sampling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from talik.analysis.effects import check_level
from talik.analysis.pooled import Interval, Pooled
from talik.errors import DataError, UsageError
from talik.kernels.normal_normal import posterior
from talik.kernels.studies import standardised
from talik.results import Result


@dataclass(frozen=True, slots=True)
class BayesPooled(Result):
    """
    Posterior of a normal-normal random-effects model.

    Parameters
    ----------
    mean, sd, median : float
        Of the pooled mean.
    interval : tuple of float
        Equal-tailed, for the mean.
    tau, tau_median : float
        Posterior mean and median of tau.
    tau_interval, prediction : tuple of float
        Equal-tailed, for tau and for the true effect of a new study.
    k : int
        Studies used.
    settings, data_hash
        What was asked; sha256 of the rows.
    """

    mean: float
    sd: float
    median: float
    interval: Interval
    tau: float
    tau_median: float
    tau_interval: Interval
    prediction: Interval
    k: int
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row per quantity: mean, tau and a new study's effect."""
        return pl.DataFrame({
            "quantity": ["mean", "tau", "prediction"], "estimate": [self.mean, self.tau, self.median],
            "low": [self.interval[0], self.tau_interval[0], self.prediction[0]],
            "high": [self.interval[1], self.tau_interval[1], self.prediction[1]]})

    def __str__(self) -> str:
        return (f"Posterior mean {self.mean:.3g} [{self.interval[0]:.3g}, {self.interval[1]:.3g}], "
                f"tau {self.tau_median:.3g} [{self.tau_interval[0]:.3g}, {self.tau_interval[1]:.3g}], k = {self.k}, "
                f"half-normal prior of scale {self.settings['prior_scale']:g}.")


def bayes_pool(pooled: Pooled, *, prior_scale: float) -> BayesPooled:
    """
    Posterior under a half-normal prior for tau, on a grid.

    Parameters
    ----------
    pooled : Pooled
        The studies and the level.
    prior_scale : float
        Scale of the half-normal, in the effects' unit: a tau beyond twice this is held to be unlikely. There is no
        default, because it is a statement about the effects at hand.

    Raises
    ------
    DataError
        If there is no study.
    UsageError
        If the scale is not positive.

    References
    ----------
    Röver (2020), J. Stat. Softw. 93(6), doi:10.18637/jss.v093.i06.

    Examples
    --------
    >>> from talik.analysis.meta import pool
    >>> print(bayes_pool(pool([0.1, 0.3, 0.9], [0.1, 0.2, 0.1]), prior_scale=0.5))
    Posterior mean 0.44 [-0.214, 1.09], tau 0.446 [0.197, 1.02], k = 3, half-normal prior of scale 0.5.
    """
    if not prior_scale > 0:
        raise UsageError(f"prior_scale: got {prior_scale!r}, expected a positive number in the effects' unit")
    level = pooled.settings["level"]
    check_level(level)
    used = pooled.studies.filter(pl.col("reason").is_null())
    if not used.height:
        raise DataError("bayes_pool: there is no study")
    found = posterior(standardised(used["effect"].to_numpy()[None], used["se"].to_numpy()[None]), prior_scale, level)
    low, middle, high = (float(x) for x in found.mean_quantiles)
    tau_low, tau_middle, tau_high = (float(x) for x in found.tau_quantiles)
    return BayesPooled(found.mean, found.sd, middle, (low, high), found.tau_mean, tau_middle, (tau_low, tau_high),
                       (float(found.prediction_quantiles[0]), float(found.prediction_quantiles[2])), used.height,
                       {"prior_scale": prior_scale, "level": level}, pooled.data_hash)
