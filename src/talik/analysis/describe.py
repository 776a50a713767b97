"""What a group of sites is like: n, mean, standard error, spread, range, and an interval that knows of clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from math import sqrt
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import DataError, UsageError
from talik.frames import as_frame, frame_hash, numbers
from talik.results import Result
from talik.variables import REGIONS, shown_unit, variable

DESCRIBED = ("surface_offset", "thermal_offset", "maat", "magst", "ttop", "alt")
RESAMPLES = 2000
"""Of the bootstrap, unless told otherwise; as many as a study makes, so that both give the same interval."""
FEW_CLUSTERS = 3
"""With fewer clusters than this there is no cluster-bootstrap interval."""

_SCHEMA = {"by": pl.String, "group": pl.String, "variable": pl.String, "units": pl.String, "n": pl.Int64,
           "n_sites": pl.Int64, "n_clusters": pl.Int64, "mean": pl.Float64, "se": pl.Float64, "sd": pl.Float64,
           "cv": pl.Float64, "min": pl.Float64, "max": pl.Float64, "ci_low": pl.Float64, "ci_high": pl.Float64,
           "t_low": pl.Float64, "t_high": pl.Float64, "reason": pl.String}


@dataclass(frozen=True, slots=True)
class Description(Result):
    """
    Means and spread of quantities by groups of sites; made by `describe`.

    Parameters
    ----------
    statements : polars.DataFrame
        One row a group and variable; see `to_frame`.
    settings : mapping
        What was asked: by, variables, level, n_boot, seed.
    data_hash : str
        sha256 of the rows used.
    """

    figure: ClassVar[str] = "talik.figures.regions:regional_forest"
    statements: pl.DataFrame = field(repr=False)
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """
        One row a group and variable.

        `by` and `group` say which sites; `n` counts values, `n_sites` sites, `n_clusters` clusters that have values;
        `mean`, `min`, `max`, `sd` (ddof 1), `se` = sd/sqrt(n) in `units`; `cv` = |sd/mean|; `ci_low`, `ci_high` the
        cluster-bootstrap interval; `t_low`, `t_high` Student's interval, which takes sites as independent. Every
        null has its reason in `reason`, which also says where few clusters make the bootstrap interval too short.
        """
        return self.statements.clone()

    def plot(self, ax: Any = None, **style: Any) -> Any:
        """
        Draw the means of the finest grouping with their intervals, one panel a quantity; returns the figure.

        It has panels of its own, so `ax` must stay None (UsageError). ALT is drawn when it is all there is.
        """
        if ax is not None:
            raise UsageError("ax: this figure has several panels and makes its own; leave ax out")
        module, _, name = self.figure.partition(":")
        names = self.settings["variables"]
        choices = {"by": self.settings["by"][-1] or "all", "variables": [n for n in names if n != "alt"] or names}
        return getattr(import_module(module), name)(self.to_frame(), **(choices | style))

    def __str__(self) -> str:
        return " ".join(_sentence(row, self.settings["level"]) for row in self.statements.iter_rows(named=True))


def describe(sites: Any, *, by: str | Sequence[str] | None = "region", variables: Sequence[str] = DESCRIBED,
             level: float = 0.95, n_boot: int = RESAMPLES, seed: int = 1) -> Description:
    r"""
    Mean, standard error, spread, range and confidence intervals of quantities by groups of sites.

    Parameters
    ----------
    sites : frame
        A table of sites (polars, pandas or a mapping); needs the columns `by` and `variables`. With a column
        `cluster` the bootstrap resamples clusters, without one it takes every site as a cluster of its own.
    by : str, sequence of str, or None
        Column(s) to group by, one after another; None takes all sites together.
    variables : sequence of str
        Names or aliases of the catalogue; offsets [K], temperatures [°C], `alt` [m].
    level : float
        Of both intervals, between 0 and 1.
    n_boot : int
        Bootstrap resamples.
    seed : int
        The same seed gives the same interval.

    Returns
    -------
    Description
        Nulls, with the reason: se, sd, cv and intervals of a single value; `cv` where \|mean\| < 2 SE, since a ratio
        to a mean that may be zero says nothing; the bootstrap interval of fewer than three clusters; everything of a
        group without values.

    Raises
    ------
    UnknownName
        If a column does not exist (the nearest is named).
    DataError
        If the table has no rows, or a cell is not a number.
    UsageError
        If `level` is not between 0 and 1, or `n_boot` is below 100.

    Notes
    -----
    The standard error is that of the values: :math:`SE = sd/\sqrt{n}` with n the number of values, not of sites.
    The cluster bootstrap draws clusters with replacement and takes the mean of all their sites. Its percentiles are
    widened by :math:`\sqrt{k/(k-1)}\,t_{k-1}` for k clusters in the place of the normal quantile [1]_, since plain
    percentiles are too narrow for few clusters; the interval never leaves the range of the cluster means.

    References
    ----------
    .. [1] Hesterberg, T. (2015), The American Statistician 69, 371-386, doi 10.1080/00031305.2015.1089789.

    Examples
    --------
    >>> sites = {"region": ["A"] * 4, "surface_offset": [2.0, 3.0, 3.5, 3.9]}
    >>> print(describe(sites, variables=["SO"]))
    A: SO 3.1 ± 0.41 °C (n = 4, range 2.0 to 3.9, 95 % CI 2.0 to 3.9 from 4 clusters).
    """
    if not 0 < level < 1:
        raise UsageError(f"level: got {level}, expected a number between 0 and 1, such as 0.95")
    if n_boot < 100:
        raise UsageError(f"n_boot: got {n_boot}, expected at least 100 resamples")
    columns = [None] if by is None else [by] if isinstance(by, str) else list(by)
    names = [variable(name).name for name in variables]
    frame = as_frame(sites, "sites", required=[*(c for c in columns if c), *names])
    if frame.is_empty():
        raise DataError("sites: the table has no rows, so there is nothing to describe")
    values = {name: numbers(frame, name, "sites").to_numpy() for name in names}
    cluster = _clusters(frame)
    rows: list[dict[str, Any]] = []
    for column in columns:
        for group, members in _groups(frame, column):
            rows += [_statement(values[name][members], cluster[members], level, n_boot, np.random.default_rng(seed))
                     | {"by": column or "all", "group": group, "variable": name, "units": variable(name).units}
                     for name in names]
    used = frame.select(name for name in frame.columns if name in {*columns, *names, "cluster"})
    settings = {"by": columns, "variables": names, "level": level, "n_boot": n_boot, "seed": seed}
    return Description(pl.DataFrame(rows, schema=_SCHEMA), settings, frame_hash(used))


def cluster_interval(values: NDArray[np.float64], cluster: NDArray[Any], *, level: float, n_boot: int,
                     generator: np.random.Generator) -> tuple[float, float]:
    """
    Cluster-bootstrap interval of a mean: expanded percentiles of means of resampled clusters.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Without NaN.
    cluster : ndarray, shape (n,)
        Which cluster each value belongs to; at least two different ones.
    level : float
        Between 0 and 1.
    n_boot : int
        Resamples.
    generator : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    tuple of float
        Lower and upper end, in the unit of `values`.

    Examples
    --------
    >>> low, high = cluster_interval(np.array([1.0, 2, 3, 4]), np.arange(4), level=0.9, n_boot=2000,
    ...                              generator=np.random.default_rng(1))
    >>> 1.0 <= low < 2.5 < high <= 4.0
    True
    """
    _, member = np.unique(cluster, return_inverse=True)
    count = np.bincount(member)
    total = np.bincount(member, weights=values)
    k = count.size
    times_drawn = generator.multinomial(k, np.full(k, 1 / k), size=n_boot)
    means = (times_drawn @ total) / (times_drawn @ count)
    tail = _tail(k, level)
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def _tail(k: int, level: float) -> float:
    """The tail that the expanded percentiles of k clusters leave out on either side."""
    from scipy.special import ndtr, stdtrit

    return float(ndtr(-sqrt(k / (k - 1)) * stdtrit(k - 1, (1 + level) / 2)))


def _clusters(frame: pl.DataFrame) -> NDArray[np.int64]:
    """Cluster numbers; a site without one, or every site where the column is missing, is a cluster of its own."""
    alone = np.arange(frame.height)
    if "cluster" not in frame.columns:
        return alone
    named = frame["cluster"].is_not_null().to_numpy()
    rank = frame["cluster"].rank("dense").fill_null(0).to_numpy().astype(np.int64)
    return np.where(named, rank, -1 - alone)


def _groups(frame: pl.DataFrame, column: str | None) -> list[tuple[str, NDArray[np.bool_]]]:
    """Groups in the catalogue's order, then as they come; sites without a group are named so."""
    if column is None:
        return [("all sites", np.ones(frame.height, dtype=bool))]
    label = frame[column].cast(pl.String).fill_null("(none)")
    order = [name for region in REGIONS.values() for name in (region.name, *region.subregions)]
    found = label.unique(maintain_order=True).to_list()
    ranked = sorted(found, key=lambda name: order.index(name) if name in order else len(order))
    return [(name, (label == name).to_numpy()) for name in ranked]


