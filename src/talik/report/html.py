"""Frames and figures as safe pieces of a page: everything that comes from data is escaped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from markupsafe import Markup, escape


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its anchor, title and body."""

    id: str
    title: str
    body: Markup


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table on the page: where it comes from, how it is headed, how many decimals."""

    name: str
    heading: str
    decimals: int | None = None


def paragraph(text: str, *, note: bool = False) -> Markup:
    """A paragraph, or a note that stands out."""
    return Markup('<p class="note">{}</p>' if note else "<p>{}</p>").format(text)


def heading(text: str) -> Markup:
    """A heading inside a section."""
    return Markup("<h3>{}</h3>").format(text)


def listing(items: Sequence[str]) -> Markup:
    """A bulleted list."""
    return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(item) for item in items))


def preformatted(text: str) -> Markup:
    """Text whose line ends count, such as BibTeX."""
    return Markup('<pre class="scroll" tabindex="0">{}</pre>').format(text)


def joined(parts: Sequence[Markup]) -> Markup:
    """Pieces one after another."""
    return Markup("\n").join(parts)


def table(frame: pl.DataFrame, columns: Sequence[Column], *, caption: str, id: str = "", tall: bool = False) -> Markup:
    """
    A frame as an HTML table.

    Numbers are right-aligned with the column's decimals; a null is an en dash that reads "no value" aloud.
    """
    shown = [c for c in columns if c.name in frame.columns]
    numeric = {c.name: frame[c.name].dtype.is_numeric() for c in shown}
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(Markup(' class="number"') if numeric[c.name] else "", c.heading)
        for c in shown)
    rows = Markup("\n").join(
        Markup("<tr>{}</tr>").format(Markup("").join(
            Markup("<td{}>{}</td>").format(Markup(' class="number"') if numeric[c.name] else "", _cell(row[c.name], c))
            for c in shown))
        for row in frame.select([c.name for c in shown]).iter_rows(named=True))
    return Markup('<div class="scroll{}" tabindex="0" role="region" aria-label="{}"><table{}><caption>{}</caption>'
                  "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>").format(
        " tall" if tall else "", caption, Markup(' id="{}"').format(id) if id else "", caption, head, rows)


def filters(table_id: str, frame: pl.DataFrame, columns: Sequence[Column], by: Sequence[str]) -> Markup:
    """Controls that filter the table with that id: a search box, and a choice for each column in `by`."""
    shown = [c for c in columns if c.name in frame.columns]
    choices = []
    for name in by:
        position = next(n for n, c in enumerate(shown) if c.name == name)
        values = [_cell(v, shown[position]) for v in frame[name].unique(maintain_order=True).drop_nulls()]
        options = Markup("").join(Markup("<option>{}</option>").format(v) for v in values)
        choice = Markup('<label>{}<select data-column="{}"><option value="">all</option>{}</select></label>')
        choices.append(choice.format(shown[position].heading, position, options))
    return Markup('<div class="filters" data-filters="{}"><label>Search<input type="search"></label>{}'
                  '<output aria-live="polite"></output></div>').format(table_id, Markup("").join(choices))


def picture(path: Path, *, alt: str, caption: str) -> Markup:
    """An SVG or PNG file as an inlined picture with its alternative text."""
    kind = "image/svg+xml" if path.suffix == ".svg" else "image/png"
    content = base64.b64encode(path.read_bytes()).decode()
    return Markup('<figure><img alt="{}" src="data:{};base64,{}"><figcaption>{}</figcaption></figure>').format(
        alt, kind, content, caption)


def tiles(items: Sequence[tuple[str, str]]) -> Markup:
    """A row of headline numbers, each with what it is."""
    return Markup('<div class="numbers">{}</div>').format(Markup("").join(
        Markup("<div><b>{}</b><span>{}</span></div>").format(value, what) for value, what in items))


def _cell(value: object, column: Column) -> Markup:
    if value is None or (isinstance(value, float) and value != value):
        return Markup('<span class="missing" aria-label="no value">–</span>')
    if isinstance(value, float):
        text = f"{value:.{column.decimals}f}" if column.decimals is not None else f"{value:.4g}"
        return escape(text.replace("-", "−"))
    if isinstance(value, bool):
        return escape("yes" if value else "no")
    return escape(str(value))
