"""Every number of the oracle (R, converged to 1e-13 on rescaled data), case by case, through the public functions."""

import gzip
import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from talik.analysis.meta import pool
from talik.analysis.meta_regression import meta_regression
from talik.analysis.publication_bias import begg, egger, trim_and_fill
from talik.analysis.sensitivity import influence, leave_one_out
from talik.kernels.heterogeneity import tau2_share
from talik.kernels.random_effects import mean_interval, prediction_interval
from talik.kernels.studies import standardised
from talik.kernels.tau2 import ESTIMATORS, estimate

LOCAL = Path(__file__).with_name("synthetic_cases.json.gz")

# Where R's own arithmetic fails, so that its number cannot be the measure; test_pool_laws measures these otherwise.
R_FAILS = {
    # one study's weight is 1e14 times the others': sums of squares of weights cancel
    ("hard_tiny_se_one", "tau2_se"), ("hard_tiny_se_one", "i2_tau2"), ("hard_tiny_se_one", "KR"),
    ("hard_tiny_se_one", "BJ"), ("hard_tiny_se_one", "leave_one_out Q"), ("hard_tiny_se_one", "influence QE_del"),
    ("hard_tiny_se_one", "leave_one_out I2_tau"),
    # effects near 1e6: R's Q-profile does not centre them
    ("hard_shift_1e6", "QP"),
    # R stops at tau² = 0, the restricted likelihood is higher at 2.29e-4
    ("hard_bimodal_0", "leave_one_out 2"), ("hard_bimodal_0", "leave_one_out I2_tau"),
    ("hard_bimodal_0", "influence 2"),
    # all effects equal: R's regression of rounding noise
    ("hard_all_equal_y", "egger"), ("hard_all_equal_y_se", "egger"),
}


def number(value):
    return math.nan if value is None or value == [] else float(value)


class Ledger:
    """Collects what differs, so that one test names every mismatch of a case."""

    def __init__(self, case):
        self.case, self.unit = case["id"], _unit(case)
        self.wrong, self.count = [], 0

    def check(self, what, got, expected, *, rtol=1e-6, atol=0.0, group=None):
        self.count += 1
        got, expected = float(got if got is not None else math.nan), number(expected)
        if (self.case, group or what.split()[0]) in R_FAILS:
            return
        same = (math.isnan(got) and math.isnan(expected)) or got == expected
        if not same and not abs(got - expected) <= rtol * abs(expected) + atol:
            self.wrong.append(f"{self.case} {what}: {got!r}, expected {expected!r}")


def _unit(case):
    se = [s for s in case["sei"] if s]
    return float(np.median(se)) if se else 1.0


def check_intervals(case, ledger):
    """tau² by every estimator, and every confidence and prediction interval upon each."""
    expected, unit = case["expected"], ledger.unit
    s = standardised(*(np.array([[number(v) for v in case[key]]]) for key in ("yi", "sei")))
    scale = float(s.scale[0])
    dl = estimate(s, "DL").tau2
    for name in ESTIMATORS:
        found, exact = estimate(s, name), expected["tau2"][name]["exact"]
        ledger.check("tau2 " + name, found.tau2[0] * scale**2, exact["tau2"], atol=1e-9 * unit**2)
        ledger.check("tau2_se " + name, found.se[0] * scale**2, exact["se_tau2"], atol=1e-9 * unit**2)
        ledger.check("i2_tau2 " + name, 100 * tau2_share(s, found.tau2)[0], exact["I2_tau"], atol=1e-7)
        for ci, wanted in expected["ci"].get(name, {}).items():
            got = mean_interval(s, found.tau2, ci, 0.95, dl)
            for what, value in zip(("te", "se", "lower", "upper", "stat", "pval", "df"), got, strict=True):
                ledger.check(f"{ci} {name} {what}", value[0], wanted[what], atol=1e-9 * unit)
        for prediction, wanted in expected["pi"].get(name, {}).items():
            got = prediction_interval(s, found.tau2, {"S": "normal"}.get(prediction, prediction), 0.95)
            for what, value in zip(("lower", "upper", "se", "df"), got, strict=True):
                ledger.check(f"{prediction} {name} {what}", value[0], (wanted or {}).get(what), atol=1e-9 * unit,
                             group=prediction.split("_")[0])


