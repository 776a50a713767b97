"""The page: maps, charts and tables of a results folder in one HTML document that asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

import talik
from talik.atlas.canvas import library
from talik.atlas.chapters import chapters
from talik.atlas.holdings import Holdings
from talik.atlas.maps import site_map, site_source, site_view
from talik.atlas.panel import panel_data
from talik.atlas.projections import charts
from talik.atlas.station import station_figures
from talik.files import write_text


def write_atlas(results: Path | str, path: Path | str | None = None) -> Path:
    """
    Write the atlas of a results folder.

    Parameters
    ----------
    results : path
        A folder that `talik run` wrote.
    path : path, optional
        The HTML file; `atlas.html` in that folder when not given.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    FileError
        If the folder holds no study, or is damaged; or the file cannot be written.
    MissingExtra
        If Bokeh is not installed.
    """
    target = Path(path) if path is not None else Path(results) / "atlas.html"
    return write_text(target, atlas_page(Holdings.of(results)))


def atlas_page(holdings: Holdings, *, links: Mapping[str, str] | None = None) -> str:
    """The atlas as one HTML document; `links` (text to address) are added to its menu when it is served."""
    import jinja2

    data = panel_data(holdings)
    latitude = holdings.sites["latitude"].drop_nulls().to_list() if "latitude" in holdings.sites.columns else []
    station = station_figures() if holdings.series else []
    told, everywhere = chapters(holdings), charts(latitude)
    source, view = site_source(holdings.sites, everywhere, data["looks"]), site_view()
    maps = [chart for chart in everywhere if chart.name == "world" or np.isfinite(source.data[f"x_{chart.name}"]).any()]
    drawn = [site_map(chart, source, view) for chart in maps]
    data["maps"] = [chart.name for chart in maps]
    data["bokeh"] = [_embedded("maps", drawn),
                     _embedded("charts", [drawing.figure for chapter in told for drawing in chapter.drawings]),
                     _embedded("station", [drawing.figure for drawing in station])]
    room = files("talik.atlas")
    drawing = library()
    script, station_script = ((room / name).read_text(encoding="utf-8") for name in ("atlas.js", "station.js"))
    template = jinja2.Environment(autoescape=True).from_string((room / "atlas.html").read_text(encoding="utf-8"))
    return template.render(
        title=holdings.title, version=talik.__version__, made=holdings.manifest.get("made", ""), maps=maps,
        chapters=told, links=links or {}, data=inert(data), library=drawing, script=script, n=holdings.sites.height,
        station=station, station_script=station_script, style=(room / "atlas.css").read_text(encoding="utf-8"),
        hashes=[digest(text) for text in (drawing, station_script, script)])


def _embedded(name: str, figures: Sequence[Any]) -> dict[str, Any]:
    """The figures as BokehJS takes them: each is drawn into the element `draw-` and its name."""
    from bokeh.core.json_encoder import serialize_json
    from bokeh.document import Document

    document = Document()
    with document.models.freeze():                 # else all models are counted again for each figure
        for figure in figures:
            document.add_root(figure)
    content = json.loads(serialize_json(document.to_json(deferred=False)))
    return {"documents": {name: content},
            "items": [{"docid": name, "roots": {figure.id: f"draw-{figure.name}" for figure in figures},
                       "root_ids": [figure.id for figure in figures]}]}


def inert(data: Any) -> str:
    """
    JSON for a data block of a page: nothing in it can end the block or begin a tag.

    Examples
    --------
    >>> inert({"site": "</script><img>", "value": float("nan")})
    '{"site":"\\\\u003c/script\\\\u003e\\\\u003cimg\\\\u003e","value":null}'
    """
    text = json.dumps(finite(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def finite(data: Any) -> Any:
    """The same with null for NaN and infinity, which JSON cannot say."""
    if isinstance(data, dict):
        return {str(key): finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite(value) for value in data]
    if isinstance(data, float):
        return data if abs(data) < float("inf") else None
    return data


def digest(script: str) -> str:
    """The sha256 of an inline script as a Content-Security-Policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

