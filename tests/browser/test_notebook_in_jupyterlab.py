"""The first notebook in a real JupyterLab in a real browser: run it, find the refusal, look at octets and fields."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Lab

pytestmark = pytest.mark.timeout(300)  # a browser, a server, a kernel and three acts on a busy machine
NOTEBOOK = "00-start-here.ipynb"
PICTURE = Path(__file__).parents[2] / "docs" / "inspector.png"
PATIENCE = 60_000
"""Milliseconds to wait for what takes a kernel's start and three acts."""


@pytest.fixture
def window(chrome: Browser, lab: Lab) -> Iterator[Page]:
    context = chrome.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    strangers: list[str] = []
    errors: list[str] = []
    page.on("request", lambda r: strangers.append(r.url) if not local(r.url, lab.port) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(lab.url(f"lab/tree/{NOTEBOOK}"))
    yield page
    context.close()
    assert not strangers, f"requests left the machine: {strangers}"
    assert not errors, f"errors in the page: {errors}"


def local(url: str, port: int) -> bool:
    return url.startswith((f"http://127.0.0.1:{port}/", f"ws://127.0.0.1:{port}/", "data:", "blob:"))


def run_all(page: Page) -> None:
    idle = page.get_by_role("button", name="Python 3 (ipykernel) | Idle")  # in the status bar: a kernel is there
    expect(idle).to_be_visible(timeout=PATIENCE)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    closed = page.get_by_text("Closed.", exact=True)
    failed = page.locator("[data-mime-type='application/vnd.jupyter.error']")
    expect(closed.or_(failed).first).to_be_attached(timeout=PATIENCE)
    assert failed.all_inner_texts() == [], "a cell failed"


def inspector(page: Page, title: str) -> Locator:
    return page.locator(".tl-view").filter(has=page.get_by_role("heading", name=title, exact=True))


def test_the_refusal_is_found_and_its_octets_lead_to_their_fields_and_back(window: Page) -> None:
    page = window
    a_recorded_run_is_there_before_anything_runs(page)
    run_all(page)
    view = inspector(page, "Act II: a trusted passage, and Alice")
    view.scroll_into_view_if_needed()
    refusal = view.locator(".tl-rows .tl-sel")
    expect(refusal).to_contain_text("The teller hangs up.")

    # The inspector has gone there by itself: the sentence, the binding, the failed check with its octets.
    expect(view.locator(".tl-say1").first).to_contain_text("One input differs: the server's public key.")
    view.get_by_role("tab", name="The binding").click()
    expect(view.locator(".tl-eq .tl-chip.tl-unlike")).to_have_count(2)
    expect(view.locator(".tl-check", has_text="extraData").first).to_contain_text("expected")
    take_picture(page, view)

    # A message, its fields, its octets: by mouse ...
    view.get_by_role("combobox", name="Find a field, text or hex").fill("ClientHello")
    view.get_by_role("option").first.click()
    tree = view.get_by_role("tree", name="Fields of ClientHello")
    item = tree.locator("[data-field]:not([aria-selected=true])").last
    number = item.get_attribute("data-field")
    item.click()
    expect(tree.locator("[aria-selected=true]")).to_have_attribute("data-field", str(number))
    expect(view.locator(".tl-note").first).to_contain_text(re.compile("byte|RFC|trustlab"))
    octets = view.get_by_role("group", name="Bytes of ClientHello")
    expect(octets).to_be_visible()

    # ... and by keyboard.
    ladder = view.get_by_role("group", name="Steps")
    ladder.focus()
    before = view.locator(".tl-rows .tl-sel").get_attribute("data-row")
    ladder.press("ArrowDown")
    expect(view.locator(".tl-rows .tl-sel")).not_to_have_attribute("data-row", str(before))
    ladder.press("ArrowUp")
    expect(view.locator(".tl-rows .tl-sel")).to_have_attribute("data-row", str(before))

    press_what_the_notebook_would_take(page, [tree, octets, ladder])

    # Whether Alice has the PIN stands in words, in the recording too.
    recording = page.locator(".tl-view").filter(has=page.get_by_role("heading", name=re.compile("^Act I, recorded 20")))
    expect(recording).to_contain_text("Alice has Bob's PIN")
    expect(inspector(page, "Act I: plain TLS")).to_contain_text("Alice has Bob's PIN")
    expect(view).to_contain_text("Bob's PIN is safe")

    # Axe finds nothing inside the widgets; JupyterLab's own findings are not ours.
    found = Axe().run(page, context=".tl-root")
    assert found.violations_count == 0, found.generate_report()


def a_recorded_run_is_there_before_anything_runs(page: Page) -> None:
    picture = page.get_by_role("img", name=re.compile("^Recorded: Act I in the inspector"))
    expect(picture).to_be_visible(timeout=PATIENCE)  # JupyterLab starts, and draws its notebook last
    expect(picture).to_have_js_property("complete", value=True)
    assert picture.evaluate("image => image.naturalWidth") > 1000
    expect(page.locator(".tl-view")).to_have_count(0)


def press_what_the_notebook_would_take(page: Page, places: list[Locator]) -> None:
    """JupyterLab takes none of these for its own commands: x would cut the cell, b add one, dd delete it."""
    cells = page.locator(".jp-Notebook .jp-Cell")
    count = cells.count()
    for place in places:
        place.focus()
        for key in ("x", "b", "d", "d", "ArrowDown"):
            page.keyboard.press(key)
        expect(cells).to_have_count(count)
        assert page.evaluate("document.activeElement.closest('.tl-root') !== null")


def take_picture(page: Page, view: Locator) -> None:
    """Take the README's picture, where it is asked for."""
    if os.environ.get("TRUSTLAB_SCREENSHOT") != "1":
        return
    page.keyboard.press("Control+b")  # the side bar away
    page.wait_for_timeout(300)
    view.scroll_into_view_if_needed()
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=PICTURE)
