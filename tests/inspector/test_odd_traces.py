"""Whatever `Trace.load` takes can be looked at: real traces, changed anywhere, in every view."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from batches import reframed
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rich.console import Console

from trustlab.inspector import Document, Ladder, TerminalLadder
from trustlab.inspector.document import Batch, Frame, MessageRow, TpmRow
from trustlab.inspector.static_html import picture_html
from trustlab.scenarios import acts
from trustlab.trace import Trace

KEPT = Path(__file__).parents[1] / "trace" / "data" / "before.jsonl.gz"
ODD = [
    *(
        None,
        True,
        False,
        0,
        -1,
        2**40,
        1.5,
        "",
        "x",
        "ff" * 32,
        "zz",
        "teller-bank-1",
        "\u202e</script>",
        [],
        {"a": [1]},
    ),
    *([[0, "x"], [1], None, [2, 1], [0, 10**9]], [["nonce_C", "00" * 32], ["L"], 7], {"{writer}": "{"}),
]
"""What may stand in an event's data."""
FIELDS: dict[str, list[object]] = {
    "connection": ["", "alice-bank-1", "teller-bank-1", "x"],
    "direction": ["", "client", "server", "x"],
    "offset": [None, -5, 0, 101, 5000, 2**40],
    "sent": [None, True, False],
    "time": [-1.0, 0.0, 1e300],
    "kind": ["tls.message", "tpm.response", "verdict", "appraisal", "binder", "frame", "secret", "note", "connection"],
    "name": ["", "Alert", "ApplicationData", "extraData", "canary pin", "outcome", "DRTM launch", "{x}"],
    "party": ["alice", "bank", "network", "", "{x}"],
    "raw": ["", "AA==", "FgMDAAE=", "ACAgIA==", "ACA" + "A" * 41],
}
"""What may stand in the fields of an event."""


@cache
def lines() -> list[bytes]:
    """Return a real run of Act II with Alice, one event a line."""
    with acts.trusted_passage("rogue-certificate") as act:
        act.run()
    with tempfile.TemporaryDirectory() as folder:
        return act.trace.save(Path(folder) / "a.jsonl", secrets=True).read_bytes().splitlines()


def changed(random: Random) -> bytes:
    """Return a real run in which some values of some events are others, and some events stand elsewhere."""
    whole = list(lines())
    for _ in range(random.randint(1, 60)):
        number = random.randrange(1, len(whole))
        event: dict[str, Any] = json.loads(whole[number])
        match random.choice(["data", "data", "field", "swap", "span", "link"]):
            case "data" if event.get("data"):
                event["data"][random.choice(list(event["data"]))] = random.choice(ODD)
            case "field":
                name = random.choice(list(FIELDS))
                event[name] = random.choice(FIELDS[name])
                event["seq"] += 100_000 if name == "party" else 0  # two events of one number are no trace
            case "span" if event.get("spans"):
                span = random.choice(event["spans"])
                span[random.choice(["start", "end"])] = random.choice([-5, 0, 1, 40, 5000, 2**40])
                span["name"] = random.choice([span["name"], "", ".", "a.b", "random"])
            case "link":
                rel = random.choice(["inside", "response-to"])
                event["links"] = [{"rel": rel, "party": random.choice(["bank", "alice"]), "seq": random.randint(0, 60)}]
            case "swap":
                other = random.randrange(1, len(whole))
                whole[number], whole[other] = whole[other], whole[number]
                continue
            case _:
                continue
        whole[number] = json.dumps(event).encode()
    return b"\n".join(whole)


def look(trace: Trace) -> None:
    """Look at a trace in every view."""
    for secrets in (False, True):
        ladder = Ladder.of(trace, secrets=secrets)
        document = ladder.document
        again = msgspec.json.decode(msgspec.json.encode(document), type=Document)
        assert again == document
        assert [row.id for row in again.rows] == list(range(len(again.rows)))
        for row in again.rows:
            if isinstance(row, MessageRow | TpmRow):
                assert 0 <= row.first < max(1, len(row.parts[0].fields))
            if isinstance(row, MessageRow):
                assert all(0 <= c.field < len(row.parts[0].fields) for c in row.compared)
            for piece in row.parts:
                size = len(piece.hex) // 2
                assert all(0 <= f.start < f.end <= size for f in piece.fields)
                assert all(max(f.label, f.value, f.note, f.clause) < len(again.texts) for f in piece.fields)
        picture_html(ladder)
    TerminalLadder(Console(file=io.StringIO(), width=100)).attach(trace)()


@pytest.mark.long
@settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_a_trace_changed_anywhere_is_shown_by_every_view(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        path.write_bytes(changed(Random(seed)))  # noqa: S311 - not for keys
        trace = Trace.load(path)
    look(trace)


def test_a_trace_of_an_earlier_version_is_shown_with_its_refusal(tmp_path: Path) -> None:
    path = tmp_path / "before.jsonl"
    path.write_bytes(gzip.decompress(KEPT.read_bytes()))
    ladder = Ladder.of(Trace.load(path), secrets=True)
    assert all(row.say for row in ladder.rows)
    assert any("One input differs: the server's public key." in row.say for row in ladder.rows)


def test_batches_of_a_growing_trace_make_the_whole_document(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(lines()))
    trace = Trace.load(path)
    ladder = Ladder(trace.title, trace.substrate)
    shown = msgspec.json.decode(msgspec.json.encode(ladder.restart()), type=Document)
    waiting: dict[int, Any] = {}
    for number, event in enumerate(trace, start=1):
        waiting |= {row.id: row for row in ladder.feed(event)}
        if number % 7 and number < len(trace):
            continue
        batch = msgspec.json.decode(msgspec.json.encode(ladder.batch(waiting.values())), type=Batch)
        waiting.clear()
        assert batch.texts_from == len(shown.texts)
        shown.texts += batch.texts
        shown.frame = msgspec.convert(reframed(*map(msgspec.to_builtins, (shown.frame, batch))), Frame)
        for row in batch.rows:
            assert row.id <= len(shown.rows), "a batch left a gap"
            shown.rows[row.id : row.id + 1] = [row]
    assert shown == Ladder.of(trace).document
