"""Free descriptions of vegetation and soil become the classes of Liu et al. 2025, by rules anyone can read and edit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, overload

import polars as pl

from talik.errors import FileError, unknown
from talik.variables import SOIL, VEGETATION

Vocabulary = Literal["vegetation", "soil"]
_CLASSES = {"vegetation": VEGETATION, "soil": SOIL}
Span = tuple[int, int]
UNKNOWN = "unknown"
"""In a table of rules: words that can mean several classes, and so none; the column scheme says why."""
_BREAKS = re.compile(r"[,;.()\[\]]|\b(?:but|now|then)\b|[，；。、]")
_TAKEN = (
    # what takes words of its clause away: those behind it, the one behind it, the one before it, all of them
    (re.compile(r"\b(?:no|not|without|lacking|devoid of|free of|absence of|instead of|former|formerly|previously|"
                r"near(?! surface)|close to|next to|adjacent to|beside|beyond|outside|surrounded by|bordered by|"
                r"нет|без|не|бывш\w+|возле|около|рядом с|вблизи)\b|[无無非]"), "behind"),
    (re.compile(r"\bnon\b"), "next"),
    (re.compile(r"\bfree\b(?! of)"), "before"),
    (re.compile(r"\b(?:cleared|clearing|clear ?cut|removed|absent|edge|margin|limit|line|вырубл\w+)\b|附近"), "all"),
)
_ALONE = re.compile(r"(?:since |has been |have been |was |were |all )*(?:cleared|clear ?cut|removed|absent)(?: .*)?")
_MODIFIERS = frozenset({"gravelly", "stony", "bouldery", "cobbly", "rocky", "pebbly", "sandy", "silty", "clayey",
                        "loamy"})
"""Before a noun of another class they only qualify it: gravelly sand is a sand, sandy gravel a gravel (USDA)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern (words; a trailing * stands for any ending), the class it means, and the scheme it comes from."""

    pattern: str
    category: str
    scheme: str

    @property
    def words(self) -> int:
        """How specific the rule is: its number of words, or of characters in scripts that write none."""
        return len(self.pattern) if _is_ideographic(self.pattern) else len(_words(self.pattern))


@dataclass(frozen=True, slots=True)
class Category:
    """
    What a description was taken to mean.

    Parameters
    ----------
    text : str
        As it was given.
    category : str or None
        The class; None is unknown.
    confidence : float
        1 where the whole text is a rule, 0.8 where a part of it is, 0 where unknown.
    rule : str
        The pattern that matched, with its scheme; empty where none did.
    reason : str
        Why the class is unknown; empty where it is known.
    """

    text: str
    category: str | None
    confidence: float
    rule: str = ""
    reason: str = ""

    def __str__(self) -> str:
        if self.category is None:
            return f"{self.text!r} is unknown: {self.reason}"
        return f"{self.text!r} is {self.category} (rule: {self.rule})"


@overload
def harmonise(text: str | None, vocabulary: Vocabulary, *, rules: Path | str | None = None) -> Category: ...  # type: ignore[overload-overlap]
@overload
def harmonise(text: Iterable[str | None], vocabulary: Vocabulary, *,
              rules: Path | str | None = None) -> pl.DataFrame: ...
def harmonise(text: str | Iterable[str | None] | None, vocabulary: Vocabulary, *,
              rules: Path | str | None = None) -> Category | pl.DataFrame:
    """
    The class that a free description of vegetation or soil means.

    A rule within a longer one says nothing of its own, and neither do words that are negated, gone or only near ("no",
    "without", "-free", "former", "cleared", "near") within their clause. The noun decides: gravelly sand is a sand.
    Where the rules that are left name different classes, the class is unknown: nothing is guessed.

    Parameters
    ----------
    text : str, None, or iterable of these
        Descriptions in English, Russian or Chinese, or class names of CAVM, USDA and IGBP.
    vocabulary : {"vegetation", "soil"}
        Which classes are meant.
    rules : path, optional
        A CSV with the columns pattern, class, scheme whose rules go before the bundled ones: `pattern` is words, a
        trailing * any ending; `class` one of the vocabulary, or "unknown" for words that can mean several; `scheme` is
        where the rule comes from, and is shown with the answer.

    Returns
    -------
    Category, or a frame with one row a text
        Columns text, category, confidence, rule, reason; category is null where unknown.

    Raises
    ------
    UnknownName
        If there is no such vocabulary.
    FileError
        If the table of rules lacks a column or names a class that does not exist.

    References
    ----------
    .. [1] Liu et al. (2025), npj Clim. Atmos. Sci., doi:10.1038/s41612-025-01235-1 (the classes).
    .. [2] Walker et al. (2005), J. Veg. Sci. 16, 267-282, doi:10.1111/j.1654-1103.2005.tb02365.x (CAVM).

    Examples
    --------
    >>> print(harmonise("Alpine swamp meadow", "vegetation"))
    'Alpine swamp meadow' is Wetland/Swamp meadow (rule: alpine swamp meadow, Liu et al. 2025)
    >>> harmonise("loamy sand", "soil").category, harmonise("сугл. лёгкий", "soil").category
    ('sand', None)
    """
    if vocabulary not in _CLASSES:
        raise unknown("vocabulary", vocabulary, _CLASSES)
    table = (*_rules_of(rules, vocabulary), *_bundled(vocabulary)) if rules else _bundled(vocabulary)
    if text is None or isinstance(text, str):
        return _category(text, table)
    found = [_category(t, table) for t in text]
    return pl.DataFrame(found, schema={"text": pl.String, "category": pl.String, "confidence": pl.Float64,
                                       "rule": pl.String, "reason": pl.String})


def _category(text: str | None, table: Sequence[Rule]) -> Category:
    plain = _plain(text or "")
    if not plain:
        return Category(text or "", None, 0.0, reason="no description")
    whole = next((rule for rule in table if _plain(rule.pattern) == plain), None)
    if whole and whole.category == UNKNOWN:
        return _ambiguous(text, whole)
    if whole:
        return Category(text or "", whole.category, 1.0, f"{whole.pattern}, {whole.scheme}")
    parts = [_plain(part) for part in _BREAKS.split(unicodedata.normalize("NFKC", text or "").casefold())]
    plain = ", ".join(parts := [part for part in parts if part])
    taken = _taken(parts)
    found = [(rule, at) for rule in table for at in _places(rule.pattern, plain)]
    if not found:
        return Category(text or "", None, 0.0, reason="no rule matches; add one to a table of rules (rules=...)")
    said = [(rule, at) for rule, at in found if _taker(at, taken) is None]
    # a rule whose words lie inside a longer rule says nothing of its own ("sand" in "sandy loam", "not sandy loam")
    free = [(rule, at) for rule, at in said
            if not any(o is not rule and b[0] <= at[0] and at[1] <= b[1] and (b[1] - b[0]) > (at[1] - at[0])
                       for o, b in found)]
    if not free:
        rule, at = max((met for met in found if _taker(met[1], taken)), key=lambda met: met[0].words)
        return Category(text or "", None, 0.0, reason=f"{_taker(at, taken)!r} stands with {rule.pattern!r}")
    free = _nouns(free, plain)
    classes = sorted({rule.category for rule, _ in free})
    open_to = next((rule for rule, _ in free if rule.category == UNKNOWN), None)
    if open_to:
        return _ambiguous(text, open_to)
    if len(classes) != 1:
        return Category(text or "", None, 0.0, reason=f"rules disagree: {', '.join(classes)}")
    rule, _ = max(free, key=lambda item: item[0].words)
    return Category(text or "", rule.category, 0.8, f"{rule.pattern}, {rule.scheme}")


def _taken(parts: Sequence[str]) -> list[tuple[str, Span, Span]]:
    """What is negated, gone or only near in clauses: the word, where it stands, and what it takes away."""
    taken: list[tuple[str, Span, Span]] = []
    start, before = 0, (0, 0)
    for part in parts:
        end = start + len(part)
        for marker, reach in _TAKEN:
            for met in marker.finditer(part):
                first, last = start + met.start(), start + met.end()
                right, left = part[met.end():].split(), part[:met.start()].split()
                takes = {"behind": (last, end), "all": (start, end),
                         "next": (last, last + 1 + len(right[0]) if right else last),
                         "before": (first - 1 - len(left[-1]) if left else first, first)}[reach]
                taken.append((met[0], (first, last), takes))
        if _ALONE.fullmatch(part):                                   # "forest, now cleared"
            taken.append((part, (start, end), before))
        before, start = (start, end), end + 2
    return taken


def _taker(at: Span, taken: Sequence[tuple[str, Span, Span]]) -> str | None:
    """The word that takes a place away; none where the rule there has that word itself ("no vegetation")."""
    return next((word for word, stands, takes in taken if at[0] < takes[1] and takes[0] < at[1]
                 and not (at[0] <= stands[0] and stands[1] <= at[1])), None)


def _nouns(free: Sequence[tuple[Rule, Span]], plain: str) -> list[tuple[Rule, Span]]:
    """Without modifiers that a noun of their clause follows, directly or behind other modifiers."""
    kept: list[tuple[Rule, Span]] = []
    nouns: set[int] = set()                                          # where a noun, with its modifiers, begins
    for rule, at in sorted(free, key=lambda item: -item[1][0]):
        is_modifier = plain[at[0]:at[1]] in _MODIFIERS
        follows = at[1] + 1 in nouns
        if not is_modifier or follows:
            nouns.add(at[0])
        if not (is_modifier and follows):
            kept.append((rule, at))
    return kept


def _ambiguous(text: str | None, rule: Rule) -> Category:
    return Category(text or "", None, 0.0, reason=f"{rule.pattern!r} is ambiguous: {rule.scheme}")


def _places(pattern: str, plain: str) -> list[Span]:
    """Where the pattern stands in the text, as (start, end)."""
    return [met.span() for met in _compiled(pattern).finditer(plain)]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    plain = _plain(pattern, keep_star=True)
    if _is_ideographic(plain):
        return re.compile(re.escape(plain))
    words = [re.escape(word).replace(r"\*", r"\w*") for word in plain.split()]
    return re.compile(r"(?<!\w)" + r"\s+".join(words) + r"(?!\w)")


@cache
def _bundled(vocabulary: str) -> tuple[Rule, ...]:
    source = files("talik") / "data" / "harmonise" / f"{vocabulary}.csv"
    return _rules(pl.read_csv(source.read_bytes()), vocabulary, source.name)


def _rules_of(path: Path | str, vocabulary: str) -> tuple[Rule, ...]:
    try:
        return _rules(pl.read_csv(Path(path)), vocabulary, str(path))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise FileError(f"{path}: cannot be read as a table of rules: {error}. Expected a CSV with the columns "
                        "pattern, class, scheme.") from error


def _rules(frame: pl.DataFrame, vocabulary: str, shown: str) -> tuple[Rule, ...]:
    for column in ("pattern", "class", "scheme"):
        if column not in frame.columns:
            raise FileError(f"{shown}: got the columns {', '.join(frame.columns)}; expected pattern, class, scheme.")
    for row, name in enumerate(frame["class"], 2):
        if name not in (*_CLASSES[vocabulary], UNKNOWN):
            raise FileError(f"{shown}, line {row}: {unknown(vocabulary + ' class', name, _CLASSES[vocabulary])}")
    return tuple(Rule(*row) for row in frame.select("pattern", "class", "scheme").iter_rows())


def _plain(text: str, *, keep_star: bool = False) -> str:
    """Lower case, compatibility characters folded, punctuation and hyphens as single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[^\w*]" if keep_star else r"[^\w]", " ", folded).split())


def _words(text: str) -> list[str]:
    return _plain(text).split()


def _is_ideographic(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)
