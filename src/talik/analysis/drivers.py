"""Which predictors drive an offset, how surely, and whether the data can tell at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from talik.analysis.candidates import Candidates, Floats, candidates
from talik.analysis.learners import chosen_rounds
from talik.analysis.predictors import Judgement, Origin, judge_predictors
from talik.analysis.refits import Refits, cluster_weights, correlated_groups, refit
from talik.analysis.skill import repeated_skill
from talik.errors import UsageError, unknown
from talik.results import Result

Verdict = Literal["declared", "not resolved", "no skill beyond the mean"]
LEAST_SKILL = 0.10
"""Skill beyond the mean, with clusters and with regions held out, that a declared driver needs."""
TOP_SHARE = 0.70
"""Share of refits in which a declared driver must come first. Both were chosen on simulated tables."""
REPEATS = 3
FEWEST_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class DriverRanking(Result):
    """
    Drivers of a response, ranked, with a verdict.

    Attributes
    ----------
    verdict : {"declared", "not resolved", "no skill beyond the mean"}
        Whether the data resolve a leading driver.
    driver : str or None
        The declared driver, or group of drivers that cannot be told apart; None unless declared.
    reasons : tuple of str
        Why, in words.
    table : polars.DataFrame
        One row a predictor: `importance` [K] with interval, `rank` with interval, `share_top`, `slope` [K per unit of
        the predictor] with interval, `direction`, `group`, `flags`, `reason` (of a predictor that was left out).
    groups : polars.DataFrame
        The same for groups of predictors that are correlated beyond 0.7 and scored together.
    interactions : polars.DataFrame
        One row a pair: `strength` [K] with interval, `share` of the strongest single importance.
    dependence : polars.DataFrame
        One row a site and predictor: value, out-of-bag `contribution` [K] with interval over refits.
    skill : polars.DataFrame
        Skill of the boosted trees beyond the mean with clusters and with regions held out, with 90 % intervals; once
        for all predictors and once for those whose gaps do not follow a region. With it, the skill of the mean of each
        region, which knows no predictor.
    """

    figure: ClassVar[str] = "talik.figures.drivers:ranking"
    response: str
    verdict: Verdict
    driver: str | None
    reasons: tuple[str, ...]
    table: pl.DataFrame = field(repr=False)
    groups: pl.DataFrame = field(repr=False)
    interactions: pl.DataFrame = field(repr=False)
    dependence: pl.DataFrame = field(repr=False)
    skill: pl.DataFrame = field(repr=False)
    notes: tuple[str, ...]
    settings: Mapping[str, Any] = field(repr=False)
    data_hash: str = field(repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row a predictor, those left out last."""
        return self.table

    def __str__(self) -> str:
        lead = f"{self.driver} declared as the leading driver" if self.driver else self.verdict
        return f"{self.response}: {lead}. " + " ".join(f"{reason[0].upper()}{reason[1:]}." for reason in self.reasons)


