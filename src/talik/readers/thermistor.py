"""Strings of thermistors: resistance to temperature, and the readings that only say that a wire is broken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.readers.numerals import fills_marked
from talik.records import Flag

ZERO_CELSIUS = 273.15
_OPEN = -100.0
"""[°C] below which the bridge stands at its end: the thermistor's resistance would be 300 times that at -40 °C."""

OPEN_NOTE = "readings below -100 °C (the converter's end: no thermistor) are missing, flagged SATURATED"


def celsius(log_resistance: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Temperature [°C] from 1/T = c0 + c1 L + c2 L² + c3 L³ + ... (Steinhart and Hart).

    Parameters
    ----------
    log_resistance : float array, shape (n, m)
        L, the natural logarithm of the resistance, in the unit the coefficients belong to.
    coefficients : float array, shape (m, k)
        Of each channel, [K-1], from the constant up; 0 where a power is not used.

    References
    ----------
    Steinhart & Hart (1968), Deep-Sea Res. 15, 497-503, https://doi.org/10.1016/0011-7471(68)90057-0
    """
    finite = np.isfinite(log_resistance)
    logarithm = np.where(finite, log_resistance, 0.0)
    inverse = np.zeros_like(logarithm)
    for power in reversed(range(coefficients.shape[1])):
        inverse = inverse * logarithm + coefficients[:, power]
    with np.errstate(divide="ignore"):
        return np.where(finite, 1 / inverse - ZERO_CELSIUS, np.nan)


def ends_marked(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
    """
    Values [°C] without fill values and without the readings of an open circuit, and the flags that say why.

    Examples
    --------
    >>> values, flags = ends_marked(np.array([[-3.5, -142.7, 999.0]]))
    >>> values, [Flag(f).name for f in flags[0, 1:].tolist()]
    (array([[-3.5,  nan,  nan]]), ['SATURATED', 'MISSING'])
    """
    kept, flags = fills_marked(values, declared=(999.0,))
    open_circuit = kept < _OPEN
    flags[open_circuit] = Flag.SATURATED
    return np.where(open_circuit, np.nan, kept), flags
