"""The site from a disk: nothing is fetched elsewhere, views live, search answers, axe finds nothing, paper gets stills.

Two labs and one room stand for the whole, which is built under TRUSTLAB_SOAK=1 alone. What builds it is the extra
`[site]`, which `make site` installs; without it these tests are skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

pytest.importorskip("myst_nb", reason="needs the extra [site]: make site installs it")
pytest.importorskip("spellchecker", reason="needs the extra [site]: make site installs it")
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
SMALL = () if os.environ.get("TRUSTLAB_SOAK") else ("--labs", "02,05", "--rooms", "trace")
LAB = "labs/02-alice-in-the-middle.html"
PAGES = (
    "index.html",
    "live.html",
    LAB,
    "docs/glossary.html",
    "docs/tls-states.html",
    "api/trace.html",
    "search.html?q=hypersafe",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "docs/site/build.py", "--out", str(out), *SMALL]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return out / "html"


@pytest.fixture
def opened(chrome: Browser, site: Path) -> Iterator[Callable[..., Page]]:
    """Open a page; at the end nothing was asked of anybody, and nothing was said on the console."""
    contexts, asked, said = [], list[str](), list[str]()

    def open_(name: str, *, width: int = 1400, scheme: str = "light", media: str = "screen") -> Page:
        context = chrome.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.emulate_media(media=media, color_scheme=scheme)
        page.goto(f"{site.as_uri()}/{name}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert asked
    assert [url for url in asked if not url.startswith((site.as_uri(), "data:"))] == []
    assert said == []


def test_views_are_alive_in_a_lab(opened: Callable[..., Page]) -> None:
    page = opened(LAB)
    frames = page.locator(".tl-run iframe")
    assert frames.count() >= 1
    frames.first.scroll_into_view_if_needed()
    inside = frames.first.content_frame
    inside.get_by_text("Finished").first.click()
    expect(inside.locator(".tl-root").first).to_contain_text("verify_data")
    expect(page.locator(".tl-paper").first).to_be_hidden()


def test_the_inspector_and_the_studio_are_alive(opened: Callable[..., Page]) -> None:
    page = opened("live.html")
    first, second = page.locator("iframe").all()
    first.scroll_into_view_if_needed()
    expect(first.content_frame.locator(".tl-view")).to_be_visible()
    second.scroll_into_view_if_needed()
    expect(second.content_frame.get_by_role("button").first).to_be_visible()


def test_search_answers_from_a_disk(opened: Callable[..., Page]) -> None:
    page = opened("search.html?q=hypersafe")
    expect(page.locator("#search-results a[href*=glossary]").first).to_be_visible()


def test_paper_gets_the_still_pictures(opened: Callable[..., Page]) -> None:
    page = opened(LAB, media="print")
    expect(page.locator(".tl-paper").first).to_be_visible()
    assert not any(frame.is_visible() for frame in page.locator("iframe").all())
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_no_page_scrolls_sideways(name: str, scheme: str, opened: Callable[..., Page]) -> None:
    page = opened(name, scheme=scheme, width=360)
    if name.startswith("search"):
        page.locator("#search-results li a").first.wait_for()
    found = Axe().run(page, context={"exclude": [["iframe"]]}, options={"preload": False}).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
