"""The exported page of real acts: what stands where at which width, by bounding box; keyboard, links, search, time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from trustlab.inspector.export import save_page
from trustlab.scenarios import acts
from trustlab.trace import Span, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

WIDTHS = (320, 400, 860, 1400, 2000)
HIGH = 900
LEAST = 24
"""Pixels of the smallest target (WCAG 2.2, 2.5.8)."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Run two acts and a design of TLS 1.3, and save each as a page."""
    folder = tmp_path_factory.mktemp("pages")
    runs = {
        "act-1": acts.plain_tls(),
        "act-2": acts.trusted_passage("rogue-certificate"),
        "tls13": acts.rung("tls13-key"),
    }
    saved = {}
    for name, act in runs.items():
        with act:
            act.run()
            saved[name] = save_page(folder / f"{name}.html", act.trace, secrets=True)
    return saved


@pytest.fixture
def opened(chrome: Browser, pages: dict[str, Path]) -> Iterator[Callable[..., Page]]:
    """Open a page by name, or any file; at the end nothing may have been said on the console."""
    contexts, said = [], list[str]()

    def open_(
        name: str | Path, *, width: int = 1400, height: int = HIGH, scheme: str = "light", link: str = ""
    ) -> Page:
        context = chrome.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=True, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        path = pages[name] if isinstance(name, str) else name
        page.goto(path.as_uri() + link)
        page.locator(".tl-view").wait_for()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []


def box(found: Locator) -> dict[str, float]:
    found_box = found.bounding_box()
    assert found_box is not None
    return found_box


def settled(page: Page) -> None:
    """Wait until what was changed is drawn: a view draws once a frame."""
    page.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")


def assert_the_sentence_is_seen(page: Page, width: int, height: int = HIGH) -> None:
    sentence = page.locator(".tl-say1").first
    at = box(sentence)
    assert at["x"] >= 0
    assert at["x"] + at["width"] <= width
    assert at["y"] >= 0
    assert at["y"] + at["height"] <= height
    # What the eye sees there is the sentence and nothing over it.
    hit = "([x, y]) => document.elementFromPoint(x, y)?.closest('.tl-note') !== null"
    assert page.evaluate(hit, [at["x"] + 4, at["y"] + 4])
    assert page.evaluate(hit, [at["x"] + 4, at["y"] + at["height"] - 4])


def chosen(page: Page) -> Locator:
    return page.locator(".tl-rows .tl-sel")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["act-1", "act-2", "tls13"])
def test_the_sentence_lies_in_view_and_nothing_is_wider_than_the_window(
    opened: Callable[..., Page], name: str, width: int
) -> None:
    page = opened(name, width=width)
    assert_the_sentence_is_seen(page, width)
    rows = page.evaluate(
        "() => [...document.querySelectorAll('.tl-rows [data-row]')].map((n) => Number(n.dataset.row))"
    )
    for row in rows[::5]:
        page.evaluate(
            "(row) => document.querySelector(`.tl-rows [data-row='${row}']`)?.click()",
            row,
        )
        settled(page)
        assert_the_sentence_is_seen(page, width)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), row


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400, 2000])
def test_axe_finds_nothing(opened: Callable[..., Page], scheme: str, width: int) -> None:
    for name in ("act-1", "act-2"):
        page = opened(name, width=width, scheme=scheme)
        for link in ("", "Certificate"):
            if link:
                page.get_by_role("combobox", name="Find a field, text or hex").fill("Certificate")
                page.get_by_role("option").first.click()
                settled(page)
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", ["act-1", "act-2"])
def test_what_can_be_pressed_is_large_enough(opened: Callable[..., Page], name: str) -> None:
    page = opened(name)
    page.get_by_role("button", name=re.compile("differs between the legs")).first.click()
    settled(page)
    small = page.evaluate(
        """(least) => [...document.querySelectorAll('.tl-view button, .tl-view select, .tl-view summary, .tl-view label, .tl-rows [data-row]')]
        .filter((n) => !n.matches('.tl-bar, .tl-strip i, .tl-sub'))
        .map((n) => [n.className || n.textContent, n.getBoundingClientRect()])
        .filter(([, b]) => b.width > 0 && (b.height < least - .5 || b.width < least - .5))
        .map(([c, b]) => `${c} ${b.width}x${b.height}`)""",
        LEAST,
    )
    assert small == []


