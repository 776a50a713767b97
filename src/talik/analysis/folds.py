"""Folds that keep neighbours together, on the sphere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import DataError, UsageError, unknown
from talik.frames import as_frame, frame_hash, numbers
from talik.kernels.neighbours import fold_distance, nearest_distance, wasserstein
from talik.kernels.sphere import EARTH_RADIUS_KM, great_circle, single_linkage
from talik.results import Result

Scheme = Literal["region", "cluster", "block", "knndm", "random"]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Folds(Result):
    """
    Which rows are held out together.

    Attributes
    ----------
    fold : ndarray of int, shape (n,)
        Fold of each row; -1 for rows that are neither tested nor learned from (see `notes`).
    scheme : str
        How the folds were made.
    sites : polars.DataFrame
        Site, region, latitude and longitude of the rows, where the table has them.
    reach_km : float
        Median distance from a row to the nearest row of another fold [km]; NaN without coordinates.
    wasserstein_km : float or None
        For "knndm": area between the distributions of fold distances and of target distances [km].
    notes : tuple of str
        What a reader should know: rows left out and why, choices made.
    """

    figure: ClassVar[str] = "talik.figures.folds:fold_map"
    fold: Labels
    scheme: str
    sites: pl.DataFrame = field(repr=False)
    reach_km: float
    wasserstein_km: float | None
    notes: tuple[str, ...]
    settings: Mapping[str, Any] = field(repr=False)
    data_hash: str = field(repr=False)

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max()) + 1

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple[Labels, Labels]]:
        """
        Row numbers (train, test) of each fold, as scikit-learn's `cv=` expects them.

        Raises
        ------
        DataError
            If `X` has another number of rows than the table the folds were made for.
        """
        if X is not None and len(X) != self.fold.size:
            raise DataError(f"X has {len(X)} rows, the folds were made for {self.fold.size}")
        for number in range(self.n_folds):
            yield (np.flatnonzero((self.fold != number) & (self.fold >= 0)), np.flatnonzero(self.fold == number))

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds, for scikit-learn."""
        return self.n_folds

    def to_frame(self) -> pl.DataFrame:
        """One row a site: its columns and `fold` (null where it has none), with the `scheme`."""
        fold = pl.Series("fold", self.fold).replace(-1, None)
        return self.sites.with_columns(fold, pl.lit(self.scheme).alias("scheme"))

    def __str__(self) -> str:
        sizes = np.bincount(self.fold[self.fold >= 0])
        reach = "" if np.isnan(self.reach_km) else f", median distance to the nearest other fold {self.reach_km:.0f} km"
        match = "" if self.wasserstein_km is None else f", {self.wasserstein_km:.0f} km from the targets' distances"
        return f"{self.n_folds} {self.scheme} folds of {sizes.min()} to {sizes.max()} rows{reach}{match}"


