"""Bokeh, loaded when the first figure is drawn, and the ink of all figures."""

from __future__ import annotations

from functools import cache
from typing import Any

from talik.errors import missing_extra

INK = "#767676"
"""Reads on white and on black; the page's script sets the theme's own ink on text."""


def models() -> Any:
    """Bokeh's models; the error says how to install it."""
    try:
        import bokeh.models
    except ImportError:
        raise missing_extra("the atlas", "bokeh", "atlas") from None
    return bokeh.models


def sheet(**settings: Any) -> Any:
    """An empty figure on the page's own background."""
    models()
    import bokeh.plotting

    draw: Any = bokeh.plotting.figure
    figure = draw(toolbar_location="above", active_drag=None, sizing_mode="stretch_width",
                  outline_line_color=None, background_fill_alpha=0, border_fill_alpha=0, **settings)
    figure.toolbar.logo = None
    figure.toolbar.stylesheets = [":host(.bk-inner) { background-color: transparent; }"]
    return figure


@cache
def library() -> str:
    """BokehJS, as one script; only the part that draws."""
    models()
    from bokeh.resources import Resources

    return str(Resources(mode="inline", components=["bokeh"]).js_raw[0])
