"""Meta-regression: do moderators explain why effects differ?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.analysis.effects import check_level, effects_of, named, one_of
from talik.errors import DataError, UsageError
from talik.frames import as_frame, frame_hash
from talik.kernels.meta_regression import Coefficients, independent_columns, regress
from talik.kernels.tau2 import ESTIMATORS
from talik.results import Result

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Regression(Result):
    """
    A meta-regression of k effects on moderators.

    Parameters
    ----------
    coefficients : polars.DataFrame
        One row per coefficient: name, estimate, se, statistic, p, low, high, reason (columns that add nothing to those
        before them are not estimated).
    covariance : ndarray
        Of the estimated coefficients, in their order.
    k : int
        Studies used.
    qm, qm_df, qm_p
        Test of all moderators together: chi-square, or F when the test is "knha".
    qe, qe_df, qe_p
        Residual heterogeneity.
    tau2, tau2_se, modes
        Residual between-study variance; local maxima of its likelihood.
    i2, r2 : float
        tau² over tau² plus the typical sampling variance; share of tau² explained. Fractions.
    df : float
        Of the coefficients' tests; infinite is normal.
    left_out : polars.DataFrame
        Rows not used, with `reason`.
    settings, data_hash
        What was asked; sha256 of the rows.
    """

    coefficients: pl.DataFrame
    covariance: Array = field(repr=False)
    k: int
    qm: float
    qm_df: int
    qm_p: float
    qe: float
    qe_df: int
    qe_p: float
    tau2: float
    tau2_se: float
    modes: int
    i2: float
    r2: float
    df: float
    left_out: pl.DataFrame = field(repr=False)
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row per coefficient."""
        return self.coefficients

    def __str__(self) -> str:
        said = ", ".join(f"{r['name']} {r['estimate']:.3g} [{r['low']:.3g}, {r['high']:.3g}]"
                         for r in self.coefficients.filter(pl.col("reason").is_null()).to_dicts())
        kind = "F" if np.isfinite(self.df) else "QM"
        return (f"Meta-regression of {self.k} studies: {said}; {kind} = {self.qm:.2f} (p = {self.qm_p:.2g}), "
                f"residual tau² = {self.tau2:.3g}, R² = {100 * self.r2:.0f} %.")


def meta_regression(effect: Any, se: Any, moderators: Any, *, labels: Any = None, tau2: str | float = "REML",
                    test: Literal["z", "knha"] = "z", level: float = 0.95) -> Regression:
    """
    Regress effects on moderators, with a residual between-study variance.

    Parameters
    ----------
    effect, se : sequence of float, length k
        As in `pool`.
    moderators : frame, or mapping of name to k values
        Numbers, or text (one indicator per class but the first met). An intercept is always there.
    labels : sequence of str, optional
        Names of the studies.
    tau2 : str or float
        As in `pool`; 0 is a common-effect regression.
    test : {"z", "knha"}
        Normal tests, or Knapp and Hartung's (t and F).
    level : float
        Of the intervals.

    Raises
    ------
    DataError
        If there are not more studies than coefficients, or lengths differ.
    UsageError
        If a choice does not exist.

    References
    ----------
    Viechtbauer (2005), doi:10.3102/10769986030003261; Knapp & Hartung (2003), doi:10.1002/sim.1482.

    Examples
    --------
    >>> fit = meta_regression([0.1, 0.2, 0.5, 0.6], [0.1, 0.1, 0.2, 0.1], {"snow_depth": [0.1, 0.2, 0.3, 0.5]})
    >>> fit.coefficients.select("name", pl.col("estimate").round(3)).rows()
    [('intercept', -0.03), ('snow_depth', 1.283)]
    """
    if isinstance(tau2, str):
        one_of("tau2", tau2, ESTIMATORS)
    one_of("test", test, ("z", "knha"))
    check_level(level)
    rows = effects_of(effect, se, labels)
    names, design = _design(moderators, len(rows))
    incomplete = rows.used & ~np.isfinite(design).all(axis=1)
    rows = replace(rows, reason=np.where(incomplete, "moderator_missing", rows.reason))
    x, used = design[rows.used], rows.take(rows.used)
    keep = independent_columns(x)
    k, p = len(x), int(keep.sum())
    if k <= p or not p:
        raise DataError(f"moderators: {k} stud{'y' if k == 1 else 'ies'} cannot carry {len(names)} coefficients "
                        "and a residual variance; leave moderators out")
    fitted = regress(used.effect, used.se, x[:, keep], tau2, level, knha=test == "knha")
    table = pl.DataFrame([*rows.columns().values(), *(named(n, c) for n, c in zip(names, design.T, strict=True))])
    return Regression(
        coefficients=_coefficient_table(names, keep, fitted), covariance=fitted.covariance, k=k, qm=fitted.qm,
        qm_df=fitted.qm_df, qm_p=fitted.qm_p, qe=fitted.qe, qe_df=fitted.qe_df, qe_p=fitted.qe_p, tau2=fitted.tau2,
        tau2_se=fitted.tau2_se, modes=fitted.modes, i2=fitted.i2, r2=fitted.r2, df=fitted.df,
        left_out=pl.DataFrame(rows.take(~rows.used).columns()).drop("subgroup"),
        settings={"tau2": tau2, "test": test, "level": level},
        data_hash=frame_hash(table))


def _design(moderators: Any, k: int) -> tuple[list[str], Array]:
    """Names and columns of the design, shape (k, p), NaN where a moderator is missing."""
    frame = as_frame(moderators, "moderators")
    if frame.height != k:
        raise DataError(f"moderators: got {frame.height} rows, expected {k}, one for each effect")
    names, columns = ["intercept"], [np.ones(k)]
    for series in frame:
        if series.dtype in (pl.String, pl.Categorical, pl.Boolean):
            classes = series.cast(pl.String).drop_nulls().unique(maintain_order=True).to_list()
            values = series.cast(pl.String).to_list()
            for name in classes[1:]:
                names.append(f"{series.name}[{name}]")
                columns.append(np.array([np.nan if v is None else float(v == name) for v in values]))
        elif series.dtype.is_numeric() or series.dtype == pl.Null:
            names.append(series.name)
            columns.append(series.cast(pl.Float64).fill_null(np.nan).to_numpy())
        else:
            raise UsageError(f"moderators: column {series.name!r} holds {series.dtype}, expected numbers or text")
    return names, np.column_stack(columns)


def _coefficient_table(names: list[str], keep: NDArray[np.bool_], fitted: Coefficients) -> pl.DataFrame:
    columns: dict[str, Any] = {"name": names}
    for name, values in (("estimate", fitted.beta), ("se", fitted.se), ("statistic", fitted.statistic),
                         ("p", fitted.p), ("low", fitted.low), ("high", fitted.high)):
        whole = np.full(keep.size, np.nan)
        whole[keep] = values
        columns[name] = whole
    columns["reason"] = [None if kept else "adds nothing to the columns before it" for kept in keep]
    return pl.DataFrame(columns, schema_overrides={"reason": pl.String}).with_columns(pl.col(pl.Float64).fill_nan(None))
