"""Missing hours by the daily wave: as sample by sample; what the wave explains is drawn, and nothing is left of it."""

import numpy as np
import pytest

from talik.kernels.calendar import daily
from talik.kernels.daily_wave import hour_errors

HOUR = np.timedelta64(3600, "s")


def season(months):
    """Sums of each month and its neighbours, December beside January."""
    return np.array([months[(k + np.array([11, 0, 1])) % 12].sum(axis=0) for k in range(12)])


def by_samples(times, values, days, offset):
    """The same written down sample by sample: days and hours in turn, three times."""
    found = np.zeros((2, *days.mean.shape))
    hour = (times.astype(np.int64) + round(offset * 3.6e9)) // 3_600_000_000 - 24 * days.first
    month = days.dates.astype("M8[M]").astype(np.int64) % 12
    for c in range(values.shape[1]):
        there = ~np.isnan(values[:, c])
        cells, inverse = np.unique(hour[there], return_inverse=True)
        x = np.bincount(inverse, values[there, c]) / np.bincount(inverse)
        row, place = cells // 24, month[cells // 24] * 24 + cells % 24
        n, count = np.bincount(row, minlength=month.size), np.bincount(place, minlength=288).reshape(12, 24)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean, drawn, around = np.bincount(row, x, month.size) / n, np.zeros(month.size), season(count)
            for _ in range(3):
                departure = x - (mean - drawn)[row]
                total = np.bincount(place, departure, 288).reshape(12, 24)
                wave = np.where(count >= 5, total / count, np.where(around >= 5, season(total) / around, np.nan))
                known = np.maximum(np.count_nonzero(~np.isnan(wave), axis=1), 1)
                wave = np.nan_to_num(wave - (np.nansum(wave, axis=1) / known)[:, None])
                drawn = np.bincount(row, wave.ravel()[place], month.size) / n
            squares, samples = np.bincount(place // 24, (departure - wave.ravel()[place]) ** 2, 12), count.sum(axis=1)
            left = np.sqrt(np.where(samples >= 120, squares / samples, squares.sum() / samples.sum()))
        whole = np.floor(days.expected[:, c] + 0.01)
        drawn[np.minimum(whole, 24) > np.count_nonzero(around >= 5, axis=1)[month]] = np.nan
        share = 1.5 * (1 - days.count[:, c] / whole)
        found[:, :, c] = np.where(days.partial[:, c], [drawn, share * left[month]], 0.0)
    return found


@pytest.mark.parametrize("minutes", [20, 60, 240])
@pytest.mark.parametrize("offset", [0.0, -5.5])
def test_it_is_what_it_is_sample_by_sample(minutes, offset):
    rng = np.random.default_rng(minutes)
    times = np.datetime64("2019-02-03T00:00", "us") + np.arange(0, 60 * 24 * 150, minutes) * (HOUR // 60)
    hour = times.astype(np.int64) / 3.6e9
    values = np.cos(2 * np.pi * hour / 24)[:, None] * [3.0, 0.2] + rng.normal(0, 0.3, (times.size, 2))
    values[rng.random(values.shape) < 0.03] = np.nan
    values[(hour // 24 % 50 == 7) | (hour // 24 % 50 == 8)] = np.nan            # days without any
    values[(hour % 24 < 5) & (hour // 24 % 3 == 0), 1] = np.nan                 # nights of every third day
    order = rng.permutation(times.size) if minutes == 60 else slice(None)
    days = daily(times, values, offset_hours=offset)
    found = hour_errors(times[order], values[order], days, offset_hours=offset)
    np.testing.assert_allclose(found, by_samples(times, values, days, offset), rtol=1e-12, atol=1e-12)


def test_a_wave_that_never_changes_explains_all_that_missing_hours_do():
    times = np.datetime64("2020-05-01", "us") + np.arange(24 * 31) * HOUR
    level = np.repeat(np.linspace(-1.0, 6.0, 31), 24)
    values = (level + 4 * np.sin(2 * np.pi * np.arange(times.size) / 24))[:, None]
    values[(np.arange(times.size) % 24 >= 18) & (np.arange(times.size) // 24 % 4 == 0)] = np.nan      # cold evenings
    days = daily(times, values)
    drawn, left = hour_errors(times, values, days)
    np.testing.assert_allclose((days.mean - drawn).ravel(), level[::24], atol=0.02)
    assert (drawn[days.partial] > 0.5).all()
    assert not drawn[~days.partial].any()
    assert left.max() < 0.01


def test_nights_of_winter_tell_nothing_of_those_of_summer_and_those_of_april_something_of_those_of_may():
    times = np.datetime64("2020-01-01", "us") + np.arange(24 * 366) * HOUR
    hour, month = np.arange(times.size) % 24, times.astype("M8[M]").astype(np.int64) % 12 + 1
    values = (np.where((month > 3) & (month < 10), 8.0, 1.0) * np.cos(2 * np.pi * (hour - 14) / 24))[:, None]
    values[(hour < 4) & (month > 4) & (month < 10)] = np.nan
    days = daily(times, values)
    drawn, _ = hour_errors(times, values, days)
    month = days.dates.astype("M8[M]").astype(np.int64) % 12 + 1
    assert np.isnan(drawn[(month > 5) & (month < 9)]).all()
    np.testing.assert_allclose(drawn[month == 5], days.mean[month == 5], atol=0.01)         # its true mean is 0
    assert (drawn[(month < 5) | (month > 9)] == 0).all()


def test_hours_of_which_nothing_is_known_have_no_error():
    times = np.datetime64("2020-05-01", "us") + np.arange(24 * 31) * HOUR
    values = np.where(np.arange(times.size) % 24 < 18, 1.0, np.nan)[:, None]    # never an evening
    days = daily(times, values)
    assert np.isnan(hour_errors(times, values, days)[0][days.partial]).all()