def test_red_is_for_a_refusal_and_for_what_alice_reads(opened: Callable[..., Page]) -> None:
    for name, words in (("act-1", "Alice reads Bob's PIN."), ("act-2", "The teller hangs up.")):
        page = opened(name)
        red = page.locator(".tl-rows .tl-box.tl-bad")
        expect(red).to_have_count(1)
        expect(red).to_contain_text(words)
        expect(chosen(page)).to_contain_text(words)
        at = box(red)
        assert at["y"] > 0
        assert at["y"] + at["height"] < HIGH


def test_the_bytes_of_the_prize_are_coloured(opened: Callable[..., Page]) -> None:
    page = opened("act-1")
    pin = page.locator(".tl-readtext mark").inner_text()
    assert re.fullmatch(r"\d{6}", pin)
    expect(page.locator(".tl-got")).to_contain_text(pin)
    expect(page.get_by_text("✘ Alice has Bob's PIN")).to_be_visible()


def test_both_legs_stand_side_by_side_and_one_click_finds_the_byte_she_had_to_change(
    opened: Callable[..., Page],
) -> None:
    page = opened("act-2")
    different = page.get_by_role("button", name="Certificate differs between the legs; show the difference")
    left, sign, right = (
        box(one)
        for one in (
            page.locator(".tl-half", has_text="Certificate").nth(0),
            different,
            page.locator(".tl-half", has_text="Certificate").nth(1),
        )
    )
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= sign["x"] + sign["width"] / 2 <= right["x"] + 4
    assert page.locator(".tl-rel.tl-ne").count() == 1
    different.click()
    settled(page)
    expect(page.locator(".tl-why")).to_contain_text("Has to differ.")
    assert_the_sentence_is_seen(page, 1400)
    expect(page.locator(".tl-tree .tl-sel .tl-r")).to_have_text("≠")
    assert page.locator(".tl-hx .tl-chosen.tl-n").count() > 0
    # Aligned by field: the chosen field begins in the same cell of both legs.
    columns = page.evaluate(
        """() => { const line = [...document.querySelectorAll('.tl-hx')].find((n) => n.querySelector('.tl-chosen'));
        return [...line.querySelectorAll('.tl-hexcells')].map((side) => {
          const first = side.querySelector('.tl-chosen'); const range = document.createRange();
          range.setStart(side, 0); range.setEndBefore(first); return range.toString().length; }); }"""
    )
    assert columns[0] == columns[1]
    page.get_by_role("button", name="one", exact=True).click()
    settled(page)
    assert page.locator(".tl-ascii").count() > 0
    page.locator(".tl-trhead .tl-link").click()
    settled(page)
    expect(page.locator(".tl-msg .tl-route")).to_contain_text("Bank → Alice")


def test_in_order_of_time_each_leg_has_a_line_of_its_own(opened: Callable[..., Page]) -> None:
    page = opened("act-2")
    assert page.locator(".tl-two").count() > 3
    page.get_by_role("button", name="in order of time").click()
    settled(page)
    assert page.locator(".tl-two").count() == 0
    steps = [int(text) for text in page.locator(".tl-half .tl-step").all_inner_texts()]
    assert steps == sorted(steps)


def test_the_future_fades_at_the_cursor_and_the_slider_moves_it(opened: Callable[..., Page]) -> None:
    page = opened("act-2")
    slider = page.get_by_role("slider", name="Time: what had happened by step")
    end = int(slider.input_value())
    slider.focus()
    page.keyboard.press("Home")
    settled(page)
    expect(page.locator(".tl-steps")).to_have_text(f"step 1 of {end + 1}")
    lane = box(page.locator(".tl-lane"))
    page.mouse.click(lane["x"] + lane["width"] * 0.5, lane["y"] + 10)
    settled(page)
    here = int(slider.input_value())
    assert 0 < here < end
    knob = box(page.locator(".tl-knob"))
    assert abs(knob["x"] - (lane["x"] + lane["width"] * 0.5)) < 25
    faded = page.evaluate(
        """(here) => [...document.querySelectorAll('.tl-rows [data-row]')].every((n) =>
        (Number(n.dataset.row) > here) === (Number(getComputedStyle(n).opacity) < 0.5))""",
        here,
    )
    assert faded
    expect(page.locator(".tl-now")).to_be_visible()
    page.get_by_role("button", name="One step on").click()
    settled(page)
    assert int(slider.input_value()) == here + 1
    page.get_by_role("button", name="To the end").click()
    settled(page)
    assert int(slider.input_value()) == end
    expect(page.locator(".tl-now")).to_be_hidden()


