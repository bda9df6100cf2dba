"""The inspector in the real JupyterLab, with its own settings, and in Notebook 7: real acts, steered by clicks and keys.

What is claimed is read off the screen: where boxes lie and what lies over them, not what stands in the DOM.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from proofs import (
    JUPYTERLAB,
    NOTEBOOK7,
    PATIENCE,
    Frontend,
    alive,
    ask,
    assert_readable,
    assert_seen,
    box,
    end_kernels,
    held_at,
    held_row,
    inside,
    into_view,
    janitors,
    machines,
    menu,
    run_first_cell,
    save,
    settled,
    wait_held,
    wear,
    write_notebook,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Lab

pytestmark = pytest.mark.timeout(600)
MOST = 60
"""Steps of an act, at most."""


@pytest.fixture
def opened(chrome: Browser, shared_lab: Lab) -> Iterator[Callable[..., Page]]:
    """Open a new notebook with one act; at the end the page may have met no error."""
    contexts, errors = [], list[str]()

    def open_(
        name: str, what: str, first: str, *, frontend: Frontend = JUPYTERLAB, width: int = 1440, height: int = 1000
    ) -> Page:
        write_notebook(shared_lab, name, what, first)
        context = chrome.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: frontend.made(error) or errors.append(f"{error}\n{error.stack}"))
        frontend.open(page, shared_lab, name)
        return page

    yield open_
    for context in contexts:
        context.close()
    end_kernels(shared_lab)
    assert errors == []


def row_held(page: Page) -> int:
    return int(held_row(page).get_attribute("data-row") or -1)


def step(page: Page) -> str:
    """Click Step, and return where the run is held then."""
    before = held_at(page)
    page.get_by_role("button", name="Step a message", exact=True).click()
    return wait_held(page, before)


def assert_the_future_is_not_shown(page: Page) -> None:
    """What is written and has not left is a stub at its writer; nobody has judged anything yet."""
    lengths = page.evaluate(
        """() => [...document.querySelectorAll('.tl-half.tl-is-written')].map((half) => {
          const [all, arrow] = [half.getBoundingClientRect(), half.querySelector('.tl-shaft').getBoundingClientRect()];
          const rightwards = half.classList.contains('tl-tor');
          return { share: arrow.width / all.width, gap: rightwards ? arrow.left - all.left : all.right - arrow.right };
        })"""
    )
    assert lengths
    assert all(one["share"] < 0.4 and one["gap"] < 8 for one in lengths), lengths
    assert page.locator(".tl-rows .tl-box").count() == 0
    assert not re.search("[✔✘]", page.get_by_role("tab", name="Checks").inner_text())


def assert_nothing_overlaps(page: Page) -> None:
    """Nothing in the view is wider than it; its large parts, and what can be pressed, do not lie over one another."""
    wide = page.evaluate(
        "() => { const n = document.querySelector('.tl-root'); return n.scrollWidth - n.clientWidth; }"
    )
    assert wide <= 0
    over = page.evaluate(
        """() => {
          const root = document.querySelector('.tl-root');
          const frame = root.getBoundingClientRect();
          const shown = (n) => n.checkVisibility() && n.getBoundingClientRect().width > 0;
          const groups = [
            [...root.querySelectorAll('.tl-head, .tl-over, .tl-ladder, .tl-msg, .tl-panel')],
            [...root.querySelectorAll('.tl-head button, .tl-head summary, .tl-head input, .tl-title')].filter((n) => !n.closest('.tl-menubody, .tl-hits')),
            [...root.querySelectorAll('.tl-over button, .tl-over .tl-breakname, .tl-prize, .tl-steps, .tl-lane, .tl-reads, .tl-hold')],
            [...root.querySelectorAll('.tl-mhead > *, .tl-hands > *')].filter((n) => !n.matches('.tl-hands')),
            [...root.querySelectorAll('.tl-where > *, .tl-say1')],
            [...root.querySelectorAll('.tl-hexbar button, .tl-hexbar b')],
            [...root.querySelectorAll('.tl-ltools button, .tl-ltools label, .tl-ltools select, .tl-name')],
          ];
          const found = [];
          for (const group of groups) {
            const boxes = group.filter(shown).map((n) => [n, n.getBoundingClientRect()]);
            for (const [n, b] of boxes) if (b.left < frame.left - 1 || b.right > frame.right + 1) found.push(`out: ${n.className || n.textContent}`);
            for (let i = 0; i < boxes.length; i += 1) for (let j = i + 1; j < boxes.length; j += 1) {
              const [[n, a], [m, b]] = [boxes[i], boxes[j]];
              if (n.contains(m) || m.contains(n)) continue;
              if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1.5)
                found.push(`${n.className || n.textContent} over ${m.className || m.textContent}`);
            }
          }
          return found;
        }"""
    )
    assert over == [], (page.viewport_size, over)


def assert_axe_finds_nothing(page: Page) -> None:
    for theme in ("Dark", "Light"):
        wear(page, theme)
        page.wait_for_timeout(200)
        assert_seen(page.locator(".tl-rows .tl-sel").first, page.locator(".tl-rows").first)
        found = Axe().run(page, context=".tl-root")
        assert found.violations_count == 0, found.generate_report()
        assert_readable(page)


def test_an_act_is_stepped_by_clicks_to_its_end_and_looked_at_afterwards(
    opened: Callable[..., Page], shared_lab: Lab
) -> None:
    page = opened("stepped.ipynb", '"trusted-passage", "rogue-certificate"', 'break_on("ServerHello")')
    run_first_cell(page)
    wait_held(page)
    first = row_held(page)
    into_view(page)
    ladder = page.locator(".tl-rows")
    assert_seen(held_row(page), ladder)
    expect(page.locator(".tl-hold")).to_contain_text(f"Held before ServerHello (Bank → Alice, step {first + 1}).")
    assert_the_future_is_not_shown(page)
    page.locator(".tl-lines .tl-half", has_text="ClientHello").first.click()  # a reader looks elsewhere, and steps on
    places = [first]
    for _ in range(MOST):
        if step(page) == "ended":
            break
        assert_seen(held_row(page), ladder)
        assert_seen(page.locator(".tl-say1").first)
        expect(held_row(page)).to_have_class(re.compile("tl-sel"))
        places.append(row_held(page))
    assert held_at(page) == "ended"
    assert places == sorted(set(places))
    assert len(places) > 8

    # The end: the refusal names the check, and both legs stand side by side.
    refusal = page.locator(".tl-rows .tl-box.tl-bad")
    expect(refusal).to_have_class(re.compile("tl-sel"))  # a frame after the end
    settled(page)
    assert_seen(refusal, ladder)
    expect(refusal).to_contain_text("One input differs: the server's public key.")
    expect(page.get_by_role("heading", name="Refused")).to_be_visible()
    assert_seen(page.locator(".tl-check", has_text="extraData").first)
    assert_seen(page.get_by_role("tab", name="The binding", selected=True))
    different = page.get_by_role("button", name="Certificate differs between the legs; show the difference")
    different.click()
    settled(page)
    left, right = (box(page.locator(".tl-half", has_text="Certificate").nth(n)) for n in (0, 1))
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] < right["x"] + 8
    assert_seen(page.locator(".tl-tree .tl-sel"))

    back_in_time(page)
    search(page)
    deep_link(page, shared_lab)
    save(page)
    without_kernel(page, shared_lab)


def back_in_time(page: Page) -> None:
    """A click on the line of time leads back: what comes later fades, and the end brings it back."""
    lane = box(page.locator(".tl-lane"))
    page.mouse.click(lane["x"] + lane["width"] * 0.45, lane["y"] + 12)
    settled(page)
    knob, now = box(page.locator(".tl-knob")), page.locator(".tl-now")
    assert abs(knob["x"] + knob["width"] / 2 - (lane["x"] + lane["width"] * 0.45)) < 25
    assert inside(box(now), box(page.locator(".tl-rows")), slack=30)
    later = page.evaluate(
        """() => { const now = document.querySelector('.tl-now').getBoundingClientRect().top;
        return [...document.querySelectorAll('.tl-rows [data-row]')].filter((n) => n.checkVisibility() && n.getBoundingClientRect().top > now)
          .map((n) => Number(getComputedStyle(n).opacity)); }"""
    )
    assert later
    assert max(later) < 0.5
    page.get_by_role("button", name="To the end", exact=True).click()
    settled(page)
    expect(now).to_be_hidden()


def search(page: Page) -> None:
    page.get_by_role("combobox", name="Find a field, text or hex").fill("server_version")
    hit = page.locator(".tl-hit").first
    expect(hit).to_be_visible()
    assert_seen(hit)
    hit.click()
    settled(page)
    chosen = page.locator(".tl-tree .tl-sel")
    expect(chosen).to_contain_text("server_version")
    assert_seen(chosen, page.locator(".tl-tree"))
    assert_seen(page.locator(".tl-rows .tl-sel"), page.locator(".tl-rows"))


def deep_link(page: Page, lab: Lab) -> None:
    """A link by name leads to its field in the notebook too; without one a reload lands where the reader was."""
    page.get_by_role("button", name="Copy a link to this field").click()
    address = page.locator(".tl-address1").inner_text()
    assert address.endswith("ServerHello/server_version")
    page.keyboard.press("Escape")
    said = page.locator(".tl-say1").first.inner_text()
    page.get_by_role("treeitem", name=re.compile("^msg_type")).click()
    elsewhere = page.locator(".tl-say1").first.inner_text()
    save(page)
    for target, sentence in ((page.url, elsewhere), (address, said)):
        page.goto("about:blank")
        page.goto(target)
        JUPYTERLAB.ready(page)
        into_view(page)
        expect(page.locator(".tl-say1").first).to_have_text(sentence)
        assert_seen(page.locator(".tl-say1").first)
        assert_seen(page.locator(".tl-tree .tl-sel"), page.locator(".tl-tree"))
        assert_seen(page.locator(".tl-rows .tl-sel"), page.locator(".tl-rows"))
        assert page.locator(".tl-still").evaluate("(n) => n.checkVisibility()") is False
    assert address.startswith(lab.url("").split("?")[0])


def without_kernel(page: Page, lab: Lab) -> None:
    """The same notebook, opened when its kernel has gone, shows the picture of the end and says what it is."""
    menu(page, "Kernel", "Shut Down Kernel")
    expect(page.get_by_role("button", name="No Kernel | Unknown")).to_be_visible(timeout=PATIENCE)
    page.reload()
    picture = page.locator(".tl-still svg")
    picture.wait_for(timeout=PATIENCE)
    expect(page.locator(".tl-still")).to_contain_text("A still picture.")
    expect(page.locator(".tl-still")).to_contain_text("teller refuses: extraData")
    page.locator(".tl-still").evaluate("(n) => n.scrollIntoView({ block: 'start' })")
    at = box(picture)
    assert at["width"] > 300
    assert at["height"] > 300
    for word in ("model not found", "Loading widget"):
        for notice in page.get_by_text(word).all():
            assert not notice.is_visible()
    assert not ask(lab, "api/contents/stepped.ipynb").count(b"Nothing had happened yet")


def test_a_message_is_changed_by_the_page_and_the_act_runs_again_beside_it(opened: Callable[..., Page]) -> None:
    page = opened("changed.ipynb", '"trusted-passage"', "pause()")
    run_first_cell(page)
    wait_held(page)
    into_view(page)
    at = held_at(page)
    page.get_by_label("Break on which message").fill("ServerHello")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator(".tl-hold")).to_contain_text("Breaks on ServerHello.")
    page.get_by_role("button", name="Go on", exact=True).click()
    wait_held(page, at)
    expect(held_row(page)).to_contain_text("ServerHello")
    assert_axe_finds_nothing(page)

    at = held_at(page)
    change_a_byte(page)
    assert wait_held(page, at) == "ended"
    settled(page)
    refusal = page.locator(".tl-rows .tl-box.tl-bad")
    expect(refusal).to_contain_text("One input differs: the server's random.")
    expect(refusal).to_have_class(re.compile("tl-sel"))  # a frame after the end
    settled(page)
    assert_seen(refusal, page.locator(".tl-rows"))
    assert_seen(page.locator(".tl-check", has_text="extraData").first)
    changed = page.locator(".tl-half", has_text="ServerHello").first
    expect(changed).to_contain_text("altered")
    assert_axe_finds_nothing(page)

    page.locator(".tl-half", has_text="ClientHello").first.click()
    page.locator(".tl-tree").hover()
    page.mouse.wheel(0, -5000)  # the message opens at its nonce
    page.get_by_role("treeitem", name=re.compile("^random")).click()
    page.get_by_role("button", name="What if?").click()
    assert_seen(page.get_by_role("dialog"))
    page.get_by_role("button", name="Run it again").click()
    other = page.locator(".tl-compare")
    other.wait_for(timeout=PATIENCE)
    assert_seen(other.locator(".tl-say1"))
    expect(other).to_contain_text("ClientHello.random was edited in flight.")
    assert_seen(other.locator(".tl-rows .tl-sel"), other)
    here, there = box(page.locator(".tl-ladder").first), box(other)
    assert here["x"] + here["width"] <= there["x"]
    assert_axe_finds_nothing(page)


def change_a_byte(page: Page) -> None:
    """Click on a byte of the held ServerHello's random, type over it, and let it go."""
    page.get_by_role("treeitem", name=re.compile("^random")).click()
    settled(page)
    octets = page.locator(".tl-hx .tl-chosen").first
    assert_seen(octets, page.locator(".tl-hex").first)
    before = octets.inner_text()[:2]
    at = box(octets)
    page.mouse.click(at["x"] + 5, at["y"] + at["height"] / 2)
    page.keyboard.type(f"{int(before, 16) ^ 0xFF:02x}")
    expect(page.locator(".tl-edited")).to_have_text(f"{int(before, 16) ^ 0xFF:02x}")
    expect(page.locator(".tl-edits")).to_contain_text("1 byte changed.")
    go = page.get_by_role("button", name="Let it go, changed")
    assert_seen(go, page.locator(".tl-msg"))
    go.click()


