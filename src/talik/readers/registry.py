"""The door: `read` looks at the beginning of a file, finds the one reader that claims it, and returns its records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
from polars.exceptions import PanicException

from talik import files
from talik.errors import FileError, TalikError, UnknownFormat, UsageError, unknown
from talik.readers import spreadsheet, strangers
from talik.readers.encoding import Encoding, decoded, detected, is_text, named, split_lines
from talik.readers.packed import kind_of, records_within
from talik.readers.rhythm import spot_words
from talik.records import Record

_MODULES = (
    "gtnp",
    "gtnp_export",
    "hobo",
    "ntgs",
    "permos",
    "cf_netcdf",
    "geoprecision",
    "vemco",
    "logr",
    "rst",
    "campbell",
    "tomst",
    "rihmi",
    "nrcs",
    "calm",
    "rbr",
    "rbr_sheets",
    "rbr_rsk",
    "rbr_text",
    "ibutton",
    "lascar",
    "meter",
    "smet",
    "generic",
)
"""Modules of this package with a `READER` or `READERS`; a new format adds its name here."""

HEAD_BYTES = 65536
_FEWEST_LINES = 16
"""A head of fewer lines is read on, up to sixteen times its length: tables of thousands of columns have long lines."""

GUESS, CLAIM, CERTAIN = 1, 2, 3
"""How strongly a reader may claim a file: it could be read, it looks like mine, it says that it is mine."""


@dataclass(frozen=True, slots=True)
class Head:
    """
    The beginning of a file, for a reader to look at before it claims the file.

    Parameters
    ----------
    path : Path
        The file.
    content : bytes
        Its first 64 kB, or more where lines are long.
    size : int
        Its size in bytes.
    encoding : Encoding
        Of the text, and how it was found; meaningless when `binary`.
    lines : tuple of str
        The complete lines of `content`, decoded, without line ends; empty when `binary`.
    binary : bool
        True when `content` is not text.
    """

    path: Path
    content: bytes = field(repr=False)
    size: int
    encoding: Encoding
    lines: tuple[str, ...] = field(repr=False)
    binary: bool
    _opened: dict[str, spreadsheet.Rows] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return self.path.name

    @property
    def suffix(self) -> str:
        """The ending of the name in lower case, with its dot."""
        return self.path.suffix.lower()

    @property
    def first(self) -> str:
        """The first line, or an empty text."""
        return self.lines[0] if self.lines else ""

    def sheets(self) -> dict[str, spreadsheet.Rows]:
        """
        The sheets of a workbook, opened once; none when the file is no workbook.

        Raises
        ------
        FileError
            If the workbook is damaged, or would grow beyond the limits when it is opened.
        """
        if not self._opened and self.binary and spreadsheet.is_workbook(self.content):
            self._opened.update(spreadsheet.sheets(self.path))
        return self._opened

    def whole_bytes(self) -> bytes:
        """All bytes of the file."""
        return self.content if self.size <= len(self.content) else self.path.read_bytes()

    def whole_text(self) -> str:
        """
        All of the file's text.

        Raises
        ------
        FileError
            If the file is not text.
        """
        if self.binary:
            raise FileError(f"{self.name}: holds binary data, expected text")
        return decoded(self.whole_bytes(), self.encoding, file=self.name)


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller of `read` says about a file; None where nothing was said."""

    encoding: str | None = None
    timezone: str | None = None
    depths: tuple[float, ...] | None = None
    date_order: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    frugal: bool = False
    """True where memory counts more than speed: the compiled parser stays unloaded."""


@dataclass(frozen=True, slots=True)
class Reader:
    """
    One format.

    Parameters
    ----------
    name : str
        What `format=` calls it.
    description : str
        One line for people.
    claims : callable
        Head -> bool or strength (`GUESS`, `CLAIM`, `CERTAIN`; True is `CLAIM`): is this file mine? It only looks.
    read : callable
        (Head, Options) -> records. `read` fills in path, format, sha256, and given depths afterwards.
    last : bool
        True when the reader is only asked after all others have declined.
    """

    name: str
    description: str
    claims: Callable[[Head], int | bool]
    read: Callable[[Head, Options], list[Record]]
    last: bool = False


