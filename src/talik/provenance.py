"""What was made from what: hashes of code and files, the manifest of a run, and its RO-Crate."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import talik
from talik.errors import FileError
from talik.files import sha256, write_text

_PACKAGES = ("numpy", "scipy", "polars", "pyarrow", "duckdb", "xgboost-cpu", "numba", "matplotlib", "cartopy")
_MEDIA = {".csv": "text/csv", ".json": "application/json", ".html": "text/html", ".md": "text/markdown",
          ".txt": "text/plain", ".bib": "text/x-bibtex", ".png": "image/png", ".svg": "image/svg+xml",
          ".pdf": "application/pdf", ".parquet": "application/vnd.apache.parquet"}
MANIFEST = "manifest.json"
CRATE = "ro-crate-metadata.json"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a run: its path (relative for outputs), size, sha256, and the step that made it."""

    path: str
    bytes: int
    sha256: str
    step: str = ""

    @classmethod
    def of(cls, path: Path, shown: str, step: str = "") -> FileEntry:
        """The entry of a file that exists, under the name `shown`."""
        return cls(shown, path.stat().st_size, sha256(path), step)


@cache
def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages whose numbers matter."""
    found = {"python": platform.python_version(), "talik": talik.__version__}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


@cache
def code_hash() -> str:
    """The sha256 of talik's own source and bundled data: a change of either changes it."""
    root = Path(talik.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def settings_hash(content: Any) -> str:
    """The sha256 of anything JSON can hold, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def now() -> str:
    """The present, or SOURCE_DATE_EPOCH when it is set, as ISO 8601 in UTC."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def manifest_of(*, name: str, home: Path, settings: Mapping[str, Any], inputs: Iterable[FileEntry],
                outputs: Iterable[FileEntry]) -> dict[str, Any]:
    """What a run was made from and what it made, as JSON can hold it."""
    return {
        "study": name,
        "home": str(home.resolve()),
        "made": now(),
        "versions": package_versions(),
        "code_sha256": code_hash(),
        "settings": dict(settings),
        "inputs": [asdict(entry) for entry in inputs],
        "outputs": [asdict(entry) for entry in outputs],
    }


def write_manifest(folder: Path, **facts: Any) -> dict[str, Any]:
    """Write `manifest.json` and `ro-crate-metadata.json` into a results folder; takes what `manifest_of` takes."""
    manifest = manifest_of(**facts)
    write_text(folder / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False, default=str) + "\n")
    write_text(folder / CRATE, json.dumps(_crate(manifest), indent=1, ensure_ascii=False) + "\n")
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """
    The manifest of a results folder.

    Raises
    ------
    FileError
        If there is none, or it is not what `talik run` writes.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if not {"study", "settings", "outputs"} <= set(manifest):
            raise ValueError("keys are missing")
    except (FileNotFoundError, NotADirectoryError):
        raise FileError(f"{folder}: no {MANIFEST} here. Expected a folder written by `talik run`.") from None
    except (ValueError, TypeError) as error:
        raise FileError(f"{path}: not a talik manifest ({error}). Run the study again to mend it.") from None
    return dict(manifest)


def damaged(folder: Path, manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every output that is missing or differs from the manifest, as (path, what is wrong)."""
    wrong = []
    for entry in manifest["outputs"]:
        path = folder / entry["path"]
        if not path.is_file():
            wrong.append((entry["path"], "missing"))
        elif path.stat().st_size != entry["bytes"] or sha256(path) != entry["sha256"]:
            wrong.append((entry["path"], "changed since it was made"))
    return wrong


def _crate(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """RO-Crate 1.1 (https://w3id.org/ro/crate/1.1): the folder, its files, the run that made them."""
    files = [{"@id": quote(e["path"]), "@type": "File", "contentSize": str(e["bytes"]), "sha256": e["sha256"],
              "encodingFormat": _MEDIA.get(Path(e["path"]).suffix, "application/octet-stream")}
             for e in manifest["outputs"]]
    sources = [{"@id": f"#input-{n}", "@type": "File", "name": e["path"], "sha256": e["sha256"]}
               for n, e in enumerate(manifest["inputs"])]
    software = {"@id": "#talik", "@type": "SoftwareApplication", "name": "talik", "version": talik.__version__}
    action = {"@id": "#run", "@type": "CreateAction", "name": f"talik run {manifest['study']}",
              "endTime": manifest["made"], "instrument": {"@id": "#talik"},
              "object": [{"@id": e["@id"]} for e in sources], "result": [{"@id": e["@id"]} for e in files]}
    root = {"@id": "./", "@type": "Dataset", "name": f"talik study {manifest['study']}",
            "description": "Surface and thermal offsets of permafrost: tables, figures and report.",
            "datePublished": manifest["made"], "license": "See the data sources named in report.html.",
            "hasPart": [{"@id": e["@id"]} for e in files]}
    descriptor = {"@id": CRATE, "@type": "CreativeWork", "about": {"@id": "./"},
                  "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}}
    return {"@context": "https://w3id.org/ro/crate/1.1/context",
            "@graph": [descriptor, root, software, action, *sources, *files]}