def test_at_every_width_nothing_is_wider_than_the_window_and_nothing_overlaps(opened: Callable[..., Page]) -> None:
    page = opened("widths.ipynb", '"trusted-passage", "rogue-certificate"', 'break_on("ServerHello")', width=2000)
    page.keyboard.press("Control+b")
    run_first_cell(page)
    wait_held(page)
    for width in (2000, 1400, 1100, 860, 600, 400, 320):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(250)
        into_view(page)
        assert_nothing_overlaps(page)
        assert_seen(page.locator(".tl-say1").first)
        assert_seen(held_row(page), page.locator(".tl-rows"))


def test_a_rerun_a_restart_and_a_closed_tab_leave_nothing(opened: Callable[..., Page], shared_lab: Lab) -> None:
    page = opened("ends.ipynb", '"trusted-passage"', 'break_on("ServerHello")')

    def run_and_hold() -> set[int]:
        run_first_cell(page)
        page.wait_for_function(
            "() => document.querySelectorAll('.tl-root').length === 1 && document.querySelector('.tl-hold').textContent.startsWith('Held')",
            timeout=PATIENCE,
        )
        found = machines(shared_lab)
        assert found, "a held act has its machines"
        return found

    before = machines(shared_lab)
    first = run_and_hold() - before
    assert first
    page.locator(".tl-root").evaluate("(n) => n.setAttribute('data-old', '')")
    run_first_cell(page)
    page.locator(".tl-root:not([data-old]) .tl-held").wait_for(timeout=PATIENCE)
    assert gone(first) == set(), "the cell ran again, so the first act has ended"
    second = machines(shared_lab) - before
    clearing = janitors(shared_lab)
    assert second
    assert not second & first
    assert step(page).startswith("Held"), "the second act is stepped as if there had been no first"

    menu(page, "Kernel", r"Restart Kernel…")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    assert gone(second | clearing) == set()
    JUPYTERLAB.ready(page)
    expect(page.locator(".tl-hold")).to_contain_text("The kernel does not answer.")
    third = (run_and_hold() - before) | janitors(shared_lab)
    save(page)
    page.goto("about:blank")
    time.sleep(0.5)
    assert alive(third) == third, "a closed tab changes nothing: the kernel still has the act"
    JUPYTERLAB.open(page, shared_lab, "ends.ipynb")
    into_view(page)
    wait_held(page)
    assert step(page).startswith("Held"), "whoever opens the notebook again steps on"
    page.goto("about:blank")
    end_kernels(shared_lab)
    assert gone(third) == set()
    left = [path for path in shared_lab.scratch.rglob("*") if path.name != f"trustlab-{path.stat().st_uid}"]
    assert left == [], "folders of machines are left"