_STUMBLES = (Exception, PanicException)
"""A damaged file can make any parser stumble in any way, and polars panic; whatever it is, the file is told."""

_REGISTERED: dict[str, Reader] = {}


def register(reader: Reader) -> Reader:
    """
    Add a reader of your own to those `read` asks.

    Raises
    ------
    UsageError
        If there is a reader of that name already.
    """
    if reader.name in readers():
        raise UsageError(f"a reader named {reader.name!r} is already registered")
    _REGISTERED[reader.name] = reader
    return reader


def readers() -> dict[str, Reader]:
    """All readers by name, those of talik first."""
    found = {**_own(), **_REGISTERED}
    return dict(sorted(found.items(), key=lambda item: item[1].last))


@cache
def _own() -> dict[str, Reader]:
    found: dict[str, Reader] = {}
    for name in _MODULES:
        module = import_module(f"talik.readers.{name}")
        for reader in getattr(module, "READERS", None) or (module.READER,):
            found[reader.name] = reader
    return found


def read(
    path: Path | str,
    *,
    format: str | None = None,
    encoding: str | None = None,
    timezone: str | None = None,
    depths: Sequence[float] | None = None,
    date_order: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> list[Record]:
    """
    Read the temperature series of a logger file, a data base export or a network's file.

    Parameters
    ----------
    path : Path or str
        The file.
    format : str, optional
        Name of a reader; without it the reader that claims the file by looking at it.
    encoding : str, optional
        Of the text, when the guess is wrong.
    timezone : str, optional
        Of the stamps: an offset ("+03:00", "UTC-7") or a name ("America/Yellowknife"). Wins over the file's own.
    depths : sequence of float, optional
        Depth [m] of each temperature column, positive down, when the file does not say or says it wrong.
    date_order : {"YMD", "MDY", "DMY"}, optional
        Order of the dates, when the file does not prove it.
    columns : mapping of str to str, optional
        For tables of no known format (it implies format="generic"): which column is "time", "date", "clock", "depth",
        "temperature", "site", or what the "unit" is.

    Returns
    -------
    list of Record
        One for each site, data set or logger in the file, with stamps in UTC, values in °C and depths in m; NaN
        where the file has a blank or a fill value (see the record's flags). `record.source.understood` says what
        was found in the file and how.

    Raises
    ------
    UnknownFormat
        If no reader claims the file, or two claim it equally.
    AmbiguousFile
        If the order of the dates cannot be proved; the message has the candidates.
    FileError
        If the file is damaged, empty, or not what it seems; the message has file and line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "barrow.csv"
    >>> _ = file.write_text("Date/Depth,0.1,0.5\\n2020-01-01 00:00,-20,-9\\n2020-01-01 01:00,-21,-999\\n")
    >>> [record] = read(file)
    >>> print(record, "from", record.source.format)
    barrow: 2 times x 2 depths (0.1 to 0.5 m), 2020-01-01 to 2020-01-01, 1 value missing from gtnp
    """
    known = None if depths is None else tuple(map(float, depths))
    return records_of(path, Options(encoding, timezone, known, date_order, dict(columns or {})), format=format)


def records_of(path: Path | str, options: Options, *, format: str | None = None, sha256: str = "") -> list[Record]:
    """As `read`, for callers who know the sha256 of the file, or have something to say that users have not."""
    head = looked_at(path, options.encoding)
    format = format or ("generic" if options.columns else None)
    if kind := kind_of(head.content, head.path) if head.binary else "":
        def fits(member: Path) -> bool:
            return format is None or bool(_named(format).claims(looked_at(member, options.encoding)))

        return records_within(head.path, kind, sha256 or files.sha256(head.path),
                              lambda member: records_of(member, options, format=format), fits)
    reader = _named(format) if format else _claiming(head)
    if options.columns and format == "generic" and not reader.claims(head) and (own := _owner(head)):
        raise FileError(
            f"{head.name}: columns={dict(options.columns)} is for tables of no known format, and this is a file of the "
            f"format {own}, which says what its columns are: read it without that, in a call of its own"
        )
    try:
        records = reader.read(head, options)
    except TalikError:
        raise
    except _STUMBLES as error:
        raise FileError(
            f"{head.name}: damaged, or not the {reader.name} file it seems to be "
            f"({type(error).__name__}: {_first_line(error)}). If it is another format, pass format=..."
        ) from error
    if not records:
        raise FileError(f"{head.name}: the {reader.name} reader found no temperatures in it")
    digest = sha256 or files.sha256(head.path)
    return [_finished(record, head, reader.name, digest, options) for record in records]


def looked_at(path: Path | str, encoding: str | None = None) -> Head:
    """
    The head of a file.

    Raises
    ------
    FileError
        If there is no such file, or it is a folder, cannot be opened, or is empty.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(HEAD_BYTES)
            while content.count(b"\n") < _FEWEST_LINES and len(content) < 16 * HEAD_BYTES:
                if not (more := stream.read(HEAD_BYTES)):
                    break
                content += more
            size = stream.seek(0, 2)
    except IsADirectoryError:
        raise FileError(f"{path}: is a folder, expected a file") from None
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not content:
        raise FileError(f"{path.name}: is empty (0 bytes)")
    whole = size == len(content)
    found = named(encoding) if encoding else detected(content, whole=whole)
    binary = not is_text(content, found)
    if binary:
        found = Encoding("utf-8", "")
    lines = [] if binary else split_lines(content.decode(found.name, errors="replace").removeprefix("\ufeff"))
    return Head(path, content, size, found, tuple(lines if whole else lines[:-1]), binary)


def _named(format: str) -> Reader:
    if format not in readers():
        raise unknown("format", format, readers())
    return readers()[format]


def _owner(head: Head) -> str:
    """Name of the format that claims a file; "" when none does."""
    try:
        return _claiming(head).name
    except FileError:
        return ""


def _claiming(head: Head) -> Reader:
    claims: dict[str, int] = {}
    for reader in readers().values():
        if claims and reader.last:
            continue
        if reader.last and (words := strangers.told(head.content, head.lines, head.suffix)):
            raise UnknownFormat(f"{head.name}: {words}")
        try:
            strength = reader.claims(head)
        except TalikError:
            raise
        except _STUMBLES as error:
            raise FileError(
                f"{head.name}: damaged ({type(error).__name__}: {_first_line(error)}). If it is whole, pass format=..."
            ) from error
        if not strength:
            continue
        claims[reader.name] = CLAIM if strength is True else int(strength)
    if not claims:
        known = ", ".join(sorted(readers()))
        raise UnknownFormat(f"{head.name}: no reader claims it (knows: {known}). Pass format=... if it is one of them.")
    best = [name for name, strength in claims.items() if strength == max(claims.values())]
    if len(best) > 1:
        raise UnknownFormat(f"{head.name}: claimed equally by {' and '.join(sorted(best))}. Pass format=... to choose.")
    return readers()[best[0]]


_YEARS = np.array(["1600", "2200"], "M8[us]").astype(np.int64)
"""Between these all readings were taken; a stamp beyond them is damaged, or was read wrongly."""


def _finished(record: Record, head: Head, format: str, digest: str, options: Options) -> Record:
    micros = record.times.view(np.int64)                        # extremes of stamps take several times as long
    if micros.size and not (_YEARS[0] < micros.min() <= micros.max() < _YEARS[1]):
        place = int(np.argmax((micros <= _YEARS[0]) | (micros >= _YEARS[1])))
        raise FileError(
            f"{head.name}: row {place + 1} of {record.site!r} has the stamp {str(record.times[place])[:19]}, which no "
            "thermometer saw: is it damaged, or the column of stamps another one?"
        )
    understood = tuple(filter(None, (*record.source.understood, spot_words(record))))
    source = replace(record.source, path=str(head.path), format=format, sha256=digest, understood=understood)
    if options.depths is None:
        return replace(record, source=source)
    if len(options.depths) != record.depths.size:
        raise UsageError(
            f"{head.name}: {len(options.depths)} depths given for {record.depths.size} temperature "
            f"column{'s' * (record.depths.size != 1)}: {', '.join(record.labels)}"
        )
    source = replace(source, understood=(*source.understood, "depths: as given by the caller"))
    return replace(record, source=source, depths=np.array(options.depths))


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
