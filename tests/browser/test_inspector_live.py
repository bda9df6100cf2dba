"""The widget's module alone, fed by hand: what a view does while a run goes on, with a stand-in for the notebook's model."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from trustlab.inspector import Inspector, Ladder
from trustlab.inspector.document import SteeringState
from trustlab.inspector.export import EXPORT, STATIC
from trustlab.scenarios import acts
from trustlab.trace import Span, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = """
const state = { _document: { frame: { title: "live", substrate: "memory", live: true } }, _controls: true, chosen: -1, chosen_field: "" };
const handlers = {};
window.sent = [];
window.saved = 0;
const model = {
  get: (name) => state[name],
  set: (name, value) => { const same = state[name] === value; state[name] = value; if (!same) tell(`change:${name}`); },
  save_changes: () => { window.saved += 1; },
  on: (name, f) => { (handlers[name] ??= []).push(f); },
  off: (name, f) => { handlers[name] = (handlers[name] ?? []).filter((other) => other !== f); },
  send: (message) => window.sent.push(message),
};
const tell = (name, ...given) => (handlers[name] ?? []).slice().forEach((f) => f(...given));
window.feed = (message) => tell("msg:custom", JSON.parse(JSON.stringify(message)), []);
window.from_python = (name, value) => model.set(name, value);
window.tell = tell;
window.model_of_test = model;
window.get = (name) => state[name];
window.view = () => {
  const el = document.createElement("div");
  document.body.append(el);
  window.unview = inspector.render({ model, el });
};
inspector.initialize({ model });
window.view();
"""


@pytest.fixture
def live(chrome: Browser) -> Iterator[Page]:
    script = (STATIC / "inspector.js").read_text("utf-8").replace(EXPORT, "const inspector =")
    style = (STATIC / "inspector.css").read_text("utf-8")
    context = chrome.new_context(viewport={"width": 1200, "height": 900}, offline=True, reduced_motion="reduce")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(f"<style>{style}</style><body></body>")
    page.add_script_tag(content=f"{script}\n{MODEL}", type="module")
    page.wait_for_function("() => window.unview !== undefined")  # a module runs when its tag has long been added
    yield page
    context.close()
    assert errors == []


class Feeder:
    """Makes batches as the widget in Python does."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.trace = Trace("live", "memory")
        self.ladder = Ladder("live", "memory")
        self.ladder.document.frame.live = True
        self.rows: dict[int, Any] = {}
        self.trace.subscribe(self._take)

    def _take(self, event: Any) -> None:
        self.rows |= {row.id: row for row in self.ladder.feed(event)}

    def batch(self) -> dict[str, Any]:
        made = self.ladder.batch(row for _, row in sorted(self.rows.items()))
        self.rows = {}
        return {"type": "batch", **msgspec.to_builtins(made)}

    def send(self) -> None:
        self.page.evaluate("(message) => feed(message)", self.batch())
        settled(self.page)

    def whole(self) -> dict[str, Any]:
        return {"type": "whole", "document": msgspec.to_builtins(self.ladder.restart())}

    def say(self, party: str, name: str) -> None:
        self.trace.party(party).emit("app", name, sentence=f"{party} says {name}")

    def message(self, name: str = "ClientHello", raw: bytes = b"\x01\x02\x03\x04") -> None:
        spans = [Span("msg_type", 0, 1, "1", "What it is."), Span("random", 1, len(raw), "", "Fresh octets.")]
        place = {"connection": "teller-bank-1", "direction": "client", "offset": 0, "records": [[0, len(raw) + 5]]}
        self.trace.party("teller").emit("tls.message", name, raw=raw, spans=spans, sent=True, **place)

    def refuse(self) -> None:
        teller = self.trace.party("teller")
        about = {"connection": "c", "about": "bank"}
        teller.emit("verdict", "signature", verdict="fail", sentence="Not signed.", expected="00", found="01", **about)
        teller.emit("appraisal", "refused", refused_by="signature", failed=["signature"], sentence="No.", **about)

    def held(self, row: int, message: str = "ClientHello") -> None:
        """Say that the run is held before a message."""
        frame = msgspec.structs.replace(
            self.ladder.document.frame,
            steering=SteeringState(state="held", connection="teller-bank-1", message=message, row=row),
        )
        batch = {"type": "batch", "rows": [], "texts": [], "texts_from": 0, "frame": msgspec.to_builtins(frame)}
        self.page.evaluate("(message) => feed(message)", batch)
        settled(self.page)


