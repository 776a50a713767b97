"""Random-effects meta-analysis: one table of effects, or many on arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtri

from talik.analysis.effects import Effects, check_level, check_sizes, effects_of, named, one_of
from talik.analysis.meta_regression import meta_regression
from talik.analysis.pooled import Between, Interval, Pooled, PooledMany
from talik.errors import DataError, UsageError
from talik.frames import frame_hash
from talik.kernels import heterogeneity as het
from talik.kernels import random_effects as re
from talik.kernels.bootstrap_prediction import bootstrap_prediction
from talik.kernels.studies import Studies, standardised
from talik.kernels.tau2 import ESTIMATORS, estimate

Array = NDArray[np.float64]
_NAN: Interval = (float("nan"), float("nan"))


def pool(effect: Any, se: Any, *, labels: Any = None, subgroup: Any = None, tau_common: bool = False,
         tau2: str | float = "REML", ci: str = "classic", prediction: str = "HTS", level: float = 0.95,
         moderators: Any = None, tau2_interval: str = "QP", seed: int = 0) -> Pooled:
    """
    Pool effects that differ between studies: random-effects meta-analysis.

    Parameters
    ----------
    effect, se : sequence of float, length k
        Effects (slopes, offsets, differences, ...) and their standard errors, in one unit.
    labels : sequence of str, optional
        Names of the studies.
    subgroup : sequence, length k, optional
        Each subgroup is pooled by itself too, and their means are tested against each other.
    tau_common : bool
        One tau² for all subgroups (left over after a regression on the subgroups) instead of one each.
    tau2 : {"REML", "DL", "ML", "PM", "SJ", "HE", "HS", "EB", "PMM", "HSk"} or float
        Estimator of the between-study variance, or its value.
    ci : {"classic", "HK", "HK_se", "HK_ci", "HK_IQWiG6", "KR"}
        Interval of the mean: normal (as R's meta by default); Hartung-Knapp; the same with a guard against being
        too narrow; Kenward-Roger (with REML).
    prediction : {"HTS", "V", "HK", "HK_se", "HK_PR", "KR", "KR_PR", "normal", "bootstrap"}
        Prediction interval. "HTS" (t, k - 2) is the default of R's meta up to 7.0-0, "V" (t, k - 1) from 8.0-1.
    level : float
        Of all intervals.
    moderators : frame or mapping of name to values, optional
        Fits `meta_regression` too; it goes into the field `regression`.
    tau2_interval : {"QP", "J", "BJ"}
        Interval of tau²: Q-profile, Jackson, Biggerstaff and Jackson.
    seed : int
        For the bootstrap prediction interval.

    Returns
    -------
    Pooled
        Rows whose effect or standard error is missing or not finite, or whose standard error is 0, are left out, with
        the reason in `studies`. With one study the mean is that study; with none it is NaN. Every NaN is explained
        in `reasons`.

    Raises
    ------
    DataError
        If lengths differ, a standard error is negative or text, or a subgroup is missing.
    UsageError
        If a choice does not exist or two contradict each other.

    References
    ----------
    Viechtbauer (2005), doi:10.3102/10769986030003261; Higgins & Thompson (2002), doi:10.1002/sim.1186;
    Higgins, Thompson & Spiegelhalter (2009), doi:10.1111/j.1467-985X.2008.00552.x;
    Viechtbauer (2007), doi:10.1002/sim.2514. The kernels cite the rest.

    Examples
    --------
    >>> p = pool([-0.59, -0.45, -1.17, 0.2], [0.23, 0.09, 0.49, 0.3], subgroup=["Arctic"] * 3 + ["Third Pole"])
    >>> round(p.mean, 3), round(p.tau2, 4), round(p.i2, 2), p.k
    (-0.433, 0.0952, 0.58, 4)
    >>> p.subgroups["Third Pole"].reasons["tau2"]
    'one study'
    >>> print(pool([0.3], [0.1]))
    Pooled mean 0.3 [0.104, 0.496] (95 % interval, classic), k = 1: one study, no heterogeneity to speak of.
    """
    _check(tau2, ci, prediction, level, tau2_interval, tau_common, subgroup)
    rows = effects_of(effect, se, labels, subgroup)
    settings = {"tau2": tau2, "ci": ci, "prediction": prediction, "level": level, "tau2_interval": tau2_interval,
                "tau_common": tau_common, "seed": seed}
    overall = _pool_rows(rows, settings)
    groups: dict[str, Pooled] = {}
    between = None
    if subgroup is not None:
        names = list(dict.fromkeys(rows.subgroup.tolist()))
        shared = _shared_tau2(rows, names, tau2) if tau_common else None
        groups = {name: _pool_rows(rows.take(rows.subgroup == name), settings, shared) for name in names}
        between = _between(list(groups.values()), float("nan") if shared is None else shared)
    regression = None
    if moderators is not None:
        regression = meta_regression(effect, se, moderators, labels=labels, tau2=tau2, level=level,
                                     test="z" if ci == "classic" else "knha")
    return replace(overall, subgroups=groups, between=between, regression=regression)


def _check(tau2: str | float, ci: str, prediction: str, level: float, interval: str, tau_common: bool,
           subgroup: Any) -> None:
    if isinstance(tau2, str):
        one_of("tau2", tau2, ESTIMATORS)
    elif not (np.isfinite(tau2) and tau2 >= 0):
        raise UsageError(f"tau2: got {tau2!r}, expected an estimator ({', '.join(ESTIMATORS)}) or a value of 0 or more")
    one_of("ci", ci, re.INTERVALS)
    one_of("prediction", prediction, re.PREDICTIONS)
    one_of("tau2_interval", interval, het.INTERVALS)
    check_level(level)
    if tau_common and subgroup is None:
        raise UsageError("tau_common=True needs subgroup=...")
    if "KR" in (ci, prediction[:2]) and tau2 != "REML":
        raise UsageError(f"Kenward-Roger intervals rest on REML: got tau2={tau2!r}; choose REML or another interval")


def _pool_rows(rows: Effects, settings: Mapping[str, Any], tau2_given: float | None = None) -> Pooled:
    """One meta-analysis of checked rows; `tau2_given` is a tau² shared with other rows."""
    studies = standardised(rows.effect[None], rows.se[None])
    k, level, unit = int(studies.k[0]), settings["level"], float(studies.scale[0]) ** 2
    value = tau2_given if tau2_given is not None else settings["tau2"]
    if isinstance(value, str):
        found = estimate(studies, value)
        tau2, tau2_se, modes = found.tau2, float(found.se[0]) * unit, int(found.modes[0])
    else:
        tau2, tau2_se, modes = np.array([value / unit if k else np.nan]), float("nan"), min(k, 1)
    dl = estimate(studies, "DL").tau2 if settings["ci"] == "HK_IQWiG6" else None
    mean = re.mean_interval(studies, tau2, settings["ci"], level, dl)
    common = re.classic_mean(studies, np.zeros(1), level)
    h = het.heterogeneity(het.cochran_q(studies), studies.k, level)
    around = _tau2_interval(studies, settings, value)
    spread = _prediction(studies, tau2, settings)
    weights = _weights(rows, float(tau2[0]) * unit)
    pooled = Pooled(
        mean=float(mean.mean[0]), se=float(mean.se[0]), interval=_pair(mean.low, mean.high),
        statistic=float(mean.statistic[0]), p=float(mean.p[0]), interval_df=float(mean.df[0]), k=k,
        tau2=float(tau2[0]) * unit, tau2_se=tau2_se, tau2_interval=(around[0] * unit, around[1] * unit), modes=modes,
        q=float(h.q[0]), df=max(k - 1, 0), q_p=float(h.p[0]), h=float(h.h[0]), h_interval=_pair(h.h_low, h.h_high),
        i2=float(h.i2[0]), i2_interval=_pair(h.i2_low, h.i2_high),
        i2_tau2=float(het.tau2_share(studies, tau2)[0]) if k > 1 else float("nan"),
        prediction=_pair(spread.low, spread.high), prediction_se=float(spread.se[0]),
        prediction_df=float(spread.df[0]), common_mean=float(common.mean[0]), common_se=float(common.se[0]),
        common_interval=_pair(common.low, common.high), weights=weights,
        studies=_study_table(rows, weights, level), subgroups={}, between=None, regression=None,
        status="no study" if k == 0 else "one study" if k == 1 else "pooled", reasons={}, settings=dict(settings),
        data_hash=frame_hash(pl.DataFrame(rows.columns())))
    return replace(pooled, reasons=_reasons(pooled, isinstance(value, str)))


def _pair(low: Array, high: Array) -> Interval:
    return float(low[0]), float(high[0])


def _tau2_interval(studies: Studies, settings: Mapping[str, Any], value: str | float) -> Interval:
    if not isinstance(value, str) or studies.k[0] < 2:
        return _NAN
    if settings["tau2_interval"] == "QP":
        return _pair(*het.q_profile(studies, settings["level"]))
    return het.moment_interval(studies, settings["level"], power=0.5 if settings["tau2_interval"] == "J" else 1.0)


def _prediction(studies: Studies, tau2: Array, settings: Mapping[str, Any]) -> re.Spread:
    if settings["prediction"] == "bootstrap":
        return bootstrap_prediction(studies, settings["level"], seed=settings["seed"])
    return re.prediction_interval(studies, tau2, settings["prediction"], settings["level"])


def _weights(rows: Effects, tau2: float) -> Array:
    """Shares of the studies, NaN where not used; relative to the most precise one, so that no unit overflows."""
    weights, used = np.full(len(rows), np.nan), rows.used
    if used.any():
        tau = np.sqrt(tau2) if np.isfinite(tau2) else 0.0
        spread = np.hypot(rows.se[used], tau)
        inverse = (spread.min() / spread) ** 2
        weights[used] = inverse / inverse.sum()
    weights.flags.writeable = False
    return weights


def _study_table(rows: Effects, weights: Array, level: float) -> pl.DataFrame:
    reach = float(ndtri(0.5 + level / 2)) * rows.se
    columns = rows.columns()
    reason = columns.pop("reason")
    with np.errstate(invalid="ignore"):
        columns |= {"low": named("low", rows.effect - reach), "high": named("high", rows.effect + reach)}
    return pl.DataFrame(columns | {"weight": named("weight", weights),
                                   "weight_common": named("weight_common", _weights(rows, 0.0)), "reason": reason})


def _reasons(pooled: Pooled, estimated: bool) -> dict[str, str]:
    """Why each field that is NaN is NaN."""
    k = pooled.k
    few = {0: "no study", 1: "one study"}.get(k)
    why = {
        "tau2": few or ("the search for tau² did not converge" if estimated else
                        "no subgroup has two studies to estimate a shared tau² from; taken as 0"),
        "tau2_se": "tau² was given" if not estimated and k else few or "no curvature of the likelihood",
        "tau2_interval": "tau² was given" if not estimated and k else few or "the search did not converge",
        "i2_interval": few or "two studies with Q of at most 2",
        "h_interval": few or "two studies with Q of at most 2",
        "prediction": few or ("tau² is missing" if np.isnan(pooled.tau2) else
                              f"{k} studies are too few for {pooled.settings['prediction']}"),
        "statistic": few or "the standard error is 0 at a mean of 0",
    }
    why |= {"prediction_se": why["prediction"], "p": why["statistic"],
            "prediction_df": "the bootstrap has none" if pooled.settings["prediction"] == "bootstrap" and k > 1
            else why["prediction"]}
    fields = ("mean", "se", "interval", "statistic", "p", "interval_df", "tau2", "tau2_se", "tau2_interval", "q", "q_p",
              "h", "h_interval", "i2", "i2_interval", "i2_tau2", "prediction", "prediction_se", "prediction_df",
              "common_mean", "common_se", "common_interval")
    return {name: why.get(name, few or "not defined for these data") for name in fields
            if np.isnan(getattr(pooled, name)).any()}


def _shared_tau2(rows: Effects, names: list[str], tau2: str | float) -> float:
    """tau² left over after a regression on the subgroups; NaN when no subgroup has two studies."""
    if not isinstance(tau2, str):
        return tau2
    used = rows.take(rows.used)
    design = np.array([[group == name for name in names] for group in used.subgroup], dtype=float)
    design = design[:, design.any(axis=0)] if design.size else np.ones((0, 1))
    studies = standardised(used.effect[None], used.se[None], design)
    return float(estimate(studies, tau2).tau2[0]) * float(studies.scale[0]) ** 2


def _between(groups: list[Pooled], tau2: float) -> Between:
    """Q over the subgroup means (see `Between`)."""
    some = [g for g in groups if g.k]
    df = max(len(some) - 1, 0)
    q = _q_over([g.mean for g in some], [g.se for g in some])
    q_common = _q_over([g.common_mean for g in some], [g.common_se for g in some])
    p, p_common = ((float(chdtrc(df, x)) if df else float("nan")) for x in (q, q_common))
    return Between(q, df, p, q_common, p_common, float(sum(g.q for g in some)), tau2)


def _q_over(mean: list[float], se: list[float]) -> float:
    if len(mean) < 2:
        return 0.0
    if not all(s > 0 and np.isfinite(s) for s in se):
        return float("nan")
    return float(het.cochran_q(standardised(np.array([mean]), np.array([se])))[0])


def pool_many(effects: ArrayLike, se: ArrayLike, *, tau2: str | float = "REML", ci: str = "classic",
              level: float = 0.95) -> PooledMany:
    """
    Pool B sets of effects in one call, for bootstrap, permutation and leave-one-out.

    Parameters
    ----------
    effects, se : array_like, shape (B, k)
        One data set a row; `se` broadcasts. NaN (or a standard error of 0) leaves a study out of its row.
    tau2, ci, level
        As in `pool`.

    Returns
    -------
    PooledMany
        Arrays of length B, the same numbers as B calls of `pool`.

    Raises
    ------
    DataError
        If the shapes do not fit or a standard error is negative.
    UsageError
        If a choice does not exist.

    Examples
    --------
    >>> many = pool_many([[0.1, 0.3, 0.9], [0.1, 0.3, np.nan]], [0.1, 0.2, 0.1])
    >>> many.mean.round(3).tolist(), many.k.tolist()
    ([0.44, 0.14], [3, 2])
    """
    _check(tau2, ci, "HTS", level, "QP", False, None)
    y = np.asarray(effects, dtype=np.float64)
    if y.ndim != 2:
        raise DataError(f"effects: got shape {y.shape}, expected (B, k): one data set a row")
    try:
        s = np.broadcast_to(np.asarray(se, dtype=np.float64), y.shape)
    except ValueError:
        raise DataError(f"se: shape {np.shape(se)} does not fit effects of shape {y.shape}") from None
    if (s < 0).any():
        row, study = (int(i[0]) for i in np.nonzero(s < 0))
        raise DataError(f"se: row {row + 1}, study {study + 1} is {s[row, study]:g}; a standard error is positive")
    check_sizes(s[np.isfinite(y) & np.isfinite(s) & (s > 0)])
    studies = standardised(y, s)
    unit = studies.scale**2
    if isinstance(tau2, str):
        found = estimate(studies, tau2)
        value, modes = found.tau2, found.modes
    else:
        value, modes = np.where(studies.k > 0, tau2 / unit, np.nan), np.minimum(studies.k, 1).astype(np.int64)
    dl = estimate(studies, "DL").tau2 if ci == "HK_IQWiG6" else None
    mean = re.mean_interval(studies, value, ci, level, dl)
    h = het.heterogeneity(het.cochran_q(studies), studies.k, level)
    digest = hashlib.sha256(repr(y.shape).encode() + y.tobytes() + s.tobytes())
    return PooledMany(mean=mean.mean, se=mean.se, low=mean.low, high=mean.high, tau2=value * unit, q=h.q, q_p=h.p,
                      i2=h.i2, h=h.h, k=studies.k.astype(np.int64), modes=modes,
                      settings={"tau2": tau2, "ci": ci, "level": level}, data_hash=digest.hexdigest())