def spatial_folds(sites: Any, scheme: Scheme = "cluster", *, k: int = 10, by: str | None = None,
                  reach_km: float = 60.0, block_km: float = 500.0, targets: Any = None, seed: int = 0) -> Folds:
    """
    Folds for cross-validation in which neighbouring sites are held out together.

    Parameters
    ----------
    sites : polars or pandas frame, or mapping
        One row a site, with `latitude` and `longitude` [degrees]; `region`, `subregion`, `cluster` where needed.
    scheme : {"region", "cluster", "block", "knndm", "random"}
        "region": one region at a time. "cluster": whole clusters of sites, dealt to `k` folds of like size.
        "block": cells of about `block_km` a side, equal in area, dealt to `k` folds. "knndm": `k` folds whose
        distances to the nearest other fold are distributed like the distances from `targets` to the nearest site.
        "random": rows dealt to `k` folds, for comparison only: neighbours then sit on both sides.
    k : int
        Number of folds, fewer where there are fewer groups; not used for "region".
    by : str, optional
        Column of the regions; without it `subregion`, and `region` where a row has none.
    reach_km : float
        Sites closer than this, directly or through others, form a cluster [km]. A column `cluster` goes before.
    block_km : float
        Side of a block [km].
    targets : frame, optional
        Where predictions are wanted (`latitude`, `longitude`); needed for "knndm".
    seed : int
        Of the dealing.

    Returns
    -------
    Folds
        Usable as `cv=` of scikit-learn. Rows whose place is unknown have no fold (-1) and a note says so.

    Raises
    ------
    DataError
        If there are fewer than 2 groups (one region only, one cluster only), or too few rows.
    UsageError
        If the scheme is unknown, or "knndm" comes without `targets`.

    References
    ----------
    .. [1] Milà, C. et al. (2022). Methods Ecol. Evol. 13, 1304-1316. doi:10.1111/2041-210X.13851
    .. [2] Linnenbrink, J. et al. (2024). Geosci. Model Dev. 17, 5897-5912. doi:10.5194/gmd-17-5897-2024

    Examples
    --------
    >>> sites = {"latitude": [70.0, 70.1, 35.0, 35.1], "longitude": [10.0, 10.1, 90.0, 90.1]}
    >>> folds = spatial_folds(sites, "cluster", k=2)
    >>> bool(folds.fold[0] == folds.fold[1] != folds.fold[2] == folds.fold[3])
    True
    >>> print(folds)
    2 cluster folds of 2 to 2 rows, median distance to the nearest other fold ... km
    """
    if scheme not in get_args(Scheme):
        raise unknown("scheme", scheme, get_args(Scheme))
    if scheme != "region" and k < 2:
        raise UsageError(f"k: got {k}, expected at least 2 folds")
    frame = as_frame(sites, "sites")
    rng = np.random.default_rng(seed)
    match: float | None = None
    if scheme == "region":
        fold, notes = _regions(frame, by)
    elif scheme == "random":
        fold, notes = _random(frame.height, k, rng), ("neighbours sit on both sides of a random split",)
    elif scheme == "cluster":
        group = site_clusters(frame, reach_km=reach_km)
        fold, notes = deal(group, k, rng, "cluster"), _unplaced(group)
    elif scheme == "block":
        group = _blocks(frame, block_km)
        fold, notes = deal(group, k, rng, "block"), _unplaced(group)
    else:
        fold, match, notes = _knndm(frame, k, targets, rng)
    reach = _reach(frame, fold)
    shared = int((reach == 0).sum())
    if shared:
        notes = (*notes, f"{shared} rows share their coordinates with a row of another fold: their skill is flattered")
    return Folds(fold=fold, scheme=scheme, sites=_place(frame), wasserstein_km=match, notes=notes,
                 reach_km=float(np.median(reach)) if reach.size else float("nan"),
                 settings={"scheme": scheme, "k": k, "by": by, "reach_km": reach_km, "block_km": block_km,
                           "seed": seed},
                 data_hash=frame_hash(_place(frame)))


def site_clusters(sites: Any, *, reach_km: float = 60.0) -> Labels:
    """
    Cluster number of each site: the column `cluster` when there is one, else single linkage at `reach_km`.

    Parameters
    ----------
    sites : frame
        With `cluster`, or `latitude` and `longitude` [degrees].
    reach_km : float
        Largest distance of neighbours [km].

    Returns
    -------
    cluster : ndarray of int, shape (n,)
        From 0; -1 where neither a cluster nor coordinates are known.

    Examples
    --------
    >>> site_clusters({"latitude": [70, 70, None], "longitude": [10, 11, 12]}).tolist()
    [0, 0, -1]
    """
    frame = as_frame(sites, "sites")
    if "cluster" in frame.columns:
        return _codes(frame["cluster"])
    latitude, longitude = coordinates(frame)
    return single_linkage(great_circle(latitude, longitude), reach_km)


