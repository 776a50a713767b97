"""Dates are proved: right whatever their order and style, or refused with the candidates; never silently wrong."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import talik
from talik.errors import AmbiguousFile, FileError, UsageError
from talik.readers.clock import HOUR, clocks
from talik.readers.date_orders import ORDERS
from talik.readers.stamps import from_fields, prove_dates
from talik.series.days import days_of


def written(times, order, mark="/", years=2, clock="%H:%M:%S"):
    parts = {"Y": "%y" if years == 2 else "%Y", "M": "%m", "D": "%d"}
    shape = mark.join(parts[letter] for letter in order) + (" " + clock if clock else "")
    return [time.strftime(shape) for time in times.astype("M8[s]").tolist()]


def series(start, count, step):
    return np.datetime64(start, "s") + np.arange(count) * np.timedelta64(step, "m")


@settings(max_examples=150, deadline=None)
@given(
    start=st.integers(0, 30000),
    count=st.integers(30, 400),
    step=st.sampled_from([15, 60, 90, 240, 1440]),
    order=st.sampled_from(ORDERS),
    mark=st.sampled_from("/.- "),
    years=st.sampled_from([2, 4]),
)
def test_a_regular_series_is_read_right_or_refused(start, count, step, order, mark, years):
    """The one law: no regular series comes back with other stamps than it had."""
    times = series(np.datetime64("1970-01-01") + np.timedelta64(start, "D"), count, step)
    assume(times[-1] < np.datetime64("2068-12-31"))
    try:
        found = prove_dates(written(times, order, mark, years), file="a.csv")
    except AmbiguousFile as error:
        refused = str(error)
        assert order in refused
        return
    assert (found.times == times).all()
    assert found.order == order


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("years", [2, 4])
@pytest.mark.parametrize("mark", ["/", ".", "-"])
def test_a_month_of_hours_is_proved_in_every_order(order, years, mark):
    times = series("2010-08-18T14:00", 24 * 40, 60)
    found = prove_dates(written(times, order, mark, years))
    assert (found.times == times).all()
    assert found.order == order


def test_gaps_and_repeated_stamps_do_not_hinder_the_proof():
    times = series("2010-08-01T00:00", 24 * 60, 60)
    times = np.r_[times[:300], times[500:], times[-3:]]
    found = prove_dates(written(times, "YMD"))
    assert (found.times == times).all()


@pytest.mark.parametrize(
    "texts, right",
    [
        (
            [
                "11/05/19 00:00",
                "11/05/19 12:00",
                "11/06/19 00:00",
                "11/06/19 12:00",
                "11/07/19 00:00",
                "11/08/19 00:00",
            ],
            "MDY",
        ),
        (
            [
                "19.11.05 00:00",
                "19.11.05 12:00",
                "19.11.06 00:00",
                "19.11.06 12:00",
                "19.11.07 00:00",
                "19.11.08 00:00",
            ],
            "YMD",
        ),
    ],
)
def test_three_days_in_november_are_not_three_months(texts, right):
    """Three days of a logger once came back as three months."""
    found = prove_dates(texts)
    assert found.order == right
    assert str(found.times[-1])[:10] == "2019-11-08"


def test_what_cannot_be_proved_is_refused_with_the_candidates():
    with pytest.raises(
        AmbiguousFile,
        match=r"a.csv: the order of the dates is not proved.*MDY: 2019-01-02 to 2019-05-07.*"
        r"DMY: 2019-02-01 to 2019-07-05.*--date-order",
    ):
        prove_dates(["01/02/2019", "05/07/2019"], file="a.csv")
    assert prove_dates(["01/02/2019", "05/07/2019"], date_order="DMY").times[0] == np.datetime64("2019-02-01")


def test_twelve_mornings_are_as_good_as_twelve_months():
    with pytest.raises(AmbiguousFile):
        prove_dates([f"01/{n:02d}/2019" for n in range(1, 13)])


def test_months_are_told_from_mornings_by_the_second_year():
    found = prove_dates([f"01/{n:02d}/{year}" for year in (2018, 2019, 2020) for n in range(1, 13)])
    assert found.order == "DMY"


def test_named_months_need_no_proof():
    for texts in (
        ["18-Aug-2010 14:00", "01-Sep-2010 14:00"],
        ["18 août 2010", "01 sept 2010"],
        ["18.Мар.2010", "01.Сен.2010"],
    ):
        found = prove_dates(texts)
        assert (found.order, str(found.times[1])[:10]) == ("DMY", "2010-09-01")
    with pytest.raises(FileError, match=r"a.csv, line 1: '18-Xyz-2010' names no month"):
        prove_dates(["18-Xyz-2010"], file="a.csv")


@pytest.mark.parametrize(
    "texts, line",
    [
        (["28.02.1900", "29.02.1900", "01.03.1900"], 12),
        (["1900-02-28", "1900-02-29", "1900-03-01"], 12),
        (["28/02/2019 00:00"] * 200 + ["29/02/2019 00:00", "01/03/2019 00:00"], 211),
    ],
)
def test_29_february_of_a_common_year_is_refused_with_its_line(texts, line):
    with pytest.raises(FileError, match=rf"a.csv, line {line}: '.*29.*' is not a date that exists"):
        prove_dates(texts, file="a.csv", lines=11)


def test_blank_and_broken_stamps_are_refused_with_their_line():
    with pytest.raises(FileError, match="a.csv, line 8: '' is blank, expected a date"):
        prove_dates(["01/13/2020 1:00", None], file="a.csv", lines=[5, 8])
    with pytest.raises(FileError, match=r"a.csv, line 2: '01/14/2020x' is not a date"):
        prove_dates(["01/13/2020 1:00", "01/14/2020x 1:00"], file="a.csv")
    with pytest.raises(FileError, match="line 2: '25:61' is not a time of day"):
        prove_dates(["01/13/2020 1:00", "01/14/2020 25:61"], file="a.csv")


def test_iso_stamps_with_offsets_are_utc_already():
    found = prove_dates(["2025-01-01T13:00:00-06:00", "2025-01-02T13:00:00+05:45", "2025-01-03T13:00:00Z"])
    assert found.absolute
    assert [str(t)[:16] for t in found.times] == ["2025-01-01T19:00", "2025-01-02T07:15", "2025-01-03T13:00"]
    with pytest.raises(FileError, match="line 2: '13:00:00' has no UTC offset"):
        prove_dates(["2025-01-01T13:00:00-06:00", "2025-01-02T13:00:00"])


CLOCKS = [
    (["+09:00"], "UTC+09:00"),
    (["-09:30"], "UTC-09:30"),
    (["Z"], "UTC"),
    (["-07:00", "-06:00"], "UTC-07:00"),
    (["-07:00", "+05:45"], "UTC"),
]


@pytest.mark.parametrize("offsets", [offsets for offsets, _ in CLOCKS], ids=" ".join)
def test_midnights_of_whatever_offset_stand_for_days(offsets):
    days = np.arange("2020-01-01", "2020-01-21", dtype="M8[D]")
    found = prove_dates([f"{day}T00:00:00{offsets[n % len(offsets)]}" for n, day in enumerate(days)])
    assert (found.times == days).all()
    assert not found.absolute


@pytest.mark.parametrize("offsets, clock", CLOCKS)
def test_days_are_those_of_the_clock_that_the_stamps_show(tmp_path, offsets, clock):
    hours = np.arange("2020-01-01", "2020-01-21", 6, "M8[h]")
    lines = [f"{hour}:00:00{offsets[n * len(offsets) // len(hours)]},1,2" for n, hour in enumerate(hours)]
    (tmp_path / "a.csv").write_text("time,0.1 m,0.5 m\n" + "\n".join(lines))
    [record] = talik.read(tmp_path / "a.csv")
    assert record.source.time_zone == clock
    assert (record.times == prove_dates([line[:-4] for line in lines]).times).all()
    if len(offsets) == 1:
        assert (days_of(record).daily.dates == np.unique(hours.astype("M8[D]"))).all()
    else:
        assert any(f"days are those of {clock}" in said for said in record.source.understood)


def test_hours_up_to_2400_end_in_the_next_day():
    found = prove_dates(["2015-04-21", "2015-04-21", "2015-04-21"], clock=["100", "1230", "2400"])
    assert [str(t)[5:16] for t in found.times] == ["04-21T01:00", "04-21T12:30", "04-22T00:00"]
    assert (clocks(["0", "1", "23", "24"]).micros / HOUR).tolist() == [0, 1, 23, 24]


@pytest.mark.parametrize(
    "am, pm",
    [
        ("AM", "PM"),
        ("a.m.", "p.m."),
        ("dop.", "odp."),
        ("vorm.", "nachm."),
        ("fm", "em"),
        ("上午", "下午"),
        ("午前", "午後"),
        ("ДП", "ПП"),
        ("πμ", "μμ"),
        ("ÖÖ", "ÖS"),
        ("de.", "du."),
    ],
)
@pytest.mark.parametrize("shape", ["{h}:05:00 {w}", "{w} {h}:05:00", "{h:02d}:05 {w}", "{h}:05:00.0{w}"])
def test_am_and_pm_in_many_languages(am, pm, shape):
    texts = [shape.format(h=h, w=w) for w in (am, pm) for h in (12, 1, 11)]
    assert clocks(texts).bad == []
    assert (clocks(texts).micros / HOUR).round().tolist() == [0, 1, 11, 12, 13, 23]


def test_a_half_of_the_day_that_nobody_knows_is_refused():
    assert clocks(["13:00 PM", "0:00 AM", "2:00 qm"]).bad == [0, 1, 2]


def test_two_digit_years_pivot_at_69():
    found = prove_dates(["31/12/68", "01/01/69"], date_order="DMY")
    assert [str(t)[:4] for t in found.times] == ["2068", "1969"]


def test_compact_stamps():
    assert str(prove_dates(["20200131 1400", "20200131 1500"]).times[0])[:16] == "2020-01-31T14:00"
    assert str(prove_dates(["202001311400", "202001311500"]).times[1])[:16] == "2020-01-31T15:00"


def test_an_order_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="date_order 'YDM' is not one of YMD, MDY, DMY"):
        prove_dates(["2020-01-01"], date_order="YDM")


def test_fields_of_their_own():
    fields = [np.array(part) for part in ([2019, 2020], [2, 2], [28, 29])]
    assert str(from_fields(*fields).times[1])[:10] == "2020-02-29"
    with pytest.raises(FileError, match="a.csv, line 2: 2019-2-29 is not a date that exists"):
        from_fields(np.array([2020, 2019]), np.array([2, 2]), np.array([29, 29]), file="a.csv")


@pytest.mark.parametrize(("month", "names"), [
    (1, "Jan janvier ene. января gen"), (3, "mar Mrz März mrt břez"), (5, "May mai mei мая"), (8, "Aug août ago авг"),
    (9, "sept. set сент"), (10, "Oct Okt out"), (11, "Nov ноя marras"), (12, "Dec Dez des. déc дек"),
])
def test_months_named_in_many_languages(month, names):
    for name in names.split():
        assert str(prove_dates([f"16-{name}-2019 12:00"]).times[0])[:10] == f"2019-{month:02d}-16", name
