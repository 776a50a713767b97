"""
Exact tree contributions against their peers: CPU seconds per million rows, all in one run on one model.

    python benchmarks/contributions.py                                    # talik and the installed xgboost
    python benchmarks/contributions.py --peers /path/to/venv/bin/python   # and shap, fasttreeshap-fixed, woodelf there
    python benchmarks/contributions.py --newer /path/to/venv/bin/python   # and xgboost >= 3.3 there (Python >= 3.12)

The model is fitted once (100 trees of depth 6, 16 features) and handed to the other interpreters as a file. Every peer
gets as few rows as it needs to be timed; loading, fitting and compiling are not counted, making the tables is. Process
CPU time is counted, all threads together. Every peer's answers are compared with xgboost's own (fasttreeshap's v2
differs: it does not follow the trees' default directions of missing values).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

TREES, DEPTH, FEATURES, TRAINING = 100, 6, 16, 20_000
ROWS = {"talik": 200_000, "xgboost": 2_000, "shap": 2_000, "fasttreeshap v2": 4_000, "woodelf": 50_000}
TARGETS = {"xgboost 3.2": 40, "shap": 40, "fasttreeshap v2": 10, "woodelf": 4, "xgboost >= 3.3": 15}


def made(folder):
    """A model and rows with 5 % missing values, as files."""
    import xgboost

    rng = np.random.default_rng(0)
    x = rng.normal(size=(max(TRAINING, *ROWS.values()), FEATURES)).astype(np.float32)
    y = x[:, 0] * x[:, 1] + np.sin(x[:, 2]) + x[:, 3] * x[:, 4] + 0.2 * x[:, 5:].sum(axis=1)
    y += rng.normal(size=len(x)) * 0.3
    x[rng.random(x.shape) < 0.05] = np.nan
    train = xgboost.DMatrix(x[:TRAINING], y[:TRAINING])
    booster = xgboost.train({"max_depth": DEPTH, "eta": 0.1, "nthread": 2}, train, TREES)
    booster.save_model(folder / "model.json")
    np.save(folder / "x.npy", x)


def best(run, rows, repeats=3):
    """Least CPU seconds per million rows of a few repeats, and the answers of the last one."""
    least = np.inf
    for _ in range(repeats):
        start = time.process_time()
        answers = run()
        least = min(least, time.process_time() - start)
    return least / rows * 1e6, np.asarray(answers)


def run_talik(booster, x):
    from talik import contributions

    contributions(booster, x[:2_001])    # compiles
    return lambda: contributions(booster, x)


def run_xgboost(booster, x):
    import xgboost

    return lambda: booster.predict(xgboost.DMatrix(x), pred_contribs=True)


def run_shap(booster, x):
    import shap

    explainer = shap.TreeExplainer(booster)
    return lambda: explainer.shap_values(x)


def run_fasttreeshap(booster, x):
    import fasttreeshap_fixed

    explainer = fasttreeshap_fixed.TreeExplainer(booster, algorithm="v2", n_jobs=1)
    return lambda: explainer(x, check_additivity=False).values


def run_woodelf(booster, x):
    import pandas as pd
    from woodelf import WoodelfExplainer

    frame = pd.DataFrame(x, columns=[f"f{k}" for k in range(x.shape[1])])
    explainer = WoodelfExplainer(booster)
    return lambda: explainer.shap_values(frame, verbose=False)


RUNS = {"talik": run_talik, "xgboost": run_xgboost, "shap": run_shap, "fasttreeshap v2": run_fasttreeshap,
        "woodelf": run_woodelf}


def measure(folder, names):
    """Print one JSON line a peer: CPU seconds per million rows and the largest difference from xgboost."""
    import xgboost

    booster = xgboost.Booster(model_file=folder / "model.json")
    x = np.load(folder / "x.npy")
    truth = booster.predict(xgboost.DMatrix(x[:500]), pred_contribs=True)[:, :FEATURES]
    for name in names:
        rows, line = ROWS[name], {"name": name, "version": xgboost.__version__}
        try:
            seconds, answers = best(RUNS[name](booster, x[:rows]), rows)
            line |= {"seconds": seconds, "off": float(abs(answers[:500, :FEATURES] - truth).max())}
        except Exception as error:  # noqa: BLE001 (a peer that fails is a line of the table)
            line["failed"] = f"{type(error).__name__}: {error}"
        print(json.dumps(line))


def elsewhere(python, folder, names):
    """`measure` in another interpreter."""
    done = subprocess.run([python, "-W", "ignore", __file__, "--measure", str(folder), *names], capture_output=True,
                          text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"name"')]
    return lines or [{"name": name, "version": "", "failed": done.stderr.strip()[-200:]} for name in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="interpreter that has shap, fasttreeshap-fixed and woodelf-explainer")
    parser.add_argument("--newer", help="interpreter that has xgboost >= 3.3")
    parser.add_argument("--measure", nargs="+", metavar=("FOLDER", "NAME"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        measure(Path(asked.measure[0]), asked.measure[1:])
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made(folder)
        # talik before and after its peers, so that a machine that grows busier does not flatter it
        found = elsewhere(sys.executable, folder, ["talik", "xgboost"])
        if asked.peers:
            found += elsewhere(asked.peers, folder, ["shap", "fasttreeshap v2", "woodelf"])
        if asked.newer:
            found += elsewhere(asked.newer, folder, ["xgboost"])
        found += elsewhere(sys.executable, folder, ["talik"])
    ours = max(line["seconds"] for line in found if line["name"] == "talik")
    print(f"{'':22}{'CPU-s / 1e6 rows':>18}{'talik is':>10}{'target':>8}{'largest difference':>20}")
    for line in found:
        name = line["name"]
        if name == "xgboost":
            name = "xgboost >= 3.3" if tuple(map(int, line["version"].split(".")[:2])) >= (3, 3) else "xgboost 3.2"
        if "failed" in line:
            print(f"{name:22}failed: {line['failed']}")
            continue
        goal = f"{TARGETS[name]}x" if name in TARGETS else ""
        print(f"{name:22}{line['seconds']:18.1f}{line['seconds'] / ours:9.0f}x{goal:>8}{line['off']:20.1e}")


if __name__ == "__main__":
    main()
