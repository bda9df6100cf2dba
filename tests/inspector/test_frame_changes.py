"""Of the frame only what changed is sent, and it may come twice or to a page that has it already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from batches import reframed
from hypothesis import given, settings
from hypothesis import strategies as st

from trustlab.inspector.document import Frame, HeldSecret, Holder
from trustlab.inspector.frame_changes import FrameChanges
from trustlab.inspector.ladder import Ladder
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence


def told(changes: FrameChanges, frame: Frame) -> dict[str, Any]:
    values, lists = changes.take(frame)
    return json.loads(json.dumps({"frame": msgspec.to_builtins(values), "lists": msgspec.to_builtins(lists)}))


def in_json(frame: Frame) -> dict[str, Any]:
    return json.loads(msgspec.json.encode(frame))


def secrets(names: Sequence[str]) -> list[HeldSecret]:
    return [HeldSecret(id=name, name=name) for name in names]


NAMES = st.lists(st.sampled_from("abcd"), max_size=6)


@given(NAMES, NAMES, st.text(max_size=3))
@settings(max_examples=200, deadline=None)
def test_changes_lead_from_any_frame_to_any_other_once_and_twice(one: list[str], other: list[str], title: str) -> None:
    frame = Frame(secrets=secrets(one), reads=[1, 2], live=True)
    changes = FrameChanges()
    before = reframed(in_json(Frame()), told(changes, frame))
    assert before == in_json(frame)
    frame.secrets[:] = secrets(other)
    frame.title = title
    batch = told(changes, frame)
    once = reframed(before, batch)
    assert once == in_json(frame)
    assert reframed(once, batch) == once
    assert told(changes, frame) == {"frame": {}, "lists": []}


def test_what_is_appended_and_what_changed_in_place_is_all_that_is_sent() -> None:
    frame = Frame(secrets=secrets("abcde"))
    changes = FrameChanges()
    changes.take(frame)
    frame.secrets.append(HeldSecret(id="f", name="f"))
    assert [(x["head"], x["tail"], len(x["items"])) for x in told(changes, frame)["lists"]] == [(5, 0, 1)]
    frame.secrets[2].holders.append(Holder(party="alice", row=3))
    assert [(x["head"], x["tail"], len(x["items"])) for x in told(changes, frame)["lists"]] == [(2, 3, 1)]
    frame.outcome = "paid"
    assert told(changes, frame) == {"frame": {"outcome": "paid"}, "lists": []}


def test_a_batch_does_not_grow_with_the_run() -> None:
    trace, ladder, sizes = Trace("long", "memory"), Ladder("long", "memory"), []
    for number in range(400):
        event = trace.party("teller").emit("machine", "DRTM launch" if number % 3 else "power on")
        sizes.append(len(msgspec.json.encode(ladder.batch(ladder.feed(event)))))
    assert max(sizes[-50:]) < 1.2 * max(sizes[50:100])
