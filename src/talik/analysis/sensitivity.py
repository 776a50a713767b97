"""How much a pooled mean hangs on single studies: leave one out, influence, and one study after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.analysis.effects import values_of
from talik.analysis.pooled import Pooled
from talik.errors import DataError
from talik.kernels import heterogeneity as het
from talik.kernels.random_effects import Mean, mean_interval
from talik.kernels.studies import Studies, standardised
from talik.kernels.tau2 import Estimate, estimate
from talik.results import Result

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Repeated(Result):
    """
    The same meta-analysis over and over on parts of the studies.

    Parameters
    ----------
    table : polars.DataFrame
        One row per part: label, k, mean, se, low, high, p, tau2, q, i2, i2_tau2, modes, reason.
    overall : float
        The mean of all studies.
    settings, data_hash
        As in the `Pooled` it came from.
    """

    figure: ClassVar[str] = "talik.figures.funnel:leave_one_out"
    table: pl.DataFrame = field(repr=False)
    overall: float
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row per part, with the mean of all studies in `overall`."""
        return self.table.with_columns(overall=pl.lit(self.overall))

    def __str__(self) -> str:
        means = self.table["mean"].to_numpy()
        low, high = means.min(), means.max()
        return (f"{self.settings['what']} {self.table.height} times: the mean lies between {low:.3g} and {high:.3g} "
                f"(all studies: {self.overall:.3g}).")


