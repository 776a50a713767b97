"""Distances and clusters on the sphere."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_KM = 6371.0088


def great_circle(latitude: ArrayLike, longitude: ArrayLike, latitude2: ArrayLike | None = None,
                 longitude2: ArrayLike | None = None) -> NDArray[np.float64]:
    """
    Great-circle distances between two sets of points, by haversines.

    Parameters
    ----------
    latitude, longitude : array_like, shape (n,)
        Points [degrees].
    latitude2, longitude2 : array_like, shape (m,), optional
        The other points [degrees]; the same points when None.

    Returns
    -------
    distance : ndarray, shape (n, m)
        [km] on a sphere of radius 6371.0088 km. NaN where a coordinate is NaN.

    Examples
    --------
    >>> great_circle([90.0], [0.0], [0.0], [120.0]).round(1)
    array([[10007.6]])
    """
    lat1, lon1 = np.radians(np.asarray(latitude, float)), np.radians(np.asarray(longitude, float))
    lat2 = lat1 if latitude2 is None else np.radians(np.asarray(latitude2, float))
    lon2 = lon1 if longitude2 is None else np.radians(np.asarray(longitude2, float))
    h = (np.sin((lat2[None, :] - lat1[:, None]) / 2) ** 2
         + np.cos(lat1)[:, None] * np.cos(lat2)[None, :] * np.sin((lon2[None, :] - lon1[:, None]) / 2) ** 2)
    distance: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0)))
    return distance


def single_linkage(distance: NDArray[np.float64], reach: float) -> NDArray[np.int64]:
    """
    Cluster numbers such that points closer than `reach`, directly or through others, share one.

    Parameters
    ----------
    distance : ndarray, shape (n, n)
        Symmetric distances; NaN where unknown.
    reach : float
        Largest distance of neighbours, in the unit of `distance`.

    Returns
    -------
    cluster : ndarray of int, shape (n,)
        Numbered from 0 in the order of first appearance; -1 where every distance is NaN.

    Examples
    --------
    >>> single_linkage(np.array([[0, 1, 9], [1, 0, 9], [9, 9, 0.0]]), 2.0)
    array([0, 0, 1])
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    near = np.nan_to_num(distance, nan=np.inf) <= reach
    known = np.isfinite(np.diagonal(distance))
    _, label = connected_components(csr_array(near), directed=False)
    _, first, renumbered = np.unique(label, return_index=True, return_inverse=True)
    located = [k for k in np.argsort(first) if known[first[k]]]
    number = np.full(first.size, -1, dtype=np.int64)
    number[located] = np.arange(len(located))
    cluster: NDArray[np.int64] = number[renumbered]
    return cluster
