"""One file of ERA5-Land as xarray datasets: NetCDF, GRIB, a Zarr folder, a zip of NetCDF."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from talik.errors import FileError, missing_extra
from talik.readers.archives import Limits, unpacked
from talik.readers.netcdf_file import is_netcdf, opened


def datasets_of(path: Path) -> list[Any]:
    """
    The xarray datasets of one file, lazily: one for NetCDF and Zarr, one a set of levels of a GRIB, one a zip's member.

    Raises
    ------
    FileError
        If the file is missing, damaged, or of another kind.
    MissingExtra
        If cfgrib is not installed, for GRIB.
    """
    import xarray as xr

    if path.is_dir():
        if not any((path / mark).exists() for mark in ("zarr.json", ".zgroup", ".zmetadata")):
            raise FileError(f"{path}: a folder without zarr.json or .zgroup is no Zarr store. Give its files instead.")
        ds = xr.open_zarr(path, chunks=None, consolidated=(path / ".zmetadata").exists())
        for name, array in ds.variables.items():
            array.encoding.update(zarr_store=str(path), zarr_name=str(name), zarr_dims=array.dims)
        return [ds]
    if not path.exists():
        raise FileError(f"{path}: no such file")
    with path.open("rb") as stream:
        head = stream.read(8)
    if not head:
        raise FileError(f"{path}: is empty. Fetch it again.")
    if head[:4] == b"PK\x03\x04":
        members = unpacked(path, limits=Limits(size=2 << 30))
        return [_netcdf(io.BytesIO(content), f"{path.name}: {name}") for name, content in members.items()
                if is_netcdf(content[:8])] or _no_member(path, members)
    if head[:4] == b"GRIB":
        return _grib(path)
    if is_netcdf(head):
        with opened(path):                       # refuses links out of the file and swollen sizes
            pass
        return [_netcdf(path, str(path), classic=head[:3] == b"CDF")]
    raise FileError(f"{path}: is neither NetCDF, GRIB, Zarr, zip, Parquet nor CSV (it begins with {head[:4]!r}). "
                    "A page instead of data? Fetch it again.")


def _no_member(path: Path, members: Mapping[str, bytes]) -> list[Any]:
    raise FileError(f"{path}: no NetCDF file among {', '.join(members) or 'nothing'}. Unpack it and give its files.")


def _netcdf(source: Any, shown: str, classic: bool = False) -> Any:
    import xarray as xr

    if isinstance(source, io.BytesIO):
        classic = source.getvalue()[:3] == b"CDF"
    try:
        return xr.open_dataset(source, engine="scipy" if classic else "h5netcdf", chunks=None, decode_timedelta=False)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise FileError(f"{shown}: damaged or cut off ({str(error)[:200]}). Fetch it again.") from error


def _grib(path: Path) -> list[Any]:
    """All messages, in one dataset for each set of levels: a one-call open drops soil layers."""
    import warnings

    try:
        import cfgrib
    except ImportError:
        raise missing_extra("reading GRIB", "cfgrib", "grib") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)   # cfgrib merges without saying how (cfgrib 0.9.15)
        try:
            return list(cfgrib.open_datasets(str(path), backend_kwargs={"indexpath": "", "time_dims": ("valid_time",)}))
        except (OSError, EOFError, ValueError, KeyError) as error:
            raise FileError(f"{path}: the GRIB file is damaged or cut off ({str(error)[:200]}). "
                            "Fetch it again.") from error
