"""What arrived is opened before it is kept: kind by its first bytes, archives by CRC and under limits."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from talik.era5land.fields import known_field
from talik.errors import FileError
from talik.files import replacing
from talik.readers.archives import Limits

_PIECE = 1 << 20
_ENDINGS = {b"CDF\x01": ".nc", b"CDF\x02": ".nc", b"CDF\x05": ".nc", b"\x89HDF": ".nc", b"GRIB": ".grib",
            b"PK\x03\x04": ".zip"}


class Spoiled(FileError):
    """What arrived is not what a whole answer looks like; asking again may help."""


def ending(path: Path) -> str:
    """
    ".nc", ".grib" or ".zip", by the first bytes.

    Raises
    ------
    Spoiled
        If it is none of these: a web page, an error text, an empty file.
    """
    with open(path, "rb") as stream:
        return _ending(stream.read(4), path.name)


def _ending(head: bytes, name: str) -> str:
    if head not in _ENDINGS:
        raise Spoiled(f"{name}: begins with {head!r}: neither NetCDF, GRIB nor a zip archive")
    return _ENDINGS[head]


def opens(path: Path) -> None:
    """
    Open a NetCDF or GRIB file as far as it takes to see that it is whole.

    Raises
    ------
    Spoiled
        If it is cut, damaged or holds no data.
    """
    kind = ending(path)
    if kind == ".zip":
        raise Spoiled(f"{path.name}: an archive within an archive: refused")
    with open(path, "rb") as stream:
        head = stream.read(4)
        stream.seek(-4, 2)
        if kind == ".grib" and stream.read() != b"7777":
            raise Spoiled(f"{path.name}: the last GRIB message has no end: cut")
    if head in (b"CDF\x01", b"CDF\x02"):
        _read_classic(path)
    elif head == b"\x89HDF" and find_spec("h5py"):
        _open_hdf(path)


def is_void(path: Path) -> bool:
    """
    Whether every value of every field of ERA5-Land in a NetCDF file is missing, as over sea; False where there is none.

    Without h5py, only classic files can be looked into, and others count as not void.
    """
    if ending(path) != ".nc":
        return False
    with open(path, "rb") as stream:
        hdf = stream.read(4) == b"\x89HDF"
    if hdf and not find_spec("h5py"):
        return False
    found = [np.isnan(values) | (values == fill) for values, fill in (_hdf_fields if hdf else _classic_fields)(path)]
    return bool(found) and all(bool(missing.all()) for missing in found)


def _hdf_fields(path: Path) -> list[tuple[NDArray[np.float64], float]]:
    import h5py

    with h5py.File(path, "r") as file:
        return [(np.asarray(file[name][...], float), float(np.ravel(file[name].attrs.get("_FillValue", np.nan))[0]))
                for name in file if known_field(name)]


def _classic_fields(path: Path) -> list[tuple[NDArray[np.float64], float]]:
    from scipy.io import netcdf_file

    with netcdf_file(path, "r", mmap=False) as file:
        return [(np.array(variable.data, float), float(getattr(variable, "_FillValue", np.nan)))
                for name, variable in file.variables.items() if known_field(name)]


def _read_classic(path: Path) -> None:
    from scipy.io import netcdf_file

    try:
        with netcdf_file(path, "r", mmap=False) as file:
            full = any(variable.data.size for variable in file.variables.values())
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, OSError) as error:
        raise Spoiled(f"{path.name}: cut or damaged ({str(error)[:120]})") from error
    if not full:
        raise Spoiled(f"{path.name}: holds no data")


def _open_hdf(path: Path) -> None:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            full = any(isinstance(file[name], h5py.Dataset) and file[name].size for name in file)
    except (OSError, RuntimeError, KeyError) as error:
        raise Spoiled(f"{path.name}: cut or damaged ({str(error)[:120]})") from error
    if not full:
        raise Spoiled(f"{path.name}: holds no data")


def unpacked(path: Path, *, limits: Limits, check: Callable[[Path], None]) -> list[Path]:
    """
    The files of an archive, each checked by its CRC and opened; numbered, because names in archives are not safe.

    Parameters
    ----------
    path : Path
        The archive.
    limits : Limits
        Beyond which it is refused while unpacking.
    check : callable
        Opens each file; `opens` or more.

    Returns
    -------
    list of Path
        Beside the archive, under its name and a number: not yet under a name of their own.

    Raises
    ------
    Spoiled
        If it is damaged, goes beyond a limit, or holds something that is neither NetCDF nor GRIB.
    FileError
        If the disk is full.
    """
    made: list[Path] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if not 0 < len(members) <= limits.members:
                raise Spoiled(f"{path.name}: holds {len(members)} files, 1 to {limits.members} are expected")
            room = limits.size
            for number, info in enumerate(members, 1):
                target = path.with_suffix(f".{number}.part")
                with replacing(target) as part:
                    room -= _unpack(archive, info, part, room, limits, path.name)
                    check(part)
                made.append(target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Spoiled(f"{path.name}: is not a whole zip archive ({str(error)[:100]})") from error
    return made


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, part: Path, room: int, limits: Limits, name: str) -> int:
    size = 0
    with archive.open(info) as source, open(part, "wb") as target:
        while piece := source.read(_PIECE):
            size += len(piece)
            if size > room or (size > _PIECE and size > limits.ratio * max(info.compress_size, 1)):
                raise Spoiled(f"{name}: unpacks to more than is expected: refused as a zip bomb")
            target.write(piece)
    return size
