"""The layer rules for the single files in the root folder, which import-linter treats as external packages.

import-linter (`[tool.importlinter]` in pyproject.toml) checks what the rooms import. Here the four root modules are
checked in both directions, and no module may exist outside the rooms and this list.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"journey", "contracts", "workflows", "activities", "background", "db", "api", "local", "cli"}
CORE = {"contracts", "journey"}
#: root module → the rooms and root modules that it may import
IMPORTS = {
    "worker": {"workflows", "activities", "background", "db", *CORE, "connection", "logging_setup", "settings"},
    "connection": CORE,
    "logging_setup": set[str](),
    "settings": set[str](),
}
#: root module → what may import it: a room or a root module as a whole, or single files
IMPORTED_BY = {
    "worker": {"cli", "local"},
    "connection": {"cli", "local", "worker", "api/app.py"},
    "logging_setup": {"cli", "worker", "api/app.py"},
    "settings": {"cli", "worker", "api/app.py", "db/schema/migrations/env.py"},
}
#: folders whose Python files are not part of the program; the dashboard has one build script
OUTSIDE = {"tests", "bench", "dashboard"}
GENERATED = {"build", "dist", "perdure.egg-info"}


@cache
def imported(file: Path) -> set[str]:
    """The top-level packages and modules that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@cache
def modules() -> list[Path]:
    """Every Python file of the project, relative to its root; hidden and generated folders are left out."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "." and path.name not in GENERATED]
    found = [file for folder in folders for file in folder.rglob("*.py") if "node_modules" not in file.parts]
    return sorted(file.relative_to(ROOT) for file in [*ROOT.glob("*.py"), *found])


@pytest.mark.parametrize("name", IMPORTS)
def test_a_root_module_imports_only_lower_layers(name: str) -> None:
    ours = ROOMS | IMPORTS.keys()
    assert (imported(ROOT / f"{name}.py") & ours) - IMPORTS[name] - {name} == set()


@pytest.mark.parametrize("name", IMPORTED_BY)
def test_a_root_module_is_imported_only_by_higher_layers(name: str) -> None:
    allowed = IMPORTED_BY[name]
    importers = [
        str(file)
        for file in modules()
        if file.parts[0] not in OUTSIDE
        and name in imported(ROOT / file)
        and not {file.parts[0].removesuffix(".py"), str(file)} & allowed
    ]
    assert importers == []


def test_every_module_is_seen_by_one_of_the_checks() -> None:
    known = ROOMS | OUTSIDE | {f"{name}.py" for name in IMPORTS}
    unseen = [str(file) for file in modules() if file.parts[0] not in known]
    assert unseen == [], "add it to a room, or its rules to this test"
