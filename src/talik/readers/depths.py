"""Depths and units in the names of columns: `0.05_m`, `cm_50`, `-0.5m`, `LBL: 5`, `Temp (°F)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    "inch": 0.0254,
}
_UNIT = "|".join(sorted(_FACTOR, key=len, reverse=True))
_NUM = r"[-\u2212+]?\d+(?:[.,]\d+)?"
_AFTER = re.compile(rf"(?<![\w.,])({_NUM})\s*[_ ]?\s*({_UNIT})(?![A-Za-z0-9\u0400-\u04ff])", re.IGNORECASE)
_BEFORE = re.compile(rf"(?<![A-Za-z\u0400-\u04ff])({_UNIT})[_ ]({_NUM})(?![\w])", re.IGNORECASE)
_GLUED = re.compile(rf"(?<!(?<!\d)0)[A-Za-z_](\d+(?:[.,]\d+)?)_?({_UNIT})(?![A-Za-z0-9])", re.IGNORECASE)  # not 0_5m
_LABEL = re.compile(rf"LBL:\s*({_NUM})\s*({_UNIT})?\b", re.IGNORECASE)
_BARE = re.compile(_NUM)
_SIGNED = re.compile(rf"[-\u2212]\d+(?:[.,]\d+)?\s*[_ ]?\s*({_UNIT})?", re.IGNORECASE)
_ABOVE = re.compile(r"(?<![a-z])(air|above|height|воздух\w*|luft)(?![a-z])", re.IGNORECASE)


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
    When every depth but 0 is written negative, the file counts height, and the sign is turned; when the signs are
    mixed, negative ones are above the ground.

    Examples
    --------
    >>> depths_of(["0.05_m", "cm_50", "Temp 1.5 m", "Temp, °C"]).depths
    array([0.05, 0.5 , 1.5 ,  nan])
    >>> depths_of(["soil1_5cm", "air_temp_3m", "T20cm", "T0_5m"]).depths
    array([ 0.05, -3.  ,  0.2 ,   nan])
    >>> depths_of(["-0.5m", "-1.0m"]).depths, depths_of(["Temp (LBL: 5)", "Temp (LBL: 10)"]).depths
    (array([0.5, 1. ]), array([ 5., 10.]))
    """
    found = np.array([_depth(label, bare) for label in labels], dtype=float)
    known = found[~np.isnan(found)]
    if known.size == 1 and known[0] < 0 and _SIGNED.fullmatch(labels[int(np.flatnonzero(found < 0)[0])].strip()):
        below = f"{-known[0]:g}"
        return Labelled(
            np.full(found.shape, np.nan),
            f"depths: the lone label {known[0]:g} m may be {below} m deep or {below} m above the ground: "
            f"give depths={below} or depths=-{below}",
        )
    if not known.size:
        return Labelled(found, "depths: none in the labels (give them with depths=...)")
    sign = ""
    if (known < 0).any() and (known <= 0).all() and not any(_ABOVE.search(label) for label in labels):
        found, sign = np.abs(found), ", written as negative heights"
    missing = "" if known.size == found.size else f"; {found.size - known.size} of {found.size} labels have none"
    return Labelled(found, f"depths: from the labels{sign}{missing}")


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
    text = label.strip().strip('"')
    for pattern, number, unit in ((_LABEL, 1, 2), (_AFTER, 1, 2), (_BEFORE, 2, 1), (_GLUED, 1, 2)):
        match = pattern.search(text)
        if match:
            factor = _FACTOR[(match[unit] or bare or "m").lower()]
            value = _number(match[number]) * factor
            return -abs(value) if _ABOVE.search(text) else value
    if bare and _BARE.fullmatch(text):
        return _number(text) * _FACTOR[bare]
    return float("nan")


def _number(text: str) -> float:
    return round(float(text.replace(",", ".").replace("\u2212", "-")), 6)


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
        re.compile(r"[°º*˚]\s*F\b|℉|\bdeg(?:rees?)?[\s_.]*F\b|fahrenheit|[_(,\[]\s*F\s*(?:[)\]_]|$)", re.IGNORECASE),
    ),
    (
        CELSIUS,
        re.compile(
            r"[°º*˚]\s*[CС]\b|℃|\bdeg(?:rees?)?[\s_.]*C\b|celsius|цельси|[_(,\[]\s*C\s*(?:[)\]_]|$)", re.IGNORECASE
        ),
    ),
    (KELVIN, re.compile(r"\bkelvin\b|[_(,\[]\s*K\s*(?:[)\]_]|$)|^K$", re.IGNORECASE)),
)
_SYMBOLS = {"f": FAHRENHEIT, "c": CELSIUS, "k": KELVIN}


def unit_of(label: str) -> Unit | None:
    """
    The temperature unit a label or unit text names, or None.

    Examples
    --------
    >>> [u.name if (u := unit_of(s)) else None for s in ("Temp, °F", "temp_C", "degC", "K", "Temp (K)", "RH, %")]
    ['°F', '°C', '°C', 'K', 'K', None]
    """
    text = label.strip()
    if text.lower() in _SYMBOLS:
        return _SYMBOLS[text.lower()]
    return next((unit for unit, pattern in _UNITS if pattern.search(text)), None)