def _statement(values: NDArray[np.float64], cluster: NDArray[Any], level: float, n_boot: int,
               generator: np.random.Generator) -> dict[str, Any]:
    known = ~np.isnan(values)
    v, c = values[known], cluster[known]
    n, k = v.size, np.unique(c).size
    row: dict[str, Any] = {"n": n, "n_sites": values.size, "n_clusters": k}
    if n == 0:
        return row | {"reason": f"no values at {values.size} sites"}
    row |= {"mean": float(v.mean()), "min": float(v.min()), "max": float(v.max())}
    if n == 1:
        return row | {"reason": "one value: no spread, no interval"}
    return row | _spread(v, c, k, level, n_boot, generator)


def _spread(v: NDArray[np.float64], c: NDArray[Any], k: int, level: float, n_boot: int,
            generator: np.random.Generator) -> dict[str, Any]:
    from scipy.special import stdtrit

    reasons = []
    mean, sd = float(v.mean()), float(v.std(ddof=1))
    se = sd / sqrt(v.size)
    reach = float(stdtrit(v.size - 1, (1 + level) / 2)) * se
    row: dict[str, Any] = {"se": se, "sd": sd, "t_low": mean - reach, "t_high": mean + reach}
    if abs(mean) < 2 * se or mean == 0:
        reasons.append(f"cv withheld: |mean| {abs(mean):.3g} is below 2 SE ({2 * se:.3g})")
    else:
        row["cv"] = abs(sd / mean)
    if k < FEW_CLUSTERS:
        reasons.append(f"no bootstrap interval: {k} cluster{'s' * (k != 1)}")
    else:
        row["ci_low"], row["ci_high"] = cluster_interval(v, c, level=level, n_boot=n_boot, generator=generator)
        if _tail(k, level) <= float(k) ** -k:  # rarer than drawing one cluster k times: no wider interval exists
            reasons.append(f"bootstrap interval is the range of the means of {k} clusters: it may be too short")
    return row | {"reason": "; ".join(reasons) or None}


def _sentence(row: Mapping[str, Any], level: float) -> str:
    entry = variable(row["variable"])
    lead = f"{row['group']}: {entry.short}"
    if row["mean"] is None:
        return f"{lead} not known ({row['reason']})."
    unit = shown_unit(entry.units)
    shown = {name: f"{round(row[name], 1) + 0.0:.1f}" for name in ("mean", "min", "max", "ci_low", "ci_high")
             if row[name] is not None}  # + 0.0: no "-0.0" in a sentence
    if row["se"] is None:
        return f"{lead} {shown['mean']} {unit} at one site."
    interval = (f", {level * 100:g} % CI {shown['ci_low']} to {shown['ci_high']} from {row['n_clusters']} clusters"
                if "ci_low" in shown else "")
    return (f"{lead} {shown['mean']} ± {row['se']:.2g} {unit} (n = {row['n']}, "
            f"range {shown['min']} to {shown['max']}{interval}).")


