"""Sites that are not independent: near one another, or plots of one basin."""

from __future__ import annotations

import numpy as np
import polars as pl

from talik.errors import UsageError
from talik.kernels.sphere import great_circle, single_linkage

REACH_KM = 60.0
"""Sites nearer than this, directly or through others, are one cluster unless asked otherwise."""

BY_DISTANCE, BY_BASIN, ALONE = "distance", "basin", "alone"


def clusters(sites: pl.DataFrame, *, cluster_km: float = REACH_KM) -> pl.DataFrame:
    """
    The cluster of each site: single linkage of great-circle distances, then named basins, else a cluster of its own.

    Parameters
    ----------
    sites : polars.DataFrame
        With `latitude` and `longitude` [degrees], null where unknown, and optionally `basin` (text).
    cluster_km : float
        Largest distance of neighbours [km].

    Returns
    -------
    polars.DataFrame
        `cluster` (int, from 0, located sites first, in the order of first appearance) and `cluster_from`:
        "distance"; "basin" where a site without coordinates took the cluster of its basin; "alone" where it has
        neither. Never null: a site that cannot be placed counts as independent, which the column says.

    Raises
    ------
    UsageError
        If `cluster_km` is not a positive number.

    Examples
    --------
    >>> plots = pl.DataFrame({"latitude": [34.8, 34.9, 71.3, None], "longitude": [92.9, 92.9, -156.7, None],
    ...                       "basin": ["Beiluhe", None, None, "Beiluhe"]})
    >>> clusters(plots).rows()
    [(0, 'distance'), (0, 'distance'), (1, 'distance'), (0, 'basin')]
    """
    if not cluster_km > 0:
        raise UsageError(f"cluster_km: got {cluster_km}, expected a positive distance in km")
    latitude, longitude = (sites[name].cast(pl.Float64).to_numpy() for name in ("latitude", "longitude"))
    located = ~(np.isnan(latitude) | np.isnan(longitude))
    number = np.full(sites.height, -1, dtype=np.int64)
    number[located] = single_linkage(great_circle(latitude[located], longitude[located]), cluster_km)
    basin = sites["basin"].to_list() if "basin" in sites.columns else [None] * sites.height
    home = {name: int(number[k]) for k, name in reversed(list(enumerate(basin))) if name and located[k]}
    found = [BY_DISTANCE if known else BY_BASIN if name else ALONE
             for name, known in zip(basin, located, strict=True)]
    following = int(number.max(initial=-1)) + 1
    for k in np.flatnonzero(~located):
        name = basin[k]
        if name in home:
            number[k] = home[name]
            continue
        number[k] = following
        if name:
            home[name] = following
        following += 1
    return pl.DataFrame({"cluster": number, "cluster_from": found},
                        schema={"cluster": pl.Int64, "cluster_from": pl.String})
