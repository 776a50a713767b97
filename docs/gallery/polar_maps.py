"""Where the sites are, with land and graticule, and with a permafrost extent from a file of one's own."""

import json
import sys
import tempfile
from pathlib import Path

import talik
from talik.figures.canvas import save
from talik.figures.extent import read_extent
from talik.figures.maps import site_map


def main(folder: Path) -> list[Path]:
    """Plain, and over an extent: here an invented one, since the published ones may not be bundled."""
    sites = talik.sites("three-poles")
    with tempfile.TemporaryDirectory() as scratch:
        extent = read_extent(_invented(Path(scratch) / "extent.geojson"), label="Invented extent, to show the layer")
    return [*save(site_map(sites), folder / "site_map"),
            *save(site_map(sites, extent=extent), folder / "site_map_extent")]


def _invented(path: Path) -> Path:
    """A GeoJSON of three boxes with the classes of the circum-arctic map in the column EXTENT."""
    boxes = {"C": (65, 68, 179, 77), "D": (65, 63, 140, 68), "I": (88, 33, 101, 38)}
    features = [{"type": "Feature", "properties": {"EXTENT": name}, "geometry": {"type": "Polygon", "coordinates": [
        [*([west + (east - west) * k / 20, south] for k in range(21)),
         *([east - (east - west) * k / 20, north] for k in range(21)), [west, south]]]}}
        for name, (west, south, east, north) in boxes.items()]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


if __name__ == "__main__":
    print(*main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")), sep="\n")
