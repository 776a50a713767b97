"""
Invented air and ground whose truth is known: weather with fronts, snow that insulates and melts, a column that conducts
heat and freezes. Used by `faults.py`.

A column of soil to 19 m takes its heat through snow; ice melts between the freezing range and 0 °C; melt water may run
down and lift frozen layers to 0 °C. Loggers then read it hourly to daily, round it, add noise and lose pieces.
"""

from dataclasses import dataclass

import numba
import numpy as np

from talik.records import Record

CLIMATES = {  # mean annual air, half its yearly range, half its daily range in June [K], weather [K], most snow [m]
    "cold": ((-15, -9), (16, 28), (2, 6), (3, 5), (0.1, 0.5)),
    "warm": ((-4, -1), (11, 20), (2, 6), (2.5, 4.5), (0.2, 1.0)),
    "maritime": ((-5, 2), (5, 10), (1, 3), (2, 3.5), (0.1, 1.0)),
    "mountain": ((-5, 1), (7, 11), (1, 5), (2.5, 4), (0.0, 2.0)),
    "antarctic": ((-19, -9), (7, 14), (1, 4), (2.5, 4.5), (0.0, 0.1)),
    "seasonal": ((2, 8), (10, 18), (2, 6), (2.5, 4.5), (0.0, 0.5)),
}
DEPTHS = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0,
                   10.0, 15.0])
STEPS, RESOLUTIONS = (1, 3, 4, 24), (0.01, 0.02, 0.0625, 0.1, 0.2, 0.25, 0.5)
WIDTH = 0.08 * 1.12 ** np.arange(30)
"""Of the layers of the column [m]."""


@dataclass(frozen=True)
class Site:
    """A record without a fault, the snow that lay on it [m] (one value a row), and what was drawn."""

    record: Record
    snow: np.ndarray
    climate: str
    step: int
    resolution: float
    noise: float


def site(seed: int, *, climate: str | None = None, step: int | None = None, resolution: float | None = None,
         kind: str | None = None, years: float | None = None, gaps: bool = True) -> Site:
    """A site drawn from `seed`; whatever is given is not drawn. `kind` is "string", "ground" or "air"."""
    rng = np.random.default_rng([20260101, seed])
    climate = str(rng.choice([climate] if climate else list(CLIMATES)))
    step = int(rng.choice(STEPS, p=(0.5, 0.15, 0.15, 0.2))) if step is None else step
    resolution = float(rng.choice(RESOLUTIONS)) if resolution is None else resolution
    kind = kind or str(rng.choice(("string", "ground", "air"), p=(0.6, 0.3, 0.1)))
    years = years or float(rng.uniform(1.5, 5.0))
    noise = float(rng.choice((0.0, 0.005, 0.01, 0.03, 0.1), p=(0.1, 0.2, 0.4, 0.2, 0.1)))
    mean, reach, daily, weather, snow_most = (rng.uniform(*ends) for ends in CLIMATES[climate])
    begin = np.datetime64("2012-01-01T00") + rng.integers(0, 24 * 365)
    hours = int((years + 1) * 365.25 * 24)
    day = (begin - np.datetime64("2000-01-01T00")).astype(int) / 24 + np.arange(hours) / 24
    warmest = 15.0 if climate == "antarctic" else 200.0
    air = _air(rng, day, mean, reach, daily, weather, warmest)
    snow = _snow(rng, air, snow_most)
    skin, nodes = _column(air, snow, rng)
    depths = np.sort(rng.choice(DEPTHS, int(rng.integers(1, 17)), replace=False)) if kind != "air" else DEPTHS[:0]
    middle = np.cumsum(WIDTH) - WIDTH / 2
    columns = [np.interp(z, np.r_[0.0, middle], np.arange(middle.size + 1)) for z in depths]
    profile = np.hstack([skin[:, None], nodes])
    ground = [profile[:, int(c)] * (1 - c % 1) + profile[:, min(int(c) + 1, middle.size)] * (c % 1) for c in columns]
    values = np.column_stack([*([] if kind == "ground" else [air]), *ground])[24 * 365:]
    times, values, snow = begin + np.arange(24 * 365, hours), values, snow[24 * 365:]
    if step == 24:
        n = len(values) // 24
        values, snow = values[:24 * n].reshape(n, 24, -1).mean(axis=1), snow[:24 * n:24]
        times = times[:24 * n:24]
    else:
        times, values, snow = times[::step], values[::step], snow[::step]
    values = np.round((values + rng.normal(0, noise, values.shape)) / resolution) * resolution
    if gaps:
        _lose(rng, values)
    heights = depths if kind == "ground" else np.r_[-2.0, depths]
    return Site(Record(f"site {seed}", times.astype("M8[us]"), heights, values), snow, climate, step, resolution, noise)


