"""
How many faults `talik check` finds, and how many good values it flags: invented sites with one fault each.

Run: python benchmarks/faults.py [--seed 5000] [--sites 48] [--only CLASS]
Sites are drawn from `--seed` on (climates, depths, steps, resolutions, gaps; see `invented_ground.py`); each class
takes the next sites that can show its fault, until `--sites` have been tried. A fault is found when 95 % of its
values carry a flag that fits. Clean sites are counted by climate, step and resolution.
"""

import argparse
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from invented_ground import Site, site

from talik.kernels import calendar, quality
from talik.records import REJECTED, Flag, Record
from talik.series.quality import check
from talik.series.rules import SATURATED, SENTINELS

INFORMATION = Flag.MISSING | Flag.SNOW | Flag.UNSORTED
DAY = 86_400_000_000


@dataclass(frozen=True)
class Fault:
    """
    A record with one fault: which values are wrong, and which flags say so.

    `sides`: a lasting step, where the good side may be rejected too, not instead; `size`: of that step [K].
    """

    record: Record
    wrong: np.ndarray
    flags: Flag = REJECTED & ~Flag.MISSING
    sides: bool = False
    share: float = 0.95
    size: float = np.inf

    def found(self) -> bool:
        flags = check(self.record).record.flags
        there = ~np.isnan(self.record.values)
        marked = (flags & np.uint16(int(self.flags))) != 0
        return bool(marked[self.wrong & there].mean() >= self.share)

    def told(self) -> bool:
        """Whether the check says of a faulty column that the fault could not be judged there, or seen so small."""
        names = [f.name.lower() for f in (Flag.DEPTH, Flag.DRIFT) if f in self.flags and Flag.SPIKE not in self.flags]
        hidden = pl.col("check").is_in(["step"] if self.sides else []) & ~(pl.col("smallest_step") <= abs(self.size))
        table = check(self.record).judged().filter((~pl.col("judged") & pl.col("check").is_in(names))
                                                   | hidden.fill_null(True))
        labels = [label for label, at in zip(self.record.labels, self.wrong.any(axis=0), strict=True) if at]
        return table["label"].is_in(labels).any()


def _fault(s: Site, values: np.ndarray, wrong: np.ndarray, **more) -> Fault:
    return Fault(replace(s.record, values=values, flags=None, history=()), wrong, **more)


def _shifted(s: Site, column: int, first: int, last: int, by: float, **more) -> Fault | None:
    wrong = np.zeros(s.record.values.shape, bool)
    wrong[first:last, column] = True
    if np.count_nonzero(~np.isnan(s.record.values[wrong])) < 5:
        return None
    return _fault(s, np.where(wrong, s.record.values + by, s.record.values), wrong, **more)


def _column(rng, s: Site, low: float, high: float = 99.0) -> int | None:
    fit = np.flatnonzero((s.record.depths >= low) & (s.record.depths <= high))
    return int(rng.choice(fit)) if fit.size else None


def _per_day(s: Site) -> int:
    return 24 // s.step


def _size(rng, low: float, high: float) -> float:
    return float(rng.choice((-1, 1)) * rng.uniform(low, high))


def fills(rng, s: Site, known=SENTINELS) -> Fault:
    wrong = np.zeros(s.record.values.shape, bool)
    wrong[rng.integers(0, len(wrong), 20), rng.integers(0, wrong.shape[1], 20)] = True
    return _fault(s, np.where(wrong, rng.choice(known), s.record.values), wrong, share=1.0)


def saturation(rng, s: Site) -> Fault:
    return fills(rng, s, SATURATED)


def beyond_range(rng, s: Site) -> Fault:
    return fills(rng, s, (-120.0, 95.0, 200.0))