def rank_drivers(sites: Any, response: str, predictors: Sequence[str] | None = None, *, refits: int = 500,
                 groups: str | Mapping[str, Sequence[str]] = "auto", coordinates: bool = False, reach_km: float = 60.0,
                 level: float = 0.90, origins: Mapping[str, Origin] | None = None,
                 response_period: tuple[int, int] | None = None, seed: int = 0) -> DriverRanking:
    """
    Drivers of an offset ranked by out-of-bag contributions of boosted trees refitted on resampled clusters.

    Parameters
    ----------
    sites : polars or pandas frame, or mapping
        One row a site: the response, predictors, `latitude` and `longitude` [degrees] or `cluster`, and `region` or
        `subregion`.
    response : str
        Such as "surface_offset" or "thermal_offset" [K].
    predictors : sequence of str, optional
        Candidate drivers; those of the catalogue that the table holds when None.
    refits : int
        Bootstrap samples of whole clusters; 500 or more for results that are shown.
    groups : "auto", "none" or mapping of name to predictors
        Predictors scored together; "auto" joins those correlated beyond 0.7.
    coordinates : bool
        Whether latitude and longitude may be drivers; they name places and let trees learn regions by heart.
    reach_km : float
        Sites closer than this form a cluster [km].
    level : float
        Coverage of the intervals.
    origins, response_period
        As for `judge_predictors`: distances, cells and periods of the predictors.
    seed : int
        Of folds and resampling.

    Returns
    -------
    DriverRanking
        Read `verdict` and `reasons` first: there is a ranking whatever the skill, a driver only if "declared".

    Raises
    ------
    DataError
        If fewer than 20 rows have the response and a known place, there are fewer than 5 clusters, a value is infinite,
        a cell holds text, or no predictor is left (constant, missing everywhere, or a coordinate).
    UsageError
        If columns are missing, named twice, or `refits` is below 20.

    Notes
    -----
    Importance is the mean absolute contribution over rows that the refit did not see. Mean *signed* contributions on
    the rows a model was fitted to sum to zero over the predictors and tell no direction; `slope` does: the
    least-squares slope of the contribution on the predictor over the unseen rows.

    A driver is declared when boosted trees keep a skill of 0.10 beyond the mean with clusters and with whole regions
    held out, and more than the mean of each region has; when the same group comes first in 70 % of the refits; and when
    its missing values do not follow a region. If the 90 % interval of the skill with clusters held out reaches zero
    there is "no skill beyond the mean". Predictors whose gaps follow a region tell trees where a site lies; the skill
    that counts is that of the others. The thresholds were chosen on simulated tables and judged on others (see the
    how-to on drivers).

    Examples
    --------
    >>> from talik.analysis.planted import planted_drivers
    >>> ranking = rank_drivers(planted_drivers("strong", seed=4), "surface_offset", refits=20)
    >>> ranking.verdict, ranking.driver
    ('declared', 'snow_depth + snow_cover + snow_water_equivalent')
    """
    if refits < 20 or not 0.5 <= level < 1:
        raise UsageError(f"refits, level: got {refits}, {level}; expected at least 20 refits and a level in [0.5, 1)")
    c = candidates(sites, response, predictors, coordinates=coordinates, reach_km=reach_km)
    grouped = correlated_groups(c, groups)
    judged = judge_predictors(sites, c.predictors, response=response, response_period=response_period,
                              reach_km=reach_km,
                              origins={name: o for name, o in (origins or {}).items() if name in c.predictors})
    skill = _skills(c, judged, seed)
    chosen = chosen_rounds(c.X, c.y, c.cluster, np.random.default_rng(seed))
    weights = cluster_weights(c.cluster, refits, seed)
    found = refit(c, [[c.column(name) for name in group] for group in grouped.values()], weights,
                  max(chosen, FEWEST_ROUNDS), seed=seed)
    table, group_table = _tables(c, found, grouped, judged, level)
    verdict, driver, reasons = _verdict(skill, group_table, grouped, judged)
    few = (f"inner folds chose {chosen} rounds of boosting; {FEWEST_ROUNDS} were used so that ranks exist",)
    return DriverRanking(
        response=response, verdict=verdict, driver=driver, reasons=reasons, table=table, groups=group_table,
        interactions=_interactions(c, found, level), dependence=_dependence(c, found, level), skill=skill,
        notes=(*c.notes, *(few if chosen < FEWEST_ROUNDS else ())), data_hash=c.data_hash,
        settings={"predictors": c.predictors, "refits": refits, "groups": grouped, "coordinates": coordinates,
                  "reach_km": reach_km, "level": level, "seed": seed, "rounds": max(chosen, FEWEST_ROUNDS)})


def interaction_strength(ranking: DriverRanking, *, top: int = 10) -> pl.DataFrame:
    """
    The strongest pairwise interactions of a ranking, on out-of-bag rows.

    Parameters
    ----------
    ranking : DriverRanking
        From `rank_drivers`.
    top : int
        How many pairs.

    Returns
    -------
    polars.DataFrame
        driver, other, strength [K] (mean absolute joint contribution) with interval, share of the largest importance.

    Examples
    --------
    >>> from talik.analysis.planted import planted_drivers
    >>> ranking = rank_drivers(planted_drivers("strong", seed=4), "surface_offset", ["snow_depth", "albedo"], refits=20)
    >>> interaction_strength(ranking).select("driver", "other").rows()
    [('snow_depth', 'albedo')]
    """
    return ranking.interactions.head(top)


