"""Response and candidate drivers of a site table as arrays, with everything that was left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.analysis.folds import Labels, region_labels, site_clusters
from talik.analysis.trees import MIN_ROWS, numbers_only
from talik.errors import DataError, UsageError
from talik.frames import as_frame, frame_hash
from talik.variables import COORDINATES, ERA5LAND_TWELVE

Floats = NDArray[np.float64]
_WORDS = ("site", "region", "subregion", "latitude", "longitude", "cluster")


@dataclass(frozen=True, slots=True)
class Candidates:
    """
    A response and its candidate drivers.

    Attributes
    ----------
    response : str
        Name of the response.
    predictors : tuple of str
        Names of the columns of `X`.
    y : ndarray, shape (n,)
        Response [K].
    X : ndarray, shape (n, p)
        Predictors in their own units; NaN where missing.
    cluster, region : ndarray of int, shape (n,)
        Numbers from 0; regions are sub-regions where the table has them.
    sites : polars.DataFrame
        Site, region, ... of the rows used, in their order.
    rows : ndarray of int, shape (n,)
        Their row numbers in the table given.
    left_out : mapping of str to str
        Predictors that were asked for and not used, with the reason.
    notes : tuple of str
        Rows left out, and other things a reader should know.
    """

    response: str
    predictors: tuple[str, ...]
    y: Floats = field(repr=False)
    X: Floats = field(repr=False)
    cluster: Labels = field(repr=False)
    region: Labels = field(repr=False)
    sites: pl.DataFrame = field(repr=False)
    rows: Labels = field(repr=False)
    left_out: dict[str, str]
    notes: tuple[str, ...]
    data_hash: str = field(repr=False)

    def column(self, name: str) -> int:
        """Position of a predictor in `X`."""
        return self.predictors.index(name)


def candidates(sites: Any, response: str, predictors: Sequence[str] | None = None, *, coordinates: bool = False,
               reach_km: float = 60.0) -> Candidates:
    """
    Response and candidate drivers of a site table, checked.

    Parameters
    ----------
    sites : polars or pandas frame, or mapping
        One row a site: `response`, the predictors, and `latitude`, `longitude` or `cluster`.
    response : str
        Column to explain, such as "surface_offset" [K].
    predictors : sequence of str, optional
        Columns that may explain it; those of the catalogue's drivers the table holds when None.
    coordinates : bool
        Whether latitude and longitude may be drivers. They name the place and let trees learn regions by heart.
    reach_km : float
        Sites closer than this form a cluster [km].

    Raises
    ------
    DataError
        If fewer than 20 rows have a response and a known place, a value is infinite, a cell holds text, or no
        predictor is left.
    UsageError
        If a column is missing or named twice, or the response is among the predictors.

    Examples
    --------
    >>> table = {"surface_offset": range(30), "latitude": range(30), "longitude": [0] * 30,
    ...          "snow_depth": range(30), "albedo": [0.5] * 30}
    >>> c = candidates(table, "surface_offset", ["snow_depth", "albedo", "latitude"])
    >>> c.predictors, c.left_out["albedo"], c.X.shape
    (('snow_depth',), 'constant (0.5 everywhere)', (30, 1))
    """
    frame = as_frame(sites, "sites", required=[response])
    names = _named(frame, response, predictors)
    y = numbers_only(frame, response).to_numpy().astype(float)
    values = {name: numbers_only(frame, name).to_numpy().astype(float) for name in names}
    cluster = site_clusters(frame, reach_km=reach_km)
    used = np.flatnonzero(~np.isnan(y) & (cluster >= 0))
    if used.size < MIN_ROWS:
        raise DataError(f"sites: {used.size} rows have {response!r} and a known place (coordinates or `cluster`); "
                        f"drivers need at least {MIN_ROWS}")
    if np.ptp(y[used]) == 0:
        raise DataError(f"sites: {response!r} is {y[used][0]:g} in every row; there is nothing to explain")
    left_out = {name: reason for name in names if (reason := _useless(name, values[name][used], coordinates))}
    kept = tuple(name for name in names if name not in left_out)
    if not kept:
        advice = ". Places may explain it only when asked for: coordinates=True" if {*COORDINATES} & {*names} else ""
        raise DataError(f"predictors: none is left. {'; '.join(f'{n}: {why}' for n, why in left_out.items())}{advice}")
    words = frame.select([c for c in _WORDS if c in frame.columns])[used]
    X = np.stack([values[name][used] for name in kept], axis=1)
    return Candidates(response=response, predictors=kept, y=y[used], X=X, cluster=_renumbered(cluster[used]),
                      region=_renumbered(region_labels(words).fill_null("").to_numpy()), sites=words, rows=used,
                      left_out=left_out, notes=_notes(y, cluster, used, X, response),
                      data_hash=frame_hash(frame.select(list(dict.fromkeys([*words.columns, response, *names])))[used]))


def _named(frame: pl.DataFrame, response: str, predictors: Sequence[str] | None) -> list[str]:
    if predictors is None:
        known = (*ERA5LAND_TWELVE, "snow_water_equivalent", "skin_temperature", "elevation", "alt", *COORDINATES)
        names = [name for name in known if name in frame.columns and name != response]
    else:
        names = [predictors] if isinstance(predictors, str) else list(predictors)
    as_frame(frame, "predictors", required=names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"predictors: {', '.join(twice)} named more than once")
    if response in names:
        raise UsageError(f"predictors: {response!r} is the response and cannot explain itself")
    return names


def _useless(name: str, column: Floats, coordinates: bool) -> str:
    known = column[~np.isnan(column)]
    if not known.size:
        return "missing in every row"
    if np.ptp(known) == 0:
        return f"constant ({known[0]:g} everywhere)"
    if name in COORDINATES and not coordinates:
        return "a coordinate: it names the place, not a process"
    return ""


def _renumbered(labels: NDArray[Any]) -> Labels:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _notes(y: Floats, cluster: Labels, used: Labels, X: Floats, response: str) -> tuple[str, ...]:
    empty, unplaced = int(np.isnan(y).sum()), int(((cluster < 0) & ~np.isnan(y)).sum())
    twins = used.size - np.unique(np.nan_to_num(X, nan=np.inf), axis=0).shape[0]
    return tuple(text for count, text in (
        (empty, f"{empty} of {y.size} rows left out: no {response}"),
        (unplaced, f"{unplaced} rows left out: neither coordinates nor `cluster`, so their neighbours are unknown"),
        (twins, f"{twins} rows repeat the predictors of another row exactly (a shared grid cell, or the same gaps)"),
    ) if count)
