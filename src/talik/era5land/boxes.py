"""Sites gathered into small boxes on ERA5-Land's grid, date line and poles included."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

STEP = Fraction(1, 10)
"""Spacing of ERA5-Land's grid [degrees]."""


@dataclass(frozen=True, slots=True)
class Box:
    """
    An area whose sides are lines of ERA5-Land's grid, so that the service cuts it out and does not interpolate.

    Parameters
    ----------
    north, west, south, east : float
        [degrees], west < east within [-180, 180].
    sites : tuple of str
        The sites it serves.
    """

    north: float
    west: float
    south: float
    east: float
    sites: tuple[str, ...]

    @property
    def cells(self) -> int:
        """Grid cells in the box, its sides included."""
        return (round((self.north - self.south) / STEP) + 1) * (round((self.east - self.west) / STEP) + 1)

    @property
    def area(self) -> list[float]:
        """North, west, south, east, in the order the Climate Data Store wants."""
        return [self.north, self.west, self.south, self.east]


def cell(latitude: float, longitude: float) -> tuple[float, float]:
    """
    The centre of the grid cell that holds a point [degrees], longitude in [-180, 180).

    Examples
    --------
    >>> cell(71.3230, -156.6114), cell(66.4, 179.97), cell(-90.0, 12.3)
    ((71.3, -156.6), (66.4, -180.0), (-90.0, 12.3))
    """
    east = round(longitude / STEP)
    return _degrees(round(latitude / STEP)), _degrees((east + 1800) % 3600 - 1800)


def boxes(points: Iterable[tuple[str, float, float]], *, tile: float = 10.0, margin: float = 0.3) -> list[Box]:
    """
    The boxes that hold all points with a margin around each; a point near the date line is served by two.

    Parameters
    ----------
    points : iterable of (site, latitude, longitude)
        [degrees], longitude in any turn.
    tile : float
        Points share a box within tiles of this height [degrees] and about the same width on the ground. Tiles are
        fixed on the globe, so a new site changes no other tile's request, and what was fetched stays good.
    margin : float
        Kept around every point [degrees of latitude, and the same distance in longitude], for coastal sites whose own
        cell is sea.

    Returns
    -------
    list of Box
        By tile from north to south, then west to east.

    Examples
    --------
    >>> [box.area for box in boxes([("a", 68.4, 178.9), ("b", 68.6, -179.95)])]
    [[68.9, 179.2, 68.3, 180.0], [68.9, -180.0, 68.3, -179.1], [68.7, 178.0, 68.1, 179.8]]
    """
    tiles: dict[tuple[int, int], list[tuple[str, float, float]]] = {}
    for site, latitude, longitude in points:
        longitude = (longitude + 180.0) % 360.0 - 180.0
        row = min(math.floor((latitude + 90.0) / tile), math.ceil(180.0 / tile) - 1)
        middle = math.radians(min(row * tile + tile / 2, 180.0) - 90.0)
        columns = max(1, round(360.0 * math.cos(middle) / tile))
        column = min(math.floor((longitude + 180.0) / 360.0 * columns), columns - 1)
        tiles.setdefault((-row, column), []).append((site, latitude, longitude))
    pieces: dict[tuple[int, int, int, int], list[str]] = {}
    for place in sorted(tiles):
        for side in _sides(tiles[place], margin):
            pieces.setdefault(side, []).extend(site for site, _, _ in tiles[place])
    return [Box(_degrees(north), _degrees(west), _degrees(south), _degrees(east), tuple(dict.fromkeys(sites)))
            for (north, west, south, east), sites in pieces.items()]


def _sides(points: list[tuple[str, float, float]], margin: float) -> list[tuple[int, int, int, int]]:
    """North, west, south and east in grid steps; two boxes when the margin reaches over the date line."""
    north = min(math.ceil(_steps(max(lat for _, lat, _ in points) + margin)), 900)
    south = max(math.floor(_steps(min(lat for _, lat, _ in points) - margin)), -900)
    reach = [margin / max(math.cos(math.radians(min(abs(lat) + margin, 90.0))), 1e-6) for _, lat, _ in points]
    west = math.floor(_steps(min(lon - r for (_, _, lon), r in zip(points, reach, strict=True))))
    east = math.ceil(_steps(max(lon + r for (_, _, lon), r in zip(points, reach, strict=True))))
    if east - west >= 3600:
        return [(north, -1800, south, 1800)]
    sides = []
    if west < -1800:
        sides.append((north, west + 3600, south, 1800))
    sides.append((north, max(west, -1800), south, min(east, 1800)))
    if east > 1800:
        sides.append((north, -1800, south, east - 3600))
    return sides


def _steps(degrees: float) -> float:
    return round(degrees / float(STEP), 6)


def _degrees(steps: int) -> float:
    return float(steps * STEP)
