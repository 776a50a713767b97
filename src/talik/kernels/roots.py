"""Roots of many monotone or bracketed functions at once, to the last digits, whatever the scale."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)


def bracketed_roots(function: Callable[[Array, NDArray[np.intp]], Array], low: Array, high: Array,
                    f_low: Array, f_high: Array, *, limit: int = 300) -> Array:
    """
    One root of each function between `low` and `high`, where it changes sign.

    Chandrupatla's method: inverse quadratic interpolation where it is safe, bisection where it is not.

    Parameters
    ----------
    function : callable
        ``function(x, index)`` is the value of the functions numbered `index` at `x`.
    low, high, f_low, f_high : ndarray, shape (n,)
        Ends of the brackets and the values there, of opposite sign (or zero).
    limit : int
        Largest number of steps.

    Returns
    -------
    ndarray, shape (n,)
        Roots to a few units in the last place; NaN where the signs do not differ or `limit` was reached.

    References
    ----------
    Chandrupatla (1997), Adv. Eng. Softw. 28, 145-149, doi:10.1016/S0965-9978(96)00051-8.

    Examples
    --------
    >>> n = np.array([2.0, 3.0])
    >>> bracketed_roots(lambda x, i: x**2 - n[i], np.zeros(2), n, -n, n**2 - n)
    array([1.41421356, 1.73205081])
    """
    root = np.where(f_low == 0, low, np.where(f_high == 0, high, np.nan))
    index = np.flatnonzero(np.sign(f_low) * np.sign(f_high) < 0)
    a, b, fa, fb = low[index], high[index], f_low[index], f_high[index]
    step = np.full(index.size, 0.5)
    for _ in range(limit):
        if not index.size:
            break
        x = a + step * (b - a)
        fx = function(x, index)
        same = np.sign(fx) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        near_a = np.abs(fa) < np.abs(fb)
        best = np.where(near_a, a, b)
        narrow = 2 * _EPS * np.abs(best) / np.abs(b - a)
        done = (narrow > 0.5) | (np.where(near_a, fa, fb) == 0) | np.isnan(fx) | (np.abs(b - a) < 1e-300)
        root[index[done]] = np.where(np.isnan(fx), np.nan, best)[done]
        go = ~done
        step = _next_step(a[go], b[go], c[go], fa[go], fb[go], fc[go], narrow[go])
        index, a, b, fa, fb = index[go], a[go], b[go], fa[go], fb[go]
    return root


def _next_step(a: Array, b: Array, c: Array, fa: Array, fb: Array, fc: Array, narrow: Array) -> Array:
    """The fraction of the bracket to go from a towards b: interpolated where Chandrupatla's test allows, else half."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        step = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        fit = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi) & np.isfinite(step)
    return np.clip(np.where(fit, step, 0.5), narrow, 1 - narrow)
