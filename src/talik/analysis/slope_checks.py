"""Whether pooled slopes hold: random signs, small n, one model for all groups, permutation, cells left out."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.analysis.meta import pool_many
from talik.analysis.pooled import Pooled
from talik.kernels.group_regression import Lines, group_lines, one_stage

Array = NDArray[np.float64]
_SCHEMA = {"check": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "p": pl.Float64,
           "n": pl.Int64, "meaning": pl.String}
_ALL_SIGNS = 12


def liu2025_checks(kept: pl.DataFrame, *, replicates: int, seed: int, level: float) -> pl.DataFrame:
    """
    What the arbitrary sign of each group's component does to the pooled slope.

    Parameters
    ----------
    kept : polars.DataFrame
        Groups with `group`, `slope`, `se`, `sign_by_rule`.
    replicates, seed : int
        Random sign vectors where there are too many groups to try every one.
    level : float
        Of the ranges.

    Returns
    -------
    polars.DataFrame
        Rows "random signs" (median and range of the pooled slope; p is the share of sign vectors in which the normal
        interval leaves out zero), "heterogeneity under random signs" (I²) and "other rule" (pooled slope when groups
        whose largest loading is negative are turned).
    """
    if kept.height < 2:
        return _frame([("random signs", None, None, None, None, kept.height, "fewer than two groups: nothing to turn")])
    slope, se = kept["slope"].to_numpy(), kept["se"].to_numpy()
    many = random_signs(kept, replicates=replicates, seed=seed, level=level)
    how = ("every combination" if kept.height <= _ALL_SIGNS else f"{replicates} random combinations") + " of signs"
    tails = [(1 - level) / 2, 0.5, (1 + level) / 2]
    low, middle, high = np.quantile(many["mean"], tails)
    i2_low, i2_middle, i2_high = np.quantile(many["i2"].fill_null(0.0), tails)
    turned = kept["sign_by_rule"].to_numpy()
    other = pool_many((np.where(turned, -1.0, 1.0) * slope)[None, :], se, level=level)
    names = ", ".join(kept.filter("sign_by_rule")["group"]) or "none"
    excluded = float(((many["low"] > 0) | (many["high"] < 0)).to_numpy().mean())
    return _frame([
        ("random signs", middle, low, high, excluded, kept.height,
         f"pooled slope over {how}; p is the share of them whose interval leaves out zero"),
        ("heterogeneity under random signs", i2_middle, i2_low, i2_high, None, kept.height, f"I² over {how}"),
        ("other rule", float(other.mean[0]), float(other.low[0]), float(other.high[0]), None, int(turned.sum()),
         f"pooled slope when the largest loading is positive instead of the sum; groups turned: {names}")])


def random_signs(kept: pl.DataFrame, *, replicates: int = 2000, seed: int = 1, level: float = 0.95) -> pl.DataFrame:
    """
    Pooled slopes when the sign of each group's component is drawn at random.

    Parameters
    ----------
    kept : frame
        Groups with `slope` and `se`; rows without a slope are left out.
    replicates, seed : int
        Random sign vectors where there are more than 12 groups; with fewer, every one is tried.
    level : float
        Of the interval of each mean.

    Returns
    -------
    polars.DataFrame
        One row a sign vector: k, mean, se, low, high, tau2, q, q_p, i2, h.

    Examples
    --------
    >>> groups = pl.DataFrame({"slope": [-1.0, -1.1, -0.9], "se": [0.1, 0.1, 0.1]})
    >>> means = random_signs(groups)["mean"]
    >>> len(means), round(abs(means.mean()), 9), round(means.min(), 2)
    (8, 0.0, -1.0)
    """
    rows = kept.drop_nulls("slope")
    if rows.height <= _ALL_SIGNS:
        signs = np.array(list(product((1.0, -1.0), repeat=rows.height)))
    else:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(replicates, rows.height))
    return pool_many(signs * rows["slope"].to_numpy(), rows["se"].to_numpy(), level=level).to_frame()


def talik_checks(scored: pl.DataFrame, kept: pl.DataFrame, pooled: Pooled, settings: Mapping[str, Any]) -> pl.DataFrame:
    """
    Cross-checks of a pooled slope on one common composite.

    Parameters
    ----------
    scored : polars.DataFrame
        Sites of the fitted groups: `group`, `score`, `cell` and the response.
    kept : polars.DataFrame
        Fitted groups with `group`, `slope`, `se`, in the order of `scored`.
    pooled : Pooled
        Their random-effects mean.
    settings : mapping
        Those of `group_slopes`.

    Returns
    -------
    polars.DataFrame
        Rows: "I² from small n alone", "one-stage mixed model", "permutation within groups", "leave one cell out", and
        one row a subgroup with its p adjusted (Benjamini-Hochberg).
    """
    if kept.height < 2:
        return _frame([("all", None, None, None, None, kept.height, "fewer than two groups: nothing to check against")])
    group = scored["group"].replace_strict(kept["group"], pl.int_range(kept.height, eager=True)).to_numpy()
    x, y = scored["score"].to_numpy(), scored[settings["response"]].to_numpy()
    lines = group_lines(x, y, group, kept.height)
    draws = np.random.default_rng(settings["seed"])
    return _frame([
        _small_n(lines, pooled, settings, draws),
        _mixed(lines, settings["level"]),
        _permuted(x, y, group, lines, settings, draws),
        _cells_out(x, y, group, scored["cell"].to_numpy(), kept.height, settings),
        *_subgroups(pooled)])


def standard_errors(lines: Lines, variance: str, prior_df: float) -> Array:
    """Standard errors of slopes, shape of `lines.rss`: residual variance shared, moderated, or each group's own."""
    free = (lines.n - 2).astype(float)
    shared = lines.rss.sum(axis=-1, keepdims=True) / free.sum()
    each = {"pooled": shared + 0.0 * lines.rss, "own": lines.rss / free,
            "moderated": (prior_df * shared + lines.rss) / (prior_df + free)}[variance]
    return np.asarray(np.sqrt(each / lines.sxx))


