"""
RBR .hex bodies: raw counts of the converter, with the logger's stamps between them, to degrees Celsius and times.

XR-420: 24-bit counts; r = count / 2**24 of the bridge, x = ln(1/r - 1), and 1/T = c0 + c1 x + c2 x² + c3 x³.
XL-800: 12-bit counts; r = count / (2048 gain), and 1/T = 1/273.15 + ln(R_ref/R_0 (1/r - 1)) / beta.
Both were checked sample by sample against the .dat files that RBR's own software wrote of the same memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError
from talik.readers.rbr_header import Channel, LoggerHeader
from talik.readers.thermistor import ZERO_CELSIUS, celsius

_EVENTS = {b"TIM": "time stamp", b"STP": "stop", b"REC": "recovery", b"CHG": "change of start-up"}
_STAMP_BLOCK = bytes.fromhex("80007fff0203")
_VALID = 2
"""Upper four bits of an XL-800 word that holds a reading; 0 marks one that the converter could not take."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Stamps on the logger's clock (n,), values in the channels' units (n, m), and what was noticed on the way."""

    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    notes: tuple[str, ...] = ()


def samples(lines: Sequence[str], header: LoggerHeader, *, file: str) -> Samples:
    """
    The samples of a .hex file.

    Parameters
    ----------
    lines : sequence of str
        All lines of the file.
    header : LoggerHeader
        Its header.
    file : str
        Its name, for messages.

    Raises
    ------
    FileError
        If bytes are missing or are no hexadecimal digits, a stamp's checksum is wrong, or a stamp is no date; the
        message has the line or the offset of the byte in the body.
    """
    if not re.fullmatch(r"(XL-800|XR-420)(-T\d+)?", header.model):
        raise FileError(f"{file}: the memory of a {header.model} is not known here; have RBR's software write the .dat")
    body = _bytes(lines, file)
    if header.model.startswith("XL"):
        return _xl800(body, header, file)
    size = next(
        (int(match[1]) for line in header.lines if (match := re.match(r"Number of bytes in header (\d+)", line))), None
    )
    if size is None:
        raise FileError(f"{file}: no line 'Number of bytes in header': where the samples start is not known")
    return _xr420(body[size:], header, size, file)


def _bytes(lines: Sequence[str], file: str) -> bytes:
    at = next((i for i, line in enumerate(lines) if line.startswith("Number of bytes of data")), None)
    if at is None:
        raise FileError(f"{file}: no line 'Number of bytes of data': the file ends before its body")
    digits = lines[at].split()[-1]
    if not digits.isdigit():
        raise FileError(f"{file}, line {at + 1}: {lines[at].strip()!r} has no number of bytes")
    promised = int(digits)
    rows = [line for line in lines[at + 1:] if "|" not in line]
    try:
        body = bytes.fromhex("".join(rows))
    except ValueError:
        number = next((i for i, line in enumerate(lines[at + 1:], at + 2)
                       if "|" not in line and re.search(r"[^0-9A-Fa-f\s]", line)), len(lines))
        raise FileError(
            f"{file}, line {number}: {lines[number - 1].strip()[:40]!r} is not made of pairs of hexadecimal digits"
        ) from None
    if len(body) != promised:
        raise FileError(f"{file}: the body has {len(body)} bytes, its header promises {promised}: the file is "
                        f"{'cut' if len(body) < promised else 'longer than it says'} (read it from the logger again)")
    return body


def _xr420(body: bytes, header: LoggerHeader, offset: int, file: str) -> Samples:
    channels = len(header.channels)
    if len(body) % 3:
        raise FileError(
            f"{file}, byte {offset + len(body) // 3 * 3} of the body: {len(body) % 3} bytes are left over from "
            "whole counts of 3 bytes"
        )
    counts = np.frombuffer(body, np.uint8).reshape(-1, 3).astype(np.int64) @ np.array([65536, 256, 1])
    events = _events(body, counts)
    rows: list[NDArray[np.int64]] = []
    times: list[NDArray[np.datetime64]] = []
    notes: list[str] = []
    clock, begin = header.start, 0
    for at, kind in (*events, (counts.size, b"")):
        segment = counts[begin:at]
        whole = segment.size // channels
        if segment.size % channels:
            notes.append(
                f"{segment.size % channels} counts before the {_named(kind)} make no whole sample and were left out"
            )
        rows.append(segment[:whole * channels])
        times.append(clock + np.arange(whole) * header.period)
        clock = clock + whole * header.period
        if kind == b"TIM":
            stamp = _packed_date(body[3 * at + 6:3 * at + 12], offset + 3 * at, file)
            if stamp != clock:
                notes.append(f"the clock was set while logging: {stamp} where {clock} was due")
            clock = stamp
        begin = at + 4
    raw = np.concatenate(rows).reshape(-1, channels)
    found = ", ".join(_named(kind) for _, kind in events)
    return Samples(np.concatenate(times), _steinhart_hart(raw / 2.0**24, header.channels),
                   (*notes, *([f"events in the logger's memory: {found}"] if found else [])))


