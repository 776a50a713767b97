"""What is in doubt about whole records: sensors elsewhere than said, strings that changed, clocks of two files."""

import numpy as np
import pytest

from talik.kernels.depth_order import conducted_diffusivity, order_evidence
from talik.records import Flag, Record
from talik.series.annual import annual_means
from talik.series.doubts import clock_doubts, doubts, level_doubts
from talik.series.profiles import whole_days
from talik.series.quality import check

DEPTHS = (0.05, 0.2, 0.4, 0.7, 1.2, 2.0)


def station(depths=DEPTHS, *, years=3, air=True, diffusivity=6e-7, mean=-6.0, seed=1, start="2008-01-01"):
    """Frozen ground that conducts and nothing else, the sum of many waves from the air down; daily means."""
    t = np.arange(np.datetime64(start), np.datetime64(start) + round(365.25 * years))
    day = (t - t[0]).astype(float)[:, None]
    rng, z = np.random.default_rng(seed), np.r_[-2.0, depths] if air else np.array(depths)
    x = np.full((t.size, z.size), mean)
    periods = [365.25, *365.25 * years / rng.choice(np.arange(4 * years, 120 * years), 60, replace=False)]
    for number, period in enumerate(periods):
        damping = np.sqrt(diffusivity * period * 86400 / np.pi)
        size, phase = (9.0, 3.4) if number == 0 else (rng.normal(0, 0.7), rng.uniform(0, 2 * np.pi))
        down = np.maximum(z, 0) / damping
        x += np.where(z < 0, 1.3, 1.0) * size * np.exp(-down) * np.cos(2 * np.pi * day / period + phase - down)
    return Record("Barrow", t, z, np.round(x + rng.normal(0, 0.005, x.shape), 2))


def moved(record, depths):
    return Record(record.site, record.times, depths, record.values)


def said(record):
    return " | ".join(doubts([check(record).record]))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_station_as_it_is_said_to_be_is_not_in_doubt(seed):
    assert said(station(seed=seed)) == said(station(seed=seed, air=False)) == ""


@pytest.mark.parametrize("change, words", [
    (lambda z: np.where(z > 0, -z, z), "cannot be air"),
    (lambda z: -z, "cannot be air"),
    (lambda z: np.where(z > 0, 100 * z, z), "feet or centimetres taken for metres"),
    (lambda z: np.where(z > 0, z / 0.3048, z), "feet or centimetres taken for metres"),
    (lambda z: np.where(z > 0, z * 0.3048, z), "metres taken for feet or centimetres"),
    (lambda z: np.r_[z[0], z[:0:-1]], "Columns swapped"),
    (lambda z: np.r_[z[1:], z[0]], "cannot be air"),
    (lambda z: np.r_[z[-1], z[:-1]], "Columns swapped"),
    (lambda z: np.where(z < 0, 2.5, z), "Columns swapped"),
    (lambda z: np.where(z == 0.4, -2.0, np.where(z < 0, 0.4, z)), "cannot be air"),
    (lambda z: np.where(z == 0.7, 0.4, z), "a depth typed twice"),
], ids=["ground with the wrong sign", "all with the wrong sign", "centimetres", "feet", "metres as feet", "upside down",
        "shifted up", "shifted down", "air in the ground", "air and ground exchanged", "typed twice"])
def test_wrong_depths_are_said_in_words(change, words):
    record = station()
    assert words in said(moved(record, change(record.depths)))


def test_replicates_at_every_depth_are_no_slip_of_the_pen():
    record = station((0.1, 0.1001, 0.5, 0.5001), years=2)
    assert "typed twice" not in said(moved(record, [-2, 0.1, 0.1, 0.5, 0.5]))


@pytest.mark.parametrize("true", [1e-7, 6e-7, 2e-6])
def test_the_diffusivity_is_that_of_the_ground(true):
    record = station((0.1, 0.2, 0.3), air=False, diffusivity=true)
    assert conducted_diffusivity(record.depths, record.values) == pytest.approx(true, rel=0.2)


