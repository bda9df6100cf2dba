"""The house keeps its order: imports go up only, and nothing unfinished is left lying about."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

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
    "finder",
    "explain",
    "cloud",
    "attacks",
    "scenarios",
    "inspector",
    "studio",
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
    "finder": {"tpm", "wire", "capture"},
    "explain": {"tpm"},
    "inspector": {"cloud", "scenarios", "attacks"},
}
FOREIGN = {
    "tpm2_pytss": {"tpm"},
    "ipywidgets": {"inspector", "studio", "classroom"},
    "anywidget": {"inspector", "studio", "classroom"},
    "rich": {"inspector", "cli"},
    "typer": {"cli"},
}
"""Libraries that only these rooms may use: a VM verifies without tpm2_pytss, the runtime does without notebooks."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


class Source(NamedTuple):
    """What the tests below ask of a module: `import a`, `from a import b`, and the classes that it defines."""

    modules: set[str]
    members: set[tuple[str, str]]
    relative: bool
    classes: list[str]


@cache
def source_of(path: Path) -> Source:
    """Read a module once for all tests: to parse them all takes seconds."""
    found = Source(set(), set(), relative=False, classes=[])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found = found._replace(relative=found.relative or node.level > 0)
            found.members.update((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.ClassDef):
            found.classes.append(node.name)
    return found


def imports_of(path: Path) -> set[str]:
    found = source_of(path)
    assert not found.relative, f"{path}: relative import"
    return found.modules | {f"{module}.{name}" for module, name in found.members} | {m for m, _ in found.members}


@pytest.mark.parametrize("room", sorted({room_of(path) for path in MODULES} - {"__init__", "__main__"}))
def test_imports_go_up_only(room):
    assert room in ROOMS, f"{room} is not a room of the house: see ROOMS here and CONTRIBUTING.md"
    wrong = [
        f"{path.relative_to(ROOT)}: {each}" for path in MODULES if room_of(path) == room for each in downward(path)
    ]
    assert not wrong, "\n".join(wrong)


def downward(path: Path) -> Iterator[str]:
    """Say which imports of a module its room may not have."""
    room = room_of(path)
    for name in imports_of(path):
        parts = name.split(".")
        if room not in FOREIGN.get(parts[0], {room}):
            yield f"{room} may not import {parts[0]}"
        if parts[0] != "trustlab" or len(parts) < 2 or parts[1] not in ROOMS:
            continue
        if ROOMS.index(parts[1]) > ROOMS.index(room):
            yield f"{room} imports {parts[1]}, which stands below it"
        if parts[1] in MUST_NOT_KNOW.get(room, set()):
            yield f"{room} must not know {parts[1]}"


@pytest.mark.parametrize("room", [p.parent.name for p in PACKAGE.glob("*/__init__.py")])
def test_a_rooms_face_lists_what_is_public(room):
    assert "__all__" in (PACKAGE / room / "__init__.py").read_text()


def test_a_class_name_means_one_thing():
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for name in source_of(path).classes:
            places.setdefault(name, []).append(str(path.relative_to(ROOT)))
    assert not {name: where for name, where in places.items() if len(where) > 1}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def needed(path: Path, modules: Collection[str]) -> set[str]:
    """Return the modules that a file names: of `from package import module` the module, not the package around it."""
    source = source_of(path)
    found = {full if (full := f"{module}.{name}") in modules else module for module, name in source.members}
    return (found | source.modules) & set(modules)


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


def test_no_test_asks_the_network_for_an_address():
    """Scapy sends ARP and neighbour requests for an Ethernet frame without addresses, and waits a second for each."""
    bare = re.compile(r"\bEther\((\)|type=)")
    found = [str(p) for p in (ROOT / "tests").rglob("*.py") if bare.search(p.read_text())]
    assert found == []
