"""A logger replaced, a string put in again elsewhere: the years go on, at their own depths; overlaps are told."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from talik.errors import UsageError
from talik.records import Flag, Record, Source
from talik.series.columns import Column
from talik.series.days import days_of
from talik.series.deployments import in_sequence
from talik.series.offsets import annual_offsets
from talik.series.quality import checked_once
from talik.synthesis.daily_series import daily_series

DEPTHS = (-2.0, 0.02, 0.5, 1.0, 2.0)


def deployed(start, end, depths=DEPTHS, labels=(), shift=0.0):
    """Daily means of a site whose temperature at a depth is always the same function of day and depth."""
    t = np.arange(start, end, dtype="M8[D]")
    z = np.asarray(depths)
    wave = np.cos(2 * np.pi * (t - np.datetime64("2017-07-20")).astype(float)[:, None] / 365.25 - z / 2)
    values = np.where(z < 0, -10 + 18 * wave, -5 - 0.3 * z + 12 * np.exp(-z / 1.2) * wave) + shift
    return Record("Site", t, z, values, labels=labels)


def test_a_replaced_logger_goes_on():
    whole = annual_offsets(deployed("2018-01-01", "2022-01-01"), depth=1.0, check=False)
    parts = [deployed("2020-05-01", "2022-01-01", labels=tuple("abcde")),
             deployed("2018-01-01", "2020-05-01", labels=tuple("vwxyz"))]
    result = annual_offsets(parts, depth=1.0, check=False)
    for name in ("maat", "magst", "ttop", "surface_offset", "thermal_offset", "n_freeze", "bias_bound_air"):
        np.testing.assert_allclose(result.years[name], whole.years[name], atol=1e-9)
    assert result.columns["air"] == ("v (-2 m) to 2020-04-30, then a (-2 m) to 2021-12-31",)
    assert result.settings["overlaps"] == ()


def test_other_depths_go_on_within_the_tolerance_only():
    parts = [deployed("2018-01-01", "2020-01-01"), deployed("2020-01-01", "2022-01-01", (-1.7, 0.04, 0.46, 1.04, 2.2))]
    years = annual_offsets(parts, depth=1.0, check=False).years
    assert years["thermal_offset"].is_not_null().all()
    assert years["ttop_depth"][0] == pytest.approx(1.02)
    assert years["ttop"][3] == pytest.approx(annual_offsets(parts[1], depth=1.04, check=False).years["ttop"][1])
    strict = annual_offsets(parts, depth=1.0, check=False, depth_tolerance=0.03)
    assert strict.years["ttop"].is_null().to_list() == [False, False, True, True]
    assert strict.years["surface_offset"].is_not_null().all()
    assert "ttop: no_data" in strict.years["reason"][3]


def test_every_year_has_the_profile_of_its_own_string():
    parts = [deployed("2018-01-01", "2020-04-01"), deployed("2020-04-01", "2022-01-01", (-2.0, 0.02, 0.7, 1.4, 2.4))]
    result = annual_offsets(parts, check=False)
    for part, row in ((parts[0], 1), (parts[1], 3)):
        alone = annual_offsets(part, check=False).years.filter(year=2018 + row)
        for name in ("alt", "alt_lower", "alt_upper", "ttop", "ttop_depth", "ttop_uncertainty"):
            np.testing.assert_allclose(result.years[name][row], alone[name][0], atol=1e-12)
    assert result.years["alt"].is_null().to_list() == [False, False, True, False]
    assert "alt: no_profile" in result.years["reason"][2]                  # the string was changed in that year
    assert result.years["surface_offset"].is_not_null().all()


def test_overlaps_are_told_and_never_averaged():
    first = deployed("2018-01-01", "2020-01-11", labels=tuple("abcde"))
    second = deployed("2020-01-01", "2021-01-01", shift=0.5)
    result = annual_offsets([first, second], depth=1.0, check=False)
    assert len(result.settings["overlaps"]) == 3
    assert ("both measured from 2020-01-01 to 2020-01-10 (10 days, the later by +0.50 °C); the earlier one counts there"
            in result.settings["overlaps"][0])
    plain = second.values[:, 0].copy()
    plain[:10] -= 0.5
    assert result.years["maat"][2] == pytest.approx(plain.mean(), abs=1e-9)


def test_sensors_side_by_side_are_not_one_after_the_other():
    first, second = deployed("2018-01-01", "2020-06-01"), deployed("2020-01-01", "2022-01-01", labels=tuple("abcde"))
    with pytest.raises(UsageError, match=r"air: 2 columns would do: -2 m; a \(-2 m\)"):
        annual_offsets([first, second], depth=1.0, check=False)


def test_replicates_go_on_with_their_own():
    first = deployed("2018-01-01", "2020-01-01", (-2.0, 0.0, 0.0, 1.0, 1.0), ("air", "s1", "s2", "d1", "d2"))
    first = replace(first, values=first.values + np.array([0, 0, 1, 0, 1.0]))
    second = deployed("2020-01-01", "2022-01-01", (-2.0, 0.0, 0.0, 1.0, 1.0), ("air", "s2", "s1", "d2", "d1"))
    second = replace(second, values=second.values + np.array([0, 1, 0, 1, 0.0]))
    result = annual_offsets([first, second], surface="s?", depth="d?", check=False)
    assert result.years["replicates"].to_list() == [2] * 4
    assert result.columns["surface"] == ("s1 (0 m) to 2019-12-31, then s1 (0 m) to 2021-12-31",
                                         "s2 (0 m) to 2019-12-31, then s2 (0 m) to 2021-12-31")


def test_files_that_disagree_are_listed_and_neither_counts():
    first, second = deployed("2018-01-01", "2020-01-01"), deployed("2019-12-21", "2022-01-01")
    again = second.values.copy()
    again[3:8, 0] += [0.5, -1.5, 0.25, 0.25, 0.25]
    files = [replace(r, source=Source(path)) for r, path in (
        (first, "a.csv"), (replace(second, values=again), "b.csv"))]
    result = annual_offsets(files, depth=1.0, check=False)
    [conflict] = result.settings["conflicts"]
    assert conflict == {"column": "-2 m", "first": date(2019, 12, 24), "last": date(2019, 12, 28), "days": 5,
                        "stamps": 5, "largest": pytest.approx(1.5), "files": ("a.csv", "b.csv")}
    assert ("a.csv and b.csv disagree at the same stamps, from 2019-12-24 to 2019-12-28 on up to 5 days, by up to "
            "1.5 °C (-2 m): neither counts there") in result.settings["notes"]
    assert result.years["n_air"].to_list() == [365, 360, 366, 365]
    assert result.years["n_surface"].to_list() == [365, 365, 366, 365]
    alike = annual_offsets([first, second], depth=1.0, check=False)
    assert (alike.settings["conflicts"], alike.settings["notes"]) == ((), ())
    assert alike.years["n_air"].to_list() == [365, 365, 366, 365]


def test_files_side_by_side_at_stamps_of_their_own_are_never_averaged():
    first = deployed("2018-01-01", "2020-01-01")
    second = deployed("2019-12-11", "2022-01-01", shift=3.0)
    second = replace(second, times=second.times + np.timedelta64(6, "h"))
    result = annual_offsets([first, second], depth=1.0, check=False)
    assert "both measured from 2019-12-11 to 2019-12-31" in result.settings["overlaps"][0]
    assert result.years["maat"][1] == pytest.approx(first.values[365:, 0].mean(), abs=1e-9)
    longer = deployed("2019-06-01", "2022-01-01", shift=3.0)
    longer = replace(longer, times=longer.times + np.timedelta64(6, "h"))
    with pytest.raises(UsageError, match="2 columns would do"):
        annual_offsets([first, longer], depth=1.0, check=False)


def test_the_day_of_a_change_is_that_of_one_deployment_only():
    hours = np.arange("2019-06-01", "2019-06-10", dtype="M8[h]")
    for at, owner in ((8, 1.0), (16, 0.0)):
        change = np.datetime64("2019-06-05T00") + np.timedelta64(at, "h")
        one, two = (Record("A", hours[own], [0.5], np.full((own.sum(), 1), value))
                    for own, value in ((hours < change, 0.0), (hours >= change, 1.0)))
        [both], _ = in_sequence([Column(one, 0), Column(two, 0)], 0.05)
        days = days_of(both.record).daily.mean.ravel()
        np.testing.assert_array_equal(days, np.r_[np.zeros(4), owner, np.ones(4)])


def test_stamps_of_a_reset_clock_make_no_years_and_no_days():
    whole = deployed("2018-01-01", "2020-01-01")
    times = np.r_[whole.times[:500], np.array(["2000-01-01", "2000-01-02"], "M8[us]"), whole.times[502:]]
    marked = checked_once(replace(whole, times=times))
    result = annual_offsets(marked, depth=1.0)
    assert result.years["year"].to_list() == [2018, 2019]
    assert days_of(marked).daily.dates[0] == np.datetime64("2018-01-01")
    assert daily_series([marked])["time"].min() == date(2018, 1, 1)
    late = replace(marked, flags=np.where(marked.flags & int(Flag.CLOCK), int(Flag.RANGE), marked.flags))
    assert annual_offsets(late, depth=1.0, check=False).years["year"][0] == 2000       # only a clock's fault is none
