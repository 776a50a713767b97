"""The header of RBR's older loggers (XL-800, XR-420, TR-1060 ...) above a .dat or .hex body: clock, channels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from talik.errors import FileError
from talik.readers.preamble import beginning
from talik.readers.zones import Zone, chosen

_FIRST = re.compile(r"RBR\s+([A-Z]{2,4}-\d{3,4}[\w-]*)\s+([\d.]+)\s+(\d+)(.*)")
_STAMP = r"(\d\d)/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)"
_ZONE_WORD = re.compile(r"\b(AK[SD]T|[PMCE][SD]T|N?AST|NST|UTC|GMT)\b")


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: its unit as the logger names it, and the numbers of its calibration."""

    unit: str
    coefficients: tuple[float, ...]

    @property
    def is_temperature(self) -> bool:
        """Whether it measures temperature: by its unit, or, where that is "Unknown", by its thermistor equation."""
        if self.unit.lower().startswith("deg"):
            return True
        # the first coefficient of a thermistor is 1/T at a balanced bridge: 200 to 400 K
        return (
            self.unit.lower() == "unknown" and len(self.coefficients) == 4 and 1 / 400 < self.coefficients[0] < 1 / 200
        )


@dataclass(frozen=True, slots=True)
class LoggerHeader:
    """
    What stands above the body.

    Parameters
    ----------
    model, serial, title : str
        Of the logger; the title is what the user typed when starting it.
    start : datetime64
        "Logging start", on the logger's clock.
    period : timedelta64
        "Sample period".
    channels : tuple of Channel
        In the order of the columns.
    samples : int
        How many samples the header promises.
    lines : tuple of str
        The header's lines, as they stand.
    """

    model: str
    serial: str
    title: str
    start: np.datetime64
    period: np.timedelta64
    channels: tuple[Channel, ...]
    samples: int
    lines: tuple[str, ...]

    @property
    def zone_word(self) -> str | None:
        """A zone's abbreviation that the user typed into title or comment ("MDT"), when there is exactly one."""
        typed = " ".join([self.title, *(line for line in self.lines if line.startswith("COMMENT:"))])
        words = set(_ZONE_WORD.findall(typed))
        return words.pop() if len(words) == 1 else None

    def zone(self, argument: str | None) -> Zone:
        """The zone of the logger's clock: the caller's word, what the user typed into the header, else assumed."""
        return chosen(argument, self.zone_word)


def is_header(lines: Sequence[str]) -> bool:
    """Whether these lines begin an RBR .dat or .hex file."""
    return beginning(lines, _FIRST) is not None


def parsed(lines: Sequence[str], *, file: str) -> LoggerHeader:
    """
    The header from the lines of a file (the body may follow).

    Raises
    ------
    FileError
        If a line that dates or scales the body is missing, or the logger's clock had been reset.
    """
    at = beginning(lines, _FIRST)
    if at is None or (first := _FIRST.match(lines[at].strip())) is None:
        raise FileError(f"{file}, line 1: {lines[0][:60]!r} is not the first line of an RBR logger's file")
    start = _line(lines, rf"Logging start\s+{_STAMP}", "Logging start yy/mm/dd hh:mm:ss", file)
    period = _line(lines, r"Sample period\s+(?:(\d+) days? )?(\d\d):(\d\d):(\d\d)", "Sample period hh:mm:ss", file)
    counts = _line(lines, r"Number of channels\s*=\s*(\d+), number of samples\s*=\s*(\d+)", "Number of channels", file)
    days, hours, minutes, seconds = (int(part or 0) for part in period.groups())
    step = np.timedelta64(((days * 24 + hours) * 60 + minutes) * 60 + seconds, "s")
    if not step:
        raise FileError(f"{file}: the header's sample period is 00:00:00, so the samples cannot be dated")
    channels, calibrated = _channels(lines, int(counts[1]), file)
    title = "" if "(Windows" in first[4] or "(Ruskin" in first[4] else first[4].strip()
    return LoggerHeader(
        first[1],
        first[3],
        title,
        _date(start.groups(), file, start.string),
        step,
        channels,
        int(counts[2]),
        tuple(line.rstrip() for line in lines[: _header_end(lines, calibrated)]),
    )


def _line(lines: Sequence[str], pattern: str, expected: str, file: str) -> re.Match[str]:
    for line in lines[:200]:
        if match := re.match(pattern, line):
            return match
    raise FileError(f"{file}: the header has no line '{expected}'; the file is cut, or not an RBR .dat or .hex file")


def _date(parts: tuple[str, ...], file: str, line: str) -> np.datetime64:
    year, month, day, hour, minute, second = map(int, parts)
    try:
        # two digits of the year; the loggers were built from 1988 on
        return np.datetime64(f"{year + (1900 if year > 80 else 2000)}-{month:02d}-{day:02d}"
                             f"T{hour:02d}:{minute:02d}:{second:02d}", "us")
    except ValueError:
        raise FileError(f"{file}: {line.strip()!r} is no date (year/month/day): the logger's clock was reset, "
                        "so its samples cannot be dated") from None


def _channels(lines: Sequence[str], count: int, file: str) -> tuple[tuple[Channel, ...], int]:
    """
    Calibrations, and the lines up to their end.

    A line a channel (XL-800: number, type, parameters, unit) or four (XR-420: coefficients, unit).
    """
    number = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
    found: list[Channel] = []
    pending: list[float] = []
    end = 0
    for place, line in enumerate(lines[:200], 1):
        before = len(found)
        if match := re.fullmatch(rf"\s*\d+\s+2((?:\s+{number}){{7}})\s+(\S+)\s*", line):
            found.append(Channel(match[2], tuple(map(float, match[1].split()))))
        elif match := re.fullmatch(rf"(?:Calibration\s+\d+:|\s)\s*({number})(?:\s+([A-Za-z]\S*))?\s*", line):
            pending = [float(match[1])] if line.startswith("Calibration") else [*pending, float(match[1])]
            if match[2]:
                found.append(Channel(match[2], tuple(pending)))
        end = place if len(found) > before else end
    if len(found) != count:
        raise FileError(f"{file}: the header promises {count} channels and has the calibrations of {len(found)} "
                        "(four coefficients, or a line of type 2, and a unit each)")
    return tuple(found), end


def _header_end(lines: Sequence[str], calibrated: int) -> int:
    """Lines above the body, which begins behind the calibrations with numbers alone, a stamp or its size in bytes."""
    for number, line in enumerate(lines[calibrated:], calibrated):
        if re.match(r"\d{4}/\d\d/\d\d |\s*-?\d+(\.\d+)?(\s+-?\d+\.\d+)*\s*$|Number of bytes of data", line):
            return number
    return len(lines)
