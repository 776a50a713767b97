"""What is suspicious in a table of sites: marks found by rule or declared by a reviewer; neither changes a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

_RULES: Mapping[str, str] = {
    "SO_NOT_DIFFERENCE": "the printed surface offset is not MAGST - MAAT, beyond the rounding of the three",
    "TO_NOT_DIFFERENCE": "the printed thermal offset is not TTOP - MAGST, beyond the rounding of the three",
    "TTOP_ABOVE_ZERO": "a top of permafrost above 0 degC",
    "MAAT_ABOVE_ZERO": "mean annual air temperature above 0 degC",
    "NEAR_DUPLICATE": "MAAT, MAGST and TTOP all within 0.1 °C of another row's",
    "DUPLICATE_NAME": "another row has the same name",
    "SHARED_GRID_CELL": "lies in the 0.1 degree grid cell of another site: both get the same gridded predictors",
    "COARSE_COORDINATE": "the coordinate is less certain than a grid cell is wide (10 km)",
    "REGION_MISMATCH": "the coordinate does not lie in the named region",
    "NO_COORDINATE": "no coordinate known",
    "NO_ALT": "no active layer thickness given",
}
_DECLARED: Mapping[str, str] = {
    "FILL_VALUE": "a cell holds a fill value such as -999 and was taken as empty",
    "ALT_UNIT_SLIP": "active layer thickness probably given in another unit",
    "ALT_OUTSIDE_LOGGERS": "the table's active layer thickness contradicts what the site's loggers show",
    "IMPLAUSIBLE_MEAN": "not plausible as an annual mean",
    "OUTSIDE_REGION": "lies outside the region it is counted in",
    "SHARED_BASIN": "one of several plots of a basin, or of sites located only by their basin",
    "IDENTITY_UNDECIDED": "which place is meant is not decided",
}
BY_RULE = frozenset(_RULES)
"""Codes that rules put on a table, whoever made it."""
CODES: Mapping[str, str] = {**_RULES, **_DECLARED}
"""Every code with its meaning: those found by rule, then those that a reviewer or the reading of a file declares."""

NEAR_K = 0.1
CELL_DEGREES = 0.1
CELL_KM = 10.0

Mark = tuple[int, str, str]


def half_unit(column: pl.Series) -> np.ndarray:
    """
    Half the last printed decimal of each value, at most 0.05: how far rounding can have moved it.

    Examples
    --------
    >>> half_unit(pl.Series([-6.67, 3.0, None])).tolist()
    [0.005, 0.05, nan]
    """
    return np.array([np.nan if value is None else 0.5 * 10.0 ** -max(1, _decimals(value)) for value in column])


def found_flags(sites: pl.DataFrame) -> list[Mark]:
    """
    The marks that rules put on a table of sites.

    Parameters
    ----------
    sites : polars.DataFrame
        A table of sites with its recomputed offsets.

    Returns
    -------
    list of (row, code, reason)
        Row counted from 0; the reason gives the numbers.
    """
    return [*_differences(sites), *_above_zero(sites), *_near_duplicates(sites), *_places(sites), *_thickness(sites)]


def with_flags(sites: pl.DataFrame, marks: list[Mark]) -> pl.DataFrame:
    """The table with `flags` (codes joined by ";") and `flag_reasons` (joined by " | ", one a code); "" where none."""
    order = list(dict.fromkeys([*CODES, *(code for _, code, _ in marks)]))
    found: list[dict[str, list[str]]] = [{} for _ in range(sites.height)]
    for row, code, reason in sorted(marks, key=lambda mark: (mark[0], order.index(mark[1]))):
        found[row].setdefault(code, []).append(reason)
    return sites.with_columns(
        pl.Series("flags", [";".join(codes) for codes in found], dtype=pl.String),
        pl.Series("flag_reasons", [" | ".join(", ".join(reasons) for reasons in codes.values()) for codes in found],
                  dtype=pl.String))


def _decimals(value: float) -> int:
    text = np.format_float_positional(value, trim="-")
    return len(text.partition(".")[2])


def _differences(sites: pl.DataFrame) -> Iterator[Mark]:
    for code, name, minuend, subtrahend in (("SO_NOT_DIFFERENCE", "surface_offset", "magst", "maat"),
                                            ("TO_NOT_DIFFERENCE", "thermal_offset", "ttop", "magst")):
        room = half_unit(sites[name]) + half_unit(sites[minuend]) + half_unit(sites[subtrahend])
        printed, again = sites[name].to_numpy(), sites[f"{name}_recomputed"].to_numpy()
        for k in np.flatnonzero(np.abs(printed - again) > room + 1e-9):
            yield (int(k), code, f"printed {printed[k]:g}, {minuend.upper()} - {subtrahend.upper()} = {again[k]:g} °C; "
                                 f"rounding explains {room[k]:.2g} °C")


def _above_zero(sites: pl.DataFrame) -> Iterator[Mark]:
    for code, name in (("TTOP_ABOVE_ZERO", "ttop"), ("MAAT_ABOVE_ZERO", "maat")):
        for k in (sites[name] > 0).arg_true():
            yield int(k), code, f"{name.upper()} {sites[name][int(k)]:g} degC is above 0 degC"


def _near_duplicates(sites: pl.DataFrame) -> Iterator[Mark]:
    from scipy.spatial import cKDTree

    state = sites.select("maat", "magst", "ttop").to_numpy()
    whole = np.flatnonzero(~np.isnan(state).any(axis=1))
    if whole.size < 2:
        return
    for i, j in sorted(cKDTree(state[whole]).query_pairs(NEAR_K + 1e-9, p=np.inf)):
        a, b = int(whole[i]), int(whole[j])
        for row, other in ((a, b), (b, a)):
            yield (row, "NEAR_DUPLICATE",
                   f"MAAT, MAGST and TTOP are within {NEAR_K:g} °C of those of {sites['site'][other]}")


def _places(sites: pl.DataFrame) -> Iterator[Mark]:
    cells: dict[tuple[int, int], list[int]] = {}
    for k, (latitude, longitude, precision) in enumerate(
            sites.select("latitude", "longitude", "coordinate_precision_km").iter_rows()):
        if latitude is None or longitude is None:
            yield k, "NO_COORDINATE", "no coordinate known"
            continue
        if precision is not None and precision > CELL_KM:
            yield k, "COARSE_COORDINATE", f"the coordinate is known to {precision:g} km only"
        cells.setdefault((round(latitude / CELL_DEGREES), round(longitude / CELL_DEGREES) % 3600), []).append(k)
    for rows in cells.values():
        for k in rows:
            others = [sites["site"][j] for j in rows if j != k]
            if others:
                more = f" and {len(others) - 2} more" if len(others) > 2 else ""
                yield (k, "SHARED_GRID_CELL",
                       f"in one {CELL_DEGREES:g} degree grid cell with {', '.join(map(str, others[:2]))}{more}")


def _thickness(sites: pl.DataFrame) -> Iterator[Mark]:
    for k in sites["alt"].is_null().arg_true():
        yield int(k), "NO_ALT", "no active layer thickness given"
