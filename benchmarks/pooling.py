"""
Ten thousand REML meta-analyses of twelve studies: CPU seconds and accuracy, side by side in one run.

    python benchmarks/pooling.py                                    # talik alone
    python benchmarks/pooling.py --peers /path/to/venv/bin/python   # and PyMARE and PyMetaAnalysis installed there

    python -m venv /tmp/peers && /tmp/peers/bin/pip install pymare==0.0.13 PyMetaAnalysis==0.9.0

Every package gets the same files. Process CPU time is counted, all threads together, the least of five repeats, import
not counted. PyMARE fits all data sets in one call, PyMetaAnalysis one by one (so it gets the first 200). Accuracy is
measured against a search of its own: the best likelihood on 20,000 values of tau², then bisection of the score.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

COUNT, STUDIES, ONE_BY_ONE, CHECKED = 10_000, 12, 200, 300


def made(folder):
    """Effects and standard errors: tau² between 0 and 1, standard errors spread over a decade."""
    rng = np.random.default_rng(12)
    se = rng.uniform(0.1, 1.0, (COUNT, STUDIES))
    tau = np.sqrt(rng.uniform(0, 1, (COUNT, 1)))
    np.save(folder / "effect.npy", rng.normal(size=se.shape) * np.hypot(se, tau))
    np.save(folder / "se.npy", se)


def best(run, repeats=5):
    """Least CPU seconds of a few repeats, and the last answer."""
    least = np.inf
    for _ in range(repeats):
        start = time.process_time()
        answer = run()
        least = min(least, time.process_time() - start)
    return least, np.asarray(answer)


def run_talik(effect, se):
    from talik import pool_many

    seconds, tau2 = best(lambda: pool_many(effect, se).tau2)
    return "talik pool_many", seconds, len(effect), tau2


def run_talik_single(effect, se):
    from talik import pool

    pool(effect[0], se[0])
    rows = range(ONE_BY_ONE)
    seconds, tau2 = best(lambda: [pool(effect[i], se[i]).tau2 for i in rows], repeats=2)
    return "talik pool (everything, one by one)", seconds, ONE_BY_ONE, tau2


def run_pymare(effect, se):
    from pymare.estimators import VarianceBasedLikelihoodEstimator

    def run():
        estimator = VarianceBasedLikelihoodEstimator(method="REML")
        estimator.fit(effect.T.copy(), (se**2).T.copy(), np.ones((STUDIES, 1)))
        return estimator.params_["tau2"].ravel()

    seconds, tau2 = best(run)
    return "PyMARE (one call)", seconds, len(effect), tau2


def run_pymetaanalysis(effect, se):
    from meta_analyze import meta_analysis

    rows = range(ONE_BY_ONE)
    seconds, tau2 = best(lambda: [meta_analysis(effect=effect[i], standard_error=se[i]).tau2 for i in rows], repeats=2)
    return "PyMetaAnalysis (one by one)", seconds, ONE_BY_ONE, tau2


def searched(effect, se):
    """tau² of the highest restricted likelihood, data set by data set: a dense grid, then bisection of the score."""
    def sums(tau2, y, v):
        w = 1 / (v + np.atleast_1d(tau2)[:, None])
        total = w.sum(1)
        residual = y - ((w * y).sum(1) / total)[:, None]
        likelihood = -0.5 * (np.log(v + np.atleast_1d(tau2)[:, None]).sum(1) + np.log(total) + (w * residual**2).sum(1))
        return likelihood, ((w * residual) ** 2).sum(1) - total + (w**2).sum(1) / total

    grid = np.append(0.0, np.geomspace(1e-6, 1e2, 20_000))
    found = []
    for y, s in zip(effect, se, strict=True):
        top = int(sums(grid, y, s**2)[0].argmax())
        low, high = grid[max(top - 1, 0)], grid[min(top + 1, grid.size - 1)]
        if top == 0 and sums(0.0, y, s**2)[1][0] <= 0:
            high = 0.0
        while high - low > 1e-15 * high:
            middle = (low + high) / 2
            if middle in (low, high):
                break
            low, high = (middle, high) if sums(middle, y, s**2)[1][0] > 0 else (low, middle)
        found.append((low + high) / 2 if high else 0.0)
    return np.array(found)


RUNS = {"talik": (run_talik, run_talik_single), "peers": (run_pymare, run_pymetaanalysis)}


def measured(folder, which):
    """Results of some runs, as plain lists."""
    effect, se = np.load(folder / "effect.npy"), np.load(folder / "se.npy")
    return [[name, seconds / count * COUNT, tau2[:CHECKED].tolist()]
            for name, seconds, count, tau2 in (run(effect, se) for run in RUNS[which])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--peers", help="python of an environment with pymare and PyMetaAnalysis")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        folder, which = arguments.worker
        print(json.dumps(measured(Path(folder), which)))
        return
    with tempfile.TemporaryDirectory() as name:
        made(Path(name))
        results = measured(Path(name), "talik")
        if arguments.peers:
            said = subprocess.run([arguments.peers, __file__, "--worker", name, "peers"], check=True,
                                  capture_output=True, text=True).stdout
            results += json.loads(said.splitlines()[-1])
        exact = searched(np.load(Path(name) / "effect.npy")[:CHECKED], np.load(Path(name) / "se.npy")[:CHECKED])
    print(f"{'':38}{'CPU s per 10,000':>18}{'times talik':>13}{'largest error of tau²':>24}")
    for label, seconds, tau2 in results:
        error = np.abs(np.array(tau2) - exact[:len(tau2)]).max()
        print(f"{label:38}{seconds:18.3f}{seconds / results[0][1]:13.1f}{error:24.1e}")


if __name__ == "__main__":
    sys.exit(main())