def test_playing_stops_where_it_should(opened: Callable[..., Page]) -> None:
    page = opened("act-1")
    slider = page.get_by_role("slider", name="Time: what had happened by step")
    slider.fill("30")
    settled(page)
    page.get_by_role("button", name="Play to the next stop").click()
    expect(page.get_by_role("button", name="Play to the next stop")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("heading", name="Alice reads")).to_be_visible(timeout=30_000)
    assert "tl-bad" in (page.locator(".tl-note").get_attribute("class") or "")


def test_a_keyboard_is_enough(opened: Callable[..., Page]) -> None:
    page = opened("act-2")
    page.get_by_role("group", name="Steps").focus()
    page.keyboard.press("Home")
    settled(page)
    first = page.locator(".tl-say1").inner_text()
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    settled(page)
    assert page.locator(".tl-say1").inner_text() != first
    page.keyboard.press("/")
    page.keyboard.type("ServerHello")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    settled(page)
    expect(page.get_by_role("heading", name="ServerHello")).to_be_visible()
    route = page.locator(".tl-msg .tl-route").inner_text()
    page.get_by_role("tree").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    settled(page)
    top = page.get_by_role("treeitem").count()
    page.keyboard.press("ArrowRight")
    settled(page)
    assert page.get_by_role("treeitem").count() >= top
    page.keyboard.press("End")
    settled(page)
    assert_the_sentence_is_seen(page, 1400)
    expect(page.get_by_role("treeitem", selected=True)).to_have_count(1)
    page.get_by_role("group", name="Bytes of ServerHello").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    settled(page)
    expect(page.locator(".tl-caret")).to_have_count(1)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "tl-rows"
    page.keyboard.press("t")
    settled(page)
    assert page.locator(".tl-msg .tl-route").inner_text() != route
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_link_by_name_leads_to_a_field_and_a_reload_lands_there(opened: Callable[..., Page]) -> None:
    page = opened("act-2")
    page.get_by_role("button", name=re.compile("Certificate differs")).click()
    expect(page).to_have_url(re.compile("#.*Certificate/"))
    link, said = page.evaluate("location.hash"), page.locator(".tl-say1").inner_text()
    step = page.locator(".tl-half.tl-sel .tl-step").inner_text()
    assert not re.search(r"\d{3,}", link), "a name that is the same in every run has no numbers of this one"
    page.reload()
    expect(page.locator(".tl-say1")).to_have_text(said)
    expect(page.locator(".tl-half.tl-sel .tl-step")).to_have_text(step)
    assert_the_sentence_is_seen(page, 1400)
    page = opened("act-2", link=link.rpartition("/")[0].partition("/Certificate")[0] + "/Certificate")
    expect(page.get_by_role("heading", name="Certificate")).to_be_visible()
    page = opened("act-2", link="#no/such/place")
    expect(page.get_by_role("heading", name="Refused")).to_be_visible()


@pytest.mark.parametrize("asked", ["extradata", "bank.example", "ff544347"])
def test_search_finds_names_texts_and_octets(opened: Callable[..., Page], asked: str) -> None:
    page = opened("act-2")
    page.get_by_role("combobox", name="Find a field, text or hex").fill(asked)
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    settled(page)
    assert_the_sentence_is_seen(page, 1400)
    expect(page.locator(".tl-tree .tl-sel")).to_be_visible()


def test_search_that_finds_nothing_says_so(opened: Callable[..., Page]) -> None:
    page = opened("act-2")
    page.get_by_role("combobox", name="Find a field, text or hex").fill("no such thing")
    expect(page.locator(".tl-hitsum")).to_have_text("Nothing found.")


def test_filters_leave_what_they_say(opened: Callable[..., Page]) -> None:
    page = opened("act-2")
    page.get_by_label("messages only").check()
    settled(page)
    assert page.locator(".tl-tpm, .tl-fold, .tl-say, .tl-bind").count() == 0
    page.get_by_label("Steps of which party").select_option("bank")
    settled(page)
    assert page.locator(".tl-half").count() > 3
    assert page.locator(".tl-half[title*='Teller']").count() == 0
    page.get_by_label("messages only").uncheck()
    page.get_by_label("Steps of which party").select_option("")
    page.get_by_label("failures").check()
    settled(page)
    expect(page.locator(".tl-box.tl-bad")).to_be_visible()
    assert page.locator(".tl-rows [data-row]").count() < 5


