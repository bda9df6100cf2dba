"""The studio in a browser: as a page from a disk at three widths, and in a real JupyterLab."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from trustlab.studio import save_studio_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Lab
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.timeout(200)
PATIENCE = 90_000
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
CELL = """
from trustlab.studio import Studio
studio = Studio("tls13-nonce-key", ("ca", "key-usable"))
studio
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_studio_page(tmp_path_factory.mktemp("studio") / "studio.html")


@pytest.fixture
def page(chrome: Browser, file: Path) -> Iterator[Page]:
    context = chrome.new_context(offline=True, reduced_motion="reduce", viewport={"width": 1400, "height": 900})
    said = list[str]()
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    page.locator(".tl-sband").wait_for()
    yield page
    context.close()
    assert said == []


def chip(page: Page, group: str, name: str) -> Locator:
    return page.locator(f'[data-id="{group}-{name}"]')


def verdict(page: Page) -> Locator:
    return page.locator(".tl-stitle")


def test_a_click_changes_the_verdict_of_the_page(page: Page) -> None:
    expect(verdict(page)).to_contain_text("Nothing found")
    chip(page, "power", "lax-peer").click()
    chip(page, "goal", "balance").click()
    expect(page.locator(".tl-sturns")).to_have_text("One click changes this verdict: H(EPMS) in the teller's quote.")
    expect(chip(page, "client", "H(EPMS)")).to_have_class(re.compile("tl-turns"))
    chip(page, "client", "H(EPMS)").click()
    expect(verdict(page)).to_contain_text("Alice has an attack")
    steps = page.get_by_role("list", name="Alice's steps").locator("> li")
    expect(steps.first).to_contain_text("The teller sends its ClientHello.")
    expect(steps).to_have_count(page.locator(".tl-sarrow").count())
    expect(page.get_by_role("combobox")).to_have_value("pms-in-quote")
    expect(page.locator(".tl-sformula").last).to_contain_text(
        "= H(L, C, nonce_S, client_random, server_random, HMAC(PMS))"
    )


def test_the_page_says_what_it_does_not_hold_and_how_to_run_it(page: Page) -> None:
    gone = chip(page, "replay", "the bank is gone")
    expect(gone).to_have_attribute("aria-disabled", "true")
    gone.click(force=True)
    expect(page.get_by_role("status").first).to_contain_text("this combination is not in it")
    chip(page, "tls", "1.3").click()
    expect(chip(page, "tls", "1.3")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="How to run it").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("run_finding(found)")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_keyboard_reaches_every_chip_and_keeps_its_place(page: Page) -> None:
    chip(page, "client", "HMAC(PMS)").focus()
    page.keyboard.press("ArrowRight")
    expect(chip(page, "client", "H(EPMS)")).to_be_focused()
    page.keyboard.press("Space")
    expect(chip(page, "client", "H(EPMS)")).to_have_attribute("aria-pressed", "false")
    expect(chip(page, "client", "H(EPMS)")).to_be_focused()


def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(page: Page) -> None:
    chip(page, "power", "key-usable").click()
    expect(verdict(page)).to_contain_text("Alice has an attack")
    for width in (360, 860, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            expect(page.locator(".tl-studio.tl-dark")).to_have_count(int(scheme == "dark"))
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            small = page.evaluate(
                "() => [...document.querySelectorAll('.tl-studio button')].filter((n) => n.offsetParent)"
                ".filter((n) => Math.min(n.offsetWidth, n.offsetHeight) < 24).map((n) => n.textContent)"
            )
            assert small == [], width
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()


@pytest.fixture(scope="module")
def notebook(chrome: Browser, shared_lab: Lab) -> Iterator[Page]:
    cells = [nbformat.v4.new_code_cell(CELL.strip())]
    written = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(written, shared_lab.folder / "studio.ipynb")
    context = chrome.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(shared_lab.url("lab/tree/studio.ipynb"))
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".tl-sband").wait_for(timeout=PATIENCE)
    yield page
    context.close()


TIMED = """async (id) => {
  const began = performance.now();
  document.querySelector(`[data-id="${CSS.escape(id)}"]`).click();
  while (document.querySelector('.tl-swaits')) await new Promise((go) => setTimeout(go, 5));
  return performance.now() - began;
}"""


def test_in_a_notebook_a_click_searches_and_a_run_opens_the_inspector(notebook: Page) -> None:
    page = notebook
    expect(verdict(page)).to_contain_text("Alice has an attack")
    took = [page.evaluate(TIMED, f"server-{field}") for field in ("attest_secret", "client_random", "attest_secret")]
    assert sorted(took)[1] < 1_000, took
    expect(verdict(page)).to_contain_text("Alice has an attack")
    page.get_by_role("button", name="Run it").click()
    expect(page.locator(".tl-sran")).to_contain_text("It came out as searched.", timeout=PATIENCE)
    expect(page.locator(".tl-root:not(.tl-studio) .tl-rows")).to_be_visible(timeout=PATIENCE)
    page.locator(".tl-studio").evaluate("(n) => n.scrollIntoView()")
    found = Axe().run(page, context=".tl-studio")
    assert found.violations_count == 0, found.generate_report()
