"""A small language of published claims: a statistic, a quantity and a group become a number computed from a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import DataError, unknown
from talik.frames import as_frame, numbers
from talik.variables import variable

Array = NDArray[np.float64]

STATED_IN: Mapping[str, tuple[str, float]] = {"alt": ("cm", 100.0)}
"""Unit in which claims state a quantity where it is not the catalogue's, and how many of it make one of those."""

QUANTITIES = ("surface_offset", "thermal_offset", "maat", "magst", "ttop", "alt")
SINGLE = ("site", "min", "max")
"""Statistics that are one printed value, known to its printed decimals only."""


def _se(values: Array) -> Array:
    out: Array = values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])
    return out


def _cv(values: Array) -> Array:
    """|sd/mean|; NaN where the mean is 0."""
    mean = values.mean(axis=-1)
    out: Array = np.abs(values.std(axis=-1, ddof=1) / np.where(mean == 0, np.nan, mean))
    return out


STATISTICS: Mapping[str, Callable[[Array], Array]] = {
    "mean": lambda v: v.mean(axis=-1),
    "SE": _se,
    "min": lambda v: v.min(axis=-1),
    "max": lambda v: v.max(axis=-1),
    "|CV|": _cv,
    "site": lambda v: v.mean(axis=-1),
    "% positive": lambda v: 100 * (v > 0).mean(axis=-1),
    "% negative": lambda v: 100 * (v < 0).mean(axis=-1),
    "n": lambda v: np.asarray(float(v.shape[-1])),
}
"""What a claim may say of the values of a group, along the last axis."""


@dataclass(frozen=True, slots=True)
class Claim:
    """
    One claim, understood.

    Parameters
    ----------
    claim_id, where, statistic, group, stated : str
        As in the list of claims.
    measure : str
        Key of `STATISTICS`.
    quantity : str
        Name of the catalogue; "" where sites are counted.
    groups : tuple of str
        Whose values are taken; several only with `across`.
    across : str
        "" or what is made of the several groups: "max", "min", "rank up" or "rank down" (of the claim's own group).
    """

    claim_id: str
    where: str
    statistic: str
    group: str
    stated: str
    measure: str
    quantity: str
    groups: tuple[str, ...]
    across: str = ""

    @property
    def is_sign(self) -> bool:
        """Whether only a sign is claimed."""
        return self.stated in ("negative", "positive")

    @property
    def half(self) -> float:
        """Half the last stated decimal: how far rounding can have moved the stated number."""
        return 0.5 * 10.0 ** -len(self.stated.partition(".")[2])


@dataclass(frozen=True, slots=True)
class Sheet:
    """
    The numbers of a table of sites, as claims speak of them.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (..., n)
        Values by catalogue name, in the unit of claims, NaN where unknown; leading axes are Monte Carlo draws.
    members : mapping of str to ndarray of bool, shape (n,)
        The sites of each group: every site's, sub-region's and region's name, and "All".
    regions, subregions : tuple of str
        In the order of the table.
    """

    columns: Mapping[str, Array]
    members: Mapping[str, NDArray[np.bool_]]
    regions: tuple[str, ...]
    subregions: tuple[str, ...]

    def values(self, quantity: str, group: str, *, without: NDArray[np.bool_] | None = None) -> Array:
        """The known values of a quantity in a group, shape (..., k); ones where sites are counted."""
        chosen = self.members[group] if without is None else self.members[group] & ~without
        if not quantity:
            return np.ones(int(chosen.sum()))
        column = self.columns[quantity]
        first = column.reshape(-1, column.shape[-1])[0]
        kept: Array = column[..., chosen & ~np.isnan(first)]
        return kept

    def with_column(self, quantity: str, values: Array) -> Sheet:
        """The sheet with another column in the place of one."""
        return replace(self, columns={**self.columns, quantity: values})


def sheet(sites: object) -> Sheet:
    """
    A table of sites as a sheet for claims.

    Raises
    ------
    UnknownName
        If `site`, `region`, `subregion` or a quantity's column is missing.
    DataError
        If the table is empty.
    """
    frame = as_frame(sites, "sites", required=["site", "region", "subregion", *QUANTITIES])
    if frame.is_empty():
        raise DataError("sites: the table has no rows, so no claim can be checked")
    members = {"All": np.ones(frame.height, dtype=bool)}
    for column in ("site", "subregion", "region"):
        names = frame[column].cast(pl.String)
        members |= {name: (names == name).fill_null(False).to_numpy() for name in names.unique().drop_nulls()}
    present = [name for name in (*QUANTITIES, "surface_offset_recomputed", "thermal_offset_recomputed")
               if name in frame.columns]
    # 9 decimals: 0.499 m shall be 49.9 cm, not 49.900000000000006
    columns = {name: np.round(numbers(frame, name, "sites").to_numpy() * STATED_IN.get(name, ("", 1.0))[1], 9)
               for name in present}
    regions, subregions = (tuple(frame[column].cast(pl.String).drop_nulls().unique(maintain_order=True))
                           for column in ("region", "subregion"))
    return Sheet(columns, members, regions, subregions)


