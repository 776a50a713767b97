"""Invented ground: an annual and a daily wave, weather with memory, zero curtain, snow, damped and delayed by depth."""

import numpy as np
import pytest

from talik.records import Record


def ground(seed=0, *, start="2015-01-01", end="2018-01-01", hours=1, depths=(-2.0, 0.02, 0.2, 0.5, 1.0, 2.0, 4.0),
           mean=-4.0, amplitude=14.0, noise=0.01, resolution=0.01, curtain=0.6, gradient=0.0):
    rng = np.random.default_rng(seed)
    times = np.arange(start, end, hours, dtype="M8[h]").astype("M8[us]")
    t = times.astype(np.int64) / 86_400e6                                   # days
    steps = max(int(t[-1] - t[0]) + 40, 2)
    weather = np.zeros(steps)
    for i in range(1, steps):
        weather[i] = 0.75 * weather[i - 1] + rng.normal(0, 2.0)
    day = t[0] - 30 + np.arange(steps)
    values = np.empty((t.size, len(depths)))
    for k, z in enumerate(depths):
        depth = max(z, 0.0)
        slow, quick = np.exp(-depth / 2.5), np.exp(-depth / 0.4)
        annual = amplitude * slow * np.cos(2 * np.pi * (t - 200) / 365.25 - depth / 2.5)
        daily = 4 * np.exp(-depth / 0.13) * np.cos(2 * np.pi * (t - 0.6) - depth / 0.13)
        season = 0.5 * (1 + np.cos(2 * np.pi * (t - 180) / 365.25))
        wet = quick * np.interp(t - depth * 3, day, weather)
        x = mean + (0.0 if z < 0 else 4.0) + gradient * depth + annual + (daily if z < 0 else daily * season**2) + wet
        if z >= 0:
            x = np.sign(x) * np.maximum(np.abs(x) - curtain, 0)               # latent heat holds the ground at 0 degC
        values[:, k] = x + rng.normal(0, noise, t.size)
    if resolution:
        values = np.round(values / resolution) * resolution
    return Record("Invented", times, depths, values)


@pytest.fixture
def invented():
    return ground
