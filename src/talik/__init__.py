"""
talik: how permafrost feels the climate, from logger files to offsets, drivers, pooled slopes, maps and an atlas.

Importing talik costs the standard library only; every public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "sites": "talik.synthesis.published",
    "read_sites": "talik.synthesis.table",
    "read": "talik.readers.registry",
    "check": "talik.series.quality",
    "surface_offset": "talik.kernels.equilibrium",
    "thermal_offset": "talik.kernels.equilibrium",
    "annual_offsets": "talik.series.offsets",
    "annual_means": "talik.series.annual",
    "active_layer": "talik.series.thaw",
    "Completeness": "talik.series.annual",
    "ingest": "talik.store.ingest",
    "query": "talik.store.query",
    "station_sites": "talik.synthesis.stations",
    "compare": "talik.analysis.comparison",
    "describe": "talik.analysis.describe",
    "scorecard": "talik.analysis.scorecard",
    "pool": "talik.analysis.meta",
    "pool_many": "talik.analysis.meta",
    "meta_regression": "talik.analysis.meta_regression",
    "leave_one_out": "talik.analysis.sensitivity",
    "influence": "talik.analysis.sensitivity",
    "cumulative": "talik.analysis.sensitivity",
    "egger": "talik.analysis.publication_bias",
    "begg": "talik.analysis.publication_bias",
    "trim_and_fill": "talik.analysis.publication_bias",
    "bayes_pool": "talik.analysis.bayes_pool",
    "group_slopes": "talik.analysis.slopes",
    "contributions": "talik.analysis.contributions",
    "interactions": "talik.analysis.contributions",
    "attribute_drivers": "talik.analysis.attribution",
    "spatial_folds": "talik.analysis.folds",
    "model_skill": "talik.analysis.skill",
    "rank_drivers": "talik.analysis.drivers",
    "importance_null": "talik.analysis.nulls",
    "judge_predictors": "talik.analysis.predictors",
    "interaction_strength": "talik.analysis.drivers",
    "predict_offsets": "talik.analysis.prediction",
    "applicability": "talik.analysis.applicability",
    "site_predictors": "talik.synthesis.predictors",
    "harmonise": "talik.synthesis.harmonise",
    "Record": "talik.records",
    "Flag": "talik.records",
    "TalikError": "talik.errors",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'talik' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