def spikes(rng, s: Site, longest: int = 1, size: tuple[float, float] = (15, 40), shallow: float = 0.0,
           deep: float = 99.0) -> Fault | None:
    column = _column(rng, s, shallow, deep)
    if column is None:
        return None
    n = len(s.record.values)
    at = np.arange(50, n - 50, max(40, n // 30)) + rng.integers(0, 20)
    values, wrong = s.record.values.copy(), np.zeros(s.record.values.shape, bool)
    for i in at:
        rows = slice(i, i + int(rng.integers(1, longest + 1)))
        values[rows, column] += _size(rng, *size)
        wrong[rows, column] = True
    return _fault(s, values, wrong & ~np.isnan(values))


def spikes_of_four(rng, s: Site) -> Fault | None:
    return spikes(rng, s, 4)


def air_spikes(rng, s: Site) -> Fault | None:
    return spikes(rng, s, 1, (40, 60), -9.0, -0.1)


def small_spikes(rng, s: Site) -> Fault | None:
    """3 K in the ground; where noise and digits allow."""
    return spikes(rng, s, 1, (3, 4), 0.2) if s.noise <= 0.03 and s.resolution <= 0.25 else None


def step_back(rng, s: Site, low: float = 0.2, high: float = 99.0, size: tuple[float, float] = (6, 10)) -> Fault | None:
    column = _column(rng, s, low, high)
    if column is None:
        return None
    n, length = len(s.record.values), int(rng.uniform(5, 100) * _per_day(s))
    first = int(rng.integers(20 * _per_day(s), n - length - 20 * _per_day(s)))
    return _shifted(s, column, first, first + length, _size(rng, *size))


def surface_step_back(rng, s: Site) -> Fault | None:
    return step_back(rng, s, 0.0, 0.15, (12, 20))


def air_step_back(rng, s: Site) -> Fault | None:
    return step_back(rng, s, -9, -0.1, (40, 50))


def step_for_good(rng, s: Site, low: float = 0.2, high: float = 99.0,
                  size: tuple[float, float] = (6, 10)) -> Fault | None:
    column = _column(rng, s, low, high)
    if column is None:
        return None
    n = len(s.record.values)
    at, step = int(n * rng.uniform(0.15, 0.85)), _size(rng, *size)
    return _shifted(s, column, at, n, step, sides=True, size=step)


def surface_step_for_good(rng, s: Site) -> Fault | None:
    return step_for_good(rng, s, 0.0, 0.15, (8, 15))


def air_step_for_good(rng, s: Site) -> Fault | None:
    return step_for_good(rng, s, -9, -0.1, (12, 20))


def step_as_said(rng, s: Site) -> Fault | None:
    """1 to 1.3 times the smallest lasting step that the check says it would have found in a column."""
    column = int(rng.integers(s.record.depths.size))
    said = check(s.record).judged().filter(pl.col("check") == "step")["smallest_step"][column]
    if said is None:
        return None
    n, step = len(s.record.values), _size(rng, said, 1.3 * said)
    return _shifted(s, column, int(n * rng.uniform(0.12, 0.88)), n, step, sides=True, size=step)


def step_near_the_end(rng, s: Site) -> Fault | None:
    column = _column(rng, s, 0.2)
    if column is None:
        return None
    n, length = len(s.record.values), int(rng.uniform(6, 25) * _per_day(s))
    rows = (0, length) if rng.random() < 0.5 else (n - length, n)
    return _shifted(s, column, *rows, _size(rng, 6, 10), sides=True)


def step_across_a_gap(rng, s: Site) -> Fault | None:
    """The level changes for good while one to five days are missing; a second sensor in the ground goes on."""
    fault = step_for_good(rng, s)
    if fault is None or np.count_nonzero(s.record.depths >= 0.1) < 3:
        return None
    at, column = int(np.argmax(fault.wrong.any(axis=1))), int(np.argmax(fault.wrong.any(axis=0)))
    values = fault.record.values.copy()
    values[at - int(rng.uniform(1, 5) * _per_day(s)):at, column if rng.random() < 0.5 else slice(None)] = np.nan
    return _fault(s, values, fault.wrong, sides=True, size=fault.size)


def stuck(rng, s: Site, shortest: float = 4, longest: float = 10) -> Fault | None:
    """Where the sensor would have moved by 1 K and twenty digits, and does not rest about 0 °C."""
    n, length = len(s.record.values), max(int(rng.uniform(shortest, longest) * _per_day(s)), 10)
    for _ in range(20):
        column, first = int(rng.integers(s.record.depths.size)), int(rng.integers(10, max(n - length - 10, 11)))
        rows = s.record.values[first:first + length, column]
        if not np.isnan(rows).any() and np.ptp(rows) > max(1, 20 * s.resolution) and abs(rows[0]) > 0.6:
            values, wrong = s.record.values.copy(), np.zeros(s.record.values.shape, bool)
            values[first:first + length, column] = rows[0]
            wrong[first:first + length, column] = True
            return _fault(s, values, wrong)
    return None


def stuck_for_long(rng, s: Site) -> Fault | None:
    return stuck(rng, s, 20, 200)


def dead(rng, s: Site) -> Fault | None:
    n = len(s.record.values)
    return stuck(rng, s, 0.3 * n / _per_day(s), 0.5 * n / _per_day(s))


def copies(rng, s: Site) -> Fault:
    """A piece comes again at the end of the file, and every other value of the copy is another."""
    r, n = s.record, len(s.record.values)
    rows = np.arange(n // 3, n // 3 + n // 20)
    again = r.values[rows] + np.where(np.arange(rows.size) % 2, 0.7, 0.0)[:, None]
    wrong = np.zeros((n + rows.size, r.depths.size), bool)
    wrong[n:] = True
    wrong[rows[1::2]] = True
    return Fault(Record(r.site, np.r_[r.times, r.times[rows]], r.depths, np.vstack([r.values, again])), wrong,
                 Flag.DUPLICATE, share=1.0)


def out_of_order(rng, s: Site) -> Fault:
    r, n = s.record, len(s.record.values)
    order = np.r_[np.arange(n // 4), np.arange(n // 2, n), np.arange(n // 4, n // 2)]
    wrong = np.zeros(r.values.shape, bool)
    wrong[n // 4 + n - n // 2:] = True
    return Fault(Record(r.site, r.times[order], r.depths, r.values[order]), wrong, Flag.UNSORTED, share=1.0)


def _restamped(s: Site, first: int, last: int, times: np.ndarray, wrong: slice) -> Fault | None:
    stamps, mask = s.record.times.copy(), np.zeros(s.record.values.shape, bool)
    stamps[first:last] = times
    mask[wrong] = True
    if np.isnan(s.record.values[wrong]).all():
        return None
    return Fault(replace(s.record, times=stamps), mask, Flag.CLOCK | Flag.DUPLICATE | Flag.UNSORTED)


def clock_reset(rng, s: Site) -> Fault | None:
    n = len(s.record.values)
    first, length = int(rng.uniform(0.2, 0.7) * n), int(rng.uniform(0.01, 0.2) * n)
    times = np.datetime64("2000-01-01", "us") + (s.record.times[first:first + length] - s.record.times[first])
    return _restamped(s, first, first + length, times, slice(first, first + length))


def clock_slips(rng, s: Site) -> Fault | None:
    """By 7 to 25 minutes: the first row after it is to be marked."""
    if s.step == 24:
        return None
    first = int(rng.uniform(0.2, 0.7) * len(s.record.values))
    return _restamped(s, first, None, s.record.times[first:] + np.timedelta64(int(rng.integers(7, 26)), "m"),
                      slice(first, first + 1))


def clock_back(rng, s: Site) -> Fault | None:
    """By two to two hundred samples: the stamps that come twice are to be marked."""
    first, back = int(rng.uniform(0.3, 0.7) * len(s.record.values)), int(rng.integers(2, 200))
    step = np.timedelta64(s.step, "h")
    return _restamped(s, first, None, s.record.times[first:] - back * step, slice(first, first + back))


def swapped(rng, s: Site, since: float = 0.0, apart: float = 1.18, away: int = 1) -> Fault | None:
    """Columns `away` from each other whose waves differ by a sixth, and by a digit on either side of the date."""
    r, n = s.record, len(s.record.values)
    first = int(since * n)
    ground = np.flatnonzero(r.depths >= 0)
    days = calendar.daily(r.times, r.values).mean
    spread = np.nanstd(days[:, ground], axis=0)
    least = max(0.2, s.resolution)
    fit = [k for k in range(ground.size - away) if least < spread[k + away] < spread[k] / apart]
    if not fit:
        return None
    a = int(ground[rng.choice(fit)])
    b = a + away
    day = int(since * len(days))
    apart_by = [np.nanstd(part[:, b] - part[:, a]) for part in (days[:day], days[day:]) if len(part)]
    if min(apart_by) < max(0.2, s.resolution):
        return None
    values, wrong = r.values.copy(), np.zeros(r.values.shape, bool)
    values[first:, [a, b]] = r.values[first:, [b, a]]
    wrong[first:, [a, b]] = True
    return _fault(s, values, wrong, flags=Flag.DEPTH | Flag.STEP, share=0.9)


def swapped_from_a_date_on(rng, s: Site) -> Fault | None:
    return swapped(rng, s, float(rng.uniform(0.2, 0.8)))


def others_swapped_from_a_date_on(rng, s: Site) -> Fault | None:
    return swapped(rng, s, float(rng.uniform(0.2, 0.8)), away=int(rng.integers(2, 5)))


def swapped_in_half_a_year(rng, s: Site) -> Fault | None:
    n = len(s.record.values)
    first, rows = int(rng.integers(0, max(n - 200 * _per_day(s), 1))), 200 * _per_day(s)
    piece = slice(first, first + rows)
    short = replace(s.record, times=s.record.times[piece], values=s.record.values[piece], flags=s.record.flags[piece])
    return swapped(rng, replace(s, record=short), apart=1.5)


def drift(rng, s: Site) -> Fault | None:
    """0.1 to 0.5 K a year from the start on, to 0.5 K at least, in a sensor whose zero curtain two years show."""
    r = s.record
    years = (r.times - r.times[0]).astype(float) / (365.25 * DAY)
    days = calendar.daily(r.times, r.values)
    july = np.flatnonzero([str(d)[5:] == "07-01" for d in days.dates])
    for column in rng.permutation(np.flatnonzero(r.depths >= 0.1)):
        levels = [quality.zero_curtain_level(year) for year in np.split(days.mean[:, column], july)]
        kept = [(i, n) for i, (level, n) in enumerate(levels) if abs(level) < 0.1 and n >= 20]
        rate = _size(rng, 0.1, 0.5)
        if len(kept) < 2 or s.resolution > 0.2:
            continue
        reached = abs(rate) * (np.r_[days.first, days.first + july] - days.first)[kept[-1][0]] / 365.25
        begun = abs(rate) * (np.r_[days.first, days.first + july] - days.first)[kept[0][0]] / 365.25
        if reached > 0.5 and begun < 0.2:
            wrong = np.zeros(r.values.shape, bool)
            wrong[:, column] = np.abs(rate * years) > 0.3 + s.resolution / 2
            values = r.values.copy()
            values[:, column] = np.round((values[:, column] + rate * years) / s.resolution) * s.resolution
            return _fault(s, values, wrong, flags=Flag.DRIFT, share=0.2)
    return None


CLASSES: dict[str, Callable[..., Fault | None]] = {
    "fill value": fills, "saturated": saturation, "out of range": beyond_range,
    "spike, 1 sample, 15-40 K": spikes, "spikes, 1-4 samples, 15-40 K": spikes_of_four,
    "spike in air, 40-60 K": air_spikes,
    "spike in the ground, 3-4 K": small_spikes,
    "step and back, ground, 6-10 K": step_back, "step and back, surface, 12-20 K": surface_step_back,
    "step and back, air, 40-50 K": air_step_back,
    "step for good, ground, 6-10 K": step_for_good, "step for good, surface, 8-15 K": surface_step_for_good,
    "step for good, air, 12-20 K": air_step_for_good, "step for good, as small as said": step_as_said,
    "step near an end, ground, 6-10 K": step_near_the_end,
    "step across a gap, ground, 6-10 K": step_across_a_gap,
    "stuck 4-10 d": stuck, "stuck 20-200 d": stuck_for_long, "dead": dead,
    "copies that differ": copies, "rows out of order": out_of_order, "clock reset": clock_reset,
    "clock slips by minutes": clock_slips, "clock set back": clock_back,
    "neighbours swapped": swapped, "swapped from a date on": swapped_from_a_date_on,
    "two that are not neighbours swapped from a date on": others_swapped_from_a_date_on,
    "swapped, 200 days of data": swapped_in_half_a_year, "drift 0.1-0.5 K/a, zero curtain": drift,
}


def faults(name: str, seed: int, sites: int, drawn: Callable[[int], Site] = site) -> Iterator[tuple[int, Fault]]:
    """The first `sites` faults of a class among the sites from `seed` on, ten times as many tried at most."""
    made = 0
    for number in range(seed, seed + 10 * sites):
        rng = np.random.default_rng([number, zlib.crc32(name.encode())])
        fault = CLASSES[name](rng, drawn(number))
        if fault is not None:
            yield number, fault
            made += 1
        if made == sites:
            return


def false_flags(sites: list[Site]) -> list[tuple[str, int, int, int]]:
    """By climate, step and resolution: sites, values, and values under a flag that means a fault."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for s in sites:
        flags = check(s.record).record.flags
        marked = int(np.count_nonzero(flags & np.uint16(int(~INFORMATION & 0xFFFF))))
        columns = "air alone" if (s.record.depths < 0).all() else "ground"
        for name in ("all", s.climate, f"{s.step} h", f"{s.resolution:g} K", columns):
            counts[name] = [a + b for a, b in zip(counts[name], (1, flags.size, marked), strict=True)]
    return [(name, *counts[name]) for name in counts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=5000)
    parser.add_argument("--sites", type=int, default=48)
    parser.add_argument("--only", default="", help="classes whose name contains this; no clean series then")
    chosen = parser.parse_args()
    kept: dict[int, Site] = {}

    def drawn(number: int) -> Site:
        return kept.setdefault(number, site(number)) if len(kept) < 200 else kept.get(number) or site(number)

    print("| fault | injected | found | said not to be judged: seeds | missed: seeds |\n|---|---|---|---|---|")
    for name in CLASSES:
        if chosen.only in name:
            tried = [(number, fault.found()) for number, fault in faults(name, chosen.seed, chosen.sites, drawn)]
            missed = [number for number, found in tried if not found]
            told = [number for number, fault in faults(name, chosen.seed, chosen.sites, drawn)
                    if number in missed and fault.told()]
            print(f"| {name} | {len(tried)} | {len(tried) - len(missed)} | {', '.join(map(str, told))} | "
                  f"{', '.join(str(number) for number in missed if number not in told)} |", flush=True)
    if not chosen.only:
        print("\n| clean series | sites | values | false flags |\n|---|---|---|---|")
        for name, n, values, marked in false_flags([drawn(chosen.seed + i) for i in range(2 * chosen.sites)]):
            print(f"| {name} | {n} | {values} | {marked / values:.3%} |")


if __name__ == "__main__":
    main()
