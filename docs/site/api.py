"""The API reference: a page for each room with its public names, from the package itself and from its docstrings."""

from __future__ import annotations

import enum
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

from sphinx.pycode import ModuleAnalyzer

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `trustlab/(\w+)/` \| (.*?) \|", re.MULTILINE)
MORE = {
    "attacks": ("kit", "verifier"),
    "finder": ("proposal",),
    "inspector": ("export",),
    "scenarios": ("acts", "found"),
}
"""Modules beside a room's face that a notebook or a page imports from."""


def rooms() -> dict[str, str]:
    """Return the rooms in the house's order, each with what it holds, as CONTRIBUTING.md says it."""
    return dict(ROW.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8")))


def public(module: Any) -> list[str]:
    """Return the names that a module offers: its `__all__`, or what it defines without an underscore."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return sorted(listed, key=lambda name: (kind(getattr(module, name)), name.lower()))
    own = [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
    ]
    return sorted(own, key=lambda name: (kind(getattr(module, name)), name.lower()))


def kind(thing: object) -> str:
    """Name the directive of a thing; their order is that of the alphabet, too."""
    if inspect.isclass(thing):
        return "class"
    return "function" if callable(thing) and hasattr(thing, "__qualname__") else "value"


@cache
def remarks(module: str) -> dict[str, str]:
    """Return the strings below a module's assignments, by the names assigned."""
    found = ModuleAnalyzer.for_module(module).find_attr_docs()
    return {name: "\n".join(lines).strip() for (owner, name), lines in found.items() if not owner}


def remark(room: str, name: str) -> str:
    """Return what stands below a value's assignment, in whichever module of the room it is."""
    for path in sorted((ROOT / "trustlab" / room).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if re.search(rf"^{re.escape(name)}\b", path.read_text("utf-8"), re.MULTILINE) and name in remarks(module):
            return remarks(module)[name]
    return ""


def page(room: str, holds: str, seen: dict[int, str]) -> str:
    """Return a room's page. `seen` are the things that have their place already, so that none has two."""
    face, *more = modules(room)
    parts = [title(f"trustlab.{room}", "="), rest(f"{holds[0].upper()}{holds[1:]}.")]
    for module in (face, *more):
        if module is not face:
            parts += [title(module.__name__, "-")]
        parts += [f".. py:module:: {module.__name__}", rest(inspect.getdoc(module) or "")]
        parts += [entry(room, module, name, seen) for name in public(module)]
    return "\n\n".join(part for part in parts if part) + "\n"


def names(wanted: list[str]) -> list[str]:
    """Return the full names that the reference of these rooms has to have, each thing once."""
    seen: dict[int, str] = {}
    found: list[str] = []
    for room in (one for one in rooms() if one in wanted):
        for module in modules(room):
            for name in public(module):
                thing, full = getattr(module, name), f"{module.__name__}.{name}"
                if kind(thing) == "value" or seen.setdefault(id(thing), full) == full:
                    found.append(full)
    return found


def modules(room: str) -> list[Any]:
    """Return a room's face, and the modules beside it that a reader imports from."""
    return [
        importlib.import_module(f"trustlab.{name}") for name in (room, *(f"{room}.{m}" for m in MORE.get(room, ())))
    ]


def entry(room: str, module: Any, name: str, seen: dict[int, str]) -> str:
    """Return one name's entry, or a link to its place."""
    thing, full = getattr(module, name), f"{module.__name__}.{name}"
    what = kind(thing)
    if what == "value":
        kinds = type(thing).__name__
        told = rest(remark(room, name))
        return f".. py:data:: {name}\n   :type: {kinds}\n\n{indented(told)}".rstrip()
    if seen.setdefault(id(thing), full) != full:
        role = "class" if what == "class" else "func"
        return f"``{name}``: see :py:{role}:`{seen[id(thing)]}`."
    if what == "class" and issubclass(thing, BaseException):
        what = "exception"
    members = "" if what == "function" else "\n   :members:\n   :undoc-members:\n   :member-order: bysource"
    return f".. auto{what}:: {full}{members}"


def title(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}"


def indented(text: str) -> str:
    return "\n".join(f"   {line}".rstrip() for line in text.splitlines())


CODE = re.compile(r"(``.+?``|`[^`]+`)", re.DOTALL)
MARKED = re.compile(r"([*|\\]|(?<=\w)_(?!\w))")


def rest(text: str) -> str:
    """Return our plain docstrings as reStructuredText: `code` is code, and no other sign means anything.

    Blocks that are indented keep their lines.
    """
    done: list[str] = []
    literal = False
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.splitlines()
        if lines and all(line.startswith("    ") for line in lines):
            done.append(block if literal else "::\n\n" + block)
            literal = True
            continue
        literal = False
        done.append(paragraph(block))
    return "\n\n".join(done)


def paragraph(block: str) -> str:
    """Return one paragraph or list."""
    parts = CODE.split(re.sub("::$", ":", block.rstrip()))
    plain = [MARKED.sub(r"\\\1", part) if n % 2 == 0 else f"``{part.strip('` ')}``\\ " for n, part in enumerate(parts)]
    text = "".join(plain)
    if not any(re.match(r"\s*[-*+] ", line) for line in block.splitlines()):
        return "\n".join(line.strip() for line in text.splitlines())
    out: list[str] = []
    for line in text.splitlines():
        item = re.match(r"\s*(?:\\\*|[-+]) (.*)", line)
        if item:
            out += ["", f"- {item[1]}"]
        else:
            out.append(f"  {line.strip()}" if out and (out[-1].startswith(("- ", "  "))) else line.strip())
    return "\n".join(out).strip("\n")


def process_docstring(_app: object, _what: str, _name: str, _thing: object, _options: object, lines: list[str]) -> None:
    """Sphinx asks what a docstring says; see `rest`."""
    lines[:] = rest("\n".join(lines)).splitlines()


def skip_member(_app: object, what: str, name: str, thing: Any, _skip: bool, _options: object) -> bool | None:  # noqa: FBT001 - Sphinx's own protocol
    """Have a class's methods and properties shown, also without a sentence; its fields stand in its signature."""
    if what not in ("class", "exception") or name.startswith("_"):
        return None
    if type(thing).__name__ == "_tuplegetter":
        return True
    owner = thing.fget if isinstance(thing, property) else thing
    ours = inspect.isroutine(owner) and str(getattr(owner, "__module__", "")).startswith("trustlab")
    return False if ours or isinstance(thing, enum.Enum) else None
