"""Your own programs as source text: how a function in a notebook gets into an image and is measured.

A function is taken by its source text, not as an object. So what runs is what was measured, and it also runs in a
virtual machine. It must define or import whatever it uses.
"""

from __future__ import annotations

import builtins
import inspect
import symtable
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROVIDED = {*dir(builtins), "__name__"}
"""Names that every module has without an import."""


class SourceError(ValueError):
    """Source text that cannot be used; the message says which, and what is wrong with it."""


def source_of(program: object, what: str, *, function: str = "") -> str:
    """Return the source text of a program, which is given as text or as a function.

    `what` describes it in errors. The source must define `function`; if a function has another name, a line is added
    that gives it this name too. SourceError if `function` is not defined, if the text is not Python, or if it uses
    names that it does not define.
    """
    if isinstance(program, str):
        text = textwrap.dedent(program)
    elif inspect.isfunction(program):
        text = _text_of(program, what)
        if function and program.__name__ != function:
            text += f"\n{function} = {program.__name__}\n"
    else:
        raise SourceError(f"{what} must be source text or a function, not {type(program).__name__}")
    try:
        table = symtable.symtable(text, "<source>", "exec")
    except (SyntaxError, ValueError) as error:
        raise SourceError(f"{what} is not Python: {error}") from error
    defined = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    if function and function not in defined:
        raise SourceError(f"{what} must define a function {function!r}")
    if missing := sorted(set(_globals(table)) - defined - PROVIDED):
        raise SourceError(f"{what} uses {missing[0]!r}, but does not define it: define or import it inside")
    return text


def loaded(source: str, function: str, name: str) -> Callable[..., Any]:
    """Run source text as a module called `name` and return one of its functions; its exceptions are not caught."""
    module: dict[str, Any] = {"__name__": name}
    exec(compile(source, f"<{name}>", "exec"), module)  # noqa: S102 - it is what was measured
    found: Callable[..., Any] = module[function]
    return found


def _text_of(function: Callable[..., Any], what: str) -> str:
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise SourceError(f"the source of {what} cannot be read: give the source text instead of a function") from error
    if function.__name__ == "<lambda>" or not text.startswith("def "):
        raise SourceError(f"{what} must be a function that begins with `def`: define it so, or give the source text")
    return text


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that a module, or something it defines, reads from outside."""
    for symbol in table.get_symbols():
        outermost = table.get_type() == "module"
        if symbol.is_referenced() and (outermost or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals(child)