def gone(pids: set[int]) -> set[int]:
    """Wait until these processes have ended; return those that have not."""
    until = time.monotonic() + 20
    while (left := alive(pids)) and time.monotonic() < until:
        time.sleep(0.1)
    return left


@pytest.mark.parametrize("frontend", [JUPYTERLAB, NOTEBOOK7], ids=lambda one: one.name)
def test_keys_alone_are_enough(opened: Callable[..., Page], frontend: Frontend) -> None:
    """Run, step, change, look, find, save and come back, without a pointer."""
    page = opened("keys.ipynb", '"trusted-passage"', 'break_on("ServerHello")', frontend=frontend)
    press = page.keyboard.press
    page.wait_for_function("document.activeElement.closest('.jp-Notebook') !== null", timeout=PATIENCE)
    press("Shift+Enter")
    wait_held(page)
    tab_into(page)
    tab_to(page, "Step a message")
    assert_focus_is_seen(page)
    before = held_at(page)
    press("Enter")
    at = wait_held(page, before)
    expect(held_row(page)).to_contain_text("Evidence")

    # Type over a byte of the held evidence: a letter of the quote's signature, far down in the tree.
    press("Escape")
    press("/")
    page.keyboard.type("extraData")
    expect(page.locator(".tl-hit").first).to_be_visible()
    press("Enter")
    settled(page)
    expect(page.locator(".tl-tree .tl-sel")).to_contain_text("extraData")
    tab_to(page, re.compile("^Bytes of"))
    assert_focus_is_seen(page)
    press("ArrowRight")
    page.keyboard.type("00")
    tab_to(page, "Let it go, changed", back=True)
    press("Enter")
    wait_held(page, at)
    assert held_at(page) == "ended"
    refusal = page.locator(".tl-rows .tl-box.tl-bad")
    expect(refusal).to_have_class(re.compile("tl-sel"))  # a frame after the end
    settled(page)
    assert_seen(refusal, page.locator(".tl-rows"))
    expect(page.locator(".tl-check", has_text="signature").first).to_be_visible()

    said = walk_by_keys(page)
    save(page)
    page.reload()
    frontend.ready(page)
    into_view(page)
    expect(page.locator(".tl-say1").first).to_have_text(said)
    chosen = page.locator(".tl-rows .tl-sel").first
    assert inside(box(chosen), box(page.locator(".tl-rows")))
    chosen.evaluate("(n) => n.scrollIntoView({ block: 'nearest' })")  # Notebook 7 scrolls no further after a reload
    assert_seen(chosen)