@dataclass(frozen=True, slots=True, eq=False)
class Influence(Result):
    """
    What each study does to the meta-analysis.

    Parameters
    ----------
    table : polars.DataFrame
        One row per study: label, studentised deleted residual, dffits, cook_distance, covariance_ratio, tau2_deleted,
        q_deleted, hat, weight, dfbetas, and Baujat's pair q_contribution and mean_shift (both by common effect).
    settings, data_hash
        As in the `Pooled` it came from.
    """

    figure: ClassVar[str] = "talik.figures.funnel:baujat"
    table: pl.DataFrame = field(repr=False)
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row per study."""
        return self.table

    def __str__(self) -> str:
        top = self.table.sort("cook_distance", descending=True).row(0, named=True)
        return (f"Of {self.table.height} studies {top['label']} moves the mean most "
                f"(Cook's distance {top['cook_distance']:.2g}).")


def leave_one_out(pooled: Pooled) -> Repeated:
    """
    The meta-analysis without each study in turn.

    Raises
    ------
    DataError
        If there are fewer than two studies.

    Examples
    --------
    >>> from talik.analysis.meta import pool
    >>> leave_one_out(pool([0.1, 0.2, 1.0], [0.1, 0.1, 0.1])).table["mean"].round(2).to_list()
    [0.6, 0.55, 0.15]
    """
    labels, y, s = _used(pooled, 2)
    keep = ~np.eye(y.size, dtype=bool)
    return _repeated(pooled, labels, y, s, keep, "Left out one study")


def cumulative(pooled: Pooled, by: Sequence[float] | None = None) -> Repeated:
    """
    The meta-analysis of the first study, the first two, and so on.

    Parameters
    ----------
    pooled : Pooled
        All of them.
    by : sequence of float, one per row given to `pool`, optional
        Order (a year, a standard error); the order given when None.

    Raises
    ------
    DataError
        If there is no study, or `by` has another length or a missing value.

    Examples
    --------
    >>> from talik.analysis.meta import pool
    >>> cumulative(pool([0.1, 0.2, 1.0], [0.1, 0.1, 0.1]), by=[3, 2, 1]).table["label"].to_list()
    ['3', '2', '1']
    """
    labels, y, s = _used(pooled, 1)
    order = np.arange(y.size)
    if by is not None:
        key = values_of(by, "by")
        if key.size != len(pooled.studies):
            raise DataError(f"by: got {key.size} values, expected {len(pooled.studies)}, one for each row")
        key = key[pooled.studies["reason"].is_null().to_numpy()]
        if np.isnan(key).any():
            raise DataError(f"by: {int(np.isnan(key).sum())} studies have no value to be ordered by")
        order = np.argsort(key, kind="stable")
    keep = np.tri(y.size, dtype=bool)
    return _repeated(pooled, [labels[i] for i in order], y[order], s[order], keep, "Added one study after another")


def _used(pooled: Pooled, least: int) -> tuple[list[str], Array, Array]:
    used = pooled.studies.filter(pl.col("reason").is_null())
    if used.height < least:
        raise DataError(f"needs at least {least} stud{'y' if least == 1 else 'ies'}, got {used.height}")
    return used["label"].to_list(), used["effect"].to_numpy(), used["se"].to_numpy()


def _fits(y: Array, s: Array, keep: NDArray[np.bool_],
          settings: Mapping[str, Any]) -> tuple[Studies, Array, Estimate, Mean]:
    studies = standardised(np.where(keep, y, np.nan), np.broadcast_to(s, keep.shape))
    found = estimate(studies, settings["tau2"]) if isinstance(settings["tau2"], str) else Estimate(
        settings["tau2"] / studies.scale**2, np.full(len(keep), np.nan), np.ones(len(keep), dtype=np.int64))
    dl = estimate(studies, "DL").tau2
    return studies, studies.scale**2, found, mean_interval(studies, found.tau2, settings["ci"], settings["level"], dl)


def _repeated(pooled: Pooled, labels: list[str], y: Array, s: Array, keep: NDArray[np.bool_], what: str) -> Repeated:
    studies, unit, found, mean = _fits(y, s, keep, pooled.settings)
    h = het.heterogeneity(het.cochran_q(studies), studies.k, pooled.settings["level"])
    several = studies.k > 1
    share = np.full(y.size, np.nan)
    share[several] = het.tau2_share(studies.take(np.flatnonzero(several)), found.tau2[several])
    table = pl.DataFrame({
        "label": labels, "k": studies.k.astype(np.int64), "mean": mean.mean, "se": mean.se, "low": mean.low,
        "high": mean.high, "p": mean.p, "tau2": found.tau2 * unit, "q": h.q, "i2": h.i2, "i2_tau2": share,
        "modes": found.modes,
    }).with_columns(pl.col(pl.Float64).fill_nan(None), reason=pl.when(pl.col("k") < 2).then(pl.lit("one study")))
    return Repeated(table, pooled.mean, {**pooled.settings, "what": what}, pooled.data_hash)


def influence(pooled: Pooled) -> Influence:
    """
    Residuals, distances and ratios without each study in turn.

    Raises
    ------
    DataError
        If there are fewer than three studies.

    References
    ----------
    Viechtbauer & Cheung (2010), Res. Synth. Methods 1, 112-125, doi:10.1002/jrsm.11;
    Baujat et al. (2002), Stat. Med. 21, 2641-2652, doi:10.1002/sim.1221.

    Examples
    --------
    >>> from talik.analysis.meta import pool
    >>> print(influence(pool([0.1, 0.2, 1.0], [0.1, 0.1, 0.1])))
    Of 3 studies 3 moves the mean most (Cook's distance 0.99).
    """
    labels, y, s = _used(pooled, 3)
    settings = {**pooled.settings, "ci": "classic"}
    k = y.size
    every = np.ones((1, k), dtype=bool)
    _, unit, found, full = _fits(y, s, every, settings)
    _, units, deleted, without = _fits(y, s, ~np.eye(k, dtype=bool), settings)
    tau2, tau2_without = float(found.tau2[0] * unit[0]), deleted.tau2 * units
    spread = np.hypot(s, np.sqrt(tau2))
    hat = (spread.min() / spread) ** 2
    hat /= hat.sum()
    shift = full.mean[0] - without.mean
    total = np.hypot(s, np.sqrt(tau2_without)[:, None])
    all_se = total.min(1) / np.sqrt(((total.min(1)[:, None] / total) ** 2).sum(1))
    q = het.cochran_q(standardised(np.where(np.eye(k, dtype=bool), np.nan, y), np.broadcast_to(s, (k, k))))
    common = _fits(y, s, every, {**settings, "tau2": 0.0})[3]
    common_without = _fits(y, s, ~np.eye(k, dtype=bool), {**settings, "tau2": 0.0})[3]
    table = pl.DataFrame({
        "label": labels, "studentised_residual": (y - without.mean) / np.sqrt(s**2 + tau2_without + without.se**2),
        "dffits": shift / np.sqrt(hat * (s**2 + tau2_without)), "cook_distance": (shift / full.se[0]) ** 2,
        "covariance_ratio": (without.se / full.se[0]) ** 2, "tau2_deleted": tau2_without, "q_deleted": q, "hat": hat,
        "weight": hat, "dfbetas": shift / all_se, "q_contribution": ((y - common.mean[0]) / s) ** 2,
        "mean_shift": ((common.mean[0] - common_without.mean) / common_without.se) ** 2,
    })
    return Influence(table, dict(pooled.settings), pooled.data_hash)
