"""Slopes of an offset on a composite driver within groups of sites, and their pooled mean, by two profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.analysis.meta import pool
from talik.analysis.pooled import Pooled
from talik.analysis.slope_checks import liu2025_checks, standard_errors, talik_checks
from talik.errors import DataError, UsageError, unknown
from talik.frames import as_frame, frame_hash, numbers
from talik.kernels.group_regression import Component, first_component, group_lines, hc3
from talik.results import Result

Array = NDArray[np.float64]
Variance = Literal["pooled", "moderated", "own", "HC3"]
PRIOR_DF = 4.0
"""Weight of the pooled residual variance in a moderated one, in degrees of freedom."""
MIN_N: Mapping[str, int] = {"liu2025": 3, "talik": 5}
_HC3_MIN_N = 8
_SCHEMA = {"group": pl.String, "subgroup": pl.String, "n": pl.Int64, "driver": pl.String, "slope": pl.Float64,
           "se": pl.Float64, "df": pl.Int64, "explained": pl.Float64, "congruence": pl.Float64,
           "sign_by_rule": pl.Boolean, "reason": pl.String}


@dataclass(frozen=True, slots=True)
class GroupSlopes(Result):
    """
    Slopes within groups and what they say together; made by `group_slopes`.

    Parameters
    ----------
    slopes : polars.DataFrame
        One row a group, also those left out; see `to_frame`.
    loadings : polars.DataFrame
        One row a group and predictor: loading on the composite the slope refers to, and on the group's own component.
    pooled : Pooled
        Random-effects mean over the groups, with the first of `by` as subgroups.
    checks : polars.DataFrame
        One row a check: check, value, low, high, p, n, meaning.
    settings : mapping
        What was asked.
    data_hash : str
        sha256 of the rows used.
    """

    figure: ClassVar[str] = "talik.figures.forest:forest"
    slopes: pl.DataFrame = field(repr=False)
    loadings: pl.DataFrame = field(repr=False)
    pooled: Pooled
    checks: pl.DataFrame = field(repr=False)
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """
        One row a group: group, subgroup, n, driver ("PC1" or the one predictor that varies), slope and se [K per unit
        of the composite], df, explained (share of the group's variance on its component), congruence (with the common
        component), sign_by_rule (whether another rule would turn the sign), reason (why the group was left out).
        """
        return self.slopes.clone()

    def plot(self, ax: Any = None, **style: Any) -> Any:
        """Forest plot of the groups with the pooled means."""
        return self.pooled.plot(ax, **style)

    def __str__(self) -> str:
        left = int(self.slopes["reason"].is_not_null().sum())
        response, profile = self.settings["response"], self.settings["profile"]
        return (f"{response} on {self.settings['unit']}, profile {profile}: {self.pooled} "
                f"{left} of {self.slopes.height} groups left out.")


def group_slopes(sites: Any, response: str, predictors: Sequence[str], *, by: Sequence[str] = ("region", "vegetation"),
                 profile: str = "talik", min_n: int | None = None, anchor: str | None = None,
                 variance: Variance = "pooled", cell: str | None = None, level: float = 0.95, replicates: int = 2000,
                 seed: int = 1) -> GroupSlopes:
    """
    Regress an offset on a composite driver within groups of sites, and pool the slopes.

    Parameters
    ----------
    sites : frame
        One row a site with `response` [K], `predictors` and the columns of `by`.
    response : str
        "surface_offset" or "thermal_offset", or any column.
    predictors : sequence of str
        The columns that make the composite.
    by : sequence of two str
        Region-like column (the subgroups of the pooling), class-like column; a group is a pair.
    profile : {"talik", "liu2025"}
        `liu2025`: predictors standardised within the group, the group's own first component (or the single predictor
        that varies), ordinary standard errors, normal interval. `talik`: one common component over all sites,
        anchored and of unit standard deviation, standard errors from a shared residual variance, Hartung-Knapp
        interval never narrower than the normal one.
    min_n : int, optional
        Smallest group; 3 for `liu2025`, 5 for `talik`.
    anchor : str, optional
        Predictor whose loading on the common component is positive; the first by default.
    variance : {"pooled", "moderated", "own", "HC3"}
        Residual variance behind the standard errors of `talik`: shared by all groups, drawn towards the shared one
        (prior weight 4 degrees of freedom), each group's own, or heteroscedasticity-consistent (groups of 8 or more).
    cell : str, optional
        Column that says which sites share a grid cell; by default cells of 0.1 degree from the coordinates.
    level : float
        Of the intervals.
    replicates, seed : int
        For the permutation, the parametric bootstrap and the random signs.

    Returns
    -------
    GroupSlopes
        Groups that are too small or do not vary have null slopes and the reason. Pooled slopes in K per standard
        deviation of the common composite (`talik`) or per unit of each group's own component (`liu2025`).

    Raises
    ------
    UnknownName
        If a column or the profile does not exist.
    UsageError
        If `min_n` is below 3, or `by` does not name two columns.
    DataError
        If a cell is not a number, or no site is complete.

    Notes
    -----
    The sign of a component is arbitrary. Under `liu2025` it is pinned within each group by one rule (the loadings
    sum to a positive number); `sign_by_rule` marks the groups in which another rule (the largest loading is positive)
    gives the other sign, and `checks` shows what random signs do to the pooled slope.

    References
    ----------
    .. [1] Liu et al. (2025), doi:10.1038/s41612-025-01235-1 (the published procedure).
    .. [2] Smyth (2004), Stat. Appl. Genet. Mol. Biol. 3, doi:10.2202/1544-6115.1027 (moderated variances).
    .. [3] IntHout, Ioannidis & Borm (2014), doi:10.1186/1471-2288-14-25 (Hartung-Knapp).

    Examples
    --------
    >>> rng = np.random.default_rng(1); x = rng.normal(size=60)
    >>> table = {"region": ["A", "B", "C"] * 20, "vegetation": ["Tundra"] * 60, "snow_depth": x,
    ...          "surface_offset": 2 * x + rng.normal(size=60)}
    >>> result = group_slopes(table, "surface_offset", ["snow_depth"], replicates=200)
    >>> bool(result.pooled.interval[0] < 2 * x.std(ddof=1) < result.pooled.interval[1])
    True
    """
    if profile not in MIN_N:
        raise unknown("profile", profile, MIN_N)
    if len(tuple(by)) != 2:
        raise UsageError(f"by: got {by!r}, expected two columns, such as ('region', 'vegetation')")
    smallest = MIN_N[profile] if min_n is None else min_n
    if smallest < 3:
        raise UsageError(f"min_n: got {smallest}; a line with an error needs at least 3 sites")
    predictors = list(predictors)
    if not predictors:
        raise UsageError("predictors: got none, expected at least one column")
    if twice := sorted({name for name in predictors if predictors.count(name) > 1}):
        raise UsageError(f"predictors: {', '.join(twice)} named more than once")
    if response in predictors:
        raise UsageError(f"predictors: {response!r} is the response and cannot explain itself")
    if anchor is not None and anchor not in predictors:
        raise unknown("anchor", anchor, predictors)
    frame = as_frame(sites, "sites", required=[response, *predictors, *by])
    if cell is not None and cell not in frame.columns:
        raise unknown("column", cell, frame.columns)
    table = _complete(frame, response, predictors, by, cell)
    used = table.filter(pl.col("complete"))
    if used.is_empty():
        raise DataError(f"sites: no site has {response}, {', '.join(predictors)} and {' and '.join(by)} all at once; "
                        "nothing to regress")
    settings = {"response": response, "predictors": predictors, "by": list(by), "profile": profile,
                "min_n": smallest, "anchor": anchor or predictors[0], "variance": variance, "level": level,
                "prior_df": PRIOR_DF, "replicates": replicates, "seed": seed,
                "unit": "one SD of the common component" if profile == "talik" else "each group's own component"}
    make = _own_components if profile == "liu2025" else _common_component
    slopes, loadings, scored = make(table, used, predictors, settings)
    kept = slopes.filter(pl.col("reason").is_null())
    pooled = pool(kept["slope"], kept["se"], labels=kept["group"], level=level, prediction="HTS",
                  subgroup=kept["subgroup"] if kept.height else None,
                  ci="classic" if profile == "liu2025" else "HK_ci")
    if profile == "liu2025":
        checks = liu2025_checks(kept, replicates=replicates, seed=seed, level=level)
    else:
        checks = talik_checks(scored, kept, pooled, settings)
    return GroupSlopes(slopes, loadings, pooled, checks, settings, frame_hash(used))


def _complete(frame: pl.DataFrame, response: str, predictors: list[str], by: Sequence[str],
              cell: str | None) -> pl.DataFrame:
    """The rows with group, subgroup, cell, response, predictors as numbers, and whether all are there."""
    columns = {name: numbers(frame, name, "sites") for name in [response, *predictors]}
    for name, series in columns.items():
        if series.is_infinite().any():
            raise DataError(f"sites: column {name!r} holds an infinite value; expected numbers or blanks")
    first, second = (frame[name].cast(pl.String) for name in by)
    return pl.DataFrame({"group": first + " / " + second, "subgroup": first, "cell": _cells(frame, cell), **columns}
                        ).with_columns(complete=pl.all_horizontal(pl.col("group", *columns).is_not_null()))


def _groups(table: pl.DataFrame) -> list[tuple[str, str, pl.DataFrame]]:
    """Every group with all of its rows, in the order of first appearance."""
    named = table.drop_nulls("group")
    return [(str(rows["group"][0]), str(rows["subgroup"][0]), rows)
            for rows in named.partition_by("group", maintain_order=True)]


def _left_out(rows: pl.DataFrame, predictors: list[str], response: str, smallest: int) -> str | None:
    """Why a group has no slope, or None."""
    whole = rows.filter("complete")
    if whole.height < smallest:
        missing = rows.height - whole.height
        lacking = f" ({missing} more lack a value)" if missing else ""
        return f"{whole.height} complete site{'s' * (whole.height != 1)}{lacking}, at least {smallest} are needed"
    if not _varies(whole[response].to_numpy()):
        return f"{response} does not vary"
    if not any(_varies(whole[name].to_numpy()) for name in predictors):
        return "no predictor varies"
    return None


def _varies(values: Array) -> bool:
    return bool(np.ptp(values) > 1e-9 * max(1.0, float(np.abs(values).max())))


def _own_components(table: pl.DataFrame, used: pl.DataFrame, predictors: list[str], settings: Mapping[str, Any]
                    ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """As published: each group's own first component, or its only varying predictor, standardised within the group."""
    rows, loadings = [], []
    for name, subgroup, members in _groups(table):
        row: dict[str, Any] = {"group": name, "subgroup": subgroup, "n": int(members["complete"].sum())}
        reason = _left_out(members, predictors, settings["response"], settings["min_n"])
        if reason:
            rows.append(row | {"reason": reason})
            continue
        whole = members.filter("complete")
        varying = [p for p in predictors if _varies(whole[p].to_numpy())]
        part = first_component(whole.select(varying).to_numpy())
        line = group_lines(part.scores, whole[settings["response"]].to_numpy(), np.zeros(whole.height, np.int64), 1)
        df = whole.height - 2
        rows.append(row | {
            "driver": "PC1" if len(varying) > 1 else varying[0], "slope": float(line.slope[0]), "df": df,
            "se": float(np.sqrt(line.rss[0] / df / line.sxx[0])), "explained": part.explained,
            "sign_by_rule": bool(part.loadings[np.argmax(np.abs(part.loadings))] < 0)})
        loadings += [(name, p, float(v), float(v)) for p, v in zip(varying, part.loadings, strict=True)]
    return _slope_frame(rows), _loading_frame(loadings), used


