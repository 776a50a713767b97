"""When a year is whole enough to have an annual mean: named rules, year starts, reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from talik.errors import UsageError, unknown

if TYPE_CHECKING:
    from talik.kernels.years import Windows, YearSums

YEAR_STARTS = {"calendar": (1, 1), "hydrological": (10, 1), "thermal": (9, 1), "austral": (3, 1)}
"""Named year starts (month, day). A window is called after the calendar year in which it ends."""

REASONS: Mapping[str, str] = {
    "": "there is a value",
    "no_data": "no daily mean in the window",
    "few_days": "too small a share of the days",
    "long_gap": "too many missing days in a row (before the record's begin and after its end included)",
    "short_month": "a month with too few days, or too many of them missing in a row",
    "empty_months": "too many months without any day",
    "window_edge": "the window begins before the record does",
    "rejected": "the check, or the source, rejects too many values; with them the window would be whole",
    "step_over_a_day": "samples more than a day apart: no daily means",
    "step": "samples 15 to 23 hours apart: most days have one, at another hour every day",
    "no_column": "no column was chosen for this, or none fits",
    "censored_deep": "thawed down to the last sensor: the active layer is thicker than the string is deep",
    "censored_shallow": "frozen up to the first sensor: the active layer is thinner than the first sensor is deep",
    "peak_missing": "days are missing when it was warmest, or coldest, and the sensors cannot say how far it went",
    "no_profile": "no sensor of the profile has a whole year",
    "outside_string": "the depth lies outside the sensors; nothing is extrapolated",
    "talik": "a layer below the surface that stayed thawed all year: it does not bound the active layer below",
    "several_crossings": "a frozen layer above one that thaws: which is the active layer is not decided",
    "phase_change": "ground that freezes or thaws: latent heat would be read as a diffusivity",
    "not_conducting": "no wave that falls and lags with depth, or days that a conducting layer does not explain",
    "no_degree_days": "the air has too few degree-days of that kind, or the surface none",
    "not_frozen": "the deep temperature is above 0 °C: no permafrost there",
    "not_given": "thickness was to come from elsewhere, and none was given for this year",
    "needs": "one of the values it is made of is missing; the words after it say which",
}
"""Every reason a value may be missing for."""


def year_start(text: str) -> tuple[int, int]:
    """
    Month and day on which a year begins, from a name or "MM-DD".

    Raises
    ------
    UsageError
        If it is neither, or a day beyond the 28th, which not every month has.

    Examples
    --------
    >>> year_start("hydrological"), year_start("08-15")
    ((10, 1), (8, 15))
    """
    if text in YEAR_STARTS:
        return YEAR_STARTS[text]
    found = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text.strip())
    month, day = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (1 <= month <= 12 and 1 <= day <= 28):
        raise UsageError(f"year start {text!r}: expected one of {', '.join(YEAR_STARTS)}, or MM-DD with a day up to 28")
    return month, day


@dataclass(frozen=True, slots=True)
class Completeness:
    """
    When a day, a month and a year are whole enough to have a mean.

    A share alone is not safe: with a yearly range of 28 K a gap of 73 days, a fifth of the year, moves the mean by
    up to 3.3 K, one of 15 days by 0.6 K. Hence the longest gap and the poorest month count as well.

    Parameters
    ----------
    day : float
        Smallest share of a day's samples.
    year : float
        Smallest share of a year's days.
    longest_gap : int or None
        Most missing days in a row within the year; None for no limit.
    month : float or None
        Smallest share of each month's days.
    empty_months : int or None
        Most months without any day.
    month_missing, month_run : int or None
        Most missing days, and most missing days in a row, in any month.
    year_start : str
        "calendar", "hydrological" (1 October), "thermal" (1 September), "austral" (1 March), or "MM-DD".
    name : str
        What it is called.

    Raises
    ------
    UsageError
        If a share is not within 0 to 1, or the year start is no date.

    References
    ----------
    `gtnp`: GTN-P collection of mean annual ground temperatures 1980-2021: none "if >20 % of yearly values are not
    available or if more than one complete month is missing". `wmo`: the 3/5 rule of the climatological normals: no
    month with more than 5 days missing, or more than 3 in a row. `permos`: hydrological years without gaps beyond
    the 5 days that straight lines bridge as well as any method does (Staub et al. 2017, doi:10.1002/ppp.1913), with
    90 % of the days and, as in `default`, 80 % of every month. `liu2025`: the paper states no rule, so whatever there
    is counts (doi:10.1038/s41612-025-01235-1).

    Examples
    --------
    >>> completeness_rule("gtnp").longest_gap, completeness_rule("permos").year_start
    (None, 'hydrological')
    >>> completeness_rule("gtmp")
    Traceback (most recent call last):
    ...
    talik.errors.UnknownName: unknown completeness rule 'gtmp'. Did you mean 'gtnp'? ...
    """

    day: float = 0.8
    year: float = 0.9
    longest_gap: int | None = 15
    month: float | None = 0.8
    empty_months: int | None = None
    month_missing: int | None = None
    month_run: int | None = None
    year_start: str = "calendar"
    name: str = "custom"

    def __post_init__(self) -> None:
        for share in ("day", "year", "month"):
            value = getattr(self, share)
            if value is not None and not 0 <= value <= 1:
                raise UsageError(f"completeness: {share} is a share from 0 to 1, got {value!r}")
        year_start(self.year_start)

    @property
    def any_window(self) -> tuple[int, float]:
        """
        Longest gap [d] and smallest share of days where there are no months: limits of a month hold for any 30 days.

        Examples
        --------
        >>> PRESETS["default"].any_window, PRESETS["wmo"].any_window
        ((15, 0.9), (3, 0.8333333333333334))
        """
        limits = [limit for limit in (self.longest_gap, self.month_run, self.month_missing) if limit is not None]
        share = self.year if self.month_missing is None else max(self.year, 1 - self.month_missing / 30)
        return min(limits, default=10**6), share

    def reasons(self, sums: YearSums, where: Windows) -> NDArray[np.str_]:
        """The code of `REASONS` for every year and column; "" where the year is whole enough."""
        share = sums.n / where.days[:, None]
        longest, month = self.longest_gap, self.month
        faults = {
            "no_data": sums.n == 0,
            "few_days": share < self.year - 1e-12,
            "long_gap": sums.longest_gap > longest if longest is not None else None,
            "short_month": sums.month_share < month - 1e-12 if month is not None else None,
            "empty_months": sums.empty_months > self.empty_months if self.empty_months is not None else None,
        }
        reason = np.full(sums.n.shape, "", dtype="U20")
        for code, at_fault in faults.items():
            if at_fault is not None:
                reason[(reason == "") & at_fault] = code
        for limit, worst in ((self.month_missing, sums.poorest_missing), (self.month_run, sums.poorest_run)):
            if limit is not None:
                reason[(reason == "") & (worst > limit)] = "short_month"
        return reason


PRESETS: Mapping[str, Completeness] = {rule.name: rule for rule in (
    Completeness(name="default"),
    Completeness(year=0.8, longest_gap=None, month=None, empty_months=1, name="gtnp"),
    Completeness(year=0.0, longest_gap=None, month=None, month_missing=5, month_run=3, name="wmo"),
    Completeness(year=0.9, longest_gap=5, month=0.8, year_start="hydrological", name="permos"),
    Completeness(day=0.0, year=0.0, longest_gap=None, month=None, name="liu2025"),
)}


def completeness_rule(rule: Completeness | str = "default", start: str | None = None) -> Completeness:
    """
    A rule by name, or as it is, with another year start when one is given.

    Raises
    ------
    UnknownName
        If there is no rule of that name.
    """
    if isinstance(rule, str):
        if rule not in PRESETS:
            raise unknown("completeness rule", rule, PRESETS)
        rule = PRESETS[rule]
    return rule if start is None else replace(rule, year_start=start)
