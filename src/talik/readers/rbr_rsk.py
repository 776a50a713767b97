"""RBR's .rsk: an SQLite data base of Ruskin's, opened read-only and immutable, so that not even a lock is left."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.depths import NO_DEPTHS
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.thermistor import OPEN_NOTE, ends_marked
from talik.readers.zones import ASSUMED, Zone, chosen, offset_label
from talik.records import Record, Source

_MAGIC = b"SQLite format 3\0"
_CHUNK = 50_000
_HOUR = 3_600_000


def read(head: Head, options: Options) -> list[Record]:
    """The record of an .rsk file: its temperature channels; the others under `Record.others`."""
    _check_whole(head)
    address = f"file:{quote(str(head.path.resolve()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as base:
            return [_record(base, head, options)]
    except sqlite3.Error as error:
        raise FileError(f"{head.name}: not a whole .rsk data base (SQLite says: {error}). Save it again in Ruskin, "
                        "or copy it again from the logger.") from error


def _check_whole(head: Head) -> None:
    """The header of an SQLite file has its number of pages, valid when two counters in it agree."""
    page, pages = int.from_bytes(head.content[16:18], "big"), int.from_bytes(head.content[28:32], "big")
    valid = head.content[24:28] == head.content[92:96]
    due = pages * (65536 if page == 1 else page)
    if head.size < 100 or (valid and head.size < due):
        raise FileError(f"{head.name}: {head.size} bytes where its header promises {due}: the file is cut")


def _record(base: sqlite3.Connection, head: Head, options: Options) -> Record:
    version, kind = _first(base, "SELECT version, type FROM dbInfo ORDER BY rowid DESC", ("", ""))
    if str(version).split(".")[0] not in ("", "1", "2"):
        raise FileError(f"{head.name}: is of rsk version {version}; those before 3 are read. Export it from Ruskin as "
                        "text or as a workbook.")
    columns = [name for name in _columns(base, "data") if re.fullmatch(r"channel\d+", name)]
    channels = _channels(base, len(columns), head.name)
    stamps, values = _samples(base, columns)
    if not stamps.size:
        raise FileError(f"{head.name}: its table 'data' holds no samples (a download that was not converted?). "
                        "Open it in Ruskin and save it.")
    serial, model = _first(base, "SELECT serialID, model FROM instruments", ("", "RBR"))
    zone, how = _zone(base, options)
    warm = [i for i, (_, unit) in enumerate(channels) if _is_temperature(unit)]
    if not warm:
        raise FileError(f"{head.name}: has no temperature channel; it has "
                        + ", ".join(f"{name} [{unit}]" for name, unit in channels))
    units = [channels[i][1] for i in warm]
    celsius, flags = ends_marked(_celsius(values[:, warm], units))
    return Record(
        str(serial) or head.path.stem,
        zone.to_utc(stamps.astype("M8[us]"), file=head.name),
        np.full(len(warm), np.nan),
        celsius,
        flags,
        labels=tuple(f"{columns[i]} {channels[i][0]}" for i in warm),
        source=Source(
            header=f"{model} {serial}, rsk {version} ({kind})",
            time_zone=zone.label,
            time_zone_from=zone.found_in,
            understood=(
                how,
                f"units: {', '.join(sorted(set(units)))} (the data base)",
                NO_DEPTHS,
                OPEN_NOTE,
            ),
        ),
        metadata={"logger": str(model), "serial": str(serial)},
        others={
            f"{columns[i]} {channels[i][0]} [{channels[i][1]}]": values[:, i].copy()
            for i in range(len(columns))
            if i not in warm
        },
    )


def _columns(base: sqlite3.Connection, table: str) -> list[str]:
    return [str(row[1]) for row in base.execute(f"PRAGMA table_info({table})")]       # the names are this module's own


def _first(base: sqlite3.Connection, query: str, otherwise: tuple[str, ...]) -> tuple[object, ...]:
    try:
        return base.execute(query).fetchone() or otherwise
    except sqlite3.OperationalError:  # tables and columns came and went with Ruskin's versions
        return otherwise


def _channels(base: sqlite3.Connection, count: int, file: str) -> list[tuple[str, str]]:
    """Name and unit of each data column: the channels in order, without derived ones where those have no column."""
    names = _columns(base, "channels")
    if not names or not count:
        raise FileError(f"{file}: has no table of samples or of channels: an SQLite data base, but not a whole .rsk")
    unit = "unitsPlainText" if "unitsPlainText" in names else "units"
    derived = "isDerived" if "isDerived" in names else "0"
    found = base.execute(f"SELECT channelID, longName, {unit}, {derived} FROM channels ORDER BY channelID").fetchall()
    hidden = _hidden(base)
    kept = found if len(found) == count else [row for row in found if not row[3] and row[0] not in hidden]
    order, numbered = _order(base), {row[0]: row for row in kept}
    if len(order) == count and set(order) == set(numbered):
        kept = [numbered[channel] for channel in order]
    if len(kept) != count:
        raise FileError(f"{file}: {count} columns of samples for {len(kept)} channels: which is which is not known")
    return [(str(name or ""), str(unit or "")) for _, name, unit, _ in kept]


def _order(base: sqlite3.Connection) -> list[int]:
    """The channels as the instrument has them, some of them several times; empty in files of old versions."""
    if "channelOrder" not in _columns(base, "instrumentChannels"):
        return []
    return [row[0] for row in base.execute("SELECT channelID FROM instrumentChannels ORDER BY channelOrder")]


def _hidden(base: sqlite3.Connection) -> set[int]:
    """Channels that the instrument samples for its own use and does not hand out."""
    if "channelStatus" not in _columns(base, "instrumentChannels"):
        return set()
    return {row[0] for row in base.execute("SELECT channelID FROM instrumentChannels WHERE channelStatus = 4")}


def _samples(base: sqlite3.Connection, columns: list[str]) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    names = ", ".join(f'"{name}"' for name in columns)
    cursor = base.execute(f"SELECT tstamp, {names} FROM data ORDER BY tstamp")
    chunks = [np.array(rows, dtype=np.float64) for rows in _chunks(cursor)]
    table = np.concatenate(chunks) if chunks else np.empty((0, 1 + len(columns)))
    return table[:, 0].astype(np.int64).astype("M8[ms]"), table[:, 1:]


def _chunks(cursor: sqlite3.Cursor) -> Iterator[list[tuple[float, ...]]]:
    while rows := cursor.fetchmany(_CHUNK):
        yield rows


def _zone(base: sqlite3.Connection, options: Options) -> tuple[Zone, str]:
    """
    The zone of the logger's clock.

    An .rsk keeps the clock's digits as they are. Where Ruskin noted both an offset from UTC and by how much the
    logger's clock stood off the computer's, the two tell whether the clock ran on UTC or on local time.
    """
    if options.timezone:
        zone = chosen(options.timezone)
        return zone, zone.understood
    noted = _first(
        base, "SELECT value FROM parameterKeys WHERE key = 'OFFSET_FROM_UTC' ORDER BY parameterID DESC", ("",)
    )[0]
    drift = _first(base, "SELECT loggerTimeDrift FROM deployments", ("",))[0]
    try:
        offset = float(str(noted)) * _HOUR
        away = float(str(drift))
    except ValueError:
        return ASSUMED, ASSUMED.understood
    if abs(away - offset) < _HOUR:
        zone = Zone(offset_label(round(offset / 60_000)), round(offset / 60_000), "metadata")
    elif abs(away) < _HOUR:
        zone = Zone("UTC", 0, "metadata")
    else:
        return ASSUMED, (
            f"time zone: taken as UTC; the file notes an offset of {offset / _HOUR:+g} h from UTC and a clock "
            f"{away / _HOUR:+.2f} h off the computer's, which fit neither local time nor UTC"
        )
    return zone, (
        f"time zone: {zone.label}; the file notes {offset / _HOUR:+g} h from UTC, and the logger's clock stood "
        f"{away / _HOUR:+.2f} h off the computer's when it was read"
    )


def _is_temperature(unit: str) -> bool:
    return unit.replace("°", "deg").replace("_", "").replace(" ", "").lower() in {
        "degc",
        "degreesc",
        "c",
        "degf",
        "degreesf",
    }


def _celsius(values: NDArray[np.float64], units: list[str]) -> NDArray[np.float64]:
    fahrenheit = np.array([unit.strip().upper().endswith("F") for unit in units])
    return np.where(fahrenheit, (values - 32) / 1.8, values)


READER = Reader("rbr-rsk", "RBR .rsk (SQLite)",
                lambda head: CERTAIN if head.content.startswith(_MAGIC) and head.suffix == ".rsk" else False, read)