def _common_component(table: pl.DataFrame, used: pl.DataFrame, predictors: list[str], settings: Mapping[str, Any]
                      ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """As recommended: one component over all sites, anchored, of unit standard deviation; shared residual variance."""
    flat = [p for p in predictors if not _varies(used[p].to_numpy())]
    if flat:
        raise DataError(f"sites: {', '.join(flat)} {'does' if len(flat) == 1 else 'do'} not vary over the "
                        f"{used.height} complete sites; leave out of predictors")
    common = first_component(used.select(predictors).to_numpy())
    turn = 1.0 if common.loadings[predictors.index(settings["anchor"])] >= 0 else -1.0
    axis = turn * common.loadings
    score = turn * common.scores / common.scores.std(ddof=1)
    scored = used.with_columns(score=pl.Series(score))
    rows, fitted = [], []
    loadings = [("all sites", p, float(v), float(v)) for p, v in zip(predictors, axis, strict=True)]
    for name, subgroup, members in _groups(table):
        row: dict[str, Any] = {"group": name, "subgroup": subgroup, "n": int(members["complete"].sum())}
        whole = scored.filter(pl.col("group") == name)
        reason = _left_out(members, predictors, settings["response"], settings["min_n"])
        if reason is None and not _varies(whole["score"].to_numpy()):
            reason = "the common component does not vary"
        if reason is None and settings["variance"] == "HC3" and whole.height < _HC3_MIN_N:
            reason = f"{whole.height} sites, HC3 needs at least {_HC3_MIN_N}"
        if reason:
            rows.append(row | {"reason": reason})
            continue
        own = _own_axis(whole, predictors)
        rows.append(row | {"driver": "PC1" if len(predictors) > 1 else predictors[0], "explained": own.explained,
                           "congruence": abs(float(own.loadings @ axis)) / float(np.linalg.norm(axis)),
                           "sign_by_rule": False})
        loadings += [(name, p, float(a), float(o)) for p, a, o in zip(predictors, axis, own.loadings, strict=True)]
        fitted.append(whole)
    _add_errors([row for row in rows if "reason" not in row], fitted, settings)
    return _slope_frame(rows), _loading_frame(loadings), pl.concat(fitted) if fitted else scored.clear()


def _own_axis(whole: pl.DataFrame, predictors: list[str]) -> Component:
    """The group's own first component, with zero loadings for predictors that do not vary in it."""
    varying = [p for p in predictors if _varies(whole[p].to_numpy())]
    part = first_component(whole.select(varying).to_numpy())
    full = np.zeros(len(predictors))
    full[[predictors.index(p) for p in varying]] = part.loadings
    return part._replace(loadings=full)


def _add_errors(rows: list[dict[str, Any]], fitted: list[pl.DataFrame], settings: Mapping[str, Any]) -> None:
    """Put slope, standard error and degrees of freedom into the rows of the groups that are fitted, in their order."""
    if not fitted:
        return
    joined, response = pl.concat(fitted), settings["response"]
    number = np.repeat(np.arange(len(fitted)), [whole.height for whole in fitted])
    lines = group_lines(joined["score"].to_numpy(), joined[response].to_numpy(), number, len(fitted))
    free = lines.n - 2
    if settings["variance"] == "HC3":
        se = np.array([hc3(whole["score"].to_numpy(), whole[response].to_numpy()) for whole in fitted])
    else:
        se = standard_errors(lines, settings["variance"], PRIOR_DF)
    df = {"pooled": np.full(free.size, free.sum()), "moderated": free + int(PRIOR_DF)}.get(settings["variance"], free)
    for row, slope, error, degrees in zip(rows, lines.slope, se, df, strict=True):
        row.update(slope=float(slope), se=float(error), df=int(degrees))


def _slope_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in _SCHEMA} for row in rows], schema=_SCHEMA)


def _loading_frame(rows: list[tuple[str, str, float, float]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"group": pl.String, "predictor": pl.String, "loading": pl.Float64,
                                      "own_loading": pl.Float64}, orient="row")


def _cells(frame: pl.DataFrame, cell: str | None) -> pl.Series:
    """Which sites share a grid cell: the given column, else cells of 0.1 degree, else every site its own."""
    own = pl.format("site {}", pl.int_range(pl.len()))
    if cell is not None:
        return frame.select(pl.col(cell).cast(pl.String).fill_null(own)).to_series()
    if not {"latitude", "longitude"} <= set(frame.columns):
        return frame.select(own).to_series()
    place = [(numbers(frame, name, "sites") * 10).floor() / 10 for name in ("latitude", "longitude")]
    return frame.select(pl.format("{} N {} E", *place).fill_null(own)).to_series()
