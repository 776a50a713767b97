"""The sheet every figure is drawn on: journal widths, one style, region colours, files that are the same every time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from talik import files
from talik.errors import UsageError
from talik.variables import OTHER_COLOURS, REGIONS, Region

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")

SINGLE, DOUBLE = 89.0, 183.0
"""Width of one and of two journal columns [mm]."""
SMALL, NORMAL = 7.0, 8.0
"""Size of tick and table text, and of labels and titles [pt]."""
INK, QUIET, FAINT = "#1A1A1A", "#6B6B6B", "#D5D5D5"
"""Text and data; reference lines; grids and stripes."""

_OTHER_MARKERS = ("D", "v", "P", "X", "*")
_STYLE: dict[str, Any] = {
    # Text stays text in SVG. DejaVu Sans is the widest of these, so a stand-in font never makes labels overlap.
    # A dollar sign in a site's name is a dollar sign, not the start of a formula.
    "svg.fonttype": "none", "svg.hashsalt": "talik", "text.parse_math": False,
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica", "sans-serif"],
    "font.size": SMALL, "axes.labelsize": NORMAL, "axes.titlesize": NORMAL, "figure.titlesize": NORMAL,
    "xtick.labelsize": SMALL, "ytick.labelsize": SMALL, "legend.fontsize": SMALL, "legend.title_fontsize": SMALL,
    "axes.titleweight": "normal", "axes.titlelocation": "left", "axes.titlepad": 4.0, "axes.labelpad": 2.5,
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5,
    "ytick.major.size": 2.5, "xtick.minor.size": 1.5, "ytick.minor.size": 1.5, "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4, "lines.linewidth": 1.0, "lines.markersize": 3.5, "patch.linewidth": 0.6,
    "grid.linewidth": 0.4, "grid.color": FAINT, "hatch.linewidth": 0.5,
    "axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "axes.unicode_minus": True,
    "legend.frameon": False, "legend.handlelength": 1.4, "legend.borderaxespad": 0.3, "legend.labelspacing": 0.3,
    "figure.facecolor": "white", "savefig.facecolor": "white", "figure.dpi": 100.0, "savefig.bbox": None,
    "path.simplify": True, "image.composite_image": True,
}


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib set to talik's style inside the block, and as it was before after it."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]
        yield


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """A drawing function that works in talik's style whatever matplotlib's settings are (and leaves them alone)."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        with style():
            return draw(*args, **kwargs)

    return drawn


@styled
def figure(width: float = SINGLE, height: float = 60.0, *, layout: str | None = "constrained") -> Figure:
    """
    An empty figure, outside pyplot's registry: nothing to close, nothing shown.

    Parameters
    ----------
    width, height : float
        Size on paper [mm].
    layout : {"constrained", None}
        Constrained layout keeps labels from overlapping; None when the caller places every axes himself.

    Raises
    ------
    UsageError
        If a length is not positive.

    Examples
    --------
    >>> (figure(89, 60).get_size_inches() * 25.4).round(1).tolist()
    [89.0, 60.0]
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not (width > 0 and height > 0):
        raise UsageError(f"figure: got {width:g} x {height:g} mm, expected positive lengths")
    fig = Figure(figsize=(width / 25.4, height / 25.4), layout=layout)  # type: ignore[arg-type]
    FigureCanvasAgg(fig)
    return fig


@styled
def axes(ax: Axes | None = None, *, width: float = SINGLE, height: float = 60.0) -> Axes:
    """The axes that were given, or the only axes of a new figure [mm]."""
    return figure(width, height).add_subplot() if ax is None else ax


@styled
def save(fig: Figure, stem: Path | str, *, dpi: int = 300) -> list[Path]:
    """
    Write a figure as SVG and PNG; the same figure gives the same bytes.

    Parameters
    ----------
    fig : matplotlib Figure
        What was drawn.
    stem : Path or str
        File name without ending.
    dpi : int
        Dots per inch of the PNG.

    Returns
    -------
    list of Path
        The SVG and the PNG.

    Examples
    --------
    >>> import tempfile
    >>> [path.name for path in save(figure(40, 30), Path(tempfile.mkdtemp()) / "fig1.a")]
    ['fig1.a.svg', 'fig1.a.png']
    """
    stem = Path(stem)
    written = []
    if fig.get_layout_engine() is not None:
        fig.draw_without_rendering()                # places everything once; both files then take it as it is
        fig.set_layout_engine(None)                 # "none" would draw once more for each file
    for kind, kept in (("svg", {"metadata": {"Date": None, "Creator": "talik"}}),
                       ("png", {"metadata": {"Software": "talik"}, "pil_kwargs": {"compress_level": 3}})):
        page = io.BytesIO()
        fig.savefig(page, format=kind, dpi=dpi, **kept)
        written.append(files.write_bytes(stem.with_name(f"{stem.name}.{kind}"), page.getvalue()))
    return written


def looks(names: Iterable[str]) -> dict[str, Region]:
    """
    Colour and marker of every region named, in the order of drawing: the catalogue's, then spare ones for others.

    Examples
    --------
    >>> [(r.name, r.colour, r.marker) for r in looks(["Patagonia", "Third Pole", "Arctic"]).values()]
    [('Arctic', '#0072B2', 'o'), ('Third Pole', '#D55E00', 's'), ('Patagonia', '#CC79A7', 'D')]
    """
    asked = dict.fromkeys(names)
    known = {name: region for name, region in REGIONS.items() if name in asked}
    others = [name for name in asked if name not in REGIONS]
    spare = {name: Region(name, OTHER_COLOURS[i % len(OTHER_COLOURS)], _OTHER_MARKERS[i % len(_OTHER_MARKERS)])
             for i, name in enumerate(others)}
    return known | spare


def colour_map(kind: str) -> Colormap:
    """
    The colour map for `kind`: "signed" (vik, centre it on 0), "magnitude" (batlow) or "depth" (lapaz, reversed).

    Raises
    ------
    UsageError
        If the kind is none of these.
    """
    from cmcrameri import cm

    maps: dict[str, Colormap] = {"signed": cm.vik, "magnitude": cm.batlow, "depth": cm.lapaz_r}
    if kind not in maps:
        raise UsageError(f"colour_map: got {kind!r}, expected one of {', '.join(maps)}")
    return maps[kind]


@styled
def panel_letter(ax: Axes, letter: str) -> None:
    """Write a bold panel letter at the outer upper left corner of `ax`."""
    ax.annotate(letter, (0, 1), xycoords="axes fraction", xytext=(-14, 6), textcoords="offset points",
                fontsize=NORMAL, fontweight="bold", ha="right", va="bottom", annotation_clip=False)
