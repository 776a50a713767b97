"""The reproduction scorecard: every number a paper states, recomputed from its own table, agreed or not, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from talik.analysis.claims import QUANTITIES, STATED_IN, Claim, Sheet, agrees, computed, sheet, understood
from talik.analysis.explanations import AGREES, CLASSES, NOT_REPRODUCED, Case, explained
from talik.errors import UsageError
from talik.frames import as_frame, frame_hash
from talik.results import Result
from talik.synthesis import published
from talik.synthesis.flags import half_unit
from talik.variables import variable

_CLAIM = ("claim_id", "where", "statistic", "group", "stated")
_VERDICTS = {"claim_id": pl.String, "where": pl.String, "statistic": pl.String, "group": pl.String,
             "variable": pl.String, "units": pl.String, "stated": pl.String, "recomputed": pl.Float64,
             "n": pl.Int64, "agrees": pl.Boolean, "verdict": pl.String, "explanation": pl.String,
             "also_fits": pl.String}
_RUNS = {"run": pl.String, "claim_id": pl.String, "statistic": pl.String, "group": pl.String, "stated": pl.String,
         "recomputed": pl.Float64, "recomputed_in_run": pl.Float64, "agrees": pl.Boolean, "agrees_in_run": pl.Boolean,
         "reason": pl.String}
_NOT_CHECKABLE = {"claim_id": pl.String, "where": pl.String, "statistic": pl.String, "stated": pl.String,
                  "needs": pl.String, "reason": pl.String}


@dataclass(frozen=True, slots=True)
class Scorecard(Result):
    """
    Verdicts on published claims; made by `scorecard`.

    Parameters
    ----------
    verdicts : polars.DataFrame
        One row a claim; see `to_frame`.
    sensitivity : polars.DataFrame
        One row a run and claim whose number changes: `run` ("without Marion Island"), `recomputed` and `agrees` as in
        the scorecard, `recomputed_in_run` and `agrees_in_run`; null with a `reason` where the claim's site is left out.
    not_checkable : polars.DataFrame
        Claims that the table alone cannot answer, with what each `needs`.
    settings : mapping
        Study, draws, seed, order of the explanations.
    data_hash : str
        sha256 of the table used.
    """

    verdicts: pl.DataFrame = field(repr=False)
    sensitivity: pl.DataFrame = field(repr=False)
    not_checkable: pl.DataFrame = field(repr=False)
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """
        One row a claim.

        `stated` as text with its decimals; `recomputed` from the table in `units` (ALT in cm, as stated; null where
        the group has too few values, with the reason in `explanation`), from `n` values; `agrees` within rounding;
        `verdict` "agrees" or the first explanation that fits, else "not reproduced"; `explanation` with its numbers;
        `also_fits`, other explanations that fit, joined by ";".
        """
        return self.verdicts.clone()

    def __str__(self) -> str:
        count = self.verdicts["verdict"].value_counts()
        tally = dict(zip(count["verdict"], count["count"], strict=True))
        rest = ", ".join(f"{tally[name]} {name}" for name in CLASSES if name != AGREES and name in tally)
        more = self.not_checkable.height
        return (f"{tally.get(AGREES, 0)} of {self.verdicts.height} claims agree within rounding"
                + (f"; the others: {rest}." if rest else ".")
                + (f" {more} more claims need predictors and are not checkable from the table." if more else ""))


def scorecard(study: Any = "three-poles", *, claims: Any = None, draws: int = 4000, seed: int = 1) -> Scorecard:
    """
    Every published claim recomputed from its table, agreed within rounding or not, and why not.

    Parameters
    ----------
    study : str or frame
        A bundled study's name, or a table of sites (see `read_sites`).
    claims : frame, optional
        With the text columns `claim_id`, `where`, `statistic`, `group`, `stated`; see `talik.analysis.claims` for the
        language. Those of the bundled study when None.
    draws : int
        Monte Carlo draws of the printed values' rounding.
    seed : int
        The same seed gives the same verdicts.

    Returns
    -------
    Scorecard
        With `sensitivity` (what changes without suspect sites, or with a suspected value) and `not_checkable`.

    Raises
    ------
    UsageError
        If a table is given without claims, or `draws` is below 100.
    UnknownName
        If there is no such study, or a claim names a group that the table does not have.
    DataError
        If a claim is not understood.

    References
    ----------
    Liu et al. (2025), npj Climate and Atmospheric Science, doi 10.1038/s41612-025-01235-1.

    Examples
    --------
    >>> sites = {"site": ["A", "B"], "region": ["Arctic"] * 2, "subregion": ["Alaska"] * 2, "maat": [-8.0, -6.0],
    ...          "magst": [-5.0, -4.0], "ttop": [-5.5, -4.1], "alt": [0.5, 0.7], "surface_offset": [3.0, 2.0],
    ...          "thermal_offset": [-0.5, -0.1]}
    >>> said = {"claim_id": ["1", "2"], "where": ["p. 1"] * 2, "statistic": ["mean SO", "mean ALT"],
    ...         "group": ["Arctic", "Alaska"], "stated": ["2.5", "61.2"]}
    >>> print(scorecard(sites, claims=said))
    1 of 2 claims agree within rounding; the others: 1 not reproduced.
    """
    if draws < 100:
        raise UsageError(f"draws: got {draws}, expected at least 100")
    bundled = isinstance(study, str)
    if not bundled and claims is None:
        raise UsageError("claims: a table of your own needs claims=..., a frame with " + ", ".join(_CLAIM))
    frame = published.sites(study) if bundled else as_frame(study, "study")
    said = (published.part(study, "claims") if claims is None
            else as_frame(claims, "claims", required=_CLAIM)).select(*_CLAIM).cast(pl.String)
    table = sheet(frame)
    understood_claims = [understood(row, table) for row in said.iter_rows(named=True)]
    source = published.dataset(study)["table"] if bundled else "the table"
    verdicts = _verdicts(understood_claims, table, frame, draws, seed, source)
    missing = _not_checkable(study) if bundled and claims is None else pl.DataFrame(schema=_NOT_CHECKABLE)
    settings = {"study": study if bundled else "a table", "draws": draws, "seed": seed, "order": list(CLASSES)}
    return Scorecard(verdicts, _sensitivity(understood_claims, table, frame, _alternatives(study) if bundled else []),
                     missing, settings, frame_hash(frame))


def _verdicts(claims: Sequence[Claim], table: Sheet, frame: pl.DataFrame, draws: int, seed: int,
              source: str) -> pl.DataFrame:
    halves = _halves(table)
    names = tuple(frame["site"].cast(pl.String).fill_null("(unnamed)"))
    outside = _flagged(frame, "OUTSIDE_REGION")
    rows = []
    for claim in claims:
        value, n = computed(claim, table)
        number = float(value)
        also: tuple[str, ...] = ()
        good = agrees(claim, number, printed_half=_coarsest(claim, table, halves))
        if good:
            verdict, words = AGREES, ""
        elif np.isnan(number):
            verdict, words = NOT_REPRODUCED, f"too few values: n = {n}"
        else:
            verdict, words, also = explained(Case(claim, table, halves, outside, names, draws, seed, source))
        rows.append({name: getattr(claim, name) for name in _CLAIM}
                    | {"variable": claim.quantity or None, "units": _unit(claim), "n": n, "agrees": good,
                       "recomputed": None if np.isnan(number) else round(number, 9), "verdict": verdict,
                       "explanation": words, "also_fits": ";".join(also)})
    return pl.DataFrame(rows, schema=_VERDICTS)


def _halves(table: Sheet) -> dict[str, Any]:
    return {name: half_unit(pl.Series(table.columns[name]).fill_nan(None)) for name in QUANTITIES}


def _coarsest(claim: Claim, table: Sheet, halves: Mapping[str, Any]) -> float:
    """The printed half unit of the one value a claim is about; 0 where several values make the number."""
    if claim.measure != "site":
        return 0.0
    return float(halves[claim.quantity][table.members[claim.group]].max())


def _unit(claim: Claim) -> str:
    if claim.measure.startswith("% "):
        return "%"
    if claim.across.startswith("rank") or claim.measure in ("n", "|CV|"):
        return "1"
    return STATED_IN[claim.quantity][0] if claim.quantity in STATED_IN else variable(claim.quantity).units


def _flagged(frame: pl.DataFrame, code: str) -> Any:
    if "flags" not in frame.columns:
        return np.zeros(frame.height, dtype=bool)
    return frame["flags"].str.split(";").list.contains(code).fill_null(False).to_numpy()


def _alternatives(study: str) -> list[tuple[str, str, float]]:
    """Declared suspected values: site, column, value in the catalogue's unit."""
    rows = published.part(study, "flags").filter(pl.col("alternative").is_not_null())
    return [(site, column, float(value)) for site, column, value
            in rows.select("site", "variable", "alternative").iter_rows()]


