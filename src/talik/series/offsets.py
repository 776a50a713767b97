"""Annual surface and thermal offsets of a site: air, surface and depth paired by the same window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from talik.errors import DataError, UsageError
from talik.records import Record
from talik.results import Result
from talik.series.columns import Column, Pick, joined
from talik.series.completeness import Completeness, completeness_rule
from talik.series.days import only_hour
from talik.series.deployments import conflict_words, conflicts, strings
from talik.series.doubts import doubts
from talik.series.filling import Filling
from talik.series.pairing import Pairing, year_rows
from talik.series.quality import checked_once
from talik.series.roles import air_columns, air_said, depth_columns, surface_columns
from talik.series.rules import Rules
from talik.series.thaw import ThawOptions
from talik.series.uncertainty import MeanOverYears, Sensors, over_years

if TYPE_CHECKING:
    import polars as pl


QUANTITIES = ("maat", "magst", "ttop", "alt", "surface_offset", "thermal_offset", "nival_offset", "vegetation_offset",
              "n_thaw", "n_freeze", "rk_apparent")
_OFFSETS = (("surface_offset", "surface offset"), ("thermal_offset", "thermal offset"))


@dataclass(frozen=True, slots=True)
class AnnualOffsets(Result):
    """
    Offsets of one site, year by year, and their mean over years.

    Parameters
    ----------
    site : str
    years : polars.DataFrame
        One row a year: window, temperatures, thickness, offsets, their parts, n-factors, apparent rk; for each of
        air, surface and depth the days measured, filled and longest gap; bias bounds and standard uncertainties;
        `reason` with "quantity: code" for everything that is null.
    columns : mapping
        Which column of which file served as air, surface and depth.
    settings, data_hash
        What was asked, and the hash of the daily means used.
    """

    figure: ClassVar[str] = "talik.figures.series:offsets_by_year"
    site: str
    years: pl.DataFrame = field(repr=False)
    columns: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, Any]
    data_hash: str

    def to_frame(self) -> pl.DataFrame:
        """One row a year."""
        return self.years

    @property
    def paired(self) -> Literal["all", "surface", "thermal", "each"]:
        """Which years the means run over: those with all three temperatures, or else with two, or else any."""
        has = {name: self.years[name].is_not_null() for name in ("surface_offset", "thermal_offset")}
        both = has["surface_offset"] & has["thermal_offset"]
        if both.any():
            return "all"
        if has["surface_offset"].any():
            return "surface"
        return "thermal" if has["thermal_offset"].any() else "each"

    @property
    def paired_years(self) -> pl.DataFrame:
        """The years the means run over."""
        import polars as pl

        needed = {"all": ("surface_offset", "thermal_offset"), "surface": ("surface_offset",),
                  "thermal": ("thermal_offset",), "each": ()}[self.paired]
        return self.years.filter(*(pl.col(name).is_not_null() for name in needed)) if needed else self.years.filter(
            pl.any_horizontal(pl.col(*QUANTITIES).is_not_null()))

    @property
    def left_out(self) -> tuple[str, ...]:
        """What the means leave out: an offset of years without the other one, and its mean with them, in words."""
        import polars as pl

        said, both = [], "both offsets" if self.paired == "all" else "a surface offset"
        for name, title in _OFFSETS:
            known = self.years.filter(pl.col(name).is_not_null())
            out = known.filter(~pl.col("year").is_in(self.paired_years["year"].to_list()))
            if out.height:
                years, mean = ", ".join(map(str, out["year"])), known[name].to_numpy().mean()
                has, them = ("has", "it") if out.height == 1 else ("have", "them")
                said.append(f"means are over years that have {both}; {years} {has} the {title} only: with {them} its "
                            f"mean is {mean:+.2f} °C (n = {known.height})")
        return tuple(said)

    @property
    def without_value(self) -> str:
        """The commonest reasons, where no year gave any quantity; else ""."""
        if any(self.years[name].is_not_null().any() for name in QUANTITIES):
            return ""
        return f"no whole year in {self.years.height} ({'; '.join(_commonest(self.years))})"

    def mean(self, quantity: str) -> MeanOverYears:
        """
        Mean over the paired years of one of `maat`, `magst`, `ttop`, `alt`, offsets, parts and factors, with spread.

        Means over the same years keep SO + TO = TTOP - MAAT; `left_out` says which years that costs.

        Raises
        ------
        UsageError
            If there is no such quantity.
        """
        if quantity not in QUANTITIES:
            raise UsageError(f"no mean of {quantity!r}; there are {', '.join(QUANTITIES)}")
        frame = self.paired_years
        known = f"{quantity}_lasting" in frame.columns
        names = (quantity, f"{quantity}_lasting", f"{quantity}_yearly")
        return over_years(*(frame[name].fill_null(np.nan).to_numpy() if known or name == quantity else np.nan
                            for name in names))

    def site_row(self) -> dict[str, Any]:
        """
        One row for a table of sites: means over the same years, so that the offsets are differences of its own means.

        Returns
        -------
        dict
            site, maat, magst, ttop, alt, surface_offset, thermal_offset, each with `_n` (years), `_sd` (between years)
            and `_uncertainty`; the years; the rule; and how the deep temperature was found. None where unknown.
        """
        row: dict[str, Any] = {"site": self.site}
        for name in QUANTITIES[:6]:
            mean = self.mean(name)
            row |= {name: _known(mean.mean), f"{name}_n": mean.n, f"{name}_sd": _known(mean.sd),
                    f"{name}_uncertainty": _known(mean.uncertainty)}
        return row | {
            "first_year": self.paired_years["year"].min(), "last_year": self.paired_years["year"].max(),
            "paired": self.paired, "depth_error": "; ".join(self.paired_years["depth_error"].unique().sort()),
            "completeness": self.settings["completeness"]["name"],
            "year_start": self.settings["completeness"]["year_start"], "ttop_method": self.settings["depth_method"],
            **{f"{role}_column": "; ".join(names) for role, names in self.columns.items()},
        }

    def __str__(self) -> str:
        parts = []
        for name, title in _OFFSETS:
            mean = self.mean(name)
            if mean.n:
                spread = f", ± {mean.sd:.2f} between years" if mean.n > 1 else ""
                parts.append(f"{title} {mean.mean:+.2f} °C (n = {mean.n}{spread}, measured to {mean.uncertainty:.2f})")
        found = ", ".join(parts) or (f"no offset in {self.years.height} year{'s' * (self.years.height != 1)} "
                                     f"({'; '.join(_commonest(self.years))})")
        lacking = [said for said in self.settings["notes"] if said.startswith("no surface offset")]
        return "; ".join([f"{self.site}: {found}", *self.left_out, *lacking])


def annual_offsets(records: Record | Sequence[Record], *, air: Pick = None, surface: Pick = None, depth: Pick = None,
                   completeness: Completeness | str = "default", year_start: str | None = None,
                   alt: float | Mapping[int, float] | None = None, rules: Rules | None = None, check: bool = True,
                   fill: Filling | None = None, sensors: Sensors | None = None, thaw: ThawOptions | None = None,
                   surface_depth: float = 0.05, depth_tolerance: float = 0.05,
                   site: str | None = None) -> AnnualOffsets:
    """
    Surface and thermal offset of a site for every year, from one record or several.

    Parameters
    ----------
    records : Record or sequence of Record
        The site's records: air may come from one file and the ground from another.
    air : float, str or sequence, optional
        Air column: height below zero [m] (-2.0), label, or pattern ("AirT*"). Without it, the column at a height of
        1 m and more that is nearest to 2 m; where there is none, the one column that says "air" but not how high.
    surface : float, str or sequence, optional
        Surface column: depth [m], label or pattern. Without it, the column nearest the surface within
        `surface_depth`. A sequence or a pattern with several columns are replicates, in the order of `depth`'s.
    depth : float, str or sequence, optional
        Deep column: depth [m], label or pattern. Without it, the temperature at the top of permafrost is read off
        the profile at that year's active layer thickness.
    completeness : Completeness or str
        When a year is whole: "default", "gtnp", "wmo", "permos", "liu2025" or your own.
    year_start : str, optional
        "calendar", "hydrological", "thermal", "austral", "MM-DD"; the rule's own when not given.
    alt : float or mapping of year to float, optional
        Active layer thickness from probing [m], in place of the temperature profile's.
    rules : Rules, optional
        Rules of the quality check.
    check : bool
        Whether records that carry no check yet are checked first. False takes their flags as they are.
    fill : Filling, optional
        Which gaps of daily means to fill.
    sensors : Sensors, optional
        Uncertainty of calibration, and of depths where it is known (`Sensors(depth=0.03)`): without it no uncertainty
        includes it, and the column `depth_error` says so.
    thaw : ThawOptions, optional
        How thickness and top of permafrost are read off the profile.
    surface_depth : float
        Deepest sensor that may count as surface [m].
    depth_tolerance : float
        Where one deployment follows another (a logger replaced, a string put in again), a column goes on as that of
        the next deployment whose depth differs by at most this [m]; air, by at most 0.5 m of height.
    site : str, optional
        Name; that of the first record when not given.

    Returns
    -------
    AnnualOffsets
        Every year any of the columns touches; null with a reason where something is missing.

    Raises
    ------
    DataError
        If there is no record, neither offset can be had from the columns there are, or values whose unit is named
        nowhere cannot be °C.
    UsageError
        If a column that was asked for does not exist or cannot serve (air in the ground, a depth above the surface), if
        replicates do not pair up, or lengths are negative.

    Notes
    -----
    All means of one row cover the same days of the calendar, first to last. Means over years are means of offsets,
    never offsets of means over different years: on real stations that mistake exceeded 1 K.
    Deployments that measured side by side for up to 31 days are one after the other, too: there the earlier one counts,
    and `settings["overlaps"]` says where and by how much they differ. Where files of one name (`Record.site`) with the
    same columns disagree at the same stamps neither counts: `settings["conflicts"]` lists column, days, difference and
    files. `settings["notes"]` says this in words, why there is no air, how far its height is known, and whether the
    unit is in doubt. With strings at different depths, every year's profile is that of the string with most whole
    sensors, at its own depths.
    With replicates, each pairs its own surface with its own depth, and a year's value is the mean over those
    replicates that have both.

    References
    ----------
    Smith & Riseborough (2002), Permafrost and Periglacial Processes 13, 1-15, doi:10.1002/ppp.410.

    Examples
    --------
    >>> t = np.arange("2020-01-01", "2021-01-01", dtype="M8[D]")
    >>> wave = np.cos(2 * np.pi * (np.arange(366) - 200) / 366)[:, None]
    >>> values = np.array([-8.0, -4.0, -4.6, -5.0]) + np.array([16.0, 10.0, 4.0, 0.5]) * wave
    >>> result = annual_offsets(Record("Barrow", t, [-2.0, 0.0, 0.5, 1.0], values), depth=1.0, check=False)
    >>> print(result)
    Barrow: surface offset +4.00 °C (n = 1, measured to 0.14), thermal offset -1.00 °C (n = 1, measured to 0.14)
    """
    import polars as pl

    for option, reach in (("surface_depth", surface_depth), ("depth_tolerance", depth_tolerance)):
        if not reach >= 0:
            raise UsageError(f"{option}={reach:g}: expected metres, not negative")
    given = [records] if isinstance(records, Record) else list(records)
    several, apart = joined(given), conflicts(given)
    if not several:
        raise DataError("annual_offsets: got no record")
    rule, known = completeness_rule(completeness, year_start), sensors or Sensors()
    if check:
        several = [checked_once(record, rules) for record in several]
    name = site or several[0].site
    doubted = doubts(several)
    served = (air_columns(several, air), surface_columns(several, surface, surface_depth, depth_tolerance),
              depth_columns(several, depth, depth_tolerance))
    picked = served[0][0], served[1][0], served[2][0]
    _possible(name, picked, depth, several, doubted)
    pairing = Pairing(*picked, profiles=_profiles(several) if depth is None else (), alt=alt,
                      completeness=rule, fill=fill, sensors=known, thaw=thaw or ThawOptions())
    years, digest = year_rows(pairing)
    method = "stated depth" if depth is not None else ("given thickness" if alt is not None else "envelope thickness")
    deep = picked[2] or tuple(c for string in pairing.profiles for c in string)
    columns = {role: tuple(c.name for c in found) for role, found in
               zip(("air", "surface", "depth"), (*picked[:2], deep), strict=True)}
    years = years.select(pl.lit(name).alias("site"), pl.all())
    said = {"overlaps": tuple(said for _, overlaps in served for said in overlaps),
            "conflicts": tuple(asdict(one) for one in apart),
            "notes": (*conflict_words(apart), *air_said(several, picked[0]), *doubted, *_levels_said(several),
                      *_hours_said(several))}
    return AnnualOffsets(name, years, columns, {
        **pairing.settings, "depth_method": method, "checked": check, "surface_depth": surface_depth,
        "depth_tolerance": depth_tolerance, **said}, digest)


def _levels_said(records: Sequence[Record]) -> list[str]:
    """Which levels the check rejected for good, and why."""
    return [note.partition("; ")[2] for r in records for note in r.history if " for good from " in note]


def _hours_said(records: Sequence[Record]) -> list[str]:
    """What is to be known of records with one sample a day."""
    found = dict.fromkeys((r.site, *only_hour(r)) for r in records)
    return [f"{where}: one sample a day, at {hour:.4g} h{f', on {share:.0%} of the days' if share < 0.995 else ''}; "
            "taken as readings of that hour, not as daily means, so that air and surface are uncertain by the daily "
            "wave (daily means are stamped with their date, or 00:00)"
            for where, hour, share in found if not np.isnan(hour)]


def _profiles(records: Sequence[Record]) -> tuple[tuple[Column, ...], ...]:
    """The ground columns of the record that has most depths, and of those before and after it; never a mixture."""
    best = max(records, key=lambda r: np.unique(r.depths[r.depths >= 0]).size)
    ground = np.flatnonzero(best.depths >= 0)
    if np.unique(best.depths[ground]).size < ground.size:
        raise UsageError(f"{best.site}: several columns at one depth make no single profile. Name the deep columns "
                         f"with depth=... There are: {'; '.join(Column(best, int(k)).name for k in ground)}")
    return tuple(tuple(Column(string, int(k)) for k in np.flatnonzero(string.depths >= 0))
                 for string in strings(best, records))


def _possible(name: str, picked: tuple[Sequence[Column], ...], depth: Pick, records: Sequence[Record],
              doubted: Sequence[str]) -> None:
    air, surface, _ = picked
    if not surface:
        depths = sorted({float(d) for r in records for d in r.depths[r.depths >= 0]})
        there = ", ".join(f"{d:g}" for d in depths) or "none"
        remedy = ("add the record of a sensor there" if depths else
                  "give the depths of all columns with depths=..., for the file says none")
        raise DataError(f"{name}: no column near enough to the surface (depths [m]: {there}). Say "
                        f"which it is with surface=..., or {remedy}.{''.join(f' Beside this: {d}' for d in doubted)}")
    if not air and depth is None and not any((r.depths > surface[0].depth).any() for r in records):
        raise DataError(f"{name}: neither air at a height of 1 m or more nor a deeper column beside the surface: no "
                        "offset can be had. Add the record that has them, or name them with air=... and depth=...")


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _commonest(years: pl.DataFrame) -> list[str]:
    reasons = years["reason"].str.split("; ").explode().drop_nulls()
    counts = reasons.value_counts(sort=True)
    return [str(r) for r in counts["reason"].head(3)]
