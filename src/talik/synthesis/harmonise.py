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
UNKNOWN = "unknown"
"""In a table of rules: words that can mean several classes, and so none; the column scheme says why."""
_NEGATION = re.compile(r"\b(?:no|not|without|non|нет|без)\b|无")


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

    The most specific rule wins (most words). Where rules of equal length name different classes, or a negation
    stands before the word, the class is unknown: nothing is guessed.

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
    fitting = [(rule, at) for rule in table if (at := _place(rule.pattern, plain)) is not None]
    if not fitting:
        return Category(text or "", None, 0.0, reason="no rule matches; add one to a table of rules (rules=...)")
    # a rule whose words lie inside a longer fitting rule says nothing of its own ("sand" in "sandy loam")
    free = [(rule, at) for rule, at in fitting
            if not any(o is not rule and b[0] <= at[0] and at[1] <= b[1] and (b[1] - b[0]) > (at[1] - at[0])
                       for o, b in fitting)]
    classes = sorted({rule.category for rule, _ in free})
    open_to = next((rule for rule, _ in free if rule.category == UNKNOWN), None)
    if open_to:
        return _ambiguous(text, open_to)
    if len(classes) > 1:
        return Category(text or "", None, 0.0, reason=f"rules disagree: {', '.join(classes)}")
    rule, at = max(free, key=lambda item: item[0].words)
    if _NEGATION.search(plain[:at[0]]):
        return Category(text or "", None, 0.0, reason=f"a negation stands before {rule.pattern!r}")
    return Category(text or "", rule.category, 0.8, f"{rule.pattern}, {rule.scheme}")


def _ambiguous(text: str | None, rule: Rule) -> Category:
    return Category(text or "", None, 0.0, reason=f"{rule.pattern!r} is ambiguous: {rule.scheme}")


def _place(pattern: str, plain: str) -> tuple[int, int] | None:
    """Where the pattern stands in the text, as (start, end), or None."""
    found = _compiled(pattern).search(plain)
    return found.span() if found else None


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