def _air(rng, day, mean, reach, daily, weather, warmest):
    from scipy.signal import lfilter

    memory = np.exp(-1 / rng.uniform(40, 90))
    slow = lfilter([np.sqrt(1 - memory**2)], [1, -memory], rng.normal(size=day.size)) * weather
    hits = (rng.random(day.size) < 1 / (24 * 10)) * rng.normal(0, 6, day.size)
    fronts = lfilter([1], [1, -np.exp(-1 / rng.uniform(12, 60))], hits)
    odd = np.repeat(rng.normal(0, 1.0, day.size // 8766 + 2), 8766)[:day.size]          # years differ
    season = (1 + np.cos(2 * np.pi * (day - warmest + 10) / 365.25)) / 2
    winter = 1.4 - 0.8 * season
    return (mean + odd + reach * np.cos(2 * np.pi * (day - warmest) / 365.25) + winter * (slow + fronts)
            + daily * (0.15 + 0.85 * season) * np.cos(2 * np.pi * (day - 0.6)))


@numba.njit(cache=True)
def _snow_depth(air, fall, most):
    depth = np.empty(air.size)
    lying = 0.0
    for i in range(air.size):
        if air[i] < 0.0:
            lying = min(lying + fall[i], 1.3 * most)
        else:
            lying = max(lying - 0.001 * air[i], 0.0)
        depth[i] = lying
    return depth


def _snow(rng, air, most):
    storms = (rng.random(air.size) < 1 / (24 * 9)) * rng.gamma(2.0, most / 24, air.size)
    return _snow_depth(air, storms, most)


@numba.njit(cache=True)
def _conduct(air, snow, width, frozen, thawed, capacity, latent, span, melt, start):
    n, skin, out = width.size, np.empty(air.size), np.empty((air.size, width.size))
    full = latent + capacity * span
    heat, temperature, flux = np.empty(n), start.copy(), np.zeros(n + 1)
    for k in range(n):
        t = start[k]
        heat[k] = capacity * (t + span) if t <= -span else full + capacity * t if t >= 0 else full * (t + span) / span
    for i in range(air.size):
        above = min(air[i], 0.0) if snow[i] > 0.02 else air[i]
        if melt[i] and snow[i] > 0.02 and air[i] > 0:
            for k in range(5):
                heat[k] = min(max(heat[k], -1e9) + 2e6, 0.98 * full) if heat[k] < 0.98 * full else heat[k]
        for _ in range(3):
            for k in range(n):
                h = heat[k]
                if h < 0:
                    temperature[k] = h / capacity - span
                elif h < full:
                    temperature[k] = -span + span * h / full
                else:
                    temperature[k] = (h - full) / capacity
            top = thawed if temperature[0] > -0.5 * span else frozen
            flux[0] = (above - temperature[0]) / (0.04 + snow[i] / 0.25 + width[0] / 2 / top)
            for k in range(1, n):
                a = thawed if temperature[k - 1] > -0.5 * span else frozen
                b = thawed if temperature[k] > -0.5 * span else frozen
                flux[k] = (temperature[k - 1] - temperature[k]) / (width[k - 1] / 2 / a + width[k] / 2 / b)
            for k in range(n):
                heat[k] += 1200.0 * (flux[k] - flux[k + 1]) / width[k]
            skin[i] = temperature[0] + flux[0] * width[0] / 2 / top
        out[i] = temperature
    return skin, out


def _column(air, snow, rng):
    water, thawed = rng.uniform(0.03, 0.45), rng.uniform(0.5, 1.5)
    frozen = thawed * (1 + 0.9 * water)
    melting = np.repeat(rng.random(air.size // 24 + 1) < 0.2, 24)[:air.size] & (rng.random() < 0.3)
    offset = np.clip(snow[air < 0].mean() * 8 if (air < 0).any() else 0.0, 0, 5)
    start = np.full(WIDTH.size, air[:8766].mean() + offset)
    early = slice(0, 8766)
    for _ in range(2):          # twice the first year brings the upper metres to rest
        _, nodes = _conduct(air[early], snow[early], WIDTH, frozen, thawed, rng.uniform(1.9e6, 2.4e6), 3.34e8 * water,
                            0.05, melting[early], start)
        start = np.where(np.arange(WIDTH.size) < 15, nodes[-1], nodes[:, 15].mean())
    return _conduct(air, snow, WIDTH, frozen, thawed, 2.1e6, 3.34e8 * water, 0.05, melting, start)


def _lose(rng, values):
    n = len(values)
    for _ in range(int(rng.choice((0, 1, 3), p=(0.5, 0.3, 0.2)))):
        first, length = int(rng.integers(n)), int(n * 10 ** rng.uniform(-3.5, -1.2)) + 1
        column = slice(None) if rng.random() < 0.5 else int(rng.integers(values.shape[1]))
        values[first:first + length, column] = np.nan
    if rng.random() < 0.3:
        values[rng.random(values.shape) < 0.005] = np.nan
