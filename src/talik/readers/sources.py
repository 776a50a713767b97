"""Stamps of a file as UTC, with the words on how encoding, dates and zone were understood."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from talik.readers.clock import DAY
from talik.readers.registry import Head
from talik.readers.stamps import Stamps
from talik.readers.zones import Zone, carried
from talik.records import Source, Times


def sourced(
    head: Head, stamps: Stamps, zone: Zone, *, header: str, understood: tuple[str, ...] = ()
) -> tuple[Times, Source]:
    """
    Times in UTC and the `Source` of a record.

    Stamps that carry their own offsets are UTC already, and days are those of the clock they show. Stamps that are
    dates only, or all midnights, stand for days and are not shifted: 00:00 of a date in the file is 00:00 of that date
    in the record, whatever the zone.

    Parameters
    ----------
    head : Head
        Of the file.
    stamps : Stamps
        Proved stamps.
    zone : Zone
        Of the stamps.
    header : str
        The original header.
    understood : tuple of str
        Further sentences (numbers, depths, units).
    """
    times = stamps.times
    if stamps.absolute:
        zone, words = carried(stamps.offsets)
    elif stamps.dates_only or _midnights(stamps.times):
        zone, words = Zone("UTC", 0, "format"), _days(zone)
    else:
        times, words = zone.to_utc(times, file=head.name), zone.understood
    return times, Source(
        header=header,
        time_zone=zone.label,
        time_zone_from=zone.found_in,
        understood=tuple(filter(None, (head.encoding.how, stamps.how, words, *understood))),
    )


def _midnights(times: Times) -> bool:
    micros = times.view(np.int64)
    if (micros[:64] % DAY).any():                                           # most are told by their first stamps
        return False
    return not any((micros[k:k + 65536] % DAY).any() for k in range(0, micros.size, 65536))


def _days(zone: Zone) -> str:
    named = "" if zone.found_in == "assumed" else f", not shifted by {zone.label} (from the {zone.found_in})"
    return f"time zone: the stamps are dates; each stands for its day{named}"


def plus(source: Source, *sentences: str) -> Source:
    """The source with further sentences on what was understood."""
    return replace(source, understood=(*source.understood, *filter(None, sentences)))