def check_pools(case, ledger):
    """The same through `pool`, by REML."""
    expected, unit = case["expected"], ledger.unit
    exact, intervals, predictions = (expected[key]["REML"] for key in ("tau2", "ci", "pi"))
    for i in range(max(len(intervals), len(predictions))):
        ci, prediction = list(intervals)[i % len(intervals)], list(predictions)[i % len(predictions)]
        p = pool(case["yi"], case["sei"], ci=ci, prediction={"S": "normal"}.get(prediction, prediction))
        ledger.check("tau2", p.tau2, exact["exact"]["tau2"], atol=1e-9 * unit**2)
        for what, got in (("te", p.mean), ("se", p.se), ("lower", p.interval[0]), ("upper", p.interval[1]),
                          ("stat", p.statistic), ("pval", p.p), ("df", p.interval_df)):
            ledger.check(f"{ci} {what}", got, intervals[ci][what], atol=1e-9 * unit)
        for what, got in (("se", p.prediction_se), ("lower", p.prediction[0]), ("upper", p.prediction[1])):
            ledger.check(f"{prediction} {what}", got, (predictions[prediction] or {}).get(what), atol=1e-9 * unit,
                         group=prediction.split("_")[0])


def check_heterogeneity(case, ledger):
    """Q, H, I² and their intervals; the Q-profile; weights; the common effect."""
    expected, unit = case["expected"], ledger.unit
    p = pool(case["yi"], case["sei"])
    wanted = expected["tau2_ci"]["QP"]["exact"]
    if wanted:
        ledger.check("QP lower", p.tau2_interval[0], wanted["lower"], atol=1e-9 * unit**2)
        ledger.check("QP upper", p.tau2_interval[1], wanted["upper"], atol=1e-9 * unit**2)
    for what, got in (("Q", p.q), ("df_Q", p.df), ("pval_Q", p.q_p), ("H", p.h), ("lower_H", p.h_interval[0]),
                      ("upper_H", p.h_interval[1]), ("I2", p.i2), ("lower_I2", p.i2_interval[0]),
                      ("upper_I2", p.i2_interval[1])):
        ledger.check("het " + what, got, expected["het"][what], atol=1e-9)
    used = expected["used"]
    for name in ("REML", "DL", "PM"):
        weights = pool(case["yi"], case["sei"], tau2=name).weights
        assert np.isnan(np.delete(weights, used)).all()
        for got, wanted in zip(weights[used], expected["weights"][name], strict=True):
            ledger.check("weights " + name, got, wanted, atol=1e-9)
    common = expected["common"]
    for what, got in (("mu", p.common_mean), ("se", p.common_se), ("ci_lb", p.common_interval[0])):
        ledger.check("common " + what, got, common[what], atol=1e-9 * unit)


def check_moment_intervals(case, ledger):
    """Jackson's and Biggerstaff and Jackson's intervals of tau² (R's own are good to about 1e-4)."""
    for name in ("J", "BJ"):
        wanted = (case["expected"]["tau2_ci"].get(name) or {}).get("tight")
        if wanted:
            low, high = pool(case["yi"], case["sei"], tau2_interval=name).tau2_interval
            ledger.check(f"{name} lower", low, wanted["lower"], rtol=1e-3, atol=1e-4 * ledger.unit**2)
            ledger.check(f"{name} upper", high, wanted["upper"], rtol=1e-3, atol=1e-4 * ledger.unit**2)


def check_subgroups_by_moments(case, ledger):
    """The same as `check_subgroups` by DL and PM."""
    check_subgroups(case, ledger, estimators=("DL", "PM"))


def check_subgroups(case, ledger, estimators=("REML",)):
    """Each subgroup by itself, the test between them, and one tau² for all."""
    blocks, unit = case["expected"].get("subgroup"), ledger.unit
    if not blocks:
        return
    for name in estimators:
        block = blocks[name]
        p = pool(case["yi"], case["sei"], subgroup=case["subgroup"], tau2=name)
        hk = pool(case["yi"], case["sei"], subgroup=case["subgroup"], tau2=name, ci="HK", prediction="V")
        for level, wanted in block["separate"].items():
            g, h = p.subgroups[level], hk.subgroups[level]
            for what, got in (("k", g.k), ("tau2", g.tau2), ("te", g.mean), ("se", g.se), ("lower", g.interval[0]),
                              ("upper", g.interval[1]), ("pval", g.p), ("te_common", g.common_mean),
                              ("se_common", g.common_se), ("Q", g.q), ("pval_Q", g.q_p), ("I2", g.i2), ("H", g.h),
                              ("lower_I2", g.i2_interval[0]), ("upper_I2", g.i2_interval[1]),
                              ("pi_HTS_lower", g.prediction[0]), ("pi_V_lower", h.prediction[0]),
                              ("HK_se", h.se), ("HK_lower", h.interval[0]), ("HK_upper", h.interval[1])):
                if what in wanted:
                    ledger.check(f"subgroup {name} {level} {what}", got, wanted[what], atol=1e-9 * max(unit, unit**2))
        wanted = block["between"]
        b = p.between
        for what, got in (("Q_random", b.q), ("Q_common", b.q_common), ("df", b.df), ("p_random", b.p),
                          ("p_common", b.p_common), ("Q_within", b.q_within)):
            ledger.check(f"between {name} {what}", got, wanted[what], atol=1e-9)
        shared = block.get("common_tau")
        if shared and "error" not in shared:
            c = pool(case["yi"], case["sei"], subgroup=case["subgroup"], tau2=name, tau_common=True)
            ledger.check(f"common_tau {name} tau2", c.between.tau2, shared["tau2_resid"], atol=1e-9 * unit**2)
            if "Q_between" in shared:
                ledger.check(f"common_tau {name} Q", c.between.q, shared["Q_between"], atol=1e-9)
                ledger.check(f"common_tau {name} p", c.between.p, shared["p_between"], atol=1e-9)
            for i, level in enumerate(shared["levels"] if "te" in shared else []):
                g = c.subgroups[level]
                for what, got in (("te", g.mean), ("se", g.se), ("lower", g.interval[0]), ("upper", g.interval[1])):
                    ledger.check(f"common_tau {name} {level} {what}", got, shared[what][i], atol=1e-9 * unit)


