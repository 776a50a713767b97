"""Why a published number may differ from its table: explanations tried in a stated order, each by computation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from talik.analysis.claims import Claim, Sheet, agrees, computed
from talik.variables import variable

PARTS = {"surface_offset": ("magst", "maat"), "thermal_offset": ("ttop", "magst")}
INPUT_ROUNDING, ANOTHER_N, ANOTHER_SUBSET = "input rounding", "another n", "another subset"
OVER_ALL, SIGN, DIFFERENCE = "SE over all sites", "sign or complement", "follows the difference"
AGREES, NOT_REPRODUCED = "agrees", "not reproduced"


@dataclass(frozen=True, slots=True)
class Case:
    """
    A claim that does not agree with its table, with all that an explanation may need.

    Parameters
    ----------
    claim : Claim
        What is stated.
    table : Sheet
        The numbers as printed.
    halves : mapping of str to ndarray, shape (n,)
        Half the last printed decimal of each value, by quantity.
    outside : ndarray of bool, shape (n,)
        Sites that a declared flag places outside their region.
    names : tuple of str
        The sites' names.
    draws, seed : int
        Of the Monte Carlo.
    source : str
        What the table is called.
    """

    claim: Claim
    table: Sheet
    halves: dict[str, NDArray[np.float64]]
    outside: NDArray[np.bool_]
    names: tuple[str, ...]
    draws: int
    seed: int
    source: str

    @property
    def value(self) -> float:
        """What the table gives."""
        return float(computed(self.claim, self.table)[0])

    def shaken(self, quantity: str, generator: np.random.Generator) -> NDArray[np.float64]:
        """Draws of a column whose rounding is undone at random, shape (draws, n)."""
        values, half = self.table.columns[quantity], self.halves[quantity]
        moved: NDArray[np.float64] = values + half * generator.uniform(-1, 1, (self.draws, values.size))
        return moved


def explained(case: Case) -> tuple[str, str, tuple[str, ...]]:
    """
    The first explanation that fits, its words, and the others that would fit too.

    The order: rounding of the printed values (Monte Carlo); another n, without the sites that a flag places outside
    their region; another subset, without one site; a standard error divided by the root of all sites instead of the
    sites that have the value; the sign, or the complement of a share; the difference of its parts instead of the
    printed offset; rounding of those parts (Monte Carlo). If none fits: not reproduced.

    Returns
    -------
    verdict : str
        Name of the class.
    words : str
        The numbers behind it.
    also : tuple of str
        Other classes that fit, in the order of trying.
    """
    fits = [(name, words) for name, attempt in _ORDER if (words := attempt(case))]
    if not fits:
        return NOT_REPRODUCED, _elsewhere(case), ()
    (verdict, words), *others = fits
    return verdict, words, tuple(dict.fromkeys(name for name, _ in others if name != verdict))


def _rounding(case: Case) -> str:
    """The central 95 % of the statistic, over values moved within their rounding, meets the stated number's own."""
    claim = case.claim
    if claim.is_sign or not claim.quantity:
        return ""
    shaken = case.table.with_column(claim.quantity, case.shaken(claim.quantity, np.random.default_rng(case.seed)))
    return _reached(case, shaken, f"{variable(claim.quantity).short} moved within its printed rounding gives")


def _rounding_of_parts(case: Case) -> str:
    claim = case.claim
    if claim.is_sign or claim.quantity not in PARTS:
        return ""
    generator = np.random.default_rng(case.seed)
    minuend, subtrahend = PARTS[claim.quantity]
    difference = case.shaken(minuend, generator) - case.shaken(subtrahend, generator)
    return _reached(case, case.table.with_column(claim.quantity, difference),
                    f"{minuend.upper()} - {subtrahend.upper()}, both moved within their printed rounding, gives")


def _reached(case: Case, shaken: Sheet, lead: str) -> str:
    drawn = computed(case.claim, shaken)[0]
    low, high = (float(q) for q in np.quantile(drawn, [0.025, 0.975]))
    stated, half = float(case.claim.stated), case.claim.half
    if high < stated - half or low > stated + half:
        return ""
    return f"{lead} {low:.3f} to {high:.3f} (95 %), which meets {case.claim.stated} ± {half:g}"


def _another_n(case: Case) -> str:
    claim = case.claim
    left_out = case.outside & _members(case)
    if not left_out.any() or claim.is_sign or claim.across:
        return ""
    value, n = computed(claim, case.table, without=left_out)
    if not agrees(claim, float(value)):
        return ""
    return f"without {_listed(case, left_out)} (flagged as outside its region): {float(value):.3f}, n = {n}"


