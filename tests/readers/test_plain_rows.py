"""Plain rows: every number the nearest float, every stamp the calendar's; what is written otherwise is declined."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talik
from talik.errors import TalikError
from talik.readers import columns
from talik.readers.longtable import spread
from talik.readers.plain_rows import INTEGER, NUMBER, SKIPPED, STAMP, TEXT, parse
from talik.readers.registry import Options, records_of

KINDS = np.array([SKIPPED, STAMP, NUMBER, NUMBER, INTEGER, TEXT])


def parsed(content: str):
    text = np.frombuffer(content.encode(), np.uint8)
    n = content.count("\n")
    first = content.split("\n", 1)[0].split(",")[1]
    out = (np.zeros(n, np.int64), np.zeros((2, n)), np.zeros((1, n), np.int32), np.zeros((1, n + 1, 3), np.int64),
           np.zeros(1, np.int64))
    return parse(text, KINDS, ord(","), len(first), ord((first[10:] or " ")[0]), *out), *out


decimals = st.builds(lambda sign, whole, part: sign + whole + part, st.sampled_from(["", "-"]),
                     st.from_regex(r"[0-9]{1,7}", fullmatch=True), st.from_regex(r"(\.[0-9]{0,8})?", fullmatch=True))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.datetimes(), decimals, decimals, st.integers(-999_999_999, 999_999_999),
                          st.sampled_from(["", "good", "bad", "größer"])), min_size=1, max_size=30))
def test_rows_are_what_python_reads(rows):
    content = "".join(f"x,{t.replace(microsecond=0).isoformat(sep=' ')},{a},{b},{k},{word}\n"
                      for t, a, b, k, word in rows)
    n, seconds, numbers, integers, words, runs = parsed(content)
    assert n == len(rows)
    assert seconds.astype("M8[s]").tolist() == [t.replace(microsecond=0) for t, *_ in rows]
    assert numbers.tolist() == [[float(row[1]) for row in rows], [float(row[2]) for row in rows]]
    assert integers[0].tolist() == [row[3] for row in rows]
    raw, table = content.encode(), words[0, :runs[0]]
    found = np.repeat([raw[begin:end].decode() for _, begin, end in table], np.diff(table[:, 0], append=n))
    assert found.tolist() == [row[4] for row in rows]


def test_blank_numbers_are_missing():
    n, _, numbers, *_ = parsed("x,2020-02-29,,-0.5,1,\n")
    assert n == 1
    assert np.isnan(numbers[0, 0])
    assert numbers[1, 0] == -0.5


@pytest.mark.parametrize("row", [
    "x,2021-02-29,1,1,1,a", "x,2020-13-01,1,1,1,a", "x,2020-00-10,1,1,1,a", "x,2020/01/01,1,1,1,a",
    "x,2020-01-01,1e5,1,1,a", "x,2020-01-01,-,1,1,a", "x,2020-01-01,.,1,1,a", "x,2020-01-01,1.2.3,1,1,a",
    "x,2020-01-01,1,5,1,a", "x,2020-01-01,1 ,1,1,a", "x,2020-01-01,nan,1,1,a", "x,2020-01-01,1234567890123456,1,1,a",
    "x,2020-01-01,1,1,,a", "x,2020-01-01,1,1,1.5,a", "x,2020-01-01,1,1,12345678901,a", 'x,2020-01-01,1,1,1,"a"',
    "x,2020-01-01,1,1,1", "x,2020-01-01,1,1,1,a,b", "", "x,2020-01"])
def test_other_rows_are_left_to_others(row):
    before = "x,2020-01-01,1,1,1,a\n"
    expected = -1 if row != "x,2020-01-01,1,5,1,a" else 2
    assert parsed(f"{before}{row}\n")[0] == expected


@pytest.mark.parametrize("clock", ["24:00:00", "12:60:00", "12:00:60", "12.00.00", "1:000:00"])
def test_times_that_are_none_are_left_to_others(clock):
    assert parsed(f"x,2020-01-01 11:00:00,1,1,1,a\nx,2020-01-01 {clock},1,1,1,a\n")[0] == -1


@pytest.mark.parametrize("frugal", [True, False])
def test_the_compiled_parser_is_left_alone_where_memory_counts(tmp_path, monkeypatch, frugal):
    path, used = tmp_path / "a.csv", []
    path.write_text("Date/Depth,0.1\n2020-01-01 00:00,-20.25\n2020-01-01 01:00,-21.5\n")
    plain = columns._Parts._plain
    monkeypatch.setattr(columns._Parts, "_plain", lambda *told: used.append(told) or plain(*told))
    for least in (1 << 60, 0):
        monkeypatch.setattr(columns, "_LONG", least)
        [record] = records_of(path, Options(frugal=frugal))
        assert record.values.ravel().tolist() == [-20.25, -21.5]
        assert bool(used) == (least == 0 and not frugal)


@pytest.mark.parametrize("levels", [[0.1, 0.5, 2.0], [2.0, 0.1, 0.5], [0.5]])
def test_a_long_table_is_the_same_by_depth_and_by_time(levels):
    n, m = 5, len(levels)
    times = np.tile(np.datetime64("2020-01-01", "us") + np.arange(n) * np.timedelta64(1, "h"), m)
    depths, values = np.repeat(levels, n), np.arange(n * m, dtype=float)
    marks = np.where(values == 3, 32768, 0).astype(np.uint16)
    by_depth = spread(times, depths, values, marks)
    order = np.argsort(times, kind="stable")
    by_time = spread(times[order], depths[order], values[order], marks[order])
    for name in ("times", "depths", "values", "flags"):
        np.testing.assert_array_equal(getattr(by_depth, name), getattr(by_time, name))
    assert by_depth.values[:, by_depth.depths == 0.5].ravel().tolist() == values[depths == 0.5].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_the_quick_way_and_the_slow_way_read_the_same(tmp_path, monkeypatch, seed):
    rng = np.random.default_rng(seed)
    odd = ["", "0", "-0.0", "+1.5", "007.25", "1e1", "-2.5E-1", "5.", ".5", "1.2345678901234567", "NaN", "NA", "-",
           " 1.5", "0.1000000000000000055511151231257827", '"1.5"', "1_5", "0x1", "inf", "1.5 "]
    path = tmp_path / "a.csv"
    for _ in range(25):
        n, m, separator = int(rng.integers(2, 40)), int(rng.integers(1, 4)), rng.choice([",", ";", "\t", "|"])
        shape = str(rng.choice(["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]))
        start, share = dt.datetime(2019, 12, 1), rng.choice([0.0, 0.03, 0.5])
        cells = [[str(rng.choice(odd)) if rng.random() < share else f"{rng.normal(0, 9):.{rng.integers(0, 6)}f}"
                  for _ in range(m)] for _ in range(n)]
        rows = [separator.join([(start + dt.timedelta(days=i)).strftime(shape), *row]) for i, row in enumerate(cells)]
        if rng.random() < 0.2:
            rows[int(rng.integers(n))] += str(rng.choice([separator, "x", '"', " "]))
        header = separator.join(["time", *(f"T_{10 * k + 10}cm" for k in range(m))])
        path.write_bytes(str(rng.choice(["\n", "\r\n", "\r"])).join([header, *rows, ""]).encode())
        found = []
        for least in (0, 1 << 60):
            monkeypatch.setattr(columns, "_LONG", least)
            try:
                [record] = talik.read(path, format="generic")
            except TalikError as error:
                found.append(str(error))
            else:
                found.append((record.times.tobytes(), np.nan_to_num(record.values, nan=1e99).tobytes(),
                              record.flags.tobytes(), record.source.understood))
                for k, label in enumerate(record.labels):       # each number is the one that Python reads
                    place = header.split(separator).index(label) - 1
                    expected = [cell[place].strip(' "') for cell in cells]
                    known = ~np.isnan(record.values[:, k])
                    assert record.values[known, k].tolist() == [float(c) for c, is_known in zip(expected, known,
                                                                strict=True) if is_known]
        assert found[0] == found[1]
