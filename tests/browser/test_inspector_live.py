"""The widget's module alone, fed by hand: what a view does while a run goes on, with a stand-in for the notebook's model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect

from trustlab.inspector import Ladder
from trustlab.inspector.export import EXPORT, STATIC
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = """
const state = { _title: "live", _substrate: "memory", _badge: "words", _secrets: false, _controls: true, _live: true,
  _picture: { rows: [], lifelines: [], keys: [], alice_knows: null } };
let handlers = [];
window.sent = [];
const model = {
  get: (name) => state[name],
  on: (name, f) => handlers.push(f),
  off: (name, f) => { handlers = handlers.filter((other) => other !== f); },
  send: (message) => window.sent.push(message),
};
window.feed = (message) => handlers.slice().forEach((f) => f(JSON.parse(JSON.stringify(message)), []));
window.rows = () => state._picture.rows.length;
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
        self.ladder = Ladder()
        self.rows: dict[int, Any] = {}
        self.trace.subscribe(self._take)

    def _take(self, event: Any) -> None:
        self.rows |= {row.id: row for row in self.ladder.feed(event)}

    def batch(self) -> dict[str, Any]:
        rows = [row.to_json() for _, row in sorted(self.rows.items())]
        self.rows = {}
        return {"type": "batch", "rows": rows, "lifelines": self.ladder.lifelines, "keys": [], "alice_knows": None}

    def send(self) -> None:
        self.page.evaluate("(message) => feed(message)", self.batch())

    def whole(self) -> dict[str, Any]:
        picture = {"lifelines": self.ladder.lifelines, "keys": [], "alice_knows": None}
        return {"type": "whole", "picture": picture | {"rows": [row.to_json() for row in self.ladder.rows]}}

    def say(self, party: str, name: str) -> None:
        self.trace.party(party).emit("app", name, sentence=f"{party} says {name}")

    def refuse(self) -> None:
        teller = self.trace.party("teller")
        about = {"connection": "c", "about": "bank"}
        teller.emit("verdict", "signature", verdict="fail", sentence="Not signed.", expected="00", found="01", **about)
        teller.emit("appraisal", "refused", refused_by="signature", failed=["signature"], sentence="No.", **about)


@pytest.fixture
def feeder(live: Page) -> Feeder:
    return Feeder(live)


def options(page: Page, view: int = 0) -> int:
    return page.locator(".tl").nth(view).get_by_role("option").count()


def test_a_view_grows_with_every_batch_and_a_batch_that_comes_twice_changes_nothing(live: Page, feeder: Feeder) -> None:
    expect(live.get_by_role("listbox")).to_have_class("tl-list tl-empty")
    feeder.say("teller", "one")
    feeder.send()
    assert options(live) == 1
    feeder.say("bank", "two")
    batch = feeder.batch()
    for _ in range(2):
        live.evaluate("(message) => feed(message)", batch)
    assert options(live) == 2
    expect(live.get_by_role("option").last).to_have_accessible_name("bank: bank says two")


def test_two_views_and_one_opened_later_show_the_same(live: Page, feeder: Feeder) -> None:
    live.evaluate("view()")
    feeder.say("teller", "one")
    feeder.send()
    live.evaluate("view()")
    feeder.say("teller", "two")
    feeder.send()
    assert [options(live, view) for view in range(3)] == [2, 2, 2]
    assert live.evaluate("rows()") == 2
    live.evaluate("unview()")
    feeder.say("teller", "three")
    feeder.send()
    assert [options(live, view) for view in range(3)] == [3, 3, 2]


def test_a_missing_row_is_asked_for_and_the_whole_picture_repairs_it(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.batch()  # lost
    feeder.say("teller", "two")
    feeder.send()
    assert {"type": "resync"} in live.evaluate("sent")
    live.evaluate("(message) => feed(message)", feeder.whole())
    assert options(live) == 2


def test_a_lifeline_that_appears_later_moves_the_rows_and_keeps_the_choice(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.say("bank", "two")
    feeder.send()
    live.get_by_role("option", name="bank says two").click()
    feeder.say("alice", "three")
    feeder.send()
    expect(live.locator(".tl-name")).to_have_text(["teller", "alice", "bank"])
    expect(live.locator("[role=option][aria-selected=true]")).to_have_accessible_name("bank: bank says two")


def test_a_refusal_is_chosen_and_spoken_by_itself(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.refuse()
    feeder.send()
    expect(live.get_by_role("heading", name="Refused by teller: signature")).to_be_visible()
    expect(live.get_by_role("status")).to_contain_text("Refused. teller: signature")
    expect(live.get_by_role("button", name="go to the refusal")).to_be_visible()


def test_a_refusal_does_not_take_away_what_the_reader_chose(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.send()
    live.get_by_role("option").click()
    feeder.refuse()
    feeder.send()
    expect(live.locator("[role=option][aria-selected=true]")).to_have_accessible_name("teller: teller says one")


def test_python_can_choose_a_row(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "one")
    feeder.say("teller", "two")
    feeder.send()
    live.evaluate("feed({type: 'select', row: 0})")
    expect(live.locator("[role=option][aria-selected=true]")).to_have_accessible_name("teller: teller says one")


def test_buttons_say_what_they_ask_for(live: Page) -> None:
    live.get_by_role("button", name="step").click()
    live.locator("summary", has_text="keep").click()
    live.get_by_role("button", name="the trace (.jsonl)").click()
    first, second = live.evaluate("sent")
    assert first == {"type": "control", "action": "step"}
    assert (second["type"], second["what"]) == ("download", "trace")


def test_what_a_trace_says_stays_text(live: Page, feeder: Feeder) -> None:
    feeder.say("teller", "<img src=x onerror='window.hit=1'>")
    feeder.send()
    live.get_by_role("option").click()
    assert live.locator(".tl img").count() == 0
    assert live.evaluate("window.hit") is None
