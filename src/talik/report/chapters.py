"""The chapters on drivers and slopes: what was found, how surely, and how the two profiles differ."""

from __future__ import annotations

import polars as pl

from talik.report.material import Material, in_words, named, ranged
from talik.report.parts import Column, Heading, Paragraph, Part, Section, Table
from talik.variables import variable

_SKILL = [Column("response", "Response"), Column("scheme", "Sites held out"), Column("model", "Model"),
          Column("n", "n"), Column("n_folds", "Folds"), Column("skill", "Skill", 2), Column("ends", "Interval"),
          Column("rmse", "RMSE (°C)", 2), Column("null_high", "Permuted, 95 %", 2),
          Column("p", "p", 2), Column("reason", "Why a value is missing")]
_RANKS = [Column("response", "Response"), Column("driver", "Predictor"), Column("importance", "Importance (°C)", 2),
          Column("ends", "Interval"), Column("rank", "Rank"), Column("rank_ends", "Ranks"),
          Column("share_top", "First in", 2), Column("direction", "Direction"),
          Column("flags", "Flags"), Column("reason", "Why it was left out")]
_PUBLISHED = [Column("response", "Response"), Column("rank", "Rank"), Column("driver", "Predictor"),
              Column("mean_abs_contribution", "Mean |contribution| (°C)", 3),
              Column("mean_contribution", "Mean contribution (°C)", 3), Column("mean_value", "Mean value"),
              Column("n_missing", "Missing")]
_PUBLISHED_SKILL = [Column("response", "Response"), Column("scheme", "Sites held out"), Column("r2", "R²", 2),
                    Column("rmse", "RMSE (°C)", 2), Column("n", "n"), Column("reason", "Why a value is missing")]


def drivers(material: Material) -> Section | None:
    """Verdicts, ranks and skill as recommended; importances as published, with the skill that stands beside them."""
    verdicts = material.table("drivers_verdicts.csv")
    if verdicts is None:
        return None
    parts: list[Part] = []
    for row in verdicts.iter_rows(named=True):
        start = f"{row['response']}: "
        parts += [Heading(variable(row["response"]).label),
                  Paragraph(f"Recommended: {in_words(row['recommended'].removeprefix(start))}", note=True),
                  Paragraph(f"As published: {in_words(row['published'].removeprefix(start))}. "
                            f"{in_words(row['notes'] or '')}")]
    for name, columns, caption in (
            ("drivers_ranks.csv", _RANKS, "Recommended: importance on sites left out of refits on resampled clusters, "
                                          "with 90 % intervals; 'first in' is the share of refits."),
            ("drivers_skill.csv", _SKILL, "Skill: 1 − squared error over that of the training mean, under the same "
                                          "folds, with 90 % intervals over clusters; 'permuted' is what chance gives. "
                                      "One set of folds; the verdict averages several. Rows of profile talik."),
            ("drivers_published.csv", _PUBLISHED, "As published: contributions on the training rows of one random "
                                                  "split. Their signs sum to zero and tell no direction."),
            ("drivers_published_skill.csv", _PUBLISHED_SKILL, "What the published model predicts: on its hold-out, "
                                                              "which also chose the number of trees, and on regions "
                                                              "left out.")):
        found = material.table(name)
        if found is not None:
            for low, high, text, decimals in (("skill_low", "skill_high", "ends", 2),
                                              ("importance_low", "importance_high", "ends", 2),
                                              ("rank_low", "rank_high", "rank_ends", 0)):
                if low in found.columns:
                    found = ranged(found, text, low, high, decimals)
            spoken = found.with_columns(pl.col(name).str.replace_all("_", " ") for name in ("model", "scheme", "flags")
                                        if found.schema.get(name) == pl.String)
            parts.append(Table(named(spoken, "response", "driver"), columns, caption, tall=True))
    return Section("drivers", "Drivers", parts)


_POOLED = [Column("response", "Response"), Column("profile", "Profile"), Column("kind", "Kind"),
           Column("label", "Group"), Column("k", "k"), Column("effect", "Slope (°C per unit)", 3),
           Column("ends", "Interval"), Column("p", "p", 3), Column("tau2", "tau²", 3), Column("i2", "I²", 2),
           Column("prediction", "Prediction interval"), Column("reason", "Why a value is missing")]
_CHECKS = [Column("response", "Response"), Column("profile", "Profile"), Column("check", "Check"),
           Column("value", "Value", 3), Column("ends", "Low and high"), Column("p", "p", 3), Column("n", "n"),
           Column("meaning", "What it is")]
_LEFT = [Column("response", "Response"), Column("profile", "Profile"), Column("group", "Group"), Column("n", "n"),
         Column("reason", "Why it was left out")]


def slopes(material: Material) -> Section | None:
    """Pooled slopes of both profiles side by side, the checks, and the groups that were left out."""
    pooled, checks = material.table("slopes_pooled.csv"), material.table("slopes_checks.csv")
    groups = material.table("slopes_groups.csv")
    if pooled is None or checks is None or groups is None:
        return None
    means = ranged(ranged(pooled.filter(pl.col("kind") != "study"), "ends", "low", "high", 3), "prediction",
                   "prediction_low", "prediction_high")
    tested = ranged(checks, "ends", "low", "high", 3)
    left = groups.filter(pl.col("reason").is_not_null())
    return Section("slopes", "Slopes and their pooled mean", [
        Paragraph("Both profiles, side by side. Published: each group's own component, with a sign and a scale of its "
                  "own. Recommended: one component over all sites, so that slopes share sign and unit."),
        Table(named(means, "response"), _POOLED, "Random-effects means by restricted maximum likelihood; per unit of "
              "each group's component (liu2025), per SD of the common one (talik).", tall=True),
        Table(named(tested, "response"), _CHECKS, "Checks on these means.", tall=True),
        Table(named(left, "response"), _LEFT, f"{left.height} of {groups.height} groups have no slope.", tall=True)])
