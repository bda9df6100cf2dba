"""An act that is held, changed and asked again, as an inspector shows it and its page asks for it."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from trustlab.inspector import Document, Inspector
from trustlab.inspector.document import AppraisalRow, MessageRow, SteeringState
from trustlab.scenarios import acts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.scenarios.stage import Act


class Told:
    """An inspector on an act, and what it tells its page."""

    def __init__(self, act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
        self.messages: list[dict[str, Any]] = []
        self.inspector = Inspector(act)
        monkeypatch.setattr(self.inspector, "send", lambda content, buffers=(): self.messages.append(content))

    def ask(self, **content: object) -> None:
        self.inspector._heard(self.inspector, content, [])

    def until(self, state: str) -> SteeringState:
        """Wait until the document says that the run stands so."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            steering = self.inspector.document.frame.steering
            if steering is not None and steering.state == state:
                return steering
            time.sleep(0.02)
        raise AssertionError(f"the document never said {state}")

    def said(self) -> list[str]:
        return [message["text"] for message in self.messages if message["type"] == "say"]

    def states(self) -> dict[tuple[str, str], str]:
        rows = [row for row in self.inspector.rows if isinstance(row, MessageRow)]
        return {(row.name, row.direction): row.state for row in rows}


@pytest.fixture
def act() -> Iterator[Act]:
    with acts.rung("trusted-passage") as act:
        yield act


def test_a_held_act_does_not_show_its_future_and_goes_on_changed(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(act, monkeypatch)
    told.ask(type="control", action="break_on", name="ServerHello")
    act.start()
    assert act.controller.wait(60) == ("teller-bank-1", "ServerHello")
    steering = told.until("held")
    assert (steering.state, steering.message, steering.breaks) == ("held", "ServerHello", ["ServerHello"])
    assert steering.row is not None
    assert told.inspector.rows[steering.row].name == "ServerHello"
    assert told.states()["ClientHello", "client"] == "read"
    assert {told.states()[name, "server"] for name in ("ServerHello", "SupplementalData", "Certificate")} == {"written"}
    held = told.inspector.rows[steering.row].parts[0].hex
    other = f"{int(held[12:14], 16) ^ 1:02x}{held[14:76]}"
    told.ask(type="control", action="tamper", name="ServerHello", field="random", value=other)
    told.ask(type="control", action="play")
    assert act.wait(60).refused_by == "extraData"
    told.inspector.flush()
    assert not told.said()
    hello = next(row for row in told.inspector.rows if row.name == "ServerHello")
    assert isinstance(hello, MessageRow)
    assert (hello.altered, hello.state, len(hello.parts)) == (True, "read", 2)
    refusal = next(row for row in told.inspector.rows if isinstance(row, AppraisalRow))
    assert "One input differs: the server's random." in refusal.say
    told.inspector.close()


def test_what_does_not_fit_gets_a_sentence_and_the_act_can_be_ended(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(act, monkeypatch)
    act.controller.break_on("ServerHello")
    act.start()
    act.controller.wait(60)
    told.ask(type="control", action="tamper", name="ServerHello", field="random", value="00")
    told.ask(type="control", action="tamper", name="ServerHello", field="no such field", value="00")
    assert len(told.said()) == 2
    assert all("ServerHello" in text or "random" in text for text in told.said()), told.said()
    told.ask(type="control", action="cancel")
    assert told.until("ended").row is None
    told.inspector.close()


def test_what_is_held_is_changed_as_a_whole_or_not_at_all(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(act, monkeypatch)
    act.controller.break_on("ServerHello")
    act.start()
    act.controller.wait(60)
    place = {"name": "ServerHello", "connection": "teller-bank-1"}
    for fields, says in (
        ({"random": "11" * 32, "no such field": "00"}, "no such field"),
        ({"random": "11" * 32, "cipher_suite": "00"}, "an edit in flight cannot change a length. Nothing was changed"),
        ({"random": "xy"}, "'xy' is not a row of bytes in hex."),
        ({}, "The page did not say which fields are to be changed."),
    ):
        told.ask(type="control", action="let_go", **place, fields=fields)
        assert says in told.said()[-1]
        assert act.controller.state == "held"
    for elsewhere in ({"name": "Certificate"}, {"connection": "alice-bank-1"}):
        told.ask(type="control", action="let_go", **(place | elsewhere), fields={"random": "11" * 32})
        assert "is not held any more" in told.said()[-1]
    assert not [event for event in act.trace.select("note") if event.name == "edited in flight"]
    told.ask(type="control", action="let_go", **place, fields={"random": "11" * 32, "cipher_suite": "002f"})
    assert len(told.said()) == 6
    assert act.wait(60).outcome != "completed"
    edited = [event.data["field"] for event in act.trace.select("note") if event.name == "edited in flight"]
    assert edited == ["random", "cipher_suite"]
    told.inspector.close()


def test_a_view_does_not_keep_an_act_that_plays_but_one_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    act = acts.rung("plain-tls")
    told = Told(act, monkeypatch)
    controller = act.controller
    controller.break_on("ServerHello")
    act.start()
    controller.wait(60)
    del act
    gc.collect()
    until = time.monotonic() + 30
    while controller.state != "ended" and time.monotonic() < until:
        time.sleep(0.02)
    assert controller.state == "ended", "nobody holds the act any more"
    told.inspector.close()

    act = acts.rung("plain-tls")
    told = Told(act, monkeypatch)
    act.start()
    act.wait(60)
    told.until("ended")
    del act
    gc.collect()
    hello = next(row for row in told.inspector.rows if row.name == "ServerHello")
    told.ask(type="what-if", row=hello.id, field="random", value="00" * 32, asker="me")
    until = time.monotonic() + 60
    while not any(message["type"] in {"what-if", "say"} for message in told.messages) and time.monotonic() < until:
        time.sleep(0.05)
    assert not told.said()
    told.inspector.close()


def test_a_dropped_message_is_marked_and_was_never_on_the_wire(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(act, monkeypatch)
    told.ask(type="control", action="drop", name="Certificate")
    act.run()
    certificate = next(row for row in told.inspector.rows if row.name == "Certificate")
    assert isinstance(certificate, MessageRow)
    assert (certificate.state, certificate.dropped) == ("written", True)
    assert certificate.say == "Somebody took this message off the wire: the teller never gets it."
    told.inspector.close()


def test_what_if_sends_the_other_run_and_the_first_difference(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    act.run()
    told = Told(act, monkeypatch)
    assert told.inspector.document.frame.steering is None  # nothing is left to steer
    hello = next(row for row in told.inspector.rows if row.name == "ServerHello")
    told.ask(type="what-if", row=hello.id, field="random", value="00" * 32, asker="me")
    deadline = time.monotonic() + 60
    while not any(message["type"] in {"what-if", "say"} for message in told.messages) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not told.said()
    (answer,) = (message for message in told.messages if message["type"] == "what-if")
    assert answer["asker"] == "me"
    assert "random" in answer["first"]
    document = msgspec.convert(answer["document"], Document)
    assert any(isinstance(row, AppraisalRow) and row.mark == "fail" for row in document.rows)
    told.inspector.close()
