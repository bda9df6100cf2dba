"""A cell that misses what a cell above makes gets a word of help; an ordinary NameError stays as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from trustlab.inspector.restarted import made_above

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
STARTUP = ROOT / "trustlab" / "inspector" / "trustlab_startup.py"
HELP = "the kernel was restarted: Run > Run All Above"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NotebookClient]:
    """A new kernel of this environment, with the start-up file that the wheel lays into it."""
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    shutil.copy(STARTUP, startup)
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    folder = tmp_path / "labs"
    shutil.copytree(ROOT / "labs", folder)
    client = NotebookClient(
        nbformat.v4.new_notebook(), timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    with client.setup_kernel():
        yield client


def said(client: NotebookClient, source: str) -> tuple[str, str]:
    """Run a cell; return the name of its error, and what it printed to standard error."""
    cell = nbformat.v4.new_code_cell(source)
    client.nb.cells.append(cell)
    with pytest.raises(CellExecutionError):
        client.execute_cell(cell, len(client.nb.cells) - 1)
    errors = [output.ename for output in cell.outputs if output.output_type == "error"]
    assert len(errors) == 1, "the error itself is gone"
    return errors[0], "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stderr")


def cell_of_the_lab(name: str) -> str:
    notebook = nbformat.read(ROOT / "labs" / "00-start-here.ipynb", as_version=4)
    return next(cell.source for cell in notebook.cells if cell.id == name)


def test_after_a_restart_a_cell_of_the_lab_says_what_to_do(kernel: NotebookClient) -> None:
    error, told = said(kernel, cell_of_the_lab("act-1-check"))
    assert error == "NameError"
    assert told.strip().startswith("outcome_1 is made by a cell above")
    assert HELP in told

    # A name that no cell makes, a name that a library misses, and any other error: nothing is added.
    assert said(kernel, "print(outcome_17)") == ("NameError", "")
    assert said(kernel, "exec('nothing_here', {'__name__': 'library'})") == ("NameError", "")
    assert said(kernel, "raise NameError('my own')") == ("NameError", "")
    assert said(kernel, "1 / 0") == ("ZeroDivisionError", "")


def test_the_start_up_file_leaves_no_name_behind() -> None:
    code = f"before = set(globals())\n{STARTUP.read_text()}\nprint(set(globals()) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'before'}"


CELLS = ["import a.b as c, d.e", "x, (y, *z) = 1, (2, 3)", "def f(inner): local = 1", "use(x)", "late = 1"]


@pytest.mark.parametrize(
    ("cell", "edited", "ran", "names"),
    [
        ("use(x)", False, set(), {"c", "d", "x", "y", "z", "f"}),
        (" use(x)\n", False, set(), {"c", "d", "x", "y", "z", "f"}),
        ("use(x)", False, {CELLS[0], CELLS[1]}, {"f"}),
        ("use(x) # edited", True, set(), {"c", "d", "x", "y", "z", "f", "late"}),
        ("something else", False, set(), set()),
    ],
)
def test_what_cells_above_make(cell: str, edited: bool, ran: set[str], names: set[str]) -> None:  # noqa: FBT001
    assert made_above(cell, iter([(edited, CELLS)]), ran, str) == names


def test_a_name_that_a_cell_has_made_in_this_kernel_is_not_blamed_on_a_restart() -> None:
    cells = ["x = 1", "x = 2; y = 3", "use(x)"]
    assert made_above("use(x)", iter([(False, cells)]), {"x = 1"}, str) == {"y"}


def test_a_cell_that_is_no_python_makes_nothing() -> None:
    assert made_above("use(x)", iter([(False, ["x = = 1", "use(x)"])]), set(), str) == set()
