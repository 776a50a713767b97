"""Which characters the bytes of a file are: proved where it can be, else guessed with the guess stated."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cache

from talik.errors import FileError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HIGH = re.compile(rb"[\x80-\xff]+")
_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_SIGNS = set(b"\xb0\xb1\xb2\xb3\xb5\xba\xa9\xae\xb7\x96\xa0")  # degree, plus-minus, squared, micro, dashes ...
_ENOUGH = 24
"""Bytes beyond ASCII from which a guess between code pages is taken as good."""

_PAGES = (
    *("cp1252", "gbk", "big5", "cp949", "cp932", "mac_roman"),
    *("cp437", "cp866", "koi8_r", "cp1251", "cp1253", "cp874"),
)
"""Code pages through which programs have read a degree sign that was written in another."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """
    The name of an encoding, and how it was found.

    Parameters
    ----------
    name : str
        As `bytes.decode` knows it.
    how : str
        One sentence for `Source.understood`.
    """

    name: str
    how: str


def detected(content: bytes, *, whole: bool = True) -> Encoding:
    """
    The encoding of some bytes.

    A byte order mark or valid UTF-8 is a proof; code pages (Windows Latin, Windows Cyrillic, GBK) are a guess from
    the runs of bytes beyond ASCII. A guess from few such bytes names its rivals.

    Parameters
    ----------
    content : bytes
        The file, or its beginning.
    whole : bool
        False when `content` is cut and may end inside a character.

    Examples
    --------
    >>> detected("Date;Temp, °C".encode("cp1252")).name
    'cp1252'
    >>> detected("Якутск; Верхоянск; Оймякон; температура".encode("cp1251")).name
    'cp1251'
    >>> print(detected("Ж".encode("cp1251")).how)
    encoding: taken as cp1252, from only 1 byte beyond ASCII; could be cp1251, gb18030 (say which with encoding=...)
    """
    for mark, name in _BOMS:
        if content.startswith(mark):
            return Encoding(name, f"encoding: {name} (byte order mark)")
    wide = _without_mark(content)
    if wide:
        return Encoding(wide, f"encoding: {wide} (every other byte is zero)")
    if content.isascii():
        return Encoding("utf-8", "encoding: ASCII")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, final=whole)
        return Encoding("utf-8", "encoding: UTF-8 (valid throughout)")
    except UnicodeDecodeError:
        return _code_page(content)


def decoded(content: bytes, encoding: Encoding, *, file: str) -> str:
    """
    The text of a whole file, without byte order mark.

    Raises
    ------
    FileError
        If the bytes are not in that encoding; the message has the line.
    """
    try:
        return content.decode(encoding.name).removeprefix("\ufeff").removesuffix("\x1a")  # the end mark of DOS
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileError(
            f"{file}, line {line}: byte {content[error.start]:#04x} is not {encoding.name} "
            f"({encoding.how}). Pass encoding=..."
        ) from None


def is_text(content: bytes, encoding: Encoding) -> bool:
    """False when the bytes hold zeros or many control characters that no text in that encoding has."""
    if encoding.name.startswith(("utf-16", "utf-32")):
        return True
    return b"\0" not in content and len(_CONTROL.findall(content)) <= len(content) // 200


def split_lines(text: str) -> list[str]:
    """The lines of a text whatever its line ends; without a last empty one."""
    lines = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines and not lines[-1] else lines


def with_degrees(text: str) -> str:
    """
    Text in which the degree sign before C and F is put back where a wrong code page, or a program, has lost it.

    Examples
    --------
    >>> [with_degrees(f"Temp, {sign} (LGR)") for sign in ("?F", "癈", "蚌", "Â°C", "øC", "∞C", "\ufffdC")]
    ['Temp, °F (LGR)', 'Temp, °C (LGR)', 'Temp, °F (LGR)', 'Temp, °C (LGR)', 'Temp, °C (LGR)', 'Temp, °C (LGR)', ...]
    """
    known = _degrees_in_disguise()
    found = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
    lost = rf"(?:{found})(?![A-Za-z])|(?<=[\s,(;\"])Â?[?\ufffd]{{1,2}}[CF](?![A-Za-z])"
    return re.sub(lost, lambda match: known.get(match[0], f"°{match[0][-1]}"), text)


@cache
def _degrees_in_disguise() -> dict[str, str]:
    """What becomes of "°C" and "°F" when one program writes them in one code page and the next reads another."""
    found = {}
    for letter in "CF":
        meant = f"°{letter}"
        found[meant.encode("cp437").decode("cp1252")] = meant
        for raw in (meant.encode("cp1252"), meant.encode()):
            for page in _PAGES:
                read = raw.decode(page, errors="ignore")
                if len(read) > 1 or not read.isascii():
                    found[read] = meant
    return found


def named(name: str) -> Encoding:
    """
    The encoding a user asks for.

    Raises
    ------
    FileError
        If Python knows no encoding of that name.
    """
    try:
        return Encoding(codecs.lookup(name).name, f"encoding: {name} (as asked)")
    except LookupError:
        raise FileError(f"encoding {name!r} is not known. Try utf-8, utf-16, cp1252, cp1251 or gbk.") from None


def _without_mark(content: bytes) -> str:
    """UTF-16 that lacks its byte order mark: ASCII text has a zero in every other byte."""
    sample = content[:2000]
    if len(sample) < 8 or b"\0" not in sample:
        return ""
    for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, letters = sample[offset::2], sample[1 - offset :: 2]
        if zeros.count(0) > 0.9 * len(zeros) and letters.count(0) == 0:
            return name
    return ""


def _code_page(content: bytes) -> Encoding:
    runs = [run for run in _HIGH.findall(content) if not set(run) <= _SIGNS]
    if not runs:
        return Encoding("cp1252", "encoding: cp1252 (beyond ASCII only signs such as °, the same in all code pages)")
    size = sum(map(len, runs))
    cyrillic = sum(byte >= 0xE0 or byte in (0xA8, 0xB8) for run in runs if len(run) > 1 for byte in run) / size
    # GB2312 keeps its 3755 common characters, and the ideographic signs, under lead bytes A1-D7
    chinese = sum(2 for run in runs if len(run) % 2 == 0 for byte in run[::2] if 0xA1 <= byte <= 0xD7) / size
    scores = {
        "cp1251": cyrillic,
        "gb18030": chinese * _decodes(content, "gb18030"),
        "cp932": _japanese(content),
        "cp1252": sum(len(run) == 1 for run in runs) / len(runs),
    }
    name = max(scores, key=lambda key: scores[key])
    others = sorted(page for page in {"cp1251", "cp1252", "gb18030", *filter(scores.get, scores)} if page != name)
    if name == "cp1252" and not _decodes(content, name):
        name = "latin-1"
    if size < _ENOUGH:
        return Encoding(
            name,
            f"encoding: taken as {name}, from only {size} byte{'s' * (size != 1)} beyond ASCII; "
            f"could be {', '.join(others)} (say which with encoding=...)",
        )
    return Encoding(name, f"encoding: taken as {name}, from {size} bytes beyond ASCII (not UTF-8)")


def _japanese(content: bytes) -> float:
    """Share of the characters beyond ASCII that are kana or common ideographs; 0 without kana."""
    if not _decodes(content, "cp932"):
        return 0.0
    wide = [char for char in content.decode("cp932", errors="ignore") if not char.isascii()]
    kana = sum("\u3041" <= char <= "\u30fc" for char in wide)
    common = sum(0x88 <= char.encode("cp932")[0] <= 0x98 for char in wide)
    return (kana + common) / len(wide) if kana else 0.0


def _decodes(content: bytes, name: str) -> bool:
    try:
        codecs.getincrementaldecoder(name)().decode(content, final=False)
    except UnicodeDecodeError:
        return False
    return True
