"""The pooled mean of a random-effects meta-analysis, its confidence and its prediction interval; batched."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from talik.kernels.studies import Fit, Studies, fit

Array = NDArray[np.float64]

INTERVALS = ("classic", "HK", "HK_se", "HK_ci", "HK_IQWiG6", "KR")
PREDICTIONS = ("HTS", "V", "HK", "HK_se", "HK_PR", "KR", "KR_PR", "normal", "bootstrap")


class Mean(NamedTuple):
    """Pooled mean with standard error, interval, statistic, p-value and degrees of freedom (inf is normal), (B,)."""

    mean: Array
    se: Array
    low: Array
    high: Array
    statistic: Array
    p: Array
    df: Array


class Spread(NamedTuple):
    """Prediction interval with its standard error and degrees of freedom, shape (B,)."""

    low: Array
    high: Array
    se: Array
    df: Array


def t_quantile(probability: float, df: Array) -> Array:
    """
    Upper quantile of Student's t; the normal's where df is infinite, NaN where df is not positive.

    Below 0.01 degrees of freedom it is infinite: beyond 1e100, with no digit to trust.
    """
    df = np.asarray(df, dtype=np.float64)
    finite = np.isfinite(df) & (df > 0)
    t = np.where(df < 0.01, np.inf, stdtrit(np.where(finite, np.maximum(df, 0.01), 1.0), probability))
    return np.where(finite, t, np.where(df == np.inf, ndtri(probability), np.nan))


def two_sided(statistic: Array, df: Array) -> Array:
    """Two-sided p-value of a t (or, at infinite df, normal) statistic."""
    df = np.asarray(df, dtype=np.float64)
    finite = np.isfinite(df) & (df > 0)
    p = 2 * np.where(finite, stdtr(np.where(finite, df, 1.0), -np.abs(statistic)), ndtr(-np.abs(statistic)))
    return np.where(np.isnan(df) | (df <= 0), np.nan, p)


def normal_interval(mean: Array, se: Array, df: Array, level: float) -> Mean:
    """Symmetric t or normal interval around `mean`, with test statistic and p-value."""
    reach = t_quantile(0.5 + level / 2, df) * se
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = mean / se
    return Mean(mean, se, mean - reach, mean + reach, statistic, two_sided(statistic, df), df)


def classic_mean(studies: Studies, tau2: Array, level: float) -> Mean:
    """
    Inverse-variance mean in the effects' own unit with a normal interval, shape (B,).

    Parameters
    ----------
    studies : Studies
        Standardised, without design.
    tau2 : ndarray, shape (B,)
        In the studies' scale; NaN (a single study) counts as 0.
    level : float
        Of the interval.
    """
    f = _fit(studies, tau2)
    mean = studies.centre + studies.scale * f.beta[0, :, 0]
    se = studies.scale * np.sqrt(f.covariance[0, :, 0, 0])
    none = studies.k == 0
    mean, se = np.where(none, np.nan, mean), np.where(none, np.nan, se)
    return normal_interval(mean, se, np.where(none, np.nan, np.inf), level)


def _fit(studies: Studies, tau2: Array) -> Fit:
    with np.errstate(invalid="ignore", divide="ignore"):
        return fit(studies, np.where(np.isnan(tau2), 0.0, tau2)[None])


def hartung_knapp_factor(studies: Studies, tau2: Array) -> Array:
    """The square of Hartung and Knapp's factor on the standard error, shape (B,); NaN below two studies."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(studies.k > 1, _fit(studies, tau2).q[0] / (studies.k - 1), np.nan)


def mean_interval(studies: Studies, tau2: Array, method: str, level: float, tau2_dl: Array | None = None) -> Mean:
    """
    The pooled mean with one of the `INTERVALS`, in the effects' own unit, shape (B,).

    Parameters
    ----------
    studies, tau2, level
        As for `classic_mean`.
    method : str
        classic: normal. HK: Hartung-Knapp, t with k - 1. HK_se: the same, standard error never below the classic one.
        HK_ci: the wider of HK and classic. HK_IQWiG6: where HK is narrower than classic DerSimonian-Laird, the
        classic standard error with HK's degrees of freedom (as R's meta has it), else HK. KR: Kenward-Roger (REML).
        A single study keeps its own normal interval under every method.
    tau2_dl : ndarray, shape (B,), optional
        DerSimonian-Laird's tau², for HK_IQWiG6.

    References
    ----------
    Hartung & Knapp (2001), doi:10.1002/sim.791; Sidik & Jonkman (2002), doi:10.1002/sim.1262;
    Röver, Knapp & Friede (2015), doi:10.1186/s12874-015-0091-1; IQWiG, General Methods 6.0 (2020), section 8.3.8;
    Partlett & Riley (2017), doi:10.1002/sim.7140.
    """
    classic = classic_mean(studies, tau2, level)
    if method == "classic":
        return classic
    return _choose(studies.k == 1, classic, _small_sample(studies, tau2, method, level, classic, tau2_dl))


