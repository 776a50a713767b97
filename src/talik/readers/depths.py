"""Depths and units in the names of columns: `0.05_m`, `cm_50`, `-0.5m`, `LBL: 5`, `Temp (°F)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NO_DEPTHS = "depths: none in the file (give them with depths=...)"
"""What is said of files of loggers that know no depths."""

LENGTHS = ("m", "cm", "mm", "in", "ft")
"""Units of depth that a caller may name."""

_FACTOR = {
    "m": 1.0,
    "meter": 1.0,
    "meters": 1.0,
    "metre": 1.0,
    "metres": 1.0,
    "м": 1.0,
    "cm": 0.01,
    "см": 0.01,
    "mm": 0.001,
    "мм": 0.001,
    "ft": 0.3048,
    "feet": 0.3048,
    "inches": 0.0254,
    "inch": 0.0254,
    "in": 0.0254,
}
_UNIT = "|".join(sorted(set(_FACTOR) - {"in"}, key=len, reverse=True))  # "in 5" is no inch
_MINUS = "-\u2212\u2013"
_NUM = rf"[{_MINUS}+]?\d+(?:[.,]\d+)?"
_AFTER = re.compile(
    rf"((?<![^\W_])[{_MINUS}]\d+(?:[.,]\d+)?|(?<![\w.,]){_NUM})\s*[_ ]?\s*({_UNIT})"
    rf"(?![A-Za-z0-9\u0400-\u04ff])", re.IGNORECASE
)
_BEFORE = re.compile(rf"(?<![A-Za-z\u0400-\u04ff])({_UNIT})[_ ]({_NUM})(?![\w])", re.IGNORECASE)
_GLUED = re.compile(
    rf"(?<!(?<!\d)0)(?:[^\W\d]|_)(\d+(?:[.,]\d+)?)[_ ]?({_UNIT})(?![A-Za-z0-9\u0400-\u04ff])", re.IGNORECASE
)  # not 0_5m
_INCHES = re.compile(r"(?<![\d.,])(\d+(?:[.,]\d+)?)(?:in(?![A-Za-z])|[ _]in(?=\.?$|[_(\[]|\s[(\[]))", re.IGNORECASE)
_LAYER = re.compile(
    rf"(?<![A-Za-z\u0400-\u04ff\d.,])\d+(?:[.,]\d+)?(?:{_UNIT})?[-\u2013]\d+(?:[.,]\d+)?\s?(?:{_UNIT})(?![A-Za-z])",
    re.IGNORECASE,
)
"""0-10cm: a layer, of which the depth may be the middle or either end."""

_REPEATED = re.compile(r" \(\d\)$")
"""What makes the name of a second column of the same name its own."""

_DOTS = re.compile(r"\.{2,}")
"""What R makes of a blank with a bracket or a minus: Soil.Temperature..2in..degF."""

_LABEL = re.compile(rf"LBL:\s*({_NUM})\s*({_UNIT})?\b", re.IGNORECASE)
_BARE = re.compile(_NUM)
_SIGNED = re.compile(rf"[{_MINUS}]\d+(?:[.,]\d+)?\s*[_ ]?\s*({_UNIT})?", re.IGNORECASE)
_DECIMAL = re.compile(rf"(?:(.*?)[_ ]?|X\.?)([{_MINUS}]?\d+\.\d+)")
_HYPHENED = re.compile(rf"(.*[^\W\d_])([{_MINUS}]?)\d+(?:[.,]\d+)?[_ ]?(?:{_UNIT})", re.IGNORECASE)
_ABOVE = re.compile(
    r"(?<![a-z])(air|above|height|воздух\w*|luft\w*)(?![a-z])|(?<![a-z])air_?tc?(emp\w*)?(?![a-z])|"
    r"(?<![a-z])t(emp\w*)?_?air(?![a-z])|气温",
    re.IGNORECASE,
)
_AIR_CODE = re.compile(r"(TA|AT|Ta|tas)(?![A-Za-z])")
"""Short names of air temperature, at the beginning of a label; "at" within one is a preposition."""

_LOWEST_AIR = 0.5
"""[m] Sensors in the air hang this high at least, where they are to be told from those in the ground by that."""

_TOLD_APART = 2.0
"""How many times nearer to the surface the shallowest sensor is than the lowest one in the air."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """
    Depths that were found in labels.

    Parameters
    ----------
    depths : float array
        [m], positive down; air at negative height; NaN where the label has none.
    how : str
        One sentence for `Source.understood`.
    """

    depths: NDArray[np.float64]
    how: str


def depths_of(labels: Sequence[str], *, bare: str | None = None) -> Labelled:
    """
    Depths [m] from the names of columns.

    Parameters
    ----------
    labels : sequence of str
        Names of temperature columns.
    bare : {"m", "cm", "mm"}, optional
        Unit of labels that are a number alone; without it such labels have no depth.

    Notes
    -----
    A label that names the air ("Air 2 m", "TA_2m") is above the ground. When all others but 0 are written negative, the
    file counts height, and the sign is turned. When both signs occur, those of the sensor nearest to the surface are
    in the ground, since the air is measured higher than the shallowest sensor is deep; where that does not tell them
    apart, there are no depths. A minus right behind a letter is a hyphen (Soil-5cm, Soil-10cm), unless the same word
    also stands without it (T-2m, T1m).

    Examples
    --------
    >>> depths_of(["0.05_m", "cm_50", "Temp 1.5 m", "Temp, °C"]).depths
    array([0.05, 0.5 , 1.5 ,  nan])
    >>> depths_of(["soil1_5cm", "air_temp_3m", "T20cm", "T0_5m"]).depths
    array([ 0.05, -3.  ,  0.2 ,   nan])
    >>> depths_of(["TA_2m", "T_0.02", "T_1.0"]).depths
    array([-2.  ,  0.02,  1.  ])
    >>> [depths_of(labels).depths.tolist() for labels in (["T_-2m", "T_1m"], ["T-2m", "T1m"], ["S-2m", "T1m"])]
    [[-2.0, 1.0], [-2.0, 1.0], [2.0, 1.0]]
    >>> depths_of(["-0.5m", "-1.0m"]).depths, depths_of(["Temp (LBL: 5)", "Temp (LBL: 10)"]).depths
    (array([0.5, 1. ]), array([ 5., 10.]))
    """
    found = np.array([_depth(label, bare) for label in labels], dtype=float)
    by_word = np.array([is_air(label) for label in labels], dtype=bool)
    found[_minus_behind_a_letter(labels) & ~by_word] *= -1
    if np.isnan(found[~by_word]).all():
        found[~by_word] = _decimals([label for label in labels if not is_air(label)])
    free = ~by_word & ~np.isnan(found)
    lone = free.sum() == 1 and found[free][0] < 0 and not by_word.any()
    if lone and _SIGNED.fullmatch(labels[int(np.flatnonzero(free)[0])].strip()):
        return Labelled(np.full(found.shape, np.nan), _lone(float(found[free][0])))
    if not (free | (by_word & ~np.isnan(found))).any():
        return Labelled(found, "depths: none in the labels (give them with depths=...)")
    sign = heights_turned(found[free])
    if sign is None:
        return Labelled(
            np.where(by_word, found, np.nan),
            "depths: the labels have both signs, and which of them is up is not clear (give them with depths=...)",
        )
    found[free] = sign * found[free] + 0.0
    known = int((~np.isnan(found)).sum())
    missing = "" if known == found.size else f"; {found.size - known} of {found.size} labels have none"
    return Labelled(found, f"depths: from the labels{', written as heights' if sign < 0 else ''}{missing}")


def heights_turned(depths: NDArray[np.float64]) -> int | None:
    """
    The factor that makes numbers depths: 1, or -1 when they are heights; None when that is not clear.

    Examples
    --------
    >>> [heights_turned(np.array(z)) for z in ([-0.1, -1], [-2, 0.1, 1], [2, -0.1, -1], [-0.08, 0.15], [0, 2])]
    [-1, 1, -1, None, 1]
    """
    down, up = depths[depths > 0], -depths[depths < 0]
    if not up.size or not down.size:
        return -1 if up.size else 1
    for sign, ground, air in ((1, down.min(), up.min()), (-1, up.min(), down.min())):
        if air >= max(_LOWEST_AIR, _TOLD_APART * ground):
            return sign
    return None


def is_air(label: str) -> bool:
    """
    Whether a label names the air.

    Examples
    --------
    >>> [is_air(label) for label in ("Air 2 m", "AirTC_Avg", "TA_2m", "Tair", "T soil (at 5 cm)", "stair")]
    [True, True, True, True, False, False]
    """
    return bool(_ABOVE.search(label) or _AIR_CODE.match(label.strip()))


def has_depth(label: str) -> bool:
    """Whether a label holds a number with a unit of length."""
    return not np.isnan(_depth(label, None))


def _minus_behind_a_letter(labels: Sequence[str]) -> NDArray[np.bool_]:
    """Where it is a sign: the same word stands before other numbers without it."""
    found = [_HYPHENED.fullmatch(label.strip()) for label in labels]
    plain = {match[1] for match in found if match and not match[2]}
    return np.array([match is not None and match[2] != "" and match[1] in plain for match in found], dtype=np.bool_)


def _lone(depth: float) -> str:
    return (
        f"depths: the lone label {depth:g} m may be {-depth:g} m deep or {-depth:g} m above the ground: "
        f"give depths={-depth:g} or depths={depth:g}"
    )


def _decimals(labels: Sequence[str]) -> NDArray[np.float64]:
    """Depths [m] of labels such as T_0.05, T_0.5: one name and decimals of a metre, which no numbering has."""
    none = np.full(len(labels), np.nan)
    found = [_DECIMAL.fullmatch(label.strip()) for label in labels]
    numbers = [_number(match[2]) for match in found if match]
    if len({match[1] for match in found if match}) != 1 or len(set(numbers)) != len(numbers) or len(numbers) < 2:
        return none
    if not min(map(abs, numbers)) < 1:
        return none
    return np.array([_number(match[2]) if match else np.nan for match in found])


def bare_unit(numbers: Sequence[float]) -> str | None:
    """
    The unit of depths that are written without one: metres, or None when they could be centimetres as well.

    Examples
    --------
    >>> bare_unit([0.1, 0.5, 10]), bare_unit([1, 2, 4]), bare_unit([5, 10, 20]), bare_unit([100.5, 1000])
    ('m', 'm', None, None)
    """
    sizes = np.abs(np.asarray(numbers, dtype=float))
    if not sizes.size or sizes.max() > 100 or (sizes.max() > 5 and (sizes % 1 == 0).all()):
        return None
    return "m"


def _depth(label: str, bare: str | None) -> float:
    text = _REPEATED.sub("", _DOTS.sub(" ", label.strip().strip('"')))
    if _LAYER.search(text):
        return float("nan")
    for pattern, number, unit in ((_LABEL, 1, 2), (_AFTER, 1, 2), (_BEFORE, 2, 1), (_GLUED, 1, 2), (_INCHES, 1, 0)):
        match = pattern.search(text)
        if match:
            factor = _FACTOR["in" if not unit else (match[unit] or bare or "m").lower()]
            value = round(_number(match[number]) * factor, 6)
            return -abs(value) if is_air(text) else value
    if bare and _BARE.fullmatch(text):
        return _number(text) * _FACTOR[bare]
    return float("nan")


def _number(text: str) -> float:
    return round(float(re.sub(f"[{_MINUS}]", "-", text.replace(",", "."))), 6)


@dataclass(frozen=True, slots=True)
class Unit:
    """A temperature unit and the way from it to °C."""

    name: str
    to_celsius: Callable[[NDArray[np.float64]], NDArray[np.float64]]


CELSIUS = Unit("°C", lambda values: values)
FAHRENHEIT = Unit("°F", lambda values: (values - 32.0) / 1.8)
KELVIN = Unit("K", lambda values: values - 273.15)
_UNITS = (
    (
        FAHRENHEIT,
        re.compile(
            r"[°º*˚]\s*F\b|℉|\bdeg(?:rees?)?[\s_.]*F\b|fahrenheit|temp(?:erature)?F(?![a-z])|"
            r"[_(,\[]\s*o?F\s*(?:[)\]_]|$)|temp\w*[. ]F$",
            re.IGNORECASE,
        ),
    ),
    (
        CELSIUS,
        re.compile(
            r"[°º*˚]\s*[CС]\b|℃|\bdeg(?:rees?)?[\s_.]*C\b|celsius|цельси|[_(,\[]\s*o?C\s*(?:[)\]_]|$)|temp\w*[. ]C$",
            re.IGNORECASE,
        ),
    ),
    (KELVIN, re.compile(r"\bkelvin\b|[_(,\[]\s*K\s*(?:[)\]_]|$)|^K$", re.IGNORECASE)),
)
GAP_FILLED = re.compile(r"T[A-Z]?_F(?![A-Za-z])")
"""In FLUXNET's names of variables (TA_F, TS_F_MDS_1) F says that gaps are filled."""

_SYMBOLS = {"f": FAHRENHEIT, "c": CELSIUS, "k": KELVIN, "of": FAHRENHEIT, "oc": CELSIUS}


def unit_of(label: str) -> Unit | None:
    """
    The temperature unit a label or unit text names, or None.

    Examples
    --------
    >>> [u.name if (u := unit_of(s)) else None for s in ("Temp, °F", "temp_C", "degC", "K", "Temp (K)", "RH, %")]
    ['°F', '°C', '°C', 'K', 'K', None]
    >>> [u.name if (u := unit_of(s)) else None for s in ("soil_temp_F", "Temp [oC]", "Soil.Temp.F", "TA_F")]
    ['°F', '°C', '°F', None]
    """
    text = _DOTS.sub(" ", label.strip())
    if text.lower() in _SYMBOLS:
        return _SYMBOLS[text.lower()]
    if GAP_FILLED.match(text):
        return None
    return next((unit for unit, pattern in _UNITS if pattern.search(text)), None)
