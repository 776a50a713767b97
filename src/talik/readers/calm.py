"""
CALM (Circumpolar Active Layer Monitoring): the summary of active layer thickness, and grids of probed thaw depth.

Active layer thickness is no temperature, so these doors give tables, not records.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl

from talik.errors import AmbiguousFile, FileError, unknown
from talik.readers.archives import WORKBOOK_TEXTS, mentions
from talik.readers.dialect import cells, separator_of
from talik.readers.registry import CERTAIN, CLAIM, Head, Options, Reader, looked_at
from talik.readers.spreadsheet import Cell, Rows, is_workbook, sheets
from talik.readers.stamps import prove_dates
from talik.records import Record

_TITLE = "end-of-season thaw depth"
_FIRST_YEAR_COLUMN = 5
_CENTIMETRE = 0.01
_THINNEST = 5.0
"""[cm] A site mean below this is metres, or a slip of the pen."""

_SCHEMA = {
    "site": pl.String,
    "code": pl.String,
    "latitude": pl.Float64,
    "longitude": pl.Float64,
    "year": pl.Int32,
    "alt": pl.Float64,
    "reason": pl.String,
    "bound": pl.Float64,
    "region": pl.String,
    "method": pl.String,
    "note": pl.String,
}

_GRID_SCHEMA = {"node": pl.String, "x": pl.Float64, "y": pl.Float64, "when": pl.String, "thaw_depth": pl.Float64,
                "reason": pl.String}
_NODE_CODES = {"w": "water", "r": "rock", "rock": "rock", "water": "water", "-": "not_measured", "nd": "not_measured",
               "na": "not_measured", "-999": "not_measured", "-9999": "not_measured", "": "blank"}


_COORDINATES = (
    ("x", "y"),
    ("offsetx", "offsety"),  # GTN-P's grids
    ("easting", "northing"),
    ("long", "lat"),
    ("longitude", "latitude"),
    ("lon", "lat"),
)
_WHEN = re.compile(r"(?:19|20)\d\d|\d{1,2}[/.-](\d{1,2}|[A-Za-z]{3})[/.-]\d{2}")
_DATE = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])(\d{1,2}|[A-Za-z]{3})\2\d{2}(\d{2})?")
_YEAR = re.compile(r"\D*((?:19|20)\d\d)\D*")


def read_calm(path: Path | str) -> pl.DataFrame:
    """
    Active layer thickness by site and year from CALM's summary workbook.

    Parameters
    ----------
    path : Path or str
        The workbook (.xls or .xlsx) as the CALM programme publishes it.

    Returns
    -------
    polars.DataFrame
        One row a site and year: `site`, `code`, `latitude` [degrees north], `longitude` [degrees east], `year`,
        `alt` [m] (null where there is none), `reason` why it is null ("" where it is not): "not_measured", "blank",
        "inactive", "above" or "below" (a limit is given, see `bound` [m]), "implausible", "unreadable"; `region`,
        `method` (CALM's code), and `note`: what the cell said beyond a number.

    Raises
    ------
    FileError
        If it is no such workbook, or the years above the columns contradict each other.

    Notes
    -----
    Years whose header was published as ``###`` follow from the columns beside them.

    Examples
    --------
    >>> read_calm("no.xls")
    Traceback (most recent call last):
    ...
    talik.errors.FileError: no.xls: cannot be read: No such file or directory
    """
    head = looked_at(path)
    if not is_workbook(head.content):
        raise FileError(f"{head.name}: is not a workbook; CALM's summary is an .xls")
    found = [row for rows in sheets(head.path).values() if _is_summary(rows) for row in _sites(rows, head.name)]
    if not found:
        raise FileError(f"{head.name}: no sheet has the rows 'Site Code, ...' and 'LAT, LONG, years' of CALM's summary")
    return pl.DataFrame(found, schema=_SCHEMA, orient="row")


def read_calm_grid(path: Path | str) -> pl.DataFrame:
    """
    Thaw depth by node and date from a CALM grid: one row a node, one column a year or date, depths in centimetres.

    CALM has no one format for grids; this takes a table, text or workbook, whose titles name the coordinates (X and
    Y, Easting and Northing, or Lat and Long; a Node or ID may stand before them) and whose other columns are headed
    by a year or a date.

    Parameters
    ----------
    path : Path or str
        Text, .xls or .xlsx.

    Returns
    -------
    polars.DataFrame
        `node`, `x`, `y` (as in the file), `when` (the column's title), `thaw_depth` [m] (null where there is none),
        and `reason` why it is null: "water", "rock", "not_measured", "blank", "above" (the probe was too short),
        "unreadable".

    Raises
    ------
    FileError
        If the titles of such a table are not found, its rows are sites, or its depths seem to be in metres.
    """
    head = looked_at(path)
    if is_workbook(head.content):
        rows: Rows = next(iter(sheets(head.path).values()), [])
    else:
        lines = [line for line in head.whole_text().splitlines() if line.strip() and not line.startswith("#")]
        separator = separator_of(lines[:50])
        rows = [[cell or None for cell in cells(line, separator)] for line in lines]
    at, x, y = _grid_titles(rows, head.name)
    titles = [_shown(cell) for cell in rows[at]]
    dates = [
        i
        for i, title in enumerate(titles)
        if i > max(x, y) and _WHEN.search(title)
    ]
    if not dates:
        raise FileError(f"{head.name}, row {at + 1}: no column behind the coordinates is headed by a year or a date")
    if any(title.lower().startswith("site") for title in titles):
        raise FileError(f"{head.name}, row {at + 1}: names sites, so it is no grid; a summary has LAT, LONG and years")
    found = []
    for number, row in enumerate(rows[at + 1:], 1):
        row = [*row, *[None] * (len(titles) - len(row))]
        if not isinstance(_value(row[x]), float) or not isinstance(_value(row[y]), float):
            continue
        node = _shown(row[0]) if min(x, y) > 0 else str(number)
        found += [(node, _value(row[x]), _value(row[y]), titles[i], *_node(row[i])) for i in dates]
    nodes = pl.DataFrame(found, schema=_GRID_SCHEMA, orient="row")
    deepest = nodes.select(pl.col("thaw_depth").max()).item()
    if deepest and deepest < _THINNEST * _CENTIMETRE:
        raise FileError(
            f"{head.name}: the deepest thaw would be {deepest / _CENTIMETRE:g} cm; are these metres? Write centimetres"
        )
    return nodes


def thaw_by_year(path: Path | str, site: str = "", *, first_month: int = 8) -> dict[int, float]:
    """
    Active layer thickness [m] of one site by year, as `annual_offsets(..., alt=...)` takes it.

    Parameters
    ----------
    path : Path or str
        CALM's summary workbook, or a grid of thaw depths.
    site : str
        Of a summary: the site's code (such as "U1") or its name; a grid has none.
    first_month : int
        Of a grid: probings before this month are not the end of the season. The year's last one counts; a grid whose
        columns are headed by years alone is taken as it is.

    Returns
    -------
    dict of int to float
        Only years with a thickness: of a grid the mean over its nodes, when half of them or more were measured and
        none was deeper than the probe is long, or unreadable.

    Raises
    ------
    FileError
        If it is neither.
    UnknownName
        If the summary has no such site.

    References
    ----------
    Brown, J., Hinkel, K. M. & Nelson, F. E. (2000) The Circumpolar Active Layer Monitoring (CALM) program. Polar
    Geography 24, 166-258, doi:10.1080/10889370009377698.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> grid = pathlib.Path(tempfile.mkdtemp()) / "grid.csv"
    >>> _ = grid.write_text("x,y,2001-07-01,2001-08-20,2002-08-25\\n0,0,20,41,-999\\n0,1,22,43,50\\n0,2,25,45,-999\\n")
    >>> thaw_by_year(grid)
    {2001: 0.43}
    """
    head = looked_at(path)
    if is_workbook(head.content) and any(map(_is_summary, sheets(head.path).values())):
        table = read_calm(path)
        named = table.filter((pl.col("code").str.to_lowercase() == site.lower()) | (pl.col("site") == site))
        if named.is_empty():
            raise unknown("CALM site", site, table["code"].unique())
        return {int(year): float(alt) for year, alt in named.drop_nulls("alt").select("year", "alt").iter_rows()}
    if site:
        raise FileError(f"{head.name}: is a grid of one site, not CALM's summary, and has no site {site!r}")
    nodes = read_calm_grid(path)
    seasons = _seasons(nodes["when"].unique(maintain_order=True).to_list(), head.name)
    nodes = nodes.with_columns(pl.col("when").replace_strict(seasons))
    nodes = nodes.with_columns(
        year=pl.col("when").str.head(4).cast(pl.Int64),
        month=pl.col("when").str.slice(5, 2).cast(pl.Int64, strict=False),
    )
    late = nodes.filter(pl.col("month").is_null() | (pl.col("month") >= first_month))
    last = late.filter(pl.col("when") == pl.col("when").max().over("year"))
    means = last.group_by("year").agg(
        pl.col("thaw_depth").mean(),
        whole=(2 * pl.col("thaw_depth").count() >= pl.len()) & ~pl.col("reason").is_in(["above", "unreadable"]).any(),
    )
    return {int(year): round(float(depth), 4) for year, depth, whole in means.sort("year").iter_rows() if whole}


def _seasons(titles: list[str], file: str) -> dict[str, str]:
    """Years, and dates as year-month-day, of the titles of a grid."""
    years = {title: match[1] for title in titles if (match := _YEAR.fullmatch(title))}
    dated = [title for title in titles if title not in years]
    written = [match[0] if (match := _DATE.search(title)) else title for title in dated]
    try:
        dates = prove_dates(written, file=file).times.astype("M8[D]") if dated else ()
    except AmbiguousFile:
        shown = ", ".join(dated)
        raise FileError(f"{file}: the titles {shown} may be read in several ways; write them as 2001-08-20") from None
    return years | {title: str(date) for title, date in zip(dated, dates, strict=True)}


def _is_summary(rows: Rows) -> bool:
    said = {str(cell).strip().lower() for row in rows[:60] for cell in row if cell}
    return any(map(_is_years, rows[:60])) and ("site code" in said or any(_TITLE in cell for cell in said))


def _is_years(row: list[Cell]) -> bool:
    return [str(cell).strip().upper() for cell in row[2:4]] == ["LAT", "LONG"]


def _sites(rows: Rows, file: str) -> list[tuple[Any, ...]]:
    years: dict[int, int] = {}
    region, found = "", []
    for number, row in enumerate(rows, 1):
        if _is_years(row):
            years = _years(row, file, number)
        elif row and isinstance(row[0], str) and not any(cell is not None for cell in row[1:]):
            region = row[0].strip()
        elif len(row) > _FIRST_YEAR_COLUMN and isinstance(row[2], float) and isinstance(row[3], float):
            if not years:
                raise FileError(f"{file}, row {number}: a site stands above the first row of years")
            place = (_shown(row[1]), re.sub(r"\s+", "", _shown(row[0])), row[2], (row[3] + 180) % 360 - 180)
            found += [(*place, year, *_thickness(row[column]), region, _shown(row[4]), _note(row[column]))
                      for column, year in years.items()]
    return found


def _years(row: list[Cell], file: str, number: int) -> dict[int, int]:
    """Years by column: those that can be read must follow one another; they date the others between them."""
    known = {i: int(cell) for i, cell in enumerate(row) if i >= _FIRST_YEAR_COLUMN and isinstance(cell, float)}
    starts = {year - column for column, year in known.items()}
    if len(starts) != 1:
        raise FileError(
            f"{file}, row {number}: the years above the columns do not follow one another: {sorted(known.values())}"
        )
    start = starts.pop()
    return {column: column + start for column in range(_FIRST_YEAR_COLUMN, max(known) + 1)}


def _thickness(cell: Cell) -> tuple[float | None, str, float | None]:
    """ALT [m], the reason why there is none, and the limit [m] where only one is given."""
    text = _shown(cell)
    if not text:
        return None, "blank", None
    if re.fullmatch(r"[-–—.*]+", text):
        return None, "not_measured", None
    if "inactive" in text.lower():
        return None, "inactive", None
    match = re.fullmatch(r"([<>]?)\s*(\d+(?:\.\d+)?)\s*\*?", text)
    if match is None:
        return None, "unreadable", None
    value = float(match[2])
    if match[1]:
        return None, "above" if match[1] == ">" else "below", round(value * _CENTIMETRE, 4)
    return (None, "implausible", None) if value < _THINNEST else (round(value * _CENTIMETRE, 4), "", None)


def _note(cell: Cell) -> str:
    text = _shown(cell)
    return text if isinstance(cell, str) and not re.fullmatch(r"-|\d+(?:\.\d+)?|", text) else (
        text if isinstance(cell, float) and cell < _THINNEST else "")


def _shown(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:g}"
    return "" if cell is None else cell.replace("\u00a0", " ").strip()


def _value(cell: Cell) -> float | None:
    try:
        return float(cell) if cell is not None else None
    except ValueError:
        return None


def _grid_titles(rows: Rows, file: str) -> tuple[int, int, int]:
    """The row of titles, and the columns of the two coordinates."""
    for number, row in enumerate(rows[:100]):
        titles = [_bare(_shown(cell)) for cell in row]
        for first, second in _COORDINATES:
            if first in titles and second in titles:
                return number, titles.index(first), titles.index(second)
    raise FileError(f"{file}: no row of titles with X and Y, Easting and Northing, or Lat and Long")


def _bare(title: str) -> str:
    return re.sub(r"[^a-z]", "", re.sub(r"[(\[].*?[)\]]", "", title.lower()))


def _node(cell: Cell) -> tuple[float | None, str]:
    text = re.sub(r"(?<=\d),(?=\d)", ".", _shown(cell))
    value = _value(cell if isinstance(cell, float) else text or None)
    if value is not None and value >= 0:
        return round(value * _CENTIMETRE, 4), ""
    beyond = text.startswith((">", "\u2265")) or text.endswith("+")
    return None, _NODE_CODES.get(text.lower(), "above" if beyond else "unreadable")


def _claims(head: Head) -> int:
    if not is_workbook(head.content):
        return CLAIM * _is_grid(head)
    if head.content.startswith(b"PK"):
        return CERTAIN * mentions(head.path, WORKBOOK_TEXTS, _TITLE.upper())
    return CERTAIN * (_TITLE.upper().encode() in head.whole_bytes())


def _is_grid(head: Head) -> bool:
    """Whether the titles are coordinates and years or dates, and nothing else but a node."""
    titles = next((line for line in head.lines if line.strip() and not line.startswith("#")), "")
    names = [name if _WHEN.search(name) else _bare(name) for name in cells(titles, separator_of([titles]))]
    dated = [name for name in names if _WHEN.search(name)]
    return bool(dated) and any({x, y} <= set(names) for x, y in _COORDINATES) and len(names) <= len(dated) + 3


def _read(head: Head, options: Options) -> list[Record]:
    if not is_workbook(head.content):
        raise FileError(f"{head.name}: is a CALM grid of thaw depths, which has no temperatures. "
                        "Read it with talik.readers.calm.read_calm_grid(path).")
    raise FileError(f"{head.name}: is CALM's summary of active layer thickness, which has no temperatures. "
                    "Read it with talik.readers.calm.read_calm(path).")


READER = Reader("calm", "CALM summary of active layer thickness (a table, not temperatures)", _claims, _read)