def coordinates(frame: pl.DataFrame, argument: str = "sites") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Latitude and longitude of the rows [degrees], NaN where one of the two is missing.

    Raises
    ------
    DataError
        If a latitude lies outside [-90, 90] or a longitude outside [-180, 360].
    """
    frame = as_frame(frame, argument, required=("latitude", "longitude"))
    latitude, longitude = (numbers(frame, name, argument).to_numpy().astype(float)
                           for name in ("latitude", "longitude"))
    for name, values, low, high in (("latitude", latitude, -90, 90), ("longitude", longitude, -180, 360)):
        bad = (values < low) | (values > high)
        if bad.any():
            raise DataError(f"{argument}: column {name!r}, row {int(bad.argmax()) + 1}: {values[bad][0]:g} is outside "
                            f"[{low}, {high}] degrees. Latitude and longitude swapped?")
    unknown_place = np.isnan(latitude) | np.isnan(longitude)
    return np.where(unknown_place, np.nan, latitude), np.where(unknown_place, np.nan, longitude)


def deal(group: Labels, k: int, rng: np.random.Generator, noun: str = "group") -> Labels:
    """
    Folds of like size made of whole groups: the largest first, each to the smallest fold so far.

    Parameters
    ----------
    group : ndarray of int, shape (n,)
        Group of each row; -1 for none.
    k : int
        Number of folds; fewer are made when there are fewer groups.
    rng : Generator
        Decides between groups of the same size.

    Raises
    ------
    DataError
        If there are fewer than two groups.
    """
    size = np.bincount(group[group >= 0]) if (group >= 0).any() else np.zeros(0, int)
    count = int((size > 0).sum())
    if count < 2:
        raise DataError(f"sites: {count} {noun}{'s' * (count != 1)} with a known place; "
                        "folds that hold whole ones out need at least 2")
    home = np.full(size.size, -1)
    filled = np.zeros(min(k, count), int)
    order = np.lexsort((rng.permutation(size.size), -size))
    for number in order[:count]:
        home[number] = filled.argmin()
        filled[home[number]] += size[number]
    return np.where(group >= 0, home[group], -1)


def _codes(labels: pl.Series) -> Labels:
    text = labels.cast(pl.String)
    order = {name: number for number, name in enumerate(text.drop_nulls().unique(maintain_order=True))}
    return np.array([order.get(name, -1) for name in text], dtype=np.int64)


def _unplaced(group: Labels) -> tuple[str, ...]:
    missing = int((group < 0).sum())
    rows = "1 row has" if missing == 1 else f"{missing} rows have"
    return (f"{rows} no known place and no fold; give coordinates or a column `cluster`",) if missing else ()


def _regions(frame: pl.DataFrame, by: str | None) -> tuple[Labels, tuple[str, ...]]:
    if by is not None:
        as_frame(frame, "sites", required=[by])
    elif not {"region", "subregion"} & set(frame.columns):
        as_frame(frame, "sites", required=["region"])
    label = region_labels(frame) if by is None else frame[by].cast(pl.String)
    fold = _codes(label)
    if fold.max(initial=-1) < 1:
        found = ", ".join(label.drop_nulls().unique()) or "none"
        raise DataError(f"sites: one region only ({found}); holding regions out needs at least 2. "
                        "Use scheme='cluster' or 'block'")
    missing = int((fold < 0).sum())
    return fold, (f"regions are those of {by or 'subregion, else region'!r}",
                  *((f"{missing} row(s) without a region have no fold",) if missing else ()))


def region_labels(frame: pl.DataFrame) -> pl.Series:
    """Each row's sub-region, where it has none its region; null without either."""
    columns = [name for name in ("subregion", "region") if name in frame.columns]
    empty = pl.lit(None, dtype=pl.String)
    return frame.select(pl.coalesce(*(pl.col(name).cast(pl.String) for name in columns), empty).alias("region")
                        if columns else pl.repeat(None, pl.len(), dtype=pl.String).alias("region"))["region"]


def _random(rows: int, k: int, rng: np.random.Generator) -> Labels:
    if rows < k:
        raise DataError(f"sites: {rows} rows cannot make {k} folds")
    return rng.permutation(np.arange(rows) % k)


