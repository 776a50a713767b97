"""What each column of an unknown table is (stamp, clock, depth, temperature, site): as said, else by looking."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from talik.errors import UsageError, unknown
from talik.readers.depths import Unit, depths_of, unit_of
from talik.readers.numerals import BLANKS

KEYS = ("time", "date", "clock", "year", "month", "day", "depth", "temperature", "site", "unit", "depth_unit")
"""What `columns=` may name. "temperature" may name several columns, parted by commas."""

_DATE = re.compile(
    r"\d{1,4}([-/.])(\d{1,2}|[^\W\d_]{3,9})\1\d{1,4}([T ,].*)?|\d{8}([T ]?\d{4,6})?|\d{1,2} [^\W\d_]{3,9} \d{4}.*"
)
_CLOCK = re.compile(r"\D{0,12}\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s*\D{1,12})?|\d{1,4}")
_NUMBER = re.compile(r"[(+\-\u2212]?\s*\d[\d.,'\s\u00a0]*[)\-]?([eE][+\-]?\d+)?")
_STAMP_NAME = re.compile(
    r"(utc[ _]?|local[ _]?)?(time|date|datum|dátum|datetime|timestamp|stamp|fecha|data|дата|日期|时间|zeit|day)",
    re.IGNORECASE,
)
_CLOCK_NAME = re.compile(r"(time|hour|hr|clock|uhrzeit|zeit|heure|hora|čas|время|час|时间)", re.IGNORECASE)
_WARM = re.compile(
    r"(?<![a-z])(t|ts|tg|ta|st|gt|gst|magst|temp|tair|tsoil|soilt)(?![a-z])|temp[_ .\d]|temperat|температ|teplot|温度|"
    r"(?<![a-z])(soil|ground|air|surface)_?t(?![a-z])",
    re.IGNORECASE,
)
_VERDICT = re.compile(r"flag|qual|(?<![a-z])q[ac](?![a-z])", re.IGNORECASE)
_AT_DEPTH = re.compile(r"[_ .-]\d+(?:[.,]\d+)?_?[cm]?m$", re.IGNORECASE)
_AT_LAYER = re.compile(r"[_ .-](moss|lichen|litter|organic|peat|surf(?:ace)?|canopy)$", re.IGNORECASE)
_DEPTH_NAME = re.compile(
    r"(sensor[ _])?(depth|tiefe|глубина|z)([ _]?[(\[]?(m|cm|mm|meters?|metres?)[)\]]?)?", re.IGNORECASE
)
_OTHER = re.compile(
    r"moist|vwc|water|swc|(?<![a-z])wc|humid|(?<![a-z])rh(?![a-z])|snow|prec|rain|wind|cond|(?<![a-z])ec(?![a-z])|press|"
    r"rad|flux|[ls]w_|par(?![a-z])|batt|volt|flag|qual|qc|accuracy|std|stdev|count|dew|lat|lon|elev|serial|signal",
    re.IGNORECASE,
)
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
    fields : tuple of str
        Year, month and day in columns of their own.
    depth, site : str
        Depth of each row (long table); name of the site.
    temperatures : tuple of str
        One in a long table, one or more in a wide one.
    others : tuple of str
        Other columns of numbers.
    verdict : str
        The provider's words on the temperature of each row, where there is one temperature a row.
    unit : Unit or None
        Of the temperatures, given by the caller.
    depth_unit : str
        Of depths, given by the caller: "m", "cm" or "mm".
    """

    stamp: str = ""
    clock: str = ""
    fields: tuple[str, ...] = ()
    depth: str = ""
    temperatures: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    verdict: str = ""
    site: str = ""
    unit: Unit | None = field(default=None)
    depth_unit: str = ""

    @property
    def whole(self) -> bool:
        """True when there are stamps and temperatures."""
        return bool((self.stamp or self.fields) and self.temperatures)

    def __str__(self) -> str:
        time = self.stamp + (f" with {self.clock}" if self.clock else "") or " ".join(self.fields)
        said = [f"time {time}", f"temperature {', '.join(self.temperatures)}"]
        more = (("depth", self.depth), ("site", self.site), ("flag", self.verdict))
        said += [f"{name} {value}" for name, value in more if value]
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
    """
    said = _checked(names, said)
    stamp = said.get("time") or said.get("date") or ("" if "year" in said else _stamp(names, samples))
    fields = () if stamp else _fields(names, samples, said)
    clock = said.get("clock") or _clock(names, samples, stamp, fields)
    taken = {stamp, clock, *fields}
    site = said.get("site") or next((n for n in names if n.lower().strip() in _SITE and n not in taken), "")
    # a column that is blank in the first rows may hold numbers further down: its name decides
    numbers = [n for n in names if n not in {*taken, site} and all(map(_NUMBER.fullmatch, samples.get(n, ())))]
    depth = said.get("depth") or next((n for n in numbers if samples.get(n) and _DEPTH_NAME.fullmatch(n.strip())), "")
    warm = (
        tuple(part.strip() for part in said["temperature"].split(","))
        if "temperature" in said
        else _warm([n for n in numbers if n != depth], bool(depth))
    )
    others = tuple(
        n
        for n in numbers
        if n not in {*warm, depth} and samples.get(n) and not re.fullmatch(r"#|no|n|id|record|column 1", n.lower())
    )
    words = [n for n in names if n not in {*taken, *numbers, site} and _VERDICT.search(n) and samples.get(n)]
    verdict = words[0] if len(warm) == len(words) == 1 else ""
    return Roles(stamp, clock, fields, depth, warm, others, verdict, site, _unit(said), said.get("depth_unit", ""))


def _checked(names: Sequence[str], said: Mapping[str, str]) -> dict[str, str]:
    for key, name in said.items():
        if key not in KEYS:
            raise unknown("role of a column", key, KEYS)
        for part in name.split(",") if key == "temperature" else [name]:
            if not key.endswith("unit") and part.strip() not in names:
                raise unknown("column", part.strip(), names)
    if said.get("depth_unit", "m") not in ("m", "cm", "mm"):
        raise unknown("depth unit", said["depth_unit"], ("m", "cm", "mm"))
    return dict(said)


def _unit(said: Mapping[str, str]) -> Unit | None:
    found = unit_of(said["unit"]) if "unit" in said else None
    if "unit" in said and found is None:
        raise UsageError(f"unit {said['unit']!r} is not one of C, F, K")
    return found


def _stamp(names: Sequence[str], samples: Mapping[str, Sequence[str]]) -> str:
    dated = [n for n in names if samples.get(n) and all(map(_DATE.fullmatch, samples[n]))]
    plain = [n for n in dated if not samples[n][0].isdigit() or _STAMP_NAME.match(n)]
    named = [n for n in plain if _STAMP_NAME.search(n)]
    return next(iter(named or plain), "")


def _fields(names: Sequence[str], samples: Mapping[str, Sequence[str]], said: Mapping[str, str]) -> tuple[str, ...]:
    lower = {name.lower().strip(): name for name in names}
    found = [
        said.get(key) or next((lower[alias] for alias in aliases if alias in lower), "")
        for key, aliases in (
            ("year", ("year", "yyyy", "yr", "jahr", "год")),
            ("month", ("month", "mm", "mo", "mon", "monat", "месяц")),
            ("day", ("day", "dd", "dy", "tag", "день")),
        )
    ]
    return tuple(found) if all(found) and all(samples.get(name) for name in found) else ()


def _clock(names: Sequence[str], samples: Mapping[str, Sequence[str]], stamp: str, fields: tuple[str, ...]) -> str:
    if stamp and any(re.search(r"\d[:hT]\d|\d{8}T?\d{4}", cell) for cell in samples[stamp]):
        return ""
    return next(
        (
            n
            for n in names
            if n not in {stamp, *fields}
            and _CLOCK_NAME.match(n)
            and samples.get(n)
            and all(map(_CLOCK.fullmatch, samples[n]))
        ),
        "",
    )


def _warm(numbers: Sequence[str], long: bool) -> tuple[str, ...]:
    """Columns of temperatures: by unit or word; in wide tables also by a depth or a bare number as the name."""
    by_word = [n for n in numbers if (unit_of(n) or _WARM.search(n)) and not _OTHER.search(n)]
    if long:
        by_word = by_word or [n for n in numbers if n.lower() in ("value", "values", "wert", "значение")]
        return tuple(by_word[:1])
    deep = np.isnan(depths_of(numbers).depths)
    by_depth = [n for n, none in zip(numbers, deep, strict=True) if not none and not _OTHER.search(n)]
    bare = [n for n in numbers if re.fullmatch(r"-?\d+([.,]\d+)?", n.strip())]
    beside = {n[: m.start()] for n in by_depth if (m := _AT_DEPTH.search(n))}
    by_layer = [n for n in numbers if (m := _AT_LAYER.search(n)) and n[: m.start()] in beside]
    found = set(by_word) | set(by_depth) | set(bare) | set(by_layer)
    return tuple(n for n in numbers if n in found)


def sampled(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> dict[str, list[str]]:
    """The cells of each column in the first rows, without blanks."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for row in rows:
        for name, cell in zip(names, row, strict=False):
            if cell is not None and cell.strip() not in BLANKS:
                found[name].append(cell.strip())
    return found
