"""Vemco Minilog: the older .000 text (Minilog-T) and the .csv of Logger Vue (Minilog-II-T); one sensor each."""

from __future__ import annotations

import re

import numpy as np

from talik.errors import FileError
from talik.readers.delimited import ended, split, trimmed
from talik.readers.depths import NO_DEPTHS, unit_of
from talik.readers.encoding import with_degrees
from talik.readers.numerals import fills_marked
from talik.readers.registry import CERTAIN, Head, Options, Reader
from talik.readers.stamps import Stamps, prove_dates
from talik.readers.zones import chosen, offset_in
from talik.records import Record, Source

_TITLE = re.compile(
    r"^\*?\s*Date\s*\((?P<date>[dmy/\-.,]+)\)\s*(?P<between>[,;\t| ])\s*Time\s*\(hh[:.,]mm[:.,]ss\)\s*"
    r"(?P<separator>[,;\t|])(?P<rest>.+)$",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"^\*?\s*([A-Za-z][\w /]*?)\s*[=:]\s*(.*)$")


def claims(head: Head) -> int:
    """Whether the title line `Date(...),Time(hh:mm:ss),...` stands among the first lines of a Minilog's file."""
    if head.binary:
        return CERTAIN * (head.suffix in (".vld", ".vdat"))
    named = any("minilog" in line.lower() for line in head.lines[:10])
    return CERTAIN * (named and any(_TITLE.match(_bare(line)) for line in head.lines[:20]))


def _bare(line: str) -> str:
    """A line of the header without the quotes and the blank cells that a spreadsheet puts around it."""
    return line.replace('"', "").replace("\u00a0", " ").strip(" ,;\t|")


def read(head: Head, options: Options) -> list[Record]:
    """The record of a Minilog file; a depth (pressure) column goes to `Record.others`."""
    if head.binary:
        raise FileError(f"{head.name}: is the logger's own binary form, which no other program reads; "
                        "export it as csv with Logger Vue or Fathom")
    lines = head.whole_text().splitlines()
    at, title = next(((i, m) for i, line in enumerate(lines[:20]) if (m := _TITLE.match(_bare(line)))), (0, None))
    if title is None:
        raise FileError(
            f"{head.name}: no line 'Date(...),Time(hh:mm:ss),...' among the first 20; not a Minilog's text file"
        )
    names = [with_degrees(name.strip()) for name in title["rest"].split(title["separator"])]
    entries = {m[1].strip().lower(): m[2].strip() for line in lines[:at] if (m := _ENTRY.match(_bare(line)))}
    together = title["between"] == " "
    first = 1 if together else 2
    numbers = [i + 1 for i in range(at + 1, len(lines)) if lines[i].strip() and not lines[i].lstrip().startswith("*")]
    rows = [trimmed(lines[n - 1], title["separator"], first + len(names)) for n in numbers]
    if title["separator"] == ",":
        rows = _without_commas(rows, first, names, in_date="," in title["date"])
    table = split(rows, title["separator"], width=first + len(names), file=head.name, numbers=numbers)
    stated = _order(title["date"], head.name, at + 1)
    rewritten = not re.match(re.sub("[dmy]", r"\\d", title["date"].lower().replace(",", "-")) + r"\b", table.text(0)[0])
    order = options.date_order or (None if rewritten else stated)
    stamps = prove_dates(
        table.text(0), clock=None if together else table.text(1), date_order=order, file=head.name, lines=numbers
    )
    _check_whole(entries, stamps, head)
    zone = chosen(options.timezone, offset_in(entries.get("minilog initialized", "")))
    warm = [(place, name) for place, name in enumerate(names) if unit_of(name)]
    if not warm:
        raise FileError(f"{head.name}, line {at + 1}: no temperature column among {', '.join(names)}")
    raw = table.matrix([first + place for place, _ in warm], [name for _, name in warm])
    raw = np.column_stack([unit.to_celsius(raw[:, i]) for i, (_, name) in enumerate(warm) if (unit := unit_of(name))])
    values, flags = fills_marked(raw)
    return [
        Record(
            entries.get("study description") or entries.get("study id") or head.path.stem,
            zone.to_utc(stamps.times, file=head.name),
            np.full(len(warm), np.nan),
            values,
            flags,
            labels=tuple(n for _, n in warm),
            source=Source(
                header="\n".join(lines[: at + 1]),
                time_zone=zone.label,
                time_zone_from=zone.found_in,
                understood=(
                    head.encoding.how,
                    stamps.how if rewritten else f"dates: {title['date']} (as the header says)",
                    zone.understood,
                    "units: " + ", ".join(sorted({unit.name for _, n in warm if (unit := unit_of(n))})) + " (header)",
                    NO_DEPTHS,
                ),
            ),
            metadata={
                "serial": entries.get("serial number") or _serial(entries.get("source device", "")),
                "logger": entries.get("id") or entries.get("source device", ""),
            },
            others={
                name: table.numbers(first + place, name=name) for place, name in enumerate(names) if not unit_of(name)
            },
        )
    ]


def _without_commas(rows: list[str], first: int, names: list[str], *, in_date: bool) -> list[str]:
    """Rows in which commas also stand inside stamps (2009,09,22,12,00,00) or a lone number (14,65), without those."""
    if in_date:
        return [re.sub(r"^(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)(?=,)", r"\1-\2-\3,\4:\5:\6", row) for row in rows]
    if len(names) == 1 and any(row.count(",") == first + 1 for row in rows):
        return [re.sub(r",(-?\d+),(\d+)\s*$", r",\1.\2", row) if row.count(",") == first + 1 else row for row in rows]
    return rows


def _check_whole(entries: dict[str, str], stamps: Stamps, head: Head) -> None:
    """The header tells when the logger stopped: the last row stands less than a sampling interval before it."""
    ended(head)
    stop = entries.get("study stop time") or entries.get("finish time") or ""
    period = entries.get("sample interval") or entries.get("sample period") or ""
    interval = re.fullmatch(r"(\d+):(\d\d):(\d\d)", period)
    if not re.fullmatch(r"[\d/.-]+ \d\d:\d\d:\d\d", stop) or interval is None:
        return
    hours, minutes, seconds = (int(part) for part in interval.groups())
    times = stamps.times
    order = "YMD" if re.match(r"\d{4}", stop) else stamps.order
    due = prove_dates([stop], date_order=order, file=head.name).times[0]
    if due - times[-1] > np.timedelta64(hours * 3600 + minutes * 60 + seconds, "s"):
        raise FileError(
            f"{head.name}: ends at {times[-1]}, its header says the logger stopped at {due}: the file is cut"
        )


def _order(pattern: str, file: str, line: int) -> str:
    order = "".join(dict.fromkeys(letter.upper() for letter in pattern if letter in "dmyDMY"))
    if order not in ("DMY", "MDY", "YMD"):
        raise FileError(f"{file}, line {line}: the order of the dates {pattern!r} is not known")
    return order


def _serial(device: str) -> str:
    return device.rsplit("-", 1)[-1] if "-" in device else ""


READER = Reader("vemco", "Vemco Minilog .000 or .csv", claims, read)