def _another_subset(case: Case) -> str:
    claim = case.claim
    if claim.is_sign or claim.across or claim.measure in ("site", "n"):
        return ""
    tried = _single_leave_outs(case)
    results = [(without, *computed(claim, case.table, without=without)) for without in tried]
    fits = [(without, float(value), n) for without, value, n in results if agrees(claim, float(value))]
    if not fits:
        return ""
    without, number, n = fits[0]
    return (f"without {_listed(case, without)}: {number:.3f}, n = {n} "
            f"({len(fits)} of {len(tried)} ways to leave out one site give what is stated)")


def _over_all_sites(case: Case) -> str:
    """sd/sqrt(N) with N all sites of the group, of the values, then of the values without one site."""
    claim = case.claim
    everyone = int(_members(case).sum())
    nobody = np.zeros(len(case.names), dtype=bool)
    if claim.measure != "SE" or case.table.values(claim.quantity, claim.group).size == everyone:
        return ""
    mean = replace(claim, measure="mean")
    tried = [nobody, *_single_leave_outs(case)]
    for without in tried:
        values = case.table.values(claim.quantity, claim.group, without=without)
        if values.size > 1 and agrees(claim, se := float(values.std(ddof=1) / np.sqrt(everyone))):
            left = f" without {_listed(case, without)}" if without.any() else ""
            centre = f", whose mean is {float(computed(mean, case.table, without=without)[0]):.3f}" if left else ""
            return f"sd of {values.size} values{left}{centre}, divided by the root of all {everyone} sites: {se:.3f}"
    return ""


def _sign_or_complement(case: Case) -> str:
    claim, value = case.claim, case.value
    if claim.is_sign or claim.across or np.isnan(value):
        return ""
    if claim.measure.startswith("% ") and agrees(claim, 100 - value):
        return f"{100 - value:.1f} % is the share that is not {claim.measure[2:]}"
    if claim.measure in ("mean", "site", "min", "max") and value != 0 and agrees(claim, -value):
        return f"the table gives {value:.3f}: the same size with the other sign"
    return ""


def _follows_difference(case: Case) -> str:
    claim = case.claim
    again = f"{claim.quantity}_recomputed"
    if claim.quantity not in PARTS or again not in case.table.columns:
        return ""
    value = float(computed(claim, case.table.with_column(claim.quantity, case.table.columns[again]))[0])
    if not agrees(claim, value):
        return ""
    minuend, subtrahend = PARTS[claim.quantity]
    return (f"{minuend.upper()} - {subtrahend.upper()} gives {value:.3f}, "
            f"the printed {variable(claim.quantity).short} {case.value:.3f}")


def _elsewhere(case: Case) -> str:
    """What the table gives, and whether another group would give what is stated."""
    claim = case.claim
    words = f"not reproduced from {case.source}: stated {claim.stated}, the table gives {case.value:.3f}"
    if claim.is_sign or claim.across or claim.measure in ("site", "n"):
        return words
    kin = case.table.regions if claim.group in case.table.regions else case.table.subregions
    for group in kin:
        value = float(computed(replace(claim, groups=(group,), group=group), case.table)[0])
        if group != claim.group and agrees(claim, value):
            return f"{words}; {group}'s {claim.measure} is {value:.3f}"
    return words


def _members(case: Case) -> NDArray[np.bool_]:
    everyone: NDArray[np.bool_] = np.logical_or.reduce([case.table.members[group] for group in case.claim.groups])
    return everyone


def _single_leave_outs(case: Case) -> list[NDArray[np.bool_]]:
    """Each site of the claim's groups that has a value, alone, as a mask."""
    column = case.table.columns.get(case.claim.quantity, np.zeros(len(case.names)))
    sites = np.flatnonzero(_members(case) & ~np.isnan(column))
    return [np.arange(len(case.names)) == k for k in sites]


def _listed(case: Case, mask: NDArray[np.bool_]) -> str:
    return ", ".join(case.names[k] for k in np.flatnonzero(mask))


_ORDER: tuple[tuple[str, Callable[[Case], str]], ...] = (
    (INPUT_ROUNDING, _rounding), (ANOTHER_N, _another_n), (ANOTHER_SUBSET, _another_subset),
    (OVER_ALL, _over_all_sites), (SIGN, _sign_or_complement), (DIFFERENCE, _follows_difference),
    (INPUT_ROUNDING, _rounding_of_parts))
CLASSES = (AGREES, INPUT_ROUNDING, ANOTHER_N, ANOTHER_SUBSET, OVER_ALL, SIGN, DIFFERENCE, NOT_REPRODUCED)
"""Every verdict, in the order of trying."""
