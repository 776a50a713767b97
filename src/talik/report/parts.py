"""The parts a report is made of, before they are a page or Markdown: paragraphs, lists, tables, pictures, sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of plain text; `lead` opens it in bold, a note stands out."""

    text: str
    lead: str = ""
    note: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A bulleted list."""

    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Preformatted:
    """Text whose line ends count, such as BibTeX."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Headline numbers, each with what it is."""

    items: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: where it comes from, how it is headed, how many decimals."""

    name: str
    heading: str
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """
    A frame as it is shown: its columns and caption; on a page also filters, which need an id, and a limited height.

    Columns that the frame does not have are left out, and so are those without any value.
    """

    frame: pl.DataFrame
    columns: Sequence[Column]
    caption: str
    id: str = ""
    tall: bool = False
    filters: Sequence[str] = ()

    def shown(self) -> list[Column]:
        """The columns that are there and not empty; all that are there in a table without rows."""
        there = [c for c in self.columns if c.name in self.frame.columns]
        return [c for c in there if self.frame.is_empty() or self.frame[c.name].count()]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure: its files beside each other (`stem` without ending), number, caption, and words for the unseeing."""

    stem: Path
    inline: str
    number: str
    caption: str
    alt: str


Part = Paragraph | Heading | Listing | Preformatted | Tiles | Table | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report: its anchor, title and parts."""

    id: str
    title: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report."""

    title: str
    lede: str
    sections: Sequence[Section]
    colophon: str


def shown(value: object, decimals: int | None = None) -> str:
    """
    A cell as people read it: a real minus sign, no minus zero, °C, an en dash where there is no value.

    Examples
    --------
    >>> shown(-0.004, 2), shown(-1.25, 1), shown(None), shown(float("nan")), shown(True)
    ('0.00', '−1.2', '–', '–', 'yes')
    """
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        text = f"{value:.{decimals}f}" if decimals is not None else f"{value:.4g}"
        return (text.lstrip("-") if not float(text) else text).replace("-", "−")
    return str(value).replace("degC", "°C")


def interval(low: float | None, high: float | None, decimals: int = 2) -> str | None:
    """
    An interval in brackets, or None when an end is not known.

    Examples
    --------
    >>> interval(-1.234, 0.5), interval(None, 0.5)
    ('[−1.23,\\xa00.50]', None)
    """
    return None if low is None or high is None else f"[{shown(low, decimals)},\u00a0{shown(high, decimals)}]"


def listed(words: Sequence[str], last: str = "and") -> str:
    """
    Words as a sentence lists them.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"], "or")
    ('a', 'a and b', 'a, b or c')
    """
    return " ".join([", ".join(words[:-1]), last, words[-1]]) if len(words) > 1 else "".join(words)


def counted(number: int, noun: str, plural: str = "") -> str:
    """
    A number and its noun.

    Examples
    --------
    >>> counted(1, "site"), counted(2, "site"), counted(0, "study", "studies")
    ('1 site', '2 sites', '0 studies')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
