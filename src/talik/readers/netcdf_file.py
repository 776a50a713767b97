"""The raw variables of a netCDF file, classic or netCDF-4; links out of the file and swollen sizes are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talik.errors import FileError, missing_extra

MOST_BYTES = 4 << 30
"""Of one variable, unpacked."""

MOST_RATIO = 1000
"""Unpacked bytes for each byte of the file, beyond the first 64 MB."""

_CLASSIC = b"CDF"
_HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: dimensions, attributes (texts as str, numbers as they are) and a way to its values, unscaled."""

    name: str
    dimensions: tuple[str, ...]
    shape: tuple[int, ...]
    attributes: Mapping[str, Any]
    values: Callable[[], NDArray[Any]]

    def text(self, key: str) -> str:
        """A text attribute, or ""."""
        value = self.attributes.get(key, "")
        return value.strip() if isinstance(value, str) else ""

    @property
    def standard_name(self) -> str:
        """The CF standard name, or ""."""
        return self.text("standard_name").lower()


@dataclass(frozen=True, slots=True)
class Content:
    """Global attributes and variables of a file."""

    attributes: Mapping[str, Any]
    variables: Mapping[str, Variable]


def is_netcdf(content: bytes) -> bool:
    """True when a file begins like a netCDF file."""
    return content.startswith(_HDF5) or (content.startswith(_CLASSIC) and content[3:4] in (b"\x01", b"\x02", b"\x05"))


@contextmanager
def opened(path: Path) -> Iterator[Content]:
    """
    The content of a netCDF file, while it is open.

    Raises
    ------
    FileError
        If the name is an address or a mode (``http://``, ``#mode=``), a link leads out of the file, or a variable is
        swollen beyond the limits.
    MissingExtra
        If netCDF-4 is asked for and h5netcdf is not installed.
    """
    if "://" in str(path) or "#" in path.name:
        raise FileError(
            f"{path}: names with '://' or '#' can mean remote addresses to netCDF libraries; rename the file"
        )
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(_CLASSIC):
        with _classic(path) as content:
            yield content
    else:
        with _hdf5(path) as content:
            yield content


@contextmanager
def _classic(path: Path) -> Iterator[Content]:
    from scipy.io import netcdf_file

    with path.open("rb") as stream:
        if stream.read(4)[3:] == b"\x05":
            raise FileError(
                f"{path.name}: is netCDF classic of the 64-bit data kind (CDF-5), which is not read; "
                "convert it with nccopy -k netCDF-4"
            )
        stream.seek(0)
        try:
            file = netcdf_file(stream, "r", mmap=False)
        except (
            ValueError,
            TypeError,
            IndexError,
            OverflowError,
            MemoryError,
            AssertionError,
            KeyError,
            OSError,
        ) as error:
            raise FileError(f"{path.name}: the netCDF file is damaged or cut off ({error})") from None
        # the classic form has no compression: what it promises beyond the file's end is missing
        found = {
            name: Variable(name, v.dimensions, v.shape, _attributes(v._attributes), partial(_classic_values, v))
            for name, v in file.variables.items()
        }
        yield Content(_attributes(file._attributes), found)


def _classic_values(variable: Any) -> NDArray[Any]:
    return np.array(variable[...] if variable.shape else variable.getValue())


@contextmanager
def _hdf5(path: Path) -> Iterator[Content]:
    try:
        import h5netcdf
        import h5py
    except ImportError:
        raise missing_extra("reading netCDF-4", "h5netcdf", "grids") from None
    try:
        with h5py.File(path, "r") as raw:
            _inside(raw, h5py, path)
        with h5netcdf.File(path, "r", decode_vlen_strings=True) as file:
            found = {
                name: Variable(name, v.dimensions, v.shape, _attributes(v.attrs), partial(_hdf5_values, v))
                for name, v in file.variables.items()
            }
            yield Content(_attributes(file.attrs), found)
    except (OSError, RuntimeError) as error:
        raise FileError(f"{path.name}: the netCDF file is damaged or cut off ({str(error)[:150]})") from None


def _hdf5_values(variable: Any) -> NDArray[Any]:
    return np.asarray(variable[...])


def _inside(raw: Any, h5py: Any, path: Path) -> None:
    """Refuse what leads out of the file, and what is larger inside than a file of this size can be."""
    room = min(MOST_BYTES, (64 << 20) + MOST_RATIO * path.stat().st_size)
    groups = [raw]
    for group in groups:
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise FileError(f"{path.name}: {name!r} links to another file ({link.filename}): refused")
            member = group.get(name) if not isinstance(link, h5py.SoftLink) else None
            if isinstance(member, h5py.Group):
                if len(groups) > 1000:
                    raise FileError(f"{path.name}: more than 1000 groups: refused")
                groups.append(member)
            elif isinstance(member, h5py.Dataset):
                if member.is_virtual or member.external:
                    raise FileError(f"{path.name}: {name!r} keeps its values in another file: refused")
                if member.nbytes > room and member.id.get_storage_size() > 0:
                    raise FileError(
                        f"{path.name}: {name!r} holds {member.nbytes} bytes in a file of "
                        f"{path.stat().st_size}: refused as a bomb"
                    )


def _attributes(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(value) for key, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, np.ndarray) and value.size == 1:
        return _plain(value.reshape(-1)[0])
    return value.item() if isinstance(value, np.generic) else value
