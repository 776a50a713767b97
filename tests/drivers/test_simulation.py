"""
What the procedure makes of tables whose drivers are known.

The thresholds of `rank_drivers` were chosen on the tables of seeds 1000 to 1039. The tables here are others. Numbers of
tables are what about two minutes of computing allow; the bounds leave room for that: with 40 tables without a driver, a
procedure that declares in 10 % of them stays at 7 or fewer in 95 % of tests, one that declares in 30 % in 6 %.
"""

import numpy as np
import pytest

from talik.analysis.drivers import rank_drivers
from talik.analysis.planted import planted_drivers
from talik.analysis.prediction import predict_offsets

pytestmark = pytest.mark.slow


def verdicts(signal, count):
    return [rank_drivers(planted_drivers(signal, seed=seed), "surface_offset", refits=60, seed=seed)
            for seed in range(1, count + 1)]


def test_a_driver_is_declared_in_at_most_a_tenth_of_tables_without_one():
    declared = [r.driver for r in verdicts("none", 40) if r.verdict == "declared"]
    assert len(declared) <= 4, declared


def test_what_is_declared_at_a_strong_signal_is_the_planted_driver():
    declared = [r.driver for r in verdicts("strong", 25) if r.verdict == "declared"]
    assert len(declared) >= 13
    assert np.mean(["snow_depth" in name.split(" + ") for name in declared]) >= 0.9


def test_a_weak_signal_is_mostly_left_unresolved():
    assert sum(r.verdict == "declared" for r in verdicts("weak", 12)) <= 6


@pytest.mark.parametrize("signal", ["strong", "none"])
def test_intervals_for_new_regions_cover_what_they_claim(signal):
    covered = []
    for seed in range(1, 9):
        table = planted_drivers(signal, seed=seed)
        for region in table["subregion"].unique(maintain_order=True):
            new = table.filter(subregion=region)
            shown = predict_offsets(table.filter(table["subregion"] != region), "surface_offset", new).to_frame()
            shown = shown.with_columns(truth=new["surface_offset"]).drop_nulls("low")
            if shown.height:
                covered.append(((shown["low"] <= shown["truth"]) & (shown["truth"] <= shown["high"])).mean())
    assert 0.85 <= np.mean(covered) <= 0.95
