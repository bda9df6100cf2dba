"""Execute a notebook for the site: outputs as the run gave them, and each view alive as a page of its own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from trustlab.inspector.stills import LIVE, SENTENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode

HERE = Path(__file__).parent
PATIENCE = 240
"""Seconds that one cell may take, on a busy machine."""
STARTUP = f"import sys; sys.path.append({str(HERE)!r}); import live_pages; del live_pages, sys\n"
STILL = re.compile(r'^<div class="tl-still (tl-still-\w+)"><style>.*?</style>(.*)</div>$', re.DOTALL)
PLACES = ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")


class SiteError(Exception):
    """The site cannot be made; the message says what is wrong and where."""


@contextlib.contextmanager
def kernels_place() -> Iterator[Path]:
    """Lend a short folder in which kernels run and leave nothing elsewhere."""
    before = {name: os.environ.get(name) for name in PLACES}
    with tempfile.TemporaryDirectory(prefix="tl-", ignore_cleanup_errors=True) as name:
        place = Path(name)
        startup = place / "ipythondir" / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "00-live-pages.py").write_text(STARTUP, "utf-8")
        os.environ.update({name: str(place / name.lower()) for name in PLACES})
        try:
            yield place
        finally:
            for key, value in before.items():
                os.environ.pop(key, None)
                if value is not None:
                    os.environ[key] = value


def executed(path: Path, pages: Path, towards: str) -> NotebookNode:
    """Return a notebook with the outputs of a run, whose live pages are written to `pages`.

    `towards` is the way from the notebook's page to that folder. SiteError names the cell that failed.
    """
    notebook = nbformat.read(path, as_version=4)
    pages.mkdir(parents=True, exist_ok=True)
    with kernels_place() as place:
        work = place / "labs"
        shutil.copytree(path.parent, work, ignore=shutil.ignore_patterns("trustlab-out", ".ipynb_checkpoints"))
        saving = nbformat.v4.new_code_cell(f"import live_pages; live_pages.save({str(pages.resolve())!r})")
        notebook.cells.append(saving)
        client = NotebookClient(
            notebook,
            timeout=PATIENCE,
            kernel_name="python3",
            resources={"metadata": {"path": str(work)}},
            startup_timeout=PATIENCE,
        )
        try:
            client.execute(stderr=subprocess.DEVNULL)  # a library's remarks; what a cell says is in its outputs
        except CellExecutionError as error:
            cell = next((one.id for one in notebook.cells if failed(one)), "?")
            raise SiteError(f"{path.name}: the cell {cell!r} failed: {error.ename}: {error.evalue}") from None
        except (CellTimeoutError, DeadKernelError):
            raise SiteError(f"{path.name}: a cell did not end within {PATIENCE} seconds, or its kernel died") from None
        except RuntimeError:
            raise SiteError(f"{path.name}: its kernel did not start within {PATIENCE} seconds") from None
        notebook.cells.remove(saving)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [alive(output, pages, towards) for output in cell.outputs if not only_live(output)]
    return notebook


def failed(cell: NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def only_live(output: NotebookNode) -> bool:
    """Say whether an output can be drawn by a kernel alone."""
    return set(output.get("data", {})) == {LIVE}


def alive(output: NotebookNode, pages: Path, towards: str) -> NotebookNode:
    """Return an output; a still picture becomes the live page on a screen, and stays the picture on paper."""
    found = STILL.match(output.get("data", {}).get("text/html", ""))
    if found is None:
        return output
    name, picture = found[1], re.sub(rf"^<p[^>]*><em>{re.escape(SENTENCE)}</em></p>", "", found[2])
    page = pages / f"{name}.html"
    if not page.is_file():
        raise SiteError(f"a view was shown, but its page {page.name} was not written")
    output["data"] = nbformat.from_dict({"text/html": framed(f"{towards}/{page.name}", title_of(page), picture)})
    return output


def title_of(page: Path) -> str:
    """Return a page's title, as it stands in the page: escaped."""
    found = re.search(r"<title>(.*?)</title>", page.read_text("utf-8"), re.DOTALL)
    return found[1] if found else escape(page.stem)


def framed(link: str, title: str, picture: str = "") -> str:
    """Return a live page in a frame, the link that opens it alone, and what a printer gets instead."""
    paper = f'<div class="tl-paper">{picture}</div>' if picture else ""
    return (
        f'<div class="tl-run"><iframe src="{link}" title="{title}, alive" loading="lazy"></iframe>{paper}'
        f'<p class="tl-alone"><a href="{link}">{title}, on a page of its own</a></p></div>'
    )
