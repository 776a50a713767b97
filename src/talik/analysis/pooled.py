"""What pooling hands back: one meta-analysis (`Pooled`), the test between its subgroups, or many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.results import Result

if TYPE_CHECKING:
    from talik.analysis.meta_regression import Regression

Interval = tuple[float, float]
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Between:
    """
    Test between subgroups: do their means differ?

    Parameters
    ----------
    q, df, p : float
        Random-effects Q over the subgroup means, its degrees of freedom (subgroups with data less 1), chi-square p.
    q_common, p_common : float
        The same with common-effect means.
    q_within : float
        Q left within the subgroups.
    tau2 : float
        The tau² shared by all subgroups; NaN when each has its own.
    """

    q: float
    df: int
    p: float
    q_common: float
    p_common: float
    q_within: float
    tau2: float


@dataclass(frozen=True, slots=True, eq=False)
class Pooled(Result):
    """
    A random-effects meta-analysis of k studies.

    Parameters
    ----------
    mean, se, interval, statistic, p, interval_df
        Pooled mean, its standard error by the chosen method, interval, test against 0; infinite df means normal.
    k : int
        Studies used.
    tau2, tau2_se, tau2_interval, modes
        Between-study variance; local maxima of its likelihood (more than 1: look at `leave_one_out`).
    q, df, q_p, h, h_interval, i2, i2_interval
        Cochran's Q; H and I² from it, as a fraction.
    i2_tau2 : float
        The other I², tau² over tau² plus the typical sampling variance, as a fraction.
    prediction, prediction_se, prediction_df
        Interval for the true effect of a new study.
    common_mean, common_se, common_interval
        Common-effect (tau² = 0) mean.
    weights : ndarray, one per row given
        Shares of the studies in the mean; NaN where a row is left out.
    studies : polars.DataFrame
        The rows given, with interval, weights and, where left out, `reason`.
    subgroups : mapping of str to Pooled
    between : Between or None
    regression : Regression or None
    status : str
        "pooled", "one study" or "no study".
    reasons : mapping of str to str
        For every field that is NaN: why.
    settings, data_hash
        What was asked; sha256 of the rows.
    """

    figure: ClassVar[str] = "talik.figures.forest:forest"
    mean: float
    se: float
    interval: Interval
    statistic: float
    p: float
    interval_df: float
    k: int
    tau2: float
    tau2_se: float
    tau2_interval: Interval
    modes: int
    q: float
    df: int
    q_p: float
    h: float
    h_interval: Interval
    i2: float
    i2_interval: Interval
    i2_tau2: float
    prediction: Interval
    prediction_se: float
    prediction_df: float
    common_mean: float
    common_se: float
    common_interval: Interval
    weights: Array = field(repr=False)
    studies: pl.DataFrame = field(repr=False)
    subgroups: Mapping[str, Pooled] = field(repr=False)
    between: Between | None
    regression: Regression | None = field(repr=False)
    status: str
    reasons: Mapping[str, str]
    settings: Mapping[str, Any]
    data_hash: str

    @property
    def tau(self) -> float:
        """Between-study standard deviation, in the effects' unit."""
        return float(np.sqrt(self.tau2))

    def to_frame(self) -> pl.DataFrame:
        """
        One row per square or diamond of the forest plot: studies (by subgroup), each subgroup's mean, the overall mean.

        `kind` says which; weights are fractions of the overall mean; heterogeneity and prediction stand on the means.
        """
        rows: list[dict[str, Any]] = []
        for name, group in self.subgroups.items():
            rows += _study_rows(self.studies.filter(pl.col("subgroup") == name))
            share = self.studies.filter(pl.col("subgroup") == name)["weight"].sum()
            rows.append(_mean_row(group, "subgroup", name, float(share)))
        if not self.subgroups:
            rows += _study_rows(self.studies)
        rows.append(_mean_row(self, "overall", None, 1.0 if self.k else float("nan")))
        return pl.DataFrame(rows, schema=_SCHEMA).with_columns(pl.col(pl.Float64).fill_nan(None))

    def __str__(self) -> str:
        left = len(self.studies) - self.k
        out = f" {left} of {len(self.studies)} rows left out (see `studies`)." if left else ""
        if self.status == "no study":
            return f"No study can be pooled.{out}"
        percent = f"{self.settings['level']:.0%}".replace("%", " %")
        text = (f"Pooled mean {_range(self.mean, self.interval)} ({percent} interval, {self.settings['ci']}), "
                f"k = {self.k}")
        if self.status == "one study":
            return f"{text}: one study, no heterogeneity to speak of.{out}"
        text += (f"; tau² = {_range(self.tau2, self.tau2_interval)} ({self.settings['tau2']}), "
                 f"I² = {100 * self.i2:.0f} %, Q = {self.q:.2f} (df = {self.df}, p = {self.q_p:.2g})")
        if np.isfinite(self.prediction[0]):
            low, high = self.prediction
            text += f"; a new study's true effect lies in [{low:.3g}, {high:.3g}] ({self.settings['prediction']})"
        if self.between is not None and self.between.df > 0:
            text += f"; between subgroups Q = {self.between.q:.2f} (df = {self.between.df}, p = {self.between.p:.2g})"
        several = f" The likelihood of tau² has {self.modes} maxima; the highest is taken." if self.modes > 1 else ""
        return f"{text}.{several}{out}"