_Q = r"(?P<quantity>SO|TO|MAAT|MAGST|TTOP|ALT)"
_MEASURE = r"(?P<measure>mean|SE|min|max|\|CV\|)"
_GRAMMAR: tuple[tuple[str, dict[str, str]], ...] = (
    (rf"^{_MEASURE} (?:site )?{_Q}\b", {}),
    (rf"^{_Q} \(repeated\)$", {"measure": "mean"}),
    (rf"^site {_Q}$", {"measure": "site"}),
    (rf"^{_Q} (?:negative|positive)\?$", {"measure": "site"}),
    (rf"^% sites with (?P<sign>positive|negative) {_Q}$", {}),
    (r"^n\b", {"measure": "n"}),
    (rf"^(?:.+ )?{_MEASURE} {_Q} highest of \d+ regions \(rank\)$", {"across": "rank down"}),
    (rf"^lowest {_MEASURE} {_Q} region \(rank ascending\)$", {"across": "rank up"}),
    (rf"^thinnest {_Q} in data set$", {"measure": "min", "over": "All"}),
    (rf"^sub-regional {_MEASURE} {_Q} range upper \((?P<list>[^)]+)\)$", {"across": "max"}),
    (rf"^sub-regional {_MEASURE} {_Q} range lower \((?P<list>[^)]+)\)$", {"across": "min"}),
)


def understood(row: Mapping[str, str], table: Sheet) -> Claim:
    """
    A row of a list of claims as a computation.

    Parameters
    ----------
    row : mapping
        With `claim_id`, `where`, `statistic`, `group` and `stated`; nothing else is looked at.
    table : Sheet
        The table, for the names of its groups.

    Raises
    ------
    DataError
        If the statistic is not in the language, or what is stated is neither a number nor a sign.
    UnknownName
        If the group is no site, sub-region or region of the table.

    Notes
    -----
    The language, with Q for SO, TO, MAAT, MAGST, TTOP or ALT (ALT in cm) and M for mean, SE, min, max or \\|CV\\|:
    "M Q"; "site Q"; "Q negative?"; "% sites with positive Q"; "n ..."; "lowest M Q region (rank ascending)";
    "M Q highest of 3 regions (rank)"; "thinnest ALT in data set"; "sub-regional M Q range upper (A/B/C)", or lower.
    """
    statistic, claim = row["statistic"], f"claim {row['claim_id']}"
    found, fixed = next(((m, f) for pattern, f in _GRAMMAR if (m := re.search(pattern, statistic))), (None, {}))
    if found is None:
        raise DataError(f"{claim}: statistic {statistic!r} is not understood. Write e.g. 'mean SO', 'SE TO', "
                        "'site ALT', '% sites with positive TO' or 'n sites'.")
    parts = {**found.groupdict(), **fixed}
    if not re.fullmatch(r"-?\d+(\.\d+)?|negative|positive", row["stated"] or ""):
        raise DataError(f"{claim}: stated {row['stated']!r} is not a number, 'negative' or 'positive'")
    across = parts.get("across", "")
    peers = table.regions if row["group"] in table.regions else table.subregions
    listed = (parts.get("list") or "").split("/") if parts.get("list") else None
    groups = tuple(listed or (peers if across else [parts.get("over") or row["group"]]))
    for group in (*groups, *([] if listed else [row["group"]])):
        if group not in table.members:
            raise unknown(f"group of {claim}", group, table.members)
    return Claim(row["claim_id"], row["where"], statistic, row["group"], row["stated"],
                 parts.get("measure") or f"% {parts['sign']}",
                 variable(parts["quantity"]).name if parts.get("quantity") else "", groups, across)


def computed(claim: Claim, table: Sheet, *, without: NDArray[np.bool_] | None = None) -> tuple[Array, int]:
    """
    What the table says to a claim.

    Parameters
    ----------
    claim : Claim
        The claim.
    table : Sheet
        The numbers.
    without : ndarray of bool, shape (n,), optional
        Sites to leave out.

    Returns
    -------
    value : ndarray, shape (...)
        In the unit of claims; one number for each draw of the sheet. NaN where the group has too few values.
    n : int
        How many values it was computed from.
    """
    by_group = [table.values(claim.quantity, group, without=without) for group in claim.groups]
    n = sum(v.shape[-1] for v in by_group)
    needed = 2 if claim.measure in ("SE", "|CV|") else 0 if claim.measure == "n" else 1
    if any(v.shape[-1] < needed for v in by_group):
        return np.asarray(np.nan), n
    numbers_of = np.stack([np.asarray(STATISTICS[claim.measure](v), dtype=float) for v in by_group])
    if claim.across in ("max", "min"):
        return (numbers_of.max(axis=0) if claim.across == "max" else numbers_of.min(axis=0)), n
    if claim.across:
        own = numbers_of[claim.groups.index(claim.group)]
        ahead = numbers_of > own if claim.across == "rank down" else numbers_of < own
        return np.where(np.isnan(numbers_of).any(axis=0), np.nan, 1.0 + ahead.sum(axis=0)), n
    out: Array = numbers_of[0]
    return out, n


def agrees(claim: Claim, value: float, *, printed_half: float = 0.0) -> bool:
    """
    Whether a number is what is stated, within rounding.

    The room is half the last stated decimal; for a single printed value it is that of the coarser of the two
    (`printed_half`), since -0.04 in a text and 0.0 in a table are the same number.
    """
    if np.isnan(value):
        return False
    if claim.is_sign:
        return bool(value < 0 if claim.stated == "negative" else value > 0)
    room = max(claim.half, printed_half if claim.measure in SINGLE and not claim.across else 0.0)
    return abs(value - float(claim.stated)) <= room + 1e-9