@pytest.fixture
def feeder(live: Page) -> Feeder:
    return Feeder(live)


def settled(page: Page) -> None:
    page.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")


def rows(page: Page, view: int = 0) -> int:
    return page.locator(".tl-root").nth(view).locator(".tl-rows [data-row]").count()


def selected(page: Page, view: int = 0) -> str:
    return page.locator(".tl-root").nth(view).locator(".tl-rows .tl-sel").inner_text()


def test_a_view_grows_with_every_batch_and_a_batch_that_comes_twice_changes_nothing(live: Page, feeder: Feeder) -> None:
    assert rows(live) == 0
    assert live.evaluate("sent") == [{"type": "resync"}], "what was sent before it listened is lost"
    feeder.say("teller", "one")
    feeder.send()
    assert rows(live) == 1
    feeder.say("bank", "two")
    batch = feeder.batch()
    for _ in range(2):
        live.evaluate("(message) => feed(message)", batch)
    settled(live)
    assert rows(live) == 2
    expect(live.locator(".tl-rows")).to_contain_text("bank says two")


def test_two_views_and_one_opened_later_show_the_same(live: Page, feeder: Feeder) -> None:
    live.evaluate("view()")
    feeder.say("teller", "one")
    feeder.send()
    live.evaluate("view()")
    feeder.say("teller", "two")
    feeder.send()
    assert [rows(live, view) for view in range(3)] == [2, 2, 2]
    live.evaluate("unview()")
    feeder.say("teller", "three")
    feeder.send()
    assert live.locator(".tl-root").count() == 2
    assert [rows(live, view) for view in range(2)] == [3, 3]


