"""The inspector in JupyterLab while a run goes on: in a cell, from a thread, in two views, and after a reload."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from proofs import assert_readable, assert_seen, into_view, wear

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
    views = slow.locator(".tl-root")

    expect(views.first.get_by_role("button", name="from the cell 1")).to_be_attached(timeout=PATIENCE)
    assert slow.get_by_text("the cell ends", exact=True).count() == 0, "it should grow while the cell still runs"

    for view in (0, 1):
        expect(views.nth(view).get_by_role("button", name="from a thread 4")).to_be_attached(timeout=PATIENCE)
        expect(views.nth(view).locator(".tl-rows [data-row]")).to_have_count(10)

    slow.keyboard.press("Control+s")
    expect(slow.get_by_role("tab", name="slow.ipynb").first).not_to_have_class("jp-mod-dirty", timeout=PATIENCE)
    slow.wait_for_timeout(500)
    slow.reload()
    for view in (0, 1):
        expect(views.nth(view).locator(".tl-rows [data-row]")).to_have_count(10, timeout=PATIENCE)


ACT = """
from trustlab.inspector import Inspector
from trustlab.scenarios import acts

act = acts.trusted_passage("rogue-certificate")
outcome = act.run()
act.close()
inspector = Inspector(act.trace)
inspector
"""


@pytest.fixture
def act_in_lab(chrome: Browser, lab_as_it_comes: Lab) -> Iterator[Page]:
    """Open a notebook with Act II in a JupyterLab as it comes, in a small window, and run it."""
    cells = [nbformat.v4.new_markdown_cell("words"), nbformat.v4.new_code_cell(ACT.strip())]
    cells += [nbformat.v4.new_code_cell(f"{n}") for n in range(8)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, lab_as_it_comes.folder / "act.ipynb")
    context = chrome.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(lab_as_it_comes.url("lab/tree/act.ipynb"))
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    into_view(page)
    yield page
    context.close()


def assert_the_sentence_is_above_the_fold(page: Page) -> None:
    assert_seen(page.locator(".tl-say1").first, page.locator(".jp-NotebookPanel .jp-WindowedPanel-outer").first)


def test_in_a_small_jupyterlab_the_sentence_is_seen_and_a_reload_lands_on_the_chosen_row(act_in_lab: Page) -> None:
    page = act_in_lab
    assert_the_sentence_is_above_the_fold(page)
    expect(page.locator(".tl-box.tl-sel")).to_contain_text("The teller hangs up.")
    for theme in ("Dark", "Light"):
        wear(page, theme)
        page.wait_for_timeout(200)
        found = Axe().run(page, context=".tl-root")
        assert found.violations_count == 0, found.generate_report()
        assert_readable(page)
    assert page.locator(".tl-root").evaluate("(n) => n.scrollWidth <= n.clientWidth")

    page.get_by_role("button", name=re.compile("Certificate differs")).click()
    page.get_by_role("treeitem").nth(3).click()
    said = page.locator(".tl-say1").inner_text()
    field = page.locator(".tl-tree .tl-sel").get_attribute("data-path")
    assert_the_sentence_is_above_the_fold(page)
    cell = page.locator(".jp-CodeCell").count()
    page.keyboard.press("x")  # a notebook would cut the cell
    assert page.locator(".jp-CodeCell").count() == cell
    page.wait_for_timeout(500)
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1500)
    page.reload()
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=PATIENCE)
    into_view(page)
    expect(page.locator(".tl-say1").first).to_have_text(said)
    expect(page.locator(".tl-tree .tl-sel")).to_have_attribute("data-path", field or "")
    assert_the_sentence_is_above_the_fold(page)


def test_when_the_kernel_goes_the_picture_stays_and_buttons_say_so(act_in_lab: Page) -> None:
    page = act_in_lab
    page.get_by_role("button", name=re.compile("Certificate differs")).click()
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Shut Down Kernel", exact=True).click()
    expect(page.get_by_role("button", name="No Kernel | Unknown")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("heading", name="Certificate")).to_be_visible()
    page.locator(".tl-keep summary").click()
    page.get_by_role("button", name="the trace (.jsonl)").click()
    expect(page.get_by_role("dialog", name="Keep")).to_contain_text("inspector.save_trace(", timeout=30_000)
