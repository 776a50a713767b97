"""
How often the truth lies within what is stated beside it: invented ground known to the hour, read by damaged loggers.

A column of soil, peat, rock or ground with a talik conducts heat and freezes under snow; its truth is known at every
depth and hour. Loggers read it wrongly in the ways real ones do. For each quantity: how often the truth lies within one
and two standard uncertainties, how large the stated one is beside the errors made, and whether what missing days and
hours did ever exceeded the bound.

    python benchmarks/stated_errors.py [--seeds 12] [--damages calibration,gaps,...]
"""

import argparse
import time
from dataclasses import dataclass, field, replace

import numba
import numpy as np

from talik.records import Record
from talik.series.filling import Filling
from talik.series.offsets import annual_offsets
from talik.series.thaw import ThawOptions, active_layer
from talik.series.uncertainty import Sensors

WIDTH = np.r_[np.full(60, 0.05), 0.05 * 1.17 ** np.arange(1, 24)]
"""Of the cells of the column [m], to 15 m."""
MIDDLE = np.cumsum(WIDTH) - WIDTH / 2
SURFACE, AIR = 0.025, -2.0
YEARS, SWING = 4, 0.5
GROUNDS = {  # mean air, half its yearly range, half its daily range in June, most snow [m], ice, conductivities [W/m/K]
    "cold": ((-14, -8), (16, 24), (2, 6), (0.1, 0.4), (0.2, 0.4), (0.9, 1.5), (1.7, 2.4)),
    "peat": ((-9, -6), (14, 20), (2, 6), (0.1, 0.4), (0.4, 0.5), (0.5, 0.8), (1.4, 2.0)),
    "warm": ((-7, -5), (12, 18), (3, 6), (0.1, 0.4), (0.1, 0.3), (0.9, 1.6), (1.6, 2.4)),
    "rock": ((-7, -4), (8, 12), (1, 5), (0.0, 0.2), (0.01, 0.04), (2.0, 3.0), (1.6, 2.4)),
    "polar": ((-18, -12), (9, 14), (1, 3), (0.0, 0.2), (0.1, 0.3), (0.9, 1.5), (1.5, 2.2)),
    "talik": ((-4, -2), (14, 18), (3, 6), (0.4, 0.6), (0.3, 0.4), (1.2, 1.6), (1.8, 2.2)),
    "seasonal": ((3, 7), (10, 16), (2, 6), (0.1, 0.5), (0.1, 0.3), (0.9, 1.6), (1.6, 2.4)),
}
VALUES = ("maat", "magst", "ttop", "alt", "surface_offset", "thermal_offset", "nival_offset", "vegetation_offset",
          "n_thaw", "n_freeze", "rk_apparent", "tdd_air", "fdd_air", "tdd_surface", "fdd_surface")


@dataclass(frozen=True)
class Ground:
    """A site without a logger: air and every cell, hour by hour."""

    times: np.ndarray
    air: np.ndarray
    cells: np.ndarray

    def read(self, depths):
        """What perfect sensors at these depths [m] say, hour by hour; air above the ground."""
        at = np.clip(np.interp(depths, MIDDLE, np.arange(MIDDLE.size)), 0, MIDDLE.size - 1.001)
        low, share = at.astype(int), at % 1
        values = self.cells[:, low] * (1 - share) + self.cells[:, low + 1] * share
        return np.where(np.asarray(depths) < 0, self.air[:, None], values)


@numba.njit
def _conduct(air, snow, width, thawed, frozen, latent, span, start):
    n, capacity = width.size, 2.1e6
    heat, t, flux, out = np.empty(n), start.copy(), np.zeros(n + 1), np.empty((air.size, width.size), np.float32)
    for k in range(n):
        full = latent[k] + capacity * span
        heat[k] = capacity * (t[k] + span) if t[k] <= -span else (
            full + capacity * t[k] if t[k] >= 0 else full * (t[k] + span) / span)
    for i in range(air.size):
        above = min(air[i], 0.0) if snow[i] > 0.02 else air[i]
        for _ in range(8):
            for k in range(n):
                full = latent[k] + capacity * span
                t[k] = heat[k] / capacity - span if heat[k] < 0 else (
                    span * heat[k] / full - span if heat[k] < full else (heat[k] - full) / capacity)
            lead = thawed[0] if t[0] > -0.5 * span else frozen[0]
            flux[0] = (above - t[0]) / (0.04 + snow[i] / 0.25 + width[0] / 2 / lead)
            for k in range(1, n):
                a = thawed[k - 1] if t[k - 1] > -0.5 * span else frozen[k - 1]
                b = thawed[k] if t[k] > -0.5 * span else frozen[k]
                flux[k] = (t[k - 1] - t[k]) / (width[k - 1] / 2 / a + width[k] / 2 / b)
            flux[n] = -0.05
            for k in range(n):
                heat[k] += 450.0 * (flux[k] - flux[k + 1]) / width[k]
        out[i] = t
    return out