def _sensitivity(claims: Sequence[Claim], table: Sheet, frame: pl.DataFrame,
                 alternatives: Sequence[tuple[str, str, float]]) -> pl.DataFrame:
    """What changes without each site flagged as implausible or outside its region, or with a suspected value."""
    nobody = np.zeros(frame.height, dtype=bool)
    runs: list[tuple[str, Sheet, Any]] = []
    for code in ("IMPLAUSIBLE_MEAN", "OUTSIDE_REGION"):
        runs += [(f"without {frame['site'][int(k)]}", table, np.arange(frame.height) == k)
                 for k in np.flatnonzero(_flagged(frame, code))]
    for site, column, value in alternatives:
        unit, scale = STATED_IN.get(column, (variable(column).units, 1.0))
        changed = np.where(table.members[site], value * scale, table.columns[column])
        runs.append((f"{site} with {variable(column).short} {value * scale:g} {unit}",
                     table.with_column(column, changed), nobody))
    halves = _halves(table)
    rows = []
    for run, other, without in runs:
        for claim in claims:
            before, after = float(computed(claim, table)[0]), float(computed(claim, other, without=without)[0])
            if np.isclose(before, after, rtol=0, atol=1e-9, equal_nan=True):
                continue
            half = _coarsest(claim, table, halves)
            gone = np.isnan(after)
            rows.append({"run": run, "claim_id": claim.claim_id, "statistic": claim.statistic, "group": claim.group,
                         "stated": claim.stated, "recomputed": round(before, 9),
                         "recomputed_in_run": None if gone else round(after, 9),
                         "agrees": agrees(claim, before, printed_half=half),
                         "agrees_in_run": None if gone else agrees(claim, after, printed_half=half),
                         "reason": "too few values are left" if gone else None})
    return pl.DataFrame(rows, schema=_RUNS)


def _not_checkable(study: str) -> pl.DataFrame:
    return published.part(study, "claims_need_predictors").with_columns(
        reason=pl.lit("not checkable from Table 1: needs ") + pl.col("needs")).select(*_NOT_CHECKABLE)
