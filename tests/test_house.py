"""The house keeps its order: imports go up only, and nothing unfinished is left lying about."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "trustlab"
ROOMS = (
    "trace",
    "octets",
    "x509",
    "wire",
    "tls",
    "attest",
    "tpm",
    "passage",
    "capture",
    "explain",
    "cloud",
    "attacks",
    "scenarios",
    "inspector",
    "classroom",
    "cli",
)
"""From the ground up: a room may import only rooms that stand before it."""

MUST_NOT_KNOW = {
    "trace": {"tls", "attest", "tpm", "wire"},
    "octets": {"tls", "attest", "tpm", "wire"},
    "x509": {"tls", "attest", "tpm", "wire"},
    "wire": {"tls", "tpm", "attest"},
    "tls": {"tpm", "wire", "attest"},
    "attest": {"tls", "tpm", "wire"},
    "tpm": {"tls", "wire"},
    "passage": {"tpm"},
    "capture": {"attest", "tpm", "passage"},
    "explain": {"tpm"},
    "inspector": {"cloud", "scenarios", "attacks"},
}
FOREIGN = {
    "tpm2_pytss": {"tpm"},
    "ipywidgets": {"inspector", "classroom"},
    "anywidget": {"inspector", "classroom"},
    "rich": {"inspector", "cli"},
    "typer": {"cli"},
}
"""Libraries that only these rooms may use: a VM verifies without tpm2_pytss, the runtime does without notebooks."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_up_only(path):
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    assert room in ROOMS, f"{room} is not a room of the house: see ROOMS here and CONTRIBUTING.md"
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] in FOREIGN:
            assert room in FOREIGN[parts[0]], f"{room} may not import {parts[0]}"
        if parts[0] != "trustlab" or len(parts) < 2 or parts[1] not in ROOMS:
            continue
        other = parts[1]
        assert ROOMS.index(other) <= ROOMS.index(room), f"{room} imports {other}, which stands below it"
        assert other not in MUST_NOT_KNOW.get(room, set()), f"{room} must not know {other}"


@pytest.mark.parametrize("room", [p.parent.name for p in PACKAGE.glob("*/__init__.py")])
def test_a_rooms_face_lists_what_is_public(room):
    assert "__all__" in (PACKAGE / room / "__init__.py").read_text()


def test_a_class_name_means_one_thing():
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert not {name: where for name, where in places.items() if len(where) > 1}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def needed(path: Path, modules: Collection[str]) -> set[str]:
    """Return the modules that a file names: of `from package import module` the module, not the package around it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {full if full in modules else node.module for full in inner}
    return found & set(modules)


def circle(needs: dict[str, set[str]]) -> list[str]:
    """Return the modules of one circle of imports, in order; none if there is none."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_in_a_circle():
    """Imports for type checking count too: whoever reads one file of a circle has to read all of them."""
    modules = {module_of(path): path for path in MODULES}
    needs = {name: needed(path, modules.keys()) - {name} for name, path in modules.items()}
    assert sum(map(len, needs.values())) > len(modules), "the imports are not found"
    assert circle(needs) == []


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_nothing_is_left_unfinished():
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImplemented" + r"Error)\b")
    files = [*MODULES, *PACKAGE.rglob("*.js"), *(ROOT / "tests").rglob("*.py")]
    found = [str(p) for p in files if marks.search(p.read_text())]
    assert found == []
