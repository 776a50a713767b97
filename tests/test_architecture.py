"""The shape of the house, kept by a test: floors, rooms that must not know each other, no cycles, small modules."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "talik"
FLOORS = [
    ("errors", "files", "frames", "variables", "records", "results", "provenance", "workers"),
    ("kernels",),
    ("readers",),
    ("series", "era5land"),
    ("store",),
    ("synthesis",),
    ("analysis",),
    ("figures",),
    ("settings", "spelling"),
    ("report", "atlas"),
    ("steps", "plates", "study", "runs"),
    ("service",),
    ("cli",),
]
FLOOR = {name: level for level, names in enumerate(FLOORS) for name in names}
APART = (
    {("readers", "kernels")}
    | {("kernels", word) for word in ("variables", "records", "results", "files", "frames", "provenance")}
    | {("figures", room) for room in ("kernels", "readers", "series", "era5land", "store", "synthesis", "analysis")}
)
HOMELESS = {"utils", "util", "helpers", "misc", "common", "tools", "base"}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
    if path != ROOT / "__init__.py" and path.name != "__main__.py"
}


TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in MODULES.items()}


def imports(module: str, path: Path) -> set[str]:
    """What a file imports from talik, also inside functions, also relative or through a package."""
    used = set()
    for node in ast.walk(TREES[module]):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ["talik", *module.split(".")]
            if path.name != "__init__.py":
                package.pop()
            here = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*here, node.module or ""]).rstrip(".")
            names = [f"{base}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("talik."):
                parts = name.split(".")[1:]
                whole = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
                used.add(next((w for w in whole if w in MODULES), parts[0]))
    return used - {module}


GRAPH = {module: imports(module, path) for module, path in MODULES.items()}


def room(module: str) -> str:
    return module.split(".")[0]


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_floor(module):
    assert room(module) in FLOOR, f"{module} stands on no floor: add it to FLOORS or move it"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_and_rooms_keep_apart(module):
    for used in GRAPH[module]:
        assert FLOOR.get(room(used), -1) <= FLOOR[room(module)], f"{module} looks up to {used}"
        assert (room(module), room(used)) not in APART, f"{module} must not know {used}"


def test_no_cycles():
    TopologicalSorter({m: {u for u in used if u in MODULES} for m, used in GRAPH.items()}).prepare()


@pytest.mark.parametrize("module", MODULES)
def test_modules_stay_small_and_are_nouns(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 400
    assert module.split(".")[-1] not in HOMELESS


def test_words_know_nobody_above():
    for module in FLOORS[0]:
        assert all(FLOOR[room(used)] == 0 for used in GRAPH.get(module, ()))


def test_nothing_from_a_file_is_evaluated():
    """No pickle, eval, exec, joblib or shell anywhere in the package."""
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "compile"}, f"{module} calls {node.func.id}"
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [a.name for a in node.names] + [getattr(node, "module", None) or ""]
                banned = {"pickle", "joblib", "dill", "marshal", "shelve"}
                assert not banned & {n.split(".")[0] for n in names}, f"{module} imports one of {banned}"
