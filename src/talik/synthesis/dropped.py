"""Logger files dropped into a folder: each file is a station of its own, and each folder of files is one."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from talik.files import sha256
from talik.store.sources import companions_of, shown_text


def dropped(pattern: str, folder: Path, taken: Collection[Path] = ()) -> list[tuple[str, list[str]]]:
    """
    The stations that files and folders make, without hidden files and those that only describe another file.

    Parameters
    ----------
    pattern : str
        Which files and folders, as "*" or "2024/*.csv".
    folder : Path
        Where the pattern starts.
    taken : collection of Path
        Files that belong to a station already.

    Returns
    -------
    list of (site, patterns)
        Named after the file or folder, with its ending where two would be called the same; the patterns fit exactly
        its files. A file with the same bytes as one before it goes to the station of that one.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("Upper slope.csv", "floor/air.csv", "floor/soil.csv"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     (folder / name).touch()
    >>> dropped("*", folder)
    [('Upper slope', ['Upper slope.csv']), ('floor', ['floor/air.csv', 'floor/soil.csv'])]
    """
    names = sorted(glob.glob(pattern, root_dir=folder, recursive=True))
    files = {name: _within(folder / name) for name in names}
    beside = {other for found in files.values() for path in found for other in companions_of(path)}
    left = {name: [path for path in found if path not in beside and path not in taken]
            for name, found in files.items()}
    for original, copy in _copies([name for name, found in left.items() if found == [folder / name]], folder):
        left[original] += left.pop(copy)
    stations = {name: found for name, found in left.items() if found}
    often = Counter(_plain(folder / name) for name in stations)
    return [(_plain(folder / name) if often[_plain(folder / name)] == 1 else shown_text(Path(name).as_posix()),
             [glob.escape(path.relative_to(folder).as_posix()) for path in found]) for name, found in stations.items()]


def _copies(names: list[str], folder: Path) -> Iterator[tuple[str, str]]:
    """Files that have the same bytes as one before them, after that one."""
    sizes = {name: (folder / name).stat().st_size for name in names}
    often = Counter(sizes.values())
    first: dict[str, str] = {}
    for name in names:
        if sizes[name] and often[sizes[name]] > 1 and (one := first.setdefault(sha256(folder / name), name)) != name:
            yield one, name


def _within(path: Path) -> list[Path]:
    """The file itself, or all that lie in a folder."""
    if path.is_file():
        return [path]
    inside = sorted(other for other in path.rglob("*") if other.is_file())
    return [other for other in inside if not any(part.startswith(".") for part in other.relative_to(path).parts)]


def _plain(path: Path) -> str:
    return shown_text(path.stem if path.is_file() else path.name)
