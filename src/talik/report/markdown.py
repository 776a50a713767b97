"""The report as Markdown with figure files, in the plain form that pandoc turns into a word processor's file."""

from __future__ import annotations

import os
import re
from pathlib import Path

from talik.report.parts import Document, Heading, Listing, Paragraph, Part, Picture, Preformatted, Table, Tiles, shown

_SPECIAL = re.compile(r"([\\`*\[\]<>|$~^@&])")
_WIDEST = 60


def markdown(document: Document, beside: Path) -> str:
    """
    The report as Markdown: headings, paragraphs, lists, pipe tables and images, no HTML.

    Parameters
    ----------
    document : Document
        What `talik.report.document.report` makes.
    beside : Path
        Folder the text will stand in: figures are linked relative to it, as PNG.
    """
    parts = [f"# {_text(document.title)}", _text(document.lede)]
    for section in document.sections:
        parts += [f"## {_text(section.title)}", *(_part(part, beside) for part in section.parts)]
    return "\n\n".join([*parts, _text(document.colophon)]) + "\n"


def _part(part: Part, beside: Path) -> str:
    match part:
        case Paragraph():
            text = (f"**{_text(part.lead)}** " if part.lead else "") + _text(part.text, start=not part.lead)
            return f"> {text}" if part.note else text
        case Heading():
            return f"### {_text(part.text)}"
        case Listing():
            return "\n".join(f"- {_text(item)}" for item in part.items)
        case Preformatted():
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", part.text)), default=0))
            return f"{fence}{part.language}\n{part.text}\n{fence}"
        case Tiles():
            return "\n".join(f"- **{_text(value)}**: {_text(what)}" for value, what in part.items)
        case Picture():
            path = os.path.relpath(part.stem.with_name(f"{part.stem.name}.png"), beside)
            link = Path(path).as_posix()
            return f"![{_text(f'{part.number}. {part.caption}')}]({f'<{link}>' if ' ' in link else link})"
        case Table():
            return _table(part)


def _table(part: Table) -> str:
    """A pipe table under its caption; the dashes are as long as the texts, which pandoc takes as relative widths."""
    columns = part.shown()
    numeric = [part.frame[c.name].dtype.is_numeric() for c in columns]
    head = [_text(c.heading) for c in columns]
    rows = [[_text(shown(row[c.name], c.decimals), start=False) for c in columns]
            for row in part.frame.select(c.name for c in columns).iter_rows(named=True)]
    widths = [min(_WIDEST, max(3, *(len(cells[k]) for cells in [head, *rows]))) for k in range(len(columns))]
    rule = ["-" * (width - 1) + ":" if right else "-" * width for width, right in zip(widths, numeric, strict=True)]
    lines = [f"| {' | '.join(cells)} |" for cells in [head, rule, *rows]]
    return "\n".join([f"Table: {_text(part.caption, start=False)}", "", *lines])


def _text(text: str, *, start: bool = True) -> str:
    """Text that means itself: what Markdown or pandoc would read as a mark is escaped; one line."""
    plain = _SPECIAL.sub(r"\\\1", re.sub(r"[\r\n]+", " ", text))
    plain = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", plain)
    return re.sub(r"^(\s*)([#+=:-]|\d+(?=[.)]\s))", _escaped_start, plain) if start else plain


def _escaped_start(found: re.Match[str]) -> str:
    """A first character or number that would open a heading or a list, made plain."""
    return found[1] + (f"\\{found[2]}" if not found[2].isdigit() else found[2] + "\\")
