"""Hands and eyes for the inspector in a real notebook: open one with an act, run it, look where things are on screen."""

from __future__ import annotations

import json
import re
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from playwright.sync_api import Error, Locator, Page, expect

if TYPE_CHECKING:
    from conftest import Lab

PATIENCE = 180_000
"""Milliseconds for what a busy machine may take: a kernel's start, an act."""
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
ACT = """
from trustlab.inspector import Inspector
from trustlab.scenarios import rung

act = rung({what})
act.controller.{first}
inspector = Inspector(act)
display(inspector)
act.start()
"""
HIT = """(node) => {
  const box = node.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const found = document.elementFromPoint(x, y);
  return found !== null && (node.contains(found) || found.contains(node));
}"""


@dataclass(frozen=True)
class Frontend:
    """A program that shows notebooks: the address of a notebook, and how one sees that its kernel is there."""

    name: str
    path: str

    def open(self, page: Page, lab: Lab, notebook: str) -> None:
        workspace = notebook.partition(".")[0]  # each its own: JupyterLab opens again what was open in one
        page.goto(lab.url(f"{self.path.format(workspace)}/{notebook}"))
        self.ready(page)

    def made(self, error: Error) -> bool:
        """Whether an error came from Notebook 7's own code alone: two do each time it starts, whatever it shows."""
        places = [line for line in (error.stack or "").splitlines() if "://" in line]
        return self.name == "Notebook 7" and bool(places) and all("/static/notebook/" in line for line in places)

    def ready(self, page: Page) -> None:
        """Wait for an idle kernel."""
        if self.name == "JupyterLab":
            idle = page.get_by_role("button", name="Python 3 (ipykernel) | Idle")
        else:
            idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
        expect(idle.first).to_be_visible(timeout=PATIENCE)


JUPYTERLAB = Frontend("JupyterLab", "lab/workspaces/{}/tree")
NOTEBOOK7 = Frontend("Notebook 7", "notebooks")


def write_notebook(lab: Lab, name: str, what: str, first: str) -> None:
    """Write a notebook with one act, and more cells than fit, so that a notebook with windowing has something to do."""
    cells = [nbformat.v4.new_code_cell(ACT.format(what=what, first=first).strip())]
    cells += [nbformat.v4.new_code_cell(f"{n}") for n in range(6)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, lab.folder / name)


def menu(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("menuitem", name=re.compile(f"^{name}")).first.click()


def run_first_cell(page: Page) -> None:
    """Run the first cell, from the menu."""
    page.locator(".jp-CodeCell .jp-InputArea").first.click()
    menu(page, "Run", "Run Selected Cell")


def wear(page: Page, theme: str) -> None:
    """Choose one of JupyterLab's themes, "Light" or "Dark", from its menu; its colours are the view's."""
    menu(page, "Settings")
    for name in ("Theme", f"JupyterLab {theme}"):
        page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{name}$")).click()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", str(theme == "Light").lower())
    settled(page)


def into_view(page: Page) -> None:
    """Scroll until the widget's upper edge is where a reader has it: at the top."""
    root = page.locator(".tl-root").first
    root.wait_for(timeout=PATIENCE)
    for _ in range(4):  # a notebook that opens draws its other cells meanwhile, and shifts
        moved = root.evaluate(
            "(n) => { const y = n.getBoundingClientRect().top; n.scrollIntoView({ block: 'start' }); return Math.abs(n.getBoundingClientRect().top - y); }"
        )
        page.wait_for_timeout(100)
        if moved < 1:
            break
    settled(page)


def settled(page: Page) -> None:
    """Wait until what was changed is drawn: a view draws once a frame."""
    page.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")


def box(found: Locator) -> dict[str, float]:
    found_box = found.bounding_box() or found.bounding_box()  # once more: it may have been drawn anew meanwhile
    assert found_box is not None, f"{found} is not drawn"
    return found_box


def inside(inner: dict[str, float], outer: dict[str, float], slack: float = 1) -> bool:
    return (
        inner["x"] >= outer["x"] - slack
        and inner["y"] >= outer["y"] - slack
        and inner["x"] + inner["width"] <= outer["x"] + outer["width"] + slack
        and inner["y"] + inner["height"] <= outer["y"] + outer["height"] + slack
    )


def assert_seen(found: Locator, within: Locator | None = None) -> None:
    """It lies in the window (and in `within`) with all of its box, and nothing lies over its middle."""
    page = found.page
    size = page.viewport_size
    assert size is not None
    at = box(found)
    assert inside(at, {"x": 0, "y": 0, **{key: float(value) for key, value in size.items()}}), (at, size)
    if within is not None:
        assert inside(at, box(within)), (at, box(within))
    assert found.evaluate(HIT), f"something lies over {found}"


def held_row(page: Page) -> Locator:
    return page.locator(".tl-rows .tl-held")


PLACE = """() => {
  const said = document.querySelector('.tl-hold')?.textContent ?? '';
  const row = document.querySelector('.tl-rows .tl-held')?.dataset.row ?? '';
  return said.startsWith('The run has ended') ? 'ended' : said.startsWith('Held') ? `${said} ${row}` : '';
}"""


def held_at(page: Page) -> str:
    """Where the run is held, as the page says it; "ended", or nothing while it goes on."""
    return str(page.evaluate(PLACE))


def wait_held(page: Page, before: str = "") -> str:
    """Wait until the run is held at another place than `before`, or has ended; return where."""
    page.wait_for_function(
        f"(before) => {{ const at = ({PLACE})(); return at && at !== before; }}", arg=before, timeout=PATIENCE
    )
    settled(page)
    return held_at(page)


def save(page: Page) -> None:
    """Save the notebook, with the key that a reader presses."""
    page.wait_for_timeout(300)  # what was chosen is told after a calm moment
    with page.expect_response(lambda answer: "/api/contents/" in answer.url and answer.request.method == "PUT"):
        page.keyboard.press("Control+s")
    page.wait_for_timeout(300)


def children(pid: int) -> dict[int, str]:
    """The processes under a process, each with its name."""
    parents: dict[int, tuple[int, str]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (path / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if state != "Z":
            parents[int(path.name)] = (int(parent), name)
    found: dict[int, str] = {}
    new = {pid}
    while new:
        new = {one for one, (parent, _) in parents.items() if parent in new}
        found |= {one: parents[one][1] for one in new}
    return found


def machines(lab: Lab) -> set[int]:
    """The TPM emulators and virtual machines that run under a lab's server."""
    return {pid for pid, name in children(lab.pid).items() if name not in {"python", "python3", "setpriv", "sh"}}


def janitors(lab: Lab) -> set[int]:
    """The shells that clear up behind each kernel, and go with it."""
    return {pid for pid, name in children(lab.pid).items() if name == "sh"}


def alive(pids: set[int]) -> set[int]:
    """Those of these processes that still run, wherever they belong by now."""
    found = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.add(pid)
    return found


def end_kernels(lab: Lab) -> None:
    """End all kernels of a lab, and with them their acts."""
    for kernel in json.loads(ask(lab, "api/kernels")):
        ask(lab, f"api/kernels/{kernel['id']}", "DELETE")


def ask(lab: Lab, path: str, method: str = "GET") -> bytes:
    request = urllib.request.Request(lab.url(path), method=method)  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        body: Any = answer.read()
    return bytes(body)