def check_sensitivity(case, ledger):
    """Leave-one-out by REML and DL, influence by REML."""
    expected, unit = case["expected"], ledger.unit
    for name in ("REML", "DL"):
        wanted = (expected.get("loo") or {}).get(name)
        if not wanted:
            continue
        table = leave_one_out(pool(case["yi"], case["sei"], tau2=name)).table
        for what, column in (("te", "mean"), ("se", "se"), ("lower", "low"), ("upper", "high"), ("pval", "p"),
                             ("tau2", "tau2"), ("Q", "q"), ("I2_tau", "i2_tau2")):
            for i, got in enumerate(table[column]):
                share = what == "I2_tau"
                ledger.check(f"leave_one_out {name} {what} {i}", 100 * got if share else got, wanted[what][i],
                             atol=1e-7 if share else 1e-9 * max(unit, unit**2, what == "Q"),
                             group=f"leave_one_out {what if what in ('Q', 'I2_tau') else i}")
    wanted = expected.get("influence_REML")
    if wanted:
        table = influence(pool(case["yi"], case["sei"])).table
        for what, column in (("rstudent", "studentised_residual"), ("dffits", "dffits"), ("cook_d", "cook_distance"),
                             ("cov_r", "covariance_ratio"), ("tau2_del", "tau2_deleted"), ("QE_del", "q_deleted"),
                             ("hat", "hat"), ("dfbs", "dfbetas")):
            for i, got in enumerate(table[column]):
                ledger.check(f"influence {what} {i}", got, wanted[what][i], atol=1e-8,
                             group=f"influence {what if what == 'QE_del' else i}")


def check_bias(case, ledger):
    """Egger, Begg, trim and fill."""
    bias = case["expected"].get("bias")
    if not bias:
        return
    p = pool(case["yi"], case["sei"])
    for name, test in (("Egger", egger), ("Begg", begg)):
        wanted, got = bias.get(name), test(p)
        if wanted and wanted.get("estimate"):
            for what, a, b in (("estimate", got.estimate, wanted["estimate"][0]), ("se", got.se, wanted["estimate"][1]),
                               ("statistic", got.statistic, wanted["statistic"]), ("p", got.p, wanted["pval"])):
                ledger.check(f"{name.lower()} {what}", a, b, atol=1e-9)
    for name, wanted in (bias.get("trimfill_FE") or {}).items():
        estimator, side = name.split("_")
        if wanted and "k0" in wanted:
            got = trim_and_fill(p, side=side, estimator=estimator)
            ledger.check(f"trimfill {name} missing", got.missing, wanted["k0"])
            ledger.check(f"trimfill {name} te", got.filled.mean, wanted["te"], atol=1e-9 * ledger.unit)
            ledger.check(f"trimfill {name} se", got.filled.se, wanted["se"])


def check_regressions_by_others(case, ledger):
    """The same as `check_regressions` by the other estimators."""
    check_regressions(case, ledger, estimators=("DL", "ML", "EB", "PM", "SJ", "HE", "HS"))