def dependence(ranking: DriverRanking, driver: str) -> pl.DataFrame:
    """
    How the contribution of one predictor follows its value, at sites the refits did not see.

    Returns
    -------
    polars.DataFrame
        One row a site: region, value, contribution [K] with interval over refits. Contribution is null, with a reason,
        at sites that were in every bag.

    Raises
    ------
    UnknownName
        If the predictor was not ranked.
    """
    part = ranking.dependence.filter(predictor=driver)
    if part.is_empty():
        raise unknown("driver", driver, ranking.dependence["predictor"].unique())
    return part


def _skills(c: Candidates, judged: Judgement, seed: int) -> pl.DataFrame:
    """Skill of all predictors and, where some have gaps that follow a region, of the others alone."""
    trusted = [name for name in c.predictors if "missing_follows_region" not in judged.flags(name)]
    sets = {"all": c}
    if 0 < len(trusted) < len(c.predictors):
        sets["gaps do not follow a region"] = replace(
            c, predictors=tuple(trusted), X=c.X[:, [c.column(name) for name in trusted]])
    rows = [(c.response, kind, "boosted_trees", scheme, *repeated_skill(part, scheme, repeats=REPEATS, seed=seed))
            for kind, part in sets.items() for scheme in ("cluster", "region")]
    rows.append((c.response, "none", "region_mean", "cluster",
                 *repeated_skill(c, "cluster", repeats=REPEATS, seed=seed, model="region_mean")))
    names = ["response", "predictors", "model", "scheme", "skill", "skill_low", "skill_high", "reason"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("skill", "skill_low", "skill_high").fill_nan(None), pl.col("reason").replace("", None))


def _interval(values: Floats, level: float) -> tuple[Floats, Floats]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _scores(importance: Floats, level: float) -> dict[str, Any]:
    """Importance and rank with intervals, and the share of refits in which each column comes first."""
    low, high = _interval(importance, level)
    rank = (-importance).argsort(axis=1).argsort(axis=1) + 1
    rank_low, rank_high = np.quantile(rank, [(1 - level) / 2, (1 + level) / 2], axis=0, method="inverted_cdf")
    mean = importance.mean(axis=0)
    return {"importance": mean, "importance_low": low, "importance_high": high,
            "rank": (-mean).argsort().argsort() + 1, "rank_low": rank_low.astype(int),
            "rank_high": rank_high.astype(int), "share_top": (rank == 1).mean(axis=0)}


