"""The inspector in JupyterLab while a run goes on: in a cell, from a thread, in two views, and after a reload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Lab

pytestmark = pytest.mark.timeout(300)
PATIENCE = 90_000
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
CELLS = (
    """
import threading, time
from trustlab.inspector import Inspector
from trustlab.trace import Trace

trace = Trace("a slow run", "memory")
inspector = Inspector(trace)
display(inspector)
for n in range(5):
    trace.party("teller").emit("app", str(n), sentence=f"from the cell {n}")
    time.sleep(0.4)
print("the cell ends")
""",
    "inspector  # a second view",
    """
def later():
    for n in range(5):
        trace.party("bank").emit("app", str(n), sentence=f"from a thread {n}")
        time.sleep(0.2)

threading.Thread(target=later).start()
""",
)


@pytest.fixture
def slow(chrome: Browser, lab: Lab) -> Iterator[Page]:
    cells = [nbformat.v4.new_code_cell(text.strip()) for text in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, lab.folder / "slow.ipynb")
    context = chrome.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(lab.url("lab/tree/slow.ipynb"))
    yield page
    context.close()


def test_a_view_grows_while_the_cell_runs_and_survives_a_reload(slow: Page) -> None:
    expect(slow.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=PATIENCE)
    slow.get_by_role("menuitem", name="Run", exact=True).click()
    slow.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    views = slow.locator(".tl")

    expect(views.first.get_by_role("option", name="from the cell 1")).to_be_attached(timeout=PATIENCE)
    assert slow.get_by_text("the cell ends", exact=True).count() == 0, "it should grow while the cell still runs"

    for view in (0, 1):
        last = views.nth(view).get_by_role("option", name="from a thread 4")
        expect(last).to_be_attached(timeout=PATIENCE)
        expect(views.nth(view).get_by_role("option")).to_have_count(10)

    slow.keyboard.press("Control+s")
    expect(slow.get_by_role("tab", name="slow.ipynb").first).not_to_have_class("jp-mod-dirty", timeout=PATIENCE)
    slow.wait_for_timeout(500)
    slow.reload()
    for view in (0, 1):
        expect(views.nth(view).get_by_role("option")).to_have_count(10, timeout=PATIENCE)