def check_regressions(case, ledger, estimators=("REML", "FE")):
    """Meta-regression on one moderator, normal and Knapp-Hartung."""
    unit = ledger.unit
    for name, wanted in (case["expected"].get("reg") or {}).items():
        method, test = name.split("_")
        if not wanted or "beta" not in wanted or method not in estimators:
            continue
        r = meta_regression(case["yi"], case["sei"], {"x": case["x"]}, test=test,
                            tau2=0.0 if method == "FE" else method)
        c = r.coefficients.filter(pl.col("reason").is_null())
        assert c.height == len(wanted["beta"])
        for what, column in (("beta", "estimate"), ("se", "se"), ("stat", "statistic"), ("pval", "p"), ("ci_lb", "low"),
                             ("ci_ub", "high")):
            for i, got in enumerate(c[column]):
                atol = 1e-9 if what in ("stat", "pval") else 1e-9 * float(c["se"][i]) + 1e-12 * unit
                ledger.check(f"reg {name} {what} {i}", got, wanted[what][i], atol=atol)
        ledger.check(f"reg {name} tau2", r.tau2, wanted["tau2"], atol=1e-9 * unit**2)
        ledger.check(f"reg {name} se_tau2", r.tau2_se, wanted["se_tau2"], atol=1e-9 * unit**2)
        ledger.check(f"reg {name} I2", 100 * r.i2, wanted["I2_tau"], atol=1e-7)
        if method != "FE":
            ledger.check(f"reg {name} R2", 100 * r.r2, wanted["R2"], atol=1e-4)
        for what, got in (("QE", r.qe), ("QEp", r.qe_p), ("QM", r.qm), ("QMp", r.qm_p)):
            ledger.check(f"reg {name} {what}", got, wanted[what], atol=1e-9)
        for i, got in enumerate(r.covariance.ravel()):
            size = float(np.sqrt(np.outer(np.diag(r.covariance), np.diag(r.covariance))).ravel()[i])
            ledger.check(f"reg {name} vcov {i}", got, wanted["vcov"][i], atol=1e-9 * size)


CHECKS = (check_intervals, check_heterogeneity, check_sensitivity, check_regressions)
LONG_CHECKS = (check_pools, check_moment_intervals, check_subgroups, check_subgroups_by_moments, check_bias,
               check_regressions_by_others)


def run(cases, check):
    wrong, count = [], 0
    for case in cases:
        if case["expected"] and case["expected"]["k_used"] >= 2:
            ledger = Ledger(case)
            check(case, ledger)
            wrong += ledger.wrong
            count += ledger.count
    assert not wrong, f"{len(wrong)} of {count} differ:\n" + "\n".join(wrong[:40])
    return count


def load(path):
    with gzip.open(path) as stream:
        return json.load(stream)["cases"]


@pytest.fixture(scope="session")
def cases(oracles):
    return load(oracles / "meta" / "oracle_public.json.gz")


@pytest.mark.realdata
@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
def test_every_case_of_the_oracle(cases, check):
    assert run(cases, check) > 1000


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize("check", LONG_CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
def test_every_case_of_the_oracle_at_length(cases, check):
    assert run(cases, check) > 400


@pytest.mark.parametrize("check", [*CHECKS, *LONG_CHECKS], ids=lambda c: c.__name__.removeprefix("check_"))
def test_a_few_cases_without_the_oracle(check):
    assert run(load(LOCAL), check) > 20


@pytest.mark.realdata
def test_the_check_can_fail(cases, monkeypatch):
    """A tau² that is 1e-5 too large is caught in most cases."""
    from talik.analysis import meta

    right = meta.estimate
    monkeypatch.setattr(meta, "estimate", lambda s, m: right(s, m)._replace(tau2=right(s, m).tau2 * (1 + 1e-5)))
    caught = 0
    for case in cases:
        if case["expected"] and case["expected"]["k_used"] >= 2:
            exact = case["expected"]["tau2"]["REML"]["exact"]["tau2"]
            ledger = Ledger(case)
            ledger.check("tau2", meta.pool(case["yi"], case["sei"]).tau2, exact, atol=1e-9 * ledger.unit**2)
            caught += bool(ledger.wrong)
    assert caught > 90


@pytest.mark.realdata
def test_the_untouched_call_of_r(cases):
    """
    R's metagen(TE, seTE) as it is, within the looseness of its own stopping rules.

    Its prediction interval has k - 2 degrees of freedom in 6.5-0 and k - 1 in 8.2-1.
    """
    seen, wrong = 0, []
    for case in cases:
        if not case["expected"] or case["expected"]["k_used"] < 2 or {"small_scale", "tau2_gt_100"} & set(case["tags"]):
            continue
        for version, prediction in (("6.5-0", "HTS"), ("8.2-1", "V")):
            plain = case["metagen_default"][version]["plain"]
            if plain.get("error"):
                continue
            p = pool(case["yi"], case["sei"], prediction=prediction)
            unit = _unit(case)
            for what, got in (("TE_random", p.mean), ("seTE_random", p.se), ("lower_random", p.interval[0]),
                              ("upper_random", p.interval[1]), ("TE_common", p.common_mean), ("Q", p.q), ("I2", p.i2),
                              ("lower_predict", p.prediction[0]), ("upper_predict", p.prediction[1])):
                expected = number(plain.get(what))
                seen += 1
                if math.isnan(expected) and math.isnan(got):
                    continue
                if not abs(got - expected) <= 1e-2 * abs(expected) + 2e-2 * unit:
                    wrong.append(f"{case['id']} {version} {what}: {got!r}, expected {expected!r}")
    assert seen > 2000
    assert not wrong, "\n".join(wrong[:30])