def _tables(c: Candidates, found: Refits, grouped: Mapping[str, Sequence[str]], judged: Judgement,
            level: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    low, high = _interval(found.slope, level)
    home = {name: group for group, names in grouped.items() for name in names}
    table = pl.DataFrame({
        "response": [c.response] * len(c.predictors), "driver": list(c.predictors),
        "group": [home[name] for name in c.predictors], **_scores(found.importance, level),
        "slope": found.slope.mean(axis=0), "slope_low": low, "slope_high": high,
        "direction": np.where(low > 0, "rises", np.where(high < 0, "falls", "unclear")),
        "flags": [", ".join(judged.flags(name)) for name in c.predictors]}).sort("rank")
    left = pl.DataFrame({"response": [c.response] * len(c.left_out), "driver": list(c.left_out),
                         "reason": list(c.left_out.values())},
                        schema={"response": pl.String, "driver": pl.String, "reason": pl.String})
    groups = pl.DataFrame({"response": [c.response] * len(grouped), "driver": list(grouped),
                           **_scores(found.group_importance, level),
                           "members": [len(names) for names in grouped.values()]}).sort("rank")
    return pl.concat([table, left], how="diagonal"), groups


def _interactions(c: Candidates, found: Refits, level: float) -> pl.DataFrame:
    i, j = np.triu_indices(len(c.predictors), 1)
    pairs = found.pair[:, i, j]
    low, high = _interval(pairs, level)
    largest = float(found.importance.mean(axis=0).max())
    names = np.array(c.predictors)
    return pl.DataFrame({"response": [c.response] * i.size, "driver": names[i], "other": names[j],
                         "strength": pairs.mean(axis=0), "strength_low": low, "strength_high": high,
                         "share": pairs.mean(axis=0) / largest if largest > 0 else np.zeros(i.size)}
                        ).sort("strength", descending=True)


def _dependence(c: Candidates, found: Refits, level: float) -> pl.DataFrame:
    words = c.sites.select(w for w in ("site", "region", "subregion") if w in c.sites.columns)
    unseen = ~np.isnan(found.contribution[:, :, 0])
    seen_always = ~unseen.any(axis=0)
    values = found.contribution[:, ~seen_always]
    parts = []
    for j, name in enumerate(c.predictors):
        mean, low, high = (np.full(c.y.size, np.nan) for _ in range(3))
        mean[~seen_always] = np.nanmean(values[:, :, j], axis=0)
        low[~seen_always], high[~seen_always] = np.nanquantile(
            values[:, :, j], [(1 - level) / 2, (1 + level) / 2], axis=0)
        parts.append(words.with_columns(
            predictor=pl.lit(name), value=pl.Series(c.X[:, j]).fill_nan(None),
            contribution=pl.Series(mean).fill_nan(None), contribution_low=pl.Series(low).fill_nan(None),
            contribution_high=pl.Series(high).fill_nan(None), refits=pl.Series(unseen.sum(axis=0)),
            reason=pl.Series(np.where(seen_always, "in every bag", "")).replace("", None)))
    return pl.concat(parts)


def _verdict(skills: pl.DataFrame, groups: pl.DataFrame, grouped: Mapping[str, Sequence[str]],
             judged: Judgement) -> tuple[Verdict, str | None, tuple[str, ...]]:
    top, share = str(groups["driver"][0]), float(groups["share_top"][0])
    kind = skills["predictors"][-2]
    by_region = float(skills["skill"][-1])
    cluster, region = skills.filter(predictors=kind).select("skill", "skill_low", "skill_high").rows()
    whose = "boosted trees" if kind == "all" else "boosted trees on the predictors whose gaps do not follow a region"
    reasons = [f"with clusters of sites held out, {whose} have a skill of {_shown(cluster)} beyond the mean",
               "there is one region only, so nothing is known of other regions" if region[0] is None else
               f"with whole regions held out it is {_shown(region)}"]
    if kind != "all":
        reasons.append("with all predictors these are " + " and ".join(
            _shown(row) for row in skills.filter(predictors="all").select("skill", "skill_low", "skill_high").rows()
            if row[0] is not None))
    if cluster[1] <= 0:
        return ("no skill beyond the mean", None,
                (*reasons, "nothing surely beats the mean at places without a station: no driver can be named"))
    doubts = [f"{name} is {detail}" for name, flag, detail in judged.table.rows()
              if name in grouped[top] and flag == "missing_follows_region"]
    if cluster[0] < LEAST_SKILL or (region[0] or 0.0) < LEAST_SKILL:
        doubts.append(f"a declared driver needs {LEAST_SKILL:.2f} of both")
    if by_region >= cluster[0]:
        doubts.append(f"the mean of each region, without any predictor, does as well ({by_region:.2f})")
    first = f"{top} comes first in {100 * share:.0f} % of the refits"
    if share < TOP_SHARE:
        doubts.append(f"{first}, {100 * TOP_SHARE:.0f} % are needed")
    if doubts:
        return "not resolved", None, (*reasons, *doubts)
    if len(grouped[top]) > 1:
        first += "; its members go together and cannot be told apart"
    return "declared", top, (*reasons, first)


def _shown(skill: Sequence[float]) -> str:
    return f"{skill[0]:.2f} [{skill[1]:.2f}, {skill[2]:.2f}]"