def ground(seed, kind):
    """A site of a kind, drawn from `seed`: four years after three that bring it to rest."""
    rng = np.random.default_rng([7, seed, sorted(GROUNDS).index(kind)])
    mean, reach, daily, most, ice, thawed, frozen = (rng.uniform(*ends) for ends in GROUNDS[kind])
    spin = 3
    times = np.arange(f"{2015 - spin}-01-01", f"{2015 + YEARS}-01-01", dtype="M8[h]")
    day = times.astype(np.int64) / 24
    weather, level = np.zeros(times.size // 24 + 2), rng.normal(0, 1.2, YEARS + spin + 1)
    for i in range(1, weather.size):
        weather[i] = 0.8 * weather[i - 1] + rng.normal(0, rng.uniform(1.5, 2.5))
    wave = np.cos(2 * np.pi * (day - 200) / 365.25)
    sun = np.cos(2 * np.pi * (day - 0.6)) + 0.3 * np.cos(4 * np.pi * (day - 0.6))
    air = (mean + reach * wave + daily * (0.55 + 0.45 * wave) * sun + np.interp(day - day[0], np.arange(weather.size),
           weather) + np.interp(day - day[0], 365.25 * np.arange(level.size), level))
    snow, lying = np.zeros(times.size), 0.0
    for i in range(times.size):
        lying += most / 4500 if air[i] < 0 else -0.0007 * air[i]
        lying = min(max(lying, 0.0), most)
        snow[i] = lying
    upper = np.where(MIDDLE < rng.uniform(0.0, 0.3), rng.uniform(0.3, 0.9), 1.0)       # a dry or mossy layer on top
    start = np.full(MIDDLE.size, mean + (3.0 if kind not in ("rock", "polar") else 1.0))
    if kind == "talik":
        start = np.where(MIDDLE < rng.uniform(2.0, 3.5), 0.3, -0.6)
    cells = _conduct(air, snow, WIDTH, thawed * upper, frozen * upper, 3.34e8 * ice * np.ones(MIDDLE.size),
                     rng.uniform(0.05, 0.4), start)
    kept = times >= np.datetime64("2015-01-01")
    return Ground(times[kept], air[kept], cells[kept])


# ------------------------------------------------------------------ truth
def daily(values):
    return values.reshape(-1, 24, *values.shape[1:]).mean(axis=1)


def windows(times, month):
    """First and last row (of days) of every whole year."""
    days = times[::24].astype("M8[D]")
    first = days[0].astype("M8[Y]").astype(int) + 1970
    for year in range(first, first + YEARS + 1):
        begin, end = (np.datetime64(f"{y}-{month:02d}-01") for y in (year, year + 1))
        if begin >= days[0] and end <= days[-1] + 1:
            yield int((end - 1).astype("M8[Y]").astype(int) + 1970), slice(int((begin - days[0]).astype(int)),
                                                                          int((end - days[0]).astype(int)))


def truths(site, month, surface, depth=None):
    """Each year's true values, from the hours of the whole column; NaN where there is no such thing."""
    air, column = daily(site.air), daily(site.cells).astype(float)
    skin = daily(site.read([surface]))[:, 0]
    found = {}
    for year, days in windows(site.times, month):
        n = days.stop - days.start
        a, s, c = air[days], skin[days], column[days]
        mean, high = c.mean(axis=0), c.max(axis=0)
        down = np.flatnonzero((high[:-1] > 0) & (high[1:] <= 0))
        alt = np.nan
        below = (MIDDLE > 0.3) & (MIDDLE <= MIDDLE[down[-1]] if down.size else False)
        if down.size and not (c.min(axis=0)[below] > 0).any():                  # else a talik
            i = down[-1]
            alt = MIDDLE[i] + high[i] / (high[i] - high[i + 1]) * (MIDDLE[i + 1] - MIDDLE[i])
        swing = np.ptp(c, axis=0) / 2
        still = np.flatnonzero(swing <= SWING)
        dzaa = np.nan
        if still.size and still[0]:
            i = still[0]
            dzaa = np.interp(np.log(SWING), np.log(np.maximum(swing[[i, i - 1]], 1e-9)), MIDDLE[[i, i - 1]])
        sums = {f"{name}_{role}": np.maximum(sign * x, 0).sum() for role, x in (("air", a), ("surface", s))
                for name, sign in (("tdd", 1), ("fdd", -1))}
        ttop = np.interp(alt if depth is None else depth, MIDDLE, mean) if depth or np.isfinite(alt) else np.nan
        found[year] = sums | {
            "maat": a.mean(), "magst": s.mean(), "ttop": ttop, "alt": alt, "dzaa": dzaa, "crossings": down.size,
            "surface_offset": s.mean() - a.mean(), "thermal_offset": ttop - s.mean(),
            "nival_offset": (sums["fdd_air"] - sums["fdd_surface"]) / n,
            "vegetation_offset": (sums["tdd_surface"] - sums["tdd_air"]) / n,
            "n_thaw": sums["tdd_surface"] / sums["tdd_air"] if sums["tdd_air"] else np.nan,
            "n_freeze": sums["fdd_surface"] / sums["fdd_air"] if sums["fdd_air"] else np.nan,
            "rk_apparent": 1 + (ttop - s.mean()) * n / sums["tdd_surface"] if sums["tdd_surface"] > 0 else np.nan}
    return found


# ------------------------------------------------------------------ loggers
@dataclass(frozen=True)
class Damage:
    """How a logger fails; what is drawn is drawn for every site anew."""

    bias: float = 0.02                     # standard deviation of a sensor's calibration [K]
    placed: float = 0.0                     # of its depth [m]
    resolution: float = 0.001
    step: int = 1                           # [h]; 24 is a daily mean
    spot: int | None = None                 # hour of the one sample a day
    gaps: tuple[int, int, int] = (0, 0, 0)  # how many, shortest and longest [h], in all columns
    peak: bool = False                      # gaps lie where it is warmest
    own: tuple[int, int, int] = (0, 0, 0)   # the same in one column each
    lost: int = 0                           # sensors that fail for months
    night: bool = False                     # 22 h to 2 h is missing on most days
    dropped: float = 0.0                    # share of single samples
    begins: str = ""                        # month and day of the first sample
    month: int = 1                          # of the year's begin
    string: tuple[float, ...] = (0.025, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 10.0,
                                 12.0)
    fill: Filling | None = None
    method: str = "interpolate"
    depth: float | None = None
    lenient: bool = False


SPARSE = (0.025, 0.5, 1.0, 1.75, 2.5, 4.0, 8.0, 12.0)
DAMAGES = {
    "whole": Damage(),
    "calibration": Damage(bias=0.1),
    "depths": Damage(placed=0.02),
    "0.25 K": Damage(resolution=0.25),
    "0.5 K": Damage(resolution=0.5),
    "sparse": Damage(string=SPARSE),
    "drawn on": Damage(string=SPARSE, method="extrapolate"),
    "3 h": Damage(step=3), "4 h": Damage(step=4), "6 h": Damage(step=6), "daily": Damage(step=24),
    "spot 12": Damage(spot=12), "spot 0": Damage(spot=0), "spot 7": Damage(spot=7),
    "short gaps": Damage(gaps=(8, 1, 72)), "gaps": Damage(gaps=(3, 24, 360)),
    "own gaps": Damage(own=(3, 24, 360)), "peak gaps": Damage(gaps=(2, 24, 300), peak=True),
    "40 d": Damage(gaps=(1, 400, 960), lenient=True), "own 40 d": Damage(own=(1, 400, 960), lenient=True),
    "lost": Damage(lost=2), "night": Damage(night=True), "dropped": Damage(dropped=0.08),
    "4 h dropped": Damage(step=4, dropped=0.05), "March": Damage(begins="03-10"),
    "October": Damage(gaps=(3, 24, 200), month=10), "lines": Damage(own=(8, 24, 140), fill=Filling(5)),
    "regression": Damage(own=(2, 200, 800), fill=Filling(5, 60)),
    "stated depth": Damage(bias=0.1, placed=0.03, own=(2, 24, 200), depth=0.9),
    "all": Damage(bias=0.1, placed=0.03, resolution=0.0625, step=1, gaps=(2, 1, 240), own=(1, 24, 300), dropped=0.02),
    "all sparse": Damage(bias=0.2, placed=0.03, resolution=0.1, step=3, gaps=(2, 1, 240), own=(1, 24, 300), lost=1,
                          string=SPARSE),
}


def logged(site, damage, rng):
    """The record without and with holes, of the same sensors; both at the logger's step."""
    depths = np.r_[AIR, damage.string]
    at = np.where(depths > 0, np.maximum(depths + damage.placed * rng.normal(size=depths.size), 0.0), depths)
    values, times = site.read(at), site.times
    values = values + damage.bias * rng.normal(size=depths.size)
    if damage.spot is not None:
        times, values = times[damage.spot::24], values[damage.spot::24]
    elif damage.step == 24:
        times, values = times[::24], daily(values)
    else:
        times, values = times[::damage.step], values[::damage.step]
    values = np.round((values + rng.normal(0, 0.003, values.shape)) / damage.resolution) * damage.resolution
    record = Record("Invented", times.astype("M8[us]"), depths, values)
    holed, n, hours = values.copy(), len(times), 24 if damage.spot is not None else damage.step
    for (count, least, most), alone in ((damage.gaps, False), (damage.own, True)):
        for year in range(YEARS):
            for _ in range(count):
                length = max(1, round(np.exp(rng.uniform(np.log(least), np.log(most))) / hours))
                begin = int((year + rng.random()) * n / YEARS)
                if damage.peak:
                    begin = int((year + rng.uniform(0.5, 0.75)) * n / YEARS)
                column = slice(None) if not alone else rng.choice(depths.size, 4, replace=False)
                holed[begin:begin + length, column] = np.nan
    for _ in range(damage.lost):
        begin = int(rng.random() * n * 0.8)
        holed[begin:begin + int(rng.uniform(0.05, 0.2) * n), rng.integers(2, min(depths.size, 12))] = np.nan
    if damage.night:
        hour = times.astype("M8[h]").astype(np.int64) % 24
        holed[((hour >= 22) | (hour < 2)) & (rng.random(n) < 0.8)] = np.nan
    if damage.dropped:
        holed[rng.random(holed.shape) < damage.dropped] = np.nan
    if damage.begins:
        holed[times < np.datetime64(f"2015-{damage.begins}")] = np.nan
    return record, replace(record, values=holed, flags=None)


# ------------------------------------------------------------------ scores
@dataclass
class Scores:
    """Of one quantity: error in stated uncertainties, stated uncertainty, what holes did and its bound, nulls."""

    z: list = field(default_factory=list)
    stated: list = field(default_factory=list)
    made: list = field(default_factory=list)
    moved: list = field(default_factory=list)
    bound: list = field(default_factory=list)
    null: int = 0


def _rows(record, damage, sensors):
    start = f"{damage.month:02d}-01"
    rule = "gtnp" if damage.lenient else "default"
    common = {"completeness": rule, "year_start": start, "fill": damage.fill, "sensors": sensors}
    options = ThawOptions(method=damage.method, zero_amplitude=SWING)
    offsets = annual_offsets(record, check=False, thaw=options, depth=damage.depth, **common)
    layers = active_layer(record, options=options, **common)
    rows = {row["year"]: row for row in offsets.years.to_dicts()}
    for row in layers.to_frame().to_dicts():
        rows[row["year"]] |= {name: row[name] for name in row if name.startswith("dzaa")}
        rows[row["year"]]["bias_bound_dzaa"] = row["dzaa_bias_bound"]
        rows[row["year"]]["layer"] = row
    return offsets, rows


def trial(site, damage, rng, scores, oddities):
    whole, holed = logged(site, damage, rng)
    sensors = Sensors(damage.bias, damage.placed or None)
    true = truths(site, damage.month, damage.string[0], damage.depth)
    _, full = _rows(whole, damage, sensors)
    _, found = _rows(holed, damage, sensors)
    for year, truth in true.items():
        row, other = found.get(year), full[year]
        if row is None:
            continue
        for name in (*VALUES, "dzaa"):
            score, value = scores[name], row[name]
            if value is None:
                score.null += 1
                continue
            bound_name = {"maat": "bias_bound_air", "magst": "bias_bound_surface", "ttop": "bias_bound_depth"}.get(
                name, f"bias_bound_{name}")
            bound = row[bound_name]
            if other[name] is not None:
                score.moved.append(abs(value - other[name]))
                score.bound.append(np.nan if bound is None else bound)
                if not score.moved[-1] <= (np.nan_to_num(score.bound[-1])) + 1e-6:
                    oddities.append(("bound", name, year, value, other[name], bound))
            error = row[f"{name}_uncertainty"]
            if np.isfinite(truth[name]) and error is not None:
                score.made.append(value - truth[name])
                score.stated.append(error)
                away = value - truth[name]
                score.z.append(away / max(error, 1e-12) if away else 0.0)
                if abs(score.z[-1]) > 3:
                    oddities.append(("error", name, year, value, truth[name], error))
            elif error is not None:
                oddities.append(("no such thing", name, year, value, truth[name], error))
        if np.isfinite(truth["alt"]) and row["alt_lower"] is not None:
            scores["bracket"].z.append(0.0 if row["alt_lower"] <= truth["alt"] <= row["alt_upper"] else 9.0)
            scores["bracket"].made.append(0.0)
            scores["bracket"].stated.append(1.0)
        for law, left, right in (("SO+TO", "surface_offset thermal_offset", "ttop -maat"),
                                 ("parts", "nival_offset vegetation_offset", "surface_offset")):
            names = [n.lstrip("-") for n in f"{left} {right}".split()]
            if all(row[n] is not None for n in names):
                gap = sum(row[n] for n in left.split()) - sum((-1 if n[0] == "-" else 1) * row[n.lstrip("-")]
                                                              for n in right.split())
                if abs(gap) > 1e-9:
                    oddities.append((law, "", year, gap, 0, 0))


def figures(score):
    """Values, nulls, shares within 1 and 2 u, stated u over the error made, and bounds tried and exceeded."""
    z, made, stated, moved, bound = (np.array(x) for x in (score.z, score.made, score.stated, score.moved, score.bound))
    over = moved - np.nan_to_num(bound)
    return {"n": z.size, "null": score.null, "1u": np.mean(np.abs(z) <= 1), "2u": np.mean(np.abs(z) <= 2),
            "rms": np.sqrt(np.mean(z**2)), "width": np.sqrt(np.mean(stated**2) / max(np.mean(made**2), 1e-12)),
            "mean": made.mean(), "moved": np.count_nonzero(moved > 1e-9), "over": np.count_nonzero(over > 1e-6),
            "excess": max(over.max(initial=0.0), 0.0)}


def table(scores):
    found = {name: figures(score) for name, score in scores.items() if score.z}
    heads = list(next(iter(found.values())))
    return "\n".join([f"{'':18s}" + "".join(f"{head:>8s}" for head in heads), *(
        f"{name:18s}" + "".join(f"{x:8d}" if isinstance(x, int) else f"{x:8.3f}" for x in row.values())
        for name, row in found.items())])


def pooled(kinds, seeds, damages, told=None):
    """Scores by quantity of all damages to all sites; each damage's own scores and oddities go to `told`."""
    names = (*VALUES, "dzaa", "bracket")
    together, sites = {name: Scores() for name in names}, {(k, seed): ground(seed, k) for k in kinds for seed in seeds}
    for label in damages:
        scores, oddities = {name: Scores() for name in names}, []
        for (kind, seed), site in sites.items():
            rng = np.random.default_rng([seed, list(GROUNDS).index(kind), list(DAMAGES).index(label)])
            mine = []
            trial(site, DAMAGES[label], rng, scores, mine)
            oddities += [(kind, seed, *odd) for odd in mine]
        if told:
            told(label, scores, oddities)
        for name, score in scores.items():
            for part in ("z", "stated", "made", "moved", "bound"):
                getattr(together[name], part).extend(getattr(score, part))
            together[name].null += score.null
    return together


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2, help="sites of each kind")
    parser.add_argument("--damages", default=",".join(DAMAGES))
    parser.add_argument("--kinds", default=",".join(GROUNDS))
    parser.add_argument("--oddities", type=int, default=0, help="how many of the worst cases to show")
    asked = parser.parse_args()

    def told(label, scores, oddities):
        print(f"\n== {label}\n{table(scores)}", *oddities[:asked.oddities], sep="\n", flush=True)

    scores = pooled(asked.kinds.split(","), range(asked.seeds), asked.damages.split(","), told)
    print(f"\n== pooled\n{table(scores)}\n{time.process_time():.0f} CPU-s")


if __name__ == "__main__":
    main()
