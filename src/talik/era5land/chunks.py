"""Blocks of a lazy array: Zarr chunks unpacked straight from their files where the codecs allow, else as they come."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError

Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True)
class Packing:
    """How an array is packed into int16: value = packed x `scale` + `shift`, and the packed value that means none."""

    scale: float
    shift: float
    missing: int

    def floats(self, packed: NDArray[np.int16]) -> NDArray[np.float32]:
        """The packed whole numbers as float32, which holds them exactly; NaN where missing."""
        values = packed.astype(np.float32)
        values[packed == self.missing] = np.nan
        return values


def packing(array: Any) -> Packing | None:
    """How a local Zarr array is packed; None for one that is not, or not into int16."""
    how = array.encoding
    if not how.get("zarr_store") or how.get("dtype") is None or np.dtype(how["dtype"]) != np.int16:
        return None
    missing = how.get("_FillValue")
    return Packing(float(how.get("scale_factor", 1.0)), float(how.get("add_offset", 0.0)),
                   NEVER if missing is None else int(missing))


NEVER = 1 << 15
"""No int16."""


def read_packed(array: Any, box: Box) -> NDArray[np.int16]:
    """
    The packed values of a box of an array that has a `packing`; valid until the thread reads another chunk of it.

    Raises
    ------
    FileError
        If a chunk's checksum does not fit.
    """
    store, name = str(array.encoding["zarr_store"]), str(array.encoding["zarr_name"])
    read = _reader(store, name)
    if read is not None and (chunk := read(box)) is not None:
        return chunk
    try:
        return np.asarray(_stored(store, name)[box])
    except (OSError, RuntimeError, ValueError) as error:
        raise FileError(f"{store}: {name} cannot be read ({str(error)[:200]}). Write the store again.") from error


def read_block(array: Any, box: Box) -> NDArray[Any]:
    """
    The values of a box (time, latitude, longitude) of a lazy DataArray, float32 or float64.

    A box that is one whole chunk of a local Zarr v3 array (Blosc or Zstd, with or without Crc32c) is unpacked without
    Zarr's own machinery, which costs as much as the unpacking; its checksum is verified all the same. Such values stay
    valid until the thread reads another chunk of the array.

    Raises
    ------
    FileError
        If a chunk's checksum does not fit.
    """
    whole = whole_chunks(array)
    if whole is not None and (chunk := whole(box)) is not None:
        return chunk
    try:
        values: NDArray[Any] = array[box].values
    except (OSError, RuntimeError, ValueError) as error:
        raise FileError(f"{array.encoding.get('source', array.name)}: {array.name} cannot be read "
                        f"({str(error)[:200]}). Fetch the file again.") from error
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)


def chunk_shape(array: Any) -> tuple[int, int, int] | None:
    """The chunks of an array on disk, or None when it is stored in one piece or in memory."""
    found = array.encoding.get("preferred_chunks") or array.encoding.get("chunksizes")
    if isinstance(found, dict):
        found = tuple(found.get(name, size) for name, size in zip(array.dims, array.shape, strict=True))
    if not found or len(found) != 3 or len(found) != array.ndim:
        return None
    return tuple(min(int(c), int(n)) for c, n in zip(found, array.shape, strict=True))  # type: ignore[return-value]


def whole_chunks(array: Any) -> Callable[[Box], NDArray[Any] | None] | None:
    """A reader of whole chunks of a local Zarr array, which gives None for a box that is not one; or None."""
    source = array.encoding.get("zarr_store", "")
    plain = not {"scale_factor", "add_offset"} & set(array.encoding) and array.dtype in (np.float32, np.float64)
    marked = array.encoding.get("_FillValue")
    if not source or not plain or not (marked is None or np.isnan(marked)):
        return None
    return _reader(str(source), str(array.encoding["zarr_name"]))


@lru_cache(maxsize=256)
def _reader(store: str, name: str) -> Callable[[Box], NDArray[Any] | None] | None:
    from numcodecs import blosc, zstd
    from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ZstdCodec

    array = _stored(store, name)
    codecs: Any = getattr(array.metadata, "codecs", ())
    kinds: tuple[Any, ...] = (BytesCodec, (BloscCodec, ZstdCodec), Crc32cCodec)
    known = [isinstance(codec, kind) for codec, kind in zip(codecs, kinds, strict=False)]
    fill = array.fill_value
    if (getattr(array.metadata, "zarr_format", 2) != 3 or len(codecs) not in (2, 3) or not all(known)
            or array.ndim != 3 or np.dtype(array.dtype).byteorder == ">"):
        return None
    checked = len(codecs) == 3
    unpack = blosc.decompress if isinstance(codecs[1], BloscCodec) else zstd.decompress
    chunks, shape, dtype = array.chunks, array.shape, np.dtype(array.dtype)
    folder = Path(store) / name

    def read(box: Box) -> NDArray[Any] | None:
        index = []
        for part, chunk, size in zip(box, chunks, shape, strict=True):
            start, stop, step = part.indices(size)
            if start % chunk or step != 1 or stop != min(start + chunk, size):
                return None
            index.append(start // chunk)
        path = folder / array.metadata.encode_chunk_key(tuple(index))
        try:
            packed = _content(path)
        except FileNotFoundError:
            values = np.full(chunks, fill, dtype)         # a chunk that was never written
        else:
            values = _unpacked(packed, path, checked, unpack, _room((store, name), chunks, dtype))
        return values[tuple(slice(0, p.indices(n)[1] - p.indices(n)[0]) for p, n in zip(box, shape, strict=True))]

    return read


@lru_cache(maxsize=256)
def _stored(store: str, name: str) -> Any:
    import zarr

    return zarr.open_array(store=store, path=name, mode="r")


def _unpacked(packed: NDArray[np.uint8], path: Path, checked: bool, unpack: Callable[[Any, Any], object],
              out: NDArray[Any]) -> NDArray[Any]:
    import google_crc32c

    body = packed[:-4] if checked else packed
    if checked and google_crc32c.value(body) != int.from_bytes(packed[-4:].tobytes(), "little"):
        raise FileError(f"{path}: the chunk is damaged (its checksum does not fit). Write the store again.")
    try:
        unpack(body, out)
    except (RuntimeError, ValueError) as error:
        raise FileError(f"{path}: the chunk cannot be unpacked ({error}). Write the store again.") from error
    return out


def _content(path: Path) -> NDArray[np.uint8]:
    """The bytes of a file, in memory that the thread uses again and again: fresh memory costs more than the reading."""
    with path.open("rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        kept: NDArray[np.uint8] = _KEPT.__dict__.setdefault("content", np.empty(0, np.uint8))
        if kept.size < size:
            kept = _KEPT.content = np.empty(size + size // 4, np.uint8)
        done = 0
        while done < size and (count := stream.readinto(kept.data[done:size])):
            done += count
    if done < size:
        raise FileError(f"{path}: ends early. Is the store being written?")
    return kept[:size]


_KEPT = threading.local()


def _room(name: tuple[str, str], chunks: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Memory to unpack into, used again and again: fresh memory costs as much as the unpacking. Two a thread."""
    rooms: dict[tuple[str, str], NDArray[Any]] = _KEPT.__dict__.setdefault("rooms", {})
    room = rooms.pop(name, None)
    if room is None or room.shape != chunks or room.dtype != dtype:
        room = np.empty(chunks, dtype)
    rooms[name] = room
    while len(rooms) > 2:
        del rooms[next(iter(rooms))]
    return room
