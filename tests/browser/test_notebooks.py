"""Every notebook runs from top to bottom by itself, and is kept without outputs or widget state."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode

LABS = Path(__file__).parents[2] / "labs"
NOTEBOOKS = sorted(LABS.glob("*.ipynb"))
PLAYED = [
    path
    for path in NOTEBOOKS
    if os.environ.get("TRUSTLAB_SOAK") or path.stem[:2] in {"00", "03", "08"} or path.stem == "tour-the-ladder"
]
"""Those that are run by `make test`; `make soak` runs all."""
LOCKED = [path for path in PLAYED if os.environ.get("TRUSTLAB_SOAK") or path.stem[:2] not in {"03", "08"}]
"""Those that are run once more, in a folder that cannot be written to."""


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(params=PLAYED, ids=lambda path: path.stem)
def played(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(params=LOCKED, ids=lambda path: path.stem)
def locked(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_there_are_notebooks() -> None:
    assert LABS / "00-start-here.ipynb" in NOTEBOOKS


def test_it_is_valid_and_of_the_format_agreed(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"


def test_it_is_kept_without_outputs_counts_or_widget_state(path: Path) -> None:
    notebook = read(path)
    assert "widgets" not in notebook.metadata
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_its_cells_have_names_for_ids(path: Path) -> None:
    ids = [cell.id for cell in read(path).cells]
    assert len(set(ids)) == len(ids)
    assert all(any(letter.isalpha() for letter in name) for name in ids)


def test_its_first_cell_says_outcomes_minutes_and_substrate(path: Path) -> None:
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    for word in ("You will", "Minutes", "Runs in"):
        assert word in first.source


@pytest.fixture
def anybodys() -> Iterator[Path]:
    """A folder outside of pytest's own, which other users cannot enter."""
    with tempfile.TemporaryDirectory(prefix="trustlab-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_it_runs_where_its_folder_cannot_be_written_to(locked: Path, anybodys: Path) -> None:
    """Without root's powers, with which one writes everywhere."""
    folder, temporary = anybodys / "labs", anybodys / "tmp"
    folder.mkdir()
    shutil.copy(locked, folder)
    temporary.mkdir()
    temporary.chmod(0o1777)
    folder.chmod(0o555)
    places = ("HOME", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "TMPDIR")
    program = (
        "import sys, nbformat, nbclient; notebook = nbformat.read(sys.argv[1], 4);"
        "nbclient.NotebookClient(notebook, timeout=100, resources={'metadata': {'path': sys.argv[2]}}).execute();"
        "print(*(o.text for c in notebook.cells for o in c.get('outputs', []) if o.output_type == 'stream'))"
    )
    powerless = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")
    command = [
        *(powerless if os.geteuid() == 0 else ()),
        sys.executable,
        "-c",
        program,
        str(folder / locked.name),
        str(folder),
    ]
    environment = os.environ | dict.fromkeys(places, str(temporary))
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert [one.name for one in folder.iterdir()] == [locked.name]
    if "writable_folder" in locked.read_text("utf-8"):
        assert f"Nothing can be written to {folder / 'trustlab-out'} (permission denied)" in done.stdout
    folder.chmod(0o755)


def test_it_runs_to_its_end_and_leaves_still_pictures(
    played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shutil.copy(played, tmp_path)
    notebook = read(tmp_path / played.name)
    client = NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    pictures = [
        output.data["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "display_data" and "text/html" in output.data
    ]
    assert pictures
    assert not any("Nothing had happened yet" in picture for picture in pictures)
