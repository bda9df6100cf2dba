"""A tamper map is played beside the notebook: it returns at once, counts, and ends when told to."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from trustlab.inspector import Inspector, mapping
from trustlab.inspector.document import Tampered
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator


class Runs:
    """Rows that come when they are let; `close` ends them, as it does a map that other processes play."""

    design, total = "tls13-key", 3

    def __init__(self, *, keys: bool = False, error: Exception | None = None) -> None:
        self.keys, self._error = keys, error
        self.let, self.closed = threading.Semaphore(0), threading.Event()

    def __iter__(self) -> Iterator[Tampered]:
        for number in range(self.total):
            while not self.let.acquire(timeout=0.02):
                if self.closed.is_set():
                    return
            if self._error is not None:
                raise self._error
            yield Tampered(design=self.design, connection="c", message="M", nth=1, field=f"f{number}", kind="record")

    def close(self) -> None:
        self.closed.set()


class Told:
    """A view, and what it sends."""

    def __init__(self) -> None:
        self.inspector = Inspector(Trace("a title", "memory"))
        self.sent: list[dict[str, Any]] = []
        self.inspector.send = lambda content, buffers=None: self.sent.append(content)

    @property
    def counts(self) -> list[tuple[int, str]]:
        told = [content["frame"].get("tampering") for content in self.sent if content["type"] == "batch"]
        return [(one.get("done", 0), one.get("state", "playing")) for one in told if one]


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()
    yield told
    told.inspector.close()


def until(condition: Any) -> None:
    """Wait for what another thread does."""
    for _ in range(500):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("it did not happen within five seconds")


def test_it_returns_at_once_and_counts_as_rows_come(told: Told) -> None:
    runs = Runs()
    play = told.inspector.tamper_map(runs)
    assert told.counts == [(0, "playing")]
    runs.let.release()
    until(lambda: len(told.inspector.document.tamper) == 1)
    assert repr(play) == "<tamper map of tls13-key: 1 of 3 fields, playing>"
    runs.let.release(2)
    assert play.wait(5)
    assert told.counts[-1] == (3, "over")
    rows = [row["field"] for content in told.sent for row in content.get("tamper", [])]
    assert rows == ["f0", "f1", "f2"]


@pytest.mark.parametrize("how", ["the call", "the button", "the view's end", "the next map", "a map of another view"])
def test_it_ends_when_told_to_and_keeps_what_was_played(told: Told, how: str) -> None:
    runs, other = Runs(), Told()
    play = told.inspector.tamper_map(runs)
    runs.let.release()
    until(lambda: len(told.inspector.document.tamper) == 1)
    if how == "the call":
        told.inspector.stop_tamper_map()
    elif how == "the button":
        told.inspector._heard(told.inspector, {"type": "tamper-map", "action": "stop"}, [])
    elif how == "the view's end":
        told.inspector.close()
    elif how == "the next map":
        told.inspector.tamper_map(Runs(keys=True))
    else:
        other.inspector.tamper_map(Runs())
    assert runs.closed.is_set()
    assert play.state == "stopped"
    assert not play._thread.is_alive()
    assert len(told.inspector.document.tamper) == 1
    other.inspector.close()


def test_a_map_that_fails_says_why(told: Told) -> None:
    runs = Runs(error=RuntimeError("no TPM here"))
    play = told.inspector.tamper_map(runs)
    runs.let.release()
    assert play.wait(5)
    assert repr(play) == "<tamper map of tls13-key: 0 of 3 fields, failed (no TPM here)>"
    assert told.counts[-1] == (0, "failed")


def test_a_cell_that_runs_again_ends_what_it_had_begun(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks: list[Any] = []
    events = SimpleNamespace(
        register=lambda _name, hook: hooks.append(hook), unregister=lambda _name, hook: hooks.remove(hook)
    )
    shell = SimpleNamespace(events=events, get_parent=lambda: {"metadata": {"cellId": "this"}})
    monkeypatch.setattr(mapping, "get_ipython", lambda: shell)
    runs = Runs()
    play = told.inspector.tamper_map(runs)
    hooks[0](SimpleNamespace(cell_id="another"))
    assert play.state == "playing"
    hooks[0](SimpleNamespace(cell_id="this"))
    assert play.state == "stopped"
    assert hooks == []


def test_a_map_without_an_act_is_refused_with_the_call_that_works(told: Told) -> None:
    with pytest.raises(TypeError, match=r'no act of a known design: tamper_map\(TamperMap\("tls13-key"\)\)'):
        told.inspector.tamper_map()
    told.inspector._heard(told.inspector, {"type": "tamper-map", "action": "start"}, [])
    assert "the inspector needs an act" in told.sent[-1]["text"]


class Going(SimpleNamespace):
    """An act that goes on: a view keeps it only weakly."""


def test_a_map_of_an_act_that_goes_on_has_to_wait(told: Told) -> None:
    act = Going(
        trace=Trace("t", "memory"),
        design=SimpleNamespace(name="plain-tls"),
        tamper_map=None,
        what_if=None,
        outcome=None,
        controller=None,
    )
    inspector, sent = Inspector(act), list[Any]()
    inspector.send = lambda content, buffers=None: sent.append(content)
    assert inspector.document.frame.mappable == "plain-tls"
    inspector._heard(inspector, {"type": "tamper-map", "action": "start"}, [])
    assert sent == [{"type": "say", "text": "The act has not ended yet. Let it go on to its end first."}]
    inspector.close()


def test_a_layer_that_was_stopped_still_says_so_when_the_other_one_is_over(told: Told) -> None:
    stopped, over = Runs(), Runs(keys=True)
    play = told.inspector.tamper_map(stopped)
    stopped.let.release()
    until(lambda: len(told.inspector.document.tamper) == 1)
    play.stop()
    over.let.release(3)
    assert told.inspector.tamper_map(over).wait(5)
    frame = told.inspector.document.frame
    assert (frame.tampering.keys, frame.tampering.state) == (True, "over")
    assert (frame.other_layer.keys, frame.other_layer.state, frame.other_layer.done) == (False, "stopped", 1)