def _events(body: bytes, counts: NDArray[np.int64]) -> list[tuple[int, bytes]]:
    """Positions of event records: a count of zero, then three capital letters, then a date of twelve decimal digits."""
    found: list[tuple[int, bytes]] = []
    for at in np.flatnonzero(counts == 0):
        record = body[3 * at + 3:3 * at + 12]
        if len(record) == 9 and re.fullmatch(rb"[A-Z]{3}", record[:3]) and record[3:].hex().isdecimal():
            found.append((int(at), record[:3]))
    return found


def _named(kind: bytes) -> str:
    return _EVENTS.get(kind, f"event {kind.decode()}") if kind else "end of the body"


def _steinhart_hart(ratio: NDArray[np.float64], channels: tuple[Channel, ...]) -> NDArray[np.float64]:
    short = [i for i, channel in enumerate(channels, 1) if len(channel.coefficients) != 4]
    if short:
        raise FileError(
            f"channel {short[0]}: has {len(channels[short[0] - 1].coefficients)} coefficients; the thermistor "
            "equation needs four"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        balance = np.log(1 / ratio - 1)                                # infinite at a count of zero: a short circuit
    return celsius(balance, np.array([channel.coefficients for channel in channels]))


def _xl800(body: bytes, header: LoggerHeader, file: str) -> Samples:
    channels, block = len(header.channels), len(_STAMP_BLOCK) + 8
    stamps = [match.start() for match in re.finditer(re.escape(_STAMP_BLOCK), body) if match.start() % 2 == 0]
    if not stamps or stamps[0] != 0:
        raise FileError(f"{file}, byte 0 of the body: no stamp stands there: the logger's memory holds no series that "
                        "could be dated (its clock or its batteries failed)")
    rows: list[NDArray[np.uint16]] = []
    times: list[NDArray[np.datetime64]] = []
    for begin, end in zip(stamps, [*stamps[1:], len(body)], strict=True):
        head = body[begin:begin + block]
        if len(head) < block or (sum(head[:-2]) + int.from_bytes(head[-2:], "big")) % 65536:
            raise FileError(f"{file}, byte {begin} of the body: the stamp's checksum is wrong")
        words = np.frombuffer(body[begin + block:end], ">u2")
        odd = ~np.isin(words >> 12, (0, _VALID))
        if words.size % channels or odd.any():
            where = begin + block + 2 * (int(np.argmax(odd)) if odd.any() else words.size // channels * channels)
            raise FileError(
                f"{file}, byte {where} of the body: expected whole samples of {channels} readings up to the "
                f"next stamp, got {'a word that is no reading' if odd.any() else 'a part of one'}"
            )
        rows.append(words)
        whole = words.size // channels
        times.append(_packed_date(head[6:12], begin, file) + np.arange(whole) * header.period)
    raw = np.concatenate(rows).reshape(-1, channels)
    return Samples(np.concatenate(times), _beta(raw, header.channels, file))


def _beta(words: NDArray[np.uint16], channels: tuple[Channel, ...], file: str) -> NDArray[np.float64]:
    if any(len(channel.coefficients) != 7 for channel in channels):
        raise FileError(
            f"{file}: a channel's calibration is not of type 2 (seven parameters), which is the one known here"
        )
    r_0, beta, r_ref, gain = np.array([channel.coefficients[:4] for channel in channels]).T
    gain = np.where(gain > 0, gain, 1.0)
    # RBR's software puts 0.01 for a count of zero (an open circuit); so does this
    counts = np.where(words == 0, 0.01, words & 0x0FFF) / gain
    counts[(words >> 12 != _VALID) & (words != 0)] = np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        bridge = np.log(r_ref / r_0 * (2048 / counts - 1))
    return celsius(bridge, np.column_stack([np.full_like(beta, 1 / ZERO_CELSIUS), 1 / beta]))


def _packed_date(packed: bytes, offset: int, file: str) -> np.datetime64:
    digits = packed.hex()
    year, rest = digits[:2], [digits[i:i + 2] for i in range(2, 12, 2)]
    try:
        century = 1900 if int(year) > 80 else 2000
        return np.datetime64("{}-{}-{}T{}:{}:{}".format(century + int(year), *rest), "us")
    except ValueError:
        raise FileError(
            f"{file}, byte {offset} of the body: the stamp {digits!r} is no date (yymmddhhmmss): the logger's "
            "clock failed"
        ) from None