def _small_n(lines: Lines, pooled: Pooled, settings: Mapping[str, Any],
             draws: np.random.Generator) -> tuple[Any, ...]:
    name = "I² from small n alone"
    if settings["variance"] == "HC3":
        return (name, None, None, None, None, lines.n.size, "not simulated for HC3 standard errors")
    count, free = settings["replicates"], lines.n - 2
    sigma2 = lines.rss.sum() / free.sum()
    slope = pooled.common_mean + draws.normal(size=(count, free.size)) * np.sqrt(sigma2 / lines.sxx)
    rss = sigma2 * draws.chisquare(free, size=(count, free.size))
    se = standard_errors(lines._replace(slope=slope, rss=rss), settings["variance"], settings["prior_df"])
    i2 = pool_many(slope, se).i2
    low, middle, high = np.quantile(i2, [0.05, 0.5, 0.95])
    reached = float((1 + (i2 >= pooled.i2).sum()) / (1 + count))
    return (name, middle, low, high, reached, lines.n.size,
            f"I² in {count} data sets without heterogeneity; p: share that reach the observed I² = {pooled.i2:.2f}")


def _mixed(lines: Lines, level: float) -> tuple[Any, ...]:
    from scipy.special import ndtr, ndtri

    fit = one_stage(lines)
    reach = float(ndtri((1 + level) / 2)) * fit.se
    return ("one-stage mixed model", fit.slope, fit.slope - reach, fit.slope + reach,
            float(2 * ndtr(-abs(fit.slope / fit.se))), int(lines.n.sum()),
            f"own intercepts, slopes vary with tau² = {fit.tau2:.3g}, one residual variance; REML, normal interval")


def _permuted(x: Array, y: Array, group: NDArray[np.int64], lines: Lines, settings: Mapping[str, Any],
              draws: np.random.Generator) -> tuple[Any, ...]:
    """The response is shuffled within groups; the common-effect slope over its error is the statistic."""
    count = settings["replicates"]
    order = np.argsort(group[None, :] + draws.random((count, y.size)), axis=1)
    home = np.argsort(group, kind="stable")
    shuffled = np.empty((count, y.size))
    shuffled[:, home] = y[order]
    statistic = _common_z(group_lines(x, shuffled, group, lines.n.size))
    observed = _common_z(lines)
    p = float((1 + (np.abs(statistic) >= abs(observed) - 1e-12).sum()) / (1 + count))
    return ("permutation within groups", float(observed), *np.quantile(statistic, [0.025, 0.975]), p, int(y.size),
            f"slope over its error against {count} shuffles of the response within groups; low and high: 95 % of them")


def _common_z(lines: Lines) -> Array:
    free = (lines.n - 2).sum()
    total = lines.sxx.sum()
    slope = (lines.slope * lines.sxx).sum(axis=-1) / total
    sigma2 = (lines.rss.sum(axis=-1) + (lines.sxx * (lines.slope - slope[..., None]) ** 2).sum(axis=-1)) / (
        free + lines.n.size - 1)
    return np.asarray(slope / np.sqrt(sigma2 / total))


def _cells_out(x: Array, y: Array, group: NDArray[np.int64], cell: NDArray[Any], count: int,
               settings: Mapping[str, Any]) -> tuple[Any, ...]:
    slopes, errors, names = [], [], []
    variance = "pooled" if settings["variance"] == "HC3" else settings["variance"]
    for name in dict.fromkeys(cell.tolist()):
        rest = cell != name
        size = np.bincount(group[rest], minlength=count)
        whole = np.flatnonzero(size >= 3)
        if whole.size < 2:
            continue
        renumbered = np.full(count, -1)
        renumbered[whole] = np.arange(whole.size)
        stay = rest & (renumbered[group] >= 0)
        lines = group_lines(x[stay], y[stay], renumbered[group[stay]], whole.size)
        pad = np.full(count, np.nan)
        slopes.append(pad.copy())
        slopes[-1][whole] = lines.slope
        errors.append(pad.copy())
        errors[-1][whole] = standard_errors(lines, variance, settings["prior_df"])
        names.append(name)
    if not names:
        return ("leave one cell out", None, None, None, None, 0, "fewer than two groups remain, whichever it is")
    mean = pool_many(slopes, np.where(np.isnan(slopes), np.nan, errors)).mean
    return ("leave one cell out", float(np.median(mean)), float(mean.min()), float(mean.max()), None, len(names),
            f"pooled slope without one grid cell at a time; lowest without {names[int(mean.argmin())]}, highest "
            f"without {names[int(mean.argmax())]}")


def _subgroups(pooled: Pooled) -> list[tuple[Any, ...]]:
    parts = [(name, part) for name, part in pooled.subgroups.items() if part.k]
    p = np.array([part.p for _, part in parts])
    adjusted = np.empty(p.size)
    order = np.argsort(p)[::-1]
    adjusted[order] = np.minimum(np.minimum.accumulate(p[order] * p.size / np.arange(p.size, 0, -1)), 1.0)
    return [(f"subgroup {name}", part.mean, *part.interval, float(q), part.k,
             f"mean over {part.k} group{'s' * (part.k != 1)}; p adjusted for {p.size} subgroup{'s' * (p.size != 1)} "
             f"(Benjamini-Hochberg), {part.p:.3g} before")
            for (name, part), q in zip(parts, adjusted, strict=True)]


def _frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row", strict=False)
