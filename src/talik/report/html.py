"""The report as one HTML page that needs no other file: everything that comes from data is escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

from markupsafe import Markup, escape

import talik
from talik.report.parts import (
    Column,
    Document,
    Heading,
    Listing,
    Paragraph,
    Part,
    Picture,
    Preformatted,
    Section,
    Table,
    Tiles,
    shown,
)

_FULL_WIDTH = 519.0
"""Width of a figure of two journal columns [pt]; narrower ones are shown narrower, so that their type has one size."""


def page(document: Document) -> str:
    """The report as one HTML document that makes no request."""
    import jinja2

    room = files("talik.report")
    script = (room / "filters.js").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True).from_string((room / "page.html").read_text(encoding="utf-8"))
    return template.render(
        document=document, version=talik.__version__, script=script, body=_body,
        style=(room / "style.css").read_text(encoding="utf-8"),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode())


def _body(section: Section) -> Markup:
    return Markup("\n").join(_part(part) for part in section.parts)


def _part(part: Part) -> Markup:
    match part:
        case Paragraph():
            lead = Markup("<b>{}</b> ").format(part.lead) if part.lead else ""
            return Markup('<p class="note">{}{}</p>' if part.note else "<p>{}{}</p>").format(lead, part.text)
        case Heading():
            return Markup("<h3>{}</h3>").format(part.text)
        case Listing():
            items = Markup("").join(Markup("<li>{}</li>").format(item) for item in part.items)
            return Markup("<ul>{}</ul>").format(items)
        case Preformatted():
            return Markup("<pre>{}</pre>").format(part.text)
        case Tiles():
            return Markup('<div class="numbers">{}</div>').format(Markup("").join(
                Markup("<div><b>{}</b><span>{}</span></div>").format(value, what) for value, what in part.items))
        case Picture():
            return _picture(part)
        case Table():
            return (_filters(part) if part.filters else Markup("")) + _table(part)


def _table(part: Table) -> Markup:
    """A table; numbers are right-aligned, a null is an en dash that reads "no value" aloud."""
    columns = part.shown()
    numeric = {c.name: Markup(' class="number"') if part.frame[c.name].dtype.is_numeric() else "" for c in columns}
    head = Markup("").join(Markup('<th scope="col"{}>{}</th>').format(numeric[c.name], c.heading) for c in columns)
    rows = Markup("\n").join(
        Markup("<tr>{}</tr>").format(Markup("").join(
            Markup("<td{}>{}</td>").format(numeric[c.name], _cell(row[c.name], c)) for c in columns))
        for row in part.frame.select(c.name for c in columns).iter_rows(named=True))
    return Markup('<div class="scroll{}" tabindex="0" role="region" aria-label="{}"><table{}><caption>{}</caption>'
                  "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>").format(
        " tall" if part.tall else "", part.caption, Markup(' id="{}"').format(part.id) if part.id else "",
        part.caption, head, rows)


def _filters(part: Table) -> Markup:
    """Controls that filter the table: a search box, and a choice for each column that is filtered by."""
    places = {column.name: (position, column) for position, column in enumerate(part.shown())}
    choices = []
    for position, column in (places[name] for name in part.filters if name in places):
        values = part.frame[column.name].unique(maintain_order=True).drop_nulls()
        options = Markup("").join(Markup("<option>{}</option>").format(_cell(value, column)) for value in values)
        choice = Markup('<label>{}<select data-column="{}"><option value="">all</option>{}</select></label>')
        choices.append(choice.format(column.heading, position, options))
    return Markup('<div class="filters" data-filters="{}"><label>Search<input type="search"></label>{}'
                  '<output aria-live="polite"></output></div>').format(part.id, Markup("").join(choices))


def _picture(part: Picture) -> Markup:
    path = part.stem.with_name(f"{part.stem.name}.{part.inline}")
    content = path.read_bytes()
    kind = "image/svg+xml" if part.inline == "svg" else "image/png"
    width = re.search(rb'<svg[^>]*\bwidth="([\d.]+)pt"', content[:2000])
    share = min(1.0, float(width[1]) / _FULL_WIDTH) if width else 1.0
    return Markup('<figure style="max-width: {:.1f}rem"><img alt="{}" src="data:{};base64,{}"><figcaption><b>{}.</b> {}'
                  "</figcaption></figure>").format(60 * share, part.alt, kind, base64.b64encode(content).decode(),
                                                   part.number, part.caption)


def _cell(value: object, column: Column) -> Markup:
    text = shown(value, column.decimals)
    return Markup('<span class="missing" aria-label="no value">–</span>') if text == "–" else escape(text)
