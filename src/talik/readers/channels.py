"""Which columns of numbers hold temperatures of the air or the ground, by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from talik.readers.depths import depths_of, has_depth, is_air, unit_of

_WARM = re.compile(
    r"(?<![a-z])(t|т|ts|tg|ta|st|gt|gst|magst|temp|tair|tsoil|soilt|tsg|ttt)(?![a-zа-я])|temp[_ .\d]|temperat|температ|"
    r"teplot|温度|地温|气温|(?<![a-z])(soil|ground|air|surf|surface)_?tc?(?![a-z])",
    re.IGNORECASE,
)
_AT_DEPTH = re.compile(r"[_ .-]\d+(?:[.,]\d+)?_?[cm]?m$", re.IGNORECASE)
_AT_LAYER = re.compile(r"[_ .-](moss|lichen|litter|organic|peat|surf(?:ace)?|canopy)$", re.IGNORECASE)
_SURFACE = re.compile(r"(ground[ _]?)?surface|air|at", re.IGNORECASE)
_CODE = re.compile(r"(?!moss|peat|soil|sol|sand|silt|clay|rock)[A-Za-z]{1,4}\d?[_ .-]+\d", re.IGNORECASE)
"""A few letters before a depth, which name a measure rather than a place."""

_OTHER = re.compile(
    r"moist|vwc|water|swc|(?<![a-z])sms?(?![a-z])|(?<![a-z])wc|humid|(?<![a-z])rh(?![a-z])|snow|prec|rain|wind|cond|"
    r"(?<![a-z])ec(?![a-z])|press|rad|flux|[ls]w_|(?<![a-z])par(?![a-z])|batt|volt|flag|qual|(?<![a-z])q[ac](?![a-z])|"
    r"comment|remark|(?<![a-z])notes?(?![a-z])|"
    r"accuracy|count|(?<![a-z])(lat|lon|long)(?![a-z])|latitud|longitud|elev|serial|signal|deg(?:ree)?[ _.]?days?|"
    r"dew|(?<![a-z])tau\w*p|rosn|ros[eé]e|roc[ií]o|orvalho|daugg|росы|露点|frost[ _.]?(point|pt)|wet[ _.]?bulb|"
    r"(?<![a-z])(ptemp|wind ?chill|hmdx|humidex|nee|gpp|doc|toc|tm[xn])(?![a-z])|resist|tension|suction|permittivity|"
    r"ice[ _.]?(content|fraction)|(?<![a-z])(lwc|matric|poros\w*|salin\w*)(?![a-z])"
    r"|(?<![a-z])(fl|flg|qf|v?bat|swp|wfv)(?![a-z])|(?<![a-z])(k?ohms?|k?pa)(?![a-z])|"
    r"anomal|offset|residual|gradient|modell?ed|simulat|predict|[ _.]n(obs)?$|"
    r"(?<![a-z])(sd|std|stdev|sdev|stderr|var|variance|rms|range|amplitude|uncertainty|error)(?![a-z])",
    re.IGNORECASE,
)
"""What is measured beside temperatures of the air and the ground, or made of them."""

_CODES = re.compile(
    r"(?<![a-z])(theta|vpd|w[sd]|[uvw](?=[ _.]?\d)|eps|ka|co2|ch4|n2o|o2|ph|pf|eh|orp|redox|hfp|shf|ghf|adc|raw|mv|et|"
    r"ice|liquid|unfrozen|frozen|saturation)"
    r"(?![a-z])|carbon|(?<![a-z])evap",
    re.IGNORECASE,
)
"""Short names of the same, which may as well be the code of a site where the name speaks of a temperature."""

_UNIT = re.compile(
    r"[(\[]\s*([mk]?v(olts?)?|%|pct|[mk]?\u03c9|[mk]?\u2126|[mk]?ohms?|w[ /·]*m.*|[hk]?pa|m?bar|"
    r"[cm]?m[ /·]*s.*|d?s[ /·]*m.*|c?m.?3.*|v/v|counts?|raw)\s*[)\]]",
    re.IGNORECASE,
)
"""A unit in brackets that is none of temperature: of voltage, resistance, flux, pressure, wind, conductivity, water."""

_HOUSE = re.compile(
    r"(panel|pnl|logger|board|case|internal|reference|enclosure|cpu|box|device|chassis|housing)[ _.]?t(e?mp|[ _]|$)",
    re.IGNORECASE,
)
"""Temperatures of the instrument itself; they have no depth."""

_EXTREME = re.compile(
    r"(?<![a-z])t?max(?![a-z])|maxim|minim|temp_?(max|min)|(?<![a-z0-9])t?min(?![a-z])(?![ _.]*(mean|av))|\dc?m_?min",
    re.IGNORECASE,
)
"""The greatest and smallest of a day are no means; "60min average" says how long the mean is."""


def temperatures_among(numbers: Sequence[str], long: bool) -> tuple[str, ...]:
    """
    Columns of temperatures: by unit or word; in wide tables also by a bare number as the name, or by a depth where none
    in the ground is called a temperature ("SM 5 cm" beside "ST 5 cm" is something else; so is a code such as "G 8 cm").

    Examples
    --------
    >>> names = ["ST 5 cm", "SM 5 cm", "WS_2m", "WS_T_2m", "Box temp", "Reference T 1m", "Dew point (C)"]
    >>> temperatures_among(names, False)
    ('ST 5 cm', 'WS_T_2m', 'Reference T 1m')
    """
    usual = [n for n in numbers if not _is_other(n) and not _EXTREME.search(n)]
    by_word = [n for n in usual if speaks_of_warmth(n)]
    if long:
        by_word = by_word or [n for n in numbers if n.lower() in ("value", "values", "wert", "значение")]
        return tuple(by_word[:1])
    at_depths = depths_of(by_word).depths.tolist() if by_word else []
    called = [n for n in by_word if has_depth(n) and not is_air(n)]
    by_depth = [
        n
        for n in usual
        if has_depth(n)
        and (
            n in by_word
            or (depths_of([n]).depths[0] not in at_depths and (is_air(n) or not (called and _CODE.match(n))))
        )
    ]
    bare = [n for n in usual if re.fullmatch(r"-?\d+([.,]\d+)?|X\.?\d+\.\d+", n.strip())]
    beside = {n[: m.start()] for n in by_depth if (m := _AT_DEPTH.search(n))}
    by_layer = [n for n in usual if (m := _AT_LAYER.search(n)) and n[: m.start()] in beside]
    by_layer += [n for n in usual if _SURFACE.fullmatch(n.strip()) and (by_depth or bare)]
    found = set(by_word) | set(by_depth) | set(bare) | set(by_layer)
    return tuple(n for n in numbers if n in found)


def speaks_of_warmth(name: str) -> bool:
    """Whether a name has a unit of temperature or a word for it."""
    return bool(unit_of(name) or _WARM.search(name))


def _is_other(name: str) -> bool:
    return bool(
        _OTHER.search(name)
        or _UNIT.search(name)
        or (_CODES.search(name) and not speaks_of_warmth(name))
        or (_HOUSE.search(name) and not has_depth(name))
    )