def _small_sample(studies: Studies, tau2: Array, method: str, level: float, classic: Mean,
                  tau2_dl: Array | None) -> Mean:
    """The intervals that allow for few studies; see `mean_interval`."""
    if method == "KR":
        se, df = kenward_roger(studies, tau2)
        return normal_interval(classic.mean, se, df, level)
    factor = hartung_knapp_factor(studies, tau2)
    df = np.where(studies.k > 1, studies.k - 1.0, np.nan)
    plain = normal_interval(classic.mean, classic.se * np.sqrt(factor), df, level)
    if method == "HK":
        return plain
    guarded = normal_interval(classic.mean, classic.se * np.sqrt(np.maximum(factor, 1.0)), df, level)
    if method == "HK_se":
        return guarded
    if method == "HK_ci":
        return _choose(_width(classic) > _width(plain), classic, plain)
    assert tau2_dl is not None
    forced = normal_interval(classic.mean, classic.se, df, level)
    return _choose(_width(plain) < _width(classic_mean(studies, tau2_dl, level)), forced, plain)


def _width(mean: Mean) -> Array:
    return mean.high - mean.low


def _choose(condition: NDArray[np.bool_], first: Mean, second: Mean) -> Mean:
    return Mean(*(np.where(condition, a, b) for a, b in zip(first, second, strict=True)))


def kenward_roger(studies: Studies, tau2: Array) -> tuple[Array, Array]:
    """
    Kenward and Roger's standard error (effects' unit) and degrees of freedom of the pooled mean, shape (B,).

    With one coefficient and variance v + tau² their adjustment reduces to sums of powers of the weights; the
    information about tau² is the expected restricted one, the degrees of freedom rest on the adjusted variance.
    """
    f = _fit(studies, tau2)
    first, rest = f.w[0, 0], f.w[1:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        total, square = f.w.sum(0)[0], (f.w**2).sum(0)[0]
        # w1 w3 - w2², as squares of differences from the largest weight, which stands first
        skew = first * (rest * (first - rest) ** 2).sum(0) + (
            rest.sum(0) * (rest**3).sum(0) - (rest**2).sum(0) ** 2)
        information = f.trace2[0] / 2
        variance = 1 / total + 2 * skew / (information * total**3)
        df = 2 * information / (square * variance) ** 2
    few = studies.k < 2
    return np.where(few, np.nan, studies.scale * np.sqrt(variance)), np.where(few, np.nan, df)


def prediction_interval(studies: Studies, tau2: Array, method: str, level: float) -> Spread:
    """
    Where the true effect of a new study lies, by one of the `PREDICTIONS` but the bootstrap, shape (B,).

    Parameters
    ----------
    studies, tau2, level
        As for `classic_mean`.
    method : str
        HTS: t with k - 2. V: t with k - 1. HK, HK_se: (guarded) Hartung-Knapp standard error, k - 1; HK_PR: k - 2.
        KR: Kenward-Roger; KR_PR: its degrees of freedom less 1. normal: normal.

    Returns
    -------
    Spread
        In the effects' unit; NaN where tau² is NaN or the degrees of freedom are not positive.

    References
    ----------
    Higgins, Thompson & Spiegelhalter (2009), doi:10.1111/j.1467-985X.2008.00552.x (HTS, normal);
    Veroniki et al. (2019), doi:10.1002/jrsm.1319 (V); Partlett & Riley (2017), doi:10.1002/sim.7140 (HK, KR).
    """
    classic = classic_mean(studies, tau2, level)
    se, k = classic.se, studies.k.astype(np.float64)
    df = {"HTS": k - 2, "V": k - 1, "HK": k - 1, "HK_se": k - 1, "HK_PR": k - 2,
          "normal": np.full(k.size, np.inf)}.get(method)
    if method.startswith("KR"):
        se, freedom = kenward_roger(studies, tau2)
        df = freedom - (method == "KR_PR")
    elif method.startswith("HK"):
        factor = hartung_knapp_factor(studies, tau2)
        se = se * np.sqrt(np.maximum(factor, 1.0) if method == "HK_se" else factor)
    assert df is not None
    spread = np.hypot(np.sqrt(tau2) * studies.scale, se)
    # A Hartung-Knapp prediction interval needs a third study (a fourth with k - 2), as in R's meta.
    few = k < {"HK": 3, "HK_se": 3, "HK_PR": 4}.get(method, 2)
    df = np.where(np.isnan(spread) | few | ~(df > 0), np.nan, df)
    spread = np.where(np.isnan(df), np.nan, spread)
    reach = t_quantile(0.5 + level / 2, df) * spread
    return Spread(classic.mean - reach, classic.mean + reach, spread, df)
