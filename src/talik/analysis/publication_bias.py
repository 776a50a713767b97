"""Small-study effects: tests for a lopsided funnel, and what the mean would be if it were filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.analysis.effects import one_of
from talik.analysis.meta import pool
from talik.analysis.pooled import Pooled
from talik.errors import DataError
from talik.kernels import small_study
from talik.results import Result

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AsymmetryTest(Result):
    """
    A test for asymmetry of the funnel.

    Parameters
    ----------
    name : str
        "Egger" or "Begg".
    estimate, se, statistic, df, p : float
        Egger: the intercept, t with k - 2; Begg: Kendall's score, normal (df infinite).
    k : int
        Studies used. With fewer than ten the tests find little.
    reason : str
        Why there is no statistic, where it is NaN.
    settings, data_hash
        What was asked; sha256 of the rows.
    """

    name: str
    estimate: float
    se: float
    statistic: float
    df: float
    p: float
    k: int
    reason: str
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row."""
        names = ("name", "estimate", "se", "statistic", "df", "p", "k", "reason")
        return pl.DataFrame({name: [getattr(self, name)] for name in names}).with_columns(
            pl.col(pl.Float64).fill_nan(None))

    def __str__(self) -> str:
        if self.reason:
            return f"{self.name}'s test has no result: {self.reason}."
        few = " With fewer than 10 studies it finds little." if self.k < 10 else ""
        return f"{self.name}'s test: {self.estimate:.3g} (se {self.se:.3g}), p = {self.p:.2g}, k = {self.k}.{few}"


@dataclass(frozen=True, slots=True, eq=False)
class TrimAndFill(Result):
    """
    The meta-analysis with studies put in where the funnel looks empty.

    Parameters
    ----------
    missing : int
        Studies put in.
    side : str
        Where: "left" or "right".
    mean_before : float
        The mean without them.
    filled : Pooled
        The meta-analysis with them.
    settings, data_hash
        What was asked; sha256 of the rows.
    """

    figure: ClassVar[str] = "talik.figures.funnel:funnel"
    missing: int
    side: str
    mean_before: float
    filled: Pooled = field(repr=False)
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """The rows of `filled`, with `is_filled` for the studies put in."""
        frame = self.filled.to_frame()
        count = self.filled.k - self.missing
        return frame.with_columns(is_filled=(pl.int_range(pl.len()) >= count) & (pl.col("kind") == "study"))

    def __str__(self) -> str:
        s = "y" if self.missing == 1 else "ies"
        return (f"Trim and fill puts in {self.missing} stud{s} on the {self.side}: the mean goes from "
                f"{self.mean_before:.3g} to {self.filled.mean:.3g}.")


def egger(pooled: Pooled) -> AsymmetryTest:
    """
    Egger's regression test for asymmetry of the funnel.

    Raises
    ------
    DataError
        If there are fewer than three studies.

    References
    ----------
    Egger et al. (1997), doi:10.1136/bmj.315.7109.629.

    Examples
    --------
    >>> from talik.analysis.meta import pool
    >>> print(egger(pool([0.1, 0.2, 0.4, 0.7], [0.1, 0.11, 0.2, 0.3])))
    Egger's test: 2.84 (se 0.46), p = 0.025, k = 4. With fewer than 10 studies it finds little.
    """
    return _test("Egger", pooled)


def begg(pooled: Pooled) -> AsymmetryTest:
    """
    Begg and Mazumdar's rank test for asymmetry of the funnel.

    Raises
    ------
    DataError
        If there are fewer than three studies.

    References
    ----------
    Begg & Mazumdar (1994), doi:10.2307/2533446.

    Examples
    --------
    >>> from talik.analysis.meta import pool
    >>> begg(pool([0.1, 0.2, 0.4, 0.7], [0.1, 0.11, 0.2, 0.3])).estimate
    6.0
    """
    return _test("Begg", pooled)


def _test(name: str, pooled: Pooled) -> AsymmetryTest:
    y, s = _used(pooled)
    result = (small_study.egger if name == "Egger" else small_study.begg)(y, s)
    return AsymmetryTest(name=name, k=y.size, settings={"test": name}, data_hash=pooled.data_hash, **result._asdict())


def _used(pooled: Pooled) -> tuple[Array, Array]:
    used = pooled.studies.filter(pl.col("reason").is_null())
    if used.height < 3:
        raise DataError(f"a funnel needs at least 3 studies, got {used.height}")
    return used["effect"].to_numpy(), used["se"].to_numpy()


def trim_and_fill(pooled: Pooled, *, side: Literal["auto", "left", "right"] = "auto",
                  estimator: Literal["L0", "R0"] = "L0", model: Literal["common", "random"] = "common") -> TrimAndFill:
    """
    Duval and Tweedie's trim and fill: a sensitivity analysis, not a correction.

    Parameters
    ----------
    pooled : Pooled
        The meta-analysis.
    side : {"auto", "left", "right"}
        Where studies may be missing; "auto" follows the sign of Egger's estimate.
    estimator : {"L0", "R0"}
        Of their number.
    model : {"common", "random"}
        How means are taken, while trimming and in the end: with tau² = 0, or as `pooled` did.

    Raises
    ------
    DataError
        If there are fewer than three studies.
    UsageError
        If a choice does not exist.

    References
    ----------
    Duval & Tweedie (2000), doi:10.1111/j.0006-341X.2000.00455.x.

    Examples
    --------
    >>> from talik.analysis.meta import pool
    >>> print(trim_and_fill(pool([0.1, 0.12, 0.3, 0.5, 0.9], [0.1, 0.1, 0.2, 0.3, 0.4])))
    Trim and fill puts in 2 studies on the left: the mean goes from 0.168 to 0.131.
    """
    one_of("side", side, ("auto", "left", "right"))
    one_of("estimator", estimator, ("L0", "R0"))
    one_of("model", model, ("common", "random"))
    y, s = _used(pooled)
    tau2 = 0.0 if model == "common" else pooled.settings["tau2"]
    if side == "auto":
        side = "left" if small_study.egger(y, s).estimate >= 0 else "right"
    count, centre = small_study.missing_studies(y, s, side=side, estimator=estimator, tau2=tau2)
    order = np.argsort(y if side == "left" else -y, kind="stable")
    far = order[y.size - count:]
    labels = pooled.studies.filter(pl.col("reason").is_null())["label"].to_list()
    keep = {name: pooled.settings[name] for name in ("ci", "prediction", "level", "tau2_interval", "seed")}
    if tau2 == 0.0 and "KR" in (keep["ci"], keep["prediction"][:2]):
        keep |= {"ci": "classic", "prediction": "HTS"}
    filled = pool(np.append(y, 2 * centre - y[far]), np.append(s, s[far]),
                  labels=[*labels, *(f"{labels[i]} (filled)" for i in far)], tau2=tau2, **keep)
    before = pooled.common_mean if model == "common" else pooled.mean
    return TrimAndFill(count, side, before, filled, {"side": side, "estimator": estimator, "model": model},
                       pooled.data_hash)
