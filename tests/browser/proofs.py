"""Hands and eyes for the inspector in a real notebook: open one with an act, run it, look where things are on screen."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from playwright.sync_api import Error, Locator, Page, expect
from processes import children

if TYPE_CHECKING:
    from conftest import Lab

PATIENCE = 180_000
"""Milliseconds for what a busy machine may take: a kernel's start, an act."""
SETTLING = 10.0
"""Seconds within which a view is drawn as it stays."""
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

FAINT = """() => {
  const paper = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {  // whatever way it is written in
    paper.clearRect(0, 0, 1, 1);
    paper.fillStyle = colour;
    paper.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = paper.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((c, n) => c * a + below[n] * (1 - a));
  const light = (c) => { const [r, g, b] = c.map((x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (node) => {
    const layers = [];
    for (let n = node; n; n = n.parentElement) layers.push(rgba(getComputedStyle(n).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const found = new Set();
  const words = document.createTreeWalker(document.querySelector('.tl-root'), NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const node = words.currentNode.parentElement;
    const text = words.currentNode.textContent.trim();
    if (!text || !node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || node.closest('[disabled], [aria-disabled=true], [aria-hidden=true]')) continue;
    const style = getComputedStyle(node);
    const below = ground(node);
    let ink = rgba(node.closest('svg') ? style.fill : style.color);
    for (let n = node; n; n = n.parentElement) ink = [...ink.slice(0, 3), ink[3] * Number(getComputedStyle(n).opacity)];
    const [a, b] = [light(over(ink, below)), light(below)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) found.add(`${contrast.toFixed(2)} ${node.getAttribute('class') ?? node.tagName}: ${text.slice(0, 40)}`);
  }
  return [...found];
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
    """It comes to lie in the window (and in `within`) with all of its box, and nothing over its middle.

    A view draws once a frame, and a busy machine draws late: what counts is where things come to rest.
    """
    end = time.monotonic() + SETTLING
    while (trouble := unseen(found, within)) and time.monotonic() < end:
        found.page.wait_for_timeout(50)
    assert not trouble, trouble


def unseen(found: Locator, within: Locator | None) -> str:
    """Say why a reader does not see it now; nothing if they do."""
    size = found.page.viewport_size
    assert size is not None
    at = box(found)
    window = {"x": 0.0, "y": 0.0, "width": float(size["width"]), "height": float(size["height"])}
    frames = [window] if within is None else [window, box(within)]
    outside = [frame for frame in frames if not inside(at, frame)]
    if outside:
        return f"{found} at {at} is not within {outside[0]}"
    return "" if found.evaluate(HIT) else f"something lies over {found}"


def assert_readable(page: Page) -> None:
    """Every text in the view stands out from what is painted behind it (WCAG 2.2, 1.4.3), whatever axe can tell of it."""
    assert page.evaluate(FAINT) == []


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
