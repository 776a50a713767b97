"""Site tables whose drivers are known, to find out what a procedure makes of strong, weak and no drivers."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from talik.errors import unknown
from talik.kernels.sphere import great_circle

Signal = Literal["strong", "weak", "none"]
PLANTED = {"snow_depth": 1.0, "soil_water_3": 0.5, "wind_speed": 0.35}
"""The drivers and their weights: a saturating effect of snow depth leads."""
_SHARE = {"strong": (0.60, 0.15, 0.25), "weak": (0.25, 0.35, 0.40), "none": (0.0, 0.60, 0.40)}
# sub-region: pole, latitude, longitude, number of sites, number of clusters
_PLACES = {
    "Alaska": ("Arctic", 67.0, -152.0, 28, 6), "Canada": ("Arctic", 66.0, -120.0, 10, 3),
    "Russia": ("Arctic", 68.0, 110.0, 12, 4), "Nordic": ("Arctic", 65.5, 18.0, 8, 3),
    "Svalbard": ("Arctic", 78.3, 15.5, 6, 2), "Greenland": ("Arctic", 69.0, -51.0, 5, 2),
    "Tibetan Plateau": ("Third Pole", 34.5, 94.0, 30, 6), "Antarctica": ("Antarctica", -74.0, 165.0, 18, 4),
}
# field: (unit's mean, unit's sd, shared field and its share of the variance)
_FIELDS = {
    "snow_depth": (0.30, 0.10, "snow", 0.85), "snow_cover": (0.60, 0.12, "snow", 0.85),
    "snow_water_equivalent": (0.09, 0.03, "snow", 0.80), "snow_density": (260.0, 30.0, "", 0.0),
    "soil_water_1": (0.25, 0.05, "soil", 0.80), "soil_water_2": (0.27, 0.05, "soil", 0.85),
    "soil_water_3": (0.28, 0.05, "soil", 0.85), "soil_water_4": (0.30, 0.05, "soil", 0.80),
    "precipitation": (450.0, 90.0, "wet", 0.80), "transpiration": (90.0, 18.0, "wet", 0.80),
    "lai_high": (2.0, 0.4, "wet", 0.75), "albedo": (0.30, 0.05, "", 0.0), "wind_speed": (4.5, 0.9, "", 0.0),
    "skin_temperature": (-6.0, 2.0, "", 0.0), "elevation": (1200.0, 300.0, "", 0.0), "alt": (1.2, 0.25, "", 0.0),
}


def planted_drivers(signal: Signal = "strong", *, seed: int) -> pl.DataFrame:
    """
    A table of 117 clustered sites on three poles with sixteen predictors, some of which drive the response.

    Parameters
    ----------
    signal : {"strong", "weak", "none"}
        "strong": the drivers of `PLANTED` hold 60 % of the response's variance, a spatial field 15 %, noise 25 %.
        "weak": 25, 35 and 40 %. "none": no driver at all, the spatial field 60 %, noise 40 %.
    seed : int
        Of everything random.

    Returns
    -------
    polars.DataFrame
        Columns site, region, subregion, latitude, longitude, sixteen predictors under their catalogue names, and
        surface_offset [K] with mean 2 and standard deviation 2 in expectation.

    Raises
    ------
    UnknownName
        If there is no such signal.

    Notes
    -----
    Every field is a sub-region's effect, a Gaussian field that forgets itself over 400 km, and a little noise: sites of
    a cluster have nearly the same predictors and nearly the same residual, as on real maps.

    Examples
    --------
    >>> table = planted_drivers("none", seed=1)
    >>> table.height, table["subregion"].n_unique(), table["surface_offset"].null_count()
    (117, 8, 0)
    """
    if signal not in _SHARE:
        raise unknown("signal", signal, get_args(Signal))
    rng = np.random.default_rng(seed)
    sites = _network(rng)
    field = _field_maker(sites, rng)
    shared = {name: field() for name in ("snow", "soil", "wet")}
    standard = {name: field() if not group else np.sqrt(share) * shared[group] + np.sqrt(1 - share) * field()
                for name, (_, _, group, share) in _FIELDS.items()}
    drivers = sum(weight * np.tanh(standard[name]) for name, weight in PLANTED.items())
    by_driver, by_space, by_noise = (np.sqrt(share) for share in _SHARE[signal])
    spread = np.sqrt(0.39 * sum(weight**2 for weight in PLANTED.values()))      # var(tanh z) = 0.39 for standard z
    offset = by_driver * drivers / spread + by_space * field() + by_noise * rng.normal(size=sites.height)
    return sites.with_columns(
        *(pl.Series(name, mean + sd * standard[name]) for name, (mean, sd, _, _) in _FIELDS.items()),
        pl.Series("surface_offset", 2.0 + 2.0 * offset))


def _network(rng: np.random.Generator) -> pl.DataFrame:
    """Clusters some hundred kilometres apart, sites some kilometres apart."""
    rows = []
    for subregion, (pole, latitude, longitude, count, clusters) in _PLACES.items():
        centres = rng.normal(size=(clusters, 2)) * 3.0
        for number in range(count):
            north, east = centres[number % clusters] + rng.normal(size=2) * 0.05
            rows.append((f"{subregion} {number + 1}", pole, subregion, latitude + north,
                         longitude + east / np.cos(np.radians(latitude))))
    return pl.DataFrame(rows, schema=["site", "region", "subregion", "latitude", "longitude"], orient="row")


def _field_maker(sites: pl.DataFrame, rng: np.random.Generator):  # type: ignore[no-untyped-def]
    distance = great_circle(sites["latitude"].to_numpy(), sites["longitude"].to_numpy())
    root = np.linalg.cholesky(np.exp(-distance / 400.0) + 1e-9 * np.eye(sites.height))
    number = sites["subregion"].rank("dense").to_numpy() - 1

    def field() -> NDArray[np.float64]:
        """Standard normal in expectation: 30 % sub-region, 65 % Gaussian field, 5 % noise."""
        value: NDArray[np.float64] = (np.sqrt(0.30) * rng.normal(size=number.max() + 1)[number]
                                      + np.sqrt(0.65) * (root @ rng.normal(size=number.size))
                                      + np.sqrt(0.05) * rng.normal(size=number.size))
        return value

    return field
