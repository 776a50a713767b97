"""Whether columns stand in the order of their depths: by the annual wave, by the weather, before and after a swap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from talik.kernels.profile import annual_wave, harmonic_basis

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

_COARSE = 500
"""So many days, evenly taken, tell at least whether two columns may have been exchanged: few pairs need all days."""


def misplaced(depths: Floats, days: Floats, *, growth: float = 0.05, lead: float = 2.0, gross: float = 0.3,
              gross_lead: float = 20.0, least: float = 0.2, least_days: int = 300) -> Booleans:
    """
    Columns whose annual wave contradicts their depth: it must fall and lag downwards.

    Two columns contradict each other when, over the days both have, the deeper one's amplitude is larger by more than
    `growth` and its maximum earlier by more than `lead`; or when one of the two is grossly so. The columns with most
    contradictions are marked until none is left; where two have equally many, nobody can say which, so both.

    Parameters
    ----------
    depths : ndarray, shape (m,)
        [m], ascending, at or below the surface.
    days : ndarray, shape (n, m)
        Daily means [°C]; NaN where missing.
    growth, gross : float
        Relative excess of the deeper amplitude, with and without an earlier maximum.
    lead, gross_lead : float
        Days by which the deeper maximum is earlier, with and without a larger amplitude.
    least : float
        Pairs in which an amplitude is below this are not judged [K].
    least_days : int
        Nor are pairs with fewer common days.

    Examples
    --------
    >>> z, t = np.array([0.1, 0.5, 1.0, 2.0]), np.arange(731.0)[:, None]
    >>> wave = 10 * np.exp(-z / 2) * np.cos(2 * np.pi * t / 365.25 - z / 2)
    >>> misplaced(z, wave[:, [0, 2, 1, 3]]).tolist(), misplaced(z, wave).any()
    ([False, True, True, False], np.False_)
    """
    m, number = depths.size, np.arange(float(days.shape[0]))
    against = np.zeros((m, m), dtype=bool)
    for i in range(m - 1):
        deeper = np.flatnonzero(depths > depths[i])
        common = ~np.isnan(days[:, [i]]) & ~np.isnan(days[:, deeper])
        deeper, common = deeper[common.sum(axis=0) >= least_days], common[:, common.sum(axis=0) >= least_days]
        if not deeper.size:
            continue
        _, upper, upper_day = annual_wave(number, np.where(common, days[:, [i]], np.nan), harmonics=2)
        _, lower, lower_day = annual_wave(number, np.where(common, days[:, deeper], np.nan), harmonics=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            more = lower / upper - 1
            lag = 365.25 / (2 * np.pi) * np.log(upper / lower)      # of a conducted wave, which may exceed half a year
            early = -lag - (np.mod(lower_day - upper_day - lag + 182.625, 365.25) - 182.625)
            wrong = (((more > growth) & (early > lead)) | ((more > 2.5 * growth) & (early > lead / 4)) | (more > gross)
                     | (early > gross_lead))
            against[i, deeper] = against[deeper, i] = wrong & (np.minimum(lower, upper) >= least)
    return most_blamed(against)


def most_blamed(against: Booleans) -> Booleans:
    """Of columns that contradict each other (a symmetric matrix) those with most contradictions, until none is left."""
    marked = np.zeros(against.shape[0], dtype=bool)
    against = against.copy()
    while against.any():
        votes = against.sum(axis=0)
        worst = votes == votes.max()
        marked |= worst
        against[worst] = False
        against[:, worst] = False
    return marked


def damping_diffusivity(depths: Floats, amplitude: Floats, *, least: float = 0.2) -> float:
    """
    Thermal diffusivity [m2 s-1] that the fall of the annual amplitude over all columns implies.

    NaN with fewer than two columns above `least` [K], or where it falls by less than a quarter over them. It tells
    depths in centimetres read as metres (ten thousand times too large) from real ones.
    """
    known = amplitude >= least
    if known.sum() < 2 or np.ptp(np.log(amplitude[known])) < 0.3:
        return float("nan")
    slope = np.polyfit(depths[known], np.log(amplitude[known]), 1)[0]
    return float(np.pi / (365.25 * 86400) / slope**2) if slope < 0 else float("nan")


def conducted_diffusivity(depths: Floats, days: Floats, *, frozen: float = -1.0, thawed: float = 1.0, span: int = 5,
                          least_days: int = 60, least: float = 0.7) -> float:
    """
    Thermal diffusivity [m2 s-1] with which the middle of three sensors follows the other two, where nothing melts.

    Its change over `2 span` days is held against the curvature of the profile, summed over these days, on days on
    which all three are frozen, or all thawed; the diffusivity is that of both states together.

    Parameters
    ----------
    depths : ndarray, shape (3,)
        [m], ascending.
    days : ndarray, shape (n, 3)
        Daily means [°C]; NaN where missing.
    frozen, thawed : float
        Below and above which ground neither freezes nor thaws [°C].
    span : int
        Half the days over which changes are taken.
    least_days : int
        Fewest such days.
    least : float
        Correlation of change and curvature below which nothing is told (NaN).

    Examples
    --------
    >>> z, t = np.array([0.1, 0.3, 0.5]), np.arange(731.0)[:, None]
    >>> depth = np.sqrt(5e-7 * 86400 * 365.25 / np.pi)
    >>> wave = 20 + 10 * np.exp(-z / depth) * np.cos(2 * np.pi * t / 365.25 - z / depth)
    >>> round(conducted_diffusivity(z, wave) * 1e7, 1)
    5.0
    """
    above, below = np.diff(depths)
    curvature = 2 * ((days[:, 2] - days[:, 1]) / below - (days[:, 1] - days[:, 0]) / above) / (above + below)
    with np.errstate(invalid="ignore"):
        still = (days < frozen).all(axis=1) | (days > thawed).all(axis=1)
    curvature = np.where(still, curvature, np.nan)
    if curvature.size <= 2 * span:
        return float("nan")
    window = np.lib.stride_tricks.sliding_window_view(curvature, 2 * span + 1)
    summed = window[:, 1:-1].sum(axis=1) + (window[:, 0] + window[:, -1]) / 2
    change = days[2 * span:, 1] - days[:-2 * span, 1]
    known = ~np.isnan(summed + change)
    if np.count_nonzero(known) < least_days or not min(summed[known].std(), change[known].std()) > 0:
        return float("nan")
    x, y = summed[known] * 86400.0, change[known]
    if not np.corrcoef(x, y)[0, 1] >= least:
        return float("nan")
    return float(y.std() / x.std())


def short_contradiction(upper: Floats, lower: Floats, *, least: float, growth: float = 0.2,
                        shortest: int = 150) -> bool:
    """
    Whether the spread of two columns contradicts their order: over months and over weeks it must fall downwards.

    For records too short for the annual wave. The deeper column must have the larger standard deviation both of its
    days and of its changes over a week.

    Parameters
    ----------
    upper, lower : ndarray, shape (n,)
        Daily means [°C]; NaN where missing.
    least : float
        Standard deviation that the deeper column must have [K].
    growth : float
        By how much, relatively, its spread must be larger.
    shortest : int
        Fewest common days.

    Examples
    --------
    >>> t = np.arange(200.0)
    >>> shallow, deep = 9 * np.cos(t / 58), 4 * np.cos(t / 58 - 0.8)
    >>> short_contradiction(shallow, deep, least=0.2), short_contradiction(deep, shallow, least=0.2)
    (False, True)
    """
    both = np.where(np.isnan(upper) | np.isnan(lower), np.nan, np.vstack([upper, lower]))
    if np.count_nonzero(~np.isnan(both[0])) < shortest:
        return False
    week = both[:, 7:] - both[:, :-7]
    if np.count_nonzero(~np.isnan(week[0])) < shortest // 2:
        return False
    days, weeks = np.nanstd(both, axis=1), np.nanstd(week, axis=1)
    return bool(days[1] >= least and days[1] > (1 + growth) * days[0] and weeks[1] > (1 + growth) * weeks[0])


def order_evidence(pair: Floats, above: Floats | None, below: Floats | None, *, least: float = 0.1,
                   shortest: int = 150, most_lag: float = 1.8) -> float:
    """
    Whether neighbours tell that two columns stand in their order: near 1 when they do, near -1 when exchanged.

    Heat that passes two sensors comes from the one beyond and goes to the other: the gradient between them has the
    sign of that between their neighbours, season by season. Exchanging the two changes nothing but the sign. Where
    only one neighbour is known, the difference to it must vary more for the sensor that is farther away.

    Parameters
    ----------
    pair : ndarray, shape (n, 2)
        Daily means of the upper and the lower column [°C]; NaN where missing.
    above, below : ndarray, shape (n,), or None
        Those of their next neighbours.
    least : float
        Standard deviation that their difference must have [K].
    shortest : int
        Fewest common days.
    most_lag : float
        Lag of a conducted wave from one neighbour to the other, beyond which the upper one alone is asked [rad]: from
        2.5 on the gradient between the sensors may have the other sign.

    Returns
    -------
    float
        Correlation of the two gradients; with one neighbour, the difference of the two variances over their sum.
        NaN where it cannot be told.

    Examples
    --------
    >>> z, t = np.array([0.1, 0.5, 1.0, 2.0]), np.arange(731.0)[:, None]
    >>> wave = 10 * np.exp(-z / 2) * np.cos(2 * np.pi * t / 365.25 - z / 2)
    >>> [round(order_evidence(wave[:, pair], wave[:, 0], wave[:, 3]), 2) for pair in ([1, 2], [2, 1])]
    [1.0, -1.0]
    """
    upper, lower = pair[:, 0], pair[:, 1]
    step = lower - upper
    known = ~np.isnan(step + (0 if above is None else above) + (0 if below is None else below))
    if above is not None and below is not None and not _within(above[known], below[known], most_lag):
        below = None
    beyond, far, close = (below, upper, lower) if above is None else (above, lower, upper)
    if beyond is None or np.count_nonzero(known) < shortest or not step[known].std() >= least:
        return float("nan")
    if above is not None and below is not None:
        across = (below - above)[known]
        return float(np.corrcoef(step[known], across)[0, 1]) if across.std() >= least else float("nan")
    far_variance, close_variance = (far - beyond)[known].var(), (close - beyond)[known].var()
    return float((far_variance - close_variance) / (far_variance + close_variance))


def _within(above: Floats, below: Floats, most_lag: float) -> bool:
    """Whether a conducted wave lags by no more than so much, which is the logarithm by which it falls."""
    spread = above.std() if above.size else 0.0, below.std() if below.size else 0.0
    return min(spread) > 0 and bool(abs(np.log(spread[0] / spread[1])) <= most_lag)


def exchange(upper: Floats, lower: Floats, *others: Floats, least_days: int = 400) -> tuple[int, float]:
    """
    The day from which on two columns are most nearly each other's, and how much that leaves unexplained.

    Their difference is a wave of a year, with a mean, and follows their neighbours. All that changes its sign for good
    where the columns are exchanged; the day is found at which a change of sign leaves least unexplained. Where one
    of the two steps to another level instead, that explains more.

    Parameters
    ----------
    upper, lower : ndarray, shape (n,)
        Daily means [°C]; NaN where missing.
    *others : ndarray, shape (n,)
        Those of neighbours; one that lacks more than a tenth of the common days is left out.
    least_days : int
        Fewest common days; a twentieth of them must lie on either side.

    Returns
    -------
    day : int
        The first day of the other order; -1 when there is none.
    left : float
        Share of what the plain fit leaves unexplained that the change of sign leaves: near 1 without an exchange.

    Examples
    --------
    >>> t = np.arange(1000.0)
    >>> a, b = 9 * np.cos(t / 58), 4 * np.cos(t / 58 - 0.8)
    >>> exchange(np.r_[a[:600], b[600:]], np.r_[b[:600], a[600:]])[0], exchange(a, b)[1] > 0.9
    (600, True)
    """
    difference = upper - lower
    common = np.count_nonzero(~np.isnan(difference))
    for other in others:
        joint = difference + 0 * other
        difference = joint if np.count_nonzero(~np.isnan(joint)) >= 0.9 * common else difference
    known = np.flatnonzero(~np.isnan(difference))
    if known.size < least_days:
        return -1, 1.0
    near = [other for other in others if not np.isnan(other[known]).any() and np.std(other[known]) > 0]
    coarse = known[::max(known.size // _COARSE, 1)]
    _, left, plain = _turn(difference[coarse], _year_and(near, coarse))
    if left > 0.9 * plain:
        return -1, 1.0
    d, basis = difference[known], _year_and(near, known)
    at, left, plain = _turn(d, basis)
    if not (plain > 0 and left < min(0.4 * float(d @ d), plain)):
        return -1, 1.0
    stepped = np.column_stack([basis, np.arange(d.size) >= at])
    step_leaves = float(np.sum((d - stepped @ np.linalg.lstsq(stepped, d, rcond=None)[0])**2))
    return (-1, 1.0) if step_leaves < 0.8 * left else (int(known[at]), left / plain)


def _year_and(near: list[Floats], days: NDArray[np.int64]) -> Floats:
    return np.column_stack([harmonic_basis(days.astype(np.float64), 2), *(other[days] for other in near)])


def _turn(d: Floats, basis: Floats) -> tuple[int, float, float]:
    """From where on a change of sign of the basis fits best; sum of squares that it leaves, and that the plain fit."""
    inverse = np.linalg.pinv(basis.T @ basis)
    before = np.vstack([np.zeros(basis.shape[1]), np.cumsum(basis * d[:, None], axis=0)])
    flipped = 2 * before - before[-1]
    explained = np.sum(flipped @ inverse * flipped, axis=1)
    edge = max(d.size // 20, 10)
    at = edge + int(np.argmax(explained[edge:d.size - edge]))
    whole = float(d @ d)
    return at, whole - float(explained[at]), whole - float(explained[-1])


def exchanged_sample(upper: Floats, lower: Floats) -> tuple[int, float]:
    """
    Where between samples two columns go on most nearly as each other, and by how much better than as themselves [K].

    Examples
    --------
    >>> exchanged_sample(np.array([5.0, 5, 1, 1]), np.array([1.0, 1, 5, 5]))
    (2, 8.0)
    """
    stay = np.abs(np.diff(upper)) + np.abs(np.diff(lower))
    cross = np.abs(upper[1:] - lower[:-1]) + np.abs(lower[1:] - upper[:-1])
    gain = np.nan_to_num(stay - cross, nan=-np.inf)
    best = int(np.argmax(gain))
    return best + 1, float(gain[best])
