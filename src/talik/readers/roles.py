"""What each column of an unknown table is (stamp, clock, depth, temperature, site): as said, else by looking."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from talik.errors import UsageError, unknown
from talik.readers.channels import speaks_of_warmth, temperatures_among
from talik.readers.depths import LENGTHS, Unit, has_depth, unit_of
from talik.readers.numerals import BLANKS
from talik.readers.zones import offset_in

KEYS = (
    "time",
    "date",
    "clock",
    "year",
    "month",
    "day",
    "doy",
    "hour",
    "minute",
    "second",
    "depth",
    "temperature",
    "site",
    "unit",
    "depth_unit",
)
"""What `columns=` may name. "temperature" may name several columns, parted by commas."""

_DATE = re.compile(
    r"\d{1,4}([-/.])(\d{1,2}|[^\W\d_]{3,9}\.?)\1\d{1,4}([T ,].*)?|\d{8}([T ]?\d{4,6})?|"
    r"\d{1,2} [^\W\d_]{3,9}\.? \d{4}.*|\d{4}年\d{1,2}月\d{1,2}日.*"
)
_CLOCK = re.compile(r"\D{0,12}\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s*\D{1,12})?|\d{1,4}|0?[.,]\d+")
_NUMBER = re.compile(r"[(+\-\u2212]?\s*(\d[\d.,'\s\u00a0]*|\.\d+)[)\-]?([eE][+\-]?\d+)?")
_STAMP_NAME = re.compile(
    r"(utc[ _]?|lst[ _]?|local[ _]?|measure(?:ment)?[ _]?|serial[ _]?|excel[ _]?)?(unix|epoch|posix|seconds since|"
    r"time|date|datum|dátum|datetime|timestamp|stamp|fecha|data|дата|日期|时间|zeit|day)",
    re.IGNORECASE,
)
_CLOCK_NAME = re.compile(
    r"(?:utc[ _]?|lst[ _]?|local[ _]?)?(time|hour|hr|clock|uhrzeit|zeit|heure|hora|čas|время|час|时间)", re.IGNORECASE
)
_FIELDS = {
    "year": ("year", "yyyy", "yr", "jahr", "год", "annee", "año"),
    "month": ("month", "mm", "mo", "mon", "monat", "месяц", "mois", "mes"),
    "day": ("day", "dd", "dy", "tag", "день", "jour", "dia"),
    "doy": ("doy", "jday", "julday", "julian", "julianday", "jd", "yday", "dayofyear", "julianday(doy)", "jul"),
    "hour": ("hour", "hours", "hh", "hr", "hrs", "stunde", "час", "heure", "hora"),
    "minute": ("minute", "minutes", "min", "mi", "mins"),
    "second": ("second", "seconds", "sec", "ss"),
}
"""Names of columns that hold a part of the stamp, in lower case, without blanks, dots and underscores."""

DAYS = _FIELDS["day"]
"""Names of days, of a month or of the year."""

_VERDICT = re.compile(r"flag|qual|(?<![a-z])q[ac](?![a-z])", re.IGNORECASE)
_DEPTH_NAME = re.compile(
    r"((sensor|soil|sed|sediment|borehole|ground|measurement)[ _.,]*)?(?P<what>depth|tiefe|глубина|height|z)"
    r"([ _.,]*(soil|sed|sediment|bottom))?([ _.]*[(\[]?(c?m|mm|meters?|metres?|in|inch(es)?|ft|feet)[)\]]?)?"
    r"( *\([a-z ,]+\))?",
    re.IGNORECASE,
)
_UNIT_NAME = re.compile(r"(.+[ _.])?(units?|einheit)([ _]?(name|code|symbol|of[ _]measure(ment)?))?", re.IGNORECASE)
_KIND_NAME = re.compile(r"(parameter|param|variable|quantity|element|observed[ _]?property)([ _]?(name|code))?", re.I)
_DEEP_TEXT = re.compile(r"[-\u2212]?\d+(?:[.,]\d+)?\s*(?:c|m)?m", re.IGNORECASE)
_SITE = {
    "site",
    "site_id",
    "site_name",
    "siteid",
    "station",
    "station_id",
    "station_name",
    "borehole",
    "borehole_id",
    "bh",
    "plot",
    "location",
    "logger",
    "name",
    "id_site",
    "locality_id",
}


@dataclass(frozen=True, slots=True)
class Roles:
    """
    Which column is what; "" or empty where there is none.

    Parameters
    ----------
    stamp, clock : str
        Dates or stamps; times of day of their own.
    fields : mapping of str to str
        Year, month, day (or year and day of the year), hour, minute, second: columns of their own.
    depth, site : str
        Depth of each row (long table); name of the site.
    temperatures : tuple of str
        One in a long table, one or more in a wide one.
    others : tuple of str
        Other columns of numbers.
    verdicts : mapping of str to str
        The column of the provider's words on each temperature, where there is one.
    units : mapping of str to str
        The column that says the unit of each temperature, where there is one.
    kind : str
        The column that says what each row of a long table measures.
    unit : Unit or None
        Of the temperatures, given by the caller.
    depth_unit : str
        Of depths, given by the caller: one of `LENGTHS`.
    asked : bool
        True when the caller named the columns of the stamps.
    """

    stamp: str = ""
    clock: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    depth: str = ""
    temperatures: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    verdicts: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    site: str = ""
    unit: Unit | None = field(default=None)
    depth_unit: str = ""
    asked: bool = False

    @property
    def dated(self) -> bool:
        """True when there are stamps."""
        return bool(self.stamp or "year" in self.fields)

    @property
    def whole(self) -> bool:
        """True when there are stamps and temperatures."""
        return self.dated and bool(self.temperatures)

    def __str__(self) -> str:
        time = " ".join(filter(None, (self.stamp, *self.fields.values())))
        time += f" with {self.clock}" if self.clock else ""
        said = [f"time {time}", f"temperature {', '.join(self.temperatures)}"]
        more = (("depth", self.depth), ("site", self.site), ("flag", ", ".join(self.verdicts.values())),
                ("unit", ", ".join(self.units.values())), ("what a row measures", self.kind))
        said += [f"{name} {value}" for name, value in more if value]
        left = ", ".join(name for name in self.others if speaks_of_warmth(name))
        said += [f"not taken for temperatures of the air or the ground: {left}"] * bool(left)
        return "columns: " + "; ".join(said)


def roles_of(names: Sequence[str], samples: Mapping[str, Sequence[str]], said: Mapping[str, str]) -> Roles:
    """
    The roles of columns.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    samples : mapping of str to sequence of str
        The first cells of each column that are not blank.
    said : mapping of str to str
        The caller's own mapping (see `KEYS`); it wins.

    Examples
    --------
    >>> cells = {"date": ["2015-04-21"], "hour": ["100"], "soil1_5cm": ["-2.1"], "vwc_5cm": ["0.3"]}
    >>> print(roles_of(list(cells), cells, {}))
    columns: time date with hour; temperature soil1_5cm
    >>> cells = {"Year": ["2015"], "DOY": ["111"], "Tmax_5cm": ["2.1"], "Tmin_5cm": ["0.3"], "Tmean_5cm": ["1.5"]}
    >>> print(roles_of(list(cells), cells, {}))
    columns: time Year DOY; temperature Tmean_5cm
    """
    said = _checked(names, said)
    stamp = said.get("time") or said.get("date") or ("" if "year" in said else _stamp(names, samples))
    fields = _fields(names, samples, said, stamp)
    clock = said.get("clock") or ("" if "minute" in fields else _clock(names, samples, stamp, fields))
    if clock:
        fields = {key: name for key, name in fields.items() if key != "hour"}
    taken = {stamp, clock, *fields.values()}
    places = (n for n in names if re.sub(r"\s+", "_", n.lower().strip()) in _SITE and n not in taken)
    site = said.get("site") or next(places, "")
    # a column that is blank in the first rows may hold numbers further down: its name decides
    free = [n for n in names if n not in taken and n != site]
    numbers = [n for n in free if _mostly(_NUMBER, samples.get(n, ()))]
    depth = said.get("depth") or _depth_column(free, samples)
    if "depth" not in said and any(has_depth(n) for n in temperatures_among([n for n in numbers if n != depth], False)):
        depth = ""  # the temperatures say their own depths: this is another one, such as of snow or of the borehole
    warm = (
        tuple(part.strip() for part in said["temperature"].split(","))
        if "temperature" in said
        else temperatures_among([n for n in numbers if n != depth], bool(depth))
    )
    measured = {*warm, depth}
    others = tuple(
        n
        for n in numbers
        if n not in measured
        and samples.get(n)
        and all(map(_NUMBER.fullmatch, samples[n]))
        and not re.fullmatch(r"#|no|n|id|record|column 1", n.lower())
    )
    counted = {*numbers, depth}
    texts = [n for n in free if n not in counted and samples.get(n)]
    words = [n for n in texts if _VERDICT.search(n)]
    return Roles(
        stamp,
        clock,
        fields,
        depth,
        warm,
        others,
        _verdicts(warm, words),
        _units(warm, texts),
        _kind(texts) if len(warm) == 1 else "",
        site,
        _unit(said),
        said.get("depth_unit", ""),
        bool({"time", "date", "year", "doy"} & set(said)),
    )


def _checked(names: Sequence[str], said: Mapping[str, str]) -> dict[str, str]:
    for key, name in said.items():
        if key not in KEYS:
            raise unknown("role of a column", key, KEYS)
        for part in name.split(",") if key == "temperature" else [name]:
            if not key.endswith("unit") and part.strip() not in names:
                raise unknown("column", part.strip(), names)
    if said.get("depth_unit", "m") not in LENGTHS:
        raise unknown("depth unit", said["depth_unit"], LENGTHS)
    return dict(said)


def _unit(said: Mapping[str, str]) -> Unit | None:
    found = unit_of(said["unit"]) if "unit" in said else None
    if "unit" in said and found is None:
        raise UsageError(f"unit {said['unit']!r} is not one of C, F, K")
    return found


def _mostly(pattern: re.Pattern[str], cells: Sequence[str]) -> bool:
    """Whether most cells fit; the others will be refused with their line, instead of the column passed over."""
    return 2 * sum(bool(pattern.fullmatch(cell)) for cell in cells) >= len(cells)


def _stamp(names: Sequence[str], samples: Mapping[str, Sequence[str]]) -> str:
    dated = [n for n in names if _dated(samples.get(n, ()))]
    plain = [n for n in dated if not samples[n][0].isdigit() or _STAMP_NAME.match(n)]
    counted = [n for n in names if _STAMP_NAME.match(n) and is_count(samples.get(n, ()))]
    named = [n for n in plain if _STAMP_NAME.search(n)]
    universal = [n for n in named if offset_in(n) == 0]  # beside local time, UTC is the one that needs no zone
    return next(iter(universal or named or plain or counted), "")


def dates_repeated(names: Sequence[str], samples: Mapping[str, Sequence[str]]) -> str:
    """A second column of dates of the same name, as of a table that stands beside another; "" when there is none."""
    found = ((n, re.fullmatch(r"(.+) \(\d\)", n)) for n in names)
    return next((n for n, match in found if match and match[1] in names and _dated(samples.get(n, ()))), "")


def _dated(cells: Sequence[str]) -> bool:
    return bool(cells) and bool(_DATE.fullmatch(cells[0])) and _mostly(_DATE, cells)


def is_count(cells: Sequence[str]) -> bool:
    """
    Whether cells may be stamps that are counted: seconds or days since some day; all are large numbers.

    Examples
    --------
    >>> is_count(["43860.5", "43860.75"]), is_count(["1580342400"]), is_count(["2020", "2021"])
    (True, True, False)
    """
    try:
        return bool(cells) and all(20_000 <= float(cell) < 3e12 for cell in cells)
    except ValueError:
        return False


def _fields(
    names: Sequence[str], samples: Mapping[str, Sequence[str]], said: Mapping[str, str], stamp: str
) -> dict[str, str]:
    """Columns of parts of the stamp that belong together: a date of its own, or the hours beside one."""
    plain = {re.sub(r"[\s._]", "", name.lower()): name for name in reversed(names) if samples.get(name)}
    found = {
        key: said.get(key) or next((plain[alias] for alias in aliases if alias in plain), "")
        for key, aliases in _FIELDS.items()
    }
    found = {key: name for key, name in found.items() if name and name != stamp}
    if {"year", "day"} <= found.keys() and not {"month", "doy"} & found.keys():
        found["doy"] = found.pop("day")  # beside a year alone; that it goes beyond 31 is seen when it is read
    if stamp:
        if any(re.search(r"\d[:hT]\d|\d{8}T?\d{4}", cell) for cell in samples.get(stamp, ())):
            return {}
        parts = {"hour", "minute", "second"} if "hour" in found else set()
    elif {"year", "month", "day"} <= found.keys():
        parts = {"year", "month", "day", "hour", "minute", "second"}
    elif {"year", "doy"} <= found.keys():
        parts = {"year", "doy", "hour", "minute", "second"}
    else:
        return {}
    if "hour" not in found:
        parts -= {"minute", "second"}
    return {key: found[key] for key in _FIELDS if key in found and key in parts}


def _clock(names: Sequence[str], samples: Mapping[str, Sequence[str]], stamp: str, fields: Mapping[str, str]) -> str:
    if not (stamp or fields):
        return ""
    if stamp and any(re.search(r"\d[:hT]\d|\d{8}T?\d{4}", cell) for cell in samples.get(stamp, ())):
        return ""
    dates = {stamp, *(name for key, name in fields.items() if key != "hour")}
    found = [
        n
        for n in names
        if n not in dates and _CLOCK_NAME.match(n) and samples.get(n) and all(map(_CLOCK.fullmatch, samples[n]))
    ]
    alike = [n for n in found if offset_in(n) == offset_in(stamp)]  # the hours of UTC with the dates of UTC
    return next(iter(alike or found), "")


def _depth_column(names: Sequence[str], samples: Mapping[str, Sequence[str]]) -> str:
    return next(
        (
            n
            for n in names
            if _DEPTH_NAME.fullmatch(n.strip())
            and samples.get(n)
            and (_mostly(_NUMBER, samples[n]) or _mostly(_DEEP_TEXT, samples[n]))
        ),
        "",
    )


def is_height(name: str) -> bool:
    """Whether a column of depths counts upwards by its name."""
    match = _DEPTH_NAME.fullmatch(name.strip())
    return match is not None and match["what"].lower() == "height"


def _verdicts(warm: Sequence[str], words: Sequence[str]) -> dict[str, str]:
    """The words on each temperature: by the name they begin with, or the only ones on the only temperature."""
    if len(warm) == len(words) == 1:
        return {warm[0]: words[0]}
    about: dict[str, list[str]] = {}
    for word in words:
        about.setdefault(_plain(_VERDICT.sub("", word)), []).append(word)
    return {name: own[0] for name in warm if len(own := about.get(_plain(name), [])) == 1}


def _units(warm: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """The column of units of each temperature: by the name it begins with, or the only one on the only temperature."""
    said = {_plain(match[1] or ""): n for n in texts if (match := _UNIT_NAME.fullmatch(n.strip()))}
    if len(warm) == 1 and len(said) == 1:
        return {warm[0]: next(iter(said.values()))}
    return {name: said[_plain(name)] for name in warm if _plain(name) in said}


def _kind(texts: Sequence[str]) -> str:
    return next((n for n in texts if _KIND_NAME.fullmatch(n.strip())), "")


def _plain(name: str) -> str:
    return re.sub(r"\W|_", "", name).lower()


def sampled(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> dict[str, list[str]]:
    """The cells of each column in the first rows, without blanks."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for row in rows:
        for name, cell in zip(names, row, strict=False):
            if cell is not None and cell.strip() not in BLANKS:
                found[name].append(cell.strip())
    return found
