"""Programs of one's own as source text: how a function of a notebook gets into an image, is measured, and travels.

A function is taken by its source, not as an object: what runs is then what was measured, and it runs in a virtual
machine too. It must bring with it what it uses.
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
"""Names that every module has."""


class SourceError(ValueError):
    """Source text that cannot be taken; the message says whose, and what is wrong with it."""


def source_of(program: object, what: str, *, function: str = "") -> str:
    """Return the source text of a program: the text itself, or that of a function; `what` it is to be, in words.

    It must define `function`; a function by another name gets that one beside its own. SourceError if it does not, if
    it is not Python, or if a function uses names that its source does not define.
    """
    if isinstance(program, str):
        text = textwrap.dedent(program)
    elif inspect.isfunction(program):
        text = _text_of(program, what)
        if function and program.__name__ != function:
            text += f"\n{function} = {program.__name__}\n"
    else:
        raise SourceError(f"{what} is source text or a function, not {type(program).__name__}")
    try:
        table = symtable.symtable(text, "<source>", "exec")
    except (SyntaxError, ValueError) as error:
        raise SourceError(f"{what} is not Python: {error}") from error
    defined = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    if function and function not in defined:
        raise SourceError(f"{what} defines no function {function!r}")
    if missing := sorted(set(_globals(table)) - defined - PROVIDED):
        raise SourceError(f"{what} uses {missing[0]!r}, but does not define it: put it, or its import, inside")
    return text


def loaded(source: str, function: str, name: str) -> Callable[..., Any]:
    """Run source text as a module called `name` and return a function of it; what it raises is the caller's."""
    module: dict[str, Any] = {"__name__": name}
    exec(compile(source, f"<{name}>", "exec"), module)  # noqa: S102 - it is what was measured
    found: Callable[..., Any] = module[function]
    return found


def _text_of(function: Callable[..., Any], what: str) -> str:
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise SourceError(f"{what} is a function whose source cannot be read: give the source text") from error
    if function.__name__ == "<lambda>" or not text.startswith("def "):
        raise SourceError(f"{what} is a function without a `def` of its own: give the source text")
    return text


def _globals(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that a module, or what it defines, reads from outside of it."""
    for symbol in table.get_symbols():
        outermost = table.get_type() == "module"
        if symbol.is_referenced() and (outermost or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals(child)