def test_exchanging_two_columns_changes_the_sign_of_the_evidence_and_nothing_else():
    x = station().values
    for above, below in ((x[:, 1], x[:, 4]), (x[:, 1], None), (None, x[:, 4])):
        right, wrong = (order_evidence(x[:, pair], above, below) for pair in ([2, 3], [3, 2]))
        assert right == pytest.approx(-wrong)
        assert right > 0.15


def exchanged(record, *pairs, since=0):
    values = record.values.copy()
    for pair in pairs:
        values[since:, pair] = values[since:, pair[::-1]]
    return Record(record.site, record.times, record.depths, values)


@pytest.mark.parametrize("pairs", [[[2, 5]], [[1, 3], [4, 5]]], ids=str)
def test_columns_exchanged_from_a_date_on_are_named_and_no_others_though_some_lie_between(pairs):
    record = exchanged(station(), *pairs, since=600)
    checked = check(record).record
    expected = np.zeros(checked.flags.shape, dtype=bool)
    expected[600:, np.ravel(pairs)] = True
    assert (((checked.flags & np.uint16(int(Flag.DEPTH))) != 0) == expected).all()
    sentences = doubts([checked])
    assert len(sentences) == len(pairs)
    for i, j in pairs:
        assert any(f"{DEPTHS[i - 1]:g} m and {DEPTHS[j - 1]:g} m are each other's" in said for said in sentences)


def test_columns_exchanged_throughout_put_no_other_depth_in_doubt():
    [doubt] = doubts([check(exchanged(station(diffusivity=3e-7), [2, 4])).record])
    assert "rejected: the annual wave" in doubt


def with_gap(record, days, change):
    values = record.values.copy()
    values[-500:-500 + days] = np.nan
    values[-500 + days:] += change
    return Record(record.site, record.times, record.depths, values)


@pytest.mark.parametrize("change, found", [(0.0, 0), (-5.0, 1), (np.array([0, 5, 0, 0, 0, 0, 0]), 0)], ids=str)
def test_a_string_that_reads_otherwise_after_a_gap_is_said(change, found):
    record = with_gap(station(years=12), 40, change)
    assert len(level_doubts(record, whole_days(record, record.flags))) == found


def test_a_short_gap_or_few_years_tell_nothing_of_a_string():
    for record in (with_gap(station(years=12), 5, 5.0), with_gap(station(years=5), 40, 5.0)):
        assert level_doubts(record, whole_days(record, record.flags)) == []


def two_files(shift, **more):
    record = station(years=3, mean=8.0, **more)
    air = Record("A", record.times, [-2.0], record.values[:, :1])
    return [air, Record("A", record.times + np.timedelta64(shift, "D"), record.depths[1:], record.values[:, 1:])]


@pytest.mark.parametrize("shift, words", [(3, "3 days later"), (-12, "12 days earlier"), (365, "clocks wrong"),
                                          (90, "clocks wrong")])
def test_the_clocks_of_air_and_ground_are_held_against_each_other(shift, words):
    [doubt] = clock_doubts(two_files(shift))
    assert words in doubt
    assert clock_doubts(two_files(0)) == []


def test_half_a_day_and_drifting_minutes_change_no_annual_mean_beyond_its_uncertainty(invented):
    """So they need no flag: the means are those of the true clock."""
    record = invented(2, end="2017-01-01")
    true = annual_means(record)
    elapsed = (record.times - record.times[0]).astype(np.int64)
    for wrong in (np.int64(12 * 3600e6), (elapsed * (5 / (30 * 1440))).astype(np.int64)):        # 5 minutes a month
        means = annual_means(Record("A", record.times + wrong.astype("m8[us]"), record.depths, record.values))
        both = (true.reason[:2] == "") & (means.reason[:2] == "")
        assert both.any()
        apart = np.abs(means.mean[:2] - true.mean[:2])[both]
        assert (apart <= true.uncertainty[:2][both]).all()
