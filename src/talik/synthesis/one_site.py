"""Whether the files of one station are of one site: by the site, station or borehole that they name, and by place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from talik.errors import DataError
from talik.kernels.sphere import great_circle
from talik.records import Record
from talik.series.columns import Column
from talik.series.deployments import LONGEST_OVERLAP

NAMING = frozenset({"generic", "gtnp", "gtnp-export", "netcdf", "nrcs", "ntgs", "ntgs-export", "rihmi", "smet"})
"""Formats that name the site; what loggers write (title, serial number, station of a program) names a logger."""
FAR_KM = 1.0
"""Places farther apart are two sites."""
_NUMBERS = (("WMO", "wmo_id"), ("borehole", "borehole_id"))
"""Numbers of a site, and where a record's metadata has them."""

Shown = Callable[[str], str]


def same_site(site: str, records: Sequence[Record], shown: Shown, *, stated: bool, tolerance: float) -> list[str]:
    """
    What is to be known of files that make one station but do not all name one site.

    Parameters
    ----------
    site : str
        The station.
    records : sequence of Record
    shown : callable
        How a path is named.
    stated : bool
        Whether the settings list the files under this station. If not (a folder found by `each`), nobody has said that
        they are of one site, and a doubt is an error.
    tolerance : float
        Largest difference of depths of the same column [m].

    Returns
    -------
    list of str
        Empty where no file names a site, or all name the same.

    Raises
    ------
    DataError
        If not `stated`, and files name different sites or places more than 1 km apart, or one that names none neither
        adds the air or the ground to those that do nor goes on where they end, with the same columns.

    Examples
    --------
    >>> from talik.records import Source
    >>> t = np.arange("2020-01-01", "2020-01-03", dtype="M8[D]")
    >>> one, two = (Record(name, t, [0.5], [[-1.0], [-2.0]], source=Source(f"{name[0]}.csv", "ntgs"))
    ...             for name in ("Barrow", "Nome"))
    >>> same_site("north", [one, two], str, stated=True, tolerance=0.05)
    ['files name different sites (B.csv: Barrow; N.csv: Nome); taken as one, as the settings say']
    >>> same_site("north", [one, one], str, stated=False, tolerance=0.05)
    []
    """
    known = [(record, names_of(record)) for record in records]
    apart = _apart(known, shown)
    named, nameless = [r for r, names in known if names], [r for r, names in known if not names]
    if apart and not stated:
        raise DataError(f"{site}: {apart}. {_way_out(records, shown)}")
    said = [f"{apart}; taken as one, as the settings say"] if apart else []
    if not named or not nameless:
        return said
    whose, others = names_of(named[0])[0], f"{_files(named, shown)} {_name(named)}"
    loose = [] if stated else _loose(named, nameless, tolerance)
    if loose:
        raise DataError(
            f"{site}: {_files(loose, shown)} {_name(loose)} no site, {others} {whose}, and the "
            "columns neither add air to ground nor go on, at the same depths, where the others end. "
            f"{_way_out(records, shown)}")
    return [*said, f"{_files(nameless, shown)} {_name(nameless)} no site and {_name(nameless, 'is', 'are')} taken as "
                   f"of {whose}, which {others}"]


def names_of(record: Record) -> tuple[str, ...]:
    """
    The site that a record's file names, and numbers that mean the same; empty where it names none.

    Examples
    --------
    >>> from talik.records import Source
    >>> t = np.array(["2020-01-01"], "M8[D]")
    >>> [names_of(Record(site, t, [0.0], [[1.0]], source=Source("a.csv", form)))
    ...  for site, form in (("Barrow", "ntgs"), ("a", "gtnp"), ("Plot Title", "hobo"))]
    [('Barrow',), (), ()]
    """
    form, about = record.source.format, record.metadata
    if form not in NAMING:
        return ()
    own = record.site.partition(" (data set ")[0]
    called = [own] if _called(record) and not own.startswith("dataset ") else []
    numbers = [f"{word} {about[key]}" for word, key in _NUMBERS if about.get(key)]
    return tuple(dict.fromkeys([*called, *numbers]))


def _called(record: Record) -> bool:
    """Whether the file says the record's name; else that is the file's own name, or a title."""
    form, about = record.source.format, record.metadata
    if form == "generic":                     # a column of sites, or a line above the table
        return bool({"site", "site_id"} & set(about)) or any("; site " in said for said in record.source.understood)
    if form == "gtnp":
        return bool(about.get("name"))
    title = str(about.get("title") or "")
    return not (form == "netcdf" and title and record.site.startswith(title))


def _apart(known: Sequence[tuple[Record, tuple[str, ...]]], shown: Shown) -> str:
    """Which files name different sites, or places far from each other; "" when none do."""
    for (one, names), (two, others) in combinations(known, 2):
        if names and others and not {n.casefold() for n in names} & {n.casefold() for n in others}:
            listed = dict.fromkeys(f"{shown(r.source.path)}: {own[0]}" for r, own in known if own)
            return f"files name different sites ({'; '.join(listed)})"
        if (away := _distance(one, two)) > FAR_KM:
            return f"{shown(one.source.path)} and {shown(two.source.path)} name places {away:.3g} km apart"
    return ""


def _distance(one: Record, two: Record) -> float:
    """Between the places that two files name [km]; 0 where one names none."""
    places = [r.metadata.get(name) for r in (one, two) for name in ("latitude", "longitude")]
    known = [float(number) for number in places if isinstance(number, int | float) and np.isfinite(number)]
    return float(great_circle(*([number] for number in known)).item()) if len(known) == 4 else 0.0


def _loose(named: Sequence[Record], nameless: Sequence[Record], tolerance: float) -> list[Record]:
    """Those without a name that do not fit the others: neither the missing air or ground, nor a deployment of them."""
    fitting, left = list(named), list(nameless)
    while found := next((r for r in left if _fits(r, fitting, tolerance)), None):
        fitting.append(found)
        left = [r for r in left if r is not found]
    return left


def _fits(record: Record, others: Sequence[Record], tolerance: float) -> bool:
    kinds = _kinds(record)
    adds = bool(kinds) and not any(kinds & _kinds(other) for other in others)
    return adds or any(_goes_on(record, other, tolerance) for other in others)


def _kinds(record: Record) -> set[str]:
    """Of "air" and "ground", what a record has columns of."""
    columns = [Column(record, k) for k in range(record.depths.size)]
    return {"air" if c.depth < 0 or (np.isnan(c.depth) and "air" in c.label.lower()) else "ground"
            for c in columns if not np.isnan(c.depth) or "air" in c.label.lower()}


def _goes_on(one: Record, two: Record, tolerance: float) -> bool:
    a, b = np.sort(one.depths), np.sort(two.depths)
    same = a.size == b.size and np.allclose(a, b, rtol=0, atol=tolerance + 1e-9)
    if not (same and one.times.size and two.times.size):
        return False
    common = min(one.times.max(), two.times.max()) - max(one.times.min(), two.times.min())
    return bool(common <= LONGEST_OVERLAP)


def _files(records: Sequence[Record], shown: Shown) -> str:
    return ", ".join(dict.fromkeys(shown(r.source.path) for r in records))


def _name(records: Sequence[Record], one: str = "names", several: str = "name") -> str:
    return one if len({r.source.path for r in records}) == 1 else several


def _way_out(records: Sequence[Record], shown: Shown) -> str:
    return ("A folder is one station. Make each site a station of its own, [[series.stations]] with site = \"NAME\" "
            f"and files = [\"{shown(records[0].source.path)}\"]; all files listed under one site are taken as one.")
