"""What arrived is opened before it is kept: kind by its first bytes, archives by CRC and under limits."""

from __future__ import annotations

import zipfile
import zlib
from importlib.util import find_spec
from pathlib import Path

from talik.errors import FileError
from talik.files import replacing
from talik.readers.archives import Limits

_PIECE = 1 << 20
_ENDINGS = {b"CDF\x01": ".nc", b"CDF\x02": ".nc", b"CDF\x05": ".nc", b"\x89HDF": ".nc", b"GRIB": ".grib",
            b"PK\x03\x04": ".zip"}


def ending(path: Path) -> str:
    """
    ".nc", ".grib" or ".zip", by the first bytes.

    Raises
    ------
    FileError
        If it is none of these: a web page, an error text, an empty file.
    """
    with open(path, "rb") as stream:
        head = stream.read(4)
    if head not in _ENDINGS:
        raise FileError(f"{path.name}: begins with {head!r}: neither NetCDF, GRIB nor a zip archive")
    return _ENDINGS[head]


def opens(path: Path) -> None:
    """
    Open a NetCDF or GRIB file as far as it takes to see that it is whole.

    Raises
    ------
    FileError
        If it is cut, damaged or holds no data.
    """
    kind = ending(path)
    if kind == ".grib":
        with open(path, "rb") as stream:
            stream.seek(-4, 2)
            if stream.read() != b"7777":
                raise FileError(f"{path.name}: the last GRIB message has no end: cut")
    elif path.read_bytes()[:4] == b"\x89HDF" and find_spec("h5py"):
        import h5py

        try:
            with h5py.File(path, "r") as file:
                if not any(isinstance(file[name], h5py.Dataset) and file[name].size for name in file):
                    raise FileError(f"{path.name}: holds no data")
        except (OSError, RuntimeError, KeyError) as error:
            raise FileError(f"{path.name}: cut or damaged ({str(error)[:120]})") from error


def unpacked(path: Path, folder: Path, stem: str, *, limits: Limits) -> list[Path]:
    """
    The files of an archive, each checked by its CRC and opened; named by number, because names in archives are not safe.

    Parameters
    ----------
    path : Path
        The archive.
    folder : Path
        Where the files go: `stem`-1.nc, `stem`-2.nc, ...
    limits : Limits
        Beyond which it is refused while unpacking.

    Raises
    ------
    FileError
        If it is damaged, goes beyond a limit, or holds something that is neither NetCDF nor GRIB.
    """
    made: list[Path] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if not 0 < len(members) <= limits.members:
                raise FileError(f"{path.name}: holds {len(members)} files, 1 to {limits.members} are expected")
            room = limits.size
            for number, info in enumerate(members, 1):
                target = folder / f"{stem}-{number}.nc"
                with replacing(target) as part:
                    room -= _unpack(archive, info, part, room, limits, path.name)
                    opens(part)
                made.append(target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FileError(f"{path.name}: is not a whole zip archive ({str(error)[:100]})") from error
    return made


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, part: Path, room: int, limits: Limits, name: str) -> int:
    size = 0
    with archive.open(info) as source, open(part, "wb") as target:
        while piece := source.read(_PIECE):
            size += len(piece)
            if size > room or (size > _PIECE and size > limits.ratio * max(info.compress_size, 1)):
                raise FileError(f"{name}: unpacks to more than is expected: refused as a zip bomb")
            target.write(piece)
    return size
