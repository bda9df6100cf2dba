"""Small faults, made in a syntax tree: one comparison, boolean, condition, integer or raise at a time.

`mutants(path)` lists what can be done to a module; `mutated(path, number)` gives its tree with one of them done.
Left alone is what no run can see fail or what is not code that runs: annotations, imports for type checking, and how a
class is made (decorators, keywords such as `frozen=True`, what a `Protocol` promises). And so is what only makes prose, since a test of it would
freeze a text, not a behaviour:

- what stands in the f-strings of an error that is raised (that it is raised, and when, is mutated);
- `__str__` and `__repr__`, and which fields a `repr` shows (`repr=False`): a test of its own looks for secrets there.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
LEFT_ALONE = {"annotation", "returns", "decorator_list", "type_comment"}
SHOWN_ALONE = (ast.stmt, ast.match_case, ast.ExceptHandler, ast.Module)
WIDTH = 100
"""A mutation is shown, and listed, in the largest expression around it that is not wider."""


@dataclass(frozen=True)
class Mutant:
    """The `number`-th mutation of a module: its statement's lines, its function, and what it does to the text."""

    module: str
    number: int
    line: int
    last: int
    function: str
    before: str
    after: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Name the mutation in a way that survives edits elsewhere in the module."""
        return self.module, self.function, self.before, self.after

    def __str__(self) -> str:
        return f"{self.module}:{self.line}  {self.before}  ->  {self.after}"


@dataclass(frozen=True)
class Place:
    """Where a node hangs: in a field of its parent, or at an index of a list there."""

    parent: ast.AST
    field: str
    index: int | None = None

    def put(self, node: Any) -> Any:
        """Hang another node there; return the old one."""
        value = getattr(self.parent, self.field)
        if self.index is None:
            setattr(self.parent, self.field, node)
            return value
        old = value[self.index]
        value[self.index] = node
        return old


@dataclass(frozen=True)
class Edit:
    """One mutation: a place, what goes there, and the nodes around it, outermost first."""

    place: Place
    node: Any
    around: tuple[ast.AST, ...]


def edits(tree: ast.Module) -> Iterator[Edit]:
    """Go through a tree in the order of its text; yield what can be done, without doing it."""
    for place, node in _children(tree):
        yield from _walk(node, place, (tree,))


def _children(node: ast.AST) -> Iterator[tuple[Place, ast.AST]]:
    for field, value in ast.iter_fields(node):
        if field in LEFT_ALONE or (field == "keywords" and isinstance(node, ast.ClassDef)):
            continue
        if isinstance(value, list):
            yield from ((Place(node, field, n), child) for n, child in enumerate(value) if isinstance(child, ast.AST))
        elif isinstance(value, ast.AST):
            yield Place(node, field), value


def _is_left_alone(node: ast.AST, above: tuple[ast.AST, ...]) -> bool:
    match node:
        case ast.ClassDef(bases=bases):
            return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in bases)
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.FunctionDef(name="__str__" | "__repr__") | ast.keyword(arg="repr"):
            return True
        case ast.JoinedStr():
            return any(isinstance(n, ast.Raise) for n in above)
    return False


def _walk(node: ast.AST, place: Place, above: tuple[ast.AST, ...]) -> Iterator[Edit]:
    if _is_left_alone(node, above):
        return
    around = (*above, node)
    for found in (_in_statement(node, place), _in_expression(node, place)):
        yield from (Edit(where, new, around) for where, new in found)
    for below, child in _children(node):
        yield from _walk(child, below, around)


def _in_expression(node: ast.AST, place: Place) -> Iterator[tuple[Place, Any]]:
    match node:
        case ast.Compare(ops=ops):
            for n, operator in enumerate(ops):
                yield Place(node, "ops", n), COMPARISONS[type(operator)]()
        case ast.BoolOp(op=operator):
            yield Place(node, "op"), ast.Or() if isinstance(operator, ast.And) else ast.And()
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield place, operand
        case ast.Constant(value=bool(value)):
            yield Place(node, "value"), not value
        case ast.Constant(value=int(value)):
            yield Place(node, "value"), value + 1
        case ast.IfExp():
            yield from ((Place(node, "test"), ast.Constant(value=value)) for value in (True, False))
        case ast.comprehension(ifs=ifs):
            yield from ((Place(node, "ifs", n), ast.Constant(value=True)) for n in range(len(ifs)))


def _in_statement(node: ast.AST, place: Place) -> Iterator[tuple[Place, Any]]:
    match node:
        case ast.If(body=[ast.Raise()], orelse=[]):  # if it is never true: the same as without its raise
            yield Place(node, "test"), ast.Constant(value=True)
        case ast.If():
            yield from ((Place(node, "test"), ast.Constant(value=value)) for value in (True, False))
        case ast.While(test=test) if not isinstance(test, ast.Constant):
            yield Place(node, "test"), ast.Constant(value=False)
        case ast.match_case(guard=ast.expr()):
            yield from ((Place(node, "guard"), ast.Constant(value=value)) for value in (True, False))
        case ast.Raise():
            yield place, ast.Pass()


def _shown(edit: Edit) -> tuple[str, str]:
    """Write the code around a mutation, before and after: the largest that is not too wide, up to its statement."""
    whole, *above = [n for n in reversed(edit.around) if not isinstance(n, (ast.expr_context, ast.cmpop))]
    while not isinstance(whole, SHOWN_ALONE) and above and len(_head(above[0])) <= WIDTH:
        whole = above.pop(0)
    before = _head(whole)
    if whole is edit.around[-1] and edit.place.parent not in ast.walk(whole):  # all of it is replaced
        return before, _head(edit.node)
    old = edit.place.put(edit.node)
    after = _head(whole)
    edit.place.put(old)
    return before, after


def _head(node: ast.AST) -> str:
    """Write code in one line: a statement without its body."""
    lines = ast.unparse(node).strip().splitlines()
    return next((line for line in lines if not line.startswith("@")), "")


def _function(around: tuple[ast.AST, ...]) -> str:
    names = [n.name for n in around if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
    return ".".join(names) or "<module>"


def _lines(around: tuple[ast.AST, ...]) -> tuple[int, int]:
    """Say from which line to which line the statement goes (without its body) that a mutation is in."""
    node = next(n for n in reversed(around) if isinstance(n, (ast.stmt, ast.match_case)))
    first = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if not body:
        return first, node.end_lineno
    inner = body[0].pattern.lineno if isinstance(body[0], ast.match_case) else body[0].lineno
    return first, max(first, inner - 1)


def mutants(path: Path, module: str) -> list[Mutant]:
    """List all mutants of the file of a module (`tls/records.py`), in the order of its text."""
    found = []
    for number, edit in enumerate(edits(ast.parse(path.read_text()))):
        before, after = _shown(edit)
        found.append(Mutant(module, number, *_lines(edit.around), _function(edit.around), before, after))
    return found


def mutated(path: Path, number: int) -> ast.Module:
    """Parse a file and do one mutation; line numbers stay."""
    tree = ast.parse(path.read_text())
    edit = list(edits(tree))[number]
    edit.place.put(edit.node)
    return ast.fix_missing_locations(tree)
