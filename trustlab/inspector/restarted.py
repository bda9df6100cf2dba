"""A notebook's cell that misses a name which a cell above it makes: say that the kernel was restarted.

Whoever comes back to a notebook whose kernel has forgotten everything (a Binder forgets after ten idle minutes) gets a
bare NameError. The error stays as it is; below it stands a sentence, if the notebook itself explains the error.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LABS = Path(__file__).parents[1] / "labs"
LARGEST = 20 << 20
"""Octets of a notebook that is still read."""
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def explain(result: Any) -> None:  # noqa: ANN401 - IPython's own type
    """Print what to do about a cell's NameError, if a cell above makes the name and has not run in this kernel."""
    from IPython import get_ipython  # noqa: PLC0415 - without it there is no cell

    error, shell = result.error_in_exec, get_ipython()
    name = getattr(error, "name", None)
    if shell is None or not name or not _in_the_cell(error):
        return
    ran = {_plain(cell) for cell in shell.history_manager.input_hist_raw}
    if name in made_above(result.info.raw_cell, _notebooks(shell), ran, shell.transform_cell):
        print(  # noqa: T201 - it belongs under the error
            f"\n{name} is made by a cell above, which has not run in this kernel. If you had run it, "
            "the kernel was restarted: Run > Run All Above Selected Cell, then run this cell again.",
            file=sys.stderr,
        )


def made_above(cell: str, notebooks: Iterator[tuple[bool, list[str]]], ran: set[str], python: Any) -> set[str]:  # noqa: ANN401
    """Return the names that cells above `cell` make, without those of cells that `ran`.

    `notebooks` are cells' sources, and whether the cell must be one of them. The cell of an open notebook may have been
    edited since it was saved; then every cell of that notebook may stand above. `python` makes Python of a cell.
    """
    for may_be_edited, cells in notebooks:
        places = [place for place, source in enumerate(cells) if _plain(source) == _plain(cell)]
        if not places and not may_be_edited:
            continue
        above = cells[: places[0]] if places else cells
        found: set[str] = set()
        done: set[str] = set()
        for source in above:
            (done if _plain(source) in ran else found).update(_made(source, python))
        return found - done
    return set()


def _plain(source: str) -> str:
    return source.strip()


def _in_the_cell(error: BaseException) -> bool:
    """Whether the name was missed in a notebook's code, not in a library's."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_globals.get("__name__") == "__main__"


def _notebooks(shell: Any) -> Iterator[tuple[bool, list[str]]]:  # noqa: ANN401 - IPython's own type
    """Yield the cells of the open notebook, of those beside it, and of the labs."""
    named = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or ""
    open_one = Path(named) if str(named).endswith(".ipynb") else None
    beside = sorted(Path.cwd().glob("*.ipynb"))[:100]
    for path in (*([open_one] if open_one else []), *beside, *sorted(LABS.glob("*.ipynb"))):
        cells = _cells(path)
        if cells:
            yield path == open_one, cells


def _cells(path: Path) -> list[str]:
    """Return the sources of a notebook's code cells; none if it cannot be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if path.stat().st_size <= LARGEST:
            cells = json.loads(path.read_text("utf-8"))["cells"]
            return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return []


def _made(source: str, python: Any) -> set[str]:  # noqa: ANN401 - a function of IPython's
    """Return the names that a cell makes for the cells below it."""
    try:
        tree = ast.parse(python(source))
    except (SyntaxError, ValueError):
        return set()
    return set(_bound(tree))


def _bound(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.alias(name=name, asname=other):
            yield other or name.partition(".")[0]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
    if not isinstance(node, SCOPES + COMPREHENSIONS):
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)
