from __future__ import annotations

import importlib
import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import sample

from trustlab.inspector import Inspector, Ladder
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator


def in_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


class Page:
    """What a browser does with the messages: put rows at their numbers, ask again where one is missing."""

    def __init__(self, inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.rows: list[dict[str, Any]] = in_json(inspector.get_state()["_picture"]["rows"])
        monkeypatch.setattr(inspector, "send", self.receive)

    def receive(self, content: dict[str, Any], buffers: object = None) -> None:
        self.times.append(time.monotonic())
        content = in_json(content)
        self.batches.append(content)
        for row in content.get("rows", []):
            assert row["id"] <= len(self.rows), "a batch left a gap"
            self.rows[row["id"] : row["id"] + 1] = [row]


@pytest.fixture
def trace() -> Trace:
    return Trace("a title", "memory")


@pytest.fixture
def inspector(trace: Trace) -> Iterator[Inspector]:
    inspector = Inspector(trace)
    yield inspector
    inspector.close()


def test_batches_appended_in_the_page_give_the_rows_of_the_finished_trace(
    trace: Trace, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(inspector, monkeypatch)
    sample.story("refused", trace)
    inspector.flush()
    assert page.rows == in_json([row.to_json() for row in Ladder.of(trace).rows])


def test_a_page_opened_in_the_middle_goes_on_without_loss(
    trace: Trace, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.story("plain", trace)
    page = Page(inspector, monkeypatch)
    sample.story("refused", trace)
    inspector.flush()
    assert page.rows == in_json(inspector.get_state()["_picture"]["rows"])


def test_many_events_in_a_moment_travel_in_few_batches(
    trace: Trace, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(inspector, monkeypatch)
    party = trace.party("teller")
    for number in range(2000):
        party.emit("app", "tick", sentence=str(number))
    inspector.flush()
    assert len(page.rows) == 2000
    assert len(page.batches) < 200
    gaps = [b - a for a, b in zip(page.times, page.times[1:-1], strict=False)]
    assert all(gap >= 0.09 for gap in gaps)


def test_the_last_events_arrive_by_themselves_when_nobody_flushes(
    trace: Trace, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(inspector, monkeypatch)
    for name in ("one", "two"):
        trace.party("teller").emit("app", name)
    deadline = time.monotonic() + 5
    while len(page.rows) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [row["name"] for row in page.rows] == ["one", "two"]


def test_threads_that_append_together_lose_nothing(
    trace: Trace, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(inspector, monkeypatch)

    def speak(name: str) -> None:
        for number in range(300):
            trace.party(name).emit("app", f"{number}")
            if number % 100 == 0:
                inspector.flush()

    threads = [threading.Thread(target=speak, args=(name,)) for name in ("teller", "alice", "bank")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    inspector.flush()
    assert [row["id"] for row in page.rows] == list(range(900))
    for name in ("teller", "alice", "bank"):
        assert [row["name"] for row in page.rows if row["at"] == name] == [str(n) for n in range(300)]


def test_a_page_that_missed_a_row_gets_the_whole_picture(
    trace: Trace, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.story("refused", trace)
    page = Page(inspector, monkeypatch)
    inspector._heard(inspector, {"type": "resync"}, [])
    assert page.batches[-1]["type"] == "whole"
    assert len(page.batches[-1]["picture"]["rows"]) == len(inspector.rows)


@pytest.mark.parametrize("content", ["text", None, {}, {"type": "control", "action": "pause"}, {"type": "odd"}])
def test_what_a_page_sends_out_of_place_is_ignored(inspector: Inspector, content: object) -> None:
    inspector._heard(inspector, content, [])
    assert inspector.rows == ()


class Recorder:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def pause(self) -> None:
        self.calls.append("pause")

    def play(self) -> None:
        self.calls.append("play")

    def step(self) -> None:
        self.calls.append("step")

    def break_on(self, name: str) -> None:
        raise AssertionError(name)

    def tamper(self, name: str, offset: int, value: bytes) -> None:
        raise AssertionError(name)


def test_buttons_are_the_controllers_calls_and_no_others(trace: Trace) -> None:
    recorder = Recorder()
    inspector = Inspector(trace, recorder)
    for action in ("pause", "step", "play", "tamper", "__class__"):
        inspector._heard(inspector, {"type": "control", "action": action}, [])
    inspector.close()
    assert recorder.calls == ["pause", "step", "play"]


def test_without_secrets_none_reaches_the_page_the_pictures_or_repr() -> None:
    inspector = Inspector(sample.story("trusted"))
    everything = (
        json.dumps(inspector.get_state()["_picture"]) + json.dumps(inspector._repr_mimebundle_()) + repr(inspector)
    )
    inspector.close()
    assert sample.PIN.hex() not in everything
    assert sample.PIN.decode() not in everything


def test_with_secrets_the_page_has_them_and_says_so() -> None:
    inspector = Inspector(sample.story("trusted"), secrets=True)
    state = inspector.get_state()
    inspector.close()
    assert state["_secrets"] is True
    assert sample.PIN.hex() in json.dumps(state["_picture"])


def test_beside_the_widget_stand_still_pictures_without_scripts() -> None:
    inspector = Inspector(sample.story("refused"))
    inspector.alice_knows = ["pin"]
    bundle = inspector._repr_mimebundle_()
    inspector.close()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "✘ teller refuses: extraData" in bundle["text/html"]
    assert "first differing octet: 0; 32 of 32 octets differ" in bundle["text/html"]
    assert "✘ Alice knows: pin" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert bundle["image/svg+xml"].startswith("<svg ")


def test_a_still_picture_says_when_nothing_had_happened_yet(inspector: Inspector) -> None:
    assert "Nothing had happened yet" in inspector._repr_mimebundle_()["text/html"]


def test_what_a_trace_says_cannot_become_markup(trace: Trace, inspector: Inspector) -> None:
    trace.party("bank").emit("app", "<script>alert(1)</script>", sentence="<img src=x onerror=alert(1)>")
    trace.party("bank").emit("appraisal", "refused", sentence="<b>", about="<i>", refused_by="<u>")
    html = inspector._repr_mimebundle_()["text/html"]
    assert "<img" not in html
    assert "<script" not in html
    assert "<i>" not in html


def test_what_alice_holds_reaches_the_page(inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(inspector, monkeypatch)
    inspector.alice_knows = ("pin",)
    assert page.batches[-1]["alice_knows"] == ["pin"]
    assert inspector.get_state()["_picture"]["alice_knows"] == ["pin"]


def test_a_closed_inspector_no_longer_follows_the_trace(trace: Trace) -> None:
    inspector = Inspector(trace)
    inspector.close()
    trace.party("bank").emit("app", "late")
    assert inspector.rows == ()


def test_the_terminal_needs_no_notebook_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("trustlab.inspector")}
    for name in ("anywidget", "ipywidgets", "traitlets", "IPython"):
        monkeypatch.setitem(sys.modules, name, None)
    try:
        module = importlib.import_module("trustlab.inspector")
        assert module.TerminalLadder.__module__ == "trustlab.inspector.terminal"
    finally:
        for name in list(sys.modules):
            if name.startswith("trustlab.inspector"):
                del sys.modules[name]
        sys.modules.update(kept)