def _blocks(frame: pl.DataFrame, side_km: float) -> Labels:
    """Cells of equal area: bands of equal latitude, each cut into as many cells as its circle holds."""
    if not 0 < side_km <= 10_000:
        raise UsageError(f"block_km: got {side_km:g}, expected a side between 0 and 10,000 km")
    latitude, longitude = coordinates(frame)
    bands = max(1, round(np.pi * EARTH_RADIUS_KM / side_km))
    band = np.minimum((np.nan_to_num(latitude) + 90) / 180 * bands, bands - 1).astype(int)
    middle = np.radians((band + 0.5) / bands * 180 - 90)
    cells = np.maximum(1, np.rint(2 * np.pi * EARTH_RADIUS_KM * np.cos(middle) / side_km)).astype(int)
    cell = (np.nan_to_num(longitude) % 360 / 360 * cells).astype(int)
    _, group = np.unique(np.stack([band, cell]), axis=1, return_inverse=True)
    return np.where(np.isnan(latitude), -1, group.ravel())


def _knndm(frame: pl.DataFrame, k: int, targets: Any,
           rng: np.random.Generator) -> tuple[Labels, float, tuple[str, ...]]:
    if targets is None:
        raise UsageError("targets: knndm folds copy the distances to the places of prediction; "
                         "pass targets= a frame with latitude and longitude")
    latitude, longitude = coordinates(frame)
    known = np.flatnonzero(~np.isnan(latitude))
    if known.size < 2 * k:
        raise DataError(f"sites: {known.size} rows with coordinates cannot make {k} folds of at least 2")
    goal = coordinates(as_frame(targets, "targets"), "targets")
    wanted = nearest_distance(great_circle(*goal, latitude[known], longitude[known]))
    wanted = wanted[np.isfinite(wanted)]
    if not wanted.size:
        raise DataError("targets: no row has both coordinates")
    distance = great_circle(latitude[known], longitude[known])
    best, match, how = _matched(distance, latitude[known], longitude[known], wanted, k, rng)
    fold = np.full(frame.height, -1, dtype=np.int64)
    fold[known] = best
    return fold, match, (how, *_unplaced(fold))


def _matched(distance: NDArray[np.float64], latitude: NDArray[np.float64], longitude: NDArray[np.float64],
             wanted: NDArray[np.float64], k: int, rng: np.random.Generator) -> tuple[Labels, float, str]:
    """The folds whose distances come nearest to those wanted; random ones when sites lie no closer than targets do."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.stats import ks_2samp

    rows = distance.shape[0]
    random = _random(rows, k, rng)
    alone = fold_distance(distance, np.arange(rows))
    if ks_2samp(alone, wanted, alternative="greater").pvalue >= 0.05:
        return (random, wasserstein(fold_distance(distance, random), wanted),
                "sites lie no closer together than the targets lie to them: random folds match")
    lat, lon = np.radians(latitude), np.radians(longitude)
    chords = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    tree = linkage(chords, "ward")
    found: list[tuple[float, int, Labels]] = []
    for count in np.unique(np.geomspace(k, rows, 100).round().astype(int)):
        fold = deal(fcluster(tree, count, "maxclust").astype(np.int64) - 1, k, rng)
        if np.bincount(fold).max() <= rows / 2:
            found.append((wasserstein(fold_distance(distance, fold), wanted), int(count), fold))
    if not found:
        raise DataError("sites: no clustering keeps every fold below half of the rows; use scheme='cluster'")
    match, count, fold = min(found, key=lambda f: f[:2])
    return fold, match, f"{count} clusters dealt to {int(fold.max()) + 1} folds"


def _place(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select([c for c in ("site", "region", "subregion", "latitude", "longitude") if c in frame.columns]
                        or pl.int_range(pl.len()).alias("row"))


def _reach(frame: pl.DataFrame, fold: Labels) -> NDArray[np.float64]:
    """Distances to the nearest row of another fold [km], of the rows with coordinates and a fold."""
    if not {"latitude", "longitude"} <= set(frame.columns):
        return np.zeros(0)
    distance = fold_distance(great_circle(*coordinates(frame)), fold)
    return distance[np.isfinite(distance)]