_SCHEMA: dict[str, Any] = {
    "kind": pl.String, "label": pl.String, "subgroup": pl.String, "k": pl.Int64, "effect": pl.Float64, "se": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "weight": pl.Float64, "p": pl.Float64, "tau2": pl.Float64,
    "tau2_low": pl.Float64, "tau2_high": pl.Float64, "q": pl.Float64, "df": pl.Int64, "q_p": pl.Float64,
    "i2": pl.Float64, "i2_low": pl.Float64, "i2_high": pl.Float64, "prediction_low": pl.Float64,
    "prediction_high": pl.Float64, "between_q": pl.Float64, "between_df": pl.Int64, "between_p": pl.Float64,
    "level": pl.Float64, "reason": pl.String,
}


def _study_rows(studies: pl.DataFrame) -> list[dict[str, Any]]:
    return [{"kind": "study", "k": 1 if row["reason"] is None else 0, **row} for row in studies.select(
        "label", "subgroup", "effect", "se", "low", "high", "weight", "reason").to_dicts()]


def _mean_row(pooled: Pooled, kind: str, name: str | None, share: float) -> dict[str, Any]:
    between = pooled.between
    return {
        "kind": kind, "label": name or "Overall", "subgroup": name, "k": pooled.k, "effect": pooled.mean,
        "se": pooled.se, "low": pooled.interval[0], "high": pooled.interval[1], "weight": share, "p": pooled.p,
        "tau2": pooled.tau2, "tau2_low": pooled.tau2_interval[0], "tau2_high": pooled.tau2_interval[1],
        "q": pooled.q, "df": pooled.df, "q_p": pooled.q_p, "i2": pooled.i2, "i2_low": pooled.i2_interval[0],
        "i2_high": pooled.i2_interval[1], "prediction_low": pooled.prediction[0],
        "prediction_high": pooled.prediction[1], "between_q": between.q if between else None,
        "between_df": between.df if between else None, "between_p": between.p if between else None,
        "level": pooled.settings["level"],
        "reason": "; ".join(f"{name}: {why}" for name, why in pooled.reasons.items()) or None,
    }


def _range(value: float, interval: Interval) -> str:
    if not np.isfinite(interval).all():
        return f"{value:.3g}"
    return f"{value:.3g} [{interval[0]:.3g}, {interval[1]:.3g}]"


@dataclass(frozen=True, slots=True, eq=False)
class PooledMany(Result):
    """
    Many meta-analyses at once, as arrays of length B.

    Parameters
    ----------
    mean, se, low, high, tau2, q, q_p, i2, h : ndarray, shape (B,)
        As in `Pooled`; NaN where `k` is too small (0 for the mean, 1 for tau², I² and H).
    k : ndarray of int, shape (B,)
        Studies used.
    modes : ndarray of int, shape (B,)
        Local maxima of the likelihood of tau²; 0 where there is no tau².
    settings, data_hash
        What was asked; sha256 of the arrays.
    """

    mean: Array
    se: Array
    low: Array
    high: Array
    tau2: Array
    q: Array
    q_p: Array
    i2: Array
    h: Array
    k: NDArray[np.int64]
    modes: NDArray[np.int64]
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row per meta-analysis; null with its `reason` where there is no number."""
        names = ("k", "mean", "se", "low", "high", "tau2", "q", "q_p", "i2", "h", "modes")
        return pl.DataFrame({name: getattr(self, name) for name in names}).with_columns(
            pl.col(pl.Float64).fill_nan(None),
            reason=pl.when(pl.col("k") == 0).then(pl.lit("no study")).when(pl.col("k") == 1).then(pl.lit("one study")))

    def __str__(self) -> str:
        few = int((self.k < 2).sum())
        return (f"{self.k.size} meta-analyses of {self.k.min(initial=0)} to {self.k.max(initial=0)} studies "
                f"({self.settings['tau2']}, {self.settings['ci']}), {few} of them with fewer than two.")
