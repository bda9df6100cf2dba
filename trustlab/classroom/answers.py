"""An answer as source text, with what it uses: to be kept, handed in, and run again by a grader.

A function of a notebook uses what other cells have made: imports, helper functions, plain values. They are found by
name, again and again, until nothing is missing. What cannot be written down is left out, with a remark in its place.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from trustlab.classroom.faults import is_theirs

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 100_000
"""Characters of an answer that are kept."""


@dataclass(frozen=True)
class HandedIn:
    """An answer that somebody handed in as source text; it is run where it is judged, in the child process."""

    source: str
    name: str

    def load(self) -> Any:  # noqa: ANN401 - whatever a student hands in
        """Run the source and return what it makes; None if that is nothing."""
        file = f"<{self.name}>"
        linecache.cache[file] = (len(self.source), None, self.source.splitlines(keepends=True), file)
        module: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(self.source, file, "exec"), module)  # noqa: S102 - it is what is judged
        return module.get(self.name)


def as_source(answer: Any, name: str) -> str:  # noqa: ANN401 - whatever a student hands in
    """Return Python that makes the answer, under this name; an empty text if there is none."""
    if answer is None:
        return ""
    parts: dict[str, str] = {}
    _write(name, answer, parts)
    return "\n\n".join(parts.values())[:LONGEST] + "\n"


def _write(name: str, value: Any, parts: dict[str, str]) -> None:  # noqa: ANN401
    """Add what makes a value, after all that it uses."""
    if name in parts:
        return
    parts[name] = ""  # a function may use itself
    text = _text(name, value, parts)
    del parts[name]
    parts[name] = text


def _text(name: str, value: Any, parts: dict[str, str]) -> str:  # noqa: ANN401
    if isinstance(value, ModuleType):
        plain = value.__name__ == name
        return f"import {name}" if plain else f"import {value.__name__} as {name}"
    module, own = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if isinstance(value, FunctionType) and is_theirs(value.__code__.co_filename):
        return _function(name, value, parts)
    if isinstance(value, type) and module == "__main__":
        return _read(value) or _left_out(name)
    if isinstance(own, str) and isinstance(module, str) and own.isidentifier():
        return f"from {module} import {own}" + ("" if own == name else f" as {name}")
    written = repr(value)
    try:
        if len(written) < LONGEST and ast.literal_eval(written) == value:
            return f"{name} = {written}"
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        pass
    return _left_out(name)


def _left_out(name: str) -> str:
    return f"# {name}: could not be written down"


def _function(name: str, function: FunctionType, parts: dict[str, str]) -> str:
    known = function.__globals__
    around = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))
    for used in _names(function.__code__):
        if used in known and used != name:
            _write(used, known[used], parts)
    for used, cell in around.items():
        try:
            _write(used, cell.cell_contents, parts)
        except ValueError:  # it was never given a value
            continue
    source = _read(function)
    if not source:
        return _left_out(name)
    if function.__name__ == "<lambda>":
        return _lambda(name, source)
    return source if function.__name__ == name else f"{source}\n{name} = {function.__name__}"


def _lambda(name: str, source: str) -> str:
    """Return the lambda of a statement such as `f = lambda x: x`."""
    try:
        found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Lambda)]
    except SyntaxError:
        found = []
    return f"{name} = {ast.unparse(found[0])}" if len(found) == 1 else _left_out(name)


def _read(value: Any) -> str:  # noqa: ANN401
    try:
        return textwrap.dedent(inspect.getsource(value)).rstrip()
    except (OSError, TypeError):
        return ""


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names that a function reads from outside, with those of functions within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