def test_a_missing_row_is_asked_for_and_the_whole_document_repairs_it(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.batch()  # lost
    feeder.say("teller", "two")
    first = feeder.whole()
    first["document"]["rows"] = []
    live.evaluate("(message) => feed(message)", first)
    feeder.say("teller", "three")
    feeder.send()
    assert live.evaluate("sent") == [{"type": "resync"}] * 2
    live.evaluate("(message) => feed(message)", feeder.whole())
    settled(live)
    assert rows(live) == 3


def test_missing_texts_are_asked_for_too(live: Page, feeder: Feeder) -> None:
    feeder.message()
    batch = feeder.batch()
    live.evaluate("(message) => feed({ ...message, texts_from: message.texts_from + 40 })", batch)
    settled(live)
    assert {"type": "resync"} in live.evaluate("sent")
    live.evaluate("(message) => feed(message)", feeder.whole())
    settled(live)
    expect(live.get_by_role("treeitem").first).to_contain_text("msg_type")


def test_a_lifeline_that_appears_later_moves_the_rows_and_keeps_the_choice(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.say("bank", "two")
    feeder.send()
    live.get_by_text("bank says two").first.click()
    feeder.say("alice", "three")
    feeder.send()
    expect(live.locator(".tl-name")).to_have_text(["Teller", "Alice", "Bank"])
    assert "bank says two" in selected(live)


def test_a_refusal_is_chosen_and_spoken_by_itself(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.send()
    feeder.refuse()
    feeder.send()
    expect(live.get_by_role("heading", name="Refused")).to_be_visible()
    expect(live.locator(".tl-root > [role=status]")).to_contain_text("Refused")


def test_a_refusal_does_not_take_away_what_the_reader_chose(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.send()
    live.get_by_text("teller says one").first.click()
    feeder.refuse()
    feeder.send()
    assert "teller says one" in selected(live)


def test_python_chooses_and_knows_what_is_chosen(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.message()
    feeder.send()
    live.evaluate("feed({type: 'select', row: 0})")
    settled(live)
    assert "teller says one" in selected(live)
    live.evaluate("from_python('chosen', 1)")
    live.evaluate("from_python('chosen_field', 'random')")
    settled(live)
    expect(live.locator(".tl-tree .tl-sel")).to_contain_text("random")
    live.get_by_role("treeitem", name="msg_type").click()
    live.wait_for_function("() => get('chosen_field') === 'msg_type'")
    assert live.evaluate("get('chosen')") == 1
    assert live.evaluate("saved") > 0


def test_a_view_that_opens_again_stands_where_the_reader_was(live: Page, feeder: Feeder) -> None:
    feeder.message()
    feeder.say("teller", "two")
    feeder.refuse()
    feeder.send()
    live.evaluate("from_python('chosen', 0)")
    live.evaluate("from_python('chosen_field', 'random')")
    live.evaluate("view()")
    settled(live)
    assert "ClientHello" in selected(live, 1)
    expect(live.locator(".tl-root").nth(1).locator(".tl-tree .tl-sel")).to_contain_text("random")


def test_a_message_is_drawn_as_far_as_it_has_come(live: Page, feeder: Feeder) -> None:
    feeder.message()
    feeder.send()
    for state, words in (("written", "written"), ("wire", "on the wire"), ("read", "")):
        raw = msgspec.to_builtins(feeder.ladder.rows[0]) | {"state": state}
        live.evaluate("(row) => feed({type: 'batch', rows: [row], texts: [], texts_from: 0, frame: null})", raw)
        settled(live)
        expect(live.locator(f".tl-half.tl-is-{state}")).to_have_count(1)
        assert (live.locator(".tl-state").all_inner_texts() or [""]) == [words]


def test_steering_buttons_are_calls(live: Page, feeder: Feeder) -> None:
    feeder.message()
    feeder.send()
    feeder.held(0)
    expect(live.locator(".tl-hold")).to_contain_text(re.compile(r"Held before ClientHello \(teller . bank\)\."))
    expect(live.locator(".tl-half.tl-held")).to_have_count(1)
    live.evaluate("sent.length = 0")
    for name in ("Step a message", "Step a TPM command", "Go on", "Drop it", "Cancel"):
        live.get_by_role("button", name=name, exact=True).click()
    live.get_by_label("Break on which message").fill("Finished")
    live.keyboard.press("Enter")
    told = [{k: v for k, v in message.items() if k != "type"} for message in live.evaluate("sent")]
    assert told == [
        {"action": "step", "what": "message"},
        {"action": "step", "what": "tpm"},
        {"action": "play"},
        {"action": "drop_held"},
        {"action": "cancel"},
        {"action": "break_on", "name": "Finished"},
    ]


def test_bytes_of_a_held_message_are_edited_in_place_and_let_go(live: Page, feeder: Feeder) -> None:
    feeder.message()
    feeder.send()
    feeder.held(0)
    live.locator(".tl-half").click()
    live.get_by_role("button", name="Edit and let go").click()
    live.keyboard.press("Home")
    live.keyboard.press("ArrowRight")
    live.keyboard.type("fF")
    settled(live)
    expect(live.locator(".tl-edits")).to_contain_text("1 byte changed.")
    expect(live.locator(".tl-edited")).to_have_text("ff")
    live.evaluate("sent.length = 0")
    live.get_by_role("button", name="Let it go, changed").click()
    (request,) = live.evaluate("sent")
    assert request == {
        "type": "control",
        "action": "let_go",
        "name": "ClientHello",
        "connection": "teller-bank-1",
        "fields": {"random": "ff0304"},
    }
    live.evaluate("feed({type: 'say', text: 'random has 4 bytes.'})")
    expect(live.get_by_role("dialog", name="That was not done")).to_contain_text("Random has 4 bytes.")
    live.keyboard.press("Escape")
    expect(live.locator(".tl-edited")).to_have_text("ff")  # what was refused is not lost


def test_the_view_goes_along_with_whoever_steps_and_stays_with_whoever_looks(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.message()
    feeder.send()
    feeder.held(1)
    assert "ClientHello" in selected(live)
    live.get_by_text("teller says one").first.click()
    feeder.message("Finished")
    feeder.send()
    feeder.held(2, "Finished")
    assert "teller says one" in selected(live), "somebody else let it go"
    live.get_by_role("button", name="Step a message", exact=True).click()
    feeder.held(1)
    assert "ClientHello" in selected(live)


def test_the_binding_is_open_once_there_is_one_unless_the_reader_chose_a_tab(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.send()
    live.evaluate("view()")
    live.get_by_role("tab", name="Keys").nth(1).click()
    first, second = (live.locator(".tl-root").nth(n).get_by_role("tab", selected=True) for n in (0, 1))
    for secrets, bindings, tab in (
        ([{"name": "PIN"}], [], "Who holds what"),
        ([], [{"party": "teller"}], "The binding"),
    ):
        frame = msgspec.to_builtins(feeder.ladder.document.frame) | {"secrets": secrets, "bindings": bindings}
        live.evaluate("(frame) => feed({type: 'batch', rows: [], texts: [], texts_from: 0, frame})", frame)
        settled(live)
        expect(first).to_have_text(tab)
        expect(second).to_have_text("Keys")


def test_a_kernel_that_hears_nothing_any_more_is_not_an_error(live: Page, feeder: Feeder) -> None:
    feeder.message()
    feeder.send()
    feeder.held(0)
    live.evaluate(
        "() => { model_of_test.send = model_of_test.save_changes = () => { throw new Error('Cannot send'); }; }"
    )
    live.get_by_role("button", name="Step a message", exact=True).click()
    expect(live.locator(".tl-hold")).to_have_text("The kernel does not answer.")
    live.get_by_role("treeitem").nth(1).click()
    live.wait_for_function("() => get('chosen_field') === 'random'")


def test_still_pictures_are_hidden_while_a_view_is_there(live: Page) -> None:
    live.evaluate(
        """() => { const still = document.createElement('div'); still.className = 'tl-still tl-still-1a'; still.textContent = 'still';
        document.body.append(still); from_python('_still', 'tl-still-1a'); view(); }"""
    )
    still = live.locator(".tl-still")
    expect(still).to_be_hidden()
    live.evaluate("unview()")
    expect(still).to_be_visible()


def test_what_if_is_asked_and_the_answer_stands_beside_the_run(live: Page, feeder: Feeder) -> None:
    feeder.message()
    feeder.say("bank", "pays")
    feeder.send()
    live.locator(".tl-half").click()
    live.get_by_role("treeitem", name="random").click()
    live.get_by_role("button", name="What if?").click()
    live.get_by_label("Other octets of random, in hex").fill("aabb")
    live.get_by_role("button", name="Run it again").click()
    expect(live.get_by_role("dialog")).to_contain_text("random has 3 bytes; these are 2 bytes.")
    live.get_by_label("Other octets of random, in hex").fill("aabbcc")
    live.get_by_role("button", name="Run it again").click()
    asked = live.evaluate("sent.find((one) => one.type === 'what-if')")
    assert {k: asked[k] for k in ("row", "field", "value")} == {"row": 0, "field": "random", "value": "aabbcc"}
    other = Feeder(live)
    other.message(raw=b"\x01\xaa\xbb\xcc")
    other.refuse()
    answer = {"type": "what-if", "asker": "somebody else", "document": other.whole()["document"], "first": "No."}
    live.evaluate("(message) => feed(message)", answer)
    settled(live)
    expect(live.get_by_role("heading", name="What if")).to_have_count(0)
    live.evaluate("(message) => feed(message)", answer | {"asker": asked["asker"]})
    settled(live)
    beside = live.locator(".tl-compare")
    expect(beside).to_contain_text("No.")
    expect(beside).to_contain_text("They part at step 2 of this run")
    expect(beside.locator(".tl-rows .tl-sel")).to_be_visible()
    live.get_by_role("button", name="Back to the first run").click()
    expect(live.get_by_role("heading", name="What if")).to_have_count(0)


def test_a_tamper_map_is_begun_and_stopped_by_its_buttons(live: Page) -> None:
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with acts.rung("tls13-key") as act:
        act.run()
        inspector = Inspector(act)
        inspector.send = lambda content, buffers=None: waiting.put(content)

        def carried(condition: str) -> None:
            """Carry messages both ways until the page shows what is wanted."""
            deadline = time.monotonic() + 60
            while not live.evaluate(f"() => Boolean({condition})"):
                assert time.monotonic() < deadline, condition
                for content in live.evaluate("sent.splice(0)"):
                    inspector._heard(inspector, content, [])
                with contextlib.suppress(queue.Empty):
                    live.evaluate("(message) => feed(message)", waiting.get(timeout=0.05))
                settled(live)

        bar, cells = live.locator(".tl-tbar"), "document.querySelectorAll('.tl-cell[data-cell]').length"
        carried("document.querySelectorAll('.tl-rows [data-row]').length")
        live.get_by_role("tab", name="Tamper map").click()
        bar.get_by_role("button", name="Play the map").click()
        carried(f"{cells} > 3")
        expect(bar.locator("progress")).to_be_visible()
        expect(bar).to_contain_text(re.compile(r"\d+ of \d+ fields"))
        live.locator(".tl-tmap").focus()
        bar.get_by_role("button", name="Stop").click()
        carried("document.querySelector('.tl-tcount')?.textContent.startsWith('Stopped.')")
        played = live.evaluate(cells)
        assert 3 < played == len(inspector.document.tamper) < 140
        assert inspector.document.frame.tampering.state == "stopped"
        bar.get_by_role("button", name="under the record protection").click()
        settled(live)
        assert live.evaluate(cells) == 0
        bar.get_by_role("button", name="Play the map").click()
        carried(f"{cells} > 0 && document.querySelector('.tl-tbar').textContent.includes('Play it again')")
        assert live.evaluate(cells) == sum(row.keys for row in inspector.document.tamper) > 10
        expect(live.locator(".tl-tgrid")).to_contain_text("by somebody who has the channel's keys")
        bar.get_by_role("button", name="without keys").click()
        settled(live)
        assert live.evaluate(cells) == played
        keep(live)
        inspector.close()


def keep(page: Page) -> None:
    """Keep a picture, to be looked at, where somebody wants one."""
    folder = os.environ.get("TRUSTLAB_PICTURES")
    if folder:
        for width in (1200, 420):
            page.set_viewport_size({"width": width, "height": 900})
            settled(page)
            page.screenshot(path=f"{folder}/map-{width}.png")


def test_a_file_comes_to_the_view_that_asked(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.send()
    live.locator(".tl-keep summary").click()
    live.get_by_role("button", name="the trace (.jsonl)").click()
    asked = live.evaluate("sent.find((one) => one.type === 'download')")
    assert asked["what"] == "trace"
    with live.expect_download() as coming:
        live.evaluate("(asker) => tell('msg:custom', {type: 'file', name: 'run.jsonl', asker}, ['{}'])", asked["asker"])
    assert coming.value.suggested_filename == "run.jsonl"


def test_a_kernel_that_goes_is_missed_and_one_that_comes_back_is_heard(live: Page, feeder: Feeder) -> None:
    feeder.message()
    feeder.send()
    feeder.held(0)
    live.evaluate("tell('comm_live_update')")
    settled(live)
    expect(live.locator(".tl-hold")).to_have_text("The kernel does not answer.")
    live.get_by_role("button", name="Step a message").click(force=True)  # it looks disabled, and says why
    expect(live.get_by_role("dialog")).to_contain_text('act.controller.step("message")')
    live.keyboard.press("Escape")
    feeder.say("bank", "again")
    feeder.send()
    expect(live.locator(".tl-hold")).not_to_contain_text("does not answer")


def test_what_a_trace_says_stays_text(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "<img src=x onerror='window.hit=1'>")
    feeder.send()
    live.locator(".tl-rows [data-row]").click()
    assert live.locator(".tl-root img").count() == 0
    assert live.evaluate("window.hit") is None


def test_nothing_around_the_widget_changes(live: Page) -> None:
    plain = live.evaluate(
        """() => { const p = document.createElement('button'); document.body.append(p);
        const style = getComputedStyle(p); const got = [style.borderTopStyle, style.fontSize, style.margin]; p.remove(); return got; }"""
    )
    assert plain == ["outset", "13.3333px", "0px"]
