from __future__ import annotations

import importlib
import json
import re
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import sample
from batches import reframed

from trustlab.capture import CaptureError, write_trace
from trustlab.inspector import Inspector, Ladder
from trustlab.trace import Trace, TraceFormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def in_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


class Page:
    """What a browser does with the messages: put rows and texts at their numbers, ask again where one is missing."""

    def __init__(self, inspector: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[dict[str, Any]] = []
        self.times: list[float] = []
        whole = in_json(inspector.get_state()["_document"])
        self.rows: list[dict[str, Any]] = whole["rows"]
        self.texts: list[str] = whole["texts"]
        self.frame: dict[str, Any] = whole["frame"]
        monkeypatch.setattr(inspector, "send", self.receive)

    def receive(self, content: dict[str, Any], buffers: object = None) -> None:
        self.times.append(time.monotonic())
        content = in_json(content)
        self.batches.append(content)
        if content["type"] != "batch":
            return
        start, texts = content["texts_from"], content["texts"]
        assert start <= len(self.texts), "a batch left a gap in the texts"
        self.texts[start : start + len(texts)] = texts
        self.frame = reframed(self.frame, content)
        for row in content["rows"]:
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
    document = in_json(msgspec.to_builtins(Ladder.of(trace).document))
    assert page.rows == document["rows"]
    assert page.texts == document["texts"]
    assert page.frame == {**document["frame"], "live": True}


def test_a_page_opened_in_the_middle_goes_on_without_loss(
    trace: Trace, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.story("plain", trace)
    page = Page(inspector, monkeypatch)
    sample.story("refused", trace)
    inspector.flush()
    assert page.rows == in_json(inspector.get_state()["_document"]["rows"])


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
    assert len(page.batches[-1]["document"]["rows"]) == len(inspector.rows)


@pytest.mark.parametrize(
    "content",
    [
        *("text", None, {}, [], {"type": "odd"}, {"type": ["resync"]}, {"type": "control", "action": "pause"}),
        *({"type": "download", "what": "../../etc"}, {"type": "what-if", "row": 0, "field": "random", "value": "00"}),
        {"type": "download", "what": ["page"]},
    ],
)
def test_what_a_page_sends_out_of_place_gets_a_sentence_and_changes_nothing(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch, content: object
) -> None:
    page = Page(inspector, monkeypatch)
    inspector._heard(inspector, content, [])
    assert inspector.rows == ()
    assert [message["type"] for message in page.batches] == ["say"]
    assert page.batches[0]["text"].endswith((".", ")."))


class Recorder:
    state = "running"
    at: tuple[str, str] | None = None

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.listening: list[Callable[[], None]] = []

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.listening.append(callback)
        return lambda: self.listening.remove(callback)

    def hold(self, connection: str, message: str) -> None:
        self.state, self.at = "held", (connection, message)
        for callback in self.listening:
            callback()

    def break_on(self, name: str) -> None:
        self.calls.append(("break_on", name))

    def pause(self) -> None:
        self.calls.append("pause")

    def play(self) -> None:
        self.calls.append("play")

    def step(self, what: str = "message") -> None:
        self.calls.append(("step", what))

    def tamper(self, name: str, field: str, value: bytes, *, nth: int = 1) -> None:
        if len(value) != 2:
            raise ValueError(f"{field} has 2 bytes, not {len(value)}")
        self.calls.append(("tamper", name, field, value, nth))


def test_buttons_are_the_controllers_calls_and_no_others(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    inspector = Inspector(trace, recorder)
    page = Page(inspector, monkeypatch)
    assert inspector._controls
    change = {"type": "control", "action": "tamper", "name": "ServerHello", "field": "random", "nth": 2}
    for content in (
        {"type": "control", "action": "pause"},
        {"type": "control", "action": "step", "what": "tpm", "trap": 1},
        {"type": "control", "action": "play"},
        {**change, "value": "00ff"},
        {**change, "value": "00"},
        {**change, "value": "xyz"},
        {"type": "control", "action": "__class__"},
        {"type": "control", "action": "drop", "name": "Finished"},
    ):
        inspector._heard(inspector, content, [])
    inspector.close()
    assert recorder.calls == ["pause", ("step", "tpm"), "play", ("tamper", "ServerHello", "random", b"\x00\xff", 2)]
    said = [message["text"] for message in page.batches if message["type"] == "say"]
    assert said[0] == "random has 2 bytes, not 1"
    assert "'xyz'" in said[1]
    assert said[2].startswith("A run cannot be told to '__class__'")
    assert said[3] == "This run cannot be told to drop."


def test_the_frame_says_where_a_run_is_held_and_what_it_stops_at(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    inspector = Inspector(trace, recorder)
    page = Page(inspector, monkeypatch)
    trace.party("teller").emit(
        "tls.message", "ClientHello", raw=b"\x01", connection="c", direction="client", offset=0, sent=True
    )
    inspector._heard(inspector, {"type": "control", "action": "break_on", "name": "ClientHello"}, [])
    recorder.hold("c", "ClientHello")
    assert page.frame["steering"] == {
        "state": "held",
        "connection": "c",
        "message": "ClientHello",
        "row": 0,
        "breaks": ["ClientHello"],
    }
    inspector.close()
    assert not recorder.listening


def test_a_controller_that_fails_does_not_break_the_kernel(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Recorder):
        def pause(self) -> None:
            raise RuntimeError("the wire is gone")

    inspector = Inspector(trace, Broken())
    page = Page(inspector, monkeypatch)
    inspector._heard(inspector, {"type": "control", "action": "pause"}, [])
    inspector.close()
    assert page.batches[-1] == {"type": "say", "text": "That did not work: the wire is gone"}


def test_the_row_that_is_looked_at_is_a_trait(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    sample.story("refused", trace)
    inspector = Inspector(trace)
    page = Page(inspector, monkeypatch)
    inspector.select(3, "random")
    assert (inspector.chosen, inspector.chosen_field) == (3, "random")
    assert page.batches[-1] == {"type": "select", "row": 3, "field": "random"}
    with pytest.raises(IndexError):
        inspector.select(10_000)
    inspector.close()


class Act:
    """What an act offers to an inspector."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.controller = Recorder()
        self.asked: list[tuple[str, str, bytes, int, str]] = []

    def what_if(self, message: str, field: str, value: bytes, *, nth: int = 1, connection: str = "") -> Act:
        if field == "nothing":
            raise LookupError("there is no such field")
        self.asked.append((message, field, value, nth, connection))
        return Act(sample.story("trusted"))

    def compare(self, _other: Act) -> str:
        return "The first difference is here."


def test_what_if_runs_the_act_again_and_sends_its_document(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    act = Act(sample.story("refused", trace))
    inspector = Inspector(act)
    page = Page(inspector, monkeypatch)
    hello = [row for row in inspector.rows if row.name == "ClientHello"][1]
    ask = {"type": "what-if", "row": hello.id, "field": "random", "value": "00" * 32, "asker": "me"}
    for content in (ask, {**ask, "field": "nothing"}, {**ask, "row": 0}, {**ask, "row": "x"}):
        inspector._heard(inspector, content, [])
    deadline = time.monotonic() + 5
    while len(page.batches) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    inspector.close()
    assert act.asked == [("ClientHello", "random", bytes(32), 1, hello.connection)]
    (answer,) = (message for message in page.batches if message["type"] == "what-if")
    assert (answer["asker"], answer["first"]) == ("me", "The first difference is here.")
    assert answer["document"]["frame"]["lifelines"] == ["teller", "bank"]
    assert sum(message["type"] == "say" for message in page.batches) == 3


def test_an_inspector_takes_a_trace_an_act_or_a_path_and_says_so_of_anything_else(tmp_path: Path) -> None:
    trace = sample.story("refused")
    path = trace.save(tmp_path / "a.jsonl")
    capture = write_trace(tmp_path / "a.pcapng", trace)
    for source, least in ((trace, 40), (Act(trace), 40), (path, 40), (str(path), 40), (capture, 0)):
        inspector = Inspector(source)
        assert len(inspector.rows) >= least
        inspector.close()
    (tmp_path / "b.jsonl").write_text("nothing of ours")
    for wrong in (None, 7, []):
        with pytest.raises(TypeError, match=r"cannot be inspected: give a Trace"):
            Inspector(wrong)
    for missing in (tmp_path / "missing", tmp_path / "b.jsonl", tmp_path):
        with pytest.raises((CaptureError, TraceFormatError)):
            Inspector(missing)


def test_without_secrets_none_reaches_the_page_the_pictures_or_repr() -> None:
    inspector = Inspector(sample.story("trusted"))
    everything = (
        json.dumps(inspector.get_state()["_document"]) + json.dumps(inspector._repr_mimebundle_()) + repr(inspector)
    )
    inspector.close()
    assert sample.PIN.hex() not in everything
    assert sample.PIN.decode() not in everything


def test_with_secrets_the_page_has_them_and_says_so() -> None:
    inspector = Inspector(sample.story("trusted"), secrets=True)
    state = inspector.get_state()
    inspector.close()
    assert state["_document"]["frame"]["secrets_shown"] is True
    assert sample.PIN.hex() in json.dumps(state["_document"])


def test_beside_the_widget_stand_still_pictures_without_scripts() -> None:
    inspector = Inspector(sample.story("refused"))
    bundle = inspector._repr_mimebundle_()
    inspector.close()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "✘ teller refuses: extraData" in bundle["text/html"]
    assert "first differing octet: 0; 32 of 32 octets differ" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert bundle["image/svg+xml"].startswith("<svg ")


def test_a_still_picture_says_when_nothing_had_happened_yet(inspector: Inspector) -> None:
    assert "Nothing had happened yet" in inspector._repr_mimebundle_()["text/html"]


class Notebook:
    """Takes what is displayed, as the outputs of a cell: those with an id are renewed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.outputs: list[dict[str, Any]] = []
        monkeypatch.setattr("trustlab.inspector.stills.display", self.display)

    def display(self, data: dict[str, Any], *, raw: bool, display_id: bool = False) -> Any:
        assert raw
        self.outputs.append(dict(data))
        at = self.outputs[-1]
        return type("Handle", (), {"update": lambda _self, new, raw: at.update(new)})() if display_id else None


def test_the_pictures_are_an_output_of_their_own_and_are_renewed_when_the_run_rests(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = Notebook(monkeypatch)
    monkeypatch.setattr("trustlab.inspector.stills.REST", 0.05)
    inspector = Inspector(trace)
    inspector._ipython_display_()
    live, still = notebook.outputs
    assert list(live) == ["application/vnd.jupyter.widget-view+json"]
    assert set(still) == {"text/html", "image/svg+xml", "text/plain"}
    assert inspector._still in still["text/html"]
    assert "Nothing had happened yet" in still["text/html"]
    trace.party("bank").emit("app", "1", sentence="the bank opens")
    until = time.monotonic() + 30
    while "the bank opens" not in still["text/html"] and time.monotonic() < until:
        time.sleep(0.01)
    assert "the bank opens" in still["text/html"]
    trace.party("bank").emit("app", "2", sentence="the bank shuts")
    inspector.close()
    assert "the bank shuts" in still["text/html"]
    assert not inspector._stills._timer
    assert re.fullmatch(r"Inspector of '.*' \(2 rows\)", still["text/plain"])


def test_what_a_trace_says_cannot_become_markup(trace: Trace, inspector: Inspector) -> None:
    trace.party("bank").emit("app", "<script>alert(1)</script>", sentence="<img src=x onerror=alert(1)>")
    trace.party("bank").emit("appraisal", "refused", sentence="<b>", about="<i>", refused_by="<u>")
    html = inspector._repr_mimebundle_()["text/html"]
    assert "<img" not in html
    assert "<script" not in html
    assert "<i>" not in html


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