def walk_by_keys(page: Page) -> str:
    """Go to the first steps, open a panel, go back in time; return the sentence over what is chosen then."""
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    settled(page)
    chosen = page.locator(".tl-rows .tl-sel")
    assert_seen(chosen.first, page.locator(".tl-rows"))
    first = chosen.first.get_attribute("data-row")
    page.keyboard.press("3")
    assert_seen(page.get_by_role("tab", name="Keys", exact=True, selected=True))
    page.keyboard.press("[")  # back in time, and what happened then is chosen
    settled(page)
    assert chosen.first.get_attribute("data-row") != first
    assert_seen(chosen.first, page.locator(".tl-rows"))
    return page.locator(".tl-say1").first.inner_text()


def tab_into(page: Page) -> None:
    """Press Tab until the focus is in the view."""
    for _ in range(40):
        if page.evaluate("document.activeElement.closest('.tl-root') !== null"):
            return
        page.keyboard.press("Tab")
    pytest.fail("the tab key never comes to the view")


def tab_to(page: Page, name: str | re.Pattern[str], *, back: bool = False) -> None:
    """Press Tab until the focus is on what is named so."""
    for _ in range(60):
        if page.evaluate(
            """([name, exact]) => { const n = document.activeElement; const is = n.getAttribute('aria-label') ?? n.textContent;
            return exact ? is === name : new RegExp(name).test(is); }""",
            [name if isinstance(name, str) else name.pattern, isinstance(name, str)],
        ):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    pytest.fail(f"the tab key never comes to {name}")


def assert_focus_is_seen(page: Page) -> None:
    """What has the focus lies in the window, with a line around it."""
    seen = page.evaluate(
        """() => { const n = document.activeElement; const b = n.getBoundingClientRect(); const s = getComputedStyle(n);
        return [b.top >= 0 && b.bottom <= innerHeight && b.left >= 0 && b.right <= innerWidth, parseFloat(s.outlineWidth), s.outlineStyle]; }"""
    )
    assert seen[0]
    assert seen[1] >= 1
    assert seen[2] != "none"
