"""What to ask the Climate Data Store for, planned and priced before anything is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from talik.era5land.boxes import STEP, Box, boxes, cell
from talik.era5land.fields import BY_DAYS, FIELDS, QUANTITIES, QUANTITY_OF, known_field
from talik.errors import DataError, UsageError, unknown
from talik.results import Result

if TYPE_CHECKING:
    import polars as pl

POINTS = "reanalysis-era5-land-timeseries"
MONTHS = "reanalysis-era5-land-monthly-means"
DAYS = "derived-era5-land-daily-statistics"
HOURS = "reanalysis-era5-land"

AT_POINTS = frozenset({"t2m", "skt", "tp", "u10", "v10"})
"""Fields the point data set is known to have. Soil water is there for some users and fails for others: probe."""

LIMIT = 4000
"""Fields a request; the service has refused 8,928 and taken 4,464. One it finds too large is split on the way."""
DAYS_LIMIT = 400
"""Fields a request for daily statistics, which the service makes from hourly ones: its costing ends there."""

_MONTHS = tuple(f"{m:02d}" for m in range(1, 13))
_DAYS = tuple(f"{d:02d}" for d in range(1, 32))
_HOURS = tuple(f"{h:02d}:00" for h in range(24))
_BYTES = 4
_HEADER = 20_000


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request to the Climate Data Store.

    Parameters
    ----------
    dataset : str
        Data set id.
    inputs : mapping
        The request's body as the service's own form gives it.
    fields : int
        Cost: maps of one variable at one time; for a point, time series of one variable.
    bytes : int
        About how many bytes arrive, unpacked (4 a value, before compression).
    sites : tuple of str
        The sites it serves. Not part of the key.
    instead : tuple of Request
        What to ask for when this data set turns out not to have the variables: each alone, then boxes.
    """

    dataset: str
    inputs: Mapping[str, Any]
    fields: int
    bytes: int
    sites: tuple[str, ...] = ()
    instead: tuple[Request, ...] = field(default=(), repr=False)

    @property
    def key(self) -> str:
        """The sha256 of data set and inputs, by which an answer is kept."""
        told = json.dumps([self.dataset, self.inputs], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def boxes(self) -> tuple[Request, ...]:
        """The requests for areas that can stand for a request for a point."""
        return tuple(box for other in self.instead for box in (other.instead or (other,)))

    @property
    def neighbours(self) -> tuple[Request, ...]:
        """The same for the eight cells around a point; with nothing to ask instead."""
        if "location" not in self.inputs:
            return ()
        here = self.inputs["location"]
        step = float(STEP)
        cells = {cell(min(90.0, max(-90.0, here["latitude"] + north * step)), here["longitude"] + east * step)
                 for north in (1, 0, -1) for east in (-1, 0, 1)} - {(here["latitude"], here["longitude"])}
        return tuple(replace(self, inputs={**self.inputs, "location": {"latitude": latitude, "longitude": longitude}},
                             instead=()) for latitude, longitude in sorted(cells))

    @property
    def name(self) -> str:
        """A short name for messages and files."""
        return f"{self.dataset.removeprefix('reanalysis-').removeprefix('derived-')}-{self.key[:16]}"

    def split(self) -> tuple[Request, ...]:
        """
        Two requests for the two halves: of the years, else of the months, else of the variables; none if it is one map.

        Examples
        --------
        >>> whole = next(iter(plan([("Barrow", 71.3, -156.6)], (2014, 2023), ["snow_depth"])))
        >>> [(part.fields, part.inputs["year"][0]) for part in whole.split()]
        [(60, '2014'), (60, '2019')]
        """
        for axis in ("year", "date", "month", "variable"):
            values = self.inputs.get(axis)
            if axis == "date":
                halves = _half_dates(values[0]) if values else ()
            else:
                halves = _halves(values) if isinstance(values, list) else ()
            if halves:
                parts = (replace(self, inputs={**self.inputs, axis: half}) for half in halves)
                return tuple(_priced(part, self.bytes / max(self.fields, 1)) for part in parts)
        return ()


@dataclass(frozen=True, slots=True)
class Plan(Result):
    """
    The requests for some sites, years and variables, with what they cost; iterate it, or print it before sending.

    Attributes
    ----------
    requests : tuple of Request
    left_out : tuple of (site, reason)
    costs : tuple
        Of each request the service's own cost and the most it takes, where `offers.priced` has asked; else empty.
    """

    figure: ClassVar[str] = ""
    requests: tuple[Request, ...]
    left_out: tuple[tuple[str, str], ...]
    settings: Mapping[str, Any] = field(repr=False)
    data_hash: str = field(repr=False)
    costs: tuple[tuple[float, float] | None, ...] = ()

    def __iter__(self) -> Iterator[Request]:
        return iter(self.requests)

    def __len__(self) -> int:
        return len(self.requests)

    def to_frame(self) -> pl.DataFrame:
        """One row a request; `cost` and `cost_limit` are the service's own, null where it was not asked."""
        import polars as pl

        kinds = {"dataset": pl.String, "variables": pl.String, "time": pl.String, "area": pl.String, "sites": pl.Int64,
                 "fields": pl.Int64, "megabytes": pl.Float64, "cost": pl.Float64, "cost_limit": pl.Float64,
                 "key": pl.String}
        rows = [(r.dataset, ", ".join(r.inputs["variable"]), _time(r.inputs), _place(r.inputs), len(r.sites), r.fields,
                 round(r.bytes / 1e6, 2), *(cost or (None, None)), r.key)
                for r, cost in zip(self.requests, self.costs or [None] * len(self.requests), strict=True)]
        return pl.DataFrame(rows, schema=kinds, orient="row")

    def __str__(self) -> str:
        out = f"; {len(self.left_out)} sites without coordinates are left out" if self.left_out else ""
        fields, size = sum(r.fields for r in self.requests), sum(r.bytes for r in self.requests) / 1e6
        return (f"{len(self.requests)} requests to the Climate Data Store, {fields:,} fields, "
                f"about {size:,.0f} MB unpacked ({self._whose()}){out}.")

    def _whose(self) -> str:
        """Whose word the cost is."""
        told = [cost for cost in self.costs if cost]
        if not told:
            return "talik's own estimate"
        over = sum(cost > most for cost, most in told)
        return (f"talik's own estimate; by the service's costing {sum(cost for cost, _ in told):,.0f} for {len(told)} "
                f"of them, {over} over its limit" + (" and to be halved" if over else ""))


def plan(sites: pl.DataFrame | Iterable[tuple[str, float, float]], years: tuple[int, int] | Iterable[int],
         variables: Iterable[str], *, at_points: Collection[str] = AT_POINTS, tile: float = 10.0, margin: float = 0.3,
         limit: int = LIMIT, today: date | None = None) -> Plan:
    """
    The requests that bring ERA5-Land to some sites.

    Point time series (hourly) for what the point data set has; for the rest, boxes around the sites: daily means for
    what is counted by days (degree-days, snow season), hourly components for wind speed, monthly means otherwise.

    Parameters
    ----------
    sites : frame with columns site, latitude, longitude, or iterable of (site, latitude, longitude)
        [degrees].
    years : (first, last), or iterable of int
        Calendar years, whole ones.
    variables : iterable of str
        Names of talik's catalogue, or fields of ERA5-Land by any of their names. "snow_season" asks for daily snow
        cover, "snow_cover" alone for monthly means, a thirtieth of the fields.
    at_points : collection of str
        Fields the point data set has: `AT_POINTS`, or what `talik.era5land.offers.probe` found; empty for areas only.
    tile, margin : float
        See `talik.era5land.boxes.boxes`.
    limit : int
        Fields a request.
    today : date, optional
        For tests.

    Returns
    -------
    Plan
        In a fixed order; the same question gives the same keys.

    Raises
    ------
    UsageError
        If a variable is unknown or fixed in time, or a year is not whole or before 1950.
    DataError
        If a coordinate is off the globe, or no site has any.

    Examples
    --------
    >>> print(plan([("Barrow", 71.3, -156.6), ("Tiksi", 71.6, 128.9)], (2014, 2023), ["snow_depth", "air_temperature"]))
    4 requests to the Climate Data Store, 242 fields, about 1 MB unpacked (talik's own estimate).
    """
    points, left_out = _points(sites)
    spans = _spans(_whole_years(years, today or date.today()))
    wanted = _resolutions(variables)
    here = sorted(name for name in wanted if name in at_points)
    made: list[Request] = []
    areas = boxes(points, tile=tile, margin=margin)
    if here:
        sharing: dict[tuple[float, float], list[str]] = {}
        for site, latitude, longitude in points:
            sharing.setdefault(cell(latitude, longitude), []).append(site)
        for (latitude, longitude), names in sharing.items():
            mine = [box for box in areas if set(names) & set(box.sites)]
            for span in spans:
                single = tuple(_at_point(latitude, longitude, span, [name], tuple(names),
                                         tuple(_areas(mine, [span], {name: wanted[name]}, limit))) for name in here)
                made.append(_at_point(latitude, longitude, span, here, tuple(names), single) if len(here) > 1
                            else single[0])
    made += _areas(areas, spans, {name: how for name, how in wanted.items() if name not in here}, limit)
    settings = {"years": spans, "variables": sorted(wanted), "at_points": here, "tile": tile, "margin": margin,
                "limit": limit}
    told = json.dumps([request.key for request in made]).encode()
    return Plan(tuple(made), left_out, settings, hashlib.sha256(told).hexdigest())


def _points(sites: Any) -> tuple[list[tuple[str, float, float]], tuple[tuple[str, str], ...]]:
    if hasattr(sites, "columns"):
        from talik.frames import as_frame, numbers

        frame = as_frame(sites, "sites", required=("site", "latitude", "longitude"))
        sites = zip(frame["site"].cast(str), numbers(frame, "latitude", "sites"), numbers(frame, "longitude", "sites"),
                    strict=True)
    points: list[tuple[str, float, float]] = []
    left_out: list[tuple[str, str]] = []
    for site, latitude, longitude in sites:
        if latitude is None or longitude is None or latitude != latitude or longitude != longitude:
            left_out.append((str(site), "no coordinates"))
        elif not (-90.0 <= latitude <= 90.0 and -180.0 <= longitude <= 360.0):
            raise DataError(f"sites: {site!r} at latitude {latitude:g}, longitude {longitude:g} is not on the globe; "
                            "expected -90 to 90 and -180 to 360 degrees. Swapped columns?")
        else:
            points.append((str(site), float(latitude), float(longitude)))
    if not points:
        raise DataError(f"sites: none of {len(left_out)} has coordinates; there is nothing to ask for.")
    return points, tuple(left_out)


def _whole_years(years: tuple[int, int] | Iterable[int], today: date) -> list[int]:
    given = tuple(years)
    chosen = range(given[0], given[1] + 1) if isinstance(years, tuple) and len(given) == 2 else sorted(set(given))
    if not chosen or chosen[0] < 1950 or chosen[-1] >= today.year:
        raise UsageError(f"years: got {given}; expected whole years, first to last, from 1950 to {today.year - 1}.")
    return list(chosen)


def _spans(years: list[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for year in years:
        if spans and spans[-1][1] == year - 1:
            spans[-1] = (spans[-1][0], year)
        else:
            spans.append((year, year))
    return spans


def _resolutions(variables: Iterable[str]) -> dict[str, str]:
    """Short names of the fields to fetch, each with the data set for areas that serves it finely enough."""
    wanted: dict[str, str] = {}
    for name in variables:
        if name in QUANTITY_OF:
            quantity = QUANTITIES[QUANTITY_OF[name]]
            dataset = HOURS if quantity.kind == "speed" else DAYS if name in BY_DAYS else MONTHS
            shorts: tuple[str, ...] = quantity.fields
        elif (short := known_field(name)) is not None:
            dataset, shorts = MONTHS, (short,)
        else:
            raise unknown("variable of ERA5-Land", name, [*QUANTITY_OF, *FIELDS])
        for short in shorts:
            if FIELDS[short].kind == "static":
                raise UsageError(f"variables: {name!r} does not change in time; it comes as a file with the "
                                 "documentation of ERA5-Land, which --static takes.")
            if (HOURS, DAYS, MONTHS).index(dataset) < (HOURS, DAYS, MONTHS, "").index(wanted.get(short, "")):
                wanted[short] = dataset
    if not wanted:
        raise UsageError("variables: none given; name at least one.")
    return wanted


def _at_point(latitude: float, longitude: float, span: tuple[int, int], shorts: list[str], sites: tuple[str, ...],
              other: tuple[Request, ...]) -> Request:
    inputs = {"variable": sorted(FIELDS[s].cds for s in shorts),
              "location": {"latitude": latitude, "longitude": longitude},
              "date": [f"{span[0]}-01-01/{span[1]}-12-31"], "data_format": "netcdf"}
    return _priced(Request(POINTS, inputs, 0, 0, sites, other), 0)


def _areas(areas: list[Box], spans: list[tuple[int, int]], wanted: dict[str, str], limit: int) -> list[Request]:
    made: list[Request] = []
    years = [str(year) for first, last in spans for year in range(first, last + 1)]
    for dataset in (MONTHS, DAYS, HOURS):
        names = sorted(FIELDS[short].cds for short, served in wanted.items() if served == dataset)
        if not names:
            continue
        for box in areas:
            common = {"variable": names, "area": box.area}
            if dataset != DAYS:          # its form has neither: one NetCDF file a variable, in an archive
                common |= {"data_format": "netcdf", "download_format": "unarchived"}
            most = min(limit, DAYS_LIMIT) if dataset == DAYS else limit
            for year in [years] if dataset == MONTHS else [[each] for each in years]:
                request = Request(dataset, common | _times(dataset, year), 0, 0, box.sites)
                made += _within(_priced(request, _BYTES * box.cells), most)
    return made


def _times(dataset: str, years: list[str]) -> dict[str, Any]:
    if dataset == MONTHS:
        return {"product_type": ["monthly_averaged_reanalysis"], "year": years, "month": list(_MONTHS),
                "time": ["00:00"]}
    if dataset == DAYS:      # the form of this data set takes one year at a time
        return {"year": years[0], "month": list(_MONTHS), "day": list(_DAYS), "daily_statistic": "daily_mean",
                "time_zone": "utc+00:00", "frequency": "1_hourly"}
    return {"year": years[0], "month": list(_MONTHS), "day": list(_DAYS), "time": list(_HOURS)}


def _within(request: Request, limit: int) -> list[Request]:
    parts = request.split() if request.fields > limit else ()
    return [piece for part in parts for piece in _within(part, limit)] or [request]


def _priced(request: Request, bytes_a_field: float) -> Request:
    inputs = request.inputs
    fields = len(inputs["variable"])
    if "date" in inputs:
        first, last = (date.fromisoformat(day) for day in inputs["date"][0].split("/"))
        return replace(request, fields=fields,
                       bytes=fields * (_BYTES * 24 * ((last - first).days + 1) + _HEADER))
    for axis in ("year", "month", "day", "time"):
        fields *= len(inputs[axis]) if isinstance(inputs.get(axis), list) else 1
    return replace(request, fields=fields, bytes=round(fields * bytes_a_field) or 1)


def _halves(values: list[str]) -> tuple[list[str], ...]:
    half = len(values) // 2
    return (values[:half], values[half:]) if half else ()


def _half_dates(span: str) -> tuple[list[str], ...]:
    first, last = (int(day[:4]) for day in span.split("/"))
    half = (first + last) // 2
    return ([f"{first}-01-01/{half}-12-31"], [f"{half + 1}-01-01/{last}-12-31"]) if last > first else ()


def _time(inputs: Mapping[str, Any]) -> str:
    if "date" in inputs:
        return str(inputs["date"][0])
    years = inputs["year"] if isinstance(inputs["year"], list) else [inputs["year"]]
    months = inputs["month"]
    return f"{years[0]}-{months[0]}/{years[-1]}-{months[-1]}"


def _place(inputs: Mapping[str, Any]) -> str:
    if "location" in inputs:
        return f"{inputs['location']['latitude']:g}, {inputs['location']['longitude']:g}"
    return "/".join(f"{side:g}" for side in inputs["area"])
