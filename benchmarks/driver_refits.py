"""
Cluster-bootstrap refits with out-of-bag contributions at 117 sites: CPU seconds, talik beside xgboost, in one run.

    python benchmarks/driver_refits.py

Both fit 60 rounds of depth two, exact splits, one thread, and explain the rows left out of the bag; xgboost does so
with `pred_contribs`, and once more with `pred_interactions`, which talik's figure contains. Compiling is not counted.
"""

import time

import xgboost

from talik.analysis.candidates import candidates
from talik.analysis.drivers import rank_drivers
from talik.analysis.planted import planted_drivers
from talik.analysis.refits import cluster_weights, correlated_groups, refit

REFITS, ROUNDS, TARGET = 1000, 60, 30.0


def cpu(work):
    start = time.process_time()
    work()
    return time.process_time() - start


def theirs(c, weights, *, interactions):
    options = {"eta": 0.1, "max_depth": 2, "nthread": 1, "tree_method": "exact", "min_child_weight": 3}
    for weight in weights:
        bag = weight > 0
        train = xgboost.DMatrix(c.X[bag], c.y[bag], weight=weight[bag], nthread=1)
        booster = xgboost.train(options, train, ROUNDS)
        unseen = xgboost.DMatrix(c.X[~bag], nthread=1)
        booster.predict(unseen, pred_contribs=True)
        if interactions:
            booster.predict(unseen, pred_interactions=True)


def main():
    table = planted_drivers("strong", seed=1)
    c = candidates(table, "surface_offset")
    members = [[c.column(name) for name in group] for group in correlated_groups(c).values()]
    weights = cluster_weights(c.cluster, REFITS, 0)
    refit(c, members, weights[:2], ROUNDS, seed=0)
    ours = cpu(lambda: refit(c, members, weights, ROUNDS, seed=0))
    plain, full = (cpu(lambda k=k: theirs(c, weights[:REFITS // 20], interactions=k)) * 20 for k in (False, True))
    whole = cpu(lambda: rank_drivers(table, "surface_offset", refits=REFITS))
    print(f"{REFITS} refits, n = {c.y.size}, p = {c.X.shape[1]}, contributions and interactions out of bag")
    print(f"talik                          {ours:7.1f} CPU-s (target {TARGET:g})")
    print(f"talik, rank_drivers as a whole {whole:7.1f} CPU-s")
    print(f"xgboost, contributions only    {plain:7.1f} CPU-s ({plain / ours:.1f}x)")
    print(f"xgboost, with interactions     {full:7.1f} CPU-s ({full / ours:.1f}x)")


if __name__ == "__main__":
    main()