def test_boot_is_folded_and_unfolds_in_place(opened: Callable[..., Page]) -> None:
    page = opened("act-2")
    page.get_by_role("group", name="Steps").focus()
    page.keyboard.press("Home")
    settled(page)
    fold = page.get_by_role("button", name=re.compile(r"machines? started"))
    expect(fold).to_have_attribute("aria-expanded", "false")
    fold.click()
    expect(fold).to_have_attribute("aria-expanded", "true")
    assert page.locator(".tl-sub").count() > 3
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"


def test_without_a_kernel_a_button_says_which_call_it_would_be(opened: Callable[..., Page]) -> None:
    page = opened("act-2")
    page.get_by_role("button", name=re.compile("Certificate differs")).click()
    settled(page)
    page.get_by_role("button", name="What if?").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text('act.what_if("Certificate"')
    expect(dialog).to_contain_text("No kernel answers here")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Edit and let go").click()
    expect(page.get_by_role("dialog")).to_contain_text('act.controller.break_on("Certificate")')
    page.keyboard.press("Escape")
    page.locator(".tl-keep summary").click()
    page.get_by_role("button", name="the trace (.jsonl)").click()
    expect(page.get_by_role("dialog")).to_contain_text("inspector.save_trace(")


def test_print_shows_all_of_every_chosen_step(opened: Callable[..., Page]) -> None:
    page = opened("act-2")
    page.get_by_role("button", name=re.compile("Certificate differs")).click()
    settled(page)
    page.get_by_role("button", name="Print this step too").click()
    page.get_by_role("group", name="Steps").focus()
    page.keyboard.press("End")
    settled(page)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    paper = page.locator(".tl-print")
    expect(paper).to_be_visible()
    expect(page.locator(".tl-view")).to_be_hidden()
    headings = paper.get_by_role("heading", level=3).all_inner_texts()
    assert len(headings) == 3
    assert "Certificate" in headings[0]
    cut = "() => [...document.querySelectorAll('.tl-print *')].filter((n) => n.scrollHeight > n.clientHeight + 2 && getComputedStyle(n).overflow !== 'visible').length"
    assert page.evaluate(cut) == 0
    expect(paper).to_contain_text("modulus")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(paper).to_have_count(0)


def hostile() -> Trace:
    """Return a trace whose every word wants out: markup, controls that reorder text, words without end, a megabyte."""
    trace = Trace("<img src=x onerror=window.hit=1>\u202egnp.exe", "memory")
    teller, bank = trace.party("teller"), trace.party("bank")
    teller.emit("app", "x", sentence="<script>window.hit=1</script>\u202eesrever\u2066 \u200bhidden")
    teller.emit("app", "y", sentence="w" * 10_000)
    for party, raw in ((teller, b"\x01" + bytes(range(256)) * 4096), (bank, bytes(64))):
        spans = [
            Span("</span><img src=x onerror=window.hit=1>", 0, 1, "<b>1</b>", "<i>note</i>\u202e", "RFC\u202e"),
            Span("l" * 10_000, 1, 33, "v" * 10_000, "n" * 10_000, "c" * 200),
            Span("rest", 33, len(raw), "", "", ""),
        ]
        place = {"connection": "teller-bank-1", "direction": "client", "offset": 0, "records": [[0, len(raw)]]}
        party.emit("tls.message", "ApplicationData", raw=raw, spans=spans, sent=party is teller, **place)
    return trace


@pytest.mark.parametrize("width", [320, 1400])
def test_hostile_words_stay_words_and_a_megabyte_opens(opened: Callable[..., Page], tmp_path: Path, width: int) -> None:
    page = opened(save_page(tmp_path / "hostile.html", hostile(), secrets=True), width=width)
    assert page.locator(".tl-root img, .tl-root script").count() == 0
    page.get_by_role("group", name="Steps").focus()
    page.keyboard.press("Home")
    for _ in range(6):
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert_the_sentence_is_seen(page, width)
        page.keyboard.press("ArrowDown")
    text = page.locator(".tl-root").inner_text()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]", text)
    assert "⟨U+202E⟩" in page.locator(".tl-rows").inner_text() or "⟨U+202E⟩" in text
    took = page.evaluate(
        """async () => { const began = performance.now();
        document.querySelector('.tl-half').click();
        await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
        return performance.now() - began; }"""
    )
    assert took < 2000, "a megabyte opens without freezing the window"
    assert page.locator(".tl-hx").count() < 200, "only what is in view exists"
    assert page.evaluate("window.hit") is None
