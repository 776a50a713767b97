"""The search of the benchmark agrees with the kernel."""

import importlib.util
from pathlib import Path

import numpy as np

from talik.analysis.meta import pool_many

ROOT = Path(__file__).parents[2]


def test_the_benchmark_measures_what_it_says(tmp_path):
    spec = importlib.util.spec_from_file_location("benchmark_pooling", ROOT / "benchmarks" / "pooling.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    benchmark.made(tmp_path)
    effect, se = np.load(tmp_path / "effect.npy")[:40], np.load(tmp_path / "se.npy")[:40]
    np.testing.assert_allclose(pool_many(effect, se).tau2, benchmark.searched(effect, se), rtol=1e-11, atol=1e-14)
